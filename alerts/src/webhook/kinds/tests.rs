//! Golden documents of each kind of receiver, their limits, and what they do with hostile text.

use super::*;
use crate::{
    AlertRecord, Coverage, Judgement, MailServer, MailTls, Ownership, OwnershipSpec, Phase, Severity, Slo,
    SloSpec, WindowCounts, judge,
    outbox::{event_id, occurrence_id},
    webhook::{Identity, request::ShownRequest},
};
use expect_test::{Expect, expect};
use serde_json::Value;
use std::collections::BTreeMap;

/// 2026-11-22T10:00:00Z.
const AT: i64 = 1_795_341_600_000_000_000;
const MINUTE: i64 = 60_000_000_000;
const ROUTING_KEY: &str = "0123456789abcdef0123456789abcdef";
/// Rings a channel, rings everybody, leads elsewhere, closes a string, and begins a header.
const HOSTILE: &str =
    "checkout <!channel> @everyone [x](https://evil.example) & \"more\"\r\nBcc: a@example.com";

/// What is told; each test changes what it is about.
struct Told {
    slo: Slo,
    alert: AlertRecord,
    event: Event,
    ownership: Ownership,
    annotations: BTreeMap<String, String>,
    is_test: bool,
}

impl Told {
    fn new(event: Event) -> Self {
        let text = str::to_owned;
        let slo = Slo::new(SloSpec {
            id: text("checkout-availability"),
            name: text("Checkout availability"),
            service: text("checkout"),
            operation: Some(text("POST /pay")),
            labels: BTreeMap::from([(text("team"), text("payments"))]),
            ..SloSpec::default()
        })
        .unwrap();
        let (pending_at, firing_at) = (AT, AT);
        let phase = match event {
            Event::Resolved => Phase::Resolved { pending_at, firing_at, resolved_at: AT + 90 * MINUTE },
            _ => Phase::Firing { pending_at, firing_at, quiet_since: None },
        };
        let alert = AlertRecord {
            id: occurrence_id(slo.id(), Severity::Page, AT),
            slo_id: slo.id().to_owned(),
            slo_name: slo.name().to_owned(),
            service: slo.service().to_owned(),
            severity: Severity::Page,
            phase,
            pending_at,
            summary: text(HOSTILE),
        };
        let sentence = slo.sentence();
        let annotations = [
            ("summary", HOSTILE),
            ("description", sentence.as_str()),
            ("dashboard_url", "https://firstfault.example.com/slos/checkout-availability"),
            ("runbook_url", "https://example.com/runbook"),
            ("time_to_exhaustion", "14 h"),
            ("owner", "payments"),
            ("exemplar_trace_1", "0af7651916cd43dd8448eb211c80319c"),
        ];
        let annotations = annotations.map(|(name, value)| (text(name), text(value))).into();
        let playbooks =
            ["https://example.com/runbook", "https://wiki.example.com/checkout"].map(text).to_vec();
        let spec = OwnershipSpec { owner: Some(text("payments")), playbooks, ..OwnershipSpec::default() };
        Self { slo, alert, event, ownership: Ownership::new(spec).unwrap(), annotations, is_test: false }
    }

    /// The document of a receiver called `on.call`.
    fn to(&self, kind: &Kind) -> Vec<u8> {
        let judgement = judgement(&self.slo);
        let notice = Notice {
            alert: &self.alert,
            event: self.event,
            identity: &Identity::new(&self.slo, self.alert.severity),
            judged: Some((&self.slo, &judgement)),
            ownership: Some(&self.ownership),
            triage: None,
            annotations: &self.annotations,
            external_url: "https://firstfault.example.com/",
            now: AT,
            is_test: self.is_test,
        };
        kind.document(&notice, "on.call")
    }

    fn json(&self, kind: &Kind) -> Value {
        serde_json::from_slice(&self.to(kind)).unwrap()
    }
}

/// Two of a hundred events are bad in each window, and one of two thousand over the period: half the budget.
fn judgement(slo: &Slo) -> Judgement {
    judge(slo, AT, |window| {
        let n_slices = u32::try_from(window.as_secs() / 30).unwrap();
        let n_total = u64::from(n_slices) * 100;
        let n_bad = if window == slo.period() { n_total / 2_000 } else { n_total / 50 };
        WindowCounts {
            n_good: n_total - n_bad,
            n_total,
            coverage: Coverage { n_measured: n_slices, n_slices },
        }
    })
}

fn url(text: &str) -> ReceiverUrl {
    ReceiverUrl::parse(text, false).unwrap()
}

fn chat() -> ReceiverUrl {
    url("https://chat.example.com/hooks/s3cret")
}

fn pagerduty() -> Kind {
    let key = Token::parse(ROUTING_KEY).unwrap();
    Kind::PagerDuty(PagerDuty::new(url(PagerDuty::URL), key).unwrap())
}

fn alertmanager() -> Kind {
    let bases = ["https://am-1.example.com", "https://am-2.example.com/prefix/"].map(url);
    Kind::Alertmanager(Members::new(&bases, Token::parse("t0ken")))
}

fn mail_with(from: &str, to: &[&str]) -> Result<Mail, MailError> {
    let server = MailServer::parse("mail.example.com", 587, MailTls::StartTls, false).unwrap();
    let to: Vec<_> = to.iter().map(|text| (*text).to_owned()).collect();
    Mail::new(server, from, &to, None)
}

fn email() -> Kind {
    Kind::Email(
        mail_with("Firstfault <alerts@example.com>", &["ada@example.com", "Bob <bob@example.com>"]).unwrap(),
    )
}

fn hook(secret: Option<&str>, bearer: Option<&str>) -> Hook {
    let secret = secret.map(|text| Secret::parse(text).unwrap());
    Hook { target: chat(), secret, bearer: bearer.and_then(Token::parse) }
}

fn letter(body: &[u8]) -> Letter<'_> {
    Letter { id: "msg_1", body, at: AT }
}

/// The requests of an attempt: where to, and what.
fn requests(kind: &Kind, body: &[u8]) -> Vec<(String, Vec<Header>, Value)> {
    let Outgoing::Http(requests) = kind.outgoing(letter(body)).unwrap() else { panic!("no HTTP") };
    let taken = |request: HttpRequest<'_>| {
        let body = serde_json::from_slice(&request.body).unwrap();
        (request.target.url().to_string(), request.headers, body)
    };
    requests.into_iter().map(taken).collect()
}

fn check(value: &Value, expected: Expect) {
    expected.assert_eq(&serde_json::to_string_pretty(value).unwrap());
}

fn text_of(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}

fn n_units(value: &Value) -> usize {
    text_of(value).encode_utf16().count()
}

/// Scenario: a page fires, its sentence full of marks, for Slack.
/// Guarantees: the message block by block; nothing in it rings or leads anywhere but to us.
#[test]
fn slack_message() {
    let told = Told::new(Event::Firing).json(&Kind::Slack(chat()));
    check(
        &told,
        expect![[r#"
            {
              "text": "Page firing: Checkout availability. checkout &lt;!channel&gt; @everyone [x](https://evil.example) &amp; \"more\" Bcc: a@example.com",
              "blocks": [
                {
                  "type": "header",
                  "text": {
                    "type": "plain_text",
                    "text": "Page firing: Checkout availability",
                    "emoji": false
                  }
                },
                {
                  "type": "section",
                  "text": {
                    "type": "mrkdwn",
                    "text": "checkout &lt;!channel&gt; @everyone [x](https://evil.example) &amp; \"more\" Bcc: a@example.com",
                    "verbatim": true
                  }
                },
                {
                  "type": "section",
                  "fields": [
                    {
                      "type": "mrkdwn",
                      "text": "*Service*\ncheckout",
                      "verbatim": true
                    },
                    {
                      "type": "mrkdwn",
                      "text": "*Operation*\nPOST /pay",
                      "verbatim": true
                    },
                    {
                      "type": "mrkdwn",
                      "text": "*Objective*\n99.9 % of checkout POST /pay requests succeed over 30 d",
                      "verbatim": true
                    },
                    {
                      "type": "mrkdwn",
                      "text": "*Budget left*\n50.0 %",
                      "verbatim": true
                    },
                    {
                      "type": "mrkdwn",
                      "text": "*Burns*\n20.0 times too fast",
                      "verbatim": true
                    },
                    {
                      "type": "mrkdwn",
                      "text": "*Gone in*\n14 h",
                      "verbatim": true
                    },
                    {
                      "type": "mrkdwn",
                      "text": "*Owner*\npayments",
                      "verbatim": true
                    },
                    {
                      "type": "mrkdwn",
                      "text": "*Since*\n2026-11-22T10:00:00Z",
                      "verbatim": true
                    }
                  ]
                },
                {
                  "type": "context",
                  "elements": [
                    {
                      "type": "mrkdwn",
                      "text": "<https://firstfault.example.com/traces/0af7651916cd43dd8448eb211c80319c|trace 0af7651916cd43dd8448eb211c80319c>",
                      "verbatim": true
                    }
                  ]
                },
                {
                  "type": "actions",
                  "elements": [
                    {
                      "type": "button",
                      "text": {
                        "type": "plain_text",
                        "text": "Open the alert",
                        "emoji": false
                      },
                      "url": "https://firstfault.example.com/alerts?open=86dde2056964c60278b7ed10cb0d1198"
                    },
                    {
                      "type": "button",
                      "text": {
                        "type": "plain_text",
                        "text": "Objective",
                        "emoji": false
                      },
                      "url": "https://firstfault.example.com/slos/checkout-availability"
                    },
                    {
                      "type": "button",
                      "text": {
                        "type": "plain_text",
                        "text": "Runbook",
                        "emoji": false
                      },
                      "url": "https://example.com/runbook"
                    },
                    {
                      "type": "button",
                      "text": {
                        "type": "plain_text",
                        "text": "Playbook",
                        "emoji": false
                      },
                      "url": "https://wiki.example.com/checkout"
                    }
                  ]
                }
              ]
            }"#]],
    );
}

/// Scenario: the same for Teams.
/// Guarantees: an Adaptive Card, whose text is text.
#[test]
fn teams_card() {
    let told = Told::new(Event::Firing).json(&Kind::Teams(chat()));
    check(
        &told,
        expect![[r#"
            {
              "type": "message",
              "attachments": [
                {
                  "contentType": "application/vnd.microsoft.card.adaptive",
                  "contentUrl": null,
                  "content": {
                    "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                    "type": "AdaptiveCard",
                    "version": "1.4",
                    "body": [
                      {
                        "type": "TextBlock",
                        "text": "Page firing: Checkout availability",
                        "weight": "Bolder",
                        "size": "Medium",
                        "color": "Attention",
                        "wrap": true
                      },
                      {
                        "type": "TextBlock",
                        "text": "checkout <!channel> @everyone \\[x\\](https://evil.example) & \"more\" Bcc: a@example.com",
                        "wrap": true
                      },
                      {
                        "type": "FactSet",
                        "facts": [
                          {
                            "title": "Service",
                            "value": "checkout"
                          },
                          {
                            "title": "Operation",
                            "value": "POST /pay"
                          },
                          {
                            "title": "Objective",
                            "value": "99.9 % of checkout POST /pay requests succeed over 30 d"
                          },
                          {
                            "title": "Budget left",
                            "value": "50.0 %"
                          },
                          {
                            "title": "Burns",
                            "value": "20.0 times too fast"
                          },
                          {
                            "title": "Gone in",
                            "value": "14 h"
                          },
                          {
                            "title": "Owner",
                            "value": "payments"
                          },
                          {
                            "title": "Since",
                            "value": "2026-11-22T10:00:00Z"
                          }
                        ]
                      }
                    ],
                    "actions": [
                      {
                        "type": "Action.OpenUrl",
                        "title": "Open the alert",
                        "url": "https://firstfault.example.com/alerts?open=86dde2056964c60278b7ed10cb0d1198"
                      },
                      {
                        "type": "Action.OpenUrl",
                        "title": "Objective",
                        "url": "https://firstfault.example.com/slos/checkout-availability"
                      },
                      {
                        "type": "Action.OpenUrl",
                        "title": "Runbook",
                        "url": "https://example.com/runbook"
                      },
                      {
                        "type": "Action.OpenUrl",
                        "title": "Playbook",
                        "url": "https://wiki.example.com/checkout"
                      },
                      {
                        "type": "Action.OpenUrl",
                        "title": "Example trace",
                        "url": "https://firstfault.example.com/traces/0af7651916cd43dd8448eb211c80319c"
                      }
                    ]
                  }
                }
              ]
            }"#]],
    );
}

/// Scenario: the same for Discord.
/// Guarantees: an embed, and a message that allows no mention.
#[test]
fn discord_message() {
    let told = Told::new(Event::Firing).json(&Kind::Discord(chat()));
    check(
        &told,
        expect![[r#"
            {
              "allowed_mentions": {
                "parse": []
              },
              "embeds": [
                {
                  "title": "Page firing: Checkout availability",
                  "description": "checkout \\<!channel\\> \\@everyone \\[x\\](https://evil.example) & \"more\" Bcc: a\\@example.com",
                  "url": "https://firstfault.example.com/alerts?open=86dde2056964c60278b7ed10cb0d1198",
                  "color": 13644844,
                  "fields": [
                    {
                      "name": "Service",
                      "value": "checkout",
                      "inline": true
                    },
                    {
                      "name": "Operation",
                      "value": "POST /pay",
                      "inline": true
                    },
                    {
                      "name": "Objective",
                      "value": "99.9 % of checkout POST /pay requests succeed over 30 d",
                      "inline": true
                    },
                    {
                      "name": "Budget left",
                      "value": "50.0 %",
                      "inline": true
                    },
                    {
                      "name": "Burns",
                      "value": "20.0 times too fast",
                      "inline": true
                    },
                    {
                      "name": "Gone in",
                      "value": "14 h",
                      "inline": true
                    },
                    {
                      "name": "Owner",
                      "value": "payments",
                      "inline": true
                    },
                    {
                      "name": "Since",
                      "value": "2026-11-22T10:00:00Z",
                      "inline": true
                    },
                    {
                      "name": "Links",
                      "value": "[Objective](https://firstfault.example.com/slos/checkout-availability)\n[Runbook](https://example.com/runbook)\n[Playbook](https://wiki.example.com/checkout)\n[Trace 0af76519](https://firstfault.example.com/traces/0af7651916cd43dd8448eb211c80319c)",
                      "inline": false
                    }
                  ]
                }
              ]
            }"#]],
    );
}

/// Scenario: the same for Mattermost.
/// Guarantees: Markdown whose mentions are broken.
#[test]
fn mattermost_message() {
    let told = Told::new(Event::Firing).json(&Kind::Mattermost(chat()));
    let lines = [
        "#### Page firing: Checkout availability",
        "checkout <!channel\\> @\u{200b}everyone \\[x\\](https://evil.example) & \"more\" Bcc: a@\u{200b}example.com",
        "",
        "- **Service:** checkout",
        "- **Operation:** POST /pay",
        "- **Objective:** 99.9 % of checkout POST /pay requests succeed over 30 d",
        "- **Budget left:** 50.0 %",
        "- **Burns:** 20.0 times too fast",
        "- **Gone in:** 14 h",
        "- **Owner:** payments",
        "- **Since:** 2026-11-22T10:00:00Z",
        "",
        "[Open the alert](https://firstfault.example.com/alerts?open=86dde2056964c60278b7ed10cb0d1198) | \
         [Objective](https://firstfault.example.com/slos/checkout-availability) | \
         [Runbook](https://example.com/runbook) | [Playbook](https://wiki.example.com/checkout) | \
         [Trace 0af76519](https://firstfault.example.com/traces/0af7651916cd43dd8448eb211c80319c)",
    ];
    assert_eq!(told, serde_json::json!({ "text": lines.join("\n") }));
}

/// Scenario: a page fires, for PagerDuty.
/// Guarantees: the event field by field; the routing key is in what is sent, and not in what is kept or shown.
#[test]
fn pagerduty_trigger() {
    let (told, kind) = (Told::new(Event::Firing), pagerduty());
    let document = told.to(&kind);
    let (target, headers, body) = requests(&kind, &document).remove(0);
    assert_eq!((target.as_str(), headers), (PagerDuty::URL, vec![Header::json()]));
    assert!(!String::from_utf8(document.clone()).unwrap().contains(ROUTING_KEY));
    let shown: Value = serde_json::from_slice(&kind.shown_body(&document)).unwrap();
    assert_eq!(shown["routing_key"], "***");
    check(
        &body,
        expect![[r#"
            {
              "routing_key": "0123456789abcdef0123456789abcdef",
              "event_action": "trigger",
              "dedup_key": "86dde2056964c60278b7ed10cb0d1198",
              "payload": {
                "summary": "checkout <!channel> @everyone [x](https://evil.example) & \"more\" Bcc: a@example.com",
                "source": "checkout",
                "severity": "critical",
                "timestamp": "2026-11-22T10:00:00Z",
                "component": "POST /pay",
                "group": "checkout-availability",
                "class": "ErrorBudgetBurn",
                "custom_details": {
                  "dashboard_url": "https://firstfault.example.com/slos/checkout-availability",
                  "description": "99.9 % of checkout POST /pay requests succeed over 30 d",
                  "exemplar_trace_1": "0af7651916cd43dd8448eb211c80319c",
                  "owner": "payments",
                  "runbook_url": "https://example.com/runbook",
                  "summary": "checkout <!channel> @everyone [x](https://evil.example) & \"more\"\r\nBcc: a@example.com",
                  "time_to_exhaustion": "14 h"
                }
              },
              "links": [
                {
                  "href": "https://firstfault.example.com/alerts?open=86dde2056964c60278b7ed10cb0d1198",
                  "text": "Open the alert"
                },
                {
                  "href": "https://firstfault.example.com/slos/checkout-availability",
                  "text": "Objective"
                },
                {
                  "href": "https://example.com/runbook",
                  "text": "Runbook"
                },
                {
                  "href": "https://wiki.example.com/checkout",
                  "text": "Playbook"
                }
              ],
              "client": "Firstfault",
              "client_url": "https://firstfault.example.com/alerts?open=86dde2056964c60278b7ed10cb0d1198"
            }"#]],
    );
}

/// Scenario: somebody looks after the alert, then it ends; a ticket; a test; a sentence and details beyond every limit.
/// Guarantees: the same key throughout; the end and the acknowledgement carry nothing else; severities are those that
/// the API knows; the summary has at most 1,024 characters and details stay behind before the event does.
#[test]
fn pagerduty_fields_keep_their_rules() {
    let kind = pagerduty();
    let begun = Told::new(Event::Firing).json(&kind);
    for (event, action) in [(Event::Acknowledged, "acknowledge"), (Event::Resolved, "resolve")] {
        let told = Told::new(event).json(&kind);
        assert_eq!((&told["event_action"], &told["dedup_key"]), (&Value::from(action), &begun["dedup_key"]));
        assert!(told.get("payload").is_none() && told.get("links").is_none());
    }
    let mut ticket = Told::new(Event::Firing);
    ticket.alert.severity = Severity::Ticket;
    assert_eq!(ticket.json(&kind)["payload"]["severity"], "warning");
    let test = Told { is_test: true, ..Told::new(Event::Firing) }.json(&kind);
    assert_eq!(test["payload"]["severity"], "info");
    assert!(text_of(&test["payload"]["summary"]).starts_with("Test: checkout"));
    assert!(n_units(&begun["dedup_key"]) <= 255);

    let mut long = Told::new(Event::Firing);
    long.alert.summary = "\u{1f525}".repeat(2_000);
    long.annotations.insert("description".to_owned(), "x".repeat(600 * 1024));
    let told = long.json(&kind);
    assert_eq!(n_units(&told["payload"]["summary"]), 1023, "no half of a character");
    assert!(told["payload"].get("custom_details").is_none());
    assert!(requests(&kind, &long.to(&kind))[0].2.to_string().len() <= 512 * 1024);
}

/// Scenario: a page fires and ends, for an Alertmanager of two members.
/// Guarantees: a list for the API of each; while it fires it holds for four minutes from the attempt on, also in a
/// later attempt; the end is the real one; the token is in a header that is not shown.
#[test]
fn alertmanager_list() {
    let (told, kind) = (Told::new(Event::Firing), alertmanager());
    let document = told.to(&kind);
    check(
        &serde_json::from_slice(&document).unwrap(),
        expect![[r#"
            [
              {
                "labels": {
                  "alertname": "ErrorBudgetBurn",
                  "operation": "POST /pay",
                  "service": "checkout",
                  "severity": "page",
                  "slo": "checkout-availability",
                  "team": "payments"
                },
                "annotations": {
                  "dashboard_url": "https://firstfault.example.com/slos/checkout-availability",
                  "description": "99.9 % of checkout POST /pay requests succeed over 30 d",
                  "exemplar_trace_1": "0af7651916cd43dd8448eb211c80319c",
                  "owner": "payments",
                  "runbook_url": "https://example.com/runbook",
                  "summary": "checkout <!channel> @everyone [x](https://evil.example) & \"more\"\r\nBcc: a@example.com",
                  "time_to_exhaustion": "14 h"
                },
                "startsAt": "2026-11-22T10:00:00Z",
                "generatorURL": "https://firstfault.example.com/slos/checkout-availability"
              }
            ]"#]],
    );
    let sent = requests(&kind, &document);
    let targets: Vec<_> = sent.iter().map(|(target, ..)| target.as_str()).collect();
    assert_eq!(
        targets,
        ["https://am-1.example.com/api/v2/alerts", "https://am-2.example.com/prefix/api/v2/alerts"]
    );
    for (_, headers, body) in &sent {
        assert_eq!(headers[1], Header::secret("authorization", "Bearer t0ken"));
        assert_eq!(body[0]["endsAt"], "2026-11-22T10:04:00Z");
    }
    let later = kind.outgoing(Letter { at: AT + 60 * MINUTE, ..letter(&document) }).unwrap();
    let Outgoing::Http(later) = later else { panic!("no HTTP") };
    let later: Value = serde_json::from_slice(&later[0].body).unwrap();
    assert_eq!(later[0]["endsAt"], "2026-11-22T11:04:00Z");
    let ended = Told::new(Event::Resolved).to(&kind);
    assert_eq!(requests(&kind, &ended)[0].2[0]["endsAt"], "2026-11-22T11:30:00Z");
    let both: Value = serde_json::from_slice(&joined(&[document.clone(), ended])).unwrap();
    assert_eq!(both.as_array().map(Vec::len), Some(2));
    let ShownRequest { headers, .. } = kind.outgoing(letter(&document)).unwrap().shown(&document);
    assert_eq!(headers[1], ("authorization".to_owned(), "***".to_owned()));
}

/// Scenario: a page fires, as Standard Webhooks' JSON, with two secrets and with a token.
/// Guarantees: type, time and data; the headers of the scheme, one signature for each secret; nothing shows the token.
#[test]
fn standard_document() {
    let keys = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let kind = Kind::Standard(hook(Some(keys), Some("t0ken")));
    let told = Told::new(Event::Firing);
    let (document, json) = (told.to(&kind), told.json(&kind));
    assert_eq!(json["type"], "alert.firing");
    assert_eq!(json["timestamp"], "2026-11-22T10:00:00Z");
    let data = &json["data"];
    for (name, value) in
        [("status", "firing"), ("severity", "page"), ("service", "checkout"), ("summary", HOSTILE)]
    {
        assert_eq!(data[name], value, "{name}");
    }
    assert!(data["ends_at"].is_null() && data["is_test"] == false);
    assert_eq!(
        data["evidence"]["budget"]["remaining"].as_f64().map(|share| (share * 10.0).round()),
        Some(5.0)
    );
    let acknowledged = Told::new(Event::Acknowledged).json(&kind);
    assert_eq!(acknowledged["type"], "alert.acknowledged");
    assert_eq!(acknowledged["data"]["status"], "firing");

    let (_, headers, body) = requests(&kind, &document).remove(0);
    assert_eq!(body, json, "the body is sent as it lies there");
    let found = |name: &str| headers.iter().find(|header| header.name == name);
    let header = |name: &str| found(name).map(|header| header.value.as_str());
    assert_eq!((header("webhook-id"), header("idempotency-key")), (Some("msg_1"), Some("msg_1")));
    assert_eq!(header("webhook-timestamp"), Some("1795341600"));
    let signatures: Vec<_> = header("webhook-signature").unwrap().split(' ').collect();
    let alone: Vec<_> = keys
        .split(' ')
        .map(|key| Secret::parse(key).unwrap().signature("msg_1", 1_795_341_600, &document))
        .collect();
    assert_eq!(signatures, alone);
    let shown = format!("{:?}", kind.outgoing(letter(&document)).unwrap().shown(&document));
    assert!(!shown.contains("t0ken") && !shown.contains("s3cret"), "{shown}");
}

/// Scenario: a page fires and ends, as mail, with a sentence that wants to add a header.
/// Guarantees: one message from whom and to whom it is configured, with the notification's id; both form a thread; no
/// line of it is a header that we did not write.
#[test]
fn mail_message() {
    let kind = email();
    let message = String::from_utf8(Told::new(Event::Firing).to(&kind)).unwrap();
    let (head, body) = message.split_once("\r\n\r\n").unwrap();
    let lines: Vec<_> = head.lines().collect();
    let alert_id = occurrence_id("checkout-availability", Severity::Page, AT);
    let id = event_id(&alert_id, Event::Firing, "on.call");
    for expected in [
        "Subject: Page firing: Checkout availability",
        "Auto-Submitted: auto-generated",
        "Date: Sun, 22 Nov 2026 10:00:00 +0000",
    ] {
        assert!(lines.contains(&expected), "{expected} in {head}");
    }
    for expected in [format!("<{id}@example.com>"), format!("<{alert_id}@example.com>")] {
        assert!(head.contains(&expected), "{expected} in {head}");
    }
    assert!(lines.iter().any(|line| line.starts_with("From: ") && line.ends_with("<alerts@example.com>")));
    assert!(head.contains("ada@example.com") && head.contains("bob@example.com"));
    assert!(!head.to_lowercase().contains("bcc"), "{head}");
    assert!(!message.contains("\nBcc"), "{message}");
    assert!(body.contains("Budget left: 50.0 %") && body.contains("Runbook: https://example.com/runbook"));
    let ended = String::from_utf8(Told::new(Event::Resolved).to(&kind)).unwrap();
    assert!(ended.contains("Subject: Resolved: Checkout availability"));
    assert!(ended.contains(&format!("<{alert_id}@example.com>")) && !ended.contains(&format!("<{id}@")));
}

/// Scenario: an objective whose name wants to be two headers, in a mail; its name is also not ASCII.
/// Guarantees: the subject is one header, encoded; all of the message is ASCII.
#[test]
fn mail_headers_cannot_be_added() {
    let mut told = Told::new(Event::Firing);
    told.alert.slo_name = "b\u{fc}cher\r\nBcc: evil@example.com\r\n\r\nbody".to_owned();
    let message = told.to(&email());
    assert!(message.is_ascii());
    let message = String::from_utf8(message).unwrap();
    let (head, _) = message.split_once("\r\n\r\n").unwrap();
    let is_known = |line: &str| {
        let name = line.split_once(':').map_or("", |(name, _)| name);
        // A long header goes on in lines that begin with a blank.
        line.starts_with(' ')
            || ["From", "To", "Subject", "Date", "Message-ID", "References"].contains(&name)
            || ["Auto-Submitted", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"].contains(&name)
    };
    assert!(head.lines().all(is_known), "{head}");
    assert_eq!(head.matches("Subject:").count(), 1);
}

/// Scenario: senders and recipients that are none, several in one, nobody, too many; a password in the clear.
/// Guarantees: each is refused.
#[test]
fn mail_is_checked() {
    let to = ["ada@example.com"];
    assert!(matches!(mail_with("nobody", &to), Err(MailError::From { .. })));
    assert!(matches!(mail_with("a@example.com\r\nBcc: b@example.com", &to), Err(MailError::From { .. })));
    assert!(matches!(
        mail_with("a@example.com", &["a@example.com, b@example.com"]),
        Err(MailError::To { .. })
    ));
    assert!(matches!(mail_with("a@example.com", &[]), Err(MailError::Recipients { n: 0 })));
    assert!(matches!(
        mail_with("a@example.com", &["b@example.com"; 51]),
        Err(MailError::Recipients { n: 51 })
    ));
    let server = MailServer::parse("127.0.0.1", 25, MailTls::Off, true).unwrap();
    let login = Some(("ada".to_owned(), Token::parse("s3cret").unwrap()));
    let refused = Mail::new(server, "a@example.com", &["b@example.com".to_owned()], login).unwrap_err();
    assert_eq!(refused, MailError::LoginInClear);
}

/// Scenario: every text is far too long, for each chat.
/// Guarantees: the documented limits of each part, in code units; links that are too long are left out.
#[test]
fn chats_get_what_fits() {
    let mut told = Told::new(Event::Firing);
    let long = "<@\u{1f525}>".repeat(5_000);
    for text in [&mut told.alert.slo_name, &mut told.alert.summary, &mut told.alert.service] {
        text.clone_from(&long);
    }
    told.annotations.insert("owner".to_owned(), long.clone());
    told.annotations.insert("repository".to_owned(), format!("https://example.com/{long}"));

    let slack = told.json(&Kind::Slack(chat()));
    let blocks = slack["blocks"].as_array().unwrap();
    assert!(blocks.len() <= 50 && n_units(&slack["text"]) <= 3_000);
    assert!(n_units(&blocks[0]["text"]["text"]) <= 150 && n_units(&blocks[1]["text"]["text"]) <= 3_000);
    let fields = blocks[2]["fields"].as_array().unwrap();
    assert!(fields.len() <= 10 && fields.iter().all(|field| n_units(&field["text"]) <= 2_000));
    let buttons = blocks[4]["elements"].as_array().unwrap();
    assert!(
        buttons
            .iter()
            .all(|button| n_units(&button["url"]) <= 3_000 && n_units(&button["text"]["text"]) <= 75)
    );
    assert_eq!(buttons.len(), 4, "the long link is left out");

    let discord = told.json(&Kind::Discord(chat()));
    let embed = &discord["embeds"][0];
    assert!(n_units(&embed["title"]) <= 256 && n_units(&embed["description"]) <= 4_096);
    let fields = embed["fields"].as_array().unwrap();
    assert!(fields.len() <= 25 && fields.iter().all(|field| n_units(&field["value"]) <= 1_024));
    let of_field = |field: &Value| n_units(&field["name"]) + n_units(&field["value"]);
    let together = n_units(&embed["title"]) + n_units(&embed["description"]);
    assert!(together + fields.iter().map(of_field).sum::<usize>() <= 6_000);

    assert!(told.to(&Kind::Teams(chat())).len() <= 28 * 1024);
    assert!(n_units(&told.json(&Kind::Mattermost(chat()))["text"]) <= 4_000);
}

/// Scenario: each kind is answered with every status, with and without the words that some of them say.
/// Guarantees: the table of what is delivered, tried again, final, and the end of a receiver.
#[test]
fn answers_are_judged() {
    let judge = |kind: &Kind, status, body| kind.judge(&Answer { status, retry_after: None, body });
    let (retry, minute) = (Verdict::NO_ANSWER, Verdict::Retry(Some(Duration::from_secs(60))));
    let webhook = Kind::Webhook(hook(None, None));
    for kind in [&webhook, &alertmanager()] {
        let verdicts = [200, 204, 302, 400, 410, 429, 500].map(|status| judge(kind, status, ""));
        let (good, no) = (Verdict::Delivered, Verdict::Final);
        assert_eq!(verdicts, [good, good, no, no, Verdict::Disable, retry, retry]);
    }
    let pagerduty = pagerduty();
    assert_eq!(judge(&pagerduty, 202, ""), Verdict::Delivered);
    assert_eq!([400, 410].map(|status| judge(&pagerduty, status, "")), [Verdict::Final; 2]);
    assert_eq!(judge(&pagerduty, 429, ""), minute);
    assert_eq!(judge(&pagerduty, 503, ""), retry);

    let slack = Kind::Slack(chat());
    assert_eq!(judge(&slack, 200, "ok"), Verdict::Delivered);
    assert_eq!(judge(&slack, 200, "<html>please log in</html>"), retry);
    assert_eq!(judge(&slack, 400, "invalid_payload"), Verdict::Final);
    assert_eq!([403, 404, 410].map(|status| judge(&slack, status, "no_service")), [Verdict::Disable; 3]);

    let teams = Kind::Teams(chat());
    assert_eq!([200, 202].map(|status| judge(&teams, status, "")), [Verdict::Delivered; 2]);
    let said = "Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429";
    assert_eq!(judge(&teams, 200, said), retry);
    assert_eq!(judge(&teams, 404, ""), Verdict::Disable);

    for chat in [Kind::Discord(chat()), Kind::Mattermost(chat())] {
        assert_eq!(judge(&chat, 204, ""), Verdict::Delivered);
        assert_eq!(judge(&chat, 404, ""), Verdict::Disable);
        assert_eq!([400, 302].map(|status| judge(&chat, status, "")), [Verdict::Final; 2]);
    }
    let email = email();
    assert_eq!(
        [250, 451, 550].map(|status| judge(&email, status, "")),
        [Verdict::Delivered, retry, Verdict::Final]
    );
}

/// Scenario: acknowledgements, for each kind; documents that are none of its own.
/// Guarantees: those that cannot say it are not told; what cannot be sent is refused and not sent.
#[test]
fn not_everything_fits_everybody() {
    let webhook = Kind::Webhook(hook(None, None));
    for kind in [&webhook, &alertmanager()] {
        assert!(!kind.tells(Event::Acknowledged) && kind.tells(Event::Firing));
    }
    for kind in [pagerduty(), email(), Kind::Slack(chat()), Kind::Standard(hook(None, None))] {
        assert!(kind.tells(Event::Acknowledged));
    }
    assert!(alertmanager().outgoing(letter(b"{}")).is_err());
    assert!(pagerduty().outgoing(letter(b"[]")).is_err());
    let key = Token::parse("too-short").unwrap();
    let refused = PagerDuty::new(url(PagerDuty::URL), key).unwrap_err();
    assert!(!refused.to_string().contains("too-short"), "{refused}");
}
