//! Netlist text → [`ast::Deck`]: files, logical lines, dialects, grammar, printer.

pub mod ast;

pub use ast::Deck;
