//! The equations: contributions to branches become rows of unknowns.
//!
//! A branch whose potential is never given adds its flow to the rows of its nodes. Any other has an unknown flow X and a
//! row of its own: `potential given ? V(hi,lo) - v = 0 : X - i = 0`. Which of the two holds may be known from parameters
//! (then instances differ in their unknowns), or change while simulating (a switch branch).

use super::{BranchInfo, BranchMode, Cell, Lower, OpVarInfo, SignalKind, codes};
use crate::veriloga::hir::{NodeId, Owner, Param, ParamId, ParamKind, RangeSet, Ty as HTy};
use crate::veriloga::ir::{BinOp, Const, In, Out, Sink, Ty, Val, env, sim};

/// `In::Sim` index of "the state of idt k is static and its initial value depends on the solution".
pub(super) const IDT_STATIC: u32 = 1000;
/// `Out::Flag` index of the initial value of idt k.
pub(super) const IDT_IC: u32 = 1_000_000;
/// `Out::Flag` index of "the operator of unknown u is there": where parameters leave its place out, so do they the unknown.
pub(super) const ON: u32 = 2_000_000;
/// 1/s at which a state under reset follows its initial value.
const RESET_RATE: f64 = 1e18;

/// Second index of `Out::Root`.
pub(super) mod root {
    pub const CHARGE: u32 = 0;
    pub const LIMIT_ARG: u32 = 1;
    pub const LIMIT_VALUE: u32 = 2;
}

/// Second index of `Out::Event`.
pub mod event {
    pub const WATCH: u32 = 0;
    pub const DIRECTION: u32 = 1;
    pub const ON: u32 = 2;
    pub const START: u32 = 3;
    pub const PERIOD: u32 = 4;
    pub const TIME_TOL: u32 = 5;
    pub const TOL: u32 = 6;
    pub const COUNT: usize = 7;
}

impl Lower<'_> {
    /// The function of parameters: defaults, ranges, initial values of variables.
    pub(super) fn all_parameters(&mut self) {
        let m = self.m;
        for (id, p) in m.params.iter() {
            for k in 0..p.len() as u32 {
                self.parameter(id, p, k);
            }
        }
        for (id, v) in m.vars.iter().filter(|(_, v)| v.owner == Owner::Module) {
            for (k, e) in v.init.iter().flatten().enumerate() {
                let x = self.expr(*e);
                let x = match Self::ir_type(v.ty) {
                    Ty::Real => self.coerce_real(x),
                    Ty::Int => self.coerce_int(x),
                    Ty::Bool => self.coerce_bool(x),
                };
                self.b.output(Sink { class: Out::Hidden, a: id.0, b: k as u32 }, x);
            }
        }
    }

    fn parameter(&mut self, id: ParamId, p: &Param, k: u32) {
        let ty = Self::ir_type(p.ty);
        let default = match p.default.get(k as usize).or(p.default.last()) {
            Some(e) => self.expr(*e),
            None => self.zero(ty),
        };
        let default = match ty {
            Ty::Real => self.coerce_real(default),
            Ty::Int => self.coerce_int(default),
            Ty::Bool => self.coerce_bool(default),
        };
        let index = self.param_index.get(&(id, k)).copied().unwrap_or(0);
        let mut value = default;
        if p.kind == ParamKind::Parameter {
            let given = self.b.input(In::Given, index, Ty::Bool);
            let x = self.b.input(In::Param, index, ty);
            value = self.b.select(given, x, default);
            if !p.ranges.is_empty() {
                let ok = self.in_range(p, value);
                let absent = self.b.not(given);
                let ok = self.b.bin(BinOp::Or, absent, ok);
                let n = self.out.checks.len() as u32;
                self.out.checks.push((id, p.span));
                self.b.output(Sink::new(Out::Check, n), ok);
            }
        }
        if let Some(values) = &mut self.param_values {
            values.insert((id, k), value);
        }
        self.b.output(Sink::new(Out::Param, index), value);
    }

    fn in_range(&mut self, p: &Param, value: Val) -> Val {
        let mut included = self.b.bool(false);
        let mut has_from = false;
        let mut excluded = self.b.bool(false);
        for r in &p.ranges {
            let hit = match &r.set {
                RangeSet::Interval { lo, lo_inclusive, hi, hi_inclusive } => {
                    let (lo, hi) = (self.real_expr(*lo), self.real_expr(*hi));
                    let x = self.coerce_real(value);
                    let a = self.b.bin(if *lo_inclusive { BinOp::Le } else { BinOp::Lt }, lo, x);
                    let c = self.b.bin(if *hi_inclusive { BinOp::Le } else { BinOp::Lt }, x, hi);
                    self.b.and(a, c)
                }
                RangeSet::Values(list) => {
                    let mut any = self.b.bool(false);
                    for e in list {
                        let is = if p.ty == HTy::Str {
                            let y = self.expr(*e);
                            self.b.bin(BinOp::IEq, value, y)
                        } else {
                            let (x, y) = (self.coerce_real(value), self.real_expr(*e));
                            self.b.bin(BinOp::Eq, x, y)
                        };
                        any = self.b.bin(BinOp::Or, any, is);
                    }
                    any
                }
            };
            if r.is_exclude {
                excluded = self.b.bin(BinOp::Or, excluded, hit);
            } else {
                has_from = true;
                included = self.b.bin(BinOp::Or, included, hit);
            }
        }
        let out = self.b.not(excluded);
        if has_from { self.b.and(included, out) } else { out }
    }

    /// Everything of the `analog` function.
    pub(super) fn run(&mut self) {
        let m = self.m;
        self.initial_blocks(&m.analog);
        self.initial_block(&m.initial);
        self.stmts(&m.analog);
        let mut rows: Vec<Option<Val>> = vec![None; m.nodes.len()];
        self.branches(&mut rows);
        let flows: Vec<(u32, u32)> = {
            let mut f: Vec<_> = self.port_flow_of.iter().map(|(p, u)| (*p, *u)).collect();
            f.sort_unstable();
            f
        };
        for (p, u) in flows {
            let node = m.ports.iter().nth(p as usize).map_or(NodeId(0), |(_, x)| x.node);
            let x = self.probe(Some(u), None);
            let row = match rows[node.0 as usize] {
                Some(r) => self.b.sub(x, r),
                None => x,
            };
            self.b.output(Sink::new(Out::F, u), row);
        }
        let factor = self.environment(env::MFACTOR);
        for (node, row) in rows.iter().enumerate().skip(1) {
            if let Some(r) = row {
                let r = self.b.mul(factor, *r);
                self.b.output(Sink::new(Out::F, node as u32 - 1), r);
            }
        }
        self.states();
        for u in std::mem::take(&mut self.rows) {
            let mut row = self.read(Cell::Row(u));
            if let Some(on) = self.is_on(u) {
                let x = self.probe(Some(u), None);
                row = self.b.select(on, row, x);
            }
            self.b.output(Sink::new(Out::F, u), row);
        }
        self.sites();
        self.variables();
        self.directions();
        self.out.texts_func = std::mem::take(&mut self.texts).finish().checked("texts");
        self.out.analog = std::mem::take(&mut self.b).finish().checked("lowering");
    }

    fn branches(&mut self, rows: &mut [Option<Val>]) {
        let m = self.m;
        for (id, br) in m.branches.iter() {
            let is_touched = self.env.get(Cell::Kind(id)).is_some();
            let is_probed = self.flow_of.contains_key(&id);
            if !is_touched && !is_probed {
                continue;
            }
            // A flow that is only looked at is that of a short.
            let kind = if is_touched { self.read(Cell::Kind(id)) } else { self.b.bool(true) };
            let (flow, potential) = (self.read(Cell::Flow(id)), self.read(Cell::Potential(id)));
            let (hi, lo) = (self.unknown_of(br.hi), self.unknown_of(br.lo));
            let is_flow = matches!(self.b.constant(kind), Some(Const::Bool(false)));
            let mut info = BranchInfo { branch: id, mode: BranchMode::Flow, hi, lo, unknown: None };
            let current = if is_flow && !is_probed {
                flow
            } else {
                let u = self.flow_unknown(id);
                info.unknown = Some(u);
                let x = self.probe(Some(u), None);
                let across = self.potential(br.hi, br.lo);
                let given = self.b.sub(across, potential);
                let contributed = self.b.sub(x, flow);
                let row = self.b.select(kind, given, contributed);
                let (indirect, equation) = (self.read(Cell::IsIndirect(id)), self.read(Cell::Equation(id)));
                let row = self.b.select(indirect, equation, row);
                self.b.output(Sink::new(Out::F, u), row);
                let is_zero = matches!(self.b.constant(potential), Some(Const::Real(z)) if z == 0.0)
                    && matches!(self.b.constant(indirect), Some(Const::Bool(false)));
                info.mode = match (is_probed, is_zero) {
                    (true, _) => BranchMode::Unknown,
                    (false, true) => BranchMode::Collapse,
                    (false, false) => BranchMode::Static,
                };
                self.b.output(Sink::new(Out::Flag, self.out.branches.len() as u32), kind);
                if is_probed { x } else { self.b.select(kind, x, flow) }
            };
            for (node, sign) in [(br.hi, true), (br.lo, false)] {
                if node.0 != 0 {
                    let old = rows[node.0 as usize].unwrap_or_else(|| self.b.real(0.0));
                    let new = if sign { self.b.add(old, current) } else { self.b.sub(old, current) };
                    rows[node.0 as usize] = Some(new);
                }
            }
            self.out.branches.push(info);
        }
    }

    /// Whether the place of an operator with an unknown was passed, if that is not certain.
    fn is_on(&mut self, unknown: u32) -> Option<Val> {
        let on = self.read(Cell::On(unknown));
        if self.b.constant(on) == Some(Const::Bool(true)) {
            return None;
        }
        self.b.output(Sink::new(Out::Flag, ON + unknown), on);
        Some(on)
    }

    /// Rows of `idt`: d/dt y - arg = 0.
    fn states(&mut self) {
        for k in 0..self.out.idts.len() as u32 {
            let info = self.out.idts[k as usize].clone();
            let y = self.probe(Some(info.unknown), None);
            let arg = self.read(Cell::IdtArg(k));
            let rate = self.ddt(y);
            let mut rest = self.b.neg(arg);
            if info.has_ic {
                let ic = self.read(Cell::IdtIc(k));
                let is_static = self.b.input(In::Sim, IDT_STATIC + k, Ty::Bool);
                let off = self.b.sub(y, ic);
                rest = self.b.select(is_static, off, rest);
                if self.env.get(Cell::IdtReset(k)).is_some() {
                    let reset = self.read(Cell::IdtReset(k));
                    let rate = self.b.real(RESET_RATE);
                    let pull = self.b.mul(rate, off);
                    rest = self.b.select(reset, pull, rest);
                }
                self.b.output(Sink::new(Out::Flag, IDT_IC + k), ic);
            }
            if let Some(on) = self.is_on(info.unknown) {
                // A place that is not passed integrates nothing: it starts from 0 and keeps what it has.
                let is_search = self.sim_flag(sim::IS_SEARCH);
                let zero = self.b.real(0.0);
                let idle = self.b.select(is_search, y, zero);
                rest = self.b.select(on, rest, idle);
            }
            let row = self.b.add(rate, rest);
            self.b.output(Sink::new(Out::F, info.unknown), row);
        }
    }

    /// What operator sites were given.
    fn sites(&mut self) {
        for k in 0..self.charges {
            let v = self.read(Cell::Charge(k));
            self.b.output(Sink { class: Out::Root, a: k, b: root::CHARGE }, v);
        }
        for k in 0..self.out.limits {
            let (arg, value) = (self.read(Cell::LimitArg(k)), self.read(Cell::LimitValue(k)));
            self.b.output(Sink { class: Out::Root, a: k, b: root::LIMIT_ARG }, arg);
            self.b.output(Sink { class: Out::Root, a: k, b: root::LIMIT_VALUE }, value);
        }
        for k in 0..self.out.limit_states {
            let v = self.read(Cell::LimitState(k));
            self.b.output(Sink::new(Out::Old, k), v);
        }
        if self.env.get(Cell::Limited).is_some() {
            let v = self.read(Cell::Limited);
            self.b.output(Sink::new(Out::IsLimited, 0), v);
        }
        for k in 0..self.out.noises.len() as u32 {
            let p = self.read(Cell::NoisePower(k));
            self.b.output(Sink { class: Out::Noise, a: k, b: 0 }, p);
            let info = &self.out.noises[k as usize];
            if info.is_flicker || info.is_stimulus {
                let e = self.read(Cell::NoiseExponent(k));
                self.b.output(Sink { class: Out::Noise, a: k, b: 1 }, e);
            }
        }
        for k in 0..self.out.signals.len() as u32 {
            let count = match self.out.signals[k as usize].kind {
                SignalKind::Delay { .. } => 1,
                SignalKind::Transition => 4,
                SignalKind::Sampled { num, den } => 4 + num + den,
            };
            for b in 0..count {
                let v = self.read(Cell::Signal(k, b));
                self.b.output(Sink { class: Out::Signal, a: k, b }, v);
            }
        }
        for k in 0..self.out.tables.len() as u32 {
            let t = &self.out.tables[k as usize];
            let count = if t.fixed.is_some() { 0 } else { (t.rows * t.columns) as u32 };
            for b in 0..count {
                let v = self.read(Cell::Point(k, b));
                self.b.output(Sink { class: Out::Table, a: k, b }, v);
            }
        }
        for k in 0..self.out.events.len() as u32 {
            for (cell, b) in [
                (Cell::Watch(k), event::WATCH),
                (Cell::WatchDirection(k), event::DIRECTION),
                (Cell::WatchOn(k), event::ON),
                (Cell::TimerStart(k), event::START),
                (Cell::TimerPeriod(k), event::PERIOD),
                (Cell::WatchTimeTol(k), event::TIME_TOL),
                (Cell::WatchTol(k), event::TOL),
            ] {
                let v = self.read(cell);
                self.b.output(Sink { class: Out::Event, a: k, b }, v);
            }
        }
        if self.env.get(Cell::Bound).is_some() {
            let v = self.read(Cell::Bound);
            self.b.output(Sink::new(Out::Step, 0), v);
        }
        if self.env.get(Cell::Jump).is_some() {
            let v = self.read(Cell::Jump);
            self.b.output(Sink::new(Out::Step, 1), v);
        }
    }

    /// Persisting variables and what is shown of them.
    fn variables(&mut self) {
        let m = self.m;
        for (id, v) in m.vars.iter().filter(|(_, v)| v.owner == Owner::Module) {
            for k in 0..v.len() as u32 {
                let cell = Cell::Var(id, k);
                let is_shown = v.is_output && v.ty != HTy::Str;
                if !is_shown && !self.hidden.contains_key(&cell) {
                    continue;
                }
                let x = self.read(cell);
                if let Some(h) = self.hidden.get(&cell) {
                    self.b.output(Sink { class: Out::Hidden, a: *h, b: 0 }, x);
                }
                if is_shown || v.ty != HTy::Str {
                    let n = self.out.op_vars.len() as u32;
                    let name = if v.dims.is_empty() { v.name.clone() } else { format!("{}[{k}]", v.name) };
                    self.out.op_vars.push(OpVarInfo {
                        name,
                        unit: v.attrs.units.clone().unwrap_or_default(),
                        doc: v.attrs.desc.clone().unwrap_or_else(|| "variable of the module".into()),
                    });
                    let real = self.coerce_real(x);
                    self.b.output(Sink { class: Out::OpVar, a: n, b: u32::from(is_shown) }, real);
                }
            }
        }
        for k in 0..self.aux {
            let x = self.read(Cell::Aux(k));
            if let Some(h) = self.hidden.get(&Cell::Aux(k)) {
                self.b.output(Sink { class: Out::Hidden, a: *h, b: 0 }, x);
            }
        }
        // The initial value of each persisting variable, in the numbering of the cells.
        let mut by_index: Vec<(u32, u32, u32)> = self
            .hidden
            .iter()
            .filter_map(|(c, h)| match c {
                Cell::Var(v, k) => Some((*h, v.0, *k)),
                _ => None,
            })
            .collect();
        by_index.sort_unstable();
        let mut f = std::mem::take(&mut self.out.params_func);
        for (s, _) in &mut f.outputs {
            if s.class == Out::Hidden {
                let found = by_index.iter().find(|(_, v, k)| *v == s.a && *k == s.b);
                // What does not persist needs no initial value.
                s.a = found.map_or(u32::MAX, |x| x.0);
            }
        }
        f.outputs.retain(|(s, _)| s.class != Out::Hidden || s.a != u32::MAX);
        for (s, _) in &mut f.outputs {
            if s.class == Out::Hidden {
                s.b = 0;
            }
        }
        self.out.params_func = f;
        if self.out.cells.len() > 100_000 {
            self.fault(
                codes::TOO_LARGE,
                "the module keeps too many values between time points",
                m.span,
                "in this module",
            );
        }
    }

    /// `ddx` was given an unknown; now all probes that contain it are known.
    fn directions(&mut self) {
        let probes = self.out.probes.clone();
        for d in self.b.func.directions.iter_mut().filter(|d| d.iter().any(|t| t.1.is_nan())) {
            let named: Vec<Option<u32>> = d.iter().map(|t| (t.0 != u32::MAX).then_some(t.0)).collect();
            // How much a probe moves with an unknown.
            let moves = |(hi, lo): &(Option<u32>, Option<u32>), u: &Option<u32>| {
                f64::from(i8::from(u.is_some() && hi == u) - i8::from(u.is_some() && lo == u))
            };
            let coefficient = |p: &(Option<u32>, Option<u32>)| match named.as_slice() {
                [a] | [a, None] => moves(p, a),
                [None, b] => -moves(p, b),
                [a, b] => 0.5 * (moves(p, a) - moves(p, b)),
                _ => 0.0,
            };
            *d =
                probes.iter().enumerate().map(|(k, p)| (k as u32, coefficient(p))).filter(|(_, c)| *c != 0.0).collect();
        }
    }
}
