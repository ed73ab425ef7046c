//! The product's allocator, with what is held counted, and the most that ever was.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait; it is only in this benchmark")]

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicUsize, Ordering};
use tikv_jemallocator::Jemalloc;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static N_HELD: AtomicUsize = AtomicUsize::new(0);
static N_HELD_MAX: AtomicUsize = AtomicUsize::new(0);

struct Counting;

/// What a piece of work held at most, beyond what was held before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    n_before: usize,
}

impl Held {
    /// Begins. Only one can count at a time.
    pub(crate) fn begin() -> Self {
        let n_before = N_HELD.load(Ordering::Relaxed);
        N_HELD_MAX.store(n_before, Ordering::Relaxed);
        Self { n_before }
    }

    /// The most so far, in bytes.
    pub(crate) fn bytes_max(self) -> usize {
        N_HELD_MAX.load(Ordering::Relaxed).saturating_sub(self.n_before)
    }
}

/// Bytes that are held now.
pub(crate) fn n_held() -> usize {
    N_HELD.load(Ordering::Relaxed)
}

fn grown(n_bytes: usize) {
    let n_held = N_HELD.fetch_add(n_bytes, Ordering::Relaxed) + n_bytes;
    if n_held > N_HELD_MAX.load(Ordering::Relaxed) {
        N_HELD_MAX.fetch_max(n_held, Ordering::Relaxed);
    }
}

fn shrunk(n_bytes: usize) {
    N_HELD.fetch_sub(n_bytes, Ordering::Relaxed);
}

// Each call is handed on as it is, so whoever keeps the trait's rules keeps the allocator's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { Jemalloc.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        shrunk(layout.size());
        unsafe { Jemalloc.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        grown(layout.size());
        unsafe { Jemalloc.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, n_bytes: usize) -> *mut u8 {
        match n_bytes.checked_sub(layout.size()) {
            Some(n_more) => grown(n_more),
            None => shrunk(layout.size() - n_bytes),
        }
        unsafe { Jemalloc.realloc(memory, layout, n_bytes) }
    }
}
