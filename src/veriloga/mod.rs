//! Verilog-A (Verilog-AMS LRM 2.4, analog part), from text to a device: the typed tree, equations in SSA form, derivatives,
//! an interpreter and machine code, and the binding to the device traits.

pub mod bind;
pub mod hir;
pub mod interp;
pub mod ir;
pub mod jit;
pub mod lower;
pub mod math;
pub mod passes;
#[cfg(test)]
mod random_tests;
