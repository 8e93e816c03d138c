//! The one expression language: `.param`, `{}` and `''`, B sources, `.meas`, sweeps.
//!
//! text → [`Expr`] (tree) → evaluated at once with a [`Scope`] (parameters), or compiled to a [`Program`] that is
//! evaluated with exact derivatives for every iteration of the simulator.
//!
//! Operators, loosest first; all are left-associative but `?:`:
//!
//! | operators | meaning |
//! |---|---|
//! | `c ? a : b` | `a` where `c` is not 0, else `b` |
//! | `\|\|` `\|`, then `&&` `&` | logical or, and: 0 or 1 |
//! | `==` `!=` `<>`, then `<` `<=` `>` `>=` | 0 or 1 |
//! | `+` `-`, then `*` `/` `%` | `%` is the remainder with the sign of the dividend |
//! | `-` `+` `!` in front | `-2^2` is -4 |
//! | `**` `^` | power of the absolute value, `\|x\|^y`, as in ngspice; `2^3^2` is 64; `2**-1` is 0.5 |
//!
//! Numbers are SPICE numbers (`4.7k`, `1MegHz`). Names are case-insensitive. What functions and constants there are is
//! said by one table, [`functions::FUNCTIONS`].

pub mod ast;
mod compile;
pub mod functions;
mod lexer;
pub mod parser;
mod print;
pub mod program;
#[cfg(test)]
mod tests;

pub use ast::{BinaryOp, Expr, ExprKind, UnaryOp};
pub use parser::{Dialect, parse, parse_with};
pub use program::{Input, Program, Scope, StateKind, StateOp};
