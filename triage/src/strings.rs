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

/// Remembers strings of a column at a place that their ends and length give: rows tend to repeat few of them.
#[derive(Debug)]
pub(crate) struct Recent {
    slots: Vec<(String, u32)>,
}

/// Strings that a column remembers. A power of two.
const N_RECENT: usize = 1024;

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

    /// As `number`, quicker for what the column held lately.
    pub(crate) fn number_of(&mut self, recent: &mut Recent, text: &str) -> u32 {
        let slot = &mut recent.slots[recent_slot(text)];
        if slot.0 != text {
            slot.1 = self.number(text);
            text.clone_into(&mut slot.0);
        }
        slot.1
    }

    /// Takes the strings of another one; tells what its numbers are here.
    pub(crate) fn absorb(&mut self, other: Self) -> Vec<u32> {
        let mut here = vec![0; other.numbers.len()];
        for (text, there) in other.numbers {
            here[there as usize] = self.number(&text);
        }
        here
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

impl Default for Recent {
    /// An empty slot holds the empty string, whose number is 0.
    fn default() -> Self {
        Self { slots: vec![(String::new(), 0); N_RECENT] }
    }
}

fn recent_slot(text: &str) -> usize {
    let bytes = text.as_bytes();
    let end = |at: usize| bytes.get(bytes.len().wrapping_sub(at)).map_or(0, |byte| usize::from(*byte));
    let start = bytes.first().map_or(0, |byte| usize::from(*byte));
    let mixed = end(1).wrapping_mul(5)
        ^ end(2).wrapping_mul(83)
        ^ end(3).wrapping_mul(331)
        ^ start
        ^ bytes.len() << 4;
    mixed & (N_RECENT - 1)
}

impl Renumbering {
    pub(crate) fn symbol(&self, temporary: Symbol) -> Symbol {
        self.0[temporary.0 as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::{Interner, Recent, Symbol};

    /// Scenario: names arrive in two orders.
    /// Guarantees: both give the same symbols, which compare as the names do; the empty string is the first.
    #[test]
    fn symbols_do_not_depend_on_the_order_of_arrival() {
        let of = |names: &[&str]| {
            let mut interner = Interner::new();
            let mut recent = Recent::default();
            let temporary: Vec<_> = names.iter().map(|name| interner.number_of(&mut recent, name)).collect();
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

    /// Scenario: two halves of a table number their strings apart.
    /// Guarantees: one takes over the other's, and says what they are called now.
    #[test]
    fn numbers_of_two_halves_become_one() {
        let (mut one, mut other) = (Interner::new(), Interner::new());
        let (web, api) = (one.number("web"), one.number("api"));
        let there = ["api", "cart"].map(|name| other.number(name));
        let here = one.absorb(other);
        assert_eq!((here[0], here[there[0] as usize]), (0, api));
        assert_eq!(one.number("cart"), here[there[1] as usize]);
        assert_ne!(web, api);
    }
}
