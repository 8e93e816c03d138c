//! The cards that the parser reads itself: parameters, functions, models, subcircuits, conditions.

use std::collections::HashMap;

use super::ast::{Field, FieldKind, Fields, FuncDef, IfDef, ModelDef, ParamDef, ParamText, Stmt, SubcktDef};
use super::fields::{self, Assignment};
use super::lines::Line;
use super::parser::{BlockKind, Flow, Parser, Part, Rest};
use crate::base::Sym;
use crate::diag::codes::netlist as codes;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Severity, Span};
use crate::expr::{self, Expr};

impl Parser<'_> {
    /// A card that shapes the deck; `from` is the byte behind its name.
    pub(super) fn structure(&mut self, name: &str, line: &Line<'_>, from: usize, rest: &mut Rest<'_>) -> Flow {
        match name {
            "end" => return Flow::End,
            "title" => self.deck.title = line.text[from..].trim().to_string(),
            "include" => self.include(line, from),
            "lib" => self.lib(line, from, rest),
            "hdl" => self.hdl(line, from),
            "array" => self.array(line, from),
            "endl" => {
                if matches!(self.reading.last(), Some((_, Part::Section(_)))) {
                    return Flow::End;
                }
                self.stray(line, "`.endl` without `.lib section`", "no section is open here");
            }
            "control" => self.control(line, rest),
            "endc" => self.stray(line, "`.endc` without `.control`", "no control block is open here"),
            "data" => self.data(line, from, rest),
            "enddata" => self.stray(line, "`.enddata` without `.data`", "no table is open here"),
            "param" => self.params(line, from),
            "func" => self.func(line, from),
            "model" => self.model(line, from),
            "subckt" => self.subckt(line, from),
            "ends" => self.ends(line, from),
            "if" => {
                let cond = self.condition(line, from);
                let span = line.whole();
                self.open(BlockKind::If(Box::new(IfDef { span, arms: Vec::new() }), cond), span);
            }
            "elseif" => {
                let cond = self.condition(line, from);
                self.next_arm(line, cond, true);
            }
            "else" => self.next_arm(line, None, false),
            _ => self.endif(line),
        }
        Flow::On
    }

    fn stray(&mut self, line: &Line<'_>, message: &str, label: &str) {
        self.diags.push(Diagnostic::error(codes::STRAY_END, message).at(line.whole(), label));
    }

    fn syntax(&mut self, span: Span, message: &str, label: &str, usage: &str) {
        self.diags.push(Diagnostic::error(codes::CARD_SYNTAX, message).at(span, label).help(format!("write {usage}")));
    }

    /// Reads an expression at a range of the line; braces or quotes around all of it are taken off.
    fn expr(&mut self, line: &Line<'_>, range: (usize, usize)) -> Option<Expr> {
        let (lo, hi, _) = fields::unwrap(line.text, range);
        let text = line.text.get(lo..hi)?;
        let dialect = self.opts.compat.dialect();
        match expr::parse_with(text, dialect, &|a, b| line.span(lo + a, lo + b), &mut self.diags) {
            Ok(e) => Some(e),
            Err(d) => {
                self.diags.extend(d);
                None
            }
        }
    }

    fn params(&mut self, line: &Line<'_>, from: usize) {
        let parts = fields::assignments(line.text, from);
        if parts.is_empty() {
            self.syntax(
                line.whole(),
                "no parameter is defined",
                "nothing after the card's name",
                "`.param name=value`",
            );
        }
        for part in parts {
            match part {
                Ok(a) if a.args.is_some() => {
                    if let Some(f) = self.function_form(line, &a) {
                        self.push(Stmt::Func(Box::new(f)));
                    }
                }
                Ok(a) => {
                    if let Some(p) = self.assignment(line, &a) {
                        self.push(Stmt::Param(Box::new(p)));
                    }
                }
                Err((lo, hi)) => self.no_assignment(line, lo, hi),
            }
        }
    }

    fn no_assignment(&mut self, line: &Line<'_>, lo: usize, hi: usize) {
        self.syntax(line.span(lo, hi), "a definition has no `=`", "not a definition", "`name=value`");
    }

    fn assignment(&mut self, line: &Line<'_>, a: &Assignment) -> Option<ParamDef> {
        let name_text = &line.text[a.name.0..a.name.1];
        let name_span = line.span(a.name.0, a.name.1);
        let is_name = name_text.starts_with(|c: char| c.is_alphabetic() || c == '_')
            && name_text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.' | '#' | '$' | '!' | '[' | ']'));
        if !is_name {
            self.syntax(
                name_span,
                "this cannot be the name of a parameter",
                "a name starts with a letter",
                "`name=value`",
            );
            return None;
        }
        if a.value.0 >= a.value.1 {
            self.syntax(
                name_span,
                &format!("parameter `{name_text}` has no value"),
                "nothing behind its `=`",
                "`name=value` or `name={expression}`",
            );
            return None;
        }
        let (lo, hi, is_text) = fields::unwrap(line.text, a.value);
        let value = match string_value(&line.text[a.value.0..a.value.1]) {
            Some(text) => ParamText::Text(text.to_string()),
            None if is_text => ParamText::Text(line.text[lo..hi].to_string()),
            // A parameter that could not be read is still a parameter: its users are not at fault.
            None => ParamText::Expr(match self.expr(line, a.value) {
                Some(e) => e,
                None => crate::expr::parse("1", &|_, _| name_span).ok()?,
            }),
        };
        Some(ParamDef { name: self.deck.names.intern(name_text), name_span, value })
    }

    /// `f(x,y)=...` on a `.param` or `.func` card.
    fn function_form(&mut self, line: &Line<'_>, a: &Assignment) -> Option<FuncDef> {
        self.function(line, a.name, a.args?, a.value)
    }

    fn function(
        &mut self,
        line: &Line<'_>,
        name: (usize, usize),
        args: (usize, usize),
        body: (usize, usize),
    ) -> Option<FuncDef> {
        const USAGE: &str = "`.func name(x,y) {expression}`";
        let mut formals = Vec::new();
        let list = &line.text[args.0..args.1];
        for arg in list.split(',').map(str::trim) {
            if arg.is_empty() && list.trim().is_empty() {
                continue;
            }
            if !arg.starts_with(|c: char| c.is_alphabetic() || c == '_')
                || !arg.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '.'))
            {
                self.syntax(
                    line.span(args.0, args.1),
                    &format!("`{arg}` cannot be an argument of a function"),
                    "names with commas between are expected",
                    USAGE,
                );
                return None;
            }
            formals.push(self.deck.names.intern(arg));
        }
        if body.0 >= body.1 {
            self.syntax(line.span(name.0, name.1), "function has no body", "nothing behind its arguments", USAGE);
            return None;
        }
        let body = self.expr(line, body)?;
        Some(FuncDef {
            name: self.deck.names.intern(&line.text[name.0..name.1]),
            args: formals,
            body,
            span: line.whole(),
        })
    }

    /// `.func f(x,y) {body}`, `.func f(x,y)='body'`
    fn func(&mut self, line: &Line<'_>, from: usize) {
        let text = line.text;
        let open = text[from..].find('(').map(|n| from + n);
        let close = open.and_then(|o| text[o..].find(')').map(|n| o + n));
        let (Some(open), Some(close)) = (open, close) else {
            return self.syntax(
                line.whole(),
                "function without arguments",
                "`(` and `)` are expected",
                "`.func name(x,y) {expression}`",
            );
        };
        let lo = from + text[from..open].len() - text[from..open].trim_start().len();
        let name = (lo, lo + text[lo..open].trim_end().len());
        if name.0 >= name.1 {
            return self.syntax(
                line.whole(),
                "function without a name",
                "a name is expected before `(`",
                "`.func name(x,y) {expression}`",
            );
        }
        let rest = text[close + 1..].trim_start();
        let rest = rest.strip_prefix('=').unwrap_or(rest);
        let body = rest.trim();
        let lo = text.len() - rest.len() + (rest.len() - rest.trim_start().len());
        if let Some(f) = self.function(line, name, (open + 1, close), (lo, lo + body.len())) {
            self.push(Stmt::Func(Box::new(f)));
        }
    }

    fn model(&mut self, line: &Line<'_>, from: usize) {
        const USAGE: &str = "`.model name type (parameter=value ...)`";
        let mark = self.diags.len();
        let all = self.fields(line, from);
        // Vendors' models are full of these, and other simulators read on.
        for d in self.diags[mark..].iter_mut().filter(|d| d.message.contains("`(`")) {
            d.code = codes::MODEL_PARENTHESES;
            d.severity = Severity::Warning;
        }
        let start = all.start as usize;
        let mut list = self.deck.fields.split_off(start);
        let span_of = |f: &Field| Span::new(line.file, f.lo, f.hi);
        let mut k = 0;
        let mut word = |list: &[Field]| {
            let f = list.get(k).filter(|f| f.kind == FieldKind::Word).copied();
            k += usize::from(f.is_some());
            f
        };
        let Some(name) = word(&list) else {
            return self.syntax(line.whole(), "model without a name", "a name is expected", USAGE);
        };
        let mut ty = word(&list);
        let mut parent = None;
        if let Some(f) = ty
            && let Some(base) = self.deck.names.get(f.sym).strip_prefix("ako:")
        {
            if base.is_empty() {
                parent = word(&list).map(|f| (f.sym, span_of(&f)));
            } else {
                let base = base.to_string();
                parent = Some((self.deck.names.intern(&base), Span { lo: f.lo + 4, ..span_of(&f) }));
            }
            ty = word(&list);
            if parent.is_none() {
                self.syntax(
                    span_of(&f),
                    "model inherits from nothing",
                    "the name of a model is expected after `ako:`",
                    "`.model name ako:parent type (...)`",
                );
            }
        }
        if ty.is_none() && parent.is_none() {
            return self.syntax(span_of(&name), "model without a type", "its type is expected after the name", USAGE);
        }
        list.drain(..k);
        strip_parentheses(&mut list);
        let len = list.len() as u32;
        self.deck.fields.append(&mut list);
        self.push(Stmt::Model(Box::new(ModelDef {
            name: name.sym,
            name_span: span_of(&name),
            parent,
            type_word: ty.map_or(Sym::default(), |f| f.sym),
            type_span: ty.map_or(span_of(&name), |f| span_of(&f)),
            file: line.file,
            fields: Fields { start: all.start, len },
        })));
    }

    /// `.subckt name ports [params:] key=value ...`
    fn subckt(&mut self, line: &Line<'_>, from: usize) {
        let text = line.text;
        let mut words: Vec<(usize, usize)> = Vec::new();
        let mut tail = text.len();
        let b = text.as_bytes();
        let mut i = from;
        let separator = |c: u8| matches!(c, b' ' | b'\t' | b'(' | b')' | b',');
        while i < b.len() {
            if separator(b[i]) {
                i += 1;
                continue;
            }
            let lo = i;
            while i < b.len() && !separator(b[i]) && !matches!(b[i], b'=' | b'{' | b'\'' | b'"') {
                i += 1;
            }
            if text[lo..i].len() >= 7
                && text.is_char_boundary(lo + 7)
                && text[lo..lo + 7].eq_ignore_ascii_case("params:")
            {
                tail = lo + 7;
                break;
            }
            let gap = text[i..].len() - text[i..].trim_start().len();
            if i == lo || b.get(i + gap) == Some(&b'=') {
                tail = lo;
                break;
            }
            words.push((lo, i));
        }
        let mut words = words.into_iter();
        let name = words.next();
        if name.is_none() {
            self.syntax(
                line.whole(),
                "subcircuit without a name",
                "a name is expected",
                "`.subckt name node ... [params: name=value ...]`",
            );
        }
        let mut ports: Vec<(Sym, Span)> = Vec::new();
        let mut seen: HashMap<Sym, Span> = HashMap::new();
        for (lo, hi) in words {
            let port = (self.deck.names.intern(&text[lo..hi]), line.span(lo, hi));
            let first = *seen.entry(port.0).or_insert(port.1);
            if first != port.1 {
                self.diags.push(
                    Diagnostic::error(codes::DUPLICATE_PORT, format!("port `{}` is named twice", &text[lo..hi]))
                        .at(port.1, "second time")
                        .at(first, "first time"),
                );
            }
            ports.push(port);
        }
        let mut params = Vec::new();
        for part in fields::assignments(text, tail) {
            match part {
                Ok(a) if a.args.is_none() => params.extend(self.assignment(line, &a)),
                Ok(a) => self.no_assignment(line, a.name.0, a.value.1),
                Err((lo, hi)) => self.no_assignment(line, lo, hi),
            }
        }
        let name = name.map_or(Sym::default(), |(lo, hi)| self.deck.names.intern(&text[lo..hi]));
        let span = line.whole();
        self.open(BlockKind::Subckt(Box::new(SubcktDef { name, span, ports, params, body: Vec::new() })), span);
    }

    fn ends(&mut self, line: &Line<'_>, from: usize) {
        let named = line.text[from..].split_whitespace().next().map(str::to_ascii_lowercase);
        let open_name = |p: &Self, k: usize| match &p.blocks[k].kind {
            BlockKind::Subckt(s) => Some(p.deck.names.get(s.name).to_string()),
            _ => None,
        };
        let open: Vec<(usize, String)> =
            (0..self.blocks.len()).filter_map(|k| open_name(self, k).map(|n| (k, n))).collect();
        let Some((innermost, inner_name)) = open.last().cloned() else {
            return self.stray(line, "`.ends` without `.subckt`", "no subcircuit is open here");
        };
        let target = match &named {
            None => innermost,
            Some(n) => match open.iter().rev().find(|o| o.1 == *n) {
                Some(o) => o.0,
                None => {
                    let mut d = Diagnostic::error(codes::STRAY_END, format!("`.ends {n}` closes no open subcircuit"))
                        .at(line.whole(), format!("`{inner_name}` is open here"))
                        .at(self.blocks[innermost].span, "opened here");
                    d.help.extend(did_you_mean(n, open.iter().map(|o| o.1.as_str())));
                    self.diags.push(d);
                    innermost
                }
            },
        };
        while self.blocks.len() > target + 1 {
            self.unclosed();
        }
        self.close();
    }

    fn condition(&mut self, line: &Line<'_>, from: usize) -> Option<Expr> {
        let text = &line.text[from..];
        let lo = from + text.len() - text.trim_start().len();
        self.expr(line, (lo, lo + text.trim().len())).or_else(|| Some(Expr::number(0.0)))
    }

    fn next_arm(&mut self, line: &Line<'_>, cond: Option<Expr>, is_elseif: bool) {
        let name = if is_elseif { ".elseif" } else { ".else" };
        match self.blocks.last_mut() {
            // An arm without a condition is the `.else`: nothing may follow it.
            Some(b) if matches!(&b.kind, BlockKind::If(_, Some(_))) => {
                let body = std::mem::take(&mut b.body);
                if let BlockKind::If(d, open) = &mut b.kind {
                    d.arms.push((std::mem::replace(open, cond), body));
                }
            }
            Some(b) if matches!(b.kind, BlockKind::If(..)) => {
                let opened = b.span;
                self.diags.push(
                    Diagnostic::error(codes::STRAY_END, format!("`{name}` after `.else`"))
                        .at(line.whole(), "`.else` is the last branch")
                        .at(opened, "of this condition"),
                );
            }
            _ => self.stray(line, &format!("`{name}` without `.if`"), "no condition is open here"),
        }
    }

    fn endif(&mut self, line: &Line<'_>) {
        if matches!(self.blocks.last().map(|b| &b.kind), Some(BlockKind::If(..))) {
            self.close();
        } else {
            self.stray(line, "`.endif` without `.if`", "no condition is open here");
        }
    }
}

/// HSPICE's `str('text')` and `str("text")`.
fn string_value(value: &str) -> Option<&str> {
    let head = value.get(..3).filter(|h| h.eq_ignore_ascii_case("str"))?;
    let inner = value[head.len()..].trim().strip_prefix('(')?.strip_suffix(')')?.trim();
    let quote = inner.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    inner.strip_prefix(quote)?.strip_suffix(quote)
}

/// Takes the outermost parentheses and the commas between parameters off a model's fields. Parentheses of a value stay.
fn strip_parentheses(list: &mut Vec<Field>) {
    let mut depth = 0usize;
    let mut after_key = false;
    // Open parentheses that stay.
    let mut kept = 0usize;
    list.retain(|f| {
        let keep = match f.kind {
            FieldKind::Open => {
                depth += 1;
                if after_key || kept > 0 {
                    kept += 1;
                    true
                } else {
                    false
                }
            }
            FieldKind::Close => {
                depth = depth.saturating_sub(1);
                if kept > 0 {
                    kept -= 1;
                    true
                } else {
                    false
                }
            }
            FieldKind::Comma => kept > 0,
            _ => true,
        };
        after_key = f.kind == FieldKind::Key;
        keep
    });
}
