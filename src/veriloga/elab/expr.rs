//! Expressions: names resolved, types found, conversions made explicit. None means that a fault has been reported.

use super::super::ast::{Ex, ExprKind, Ident, Op};
use super::super::hir::{self, BinOp, Dim, ExprId, Ty, UnOp};
use super::super::text::names::kw;
use super::{Def, Elab};
use crate::diag::codes::veriloga as code;
use crate::diag::{Diagnostic, Span};

impl<'a> Elab<'a> {
    /// A value of any type.
    pub(super) fn expr(&mut self, e: Ex) -> Option<ExprId> {
        let ast: &'a super::Ast = self.ast;
        let x = ast.expr(e);
        let span = x.span;
        match &x.kind {
            ExprKind::Int(k) => Some(self.int(*k, span)),
            ExprKind::Real(v) => Some(self.real(*v, span)),
            ExprKind::Inf => Some(self.real(f64::INFINITY, span)),
            ExprKind::Str(n) => {
                let text = self.text(*n).to_string();
                Some(self.add(hir::ExprKind::Str(text), Ty::Str, span))
            }
            ExprKind::Path(path) => self.path(path, span),
            ExprKind::Index(..) => self.element(e),
            ExprKind::Slice(..) => {
                self.error(code::WRONG_KIND, span, "a part of an array is not a value");
                None
            }
            ExprKind::Call(path, args) => self.call(path, args, span),
            ExprKind::System(name, args) => self.system(*name, args.as_deref().unwrap_or(&[]), span),
            ExprKind::PortRef(_) => {
                self.error_help(code::SYNTAX, span, "a port reference stands in an access function", "write `I(<p>)`");
                None
            }
            ExprKind::Unary(op, a) => self.unary(*op, *a, span),
            ExprKind::Binary(op, a, b) => self.binary(*op, *a, *b, span),
            ExprKind::Ternary(c, a, b) => {
                let c = self.cond(*c);
                let (a, b) = (self.expr(*a), self.expr(*b));
                let (c, (a, b, ty)) = (c?, self.unify(a?, b?)?);
                Some(self.add(hir::ExprKind::Select(c, a, b), ty, span))
            }
            ExprKind::Concat(parts) => self.concat(parts, 1, span),
            ExprKind::Replicate(n, parts) => {
                let n = self.constant_int(*n, "the number of repetitions")?;
                if n > 1000 {
                    self.error(code::TOO_LARGE, span, "more than 1000 repetitions");
                    return None;
                }
                self.concat(parts, n.max(0) as usize, span)
            }
            ExprKind::Array(_) => {
                self.error_help(
                    code::WRONG_KIND,
                    span,
                    "a list of values stands where one value is needed",
                    "lists initialise arrays and give coefficients of filters and tables",
                );
                None
            }
            ExprKind::Empty => {
                self.error(code::ARGUMENT_COUNT, span, "an argument is missing");
                None
            }
            ExprKind::Missing => None,
        }
    }

    fn concat(&mut self, parts: &[Ex], times: usize, span: Span) -> Option<ExprId> {
        let mut list = vec![];
        for p in parts {
            list.push(self.string(*p)?);
        }
        let all: Vec<ExprId> = std::iter::repeat_n(list, times).flatten().collect();
        Some(self.add(hir::ExprKind::Concat(all), Ty::Str, span))
    }

    pub(super) fn real_expr(&mut self, e: Ex) -> Option<ExprId> {
        let x = self.expr(e)?;
        self.cast(x, Ty::Real)
    }

    pub(super) fn int_expr(&mut self, e: Ex) -> Option<ExprId> {
        let x = self.expr(e)?;
        self.cast(x, Ty::Int)
    }

    pub(super) fn cond(&mut self, e: Ex) -> Option<ExprId> {
        let x = self.expr(e)?;
        self.cast(x, Ty::Bool)
    }

    pub(super) fn string(&mut self, e: Ex) -> Option<ExprId> {
        let x = self.expr(e)?;
        self.cast(x, Ty::Str)
    }

    /// The value as another type; a fault where text and numbers would mix.
    pub(super) fn cast(&mut self, e: ExprId, ty: Ty) -> Option<ExprId> {
        let (from, span) = (self.ty(e), self.span_of(e));
        if from == ty {
            return Some(e);
        }
        if (from == Ty::Str) != (ty == Ty::Str) {
            let (is, needed) = if ty == Ty::Str { ("a number", "a string") } else { ("a string", "a number") };
            self.error(code::TYPE, span, format!("this is {is} where {needed} is needed"));
            return None;
        }
        // Literals are converted at once.
        match (&self.m.exprs[e].kind, ty) {
            (hir::ExprKind::Int(k), Ty::Real) => {
                let x = f64::from(*k);
                return Some(self.real(x, span));
            }
            (hir::ExprKind::Int(k), Ty::Bool) => {
                let b = *k != 0;
                return Some(self.add(hir::ExprKind::Bool(b), Ty::Bool, span));
            }
            // A condition made a number and used as a condition again.
            (hir::ExprKind::Cast(inner), Ty::Bool) if self.ty(*inner) == Ty::Bool => return Some(*inner),
            _ => {}
        }
        Some(self.add(hir::ExprKind::Cast(e), ty, span))
    }

    /// Both values in their common type. Conditions used as values become integers.
    pub(super) fn unify(&mut self, a: ExprId, b: ExprId) -> Option<(ExprId, ExprId, Ty)> {
        let ty = match (self.ty(a), self.ty(b)) {
            (Ty::Str, _) | (_, Ty::Str) => Ty::Str,
            (Ty::Real, _) | (_, Ty::Real) => Ty::Real,
            (Ty::Bool, Ty::Bool) => Ty::Bool,
            _ => Ty::Int,
        };
        let (x, y) = (self.cast(a, ty), self.cast(b, ty));
        Some((x?, y?, ty))
    }

    /// As `unify`, for arithmetic: conditions become integers.
    fn numbers(&mut self, a: ExprId, b: ExprId) -> Option<(ExprId, ExprId, Ty)> {
        let (a, b, ty) = self.unify(a, b)?;
        if ty == Ty::Bool {
            return Some((self.cast(a, Ty::Int)?, self.cast(b, Ty::Int)?, Ty::Int));
        }
        Some((a, b, ty))
    }

    fn unary(&mut self, op: Op, a: Ex, span: Span) -> Option<ExprId> {
        let x = self.expr(a)?;
        match op {
            Op::Sub => {
                let x = if self.ty(x) == Ty::Bool { self.cast(x, Ty::Int)? } else { x };
                match (&self.m.exprs[x].kind, self.ty(x)) {
                    (hir::ExprKind::Real(v), _) => {
                        let v = -*v;
                        Some(self.real(v, span))
                    }
                    (hir::ExprKind::Int(k), _) => {
                        let k = k.wrapping_neg();
                        Some(self.int(k, span))
                    }
                    (_, Ty::Str) => {
                        self.cast(x, Ty::Real);
                        None
                    }
                    (_, ty) => Some(self.add(hir::ExprKind::Unary(UnOp::Neg, x), ty, span)),
                }
            }
            Op::Not => {
                let x = self.cast(x, Ty::Bool)?;
                Some(self.add(hir::ExprKind::Unary(UnOp::Not, x), Ty::Bool, span))
            }
            _ => {
                let x = self.bits(x, "~")?;
                let un = match op {
                    Op::BitNot => return Some(self.add(hir::ExprKind::Unary(UnOp::BitNot, x), Ty::Int, span)),
                    Op::And | Op::Nand => UnOp::RedAnd,
                    Op::Or | Op::Nor => UnOp::RedOr,
                    _ => UnOp::RedXor,
                };
                let r = self.add(hir::ExprKind::Unary(un, x), Ty::Bool, span);
                if matches!(op, Op::Nand | Op::Nor | Op::Xnor) {
                    return Some(self.add(hir::ExprKind::Unary(UnOp::Not, r), Ty::Bool, span));
                }
                Some(r)
            }
        }
    }

    /// An integer for an operation on bits.
    fn bits(&mut self, x: ExprId, op: &str) -> Option<ExprId> {
        if self.ty(x) == Ty::Real {
            let span = self.span_of(x);
            let help = match op {
                "^" => "for a power write `**` or `pow(x, y)`",
                "&" => "for conditions write `&&`",
                "|" => "for conditions write `||`",
                _ => "integers are what has bits",
            };
            self.error_help(code::TYPE, span, format!("`{op}` works on the bits of integers, and this is real"), help);
            return None;
        }
        self.cast(x, Ty::Int)
    }

    fn binary(&mut self, op: Op, a: Ex, b: Ex, span: Span) -> Option<ExprId> {
        // Long sums lean to the left: the spine is walked, not descended.
        let mut spine = vec![(op, b, span)];
        let mut left = a;
        let ast: &'a super::Ast = self.ast;
        while let ExprKind::Binary(op, a, b) = &ast.expr(left).kind {
            spine.push((*op, *b, ast.expr(left).span));
            left = *a;
        }
        let mut x = self.expr(left);
        for (op, b, span) in spine.into_iter().rev() {
            let y = self.expr(b);
            x = match (x, y) {
                (Some(x), Some(y)) => self.combine(op, x, y, span),
                _ => None,
            };
        }
        x
    }

    fn combine(&mut self, op: Op, x: ExprId, y: ExprId, span: Span) -> Option<ExprId> {
        let arithmetic = |op: Op| match op {
            Op::Add => BinOp::Add,
            Op::Sub => BinOp::Sub,
            Op::Mul => BinOp::Mul,
            Op::Div => BinOp::Div,
            Op::Rem => BinOp::Rem,
            _ => BinOp::Pow,
        };
        match op {
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Rem | Op::Pow => {
                if self.ty(x) == Ty::Str || self.ty(y) == Ty::Str {
                    let bad = if self.ty(x) == Ty::Str { x } else { y };
                    let at = self.span_of(bad);
                    self.error_help(
                        code::TYPE,
                        at,
                        "this is a string, and strings cannot be computed with",
                        "strings are joined by `{a, b}`",
                    );
                    return None;
                }
                let (a, b, ty) = self.numbers(x, y)?;
                if op == Op::Div
                    && ty == Ty::Int
                    && let (hir::ExprKind::Int(m), hir::ExprKind::Int(n)) =
                        (&self.m.exprs[a].kind, &self.m.exprs[b].kind)
                    && *n != 0
                    && m.wrapping_rem(*n) != 0
                {
                    let (m, n) = (*m, *n);
                    self.lint(
                        code::INTEGER_DIVISION,
                        span,
                        format!("`{m}/{n}` divides integers and is {}", m.wrapping_div(n)),
                        format!("write `{m}.0/{n}` for the fraction"),
                    );
                }
                Some(self.add(hir::ExprKind::Binary(arithmetic(op), a, b), ty, span))
            }
            Op::Lt | Op::Le | Op::Gt | Op::Ge | Op::Eq | Op::Ne | Op::CaseEq | Op::CaseNe => {
                let b = match op {
                    Op::Lt => BinOp::Lt,
                    Op::Le => BinOp::Le,
                    Op::Gt => BinOp::Gt,
                    Op::Ge => BinOp::Ge,
                    Op::Eq | Op::CaseEq => BinOp::Eq,
                    _ => BinOp::Ne,
                };
                let (x, y, ty) = self.unify(x, y)?;
                let (x, y) = if ty == Ty::Bool && !matches!(b, BinOp::Eq | BinOp::Ne) {
                    (self.cast(x, Ty::Int)?, self.cast(y, Ty::Int)?)
                } else {
                    (x, y)
                };
                Some(self.add(hir::ExprKind::Binary(b, x, y), Ty::Bool, span))
            }
            Op::LogicAnd | Op::LogicOr => {
                let (a, b) = (self.cast(x, Ty::Bool), self.cast(y, Ty::Bool));
                let kind = if op == Op::LogicAnd { BinOp::And } else { BinOp::Or };
                Some(self.add(hir::ExprKind::Binary(kind, a?, b?), Ty::Bool, span))
            }
            Op::And | Op::Or if self.ty(x) == Ty::Bool || self.ty(y) == Ty::Bool => {
                let (word, kind) = if op == Op::And { ("&", BinOp::And) } else { ("|", BinOp::Or) };
                self.lint_once(
                    code::LOGICAL_BITS,
                    span,
                    word,
                    format!("`{word}` between conditions"),
                    format!("write `{word}{word}`"),
                );
                let (a, b) = (self.cast(x, Ty::Bool), self.cast(y, Ty::Bool));
                Some(self.add(hir::ExprKind::Binary(kind, a?, b?), Ty::Bool, span))
            }
            _ => {
                let (word, kind) = match op {
                    Op::And => ("&", BinOp::BitAnd),
                    Op::Or => ("|", BinOp::BitOr),
                    Op::Shl | Op::AShl => ("<<", BinOp::Shl),
                    Op::Shr => (">>", BinOp::Shr),
                    Op::AShr => (">>>", BinOp::Sar),
                    _ => ("^", BinOp::BitXor),
                };
                let (a, b) = (self.bits(x, word), self.bits(y, word));
                let r = self.add(hir::ExprKind::Binary(kind, a?, b?), Ty::Int, span);
                if op == Op::Xnor {
                    return Some(self.add(hir::ExprKind::Unary(UnOp::BitNot, r), Ty::Int, span));
                }
                Some(r)
            }
        }
    }

    /// A name as a value.
    fn path(&mut self, path: &[Ident], span: Span) -> Option<ExprId> {
        if path.len() > 1 {
            return self.long_path(path, span);
        }
        let id = path[0];
        let Some((def, declared, is_outside)) = self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) else {
            // Functions without arguments are written without parentheses in places.
            self.unknown(id);
            return None;
        };
        match def {
            Def::Param(k) => {
                let p = self.param_id(k, id.span)?;
                if !self.m.params[p].dims.is_empty() {
                    self.wrong_kind(id, declared, "an array; name one of its elements");
                    return None;
                }
                let ty = self.m.params[p].ty;
                Some(self.add(hir::ExprKind::Param(p), ty, span))
            }
            Def::Genvar(Some(k)) => Some(self.int(k, span)),
            Def::Genvar(None) => {
                self.wrong_kind(id, declared, "a genvar, which has a value only inside of the loop over it");
                None
            }
            Def::Var(v) => {
                self.may_use_var(id, declared, is_outside)?;
                if !self.m.vars[v].dims.is_empty() {
                    self.wrong_kind(id, declared, "an array; name one of its elements");
                    return None;
                }
                let ty = self.m.vars[v].ty;
                Some(self.add(hir::ExprKind::Var(v), ty, span))
            }
            Def::Net(_) => {
                let text = self.text(id.name);
                let d = Diagnostic::error(code::WRONG_KIND, format!("`{text}` is a net, not a value"))
                    .at(id.span, "")
                    .at(declared, "declared here")
                    .help(format!("its potential is `V({text})` (or as its discipline names it)"));
                self.diags.push(d);
                None
            }
            Def::Branch(_) => {
                let text = self.text(id.name);
                self.wrong_kind(id, declared, &format!("a branch; write `V({text})` or `I({text})`"));
                None
            }
            Def::Function(_) => {
                self.wrong_kind(id, declared, "a function; its arguments are missing");
                None
            }
            Def::Scope => {
                self.wrong_kind(id, declared, "a block or instance, not a value");
                None
            }
        }
    }

    /// Variables are out of reach of constants and of functions.
    fn may_use_var(&mut self, id: Ident, declared: Span, is_outside: bool) -> Option<()> {
        let text = self.text(id.name);
        if is_outside {
            let d =
                Diagnostic::error(code::WRONG_KIND, format!("a function cannot use the module's variable `{text}`"))
                    .at(id.span, "")
                    .at(declared, "declared here")
                    .help("pass it as an argument");
            self.diags.push(d);
            return None;
        }
        if self.place.is_constant {
            let d = Diagnostic::error(code::NOT_CONSTANT, format!("`{text}` is a variable, and a constant is needed"))
                .at(id.span, "")
                .at(declared, "declared here");
            self.diags.push(d);
            return None;
        }
        Some(())
    }

    fn wrong_kind(&mut self, id: Ident, declared: Span, what: &str) {
        let text = self.text(id.name);
        let d = Diagnostic::error(code::WRONG_KIND, format!("`{text}` is {what}"))
            .at(id.span, "")
            .at(declared, "declared here");
        self.diags.push(d);
    }

    /// `block.x`, `net.potential.abstol`.
    fn long_path(&mut self, path: &[Ident], span: Span) -> Option<ExprId> {
        if let [net, which, attr] = path
            && matches!(which.name, kw::POTENTIAL | kw::FLOW)
        {
            let discipline = match self.lookup(net.name).map(|d| d.0.clone()) {
                Some(Def::Net(bits)) => bits.items.first().and_then(|n| self.m.nodes[*n].discipline),
                Some(Def::Branch(bits)) => bits.items.first().and_then(|b| self.branch_discipline(*b)),
                _ => self.disciplines.get(&net.name).copied(),
            };
            let nature = discipline.and_then(|d| {
                let d = &self.m.disciplines[d];
                if which.name == kw::FLOW { d.flow } else { d.potential }
            });
            if let Some(n) = nature {
                let n = &self.m.natures[n];
                match attr.name {
                    kw::ABSTOL => {
                        let x = n.abstol;
                        return Some(self.real(x, span));
                    }
                    kw::UNITS => {
                        let s = n.units.clone();
                        return Some(self.add(hir::ExprKind::Str(s), Ty::Str, span));
                    }
                    _ => {}
                }
            }
        }
        // A variable or parameter of a named block, reached from outside of it.
        let joined: Vec<&str> = path.iter().map(|p| self.text(p.name)).collect();
        let name = format!("{}{}", self.frame.prefix, joined.join("."));
        if let Some(v) = self.m.var(&name) {
            let ty = self.m.vars[v].ty;
            if self.m.vars[v].dims.is_empty() && !self.place.is_constant && self.place.function.is_none() {
                return Some(self.add(hir::ExprKind::Var(v), ty, span));
            }
        }
        if let Some(p) = self.m.param(&name) {
            let ty = self.m.params[p].ty;
            return Some(self.add(hir::ExprKind::Param(p), ty, span));
        }
        self.error_help(
            code::UNKNOWN_NAME,
            span,
            format!("`{}` is not known", joined.join(".")),
            "a name with dots is a variable or parameter of a block, `block.x`, that stands before this place",
        );
        None
    }

    /// `a[i]`, `a[i][j]`.
    fn element(&mut self, e: Ex) -> Option<ExprId> {
        let span = self.ex_span(e);
        let (base, index) = self.split_index(e);
        let id = self.simple(base)?;
        let Some((def, declared, is_outside)) = self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) else {
            self.unknown(id);
            return None;
        };
        match def {
            Def::Var(v) => {
                self.may_use_var(id, declared, is_outside)?;
                let dims = self.m.vars[v].dims.clone();
                let index = self.indices(id, declared, &dims, &index)?;
                let ty = self.m.vars[v].ty;
                Some(self.add(hir::ExprKind::VarElement(v, index), ty, span))
            }
            Def::Param(k) => {
                let p = self.param_id(k, id.span)?;
                let dims = self.m.params[p].dims.clone();
                let index = self.indices(id, declared, &dims, &index)?;
                let ty = self.m.params[p].ty;
                Some(self.add(hir::ExprKind::ParamElement(p, index), ty, span))
            }
            Def::Net(_) | Def::Branch(_) => {
                let text = self.sources.text(span).to_string();
                self.wrong_kind(id, declared, &format!("a net or branch, not a value; write `V({text})`"));
                None
            }
            _ => {
                self.wrong_kind(id, declared, "not an array");
                None
            }
        }
    }

    /// Base and indices, outermost first.
    pub(super) fn split_index(&self, e: Ex) -> (Ex, Vec<Ex>) {
        let mut index = vec![];
        let mut base = e;
        while let ExprKind::Index(b, i) = &self.ast.expr(base).kind {
            index.push(*i);
            base = *b;
        }
        index.reverse();
        (base, index)
    }

    /// A name without dots.
    pub(super) fn simple(&mut self, e: Ex) -> Option<Ident> {
        match &self.ast.expr(e).kind {
            ExprKind::Path(p) if p.len() == 1 => Some(p[0]),
            ExprKind::Missing => None,
            _ => {
                let span = self.ex_span(e);
                self.error(code::WRONG_KIND, span, "the name of a variable is needed here");
                None
            }
        }
    }

    /// Zero-based indices; those that are constant are checked.
    pub(super) fn indices(&mut self, id: Ident, declared: Span, dims: &[Dim], index: &[Ex]) -> Option<Vec<ExprId>> {
        let text = self.text(id.name);
        if dims.len() != index.len() {
            let what = match dims.len() {
                0 => "is not an array".to_string(),
                1 => "has one index".to_string(),
                n => format!("has {n} indices"),
            };
            let d = Diagnostic::error(code::INDEX, format!("`{text}` {what}"))
                .at(id.span, "")
                .at(declared, "declared here");
            self.diags.push(d);
            return None;
        }
        let mut out = vec![];
        for (dim, i) in dims.iter().zip(index) {
            let span = self.ex_span(*i);
            let x = self.int_expr(*i)?;
            let is_literal = matches!(self.m.exprs[x].kind, hir::ExprKind::Int(_));
            if let Some(k) = self.eval_int(x, false).filter(|_| is_literal || self.is_known(x)) {
                let low = dim.left.min(dim.right);
                let high = dim.left.max(dim.right);
                if k < low || k > high {
                    let d = Diagnostic::error(
                        code::INDEX,
                        format!("index {k} of `{text}` is outside of [{}:{}]", dim.left, dim.right),
                    )
                    .at(span, "")
                    .at(declared, "declared here");
                    self.diags.push(d);
                    return None;
                }
                out.push(self.int(zero_based(dim, k), span));
                continue;
            }
            let left = self.int(dim.left, span);
            let zero = if dim.left == 0 && dim.right >= 0 {
                x
            } else if dim.left <= dim.right {
                self.add(hir::ExprKind::Binary(BinOp::Sub, x, left), Ty::Int, span)
            } else {
                self.add(hir::ExprKind::Binary(BinOp::Sub, left, x), Ty::Int, span)
            };
            out.push(zero);
        }
        Some(out)
    }

    /// Whether the value follows from numbers alone.
    fn is_known(&self, e: ExprId) -> bool {
        match &self.m.exprs[e].kind {
            hir::ExprKind::Int(_) | hir::ExprKind::Real(_) | hir::ExprKind::Bool(_) => true,
            hir::ExprKind::Unary(_, a) | hir::ExprKind::Cast(a) => self.is_known(*a),
            hir::ExprKind::Binary(_, a, b) => self.is_known(*a) && self.is_known(*b),
            _ => false,
        }
    }

    // ---- constants

    /// Runs with only constants allowed.
    pub(super) fn constant<T>(&mut self, f: impl FnOnce(&mut Self) -> T) -> T {
        let saved = std::mem::replace(&mut self.place.is_constant, true);
        let out = f(self);
        self.place.is_constant = saved;
        out
    }

    /// An integer that is known now; the parameters it depends on become structural.
    pub(super) fn constant_int(&mut self, e: Ex, what: &str) -> Option<i32> {
        let x = self.constant(|s| s.expr(e))?;
        if self.ty(x) == Ty::Str {
            self.cast(x, Ty::Int);
            return None;
        }
        match self.eval_int(x, true) {
            Some(k) => Some(k),
            None => {
                let span = self.ex_span(e);
                self.error_help(
                    code::NOT_CONSTANT,
                    span,
                    format!("{what} must be known before the simulation"),
                    "numbers, scalar parameters and genvars are",
                );
                None
            }
        }
    }

    pub(super) fn constant_bool(&mut self, e: Ex, what: &str) -> Option<bool> {
        let x = self.constant(|s| s.cond(e))?;
        match self.eval(x, true) {
            Some(super::Value::Bool(b)) => Some(b),
            _ => {
                let span = self.ex_span(e);
                self.error(code::NOT_CONSTANT, span, format!("{what} must be known before the simulation"));
                None
            }
        }
    }

    pub(super) fn dim(&mut self, r: &super::ast::Range) -> Option<Dim> {
        let left = self.constant_int(r.left, "the bound of a range");
        let right = self.constant_int(r.right, "the bound of a range");
        let dim = Dim { left: left?, right: right? };
        if dim.len() > self.options.max_array {
            let n = self.options.max_array;
            self.error(code::TOO_LARGE, r.span, format!("more than {n} elements"));
            return None;
        }
        Some(dim)
    }

    /// Values of a list: `{a, b}`, `'{a, b}`, `{n{a}}`, or all elements of an array that is named.
    pub(super) fn list(&mut self, e: Ex, ty: Ty) -> Option<Vec<ExprId>> {
        let ast: &'a super::Ast = self.ast;
        match &ast.expr(e).kind {
            ExprKind::Array(items) | ExprKind::Concat(items) => {
                let mut out = Some(vec![]);
                for i in items {
                    let nested =
                        matches!(ast.expr(*i).kind, ExprKind::Array(_) | ExprKind::Concat(_) | ExprKind::Replicate(..));
                    let got = if nested && ty != Ty::Str {
                        self.list(*i, ty)
                    } else {
                        self.expr(*i).and_then(|x| self.cast(x, ty)).map(|x| vec![x])
                    };
                    match (got, &mut out) {
                        (Some(got), Some(o)) => o.extend(got),
                        _ => out = None,
                    }
                }
                out
            }
            ExprKind::Replicate(n, items) => {
                let n = self.constant_int(*n, "the number of repetitions")?.max(0) as usize;
                let mut out = vec![];
                for i in items {
                    out.push(self.expr(*i).and_then(|x| self.cast(x, ty))?);
                }
                if n.saturating_mul(out.len()) > self.options.max_array {
                    let span = self.ex_span(e);
                    self.error(code::TOO_LARGE, span, "too many elements");
                    return None;
                }
                Some(std::iter::repeat_n(out, n).flatten().collect())
            }
            ExprKind::Path(p) if p.len() == 1 => {
                let id = p[0];
                let def = self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o));
                let (dims, element_ty, is_param, owner) = match def {
                    Some((Def::Var(v), declared, outside)) => {
                        self.may_use_var(id, declared, outside)?;
                        (self.m.vars[v].dims.clone(), self.m.vars[v].ty, false, v.0)
                    }
                    Some((Def::Param(k), ..)) => {
                        let p = self.param_id(k, id.span)?;
                        (self.m.params[p].dims.clone(), self.m.params[p].ty, true, p.0)
                    }
                    _ => return self.expr(e).and_then(|x| self.cast(x, ty)).map(|x| vec![x]),
                };
                if dims.is_empty() {
                    return self.expr(e).and_then(|x| self.cast(x, ty)).map(|x| vec![x]);
                }
                let mut out = vec![];
                for flat in 0..dims.iter().map(Dim::len).product() {
                    let mut index = vec![];
                    let mut rest: usize = flat;
                    for d in dims.iter().rev() {
                        index.push((rest % d.len()) as i32);
                        rest /= d.len();
                    }
                    let index: Vec<ExprId> = index.into_iter().rev().map(|k| self.int(k, id.span)).collect();
                    let kind = if is_param {
                        hir::ExprKind::ParamElement(hir::ParamId(owner), index)
                    } else {
                        hir::ExprKind::VarElement(hir::VarId(owner), index)
                    };
                    let x = self.add(kind, element_ty, id.span);
                    out.push(self.cast(x, ty)?);
                }
                Some(out)
            }
            _ => self.expr(e).and_then(|x| self.cast(x, ty)).map(|x| vec![x]),
        }
    }
}

pub(super) fn zero_based(dim: &Dim, k: i32) -> i32 {
    if dim.left <= dim.right { k - dim.left } else { dim.left - k }
}
