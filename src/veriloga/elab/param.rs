//! Parameters: resolved on demand, so that a default may refer to any other parameter that does not refer back.

use super::super::ast::{self, AliasTarget, Ex, Ident, TypeWord, ValueSet};
use super::super::hir::{self, Dim, ExprId, Param, ParamId, ParamKind, Range, RangeSet, Ty};
use super::function::ty;
use super::{Def, Elab, Given, ParamState, PendingParam, Value};
use crate::diag::codes::veriloga as code;
use crate::diag::{Diagnostic, Span};

impl<'a> Elab<'a> {
    /// Makes the names known; what they are is found when it is asked for.
    pub(super) fn declare_params(
        &mut self,
        group: &'a ast::Params,
        attrs: &'a [ast::Attr],
        is_top: bool,
        prefix: &str,
        given: &mut dyn FnMut(&Self, Ident) -> Option<Given>,
    ) {
        for p in &group.list {
            if !self.spend(p.declared.name.span) {
                return;
            }
            let given = given(self, p.declared.name);
            if let Some(g) = &given
                && group.is_local
            {
                let text = self.text(p.declared.name.name);
                let d = Diagnostic::error(code::OVERRIDE, format!("`{text}` is a localparam and cannot be set"))
                    .at(g.span, "")
                    .at(p.declared.name.span, "declared here");
                self.diags.push(d);
            }
            let k = self.params.len();
            self.params.push(PendingParam {
                ast: p,
                group,
                attrs,
                prefix: prefix.to_string(),
                given,
                is_top,
                state: ParamState::Pending,
            });
            self.declare(p.declared.name, Def::Param(k));
        }
    }

    pub(super) fn block_params(&mut self, group: &'a ast::Params, attrs: &'a [ast::Attr]) {
        let prefix = self.prefix();
        let first = self.params.len();
        self.declare_params(group, attrs, false, &prefix, &mut |_, _| None);
        for k in first..self.params.len() {
            let span = self.params[k].ast.declared.name.span;
            self.param_id(k, span);
        }
    }

    /// The parameter of a position, resolved now if it is not yet.
    pub(super) fn param_id(&mut self, k: usize, used: Span) -> Option<ParamId> {
        match self.params[k].state {
            ParamState::Done(id) => Some(id),
            ParamState::Failed => None,
            ParamState::Busy => {
                let name = self.params[k].ast.declared.name;
                let text = self.text(name.name);
                let d = Diagnostic::error(code::RECURSION, format!("the default of `{text}` depends on itself"))
                    .at(used, "")
                    .at(name.span, "declared here");
                self.diags.push(d);
                None
            }
            ParamState::Pending => {
                self.params[k].state = ParamState::Busy;
                let place = std::mem::take(&mut self.place);
                let id = self.constant(|s| s.param(k));
                self.place = place;
                self.params[k].state = match id {
                    Some(id) => ParamState::Done(id),
                    None => ParamState::Failed,
                };
                id
            }
        }
    }

    fn param(&mut self, k: usize) -> Option<ParamId> {
        let (p, group, attrs, is_top) = {
            let q = &self.params[k];
            (q.ast, q.group, q.attrs, q.is_top)
        };
        let prefix = self.params[k].prefix.clone();
        let given = self.params[k].given.clone();
        let d = &p.declared;
        let name = self.text(d.name.name);
        let mut dims = vec![];
        for r in group.range.iter().chain(&d.dims) {
            dims.push(self.dim(r)?);
        }
        let count: usize = dims.iter().map(Dim::len).product();
        let init = d.init?;
        let (ty, default) = if dims.is_empty() {
            let x = self.expr(init);
            // Without a word the type is that of the default.
            let ty = match (group.ty, x) {
                (Some(w), _) => ty(w),
                (None, Some(x)) => match self.ty(x) {
                    Ty::Bool => Ty::Int,
                    t => t,
                },
                (None, None) => Ty::Real,
            };
            (ty, vec![self.cast(x?, ty)?])
        } else {
            let ty = ty(group.ty.unwrap_or(TypeWord::Real));
            let values = self.list(init, ty)?;
            (ty, self.fit(values, count, name, init)?)
        };
        let (kind, default) = match (&given, group.is_local, is_top) {
            (_, true, _) => (ParamKind::Local, default),
            (None, false, true) => (ParamKind::Parameter, default),
            (None, false, false) => (ParamKind::Derived { is_given: false }, default),
            (Some(g), false, _) => {
                let mut values = vec![];
                for v in &g.values {
                    values.push(self.cast(*v, ty)?);
                }
                if values.len() != count {
                    self.error(
                        code::OVERRIDE,
                        g.span,
                        format!("`{name}` has {count} elements, {} given", values.len()),
                    );
                    return None;
                }
                (ParamKind::Derived { is_given: true }, values)
            }
        };
        let mut ranges = vec![];
        for r in &p.ranges {
            ranges.extend(self.range(r, ty));
        }
        let attrs = self.attrs(attrs.iter().chain(&d.attrs));
        if let Some(kind) = &attrs.kind
            && !matches!(
                kind.as_str(),
                "instance" | "model" | "both" | "process" | "Instance" | "Model" | "MODEL" | "INSTANCE"
            )
        {
            self.lint_once(
                code::UNKNOWN_ATTRIBUTE,
                d.name.span,
                kind,
                format!("attribute type=\"{kind}\" is not known"),
                "it is \"instance\" or \"model\"",
            );
        }
        let id = self.m.params.push(Param {
            name: format!("{prefix}{name}"),
            ty,
            kind,
            dims,
            default,
            ranges,
            aliases: vec![],
            attrs,
            span: d.name.span,
        });
        self.check_default(id);
        Some(id)
    }

    /// As many values as elements.
    pub(super) fn fit(&mut self, values: Vec<ExprId>, count: usize, name: &str, at: Ex) -> Option<Vec<ExprId>> {
        if values.len() == count {
            return Some(values);
        }
        let span = self.ex_span(at);
        self.error(code::INDEX, span, format!("`{name}` has {count} elements, {} values are given", values.len()));
        None
    }

    fn range(&mut self, r: &ast::ValueRange, ty: Ty) -> Option<Range> {
        let value = |s: &mut Self, e: Ex| {
            let x = s.expr(e)?;
            // `inf` is real, also for integers.
            let is_infinite = matches!(s.m.exprs[x].kind, hir::ExprKind::Real(v) if v.is_infinite());
            if ty == Ty::Str || !(is_infinite || s.ty(x) == Ty::Real) { s.cast(x, ty) } else { s.cast(x, Ty::Real) }
        };
        let set = match &r.set {
            ValueSet::Interval { lo, lo_inclusive, hi, hi_inclusive } => {
                let (l, h) = (value(self, *lo), value(self, *hi));
                let (l, h) = (l?, h?);
                let bounds = (self.eval(l, false), self.eval(h, false));
                if let (Some(a), Some(b)) = (bounds.0.and_then(|v| v.as_f64()), bounds.1.and_then(|v| v.as_f64()))
                    && self.is_literal(l)
                    && self.is_literal(h)
                    && (a > b || (a == b && !(*lo_inclusive && *hi_inclusive)))
                {
                    self.error_help(
                        code::RANGE,
                        r.span,
                        "no value lies in this range",
                        "the lower bound stands first; `[` and `]` include the bound, `(` and `)` do not",
                    );
                    return None;
                }
                RangeSet::Interval { lo: l, lo_inclusive: *lo_inclusive, hi: h, hi_inclusive: *hi_inclusive }
            }
            ValueSet::Values(list) => {
                let mut out = vec![];
                for e in list {
                    out.push(value(self, *e)?);
                }
                RangeSet::Values(out)
            }
        };
        Some(Range { is_exclude: r.is_exclude, set, span: r.span })
    }

    fn is_literal(&self, e: ExprId) -> bool {
        matches!(self.m.exprs[e].kind, hir::ExprKind::Real(_) | hir::ExprKind::Int(_))
    }

    /// A default outside of its own range is worth a word where both are numbers.
    fn check_default(&mut self, id: ParamId) {
        let p = self.m.params[id].clone();
        let [default] = p.default[..] else { return };
        if !self.is_literal(default) || matches!(p.kind, ParamKind::Derived { is_given: true }) {
            return;
        }
        let Some(x) = self.eval(default, false).and_then(|v| v.as_f64()) else { return };
        let mut is_in = None;
        for r in &p.ranges {
            let hit = match &r.set {
                RangeSet::Interval { lo, lo_inclusive, hi, hi_inclusive } => {
                    if !self.is_literal(*lo) || !self.is_literal(*hi) {
                        return;
                    }
                    let (Some(a), Some(b)) = (
                        self.eval(*lo, false).and_then(|v: Value| v.as_f64()),
                        self.eval(*hi, false).and_then(|v: Value| v.as_f64()),
                    ) else {
                        return;
                    };
                    (x > a || (*lo_inclusive && x == a)) && (x < b || (*hi_inclusive && x == b))
                }
                RangeSet::Values(list) => list.iter().any(|v| self.is_literal(*v) && self.m.literal(*v) == Some(x)),
            };
            if r.is_exclude && hit {
                is_in = Some(false);
                break;
            }
            if !r.is_exclude {
                is_in = Some(is_in.unwrap_or(false) || hit);
            }
        }
        if is_in == Some(false) {
            let d = Diagnostic::lint(
                code::DEFAULT_OUT_OF_RANGE,
                format!("the default {x} of `{}` is outside of its range", p.name),
            )
            .at(p.ranges.first().map_or(p.span, |r| r.span), "")
            .help("instances that do not set the parameter will be refused");
            self.diags.push(d);
        }
    }

    pub(super) fn alias(&mut self, name: Ident, target: AliasTarget) {
        let text = format!("{}{}", self.frame.prefix, self.text(name.name));
        match target {
            AliasTarget::System(s) => match super::system::sys_param(self.text(s.name)) {
                Some(p) => self.m.system_aliases.push((text, p)),
                None => self.error(
                    code::BAD_ARGUMENT,
                    s.span,
                    format!("`${}` is not a system parameter", self.text(s.name)),
                ),
            },
            AliasTarget::Param(t) => {
                if let Some((_, declared, _)) = self.lookup(name.name).map(|(d, s, o)| (d.clone(), s, o)) {
                    let d = Diagnostic::error(code::DUPLICATE, format!("`{}` is declared twice", self.text(name.name)))
                        .at(name.span, "again here")
                        .at(declared, "first here");
                    self.diags.push(d);
                    return;
                }
                match self.lookup(t.name).map(|d| d.0.clone()) {
                    Some(Def::Param(k)) => {
                        if let Some(p) = self.param_id(k, t.span) {
                            self.m.params[p].aliases.push(text);
                        }
                        // Some models use the alias like the parameter itself.
                        self.declare(name, Def::Param(k));
                    }
                    Some(_) => {
                        self.error(code::WRONG_KIND, t.span, format!("`{}` is not a parameter", self.text(t.name)))
                    }
                    None => self.unknown(t),
                }
            }
        }
    }
}
