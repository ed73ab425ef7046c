//! Words and marks for incidents: what burns now, what a row and a line of the timeline mean to a reader.
//!
//! Takes `now` from the answer and reads no clock.

use super::slo_view::Standing;
use super::{log_text, name_text};
use crate::{format, json};
use wire::{
    IncidentList, IncidentObjective, IncidentRow, IncidentStatus, TimelineEntry, TimelineKind, UnixNanos,
};

/// Services that a row names before it counts the rest.
const NAMES_MAX: usize = 3;

/// Standing and word of an incident.
pub fn standing(incident: &IncidentRow) -> (Standing, &'static str) {
    let is_back = incident.n_reopened > 0;
    match (incident.status, incident.severity.as_str()) {
        (IncidentStatus::Resolved, _) => (Standing::Well, "resolved"),
        (IncidentStatus::Acknowledged, _) => (Standing::Pending, "acknowledged"),
        (IncidentStatus::Open, "page") => {
            (Standing::Failing, if is_back { "open, regressed" } else { "open" })
        }
        (IncidentStatus::Open, _) => (Standing::Warning, if is_back { "open, regressed" } else { "open" }),
    }
}

pub fn is_over(incident: &IncidentRow) -> bool {
    incident.status == IncidentStatus::Resolved
}

/// Open pages first, then open tickets, then what somebody looks after; within each as they came, newest first.
pub fn rank(incident: &IncidentRow) -> u8 {
    match (incident.status, incident.severity.as_str()) {
        (IncidentStatus::Open, "page") => 0,
        (IncidentStatus::Open, _) => 1,
        (IncidentStatus::Acknowledged, _) => 2,
        (IncidentStatus::Resolved, _) => 3,
    }
}

/// `INC-412`.
pub fn name(number: u32) -> String {
    format!("INC-{number}")
}

/// The number in a path: `412`, `INC-412` or `inc-412`.
pub fn number(text: &str) -> Option<u32> {
    let digits = match text.get(..4) {
        Some(head) if head.eq_ignore_ascii_case("inc-") => &text[4..],
        _ => text,
    };
    digits.parse().ok()
}

/// The headline of the newest report, else the title.
pub fn headline(incident: &IncidentRow) -> String {
    log_text::line(incident.headline.as_deref().unwrap_or(&incident.title))
}

/// How long it has lasted, or did last; never negative, in whole seconds.
pub fn duration(incident: &IncidentRow, now: UnixNanos) -> String {
    let end = incident.resolved_at.unwrap_or(now);
    let seconds = end.0.saturating_sub(incident.opened_at.0).max(0) / 1_000_000_000;
    format::duration(seconds * 1_000_000_000)
}

/// Services with an alert in it: the first few by name, the others counted.
pub fn services(incident: &IncidentRow) -> String {
    let names = name_text::inline_list(incident.services.iter().take(NAMES_MAX).map(String::as_str));
    match incident.services.len().saturating_sub(NAMES_MAX) {
        0 => names,
        n => format!("{names} and {n} more"),
    }
}

/// Who looks after it.
pub fn owner(incident: &IncidentRow) -> String {
    match (&incident.owner, &incident.acknowledged_by) {
        (Some(owner), _) => name_text::inline(owner),
        (None, Some(by)) => format!("acknowledged by {}", name_text::inline(by)),
        (None, None) => "nobody yet".to_owned(),
    }
}

/// Over the list: what burns now, or that all is well.
pub fn sentence(list: &IncidentList) -> String {
    let open = match list.n_open {
        0 => String::new(),
        1 => "One incident is open".to_owned(),
        n => format!("{n} incidents are open"),
    };
    let seen = match (list.n_acknowledged, list.n_open) {
        (0, _) => String::new(),
        (1, 0) => "One incident is being looked after".to_owned(),
        (n, 0) => format!("{n} incidents are being looked after"),
        (n, _) => format!(", {n} more {} being looked after", if n == 1 { "is" } else { "are" }),
    };
    match list.n_open.saturating_add(list.n_acknowledged) {
        0 => "Nothing is burning.".to_owned(),
        _ => format!("{open}{seen}."),
    }
}

/// Under it: whether somebody has to do something.
pub fn advice(list: &IncidentList, now: UnixNanos) -> String {
    let open = list.incidents.iter().filter(|incident| incident.status == IncidentStatus::Open);
    if let Some(oldest) = open.min_by_key(|incident| incident.opened_at) {
        let age = duration(oldest, now);
        return format!("Nobody has acknowledged {} yet, open for {age}.", name(oldest.number));
    }
    let ended = list.incidents.iter().filter_map(|incident| incident.resolved_at).max();
    match ended {
        Some(at) if list.n_acknowledged == 0 => format!("The last incident ended {}.", format::ago(at, now)),
        _ if list.n_acknowledged > 0 => "Everything that is wrong has somebody.".to_owned(),
        _ => "No incident was ever opened. Alerts of objectives open them.".to_owned(),
    }
}

/// Standing of a line of the timeline: colour and shape say how it went.
pub fn mark(entry: &TimelineEntry) -> Standing {
    match entry.kind {
        TimelineKind::Opened | TimelineKind::Reopened | TimelineKind::AlertFired => Standing::Failing,
        TimelineKind::AlertResolved | TimelineKind::Resolved => Standing::Well,
        TimelineKind::Notified => match entry.delivery.as_ref().map(|delivery| delivery.state.as_str()) {
            Some("delivered") => Standing::Well,
            Some("dead") => Standing::Failing,
            _ => Standing::Pending,
        },
        TimelineKind::Muted => Standing::NoData,
        _ => Standing::Pending,
    }
}

/// Word for the mark, for those who do not see it.
pub fn kind_words(kind: TimelineKind) -> &'static str {
    match kind {
        TimelineKind::Opened => "opened",
        TimelineKind::AlertFired => "alert",
        TimelineKind::AlertResolved => "alert over",
        TimelineKind::AlertMoved => "alert moved",
        TimelineKind::Muted => "muted",
        TimelineKind::Unmuted => "no longer muted",
        TimelineKind::Notified => "notification",
        TimelineKind::Release => "release",
        TimelineKind::Report => "report",
        TimelineKind::Origin => "origin",
        TimelineKind::Acknowledged => "acknowledged",
        TimelineKind::Assigned => "assigned",
        TimelineKind::Note => "note",
        TimelineKind::Resolved => "resolved",
        TimelineKind::Reopened => "reopened",
    }
}

/// Below the text of a line: by whom, or what became of the notification.
pub fn detail(entry: &TimelineEntry) -> Option<String> {
    if let Some(delivery) = &entry.delivery {
        let receiver = name_text::inline(&delivery.receiver);
        let tries = format::counted(delivery.n_attempts.into(), "attempt", "attempts");
        let error = match delivery.error.as_str() {
            "" => String::new(),
            error => format!(", {}", log_text::line(error)),
        };
        return Some(format!("{receiver}, {} after {tries}{error}", log_text::line(&delivery.state)));
    }
    entry.by.as_deref().map(|by| format!("by {}", name_text::inline(by)))
}

/// What somebody does with an incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    Acknowledge,
    Assign,
    Note,
    Resolve,
}

impl Deed {
    /// Last part of the path, and the body; or what is missing.
    pub fn request(self, who: &str, note: &str) -> Result<(&'static str, String), &'static str> {
        let [who, note] = [who, note].map(|text| Some(text.trim()).filter(|text| !text.is_empty()));
        let said = json::object(&[("by", who), ("note", note)]);
        match (self, who, note) {
            (Self::Acknowledge, ..) => Ok(("acknowledge", said)),
            (Self::Resolve, ..) => Ok(("resolve", said)),
            (Self::Assign, None, _) => Err("Write a name first: who looks after it?"),
            (Self::Assign, ..) => Ok(("assign", json::object(&[("owner", who), ("by", who)]))),
            (Self::Note, _, None) => Err("Write the note first."),
            (Self::Note, ..) => Ok(("note", json::object(&[("text", note), ("by", who)]))),
        }
    }

    /// What is said when it is done.
    pub fn done(self) -> &'static str {
        match self {
            Self::Acknowledge => "It is acknowledged.",
            Self::Assign => "It is assigned.",
            Self::Note => "The note is in the timeline.",
            Self::Resolve => "It is resolved.",
        }
    }
}

/// What the incident cost an objective: spent, left.
pub fn budget(objective: &IncidentObjective) -> (String, String) {
    if !objective.is_configured {
        return ("no longer configured".to_owned(), format::MISSING.to_owned());
    }
    (
        format::percent_or_missing(objective.budget_spent),
        format::percent_or_missing(objective.budget_remaining),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::TimelineDelivery;

    const SECOND: i64 = 1_000_000_000;

    fn incident(number: u32, severity: &str, status: IncidentStatus) -> IncidentRow {
        IncidentRow {
            number,
            severity: severity.to_owned(),
            status,
            opened_at: UnixNanos(100 * SECOND),
            title: "web: availability".to_owned(),
            ..IncidentRow::default()
        }
    }

    /// Scenario: incidents of every status and severity.
    /// Guarantees: a word and a mark each; pages that nobody looks after come first.
    #[test]
    fn incidents_have_a_standing() {
        use IncidentStatus::{Acknowledged, Open, Resolved};
        let of = |severity: &str, status| standing(&incident(1, severity, status));
        assert_eq!(of("page", Open), (Standing::Failing, "open"));
        assert_eq!(of("ticket", Open), (Standing::Warning, "open"));
        assert_eq!(of("page", Acknowledged), (Standing::Pending, "acknowledged"));
        assert_eq!(of("page", Resolved), (Standing::Well, "resolved"));
        let back = IncidentRow { n_reopened: 1, ..incident(1, "page", Open) };
        assert_eq!(standing(&back).1, "open, regressed");
        let ranks = [("page", Open), ("ticket", Open), ("page", Acknowledged), ("page", Resolved)];
        assert_eq!(ranks.map(|(severity, status)| rank(&incident(1, severity, status))), [0, 1, 2, 3]);
    }

    /// Scenario: nothing, open ones, ones that are looked after, both, and only old ones.
    /// Guarantees: the sentence is one a person would say, and the advice says whether to do something.
    #[test]
    fn the_list_has_a_sentence() {
        let list = |n_open, n_acknowledged, incidents| IncidentList {
            n_open,
            n_acknowledged,
            incidents,
            ..IncidentList::default()
        };
        let of = |n_open, n_seen| sentence(&list(n_open, n_seen, Vec::new()));
        assert_eq!(of(0, 0), "Nothing is burning.");
        assert_eq!(of(1, 0), "One incident is open.");
        assert_eq!(of(2, 1), "2 incidents are open, 1 more is being looked after.");
        assert_eq!(of(0, 3), "3 incidents are being looked after.");
        let now = UnixNanos(220 * SECOND);
        let told = |n_open, n_seen, incidents| advice(&list(n_open, n_seen, incidents), now);
        let open = incident(7, "page", IncidentStatus::Open);
        assert_eq!(told(1, 0, vec![open.clone()]), "Nobody has acknowledged INC-7 yet, open for 2 min.");
        assert_eq!(told(0, 1, Vec::new()), "Everything that is wrong has somebody.");
        let over = IncidentRow {
            resolved_at: Some(UnixNanos(190 * SECOND)),
            status: IncidentStatus::Resolved,
            ..open
        };
        assert_eq!(duration(&over, now), "90 s");
        assert_eq!(told(0, 0, vec![over]), "The last incident ended 30 s ago.");
        assert!(told(0, 0, Vec::new()).starts_with("No incident was ever opened."));
    }

    /// Scenario: numbers as the address bar may have them.
    /// Guarantees: with and without the prefix, in any case; anything else is none.
    #[test]
    fn numbers_are_read() {
        assert_eq!(["412", "INC-412", "inc-7"].map(number), [Some(412), Some(412), Some(7)]);
        assert_eq!(["", "INC-", "-1", "\u{e9}\u{e9}\u{e9}", "99999999999"].map(number), [None; 5]);
    }

    /// Scenario: lines of the timeline of somebody, of nobody, and of a notification that died; hostile texts.
    /// Guarantees: by whom, or what became of it; nothing invisible is left.
    #[test]
    fn lines_tell_who_and_what() {
        let entry = |kind| TimelineEntry { kind, ..TimelineEntry::default() };
        assert_eq!(detail(&entry(TimelineKind::Note)), None);
        let by = TimelineEntry { by: Some("ann\u{202e}".to_owned()), ..entry(TimelineKind::Acknowledged) };
        assert_eq!(detail(&by).as_deref(), Some("by ann<U+202E>"));
        let delivery = TimelineDelivery {
            receiver: "on-call".to_owned(),
            state: "dead".to_owned(),
            n_attempts: 3,
            error: "503".to_owned(),
            ..TimelineDelivery::default()
        };
        let told = TimelineEntry { delivery: Some(delivery), ..entry(TimelineKind::Notified) };
        assert_eq!(detail(&told).as_deref(), Some("on-call, dead after 3 attempts, 503"));
        assert_eq!(mark(&told), Standing::Failing);
        assert_eq!(mark(&entry(TimelineKind::Resolved)), Standing::Well);
        assert!(!kind_words(TimelineKind::Report).is_empty());
    }

    /// Scenario: an incident with a report and one without, of one service and of five.
    /// Guarantees: the headline wins; names are bounded; who looks after it is said, also that nobody does.
    #[test]
    fn rows_have_words() {
        let mut row = incident(1, "page", IncidentStatus::Open);
        assert_eq!((headline(&row).as_str(), owner(&row).as_str()), ("web: availability", "nobody yet"));
        row.headline = Some("db broke first.\u{0}".to_owned());
        row.services = ["a", "b", "c", "d", "e"].map(str::to_owned).to_vec();
        row.acknowledged_by = Some("ann".to_owned());
        assert_eq!(headline(&row), "db broke first.\\0");
        assert_eq!(
            (services(&row), owner(&row)),
            ("a, b, c and 2 more".to_owned(), "acknowledged by ann".to_owned())
        );
        row.owner = Some("payments".to_owned());
        assert_eq!(owner(&row), "payments");
    }

    /// Scenario: each deed with and without a name and a note, with blanks and quotes around them.
    /// Guarantees: the body has what was written and nothing that was not; what is missing is said.
    #[test]
    fn deeds_become_requests() {
        let request = |deed: Deed, who, note| deed.request(who, note);
        let ok = |verb, body: &str| Ok((verb, body.to_owned()));
        assert_eq!(request(Deed::Acknowledge, "", " "), ok("acknowledge", "{}"));
        assert_eq!(request(Deed::Resolve, "ann", "x"), ok("resolve", r#"{"by":"ann","note":"x"}"#));
        assert_eq!(request(Deed::Assign, " a\"n ", ""), ok("assign", r#"{"owner":"a\"n","by":"a\"n"}"#));
        assert_eq!(request(Deed::Note, "", "look at db"), ok("note", r#"{"text":"look at db"}"#));
        assert!(request(Deed::Assign, " ", "x").is_err() && request(Deed::Note, "ann", "").is_err());
        let all = [Deed::Acknowledge, Deed::Assign, Deed::Note, Deed::Resolve];
        assert!(all.iter().all(|deed| deed.done().ends_with('.')));
    }

    /// Scenario: objectives with a budget, without a measure, and one that is gone.
    /// Guarantees: shares, the mark for what is missing, and words for what is gone.
    #[test]
    fn budgets_are_told() {
        let of = |is_configured, budget_spent| {
            budget(&IncidentObjective { is_configured, budget_spent, ..IncidentObjective::default() })
        };
        assert_eq!(of(true, Some(0.036)), ("3.6 %".to_owned(), "\u{2013}".to_owned()));
        assert_eq!(of(true, None).0, "\u{2013}");
        assert_eq!(of(false, Some(0.5)).0, "no longer configured");
    }
}
