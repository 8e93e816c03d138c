//! Reading the fields of elements and cards, and the source text under them.

use crate::base::units::parse_number;
use crate::diag::{SourceMap, Span};
use crate::netlist::Deck;
use crate::netlist::ast::{self, Field, FieldKind};

/// The number that a whole word spells, with its suffix and unit.
pub(super) fn number_of(text: &str) -> Option<f64> {
    let n = parse_number(text)?;
    (n.len == text.len()).then_some(n.value)
}

/// The fields of one element or card.
#[derive(Clone, Copy)]
pub(super) struct Fields<'a> {
    pub all: &'a [Field],
}

impl<'a> Fields<'a> {
    pub fn of(deck: &'a Deck, f: ast::Fields) -> Self {
        let end = (f.start as usize).saturating_add(f.len as usize);
        Fields { all: deck.fields.get(f.start as usize..end).unwrap_or(&[]) }
    }

    /// Index of the first `key =` outside parentheses.
    pub fn first_key(&self) -> usize {
        let mut depth = 0usize;
        for (i, f) in self.all.iter().enumerate() {
            match f.kind {
                FieldKind::Open => depth += 1,
                FieldKind::Close => depth = depth.saturating_sub(1),
                FieldKind::Key if depth == 0 => return i,
                _ => {}
            }
        }
        self.all.len()
    }

    /// Each `key =` from `start` on with the fields up to the next key outside parentheses.
    pub fn keyed(&self, start: usize) -> Vec<(&'a Field, &'a [Field])> {
        let mut out: Vec<(&'a Field, usize, usize)> = vec![];
        let mut depth = 0usize;
        for (i, f) in self.all.iter().enumerate().skip(start) {
            match f.kind {
                FieldKind::Open => depth += 1,
                FieldKind::Close => depth = depth.saturating_sub(1),
                FieldKind::Key if depth == 0 => {
                    if let Some(last) = out.last_mut() {
                        last.2 = i;
                    }
                    out.push((f, i + 1, self.all.len()));
                }
                _ => {}
            }
        }
        out.into_iter().map(|(k, a, b)| (k, self.all.get(a..b).unwrap_or(&[]))).collect()
    }
}

/// Quotes and braces are outside the span of `Expr` and `Text` fields.
pub(super) fn outer_lo(f: &Field) -> u32 {
    if matches!(f.kind, FieldKind::Expr | FieldKind::Text) { f.lo.saturating_sub(1) } else { f.lo }
}

pub(super) fn outer_hi(f: &Field) -> u32 {
    if matches!(f.kind, FieldKind::Expr | FieldKind::Text) { f.hi + 1 } else { f.hi }
}

/// The source under a span as one logical line, lower-cased, byte for byte as long as the original: line ends,
/// continuation marks, comments and comment lines become blanks; `{}` and `''` become parentheses so that the text reads as an expression.
pub(super) fn source_text(sources: &SourceMap, span: Span) -> String {
    one_line(sources.text(span), true)
}

/// The same, braces and case kept.
pub(super) fn source_line(sources: &SourceMap, span: Span) -> String {
    one_line(sources.text(span), false)
}

fn one_line(text: &str, plain: bool) -> String {
    let mut out: Vec<u8> = text.bytes().collect();
    let mut i = 0;
    let mut at_line_start = false;
    let mut quote = false;
    while i < out.len() {
        let c = out[i];
        if at_line_start {
            match c {
                b' ' | b'\t' | b'\r' | b'\n' => {
                    if c != b' ' {
                        out[i] = b' ';
                    }
                    i += 1;
                    continue;
                }
                b'+' => {
                    out[i] = b' ';
                    at_line_start = false;
                    i += 1;
                    continue;
                }
                b'*' => {
                    while i < out.len() && out[i] != b'\n' {
                        out[i] = b' ';
                        i += 1;
                    }
                    continue;
                }
                _ => at_line_start = false,
            }
        }
        match c {
            b'\n' => {
                out[i] = b' ';
                at_line_start = true;
            }
            b'\r' => out[i] = b' ',
            b'\'' if plain => {
                out[i] = if quote { b')' } else { b'(' };
                quote = !quote;
            }
            b'{' if plain => out[i] = b'(',
            b'}' if plain => out[i] = b')',
            b';' => {
                while i < out.len() && out[i] != b'\n' {
                    out[i] = b' ';
                    i += 1;
                }
                continue;
            }
            b'$' if i > 0 && matches!(out[i - 1], b' ' | b'\t') && text.contains('\n') => {
                while i < out.len() && out[i] != b'\n' {
                    out[i] = b' ';
                    i += 1;
                }
                continue;
            }
            _ => {}
        }
        if plain {
            out[i] = out[i].to_ascii_lowercase();
        }
        i += 1;
    }
    String::from_utf8(out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continuation_keeps_offsets() {
        let t = one_line("V(a)\n* no\n+ *{2*W} ; twice\n+ +1", true);
        assert_eq!(t.len(), "V(a)\n* no\n+ *{2*W} ; twice\n+ +1".len());
        assert_eq!(t.split_whitespace().collect::<Vec<_>>(), ["v(a)", "*(2*w)", "+1"]);
    }

    #[test]
    fn whole_numbers_only() {
        assert_eq!(number_of("4.7kohm"), Some(4700.0));
        assert_eq!(number_of("2*l"), None);
        assert_eq!(number_of("1n4148"), None);
    }
}
