//! Modules, natures, disciplines.

use super::{InForce, Parser};
use crate::diag::codes::veriloga as code;
use crate::veriloga::ast::{Attr, Declared, Discipline, Item, ItemKind, Module, Nature, Nets, Ports, Range};
use crate::veriloga::hir::Direction;
use crate::veriloga::text::Tok;
use crate::veriloga::text::names::kw;
use crate::veriloga::text::token::P;

impl Parser<'_> {
    pub(super) fn module(&mut self, attrs: Vec<Attr>, now: &InForce) {
        let start = self.span();
        self.bump();
        let Some(name) = self.new_name("name of the module") else {
            self.recover();
            return;
        };
        let mut m = Module {
            name,
            attrs,
            ports: vec![],
            items: vec![],
            default_discipline: now.default_discipline,
            timescale: now.timescale,
            default_transition: now.default_transition,
            span: start,
        };
        // `module m (* attribute *) (a, b);`
        m.attrs.extend(self.late_attributes());
        if self.eat(P::Hash) && self.expect(P::LParen) {
            while !matches!(self.tok(), Tok::Eof | Tok::P(P::RParen | P::Semi)) {
                let before = self.at;
                let attrs = self.attributes();
                let span = self.span();
                if matches!(self.tok(), Tok::Ident(kw::PARAMETER | kw::LOCALPARAM)) {
                    let kind = self.params(true);
                    m.items.push(Item { kind, attrs, span });
                } else {
                    self.expected("`parameter`");
                    self.bump();
                }
                self.eat(P::Comma);
                if self.at == before {
                    self.bump();
                }
            }
            self.expect(P::RParen);
        }
        if self.eat(P::LParen) {
            self.header_ports(&mut m);
        }
        m.attrs.extend(self.late_attributes());
        if !self.expect(P::Semi) {
            self.recover();
        }
        loop {
            match self.tok() {
                Tok::Ident(kw::ENDMODULE) => {
                    self.bump();
                    if self.is(P::Colon) {
                        self.bump();
                        self.bump();
                    }
                    break;
                }
                Tok::Eof | Tok::Ident(kw::MODULE | kw::MACROMODULE) => {
                    let found = self.found();
                    let span = self.span();
                    self.report(
                        crate::diag::Diagnostic::error(code::SYNTAX, format!("expected `endmodule`, found {found}"))
                            .at(span, "")
                            .at(m.name.span, "this module is not closed"),
                    );
                    break;
                }
                _ => {}
            }
            let before = self.at;
            if let Some(item) = self.item() {
                m.items.push(item);
            }
            if self.at == before {
                self.bump();
            }
        }
        m.span = self.from(start);
        self.ast.modules.push(m);
    }

    /// `a, b[0:1], inout electrical c, d)`: names, or declarations in the manner of ANSI C.
    fn header_ports(&mut self, m: &mut Module) {
        if self.eat(P::RParen) {
            return;
        }
        let mut current: Option<Ports> = None;
        loop {
            let attrs = self.attributes();
            let span = self.span();
            let direction = match self.tok() {
                Tok::Ident(kw::INPUT) => Some(Direction::Input),
                Tok::Ident(kw::OUTPUT) => Some(Direction::Output),
                Tok::Ident(kw::INOUT) => Some(Direction::Inout),
                _ => None,
            };
            if let Some(direction) = direction {
                self.bump();
                let (discipline, range) = self.port_type();
                current = Some(Ports { direction, discipline, range, names: vec![] });
            } else if let (Tok::Ident(a), Tok::Ident(_)) = (self.tok(), self.peek(1))
                && !super::is_reserved(a)
            {
                // `electrical a`: a discipline without direction.
                let (discipline, range) = self.port_type();
                current = Some(Ports { direction: Direction::Inout, discipline, range, names: vec![] });
            }
            let Some(name) = self.new_name("name of a port") else {
                while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::RParen | P::Comma)) {
                    self.bump();
                }
                if self.eat(P::Comma) {
                    continue;
                }
                self.eat(P::RParen);
                return;
            };
            m.ports.push(name);
            let mut attrs = attrs;
            let mut dims = vec![];
            while self.is(P::LBrack) {
                dims.extend(self.range());
            }
            attrs.extend(self.late_attributes());
            let declared = Declared { name, dims, init: None, attrs };
            match &current {
                Some(p) => {
                    let kind = ItemKind::Ports(Ports { names: vec![declared], ..p.clone() });
                    m.items.push(Item { kind, attrs: vec![], span });
                }
                None if !declared.dims.is_empty() || !declared.attrs.is_empty() => {
                    let range = declared.dims.first().cloned();
                    let kind =
                        ItemKind::Nets(Nets { discipline: None, is_ground: false, range, names: vec![declared] });
                    m.items.push(Item { kind, attrs: vec![], span });
                }
                None => {}
            }
            if self.eat(P::Comma) {
                continue;
            }
            if !self.expect(P::RParen) {
                while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::RParen)) && !self.starts_line() {
                    self.bump();
                }
                self.eat(P::RParen);
            }
            return;
        }
    }

    /// `[wire|reg] [discipline] [range]` of a port.
    pub(super) fn port_type(&mut self) -> (Option<crate::veriloga::ast::Ident>, Option<Range>) {
        if matches!(self.tok(), Tok::Ident(kw::WIRE | kw::SIGNED | kw::TRI | kw::WREAL | kw::REG))
            && matches!(self.peek(1), Tok::Ident(_) | Tok::P(P::LBrack))
        {
            self.bump();
        }
        let mut discipline = None;
        if let (Tok::Ident(n), Tok::Ident(_) | Tok::P(P::LBrack)) = (self.tok(), self.peek(1))
            && !super::is_reserved(n)
        {
            // `inout electrical [0:1] x` against `inout x[0:1]`: what follows the bracket tells.
            let is_type = matches!(self.peek(1), Tok::Ident(_)) || self.name_after_brackets();
            if is_type {
                discipline = self.ident("discipline");
            }
        }
        let range = if self.is(P::LBrack) { self.range() } else { None };
        (discipline, range)
    }

    /// `x [..] y`: a name follows the brackets after the current token.
    fn name_after_brackets(&self) -> bool {
        let mut k = 1;
        while self.peek(k) == Tok::P(P::LBrack) {
            let mut depth = 0usize;
            loop {
                match self.peek(k) {
                    Tok::P(P::LBrack) => depth += 1,
                    Tok::P(P::RBrack) => depth -= 1,
                    Tok::Eof => return false,
                    _ => {}
                }
                k += 1;
                if depth == 0 {
                    break;
                }
            }
        }
        matches!(self.peek(k), Tok::Ident(n) if !super::is_reserved(n))
    }

    /// `[a:b]`
    pub(super) fn range(&mut self) -> Option<Range> {
        let start = self.span();
        if !self.expect(P::LBrack) {
            return None;
        }
        let left = self.expr();
        let right = if self.eat(P::Colon) {
            self.expr()
        } else {
            let span = self.from(start);
            self.report(
                crate::diag::Diagnostic::error(code::SYNTAX, "a range has two bounds")
                    .at(span, "")
                    .help("an array of n elements is declared `x[0:n-1]`"),
            );
            left
        };
        self.expect(P::RBrack);
        Some(Range { left, right, span: self.from(start) })
    }

    pub(super) fn nature(&mut self) {
        self.bump();
        let Some(name) = self.new_name("name of the nature") else { return self.recover() };
        let mut n = Nature { name, parent: None, entries: vec![] };
        if self.eat(P::Colon) {
            let mut path = vec![];
            path.extend(self.word("parent nature"));
            while self.eat(P::Dot) {
                path.extend(self.word("`potential` or `flow`"));
            }
            n.parent = Some(path);
        }
        self.eat(P::Semi);
        while !matches!(self.tok(), Tok::Eof | Tok::Ident(kw::ENDNATURE | kw::MODULE | kw::DISCIPLINE)) {
            let before = self.at;
            if let Some(key) = self.word("an attribute of the nature")
                && self.expect(P::Assign)
            {
                let value = self.expr();
                n.entries.push((key, value));
                if !self.expect(P::Semi) {
                    self.recover();
                }
            } else {
                self.recover();
            }
            if self.at == before {
                self.bump();
            }
        }
        self.expect_word(kw::ENDNATURE);
        self.eat(P::Semi);
        self.ast.natures.push(n);
    }

    /// Any word, keywords too.
    fn word(&mut self, what: &str) -> Option<crate::veriloga::ast::Ident> {
        if let Tok::Ident(name) = self.tok() {
            let span = self.span();
            self.bump();
            return Some(crate::veriloga::ast::Ident { name, span });
        }
        self.expected(what);
        None
    }

    pub(super) fn discipline(&mut self) {
        self.bump();
        let Some(name) = self.new_name("name of the discipline") else { return self.recover() };
        let mut d = Discipline { name, potential: None, flow: None, is_discrete: false, overrides: vec![] };
        self.eat(P::Semi);
        while !matches!(self.tok(), Tok::Eof | Tok::Ident(kw::ENDDISCIPLINE | kw::MODULE | kw::NATURE)) {
            let before = self.at;
            let key = self.word("`potential`, `flow` or `domain`");
            match key.map(|k| k.name) {
                Some(which @ (kw::POTENTIAL | kw::FLOW)) if !self.is(P::Dot) => {
                    let nature = self.ident("name of a nature");
                    if which == kw::POTENTIAL {
                        d.potential = nature;
                    } else {
                        d.flow = nature;
                    }
                }
                Some(kw::POTENTIAL | kw::FLOW) => {
                    self.bump();
                    let attr = self.word("an attribute of the nature");
                    if self.expect(P::Assign) {
                        let value = self.expr();
                        if let (Some(key), Some(attr)) = (key, attr) {
                            d.overrides.push((key, attr, value));
                        }
                    }
                }
                Some(kw::DOMAIN) => {
                    let word = self.word("`continuous` or `discrete`");
                    d.is_discrete = word.is_some_and(|w| w.name == kw::DISCRETE);
                }
                Some(_) => {
                    if self.eat(P::Assign) {
                        self.expr();
                    } else {
                        self.at = self.at.saturating_sub(1);
                        self.expected("`potential`, `flow` or `domain`");
                        self.bump();
                    }
                }
                None => {}
            }
            if !self.expect(P::Semi) {
                self.recover();
            }
            if self.at == before {
                self.bump();
            }
        }
        self.expect_word(kw::ENDDISCIPLINE);
        self.eat(P::Semi);
        self.ast.disciplines.push(d);
    }
}
