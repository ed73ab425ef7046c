//! `[[receivers]]` of each kind, `[[routes]]`, and what is said of those that are wrong.

use super::{check, check_env, good};
use alerts::Kind;
use expect_test::expect;
use std::time::Duration;

const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Scenario: a receiver of each kind, with secrets from variables and from a file.
/// Guarantees: all are read; where each goes is shown without what is secret of it.
#[test]
fn every_kind_is_read() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), "https://hooks.example.com/services/T0/s3cret\n").expect("written");
    let text = format!(
        r#"
        [[receivers]]
        name = "hook"
        url = "https://example.com/hook"
        bearer_env = "TOKEN"
        timeout = "5s"
        give_up_after = "1d"
        fallback = "mail"
        [[receivers]]
        name = "generic"
        kind = "standard-webhooks"
        url = "https://example.com/generic"
        secret_env = "SECRET"
        [[receivers]]
        name = "cluster"
        kind = "alertmanager"
        urls = ["http://am-1.internal:9093", "http://am-2.internal:9093"]
        allow_private_targets = ["10.0.0.0/8", "fd00::/8"]
        [[receivers]]
        name = "pager"
        kind = "pagerduty"
        routing_key_env = "ROUTING_KEY"
        [[receivers]]
        name = "slack"
        kind = "slack"
        url_file = "{}"
        [[receivers]]
        name = "teams"
        kind = "teams"
        url_env = "TEAMS_URL"
        [[receivers]]
        name = "discord"
        kind = "discord"
        url = "https://discord.com/api/webhooks/1/s3cret"
        [[receivers]]
        name = "mattermost"
        kind = "mattermost"
        url = "https://chat.example.com/hooks/s3cret"
        [[receivers]]
        name = "mail"
        kind = "email"
        host = "mail.example.com"
        from = "Firstfault <alerts@example.com>"
        to = ["ada@example.com"]
        username = "alerts"
        password_env = "TOKEN"
        "#,
        file.path().display()
    );
    let env = [
        ("TOKEN", "t0ken"),
        ("SECRET", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("ROUTING_KEY", KEY),
        ("TEAMS_URL", "https://teams.example.com/workflows/s3cret"),
    ];
    let config = good(&text, &env);
    let shown: Vec<_> = config.receivers.iter().map(|one| (one.kind.name(), one.kind.to_string())).collect();
    let expected = [
        ("webhook", "https://example.com"),
        ("standard-webhooks", "https://example.com"),
        ("alertmanager", "http://am-1.internal:9093, http://am-2.internal:9093"),
        ("pagerduty", "https://events.pagerduty.com"),
        ("slack", "https://hooks.example.com"),
        ("teams", "https://teams.example.com"),
        ("discord", "https://discord.com"),
        ("mattermost", "https://chat.example.com"),
        ("email", "smtp://mail.example.com:587"),
    ];
    assert_eq!(shown, expected.map(|(kind, target)| (kind, target.to_owned())));
    let hook = &config.receivers[0];
    let (timeout, give_up_after) = (Duration::from_secs(5), Duration::from_secs(86_400));
    assert_eq!((hook.timeout, hook.give_up_after), (Some(timeout), Some(give_up_after)));
    assert_eq!(hook.fallback.as_deref(), Some("mail"));
    assert!(matches!(&hook.kind, Kind::Webhook(hook) if hook.secret.is_none() && hook.bearer.is_some()));
    let everything = format!("{:?}", config.receivers);
    for secret in ["t0ken", "s3cret", KEY, "MfKQ9r8"] {
        assert!(!everything.contains(secret), "{secret} in {everything}");
    }
}

/// Scenario: keys of another kind, secrets that are missing or of the wrong form, an address in the clear, a fallback
/// that is the receiver itself, a network that is none.
/// Guarantees: each is told at its key; nothing secret is repeated.
#[test]
fn wrong_receivers_are_refused() {
    let text = r#"[[receivers]]
name = "a"
kind = "slack"
url = "https://hooks.example.com/s3cret"
routing_key_env = "KEY"
fallback = "a"
[[receivers]]
name = "b"
kind = "standard-webhooks"
url = "https://example.com/"
[[receivers]]
name = "c"
kind = "pagerduty"
routing_key_env = "KEY"
allow_private_targets = ["everything"]
[[receivers]]
name = "d"
kind = "email"
host = "mail.example.com"
tls = "off"
from = "alerts@example.com"
to = ["nobody"]
[[receivers]]
name = "e"
kind = "alertmanager"
urls = []
"#;
    check_env(
        text,
        &[("KEY", "too short")],
        expect![[r#"
            ff.toml:5:19: receivers[0].routing_key_env: has no effect on a receiver of kind "slack"
              5 | routing_key_env = "KEY"
                |                   ^^^^^
              hint: remove it, or choose another kind; this one reads url, url_env, url_file

            ff.toml:6:12: receivers[0].fallback: a receiver cannot stand in for itself
              6 | fallback = "a"
                |            ^^^

            ff.toml:7:1: receivers[1].secret_env: is missing
              7 | [[receivers]]
                | ^^^^^^^^^^^^^
              hint: add secret_env = "NAME_OF_A_VARIABLE" or secret_file = "/run/secrets/..."

            ff.toml:14:19: receivers[2].routing_key_env: a routing key of the Events API v2 has 32 letters and digits, this one is another text of 9 characters
              14 | routing_key_env = "KEY"
                 |                   ^^^^^

            ff.toml:15:26: receivers[2].allow_private_targets: "everything" is no network
              15 | allow_private_targets = ["everything"]
                 |                          ^^^^^^^^^^^^
              hint: write it as "10.0.0.0/8"

            ff.toml:20:7: receivers[3].tls: mail in the clear is only for internal servers: use tls = "starttls" or "implicit", or set allow_private_targets = true
              20 | tls = "off"
                 |       ^^^^^

            ff.toml:26:8: receivers[4].urls: there are 1 to 16 members, not 0
              26 | urls = []
                 |        ^^
              hint: write urls = ["http://alertmanager-1:9093", "http://alertmanager-2:9093"]"#]],
    );
}

/// Scenario: two routes, one with matchers of each form and an escalation, one for everything.
/// Guarantees: they are read in order.
#[test]
fn routes_are_read() {
    let config = good(
        r#"
        [[receivers]]
        name = "on-call"
        url = "https://example.com/hook"
        [[receivers]]
        name = "lead"
        url = "https://example.com/lead"
        [[routes]]
        match = ["severity = page", 'service =~ "check.*"', "team != search"]
        receivers = ["on-call"]
        continue = true
        escalate_after = "5m"
        escalate_to = ["lead"]
        [[routes]]
        receivers = ["lead"]
        "#,
        &[],
    );
    let [first, second] = config.routes.as_slice() else { panic!("two routes") };
    assert_eq!(
        (first.matchers.len(), first.goes_on, first.receivers.as_slice()),
        (3, true, &["on-call".to_owned()][..])
    );
    let escalation = first.escalation.as_ref().expect("it escalates");
    assert_eq!(
        (escalation.after, escalation.to.as_slice()),
        (Duration::from_secs(300), &["lead".to_owned()][..])
    );
    assert!(second.matchers.is_empty() && !second.goes_on && second.escalation.is_none());
}

/// Scenario: routes with a matcher that is none, a receiver that is not there, nobody to tell, and a time for nobody.
/// Guarantees: each is told with its place.
#[test]
fn wrong_routes_are_refused() {
    check(
        r#"[[receivers]]
name = "on-call"
url = "https://example.com/hook"
[[routes]]
match = ["severity"]
receivers = ["oncall"]
[[routes]]
escalate_after = "5m"
"#,
        expect![[r#"
            ff.toml:5:10: routes[0].match: a matcher is a label, one of = != =~ !~ and a value, such as severity="page"
              5 | match = ["severity"]
                |          ^^^^^^^^^^

            ff.toml:6:14: routes[0].receivers: no receiver is called "oncall"
              6 | receivers = ["oncall"]
                |              ^^^^^^^^
              hint: did you mean "on-call"?

            ff.toml:7:1: routes[1].receivers: is missing
              7 | [[routes]]
                | ^^^^^^^^^^
              hint: add receivers = ["..."], escalate_to = ["..."], or both

            ff.toml:8:18: routes[1].escalate_after: has no effect without escalate_to
              8 | escalate_after = "5m"
                |                  ^^^^
              hint: add escalate_to = ["..."], or remove this key"#]],
    );
}
