//! System tasks and calls that stand as statements.

use super::super::ast::{Ex, ExprKind, Ident};
use super::super::hir::{self, LValue, StmtKind, Task, TextKind, Ty};
use super::Elab;
use crate::diag::Span;
use crate::diag::codes::veriloga as code;

impl<'a> Elab<'a> {
    pub(super) fn call_stmt(&mut self, e: Ex, span: Span) -> Option<StmtKind> {
        let ast: &'a super::Ast = self.ast;
        match &ast.expr(e).kind {
            ExprKind::System(id, args) => self.task(*id, args.as_deref().unwrap_or(&[]), span),
            ExprKind::Call(path, args) => {
                if path.len() == 1
                    && self.is_access(path[0])
                    && !matches!(self.lookup(path[0].name), Some((super::Def::Function(_), ..)))
                {
                    self.error_help(
                        code::SYNTAX,
                        span,
                        "an access function alone does nothing",
                        "a contribution is written `I(a, b) <+ ...;`",
                    );
                    return None;
                }
                let _ = args;
                self.expr(e).map(StmtKind::Eval)
            }
            _ => {
                self.expr(e);
                None
            }
        }
    }

    fn task(&mut self, id: Ident, args: &[Ex], span: Span) -> Option<StmtKind> {
        let name = self.text(id.name);
        if let Some(kind) = super::format::text_kind(name) {
            let mut args = args;
            // `$fatal(1, "...")`: the level of chatter comes first.
            if kind == TextKind::Fatal
                && let Some(first) = args.first()
                && matches!(self.ast.expr(*first).kind, ExprKind::Int(_))
            {
                args = &args[1..];
            }
            let items = self.format(args)?;
            return Some(StmtKind::Task(Task::Text { kind, items }));
        }
        match name {
            "finish" | "stop" => {
                if let Some(first) = args.first()
                    && matches!(self.ast.expr(*first).kind, ExprKind::Str(_))
                {
                    return self.finish_with_text(name, args, span);
                }
                self.count(&format!("${name}"), args, 0, 1, &format!("${name}(level)"), span)?;
                let level = match args.first() {
                    Some(e) => Some(self.int_expr(*e)?),
                    None => None,
                };
                Some(StmtKind::Task(if name == "finish" { Task::Finish { level } } else { Task::Stop { level } }))
            }
            "bound_step" | "bound_time_step" => {
                self.count("$bound_step", args, 1, 1, "$bound_step(seconds)", span)?;
                self.in_analog(id)?;
                let x = self.real_expr(args[0])?;
                Some(StmtKind::Task(Task::BoundStep(x)))
            }
            "discontinuity" => {
                self.count("$discontinuity", args, 0, 1, "$discontinuity(degree)", span)?;
                // Limiting functions say by `$discontinuity(-1)` that they have changed the value.
                let x = match args.first() {
                    Some(e) => self.int_expr(*e)?,
                    None => self.int(0, span),
                };
                Some(StmtKind::Task(Task::Discontinuity(x)))
            }
            "limit" => {
                let x = self.limit(id, args, span)?;
                match self.m.exprs[x].kind {
                    hir::ExprKind::Operator(op) => Some(StmtKind::Task(Task::Limit(op))),
                    _ => None,
                }
            }
            "fstrobe" | "fdisplay" | "fwrite" | "fmonitor" | "fdebug" => {
                self.count(&format!("${name}"), args, 1, usize::MAX, &format!("${name}(file, \"format\", ...)"), span)?;
                let descriptor = self.int_expr(args[0]);
                let items = self.format(&args[1..]);
                let kind = match name {
                    "fstrobe" => TextKind::Strobe,
                    "fwrite" => TextKind::Write,
                    "fmonitor" => TextKind::Monitor,
                    "fdebug" => TextKind::Debug,
                    _ => TextKind::Display,
                };
                Some(StmtKind::Task(Task::FileText { descriptor: descriptor?, kind, items: items? }))
            }
            "fclose" => {
                self.count("$fclose", args, 1, 1, "$fclose(file)", span)?;
                let x = self.int_expr(args[0])?;
                Some(StmtKind::Task(Task::FileClose(x)))
            }
            // Nothing is buffered that would have to be written.
            "fflush" => None,
            "sformat" | "swrite" => {
                self.count(
                    &format!("${name}"),
                    args,
                    2,
                    usize::MAX,
                    &format!("${name}(string, \"format\", ...)"),
                    span,
                )?;
                let (target, ty) = self.lvalue(args[0])?;
                if ty != Ty::Str {
                    let at = self.ex_span(args[0]);
                    self.error(code::TYPE, at, "a string variable is needed");
                    return None;
                }
                let items = self.format(&args[1..])?;
                Some(StmtKind::Task(Task::FormatString { target: LValue { index: vec![], ..target }, items }))
            }
            // Functions called for their effect.
            "random" | "arandom" | "fopen" => self.system(id, args, span).map(StmtKind::Eval),
            _ if name.starts_with("rdist_") || name.starts_with("dist_") => {
                self.system(id, args, span).map(StmtKind::Eval)
            }
            _ => {
                // Reports an unknown name; a known function alone has no effect.
                let before = self.diags.len();
                let x = self.system(id, args, span);
                if x.is_some() && self.diags.len() == before {
                    self.lint(
                        code::DIALECT,
                        span,
                        format!("the value of `${name}` is not used"),
                        "the statement has no effect",
                    );
                }
                None
            }
        }
    }

    /// `$finish("message")`, as some models have it.
    fn finish_with_text(&mut self, name: &str, args: &[Ex], span: Span) -> Option<StmtKind> {
        self.lint(
            code::DIALECT,
            span,
            format!("`${name}` takes a number, not a text"),
            format!("write `$strobe(...); ${name};`, or `$fatal(0, ...)` for a fault"),
        );
        let items = self.format(args)?;
        let text = Task::Text { kind: TextKind::Strobe, items };
        let end = if name == "finish" { Task::Finish { level: None } } else { Task::Stop { level: None } };
        let then = [text, end].map(|t| hir::Stmt { kind: StmtKind::Task(t), span }).to_vec();
        let cond = self.add(hir::ExprKind::Bool(true), Ty::Bool, span);
        Some(StmtKind::If { cond, then, otherwise: vec![] })
    }

    fn in_analog(&mut self, id: Ident) -> Option<()> {
        if self.place.function.is_some() {
            let name = self.text(id.name);
            self.error(code::MISPLACED, id.span, format!("`${name}` is not allowed in a function"));
            return None;
        }
        Some(())
    }
}
