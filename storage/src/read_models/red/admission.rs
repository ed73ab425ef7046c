//! How many series one generation of the hot tables keeps apart, and what the others are counted under.
//!
//! Names come from clients: a service that puts ids into its operations must not make the read model as large as the
//! spans, nor take the room of others. So each service has a share of its own, and beyond it gives up first what
//! tells its instances apart, then its versions, and its operations last. Only where all services together are too
//! many, those that come last share one name: a service that has a place, or is known from before, is never among them.

use super::rows::{N_OPERATION_TEXTS, N_SERVICE_TEXTS};
use crate::read_models::known::KnownServices;
use crate::read_models::{OTHERS, SERVICES_APART_MAX};
use std::collections::{HashMap, HashSet};

/// Operations that are kept apart of one service.
const OPERATIONS_OF_SERVICE_MAX: usize = 1_000;
/// Series of all services, and of one, up to which each is kept as it is; then without instance; then without
/// version; then without operation. 200 services with 50 operations each have room for five series an operation.
const OPERATION_SERIES_MAX: [(usize, usize); 4] =
    [(50_000, 5_000), (60_000, 6_000), (75_000, 8_000), (100_000, 10_000)];
/// The same for services as a whole: as they are; without version; without environment.
const SERVICE_SERIES_MAX: [(usize, usize); 3] = [(20_000, 500), (25_000, 600), (SERVICES_APART_MAX, 700)];
/// Known services have this share of each bound, in percent, whatever others take.
const KNOWN_PERCENT: usize = 40;
/// What an entry of the sets and maps here takes besides its text.
const ENTRY_OVERHEAD_BYTES: usize = 64;

/// A way to count a series, and how many series there may be for it to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Offer<'a, const N: usize> {
    /// The service first.
    texts: [&'a str; N],
    /// Where it tells operations apart.
    operation: Option<&'a str>,
    n_series_max: usize,
    n_of_service_max: usize,
    placed: Placed,
}

/// Who is let in however many series there are: what it is let in with has few texts to tell its series apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placed {
    Nobody,
    /// Operations that are kept.
    Operation,
    /// Services that have a place, or are known.
    Service,
}

/// The series that were let in.
#[derive(Debug, Default)]
pub(super) struct Admission {
    services: HashMap<Box<str>, Share>,
    n_series: usize,
    /// Those of known services.
    n_series_known: usize,
    n_bytes: usize,
    is_crowded: bool,
}

#[derive(Debug, Default)]
struct Share {
    n_series: usize,
    operations: HashSet<Box<str>>,
}

impl Admission {
    /// The first offer that is known already or fits. The last one must have no bound.
    pub(super) fn admit<'a, const N: usize>(
        &mut self,
        offers: &[Offer<'a, N>],
        known: &KnownServices,
        mut has: impl FnMut(&[&str; N]) -> bool,
    ) -> [&'a str; N] {
        let is_known = offers.first().is_some_and(|wanted| known.has(wanted.texts[0]));
        for offer in offers {
            if has(&offer.texts) {
                return offer.texts;
            }
            if self.fits(offer, is_known) || self.is_placed(offer, is_known, known) {
                self.let_in(offer, is_known);
                return offer.texts;
            }
        }
        unreachable!("the last offer has no bound")
    }

    pub(super) fn n_bytes(&self) -> usize {
        self.n_bytes
    }

    /// Is half of any room taken?
    pub(super) fn is_crowded(&self) -> bool {
        self.is_crowded
    }

    /// The services that have a place, each with its series.
    pub(super) fn services(&self) -> impl Iterator<Item = (&str, usize)> {
        self.services.iter().map(|(service, share)| (&**service, share.n_series))
    }

    fn fits<const N: usize>(&self, offer: &Offer<'_, N>, is_known: bool) -> bool {
        let share = self.services.get(offer.texts[0]);
        let n_of_service = share.map_or(0, |share| share.n_series);
        let has_room_for = |operation: &str| {
            share.is_none_or(|share| {
                share.operations.len() < OPERATIONS_OF_SERVICE_MAX || share.operations.contains(operation)
            })
        };
        let is_reserved = is_known && self.n_series_known < offer.n_series_max / 100 * KNOWN_PERCENT;
        (self.n_series < offer.n_series_max || is_reserved)
            && n_of_service < offer.n_of_service_max
            && offer.operation.is_none_or(has_room_for)
    }

    fn is_placed<const N: usize>(&self, offer: &Offer<'_, N>, is_known: bool, known: &KnownServices) -> bool {
        let service = offer.texts[0];
        match offer.placed {
            Placed::Nobody => false,
            Placed::Operation => {
                offer.operation.is_some_and(|operation| known.keeps_operation(service, operation))
            }
            Placed::Service => is_known || self.services.contains_key(service),
        }
    }

    fn let_in<const N: usize>(&mut self, offer: &Offer<'_, N>, is_known: bool) {
        let service = offer.texts[0];
        if !self.services.contains_key(service) {
            self.n_bytes += ENTRY_OVERHEAD_BYTES + size_of::<Share>() + service.len();
            self.services.insert(service.into(), Share::default());
        }
        let share = self.services.get_mut(service).expect("it was put in above");
        share.n_series += 1;
        self.n_series += 1;
        self.n_series_known += usize::from(is_known);
        if let Some(operation) = offer.operation
            && share.operations.insert(operation.into())
        {
            self.n_bytes += ENTRY_OVERHEAD_BYTES + operation.len();
        }
        self.is_crowded |= self.n_series >= offer.n_series_max / 2
            || share.n_series >= offer.n_of_service_max / 2
            || share.operations.len() >= OPERATIONS_OF_SERVICE_MAX / 2;
    }
}

/// What a series of an operation may be counted under.
pub(super) fn operation_offers(
    wanted: [&str; N_OPERATION_TEXTS],
) -> [Offer<'_, N_OPERATION_TEXTS>; OPERATION_SERIES_MAX.len() + 3] {
    let [service, operation, kind, is_entry, status, version, environment, instance] = wanted;
    let (no_instance, no_version) = (given_up(instance), given_up(version));
    let few_statuses = if is_http_class(status) { status } else { given_up(status) };
    let offer = |texts, operation, level: usize| {
        let (n_series_max, n_of_service_max) = OPERATION_SERIES_MAX[level];
        Offer { texts, operation, n_series_max, n_of_service_max, placed: Placed::Nobody }
    };
    let nothing_else =
        |service, operation| [service, operation, OTHERS, is_entry, OTHERS, OTHERS, OTHERS, OTHERS];
    [
        offer(wanted, Some(operation), 0),
        offer(
            [service, operation, kind, is_entry, status, version, environment, no_instance],
            Some(operation),
            1,
        ),
        offer(
            [service, operation, kind, is_entry, status, no_version, environment, no_instance],
            Some(operation),
            2,
        ),
        Offer {
            operation: Some(operation),
            ..Offer::of_placed(nothing_else(service, operation), Placed::Operation)
        },
        offer([service, OTHERS, kind, is_entry, few_statuses, no_version, environment, no_instance], None, 3),
        Offer::of_placed(nothing_else(service, OTHERS), Placed::Service),
        Offer::unbounded(nothing_else(OTHERS, OTHERS)),
    ]
}

/// What a series of a service may be counted under.
pub(super) fn service_offers(
    wanted: [&str; N_SERVICE_TEXTS],
) -> [Offer<'_, N_SERVICE_TEXTS>; SERVICE_SERIES_MAX.len() + 1] {
    let [service, version, environment] = wanted;
    let (no_version, no_environment) = (given_up(version), given_up(environment));
    let offer = |texts, level: usize, placed| {
        let (n_series_max, n_of_service_max) = SERVICE_SERIES_MAX[level];
        Offer { texts, operation: None, n_series_max, n_of_service_max, placed }
    };
    [
        offer(wanted, 0, Placed::Nobody),
        offer([service, no_version, environment], 1, Placed::Nobody),
        offer([service, no_version, no_environment], 2, Placed::Service),
        Offer::unbounded([OTHERS; N_SERVICE_TEXTS]),
    ]
}

impl<'a, const N: usize> Offer<'a, N> {
    fn unbounded(texts: [&'a str; N]) -> Self {
        let (n_series_max, n_of_service_max) = (usize::MAX, usize::MAX);
        Self { texts, operation: None, n_series_max, n_of_service_max, placed: Placed::Nobody }
    }

    /// For nobody else.
    fn of_placed(texts: [&'a str; N], placed: Placed) -> Self {
        Self { texts, operation: None, n_series_max: 0, n_of_service_max: 0, placed }
    }
}

/// What was never told stays so.
fn given_up(text: &str) -> &'static str {
    if text.is_empty() { "" } else { OTHERS }
}

fn is_http_class(status: &str) -> bool {
    super::HTTP_CLASSES.contains(&status)
}
