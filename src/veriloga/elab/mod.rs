//! Elaboration: names, types, hierarchy, unrolling. From the syntax tree to one flat typed module.

mod access;
mod call;
mod decl;
mod eval;
mod expr;
mod format;
mod function;
mod hierarchy;
mod module;
mod nature;
mod operator;
mod param;
mod stmt;
mod system;
mod task;

use std::collections::{BTreeSet, HashMap};

use super::Options;
use super::ast::{self, Ast, Ex, Ident};
use super::hir::{self, Dim, ExprId, NodeId, ParamId, PortId, Ty, VarId};
use super::text::{Name, Names};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Code, Diagnostic, SourceMap, Span};

/// A value known before the simulation.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Real(f64),
    Int(i32),
    Bool(bool),
    Str(String),
}

/// What a name stands for.
#[derive(Clone, Debug)]
enum Def {
    /// Position in [`Elab::params`].
    Param(usize),
    Var(VarId),
    Net(Bits<NodeId>),
    Branch(Bits<BranchRef>),
    /// The value during unrolling.
    Genvar(Option<i32>),
    /// Position in [`Elab::functions`].
    Function(usize),
    /// A named block or instance.
    Scope,
}

/// A scalar, or the elements of a vector by position.
#[derive(Clone, Debug)]
struct Bits<T> {
    dim: Option<Dim>,
    items: Vec<T>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum BranchRef {
    Branch(hir::BranchId),
    Port(PortRef),
}

/// A port as something that a flow goes through. Ports of merged-in instances are not terminals of this module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PortRef {
    Terminal(PortId),
    /// Of an instance: its flow is not available.
    Inner {
        is_connected: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScopeKind {
    Module,
    Block,
    /// A block with a name: variables may appear by assignment.
    NamedBlock,
    Function,
}

#[derive(Clone, Debug)]
struct Scope {
    kind: ScopeKind,
    names: HashMap<Name, (Def, Span)>,
    /// Prefix of what is declared here.
    prefix: String,
}

/// What may stand at the current place.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    function: Option<hir::FunctionId>,
    /// In a loop whose count is known at run time only.
    in_loop: bool,
    in_event: bool,
    in_initial: bool,
    /// A default, range, bound: constants only.
    is_constant: bool,
}

/// Where a module's own things are found during its elaboration.
#[derive(Clone, Debug, Default)]
struct Frame {
    /// `` or `x1.`
    prefix: String,
    ports: HashMap<Name, Vec<PortRef>>,
    default_discipline: Option<Name>,
    timescale: Option<f64>,
    default_transition: Option<f64>,
    /// Equal instances in parallel of this one and of those around it; the top one's own count is the device's.
    mfactor: Option<ExprId>,
    /// Where this instance lies in the top one, by [`SysParam::PLACEMENT`].
    placement: [Option<ExprId>; 5],
    is_top: bool,
}

enum ParamState {
    Pending,
    Busy,
    Done(ParamId),
    Failed,
}

struct PendingParam<'a> {
    ast: &'a ast::Param,
    group: &'a ast::Params,
    attrs: &'a [ast::Attr],
    prefix: String,
    given: Option<Given>,
    is_top: bool,
    state: ParamState,
}

/// A parameter's value from an instance, resolved where the instance stands.
#[derive(Clone, Debug)]
struct Given {
    values: Vec<ExprId>,
    span: Span,
}

/// A block of statements: where it stands in the text and in which instance.
type BlockKey = (usize, String);

struct Elab<'a> {
    ast: &'a Ast,
    names: &'a Names,
    options: &'a Options,
    sources: &'a SourceMap,
    diags: &'a mut Vec<Diagnostic>,
    m: hir::Module,
    overrides: &'a [(String, Value)],
    natures: HashMap<Name, hir::NatureId>,
    disciplines: HashMap<Name, hir::DisciplineId>,
    scopes: Vec<Scope>,
    frame: Frame,
    place: Place,
    params: Vec<PendingParam<'a>>,
    functions: Vec<function::Declared<'a>>,
    unnamed: HashMap<(NodeId, NodeId), hir::BranchId>,
    /// Variables of blocks that unrolling enters more than once.
    blocks: HashMap<BlockKey, HashMap<Name, (Def, Span)>>,
    structural: BTreeSet<ParamId>,
    known: HashMap<ParamId, Option<Value>>,
    /// Modules being elaborated, outermost first.
    stack: Vec<Name>,
    /// Statements and declarations left before the limit.
    budget: usize,
    is_exhausted: bool,
    linted: BTreeSet<(&'static str, String)>,
}

/// What a module is elaborated from.
#[derive(Clone, Copy)]
pub struct Text<'a> {
    pub ast: &'a Ast,
    pub names: &'a Names,
    pub options: &'a Options,
    pub sources: &'a SourceMap,
}

/// The module, and how much of `max_unrolled` is left.
pub fn elaborate(
    text: Text,
    module: &str,
    overrides: &[(String, Value)],
    diags: &mut Vec<Diagnostic>,
) -> (Option<hir::Module>, usize) {
    let Text { ast, names, options, sources } = text;
    let found = names.find(module).and_then(|n| ast.modules.iter().rfind(|m| m.name.name == n));
    let Some(found) = found else {
        let known: Vec<&str> = ast.modules.iter().map(|m| names.text(m.name.name)).collect();
        let d = Diagnostic::error(code::UNKNOWN_MODULE, format!("there is no module `{module}`"));
        diags.push(match did_you_mean(module, known) {
            Some(h) => d.help(h),
            None => d,
        });
        return (None, options.max_unrolled);
    };
    let mut e = Elab {
        ast,
        names,
        options,
        sources,
        diags,
        m: hir::Module { name: module.to_string(), span: found.name.span, ..Default::default() },
        overrides,
        natures: HashMap::new(),
        disciplines: HashMap::new(),
        scopes: vec![],
        frame: Frame::default(),
        place: Place::default(),
        params: vec![],
        functions: vec![],
        unnamed: HashMap::new(),
        blocks: HashMap::new(),
        structural: BTreeSet::new(),
        known: HashMap::new(),
        stack: vec![],
        budget: options.max_unrolled,
        is_exhausted: false,
        linted: BTreeSet::new(),
    };
    e.top(found);
    e.m.structural = e.structural.iter().copied().collect();
    (Some(e.m), e.budget)
}

impl<'a> Elab<'a> {
    fn text(&self, n: Name) -> &'a str {
        self.names.text(n)
    }

    // ---- reports

    fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.diags.push(Diagnostic::error(code, message).at(span, ""));
    }

    fn error_help(&mut self, code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diags.push(Diagnostic::error(code, message).at(span, "").help(help));
    }

    fn lint(&mut self, code: Code, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.diags.push(Diagnostic::lint(code, message).at(span, "").help(help));
    }

    /// A lint about a form that, once met, is usually met everywhere: said once a module.
    fn lint_once(&mut self, code: Code, span: Span, what: &str, message: impl Into<String>, help: impl Into<String>) {
        if self.linted.insert((code.0, what.to_string())) {
            self.lint(code, span, message, help);
        }
    }

    /// One statement or declaration more; false once the limit is reached.
    fn spend(&mut self, span: Span) -> bool {
        if self.budget > 0 {
            self.budget -= 1;
            return true;
        }
        if !std::mem::replace(&mut self.is_exhausted, true) {
            let n = self.options.max_unrolled;
            self.error_help(
                code::TOO_LARGE,
                span,
                format!("more than {n} statements and declarations after unrolling"),
                "a loop over an integer variable is not unrolled: use one where no branch or operator depends on the index",
            );
        }
        false
    }

    // ---- scopes

    fn push_scope(&mut self, kind: ScopeKind, prefix: String) {
        self.scopes.push(Scope { kind, names: HashMap::new(), prefix });
    }

    fn pop_scope(&mut self) -> Option<Scope> {
        self.scopes.pop()
    }

    fn prefix(&self) -> String {
        self.scopes.last().map_or(String::new(), |s| s.prefix.clone())
    }

    /// What a name means here. Inside of a function the module's variables and nets are out of reach; what it is there is
    /// still returned, for the message.
    fn lookup(&self, name: Name) -> Option<(&Def, Span, bool)> {
        let mut is_outside = false;
        for s in self.scopes.iter().rev() {
            if let Some((d, span)) = s.names.get(&name) {
                return Some((d, *span, is_outside));
            }
            is_outside |= s.kind == ScopeKind::Function;
        }
        None
    }

    fn declare(&mut self, id: Ident, def: Def) {
        let text = self.text(id.name);
        let Some(scope) = self.scopes.last_mut() else { return };
        if let Some((_, first)) = scope.names.get(&id.name) {
            // Declarations are gone through by kind, not in the order of the text.
            let (one, two) = if first.order() <= id.span.order() { (*first, id.span) } else { (id.span, *first) };
            let d = Diagnostic::error(code::DUPLICATE, format!("`{text}` is declared twice"))
                .at(two, "again here")
                .at(one, "first here");
            self.diags.push(d);
            return;
        }
        scope.names.insert(id.name, (def, id.span));
    }

    /// "unknown name" with the nearest known ones.
    fn unknown(&mut self, id: Ident) {
        let text = self.text(id.name);
        let mut known: Vec<&str> =
            self.scopes.iter().flat_map(|s| s.names.keys()).map(|n| self.names.text(*n)).collect();
        known.sort_unstable();
        let mut d = Diagnostic::error(code::UNKNOWN_NAME, format!("`{text}` is not declared")).at(id.span, "");
        if let Some(other) = known.iter().find(|k| k.eq_ignore_ascii_case(text)) {
            d = d.help(format!("did you mean `{other}`? Upper and lower case differ"));
        } else if let Some(h) = did_you_mean(text, known) {
            d = d.help(h);
        } else if call::is_builtin(text) {
            d = d.help(format!("`{text}` is a function: write `{text}(...)`"));
        }
        self.diags.push(d);
    }

    // ---- expressions in the arena

    fn add(&mut self, kind: hir::ExprKind, ty: Ty, span: Span) -> ExprId {
        self.m.exprs.push(hir::Expr { kind, ty, span })
    }

    fn real(&mut self, x: f64, span: Span) -> ExprId {
        self.add(hir::ExprKind::Real(x), Ty::Real, span)
    }

    fn int(&mut self, k: i32, span: Span) -> ExprId {
        self.add(hir::ExprKind::Int(k), Ty::Int, span)
    }

    fn ty(&self, e: ExprId) -> Ty {
        self.m.exprs[e].ty
    }

    fn span_of(&self, e: ExprId) -> Span {
        self.m.exprs[e].span
    }

    fn ex_span(&self, e: Ex) -> Span {
        self.ast.expr(e).span
    }
}
