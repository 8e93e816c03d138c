//! Parameters of a deck fitted to its own `.check` cards: bounded least squares.
//!
//! ```text
//! residual of a check:   within tol of v:  (value - v)/tol        > v, < v, between:  distance beyond the bound / |bound|
//! variables u in [0, 1]: x = lo + u (hi - lo), or lo (hi/lo)^u where the range spans more than a decade
//! repeat (Levenberg-Marquardt, projected):
//!     J by differences, one run of the deck a variable, side by side
//!     variables at a bound whose gradient points outwards are held
//!     (J'J + lambda diag(J'J)) d = -J'r;  u <- clip(u + d);  lambda /= 3 where the cost falls, else *= 4
//! ```
//! Far from its goal a residual counts by its logarithm, so that a check that is orders of magnitude off still has a slope
//! and does not silence the others. A check without a value (an event that does not happen) has no slope; a step that loses
//! one is refused, whatever else it wins.
//!
//! K. Levenberg, Q. Appl. Math. 2 (1944) 164; D. W. Marquardt, SIAM J. Appl. Math. 11 (1963) 431; projection on bounds:
//! C. Kanzow, N. Yamashita, M. Fukushima, J. Comput. Appl. Math. 172 (2004) 375.

use faer::Mat;
use faer::prelude::Solve;
use rayon::prelude::*;

use super::checks::{CheckResult, expectation};
use super::{Outcome, RunOptions, World, run_text};
use crate::base::Control;
use crate::base::rng::Stream;
use crate::circuit::cards::CheckTest;

/// What may be varied.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// A global `.param`.
    Param(String),
    /// A parameter of a `.model` card: card, parameter.
    Model(String, String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Variable {
    pub target: Target,
    pub lo: f64,
    pub hi: f64,
    /// Where to begin; `None`: in the middle.
    pub start: Option<f64>,
    /// Steps are factors.
    pub is_log: bool,
}

impl Variable {
    /// `rate=1e3:1e6`, `card:rate=1:10:2` (begin at 2); factors are taken where the range spans more than a decade.
    pub fn parse(text: &str) -> Result<Variable, String> {
        let usage = || format!("--vary {text}: expected NAME=LOW:HIGH or CARD:NAME=LOW:HIGH, with :START if wanted");
        let (name, range) = text.split_once('=').ok_or_else(usage)?;
        let numbers: Option<Vec<f64>> = range
            .split(':')
            .map(|w| crate::base::units::parse_number(w.trim()).filter(|n| n.len == w.trim().len()).map(|n| n.value))
            .collect();
        let numbers = numbers.filter(|n| n.iter().all(|x| x.is_finite())).ok_or_else(usage)?;
        let (lo, hi, start) = match numbers[..] {
            [lo, hi] => (lo, hi, None),
            [lo, hi, start] => (lo, hi, Some(start)),
            _ => return Err(usage()),
        };
        if lo >= hi {
            return Err(format!("--vary {text}: the lower bound must be below the upper one"));
        }
        if start.is_some_and(|s| !(lo..=hi).contains(&s)) {
            return Err(format!("--vary {text}: the start is outside the bounds"));
        }
        let name = name.trim().to_lowercase();
        let target = match name.split_once(':') {
            Some((card, param)) => Target::Model(card.into(), param.into()),
            None if name.is_empty() => return Err(usage()),
            None => Target::Param(name),
        };
        Ok(Variable { target, lo, hi, start, is_log: lo * hi > 0.0 && (hi / lo).max(lo / hi) > 10.0 })
    }

    pub fn name(&self) -> String {
        match &self.target {
            Target::Param(p) => p.clone(),
            Target::Model(card, p) => format!("{card}:{p}"),
        }
    }

    fn value(&self, u: f64) -> f64 {
        match u {
            0.0 => self.lo,
            1.0 => self.hi,
            _ if self.is_log => self.lo * (self.hi / self.lo).powf(u),
            _ => self.lo + u * (self.hi - self.lo),
        }
    }

    fn place(&self, x: f64) -> f64 {
        let u = if self.is_log {
            (x / self.lo).ln() / (self.hi / self.lo).ln()
        } else {
            (x - self.lo) / (self.hi - self.lo)
        };
        u.clamp(0.0, 1.0)
    }
}

/// A point of the search.
#[derive(Clone, Debug)]
pub struct Trial {
    /// Of each variable.
    pub values: Vec<f64>,
    pub checks: Vec<CheckResult>,
    /// Sum of squares of the residuals of checks with a value.
    pub cost: f64,
    /// Checks without one.
    pub missing: usize,
}

impl Trial {
    fn is_better(&self, than: &Trial) -> bool {
        (self.missing, self.cost) < (than.missing, than.cost)
    }
}

/// What came of a fit.
pub struct Fit {
    pub first: Trial,
    pub best: Trial,
    pub runs: usize,
    pub is_interrupted: bool,
    /// Variables that no check felt.
    pub idle: Vec<bool>,
}

/// Why there is none: the outcome of the run that failed.
pub type Failure = Box<Outcome>;

/// From so many tolerances on, a residual grows with the logarithm of the distance.
const FAR: f64 = 100.0;
/// Length of the differences: above the noise of step control, below the curvature of most models.
const STEP: f64 = 3e-3;
const MOST_ROUNDS: usize = 40;
const ENOUGH: f64 = 1e-4;

/// In tolerances; `None` for a check without a value.
fn residual(c: &CheckResult) -> Option<f64> {
    let x = c.value.filter(|x| x.is_finite())?;
    let beyond = |distance: f64, bound: f64| distance.max(0.0) / (0.01 * bound.abs()).max(1e-30);
    let r = match c.test {
        CheckTest::WithinAbs { value, tol } => (x - value) / tol.max(1e-300),
        CheckTest::WithinRel { value, tol } => (x - value) / (tol * value.abs()).max(1e-300),
        CheckTest::Greater(v) => beyond(v - x, v),
        CheckTest::Less(v) => beyond(x - v, v),
        CheckTest::Between(a, b) => beyond(a - x, b - a) + beyond(x - b, b - a),
    };
    Some(r.clamp(-1e300, 1e300))
}

/// What a residual counts for, and the slope of that.
fn counted(r: f64) -> (f64, f64) {
    if r.abs() > FAR { ((FAR + FAR * (r.abs() / FAR).ln()).copysign(r), FAR / r.abs()) } else { (r, 1.0) }
}

struct Search<'a> {
    name: &'a str,
    text: &'a str,
    options: &'a RunOptions,
    world: &'a dyn World,
    variables: &'a [Variable],
    control: &'a Control,
}

impl Search<'_> {
    fn outcome(&self, u: &[f64]) -> Outcome {
        let mut options = self.options.clone();
        options.threads = 1;
        for (v, u) in self.variables.iter().zip(u) {
            match &v.target {
                Target::Param(p) => options.params.push((p.clone(), v.value(*u))),
                Target::Model(card, p) => options.models.push((card.clone(), p.clone(), v.value(*u))),
            }
        }
        run_text(self.name, self.text, &options, self.world, self.control)
    }

    fn trial(&self, u: &[f64], outcome: &Outcome) -> Trial {
        let checks: Vec<CheckResult> = outcome.checks().cloned().collect();
        let cost = checks.iter().filter_map(residual).map(|r| counted(r).0.powi(2)).sum::<f64>();
        let missing = checks.iter().filter(|c| residual(c).is_none()).count();
        Trial { values: self.variables.iter().zip(u).map(|(v, u)| v.value(*u)).collect(), checks, cost, missing }
    }

    /// One descent from `u`.
    fn descend(&self, mut u: Vec<f64>, mut at: Trial, runs: &mut usize, idle: &mut [bool]) -> Trial {
        let n = u.len();
        let mut lambda = 1e-2;
        for _ in 0..MOST_ROUNDS {
            if self.control.is_cancelled() || (at.missing == 0 && at.cost < ENOUGH) {
                break;
            }
            let r: Vec<Option<f64>> = at.checks.iter().map(residual).collect();
            let columns: Vec<Option<Vec<f64>>> = (0..n)
                .into_par_iter()
                .map(|k| {
                    let mut v = u.clone();
                    let step = if v[k] + STEP <= 1.0 { STEP } else { -STEP };
                    v[k] += step;
                    let t = self.trial(&v, &self.outcome(&v));
                    let fits = t.checks.len() == r.len();
                    let slope = |(c, r): (&CheckResult, &Option<f64>)| {
                        let r = (*r)?;
                        Some((residual(c)? - r) / step * counted(r).1)
                    };
                    fits.then(|| t.checks.iter().zip(&r).map(|x| slope(x).unwrap_or(0.0)).collect())
                })
                .collect();
            *runs += n;
            let r: Vec<f64> = r.into_iter().map(|r| r.map_or(0.0, |r| counted(r).0)).collect();
            for (idle, c) in idle.iter_mut().zip(&columns) {
                *idle &= c.as_ref().is_some_and(|c| c.iter().all(|x| *x == 0.0));
            }
            let zero = vec![0.0; r.len()];
            let j: Vec<&Vec<f64>> = columns.iter().map(|c| c.as_ref().unwrap_or(&zero)).collect();
            let gradient: Vec<f64> = j.iter().map(|c| c.iter().zip(&r).map(|(a, b)| a * b).sum()).collect();
            let is_held = |k: usize| (u[k] <= 0.0 && gradient[k] > 0.0) || (u[k] >= 1.0 && gradient[k] < 0.0);
            let free: Vec<usize> = (0..n).filter(|k| !is_held(*k) && j[*k].iter().any(|x| *x != 0.0)).collect();
            if free.is_empty() {
                break;
            }
            let before = (at.missing, at.cost);
            let mut moved = false;
            for _ in 0..8 {
                let dot = |a: usize, b: usize| -> f64 { j[a].iter().zip(j[b]).map(|(x, y)| x * y).sum() };
                let m = Mat::from_fn(free.len(), free.len(), |a, b| {
                    let d = dot(free[a], free[b]);
                    if a == b { d * (1.0 + lambda) } else { d }
                });
                let rhs = Mat::from_fn(free.len(), 1, |a, _| -gradient[free[a]]);
                let d = m.partial_piv_lu().solve(&rhs);
                let mut v = u.clone();
                for (a, k) in free.iter().enumerate() {
                    if d[(a, 0)].is_finite() {
                        v[*k] = (v[*k] + d[(a, 0)].clamp(-0.3, 0.3)).clamp(0.0, 1.0);
                    }
                }
                let t = self.trial(&v, &self.outcome(&v));
                *runs += 1;
                if t.is_better(&at) && t.checks.len() == at.checks.len() {
                    (u, at, moved) = (v, t, true);
                    lambda = (lambda / 3.0).max(1e-9);
                    break;
                }
                lambda *= 4.0;
                if self.control.is_cancelled() {
                    break;
                }
            }
            if !moved || (before.0 == at.missing && before.1 - at.cost < 1e-6 * before.1) {
                break;
            }
        }
        at
    }
}

/// Fits the variables of a deck. `starts`: descents, the first from the given starts (or the middle), the others from places
/// drawn from the seed. The best one counts.
#[allow(clippy::too_many_arguments)]
pub fn fit(
    name: &str,
    text: &str,
    options: &RunOptions,
    world: &dyn World,
    variables: &[Variable],
    starts: usize,
    seed: u64,
    control: &Control,
) -> Result<Fit, Failure> {
    let search = Search { name, text, options, world, variables, control };
    let given: Vec<f64> = variables.iter().map(|v| v.start.map_or(0.5, |x| v.place(x))).collect();
    let outcome = search.outcome(&given);
    let first = search.trial(&given, &outcome);
    if outcome.points.is_empty() || first.checks.is_empty() {
        return Err(Box::new(outcome));
    }
    let mut runs = 1;
    let mut idle = vec![true; variables.len()];
    let mut best = search.descend(given, first.clone(), &mut runs, &mut idle);
    for s in 1..starts {
        if control.is_cancelled() || (best.missing == 0 && best.cost < ENOUGH) {
            break;
        }
        let stream = Stream { seed, run: s as u32, instance: 0 };
        let u: Vec<f64> = (0..variables.len()).map(|k| stream.uniform(0, k as u32)).collect();
        let t = search.trial(&u, &search.outcome(&u));
        runs += 1;
        if t.checks.len() == first.checks.len() {
            let end = search.descend(u, t, &mut runs, &mut idle);
            if end.is_better(&best) {
                best = end;
            }
        }
    }
    idle.iter_mut().for_each(|i| *i &= runs > 1);
    Ok(Fit { first, best, runs, is_interrupted: control.is_cancelled(), idle })
}

/// `expected within 1% of 10`, for tables.
pub fn goal(c: &CheckResult) -> String {
    expectation(&c.test)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Memory;

    #[test]
    fn variables_are_read() {
        let v = Variable::parse("card:rate=1k:1meg").unwrap();
        assert_eq!((v.target.clone(), v.is_log), (Target::Model("card".into(), "rate".into()), true));
        assert!((v.value(0.5) - 31622.7766).abs() < 1e-3 && (v.place(v.value(0.3)) - 0.3).abs() < 1e-12);
        assert!(!Variable::parse("a=1:2:1.5").unwrap().is_log);
        for bad in ["a", "a=1", "a=2:1", "a=1:2:3", "=1:2", "a=x:2"] {
            assert!(Variable::parse(bad).is_err(), "{bad}");
        }
    }

    /// A divider and a time constant: two figures determine resistance and capacitance.
    #[test]
    fn two_figures_give_two_parameters() {
        let deck = "t\n.param r=1k c=1n\nv1 a 0 1\nr1 a b {r}\nr2 b 0 1k\nc1 b 0 {c}\n.ic v(b)=0\n.tran 10n 20u uic\n\
                    .meas tran end find v(b) at=20u\n.meas tran half find v(b) at=1u\n\
                    .check end end within 1e-4 of 0.25\n.check half half within 1e-4 of 0.1\n.end\n";
        let variables = [Variable::parse("r=100:100k").unwrap(), Variable::parse("c=10p:100n").unwrap()];
        let options = RunOptions { options: vec![("reltol".into(), "1e-5".into())], ..RunOptions::default() };
        let f = fit("d.cir", deck, &options, &Memory::new([]), &variables, 1, 1, &Control::new(None)).ok().unwrap();
        // 1k/(r + 1k) = 0.25; 0.25 (1 - exp(-1u/(750 c))) = 0.1.
        let c = 1e-6 / (750.0 * (1.0f64 / 0.6).ln());
        assert!((f.best.values[0] - 3e3).abs() < 5.0, "{:?}", f.best);
        assert!((f.best.values[1] / c - 1.0).abs() < 2e-3, "{:?}", f.best);
        assert!(f.best.checks.iter().all(|c| c.is_ok) && !f.first.checks.iter().all(|c| c.is_ok));
    }

    /// From far away, past a check that has no value there, with a variable that nothing depends on.
    #[test]
    fn a_far_start_finds_its_way() {
        let deck = "t\n.param r=1k spare=1\nv1 a 0 pulse(0 1 0 1n 1n 10u 20u)\nr1 a b {r}\nr2 b 0 1k\nc1 b 0 1p\n.tran 10n 1u\n\
                    .meas tran end find v(b) at=1u\n.meas tran late when v(b)=0.2 rise=1\n\
                    .check end end within 1e-6 of 0.25\n.check late late < 1u\n.end\n";
        let variables = [Variable::parse("r=500:1meg:900k").unwrap(), Variable::parse("spare=0:2").unwrap()];
        let options = RunOptions { options: vec![("reltol".into(), "1e-5".into())], ..RunOptions::default() };
        let f = fit("d.cir", deck, &options, &Memory::new([]), &variables, 1, 1, &Control::new(None)).ok().unwrap();
        assert_eq!((f.first.missing, f.best.missing), (1, 0));
        assert!((f.best.values[0] - 3e3).abs() < 0.5, "{:?}", f.best);
        assert_eq!(f.idle, [false, true]);
    }
}
