//! Products that are added at once: a b + c in one instruction, where only derivatives need it.
//!
//! What residuals are made of is computed as it is written, operation by operation: sqrt(a a - b b) at a = b is the root of
//! a negative rounding error otherwise. Derivatives have no such places, and most of the arithmetic is theirs.

use super::live::Deps;
use crate::veriloga::ir::{BinOp, Builder, Func, Keep, Node, Op, Out, UnOp, Val, copy_nodes, for_each_operand, mapped};

/// The function with products that only a sum of a derivative needs made part of that sum.
pub fn contract(func: &Func) -> Func {
    let is_derivative = |c: Out| matches!(c, Out::G | Out::C);
    let deps = Deps::new(func, true);
    let as_written = deps.cone(func.outputs.iter().filter(|(s, _)| !is_derivative(s.class)).map(|o| o.1));
    let mut uses = vec![0u32; func.vals.len()];
    count(func, &func.nodes, &mut uses);
    func.outputs.iter().for_each(|(_, v)| uses[v.index()] += 1);

    let product = |v: Val| match func.op(v) {
        Some(Op::Bin(BinOp::Mul, a, b)) if uses[v.index()] == 1 && !as_written[v.index()] => Some((*a, *b)),
        _ => None,
    };
    // Which operand of a sum is a product that goes into it. Of two, the other one stays.
    let chosen = |v: Val| match func.op(v) {
        Some(Op::Bin(BinOp::Add | BinOp::Sub, a, b)) if !as_written[v.index()] => {
            [*b, *a].into_iter().find(|x| product(*x).is_some())
        }
        _ => None,
    };
    let mut live = vec![true; func.vals.len()];
    for v in (0..func.vals.len()).filter_map(|v| chosen(Val(v as u32))) {
        live[v.index()] = false;
    }
    let mut b = Builder::like(func);
    let mut map = vec![None; func.vals.len()];
    let keep = Keep { live: Some(&live), effects: true };
    copy_nodes(&mut b, &mut map, func, &func.nodes, &keep, &mut |b, map, v, op| {
        let part = chosen(v).and_then(|x| Some((x, product(x)?)));
        let (Some((x, (p, q))), Op::Bin(o, l, r)) = (part, op) else { return b.op(op.map(|x| mapped(map, x))) };
        let (mut p, q) = (mapped(map, p), mapped(map, q));
        let is_right = x == *r;
        let mut other = mapped(map, if is_right { *l } else { *r });
        match (o, is_right) {
            (BinOp::Sub, true) => p = b.un(UnOp::Neg, p),
            (BinOp::Sub, false) => other = b.un(UnOp::Neg, other),
            _ => {}
        }
        b.op(Op::Fma(p, q, other))
    });
    for (s, v) in &func.outputs {
        b.output(*s, mapped(&map, *v));
    }
    b.finish().checked("contraction")
}

fn count(func: &Func, nodes: &[Node], uses: &mut [u32]) {
    for n in nodes {
        for_each_operand(n, func, |v| uses[v.index()] += 1);
        match n {
            Node::If(i) => {
                count(func, &i.then.nodes, uses);
                count(func, &i.els.nodes, uses);
            }
            Node::Loop(l) => {
                count(func, &l.head, uses);
                count(func, &l.body.nodes, uses);
            }
            Node::Let(_) | Node::Effect(..) => {}
        }
    }
}
