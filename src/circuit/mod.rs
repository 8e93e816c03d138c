//! AST → [`Circuit`]: parameters evaluated, subcircuits flattened, models resolved, topology checked.

use crate::base::{Names, Sym};
use crate::device::{Env, Group, Unknown};
use crate::diag::Span;

pub mod cards;
mod sense;

pub use cards::{Analysis, Check, Freq, Measure, Options, Print, Save, Step, SweepRange, SweepTarget};

/// A flat, valid circuit: groups of devices on numbered nodes, and what is to be done with it.
#[derive(Clone)]
pub struct Circuit {
    pub title: String,
    /// Names of nodes and instances, hierarchical with dots: `x1.out`, `x1.r3`.
    pub names: Names,
    /// Name of node n; node 0 is ground.
    pub nodes: Vec<Sym>,
    pub groups: Vec<Group>,
    /// `.ic v(node)=value`
    pub ics: Vec<(Unknown, f64)>,
    /// `.ic @inst[state]=value` or `.ic i(l1)=value`: instance, internal unknown's name, value.
    pub state_ics: Vec<(Sym, String, f64)>,
    pub nodesets: Vec<(Unknown, f64)>,
    pub options: Options,
    pub env: Env,
    pub analyses: Vec<(Analysis, Span)>,
    pub saves: Vec<Save>,
    pub prints: Vec<Print>,
    pub measures: Vec<Measure>,
    pub checks: Vec<Check>,
    /// Outer sweeps (`.step`, `.temp` with several values, `.data`), outermost first.
    pub steps: Vec<Step>,
}

impl Circuit {
    pub fn node_name(&self, node: Unknown) -> &str {
        self.names.get(self.nodes[node as usize])
    }

    pub fn node(&self, name: &str) -> Option<Unknown> {
        let sym = self.names.lookup(name)?;
        self.nodes.iter().position(|s| *s == sym).map(|i| i as Unknown)
    }

    /// Group and index of an instance.
    pub fn instance(&self, name: &str) -> Option<(usize, usize)> {
        let sym = self.names.lookup(name)?;
        self.groups.iter().enumerate().find_map(|(g, group)| group.iter().position(|i| i.name == sym).map(|i| (g, i)))
    }

    pub fn element_count(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }
}
