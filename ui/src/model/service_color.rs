//! Series colours of services: stable by name, different inside one trace while eight suffice.

use super::order;

/// Number of series colours in `tokens.css`.
const N_COLORS: u64 = 8;

/// Colour classes, in the order of the tokens.
const PAINTS: [&str; N_COLORS as usize] = ["p-1", "p-2", "p-3", "p-4", "p-5", "p-6", "p-7", "p-8"];

/// Colours of the services of one picture.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ServiceColors(Vec<(String, &'static str)>);

impl ServiceColors {
    /// Gives each name the colour of its hash, or the next free one while there are free ones. Names
    /// are served in alphabetical order, so the same set always looks the same.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        order::sort_distinct(&mut names);
        let mut is_taken = [false; N_COLORS as usize];
        let colors = names.into_iter().map(|name| {
            let wanted = slot(name);
            let free = (0..PAINTS.len()).map(|i| (wanted + i) % PAINTS.len()).find(|slot| !is_taken[*slot]);
            let slot = free.unwrap_or(wanted);
            is_taken[slot] = true;
            (name.to_owned(), PAINTS[slot])
        });
        Self(colors.collect())
    }

    /// Colour class of a service; one that was not named at the start gets its hash colour.
    pub fn paint(&self, service: &str) -> &'static str {
        match self.0.binary_search_by(|(name, _)| name.as_str().cmp(service)) {
            Ok(idx) => self.0[idx].1,
            Err(_) => PAINTS[slot(service)],
        }
    }
}

/// FNV-1a, because it must be the same in every build and browser.
fn slot(name: &str) -> usize {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    ((hash >> 32) % N_COLORS) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: eight services in any order, and a ninth.
    /// Guarantees: eight different colours, the same in every order; the ninth still has one.
    #[test]
    fn eight_services_differ() {
        let names = ["cart", "checkout", "orders-db", "web", "mail", "search", "stock", "ads"];
        let colors = ServiceColors::of(names);
        let mut paints: Vec<_> = names.iter().map(|name| colors.paint(name)).collect();
        paints.sort_unstable();
        paints.dedup();
        assert_eq!(paints.len(), 8);
        assert_eq!(ServiceColors::of(names.iter().rev().copied()), colors);
        assert!(colors.paint("ninth").starts_with("p-"));
    }
}
