//! The step controller: local truncation error from the distance between corrector and predictor.
//!
//! With the predictor polynomial of degree k through the last k+1 points, x₁ - x_pred = (E + Πⱼ(t₁-tₙ₋ⱼ)/(k+1)!) x⁽ᵏ⁺¹⁾,
//! of which E x⁽ᵏ⁺¹⁾ is the method's own error; their ratio is known, so the difference gives the error.
//!
//! The error is judged on unknowns that carry charge, flux or state, each against its own tolerance
//! `lte_factor (reltol ref + abstol)`, ref being the recent magnitude of that unknown (a leaky maximum: a signal that
//! crosses zero keeps its scale, one that dies away loses it). Unknowns without content (currents of voltage sources
//! above all) may ring under the trapezoidal rule however short the steps are, so they never reject or shorten one; they
//! only keep steps from growing beyond the resolution that the user asked for.

use super::history::{DEPTH, History};
use super::method::{Coefficients, MAX_ORDER, factorial};

/// What became of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// Accepted; the step to try next and its order. `rings`: an unknown without content left its own extrapolation,
    /// which the trapezoidal rule does step after step once it has begun.
    Accept { next: f64, order: usize, rings: bool },
    /// Rejected by the local truncation error; try this step.
    Reject { retry: f64, worst: usize, error: f64 },
}

/// Per-unknown tolerances and the recent magnitudes.
#[derive(Clone, Debug)]
pub struct Controller {
    pub reltol: f64,
    /// Allowed local error in units of the tolerance (`trtol` scaled).
    pub lte_factor: f64,
    pub abstol: Vec<f64>,
    /// Unknowns that carry charge, flux or state.
    pub is_dynamic: Vec<bool>,
    /// 0 voltage, 1 current, else a quantity with a scale of its own.
    pub class: Vec<u8>,
    /// Steps longer than this (the print step) must be fifty times as accurate: what is printed is resolved, and
    /// quiet stretches are still leapt over.
    pub resolution: f64,
    /// Rows whose content is a nonlinear function: a junction's charge moves by decades where its voltage moves by
    /// tens of millivolts, so that the error of the voltage says too little.
    pub content_rows: Vec<u32>,
    /// Steps in a row, since the last corner, that nothing but the resolution kept short.
    held: u32,
    /// Absolute tolerance on those contents (`chgtol`).
    pub chgtol: f64,
    /// Recent magnitude of the content of each of `content_rows`.
    content_reference: Vec<f64>,
    /// Divided difference (in tolerances) of the last accepted step: what smooth means here.
    roughness: f64,
    /// Error and length of the last accepted step, if it was judged.
    previous: Option<(f64, f64)>,
    reference: Vec<f64>,
    trial: Vec<f64>,
}

/// How quickly a magnitude is forgotten, per accepted step.
const LEAK: f64 = 0.95;
const SAFETY: f64 = 0.8;
/// A step is taken back only when its error is beyond this, that is when it was much too long; the next one is chosen
/// for `SAFETY` cubed. Work thrown away buys less accuracy than the same work in shorter steps.
const REJECT: f64 = 4.0;
/// Errors between this and [`REJECT`] are noisy (capacitances have kinks), so the step follows them through a filter:
/// H211b of Söderlind, "Digital filters in adaptive time-stepping", ACM Trans. Math. Softw. 29 (2003) 1, with b = 4.
const SMALL: f64 = 0.01;
const FILTER: f64 = 4.0;
/// A divided difference this many times larger than the last one is a corner of the solution.
const JUMP: f64 = 30.0;
/// A quiet stretch of so many print steps is not meant to be printed whole: from then on the resolution is halved after
/// every `DOUBLED` points. (A print step of a microsecond over a relaxation of hours would be 1e10 points.)
const PATIENCE: u32 = 10_000;
const DOUBLED: u32 = 1000;
/// Share of the error of backward Euler that a first step of second order is taken to have.
const OF_SECOND_ORDER: f64 = 0.25;
/// How much more accurate a step beyond the resolution must be.
const COARSE: f64 = 50.0;

impl Controller {
    pub fn new(reltol: f64, lte_factor: f64, abstol: Vec<f64>) -> Self {
        let n = abstol.len();
        Controller {
            reltol,
            lte_factor,
            abstol,
            is_dynamic: vec![true; n],
            class: vec![2; n],
            resolution: f64::INFINITY,
            content_rows: vec![],
            held: 0,
            chgtol: 0.0,
            content_reference: vec![],
            roughness: 0.0,
            previous: None,
            reference: vec![0.0; n],
            trial: vec![0.0; n],
        }
    }

    pub fn start(&mut self, x: &[f64], q: &[f64]) {
        self.content_reference.clear();
        self.content_reference.extend(self.content_rows.iter().map(|r| q[*r as usize].abs()));
        for (r, x) in self.reference.iter_mut().zip(x) {
            *r = x.abs();
        }
    }

    fn tolerance(&self, i: usize, x: f64) -> f64 {
        self.lte_factor * (self.reltol * self.reference[i].max(x.abs()) + self.abstol[i])
    }

    /// Largest error of order-`k` extrapolation at `t1` scaled by `ratio(degree)`: (over content unknowns, its index, over the others).
    fn scan(&mut self, history: &History, t1: f64, x: &[f64], q: &[f64], k: usize) -> (f64, usize, f64, usize) {
        let degree = history.predict(t1, k, &mut self.trial);
        let (mut dynamic, mut worst, mut algebraic) = (0.0f64, 0usize, 0.0f64);
        for i in 1..x.len() {
            let e = (x[i] - self.trial[i]).abs() / self.tolerance(i, x[i]);
            if self.is_dynamic[i] {
                if e > dynamic {
                    (dynamic, worst) = (e, i);
                }
            } else if e > algebraic {
                algebraic = e;
            }
        }
        let mut w = [0.0; DEPTH];
        history.weights(t1, k, &mut w);
        for (row, reference) in self.content_rows.iter().zip(&self.content_reference) {
            let i = *row as usize;
            let predicted: f64 = (0..=degree).map(|j| w[j] * history.q(j)[i]).sum();
            let tolerance = self.lte_factor * (self.reltol * reference.max(q[i].abs()) + self.chgtol * self.reltol);
            let e = (q[i] - predicted).abs() / tolerance;
            if e > dynamic {
                (dynamic, worst) = (e, i);
            }
        }
        (dynamic, worst, algebraic, degree)
    }

    /// Judges the step to `t1` that gave `x`. `orders` is the highest order that may be proposed next; BDF may move by one.
    pub fn judge(
        &mut self,
        history: &History,
        c: &Coefficients,
        t1: f64,
        x: &[f64],
        q: &[f64],
        variable_order: usize,
    ) -> Verdict {
        let h = t1 - history.time();
        if history.len() < 2 {
            self.roughness = 0.0;
            self.held = 0;
            self.previous = None;
            return self.judge_restart(history, c.order, h, x);
        }
        let k = c.order;
        let (diff, worst, algebraic, degree) = self.scan(history, t1, x, q, k);
        let product =
            |d: usize| -> f64 { history.times()[..=d].iter().map(|t| t1 - t).product::<f64>() / factorial(d + 1) };
        // A short past gives a predictor of lower degree than the method: its distance overstates the error, which is safe.
        let mut ratio = if degree == k { c.error / (c.error + product(k)) } else { 0.3 };
        // That ratio holds for smooth solutions. Where a derivative jumps (a state meets its rail) the method misses the
        // corner by a good part of the whole distance; the sudden growth of the divided difference tells.
        let roughness = diff / product(degree).abs();
        if self.roughness > 0.0 && roughness > JUMP * self.roughness {
            ratio = ratio.max(0.4);
        }
        let error = diff * ratio;
        let factor = |e: f64, k: usize| SAFETY * e.max(1e-30).powf(-1.0 / (k as f64 + 1.0));
        if error > REJECT {
            return Verdict::Reject { retry: h * factor(error, k).clamp(0.05, 0.7), worst, error };
        }
        self.roughness = roughness.max(0.5 * self.roughness);
        let mut grow = factor(error, k);
        let mut order = k;
        if variable_order > 1 {
            (grow, order) = self.choose_order(history, t1, x, q, k, variable_order, grow);
        }
        // BDF beyond order 1 is zero-stable only for moderate step ratios; one-step methods may leap on quiet stretches.
        let limit = if c.used > 1 {
            2.0
        } else if error < 1e-4 {
            20.0
        } else if error < 1e-2 {
            4.0
        } else {
            2.0
        };
        let previous = self.previous.replace((error, h));
        if let Some((e, last)) = previous.filter(|p| error > SMALL && p.0 > SMALL && order == k) {
            grow = (factor(error, k) * factor(e, k) * last / h).powf(1.0 / FILTER);
        }
        if grow < 1.2 && grow > 0.9 {
            grow = 1.0;
        }
        let next = h * grow.clamp(0.1, limit);
        let coarse = h * factor(COARSE * error.max(algebraic * ratio), k);
        let finest = self.resolution * f64::from(self.held.saturating_sub(PATIENCE) / DOUBLED).exp2();
        let is_held = finest.max(coarse) < next;
        self.held = if is_held {
            self.held.saturating_add(1)
        } else if next < self.resolution {
            0
        } else {
            self.held
        };
        Verdict::Accept { next: next.min(finest.max(coarse)), order, rings: algebraic * ratio > 1.0 }
    }

    /// The step after a restart has only the slope before it to compare with. Where even that is unknown, its backward
    /// Euler error is taken as (Δx)²/(2 ref), that of a relaxation of size ref. A step of second order is much better than
    /// that; how much, nothing tells.
    fn judge_restart(&self, history: &History, order: usize, h: f64, x: &[f64]) -> Verdict {
        let x0 = history.x(0);
        // A node that has just begun to move has no magnitude of its own yet: voltages are measured against the largest
        // voltage, currents against the largest current.
        let mut largest = [0.0f64; 2];
        for i in 1..x.len() {
            if let Some(l) = largest.get_mut(self.class[i] as usize) {
                *l = l.max(self.reference[i]).max(x[i].abs());
            }
        }
        let (mut error, mut worst) = (0.0f64, 0usize);
        for i in 1..x.len() {
            if self.is_dynamic[i] {
                let own = self.reference[i].max(x[i].abs());
                let scale = largest.get(self.class[i] as usize).copied().unwrap_or(own).max(own) + self.abstol[i];
                let d = (x[i] - x0[i]).abs();
                let e = if history.has_slope {
                    // Twice the error of backward Euler.
                    0.5 * (x[i] - x0[i] - h * history.slope[i]).abs() / self.tolerance(i, x[i])
                } else {
                    0.5 * d * (d / scale).min(1.0) / (self.lte_factor * self.reltol * scale + self.abstol[i])
                };
                if e > error {
                    (error, worst) = (e, i);
                }
            }
        }
        if order > 1 {
            error *= OF_SECOND_ORDER;
        }
        if error > 1.0 {
            Verdict::Reject { retry: h * (0.9 / error.sqrt()).clamp(0.01, 0.7), worst, error }
        } else {
            Verdict::Accept { next: h * (0.9 / error.max(1e-30).sqrt()).clamp(1.0, 2.0), order: 2, rings: false }
        }
    }

    /// Gear: compares the steps that orders k-1, k and k+1 would allow.
    fn choose_order(
        &mut self,
        history: &History,
        t1: f64,
        x: &[f64],
        q: &[f64],
        k: usize,
        max: usize,
        grow: f64,
    ) -> (f64, usize) {
        // An order that lets the step double as it is will do.
        if grow >= 2.0 {
            return (grow, k);
        }
        let (mut best, mut order) = (grow, k);
        let mut consider = |ctl: &mut Self, m: usize, bias: f64| {
            if m < 1 || m > max.min(MAX_ORDER) || history.len() < m + 1 {
                return;
            }
            let (diff, _, _, degree) = ctl.scan(history, t1, x, q, m);
            if degree < m {
                return;
            }
            let c = Coefficients::new(super::Method::Gear { max_order: m }, m, t1, history.times());
            let product: f64 = history.times()[..=m].iter().map(|t| t1 - t).product::<f64>() / factorial(m + 1);
            let g = bias * SAFETY * (diff * c.error / (c.error + product)).max(1e-30).powf(-1.0 / (m as f64 + 1.0));
            if g > best {
                (best, order) = (g, m);
            }
        };
        consider(self, k.wrapping_sub(1), 0.9);
        consider(self, k + 1, 0.8);
        (best, order)
    }

    /// Takes note of an accepted point.
    pub fn accept(&mut self, x: &[f64], q: &[f64]) {
        for (r, row) in self.content_reference.iter_mut().zip(&self.content_rows) {
            *r = (*r * LEAK).max(q[*row as usize].abs());
        }
        for (r, x) in self.reference.iter_mut().zip(x) {
            *r = (*r * LEAK).max(x.abs());
        }
    }
}
