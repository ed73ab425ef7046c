//! Turns a folder of built UI files into a table that `web` serves from the binary.
//!
//! `FIRSTFAULT_UI_DIR` names the folder (`cargo xtask run` prepares it); without it the table is empty
//! and the binary says so on its page. `REQUIRE_UI=1` makes that an error, so that a release never lacks its UI.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// Cargo reads its directives from this program's standard output.
#[allow(clippy::print_stdout)]
fn tell_cargo(directive: &str) {
    println!("cargo:{directive}");
}

fn main() -> Result<(), Box<dyn Error>> {
    for variable in ["FIRSTFAULT_UI_DIR", "REQUIRE_UI"] {
        tell_cargo(&format!("rerun-if-env-changed={variable}"));
    }
    tell_cargo("rerun-if-changed=build.rs");
    let ui_dir = env::var_os("FIRSTFAULT_UI_DIR").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let files = match &ui_dir {
        Some(dir) => ui_files(dir)?,
        None if env::var("REQUIRE_UI").is_ok_and(|value| value == "1") => {
            return Err("REQUIRE_UI=1 but FIRSTFAULT_UI_DIR is not set: run `cargo xtask run`".into());
        }
        None => Vec::new(),
    };
    let out_dir = PathBuf::from(env::var_os("OUT_DIR").ok_or("cargo sets OUT_DIR")?);
    fs::write(out_dir.join("ui_assets.rs"), table(&files)?)?;
    Ok(())
}

/// All files below `dir`, sorted, so that equal inputs give equal binaries.
fn ui_files(dir: &Path) -> Result<Vec<(String, PathBuf)>, Box<dyn Error>> {
    let dir = dir.canonicalize().map_err(|error| format!("FIRSTFAULT_UI_DIR {}: {error}", dir.display()))?;
    tell_cargo(&format!("rerun-if-changed={}", dir.display()));
    let mut files = Vec::new();
    let mut folders = vec![dir.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(&dir)?.to_str().ok_or("UI file names are text")?;
            files.push((relative.replace('\\', "/"), path.clone()));
        }
    }
    files.sort();
    if !files.iter().any(|(name, _)| name == "index.html") {
        return Err(format!("FIRSTFAULT_UI_DIR {} holds no index.html", dir.display()).into());
    }
    Ok(files)
}

/// Compressed twins (`.br`, `.gz`) become part of the entry of the file they were made from.
fn table(files: &[(String, PathBuf)]) -> Result<String, Box<dyn Error>> {
    let mut source = String::from("pub(crate) static EMBEDDED: &[Asset] = &[\n");
    let find = |name: &str| files.iter().find(|(other, _)| other == name);
    for (name, path) in files {
        let is_twin = |suffix: &str| name.strip_suffix(suffix).is_some_and(|base| find(base).is_some());
        if is_twin(".br") || is_twin(".gz") {
            continue;
        }
        let twin = |suffix: &str| match find(&format!("{name}{suffix}")) {
            Some((_, path)) => format!("Some(include_bytes!({path:?}))"),
            None => "None".to_owned(),
        };
        writeln!(
            source,
            "    Asset {{ path: {name:?}, plain: include_bytes!({path:?}), brotli: {}, gzip: {} }},",
            twin(".br"),
            twin(".gz")
        )?;
    }
    source.push_str("];\n");
    Ok(source)
}
