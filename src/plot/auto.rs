//! Figures made from tables: what a designer expects to see of each analysis.
//!
//! - transient and DC: one pane for each unit;
//! - AC: Bode plot, magnitude in dB above phase in degrees, over logarithmic frequency;
//! - noise: log-log;
//! - X-Y: any signal against any other (hysteresis loops);
//! - the steps of a sweep: a family of curves on a colour scale, labelled with the step values.

use super::{Axis, Colour, Figure, Mark, Pane, Trace};
use crate::base::units::format_si;
use crate::dataset::{Column, PlotKind, Quantity, Signal, Table};
use crate::diag::codes::results::{LOG_OF_NEGATIVE, NOTHING_TO_PLOT, UNKNOWN_SIGNAL};
use crate::diag::{Diagnostic, nearest};

/// What to show and how.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Signals by name; empty: all but internal ones.
    pub signals: Vec<String>,
    /// Signal along x instead of the sweep variable.
    pub x: Option<String>,
    /// `None` is the run's title.
    pub title: Option<String>,
    pub log_x: Option<bool>,
    pub log_y: Option<bool>,
    pub x_range: Option<(f64, f64)>,
    pub y_range: Option<(f64, f64)>,
    /// Every signal in a pane of its own.
    pub is_separate: bool,
    pub mark: Mark,
    /// Logical pixels; 0 is by content.
    pub width: u32,
    pub height: u32,
}

/// Signals shown when none were named.
const MOST: usize = 16;

/// One figure for tables of one kind (the steps of a sweep); tables of another kind than the first with an axis are left out.
/// Warnings come with the figure.
pub fn auto(tables: &[&Table], o: &Options) -> Result<(Figure, Vec<Diagnostic>), Vec<Diagnostic>> {
    let first = tables.iter().find(|t| t.schema.has_axis && !t.is_empty()).or(tables.first());
    let Some(first) = first.copied().filter(|t| !t.is_empty() && (t.schema.has_axis || o.x.is_some())) else {
        return Err(vec![Diagnostic::error(
            NOTHING_TO_PLOT,
            "nothing to plot: no analysis with a sweep has any points",
        )]);
    };
    let family: Vec<&Table> =
        tables.iter().copied().filter(|t| t.schema.kind == first.schema.kind && !t.is_empty()).collect();
    let mut warnings = vec![];
    let mut faults = vec![];
    let x_index = match &o.x {
        Some(name) => look_up(first, name, &mut faults),
        None => Some(0),
    };
    let chosen: Vec<usize> = if o.signals.is_empty() {
        default_signals(first, x_index, &mut warnings)
    } else {
        o.signals.iter().filter_map(|n| look_up(first, n, &mut faults)).collect()
    };
    let Some(x_index) = x_index.filter(|_| faults.is_empty()) else { return Err(faults) };
    let is_xy = o.x.is_some();
    let is_bode = !is_xy && first.schema.kind == PlotKind::Ac && chosen.iter().any(|&i| first.columns[i].is_complex());
    let is_noise = first.schema.kind == PlotKind::NoiseDensity;
    let x_signal = &first.schema.signals[x_index];
    let span = positive_span(first.columns[x_index].re().iter());
    let log_x =
        o.log_x.unwrap_or(!is_xy && x_signal.quantity == Quantity::Frequency && span.is_some_and(|s| s >= 10.0));
    let log_y = o.log_y.unwrap_or(is_noise);

    // A pane for each unit; for each signal where families would mix.
    let is_family = family.len() > 1;
    let mut groups: Vec<(String, Vec<usize>)> = vec![];
    for &i in &chosen {
        let unit = first.schema.signals[i].quantity.unit().to_string();
        let is_mixed = is_family && chosen.len() > 1 && family.len() * chosen.len() > super::style::PALETTE.len();
        let found = groups.iter_mut().find(|g| g.0 == unit && !o.is_separate && !is_mixed);
        match found {
            Some(g) => g.1.push(i),
            None => groups.push((unit, vec![i])),
        }
    }
    let mut panes: Vec<Pane> = vec![];
    let mut next_colour = 0;
    for (unit, members) in groups {
        let colour0 = if is_family { 0 } else { next_colour };
        let mut traces = vec![];
        for (n, &i) in members.iter().enumerate() {
            for (k, t) in family.iter().enumerate() {
                let colour = if is_family && members.len() == 1 {
                    Colour::Scale(k as f64 / (family.len() - 1) as f64)
                } else {
                    Colour::Nth(colour0 + n * family.len() + k)
                };
                let name = trace_name(&first.schema.signals[i].name, t, members.len(), is_family);
                // A table of the family may have its signals in another order.
                let (Some(cx), Some(cy)) = (
                    t.index(&x_signal.name).and_then(|j| t.columns.get(j)),
                    t.index(&first.schema.signals[i].name).and_then(|j| t.columns.get(j)),
                ) else {
                    continue;
                };
                traces.push((name, colour, cx, cy));
            }
        }
        next_colour += members.len();
        let label = if members.len() == 1 && is_family {
            first.schema.signals[members[0]].name.to_string()
        } else {
            String::new()
        };
        let build = |y: &dyn Fn(&Column) -> Vec<f64>| {
            traces
                .iter()
                .map(|(name, colour, cx, cy)| {
                    let (x, y) = breaks(cx.re(), y(cy), is_xy || first.schema.kind != PlotKind::Dc);
                    Trace { name: name.clone(), x, y, colour: *colour, mark: o.mark }
                })
                .collect::<Vec<_>>()
        };
        let named = |what: &str| if label.is_empty() { what.to_string() } else { format!("{label} {what}") };
        if is_bode {
            let y = Axis {
                label: named("magnitude"),
                unit: "dB".into(),
                margin: 0.05,
                range: o.y_range,
                ..Axis::default()
            };
            panes.push(Pane { y, traces: build(&|c| decibels(c)) });
            let y = Axis { label: named("phase"), unit: "°".into(), margin: 0.05, ..Axis::default() };
            let mut traces = build(&|c| phase(c));
            traces.iter_mut().for_each(|t| t.name.clear());
            panes.push(Pane { y, traces });
            continue;
        }
        let what = quantity_word(&first.schema.signals[members[0]], &unit);
        let label = if label.is_empty() { what } else { label };
        let mut traces = build(&|c| if c.is_complex() { c.magnitude() } else { c.re() });
        if log_y {
            make_positive(&mut traces, &label, &mut warnings);
        }
        let margin = if log_y { 0.03 } else { 0.05 };
        let y = Axis { label, unit, is_log: log_y, range: o.y_range, margin };
        panes.push(Pane { y, traces });
    }
    if log_x {
        let mut negative = false;
        for t in panes.iter_mut().flat_map(|p| &mut p.traces) {
            negative |= t.x.iter().any(|x| *x < 0.0);
            t.x.iter_mut().for_each(|x| *x = x.abs());
        }
        if negative {
            warnings.push(log_warning(&x_signal.name));
        }
    }
    let x_label = if is_xy && quantity_word(x_signal, "") != *x_signal.name {
        x_signal.name.to_string()
    } else {
        axis_word(x_signal)
    };
    let x = Axis {
        label: x_label,
        unit: x_signal.quantity.unit().into(),
        is_log: log_x,
        range: o.x_range,
        margin: if is_xy { 0.04 } else { 0.0 },
    };
    let height = if o.height > 0 { o.height } else { (200 + 230 * panes.len().min(8) as u32).max(520) };
    let title =
        o.title.clone().unwrap_or_else(|| first.meta.title.trim_start_matches(['*', ' ', '.']).trim().to_string());
    let width = if o.width > 0 { o.width } else { 900 };
    let figure = Figure { title, footer: footer(first), x, panes, width, height, ..Figure::default() };
    Ok((figure, warnings))
}

fn look_up(t: &Table, name: &str, faults: &mut Vec<Diagnostic>) -> Option<usize> {
    let found = t.find(name);
    if found.is_none() {
        let names = || t.schema.signals.iter().map(|s| &*s.name);
        let mut d = Diagnostic::error(UNKNOWN_SIGNAL, format!("the {} has no signal `{name}`", t.schema.kind.title()));
        if let Some(h) = nearest::did_you_mean(name, names()) {
            d = d.help(h);
        }
        faults.push(d.note(format!("signals are {}", names().take(20).collect::<Vec<_>>().join(", "))));
    }
    found
}

/// All but the axis and internal quantities, at most [`MOST`].
fn default_signals(t: &Table, x: Option<usize>, warnings: &mut Vec<Diagnostic>) -> Vec<usize> {
    let from = usize::from(t.schema.has_axis);
    let is_outer = |i: &usize| {
        let n = &t.schema.signals[*i].name;
        Some(*i) != x && !n.starts_with('@') && !n.contains('#')
    };
    let mut all: Vec<usize> = (from..t.schema.signals.len()).filter(is_outer).collect();
    if all.is_empty() {
        all = (from..t.schema.signals.len()).filter(|i| Some(*i) != x).collect();
    }
    if all.len() > MOST {
        let text = format!("{} signals are too many for one figure; the first {MOST} are drawn", all.len());
        warnings
            .push(Diagnostic::new(NOTHING_TO_PLOT, crate::diag::Severity::Note, text).help("name those to be drawn"));
        all.truncate(MOST);
    }
    all
}

fn trace_name(signal: &str, t: &Table, members: usize, is_family: bool) -> String {
    let step: Vec<String> =
        t.meta.sweep.iter().map(|(n, v)| format!("{n} = {}", format_si(*v, "").replace(' ', ""))).collect();
    let step = step.join(", ");
    match (is_family, members) {
        (false, _) => signal.to_string(),
        (true, _) if step.is_empty() => signal.to_string(),
        (true, 1) => step,
        (true, _) => format!("{signal}, {step}"),
    }
}

/// What a pane's axis is called when it shows more than one signal.
fn quantity_word(s: &Signal, _unit: &str) -> String {
    match s.quantity {
        Quantity::Time => "time",
        Quantity::Frequency => "frequency",
        Quantity::Voltage => "voltage",
        Quantity::Current => "current",
        Quantity::Temperature => "temperature",
        Quantity::Power => "power",
        Quantity::Energy => "energy",
        Quantity::Charge => "charge",
        Quantity::Other("Ω") => "resistance",
        Quantity::Other("S") => "conductance",
        Quantity::Other("F") => "capacitance",
        Quantity::Other("V/√Hz" | "A/√Hz" | "V²/Hz" | "A²/Hz") => "noise density",
        Quantity::Other(_) => return s.name.to_string(),
    }
    .to_string()
}

fn axis_word(s: &Signal) -> String {
    match &*s.name {
        "v-sweep" | "v(v-sweep)" => "swept voltage".into(),
        "i-sweep" | "v(i-sweep)" => "swept current".into(),
        "temp-sweep" => "temperature".into(),
        "res-sweep" => "resistance".into(),
        n => n.to_string(),
    }
}

fn decibels(c: &Column) -> Vec<f64> {
    // Zero has no decibels: a gap.
    c.magnitude().iter().map(|m| 20.0 * m.abs().log10()).collect()
}

/// Degrees, without jumps.
fn phase(c: &Column) -> Vec<f64> {
    let (mut turn, mut last) = (0.0, f64::NAN);
    (0..c.len())
        .map(|k| {
            let p = c.at(k).arg().to_degrees();
            if (p - last).abs() > 180.0 {
                turn -= ((p - last) / 360.0).round() * 360.0;
            }
            last = p;
            p + turn
        })
        .collect()
}

/// A nested DC sweep starts its inner axis again: the pen is lifted there.
fn breaks(x: Vec<f64>, y: Vec<f64>, is_whole: bool) -> (Vec<f64>, Vec<f64>) {
    if is_whole || x.len() < 3 {
        return (x, y);
    }
    let up = x[1] >= x[0];
    let is_jump = |k: usize| k > 0 && if up { x[k] < x[k - 1] } else { x[k] > x[k - 1] };
    if !(1..x.len()).any(is_jump) {
        return (x, y);
    }
    let (mut bx, mut by) = (Vec::with_capacity(x.len()), Vec::with_capacity(x.len()));
    for k in 0..x.len().min(y.len()) {
        if is_jump(k) {
            bx.push(f64::NAN);
            by.push(f64::NAN);
        }
        bx.push(x[k]);
        by.push(y[k]);
    }
    (bx, by)
}

/// Largest over smallest positive number.
fn positive_span<'a>(values: impl Iterator<Item = &'a f64>) -> Option<f64> {
    let (mut lo, mut hi) = (f64::INFINITY, 0.0f64);
    for &x in values.filter(|x| **x > 0.0 && x.is_finite()) {
        lo = lo.min(x);
        hi = hi.max(x);
    }
    (hi > 0.0).then(|| hi / lo)
}

fn make_positive(traces: &mut [Trace], label: &str, warnings: &mut Vec<Diagnostic>) {
    let mut is_changed = false;
    for y in traces.iter_mut().flat_map(|t| &mut t.y) {
        is_changed |= *y < 0.0;
        *y = y.abs();
    }
    if is_changed {
        warnings.push(log_warning(label));
    }
}

fn log_warning(what: &str) -> Diagnostic {
    Diagnostic::warning(LOG_OF_NEGATIVE, format!("the logarithmic axis of `{what}` shows negative values by magnitude"))
}

/// How the result was made, for the small print.
fn footer(t: &Table) -> String {
    let m = &t.meta;
    let mut parts = vec![t.schema.kind.title().to_string()];
    let version =
        if m.version.is_empty() { env!("CARGO_PKG_VERSION") } else { m.version.trim_start_matches("ferrospice-") };
    parts.push(format!("ferrospice {version}"));
    if !m.deck_hash.is_empty() {
        parts.push(format!("deck {}", m.deck_hash.chars().take(12).collect::<String>()));
    }
    if m.seed != 0 {
        parts.push(format!("seed {}", m.seed));
    }
    if m.is_partial {
        parts.push("stopped before its end".into());
    }
    parts.join("  ·  ")
}
