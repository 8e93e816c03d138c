//! Variables, branches, attributes.

use super::super::ast::{self, Attr, ExprKind};
use super::super::hir::{self, AttrValue, Attrs, Dim, Owner, Ty, Var};
use super::{Bits, BranchRef, Def, Elab};
use crate::diag::codes::veriloga as code;

impl<'a> Elab<'a> {
    pub(super) fn attrs<'b>(&mut self, list: impl Iterator<Item = &'b Attr>) -> Attrs {
        let mut out = Attrs::default();
        for a in list {
            let name = self.text(a.name.name);
            let value = a.value.and_then(|e| self.attr_value(e));
            match (name, &value) {
                ("desc" | "info" | "description", Some(AttrValue::Text(t))) => out.desc = Some(t.trim().to_string()),
                ("units" | "unit", Some(AttrValue::Text(t))) => out.units = Some(t.trim().to_string()),
                ("type", Some(AttrValue::Text(t))) => out.kind = Some(t.clone()),
                ("multiplicity", Some(AttrValue::Text(t))) => out.multiplicity = Some(t.clone()),
                _ => out.other.push((name.to_string(), value)),
            }
        }
        out
    }

    fn attr_value(&self, e: ast::Ex) -> Option<AttrValue> {
        match &self.ast.expr(e).kind {
            ExprKind::Str(n) => Some(AttrValue::Text(self.text(*n).to_string())),
            // `info=noise`: a bare word.
            ExprKind::Path(p) if p.len() == 1 => Some(AttrValue::Text(self.text(p[0].name).to_string())),
            ExprKind::Concat(parts) => {
                let mut out = String::new();
                for p in parts {
                    if let Some(AttrValue::Text(t)) = self.attr_value(*p) {
                        out.push_str(&t);
                    }
                }
                Some(AttrValue::Text(out))
            }
            _ => self.literal(e).map(AttrValue::Number),
        }
    }

    /// Declares a variable of the module, a block or a function.
    pub(super) fn var(&mut self, ty: Ty, d: &ast::Declared, attrs: &[Attr], owner: Owner) {
        if !self.spend(d.name.span) {
            return;
        }
        let mut dims = vec![];
        for r in &d.dims {
            match self.dim(r) {
                Some(x) => dims.push(x),
                None => return,
            }
        }
        let count: usize = dims.iter().map(Dim::len).fold(1, usize::saturating_mul);
        if count > self.options.max_array {
            self.error(code::TOO_LARGE, d.name.span, format!("more than {} elements", self.options.max_array));
            return;
        }
        let name = self.text(d.name.name);
        let init = d.init.and_then(|e| {
            let saved = std::mem::take(&mut self.place);
            let out = self.constant(|s| {
                let values = if dims.is_empty() {
                    s.expr(e).and_then(|x| s.cast(x, ty)).map(|x| vec![x])
                } else {
                    s.list(e, ty)
                };
                values.and_then(|v| s.fit(v, count, name, e))
            });
            self.place = saved;
            out
        });
        let attrs = self.attrs(attrs.iter().chain(&d.attrs));
        let prefix = self.prefix();
        let is_module_level = self.scopes.len() == 1 && owner == Owner::Module;
        let v = self.m.vars.push(Var {
            name: format!("{prefix}{name}"),
            ty,
            owner,
            dims,
            init,
            is_output: is_module_level && (attrs.desc.is_some() || attrs.units.is_some()),
            is_hidden_state: false,
            attrs,
            span: d.name.span,
        });
        self.declare(d.name, Def::Var(v));
    }

    pub(super) fn branches(&mut self, b: &'a ast::Branches) {
        let refs: Option<Vec<BranchRef>>;
        let mut ends = None;
        match b.terminals[..] {
            [one] if matches!(self.ast.expr(one).kind, ExprKind::PortRef(_)) => {
                let ExprKind::PortRef(p) = self.ast.expr(one).kind else { return };
                refs = self.port_named(p).map(|p| vec![BranchRef::Port(p)]);
            }
            [a] => {
                let hi = self.nets(a);
                ends = hi.map(|h| (h, vec![hir::Module::GROUND]));
                refs = None;
            }
            [a, c] => {
                let (hi, lo) = (self.nets(a), self.nets(c));
                ends = hi.zip(lo);
                refs = None;
            }
            _ => {
                let span = b.names.first().map_or(crate::diag::Span::NOWHERE, |n| n.name.span);
                self.error_help(code::ARGUMENT_COUNT, span, "a branch has one or two nets", "`branch (a, b) name;`");
                return;
            }
        }
        for d in &b.names {
            if !self.spend(d.name.span) {
                return;
            }
            let mut dim = None;
            if let Some(r) = d.dims.first() {
                dim = self.dim(r);
            }
            if let Some(refs) = &refs {
                self.declare(d.name, Def::Branch(Bits { dim, items: refs.clone() }));
                continue;
            }
            let Some((hi, lo)) = &ends else { continue };
            let n = hi.len().max(lo.len()).max(dim.map_or(1, |d| d.len()));
            if [hi.len(), lo.len()].iter().any(|k| *k != 1 && *k != n) {
                self.error(
                    code::INDEX,
                    d.name.span,
                    format!("vectors of {} and {} nets do not make branches", hi.len(), lo.len()),
                );
                continue;
            }
            // Without a range of its own a vector of branches counts as its nets do.
            if dim.is_none() && n > 1 {
                dim = Some(Dim { left: 0, right: n as i32 - 1 });
            }
            let mut items = vec![];
            for k in 0..n {
                let (h, l) = (hi[k % hi.len()], lo[k % lo.len()]);
                let discipline = match self.pair(h, l, d.name.span) {
                    Some(x) => x,
                    None => continue,
                };
                let suffix = match dim {
                    Some(x) if x.left <= x.right => format!("[{}]", x.left + k as i32),
                    Some(x) => format!("[{}]", x.left - k as i32),
                    None => String::new(),
                };
                let prefix = self.prefix();
                let id = self.m.branches.push(hir::Branch {
                    name: Some(format!("{prefix}{}{suffix}", self.text(d.name.name))),
                    hi: h,
                    lo: l,
                    discipline,
                    is_flow_contributed: false,
                    is_potential_contributed: false,
                    is_flow_probed: false,
                    span: d.name.span,
                });
                items.push(BranchRef::Branch(id));
            }
            if items.len() == n {
                self.declare(d.name, Def::Branch(Bits { dim, items }));
            }
        }
    }

    /// The discipline of a declared branch; the nets may get theirs only now.
    fn pair(&mut self, h: hir::NodeId, l: hir::NodeId, span: crate::diag::Span) -> Option<Option<hir::DisciplineId>> {
        let a = self.net_discipline(h, span);
        let b = self.net_discipline(l, span);
        match (a, b) {
            (Some(a), Some(b)) if !self.compatible(a, b) => {
                let (x, y) = (&self.m.disciplines[a].name, &self.m.disciplines[b].name);
                let message = format!("the branch joins a net of discipline {x} with one of {y}");
                self.error(code::DISCIPLINES_DIFFER, span, message);
                None
            }
            (a, b) => Some(a.or(b)),
        }
    }
}
