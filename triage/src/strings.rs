//! Strings as numbers that compare as the strings do.
//!
//! Every name is looked at once, while tables are read; afterwards formulas work on numbers. The numbers
//! follow the order of the texts, so that sorting by number is sorting by name, whatever order rows came in.

use std::collections::HashMap;

/// The number of a string in [`Strings`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol(pub u32);

/// All strings, sorted; the first is the empty one.
#[derive(Clone, Debug, Default)]
pub struct Strings {
    texts: Vec<String>,
}

/// Collects strings while tables are read. Its numbers are temporary: [`finish`](Self::finish) tells the final ones.
#[derive(Debug)]
pub(crate) struct Interner {
    numbers: HashMap<String, u32>,
}

/// From temporary to final numbers.
#[derive(Debug)]
pub(crate) struct Renumbering(Vec<Symbol>);

/// Remembers the last string of a column: rows that lie together tend to agree.
#[derive(Debug, Default)]
pub(crate) struct Last {
    text: String,
    number: u32,
}

impl Symbol {
    /// The empty string: nothing was sent.
    pub const EMPTY: Self = Self(0);

    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }
}

impl Strings {
    /// The text of a symbol of this table.
    pub fn text(&self, symbol: Symbol) -> &str {
        self.texts.get(symbol.0 as usize).map_or("", String::as_str)
    }

    /// The symbol of a text, if it occurs.
    pub fn find(&self, text: &str) -> Option<Symbol> {
        self.texts.binary_search_by(|known| known.as_str().cmp(text)).ok().map(|at| Symbol(at as u32))
    }

    /// How many there are: every symbol is smaller.
    pub fn n_strings(&self) -> usize {
        self.texts.len()
    }
}

impl Interner {
    /// The empty string is number 0, before and after.
    pub(crate) fn new() -> Self {
        Self { numbers: HashMap::from([(String::new(), 0)]) }
    }

    pub(crate) fn number(&mut self, text: &str) -> u32 {
        if let Some(&number) = self.numbers.get(text) {
            return number;
        }
        let number = self.numbers.len() as u32;
        self.numbers.insert(text.to_owned(), number);
        number
    }

    pub(crate) fn number_after(&mut self, last: &mut Last, text: &str) -> u32 {
        if last.text != text {
            last.number = self.number(text);
            text.clone_into(&mut last.text);
        }
        last.number
    }

    pub(crate) fn finish(self) -> (Strings, Renumbering) {
        let mut numbered: Vec<(String, u32)> = self.numbers.into_iter().collect();
        numbered.sort_unstable();
        let mut symbols = vec![Symbol::EMPTY; numbered.len()];
        for (rank, (_, number)) in numbered.iter().enumerate() {
            symbols[*number as usize] = Symbol(rank as u32);
        }
        (Strings { texts: numbered.into_iter().map(|(text, _)| text).collect() }, Renumbering(symbols))
    }
}

impl Renumbering {
    pub(crate) fn symbol(&self, temporary: Symbol) -> Symbol {
        self.0[temporary.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{Interner, Last, Symbol};

    /// Scenario: names arrive in two orders.
    /// Guarantees: both give the same symbols, which compare as the names do; the empty string is the first.
    #[test]
    fn symbols_do_not_depend_on_the_order_of_arrival() {
        let of = |names: &[&str]| {
            let mut interner = Interner::new();
            let mut last = Last::default();
            let temporary: Vec<_> = names.iter().map(|name| interner.number_after(&mut last, name)).collect();
            let (strings, renumbering) = interner.finish();
            for (name, temporary) in names.iter().zip(temporary) {
                assert_eq!(strings.text(renumbering.symbol(Symbol(temporary))), *name);
            }
            ["", "cart", "web"].map(|name| strings.find(name))
        };
        let expected = [Some(Symbol::EMPTY), Some(Symbol(2)), Some(Symbol(3))];
        assert_eq!(of(&["web", "api", "api", "cart"]), expected);
        assert_eq!(of(&["cart", "web", "", "api"]), expected);
    }
}
