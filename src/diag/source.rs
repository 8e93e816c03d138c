//! Source files and places in them.

use std::sync::Arc;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FileId(pub u32);

/// A byte range in one file. The default span is "nowhere" (file `u32::MAX`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub file: FileId,
    pub lo: u32,
    pub hi: u32,
}

impl Default for Span {
    fn default() -> Self {
        Span::NOWHERE
    }
}

impl Span {
    pub const NOWHERE: Span = Span { file: FileId(u32::MAX), lo: 0, hi: 0 };

    pub fn new(file: FileId, lo: u32, hi: u32) -> Self {
        Span { file, lo, hi }
    }

    pub fn is_nowhere(self) -> bool {
        self.file.0 == u32::MAX
    }

    /// Whether it lies in the expansion of a macro: see [`SourceMap::add_expansion`].
    pub fn is_in_macro(self) -> bool {
        !self.is_nowhere() && self.file.0 & EXPANSION != 0
    }

    /// The key by which diagnostics are sorted.
    pub fn order(self) -> (u32, u32, u32) {
        (self.file.0, self.lo, self.hi)
    }
}

/// Begins the names of texts that a card stands for.
pub const GENERATED: &str = "<elements of ";

/// Marks the ids of macro expansions.
const EXPANSION: u32 = 1 << 31;

/// One use of a macro. Spans with its id are places in the text of the macro's definition.
#[derive(Clone, Debug)]
pub struct Expansion {
    pub name: String,
    /// The file of the definition.
    pub file: FileId,
    /// Where the macro is used; may itself lie in an expansion.
    pub call: Span,
}

/// One file of a deck.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// As the user would write it.
    pub name: String,
    pub text: Arc<str>,
    /// The `.include`/`.lib` statement that brought it in.
    pub included_at: Option<Span>,
    /// Byte offset of each line's start.
    line_starts: Vec<u32>,
}

/// All files of a run; a [`Span`] means something only together with its map.
#[derive(Clone, Debug, Default)]
pub struct SourceMap {
    files: Vec<SourceFile>,
    expansions: Vec<Expansion>,
}

impl SourceMap {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn add(&mut self, name: impl Into<String>, text: impl Into<Arc<str>>, included_at: Option<Span>) -> FileId {
        let text = text.into();
        let line_starts = std::iter::once(0)
            .chain(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1))
            .collect();
        self.files.push(SourceFile { name: name.into(), text, included_at, line_starts });
        FileId(self.files.len() as u32 - 1)
    }

    /// Registers a use of a macro. The id returned stands for the macro's text as it appears there: it has the offsets
    /// of the definition and remembers the place of use.
    pub fn add_expansion(&mut self, name: impl Into<String>, definition: FileId, call: Span) -> FileId {
        self.expansions.push(Expansion { name: name.into(), file: definition, call });
        FileId(EXPANSION | (self.expansions.len() as u32 - 1))
    }

    /// The macro use that a span lies in.
    pub fn expansion(&self, span: Span) -> Option<&Expansion> {
        if span.is_in_macro() { self.expansions.get((span.file.0 & !EXPANSION) as usize) } else { None }
    }

    /// The places of use around a span, innermost first; empty outside macros.
    pub fn expanded_from(&self, span: Span) -> impl Iterator<Item = &Expansion> {
        std::iter::successors(self.expansion(span), |e| self.expansion(e.call))
    }

    /// The place in a real file: of the text itself, or of the outermost macro use that brought it in.
    pub fn root(&self, span: Span) -> Span {
        self.expanded_from(span).last().map_or(span, |e| e.call)
    }

    /// The real file that holds the text of a span with this id.
    pub fn real_file(&self, id: FileId) -> FileId {
        self.expansion(Span::new(id, 0, 0)).map_or(id, |e| e.file)
    }

    /// The smallest span over both, at the innermost level of macro expansion that they share.
    pub fn join(&self, a: Span, b: Span) -> Span {
        if a.is_nowhere() || b.is_nowhere() {
            return if a.is_nowhere() { b } else { a };
        }
        let over = |a: Span, b: Span| Span::new(a.file, a.lo.min(b.lo), a.hi.max(b.hi));
        if a.file == b.file {
            return over(a, b);
        }
        let levels =
            |s: Span| -> Vec<Span> { std::iter::once(s).chain(self.expanded_from(s).map(|e| e.call)).collect() };
        let outer = levels(b);
        for x in levels(a) {
            if let Some(y) = outer.iter().find(|y| y.file == x.file) {
                return over(x, *y);
            }
        }
        a
    }

    pub fn file(&self, id: FileId) -> Option<&SourceFile> {
        self.files.get(self.real_file(id).0 as usize)
    }

    /// The card that the text of a span stands for; `None` where somebody wrote it.
    pub fn generated_by(&self, span: Span) -> Option<Span> {
        let mut card = None;
        let mut at = span;
        while let Some(f) = self.file(at.file).filter(|f| f.name.starts_with(GENERATED)) {
            at = f.included_at?;
            card = Some(at);
        }
        card
    }

    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// The text under a span; empty for "nowhere".
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).and_then(|f| f.text.get(span.lo as usize..span.hi as usize)).unwrap_or("")
    }

    /// 1-based line and column (in characters) of the start of a span.
    pub fn line_col(&self, span: Span) -> Option<(usize, usize)> {
        let f = self.file(span.file)?;
        let line = f.line_starts.partition_point(|&s| s <= span.lo);
        let start = f.line_starts[line - 1] as usize;
        let col = f.text.get(start..span.lo as usize).map_or(1, |t| t.chars().count() + 1);
        Some((line, col))
    }

    /// `deck.cir:12`, for messages that name a device's source line.
    pub fn locate(&self, span: Span) -> String {
        match (self.file(span.file), self.line_col(span)) {
            (Some(f), Some((line, _))) => format!("{}:{line}", f.name),
            _ => "<built-in>".to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn macro_uses_lead_back_to_the_text() {
        let mut map = SourceMap::new();
        let header = map.add("m.h", "#define inner x\n#define outer inner + 1\n", None);
        let main = map.add("main", "a = outer * b;\n", None);
        let call = Span::new(main, 4, 9);
        let outer = map.add_expansion("outer", header, call);
        let inner = map.add_expansion("inner", header, Span::new(outer, 30, 35));
        let x = Span::new(inner, 14, 15);
        assert!(x.is_in_macro() && !call.is_in_macro() && !Span::NOWHERE.is_in_macro());
        assert_eq!((map.text(x), map.locate(x).as_str(), map.root(x)), ("x", "m.h:1", call));
        let names: Vec<&str> = map.expanded_from(x).map(|e| e.name.as_str()).collect();
        assert_eq!(names, ["inner", "outer"]);
        // Joined where both are seen: within `outer` for `x` and `1`, in the main text for `x` and `b`.
        let one = Span::new(outer, 38, 39);
        assert_eq!(map.join(x, one), Span::new(outer, 30, 39));
        let b = Span::new(main, 12, 13);
        assert_eq!(map.text(map.join(x, b)), "outer * b");
        assert_eq!(map.join(b, x), map.join(x, b));
        assert_eq!(map.join(Span::NOWHERE, b), b);
    }
}
