//! `[[receivers]]`: who is told, and how messages are signed. What a receiver's address may be is
//! decided by `alerts`.
//!
//! A secret never stands in the file: it comes from a variable or a file of its own, so that the
//! configuration can be shown to anybody. Neither secrets nor whole URLs go into messages.

use super::super::Problems;
use super::super::raw::Raw;
use super::{Keys, report_repeated};
use alerts::{Receiver, ReceiverUrl, Secret};
use std::collections::BTreeMap;

/// Names become labels and lines of logs.
const NAME_CHARS_MAX: usize = 120;

pub(super) fn read(raw: &Raw, env: &BTreeMap<String, String>, problems: &mut Problems) -> Vec<Receiver> {
    report_repeated(&raw.receivers, "name", "receiver", problems);
    raw.receivers.iter().filter_map(|section| receiver(&mut Keys { section, problems }, env)).collect()
}

fn receiver(keys: &mut Keys<'_>, env: &BTreeMap<String, String>) -> Option<Receiver> {
    let name = keys.required("name", "\"on-call\"").filter(|name| check_name(keys, name));
    let allow_private_targets = keys.bool("allow_private_targets", false);
    let target = target(keys, allow_private_targets);
    let secret = secret(keys, env);
    let send_resolved = keys.bool("send_resolved", true);
    // There is one format so far; the key lets a file say what it relies on.
    keys.choice("format", &["alertmanager"]);
    Some(Receiver { name: name?, target: target?, secret, send_resolved })
}

fn check_name(keys: &mut Keys<'_>, name: &str) -> bool {
    let good = name.chars().count() <= NAME_CHARS_MAX && !name.contains(|c: char| c.is_control());
    if !good {
        let message =
            format!("a name has at most {NAME_CHARS_MAX} characters, none of them control characters");
        keys.problem("name", message).report(keys.problems);
    }
    good
}

fn target(keys: &mut Keys<'_>, allow_private_targets: bool) -> Option<ReceiverUrl> {
    let text = keys.required("url", "\"https://example.com/hook\"")?;
    match ReceiverUrl::parse(&text, allow_private_targets) {
        Ok(target) => Some(target),
        Err(error) => {
            keys.problem("url", error.to_string()).without_text().report(keys.problems);
            None
        }
    }
}

fn secret(keys: &mut Keys<'_>, env: &BTreeMap<String, String>) -> Option<Secret> {
    let (key, text) = match (keys.text("secret_env"), keys.text("secret_file")) {
        (Some(_), Some(_)) => {
            keys.problem("secret_file", "secret_env is set too; only one of them can count")
                .report(keys.problems);
            return None;
        }
        (Some(name), None) => {
            let text =
                env.get(&name).cloned().ok_or_else(|| format!("environment variable {name:?} is not set"));
            ("secret_env", text)
        }
        (None, Some(path)) => {
            let text =
                std::fs::read_to_string(&path).map_err(|error| format!("{path:?} cannot be read: {error}"));
            ("secret_file", text)
        }
        (None, None) => return None,
    };
    match text.and_then(|text| Secret::parse(text.trim()).map_err(|error| error.to_string())) {
        Ok(secret) => Some(secret),
        Err(message) => {
            keys.problem(key, message).report(keys.problems);
            None
        }
    }
}
