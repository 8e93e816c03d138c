//! Scopes: parameters, functions, models and subcircuits that a name may mean, and the evaluation of parameters.
//!
//! The top level is one scope, every call of a subcircuit opens another below the scope in which the subcircuit was
//! *defined* (names are looked up outwards). Parameters are evaluated when first asked for, so they may be written in
//! any order; a parameter that is asked for while it is being evaluated is part of a cycle.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use super::elab::Elab;
use crate::base::Sym;
use crate::base::rng::Stream;
use crate::device::Unknown;
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span, nearest};
use crate::expr::{Expr, Program, Scope as ExprScope};
use crate::netlist::ast::{FuncDef, IfDef, ModelDef, ParamDef, ParamText, Stmt, SubcktDef};

/// Symbols are dense small numbers: one multiplication spreads them.
#[derive(Default)]
pub(super) struct SymHasher(u64);

impl Hasher for SymHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for b in bytes {
            self.write_u32(u32::from(*b));
        }
    }
    fn write_u32(&mut self, x: u32) {
        self.0 = (self.0.rotate_left(5) ^ u64::from(x)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    fn write_u64(&mut self, x: u64) {
        self.0 = (self.0.rotate_left(5) ^ x).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    fn write_usize(&mut self, x: usize) {
        self.write_u64(x as u64);
    }
}

pub(super) type SymMap<T> = HashMap<Sym, T, BuildHasherDefault<SymHasher>>;

/// A parameter in a scope.
#[derive(Clone)]
pub(super) enum Param<'a> {
    Def(&'a ParamDef),
    /// Being evaluated.
    Busy(&'a ParamDef),
    Num(f64),
    Text(Rc<str>),
    /// Has a fault that was reported.
    Bad,
}

/// So many ports are looked through one by one.
const FEW: usize = 16;

/// The top level, or one call of a subcircuit.
pub(super) struct Scope<'a> {
    pub parent: Option<Rc<Scope<'a>>>,
    /// `x1.` in front of the names of nodes and instances; empty at the top.
    pub prefix: Rc<str>,
    /// The X statements through which this scope was entered, innermost first.
    pub calls: Option<Rc<Call>>,
    /// Sorted where there are many: set by [`Scope::set_ports`], read by [`Scope::port`].
    pub ports: Vec<(Sym, Unknown)>,
    pub params: RefCell<SymMap<Param<'a>>>,
    pub funcs: RefCell<SymMap<&'a FuncDef>>,
    pub models: RefCell<SymMap<&'a ModelDef>>,
    /// `nch` → `nch.1`, `nch.2` ...
    pub bins: RefCell<SymMap<Vec<&'a ModelDef>>>,
    pub subckts: RefCell<SymMap<&'a SubcktDef>>,
    /// Which arm of each `.if` holds.
    pub arms: RefCell<HashMap<*const IfDef, Option<usize>>>,
    /// Product of the `m=` of all calls down to here.
    pub m: f64,
}

/// One frame of the subcircuit-call backtrace.
pub(super) struct Call {
    pub path: String,
    pub span: Span,
    pub def: *const (),
    pub up: Option<Rc<Call>>,
    pub depth: usize,
}

impl<'a> Scope<'a> {
    pub fn top() -> Scope<'a> {
        Scope {
            parent: None,
            prefix: "".into(),
            calls: None,
            ports: vec![],
            params: RefCell::default(),
            funcs: RefCell::default(),
            models: RefCell::default(),
            bins: RefCell::default(),
            subckts: RefCell::default(),
            arms: RefCell::default(),
            m: 1.0,
        }
    }

    /// The nodes that the ports of a call are.
    pub fn set_ports(&mut self, mut ports: Vec<(Sym, Unknown)>) {
        if ports.len() > FEW {
            ports.sort_by_key(|p| p.0.0);
        }
        self.ports = ports;
    }

    pub fn port(&self, name: Sym) -> Option<Unknown> {
        let at = if self.ports.len() > FEW {
            self.ports.binary_search_by_key(&name.0, |p| p.0.0).ok()
        } else {
            self.ports.iter().position(|p| p.0 == name)
        };
        at.map(|k| self.ports[k].1)
    }

    /// This scope and those around it, innermost first.
    pub fn outwards(self: &Rc<Self>) -> impl Iterator<Item = Rc<Scope<'a>>> {
        std::iter::successors(Some(self.clone()), |s| s.parent.clone())
    }

    pub fn find_subckt(self: &Rc<Self>, name: Sym) -> Option<(Rc<Scope<'a>>, &'a SubcktDef)> {
        self.outwards().find_map(|s| {
            let d = s.subckts.borrow().get(&name).copied();
            d.map(|d| (s, d))
        })
    }
}

/// How deep parameters may refer to parameters that are defined later.
const MAX_PARAM_DEPTH: usize = 200;

impl<'a> Elab<'a> {
    /// Enters the definitions of a body into its scope; `.if` arms are decided after everything outside them is known.
    pub fn define(&mut self, scope: &Rc<Scope<'a>>, body: &'a [Stmt]) {
        let mut ifs = vec![];
        self.define_plain(scope, body, &mut ifs);
        for d in ifs {
            self.decide(scope, d);
        }
    }

    fn define_plain(&mut self, scope: &Rc<Scope<'a>>, body: &'a [Stmt], ifs: &mut Vec<&'a IfDef>) {
        for s in body {
            match s {
                Stmt::Param(p) => {
                    if scope.parent.is_some()
                        && matches!(scope.params.borrow().get(&p.name), Some(Param::Num(_) | Param::Text(_)))
                    {
                        continue; // given by the call
                    }
                    scope.params.borrow_mut().insert(p.name, Param::Def(p));
                }
                Stmt::Func(f) => {
                    scope.funcs.borrow_mut().insert(f.name, f);
                }
                Stmt::Model(m) => self.define_model(scope, m),
                Stmt::Subckt(d) => {
                    if let Some(old) = scope.subckts.borrow_mut().insert(d.name, d) {
                        let (name, span, first) = (self.deck.names.get(d.name), d.span, old.span);
                        let diag = Diagnostic::error(codes::DUPLICATE, format!("subcircuit `{name}` is defined twice"));
                        self.report_in(scope, diag.at(span, "again here").at(first, "first here"));
                    }
                }
                Stmt::If(d) => ifs.push(d),
                Stmt::Element(_) | Stmt::Card(_) => {}
            }
        }
    }

    fn define_model(&mut self, scope: &Rc<Scope<'a>>, m: &'a ModelDef) {
        if let Some(old) = scope.models.borrow_mut().insert(m.name, m) {
            let name = self.deck.names.get(m.name);
            let d = Diagnostic::warning(
                codes::DUPLICATE_MODEL,
                format!("model `{name}` is defined twice; the last definition holds"),
            );
            self.report_in(scope, d.at(m.name_span, "this one holds").at(old.name_span, "this one is not used"));
        }
        let text = self.deck.names.get(m.name);
        if let Some((base, digits)) = text.rsplit_once('.')
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
        {
            let base = self.names.intern(base);
            let mut bins = scope.bins.borrow_mut();
            let list = bins.entry(base).or_default();
            list.retain(|old: &&ModelDef| old.name != m.name);
            list.push(m);
        }
    }

    fn decide(&mut self, scope: &Rc<Scope<'a>>, d: &'a IfDef) {
        let mut chosen = None;
        for (k, (cond, _)) in d.arms.iter().enumerate() {
            let holds = match cond {
                None => true,
                Some(e) => match self.constant(scope, e) {
                    Some(x) => x != 0.0,
                    // An unreadable condition is reported; the next arms are still looked at.
                    None => false,
                },
            };
            if holds {
                chosen = Some(k);
                break;
            }
        }
        scope.arms.borrow_mut().insert(d, chosen);
        if let Some((_, body)) = chosen.and_then(|k| d.arms.get(k)) {
            let mut inner = vec![];
            self.define_plain(scope, body, &mut inner);
            for i in inner {
                self.decide(scope, i);
            }
        }
    }

    /// Value of a parameter as seen from a scope. `None`: there is none. `Some(None)`: it has a fault of its own.
    pub fn param(&mut self, scope: &Rc<Scope<'a>>, name: Sym) -> Option<Option<Value>> {
        for s in scope.outwards() {
            let slot = s.params.borrow().get(&name).cloned();
            match slot {
                None => {}
                Some(Param::Num(x)) => return Some(Some(Value::Num(x))),
                Some(Param::Text(t)) => return Some(Some(Value::Text(t))),
                Some(Param::Bad) => return Some(None),
                Some(Param::Busy(d)) => {
                    self.report_cycle(&s, d);
                    return Some(None);
                }
                Some(Param::Def(d)) => return Some(self.evaluate_param(&s, d)),
            }
        }
        None
    }

    fn evaluate_param(&mut self, scope: &Rc<Scope<'a>>, d: &'a ParamDef) -> Option<Value> {
        let name = self.deck.names.get(d.name);
        if scope.parent.is_none()
            && let Some((_, x)) = self.over.params.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(name))
        {
            scope.params.borrow_mut().insert(d.name, Param::Num(*x));
            return Some(Value::Num(*x));
        }
        if self.busy.len() >= MAX_PARAM_DEPTH {
            let diag = Diagnostic::error(
                codes::PARAM_DEPTH,
                format!("parameter `{name}` depends on more than {MAX_PARAM_DEPTH} others that are defined after it"),
            );
            self.report_in(
                scope,
                diag.at(d.name_span, "at this one")
                    .help("write the parameters in the order in which they depend on each other"),
            );
            scope.params.borrow_mut().insert(d.name, Param::Bad);
            return None;
        }
        let value = match &d.value {
            ParamText::Text(t) => Some(Value::Text(t.as_str().into())),
            ParamText::Expr(e) => {
                scope.params.borrow_mut().insert(d.name, Param::Busy(d));
                self.busy.push(d);
                let v = self.value_of(scope, e);
                self.busy.pop();
                v
            }
        };
        // A cycle marked this one bad already; keep the mark.
        let bad = matches!(scope.params.borrow().get(&d.name), Some(Param::Bad));
        let slot = match (&value, bad) {
            (Some(Value::Num(x)), false) => Param::Num(*x),
            (Some(Value::Text(t)), false) => Param::Text(t.clone()),
            _ => Param::Bad,
        };
        scope.params.borrow_mut().insert(d.name, slot);
        if bad { None } else { value }
    }

    fn report_cycle(&mut self, scope: &Rc<Scope<'a>>, d: &'a ParamDef) {
        let start = self.busy.iter().position(|b| std::ptr::eq(*b, d)).unwrap_or(0);
        let cycle: Vec<&'a ParamDef> = self.busy[start..].to_vec();
        let names: Vec<&str> = cycle.iter().chain(cycle.first()).map(|p| self.deck.names.get(p.name)).collect();
        let mut diag = Diagnostic::error(
            codes::PARAM_CYCLE,
            format!("parameters depend on each other in a circle: {}", names.join(" → ")),
        );
        for (k, p) in cycle.iter().enumerate() {
            diag = diag.at(p.name_span, format!("`{}` needs `{}`", names[k], names.get(k + 1).unwrap_or(&"")));
        }
        self.report_in(scope, diag);
    }

    /// An expression that is a lone name of a text parameter is that text.
    fn value_of(&mut self, scope: &Rc<Scope<'a>>, e: &Expr) -> Option<Value> {
        if let crate::expr::ast::ExprKind::Name(n) = &e.kind
            && let Some(sym) = self.names.lookup(n)
            && let Some(v) = self.param(scope, sym)
        {
            return v;
        }
        self.constant(scope, e).map(Value::Num)
    }

    /// Evaluates an expression of parameters; faults are reported.
    pub fn constant(&mut self, scope: &Rc<Scope<'a>>, e: &Expr) -> Option<f64> {
        if let crate::expr::ast::ExprKind::Number(x) = e.kind {
            return Some(x);
        }
        let mut view = View::new(self, scope.clone(), e.span, false);
        let result = Program::constant(e, &mut view);
        match result {
            Ok(x) => Some(x),
            Err(list) => {
                for d in list {
                    self.report_in(scope, d);
                }
                None
            }
        }
    }

    /// Evaluates without reporting anything: is it a constant?
    pub fn try_constant(&mut self, scope: &Rc<Scope<'a>>, e: &Expr) -> Option<f64> {
        let quiet = self.quiet;
        self.quiet = true;
        let x = self.constant(scope, e);
        self.quiet = quiet;
        x
    }

    /// Compiles an expression of signals; faults are reported.
    pub fn compile(&mut self, scope: &Rc<Scope<'a>>, e: &Expr) -> Option<Program> {
        let mut view = View::new(self, scope.clone(), e.span, true);
        let result = Program::compile(e, &mut view);
        match result {
            Ok(p) => Some(p),
            Err(list) => {
                for d in list {
                    self.report_in(scope, d);
                }
                None
            }
        }
    }

    /// Names that a parameter expression may use, for "did you mean".
    pub fn param_names(&self, scope: &Rc<Scope<'a>>) -> Vec<String> {
        scope
            .outwards()
            .flat_map(|s| {
                let p = s.params.borrow();
                let f = s.funcs.borrow();
                p.keys().chain(f.keys()).map(|n| self.names.get(*n).to_string()).collect::<Vec<_>>()
            })
            .collect()
    }

    /// Nearest model names of a scope.
    pub fn model_help(&self, scope: &Rc<Scope<'a>>, name: &str) -> Option<String> {
        let known: Vec<String> = scope
            .outwards()
            .flat_map(|s| {
                let m = s.models.borrow();
                let b = s.bins.borrow();
                m.keys().chain(b.keys()).map(|n| self.names.get(*n).to_string()).collect::<Vec<_>>()
            })
            .collect();
        nearest::did_you_mean(name, known.iter().map(String::as_str))
    }
}

/// A parameter's value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Num(f64),
    Text(Rc<str>),
}

/// FNV-1a: the identity of a place, for random draws that do not depend on the order of evaluation.
pub(super) fn place_hash(prefix: &str, span: Span) -> u32 {
    let mut h: u32 = 0x811C_9DC5;
    let numbers = [span.file.0, span.lo];
    for b in prefix.bytes().chain(numbers.iter().flat_map(|n| n.to_le_bytes())) {
        h = (h ^ u32::from(b)).wrapping_mul(0x0100_0193);
    }
    h
}

/// A scope as expressions see it.
pub(super) struct View<'x, 'a> {
    pub el: &'x mut Elab<'a>,
    pub scope: Rc<Scope<'a>>,
    stream: Stream,
    draws: Cell<u32>,
    signals: bool,
    /// The expression that is evaluated.
    place: Span,
}

impl<'x, 'a> View<'x, 'a> {
    pub fn new(el: &'x mut Elab<'a>, scope: Rc<Scope<'a>>, place: Span, signals: bool) -> Self {
        let instance = place_hash(&scope.prefix, place);
        let stream = Stream { seed: el.options.seed, run: el.over.run, instance };
        View { el, scope, stream, draws: Cell::new(0), signals, place }
    }

    fn next(&self) -> u32 {
        let n = self.draws.get();
        self.draws.set(n.wrapping_add(1));
        n
    }
}

impl ExprScope for View<'_, '_> {
    fn param(&mut self, name: &str) -> Option<Result<f64, ()>> {
        let scope = self.scope.clone();
        let found = self.el.names.lookup(name).and_then(|sym| self.el.param(&scope, sym));
        match found {
            Some(Some(Value::Num(x))) => Some(Ok(x)),
            Some(Some(Value::Text(t))) => {
                let d = Diagnostic::error(
                    codes::TEXT_PARAM,
                    format!("parameter `{name}` is the text `{t}`, and a number is needed"),
                )
                .at(self.place, format!("`{name}` is used here"));
                self.el.report_in(&scope, d);
                Some(Err(()))
            }
            Some(None) => Some(Err(())),
            None if !self.signals && matches!(name, "temper" | "temp") => Some(Ok(self.el.temp_c())),
            // A parameter that only a sweep knows.
            None => self.el.over.params.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, x)| Ok(*x)),
        }
    }

    fn func(&mut self, name: &str) -> Option<(Vec<String>, Expr)> {
        let sym = self.el.names.lookup(name)?;
        self.scope.outwards().find_map(|s| {
            let def = s.funcs.borrow().get(&sym).copied()?;
            let args = def.args.iter().map(|a| self.el.deck.names.get(*a).to_string()).collect();
            Some((args, def.body.clone()))
        })
    }

    fn node(&mut self, name: &str) -> Option<u32> {
        if !self.signals {
            return None;
        }
        self.el.find_node(&self.scope, name)
    }

    fn branch(&mut self, name: &str) -> Option<Sym> {
        if !self.signals {
            return None;
        }
        self.el.branch_of(&self.scope, name)
    }

    fn normal(&mut self) -> f64 {
        self.stream.normal(0, self.next())
    }

    fn uniform(&mut self) -> f64 {
        2.0 * self.stream.uniform(1, self.next()) - 1.0
    }

    fn known_names(&self) -> Vec<String> {
        let mut names = self.el.param_names(&self.scope);
        if self.signals {
            let nodes = self.el.nodes.iter().map(|n| self.el.names.get(*n));
            names.extend(nodes.filter_map(|n| n.strip_prefix(&*self.scope.prefix)).map(str::to_string));
        }
        names
    }
}
