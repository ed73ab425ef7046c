//! Installs what builds and tests need, once, and says what it installs. Operating system packages
//! come from apt; Python and Node packages go into folders of their own under the target directory.

use crate::{paths, shell};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the integration tests are told about.
pub(crate) struct Tools {
    pub(crate) python: PathBuf,
    /// A forwarding agent; none where there is no build of it.
    pub(crate) agent: Option<PathBuf>,
    pub(crate) node_modules: PathBuf,
    pub(crate) chromedriver: PathBuf,
    pub(crate) prometheus: PathBuf,
    pub(crate) alertmanager: PathBuf,
}

pub(crate) fn everything() -> Result<Tools> {
    let python = python()?;
    let agent = agent(&python)?;
    let (node_modules, chromedriver) = (node_modules()?, chromedriver()?);
    // The tests start these themselves: they need not run as services.
    let (prometheus, alertmanager) = (program("prometheus")?, program("prometheus-alertmanager")?);
    Ok(Tools { python, agent, node_modules, chromedriver, prometheus, alertmanager })
}

/// Installs Debian packages; the caller has seen that they are needed.
pub(crate) fn apt(packages: &[&str]) -> Result<()> {
    println!("installing with apt-get: {}", packages.join(" "));
    if shell::output("id", &["-u"]).is_none_or(|uid| uid.trim() != "0") {
        bail!("not root: run `sudo apt-get install {}` and try again", packages.join(" "));
    }
    shell::run(Command::new("apt-get").args(["update", "-qq"]))?;
    shell::run(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "-qq", "--no-install-recommends"])
            .args(packages),
    )
}

/// A Python interpreter with the clients of the tests.
fn python() -> Result<PathBuf> {
    venv("python", "tests/clients/python/requirements.txt")
}

/// The agent that comes among the Python packages. It is a program of its own, but linked with Python's library.
fn agent(python: &Path) -> Result<Option<PathBuf>> {
    const PLACE: &str = "import importlib.util as util, sys; found = util.find_spec('rotel'); \
                         print(f'libpython{sys.version_info[0]}.{sys.version_info[1]}'); \
                         print(found.submodule_search_locations[0] if found else '')";
    let python = python.to_string_lossy();
    let answer =
        shell::output(&python, &["-c", PLACE]).with_context(|| format!("ask {python} for the agent"))?;
    let mut lines = answer.lines();
    let (Some(library), Some(dir)) = (lines.next(), lines.next().filter(|dir| !dir.is_empty())) else {
        println!("no forwarding agent: there is no build of it for this machine, its test is skipped");
        return Ok(None);
    };
    let agent = Path::new(dir).join("rotel-agent");
    if !shell::has(&agent) {
        apt(&[library])?;
    }
    Ok(Some(agent))
}

/// A Python interpreter with the databases that the storage benchmark compares with; about 1 GB.
pub(crate) fn peers() -> Result<PathBuf> {
    venv("peers", "collector/benches/storage/requirements.txt")
}

/// cargo-fuzz, which builds programs for a fuzzer and runs them; the one that is installed, if there is one.
pub(crate) fn cargo_fuzz() -> Result<PathBuf> {
    const VERSION: &str = "0.13.2";
    if !shell::has("c++") {
        apt(&["g++"])?;
    }
    if shell::has("cargo-fuzz") {
        return Ok(PathBuf::from("cargo-fuzz"));
    }
    let dir = paths::tools().join("cargo-fuzz");
    once(&dir, VERSION, || {
        println!("installing cargo-fuzz {VERSION} into {}", dir.display());
        let install = ["install", "--locked", "--version", VERSION, "cargo-fuzz", "--root"];
        shell::run(shell::cargo().args(install).arg(&dir))
    })?;
    Ok(dir.join("bin/cargo-fuzz"))
}

/// A Python interpreter of its own with the packages that a file of the checkout lists.
fn venv(name: &str, requirements: &str) -> Result<PathBuf> {
    let wanted = paths::root().join(requirements);
    let venv = paths::tools().join(name);
    let interpreter = venv.join("bin/python");
    once(&venv, &read(&wanted)?, || {
        println!("installing Python packages into {}: {}", venv.display(), wanted.display());
        if shell::output("python3", &["-c", "import venv, ensurepip"]).is_none() {
            apt(&["python3", "python3-venv"])?;
        }
        shell::run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv))?;
        shell::run(
            Command::new(&interpreter)
                .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"])
                .arg(&wanted),
        )
    })?;
    Ok(interpreter)
}

/// `node_modules` of `tests/clients/node/package.json`, as its lockfile says.
fn node_modules() -> Result<PathBuf> {
    let from = paths::root().join("tests/clients/node");
    let dir = paths::tools().join("node");
    once(&dir, &read(&from.join("package-lock.json"))?, || {
        println!("installing Node packages into {}", dir.display());
        if !shell::has("npm") || !shell::has("node") {
            apt(&["nodejs", "npm"])?;
        }
        std::fs::create_dir_all(&dir)?;
        for name in ["package.json", "package-lock.json"] {
            std::fs::copy(from.join(name), dir.join(name)).with_context(|| format!("copy {name}"))?;
        }
        shell::run(npm().current_dir(&dir).args(["ci", "--no-audit", "--no-fund"]))
    })?;
    Ok(dir.join("node_modules"))
}

/// Chromium and its driver for the browser test.
fn chromedriver() -> Result<PathBuf> {
    if !shell::has("chromedriver") || !(shell::has("chromium") || shell::has("google-chrome")) {
        apt(&["chromium", "chromium-driver"])?;
    }
    let path =
        shell::output("sh", &["-c", "command -v chromedriver"]).context("chromedriver is not in PATH")?;
    Ok(PathBuf::from(path.trim()))
}

/// A program of the Debian package with the same name.
fn program(name: &str) -> Result<PathBuf> {
    if !shell::has(name) {
        apt(&[name])?;
    }
    let find = format!("command -v {name}");
    let path = shell::output("sh", &["-c", &find]).with_context(|| format!("{name} is not in PATH"))?;
    Ok(PathBuf::from(path.trim()))
}

fn npm() -> Command {
    let mut npm = Command::new("npm");
    npm.args(["--loglevel", "error"]);
    npm
}

/// Runs `install` unless `dir` was already filled for exactly this `wanted`.
fn once(dir: &Path, wanted: &str, install: impl FnOnce() -> Result<()>) -> Result<()> {
    let mark = dir.join(".installed");
    if std::fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    install()?;
    std::fs::write(&mark, wanted).with_context(|| format!("write {}", mark.display()))
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("read {}", path.display()))
}
