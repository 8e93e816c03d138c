//! From files to tokens: names, lexer, macros, conditional compilation, includes.

pub mod builtin;
pub mod lexer;
pub mod macros;
pub mod names;
pub mod preprocess;
pub mod token;

pub use names::{Name, Names};
pub use preprocess::{Directive, Preprocessed, preprocess};
pub use token::{Tok, Token};
