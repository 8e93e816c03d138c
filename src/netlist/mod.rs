//! Netlist text → [`ast::Deck`]: files, logical lines, dialects, grammar, printer.
//!
//! The reference dialect is ngspice's; spellings of other simulators are accepted where they do not collide, and
//! [`Compat`] decides where they do. Parsing never stops at a fault and never fails: it returns the deck as far as it
//! could be read, with everything that is wrong with it.

use std::path::{Path, PathBuf};

mod array;
pub mod ast;
pub mod cards;
mod fields;
mod include;
mod lines;
pub mod lint;
mod parser;
mod print;
mod statements;
#[cfg(test)]
mod tests;

pub use ast::Deck;
pub use parser::parse;
pub use print::print;

/// Where files come from. Paths are as written in the deck, joined to the folder of the including file or to an `-I` folder.
pub trait Files {
    fn read(&self, path: &Path) -> std::io::Result<String>;

    /// A file that need not be text.
    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.read(path).map(String::into_bytes)
    }
}

/// The files of the machine. Text that is not UTF-8 is taken as Latin-1.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiskFiles;

impl Files for DiskFiles {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        std::fs::read(path).map(decode)
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        std::fs::read(path)
    }
}

/// UTF-8, or Latin-1 where that fails (a `µ` or `Ω` from an old editor must not make a deck unreadable).
pub fn decode(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|e| e.into_bytes().into_iter().map(char::from).collect())
}

/// How a deck is read.
#[derive(Clone, Debug, Default)]
pub struct ParseOptions {
    /// Searched after the folder of the including file.
    pub include_dirs: Vec<PathBuf>,
    pub compat: Compat,
}

/// Which simulator is followed where two collide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compat {
    #[default]
    Ngspice,
    /// `2k2` is 2200.
    Ltspice,
    Hspice,
    /// `$` starts no comment.
    Pspice,
}

impl Compat {
    /// The dialect of expressions.
    pub fn dialect(self) -> crate::expr::Dialect {
        crate::expr::Dialect { rkm_numbers: self == Compat::Ltspice }
    }
}
