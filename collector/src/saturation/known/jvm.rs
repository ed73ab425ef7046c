//! The Java virtual machine.

use super::{Kind, Known};

pub(super) const ALL: &[Known] = &[
    // Semantic conventions, "JVM metrics". Micrometer has `jvm.memory.used` too, its pools are `id`, its limit
    // `jvm.memory.max`.
    Known::share("jvm.cpu.recent_utilization", Kind::Cpu, "CPU of the JVM"),
    Known::cores("jvm.cpu.time", "CPU of the JVM").limited_by(&["jvm.cpu.count"]),
    Known::value("jvm.memory.used", Kind::Memory, "Memory by pool", "By")
        .by(&["jvm.memory.pool.name", "id"])
        .limited_by(&["jvm.memory.limit", "jvm.memory.max"]),
    Known::value("jvm.memory.used_after_last_gc", Kind::Memory, "Memory after collection", "By")
        .by(&["jvm.memory.pool.name", "id"])
        .limited_by(&["jvm.memory.limit"]),
    Known::collecting("jvm.gc.duration", "s"),
    Known::value("jvm.thread.count", Kind::Threads, "Threads of the JVM", "{thread}"),
    // The same before version 1.22 of the conventions.
    Known::share("process.runtime.jvm.cpu.utilization", Kind::Cpu, "CPU of the JVM")
        .unless("jvm.cpu.recent_utilization"),
    Known::value("process.runtime.jvm.memory.usage", Kind::Memory, "Memory by pool", "By")
        .by(&["pool"])
        .limited_by(&["process.runtime.jvm.memory.limit"])
        .unless("jvm.memory.used"),
    Known::value(
        "process.runtime.jvm.memory.usage_after_last_gc",
        Kind::Memory,
        "Memory after collection",
        "By",
    )
    .by(&["pool"])
    .limited_by(&["process.runtime.jvm.memory.limit"])
    .unless("jvm.memory.used_after_last_gc"),
    Known::collecting("process.runtime.jvm.gc.duration", "ms").unless("jvm.gc.duration"),
    Known::value("process.runtime.jvm.threads.count", Kind::Threads, "Threads of the JVM", "{thread}")
        .unless("jvm.thread.count"),
    // Micrometer's meters of the JVM.
    Known::collecting("jvm.gc.pause", "ms"),
    Known::value("jvm.threads.live", Kind::Threads, "Threads of the JVM", "{thread}"),
    // The same by way of Prometheus: its Java client in both of its generations, and Micrometer. A summary is a metric of its
    // own from the Collector, and a series by remote write.
    Known::value("jvm_memory_bytes_used", Kind::Memory, "Memory by area", "By")
        .by(&["area"])
        .limited_by(&["jvm_memory_bytes_max"]),
    Known::value("jvm_memory_used_bytes", Kind::Memory, "Memory by pool", "By")
        .by(&["area", "id"])
        .limited_by(&["jvm_memory_max_bytes"]),
    Known::value("jvm_memory_pool_bytes_used", Kind::Memory, "Memory by pool", "By")
        .by(&["pool"])
        .limited_by(&["jvm_memory_pool_bytes_max"]),
    Known::value("jvm_memory_pool_used_bytes", Kind::Memory, "Memory by pool", "By")
        .by(&["pool"])
        .limited_by(&["jvm_memory_pool_max_bytes"]),
    Known::collecting("jvm_gc_collection_seconds", "s"),
    Known::collecting("jvm_gc_collection_seconds_sum", "s"),
    Known::collecting("jvm_gc_pause_seconds", "s"),
    Known::collecting("jvm_gc_pause_seconds_sum", "s"),
    Known::value("jvm_threads_current", Kind::Threads, "Threads of the JVM", "{thread}"),
    Known::value("jvm_threads_live_threads", Kind::Threads, "Threads of the JVM", "{thread}"),
];
