//! Polynomial capacitors and inductors: `C1 a b POLY c0 c1 c2 ..`, `L1 a b POLY l0 l1 l2 ..` (SPICE 2, HSPICE).
//!
//! C(v) = Σ c_k v^k and L(i) = Σ l_k i^k, v across and i through the element. They are integrated to the charge
//! q(v) = Σ c_k v^(k+1)/(k+1) and the flux φ(i) = Σ l_k i^(k+1)/(k+1), so that both are conserved.

use std::rc::Rc;
use std::sync::Arc;

use super::draft::Draft;
use super::elab::Elab;
use super::scope::Scope;
use super::text::Fields;
use crate::base::Sym;
use crate::device::{Value, param};
use crate::diag::codes::circuit as codes;
use crate::diag::{Diagnostic, Span};
use crate::expr::Expr;
use crate::expr::ast::{BinaryOp, ExprKind};
use crate::netlist::ast::{Element, Field, FieldKind};

impl<'a> Elab<'a> {
    /// Is the value of a C or L a polynomial? A model of that name goes first.
    pub fn is_polynomial(&self, scope: &Rc<Scope<'a>>, e: &Element) -> bool {
        let third = Fields::of(self.deck, e.fields).all.get(2);
        matches!(self.letter(e), b'c' | b'l')
            && third.is_some_and(|f| {
                f.kind == FieldKind::Word
                    && self.deck.names.get(f.sym) == "poly"
                    && self.find_model(scope, f.sym).is_none()
            })
    }

    pub fn polynomial(&mut self, scope: &Rc<Scope<'a>>, e: &'a Element, full: Sym) {
        let is_charge = self.letter(e) == b'c';
        let Some(ty) = self.device(scope, e, if is_charge { "cexpr" } else { "lexpr" }) else { return };
        let fields = Fields::of(self.deck, e.fields);
        let split = fields.first_key();
        let Some(nodes) = self.nodes_of(scope, e, &fields.all[..2.min(split)], ty.info()) else { return };
        let mut draft = Draft::new(ty.clone());
        draft.nodes = nodes;
        let mut coefficients = vec![];
        for f in fields.all.get(3..split).unwrap_or(&[]) {
            if matches!(f.kind, FieldKind::Open | FieldKind::Close | FieldKind::Comma) {
                continue;
            }
            let Some(c) = self.number(scope, e.file, f) else { return };
            coefficients.push(c);
        }
        if coefficients.is_empty() {
            let d = Diagnostic::error(codes::MISSING, "POLY has no coefficients");
            return self.report_in(scope, d.at(e.span(), "write `C1 a b POLY 1n 0.1n`"));
        }
        let at = e.span();
        let name = |f: &Field| Expr {
            kind: ExprKind::Name(self.deck.names.get(f.sym).to_string()),
            span: Span::new(e.file, f.lo, f.hi),
        };
        let x = if is_charge {
            Expr { kind: ExprKind::Call("v".into(), fields.all[..2].iter().map(name).collect()), span: at }
        } else {
            let own = Expr { kind: ExprKind::Name(self.deck.names.get(e.name).to_string()), span: at };
            Expr { kind: ExprKind::Call("i".into(), vec![own]), span: at }
        };
        let Some(program) = self.compile(scope, &integral(&coefficients, &x)) else { return };
        if let Some(id) = param::find(ty.info().instance, if is_charge { "q" } else { "flux" }) {
            draft.set(id, Value::Expr(Arc::new(program)));
        }
        if self.keys(scope, e, &fields.keyed(split), &mut draft) {
            self.emit(scope, e, full, draft);
        }
    }
}

/// ∫₀ˣ Σ c_k u^k du by Horner's rule: x (c_0 + x (c_1/2 + x (c_2/3 + ..))).
fn integral(c: &[f64], x: &Expr) -> Expr {
    let make = |kind| Expr { kind, span: x.span };
    let binary = |op, a: Expr, b: Expr| make(ExprKind::Binary(op, Box::new(a), Box::new(b)));
    let mut sum: Option<Expr> = None;
    for (k, c) in c.iter().enumerate().rev() {
        let term = make(ExprKind::Number(c / (k + 1) as f64));
        let inner = match sum {
            Some(s) => binary(BinaryOp::Add, term, s),
            None => term,
        };
        sum = Some(binary(BinaryOp::Mul, x.clone(), inner));
    }
    sum.unwrap_or_else(|| make(ExprKind::Number(0.0)))
}
