//! ferrospice: a SPICE-style circuit simulator for ordinary electronics and emerging synaptic devices.
//!
//! The layers, lowest first; `tests/tidy.rs` holds them to it:
//! `base`, `library` → `diag`, `sparse`, `integrate`, `dataset` → `expr`, `newton`, `output`, `plot` →
//! `netlist`, `device`, `measure` → `veriloga` → `circuit` → `array`, `sim` → `analysis` → `session` → `cli`.
#![deny(unsafe_code)]

pub mod base;
pub mod library;

pub mod dataset;
pub mod diag;
pub mod integrate;
pub mod sparse;

pub mod expr;
pub mod newton;
pub mod output;
pub mod plot;

pub mod device;
pub mod measure;
pub mod netlist;

pub mod veriloga;

pub mod circuit;

pub mod array;
pub mod sim;

pub mod analysis;

pub mod session;

pub mod cli;
