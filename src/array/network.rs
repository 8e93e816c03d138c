//! Arrays of cells on any number of lines: 1T1R with source lines along either side, cells with gates of their own, stacks of
//! layers that share their lines.
//!
//! ```text
//! planes of lines, each along the rows or along the columns; cells at every crossing, layer by layer, on one line of
//! some of the planes each (`taps`)
//!
//! repeat: every cell solves its inner equations for the voltages of its lines: currents i, slopes di/dv
//!         F <- imbalance of currents at the nodes of the lines;  stop if |F| <= tol |sources| and the last step was small
//!         factor J (wires and slopes);  J d = -F;  halve d until |F| falls
//! ```
//!
//! With a gate the slopes are not symmetric and currents depend on voltages against ground, so that the crossbar's conjugate
//! gradients do not apply. J has the nodes of the lines only, a few for each cell, and is solved line by line
//! ([`super::sweeps`]); where that would take long, it is factored exactly by nested dissection along rows and columns ([`crate::sparse::dissection::placed`]). Where columns share nothing, as in 1T1R arrays
//! with source lines along the bit lines, its factors have hardly more entries than itself.

#[cfg(test)]
mod tests;
mod wires;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use super::cells::{LineCells, LineFrame, Moment, Stuck};
use super::geometry::{Defect, MAX_CELLS, Plane, place, plane_faults};
use super::linear::{Certificate, Settings};
use super::nonlinear::Statistics;
use super::sweeps::{Accuracy, Sweeps};
use crate::base::Control;
use crate::base::control::Progress;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_NO_CONVERGENCE, ARRAY_PLACE, ARRAY_SHAPE, ARRAY_SIZE};
use crate::sparse::{Analysis, Builder, Kernel, Options, Pattern};
use wires::{crossing, name, number, side, stamps, undetermined};

const ITERATIONS: usize = 100;
/// A step is small when no voltage moves by more than this share of the largest source: at rest, in time. A small imbalance
/// is not enough where a line is tied to its driver weakly.
const SMALL: [f64; 2] = [1e-8, 1e-6];

/// Iterations with one evaluation each at most.
const QUICK: usize = 20;
/// How accurate the lines' corrections are where the cells' inner equations are solved in every iteration, and where they
/// are not: an iteration costs much more there than here.
const EXACT: Accuracy = Accuracy { residual: 1e-6, volts: 1e-4 };
const INEXACT: Accuracy = Accuracy { residual: 1e-5, volts: 1e-3 };
/// Kept factors serve as long as an iteration leaves less than this share of the imbalance.
const SLOW: f64 = 0.1;

/// One plane of lines, and how they run.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// For messages: `word`, `bit`, `source`, `gate`.
    pub name: &'static str,
    /// Along the rows: a line for each row. Else along the columns, end 0 at row 0.
    pub along_row: bool,
    pub plane: Plane,
}

/// Voltages of all lines, plane by plane, at some times; straight lines between.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetworkProgram {
    /// Time, s; V. Times rise.
    pub frames: Vec<(f64, Vec<Vec<f64>>)>,
}

/// What a step in time knows of the past.
pub(super) struct PastAt<'a> {
    pub time: f64,
    pub a0: f64,
    /// Of the unknowns with a capacitance.
    pub lines: &'a [f64],
    pub cells: &'a [f64],
}

/// An array with its work space.
pub struct Network<C: LineCells> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    planes: Vec<Lines>,
    /// The planes of a cell's lines, layer by layer.
    taps: Vec<Vec<usize>>,
    pub(super) cells: C,
    /// Unknown at every crossing, plane by plane; 0: held by a source.
    node: Vec<Vec<u32>>,
    analysis: Arc<Analysis>,
    kernel: Box<dyn Kernel<f64>>,
    /// None where lines are single nodes, which the factorization eliminates at once.
    sweeps: Option<Sweeps>,
    /// Wires and ends, by slot.
    fixed: Vec<f64>,
    values: Vec<f64>,
    /// Slots of each cell's slopes.
    slots: Vec<u32>,
    diagonal: Vec<u32>,
    /// Capacitance of every unknown to ground.
    pub(super) capacitance: Vec<f64>,
    /// Voltages by unknown; number 0 means nothing.
    pub(super) x: Vec<f64>,
    f: Vec<f64>,
    step: Vec<f64>,
    /// Voltages, currents, slopes of the cells' lines; internal unknowns; contents.
    pub(super) v: Vec<f64>,
    i: Vec<f64>,
    g: Vec<f64>,
    pub(super) z: Vec<f64>,
    pub(super) c: Vec<f64>,
    defects: Vec<(usize, Defect)>,
    /// Lines of a cell between which one that is stuck conducts.
    channel: (usize, usize),
    is_started: bool,
    /// In time: see [`Moment::quiet`].
    pub(super) quiet: f64,
    /// In time: the largest currents and voltages of the sources in the whole program, by which errors are measured. Those
    /// of the moment may be none.
    pub(super) largest: (f64, f64),
    /// The kernel has factors of a matrix like the present one.
    is_factored: bool,
    /// Where a step in time began.
    back: (Vec<f64>, Vec<f64>),
    pub statistics: Statistics,
}

impl<C: LineCells> Network<C> {
    /// `taps`: for every layer the planes of a cell's lines, in the cells' order.
    pub fn new(
        (rows, cols): (usize, usize),
        planes: Vec<Lines>,
        taps: Vec<Vec<usize>>,
        cells: C,
    ) -> Result<Network<C>, Vec<Diagnostic>> {
        let all = rows.checked_mul(cols).filter(|c| (1..=MAX_CELLS / 8).contains(c));
        let Some(all) = all else {
            return Err(vec![Diagnostic::error(ARRAY_SIZE, format!("an array of {rows} x {cols} cells"))]);
        };
        let mut faults = vec![];
        for p in &planes {
            let (lines, nodes) = if p.along_row { (rows, cols) } else { (cols, rows) };
            plane_faults(&p.plane, p.name, lines, nodes, &mut faults);
        }
        let t = cells.lines();
        if taps.iter().any(|l| l.len() != t || l.iter().any(|p| *p >= planes.len())) {
            faults.push(Diagnostic::error(
                ARRAY_SHAPE,
                format!("cells on {t} lines each, and {} planes: one plane for each line is wanted", planes.len()),
            ));
        }
        if cells.len() != all * taps.len() {
            let d = format!("{} cells for {} layers of {rows} x {cols}", cells.len(), taps.len());
            faults.push(Diagnostic::error(ARRAY_SHAPE, d));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut places = vec![];
        let mut capacitance = vec![0.0];
        let node: Vec<Vec<u32>> =
            planes.iter().map(|p| number(p, (rows, cols), &mut places, &mut capacitance)).collect();
        let n = places.len();
        let mut builder = Builder::new();
        stamps(&planes, &node, (rows, cols), &mut |a, b, _, _| {
            for (r, c) in [(a, a), (a, b), (b, a), (b, b)] {
                builder.add(r, c);
            }
        });
        for u in 1..=n as u32 {
            builder.add(u, u);
        }
        let first = builder.len();
        let layers = taps.iter().flat_map(|l| (0..all).map(move |k| (l, k)));
        for (tap, k) in layers {
            for a in tap {
                for b in tap {
                    builder.add(node[*a][k], node[*b][k]);
                }
            }
        }
        let (mut pattern, numbers) = builder.finish(n);
        pattern.place(places);
        let slots = numbers[first..].to_vec();
        drop(numbers);
        let pattern = Arc::new(pattern);
        let analysis = Analysis::new(&pattern).map_err(|s| vec![undetermined(&planes, &node, s.column, cols)])?;
        let kernel = (analysis.kernel("auto").real)(&analysis, &Options::default());
        let diagonal = (0..=n as u32).map(|u| pattern.slot(u, u)).collect();
        let mut z = vec![0.0; cells.len() * cells.internals().len()];
        cells.start(&mut z);
        let is_real = planes.iter().all(|p| p.plane.segment > 0.0);
        let sweeps = is_real.then(|| {
            let specs = planes.iter().zip(&node).map(|(p, node)| side(p, node, (rows, cols))).collect();
            Sweeps::new((rows, cols), specs, &taps, &capacitance)
        });
        let mut out = Network {
            rows,
            cols,
            v: vec![0.0; cells.len() * t],
            i: vec![0.0; cells.len() * t],
            g: vec![0.0; cells.len() * t * t],
            planes,
            taps,
            cells,
            node,
            analysis,
            kernel,
            sweeps,
            fixed: vec![0.0; pattern.slots()],
            values: vec![0.0; pattern.slots()],
            slots,
            diagonal,
            capacitance,
            x: vec![0.0; n + 1],
            f: vec![0.0; n + 1],
            step: vec![0.0; n],
            z,
            c: vec![],
            defects: vec![],
            channel: (0, t - 1),
            is_started: false,
            quiet: 0.0,
            largest: (0.0, 0.0),
            is_factored: false,
            back: (vec![], vec![]),
            statistics: Statistics::default(),
        };
        out.fix(&pattern);
        Ok(out)
    }

    /// Conductances of wires and ends.
    fn fix(&mut self, pattern: &Pattern) {
        let fixed = &mut self.fixed;
        stamps(&self.planes, &self.node, (self.rows, self.cols), &mut |a, b, g, _| {
            fixed[pattern.slot(a, a) as usize] += g;
            if b != a {
                fixed[pattern.slot(b, b) as usize] += g;
                fixed[pattern.slot(a, b) as usize] -= g;
                fixed[pattern.slot(b, a) as usize] -= g;
            }
        });
        fixed[0] = 0.0;
    }

    /// Cells that do not work; one that is stuck conducts between these two of its lines.
    pub fn set_defects(&mut self, defects: &[(usize, Defect)], channel: (usize, usize)) -> Result<(), Diagnostic> {
        let (cells, t) = (self.cells.len(), self.cells.lines());
        if let Some(bad) = defects.iter().find(|d| d.0 >= cells) {
            return Err(Diagnostic::error(ARRAY_PLACE, format!("there is no cell {} among {cells}", bad.0)));
        }
        if channel.0 >= t || channel.1 >= t {
            return Err(Diagnostic::error(ARRAY_SHAPE, format!("cells have the lines 0 to {}", t - 1)));
        }
        self.defects = defects.to_vec();
        self.channel = channel;
        Ok(())
    }

    pub fn planes(&self) -> &[Lines] {
        &self.planes
    }

    pub(super) fn taps(&self) -> &[Vec<usize>] {
        &self.taps
    }

    pub fn cells(&self) -> &C {
        &self.cells
    }

    /// The matrix of the lines: its kernel and its estimated cost.
    pub fn analysis(&self) -> &Analysis {
        &self.analysis
    }

    /// Sets the voltage of all ends of a line that are connected.
    pub fn set_volts(&mut self, plane: usize, line: usize, volts: f64) {
        if let Some(p) = self.planes.get_mut(plane) {
            p.plane.set_volts(line, volts);
        }
    }

    /// Voltage of a plane's line at a cell, V.
    pub fn voltage(&self, plane: usize, cell: usize) -> f64 {
        self.at(plane, cell, 1.0)
    }

    /// Number of the unknown of a plane's line at a cell; 0: held.
    pub(super) fn unknown(&self, plane: usize, cell: usize) -> u32 {
        self.node[plane][cell]
    }

    fn at(&self, plane: usize, cell: usize, level: f64) -> f64 {
        match self.node[plane][cell] {
            0 => level * self.held(plane, cell),
            u => self.x[u as usize],
        }
    }

    /// Voltage of the source that holds a node.
    fn held(&self, plane: usize, cell: usize) -> f64 {
        let p = &self.planes[plane];
        let (i, j) = (cell / self.cols, cell % self.cols);
        let (line, k) = if p.along_row { (i, j) } else { (j, i) };
        let ends = [p.plane.ends[0][line], p.plane.ends[1][line]];
        let is_first = ends[0].ohms == 0.0 && (p.plane.segment == 0.0 || k == 0);
        if is_first { ends[0].volts } else { ends[1].volts }
    }

    /// Currents out of its lines into a cell, A.
    pub fn cell_currents(&self, cell: usize) -> &[f64] {
        let t = self.cells.lines();
        &self.i[cell * t..(cell + 1) * t]
    }

    pub fn internals(&self) -> &[f64] {
        &self.z
    }

    pub fn internals_mut(&mut self) -> &mut [f64] {
        &mut self.z
    }

    /// Current into a line through one of its ends, A.
    pub fn end_current(&self, plane: usize, line: usize, end: usize) -> f64 {
        let p = &self.planes[plane];
        let e = p.plane.ends[end][line];
        if e.is_floating() {
            return 0.0;
        }
        let nodes = if p.along_row { self.cols } else { self.rows };
        let k = if end == 0 { 0 } else { nodes - 1 };
        let at = |k: usize| crossing(p.along_row, line, k, self.cols);
        if e.ohms > 0.0 {
            return (e.volts - self.voltage(plane, at(k))) / e.ohms;
        }
        // Held: what the cells at the node take, and what leaves through the wire and the other end.
        let all = self.rows * self.cols;
        let taken = |cell: usize| -> f64 {
            let t = self.cells.lines();
            let layers = self.taps.iter().enumerate();
            layers
                .flat_map(|(l, tap)| tap.iter().enumerate().filter(|(_, p)| **p == plane).map(move |(a, _)| (l, a)))
                .map(|(l, a)| self.i[(l * all + cell) * t + a])
                .sum()
        };
        if p.plane.segment == 0.0 {
            let other = p.plane.ends[1 - end][line];
            let sum: f64 = (0..nodes).map(|k| taken(at(k))).sum();
            let away =
                if other.is_floating() || other.ohms == 0.0 { 0.0 } else { (e.volts - other.volts) / other.ohms };
            return if other.ohms == 0.0 { 0.5 * sum } else { sum + away };
        }
        let (next, wire) = if end == 0 { (1, 0) } else { (nodes.wrapping_sub(2), nodes.wrapping_sub(2)) };
        let is_cut = nodes < 2 || p.plane.opens.contains(&(line, wire));
        let along = if is_cut { 0.0 } else { (e.volts - self.voltage(plane, at(next))) / p.plane.segment };
        taken(at(k)) + along
    }

    /// Power from the sources, W.
    pub fn source_power(&self) -> f64 {
        let mut sum = 0.0;
        for (p, lines) in self.planes.iter().enumerate() {
            for end in 0..2 {
                for (line, e) in lines.plane.ends[end].iter().enumerate() {
                    if !e.is_floating() && e.volts != 0.0 {
                        sum += e.volts * self.end_current(p, line, end);
                    }
                }
            }
        }
        sum
    }

    /// The static solution: states are held at their values.
    pub fn solve(&mut self, settings: &Settings, control: &Control) -> Result<Certificate, Diagnostic> {
        self.statistics = Statistics::default();
        let first = self.newton(1.0, None, settings, control);
        let found = if first.is_ok() { first } else { self.turn_up(settings, control) };
        found.map_err(|e| self.no_solution(e))
    }

    /// One step in time. `None`: not converged.
    pub(super) fn advance(&mut self, past: &PastAt, settings: &Settings, control: &Control) -> Option<bool> {
        let mut back = std::mem::take(&mut self.back);
        back.0.clone_from(&self.x);
        back.1.clone_from(&self.z);
        let mut found = self.quick(past, settings, control);
        if found.is_none() {
            self.x.copy_from_slice(&back.0);
            self.z.copy_from_slice(&back.1);
            self.is_factored = false;
            found = self.newton(1.0, Some(past), settings, control).ok().map(|c| !c.is_partial);
        }
        self.back = back;
        found
    }

    /// A step in time with one evaluation of the cells an iteration, and factors that are kept while they serve: matrices
    /// of neighbouring steps are much alike. `None`: this way does not converge.
    fn quick(&mut self, past: &PastAt, settings: &Settings, control: &Control) -> Option<bool> {
        let (size, top) = self.largest;
        let (mut last_step, mut last) = (f64::INFINITY, f64::INFINITY);
        let mut is_new = false;
        for iteration in 0..QUICK {
            let found = self.imbalance(1.0, Some(past), Some(iteration == 0)).ok()?;
            let Imbalance { norm, is_settled, .. } = found;
            if norm <= settings.tol * size && last_step <= SMALL[1] * top && is_settled {
                return Some(true);
            }
            if control.is_cancelled() {
                return Some(false);
            }
            if !norm.is_finite() || norm > 1e3 * last {
                return None;
            }
            self.step.iter_mut().zip(&self.f[1..]).for_each(|(s, f)| *s = -f);
            if !self.sweep(past.a0, INEXACT) {
                let is_slow = norm > SLOW * last && norm > settings.tol * size;
                if !self.is_factored || (is_slow && (!is_new || iteration > 3)) {
                    self.fill(past.a0);
                    self.kernel.update(&self.values).ok()?;
                    (self.is_factored, is_new) = (true, true);
                }
                self.kernel.solve(&mut self.step);
            }
            last_step = self.step.iter().fold(0.0f64, |s, d| if d.abs() <= s { s } else { d.abs() });
            self.statistics.newton += 1;
            // What is still missing is known to be small: no need to evaluate the cells there.
            if is_settled && norm <= settings.tol * size && last_step <= SMALL[1] * top {
                return Some(true);
            }
            self.x[1..].iter_mut().zip(&self.step).for_each(|(x, d)| *x += d);
            last = norm;
        }
        None
    }

    /// Solves for the step line by line. False: not possible, and it is as it was.
    fn sweep(&mut self, a0: f64, accuracy: Accuracy) -> bool {
        let Some(s) = &mut self.sweeps else { return false };
        let found = s.is_due() && s.set(&self.g, a0) && s.solve(&mut self.step, accuracy);
        // Factors from long ago serve nobody.
        self.is_factored &= !found;
        found
    }

    fn no_solution(&self, e: Failure) -> Diagnostic {
        let what = match e.cell {
            Some(cell) => format!("the cell at {}", place(cell % (self.rows * self.cols), self.cols)),
            None => self.name(e.node),
        };
        let d = Diagnostic::error(
            ARRAY_NO_CONVERGENCE,
            format!("no solution for the {} x {} array: out of balance by {:.3e} A", self.rows, self.cols, e.residual),
        );
        let d = d.note(format!("worst at {what}"));
        match e.why {
            Some(why) => d.note(why),
            None => d.help("try the cell alone at that voltage, or smaller voltages at the drivers"),
        }
    }

    fn name(&self, node: u32) -> String {
        name(&self.planes, &self.node, node, self.cols)
    }

    /// Voltages to begin at: the drivers' mean along each line; the middle of all for lines that float.
    fn start(&mut self, level: f64) {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        let mean = |p: &Lines, line: usize| {
            let driven = [0, 1].map(|e| p.plane.ends[e][line]).into_iter().filter(|e| !e.is_floating());
            let (sum, count) = driven.fold((0.0, 0.0), |s, e| (s.0 + e.volts, s.1 + 1.0));
            (count > 0.0).then(|| sum / count)
        };
        for p in &self.planes {
            for v in (0..p.plane.lines()).filter_map(|l| mean(p, l)) {
                (low, high) = (low.min(v), high.max(v));
            }
        }
        let middle = if low <= high { 0.5 * (low + high) } else { 0.0 };
        for (p, node) in self.planes.iter().zip(&self.node) {
            for (cell, u) in node.iter().enumerate().filter(|(_, u)| **u != 0) {
                let line = if p.along_row { cell / self.cols } else { cell % self.cols };
                self.x[*u as usize] = level * mean(p, line).unwrap_or(middle);
            }
        }
        self.is_started = true;
    }

    /// Evaluates the cells, their inner equations solved or once (`Some`: for the first time?), and the imbalance.
    fn imbalance(&mut self, level: f64, past: Option<&PastAt>, once: Option<bool>) -> Result<Imbalance, Stuck> {
        let (all, n, t) = (self.rows * self.cols, self.cols, self.cells.lines());
        let inner = self.cells.internals().len();
        let mut v = std::mem::take(&mut self.v);
        for (own, tap) in v.chunks_exact_mut(all * t).zip(&self.taps) {
            for (a, &p) in tap.iter().enumerate() {
                for ((cell, v), u) in own[a..].iter_mut().step_by(t).enumerate().zip(&self.node[p]) {
                    *v = if *u == 0 { level * self.held(p, cell) } else { self.x[*u as usize] };
                }
            }
        }
        self.v = v;
        let has_contents = !self.c.is_empty();
        let contents = t + inner;
        let cells = &self.cells;
        let mut nothing: Vec<&mut [f64]> = vec![];
        let mut c: Vec<&mut [f64]> = if has_contents {
            self.c.chunks_mut(n * contents).collect()
        } else {
            nothing.resize_with(self.taps.len() * self.rows, Default::default);
            nothing
        };
        let mut z: Vec<&mut [f64]> = if inner > 0 {
            self.z.chunks_mut(n * inner).collect()
        } else {
            (0..self.taps.len() * self.rows).map(|_| Default::default()).collect()
        };
        let unsettled = AtomicBool::new(false);
        let quiet = if once.is_some() { self.quiet } else { 0.0 };
        (self.v.par_chunks(n * t), self.i.par_chunks_mut(n * t), self.g.par_chunks_mut(n * t * t))
            .into_par_iter()
            .zip(z.par_iter_mut().zip(c.par_iter_mut()))
            .enumerate()
            .map(|(row, ((v, i, g), (z, c)))| {
                let moment = match past {
                    None => Moment::STATIC,
                    Some(p) => {
                        let past = &p.cells[row * n * contents..(row + 1) * n * contents];
                        Moment { time: p.time, a0: p.a0, quiet, past }
                    }
                };
                let frame = LineFrame { first: row * n, v, z, i, g, c };
                match once {
                    None => cells.eval(&moment, frame),
                    Some(is_first) => cells.once(&moment, is_first, frame).map(|settled| {
                        unsettled.fetch_or(!settled, Ordering::Relaxed);
                    }),
                }
            })
            // All rows, whatever becomes of the others: what they keep does not depend on who came first.
            .reduce(|| Ok(()), |first, next| first.and(next))?;
        for &(cell, d) in &self.defects {
            let (i, g) = (&mut self.i[cell * t..(cell + 1) * t], &mut self.g[cell * t * t..(cell + 1) * t * t]);
            i.fill(0.0);
            g.fill(0.0);
            if let Defect::Stuck(s) = d {
                let (a, b) = self.channel;
                let v = &self.v[cell * t..(cell + 1) * t];
                (i[a], i[b]) = (s * (v[a] - v[b]), s * (v[b] - v[a]));
                (g[a * t + a], g[a * t + b], g[b * t + a], g[b * t + b]) = (s, -s, -s, s);
            }
            if has_contents {
                self.c[cell * contents..cell * contents + t].fill(0.0);
            }
        }
        self.f.fill(0.0);
        let (f, x, planes) = (&mut self.f, &self.x, &self.planes);
        let volts = |u: u32, held: f64| if u == 0 { level * held } else { x[u as usize] };
        stamps(planes, &self.node, (self.rows, self.cols), &mut |a, b, g, held| {
            let current = g * (volts(a, held[0]) - volts(b, held[1]));
            f[a as usize] += current;
            f[b as usize] -= current;
        });
        for (own, tap) in self.i.chunks_exact(all * t).zip(&self.taps) {
            for (a, &p) in tap.iter().enumerate() {
                for (i, u) in own[a..].iter().step_by(t).zip(&self.node[p]) {
                    f[*u as usize] += i;
                }
            }
        }
        if let Some(p) = past {
            for (u, c) in self.capacitance.iter().enumerate().skip(1).filter(|c| *c.1 != 0.0) {
                f[u] += p.a0 * c * x[u] + p.lines[u];
            }
        }
        f[0] = 0.0;
        let (mut square, mut worst, mut node) = (0.0, -1.0, 0);
        for (u, r) in f.iter().enumerate().skip(1) {
            square += r * r;
            if !(r.abs() <= worst) {
                (worst, node) = (r.abs(), u as u32);
            }
        }
        let is_settled = !unsettled.into_inner();
        Ok(Imbalance { norm: f64::sqrt(square), worst: worst.max(0.0), node, is_settled })
    }

    /// The currents that the sources could drive: what an imbalance is measured by.
    fn scale(&self, level: f64) -> f64 {
        let mut square = 0.0;
        for p in &self.planes {
            let wire = p.plane.segment;
            for e in p.plane.ends.iter().flatten().filter(|e| !e.is_floating() && e.ohms + wire > 0.0) {
                square += (level * e.volts / (e.ohms + wire)).powi(2);
            }
        }
        let scale = f64::sqrt(square);
        if scale > 0.0 { scale } else { 1e-6 }
    }

    /// What errors are measured by: the currents that the sources could drive, and their largest voltage.
    pub(super) fn sizes(&self, level: f64) -> (f64, f64) {
        let ends = self.planes.iter().flat_map(|p| p.plane.ends.iter().flatten());
        (self.scale(level), ends.fold(0.0f64, |s, e| s.max(e.volts.abs())).max(1e-3))
    }

    fn newton(
        &mut self,
        level: f64,
        past: Option<&PastAt>,
        settings: &Settings,
        control: &Control,
    ) -> Result<Certificate, Failure> {
        if !self.is_started {
            self.start(level);
        }
        let n = self.x.len() - 1;
        let (size, top) = match past {
            None => {
                let (size, top) = self.sizes(level);
                (size, top * level.max(1e-3))
            }
            Some(_) => self.largest,
        };
        let small = SMALL[usize::from(past.is_some())];
        let stuck = |s: Stuck| Failure { cell: Some(s.cell), node: 0, residual: f64::NAN, why: Some(s.text) };
        let Imbalance { mut norm, mut worst, mut node, .. } = self.imbalance(level, past, None).map_err(stuck)?;
        self.is_factored = false;
        let (mut last_step, mut least) = (f64::INFINITY, f64::INFINITY);
        for iteration in 0..ITERATIONS {
            let rel = norm / size;
            let is_floor = rel < 1e-9 && rel > 0.5 * least && last_step <= small * top;
            let is_cancelled = control.is_cancelled();
            if (rel <= settings.tol && last_step <= small * top) || is_floor || is_cancelled {
                let iterations = self.statistics.newton;
                return Ok(Certificate { iterations, residual: rel, worst, is_partial: is_cancelled });
            }
            if !rel.is_finite() {
                return Err(Failure { cell: None, node, residual: norm, why: None });
            }
            least = least.min(rel);
            if past.is_none() {
                let fraction = ((1.0 / rel).ln() / (1.0 / settings.tol).ln()).clamp(0.0, 1.0);
                control.progress("newton", &Progress { fraction, at: rel, step: last_step, points: iteration });
            }
            self.step.iter_mut().zip(&self.f[1..]).for_each(|(s, f)| *s = -f);
            let a0 = past.map_or(0.0, |p| p.a0);
            // In time this is for steps that failed the quick way: nothing but the cells is left to chance.
            if past.is_some() || !self.sweep(a0, EXACT) {
                self.fill(a0);
                if let Err(s) = self.kernel.update(&self.values) {
                    let why = format!("nothing determines the voltage of {}", self.name(s.column));
                    return Err(Failure { cell: None, node: s.column, residual: norm, why: Some(why) });
                }
                self.kernel.solve(&mut self.step);
            }
            self.statistics.newton += 1;
            let (mut done, mut length) = (0.0, 1.0);
            loop {
                let by = length - done;
                self.x[1..].iter_mut().zip(&self.step).for_each(|(x, d)| *x += by * d);
                done = length;
                let (r, w, k) = match self.imbalance(level, past, None) {
                    Ok(Imbalance { norm, worst, node, .. }) => (norm, worst, node),
                    Err(s) if length < 1e-3 => return Err(stuck(s)),
                    Err(_) => (f64::INFINITY, 0.0, node),
                };
                if r <= (1.0 - 1e-4 * length) * norm || (r < 1e-9 * size && r <= 2.0 * norm) {
                    (norm, worst, node) = (r, w, k);
                    break;
                }
                if length < 1e-6 {
                    return Err(Failure { cell: None, node: k, residual: r, why: None });
                }
                length *= if r.is_finite() { 0.5 } else { 0.1 };
                self.statistics.damped += 1;
            }
            last_step = length * self.step[..n].iter().fold(0.0f64, |s, d| s.max(d.abs()));
        }
        Err(Failure { cell: None, node, residual: norm, why: None })
    }

    /// The matrix at the present slopes.
    fn fill(&mut self, a0: f64) {
        let t = self.cells.lines();
        self.values.copy_from_slice(&self.fixed);
        for (slots, g) in self.slots.chunks_exact(t * t).zip(self.g.chunks_exact(t * t)) {
            for (s, g) in slots.iter().zip(g) {
                self.values[*s as usize] += g;
            }
        }
        if a0 != 0.0 {
            for (slot, c) in self.diagonal.iter().zip(&self.capacitance) {
                self.values[*slot as usize] += a0 * c;
            }
        }
        self.values[0] = 0.0;
    }

    /// Turns the sources up from 0.
    fn turn_up(&mut self, settings: &Settings, control: &Control) -> Result<Certificate, Failure> {
        self.cells.start(&mut self.z);
        let (mut level, mut step) = (0.0, 0.1);
        let (mut x, mut z) = (self.x.clone(), self.z.clone());
        loop {
            let next = f64::min(1.0, level + step);
            if level == 0.0 {
                self.start(next);
            }
            match self.newton(next, None, settings, control) {
                Ok(c) => {
                    self.statistics.levels += 1;
                    level = next;
                    if level == 1.0 || c.is_partial {
                        return Ok(c);
                    }
                    step *= 2.0;
                    x.copy_from_slice(&self.x);
                    z.copy_from_slice(&self.z);
                }
                Err(e) => {
                    step *= 0.25;
                    if step < 1e-3 {
                        return Err(e);
                    }
                    self.x.copy_from_slice(&x);
                    self.z.copy_from_slice(&z);
                }
            }
        }
    }
}

/// Missing currents.
struct Imbalance {
    norm: f64,
    /// The largest, A, and its node.
    worst: f64,
    node: u32,
    /// The inner equations of all cells are solved.
    is_settled: bool,
}

/// Why there is no solution.
struct Failure {
    cell: Option<usize>,
    node: u32,
    residual: f64,
    why: Option<String>,
}
