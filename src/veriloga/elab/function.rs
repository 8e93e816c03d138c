//! Analog functions: first all heads, so that functions may be called before they stand, then the bodies.

use super::super::ast::{self, Ident, ItemKind, TypeWord};
use super::super::hir::{self, Dim, Direction, FunctionArg, FunctionId, Owner, Ty, Var};
use super::{Def, Elab, Place, ScopeKind};
use crate::diag::codes::veriloga as code;
use crate::diag::{Diagnostic, Span};

/// A declared function.
pub(super) struct Declared<'a> {
    pub ast: &'a ast::Function,
    pub id: Option<FunctionId>,
    pub ty: Ty,
    pub args: Vec<Formal>,
    pub span: Span,
    pub called_from: Vec<(FunctionId, Span)>,
}

#[derive(Clone, Debug)]
pub(super) struct Formal {
    pub name: Ident,
    pub direction: Direction,
    pub ty: Ty,
    pub dims: Vec<Dim>,
}

pub(super) fn ty(word: TypeWord) -> Ty {
    match word {
        TypeWord::Real => Ty::Real,
        TypeWord::Integer => Ty::Int,
        TypeWord::String => Ty::Str,
    }
}

impl<'a> Elab<'a> {
    pub(super) fn declare_function(&mut self, f: &'a ast::Function) {
        let mut args = vec![];
        for (direction, declared, word) in &f.args {
            // The type may stand in a declaration of its own: `input x; real x;`.
            let vars = f.items.iter().filter_map(|i| match &i.kind {
                ItemKind::Vars(v) => Some(v),
                _ => None,
            });
            let found = vars
                .flat_map(|v| v.list.iter().map(move |d| (v.ty, d)))
                .find(|(_, d)| d.name.name == declared.name.name);
            let word = word.or(found.map(|f| f.0)).unwrap_or(TypeWord::Real);
            let ranges = if declared.dims.is_empty() { found.map_or(&[][..], |f| &f.1.dims) } else { &declared.dims };
            let mut dims = vec![];
            for r in ranges {
                dims.extend(self.dim(r));
            }
            args.push(Formal { name: declared.name, direction: *direction, ty: ty(word), dims });
        }
        let text = self.text(f.name.name);
        if super::operator::is_operator(text) || super::call::is_standard(text) {
            self.error_help(
                code::DUPLICATE,
                f.name.span,
                format!("`{text}` is a function of the language and cannot be declared"),
                "choose another name",
            );
            return;
        }
        if f.args.is_empty() {
            self.lint(
                code::DIALECT,
                f.name.span,
                format!("function `{text}` has no arguments"),
                "the language asks for at least one `input`",
            );
        }
        let k = self.functions.len();
        // The id is known before the body, so that calls can be made in any order.
        let id = self.m.functions.push(hir::Function {
            name: format!("{}{text}", self.frame.prefix),
            args: vec![],
            result: hir::VarId(0),
            body: vec![],
            span: f.name.span,
        });
        self.functions.push(Declared {
            ast: f,
            id: Some(id),
            ty: ty(f.ty),
            args,
            span: f.name.span,
            called_from: vec![],
        });
        self.declare(f.name, Def::Function(k));
    }

    pub(super) fn function_body(&mut self, k: usize) {
        let f: &'a ast::Function = self.functions[k].ast;
        let Some(id) = self.functions[k].id else { return };
        let formals = self.functions[k].args.clone();
        let name = self.text(f.name.name);
        self.push_scope(ScopeKind::Function, String::new());
        let var = |s: &mut Self, n: Ident, ty: Ty, dims: Vec<Dim>| {
            let v = s.m.vars.push(Var {
                name: s.text(n.name).to_string(),
                ty,
                owner: Owner::Function(id),
                dims,
                init: None,
                is_output: false,
                is_hidden_state: false,
                attrs: hir::Attrs::default(),
                span: n.span,
            });
            s.declare(n, Def::Var(v));
            v
        };
        let result = var(self, f.name, self.functions[k].ty, vec![]);
        let mut args = vec![];
        for a in formals {
            args.push(FunctionArg { direction: a.direction, var: var(self, a.name, a.ty, a.dims) });
        }
        let place = std::mem::replace(&mut self.place, Place { function: Some(id), ..Place::default() });
        for item in &f.items {
            match &item.kind {
                ItemKind::Vars(v) => {
                    for d in &v.list {
                        if f.args.iter().any(|a| a.1.name.name == d.name.name) {
                            continue;
                        }
                        // `real f;` in `analog function real f` repeats the result.
                        if d.name.name == f.name.name {
                            continue;
                        }
                        self.var(ty(v.ty), d, &item.attrs, Owner::Function(id));
                    }
                }
                ItemKind::Params(p) => self.block_params(p, &item.attrs),
                ItemKind::Null => {}
                _ => self.error(code::MISPLACED, item.span, "a function declares variables and parameters only"),
            }
        }
        let body = self.stmts(&f.body);
        self.place = place;
        self.pop_scope();
        let is_assigned = |v| assigns(&body, v);
        if !is_assigned(result) {
            self.lint(
                code::DIALECT,
                f.name.span,
                format!("function `{name}` never assigns its result"),
                format!("assign to its name: `{name} = ...;`"),
            );
        }
        let h = &mut self.m.functions[id];
        (h.args, h.result, h.body) = (args, result, body);
    }

    /// Functions cannot call themselves, however indirectly.
    pub(super) fn check_recursion(&mut self, first: usize) {
        let mut faults = vec![];
        for k in first..self.functions.len() {
            let Some(start) = self.functions[k].id else { continue };
            let mut seen = vec![];
            let mut open: Vec<(FunctionId, Span)> = self.functions[k].called_from.clone();
            let mut at = None;
            while let Some((caller, span)) = open.pop() {
                if caller == start {
                    at = Some(span);
                    break;
                }
                if seen.contains(&caller) {
                    continue;
                }
                seen.push(caller);
                if let Some(f) = self.functions.iter().find(|f| f.id == Some(caller)) {
                    open.extend(f.called_from.iter().copied());
                }
            }
            if let Some(span) = at {
                let text = self.text(self.functions[k].ast.name.name);
                faults.push(
                    Diagnostic::error(code::RECURSION, format!("function `{text}` calls itself"))
                        .at(self.functions[k].span, "")
                        .at(span, "by this call"),
                );
            }
        }
        self.diags.extend(faults);
    }
}

fn assigns(body: &[hir::Stmt], v: hir::VarId) -> bool {
    use hir::StmtKind as S;
    body.iter().any(|s| match &s.kind {
        S::Assign { target, .. } => target.var == v,
        S::AssignArray { target, .. } => *target == v,
        S::If { then, otherwise, .. } => assigns(then, v) || assigns(otherwise, v),
        S::Case { arms, default, .. } => arms.iter().any(|a| assigns(&a.body, v)) || assigns(default, v),
        S::Loop { body, step, .. } => assigns(body, v) || assigns(step, v),
        S::Repeat { body, .. } | S::OnEvent { body, .. } => assigns(body, v),
        S::Task(_) | S::Eval(_) => true,
        _ => false,
    })
}
