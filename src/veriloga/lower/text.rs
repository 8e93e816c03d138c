//! Texts and files: formatted at accepted points.

use super::{Cell, EffectItem, EffectKind, EffectSite, Lower};
use crate::diag::Span;
use crate::veriloga::hir::{ExprId, FormatItem, LValue, Module, Stmt, StmtKind, Task, TextKind};
use crate::veriloga::ir::{Node, Val};

/// Descriptors of files opened with a mode have this bit; the others are sets of bits, the lowest one the terminal.
pub const FILE: u32 = 1 << 31;
/// 0 to 2 are the terminal's.
const FIRST_FILE: u32 = 3;

/// Does a module write text into variables?
pub(super) fn makes_text(m: &Module) -> bool {
    fn any(list: &[Stmt]) -> bool {
        list.iter().any(|s| match &s.kind {
            StmtKind::Task(Task::FormatString { .. }) => true,
            StmtKind::If { then, otherwise, .. } => any(then) || any(otherwise),
            StmtKind::Case { arms, default, .. } => arms.iter().any(|a| any(&a.body)) || any(default),
            StmtKind::Loop { body, step, .. } => any(body) || any(step),
            StmtKind::Repeat { body, .. } | StmtKind::OnEvent { body, .. } => any(body),
            _ => false,
        })
    }
    any(&m.initial) || any(&m.analog) || m.functions.values().any(|f| any(&f.body))
}

impl Lower<'_> {
    pub(super) fn effect(&mut self, site: EffectSite, args: Vec<Val>) {
        if self.is_params {
            return;
        }
        self.out.effects.push(site);
        self.b.node(Node::Effect(self.out.effects.len() as u32 - 1, args));
    }

    pub(super) fn items(&mut self, items: &[FormatItem], args: &mut Vec<Val>) -> Vec<EffectItem> {
        items.iter().map(|i| self.format_item(i, args)).collect()
    }

    fn format_item(&mut self, i: &FormatItem, args: &mut Vec<Val>) -> EffectItem {
        let (value, conversion, width, precision, flags, is_text) = match i {
            FormatItem::Text(t) => return EffectItem::Text(t.clone()),
            FormatItem::InstancePath(p) => return EffectItem::InstancePath(p.clone()),
            FormatItem::LibraryName => return EffectItem::Text("work".into()),
            FormatItem::Real { value, conversion, width, precision, flags } => {
                (*value, *conversion, *width, *precision, flags, false)
            }
            FormatItem::Int { value, conversion, width, flags } => (*value, *conversion, *width, None, flags, false),
            FormatItem::Str { value, width, flags } => (*value, 's', *width, None, flags, true),
        };
        let v = self.expr(value);
        args.push(v);
        EffectItem::Value { conversion, width, precision, flags: flags.clone(), is_text }
    }

    /// `$sformat`: the variable takes the number of this place's text.
    pub(super) fn format_string(&mut self, target: &LValue, items: &[FormatItem], span: Span) {
        let n = self.out.formats;
        self.out.formats += 1;
        let mut args = vec![];
        let items = self.items(items, &mut args);
        self.effect(EffectSite { kind: EffectKind::Format(n), items, span }, args);
        let text = self.b.int(-1 - n as i32);
        self.write(Cell::Var(target.var, 0), text);
    }

    /// `$fopen`: every place that opens has its descriptor.
    pub(super) fn open_file(&mut self, name: ExprId, mode: Option<ExprId>, span: Span) -> Val {
        let places = self.out.effects.iter().filter(|e| matches!(e.kind, EffectKind::Open { .. })).count() as u32;
        let mode = match mode {
            None => None,
            Some(e) => {
                let text = self.text_of(e).unwrap_or_default();
                if !text.starts_with(['w', 'a']) {
                    return self.no_file("a file that is not opened for writing (\"w\", \"a\")", span);
                }
                Some(text.starts_with('a'))
            }
        };
        let descriptor = match mode {
            Some(_) => FILE | (FIRST_FILE + places),
            None if places < 30 => 2 << places,
            None => return self.no_file("more than 30 files that are opened without a mode", span),
        } as i32;
        let name = self.expr(name);
        let kind = EffectKind::Open { descriptor, appends: mode == Some(true) };
        self.effect(EffectSite { kind, items: vec![], span }, vec![name]);
        self.b.int(descriptor)
    }

    fn no_file(&mut self, what: &str, span: Span) -> Val {
        self.unsupported(what, span);
        self.b.int(0)
    }

    pub(super) fn file_text(&mut self, descriptor: ExprId, kind: TextKind, items: &[FormatItem], span: Span) {
        let d = self.expr(descriptor);
        let d = self.coerce_int(d);
        let mut args = vec![d];
        let items = self.items(items, &mut args);
        self.effect(EffectSite { kind: EffectKind::FileText(kind), items, span }, args);
    }

    pub(super) fn close_file(&mut self, descriptor: ExprId, span: Span) {
        let d = self.expr(descriptor);
        let d = self.coerce_int(d);
        self.effect(EffectSite { kind: EffectKind::Close, items: vec![], span }, vec![d]);
    }
}
