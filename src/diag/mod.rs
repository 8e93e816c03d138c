//! Diagnostics: where (spans into a source map), what (code, message, labels) and what to do (help).
//!
//! Every stage returns all the faults it found; nothing stops at the first.

pub mod codes;
pub mod nearest;
pub mod render;
pub mod source;

pub use codes::{Code, explain};
pub use source::{FileId, SourceMap, Span};

/// How bad it is. Errors stop the run, warnings and lints do not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Lint,
    Note,
}

/// A place and what is to be said there.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    pub span: Span,
    pub text: String,
}

/// One fault, complete: code, message, primary place, other places, advice.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    pub code: Code,
    pub severity: Severity,
    pub message: String,
    /// The first label is the primary one. Empty when the fault has no place in a file.
    pub labels: Vec<Label>,
    /// "did you mean ...", "write ... instead".
    pub help: Vec<String>,
    /// Facts: the search path, what was tried, the numbers.
    pub notes: Vec<String>,
}

impl Diagnostic {
    pub fn new(code: Code, severity: Severity, message: impl Into<String>) -> Self {
        Diagnostic { code, severity, message: message.into(), labels: vec![], help: vec![], notes: vec![] }
    }

    pub fn error(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message)
    }

    pub fn warning(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message)
    }

    pub fn lint(code: Code, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Lint, message)
    }

    /// Adds a place; the first added is the primary one.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    pub fn span(&self) -> Option<Span> {
        self.labels.first().map(|l| l.span)
    }
}

/// Sorts by place, then severity, and drops exact repetitions (a subcircuit used ten times has its fault once).
pub fn tidy(diags: &mut Vec<Diagnostic>) {
    diags.sort_by(|a, b| {
        (a.span().map(Span::order), a.severity, a.code.0).cmp(&(b.span().map(Span::order), b.severity, b.code.0))
    });
    diags.dedup();
}

/// Faults of one kind that are shown of one card.
const SHOWN: usize = 3;

/// Faults in text that a card stands for ([`SourceMap::generated_by`]) are the card's: they are moved there, repetitions are
/// dropped, and of many of one kind the first few are kept.
pub fn fold_generated(diags: &mut Vec<Diagnostic>, sources: &SourceMap) {
    let mut counts: Vec<(Code, Span, usize, usize)> = vec![];
    let mut kept: Vec<Diagnostic> = vec![];
    for mut d in std::mem::take(diags) {
        let Some(card) = d.span().and_then(|s| sources.generated_by(s)) else {
            kept.push(d);
            continue;
        };
        for l in &mut d.labels {
            l.span = sources.generated_by(l.span).unwrap_or(l.span);
        }
        d.notes.retain(|n| !n.contains(source::GENERATED));
        if kept.iter().any(|k| (k.code, &k.message, k.span()) == (d.code, &d.message, d.span())) {
            continue;
        }
        let at = counts.iter().position(|c| (c.0, c.1) == (d.code, card)).unwrap_or_else(|| {
            counts.push((d.code, card, 0, 0));
            counts.len() - 1
        });
        counts[at].2 += 1;
        if counts[at].2 <= SHOWN {
            counts[at].3 = kept.len();
            kept.push(d);
        }
    }
    for (_, _, count, last) in counts {
        if count > SHOWN {
            kept[last].notes.push(format!("and {} more", count - SHOWN));
        }
    }
    *diags = kept;
}
