//! Arrays as primitives: planes of wires joined by cells, solved as what they are.
//!
//! An array of m x n cells has 2 m n nodes. As a general sparse system it costs minutes and gigabytes where the structure,
//! lines of wire that only cells join, gives the same answer in milliseconds: [`Linear`] for conductances,
//! [`Effective`] for the matrix that an array with wires multiplies by.
//!
//! Every result has a [`Certificate`]: the imbalance of currents over all nodes, computed from the solution.

pub mod effective;
pub mod geometry;
mod islands;
mod krylov;
pub mod linear;
mod planes;
pub mod solution;

pub use effective::Effective;
pub use geometry::{Defect, End, Geometry, Plane};
pub use linear::{Certificate, Linear, Settings};
pub use solution::Currents;

#[cfg(test)]
mod tests;
