//! Independent sources: `V1 a b [DC] 5 AC 1 90 PULSE(...)`, in any order, with or without parentheses.
//!
//! The waveform is passed on as its name (`wave`) and its arguments in their own order (`args`); what they mean is the
//! device's business.

use std::rc::Rc;
use std::sync::Arc;

use super::draft::Draft;
use super::elab::Elab;
use super::models::instance_param;
use super::scope::Scope;
use super::text::{Fields, number_of};
use crate::base::Sym;
use crate::base::units::parse_number;
use crate::device::{ParamKind, Value, param};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, SourceMap, Span, nearest};
use crate::netlist::Deck;
use crate::netlist::ast::{Element, Field, FieldKind, Stmt};

/// Spelling in the netlist → name of the waveform.
const WAVES: &[(&str, &str)] = &[
    ("pulse", "pulse"),
    ("sin", "sin"),
    ("sine", "sin"),
    ("exp", "exp"),
    ("pwl", "pwl"),
    ("sffm", "sffm"),
    ("am", "am"),
    ("trnoise", "trnoise"),
    ("trrandom", "trrandom"),
    ("pulsetrain", "pulsetrain"),
    ("pat", "pat"),
];

/// The files that PWL sources name, with the places where they do. Whoever runs a deck reads them and adds them to the
/// source map under the same name before elaboration, which has no access to files.
pub fn wave_files(deck: &Deck, sources: &SourceMap) -> Vec<(String, Span)> {
    fn collect(deck: &Deck, sources: &SourceMap, body: &[Stmt], out: &mut Vec<(String, Span)>) {
        for s in body {
            match s {
                Stmt::Element(e) if matches!(deck.names.get(e.name).as_bytes().first(), Some(b'v' | b'i')) => {
                    let all = Fields::of(deck, e.fields).all;
                    for (k, f) in all.iter().enumerate() {
                        let is_file = f.kind == FieldKind::Text
                            || k > 0 && all[k - 1].kind == FieldKind::Key && deck.names.get(all[k - 1].sym) == "file";
                        if is_file {
                            let at = Span::new(e.file, f.lo, f.hi);
                            out.push((file_name(sources.text(at)).to_string(), at));
                        }
                    }
                }
                Stmt::Subckt(d) => collect(deck, sources, &d.body, out),
                Stmt::If(d) => d.arms.iter().for_each(|(_, b)| collect(deck, sources, b, out)),
                _ => {}
            }
        }
    }
    let mut out = vec![];
    collect(deck, sources, &deck.body, &mut out);
    out
}

fn file_name(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

struct Reader<'f> {
    fields: &'f [Field],
    at: usize,
}

impl<'f> Reader<'f> {
    fn peek(&self) -> Option<&'f Field> {
        self.fields.get(self.at)
    }

    fn next(&mut self) -> Option<&'f Field> {
        let f = self.fields.get(self.at);
        self.at += usize::from(f.is_some());
        f
    }
}

impl<'a> Elab<'a> {
    pub fn source(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym, letter: u8) {
        let fields = Fields::of(self.deck, e.fields);
        let limited = letter == b'v'
            && fields.all.iter().any(|f| {
                f.kind == FieldKind::Key && matches!(self.deck.names.get(f.sym), "compliance" | "ilim" | "icomp")
            });
        let name = match (letter, limited) {
            (b'v', true) => "vsource_limited",
            (b'v', false) => "vsource",
            _ => "isource",
        };
        let Some(ty) = self.device(scope, e, name) else { return };
        let words = fields.all.get(..2.min(fields.first_key())).unwrap_or(&[]);
        let Some(nodes) = self.nodes_of(scope, e, words, ty.info()) else { return self.mark(full, &ty) };
        let mut draft = Draft::new(ty.clone());
        draft.nodes = nodes;
        let mut r = Reader { fields: fields.all, at: 2 };
        let mut ok = true;
        while let Some(f) = r.next() {
            ok &= self.source_field(scope, e, f, &mut r, &mut draft);
        }
        if ok { self.emit(scope, e, full, draft) } else { self.mark(full, &ty) }
    }

    fn set_named(&mut self, draft: &mut Draft, name: &str, v: Value) {
        if let Some(id) = param::find(draft.ty.info().instance, name) {
            draft.set(id, v);
        }
    }

    fn source_field(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        f: &Field,
        r: &mut Reader<'_>,
        draft: &mut Draft,
    ) -> bool {
        let text = self.deck.names.get(f.sym);
        let at = Span::new(e.file, f.lo, f.hi);
        match f.kind {
            FieldKind::Comma => true,
            FieldKind::Expr => self.set_number(scope, e, f, draft, "dc"),
            FieldKind::Word | FieldKind::Key => {
                if let Some((_, wave)) = WAVES.iter().find(|(w, _)| *w == text) {
                    return self.waveform(scope, e, at, wave, r, draft);
                }
                match text {
                    "dc" => match r.peek() {
                        Some(v) if self.is_value(scope, v) => {
                            let v = *v;
                            r.at += 1;
                            self.set_number(scope, e, &v, draft, "dc")
                        }
                        _ => self.missing(scope, at, "DC"),
                    },
                    "ac" => {
                        let mut ok = true;
                        self.set_named(draft, "acmag", Value::Num(1.0));
                        for key in ["acmag", "acphase"] {
                            while r.peek().is_some_and(|v| matches!(v.kind, FieldKind::Comma | FieldKind::Symbol)) {
                                r.at += 1;
                            }
                            match r.peek().copied() {
                                Some(v) if self.is_value(scope, &v) => {
                                    r.at += 1;
                                    ok &= self.set_number(scope, e, &v, draft, key);
                                }
                                _ => break,
                            }
                        }
                        ok
                    }
                    "distof1" | "distof2" => {
                        while r.peek().is_some_and(|v| self.is_value(scope, v)) {
                            r.at += 1;
                        }
                        let d = Diagnostic::warning(
                            codes::NOT_SUPPORTED,
                            format!("`{text}` belongs to distortion analysis, which is not supported"),
                        );
                        self.report_in(scope, d.at(at, "ignored"));
                        true
                    }
                    _ if f.kind == FieldKind::Key => self.source_key(scope, e, f, r, draft),
                    _ => {
                        if number_of(text).is_some() || self.is_value(scope, f) {
                            return self.set_number(scope, e, f, draft, "dc");
                        }
                        if parse_number(text).is_some() {
                            return self.set_number(scope, e, f, draft, "dc");
                        }
                        self.unknown_wave(scope, text, at);
                        false
                    }
                }
            }
            // LTspice and HSPICE wrap values in parentheses; they say nothing.
            FieldKind::Open | FieldKind::Close => true,
            FieldKind::Text | FieldKind::Symbol => {
                let shown = self.sources.text(at).to_string();
                self.report_in(
                    scope,
                    Diagnostic::error(codes::UNEXPECTED, format!("`{shown}` is not expected here"))
                        .at(at, "on this source"),
                );
                false
            }
        }
    }

    fn missing(&mut self, scope: &Scope<'a>, at: Span, what: &str) -> bool {
        self.report_in(
            scope,
            Diagnostic::error(codes::MISSING, format!("{what} has no value")).at(at, "a value is needed after this"),
        );
        false
    }

    fn unknown_wave(&mut self, scope: &Rc<Scope<'a>>, text: &str, at: Span) {
        let mut d =
            Diagnostic::error(codes::UNEXPECTED, format!("`{text}` is neither a value, a parameter nor a waveform"))
                .at(at, "not understood");
        let params = self.param_names(scope);
        let known = WAVES.iter().map(|(w, _)| *w).chain(["dc", "ac"]).chain(params.iter().map(String::as_str));
        if let Some(h) = nearest::did_you_mean(text, known) {
            d = d.help(h);
        } else {
            let all: Vec<&str> = WAVES.iter().map(|(w, _)| *w).collect();
            d = d.help(format!("waveforms: {}", all.join(", ")));
        }
        self.report_in(scope, d);
    }

    /// Can a field be read as a number: spelled out, an expression, or the name of a parameter?
    fn is_value(&mut self, scope: &Rc<Scope<'a>>, f: &Field) -> bool {
        match f.kind {
            FieldKind::Expr => true,
            FieldKind::Word => {
                let text = self.deck.names.get(f.sym);
                let digit = text.bytes().find(|b| !matches!(b, b'+' | b'-' | b'.')).is_some_and(|b| b.is_ascii_digit());
                digit && parse_number(text).is_some()
                    || scope.outwards().any(|s| s.params.borrow().contains_key(&f.sym))
            }
            _ => false,
        }
    }

    fn set_number(&mut self, scope: &Rc<Scope<'a>>, e: &Element, f: &Field, draft: &mut Draft, key: &str) -> bool {
        match self.number(scope, e.file, f) {
            Some(x) => {
                self.set_named(draft, key, Value::Num(x));
                true
            }
            None => false,
        }
    }

    /// `key = value` on a source; a list for vector parameters.
    fn source_key(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        key: &Field,
        r: &mut Reader<'_>,
        draft: &mut Draft,
    ) -> bool {
        let text = self.deck.names.get(key.sym);
        let at = Span::new(e.file, key.lo, key.hi);
        let ty = draft.ty.clone();
        if text == "file" {
            return match r.next() {
                Some(f) => self.wave_file(scope, e, f, draft),
                None => self.missing(scope, at, "file"),
            };
        }
        let Some((id, spec)) = instance_param(ty.info(), text) else {
            if let Some(ok) = self.parasitic(scope, e, key, r.peek()) {
                r.next();
                return ok;
            }
            self.unknown_instance_param(scope, ty.info(), text, at);
            r.next();
            return false;
        };
        let start = r.at;
        if spec.kind == ParamKind::Vector {
            if r.peek().is_some_and(|f| f.kind == FieldKind::Open) {
                while r.next().is_some_and(|f| f.kind != FieldKind::Close) {}
            } else {
                r.next();
                while r.peek().is_some_and(|f| f.kind == FieldKind::Comma)
                    && r.fields.get(r.at + 1).is_some_and(|f| f.kind != FieldKind::Key)
                {
                    r.at += 2;
                }
            }
        } else {
            r.next();
        }
        let values = r.fields.get(start..r.at.min(r.fields.len())).unwrap_or(&[]);
        match self.param_value(scope, e.file, &spec, at, values) {
            Some(v) => {
                draft.set(id, v);
                true
            }
            None => false,
        }
    }

    fn waveform(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        at: Span,
        wave: &str,
        r: &mut Reader<'_>,
        draft: &mut Draft,
    ) -> bool {
        if r.peek().is_some_and(|f| f.kind == FieldKind::Symbol) {
            r.at += 1;
        }
        let mut depth = 0usize;
        let mut args = vec![];
        let mut ok = true;
        self.set_named(draft, "wave", Value::Text(wave.into()));
        while let Some(f) = r.peek().copied() {
            match f.kind {
                FieldKind::Open => depth += 1,
                FieldKind::Close => {
                    if depth == 0 {
                        break;
                    }
                    depth -= 1;
                    // PWL points may be in parentheses of their own: (0 0) (1n 1).
                    let more = wave == "pwl" && r.fields.get(r.at + 1).is_some_and(|n| n.kind == FieldKind::Open);
                    if depth == 0 && !more {
                        r.at += 1;
                        break;
                    }
                }
                FieldKind::Comma | FieldKind::Symbol => {}
                FieldKind::Key if depth > 0 || self.deck.names.get(f.sym) == "file" => {
                    r.at += 1;
                    ok &= self.source_key(scope, e, &f, r, draft);
                    continue;
                }
                FieldKind::Key => break,
                FieldKind::Text => {
                    r.at += 1;
                    ok &= self.wave_file(scope, e, &f, draft);
                    continue;
                }
                FieldKind::Word | FieldKind::Expr => {
                    let text = self.deck.names.get(f.sym);
                    let is_bits = wave == "pat"
                        && args.len() >= 6
                        && text.starts_with('b')
                        && text[1..].bytes().all(|b| matches!(b, b'0' | b'1' | b'm' | b'z'));
                    if is_bits {
                        self.set_named(draft, "bits", Value::Text(text.into()));
                    } else if depth == 0 && !self.is_value(scope, &f) {
                        break;
                    } else {
                        match self.number(scope, e.file, &f) {
                            Some(x) => args.push(x),
                            None => ok = false,
                        }
                    }
                }
            }
            r.at += 1;
        }
        let has_points = draft.params.iter().any(|(i, _)| Some(*i) == param::find(draft.ty.info().instance, "args"));
        if wave == "pwl" && ok && !args.is_empty() {
            ok &= self.check_pwl(scope, at, &mut args);
        }
        if args.is_empty() && ok && wave == "pwl" && !has_points {
            return self.missing(scope, at, "PWL");
        }
        if !args.is_empty() {
            self.set_named(draft, "args", Value::Vector(args.into()));
        }
        ok
    }

    /// Pairs, in order of time.
    fn check_pwl(&mut self, scope: &Scope<'a>, at: Span, args: &mut [f64]) -> bool {
        if args.len() % 2 == 1 {
            let d = Diagnostic::error(
                codes::PWL,
                format!("PWL needs pairs of time and value, and has {} numbers", args.len()),
            );
            self.report_in(scope, d.at(at, "one number is missing or too many"));
            return false;
        }
        let times: Vec<f64> = args.iter().step_by(2).copied().collect();
        if let Some(k) = times.windows(2).position(|w| w[1] < w[0]) {
            let d = Diagnostic::error(
                codes::PWL,
                format!("PWL times must not decrease: {:e} s is followed by {:e} s", times[k], times[k + 1]),
            );
            self.report_in(scope, d.at(at, format!("point {} of {}", k + 2, times.len())));
            return false;
        }
        true
    }

    /// `pwl file="name"`: two numbers a line, the file read by the parser together with the deck.
    fn wave_file(&mut self, scope: &Rc<Scope<'a>>, e: &Element, f: &Field, draft: &mut Draft) -> bool {
        let at = Span::new(e.file, f.lo, f.hi);
        let name = file_name(self.sources.text(at)).to_string();
        let found = self
            .sources
            .files()
            .iter()
            .find(|s| s.name == name || s.name.ends_with(&format!("/{name}")))
            .map(|s| Arc::clone(&s.text));
        let Some(text) = found else {
            let d = Diagnostic::error(codes::WAVE_FILE, format!("waveform file `{name}` was not found"))
                .at(at, "named here");
            self.report_in(scope, d.help("paths are relative to the file that names them"));
            return false;
        };
        let mut args = vec![];
        for (n, line) in text.lines().enumerate() {
            let line = line.split([';', '#', '*']).next().unwrap_or("");
            for word in line.split([' ', '\t', ',', '\r']).filter(|w| !w.is_empty()) {
                match number_of(word) {
                    Some(x) => args.push(x),
                    None => {
                        let d = Diagnostic::error(
                            codes::WAVE_FILE,
                            format!("`{word}` on line {} of `{name}` is not a number", n + 1),
                        );
                        self.report_in(scope, d.at(at, "named here"));
                        return false;
                    }
                }
            }
        }
        if !self.check_pwl(scope, at, &mut args) {
            return false;
        }
        self.set_named(draft, "wave", Value::Text("pwl".into()));
        self.set_named(draft, "args", Value::Vector(args.into()));
        true
    }
}
