//! The preprocessor: conditional compilation, macros, includes.
//!
//! Works on tokens. Arguments of a macro are expanded where they stand, then put into the body, which is scanned again.
//! Each use of a macro is registered in the source map, so a token knows both where it is written and how it got there.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use super::builtin;
use super::lexer::Lexer;
use super::macros::{FileStream, Formal, ListStream, Macro, Stream};
use super::names::{Name, Names};
use super::token::{P, Tok, Token};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, FileId, SourceMap, Span};
use crate::veriloga::{Files, Options};

/// A compiler directive that later stages care about; in force from a token on.
#[derive(Clone, Debug, PartialEq)]
pub enum Directive {
    /// None: back to no default.
    DefaultDiscipline(Option<Name>),
    DefaultTransition(f64),
    /// Unit of `$realtime` in seconds.
    Timescale(f64),
    ResetAll,
}

pub struct Preprocessed {
    pub tokens: Vec<Token>,
    /// (index of the first token after it, what).
    pub directives: Vec<(usize, Directive)>,
    /// Files read, for dependency tracking.
    pub files: Vec<PathBuf>,
}

pub struct Context<'a> {
    pub names: &'a mut Names,
    pub sources: &'a mut SourceMap,
    pub diags: &'a mut Vec<Diagnostic>,
    files: &'a dyn Files,
    options: &'a Options,
    macros: HashMap<Name, Macro>,
    /// Macros being expanded.
    active: Vec<Name>,
    include_depth: usize,
    out: Preprocessed,
    is_full: bool,
    has_constants: bool,
    expansions: usize,
    /// Tokens looked at, also those that produce nothing.
    steps: usize,
    unknown: HashSet<Name>,
    /// Definitions that conditional compilation left out, and the conditions. A macro that has no other is taken from
    /// here: models define some macros for the compilers they know only.
    skipped: HashMap<Name, (Macro, Span)>,
}

impl Context<'_> {
    pub fn names_and_diags(&mut self) -> (&mut Names, &mut Vec<Diagnostic>) {
        (self.names, self.diags)
    }
}

/// One `` `ifdef `` and what follows it.
struct Condition {
    span: Span,
    word: &'static str,
    /// Tokens are taken.
    is_on: bool,
    /// Some branch has been taken.
    is_done: bool,
    /// The surroundings are taken.
    is_outer_on: bool,
    has_else: bool,
}

/// Reads a file and everything that it includes.
pub fn preprocess(
    file: FileId,
    path: &Path,
    names: &mut Names,
    sources: &mut SourceMap,
    files: &dyn Files,
    options: &Options,
    diags: &mut Vec<Diagnostic>,
) -> Preprocessed {
    let out = Preprocessed { tokens: vec![], directives: vec![], files: vec![path.to_path_buf()] };
    let mut cx = Context {
        names,
        sources,
        diags,
        files,
        options,
        macros: HashMap::new(),
        active: vec![],
        include_depth: 0,
        out,
        is_full: false,
        has_constants: false,
        expansions: 0,
        steps: 0,
        unknown: HashSet::new(),
        skipped: HashMap::new(),
    };
    cx.predefine();
    cx.file(file, path);
    let end = cx.sources.file(file).map_or(0, |f| f.text.len() as u32);
    cx.out.tokens.push(Token { tok: Tok::Eof, span: Span::new(file, end, end) });
    cx.out
}

impl Context<'_> {
    fn predefine(&mut self) {
        // ADMS knows `attr(...)`: notes for its own use.
        let attr = self.names.intern("attr");
        let formal = Formal { name: self.names.intern("text"), default: None };
        self.macros.insert(attr, Macro::new(attr, Some(vec![formal]), vec![], Span::NOWHERE));
        let mut all: Vec<(String, String)> = ["__VAMS_ENABLE__", "__VAMS_COMPACT_MODELING__", "__FERROSPICE__"]
            .iter()
            .map(|n| (n.to_string(), "1".to_string()))
            .collect();
        all.extend(self.options.defines.iter().cloned());
        for (name, text) in all {
            let file = self.sources.add(format!("<definition of {name}>"), text.as_str(), None);
            let body = self.lex_body(&mut Lexer::body(text.as_str().into(), file, 0, text.len()));
            let name = self.names.intern(&name);
            self.macros.insert(name, Macro::new(name, None, body, Span::new(file, 0, text.len() as u32)));
        }
    }

    fn lex_body(&mut self, lexer: &mut Lexer) -> Vec<Token> {
        let mut body = vec![];
        loop {
            let t = lexer.next(self.names, self.diags);
            if t.tok == Tok::Eof {
                return body;
            }
            body.push(t);
        }
    }

    fn file(&mut self, file: FileId, path: &Path) {
        let Some(text) = self.sources.file(file).map(|f| f.text.clone()) else { return };
        let mut stream = FileStream { lexer: Lexer::new(text, file), peeked: None };
        let mut out = std::mem::take(&mut self.out.tokens);
        self.scan(&mut stream, Some(path), &mut out);
        self.out.tokens = out;
    }

    fn scan(&mut self, s: &mut dyn Stream, path: Option<&Path>, out: &mut Vec<Token>) {
        let mut conditions: Vec<Condition> = vec![];
        let is_file = s.lexer().is_some();
        loop {
            let before = self.diags.len();
            let t = s.next(self);
            let is_on = conditions.last().is_none_or(|c| c.is_on);
            if !is_on
                && let Tok::Directive(n) = t.tok
                && self.names.text(n) == "define"
                && s.lexer().is_some()
            {
                // What is left out may yet be wanted: see `skipped`.
                let word = conditions.iter().rev().find(|c| !c.is_on).map_or(t.span, |c| c.span);
                if let Some(m) = self.definition(s, t) {
                    self.skipped.entry(m.name).or_insert((m, word));
                }
                self.diags.truncate(before);
                continue;
            }
            if !is_on {
                // What is left out need not even be made of tokens.
                self.diags.truncate(before);
            }
            match t.tok {
                Tok::Eof => break,
                Tok::Directive(name) => {
                    let is_condition = self.conditional(s, t, name, &mut conditions);
                    if !is_condition && is_on {
                        self.directive(s, t, name, path, out);
                    }
                }
                _ if is_on => self.push(t, out),
                _ => {}
            }
            self.steps += 1;
            if self.steps > 2 * self.options.max_tokens {
                self.fill(t.span);
            }
            if self.is_full {
                return;
            }
        }
        // Where the text is taken up to its end nothing is lost: it cannot mean anything else. Text that would be left out for
        // want of an `endif is the user's to judge.
        let is_whole = is_file && conditions.iter().all(|c| c.is_on);
        for c in conditions {
            let message = format!("`{} without `endif", c.word);
            let d = if is_whole {
                Diagnostic::lint(code::DIALECT, format!("{message}; it ends with the file"))
            } else {
                Diagnostic::error(code::CONDITIONAL, message)
            };
            self.diags.push(d.at(c.span, "opened here"));
        }
    }

    fn push(&mut self, t: Token, out: &mut Vec<Token>) {
        if out.len() >= self.options.max_tokens {
            return self.fill(t.span);
        }
        out.push(t);
    }

    fn fill(&mut self, at: Span) {
        if !std::mem::replace(&mut self.is_full, true) {
            let message = format!("more than {} tokens after macro expansion", self.options.max_tokens);
            self.diags.push(Diagnostic::error(code::TOO_LARGE, message).at(at, "the limit is reached here"));
        }
    }

    /// Handles `ifdef` and its kin; false for other directives.
    fn conditional(&mut self, s: &mut dyn Stream, t: Token, name: Name, conditions: &mut Vec<Condition>) -> bool {
        let outer = conditions.last().is_none_or(|c| c.is_on);
        let word = self.names.text(name).to_string();
        match word.as_str() {
            "ifdef" | "ifndef" => {
                let is_defined = self.condition_name(s, t);
                let holds = is_defined.is_some_and(|d| d == (word == "ifdef"));
                let word = if word == "ifdef" { "ifdef" } else { "ifndef" };
                conditions.push(Condition {
                    span: t.span,
                    word,
                    is_on: outer && holds,
                    is_done: holds,
                    is_outer_on: outer,
                    has_else: false,
                });
            }
            "elsif" => {
                let is_defined = self.condition_name(s, t).unwrap_or(false);
                match conditions.last_mut() {
                    Some(c) if !c.has_else => {
                        c.is_on = c.is_outer_on && !c.is_done && is_defined;
                        c.is_done |= is_defined;
                    }
                    _ => self.stray(t, "elsif"),
                }
            }
            "else" => match conditions.last_mut() {
                Some(c) if !c.has_else => {
                    c.is_on = c.is_outer_on && !c.is_done;
                    (c.is_done, c.has_else) = (true, true);
                }
                _ => self.stray(t, "else"),
            },
            "endif" => {
                if conditions.pop().is_none() {
                    self.stray(t, "endif");
                }
            }
            _ => return false,
        }
        true
    }

    fn stray(&mut self, t: Token, word: &str) {
        self.diags.push(
            Diagnostic::error(code::CONDITIONAL, format!("`{word} without `ifdef"))
                .at(t.span, "")
                .help("each `ifdef or `ifndef has at most one `else and exactly one `endif"),
        );
    }

    fn condition_name(&mut self, s: &mut dyn Stream, t: Token) -> Option<bool> {
        if s.lexer().is_none_or(|l| !l.is_at_line_end()) {
            let n = s.next(self);
            match n.tok {
                Tok::Ident(name) => return Some(self.macros.contains_key(&name)),
                Tok::Directive(name) => {
                    let text = self.names.text(name).to_string();
                    self.diags.push(
                        Diagnostic::lint(code::BACKTICK, format!("`{text} is tested with its backtick"))
                            .at(n.span, "")
                            .help(format!("write `ifdef {text}")),
                    );
                    return Some(self.macros.contains_key(&name));
                }
                _ => {}
            }
        }
        self.diags.push(Diagnostic::error(code::DIRECTIVE, "name of a macro expected").at(t.span, "after this"));
        None
    }

    fn directive(&mut self, s: &mut dyn Stream, t: Token, name: Name, path: Option<&Path>, out: &mut Vec<Token>) {
        let word = self.names.text(name).to_string();
        match word.as_str() {
            "define" => self.define(s, t),
            "undef" => {
                if let Tok::Ident(n) | Tok::Directive(n) = s.next(self).tok {
                    self.macros.remove(&n);
                } else {
                    self.diags
                        .push(Diagnostic::error(code::DIRECTIVE, "name of a macro expected").at(t.span, "after this"));
                }
            }
            "undefineall" => self.macros.clear(),
            "include" => self.include(s, t, path, out),
            "__LINE__" => {
                let root = self.sources.root(t.span);
                let line = self.sources.line_col(root).map_or(0, |l| l.0 as i32);
                self.push(Token { tok: Tok::Int(line), ..t }, out);
            }
            "__FILE__" => {
                let root = self.sources.root(t.span);
                let text = self.sources.file(root.file).map_or(String::new(), |f| f.name.clone());
                let name = self.names.intern(&text);
                self.push(Token { tok: Tok::Str(name), ..t }, out);
            }
            "default_discipline" => {
                let line = rest_of_line(s);
                let name = line.split_whitespace().next().map(|w| self.names.intern(w));
                self.out.directives.push((out.len(), Directive::DefaultDiscipline(name)));
            }
            "default_transition" => match rest_of_line(s).split_whitespace().next().and_then(number) {
                Some(x) => self.out.directives.push((out.len(), Directive::DefaultTransition(x))),
                None => self.diags.push(
                    Diagnostic::error(code::DIRECTIVE, "a time in seconds is expected after `default_transition")
                        .at(t.span, ""),
                ),
            },
            "timescale" => match timescale(&rest_of_line(s)) {
                Some(x) => self.out.directives.push((out.len(), Directive::Timescale(x))),
                None => self.diags.push(
                    Diagnostic::error(code::DIRECTIVE, "`timescale cannot be read")
                        .at(t.span, "")
                        .help("it has the form `` `timescale 1ns / 1ps ``"),
                ),
            },
            "resetall" => self.out.directives.push((out.len(), Directive::ResetAll)),
            "celldefine" | "endcelldefine" | "nounconnected_drive" | "end_keywords" | "endprotect" | "protect" => {}
            "begin_keywords"
            | "default_nettype"
            | "unconnected_drive"
            | "pragma"
            | "line"
            | "default_decay_time"
            | "default_trireg_strength"
            | "delay_mode_path"
            | "noworklib"
            | "uselib" => {
                rest_of_line(s);
            }
            _ => self.expand(s, t, name, out),
        }
    }

    fn define(&mut self, s: &mut dyn Stream, t: Token) {
        if let Some(m) = self.definition(s, t) {
            self.macros.insert(m.name, m);
        }
    }

    fn definition(&mut self, s: &mut dyn Stream, t: Token) -> Option<Macro> {
        if s.lexer().is_none() {
            self.diags.push(
                Diagnostic::error(code::DIRECTIVE, "`define in the text of a macro")
                    .at(t.span, "")
                    .help("define macros outside of other macros' texts"),
            );
            return None;
        }
        let is_named = s.lexer().is_some_and(|l| !l.is_at_line_end());
        let head = if is_named { s.next(self) } else { t };
        let name = match head.tok {
            Tok::Ident(n) => n,
            Tok::Directive(n) if is_named => {
                self.diags.push(
                    Diagnostic::lint(code::BACKTICK, "a macro is defined without a backtick before its name")
                        .at(head.span, ""),
                );
                n
            }
            _ => {
                self.diags.push(
                    Diagnostic::error(code::DIRECTIVE, "name of a macro expected").at(head.span, "after `define"),
                );
                rest_of_line(s);
                return None;
            }
        };
        const DIRECTIVES: &[&str] =
            &["define", "include", "ifdef", "ifndef", "else", "elsif", "endif", "undef", "timescale", "resetall"];
        if DIRECTIVES.contains(&self.names.text(name)) {
            self.diags.push(
                Diagnostic::error(
                    code::DIRECTIVE,
                    format!("`{} is a directive and cannot be defined", self.names.text(name)),
                )
                .at(head.span, ""),
            );
        }
        let mut formals = None;
        if s.lexer().is_some_and(|l| l.is_at_paren()) {
            s.next(self);
            formals = self.formals(s, head.span);
        }
        let lexer = s.lexer()?;
        let (from, to) = lexer.take_define_body();
        let mut body_lexer = Lexer::body(lexer.text(), lexer.file(), from, to);
        let body = self.lex_body(&mut body_lexer);
        Some(Macro::new(name, formals, body, head.span))
    }

    fn formals(&mut self, s: &mut dyn Stream, at: Span) -> Option<Vec<Formal>> {
        let mut list: Vec<Formal> = vec![];
        loop {
            let t = s.next(self);
            match t.tok {
                Tok::P(P::RParen) => return Some(list),
                Tok::P(P::Comma) => {}
                Tok::Ident(name) => list.push(Formal { name, default: None }),
                Tok::P(P::Assign) if !list.is_empty() => {
                    let mut depth = 0;
                    let mut default = vec![];
                    let last = loop {
                        let t = s.next(self);
                        match t.tok {
                            Tok::P(P::LParen | P::LBrack | P::LBrace) => depth += 1,
                            Tok::P(P::RParen | P::Comma) if depth == 0 => break t,
                            Tok::P(P::RParen | P::RBrack | P::RBrace) => depth -= 1,
                            Tok::Eof => break t,
                            _ => {}
                        }
                        default.push(t);
                    };
                    if let Some(f) = list.last_mut() {
                        f.default = Some(default);
                    }
                    if last.tok != Tok::P(P::Comma) {
                        return Some(list);
                    }
                }
                _ => {
                    self.diags.push(
                        Diagnostic::error(code::DIRECTIVE, "the arguments of a macro are names separated by commas")
                            .at(t.span, "")
                            .at(at, "in this definition"),
                    );
                    return Some(list);
                }
            }
        }
    }

    fn expand(&mut self, s: &mut dyn Stream, t: Token, name: Name, out: &mut Vec<Token>) {
        if !self.macros.contains_key(&name) {
            self.standard_constants(t, name);
        }
        if !self.macros.contains_key(&name)
            && let Some((m, condition)) = self.skipped.remove(&name)
        {
            let text = self.names.text(name);
            self.diags.push(
                Diagnostic::lint(
                    code::SKIPPED_MACRO,
                    format!("`{text} is defined only where conditional compilation leaves it out"),
                )
                .at(t.span, "that definition is taken")
                .at(m.span, "defined here")
                .at(condition, "under this condition"),
            );
            self.macros.insert(name, m);
        }
        let Some(m) = self.macros.get(&name).cloned() else {
            if self.unknown.insert(name) || t.span.is_in_macro() {
                let text = self.names.text(name);
                let known: Vec<&str> = self.macros.keys().map(|n| self.names.text(*n)).collect();
                let mut d =
                    Diagnostic::error(code::UNKNOWN_MACRO, format!("macro `{text} is not defined")).at(t.span, "");
                if let Some(h) = did_you_mean(text, known) {
                    d = d.help(h);
                } else if is_constant_like(text) {
                    d = d.help("constants such as `P_Q and `M_PI come with `` `include \"constants.vams\" ``");
                }
                self.diags.push(d);
            }
            self.push(Token { tok: Tok::Missing, span: t.span }, out);
            self.skip_arguments(s);
            return;
        };
        if self.active.contains(&name) || self.active.len() >= self.options.max_macro_depth {
            let text = self.names.text(name);
            let why = if self.active.contains(&name) {
                format!("macro `{text} uses itself")
            } else {
                format!("macros nested deeper than {}", self.options.max_macro_depth)
            };
            self.diags.push(Diagnostic::error(code::MACRO_RECURSION, why).at(t.span, "").at(m.span, "defined here"));
            self.push(Token { tok: Tok::Missing, span: t.span }, out);
            return;
        }
        let mut call = t.span;
        let mut actuals: Vec<Vec<Token>> = vec![];
        if let Some(formals) = &m.formals {
            let Some((list, end)) = self.actuals(s, &m, t) else {
                self.push(Token { tok: Tok::Missing, span: t.span }, out);
                return;
            };
            call = self.sources.join(call, end);
            if list.len() != formals.len() {
                let is_missing =
                    list.len() > formals.len() || formals[list.len()..].iter().any(|f| f.default.is_none());
                if is_missing {
                    let text = self.names.text(name);
                    let shown: Vec<&str> = formals.iter().map(|f| self.names.text(f.name)).collect();
                    self.diags.push(
                        Diagnostic::error(
                            code::MACRO_ARGUMENTS,
                            format!("`{text} takes {} arguments, {} given", formals.len(), list.len()),
                        )
                        .at(call, "")
                        .at(m.span, "defined here")
                        .help(format!("it is used as `{text}({})", shown.join(", "))),
                    );
                }
            }
            for (k, f) in formals.iter().enumerate() {
                let raw = match list.get(k) {
                    Some(a) if !a.is_empty() || f.default.is_none() => a.as_slice(),
                    _ => f.default.as_deref().unwrap_or(&[]),
                };
                let mut expanded = vec![];
                self.scan(&mut ListStream { tokens: raw, at: 0, end: call }, None, &mut expanded);
                actuals.push(expanded);
            }
        }
        self.expansions += 1;
        if self.expansions > self.options.max_expansions {
            if !std::mem::replace(&mut self.is_full, true) {
                let message = format!("more than {} uses of macros", self.options.max_expansions);
                self.diags.push(Diagnostic::error(code::TOO_LARGE, message).at(call, "the limit is reached here"));
            }
            return;
        }
        let id = self.sources.add_expansion(self.names.text(name), m.file, call);
        let mut body = Vec::with_capacity(m.body.len());
        for (t, slot) in m.body.iter().zip(&m.slots) {
            match slot.and_then(|k| actuals.get(usize::from(k))) {
                Some(actual) => {
                    if body.len() + actual.len() > self.options.max_tokens {
                        break;
                    }
                    body.extend_from_slice(actual);
                }
                None => body.push(Token { tok: t.tok, span: Span::new(id, t.span.lo, t.span.hi) }),
            }
        }
        self.active.push(name);
        let end = Span::new(id, m.span.hi, m.span.hi);
        self.scan(&mut ListStream { tokens: &body, at: 0, end }, None, out);
        self.active.pop();
    }

    /// What stands in parentheses after an unknown macro goes with it.
    fn skip_arguments(&mut self, s: &mut dyn Stream) {
        let t = s.next(self);
        if t.tok != Tok::P(P::LParen) {
            return s.back(t);
        }
        let mut depth = 1;
        while depth > 0 {
            let t = s.next(self);
            match t.tok {
                Tok::P(P::LParen | P::AttrOpen) => depth += 1,
                Tok::P(P::RParen | P::AttrClose) => depth -= 1,
                // Not closed: better to go on than to lose the rest of the file.
                Tok::Eof | Tok::P(P::Semi) | Tok::Directive(_) => return s.back(t),
                _ => {}
            }
        }
    }

    /// A constant of `constants.vams` in a file that does not include it.
    fn standard_constants(&mut self, t: Token, name: Name) {
        if !is_constant_like(self.names.text(name)) || std::mem::replace(&mut self.has_constants, true) {
            return;
        }
        let Some((shown, text)) = builtin::header("constants.vams") else { return };
        let file = self.sources.add(shown, text, None);
        let mine = self.macros.clone();
        let mut stream = FileStream { lexer: Lexer::new(text.into(), file), peeked: None };
        self.scan(&mut stream, None, &mut vec![]);
        // What the file defines itself stays as it is.
        self.macros.extend(mine);
        if self.macros.contains_key(&name) {
            let message = format!("`{} is used without its header; its standard value is taken", self.names.text(name));
            self.diags.push(
                Diagnostic::lint(code::DIALECT, message)
                    .at(t.span, "")
                    .help("write `` `include \"constants.vams\" `` at the top"),
            );
        }
    }

    /// The arguments of a use, as written, and the place of the closing parenthesis.
    fn actuals(&mut self, s: &mut dyn Stream, m: &Macro, at: Token) -> Option<(Vec<Vec<Token>>, Span)> {
        let open = s.next(self);
        if open.tok != Tok::P(P::LParen) {
            s.back(open);
            let text = self.names.text(m.name);
            self.diags.push(
                Diagnostic::error(code::MACRO_ARGUMENTS, format!("`{text} needs arguments in parentheses"))
                    .at(at.span, "")
                    .at(m.span, "defined here"),
            );
            return None;
        }
        let mut list = vec![vec![]];
        let mut depth = 0usize;
        let mut count = 0usize;
        loop {
            let t = s.next(self);
            match t.tok {
                Tok::Eof => {
                    let text = self.names.text(m.name);
                    self.diags.push(
                        Diagnostic::error(code::MACRO_ARGUMENTS, format!("the arguments of `{text} are not closed"))
                            .at(self.sources.join(at.span, open.span), "opened here"),
                    );
                    return None;
                }
                Tok::P(P::RParen) if depth == 0 => {
                    // `M()` has one empty argument, or none if it takes none.
                    if list.len() == 1 && list[0].is_empty() && m.formals.as_ref().is_some_and(Vec::is_empty) {
                        list.clear();
                    }
                    return Some((list, t.span));
                }
                Tok::P(P::Comma) if depth == 0 => {
                    list.push(vec![]);
                    continue;
                }
                Tok::P(P::LParen | P::LBrack | P::LBrace | P::TickBrace | P::AttrOpen) => depth += 1,
                Tok::P(P::RParen | P::RBrack | P::RBrace | P::AttrClose) => depth = depth.saturating_sub(1),
                _ => {}
            }
            count += 1;
            if count > self.options.max_tokens {
                return None;
            }
            if let Some(last) = list.last_mut() {
                last.push(t);
            }
        }
    }

    fn include(&mut self, s: &mut dyn Stream, t: Token, from: Option<&Path>, out: &mut Vec<Token>) {
        let (name, span) = match s.lexer().and_then(Lexer::take_angle) {
            Some(found) => found,
            None => {
                if s.lexer().is_none_or(|l| l.is_at_line_end()) {
                    return self.bad_include(t);
                }
                let n = s.next(self);
                match n.tok {
                    Tok::Str(text) => (self.names.text(text).to_string(), n.span),
                    // The name may come from a macro.
                    Tok::Directive(m) => {
                        let mut tokens = vec![];
                        self.expand(s, n, m, &mut tokens);
                        match tokens.first().map(|t| t.tok) {
                            Some(Tok::Str(text)) => (self.names.text(text).to_string(), n.span),
                            _ => return self.bad_include(t),
                        }
                    }
                    _ => return self.bad_include(t),
                }
            }
        };
        if self.include_depth >= self.options.max_include_depth {
            self.diags.push(
                Diagnostic::error(
                    code::INCLUDE_DEPTH,
                    format!("files included deeper than {}", self.options.max_include_depth),
                )
                .at(span, "")
                .help("does a file include itself? Guard it with `ifndef NAME / `define NAME / `endif"),
            );
            return;
        }
        let root = self.sources.root(t.span);
        let here = from.map(Path::to_path_buf).or_else(|| self.path_of(root.file));
        let mut tried = vec![];
        let dirs = here
            .as_deref()
            .and_then(Path::parent)
            .map(Path::to_path_buf)
            .into_iter()
            .chain(self.options.include_dirs.iter().cloned());
        // Paths are written with backslashes by people on other systems.
        let native = name.replace('\\', "/");
        for dir in dirs {
            let path = dir.join(&native);
            match self.files.read(&path) {
                Ok(text) => {
                    let id = self.sources.add(path.display().to_string(), crate::veriloga::unix(text), Some(root));
                    self.out.files.push(path.clone());
                    return self.nested(id, &path, out);
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => tried.push(path.display().to_string()),
                Err(e) => tried.push(format!("{} ({e})", path.display())),
            }
        }
        if let Some((shown, text)) = builtin::header(&name) {
            let id = self.sources.add(shown, text, Some(root));
            return self.nested(id, Path::new(shown), out);
        }
        let mut d = Diagnostic::error(code::INCLUDE, format!("file `{name}` is not found")).at(span, "");
        for p in tried {
            d = d.note(format!("tried {p}"));
        }
        self.diags.push(d.help("add its directory with -I"));
    }

    fn nested(&mut self, id: FileId, path: &Path, out: &mut Vec<Token>) {
        let Some(text) = self.sources.file(id).map(|f| f.text.clone()) else { return };
        self.include_depth += 1;
        let mut stream = FileStream { lexer: Lexer::new(text, id), peeked: None };
        self.scan(&mut stream, Some(path), out);
        self.include_depth -= 1;
    }

    fn path_of(&self, file: FileId) -> Option<PathBuf> {
        self.sources.file(file).map(|f| PathBuf::from(&f.name))
    }

    fn bad_include(&mut self, t: Token) {
        self.diags.push(
            Diagnostic::error(code::DIRECTIVE, "a file name in quotes is expected")
                .at(t.span, "after this")
                .help("for example `` `include \"disciplines.vams\" ``"),
        );
    }
}

fn is_constant_like(text: &str) -> bool {
    text.starts_with("P_") || text.starts_with("M_")
}

fn rest_of_line(s: &mut dyn Stream) -> String {
    let line = s.lexer().map(|l| l.take_line().to_string()).unwrap_or_default();
    match line.find("//") {
        Some(p) => line[..p].to_string(),
        None => line,
    }
}

fn number(text: &str) -> Option<f64> {
    let split = text.find(|c: char| c.is_ascii_alphabetic() && !matches!(c, 'e' | 'E')).unwrap_or(text.len());
    let factor = match &text[split..] {
        "" | "s" => 1.0,
        "m" | "ms" => 1e-3,
        "u" | "us" => 1e-6,
        "n" | "ns" => 1e-9,
        "p" | "ps" => 1e-12,
        "f" | "fs" => 1e-15,
        _ => return None,
    };
    text[..split].trim().parse::<f64>().ok().filter(|x| x.is_finite()).map(|x| x * factor)
}

/// The unit of `1ns / 1ps`.
fn timescale(text: &str) -> Option<f64> {
    let (unit, precision) = text.split_once('/')?;
    let compact = |s: &str| s.split_whitespace().collect::<String>();
    number(&compact(precision))?;
    number(&compact(unit)).filter(|x| *x > 0.0)
}
