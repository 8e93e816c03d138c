//! AST → [`Circuit`]: parameters evaluated, subcircuits flattened, models resolved, topology checked.

use crate::base::{Names, Sym};
use crate::device::{Env, Group, Unknown};
use crate::diag::{Span, nearest};

mod analyses;
mod arrays;
mod calls;
pub mod cards;
mod controlled;
mod draft;
mod elab;
mod elements;
mod models;
mod modules;
pub mod names;
mod options;
mod outputs;
mod parasitics;
mod polynomial;
mod probes;
mod rational;
mod scope;
mod sources;
mod sweeps;
#[cfg(test)]
mod tests;
mod text;
mod topology;

pub use arrays::NO_PLACE;
pub use cards::{Analysis, Check, Freq, Measure, Options, Print, Save, Step, SweepRange, SweepTarget};
pub use elab::{draft, elaborate, elaborate_with};
pub use sources::wave_files;

/// What a sweep changes before elaboration: the same deck, other values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Global parameters.
    pub params: Vec<(String, f64)>,
    /// Instance, parameter (none: the principal value, such as the resistance or the DC value), value.
    pub instances: Vec<(String, Option<String>, f64)>,
    /// Model, parameter, value.
    pub models: Vec<(String, String, f64)>,
    /// °C; replaces `.temp` and `.options temp`.
    pub temp_c: Option<f64>,
    /// Number of the run: random draws differ from run to run.
    pub run: u32,
    /// Factor on `.options reltol`.
    pub reltol: Option<f64>,
}

/// Where an instance is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub group: u32,
    pub index: u32,
}

pub(crate) const PLACE_NONE: Place = Place { group: u32::MAX, index: u32::MAX };
/// Index of an instance that is known by name and type but not lowered (yet).
pub(crate) const PENDING: u32 = u32::MAX;

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
    /// `.ic @inst[state]=value` or `.ic i(l1)=value`: instance, internal unknown's name, value, where it is said.
    pub state_ics: Vec<(Sym, String, f64, Span)>,
    pub nodesets: Vec<(Unknown, f64)>,
    pub options: Options,
    pub env: Env,
    pub analyses: Vec<(Analysis, Span)>,
    pub saves: Vec<Save>,
    pub prints: Vec<Print>,
    pub measures: Vec<Measure>,
    pub checks: Vec<Check>,
    /// Numbers among the global parameters, sorted by name: measures and checks may use them.
    pub params: Vec<(String, f64)>,
    /// Outer sweeps (`.step`, `.temp` with several values, `.data`), outermost first.
    pub steps: Vec<Step>,
    /// Zero-volt sources put in series with terminals whose current was asked for: element, terminal, source.
    /// The source is named `element:terminal` and its branch current flows into the terminal.
    pub probes: Vec<(Sym, u8, Sym)>,
    /// Elements and nodes that elaboration made of an element's parasitics: not part of the default results.
    pub inner: Vec<Sym>,
    /// Inductors that close a loop of voltages: a static solution leaves their current open, and takes it as zero.
    pub free_currents: Vec<Sym>,
    /// One node of every part without a DC path to ground: its static voltage is nobody's business, so that the
    /// operating point may tie it to ground weakly. A transient does not.
    pub loose: Vec<Unknown>,
    /// Row and column of nodes in arrays, [`NO_PLACE`] elsewhere; empty without arrays.
    pub places: Vec<[u32; 2]>,
    index: Index,
}

/// Names → nodes and instances, by symbol.
#[derive(Clone, Default)]
struct Index {
    /// Node + 1; 0: not a node.
    nodes: Vec<u32>,
    instances: Vec<Place>,
    /// Ports by inner name: `x1.in` → node outside.
    ports: std::collections::HashMap<Sym, Unknown>,
}

impl Circuit {
    /// A number among the global parameters.
    pub fn param(&self, name: &str) -> Option<f64> {
        self.params.binary_search_by(|p| p.0.as_str().cmp(name)).ok().map(|k| self.params[k].1)
    }
}

impl Default for Circuit {
    /// A circuit of ground alone.
    fn default() -> Self {
        let mut names = Names::new();
        let ground = names.intern("0");
        Circuit {
            title: String::new(),
            names,
            nodes: vec![ground],
            groups: vec![],
            ics: vec![],
            state_ics: vec![],
            nodesets: vec![],
            options: Options::default(),
            env: Env::default(),
            analyses: vec![],
            saves: vec![],
            prints: vec![],
            measures: vec![],
            params: vec![],
            checks: vec![],
            steps: vec![],
            probes: vec![],
            inner: vec![],
            free_currents: vec![],
            loose: vec![],
            places: vec![],
            index: Index::default(),
        }
    }
}

impl Circuit {
    pub fn node_name(&self, node: Unknown) -> &str {
        self.nodes.get(node as usize).map_or("?", |s| self.names.get(*s))
    }

    /// A node by name: `out`, `x1.out`, `x1:out`; a subcircuit's port (`x1.in`) is the node it is connected to.
    pub fn node(&self, name: &str) -> Option<Unknown> {
        if matches!(name.to_ascii_lowercase().as_str(), "0" | "gnd" | "gnd!") {
            return Some(0);
        }
        let found = self.names.lookup(name).and_then(|sym| {
            if self.index.nodes.is_empty() {
                return self.nodes.iter().position(|s| *s == sym).map(|i| i as Unknown);
            }
            let own = self.index.nodes.get(sym.0 as usize).and_then(|n| n.checked_sub(1));
            own.or_else(|| self.index.ports.get(&sym).copied())
        });
        found.or_else(|| if name.contains(':') { self.node(&name.replace(':', ".")) } else { None })
    }

    /// Group and index of an instance by full name (`x1.r3`), by ngspice's form of it (`r.x1.r3`) too.
    pub fn instance(&self, name: &str) -> Option<(usize, usize)> {
        self.exact_instance(name).or_else(|| names::without_letter(name).and_then(|n| self.exact_instance(n)))
    }

    fn exact_instance(&self, name: &str) -> Option<(usize, usize)> {
        let sym = self.names.lookup(name)?;
        if self.index.instances.is_empty() {
            let find = |(g, group): (usize, &Group)| group.iter().position(|i| i.name == sym).map(|i| (g, i));
            return self.groups.iter().enumerate().find_map(find);
        }
        let p = self.index.instances.get(sym.0 as usize)?;
        (*p != PLACE_NONE).then_some((p.group as usize, p.index as usize))
    }

    pub fn element_count(&self) -> usize {
        self.groups.iter().map(Group::len).sum()
    }

    /// Rebuilds the name index after groups or nodes were changed.
    pub fn reindex(&mut self) {
        let mut nodes = vec![0; self.names.len()];
        for (n, s) in self.nodes.iter().enumerate() {
            if let Some(slot) = nodes.get_mut(s.0 as usize) {
                *slot = n as u32 + 1;
            }
        }
        let mut instances = vec![PLACE_NONE; self.names.len()];
        for (g, group) in self.groups.iter().enumerate() {
            for (i, inst) in group.iter().enumerate() {
                if let Some(slot) = instances.get_mut(inst.name.0 as usize) {
                    *slot = Place { group: g as u32, index: i as u32 };
                }
            }
        }
        self.index.nodes = nodes;
        self.index.instances = instances;
    }

    /// The element whose branch current is the current into a terminal of an element: the element itself where it has a
    /// branch, else its probe. `None`: no such element, or its current was not asked for in the deck.
    pub fn current(&self, element: &str, terminal: usize) -> Option<Sym> {
        let (g, i) = self.instance(element)?;
        let group = self.groups.get(g)?;
        let sym = group.get(i).name;
        if terminal == 0 && group.info().has_branch {
            return Some(sym);
        }
        self.probes.iter().find(|(e, t, _)| *e == sym && usize::from(*t) == terminal).map(|p| p.2)
    }

    /// The branch that a current signal means: `i(r1)`, `i(q1,b)`, `ib(q1)`, `ix(q1:b)`, `i(q1:b)`; `ix(x1:port)`.
    pub fn branch(&self, signal: &str) -> Option<Sym> {
        let (element, terminal) = probes::parse_current(signal)?;
        let Some(t) = terminal else { return self.current(&element, 0) };
        let pin = self.names.lookup(&probes::pin_name(&element, &t));
        if let Some(pin) = pin.filter(|s| self.probes.iter().any(|p| p.2 == *s)) {
            return Some(pin);
        }
        let (g, _) = self.instance(&element)?;
        let k = self.groups.get(g)?.info().terminals.iter().position(|x| x.name == t)?;
        self.current(&element, k)
    }

    /// Names that elaboration made, of nodes and instances: current probes and parasitics.
    pub fn made(&self) -> std::collections::HashSet<Sym> {
        self.probes.iter().map(|p| p.2).chain(self.inner.iter().copied()).collect()
    }

    /// The ports of a subcircuit's instance, in no particular order; none when there is no such instance.
    pub fn ports(&self, path: &str) -> Vec<&str> {
        let own = |s: &Sym| self.names.get(*s).strip_prefix(path)?.strip_prefix('.').filter(|p| !p.contains('.'));
        let mut found: Vec<&str> = self.index.ports.keys().filter_map(own).collect();
        found.sort_unstable();
        found
    }

    /// Names close to an unknown node's.
    pub fn nearest_nodes(&self, name: &str) -> Vec<&str> {
        nearest::nearest(name, self.nodes.iter().map(|s| self.names.get(*s)))
    }

    /// Names close to an unknown element's.
    pub fn nearest_instances(&self, name: &str) -> Vec<&str> {
        nearest::nearest(name, self.groups.iter().flat_map(|g| g.iter()).map(|i| self.names.get(i.name)))
    }

    /// Names close to an unknown signal `v(...)`, `i(...)` or `@...[...]`, written as signals.
    pub fn nearest_signals(&self, signal: &str) -> Vec<String> {
        let s = signal.trim().to_ascii_lowercase();
        let inner = |s: &str| s.split_once('(').map(|(_, r)| r.trim_end_matches(')').trim().to_string());
        if let Some(rest) = s.strip_prefix('@') {
            let (inst, param) = rest.split_once('[').unwrap_or((rest, ""));
            return self.nearest_instances(inst).into_iter().map(|n| format!("@{n}[{param}")).collect();
        }
        match (s.chars().next(), inner(&s)) {
            (Some('i'), Some(name)) => self.nearest_instances(&name).into_iter().map(|n| format!("i({n})")).collect(),
            (_, Some(name)) => self.nearest_nodes(&name).into_iter().map(|n| format!("v({n})")).collect(),
            (_, None) if self.node(&s).is_some() => vec![format!("v({s})")],
            (_, None) if self.instance(&s).is_some() => vec![format!("i({s})")],
            _ => self.nearest_nodes(&s).into_iter().map(|n| format!("v({n})")).collect(),
        }
    }
}
