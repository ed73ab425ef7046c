//! Where webhooks may go: spellings, ranges, and what is shown of an address.

use super::*;

fn parse(url: &str) -> Result<ReceiverUrl, TargetError> {
    ReceiverUrl::parse(url, false)
}

/// Scenario: the loopback address in every spelling that a URL parser understands.
/// Guarantees: all are refused, by range or as a disguise, and with private targets allowed the
/// disguises still are.
#[test]
fn loopback_in_disguise() {
    for host in [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.0.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "127.0.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "\u{ff11}27.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ] {
        let url = format!("https://{host}/hook");
        let refused = parse(&url).unwrap_err();
        let fits = matches!(refused, TargetError::Forbidden { .. } | TargetError::Disguise { .. });
        assert!(fits, "{host}: {refused}");
        let is_disguise = matches!(refused, TargetError::Disguise { .. });
        assert_eq!(ReceiverUrl::parse(&url, true).is_err(), is_disguise, "{host}");
    }
}

/// Scenario: the first and last address of every special range, and their public neighbours.
/// Guarantees: ranges end where their registries say.
#[test]
fn ranges() {
    let allowed = |text: &str, is_allowed: bool| {
        AddressGuard { private: is_allowed.into() }.check(text.parse().unwrap()).is_ok()
    };
    for public in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "169.255.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700::1111",
        "64:ff9b::1.1.1.1",
        "2002:101:101::",
        "::ffff:1.1.1.1",
    ] {
        assert!(allowed(public, false), "{public}");
    }
    for private in [
        "127.0.0.0",
        "127.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "172.16.0.0",
        "172.31.255.255",
        "192.168.0.0",
        "192.168.255.255",
        "169.254.0.0",
        "169.254.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "::1",
        "fc00::",
        "fdff:ffff::1",
        "fe80::1",
        "febf::1",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "2002:a00:1::",
    ] {
        assert!(!allowed(private, false), "{private}");
        assert!(allowed(private, true), "{private}");
    }
    for never in [
        "0.0.0.0",
        "0.255.255.255",
        "192.0.0.0",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "169.254.169.254",
        "169.254.170.2",
        "169.254.170.23",
        "168.63.129.16",
        "100.100.100.200",
        "::",
        "ff02::1",
        "2001:db8::1",
        "2001::1",
        "fec0::1",
        "100::1",
        "64:ff9b:1::1",
        "fd00:ec2::23",
        "fd00:ec2::254",
        "fd20:ce::254",
        "::ffff:169.254.169.254",
        "::ffff:168.63.129.16",
        "64:ff9b::169.254.169.254",
    ] {
        assert!(!allowed(never, true), "{never}");
    }
}

/// Scenario: URLs that are no address of a receiver.
/// Guarantees: each is refused for its own reason, and no message repeats a password or a token.
#[test]
fn refusals() {
    let reason = |url: &str| parse(url).unwrap_err();
    assert!(matches!(reason("ftp://example.com/"), TargetError::Scheme { .. }));
    assert!(matches!(reason("file:///etc/passwd"), TargetError::Scheme { .. }));
    assert_eq!(reason("http://example.com/"), TargetError::PlainHttp);
    assert_eq!(reason("https://user:secret@example.com/"), TargetError::UserInfo);
    assert_eq!(reason("https://@example.com/"), TargetError::UserInfo);
    assert_eq!(reason("https://exam ple.com/"), TargetError::Blank);
    assert_eq!(reason("https://127.0.0.1\t/"), TargetError::Blank);
    assert!(matches!(reason("example.com"), TargetError::Parse { .. }));
    assert!(matches!(reason("https://"), TargetError::Parse { .. }));
    assert!(matches!(reason("https:/\\2130706433/"), TargetError::Disguise { .. }));
    assert!(ReceiverUrl::parse("http://example.com/", true).is_ok());
}

/// Scenario: an address with a token in its path and query, shown every way there is.
/// Guarantees: only scheme, host and port appear.
#[test]
fn paths_and_queries_are_not_shown() {
    let target = parse("https://hooks.example.com:8443/T0/s3cret?token=s3cret#s3cret").unwrap();
    assert_eq!(target.to_string(), "https://hooks.example.com:8443");
    assert_eq!(format!("{target:?}"), "ReceiverUrl(https://hooks.example.com:8443)");
}

/// Scenario: an operator opens one private network, and addresses of it and of others come up, also embedded ones.
/// Guarantees: only that network passes; metadata services inside it do not; nonsense is no network.
#[test]
fn networks_are_opened_one_by_one() {
    let networks = ["10.1.0.0/16", "169.254.0.0/16", "fd00::/8"].map(|text| Network::parse(text).unwrap());
    let private = PrivateTargets::Networks(networks.into());
    let guard = AddressGuard { private: private.clone() };
    let allows = |text: &str| guard.check(text.parse().unwrap()).is_ok();
    for inside in ["10.1.0.0", "10.1.255.255", "::ffff:10.1.2.3", "64:ff9b::10.1.2.3", "fd00::1", "1.1.1.1"] {
        assert!(allows(inside), "{inside}");
    }
    for outside in ["10.0.255.255", "10.2.0.0", "127.0.0.1", "::ffff:10.2.0.1", "fc00::1"] {
        assert!(!allows(outside), "{outside}");
    }
    for metadata in ["169.254.169.254", "::ffff:169.254.169.254", "fd00:ec2::254"] {
        assert!(!allows(metadata), "{metadata}");
    }
    assert!(ReceiverUrl::parse("http://10.1.0.7/hook", private.clone()).is_ok());
    assert!(ReceiverUrl::parse("http://127.0.0.1/hook", private).is_err());
    assert_eq!(Network::parse("10.0.0.1"), Network::parse("10.0.0.1/32"));
    for nonsense in ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0/8", "fd00::/129", "private"] {
        assert_eq!(Network::parse(nonsense), None, "{nonsense}");
    }
}

/// Scenario: mail servers by name, by address, in disguise, and in the clear.
/// Guarantees: the same rules as for URLs; in the clear only where private networks are opened.
#[test]
fn mail_servers() {
    let parse = |host: &str, tls, private: bool| MailServer::parse(host, 587, tls, private);
    let shown = |server: MailServer| server.to_string();
    let (start, off) = (MailTls::StartTls, MailTls::Off);
    assert_eq!(parse("mail.example.com", start, false).map(shown).unwrap(), "smtp://mail.example.com:587");
    assert!(parse("mail.example.com", MailTls::Implicit, false).unwrap().to_string().starts_with("smtps://"));
    assert_eq!(parse("mail.example.com", off, false).unwrap_err(), TargetError::PlainMail);
    assert!(parse("127.0.0.1", off, true).is_ok());
    for loopback in ["127.0.0.1", "::1", "::ffff:127.0.0.1"] {
        assert!(matches!(parse(loopback, start, false), Err(TargetError::Forbidden { .. })), "{loopback}");
    }
    assert!(matches!(parse("169.254.169.254", start, true), Err(TargetError::Forbidden { .. })));
    for disguise in ["127.1", "2130706433", "0x7f.1"] {
        assert!(matches!(parse(disguise, start, true), Err(TargetError::Disguise { .. })), "{disguise}");
    }
    for nonsense in ["", "a b", "ada@example.com", "example.com/", "example.com:25", "[::1]", "b\u{fc}cher"] {
        assert!(matches!(parse(nonsense, start, true), Err(TargetError::Host { .. })), "{nonsense}");
    }
}
