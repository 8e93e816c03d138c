//! `.four`: the harmonics of the last period of a transient.
//!
//! As in ngspice, the last period [T_end − 1/f, T_end) is sampled at [`GRID`] uniform points by linear interpolation, and the
//! signal written as y = Σ Mₙ sin(2π n f (t − t₀) + φₙ) with t₀ the start of that period: phases are those of sines. The
//! total harmonic distortion is THD = 100 % · √(Σ_{n ≥ 2} (Mₙ/M₁)²).

use std::fmt::Write;

use num_complex::Complex64;

use super::signal::{Names, signal, unit};
use crate::base::units::format_si;
use crate::dataset::{Column, PlotKind, Table, interp};
use crate::diag::codes::results::{EMPTY_TABLE, FOURIER_SPAN};
use crate::diag::{Diagnostic, Span};
use crate::expr::Expr;

/// Samples of the period, as ngspice takes them by default.
pub const GRID: usize = 200;
/// Harmonics, the mean included.
pub const HARMONICS: usize = 10;

/// One harmonic.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Harmonic {
    /// Hz
    pub frequency: f64,
    /// In the signal's unit.
    pub magnitude: f64,
    /// Of a sine, degrees.
    pub phase: f64,
    /// Relative to the fundamental.
    pub norm_magnitude: f64,
    /// Difference to the fundamental, degrees.
    pub norm_phase: f64,
}

/// The harmonics of one signal.
#[derive(Clone, Debug, PartialEq)]
pub struct Fourier {
    pub signal: String,
    pub unit: String,
    /// `HARMONICS` of them; the first is the mean.
    pub harmonics: Vec<Harmonic>,
    /// Percent.
    pub thd: f64,
    pub grid: usize,
}

/// Harmonics of a waveform's last period; `None` when it is shorter than one.
pub fn harmonics(time: &[f64], ys: &[f64], frequency: f64, grid: usize, count: usize) -> Option<(Vec<Harmonic>, f64)> {
    let (start, end) = (*time.first()?, *time.last()?);
    let period = 1.0 / frequency;
    if !(frequency > 0.0 && period.is_finite()) || end - start < period * (1.0 - 1e-9) || grid < 2 {
        return None;
    }
    let from = end - period;
    let sample = |k: usize| interp::linear(time, ys, (from + period * k as f64 / grid as f64).clamp(start, end));
    let y: Vec<f64> = (0..grid).map(sample).collect();
    let mut found: Vec<Harmonic> = vec![];
    for n in 0..count {
        let turn = -std::f64::consts::TAU * n as f64 / grid as f64;
        let sum: Complex64 = y.iter().enumerate().map(|(k, v)| Complex64::from_polar(*v, turn * k as f64)).sum();
        // a cos + b sin with z = a − ib: the sine's phase is atan2(a, b).
        let z = sum * if n == 0 { 1.0 } else { 2.0 } / grid as f64;
        let (magnitude, phase) = if n == 0 { (z.re, 0.0) } else { (z.norm(), z.re.atan2(-z.im).to_degrees()) };
        found.push(Harmonic {
            frequency: n as f64 * frequency,
            magnitude,
            phase,
            norm_magnitude: 0.0,
            norm_phase: 0.0,
        });
    }
    let fundamental = *found.get(1)?;
    let mut squares = 0.0;
    for (n, h) in found.iter_mut().enumerate().skip(1) {
        h.norm_magnitude = h.magnitude / fundamental.magnitude;
        h.norm_phase = h.phase - fundamental.phase;
        if n > 1 {
            squares += h.norm_magnitude * h.norm_magnitude;
        }
    }
    Some((found, 100.0 * squares.sqrt()))
}

/// One signal of a `.four` card.
pub fn fourier(
    table: &Table,
    expr: &Expr,
    name: &str,
    frequency: f64,
    names: Names,
    span: Span,
) -> Result<Fourier, Vec<Diagnostic>> {
    if table.schema.kind != PlotKind::Tran {
        return Err(vec![
            Diagnostic::error(EMPTY_TABLE, "Fourier analysis needs a transient").at(span, "no `.tran` was run"),
        ]);
    }
    let time = table.axis().map(Column::re).unwrap_or_default();
    let ys = signal(table, expr, names)?.re();
    match harmonics(&time, &ys, frequency, GRID, HARMONICS) {
        Some((harmonics, thd)) => {
            Ok(Fourier { signal: name.to_ascii_lowercase(), unit: unit(table, expr), harmonics, thd, grid: GRID })
        }
        None => {
            let span_s = time.last().copied().unwrap_or(0.0) - time.first().copied().unwrap_or(0.0);
            Err(vec![Diagnostic::error(FOURIER_SPAN, "the transient is shorter than a period of the fundamental").at(
                span,
                format!("{} asked for, the run covers {}", format_si(frequency, "Hz"), format_si(span_s, "s")),
            )])
        }
    }
}

/// `%g`: six significant digits.
fn general(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return format!("{x}");
    }
    let scientific = format!("{x:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let e: i32 = exponent.parse().unwrap_or(0);
    let trim = |s: &str| {
        if s.contains('.') { s.trim_end_matches('0').trim_end_matches('.').to_string() } else { s.to_string() }
    };
    if (-4..6).contains(&e) {
        trim(&format!("{x:.*}", (5 - e).max(0) as usize))
    } else {
        format!("{}e{}{:02}", trim(mantissa), if e < 0 { '-' } else { '+' }, e.abs())
    }
}

impl Fourier {
    /// ngspice's table.
    pub fn print(&self) -> String {
        let mut out = String::new();
        let _ = writeln!(out, "Fourier analysis for {}:", self.signal);
        let _ = writeln!(
            out,
            "  No. Harmonics: {}, THD: {} %, Gridsize: {}, Interpolation Degree: 1\n",
            self.harmonics.len(),
            general(self.thd),
            self.grid
        );
        out.push_str("Harmonic Frequency   Magnitude   Phase       Norm. Mag   Norm. Phase\n");
        out.push_str("-------- ---------   ---------   -----       ---------   -----------\n");
        for (n, h) in self.harmonics.iter().enumerate() {
            let _ = writeln!(
                out,
                " {n:<7} {:<11} {:<11} {:<11} {:<11} {:<11}",
                general(h.frequency),
                general(h.magnitude),
                general(h.phase),
                general(h.norm_magnitude),
                general(h.norm_phase)
            );
        }
        out
    }
}
