//! The lexer: one file's text to tokens, macros still unexpanded.

use std::sync::Arc;

use super::names::Names;
use super::token::{P, SPELLINGS, Tok, Token};
use crate::diag::codes::veriloga as code;
use crate::diag::{Diagnostic, FileId, Span};

pub struct Lexer {
    text: Arc<str>,
    file: FileId,
    pos: usize,
    end: usize,
    /// In the body of a macro: a backslash before a line end is white space.
    is_body: bool,
    /// A backslash has been met at the end of a line outside of macros.
    has_stray: bool,
}

impl Lexer {
    pub fn new(text: Arc<str>, file: FileId) -> Self {
        let end = text.len();
        Lexer { text, file, pos: 0, end, is_body: false, has_stray: false }
    }

    /// Over a part of the text only, as the body of a macro.
    pub fn body(text: Arc<str>, file: FileId, from: usize, to: usize) -> Self {
        Lexer { text, file, pos: from, end: to, is_body: true, has_stray: false }
    }

    pub fn file(&self) -> FileId {
        self.file
    }

    pub fn text(&self) -> Arc<str> {
        self.text.clone()
    }

    fn byte(&self, ahead: usize) -> u8 {
        if self.pos + ahead < self.end { self.text.as_bytes()[self.pos + ahead] } else { 0 }
    }

    fn rest(&self) -> &str {
        &self.text[self.pos..self.end]
    }

    fn span(&self, from: usize) -> Span {
        Span::new(self.file, from as u32, self.pos as u32)
    }

    /// Skips to the end of the line, continuation lines included, and returns the range without comments' tails:
    /// the body of a `` `define ``.
    pub fn take_define_body(&mut self) -> (usize, usize) {
        let from = self.pos;
        let mut to = self.pos;
        while self.pos < self.end {
            match self.byte(0) {
                b'\n' => break,
                b'\\' if self.byte(1) == b'\n' => self.pos += 2,
                b'\\' if self.byte(1) == b'\r' && self.byte(2) == b'\n' => self.pos += 3,
                // Trailing blanks after the backslash are a slip that every tool forgives.
                b'\\' if self.blank_to_line_end(1) => self.skip_line_end(),
                b'/' if self.byte(1) == b'/' => {
                    while self.pos < self.end && self.byte(0) != b'\n' {
                        // A comment may itself end in a continuation.
                        if self.byte(0) == b'\\' && self.blank_to_line_end(1) {
                            break;
                        }
                        self.pos += 1;
                    }
                    continue;
                }
                b'/' if self.byte(1) == b'*' => {
                    self.pos = self.rest()[2..].find("*/").map_or(self.end, |p| self.pos + p + 4);
                    to = self.pos;
                    continue;
                }
                b'"' => {
                    self.pos += 1;
                    while self.pos < self.end && !matches!(self.byte(0), b'"' | b'\n') {
                        self.pos += if self.byte(0) == b'\\' { 2 } else { 1 };
                    }
                    if self.byte(0) == b'"' {
                        self.pos += 1;
                    }
                    self.pos = self.pos.min(self.end);
                    to = self.pos;
                    continue;
                }
                _ => self.pos += 1,
            }
            to = self.pos;
        }
        while !self.text.is_char_boundary(self.pos) {
            self.pos += 1;
        }
        (from, to.max(from).min(self.pos))
    }

    fn blank_to_line_end(&self, ahead: usize) -> bool {
        let mut k = ahead;
        while matches!(self.byte(k), b' ' | b'\t' | b'\r') {
            k += 1;
        }
        self.byte(k) == b'\n' || self.pos + k >= self.end
    }

    fn skip_line_end(&mut self) {
        while self.pos < self.end && self.byte(0) != b'\n' {
            self.pos += 1;
        }
        self.pos = (self.pos + 1).min(self.end);
    }

    /// The rest of the line as text, for directives whose arguments do not matter here.
    pub fn take_line(&mut self) -> &str {
        let from = self.pos;
        while self.pos < self.end && self.byte(0) != b'\n' {
            self.pos += 1;
        }
        &self.text[from..self.pos]
    }

    /// `( a, b )` directly after a macro's name in its definition: whether the next character opens it.
    pub fn is_at_paren(&self) -> bool {
        self.byte(0) == b'('
    }

    /// `<file>` of an include.
    pub fn take_angle(&mut self) -> Option<(String, Span)> {
        while matches!(self.byte(0), b' ' | b'\t') {
            self.pos += 1;
        }
        if self.byte(0) != b'<' {
            return None;
        }
        let from = self.pos;
        let close = self.rest().find(['>', '\n']).filter(|p| self.byte(*p) == b'>')?;
        let text = self.rest()[1..close].to_string();
        self.pos += close + 1;
        Some((text, self.span(from)))
    }

    pub fn is_at_line_end(&self) -> bool {
        let mut k = 0;
        while matches!(self.byte(k), b' ' | b'\t' | b'\r') {
            k += 1;
        }
        self.pos + k >= self.end || self.byte(k) == b'\n' || (self.byte(k) == b'/' && self.byte(k + 1) == b'/')
    }

    fn skip_blank(&mut self, diags: &mut Vec<Diagnostic>) {
        loop {
            match self.byte(0) {
                0 if self.pos >= self.end => return,
                b' ' | b'\t' | b'\r' | b'\n' | 0x0c | 0x0b | 0 => self.pos += 1,
                b'\\' if self.blank_to_line_end(1) => {
                    if !self.is_body && !std::mem::replace(&mut self.has_stray, true) {
                        let at = Span::new(self.file, self.pos as u32, self.pos as u32 + 1);
                        diags.push(
                            Diagnostic::lint(code::DIALECT, "a backslash at the end of a line outside of a macro")
                                .at(at, "")
                                .help("leave it out: statements go on over the end of a line anyway"),
                        );
                    }
                    self.skip_line_end();
                }
                b'/' if self.byte(1) == b'/' => {
                    while self.pos < self.end && self.byte(0) != b'\n' {
                        if self.is_body && self.byte(0) == b'\\' && self.blank_to_line_end(1) {
                            break;
                        }
                        self.pos += 1;
                    }
                }
                b'/' if self.byte(1) == b'*' => match self.rest()[2..].find("*/") {
                    Some(p) => self.pos += p + 4,
                    None => {
                        let from = self.pos;
                        self.pos = (self.pos + 2).min(self.end);
                        diags.push(
                            Diagnostic::error(code::UNCLOSED, "comment is not closed")
                                .at(self.span(from), "opened here")
                                .help("close it with `*/`"),
                        );
                        self.pos = self.end;
                    }
                },
                // A byte order mark and no-break spaces come with files that went through word processors.
                0xef if self.rest().starts_with('\u{feff}') => self.pos += 3,
                0xc2 if self.rest().starts_with('\u{a0}') => self.pos += 2,
                _ => return,
            }
        }
    }

    pub fn next(&mut self, names: &mut Names, diags: &mut Vec<Diagnostic>) -> Token {
        loop {
            self.skip_blank(diags);
            let from = self.pos;
            if self.pos >= self.end {
                return Token { tok: Tok::Eof, span: self.span(from) };
            }
            let c = self.byte(0);
            let tok = match c {
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => Tok::Ident(self.word(names)),
                b'$' if is_word(self.byte(1)) => {
                    self.pos += 1;
                    Tok::System(self.word(names))
                }
                b'`' if is_word(self.byte(1)) => {
                    self.pos += 1;
                    Tok::Directive(self.word(names))
                }
                b'0'..=b'9' => self.number(diags),
                b'.' if self.byte(1).is_ascii_digit() => self.number(diags),
                b'\''
                    if matches!(self.byte(1), b'b' | b'B' | b'o' | b'O' | b'd' | b'D' | b'h' | b'H' | b's' | b'S') =>
                {
                    self.based(from, diags)
                }
                b'"' => self.string(names, diags),
                b'\\' if !self.byte(1).is_ascii_whitespace() && self.byte(1) != 0 => {
                    self.pos += 1;
                    let start = self.pos;
                    while self.pos < self.end && !self.byte(0).is_ascii_whitespace() {
                        self.pos += 1;
                    }
                    Tok::Ident(names.intern(&self.text[start..self.pos]))
                }
                _ => {
                    let rest = self.rest();
                    match SPELLINGS.iter().find(|(s, _)| rest.starts_with(s)) {
                        // `@(*)` and `(*)`: not an attribute.
                        Some((_, P::AttrOpen)) if rest.starts_with("(*)") => {
                            self.pos += 1;
                            Tok::P(P::LParen)
                        }
                        Some((s, p)) => {
                            self.pos += s.len();
                            Tok::P(*p)
                        }
                        None => {
                            let ch = rest.chars().next().unwrap_or(' ');
                            self.pos += ch.len_utf8();
                            let d = Diagnostic::error(
                                code::CHARACTER,
                                format!("character `{}` does not belong here", ch.escape_default()),
                            )
                            .at(self.span(from), "");
                            diags.push(match ch {
                                '\u{2212}' | '\u{2013}' | '\u{2014}' => d.help("write an ordinary minus sign `-`"),
                                '\u{201c}' | '\u{201d}' => d.help("write straight quotes `\"`"),
                                '\u{2018}' | '\u{2019}' => d.help("write a backtick for a macro, straight quotes for text"),
                                '\'' => d.help("macros are written with a backtick: `` `NAME ``"),
                                '\\' => d.help("a backslash continues the line of a `` `define `` only as the last character of the line"),
                                _ => d,
                            });
                            continue;
                        }
                    }
                }
            };
            return Token { tok, span: self.span(from) };
        }
    }

    fn word(&mut self, names: &mut Names) -> super::Name {
        let from = self.pos;
        while is_word(self.byte(0)) || self.byte(0) == b'$' {
            self.pos += 1;
        }
        names.intern(&self.text[from..self.pos])
    }

    fn digits(&mut self) {
        while self.byte(0).is_ascii_digit() || self.byte(0) == b'_' {
            self.pos += 1;
        }
    }

    fn number(&mut self, diags: &mut Vec<Diagnostic>) -> Tok {
        let from = self.pos;
        let mut is_real = false;
        self.digits();
        if self.byte(0) == b'\'' && self.byte(1).is_ascii_alphabetic() {
            return self.based(from, diags);
        }
        if self.byte(0) == b'.' {
            is_real = true;
            self.pos += 1;
            self.digits();
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            is_real = true;
            self.pos += 2 + sign;
            self.digits();
        }
        let text: String = self.text[from..self.pos].chars().filter(|c| *c != '_').collect();
        let mut value: f64 = text.parse().unwrap_or(0.0);
        let scale = match self.byte(0) {
            b'T' => 12,
            b'G' => 9,
            b'M' => 6,
            b'K' | b'k' => 3,
            b'm' => -3,
            b'u' => -6,
            b'n' => -9,
            b'p' => -12,
            b'f' => -15,
            b'a' => -18,
            _ => 0,
        };
        if scale != 0 && !is_word(self.byte(1)) {
            is_real = true;
            self.pos += 1;
            // Through the text: 1.1u is then the same number as 1.1e-6.
            value = format!("{text}e{scale}").parse().unwrap_or_else(|_| value * 10f64.powi(scale));
        } else if is_word(self.byte(0)) {
            let at = self.pos;
            while is_word(self.byte(0)) {
                self.pos += 1;
            }
            let tail = self.text[at..self.pos].to_string();
            diags.push(
                Diagnostic::error(code::NUMBER, format!("`{tail}` does not belong to a number"))
                    .at(Span::new(self.file, at as u32, self.pos as u32), "")
                    .help(
                        "one scale factor of T G M K k m u n p f a may follow a number, and no unit: `5n`, not `5nm`",
                    ),
            );
        }
        if !is_real {
            if let Ok(k) = text.parse::<i32>() {
                return Tok::Int(k);
            }
            diags.push(
                Diagnostic::lint(code::BIG_INTEGER, "integer does not fit 32 bits; it is taken as a real number")
                    .at(self.span(from), "")
                    .help("write it with a point: `1.0e10`"),
            );
        }
        if value.is_infinite() {
            diags.push(
                Diagnostic::error(code::NUMBER, "number is larger than any that a computer holds (1.8e308)")
                    .at(self.span(from), "")
                    .help("an infinite bound of a range is written `inf`"),
            );
            value = 0.0;
        }
        Tok::Real(value)
    }

    /// `8'hff`, `'b01`.
    fn based(&mut self, from: usize, diags: &mut Vec<Diagnostic>) -> Tok {
        self.pos += 1;
        if matches!(self.byte(0), b's' | b'S') {
            self.pos += 1;
        }
        let radix = match self.byte(0).to_ascii_lowercase() {
            b'b' => 2,
            b'o' => 8,
            b'd' => 10,
            b'h' => 16,
            _ => 0,
        };
        self.pos += 1;
        while matches!(self.byte(0), b' ' | b'\t') {
            self.pos += 1;
        }
        let start = self.pos;
        while is_word(self.byte(0)) || self.byte(0) == b'?' {
            self.pos += 1;
        }
        let text: String = self.text[start.min(self.pos)..self.pos].chars().filter(|c| *c != '_').collect();
        match i64::from_str_radix(&text, if radix == 0 { 2 } else { radix }) {
            Ok(k) if radix != 0 && k <= i64::from(u32::MAX) => Tok::Int(k as u32 as i32),
            _ => {
                diags.push(
                    Diagnostic::error(code::NUMBER, "based number cannot be read")
                        .at(self.span(from), "")
                        .help("at most 32 bits, known digits only: `8'hff`, `'b0101`, `'o17`, `'d42`"),
                );
                Tok::Missing
            }
        }
    }

    fn string(&mut self, names: &mut Names, diags: &mut Vec<Diagnostic>) -> Tok {
        let from = self.pos;
        self.pos += 1;
        let mut out = String::new();
        while let Some(c) = self.rest().chars().next() {
            match c {
                '"' => {
                    self.pos += 1;
                    return Tok::Str(names.intern(&out));
                }
                '\n' => break,
                '\\' => {
                    self.pos += 1;
                    let Some(e) = self.rest().chars().next() else { break };
                    self.pos += e.len_utf8();
                    match e {
                        'n' => out.push('\n'),
                        't' => out.push('\t'),
                        '\r' if self.byte(0) == b'\n' => self.pos += 1,
                        '\n' => {}
                        '0'..='7' => {
                            let mut value = e as u32 - 48;
                            for _ in 0..2 {
                                if matches!(self.byte(0), b'0'..=b'7') {
                                    value = value * 8 + u32::from(self.byte(0) - b'0');
                                    self.pos += 1;
                                }
                            }
                            out.push(char::from_u32(value).unwrap_or(' '));
                        }
                        other => out.push(other),
                    }
                }
                c => {
                    out.push(c);
                    self.pos += c.len_utf8();
                }
            }
        }
        diags.push(
            Diagnostic::error(code::UNCLOSED, "string is not closed on its line")
                .at(self.span(from), "opened here")
                .help("close it with `\"`; a backslash at the line's end continues it"),
        );
        Tok::Str(names.intern(&out))
    }
}

fn is_word(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b == b'_'
}
