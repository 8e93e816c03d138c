//! Numbers out of results: `.meas`, `.four`, expressions of waveforms, and the figures of merit of spikes and synapses.
//!
//! text → [`Spec`] ([`parse`]) → [`Measurement`] ([`evaluate`], over one table) → text ([`print`]). [`run`] does all measures of a
//! deck in order. A measure that cannot be had is a diagnostic and NaN.
//!
//! Axis: time in a transient, frequency in AC and noise, the inner sweep in DC. A complex signal counts with its real
//! part, as in ngspice; `vm()`, `vdb()` and so on say otherwise.

pub mod fourier;
pub mod parse;
pub mod print;
pub mod signal;
pub mod spike;
pub mod synapse;
pub mod wave;

use crate::base::units::format_si;
use crate::dataset::{Column, PlotKind, Table, interp};
use crate::diag::codes::results::{EMPTY_TABLE, MEASURE_FAILED, MEASURE_SYNTAX, MEASURE_TWICE, MEASURE_WINDOW};
use crate::diag::{Diagnostic, Span, nearest};
use crate::expr::Expr;

pub use fourier::{Fourier, fourier};
pub use parse::{Count, Event, Spec, Stat, Window, is_reversed, parse, parse_with};
pub use signal::{Names, eval_scalar, no_names, signal, table_of};
use wave::Edge;

/// The result of one `.meas`.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Lower case.
    pub name: String,
    pub kind: PlotKind,
    /// NaN when the measure failed.
    pub value: f64,
    pub unit: String,
    /// What else there is to say: (`at`, 5.2e-5), (`targ`, …), (`trig`, …), (`from`, …), (`to`, …), (`with`, …).
    pub tails: Vec<(&'static str, f64)>,
    /// The measured quantity as LTspice's log has it: `MAX(v(out))`.
    pub label: String,
}

impl Measurement {
    pub fn is_failed(&self) -> bool {
        self.value.is_nan()
    }
}

/// One `.meas` card.
#[derive(Clone, Copy, Debug)]
pub struct Card<'a> {
    /// `tran`, `ac`, `dc`, `op`, `noise`/`sp`, `tf`; empty: the first analysis with an axis, or else the first.
    pub analysis: &'a str,
    pub name: &'a str,
    /// Everything after the name.
    pub text: &'a str,
    pub span: Span,
}

/// The kinds of table that an analysis word of `.meas` may mean.
pub fn kinds_of(analysis: &str) -> Option<&'static [PlotKind]> {
    Some(match analysis.to_ascii_lowercase().as_str() {
        "tran" => &[PlotKind::Tran],
        "ac" => &[PlotKind::Ac],
        "dc" => &[PlotKind::Dc],
        "op" => &[PlotKind::Op],
        "noise" | "sp" => &[PlotKind::NoiseDensity, PlotKind::NoiseIntegrated],
        "noise_total" => &[PlotKind::NoiseIntegrated],
        "tf" => &[PlotKind::Tf],
        "sens" => &[PlotKind::Sens],
        "pz" => &[PlotKind::Pz],
        _ => return None,
    })
}

/// The fault of a measure of an analysis that the deck does not have.
pub fn not_run(name: &str, analysis: &str, span: Span) -> Diagnostic {
    Diagnostic::error(EMPTY_TABLE, format!("`{name}` measures an analysis that is not run"))
        .at(span, format!("no results of `{analysis}`"))
        .help(format!("add a `.{analysis}` card to the deck"))
}

/// Evaluates all measures of one run (one step of a sweep) in deck order; later ones may use earlier ones and `params`.
pub fn run(cards: &[Card], tables: &[&Table], params: Names) -> (Vec<Measurement>, Vec<Diagnostic>) {
    let mut done: Vec<Measurement> = vec![];
    let mut faults = vec![];
    for card in cards {
        let failed = |done: &mut Vec<Measurement>| {
            let kind = kinds_of(card.analysis).map_or(PlotKind::Tran, |k| k[0]);
            done.push(Measurement::failed(card.name, kind));
        };
        let spec = match parse(card.text, card.span) {
            Ok(s) => s,
            Err(e) => {
                faults.extend(e);
                failed(&mut done);
                continue;
            }
        };
        let choice: Vec<&Table> = match (card.analysis, kinds_of(card.analysis)) {
            ("", _) => {
                let first = tables.iter().find(|t| t.schema.has_axis).or(tables.first());
                first.copied().into_iter().collect()
            }
            (_, Some(kinds)) => tables.iter().copied().filter(|t| kinds.contains(&t.schema.kind)).collect(),
            (word, None) => {
                let known = ["tran", "ac", "dc", "op", "noise", "sp", "tf", "sens", "pz"];
                let mut d =
                    Diagnostic::error(MEASURE_SYNTAX, format!("`{word}` is not an analysis that can be measured"))
                        .at(card.span, "in this measure");
                if let Some(h) = nearest::did_you_mean(word, known) {
                    d = d.help(h);
                }
                faults.push(d);
                failed(&mut done);
                continue;
            }
        };
        if choice.is_empty() && !matches!(spec, Spec::Param(_)) {
            faults.push(not_run(card.name, card.analysis, card.span));
            failed(&mut done);
            continue;
        }
        let names = |n: &str| lookup(&done, n).or_else(|| params(n));
        // Of several tables (noise has two) the first in which the measure can be had.
        let mut best: Option<(Measurement, Vec<Diagnostic>)> = None;
        let empty = Table::default();
        let choice = if choice.is_empty() { vec![&empty] } else { choice };
        for table in choice {
            let (m, f) = evaluate(card.name, &spec, table, &names, card.span);
            let is_good = !f.iter().any(Diagnostic::is_error);
            if is_good || best.is_none() {
                best = Some((m, f));
            }
            if is_good {
                break;
            }
        }
        if let Some((mut m, f)) = best {
            if let (Spec::Param(_), Some(kinds)) = (&spec, kinds_of(card.analysis)) {
                m.kind = kinds[0];
            }
            done.push(m);
            faults.extend(f);
        }
    }
    (done, faults)
}

/// An earlier measure by name, case-insensitive; the last of several. `name_at`, `name_targ` and so on are its tails.
pub fn lookup(measures: &[Measurement], name: &str) -> Option<f64> {
    let by_name = |n: &str| measures.iter().rev().find(|m| m.name.eq_ignore_ascii_case(n));
    by_name(name).map(|m| m.value).or_else(|| {
        let (head, tail) = name.rsplit_once('_')?;
        by_name(head)?.tails.iter().find(|t| t.0.eq_ignore_ascii_case(tail)).map(|t| t.1)
    })
}

impl Measurement {
    fn failed(name: &str, kind: PlotKind) -> Measurement {
        let name = name.to_ascii_lowercase();
        Measurement { name, kind, value: f64::NAN, unit: String::new(), tails: vec![], label: String::new() }
    }
}

/// Evaluates one measure over one table.
pub fn evaluate(name: &str, spec: &Spec, table: &Table, names: Names, span: Span) -> (Measurement, Vec<Diagnostic>) {
    let mut e = Evaluation { table, names, span, name, faults: vec![] };
    let mut m = Measurement::failed(name, table.schema.kind);
    e.measure(spec, &mut m);
    (m, e.faults)
}

struct Evaluation<'a> {
    table: &'a Table,
    names: Names<'a>,
    span: Span,
    name: &'a str,
    faults: Vec<Diagnostic>,
}

impl Evaluation<'_> {
    fn measure(&mut self, spec: &Spec, m: &mut Measurement) -> Option<()> {
        let axis_unit = self.table.axis().and(self.table.schema.signals.first()).map_or("", |s| s.quantity.unit());
        match spec {
            Spec::Param(e) => {
                m.value = self.number(e)?;
                m.label = "PARAM".into();
            }
            Spec::TrigTarg(events) => {
                let (a, b) = (self.event(&events.0, "trig"), self.event(&events.1, "targ"));
                let (a, b) = (a?, b?);
                (m.value, m.unit) = (b - a, axis_unit.into());
                m.tails = vec![("targ", b), ("trig", a)];
                m.label = "TRIG".into();
            }
            Spec::When(event) => {
                m.value = self.event(event, "when")?;
                m.unit = axis_unit.into();
                m.label = "WHEN".into();
            }
            Spec::Find(signal, place) => {
                let unit = signal::unit(self.table, signal);
                m.label = "FIND".into();
                let column = self.column(signal)?;
                let Some(place) = place else {
                    if self.table.schema.has_axis {
                        self.fail("`find` needs `at=` or `when`, for the signal is a waveform");
                        return None;
                    }
                    (m.value, m.unit) = (column.at(0).re, unit);
                    return Some(());
                };
                let (axis, ys) = (self.axis()?, column.re());
                let at = self.event(place, "find")?;
                (m.value, m.unit) = (interp::linear(&axis, &ys, at), unit);
                if m.value.is_nan() {
                    self.outside(at, &axis);
                }
                if matches!(place, Event::Cross { .. }) {
                    m.tails = vec![("at", at)];
                }
            }
            Spec::Deriv(signal, place) => {
                let unit = signal::quotient(&signal::unit(self.table, signal), axis_unit);
                let (axis, ys) = (self.axis()?, self.column(signal)?.re());
                let at = self.event(place, "deriv")?;
                (m.value, m.unit) = (wave::derivative_at(&axis, &ys, at), unit);
                if m.value.is_nan() {
                    self.outside(at, &axis);
                }
                m.tails = vec![("at", at)];
                m.label = "D".into();
            }
            Spec::Stat(stat, signal, window) => self.stat(*stat, signal, window, axis_unit, m)?,
        }
        if m.value.is_nan() && !self.faults.iter().any(Diagnostic::is_error) {
            self.fail("the result is not a number");
        }
        Some(())
    }

    fn stat(&mut self, stat: Stat, signal: &Expr, window: &Window, axis_unit: &str, m: &mut Measurement) -> Option<()> {
        let unit = signal::unit(self.table, signal);
        m.label = stat.word().into();
        let column = self.column(signal)?;
        let ys = column.re();
        let axis = if self.table.schema.has_axis { self.axis()? } else { (0..ys.len()).map(|k| k as f64).collect() };
        let (from, to) = self.bounds(window, &axis)?;
        let (wx, wy) = wave::window(&axis, &ys, from, to);
        if wx.is_empty() {
            let (lo, hi) = ends(&axis);
            self.fail(format!(
                "the interval from {} to {} holds no data, which reach from {} to {}",
                self.on_axis(from),
                self.on_axis(to),
                self.on_axis(lo),
                self.on_axis(hi)
            ));
            return None;
        }
        let Some((min, max)) = wave::extremes(&wx, &wy) else {
            self.fail("the signal is not a number anywhere in the interval");
            return None;
        };
        let range = vec![("from", wx[0]), ("to", wx[wx.len() - 1])];
        (m.value, m.unit, m.tails) = match stat {
            Stat::Min => (min.1, unit, vec![("at", min.0)]),
            Stat::Max => (max.1, unit, vec![("at", max.0)]),
            Stat::MinAt => (min.0, axis_unit.into(), vec![("with", min.1)]),
            Stat::MaxAt => (max.0, axis_unit.into(), vec![("with", max.1)]),
            Stat::Pp => (max.1 - min.1, unit, range),
            Stat::Avg => (wave::average(&wx, &wy), unit, range),
            Stat::Rms => (wave::rms(&wx, &wy), unit, range),
            Stat::Integ => (wave::integral(&wx, &wy), signal::product(&unit, axis_unit), range),
        };
        Some(())
    }

    fn fail(&mut self, message: impl std::fmt::Display) {
        let d = Diagnostic::error(MEASURE_FAILED, format!("measure `{}`: {message}", self.name));
        self.faults.push(d.at(self.span, "measured here"));
    }

    fn on_axis(&self, x: f64) -> String {
        format_si(x, self.table.schema.signals.first().map_or("", |s| s.quantity.unit()))
    }

    fn outside(&mut self, at: f64, axis: &[f64]) {
        let (lo, hi) = ends(axis);
        let text =
            format!("{} lies outside of the data, {} to {}", self.on_axis(at), self.on_axis(lo), self.on_axis(hi));
        self.fail(text);
    }

    fn axis(&mut self) -> Option<Vec<f64>> {
        match self.table.axis().map(Column::re) {
            Some(a) if !a.is_empty() => Some(a),
            Some(_) => {
                self.fail("the analysis has no points");
                None
            }
            None => {
                self.fail(format!("the {} has no axis to look along", self.table.schema.kind.title()));
                None
            }
        }
    }

    fn column(&mut self, e: &Expr) -> Option<Column> {
        match signal(self.table, e, self.names) {
            Ok(c) => Some(c),
            Err(d) => {
                self.add(d);
                None
            }
        }
    }

    /// Faults of an expression, placed at the card where they have no place.
    fn add(&mut self, faults: Vec<Diagnostic>) {
        for d in faults {
            let d = d.note(format!("in measure `{}`", self.name));
            let is_new = !self.faults.contains(&d);
            if is_new {
                self.faults.push(d);
            }
        }
    }

    fn number(&mut self, e: &Expr) -> Option<f64> {
        match eval_scalar(e, self.names, &[self.table]) {
            Ok(x) => Some(x),
            Err(d) => {
                self.add(d);
                None
            }
        }
    }

    /// The interval, ordered as the axis runs. `td` is a later `from`.
    fn bounds(&mut self, w: &Window, axis: &[f64]) -> Option<(f64, f64)> {
        let (mut from, mut to) = ends(axis);
        if let Some(events) = &w.events {
            let (a, b) = (self.event(&events.0, "trig"), self.event(&events.1, "targ"));
            (from, to) = (a?, b?);
        }
        if let Some(e) = &w.from {
            from = self.number(e)?;
        }
        if let Some(e) = &w.to {
            to = self.number(e)?;
        }
        if let Some(e) = &w.td {
            let td = self.number(e)?;
            from = if to >= from { from.max(td) } else { from };
        }
        let (first, last) = ends(axis);
        if w.from.is_some() && w.to.is_some() && from > to && first <= last {
            let d = reversed(self.name, self.span);
            if !self.faults.contains(&d) {
                self.faults.push(d);
            }
        }
        Some((from, to))
    }

    /// The axis value of an event.
    fn event(&mut self, event: &Event, what: &str) -> Option<f64> {
        let (left, right, edge, count, window) = match event {
            Event::At(e) => return self.number(e),
            Event::Cross { left, right, edge, count, window } => (left, right, *edge, *count, window),
        };
        let axis = self.axis()?;
        let (a, b) = (self.column(left), self.column(right));
        let (a, b) = (a?.re(), b?.re());
        let difference: Vec<f64> = a.iter().zip(&b).map(|(p, q)| p - q).collect();
        let (from, to) = self.bounds(window, &axis)?;
        // Where the interval is open the whole line counts, also one that turns back.
        let is_whole = window.from.is_none() && window.to.is_none() && window.td.is_none() && window.events.is_none();
        let (lo, hi) = if from <= to { (from, to) } else { (to, from) };
        let mut found = wave::crossings(&axis, &difference, edge);
        if !is_whole {
            found.retain(|x| (lo..=hi).contains(x));
        }
        let hit = match count {
            Count::Nth(n) => found.get(n - 1),
            Count::Last => found.last(),
        };
        if let Some(&x) = hit {
            return Some(x);
        }
        let how = match edge {
            Edge::Rise => "rises through",
            Edge::Fall => "falls through",
            Edge::Either => "crosses",
        };
        let (wx, wy) = if is_whole { (axis.clone(), a) } else { wave::window(&axis, &a, from, to) };
        let range = wave::extremes(&wx, &wy).map_or_else(
            || "there are no data there".to_string(),
            |(min, max)| {
                let unit = signal::unit(self.table, left);
                format!("it reaches from {} to {}", format_si(min.1, &unit), format_si(max.1, &unit))
            },
        );
        let times = match (found.len(), count) {
            (0, _) => "never".to_string(),
            (1, _) => "only once".to_string(),
            (n, _) => format!("only {n} times"),
        };
        let interval =
            if is_whole { String::new() } else { format!(" between {} and {}", self.on_axis(lo), self.on_axis(hi)) };
        let (l, r) = (text_of(left), text_of(right));
        self.fail(format!("`{what}`: `{l}` {how} {r} {times}{interval}; {range}"));
        None
    }
}

/// The warning about an interval that ends before it begins.
pub fn reversed(name: &str, span: Span) -> Diagnostic {
    Diagnostic::warning(MEASURE_WINDOW, format!("measure `{name}`: `from` lies after `to`"))
        .at(span, "the interval between them is taken")
}

/// The warning about a name that an earlier measure has.
pub fn named_twice(name: &str, span: Span, before: Span) -> Diagnostic {
    Diagnostic::warning(MEASURE_TWICE, format!("there are two measures named `{name}`"))
        .at(span, "this one is what the name stands for")
        .at(before, "the other")
}

fn ends(axis: &[f64]) -> (f64, f64) {
    (axis.first().copied().unwrap_or(f64::NAN), axis.last().copied().unwrap_or(f64::NAN))
}

/// An expression as text for messages.
fn text_of(e: &Expr) -> String {
    e.to_string()
}

#[cfg(test)]
mod tests;
