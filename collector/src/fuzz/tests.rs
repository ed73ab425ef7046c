//! Every target with its committed seeds, and with damaged copies of them.
//!
//! `FIRSTFAULT_FUZZ_ROUNDS=1000000` damages that often instead of 2,000 times, `FIRSTFAULT_FUZZ_SEED=17` repeats one
//! round; a failure prints the command. The same seeds are what a fuzzer starts from: `docs/fuzzing.md`.

use super::{TARGETS, Target};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::fs::DirEntry;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

/// Rounds of each target unless `FIRSTFAULT_FUZZ_ROUNDS` says otherwise: some seconds.
const N_ROUNDS: u64 = 2_000;
/// Damages of one round, at most: after more of them little is left of what a seed had to say.
const N_DAMAGES_MAX: usize = 4;
/// Bytes that one damage takes, repeats or brings, at most.
const PIECE_BYTES_MAX: usize = 24;
/// Bytes that mean something to formats: lengths of none and one, ends of numbers, quotes and brackets.
const TELLING_BYTES: [u8; 16] =
    [0x00, 0x01, 0x02, 0x0a, 0x12, 0x7f, 0x80, 0xff, b'"', b'\\', b'{', b'}', b'[', b']', b',', b'9'];

/// An input that was committed.
struct Seed {
    name: String,
    bytes: Vec<u8>,
}

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz")
}

/// Names in a folder below `fuzz/`.
fn names(folder: &str) -> BTreeSet<String> {
    let entries = std::fs::read_dir(fuzz_folder().join(folder)).expect("the folder is there");
    let name = |entry: DirEntry| entry.file_name().into_string().expect("a name in ASCII");
    entries.map(|entry| name(entry.expect("an entry"))).collect()
}

/// In the order of their names, so that a round draws the same one everywhere.
fn seeds(target: &str) -> Vec<Seed> {
    let folder = format!("corpus/{target}");
    let read = |name: String| {
        let bytes = std::fs::read(fuzz_folder().join(&folder).join(&name)).expect("a file");
        Seed { name, bytes }
    };
    names(&folder).into_iter().map(read).collect()
}

fn target(name: &str) -> Target {
    TARGETS.into_iter().find(|(of_target, _)| *of_target == name).expect("a target").1
}

/// Scenario: the functions, the programs that a fuzzer runs, and the folders of seeds.
/// Guarantees: they have the same names: none is forgotten.
#[test]
fn each_target_has_a_program_and_seeds() {
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    let programs: BTreeSet<String> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names("fuzz_targets"), programs);
    let manifest = std::fs::read_to_string(fuzz_folder().join("Cargo.toml")).expect("a manifest");
    for name in targets {
        let program = format!("name = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"");
        assert!(manifest.contains(&program), "no program {name} in fuzz/Cargo.toml");
    }
}

/// Scenario: every committed seed.
/// Guarantees: it keeps the rules of its target, and those whose names begin so are accepted or refused.
#[test]
fn seeds_are_what_their_names_say() {
    for (name, run) in TARGETS {
        let (mut n_good, mut n_bad) = (0, 0);
        for seed in seeds(name) {
            let is_accepted = run(&seed.bytes);
            let (is_good, is_bad) = (seed.name.starts_with("good-"), seed.name.starts_with("bad-"));
            assert!(is_accepted || !is_good, "{name}/{} is refused", seed.name);
            assert!(!is_accepted || !is_bad, "{name}/{} is accepted", seed.name);
            n_good += usize::from(is_good);
            n_bad += usize::from(is_bad);
        }
        assert!(n_good > 0 && n_bad > 0, "{name} has {n_good} good and {n_bad} bad seeds");
    }
}

/// Scenario: protobuf of each signal, whole requests and items, plain and odd and damaged.
/// Guarantees: views give the rows, the findings and the errors that prost gives.
#[test]
fn damaged_protobuf_keeps_the_rules() {
    damage("protobuf");
}

/// Scenario: OTLP/JSON of each signal, whole requests and items, damaged.
/// Guarantees: what is accepted has the rows of the same request in protobuf, and is exported so that it comes back.
#[test]
fn damaged_json_keeps_the_rules() {
    damage("json");
}

/// Scenario and guarantees: as for JSON, for Zipkin's spans.
#[test]
fn damaged_zipkin_keeps_the_rules() {
    damage("zipkin");
}

/// Scenario and guarantees: as for JSON, for series of remote write, with native histograms and exemplars.
#[test]
fn damaged_remote_writes_keep_the_rules() {
    damage("remote_write");
}

/// Scenario: bodies in each compression with different limits, damaged.
/// Guarantees: nothing above the limit comes out or is charged; refusals are the compression's own.
#[test]
fn damaged_bodies_keep_the_rules() {
    damage("inflate");
}

/// Scenario: frames, records and files of the log, damaged, also with checksums that fit.
/// Guarantees: what is read is what is there; a file is read on behind damage, and to an end.
#[test]
fn damaged_logs_keep_the_rules() {
    damage("wal_frame");
}

/// Runs a target with damaged seeds; the first failure says how to repeat it.
fn damage(name: &str) {
    let (run, seeds) = (target(name), seeds(name));
    let number = |name| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    let (round_first, n_rounds) = (number("FIRSTFAULT_FUZZ_SEED"), number("FIRSTFAULT_FUZZ_ROUNDS"));
    let n_rounds = n_rounds.unwrap_or(if round_first.is_some() { 1 } else { N_ROUNDS });
    let round_first = round_first.unwrap_or(0);
    let mut n_accepted = 0;
    for round in round_first..round_first + n_rounds {
        let input = damaged(&seeds, round);
        match catch_unwind(|| run(&input)) {
            Ok(is_accepted) => n_accepted += u64::from(is_accepted),
            Err(_) => panic!("{}", failed(name, round, &input)),
        }
    }
    // Damage that nothing survives would say little.
    assert!(n_rounds < N_ROUNDS || n_accepted > 0, "none of {n_rounds} inputs was accepted");
}

/// How to repeat it. The input stays in a file, to become a seed.
fn failed(name: &str, round: u64, input: &[u8]) -> String {
    let kept = std::env::temp_dir().join(format!("firstfault-{name}-{round}"));
    std::fs::write(&kept, input).expect("the folder for temporary files can be written");
    format!(
        "target {name} failed, to be repeated with\n\
         FIRSTFAULT_FUZZ_SEED={round} cargo test --package collector fuzz::\n\
         or with its input as a seed: cp {} fuzz/corpus/{name}/",
        kept.display()
    )
}

/// A seed, or what this round makes of it.
fn damaged(seeds: &[Seed], round: u64) -> Vec<u8> {
    let mut draws = StdRng::seed_from_u64(round);
    let mut bytes = seeds[draws.random_range(0..seeds.len())].bytes.clone();
    for _ in 0..draws.random_range(1..=N_DAMAGES_MAX) {
        let other = &seeds[draws.random_range(0..seeds.len())].bytes;
        damage_once(&mut bytes, other, &mut draws);
    }
    bytes
}

fn damage_once(bytes: &mut Vec<u8>, other: &[u8], draws: &mut StdRng) {
    let at = draws.random_range(0..=bytes.len());
    let mut piece = piece(bytes, at, draws).to_vec();
    match draws.random_range(0..16) {
        0..4 => set(bytes, at, |byte| byte ^ (1_u8 << draws.random_range(0..8_u32))),
        4..6 => set(bytes, at, |_| TELLING_BYTES[draws.random_range(0..TELLING_BYTES.len())]),
        6..8 => set(bytes, at, |byte| byte.wrapping_add(draws.random_range(0..9)).wrapping_sub(4)),
        8 => bytes.insert(at, draws.random()),
        9..11 => drop(bytes.drain(at..at + piece.len())),
        11..13 => {
            let to = draws.random_range(0..=bytes.len());
            drop(bytes.splice(to..to, piece));
        }
        13 => {
            let from = draws.random_range(0..=other.len());
            drop(bytes.splice(at..at, self::piece(other, from, draws).to_vec()));
        }
        14 => {
            piece.reverse();
            drop(bytes.splice(at..at + piece.len(), piece));
        }
        _ if draws.random_range(0..4) == 0 => bytes.truncate(at),
        _ => {}
    }
}

/// Some bytes from `at` on.
fn piece<'a>(bytes: &'a [u8], at: usize, draws: &mut StdRng) -> &'a [u8] {
    let n_bytes = draws.random_range(1..=PIECE_BYTES_MAX).min(bytes.len() - at);
    &bytes[at..at + n_bytes]
}

/// Changes a byte, if there is one.
fn set(bytes: &mut [u8], at: usize, change: impl FnOnce(u8) -> u8) {
    if let Some(byte) = bytes.get_mut(at) {
        *byte = change(*byte);
    }
}

/// Scenario: one round twice, and the next.
/// Guarantees: a round depends on its number alone, so that a failure can be repeated.
#[test]
fn a_round_can_be_repeated() {
    let seeds = seeds("json");
    let inputs: Vec<Vec<u8>> = [3, 3, 4].map(|round| damaged(&seeds, round)).into();
    assert_eq!(inputs[0], inputs[1]);
    assert_ne!(inputs[0], inputs[2]);
}

/// Scenario: a round whose target breaks a rule.
/// Guarantees: its message says what to call, and the file that it names has the input.
#[test]
fn a_failure_says_how_to_repeat_it() {
    let message = failed("json", 17, b"an input");
    assert!(message.contains("FIRSTFAULT_FUZZ_SEED=17 cargo test"), "{message}");
    let words: Vec<&str> = message.split_whitespace().collect();
    let [.., kept, folder] = words.as_slice() else { panic!("{message}") };
    assert_eq!(*folder, "fuzz/corpus/json/");
    assert_eq!(std::fs::read(kept).expect("the input"), b"an input");
    std::fs::remove_file(kept).expect("removed");
}
