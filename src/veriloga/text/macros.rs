//! Macro definitions and their expansion.

use super::names::Name;
use super::token::{Tok, Token};
use crate::diag::{FileId, Span};

/// A macro: its formal arguments and its body, lexed once.
#[derive(Clone, Debug)]
pub struct Macro {
    pub name: Name,
    /// None: without parentheses.
    pub formals: Option<Vec<Formal>>,
    pub body: Vec<Token>,
    /// For each body token the formal it stands for.
    pub slots: Vec<Option<u16>>,
    /// Where it is written; nowhere for predefined ones.
    pub file: FileId,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Formal {
    pub name: Name,
    pub default: Option<Vec<Token>>,
}

impl Macro {
    pub fn new(name: Name, formals: Option<Vec<Formal>>, body: Vec<Token>, span: Span) -> Self {
        let slot = |t: &Token| match (t.tok, &formals) {
            (Tok::Ident(n), Some(f)) => f.iter().position(|f| f.name == n).map(|p| p as u16),
            _ => None,
        };
        let slots = body.iter().map(slot).collect();
        Macro { name, formals, body, slots, file: span.file, span }
    }
}

/// Where tokens come from: the text of a file, or a list.
pub trait Stream {
    fn next(&mut self, cx: &mut super::preprocess::Context) -> Token;
    /// Gives the last token back.
    fn back(&mut self, t: Token);
    /// The lexer, where directives that take the rest of a line are possible.
    fn lexer(&mut self) -> Option<&mut super::lexer::Lexer>;
}

pub struct FileStream {
    pub lexer: super::lexer::Lexer,
    pub peeked: Option<Token>,
}

impl Stream for FileStream {
    fn next(&mut self, cx: &mut super::preprocess::Context) -> Token {
        match self.peeked.take() {
            Some(t) => t,
            None => {
                let (names, diags) = cx.names_and_diags();
                self.lexer.next(names, diags)
            }
        }
    }

    fn back(&mut self, t: Token) {
        self.peeked = Some(t);
    }

    fn lexer(&mut self) -> Option<&mut super::lexer::Lexer> {
        Some(&mut self.lexer)
    }
}

pub struct ListStream<'a> {
    pub tokens: &'a [Token],
    pub at: usize,
    /// The span of the end.
    pub end: Span,
}

impl Stream for ListStream<'_> {
    fn next(&mut self, _: &mut super::preprocess::Context) -> Token {
        let t = self.tokens.get(self.at).copied().unwrap_or(Token { tok: Tok::Eof, span: self.end });
        self.at += 1;
        t
    }

    fn back(&mut self, _: Token) {
        self.at -= 1;
    }

    fn lexer(&mut self) -> Option<&mut super::lexer::Lexer> {
        None
    }
}
