//! The syntax tree of a deck.
//!
//! A deck may have 10⁵ elements, so an element is 28 bytes and each of its fields 16: names and words are interned,
//! fields lie in one arena. What a field *means* (node, model, value) depends on models and subcircuits, so it is
//! decided in elaboration, not here.

use crate::base::{Names, Sym};
use crate::diag::{FileId, Span};
use crate::expr::Expr;

/// A parsed deck with everything that it includes.
#[derive(Clone, Debug, Default)]
pub struct Deck {
    pub title: String,
    pub names: Names,
    /// Arena of element and card fields.
    pub fields: Vec<Field>,
    /// The top level, in file order.
    pub body: Vec<Stmt>,
    /// Verilog-A files of `.hdl` cards: file, path as it was found, place of the name.
    pub hdl: Vec<(FileId, std::path::PathBuf, Span)>,
    /// A `.control` block was present and skipped: its lines, for `compat`.
    pub control: Vec<Span>,
    /// How it was read: elaboration reads numbers and expressions in fields the same way.
    pub compat: super::Compat,
    /// The shapes of the `.array` cards.
    pub arrays: Vec<ArrayDef>,
}

/// An `.array` card as far as the names of its nodes tell.
#[derive(Clone, Debug)]
pub struct ArrayDef {
    /// Lower-cased.
    pub name: String,
    pub span: Span,
    pub rows: usize,
    pub cols: usize,
    pub layers: usize,
    pub lines: Vec<ArrayLines>,
    /// What the cells' terminals are on, lines or other nodes.
    pub pins: Vec<String>,
    /// `expand=yes`: nothing is made of where the cells lie.
    pub is_plain: bool,
}

/// The lines of one plane: `wl[i]`, with a wire also `wl[i][j]`, and `wl_far[i]`.
#[derive(Clone, Debug)]
pub struct ArrayLines {
    pub name: String,
    /// Along a row of cells, not a column.
    pub along_row: bool,
    pub has_wire: bool,
    pub has_far: bool,
}

/// Range of fields in the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Fields {
    pub start: u32,
    pub len: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldKind {
    /// A bare word or number: node, model, value, keyword. `sym` is its text, lower-cased.
    Word,
    /// `key =`; the value is the next field (or a parenthesised/comma list of fields after it).
    Key,
    /// `{...}` or `'...'`: `sym` is the text inside, lower-cased; the span covers the inside.
    Expr,
    /// `"..."`: take the text from the source by span (case matters in file names); the span covers the inside.
    Text,
    Open,
    Close,
    Comma,
    /// `= ` without a key before it, or another lone operator.
    Symbol,
}

/// One token of an element or card.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    pub kind: FieldKind,
    pub sym: Sym,
    pub lo: u32,
    pub hi: u32,
}

/// `Rload out 0 1k tc1=1e-3`
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Element {
    /// With its letter, lower-cased.
    pub name: Sym,
    pub file: FileId,
    pub lo: u32,
    pub hi: u32,
    pub fields: Fields,
}

impl Element {
    pub fn span(&self) -> Span {
        Span::new(self.file, self.lo, self.hi)
    }
}

/// A card that elaboration reads field by field: `.tran 1n 1u`, `.ic v(a)=1`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Card {
    /// Without the dot, lower-cased, abbreviations resolved (`option` → `options`, `measure` → `meas`).
    pub name: Sym,
    pub file: FileId,
    pub lo: u32,
    pub hi: u32,
    pub fields: Fields,
}

impl Card {
    pub fn span(&self) -> Span {
        Span::new(self.file, self.lo, self.hi)
    }
}

#[derive(Clone, Debug)]
pub enum Stmt {
    Element(Element),
    /// `.global .ic .nodeset .options .temp .step .data .save .probe .print .plot .meas .four .check .op .dc .tran .ac
    /// .noise .tf .sens .pz .disto` and the like, unread.
    Card(Card),
    Param(Box<ParamDef>),
    Func(Box<FuncDef>),
    Model(Box<ModelDef>),
    Subckt(Box<SubcktDef>),
    If(Box<IfDef>),
}

/// One `name = expression` of a `.param` (a card with several makes several).
#[derive(Clone, Debug)]
pub struct ParamDef {
    pub name: Sym,
    pub name_span: Span,
    pub value: ParamText,
}

/// A parameter's right-hand side.
#[derive(Clone, Debug)]
pub enum ParamText {
    Expr(Expr),
    Text(String),
}

/// `.func f(x,y) {expr}`
#[derive(Clone, Debug)]
pub struct FuncDef {
    pub name: Sym,
    pub args: Vec<Sym>,
    pub body: Expr,
    pub span: Span,
}

/// `.model name type (key=value ...)`, or `.model name ako:parent type (...)`.
#[derive(Clone, Debug)]
pub struct ModelDef {
    pub name: Sym,
    pub name_span: Span,
    pub parent: Option<(Sym, Span)>,
    /// `nmos`, `d`, `sw`, a Verilog-A module ...
    pub type_word: Sym,
    pub type_span: Span,
    pub file: FileId,
    /// `Key` fields with their values, parentheses removed.
    pub fields: Fields,
}

/// `.subckt name ports params: key=value ... / body / .ends`
#[derive(Clone, Debug)]
pub struct SubcktDef {
    pub name: Sym,
    pub span: Span,
    pub ports: Vec<(Sym, Span)>,
    pub params: Vec<ParamDef>,
    pub body: Vec<Stmt>,
}

/// `.if (cond) ... .elseif (cond) ... .else ... .endif`
#[derive(Clone, Debug)]
pub struct IfDef {
    pub span: Span,
    /// Condition and body; the `.else` has no condition.
    pub arms: Vec<(Option<Expr>, Vec<Stmt>)>,
}
