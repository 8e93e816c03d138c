//! Statements: assignments, contributions, control flow, unrolling of loops over genvars.

use super::super::ast::{self, Ex, ExprKind, Ident, ItemKind, Op};
use super::super::hir::{self, CaseArm, Event, EventKind, LValue, Owner, Stmt, StmtKind, Ty, UnOp};
use super::function::ty;
use super::{Def, Elab, ScopeKind};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};

impl<'a> Elab<'a> {
    pub(super) fn stmts(&mut self, list: &'a [ast::Stmt]) -> Vec<Stmt> {
        let mut out = vec![];
        for s in list {
            self.stmt(s, &mut out);
        }
        out
    }

    fn body(&mut self, s: &'a ast::Stmt) -> Vec<Stmt> {
        let mut out = vec![];
        self.stmt(s, &mut out);
        out
    }

    pub(super) fn stmt(&mut self, s: &'a ast::Stmt, out: &mut Vec<Stmt>) {
        if !self.spend(s.span) {
            return;
        }
        let span = s.span;
        let kind = match &s.kind {
            ast::StmtKind::Null | ast::StmtKind::Missing => None,
            ast::StmtKind::Block(b) => {
                self.block(s, b, out);
                None
            }
            ast::StmtKind::Assign(l, r) => self.assign(*l, *r),
            ast::StmtKind::Contribute(l, r) => self.contribute(*l, *r, span),
            ast::StmtKind::Indirect(l, r) => self.indirect(*l, *r, span),
            ast::StmtKind::If(c, a, b) => {
                let cond = self.cond(*c);
                let then = self.body(a);
                let otherwise = b.as_ref().map_or(vec![], |b| self.body(b));
                cond.map(|cond| StmtKind::If { cond, then, otherwise })
            }
            ast::StmtKind::Case(selector, arms) => self.case(*selector, arms),
            ast::StmtKind::For(f) => {
                self.for_loop(f, span, out);
                None
            }
            ast::StmtKind::While(c, b) => {
                let cond = self.cond(*c);
                let body = self.looped(b);
                cond.map(|cond| StmtKind::Loop { cond, body, step: vec![] })
            }
            ast::StmtKind::Repeat(n, b) => {
                let count = self.int_expr(*n);
                let body = self.looped(b);
                count.map(|count| StmtKind::Repeat { count, body })
            }
            ast::StmtKind::Event(list, body) => self.event(list, body, span),
            ast::StmtKind::Call(e) => self.call_stmt(*e, span),
        };
        out.extend(kind.map(|kind| Stmt { kind, span }));
    }

    fn looped(&mut self, s: &'a ast::Stmt) -> Vec<Stmt> {
        let saved = std::mem::replace(&mut self.place.in_loop, true);
        let body = self.body(s);
        self.place.in_loop = saved;
        body
    }

    fn block(&mut self, s: &'a ast::Stmt, b: &'a ast::Block, out: &mut Vec<Stmt>) {
        let prefix = match b.name {
            Some(n) if self.place.function.is_none() => format!("{}{}.", self.prefix(), self.text(n.name)),
            _ => self.prefix(),
        };
        if b.name.is_none() && !b.items.is_empty() {
            let span = b.items[0].span;
            self.lint_once(
                code::DIALECT,
                span,
                "unnamed block",
                "variables are declared in a block without a name",
                "the language asks for `begin : name` where a block has declarations",
            );
        }
        self.push_scope(if b.name.is_some() { ScopeKind::NamedBlock } else { ScopeKind::Block }, prefix);
        // A block that unrolling enters again has its variables already.
        let key = (std::ptr::from_ref(s) as usize, self.frame.prefix.clone());
        let owner = self.place.function.map_or(Owner::Module, Owner::Function);
        match self.blocks.get(&key) {
            Some(names) if owner == Owner::Module => {
                let names = names.clone();
                if let Some(scope) = self.scopes.last_mut() {
                    scope.names = names;
                }
            }
            _ => {
                for item in &b.items {
                    match &item.kind {
                        ItemKind::Vars(v) => {
                            for d in &v.list {
                                self.var(ty(v.ty), d, &item.attrs, owner);
                            }
                        }
                        ItemKind::Params(p) => self.block_params(p, &item.attrs),
                        ItemKind::Genvars(list) => {
                            for g in list {
                                self.declare(*g, Def::Genvar(None));
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
        for s in &b.stmts {
            self.stmt(s, out);
        }
        if let Some(scope) = self.pop_scope()
            && owner == Owner::Module
        {
            self.blocks.insert(key, scope.names);
        }
        if let Some(n) = b.name
            && let Some(scope) = self.scopes.last_mut()
        {
            scope.names.entry(n.name).or_insert((Def::Scope, n.span));
        }
    }

    /// What is assigned to, and its type.
    pub(super) fn lvalue(&mut self, e: Ex) -> Option<(LValue, Ty)> {
        let (base, index) = self.split_index(e);
        let ast: &'a ast::Ast = self.ast;
        if let ExprKind::Path(p) = &ast.expr(base).kind
            && p.len() > 1
        {
            let x = self.expr(base)?;
            if let hir::ExprKind::Var(var) = self.m.exprs[x].kind {
                return Some((LValue { var, index: vec![] }, self.ty(x)));
            }
        }
        let id = self.simple(base)?;
        let Some((def, declared, is_outside)) = self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) else {
            return self.implicit(id, &index);
        };
        let text = self.text(id.name);
        let (what, help) = match def {
            Def::Var(_) if is_outside => {
                let d = Diagnostic::error(
                    code::WRONG_KIND,
                    format!("a function cannot assign the module's variable `{text}`"),
                )
                .at(id.span, "")
                .at(declared, "declared here")
                .help("return it through an `output` argument");
                self.diags.push(d);
                return None;
            }
            Def::Var(var) => {
                let dims = self.m.vars[var].dims.clone();
                let index = if index.is_empty() { vec![] } else { self.indices(id, declared, &dims, &index)? };
                return Some((LValue { var, index }, self.m.vars[var].ty));
            }
            Def::Param(_) => ("a parameter", "declare a variable and start it with the parameter's value"),
            Def::Genvar(_) => ("a genvar", "a genvar changes only in the head of its loop"),
            Def::Net(_) => ("a net", "potentials and flows are contributed: `V(net) <+ ...;`"),
            Def::Branch(_) => ("a branch", "potentials and flows are contributed: `I(branch) <+ ...;`"),
            Def::Function(_) => ("a function", "only inside of the function its name is its result"),
            Def::Scope => ("a block or instance", ""),
        };
        let mut d = Diagnostic::error(code::WRONG_KIND, format!("`{text}` is {what} and cannot be assigned"))
            .at(id.span, "")
            .at(declared, "declared here");
        if !help.is_empty() {
            d = d.help(help);
        }
        self.diags.push(d);
        None
    }

    /// An undeclared variable: in a named block it comes into being, unless it looks like a slip of the pen.
    fn implicit(&mut self, id: Ident, index: &[Ex]) -> Option<(LValue, Ty)> {
        let text = self.text(id.name);
        let at = self.scopes.iter().rposition(|s| s.kind == ScopeKind::NamedBlock);
        let known: Vec<&str> = self.scopes.iter().flat_map(|s| s.names.keys()).map(|n| self.names.text(*n)).collect();
        let is_slip = did_you_mean(text, known).is_some();
        let Some(at) = at.filter(|_| index.is_empty() && !is_slip && self.place.function.is_none()) else {
            self.unknown(id);
            return None;
        };
        self.lint(
            code::IMPLICIT_VARIABLE,
            id.span,
            format!("`{text}` is not declared; it is taken as a real variable of the block"),
            format!("declare it: `real {text};`"),
        );
        let name = format!("{}{text}", self.scopes[at].prefix);
        let var = self.m.vars.push(hir::Var {
            name,
            ty: Ty::Real,
            owner: Owner::Module,
            dims: vec![],
            init: None,
            is_output: false,
            is_hidden_state: false,
            attrs: hir::Attrs::default(),
            span: id.span,
        });
        self.scopes[at].names.insert(id.name, (Def::Var(var), id.span));
        Some((LValue { var, index: vec![] }, Ty::Real))
    }

    fn assign(&mut self, l: Ex, r: Ex) -> Option<StmtKind> {
        if let ExprKind::Call(path, _) = &self.ast.expr(l).kind {
            let span = self.ex_span(l);
            let id = path[0];
            let help = if self.is_access(id) {
                "a potential or flow is contributed: `<+`"
            } else {
                "the left side of `=` is a variable"
            };
            self.error_help(code::WRONG_KIND, span, "a call cannot be assigned", help);
            self.expr(r);
            return None;
        }
        let target = self.lvalue(l);
        let is_whole = target.as_ref().is_some_and(|(t, _)| t.index.is_empty() && !self.m.vars[t.var].dims.is_empty());
        if is_whole {
            let (target, ty) = target?;
            let values = self.list(r, ty)?;
            let (n, name) = (self.m.vars[target.var].len(), self.m.vars[target.var].name.clone());
            let values = self.fit(values, n, &name, r)?;
            return Some(StmtKind::AssignArray { target: target.var, values });
        }
        let value = self.expr(r);
        let (target, ty) = target?;
        let value = self.cast(value?, ty)?;
        Some(StmtKind::Assign { target, value })
    }

    /// Contributions stand where every evaluation passes.
    fn may_contribute(&mut self, span: Span) -> Option<()> {
        let (why, help) = if self.place.function.is_some() {
            ("in a function", "return the value and contribute it in the analog block")
        } else if self.place.in_initial {
            ("in an `analog initial` block", "contributions stand in the `analog` block")
        } else if self.place.in_loop {
            ("in a loop whose count is known at run time only", "use a `for` loop over a genvar, which is unrolled")
        } else {
            if self.place.in_event {
                self.lint_once(
                    code::DIALECT,
                    span,
                    "contribution in event",
                    "a contribution in an event-controlled statement",
                    "the language does not allow it: assign a variable in the event and contribute it outside",
                );
            }
            return Some(());
        };
        self.error_help(code::MISPLACED, span, format!("a contribution is not allowed {why}"), help);
        None
    }

    fn contribute(&mut self, l: Ex, r: Ex, span: Span) -> Option<StmtKind> {
        self.may_contribute(span)?;
        let sink = self.sink(l);
        let value = self.real_expr(r);
        let ((branch, quantity, is_reversed), mut value) = (sink?, value?);
        if is_reversed {
            let at = self.span_of(value);
            value = self.add(hir::ExprKind::Unary(UnOp::Neg, value), Ty::Real, at);
        }
        if let (hir::Quantity::Flow, Some(m)) = (quantity, self.frame.mfactor) {
            value = self.times(value, m);
        }
        Some(StmtKind::Contribute { branch, quantity, value })
    }

    fn indirect(&mut self, l: Ex, r: Ex, span: Span) -> Option<StmtKind> {
        self.may_contribute(span)?;
        let ast: &'a ast::Ast = self.ast;
        let ExprKind::Binary(Op::Eq, a, b) = &ast.expr(r).kind else {
            let at = self.ex_span(r);
            if !matches!(ast.expr(r).kind, ExprKind::Missing) {
                self.error_help(
                    code::SYNTAX,
                    at,
                    "an indirect contribution needs an equation",
                    "`V(out) : V(in, ref) == 0;`",
                );
            }
            return None;
        };
        let sink = self.sink(l);
        let (lhs, rhs) = (self.real_expr(*a), self.real_expr(*b));
        let (branch, quantity, _) = sink?;
        Some(StmtKind::Indirect { branch, quantity, lhs: lhs?, rhs: rhs? })
    }

    fn case(&mut self, selector: Ex, arms: &'a [ast::CaseArm]) -> Option<StmtKind> {
        let selector = self.expr(selector);
        let selector = match selector {
            Some(s) if self.ty(s) == Ty::Bool => self.cast(s, Ty::Int),
            s => s,
        };
        let mut out = vec![];
        let mut default: Option<Vec<Stmt>> = None;
        let mut is_real = selector.is_some_and(|s| self.ty(s) == Ty::Real);
        for a in arms {
            let mut values = vec![];
            for v in &a.values {
                values.extend(self.expr(*v));
            }
            is_real |= values.iter().any(|v| self.ty(*v) == Ty::Real);
            let body = self.body(&a.body);
            if a.values.is_empty() {
                if default.is_some() {
                    self.error(code::DUPLICATE, a.body.span, "a second `default`");
                }
                default = Some(body);
            } else {
                out.push(CaseArm { values, body, span: a.body.span });
            }
        }
        let mut selector = selector?;
        let ty = if is_real { Ty::Real } else { self.ty(selector) };
        selector = self.cast(selector, ty)?;
        for arm in &mut out {
            for v in &mut arm.values {
                *v = self.cast(*v, ty)?;
            }
        }
        Some(StmtKind::Case { selector, arms: out, default: default.unwrap_or_default() })
    }

    fn for_loop(&mut self, f: &'a ast::For, span: Span, out: &mut Vec<Stmt>) {
        let Some(id) = self.simple(self.split_index(f.var).0) else { return };
        let def = self.lookup(id.name).map(|d| d.0.clone());
        match def {
            Some(Def::Genvar(_)) => {
                self.unroll(f, id, span, out);
            }
            Some(Def::Var(v))
                if self.m.vars[v].ty == Ty::Int
                    && self.place.function.is_none()
                    && self.wants_unrolling(&f.body)
                    && self.can_unroll(f, id) =>
            {
                self.lint_once(
                    code::DIALECT,
                    id.span,
                    "integer loop",
                    "a loop over an integer variable is unrolled, because branches or operators in it depend on the index",
                    "declare the index as `genvar`",
                );
                // Inside the loop the name stands for a number; after it the variable has its last value.
                let saved = self.scopes.iter().rposition(|s| s.names.contains_key(&id.name));
                let Some(at) = saved else { return };
                let old = self.scopes[at].names.insert(id.name, (Def::Genvar(None), id.span));
                let last = self.unroll(f, id, span, out);
                if let Some(old) = old {
                    self.scopes[at].names.insert(id.name, old);
                }
                if let Some(k) = last {
                    let value = self.int(k, id.span);
                    if let Some(value) = self.cast(value, self.m.vars[v].ty) {
                        let target = LValue { var: v, index: vec![] };
                        out.push(Stmt { kind: StmtKind::Assign { target, value }, span });
                    }
                }
            }
            _ => {
                let init = self.assign(f.var, f.init);
                let cond = self.cond(f.cond);
                let body = self.looped(&f.body);
                let step = self.assign(f.step_var, f.step);
                if let (Some(init), Some(cond), Some(step)) = (init, cond, step) {
                    out.push(Stmt { kind: init, span });
                    let step = vec![Stmt { kind: step, span }];
                    out.push(Stmt { kind: StmtKind::Loop { cond, body, step }, span });
                }
            }
        }
    }

    pub(super) fn set_genvar(&mut self, id: Ident, value: Option<i32>) {
        for s in self.scopes.iter_mut().rev() {
            if let Some((Def::Genvar(v), _)) = s.names.get_mut(&id.name) {
                *v = value;
                return;
            }
        }
    }

    /// Runs the body for each value of the genvar; returns the value after the loop.
    fn unroll(&mut self, f: &'a ast::For, id: Ident, span: Span, out: &mut Vec<Stmt>) -> Option<i32> {
        let mut value = self.constant_int(f.init, "the start of this loop")?;
        if self.simple(f.step_var).is_some_and(|s| s.name != id.name) {
            let text = self.text(id.name);
            self.error(code::LOOP, self.ex_span(f.step_var), format!("the loop over `{text}` steps another variable"));
            return None;
        }
        loop {
            self.set_genvar(id, Some(value));
            if !self.constant_bool(f.cond, "the condition of this loop")? {
                break;
            }
            if !self.spend(span) {
                break;
            }
            self.stmt(&f.body, out);
            let next = self.constant_int(f.step, "the step of this loop")?;
            if next == value {
                let at = self.ex_span(f.step);
                self.error(code::LOOP, at, "the loop does not advance");
                break;
            }
            value = next;
        }
        self.set_genvar(id, None);
        Some(value)
    }

    /// Whether start, condition and step are known before the simulation.
    fn can_unroll(&mut self, f: &'a ast::For, id: Ident) -> bool {
        let Some(at) = self.scopes.iter().rposition(|s| s.names.contains_key(&id.name)) else { return false };
        let before = self.diags.len();
        let old = self.scopes[at].names.insert(id.name, (Def::Genvar(Some(0)), id.span));
        let is_known = self.constant_int(f.init, "").is_some()
            && self.constant_bool(f.cond, "").is_some()
            && self.constant_int(f.step, "").is_some();
        self.diags.truncate(before);
        if let Some(old) = old {
            self.scopes[at].names.insert(id.name, old);
        }
        is_known && !self.assigned_in(&f.body, id)
    }

    fn assigned_in(&self, s: &ast::Stmt, id: Ident) -> bool {
        let mut found = false;
        walk(s, &mut |s| {
            if let ast::StmtKind::Assign(l, _) = &s.kind
                && let ExprKind::Path(p) = &self.ast.expr(*l).kind
            {
                found |= p[0].name == id.name;
            }
        });
        found
    }

    /// Whether a body has what cannot stand in a loop at run time: contributions, or operators with a history.
    fn wants_unrolling(&self, s: &ast::Stmt) -> bool {
        let mut found = false;
        walk(s, &mut |s| {
            let exprs: Vec<Ex> = match &s.kind {
                ast::StmtKind::Contribute(..) | ast::StmtKind::Indirect(..) => {
                    found = true;
                    vec![]
                }
                ast::StmtKind::Assign(l, r) => vec![*l, *r],
                ast::StmtKind::If(c, ..) | ast::StmtKind::While(c, _) => vec![*c],
                _ => vec![],
            };
            let mut open = exprs;
            while let Some(e) = open.pop() {
                match &self.ast.expr(e).kind {
                    ExprKind::Call(path, args) => {
                        let text = self.text(path[0].name);
                        found |= super::operator::is_operator(text) && !matches!(text, "analysis" | "ddx");
                        found |= self.is_access(path[0])
                            && args.iter().any(|a| matches!(self.ast.expr(*a).kind, ExprKind::Index(..)));
                        open.extend(args);
                    }
                    ExprKind::System(_, Some(args)) | ExprKind::Concat(args) | ExprKind::Array(args) => {
                        open.extend(args)
                    }
                    ExprKind::Unary(_, a) => open.push(*a),
                    ExprKind::Binary(_, a, b) | ExprKind::Index(a, b) => open.extend([a, b]),
                    ExprKind::Ternary(a, b, c) => open.extend([a, b, c]),
                    _ => {}
                }
            }
        });
        found
    }

    fn event(&mut self, list: &[ast::EventExpr], body: &'a ast::Stmt, span: Span) -> Option<StmtKind> {
        if self.place.function.is_some() {
            self.error(code::MISPLACED, span, "events are not allowed in a function");
            return None;
        }
        let mut events = vec![];
        for e in list {
            if let Some(kind) = self.event_kind(e) {
                events.push(self.m.events.push(Event { kind, span: e.span }));
            }
        }
        let saved = std::mem::replace(&mut self.place.in_event, true);
        let body = self.body(body);
        self.place.in_event = saved;
        if events.is_empty() {
            return None;
        }
        Some(StmtKind::OnEvent { events, body })
    }

    fn event_kind(&mut self, e: &ast::EventExpr) -> Option<EventKind> {
        let name = self.text(e.name.name);
        let args = &e.args;
        match name {
            "initial_step" | "final_step" => {
                let mut analyses = vec![];
                for a in args {
                    if let ExprKind::Str(n) = self.ast.expr(*a).kind {
                        analyses.push(self.text(n).to_string());
                    } else {
                        let at = self.ex_span(*a);
                        self.error_help(
                            code::BAD_ARGUMENT,
                            at,
                            "the name of an analysis in quotes is needed",
                            "`@(initial_step(\"tran\"))`",
                        );
                    }
                }
                Some(if name == "initial_step" {
                    EventKind::InitialStep(analyses)
                } else {
                    EventKind::FinalStep(analyses)
                })
            }
            "initial_model" | "initial_instance" => {
                self.lint_once(
                    code::DIALECT,
                    e.span,
                    name,
                    format!("`@({name})` is an event of the ADMS compiler"),
                    "the language has `analog initial begin ... end`",
                );
                Some(if name == "initial_model" { EventKind::InitialModel } else { EventKind::InitialInstance })
            }
            "cross" => {
                self.count("cross", args, 1, 5, "cross(x, direction, time tolerance, tolerance, enable)", e.span)?;
                let expr = self.real_expr(args[0]);
                let direction = self.optional(args, 1, Ty::Int);
                let (time_tol, expr_tol) = (self.optional(args, 2, Ty::Real), self.optional(args, 3, Ty::Real));
                let enable = self.optional(args, 4, Ty::Bool);
                Some(EventKind::Cross {
                    expr: expr?,
                    direction: direction?,
                    time_tol: time_tol?,
                    expr_tol: expr_tol?,
                    enable: enable?,
                })
            }
            "above" => {
                self.count("above", args, 1, 4, "above(x, time tolerance, tolerance, enable)", e.span)?;
                let expr = self.real_expr(args[0]);
                let (time_tol, expr_tol) = (self.optional(args, 1, Ty::Real), self.optional(args, 2, Ty::Real));
                let enable = self.optional(args, 3, Ty::Bool);
                Some(EventKind::Above { expr: expr?, time_tol: time_tol?, expr_tol: expr_tol?, enable: enable? })
            }
            "absdelta" => {
                self.count("absdelta", args, 2, 5, "absdelta(x, delta, time tolerance, tolerance, enable)", e.span)?;
                let (expr, delta) = (self.real_expr(args[0]), self.real_expr(args[1]));
                let (time_tol, expr_tol) = (self.optional(args, 2, Ty::Real), self.optional(args, 3, Ty::Real));
                let enable = self.optional(args, 4, Ty::Bool);
                Some(EventKind::AbsDelta {
                    expr: expr?,
                    delta: delta?,
                    time_tol: time_tol?,
                    expr_tol: expr_tol?,
                    enable: enable?,
                })
            }
            "timer" => {
                self.count("timer", args, 1, 4, "timer(start, period, tolerance, enable)", e.span)?;
                let start = self.real_expr(args[0]);
                let (period, time_tol) = (self.optional(args, 1, Ty::Real), self.optional(args, 2, Ty::Real));
                let enable = self.optional(args, 3, Ty::Bool);
                Some(EventKind::Timer { start: start?, period: period?, time_tol: time_tol?, enable: enable? })
            }
            _ => {
                let known = ["initial_step", "final_step", "cross", "above", "absdelta", "timer"];
                let help = did_you_mean(name, known)
                    .unwrap_or_else(|| "events are initial_step, final_step, cross, above, absdelta and timer".into());
                self.error_help(code::EVENT, e.name.span, format!("there is no event `{name}`"), help);
                None
            }
        }
    }

    fn optional(&mut self, args: &[Ex], k: usize, ty: Ty) -> Option<Option<hir::ExprId>> {
        match args.get(k) {
            None => Some(None),
            Some(e) if matches!(self.ast.expr(*e).kind, ExprKind::Empty) => Some(None),
            Some(e) => {
                let x = self.expr(*e)?;
                self.cast(x, ty).map(Some)
            }
        }
    }
}

/// Visits a statement and all in it.
fn walk(s: &ast::Stmt, f: &mut impl FnMut(&ast::Stmt)) {
    f(s);
    match &s.kind {
        ast::StmtKind::Block(b) => b.stmts.iter().for_each(|s| walk(s, f)),
        ast::StmtKind::If(_, a, b) => {
            walk(a, f);
            if let Some(b) = b {
                walk(b, f);
            }
        }
        ast::StmtKind::Case(_, arms) => arms.iter().for_each(|a| walk(&a.body, f)),
        ast::StmtKind::For(l) => walk(&l.body, f),
        ast::StmtKind::While(_, b) | ast::StmtKind::Repeat(_, b) | ast::StmtKind::Event(_, b) => walk(b, f),
        _ => {}
    }
}
