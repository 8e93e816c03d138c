//! Expression trees and their parser.

use crate::diag::{Diagnostic, Span};

/// A parsed expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    Number(f64),
    /// A parameter or a constant.
    Name(String),
    /// A function; `v(a,b)` and `i(x)` too: their arguments are kept as names.
    Call(String, Vec<Expr>),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `c ? a : b`
    Select(Box<Expr>, Box<Expr>, Box<Expr>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnaryOp {
    Neg,
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    And,
    Or,
}

/// Parses a whole text as one expression. `span_of(lo, hi)` turns byte offsets of the text into a source span.
pub fn parse(text: &str, span_of: &dyn Fn(usize, usize) -> Span) -> Result<Expr, Vec<Diagnostic>> {
    let _ = (text, span_of);
    Err(vec![])
}
