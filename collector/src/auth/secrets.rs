//! What a credential is known by: digests of its secrets, and the file they came from.
//!
//! Secrets leave this file in no other form. A file has one on a line of its own, or two while senders move from the
//! old one to the new. All of a line counts, spaces at its ends too.

use super::Kind;
use crate::reload::Unreadable;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::PathBuf;
use subtle::{Choice, ConstantTimeEq as _};

/// The old one and the new one.
const SECRETS_MAX: usize = 2;
/// Characters of a token: fewer could be guessed.
const TOKEN_CHARS_MIN: usize = 16;
/// Characters of a password: who guesses is slowed down, and a server answers some thousand guesses a second at most.
const PASSWORD_CHARS_MIN: usize = 12;
/// Bytes of either, far below what a header may have.
const SECRET_BYTES_MAX: usize = 1024;

/// SHA-256 of what proves who somebody is.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; 32]);

impl Digest {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// In a time that does not depend on where they differ.
    pub(super) fn equals(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

/// Not even the digest: it could be tried against lists of common passwords.
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Secrets {
    digests: Vec<Digest>,
    /// Where they are read again; a variable never changes.
    file: Option<PathBuf>,
}

/// Why a secret cannot be used. It is not told itself.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Read(Unreadable),
    #[error("holds no secret")]
    Empty,
    #[error("holds more than {} lines: the old secret and the new one are enough", SECRETS_MAX)]
    TooMany,
    #[error("a token has at least {} characters; `openssl rand -base64 32` makes one", TOKEN_CHARS_MIN)]
    TokenShort,
    #[error("a password has at least {} characters", PASSWORD_CHARS_MIN)]
    PasswordShort,
    #[error("a secret has at most {} bytes", SECRET_BYTES_MAX)]
    Long,
    #[error("a token has letters, digits and punctuation only, no spaces, not even at its ends")]
    TokenCharacters,
    #[error("a password has no control characters")]
    PasswordCharacters,
}

impl Secrets {
    /// Of a text with a secret, or two on lines of their own.
    pub(crate) fn parse(kind: Kind, name: &str, text: &str) -> Result<Self, Error> {
        let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
        match lines.len() {
            0 => return Err(Error::Empty),
            n if n > SECRETS_MAX => return Err(Error::TooMany),
            _ => {}
        }
        let digests = lines.into_iter().map(|line| digest(kind, name, line)).collect::<Result<_, _>>()?;
        Ok(Self { digests, file: None })
    }

    /// Of a file, which is remembered.
    pub(crate) fn read(kind: Kind, name: &str, path: PathBuf) -> Result<Self, Error> {
        let text = std::fs::read_to_string(&path).map_err(Unreadable::at(&path)).map_err(Error::Read)?;
        Ok(Self { file: Some(path), ..Self::parse(kind, name, &text)? })
    }

    pub(super) fn digests(&self) -> &[Digest] {
        &self.digests
    }

    pub(super) fn file(&self) -> Option<&PathBuf> {
        self.file.as_ref()
    }
}

/// Of what a request presents: a token alone, a user's password behind the name.
fn digest(kind: Kind, name: &str, secret: &str) -> Result<Digest, Error> {
    if secret.len() > SECRET_BYTES_MAX {
        return Err(Error::Long);
    }
    let n_chars = secret.chars().count();
    match kind {
        Kind::Token if !secret.bytes().all(|byte| byte.is_ascii_graphic()) => Err(Error::TokenCharacters),
        Kind::Token if n_chars < TOKEN_CHARS_MIN => Err(Error::TokenShort),
        Kind::Token => Ok(Digest::of(secret.as_bytes())),
        Kind::User if secret.chars().any(char::is_control) => Err(Error::PasswordCharacters),
        Kind::User if n_chars < PASSWORD_CHARS_MIN => Err(Error::PasswordShort),
        Kind::User => Ok(Digest::of(format!("{name}:{secret}").as_bytes())),
    }
}
