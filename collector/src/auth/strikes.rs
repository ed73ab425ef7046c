//! Wrong passwords by address: who keeps guessing is told to come back later.
//!
//! Others behind the same address are not touched: what is right is let in, whatever else came from there. So this
//! keeps clients with an old password, and those who guess, from filling logs and figures; it is the length of a
//! password that keeps it from being guessed. Nothing waits here, so that a guesser holds nothing open. Which addresses
//! are remembered is bounded, and one that rests is forgotten.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

/// One wrong password weighs for so long.
const STRIKE: Duration = Duration::from_secs(6);
/// The weight that is too much: ten at once, and then ten a minute.
const WEIGHT_MAX: Duration = Duration::from_secs(60);
/// Addresses that are remembered.
const ADDRESSES_MAX: usize = 1024;

#[derive(Debug, Default)]
pub(super) struct Strikes {
    /// When all that an address did is forgotten.
    forgotten_at: BTreeMap<IpAddr, Instant>,
}

impl Strikes {
    /// How long an address must wait before another failure of it is answered as such.
    pub(super) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let weight = self.forgotten_at.get(&network(address))?.checked_duration_since(now)?;
        (weight + STRIKE).checked_sub(WEIGHT_MAX).filter(|wait| !wait.is_zero())
    }

    pub(super) fn add(&mut self, address: IpAddr, now: Instant) {
        let address = network(address);
        if self.forgotten_at.len() >= ADDRESSES_MAX && !self.forgotten_at.contains_key(&address) {
            self.make_room(now);
        }
        let forgotten_at = self.forgotten_at.entry(address).or_insert(now);
        *forgotten_at = (*forgotten_at).max(now) + STRIKE;
    }

    fn make_room(&mut self, now: Instant) {
        self.forgotten_at.retain(|_, forgotten_at| *forgotten_at > now);
        if self.forgotten_at.len() >= ADDRESSES_MAX {
            let lightest = self.forgotten_at.iter().min_by_key(|(_, forgotten_at)| **forgotten_at);
            if let Some(lightest) = lightest.map(|(address, _)| *address) {
                self.forgotten_at.remove(&lightest);
            }
        }
    }
}

/// Whoever has one address of IPv6 has the 64 bits behind its network, too.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    /// Scenario: wrong passwords from one address, from its neighbours, and then a rest.
    /// Guarantees: ten are listened to; then one every six seconds; others are not touched; rest makes up for all.
    #[test]
    fn guessing_is_slowed_down() {
        let (mut strikes, start) = (Strikes::default(), Clock.instant());
        let (guesser, other) = (address("10.0.0.1"), address("10.0.0.2"));
        for n in 0..10 {
            assert_eq!(strikes.wait(guesser, start), None, "{n}");
            strikes.add(guesser, start);
        }
        assert_eq!(strikes.wait(guesser, start), Some(STRIKE));
        assert_eq!(strikes.wait(other, start), None);
        assert_eq!(strikes.wait(guesser, start + STRIKE), None);
        strikes.add(guesser, start + STRIKE);
        assert_eq!(strikes.wait(guesser, start + STRIKE), Some(STRIKE));
        assert_eq!(strikes.wait(guesser, start + 20 * STRIKE), None);
    }

    /// Scenario: a guesser changes its address within a network of IPv6, or writes one of IPv4 as one of IPv6.
    /// Guarantees: it is known again; another network is not.
    #[test]
    fn a_network_is_one_guesser() {
        let (mut strikes, start) = (Strikes::default(), Clock.instant());
        for n in 0..10 {
            strikes.add(address(&format!("2001:db8::{n}")), start);
            strikes.add(address("::ffff:10.0.0.1"), start);
        }
        assert!(strikes.wait(address("2001:db8::ffff"), start).is_some());
        assert!(strikes.wait(address("10.0.0.1"), start).is_some());
        assert_eq!(strikes.wait(address("2001:db8:0:1::1"), start), None);
    }

    /// Scenario: one address guesses until it is stopped, then many thousand others guess once.
    /// Guarantees: memory is bounded, and the heaviest is not the one that is forgotten.
    #[test]
    fn addresses_are_bounded() {
        let (mut strikes, start) = (Strikes::default(), Clock.instant());
        let guesser = address("10.0.0.1");
        (0..10).for_each(|_| strikes.add(guesser, start));
        for n in 0..5_000_u32 {
            strikes.add(IpAddr::from((0x0a01_0000 + n).to_be_bytes()), start);
        }
        assert_eq!(strikes.forgotten_at.len(), ADDRESSES_MAX);
        assert!(strikes.wait(guesser, start).is_some());
    }
}
