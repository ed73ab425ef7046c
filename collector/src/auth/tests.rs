//! Tests of who is let in, by which header, and of secrets that change.

use super::*;
use crate::clock::Clock;
use crate::decode::text::write_base64;
use http::HeaderValue;
use std::net::SocketAddr;

const TOKEN: &str = "0123456789abcdef-ci";
const OTHER_TOKEN: &str = "fedcba9876543210-app";
const PASSWORD: &str = "correct horse";

fn credential(kind: Kind, name: &str, secret: &str, rates: Rates) -> Credential {
    let secrets = Secrets::parse(kind, name, secret).expect("a secret");
    Credential { kind, name: name.to_owned(), secrets, rates }
}

fn token_and_user() -> Gate {
    let token = credential(Kind::Token, "ci", TOKEN, Rates::default());
    let user = credential(Kind::User, "ada", PASSWORD, Rates::default());
    Gate::new(vec![token, user], false)
}

fn headers(values: &[&str]) -> HeaderMap {
    values.iter().map(|value| (AUTHORIZATION, HeaderValue::from_str(value).expect("a header"))).collect()
}

fn basic(text: &str) -> String {
    let mut header = "Basic ".to_owned();
    write_base64(text.as_bytes(), &mut header).expect("a string takes everything");
    header
}

fn peer(has_certificate: bool) -> Peer {
    Peer { address: SocketAddr::from(([10, 0, 0, 1], 1)), has_certificate }
}

fn sends(gate: &Gate, value: &str) -> Result<(), Denied> {
    gate.sender(&headers(&[value]), Some(&peer(false)), Clock.instant()).map(drop)
}

fn looks(gate: &Gate, value: &str) -> Result<(), Denied> {
    gate.viewer(&headers(&[value]), Some(&peer(false)), Clock.instant())
}

/// Scenario: a token and a user are known; right and wrong ones come, in every spelling of the header.
/// Guarantees: tokens send, users send and look; everybody else is told what is wrong and not what would be right.
#[test]
fn tokens_send_and_users_look() {
    let gate = token_and_user();
    for value in [format!("Bearer {TOKEN}"), format!("bearer  {TOKEN}"), basic("ada:correct horse")] {
        assert_eq!(sends(&gate, &value), Ok(()), "{value}");
    }
    assert_eq!(looks(&gate, &basic("ada:correct horse")), Ok(()));
    assert_eq!(looks(&gate, &format!("Bearer {TOKEN}")), Err(Denied::Missing));
    let unknown = [
        format!("Bearer {TOKEN}x"),
        "Bearer ".to_owned(),
        format!("Bearer {PASSWORD}"),
        basic("ada:wrong horse"),
        basic("adam:correct horse"),
        basic(TOKEN),
    ];
    for value in unknown {
        assert_eq!(sends(&gate, &value), Err(Denied::Unknown), "{value}");
    }
    for value in ["Bearer", "", "Digest x", "Basic ***", TOKEN] {
        assert_eq!(sends(&gate, value), Err(Denied::Malformed), "{value}");
    }
    let (none, now) = (HeaderMap::new(), Clock.instant());
    assert_eq!(gate.sender(&none, None, now).map(drop), Err(Denied::Missing));
    let both = headers(&[&format!("Bearer {TOKEN}"), "Bearer x"]);
    assert_eq!(gate.sender(&both, None, now).map(drop), Err(Denied::Malformed));
}

/// Scenario: no credential is configured, or tokens only.
/// Guarantees: without any, everybody sends; without users, everybody looks.
#[test]
fn nobody_is_asked_for_nothing() {
    let (open, none, now) = (Gate::default(), HeaderMap::new(), Clock.instant());
    assert!(open.sender(&none, None, now).is_ok() && open.viewer(&none, None, now).is_ok());
    let token = credential(Kind::Token, "ci", TOKEN, Rates::default());
    let gate = Gate::new(vec![token], false);
    assert_eq!(gate.sender(&none, None, now).map(drop), Err(Denied::Missing));
    assert_eq!(gate.viewer(&none, None, now), Ok(()));
}

/// Scenario: a client with a checked certificate sends without a token, and with a wrong one.
/// Guarantees: the certificate stands in for the token where the configuration says so; a wrong token is refused.
#[test]
fn a_certificate_can_stand_in() {
    let (none, now) = (HeaderMap::new(), Clock.instant());
    for (suffices, expected) in [(true, Ok(())), (false, Err(Denied::Missing))] {
        let gate = Gate::new(vec![credential(Kind::Token, "ci", TOKEN, Rates::default())], suffices);
        assert_eq!(gate.sender(&none, Some(&peer(true)), now).map(drop), expected);
        assert_eq!(gate.sender(&none, Some(&peer(false)), now).map(drop), Err(Denied::Missing));
        let wrong = headers(&["Bearer wrong"]);
        assert_eq!(gate.sender(&wrong, Some(&peer(true)), now).map(drop), Err(Denied::Unknown));
    }
}

/// Scenario: ten wrong passwords come from an address, at either door, then another, then right ones from there and from
/// elsewhere.
/// Guarantees: the next failure is told to come back later; who is known is let in, wherever the others are.
#[test]
fn guessing_is_slowed_down_for_those_who_guess() {
    let gate = token_and_user();
    for n in 0..5 {
        assert_eq!(looks(&gate, &basic(&format!("ada:wrong {n}"))), Err(Denied::Unknown));
        assert_eq!(sends(&gate, &basic(&format!("ada:other {n}"))), Err(Denied::Unknown));
    }
    for asked in [looks(&gate, &basic("ada:wrong again")), sends(&gate, &basic("adam:correct horse"))] {
        assert!(matches!(asked, Err(Denied::TooManyFailures { .. })), "{asked:?}");
    }
    for asked in [looks(&gate, &basic("ada:correct horse")), sends(&gate, &basic("ada:correct horse"))] {
        assert_eq!(asked, Ok(()));
    }
    assert_eq!(sends(&gate, &format!("Bearer {TOKEN}")), Ok(()));
    let other = Peer { address: SocketAddr::from(([10, 0, 0, 2], 1)), has_certificate: false };
    let right = headers(&[&basic("ada:correct horse")]);
    assert_eq!(gate.viewer(&right, Some(&other), Clock.instant()), Ok(()));
}

/// Scenario: a token with rates sends more than they allow; another has none.
/// Guarantees: the first owes the longer of both waits, under its name; the second never waits.
#[test]
fn rates_are_of_one_credential() {
    let rates = Rates { items_per_second: Some(100), bytes_per_second: Some(1_000) };
    let slow = credential(Kind::Token, "slow", TOKEN, rates);
    let free = credential(Kind::Token, "free", OTHER_TOKEN, Rates::default());
    let (gate, now) = (Gate::new(vec![slow, free], false), Clock.instant());
    let sender = |token: &str| gate.sender(&headers(&[&format!("Bearer {token}")]), None, now);
    let (slow, free) = (sender(TOKEN).expect("known"), sender(OTHER_TOKEN).expect("known"));
    assert_eq!(slow.owes(now), None);
    for payer in [&slow, &free] {
        payer.pay_items(300, now);
        payer.pay_bytes(1_500, now);
    }
    assert_eq!(sender(TOKEN).expect("known").owes(now), Some(("slow", Duration::from_secs(2))));
    assert_eq!(free.owes(now), None);
    assert_eq!(Payer::default().owes(now), None);
}

/// Scenario: a file has one secret, then two, then the new one alone, then none, and is removed.
/// Guarantees: whatever it holds counts from the next reading on; what cannot be read changes nothing.
#[test]
fn secrets_are_rotated() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("token");
    let write = |text: String| std::fs::write(&path, text).expect("written");
    write(format!("{TOKEN}\n"));
    let secrets = Secrets::read(Kind::Token, "ci", path.clone()).expect("a secret");
    let (kind, name, rates) = (Kind::Token, "ci".to_owned(), Rates::default());
    let gate = Gate::new(vec![Credential { kind, name, secrets, rates }], false);
    let known = || [TOKEN, OTHER_TOKEN].map(|token| sends(&gate, &format!("Bearer {token}")).is_ok());
    assert_eq!((known(), gate.paths()), ([true, false], vec![path.clone()]));
    write(format!("{TOKEN}\r\n\n{OTHER_TOKEN}\n"));
    gate.read_again().expect("read");
    assert_eq!(known(), [true, true]);
    write(OTHER_TOKEN.to_owned());
    gate.read_again().expect("read");
    assert_eq!(known(), [false, true]);
    write("\n".to_owned());
    assert_eq!(gate.read_again().expect_err("empty").to_string(), "holds no secret");
    std::fs::remove_file(&path).expect("removed");
    gate.read_again().expect_err("gone");
    assert_eq!(known(), [false, true]);
}

/// Scenario: passwords with spaces at both ends, in lines that end in either way, or not at all.
/// Guarantees: only the end of the line is not part of them.
#[test]
fn spaces_are_part_of_a_password() {
    for text in ["  correct horse ", "  correct horse \n", "\n  correct horse \r\n"] {
        let (kind, name, rates) = (Kind::User, "ada".to_owned(), Rates::default());
        let secrets = Secrets::parse(kind, &name, text).expect("a secret");
        let gate = Gate::new(vec![Credential { kind, name, secrets, rates }], false);
        assert_eq!(looks(&gate, &basic("ada:  correct horse ")), Ok(()), "{text:?}");
        assert_eq!(looks(&gate, &basic("ada:correct horse")), Err(Denied::Unknown), "{text:?}");
    }
    let error = Secrets::parse(Kind::Token, "ci", &format!(" {TOKEN}")).expect_err("a space");
    assert!(error.to_string().contains("no spaces"), "{error}");
}

/// Scenario: secrets that are too short, too long, too many, or of characters that no header carries.
/// Guarantees: each is refused with what would be right, and none is repeated in a message.
#[test]
fn weak_secrets_are_refused() {
    let refused = |kind, text: &str| {
        let error = Secrets::parse(kind, "ada", text).expect_err("refused");
        assert!(text.trim().is_empty() || !error.to_string().contains(text), "{error}");
        error.to_string()
    };
    expect_test::expect![[r#"
        holds no secret
        a token has at least 16 characters; `openssl rand -base64 32` makes one
        a token has letters, digits and punctuation only, no spaces, not even at its ends
        holds more than 2 lines: the old secret and the new one are enough
        a secret has at most 1024 bytes
        a password has at least 12 characters
        a password has no control characters"#]]
    .assert_eq(
        &[
            refused(Kind::Token, "\n\r\n"),
            refused(Kind::Token, "fifteen-letters"),
            refused(Kind::Token, "sixteen letters-"),
            refused(Kind::Token, "a\nb\nc"),
            refused(Kind::Token, &"x".repeat(1025)),
            refused(Kind::User, "hunter2"),
            refused(Kind::User, "tab\there and more"),
        ]
        .join("\n"),
    );
    let shown = format!("{:?}", Secrets::parse(Kind::Token, "ci", TOKEN).expect("a secret"));
    assert_eq!(shown, "Secrets { digests: [Digest(..)], file: None }");
}
