//! Networks of cells in time.

use super::cells::LineCells;
use super::geometry::place;
use super::linear::Settings;
use super::march::{Dynamic, LTE_FACTOR, Stepped, TranSettings, TranStatistics, march};
use super::network::{Network, NetworkProgram, PastAt};
use crate::base::Control;
use crate::base::units::format_si;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_SHAPE, ARRAY_STEP};
use crate::integrate::Controller;

impl NetworkProgram {
    /// From 0 V to these voltages, plane by plane, and back: delay, rise, flat top, fall, s.
    pub fn pulse(volts: &[Vec<f64>], delay: f64, rise: f64, width: f64, fall: f64) -> NetworkProgram {
        let zero: Vec<Vec<f64>> = volts.iter().map(|v| vec![0.0; v.len()]).collect();
        let mut frames = vec![];
        if delay > 0.0 {
            frames.push((0.0, zero.clone()));
        }
        let mut t = delay;
        for (step, v) in [(0.0, zero.clone()), (rise, volts.to_vec()), (width, volts.to_vec()), (fall, zero)] {
            t += step;
            frames.push((t, v));
        }
        NetworkProgram { frames }
    }

    /// Calls with plane, line and voltage.
    fn at(&self, t: f64, mut set: impl FnMut(usize, usize, f64)) {
        let k = self.frames.partition_point(|f| f.0 <= t);
        let Some(a) = self.frames.get(k.saturating_sub(1)) else { return };
        let b = self.frames.get(k).filter(|_| k > 0);
        let share = b.map_or(0.0, |b| (t - a.0) / (b.0 - a.0));
        let b = b.unwrap_or(a);
        for (p, (from, to)) in a.1.iter().zip(&b.1).enumerate() {
            for (line, (x, y)) in from.iter().zip(to).enumerate() {
                set(p, line, x + share * (y - x));
            }
        }
    }

    fn next_corner(&self, t: f64) -> f64 {
        self.frames.iter().map(|f| f.0).find(|c| *c > t * (1.0 + 1e-12) + 1e-300).unwrap_or(f64::INFINITY)
    }
}

impl<C: LineCells> Network<C> {
    /// Runs from 0 to `settings.stop`; `each` sees the array at time 0 and at every accepted point.
    pub fn transient(
        &mut self,
        program: &NetworkProgram,
        settings: &TranSettings,
        control: &Control,
        mut each: impl FnMut(f64, &Network<C>),
    ) -> Result<TranStatistics, Diagnostic> {
        let lines: Vec<usize> = self.planes().iter().map(|p| p.plane.lines()).collect();
        let fits = |f: &(f64, Vec<Vec<f64>>)| f.1.iter().map(Vec::len).eq(lines.iter().copied());
        if !program.frames.iter().all(fits) {
            return Err(Diagnostic::error(ARRAY_SHAPE, "the drivers' program is not for the planes of this array"));
        }
        let stride = self.cells.lines() + self.cells.internals().len();
        self.c = vec![0.0; self.cells.len() * stride];
        self.largest = (0.0, 0.0);
        for (_, planes) in &program.frames {
            for (p, volts) in planes.iter().enumerate() {
                volts.iter().enumerate().for_each(|(line, v)| self.set_volts(p, line, *v));
            }
            let (size, top) = self.sizes(1.0);
            self.largest = (size.max(self.largest.0), top.max(self.largest.1));
        }
        // A share of the tolerance of the currents of junctions, the steepest that there are.
        self.quiet = 0.02585 * (0.1 * settings.reltol).sqrt();
        let mut driven = Driven { old: (self.x.clone(), self.z.clone()), network: self, program, stride };
        march(&mut driven, settings, control, |t, d| each(t, d.network))
    }
}

/// Followed are the cells (lines, then internals) and the voltages of lines with a capacitance.
struct Driven<'a, C: LineCells> {
    network: &'a mut Network<C>,
    program: &'a NetworkProgram,
    stride: usize,
    old: (Vec<f64>, Vec<f64>),
}

impl<C: LineCells> Driven<'_, C> {
    /// Where the lines' unknowns begin.
    fn lines_at(&self) -> usize {
        1 + self.network.cells.len() * self.stride
    }
}

impl<C: LineCells> Dynamic for Driven<'_, C> {
    fn len(&self) -> usize {
        self.lines_at() + self.network.x.len()
    }

    fn next_corner(&self, t: f64) -> f64 {
        self.program.next_corner(t)
    }

    fn drive(&mut self, t: f64) {
        let network = &mut *self.network;
        self.program.at(t, |plane, line, v| network.set_volts(plane, line, v));
    }

    fn rest(&mut self, settings: &Settings, control: &Control) -> Result<(), Diagnostic> {
        self.network.solve(settings, control).map(|_| ())
    }

    fn pack(&self, x: &mut [f64], q: &mut [f64]) {
        let (a, at) = (&*self.network, self.lines_at());
        let (t, k) = (a.cells.lines(), a.cells.internals().len());
        for cell in 0..a.cells.len() {
            let to = 1 + cell * self.stride;
            x[to..to + t].copy_from_slice(&a.v[cell * t..(cell + 1) * t]);
            x[to + t..to + t + k].copy_from_slice(&a.z[cell * k..(cell + 1) * k]);
        }
        q[1..at].copy_from_slice(&a.c);
        x[at..].copy_from_slice(&a.x);
        for (q, (c, v)) in q[at..].iter_mut().zip(a.capacitance.iter().zip(&a.x)) {
            *q = c * v;
        }
    }

    fn put(&mut self, guess: &[f64]) {
        let at = self.lines_at();
        let a = &mut *self.network;
        let (t, k) = (a.cells.lines(), a.cells.internals().len());
        for cell in 0..a.cells.len() {
            let from = 1 + cell * self.stride + t;
            a.z[cell * k..(cell + 1) * k].copy_from_slice(&guess[from..from + k]);
        }
        a.x.copy_from_slice(&guess[at..]);
    }

    fn keep(&mut self) {
        self.old.0.copy_from_slice(&self.network.x);
        self.old.1.copy_from_slice(&self.network.z);
    }

    fn restore(&mut self) {
        self.network.x.copy_from_slice(&self.old.0);
        self.network.z.copy_from_slice(&self.old.1);
    }

    fn step(&mut self, t1: f64, a0: f64, past: &[f64], settings: &Settings, control: &Control) -> Stepped {
        let at = self.lines_at();
        let p = PastAt { time: t1, a0, lines: &past[at..], cells: &past[1..at] };
        let solved = self.network.advance(&p, settings, control);
        let s = std::mem::take(&mut self.network.statistics);
        Stepped { solved, newton: s.newton, inner: 0 }
    }

    fn controller(&self, reltol: f64) -> Controller {
        let (a, at) = (&*self.network, self.lines_at());
        let t = a.cells.lines();
        let mut abstol = vec![1e-6; self.len()];
        let mut is_dynamic = vec![false; self.len()];
        let mut class = vec![0; self.len()];
        for cell in 0..a.cells.len() {
            let from = 1 + cell * self.stride;
            (0..t).for_each(|l| is_dynamic[from + l] = a.cells.is_stored(l));
            for (k, i) in a.cells.internals().iter().enumerate() {
                abstol[from + t + k] = i.abstol;
                is_dynamic[from + t + k] = i.is_dynamic;
                class[from + t + k] = 2;
            }
        }
        for (k, c) in a.capacitance.iter().enumerate() {
            is_dynamic[at + k] = *c > 0.0;
        }
        let mut c = Controller::new(reltol, LTE_FACTOR, abstol);
        c.is_dynamic = is_dynamic;
        c.class = class;
        c
    }

    fn expect(&self, x: &mut [f64]) {
        let (a, at) = (&*self.network, self.lines_at());
        let top = |p: usize, line: usize| self.program.frames.iter().fold(0.0f64, |s, f| s.max(f.1[p][line].abs()));
        let tops: Vec<Vec<f64>> =
            a.planes().iter().enumerate().map(|(p, l)| (0..l.plane.lines()).map(|k| top(p, k)).collect()).collect();
        let all = a.rows * a.cols;
        // A cell answers to differences of its lines: an error of the one at ground counts like one of those beside it.
        for (layer, tap) in a.taps().iter().enumerate() {
            for cell in 0..all {
                let line = |p: usize| if a.planes()[p].along_row { cell / a.cols } else { cell % a.cols };
                let most = tap.iter().fold(0.0f64, |s, &p| s.max(tops[p][line(p)]));
                for (l, &p) in tap.iter().enumerate() {
                    let own = 1 + (layer * all + cell) * self.stride + l;
                    x[own] = x[own].abs().max(most);
                    match a.unknown(p, cell) {
                        0 => {}
                        u => x[at + u as usize] = x[at + u as usize].abs().max(most),
                    }
                }
            }
        }
    }

    fn power(&self) -> f64 {
        self.network.source_power()
    }

    fn accept(&mut self, t: f64) -> f64 {
        let a = &mut *self.network;
        a.cells.accept(t, &a.v, &a.z)
    }

    fn collapse(&self, t: f64, step: f64, worst: usize) -> Diagnostic {
        let a = &*self.network;
        let d = Diagnostic::error(
            ARRAY_STEP,
            format!("the time step fell to {} at {}", format_si(step, "s"), format_si(t, "s")),
        );
        if worst == 0 || worst >= self.lines_at() {
            return d.note("the equations of that point were not solved");
        }
        let (cell, part) = ((worst - 1) / self.stride, (worst - 1) % self.stride);
        let what = match part.checked_sub(a.cells.lines()) {
            None => "a voltage".to_string(),
            Some(k) => format!("`{}`", a.cells.internals()[k].name),
        };
        d.note(format!("fastest: {what} of the cell at {}", place(cell % (a.rows * a.cols), a.cols)))
    }
}
