//! `cargo xtask run`: dashboard and server in release, then serve; with `--demo` live traffic too.

use crate::{paths, shell, ui};
use anyhow::{Context, Result, bail};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::process::{Child, Command};
use std::time::Duration;

pub(crate) fn run(args: &[String]) -> Result<()> {
    let (own, server_args) = split(args);
    let demo = match own {
        [] => false,
        [flag] if flag == "--demo" => true,
        other => bail!("run takes --demo and, after --, arguments for the server; got {other:?}"),
    };
    let dist = ui::build()?;
    shell::run(
        shell::cargo()
            .args(["build", "--release", "--bin", "firstfault"])
            .env("FIRSTFAULT_UI_DIR", dist)
            .env("REQUIRE_UI", "1"),
    )?;
    let binary = paths::target().join("release").join("firstfault");
    let mut server =
        Command::new(&binary).arg("serve").args(server_args).spawn().context("start firstfault")?;
    let demo = if demo { Some(start_demo(&binary, &mut server)?) } else { None };
    let status = server.wait().context("wait for firstfault")?;
    if let Some(mut demo) = demo {
        // The server is gone, so is the demo's purpose; it may have ended by itself.
        demo.kill().ok();
        demo.wait().context("wait for the demo")?;
    }
    if !status.success() {
        bail!("firstfault ended with {status}");
    }
    Ok(())
}

fn split(args: &[String]) -> (&[String], &[String]) {
    match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[]),
    }
}

/// Starts the demo once the server takes OTLP on its usual port.
fn start_demo(binary: &Path, server: &mut Child) -> Result<Child> {
    const OTLP_GRPC: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 4317);
    while TcpStream::connect(OTLP_GRPC).is_err() {
        if let Some(status) = server.try_wait().context("look after firstfault")? {
            bail!("firstfault ended with {status} before the demo could start");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Command::new(binary).args(["demo", "--history", "15m"]).spawn().context("start the demo")
}
