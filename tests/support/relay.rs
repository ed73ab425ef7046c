//! A relay between clients and a server, at an address that stays while servers come and go behind it. It can keep
//! answers back, so that a request is known to be stored and its client does not know it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// Ends with all its connections when dropped.
pub(crate) struct Relay {
    pub(crate) url: String,
    rules: watch::Sender<Rules>,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

#[derive(Debug, Clone, Default)]
struct Rules {
    /// Host and port; while there are none, connections wait.
    target: Option<String>,
    is_holding: bool,
    /// A connection ends when there is a newer one than its own.
    generation: u64,
}

/// Connections in a state.
#[derive(Debug, Default)]
struct Counts {
    waiting: AtomicUsize,
    held: AtomicUsize,
}

impl Relay {
    /// Listens on a free port of loopback.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("address"));
        let (rules, seen) = watch::channel(Rules::default());
        let counts = Arc::new(Counts::default());
        let accepting = tokio::spawn(accept(listener, seen, Arc::clone(&counts)));
        Self { url, rules, counts, accepting }
    }

    /// Passes connections on to the server at this URL, those that wait and those to come.
    pub(crate) fn lead_to(&self, url: &str) {
        let target = url.trim_start_matches("http://").to_owned();
        self.rules.send_modify(|rules| rules.target = Some(target));
    }

    /// Lets connections wait from now on.
    pub(crate) fn lead_nowhere(&self) {
        self.rules.send_modify(|rules| rules.target = None);
    }

    /// Keeps answers back from now on.
    pub(crate) fn hold(&self) {
        self.rules.send_modify(|rules| rules.is_holding = true);
    }

    /// Ends all connections, with the answers that were kept back; answers of later ones pass again.
    pub(crate) fn cut(&self) {
        self.rules.send_modify(|rules| {
            rules.is_holding = false;
            rules.generation += 1;
        });
    }

    /// Connections whose server has sent something that is kept back.
    pub(crate) fn n_held(&self) -> usize {
        self.counts.held.load(Ordering::SeqCst)
    }

    /// Connections that lead nowhere yet.
    pub(crate) fn n_waiting(&self) -> usize {
        self.counts.waiting.load(Ordering::SeqCst)
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Counts one, as long as it lives.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn accept(listener: TcpListener, rules: watch::Receiver<Rules>, counts: Arc<Counts>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        connections.spawn(serve(client, rules.clone(), Arc::clone(&counts)));
        while connections.try_join_next().is_some() {}
    }
}

async fn serve(client: TcpStream, rules: watch::Receiver<Rules>, counts: Arc<Counts>) {
    let generation = rules.borrow().generation;
    let mut cuts = rules.clone();
    tokio::select! {
        _ = cuts.wait_for(|rules| rules.generation != generation) => {}
        () = pass(client, rules, generation, &counts) => {}
    }
}

/// Both ways, until one side ends: none of these clients sends on after half a farewell.
async fn pass(client: TcpStream, mut rules: watch::Receiver<Rules>, generation: u64, counts: &Counts) {
    let Some(target) = target(&mut rules, &counts.waiting).await else { return };
    // With nobody there, the client's connection ends here.
    let Ok(server) = TcpStream::connect(target).await else { return };
    let (mut from_client, to_client) = client.into_split();
    let (from_server, mut to_server) = server.into_split();
    tokio::select! {
        _ = tokio::io::copy(&mut from_client, &mut to_server) => {}
        () = pass_answers(from_server, to_client, rules, generation, &counts.held) => {}
    }
}

async fn target(rules: &mut watch::Receiver<Rules>, waiting: &AtomicUsize) -> Option<String> {
    let _waits = Counted::new(waiting);
    let rules = rules.wait_for(|rules| rules.target.is_some()).await.ok()?;
    rules.target.clone()
}

async fn pass_answers(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut rules: watch::Receiver<Rules>,
    generation: u64,
    held: &AtomicUsize,
) {
    let mut buffer = vec![0; 16 << 10];
    loop {
        let n_bytes = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(n_bytes) => n_bytes,
        };
        if !may_pass(&mut rules, generation, held).await || to.write_all(&buffer[..n_bytes]).await.is_err() {
            return;
        }
    }
}

/// Waits while answers are kept back. What was kept back until a cut does not pass, although others pass again.
async fn may_pass(rules: &mut watch::Receiver<Rules>, generation: u64, held: &AtomicUsize) -> bool {
    loop {
        let Rules { is_holding, generation: newest, .. } = *rules.borrow();
        if !is_holding || newest != generation {
            return newest == generation;
        }
        let _held = Counted::new(held);
        let is_over = |rules: &Rules| !rules.is_holding || rules.generation != generation;
        if rules.wait_for(is_over).await.is_err() {
            return false;
        }
    }
}
