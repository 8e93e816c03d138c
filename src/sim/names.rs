//! What unknowns are called and which devices touch them.

use std::sync::Arc;

use super::{BatchSlot, Simulation};
use crate::base::Sym;
use crate::circuit::Circuit;
use crate::device::{Unknown, UnknownKind, UnknownSpec};
use crate::diag::Span;

/// Ranges of internal unknowns by batch: enough to name any unknown.
pub(crate) struct Namer {
    nodes: usize,
    ranges: Vec<(Unknown, Arc<[UnknownSpec]>)>,
}

impl Namer {
    pub fn new(_: &Circuit, nodes: usize, slots: &[BatchSlot]) -> Self {
        Namer { nodes, ranges: slots.iter().map(|s| (s.base, s.specs.clone())).collect() }
    }

    /// (batch, spec) of an internal unknown.
    fn internal(&self, u: usize) -> Option<(usize, &UnknownSpec)> {
        self.ranges.iter().enumerate().find_map(|(b, (base, specs))| {
            u.checked_sub(*base as usize).and_then(|k| specs.get(k)).map(|spec| (b, spec))
        })
    }

    /// `v(node)`, `i(v1)` or `@inst[state]`.
    pub fn name(&self, circuit: &Circuit, u: usize) -> String {
        if u < self.nodes {
            return format!("v({})", circuit.node_name(u as Unknown));
        }
        match self.internal(u) {
            Some((b, spec)) => {
                let inst = circuit.names.get(circuit.groups[b].get(spec.instance as usize).name);
                if spec.name == "i" { format!("i({inst})") } else { format!("@{inst}[{}]", spec.name) }
            }
            None => format!("unknown {u}"),
        }
    }

    /// Devices on an unknown, up to `limit`: name and source line. The owner of an internal unknown, or all that have a
    /// terminal on the node.
    pub fn devices(&self, circuit: &Circuit, u: usize, limit: usize) -> Vec<(Sym, Span)> {
        if u >= self.nodes {
            return self
                .internal(u)
                .map(|(b, spec)| {
                    let i = circuit.groups[b].get(spec.instance as usize);
                    (i.name, i.span)
                })
                .into_iter()
                .collect();
        }
        circuit
            .groups
            .iter()
            .flat_map(|g| g.iter())
            .filter(|i| i.nodes.contains(&(u as Unknown)))
            .map(|i| (i.name, i.span))
            .take(limit)
            .collect()
    }
}

impl Simulation {
    pub(crate) fn namer(&self) -> Namer {
        Namer::new(&self.circuit, self.nodes, &self.slots)
    }

    /// `v(node)`, `i(v1)` or `@inst[state]`.
    pub fn unknown_name(&self, u: usize) -> String {
        self.namer().name(&self.circuit, u)
    }

    /// The sort of an unknown.
    pub fn unknown_kind(&self, u: usize) -> UnknownKind {
        if u < self.nodes {
            return UnknownKind::Voltage;
        }
        self.slots
            .iter()
            .find_map(|s| u.checked_sub(s.base as usize).and_then(|k| s.specs.get(k)))
            .map_or(UnknownKind::Voltage, |s| s.kind)
    }
}
