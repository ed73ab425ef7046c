//! What an attempt's outcome means, and when the next one is due.
//!
//! Pure: the caller passes the time, and the random number that spreads retries.

use jiff::fmt::rfc2822;
use std::time::Duration;

/// When to try again and when to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Upper bounds of the waits; the last one repeats.
    pub waits: Vec<Duration>,
    /// A notification is given up at the failure after which its next attempt would come later than this.
    pub give_up_after: Duration,
    /// A receiver may ask for patience up to this.
    pub retry_after_max: Duration,
    /// One attempt, from connecting to the end of the answer.
    pub timeout: Duration,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 3600;
/// The wait of a policy without any.
const BASE: Duration = Duration::from_secs(5);

/// 5 s, 30 s, 2 min, 10 min, 30 min, 2 h, 5 h, 10 h, then every 24 h, up to 72 h.
impl Default for RetryPolicy {
    fn default() -> Self {
        let waits_s = [5, 30, 2 * MINUTE, 10 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 24 * HOUR];
        Self {
            waits: waits_s.map(Duration::from_secs).to_vec(),
            give_up_after: Duration::from_secs(72 * HOUR),
            retry_after_max: Duration::from_secs(HOUR),
            timeout: Duration::from_secs(15),
        }
    }
}

impl RetryPolicy {
    /// The wait after this many attempts: full jitter, so that receivers that failed together are not
    /// asked together again. `random` is in `0.0..1.0`.
    pub fn wait(&self, n_attempts: u32, random: f64) -> Duration {
        let last = self.waits.len().saturating_sub(1);
        let at = (n_attempts.saturating_sub(1) as usize).min(last);
        self.waits.get(at).copied().unwrap_or(BASE).mul_f64(random.clamp(0.0, 1.0))
    }
}

/// What a receiver said, as far as it decides anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer<'a> {
    /// Of HTTP or SMTP.
    pub(super) status: u16,
    pub(super) retry_after: Option<Duration>,
    /// Its beginning.
    pub(super) body: &'a str,
}

/// What an attempt came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Delivered,
    /// Another attempt may succeed. Also where no answer came: name, connection, TLS, time-out, or cut off.
    Retry(Option<Duration>),
    /// The receiver will not take it, ever.
    Final,
    /// As `Final`, and the receiver is not to be called again.
    Disable,
}

impl Verdict {
    pub(super) const NO_ANSWER: Self = Self::Retry(None);
}

/// What most receivers mean. 2xx is success. 408, 425, 429 and 5xx are tried again; redirects are not followed and
/// count, like other 4xx, as a refusal; 410 says that the receiver is gone.
pub(super) fn by_status(answer: &Answer<'_>) -> Verdict {
    match answer.status {
        200..=299 => Verdict::Delivered,
        410 => Verdict::Disable,
        408 | 425 | 429 | 500..=599 => Verdict::Retry(answer.retry_after),
        _ => Verdict::Final,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    Delivered,
    RetryAt(i64),
    /// The receiver will not take it, ever, or it has been tried for too long.
    Dead,
    /// As `Dead`, and the receiver asked not to be called again.
    Disable,
}

/// What follows from the verdict on an attempt that ended now, the `n_attempts`th since the notification was queued.
pub(super) fn decide(
    policy: &RetryPolicy,
    verdict: Verdict,
    n_attempts: u32,
    queued_at: i64,
    now: i64,
    random: f64,
) -> Decision {
    let asked = match verdict {
        Verdict::Delivered => return Decision::Delivered,
        Verdict::Disable => return Decision::Disable,
        Verdict::Final => return Decision::Dead,
        Verdict::Retry(asked) => asked.unwrap_or_default().min(policy.retry_after_max),
    };
    let wait = policy.wait(n_attempts, random).max(asked);
    let next_at = now.saturating_add(nanos(wait));
    if next_at.saturating_sub(queued_at) > nanos(policy.give_up_after) {
        return Decision::Dead;
    }
    Decision::RetryAt(next_at)
}

/// The wait that a `Retry-After` header asks for: seconds, or an HTTP date.
pub(crate) fn retry_after(header: &str, now: i64) -> Option<Duration> {
    let header = header.trim();
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let at = rfc2822::parse(header).ok()?.timestamp().as_nanosecond();
    Some(Duration::from_nanos(u64::try_from(at - i128::from(now)).unwrap_or(0)))
}

pub(crate) fn nanos(duration: Duration) -> i64 {
    i64::try_from(duration.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
