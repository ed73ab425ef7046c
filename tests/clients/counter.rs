//! A client that counts, one request at a time, until it is told to stop: a program in Python or Node, or a thread with
//! the Rust SDK. In the end it gives account of what its exporters delivered and what they gave up.

use super::case::{Case, Language, Tools};
use super::rust_counter;
use super::rust_sdk::Tries;
use crate::support::artefacts;
use crate::support::wait::eventually;
use serde::Deserialize;
use std::collections::BTreeSet;
use std::fs::File;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

/// Longest wait for a client to start, or to send what is left and end.
const LIMIT: Duration = Duration::from_secs(90);

/// The numbers of one signal. One that was exported again after a failure is in both.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Outcome {
    /// The exporter reported success.
    pub(crate) delivered: BTreeSet<i64>,
    /// The exporter gave up: they may be stored or not.
    pub(crate) failed: BTreeSet<i64>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Account {
    /// All numbers are below.
    pub(crate) counted: i64,
    pub(crate) spans: Outcome,
    pub(crate) logs: Outcome,
    pub(crate) metrics: Outcome,
}

pub(crate) struct Counter {
    pub(crate) case: Case,
    work: Work,
}

enum Work {
    Program { stdin: ChildStdin, heard: Arc<Heard>, _process: Box<Child>, _listening: JoinHandle<()> },
    Thread { go: mpsc::Sender<()>, stop: Stop, tries: Arc<Tries>, account: JoinHandle<Account> },
}

/// What a program has said.
#[derive(Debug, Default)]
struct Heard {
    is_ready: AtomicBool,
    n_retries: AtomicUsize,
    account: Mutex<Option<Account>>,
}

/// Tells a thread to end, at the latest when the test ends.
struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl Counter {
    /// It counts when it is told to.
    pub(crate) fn start(case: Case, endpoint: String, tools: &Tools) -> Self {
        let work = match case.language {
            Language::Python | Language::Node => Work::program(case, &endpoint, tools),
            Language::Rust => Work::thread(case, endpoint),
        };
        Self { case, work }
    }

    /// Would it begin at once?
    pub(crate) fn is_ready(&self) -> bool {
        match &self.work {
            Work::Program { heard, .. } => heard.is_ready.load(Ordering::SeqCst),
            Work::Thread { .. } => true,
        }
    }

    /// How often an exporter has tried again.
    pub(crate) fn n_retries(&self) -> usize {
        match &self.work {
            Work::Program { heard, .. } => heard.n_retries.load(Ordering::SeqCst),
            Work::Thread { tries, .. } => tries.n_retries(),
        }
    }

    pub(crate) async fn go(&mut self) {
        match &mut self.work {
            Work::Program { stdin, .. } => stdin.write_all(b"go\n").await.expect("the program reads"),
            Work::Thread { go, .. } => go.send(()).expect("the thread listens"),
        }
    }

    /// Lets it send what is left, and end.
    pub(crate) async fn finish(self) -> Account {
        let what = format!("{} ends with its account", self.case.name());
        match self.work {
            Work::Program { stdin, heard, _process, _listening } => {
                drop(stdin);
                eventually(&what, LIMIT, || async { heard.account.lock().expect("lock").take() }).await
            }
            Work::Thread { stop, account, .. } => {
                drop(stop);
                let account = tokio::time::timeout(LIMIT, account).await;
                account.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}")).expect("the thread counts")
            }
        }
    }
}

impl Work {
    fn program(case: Case, endpoint: &str, tools: &Tools) -> Self {
        static N: AtomicUsize = AtomicUsize::new(0);
        let mut command = case.command("counter", endpoint, tools);
        let name = format!("counter-{}-{}.log", case.name(), N.fetch_add(1, Ordering::Relaxed));
        let log = File::create(artefacts().join(name)).expect("log file");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
        let mut process = command.spawn().expect("the program starts");
        let stdin = process.stdin.take().expect("standard input");
        let lines = BufReader::new(process.stdout.take().expect("standard output")).lines();
        let heard = Arc::new(Heard::default());
        let listening = tokio::spawn(listen(lines, Arc::clone(&heard)));
        Self::Program { stdin, heard, _process: Box::new(process), _listening: listening }
    }

    fn thread(case: Case, endpoint: String) -> Self {
        let (go, told) = mpsc::channel();
        let is_stopped = Arc::new(AtomicBool::new(false));
        let stop = Stop(Arc::clone(&is_stopped));
        let tries = Arc::new(Tries::default());
        let of_thread = Arc::clone(&tries);
        let count = move || rust_counter::count(case, &endpoint, &told, &is_stopped, &of_thread);
        Self::Thread { go, stop, tries, account: tokio::task::spawn_blocking(count) }
    }
}

async fn listen(mut lines: Lines<BufReader<ChildStdout>>, heard: Arc<Heard>) {
    while let Ok(Some(line)) = lines.next_line().await {
        match line.as_str() {
            "READY" => heard.is_ready.store(true, Ordering::SeqCst),
            "RETRY" => {
                heard.n_retries.fetch_add(1, Ordering::SeqCst);
            }
            other => {
                let account = other.strip_prefix("DID ").map(serde_json::from_str);
                let account = account.unwrap_or_else(|| panic!("the program said {other:?}"));
                *heard.account.lock().expect("lock") = Some(account.expect("an account"));
            }
        }
    }
}
