//! Attribute lift: what the bad requests have in common that the others have not.
//!
//! Held against each other are requests, not spans: of all spans of one trace a value counts once. Values alone,
//! pairs of values, ranges of numbers and shifts of numbers are looked at. Left out are the symptom itself
//! (what defines a bad request has the largest lift of all), ids, clocks, and what another finding explains;
//! all of it is told, with the reason.
//!
//! The measure is G, twice the log likelihood ratio of the counts; what is reported must be beyond what chance
//! gives over all that was tested, by Benjamini and Hochberg's rate and by a margin that grows with their number.

mod count;
mod mask;
mod numbers;
mod sample;
mod select;
mod singles;
#[cfg(test)]
mod tests;

use crate::strings::Strings;
use crate::traces::Traces;

/// A span whose attributes stand for its request, and the side that the request is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LiftMember {
    /// Place in [`Traces::spans`].
    pub span: usize,
    pub side: LiftSide,
}

/// Where a request belongs. A trace with members on several sides is on the first of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LiftSide {
    Bad,
    /// The complement: requests of the same kind and time that went well.
    Rest,
    /// Good requests of the same kind before it began. Not compared: they tell a cause, which was there before,
    /// from a symptom, which was not.
    Before,
}

/// How much is looked at. Above a bound requests are left out by the hash of their trace id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiftLimits {
    pub n_bad_max: usize,
    pub n_rest_max: usize,
    /// Members of all requests together that are read on each side, relative to its requests.
    pub n_members_max: usize,
    pub n_findings_max: usize,
}

/// What the sides are, which decides what counts as a finding.
#[derive(Clone, Copy, Debug, Default)]
pub struct LiftAim<'a> {
    /// Keys that the sides were chosen by: of course they tell them apart.
    pub known_keys: &'a [String],
    /// Neither side is what went wrong, so that nothing is a mere symptom: everything that differs is wanted.
    pub is_difference: bool,
}

/// What was found. Empty with few bad requests: see [`Lift::is_enough`].
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Lift {
    /// Requests on each side, and how many of them were looked at.
    pub n_bad: usize,
    pub n_rest: usize,
    pub n_bad_sampled: usize,
    pub n_rest_sampled: usize,
    /// Values and ranges that were tested, and pairs of them.
    pub n_tested: usize,
    pub n_pairs_tested: usize,
    /// Strongest first.
    pub findings: Vec<LiftFinding>,
    /// Numbers that are larger or smaller in bad requests. Strongest first.
    pub shifts: Vec<NumberShift>,
    pub ruled_out: Vec<RuledOut>,
    /// Keys beyond the thousandth: not looked at.
    pub n_keys_left_out: usize,
}

/// Something that bad requests have more often than others.
#[derive(Clone, Debug, PartialEq)]
pub struct LiftFinding {
    /// One, or two that hold together.
    pub conditions: Vec<Condition>,
    pub strength: LiftStrength,
    /// Others that select the same requests, all but one in twenty.
    pub same_requests: Vec<Vec<Condition>>,
}

/// An attribute and what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    pub attribute: Attribute,
    pub test: ConditionTest,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attribute {
    pub scope: AttributeScope,
    pub key: String,
}

/// What an attribute is said of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttributeScope {
    /// `service` and `operation` of the span.
    Field,
    Span,
    Resource,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConditionTest {
    Is(String),
    Missing,
    /// Both ends belong to it.
    Between(f64, f64),
}

/// How strong a finding is. Counts are of the sample; shares are of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LiftStrength {
    pub n_bad: usize,
    pub n_rest: usize,
    /// Of bad requests, how many have it: also called recall.
    pub share_of_bad: f64,
    pub share_of_rest: f64,
    /// Of requests that have it, how many are bad.
    pub precision: f64,
    /// Share of requests that have it, times by how much they are more often bad than all requests are.
    pub weighted_accuracy: f64,
    pub g: f64,
    /// By how much `g` is more than that of the stronger condition alone; `g` where there is one.
    pub gain: f64,
    /// Of findings this strong or stronger, the share that chance would have given.
    pub false_discovery_rate: f64,
}

/// A number that is larger or smaller in bad requests.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberShift {
    pub attribute: Attribute,
    pub median_bad: f64,
    pub median_rest: f64,
    /// Chance that a bad request has the larger number of two: 0.5 without a shift.
    pub chance_larger: f64,
    pub false_discovery_rate: f64,
}

/// What was not reported although it stands out, or not looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct RuledOut {
    pub conditions: Vec<Condition>,
    pub why: RuledOutWhy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuledOutWhy {
    /// The sides were chosen by it.
    Known,
    /// It says that the request is bad, not why.
    Symptom,
    /// Nearly every request has a value of its own.
    Id,
    /// It tells the time.
    Clock,
    /// Among requests that agree on this finding (place in [`Lift::findings`]) it makes no difference.
    ExplainedBy(usize),
}

/// Fewer bad requests than this say nothing about what they have in common.
const N_BAD_MIN: usize = 20;
/// Fewer bad requests with a value than this do not speak for it.
const N_WITH_MIN: u32 = 5;
/// Largest share of false discoveries among what is reported.
const FALSE_DISCOVERIES_MAX: f64 = 0.01;
/// What `g` must exceed, beside twice the logarithm of the number of tests.
const MARGIN: f64 = 10.0;

impl Lift {
    /// Whether there were enough bad requests to say anything.
    pub fn is_enough(&self) -> bool {
        self.n_bad_sampled >= N_BAD_MIN && self.n_rest_sampled > 0
    }
}

impl Default for LiftLimits {
    fn default() -> Self {
        Self { n_bad_max: 50_000, n_rest_max: 200_000, n_members_max: 250_000, n_findings_max: 10 }
    }
}

/// Compares the bad requests among the members with the rest.
///
/// O(members log members + attributes of the sampled members) on two threads, with a few thousand comparisons of bit
/// masks as long as the sample. Memory: 24 bytes a member, 100 for each value that occurs, of which at most 4,096 are
/// told apart for a key, 16 bytes for each request and numeric key, of which 16 are read, and 64 bits a request.
pub fn lift(traces: &Traces, strings: &Strings, members: &[LiftMember], limits: &LiftLimits) -> Lift {
    lift_with(traces, strings, members, limits, LiftAim::default())
}

/// As [`lift`], of sides that need not be good and bad.
pub fn lift_with(
    traces: &Traces,
    strings: &Strings,
    members: &[LiftMember],
    limits: &LiftLimits,
    aim: LiftAim<'_>,
) -> Lift {
    let sample = sample::draw(traces, members, limits, aim.is_difference);
    let mut lift = Lift {
        n_bad: sample.n_all[0],
        n_rest: sample.n_all[1],
        n_bad_sampled: sample.n_bad,
        n_rest_sampled: sample.n_rest,
        ..Lift::default()
    };
    if !lift.is_enough() {
        return lift;
    }
    let keys = count::count(traces, strings, &sample);
    lift.n_keys_left_out = keys.n_left_out();
    let verdicts = singles::judge(&sample, &keys, aim.known_keys);
    let read = mask::read(traces, strings, &sample, &keys, &verdicts);
    let numbers = numbers::judge(traces, &sample, &read.numbers);
    select::report(&sample, &keys, verdicts, read.masks, numbers, limits, &mut lift);
    lift
}

/// What `g` must exceed after so many tests.
fn threshold(n_tests: usize) -> f64 {
    MARGIN + 2.0 * (n_tests.max(1) as f64).ln()
}
