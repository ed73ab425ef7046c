//! What comes back from behind damage: every record that is whole, and nothing else.

use super::damage::{assert_prefix, boundaries, three_files};
use super::{Log, small_records};
use crate::test_rows::T0;
use crate::wal::files::log_files;
use crate::wal::frame::{FRAME_BYTES_MIN, encode_header};
use crate::wal::search::{Found, SearchStart, Searched, next_frame};
use crate::wal::{Frame, OldDamage, PackedRecord, Replayed};
use crate::{Signal, WalRecord, fs};
use bytes::Bytes;
use proptest::prelude::*;
use std::fs::File;

fn sequences(frames: &[Frame]) -> Vec<u64> {
    frames.iter().map(|frame| frame.sequence).collect()
}

fn frame(sequence: u64, payload: &[u8]) -> Vec<u8> {
    let payload = Bytes::copy_from_slice(payload);
    let record = WalRecord { signal: Signal::Logs, encoding: 1, received_at: T0, payload };
    let mut bytes = Vec::new();
    PackedRecord::pack(record).expect("small").encode(sequence, &mut bytes);
    bytes
}

/// Bytes without a pattern that a compressor would find.
fn noise(n_bytes: usize, seed: u64) -> Vec<u8> {
    let mut state = seed | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..n_bytes).map(|_| next()).collect()
}

/// A log of one file.
fn log_of(bytes: &[u8]) -> Log {
    let log = Log::new();
    let path = fs::wal_dir(log.dir.path()).join("00000000000000000001.wal");
    std::fs::write(path, bytes).expect("write");
    log
}

/// Scenario: every single bit of the newest file is flipped in turn.
/// Guarantees: no flipped bit is read as data. The record that has it is lost, or none if it is in the
/// header; all others are replayed, and the damage is told to the byte. Damage in the last record cannot be
/// told from an unfinished write.
#[tokio::test]
async fn a_flipped_bit_costs_one_record() {
    let log = Log::new();
    let path = log.small().await;
    let whole = std::fs::read(&path).expect("read");
    let starts: Vec<usize> = [0].into_iter().chain(boundaries()).collect();
    for bit in 0..whole.len() * 8 {
        let mut damaged = whole.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let hit = starts.iter().rposition(|&start| start <= bit / 8).expect("0 is one") as u64;
        if hit == 3 {
            assert_prefix(&log, &path, &damaged, bit / 8);
            continue;
        }
        std::fs::write(&path, &damaged).expect("write");
        let (frames, Replayed { damaged: files, n_bytes_cut, .. }) = log.replay().expect("replay");
        let wanted: Vec<u64> = (1..=3).filter(|&sequence| sequence != hit).collect();
        assert_eq!((sequences(&frames), n_bytes_cut), (wanted, 0), "bit {bit}");
        for frame in frames {
            assert_eq!(frame.record, small_records()[frame.sequence as usize - 1], "bit {bit}");
        }
        let [file] = &*files else { panic!("bit {bit}: {files:?}") };
        let place = starts[hit as usize]..starts[hit as usize + 1];
        let told = (file.bad.offset as usize, file.bad.n_bytes as usize, file.sequences);
        assert_eq!(told, (place.start, place.len(), (1, 3)), "bit {bit}");
        assert_eq!(std::fs::read(&path).expect("read"), damaged, "left for the engine");
    }
}

/// Scenario: every byte of an older file is changed in turn, and the log is to be repaired.
/// Guarantees: the records of all other files are replayed, with what is whole of this one.
#[tokio::test]
async fn an_older_file_is_repaired() {
    let log = three_files().await;
    let path = &log.files()[1];
    let whole = std::fs::read(path).expect("read");
    for at in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[at] ^= 0xff;
        std::fs::write(path, &damaged).expect("write");
        let (frames, replayed) = log.replay_with(OldDamage::Repaired).expect("replay");
        let wanted: &[u64] = if at < boundaries()[0] { &[1, 2, 3] } else { &[1, 3] };
        assert_eq!(sequences(&frames), wanted, "byte {at}");
        let [file] = &*replayed.damaged else { panic!("byte {at}") };
        assert_eq!((&file.path, file.sequences), (path, (2, 2)), "byte {at}");
    }
}

/// Scenario: the payload of a damaged record holds a frame that is whole, with a number that could follow.
/// Guarantees: the record that really follows is taken, the one in the payload is not.
#[test]
fn a_frame_in_a_payload_is_no_record() {
    let forged = frame(2, &noise(50, 3));
    let payload = [noise(2_000, 4), forged.clone(), noise(2_000, 5)].concat();
    let (outer, next) = (frame(1, &payload), frame(2, b"the real one"));
    assert!(outer.windows(forged.len()).any(|bytes| bytes == forged), "stored as it is");
    let mut bytes = [&encode_header(1)[..], &outer, &next].concat();
    bytes[25] ^= 1;
    let (frames, _) = log_of(&bytes).replay().expect("replay");
    assert_eq!(sequences(&frames), [2]);
    assert_eq!(&frames[0].record.payload[..], b"the real one");
}

/// Scenario: the length of a record in an older file is damaged, and its payload holds a frame that claims the
/// next file's number.
/// Guarantees: it is no record; what really follows is replayed, and so is the next file.
#[test]
fn a_number_of_the_next_file_is_no_record() {
    let forged = frame(3, &noise(50, 3));
    let outer = frame(1, &[noise(2_000, 4), forged.clone(), noise(2_000, 5)].concat());
    assert!(outer.windows(forged.len()).any(|bytes| bytes == forged), "stored as it is");
    let mut bytes = [&encode_header(1)[..], &outer, &frame(2, b"the real one")].concat();
    bytes[20] ^= 1;
    let log = log_of(&bytes);
    let newest = [&encode_header(3)[..], &frame(3, b"of the next file")].concat();
    std::fs::write(fs::wal_dir(log.dir.path()).join("00000000000000000003.wal"), newest).expect("write");
    let (frames, replayed) = log.replay_with(OldDamage::Repaired).expect("replay");
    assert_eq!(sequences(&frames), [2, 3]);
    assert_eq!(&frames[1].record.payload[..], b"of the next file");
    let [file] = &*replayed.damaged else { panic!("{replayed:?}") };
    assert_eq!((file.n_records, file.sequences), (1, (1, 2)));
}

/// Starts of frames, as many as there is room for, that claim so many bytes.
fn heads(n_bytes: usize, n_body_bytes: impl Fn(usize) -> usize) -> Vec<u8> {
    let mut bytes = vec![0xff; FRAME_BYTES_MIN];
    while bytes.len() < n_bytes {
        let n_body_bytes = n_body_bytes(bytes.len());
        let mut head = frame(1, b"");
        head[..4].copy_from_slice(&(n_body_bytes as u32).to_le_bytes());
        head[24..28].copy_from_slice(&((n_body_bytes - 24) as u32).to_le_bytes());
        bytes.extend(head);
    }
    bytes
}

/// Scenario: megabytes of garbage that look like starts of frames: of ones longer than the file, and of ones
/// that end in it.
/// Guarantees: the former cost nothing, and the record behind them is found; the latter are read only so
/// often, and what could not be searched counts as damage.
#[test]
fn no_garbage_makes_the_search_long() {
    let record = frame(2, b"behind");
    for (is_cheap, n_body_bytes) in [(true, 200 << 20), (false, 1 << 20)] {
        let garbage = heads(2 << 20, |at| if is_cheap || at < 1 << 20 { n_body_bytes } else { 100 << 20 });
        let bytes = [&encode_header(1)[..], &garbage, &record].concat();
        let log = log_of(&bytes);
        let file = File::open(&log.files()[0]).expect("open");
        let n_bytes = bytes.len() as u64;
        let start = SearchStart { offset: 20, n_bytes, sequence_next: 1, sequence_end: None };
        let mut searched = Searched::default();
        let found = next_frame(&file, start, &mut searched).expect("read");
        let wanted = match is_cheap {
            true => Found::Frame { offset: (bytes.len() - record.len()) as u64, sequence: 2 },
            false => Found::GaveUp,
        };
        assert_eq!(found, wanted);
        assert!(searched.n_bytes_tried <= 16 * n_bytes, "{}", searched.n_bytes_tried);
        let (frames, replayed) = log.replay().expect("replay");
        assert_eq!(sequences(&frames), if is_cheap { vec![2] } else { vec![] });
        assert!(replayed.damaged[0].bad.is_inside);
    }
}

/// One way to damage a file.
#[derive(Debug, Clone)]
enum Harm {
    Flip { at: usize, bit: u8 },
    Zeros { at: usize, n_bytes: usize },
    Noise { at: usize, n_bytes: usize },
    Inserted { at: usize, n_bytes: usize },
    Cut { at: usize },
}

fn any_harm() -> impl Strategy<Value = Harm> {
    let place = || (0_usize..8_000, 1_usize..600);
    prop_oneof![
        4 => (0_usize..8_000, 0_u8..8).prop_map(|(at, bit)| Harm::Flip { at, bit }),
        2 => place().prop_map(|(at, n_bytes)| Harm::Zeros { at, n_bytes }),
        2 => place().prop_map(|(at, n_bytes)| Harm::Noise { at, n_bytes }),
        2 => place().prop_map(|(at, n_bytes)| Harm::Inserted { at, n_bytes }),
        1 => (0_usize..8_000).prop_map(|at| Harm::Cut { at }),
    ]
}

impl Harm {
    fn strike(&self, bytes: &mut Vec<u8>) {
        let n_all = bytes.len();
        match *self {
            Self::Flip { at, bit } => {
                bytes.iter_mut().skip(at % n_all).take(1).for_each(|byte| *byte ^= 1 << bit)
            }
            Self::Zeros { at, n_bytes } => {
                bytes.iter_mut().skip(at % n_all).take(n_bytes).for_each(|byte| *byte = 0)
            }
            Self::Noise { at, n_bytes } => {
                let noise = noise(n_bytes, at as u64);
                bytes.iter_mut().skip(at % n_all).zip(noise).for_each(|(byte, noise)| *byte = noise);
            }
            Self::Inserted { at, n_bytes } => {
                let at = at % n_all;
                bytes.splice(at..at, noise(n_bytes, at as u64));
            }
            Self::Cut { at } => bytes.truncate(1 + at % n_all),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Scenario: a file of some records is damaged in several places, by bits, by runs of zeros and of noise,
    /// by noise between its bytes, by a cut.
    /// Guarantees: exactly the records whose bytes are all there are replayed, in their order; what was lost
    /// is told, or cut off if nothing follows it.
    #[test]
    fn whole_records_come_back(
        payloads in prop::collection::vec(0_usize..700, 1..12),
        harms in prop::collection::vec(any_harm(), 0..5),
    ) {
        let frames: Vec<Vec<u8>> =
            payloads.iter().zip(1..).map(|(&n_bytes, sequence)| frame(sequence, &noise(n_bytes, sequence))).collect();
        let whole = [&encode_header(1)[..], &frames.concat()].concat();
        let mut bytes = whole.clone();
        harms.iter().for_each(|harm| harm.strike(&mut bytes));
        let log = log_of(&bytes);
        let is_there = |frame: &&Vec<u8>| bytes.windows(frame.len()).any(|bytes| bytes == **frame);
        let wanted: Vec<u64> =
            frames.iter().zip(1..).filter(|(frame, _)| is_there(frame)).map(|(_, sequence)| sequence).collect();
        let (found, replayed) = log.replay().expect("replay");
        prop_assert_eq!(sequences(&found), wanted.clone());
        for frame in &found {
            let n_bytes = payloads[frame.sequence as usize - 1];
            prop_assert_eq!(&frame.record.payload[..], &noise(n_bytes, frame.sequence)[..]);
        }
        let is_whole = replayed.damaged.is_empty() && replayed.n_bytes_cut == 0;
        let is_prefix = whole.starts_with(&bytes);
        prop_assert_eq!(is_whole, is_prefix && bytes.len() == 20 + frames[..wanted.len()].concat().len());
        prop_assert_eq!(log_files(log.dir.path()).expect("list").len(), usize::from(!wanted.is_empty() || !replayed.damaged.is_empty()));
    }
}
