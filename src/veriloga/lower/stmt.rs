//! Statements.

use super::{Cell, EffectKind, EffectSite, EventInfo, Lower, MAX_NODES, codes};
use crate::diag::Span;
use crate::veriloga::hir::{
    BinOp as HBin, BranchId, CallArg, Direction, EventId, EventKind, ExprId, ExprKind, FunctionId, LValue,
    OperatorKind, Owner, Quantity, Stmt, StmtKind, Task, VarId,
};
use crate::veriloga::ir::{BinOp, Body, Const, In, Loop, Node, Ty, Val, sim};

/// Rounds of a loop that are written out when the condition is known: plain ones, and ones that contain operators or
/// contributions, which have to be.
const PLAIN_ROUNDS: u32 = 64;
const OPERATOR_ROUNDS: u32 = 10_000;
/// Elements of an array up to which all are taken to change in a loop that assigns to it.
const MAX_SEEDED: u32 = 64;
/// Functions cannot call themselves; deeper nesting is a fault of ours.
const MAX_DEPTH: usize = 200;

impl Lower<'_> {
    pub(super) fn stmts(&mut self, list: &[Stmt]) {
        for s in list {
            self.stmt(s);
        }
    }

    fn stmt(&mut self, s: &Stmt) {
        if self.b.func.vals.len() > MAX_NODES {
            self.fault(
                codes::TOO_LARGE,
                "the module grows beyond what can be compiled when its loops and arrays are written out",
                s.span,
                "here the limit was reached",
            );
            return;
        }
        match &s.kind {
            StmtKind::Assign { target, value } => {
                let v = self.expr(*value);
                let v = self.coerce(v, target.var);
                self.assign(target, v);
            }
            StmtKind::AssignArray { target, values } => {
                let values: Vec<Val> = values.iter().map(|e| self.expr(*e)).collect();
                for (k, v) in values.into_iter().enumerate() {
                    let v = self.coerce(v, *target);
                    self.write(Cell::Var(*target, k as u32), v);
                }
            }
            StmtKind::Contribute { branch, quantity, value } => {
                let v = self.real_expr(*value);
                let (to, other, is_potential) = match quantity {
                    Quantity::Flow => (Cell::Flow(*branch), Cell::Potential(*branch), false),
                    Quantity::Potential => (Cell::Potential(*branch), Cell::Flow(*branch), true),
                };
                // The quantity contributed last wins: what the other had is gone. Two things decide nothing: noise alone,
                // which models add to a branch whether or not it is a short, and flow on a branch that was made a short
                // under a condition before, which is how models leave out a node that some parameters do without.
                let old = self.read(to);
                let sum = self.b.add(old, v);
                if !is_potential && (self.is_noise(*value) || self.may_be_short(*branch)) {
                    self.read(Cell::Kind(*branch));
                    self.write(to, sum);
                    return;
                }
                let zero = self.b.real(0.0);
                let kind = self.b.bool(is_potential);
                let no = self.b.bool(false);
                self.write(to, sum);
                self.write(other, zero);
                self.write(Cell::Kind(*branch), kind);
                self.write(Cell::IsIndirect(*branch), no);
            }
            StmtKind::Indirect { branch, lhs, rhs, .. } => {
                let (a, b) = (self.real_expr(*lhs), self.real_expr(*rhs));
                let d = self.b.sub(a, b);
                let yes = self.b.bool(true);
                let zero = self.b.real(0.0);
                self.write(Cell::Equation(*branch), d);
                self.write(Cell::Flow(*branch), zero);
                self.write(Cell::Potential(*branch), zero);
                self.write(Cell::Kind(*branch), yes);
                self.write(Cell::IsIndirect(*branch), yes);
            }
            StmtKind::If { cond, then, otherwise } => {
                let c = self.expr(*cond);
                self.choice(c, |l| l.stmts(then), |l| l.stmts(otherwise));
            }
            StmtKind::Case { selector, arms, default } => {
                let v = self.expr(*selector);
                self.arms(v, arms, default);
            }
            StmtKind::Loop { cond, body, step } => self.repetition(*cond, body, step, s.span),
            StmtKind::Repeat { count, body } => self.repeat(*count, body, s.span),
            StmtKind::OnEvent { events, body } => {
                let first = events.first().map(|e| &self.m.events[*e].kind);
                if matches!(first, Some(EventKind::InitialModel | EventKind::InitialInstance)) {
                    return;
                }
                let mut any = self.b.bool(false);
                for e in events {
                    let c = self.event(*e);
                    any = self.b.bin(BinOp::Or, any, c);
                }
                self.choice(any, |l| l.stmts(body), |_| ());
            }
            StmtKind::Task(t) => self.task(t, s.span),
            StmtKind::Eval(e) => {
                self.expr(*e);
            }
        }
    }

    /// Was a potential of zero, and nothing else, contributed to a branch under a condition that is not known yet?
    fn may_be_short(&mut self, branch: BranchId) -> bool {
        let (kind, potential) = (self.read(Cell::Kind(branch)), self.read(Cell::Potential(branch)));
        let indirect = self.read(Cell::IsIndirect(branch));
        self.b.constant(kind).is_none()
            && matches!(self.b.constant(potential), Some(Const::Real(z)) if z == 0.0)
            && matches!(self.b.constant(indirect), Some(Const::Bool(false)))
    }

    /// Is an expression zero but for noise?
    fn is_noise(&self, e: ExprId) -> bool {
        match &self.m.exprs[e].kind {
            ExprKind::Operator(op) => matches!(
                self.m.operators[*op].kind,
                OperatorKind::WhiteNoise { .. } | OperatorKind::FlickerNoise { .. } | OperatorKind::NoiseTable { .. }
            ),
            ExprKind::Unary(_, a) | ExprKind::Cast(a) => self.is_noise(*a),
            ExprKind::Binary(HBin::Mul, a, b) => self.is_noise(*a) || self.is_noise(*b),
            ExprKind::Binary(HBin::Div, a, _) => self.is_noise(*a),
            ExprKind::Binary(HBin::Add | HBin::Sub, a, b) | ExprKind::Select(_, a, b) => {
                self.is_noise(*a) && self.is_noise(*b)
            }
            _ => false,
        }
    }

    fn choice(&mut self, c: Val, then: impl FnOnce(&mut Self), els: impl FnOnce(&mut Self)) {
        self.branch(
            c,
            |l| {
                then(l);
                vec![]
            },
            |l| {
                els(l);
                vec![]
            },
        );
    }

    fn coerce(&mut self, v: Val, var: VarId) -> Val {
        match self.cell_type(Cell::Var(var, 0)) {
            Ty::Real => self.coerce_real(v),
            Ty::Int => self.coerce_int(v),
            Ty::Bool => self.coerce_bool(v),
        }
    }

    pub(super) fn assign(&mut self, to: &LValue, v: Val) {
        self.write_element(to.var, &to.index, v);
    }

    fn arms(&mut self, v: Val, arms: &[crate::veriloga::hir::CaseArm], default: &[Stmt]) {
        let Some((arm, rest)) = arms.split_first() else { return self.stmts(default) };
        let mut any = self.b.bool(false);
        for e in &arm.values {
            let x = self.expr(*e);
            let op = match self.b.ty(v) {
                Ty::Real => BinOp::Eq,
                Ty::Int => BinOp::IEq,
                Ty::Bool => BinOp::Xor,
            };
            let (v, x) = if self.b.ty(v) == self.b.ty(x) { (v, x) } else { (self.coerce_real(v), self.coerce_real(x)) };
            let op = if self.b.ty(v) == Ty::Real { BinOp::Eq } else { op };
            let mut is = self.b.bin(op, v, x);
            if op == BinOp::Xor {
                is = self.b.not(is);
            }
            any = self.b.bin(BinOp::Or, any, is);
        }
        self.choice(any, |l| l.stmts(&arm.body), |l| l.arms(v, rest, default));
    }

    fn repeat(&mut self, count: ExprId, body: &[Stmt], span: Span) {
        let n = self.expr(count);
        let n = self.coerce_int(n);
        if let Some(Const::Int(k)) = self.b.constant(n)
            && (k <= PLAIN_ROUNDS as i32 || self.has_operator(body))
        {
            if k > OPERATOR_ROUNDS as i32 {
                self.unsupported("a loop with analog operators and so many rounds", span);
                return;
            }
            for _ in 0..k {
                self.stmts(body);
            }
            return;
        }
        let zero = self.b.int(0);
        let mut changed = vec![];
        self.assigned(body, &mut changed);
        self.real_loop(
            span,
            Some(zero),
            &changed,
            &mut |l, k| k.map_or(l.b.bool(false), |k| l.b.bin(BinOp::ILt, k, n)),
            &mut |l| l.stmts(body),
        );
    }

    fn repetition(&mut self, cond: ExprId, body: &[Stmt], step: &[Stmt], span: Span) {
        let mut changed = vec![];
        self.assigned(body, &mut changed);
        let most = if self.has_operator(body) {
            OPERATOR_ROUNDS
        } else if self.mentions(cond, &changed) {
            // What the body itself decides is not known for long: rounds that are written out first would only multiply with
            // those of the loops inside.
            0
        } else {
            PLAIN_ROUNDS
        };
        for _ in 0..most {
            let c = self.expr(cond);
            match self.b.constant(c) {
                Some(Const::Bool(true)) => {
                    self.stmts(body);
                    self.stmts(step);
                }
                Some(_) => return,
                None => break,
            }
        }
        self.assigned(step, &mut changed);
        self.real_loop(span, None, &changed, &mut |l, _| l.expr(cond), &mut |l| {
            l.stmts(body);
            l.stmts(step);
        });
    }

    /// Variables that statements assign to.
    fn assigned(&self, list: &[Stmt], out: &mut Vec<VarId>) {
        for s in list {
            match &s.kind {
                StmtKind::Assign { target: LValue { var, .. }, .. } | StmtKind::AssignArray { target: var, .. }
                    if !out.contains(var) =>
                {
                    out.push(*var);
                }
                StmtKind::If { then, otherwise, .. } => {
                    self.assigned(then, out);
                    self.assigned(otherwise, out);
                }
                StmtKind::Case { arms, default, .. } => {
                    arms.iter().for_each(|a| self.assigned(&a.body, out));
                    self.assigned(default, out);
                }
                StmtKind::Loop { body, step, .. } => {
                    self.assigned(body, out);
                    self.assigned(step, out);
                }
                StmtKind::Repeat { body, .. } | StmtKind::OnEvent { body, .. } => self.assigned(body, out),
                _ => {}
            }
        }
    }

    /// Does an expression read one of these variables?
    pub(super) fn mentions(&self, e: ExprId, vars: &[VarId]) -> bool {
        use ExprKind::*;
        let any = |l: &[ExprId]| l.iter().any(|e| self.mentions(*e, vars));
        match &self.m.exprs[e].kind {
            Var(v) => vars.contains(v),
            VarElement(v, l) => vars.contains(v) || any(l),
            ParamElement(_, l) | Math(_, l) => any(l),
            Unary(_, a) | Cast(a) => any(&[*a]),
            Binary(_, a, b) => any(&[*a, *b]),
            Select(a, b, c) => any(&[*a, *b, *c]),
            Call(_, args) => args.iter().any(|a| matches!(a, CallArg::In(e) if self.mentions(*e, vars))),
            _ => false,
        }
    }

    /// A loop that runs while simulating. Which cells it changes is found by lowering it until no further one shows up.
    /// `counter`: a loop parameter of its own that counts up from this value. `changed`: variables that are known to
    /// change, so that nested loops need not be lowered again and again.
    fn real_loop(
        &mut self,
        span: Span,
        counter: Option<Val>,
        changed: &[VarId],
        cond: &mut dyn FnMut(&mut Self, Option<Val>) -> Val,
        body: &mut dyn FnMut(&mut Self),
    ) {
        let before = self.env.snapshot();
        let effects = self.out.effects.len();
        let mut carried: Vec<Cell> = vec![];
        for v in changed {
            let n = self.m.vars[*v].len() as u32;
            let cells = (0..n).map(|k| Cell::Var(*v, k)).filter(|c| self.outlives(*c));
            if n <= MAX_SEEDED {
                carried.extend(cells);
            }
        }
        for _ in 0..50 {
            self.out.effects.truncate(effects);
            self.env.restore(&before);
            let init: Vec<Val> = carried.iter().map(|c| self.read(*c)).collect();
            let outside = self.env.snapshot();
            let mut params: Vec<Val> = vec![];
            for (c, i) in carried.iter().zip(&init) {
                let ty = self.b.ty(*i);
                let p = self.b.fresh(ty);
                params.push(p);
                self.env.set(*c, p);
            }
            let k = counter.map(|_| self.b.fresh(Ty::Int));
            self.b.open();
            self.in_loop += 1;
            let c = cond(self, k);
            self.b.open();
            body(self);
            let one = self.b.int(1);
            let next_k = k.map(|k| self.b.bin(BinOp::IAdd, k, one));
            self.in_loop -= 1;
            let mut fresh = vec![];
            for (k, cell) in self.env.cells().to_vec().into_iter().enumerate() {
                if carried.contains(&cell) || !self.outlives(cell) {
                    continue;
                }
                let Some(now) = self.env.get(cell) else { continue };
                let was = match outside.get(k) {
                    Some(v) => v,
                    None => self.initial(cell),
                };
                if now != was {
                    fresh.push(cell);
                }
            }
            let mut yields: Vec<Val> = carried.iter().map(|c| self.read(*c)).collect();
            let nodes = self.b.close();
            let head = self.b.close();
            if !fresh.is_empty() {
                carried.extend(fresh);
                continue;
            }
            let (mut params, mut init) = (params, init);
            if let (Some(k), Some(next), Some(start)) = (k, next_k, counter) {
                params.push(k);
                init.push(start);
                yields.push(next);
            }
            let results: Vec<Val> =
                params.iter().map(|p| self.b.ty(*p)).collect::<Vec<_>>().into_iter().map(|t| self.b.fresh(t)).collect();
            self.env.restore(&outside);
            for (c, r) in carried.iter().zip(&results) {
                self.env.set(*c, *r);
            }
            let body = Body { nodes, yields };
            self.b.node(Node::Loop(Box::new(Loop { params, init, head, cond: c, body, results })));
            return;
        }
        self.unsupported("this loop", span);
    }

    /// Does a cell mean something after the statement that is being lowered?
    fn outlives(&self, cell: Cell) -> bool {
        match cell {
            Cell::Var(v, _) => match self.m.vars[v].owner {
                Owner::Module => true,
                Owner::Function(f) => self.frames.iter().any(|(g, _)| *g == f),
            },
            _ => true,
        }
    }

    /// Do these statements contain what has an identity: an operator, an event, a random draw?
    fn has_operator(&self, list: &[Stmt]) -> bool {
        list.iter().any(|s| match &s.kind {
            StmtKind::Assign { value, .. } | StmtKind::Eval(value) => self.expr_has_operator(*value),
            StmtKind::AssignArray { values, .. } => values.iter().any(|e| self.expr_has_operator(*e)),
            StmtKind::Contribute { value, .. } => self.expr_has_operator(*value),
            StmtKind::Indirect { .. } | StmtKind::OnEvent { .. } => true,
            StmtKind::If { cond, then, otherwise } => {
                self.expr_has_operator(*cond) || self.has_operator(then) || self.has_operator(otherwise)
            }
            StmtKind::Case { arms, default, .. } => {
                arms.iter().any(|a| self.has_operator(&a.body)) || self.has_operator(default)
            }
            StmtKind::Loop { body, step, .. } => self.has_operator(body) || self.has_operator(step),
            StmtKind::Repeat { body, .. } => self.has_operator(body),
            StmtKind::Task(_) => false,
        })
    }

    fn expr_has_operator(&self, e: ExprId) -> bool {
        use ExprKind::*;
        let any = |l: &[ExprId]| l.iter().any(|e| self.expr_has_operator(*e));
        match &self.m.exprs[e].kind {
            Operator(_) | Random(_) => true,
            ParamElement(_, l) | VarElement(_, l) | Math(_, l) | Concat(l) => any(l),
            Unary(_, a) | Cast(a) | StrLen(a) | StrToNumber(a) => any(&[*a]),
            Binary(_, a, b) => any(&[*a, *b]),
            Select(a, b, c) | StrSub(a, b, c) => any(&[*a, *b, *c]),
            Call(_, args) => args.iter().any(|a| matches!(a, CallArg::In(e) if self.expr_has_operator(*e))),
            _ => false,
        }
    }

    fn event(&mut self, id: EventId) -> Val {
        let m = self.m;
        self.out.has_events = true;
        let ev = &m.events[id];
        let k = self.out.events.len() as u32;
        let enable = |l: &mut Self, e: &Option<ExprId>| match e {
            Some(e) => l.expr(*e),
            None => l.b.bool(true),
        };
        match &ev.kind {
            EventKind::InitialStep(names) => {
                let is = self.sim_flag(sim::INITIAL_STEP);
                let among = self.among(names);
                return self.b.and(is, among);
            }
            EventKind::FinalStep(names) => {
                let is = self.sim_flag(sim::FINAL_STEP);
                let among = self.among(names);
                return self.b.and(is, among);
            }
            EventKind::InitialModel | EventKind::InitialInstance => return self.b.bool(false),
            _ if self.in_loop > 0 => {
                self.unsupported("an event in a loop of unknown length", ev.span);
                return self.b.bool(false);
            }
            EventKind::Cross { expr, direction, enable: e, time_tol, expr_tol } => {
                self.tolerances(k, *time_tol, *expr_tol);
                self.out.events.push(EventInfo::Cross);
                let v = self.real_expr(*expr);
                let d = match direction {
                    Some(d) => self.real_expr(*d),
                    None => self.b.real(0.0),
                };
                let on = enable(self, e);
                self.write(Cell::Watch(k), v);
                self.write(Cell::WatchDirection(k), d);
                self.write(Cell::WatchOn(k), on);
            }
            EventKind::Above { expr, enable: e, time_tol, expr_tol } => {
                self.tolerances(k, *time_tol, *expr_tol);
                self.out.events.push(EventInfo::Above);
                let v = self.real_expr(*expr);
                let one = self.b.real(1.0);
                let on = enable(self, e);
                self.write(Cell::Watch(k), v);
                self.write(Cell::WatchDirection(k), one);
                self.write(Cell::WatchOn(k), on);
                // In a static solution the event takes part in the solution itself.
                let at_rest = self.above_at_rest(v);
                let at_rest = self.b.and(at_rest, on);
                let moving = self.b.input(In::Event, k, Ty::Bool);
                return self.b.bin(BinOp::Or, moving, at_rest);
            }
            EventKind::Timer { start, period, enable: e, .. } => {
                self.out.events.push(EventInfo::Timer { has_period: period.is_some() });
                let s = self.real_expr(*start);
                self.write(Cell::TimerStart(k), s);
                if let Some(p) = period {
                    let p = self.real_expr(*p);
                    self.write(Cell::TimerPeriod(k), p);
                }
                let on = enable(self, e);
                self.write(Cell::WatchOn(k), on);
            }
            EventKind::AbsDelta { expr, delta, enable: e, time_tol, expr_tol } => {
                self.tolerances(k, *time_tol, *expr_tol);
                self.out.events.push(EventInfo::AbsDelta);
                let (v, d) = (self.real_expr(*expr), self.real_expr(*delta));
                let on = enable(self, e);
                self.write(Cell::Watch(k), v);
                self.write(Cell::WatchDirection(k), d);
                self.write(Cell::WatchOn(k), on);
            }
        }
        self.b.input(In::Event, k, Ty::Bool)
    }

    fn tolerances(&mut self, k: u32, time: Option<ExprId>, value: Option<ExprId>) {
        for (cell, e) in [(Cell::WatchTimeTol(k), time), (Cell::WatchTol(k), value)] {
            if let Some(e) = e {
                let v = self.real_expr(e);
                self.write(cell, v);
            }
        }
    }

    fn among(&mut self, names: &[String]) -> Val {
        if names.is_empty() {
            return self.b.bool(true);
        }
        self.analysis(names)
    }

    fn task(&mut self, t: &Task, span: Span) {
        match t {
            Task::Text { kind, items } => {
                let mut args = vec![];
                let items = self.items(items, &mut args);
                self.effect(EffectSite { kind: EffectKind::Text(*kind), items, span }, args);
            }
            Task::Finish { .. } => self.effect(EffectSite { kind: EffectKind::Finish, items: vec![], span }, vec![]),
            Task::Stop { .. } => self.effect(EffectSite { kind: EffectKind::Stop, items: vec![], span }, vec![]),
            Task::BoundStep(e) => {
                let v = self.real_expr(*e);
                let old = self.read(Cell::Bound);
                let less = self.b.bin(BinOp::Lt, v, old);
                let new = self.b.select(less, v, old);
                self.write(Cell::Bound, new);
            }
            Task::Discontinuity(e) => {
                let v = self.expr(*e);
                let v = self.coerce_int(v);
                let (zero, minus) = (self.b.int(0), self.b.int(-1));
                let is = self.b.bin(BinOp::ILe, zero, v);
                let old = self.read(Cell::Jump);
                let new = self.b.bin(BinOp::Or, old, is);
                self.write(Cell::Jump, new);
                if self.in_limiter {
                    let is = self.b.bin(BinOp::IEq, minus, v);
                    let old = self.read(Cell::Limited);
                    let new = self.b.bin(BinOp::Or, old, is);
                    self.write(Cell::Limited, new);
                }
            }
            Task::Limit(op) => {
                self.operator(*op);
            }
            Task::FileText { descriptor, kind, items } => self.file_text(*descriptor, *kind, items, span),
            Task::FileClose(e) => self.close_file(*e, span),
            Task::FormatString { target, items } => self.format_string(target, items, span),
        }
    }

    /// A call with its arguments written out.
    pub(super) fn call(&mut self, f: FunctionId, args: &[CallArg], span: Span) -> Val {
        let m = self.m;
        let func = &m.functions[f];
        let mut values: Vec<Vec<Val>> = vec![];
        for (a, arg) in args.iter().zip(&func.args) {
            values.push(match a {
                CallArg::In(e) => {
                    let v = self.expr(*e);
                    vec![self.coerce(v, arg.var)]
                }
                CallArg::Out(_) => vec![],
                CallArg::Inout(l) => {
                    let v = if l.index.is_empty() {
                        self.read(Cell::Var(l.var, 0))
                    } else {
                        self.read_element(l.var, &l.index)
                    };
                    vec![self.coerce(v, arg.var)]
                }
                CallArg::Array(v) => (0..m.vars[*v].len() as u32).map(|k| self.read(Cell::Var(*v, k))).collect(),
            });
        }
        let result = self.inline(f, values, span);
        for (a, arg) in args.iter().zip(&func.args) {
            match a {
                CallArg::Out(l) | CallArg::Inout(l) => {
                    let v = self.read(Cell::Var(arg.var, 0));
                    let v = self.coerce(v, l.var);
                    self.assign(l, v);
                }
                CallArg::Array(to) if arg.direction != Direction::Input => {
                    for k in 0..m.vars[*to].len() as u32 {
                        let v = self.read(Cell::Var(arg.var, k));
                        self.write(Cell::Var(*to, k), v);
                    }
                }
                _ => {}
            }
        }
        result
    }

    /// The function's body with these arguments; the variables of the call stay readable until the next call.
    pub(super) fn inline(&mut self, f: FunctionId, values: Vec<Vec<Val>>, span: Span) -> Val {
        let m = self.m;
        let func = &m.functions[f];
        if self.frames.len() > MAX_DEPTH || self.frames.iter().any(|(g, _)| *g == f) {
            return self.unsupported("a function that calls itself", span);
        }
        for (v, var) in m.vars.iter().filter(|(_, v)| v.owner == Owner::Function(f)) {
            for k in 0..var.len() as u32 {
                let z = self.zero(Self::ir_type(var.ty));
                self.write(Cell::Var(v, k), z);
            }
        }
        for (arg, list) in func.args.iter().zip(values) {
            for (k, v) in list.into_iter().enumerate() {
                let v = self.coerce(v, arg.var);
                self.write(Cell::Var(arg.var, k as u32), v);
            }
        }
        self.frames.push((f, 0));
        self.stmts(&func.body);
        self.frames.pop();
        self.read(Cell::Var(func.result, 0))
    }

    /// Statements that stand before all others: the older dialect's initialisation blocks.
    pub(super) fn initial_blocks(&mut self, list: &[Stmt]) {
        for s in list {
            if let StmtKind::OnEvent { events, body } = &s.kind
                && let Some(e) = events.first()
                && matches!(self.m.events[*e].kind, EventKind::InitialModel | EventKind::InitialInstance)
            {
                self.stmts(body);
            }
        }
    }

    pub(super) fn initial_block(&mut self, list: &[Stmt]) {
        if list.is_empty() {
            return;
        }
        let is = self.b.input(In::Sim, sim::INITIAL_STEP, Ty::Bool);
        self.choice(is, |l| l.stmts(list), |_| ());
    }
}
