//! The project's own commands. `cargo xtask run` builds and serves, `cargo xtask test` runs
//! everything that CI runs; both install what they need and say so. Nothing of the product is here.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command line tool talks to its user")]

mod bench;
mod conformance;
mod fuzz;
mod gates;
mod paths;
mod run;
mod score;
mod setup;
mod shell;
mod test;
mod ui;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask <command>

  run [--demo] [-- ARGS]   build the dashboard and the server in release and serve;
                           --demo also sends live traffic from the built-in demo;
                           ARGS go to `firstfault serve`
  test [STEP ...]          everything that CI runs, or only the named steps:
                           fmt ui gates clippy doc test deny
  bench storage [ARGS]     measure the storage engine and print a table; --spans 20k|1M|10M|50M,
                           --hours, --runs, --fresh and more; --dev only shows that it works
  bench decode [ARGS]      measure what decoding a span costs, through prost and through views of
                           the bytes, with allocations counted; --runs, --dev
  bench read-models [ARGS] measure what keeping the read models costs, how large they are, and how long
                           the pages of a month of 200 services take; --services, --operations, --days,
                           --scale and more, --dev; the data takes some ten minutes to make, once
  bench triage [ARGS]      measure how long a report over 1M spans of 50 attributes takes and what it holds of
                           memory, alone and through the engine; --spans 20k|1M, --runs, --dev
  conformance --endpoint URL [ARGS]
                           check any OTLP server against the specification, from outside, and
                           print a table; --help says more, and so does docs/conformance.md
  score-triage --data DIR [ARGS]
                           replay labelled incidents through the server, ask it where they broke first,
                           and print how often it is right; --help says more, and so does
                           docs/triage-scores.md; --dev builds for debugging: slow
  fuzz [--seconds N] [TARGET ...]
                           every fuzz target, or only the named ones, for a minute each or N seconds,
                           from the committed seeds; see docs/fuzzing.md
  ui                       build the dashboard only and print where it is
  setup                    install what the tests need and nothing else";

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let (command, rest) = match args.split_first() {
        Some((command, rest)) => (command.as_str(), rest),
        None => bail!("{USAGE}"),
    };
    match command {
        "run" => run::run(rest),
        "test" => test::test(rest),
        "bench" => bench::bench(rest),
        "conformance" => conformance::conformance(rest),
        "score-triage" => score::score_triage(rest),
        "fuzz" => fuzz::fuzz(rest),
        "ui" => ui::build().map(|dist| println!("{}", dist.display())),
        "setup" => setup::everything().map(|_| ()),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        unknown => bail!("unknown command {unknown:?}\n{USAGE}"),
    }
}
