//! Verilog-A (Verilog-AMS LRM 2.4, analog part): preprocess, lex, parse, resolve, check.

pub mod hir;
