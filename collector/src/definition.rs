//! What somebody says an objective is: the keys of the configuration as JSON, or OpenSLO.
//!
//! There is one way in, by which it is tried, kept, and read again at a start; it is held to what the configuration and
//! its files are held to, and told the same.

use crate::config::{self, KeyProblem, UNKEPT_HINT};
use crate::openslo::{self, File, Issue};
use alerts::{ObjectiveForm, Slo, SloSpec, StoredObjective};
use serde_json::{Map, Value};
use std::fmt;
use std::time::Duration;
use storage::{ReadModelAges, Retention};

/// What messages call documents that came without a file.
const FILE: &str = "openslo";

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Definition {
    /// Those of `[[slos]]`.
    Keys(Map<String, Value>),
    OpenSlo(String),
}

/// The objectives that a definition makes.
#[derive(Debug, Clone)]
pub(crate) struct Defined {
    pub(crate) slos: Vec<Slo>,
    /// What may not mean what was meant.
    pub(crate) warnings: Vec<String>,
}

/// What is wrong with a definition, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// A key, or a path in a document; none where it is the definition as a whole.
    pub(crate) field: Option<String>,
    /// Of a document.
    pub(crate) line: Option<usize>,
    pub(crate) message: String,
    pub(crate) hint: Option<String>,
    /// The whole place in words, empty where there is none.
    place: String,
}

/// "target: is missing", "openslo:12:5: document 1, spec.objectives[0].target: is required"
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}

impl Fault {
    fn whole(message: impl Into<String>) -> Self {
        Self { field: None, line: None, message: message.into(), hint: None, place: String::new() }
    }

    /// With a key as its place.
    pub(crate) fn at_key(key: &str, message: impl Into<String>) -> Self {
        Self { field: Some(key.to_owned()), place: key.to_owned(), ..Self::whole(message) }
    }

    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    fn of_key(problem: KeyProblem) -> Self {
        let KeyProblem { key, message, hint } = problem;
        let place = key.clone().unwrap_or_default();
        Self { field: key, line: None, message, hint, place }
    }

    fn of_issue(issue: Issue) -> Self {
        let Issue { file, document, path, line, column, message, hint } = issue;
        let mut place = format!("{file}:{line}:{column}: document {document}");
        if !path.is_empty() {
            place = format!("{place}, {path}");
        }
        let field = (!path.is_empty()).then_some(path);
        Self { field, line: Some(line), message, hint, place }
    }

    /// About an objective of a document as a whole.
    fn of_objective(line: usize, column: usize, message: String) -> Self {
        let place = format!("{FILE}:{line}:{column}");
        Self { line: Some(line), place, ..Self::whole(message) }
    }
}

impl Definition {
    /// What was kept. It is not checked.
    pub(crate) fn of(stored: &StoredObjective) -> Result<Self, Vec<Fault>> {
        match stored.form {
            ObjectiveForm::OpenSlo => Ok(Self::OpenSlo(stored.definition.clone())),
            ObjectiveForm::Keys => {
                let keys = serde_json::from_str(&stored.definition);
                keys.map(Self::Keys).map_err(|error| vec![Fault::whole(error.to_string())])
            }
        }
    }

    /// How it is kept.
    pub(crate) fn stored_as(&self) -> (ObjectiveForm, String) {
        match self {
            Self::Keys(keys) => (ObjectiveForm::Keys, Value::Object(keys.clone()).to_string()),
            Self::OpenSlo(text) => (ObjectiveForm::OpenSlo, text.clone()),
        }
    }

    /// All its objectives, checked. Receivers are those that there are.
    pub(crate) fn read(&self, receivers: &[String], retention: &Retention) -> Result<Defined, Vec<Fault>> {
        match self {
            Self::Keys(keys) => {
                let names: Vec<&str> = receivers.iter().map(String::as_str).collect();
                match config::objective(keys, &names, retention) {
                    Ok(slo) => Ok(Defined { slos: vec![slo], warnings: Vec::new() }),
                    Err(problems) => Err(problems.into_iter().map(Fault::of_key).collect()),
                }
            }
            Self::OpenSlo(text) => read_openslo(text, receivers, retention),
        }
    }

    /// The only objective that it makes, and warnings about it.
    pub(crate) fn one(
        &self,
        receivers: &[String],
        retention: &Retention,
    ) -> Result<(Slo, Vec<String>), Vec<Fault>> {
        let Defined { mut slos, warnings } = self.read(receivers, retention)?;
        match (slos.pop(), slos.len()) {
            (Some(slo), 0) => Ok((slo, warnings)),
            (Some(_), n_others) => {
                let message = format!("the documents make {} objectives", n_others + 1);
                Err(vec![Fault::whole(message).hint("send each of them in a request of its own")])
            }
            (None, _) => Err(vec![Fault::whole("there is no SLO in the documents")]),
        }
    }

    /// As it is read again when it was kept: receivers that are gone are left out, and it stands also where less is
    /// kept by now. Warnings say so.
    pub(crate) fn read_again(&self, receivers: &[String]) -> Result<(Slo, Vec<String>), Vec<Fault>> {
        let named = self.receivers();
        let (slo, mut warnings) = self.one(&[receivers, named.as_slice()].concat(), &for_ever())?;
        let is_there = |name: &String| receivers.contains(name);
        if slo.spec().receivers.iter().all(is_there) {
            return Ok((slo, warnings));
        }
        let gone = slo.spec().receivers.iter().filter(|name| !is_there(name));
        warnings.extend(gone.map(|name| format!("no receiver is called {name:?} any more")));
        let there = slo.spec().receivers.iter().filter(|name| is_there(name)).cloned().collect();
        let slo = Slo::new(SloSpec { receivers: there, ..slo.spec().clone() });
        slo.map(|slo| (slo, warnings)).map_err(|error| vec![Fault::whole(error.to_string())])
    }

    /// The receivers that keys name. Documents have them where only their reader finds them, who leaves out those that
    /// are gone by himself.
    fn receivers(&self) -> Vec<String> {
        let Self::Keys(keys) = self else { return Vec::new() };
        let names = keys.get("receivers").and_then(Value::as_array).into_iter().flatten();
        names.filter_map(Value::as_str).map(str::to_owned).collect()
    }
}

fn read_openslo(text: &str, receivers: &[String], retention: &Retention) -> Result<Defined, Vec<Fault>> {
    let file = File { name: FILE.to_owned(), text: text.to_owned() };
    let imported = match openslo::import(&[file], receivers) {
        Ok(imported) => imported,
        Err(issues) => return Err(issues.into_iter().map(Fault::of_issue).collect()),
    };
    let (mut slos, mut faults) = (Vec::new(), Vec::new());
    for openslo::Objective { spec, line, column, .. } in imported.objectives {
        match Slo::new(spec) {
            Ok(slo) => {
                let unkept = config::unkept(&slo, retention);
                let fault = |message| Fault::of_objective(line, column, message).hint(UNKEPT_HINT);
                faults.extend(unkept.map(fault));
                slos.push(slo);
            }
            Err(error) => faults.push(Fault::of_objective(line, column, error.to_string())),
        }
    }
    let warnings = imported.warnings.iter().map(Issue::to_string).collect();
    if faults.is_empty() { Ok(Defined { slos, warnings }) } else { Err(faults) }
}

fn for_ever() -> Retention {
    let read_models = ReadModelAges { hour: Duration::MAX, ..ReadModelAges::default() };
    Retention { traces: Duration::MAX, metrics: Duration::MAX, read_models, ..Retention::default() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn keys(changes: Value) -> Definition {
        let mut keys = json!({
            "id": "cart-ok", "service": "cart", "indicator": "availability", "target": 99.9, "receivers": ["on-call"],
        });
        for (key, value) in changes.as_object().expect("an object") {
            keys[key] = value.clone();
        }
        match keys {
            Value::Object(keys) => Definition::Keys(keys),
            other => panic!("{other}"),
        }
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn told(faults: Vec<Fault>) -> Vec<String> {
        faults.iter().map(Fault::to_string).collect()
    }

    /// Scenario: an objective is kept as keys and as OpenSLO, and read again.
    /// Guarantees: it is equal; what is kept says in which of both forms.
    #[test]
    fn what_is_kept_is_read_again() {
        let receivers = names(&["on-call"]);
        let sent = keys(json!({}));
        let (slo, _) = sent.one(&receivers, &Retention::default()).unwrap();
        let openslo = Definition::OpenSlo(openslo::export([&slo]));
        for definition in [sent, openslo] {
            let (form, text) = definition.stored_as();
            let id = slo.id().to_owned();
            let stored =
                StoredObjective { id, form, definition: text, since: 1, created_at: 1, updated_at: 1 };
            let again = Definition::of(&stored).unwrap();
            assert_eq!(again, definition);
            let (read, warnings) = again.read_again(&receivers).unwrap();
            assert_eq!((read.spec(), warnings.len()), (slo.spec(), 0));
        }
    }

    /// Scenario: a kept objective names a receiver that has left the configuration, and looks back further than
    /// anything is kept.
    /// Guarantees: it stands without the receiver, with a warning; a new one like it is refused for both.
    #[test]
    fn what_was_good_stays() {
        let old = keys(json!({ "receivers": ["gone", "on-call"], "period": "60d", "filter": ["a=b"] }));
        let receivers = names(&["on-call"]);
        let (slo, warnings) = old.read_again(&receivers).unwrap();
        assert_eq!((slo.spec().receivers.as_slice(), warnings.len()), (receivers.as_slice(), 1));
        let faults = told(old.one(&receivers, &Retention::default()).unwrap_err());
        let parts = ["period: is longer than retention.traces", "receivers: no receiver is called \"gone\""];
        assert!(faults.iter().zip(parts).all(|(fault, part)| fault.starts_with(part)), "{faults:?}");
    }

    /// Scenario: documents with no objective, with two, with a mistake, and with a window that is too long.
    /// Guarantees: each is refused, with its line where it has one.
    #[test]
    fn documents_make_one_objective() {
        let receivers = names(&["on-call"]);
        let (slo, _) = keys(json!({})).one(&receivers, &Retention::default()).unwrap();
        let text = openslo::export([&slo]);
        let refused = |text: String| {
            Definition::OpenSlo(text).one(&receivers, &Retention::default()).expect_err("refused")
        };
        let service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: cart}\nspec: {}\n";
        assert_eq!(told(refused(service.to_owned())), ["there is no SLO in the documents"]);
        let other = text.replace("name: cart-ok", "name: cart-well");
        assert_eq!(told(refused(format!("{text}---\n{other}"))), ["the documents make 2 objectives"]);
        let wrong = refused(text.replace("Occurrences", "Sometimes"));
        assert_eq!(wrong[0].field.as_deref(), Some("spec.budgetingMethod"));
        assert!(wrong[0].line.is_some() && wrong[0].to_string().starts_with("openslo:"), "{wrong:?}");
        let filter = "signal: spans\n              filter: {\"a\": \"b\"}\n              service";
        let long = refused(text.replace("signal: spans\n              service", filter));
        assert!(long[0].message.contains("is longer than retention.traces"), "{long:?}");
    }
}
