//! `[[auth.tokens]]` and `[[auth.users]]`: who may send, and who may look.
//!
//! As with receivers, a secret never stands in the file and never in a message. A variable is read once; a file
//! again whenever it changes.

use super::super::Problems;
use super::super::raw::{Raw, Section, Value};
use super::{Keys, report_repeated};
use crate::auth::{Credential, Kind, Rates, Secrets};
use crate::causes::with_causes;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Names stand in messages.
const NAME_CHARS_MAX: usize = 120;
const RATE_ITEMS_MAX: u64 = 1_000_000_000;
/// The smallest batches of exporters have some hundred bytes.
const RATE_BYTES_MIN: u64 = 1 << 10;
const RATE_BYTES_MAX: u64 = 1 << 40;

pub(super) fn read(raw: &Raw, env: &BTreeMap<String, String>, problems: &mut Problems) -> Vec<Credential> {
    report_repeated(&raw.tokens, "name", "token", problems);
    report_repeated(&raw.users, "name", "user", problems);
    let tokens = raw.tokens.iter().map(|section| (Kind::Token, section));
    let users = raw.users.iter().map(|section| (Kind::User, section));
    tokens
        .chain(users)
        .filter_map(|(kind, section)| credential(kind, &mut Keys { section, problems }, env))
        .collect()
}

/// Does somebody ask for credentials at the listener of this key? By what is written, so that a token with another
/// fault is not also reported as missing.
pub(super) fn is_asked_at(raw: &Raw, key: &str) -> bool {
    match key {
        "api" => !raw.users.is_empty(),
        _ => !raw.tokens.is_empty() || !raw.users.is_empty() || requires_certificates(&raw.section("tls")),
    }
}

/// What to do about a listener that others reach and where nobody asks.
pub(super) fn way_out(key: &str) -> &'static str {
    match key {
        "api" => {
            "use 127.0.0.1, add [[auth.users]], or set listen.allow_public = true if the network is trusted"
        }
        _ => {
            "use 127.0.0.1, add [[auth.tokens]], or set listen.allow_public = true if the network is trusted"
        }
    }
}

pub(super) fn requires_certificates(tls: &Section) -> bool {
    let mode = tls.fields.get("client_auth").map(|field| &field.value);
    matches!(mode, Some(Value::Text(word)) if word == "require")
}

fn credential(kind: Kind, keys: &mut Keys<'_>, env: &BTreeMap<String, String>) -> Option<Credential> {
    let (example, env_key, file_key) = match kind {
        Kind::Token => ("\"checkout\"", "secret_env", "secret_file"),
        Kind::User => ("\"ada\"", "password_env", "password_file"),
    };
    let name = keys.required("name", example).filter(|name| check_name(kind, keys, name));
    let rates = rates(keys);
    // The digest of a password has the name in it.
    let secrets = secrets(kind, name.as_deref().unwrap_or_default(), keys, env, env_key, file_key);
    Some(Credential { kind, name: name?, secrets: secrets?, rates })
}

fn check_name(kind: Kind, keys: &mut Keys<'_>, name: &str) -> bool {
    let fault = if name.chars().count() > NAME_CHARS_MAX || name.contains(|c: char| c.is_control()) {
        format!("a name has at most {NAME_CHARS_MAX} characters, none of them control characters")
    } else if kind == Kind::User && name.contains(':') {
        "the name of a user has no colon, which separates it from the password".to_owned()
    } else {
        return true;
    };
    keys.problem("name", fault).report(keys.problems);
    false
}

fn rates(keys: &mut Keys<'_>) -> Rates {
    let has_items = keys.section.fields.contains_key("items_per_second");
    let items_per_second = has_items.then(|| keys.integer("items_per_second", 1, 1..=RATE_ITEMS_MAX));
    let bytes_per_second = keys.optional_size("bytes_per_second", RATE_BYTES_MIN..=RATE_BYTES_MAX);
    Rates { items_per_second, bytes_per_second }
}

fn secrets(
    kind: Kind,
    name: &str,
    keys: &mut Keys<'_>,
    env: &BTreeMap<String, String>,
    env_key: &str,
    file_key: &str,
) -> Option<Secrets> {
    let (key, read) = match (keys.text(env_key), keys.text(file_key)) {
        (Some(_), Some(_)) => {
            let message = format!("{env_key} is set too; only one of them can count");
            keys.problem(file_key, message).report(keys.problems);
            return None;
        }
        (Some(variable), None) => {
            let text =
                env.get(&variable).ok_or_else(|| format!("environment variable {variable:?} is not set"));
            (
                env_key,
                text.and_then(|text| Secrets::parse(kind, name, text).map_err(|error| error.to_string())),
            )
        }
        (None, Some(path)) => {
            let read = Secrets::read(kind, name, PathBuf::from(path));
            (file_key, read.map_err(|error| with_causes(&error)))
        }
        (None, None) => {
            // A key of the wrong kind has been reported.
            if ![env_key, file_key].iter().any(|key| keys.section.fields.contains_key(*key)) {
                let hint =
                    format!("add {env_key} = \"NAME_OF_A_VARIABLE\" or {file_key} = \"/run/secrets/...\"");
                keys.problem(env_key, "is missing").hint(hint).report(keys.problems);
            }
            return None;
        }
    };
    read.map_err(|message| keys.problem(key, message).report(keys.problems)).ok()
}
