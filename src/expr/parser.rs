//! Text to [`Expr`]: precedence climbing over nom tokens (V. R. Pratt, "Top down operator precedence", 1973).
//!
//! The height of the tree and its number of nodes are bounded, so no later walk over it can exhaust the stack.

use super::ast::{BinaryOp, Expr, ExprKind, UNARY_POWER, UnaryOp};
use super::lexer::{Token, raw_name, skip_blanks, token};
use crate::diag::codes::expr::{AMBIGUOUS_NUMBER, EXPR_SYNTAX, EXPR_TOO_LARGE};
use crate::diag::{Diagnostic, Span};

pub use super::lexer::rkm;

/// Parentheses, calls and conditions inside each other.
const MAX_NESTING: usize = 200;
/// Height of the tree: nesting, or operators in a row.
const MAX_HEIGHT: usize = 1000;
const MAX_NODES: usize = 200_000;

/// Spellings that differ between simulators.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// `2k2` is 2200 (LTspice). Otherwise it is 2000, as in Berkeley SPICE, with a lint.
    pub rkm_numbers: bool,
}

/// Parses a whole text as one expression. `span_of(lo, hi)` turns byte offsets of the text into a source span.
pub fn parse(text: &str, span_of: &dyn Fn(usize, usize) -> Span) -> Result<Expr, Vec<Diagnostic>> {
    parse_with(text, Dialect::default(), span_of, &mut Vec::new())
}

/// [`parse`] in a dialect; lints about what was read go to `lints`.
pub fn parse_with(
    text: &str,
    dialect: Dialect,
    span_of: &dyn Fn(usize, usize) -> Span,
    lints: &mut Vec<Diagnostic>,
) -> Result<Expr, Vec<Diagnostic>> {
    let mut p =
        Parser { text, rest: text, token: Token::End, lo: 0, hi: 0, nodes: 0, nesting: 0, dialect, span_of, lints };
    p.next();
    let parsed = p.expression().and_then(|e| match p.token {
        Token::End => Ok(e),
        _ => Err(p.unexpected("an operator")),
    });
    match parsed {
        Ok((e, _)) => Ok(e),
        Err(d) => Err(vec![*d]),
    }
}

/// Quantities whose arguments are node or element names, not expressions.
pub fn is_signal(name: &str) -> bool {
    matches!(
        name,
        "v" | "vm"
            | "vp"
            | "vr"
            | "vi"
            | "vdb"
            | "i"
            | "im"
            | "ip"
            | "ir"
            | "ii"
            | "idb"
            | "ib"
            | "ic"
            | "ie"
            | "is"
            | "id"
            | "ig"
            | "ix"
            | "isub"
    )
}

type Fault = Box<Diagnostic>;
/// A tree and its height.
type Node = (Expr, usize);

struct Parser<'a> {
    text: &'a str,
    /// Behind the current token.
    rest: &'a str,
    token: Token<'a>,
    lo: usize,
    hi: usize,
    nodes: usize,
    nesting: usize,
    dialect: Dialect,
    span_of: &'a dyn Fn(usize, usize) -> Span,
    lints: &'a mut Vec<Diagnostic>,
}

impl<'a> Parser<'a> {
    fn next(&mut self) {
        let text = skip_blanks(self.rest);
        self.lo = self.text.len() - text.len();
        let (token, rest) = token(text);
        self.token = token;
        self.rest = rest;
        self.hi = self.text.len() - rest.len();
    }

    fn here(&self) -> Span {
        (self.span_of)(self.lo, self.hi.max(self.lo))
    }

    fn node(&mut self, kind: ExprKind, lo: usize, hi: usize, height: usize) -> Result<Node, Fault> {
        self.nodes += 1;
        let span = (self.span_of)(lo, hi);
        if height > MAX_HEIGHT || self.nodes > MAX_NODES {
            let limit = if height > MAX_HEIGHT {
                format!("more than {MAX_HEIGHT} operators in a row or inside each other")
            } else {
                format!("more than {MAX_NODES} terms")
            };
            return Err(Box::new(
                Diagnostic::error(EXPR_TOO_LARGE, "expression is too large")
                    .at(span, limit)
                    .help("group a long sum with parentheses, or split it over several `.param` or `.func` lines"),
            ));
        }
        Ok((Expr::new(kind, span), height))
    }

    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(Box::new(
                Diagnostic::error(EXPR_TOO_LARGE, "expression is nested too deeply")
                    .at(self.here(), format!("more than {MAX_NESTING} levels of parentheses"))
                    .help("split it over several `.param` or `.func` lines"),
            ));
        }
        let r = f(self);
        self.nesting -= 1;
        r
    }

    /// What was read while `wanted` was expected.
    fn unexpected(&self, wanted: &str) -> Fault {
        let d = |message: String, label: String| Diagnostic::error(EXPR_SYNTAX, message).at(self.here(), label);
        let seen = self.text.get(self.lo..self.hi).unwrap_or("");
        Box::new(match self.token {
            Token::End if self.text.trim().is_empty() => {
                d("empty expression".into(), "nothing here".into()).help(format!("{wanted} is expected"))
            }
            Token::End => d("expression ends too early".into(), format!("{wanted} is expected here")),
            Token::Close => {
                let d = d(format!("`{seen}` is not expected here"), format!("{wanted} is expected"));
                if self.nesting == 0 { d.help("there is no open parenthesis that this one closes") } else { d }
            }
            Token::Bad('=') => d("`=` inside an expression".into(), "an operator is expected here".into())
                .help("write `==` to compare; an assignment stands outside of the braces: `name={expression}`"),
            Token::Bad(q @ ('"' | '\'')) => d(format!("a quote {q} inside an expression"), "not allowed here".into()),
            Token::Bad(';') => d("`;` inside an expression".into(), "a comment cannot start here".into()),
            Token::Bad(c) => d(
                format!("character `{}` does not belong in an expression", c.escape_default()),
                format!("{wanted} is expected"),
            ),
            Token::BadNumber(w) => d(format!("`{w}` is not a number"), "digits or a unit where none can be".into())
                .help("a number has digits, one point, an exponent and a suffix: `2.2k`, `1e-9`, `10MegHz`"),
            Token::Number(_) | Token::Rkm { .. } | Token::Name(_) | Token::Not | Token::Open => {
                d(format!("`{seen}` is not expected here"), format!("{wanted} is expected"))
                    .help("is an operator (such as `*`) missing?")
            }
            _ => d(format!("`{seen}` is not expected here"), format!("{wanted} is expected")),
        })
    }

    fn expression(&mut self) -> Result<Node, Fault> {
        self.deeper(|p| {
            let lo = p.lo;
            let (cond, h) = p.binary(1)?;
            if p.token != Token::Question {
                return Ok((cond, h));
            }
            p.next();
            let (a, ha) = p.expression()?;
            if p.token != Token::Colon {
                return Err(Box::new(
                    p.unexpected("`:` and the value for a false condition")
                        .help("a condition is written `condition ? value_if_true : value_if_false`"),
                ));
            }
            p.next();
            let (b, hb) = p.expression()?;
            let hi = p.end_of_previous();
            p.node(ExprKind::Select(Box::new(cond), Box::new(a), Box::new(b)), lo, hi, 1 + h.max(ha).max(hb))
        })
    }

    /// Byte offset behind the last token that was taken.
    fn end_of_previous(&self) -> usize {
        self.text[..self.lo].trim_end().len()
    }

    /// Operators that bind at least as tightly as `min`.
    fn binary(&mut self, min: u8) -> Result<Node, Fault> {
        let lo = self.lo;
        let (mut left, mut height) = self.unary()?;
        while let Token::Op(op) = self.token {
            if op.power() < min {
                break;
            }
            self.next();
            // What stands right of a power may carry signs: 2**-1. Else one level tighter: left-associative.
            let (right, h) = if op == BinaryOp::Pow {
                self.deeper(Self::signed_primary)?
            } else {
                self.deeper(|p| p.binary(op.power() + 1))?
            };
            height = 1 + height.max(h);
            let hi = self.end_of_previous();
            (left, height) = self.node(ExprKind::Binary(op, Box::new(left), Box::new(right)), lo, hi, height)?;
        }
        Ok((left, height))
    }

    /// Signs, then a power: `-2^2` is -(2^2).
    fn unary(&mut self) -> Result<Node, Fault> {
        let lo = self.lo;
        let op = match self.token {
            Token::Op(BinaryOp::Sub) => Some(UnaryOp::Neg),
            Token::Op(BinaryOp::Add) => None,
            Token::Not => Some(UnaryOp::Not),
            _ => return self.primary(),
        };
        self.next();
        let (a, h) = self.deeper(|p| p.binary(UNARY_POWER))?;
        let Some(op) = op else { return Ok((a, h)) };
        let hi = self.end_of_previous();
        self.node(ExprKind::Unary(op, Box::new(a)), lo, hi, h + 1)
    }

    /// Signs and one primary: the right side of a power.
    fn signed_primary(&mut self) -> Result<Node, Fault> {
        let lo = self.lo;
        let op = match self.token {
            Token::Op(BinaryOp::Sub) => Some(UnaryOp::Neg),
            Token::Op(BinaryOp::Add) => None,
            Token::Not => Some(UnaryOp::Not),
            _ => return self.primary(),
        };
        self.next();
        let (a, h) = self.deeper(Self::signed_primary)?;
        let Some(op) = op else { return Ok((a, h)) };
        let hi = self.end_of_previous();
        self.node(ExprKind::Unary(op, Box::new(a)), lo, hi, h + 1)
    }

    fn primary(&mut self) -> Result<Node, Fault> {
        let (lo, hi) = (self.lo, self.hi);
        match self.token {
            Token::Number(x) if x.is_finite() => {
                self.next();
                self.node(ExprKind::Number(x), lo, hi, 1)
            }
            Token::Number(_) => Err(Box::new(
                Diagnostic::error(EXPR_SYNTAX, "number too large")
                    .at(self.here(), "beyond 1.8e308, the largest there is"),
            )),
            Token::Rkm { plain, rkm } => {
                if !self.dialect.rkm_numbers {
                    let word = &self.text[lo..hi];
                    self.lints.push(ambiguous_number(word, plain, rkm, self.here()));
                }
                let x = if self.dialect.rkm_numbers { rkm } else { plain };
                self.next();
                self.node(ExprKind::Number(x), lo, hi, 1)
            }
            Token::Name(name) => {
                let name = name.to_ascii_lowercase();
                if skip_blanks(self.rest).starts_with('(') && !name.starts_with('@') {
                    return self.call(name);
                }
                self.next();
                self.node(ExprKind::Name(name), lo, hi, 1)
            }
            Token::Open => {
                self.next();
                let inner = self.expression()?;
                self.close(lo)?;
                Ok(inner)
            }
            _ => Err(self.unexpected("a number, a name or `(`")),
        }
    }

    /// Takes the closing parenthesis of the one at `open`.
    fn close(&mut self, open: usize) -> Result<(), Fault> {
        if self.token == Token::Close {
            self.next();
            return Ok(());
        }
        let there = (self.span_of)(open, open + 1);
        Err(Box::new(self.unexpected("`)`").at(there, "opened here")))
    }

    fn call(&mut self, name: String) -> Result<Node, Fault> {
        let lo = self.lo;
        self.next();
        let open = self.lo;
        let mut args = Vec::new();
        let mut height = 0;
        if is_signal(&name) {
            self.raw_arguments(&mut args)?;
        } else {
            self.next();
            while self.token != Token::Close || !args.is_empty() {
                let (a, h) = self.expression()?;
                args.push(a);
                height = height.max(h);
                if self.token != Token::Comma {
                    break;
                }
                self.next();
            }
        }
        self.close(open)?;
        let hi = self.end_of_previous();
        self.node(ExprKind::Call(name, args), lo, hi, height + 1)
    }

    /// `a+, net-1)` after `v(`; the current token is the parenthesis.
    fn raw_arguments(&mut self, args: &mut Vec<Expr>) -> Result<(), Fault> {
        loop {
            let start = self.text.len() - self.rest.len();
            let (raw, rest) = raw_name(self.rest);
            let word = raw.trim();
            let lo = start + (raw.len() - raw.trim_start().len());
            let hi = lo + word.len();
            if word.is_empty() || word.contains(char::is_whitespace) {
                let (what, label) = if word.is_empty() {
                    ("a name is missing", "a node or element name is expected here")
                } else {
                    ("a name with blanks", "one name is expected here")
                };
                return Err(Box::new(
                    Diagnostic::error(EXPR_SYNTAX, what)
                        .at((self.span_of)(lo, hi), label)
                        .help("write `v(node)`, `v(plus,minus)` or `i(element)`"),
                ));
            }
            let (name, _) = self.node(ExprKind::Name(word.to_ascii_lowercase()), lo, hi, 1)?;
            args.push(name);
            self.rest = rest;
            self.next();
            if self.token != Token::Comma {
                return Ok(());
            }
        }
    }
}

/// The lint about `2k2`.
pub fn ambiguous_number(word: &str, plain: f64, rkm: f64, span: Span) -> Diagnostic {
    Diagnostic::lint(AMBIGUOUS_NUMBER, format!("`{word}` is read as {plain}, not as {rkm}"))
        .at(span, "digits after the suffix are ignored")
        .help("write the decimal point (`2.2k`), or ask for LTspice compatibility, where the suffix is the point")
}
