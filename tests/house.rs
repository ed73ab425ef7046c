//! Rules of the house that the compiler does not check.

use std::path::{Path, PathBuf};

/// Scenario: a source file is added or changed.
/// Guarantees: it opens with a `//!` header that says what it owns, and is ASCII throughout.
#[test]
fn every_source_file_says_what_it_owns() {
    let mut files = Vec::new();
    for dir in ["alerts", "collector", "fuzz/fuzz_targets", "storage", "triage", "ui", "xtask", "tests"] {
        rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(dir), &mut files);
    }
    assert!(files.len() > 50, "the walk found only {} files", files.len());
    let mut failures = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("source is readable");
        if !text.starts_with("//!") {
            failures.push(format!("{}: no //! header", file.display()));
        }
        if let Some(line) = text.lines().position(|line| !line.is_ascii()) {
            failures.push(format!("{}:{}: not ASCII", file.display(), line + 1));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Scenario: the README's configuration reference is copied into a file.
/// Guarantees: the program accepts it as it stands.
#[test]
fn the_readme_shows_a_configuration_that_is_accepted() {
    let readme =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).expect("README");
    let example =
        readme.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).expect("a TOML block");
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), example).expect("written");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_firstfault"));
    let output = command.arg("check-config").arg(file.path()).output().expect("the binary starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn rust_files(dir: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("folder is readable") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
