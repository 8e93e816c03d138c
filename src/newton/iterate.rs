//! The iteration.
//!
//! ```text
//! repeat
//!     load F(x), J(x)
//!     solve J dx = -F
//!     where a component of dx swings to and fro without shrinking: from now on halve it (bisection onto a jump of F)
//!     x += dx
//! until no device limits, |dx| <= reltol |x| + abstol everywhere, and (if asked) the next residual is within tolerance
//! ```
//!
//! The bisection is what lets an equation with a jump (a hard `if` in a behavioural source) converge: where F changes
//! sign by a jump there is no root, Newton's steps alternate, and halving them closes in on the jump, which is the
//! solution in the sense of Filippov. Smooth problems hardly see it: their steps shrink. Steps that swing because a device
//! limited are left alone, and where halving ends at a point with a residual it is undone once, and then given up. Halved
//! steps that keep one direction close in on nothing: what they look for is beyond. The search does not end with such a step,
//! however small the halves have become, but goes on with whole ones.
//!
//! Steps also swing about an extremum of F that has no root near (a step of a state that would run away before its end).
//! There the slope changes its sign, at a jump the residual does: without a residual within tolerance, a search that halved
//! ends only between two points at which the worst residual has opposite signs.
//!
//! A problem may solve with an old matrix ([`Matrix`]). Such steps converge linearly: they go on while each is at most
//! [`FAST`] of the one before, and end the search when the error that is left by then is a small part of the tolerance. Where
//! iterations are dear, how fast they converged lately tells that from the first step on ([`Rate`]).

use super::rate::Rate;
use super::{Knobs, Matrix, Problem, Singular};

#[derive(Clone, Copy, Debug)]
pub struct Settings {
    pub max_iterations: usize,
    /// The first iteration may end the search when its update is below this fraction of the tolerance; 0: never.
    pub accept_first: f64,
    /// Judge the updates of nonlinear unknowns only: a current that jumps because its source rings is no reason to go on.
    pub nonlinear_only: bool,
    /// Also demand that the residual at an evaluated point is within tolerance.
    pub check_residual: bool,
    /// Iteration number given to the first load: 0 asks junction devices to start from their critical voltages.
    pub first: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Solved {
    pub iterations: usize,
}

/// Why the iteration ended without a solution.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    Singular(Singular),
    /// The unknown whose update was largest against its tolerance, and by how much.
    NoConvergence {
        iterations: usize,
        worst: usize,
        ratio: f64,
    },
    NotFinite {
        iterations: usize,
        unknown: usize,
    },
    /// [`Problem::is_endless`]
    Endless {
        iterations: usize,
        unknown: usize,
    },
}

impl Failure {
    pub fn iterations(&self) -> usize {
        match self {
            Failure::Singular(_) => 1,
            Failure::NoConvergence { iterations, .. }
            | Failure::NotFinite { iterations, .. }
            | Failure::Endless { iterations, .. } => *iterations,
        }
    }

    pub fn unknown(&self) -> usize {
        match self {
            Failure::Singular(s) => s.unknown,
            Failure::NoConvergence { worst, .. } => *worst,
            Failure::NotFinite { unknown, .. } | Failure::Endless { unknown, .. } => *unknown,
        }
    }
}

/// Scratch of the iteration.
#[derive(Clone, Debug, Default)]
pub struct Newton {
    dx: Vec<f64>,
    previous: Vec<f64>,
    /// Components that swing: from then on each of their steps is at most half the one before, a binary search. Counts the
    /// halved steps in one direction, from 1; 0: whole steps.
    bisected: Vec<u8>,
    /// F where the last halved step began.
    before: Vec<f64>,
    /// Of problems whose iterations are dear.
    rate: Rate,
}

/// From this iteration on, components that swing are halved.
const DAMP_FROM: usize = 3;
/// A search does not end with so many halved steps in one direction, unless the whole step is within tolerance as well.
const ONE_WAY: u8 = 3;
/// Steps with an old matrix must shrink to this.
const FAST: f64 = 0.3;
/// They end the search at this fraction of the tolerance, so that FAST/(1 - FAST) of it is left: 4 %.
const OLD_ENOUGH: f64 = 0.1;
/// That part of the tolerance.
const LEFT: f64 = OLD_ENOUGH * FAST / (1.0 - FAST);
/// Times in a row that a step is halved because its end has no value or no slope.
const MAX_RETREATS: usize = 10;

impl Newton {
    pub fn new(n: usize) -> Self {
        Newton {
            dx: vec![0.0; n],
            previous: vec![0.0; n],
            bisected: vec![0; n],
            before: vec![0.0; n],
            rate: Rate::default(),
        }
    }

    /// The last update.
    pub fn dx(&self) -> &[f64] {
        &self.dx
    }

    pub fn solve<P: Problem + ?Sized>(
        &mut self,
        problem: &mut P,
        x: &mut [f64],
        knobs: &Knobs,
        s: &Settings,
    ) -> Result<Solved, Failure> {
        self.bisected.fill(0);
        let reltol = problem.reltol();
        let (mut worst, mut ratio) = (0, f64::INFINITY);
        // The matrix of the step before, if its length compares with that of the next.
        let mut last: Option<(Matrix, bool)> = None;
        let mut updates_settled = false;
        let mut k = 0;
        let (mut halved, mut released) = (false, false);
        let mut retreats = 0;
        // The updates have settled by halved steps: is it on a jump?
        let mut is_suspect = false;
        // Closing in on a jump takes a halving for every bit of the tolerance: such a search may go on for longer.
        while k < s.max_iterations || (halved && k < s.max_iterations.max(10) * 5) {
            k += 1;
            let limited = problem.load(x, knobs, s.first + k - 1);
            if is_suspect && !limited {
                let (row, excess) = problem.worst_residual(x);
                if excess <= 1.0 || problem.residual()[row] * self.before[row] < 0.0 {
                    self.dx.fill(0.0);
                    return Ok(Solved { iterations: k });
                }
                // Neither a solution nor a jump: on with whole steps, once.
                if released {
                    break;
                }
                released = true;
                self.bisected.fill(0);
            }
            is_suspect = false;
            let residual_fine = !s.check_residual || !updates_settled || problem.worst_residual(x).1 <= 1.0;
            let stepped = problem.step(&mut self.dx);
            let is_lost = stepped.is_err() || self.dx.iter().any(|d| !d.is_finite());
            // An equation with ln(v) or sqrt(v) ends where a step goes too far.
            if is_lost && k > 1 && retreats < MAX_RETREATS && self.previous.iter().all(|p| p.is_finite()) {
                retreats += 1;
                for (x, p) in x.iter_mut().zip(&mut self.previous) {
                    *p *= 0.5;
                    *x -= *p;
                }
                updates_settled = false;
                continue;
            }
            if is_lost && problem.is_endless(x) {
                let unknown = stepped.err().map_or(0, |s| s.unknown);
                return Err(Failure::Endless { iterations: k, unknown });
            }
            stepped.map_err(Failure::Singular)?;
            retreats = 0;
            halved = false;
            if k >= DAMP_FROM && !limited {
                let abstol = problem.abstol();
                for (i, ((d, p), b)) in self.dx.iter_mut().zip(&self.previous).zip(&mut self.bisected).enumerate() {
                    if !(d.abs() > 0.5 * p.abs() && (*b > 0 || *d * p < 0.0)) {
                        continue;
                    }
                    *b = if *d * p < 0.0 { 1 } else { b.saturating_add(1) };
                    let half = 0.5 * p.abs().copysign(*d);
                    let tolerance = |step: f64| reltol * x[i].abs().max((x[i] + step).abs()) + abstol[i];
                    if *b >= ONE_WAY && half.abs() <= tolerance(half) && d.abs() > tolerance(*d) {
                        *b = 0;
                        continue;
                    }
                    *d = half;
                    halved = true;
                }
            }
            let matrix = problem.matrix();
            let counts_all = !s.nonlinear_only || matrix == Matrix::OfAnotherStep;
            let before = ratio;
            (worst, ratio) = (0, 0.0);
            let abstol = problem.abstol();
            let counts = problem.is_nonlinear();
            for i in 1..x.len() {
                let d = self.dx[i];
                let old = x[i];
                x[i] = old + d;
                let r = d.abs() / (reltol * old.abs().max(x[i].abs()) + abstol[i]);
                if !counts_all && !counts[i] && r.is_finite() {
                    continue;
                }
                // The comparison is false for NaN as well.
                if !(r <= ratio) {
                    (worst, ratio) = (i, r);
                    if !r.is_finite() {
                        return Err(Failure::NotFinite { iterations: k, unknown: i });
                    }
                }
            }
            self.previous.copy_from_slice(&self.dx);
            let mut settled = ratio <= 1.0 && !limited;
            let mut is_near = false;
            if problem.is_dear() && s.accept_first > 0.0 {
                if let Some((m, _)) = last.filter(|l| l.1 == counts_all && !limited && !halved) {
                    self.rate.learn(m, ratio / before);
                }
                last = (!limited && !halved).then_some((matrix, counts_all));
                is_near = settled && !halved && ratio * self.rate.left(matrix) <= LEFT;
            }
            if matrix != Matrix::Exact {
                settled &= is_near || ratio <= OLD_ENOUGH;
                // A first step says nothing about how fast they shrink.
                if limited || (k > 1 && ratio > FAST * before) {
                    settled = false;
                    problem.refresh();
                }
            }
            if settled && halved && !s.check_residual {
                self.before.copy_from_slice(problem.residual());
                is_suspect = true;
                continue;
            }
            if settled && residual_fine {
                let first_is_enough = k > 1
                    || problem.is_linear()
                    || is_near
                    || ratio <= s.accept_first * if matrix == Matrix::Exact { 1.0 } else { FAST };
                if first_is_enough && (!s.check_residual || updates_settled || problem.is_linear()) {
                    if k == 1 {
                        self.rate.age(matrix);
                    }
                    return Ok(Solved { iterations: k });
                }
            }
            if !limited && problem.is_linear() {
                return Ok(Solved { iterations: k });
            }
            // Halved steps have closed in on a point that is no solution: on with whole ones, once.
            if settled && !residual_fine && self.bisected.iter().any(|b| *b > 0) {
                if released {
                    break;
                }
                released = true;
                self.bisected.fill(0);
            }
            updates_settled = settled;
        }
        Err(Failure::NoConvergence { iterations: k, worst, ratio })
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    /// One equation in one unknown.
    struct Scalar<F: Fn(f64) -> (f64, f64)> {
        f: F,
        value: (f64, f64),
        row: [f64; 2],
        abstol: [f64; 2],
        residual_tolerance: f64,
    }

    impl<F: Fn(f64) -> (f64, f64)> Problem for Scalar<F> {
        fn len(&self) -> usize {
            2
        }
        fn load(&mut self, x: &[f64], _: &Knobs, _: usize) -> bool {
            self.value = (self.f)(x[1]);
            self.row[1] = self.value.0;
            false
        }
        fn step(&mut self, dx: &mut [f64]) -> Result<(), Singular> {
            if self.value.1 == 0.0 {
                return Err(Singular { unknown: 1 });
            }
            dx[1] = -self.value.0 / self.value.1;
            Ok(())
        }
        fn worst_residual(&mut self, _: &[f64]) -> (usize, f64) {
            (1, self.value.0.abs() / self.residual_tolerance)
        }
        fn residual(&self) -> &[f64] {
            &self.row
        }
        fn abstol(&self) -> &[f64] {
            &self.abstol
        }
        fn reltol(&self) -> f64 {
            1e-6
        }
        fn is_linear(&self) -> bool {
            false
        }
        fn is_nonlinear(&self) -> &[bool] {
            &[true, true]
        }
        fn reset_memory(&mut self) {}
        fn set_reference(&mut self, _: &[f64]) {}
    }

    fn run(f: impl Fn(f64) -> (f64, f64), x0: f64, check: bool) -> (f64, Result<Solved, Failure>) {
        run_with(f, x0, check, 1e-9)
    }

    fn run_with(
        f: impl Fn(f64) -> (f64, f64),
        x0: f64,
        check: bool,
        residual_tolerance: f64,
    ) -> (f64, Result<Solved, Failure>) {
        let mut p = Scalar { f, value: (0.0, 0.0), row: [0.0; 2], abstol: [1e-9; 2], residual_tolerance };
        let mut x = [0.0, x0];
        let s =
            Settings { max_iterations: 60, accept_first: 0.0, nonlinear_only: false, check_residual: check, first: 1 };
        let r = Newton::new(2).solve(&mut p, &mut x, &Knobs::default(), &s);
        (x[1], r)
    }

    /// A search that knows how fast the last ones converged does without the iteration that would only confirm it.
    #[test]
    fn a_dear_problem_ends_a_step_early() {
        struct Dear<F: Fn(f64) -> (f64, f64)>(Scalar<F>, bool);
        impl<F: Fn(f64) -> (f64, f64)> Problem for Dear<F> {
            fn len(&self) -> usize {
                2
            }
            fn load(&mut self, x: &[f64], k: &Knobs, i: usize) -> bool {
                self.0.load(x, k, i)
            }
            fn step(&mut self, dx: &mut [f64]) -> Result<(), Singular> {
                self.0.step(dx)
            }
            fn is_dear(&self) -> bool {
                self.1
            }
            fn worst_residual(&mut self, x: &[f64]) -> (usize, f64) {
                self.0.worst_residual(x)
            }
            fn residual(&self) -> &[f64] {
                self.0.residual()
            }
            fn abstol(&self) -> &[f64] {
                self.0.abstol()
            }
            fn reltol(&self) -> f64 {
                1e-3
            }
            fn is_linear(&self) -> bool {
                false
            }
            fn is_nonlinear(&self) -> &[bool] {
                self.0.is_nonlinear()
            }
            fn reset_memory(&mut self) {}
            fn set_reference(&mut self, _: &[f64]) {}
        }
        let iterations = |is_dear: bool| {
            let s = Settings {
                max_iterations: 9,
                accept_first: 0.1,
                nonlinear_only: true,
                check_residual: false,
                first: 1,
            };
            let mut newton = Newton::new(2);
            let mut x = [0.0, 1.0];
            let each = (0..10).map(|k| {
                let target = 2.0 * (1.0 + 8e-4 * f64::from(k)).powi(2);
                let f = move |x: f64| (x * x - target, 2.0 * x);
                let scalar =
                    Scalar { f, value: (0.0, 0.0), row: [0.0; 2], abstol: [1e-9; 2], residual_tolerance: 1e-9 };
                let solved = newton.solve(&mut Dear(scalar, is_dear), &mut x, &Knobs::default(), &s).unwrap();
                assert!((x[1] / target.sqrt() - 1.0).abs() < 1e-5);
                solved.iterations
            });
            each.skip(1).sum::<usize>()
        };
        let (with, without) = (iterations(true), iterations(false));
        assert!(without == 18 && with <= 13, "{with} {without}");
    }

    #[test]
    fn smooth_root_is_quadratic() {
        let (x, r) = run(|x| (x * x - 2.0, 2.0 * x), 1.0, true);
        assert!((x - 2f64.sqrt()).abs() < 1e-12 && r.unwrap().iterations <= 6, "{x} {r:?}");
    }

    #[test]
    fn a_jump_is_bisected() {
        // x - 0.9 - 0.5 H(1 - x): moves right below 1, left above it; the solution is the jump itself.
        let (x, r) = run(|x| (x - 0.9 - if x < 1.0 { 0.5 } else { 0.0 }, 1.0), 0.9, false);
        assert!((x - 1.0).abs() < 1e-5, "{x}");
        assert!(r.unwrap().iterations < 30);
    }

    #[test]
    fn halved_steps_in_one_direction_are_no_solution() {
        // One evaluation sends it from 1 to 2 (a device was held back); the root is a little beyond 1, so that the halves
        // of the way back add up to the way to 1.
        let loads = std::cell::Cell::new(0);
        let f = |x: f64| {
            loads.set(loads.get() + 1);
            if loads.get() == 2 { (-1.0, 1.0) } else { (if loads.get() == 1 { x - 1.0 } else { x - 0.998 }, 1.0) }
        };
        // The residual alone does not tell: it is small against the terms that it is made of.
        let (x, r) = run_with(f, 5.0, true, 1.0);
        assert!((x - 0.998).abs() < 1e-9, "{x} {r:?}");
        assert!(r.unwrap().iterations < 40);
    }

    #[test]
    fn an_extremum_is_no_solution() {
        // A state that grows faster than its step is long: y - h exp(y) has no root beyond h = 1/e, and a flat top at ln(1/h).
        for h in [0.4, 0.5, 1.0, 3.0] {
            let (y, r) = run_with(|y| (y - h * f64::exp(y), 1.0 - h * f64::exp(y)), 0.0, false, 1e-6);
            assert!(r.is_err(), "h = {h}: {y} {r:?}");
        }
    }

    #[test]
    fn no_root_is_an_honest_failure() {
        let (_, r) = run(|x| (x * x + 1.0, 2.0 * x), 0.7, true);
        assert!(matches!(r, Err(Failure::NoConvergence { .. } | Failure::NotFinite { .. } | Failure::Singular(_))));
    }
}
