//! The memory of a lane: who gets how much of it, and what is said when there is no more.
//!
//! What can go to disk must not starve what cannot, and one statement's sort must not starve the next one's.
//! So three eighths go to whoever comes first. Above them, a consumer that can spill gets no more than an even part
//! of a quarter, and what is left is for those that cannot spill, or have nothing to spill yet. Merges of what a sort
//! wrote would take all there is, though they can do with fewer runs at a time: above one half they share three
//! quarters evenly. But a merge of rows in memory cannot do with less than its sort had, so none is refused three
//! eighths for what another one took.

use crate::error::show_bytes;
use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};
use parking_lot::Mutex;
use std::fmt;

/// How every refusal begins; DataFusion puts texts of its own before it.
const REFUSAL: &str = "query needed more memory than the ";
/// The operator of ORDER BY with LIMIT, in the names of consumers. It keeps so many rows, and spills none.
const TOP_K: &str = "TopK";

/// Bytes that all queries of a lane share.
#[derive(Debug)]
pub(super) struct LanePool {
    n_bytes_max: usize,
    /// Who shares it, for messages.
    sharers: &'static str,
    /// Is there a disk to spill to? Without one, first come is first served throughout.
    is_spilling: bool,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    n_bytes: usize,
    /// Consumers that can spill.
    n_spilling: usize,
    /// Merges of sorts.
    n_merging: usize,
}

impl LanePool {
    pub(super) fn new(n_bytes_max: usize, sharers: &'static str, is_spilling: bool) -> Self {
        Self { n_bytes_max, sharers, is_spilling, used: Mutex::default() }
    }

    fn is_granted(&self, used: &Used, reservation: &MemoryReservation, n_bytes: usize) -> bool {
        let (held, in_use) =
            (reservation.size().saturating_add(n_bytes), used.n_bytes.saturating_add(n_bytes));
        if in_use > self.n_bytes_max {
            return false;
        }
        // Who holds nothing cannot make room either.
        if !self.is_spilling || reservation.size() == 0 {
            return true;
        }
        let eighth = self.n_bytes_max / 8;
        match Kind::of(reservation.consumer()) {
            Kind::Spilling => in_use <= 3 * eighth || held <= 2 * eighth / used.n_spilling.max(1),
            Kind::Merging => {
                in_use <= 4 * eighth || held <= (6 * eighth / used.n_merging.max(1)).max(3 * eighth)
            }
            Kind::Other => true,
        }
    }
}

impl LanePool {
    /// What the author of a statement can do about a refusal, where it is not plain.
    fn advice(&self, consumer: &str) -> &'static str {
        match (consumer.contains(TOP_K), self.is_spilling) {
            (false, _) => "",
            (true, true) => {
                ": ORDER BY keeps the rows of its LIMIT in memory; make LIMIT smaller, or leave it out and read as many \
                 rows as you want: a sort of all rows goes to disk"
            }
            (true, false) => ": ORDER BY keeps the rows of its LIMIT in memory; make LIMIT smaller",
        }
    }
}

impl Used {
    fn counted(&mut self, consumer: &MemoryConsumer) -> Option<&mut usize> {
        match Kind::of(consumer) {
            Kind::Spilling => Some(&mut self.n_spilling),
            Kind::Merging => Some(&mut self.n_merging),
            Kind::Other => None,
        }
    }
}

/// What a consumer can do with less memory than it asked for.
enum Kind {
    Spilling,
    /// Merges fewer runs at a time.
    Merging,
    Other,
}

impl Kind {
    fn of(consumer: &MemoryConsumer) -> Self {
        match consumer.can_spill() {
            true => Self::Spilling,
            false if consumer.name().starts_with("ExternalSorterMerge") => Self::Merging,
            false => Self::Other,
        }
    }
}

impl MemoryPool for LanePool {
    fn name(&self) -> &'static str {
        "lane"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        if let Some(n) = self.used.lock().counted(consumer) {
            *n += 1;
        }
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        if let Some(n) = self.used.lock().counted(consumer) {
            *n -= 1;
        }
    }

    fn grow(&self, _: &MemoryReservation, additional: usize) {
        self.used.lock().n_bytes += additional;
    }

    fn shrink(&self, _: &MemoryReservation, shrink: usize) {
        self.used.lock().n_bytes -= shrink;
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<(), DataFusionError> {
        let mut used = self.used.lock();
        if self.is_granted(&used, reservation, additional) {
            used.n_bytes += additional;
            return Ok(());
        }
        let (bytes, consumer) = (show_bytes(self.n_bytes_max as u64), reservation.consumer().name());
        let (sharers, part, advice) = (self.sharers, part(consumer), self.advice(consumer));
        let message = format!("{REFUSAL}{bytes} that {sharers} share, in {part}, and was stopped{advice}");
        Err(DataFusionError::ResourcesExhausted(message))
    }

    fn reserved(&self) -> usize {
        self.used.lock().n_bytes
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.n_bytes_max)
    }
}

impl fmt::Display for LanePool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name(), show_bytes(self.n_bytes_max as u64))
    }
}

/// What a statement's author calls the part that asked.
fn part(consumer: &str) -> &'static str {
    // DataFusion's names begin with the operator's; what is in brackets after it is the statement's own text.
    let operator = consumer.split(['[', '(', ' ']).next().unwrap_or_default();
    let known = [
        ("Join", "a join"),
        ("SMJ", "a join"),
        ("Window", "a window"),
        ("Aggregate", "GROUP BY or an aggregate"),
        ("Sort", "a sort"),
        (TOP_K, "a sort with LIMIT"),
        ("Recursive", "a recursive expression"),
    ];
    known.into_iter().find(|(name, _)| operator.contains(name)).map_or("one of its parts", |(_, part)| part)
}

/// The sentence for whoever asked, from the text of a refusal.
pub(super) fn refusal(text: &str) -> String {
    match text.find(REFUSAL).map(|start| &text[start..]) {
        Some(own) => own.lines().next().unwrap_or(own).to_owned(),
        None => "query needed more memory than it may use and was stopped".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    /// Scenario: a consumer that can spill takes all it can get, then another one comes, two merges, and one that
    /// cannot spill.
    /// Guarantees: the first stops at three eighths, the others at their parts; the last one gets what is left, to the
    /// last byte.
    #[test]
    fn nobody_takes_all() {
        let pool: Arc<dyn MemoryPool> = Arc::new(LanePool::new(1_000, "statements", true));
        let [first, second] =
            ["first", "second"].map(|name| MemoryConsumer::new(name).with_can_spill(true).register(&pool));
        first.try_grow(375).expect("for the first");
        assert!(first.try_grow(1).is_err());
        second.try_grow(125).expect("its part of a quarter");
        assert!(second.try_grow(1).is_err());
        first.free();
        let [merge, other] =
            [0, 1].map(|n| MemoryConsumer::new(format!("ExternalSorterMerge[{n}]")).register(&pool));
        merge.try_grow(375).expect("half in all");
        assert!(merge.try_grow(1).is_err());
        other.try_grow(1).expect("it holds nothing");
        other.try_grow(374).expect("its even part of three quarters");
        assert!(other.try_grow(1).is_err());
        let join = MemoryConsumer::new("HashJoinInput[1]").register(&pool);
        join.try_grow(125).expect("the rest");
        let refused = join.try_grow(1).expect_err("all is taken").to_string();
        assert_eq!(
            refusal(&refused),
            "query needed more memory than the 1000 bytes that statements share, in a join, and was stopped"
        );
    }

    /// Scenario: a sort with LIMIT asks for more than there is, with a disk to spill to and without.
    /// Guarantees: it is told what to do, which is another thing without a disk.
    #[test]
    fn a_sort_with_limit_is_told_what_to_do() {
        for is_spilling in [true, false] {
            let pool: Arc<dyn MemoryPool> = Arc::new(LanePool::new(1_000, "statements", is_spilling));
            let sort = MemoryConsumer::new("TopK[0]").register(&pool);
            let refused = refusal(&sort.try_grow(1_001).expect_err("too much").to_string());
            assert!(refused.contains("in a sort with LIMIT, and was stopped: "), "{refused}");
            assert!(refused.contains("make LIMIT smaller"), "{refused}");
            assert_eq!(refused.contains("goes to disk"), is_spilling, "{refused}");
        }
    }

    /// Scenario: no disk to spill to.
    /// Guarantees: one consumer may have all, as nobody could make room.
    #[test]
    fn without_a_disk_the_first_may_have_all() {
        let pool: Arc<dyn MemoryPool> = Arc::new(LanePool::new(1_000, "statements", false));
        let group = MemoryConsumer::new("group").with_can_spill(true).register(&pool);
        group.try_grow(1_000).expect("all is free");
        assert!(group.try_grow(1).is_err());
    }
}
