//! Analog operators, noise, limiting, flow probes.

use super::{Cell, IdtInfo, Lower, NoiseInfo, UnknownSource};
use crate::veriloga::hir::{
    self, BranchId, DdxVar, ExprId, Laplace, Limiter, OperatorId, OperatorKind, Roots, Stmt, StmtKind, Task,
};
use crate::veriloga::ir::{BinOp, Const, In, Op, Ty, UnOp, Val, sim};
use crate::veriloga::passes::TEMPERATURE;

/// Argument of `limexp` above which it goes on as a straight line.
const EXP_MAX: f64 = 80.0;
/// Critical voltages are below, V.
const MAX_CRITICAL: f64 = 100.0;
/// Rise and fall time of a `transition` that gives none, s.
pub(super) const DEFAULT_EDGE: f64 = 1e-9;
/// 1/s with which the output of `slew` follows where no rate limits it.
const SLEW_GAIN: f64 = 1e12;

impl Lower<'_> {
    /// The unknown flow of a branch, made on first demand.
    pub(super) fn flow_unknown(&mut self, b: BranchId) -> u32 {
        if let Some(u) = self.flow_of.get(&b) {
            return *u;
        }
        let br = &self.m.branches[b];
        let nature = self.m.nature(b, crate::veriloga::hir::Quantity::Flow);
        let unit = nature.map_or("A", |n| n.units.as_str()).to_string();
        let potential = self.m.nature(b, crate::veriloga::hir::Quantity::Potential);
        let tol = (unit != "A").then(|| (nature.map_or(1e-12, |n| n.abstol), potential.map_or(1e-6, |n| n.abstol)));
        let name = match &br.name {
            Some(n) => format!("flow({n})"),
            None => {
                let at = |n| self.m.nodes.get(n).map_or("gnd", |x| x.name.as_str());
                if br.lo.0 == 0 { format!("flow({})", at(br.hi)) } else { format!("flow({},{})", at(br.hi), at(br.lo)) }
            }
        };
        let u = self.add_unknown(name, UnknownSource::Flow(b), &unit, tol, true);
        self.flow_of.insert(b, u);
        u
    }

    pub(super) fn flow(&mut self, b: BranchId) -> Val {
        let u = self.flow_unknown(b);
        self.probe(Some(u), None)
    }

    pub(super) fn port_flow(&mut self, p: u32) -> Val {
        let u = match self.port_flow_of.get(&p) {
            Some(u) => *u,
            None => {
                let name = self.m.ports.iter().nth(p as usize).map_or(String::new(), |(_, x)| x.name.clone());
                let u = self.add_unknown(format!("flow(<{name}>)"), UnknownSource::PortFlow(p), "A", None, true);
                self.port_flow_of.insert(p, u);
                u
            }
        };
        self.probe(Some(u), None)
    }

    /// A new `ddt` site.
    pub(super) fn ddt(&mut self, arg: Val) -> Val {
        let k = self.charges;
        self.charges += 1;
        self.write(Cell::Charge(k), arg);
        self.b.op(Op::Ddt(k, arg))
    }

    fn optional(&mut self, e: Option<ExprId>) -> Option<Val> {
        e.map(|e| self.real_expr(e))
    }

    pub(super) fn operator(&mut self, id: OperatorId) -> Val {
        let m = self.m;
        let op = &m.operators[id];
        let span = op.span;
        let is_pure = match &op.kind {
            OperatorKind::LimExp(_) | OperatorKind::Ddx { .. } => true,
            OperatorKind::TableModel { .. } => !self.is_params,
            _ => false,
        };
        if self.in_loop > 0 && !is_pure {
            return self.unsupported("an analog operator in a loop of unknown length", span);
        }
        if self.is_params && !is_pure {
            return self.unsupported("an analog operator in the default of a parameter", span);
        }
        match &op.kind {
            OperatorKind::Ddt { arg, .. } => {
                let v = self.real_expr(*arg);
                self.ddt(v)
            }
            OperatorKind::Idt { arg, ic, assert, abstol } => {
                let reset = assert.map(|e| {
                    let v = self.expr(e);
                    self.coerce_bool(v)
                });
                self.idt(*arg, *ic, reset, *abstol)
            }
            OperatorKind::IdtMod { arg, ic, modulus, offset, abstol } => {
                let y = self.idt(*arg, *ic, None, *abstol);
                let Some(modulus) = self.optional(*modulus) else { return y };
                let offset = match self.optional(*offset) {
                    Some(o) => o,
                    None => self.b.real(0.0),
                };
                let d = self.b.sub(y, offset);
                let n = self.b.div(d, modulus);
                let n = self.b.un(UnOp::Floor, n);
                let turns = self.b.mul(modulus, n);
                self.b.sub(y, turns)
            }
            OperatorKind::Ddx { arg, wrt } => {
                let v = self.real_expr(*arg);
                // Which probes hold the unknowns is known at the end: `directions` fills them in.
                let marker = |u: Option<u32>| (u.unwrap_or(u32::MAX), f64::NAN);
                let direction = match wrt {
                    DdxVar::Potential(n) => vec![marker(self.unknown_of(*n))],
                    DdxVar::Difference(a, b) => vec![marker(self.unknown_of(*a)), marker(self.unknown_of(*b))],
                    DdxVar::Flow(b) => vec![marker(Some(self.flow_unknown(*b)))],
                    DdxVar::Temperature => vec![(TEMPERATURE, 1.0)],
                };
                let k = self.b.func.directions.len() as u32;
                self.b.func.directions.push(direction);
                self.b.op(Op::Ddx(k, v))
            }
            OperatorKind::LimExp(a) => {
                let x = self.real_expr(*a);
                let max = self.b.real(EXP_MAX);
                let above = self.b.bin(BinOp::Lt, max, x);
                let capped = self.b.select(above, max, x);
                let e = self.b.un(UnOp::Exp, capped);
                let over = self.b.sub(x, capped);
                let one = self.b.real(1.0);
                let slope = self.b.add(one, over);
                self.b.mul(e, slope)
            }
            OperatorKind::WhiteNoise { power, name } => {
                let p = self.real_expr(*power);
                self.noise(p, None, name.as_deref().unwrap_or("white"))
            }
            OperatorKind::FlickerNoise { power, exponent, name } => {
                let (p, e) = (self.real_expr(*power), self.real_expr(*exponent));
                self.noise(p, Some(e), name.as_deref().unwrap_or("flicker"))
            }
            OperatorKind::NoiseTable { table, is_log, name } => {
                let axis = hir::AxisControl {
                    interpolation: hir::Interpolation::Linear,
                    below: hir::Extrapolation::Constant,
                    above: hir::Extrapolation::Constant,
                };
                let one = self.b.real(1.0);
                let table = self.table(table, &[axis], 1, span);
                let v = self.noise(one, None, name.as_deref().unwrap_or("table"));
                if let Some(info) = self.out.noises.last_mut() {
                    info.table = table.map(|t| (t, *is_log));
                }
                v
            }
            OperatorKind::AcStim { analysis, magnitude, phase } => {
                if analysis != "ac" {
                    return self.b.real(0.0);
                }
                let one = self.b.real(1.0);
                let zero = self.b.real(0.0);
                let m = self.optional(*magnitude).unwrap_or(one);
                let p = self.optional(*phase).unwrap_or(zero);
                let v = self.noise(m, None, "ac_stim");
                if let Some(info) = self.out.noises.last_mut() {
                    info.is_stimulus = true;
                }
                let k = self.out.noises.len() as u32 - 1;
                self.write(Cell::NoiseExponent(k), p);
                v
            }
            OperatorKind::Laplace(l) => self.laplace(l, span),
            OperatorKind::AbsDelay { arg, delay, max_delay } => {
                let (a, td) = (self.real_expr(*arg), self.real_expr(*delay));
                let most = self.optional(*max_delay);
                self.delay(a, td, most)
            }
            OperatorKind::Sampled { filter, period, transition, start } => {
                let u = self.real_expr(filter.arg);
                let period = self.real_expr(*period);
                let zero = self.b.real(0.0);
                let tau = self.optional(*transition).unwrap_or(zero);
                let start = self.optional(*start).unwrap_or(zero);
                let num = self.in_z(&filter.num);
                let den = self.in_z(&filter.den);
                self.sampled(u, [period, tau, start], &num, &den)
            }
            OperatorKind::Transition { arg, delay, rise, fall, .. } => {
                let a = self.real_expr(*arg);
                let zero = self.b.real(0.0);
                let delay = self.optional(*delay).unwrap_or(zero);
                let edge = self.b.real(DEFAULT_EDGE);
                let rise = self.optional(*rise).unwrap_or(edge);
                let fall = self.optional(*fall).unwrap_or(rise);
                self.transition(a, delay, rise, fall)
            }
            OperatorKind::Slew { arg, rise, fall } => {
                let a = self.real_expr(*arg);
                let Some(rise) = self.optional(*rise) else { return a };
                let fall = match self.optional(*fall) {
                    Some(f) => f,
                    None => self.b.neg(rise),
                };
                self.slew(a, rise, fall)
            }
            OperatorKind::LastCrossing { arg, direction } => {
                let a = self.real_expr(*arg);
                let zero = self.b.real(0.0);
                let d = self.optional(*direction).unwrap_or(zero);
                self.last_crossing(a, d)
            }
            OperatorKind::TableModel { inputs, table, axes, column } => {
                self.table_model(inputs, table, axes, *column, span)
            }
            OperatorKind::Limit { arg, limiter } => {
                let v = self.real_expr(*arg);
                self.limit(v, limiter, span)
            }
        }
    }

    /// The row of an unknown that an operator brings along, where the operator stands.
    pub(super) fn row(&mut self, unknown: u32, row: Val) {
        let on = self.b.bool(true);
        self.write(Cell::Row(unknown), row);
        self.write(Cell::On(unknown), on);
        self.rows.push(unknown);
    }

    /// d/dt y = K (arg - y), not faster than the two rates.
    fn slew(&mut self, arg: Val, rise: Val, fall: Val) -> Val {
        let n = self.out.unknowns.len();
        let u = self.add_unknown(format!("slew{n}"), UnknownSource::Filter, "", Some((1e-9, 1e-9)), false);
        let y = self.probe(Some(u), None);
        let is_static = self.is_static();
        let rate = self.ddt(y);
        let b = &mut self.b;
        let k = b.real(SLEW_GAIN);
        let off = b.sub(arg, y);
        let want = b.mul(k, off);
        let high = b.bin(BinOp::Lt, rise, want);
        let want = b.select(high, rise, want);
        let low = b.bin(BinOp::Lt, want, fall);
        let want = b.select(low, fall, want);
        // At rest the output is the argument, at all frequencies: the content of the row is nothing against this.
        let held = b.mul(k, off);
        let held = b.neg(held);
        let moving = b.neg(want);
        let rest = b.select(is_static, held, moving);
        let row = b.add(rate, rest);
        self.row(u, row);
        y
    }

    fn noise(&mut self, power: Val, exponent: Option<Val>, name: &str) -> Val {
        let k = self.out.noises.len() as u32;
        let is_flicker = exponent.is_some();
        self.out.noises.push(NoiseInfo {
            name: name.into(),
            hi: None,
            lo: None,
            is_flicker,
            is_stimulus: false,
            rows: vec![],
            table: None,
        });
        self.write(Cell::NoisePower(k), power);
        if let Some(e) = exponent {
            self.write(Cell::NoiseExponent(k), e);
        }
        self.b.op(Op::Noise(k))
    }

    /// d/dt y = arg. While `reset` holds, y is pulled to `ic` within a time that no step resolves, so that the content
    /// of its row stays y itself and nothing jumps when it is let go.
    fn idt(&mut self, arg: ExprId, ic: Option<ExprId>, reset: Option<Val>, abstol: Option<ExprId>) -> Val {
        let k = self.out.idts.len() as u32;
        let tol = abstol.and_then(|e| {
            let v = self.real_expr(e);
            match self.b.constant(v) {
                Some(Const::Real(x)) if x > 0.0 => Some(x),
                _ => None,
            }
        });
        let tol = tol.unwrap_or(1e-12);
        let u = self.add_unknown(format!("idt{k}"), UnknownSource::Idt(k), "", Some((tol, tol.max(1e-9))), false);
        self.out.idts.push(IdtInfo { unknown: u, has_ic: ic.is_some() });
        let a = self.real_expr(arg);
        self.write(Cell::IdtArg(k), a);
        let on = self.b.bool(true);
        self.write(Cell::On(u), on);
        if let Some(ic) = ic {
            let v = self.real_expr(ic);
            self.write(Cell::IdtIc(k), v);
        }
        if let Some(r) = reset {
            self.write(Cell::IdtReset(k), r);
        }
        self.probe(Some(u), None)
    }

    fn limit(&mut self, v: Val, limiter: &Limiter, span: crate::diag::Span) -> Val {
        let k = self.out.limits;
        self.out.limits += 1;
        // Users' functions are told and tell what the quantity was last; several on one quantity speak of the same.
        let n = self.out.limit_states;
        let state = match limiter {
            Limiter::User(..) => *self.limit_state_of.entry(v).or_insert(n),
            _ => n,
        };
        self.out.limit_states = n.max(state + 1);
        let old = self.b.input(In::Old, state, Ty::Real);
        let first = self.sim_flag(sim::IS_FIRST_ITERATION);
        let mut tells = false;
        let limited = match limiter {
            Limiter::PnJunction { vte, vcrit } => {
                let (vte, vcrit) = (self.real_expr(*vte), self.real_expr(*vcrit));
                let l = self.pnjlim(v, old, vte, vcrit);
                // The critical voltage of a junction without saturation current is infinite.
                let most = self.b.real(MAX_CRITICAL);
                let is_finite = self.b.bin(BinOp::Lt, vcrit, most);
                let start = self.b.select(is_finite, vcrit, v);
                self.b.select(first, start, l)
            }
            Limiter::Fet { vto } => {
                let vto = self.real_expr(*vto);
                let l = self.fetlim(v, old, vto);
                self.b.select(first, v, l)
            }
            Limiter::DrainSource => {
                let l = self.limvds(v, old);
                self.b.select(first, v, l)
            }
            Limiter::User(f, args) => {
                // Nothing came before the first iteration.
                let old = self.b.select(first, v, old);
                let mut values = vec![vec![v], vec![old]];
                for a in args {
                    let x = self.real_expr(*a);
                    values.push(vec![x]);
                }
                tells = self.limiters_tell();
                let outer = std::mem::replace(&mut self.in_limiter, true);
                let r = self.inline(*f, values, span);
                self.in_limiter = outer;
                self.coerce_real(r)
            }
            Limiter::Named(..) | Limiter::Default => v,
        };
        self.write(Cell::LimitArg(k), v);
        self.write(Cell::LimitValue(k), limited);
        self.write(Cell::LimitState(state), limited);
        // Where functions call `$discontinuity(-1)` they say themselves whether a value was changed: one that only asks
        // for the last value changes nothing.
        let mut acts = self.b.bin(BinOp::Ne, v, limited);
        if tells {
            acts = self.b.and(acts, first);
        }
        let before = self.read(Cell::Limited);
        let acts = self.b.bin(BinOp::Or, before, acts);
        self.write(Cell::Limited, acts);
        self.b.op(Op::Limit(k, v, limited))
    }

    fn limiters_tell(&self) -> bool {
        self.m.operators.values().any(|o| match &o.kind {
            OperatorKind::Limit { limiter: Limiter::User(f, _), .. } => {
                self.has_discontinuity(&self.m.functions[*f].body)
            }
            _ => false,
        })
    }

    fn has_discontinuity(&self, list: &[Stmt]) -> bool {
        list.iter().any(|s| match &s.kind {
            StmtKind::Task(Task::Discontinuity(_)) => true,
            StmtKind::If { then, otherwise, .. } => self.has_discontinuity(then) || self.has_discontinuity(otherwise),
            StmtKind::Case { arms, default, .. } => {
                arms.iter().any(|a| self.has_discontinuity(&a.body)) || self.has_discontinuity(default)
            }
            StmtKind::Loop { body, .. } | StmtKind::Repeat { body, .. } => self.has_discontinuity(body),
            _ => false,
        })
    }

    /// See `device::junction::limit_junction`. The logarithms are for the few iterations that need them.
    fn pnjlim(&mut self, v: Val, old: Val, vt: Val, critical: Val) -> Val {
        let b = &mut self.b;
        let zero = b.real(0.0);
        let one = b.real(1.0);
        let two = b.real(2.0);
        let step = b.sub(v, old);
        let size = b.un(UnOp::Abs, step);
        let vt2 = b.mul(two, vt);
        let far = b.bin(BinOp::Lt, vt2, size);
        let high = b.bin(BinOp::Lt, critical, v);
        let acts = b.and(far, high);
        let was_on = b.bin(BinOp::Lt, zero, old);
        let minus = b.real(-1.0);
        let f1 = b.sub(minus, old);
        let f2 = b.mul(two, old);
        let f2 = b.add(f2, minus);
        let floor = b.select(was_on, f1, f2);
        let below = b.bin(BinOp::Lt, v, floor);
        let reverse = b.select(below, floor, v);
        let negative = b.bin(BinOp::Lt, v, zero);
        let rest = b.select(negative, reverse, v);
        let forward = |l: &mut Self| {
            let b = &mut l.b;
            let arg = b.div(step, vt);
            let arg = b.add(one, arg);
            let arg_ok = b.bin(BinOp::Lt, zero, arg);
            let safe = b.select(arg_ok, arg, one);
            let log = b.un(UnOp::Ln, safe);
            let log = b.mul(vt, log);
            let moved = b.add(old, log);
            let on = b.select(arg_ok, moved, critical);
            let ratio = b.div(v, vt);
            let pos = b.bin(BinOp::Lt, zero, ratio);
            let ratio = b.select(pos, ratio, one);
            let l = b.un(UnOp::Ln, ratio);
            let off = b.mul(vt, l);
            vec![b.select(was_on, on, off)]
        };
        self.branch(acts, forward, |_| vec![rest])[0]
    }

    /// See `device::junction::limit_gate`.
    fn fetlim(&mut self, v: Val, old: Val, vto: Val) -> Val {
        let b = &mut self.b;
        let [half, two, far_k, four] = [0.5, 2.0, 3.5, 4.0].map(|x| b.real(x));
        let zero = b.real(0.0);
        let d = b.sub(old, vto);
        let d = b.mul(two, d);
        let d = b.un(UnOp::Abs, d);
        let high = b.add(d, two);
        let low = b.mul(half, high);
        let low = b.add(low, two);
        let far = b.add(vto, far_k);
        let step = b.sub(v, old);
        let down = b.bin(BinOp::Le, step, zero);
        let drop = b.neg(step);
        let min = |b: &mut crate::veriloga::ir::Builder, x: Val, y: Val| {
            let c = b.bin(BinOp::Lt, x, y);
            b.select(c, x, y)
        };
        let max = |b: &mut crate::veriloga::ir::Builder, x: Val, y: Val| {
            let c = b.bin(BinOp::Lt, x, y);
            b.select(c, y, x)
        };
        // On, far above the threshold.
        let v_far = b.bin(BinOp::Le, far, v);
        let too_low = b.bin(BinOp::Lt, low, drop);
        let x = b.sub(old, low);
        let x = b.select(too_low, x, v);
        let t2 = b.add(vto, two);
        let y = max(b, v, t2);
        let on_far_down = b.select(v_far, x, y);
        let too_high = b.bin(BinOp::Le, high, step);
        let x = b.add(old, high);
        let on_far_up = b.select(too_high, x, v);
        let on_far = b.select(down, on_far_down, on_far_up);
        // On, near it.
        let x = b.sub(vto, half);
        let near_down = max(b, v, x);
        let x = b.add(vto, four);
        let near_up = min(b, v, x);
        let on_near = b.select(down, near_down, near_up);
        let is_far = b.bin(BinOp::Le, far, old);
        let on = b.select(is_far, on_far, on_near);
        // Off.
        let c = b.bin(BinOp::Lt, high, drop);
        let x = b.sub(old, high);
        let off_down = b.select(c, x, v);
        let edge = b.add(vto, half);
        let below = b.bin(BinOp::Le, v, edge);
        let c = b.bin(BinOp::Lt, low, step);
        let x = b.add(old, low);
        let x = b.select(c, x, v);
        let off_up = b.select(below, x, edge);
        let off = b.select(down, off_down, off_up);
        let is_on = b.bin(BinOp::Le, vto, old);
        b.select(is_on, on, off)
    }

    /// See `device::junction::limit_drain`.
    fn limvds(&mut self, v: Val, old: Val) -> Val {
        let b = &mut self.b;
        let [k35, k3, k2, k4, half] = [3.5, 3.0, 2.0, 4.0, -0.5].map(|x| b.real(x));
        let up = b.bin(BinOp::Lt, old, v);
        let most = b.mul(k3, old);
        let most = b.add(most, k2);
        let c = b.bin(BinOp::Lt, v, most);
        let high_up = b.select(c, v, most);
        let c = b.bin(BinOp::Lt, v, k2);
        let floor = b.select(c, k2, v);
        let c = b.bin(BinOp::Lt, v, k35);
        let high_down = b.select(c, floor, v);
        let high = b.select(up, high_up, high_down);
        let c = b.bin(BinOp::Lt, v, k4);
        let low_up = b.select(c, v, k4);
        let c = b.bin(BinOp::Lt, v, half);
        let low_down = b.select(c, half, v);
        let low = b.select(up, low_up, low_down);
        let is_high = b.bin(BinOp::Le, k35, old);
        b.select(is_high, high, low)
    }

    /// A rational transfer function in controllable canonical form, time in units of 1/w0 where w0 is the geometric mean
    /// of the poles: (1/w0) dz_k/dt = z_k+1, (1/w0) dz_n/dt = u - sum a_k z_k+1, y = d u + sum (b_k - d a_k) z_k+1.
    fn laplace(&mut self, l: &Laplace, span: crate::diag::Span) -> Val {
        let u = self.real_expr(l.arg);
        let Some(num) = self.polynomial(&l.num) else {
            return self.unsupported("a transfer function whose order is not known", span);
        };
        let Some(den) = self.polynomial(&l.den) else {
            return self.unsupported("a transfer function whose order is not known", span);
        };
        let n = den.len() - 1;
        if num.len() > den.len() {
            return self.unsupported("a transfer function with more zeros than poles", span);
        }
        let b = &mut self.b;
        let last = den[n];
        let inv = {
            let one = b.real(1.0);
            b.div(one, last)
        };
        // w0^n = |den_0 / den_n|; 1 where the constant term vanishes.
        let zero = b.real(0.0);
        let one = b.real(1.0);
        let ratio = b.mul(den[0], inv);
        let ratio = b.un(UnOp::Abs, ratio);
        let good = b.bin(BinOp::Lt, zero, ratio);
        let ratio = b.select(good, ratio, one);
        let power = b.real(1.0 / n.max(1) as f64);
        let w0 = b.bin(BinOp::Pow, ratio, power);
        let scaled = |b: &mut crate::veriloga::ir::Builder, c: Val, k: usize| {
            let e = b.real(k as f64 - n as f64);
            let s = b.bin(BinOp::Pow, w0, e);
            let s = b.mul(s, inv);
            b.mul(c, s)
        };
        let a: Vec<Val> = (0..n).map(|k| scaled(b, den[k], k)).collect();
        let bk: Vec<Val> = (0..=n).map(|k| num.get(k).map_or(zero, |c| scaled(b, *c, k))).collect();
        let d = bk[n];
        let tau = b.div(one, w0);
        let base = self.out.unknowns.len();
        let z: Vec<u32> = (0..n)
            .map(|k| {
                self.add_unknown(format!("z{base}_{}", k + 1), UnknownSource::Filter, "", Some((1e-9, 1e-9)), false)
            })
            .collect();
        let zs: Vec<Val> = z.iter().map(|u| self.probe(Some(*u), None)).collect();
        let mut y = self.b.mul(d, u);
        for k in 0..n {
            let da = self.b.mul(d, a[k]);
            let c = self.b.sub(bk[k], da);
            let t = self.b.mul(c, zs[k]);
            y = self.b.add(y, t);
            let content = self.b.mul(tau, zs[k]);
            let rate = self.ddt(content);
            let mut rhs = if k + 1 < n { zs[k + 1] } else { u };
            if k + 1 == n {
                for j in 0..n {
                    let t = self.b.mul(a[j], zs[j]);
                    rhs = self.b.sub(rhs, t);
                }
            }
            let row = self.b.sub(rate, rhs);
            self.row(z[k], row);
        }
        y
    }

    /// Coefficients in ascending powers.
    fn polynomial(&mut self, r: &Roots) -> Option<Vec<Val>> {
        match r {
            Roots::Coefficients(c) => {
                let mut v: Vec<Val> = c.iter().map(|e| self.real_expr(*e)).collect();
                while v.len() > 1 && matches!(self.b.constant(*v.last()?), Some(Const::Real(x)) if x == 0.0) {
                    v.pop();
                }
                (!v.is_empty()).then_some(v)
            }
            Roots::Pairs(pairs) => {
                // Products of (1 - s/r); conjugate pairs come one after the other.
                let one = self.b.real(1.0);
                let zero = self.b.real(0.0);
                let mut re = vec![one];
                let mut im = vec![zero];
                for (a, c) in pairs {
                    let (a, c) = (self.real_expr(*a), self.real_expr(*c));
                    let at_zero = match (self.b.constant(a), self.b.constant(c)) {
                        (Some(Const::Real(x)), Some(Const::Real(y))) => x == 0.0 && y == 0.0,
                        _ => false,
                    };
                    let b = &mut self.b;
                    // 1/r = (a - i c)/|r|²
                    let aa = b.mul(a, a);
                    let cc = b.mul(c, c);
                    let size = b.add(aa, cc);
                    let (lo, hr, hi) = if at_zero {
                        (zero, one, zero)
                    } else {
                        let x = b.div(a, size);
                        let y = b.div(c, size);
                        (one, b.neg(x), y)
                    };
                    let n = re.len();
                    let (mut nr, mut ni) = (vec![zero; n + 1], vec![zero; n + 1]);
                    for k in 0..n {
                        let t = b.mul(lo, re[k]);
                        nr[k] = b.add(nr[k], t);
                        let t = b.mul(lo, im[k]);
                        ni[k] = b.add(ni[k], t);
                        let t = b.mul(hr, re[k]);
                        nr[k + 1] = b.add(nr[k + 1], t);
                        let t = b.mul(hi, im[k]);
                        nr[k + 1] = b.sub(nr[k + 1], t);
                        let t = b.mul(hr, im[k]);
                        ni[k + 1] = b.add(ni[k + 1], t);
                        let t = b.mul(hi, re[k]);
                        ni[k + 1] = b.add(ni[k + 1], t);
                    }
                    (re, im) = (nr, ni);
                }
                Some(re)
            }
        }
    }
}
