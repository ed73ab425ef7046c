//! The script of faults: when each is active, what it does to the shop, and the truth about it.
//!
//! `unfold` asks here at each step whether the step goes wrong; `report` prints the same windows as ground
//! truth. A fault changes nothing outside its window and nothing but what its truth says.

use super::rng::Rng;
use super::topology::{self, External, Operation, Query};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    SlowQuery,
    FailingDependency,
    RetryStorm,
}

/// What the command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum FaultChoice {
    /// A healthy shop.
    None,
    /// A release of order-service locks and scans a table in orders-db.
    SlowQuery,
    /// The external payment provider fails for enterprise tenants.
    FailingDependency,
    /// inventory sheds load, and checkout retries into it.
    RetryStorm,
    /// All three in turn, with a healthy phase before each, for ever.
    Script,
}

/// When faults happen. All times are unix nanoseconds of the simulation.
#[derive(Clone, Debug)]
pub(super) struct Script {
    pub choice: FaultChoice,
    pub start_ns: i64,
    /// Length of the healthy phase before a fault.
    pub after_ns: i64,
    pub for_ns: i64,
}

/// One occurrence of a fault, from its start (included) to its end (excluded).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub fault: Fault,
    pub from_ns: i64,
    pub to_ns: i64,
}

/// What a fault is, in words a judge can check.
#[derive(Debug)]
pub(super) struct Truth {
    pub name: &'static str,
    /// `latency` or `errors`: what the guilty edge shows.
    pub kind: &'static str,
    pub root_cause_service: &'static str,
    /// The operation of that service.
    pub operation: String,
    /// The edge that changes: caller and callee.
    pub edge: (&'static str, &'static str),
    /// Scope, key and value that the bad requests share; no value means that having the key tells.
    pub attribute: (&'static str, &'static str, Option<&'static str>),
    pub description: &'static str,
}

/// The release that brings the slow query, on the first `N_RELEASED` instances of order-service.
pub(super) const RELEASE: &str = "4.18.0";
pub(super) const N_RELEASED: u32 = 2;
/// The tenants for whom the payment provider fails.
pub(super) const FAILING_TIER: &str = "enterprise";

/// Median in microseconds, against 5 ms with the index.
const SLOW_QUERY_US: f64 = 900_000.0;
const PROVIDER_FAILURE_CHANCE: f64 = 0.85;
/// With three retries a quarter of the checkouts still fail, and inventory sees 2.5 times its load.
const SHED_CHANCE: f64 = 0.7;

impl Script {
    pub(super) fn active_at(&self, at_ns: i64) -> Option<Fault> {
        let window = self.window(self.n_begun(at_ns).checked_sub(1)?)?;
        (at_ns < window.to_ns).then_some(window.fault)
    }

    /// All windows that begin before `until_ns`, in time order.
    pub(super) fn windows(&self, until_ns: i64) -> Vec<Window> {
        (0..self.n_begun(until_ns.saturating_sub(1))).filter_map(|at| self.window(at)).collect()
    }

    /// How often order-service was rolled forward or back so far. Odd while the bad release runs.
    pub(super) fn n_rollouts(&self, at_ns: i64) -> u32 {
        let is_slow = |window: &&Window| window.fault == Fault::SlowQuery;
        let windows = self.windows(at_ns.saturating_add(1));
        let rollouts = windows.iter().filter(is_slow).map(|window| 1 + u32::from(window.to_ns <= at_ns));
        rollouts.sum()
    }

    fn window(&self, number: u64) -> Option<Window> {
        let fault = match (self.choice, number % 3) {
            (FaultChoice::None, _) => return None,
            (FaultChoice::SlowQuery, _) | (FaultChoice::Script, 0) => Fault::SlowQuery,
            (FaultChoice::FailingDependency, _) | (FaultChoice::Script, 1) => Fault::FailingDependency,
            (FaultChoice::RetryStorm, _) | (FaultChoice::Script, _) => Fault::RetryStorm,
        };
        let period_ns = self.after_ns.saturating_add(self.for_ns);
        let offset_ns = i64::try_from(number).ok()?.checked_mul(period_ns)?.checked_add(self.after_ns)?;
        let from_ns = self.start_ns.checked_add(offset_ns)?;
        Some(Window { fault, from_ns, to_ns: from_ns.saturating_add(self.for_ns) })
    }

    /// Windows that begin at or before `at_ns`. A single fault happens once.
    fn n_begun(&self, at_ns: i64) -> u64 {
        let since_ns = at_ns.saturating_sub(self.start_ns).saturating_sub(self.after_ns);
        let period_ns = self.after_ns.saturating_add(self.for_ns).max(1);
        match (self.choice, u64::try_from(since_ns)) {
            (FaultChoice::None, _) | (_, Err(_)) => 0,
            (FaultChoice::Script, Ok(since_ns)) => since_ns / period_ns.unsigned_abs() + 1,
            (_, Ok(_)) => 1,
        }
    }
}

impl Fault {
    pub(super) fn truth(self) -> Truth {
        match self {
            Fault::SlowQuery => Truth {
                name: "slow-query",
                kind: "latency",
                root_cause_service: topology::ORDERS.name,
                operation: topology::CREATE_ORDER.name(),
                edge: (topology::ORDERS.name, topology::ORDERS_DB.name),
                attribute: ("resource", "service.version", Some(RELEASE)),
                description: "release 4.18.0 of order-service, on two of three instances, looks up open orders \
                              without an index and holds row locks meanwhile",
            },
            Fault::FailingDependency => Truth {
                name: "failing-dependency",
                kind: "errors",
                root_cause_service: topology::PAYMENT.name,
                operation: topology::CHARGE.name(),
                edge: (topology::PAYMENT.name, topology::ACQUIRER.host),
                attribute: ("span", "shop.tenant.tier", Some(FAILING_TIER)),
                description: "the external payment provider answers 503 to charges of enterprise tenants",
            },
            Fault::RetryStorm => Truth {
                name: "retry-storm",
                kind: "errors",
                root_cause_service: topology::INVENTORY.name,
                operation: topology::RESERVE.name(),
                edge: (topology::CHECKOUT_SERVICE.name, topology::INVENTORY.name),
                attribute: ("span", "http.request.resend_count", None),
                description: "inventory sheds reservations with 503 and checkout repeats each up to three times, \
                              which multiplies the load on inventory and slows it further",
            },
        }
    }
}

/// Median latency of a query in microseconds, on an instance that runs the bad release or does not.
pub(super) fn query_latency_us(query: &Query, is_released: bool) -> f64 {
    if is_released && std::ptr::eq(query, &topology::FIND_OPEN_ORDERS) {
        SLOW_QUERY_US
    } else {
        query.latency_us
    }
}

pub(super) fn fails_outside(fault: Option<Fault>, external: &External, tier: &str, rng: &mut Rng) -> bool {
    fault == Some(Fault::FailingDependency)
        && std::ptr::eq(external, &topology::ACQUIRER)
        && tier == FAILING_TIER
        && rng.is_hit(PROVIDER_FAILURE_CHANCE)
}

pub(super) fn sheds_load(fault: Option<Fault>, operation: &Operation, rng: &mut Rng) -> bool {
    fault == Some(Fault::RetryStorm) && std::ptr::eq(operation, &topology::RESERVE) && rng.is_hit(SHED_CHANCE)
}
