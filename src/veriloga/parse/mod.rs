//! The parser: recursive descent, recovering at statement and item boundaries, so that one run reports every fault.

mod expr;
mod item;
mod module;
mod paramset;
mod stmt;

use super::Options;
use super::ast::{Ast, Attr, Ex, Expr, ExprKind, Ident};
use super::text::names::{is_reserved, is_standard_keyword, kw, reserved};
use super::text::token::P;
use super::text::{Directive, Name, Names, Preprocessed, Tok, Token};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, SourceMap, Span};

pub struct Parser<'a> {
    tokens: &'a [Token],
    at: usize,
    pub ast: Ast,
    /// Depth of the tree below each expression.
    depths: Vec<u16>,
    names: &'a mut Names,
    sources: &'a SourceMap,
    diags: &'a mut Vec<Diagnostic>,
    options: &'a Options,
    /// Current nesting of the descent.
    nesting: usize,
    /// An expression beyond the limit has been reported.
    is_too_deep: bool,
    /// Token at which the last fault was reported: one fault a place.
    faulty: usize,
    dialect: Dialect,
}

/// Old forms met; each is reported once a file.
#[derive(Default)]
struct Dialect {
    late_attribute: bool,
    event_parens: bool,
    range_commas: bool,
    keywords: Vec<Name>,
}

/// Reads all of a token list.
pub fn parse(
    text: &Preprocessed,
    names: &mut Names,
    sources: &SourceMap,
    options: &Options,
    diags: &mut Vec<Diagnostic>,
) -> Ast {
    let mut ast = Ast::default();
    parse_more(&mut ast, text, names, sources, options, diags);
    ast
}

/// Adds to a tree.
pub fn parse_more(
    ast: &mut Ast,
    text: &Preprocessed,
    names: &mut Names,
    sources: &SourceMap,
    options: &Options,
    diags: &mut Vec<Diagnostic>,
) {
    let depths = vec![1; ast.exprs.len()];
    let mut p = Parser {
        tokens: &text.tokens,
        at: 0,
        ast: std::mem::take(ast),
        depths,
        names,
        sources,
        diags,
        options,
        nesting: 0,
        is_too_deep: false,
        faulty: usize::MAX,
        dialect: Dialect::default(),
    };
    p.source(&text.directives);
    *ast = p.ast;
}

/// Directives in force at a module's start.
#[derive(Clone, Default)]
struct InForce {
    default_discipline: Option<Name>,
    timescale: Option<f64>,
    default_transition: Option<f64>,
}

impl Parser<'_> {
    fn errors(&self) -> usize {
        self.diags.iter().filter(|d| d.is_error()).count()
    }

    fn source(&mut self, directives: &[(usize, Directive)]) {
        let mut now = InForce::default();
        let mut sets = vec![];
        let mut k = 0;
        loop {
            while let Some((at, d)) = directives.get(k).filter(|d| d.0 <= self.at) {
                let _ = at;
                match d {
                    Directive::DefaultDiscipline(n) => now.default_discipline = *n,
                    Directive::Timescale(t) => now.timescale = Some(*t),
                    Directive::DefaultTransition(t) => now.default_transition = Some(*t),
                    Directive::ResetAll => now = InForce::default(),
                }
                k += 1;
            }
            let start = self.at;
            let attrs = self.attributes();
            match self.tok() {
                Tok::Eof => return self.resolve_paramsets(sets),
                Tok::Ident(kw::MODULE | kw::MACROMODULE | kw::CONNECTMODULE) => self.module(attrs, &now),
                Tok::Ident(kw::NATURE) => self.nature(),
                Tok::Ident(kw::DISCIPLINE) => self.discipline(),
                Tok::Ident(kw::PARAMSET) => sets.extend(self.paramset()),
                Tok::Ident(kw::PRIMITIVE) => self.skip_construct(kw::ENDPRIMITIVE, "user-defined primitives"),
                Tok::Ident(kw::CONNECTRULES) => self.skip_construct(kw::ENDCONNECTRULES, "connect rules"),
                Tok::Ident(kw::CONFIG) => self.skip_construct(kw::ENDCONFIG, "configurations"),
                Tok::P(P::Semi) | Tok::Missing => self.bump(),
                Tok::Ident(kw::ENDMODULE) => {
                    self.error("`endmodule` without `module`", "");
                    self.bump();
                }
                _ => {
                    let is_item = matches!(
                        self.tok(),
                        Tok::Ident(kw::PARAMETER | kw::LOCALPARAM | kw::ANALOG | kw::REAL | kw::INTEGER | kw::FUNCTION)
                    );
                    if is_item {
                        let found = self.found();
                        let d = Diagnostic::error(code::SYNTAX, format!("{found} stands outside of a module"))
                            .at(self.span(), "")
                            .help(
                                "a file of declarations is read where a module includes it: check the file that does",
                            );
                        self.report(d);
                    } else {
                        self.expected("`module`, `nature` or `discipline`");
                    }
                    self.ast.has_gaps = true;
                    // Up to the next thing that can stand here.
                    while !matches!(
                        self.tok(),
                        Tok::Eof | Tok::Ident(kw::MODULE | kw::NATURE | kw::DISCIPLINE | kw::MACROMODULE)
                    ) {
                        self.bump();
                    }
                }
            }
            if self.at == start {
                self.bump();
            }
        }
    }

    fn skip_construct(&mut self, end: Name, what: &str) {
        let span = self.span();
        self.diags.push(Diagnostic::error(code::UNSUPPORTED, format!("{what} are not supported")).at(span, ""));
        while !matches!(self.tok(), Tok::Eof) && self.tok() != Tok::Ident(end) {
            self.bump();
        }
        self.bump();
    }

    // ---- tokens

    fn tok(&self) -> Tok {
        self.tokens.get(self.at).map_or(Tok::Eof, |t| t.tok)
    }

    fn peek(&self, ahead: usize) -> Tok {
        self.tokens.get(self.at + ahead).map_or(Tok::Eof, |t| t.tok)
    }

    fn span(&self) -> Span {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(Span::NOWHERE, |t| t.span)
    }

    /// Of the token before.
    fn last_span(&self) -> Span {
        self.at.checked_sub(1).and_then(|k| self.tokens.get(k)).map_or(Span::NOWHERE, |t| t.span)
    }

    fn bump(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn from(&self, start: Span) -> Span {
        self.sources.join(start, self.last_span())
    }

    fn is(&self, p: P) -> bool {
        self.tok() == Tok::P(p)
    }

    fn is_word(&self, name: Name) -> bool {
        self.tok() == Tok::Ident(name)
    }

    fn eat(&mut self, p: P) -> bool {
        let hit = self.is(p);
        if hit {
            self.bump();
        }
        hit
    }

    fn eat_word(&mut self, name: Name) -> bool {
        let hit = self.is_word(name);
        if hit {
            self.bump();
        }
        hit
    }

    /// Reports what is missing, at the end of what stands before it where that is on another line.
    fn expect(&mut self, p: P) -> bool {
        if self.eat(p) {
            return true;
        }
        if self.tok() == Tok::Missing {
            self.faulty = self.at;
            return false;
        }
        let what = format!("`{}`", p.text());
        if matches!(p, P::Semi | P::RParen | P::RBrack | P::RBrace | P::Comma) {
            let last = self.last_span();
            let after = Span::new(last.file, last.hi.saturating_sub(1).max(last.lo), last.hi);
            let found = self.found();
            self.report(
                Diagnostic::error(code::SYNTAX, format!("expected {what}, found {found}"))
                    .at(after, format!("{what} is missing after this")),
            );
        } else {
            self.expected(&what);
        }
        false
    }

    fn expect_word(&mut self, name: Name) -> bool {
        if self.eat_word(name) {
            return true;
        }
        let what = format!("`{}`", self.names.text(name));
        self.expected(&what);
        false
    }

    fn found(&self) -> String {
        match self.tok() {
            Tok::Ident(n) if is_reserved(n) => format!("keyword `{}`", self.names.text(n)),
            Tok::Ident(n) => format!("`{}`", self.names.text(n)),
            Tok::System(n) => format!("`${}`", self.names.text(n)),
            Tok::Directive(n) => format!("`` `{} ``", self.names.text(n)),
            Tok::Int(_) | Tok::Real(_) => "a number".into(),
            Tok::Str(_) => "a string".into(),
            Tok::P(p) => format!("`{}`", p.text()),
            Tok::Missing => "an undefined macro".into(),
            Tok::Eof => "the end of the file".into(),
        }
    }

    fn report(&mut self, d: Diagnostic) {
        // What follows a fault at the same token is its echo.
        if self.faulty != self.at && self.tok() != Tok::Missing {
            self.diags.push(d);
        }
        self.faulty = self.at;
    }

    fn expected(&mut self, what: &str) {
        let found = self.found();
        let mut d = Diagnostic::error(code::SYNTAX, format!("expected {what}, found {found}")).at(self.span(), "");
        if let Tok::Ident(n) = self.tok() {
            let text = self.names.text(n);
            if !is_reserved(n)
                && let Some(h) = did_you_mean(text, reserved())
            {
                d = d.help(h);
            }
        }
        self.report(d);
    }

    fn error(&mut self, message: &str, label: &str) {
        self.report(Diagnostic::error(code::SYNTAX, message).at(self.span(), label));
    }

    fn lint(&mut self, code: crate::diag::Code, span: Span, message: &str, help: &str) {
        self.diags.push(Diagnostic::lint(code, message).at(span, "").help(help));
    }

    fn unsupported(&mut self, span: Span, what: &str, help: &str) {
        let mut d = Diagnostic::error(code::UNSUPPORTED, what).at(span, "");
        if !help.is_empty() {
            d = d.help(help);
        }
        self.diags.push(d);
    }

    fn ident(&mut self, what: &str) -> Option<Ident> {
        match self.tok() {
            Tok::Ident(name) if !is_reserved(name) => {
                let span = self.span();
                self.bump();
                Some(Ident { name, span })
            }
            Tok::Ident(name) => {
                let text = self.names.text(name).to_string();
                self.report(
                    Diagnostic::error(code::SYNTAX, format!("expected {what}, found keyword `{text}`"))
                        .at(self.span(), "")
                        .help(format!("a keyword can serve as a name only in its escaped form: `\\{text} `")),
                );
                None
            }
            _ => {
                self.expected(what);
                None
            }
        }
    }

    /// The name of something that is declared here.
    fn new_name(&mut self, what: &str) -> Option<Ident> {
        let id = self.ident(what)?;
        let text = self.names.text(id.name);
        let is_escaped = self.sources.text(id.span).starts_with('\\');
        if is_standard_keyword(text) && !is_escaped && !self.dialect.keywords.contains(&id.name) {
            let message = format!("`{text}` is a keyword of Verilog-AMS");
            let help = format!("other compilers refuse it as a name: choose another one, or write `\\{text} `");
            self.dialect.keywords.push(id.name);
            self.lint(code::KEYWORD, id.span, &message, &help);
        }
        Some(id)
    }

    /// Skips to the next `;` (and over it), or in front of a word that starts or ends something.
    fn recover(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.tok() {
                Tok::Eof => return,
                Tok::P(P::Semi) => {
                    self.bump();
                    return;
                }
                Tok::P(P::LParen | P::LBrack) => depth += 1,
                Tok::P(P::RParen | P::RBrack) => depth = depth.saturating_sub(1),
                Tok::Ident(n) if is_boundary(n) => return,
                _ => {}
            }
            self.bump();
        }
    }

    // ---- nesting

    /// Runs `f` one level deeper, unless that is too deep.
    fn deeper<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> Option<T> {
        if self.nesting >= self.options.max_nesting {
            let message = format!("nested deeper than {} levels", self.options.max_nesting);
            let span = self.span();
            self.diags.push(Diagnostic::error(code::TOO_LARGE, message).at(span, "the limit is reached here"));
            // There is no good way on from here: the rest of the file is left unread.
            self.at = self.tokens.len().saturating_sub(1);
            self.faulty = self.at;
            return None;
        }
        self.nesting += 1;
        let out = f(self);
        self.nesting -= 1;
        Some(out)
    }

    // ---- expressions in the tree

    fn add(&mut self, kind: ExprKind, span: Span) -> Ex {
        let mut depth = 0;
        let mut under = |e: &Ex| depth = depth.max(self.depths[e.0 as usize]);
        match &kind {
            ExprKind::Index(a, b) | ExprKind::Binary(_, a, b) => [a, b].into_iter().for_each(&mut under),
            ExprKind::Slice(a, b, c) | ExprKind::Ternary(a, b, c) => [a, b, c].into_iter().for_each(&mut under),
            ExprKind::Call(_, v) | ExprKind::Concat(v) | ExprKind::Array(v) => v.iter().for_each(&mut under),
            ExprKind::System(_, Some(v)) | ExprKind::Replicate(_, v) => v.iter().for_each(&mut under),
            ExprKind::PortRef(a) | ExprKind::Unary(_, a) => under(a),
            _ => {}
        }
        let depth = depth.saturating_add(1);
        let mut kind = kind;
        if usize::from(depth) == self.options.max_expr_depth && !std::mem::replace(&mut self.is_too_deep, true) {
            let message = format!("expression is nested deeper than {depth} levels");
            self.diags
                .push(Diagnostic::error(code::TOO_LARGE, message).at(span, "").help("split it over several variables"));
        }
        if usize::from(depth) >= self.options.max_expr_depth {
            kind = ExprKind::Missing;
        }
        let is_missing = matches!(kind, ExprKind::Missing);
        self.ast.exprs.push(Expr { kind, span });
        self.depths.push(if is_missing { 1 } else { depth });
        Ex(self.ast.exprs.len() as u32 - 1)
    }

    // ---- attributes

    /// `(* name = value, ... *)`, any number of them.
    fn attributes(&mut self) -> Vec<Attr> {
        let mut list = vec![];
        while self.eat(P::AttrOpen) {
            while let Tok::Ident(name) = self.tok() {
                let name = Ident { name, span: self.span() };
                self.bump();
                let value = if self.eat(P::Assign) { Some(self.expr()) } else { None };
                list.push(Attr { name, value });
                // Commas are often forgotten or doubled.
                if !self.eat(P::Comma) && !self.eat(P::Semi) && !matches!(self.tok(), Tok::Ident(_)) {
                    break;
                }
            }
            if !self.expect(P::AttrClose) {
                while !matches!(self.tok(), Tok::Eof | Tok::P(P::Semi | P::AttrClose)) {
                    self.bump();
                }
                self.eat(P::AttrClose);
            }
        }
        list
    }

    /// Attributes after an identifier, where Verilog-A 1.0 had them.
    fn late_attributes(&mut self) -> Vec<Attr> {
        if self.is(P::AttrOpen) && !std::mem::replace(&mut self.dialect.late_attribute, true) {
            let span = self.span();
            self.lint(
                code::LATE_ATTRIBUTE,
                span,
                "attributes stand after the name",
                "since Verilog-AMS 2.0 they stand in front of the declaration: `(* desc=\"...\" *) real x;`",
            );
        }
        self.attributes()
    }
}

/// Words at which a statement or item surely begins or ends.
fn is_boundary(n: Name) -> bool {
    matches!(
        n,
        kw::END
            | kw::ENDMODULE
            | kw::MODULE
            | kw::ENDFUNCTION
            | kw::ENDCASE
            | kw::ENDGENERATE
            | kw::ENDNATURE
            | kw::ENDDISCIPLINE
            | kw::NATURE
            | kw::ANALOG
            | kw::PARAMETER
            | kw::LOCALPARAM
            | kw::ALIASPARAM
            | kw::BRANCH
            | kw::IF
            | kw::ELSE
            | kw::FOR
            | kw::WHILE
            | kw::CASE
            | kw::BEGIN
    )
}
