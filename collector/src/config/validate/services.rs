//! `[[services]]`: whose services are. What a fact may be is decided by `alerts`; here each refusal finds its key,
//! and the receiver is looked for in the rest of the file.

use super::super::Problems;
use super::super::problem::Problem;
use super::super::raw::Raw;
use super::slos::{receiver_hint, receiver_names};
use super::{Keys, report_repeated, strings};
use alerts::{Ownership, OwnershipError, OwnershipSpec};
use std::collections::BTreeMap;

/// Bytes of a service's name: what of one is kept of telemetry.
const NAME_BYTES_MAX: usize = 1_024;

pub(super) fn read(raw: &Raw, problems: &mut Problems) -> BTreeMap<String, Ownership> {
    report_repeated(&raw.services, "name", "service", problems);
    let receivers = receiver_names(raw);
    let mut services = BTreeMap::new();
    for section in &raw.services {
        let mut keys = Keys { section, problems };
        let name = keys.required("name", "\"checkout\"").filter(|name| check_name(&mut keys, name));
        if let Some((name, ownership)) = name.zip(ownership(&mut keys, &receivers)) {
            services.insert(name, ownership);
        }
    }
    services
}

fn check_name(keys: &mut Keys<'_>, name: &str) -> bool {
    let is_good = name.len() <= NAME_BYTES_MAX;
    if !is_good {
        let message = format!("a name has at most {NAME_BYTES_MAX} bytes");
        keys.problem("name", message).report(keys.problems);
    }
    is_good
}

fn ownership(keys: &mut Keys<'_>, receivers: &[&str]) -> Option<Ownership> {
    let n_problems = keys.problems.len();
    let spec = OwnershipSpec {
        owner: keys.text("owner"),
        contact: keys.text("contact"),
        repository: keys.text("repository"),
        tier: keys.text("tier"),
        receiver: known_receiver(keys, receivers),
        playbooks: strings(keys, "playbooks").into_iter().map(|(link, _)| link).collect(),
    };
    match Ownership::new(spec) {
        Ok(ownership) => Some(ownership),
        // What was there has been refused already.
        Err(OwnershipError::Nothing) if keys.problems.len() > n_problems => None,
        Err(error) => {
            keys.problem(error.field().unwrap_or("name"), error.to_string()).report(keys.problems);
            None
        }
    }
}

fn known_receiver(keys: &mut Keys<'_>, known: &[&str]) -> Option<String> {
    let name = keys.text("receiver")?;
    if known.contains(&name.as_str()) {
        return Some(name);
    }
    let hint = receiver_hint(&name, known);
    let problem = keys.problem("receiver", format!("no receiver is called {name:?}"));
    Problem { hint, ..problem }.report(keys.problems);
    None
}
