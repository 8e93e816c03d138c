//! Which instance has a loop that does not end: asked once after a failure, by the reference back end.

use super::batch::{Evaluation, VaBatch};
use crate::device::Point;
use crate::veriloga::interp::Machine;
use crate::veriloga::ir::{Func, Node, signal};

/// Does the function have loops at all?
fn has_loop(func: &Func) -> bool {
    fn any(nodes: &[Node]) -> bool {
        nodes.iter().any(|n| match n {
            Node::Loop(_) => true,
            Node::If(i) => any(&i.then.nodes) || any(&i.els.nodes),
            Node::Let(_) | Node::Effect(..) => false,
        })
    }
    any(&func.nodes)
}

impl VaBatch {
    /// The first instance whose evaluation at `x` was given up in a loop.
    pub(super) fn find_endless(&self, at: &Point, x: &[f64], memory: &[f64]) -> Option<usize> {
        let p = self.program();
        if !has_loop(&p.eval) {
            return None;
        }
        let (no, ns) = (p.lowered.limit_states as usize, p.lowered.signals.len() * signal::COUNT);
        let numbers = self.sim_numbers(at);
        let (old, signals) = memory.split_at(self.n * no);
        let mut machine = Machine::default();
        (0..self.n).find(|i| {
            let (old, signals) = (&old[i * no..][..no], &signals[i * ns..][..ns]);
            let mut world = Evaluation { batch: self, i: *i, numbers: &numbers, x, old, signals };
            machine.run(&p.eval, &mut world, &mut |_, _| ());
            machine.is_stuck
        })
    }
}
