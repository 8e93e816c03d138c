//! The syntax tree: what stands in the text, names unresolved. Expressions lie in one vector and refer to each other by
//! position, so that no depth of nesting overflows the stack when a tree is dropped.

use super::text::Name;
use crate::diag::{Diagnostic, Span};

/// Position of an expression in [`Ast::exprs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ex(pub u32);

#[derive(Clone, Copy, Debug)]
pub struct Ident {
    pub name: Name,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Int(i32),
    Real(f64),
    Inf,
    Str(Name),
    /// `a`, `a.b.c`.
    Path(Vec<Ident>),
    /// `a[i]`
    Index(Ex, Ex),
    /// `a[m:n]`
    Slice(Ex, Ex, Ex),
    /// `f(x)`, `V(a, b)`, `s.len()`.
    Call(Vec<Ident>, Vec<Ex>),
    /// `$f`, `$f(x)`.
    System(Ident, Option<Vec<Ex>>),
    /// `<p>` as an argument of an access function.
    PortRef(Ex),
    Unary(Op, Ex),
    Binary(Op, Ex, Ex),
    Ternary(Ex, Ex, Ex),
    /// `{a, b}`
    Concat(Vec<Ex>),
    /// `'{a, b}`
    Array(Vec<Ex>),
    /// `{n{a, b}}`
    Replicate(Ex, Vec<Ex>),
    /// An argument left out.
    Empty,
    /// Reported already.
    Missing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Pow,
    Lt,
    Le,
    Gt,
    Ge,
    Eq,
    Ne,
    CaseEq,
    CaseNe,
    LogicAnd,
    LogicOr,
    And,
    Or,
    Xor,
    Xnor,
    Nand,
    Nor,
    Not,
    BitNot,
    Shl,
    Shr,
    AShl,
    AShr,
}

#[derive(Clone, Debug)]
pub struct Attr {
    pub name: Ident,
    pub value: Option<Ex>,
}

#[derive(Clone, Debug)]
pub struct Range {
    pub left: Ex,
    pub right: Ex,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Stmt {
    pub kind: StmtKind,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum StmtKind {
    Null,
    Block(Block),
    Assign(Ex, Ex),
    Contribute(Ex, Ex),
    /// `access : lhs == rhs`
    Indirect(Ex, Ex),
    If(Ex, Box<Stmt>, Option<Box<Stmt>>),
    Case(Ex, Vec<CaseArm>),
    For(For),
    While(Ex, Box<Stmt>),
    Repeat(Ex, Box<Stmt>),
    Event(Vec<EventExpr>, Box<Stmt>),
    /// A call of a function or system task.
    Call(Ex),
    Missing,
}

#[derive(Clone, Debug)]
pub struct For {
    pub var: Ex,
    pub init: Ex,
    pub cond: Ex,
    pub step_var: Ex,
    pub step: Ex,
    pub body: Box<Stmt>,
}

#[derive(Clone, Debug)]
pub struct Block {
    pub name: Option<Ident>,
    pub items: Vec<Item>,
    pub stmts: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub struct CaseArm {
    /// Empty: default.
    pub values: Vec<Ex>,
    pub body: Stmt,
}

#[derive(Clone, Debug)]
pub struct EventExpr {
    pub name: Ident,
    pub args: Vec<Ex>,
    pub span: Span,
}

/// What stands in a module or at the head of a block.
#[derive(Clone, Debug)]
pub struct Item {
    pub kind: ItemKind,
    pub attrs: Vec<Attr>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ItemKind {
    /// Direction and, where given, discipline and range.
    Ports(Ports),
    Nets(Nets),
    Params(Params),
    Alias(Ident, AliasTarget),
    Vars(Vars),
    Branches(Branches),
    Genvars(Vec<Ident>),
    Analog(Stmt),
    AnalogInitial(Stmt),
    Function(Function),
    Instance(Instance),
    Defparam(Vec<(Ex, Ex)>),
    Generate(Vec<Item>),
    GenBlock(Option<Ident>, Vec<Item>),
    GenIf(Ex, Box<Item>, Option<Box<Item>>),
    GenFor(Box<GenFor>),
    GenCase(Ex, Vec<(Vec<Ex>, Item)>),
    /// Said where the item is reached.
    Fault(Box<Diagnostic>),
    Null,
}

#[derive(Clone, Copy, Debug)]
pub enum AliasTarget {
    Param(Ident),
    System(Ident),
}

#[derive(Clone, Debug)]
pub struct GenFor {
    pub head: For,
    pub body: Item,
}

#[derive(Clone, Debug)]
pub struct Ports {
    pub direction: crate::veriloga::hir::Direction,
    pub discipline: Option<Ident>,
    pub range: Option<Range>,
    pub names: Vec<Declared>,
}

/// A declared name with what may follow it.
#[derive(Clone, Debug)]
pub struct Declared {
    pub name: Ident,
    pub dims: Vec<Range>,
    pub init: Option<Ex>,
    pub attrs: Vec<Attr>,
}

#[derive(Clone, Debug)]
pub struct Nets {
    /// None: `ground` or `wire`.
    pub discipline: Option<Ident>,
    pub is_ground: bool,
    pub range: Option<Range>,
    pub names: Vec<Declared>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TypeWord {
    Real,
    Integer,
    String,
}

#[derive(Clone, Debug)]
pub struct Params {
    pub is_local: bool,
    pub ty: Option<TypeWord>,
    pub range: Option<Range>,
    pub list: Vec<Param>,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub declared: Declared,
    pub ranges: Vec<ValueRange>,
}

#[derive(Clone, Debug)]
pub struct ValueRange {
    pub is_exclude: bool,
    pub set: ValueSet,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum ValueSet {
    Interval { lo: Ex, lo_inclusive: bool, hi: Ex, hi_inclusive: bool },
    Values(Vec<Ex>),
}

#[derive(Clone, Debug)]
pub struct Vars {
    pub ty: TypeWord,
    pub list: Vec<Declared>,
}

#[derive(Clone, Debug)]
pub struct Branches {
    /// Nodes, or a port reference.
    pub terminals: Vec<Ex>,
    pub names: Vec<Declared>,
}

#[derive(Clone, Debug)]
pub struct Function {
    pub ty: TypeWord,
    pub name: Ident,
    /// Arguments with their direction, in the order of their directions' declarations.
    pub args: Vec<(crate::veriloga::hir::Direction, Declared, Option<TypeWord>)>,
    pub items: Vec<Item>,
    pub body: Vec<Stmt>,
}

#[derive(Clone, Debug)]
pub struct Instance {
    pub module: Ident,
    pub params: Vec<Connection>,
    pub name: Ident,
    pub range: Option<Range>,
    pub ports: Vec<Connection>,
    /// What is in it has the names that it would have without the instance.
    pub is_transparent: bool,
}

/// `.name(value)` or a value by position.
#[derive(Clone, Debug)]
pub struct Connection {
    pub name: Option<Ident>,
    pub is_system: bool,
    pub value: Option<Ex>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Module {
    pub name: Ident,
    pub attrs: Vec<Attr>,
    /// Names in the header, in order.
    pub ports: Vec<Ident>,
    /// The header declared the ports' directions.
    pub items: Vec<Item>,
    pub default_discipline: Option<Name>,
    /// Seconds.
    pub timescale: Option<f64>,
    pub default_transition: Option<f64>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Nature {
    pub name: Ident,
    /// A nature, or a discipline and one of `potential`, `flow`.
    pub parent: Option<Vec<Ident>>,
    pub entries: Vec<(Ident, Ex)>,
}

#[derive(Clone, Debug)]
pub struct Discipline {
    pub name: Ident,
    pub potential: Option<Ident>,
    pub flow: Option<Ident>,
    pub is_discrete: bool,
    /// `potential.abstol = 1e-9;`
    pub overrides: Vec<(Ident, Ident, Ex)>,
}

/// Everything that a compilation read.
#[derive(Clone, Debug, Default)]
pub struct Ast {
    pub exprs: Vec<Expr>,
    pub modules: Vec<Module>,
    pub natures: Vec<Nature>,
    pub disciplines: Vec<Discipline>,
    /// Declarations may have been lost to faults.
    pub has_gaps: bool,
}

impl Ast {
    pub fn expr(&self, e: Ex) -> &Expr {
        &self.exprs[e.0 as usize]
    }
}

impl Ast {
    /// Names of the modules that some module instantiates.
    pub fn instantiated(&self) -> std::collections::HashSet<Name> {
        fn walk(items: &[Item], out: &mut std::collections::HashSet<Name>) {
            for item in items {
                match &item.kind {
                    ItemKind::Instance(i) => {
                        out.insert(i.module.name);
                    }
                    ItemKind::Generate(v) | ItemKind::GenBlock(_, v) => walk(v, out),
                    ItemKind::GenIf(_, a, b) => {
                        walk(std::slice::from_ref(a), out);
                        if let Some(b) = b {
                            walk(std::slice::from_ref(b), out);
                        }
                    }
                    ItemKind::GenFor(f) => walk(std::slice::from_ref(&f.body), out),
                    ItemKind::GenCase(_, arms) => arms.iter().for_each(|a| walk(std::slice::from_ref(&a.1), out)),
                    _ => {}
                }
            }
        }
        let mut out = std::collections::HashSet::new();
        self.modules.iter().for_each(|m| walk(&m.items, &mut out));
        out
    }
}
