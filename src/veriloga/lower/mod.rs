//! From the typed tree to one function in SSA form, and from that to the functions that a device runs.
//!
//! Every scalar that statements change is a *cell*: elements of variables, what is contributed to each branch, and what
//! each operator site was last given. Cells make everything that happens inside of conditions visible at the end, where the
//! equations are put together.

pub mod assemble;
mod cells;
mod environment;
mod expr;
mod finish;
mod later;
mod operator;
mod random;
mod signal;
mod stmt;
mod strings;
mod table;
mod text;

use std::collections::HashMap;

use environment::Environment;

use super::hir::{self, BranchId, FunctionId, Module, NodeId, ParamId, VarId};
use super::ir::{Builder, Func, In, Ty, Val, env, sim};
use super::table::Table;
use crate::diag::codes::va_device as codes;
use crate::diag::{Code, Diagnostic, Span};

pub use finish::{Program, finish};
pub use strings::text_op;
pub use text::FILE;

/// An unknown of the module: node potentials first, in the order of the nodes, then flows and states.
#[derive(Clone, Debug, PartialEq)]
pub enum UnknownSource {
    Node(NodeId),
    /// Flow of a branch.
    Flow(BranchId),
    /// Flow into a port.
    PortFlow(u32),
    /// State of an `idt`, by its number.
    Idt(u32),
    /// A derivative or a noise current that stands where it does not simply add to a contribution.
    Implicit,
    /// A state of a transfer function.
    Filter,
}

#[derive(Clone, Debug, PartialEq)]
pub struct UnknownInfo {
    pub name: String,
    pub source: UnknownSource,
    pub unit: String,
    /// Tolerance of the value and of its row; `None`: the circuit's for voltages or currents.
    pub tol: Option<(f64, f64)>,
    pub is_flow: bool,
}

/// How a branch ends up in the equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BranchMode {
    /// Its flow is what was contributed.
    Flow,
    /// Has an unknown flow whether or not its potential is given.
    Unknown,
    /// Setup decides (`Out::Flag`): flow, or potential with an unknown flow.
    Static,
    /// As `Static`, and a given potential is zero: its nodes are one.
    Collapse,
}

#[derive(Clone, Debug, PartialEq)]
pub struct BranchInfo {
    pub branch: BranchId,
    pub mode: BranchMode,
    pub hi: Option<u32>,
    pub lo: Option<u32>,
    pub unknown: Option<u32>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NoiseInfo {
    pub name: String,
    /// Rows between which it acts; `None` is the reference.
    pub hi: Option<u32>,
    pub lo: Option<u32>,
    pub is_flicker: bool,
    /// Not noise but the excitation of an AC analysis: magnitude, and phase in place of the exponent.
    pub is_stimulus: bool,
    /// Rows that a stimulus acts on.
    pub rows: Vec<u32>,
    /// The table that gives the density (the power is a factor), and whether it is straight in log-log.
    pub table: Option<(u32, bool)>,
}

/// An operator that looks back: what it does with what it was given at accepted points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignalKind {
    /// Arguments: delay, longest delay. A fixed one is that of the first point.
    Delay { is_fixed: bool },
    /// Arguments: value, delay, rise, fall.
    Transition,
    /// Arguments: value, period, transition time, start, then the coefficients of z^0, z^-1, ...
    Sampled { num: u32, den: u32 },
}

#[derive(Clone, Debug, PartialEq)]
pub struct SignalInfo {
    pub kind: SignalKind,
    /// Unknowns: what goes in and what comes out, where a frequency response lies between them.
    pub input: Option<u32>,
    pub output: Option<u32>,
}

/// A table of the module.
#[derive(Clone, Debug, PartialEq)]
pub struct TableInfo {
    pub axes: Vec<hir::AxisControl>,
    pub column: usize,
    pub columns: usize,
    pub rows: usize,
    /// Of constants; else setup gives the points.
    pub fixed: Option<Table>,
    pub span: Span,
}

/// One `idt`.
#[derive(Clone, Debug, PartialEq)]
pub struct IdtInfo {
    pub unknown: u32,
    pub has_ic: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EventInfo {
    /// direction 0: both.
    Cross,
    Above,
    Timer {
        has_period: bool,
    },
    /// An expression has moved by so much since the event's last time.
    AbsDelta,
    InitialStep,
    FinalStep,
}

/// A message site, or the end of the run.
#[derive(Clone, Debug, PartialEq)]
pub struct EffectSite {
    pub kind: EffectKind,
    pub items: Vec<EffectItem>,
    pub span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EffectKind {
    Text(hir::TextKind),
    Finish,
    Stop,
    /// The text becomes dynamic text number `n`.
    Format(u32),
    /// Opens a file; its name is the argument.
    Open {
        descriptor: i32,
        appends: bool,
    },
    /// The first argument is the descriptor.
    Close,
    FileText(hir::TextKind),
}

#[derive(Clone, Debug, PartialEq)]
pub enum EffectItem {
    Text(String),
    /// The next argument, formatted.
    Value {
        conversion: char,
        width: Option<u32>,
        precision: Option<u32>,
        flags: String,
        is_text: bool,
    },
    /// `%m` with what follows the instance's path.
    InstancePath(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct OpVarInfo {
    pub name: String,
    pub unit: String,
    pub doc: String,
}

/// A variable's scalar, as far as it persists or is shown.
#[derive(Clone, Debug, PartialEq)]
pub struct CellInfo {
    pub name: String,
    pub ty: Ty,
}

/// What lowering leaves: functions before differentiation, and what their indices mean.
#[derive(Clone, Debug, Default)]
pub struct Lowered {
    pub unknowns: Vec<UnknownInfo>,
    /// Differences of unknowns: (above, below); `None` is the reference.
    pub probes: Vec<(Option<u32>, Option<u32>)>,
    pub branches: Vec<BranchInfo>,
    pub noises: Vec<NoiseInfo>,
    pub idts: Vec<IdtInfo>,
    pub events: Vec<EventInfo>,
    /// Some statement waits for an event.
    pub has_events: bool,
    pub effects: Vec<EffectSite>,
    pub op_vars: Vec<OpVarInfo>,
    /// Persisting cells.
    pub cells: Vec<CellInfo>,
    /// Sites of limiting functions, and the values that they keep: sites of users' functions on one quantity share one.
    pub limits: u32,
    pub limit_states: u32,
    pub uniforms: u32,
    pub normals: u32,
    /// Texts by number; 0 is the empty one.
    pub strings: Vec<String>,
    /// What makes texts and their properties from parameters, and how many of them: further parameters of the others.
    pub texts_func: Func,
    pub text_values: u32,
    /// Items of formats in it.
    pub text_items: Vec<EffectItem>,
    /// Texts that are made while simulating; number n is known as the string -1 - n.
    pub formats: u32,
    pub signals: Vec<SignalInfo>,
    pub tables: Vec<TableInfo>,
    pub terminals: u32,
    /// Scalar parameters: (parameter, element), in the order of `In::Param`.
    pub params: Vec<(ParamId, u32)>,
    /// All outputs, before differentiation.
    pub analog: Func,
    /// Parameter values and checks; initial values of persisting cells.
    pub params_func: Func,
    /// Spans of the checks.
    pub checks: Vec<(ParamId, Span)>,
}

impl Lowered {
    /// Numbers that instances of a class have in common: parameters, and what is made of those that are texts.
    pub fn scalars(&self) -> usize {
        self.params.len() + self.text_values as usize
    }
}

/// Reads a file that a module names; the message says why it cannot.
pub type ReadText<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// Lowers a module that names no files.
pub fn lower(module: &Module) -> Result<Lowered, Vec<Diagnostic>> {
    lower_with(module, &|_| Err("there is no way to files here".into()))
}

/// Lowers a module. The faults are constructs that no back end can run.
pub fn lower_with(module: &Module, read: &ReadText) -> Result<Lowered, Vec<Diagnostic>> {
    let mut params = Lower::new(module, read, "params", true);
    params.all_parameters();
    let params_func = std::mem::take(&mut params.b).finish().checked("parameters");
    let mut faults = params.faults;
    let mut l = Lower::new(module, read, "analog", false);
    l.out.strings = params.out.strings;
    l.strings = params.strings;
    l.out.checks = params.out.checks;
    l.out.params_func = params_func;
    l.out.text_items = params.out.text_items;
    l.run();
    faults.append(&mut l.faults);
    if faults.is_empty() { Ok(l.out) } else { Err(faults) }
}

/// What a cell holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Cell {
    /// Element of a variable.
    Var(VarId, u32),
    Flow(BranchId),
    Potential(BranchId),
    /// Bool: a potential was contributed last.
    Kind(BranchId),
    /// The value of an indirect assignment's equation, and whether there is one (Bool).
    Equation(BranchId),
    IsIndirect(BranchId),
    Charge(u32),
    NoisePower(u32),
    NoiseExponent(u32),
    IdtArg(u32),
    IdtIc(u32),
    IdtReset(u32),
    /// The row of an unknown that an operator brought along, and whether its place was passed (Bool); by unknown.
    Row(u32),
    On(u32),
    LimitArg(u32),
    LimitValue(u32),
    /// What limiting functions keep for the next iteration.
    LimitState(u32),
    /// Bool: a limiting function changed its value.
    Limited,
    Watch(u32),
    WatchDirection(u32),
    /// Bool: the event's place was reached and enabled.
    WatchOn(u32),
    TimerStart(u32),
    TimerPeriod(u32),
    Bound,
    /// Bool.
    Jump,
    /// What an operator keeps between time points.
    Aux(u32),
    /// Argument of an operator that looks back.
    Signal(u32, u32),
    /// Value of a table, column by column.
    Point(u32, u32),
    WatchTimeTol(u32),
    WatchTol(u32),
}

/// A function call being inlined: where its variables live now.
type Frame = (FunctionId, u32);

pub(crate) struct Lower<'a> {
    m: &'a Module,
    read_text: &'a ReadText<'a>,
    /// Texts are made while simulating.
    dynamic_texts: Vec<VarId>,
    /// The function of texts, and where values of the other one are in it.
    texts: Builder,
    settled: HashMap<Val, Option<Val>>,
    text_values: Vec<Val>,
    b: Builder,
    out: Lowered,
    faults: Vec<Diagnostic>,
    env: Environment,
    /// In the parameter function: values so far.
    param_values: Option<HashMap<(ParamId, u32), Val>>,
    param_index: HashMap<(ParamId, u32), u32>,
    flow_of: HashMap<BranchId, u32>,
    port_flow_of: HashMap<u32, u32>,
    strings: HashMap<String, u32>,
    frames: Vec<Frame>,
    /// Inside of a loop that runs while simulating.
    in_loop: u32,
    charges: u32,
    aux: u32,
    /// State of the limiting functions of users, by the quantity that they limit.
    limit_state_of: HashMap<Val, u32>,
    /// Inside of a user's limiting function.
    in_limiter: bool,
    /// Rows of unknowns that operators brought along.
    rows: Vec<u32>,
    /// Cells that persist, by their number in `In::Hidden`.
    hidden: HashMap<Cell, u32>,
    is_params: bool,
    /// Excitations of AC analyses are not supported inside of other expressions; kept for the report.
    reported: Vec<(Code, Span)>,
}

/// More operations than this come from loops and arrays that were unrolled without end in sight.
const MAX_NODES: usize = 4_000_000;

impl<'a> Lower<'a> {
    fn new(m: &'a Module, read_text: &'a ReadText<'a>, name: &str, is_params: bool) -> Self {
        let mut b = Builder::new(name);
        b.convert = 16;
        let mut l = Lower {
            m,
            read_text,
            dynamic_texts: text::dynamic_texts(m),
            texts: Builder::new("texts"),
            settled: HashMap::new(),
            text_values: vec![],
            b,
            out: Lowered::default(),
            faults: vec![],
            env: Environment::default(),
            param_values: is_params.then(HashMap::new),
            param_index: HashMap::new(),
            flow_of: HashMap::new(),
            port_flow_of: HashMap::new(),
            strings: HashMap::new(),
            frames: vec![],
            in_loop: 0,
            charges: 0,
            aux: 0,
            limit_state_of: HashMap::new(),
            in_limiter: false,
            rows: vec![],
            hidden: HashMap::new(),
            is_params,
            reported: vec![],
        };
        l.string("");
        l.out.terminals = m.ports.len() as u32;
        for (id, p) in m.params.iter() {
            for k in 0..p.len() as u32 {
                l.param_index.insert((id, k), l.out.params.len() as u32);
                l.out.params.push((id, k));
            }
        }
        for (id, n) in m.nodes.iter().skip(1) {
            let nature = n.discipline.map(|d| &m.disciplines[d]);
            let potential = nature.and_then(|d| d.potential).map(|k| &m.natures[k]);
            let flow = nature.and_then(|d| d.flow).map(|k| &m.natures[k]);
            let unit = potential.map_or("V", |p| p.units.as_str()).to_string();
            let tol = (unit != "V").then(|| (potential.map_or(1e-6, |p| p.abstol), flow.map_or(1e-12, |f| f.abstol)));
            let source = UnknownSource::Node(id);
            l.out.unknowns.push(UnknownInfo { name: n.name.clone(), source, unit, tol, is_flow: false });
        }
        l
    }

    fn fault(&mut self, code: Code, message: impl Into<String>, span: Span, label: &str) {
        if self.reported.contains(&(code, span)) {
            return;
        }
        self.reported.push((code, span));
        self.faults.push(Diagnostic::error(code, message).at(span, label));
    }

    /// A construct that cannot be run (yet); its value is 0.
    fn unsupported(&mut self, what: &str, span: Span) -> Val {
        self.fault(codes::NOT_SUPPORTED, format!("{what} is not supported"), span, "cannot be simulated");
        self.b.real(0.0)
    }

    fn string(&mut self, s: &str) -> u32 {
        if let Some(k) = self.strings.get(s) {
            return *k;
        }
        let k = self.out.strings.len() as u32;
        self.out.strings.push(s.into());
        self.strings.insert(s.into(), k);
        k
    }

    fn unknown_of(&self, node: NodeId) -> Option<u32> {
        node.0.checked_sub(1)
    }

    fn add_unknown(
        &mut self,
        name: String,
        source: UnknownSource,
        unit: &str,
        tol: Option<(f64, f64)>,
        is_flow: bool,
    ) -> u32 {
        let mut unique = name;
        while self.out.unknowns.iter().any(|u| u.name.eq_ignore_ascii_case(&unique)) {
            unique.push('_');
        }
        self.out.unknowns.push(UnknownInfo { name: unique, source, unit: unit.into(), tol, is_flow });
        self.out.unknowns.len() as u32 - 1
    }

    /// The difference of two unknowns.
    fn probe(&mut self, hi: Option<u32>, lo: Option<u32>) -> Val {
        if hi == lo {
            return self.b.real(0.0);
        }
        if let Some(k) = self.out.probes.iter().position(|p| *p == (lo, hi)) {
            let v = self.b.input(In::Probe, k as u32, Ty::Real);
            return self.b.neg(v);
        }
        let k = self.out.probes.iter().position(|p| *p == (hi, lo)).unwrap_or_else(|| {
            self.out.probes.push((hi, lo));
            self.out.probes.len() - 1
        });
        self.b.input(In::Probe, k as u32, Ty::Real)
    }

    fn potential(&mut self, hi: NodeId, lo: NodeId) -> Val {
        let (h, l) = (self.unknown_of(hi), self.unknown_of(lo));
        if h.is_none() && l.is_some() {
            let v = self.probe(l, None);
            return self.b.neg(v);
        }
        self.probe(h, l)
    }

    fn sim(&mut self, k: u32) -> Val {
        self.b.input(In::Sim, k, Ty::Real)
    }

    fn sim_flag(&mut self, k: u32) -> Val {
        self.b.input(In::Sim, k, Ty::Bool)
    }

    fn environment(&mut self, k: u32) -> Val {
        self.b.input(In::Env, k, Ty::Real)
    }

    fn temperature(&mut self) -> Val {
        self.environment(env::TEMPERATURE)
    }

    fn is_static(&mut self) -> Val {
        self.sim_flag(sim::IS_STATIC)
    }

    fn ir_type(ty: hir::Ty) -> Ty {
        match ty {
            hir::Ty::Real => Ty::Real,
            hir::Ty::Int | hir::Ty::Str => Ty::Int,
            hir::Ty::Bool => Ty::Bool,
        }
    }

    fn zero(&mut self, ty: Ty) -> Val {
        match ty {
            Ty::Real => self.b.real(0.0),
            Ty::Int => self.b.int(0),
            Ty::Bool => self.b.bool(false),
        }
    }
}
