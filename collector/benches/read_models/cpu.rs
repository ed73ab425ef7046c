//! Time of the processor, which counts the work of all cores and no waiting.

use cpu_time::{ProcessTime, ThreadTime};

/// What all threads of the process took so far, in seconds.
pub(crate) fn of_process() -> f64 {
    ProcessTime::now().as_duration().as_secs_f64()
}

/// What a piece of work of the calling thread takes, in seconds.
pub(crate) fn of_thread<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let before = ThreadTime::now();
    let done = work();
    (before.elapsed().as_secs_f64(), done)
}
