//! Newton's method and the homotopies around it; knows nothing of time or circuits.

pub mod homotopy;
pub mod iterate;
mod rate;

pub use homotopy::{Found, Plan, find};
pub use iterate::{Failure, Newton, Settings, Solved};

/// What a homotopy may turn. The default is the true problem.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Knobs {
    /// Conductance from every node to ground, S.
    pub shunt: f64,
    /// Factor on independent sources.
    pub source_scale: f64,
    /// Pseudo-transient: `pseudo (x - x_ref)` is added to every node row, S.
    pub pseudo: f64,
}

impl Default for Knobs {
    fn default() -> Self {
        Knobs { shunt: 0.0, source_scale: 1.0, pseudo: 0.0 }
    }
}

/// The linear system has no unique solution: the unknown that nothing determines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Singular {
    pub unknown: usize,
}

/// What the matrix of a step is to the Jacobian of the last load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Matrix {
    #[default]
    Exact,
    /// The Jacobian of an earlier load; equations that are linear are still solved exactly.
    Old,
    /// An earlier one, and the linear equations have changed since.
    OfAnotherStep,
}

/// A system of equations F(x) = 0. Index 0 is a dummy (ground) and stays 0.
pub trait Problem {
    fn len(&self) -> usize;

    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Evaluates F and its Jacobian at x. True: some device evaluated elsewhere (limiting), x cannot be a solution yet.
    fn load(&mut self, x: &[f64], knobs: &Knobs, iteration: usize) -> bool;

    /// Solves J dx = -F of the last load.
    fn step(&mut self, dx: &mut [f64]) -> Result<(), Singular>;

    /// Which matrix that was.
    fn matrix(&self) -> Matrix {
        Matrix::Exact
    }

    /// An iteration costs so much that it is worth knowing how fast steps shrink, to do without the last of them.
    fn is_dear(&self) -> bool {
        false
    }

    /// The steps with an old matrix converge badly: the next one has the Jacobian itself.
    fn refresh(&mut self) {}

    /// The row whose residual is largest against its tolerance, and that ratio (≤ 1 is converged), for the last load.
    fn worst_residual(&mut self, x: &[f64]) -> (usize, f64);

    /// F of the last load.
    fn residual(&self) -> &[f64];

    /// Absolute tolerance of each unknown.
    fn abstol(&self) -> &[f64];

    fn reltol(&self) -> f64;

    /// Unknowns that enter some equation nonlinearly. The others follow from these by linear equations, which every
    /// Newton step solves exactly.
    fn is_nonlinear(&self) -> &[bool];

    /// One step solves it exactly.
    fn is_linear(&self) -> bool;

    /// Forgets what devices remember between iterations (junction voltages).
    fn reset_memory(&mut self);

    /// Another place to begin at, where the equations have no slope or no value at the guess in `x`; `attempt` counts from
    /// 0. False: there is none.
    fn restart(&mut self, _attempt: usize, _x: &mut [f64]) -> bool {
        false
    }

    /// Whether some equation cannot be evaluated at `x`, and will not be elsewhere in any reasonable time: a loop of a device's
    /// description that does not end. Asked where a value was not finite; ends every search.
    fn is_endless(&mut self, _x: &[f64]) -> bool {
        false
    }

    /// The reference point of the pseudo-transient.
    fn set_reference(&mut self, x: &[f64]);
}
