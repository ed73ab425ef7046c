//! Charts over time as plain data, and the arithmetic that turns them into paths and ticks.
//!
//! A chart has one time axis and one value axis that starts at zero (or is logarithmic). All
//! coordinates are CSS pixels inside the plot, y downwards.

use crate::format::{self, Zone};
use crate::model::civil::MS_PER_DAY;
use crate::model::decimal::{exponential, fixed};
use crate::model::order;
use std::fmt::Write;
use wire::UnixNanos;

/// Everything a chart draws.
#[derive(Debug, Clone, PartialEq)]
pub struct ChartData {
    pub from_ms: i64,
    pub to_ms: i64,
    /// Width of a bar and length of a gap: a point stands for `[at, at + step)`.
    pub step_ms: i64,
    pub unit: Unit,
    pub scale: Scale,
    pub marks: Marks,
    pub series: Vec<Series>,
    /// Horizontal lines with a label: thresholds, targets.
    pub levels: Vec<(f64, String)>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub label: String,
    /// Colour class: `p-text`, `p-bad`, `p-rest`, `p-now`, `p-base` or `p-1` to `p-8`.
    pub paint: &'static str,
    pub dash: Dash,
    /// Start of each step in milliseconds since 1970, in order; no value leaves a gap.
    pub points: Vec<(i64, Option<f64>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dash {
    Solid,
    Dashed,
    Dotted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marks {
    Lines,
    Bars,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Log,
}

/// How values become text.
#[derive(Debug, Clone, PartialEq)]
pub enum Unit {
    Nanos,
    PerSecond,
    /// Between 0 and 1, shown in percent.
    Ratio,
    Count,
    Bytes,
    /// Values times `factor`, three digits, then `suffix` (may be empty).
    Scaled {
        factor: f64,
        suffix: String,
    },
}

impl Unit {
    pub fn text(&self, value: f64) -> String {
        match self {
            Self::Nanos => format::duration(value as i64),
            Self::PerSecond => format::rate(value),
            Self::Ratio => format::percent(value),
            Self::Count => format::count(value.max(0.0).round() as u64),
            Self::Bytes => format::bytes(value.max(0.0).round() as u64),
            Self::Scaled { factor, suffix } => {
                format!("{} {suffix}", large(value * factor)).trim_end().to_owned()
            }
        }
    }
}

/// Any number with three digits and k, M, G where it is long.
fn large(value: f64) -> String {
    match value.abs() {
        size if size >= 1e15 || (size > 0.0 && size < 1e-3) => exponential(value, 2),
        size if size >= 1e9 => format!("{} G", format::three_digits(value / 1e9)),
        size if size >= 1e6 => format!("{} M", format::three_digits(value / 1e6)),
        size if size >= 1e5 => format!("{} k", format::three_digits(value / 1e3)),
        size if size > 0.0 && size < 0.1 => {
            fixed(value, 4).trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        _ => format::three_digits(value),
    }
}

/// Maps time and values of one chart to pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Frame {
    pub from_ms: i64,
    pub to_ms: i64,
    pub width: f64,
    pub height: f64,
    low: f64,
    high: f64,
    scale: Scale,
}

impl Frame {
    pub fn of(data: &ChartData, width: f64, height: f64) -> Self {
        let (low, high) = bounds(data);
        Self { from_ms: data.from_ms, to_ms: data.to_ms, width, height, low, high, scale: data.scale }
    }

    pub fn x(&self, at_ms: i64) -> f64 {
        (at_ms - self.from_ms) as f64 / (self.to_ms - self.from_ms).max(1) as f64 * self.width
    }

    /// The point in time under a pixel, clamped to the chart.
    pub fn at_ms(&self, x: f64) -> i64 {
        let share = (x / self.width.max(1.0)).clamp(0.0, 1.0);
        self.from_ms + (share * (self.to_ms - self.from_ms) as f64).round() as i64
    }

    pub fn y(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.low) / (self.high - self.low),
            Scale::Log => (value.max(self.low) / self.low).ln() / (self.high / self.low).ln(),
        };
        self.height - share.clamp(0.0, 1.02) * (self.height - TOP)
    }
}

/// Pixels above the highest tick, for the readout and for round line caps.
const TOP: f64 = 8.0;

fn bounds(data: &ChartData) -> (f64, f64) {
    let values = || data.series.iter().flat_map(|series| &series.points).filter_map(|(_, value)| *value);
    let levels = data.levels.iter().map(|(value, _)| *value);
    let highest = values().chain(levels).filter(|value| value.is_finite()).fold(0.0_f64, f64::max);
    match data.scale {
        Scale::Linear => {
            let lowest = values().fold(0.0_f64, f64::min);
            (lowest, if highest > lowest { highest } else { lowest + 1.0 })
        }
        Scale::Log => {
            let lowest = values().filter(|value| *value > 0.0).fold(f64::INFINITY, f64::min);
            let low = if lowest.is_finite() { lowest * 0.7 } else { 1.0 };
            (low, (highest * 1.2).max(low * 10.0))
        }
    }
}

/// Values worth a label: round ones, at most three on a linear scale, powers of ten on a logarithmic.
pub fn value_ticks(frame: &Frame) -> Vec<f64> {
    match frame.scale {
        Scale::Linear => linear_ticks(frame.low, frame.high, if frame.height < 80.0 { 2 } else { 4 }),
        Scale::Log => log_ticks(frame.low, frame.high),
    }
}

fn linear_ticks(low: f64, high: f64, n_max: usize) -> Vec<f64> {
    let rough = (high - low) / n_max as f64;
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= rough);
    let Some(step) = step.filter(|step| step.is_finite() && *step > 0.0) else { return Vec::new() };
    let first = (low / step).ceil();
    (0..=n_max).map(|i| (first + i as f64) * step).filter(|value| *value <= high * 1.0001).collect()
}

fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().ceil() as i32, high.log10().floor() as i32);
    let decades: Vec<f64> = (first..=last).map(|power| 10_f64.powi(power)).collect();
    if decades.len() >= 2 {
        return decades;
    }
    let fine = |power: i32| [1.0, 2.0, 5.0].map(|m| m * 10_f64.powi(power));
    (first - 1..=last).flat_map(fine).filter(|value| (low..=high).contains(value)).collect()
}

/// Round clock times with their labels, far enough apart to be read.
pub fn time_ticks(from_ms: i64, to_ms: i64, width: f64, zone: Zone) -> Vec<(i64, String)> {
    const STEPS_S: [i64; 22] = [
        1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
        172_800, 604_800, 2_592_000, 31_536_000,
    ];
    const LABEL_WIDTH: f64 = 84.0;
    let n_max = (width / LABEL_WIDTH).floor().max(1.0) as i64;
    let span_ms = (to_ms - from_ms).max(1);
    let step_ms = STEPS_S.map(|s| s * 1_000).into_iter().find(|step| span_ms / step <= n_max);
    let step_ms = step_ms.unwrap_or(span_ms);
    let shift_ms = i64::from(zone.offset_min(from_ms)) * 60_000;
    let mut at_ms = (from_ms + shift_ms).div_euclid(step_ms) * step_ms - shift_ms;
    let mut ticks = Vec::new();
    while at_ms <= to_ms {
        if at_ms >= from_ms {
            ticks.push((at_ms, tick_label(at_ms, step_ms, zone)));
        }
        at_ms += step_ms;
    }
    ticks
}

fn tick_label(at_ms: i64, step_ms: i64, zone: Zone) -> String {
    let at = UnixNanos::from_millis(at_ms);
    match step_ms {
        ..60_000 => format::time(at, zone),
        60_000..MS_PER_DAY => format::time_of_minute(at, zone),
        _ => format::date(at, zone)[5..].to_owned(),
    }
}

/// A polyline through the middles of its steps; gaps where values are missing, dots for lone points.
pub fn line_path(frame: &Frame, series: &Series, step_ms: i64) -> String {
    let mut path = String::new();
    let mut is_open = false;
    for (i, (at_ms, value)) in series.points.iter().enumerate() {
        let Some(value) = value.filter(|value| value.is_finite()) else {
            is_open = false;
            continue;
        };
        let (x, y) = (frame.x(at_ms + step_ms / 2), frame.y(value));
        let _ = write!(path, "{}{} {}", if is_open { 'L' } else { 'M' }, fixed(x, 1), fixed(y, 1));
        let is_lone = !is_open && !series.points.get(i + 1).is_some_and(|(_, next)| next.is_some());
        if is_lone {
            path.push_str("h0.1");
        }
        is_open = true;
    }
    path
}

/// One upright rectangle a step, with a pixel of air; values above zero are at least a pixel high.
pub fn bar_path(frame: &Frame, series: &Series, step_ms: i64) -> String {
    let mut path = String::new();
    for (at_ms, value) in &series.points {
        let Some(value) = value.filter(|value| *value > 0.0) else { continue };
        let left = frame.x(*at_ms).max(0.0);
        let right = frame.x(at_ms + step_ms).min(frame.width);
        let width = (right - left - 1.0).max(1.0);
        let height = (frame.height - frame.y(value)).max(1.0);
        let [left, base, height, width] = [left, frame.height, height, width].map(|value| fixed(value, 1));
        let _ = write!(path, "M{left} {base}v-{height}h{width}v{height}z");
    }
    path
}

/// Moves labels apart so that no two overlap; input and output are y positions of the same order.
pub fn spread(wanted: &[f64], gap: f64, height: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order::sort(&mut order, |a, b| wanted[*a].total_cmp(&wanted[*b]));
    let mut placed = wanted.to_vec();
    let mut floor = f64::NEG_INFINITY;
    for i in &order {
        placed[*i] = placed[*i].max(floor);
        floor = placed[*i] + gap;
    }
    let mut ceiling = height;
    for i in order.iter().rev() {
        placed[*i] = placed[*i].min(ceiling);
        ceiling = placed[*i] - gap;
    }
    placed
}

/// Index of the step that holds `at_ms`, by its start.
pub fn step_at(data: &ChartData, at_ms: i64) -> Option<usize> {
    let points = &data.series.first()?.points;
    let after = points.partition_point(|(start_ms, _)| *start_ms <= at_ms);
    let idx = after.checked_sub(1)?;
    (at_ms < points[idx].0 + data.step_ms.max(1)).then_some(idx)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(scale: Scale, values: &[Option<f64>]) -> ChartData {
        let points = values.iter().enumerate().map(|(i, value)| (i as i64 * 1_000, *value)).collect();
        ChartData {
            from_ms: 0,
            to_ms: values.len() as i64 * 1_000,
            step_ms: 1_000,
            unit: Unit::Count,
            scale,
            marks: Marks::Lines,
            series: vec![Series { label: "a".into(), paint: "p-text", dash: Dash::Solid, points }],
            levels: Vec::new(),
        }
    }

    /// Scenario: a line with a hole, a lone point and a value that is no number.
    /// Guarantees: the path breaks at each of them and the lone point stays visible.
    #[test]
    fn lines_break_at_gaps() {
        let data = data(Scale::Linear, &[Some(0.0), Some(10.0), None, Some(5.0), Some(f64::NAN)]);
        let frame = Frame::of(&data, 100.0, 108.0);
        let path = line_path(&frame, &data.series[0], data.step_ms);
        assert_eq!(path, "M10.0 108.0L30.0 8.0M70.0 58.0");
        let lone = line_path(&frame, &data_lone(), 1_000);
        assert_eq!(lone, "M50.0 58.0h0.1");
    }

    fn data_lone() -> Series {
        data(Scale::Linear, &[None, None, Some(5.0), None]).series.remove(0)
    }

    /// Scenario: bars of zero, of little and of much.
    /// Guarantees: zero draws nothing, little is visible, bars stand on the base line inside the plot.
    #[test]
    fn bars_stand_on_zero() {
        let data = data(Scale::Linear, &[Some(0.0), Some(0.001), Some(10.0)]);
        let frame = Frame::of(&data, 90.0, 58.0);
        let path = bar_path(&frame, &data.series[0], data.step_ms);
        assert_eq!(path, "M30.0 58.0v-1.0h29.0v1.0zM60.0 58.0v-50.0h29.0v50.0z");
    }

    /// Scenario: axes of several sizes.
    /// Guarantees: ticks are round, few, inside the range, and log axes have powers of ten.
    #[test]
    fn ticks_are_round() {
        assert_eq!(linear_ticks(0.0, 36.0, 4), [0.0, 10.0, 20.0, 30.0]);
        assert_eq!(linear_ticks(0.0, 0.24, 2), [0.0, 0.2]);
        assert_eq!(log_ticks(8e6, 5e9), [1e7, 1e8, 1e9]);
        assert_eq!(log_ticks(3e6, 4e7), [5e6, 1e7, 2e7]);
        let labels =
            |from, to| time_ticks(from, to, 700.0, Zone::Utc).into_iter().map(|(_, l)| l).collect::<Vec<_>>();
        assert_eq!(labels(60_000, 360_000), ["00:01", "00:02", "00:03", "00:04", "00:05", "00:06"]);
        assert_eq!(labels(0, 7 * MS_PER_DAY)[1], "01-02");
    }

    /// Scenario: three lines end at almost the same value at the top of the chart.
    /// Guarantees: labels keep their order, do not overlap and stay inside.
    #[test]
    fn labels_are_spread() {
        assert_eq!(spread(&[50.0, 52.0, 51.0], 12.0, 100.0), [50.0, 74.0, 62.0]);
        assert_eq!(spread(&[98.0, 99.0], 12.0, 100.0), [88.0, 100.0]);
    }

    /// Scenario: the pointer is over a step, in a hole of the data and outside.
    /// Guarantees: a readout appears only where there is a step.
    #[test]
    fn finds_the_step() {
        let data = data(Scale::Linear, &[Some(1.0), Some(2.0)]);
        assert_eq!(step_at(&data, 1_500), Some(1));
        assert_eq!(step_at(&data, 2_000), None);
        assert_eq!(step_at(&data, -1), None);
    }
}
