//! Labelled incidents, replayed through the real server, and how often triage names the cause.
//!
//! A black box: telemetry goes in over OTLP/HTTP, questions go to `POST /api/v1/triage`, and answers are read as any
//! client would read them. Labels are for judging only and never sent. `docs/triage-scores.md` is the page for users.

mod answer;
mod clock;
mod columns;
mod feed;
mod floors;
mod home;
mod incident;
mod json;
mod judge;
mod otlp;
mod server;
mod sets;
mod show;
mod tally;

pub use feed::Sent;
pub use judge::{Judged, Together};
pub use show::{as_json, table};

use anyhow::{Context as _, Result, bail};
use floors::Yardsticks;
use home::Home;
use incident::{Incident, Labelled};
use server::Server;
use sets::Set;
use std::path::PathBuf;

/// What to score, and with what.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Folder with sets of incidents at any depth.
    pub data: PathBuf,
    /// The server's program.
    pub binary: PathBuf,
    /// Where data directories and answers are kept.
    pub work: PathBuf,
    /// Only sets of this name, of this last part of a name, or below it.
    pub set: Option<String>,
    /// Only incidents at these places of a set, from 1; empty for all.
    pub only: Vec<usize>,
    /// Send everything again.
    pub is_fresh: bool,
}

/// What came of all sets.
#[derive(Debug)]
pub struct Scores {
    pub sets: Vec<SetScore>,
}

/// What came of one set.
#[derive(Debug)]
pub struct SetScore {
    pub name: String,
    /// The application, variant or scenario.
    pub app: String,
    pub sent: Sent,
    /// It was sent by an earlier run.
    pub is_cached: bool,
    pub judged: Vec<Judged>,
    pub(crate) yardsticks: Yardsticks,
}

/// Scores the sets that the settings ask for; `tell` hears how far it is. Fails when data cannot be read or the server
/// cannot be used, not for a wrong answer.
pub async fn run(settings: &Settings, tell: &mut dyn FnMut(&str)) -> Result<Scores> {
    let sets = wanted(settings)?;
    let mut scores = Vec::new();
    for set in &sets {
        let score = score(set, settings, tell).await;
        scores.push(score.with_context(|| format!("cannot score {}", set.name))?);
    }
    Ok(Scores { sets: scores })
}

fn wanted(settings: &Settings) -> Result<Vec<Set>> {
    let found = sets::discover(&settings.data)?;
    let Some(name) = settings.set.as_deref() else { return Ok(found) };
    let (wanted, others): (Vec<Set>, Vec<Set>) = found.into_iter().partition(|set| set.is_called(name));
    if wanted.is_empty() {
        let names: Vec<&str> = others.iter().map(|set| set.name.as_str()).collect();
        bail!("no set is called {name:?}; there are {}", names.join(", "));
    }
    Ok(wanted)
}

async fn score(set: &Set, settings: &Settings, tell: &mut dyn FnMut(&str)) -> Result<SetScore> {
    let labelled = set.read()?;
    let home = Home::open(&settings.work, set, settings.is_fresh)?;
    let server = Server::start(&settings.binary, home.dir()).await?;
    let (sent, is_cached) = match home.sent() {
        Some(sent) => (sent, true),
        None => (feed::send(&server, set, tell).await?, false),
    };
    server.wait_until_visible(sent).await?;
    if is_cached {
        tell(&format!("{}: sent by an earlier run; --fresh sends it again", set.name));
    } else {
        home.remember(sent)?;
    }
    let judged = ask_all(&server, &home, set, &labelled, settings, tell).await?;
    server.stop().await?;
    let yardsticks = floors::read(set, &labelled.app)?;
    Ok(SetScore { name: set.name.clone(), app: labelled.app, sent, is_cached, judged, yardsticks })
}

async fn ask_all(
    server: &Server,
    home: &Home,
    set: &Set,
    labelled: &Labelled,
    settings: &Settings,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<Judged>> {
    let is_wanted =
        |incident: &&Incident| settings.only.is_empty() || settings.only.contains(&incident.place);
    let mut judged = Vec::new();
    for incident in labelled.incidents.iter().filter(is_wanted) {
        let started_at = clock::now();
        let answer = server.ask(&incident.question).await;
        let elapsed_ms = u64::try_from(started_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        if let Ok(report) = &answer {
            home.keep_answer(&incident.id, report)?;
        }
        let one = judge::judge(incident, answer, elapsed_ms);
        tell(&format!("{}: {}", set.name, show::line(&one)));
        judged.push(one);
    }
    Ok(judged)
}
