//! `[[services]]`: facts that are read, and what is said of those that are not.

use super::{check, good};
use expect_test::expect;

/// Scenario: a service with every fact, and one with a single fact.
/// Guarantees: all are read, by name.
#[test]
fn facts_are_read() {
    let config = good(
        r#"
        [[receivers]]
        name = "on-call"
        url = "https://example.com/hook"
        [[services]]
        name = "checkout"
        owner = "payments"
        contact = "payments@example.com"
        repository = "https://git.example.com/checkout"
        tier = "1"
        receiver = "on-call"
        playbooks = ["https://wiki.example.com/a", "https://wiki.example.com/b"]
        [[services]]
        name = "cart"
        owner = "web"
        "#,
        &[],
    );
    assert_eq!(config.services.keys().collect::<Vec<_>>(), ["cart", "checkout"]);
    let facts = config.services["checkout"].spec();
    assert_eq!((facts.owner.as_deref(), facts.tier.as_deref()), (Some("payments"), Some("1")));
    assert_eq!((facts.receiver.as_deref(), facts.playbooks.len()), (Some("on-call"), 2));
}

/// Scenario: an unknown receiver, a link that is none, a service twice, and one of which nothing is said.
/// Guarantees: each is told with its place.
#[test]
fn faults_have_a_place() {
    check(
        r#"[[receivers]]
name = "on-call"
url = "https://example.com/hook"
[[services]]
name = "checkout"
receiver = "oncall"
[[services]]
name = "checkout"
repository = "git@example.com:shop/checkout"
[[services]]
name = "cart"
"#,
        expect![[r#"
            ff.toml:6:12: services[0].receiver: no receiver is called "oncall"
              6 | receiver = "oncall"
                |            ^^^^^^^^
              hint: did you mean "on-call"?

            ff.toml:8:8: services[1].name: "checkout" is the name of another service
              8 | name = "checkout"
                |        ^^^^^^^^^^

            ff.toml:9:14: services[1].repository: repository is a link: it begins with http:// or https://, names a host, holds no blanks and no password, and has at most 2000 bytes
              9 | repository = "git@example.com:shop/checkout"
                |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^

            ff.toml:11:8: services[2].name: no fact is given; there are owner, contact, repository, tier, receiver and playbooks to choose from
              11 | name = "cart"
                 |        ^^^^^^"#]],
    );
    check(
        "services = 1\n",
        expect![[r#"
            ff.toml:1:1: services is a list of tables, not a number
              1 | services = 1
                | ^^^^^^^^
              hint: write [[services]] with two brackets, once for each"#]],
    );
}
