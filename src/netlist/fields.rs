//! Logical line → fields in the arena.

use std::borrow::Cow;

use super::ast::{Field, FieldKind, Fields};
use super::lines::Line;
use crate::base::Names;
use crate::diag::codes::netlist::{TYPOGRAPHIC, UNBALANCED};
use crate::diag::{Diagnostic, Span};

/// Characters that end a word.
fn is_break(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0 | b',' | b'(' | b')' | b'=' | b'{' | b'}' | b'\'' | b'"')
}

fn is_blank(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n' | 0)
}

fn is_operator(b: u8) -> bool {
    matches!(b, b'+' | b'-' | b'*' | b'/' | b'<' | b'>' | b'!' | b'&' | b'|' | b'^' | b'%')
}

/// Reads the fields of `line` from byte `from` on into `out`.
///
/// After a key for which `is_raw` holds, text without braces is one expression up to the next `key=`
/// (`B1 a 0 v=v(x)*2 + 1`).
pub(super) fn read(
    line: &Line<'_>,
    from: usize,
    is_raw: &dyn Fn(&str) -> bool,
    names: &mut Names,
    out: &mut Vec<Field>,
    diags: &mut Vec<Diagnostic>,
) -> Fields {
    let start = out.len();
    let text = line.text;
    let b = text.as_bytes();
    let mut i = from;
    let mut open: Vec<usize> = Vec::new();
    let push = |names: &mut Names,
                kind: FieldKind,
                lo: usize,
                hi: usize,
                out: &mut Vec<Field>,
                diags: &mut Vec<Diagnostic>| {
        let span = line.span(lo, hi);
        let sym = match kind {
            FieldKind::Open | FieldKind::Close | FieldKind::Comma => Default::default(),
            FieldKind::Text => names.intern(text.get(lo..hi).unwrap_or("")),
            _ => match plain(text.get(lo..hi).unwrap_or("")) {
                Cow::Borrowed(t) => names.intern(t),
                Cow::Owned(t) => {
                    diags.push(typographic(text.get(lo..hi).unwrap_or(""), span));
                    names.intern(t.trim_end())
                }
            },
        };
        out.push(Field { kind, sym, lo: span.lo, hi: span.hi });
    };
    while i < b.len() {
        match b[i] {
            c if is_blank(c) => i += 1,
            b',' => {
                push(names, FieldKind::Comma, i, i + 1, out, diags);
                i += 1;
            }
            b'(' => {
                open.push(i);
                push(names, FieldKind::Open, i, i + 1, out, diags);
                i += 1;
            }
            b')' => {
                if open.pop().is_none() {
                    diags.push(unbalanced("`)` without `(`", line.span(i, i + 1), "closes nothing"));
                }
                push(names, FieldKind::Close, i, i + 1, out, diags);
                i += 1;
            }
            b'{' => {
                let (lo, hi, next) = braces(line, i, diags);
                push(names, FieldKind::Expr, lo, hi, out, diags);
                i = next;
            }
            b'}' => {
                diags.push(unbalanced("`}` without `{`", line.span(i, i + 1), "closes nothing"));
                i += 1;
            }
            q @ (b'\'' | b'"') => {
                let (lo, hi, next) = quotes(line, i, diags);
                push(names, if q == b'"' { FieldKind::Text } else { FieldKind::Expr }, lo, hi, out, diags);
                i = next;
            }
            b'=' => {
                let hi = i + 1 + usize::from(b.get(i + 1) == Some(&b'='));
                push(names, FieldKind::Symbol, i, hi, out, diags);
                i = hi;
            }
            _ => {
                let lo = i;
                while i < b.len() && !is_break(b[i]) {
                    i += 1;
                }
                let mut hi = i;
                let lone = b[lo..hi].iter().all(|c| is_operator(*c));
                if matches!(&b[lo..hi], b"-" | b"+") && matches!(b.get(hi), Some(b'{' | b'\'')) {
                    i = signed(line, lo, names, out, diags);
                    continue;
                }
                if lone {
                    // `>=` and the like.
                    if b.get(hi) == Some(&b'=') && matches!(b[hi - 1], b'<' | b'>' | b'!') {
                        hi += 1;
                        i = hi;
                    }
                    push(names, FieldKind::Symbol, lo, hi, out, diags);
                    continue;
                }
                let mut eq = hi;
                while eq < b.len() && is_blank(b[eq]) {
                    eq += 1;
                }
                let is_key = b.get(eq) == Some(&b'=') && b.get(eq + 1) != Some(&b'=');
                push(names, if is_key { FieldKind::Key } else { FieldKind::Word }, lo, hi, out, diags);
                if !is_key {
                    continue;
                }
                i = eq + 1;
                if is_raw(&text[lo..hi]) {
                    while i < b.len() && is_blank(b[i]) {
                        i += 1;
                    }
                    let whole = is_one_group(text, i, value_end(text, i));
                    if i < b.len() && !whole {
                        let hi = value_end(text, i);
                        push(names, FieldKind::Expr, i, i + text[i..hi].trim_end().len(), out, diags);
                        i = hi;
                    }
                }
            }
        }
    }
    for at in open {
        diags.push(
            unbalanced("`(` is never closed", line.span(at, at + 1), "opened here")
                .help("add `)` at the end of the list"),
        );
    }
    Fields { start: start as u32, len: (out.len() - start) as u32 }
}

/// `-{a}`, `-'a'`: one expression, with parentheses in the place of the braces. Returns where to go on.
fn signed(line: &Line<'_>, lo: usize, names: &mut Names, out: &mut Vec<Field>, diags: &mut Vec<Diagnostic>) -> usize {
    let (from, to, next) = match line.text.as_bytes()[lo + 1] {
        b'{' => braces(line, lo + 1, diags),
        _ => quotes(line, lo + 1, diags),
    };
    let sign = &line.text[lo..lo + 1];
    let sym = names.intern(&format!("{sign}({})", line.text.get(from..to).unwrap_or("")));
    let span = line.span(lo, next);
    out.push(Field { kind: FieldKind::Expr, sym, lo: span.lo, hi: span.hi });
    next
}

/// Text with the dashes of word processors turned into minus signs, at the same byte offsets (each is three bytes long).
fn plain(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains(DASHES) {
        return Cow::Borrowed(text);
    }
    // Words have no room for blanks inside, so what fills up the offsets goes to their end.
    let filler = text.matches(DASHES).map(|d| d.len() - 1).sum();
    Cow::Owned(text.replace(DASHES, "-") + &" ".repeat(filler))
}

/// Hyphen, en dash, em dash and minus sign as typography has them.
const DASHES: [char; 5] = ['\u{2010}', '\u{2011}', '\u{2013}', '\u{2014}', '\u{2212}'];

fn typographic(text: &str, span: Span) -> Diagnostic {
    let found = text.matches(DASHES).next().unwrap_or("");
    Diagnostic::warning(TYPOGRAPHIC, format!("`{found}` is read as a minus sign"))
        .at(span, "a dash from a word processor or a web page")
        .help("write `-`")
}

fn unbalanced(message: &str, span: Span, label: &str) -> Diagnostic {
    Diagnostic::error(UNBALANCED, message).at(span, label)
}

/// The inside of the braces that open at `at`, and where to go on.
pub(super) fn braces(line: &Line<'_>, at: usize, diags: &mut Vec<Diagnostic>) -> (usize, usize, usize) {
    let b = line.text.as_bytes();
    match closing(b, at) {
        Some(end) => (at + 1, end, end + 1),
        None => {
            diags.push(
                unbalanced("`{` is never closed", line.span(at, at + 1), "opened here")
                    .help("add `}` at the end of the expression"),
            );
            (at + 1, b.len(), b.len())
        }
    }
}

/// The brace that closes the one at `at`.
fn closing(b: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    for (i, c) in b.iter().enumerate().skip(at) {
        match c {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => {}
        }
    }
    None
}

/// The inside of the quotes that open at `at`, and where to go on.
pub(super) fn quotes(line: &Line<'_>, at: usize, diags: &mut Vec<Diagnostic>) -> (usize, usize, usize) {
    let b = line.text.as_bytes();
    let q = b[at];
    match b[at + 1..].iter().position(|c| *c == q) {
        Some(n) => (at + 1, at + 1 + n, at + 2 + n),
        None => {
            let q = char::from(q);
            diags.push(
                unbalanced("quote is never closed", line.span(at, at + 1), "opened here")
                    .help(format!("add {q} at its end")),
            );
            (at + 1, b.len(), b.len())
        }
    }
}

/// Does `text[lo..hi]` consist of one pair of braces or quotes?
fn is_one_group(text: &str, lo: usize, hi: usize) -> bool {
    let v = text[lo..hi].trim_end().as_bytes();
    match v.first() {
        Some(b'{') => closing(v, 0) == Some(v.len() - 1),
        Some(q @ (b'\'' | b'"')) => v.len() > 1 && v[1..].iter().position(|c| c == q) == Some(v.len() - 2),
        _ => false,
    }
}

/// End of a value that starts at `from`: where the next `key =` or `f(x) =` starts, or the end of the line. `=` inside
/// parentheses, braces and quotes, and as part of a comparison, does not count.
pub(super) fn value_end(text: &str, from: usize) -> usize {
    let b = text.as_bytes();
    let mut depth = 0usize;
    let mut i = from;
    while i < b.len() {
        match b[i] {
            b'(' | b'{' => depth += 1,
            b')' | b'}' => depth = depth.saturating_sub(1),
            q @ (b'\'' | b'"') => i += b[i + 1..].iter().position(|c| *c == q).map_or(b.len(), |n| n + 1),
            b'=' if b.get(i + 1) == Some(&b'=') => i += 1,
            b'=' if depth == 0 && i > from && !matches!(b[i - 1], b'<' | b'>' | b'!') => {
                let key = key_start(b, from, i);
                if key > from {
                    return key;
                }
            }
            _ => {}
        }
        i += 1;
    }
    b.len()
}

/// Start of the `name` or `name(args)` that ends before the `=` at `eq`.
fn key_start(b: &[u8], from: usize, eq: usize) -> usize {
    let mut i = eq;
    while i > from && is_blank(b[i - 1]) {
        i -= 1;
    }
    if i > from && b[i - 1] == b')' {
        while i > from && b[i - 1] != b'(' {
            i -= 1;
        }
        i = i.saturating_sub(1).max(from);
        while i > from && is_blank(b[i - 1]) {
            i -= 1;
        }
    }
    while i > from && !is_break(b[i - 1]) && !is_operator(b[i - 1]) {
        i -= 1;
    }
    i
}

/// One `name = value` or `name(args) = value` of a raw text, as byte ranges of the line.
pub(super) struct Assignment {
    pub name: (usize, usize),
    /// The inside of the parentheses of the function form.
    pub args: Option<(usize, usize)>,
    /// Without blanks and commas around it; empty when missing.
    pub value: (usize, usize),
}

/// Splits `a=1, b={a*2} f(x)=x*2` from byte `from` on. What is no assignment is returned as a range.
pub(super) fn assignments(text: &str, from: usize) -> Vec<Result<Assignment, (usize, usize)>> {
    let b = text.as_bytes();
    let mut found = Vec::new();
    let mut i = from;
    loop {
        while i < b.len() && (is_blank(b[i]) || b[i] == b',') {
            i += 1;
        }
        if i >= b.len() {
            return found;
        }
        let lo = i;
        while i < b.len() && !is_break(b[i]) {
            i += 1;
        }
        let name = (lo, i);
        let mut args = None;
        while i < b.len() && is_blank(b[i]) {
            i += 1;
        }
        if b.get(i) == Some(&b'(') {
            let hi = text[i..].find(')').map_or(b.len(), |n| i + n);
            args = Some((i + 1, hi));
            i = (hi + 1).min(b.len());
            while i < b.len() && is_blank(b[i]) {
                i += 1;
            }
        }
        if name.0 == name.1 || b.get(i) != Some(&b'=') {
            // Not an assignment: on to the next one.
            let end = value_end(text, (lo + 1).min(b.len())).max(i);
            let end = if text.is_char_boundary(end) { end } else { b.len() };
            found.push(Err((lo, lo + text[lo..end].trim_end_matches([' ', '\t', ',']).len())));
            i = end;
            continue;
        }
        let lo = i + 1;
        let hi = value_end(text, lo);
        let raw = &text[lo..hi];
        let lead = raw.len() - raw.trim_start().len();
        let trimmed = raw.trim().trim_end_matches(',').trim_end();
        found.push(Ok(Assignment { name, args, value: (lo + lead, lo + lead + trimmed.len()) }));
        i = hi;
    }
}

/// The inside of a value in braces or quotes: range and whether it was in double quotes.
pub(super) fn unwrap(text: &str, (lo, hi): (usize, usize)) -> (usize, usize, bool) {
    if hi > lo && is_one_group(text, lo, hi) {
        return (lo + 1, hi - 1, text.as_bytes()[lo] == b'"');
    }
    (lo, hi, false)
}
