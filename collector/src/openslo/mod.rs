//! OpenSLO v1: objectives in files that other tools read too.
//!
//! Text becomes a tree with places (`yaml`), a tree becomes documents that are checked by themselves (`document`, `sli`,
//! `policy`), and documents become objectives (`link`, `source`). `export` goes the other way. Every mistake is told
//! with its file, document, path and line, and where there is one, nothing is taken over.

mod document;
mod export;
mod fields;
mod issue;
mod link;
mod policy;
mod sli;
mod source;
pub(crate) mod yaml;

pub(crate) use export::{export, quote};
pub(crate) use issue::Issue;

use alerts::SloSpec;
use document::Document;
use issue::{Issues, Spot};
use yaml::{Node, Place};

/// A file, by what messages call it.
#[derive(Debug, Clone)]
pub(crate) struct File {
    pub(crate) name: String,
    pub(crate) text: String,
}

/// An objective of a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Objective {
    pub(crate) spec: SloSpec,
    pub(crate) file: String,
    pub(crate) line: usize,
    pub(crate) column: usize,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Imported {
    pub(crate) objectives: Vec<Objective>,
    /// What was taken over, and may not mean what was meant.
    pub(crate) warnings: Vec<Issue>,
}

/// Reads objectives. All files are one set: names may be of another file.
pub(crate) fn import(files: &[File], receivers: &[String]) -> Result<Imported, Vec<Issue>> {
    let issues = Issues::default();
    let trees = trees(files, &issues);
    let linked = {
        let documents = documents(&trees, &issues);
        // Half a set would only add noise about names that are in the other half.
        if issues.n_errors() == 0 { link::objectives(&documents, receivers, &issues) } else { Vec::new() }
    };
    let (errors, warnings) = issues.into_parts();
    if !errors.is_empty() {
        return Err(errors);
    }
    let objective = |link::Linked { spec, spot }: link::Linked| {
        let Spot { file, place: Place { line, column }, .. } = spot;
        Objective { spec, file, line, column }
    };
    Ok(Imported { objectives: linked.into_iter().map(objective).collect(), warnings })
}

/// Checks documents by themselves: they may be sound, and still say what is not evaluated here. The number of them.
pub(crate) fn validate(files: &[File]) -> Result<usize, Vec<Issue>> {
    let issues = Issues::default();
    let trees = trees(files, &issues);
    let n_documents = documents(&trees, &issues).len();
    let (errors, _) = issues.into_parts();
    if errors.is_empty() { Ok(n_documents) } else { Err(errors) }
}

fn trees(files: &[File], issues: &Issues) -> Vec<(Spot, Node)> {
    let mut trees = Vec::new();
    for File { name, text } in files {
        let spot = |document, place| Spot { file: name.clone(), document, path: String::new(), place };
        match yaml::documents(text) {
            Ok(found) if found.is_empty() => {
                issues.error(&spot(1, Place { line: 1, column: 1 }), "the file has no document");
            }
            Ok(found) => {
                trees.extend(found.into_iter().map(|(number, node)| (spot(number, node.place), node)));
            }
            Err(error) => issues.error(&spot(error.document, error.place), error.message),
        }
    }
    trees
}

fn documents<'a>(trees: &'a [(Spot, Node)], issues: &'a Issues) -> Vec<Document<'a>> {
    trees.iter().filter_map(|(spot, node)| document::read(node, spot.clone(), issues)).collect()
}

#[cfg(test)]
mod tests;
