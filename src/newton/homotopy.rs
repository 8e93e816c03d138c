//! Ways to a solution when plain Newton does not find one, tried in order: direct, gmin stepping, source stepping,
//! pseudo-transient. Each ends with the true problem, every knob back at its default; nothing artificial stays.

use super::iterate::{Failure, Newton, Settings, Solved};
use super::{Knobs, Problem};

/// Limits of the search.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Iterations of the direct attempt.
    pub direct: usize,
    /// Iterations of one step of a homotopy.
    pub step: usize,
    pub gmin: bool,
    pub source: bool,
    pub pseudo: bool,
    /// x is a good guess (a sweep): devices keep their memory, the direct attempt starts from it.
    pub warm: bool,
}

/// How the solution was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    pub by: &'static str,
    pub iterations: usize,
}

/// Every attempt and where it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Lost {
    pub attempts: Vec<(&'static str, Failure)>,
    pub iterations: usize,
    /// The knob's value at which a homotopy gave up, per attempt, for the message.
    pub reached: Vec<f64>,
}

impl Lost {
    /// Did an evaluation not come to an end?
    pub fn is_endless(&self) -> bool {
        self.attempts.last().is_some_and(|a| is_final(&a.1))
    }

    /// Was the Jacobian without inverse wherever the search ended?
    pub fn is_singular(&self) -> bool {
        self.attempts.iter().all(|a| matches!(a.1, Failure::Singular(_)))
    }
}

/// No other way will get further, and each try is expensive.
fn is_final(f: &Failure) -> bool {
    matches!(f, Failure::Endless { .. })
}

struct Search<'a, P: Problem + ?Sized> {
    problem: &'a mut P,
    newton: &'a mut Newton,
    plan: Plan,
    iterations: usize,
}

/// Finds F(x) = 0 from the guess in `x`; on failure x is the guess again. `cancelled` ends the search early.
pub fn find<P: Problem + ?Sized>(
    problem: &mut P,
    newton: &mut Newton,
    x: &mut [f64],
    plan: Plan,
    cancelled: &dyn Fn() -> bool,
) -> Result<Found, Lost> {
    let guess = x.to_vec();
    let mut s = Search { problem, newton, plan, iterations: 0 };
    let mut lost = Lost { attempts: vec![], iterations: 0, reached: vec![] };
    for (name, enabled) in [("direct", true), ("gmin", plan.gmin), ("source", plan.source), ("ptran", plan.pseudo)] {
        if !enabled || cancelled() {
            continue;
        }
        x.copy_from_slice(&guess);
        if !(plan.warm && name == "direct") {
            s.problem.reset_memory();
        }
        let outcome = match name {
            "direct" => s.direct(x).or_else(|e| s.elsewhere(x, &guess, e)),
            "gmin" => s.gmin(x),
            "source" => s.source(x),
            _ => s.pseudo(x),
        };
        match outcome {
            Ok(()) => return Ok(Found { by: name, iterations: s.iterations }),
            Err((failure, reached)) => {
                lost.attempts.push((name, failure));
                lost.reached.push(reached);
                if is_final(&failure) {
                    break;
                }
            }
        }
    }
    x.copy_from_slice(&guess);
    lost.iterations = s.iterations;
    Err(lost)
}

impl<P: Problem + ?Sized> Search<'_, P> {
    fn solve(&mut self, x: &mut [f64], knobs: &Knobs, limit: usize, first: usize) -> Result<Solved, Failure> {
        let settings =
            Settings { max_iterations: limit, accept_first: 0.0, nonlinear_only: false, check_residual: true, first };
        let r = self.newton.solve(self.problem, x, knobs, &settings);
        self.iterations += match &r {
            Ok(s) => s.iterations,
            Err(f) => f.iterations(),
        };
        r
    }

    fn direct(&mut self, x: &mut [f64]) -> Result<(), (Failure, f64)> {
        let first = usize::from(self.plan.warm);
        self.solve(x, &Knobs::default(), self.plan.direct, first).map(drop).map_err(|f| (f, 0.0))
    }

    /// The same from other places, if there was no slope or no value: an equation with ln(v) or 1/v has none at 0.
    fn elsewhere(&mut self, x: &mut [f64], guess: &[f64], why: (Failure, f64)) -> Result<(), (Failure, f64)> {
        if !matches!(why.0, Failure::Singular(_) | Failure::NotFinite { .. }) {
            return Err(why);
        }
        for attempt in 0.. {
            x.copy_from_slice(guess);
            if !self.problem.restart(attempt, x) {
                break;
            }
            self.problem.reset_memory();
            match self.direct(x) {
                Ok(()) => return Ok(()),
                Err(e) if is_final(&e.0) => return Err(e),
                Err(_) => {}
            }
        }
        Err(why)
    }

    /// A conductance from every node to ground, from 10 mS down to nothing, by factors that adapt.
    fn gmin(&mut self, x: &mut [f64]) -> Result<(), (Failure, f64)> {
        let (mut shunt, mut factor) = (1e-2, 10.0f64);
        let mut good = x.to_vec();
        let mut first = 0;
        let mut last_failure = None;
        let mut have = false;
        for _ in 0..400 {
            match self.solve(x, &Knobs { shunt, ..Knobs::default() }, self.plan.step, first) {
                Ok(s) => {
                    good.copy_from_slice(x);
                    have = true;
                    first = 1;
                    if shunt < 1e-14 {
                        return self.solve(x, &Knobs::default(), self.plan.direct, 1).map(drop).map_err(|f| (f, shunt));
                    }
                    if s.iterations <= self.plan.step / 4 {
                        factor = f64::min(factor * factor.sqrt(), 1000.0);
                    }
                    shunt /= factor;
                }
                Err(f) if is_final(&f) => return Err((f, shunt)),
                Err(f) => {
                    last_failure = Some(f);
                    if !have {
                        shunt *= 10.0;
                        if shunt > 1e6 {
                            return Err((f, shunt));
                        }
                        x.fill(0.0);
                        self.problem.reset_memory();
                        continue;
                    }
                    if factor < 1.0005 {
                        return Err((f, shunt));
                    }
                    x.copy_from_slice(&good);
                    shunt *= factor;
                    factor = factor.sqrt().sqrt();
                    shunt /= factor;
                }
            }
        }
        Err((last_failure.unwrap_or(Failure::NoConvergence { iterations: 0, worst: 0, ratio: 0.0 }), shunt))
    }

    /// All independent sources from nothing to their values.
    fn source(&mut self, x: &mut [f64]) -> Result<(), (Failure, f64)> {
        x.fill(0.0);
        let mut good = x.to_vec();
        let (mut done, mut step) = (0.0f64, 0.0f64);
        let mut first = 0;
        for _ in 0..400 {
            let scale = (done + step).min(1.0);
            match self.solve(x, &Knobs { source_scale: scale, ..Knobs::default() }, self.plan.step, first) {
                Ok(s) => {
                    good.copy_from_slice(x);
                    first = 1;
                    done = scale;
                    if done >= 1.0 {
                        return Ok(());
                    }
                    step = if step == 0.0 {
                        1e-2
                    } else if s.iterations <= self.plan.step / 4 {
                        step * 2.0
                    } else {
                        step
                    };
                }
                Err(f) => {
                    if step < 1e-7 || is_final(&f) {
                        return Err((f, done));
                    }
                    x.copy_from_slice(&good);
                    step *= 0.25;
                }
            }
        }
        Err((Failure::NoConvergence { iterations: 0, worst: 0, ratio: 0.0 }, done))
    }

    /// Every node holds its voltage through a conductance that fades: implicit Euler towards rest.
    fn pseudo(&mut self, x: &mut [f64]) -> Result<(), (Failure, f64)> {
        x.fill(0.0);
        let mut good = x.to_vec();
        let mut pseudo = 1.0f64;
        let mut first = 0;
        let mut last = Failure::NoConvergence { iterations: 0, worst: 0, ratio: 0.0 };
        for _ in 0..600 {
            self.problem.set_reference(&good);
            match self.solve(x, &Knobs { pseudo, ..Knobs::default() }, self.plan.step, first) {
                Ok(s) => {
                    first = 1;
                    good.copy_from_slice(x);
                    if pseudo < 1e-13 {
                        return self
                            .solve(x, &Knobs::default(), self.plan.direct, 1)
                            .map(drop)
                            .map_err(|f| (f, pseudo));
                    }
                    pseudo /= if s.iterations <= 6 { 4.0 } else { 1.5 };
                }
                Err(f) => {
                    last = f;
                    if pseudo > 1e9 || is_final(&f) {
                        break;
                    }
                    x.copy_from_slice(&good);
                    pseudo *= 8.0;
                }
            }
        }
        Err((last, pseudo))
    }
}
