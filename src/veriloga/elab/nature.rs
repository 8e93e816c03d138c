//! Natures and disciplines.

use super::super::ast::{self, Ex, ExprKind, Ident, Op};
use super::super::hir::{Discipline, DisciplineId, Nature, NatureId};
use super::super::text::Name;
use super::super::text::names::kw;
use super::Elab;
use crate::diag::codes::veriloga as code;
use crate::diag::nearest::did_you_mean;

impl<'a> Elab<'a> {
    pub(super) fn natures(&mut self) {
        let ast: &'a ast::Ast = self.ast;
        let mut later = vec![];
        for n in &ast.natures {
            let id = self.nature(n);
            later.push((id, n));
        }
        // The natures of derivative and integral may come after the one that names them.
        for (id, n) in later {
            for (key, value) in &n.entries {
                let target = match &ast.expr(*value).kind {
                    ExprKind::Path(p) if p.len() == 1 => p[0],
                    _ => continue,
                };
                match key.name {
                    kw::DDT_NATURE => self.m.natures[id].ddt_nature = self.nature_named(target),
                    kw::IDT_NATURE => self.m.natures[id].idt_nature = self.nature_named(target),
                    _ => {}
                }
            }
        }
        for d in &ast.disciplines {
            self.discipline(d);
        }
    }

    fn nature(&mut self, n: &ast::Nature) -> NatureId {
        let mut nature = Nature {
            name: self.text(n.name.name).to_string(),
            abstol: f64::NAN,
            units: String::new(),
            access: String::new(),
            ddt_nature: None,
            idt_nature: None,
        };
        if let Some(parent) = &n.parent {
            let id = match parent.as_slice() {
                [one] => self.nature_named(*one),
                [d, which, ..] => self.discipline_named(*d).and_then(|d| {
                    let d = &self.m.disciplines[d];
                    if which.name == kw::FLOW { d.flow } else { d.potential }
                }),
                [] => None,
            };
            if let Some(id) = id {
                nature = Nature { name: nature.name, ..self.m.natures[id].clone() };
            }
        }
        for (key, value) in &n.entries {
            match key.name {
                kw::ABSTOL => match self.literal(*value) {
                    Some(x) if x > 0.0 => nature.abstol = x,
                    _ => {
                        nature.abstol = 1e-6;
                        self.error(code::NATURE, self.ex_span(*value), "`abstol` is a positive number");
                    }
                },
                kw::UNITS => {
                    if let ExprKind::Str(s) = self.ast.expr(*value).kind {
                        nature.units = self.text(s).to_string();
                    }
                }
                kw::ACCESS => match &self.ast.expr(*value).kind {
                    ExprKind::Path(p) if p.len() == 1 => nature.access = self.text(p[0].name).to_string(),
                    ExprKind::Str(s) => nature.access = self.text(*s).to_string(),
                    _ => self.error(code::NATURE, self.ex_span(*value), "`access` is the name of the access function"),
                },
                _ => {}
            }
        }
        if nature.access.is_empty() {
            self.error_help(
                code::NATURE,
                n.name.span,
                format!("nature `{}` has no access function", nature.name),
                "for example `access = V;`",
            );
        }
        if nature.abstol.is_nan() {
            self.lint_once(
                code::DIALECT,
                n.name.span,
                &nature.name,
                format!("nature `{}` has no `abstol`; 1e-6 is taken", nature.name),
                "for example `abstol = 1e-6;`, in the nature's units",
            );
            nature.abstol = 1e-6;
        }
        let known = self.natures.get(&n.name.name).copied();
        match known {
            // The same header read twice, or a model's own copy of a standard nature: the last one holds.
            Some(id) => {
                self.m.natures[id] = nature;
                id
            }
            None => {
                let id = self.m.natures.push(nature);
                self.natures.insert(n.name.name, id);
                id
            }
        }
    }

    fn nature_named(&mut self, id: Ident) -> Option<NatureId> {
        if let Some(n) = self.natures.get(&id.name) {
            return Some(*n);
        }
        let text = self.text(id.name);
        let known: Vec<&str> = self.natures.keys().map(|n| self.names.text(*n)).collect();
        let help = did_you_mean(text, known).unwrap_or_else(|| "natures are declared by `nature ... endnature`".into());
        self.error_help(code::UNKNOWN_DISCIPLINE, id.span, format!("there is no nature `{text}`"), help);
        None
    }

    fn discipline(&mut self, d: &ast::Discipline) {
        let mut potential = d.potential.and_then(|n| self.nature_named(n));
        let mut flow = d.flow.and_then(|n| self.nature_named(n));
        for (which, key, value) in &d.overrides {
            let slot = if which.name == kw::FLOW { &mut flow } else { &mut potential };
            let Some(id) = *slot else {
                self.error(code::NATURE, which.span, "the discipline has no such nature");
                continue;
            };
            // The nature as this discipline has it is a nature of its own.
            let mut own = self.m.natures[id].clone();
            match key.name {
                kw::ABSTOL => match self.literal(*value) {
                    Some(x) if x > 0.0 => own.abstol = x,
                    _ => self.error(code::NATURE, self.ex_span(*value), "`abstol` is a positive number"),
                },
                kw::UNITS => {
                    if let ExprKind::Str(s) = self.ast.expr(*value).kind {
                        own.units = self.text(s).to_string();
                    }
                }
                _ => {}
            }
            let new = self.m.natures.push(own);
            if which.name == kw::FLOW {
                flow = Some(new);
            } else {
                potential = Some(new);
            }
        }
        let new = Discipline { name: self.text(d.name.name).to_string(), potential, flow, is_discrete: d.is_discrete };
        match self.disciplines.get(&d.name.name) {
            Some(id) => self.m.disciplines[*id] = new,
            None => {
                let id = self.m.disciplines.push(new);
                self.disciplines.insert(d.name.name, id);
            }
        }
    }

    pub(super) fn discipline_named(&mut self, id: Ident) -> Option<DisciplineId> {
        if let Some(d) = self.disciplines.get(&id.name) {
            return Some(*d);
        }
        let text = self.text(id.name);
        let mut known: Vec<&str> = self.disciplines.keys().map(|n| self.names.text(*n)).collect();
        known.sort_unstable();
        let help = did_you_mean(text, known)
            .unwrap_or_else(|| "the standard ones come with `` `include \"disciplines.vams\" ``".into());
        self.error_help(code::UNKNOWN_DISCIPLINE, id.span, format!("there is no discipline `{text}`"), help);
        None
    }

    pub(super) fn default_discipline(&self) -> Option<DisciplineId> {
        let name: Name = self.frame.default_discipline.unwrap_or(kw::ELECTRICAL);
        self.disciplines.get(&name).or_else(|| self.disciplines.get(&kw::ELECTRICAL)).copied()
    }

    /// A number that is written out.
    pub(super) fn literal(&self, e: Ex) -> Option<f64> {
        match &self.ast.expr(e).kind {
            ExprKind::Int(k) => Some(f64::from(*k)),
            ExprKind::Real(x) => Some(*x),
            ExprKind::Inf => Some(f64::INFINITY),
            ExprKind::Unary(Op::Sub, a) => Some(-self.literal(*a)?),
            ExprKind::Binary(op, a, b) => {
                let (a, b) = (self.literal(*a)?, self.literal(*b)?);
                match op {
                    Op::Add => Some(a + b),
                    Op::Sub => Some(a - b),
                    Op::Mul => Some(a * b),
                    Op::Div => Some(a / b),
                    Op::Pow => Some(a.powf(b)),
                    _ => None,
                }
            }
            _ => None,
        }
    }
}
