//! Chance that repeats: a small generator whose whole future follows from its seed.
//!
//! The model draws every number from here, one generator per trace, so that a trace does not depend on how
//! many were made before it or when they are sent. It must never be used for secrets.

use std::f64::consts::TAU;

/// SplitMix64: one 64-bit word of state, good enough for a simulation.
#[derive(Clone, Debug)]
pub(super) struct Rng(u64);

impl Rng {
    /// A generator for one purpose; different parts give unrelated generators.
    pub(super) fn new(parts: &[u64]) -> Rng {
        let mut rng = Rng(0x9E37_79B9_7F4A_7C15);
        for part in parts {
            rng.0 ^= *part;
            rng.0 = rng.next_u64();
        }
        rng
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// From 0 (included) to 1 (excluded), in steps of 2^-53.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(super) fn is_hit(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// From 0 to `n` (excluded); 0 where `n` is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        (self.unit() * n as f64) as u64
    }

    /// The gap between two events that happen `1 / mean` times per unit at random.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * (1.0 - self.unit()).ln()
    }

    /// Skewed to the right, as latencies are: half the draws lie under `median`.
    pub(super) fn lognormal(&mut self, median: f64, sigma: f64) -> f64 {
        let radius = (-2.0 * (1.0 - self.unit()).ln()).sqrt();
        let normal = radius * (TAU * self.unit()).cos();
        median * (sigma * normal).exp()
    }

    /// One of `options`, in proportion to its weight.
    pub(super) fn weighted<'a, T>(&mut self, options: &'a [(u32, T)]) -> &'a T {
        let total: u64 = options.iter().map(|(weight, _)| u64::from(*weight)).sum();
        let mut left = self.below(total);
        for (weight, option) in options {
            if left < u64::from(*weight) {
                return option;
            }
            left -= u64::from(*weight);
        }
        &options[options.len() - 1].1
    }

    /// A span id; never all zeros, which would be invalid.
    pub(super) fn span_id(&mut self) -> [u8; 8] {
        self.next_u64().max(1).to_be_bytes()
    }

    pub(super) fn trace_id(&mut self) -> [u8; 16] {
        let wide = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64().max(1));
        wide.to_be_bytes()
    }
}
