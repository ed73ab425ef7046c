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
    let allowed = |text: &str, allow_private_targets| {
        AddressGuard { allow_private_targets }.check(text.parse().unwrap()).is_ok()
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
