//! The metrics that are recognised: what each is about, how it is read, and what bounds it.
//!
//! The table's comments name the section of the semantic conventions, or the instrumentation, that an entry is from.
//! `docs/saturation.md` shows the table. Left out are names that mean different things to different senders, such as
//! `container.cpu.utilization`: cores to one, percent to another.

mod containers;
mod jvm;
mod pools;
mod process;
mod queues;
mod runtimes;

use storage::Figure;

/// A metric that is recognised by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What is measured, in a few words.
    pub(crate) title: &'static str,
    pub(crate) read: Read,
    /// The unit of points that come without one.
    pub(crate) sent: &'static str,
    /// The unit of what is shown, in UCUM: `1` is always a share.
    pub(crate) unit: &'static str,
    pub(crate) only: Option<Only>,
    /// Attributes that tell series of an instance apart; over all others they are taken together.
    pub(crate) by: &'static [&'static str],
    pub(crate) bound: Bound,
    /// A newer name of the same: where that is there, this one is left out.
    pub(crate) unless: Option<&'static str>,
    /// Whether a service with more of it is worse off. A large address space, for one, says nothing.
    pub(crate) more_is_worse: bool,
}

/// What a metric is about; in the order in which metrics are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Cpu,
    Memory,
    Gc,
    Threads,
    EventLoop,
    InFlight,
    Pool,
    Queue,
    Lag,
}

/// How the points of a metric become the value of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// The last values, added up.
    Value,
    /// The largest of the last values: delays do not add up, nor do shares of different wholes.
    Largest,
    /// Increases per second, added up; of histograms and summaries, what they measured per second.
    Rate,
    /// What a histogram or a summary measured, by the number of measurements.
    Mean,
    /// The share that is not idle, from shares of idle time by core.
    Idle,
    /// The same from seconds of idle time by core.
    IdleTime,
}

/// Only points with an attribute of this value count; where senders differ, under any of the keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Only {
    pub(crate) keys: &'static [&'static str],
    pub(crate) value: &'static str,
}

/// What a value cannot exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bound {
    /// Nothing that is known.
    None,
    /// The value is a share of a whole.
    Whole,
    /// The value of another metric: the first of these that has one.
    Metric(&'static [&'static str]),
}

/// Every metric that is recognised, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = &'static Known> {
    let families =
        [process::ALL, containers::ALL, jvm::ALL, runtimes::ALL, pools::ALL, queues::ALL].into_iter();
    families.flatten()
}

impl Kind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Cpu,
        Self::Memory,
        Self::Gc,
        Self::Threads,
        Self::EventLoop,
        Self::InFlight,
        Self::Pool,
        Self::Queue,
        Self::Lag,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Gc => "gc",
            Self::Threads => "threads",
            Self::EventLoop => "event_loop",
            Self::InFlight => "in_flight",
            Self::Pool => "pool",
            Self::Queue => "queue",
            Self::Lag => "lag",
        }
    }
}

impl Read {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Value => "value",
            Self::Largest => "largest value",
            Self::Rate => "increase per second",
            Self::Mean => "mean",
            Self::Idle | Self::IdleTime => "1 - mean idle share",
        }
    }
}

impl Known {
    /// What of its points has to be asked for.
    pub(crate) fn figure(&self) -> Figure {
        match self.read {
            Read::Value | Read::Largest | Read::Idle => Figure::Value,
            Read::Rate | Read::Mean | Read::IdleTime => Figure::Rate,
        }
    }

    /// Names of the metrics that may hold its bound.
    pub(crate) fn limits(&self) -> &'static [&'static str] {
        match self.bound {
            Bound::Metric(names) => names,
            Bound::None | Bound::Whole => &[],
        }
    }

    const fn value(name: &'static str, kind: Kind, title: &'static str, unit: &'static str) -> Self {
        Self {
            name,
            kind,
            title,
            read: Read::Value,
            sent: unit,
            unit,
            only: None,
            by: &[],
            bound: Bound::None,
            unless: None,
            more_is_worse: true,
        }
    }

    const fn largest(name: &'static str, kind: Kind, title: &'static str, unit: &'static str) -> Self {
        Self { read: Read::Largest, ..Self::value(name, kind, title, unit) }
    }

    /// A value that is a share of a whole.
    const fn share(name: &'static str, kind: Kind, title: &'static str) -> Self {
        Self::value(name, kind, title, "1").of_whole()
    }

    const fn rate(
        name: &'static str,
        kind: Kind,
        title: &'static str,
        sent: &'static str,
        unit: &'static str,
    ) -> Self {
        Self { read: Read::Rate, sent, ..Self::value(name, kind, title, unit) }
    }

    /// Seconds of CPU time per second are cores in use.
    const fn cores(name: &'static str, title: &'static str) -> Self {
        Self::rate(name, Kind::Cpu, title, "s", "{cpu}")
    }

    /// Time in garbage collection per time that passed.
    const fn collecting(name: &'static str, sent: &'static str) -> Self {
        Self::rate(name, Kind::Gc, "Time in garbage collection", sent, "1")
    }

    /// Durations; what is shown is in seconds whatever was sent.
    const fn mean(name: &'static str, kind: Kind, title: &'static str, sent: &'static str) -> Self {
        Self { read: Read::Mean, sent, ..Self::value(name, kind, title, "s") }
    }

    const fn idle(name: &'static str, title: &'static str) -> Self {
        Self { read: Read::Idle, ..Self::share(name, Kind::Cpu, title) }
    }

    const fn idle_time(name: &'static str, title: &'static str) -> Self {
        Self { read: Read::IdleTime, sent: "s", ..Self::share(name, Kind::Cpu, title) }
    }

    const fn only(self, keys: &'static [&'static str], value: &'static str) -> Self {
        Self { only: Some(Only { keys, value }), ..self }
    }

    const fn by(self, by: &'static [&'static str]) -> Self {
        Self { by, ..self }
    }

    const fn of_whole(self) -> Self {
        Self { bound: Bound::Whole, ..self }
    }

    const fn limited_by(self, names: &'static [&'static str]) -> Self {
        Self { bound: Bound::Metric(names), ..self }
    }

    const fn unless(self, newer: &'static str) -> Self {
        Self { unless: Some(newer), ..self }
    }

    const fn neutral(self) -> Self {
        Self { more_is_worse: false, ..self }
    }
}

#[cfg(test)]
mod tests;
