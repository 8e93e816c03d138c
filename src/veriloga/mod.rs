//! The Verilog-A compiler: from the typed tree to equations, derivatives and machine code.

pub mod interp;
pub mod ir;
pub mod math;
pub mod passes;
//! Verilog-A (Verilog-AMS LRM 2.4, analog part): preprocess, lex, parse, resolve, check.

pub mod hir;
