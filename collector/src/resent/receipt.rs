//! What is written down of a request that was stored, to be remembered in another process.
//!
//! The engine keeps it with the request's rows and does not look into it. `docs/formats/receipts.md` has the bytes.

use super::Fingerprint;
use crate::receive::answer::Acknowledged;
use bytes::Bytes;
use storage::Signal;

/// A request that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) fingerprint: Fingerprint,
    /// Unix nanos.
    pub(crate) stored_at: i64,
    pub(crate) answer: Acknowledged,
}

impl Stored {
    pub(crate) fn receipt(&self) -> Bytes {
        let Self { fingerprint: Fingerprint(hash), stored_at, answer } = self;
        let mut receipt = Vec::with_capacity(33 + answer.message_bytes());
        receipt.extend_from_slice(&hash.to_le_bytes());
        receipt.extend_from_slice(&stored_at.to_le_bytes());
        receipt.push(answer.signal() as u8);
        receipt.extend_from_slice(&answer.n_rejected().to_le_bytes());
        receipt.extend_from_slice(answer.message().unwrap_or_default().as_bytes());
        Bytes::from(receipt)
    }

    /// Nothing if these bytes are no receipt.
    pub(super) fn read(receipt: &[u8]) -> Option<Self> {
        let (hash, rest) = receipt.split_first_chunk::<16>()?;
        let (stored_at, rest) = rest.split_first_chunk::<8>()?;
        let (&signal, rest) = rest.split_first()?;
        let (n_rejected, message) = rest.split_first_chunk::<8>()?;
        let signal = Signal::ALL.into_iter().find(|known| *known as u8 == signal)?;
        let message = std::str::from_utf8(message).ok()?;
        let message = (!message.is_empty()).then(|| message.to_owned());
        Some(Self {
            fingerprint: Fingerprint(u128::from_le_bytes(*hash)),
            stored_at: i64::from_le_bytes(*stored_at),
            answer: Acknowledged::new(signal, u64::from_le_bytes(*n_rejected), message),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Scenario: any request of any signal, answered with any message or none.
        /// Guarantees: its receipt is read as it was written, and not at all where its fixed part is cut.
        #[test]
        fn receipts_are_read_as_written(
            hash in any::<u128>(), stored_at in any::<i64>(), signal in 0..3_usize, n_rejected in any::<u64>(),
            message in any::<Option<String>>(),
        ) {
            let message = message.filter(|message| !message.is_empty());
            let answer = Acknowledged::new(Signal::ALL[signal], n_rejected, message);
            let stored = Stored { fingerprint: Fingerprint(hash), stored_at, answer };
            let receipt = stored.receipt();
            prop_assert_eq!(Stored::read(&receipt), Some(stored));
            for len in 0..33 {
                prop_assert_eq!(Stored::read(&receipt[..len]), None);
            }
        }
    }
}
