//! Arrays as primitives: planes of wires joined by cells, solved as what they are.
//!
//! An array of m x n cells has 2 m n nodes. As a general sparse system it costs minutes and gigabytes where the structure,
//! lines of wire that only cells join, gives the same answer in milliseconds: [`Linear`] for conductances,
//! [`Effective`] for the matrix that an array with wires multiplies by, [`Array`] for cells of any law.
//!
//! Every result has a [`Certificate`]: the imbalance of currents over all nodes, computed from the solution.

pub mod cells;
mod coarse;
pub mod columns;
pub mod device_cells;
pub mod drift;
pub mod drive;
pub mod effective;
mod float;
pub mod geometry;
mod islands;
mod krylov;
pub mod laws;
pub mod linear;
mod march;
mod mixed;
pub mod network;
mod network_tran;
mod network_write;
pub mod nonlinear;
mod planes;
mod residual;
mod rows;
mod single;
pub mod solution;
pub mod study;
mod sweeps;
pub mod tran;
pub mod write;

pub use cells::{Cells, LineCells, LineFrame};
pub use columns::{Columns, GatedCells, OneTransistor, Transistor};
pub use device_cells::DeviceCells;
pub use drift::{Drift, DriftCells};
pub use drive::{Scheme, Wiring};
pub use effective::Effective;
pub use geometry::{Defect, End, Geometry, Plane};
pub use laws::{Law, LawCells};
pub use linear::{Certificate, Linear, Settings};
pub use network::{Lines, Network, NetworkProgram};
pub use network_write::{Climb, Climbed};
pub use nonlinear::{Array, Statistics};
pub use solution::Currents;
pub use tran::{Program, TranSettings, transient};

#[cfg(test)]
mod tests;
