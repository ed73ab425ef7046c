//! The whole loop against made-up telemetry: evaluation, state file, couriers and a receiver.

mod folding;
mod objectives;
mod telling;

use super::*;
use crate::triage::{Case, Lane};
use alerts::{Hook, Kind, OwnershipSpec, Phase, ReceiverUrl, Severity, SloSpec, Verdict};
use async_trait::async_trait;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use storage::{SliBucket, TimeRange};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

const SECOND: i64 = 1_000_000_000;
/// A whole minute.
const T0: i64 = 1_795_341_600 * SECOND;

/// Ten requests in every ten seconds of some times, all of them bad during others.
#[derive(Default)]
struct Shop {
    traffic: Mutex<Vec<(i64, i64)>>,
    fault: Mutex<(i64, i64)>,
    /// Sends metrics, even without requests.
    is_alive: AtomicBool,
    is_broken: AtomicBool,
    /// More than a few hours at once cannot be read.
    is_weak: AtomicBool,
    /// Examples of objectives but `checkout` are never found.
    is_slow: AtomicBool,
    /// Events of objectives but `checkout` never come.
    is_stuck: AtomicBool,
    /// Who calls whom.
    calls: Mutex<Vec<(String, String)>>,
    /// When reports were asked for, and from where on their windows were known.
    asked: Mutex<Vec<(i64, Option<i64>)>>,
}

impl Shop {
    fn with(traffic: &[(i64, i64)], fault: (i64, i64)) -> Arc<Self> {
        let times = |(from, to): (i64, i64)| (T0 + from * SECOND, T0 + to * SECOND);
        let traffic = traffic.iter().copied().map(times).collect();
        Arc::new(Self { traffic: Mutex::new(traffic), fault: Mutex::new(times(fault)), ..Self::default() })
    }
}

#[async_trait]
impl Telemetry for Shop {
    async fn events(&self, slo: &Slo, range: TimeRange) -> Result<Events, storage::Error> {
        if self.is_stuck.load(Ordering::Relaxed) && slo.id() != "checkout" {
            std::future::pending::<()>().await;
        }
        let is_too_much = self.is_weak.load(Ordering::Relaxed) && range.to - range.from > 20_000 * SECOND;
        if is_too_much || self.is_broken.load(Ordering::Relaxed) {
            return Err(storage::Error::Closed);
        }
        let width = nanos(slo.slice());
        let (from, to) = *self.fault.lock();
        let mut buckets = Vec::new();
        for (start, end) in self.traffic.lock().iter() {
            let first = range.from.max(*start).div_euclid(width);
            for at in (first..).map(|n| n * width).take_while(|at| *at < range.to.min(*end)) {
                let n_good = if (from..to).contains(&at) { 0 } else { 10 };
                buckets.push(SliBucket { at, n_good, n_total: 10 });
            }
        }
        Ok(Events { buckets, folded: Vec::new(), sql: String::new() })
    }

    async fn heard(&self, services: &[String], _since: i64) -> Result<Vec<String>, storage::Error> {
        let is_alive = self.is_alive.load(Ordering::Relaxed);
        Ok(if is_alive { services.to_vec() } else { Vec::new() })
    }

    async fn exemplars(&self, slo: &Slo, _range: TimeRange) -> Result<Vec<String>, storage::Error> {
        if self.is_slow.load(Ordering::Relaxed) && slo.id() != "checkout" {
            std::future::pending::<()>().await;
        }
        Ok(vec!["0af7651916cd43dd8448eb211c80319c".to_owned()])
    }

    async fn calls(&self, _range: TimeRange) -> Result<Vec<(String, String)>, storage::Error> {
        Ok(self.calls.lock().clone())
    }

    async fn investigate(&self, case: &Case, _store: &Store, _lane: &Lane) -> Option<Finding> {
        if self.is_slow.load(Ordering::Relaxed) && case.slo.id() != "checkout" {
            std::future::pending::<()>().await;
        }
        let seconds = |at: i64| (at - T0) / SECOND;
        self.asked.lock().push((seconds(case.now), case.known_from.map(seconds)));
        let window =
            TimeRange { from: case.known_from.unwrap_or(case.pending_at - 30 * SECOND), to: case.now };
        let headline = "orders-db broke first".to_owned();
        let summary = serde_json::json!({ "headline": headline, "asked_at": seconds(case.now) });
        Some(Finding { made_at: case.now, window, headline, summary, report: "{}".to_owned() })
    }
}

/// Windows of 120 s and 10 s on the first tier.
fn slo() -> Slo {
    slo_of("checkout")
}

fn slo_of(id: &str) -> Slo {
    Slo::new(SloSpec {
        id: id.to_owned(),
        service: "checkout".to_owned(),
        period: Duration::from_secs(86_400),
        receivers: vec!["hook".to_owned()],
        keep_firing: Duration::from_secs(30),
        ..SloSpec::default()
    })
    .unwrap()
}

fn settings() -> Settings {
    Settings {
        interval: Duration::from_millis(1),
        lag: Duration::from_secs(10),
        read_timeout: Duration::from_secs(60),
        external_url: "http://127.0.0.1:4320".to_owned(),
        retry: RetryPolicy { waits: vec![Duration::from_millis(10)], ..RetryPolicy::default() },
        routes: Vec::new(),
        services: BTreeMap::new(),
    }
}

fn receiver(port: u16) -> Receiver {
    receiver_called("hook", port)
}

fn receiver_called(name: &str, port: u16) -> Receiver {
    let target = ReceiverUrl::parse(&format!("http://127.0.0.1:{port}/"), true).unwrap();
    Receiver::new(name, Kind::Webhook(Hook { target, secret: None, bearer: None }))
}

/// A state file, a shop, and a clock that the test sets.
struct Scene {
    dir: tempfile::TempDir,
    shop: Arc<Shop>,
    now: Arc<AtomicI64>,
}

impl Scene {
    fn new(shop: Arc<Shop>) -> Self {
        Self { dir: tempfile::tempdir().unwrap(), shop, now: Arc::new(AtomicI64::new(T0)) }
    }

    async fn open(&self, slos: Vec<Slo>) -> (Evaluation, Board) {
        self.open_with(settings(), slos).await
    }

    async fn open_with(&self, settings: Settings, slos: Vec<Slo>) -> (Evaluation, Board) {
        self.open_told(settings, slos, vec![receiver(9)]).await
    }

    async fn open_told(
        &self,
        settings: Settings,
        slos: Vec<Slo>,
        receivers: Vec<Receiver>,
    ) -> (Evaluation, Board) {
        let now = Arc::clone(&self.now);
        let clock: Clock = Arc::new(move || now.load(Ordering::Relaxed));
        let path = self.dir.path().join("state.sqlite");
        open(settings, slos, receivers, &path, Arc::clone(&self.shop) as _, clock).await.unwrap()
    }

    /// Evaluates every ten seconds from one time to another; the phases of the page, without repeats.
    async fn evaluate(
        &self,
        evaluation: &mut Evaluation,
        board: &Board,
        from_s: i64,
        to_s: i64,
    ) -> Vec<(i64, &'static str)> {
        let mut phases = Vec::new();
        for second in (from_s..to_s).step_by(10) {
            self.now.store(T0 + second * SECOND, Ordering::Relaxed);
            evaluation.evaluate().await;
            let phase = board.slos()[0].page.name();
            if phases.last().is_none_or(|(_, last)| *last != phase) {
                phases.push((second, phase));
            }
        }
        phases
    }
}

fn page_verdict(board: &Board) -> Verdict {
    board.slo("checkout").unwrap().judged.unwrap().1.verdict(Severity::Page)
}

/// Scenario: a service fails for a minute; its objective names no receiver, but the service does.
/// Guarantees: the service's receiver is told that it burns, and that it is over.
#[tokio::test]
async fn a_service_names_the_receiver() {
    let scene = Scene::new(Shop::with(&[(0, 2000)], (600, 660)));
    let spec = OwnershipSpec { receiver: Some("hook".to_owned()), ..OwnershipSpec::default() };
    let services = BTreeMap::from([("checkout".to_owned(), Ownership::new(spec).unwrap())]);
    let bare = SloSpec { receivers: Vec::new(), ..slo().spec().clone() };
    let settings = Settings { services, ..settings() };
    let (mut evaluation, board) = scene.open_with(settings, vec![Slo::new(bare).unwrap()]).await;
    scene.evaluate(&mut evaluation, &board, 0, 1800).await;
    let alerts = board.alerts(10).await.unwrap();
    let page = alerts.iter().find(|(alert, _)| alert.severity == Severity::Page).unwrap();
    let told: Vec<_> = page.1.iter().map(|one| (one.receiver.as_str(), one.event.name())).collect();
    assert_eq!(told, [("hook", "firing"), ("hook", "resolved")]);
}

/// Scenario: a new installation whose service fails ten minutes after its first request, for a minute.
/// Guarantees: tier 1 fires after the lag, resolves when its short window is clean and keep_firing is
/// over; one notification for each, with the sentence and an example.
#[tokio::test]
async fn a_fault_fires_and_resolves() {
    let scene = Scene::new(Shop::with(&[(0, 2000)], (600, 660)));
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    let phases = scene.evaluate(&mut evaluation, &board, 0, 1800).await;
    assert_eq!(phases[..2], [(0, "inactive"), (620, "firing")]);
    // Tier 2 looks back over 720 s with a short window of 60 s, and is the last to calm down.
    assert_eq!(phases[2..], [(760, "resolved")]);
    let alerts = board.alerts(10).await.unwrap();
    let page = alerts.iter().find(|(alert, _)| alert.severity == Severity::Page).unwrap();
    assert_eq!(
        page.1.iter().map(|delivery| delivery.event.name()).collect::<Vec<_>>(),
        ["firing", "resolved"]
    );
    assert!(page.0.summary.starts_with("checkout no longer burns its 99.9 % availability budget"));
    assert_eq!(board.receivers().await.unwrap()[0].target, "http://127.0.0.1:9");
}

/// Scenario: a fault of half an hour, with a restart in between.
/// Guarantees: a report is made when the alert fires, after a minute, and then ever more seldom; its window begins where
/// it began at first, also after the restart; the newest is kept, and none is made once it burns no more.
#[tokio::test]
async fn reports_are_made_while_an_alert_fires() {
    let scene = Scene::new(Shop::with(&[(0, 9000)], (600, 2400)));
    for (from_s, to_s) in [(0, 1000), (1000, 6000)] {
        let (mut evaluation, board) = scene.open(vec![slo()]).await;
        scene.evaluate(&mut evaluation, &board, from_s, to_s).await;
        evaluation.store.clone().close().await.unwrap();
    }
    let asked = std::mem::take(&mut *scene.shop.asked.lock());
    assert_eq!(asked[0], (620, None));
    assert!((4..16).contains(&asked.len()), "{asked:?}");
    assert!(asked[1..].iter().all(|(_, from)| *from == Some(590)), "{asked:?}");
    let gaps: Vec<i64> = asked.windows(2).map(|pair| pair[1].0 - pair[0].0).collect();
    assert!(gaps[gaps.len() - 1] > gaps[0] && gaps.iter().all(|gap| *gap <= 910), "{gaps:?}");
    // The windows of tickets reach back for twelve minutes.
    assert!(asked.last().is_some_and(|(at, _)| (1000..3200).contains(at)), "{asked:?}");
    let (_, board) = scene.open(vec![slo()]).await;
    let alerts = board.alerts(10).await.unwrap();
    let page = alerts.iter().find(|(alert, _)| alert.severity == Severity::Page).unwrap();
    let stored = board.triage(&page.0.id).await.unwrap().unwrap();
    assert_eq!((stored.from_at - T0) / SECOND, 590);
    assert!(stored.summary.contains("orders-db broke first"));
}

/// Scenario: four objectives fire at once; examples of three are not found, nor do their reports end.
/// Guarantees: all alerts fire in that evaluation, which waits once and not for each; the fourth has its report.
#[tokio::test]
async fn examples_delay_nobody() {
    let scene = Scene::new(Shop::with(&[(0, 2000)], (600, 660)));
    let slos = ["a", "checkout", "b", "c"].map(slo_of);
    let (mut evaluation, board) = scene.open(slos.to_vec()).await;
    scene.evaluate(&mut evaluation, &board, 0, 620).await;
    scene.shop.is_slow.store(true, Ordering::Relaxed);
    let started_at = crate::clock::Clock.instant();
    scene.evaluate(&mut evaluation, &board, 620, 630).await;
    let took = crate::clock::Clock.instant().duration_since(started_at);
    assert!(took < Duration::from_millis(4_500), "{took:?}");
    assert!(board.slos().iter().all(|slo| slo.page.name() == "firing"));
    for (alert, _) in board.alerts(10).await.unwrap() {
        let has_report = board.triage(&alert.id).await.unwrap().is_some();
        assert_eq!(has_report, alert.slo_id == "checkout", "{alert:?}");
    }
}

/// Scenario: the events of five objectives never come; those of another show a fault.
/// Guarantees: the others are frozen, this one fires, and each evaluation ends, with a beat.
#[tokio::test]
async fn one_stuck_read_stops_nobody() {
    let scene = Scene::new(Shop::with(&[(-1000, 2000)], (600, 660)));
    let slos = ["a", "b", "c", "d", "e", "checkout"].map(slo_of);
    let settings = Settings { read_timeout: Duration::from_millis(500), ..settings() };
    let (evaluation, board) = scene.open_with(settings, slos.to_vec()).await;
    scene.shop.is_stuck.store(true, Ordering::Relaxed);
    scene.now.store(T0 + 670 * SECOND, Ordering::Relaxed);
    let (beats, mut beaten) = tokio::sync::mpsc::unbounded_channel();
    // At the end nobody listens any more.
    let beat = move || beats.send(()).unwrap_or_default();
    let cancel = CancellationToken::new();
    let running = tokio::spawn(evaluation.run(beat, cancel.clone()));
    for _ in 0..2 {
        let beat = tokio::time::timeout(Duration::from_secs(20), beaten.recv()).await;
        beat.expect("an evaluation ends").expect("it runs");
    }
    assert_eq!(board.slo("checkout").unwrap().page.name(), "firing");
    assert!(board.slo("a").unwrap().judged.is_none());
    cancel.cancel();
    running.await.unwrap();
}

/// Scenario: the process is restarted while the alert fires, with the fault still on and over.
/// Guarantees: it continues in its phase and its occurrence; nobody is told twice.
#[tokio::test]
async fn restarts_continue() {
    let scene = Scene::new(Shop::with(&[(0, 4000)], (600, 700)));
    let mut phases = Vec::new();
    for (from_s, to_s) in [(0, 640), (640, 690), (690, 2000)] {
        let (mut evaluation, board) = scene.open(vec![slo()]).await;
        phases.extend(scene.evaluate(&mut evaluation, &board, from_s, to_s).await);
        evaluation.store.clone().close().await.unwrap();
    }
    let names: Vec<_> = phases.iter().map(|(_, name)| *name).collect();
    assert_eq!(names, ["inactive", "firing", "firing", "firing", "resolved"]);
    let (_, board) = scene.open(vec![slo()]).await;
    let pages: Vec<_> = board.alerts(10).await.unwrap();
    let pages: Vec<_> = pages.iter().filter(|(alert, _)| alert.severity == Severity::Page).collect();
    assert_eq!(pages.len(), 1);
    assert_eq!(pages[0].1.len(), 2);
    assert_eq!(board.slos()[0].page.name(), "resolved");
}

/// Scenario: the service falls silent while its alert fires; later it is back.
/// Guarantees: silence is no recovery: the alert keeps firing until there is data again.
#[tokio::test]
async fn silence_is_not_recovery() {
    let scene = Scene::new(Shop::with(&[(0, 660), (1500, 4000)], (600, 660)));
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    let phases = scene.evaluate(&mut evaluation, &board, 0, 1500).await;
    assert_eq!(phases, [(0, "inactive"), (620, "firing")]);
    assert_eq!(page_verdict(&board), Verdict::FrozenNoData);
    let phases = scene.evaluate(&mut evaluation, &board, 1500, 4000).await;
    assert_eq!(phases[0].1, "firing");
    assert_eq!(phases[1].1, "resolved");
}

/// Scenario: requests stop during the fault, but the service's metrics go on.
/// Guarantees: no traffic is not no data: the alert resolves.
#[tokio::test]
async fn no_traffic_is_not_silence() {
    let scene = Scene::new(Shop::with(&[(0, 660)], (600, 660)));
    scene.shop.is_alive.store(true, Ordering::Relaxed);
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    let phases = scene.evaluate(&mut evaluation, &board, 0, 1500).await;
    assert_eq!(phases.last().unwrap().1, "resolved");
}

/// Scenario: nothing was ever received; then the engine cannot be read.
/// Guarantees: no data is not good and not bad; an old judgement moves nothing, and is shown as frozen.
#[tokio::test]
async fn nothing_and_failure_move_nothing() {
    let scene = Scene::new(Shop::with(&[], (0, 0)));
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    assert!(board.slos()[0].judged.is_none());
    assert_eq!(scene.evaluate(&mut evaluation, &board, 0, 100).await, [(0, "inactive")]);
    assert_eq!(page_verdict(&board), Verdict::FrozenNoData);

    let scene = Scene::new(Shop::with(&[(0, 2000)], (600, 660)));
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    scene.evaluate(&mut evaluation, &board, 0, 650).await;
    scene.shop.is_broken.store(true, Ordering::Relaxed);
    assert_eq!(scene.evaluate(&mut evaluation, &board, 650, 1500).await, [(650, "firing")]);
    assert_eq!(page_verdict(&board), Verdict::FrozenNoData);
    scene.shop.is_broken.store(false, Ordering::Relaxed);
    assert_eq!(scene.evaluate(&mut evaluation, &board, 1500, 1600).await.last().unwrap().1, "resolved");
    assert_eq!(page_verdict(&board), Verdict::Ok);
}

/// Scenario: after a start the whole period cannot be read, only a tenth of it; then it can.
/// Guarantees: the period says how much of it was measured, and is whole later; the tiers can tell already.
#[tokio::test]
async fn a_tenth_is_not_the_whole() {
    let scene = Scene::new(Shop::with(&[(-200_000, 4000)], (0, 0)));
    scene.shop.is_weak.store(true, Ordering::Relaxed);
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    let mut covered = Vec::new();
    for seconds in [0, 100] {
        scene.evaluate(&mut evaluation, &board, seconds, seconds + 10).await;
        let judgement = board.slo("checkout").unwrap().judged.unwrap().1;
        covered.push((judgement.period.coverage.share() * 10.0).round());
        assert_eq!(judgement.verdict(Severity::Page), Verdict::Ok);
        assert_eq!(judgement.verdict(Severity::Ticket), Verdict::Ok);
        scene.shop.is_weak.store(false, Ordering::Relaxed);
    }
    assert_eq!(covered, [1.0, 10.0]);
}

/// Scenario: the objective is removed from the configuration while its alert fires.
/// Guarantees: its alerts end at the next start, and the receiver of the page is told; nobody heard of the ticket.
#[tokio::test]
async fn removed_objectives_resolve() {
    let scene = Scene::new(Shop::with(&[(0, 2000)], (600, 2000)));
    let (mut evaluation, board) = scene.open(vec![slo()]).await;
    scene.evaluate(&mut evaluation, &board, 0, 650).await;
    evaluation.store.clone().close().await.unwrap();
    let (_, board) = scene.open(Vec::new()).await;
    for (alert, deliveries) in board.alerts(10).await.unwrap() {
        assert!(matches!(alert.phase, Phase::Resolved { .. }), "{alert:?}");
        assert_eq!(alert.summary, "checkout was removed or changed while it was burning");
        assert_eq!(deliveries.len(), if alert.severity == Severity::Page { 2 } else { 0 });
    }
}

/// A clock that advances by a second whenever it is read.
fn racing_clock(now: &Arc<AtomicI64>) -> Clock {
    let now = Arc::clone(now);
    Arc::new(move || now.fetch_add(SECOND, Ordering::Relaxed))
}

/// Answers 503 twice, then takes everything; sends on what it took.
async fn receive(listener: TcpListener, taken: tokio::sync::mpsc::UnboundedSender<serde_json::Value>) {
    let mut n_refused = 0;
    while let Ok((mut stream, _)) = listener.accept().await {
        let body = read_document(&mut stream).await;
        let status = if n_refused < 2 { "503 Service Unavailable" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.unwrap();
        if n_refused < 2 {
            n_refused += 1;
        } else {
            taken.send(body).unwrap();
        }
    }
}

async fn read_document(stream: &mut tokio::net::TcpStream) -> serde_json::Value {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes);
        let body = text.split_once("\r\n\r\n").map(|(_, body)| body.to_owned());
        if let Some(Ok(document)) = body.map(|body| serde_json::from_str(&body)) {
            return document;
        }
        assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0);
    }
}

/// Scenario: the loop runs by itself, the receiver is down for the first attempts, and the process
/// is restarted between firing and resolve.
/// Guarantees: the receiver gets one firing and later one resolved document of the page, with one fingerprint.
#[tokio::test]
async fn from_a_fault_to_two_documents() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, mut documents) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(receive(listener, taken));
    let shop = Shop::with(&[(-3600, 100_000)], (60, 240));
    let (dir, now) = (tempfile::tempdir().unwrap(), Arc::new(AtomicI64::new(T0)));
    let mut pages = Vec::new();
    for status in ["firing", "resolved"] {
        let (evaluation, _board) = open(
            settings(),
            vec![slo()],
            vec![receiver(port)],
            &dir.path().join("state.sqlite"),
            Arc::clone(&shop) as _,
            racing_clock(&now),
        )
        .await
        .unwrap();
        let cancel = CancellationToken::new();
        let running = tokio::spawn(evaluation.run(|| {}, cancel.clone()));
        while pages.last().is_none_or(|page: &serde_json::Value| page["status"] != status) {
            let document = documents.recv().await.unwrap();
            if document["commonLabels"]["severity"] == "page" {
                pages.push(document);
            }
        }
        cancel.cancel();
        running.await.unwrap();
    }
    let statuses: Vec<_> = pages.iter().map(|page| page["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["firing", "resolved"]);
    assert_eq!(pages[0]["alerts"][0]["fingerprint"], pages[1]["alerts"][0]["fingerprint"]);
    assert_eq!(pages[0]["groupKey"], pages[1]["groupKey"]);
    assert_eq!(pages[0]["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    for page in &pages {
        assert_eq!(page["firstfault"]["triage"]["headline"], "orders-db broke first");
        assert_eq!(page["commonAnnotations"]["origin"], "orders-db broke first");
    }
    assert_ne!(pages[0]["firstfault"]["event_id"], pages[1]["firstfault"]["event_id"]);
    assert_eq!(pages[0]["firstfault"]["alert_id"], pages[1]["firstfault"]["alert_id"]);
}

/// Scenario: the courier of a receiver panics while nobody asked for the end.
/// Guarantees: the worker ends, which ends the process, rather than evaluating alerts that reach nobody.
#[tokio::test]
async fn a_dead_courier_ends_the_worker() {
    let dir = tempfile::tempdir().unwrap();
    let evaluating = Arc::new(Mutex::new(None));
    let allowed = Arc::clone(&evaluating);
    // Couriers are tasks of their own, and read the clock.
    let clock: Clock = Arc::new(move || {
        let is_courier = allowed.lock().is_some() && tokio::task::try_id() != *allowed.lock();
        assert!(!is_courier, "as the test wants");
        T0
    });
    let path = dir.path().join("state.sqlite");
    let (shop, receivers) = (Shop::with(&[], (0, 0)), vec![receiver(9)]);
    let (evaluation, _board) = open(settings(), vec![slo()], receivers, &path, shop, clock).await.unwrap();
    let running = tokio::spawn(evaluation.run(|| {}, CancellationToken::new()));
    *evaluating.lock() = Some(running.id());
    let ended = tokio::time::timeout(Duration::from_secs(30), running).await;
    ended.expect("it ends").expect("in order");
}
