//! .NET, Node.js, Go and Python.

use super::{Kind, Known};

pub(super) const ALL: &[Known] = &[
    // Semantic conventions, ".NET Common Language Runtime (CLR) metrics".
    Known::cores("dotnet.process.cpu.time", "CPU of the process").limited_by(&["dotnet.process.cpu.count"]),
    Known::value("dotnet.process.memory.working_set", Kind::Memory, "Memory of the process", "By"),
    Known::value("dotnet.gc.last_collection.heap.size", Kind::Memory, "Heap after collection", "By"),
    Known::value(
        "dotnet.gc.last_collection.memory.committed_size",
        Kind::Memory,
        "Memory committed for the heap",
        "By",
    ),
    Known::collecting("dotnet.gc.pause.time", "s"),
    Known::value("dotnet.thread_pool.thread.count", Kind::Threads, "Threads of the pool", "{thread}"),
    Known::value(
        "dotnet.thread_pool.queue.length",
        Kind::Queue,
        "Work that waits for a thread",
        "{work_item}",
    ),
    // The same of OpenTelemetry.Instrumentation.Runtime before .NET 9, and of Prometheus' client for .NET.
    Known::value("process.runtime.dotnet.gc.heap.size", Kind::Memory, "Heap after collection", "By")
        .unless("dotnet.gc.last_collection.heap.size"),
    Known::value(
        "process.runtime.dotnet.gc.committed_memory.size",
        Kind::Memory,
        "Memory committed for the heap",
        "By",
    )
    .unless("dotnet.gc.last_collection.memory.committed_size"),
    Known::collecting("process.runtime.dotnet.gc.duration", "ns").unless("dotnet.gc.pause.time"),
    Known::value(
        "process.runtime.dotnet.thread_pool.threads.count",
        Kind::Threads,
        "Threads of the pool",
        "{thread}",
    )
    .unless("dotnet.thread_pool.thread.count"),
    Known::value(
        "process.runtime.dotnet.thread_pool.queue.length",
        Kind::Queue,
        "Work that waits for a thread",
        "{work_item}",
    )
    .unless("dotnet.thread_pool.queue.length"),
    Known::value("dotnet_total_memory_bytes", Kind::Memory, "Managed memory", "By"),
    // Semantic conventions, "Node.js runtime metrics" and "V8 JS engine runtime metrics". `v8js.memory.heap.limit` is what is
    // allocated by now, not what may be, and bounds nothing.
    Known::share("nodejs.eventloop.utilization", Kind::EventLoop, "Busy event loop"),
    Known::largest("nodejs.eventloop.delay.mean", Kind::EventLoop, "Mean delay of the event loop", "s"),
    Known::largest("nodejs.eventloop.delay.p99", Kind::EventLoop, "Delay of the event loop, p99", "s"),
    Known::value("v8js.memory.heap.used", Kind::Memory, "Heap", "By"),
    Known::collecting("v8js.gc.duration", "s"),
    // What prom-client exposes of Node.js.
    Known::largest("nodejs_eventloop_lag_seconds", Kind::EventLoop, "Delay of the event loop", "s"),
    Known::largest("nodejs_eventloop_lag_p99_seconds", Kind::EventLoop, "Delay of the event loop, p99", "s"),
    Known::value("nodejs_heap_size_used_bytes", Kind::Memory, "Heap", "By"),
    Known::collecting("nodejs_gc_duration_seconds", "s"),
    Known::collecting("nodejs_gc_duration_seconds_sum", "s"),
    // Semantic conventions, "Go runtime metrics".
    Known::value("go.memory.used", Kind::Memory, "Memory of the Go runtime", "By")
        .limited_by(&["go.memory.limit"]),
    Known::value("go.goroutine.count", Kind::Threads, "Goroutines", "{goroutine}"),
    Known::mean("go.schedule.duration", Kind::Cpu, "Wait of goroutines for a processor", "s"),
    // The same by the deprecated names of the Go instrumentation `runtime`, and of Prometheus' client for Go.
    Known::value("process.runtime.go.mem.heap_alloc", Kind::Memory, "Heap", "By").unless("go.memory.used"),
    Known::value("process.runtime.go.goroutines", Kind::Threads, "Goroutines", "{goroutine}")
        .unless("go.goroutine.count"),
    Known::collecting("process.runtime.go.gc.pause_total_ns", "ns"),
    Known::value("go_memstats_heap_inuse_bytes", Kind::Memory, "Heap", "By"),
    Known::value("go_goroutines", Kind::Threads, "Goroutines", "{goroutine}"),
    Known::value("go_threads", Kind::Threads, "Threads of the process", "{thread}"),
    Known::collecting("go_gc_duration_seconds", "s"),
    Known::collecting("go_gc_duration_seconds_sum", "s"),
    // Semantic conventions, "CPython runtime metrics". What the runtime does in a collection is not timed.
    Known::rate("cpython.gc.collections", Kind::Gc, "Garbage collections", "{collection}", "1/s"),
    // The Python instrumentation `system-metrics` in its old names, and Prometheus' client for Python.
    Known::cores("process.runtime.cpython.cpu_time", "CPU of the process").unless("process.cpu.time"),
    Known::share("process.runtime.cpython.cpu.utilization", Kind::Cpu, "CPU of the process")
        .unless("process.cpu.utilization"),
    Known::value("process.runtime.cpython.memory", Kind::Memory, "Memory of the process", "By")
        .only(&["type"], "rss")
        .unless("process.memory.usage"),
    Known::value("process.runtime.cpython.thread_count", Kind::Threads, "Threads of the process", "{thread}")
        .unless("process.thread.count"),
    Known::rate("python_gc_collections_total", Kind::Gc, "Garbage collections", "{collection}", "1/s"),
];
