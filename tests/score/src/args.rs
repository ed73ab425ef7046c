//! The command line.

use clap::Parser;
use score::Settings;
use std::path::PathBuf;

/// Replays labelled incidents through the real server, asks it where they broke first, and prints how often it is right.
///
/// Ends with 0 whatever the scores are, with 1 when data cannot be read or the server cannot be used.
#[derive(Debug, Parser)]
#[command(name = "score-triage")]
pub(crate) struct Args {
    /// Folder with sets of incidents, at any depth.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Prints JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
    /// Only this set, or those below this folder, such as nezha/2022-08-22, petshop or hdx.
    #[arg(long, value_name = "NAME")]
    set: Option<String>,
    /// Only the incidents at these places of each set, such as 3,7.
    #[arg(long, value_name = "NUMBERS", value_delimiter = ',')]
    only: Vec<usize>,
    /// Sends everything again, instead of asking what an earlier run has sent.
    #[arg(long)]
    fresh: bool,
    /// The server's program.
    #[arg(long, value_name = "FILE")]
    binary: PathBuf,
    /// Where data directories and answers are kept.
    #[arg(long, value_name = "DIR")]
    work: PathBuf,
}

impl Args {
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            data: self.data.clone(),
            binary: self.binary.clone(),
            work: self.work.clone(),
            set: self.set.clone(),
            only: self.only.clone(),
            is_fresh: self.fresh,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Scenario: the definition of the command line, and one with everything.
    /// Guarantees: it is sound, lists are read, and data is asked for.
    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
        let needed = ["score-triage", "--binary", "b", "--work", "w"];
        let given = ["--data", "d", "--set", "petshop", "--only", "3,7", "--fresh", "--json"];
        let args = Args::try_parse_from(needed.into_iter().chain(given)).expect("valid");
        let settings = args.settings();
        assert_eq!((settings.only, settings.set.as_deref()), (vec![3, 7], Some("petshop")));
        assert!(settings.is_fresh && args.json);
        assert!(Args::try_parse_from(needed).is_err());
    }
}
