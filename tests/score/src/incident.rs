//! One labelled incident: what is asked about it, and what is right.

use anyhow::{Context as _, Result};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

pub(crate) const SECOND: i64 = 1_000_000_000;

/// All incidents of a set, in the order of its file.
#[derive(Debug)]
pub(crate) struct Labelled {
    /// The application, variant or scenario.
    pub(crate) app: String,
    pub(crate) incidents: Vec<Incident>,
}

#[derive(Debug)]
pub(crate) struct Incident {
    pub(crate) id: String,
    /// From 1; it decides the half.
    pub(crate) place: usize,
    /// What hit rates are computed over, beside all and the halves: `type:return`.
    pub(crate) groups: Vec<String>,
    /// False for an incident whose data lacks what rankers are compared on: it is asked about and told apart.
    pub(crate) is_counted: bool,
    pub(crate) question: Question,
    pub(crate) truth: Truth,
}

/// From (included) to (excluded), in nanoseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stretch {
    pub(crate) from: i64,
    pub(crate) to: i64,
}

/// All that is sent about an incident: nothing of it is a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) window: Stretch,
    /// Oldest first, all over before the window begins; the server's own choice where there are none.
    pub(crate) baselines: Vec<Stretch>,
    /// Nothing later is looked at.
    pub(crate) asked_at: i64,
    /// Where it was noticed, if the set says so: service, and `latency` or `availability`.
    pub(crate) noticed: Option<(String, String)>,
}

/// What is right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Truth {
    pub(crate) service: String,
    pub(crate) instance: Option<String>,
    /// Services that must not come before it.
    pub(crate) below: Vec<String>,
    /// Attributes that mark the bad requests, only together.
    pub(crate) attributes: Vec<(String, String)>,
    /// Texts that good evidence has, each with what it is.
    pub(crate) evidence: Vec<(String, String)>,
}

impl Stretch {
    fn body(&self) -> Result<Value> {
        Ok(json!({ "from": moment(self.from)?, "to": moment(self.to)? }))
    }
}

impl Question {
    /// The body of `POST /api/v1/triage`.
    pub(crate) fn body(&self) -> Result<Value> {
        let mut body = Map::new();
        body.insert("from".to_owned(), moment(self.window.from)?);
        body.insert("to".to_owned(), moment(self.window.to)?);
        if !self.baselines.is_empty() {
            let stretches = self.baselines.iter().map(Stretch::body).collect::<Result<Vec<Value>>>()?;
            body.insert("baseline".to_owned(), Value::Array(stretches));
        }
        body.insert("asked_at".to_owned(), moment(self.asked_at)?);
        if let Some((service, indicator)) = &self.noticed {
            body.insert("service".to_owned(), json!(service));
            body.insert("indicator".to_owned(), json!(indicator));
        }
        Ok(Value::Object(body))
    }
}

/// RFC 3339 with every nanosecond.
fn moment(unix_nanos: i64) -> Result<Value> {
    let timestamp = Timestamp::from_nanosecond(i128::from(unix_nanos));
    Ok(Value::String(timestamp.with_context(|| format!("{unix_nanos} is not a time"))?.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scenario: a question with everything, and one with the least.
    /// Guarantees: moments keep every digit, and what is not known is not there.
    #[test]
    fn a_question_has_no_more_than_is_known() {
        let window = Stretch { from: 1_661_140_434_000_000_001, to: 1_661_140_519_000_000_000 };
        let question = Question {
            window,
            baselines: vec![Stretch { from: 0, to: SECOND }],
            asked_at: 1_661_140_674 * SECOND,
            noticed: Some(("shop".to_owned(), "latency".to_owned())),
        };
        expect_test::expect![[r#"
            {
              "from": "2022-08-22T03:53:54.000000001Z",
              "to": "2022-08-22T03:55:19Z",
              "baseline": [
                {
                  "from": "1970-01-01T00:00:00Z",
                  "to": "1970-01-01T00:00:01Z"
                }
              ],
              "asked_at": "2022-08-22T03:57:54Z",
              "service": "shop",
              "indicator": "latency"
            }"#]]
        .assert_eq(&format!("{:#}", question.body().expect("a body")));
        let least = Question { baselines: Vec::new(), noticed: None, ..question };
        let body = least.body().expect("a body");
        let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(keys, ["from", "to", "asked_at"]);
    }
}
