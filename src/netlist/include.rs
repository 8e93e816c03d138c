//! Other files: `.include`, `.lib file section`, sections, `.control` blocks.

use std::path::{Path, PathBuf};

use super::ast::{FieldKind, Fields};
use super::lines::{Buffer, Line, Reader};
use super::parser::{Parser, Part, Rest};
use crate::diag::codes::netlist as codes;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, FileId, Span};

/// Files inside each other.
const MAX_FILES: usize = 64;

/// The range of a file name or word at `from`: the inside of quotes, or up to the next blank.
fn word_at(text: &str, from: usize) -> Option<(usize, usize, usize)> {
    let rest = &text[from..];
    let lo = from + rest.len() - rest.trim_start().len();
    let rest = &text[lo..];
    let first = rest.chars().next()?;
    if matches!(first, '"' | '\'') {
        let end = rest[1..].find(first).map_or(rest.len(), |n| n + 1);
        return Some((lo + 1, lo + end, (lo + end + 1).min(text.len())));
    }
    let end = rest.find([' ', '\t']).unwrap_or(rest.len());
    Some((lo, lo + end, lo + end))
}

impl Parser<'_> {
    /// `.include file`
    pub(super) fn include(&mut self, line: &Line<'_>, from: usize) {
        let Some((lo, hi, next)) = word_at(line.text, from) else {
            return self.file_name_missing(line, from, "`.include \"file\"`");
        };
        // A bare name may have blanks: everything up to the end of the line.
        let hi = if next == hi { lo + line.text[lo..].trim_end().len() } else { hi };
        self.bring_in(&line.text[lo..hi], line.span(lo, hi), Part::Whole);
    }

    /// `.lib file section`; `.lib section` starts a section, of which nothing is read here; or, where no `.endl` follows, `.lib
    /// file` is an include as in LTspice and PSPICE.
    pub(super) fn lib(&mut self, line: &Line<'_>, from: usize, rest: &mut Rest<'_>) {
        let Some((lo, hi, next)) = word_at(line.text, from) else {
            return self.file_name_missing(line, from, "`.lib \"file\" section`");
        };
        let name = &line.text[lo..hi];
        match word_at(line.text, next) {
            Some((slo, shi, _)) => {
                let section = line.text[slo..shi].to_ascii_lowercase();
                self.bring_in(name, line.span(lo, hi), Part::Section(section));
            }
            None => {
                let mut reader = Reader::new(rest.text, line.file, self.opts.compat);
                reader.pos = rest.pos;
                let mut buffer = Buffer::default();
                while let Some(l) = reader.next(&mut buffer) {
                    if card_word(l.text).eq_ignore_ascii_case(".endl") {
                        rest.pos = reader.pos;
                        return;
                    }
                }
                if name.contains(['.', '/', '\\']) {
                    self.bring_in(name, line.span(lo, hi), Part::Whole);
                } else {
                    self.diags.push(
                        Diagnostic::error(codes::UNCLOSED_BLOCK, format!("library section `{name}` is never closed"))
                            .at(line.span(0, hi), "opened here")
                            .help("add `.endl` where it ends; to read a section of another file, write `.lib \"file\" section`"),
                    );
                    rest.pos = rest.text.len();
                }
            }
        }
    }

    fn file_name_missing(&mut self, line: &Line<'_>, from: usize, usage: &str) {
        self.diags.push(
            Diagnostic::error(codes::CARD_SYNTAX, "file name is missing")
                .at(line.span(0, from), "a file name is expected after this")
                .help(format!("write {usage}")),
        );
    }

    fn bring_in(&mut self, name: &str, span: Span, part: Part) {
        let mut tried = Vec::new();
        for path in self.candidates(name, span.file) {
            match self.load(&path, span) {
                Ok(file) => return self.read_part(file, path, part, span),
                Err(e) => tried.push(format!("tried `{}`: {e}", path.display())),
            }
        }
        self.not_found(name, span, tried);
    }

    /// `pwl file="name"`: waveforms are read together with the deck. One that cannot be read is left to elaboration, which
    /// knows whether it is needed.
    pub(super) fn wave_files(&mut self, f: Fields, file: FileId) {
        let fields = self.deck.fields.get(f.start as usize..(f.start + f.len) as usize).unwrap_or(&[]);
        let named = fields.windows(2).find(|w| {
            matches!(self.deck.names.get(w[0].sym), "file" | "pwlfile")
                && (w[0].kind == FieldKind::Key || w[1].kind == FieldKind::Text)
        });
        let Some(span) = named.map(|w| Span::new(file, w[1].lo, w[1].hi)) else { return };
        let name = self.sources.text(span).to_string();
        let folders: Vec<PathBuf> =
            std::iter::once(self.folder(file)).chain(self.opts.include_dirs.iter().cloned()).collect();
        for folder in folders {
            if self.load(&folder.join(&name), span).is_ok() {
                return;
            }
        }
    }

    fn load(&mut self, path: &Path, at: Span) -> std::io::Result<FileId> {
        if let Some(file) = self.known_files.get(path) {
            return Ok(*file);
        }
        let text = self.files.read(path)?;
        let file = self.sources.add(path.display().to_string(), text, Some(at));
        self.known_files.insert(path.to_path_buf(), file);
        self.paths.push((file, path.to_path_buf()));
        Ok(file)
    }

    fn read_part(&mut self, file: FileId, path: PathBuf, part: Part, span: Span) {
        // The deck read whole once more is a cycle too.
        let same = |p: &Part| *p == part || (*p == Part::Main && part == Part::Whole);
        if self.reading.iter().any(|(f, p)| *f == path && same(p)) {
            let mut chain: Vec<String> = self.reading.iter().map(|(f, _)| f.display().to_string()).collect();
            chain.push(path.display().to_string());
            self.diags.push(
                Diagnostic::error(codes::INCLUDE_CYCLE, format!("`{}` includes itself", path.display()))
                    .at(span, "this closes the circle")
                    .note(chain.join(" → ")),
            );
            return;
        }
        if self.reading.len() >= MAX_FILES {
            self.diags.push(
                Diagnostic::error(codes::TOO_DEEP, format!("more than {MAX_FILES} files inside each other"))
                    .at(span, "here"),
            );
            return;
        }
        self.reading.push((path, part.clone()));
        self.read(file, part);
        self.reading.pop();
    }

    /// Moves the reader behind `.lib name`; reports what sections there are if it has none of that name.
    pub(super) fn seek_section(&mut self, reader: &mut Reader<'_>, buffer: &mut Buffer, name: &str) -> bool {
        let mut known = Vec::new();
        let mut inside = false;
        while let Some(line) = reader.next(buffer) {
            let card = card_word(line.text);
            if card.eq_ignore_ascii_case(".endl") {
                inside = false;
            }
            if inside || !card.eq_ignore_ascii_case(".lib") {
                continue;
            }
            let Some((lo, hi, next)) = word_at(line.text, card.len()) else { continue };
            if word_at(line.text, next).is_some() {
                continue;
            }
            inside = true;
            let section = line.text[lo..hi].to_ascii_lowercase();
            if section == name {
                return true;
            }
            known.push(section);
        }
        let (path, at) = match self.sources.file(reader.file) {
            Some(f) => (f.name.clone(), f.included_at.unwrap_or(Span::NOWHERE)),
            None => (String::new(), Span::NOWHERE),
        };
        let mut d = Diagnostic::error(codes::SECTION_NOT_FOUND, format!("`{path}` has no section `{name}`"))
            .at(at, "asked for here");
        d.help.extend(did_you_mean(name, known.iter().map(String::as_str)));
        let list = if known.is_empty() {
            "it has no sections at all".to_string()
        } else {
            format!("its sections: {}", known.join(", "))
        };
        self.diags.push(d.note(list));
        false
    }

    /// `.hdl "file.va"`: the file is read here, and compiled when the deck is elaborated.
    pub(super) fn hdl(&mut self, line: &Line<'_>, from: usize) {
        let Some((lo, hi, next)) = word_at(line.text, from) else {
            return self.file_name_missing(line, from, "`.hdl \"file.va\"`");
        };
        let hi = if next == hi { lo + line.text[lo..].trim_end().len() } else { hi };
        self.module_file(&line.text[lo..hi], line.span(lo, hi));
    }

    fn module_file(&mut self, name: &str, span: Span) {
        let mut tried = Vec::new();
        for path in self.candidates(name, span.file) {
            match self.load(&path, span) {
                Ok(file) => {
                    if !self.deck.hdl.iter().any(|h| h.0 == file) {
                        self.deck.hdl.push((file, path, span));
                    }
                    return;
                }
                Err(e) => tried.push(format!("tried `{}`: {e}", path.display())),
            }
        }
        self.not_found(name, span, tried);
    }

    fn candidates(&self, name: &str, from: FileId) -> Vec<PathBuf> {
        if Path::new(name).is_absolute() {
            return vec![PathBuf::from(name)];
        }
        let folder = self.folder(from);
        std::iter::once(folder.join(name)).chain(self.opts.include_dirs.iter().map(|d| d.join(name))).collect()
    }

    fn not_found(&mut self, name: &str, span: Span, tried: Vec<String>) {
        let mut d = Diagnostic::error(codes::INCLUDE_NOT_FOUND, format!("cannot read `{name}`")).at(span, "named here");
        // Folders in angle brackets exist in the program only.
        d.notes = tried.into_iter().filter(|t| !t.contains("`<")).collect();
        let hint = if self.opts.include_dirs.is_empty() { "; `-I folder` adds a folder to search" } else { "" };
        self.diags.push(d.help(format!("the name is relative to the file that includes it{hint}")));
    }

    /// `pre_osdi model.va` of a control block: ngspice loads compiled modules so; the source is compiled here.
    fn control_line(&mut self, text: &str, file: FileId, from: usize) {
        let mut words = text.split_whitespace();
        let is_loader = words.next().is_some_and(|w| matches!(w.to_ascii_lowercase().as_str(), "pre_osdi" | "osdi"));
        if !is_loader {
            return;
        }
        for name in words {
            let lower = name.to_ascii_lowercase();
            if lower.ends_with(".va") || lower.ends_with(".vams") {
                let at = from + (name.as_ptr() as usize - text.as_ptr() as usize);
                let span = Span::new(file, at as u32, (at + name.len()) as u32);
                self.module_file(name.trim_matches(['"', '\'']), span);
            }
        }
    }

    /// Skips a `.control` block.
    pub(super) fn control(&mut self, line: &Line<'_>, rest: &mut Rest<'_>) {
        let mut reader = Reader::new(rest.text, line.file, self.opts.compat);
        reader.pos = rest.pos;
        let mut end = None;
        while let Some((lo, text)) = reader.raw() {
            rest.pos = reader.pos;
            let body = text.trim();
            if card_word(body).eq_ignore_ascii_case(".endc") {
                end = Some(lo);
                break;
            }
            if !body.is_empty() {
                let from = lo + text.len() - text.trim_start().len();
                self.deck.control.push(Span::new(line.file, from as u32, (from + body.len()) as u32));
                self.control_line(body, line.file, from);
            }
        }
        match end {
            Some(_) => self.diags.push(
                Diagnostic::warning(codes::CONTROL_SKIPPED, "control block skipped")
                    .at(line.whole(), "this script is not executed")
                    .help("put analyses, measures and prints into cards: `.tran`, `.meas`, `.print`"),
            ),
            None => self.diags.push(
                Diagnostic::error(codes::UNCLOSED_BLOCK, "`.control` is never closed")
                    .at(line.whole(), "opened here")
                    .help("add `.endc` where the script ends"),
            ),
        }
    }

    /// The rows of `.data name params ... .enddata`, with or without `+`, make one card.
    pub(super) fn data(&mut self, line: &Line<'_>, from: usize, rest: &mut Rest<'_>) {
        let mut fields = self.fields(line, from);
        let mut reader = Reader::new(rest.text, line.file, self.opts.compat);
        reader.pos = rest.pos;
        let mut buffer = Buffer::default();
        let mut closed = false;
        while let Some(row) = reader.next(&mut buffer) {
            if row.text.starts_with('.') {
                closed = card_word(row.text).eq_ignore_ascii_case(".enddata");
                if closed {
                    rest.pos = reader.pos;
                }
                break;
            }
            rest.pos = reader.pos;
            let more = self.fields(&row, 0);
            fields.len += more.len;
        }
        if !closed {
            self.diags.push(
                Diagnostic::error(codes::UNCLOSED_BLOCK, "`.data` is never closed")
                    .at(line.whole(), "opened here")
                    .help("add `.enddata` behind its last row"),
            );
        }
        let name = self.deck.names.intern("data");
        self.card(name, line.whole(), fields);
    }
}

/// The first word of a line.
pub(super) fn card_word(text: &str) -> &str {
    text.split([' ', '\t', '(', '\'', '"']).next().unwrap_or("")
}
