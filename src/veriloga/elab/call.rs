//! Calls: mathematical functions, access functions, analog operators, the module's own functions.

use super::super::ast::{Ex, ExprKind, Ident};
use super::super::hir::{self, CallArg, Direction, ExprId, MathFn, Ty};
use super::{Def, Elab};
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;
use crate::diag::{Diagnostic, Span};

/// Mathematical functions: name, function, number of arguments.
const MATH: &[(&str, MathFn, usize)] = &[
    ("sqrt", MathFn::Sqrt, 1),
    ("exp", MathFn::Exp, 1),
    ("expm1", MathFn::Expm1, 1),
    ("ln", MathFn::Ln, 1),
    ("ln1p", MathFn::Log1p, 1),
    ("log1p", MathFn::Log1p, 1),
    ("log", MathFn::Log10, 1),
    ("log10", MathFn::Log10, 1),
    ("abs", MathFn::Abs, 1),
    ("fabs", MathFn::Abs, 1),
    ("min", MathFn::Min, 2),
    ("max", MathFn::Max, 2),
    ("floor", MathFn::Floor, 1),
    ("ceil", MathFn::Ceil, 1),
    ("sin", MathFn::Sin, 1),
    ("cos", MathFn::Cos, 1),
    ("tan", MathFn::Tan, 1),
    ("asin", MathFn::Asin, 1),
    ("acos", MathFn::Acos, 1),
    ("atan", MathFn::Atan, 1),
    ("atan2", MathFn::Atan2, 2),
    ("sinh", MathFn::Sinh, 1),
    ("cosh", MathFn::Cosh, 1),
    ("tanh", MathFn::Tanh, 1),
    ("asinh", MathFn::Asinh, 1),
    ("acosh", MathFn::Acosh, 1),
    ("atanh", MathFn::Atanh, 1),
    ("arcsinh", MathFn::Asinh, 1),
    ("arccosh", MathFn::Acosh, 1),
    ("arctanh", MathFn::Atanh, 1),
    ("hypot", MathFn::Hypot, 2),
    ("clog2", MathFn::Clog2, 1),
];

/// Names that only some tools know.
const DIALECT_MATH: &[(&str, &str)] = &[
    ("log10", "log"),
    ("fabs", "abs"),
    ("arcsinh", "asinh"),
    ("arccosh", "acosh"),
    ("arctanh", "atanh"),
    ("ln1p", "ln(1+x)"),
    ("log1p", "ln(1+x)"),
    ("expm1", "exp(x)-1"),
    ("clog2", "$clog2"),
];

pub(super) fn is_builtin(name: &str) -> bool {
    name == "pow" || MATH.iter().any(|m| m.0 == name) || super::operator::is_operator(name)
}

/// Functions of the language reference: their names are taken.
pub(super) fn is_standard(name: &str) -> bool {
    is_builtin(name) && !DIALECT_MATH.iter().any(|d| d.0 == name)
}

impl<'a> Elab<'a> {
    pub(super) fn call(&mut self, path: &[Ident], args: &[Ex], span: Span) -> Option<ExprId> {
        if path.len() > 1 {
            return self.method(path, args, span);
        }
        let id = path[0];
        // What the model declares comes before what the language has.
        if let Some((def, declared, _)) = self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) {
            match def {
                Def::Function(k) => return self.call_function(k, id, args, span),
                _ if self.is_access(id) || is_builtin(self.text(id.name)) => {}
                _ => {
                    let text = self.text(id.name);
                    let d = Diagnostic::error(code::WRONG_KIND, format!("`{text}` is not a function"))
                        .at(id.span, "")
                        .at(declared, "declared here")
                        .help("an element of an array is `x[i]`; a product needs `*`");
                    self.diags.push(d);
                    return None;
                }
            }
        }
        let text = self.text(id.name);
        if super::operator::is_operator(text) {
            return self.operator(id, text, args, span);
        }
        if text == "pow" || MATH.iter().any(|m| m.0 == text) {
            if let Some((_, standard)) = DIALECT_MATH.iter().find(|d| d.0 == text) {
                self.lint_once(
                    code::DIALECT,
                    span,
                    text,
                    format!("`{text}` is not in the language reference"),
                    format!("it has `{standard}`"),
                );
            }
            return self.math(text, args, span);
        }
        if self.is_access(id) {
            return self.probe(id, args, span);
        }
        // Casts as other languages write them.
        if let ("integer" | "int" | "real", [one]) = (text, args) {
            let (ty, standard) = if text == "real" { (Ty::Real, "$itor(i)") } else { (Ty::Int, "$rtoi(x)") };
            self.lint_once(
                code::DIALECT,
                span,
                text,
                format!("`{text}(...)` is not in the language reference"),
                format!("write `{standard}`, or assign to a variable"),
            );
            let x = self.expr(*one)?;
            if ty == Ty::Real {
                return self.cast(x, Ty::Real);
            }
            let x = self.cast(x, Ty::Real)?;
            return Some(self.add(hir::ExprKind::Math(MathFn::Trunc, vec![x]), Ty::Int, span));
        }
        let mut known: Vec<&str> = MATH.iter().map(|m| m.0).chain(super::operator::names()).collect();
        known.extend(self.scopes.iter().flat_map(|s| s.names.iter()).filter_map(|(n, d)| match d.0 {
            Def::Function(_) => Some(self.names.text(*n)),
            _ => None,
        }));
        known.extend(self.m.natures.values().map(|n| n.access.as_str()).filter(|a| a.len() > 1));
        let known: Vec<String> = known.into_iter().map(String::from).collect();
        let mut d = Diagnostic::error(code::UNKNOWN_FUNCTION, format!("there is no function `{text}`")).at(id.span, "");
        if let Some(h) = did_you_mean(text, known.iter().map(String::as_str)) {
            d = d.help(h);
        } else if known.iter().any(|k| k.eq_ignore_ascii_case(text)) {
            d = d.help(format!("upper and lower case differ: `{}`", text.to_lowercase()));
        }
        self.diags.push(d);
        // The arguments may have faults of their own.
        for a in args {
            if !matches!(self.ast.expr(*a).kind, ExprKind::Path(_)) {
                self.expr(*a);
            }
        }
        None
    }

    /// Reports a wrong number of arguments.
    pub(super) fn count(
        &mut self,
        what: &str,
        args: &[Ex],
        least: usize,
        most: usize,
        form: &str,
        span: Span,
    ) -> Option<()> {
        if (least..=most).contains(&args.len()) {
            return Some(());
        }
        let needed = match (least, most) {
            (a, b) if a == b => format!("{a} argument{}", if a == 1 { "" } else { "s" }),
            (a, usize::MAX) => format!("at least {a} argument{}", if a == 1 { "" } else { "s" }),
            (a, b) => format!("{a} to {b} arguments"),
        };
        let message = format!("`{what}` takes {needed}, {} given", args.len());
        self.error_help(code::ARGUMENT_COUNT, span, message, format!("it is called as `{form}`"));
        None
    }

    pub(super) fn math(&mut self, name: &str, args: &[Ex], span: Span) -> Option<ExprId> {
        if name == "pow" {
            self.count("pow", args, 2, 2, "pow(x, y)", span)?;
            let (x, y) = (self.real_expr(args[0]), self.real_expr(args[1]));
            return Some(self.add(hir::ExprKind::Binary(hir::BinOp::Pow, x?, y?), Ty::Real, span));
        }
        let (_, f, n) = *MATH.iter().find(|m| m.0 == name)?;
        let form = if n == 1 { format!("{name}(x)") } else { format!("{name}(x, y)") };
        self.count(name, args, n, n, &form, span)?;
        let mut values = vec![];
        for a in args {
            values.push(self.expr(*a));
        }
        let values: Vec<ExprId> = values.into_iter().collect::<Option<_>>()?;
        let is_int = matches!(f, MathFn::Abs | MathFn::Min | MathFn::Max)
            && values.iter().all(|v| matches!(self.ty(*v), Ty::Int | Ty::Bool));
        let ty = if is_int || f == MathFn::Clog2 { Ty::Int } else { Ty::Real };
        let values: Vec<ExprId> = values.into_iter().map(|v| self.cast(v, ty)).collect::<Option<_>>()?;
        Some(self.add(hir::ExprKind::Math(f, values), ty, span))
    }

    fn call_function(&mut self, k: usize, id: Ident, args: &[Ex], span: Span) -> Option<ExprId> {
        let text = self.text(id.name);
        if self.place.is_constant {
            self.error(
                code::NOT_CONSTANT,
                span,
                format!("the analog function `{text}` cannot be called in a constant"),
            );
            return None;
        }
        let function = self.functions[k].id?;
        if let Some(caller) = self.place.function {
            self.functions[k].called_from.push((caller, span));
        }
        let formals = self.functions[k].args.clone();
        let result = self.functions[k].ty;
        let shown: Vec<&str> = formals.iter().map(|f| self.text(f.name.name)).collect();
        let form = format!("{text}({})", shown.join(", "));
        if formals.len() != args.len() {
            let declared = self.functions[k].span;
            let d = Diagnostic::error(
                code::ARGUMENT_COUNT,
                format!("`{text}` takes {} arguments, {} given", formals.len(), args.len()),
            )
            .at(span, "")
            .at(declared, "declared here")
            .help(format!("it is called as `{form}`"));
            self.diags.push(d);
            return None;
        }
        let mut out = vec![];
        for (f, a) in formals.iter().zip(args) {
            out.push(self.call_arg(f, *a));
        }
        let out: Vec<CallArg> = out.into_iter().collect::<Option<_>>()?;
        Some(self.add(hir::ExprKind::Call(function, out), result, span))
    }

    fn call_arg(&mut self, f: &super::function::Formal, a: Ex) -> Option<CallArg> {
        let span = self.ex_span(a);
        let formal = self.text(f.name.name);
        if !f.dims.is_empty() {
            let id = self.simple(a)?;
            return match self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) {
                Some((Def::Var(v), _, false))
                    if self.m.vars[v].len() == f.dims.iter().map(hir::Dim::len).product::<usize>()
                        && self.m.vars[v].ty == f.ty =>
                {
                    Some(CallArg::Array(v))
                }
                _ => {
                    let n: usize = f.dims.iter().map(hir::Dim::len).product();
                    self.error(
                        code::BAD_ARGUMENT,
                        span,
                        format!("argument `{formal}` is an array variable of {n} elements of the same type"),
                    );
                    None
                }
            };
        }
        if f.direction == Direction::Input {
            let x = self.expr(a)?;
            return self.cast(x, f.ty).map(CallArg::In);
        }
        let is_variable = matches!(self.ast.expr(a).kind, ExprKind::Path(_) | ExprKind::Index(..));
        if !is_variable {
            self.error(
                code::BAD_ARGUMENT,
                span,
                format!("`{formal}` is an output of the function: a variable is needed"),
            );
            return None;
        }
        let (target, ty) = self.lvalue(a)?;
        if ty != f.ty {
            self.error(code::TYPE, span, format!("output argument `{formal}` and the variable have different types"));
            return None;
        }
        Some(if f.direction == Direction::Output { CallArg::Out(target) } else { CallArg::Inout(target) })
    }

    /// `s.len()` and other methods of strings.
    fn method(&mut self, path: &[Ident], args: &[Ex], span: Span) -> Option<ExprId> {
        let (Some(last), rest) = (path.last().copied(), &path[..path.len() - 1]) else { return None };
        let name = self.text(last.name);
        let known = [
            "len", "substr", "atoi", "atoreal", "toupper", "tolower", "compare", "icompare", "getc", "atohex",
            "atooct", "atobin",
        ];
        if !known.contains(&name) {
            self.error(code::UNKNOWN_FUNCTION, last.span, format!("there is no function `{name}` of strings"));
            return None;
        }
        let base = self.path_value(rest)?;
        if self.ty(base) != Ty::Str {
            self.error(code::TYPE, rest[0].span, format!("`{name}` is a function of strings, and this is a number"));
            return None;
        }
        match name {
            "len" => {
                self.count("len", args, 0, 0, "s.len()", span)?;
                Some(self.add(hir::ExprKind::StrLen(base), Ty::Int, span))
            }
            "substr" => {
                self.count("substr", args, 2, 2, "s.substr(first, last)", span)?;
                let (a, b) = (self.int_expr(args[0])?, self.int_expr(args[1])?);
                Some(self.add(hir::ExprKind::StrSub(base, a, b), Ty::Str, span))
            }
            "atoi" => Some(self.add(hir::ExprKind::StrToNumber(base), Ty::Int, span)),
            "atoreal" => Some(self.add(hir::ExprKind::StrToNumber(base), Ty::Real, span)),
            "toupper" | "tolower" => {
                let kind = hir::ExprKind::StrCase { arg: base, is_upper: name == "toupper" };
                Some(self.add(kind, Ty::Str, span))
            }
            _ => {
                self.error(code::UNSUPPORTED, span, format!("`{name}` of strings is not supported"));
                None
            }
        }
    }

    fn path_value(&mut self, path: &[Ident]) -> Option<ExprId> {
        let id = path.first().copied()?;
        match self.lookup(id.name).map(|(d, s, o)| (d.clone(), s, o)) {
            Some((Def::Var(v), ..)) if path.len() == 1 => {
                let ty = self.m.vars[v].ty;
                Some(self.add(hir::ExprKind::Var(v), ty, id.span))
            }
            Some((Def::Param(k), ..)) if path.len() == 1 => {
                let p = self.param_id(k, id.span)?;
                let ty = self.m.params[p].ty;
                Some(self.add(hir::ExprKind::Param(p), ty, id.span))
            }
            _ => {
                self.unknown(id);
                None
            }
        }
    }
}
