//! Lines become templates, whose ids do not depend on what else was read.

use super::{Miner, mask, template_id};
use proptest::prelude::*;

fn masked(body: &str) -> String {
    let mut text = String::new();
    mask(body, &mut text);
    text
}

/// Scenario: lines hold ids, numbers, places in source code, separators in a row and more tokens than are kept.
/// Guarantees: numbers and ids become one `*`, places in source code stay, 16 tokens are kept.
#[test]
fn numbers_and_ids_are_masked() {
    assert_eq!(masked("user 42 paid 3.50 7.00 EUR"), "user * paid * EUR");
    assert_eq!(
        masked("INFO t.c.Travel2Controller#115 TravelQuery[id=7]"),
        "INFO t.c.Travel2Controller#115 TravelQuery id *"
    );
    assert_eq!(masked("at cart.go:12 and 10.0.0.1:80"), "at cart.go:12 and *");
    assert_eq!(masked("trace deadbeefdeadbeefdead, next"), "trace * next");
    assert_eq!(masked("user:abcdefab-abcd-abcd-abcd-abcdefabcdef/x"), "user:*/x");
    assert_eq!(masked("feed deadbeef facade"), "feed deadbeef facade");
    assert_eq!(masked(" \t{}[] "), "");
    let letters = "a b c d e f g h i j k l m n o p q r s";
    assert_eq!(masked(letters), "a b c d e f g h i j k l m n o p");
    assert_eq!(masked(&format!("{}\u{e9}tail", "x".repeat(599))), "x".repeat(599));
}

/// Scenario: lines of two services that differ in a name, in most words, and in nothing.
/// Guarantees: those with six tenths in common are one template, which forgets the difference; services stay apart.
#[test]
fn similar_lines_are_one_template() {
    let mut miner = Miner::default();
    let first = miner.learn("cart", "added item apple to cart of anna");
    assert_eq!(miner.learn("cart", "added item apple to cart of anna"), first);
    assert_eq!(miner.learn("cart", "added item apple to basket of bert"), first);
    assert_ne!(miner.learn("cart", "added item apple onto shelves near door"), first);
    assert_ne!(miner.learn("web", "added item apple to cart of anna"), first);
    assert_ne!(miner.learn("cart", "added item apple"), first);
    assert_eq!(miner.text(first), "added item apple to * of *");
    assert_eq!((miner.service(first), miner.n_templates()), ("cart", 4));
}

/// Scenario: two miners see the same variants of a line, in another order and with other lines between.
/// Guarantees: the template has the same id in both, and this very id in every version of the program.
#[test]
fn ids_follow_from_service_and_text() {
    let (mut one, mut other) = (Miner::default(), Miner::default());
    let lines = ["paid by card of anna", "paid by card of bert"];
    let at = lines.map(|line| one.learn("pay", line))[0];
    other.learn("pay", "something else first");
    let there = [lines[1], lines[0]].map(|line| other.learn("pay", line))[0];
    assert_eq!(one.text(at), "paid by card of *");
    assert_eq!(one.id(at), other.id(there));
    assert_eq!(one.id(at), template_id("pay", "paid by card of *"));
    assert_eq!(format!("{:016x}", template_id("pay", "paid by card of *")), "16ad5a354e5e83eb");
    assert_ne!(template_id("pa", "y"), template_id("pay", ""));
}

/// Scenario: a service writes nothing but new words.
/// Guarantees: what follows the same beginning ends up in a bounded number of templates.
#[test]
fn random_words_do_not_make_endless_templates() {
    let mut miner = Miner::default();
    let word = |at: usize| {
        let letter = |of: usize| char::from(b'a' + (of % 26) as u8);
        [letter(at), letter(at / 26), letter(at / 676), 'q'].iter().collect::<String>()
    };
    for at in 0..2_000 {
        miner.learn("a", &format!("one two three {} {} {}", word(at), word(at + 7_000), word(at + 9_000)));
    }
    assert!(miner.n_templates() <= super::N_SIBLINGS_MAX, "{} templates", miner.n_templates());
}

proptest! {
    /// Scenario: any text at all.
    /// Guarantees: masking neither fails nor leaves more than its tokens, and masking again changes nothing.
    #[test]
    fn masking_is_bounded_and_settles(body in "\\PC{0,900}") {
        let once = masked(&body);
        prop_assert!(once.split(' ').count() <= 16);
        prop_assert_eq!(&masked(&once), &once);
    }

    /// Scenario: a line is learned that a template knows already.
    /// Guarantees: it finds the same template again, whatever was learned in between.
    #[test]
    fn lines_find_their_template_again(bodies in prop::collection::vec("[abc]( [abcd]){0,5}", 1..30)) {
        let mut miner = Miner::default();
        let first: Vec<_> = bodies.iter().map(|body| miner.learn("a", body)).collect();
        let again: Vec<_> = bodies.iter().map(|body| miner.learn("a", body)).collect();
        prop_assert_eq!(first, again);
    }
}
