//! The system's allocator, counted.
#![allow(unsafe_code, reason = "an allocator is unsafe by its trait; it is only in this benchmark")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static N_ALLOCATIONS: AtomicU64 = AtomicU64::new(0);
static N_BYTES: AtomicU64 = AtomicU64::new(0);

struct Counting;

/// Allocations so far, with those that made one larger, and the bytes that were asked for.
pub(crate) fn allocations() -> [u64; 2] {
    [&N_ALLOCATIONS, &N_BYTES].map(|counter| counter.load(Ordering::Relaxed))
}

fn count(n_bytes: usize) {
    N_ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
    N_BYTES.fetch_add(n_bytes as u64, Ordering::Relaxed);
}

// Each call is handed on as it is, so whoever keeps the trait's rules keeps the system's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, n_bytes: usize) -> *mut u8 {
        count(n_bytes.saturating_sub(layout.size()));
        unsafe { System.realloc(memory, layout, n_bytes) }
    }
}
