//! One task per receiver that delivers what is due, and sleeps until more is.

use crate::causes::with_causes;
use crate::units::nanos;
use alerts::{Clock, Courier};
use std::time::Duration;
use tokio::{sync::watch, task::JoinSet};
use tokio_util::sync::CancellationToken;

/// The clock may be set: no sleep is trusted for longer.
const SLEEP_MAX: Duration = Duration::from_secs(60);
/// After the state file could not be read or written.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(5);
/// What a delivery under way at shutdown is given; a receiver that is well answers in less.
const GRACE: Duration = Duration::from_secs(3);

/// Starts the couriers. `woken` changes when something was enqueued.
pub(super) fn spawn(
    couriers: Vec<Courier>,
    woken: watch::Receiver<u64>,
    clock: &Clock,
    cancel: &CancellationToken,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    for courier in couriers {
        let (woken, clock, cancel) = (woken.clone(), Clock::clone(clock), cancel.clone());
        tasks.spawn(async move { deliver(courier, woken, clock, cancel).await });
    }
    tasks
}

/// Waits until a courier panics. One that returns was told to, or is about to be.
pub(super) async fn death(couriers: &mut JoinSet<()>) {
    while let Some(ended) = couriers.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a courier died");
            return;
        }
    }
    std::future::pending().await
}

pub(super) async fn all_ended(mut couriers: JoinSet<()>) {
    while let Some(ended) = couriers.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            tracing::error!(%error, "a courier died");
        }
    }
}

async fn deliver(courier: Courier, mut woken: watch::Receiver<u64>, clock: Clock, cancel: CancellationToken) {
    loop {
        woken.mark_unchanged();
        let Some(wait) = round(&courier, &clock, &cancel).await else { return };
        tokio::select! {
            () = cancel.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            // An error means that the evaluation has ended, and then `cancel` follows.
            changed = woken.changed() => if changed.is_err() { return },
        }
    }
}

/// Delivers what is due; how long to sleep then, or none when it is time to stop.
async fn round(courier: &Courier, clock: &Clock, cancel: &CancellationToken) -> Option<Duration> {
    let grace = async {
        cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let delivered = tokio::select! {
        delivered = courier.deliver_due() => delivered,
        () = grace => return None,
    };
    match delivered {
        Ok(round) => Some(round.next_at.map_or(SLEEP_MAX, |at| until(at, clock()))),
        Err(error) => {
            let receiver = courier.receiver().name.as_str();
            tracing::error!(receiver, error = %with_causes(&error), "cannot work off the notifications");
            Some(PAUSE_AFTER_ERROR)
        }
    }
}

fn until(at: i64, now: i64) -> Duration {
    let left = at.saturating_sub(now).clamp(0, nanos(SLEEP_MAX));
    Duration::from_nanos(left.unsigned_abs())
}
