//! Through time with steps whose length follows the local error: the controller of `integrate`, with BDF of order 1 and 2,
//! restarted at every corner of the drivers' voltages.

use super::linear::Settings;
use crate::base::Control;
use crate::base::control::Progress;
use crate::diag::Diagnostic;
use crate::integrate::control::Verdict;
use crate::integrate::{Coefficients, Controller, History, Method};

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
pub(super) const LTE_FACTOR: f64 = 3.0;

/// How a step ended.
pub(super) struct Stepped {
    /// `None`: not converged; false: interrupted.
    pub solved: Option<bool>,
    pub newton: usize,
    pub inner: usize,
}

/// What goes through time. Vectors have `len` numbers, of which the first means nothing.
pub(super) trait Dynamic {
    fn len(&self) -> usize;
    /// The next time after `t` at which the drivers change their slope.
    fn next_corner(&self, t: f64) -> f64;
    /// Sets the drivers to their voltages at `t`.
    fn drive(&mut self, t: f64);
    /// The point at rest.
    fn rest(&mut self, settings: &Settings, control: &Control) -> Result<(), Diagnostic>;
    /// What is followed, and the contents whose rates are in the equations.
    fn pack(&self, x: &mut [f64], q: &mut [f64]);
    fn put(&mut self, guess: &[f64]);
    /// Remembers the present point, and goes back to it.
    fn keep(&mut self);
    fn restore(&mut self);
    /// Solves at `t1` with d/dt q = a0 q + past.
    fn step(&mut self, t1: f64, a0: f64, past: &[f64], settings: &Settings, control: &Control) -> Stepped;
    fn controller(&self, reltol: f64) -> Controller;
    /// Raises the present point to the magnitudes that are to come, as far as the drivers' program tells them: at the
    /// first corner a line that will be at a volt is a line of a volt, not one of a microvolt.
    fn expect(&self, x: &mut [f64]);
    /// From the sources, W.
    fn power(&self) -> f64;
    /// The point is final; when something is known to happen next.
    fn accept(&mut self, t: f64) -> f64;
    fn collapse(&self, t: f64, step: f64, worst: usize) -> Diagnostic;
}

/// Runs from 0 to `settings.stop`; `each` sees time 0 and every accepted point.
pub(super) fn march<D: Dynamic>(
    d: &mut D,
    settings: &TranSettings,
    control: &Control,
    mut each: impl FnMut(f64, &D),
) -> Result<TranStatistics, Diagnostic> {
    let len = d.len();
    let mut statistics = TranStatistics::default();
    d.drive(0.0);
    d.rest(&settings.solve, control)?;
    let (mut x, mut q) = (vec![0.0; len], vec![0.0; len]);
    d.pack(&mut x, &mut q);
    let mut history = History::new(len);
    history.start(0.0, &x, &q, false);
    let mut controller = d.controller(settings.reltol);
    let (mut past, mut qdot, mut guess) = (vec![0.0; len], vec![0.0; len], x.clone());
    d.expect(&mut guess);
    controller.start(&guess, &q);
    each(0.0, d);
    let longest = if settings.max_step > 0.0 { settings.max_step } else { settings.stop / 50.0 };
    let shortest = 1e-12 * settings.stop;
    let mut corner = d.next_corner(0.0).min(settings.stop);
    let mut step = (1e-3 * settings.stop).min(0.02 * corner).min(longest);
    let (mut t, mut order) = (0.0, 1);
    let mut power = d.power();
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
        d.keep();
        d.put(&guess);
        d.drive(t1);
        let Stepped { solved, newton, inner } = d.step(t1, c.a0, &past, &settings.solve, control);
        statistics.newton += newton;
        statistics.inner += inner;
        let verdict = match solved {
            Some(false) => {
                statistics.is_partial = true;
                d.restore();
                break;
            }
            Some(true) => {
                d.pack(&mut x, &mut q);
                controller.judge(&history, &c, t1, &x, &q, 1)
            }
            None => Verdict::Reject { retry: 0.25 * (t1 - t), worst: 0, error: f64::INFINITY },
        };
        match verdict {
            Verdict::Reject { retry, worst, .. } => {
                statistics.rejected += 1;
                d.restore();
                step = retry.min(0.5 * (t1 - t));
                if step < shortest {
                    return Err(d.collapse(t, step, worst));
                }
                if solved.is_none() {
                    history.restart();
                    order = 1;
                }
            }
            Verdict::Accept { next, .. } => {
                for (rate, (q, p)) in qdot.iter_mut().zip(q.iter().zip(&past)) {
                    *rate = c.a0 * q + p;
                }
                history.push(t1, &x, &q, &qdot);
                controller.accept(&x, &q);
                let now = d.power();
                statistics.energy += 0.5 * (power + now) * (t1 - t);
                power = now;
                statistics.accepted += 1;
                let event = d.accept(t1);
                t = t1;
                each(t, d);
                control.progress(
                    "tran",
                    &Progress { fraction: t / settings.stop, at: t, step: next, points: statistics.accepted },
                );
                step = next.min(longest);
                order = 2;
                if is_landing {
                    history.restart();
                    order = 1;
                    corner = d.next_corner(t).min(settings.stop);
                    step = step.min(0.05 * (corner - t)).max(shortest);
                }
                corner = corner.min(event.max(t + shortest));
            }
        }
    }
    Ok(statistics)
}
