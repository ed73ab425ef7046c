//! How many requests of each side have which value of which key.
//!
//! Keys of neighbouring rows come in the same order, so a key is guessed by its position and looked up only where the
//! guess is wrong; values become numbers in a dictionary of their key. Two threads count every other request each,
//! always two, so that the answer is the same on every machine.

use super::sample::{Counts, Sample};
use super::{Attribute, AttributeScope};
use crate::strings::Strings;
use crate::traces::Traces;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// Keys that are told apart; resources and spans of real systems have some hundred.
const N_KEYS_MAX: usize = 1_000;
/// Values of a key that are told apart by a thread. With more it is a number or an id: from then on only values that
/// were frequent up to then are counted.
const N_VALUES_MAX: usize = 4_096;
/// A value is frequent with this share of the requests that have the key, or of the bad ones among them; far less than
/// what makes a value of an id speak.
const FREQUENT: f64 = 0.01;
/// Requests are counted by so many threads.
pub(super) const N_THREADS: usize = 2;
/// What is kept of a value: texts that differ only behind this are one.
const VALUE_BYTES_MAX: usize = 256;
/// No request yet.
const NEVER: u32 = u32::MAX;

#[derive(Default)]
pub(super) struct Keys<'a> {
    keys: Vec<Key<'a>>,
    places: HashMap<(AttributeScope, &'a str), u32>,
    left_out: HashSet<(AttributeScope, &'a str)>,
}

pub(super) struct Key<'a> {
    pub(super) scope: AttributeScope,
    pub(super) name: &'a str,
    pub(super) values: Vec<Value<'a>>,
    codes: Codes<'a>,
    /// Requests that have the key.
    pub(super) present: Counts,
    last_request: u32,
    /// There were too many values; of those that are left all are frequent.
    pub(super) is_full: bool,
    /// All values up to the last that was told apart are finite numbers.
    pub(super) is_numeric: bool,
}

type Codes<'a> = HashMap<&'a str, u32, BuildHasherDefault<Folding>>;

pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) counts: Counts,
    last_request: u32,
}

/// Where the last rows had their keys and values.
#[derive(Default)]
pub(super) struct Guesses {
    /// Which key was at each position, for each scope.
    keys: [Vec<u32>; 3],
    /// Which value each key had.
    codes: Vec<u32>,
}

pub(super) fn count<'a>(traces: &'a Traces, strings: &'a Strings, sample: &Sample) -> Keys<'a> {
    let part = |part| count_part(traces, strings, sample, part);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..N_THREADS).map(|at| scope.spawn(move || part(at))).collect();
        let mut keys = part(0);
        for other in others {
            keys.absorb(other.join().expect("counting does not panic"));
        }
        keys
    })
}

/// Every so many-th request, so that all parts have bad requests.
fn count_part<'a>(traces: &'a Traces, strings: &'a Strings, sample: &Sample, part: usize) -> Keys<'a> {
    let (mut keys, mut guesses) = (Keys::default(), Guesses::default());
    for request in (part..sample.n_requests()).step_by(N_THREADS) {
        let side = sample.is_bad(request);
        for &span in sample.members(request) {
            visit(traces, strings, span as usize, |scope, position, name, value| {
                if let Some(key) = keys.place(&mut guesses, scope, position, name) {
                    keys.keys[key].count(guesses.code(key), value, request as u32, side);
                }
            });
        }
    }
    keys
}

/// Calls back with scope, position in the scope, key and value, for everything that a span says.
pub(super) fn visit<'a>(
    traces: &'a Traces,
    strings: &'a Strings,
    span: usize,
    mut each: impl FnMut(AttributeScope, usize, &'a str, &'a str),
) {
    let fields = &traces.spans()[span];
    each(AttributeScope::Field, 0, "service", strings.text(fields.service));
    each(AttributeScope::Field, 1, "operation", strings.text(fields.operation));
    for (position, (key, value)) in traces.attributes(span).enumerate() {
        each(AttributeScope::Span, position, key, value);
    }
    for (position, (key, value)) in traces.resource(span).enumerate() {
        each(AttributeScope::Resource, position, key, value);
    }
}

impl Guesses {
    fn key(&self, scope: AttributeScope, position: usize) -> Option<usize> {
        self.keys[scope as usize].get(position).map(|&key| key as usize)
    }

    fn learn(&mut self, scope: AttributeScope, position: usize, key: usize) {
        let guesses = &mut self.keys[scope as usize];
        if position < N_KEYS_MAX {
            guesses.resize(guesses.len().max(position + 1), NEVER);
            guesses[position] = key as u32;
        }
    }

    fn code(&mut self, key: usize) -> &mut u32 {
        if self.codes.len() <= key {
            self.codes.resize(key + 1, NEVER);
        }
        &mut self.codes[key]
    }
}

impl<'a> Keys<'a> {
    pub(super) fn all(&self) -> &[Key<'a>] {
        &self.keys
    }

    pub(super) fn n_left_out(&self) -> usize {
        self.left_out.len()
    }

    /// The key and the number of its value, where the key is wanted and the value was counted.
    pub(super) fn find(
        &self,
        guesses: &mut Guesses,
        (scope, position, name): (AttributeScope, usize, &str),
        text: &str,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Option<(usize, Option<usize>)> {
        let key = self.known(guesses, scope, position, name)?;
        is_wanted(key).then(|| (key, self.keys[key].code(guesses.code(key), text)))
    }

    fn known(
        &self,
        guesses: &mut Guesses,
        scope: AttributeScope,
        position: usize,
        name: &str,
    ) -> Option<usize> {
        let guess = guesses.key(scope, position);
        if let Some(key) = guess
            && self.keys.get(key).is_some_and(|known| known.name == name)
        {
            return Some(key);
        }
        let key = *self.places.get(&(scope, name))? as usize;
        guesses.learn(scope, position, key);
        Some(key)
    }

    /// The key's place, a new one if need be; `None` where there are too many.
    fn place(
        &mut self,
        guesses: &mut Guesses,
        scope: AttributeScope,
        position: usize,
        name: &'a str,
    ) -> Option<usize> {
        self.known(guesses, scope, position, name).or_else(|| self.add(Key::new(scope, name)))
    }

    fn add(&mut self, key: Key<'a>) -> Option<usize> {
        if self.keys.len() >= N_KEYS_MAX {
            if self.left_out.len() < N_KEYS_MAX {
                self.left_out.insert((key.scope, key.name));
            }
            return None;
        }
        self.places.insert((key.scope, key.name), self.keys.len() as u32);
        self.keys.push(key);
        Some(self.keys.len() - 1)
    }

    /// Adds what another thread counted, of other requests.
    fn absorb(&mut self, other: Self) {
        self.left_out.extend(other.left_out);
        for key in other.keys {
            match self.places.get(&(key.scope, key.name)) {
                Some(&known) => self.keys[known as usize].absorb(key),
                None => {
                    self.add(key);
                }
            }
        }
    }
}

impl<'a> Key<'a> {
    fn new(scope: AttributeScope, name: &'a str) -> Self {
        Self {
            scope,
            name,
            values: Vec::new(),
            codes: HashMap::default(),
            present: Counts::default(),
            last_request: NEVER,
            is_full: false,
            is_numeric: true,
        }
    }

    pub(super) fn attribute(&self) -> Attribute {
        Attribute { scope: self.scope, key: self.name.to_owned() }
    }

    fn count(&mut self, guess: &mut u32, text: &'a str, request: u32, side: Option<bool>) {
        if self.last_request != request {
            self.last_request = request;
            self.present.add(side);
        }
        let text = cut(text);
        let Some(code) = self.code(guess, text).or_else(|| self.new_code(text)) else { return };
        let value = &mut self.values[code];
        if value.last_request != request {
            value.last_request = request;
            value.counts.add(side);
        }
    }

    fn new_code(&mut self, text: &'a str) -> Option<usize> {
        if self.is_full {
            return None;
        }
        if self.values.len() >= N_VALUES_MAX {
            self.is_full = true;
            self.keep_frequent();
            return None;
        }
        self.is_numeric = self.is_numeric && number(text).is_some();
        let code = self.values.len();
        self.codes.insert(text, code as u32);
        self.values.push(Value { text, counts: Counts::default(), last_request: NEVER });
        Some(code)
    }

    /// The number of a value that was counted.
    fn code(&self, guess: &mut u32, text: &str) -> Option<usize> {
        let text = cut(text);
        if self.values.get(*guess as usize).is_some_and(|last| last.text == text) {
            return Some(*guess as usize);
        }
        *guess = *self.codes.get(text)?;
        Some(*guess as usize)
    }

    fn keep_frequent(&mut self) {
        let present = self.present;
        self.values.retain(|value| {
            f64::from(value.counts.compared()) >= FREQUENT * f64::from(present.compared())
                || f64::from(value.counts.bad) >= FREQUENT * f64::from(present.bad.max(1))
        });
        self.number_again();
    }

    fn number_again(&mut self) {
        self.codes = self.values.iter().enumerate().map(|(code, value)| (value.text, code as u32)).collect();
    }

    /// Of a key that is full in either part only values stay that both have counted: the others are not whole.
    fn absorb(&mut self, other: Self) {
        self.present = self.present.plus(other.present);
        self.is_numeric &= other.is_numeric;
        self.is_full |= other.is_full;
        let n_own = self.values.len();
        let mut is_shared = vec![false; n_own];
        for value in other.values {
            match self.codes.get(value.text) {
                Some(&code) => {
                    let known = &mut self.values[code as usize];
                    known.counts = known.counts.plus(value.counts);
                    is_shared[code as usize] = true;
                }
                None if !self.is_full => self.values.push(value),
                None => {}
            }
        }
        if self.is_full {
            let mut shared = is_shared.into_iter();
            self.values.retain(|_| shared.next().unwrap_or(false));
        }
        self.number_again();
    }
}

/// A finite number.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// At most so many bytes, ending between two characters.
fn cut(text: &str) -> &str {
    if text.len() <= VALUE_BYTES_MAX {
        return text;
    }
    let end = (0..=VALUE_BYTES_MAX).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    &text[..end]
}

/// A hash of short texts: each eight bytes are multiplied into the sum. Senders may choose texts that collide;
/// dictionaries are small enough to stand that.
#[derive(Default)]
pub(super) struct Folding(u64);

impl Hasher for Folding {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.fold(u64::from_le_bytes(last) ^ (bytes.len() as u64) << 56);
    }

    fn write_u8(&mut self, byte: u8) {
        self.fold(u64::from(byte));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl Folding {
    fn fold(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ 0x2d35_8dcc_aa6c_78a5) * 0x8bb8_4b93_962e_acc9;
        self.0 = product as u64 ^ (product >> 64) as u64;
    }
}
