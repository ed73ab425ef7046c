//! Is telemetry arriving, in words: the verdict of the "Send data" page and its first steps.
//!
//! Reads one `Status`; the clock is the server's, as it stands in the answer.

use super::name_text;
use super::slo_view::Standing;
use crate::format;
use wire::{Credentials, Rejection, Status};

/// Without anything for this long, the page no longer says "Receiving". Exporters send metrics once
/// a minute by default, so a shorter time would flicker.
const SILENT_AFTER_NS: i64 = 90_000_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ingest {
    /// Nothing was ever stored.
    Waiting,
    Receiving,
    /// There is data, but none came for this many nanoseconds.
    Silent {
        for_ns: i64,
    },
}

impl Ingest {
    /// For tests and styles.
    pub fn id(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Receiving => "receiving",
            Self::Silent { .. } => "silent",
        }
    }

    pub fn standing(self) -> Standing {
        match self {
            Self::Receiving => Standing::Well,
            Self::Waiting | Self::Silent { .. } => Standing::NoData,
        }
    }
}

pub fn ingest(status: &Status) -> Ingest {
    if !status.has_data {
        return Ingest::Waiting;
    }
    let flows = status.signals.iter().any(|signal| signal.rate_per_s > 0.0);
    let for_ns = status.last_received_at.map(|at| (status.now.0 - at.0).max(0));
    match for_ns {
        _ if flows => Ingest::Receiving,
        Some(for_ns) if for_ns < SILENT_AFTER_NS => Ingest::Receiving,
        Some(for_ns) => Ingest::Silent { for_ns },
        // Stored by an earlier process and nothing since this one started.
        None => Ingest::Silent { for_ns: (status.now.0 - status.started_at.0).max(0) },
    }
}

/// The title of the page.
pub fn headline(ingest: Ingest) -> &'static str {
    match ingest {
        Ingest::Waiting => "Nothing has arrived yet. Point any OTLP exporter here.",
        Ingest::Receiving => "Telemetry is arriving.",
        Ingest::Silent { .. } => "Nothing arrives at the moment.",
    }
}

/// What a sender needs to know, below the title.
pub fn lead(credentials: Credentials) -> &'static str {
    match credentials {
        Credentials::None => {
            "No account, no header, no schema. A span shows within a second of its acknowledgement, and this page follows \
             by itself."
        }
        Credentials::Token => {
            "Senders need a token, in a header; no schema. A span shows within a second of its acknowledgement, and this \
             page follows by itself."
        }
        Credentials::Password => {
            "Senders need a name and a password, in a header; no schema. A span shows within a second of its \
             acknowledgement, and this page follows by itself."
        }
    }
}

/// Who can send to ports that other machines reach.
pub fn reachable(credentials: Credentials) -> &'static str {
    match credentials {
        Credentials::None => "Other machines can send here. There is no login: keep it inside.",
        Credentials::Token => "Other machines can send here, with a token.",
        Credentials::Password => "Other machines can send here, with a name and a password.",
    }
}

/// The verdict beside it; `services` are those seen lately, largest first.
pub fn verdict(ingest: Ingest, services: &[String]) -> String {
    let names: Vec<String> = services.iter().take(2).map(|name| name_text::inline(name)).collect();
    match (ingest, names.as_slice()) {
        (Ingest::Waiting, _) => "Waiting for the first span".to_owned(),
        (Ingest::Silent { for_ns }, _) => format!("Nothing for {}", format::duration(for_ns)),
        (Ingest::Receiving, []) => "Receiving".to_owned(),
        (Ingest::Receiving, [one]) => format!("Receiving from {one}"),
        (Ingest::Receiving, [one, two, ..]) => match services.len() - 2 {
            0 => format!("Receiving from {one} and {two}"),
            n_more => format!("Receiving from {one}, {two} and {n_more} more"),
        },
    }
}

/// What was refused so far, as one sentence; `None` when nothing was.
pub fn refused_sentence(rejections: &[Rejection]) -> Option<String> {
    let n: u64 = rejections.iter().map(|rejection| rejection.n).sum();
    match n {
        0 => None,
        1 => Some("Once something came that could not be used: see Refused.".to_owned()),
        n => Some(format!("{} times something came that could not be used: see Refused.", format::count(n))),
    }
}

/// `span_id_invalid` as words.
pub fn reason_words(reason: &str) -> String {
    reason.replace('_', " ")
}

/// Items of one signal accepted so far.
pub fn n_accepted(status: &Status, signal: &str) -> u64 {
    status.signals.iter().find(|row| row.signal == signal).map_or(0, |row| row.n_accepted)
}

/// True when the OTLP ports are reachable from this machine only.
pub fn is_loopback(url: &str) -> bool {
    let host = url.split_once("://").map_or(url, |(_, rest)| rest);
    host.starts_with("127.") || host.starts_with("localhost") || host.starts_with("[::1]")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::{Endpoints, SignalStatus, StorageStatus, UnixNanos};

    const S: i64 = 1_000_000_000;

    fn status(has_data: bool, rate_per_s: f64, last_s: Option<i64>) -> Status {
        Status {
            version: "0.1.0".to_owned(),
            started_at: UnixNanos(100 * S),
            now: UnixNanos(1_000 * S),
            endpoints: Endpoints {
                otlp_grpc: "http://127.0.0.1:4317".to_owned(),
                otlp_http: "http://127.0.0.1:4318".to_owned(),
                dashboard: "http://127.0.0.1:4320".to_owned(),
                ..Endpoints::default()
            },
            signals: vec![SignalStatus {
                signal: "traces".to_owned(),
                n_accepted: 7,
                n_rejected: 0,
                rate_per_s,
                last_received_at: None,
            }],
            rejections: Vec::new(),
            storage: StorageStatus {
                n_segments: 0,
                segment_bytes: 0,
                wal_bytes: 0,
                hot_bytes: 0,
                hot_rows: 0,
                disk_free_bytes: None,
            },
            has_data,
            last_received_at: last_s.map(|s| UnixNanos(s * S)),
        }
    }

    /// Scenario: an empty server, one under load, one between two exports, one gone quiet, one restarted.
    /// Guarantees: silence is told from waiting, and an export interval is not silence.
    #[test]
    fn tells_waiting_receiving_and_silent_apart() {
        assert_eq!(ingest(&status(false, 0.0, None)), Ingest::Waiting);
        assert_eq!(ingest(&status(true, 12.0, Some(999))), Ingest::Receiving);
        assert_eq!(ingest(&status(true, 0.0, Some(940))), Ingest::Receiving);
        assert_eq!(ingest(&status(true, 0.0, Some(640))), Ingest::Silent { for_ns: 360 * S });
        assert_eq!(ingest(&status(true, 0.0, None)), Ingest::Silent { for_ns: 900 * S });
    }

    /// Scenario: no, one, two and five services send.
    /// Guarantees: the verdict names them and stays short.
    #[test]
    fn verdict_names_the_services() {
        let names = |n: usize| -> Vec<String> {
            ["checkout", "orders", "billing", "web", "search"][..n].iter().map(|s| (*s).to_owned()).collect()
        };
        assert_eq!(verdict(Ingest::Waiting, &[]), "Waiting for the first span");
        assert_eq!(verdict(Ingest::Receiving, &names(0)), "Receiving");
        assert_eq!(verdict(Ingest::Receiving, &names(1)), "Receiving from checkout");
        assert_eq!(verdict(Ingest::Receiving, &names(2)), "Receiving from checkout and orders");
        assert_eq!(verdict(Ingest::Receiving, &names(5)), "Receiving from checkout, orders and 3 more");
        assert_eq!(verdict(Ingest::Silent { for_ns: 360 * S }, &names(1)), "Nothing for 6 min");
    }

    /// Scenario: endpoints on loopback, by name, by IPv6, and on the network.
    /// Guarantees: the hint for containers appears only where it applies.
    #[test]
    fn loopback_is_recognised() {
        for url in ["http://127.0.0.1:4317", "http://localhost:4318", "http://[::1]:4317"] {
            assert!(is_loopback(url), "{url}");
        }
        assert!(!is_loopback("http://0.0.0.0:4317") && !is_loopback("http://collect.example:4317"));
    }

    /// Scenario: nothing, one request and many were refused.
    /// Guarantees: the number is named; nothing is said about nothing.
    #[test]
    fn refusals_are_counted() {
        let refused = |n| Rejection {
            reason: "unsupported_media_type".to_owned(),
            n,
            last_at: UnixNanos(0),
            example: String::new(),
            hint: None,
        };
        assert_eq!(refused_sentence(&[]), None);
        assert!(refused_sentence(&[refused(1)]).is_some_and(|text| text.starts_with("Once")));
        assert!(refused_sentence(&[refused(2), refused(3)]).is_some_and(|text| text.starts_with("5 times")));
        assert_eq!(reason_words("unsupported_media_type"), "unsupported media type");
    }
}
