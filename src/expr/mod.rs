//! The one expression language: `.param`, `{}` and `''`, B sources, `.meas`, sweeps.
//!
//! text → [`Expr`] (tree) → evaluated at once with a [`Scope`] (parameters), or compiled to a [`Program`] that is
//! evaluated with exact derivatives for every iteration of the simulator.

pub mod ast;
pub mod program;

pub use ast::{Expr, parse};
pub use program::{Input, Program, Scope, StateKind, StateOp};
