//! 1T1R arrays whose source lines run along the bit lines: every column for itself.
//!
//! ```text
//!   bit line j:     b_0 ──r── b_1 ──r── b_2 ...          gate of row i at vg_i: it draws no current at DC,
//!                    │g        │g        │g              so that the columns share nothing
//!                   ─┤T       ─┤T       ─┤T
//!   source line j:  s_0 ──r── s_1 ──r── s_2 ...
//! ```
//!
//! A column is a ladder of two lines: block-tridiagonal with blocks of 2 x 2, solved exactly in O(rows) at each step of
//! Newton's method, with the step halved until the imbalance falls. Columns are solved side by side.
//!
//! The transistor is the symmetric one of C. C. Enz, F. Krummenacher and E. A. Vittoz, Analog Integr. Circuits Signal
//! Process. 8 (1995) 83, without mobility reduction: with F(u) = ln²(1 + exp(u/2)) and vp = (vg - vt)/n,
//!
//! ```text
//!   I = 2 n β φ² [F((vp - vs)/φ) - F((vp - vd)/φ)]
//! ```
//!
//! The node between memory element and transistor is eliminated cell by cell.

use rayon::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::geometry::{End, Geometry, Plane, place};
use super::linear::{Certificate, Settings};
use crate::base::Control;
use crate::base::control::Progress;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_CELL, ARRAY_LAW, ARRAY_NO_CONVERGENCE, ARRAY_SHAPE, ARRAY_WIRE};

/// Iterations for one column.
const ITERATIONS: usize = 200;
/// S between a line that nothing else holds and ground.
const TIE: f64 = 1.0;

/// Cells between a bit line and a source line, with a gate.
pub trait GatedCells: Sync {
    /// Current from bit to source line, A, and its slopes with the voltages of the bit and of the source line, S.
    fn eval(&self, row: usize, col: usize, gate: f64, bit: f64, source: f64) -> (f64, f64, f64);

    fn conducts(&self, row: usize, col: usize) -> bool {
        let _ = (row, col);
        true
    }
}

/// The access transistor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transistor {
    /// Transconductance factor µ Cox W/L, A/V².
    pub beta: f64,
    /// Threshold voltage against the bulk, which is at 0 V.
    pub vt: f64,
    /// Slope factor.
    pub n: f64,
    /// Thermal voltage, V.
    pub phi: f64,
}

impl Default for Transistor {
    fn default() -> Self {
        Transistor { beta: 1e-3, vt: 0.5, n: 1.3, phi: 0.02585 }
    }
}

impl Transistor {
    /// Current from drain to source, and its slopes with the voltages of drain and source.
    pub fn eval(&self, gate: f64, drain: f64, source: f64) -> (f64, f64, f64) {
        let vp = (gate - self.vt) / self.n;
        let scale = 2.0 * self.n * self.beta * self.phi * self.phi;
        let f = |v: f64| {
            let u = (vp - v) / self.phi;
            // ln(1 + exp(u/2)) and its slope without overflow.
            let e = (-0.5 * u.abs()).exp();
            let l = e.ln_1p() + if u > 0.0 { 0.5 * u } else { 0.0 };
            let s = if u > 0.0 { 1.0 / (1.0 + e) } else { e / (1.0 + e) };
            (l * l, l * s)
        };
        let ((fs, ds), (fd, dd)) = (f(source), f(drain));
        (scale * (fs - fd), scale * dd / self.phi, -scale * ds / self.phi)
    }
}

/// Memory elements of conductance g between bit line and drain.
#[derive(Clone, Debug)]
pub struct OneTransistor {
    cols: usize,
    g: Vec<f64>,
    transistor: Transistor,
}

impl OneTransistor {
    pub fn new(cols: usize, g: Vec<f64>, transistor: Transistor) -> Result<OneTransistor, Vec<Diagnostic>> {
        let mut faults = vec![];
        let mut bad = super::geometry::Listing::default();
        for (k, g) in g.iter().enumerate() {
            if !(0.0..f64::INFINITY).contains(g) {
                bad.add(|| format!("{}: {g} S", place(k, cols.max(1))));
            }
        }
        bad.report(&mut faults, ARRAY_CELL, |n| format!("{n} cells have no valid conductance"));
        let t = &transistor;
        for (name, v) in [("beta", t.beta), ("n", t.n), ("phi", t.phi)] {
            if !(v > 0.0 && v.is_finite()) {
                faults.push(Diagnostic::error(ARRAY_LAW, format!("`{name}` of the transistors is {v}")));
            }
        }
        if !t.vt.is_finite() {
            faults.push(Diagnostic::error(ARRAY_LAW, format!("`vt` of the transistors is {}", t.vt)));
        }
        if faults.is_empty() { Ok(OneTransistor { cols, g, transistor }) } else { Err(faults) }
    }
}

impl GatedCells for OneTransistor {
    fn eval(&self, row: usize, col: usize, gate: f64, bit: f64, source: f64) -> (f64, f64, f64) {
        let g = self.g[row * self.cols + col];
        if g == 0.0 {
            return (0.0, 0.0, 0.0);
        }
        // g (bit - d) = I(d) has its solution between the two lines.
        let (mut lo, mut hi) = (bit.min(source), bit.max(source));
        let mut d = 0.5 * (lo + hi);
        let mut slopes = (0.0, 0.0);
        for _ in 0..100 {
            let (i, id, is) = self.transistor.eval(gate, d, source);
            slopes = (id, is);
            let h = i - g * (bit - d);
            let step = h / (id + g);
            if step.abs() <= 1e-15 * (bit.abs() + source.abs()) {
                break;
            }
            if h > 0.0 {
                hi = d;
            } else {
                lo = d;
            }
            let next = d - step;
            d = if next > lo && next < hi { next } else { 0.5 * (lo + hi) };
        }
        let (id, is) = slopes;
        let i = if id > g { g * (bit - d) } else { self.transistor.eval(gate, d, source).0 };
        (i, g * id / (g + id), g * is / (g + id))
    }

    fn conducts(&self, row: usize, col: usize) -> bool {
        self.g[row * self.cols + col] > 0.0
    }
}

/// Wires and drivers: as many bit and source lines as columns, one gate voltage for each row.
#[derive(Clone, Debug, PartialEq)]
pub struct Columns {
    pub rows: usize,
    pub cols: usize,
    pub bit: Plane,
    pub source: Plane,
    /// V
    pub gates: Vec<f64>,
}

/// Voltages and currents, row by row.
#[derive(Clone, Debug, Default)]
pub struct ColumnSolution {
    pub bit: Vec<f64>,
    pub source: Vec<f64>,
    pub cells: Vec<f64>,
    /// Current of all cells of a column, A.
    pub currents: Vec<f64>,
    pub certificate: Certificate,
    /// Newton steps of the column that took most.
    pub newton: usize,
}

impl Columns {
    /// Bit lines driven with these voltages at the top, source lines grounded at the bottom, each through a segment.
    pub fn driven(volts: &[f64], gates: Vec<f64>, wire: f64) -> Columns {
        let n = volts.len();
        let (mut bit, mut source) = (Plane::floating(n, wire), Plane::floating(n, wire));
        bit.ends[0] = volts.iter().map(|v| End::driven(*v, wire)).collect();
        source.ends[1] = vec![End::driven(0.0, wire); n];
        Columns { rows: gates.len(), cols: n, bit, source, gates }
    }

    fn faults(&self) -> Vec<Diagnostic> {
        // Both planes have the bit lines' shape.
        let both = [&self.bit, &self.source].map(|p| Geometry {
            rows: self.rows,
            cols: self.cols,
            word: Plane::floating(self.rows, 1.0),
            bit: p.clone(),
        });
        let mut out: Vec<Diagnostic> = both.iter().flat_map(Geometry::faults).collect();
        out.dedup();
        if self.gates.len() != self.rows {
            out.push(Diagnostic::error(ARRAY_SHAPE, format!("{} gates for {} rows", self.gates.len(), self.rows)));
        }
        if let Some(k) = self.gates.iter().position(|v| !v.is_finite()) {
            out.push(Diagnostic::error(ARRAY_WIRE, format!("gate of row {k}: {} V", self.gates[k])));
        }
        if self.bit.segment == 0.0 || self.source.segment == 0.0 {
            out.push(
                Diagnostic::error(ARRAY_WIRE, "bit and source lines without resistance")
                    .help("give their segments a resistance, if a small one"),
            );
        }
        out
    }

    /// Solves all columns.
    pub fn solve(
        &self,
        cells: &dyn GatedCells,
        settings: &Settings,
        control: &Control,
    ) -> Result<ColumnSolution, Vec<Diagnostic>> {
        let faults = self.faults();
        if !faults.is_empty() {
            return Err(faults);
        }
        let done = AtomicUsize::new(0);
        let columns: Vec<Result<Column, (usize, f64)>> = (0..self.cols)
            .into_par_iter()
            .map(|j| {
                if control.is_cancelled() {
                    let nan = || vec![f64::NAN; self.rows];
                    return Ok(Column { v: [nan(), nan()], i: nan(), is_partial: true, ..Column::default() });
                }
                let c = self.column(j, cells, settings);
                let n = done.fetch_add(1, Ordering::Relaxed) + 1;
                control.progress(
                    "columns",
                    &Progress { fraction: n as f64 / self.cols as f64, at: n as f64, step: 1.0, points: n },
                );
                c
            })
            .collect();
        let (m, n) = (self.rows, self.cols);
        let zero = || vec![0.0; m * n];
        let mut out = ColumnSolution { bit: zero(), source: zero(), cells: zero(), ..ColumnSolution::default() };
        let mut faults = vec![];
        for (j, column) in columns.into_iter().enumerate() {
            match column {
                Ok(c) => {
                    for i in 0..m {
                        out.bit[i * n + j] = c.v[0][i];
                        out.source[i * n + j] = c.v[1][i];
                        out.cells[i * n + j] = c.i[i];
                    }
                    out.currents.push(c.i.iter().sum());
                    let all = &mut out.certificate;
                    all.residual = all.residual.max(c.residual);
                    all.worst = all.worst.max(c.worst);
                    all.iterations += c.newton;
                    all.is_partial |= c.is_partial;
                    out.newton = out.newton.max(c.newton);
                }
                Err((row, residual)) => faults.push(
                    Diagnostic::error(
                        ARRAY_NO_CONVERGENCE,
                        format!("no solution for column {j}: out of balance by {residual:.3e} A"),
                    )
                    .note(format!("worst at the cell of {}", place(row * n + j, n))),
                ),
            }
        }
        faults.truncate(8);
        if faults.is_empty() { Ok(out) } else { Err(faults) }
    }

    fn column(&self, j: usize, cells: &dyn GatedCells, settings: &Settings) -> Result<Column, (usize, f64)> {
        let m = self.rows;
        let planes = [&self.bit, &self.source];
        let g = planes.map(|p| 1.0 / p.segment);
        let ends = planes.map(|p| [p.ends[0][j], p.ends[1][j]]);
        let broken = planes.map(|p| {
            let mut b = vec![false; m];
            p.opens.iter().filter(|o| o.0 == j).for_each(|o| b[o.1] = true);
            b
        });
        let start = ends.map(|e| {
            let driven: Vec<f64> = e.iter().filter(|e| !e.is_floating()).map(|e| e.volts).collect();
            driven.iter().sum::<f64>() / driven.len().max(1) as f64
        });
        let size =
            ends.iter().flatten().zip([g[0], g[0], g[1], g[1]]).fold(0.0f64, |s, (e, g)| {
                s.max(if e.is_floating() { 0.0 } else { e.volts.abs() / (e.ohms + 1.0 / g) })
            });
        let size = if size > 0.0 { size } else { 1e-6 };
        let mut c = Column { v: start.map(|v| vec![v; m]), i: vec![0.0; m], ..Column::default() };
        for p in 0..2 {
            for (e, k) in [(0, 0), (1, m - 1)] {
                if ends[p][e].ohms == 0.0 {
                    c.v[p][k] = ends[p][e].volts;
                }
            }
        }
        let tied = [0, 1].map(|p| {
            let floats = ends[p].iter().all(|e| e.is_floating());
            let lone = !(0..m).any(|i| cells.conducts(i, j));
            // A line that no cell joins to the other one, or both floating.
            floats && (lone || (p == 0 && ends[1].iter().all(|e| e.is_floating())))
        });
        let ladder = Ladder { g, ends, broken: &broken, tied };
        let mut slopes = vec![(0.0, 0.0); m];
        let mut r = [vec![0.0; m], vec![0.0; m]];
        let evaluate = |v: &[Vec<f64>; 2], i: &mut [f64], s: &mut [(f64, f64)], r: &mut [Vec<f64>; 2]| {
            for k in 0..m {
                let (current, b, q) = cells.eval(k, j, self.gates[k], v[0][k], v[1][k]);
                i[k] = current;
                s[k] = (b, q);
            }
            ladder.imbalance(v, i, r)
        };
        let (mut norm, mut worst) = evaluate(&c.v, &mut c.i, &mut slopes, &mut r);
        let mut trial = c.v.clone();
        let mut last = f64::INFINITY;
        for step in 0..ITERATIONS {
            if norm <= settings.tol * size && last <= 1e-7 || (norm <= 1e-10 * size && last <= 1e-12) {
                (c.residual, c.newton) = (norm / size, step);
                c.worst = r.iter().flatten().fold(0.0, |s, x| s.max(x.abs()));
                return Ok(c);
            }
            let d = ladder.solve(&slopes, &r);
            let mut length = 1.0;
            loop {
                for p in 0..2 {
                    for k in 0..m {
                        trial[p][k] = c.v[p][k] + length * d[k][p];
                    }
                }
                let (next, at) = evaluate(&trial, &mut c.i, &mut slopes, &mut r);
                if next <= (1.0 - 1e-4 * length) * norm || next <= 1e-10 * size {
                    (norm, worst) = (next, at);
                    break;
                }
                length *= 0.5;
                if length < 1e-9 {
                    return Err((at, next));
                }
            }
            last = length * d.iter().flatten().fold(0.0f64, |s, x| s.max(x.abs()));
            std::mem::swap(&mut c.v, &mut trial);
        }
        Err((worst, norm))
    }
}

/// One column.
#[derive(Clone, Debug, Default)]
struct Column {
    /// Bit and source line.
    v: [Vec<f64>; 2],
    i: Vec<f64>,
    residual: f64,
    worst: f64,
    newton: usize,
    is_partial: bool,
}

struct Ladder<'a> {
    g: [f64; 2],
    ends: [[End; 2]; 2],
    broken: &'a [Vec<bool>; 2],
    tied: [bool; 2],
}

impl Ladder<'_> {
    fn is_held(&self, p: usize, k: usize, m: usize) -> bool {
        (k == 0 && self.ends[p][0].ohms == 0.0) || (k + 1 == m && self.ends[p][1].ohms == 0.0)
    }

    /// Currents missing at the nodes; their norm, and where they are worst.
    fn imbalance(&self, v: &[Vec<f64>; 2], i: &[f64], r: &mut [Vec<f64>; 2]) -> (f64, usize) {
        let m = i.len();
        let (mut square, mut worst, mut at) = (0.0, -1.0, 0);
        for p in 0..2 {
            let sign = if p == 0 { -1.0 } else { 1.0 };
            for k in 0..m {
                let x = &v[p];
                let mut f = sign * i[k];
                if k > 0 && !self.broken[p][k - 1] {
                    f -= self.g[p] * (x[k] - x[k - 1]);
                }
                if k + 1 < m && !self.broken[p][k] {
                    f -= self.g[p] * (x[k] - x[k + 1]);
                }
                for (e, end) in [(0, 0), (1, m - 1)] {
                    let source = self.ends[p][e];
                    if k == end && !source.is_floating() {
                        f += (source.volts - x[k]) / source.ohms;
                    }
                }
                if k == 0 && self.tied[p] {
                    f -= TIE * x[k];
                }
                let f = if self.is_held(p, k, m) { 0.0 } else { f };
                r[p][k] = f;
                square += f * f;
                if !(f.abs() <= worst) {
                    (worst, at) = (f.abs(), k);
                }
            }
        }
        (f64::sqrt(square), at)
    }

    /// J d = r, blocks of 2 x 2 from one end to the other (block Thomas).
    fn solve(&self, slopes: &[(f64, f64)], r: &[Vec<f64>; 2]) -> Vec<[f64; 2]> {
        let m = slopes.len();
        // Of every node: the inverse of its block, and its right-hand side.
        let mut inverse = vec![[[0.0; 2]; 2]; m];
        let mut y = vec![[0.0; 2]; m];
        for k in 0..m {
            let (b, s) = slopes[k];
            let mut d = [[b, s], [-b, -s]];
            let mut f = [r[0][k], r[1][k]];
            for p in 0..2 {
                let up = k > 0 && !self.broken[p][k - 1];
                let down = k + 1 < m && !self.broken[p][k];
                d[p][p] += self.g[p] * (f64::from(u8::from(up)) + f64::from(u8::from(down)));
                for (e, end) in [(0, 0), (1, m - 1)] {
                    if k == end {
                        d[p][p] += self.ends[p][e].conductance().min(1e300);
                    }
                }
                if k == 0 && self.tied[p] {
                    d[p][p] += TIE;
                }
            }
            if k > 0 {
                // d -= C⁻ D⁻¹ C with the couplings C = -diag(g) to the node above.
                let c = [0, 1].map(|p| if self.coupled(p, k - 1, m) { self.g[p] } else { 0.0 });
                for p in 0..2 {
                    for q in 0..2 {
                        d[p][q] -= c[p] * inverse[k - 1][p][q] * c[q];
                    }
                    f[p] += c[p] * (inverse[k - 1][p][0] * y[k - 1][0] + inverse[k - 1][p][1] * y[k - 1][1]);
                }
            }
            for p in 0..2 {
                if self.is_held(p, k, m) {
                    d[p] = [0.0; 2];
                    d[p][p] = 1.0;
                    d[1 - p][p] = 0.0;
                    f[p] = 0.0;
                }
            }
            let det = d[0][0] * d[1][1] - d[0][1] * d[1][0];
            inverse[k] = [[d[1][1] / det, -d[0][1] / det], [-d[1][0] / det, d[0][0] / det]];
            y[k] = f;
        }
        let mut x = vec![[0.0; 2]; m];
        for k in (0..m).rev() {
            let mut f = y[k];
            if k + 1 < m {
                for p in 0..2 {
                    if self.coupled(p, k, m) {
                        f[p] += self.g[p] * x[k + 1][p];
                    }
                }
            }
            for p in 0..2 {
                x[k][p] = inverse[k][p][0] * f[0] + inverse[k][p][1] * f[1];
            }
        }
        x
    }

    /// Does node k move node k + 1 of the line, and the other way round? Held nodes do not move.
    fn coupled(&self, p: usize, k: usize, m: usize) -> bool {
        !self.broken[p][k] && !self.is_held(p, k, m) && !self.is_held(p, k + 1, m)
    }
}
