//! The process and the machine that it has for itself.

use super::{Kind, Known};

pub(super) const ALL: &[Known] = &[
    // Semantic conventions, "OS process metrics". Instrumentations that count each mode or core by itself add up.
    Known::share("process.cpu.utilization", Kind::Cpu, "CPU of the process"),
    Known::cores("process.cpu.time", "CPU of the process"),
    Known::value("process.memory.usage", Kind::Memory, "Memory of the process", "By"),
    Known::value("process.memory.virtual", Kind::Memory, "Address space of the process", "By").neutral(),
    Known::value("process.thread.count", Kind::Threads, "Threads of the process", "{thread}"),
    Known::value("process.threads", Kind::Threads, "Threads of the process", "{thread}")
        .unless("process.thread.count"),
    // Not in the conventions: host metrics of Node.js; the process meters of Micrometer, by both names that they have.
    Known::share("process.memory.utilization", Kind::Memory, "Memory of the process, of the machine's"),
    Known::share("process.cpu.usage", Kind::Cpu, "CPU of the process"),
    Known::share("process_cpu_usage", Kind::Cpu, "CPU of the process"),
    Known::value("process.files.open", Kind::Pool, "Open files", "{file}").limited_by(&["process.files.max"]),
    Known::value("process_files_open_files", Kind::Pool, "Open files", "{file}")
        .limited_by(&["process_files_max_files"]),
    // Semantic conventions, "System metrics": "Processor metrics" and "Memory metrics". Where a service sends them, it is alone
    // on its machine, or as good as.
    Known::idle("system.cpu.utilization", "CPU of the machine")
        .only(&["cpu.mode", "system.cpu.state", "state"], "idle"),
    Known::idle_time("system.cpu.time", "CPU of the machine")
        .only(&["cpu.mode", "system.cpu.state", "state"], "idle"),
    Known::share("system.memory.utilization", Kind::Memory, "Memory of the machine")
        .only(&["system.memory.state", "state"], "used"),
    Known::value("system.memory.usage", Kind::Memory, "Memory of the machine", "By")
        .only(&["system.memory.state", "state"], "used")
        .limited_by(&["system.memory.limit"]),
    Known::share("system.cpu.usage", Kind::Cpu, "CPU of the machine"),
    Known::share("system_cpu_usage", Kind::Cpu, "CPU of the machine"),
    // What Prometheus' client libraries expose of the process.
    Known::cores("process_cpu_seconds_total", "CPU of the process"),
    Known::value("process_resident_memory_bytes", Kind::Memory, "Memory of the process", "By"),
    Known::value("process_working_set_bytes", Kind::Memory, "Memory of the process", "By"),
    Known::value("process_virtual_memory_bytes", Kind::Memory, "Address space of the process", "By")
        .neutral(),
    Known::value("process_num_threads", Kind::Threads, "Threads of the process", "{thread}"),
    Known::value("process_open_fds", Kind::Pool, "Open files", "{file}").limited_by(&["process_max_fds"]),
];
