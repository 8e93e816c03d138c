//! The parser's spine: logical lines to statements, and the blocks that hold them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::ast::{Card, Deck, Element, Fields, IfDef, Stmt, SubcktDef};
use super::cards::{self, Handling};
use super::lines::{Buffer, Line, Reader};
use super::{Files, ParseOptions, array, fields};
use crate::base::Sym;
use crate::diag::codes::netlist as codes;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, FileId, SourceMap, Span};
use crate::expr::Expr;

/// Blocks inside each other.
const MAX_BLOCKS: usize = 100;

/// Reads a deck and everything that it includes. The deck holds what could be read, the diagnostics everything that is wrong.
///
/// `name` is the path of the deck as the user gave it: included files are looked for next to it.
pub fn parse(
    files: &dyn Files,
    name: &str,
    text: &str,
    opts: &ParseOptions,
    sources: &mut SourceMap,
) -> (Deck, Vec<Diagnostic>) {
    let mut p = Parser {
        files,
        opts,
        sources,
        deck: Deck { compat: opts.compat, ..Deck::default() },
        diags: Vec::new(),
        blocks: vec![Block::new(BlockKind::Top, Span::NOWHERE)],
        reading: Vec::new(),
        paths: Vec::new(),
        known_files: HashMap::new(),
    };
    p.main(name, text);
    let mut deck = p.deck;
    deck.fields.shrink_to_fit();
    deck.body.shrink_to_fit();
    (deck, p.diags)
}

/// Cards that list signals: ranges in them are written out.
const LISTS: &[&str] = &["save", "probe", "print", "plot"];

/// What is open.
pub(super) enum BlockKind {
    Top,
    Subckt(Box<SubcktDef>),
    /// The arms so far and the condition of the open one.
    If(Box<IfDef>, Option<Expr>),
}

pub(super) struct Block {
    pub kind: BlockKind,
    pub span: Span,
    pub body: Vec<Stmt>,
}

impl Block {
    pub fn new(kind: BlockKind, span: Span) -> Self {
        Block { kind, span, body: Vec::new() }
    }
}

/// How a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// The deck itself: its first line is the title.
    Main,
    Whole,
    /// Only `.lib section` ... `.endl`.
    Section(String),
}

/// Did a card end the file?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    On,
    End,
}

pub(super) struct Parser<'a> {
    pub files: &'a dyn Files,
    pub opts: &'a ParseOptions,
    pub sources: &'a mut SourceMap,
    pub deck: Deck,
    pub diags: Vec<Diagnostic>,
    /// Innermost last; the first is the top level.
    pub blocks: Vec<Block>,
    /// Files being read, outermost first.
    pub reading: Vec<(PathBuf, Part)>,
    /// Path of each file of the source map.
    pub paths: Vec<(FileId, PathBuf)>,
    pub known_files: HashMap<PathBuf, FileId>,
}

impl Parser<'_> {
    fn main(&mut self, name: &str, text: &str) {
        let file = self.sources.add(name, text, None);
        let path = PathBuf::from(name);
        self.paths.push((file, path.clone()));
        self.known_files.insert(path.clone(), file);
        self.reading.push((path, Part::Main));
        self.read(file, Part::Main);
        while self.blocks.len() > 1 {
            self.unclosed();
        }
        if let Some(top) = self.blocks.pop() {
            self.deck.body = top.body;
        }
    }

    /// Reads a file of the source map, or a part of it.
    pub fn read(&mut self, file: FileId, part: Part) {
        let Some(text) = self.sources.file(file).map(|f| Arc::clone(&f.text)) else { return };
        if text.len() >= i32::MAX as usize {
            self.diags
                .push(Diagnostic::error(codes::TOO_LARGE, "file too large").at(Span::new(file, 0, 0), "2 GiB or more"));
            return;
        }
        let mut reader = Reader::new(&text, file, self.opts.compat);
        let mut buffer = Buffer::default();
        let floor = self.blocks.len();
        match &part {
            Part::Main => self.title(&mut reader),
            Part::Whole => {}
            Part::Section(name) => {
                if !self.seek_section(&mut reader, &mut buffer, name) {
                    return;
                }
            }
        }
        let started = reader.pos;
        while let Some(line) = reader.next(&mut buffer) {
            // What a card reads on its own (`.control`, `.data`, sections) starts behind this line.
            let at = reader.pos;
            let mut rest = Rest { text: &text, pos: at };
            if self.line(&line, &mut rest) == Flow::End {
                return;
            }
            reader.pos = rest.pos;
        }
        if let Part::Section(name) = part {
            let before = text[..started].trim_end();
            let opened = before.rfind('\n').map_or(0, |p| p + 1);
            self.diags.push(
                Diagnostic::error(codes::UNCLOSED_BLOCK, format!("library section `{name}` is never closed"))
                    .at(Span::new(file, opened as u32, started as u32), "starts here")
                    .help("add `.endl` at its end"),
            );
        }
        debug_assert!(self.blocks.len() >= floor.min(1));
    }

    fn title(&mut self, reader: &mut Reader<'_>) {
        let Some((lo, line)) = reader.raw() else { return };
        let text = line.trim_start_matches('\u{feff}').trim();
        let lower = text.to_ascii_lowercase();
        let word = lower.split([' ', '\t']).next().unwrap_or("");
        self.deck.title = match word {
            ".title" => text[word.len()..].trim().to_string(),
            _ => text.trim_start_matches('*').trim().to_string(),
        };
        if word != ".title" && word.strip_prefix('.').is_some_and(|w| cards::find(w).is_some()) {
            let from = lo + line.find('.').unwrap_or(0);
            let span = Span::new(reader.file, from as u32, (from + text.len()) as u32);
            self.diags.push(
                Diagnostic::warning(
                    codes::TITLE_IS_CARD,
                    format!("the card `{word}` stands on the title line and is not read"),
                )
                .at(span, "the first line is always the title")
                .help("put a line with a title before it"),
            );
        }
    }

    /// One logical line.
    fn line(&mut self, line: &Line<'_>, rest: &mut Rest<'_>) -> Flow {
        match line.text.as_bytes().first() {
            Some(b'.') => return self.dot(line, rest),
            Some(c) if c.is_ascii_alphabetic() => self.element(line),
            Some(b'+') => self.diags.push(
                Diagnostic::error(codes::STRAY_CONTINUATION, "there is no line to continue")
                    .at(line.span(0, 1), "continues nothing")
                    .help("the title cannot be continued; remove the `+` or start the line that it belongs to"),
            ),
            _ => {
                let end = line.text.find([' ', '\t']).unwrap_or(line.text.len());
                let word = &line.text[..end];
                self.diags.push(
                    Diagnostic::error(codes::NOT_A_STATEMENT, format!("`{word}` starts neither an element nor a card"))
                        .at(line.span(0, end), "a letter or a dot is expected")
                        .help("start a comment with `*`, the continuation of a line with `+`"),
                );
            }
        }
        Flow::On
    }

    fn element(&mut self, line: &Line<'_>) {
        let letter = line.text.as_bytes()[0].to_ascii_lowercase();
        // Behavioural sources take expressions without braces.
        let is_raw = |key: &str| match letter {
            b'b' => key.eq_ignore_ascii_case("v") || key.eq_ignore_ascii_case("i"),
            b'e' | b'g' => ["vol", "cur", "value"].iter().any(|k| key.eq_ignore_ascii_case(k)),
            _ => false,
        };
        let end = line.text.find([' ', '\t', '=', '(', ',']).unwrap_or(line.text.len());
        if line.text[..end].ends_with(']') && array::has_range(&line.text[..end]) {
            return self.vector(line);
        }
        let name = self.deck.names.intern(&line.text[..end]);
        let f = fields::read(line, end, &is_raw, &mut self.deck.names, &mut self.deck.fields, &mut self.diags);
        if line.text[end..].trim_start().starts_with('=') {
            self.diags.push(
                Diagnostic::error(codes::NOT_A_STATEMENT, "an assignment is no statement")
                    .at(line.span(0, end), "read as the name of an element")
                    .help("write `.param` in front of it, or `+` if it belongs to the line before"),
            );
            return;
        }
        if matches!(letter, b'v' | b'i') {
            self.wave_files(f, line.file);
        }
        let span = line.whole();
        self.push(Stmt::Element(Element { name, file: span.file, lo: span.lo, hi: span.hi, fields: f }));
    }

    fn dot(&mut self, line: &Line<'_>, rest: &mut Rest<'_>) -> Flow {
        let end = line.text.find([' ', '\t', '(', '=', '{', '\'', '"']).unwrap_or(line.text.len());
        let word = line.text[1..end].to_ascii_lowercase();
        let span = line.span(0, end);
        let Some(info) = cards::find(&word) else {
            let known = cards::spellings();
            let mut d = Diagnostic::error(codes::UNKNOWN_CARD, format!("unknown card `.{word}`"))
                .at(span, "no card has this name");
            d.help.extend(did_you_mean(&format!(".{word}"), known.iter().map(String::as_str)));
            self.diags.push(d);
            return Flow::On;
        };
        match info.handling {
            Handling::Card if LISTS.contains(&info.name) && array::has_range(line.text) => {
                let text = array::spread(line.text);
                self.generated("list of signals", text, line.whole());
            }
            Handling::Card => {
                let f = self.fields(line, end);
                let name = self.deck.names.intern(info.name);
                self.card(name, line.whole(), f);
            }
            Handling::Structure => return self.structure(info.name, line, end, rest),
            Handling::Ignored => self.diags.push(
                Diagnostic::lint(codes::IGNORED_CARD, format!("`.{word}` has no effect"))
                    .at(span, info.doc)
                    .help("it can be left out"),
            ),
            Handling::Unsupported => self.diags.push(
                Diagnostic::error(codes::UNSUPPORTED_CARD, format!("`.{word}` is not supported"))
                    .at(span, "not supported")
                    .help(info.doc),
            ),
        }
        Flow::On
    }

    pub fn card(&mut self, name: Sym, span: Span, fields: Fields) {
        self.push(Stmt::Card(Card { name, file: span.file, lo: span.lo, hi: span.hi, fields }));
    }

    pub fn fields(&mut self, line: &Line<'_>, from: usize) -> Fields {
        fields::read(line, from, &|_| false, &mut self.deck.names, &mut self.deck.fields, &mut self.diags)
    }

    pub fn push(&mut self, stmt: Stmt) {
        if let Some(b) = self.blocks.last_mut() {
            b.body.push(stmt);
        }
    }

    pub fn open(&mut self, kind: BlockKind, span: Span) {
        // Deeper ones are kept flat: the fault is an error anyway.
        if self.blocks.len() == MAX_BLOCKS {
            self.diags.push(
                Diagnostic::error(codes::TOO_DEEP, format!("more than {MAX_BLOCKS} blocks inside each other"))
                    .at(span, "here")
                    .help("is a `.ends` or `.endif` missing before?"),
            );
        }
        if self.blocks.len() < MAX_BLOCKS {
            self.blocks.push(Block::new(kind, span));
        }
    }

    /// Closes the innermost block: its statements become one statement of the block around it.
    pub fn close(&mut self) {
        if self.blocks.len() < 2 {
            return;
        }
        let Some(block) = self.blocks.pop() else { return };
        let mut body = block.body;
        body.shrink_to_fit();
        let stmt = match block.kind {
            BlockKind::Top => return,
            BlockKind::Subckt(mut s) => {
                s.body = body;
                Stmt::Subckt(s)
            }
            BlockKind::If(mut d, cond) => {
                d.arms.push((cond, body));
                Stmt::If(d)
            }
        };
        self.push(stmt);
    }

    /// Reports that the innermost block is not closed, and closes it.
    pub fn unclosed(&mut self) {
        if let Some(b) = self.blocks.last() {
            let (what, end) = match &b.kind {
                BlockKind::Subckt(s) => (format!("subcircuit `{}`", self.deck.names.get(s.name)), ".ends"),
                _ => ("`.if`".to_string(), ".endif"),
            };
            self.diags.push(
                Diagnostic::error(codes::UNCLOSED_BLOCK, format!("{} is never closed", what.replace(" ``", "")))
                    .at(b.span, "opened here")
                    .help(format!("add `{end}` where it ends")),
            );
        }
        self.close();
    }

    /// Folder of a file, for what it includes.
    pub fn folder(&self, file: FileId) -> PathBuf {
        let path = self.paths.iter().find(|p| p.0 == file).map(|p| p.1.as_path());
        path.and_then(Path::parent).map(Path::to_path_buf).unwrap_or_default()
    }
}

/// The file behind the current logical line, for cards that read on themselves.
pub(super) struct Rest<'t> {
    pub text: &'t str,
    pub pos: usize,
}
