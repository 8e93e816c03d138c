//! Parts that stand around an element and become elements of their own: LTspice's parasitics of C, L and V
//! (`Rser Lser Rpar Cpar`), and the current compliance of the voltage sources E, H and B.
//!
//! ```text
//!          ┌────────────────────── Rpar ─────────────────────┐
//!   p ─────┼── compliance ── Rser ── Lser ── the element ────┼───── n        (Lser: capacitors only)
//!          └────────────────────── Cpar ─────────────────────┘
//! ```
//!
//! They are named after their element: `c1#rser`, `e1#compliance` (a limiter of 0 V, so that `@e1#compliance[limited]`
//! tells whether it limits). The current of the element is that of the branch it stands in; a parasitic of 0 is left
//! out. Neither their inner nodes nor their currents belong to the default results.

use std::rc::Rc;

use super::draft::Draft;
use super::elab::Elab;
use super::scope::Scope;
use crate::base::Sym;
use crate::base::units::format_si;
use crate::device::{Value, param, registry};
use crate::diag::codes::device as codes;
use crate::diag::{Diagnostic, Span};
use crate::netlist::ast::{Element, Field, FieldKind};

pub(super) struct Kind {
    key: &'static str,
    aliases: &'static [&'static str],
    /// Elements that have it.
    letters: &'static str,
    device: &'static str,
    unit: &'static str,
    is_series: bool,
    /// Its parameter.
    param: &'static str,
}

impl Kind {
    fn is_limiter(&self) -> bool {
        self.param == "compliance"
    }
}

/// Series parts in the order in which they stand.
static KINDS: &[Kind] = &[
    Kind {
        key: "compliance",
        aliases: &["ilim", "icomp"],
        letters: "befgh",
        device: "vsource_limited",
        unit: "A",
        is_series: true,
        param: "compliance",
    },
    part("rser", "clv", "resistor", "Ω", true, "r"),
    part("lser", "c", "inductor", "H", true, "l"),
    part("rpar", "cl", "resistor", "Ω", false, "r"),
    part("cpar", "clv", "capacitor", "F", false, "c"),
];

const fn part(
    key: &'static str,
    letters: &'static str,
    device: &'static str,
    unit: &'static str,
    is_series: bool,
    param: &'static str,
) -> Kind {
    Kind { key, aliases: &[], letters, device, unit, is_series, param }
}

fn find(key: &str, letter: char) -> Option<&'static Kind> {
    KINDS.iter().find(|k| (k.key == key || k.aliases.contains(&key)) && k.letters.contains(letter))
}

/// Parasitics of the element that is being read.
pub(super) type Parasitics = Vec<(&'static Kind, f64)>;

impl<'a> Elab<'a> {
    /// Notes a parasitic of the element that is being read. `None`: the key is none; else, whether its value is right.
    pub fn parasitic(
        &mut self,
        scope: &Rc<Scope<'a>>,
        e: &Element,
        key: &Field,
        value: Option<&Field>,
    ) -> Option<bool> {
        let text = self.deck.names.get(key.sym);
        let letter = char::from(self.letter(e));
        let kind = find(text, letter)?;
        let Some(f) = value.filter(|f| matches!(f.kind, FieldKind::Word | FieldKind::Expr)) else {
            let d = Diagnostic::error(crate::diag::codes::circuit::MISSING, format!("`{text}` has no value"));
            self.report_in(scope, d.at(Span::new(e.file, key.lo, key.hi), "a value is needed after this"));
            return Some(false);
        };
        let Some(x) = self.number(scope, e.file, f) else { return Some(false) };
        if kind.is_limiter() && !(x > 0.0 && x.is_finite()) {
            let d = Diagnostic::error(codes::BAD_COMPLIANCE, "compliance must be above zero");
            self.report_in(scope, d.at(Span::new(e.file, f.lo, f.hi), "the largest current of this source, A"));
            return Some(false);
        }
        if x.is_nan() || x < 0.0 {
            let d = Diagnostic::error(
                codes::OUT_OF_RANGE,
                format!("`{text}` = {} must not be negative", format_si(x, kind.unit)),
            );
            self.report_in(scope, d.at(Span::new(e.file, f.lo, f.hi), "0 leaves it out"));
            return Some(false);
        }
        if x > 0.0 {
            self.parasitics.push((kind, x));
        }
        Some(true)
    }

    /// Whether this key is one of the element's parts: it ends an expression before it.
    pub fn is_parasitic(&self, e: &Element, key: &str) -> bool {
        find(key, char::from(self.letter(e))).is_some()
    }

    /// Makes elements of what was noted, and moves the first terminal of the element behind those in series.
    pub fn expand_parasitics(&mut self, scope: &Rc<Scope<'a>>, e: &Element, full: Sym, draft: &mut Draft) {
        let noted = std::mem::take(&mut self.parasitics);
        if noted.is_empty() || draft.nodes.len() < 2 {
            return;
        }
        let multiplier = param::find(draft.ty.info().instance, "m")
            .and_then(|m| draft.params.iter().find(|(id, _)| *id == m).map(|(_, v)| v.clone()));
        let outer = [draft.nodes[0], draft.nodes[1]];
        for kind in KINDS {
            let Some((_, x)) = noted.iter().rev().find(|(k, _)| std::ptr::eq(*k, kind)) else { continue };
            if kind.is_limiter() && !draft.ty.info().has_branch {
                let d = Diagnostic::error(codes::BAD_COMPLIANCE, "a current source has no compliance")
                    .at(e.span(), "its current is what it is set to")
                    .help("limit a voltage source instead: `E1 a 0 c d 2 compliance=1m`");
                self.report_in(scope, d);
                continue;
            }
            let Some(ty) = registry::by_name(kind.device) else { continue };
            let text = format!("{}#{}", self.names.get(full), kind.key);
            let name = self.names.intern(&text);
            let mut part = Draft::new(ty.clone());
            if kind.is_series {
                let inner = self.node_named(name);
                part.nodes = vec![draft.nodes[0], inner];
                draft.nodes[0] = inner;
            } else {
                part.nodes = outer.to_vec();
            }
            if let Some(id) = param::find(ty.info().instance, kind.param) {
                part.set(id, Value::Num(*x));
            }
            if let (Some(m), Some(id)) = (&multiplier, param::find(ty.info().instance, "m")) {
                part.set(id, m.clone());
            }
            self.inner.push(name);
            self.emit(scope, e, name, part);
        }
    }
}
