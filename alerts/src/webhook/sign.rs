//! Standard Webhooks signatures: `v1,<base64 of HMAC-SHA256 over "id.timestamp.body">`; and other texts that
//! receivers want to see and nobody else.
//!
//! Signs the exact bytes that are sent. A secret is never shown, logged or compared.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// The scheme asks for 24 to 64 random bytes.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;
const PREFIX: &str = "whsec_";

/// One key, or several while they are being rotated.
#[derive(Clone)]
pub struct Secret {
    keys: Vec<Vec<u8>>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// Why a secret was refused; it does not repeat the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    #[error("the secret is empty")]
    Empty,

    #[error("the secret must be \"whsec_\" and base64; `echo whsec_$(openssl rand -base64 32)` makes one")]
    Form,

    #[error("the secret must hold 24 to 64 bytes, this one holds {n_bytes}")]
    Length { n_bytes: usize },
}

impl Secret {
    /// Reads `whsec_<base64>`. Several, separated by blanks, sign side by side: put the new one beside
    /// the old one, switch the receiver over, remove the old one.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let keys = text.split_whitespace().map(key).collect::<Result<Vec<_>, _>>()?;
        if keys.is_empty() { Err(SecretError::Empty) } else { Ok(Self { keys }) }
    }

    /// The value of the `webhook-signature` header.
    pub(crate) fn signature(&self, id: &str, timestamp_s: i64, body: &[u8]) -> String {
        let one = |key: &Vec<u8>| {
            let message = [id.as_bytes(), b".", timestamp_s.to_string().as_bytes(), b".", body].concat();
            format!("v1,{}", STANDARD.encode(hmac_sha256(key, &message)))
        };
        self.keys.iter().map(one).collect::<Vec<_>>().join(" ")
    }
}

/// A token, a password or a key: text that nobody is shown.
#[derive(Clone)]
pub struct Token(String);

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(***)")
    }
}

impl Token {
    /// None where nothing is there, or a control character. Blanks around it belong to the file that it comes from.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let is_good = !text.is_empty() && !text.contains(|c: char| c.is_control());
        is_good.then(|| Self(text.to_owned()))
    }

    /// Visible ASCII, as the headers of HTTP want it.
    pub fn fits_a_header(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_graphic())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

fn key(text: &str) -> Result<Vec<u8>, SecretError> {
    let encoded = text.strip_prefix(PREFIX).ok_or(SecretError::Form)?;
    let key = STANDARD.decode(encoded).map_err(|_| SecretError::Form)?;
    if KEY_BYTES.contains(&key.len()) { Ok(key) } else { Err(SecretError::Length { n_bytes: key.len() }) }
}

fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Scenario: the worked example of the Standard Webhooks specification.
    /// Guarantees: any library that follows it verifies our signatures.
    #[test]
    fn standard_webhooks_example() {
        let secret = Secret::parse("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = br#"{"test": 2432232314}"#;
        assert_eq!(
            secret.signature("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    /// Scenario: RFC 4231 test cases 1, 2, 3 and 6: short key, text key, long data, key above the block.
    /// Guarantees: the MAC is HMAC-SHA256.
    #[test]
    fn rfc_4231() {
        let cases: [(&[u8], &[u8], &str); 4] = [
            (&[0x0b; 20], b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe",
                b"what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (&[0xaa; 20], &[0xdd; 50], "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"),
            (
                &[0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hex(&hmac_sha256(key, message)), expected);
        }
    }

    /// Scenario: two secrets while a key is rotated, and secrets that are too short or not encoded.
    /// Guarantees: one signature per key in order; refusals say why; nothing prints a key.
    #[test]
    fn rotation_and_refusals() {
        let old = format!("whsec_{}", STANDARD.encode([1_u8; 24]));
        let new = format!("whsec_{}", STANDARD.encode([2_u8; 64]));
        let both = Secret::parse(&format!(" {new}  {old}\n")).unwrap();
        let signature = both.signature("id", 1, b"body");
        let separate = [&new, &old].map(|text| Secret::parse(text).unwrap().signature("id", 1, b"body"));
        assert_eq!(signature, separate.join(" "));
        assert_eq!(format!("{both:?}"), "Secret(***)");

        assert_eq!(Secret::parse(" ").unwrap_err(), SecretError::Empty);
        assert_eq!(Secret::parse("hunter2").unwrap_err(), SecretError::Form);
        assert_eq!(Secret::parse("whsec_%%%").unwrap_err(), SecretError::Form);
        let short = format!("whsec_{}", STANDARD.encode([1_u8; 23]));
        assert_eq!(Secret::parse(&short).unwrap_err(), SecretError::Length { n_bytes: 23 });
        let long = format!("whsec_{}", STANDARD.encode([1_u8; 65]));
        assert_eq!(Secret::parse(&long).unwrap_err(), SecretError::Length { n_bytes: 65 });
    }

    /// Scenario: tokens as files hold them, with a line break, with one in between, and with nothing else.
    /// Guarantees: blanks around are not part of it, control characters are refused, nothing prints it.
    #[test]
    fn tokens() {
        let token = Token::parse(" s3cret\n").unwrap();
        assert_eq!(token.reveal(), "s3cret");
        assert_eq!(format!("{token:?}"), "Token(***)");
        assert!(token.fits_a_header() && !Token::parse("two words").unwrap().fits_a_header());
        assert!(Token::parse("a\r\nb").is_none() && Token::parse(" \n").is_none());
    }
}
