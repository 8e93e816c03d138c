//! Analog operators, noise, `analysis` and `ac_stim`.

use super::super::ast::{Ex, ExprKind, Ident};
use super::super::hir::{self, DdxVar, ExprId, Laplace, MathFn, Operator, OperatorKind, Quantity, Roots, Table, Ty};
use super::Elab;
use super::access::Target;
use crate::diag::Span;
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;

/// Name, least and most arguments, how it is called.
const OPERATORS: &[(&str, usize, usize, &str)] = &[
    ("ddt", 1, 2, "ddt(x)"),
    ("idt", 1, 4, "idt(x, initial, assert, abstol)"),
    ("idtmod", 1, 5, "idtmod(x, initial, modulus, offset, abstol)"),
    ("ddx", 2, 2, "ddx(x, V(net))"),
    ("limexp", 1, 1, "limexp(x)"),
    ("absdelay", 2, 3, "absdelay(x, delay, maximum)"),
    ("delay", 2, 3, "absdelay(x, delay, maximum)"),
    ("transition", 1, 5, "transition(x, delay, rise, fall, tolerance)"),
    ("slew", 1, 3, "slew(x, rising rate, falling rate)"),
    ("last_crossing", 1, 2, "last_crossing(x, direction)"),
    ("laplace_nd", 3, 4, "laplace_nd(x, numerator, denominator, tolerance)"),
    ("laplace_np", 3, 4, "laplace_np(x, numerator, poles, tolerance)"),
    ("laplace_zd", 3, 4, "laplace_zd(x, zeros, denominator, tolerance)"),
    ("laplace_zp", 3, 4, "laplace_zp(x, zeros, poles, tolerance)"),
    ("zi_nd", 4, 6, "zi_nd(x, numerator, denominator, period, transition, start)"),
    ("zi_np", 4, 6, "zi_np(x, numerator, poles, period, transition, start)"),
    ("zi_zd", 4, 6, "zi_zd(x, zeros, denominator, period, transition, start)"),
    ("zi_zp", 4, 6, "zi_zp(x, zeros, poles, period, transition, start)"),
    ("white_noise", 1, 2, "white_noise(power, \"name\")"),
    ("flicker_noise", 2, 3, "flicker_noise(power, exponent, \"name\")"),
    ("noise_table", 1, 2, "noise_table('{f1, p1, f2, p2, ...}, \"name\")"),
    ("noise_table_log", 1, 2, "noise_table_log('{f1, p1, f2, p2, ...}, \"name\")"),
    ("ac_stim", 0, 3, "ac_stim(\"ac\", magnitude, phase)"),
    ("analysis", 1, usize::MAX, "analysis(\"dc\", \"tran\")"),
];

/// Names of analyses that LRM 4.6.1 and simulators know.
const ANALYSES: &[&str] =
    &["dc", "op", "tran", "ac", "noise", "static", "ic", "nodeset", "sp", "xf", "pz", "dcmatch", "hb", "pss"];

pub(super) fn is_operator(name: &str) -> bool {
    OPERATORS.iter().any(|o| o.0 == name)
}

pub(super) fn names() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().map(|o| o.0)
}

impl<'a> Elab<'a> {
    pub(super) fn operator(&mut self, id: Ident, name: &str, args: &[Ex], span: Span) -> Option<ExprId> {
        let (_, least, most, form) = *OPERATORS.iter().find(|o| o.0 == name)?;
        // Empty arguments at the end count as left out.
        let mut args = args;
        while let Some(last) = args.last()
            && matches!(self.ast.expr(*last).kind, ExprKind::Empty)
            && args.len() > least
        {
            args = &args[..args.len() - 1];
        }
        self.count(name, args, least, most, form, span)?;
        if self.place.is_constant {
            self.error(code::NOT_CONSTANT, span, format!("`{name}` is not a constant"));
            return None;
        }
        if name == "analysis" {
            return self.analysis(args, span);
        }
        if name == "limexp" && self.place.function.is_some() {
            // Without a history it is an exponential with a linear tail.
            self.lint_once(
                code::DIALECT,
                span,
                "limexp",
                "`limexp` in a function has no history of its own",
                "use `exp` with a limit on its argument",
            );
        } else if name != "ddx" {
            self.may_stand(id, name)?;
        }
        let opt = |s: &mut Self, k: usize| -> Result<Option<ExprId>, ()> {
            match args.get(k) {
                None => Ok(None),
                Some(e) if matches!(s.ast.expr(*e).kind, ExprKind::Empty) => Ok(None),
                Some(e) => s.real_expr(*e).map(Some).ok_or(()),
            }
        };
        let kind = match name {
            "ddt" => {
                let arg = self.real_expr(args[0]);
                let abstol = self.tolerance(args.get(1).copied(), false);
                OperatorKind::Ddt { arg: arg?, abstol: abstol? }
            }
            "idt" => {
                let arg = self.real_expr(args[0]);
                let ic = opt(self, 1);
                let assert = match args.get(2) {
                    Some(e) if !matches!(self.ast.expr(*e).kind, ExprKind::Empty) => Some(self.cond(*e)?),
                    _ => None,
                };
                let abstol = self.tolerance(args.get(3).copied(), true)?;
                OperatorKind::Idt { arg: arg?, ic: ic.ok()?, assert, abstol }
            }
            "idtmod" => {
                let arg = self.real_expr(args[0]);
                let (ic, modulus, offset) = (opt(self, 1), opt(self, 2), opt(self, 3));
                let abstol = self.tolerance(args.get(4).copied(), true)?;
                OperatorKind::IdtMod { arg: arg?, ic: ic.ok()?, modulus: modulus.ok()?, offset: offset.ok()?, abstol }
            }
            "ddx" => {
                let arg = self.real_expr(args[0]);
                let wrt = self.ddx_var(args[1]);
                OperatorKind::Ddx { arg: arg?, wrt: wrt? }
            }
            "limexp" => OperatorKind::LimExp(self.real_expr(args[0])?),
            "absdelay" | "delay" => {
                if name == "delay" {
                    self.lint_once(
                        code::DIALECT,
                        span,
                        name,
                        "`delay` is the operator of Verilog-A 1.0",
                        "write `absdelay`",
                    );
                }
                let (arg, delay, max_delay) = (self.real_expr(args[0]), self.real_expr(args[1]), opt(self, 2));
                OperatorKind::AbsDelay { arg: arg?, delay: delay?, max_delay: max_delay.ok()? }
            }
            "transition" => {
                let arg = self.real_expr(args[0]);
                let (delay, rise, fall, tolerance) = (opt(self, 1), opt(self, 2), opt(self, 3), opt(self, 4));
                let rise = match (rise.ok()?, self.frame.default_transition) {
                    (None, Some(t)) => Some(self.real(t, span)),
                    (r, _) => r,
                };
                OperatorKind::Transition {
                    arg: arg?,
                    delay: delay.ok()?,
                    rise,
                    fall: fall.ok()?,
                    tolerance: tolerance.ok()?,
                }
            }
            "slew" => {
                let arg = self.real_expr(args[0]);
                let (rise, fall) = (opt(self, 1), opt(self, 2));
                OperatorKind::Slew { arg: arg?, rise: rise.ok()?, fall: fall.ok()? }
            }
            "last_crossing" => {
                let arg = self.real_expr(args[0]);
                let direction = match args.get(1) {
                    Some(e) => Some(self.int_expr(*e)?),
                    None => None,
                };
                OperatorKind::LastCrossing { arg: arg?, direction }
            }
            "white_noise" => {
                let power = self.real_expr(args[0]);
                let name = self.label(args.get(1).copied());
                OperatorKind::WhiteNoise { power: power?, name: name? }
            }
            "flicker_noise" => {
                let (power, exponent) = (self.real_expr(args[0]), self.real_expr(args[1]));
                let name = self.label(args.get(2).copied());
                OperatorKind::FlickerNoise { power: power?, exponent: exponent?, name: name? }
            }
            "noise_table" | "noise_table_log" => {
                let table = self.noise_table(args[0])?;
                let label = self.label(args.get(1).copied())?;
                OperatorKind::NoiseTable { table, is_log: name == "noise_table_log", name: label }
            }
            "ac_stim" => {
                let analysis = match args.first() {
                    Some(e) => self.label(Some(*e))?.unwrap_or_else(|| "ac".into()),
                    None => "ac".into(),
                };
                let (magnitude, phase) = (opt(self, 1), opt(self, 2));
                OperatorKind::AcStim { analysis, magnitude: magnitude.ok()?, phase: phase.ok()? }
            }
            "zi_nd" | "zi_np" | "zi_zd" | "zi_zp" => {
                let arg = self.real_expr(args[0]);
                let num = self.roots(args[1], name.as_bytes()[3] == b'z');
                let den = self.roots(args[2], name.as_bytes()[4] == b'p');
                let (period, transition, start) = (self.real_expr(args[3]), opt(self, 4), opt(self, 5));
                OperatorKind::Sampled {
                    filter: Laplace { arg: arg?, num: num?, den: den?, abstol: None },
                    period: period?,
                    transition: transition.ok()?,
                    start: start.ok()?,
                }
            }
            _ => {
                let arg = self.real_expr(args[0]);
                let num = self.roots(args[1], name.as_bytes()[8] == b'z');
                let den = self.roots(args[2], name.as_bytes()[9] == b'p');
                let abstol = self.tolerance(args.get(3).copied(), false);
                OperatorKind::Laplace(Laplace { arg: arg?, num: num?, den: den?, abstol: abstol? })
            }
        };
        let is_noise = matches!(
            kind,
            OperatorKind::WhiteNoise { .. } | OperatorKind::FlickerNoise { .. } | OperatorKind::NoiseTable { .. }
        );
        let is_by_flow = matches!(kind, OperatorKind::Ddx { wrt: DdxVar::Flow(_), .. });
        let x = self.add_operator(kind, span);
        let Some(m) = self.frame.mfactor else { return Some(x) };
        // Of m equal sources in parallel the powers add up, not the currents that they are multiplied with (LRM 2.4, 6.3.6).
        Some(match (is_noise, is_by_flow) {
            (true, _) => {
                let root = self.add(hir::ExprKind::Math(MathFn::Sqrt, vec![m]), Ty::Real, span);
                self.add(hir::ExprKind::Binary(hir::BinOp::Div, x, root), Ty::Real, span)
            }
            (_, true) => self.times(x, m),
            _ => x,
        })
    }

    pub(super) fn add_operator(&mut self, kind: OperatorKind, span: Span) -> ExprId {
        let op = self.m.operators.push(Operator { kind, span });
        self.add(hir::ExprKind::Operator(op), Ty::Real, span)
    }

    /// Operators with a history need a place that is passed at every evaluation.
    pub(super) fn may_stand(&mut self, id: Ident, name: &str) -> Option<()> {
        let (why, help) = if self.place.function.is_some() {
            ("in a function", "apply it outside and pass the value as an argument")
        } else if self.place.in_initial {
            ("in an `analog initial` block", "use it in the `analog` block")
        } else if self.place.in_event
            && !matches!(
                name,
                "white_noise" | "flicker_noise" | "noise_table" | "noise_table_log" | "ac_stim" | "limexp"
            )
        {
            ("in an event-controlled statement", "assign it to a variable outside of the event and use the variable")
        } else if self.place.in_loop {
            ("in a loop whose count is known at run time only", "use a `for` loop over a genvar, which is unrolled")
        } else {
            return Some(());
        };
        self.error_help(code::MISPLACED, id.span, format!("`{name}` is not allowed {why}"), help);
        None
    }

    /// A tolerance: a number, or a nature whose abstol is taken (for `idt` a third form of it).
    fn tolerance(&mut self, e: Option<Ex>, _: bool) -> Option<Option<ExprId>> {
        let Some(e) = e else { return Some(None) };
        match &self.ast.expr(e).kind {
            ExprKind::Empty => Some(None),
            ExprKind::Path(p) if p.len() == 1 && self.natures.contains_key(&p[0].name) => {
                let n = self.natures[&p[0].name];
                let x = self.m.natures[n].abstol;
                Some(Some(self.real(x, p[0].span)))
            }
            _ => self.real_expr(e).map(Some),
        }
    }

    /// A name in quotes.
    fn label(&mut self, e: Option<Ex>) -> Option<Option<String>> {
        let Some(e) = e else { return Some(None) };
        match &self.ast.expr(e).kind {
            ExprKind::Str(n) => Some(Some(self.text(*n).to_string())),
            ExprKind::Empty => Some(None),
            _ => {
                let x = self.constant(|s| s.string(e))?;
                match self.eval(x, true) {
                    Some(super::Value::Str(s)) => Some(Some(s)),
                    _ => {
                        let span = self.ex_span(e);
                        self.error(code::BAD_ARGUMENT, span, "a name in quotes is needed here");
                        None
                    }
                }
            }
        }
    }

    fn analysis(&mut self, args: &[Ex], span: Span) -> Option<ExprId> {
        let mut list = vec![];
        for a in args {
            let name = self.label(Some(*a))?.unwrap_or_default();
            if !ANALYSES.contains(&name.as_str()) {
                let at = self.ex_span(*a);
                let help = did_you_mean(&name, ANALYSES.iter().copied()).unwrap_or_else(|| {
                    "known are \"dc\", \"op\", \"tran\", \"ac\", \"noise\", \"static\", \"ic\", \"nodeset\"".into()
                });
                self.lint(code::DIALECT, at, format!("no analysis has the name \"{name}\""), help);
            }
            list.push(name);
        }
        Some(self.add(hir::ExprKind::Analysis(list), Ty::Bool, span))
    }

    fn ddx_var(&mut self, e: Ex) -> Option<DdxVar> {
        let ast: &'a super::Ast = self.ast;
        let span = self.ex_span(e);
        let bad = |s: &mut Self| {
            s.error_help(
                code::BAD_ARGUMENT,
                span,
                "the second argument of `ddx` is the quantity to differentiate by",
                "`ddx(x, V(net))`, `ddx(x, I(branch))`",
            );
            None
        };
        match &ast.expr(e).kind {
            ExprKind::Call(path, args) if path.len() == 1 && self.is_access(path[0]) => {
                match self.target(path[0], args, span)? {
                    (Target::Nodes(hi, lo), Quantity::Potential) if lo == hir::Module::GROUND => {
                        Some(DdxVar::Potential(hi))
                    }
                    (Target::Nodes(hi, lo), Quantity::Potential) => {
                        self.lint_once(
                            code::DIALECT,
                            span,
                            "ddx",
                            "`ddx` by a difference of potentials is an extension",
                            "the language has `ddx(x, V(net))`; half the difference of the derivatives by both nets is taken",
                        );
                        Some(DdxVar::Difference(hi, lo))
                    }
                    (Target::Branch(b), Quantity::Potential) => {
                        let (hi, lo) = (self.m.branches[b].hi, self.m.branches[b].lo);
                        Some(if lo == hir::Module::GROUND { DdxVar::Potential(hi) } else { DdxVar::Difference(hi, lo) })
                    }
                    (Target::Branch(b), Quantity::Flow) => {
                        self.m.branches[b].is_flow_probed = true;
                        Some(DdxVar::Flow(b))
                    }
                    (Target::Nodes(hi, lo), Quantity::Flow) => {
                        let d = self.m.nodes[hi].discipline;
                        let (b, is_reversed) = self.unnamed_branch(hi, lo, d, span);
                        if is_reversed {
                            self.error(
                                code::BAD_ARGUMENT,
                                span,
                                "the branch is used with its nets in the other order elsewhere; write them so here too",
                            );
                            return None;
                        }
                        self.m.branches[b].is_flow_probed = true;
                        Some(DdxVar::Flow(b))
                    }
                    (Target::Port(_), _) => bad(self),
                }
            }
            ExprKind::System(n, None) if self.text(n.name) == "temperature" => Some(DdxVar::Temperature),
            ExprKind::Missing => None,
            _ => bad(self),
        }
    }

    fn roots(&mut self, e: Ex, is_pairs: bool) -> Option<Roots> {
        let span = self.ex_span(e);
        // A null argument stands for "no zeros".
        if matches!(self.ast.expr(e).kind, ExprKind::Empty) {
            return Some(Roots::Pairs(vec![]));
        }
        let list = self.list(e, Ty::Real)?;
        if !is_pairs {
            if list.is_empty() {
                self.error(code::BAD_ARGUMENT, span, "at least one coefficient is needed");
                return None;
            }
            return Some(Roots::Coefficients(list));
        }
        if !list.len().is_multiple_of(2) {
            self.error(code::BAD_ARGUMENT, span, "zeros and poles are pairs of a real and an imaginary part");
            return None;
        }
        Some(Roots::Pairs(list.chunks(2).map(|c| (c[0], c[1])).collect()))
    }

    fn noise_table(&mut self, e: Ex) -> Option<Table> {
        let span = self.ex_span(e);
        if let ExprKind::Str(_) = self.ast.expr(e).kind {
            return self.file_name(e).map(Table::File);
        }
        if let ExprKind::Path(_) = self.ast.expr(e).kind {
            let before = self.diags.len();
            if let Some(x) = self.expr(e)
                && self.ty(x) == Ty::Str
            {
                return self.file_name(e).map(Table::File);
            }
            self.diags.truncate(before);
        }
        let list = self.list(e, Ty::Real)?;
        if list.len() < 2 || !list.len().is_multiple_of(2) {
            self.error(code::TABLE, span, "a noise table is made of pairs: frequency, power");
            return None;
        }
        let (f, p) = (list.iter().step_by(2).copied().collect(), list.iter().skip(1).step_by(2).copied().collect());
        Some(Table::Columns(vec![f, p]))
    }
}
