//! Studies of arrays: IR drop, products of vectors with matrices, reading a cell, half-selected cells, largest sizes.
//!
//! Each is a function from plain data to plain data; nothing is printed. Where the law of the cells is ohmic the linear
//! solver is used, else Newton's method.

use rayon::prelude::*;

use super::drive::{Scheme, Wiring};
use super::effective::Effective;
use super::geometry::Geometry;
use super::laws::{Law, LawCells};
use super::linear::{Certificate, Linear, Settings};
use super::nonlinear::{Array, Statistics};
use super::solution::Currents;
use crate::base::Control;
use crate::base::rng::Stream;
use crate::diag::Diagnostic;

/// Wires with cells of one law, each with its conductance, S.
#[derive(Clone, Copy, Debug)]
pub struct Crossbar<'a> {
    pub wiring: &'a Wiring,
    pub law: &'a Law,
    pub g: &'a [f64],
}

/// All voltages and currents of one solution.
#[derive(Clone, Debug)]
pub struct Solved {
    pub rows: usize,
    pub cols: usize,
    /// Row by row, V.
    pub word: Vec<f64>,
    pub bit: Vec<f64>,
    /// Cell currents from word to bit line, A, row by row.
    pub cells: Vec<f64>,
    pub currents: Currents,
    pub certificate: Certificate,
    pub statistics: Statistics,
    pub warning: Option<Diagnostic>,
}

impl Solved {
    /// Voltage across a cell.
    pub fn across(&self, k: usize) -> f64 {
        self.word[k] - self.bit[k]
    }

    pub fn all_across(&self) -> Vec<f64> {
        (0..self.word.len()).map(|k| self.across(k)).collect()
    }
}

/// Solves an array of cells of one law, each with its conductance.
pub fn solve(
    geometry: Geometry,
    law: &Law,
    g: Vec<f64>,
    settings: &Settings,
    control: &Control,
) -> Result<Solved, Vec<Diagnostic>> {
    let (rows, cols) = (geometry.rows, geometry.cols);
    if *law == Law::Ohmic {
        let mut a = Linear::new(geometry, g)?;
        let certificate = a.solve(settings, control).map_err(|d| vec![d])?;
        let (currents, warning) = (a.currents(), a.warning());
        let (word, bit, cells) = a.into_parts();
        let statistics = Statistics::default();
        return Ok(Solved { rows, cols, cells, currents, warning, certificate, statistics, word, bit });
    }
    let mut a = Array::new(geometry, LawCells::new(law.clone(), g)?)?;
    let certificate = a.solve(settings, control).map_err(|d| vec![d])?;
    Ok(Solved {
        rows,
        cols,
        cells: a.cell_currents().to_vec(),
        currents: a.currents(),
        warning: a.warning(),
        certificate,
        statistics: a.statistics.clone(),
        word: a.word().to_vec(),
        bit: a.bit().to_vec(),
    })
}

/// How much the wires take.
#[derive(Clone, Debug, Default)]
pub struct IrDrop {
    /// Voltage across each cell over the voltage at its word line's driver.
    pub map: Vec<f64>,
    /// The cell that sees least.
    pub worst: (usize, usize),
    pub lowest: f64,
    /// Column currents over those without wires: mean and smallest, and all of them.
    pub mean: f64,
    pub least: f64,
    pub columns: Vec<f64>,
    /// n² r g with n the number of cells along the longer line: the number that decides.
    pub figure: f64,
    /// 1 - 2/3 n² r g, to first order the mean column current of a square array driven from one side.
    pub first_order: f64,
}

/// From a solution with inputs on the word lines and grounded bit lines.
pub fn ir_drop(solved: &Solved, wiring: &Wiring, law: &Law, g: &[f64], inputs: &[f64]) -> IrDrop {
    let (m, n) = (solved.rows, solved.cols);
    let mut out = IrDrop { lowest: f64::INFINITY, least: f64::INFINITY, ..IrDrop::default() };
    out.map =
        (0..m * n).map(|k| if inputs[k / n] == 0.0 { f64::NAN } else { solved.across(k) / inputs[k / n] }).collect();
    for (k, v) in out.map.iter().enumerate() {
        if *v < out.lowest {
            (out.lowest, out.worst) = (*v, (k / n, k % n));
        }
    }
    let mut ideal = vec![0.0; n];
    for k in 0..m * n {
        ideal[k % n] += law.at(g[k], inputs[k / n]).0;
    }
    let actual = solved.currents.columns();
    out.columns = actual.iter().zip(&ideal).map(|(a, i)| a / i).collect();
    let (sum, whole): (f64, f64) = (actual.iter().sum(), ideal.iter().sum());
    out.mean = sum / whole;
    out.least = out.columns.iter().copied().fold(f64::INFINITY, f64::min);
    let mean = g.iter().sum::<f64>() / g.len() as f64;
    let wire = 0.5 * (wiring.word_segment + wiring.bit_segment);
    out.figure = (m.max(n) as f64).powi(2) * wire * mean;
    out.first_order = 1.0 - 2.0 / 3.0 * out.figure;
    out
}

/// What limits a product besides the wires.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Converters {
    /// Bits of the inputs' and outputs' converters; 0: ideal.
    pub dac_bits: u32,
    pub adc_bits: u32,
    /// Full scales, V and A; 0: by the data.
    pub dac_range: f64,
    pub adc_range: f64,
    /// Standard deviation of the output currents over their full scale.
    pub noise: f64,
    pub seed: u64,
}

impl Default for Converters {
    fn default() -> Self {
        Converters { dac_bits: 0, adc_bits: 0, dac_range: 0.0, adc_range: 0.0, noise: 0.0, seed: 1 }
    }
}

/// Products of input vectors with the array, and how far off they are.
#[derive(Clone, Debug, Default)]
pub struct Products {
    /// Input sets x columns, A: as read, and of ideal wires and converters.
    pub currents: Vec<f64>,
    pub ideal: Vec<f64>,
    /// Root mean square and largest error over the root mean square of the ideal currents, all sets and for each set.
    pub rms: f64,
    pub largest: f64,
    pub by_set: Vec<f64>,
    /// The certified residual, the worst of all.
    pub residual: f64,
    pub is_partial: bool,
}

fn quantise(x: f64, bits: u32, range: f64) -> f64 {
    if bits == 0 || range == 0.0 {
        return x;
    }
    let step = range / ((1u64 << bits.min(52)) - 1) as f64;
    (x / step).round().clamp(-((1u64 << bits.min(52)) as f64), (1u64 << bits.min(52)) as f64 - 1.0) * step
}

/// `inputs`: sets x rows.
pub fn products(
    array: &Crossbar,
    inputs: &[f64],
    converters: &Converters,
    settings: &Settings,
    control: &Control,
) -> Result<Products, Vec<Diagnostic>> {
    let Crossbar { wiring, law, g } = *array;
    let (m, n) = (wiring.rows, wiring.cols);
    let sets: Vec<&[f64]> = inputs.chunks_exact(m).collect();
    let range = if converters.dac_range > 0.0 {
        converters.dac_range
    } else {
        inputs.iter().fold(0.0, |s: f64, v| s.max(v.abs()))
    };
    let volts = |set: &[f64]| -> Vec<f64> { set.iter().map(|v| quantise(*v, converters.dac_bits, range)).collect() };
    let mut out = Products::default();
    // With more inputs than lines, the matrix pays.
    if *law == Law::Ohmic && sets.len() > m.min(n) {
        let array = Linear::new(wiring.inputs(&vec![0.0; m]), g.to_vec())?;
        let e = Effective::new(&array, settings, control).map_err(|d| vec![d])?;
        (out.residual, out.is_partial) = (e.residual, e.is_partial);
        for set in &sets {
            out.currents.extend(e.multiply(&volts(set)));
        }
    } else {
        let quiet = control.quiet();
        let solved: Result<Vec<Solved>, Vec<Diagnostic>> = sets
            .par_iter()
            .map(|set| {
                let c = if sets.len() == 1 { control } else { &quiet };
                solve(wiring.inputs(&volts(set)), law, g.to_vec(), settings, c)
            })
            .collect();
        for s in solved? {
            out.residual = out.residual.max(s.certificate.residual);
            out.is_partial |= s.certificate.is_partial;
            out.currents.extend(s.currents.columns());
        }
    }
    out.ideal = vec![0.0; sets.len() * n];
    for (set, ideal) in sets.iter().zip(out.ideal.chunks_exact_mut(n)) {
        for (k, g) in g.iter().enumerate() {
            ideal[k % n] += law.at(*g, set[k / n]).0;
        }
    }
    let top = out.currents.iter().fold(0.0, |s: f64, i| s.max(i.abs()));
    let full = if converters.adc_range > 0.0 { converters.adc_range } else { top };
    let stream = Stream { seed: converters.seed, run: 0, instance: 0 };
    for (k, i) in out.currents.iter_mut().enumerate() {
        if converters.noise > 0.0 {
            *i += converters.noise * full * stream.normal((k >> 32) as u32, k as u32);
        }
        *i = quantise(*i, converters.adc_bits, full);
    }
    let size = (out.ideal.iter().map(|i| i * i).sum::<f64>() / out.ideal.len().max(1) as f64).sqrt();
    let error = |a: &[f64], b: &[f64]| {
        (a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / a.len().max(1) as f64).sqrt() / size
    };
    out.rms = error(&out.currents, &out.ideal);
    out.largest = out.currents.iter().zip(&out.ideal).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) / size;
    out.by_set = out.currents.chunks_exact(n).zip(out.ideal.chunks_exact(n)).map(|(a, b)| error(a, b)).collect();
    Ok(out)
}

/// The two conductances of a memory cell, S, and how it is read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub on: f64,
    pub off: f64,
    pub law: Law,
    pub scheme: Scheme,
    pub volts: f64,
    /// In the selected bit line between array and ground, Ω; its voltage is what is sensed.
    pub sense: f64,
    /// Search the pattern of the other cells that gives the least margin, beginning with all of them on.
    pub search: bool,
}

/// How well a cell can be told on from off.
#[derive(Clone, Debug, Default)]
pub struct Margin {
    /// Current into the sense resistor with the cell on and off, A.
    pub on: f64,
    pub off: f64,
    /// Of that, what does not come through the selected cell.
    pub sneak_on: f64,
    pub sneak_off: f64,
    /// (V_on - V_off)/V at the sense resistor.
    pub margin: f64,
    /// Cells on, of the others, in the pattern that was found.
    pub ones: usize,
    pub residual: f64,
}

fn read_once(
    wiring: &Wiring,
    reading: &Reading,
    g: &[f64],
    (row, col): (usize, usize),
    settings: &Settings,
    control: &Control,
) -> Result<Solved, Vec<Diagnostic>> {
    let mut geometry = wiring.select(&reading.scheme, row, col, reading.volts).map_err(|d| vec![d])?;
    for ends in &mut geometry.bit.ends {
        if let Some(e) = ends.get_mut(col).filter(|e| !e.is_floating()) {
            e.ohms += reading.sense;
        }
    }
    solve(geometry, &reading.law, g.to_vec(), settings, control)
}

/// Margin of the cell `at` between on and off over a background; `pattern`: which cells are on.
fn margin_over(
    wiring: &Wiring,
    reading: &Reading,
    pattern: &[bool],
    at: (usize, usize),
    settings: &Settings,
    control: &Control,
) -> Result<(Margin, [Solved; 2]), Vec<Diagnostic>> {
    let selected = at.0 * wiring.cols + at.1;
    let mut g: Vec<f64> = pattern.iter().map(|on| if *on { reading.on } else { reading.off }).collect();
    g[selected] = reading.on;
    let on = read_once(wiring, reading, &g, at, settings, control)?;
    g[selected] = reading.off;
    let off = read_once(wiring, reading, &g, at, settings, control)?;
    let current = |s: &Solved| s.currents.column(at.1);
    let margin = Margin {
        on: current(&on),
        off: current(&off),
        sneak_on: current(&on) - on.cells[selected],
        sneak_off: current(&off) - off.cells[selected],
        margin: if reading.sense > 0.0 {
            reading.sense * (current(&on) - current(&off)) / reading.volts
        } else {
            f64::NAN
        },
        ones: pattern.iter().enumerate().filter(|(k, on)| **on && *k != selected).count(),
        residual: on.certificate.residual.max(off.certificate.residual),
    };
    Ok((margin, [on, off]))
}

/// The margin of a cell in the worst pattern that was found (of linear cells), or with all other cells on.
///
/// The search follows the exact derivative: for a reciprocal network d I/d g_k = v_k λ_k, with v the cell voltages of the
/// reading and λ those with 1 V in series with the sense resistor and all drivers at 0 V. Every cell is set to what lowers
/// I_on - I_off most to first order, as often as that helps; then in ever smaller groups.
pub fn margin(
    wiring: &Wiring,
    reading: &Reading,
    at: (usize, usize),
    settings: &Settings,
    control: &Control,
) -> Result<(Margin, Vec<bool>), Vec<Diagnostic>> {
    let mut pattern = vec![true; wiring.rows * wiring.cols];
    let (mut best, mut solved) = margin_over(wiring, reading, &pattern, at, settings, control)?;
    if !reading.search || reading.law != Law::Ohmic {
        return Ok((best, pattern));
    }
    let selected = at.0 * wiring.cols + at.1;
    let mut share = 1.0;
    for _ in 0..40 {
        if control.is_cancelled() || share < 1e-3 {
            break;
        }
        // d(I_on - I_off)/dg for every cell.
        let mut slope = vec![0.0; pattern.len()];
        for (s, sign) in solved.iter().zip([1.0, -1.0]) {
            let mut g: Vec<f64> = pattern.iter().map(|on| if *on { reading.on } else { reading.off }).collect();
            g[selected] = if sign > 0.0 { reading.on } else { reading.off };
            let adjoint = Reading { volts: 0.0, ..reading.clone() };
            let mut geometry = wiring.select(&adjoint.scheme, at.0, at.1, 0.0).map_err(|d| vec![d])?;
            for ends in &mut geometry.bit.ends {
                if let Some(e) = ends.get_mut(at.1).filter(|e| !e.is_floating()) {
                    e.ohms += reading.sense;
                    e.volts = -1.0;
                }
            }
            let l = solve(geometry, &reading.law, g, settings, control)?;
            for (k, d) in slope.iter_mut().enumerate() {
                let product = s.across(k) * l.across(k);
                *d += sign * if product.is_finite() { product } else { 0.0 };
            }
        }
        // The flips that help most, to first order.
        let mut gains: Vec<(f64, usize)> = slope
            .iter()
            .enumerate()
            .filter(|(k, _)| *k != selected)
            .map(|(k, d)| (if pattern[k] { d * (reading.off - reading.on) } else { d * (reading.on - reading.off) }, k))
            .filter(|(d, _)| *d < 0.0)
            .collect();
        if gains.is_empty() {
            break;
        }
        gains.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let take = ((share * gains.len() as f64).ceil() as usize).clamp(1, gains.len());
        let mut trial = pattern.clone();
        gains[..take].iter().for_each(|g| trial[g.1] = !trial[g.1]);
        let (m, s) = margin_over(wiring, reading, &trial, at, settings, control)?;
        if m.on - m.off < best.on - best.off {
            (best, solved, pattern) = (m, s, trial);
        } else {
            share *= 0.5;
        }
    }
    Ok((best, pattern))
}

/// The largest square array whose margin is at least `least`, up to `most`: doubling, then halving the interval. Every
/// size that was looked at, in order.
pub fn largest(
    wiring: &Wiring,
    reading: &Reading,
    least: f64,
    most: usize,
    settings: &Settings,
    control: &Control,
) -> Result<(usize, Vec<(usize, Margin)>), Vec<Diagnostic>> {
    let mut seen: Vec<(usize, Margin)> = vec![];
    let mut ask = |n: usize| -> Result<bool, Vec<Diagnostic>> {
        let w = wiring.resized(n, n);
        // The cell farthest from its drivers.
        let (m, _) = margin(&w, reading, far_cell(&w), settings, control)?;
        let good = m.margin >= least;
        seen.push((n, m));
        Ok(good)
    };
    let (mut lo, mut hi) = (0, 1);
    while hi <= most && ask(hi)? {
        lo = hi;
        hi *= 2;
    }
    let mut hi = hi.min(most + 1);
    while hi - lo > 1 && !control.is_cancelled() {
        let middle = lo + (hi - lo) / 2;
        if ask(middle)? {
            lo = middle;
        } else {
            hi = middle;
        }
    }
    seen.sort_by_key(|s| s.0);
    Ok((lo, seen))
}

/// The cell with the longest way from the connected sides.
pub fn far_cell(w: &Wiring) -> (usize, usize) {
    let [left, right, top, bottom] = w.sides;
    let far = |first: Option<f64>, second: Option<f64>, n: usize| match (first.is_some(), second.is_some()) {
        (true, true) => n / 2,
        (true, false) => n - 1,
        _ => 0,
    };
    (far(top, bottom, w.rows), far(left, right, w.cols))
}

/// Drift of cells that are not meant: dx/dt = k sinh(v/v0), so that the drift of a pulse over that of a full one is
/// sinh(v/v0)/sinh(V/v0).
#[derive(Clone, Debug, Default)]
pub struct Disturb {
    /// Sum over all writes of |drift| over that of one full write at V, cell by cell; the writes of the cell itself apart.
    pub map: Vec<f64>,
    pub worst: (usize, usize),
    pub largest: f64,
    pub mean: f64,
    /// The smallest voltage that a selected cell saw over V.
    pub least_selected: f64,
    pub writes: usize,
    pub residual: f64,
}

/// Writes the cells `targets` one after another.
pub fn disturb(
    array: &Crossbar,
    scheme: &Scheme,
    volts: f64,
    v0: f64,
    targets: &[(usize, usize)],
    settings: &Settings,
    control: &Control,
) -> Result<Disturb, Vec<Diagnostic>> {
    let Crossbar { wiring, law, g } = *array;
    let n = wiring.cols;
    let quiet = control.quiet();
    let one = targets.len() == 1;
    let full = (volts / v0).abs();
    // exp differences: sinh(a)/sinh(b) without overflow.
    let drift = |v: f64| {
        let a = (v / v0).abs();
        ((a - full).exp() - (-a - full).exp()) / (1.0 - (-2.0 * full).exp())
    };
    let parts: Result<Vec<(Vec<f64>, f64, f64)>, Vec<Diagnostic>> = targets
        .par_chunks(targets.len().div_ceil(64).max(1))
        .map(|part| {
            let mut map = vec![0.0; g.len()];
            let (mut least, mut residual) = (f64::INFINITY, 0.0f64);
            for &(row, col) in part {
                let geometry = wiring.select(scheme, row, col, volts).map_err(|d| vec![d])?;
                let s = solve(geometry, law, g.to_vec(), settings, if one { control } else { &quiet })?;
                residual = residual.max(s.certificate.residual);
                for (k, m) in map.iter_mut().enumerate() {
                    let v = s.across(k);
                    if k == row * n + col {
                        least = least.min(v / volts);
                    } else if v.is_finite() {
                        *m += drift(v);
                    }
                }
            }
            Ok((map, least, residual))
        })
        .collect();
    let mut out =
        Disturb { map: vec![0.0; g.len()], least_selected: f64::INFINITY, writes: targets.len(), ..Disturb::default() };
    for (map, least, residual) in parts? {
        out.map.iter_mut().zip(&map).for_each(|(a, b)| *a += b);
        out.least_selected = out.least_selected.min(least);
        out.residual = out.residual.max(residual);
    }
    for (k, d) in out.map.iter().enumerate() {
        if *d > out.largest {
            (out.largest, out.worst) = (*d, (k / n, k % n));
        }
    }
    out.mean = out.map.iter().sum::<f64>() / out.map.len().max(1) as f64;
    Ok(out)
}
