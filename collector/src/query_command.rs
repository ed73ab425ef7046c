//! `firstfault query`: SQL on a running server, over its API.
//!
//! It never opens the data directory, which the server holds locked. What is printed may hold hostile
//! telemetry: what goes to a terminal is made printable. Into a file or another program JSON and CSV are passed on as the
//! server wrote them.

use crate::reach::{self, Reach};
use clap::ValueEnum;
use reqwest::header::ACCEPT;
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write};
use wire::{ErrorBody, SqlAnswer, SqlRequest};

/// Characters of a cell in a table; JSON and CSV have them all.
const CELL_CHARS_MAX: usize = 80;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    /// The statement, such as "SELECT service, count(*) FROM spans GROUP BY service".
    sql: String,
    /// Address of the server's dashboard.
    #[arg(long, env = "FIRSTFAULT_URL", default_value = "http://127.0.0.1:4320")]
    url: String,
    #[command(flatten)]
    reach: Reach,
    /// How to print the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Table,
    Json,
    Csv,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("{url:?} is not the address of a server: write it as http://HOST:PORT")]
    Url { url: String },
    #[error(transparent)]
    Reach(#[from] reach::Error),
    #[error("no server answers at {url}: start one with `firstfault`, or name another with --url")]
    NoServer { url: String },
    #[error("cannot talk to {url}")]
    Transport {
        url: String,
        #[source]
        source: reqwest::Error,
    },
    #[error("{url} is not a Firstfault server: it answered {status}")]
    Stranger { url: String, status: u16 },
    #[error("{message}")]
    Refused { message: String },
    #[error("cannot print the answer")]
    Print {
        #[source]
        source: io::Error,
    },
}

pub(crate) async fn run(args: Args) -> Result<(), Error> {
    let answer = ask(&args).await?;
    let mut out = io::stdout().lock();
    let printed = match args.format {
        Format::Table => {
            let answer = answer.json::<SqlAnswer>().await.map_err(|source| transport(&args.url, source))?;
            out.write_all(table(&answer).as_bytes())
        }
        Format::Json | Format::Csv => {
            drop(out);
            return copy(answer, &args.url).await;
        }
    };
    finish(printed.and_then(|()| out.flush()))
}

async fn ask(args: &Args) -> Result<reqwest::Response, Error> {
    let accept = if args.format == Format::Csv { "text/csv" } else { "application/json" };
    ask_for(&args.url, &args.reach, &args.sql, accept).await
}

/// The answer of the server at `base` to a statement, in a form that it offers.
pub(crate) async fn ask_for(
    base: &str,
    reach: &Reach,
    sql: &str,
    accept: &str,
) -> Result<reqwest::Response, Error> {
    post(base, "/api/v1/sql", reach, &SqlRequest { sql: sql.to_owned() }, accept).await
}

/// The answer of the server at `base` to a question at one of its paths.
pub(crate) async fn post(
    base: &str,
    path: &str,
    reach: &Reach,
    question: &impl Serialize,
    accept: &str,
) -> Result<reqwest::Response, Error> {
    let url = reqwest::Url::parse(base).and_then(|base| base.join(path));
    let url = url.ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    let url = url.ok_or_else(|| Error::Url { url: base.to_owned() })?;
    // With TLS there may be a server whose certificate is not trusted: then the cause must be told.
    let is_clear = url.scheme() == "http";
    let request = reach.http()?.post(url).header(ACCEPT, accept).json(question);
    let answer = request.send().await.map_err(|source| match source.is_connect() && is_clear {
        true => Error::NoServer { url: base.to_owned() },
        false => transport(base, source),
    })?;
    if answer.status().is_success() { Ok(answer) } else { Err(refused(answer, base).await) }
}

pub(crate) fn transport(url: &str, source: reqwest::Error) -> Error {
    Error::Transport { url: url.to_owned(), source }
}

async fn refused(answer: reqwest::Response, url: &str) -> Error {
    let status = answer.status().as_u16();
    let Ok(ErrorBody { error }) = answer.json().await else {
        return Error::Stranger { url: url.to_owned(), status };
    };
    let hint = error.hint.map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    Error::Refused { message: printable_lines(&error.message) + &printable_lines(&hint) }
}

async fn copy(mut answer: reqwest::Response, url: &str) -> Result<(), Error> {
    let mut out = io::stdout();
    let is_terminal = out.is_terminal();
    let mut unfinished = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|source| transport(url, source))? {
        if is_terminal {
            unfinished.extend_from_slice(&chunk);
            finish(out.write_all(whole_lines(&mut unfinished).as_bytes()))?;
        } else {
            finish(out.write_all(&chunk))?;
        }
    }
    let rest = printable_lines(&String::from_utf8_lossy(&unfinished));
    finish(out.write_all(rest.as_bytes()).and_then(|()| out.flush()))
}

/// Takes the lines that have ended, in a form that does nothing to a terminal.
fn whole_lines(bytes: &mut Vec<u8>) -> String {
    let n_bytes = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
    let lines: Vec<u8> = bytes.drain(..n_bytes).collect();
    printable_lines(&String::from_utf8_lossy(&lines).replace("\r\n", "\n"))
}

/// A reader that has seen enough (`| head`) is no failure.
fn finish(printed: io::Result<()>) -> Result<(), Error> {
    match printed {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        printed => printed.map_err(|source| Error::Print { source }),
    }
}

/// Columns side by side, numbers to the right, with a line about the answer below.
fn table(answer: &SqlAnswer) -> String {
    let names: Vec<String> = answer.columns.iter().map(|column| cell_text(&column.name)).collect();
    let rows: Vec<Vec<String>> = answer.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.chain([&names[column]]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    let mut text = line(&names, &widths, |_| false);
    text.push_str(&line(&widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>(), &widths, |_| {
        false
    }));
    for (row, values) in rows.iter().zip(&answer.rows) {
        text.push_str(&line(row, &widths, |column| values[column].is_number()));
    }
    let n = rows.len();
    let cut =
        if answer.truncated { ", cut at the server's limit: add LIMIT, or use --format csv" } else { "" };
    text + &format!("({n} {}, {} ms{cut})\n", if n == 1 { "row" } else { "rows" }, answer.elapsed_ms)
}

fn line(cells: &[String], widths: &[usize], is_right: impl Fn(usize) -> bool) -> String {
    let padded = cells.iter().zip(widths).enumerate().map(|(column, (cell, &width))| {
        let gap = " ".repeat(width - cell.chars().count().min(width));
        if is_right(column) { gap + cell } else { cell.clone() + &gap }
    });
    padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
}

fn cell(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "-".to_owned(),
        serde_json::Value::String(text) => cell_text(text),
        other => cell_text(&other.to_string()),
    }
}

/// One short line without control characters.
fn cell_text(text: &str) -> String {
    let printable: String = text.chars().take(CELL_CHARS_MAX + 1).flat_map(printable_char).collect();
    if printable.chars().count() <= CELL_CHARS_MAX {
        return printable;
    }
    printable.chars().take(CELL_CHARS_MAX - 3).chain("...".chars()).collect()
}

pub(crate) fn printable_lines(text: &str) -> String {
    text.split('\n')
        .map(|line| line.chars().flat_map(printable_char).collect::<String>())
        .collect::<Vec<_>>()
        .join("\n")
}

fn printable_char(c: char) -> Vec<char> {
    if c.is_control() { c.escape_default().collect() } else { vec![c] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use wire::SqlColumn;

    /// Scenario: an answer with numbers, null, a long text and one that holds a colour code.
    /// Guarantees: columns line up, numbers stand to the right, and nothing reaches the terminal raw.
    #[test]
    fn tables_line_up() {
        let column = |name: &str| SqlColumn { name: name.to_owned(), data_type: String::new() };
        let answer = SqlAnswer {
            columns: vec![column("service"), column("n")],
            rows: vec![
                vec![json!("cart"), json!(7)],
                vec![json!("\u{1b}[31mred"), json!(12_345)],
                vec![json!(null), json!({"a": [1]})],
            ],
            truncated: true,
            elapsed_ms: 3,
        };
        expect_test::expect![[r#"
            service        n
            -------------  ---------
            cart                   7
            \u{1b}[31mred      12345
            -              {"a":[1]}
            (3 rows, 3 ms, cut at the server's limit: add LIMIT, or use --format csv)
        "#]]
        .assert_eq(&table(&answer));
        assert_eq!(cell_text(&"x".repeat(200)).chars().count(), CELL_CHARS_MAX);
    }

    /// Scenario: CSV in pieces that cut a line and a character, with a colour code, an escape of one byte more, and a return
    /// to the start of the line.
    /// Guarantees: lines come out whole and printable, none of them twice.
    #[test]
    fn a_terminal_gets_no_codes() {
        let csv = "a,b\r\n\u{1b}[31mred,\u{e9}\u{9b}2J\rx\nend";
        for at in 0..csv.len() {
            let (mut bytes, mut shown) = (Vec::new(), String::new());
            for piece in [&csv.as_bytes()[..at], &csv.as_bytes()[at..]] {
                bytes.extend_from_slice(piece);
                shown += &whole_lines(&mut bytes);
            }
            assert_eq!(shown, "a,b\n\\u{1b}[31mred,\u{e9}\\u{9b}2J\\rx\n", "cut at {at}");
            assert_eq!(bytes, b"end");
        }
    }

    /// Scenario: no server listens; the address is none.
    /// Guarantees: the message says what to do.
    #[tokio::test]
    async fn says_when_nobody_answers() {
        let unused = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("bound");
        let ask = |url: String| {
            run(Args { sql: "SELECT 1".to_owned(), url, reach: Reach::default(), format: Format::Table })
        };
        let error = ask(format!("http://{unused}")).await.expect_err("nobody there");
        assert!(
            error.to_string().ends_with("start one with `firstfault`, or name another with --url"),
            "{error}"
        );
        let error = ask("localhost:4320".to_owned()).await.expect_err("no URL");
        assert!(error.to_string().contains("http://HOST:PORT"), "{error}");
    }
}
