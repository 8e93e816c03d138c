//! The typed high-level representation of one elaborated Verilog-A module: what resolving and type checking leave behind
//! and what lowering to the SSA form starts from.
//!
//! Invariants that a consumer may rely on (the checker reports a diagnostic, and produces no module, where they fail):
//!
//! * Hierarchy is flat. Instances of child modules are merged into this module: their nodes, parameters, variables and
//!   statements carry names with dots (`x1.gap`), their parameters are [`ParamKind::Derived`], their ports are this
//!   module's nodes. `generate` constructs and genvar loops are unrolled; vector nodes and branches are scalars (`n[2]`).
//!   Sizes and unrolled counts depend on the values of the [`Module::structural`] parameters: a netlist that sets one of
//!   them to another value needs the module elaborated again with it.
//! * Every expression has one type and operands of the types its kind asks for; conversions are explicit
//!   ([`ExprKind::Cast`]). Conditions are [`Ty::Bool`], comparisons give `Bool`, and a `Bool` used as a number is cast.
//! * Branch signs are resolved: an access or contribution with its terminals swapped is a negation in the expression.
//!   Between two nodes there is at most one unnamed branch.
//! * Node 0 is the global reference; every net declared `ground` is node 0.
//! * An expression that stands in the source once is in the arena once, except what unrolling copies; an analog operator
//!   with state has one [`OperatorId`] for each of its (unrolled, flattened) places.
//! * Indices of array elements are zero-based and already corrected for the declared bounds; constant ones are in range.
//! * Variables of named and unnamed blocks are module variables named by their path (`block.x`); variables and arguments
//!   of an analog function belong to it and are fresh in each call (initially 0 or ""), those of the module are not.

pub mod arena;
pub mod expr;
pub mod operator;
pub mod print;
pub mod stmt;

pub use arena::{Arena, Id};
pub use expr::{BinOp, CallArg, Expr, ExprKind, MathFn, Quantity, Random, Seed, SysParam, UnOp};
pub use operator::{
    AxisControl, DdxVar, Extrapolation, Interpolation, Laplace, Limiter, Operator, OperatorKind, Roots, Table,
};
pub use stmt::{CaseArm, Event, EventKind, FormatItem, LValue, Stmt, StmtKind, Task, TextKind};

use crate::diag::{Diagnostic, Span};

arena::ids! {
    ExprId = "e";
    VarId = "v";
    ParamId = "p";
    NodeId = "n";
    BranchId = "b";
    PortId = "port";
    FunctionId = "f";
    OperatorId = "op";
    EventId = "ev";
    DisciplineId = "d";
    NatureId = "nat";
}

/// The type of a value. Integers are 32 bits, two's complement, and wrap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ty {
    Real,
    Int,
    Bool,
    Str,
}

/// One module, flat, resolved, typed.
#[derive(Clone, Debug, Default)]
pub struct Module {
    pub name: String,
    /// Of the name in the declaration.
    pub span: Span,
    pub attrs: Attrs,
    pub natures: Arena<NatureId, Nature>,
    pub disciplines: Arena<DisciplineId, Discipline>,
    /// Terminals in the order of the module header, vector ports bit by bit.
    pub ports: Arena<PortId, Port>,
    /// Node 0 is the global reference.
    pub nodes: Arena<NodeId, Node>,
    pub branches: Arena<BranchId, Branch>,
    /// In order of declaration: a default refers to earlier ones only.
    pub params: Arena<ParamId, Param>,
    /// Of a module that several paramsets make: why none of them is chosen while no parameter is given.
    pub unsettled: Option<Diagnostic>,
    /// `aliasparam m = $mfactor`.
    pub system_aliases: Vec<(String, SysParam)>,
    /// Parameters that decide array sizes, unrolled counts or which generate branch or instance exists.
    pub structural: Vec<ParamId>,
    /// Variables of the module first, then those of the functions.
    pub vars: Arena<VarId, Var>,
    pub functions: Arena<FunctionId, Function>,
    pub exprs: Arena<ExprId, Expr>,
    pub operators: Arena<OperatorId, Operator>,
    /// Every trigger of every event control has its own id; statements refer to them.
    pub events: Arena<EventId, Event>,
    /// `analog initial` blocks: once, before everything else of an analysis.
    pub initial: Vec<Stmt>,
    /// The `analog` blocks in source order, this module's before those of its instances.
    pub analog: Vec<Stmt>,
    /// Instances that were merged in, for messages and `%m`.
    pub instances: Vec<Instance>,
}

/// Attributes `(* desc = "...", units = "m" *)` that mean something here; the others are kept by name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Attrs {
    pub desc: Option<String>,
    pub units: Option<String>,
    /// `type = "instance"` or `"model"` of a parameter.
    pub kind: Option<String>,
    /// `multiplicity = "multiply" | "divide" | "none"` of an output variable.
    pub multiplicity: Option<String>,
    pub other: Vec<(String, Option<AttrValue>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AttrValue {
    Number(f64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Nature {
    pub name: String,
    /// Convergence tolerance in `units`.
    pub abstol: f64,
    pub units: String,
    /// Access function: `V`, `I`, `Temp`.
    pub access: String,
    pub ddt_nature: Option<NatureId>,
    pub idt_nature: Option<NatureId>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Discipline {
    pub name: String,
    /// Absent: no potential; a discipline with one nature only is a signal-flow discipline.
    pub potential: Option<NatureId>,
    pub flow: Option<NatureId>,
    pub is_discrete: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Input,
    Output,
    Inout,
}

#[derive(Clone, Debug)]
pub struct Port {
    pub name: String,
    pub direction: Direction,
    pub node: NodeId,
    pub attrs: Attrs,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Node {
    pub name: String,
    /// None for a net without discipline that nothing accesses.
    pub discipline: Option<DisciplineId>,
    pub port: Option<PortId>,
    pub attrs: Attrs,
    /// `electrical x = 0.5;` gives an initial guess.
    pub initial: Option<ExprId>,
    pub span: Span,
}

/// A path between two nodes. `lo` is node 0 where one terminal only was named.
#[derive(Clone, Debug)]
pub struct Branch {
    /// None: the unnamed branch between its nodes.
    pub name: Option<String>,
    pub hi: NodeId,
    pub lo: NodeId,
    /// None only where neither node has a discipline.
    pub discipline: Option<DisciplineId>,
    /// What happens to it anywhere in the module.
    pub is_flow_contributed: bool,
    pub is_potential_contributed: bool,
    pub is_flow_probed: bool,
    /// Where it was declared, or first named.
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Set from outside.
    Parameter,
    /// `localparam`: always its default.
    Local,
    /// A parameter of a merged-in instance: always its default, which is the override or the child's own default.
    Derived { is_given: bool },
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: String,
    pub ty: Ty,
    pub kind: ParamKind,
    /// Empty for a scalar.
    pub dims: Vec<Dim>,
    /// One expression for a scalar; one for each element (row by row) of an array. Of type `ty`.
    pub default: Vec<ExprId>,
    pub ranges: Vec<Range>,
    /// Other names under which it can be set.
    pub aliases: Vec<String>,
    pub attrs: Attrs,
    pub span: Span,
}

impl Param {
    /// Whether a netlist sets it on the instance line rather than in the model card.
    pub fn is_instance(&self) -> bool {
        self.attrs.kind.as_deref().is_some_and(|k| k.eq_ignore_ascii_case("instance"))
    }

    /// Number of elements; 1 for a scalar.
    pub fn len(&self) -> usize {
        self.dims.iter().map(Dim::len).product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A dimension as declared: `[left:right]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dim {
    pub left: i32,
    pub right: i32,
}

impl Dim {
    pub fn len(&self) -> usize {
        self.left.abs_diff(self.right) as usize + 1
    }

    pub fn is_empty(&self) -> bool {
        false
    }
}

/// One `from` or `exclude` of a parameter. The value must lie in at least one `from` (if there are any) and in no `exclude`.
#[derive(Clone, Debug, PartialEq)]
pub struct Range {
    pub is_exclude: bool,
    pub set: RangeSet,
    pub span: Span,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RangeSet {
    /// Bounds of the parameter's type or real; `inf` is an infinite real constant.
    Interval { lo: ExprId, lo_inclusive: bool, hi: ExprId, hi_inclusive: bool },
    /// `exclude 0`, `from '{"n", "p"}`.
    Values(Vec<ExprId>),
}

/// Whose variable it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Module,
    Function(FunctionId),
}

#[derive(Clone, Debug)]
pub struct Var {
    pub name: String,
    pub ty: Ty,
    pub owner: Owner,
    /// Empty for a scalar; elements are stored row by row.
    pub dims: Vec<Dim>,
    /// Of a declaration with a value: one expression, or one for each element. None is 0 or "".
    pub init: Option<Vec<ExprId>>,
    /// A variable at module level with a description or units: an output of the operating point.
    pub is_output: bool,
    /// Read before it is written on some path of an evaluation. Set by the data-flow analysis, false before.
    pub is_hidden_state: bool,
    pub attrs: Attrs,
    pub span: Span,
}

impl Var {
    /// Number of elements; 1 for a scalar.
    pub fn len(&self) -> usize {
        self.dims.iter().map(Dim::len).product()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An `analog function`. Pure but for what it writes through `output` and `inout` arguments and system tasks.
#[derive(Clone, Debug)]
pub struct Function {
    pub name: String,
    /// In the order of the call.
    pub args: Vec<FunctionArg>,
    /// The variable of the function's own name: its value after the body is the result.
    pub result: VarId,
    pub body: Vec<Stmt>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug)]
pub struct FunctionArg {
    pub direction: Direction,
    pub var: VarId,
}

/// A merged-in instance: its path (`x1`, `x1.gen[0].y`), its module, where it was instantiated.
#[derive(Clone, Debug)]
pub struct Instance {
    pub path: String,
    pub module: String,
    pub span: Span,
}

impl Module {
    pub const GROUND: NodeId = NodeId(0);

    pub fn param(&self, name: &str) -> Option<ParamId> {
        self.params.iter().find(|(_, p)| p.name == name || p.aliases.iter().any(|a| a == name)).map(|(i, _)| i)
    }

    pub fn var(&self, name: &str) -> Option<VarId> {
        self.vars.iter().find(|(_, v)| v.owner == Owner::Module && v.name == name).map(|(i, _)| i)
    }

    pub fn node(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().find(|(_, n)| n.name == name).map(|(i, _)| i)
    }

    /// Nodes that are neither ports nor the reference.
    pub fn internal_nodes(&self) -> impl Iterator<Item = (NodeId, &Node)> {
        self.nodes.iter().skip(1).filter(|(_, n)| n.port.is_none())
    }

    /// The nature of a branch's potential or flow.
    pub fn nature(&self, branch: BranchId, quantity: Quantity) -> Option<&Nature> {
        let d = &self.disciplines[self.branches[branch].discipline?];
        let id = match quantity {
            Quantity::Potential => d.potential?,
            Quantity::Flow => d.flow?,
        };
        Some(&self.natures[id])
    }

    /// The value of an expression that is a literal.
    pub fn literal(&self, id: ExprId) -> Option<f64> {
        match &self.exprs[id].kind {
            ExprKind::Real(x) => Some(*x),
            ExprKind::Int(k) => Some(f64::from(*k)),
            ExprKind::Bool(b) => Some(f64::from(u8::from(*b))),
            _ => None,
        }
    }
}
