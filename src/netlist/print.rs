//! A deck as text: one statement a line, long ones continued with `+`. Reading it again gives the same deck; what was
//! included stands in place of the card that included it.

use std::fmt::Write;

use super::ast::{Deck, Field, FieldKind, Fields, ParamDef, ParamText, Stmt};
use crate::base::Sym;
use crate::diag::{FileId, SourceMap, Span};

/// Lines are continued beyond this many bytes.
const WIDTH: usize = 100;

/// Writes a deck as text. `sources` must be the map it was read with: the case of quoted text is kept there.
pub fn print(deck: &Deck, sources: &SourceMap) -> String {
    let mut p = Printer { deck, sources, out: String::new() };
    p.line(&format!(".title {}", deck.title));
    p.body(&deck.body);
    if !deck.control.is_empty() {
        p.line(".control");
        for span in &deck.control {
            p.line(sources.text(*span));
        }
        p.line(".endc");
    }
    p.line(".end");
    p.out
}

struct Printer<'a> {
    deck: &'a Deck,
    sources: &'a SourceMap,
    out: String,
}

impl Printer<'_> {
    fn name(&self, sym: Sym) -> &str {
        self.deck.names.get(sym)
    }

    fn line(&mut self, text: &str) {
        self.out.push_str(text);
        self.out.push('\n');
    }

    /// Words with blanks between, continued where they grow too long.
    fn words(&mut self, words: &[String]) {
        let mut width = 0;
        for (i, w) in words.iter().enumerate() {
            if i > 0 && width + w.len() > WIDTH {
                self.out.push_str("\n+ ");
                width = 2;
            } else if i > 0 {
                self.out.push(' ');
            }
            self.out.push_str(w);
            width += w.len() + 1;
        }
        self.out.push('\n');
    }

    fn fields(&self, fields: Fields, file: FileId) -> Vec<String> {
        let lo = fields.start as usize;
        let list = self.deck.fields.get(lo..lo + fields.len as usize).unwrap_or(&[]);
        let mut words: Vec<String> = Vec::new();
        let mut glue = false;
        for f in list {
            let text = self.field(f, file);
            match words.last_mut() {
                Some(last) if glue || matches!(f.kind, FieldKind::Close | FieldKind::Comma | FieldKind::Open) => {
                    last.push_str(&text)
                }
                _ => words.push(text),
            }
            glue = matches!(f.kind, FieldKind::Key | FieldKind::Open);
        }
        words
    }

    fn field(&self, f: &Field, file: FileId) -> String {
        let text = self.name(f.sym);
        match f.kind {
            FieldKind::Word | FieldKind::Symbol => text.to_string(),
            FieldKind::Key => format!("{text}="),
            FieldKind::Expr => format!("{{{text}}}"),
            FieldKind::Text => {
                let original = self.sources.text(Span::new(file, f.lo, f.hi));
                // Over a continuation the file's text is not the text itself.
                let same = original.eq_ignore_ascii_case(text);
                format!("\"{}\"", if same { original } else { text })
            }
            FieldKind::Open => "(".into(),
            FieldKind::Close => ")".into(),
            FieldKind::Comma => ",".into(),
        }
    }

    fn param(&self, p: &ParamDef) -> String {
        match &p.value {
            ParamText::Expr(e) => format!("{}={{{e}}}", self.name(p.name)),
            ParamText::Text(t) => format!("{}=\"{t}\"", self.name(p.name)),
        }
    }

    fn body(&mut self, body: &[Stmt]) {
        for stmt in body {
            self.stmt(stmt);
        }
    }

    fn stmt(&mut self, stmt: &Stmt) {
        match stmt {
            Stmt::Element(e) => {
                let mut words = vec![self.name(e.name).to_string()];
                words.extend(self.fields(e.fields, e.file));
                self.words(&words);
            }
            Stmt::Card(c) => {
                let mut words = vec![format!(".{}", self.name(c.name))];
                words.extend(self.fields(c.fields, c.file));
                self.words(&words);
                if self.name(c.name) == "data" {
                    self.line(".enddata");
                }
            }
            Stmt::Param(p) => self.line(&format!(".param {}", self.param(p))),
            Stmt::Func(f) => {
                let args: Vec<&str> = f.args.iter().map(|a| self.name(*a)).collect();
                let text = format!(".func {}({}) {{{}}}", self.name(f.name), args.join(","), f.body);
                self.line(&text);
            }
            Stmt::Model(m) => {
                let mut words = vec![".model".into(), self.name(m.name).to_string()];
                words.extend(m.parent.map(|(p, _)| format!("ako:{}", self.name(p))));
                words.push(self.name(m.type_word).to_string());
                words.retain(|w| !w.is_empty());
                let fields = self.fields(m.fields, m.file);
                if !fields.is_empty() {
                    words.push("(".into());
                    words.extend(fields);
                    words.push(")".into());
                }
                self.words(&words);
            }
            Stmt::Subckt(s) => {
                let mut words = vec![".subckt".into(), self.name(s.name).to_string()];
                words.extend(s.ports.iter().map(|(p, _)| self.name(*p).to_string()));
                if !s.params.is_empty() {
                    words.push("params:".into());
                    words.extend(s.params.iter().map(|p| self.param(p)));
                }
                self.words(&words);
                self.body(&s.body);
                let end = format!(".ends {}", self.name(s.name));
                self.line(end.trim_end());
            }
            Stmt::If(d) => {
                for (i, (cond, body)) in d.arms.iter().enumerate() {
                    match cond {
                        Some(c) => {
                            let word = if i == 0 { ".if" } else { ".elseif" };
                            let _ = writeln!(self.out, "{word} ({c})");
                        }
                        None => self.line(".else"),
                    }
                    self.body(body);
                }
                self.line(".endif");
            }
        }
    }
}
