//! Expressions, by precedence (LRM table 4-16).

use super::Parser;
use crate::diag::Diagnostic;
use crate::diag::codes::veriloga as code;
use crate::veriloga::ast::{Ex, ExprKind, Ident, Op};
use crate::veriloga::text::Tok;
use crate::veriloga::text::names::kw;
use crate::veriloga::text::token::P;

/// Binary operators and how tightly they bind.
fn binary(t: Tok) -> Option<(Op, u8)> {
    let Tok::P(p) = t else { return None };
    Some(match p {
        P::StarStar => (Op::Pow, 12),
        P::Star => (Op::Mul, 11),
        P::Slash => (Op::Div, 11),
        P::Percent => (Op::Rem, 11),
        P::Plus => (Op::Add, 10),
        P::Minus => (Op::Sub, 10),
        P::Shl => (Op::Shl, 9),
        P::Shr => (Op::Shr, 9),
        P::AShl => (Op::AShl, 9),
        P::AShr => (Op::AShr, 9),
        P::Lt => (Op::Lt, 8),
        P::Le => (Op::Le, 8),
        P::Gt => (Op::Gt, 8),
        P::Ge => (Op::Ge, 8),
        P::EqEq => (Op::Eq, 7),
        P::Ne => (Op::Ne, 7),
        P::EqEqEq => (Op::CaseEq, 7),
        P::NeEq => (Op::CaseNe, 7),
        P::And => (Op::And, 6),
        P::Xor => (Op::Xor, 5),
        P::Xnor => (Op::Xnor, 5),
        P::Or => (Op::Or, 4),
        P::AndAnd => (Op::LogicAnd, 3),
        P::OrOr => (Op::LogicOr, 2),
        _ => return None,
    })
}

impl Parser<'_> {
    pub(super) fn expr(&mut self) -> Ex {
        let span = self.span();
        match self.deeper(|p| p.ternary()) {
            Some(e) => e,
            None => self.add(ExprKind::Missing, span),
        }
    }

    fn ternary(&mut self) -> Ex {
        let start = self.span();
        let cond = self.binary(2);
        if !self.eat(P::Question) {
            return cond;
        }
        let _ = self.attributes();
        let a = self.expr();
        if !self.expect(P::Colon) {
            return self.add(ExprKind::Missing, self.from(start));
        }
        let b = self.expr();
        let span = self.from(start);
        self.add(ExprKind::Ternary(cond, a, b), span)
    }

    fn binary(&mut self, least: u8) -> Ex {
        let start = self.span();
        let mut left = self.unary();
        while let Some((op, power)) = binary(self.tok()).filter(|b| b.1 >= least) {
            self.bump();
            let _ = self.attributes();
            // All binary operators associate to the left, `**` too.
            let right = match self.deeper(|p| p.binary(power + 1)) {
                Some(r) => r,
                None => return left,
            };
            let span = self.from(start);
            left = self.add(ExprKind::Binary(op, left, right), span);
        }
        left
    }

    fn unary(&mut self) -> Ex {
        let start = self.span();
        let op = match self.tok() {
            Tok::P(P::Plus) => None,
            Tok::P(P::Minus) => Some(Op::Sub),
            Tok::P(P::Not) => Some(Op::Not),
            Tok::P(P::Tilde) => Some(Op::BitNot),
            Tok::P(P::And) => Some(Op::And),
            Tok::P(P::Or) => Some(Op::Or),
            Tok::P(P::Xor) => Some(Op::Xor),
            Tok::P(P::Xnor) => Some(Op::Xnor),
            Tok::P(P::Nand) => Some(Op::Nand),
            Tok::P(P::Nor) => Some(Op::Nor),
            _ => return self.primary_expr(),
        };
        self.bump();
        let _ = self.attributes();
        let Some(arg) = self.deeper(|p| p.unary()) else { return self.add(ExprKind::Missing, start) };
        match op {
            None => arg,
            Some(op) => {
                let span = self.from(start);
                self.add(ExprKind::Unary(op, arg), span)
            }
        }
    }

    pub(super) fn primary_expr(&mut self) -> Ex {
        let start = self.span();
        let simple = match self.tok() {
            Tok::Int(k) => Some(ExprKind::Int(k)),
            Tok::Real(x) => Some(ExprKind::Real(x)),
            Tok::Str(n) => Some(ExprKind::Str(n)),
            Tok::Missing => Some(ExprKind::Missing),
            Tok::Ident(kw::INF) => Some(ExprKind::Inf),
            _ => None,
        };
        if let Some(kind) = simple {
            self.bump();
            return self.add(kind, start);
        }
        match self.tok() {
            Tok::P(P::LParen) => {
                self.bump();
                let e = self.expr();
                if !self.expect(P::RParen) {
                    self.skip_to_close();
                }
                self.postfix_index(e)
            }
            Tok::P(P::LBrace) => {
                self.bump();
                self.braces(start)
            }
            Tok::P(P::TickBrace) => {
                self.bump();
                let list = self.list(P::RBrace);
                let span = self.from(start);
                // `'{n{a}}` repeats.
                if let [one] = list[..]
                    && let ExprKind::Replicate(n, items) = self.ast.expr(one).kind.clone()
                {
                    return self.add(ExprKind::Replicate(n, items), span);
                }
                self.add(ExprKind::Array(list), span)
            }
            Tok::System(name) => {
                self.bump();
                let mut name = Ident { name, span: start };
                // `$simparam$str` and the like are lexed as one word; `$root.` is left as it is.
                let args = if self.is(P::LParen) { Some(self.args()) } else { None };
                name.span = start;
                let span = self.from(start);
                self.add(ExprKind::System(name, args), span)
            }
            // Access functions and operators whose names are words of the grammar elsewhere.
            Tok::Ident(n) if !super::is_reserved(n) || (is_callable(n) && self.peek(1) == Tok::P(P::LParen)) => {
                let mut path = vec![Ident { name: n, span: start }];
                self.bump();
                while self.is(P::Dot) && matches!(self.peek(1), Tok::Ident(_)) {
                    self.bump();
                    if let Tok::Ident(name) = self.tok() {
                        path.push(Ident { name, span: self.span() });
                    }
                    self.bump();
                }
                if self.is(P::LParen) {
                    let args = self.args();
                    let span = self.from(start);
                    return self.add(ExprKind::Call(path, args), span);
                }
                let span = self.from(start);
                let e = self.add(ExprKind::Path(path), span);
                self.postfix_index(e)
            }
            _ => {
                self.expected("an expression");
                self.add(ExprKind::Missing, start)
            }
        }
    }

    /// `[i]`, `[m:n]`, several.
    fn postfix_index(&mut self, mut e: Ex) -> Ex {
        let start = self.ast.expr(e).span;
        while self.eat(P::LBrack) {
            let a = self.expr();
            let b = if self.eat(P::Colon) { Some(self.expr()) } else { None };
            if !self.expect(P::RBrack) {
                self.skip_to_close();
            }
            let span = self.from(start);
            e = match b {
                Some(b) => self.add(ExprKind::Slice(e, a, b), span),
                None => self.add(ExprKind::Index(e, a), span),
            };
        }
        // `x1[2].y`: members of an element of an array of blocks or instances.
        while self.is(P::Dot)
            && matches!(self.peek(1), Tok::Ident(_))
            && matches!(self.ast.expr(e).kind, ExprKind::Index(..))
        {
            let at = self.span();
            self.bump();
            self.bump();
            self.diags.push(
                Diagnostic::error(code::UNSUPPORTED, "names inside of indexed blocks cannot be reached from outside")
                    .at(at, ""),
            );
        }
        e
    }

    /// After `{`: a concatenation or a replication.
    fn braces(&mut self, start: crate::diag::Span) -> Ex {
        if self.eat(P::RBrace) {
            let span = self.from(start);
            return self.add(ExprKind::Array(vec![]), span);
        }
        let first = self.expr();
        if self.eat(P::LBrace) {
            let items = self.list(P::RBrace);
            self.expect(P::RBrace);
            let span = self.from(start);
            return self.add(ExprKind::Replicate(first, items), span);
        }
        let mut list = vec![first];
        while self.eat(P::Comma) {
            list.push(self.expr());
        }
        if !self.expect(P::RBrace) {
            self.skip_to_close();
        }
        let span = self.from(start);
        self.add(ExprKind::Concat(list), span)
    }

    /// Expressions separated by commas up to a closing bracket; `n{...}` inside is a replication.
    fn list(&mut self, close: P) -> Vec<Ex> {
        let mut list = vec![];
        if self.eat(close) {
            return list;
        }
        loop {
            let start = self.span();
            let e = self.expr();
            if self.eat(P::LBrace) {
                let items = self.list(P::RBrace);
                let span = self.from(start);
                list.push(self.add(ExprKind::Replicate(e, items), span));
            } else {
                list.push(e);
            }
            if !self.eat(P::Comma) {
                break;
            }
        }
        if !self.expect(close) {
            self.skip_to_close();
        }
        list
    }

    /// `( a, , <p> )`: arguments may be left out.
    pub(super) fn args(&mut self) -> Vec<Ex> {
        let mut list = vec![];
        let open = self.span();
        self.bump();
        if self.eat(P::RParen) {
            return list;
        }
        loop {
            let start = self.span();
            if matches!(self.tok(), Tok::P(P::Comma | P::RParen)) {
                let e = self.add(ExprKind::Empty, start);
                list.push(e);
            } else if self.eat(P::Lt) {
                // A port reference: `<p>`, `<p[1]>`.
                let name = self.primary_expr();
                self.expect(P::Gt);
                let span = self.from(start);
                list.push(self.add(ExprKind::PortRef(name), span));
            } else {
                list.push(self.expr());
            }
            if self.eat(P::Comma) {
                continue;
            }
            if !self.eat(P::RParen) {
                if self.tok() != Tok::Missing {
                    let found = self.found();
                    let span = self.span();
                    self.report(
                        Diagnostic::error(code::SYNTAX, format!("expected `,` or `)`, found {found}"))
                            .at(span, "")
                            .at(open, "opened here"),
                    );
                }
                self.skip_to_close();
            }
            return list;
        }
    }

    /// To the bracket that closes the current level, and over it; not over the end of the statement.
    fn skip_to_close(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.tok() {
                Tok::Eof | Tok::P(P::Semi) => return,
                Tok::Ident(n) if super::is_boundary(n) => return,
                Tok::P(P::LParen | P::LBrack | P::LBrace) => depth += 1,
                Tok::P(P::RParen | P::RBrack | P::RBrace) => {
                    if depth == 0 {
                        self.bump();
                        return;
                    }
                    depth -= 1;
                }
                _ => {}
            }
            self.bump();
        }
    }
}

/// Keywords that are called like functions.
fn is_callable(n: crate::veriloga::text::Name) -> bool {
    matches!(n, kw::POTENTIAL | kw::FLOW | kw::CROSS | kw::ABOVE | kw::TIMER | kw::REAL | kw::INTEGER)
}
