//! Containers and pods.

use super::{Kind, Known};

pub(super) const ALL: &[Known] = &[
    // Semantic conventions, "Container metrics"; limits are of "K8s metrics", section "Container metrics", by both names.
    Known::value("container.cpu.usage", Kind::Cpu, "CPU of the containers", "{cpu}")
        .limited_by(&["k8s.container.cpu.limit", "k8s.container.cpu_limit"]),
    Known::cores("container.cpu.time", "CPU of the containers")
        .limited_by(&["k8s.container.cpu.limit", "k8s.container.cpu_limit"]),
    Known::value("container.memory.usage", Kind::Memory, "Memory of the containers", "By")
        .limited_by(&["k8s.container.memory.limit", "k8s.container.memory_limit"]),
    Known::value("container.memory.working_set", Kind::Memory, "Working set of the containers", "By")
        .limited_by(&["k8s.container.memory.limit", "k8s.container.memory_limit"]),
    // The Collector's receiver docker_stats.
    Known::value("container.memory.usage.total", Kind::Memory, "Memory of the containers", "By")
        .limited_by(&["container.memory.usage.limit"]),
    // Semantic conventions, "K8s metrics", section "Pod metrics".
    Known::value("k8s.pod.cpu.usage", Kind::Cpu, "CPU of the pod", "{cpu}"),
    Known::cores("k8s.pod.cpu.time", "CPU of the pod"),
    Known::value("k8s.pod.memory.usage", Kind::Memory, "Memory of the pod", "By"),
    Known::value("k8s.pod.memory.working_set", Kind::Memory, "Working set of the pod", "By"),
    // The Collector's receiver kubeletstats. A pod's containers share an instance: the fullest counts.
    Known::largest("k8s.pod.cpu_limit_utilization", Kind::Cpu, "CPU of the pod, of its limit", "1")
        .of_whole(),
    Known::largest("k8s.pod.memory_limit_utilization", Kind::Memory, "Memory of the pod, of its limit", "1")
        .of_whole(),
    Known::largest(
        "k8s.container.cpu_limit_utilization",
        Kind::Cpu,
        "CPU of the container, of its limit",
        "1",
    )
    .of_whole(),
    Known::largest(
        "k8s.container.memory_limit_utilization",
        Kind::Memory,
        "Memory of the container, of its limit",
        "1",
    )
    .of_whole(),
    // What cAdvisor exposes. A limit of zero is none.
    Known::cores("container_cpu_usage_seconds_total", "CPU of the containers"),
    Known::value("container_memory_working_set_bytes", Kind::Memory, "Working set of the containers", "By")
        .limited_by(&["container_spec_memory_limit_bytes"]),
];
