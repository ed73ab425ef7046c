//! From files to the server: a thread makes bodies, a few of them are under way at once, none waits unbounded.

use crate::otlp::{Body, Item, Pending, Signal};
use crate::server::Server;
use crate::sets::Set;
use anyhow::{Context as _, Result};
use futures::{StreamExt as _, stream};
use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde::{Deserialize, Serialize};
use std::pin::pin;
use tokio::sync::mpsc;

/// Items of one body.
const ITEMS: usize = 1_000;
/// Bodies that are made ahead of those under way.
const AHEAD: usize = 16;
/// Bodies under way: enough that the server's group commits are shared.
const AT_ONCE: usize = 8;
/// Items after which something is told.
const TOLD_EVERY: u64 = 200_000;

/// Rows that the server has taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub n_spans: u64,
    pub n_logs: u64,
    pub n_points: u64,
    /// Sent and not taken.
    pub n_rejected: u64,
}

impl Sent {
    fn add(&mut self, signal: Signal, n_items: u64, n_rejected: u64) {
        let n = match signal {
            Signal::Traces => &mut self.n_spans,
            Signal::Logs => &mut self.n_logs,
            Signal::Metrics => &mut self.n_points,
        };
        *n += n_items.saturating_sub(n_rejected);
        self.n_rejected += n_rejected;
    }

    fn n_items(self) -> u64 {
        self.n_spans + self.n_logs + self.n_points + self.n_rejected
    }
}

/// Where bodies go.
#[derive(Debug)]
pub(crate) struct Outlet(mpsc::Sender<Body>);

impl Outlet {
    fn put(&self, body: Body) -> Result<()> {
        self.0.blocking_send(body).ok().context("nobody sends any more")
    }
}

/// Items on their way into bodies.
#[derive(Debug)]
pub(crate) struct Batcher<'a, T> {
    outlet: &'a Outlet,
    pending: Pending<T>,
}

impl<'a, T: Item> Batcher<'a, T> {
    pub(crate) fn new(outlet: &'a Outlet) -> Self {
        Self { outlet, pending: Pending::new() }
    }

    pub(crate) fn push(
        &mut self,
        key: &str,
        resource: impl FnOnce() -> Vec<KeyValue>,
        item: T,
    ) -> Result<()> {
        self.pending.push(key, resource, item);
        if self.pending.n_items() < ITEMS { Ok(()) } else { self.flush() }
    }

    /// To be called at the end.
    pub(crate) fn flush(&mut self) -> Result<()> {
        self.pending.take().map_or(Ok(()), |body| self.outlet.put(body))
    }
}

/// Sends all telemetry of a set.
pub(crate) async fn send(server: &Server, set: &Set, tell: &mut dyn FnMut(&str)) -> Result<Sent> {
    let (sender, receiver) = mpsc::channel(AHEAD);
    let producer = {
        let set = set.clone();
        tokio::task::spawn_blocking(move || set.produce(&Outlet(sender)))
    };
    let bodies =
        stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) });
    let exported = bodies.map(|body| async move {
        let (signal, n_items) = (body.signal, body.n_items);
        server.export(body).await.map(|rejected| (signal, n_items, rejected))
    });
    let mut exported = pin!(exported.buffer_unordered(AT_ONCE));
    let (mut sent, mut told) = (Sent::default(), 0);
    while let Some(answer) = exported.next().await {
        let (signal, n_items, rejected) = answer?;
        sent.add(signal, n_items, rejected.n_items);
        if rejected.n_items > 0 {
            tell(&format!(
                "{}: {} of {n_items} items rejected: {}",
                set.name, rejected.n_items, rejected.why
            ));
        }
        if sent.n_items() / TOLD_EVERY > told {
            told = sent.n_items() / TOLD_EVERY;
            tell(&format!("{}: {} items sent", set.name, sent.n_items()));
        }
    }
    // Bodies end when the producer does, for better or worse.
    producer.await.context("the thread that reads files broke")??;
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use opentelemetry_proto::tonic::trace::v1::Span;

    /// Scenario: two and a half bodies' worth of spans.
    /// Guarantees: bodies have a thousand items, the last one what is left.
    #[test]
    fn bodies_have_about_a_thousand_items() {
        let (sender, mut receiver) = mpsc::channel(AHEAD);
        {
            let outlet = Outlet(sender);
            let mut spans = Batcher::new(&outlet);
            for _ in 0..2_500 {
                spans.push("one", Vec::new, Span::default()).expect("taken");
            }
            spans.flush().expect("taken");
            spans.flush().expect("nothing is left");
        }
        let sizes: Vec<u64> =
            std::iter::from_fn(|| receiver.blocking_recv()).map(|body| body.n_items).collect();
        assert_eq!(sizes, [1_000, 1_000, 500]);
    }

    /// Scenario: a body of which a part is rejected.
    /// Guarantees: only what was taken counts as there.
    #[test]
    fn what_is_rejected_is_not_expected_to_be_seen() {
        let mut sent = Sent::default();
        sent.add(Signal::Logs, 10, 3);
        assert_eq!(sent, Sent { n_logs: 7, n_rejected: 3, ..Sent::default() });
        assert_eq!(sent.n_items(), 10);
    }
}
