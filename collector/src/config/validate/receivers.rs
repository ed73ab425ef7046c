//! `[[receivers]]`: who is told, in which way, and how messages are signed. What a receiver's address may be is
//! decided by `alerts`.
//!
//! A secret never stands in the file: it comes from a variable or a file of its own, so that the
//! configuration can be shown to anybody. Neither secrets nor whole URLs go into messages.

use super::super::Problems;
use super::super::problem::Problem;
use super::super::raw::{Raw, Value};
use super::slos::{receiver_hint, receiver_names};
use super::{DAY, Keys, SECOND, report_repeated, strings};
use alerts::{
    Hook, Kind, Mail, MailError, MailServer, MailTls, Members, Network, PagerDuty, PrivateTargets, Receiver,
    ReceiverUrl, Secret, TargetError, Token,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// Names become labels and lines of logs.
const NAME_CHARS_MAX: usize = 120;
/// Members of a cluster; more than anybody runs.
const MEMBERS_MAX: usize = 16;

/// What is read of every receiver.
const COMMON: &[&str] =
    &["name", "kind", "allow_private_targets", "send_resolved", "fallback", "timeout", "give_up_after"];
const URL: &[&str] = &["url", "url_env", "url_file"];
const SECRET: &[&str] = &["secret_env", "secret_file"];
const BEARER: &[&str] = &["bearer_env", "bearer_file"];
const ROUTING_KEY: &[&str] = &["routing_key_env", "routing_key_file"];
const MAIL: &[&str] = &["host", "port", "tls", "from", "to", "username", "password_env", "password_file"];

/// Each kind with the keys that only some have.
const KINDS: &[(&str, &[&[&str]])] = &[
    ("webhook", &[URL, SECRET, BEARER]),
    ("standard-webhooks", &[URL, SECRET, BEARER]),
    ("alertmanager", &[&["url", "urls"], BEARER]),
    ("pagerduty", &[&["url"], ROUTING_KEY]),
    ("slack", &[URL]),
    ("teams", &[URL]),
    ("discord", &[URL]),
    ("mattermost", &[URL]),
    ("email", &[MAIL]),
];

type Env = BTreeMap<String, String>;

pub(super) fn read(raw: &Raw, env: &Env, problems: &mut Problems) -> Vec<Receiver> {
    report_repeated(&raw.receivers, "name", "receiver", problems);
    let names = receiver_names(raw);
    raw.receivers
        .iter()
        .filter_map(|section| receiver(&mut Keys { section, problems }, env, &names))
        .collect()
}

fn receiver(keys: &mut Keys<'_>, env: &Env, known: &[&str]) -> Option<Receiver> {
    let name = keys.required("name", "\"on-call\"").filter(|name| check_name(keys, name));
    let names: Vec<&'static str> = KINDS.iter().map(|(name, _)| *name).collect();
    // With a kind that nobody knows, nothing can be said of the other keys.
    let kind = if has(keys, "kind") { keys.choice("kind", &names)? } else { "webhook" };
    check_keys(keys, kind);
    let private = private_targets(keys);
    let of_kind = of_kind(keys, kind, &private, env);
    let send_resolved = keys.bool("send_resolved", true);
    let fallback = fallback(keys, name.as_deref(), known);
    let timeout = optional_duration(keys, "timeout", SECOND..=60 * SECOND);
    let give_up_after = optional_duration(keys, "give_up_after", 60 * SECOND..=30 * DAY);
    Some(Receiver { send_resolved, fallback, timeout, give_up_after, ..Receiver::new(name?, of_kind?) })
}

fn has(keys: &Keys<'_>, key: &str) -> bool {
    keys.section.fields.contains_key(key)
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

/// A key that another kind has would be believed to do something.
fn check_keys(keys: &mut Keys<'_>, kind: &str) {
    let own: Vec<&str> = KINDS
        .iter()
        .filter(|(name, _)| *name == kind)
        .flat_map(|(_, lists)| lists.iter().flat_map(|list| list.iter().copied()))
        .collect();
    let strangers = keys.section.fields.keys().filter(|key| !own.contains(*key) && !COMMON.contains(*key));
    for key in strangers.copied().collect::<Vec<_>>() {
        keys.problem(key, format!("has no effect on a receiver of kind {kind:?}"))
            .hint(format!("remove it, or choose another kind; this one reads {}", own.join(", ")))
            .report(keys.problems);
    }
}

fn of_kind(keys: &mut Keys<'_>, kind: &str, private: &PrivateTargets, env: &Env) -> Option<Kind> {
    match kind {
        "webhook" => {
            let (target, secret) = (target(keys, private, env), secret(keys, env));
            let bearer = bearer(keys, env);
            Some(Kind::Webhook(Hook { target: target?, secret, bearer }))
        }
        "standard-webhooks" => {
            let target = target(keys, private, env);
            let (secret, bearer) = (secret(keys, env), bearer(keys, env));
            check_given(keys, SECRET);
            Some(Kind::Standard(Hook { target: target?, secret: Some(secret?), bearer }))
        }
        "alertmanager" => members(keys, private, env).map(Kind::Alertmanager),
        "pagerduty" => pagerduty(keys, private, env).map(Kind::PagerDuty),
        "slack" => target(keys, private, env).map(Kind::Slack),
        "teams" => target(keys, private, env).map(Kind::Teams),
        "discord" => target(keys, private, env).map(Kind::Discord),
        "mattermost" => target(keys, private, env).map(Kind::Mattermost),
        _ => mail(keys, private, env).map(Kind::Email),
    }
}

/// `true`, `false`, or the networks that are opened.
fn private_targets(keys: &mut Keys<'_>) -> PrivateTargets {
    const KEY: &str = "allow_private_targets";
    if !matches!(keys.section.fields.get(KEY).map(|field| &field.value), Some(Value::List(_))) {
        return keys.bool(KEY, false).into();
    }
    let mut networks = Vec::new();
    for (text, origin) in strings(keys, KEY) {
        match Network::parse(&text) {
            Some(network) => networks.push(network),
            None => {
                let message = format!("{}.{KEY}: {text:?} is no network", keys.section.name);
                keys.problems.push(Problem::new(origin, message).hint("write it as \"10.0.0.0/8\""));
            }
        }
    }
    PrivateTargets::Networks(networks.into())
}

fn fallback(keys: &mut Keys<'_>, own: Option<&str>, known: &[&str]) -> Option<String> {
    let name = keys.text("fallback")?;
    if Some(name.as_str()) == own {
        keys.problem("fallback", "a receiver cannot stand in for itself").report(keys.problems);
        return None;
    }
    if known.contains(&name.as_str()) {
        return Some(name);
    }
    let hint = receiver_hint(&name, known);
    let problem = keys.problem("fallback", format!("no receiver is called {name:?}"));
    Problem { hint, ..problem }.report(keys.problems);
    None
}

fn optional_duration(
    keys: &mut Keys<'_>,
    key: &str,
    range: std::ops::RangeInclusive<Duration>,
) -> Option<Duration> {
    let default = *range.start();
    has(keys, key).then(|| keys.duration(key, default, range))
}

/// The address itself, or where it is read: those of chats are secrets as a whole.
fn target(keys: &mut Keys<'_>, private: &PrivateTargets, env: &Env) -> Option<ReceiverUrl> {
    let (key, text) = if has(keys, "url_env") || has(keys, "url_file") {
        if has(keys, "url") {
            keys.problem("url", "it is read from elsewhere too; only one of them can count")
                .without_text()
                .report(keys.problems);
            return None;
        }
        secret_text(keys, env, "url_env", "url_file")?
    } else {
        ("url", keys.required("url", "\"https://example.com/hook\"")?)
    };
    let parsed = ReceiverUrl::parse(text.trim(), private.clone());
    parsed.map_err(|error| keys.problem(key, error.to_string()).without_text().report(keys.problems)).ok()
}

fn members(keys: &mut Keys<'_>, private: &PrivateTargets, env: &Env) -> Option<Members> {
    let bearer = bearer(keys, env);
    if !has(keys, "urls") {
        let target = target(keys, private, env)?;
        return Some(Members::new(&[target], bearer));
    }
    if has(keys, "url") {
        keys.problem("url", "urls is set too; name all members there").without_text().report(keys.problems);
        return None;
    }
    let (mut bases, texts) = (Vec::new(), strings(keys, "urls"));
    let n = texts.len();
    for (text, origin) in texts {
        match ReceiverUrl::parse(&text, private.clone()) {
            Ok(base) => bases.push(base),
            Err(error) => {
                let message = format!("{}.urls: {error}", keys.section.name);
                keys.problems.push(Problem::new(origin, message).without_text());
            }
        }
    }
    if !(1..=MEMBERS_MAX).contains(&n) {
        let message = format!("there are 1 to {MEMBERS_MAX} members, not {n}");
        keys.problem("urls", message)
            .hint("write urls = [\"http://alertmanager-1:9093\", \"http://alertmanager-2:9093\"]")
            .report(keys.problems);
        return None;
    }
    (bases.len() == n).then(|| Members::new(&bases, bearer))
}

fn pagerduty(keys: &mut Keys<'_>, private: &PrivateTargets, env: &Env) -> Option<PagerDuty> {
    let text = if has(keys, "url") { keys.text("url")? } else { PagerDuty::URL.to_owned() };
    let target = ReceiverUrl::parse(&text, private.clone())
        .map_err(|error| keys.problem("url", error.to_string()).without_text().report(keys.problems));
    check_given(keys, ROUTING_KEY);
    let (key, token) = token(keys, env, "routing_key_env", "routing_key_file")?;
    PagerDuty::new(target.ok()?, token)
        .map_err(|error| keys.problem(key, error.to_string()).report(keys.problems))
        .ok()
}

fn mail(keys: &mut Keys<'_>, private: &PrivateTargets, env: &Env) -> Option<Mail> {
    let server = mail_server(keys, private);
    let from = keys.required("from", "\"firstfault@example.com\"");
    if !has(keys, "to") {
        keys.problem("to", "is missing").hint("add to = [\"ada@example.com\"]").report(keys.problems);
    }
    let to: Vec<String> = strings(keys, "to").into_iter().map(|(text, _)| text).collect();
    let login = login(keys, env);
    let (server, from, login) = (server?, from?, login?);
    if !has(keys, "to") {
        return None;
    }
    Mail::new(server, &from, &to, login)
        .map_err(|error| keys.problem(key_of(&error), error.to_string()).report(keys.problems))
        .ok()
}

fn key_of(error: &MailError) -> &'static str {
    match error {
        MailError::From { .. } => "from",
        MailError::To { .. } | MailError::Recipients { .. } => "to",
        MailError::LoginInClear => "tls",
    }
}

fn mail_server(keys: &mut Keys<'_>, private: &PrivateTargets) -> Option<MailServer> {
    let (tls, port) = match keys.choice("tls", &["starttls", "implicit", "off"]) {
        Some("implicit") => (MailTls::Implicit, 465),
        Some("off") => (MailTls::Off, 25),
        _ => (MailTls::StartTls, 587),
    };
    let port = keys.integer("port", port, 1..=u64::from(u16::MAX));
    let host = keys.required("host", "\"mail.example.com\"")?;
    let port = u16::try_from(port).unwrap_or(u16::MAX);
    MailServer::parse(&host, port, tls, private.clone())
        .map_err(|error| {
            let key = if error == TargetError::PlainMail { "tls" } else { "host" };
            keys.problem(key, error.to_string()).report(keys.problems);
        })
        .ok()
}

/// A user and a password, or neither; `None` where something is wrong with them.
fn login(keys: &mut Keys<'_>, env: &Env) -> Option<Option<(String, Token)>> {
    let has_password = has(keys, "password_env") || has(keys, "password_file");
    match (has(keys, "username"), has_password) {
        (false, false) => Some(None),
        (true, false) => {
            check_given(keys, &["password_env", "password_file"]);
            None
        }
        (false, true) => {
            keys.problem("username", "is missing").hint("add username = \"...\"").report(keys.problems);
            None
        }
        (true, true) => {
            let user = keys.text("username");
            let (_, password) = token(keys, env, "password_env", "password_file")?;
            Some(Some((user?, password)))
        }
    }
}

/// One of two keys that lead to a secret has to be there.
fn check_given(keys: &mut Keys<'_>, either: &[&str]) {
    if let [env_key, file_key] = either
        && !has(keys, env_key)
        && !has(keys, file_key)
    {
        let hint = format!("add {env_key} = \"NAME_OF_A_VARIABLE\" or {file_key} = \"/run/secrets/...\"");
        keys.problem(env_key, "is missing").hint(hint).report(keys.problems);
    }
}

fn secret(keys: &mut Keys<'_>, env: &Env) -> Option<Secret> {
    let (key, text) = secret_text(keys, env, "secret_env", "secret_file")?;
    Secret::parse(text.trim())
        .map_err(|error| keys.problem(key, error.to_string()).report(keys.problems))
        .ok()
}

fn bearer(keys: &mut Keys<'_>, env: &Env) -> Option<Token> {
    let (key, token) = token(keys, env, "bearer_env", "bearer_file")?;
    if token.fits_a_header() {
        return Some(token);
    }
    keys.problem(key, "a token has visible ASCII characters only").report(keys.problems);
    None
}

/// A secret of any form, and the key that led to it.
fn token(
    keys: &mut Keys<'_>,
    env: &Env,
    env_key: &'static str,
    file_key: &'static str,
) -> Option<(&'static str, Token)> {
    let (key, text) = secret_text(keys, env, env_key, file_key)?;
    let token = Token::parse(&text);
    if token.is_none() {
        let message = "what it names is empty, or holds a control character";
        keys.problem(key, message).report(keys.problems);
    }
    token.map(|token| (key, token))
}

/// The text that a variable or a file holds, and the key that led to it.
fn secret_text(
    keys: &mut Keys<'_>,
    env: &Env,
    env_key: &'static str,
    file_key: &'static str,
) -> Option<(&'static str, String)> {
    let (key, text) = match (keys.text(env_key), keys.text(file_key)) {
        (Some(_), Some(_)) => {
            let message = format!("{env_key} is set too; only one of them can count");
            keys.problem(file_key, message).report(keys.problems);
            return None;
        }
        (Some(name), None) => {
            let text = env.get(&name).cloned();
            (env_key, text.ok_or_else(|| format!("environment variable {name:?} is not set")))
        }
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path);
            (file_key, text.map_err(|error| format!("{path:?} cannot be read: {error}")))
        }
        (None, None) => return None,
    };
    text.map_err(|message| keys.problem(key, message).report(keys.problems)).ok().map(|text| (key, text))
}
