//! Texts and files: formatted at accepted points.

use super::{Cell, EffectItem, EffectKind, EffectSite, Lower};
use crate::diag::Span;
use crate::veriloga::format::render;
use crate::veriloga::hir::{
    ExprId, ExprKind, FormatItem, LValue, Module, Owner, Stmt, StmtKind, Task, TextKind, Ty, VarId,
};
use crate::veriloga::ir::{Const, Node, Val};

/// Descriptors of files opened with a mode have this bit; the others are sets of bits, the lowest one the terminal.
pub const FILE: u32 = 1 << 31;
/// 0 to 2 are the terminal's.
const FIRST_FILE: u32 = 3;

/// Variables that hold text which a module makes, or copies of it.
pub(super) fn dynamic_texts(m: &Module) -> Vec<VarId> {
    fn visit(list: &[Stmt], f: &mut dyn FnMut(&StmtKind)) {
        for s in list {
            f(&s.kind);
            match &s.kind {
                StmtKind::If { then, otherwise, .. } => [then, otherwise].iter().for_each(|l| visit(l, f)),
                StmtKind::Case { arms, default, .. } => {
                    arms.iter().for_each(|a| visit(&a.body, f));
                    visit(default, f);
                }
                StmtKind::Loop { body, step, .. } => [body, step].iter().for_each(|l| visit(l, f)),
                StmtKind::Repeat { body, .. } | StmtKind::OnEvent { body, .. } => visit(body, f),
                _ => {}
            }
        }
    }
    let mut made: Vec<VarId> = vec![];
    let mut copies: Vec<VarId> = vec![];
    let lists = [&m.initial, &m.analog].into_iter().chain(m.functions.values().map(|f| &f.body));
    for list in lists {
        visit(list, &mut |s| match s {
            StmtKind::Task(Task::FormatString { target, .. }) => made.push(target.var),
            // What is assigned from another variable or a function is taken to be a copy.
            StmtKind::Assign { target, value } if m.vars[target.var].ty == Ty::Str => {
                let is_plain = matches!(m.exprs[*value].kind, ExprKind::Str(_) | ExprKind::Param(_));
                if !is_plain {
                    copies.push(target.var);
                }
            }
            _ => {}
        });
    }
    if made.is_empty() {
        return made;
    }
    // Arguments of functions may be copies, too.
    let own = m.vars.iter().filter(|(_, v)| v.ty == Ty::Str && v.owner != Owner::Module).map(|(v, _)| v);
    made.into_iter().chain(copies).chain(own).collect()
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
        if let Some(text) = self.known_text(&items, &args) {
            let text = self.string(&text) as i32;
            let text = self.b.int(text);
            self.out.formats -= 1;
            return self.write(Cell::Var(target.var, 0), text);
        }
        if let Some(text) = self.settled_text(&items, &args) {
            self.out.formats -= 1;
            return self.write(Cell::Var(target.var, 0), text);
        }
        self.effect(EffectSite { kind: EffectKind::Format(n), items, span }, args);
        let text = self.b.int(-1 - n as i32);
        self.write(Cell::Var(target.var, 0), text);
    }

    /// The text, where everything in it is known now.
    fn known_text(&self, items: &[EffectItem], args: &[Val]) -> Option<String> {
        if items.iter().any(|i| matches!(i, EffectItem::InstancePath(_))) {
            return None;
        }
        let known: Option<Vec<f64>> = args.iter().map(|v| self.b.constant(*v).map(Const::to_f64)).collect();
        let mut texts = items.iter().filter(|i| matches!(i, EffectItem::Value { .. })).zip(known.iter().flatten());
        let is_made = |(i, x): (&EffectItem, &f64)| matches!(i, EffectItem::Value { is_text: true, .. }) && *x < 0.0;
        if texts.any(is_made) {
            return None;
        }
        Some(render(items, &known?, &|k| self.out.strings.get(k as usize).cloned().unwrap_or_default()))
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
