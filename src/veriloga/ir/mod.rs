//! The intermediate representation: SSA values in structured control flow.
//!
//! A [`Func`] maps inputs (probes, parameters, cached values, committed state) to outputs (residuals, charges, their
//! derivatives, next states). Values have three types: f64, i32 and bool; text is resolved to numbers before. Verilog-A has
//! no `goto`, so that control flow stays a tree:
//!
//! ```text
//! v4:f, v5:f = if v3 { nodes... yield v1 v2 } else { nodes... yield v0 v0 }
//! v9:f = loop (v6:f = v0) { nodes... } while v7 { nodes... yield v8 }      results: the parameters when v7 is false
//! effect 3 (v1 v2)
//! ```
//!
//! A value is visible in the nodes that follow it and in the bodies nested in those. [`Builder`] folds constants and
//! numbers values (two equal pure operations in scope are one value), so that every pass that rebuilds a function cleans it.

mod build;
mod fold;
mod parse;
mod print;
mod verify;

pub use build::{Builder, Keep, copy_nodes, has_effect, mapped};
pub use fold::{eval_bin, eval_un};
pub use parse::parse;
pub use verify::verify;

/// A value's number.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Val(pub u32);

impl Val {
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Ty {
    /// f64
    Real,
    /// i32, wrapping
    Int,
    Bool,
}

/// A compile-time number.
#[derive(Clone, Copy, Debug)]
pub enum Const {
    Real(f64),
    Int(i32),
    Bool(bool),
}

impl PartialEq for Const {
    fn eq(&self, o: &Const) -> bool {
        self.bits() == o.bits()
    }
}

impl Eq for Const {}

impl std::hash::Hash for Const {
    fn hash<H: std::hash::Hasher>(&self, h: &mut H) {
        self.bits().hash(h);
    }
}

impl Const {
    fn bits(self) -> (u8, u64) {
        match self {
            Const::Real(x) => (0, x.to_bits()),
            Const::Int(i) => (1, i as u32 as u64),
            Const::Bool(b) => (2, u64::from(b)),
        }
    }

    pub fn ty(self) -> Ty {
        match self {
            Const::Real(_) => Ty::Real,
            Const::Int(_) => Ty::Int,
            Const::Bool(_) => Ty::Bool,
        }
    }

    /// As it is kept in arrays of f64: whole numbers exactly, booleans as 0 and 1.
    pub fn to_f64(self) -> f64 {
        match self {
            Const::Real(x) => x,
            Const::Int(i) => f64::from(i),
            Const::Bool(b) => f64::from(u8::from(b)),
        }
    }

    pub fn from_f64(x: f64, ty: Ty) -> Const {
        match ty {
            Ty::Real => Const::Real(x),
            Ty::Int => Const::Int(x as i32),
            Ty::Bool => Const::Bool(x != 0.0),
        }
    }
}

macro_rules! ops {
    ($(#[$doc:meta])* $name:ident { $($op:ident = $text:literal: $($arg:ident)+ => $ret:ident,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum $name { $($op),* }

        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$op),*];

            pub fn name(self) -> &'static str {
                match self { $($name::$op => $text),* }
            }

            /// Type of the (first) operand; both operands of a binary operation have it.
            pub fn operand(self) -> Ty {
                match self { $($name::$op => ops!(@first $($arg)+)),* }
            }

            pub fn result(self) -> Ty {
                match self { $($name::$op => Ty::$ret),* }
            }
        }
    };
    (@first $a:ident $($rest:ident)*) => { Ty::$a };
}

ops! {
    /// Operations of one operand.
    UnOp {
        Neg = "neg": Real => Real,
        Abs = "abs": Real => Real,
        Sqrt = "sqrt": Real => Real,
        Exp = "exp": Real => Real,
        Expm1 = "expm1": Real => Real,
        Ln = "ln": Real => Real,
        Log1p = "log1p": Real => Real,
        Log10 = "log10": Real => Real,
        Sin = "sin": Real => Real,
        Cos = "cos": Real => Real,
        Tan = "tan": Real => Real,
        Asin = "asin": Real => Real,
        Acos = "acos": Real => Real,
        Atan = "atan": Real => Real,
        Sinh = "sinh": Real => Real,
        Cosh = "cosh": Real => Real,
        Tanh = "tanh": Real => Real,
        Asinh = "asinh": Real => Real,
        Acosh = "acosh": Real => Real,
        Atanh = "atanh": Real => Real,
        Floor = "floor": Real => Real,
        Ceil = "ceil": Real => Real,
        INeg = "ineg": Int => Int,
        INot = "inot": Int => Int,
        Not = "not": Bool => Bool,
        IToF = "itof": Int => Real,
        // To the nearest, halves away from zero, as Verilog converts.
        FToI = "ftoi": Real => Int,
        BToI = "btoi": Bool => Int,
    }
}

ops! {
    /// Operations of two operands of one type.
    BinOp {
        Add = "add": Real Real => Real,
        Sub = "sub": Real Real => Real,
        Mul = "mul": Real Real => Real,
        Div = "div": Real Real => Real,
        Rem = "rem": Real Real => Real,
        Pow = "pow": Real Real => Real,
        Atan2 = "atan2": Real Real => Real,
        Hypot = "hypot": Real Real => Real,
        // Quantiles of random distributions: (uniform draw, parameter).
        Poisson = "poisson": Real Real => Real,
        ChiSquare = "chi_square": Real Real => Real,
        StudentT = "student_t": Real Real => Real,
        Erlang = "erlang": Real Real => Real,
        // A uniform or standard normal number of the stream that (key, seed) names.
        Seeded = "seeded": Real Real => Real,
        SeededNormal = "seeded_normal": Real Real => Real,
        Eq = "eq": Real Real => Bool,
        Ne = "ne": Real Real => Bool,
        Lt = "lt": Real Real => Bool,
        Le = "le": Real Real => Bool,
        IAdd = "iadd": Int Int => Int,
        ISub = "isub": Int Int => Int,
        IMul = "imul": Int Int => Int,
        // Division by zero gives 0.
        IDiv = "idiv": Int Int => Int,
        IRem = "irem": Int Int => Int,
        IShl = "ishl": Int Int => Int,
        IShr = "ishr": Int Int => Int,
        ISar = "isar": Int Int => Int,
        IAnd = "iand": Int Int => Int,
        IOr = "ior": Int Int => Int,
        IXor = "ixor": Int Int => Int,
        IEq = "ieq": Int Int => Bool,
        INe = "ine": Int Int => Bool,
        ILt = "ilt": Int Int => Bool,
        ILe = "ile": Int Int => Bool,
        And = "and": Bool Bool => Bool,
        Or = "or": Bool Bool => Bool,
        Xor = "xor": Bool Bool => Bool,
    }
}

macro_rules! classes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $op:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $op),* }
        impl $name {
            pub const ALL: &'static [$name] = &[$($name::$op),*];
            pub fn name(self) -> &'static str {
                match self { $($name::$op => $text),* }
            }
        }
    };
}

classes! {
    /// Where an input comes from.
    In {
        /// A difference of two unknowns, or one unknown; the variables of differentiation.
        Probe = "probe",
        /// Stands for the limited value in derivatives.
        Limited = "limited",
        /// What the setup function computed.
        Cache = "cache",
        Param = "param",
        /// Was the parameter given?
        Given = "given",
        /// Is the port connected?
        Connected = "connected",
        /// `Sim` numbers: see [`sim`].
        Sim = "sim",
        /// `Env` numbers, constant until the temperature or a parameter changes: see [`env`].
        Env = "env",
        /// The committed value of a variable that persists.
        Hidden = "hidden",
        /// The value that a limiting function returned last time.
        Old = "old",
        /// Uniform on (0, 1), new for each accepted point.
        Uniform = "uniform",
        Normal = "normal",
        /// Keys of random streams: of the instance, of the run, of the run at this accepted point.
        Key = "key",
        /// What is known of delayed and sampled quantities, [`signal::COUNT`] numbers for each site: see [`signal`].
        Signal = "signal",
        /// Has the event happened at this accepted point?
        Event = "event",
    }
}

classes! {
    /// Where an output goes.
    Out {
        /// Static residual of a row.
        F = "f",
        /// Content of a row.
        Q = "q",
        /// df/dx of (row, column).
        G = "g",
        /// dq/dx of (row, column).
        C = "c",
        Cache = "cache",
        /// The value that a parameter takes: given or default.
        Param = "param",
        /// True: a check holds.
        Check = "check",
        Hidden = "hidden",
        Old = "old",
        /// True: a limiting function changed its value.
        IsLimited = "islimited",
        OpVar = "opvar",
        /// Density of a noise source.
        Noise = "noise",
        /// Coefficient of a noise source in its row.
        Gain = "gain",
        /// Watched expressions of events.
        Event = "event",
        /// Static facts of the topology.
        Flag = "flag",
        Step = "step",
        Root = "root",
        /// Value `b` of the points of table `a`, column by column.
        Table = "table",
        /// Argument `b` of the operator with a history number `a`.
        Signal = "signal",
    }
}

/// Indices of [`In::Sim`].
pub mod sim {
    pub const TIME: u32 = 0;
    pub const GMIN: u32 = 1;
    pub const SOURCE_SCALE: u32 = 2;
    /// 1 in OP and DC.
    pub const IS_STATIC: u32 = 3;
    pub const IS_TRAN: u32 = 4;
    pub const IS_FIRST_ITERATION: u32 = 5;
    pub const INITIAL_STEP: u32 = 6;
    pub const FINAL_STEP: u32 = 7;
    pub const IS_AC: u32 = 8;
    pub const IS_NOISE: u32 = 9;
    pub const HERTZ: u32 = 10;
    /// 1 while an operating point is searched, 0 when the equations are linearised there.
    pub const IS_SEARCH: u32 = 11;
    pub const COUNT: usize = 12;
}

/// Indices of [`In::Env`].
pub mod env {
    /// K
    pub const TEMPERATURE: u32 = 0;
    pub const MFACTOR: u32 = 1;
    /// K
    pub const TNOM: u32 = 2;
    /// The first of the numbers that say where an instance lies: x and y (m), angle (degrees), mirrored or not (-1, 1).
    pub const PLACEMENT: u32 = 3;
    pub const COUNT: usize = 8;
}

/// Numbers of a quantity whose history is kept. A delayed u is `KNOWN + PRESENT u - SLOPE (td - DELAY)` while the delay td
/// is near `DELAY`, that of the last accepted point; a ramp or a sampled value is `KNOWN`.
pub mod signal {
    pub const KNOWN: u32 = 0;
    pub const PRESENT: u32 = 1;
    pub const SLOPE: u32 = 2;
    pub const DELAY: u32 = 3;
    pub const COUNT: usize = 4;
}

/// A look into a table: which one, and how often it is differentiated with respect to each of its inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Lookup {
    pub table: u32,
    pub order: [u8; 3],
}

impl Lookup {
    /// In place of the orders: by how much the inputs lie where the table has no values and may not be continued.
    pub const OUTSIDE: [u8; 3] = [255; 3];
}

/// What is done with texts, which are integers that number them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TextOp {
    /// Does the first one stand before the second, by the codes of their characters?
    Less,
    Join,
    Length,
    /// From one place to another, both included.
    Part,
    Upper,
    Lower,
    ToInt,
    ToReal,
    /// The first operand followed by the second as item `n` of the formats writes it.
    Format(u32),
}

impl TextOp {
    pub fn result(self) -> Ty {
        match self {
            TextOp::Less => Ty::Bool,
            TextOp::ToReal => Ty::Real,
            _ => Ty::Int,
        }
    }
}

/// What computes a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    Const(Const),
    Input(In, u32, Ty),
    Un(UnOp, Val),
    Bin(BinOp, Val, Val),
    Select(Val, Val, Val),
    /// a b + c, rounded once.
    Fma(Val, Val, Val),
    /// d/dt of a value, by site; zero where nothing moves. Replaced before code is generated.
    Ddt(u32, Val),
    /// A noise source, by site; zero in every average. Replaced before code is generated.
    Noise(u32),
    /// A limited value: (site, argument, what the limiting function returned).
    Limit(u32, Val, Val),
    /// Derivative of a value along a direction: index into [`Func::directions`].
    Ddx(u32, Val),
    /// Inputs that the table does not have are 0.
    Table(Lookup, [Val; 3]),
    /// Only where the interpreter runs, before anything is simulated. Operands that the operation does not have are any.
    Text(TextOp, [Val; 3]),
}

impl Op {
    pub fn for_each(&self, mut f: impl FnMut(Val)) {
        match *self {
            Op::Const(_) | Op::Input(..) | Op::Noise(_) => {}
            Op::Un(_, a) | Op::Ddt(_, a) | Op::Ddx(_, a) => f(a),
            Op::Bin(_, a, b) | Op::Limit(_, a, b) => [a, b].into_iter().for_each(f),
            Op::Select(a, b, c) | Op::Fma(a, b, c) | Op::Table(_, [a, b, c]) | Op::Text(_, [a, b, c]) => {
                [a, b, c].into_iter().for_each(f)
            }
        }
    }

    #[must_use]
    pub fn map(&self, f: impl Fn(Val) -> Val) -> Op {
        match *self {
            Op::Const(_) | Op::Input(..) | Op::Noise(_) => self.clone(),
            Op::Un(o, a) => Op::Un(o, f(a)),
            Op::Ddt(k, a) => Op::Ddt(k, f(a)),
            Op::Ddx(k, a) => Op::Ddx(k, f(a)),
            Op::Bin(o, a, b) => Op::Bin(o, f(a), f(b)),
            Op::Limit(k, a, b) => Op::Limit(k, f(a), f(b)),
            Op::Select(a, b, c) => Op::Select(f(a), f(b), f(c)),
            Op::Fma(a, b, c) => Op::Fma(f(a), f(b), f(c)),
            Op::Table(k, x) => Op::Table(k, x.map(f)),
            Op::Text(k, x) => Op::Text(k, x.map(f)),
        }
    }
}

/// How a value came to be.
#[derive(Clone, Debug, PartialEq)]
pub enum Def {
    Op(Op),
    /// A result of an `if` or `loop`, or a parameter of a `loop`.
    Joined,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ValData {
    pub ty: Ty,
    pub def: Def,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Body {
    pub nodes: Vec<Node>,
    pub yields: Vec<Val>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct If {
    pub cond: Val,
    pub then: Body,
    pub els: Body,
    pub results: Vec<Val>,
}

/// `while`: the head is evaluated, then the condition, then the body gives the next parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    pub params: Vec<Val>,
    pub init: Vec<Val>,
    pub head: Vec<Node>,
    pub cond: Val,
    pub body: Body,
    pub results: Vec<Val>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Let(Val),
    If(Box<If>),
    Loop(Box<Loop>),
    /// Something that the world sees (a message, the end of the run), by site.
    Effect(u32, Vec<Val>),
}

/// Where a result goes: class and up to two indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sink {
    pub class: Out,
    pub a: u32,
    pub b: u32,
}

impl Sink {
    pub fn new(class: Out, a: u32) -> Sink {
        Sink { class, a, b: 0 }
    }
}

/// A loop that has run this often is taken for endless: it ends, and all real results become NaN.
pub const MAX_TRIPS: u32 = 1_000_000;

#[derive(Clone, Debug, PartialEq, Default)]
pub struct Func {
    pub name: String,
    pub vals: Vec<ValData>,
    pub nodes: Vec<Node>,
    pub outputs: Vec<(Sink, Val)>,
    /// Directions of [`Op::Ddx`]: (probe, coefficient).
    pub directions: Vec<Vec<(u32, f64)>>,
}

impl Func {
    pub fn ty(&self, v: Val) -> Ty {
        self.vals[v.index()].ty
    }

    pub fn op(&self, v: Val) -> Option<&Op> {
        match &self.vals[v.index()].def {
            Def::Op(op) => Some(op),
            Def::Joined => None,
        }
    }

    pub fn constant(&self, v: Val) -> Option<Const> {
        match self.op(v) {
            Some(Op::Const(c)) => Some(*c),
            _ => None,
        }
    }

    pub fn op_type(&self, op: &Op) -> Ty {
        match op {
            Op::Const(c) => c.ty(),
            Op::Input(_, _, ty) => *ty,
            Op::Un(o, _) => o.result(),
            Op::Bin(o, ..) => o.result(),
            Op::Select(_, a, _) => self.ty(*a),
            Op::Text(o, _) => o.result(),
            Op::Fma(..) | Op::Ddt(..) | Op::Noise(_) | Op::Limit(..) | Op::Ddx(..) | Op::Table(..) => Ty::Real,
        }
    }

    pub fn output(&self, class: Out, a: u32) -> Option<Val> {
        self.outputs.iter().find(|(s, _)| s.class == class && s.a == a).map(|(_, v)| *v)
    }

    /// Number of operations, bodies included.
    pub fn len(&self) -> usize {
        fn count(nodes: &[Node]) -> usize {
            nodes
                .iter()
                .map(|n| match n {
                    Node::If(i) => 1 + count(&i.then.nodes) + count(&i.els.nodes),
                    Node::Loop(l) => 1 + count(&l.head) + count(&l.body.nodes),
                    Node::Let(_) | Node::Effect(..) => 1,
                })
                .sum()
        }
        count(&self.nodes)
    }

    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty() && self.outputs.is_empty()
    }

    /// Verifies in debug builds.
    #[must_use]
    pub fn checked(self, pass: &str) -> Func {
        if cfg!(debug_assertions)
            && let Err(e) = verify(&self)
        {
            debug_assert!(false, "after {pass}: {e}\n{self}");
        }
        self
    }
}

/// Values used by a node, bodies not included.
pub fn for_each_operand(node: &Node, func: &Func, mut f: impl FnMut(Val)) {
    match node {
        Node::Let(v) => {
            if let Some(op) = func.op(*v) {
                op.for_each(f);
            }
        }
        Node::If(i) => {
            f(i.cond);
            i.then.yields.iter().chain(&i.els.yields).for_each(|v| f(*v));
        }
        Node::Loop(l) => {
            f(l.cond);
            l.init.iter().chain(&l.body.yields).for_each(|v| f(*v));
        }
        Node::Effect(_, args) => args.iter().for_each(|v| f(*v)),
    }
}
