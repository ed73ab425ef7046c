//! Time of the processor, which counts the work of all cores and no waiting.

use rustix::time::{ClockId, clock_gettime};

/// What all threads of the process took so far, in seconds.
pub(crate) fn of_process() -> f64 {
    seconds(ClockId::ProcessCPUTime)
}

/// What a piece of work of the calling thread takes, in seconds.
pub(crate) fn of_thread<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = seconds(ClockId::ThreadCPUTime);
    let done = work();
    (seconds(ClockId::ThreadCPUTime) - before, done)
}

fn seconds(clock: ClockId) -> f64 {
    let time = clock_gettime(clock);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
