//! System functions: `$temperature`, `$simparam`, random draws, tables, limiting.

use super::super::ast::{Ex, ExprKind, Ident};
use super::super::hir::{
    self, AxisControl, ExprId, Extrapolation, Interpolation, Limiter, MathFn, OperatorKind, ParamKind, Random, Seed,
    SysParam, Table, Ty,
};
use super::{Def, Elab, PortRef};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};

const FUNCTIONS: &[&str] = &[
    "temperature",
    "vt",
    "abstime",
    "realtime",
    "simparam",
    "param_given",
    "port_connected",
    "mfactor",
    "xposition",
    "yposition",
    "angle",
    "hflip",
    "vflip",
    "limit",
    "limexp",
    "random",
    "arandom",
    "rdist_uniform",
    "rdist_normal",
    "rdist_exponential",
    "rdist_poisson",
    "rdist_chi_square",
    "rdist_t",
    "rdist_erlang",
    "table_model",
    "analysis",
    "rtoi",
    "itor",
    "clog2",
    "fopen",
    "strobe",
    "display",
    "write",
    "monitor",
    "debug",
    "info",
    "warning",
    "error",
    "fatal",
    "finish",
    "stop",
    "bound_step",
    "discontinuity",
    "fclose",
    "fstrobe",
    "fdisplay",
    "fwrite",
    "sformat",
    "swrite",
];

pub(super) fn sys_param(name: &str) -> Option<SysParam> {
    Some(match name {
        "mfactor" => SysParam::Mfactor,
        "xposition" => SysParam::XPosition,
        "yposition" => SysParam::YPosition,
        "angle" => SysParam::Angle,
        "hflip" => SysParam::HFlip,
        "vflip" => SysParam::VFlip,
        _ => return None,
    })
}

impl<'a> Elab<'a> {
    /// What an instance says of itself, in surroundings that have theirs.
    pub(super) fn placed(&mut self, p: SysParam, own: ExprId, around: ExprId) -> ExprId {
        let span = self.span_of(own);
        let binary = |s: &mut Self, o, a, b| s.add(hir::ExprKind::Binary(o, a, b), Ty::Real, span);
        match p {
            SysParam::Mfactor | SysParam::HFlip | SysParam::VFlip => self.times(own, around),
            SysParam::XPosition | SysParam::YPosition => binary(self, hir::BinOp::Add, own, around),
            SysParam::Angle => {
                let sum = binary(self, hir::BinOp::Add, own, around);
                let turn = self.real(360.0, span);
                binary(self, hir::BinOp::Rem, sum, turn)
            }
        }
    }

    pub(super) fn system(&mut self, id: Ident, args: &[Ex], span: Span) -> Option<ExprId> {
        let name = self.text(id.name);
        if let Some(p) = sys_param(name) {
            let x = self.add(hir::ExprKind::SysParam(p), Ty::Real, span);
            let inner = p.placement().map_or(self.frame.mfactor, |k| self.frame.placement[k]);
            return Some(inner.map_or(x, |i| self.placed(p, i, x)));
        }
        if let Some(base) = name.strip_prefix("rdist_").or_else(|| name.strip_prefix("dist_")) {
            return self.distribution(name, base, args, span);
        }
        match name {
            "temperature" => Some(self.add(hir::ExprKind::Temperature, Ty::Real, span)),
            "vt" => {
                self.count("$vt", args, 0, 1, "$vt(temperature)", span)?;
                let t = match args.first() {
                    Some(e) => Some(self.real_expr(*e)?),
                    None => None,
                };
                Some(self.add(hir::ExprKind::ThermalVoltage(t), Ty::Real, span))
            }
            "abstime" | "realtime" | "time" => {
                if self.place.is_constant {
                    self.error(code::NOT_CONSTANT, span, "time is not a constant");
                    return None;
                }
                let t = self.add(hir::ExprKind::AbsTime, Ty::Real, span);
                if name == "abstime" {
                    return Some(t);
                }
                self.lint_once(
                    code::DIALECT,
                    span,
                    name,
                    format!("`${name}` is the time of digital Verilog"),
                    "write `$abstime`, which is in seconds",
                );
                // In units of `timescale, where the file has one.
                match self.frame.timescale {
                    Some(unit) => {
                        let unit = self.real(unit, span);
                        Some(self.add(hir::ExprKind::Binary(hir::BinOp::Div, t, unit), Ty::Real, span))
                    }
                    None => Some(t),
                }
            }
            "simparam" => self.simparam(args, span),
            "simparam$str" => {
                self.count("$simparam$str", args, 1, 1, "$simparam$str(\"name\")", span)?;
                let name = self.quoted(args[0])?;
                Some(self.add(hir::ExprKind::SimParamStr(name), Ty::Str, span))
            }
            "param_given" => self.param_given(args, span),
            "port_connected" => self.port_connected(args, span),
            "limit" => self.limit(id, args, span),
            "limexp" => {
                self.lint_once(code::DIALECT, span, "$limexp", "`$limexp` is a form of old tools", "write `limexp`");
                self.operator(id, "limexp", args, span)
            }
            "analysis" => {
                self.lint_once(
                    code::DIALECT,
                    span,
                    "$analysis",
                    "`$analysis` is not in the language reference",
                    "write `analysis`",
                );
                self.operator(id, "analysis", args, span)
            }
            "random" | "arandom" => {
                self.count(name, args, 0, 2, "$random(seed)", span)?;
                self.draw_place(id)?;
                let seed = self.seed(args.first().copied())?;
                let kind = if name == "random" {
                    Random::Integer(seed)
                } else {
                    Random::AnalogInteger { seed, is_global: self.is_global(args.get(1).copied()) }
                };
                Some(self.add(hir::ExprKind::Random(kind), Ty::Int, span))
            }
            "table_model" => self.table_model(id, args, span),
            "rtoi" => {
                self.count("$rtoi", args, 1, 1, "$rtoi(x)", span)?;
                let x = self.real_expr(args[0])?;
                Some(self.add(hir::ExprKind::Math(MathFn::Trunc, vec![x]), Ty::Int, span))
            }
            "itor" => {
                self.count("$itor", args, 1, 1, "$itor(i)", span)?;
                let x = self.int_expr(args[0])?;
                self.cast(x, Ty::Real)
            }
            "fopen" => {
                self.count("$fopen", args, 1, 2, "$fopen(\"file\", \"w\")", span)?;
                let file = self.string(args[0])?;
                let mode = match args.get(1) {
                    Some(e) => Some(self.string(*e)?),
                    None => None,
                };
                Some(self.add(hir::ExprKind::FileOpen { name: file, mode }, Ty::Int, span))
            }
            _ if super::call::is_builtin(name) && !super::operator::is_operator(name) => self.math(name, args, span),
            "table_param" | "simprobe" | "test$plusargs" | "value$plusargs" | "analog_node_alias"
            | "analog_port_alias" | "fgets" | "fscanf" | "sscanf" | "feof" | "ftell" | "fseek" | "rewind"
            | "ferror" | "fflush" | "fgetc" | "fread" | "cds_get_rand" | "hspice_get" => {
                self.error(code::UNSUPPORTED, span, format!("`${name}` is not supported"));
                None
            }
            _ => {
                self.unknown_system(id);
                None
            }
        }
    }

    pub(super) fn unknown_system(&mut self, id: Ident) {
        let name = self.text(id.name);
        let mut d = Diagnostic::error(code::UNKNOWN_FUNCTION, format!("there is no `${name}`")).at(id.span, "");
        if let Some(h) = did_you_mean(name, FUNCTIONS.iter().copied()) {
            d = d.help(
                h.replace('`', "")
                    .replace("did you mean ", "did you mean `$")
                    .replace('?', "`?")
                    .replace(" or ", "` or `$"),
            );
        }
        self.diags.push(d);
    }

    /// A literal string.
    fn quoted(&mut self, e: Ex) -> Option<String> {
        if let ExprKind::Str(n) = self.ast.expr(e).kind {
            return Some(self.text(n).to_string());
        }
        let x = self.string(e)?;
        match self.eval(x, true) {
            Some(super::Value::Str(s)) => Some(s),
            _ => {
                let span = self.ex_span(e);
                self.error(code::BAD_ARGUMENT, span, "a name in quotes is needed here");
                None
            }
        }
    }

    /// A string that is taken at its value, which makes the parameters in it structural.
    pub(super) fn file_name(&mut self, e: Ex) -> Option<ExprId> {
        let x = self.string(e)?;
        match self.eval(x, true) {
            Some(super::Value::Str(s)) => {
                let span = self.ex_span(e);
                Some(self.add(hir::ExprKind::Str(s), Ty::Str, span))
            }
            _ => Some(x),
        }
    }

    fn simparam(&mut self, args: &[Ex], span: Span) -> Option<ExprId> {
        self.count("$simparam", args, 1, 2, "$simparam(\"gmin\", default)", span)?;
        let name = self.quoted(args[0]);
        let default = match args.get(1) {
            Some(e) => Some(self.real_expr(*e)?),
            None => None,
        };
        Some(self.add(hir::ExprKind::SimParam { name: name?, default }, Ty::Real, span))
    }

    fn param_given(&mut self, args: &[Ex], span: Span) -> Option<ExprId> {
        self.count("$param_given", args, 1, 1, "$param_given(parameter)", span)?;
        let id = match &self.ast.expr(args[0]).kind {
            ExprKind::Path(p) if p.len() == 1 => p[0],
            ExprKind::Missing => return None,
            _ => {
                let at = self.ex_span(args[0]);
                self.error(code::BAD_ARGUMENT, at, "the name of a parameter is needed here");
                return None;
            }
        };
        match self.lookup(id.name).map(|(d, s, _)| (d.clone(), s)) {
            Some((Def::Param(k), _)) => {
                let p = self.param_id(k, id.span)?;
                // What an instance was given is known already.
                let kind = match self.m.params[p].kind {
                    ParamKind::Derived { is_given } => hir::ExprKind::Bool(is_given),
                    ParamKind::Local => hir::ExprKind::Bool(false),
                    ParamKind::Parameter => hir::ExprKind::ParamGiven(p),
                };
                Some(self.add(kind, Ty::Bool, span))
            }
            Some((_, declared)) => {
                let text = self.text(id.name);
                let d = Diagnostic::error(code::BAD_ARGUMENT, format!("`{text}` is not a parameter"))
                    .at(id.span, "")
                    .at(declared, "declared here");
                self.diags.push(d);
                None
            }
            None => {
                self.unknown(id);
                None
            }
        }
    }

    fn port_connected(&mut self, args: &[Ex], span: Span) -> Option<ExprId> {
        self.count("$port_connected", args, 1, 1, "$port_connected(port)", span)?;
        let kind = match self.port_named(args[0])? {
            PortRef::Terminal(p) => hir::ExprKind::PortConnected(p),
            PortRef::Inner { is_connected } => hir::ExprKind::Bool(is_connected),
        };
        Some(self.add(kind, Ty::Bool, span))
    }

    /// Random numbers are drawn in analog blocks: a constant that changes would be none.
    fn draw_place(&mut self, id: Ident) -> Option<()> {
        if self.place.is_constant {
            self.error_help(
                code::NOT_CONSTANT,
                id.span,
                "a random number is not a constant",
                "assign it to a variable in `@(initial_step)` for a value that stays",
            );
            return None;
        }
        Some(())
    }

    fn is_global(&self, e: Option<Ex>) -> bool {
        matches!(e.map(|e| &self.ast.expr(e).kind), Some(ExprKind::Str(n)) if self.text(*n) == "global")
    }

    fn seed(&mut self, e: Option<Ex>) -> Option<Seed> {
        let Some(e) = e else { return Some(Seed::None) };
        if matches!(self.ast.expr(e).kind, ExprKind::Empty) {
            return Some(Seed::None);
        }
        let x = self.expr(e)?;
        match self.m.exprs[x].kind {
            hir::ExprKind::Var(v) if self.ty(x) == Ty::Int => Some(Seed::Variable(v)),
            _ => self.cast(x, Ty::Int).map(Seed::Value),
        }
    }

    fn distribution(&mut self, name: &str, base: &str, args: &[Ex], span: Span) -> Option<ExprId> {
        let n = match base {
            "uniform" | "normal" | "erlang" => 2,
            "exponential" | "poisson" | "chi_square" | "t" => 1,
            _ => {
                let id = Ident { name: self.names.find(name)?, span };
                self.unknown_system(id);
                return None;
            }
        };
        let form = format!("${name}(seed, {})", if n == 2 { "a, b" } else { "a" });
        // A last argument "global" or "instance" says where a paramset draws; it has no meaning here.
        self.count(&format!("${name}"), args, n + 1, n + 2, &form, span)?;
        let id = Ident { name: self.names.find(name)?, span };
        self.draw_place(id)?;
        let seed = self.seed(Some(args[0]));
        let a = self.real_expr(args[1]);
        let b = if n == 2 { self.real_expr(args[2]) } else { a };
        let (seed, a, b) = (seed?, a?, b?);
        let kind = match base {
            "uniform" => Random::Uniform(seed, a, b),
            "normal" => Random::Normal(seed, a, b),
            "erlang" => Random::Erlang(seed, a, b),
            "exponential" => Random::Exponential(seed, a),
            "poisson" => Random::Poisson(seed, a),
            "chi_square" => Random::ChiSquare(seed, a),
            _ => Random::T(seed, a),
        };
        let ty = if name.starts_with('r') { Ty::Real } else { Ty::Int };
        Some(self.add(hir::ExprKind::Random(kind), ty, span))
    }

    /// `$limit(V(a, b), "pnjlim", vte, vcrit)`.
    pub(super) fn limit(&mut self, id: Ident, args: &[Ex], span: Span) -> Option<ExprId> {
        let ast: &'a super::Ast = self.ast;
        self.count("$limit", args, 1, usize::MAX, "$limit(V(a, b), \"pnjlim\", vte, vcrit)", span)?;
        self.may_stand(id, "$limit")?;
        let at = self.ex_span(args[0]);
        let arg = self.real_expr(args[0])?;
        let probe = match &self.m.exprs[arg].kind {
            hir::ExprKind::Unary(hir::UnOp::Neg, x) => *x,
            _ => arg,
        };
        if !matches!(
            self.m.exprs[probe].kind,
            hir::ExprKind::Potential { .. } | hir::ExprKind::Flow(_) | hir::ExprKind::Real(_)
        ) {
            self.error_help(
                code::BAD_ARGUMENT,
                at,
                "`$limit` limits a potential or flow itself",
                "its first argument is an access function: `$limit(V(a, b), ...)`; signs and factors go around it",
            );
            return None;
        }
        let rest = args.get(2..).unwrap_or(&[]);
        let mut values = vec![];
        for a in rest {
            // Names among the arguments mean something to other simulators only.
            if !matches!(ast.expr(*a).kind, ExprKind::Str(_)) {
                values.push(self.real_expr(*a)?);
            }
        }
        let limiter = match args.get(1).map(|e| &ast.expr(*e).kind) {
            None | Some(ExprKind::Empty) => Limiter::Default,
            Some(ExprKind::Path(p))
                if p.len() == 1 && matches!(self.lookup(p[0].name), Some((Def::Function(_), ..))) =>
            {
                let Some((Def::Function(k), ..)) = self.lookup(p[0].name).map(|(d, s, o)| (d.clone(), s, o)) else {
                    return None;
                };
                let wanted = self.functions[k].args.len();
                if wanted != values.len() + 2 {
                    let text = self.text(p[0].name);
                    self.error_help(
                        code::ARGUMENT_COUNT,
                        span,
                        format!(
                            "the limiting function `{text}` takes {wanted} arguments, and is given {}",
                            values.len() + 2
                        ),
                        "the new and the old value come first, then the further arguments of `$limit`",
                    );
                    return None;
                }
                Limiter::User(self.functions[k].id?, values)
            }
            Some(_) => {
                let name = self.quoted(args[1])?;
                let known: &[(&str, usize)] = &[("pnjlim", 2), ("fetlim", 1), ("vdslim", 0), ("limvds", 0)];
                match (name.as_str(), &values[..]) {
                    ("pnjlim", [vte, vcrit, ..]) => Limiter::PnJunction { vte: *vte, vcrit: *vcrit },
                    ("fetlim", [vto, ..]) => Limiter::Fet { vto: *vto },
                    ("vdslim" | "limvds", _) => Limiter::DrainSource,
                    ("pnjlim" | "fetlim", _) => {
                        let n = known.iter().find(|k| k.0 == name).map_or(0, |k| k.1);
                        self.error(
                            code::ARGUMENT_COUNT,
                            span,
                            format!("\"{name}\" takes {n} further arguments, {} given", values.len()),
                        );
                        return None;
                    }
                    _ => {
                        let at = self.ex_span(args[1]);
                        let help = did_you_mean(&name, known.iter().map(|k| k.0))
                            .unwrap_or_else(|| "known are \"pnjlim\", \"fetlim\", \"vdslim\"".into());
                        self.lint(
                            code::UNUSED_LIMIT,
                            at,
                            format!("no limiting function has the name \"{name}\""),
                            help,
                        );
                        Limiter::Named(name, values)
                    }
                }
            }
        };
        Some(self.add_operator(OperatorKind::Limit { arg, limiter }, span))
    }

    /// `$table_model(x, y, "file", "1L,3CC;1")` or with an array for each column.
    fn table_model(&mut self, id: Ident, args: &[Ex], span: Span) -> Option<ExprId> {
        let ast: &'a super::Ast = self.ast;
        self.count("$table_model", args, 2, usize::MAX, "$table_model(x, \"file\", \"1L\")", span)?;
        self.may_stand(id, "$table_model")?;
        let is_text = |s: &mut Self, e: Ex| match &ast.expr(e).kind {
            ExprKind::Str(_) => true,
            ExprKind::Path(p) if p.len() == 1 => match s.lookup(p[0].name).map(|d| d.0.clone()) {
                Some(Def::Param(k)) => s.param_id(k, p[0].span).is_some_and(|p| s.m.params[p].ty == Ty::Str),
                Some(Def::Var(v)) => s.m.vars[v].ty == Ty::Str,
                _ => false,
            },
            _ => false,
        };
        let is_array = |s: &mut Self, e: Ex| match &ast.expr(e).kind {
            ExprKind::Array(_) | ExprKind::Concat(_) => true,
            ExprKind::Path(p) if p.len() == 1 => match s.lookup(p[0].name).map(|d| d.0.clone()) {
                Some(Def::Param(k)) => s.param_id(k, p[0].span).is_some_and(|p| !s.m.params[p].dims.is_empty()),
                Some(Def::Var(v)) => !s.m.vars[v].dims.is_empty(),
                _ => false,
            },
            _ => false,
        };
        let mut texts = vec![];
        let mut columns = vec![];
        let mut inputs = vec![];
        for a in args {
            if is_text(self, *a) {
                texts.push(*a);
            } else if is_array(self, *a) {
                columns.push(*a);
            } else {
                inputs.push(self.real_expr(*a)?);
            }
        }
        let n = inputs.len();
        let (table, control) = if columns.is_empty() {
            let Some(file) = texts.first() else {
                self.error(code::TABLE, span, "neither a file nor arrays give the table");
                return None;
            };
            (Table::File(self.file_name(*file)?), texts.get(1).copied())
        } else {
            let mut values = vec![];
            for c in &columns {
                values.push(self.list(*c, Ty::Real)?);
            }
            if values.len() < n + 1 || values.iter().any(|v| v.len() != values[0].len()) {
                self.error(
                    code::TABLE,
                    span,
                    format!("{} arrays of one length are needed: one for each input and one for the result", n + 1),
                );
                return None;
            }
            (Table::Columns(values), texts.first().copied())
        };
        if n == 0 || n > 3 {
            self.error(code::UNSUPPORTED, span, format!("tables of {n} inputs are not supported: one to three are"));
            return None;
        }
        let (axes, column) = match control {
            None => (
                vec![
                    AxisControl {
                        interpolation: Interpolation::Linear,
                        below: Extrapolation::Linear,
                        above: Extrapolation::Linear
                    };
                    n
                ],
                1,
            ),
            Some(e) => {
                let text = self.quoted(e)?;
                match control_string(&text, n) {
                    Some(c) => c,
                    None => {
                        let at = self.ex_span(e);
                        self.error_help(
                            code::TABLE,
                            at,
                            format!("the control string \"{text}\" does not fit {n} input{}", if n == 1 { "" } else { "s" }),
                            "for each input 1, 2, 3, D or I and one or two of C, L, E; commas between; the column after `;`: \"1L,3CC;1\"",
                        );
                        return None;
                    }
                }
            }
        };
        Some(self.add_operator(OperatorKind::TableModel { inputs, table, axes, column }, span))
    }
}

/// `"1L,3CC;2"`.
fn control_string(text: &str, n: usize) -> Option<(Vec<AxisControl>, usize)> {
    let (axes, column) = match text.split_once(';') {
        Some((a, c)) => (a, c.trim().parse().ok().filter(|c| *c >= 1)?),
        None => (text, 1),
    };
    let mut out = vec![];
    for part in axes.split(',') {
        let mut chars = part.trim().chars().peekable();
        let interpolation = match chars.peek() {
            Some('1') => Interpolation::Linear,
            Some('2') => Interpolation::Quadratic,
            Some('3') => Interpolation::Cubic,
            Some('D' | 'd') => Interpolation::Nearest,
            Some('I' | 'i') => Interpolation::Ignore,
            _ => Interpolation::Linear,
        };
        if matches!(chars.peek(), Some('1' | '2' | '3' | 'D' | 'd' | 'I' | 'i')) {
            chars.next();
        }
        let mut sides = vec![];
        for c in chars {
            sides.push(match c {
                'C' | 'c' => Extrapolation::Constant,
                'L' | 'l' => Extrapolation::Linear,
                'E' | 'e' => Extrapolation::Error,
                _ => return None,
            });
        }
        let (below, above) = match sides[..] {
            [] => (Extrapolation::Linear, Extrapolation::Linear),
            [one] => (one, one),
            [a, b] => (a, b),
            _ => return None,
        };
        out.push(AxisControl { interpolation, below, above });
    }
    if out.len() == 1 && n > 1 && axes.trim().is_empty() {
        out = vec![out[0]; n];
    }
    (out.iter().filter(|a| a.interpolation != Interpolation::Ignore).count() == n).then_some((out, column))
}
