//! Arrays in time: line capacitances, charges and states of cells.
//!
//! ```text
//! at every step to t1 with the coefficients of the method:  d/dt q = a0 q(t1) + past
//!   lines:  a0 C goes to the diagonals of both planes, which makes them better conditioned than at rest
//!   cells:  each solves its states at t1 for the voltage it sees (see `cells`)
//! ```
//!
//! Step lengths follow the local error of states, charges and line voltages (see `march`).

use super::cells::Cells;
use super::linear::Settings;
use super::march::{Dynamic, LTE_FACTOR, Stepped, march};
pub use super::march::{TranSettings, TranStatistics};
use super::nonlinear::{Array, Past};
use crate::base::Control;
use crate::base::units::format_si;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_SHAPE, ARRAY_STEP};
use crate::integrate::Controller;

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
    array.c = vec![0.0; all * stride];
    let mut driven = Driven {
        old: Saved { w: array.w.clone(), b: array.b.clone(), z: array.z.clone() },
        array,
        program,
        lay,
        vw: vec![0.0; m],
        vb: vec![0.0; n],
        fw: vec![0.0; all],
        fb: vec![0.0; all],
        v: vec![0.0; all],
    };
    march(&mut driven, settings, control, |t, d| each(t, d.array))
}

/// An array and its drivers.
struct Driven<'a, C: Cells> {
    array: &'a mut Array<C>,
    program: &'a Program,
    lay: Layout,
    old: Saved,
    vw: Vec<f64>,
    vb: Vec<f64>,
    fw: Vec<f64>,
    fb: Vec<f64>,
    v: Vec<f64>,
}

impl<C: Cells> Dynamic for Driven<'_, C> {
    fn len(&self) -> usize {
        self.lay.len
    }

    fn next_corner(&self, t: f64) -> f64 {
        self.program.next_corner(t)
    }

    fn drive(&mut self, t: f64) {
        self.program.at(t, &mut self.vw, &mut self.vb);
        self.vw.iter().enumerate().for_each(|(k, v)| self.array.set_word_volts(k, *v));
        self.vb.iter().enumerate().for_each(|(k, v)| self.array.set_bit_volts(k, *v));
    }

    fn rest(&mut self, settings: &Settings, control: &Control) -> Result<(), Diagnostic> {
        self.array.solve(settings, control).map(|_| ())
    }

    fn pack(&self, x: &mut [f64], q: &mut [f64]) {
        self.lay.pack(self.array, x, q);
    }

    fn put(&mut self, guess: &[f64]) {
        self.lay.put(self.array, guess);
    }

    fn keep(&mut self) {
        self.old.keep(self.array);
    }

    fn restore(&mut self) {
        self.old.restore(self.array);
    }

    fn step(&mut self, t1: f64, a0: f64, past: &[f64], settings: &Settings, control: &Control) -> Stepped {
        let lay = &self.lay;
        for (f, p) in [(&mut self.fw, lay.word..lay.bit), (&mut self.fb, lay.bit..lay.len)] {
            f.iter_mut().zip(&past[p]).for_each(|(f, p)| *f = -p);
        }
        let at = Past { time: t1, a0, word: &self.fw, bit: &self.fb, cells: &past[1..lay.word] };
        let solved = self.array.step(&at, settings, control);
        let s = std::mem::take(&mut self.array.statistics);
        Stepped { solved, newton: s.newton, inner: s.inner }
    }

    fn controller(&self, reltol: f64) -> Controller {
        self.lay.controller(self.array, reltol)
    }

    fn expect(&self, x: &mut [f64]) {
        let (lay, n) = (&self.lay, self.array.geometry().cols);
        let raise = |x: &mut f64, top: f64| *x = x.abs().max(top);
        for (_, word, bit) in &self.program.frames {
            for (k, x) in x[lay.word..lay.bit].iter_mut().enumerate() {
                raise(x, word[k / n].abs());
            }
            for (k, x) in x[lay.bit..lay.len].iter_mut().enumerate() {
                raise(x, bit[k % n].abs());
            }
        }
    }

    fn power(&self) -> f64 {
        self.array.source_power()
    }

    fn accept(&mut self, t: f64) -> f64 {
        let a = &mut *self.array;
        self.v.iter_mut().zip(a.w.iter().zip(&a.b)).for_each(|(v, (w, b))| *v = w - b);
        a.cells.accept(t, &self.v, &a.z)
    }

    fn collapse(&self, t: f64, step: f64, worst: usize) -> Diagnostic {
        self.lay.collapse(self.array, t, step, worst, self.array.geometry().cols)
    }
}

/// What a rejected step takes back.
struct Saved {
    w: Vec<f64>,
    b: Vec<f64>,
    z: Vec<f64>,
}

impl Saved {
    fn keep<C: Cells>(&mut self, a: &Array<C>) {
        self.w.copy_from_slice(&a.w);
        self.b.copy_from_slice(&a.b);
        self.z.copy_from_slice(&a.z);
    }

    fn restore<C: Cells>(&self, a: &mut Array<C>) {
        a.w.copy_from_slice(&self.w);
        a.b.copy_from_slice(&self.b);
        a.z.copy_from_slice(&self.z);
    }
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

    /// The array at a guess.
    fn put<C: Cells>(&self, a: &mut Array<C>, x: &[f64]) {
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
