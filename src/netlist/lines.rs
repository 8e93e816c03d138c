//! Physical lines → logical lines: comments removed, continuations joined, every byte traceable to the file.

use super::Compat;
use crate::diag::{FileId, Span};

/// A logical line. Without continuation its text is a slice of the file.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    pub text: &'a str,
    pub file: FileId,
    /// Offset in `text` → offset in the file, at the start of each physical line.
    pieces: &'a [(usize, usize)],
}

impl Line<'_> {
    fn offset(&self, at: usize) -> usize {
        let k = self.pieces.partition_point(|p| p.0 <= at).saturating_sub(1);
        self.pieces.get(k).map_or(0, |p| p.1 + (at - p.0))
    }

    /// The file's bytes under `text[lo..hi]`.
    pub fn span(&self, lo: usize, hi: usize) -> Span {
        let from = self.offset(lo);
        let to = if hi > lo { self.offset(hi - 1) + 1 } else { from };
        Span::new(self.file, from as u32, to.max(from) as u32)
    }

    pub fn whole(&self) -> Span {
        self.span(0, self.text.len())
    }
}

/// Room for the joined text of a logical line, used again for each.
#[derive(Default)]
pub(super) struct Buffer {
    joined: String,
    pieces: Vec<(usize, usize)>,
}

/// Hands out the logical lines of a file.
pub(super) struct Reader<'t> {
    pub text: &'t str,
    pub file: FileId,
    pub pos: usize,
    compat: Compat,
}

/// One physical line without its comment.
struct Physical {
    lo: usize,
    hi: usize,
    next: usize,
}

const BLANKS: [char; 6] = [' ', '\t', '\r', '\u{a0}', '\u{feff}', '\0'];

impl<'t> Reader<'t> {
    pub fn new(text: &'t str, file: FileId, compat: Compat) -> Self {
        Reader { text, file, pos: 0, compat }
    }

    /// The next physical line as it is.
    pub fn raw(&mut self) -> Option<(usize, &'t str)> {
        if self.pos >= self.text.len() {
            return None;
        }
        let rest = &self.text[self.pos..];
        let end = rest.find('\n');
        let line = &rest[..end.unwrap_or(rest.len())];
        let lo = self.pos;
        self.pos += end.map_or(rest.len(), |e| e + 1);
        Some((lo, line.trim_end_matches('\r')))
    }

    /// The physical line at `pos`, trimmed and without comment; empty if there is nothing else on it.
    fn physical(&self, pos: usize) -> Option<Physical> {
        if pos >= self.text.len() {
            return None;
        }
        let rest = &self.text.as_bytes()[pos..];
        let end = rest.iter().position(|b| *b == b'\n');
        let next = pos + end.map_or(rest.len(), |e| e + 1);
        let line = &self.text[pos..pos + end.unwrap_or(rest.len())];
        let body = line.trim_start_matches(BLANKS);
        let lo = pos + line.len() - body.len();
        let body = body[..comment_start(body, self.compat)].trim_end_matches(BLANKS);
        Some(Physical { lo, hi: lo + body.len(), next })
    }

    /// The next logical line; continuations may follow after blank and comment lines.
    pub fn next<'b>(&mut self, buffer: &'b mut Buffer) -> Option<Line<'b>>
    where
        't: 'b,
    {
        let first = loop {
            let p = self.physical(self.pos)?;
            self.pos = p.next;
            if p.lo < p.hi {
                break p;
            }
        };
        buffer.pieces.clear();
        buffer.pieces.push((0, first.lo));
        let mut look = self.pos;
        let mut is_joined = false;
        while let Some(p) = self.physical(look) {
            look = p.next;
            if p.lo == p.hi {
                continue;
            }
            if self.text.as_bytes()[p.lo] != b'+' {
                break;
            }
            if !is_joined {
                is_joined = true;
                buffer.joined.clear();
                buffer.joined.push_str(&self.text[first.lo..first.hi]);
            }
            buffer.joined.push(' ');
            buffer.pieces.push((buffer.joined.len(), p.lo + 1));
            buffer.joined.push_str(&self.text[p.lo + 1..p.hi]);
            self.pos = p.next;
        }
        let text = if is_joined { buffer.joined.as_str() } else { &self.text[first.lo..first.hi] };
        Some(Line { text, file: self.file, pieces: &buffer.pieces })
    }
}

/// Where the comment of a trimmed physical line starts, or its length.
///
/// `*` and `#` in front make the whole line a comment. `;` and `//` start one anywhere, `$` only in front or after a
/// blank or comma, as in ngspice. None of them counts inside double quotes.
fn comment_start(body: &str, compat: Compat) -> usize {
    let b = body.as_bytes();
    if matches!(b.first(), Some(b'*' | b'#')) {
        return 0;
    }
    let mut quoted = false;
    for i in 0..b.len() {
        match b[i] {
            b'"' => quoted = !quoted,
            _ if quoted => {}
            b';' => return i,
            b'/' if b.get(i + 1) == Some(&b'/') => return i,
            b'$' if compat != Compat::Pspice && (i == 0 || matches!(b[i - 1], b' ' | b'\t' | b',')) => return i,
            _ => {}
        }
    }
    b.len()
}
