//! How many requests of each side have which value of which key.
//!
//! Keys of neighbouring rows come in the same order, so a key is guessed by its position and looked up only where the
//! guess is wrong; values become numbers in a dictionary of their key.

use super::sample::{Counts, Sample};
use super::{Attribute, AttributeScope};
use crate::strings::Strings;
use crate::traces::Traces;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// Keys that are told apart; resources and spans of real systems have some hundred.
const N_KEYS_MAX: usize = 1_000;
/// Values of a key that are told apart. A value that matters is among the first of them; later ones are not counted.
const N_VALUES_MAX: usize = 20_000;
/// What is kept of a value: texts that differ only behind this are one.
const VALUE_BYTES_MAX: usize = 256;
/// No request yet.
const NEVER: u32 = u32::MAX;

pub(super) struct Keys<'a> {
    keys: Vec<Key<'a>>,
    places: HashMap<(AttributeScope, &'a str), u32>,
    /// Which key the last row had at each position, for each scope.
    guesses: [Vec<u32>; 3],
    left_out: HashMap<(AttributeScope, &'a str), ()>,
}

pub(super) struct Key<'a> {
    pub(super) scope: AttributeScope,
    pub(super) name: &'a str,
    pub(super) values: Vec<Value<'a>>,
    codes: HashMap<&'a str, u32, BuildHasherDefault<Folding>>,
    /// Requests that have the key.
    pub(super) present: Counts,
    last_request: u32,
    last_code: u32,
    /// Values beyond the dictionary were seen.
    pub(super) is_full: bool,
}

pub(super) struct Value<'a> {
    pub(super) text: &'a str,
    pub(super) counts: Counts,
    last_request: u32,
}

pub(super) fn count<'a>(traces: &'a Traces, strings: &'a Strings, sample: &Sample) -> Keys<'a> {
    let mut keys = Keys {
        keys: Vec::new(),
        places: HashMap::new(),
        guesses: Default::default(),
        left_out: HashMap::new(),
    };
    for request in 0..sample.n_requests() {
        let side = sample.is_bad(request);
        for &span in sample.members(request) {
            visit(traces, strings, span as usize, |scope, position, name, value| {
                if let Some(key) = keys.place(scope, position, name) {
                    keys.keys[key].count(value, request as u32, side);
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

impl<'a> Keys<'a> {
    pub(super) fn all(&self) -> &[Key<'a>] {
        &self.keys
    }

    pub(super) fn n_left_out(&self) -> usize {
        self.left_out.len()
    }

    /// The key's place; `None` where there are too many.
    pub(super) fn place(&mut self, scope: AttributeScope, position: usize, name: &'a str) -> Option<usize> {
        let guess = self.guesses[scope as usize].get(position).copied();
        if let Some(key) = guess
            && self.keys.get(key as usize).is_some_and(|known| known.name == name)
        {
            return Some(key as usize);
        }
        let key = self.look_up(scope, name)?;
        let guesses = &mut self.guesses[scope as usize];
        if position < N_KEYS_MAX {
            guesses.resize(guesses.len().max(position + 1), NEVER);
            guesses[position] = key as u32;
        }
        Some(key)
    }

    /// The key and the number of its value, where the key is wanted and the value was counted.
    pub(super) fn find(
        &mut self,
        scope: AttributeScope,
        position: usize,
        name: &'a str,
        text: &str,
        is_wanted: impl Fn(usize) -> bool,
    ) -> Option<(usize, Option<usize>)> {
        let key = self.place(scope, position, name).filter(|key| is_wanted(*key))?;
        Some((key, self.keys[key].code(text)))
    }

    fn look_up(&mut self, scope: AttributeScope, name: &'a str) -> Option<usize> {
        if let Some(&key) = self.places.get(&(scope, name)) {
            return Some(key as usize);
        }
        if self.keys.len() >= N_KEYS_MAX {
            if self.left_out.len() < N_KEYS_MAX {
                self.left_out.insert((scope, name), ());
            }
            return None;
        }
        self.places.insert((scope, name), self.keys.len() as u32);
        self.keys.push(Key::new(scope, name));
        Some(self.keys.len() - 1)
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
            last_code: NEVER,
            is_full: false,
        }
    }

    pub(super) fn attribute(&self) -> Attribute {
        Attribute { scope: self.scope, key: self.name.to_owned() }
    }

    fn count(&mut self, text: &'a str, request: u32, side: Option<bool>) {
        if self.last_request != request {
            self.last_request = request;
            self.present.add(side);
        }
        let Some(code) = self.code_or_new(cut(text)) else { return };
        let value = &mut self.values[code];
        if value.last_request != request {
            value.last_request = request;
            value.counts.add(side);
        }
    }

    fn code_or_new(&mut self, text: &'a str) -> Option<usize> {
        if let Some(code) = self.code(text) {
            return Some(code);
        }
        if self.values.len() >= N_VALUES_MAX {
            self.is_full = true;
            return None;
        }
        let code = self.values.len();
        self.last_code = code as u32;
        self.codes.insert(text, code as u32);
        self.values.push(Value { text, counts: Counts::default(), last_request: NEVER });
        Some(code)
    }

    /// The number of a value that was counted.
    pub(super) fn code(&mut self, text: &str) -> Option<usize> {
        let text = cut(text);
        if self.values.get(self.last_code as usize).is_some_and(|last| last.text == text) {
            return Some(self.last_code as usize);
        }
        let code = *self.codes.get(text)?;
        self.last_code = code;
        Some(code as usize)
    }
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
