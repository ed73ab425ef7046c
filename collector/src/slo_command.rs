//! `firstfault slo`: objectives in files, without a server; and back-tests on a running one.

use crate::cli::{self, Failure};
use crate::openslo::{self, File, Issue};
use crate::prometheus_rules;
use crate::query_command;
use crate::reach::Reach;
use crate::units::show_duration;
use alerts::Slo;
use clap::{Subcommand, ValueEnum};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use wire::{BacktestList, BacktestRequest, BacktestRow, EpisodeRow, UnixNanos};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check files of OpenSLO v1: what is wrong with them, and what of them is not evaluated here.
    Check {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Write the objectives of a configuration in a form that other tools read.
    Export(Export),
    /// Say what the alerts of objectives in a file would have done, over what a running server has stored.
    Backtest(Backtest),
}

#[derive(Debug, clap::Args)]
struct Export {
    /// Configuration file (TOML).
    #[arg(long, value_name = "FILE", env = "FIRSTFAULT_CONFIG")]
    config: Option<PathBuf>,
    /// How to write them.
    #[arg(long, value_enum, default_value_t = Format::Openslo)]
    format: Format,
    /// Ids of objectives; all where there is none.
    ids: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// OpenSLO v1, which this program reads back as the same objectives.
    Openslo,
    /// Recording and alerting rules, with the names, windows and factors of Sloth.
    Prometheus,
}

#[derive(Debug, clap::Args)]
struct Backtest {
    /// A file of OpenSLO v1.
    file: PathBuf,
    /// From when on: now-7d, epoch milliseconds, or RFC 3339.
    #[arg(long, default_value = "now-7d")]
    since: String,
    /// Until when.
    #[arg(long, default_value = "now")]
    until: String,
    /// Address of the server's dashboard.
    #[arg(long, env = "FIRSTFAULT_URL", default_value = "http://127.0.0.1:4320")]
    url: String,
    #[command(flatten)]
    reach: Reach,
    /// Print the server's answer as it is.
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(args: Args) -> Result<(), Failure> {
    match args.command {
        Command::Check { files } => check(&files),
        Command::Export(args) => export(args),
        Command::Backtest(args) => backtest(&args),
    }
}

fn check(paths: &[PathBuf]) -> Result<(), Failure> {
    let files = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
    let n_documents = openslo::validate(&files).map_err(|issues| refused(&issues))?;
    // Which receivers there are is for the configuration to say.
    let imported = openslo::import(&files, &[]).map_err(|issues| {
        let told = shown(&issues);
        Failure::usage(format!(
            "{} valid, but not all of it is evaluated here\n\n{told}",
            counted(n_documents)
        ))
    })?;
    let mut text = format!("{} valid\n", counted(n_documents));
    for objective in &imported.objectives {
        let slo = Slo::new(objective.spec.clone()).map_err(|error| Failure::usage(error.to_string()))?;
        let _ = writeln!(text, "  {}: {}", slo.id(), slo.sentence());
        text.extend(slo.notes().iter().map(|note| format!("    note: {note}\n")));
    }
    text.extend(imported.warnings.iter().map(|issue| format!("  warning: {issue}\n")));
    cli::print(text)
}

fn counted(n_documents: usize) -> String {
    if n_documents == 1 { "1 document is".to_owned() } else { format!("{n_documents} documents are") }
}

fn read(path: &Path) -> Result<File, Failure> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(File { name, text }),
        Err(error) => Err(Failure::usage(format!("cannot read {name}: {error}"))),
    }
}

fn refused(issues: &[Issue]) -> Failure {
    Failure::usage(shown(issues))
}

fn shown(issues: &[Issue]) -> String {
    let line = |issue: &Issue| match &issue.hint {
        Some(hint) => format!("{issue}\n  hint: {hint}"),
        None => issue.to_string(),
    };
    query_command::printable_lines(&issues.iter().map(line).collect::<Vec<_>>().join("\n"))
}

fn export(args: Export) -> Result<(), Failure> {
    let config = cli::load(args.config, Vec::new())?;
    for id in &args.ids {
        if !config.slos.iter().any(|slo| slo.id() == id) {
            return Err(Failure::usage(format!("no SLO has the id {id:?}")));
        }
    }
    let is_wanted = |slo: &&Slo| args.ids.is_empty() || args.ids.iter().any(|id| id == slo.id());
    let slos = config.slos.iter().filter(is_wanted);
    let text = match args.format {
        Format::Openslo => openslo::export(slos),
        Format::Prometheus => prometheus_rules::export(slos, &format!("http://{}", config.listen.api))
            .map_err(|error| Failure::work(&error))?,
    };
    cli::print(text)
}

fn backtest(args: &Backtest) -> Result<(), Failure> {
    let file = read(&args.file)?;
    let request = BacktestRequest {
        slo: None,
        objective: None,
        openslo: Some(file.text),
        from: Some(args.since.clone()),
        to: Some(args.until.clone()),
    };
    let asked = async {
        let path = "/api/v1/slos/backtest";
        let answer = query_command::post(&args.url, path, &args.reach, &request, "application/json").await?;
        answer.text().await.map_err(|source| query_command::transport(&args.url, source))
    };
    let text = cli::wait(asked)?.map_err(|error| Failure::work(&error))?;
    if args.json {
        return cli::print(text + "\n");
    }
    let list: BacktestList = serde_json::from_str(&text).map_err(|error| Failure::work(&error))?;
    let mut out = String::new();
    list.backtests.iter().for_each(|row| write_row(&mut out, row));
    out.extend(list.warnings.iter().map(|warning| format!("warning: {warning}\n")));
    cli::print(query_command::printable_lines(&out))
}

fn write_row(out: &mut String, row: &BacktestRow) {
    let share =
        |share: Option<f64>| share.map_or_else(|| "-".to_owned(), |share| format!("{:.3} %", share * 100.0));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{}: {}", row.id, row.sentence);
    let _ = writeln!(
        out,
        "  {} to {}, every {}",
        moment(row.from),
        moment(row.to),
        show_duration(Duration::from_secs(u64::from(row.step_s)))
    );
    let _ = writeln!(
        out,
        "  {} of {} events were good ({}); {:.1} % of the time was measured",
        row.n_good,
        row.n_total,
        share(row.compliance),
        row.coverage * 100.0
    );
    let _ = writeln!(out, "  budget spent: {} of a period's", share(row.budget_spent));
    let _ = writeln!(
        out,
        "  {:.2} pages and {:.2} tickets a week; {} calmed down before firing",
        row.pages_per_week, row.tickets_per_week, row.n_cancelled
    );
    row.episodes.iter().for_each(|episode| write_episode(out, episode));
    out.extend(row.notes.iter().map(|note| format!("  note: {note}\n")));
}

fn write_episode(out: &mut String, episode: &EpisodeRow) {
    let end =
        episode.resolved_at.map_or_else(|| "still firing".to_owned(), |at| format!("to {}", moment(at)));
    let spent =
        episode.budget_spent.map_or_else(String::new, |spent| format!(", {:.2} % spent", spent * 100.0));
    let _ = writeln!(
        out,
        "  {} by tier {}: {} {end}; {:.0} s after onset{spent}",
        episode.severity,
        episode.tier,
        moment(episode.firing_at),
        episode.detection_s
    );
}

fn moment(at: UnixNanos) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(at.0)).map_or_else(|_| at.to_string(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a back-test with a page that ended and a ticket that goes on.
    /// Guarantees: each line says what somebody wants to know of it.
    #[test]
    fn back_tests_are_readable() {
        let at = |s: i64| UnixNanos((1_769_860_800 + s) * 1_000_000_000);
        let episode = |severity: &str, resolved_at| EpisodeRow {
            severity: severity.to_owned(),
            tier: 1,
            onset_at: at(600),
            firing_at: at(640),
            resolved_at,
            detection_s: 40.0,
            burn_long: Some(80.0),
            budget_spent: Some(0.1157),
        };
        let row = BacktestRow {
            id: "tried".to_owned(),
            sentence: "99.9 % of cart requests succeed over 1 d".to_owned(),
            from: at(0),
            to: at(1_200),
            step_s: 10,
            n_good: 570,
            n_total: 600,
            compliance: Some(0.95),
            coverage: 1.0,
            budget_spent: Some(0.694),
            pages_per_week: 504.0,
            tickets_per_week: 0.5,
            n_cancelled: 2,
            episodes: vec![episode("page", Some(at(1_050))), episode("ticket", None)],
            ..BacktestRow::default()
        };
        let mut out = String::new();
        write_row(&mut out, &row);
        expect_test::expect![[r#"
            tried: 99.9 % of cart requests succeed over 1 d
              2026-01-31T12:00:00Z to 2026-01-31T12:20:00Z, every 10s
              570 of 600 events were good (95.000 %); 100.0 % of the time was measured
              budget spent: 69.400 % of a period's
              504.00 pages and 0.50 tickets a week; 2 calmed down before firing
              page by tier 1: 2026-01-31T12:10:40Z to 2026-01-31T12:17:30Z; 40 s after onset, 11.57 % spent
              ticket by tier 1: 2026-01-31T12:10:40Z still firing; 40 s after onset, 11.57 % spent
        "#]]
        .assert_eq(&out);
    }
}
