//! Points in time on the wire.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Nanoseconds since 1970-01-01T00:00:00Z. Written as a decimal string; read from a string or a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct UnixNanos(pub i64);

impl UnixNanos {
    /// Whole milliseconds since 1970, rounded towards negative infinity.
    pub fn millis(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    /// The point in time that is `millis` milliseconds after 1970, saturating.
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
}

impl fmt::Display for UnixNanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for UnixNanos {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UnixNanos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = UnixNanos;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("nanoseconds since 1970 as a decimal string or an integer")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<UnixNanos, E> {
                text.parse().map(UnixNanos).map_err(|_| E::invalid_value(de::Unexpected::Str(text), &self))
            }

            fn visit_i64<E: de::Error>(self, nanos: i64) -> Result<UnixNanos, E> {
                Ok(UnixNanos(nanos))
            }

            fn visit_u64<E: de::Error>(self, nanos: u64) -> Result<UnixNanos, E> {
                i64::try_from(nanos)
                    .map(UnixNanos)
                    .map_err(|_| E::invalid_value(de::Unexpected::Unsigned(nanos), &self))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::UnixNanos;

    /// Scenario: a time past 2^53 nanoseconds crosses the wire.
    /// Guarantees: it is a string there, and every digit comes back, from a string and from a number.
    #[test]
    fn keeps_every_digit() {
        let at = UnixNanos(1_764_000_000_123_456_789);
        let text = serde_json::to_string(&at).expect("serializes");
        assert_eq!(text, "\"1764000000123456789\"");
        assert_eq!(serde_json::from_str::<UnixNanos>(&text).expect("string"), at);
        assert_eq!(serde_json::from_str::<UnixNanos>("1764000000123456789").expect("number"), at);
    }
}
