//! A module as text, close to the language: for `va dump`, for messages, for tests.

use std::fmt::Write;

use super::*;

impl Module {
    /// An expression in one line, fully parenthesized.
    pub fn expr_text(&self, id: ExprId) -> String {
        let mut out = String::new();
        self.write_expr(&mut out, id);
        out
    }

    fn list_text(&self, list: &[ExprId]) -> String {
        list.iter().map(|e| self.expr_text(*e)).collect::<Vec<_>>().join(", ")
    }

    fn index_text(&self, list: &[ExprId]) -> String {
        list.iter().map(|e| format!("[{}]", self.expr_text(*e))).collect()
    }

    fn lvalue_text(&self, l: &LValue) -> String {
        format!("{}{}", self.vars[l.var].name, self.index_text(&l.index))
    }

    /// `V(a, b)` with the discipline's own name.
    fn access_text(&self, discipline: Option<DisciplineId>, q: Quantity) -> &str {
        let nature = discipline.and_then(|d| match q {
            Quantity::Potential => self.disciplines[d].potential,
            Quantity::Flow => self.disciplines[d].flow,
        });
        nature.map_or(if q == Quantity::Flow { "flow" } else { "potential" }, |n| &self.natures[n].access)
    }

    pub fn branch_text(&self, id: BranchId) -> String {
        let b = &self.branches[id];
        match &b.name {
            Some(n) => n.clone(),
            None if b.lo == Module::GROUND => self.nodes[b.hi].name.clone(),
            None => format!("{}, {}", self.nodes[b.hi].name, self.nodes[b.lo].name),
        }
    }

    fn write_expr(&self, out: &mut String, id: ExprId) {
        let text = match &self.exprs[id].kind {
            ExprKind::Real(x) if x.is_infinite() => if *x > 0.0 { "inf" } else { "-inf" }.to_string(),
            ExprKind::Real(x) => format!("{x:?}"),
            ExprKind::Int(k) => k.to_string(),
            ExprKind::Bool(b) => b.to_string(),
            ExprKind::Str(s) => format!("{s:?}"),
            ExprKind::Param(p) => self.params[*p].name.clone(),
            ExprKind::ParamElement(p, i) => format!("{}{}", self.params[*p].name, self.index_text(i)),
            ExprKind::Var(v) => self.vars[*v].name.clone(),
            ExprKind::VarElement(v, i) => format!("{}{}", self.vars[*v].name, self.index_text(i)),
            ExprKind::Unary(op, a) => {
                let word = match op {
                    UnOp::Neg => "-",
                    UnOp::Not => "!",
                    UnOp::BitNot => "~",
                    UnOp::RedAnd => "&",
                    UnOp::RedOr => "|",
                    UnOp::RedXor => "^",
                };
                out.push_str(word);
                return self.write_expr(out, *a);
            }
            ExprKind::Binary(op, a, b) => {
                out.push('(');
                self.write_expr(out, *a);
                let _ = write!(out, " {} ", binary_text(*op));
                self.write_expr(out, *b);
                ")".into()
            }
            ExprKind::Select(c, a, b) => {
                out.push('(');
                self.write_expr(out, *c);
                out.push_str(" ? ");
                self.write_expr(out, *a);
                out.push_str(" : ");
                self.write_expr(out, *b);
                ")".into()
            }
            ExprKind::Cast(a) => format!("{}({})", ty_text(self.exprs[id].ty), self.expr_text(*a)),
            ExprKind::Math(f, args) => format!("{}({})", format!("{f:?}").to_lowercase(), self.list_text(args)),
            ExprKind::Potential { hi, lo } => {
                let access = self.access_text(self.nodes[*hi].discipline, Quantity::Potential);
                match *lo == Module::GROUND {
                    true => format!("{access}({})", self.nodes[*hi].name),
                    false => format!("{access}({}, {})", self.nodes[*hi].name, self.nodes[*lo].name),
                }
            }
            ExprKind::Flow(b) => {
                format!("{}({})", self.access_text(self.branches[*b].discipline, Quantity::Flow), self.branch_text(*b))
            }
            ExprKind::PortFlow(p) => {
                let d = self.nodes[self.ports[*p].node].discipline;
                format!("{}(<{}>)", self.access_text(d, Quantity::Flow), self.ports[*p].name)
            }
            ExprKind::Operator(op) => self.operator_text(*op),
            ExprKind::Call(f, args) => {
                let args: Vec<String> = args
                    .iter()
                    .map(|a| match a {
                        CallArg::In(e) => self.expr_text(*e),
                        CallArg::Out(l) => format!("output {}", self.lvalue_text(l)),
                        CallArg::Inout(l) => format!("inout {}", self.lvalue_text(l)),
                        CallArg::Array(v) => format!("{}[]", self.vars[*v].name),
                    })
                    .collect();
                format!("{}({})", self.functions[*f].name, args.join(", "))
            }
            ExprKind::Random(r) => self.random_text(r),
            ExprKind::Temperature => "$temperature".into(),
            ExprKind::ThermalVoltage(None) => "$vt".into(),
            ExprKind::ThermalVoltage(Some(t)) => format!("$vt({})", self.expr_text(*t)),
            ExprKind::AbsTime => "$abstime".into(),
            ExprKind::SysParam(p) => format!("${}", format!("{p:?}").to_lowercase()),
            ExprKind::SimParam { name, default: None } => format!("$simparam({name:?})"),
            ExprKind::SimParam { name, default: Some(d) } => format!("$simparam({name:?}, {})", self.expr_text(*d)),
            ExprKind::SimParamStr(name) => format!("$simparam$str({name:?})"),
            ExprKind::ParamGiven(p) => format!("$param_given({})", self.params[*p].name),
            ExprKind::PortConnected(p) => format!("$port_connected({})", self.ports[*p].name),
            ExprKind::Analysis(list) => format!("analysis({})", quoted(list)),
            ExprKind::Concat(parts) => format!("{{{}}}", self.list_text(parts)),
            ExprKind::StrLen(a) => format!("{}.len()", self.expr_text(*a)),
            ExprKind::StrSub(s, a, b) => {
                format!("{}.substr({}, {})", self.expr_text(*s), self.expr_text(*a), self.expr_text(*b))
            }
            ExprKind::StrToNumber(s) => {
                let f = if self.exprs[id].ty == Ty::Int { "atoi" } else { "atoreal" };
                format!("{}.{f}()", self.expr_text(*s))
            }
            ExprKind::StrCase { arg, is_upper } => {
                format!("{}.{}()", self.expr_text(*arg), if *is_upper { "toupper" } else { "tolower" })
            }
            ExprKind::FileOpen { name, mode } => {
                let args: Vec<ExprId> = std::iter::once(*name).chain(*mode).collect();
                format!("$fopen({})", self.list_text(&args))
            }
        };
        out.push_str(&text);
    }

    fn random_text(&self, r: &Random) -> String {
        let seed = |s: &Seed| match s {
            Seed::None => String::from("-"),
            Seed::Variable(v) => format!("seed {}", self.vars[*v].name),
            Seed::Value(e) => self.expr_text(*e),
        };
        let (name, s, args): (_, _, Vec<ExprId>) = match r {
            Random::Integer(s) => ("random", s, vec![]),
            Random::AnalogInteger { seed, .. } => ("arandom", seed, vec![]),
            Random::Uniform(s, a, b) => ("uniform", s, vec![*a, *b]),
            Random::Normal(s, a, b) => ("normal", s, vec![*a, *b]),
            Random::Exponential(s, a) => ("exponential", s, vec![*a]),
            Random::Poisson(s, a) => ("poisson", s, vec![*a]),
            Random::ChiSquare(s, a) => ("chi_square", s, vec![*a]),
            Random::T(s, a) => ("t", s, vec![*a]),
            Random::Erlang(s, a, b) => ("erlang", s, vec![*a, *b]),
        };
        let rest: String = args.iter().map(|a| format!(", {}", self.expr_text(*a))).collect();
        format!("$draw_{name}({}{rest})", seed(s))
    }

    pub fn operator_text(&self, id: OperatorId) -> String {
        use OperatorKind as K;
        let opt = |e: &Option<ExprId>| e.map_or(String::from("-"), |e| self.expr_text(e));
        let label = |n: &Option<String>| n.as_ref().map_or(String::new(), |n| format!(", {n:?}"));
        let roots = |r: &Roots| match r {
            Roots::Coefficients(c) => format!("{{{}}}", self.list_text(c)),
            Roots::Pairs(p) => {
                let parts: Vec<String> =
                    p.iter().map(|(a, b)| format!("{} + j {}", self.expr_text(*a), self.expr_text(*b))).collect();
                format!("roots {{{}}}", parts.join(", "))
            }
        };
        let table = |t: &Table| match t {
            Table::File(e) => self.expr_text(*e),
            Table::Columns(c) => {
                let parts: Vec<String> = c.iter().map(|c| format!("{{{}}}", self.list_text(c))).collect();
                parts.join(", ")
            }
        };
        let body = match &self.operators[id].kind {
            K::Ddt { arg, .. } => format!("ddt({})", self.expr_text(*arg)),
            K::Idt { arg, ic, assert, .. } => {
                format!("idt({}, {}, {})", self.expr_text(*arg), opt(ic), opt(assert))
            }
            K::IdtMod { arg, ic, modulus, offset, .. } => {
                format!("idtmod({}, {}, {}, {})", self.expr_text(*arg), opt(ic), opt(modulus), opt(offset))
            }
            K::Ddx { arg, wrt } => {
                let wrt = match wrt {
                    DdxVar::Potential(n) => format!("potential({})", self.nodes[*n].name),
                    DdxVar::Difference(a, b) => format!("potential({}, {})", self.nodes[*a].name, self.nodes[*b].name),
                    DdxVar::Flow(b) => format!("flow({})", self.branch_text(*b)),
                    DdxVar::Temperature => "$temperature".into(),
                };
                format!("ddx({}, {wrt})", self.expr_text(*arg))
            }
            K::LimExp(a) => format!("limexp({})", self.expr_text(*a)),
            K::Laplace(l) => format!("laplace({}, {}, {})", self.expr_text(l.arg), roots(&l.num), roots(&l.den)),
            K::AbsDelay { arg, delay, max_delay } => {
                format!("absdelay({}, {}, {})", self.expr_text(*arg), self.expr_text(*delay), opt(max_delay))
            }
            K::Transition { arg, delay, rise, fall, .. } => {
                format!("transition({}, {}, {}, {})", self.expr_text(*arg), opt(delay), opt(rise), opt(fall))
            }
            K::Slew { arg, rise, fall } => format!("slew({}, {}, {})", self.expr_text(*arg), opt(rise), opt(fall)),
            K::LastCrossing { arg, direction } => {
                format!("last_crossing({}, {})", self.expr_text(*arg), opt(direction))
            }
            K::WhiteNoise { power, name } => format!("white_noise({}{})", self.expr_text(*power), label(name)),
            K::FlickerNoise { power, exponent, name } => {
                format!("flicker_noise({}, {}{})", self.expr_text(*power), self.expr_text(*exponent), label(name))
            }
            K::NoiseTable { table: t, is_log, name } => {
                format!("noise_table{}({}{})", if *is_log { "_log" } else { "" }, table(t), label(name))
            }
            K::AcStim { analysis, magnitude, phase } => {
                format!("ac_stim({analysis:?}, {}, {})", opt(magnitude), opt(phase))
            }
            K::Limit { arg, limiter } => {
                let how = match limiter {
                    Limiter::PnJunction { vte, vcrit } => {
                        format!("pnjlim, {}, {}", self.expr_text(*vte), self.expr_text(*vcrit))
                    }
                    Limiter::Fet { vto } => format!("fetlim, {}", self.expr_text(*vto)),
                    Limiter::DrainSource => "vdslim".into(),
                    Limiter::Named(n, args) => format!("{n:?}, {}", self.list_text(args)),
                    Limiter::User(f, args) => format!("{}, {}", self.functions[*f].name, self.list_text(args)),
                    Limiter::Default => "-".into(),
                };
                format!("$limit({}, {how})", self.expr_text(*arg))
            }
            K::TableModel { inputs, table: t, axes, column } => {
                let axes: Vec<String> = axes.iter().map(|a| format!("{a:?}")).collect();
                format!("$table_model({}, {}, {}; {column})", self.list_text(inputs), table(t), axes.join(", "))
            }
        };
        format!("{id:?}:{body}")
    }

    /// The whole module.
    pub fn text(&self) -> String {
        let mut out = format!("module {}\n", self.name);
        for p in self.ports.values() {
            let _ = writeln!(out, "  {} {} {}", direction(p.direction), self.discipline_text(p.node), p.name);
        }
        for (n, node) in self.internal_nodes() {
            let _ = writeln!(out, "  node {} {}", self.discipline_text(n), node.name);
        }
        for (id, b) in self.branches.iter() {
            let used: Vec<&str> =
                [(b.is_potential_contributed, "V<+"), (b.is_flow_contributed, "I<+"), (b.is_flow_probed, "I")]
                    .iter()
                    .filter(|u| u.0)
                    .map(|u| u.1)
                    .collect();
            let (hi, lo) = (&self.nodes[b.hi].name, &self.nodes[b.lo].name);
            let name = b.name.as_deref().unwrap_or("-");
            let _ = writeln!(out, "  branch {id:?} {name} ({hi}, {lo}) {}", used.join(" "));
        }
        for (id, p) in self.params.iter() {
            let _ = write!(out, "  {}", self.param_text(id));
            if self.structural.contains(&id) {
                out.push_str(" structural");
            }
            if !p.aliases.is_empty() {
                let _ = write!(out, " alias {}", p.aliases.join(" "));
            }
            out.push('\n');
        }
        for (name, p) in &self.system_aliases {
            let _ = writeln!(out, "  alias {name} = ${}", format!("{p:?}").to_lowercase());
        }
        for v in self.vars.values().filter(|v| v.owner == Owner::Module) {
            let _ = writeln!(out, "  {}", self.var_text(v));
        }
        for i in &self.instances {
            let _ = writeln!(out, "  instance {} of {}", i.path, i.module);
        }
        for (id, f) in self.functions.iter() {
            let args: Vec<String> = f
                .args
                .iter()
                .map(|a| format!("{} {}", direction(a.direction), self.var_text(&self.vars[a.var])))
                .collect();
            let _ = writeln!(out, "  function {} {}({})", ty_text(self.vars[f.result].ty), f.name, args.join(", "));
            let is_arg = |v: VarId| v == f.result || f.args.iter().any(|a| a.var == v);
            for (k, v) in self.vars.iter().filter(|(_, v)| v.owner == Owner::Function(id)) {
                if !is_arg(k) {
                    let _ = writeln!(out, "    {}", self.var_text(v));
                }
            }
            self.write_stmts(&mut out, &f.body, 2);
        }
        if !self.initial.is_empty() {
            out.push_str("  initial\n");
            self.write_stmts(&mut out, &self.initial, 2);
        }
        out.push_str("  analog\n");
        self.write_stmts(&mut out, &self.analog, 2);
        out.push_str("endmodule\n");
        out
    }

    fn discipline_text(&self, n: NodeId) -> &str {
        self.nodes[n].discipline.map_or("-", |d| &self.disciplines[d].name)
    }

    fn var_text(&self, v: &Var) -> String {
        let dims: String = v.dims.iter().map(|d| format!("[{}:{}]", d.left, d.right)).collect();
        let init = v.init.as_ref().map_or(String::new(), |i| format!(" = {}", self.list_text(i)));
        let output = if v.is_output { " output" } else { "" };
        format!("{} {}{dims}{init}{output}", ty_text(v.ty), v.name)
    }

    pub fn param_text(&self, id: ParamId) -> String {
        let p = &self.params[id];
        let word = match p.kind {
            ParamKind::Parameter => "parameter",
            ParamKind::Local => "localparam",
            ParamKind::Derived { is_given: true } => "given",
            ParamKind::Derived { is_given: false } => "derived",
        };
        let dims: String = p.dims.iter().map(|d| format!("[{}:{}]", d.left, d.right)).collect();
        let ranges: String = p.ranges.iter().map(|r| format!(" {}", self.range_text(r))).collect();
        format!("{word} {} {}{dims} = {}{ranges}", ty_text(p.ty), p.name, self.list_text(&p.default))
    }

    /// `from [0:inf)`.
    pub fn range_text(&self, r: &Range) -> String {
        let word = if r.is_exclude { "exclude" } else { "from" };
        match &r.set {
            RangeSet::Interval { lo, lo_inclusive, hi, hi_inclusive } => format!(
                "{word} {}{}:{}{}",
                if *lo_inclusive { '[' } else { '(' },
                self.expr_text(*lo),
                self.expr_text(*hi),
                if *hi_inclusive { ']' } else { ')' }
            ),
            RangeSet::Values(v) if v.len() == 1 => format!("{word} {}", self.expr_text(v[0])),
            RangeSet::Values(v) => format!("{word} {{{}}}", self.list_text(v)),
        }
    }

    pub fn event_text(&self, id: EventId) -> String {
        let opt = |e: &Option<ExprId>| e.map_or(String::from("-"), |e| self.expr_text(e));
        match &self.events[id].kind {
            EventKind::InitialStep(a) => format!("initial_step({})", quoted(a)),
            EventKind::FinalStep(a) => format!("final_step({})", quoted(a)),
            EventKind::Cross { expr, direction, .. } => format!("cross({}, {})", self.expr_text(*expr), opt(direction)),
            EventKind::Above { expr, .. } => format!("above({})", self.expr_text(*expr)),
            EventKind::Timer { start, period, .. } => format!("timer({}, {})", self.expr_text(*start), opt(period)),
            EventKind::AbsDelta { expr, delta, .. } => {
                format!("absdelta({}, {})", self.expr_text(*expr), self.expr_text(*delta))
            }
            EventKind::InitialModel => "initial_model".into(),
            EventKind::InitialInstance => "initial_instance".into(),
        }
    }

    fn write_stmts(&self, out: &mut String, list: &[Stmt], depth: usize) {
        let pad = "  ".repeat(depth);
        for s in list {
            match &s.kind {
                StmtKind::Assign { target, value } => {
                    let _ = writeln!(out, "{pad}{} = {}", self.lvalue_text(target), self.expr_text(*value));
                }
                StmtKind::AssignArray { target, values } => {
                    let _ = writeln!(out, "{pad}{} = {{{}}}", self.vars[*target].name, self.list_text(values));
                }
                StmtKind::Contribute { branch, quantity, value } => {
                    let access = self.access_text(self.branches[*branch].discipline, *quantity);
                    let _ = writeln!(out, "{pad}{access}({}) <+ {}", self.branch_text(*branch), self.expr_text(*value));
                }
                StmtKind::Indirect { branch, quantity, lhs, rhs } => {
                    let access = self.access_text(self.branches[*branch].discipline, *quantity);
                    let (l, r) = (self.expr_text(*lhs), self.expr_text(*rhs));
                    let _ = writeln!(out, "{pad}{access}({}) : {l} == {r}", self.branch_text(*branch));
                }
                StmtKind::If { cond, then, otherwise } => {
                    let _ = writeln!(out, "{pad}if {}", self.expr_text(*cond));
                    self.write_stmts(out, then, depth + 1);
                    if !otherwise.is_empty() {
                        let _ = writeln!(out, "{pad}else");
                        self.write_stmts(out, otherwise, depth + 1);
                    }
                }
                StmtKind::Case { selector, arms, default } => {
                    let _ = writeln!(out, "{pad}case {}", self.expr_text(*selector));
                    for a in arms {
                        let _ = writeln!(out, "{pad}{}:", self.list_text(&a.values));
                        self.write_stmts(out, &a.body, depth + 1);
                    }
                    if !default.is_empty() {
                        let _ = writeln!(out, "{pad}default:");
                        self.write_stmts(out, default, depth + 1);
                    }
                }
                StmtKind::Loop { cond, body, step } => {
                    let _ = writeln!(out, "{pad}while {}", self.expr_text(*cond));
                    self.write_stmts(out, body, depth + 1);
                    self.write_stmts(out, step, depth + 1);
                }
                StmtKind::Repeat { count, body } => {
                    let _ = writeln!(out, "{pad}repeat {}", self.expr_text(*count));
                    self.write_stmts(out, body, depth + 1);
                }
                StmtKind::OnEvent { events, body } => {
                    let names: Vec<String> = events.iter().map(|e| self.event_text(*e)).collect();
                    let _ = writeln!(out, "{pad}@({})", names.join(" or "));
                    self.write_stmts(out, body, depth + 1);
                }
                StmtKind::Task(t) => {
                    let _ = writeln!(out, "{pad}{}", self.task_text(t));
                }
                StmtKind::Eval(e) => {
                    let _ = writeln!(out, "{pad}{}", self.expr_text(*e));
                }
            }
        }
    }

    fn task_text(&self, t: &Task) -> String {
        let opt = |e: &Option<ExprId>| e.map_or(String::new(), |e| self.expr_text(e));
        match t {
            Task::Text { kind, items } => {
                format!("${}({})", format!("{kind:?}").to_lowercase(), self.items_text(items))
            }
            Task::Finish { level } => format!("$finish({})", opt(level)),
            Task::Stop { level } => format!("$stop({})", opt(level)),
            Task::BoundStep(e) => format!("$bound_step({})", self.expr_text(*e)),
            Task::Discontinuity(e) => format!("$discontinuity({})", self.expr_text(*e)),
            Task::Limit(op) => self.operator_text(*op),
            Task::FileText { descriptor, kind, items } => format!(
                "$f{}({}, {})",
                format!("{kind:?}").to_lowercase(),
                self.expr_text(*descriptor),
                self.items_text(items)
            ),
            Task::FileClose(e) => format!("$fclose({})", self.expr_text(*e)),
            Task::FormatString { target, items } => {
                format!("$sformat({}, {})", self.lvalue_text(target), self.items_text(items))
            }
        }
    }

    fn items_text(&self, items: &[FormatItem]) -> String {
        let one = |i: &FormatItem| match i {
            FormatItem::Text(t) => format!("{t:?}"),
            FormatItem::Real { value, conversion, .. } | FormatItem::Int { value, conversion, .. } => {
                format!("%{conversion} {}", self.expr_text(*value))
            }
            FormatItem::Str { value, .. } => format!("%s {}", self.expr_text(*value)),
            FormatItem::InstancePath(p) => format!("%m {p:?}"),
            FormatItem::LibraryName => "%l".into(),
        };
        items.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

fn quoted(list: &[String]) -> String {
    list.iter().map(|s| format!("{s:?}")).collect::<Vec<_>>().join(", ")
}

fn direction(d: Direction) -> &'static str {
    match d {
        Direction::Input => "input",
        Direction::Output => "output",
        Direction::Inout => "inout",
    }
}

pub fn ty_text(ty: Ty) -> &'static str {
    match ty {
        Ty::Real => "real",
        Ty::Int => "int",
        Ty::Bool => "bool",
        Ty::Str => "string",
    }
}

fn binary_text(op: BinOp) -> &'static str {
    match op {
        BinOp::Add => "+",
        BinOp::Sub => "-",
        BinOp::Mul => "*",
        BinOp::Div => "/",
        BinOp::Rem => "%",
        BinOp::Pow => "**",
        BinOp::Lt => "<",
        BinOp::Le => "<=",
        BinOp::Gt => ">",
        BinOp::Ge => ">=",
        BinOp::Eq => "==",
        BinOp::Ne => "!=",
        BinOp::And => "&&",
        BinOp::Or => "||",
        BinOp::BitAnd => "&",
        BinOp::BitOr => "|",
        BinOp::BitXor => "^",
        BinOp::Shl => "<<",
        BinOp::Shr => ">>",
        BinOp::Sar => ">>>",
    }
}
