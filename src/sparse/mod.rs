//! Sparse linear systems: patterns, orderings, LU kernels; `analyze / factor / refactor / solve / solve_transposed`.
//!
//! A circuit's matrix keeps its pattern for the whole run while its values change at every Newton iteration, so the
//! work is split by how often it is needed:
//!
//! 1. [`Builder`] collects (row, column) pairs of *unknown numbers* (0 is ground) and hands out *slots*; [`Pattern`]
//!    is the compressed-column result. Slot k ≥ 1 is value k; slot 0 is a dump for rows and columns of ground.
//! 2. [`Analysis::new`]: block triangular form, fill-reducing orders, and what each kernel would cost. Once per
//!    pattern, shared by the real and the complex factors.
//! 3. [`Kernel::factor`]: numeric factors with pivoting. [`Kernel::refactor`]: new values, same pivots; refuses when
//!    a pivot has become too small. [`Kernel::update`] does whichever is needed.
//! 4. [`Kernel::solve`], [`Kernel::solve_transposed`]: any number of times.
//!
//! Vectors exclude ground: unknown u is component u − 1 of right-hand sides and solutions (`&mut x[1..]`).

pub mod block;
pub mod cholesky;
pub mod choose;
pub mod condition;
pub mod dissection;
pub mod etree;
mod frame;
pub mod lu;
pub mod ordering;
pub mod pattern;
mod plan;
pub mod refactor;
pub mod scalar;
pub mod scale;
pub mod solve;
pub mod supernodal;
pub mod symbolic;

use num_complex::Complex64;

pub use cholesky::Cholesky;
pub use choose::{Analysis, Choice, markdown};
pub use condition::{condition, refine};
pub use lu::Lu;
pub use pattern::{Builder, Pattern};
pub use scalar::Scalar;
pub use supernodal::{Supernodal, Tree};
pub use symbolic::Symbolic;

/// How to factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// The diagonal is taken as pivot when it is at least this fraction of the largest candidate in its column.
    pub pivrel: f64,
    /// A pivot of at most this magnitude (of the matrix as given, not equilibrated) counts as zero. 0: only what
    /// [`Options::rank_tol`] says.
    pub pivtol: f64,
    /// A candidate that is at most this fraction of the terms it was summed from is rounding noise and counts as
    /// zero, so that a floating subcircuit is found although its conductances do not cancel to the last bit.
    pub rank_tol: f64,
    /// [`Kernel::refactor`] refuses when a pivot falls below this fraction of its column.
    pub stale: f64,
    /// [`Kernel::refactor`] refuses when elimination swells the numbers of a column of U by more than this beyond
    /// those of the (equilibrated) matrix, unless fresh pivots have done no better.
    pub growth: f64,
    /// Scale rows and columns by powers of two to largest entries near 1, so that 1e-18 S and 1e6 S may meet.
    pub equilibrate: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options { pivrel: 1e-3, pivtol: 0.0, rank_tol: 4.0 * f64::EPSILON, stale: 1e-7, growth: 1e7, equilibrate: true }
    }
}

/// Why there is no solution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No assignment of equations to unknowns exists, whatever the values.
    Structural,
    /// The values make rows or columns dependent (to rounding).
    Numerical,
    /// A matrix value is infinite or not a number.
    NotFinite,
}

/// The system has no unique solution. Numbers are unknown numbers (1-based; 0 is ground and never appears).
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("singular matrix ({cause:?}): unknown {column}, equation {row}")]
pub struct Singular {
    pub cause: Cause,
    /// The unknown that nothing determines.
    pub column: u32,
    /// An equation that is left without an unknown.
    pub row: u32,
    /// Unknowns that move together without any equation noticing: the null vector's support, largest first, at most
    /// 16 of them. Contains `column`.
    pub floating: Vec<u32>,
}

/// A frozen pivot has become too small for its column (or there are no factors yet): factor anew.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("stale pivot: unknown {column}")]
pub struct Stale {
    pub column: u32,
    /// |pivot| / largest candidate in its column, or the reciprocal of the growth.
    pub ratio: f64,
}

/// What a kernel has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub unknowns: usize,
    /// Entries of the matrix.
    pub nnz: usize,
    /// Entries of L, U and the blocks above the diagonal, pivots included.
    pub factor_nnz: usize,
    /// Diagonal blocks of the block triangular form.
    pub blocks: usize,
    /// Multiplications and divisions of one factorisation.
    pub flops: u64,
    pub factored: u64,
    pub refactored: u64,
    pub solved: u64,
}

/// A direct solver for one pattern. `values` is indexed by slot: length nnz + 1, `values[0]` ignored.
pub trait Kernel<T: Scalar>: Send + Sync {
    /// Factors with fresh pivots.
    fn factor(&mut self, values: &[T]) -> Result<(), Singular>;

    /// Factors with the pivots of the last [`Kernel::factor`]. Allocates nothing. After a refusal there are no
    /// usable factors until `factor` succeeds.
    fn refactor(&mut self, values: &[T]) -> Result<(), Stale>;

    /// [`Kernel::refactor`] where only the values in `columns` (unknown numbers) have changed since the last
    /// factorisation: the same factors to the last bit, in less time for kernels that can.
    fn refactor_columns(&mut self, values: &[T], columns: &[u32]) -> Result<(), Stale> {
        let _ = columns;
        self.refactor(values)
    }

    /// Refactors where that is possible, else factors.
    fn update(&mut self, values: &[T]) -> Result<(), Singular> {
        match self.refactor(values) {
            Ok(()) => Ok(()),
            Err(_) => self.factor(values),
        }
    }

    /// Solves A x = b in place; `rhs` has one component per unknown, ground excluded. Allocates nothing. Without
    /// factors the result is NaN.
    fn solve(&mut self, rhs: &mut [T]);

    /// Solves Aᵀ x = b in place (no conjugation).
    fn solve_transposed(&mut self, rhs: &mut [T]);

    /// Several right-hand sides, one after another in `rhs`; the same answers as one by one. A kernel may make room
    /// for them at the first call.
    fn solve_many(&mut self, rhs: &mut [T]) {
        let n = self.stats().unknowns;
        if n > 0 {
            for column in rhs.chunks_exact_mut(n) {
                self.solve(column);
            }
        }
    }

    fn is_factored(&self) -> bool;

    fn stats(&self) -> Stats;

    /// The name in [`KERNELS`].
    fn name(&self) -> &'static str;

    fn clone_box(&self) -> Box<dyn Kernel<T>>;
}

impl<T: Scalar> Clone for Box<dyn Kernel<T>> {
    fn clone(&self) -> Self {
        self.clone_box()
    }
}

type New<T> = fn(&Analysis, &Options) -> Box<dyn Kernel<T>>;

/// A kernel in the registry.
pub struct KernelInfo {
    /// Value of `.options solver=`.
    pub name: &'static str,
    pub doc: &'static str,
    pub real: New<f64>,
    pub complex: New<Complex64>,
}

/// All kernels.
pub static KERNELS: &[KernelInfo] = &[
    KernelInfo {
        name: "lu",
        doc: "left-looking LU on the block triangular form, threshold partial pivoting that prefers the diagonal",
        real: |a, o| Box::new(Lu::new(a.symbolic().clone(), *o)),
        complex: |a, o| Box::new(Lu::new(a.symbolic().clone(), *o)),
    },
    KernelInfo {
        name: "multifrontal",
        doc: "multifrontal LU on the symmetrised pattern, minimum degree or nested dissection, pivoting inside supernodes \
              and iterative refinement",
        real: |a, o| Box::new(Supernodal::new(a.tree().clone(), *o)),
        complex: |a, o| Box::new(Supernodal::new(a.tree().clone(), *o)),
    },
    KernelInfo {
        name: "cholesky",
        doc: "supernodal Cholesky for symmetric real values, around which ideal voltage sources are substituted; the \
              multifrontal LU where they are not symmetric, and for complex ones",
        real: |a, o| Box::new(Cholesky::new(a.tree().clone(), *o)),
        complex: |a, o| Box::new(Supernodal::new(a.tree().clone(), *o)),
    },
];

/// The kernel of that name. `auto` is none of them: [`Analysis::kernel`] chooses.
pub fn kernel(name: &str) -> Option<&'static KernelInfo> {
    KERNELS.iter().find(|k| k.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod lu_tests;
#[cfg(test)]
pub(crate) mod tests;
