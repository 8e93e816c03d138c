//! What is made of texts that parameters give: compared, joined, formatted before anything is simulated.
//!
//! A value that consists of constants and parameters only is copied into a function of its own, where the interpreter does
//! with texts what machine code cannot. What it finds are further parameters of all other functions. Text that changes
//! while simulating is made at accepted points, for messages; an equation cannot depend on it.

use super::{EffectItem, Lower};
use crate::diag::Span;
use crate::veriloga::format::render;
use crate::veriloga::hir::ExprId;
use crate::veriloga::ir::{Const, In, Op, Out, Sink, TextOp, Val};
use crate::veriloga::passes::is_invariant_input;

/// Operations that a value may consist of, one in the other.
const DEPTH: u32 = 200;

impl Lower<'_> {
    pub(super) fn text(&mut self, op: TextOp, args: &[ExprId], span: Span) -> Val {
        let values: Vec<Val> = args.iter().map(|e| self.expr(*e)).collect();
        self.text_of_values(op, &values, span)
    }

    pub(super) fn text_of_values(&mut self, op: TextOp, args: &[Val], span: Span) -> Val {
        let is_text = |k: usize| k == 0 || matches!(op, TextOp::Less | TextOp::Join);
        let is_made = args.iter().enumerate().any(|(k, v)| is_text(k) && self.is_made(*v));
        match if is_made { None } else { self.settled_op(op, args) } {
            Some(v) => v,
            None => {
                self.unsupported("a string operation on text that changes while simulating", span);
                self.zero(op.result())
            }
        }
    }

    /// The result of an operation whose operands are settled.
    fn settled_op(&mut self, op: TextOp, args: &[Val]) -> Option<Val> {
        let at = |k: usize| args.get(k).or(args.first()).copied();
        let args = [at(0)?, at(1)?, at(2)?];
        if self.is_params {
            return Some(self.b.op(Op::Text(op, args)));
        }
        let mut copies = args;
        for c in &mut copies {
            *c = self.settled(*c, DEPTH)?;
        }
        let v = self.texts.op(Op::Text(op, copies));
        let k = self.text_values.iter().position(|x| *x == v).unwrap_or_else(|| {
            self.texts.output(Sink::new(Out::Param, self.text_values.len() as u32), v);
            self.text_values.push(v);
            self.text_values.len() - 1
        });
        self.out.text_values = self.text_values.len() as u32;
        Some(self.b.input(In::Param, (self.out.params.len() + k) as u32, op.result()))
    }

    /// The value in the function of texts, if it consists of constants and parameters only.
    fn settled(&mut self, v: Val, depth: u32) -> Option<Val> {
        if let Some(known) = self.settled.get(&v) {
            return *known;
        }
        let op = self.b.definition(v)?.clone();
        let made = match &op {
            Op::Const(_) => Some(self.texts.op(op)),
            Op::Input(In::Param, k, _) if *k as usize >= self.out.params.len() => {
                self.text_values.get(*k as usize - self.out.params.len()).copied()
            }
            Op::Input(class, ..) if is_invariant_input(*class) => Some(self.texts.op(op)),
            Op::Un(..) | Op::Bin(..) | Op::Select(..) | Op::Fma(..) if depth > 0 => {
                let mut parts = vec![];
                op.for_each(|x| parts.push(x));
                let copies: Option<Vec<Val>> = parts.iter().map(|x| self.settled(*x, depth - 1)).collect();
                copies.map(|c| {
                    let copy = |x: Val| parts.iter().position(|p| *p == x).map_or(x, |k| c[k]);
                    self.texts.op(op.map(copy))
                })
            }
            _ => None,
        };
        self.settled.insert(v, made);
        made
    }

    /// Is this, or may it be, the number of a text that `$sformat` makes while simulating?
    fn is_made(&self, v: Val) -> bool {
        match self.b.definition(v) {
            Some(Op::Const(Const::Int(k))) => *k < 0,
            Some(Op::Select(_, a, b)) => self.is_made(*a) || self.is_made(*b),
            _ => false,
        }
    }

    /// The same of an expression: `v` is its value.
    pub(super) fn may_be_made(&mut self, e: ExprId, v: Val) -> bool {
        self.is_made(v) || (self.settled(v, DEPTH).is_none() && self.mentions(e, &self.dynamic_texts))
    }

    /// The text of a format whose arguments are settled.
    pub(super) fn settled_text(&mut self, items: &[EffectItem], args: &[Val]) -> Option<Val> {
        let has_path = items.iter().any(|i| matches!(i, EffectItem::InstancePath(_)));
        if has_path || args.iter().any(|v| !self.is_params && self.settled(*v, DEPTH).is_none()) {
            return None;
        }
        let mut args = args.iter();
        let empty = self.string("") as i32;
        let mut text = self.b.int(empty);
        for item in items {
            let (op, value) = match item {
                EffectItem::Text(t) => {
                    let k = self.string(t) as i32;
                    (TextOp::Join, self.b.int(k))
                }
                EffectItem::Value { is_text, .. } => {
                    let v = *args.next()?;
                    if *is_text && self.is_made(v) {
                        return None;
                    }
                    self.out.text_items.push(item.clone());
                    (TextOp::Format(self.out.text_items.len() as u32 - 1), v)
                }
                EffectItem::InstancePath(_) => return None,
            };
            text = self.settled_op(op, &[text, value])?;
        }
        Some(text)
    }
}

/// What an operation gives; `number` finds the number of a text, `text` the text of a number.
pub fn text_op(
    op: TextOp,
    x: [f64; 3],
    items: &[EffectItem],
    text: &dyn Fn(f64) -> String,
    number: &mut dyn FnMut(String) -> f64,
) -> f64 {
    let first = text(x[0]);
    match op {
        TextOp::Less => f64::from(u8::from(first < text(x[1]))),
        TextOp::Join => number(first + &text(x[1])),
        TextOp::Length => first.chars().count() as f64,
        TextOp::Part if x[1] < 0.0 || x[2] < x[1] => number(String::new()),
        TextOp::Part => number(first.chars().skip(x[1] as usize).take((x[2] - x[1]) as usize + 1).collect()),
        TextOp::Upper => number(first.to_uppercase()),
        TextOp::Lower => number(first.to_lowercase()),
        TextOp::ToInt | TextOp::ToReal => {
            let value: f64 = first.trim().parse().unwrap_or(0.0);
            if op == TextOp::ToInt { value.trunc() } else { value }
        }
        TextOp::Format(n) => {
            let item = items.get(n as usize).map_or(&[][..], std::slice::from_ref);
            number(first + &render(item, &x[1..2], text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_on_texts() {
        let run = |op: TextOp, x: [f64; 3]| {
            let mut made = vec![];
            let own = ["", "abc", "Abd", " 2.5 "];
            let r = text_op(op, x, &[], &|k| own[k as usize].into(), &mut |t| {
                made.push(t);
                -1.0
            });
            made.pop().unwrap_or_else(|| r.to_string())
        };
        assert_eq!(run(TextOp::Less, [2.0, 1.0, 0.0]), "1");
        assert_eq!(run(TextOp::Less, [1.0, 1.0, 0.0]), "0");
        assert_eq!(run(TextOp::Join, [1.0, 2.0, 0.0]), "abcAbd");
        assert_eq!(run(TextOp::Length, [1.0, 0.0, 0.0]), "3");
        assert_eq!(run(TextOp::Part, [1.0, 1.0, 7.0]), "bc");
        assert_eq!(run(TextOp::Part, [1.0, 2.0, 1.0]), "");
        assert_eq!(run(TextOp::ToInt, [3.0, 0.0, 0.0]), "2");
        assert_eq!(run(TextOp::ToReal, [3.0, 0.0, 0.0]), "2.5");
    }
}
