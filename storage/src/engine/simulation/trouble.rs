//! What goes wrong in a simulated life, and when.

use super::disk::{Death, Disk};
use crate::faults::{Change, Faults, Step};
use parking_lot::Mutex;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// What one step may suffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Harm {
    /// Nothing of it happens; a write may get part of its bytes into the file.
    NoSpace,
    /// As `NoSpace`, for no reason that passes.
    Broken,
    Death(Death),
}

/// Where it strikes, once.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// After so many more steps.
    Later(u32),
    /// When this step comes next.
    At(Step),
}

/// How long a step takes on a slow disk. Long beside the others, short enough for hundreds of lives.
const SLOW: Duration = Duration::from_micros(300);

/// Shared by a life's engines, one after the other.
#[derive(Debug, Clone)]
pub(super) struct Trouble {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    disk: Disk,
    rng: StdRng,
    planned: Vec<(Place, Harm)>,
    /// Nothing more can be written, until somebody makes room.
    is_full: bool,
    is_slow: bool,
    death: Option<Death>,
    /// How a write that is about to happen ends.
    short: Option<(Step, Harm, io::ErrorKind)>,
    /// A sync of the log has failed in this process.
    is_log_over: bool,
    /// The manifest on disk may be ahead of that of this process, which writes no other.
    is_uncertain: bool,
    n_struck: u64,
    struck: BTreeSet<(Step, Harm)>,
}

impl Trouble {
    pub(super) fn new(data_dir: &Path, seed: u64) -> Self {
        let (disk, rng) = (Disk::new(data_dir), StdRng::seed_from_u64(!seed));
        let state = State {
            disk,
            rng,
            planned: Vec::new(),
            is_full: false,
            is_slow: false,
            death: None,
            short: None,
            is_log_over: false,
            is_uncertain: false,
            n_struck: 0,
            struck: BTreeSet::new(),
        };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    pub(super) fn plan(&self, place: Place, harm: Harm) {
        self.state.lock().planned.push((place, harm));
    }

    pub(super) fn set_full(&self, is_full: bool) {
        self.state.lock().is_full = is_full;
    }

    pub(super) fn set_slow(&self, is_slow: bool) {
        self.state.lock().is_slow = is_slow;
    }

    /// From now on the process does nothing more.
    pub(super) fn die(&self, death: Death) {
        self.state.lock().death.get_or_insert(death);
    }

    pub(super) fn is_dead(&self) -> bool {
        self.state.lock().death.is_some()
    }

    pub(super) fn is_log_over(&self) -> bool {
        self.state.lock().is_log_over
    }

    /// The next process starts, with what the last one left, and all is well.
    pub(super) fn restart(&self) {
        let mut state = self.state.lock();
        let State { disk, rng, death, .. } = &mut *state;
        disk.restart(death.take().unwrap_or(Death::Killed), rng);
        state.planned.clear();
        state.short = None;
        (state.is_full, state.is_slow) = (false, false);
        (state.is_log_over, state.is_uncertain) = (false, false);
    }

    /// Whole bytes may be behind ones that a power cut took.
    pub(super) fn has_holes(&self) -> bool {
        self.state.lock().disk.has_holes()
    }

    /// How often something has gone wrong.
    pub(super) fn n_struck(&self) -> u64 {
        self.state.lock().n_struck
    }

    /// Only a restart helps.
    pub(super) fn is_hopeless(&self) -> bool {
        let state = self.state.lock();
        state.death.is_some() || state.is_uncertain
    }

    /// All that has gone wrong.
    pub(super) fn struck(&self) -> BTreeSet<(Step, Harm)> {
        self.state.lock().struck.clone()
    }
}

impl State {
    fn harm_at(&mut self, step: Step) -> Option<Harm> {
        let mut harm = None;
        self.planned.retain_mut(|(place, planned)| {
            let strikes = match place {
                Place::At(wanted) => *wanted == step,
                Place::Later(0) => true,
                Place::Later(n_steps) => {
                    *n_steps -= 1;
                    false
                }
            };
            if strikes {
                harm = Some(*planned);
            }
            !strikes
        });
        harm.or((self.is_full && takes_space(step)).then_some(Harm::NoSpace))
    }
}

impl Faults for Trouble {
    fn before(&self, step: Step) -> io::Result<()> {
        let mut state = self.state.lock();
        if state.death.is_some() {
            return Err(io::Error::other("process is dead"));
        }
        if state.is_slow {
            drop(state);
            std::thread::sleep(SLOW);
            state = self.state.lock();
        }
        let Some(harm) = state.harm_at(step) else { return Ok(()) };
        state.n_struck += 1;
        state.struck.insert((step, harm));
        let kind = match harm {
            Harm::NoSpace => io::ErrorKind::StorageFull,
            Harm::Broken | Harm::Death(_) => io::ErrorKind::Other,
        };
        state.is_log_over |= step == Step::WalSync;
        state.is_uncertain |= matches!(step, Step::ManifestNameSync | Step::ManifestPublished);
        if is_write(step) && state.rng.random_bool(0.7) {
            state.short = Some((step, harm, kind));
            return Ok(());
        }
        if let Harm::Death(death) = harm {
            state.death = Some(death);
        }
        Err(kind.into())
    }

    fn short_write(&self, step: Step, n_bytes: usize) -> Option<(usize, io::Error)> {
        let mut state = self.state.lock();
        let (_, harm, kind) = state.short.take_if(|(planned, ..)| *planned == step)?;
        if let Harm::Death(death) = harm {
            state.death = Some(death);
        }
        let n_written = state.rng.random_range(0..=n_bytes.saturating_sub(1));
        Some((n_written, kind.into()))
    }

    fn after(&self, change: Change<'_>) {
        let mut state = self.state.lock();
        // What passed `before` happened before the death, if there is one; but a sync that was refused
        // because of it says nothing about the disk.
        if state.death.is_none() || !matches!(change, Change::SyncFailed(_)) {
            state.disk.note(change);
        }
    }
}

impl Step {
    /// Every step there is.
    pub(super) const ALL: [Self; 27] = [
        Self::WalCreate,
        Self::WalNameSync,
        Self::WalWrite,
        Self::WalSync,
        Self::WalUndo,
        Self::WalDelete,
        Self::ReplayCut,
        Self::ReplayRenew,
        Self::ReplaySync,
        Self::SegmentWrite,
        Self::SegmentSync,
        Self::ChecksumsWrite,
        Self::ChecksumsSync,
        Self::SegmentPublish,
        Self::SegmentNameSync,
        Self::SegmentDelete,
        Self::ReceiptsWrite,
        Self::ReceiptsSync,
        Self::ReceiptsPublish,
        Self::ReceiptsNameSync,
        Self::OrphanDelete,
        Self::ManifestWrite,
        Self::ManifestSync,
        Self::ManifestPublish,
        Self::ManifestNameSync,
        Self::ManifestPublished,
        Self::ManifestDelete,
    ];
}

/// Steps of which a part may happen.
fn is_write(step: Step) -> bool {
    use Step::{ChecksumsWrite, ManifestWrite, ReceiptsWrite, SegmentWrite, WalWrite};
    matches!(step, WalWrite | SegmentWrite | ChecksumsWrite | ReceiptsWrite | ManifestWrite)
}

/// Steps that a full disk refuses.
fn takes_space(step: Step) -> bool {
    use Step::{ManifestPublish, ReceiptsPublish, SegmentPublish, WalCreate};
    is_write(step) || matches!(step, WalCreate | SegmentPublish | ReceiptsPublish | ManifestPublish)
}
