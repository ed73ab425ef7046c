//! Conditions of a scan as far as they name words.

use super::literal;
use crate::query::udf::HAS_WORD;
use crate::segment::WORDS_COLUMN;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::{Like, ScalarFunction};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Condition {
    /// The body holds all of these.
    Words(Vec<String>),
    All(Vec<Condition>),
    Any(Vec<Condition>),
}

impl Condition {
    pub(super) fn all_of(filters: &[Expr]) -> Self {
        Self::All(filters.iter().map(Self::of).collect())
    }

    /// Whatever is not understood holds always.
    fn of(filter: &Expr) -> Self {
        match filter {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) => match op {
                Operator::And => Self::All(vec![Self::of(left), Self::of(right)]),
                Operator::Or => Self::Any(vec![Self::of(left), Self::of(right)]),
                Operator::Eq => Self::words(body_and_text(left, right).map(literal::of_phrase)),
                Operator::RegexMatch | Operator::RegexIMatch => Self::regex(body_and_text(left, right)),
                _ => Self::always(),
            },
            Expr::Like(Like { negated: false, expr, pattern, escape_char: None, .. }) => {
                Self::words(body_and_text(expr, pattern).map(literal::of_like))
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) if func.name() == HAS_WORD => match &**args {
                [text, word] => Self::words(body_and_text(text, word).map(literal::of_phrase)),
                _ => Self::always(),
            },
            _ => Self::always(),
        }
    }

    fn always() -> Self {
        Self::Words(Vec::new())
    }

    fn words(words: Option<Vec<String>>) -> Self {
        Self::Words(words.unwrap_or_default())
    }

    fn regex(pattern: Option<&str>) -> Self {
        let alternatives = pattern.map(literal::of_regex).unwrap_or_default();
        let alternatives: Vec<Self> = alternatives.into_iter().map(Self::Words).collect();
        if alternatives.is_empty() { Self::always() } else { Self::Any(alternatives) }
    }

    /// Is there anything to ask?
    pub(super) fn names_words(&self) -> bool {
        !self.may_hold(&|_| false)
    }

    /// Can it hold where these words are, and no others?
    pub(super) fn may_hold(&self, has_word: &impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Words(words) => words.iter().all(|word| has_word(word)),
            Self::All(parts) => parts.iter().all(|part| part.may_hold(has_word)),
            Self::Any(parts) => parts.iter().any(|part| part.may_hold(has_word)),
        }
    }
}

/// The text that the body is compared with.
fn body_and_text<'a>(body: &Expr, text: &'a Expr) -> Option<&'a str> {
    match (body, text) {
        (Expr::Column(column), Expr::Literal(ScalarValue::Utf8(Some(text)), _))
            if column.name == WORDS_COLUMN =>
        {
            Some(text)
        }
        _ => None,
    }
}
