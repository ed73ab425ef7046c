//! Sets of labelled incidents: where they are in a folder, and which layout each has.
//!
//! A layout is known by its file of labels. For each one there is a module that makes questions and truths of the
//! labels, and telemetry of the data.

mod hdx;
mod nezha;
mod petshop;

use crate::feed::Outlet;
use crate::incident::Labelled;
use anyhow::{Context as _, Result, ensure};
use std::path::{Path, PathBuf};

/// Folders inside folders that are looked at.
const DEPTH: usize = 5;
/// Names of sets begin below this folder.
const TOP: &str = "triage/";

/// Layouts, by the data that they were made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Days of an application with injected faults: spans, logs, metrics.
    Nezha,
    /// Nodes with metrics and a graph, no spans.
    PetShop,
    /// One generated incident with distractors.
    Hdx,
}

const KINDS: [Kind; 3] = [Kind::Nezha, Kind::PetShop, Kind::Hdx];

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Nezha => "nezha",
            Self::PetShop => "petshop",
            Self::Hdx => "hdx",
        }
    }

    fn labels(self) -> &'static str {
        match self {
            Self::Nezha => nezha::LABELS,
            Self::PetShop => petshop::LABELS,
            Self::Hdx => hdx::LABELS,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set {
    /// The folder's place below the data: `nezha/2022-08-22`.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) dir: PathBuf,
}

impl Set {
    /// Its name, the last part of it, or a folder that it is in.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let rest =
            |text: &str| text.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        rest(&self.name) || self.name.rsplit('/').next() == Some(name)
    }

    /// The name of its folder.
    pub(crate) fn folder(&self) -> &str {
        self.dir.file_name().and_then(|name| name.to_str()).unwrap_or(&self.name)
    }

    pub(crate) fn read(&self) -> Result<Labelled> {
        match self.kind {
            Kind::Nezha => nezha::read(&self.dir),
            Kind::PetShop => petshop::read(&self.dir),
            Kind::Hdx => hdx::read(&self.dir),
        }
    }

    /// Makes bodies of all its telemetry; blocks while nobody takes them.
    pub(crate) fn produce(&self, outlet: &Outlet) -> Result<()> {
        match self.kind {
            Kind::Nezha => nezha::produce(&self.dir, outlet),
            Kind::PetShop => petshop::produce(&self.dir, outlet),
            Kind::Hdx => hdx::produce(&self.dir, outlet),
        }
    }
}

/// All sets below a folder, by their names.
pub(crate) fn discover(data: &Path) -> Result<Vec<Set>> {
    // A name of its own, also where somebody names the folder of a set, or a folder as `.`.
    let data = data.canonicalize().with_context(|| format!("cannot read {}", data.display()))?;
    let mut sets = Vec::new();
    look_into(&data, &data, 0, &mut sets)?;
    sets.sort_by(|a, b| a.name.cmp(&b.name));
    let labels = KINDS.map(Kind::labels).join(", ");
    ensure!(!sets.is_empty(), "there are no labelled incidents below {}: no {labels}", data.display());
    Ok(sets)
}

fn look_into(data: &Path, dir: &Path, depth: usize, sets: &mut Vec<Set>) -> Result<()> {
    if let Some(kind) = KINDS.into_iter().find(|kind| dir.join(kind.labels()).is_file()) {
        sets.push(Set { name: name(data, dir), kind, dir: dir.to_owned() });
        return Ok(());
    }
    if depth == DEPTH {
        return Ok(());
    }
    let unreadable = || format!("cannot read {}", dir.display());
    for entry in std::fs::read_dir(dir).with_context(unreadable)? {
        let path = entry.with_context(unreadable)?.path();
        if path.is_dir() {
            look_into(data, &path, depth + 1, sets)?;
        }
    }
    Ok(())
}

fn name(data: &Path, dir: &Path) -> String {
    let below = dir.strip_prefix(data).unwrap_or(dir).to_string_lossy().replace('\\', "/");
    match below.as_str() {
        "" => dir.file_name().map_or_else(|| "data".to_owned(), |name| name.to_string_lossy().into_owned()),
        below => below.strip_prefix(TOP).unwrap_or(below).to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a folder with a set of each layout at different depths, one with none, and the folder of a set itself.
    /// Guarantees: all are found with their names and called by them; where there is none, it is said what was looked for.
    #[test]
    fn sets_are_found_by_their_labels() {
        let data = tempfile::tempdir().expect("a folder");
        let make = |dir: &str, file: &str| {
            let dir = data.path().join(dir);
            std::fs::create_dir_all(&dir).expect("a folder");
            std::fs::write(dir.join(file), "{}").expect("written");
        };
        make("triage/nezha/one", "faults.json");
        make("triage/petshop", "issues.json");
        make("other/two", "ground-truth.json");
        make("triage/nothing", "readme.txt");
        let found = discover(data.path()).expect("found");
        let named: Vec<(&str, Kind)> = found.iter().map(|set| (set.name.as_str(), set.kind)).collect();
        assert_eq!(named, [("nezha/one", Kind::Nezha), ("other/two", Kind::Hdx), ("petshop", Kind::PetShop)]);
        let called = |name| found.iter().filter(|set| set.is_called(name)).count();
        assert_eq!(["nezha", "one", "nezha/one", "nez", "petshop"].map(called), [1, 1, 1, 0, 1]);
        let alone = discover(&data.path().join("triage/nezha/one")).expect("found");
        assert_eq!((alone.len(), alone[0].name.as_str(), alone[0].folder()), (1, "one", "one"));
        let error = discover(&data.path().join("triage/nothing")).expect_err("nothing there");
        assert!(error.to_string().contains("faults.json, issues.json, ground-truth.json"), "{error}");
    }
}
