//! Arrays in time: line capacitances, charges and states of cells.
//!
//! ```text
//! at every step to t1 with the coefficients of the method:  d/dt q = a0 q(t1) + past
//!   lines:  a0 C goes to the diagonals of both planes, which makes them better conditioned than at rest
//!   cells:  each solves its states at t1 for the voltage it sees (see `cells`)
//! ```
//!
//! Step lengths follow the local error of states, charges and line voltages: the controller of `integrate`, with BDF of
//! order 1 and 2, restarted at every corner of the drivers' voltages.

use super::cells::Cells;
use super::linear::Settings;
use super::nonlinear::{Array, Past};
use crate::base::Control;
use crate::base::control::Progress;
use crate::base::units::format_si;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_SHAPE, ARRAY_STEP};
use crate::integrate::control::Verdict;
use crate::integrate::{Coefficients, Controller, History, Method};

/// Voltages of all lines at some times, straight lines between; before the first and after the last they stay.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Program {
    /// Time, s; voltages of the word lines, of the bit lines, V. Times rise.
    pub frames: Vec<(f64, Vec<f64>, Vec<f64>)>,
}

impl Program {
    /// From 0 V to these voltages and back: rise, flat top, fall, s, after a delay.
    pub fn pulse(word: &[f64], bit: &[f64], delay: f64, rise: f64, width: f64, fall: f64) -> Program {
        let zero = || (vec![0.0; word.len()], vec![0.0; bit.len()]);
        let full = || (word.to_vec(), bit.to_vec());
        let mut frames = vec![];
        let mut t = delay;
        if delay > 0.0 {
            frames.push((0.0, zero().0, zero().1));
        }
        for (step, (w, b)) in [(0.0, zero()), (rise, full()), (width, full()), (fall, zero())] {
            t += step;
            frames.push((t, w, b));
        }
        Program { frames }
    }

    fn at(&self, t: f64, word: &mut [f64], bit: &mut [f64]) {
        let k = self.frames.partition_point(|f| f.0 <= t);
        let (Some(a), b) = (self.frames.get(k.saturating_sub(1)), self.frames.get(k)) else { return };
        let share = match b {
            Some(b) if k > 0 => (t - a.0) / (b.0 - a.0),
            _ => 0.0,
        };
        let b = b.unwrap_or(a);
        let mix = |out: &mut [f64], p: &[f64], q: &[f64]| {
            out.iter_mut().zip(p.iter().zip(q)).for_each(|(o, (p, q))| *o = p + share * (q - p));
        };
        mix(word, &a.1, &b.1);
        mix(bit, &a.2, &b.2);
    }

    fn next_corner(&self, t: f64) -> f64 {
        self.frames.iter().map(|f| f.0).find(|c| *c > t * (1.0 + 1e-12) + 1e-300).unwrap_or(f64::INFINITY)
    }
}

/// How to go through time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TranSettings {
    /// s
    pub stop: f64,
    /// Relative tolerance of the local error.
    pub reltol: f64,
    /// Longest step, s; 0: the fiftieth part.
    pub max_step: f64,
    /// Of every point in time.
    pub solve: Settings,
}

impl TranSettings {
    pub fn new(stop: f64) -> TranSettings {
        TranSettings { stop, reltol: 1e-3, max_step: 0.0, solve: Settings { tol: 1e-9, iterations: 0 } }
    }
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TranStatistics {
    pub accepted: usize,
    pub rejected: usize,
    pub newton: usize,
    pub inner: usize,
    /// Energy from the sources, J.
    pub energy: f64,
    pub is_partial: bool,
}

/// Local error allowed, in tolerances: what SPICE's `trtol` is to its own estimate.
const LTE_FACTOR: f64 = 3.0;

/// Where things lie in the vectors that the integrator follows: nothing, the cells (terminal, then internals), the word
/// lines' nodes, the bit lines'.
struct Layout {
    cells: usize,
    /// Numbers for each cell.
    stride: usize,
    word: usize,
    bit: usize,
    len: usize,
}

/// Runs from 0 to `settings.stop`; `each` sees the array at time 0 and at every accepted point.
pub fn transient<C: Cells>(
    array: &mut Array<C>,
    program: &Program,
    settings: &TranSettings,
    control: &Control,
    mut each: impl FnMut(f64, &Array<C>),
) -> Result<TranStatistics, Diagnostic> {
    let (m, n) = (array.geometry().rows, array.geometry().cols);
    if program.frames.iter().any(|f| f.1.len() != m || f.2.len() != n) {
        return Err(Diagnostic::error(ARRAY_SHAPE, format!("the drivers' program is not for an array of {m} x {n}")));
    }
    let all = m * n;
    let stride = array.cells().internals().len() + 1;
    let (cw, cb) = (array.geometry().word.capacitance, array.geometry().bit.capacitance);
    let word = 1 + all * stride;
    let bit = word + if cw > 0.0 { all } else { 0 };
    let lay = Layout { cells: all, stride, word, bit, len: bit + if cb > 0.0 { all } else { 0 } };
    let mut statistics = TranStatistics::default();
    let (mut vw, mut vb) = (vec![0.0; m], vec![0.0; n]);
    let apply = |array: &mut Array<C>, t: f64, vw: &mut [f64], vb: &mut [f64]| {
        program.at(t, vw, vb);
        vw.iter().enumerate().for_each(|(k, v)| array.set_word_volts(k, *v));
        vb.iter().enumerate().for_each(|(k, v)| array.set_bit_volts(k, *v));
    };
    // The point at rest.
    array.c = vec![0.0; all * stride];
    apply(array, 0.0, &mut vw, &mut vb);
    array.solve(&settings.solve, control)?;
    let (mut x, mut q) = (vec![0.0; lay.len], vec![0.0; lay.len]);
    lay.pack(array, &mut x, &mut q);
    let mut history = History::new(lay.len);
    history.start(0.0, &x, &q, false);
    let mut controller = lay.controller(array, settings.reltol);
    controller.start(&x, &q);
    each(0.0, array);
    let (mut past, mut qdot, mut guess) = (vec![0.0; lay.len], vec![0.0; lay.len], vec![0.0; lay.len]);
    let (mut fw, mut fb) = (vec![0.0; all], vec![0.0; all]);
    let longest = if settings.max_step > 0.0 { settings.max_step } else { settings.stop / 50.0 };
    let shortest = 1e-12 * settings.stop;
    let mut corner = program.next_corner(0.0).min(settings.stop);
    let mut step = (1e-3 * settings.stop).min(0.02 * corner).min(longest);
    let (mut t, mut order) = (0.0, 1);
    let mut power = array.currents().source_power;
    let mut v = vec![0.0; all];
    while t < settings.stop * (1.0 - 1e-12) {
        if control.is_cancelled() {
            statistics.is_partial = true;
            break;
        }
        // Land on the corner, and leave no crumb before it.
        let left = corner - t;
        let is_landing = step >= left * (1.0 - 1e-9);
        let t1 = if is_landing {
            corner
        } else if step > 0.5 * left {
            t + 0.5 * left
        } else {
            t + step
        };
        let c = Coefficients::new(Method::Gear { max_order: 2 }, order, t1, history.times());
        history.combine(&c, &mut past);
        history.predict(t1, c.order, &mut guess);
        let old = lay.put(array, &guess);
        apply(array, t1, &mut vw, &mut vb);
        for (f, p) in [(&mut fw, lay.word..lay.bit), (&mut fb, lay.bit..lay.len)] {
            f.iter_mut().zip(&past[p]).for_each(|(f, p)| *f = -p);
        }
        let at = Past { time: t1, a0: c.a0, word: &fw, bit: &fb, cells: &past[1..lay.word] };
        let solved = array.step(&at, &settings.solve, control);
        statistics.newton += array.statistics.newton;
        statistics.inner += array.statistics.inner;
        array.statistics = super::Statistics::default();
        let verdict = match solved {
            Some(false) => {
                statistics.is_partial = true;
                lay.restore(array, old);
                break;
            }
            Some(true) => {
                lay.pack(array, &mut x, &mut q);
                controller.judge(&history, &c, t1, &x, &q, 1)
            }
            None => Verdict::Reject { retry: 0.25 * (t1 - t), worst: 0, error: f64::INFINITY },
        };
        match verdict {
            Verdict::Reject { retry, worst, .. } => {
                statistics.rejected += 1;
                lay.restore(array, old);
                step = retry.min(0.5 * (t1 - t));
                if step < shortest {
                    return Err(lay.collapse(array, t, step, worst, n));
                }
                if solved.is_none() {
                    history.restart();
                    order = 1;
                }
            }
            Verdict::Accept { next, .. } => {
                for (d, (q, p)) in qdot.iter_mut().zip(q.iter().zip(&past)) {
                    *d = c.a0 * q + p;
                }
                history.push(t1, &x, &q, &qdot);
                controller.accept(&x, &q);
                let now = array.currents().source_power;
                statistics.energy += 0.5 * (power + now) * (t1 - t);
                power = now;
                statistics.accepted += 1;
                v.iter_mut().zip(array.w.iter().zip(&array.b)).for_each(|(v, (w, b))| *v = w - b);
                let event = array.cells.accept(t1, &v, &array.z);
                t = t1;
                each(t, array);
                control.progress(
                    "tran",
                    &Progress { fraction: t / settings.stop, at: t, step: next, points: statistics.accepted },
                );
                step = next.min(longest);
                order = 2;
                if is_landing {
                    history.restart();
                    order = 1;
                    corner = program.next_corner(t).min(settings.stop);
                    step = step.min(0.05 * (corner - t)).max(shortest);
                }
                corner = corner.min(event.max(t + shortest));
            }
        }
    }
    Ok(statistics)
}

/// What a rejected step takes back.
struct Saved {
    w: Vec<f64>,
    b: Vec<f64>,
    z: Vec<f64>,
}

impl Layout {
    fn pack<C: Cells>(&self, a: &Array<C>, x: &mut [f64], q: &mut [f64]) {
        let k = self.stride - 1;
        for cell in 0..self.cells {
            let at = 1 + cell * self.stride;
            x[at] = a.w[cell] - a.b[cell];
            x[at + 1..at + self.stride].copy_from_slice(&a.z[cell * k..(cell + 1) * k]);
        }
        q[1..self.word].copy_from_slice(&a.c);
        for (from, to, v, c) in [
            (self.word, self.bit, &a.w, a.geometry().word.capacitance),
            (self.bit, self.len, &a.b, a.geometry().bit.capacitance),
        ] {
            if to > from {
                x[from..to].copy_from_slice(v);
                q[from..to].iter_mut().zip(v).for_each(|(q, v)| *q = c * v);
            }
        }
    }

    /// The array at a guess; what was there before.
    fn put<C: Cells>(&self, a: &mut Array<C>, x: &[f64]) -> Saved {
        let old = Saved { w: a.w.clone(), b: a.b.clone(), z: a.z.clone() };
        let k = self.stride - 1;
        for cell in 0..self.cells {
            let at = 1 + cell * self.stride;
            a.z[cell * k..(cell + 1) * k].copy_from_slice(&x[at + 1..at + self.stride]);
        }
        if self.bit > self.word {
            a.w.copy_from_slice(&x[self.word..self.bit]);
        }
        if self.len > self.bit {
            a.b.copy_from_slice(&x[self.bit..self.len]);
        }
        old
    }

    fn restore<C: Cells>(&self, a: &mut Array<C>, old: Saved) {
        (a.w, a.b, a.z) = (old.w, old.b, old.z);
    }

    fn controller<C: Cells>(&self, a: &Array<C>, reltol: f64) -> Controller {
        let mut abstol = vec![1e-6; self.len];
        let mut is_dynamic = vec![true; self.len];
        let mut class = vec![0; self.len];
        is_dynamic[0] = false;
        let has_charge = a.cells().has_charge();
        for cell in 0..self.cells {
            let at = 1 + cell * self.stride;
            is_dynamic[at] = has_charge;
            for (k, i) in a.cells().internals().iter().enumerate() {
                abstol[at + 1 + k] = i.abstol;
                is_dynamic[at + 1 + k] = i.is_dynamic;
                class[at + 1 + k] = 2;
            }
        }
        let mut c = Controller::new(reltol, LTE_FACTOR, abstol);
        c.is_dynamic = is_dynamic;
        c.class = class;
        c
    }

    fn collapse<C: Cells>(&self, a: &Array<C>, t: f64, step: f64, worst: usize, cols: usize) -> Diagnostic {
        let d = Diagnostic::error(
            ARRAY_STEP,
            format!("the time step fell to {} at {}", format_si(step, "s"), format_si(t, "s")),
        );
        if worst == 0 || worst >= self.word {
            return d.note("the equations of that point were not solved");
        }
        let (cell, part) = ((worst - 1) / self.stride, (worst - 1) % self.stride);
        let what = match part {
            0 => "the voltage".to_string(),
            k => format!("`{}`", a.cells().internals()[k - 1].name),
        };
        d.note(format!("fastest: {what} of the cell at {}", super::geometry::place(cell, cols)))
    }
}
