//! The elaborator: walks the tree once, opening a scope at each subcircuit call, and lowers elements to groups.
//!
//! ```text
//! options and temperature            (seed and temp are needed by parameters)
//! define top-level names
//! walk:  element → nodes are numbered, instance is pushed on the group of its device type;
//!                  elements that read signals (B, nonlinear E F G H, R/C/L with expressions) get their nodes
//!                  and names now and are put aside
//!        X       → new scope, walk the subcircuit's body
//! lower what was put aside           (now every node and element is known)
//! cards → typed cards; probes → zero-volt sources; overrides; index; topology
//! ```

use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

use super::scope::{Param, Scope, SymMap, Value};
use super::text::number_of;
use super::{Circuit, Options, Overrides, PLACE_NONE, Place};
use crate::base::{Names, Sym};
use crate::device::{DeviceType, Env, Group, Unknown, registry};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, FileId, SourceMap, Span, tidy};
use crate::expr::Expr;
use crate::netlist::Deck;
use crate::netlist::ast::{Card, Element, Field, FieldKind, Stmt};
use crate::veriloga::Library;

/// More elements than this is taken for a mistake in nested subcircuits rather than left to exhaust the memory.
const MAX_ELEMENTS: usize = 50_000_000;
/// Bytes of all names of the flat circuit; offsets in them are 32-bit numbers.
const MAX_TEXT: usize = 1 << 30;
/// Deeper nesting of calls is taken for a mistake.
pub(super) const MAX_DEPTH: usize = 100;

/// An element that reads signals, put aside until all nodes and elements are known.
pub(super) struct Pending<'a> {
    pub el: &'a Element,
    pub scope: Rc<Scope<'a>>,
}

/// A wish for a current of an element that has no branch unknown: terminal index.
pub(super) struct ProbeWish {
    pub element: Sym,
    pub terminal: u8,
    pub source: Sym,
    /// Of a subcircuit's pin: the nodes outside and inside, and the call.
    pub pin: Option<(Unknown, Unknown, Span)>,
}

pub(super) struct Elab<'a> {
    pub deck: &'a Deck,
    pub sources: &'a SourceMap,
    pub over: &'a Overrides,
    /// Verilog-A modules.
    pub library: &'a Library<'a>,
    pub names: Names,
    pub options: Options,
    pub env: Env,
    pub diags: Vec<Diagnostic>,
    seen: HashSet<(&'static str, u32, u32, String)>,
    /// The flat circuit outgrew its limits; the rest is not looked at.
    is_too_large: bool,
    /// Nothing is reported while set (trial evaluations).
    pub quiet: bool,
    pub busy: Vec<&'a crate::netlist::ast::ParamDef>,
    pub top: Rc<Scope<'a>>,
    pub globals: SymMap<()>,
    /// Name of node n.
    pub nodes: Vec<Sym>,
    /// Node of a symbol + 1; 0: not a node.
    pub node_of: Vec<u32>,
    pub groups: Vec<Group>,
    group_of: HashMap<(&'static str, usize), usize>,
    /// Where an instance is, by symbol.
    pub places: Vec<Place>,
    pub pending: Vec<Pending<'a>>,
    pub probes: Vec<ProbeWish>,
    probe_of: HashMap<(Sym, u8), Sym>,
    /// Pins of subcircuits whose currents are asked for: `x1:port`.
    pub pins: HashSet<String>,
    /// Of the element that is being read.
    pub parasitics: super::parasitics::Parasitics,
    /// Names that were made for parasitics.
    pub inner: Vec<Sym>,
    exprs: HashMap<(FileId, u32, u32), Option<Rc<Expr>>>,
    pub models: super::models::ModelCache,
    pub count: usize,
    scratch: String,
    /// Paths of subcircuit calls, for "is an instance, not an element".
    pub subckt_calls: SymMap<Span>,
    pub ports: SymMap<Unknown>,
    temp_card: Option<f64>,
    /// `.ic` and `.nodeset` of subcircuits, with their scopes.
    pub local_cards: Vec<(Rc<Scope<'a>>, &'a Card)>,
}

/// Turns a deck into a circuit. All faults are returned; the circuit is missing only when one of them is an error.
pub fn elaborate(deck: &Deck, sources: &SourceMap, over: &Overrides) -> (Option<Circuit>, Vec<Diagnostic>) {
    elaborate_with(deck, sources, over, &Library::default())
}

/// The same, with Verilog-A modules that instances and models may name.
pub fn elaborate_with(
    deck: &Deck,
    sources: &SourceMap,
    over: &Overrides,
    library: &Library,
) -> (Option<Circuit>, Vec<Diagnostic>) {
    let (circuit, diags) = draft(deck, sources, over, library);
    if diags.iter().any(Diagnostic::is_error) { (None, diags) } else { (Some(circuit), diags) }
}

/// The circuit as far as it could be made, also when something is at fault: for finding further faults, not for running.
pub fn draft(deck: &Deck, sources: &SourceMap, over: &Overrides, library: &Library) -> (Circuit, Vec<Diagnostic>) {
    let mut el = Elab::new(deck, sources, over, library);
    let circuit = el.run();
    let mut diags = el.diags;
    tidy(&mut diags);
    (circuit, diags)
}

impl<'a> Elab<'a> {
    fn new(deck: &'a Deck, sources: &'a SourceMap, over: &'a Overrides, library: &'a Library<'a>) -> Self {
        let mut names = deck.names.clone();
        let ground = names.intern("0");
        let mut el = Elab {
            deck,
            sources,
            over,
            library,
            names,
            options: Options::default(),
            env: Env::default(),
            diags: vec![],
            seen: HashSet::new(),
            is_too_large: false,
            quiet: false,
            busy: vec![],
            top: Rc::new(Scope::top()),
            globals: SymMap::default(),
            nodes: vec![ground],
            node_of: vec![],
            groups: vec![],
            group_of: HashMap::new(),
            places: vec![],
            pending: vec![],
            probes: vec![],
            probe_of: HashMap::new(),
            pins: HashSet::new(),
            parasitics: vec![],
            inner: vec![],
            exprs: HashMap::new(),
            models: Default::default(),
            count: 0,
            scratch: String::new(),
            subckt_calls: SymMap::default(),
            ports: SymMap::default(),
            temp_card: None,
            local_cards: vec![],
        };
        for g in ["0", "gnd", "gnd!"] {
            let sym = el.names.intern(g);
            el.set_node_of(sym, 0);
        }
        el
    }

    fn run(&mut self) -> Circuit {
        let top = self.top.clone();
        let body: &'a [Stmt] = &self.deck.body;
        // Seed and temperature first: parameters may depend on them. Their own expressions may use parameters.
        self.define(&top, body);
        let mut cards: Vec<&'a Card> = vec![];
        self.collect_cards(&top, body, &mut cards);
        self.read_globals(&cards);
        self.read_options(&cards);
        self.options.reltol *= self.over.reltol.unwrap_or(1.0);
        self.reset_params(&top);
        self.define_ifs_again(&top, body);
        self.set_env(&cards);
        self.reserve(body);
        self.force_params(&top, body);
        self.wish_pins(&cards);
        self.walk(&top, body);
        self.lower_pending();
        let mut circuit = self.read_cards(&cards);
        self.insert_probes();
        circuit.params = self.global_numbers(&top);
        circuit.title = self.deck.title.clone();
        circuit.options = self.options.clone();
        circuit.env = self.env;
        self.apply_overrides();
        self.fill_windings();
        self.groups.retain(|g| !g.is_empty());
        let mut loose = vec![];
        for d in super::topology::check(self, &mut circuit, &mut loose) {
            self.report(d);
        }
        circuit.loose = loose;
        circuit.places = self.survey();
        circuit.probes = self.probes.iter().map(|p| (p.element, p.terminal, p.source)).collect();
        circuit.inner = std::mem::take(&mut self.inner);
        let names = &self.names;
        self.groups.iter_mut().filter(|g| g.info().letter == 'n').for_each(|g| g.name_streams(|n| names.get(n)));
        circuit.groups = std::mem::take(&mut self.groups);
        circuit.nodes = std::mem::take(&mut self.nodes);
        circuit.names = std::mem::take(&mut self.names);
        circuit.index.ports = std::mem::take(&mut self.ports).into_iter().collect();
        circuit.reindex();
        circuit
    }

    fn global_numbers(&self, top: &Scope<'a>) -> Vec<(String, f64)> {
        let number = |(name, p): (&Sym, &Param<'a>)| match p {
            Param::Num(x) => Some((self.names.get(*name).to_string(), *x)),
            _ => None,
        };
        let mut found: Vec<(String, f64)> = top.params.borrow().iter().filter_map(number).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// Parameters that were evaluated before the seed and the temperature were known are evaluated afresh.
    fn reset_params(&mut self, top: &Rc<Scope<'a>>) {
        let defs: Vec<_> = {
            let mut v = vec![];
            collect_params(&self.deck.body, top, &mut v);
            v
        };
        let mut params = top.params.borrow_mut();
        for d in defs {
            params.insert(d.name, Param::Def(d));
        }
    }

    fn define_ifs_again(&mut self, top: &Rc<Scope<'a>>, body: &'a [Stmt]) {
        if body.iter().any(|s| matches!(s, Stmt::If(_))) {
            top.params.borrow_mut().clear();
            top.funcs.borrow_mut().clear();
            top.models.borrow_mut().clear();
            top.bins.borrow_mut().clear();
            top.subckts.borrow_mut().clear();
            top.arms.borrow_mut().clear();
            self.define(top, body);
        }
    }

    /// Evaluates all parameters of a scope, so that faults show even in unused ones and forward chains stay shallow.
    fn force_params(&mut self, scope: &Rc<Scope<'a>>, body: &'a [Stmt]) {
        let mut defs = vec![];
        collect_params(body, scope, &mut defs);
        for d in defs {
            let _ = self.param(scope, d.name);
        }
    }

    /// Capacity for the top level's elements, so that large flat decks do not pay for growth.
    fn reserve(&mut self, body: &'a [Stmt]) {
        let mut counts = [0usize; 128];
        for s in body {
            if let Stmt::Element(e) = s
                && let Some(c) = self.deck.names.get(e.name).bytes().next()
            {
                counts[usize::from(c & 127)] += 1;
            }
        }
        for (letter, name, terminals) in [
            (b'r', "resistor", 2),
            (b'c', "capacitor", 2),
            (b'l', "inductor", 2),
            (b'v', "vsource", 2),
            (b'i', "isource", 2),
        ] {
            let n = counts[usize::from(letter)];
            if n > 1000
                && let Some(ty) = registry::by_name(name)
            {
                let g = self.group(&ty);
                self.groups[g].reserve(n, n * terminals, n);
            }
        }
        self.places.resize(self.names.len(), PLACE_NONE);
        self.node_of.resize(self.names.len(), 0);
    }

    pub fn temp_c(&self) -> f64 {
        self.over.temp_c.or(self.temp_card).unwrap_or(self.options.temp_c)
    }

    fn set_env(&mut self, cards: &[&'a Card]) {
        self.read_temp(cards);
        let zero = crate::base::consts::ZERO_C;
        self.env.temp = self.temp_c() + zero;
        self.env.tnom = self.options.tnom_c + zero;
        self.env.gmin = self.options.gmin;
        self.env.seed = self.options.seed;
        self.env.run = self.over.run;
        self.options.temp_c = self.temp_c();
    }

    pub fn set_temp_card(&mut self, t: f64) {
        self.temp_card = Some(t);
    }

    // --- diagnostics ---

    /// Reports a fault once, however many instances of a subcircuit have it.
    pub fn report(&mut self, d: Diagnostic) {
        if self.quiet {
            return;
        }
        let mut s = d.span().unwrap_or_default();
        // What a card stands for has the same fault in every line.
        if self.sources.generated_by(s).is_some() {
            s.lo = 0;
        }
        if self.seen.insert((d.code.0, s.file.0, s.lo, d.message.clone())) {
            self.diags.push(d);
        }
    }

    /// Reports with the calls that led into the scope.
    pub fn report_in(&mut self, scope: &Scope<'a>, mut d: Diagnostic) {
        if self.quiet {
            return;
        }
        let mut calls = vec![];
        let mut at = scope.calls.as_deref();
        while let Some(c) = at {
            calls.push(c);
            at = c.up.as_deref();
        }
        for (k, c) in calls.iter().enumerate() {
            // The innermost calls and the outermost one tell the way.
            if calls.len() > 6 && (4..calls.len() - 1).contains(&k) {
                if k == 4 {
                    d.notes.push(format!("... {} more calls ...", calls.len() - 5));
                }
                continue;
            }
            d.notes.push(format!("in {}, called at {}", short(&c.path), self.sources.locate(c.span)));
        }
        self.report(d);
    }

    // --- names and nodes ---

    pub fn full_name(&mut self, scope: &Scope<'a>, local: Sym) -> Sym {
        if scope.prefix.is_empty() {
            return local;
        }
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        text.push_str(&scope.prefix);
        text.push_str(self.names.get(local));
        let sym = self.names.intern(&text);
        self.scratch = text;
        sym
    }

    fn set_node_of(&mut self, sym: Sym, node: Unknown) {
        let i = sym.0 as usize;
        if i >= self.node_of.len() {
            self.node_of.resize((i + 1).max(self.names.len()), 0);
        }
        self.node_of[i] = node + 1;
    }

    fn node_of(&self, sym: Sym) -> Option<Unknown> {
        self.node_of.get(sym.0 as usize).and_then(|n| n.checked_sub(1))
    }

    /// The node of a full name, made if need be.
    pub fn node_named(&mut self, sym: Sym) -> Unknown {
        if let Some(n) = self.node_of(sym) {
            return n;
        }
        let n = self.nodes.len() as Unknown;
        self.nodes.push(sym);
        self.set_node_of(sym, n);
        n
    }

    /// What a node name means in a scope; the node is made if need be.
    pub fn node(&mut self, scope: &Scope<'a>, local: Sym) -> Unknown {
        if scope.prefix.is_empty() {
            return self.node_named(local);
        }
        if let Some(n) = scope.port(local) {
            return n;
        }
        if self.is_ground(local) || self.globals.contains_key(&local) {
            return self.node_named(local);
        }
        let full = self.full_name(scope, local);
        self.node_named(full)
    }

    fn is_ground(&self, sym: Sym) -> bool {
        self.node_of(sym) == Some(0)
    }

    /// A node that exists, by its name as seen from a scope: local, hierarchical downwards, or full.
    pub fn find_node(&self, scope: &Scope<'a>, name: &str) -> Option<Unknown> {
        if let Some(sym) = self.names.lookup(name) {
            if let Some(n) = scope.port(sym) {
                return Some(n);
            }
            if (scope.prefix.is_empty() || self.is_ground(sym) || self.globals.contains_key(&sym))
                && let Some(n) = self.node_of(sym)
            {
                return Some(n);
            }
        }
        let full = format!("{}{name}", scope.prefix);
        for text in [full.as_str(), name] {
            if let Some(sym) = self.names.lookup(text)
                && let Some(n) = self.node_of(sym).or_else(|| self.ports.get(&sym).copied())
            {
                return Some(n);
            }
        }
        // `v(a:b)` as some simulators write hierarchy.
        if name.contains(':') {
            return self.find_node(scope, &name.replace(':', "."));
        }
        None
    }

    /// The element that a name means: local, hierarchical, full, or ngspice's `r.x1.r3`.
    pub fn find_element(&self, scope: &Scope<'a>, name: &str) -> Option<Sym> {
        let full = format!("{}{name}", scope.prefix);
        let known = |t: &str| self.names.lookup(t).filter(|s| self.place(*s) != PLACE_NONE);
        known(&full)
            .or_else(|| known(name))
            .or_else(|| super::names::without_letter(name).and_then(known))
            .or_else(|| if name.contains(':') { self.find_element(scope, &name.replace(':', ".")) } else { None })
    }

    pub fn place(&self, sym: Sym) -> Place {
        self.places.get(sym.0 as usize).copied().unwrap_or(PLACE_NONE)
    }

    pub fn set_place(&mut self, sym: Sym, place: Place) {
        let i = sym.0 as usize;
        if i >= self.places.len() {
            self.places.resize((i + 1).max(self.names.len()), PLACE_NONE);
        }
        self.places[i] = place;
    }

    /// The element whose branch current `i(name)` is: the element itself, or a probe put in series with it.
    pub fn branch_of(&mut self, scope: &Scope<'a>, name: &str) -> Option<Sym> {
        let sym = self.find_element(scope, name)?;
        self.current(sym, 0)
    }

    /// The branch that carries the current into a terminal of an element.
    pub fn current(&mut self, element: Sym, terminal: u8) -> Option<Sym> {
        let place = self.place(element);
        let info = self.groups.get(place.group as usize)?.info();
        if info.has_branch && terminal == 0 {
            return Some(element);
        }
        if usize::from(terminal) >= info.terminals.len() {
            return None;
        }
        if let Some(s) = self.probe_of.get(&(element, terminal)) {
            return Some(*s);
        }
        let text = format!("{}:{}", self.names.get(element), info.terminals[usize::from(terminal)].name);
        let source = self.names.intern(&text);
        self.probe_of.insert((element, terminal), source);
        self.probes.push(ProbeWish { element, terminal, source, pin: None });
        Some(source)
    }

    // --- groups ---

    pub fn group(&mut self, ty: &Arc<dyn DeviceType>) -> usize {
        // A Verilog-A module compiled with other sizes is another type of the same name.
        let name = ty.info().name;
        let name = (name, name.as_ptr() as usize);
        if let Some(g) = self.group_of.get(&name) {
            return *g;
        }
        self.groups.push(Group::new(ty.clone()));
        self.group_of.insert(name, self.groups.len() - 1);
        self.groups.len() - 1
    }

    // --- expressions in fields ---

    /// The expression of a `{}` or quoted field, or of a word; parsed once per place.
    pub fn expr_at(&mut self, scope: &Scope<'a>, file: FileId, f: &Field) -> Option<Rc<Expr>> {
        if let Some(e) = self.exprs.get(&(file, f.lo, f.hi)) {
            return e.clone();
        }
        let deck: &'a Deck = self.deck;
        let text = deck.names.get(f.sym);
        let (lo, hi) = (f.lo, f.hi);
        let (span_lo, span_hi) = (lo, hi);
        let span_of =
            |a: usize, b: usize| Span::new(file, (span_lo + a as u32).min(span_hi), (span_lo + b as u32).min(span_hi));
        let mut lints = vec![];
        let parsed = crate::expr::parse_with(text, self.deck.compat.dialect(), &span_of, &mut lints);
        for d in lints {
            self.report_in(scope, d);
        }
        self.keep_expr(scope, file, f.lo, f.hi, parsed)
    }

    fn keep_expr(
        &mut self,
        scope: &Scope<'a>,
        file: FileId,
        lo: u32,
        hi: u32,
        parsed: Result<Expr, Vec<Diagnostic>>,
    ) -> Option<Rc<Expr>> {
        let e = match parsed {
            Ok(e) => Some(Rc::new(e)),
            Err(list) => {
                for d in list {
                    self.report_in(scope, d);
                }
                None
            }
        };
        if !self.quiet {
            self.exprs.insert((file, lo, hi), e.clone());
        }
        e
    }

    /// The expression that a run of fields spells without braces (`i=v(a)*2`), read from the source text.
    pub fn expr_of_run(&mut self, scope: &Scope<'a>, file: FileId, run: &[Field]) -> Option<Rc<Expr>> {
        let (first, last) = (run.first()?, run.last()?);
        if run.len() == 1 && matches!(first.kind, FieldKind::Expr | FieldKind::Word | FieldKind::Text) {
            return self.expr_at(scope, file, first);
        }
        let (lo, hi) = (super::text::outer_lo(first), super::text::outer_hi(last));
        if let Some(e) = self.exprs.get(&(file, lo, hi)) {
            return e.clone();
        }
        let text = super::text::source_text(self.sources, Span::new(file, lo, hi));
        let (span_lo, span_hi) = (lo, hi);
        let span_of =
            |a: usize, b: usize| Span::new(file, (span_lo + a as u32).min(span_hi), (span_lo + b as u32).min(span_hi));
        let mut lints = vec![];
        let parsed = crate::expr::parse_with(&text, self.deck.compat.dialect(), &span_of, &mut lints);
        for d in lints {
            self.report_in(scope, d);
        }
        self.keep_expr(scope, file, lo, hi, parsed)
    }

    /// The number that a word or an expression stands for; faults are reported.
    pub fn number(&mut self, scope: &Rc<Scope<'a>>, file: FileId, f: &Field) -> Option<f64> {
        let x = self.any_number(scope, file, f)?;
        if x.is_infinite() {
            let d = Diagnostic::error(crate::diag::codes::expr::NOT_FINITE, "number too large")
                .at(Span::new(file, f.lo, f.hi), "beyond 1.8e308");
            self.report_in(scope, d);
            return None;
        }
        Some(x)
    }

    fn any_number(&mut self, scope: &Rc<Scope<'a>>, file: FileId, f: &Field) -> Option<f64> {
        match f.kind {
            FieldKind::Word | FieldKind::Key => {
                let text = self.deck.names.get(f.sym);
                if let Some(x) = number_of(text) {
                    return Some(x);
                }
                // `2k2`: 2200 in LTspice, 2000 elsewhere, with a lint.
                if let Some(pointed) = crate::expr::parser::rkm(text) {
                    if self.deck.compat.dialect().rkm_numbers {
                        return Some(pointed);
                    }
                    let at = Span::new(file, f.lo, f.hi);
                    if let Some(d) = crate::netlist::lint::number(self.sources.text(at), at, false) {
                        self.report_in(scope, d);
                    }
                    return crate::base::units::parse_number(text).map(|n| n.value);
                }
            }
            FieldKind::Expr | FieldKind::Text => {}
            _ => {
                let d = Diagnostic::error(codes::VALUE, "a number or an expression is needed here");
                self.report_in(scope, d.at(Span::new(file, f.lo, f.hi), "instead of this"));
                return None;
            }
        }
        let e = self.expr_at(scope, file, f)?;
        self.constant(scope, &e)
    }

    /// A number, or the text of a text parameter.
    pub fn value(&mut self, scope: &Rc<Scope<'a>>, file: FileId, f: &Field) -> Option<Value> {
        if let Some(sym) = self.lone_name(file, f)
            && let Some(v) = self.param(scope, sym)
        {
            return v;
        }
        if f.kind == FieldKind::Text {
            return Some(Value::Text(self.sources.text(Span::new(file, f.lo, f.hi)).into()));
        }
        self.number(scope, file, f).map(Value::Num)
    }

    /// `name` or `{name}`, as a symbol.
    pub fn lone_name(&mut self, _file: FileId, f: &Field) -> Option<Sym> {
        match f.kind {
            FieldKind::Word => Some(f.sym),
            FieldKind::Expr => self.names.lookup(self.deck.names.get(f.sym).trim()),
            _ => None,
        }
    }

    // --- the walk ---

    fn collect_cards(&mut self, scope: &Rc<Scope<'a>>, body: &'a [Stmt], out: &mut Vec<&'a Card>) {
        for s in body {
            match s {
                Stmt::Card(c) => out.push(c),
                Stmt::If(d) => {
                    let arm = scope.arms.borrow().get(&(&**d as *const _)).copied().flatten();
                    if let Some((_, b)) = arm.and_then(|k| d.arms.get(k)) {
                        self.collect_cards(scope, b, out);
                    }
                }
                _ => {}
            }
        }
    }

    pub fn walk(&mut self, scope: &Rc<Scope<'a>>, body: &'a [Stmt]) {
        for s in body {
            if self.count > MAX_ELEMENTS || self.names.text_len() > MAX_TEXT {
                if !self.is_too_large {
                    self.is_too_large = true;
                    self.report(
                        Diagnostic::error(
                            codes::TOO_LARGE,
                            format!("the flattened circuit is too large: given up after {} elements", self.count),
                        )
                        .help("do subcircuits that call each other several times multiply?"),
                    );
                }
                return;
            }
            match s {
                Stmt::Element(e) => self.element(scope, e),
                Stmt::Card(c) if scope.parent.is_some() => self.local_card(scope, c),
                Stmt::If(d) => {
                    let arm = scope.arms.borrow().get(&(&**d as *const _)).copied().flatten();
                    if let Some((_, b)) = arm.and_then(|k| d.arms.get(k)) {
                        self.walk(scope, b);
                    }
                }
                _ => {}
            }
        }
    }

    fn element(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element) {
        self.count += 1;
        let letter = self.deck.names.get(e.name).bytes().next().unwrap_or(b' ');
        if letter == b'x' {
            self.call(scope, e);
            return;
        }
        let full = self.full_name(scope, e.name);
        if self.place(full) != PLACE_NONE {
            let name = self.names.get(full).to_string();
            let first = self.place_span(full);
            let mut d = Diagnostic::error(codes::DUPLICATE, format!("element `{name}` is defined twice"))
                .at(e.span(), "again here");
            if let Some(s) = first {
                d = d.at(s, "first here");
            }
            self.report_in(scope, d.help("give one of them another name"));
            return;
        }
        self.lower(scope, e, full, letter);
    }

    pub fn place_span(&self, sym: Sym) -> Option<Span> {
        let p = self.place(sym);
        let g = self.groups.get(p.group as usize)?;
        if (p.index as usize) < g.len() {
            return Some(g.get(p.index as usize).span);
        }
        self.pending
            .iter()
            .find(|q| self.names.lookup(&format!("{}{}", q.scope.prefix, self.deck.names.get(q.el.name))) == Some(sym))
            .map(|q| q.el.span())
    }

    fn lower_pending(&mut self) {
        for p in std::mem::take(&mut self.pending) {
            let full = self.full_name(&p.scope, p.el.name);
            self.lower_signals(&p.scope, p.el, full);
        }
    }

    /// Ports by inner name are kept only for circuits of ordinary size: `v(x1.port)` is a convenience.
    pub fn wants_ports(&self) -> bool {
        self.ports.len() < 100_000
    }

    fn apply_overrides(&mut self) {
        let over = self.over;
        let top = self.top.clone();
        for (name, param, value) in &over.instances {
            let Some(sym) = self.find_element(&top, name) else {
                self.report(Diagnostic::error(
                    codes::UNKNOWN_ELEMENT,
                    format!("a sweep names the element `{name}`, which does not exist"),
                ));
                continue;
            };
            let p = self.place(sym);
            let Some(g) = self.groups.get_mut(p.group as usize) else { continue };
            let info = *g.info();
            let id = match param {
                None => info.positional,
                Some(t) => crate::device::param::find(info.instance, t),
            };
            match id {
                Some(id) => g.set_instance_param(p.index as usize, id, (*value).into()),
                None => {
                    let what = param.as_deref().unwrap_or("value");
                    self.report(Diagnostic::error(
                        codes::UNKNOWN_INSTANCE_PARAM,
                        format!("`{name}` ({}) has no parameter `{what}` that could be swept", info.name),
                    ));
                }
            }
        }
        for (model, param, value) in &over.models {
            let mut found = false;
            for g in &mut self.groups {
                let info = *g.info();
                for card in &mut g.models {
                    if card.name.eq_ignore_ascii_case(model)
                        && let Some(id) = crate::device::param::find(info.model, param)
                    {
                        card.set(id, *value);
                        found = true;
                    }
                }
            }
            if !found {
                self.report(Diagnostic::error(
                    codes::UNKNOWN_MODEL,
                    format!("a sweep names `{model}({param})`, which no element in the circuit uses"),
                ));
            }
        }
    }
}

fn collect_params<'a>(body: &'a [Stmt], scope: &Rc<Scope<'a>>, out: &mut Vec<&'a crate::netlist::ast::ParamDef>) {
    for s in body {
        match s {
            Stmt::Param(p) => out.push(p),
            Stmt::If(d) => {
                let arm = scope.arms.borrow().get(&(&**d as *const _)).copied().flatten();
                if let Some((_, b)) = arm.and_then(|k| d.arms.get(k)) {
                    collect_params(b, scope, out);
                }
            }
            _ => {}
        }
    }
}

/// A long path by its two ends.
fn short(path: &str) -> std::borrow::Cow<'_, str> {
    let count = path.chars().count();
    if count <= 60 {
        return path.into();
    }
    let (head, tail): (String, String) = (path.chars().take(25).collect(), path.chars().skip(count - 25).collect());
    format!("{head}...{tail}").into()
}
