//! Couriers against a receiver on the loopback that fails in every way a receiver can.

use super::*;
use crate::{
    AlertRecord, Change, DeliveryState, Event, NewDelivery, OwnNotice, Phase, Severity, Store,
    outbox::{event_id, occurrence_id},
    webhook::{
        Courier, Hook, Members, Receiver, ReceiverUrl, RetryPolicy, Secret, Tried,
        resolve::{LookupAnswer, SystemLookup},
    },
};
use std::{
    net::SocketAddr,
    sync::{
        Mutex,
        atomic::{AtomicI64, AtomicUsize, Ordering},
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const SECOND: i64 = 1_000_000_000;
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// What the receiver does with one request.
#[derive(Clone, Copy)]
enum Reaction {
    /// A status line, more headers and a body.
    Answer(&'static str, &'static str, &'static str),
    /// Reads the request and closes the connection.
    HangUp,
    /// Promises a hundred bytes and sends five.
    CutOff(&'static str),
    /// Never answers.
    Silence,
    /// Sends a body without an end.
    Flood,
}

use Reaction::{Answer, CutOff, Flood, HangUp, Silence};

const OK: Reaction = Answer("200 OK", "", "thanks");
const DOWN: Reaction = Answer("503 Service Unavailable", "", "later");

/// A request as it arrived: its head in lower case, and its body.
#[derive(Clone)]
struct Seen {
    head: String,
    body: Vec<u8>,
}

impl Seen {
    fn header(&self, name: &str) -> Option<&str> {
        let line = self.head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        line.map(str::trim_end)
    }
}

type Requests = Arc<Mutex<Vec<Seen>>>;

/// Serves the script, one reaction per request; the last one repeats.
async fn serve(script: Vec<Reaction>) -> (u16, Requests) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let requests = Requests::default();
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let n = seen.lock().unwrap().len();
            let reaction = script[n.min(script.len() - 1)];
            react(stream, reaction, &seen).await;
        }
    });
    (port, requests)
}

async fn react(mut stream: TcpStream, reaction: Reaction, seen: &Requests) {
    let request = read_request(&mut stream).await;
    seen.lock().unwrap().push(request);
    match reaction {
        Answer(status, headers, body) => {
            let n = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\n{headers}content-length: {n}\r\nconnection: close\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        HangUp => {}
        CutOff(status) => {
            let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 100\r\n\r\nhello");
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
        Silence => drop(tokio::spawn(async move {
            // Held open until the other side gives up.
            drop(stream.read(&mut [0]).await);
        })),
        Flood => {
            let head = b"HTTP/1.1 200 OK\r\ncontent-length: 5000000000\r\n\r\n";
            stream.write_all(head).await.unwrap();
            while stream.write_all(&[b'x'; 16_384]).await.is_ok() {}
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Seen {
    let mut bytes = Vec::new();
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&bytes[..end + 2]).into_owned();
            let lengths = head.lines().filter_map(|line| line.split_once(": "));
            let length = lengths.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
            let n_body: usize = length.map_or(0, |(_, length)| length.trim().parse().unwrap());
            if bytes.len() >= end + 4 + n_body {
                let head = head.split("\r\n").map(lower_name).collect::<Vec<_>>().join("\r\n");
                return Seen { head, body: bytes[end + 4..].to_vec() };
            }
        }
        if stream.read_buf(&mut bytes).await.unwrap() == 0 {
            return Seen { head: String::new(), body: bytes };
        }
    }
}

fn lower_name(line: &str) -> String {
    line.split_once(": ")
        .map_or_else(|| line.to_owned(), |(name, value)| format!("{}: {value}", name.to_lowercase()))
}

/// A store with an alert that fired, a courier for it, and a clock that the test sets.
struct Scene {
    store: Store,
    courier: Courier,
    now: Arc<AtomicI64>,
    alert: AlertRecord,
    dir: tempfile::TempDir,
}

/// Signed, with tokens in its path and query.
fn webhook(port: u16) -> Kind {
    let url = format!("http://127.0.0.1:{port}/T0/s3cret?token=s3cret");
    let target = ReceiverUrl::parse(&url, true).unwrap();
    Kind::Webhook(Hook { target, secret: Some(Secret::parse(SECRET).unwrap()), bearer: None })
}

fn base(port: u16) -> ReceiverUrl {
    ReceiverUrl::parse(&format!("http://127.0.0.1:{port}"), true).unwrap()
}

impl Scene {
    async fn new(port: u16) -> Self {
        Self::of(webhook(port)).await
    }

    async fn of(kind: Kind) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
        let receiver = Receiver::new("hook", kind);
        let now = Arc::new(AtomicI64::new(1_614_265_330 * SECOND));
        let clock = clock(&now);
        let policy = RetryPolicy { timeout: Duration::from_secs(2), ..RetryPolicy::default() };
        let courier = Courier::new(receiver, policy, store.clone(), clock).unwrap();
        let pending_at = now.load(Ordering::Relaxed);
        let alert = AlertRecord {
            id: occurrence_id("slo", Severity::Page, pending_at),
            slo_id: "slo".to_owned(),
            slo_name: "slo".to_owned(),
            service: "checkout".to_owned(),
            severity: Severity::Page,
            phase: Phase::Firing { pending_at, firing_at: pending_at, quiet_since: None },
            pending_at,
            summary: String::new(),
        };
        let scene = Self { store, courier, now, alert, dir };
        scene.enqueue(Event::Firing).await;
        scene
    }

    async fn enqueue(&self, event: Event) {
        let body = format!("{{\"status\":\"{}\"}}", event.name()).into_bytes();
        self.enqueue_body(event, body).await;
    }

    async fn enqueue_body(&self, event: Event, body: Vec<u8>) {
        let id = event_id(&self.alert.id, event, "hook");
        let kind = self.courier.receiver().kind.name();
        let delivery = NewDelivery { id, receiver: "hook".to_owned(), kind, event, body };
        let change = Change { alert: self.alert.clone(), deliveries: vec![delivery] };
        self.store.commit(vec![change], Vec::new(), self.now.load(Ordering::Relaxed)).await.unwrap();
    }

    /// A test that is sent once, at once.
    async fn test(&self, name: &str) -> Tried {
        let kind = self.courier.receiver().kind.name();
        let now = self.now.load(Ordering::Relaxed);
        let notice = OwnNotice {
            delivery: NewDelivery {
                id: name.to_owned(),
                receiver: "hook".to_owned(),
                kind,
                event: Event::Firing,
                body: b"{\"test\":true}".to_vec(),
            },
            group: format!("@{name}"),
            severity: Severity::Ticket,
            is_test: true,
            first_attempt_at: now + 60 * SECOND,
        };
        self.courier.test(notice).await.unwrap()
    }

    /// Delivers, and moves the clock to when the next attempt is due, until nothing waits.
    async fn deliver_all(&self) {
        while let Some(next_at) = self.courier.deliver_due().await.unwrap().next_at {
            self.now.store(next_at, Ordering::Relaxed);
        }
    }

    async fn ledger(&self) -> Vec<(DeliveryState, Vec<Attempt>)> {
        let (_, deliveries) = self.store.alerts(1).await.unwrap().remove(0);
        deliveries.into_iter().map(|delivery| (delivery.state, delivery.attempts)).collect()
    }
}

fn clock(now: &Arc<AtomicI64>) -> Clock {
    let now = Arc::clone(now);
    Arc::new(move || now.load(Ordering::Relaxed))
}

/// One notification through one script: how it ended, and its attempts.
async fn deliver(script: Vec<Reaction>) -> (DeliveryState, Vec<Attempt>, Vec<Seen>) {
    let (port, requests) = serve(script).await;
    let scene = Scene::new(port).await;
    scene.deliver_all().await;
    let (state, attempts) = scene.ledger().await.remove(0);
    let requests = requests.lock().unwrap().clone();
    (state, attempts, requests)
}

fn statuses(attempts: &[Attempt]) -> Vec<Option<u16>> {
    attempts.iter().map(|attempt| attempt.status).collect()
}

/// Scenario: a receiver that takes the first request.
/// Guarantees: id, idempotency key, time and signature are as the scheme asks; the ledger has the answer and
/// the address; nothing repeats the path or the query.
#[tokio::test]
async fn a_signed_request() {
    let (state, attempts, requests) = deliver(vec![OK]).await;
    assert_eq!(state, DeliveryState::Delivered);
    let seen = &requests[0];
    assert!(seen.head.starts_with("POST /T0/s3cret?token=s3cret HTTP/1.1\r\n"), "{}", seen.head);
    let id = seen.header("webhook-id").unwrap();
    assert!(!id.contains('.'));
    assert_eq!(seen.header("idempotency-key"), Some(id));
    assert_eq!(seen.header("webhook-timestamp"), Some("1614265330"));
    let signature = Secret::parse(SECRET).unwrap().signature(id, 1_614_265_330, &seen.body);
    assert_eq!(seen.header("webhook-signature"), Some(signature.as_str()));
    assert_eq!(seen.header("content-type"), Some("application/json"));
    assert!(seen.header("user-agent").unwrap().starts_with("Firstfault/"));
    assert_eq!(seen.body, br#"{"status":"firing"}"#);
    assert_eq!((attempts[0].answer.as_str(), attempts[0].error.as_str()), ("thanks", ""));
    assert!(attempts[0].address.as_ref().unwrap().starts_with("127.0.0.1:"));
}

/// Scenario: the receiver hangs up, is silent, answers 503, 429 and 408, and then takes it.
/// Guarantees: the same id and the same bytes each time, with a new time and signature; six entries
/// in the ledger.
#[tokio::test]
async fn failures_are_retried_with_the_same_id() {
    let busy = Answer("429 Too Many Requests", "retry-after: 1800\r\n", "");
    let (state, attempts, requests) =
        deliver(vec![HangUp, Silence, DOWN, busy, Answer("408 Request Timeout", "", ""), OK]).await;
    assert_eq!(state, DeliveryState::Delivered);
    assert_eq!(statuses(&attempts), [None, None, Some(503), Some(429), Some(408), Some(200)]);
    assert!(attempts[0].error.starts_with("the connection broke"), "{}", attempts[0].error);
    assert!(attempts[1].error.starts_with("no answer in time"), "{}", attempts[1].error);
    assert_eq!(attempts[2].error, "the receiver answered 503");
    assert_eq!(attempts[2].answer, "later");
    assert!(attempts[4].at - attempts[3].at >= 1800 * SECOND, "retry-after is honoured");
    let first = &requests[0];
    for seen in &requests {
        assert_eq!(seen.header("webhook-id"), first.header("webhook-id"));
        assert_eq!(seen.body, first.body);
    }
    assert_ne!(requests[4].header("webhook-timestamp"), first.header("webhook-timestamp"));
    assert_ne!(requests[4].header("webhook-signature"), first.header("webhook-signature"));
    assert!(attempts.iter().all(|attempt| !attempt.error.contains("s3cret")), "{attempts:?}");
}

/// Scenario: a redirect to a place nobody checked, and a refusal.
/// Guarantees: neither is followed or repeated; both become dead letters after one request.
#[tokio::test]
async fn refusals_are_final() {
    let moved = Answer("302 Found", "location: http://169.254.169.254/\r\n", "");
    for (reaction, status) in [(moved, 302), (Answer("404 Not Found", "", ""), 404)] {
        let (state, attempts, requests) = deliver(vec![reaction]).await;
        assert_eq!(state, DeliveryState::Dead);
        assert_eq!(statuses(&attempts), [Some(status)]);
        assert_eq!(requests.len(), 1);
    }
}

/// Scenario: a receiver that says it is gone, and a second notification for it.
/// Guarantees: it is not called again; the second becomes a dead letter that says why.
#[tokio::test]
async fn gone_is_gone() {
    let (port, requests) = serve(vec![Answer("410 Gone", "", "")]).await;
    let scene = Scene::new(port).await;
    scene.deliver_all().await;
    scene.enqueue(Event::Resolved).await;
    scene.deliver_all().await;
    let ledger = scene.ledger().await;
    assert_eq!(ledger[0].0, DeliveryState::Dead);
    assert_eq!(ledger[1].0, DeliveryState::Dead);
    assert!(ledger[1].1[0].error.contains("410"), "{:?}", ledger[1].1);
    assert_eq!(requests.lock().unwrap().len(), 1);
}

/// Scenario: a 200 whose body breaks off, a 500 whose body breaks off, and a 200 with five gigabytes.
/// Guarantees: the status decides; no more than 64 KB are read and 1 KB is kept.
#[tokio::test]
async fn answers_are_bounded() {
    let (state, attempts, _) = deliver(vec![CutOff("500 Internal Server Error"), CutOff("200 OK")]).await;
    assert_eq!(state, DeliveryState::Delivered);
    assert_eq!(statuses(&attempts), [Some(500), Some(200)]);
    let (state, attempts, _) = deliver(vec![Flood]).await;
    assert_eq!(state, DeliveryState::Delivered);
    assert_eq!(attempts[0].answer.len(), ANSWER_BYTES_KEPT);
}

/// Scenario: a receiver that is down for the first attempts, while the alert already resolves.
/// Guarantees: it gets the firing once, then the resolved once, in this order.
#[tokio::test]
async fn firing_then_resolved_although_it_was_down() {
    let (port, requests) = serve(vec![DOWN, HangUp, DOWN, OK]).await;
    let scene = Scene::new(port).await;
    let round = scene.courier.deliver_due().await.unwrap();
    assert_eq!((round.n_delivered, round.n_failed, round.n_dead), (0, 1, 0));
    scene.enqueue(Event::Resolved).await;
    scene.deliver_all().await;
    let bodies: Vec<_> =
        requests.lock().unwrap().iter().map(|seen| String::from_utf8(seen.body.clone()).unwrap()).collect();
    let (firing, resolved) = (r#"{"status":"firing"}"#, r#"{"status":"resolved"}"#);
    assert_eq!(bodies, [firing, firing, firing, firing, resolved]);
}

/// Scenario: the ledger takes no attempts for a while, during which the courier is asked again and again.
/// Guarantees: the receiver is called once; then the attempt is entered, and what follows from it holds.
#[tokio::test]
async fn what_cannot_be_recorded_is_not_sent_again() {
    for (reaction, counted) in [(OK, (1, 0)), (DOWN, (0, 1))] {
        let (port, requests) = serve(vec![reaction]).await;
        let scene = Scene::new(port).await;
        let other = rusqlite::Connection::open(scene.dir.path().join("state.sqlite")).unwrap();
        let refuse = "CREATE TRIGGER full BEFORE INSERT ON attempt BEGIN SELECT RAISE(ABORT, 'full'); END";
        other.execute_batch(refuse).unwrap();
        for _ in 0..3 {
            scene.courier.deliver_due().await.unwrap_err();
        }
        other.execute_batch("DROP TRIGGER full").unwrap();
        let round = scene.courier.deliver_due().await.unwrap();
        assert_eq!((round.n_delivered, round.n_failed), counted);
        assert_eq!(scene.ledger().await[0].1.len(), 1);
        assert_eq!(requests.lock().unwrap().len(), 1);
    }
}

/// Scenario: nobody listens for three days.
/// Guarantees: it is given up within 72 h, and the error names no URL.
#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let scene = Scene::new(port).await;
    scene.deliver_all().await;
    let (state, attempts) = scene.ledger().await.remove(0);
    assert_eq!(state, DeliveryState::Dead);
    assert!(attempts.len() >= 10, "{}", attempts.len());
    assert!(attempts[0].error.starts_with("cannot connect: "), "{}", attempts[0].error);
    assert!(attempts.last().unwrap().at - attempts[0].at <= 72 * 3600 * SECOND);
}

/// A resolver that answers differently each time it is asked.
struct Fickle {
    answers: Vec<&'static [&'static str]>,
    port: u16,
    n_asked: AtomicUsize,
}

impl Lookup for Fickle {
    fn lookup(&self, _host: String) -> LookupAnswer {
        let n = self.n_asked.fetch_add(1, Ordering::Relaxed);
        let answer = self.answers[n.min(self.answers.len() - 1)];
        let addresses = answer.iter().map(|ip| SocketAddr::new(ip.parse().unwrap(), self.port)).collect();
        Box::pin(async move { Ok(addresses) })
    }
}

/// A carrier to one target whose names are looked up by `lookup`.
fn carrier(target: &ReceiverUrl, lookup: Arc<dyn Lookup>) -> (Kind, Carrier) {
    let kind = Kind::Webhook(Hook { target: target.clone(), secret: None, bearer: None });
    let receiver = Receiver::new("hook", kind.clone());
    (kind, Carrier::new(&receiver, Duration::from_secs(5), lookup).unwrap())
}

async fn attempt_with((kind, carrier): &(Kind, Carrier)) -> (Attempt, Verdict) {
    let clock: Clock = Arc::new(|| 0);
    carrier.attempt(kind, "id", b"{}", &clock).await
}

/// Scenario: a name that has no address, then the loopback, then a public and a metadata address.
/// Guarantees: each attempt asks again, no forbidden address is connected to, and the error says which.
#[tokio::test]
async fn rebinding_names_are_refused() {
    let (port, requests) = serve(vec![OK]).await;
    let answers: Vec<&'static [&'static str]> =
        vec![&[], &["127.0.0.1"], &["1.1.1.1", "169.254.169.254"], &["::ffff:127.0.0.1"]];
    let fickle = Arc::new(Fickle { answers, port, n_asked: AtomicUsize::new(0) });
    let target = ReceiverUrl::guarded(&format!("http://hook.example:{port}/"));
    let carrier = carrier(&target, Arc::clone(&fickle) as _);
    for expected in [
        "cannot connect: the name hook.example has no address",
        "cannot connect: 127.0.0.1 is a loopback address; set allow_private_targets = true on this receiver \
         if it is meant",
        "cannot connect: 169.254.169.254 is a cloud metadata service; no receiver can be there",
        "cannot connect: ::ffff:127.0.0.1 is a loopback address; set allow_private_targets = true on this \
         receiver if it is meant",
    ] {
        let (attempt, verdict) = attempt_with(&carrier).await;
        assert_eq!((attempt.error.as_str(), verdict), (expected, Verdict::NO_ANSWER));
    }
    assert_eq!(fickle.n_asked.load(Ordering::Relaxed), 4);
    assert!(requests.lock().unwrap().is_empty());
}

/// Scenario: a forbidden address in the URL itself, which no resolver ever sees.
/// Guarantees: it is refused before a connection is made.
#[tokio::test]
async fn literal_addresses_are_refused_at_connect() {
    let (port, requests) = serve(vec![OK]).await;
    let target = ReceiverUrl::guarded(&format!("http://127.0.0.1:{port}/"));
    let (attempt, verdict) = attempt_with(&carrier(&target, Arc::new(SystemLookup))).await;
    assert!(attempt.error.starts_with("127.0.0.1 is a loopback address"), "{}", attempt.error);
    assert_eq!(verdict, Verdict::NO_ANSWER);
    assert!(requests.lock().unwrap().is_empty());
}

/// Scenario: an allowed private name, asked for twice.
/// Guarantees: it is delivered, and no connection is kept that would skip the second check.
#[tokio::test]
async fn every_attempt_resolves_again() {
    let (port, requests) = serve(vec![OK]).await;
    let fickle = Arc::new(Fickle { answers: vec![&["127.0.0.1"]], port, n_asked: AtomicUsize::new(0) });
    let target = ReceiverUrl::parse(&format!("http://hook.example:{port}/"), true).unwrap();
    let carrier = carrier(&target, Arc::clone(&fickle) as _);
    for _ in 0..2 {
        let (attempt, _) = attempt_with(&carrier).await;
        assert_eq!(attempt.status, Some(200), "{}", attempt.error);
    }
    assert_eq!(fickle.n_asked.load(Ordering::Relaxed), 2);
    assert_eq!(requests.lock().unwrap().len(), 2);
}

/// Scenario: a receiver is down for long, with time standing still as long as it can; then it is back.
/// Guarantees: after ten failures in a row nothing is sent before a pause is over, then one notification at a time;
/// the first that gets through opens the way for all.
#[tokio::test]
async fn a_circuit_opens_after_ten_failures() {
    let mut script = vec![DOWN; 12];
    script.push(OK);
    let (port, requests) = serve(script).await;
    let mut scene = Scene::new(port).await;
    let policy = RetryPolicy { waits: vec![Duration::from_secs(10)], ..RetryPolicy::default() };
    let receiver = scene.courier.receiver().clone();
    scene.courier = Courier::new(receiver, policy, scene.store.clone(), clock(&scene.now)).unwrap();
    let n_requests = || requests.lock().unwrap().len();
    while n_requests() < 10 {
        let next_at = scene.courier.deliver_due().await.unwrap().next_at.unwrap();
        scene.now.store(next_at, Ordering::Relaxed);
    }
    let until = scene.courier.open_until().expect("it is open");
    scene.now.store(until - 1, Ordering::Relaxed);
    assert_eq!(scene.courier.deliver_due().await.unwrap().next_at, Some(until));
    assert_eq!(n_requests(), 10, "nothing is sent while it is open");
    scene.deliver_all().await;
    assert_eq!((n_requests(), scene.courier.open_until()), (13, None));
    assert_eq!(scene.ledger().await[0].0, DeliveryState::Delivered);
}

/// Scenario: a receiver is tested: it takes the test, refuses one, and was gone before the last one.
/// Guarantees: one request each, with the same headers as all notifications, and shown without the secret parts of the
/// address; a test that fails is not repeated; one that succeeds makes a receiver that was gone be called again.
#[tokio::test]
async fn a_test_goes_the_way_of_all() {
    let gone = Answer("410 Gone", "", "bye");
    let (port, requests) = serve(vec![OK, Answer("404 Not Found", "", "who?"), gone, OK, OK]).await;
    let scene = Scene::new(port).await;
    let first = scene.test("one").await;
    assert!(first.is_delivered);
    assert_eq!(
        (first.request.method, first.request.targets),
        ("POST", vec![format!("http://127.0.0.1:{port}")])
    );
    assert!(first.request.headers.iter().any(|(name, _)| name == "webhook-signature"));
    assert!(first.request.headers.contains(&("webhook-id".to_owned(), "one".to_owned())));
    assert_eq!(first.request.body, "{\"test\":true}");
    assert_eq!((first.attempt.status, first.attempt.answer.as_str()), (Some(200), "thanks"));
    let second = scene.test("two").await;
    assert_eq!((second.is_delivered, second.attempt.answer.as_str()), (false, "who?"));
    let (delivery, _) = scene.store.delivery("two").await.unwrap().unwrap();
    assert_eq!((delivery.is_test, delivery.state), (true, DeliveryState::Dead));

    scene.deliver_all().await;
    let told = scene.courier.gone().expect("it said so");
    assert_eq!(told.delivery_id, event_id(&scene.alert.id, Event::Firing, "hook"));
    assert!(scene.test("three").await.is_delivered);
    assert_eq!(scene.courier.gone(), None);
    scene.enqueue(Event::Resolved).await;
    scene.deliver_all().await;
    assert_eq!(scene.ledger().await[1].0, DeliveryState::Delivered);
    assert_eq!(requests.lock().unwrap().len(), 5);
}

/// Scenario: a notification waits that was made for another kind of receiver.
/// Guarantees: it is not sent; the ledger says why.
#[tokio::test]
async fn another_kind_is_not_sent() {
    let (port, requests) = serve(vec![OK]).await;
    let scene = Scene::new(port).await;
    let slack = Receiver::new("hook", Kind::Slack(base(port)));
    let clock = clock(&scene.now);
    let courier = Courier::new(slack, RetryPolicy::default(), scene.store.clone(), clock).unwrap();
    assert_eq!(courier.deliver_due().await.unwrap().n_dead, 1);
    let (state, attempts) = scene.ledger().await.remove(0);
    assert_eq!(state, DeliveryState::Dead);
    assert_eq!(attempts[0].error, "it was made for a receiver of kind webhook, and this one is slack now");
    assert!(requests.lock().unwrap().is_empty());
}

const POSTED: &[u8] = b"[{\"labels\":{\"alertname\":\"x\"}}]";

/// Scenario: an Alertmanager of three members, of which one is down and one refuses; then all refuse or are down.
/// Guarantees: each is asked, one that takes it is enough, and who did not is noted; if none does it is tried again as
/// long as one may still take it.
#[tokio::test]
async fn one_member_is_enough() {
    let refusing = Answer("400 Bad Request", "", "no");
    let (well, taken) = serve(vec![OK, DOWN, refusing]).await;
    let (down, _) = serve(vec![DOWN, DOWN, refusing]).await;
    let (ill, _) = serve(vec![refusing]).await;
    let members = Members::new(&[base(down), base(well), base(ill)], None);
    let receiver = Receiver::new("hook", Kind::Alertmanager(members));
    let carrier = Carrier::new(&receiver, Duration::from_secs(5), Arc::new(SystemLookup)).unwrap();
    let clock: Clock = Arc::new(|| 0);
    let attempt = async || carrier.attempt(&receiver.kind, "id", POSTED, &clock).await;

    let (first, verdict) = attempt().await;
    assert_eq!((first.status, verdict), (Some(200), Verdict::Delivered));
    assert!(first.error.starts_with("2 of 3 did not take it: http://127.0.0.1:"), "{}", first.error);
    assert!(taken.lock().unwrap()[0].head.starts_with("POST /api/v2/alerts HTTP/1.1"));
    let (second, verdict) = attempt().await;
    assert_eq!((second.status, verdict), (Some(503), Verdict::NO_ANSWER));
    let (third, verdict) = attempt().await;
    assert_eq!((third.status, verdict), (Some(400), Verdict::Final));
    assert!(third.error.starts_with("3 of 3 did not take it"), "{}", third.error);
}

/// Scenario: an Alertmanager took an alert that fires on, minute after minute; then the alert ends.
/// Guarantees: it is told again every minute, each time with a later moment until which it holds, also by the next
/// process; its end is told again for fifteen minutes; the ledger has the two notifications and nothing else.
#[tokio::test]
async fn what_stands_is_repeated() {
    let (port, requests) = serve(vec![OK]).await;
    let members = Members::new(&[base(port)], None);
    let mut scene = Scene::of(Kind::Alertmanager(members)).await;
    // The document of the scene is none for an Alertmanager; it is given up.
    scene.courier.deliver_due().await.unwrap();
    assert_eq!(scene.ledger().await[0].0, DeliveryState::Dead);
    let begun = scene.now.load(Ordering::Relaxed);
    let (pending_at, firing_at) = (begun + SECOND, begun + SECOND);
    scene.alert.phase = Phase::Resolved { pending_at: begun, firing_at: begun, resolved_at: begun };
    scene
        .store
        .commit(vec![Change { alert: scene.alert.clone(), deliveries: Vec::new() }], Vec::new(), begun)
        .await
        .unwrap();
    scene.alert.id = occurrence_id("slo", Severity::Page, pending_at);
    scene.alert.pending_at = pending_at;
    scene.alert.phase = Phase::Firing { pending_at, firing_at, quiet_since: None };
    scene.enqueue_body(Event::Firing, POSTED.to_vec()).await;
    let seen = || requests.lock().unwrap().len();
    for minute in 0..4 {
        let next_at = scene.courier.deliver_due().await.unwrap().next_at;
        assert_eq!(seen(), minute + 1);
        assert_eq!(next_at, Some(scene.now.load(Ordering::Relaxed) + 60 * SECOND));
        scene.now.fetch_add(60 * SECOND, Ordering::Relaxed);
    }
    let ends: Vec<_> = requests.lock().unwrap().iter().map(ends_at).collect();
    assert!(ends.is_sorted() && ends[0] != ends[3], "{ends:?}");

    let receiver = scene.courier.receiver().clone();
    let policy = RetryPolicy::default();
    scene.courier = Courier::new(receiver, policy, scene.store.clone(), clock(&scene.now)).unwrap();
    scene.courier.deliver_due().await.unwrap();
    assert_eq!(seen(), 5, "the next process knows what stands");

    let resolved_at = scene.now.load(Ordering::Relaxed);
    scene.alert.phase = Phase::Resolved { pending_at, firing_at, resolved_at };
    let ended = b"[{\"labels\":{\"alertname\":\"x\"},\"endsAt\":\"2014-02-25T14:22:11Z\"}]".to_vec();
    scene.enqueue_body(Event::Resolved, ended).await;
    let mut n_rounds = 0;
    while scene.courier.deliver_due().await.unwrap().next_at.is_some() {
        scene.now.fetch_add(60 * SECOND, Ordering::Relaxed);
        n_rounds += 1;
    }
    assert!((15..=17).contains(&n_rounds), "{n_rounds}");
    assert!(requests.lock().unwrap()[5..].iter().all(|one| ends_at(one) == "2014-02-25T14:22:11Z"));
    let of_alert = scene.ledger().await;
    assert_eq!(of_alert.iter().map(|(_, attempts)| attempts.len()).collect::<Vec<_>>(), [1, 1]);
}

fn ends_at(seen: &Seen) -> String {
    let posted: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    posted[0]["endsAt"].as_str().unwrap().to_owned()
}
