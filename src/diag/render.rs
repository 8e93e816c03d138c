//! Renderers: for terminals (excerpt, caret, labels, help) and as JSON, one object a line.
//!
//! Both are pure functions of a diagnostic and its source map; whether to use colour is the caller's business.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

use super::{Diagnostic, FileId, Label, Severity, SourceMap, Span};

/// How text is to look.
#[derive(Clone, Copy, Debug)]
pub struct Style {
    pub color: bool,
    /// Columns of the terminal; long source lines are cut around the label.
    pub width: usize,
}

impl Default for Style {
    fn default() -> Self {
        Style { color: false, width: 120 }
    }
}

/// All diagnostics one after the other, a blank line between.
pub fn text(diags: &[Diagnostic], sources: &SourceMap, style: Style) -> String {
    let mut out = String::new();
    for d in diags {
        if !out.is_empty() {
            out.push('\n');
        }
        out.push_str(&one(d, sources, style));
        out.push('\n');
    }
    out
}

/// One diagnostic, without a line end after it.
pub fn one(d: &Diagnostic, sources: &SourceMap, style: Style) -> String {
    let level = level(d.severity);
    let mut group = Group::with_title(level.primary_title(d.message.as_str()).id(d.code.0));
    for excerpt in excerpts(d, sources) {
        let mut snippet = Snippet::source(excerpt.text).line_start(excerpt.line).path(excerpt.name);
        for (kind, range, label) in excerpt.marks {
            let mark = kind.span(range);
            snippet = snippet.annotation(if label.is_empty() { mark } else { mark.label(label) });
        }
        group = group.element(snippet);
    }
    for (i, e) in d.span().into_iter().flat_map(|s| sources.expanded_from(s)).enumerate() {
        // A deep chain is shown from both its ends by the first levels alone: the innermost are what matters.
        if i == EXPANSIONS_SHOWN {
            group = group.element(Level::NOTE.message(format!("in turn in the expansion of `{}", e.name)));
            break;
        }
        let text = format!("in this use of `{}", e.name);
        let place = Diagnostic::error(d.code, "").at(e.call, text);
        group = group.element(Level::NOTE.message(format!(
            "from the macro `{}, used at {}",
            e.name,
            sources.locate(e.call)
        )));
        for excerpt in excerpts(&place, sources) {
            let mut snippet =
                Snippet::source(excerpt.text.to_string()).line_start(excerpt.line).path(excerpt.name.to_string());
            for (_, range, label) in excerpt.marks {
                snippet = snippet.annotation(AnnotationKind::Context.span(range).label(label.to_string()));
            }
            group = group.element(snippet);
        }
    }
    for line in backtrace(d, sources) {
        group = group.element(Level::NOTE.message(line));
    }
    for note in &d.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &d.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let renderer = if style.color { Renderer::styled() } else { Renderer::plain() };
    renderer.term_width(style.width.clamp(40, 400)).render(&[group])
}

/// One diagnostic as one line of JSON, without a line end.
pub fn json(d: &Diagnostic, sources: &SourceMap) -> String {
    let record = Record {
        code: d.code.0,
        severity: word(d.severity),
        message: &d.message,
        labels: d.labels.iter().enumerate().map(|(i, l)| place(l, i == 0, sources)).collect(),
        help: &d.help,
        notes: &d.notes,
        expanded_from: d
            .span()
            .into_iter()
            .flat_map(|s| sources.expanded_from(s))
            .map(|e| format!("`{} at {}", e.name, sources.locate(e.call)))
            .collect(),
        included_from: includes(d.span(), sources).map(|s| sources.locate(s)).collect(),
    };
    serde_json::to_string(&record).unwrap_or_else(|e| format!("{{\"code\":\"{}\",\"error\":\"{e}\"}}", d.code.0))
}

/// `error`, `warning`, `lint`, `note`.
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Lint => "lint",
        Severity::Note => "note",
    }
}

/// A diagnostic as JSON. Lines and columns count from 1, columns in characters; the end is exclusive.
#[derive(Serialize)]
struct Record<'a> {
    code: &'a str,
    severity: &'a str,
    message: &'a str,
    labels: Vec<Place<'a>>,
    help: &'a [String],
    notes: &'a [String],
    /// Macro uses, innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expanded_from: Vec<String>,
    /// Innermost first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    included_from: Vec<String>,
}

#[derive(Serialize)]
struct Place<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
    primary: bool,
    text: &'a str,
}

fn place<'a>(label: &'a Label, primary: bool, sources: &'a SourceMap) -> Place<'a> {
    let start = sources.line_col(label.span);
    let end = sources.line_col(Span::new(label.span.file, label.span.hi, label.span.hi));
    Place {
        file: sources.file(label.span.file).map(|f| f.name.as_str()),
        line: start.map(|s| s.0),
        column: start.map(|s| s.1),
        end_line: end.map(|s| s.0),
        end_column: end.map(|s| s.1),
        primary,
        text: &label.text,
    }
}

fn level(severity: Severity) -> Level<'static> {
    match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Lint => Level::WARNING.with_name("lint"),
        Severity::Note => Level::NOTE,
    }
}

/// Lines of one file with the marks on them.
struct Excerpt<'a> {
    name: &'a str,
    text: &'a str,
    /// Number of the first line.
    line: usize,
    marks: Vec<(AnnotationKind, std::ops::Range<usize>, &'a str)>,
}

/// Levels of macro expansion that are drawn.
const EXPANSIONS_SHOWN: usize = 4;

/// Labels further apart than this many bytes get excerpts of their own: the renderer reads all that lies between.
const WINDOW: usize = 20_000;

fn excerpts<'a>(d: &'a Diagnostic, sources: &'a SourceMap) -> Vec<Excerpt<'a>> {
    let mut found: Vec<(FileId, usize, usize, Excerpt<'a>)> = vec![];
    for (i, label) in d.labels.iter().enumerate() {
        let Some(file) = sources.file(label.span.file) else { continue };
        let file_id = sources.real_file(label.span.file);
        let text: &str = &file.text;
        let (lo, hi) = clip(text, label.span);
        let start = text[..lo].rfind('\n').map_or(0, |p| p + 1);
        let end = text[hi..].find('\n').map_or(text.len(), |p| hi + p);
        let kind = if i == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
        let near = found
            .iter_mut()
            .find(|(id, a, b, _)| *id == file_id && start < b.saturating_add(WINDOW) && a.saturating_sub(WINDOW) < end);
        match near {
            Some((_, a, b, e)) => {
                let (new_a, new_b) = ((*a).min(start), (*b).max(end));
                for m in &mut e.marks {
                    m.1 = m.1.start + *a - new_a..m.1.end + *a - new_a;
                }
                (*a, *b) = (new_a, new_b);
                e.marks.push((kind, lo - new_a..hi - new_a, &label.text));
                e.text = &text[new_a..new_b];
                e.line = line_of(sources, file_id, new_a);
            }
            None => {
                let e = Excerpt {
                    name: &file.name,
                    text: &text[start..end],
                    line: line_of(sources, file_id, start),
                    marks: vec![(kind, lo - start..hi - start, label.text.as_str())],
                };
                found.push((file_id, start, end, e));
            }
        }
    }
    found.into_iter().map(|(.., e)| e).collect()
}

fn line_of(sources: &SourceMap, file: FileId, at: usize) -> usize {
    sources.line_col(Span::new(file, at as u32, at as u32)).map_or(1, |(line, _)| line)
}

/// A span as bytes of the text: inside it, on character boundaries, on its first line only (an element with
/// continuation lines would be drawn as a box around all of them).
fn clip(text: &str, span: Span) -> (usize, usize) {
    let mut lo = (span.lo as usize).min(text.len());
    while !text.is_char_boundary(lo) {
        lo -= 1;
    }
    let mut hi = (span.hi as usize).clamp(lo, text.len());
    while !text.is_char_boundary(hi) {
        hi += 1;
    }
    if let Some(p) = text[lo..hi].find('\n') {
        hi = lo + p;
    }
    let trimmed = text[lo..hi].trim_end().len();
    if trimmed > 0 {
        hi = lo + trimmed;
    }
    (lo, hi)
}

/// The places that included the file of a span, innermost first.
fn includes(span: Option<Span>, sources: &SourceMap) -> impl Iterator<Item = Span> {
    let span = span.map(|s| sources.root(s));
    let of = |s: Span| sources.file(s.file).and_then(|f| f.included_at);
    // A file cannot include itself without the parser stopping it; the bound keeps a broken map from looping.
    std::iter::successors(span.and_then(of), move |s| of(*s)).take(64)
}

fn backtrace(d: &Diagnostic, sources: &SourceMap) -> Vec<String> {
    includes(d.span(), sources).map(|s| format!("included from {}", sources.locate(s))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::codes;

    fn span_of(map: &SourceMap, file: FileId, what: &str) -> Span {
        let lo = map.file(file).unwrap().text.find(what).unwrap() as u32;
        Span::new(file, lo, lo + what.len() as u32)
    }

    fn deck() -> (SourceMap, FileId) {
        let mut map = SourceMap::new();
        let text = "amplifier\nQ1 c b 0 2n222\n.model 2n2222 npn (bf=200)\n* done\nR1 c 0 1k\n.end\n";
        let id = map.add("amp.cir", text, None);
        (map, id)
    }

    #[test]
    fn excerpt_caret_and_help() {
        let (map, id) = deck();
        let d = Diagnostic::error(codes::circuit::UNKNOWN_MODEL, "unknown model `2n222`")
            .at(span_of(&map, id, "2n222"), "no model of this name here")
            .help("did you mean `2n2222`?")
            .note("models in scope: 1");
        let expected = "\
error[E0301]: unknown model `2n222`
 --> amp.cir:2:10
  |
2 | Q1 c b 0 2n222
  |          ^^^^^ no model of this name here
  |
  = note: models in scope: 1
  = help: did you mean `2n2222`?";
        assert_eq!(one(&d, &map, Style::default()), expected);
    }

    #[test]
    fn several_labels_fold_what_lies_between() {
        let (map, id) = deck();
        let d = Diagnostic::warning(codes::circuit::UNKNOWN_MODEL, "two places")
            .at(span_of(&map, id, "R1"), "here")
            .at(span_of(&map, id, "Q1"), "and here");
        let out = one(&d, &map, Style::default());
        assert!(out.starts_with("warning[E0301]: two places\n --> amp.cir:5:1\n"), "{out}");
        assert!(out.contains("2 | Q1 c b 0 2n222\n  | -- and here\n"), "{out}");
        assert!(out.contains("5 | R1 c 0 1k\n  | ^^ here"), "{out}");
    }

    #[test]
    fn include_chain() {
        let (mut map, id) = deck();
        let at = span_of(&map, id, "* done");
        let lib = map.add("parts.lib", "R2 a b -1\r\n", Some(at));
        let d = Diagnostic::error(codes::device::OUT_OF_RANGE, "out of range").at(span_of(&map, lib, "-1"), "");
        let out = one(&d, &map, Style::default());
        assert!(out.contains("--> parts.lib:1:8"), "{out}");
        assert!(out.contains("= note: included from amp.cir:4"), "{out}");
    }

    #[test]
    fn no_place_and_colour() {
        let d = Diagnostic::error(codes::analysis::SINGULAR, "singular matrix");
        assert_eq!(one(&d, &SourceMap::new(), Style::default()), "error[E0601]: singular matrix");
        assert!(one(&d, &SourceMap::new(), Style { color: true, width: 80 }).contains("\u{1b}["));
    }

    #[test]
    fn json_lines_are_flat_objects() {
        let (map, id) = deck();
        let d = Diagnostic::error(codes::circuit::UNKNOWN_MODEL, "unknown model")
            .at(span_of(&map, id, "2n222"), "here")
            .help("do this");
        assert_eq!(
            json(&d, &map),
            "{\"code\":\"E0301\",\"severity\":\"error\",\"message\":\"unknown model\",\"labels\":[{\"file\":\"amp.cir\",\
             \"line\":2,\"column\":10,\"end_line\":2,\"end_column\":15,\"primary\":true,\"text\":\"here\"}],\
             \"help\":[\"do this\"],\"notes\":[]}"
        );
    }

    #[test]
    fn any_span_is_drawn() {
        let mut map = SourceMap::new();
        let id = map.add("µ.cir", "é\tR1 a\r\n+ b 1kΩ\r\n\n", None);
        for lo in 0..30 {
            for hi in 0..30 {
                let d = Diagnostic::error(codes::circuit::UNKNOWN_MODEL, "x")
                    .at(Span::new(id, lo, hi), "y")
                    .at(Span::new(id, hi, lo), "z")
                    .at(Span::new(FileId(7), lo, hi), "w");
                assert!(!one(&d, &map, Style::default()).is_empty());
                assert!(!json(&d, &map).is_empty());
            }
        }
    }
}
