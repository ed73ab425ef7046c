//! Which requests have a value, one bit each: pairs of values are then an AND and a count.
//!
//! The bits of bad requests fill whole words of their own, so that one count over a part of the words counts them.

use super::count::{Guesses, Keys, N_THREADS, number, visit};
use super::sample::{Counts, Sample};
use super::singles::Verdicts;
use crate::strings::Strings;
use crate::traces::Traces;

#[derive(Clone, Debug)]
pub(super) struct Mask {
    words: Vec<u64>,
    n_bad_words: usize,
}

/// What the second reading of the attributes gives.
pub(super) struct Masks {
    /// One for each candidate.
    pub(super) masks: Vec<Mask>,
    pub(super) numbers: Vec<Numbers>,
}

/// The numbers of a key: the first of each request that has one, in the order of requests.
pub(super) struct Numbers {
    pub(super) key: usize,
    pub(super) values: Vec<(u32, f64)>,
}

/// What to do with a key.
#[derive(Default)]
struct Wanted {
    /// Candidate of each value.
    candidates: Vec<Option<usize>>,
    missing: Option<usize>,
    numbers: Option<usize>,
}

/// O(attributes of the sampled members), by as many threads as counted.
pub(super) fn read(
    traces: &Traces,
    strings: &Strings,
    sample: &Sample,
    keys: &Keys<'_>,
    verdicts: &Verdicts,
) -> Masks {
    let wanted = wanted(keys, verdicts);
    let part = |part| read_part(traces, strings, sample, keys, verdicts, &wanted, part);
    let mut masks = std::thread::scope(|scope| {
        let others: Vec<_> = (1..N_THREADS).map(|at| scope.spawn(move || part(at))).collect();
        let mut masks = part(0);
        for other in others {
            masks.absorb(other.join().expect("reading does not panic"));
        }
        masks
    });
    for missing in wanted.iter().flatten().filter_map(|wanted| wanted.missing) {
        masks.masks[missing].invert(sample);
    }
    masks
}

fn read_part(
    traces: &Traces,
    strings: &Strings,
    sample: &Sample,
    keys: &Keys<'_>,
    verdicts: &Verdicts,
    wanted: &[Option<Wanted>],
    part: usize,
) -> Masks {
    let mut found = Masks {
        masks: vec![Mask::empty(sample); verdicts.candidates.len()],
        numbers: verdicts.numeric.iter().map(|&key| Numbers { key, values: Vec::new() }).collect(),
    };
    let mut guesses = Guesses::default();
    for request in (part..sample.n_bad + sample.n_rest).step_by(N_THREADS) {
        let bit = Mask::bit(sample, request);
        for &span in sample.members(request) {
            visit(traces, strings, span as usize, |scope, position, name, text| {
                let place = (scope, position, name);
                let known = keys.find(&mut guesses, place, text, |key| wanted[key].is_some());
                if let Some((key, code)) = known
                    && let Some(wanted) = &wanted[key]
                {
                    found.note(wanted, code, text, bit, request as u32);
                }
            });
        }
    }
    found
}

impl Masks {
    fn note(&mut self, wanted: &Wanted, code: Option<usize>, text: &str, bit: usize, request: u32) {
        if let Some(candidate) = code.and_then(|code| wanted.candidates[code]) {
            self.masks[candidate].set(bit);
        }
        if let Some(missing) = wanted.missing {
            self.masks[missing].set(bit);
        }
        if let Some(at) = wanted.numbers
            && let Some(value) = number(text)
            && self.numbers[at].values.last().is_none_or(|(last, _)| *last != request)
        {
            self.numbers[at].values.push((request, value));
        }
    }

    /// Adds what another thread read, of other requests.
    fn absorb(&mut self, other: Self) {
        for (mask, other) in self.masks.iter_mut().zip(other.masks) {
            mask.words.iter_mut().zip(other.words).for_each(|(word, other)| *word |= other);
        }
        for (numbers, other) in self.numbers.iter_mut().zip(other.numbers) {
            numbers.values.extend(other.values);
            numbers.values.sort_by_key(|(request, _)| *request);
        }
    }
}

fn wanted(keys: &Keys<'_>, verdicts: &Verdicts) -> Vec<Option<Wanted>> {
    let mut wanted: Vec<Option<Wanted>> = keys.all().iter().map(|_| None).collect();
    for (at, candidate) in verdicts.candidates.iter().enumerate() {
        let wanted = of_key(&mut wanted, keys, candidate.key);
        match candidate.code {
            Some(code) => wanted.candidates[code] = Some(at),
            None => wanted.missing = Some(at),
        }
    }
    for (at, &key) in verdicts.numeric.iter().enumerate() {
        of_key(&mut wanted, keys, key).numbers = Some(at);
    }
    wanted
}

fn of_key<'a>(wanted: &'a mut [Option<Wanted>], keys: &Keys<'_>, key: usize) -> &'a mut Wanted {
    let n_values = keys.all()[key].values.len();
    wanted[key].get_or_insert_with(|| Wanted { candidates: vec![None; n_values], ..Wanted::default() })
}

impl Mask {
    pub(super) fn empty(sample: &Sample) -> Self {
        let n_bad_words = sample.n_bad.div_ceil(64);
        Self { words: vec![0; n_bad_words + sample.n_rest.div_ceil(64)], n_bad_words }
    }

    /// Place of a request's bit.
    pub(super) fn bit(sample: &Sample, request: usize) -> usize {
        match request.checked_sub(sample.n_bad) {
            Some(rest) => sample.n_bad.div_ceil(64) * 64 + rest,
            None => request,
        }
    }

    pub(super) fn set(&mut self, bit: usize) {
        self.words[bit / 64] |= 1 << (bit % 64);
    }

    /// All requests that are not in it.
    fn invert(&mut self, sample: &Sample) {
        for word in &mut self.words {
            *word = !*word;
        }
        let (bad, rest) = self.words.split_at_mut(self.n_bad_words);
        clear_behind(bad, sample.n_bad);
        clear_behind(rest, sample.n_rest);
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts_by(self, |word, _| word)
    }

    pub(super) fn counts_and(&self, other: &Self) -> Counts {
        self.counts_by(other, |word, other| word & other)
    }

    pub(super) fn and(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(word, other)| word & other).collect();
        Self { words, n_bad_words: self.n_bad_words }
    }

    fn counts_by(&self, other: &Self, combine: impl Fn(u64, u64) -> u64) -> Counts {
        let count = |words: &[u64], others: &[u64]| -> u32 {
            words.iter().zip(others).map(|(word, other)| combine(*word, *other).count_ones()).sum()
        };
        let (bad, rest) = self.words.split_at(self.n_bad_words);
        let (other_bad, other_rest) = other.words.split_at(self.n_bad_words);
        Counts { bad: count(bad, other_bad), rest: count(rest, other_rest), before: 0 }
    }

    /// Whether both select the same requests, all but one in twenty.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        let both = self.counts_and(other).compared();
        let either = self.counts().compared() + other.counts().compared() - both;
        f64::from(both) > 0.95 * f64::from(either)
    }
}

fn clear_behind(words: &mut [u64], n_bits: usize) {
    if let Some(last) = words.last_mut()
        && !n_bits.is_multiple_of(64)
    {
        *last &= (1 << (n_bits % 64)) - 1;
    }
}
