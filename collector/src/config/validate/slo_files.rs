//! `[slo_files]`: objectives in files of OpenSLO v1.
//!
//! A file is named, or a folder with its `*.yaml` and `*.yml`, or a pattern with one `*` in the last part of a path. All
//! of them are one set. Each mistake is told with its file, document, path and line.

use super::super::Problems;
use super::super::problem::{Origin, Problem};
use super::super::raw::{Raw, Value};
use super::{Keys, objective, strings};
use crate::openslo::{self, File, Issue};
use alerts::Slo;
use std::path::{Path, PathBuf};
use storage::Retention;

/// Files of one set.
const FILES_MAX: usize = 1_000;

/// Adds the objectives of all files to those that the configuration has itself.
pub(super) fn read(
    raw: &Raw,
    receivers: &[alerts::Receiver],
    retention: &Retention,
    slos: &mut Vec<Slo>,
    problems: &mut Problems,
) {
    let section = raw.section("slo_files");
    let mut keys = Keys { section: &section, problems };
    let given = given(&mut keys);
    let mut files = Vec::new();
    for (text, origin) in given {
        match found(&text) {
            Ok(paths) => files.extend(paths.into_iter().map(|path| (path, origin.clone()))),
            Err(message) => {
                keys.problems.push(Problem::new(origin, format!("slo_files.paths: {message}")));
            }
        }
    }
    files.dedup_by(|a, b| a.0 == b.0);
    if files.len() > FILES_MAX {
        keys.problem("paths", format!("names more than {FILES_MAX} files")).report(keys.problems);
        return;
    }
    let texts =
        files.into_iter().filter_map(|(path, origin)| file(&path, origin, keys.problems)).collect::<Vec<_>>();
    let names: Vec<String> = receivers.iter().map(|receiver| receiver.name.clone()).collect();
    match openslo::import(&texts, &names) {
        Ok(imported) => {
            for issue in &imported.warnings {
                tracing::warn!(place = %issue, "an objective may not mean what was meant");
            }
            take_over(imported.objectives, retention, slos, problems);
        }
        Err(issues) => problems.extend(issues.into_iter().map(problem)),
    }
}

fn take_over(
    objectives: Vec<openslo::Objective>,
    retention: &Retention,
    slos: &mut Vec<Slo>,
    problems: &mut Problems,
) {
    for openslo::Objective { spec, file, line, column } in objectives {
        let origin = Origin::Other(format!("{file}:{line}:{column}"));
        if slos.iter().any(|slo| slo.id() == spec.id) {
            problems.push(Problem::new(origin, format!("{:?} is the id of another SLO", spec.id)));
            continue;
        }
        match Slo::new(spec) {
            Ok(slo) => {
                let unkept = objective::unkept(&slo, retention);
                problems
                    .extend(unkept.map(|message| Problem::new(origin, message).hint(objective::UNKEPT_HINT)));
                slos.push(slo);
            }
            Err(error) => problems.push(Problem::new(origin, error.to_string())),
        }
    }
}

fn problem(issue: Issue) -> Problem {
    let Issue { file, document, path, line, column, message, hint } = issue;
    let what = if path.is_empty() { String::new() } else { format!("{path}: ") };
    let origin = Origin::Other(format!("{file}:{line}:{column}: document {document}"));
    Problem { hint, ..Problem::new(origin, format!("{what}{message}")) }
}

/// A variable has paths in one text, with commas between.
fn given(keys: &mut Keys<'_>) -> Vec<(String, Origin)> {
    let key = "paths";
    match keys.section.fields.get(key) {
        Some(field) if keys.is_outside_file(key) => match &field.value {
            Value::Text(text) => {
                let texts = text.split(',').map(str::trim).filter(|text| !text.is_empty());
                texts.map(|text| (text.to_owned(), field.origin.clone())).collect()
            }
            _ => Vec::new(),
        },
        _ => strings(keys, key),
    }
}

fn file(path: &Path, origin: Origin, problems: &mut Problems) -> Option<File> {
    let name = path.display().to_string();
    match std::fs::read_to_string(path) {
        Ok(text) => Some(File { name, text }),
        Err(error) => {
            problems.push(Problem::new(origin, format!("slo_files.paths: {name} cannot be read: {error}")));
            None
        }
    }
}

/// The files that a path names, in order.
fn found(text: &str) -> Result<Vec<PathBuf>, String> {
    let path = Path::new(text);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let Some((before, after)) = name.split_once('*') else {
        return if path.is_dir() {
            listed(path, text, &["", ".yaml", ".yml"])
        } else {
            Ok(vec![path.to_owned()])
        };
    };
    if after.contains('*') {
        return Err(format!("{text:?} has more than one *"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    listed(folder, text, &[before, after])
}

/// Files of a folder whose names begin with the first text and end with one of the others.
fn listed(folder: &Path, text: &str, ends: &[&str]) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{text:?} cannot be listed: {error}"))?;
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry.map_err(|error| format!("{text:?} cannot be listed: {error}"))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let rest = name.strip_prefix(ends[0]);
        let fits = rest.is_some_and(|rest| ends[1..].iter().any(|end| rest.ends_with(end)));
        if fits && path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    if paths.is_empty() { Err(format!("{text:?} names no file")) } else { Ok(paths) }
}
