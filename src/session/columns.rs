//! Which columns a table gets: what `.save`/`.probe` select, and behind them what cards need and nobody selected.
//!
//! Without `.save` and `.probe` all node voltages and branch currents are kept, and whatever signal a card names.
//! With them only what they name is kept (`all` stands for the default set). Power p(x) is the sum over the terminals
//! of v·i, i into the element; energy e(x) its running integral over time. Both are computed from columns.

use std::collections::HashSet;
use std::hash::BuildHasher;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::signals::{self, Named};
use crate::circuit::Circuit;
use crate::dataset::{Column, PlotKind, Quantity, Signal, Table};
use crate::diag::codes::session as code;
use crate::diag::{Diagnostic, Span, codes, nearest};
use crate::measure::wave;
use crate::sim::{Probe, Simulation};

/// A signal that a card names, and where.
#[derive(Clone, Debug)]
pub struct Wish {
    pub named: Named,
    /// As it was written, for bare words in `.save`.
    pub span: Span,
    /// Kept in the results; else only computed with.
    pub is_kept: bool,
}

/// What is computed from columns: Σ sign · v · i, by column index among the probes.
struct Power {
    name: String,
    /// Voltage column (`None` is ground) and the current into that terminal as signed columns.
    terms: Vec<(Option<usize>, Vec<(f64, usize)>)>,
    is_energy: bool,
    is_kept: bool,
}

/// The columns of every table of one circuit.
#[derive(Default)]
pub struct Plan {
    pub probes: Vec<(Signal, Probe)>,
    kept: Vec<bool>,
    powers: Vec<Power>,
}

impl Plan {
    /// Finds every wish in the simulation. Faults are returned once per name.
    pub fn new(
        circuit: &Circuit,
        sim: &Simulation,
        wishes: &[Wish],
        has_selection: bool,
        selects_all: bool,
    ) -> (Plan, Vec<Diagnostic>) {
        let mut p = Planner { circuit, sim, plan: Plan::default(), index: HashTable::new(), diags: vec![] };
        if !has_selection || selects_all {
            let all = sim.default_signals();
            p.plan.probes.reserve_exact(all.len());
            p.plan.kept.reserve_exact(all.len());
            p.index.reserve(all.len(), |_| 0);
            for name in all {
                if !p.is_probe(&name) {
                    p.plain(&name, true);
                }
            }
        }
        let mut reported = HashSet::new();
        for w in wishes {
            let found = match &w.named {
                Named::Plain(name) => p.plain(name, w.is_kept).is_some(),
                Named::Power(x) => p.power(x, false, w.is_kept),
                Named::Energy(x) => p.power(x, true, w.is_kept),
            };
            if !found && reported.insert(w.named.clone()) {
                p.report(w);
            }
        }
        (p.plan, p.diags)
    }

    /// Puts the kept columns first, appends powers and energies. Returns how many columns are to be kept.
    pub fn arrange(&self, table: &mut Table) -> usize {
        let axis = usize::from(table.schema.has_axis);
        if table.columns.len() != axis + self.probes.len() || !is_of_points(table.schema.kind) {
            return table.columns.len();
        }
        if self.powers.is_empty() && self.kept.iter().all(|k| *k) {
            return table.columns.len();
        }
        let has_power = !table.schema.is_complex;
        let derived: Vec<(Signal, Column, bool)> = if has_power {
            self.powers.iter().filter_map(|p| p.column(table, axis).map(|(s, c)| (s, c, p.is_kept))).collect()
        } else {
            vec![]
        };
        let mut order: Vec<(Signal, Column, bool)> = Vec::with_capacity(table.columns.len() + derived.len());
        let columns = std::mem::take(&mut table.columns);
        let names = std::mem::take(&mut table.schema.signals);
        for (k, (s, c)) in names.into_iter().zip(columns).enumerate() {
            let is_kept = k < axis || self.kept.get(k - axis).copied().unwrap_or(false);
            order.push((s, c, is_kept));
        }
        order.extend(derived);
        let kept = order.iter().filter(|o| o.2).count();
        order.sort_by_key(|o| !o.2);
        for (s, c, _) in order {
            table.push_column(s, c);
        }
        kept
    }
}

/// Tables whose columns are the probes.
fn is_of_points(kind: PlotKind) -> bool {
    matches!(kind, PlotKind::Op | PlotKind::Dc | PlotKind::Ac | PlotKind::Tran)
}

impl Power {
    fn column(&self, table: &Table, axis: usize) -> Option<(Signal, Column)> {
        let n = table.len();
        let mut power = vec![0.0; n];
        for (v, currents) in &self.terms {
            let Some(v) = v else { continue };
            let v = table.columns.get(axis + v)?.as_real()?;
            for (sign, i) in currents {
                let i = table.columns.get(axis + i)?.as_real()?;
                for ((p, v), i) in power.iter_mut().zip(v).zip(i) {
                    *p += sign * v * i;
                }
            }
        }
        if !self.is_energy {
            return Some((Signal::new(self.name.clone(), Quantity::Power), Column::Real(power)));
        }
        if table.schema.kind != PlotKind::Tran {
            return None;
        }
        let time = table.axis()?.as_real()?;
        Some((Signal::new(self.name.clone(), Quantity::Energy), Column::Real(wave::energy(time, &power))))
    }
}

struct Planner<'a> {
    circuit: &'a Circuit,
    sim: &'a Simulation,
    plan: Plan,
    /// Numbers of the columns, found by name.
    index: HashTable<u32>,
    diags: Vec<Diagnostic>,
}

impl Planner<'_> {
    /// The column of a signal, added when it is new.
    fn plain(&mut self, name: &str, is_kept: bool) -> Option<usize> {
        let hash = FxBuildHasher.hash_one(name);
        let probes = &self.plan.probes;
        if let Some(k) = self.index.find(hash, |k| &*probes[*k as usize].0.name == name) {
            self.plan.kept[*k as usize] |= is_kept;
            return Some(*k as usize);
        }
        let (mut signal, probe) = self.find(name)?;
        // What was asked for is what the column is called, wherever the number comes from.
        if *signal.name != *name {
            signal.name = name.into();
        }
        let k = self.plan.probes.len();
        self.plan.probes.push((signal, probe));
        self.plan.kept.push(is_kept);
        let probes = &self.plan.probes;
        self.index.insert_unique(hash, k as u32, |k| FxBuildHasher.hash_one(&*probes[*k as usize].0.name));
        Some(k)
    }

    fn find(&self, name: &str) -> Option<(Signal, Probe)> {
        if let Some(found) = self.sim.probe(name) {
            return Some(found);
        }
        // A current of an element without a branch unknown: elaboration has put a zero-volt source `x:terminal` there.
        let (word, inside) = name.strip_suffix(')')?.split_once('(')?;
        let (element, terminal) = match word {
            "i" | "ix" => match inside.split_once([',', ':']) {
                Some((x, t)) => (x, Some(t.to_string())),
                None => (inside, None),
            },
            "ib" | "ic" | "ie" | "id" | "ig" | "is" => (inside, Some(word[1..].to_string())),
            _ => return None,
        };
        let (g, _) = self.circuit.instance(element)?;
        let info = self.circuit.groups.get(g)?.info();
        let terminal = match terminal {
            Some(t) => info.terminals.iter().find(|k| k.name.eq_ignore_ascii_case(&t) || begins(k.name, &t))?.name,
            None => info.terminals.first()?.name,
        };
        self.sim.probe(&format!("i({element}:{terminal})"))
    }

    /// A source that elaboration put in to measure a current: not asked for by name, so not part of the default set.
    fn is_probe(&self, name: &str) -> bool {
        name.strip_prefix("i(")
            .and_then(|r| r.strip_suffix(')'))
            .and_then(|x| x.rsplit_once(':'))
            .is_some_and(|(x, _)| self.circuit.instance(x).is_some())
            || name
                .strip_prefix("v(")
                .and_then(|r| r.strip_suffix(')'))
                .and_then(|x| x.rsplit_once(':'))
                .is_some_and(|(x, _)| self.circuit.instance(x).is_some())
    }

    /// Σ v·i over the terminals of an element, or over its first two where the others carry no current.
    fn power(&mut self, x: &str, is_energy: bool, is_kept: bool) -> bool {
        let name = format!("{}({x})", if is_energy { "e" } else { "p" });
        if let Some(p) = self.plan.powers.iter_mut().find(|p| p.name == name) {
            p.is_kept |= is_kept;
            return true;
        }
        let Some((g, i)) = self.circuit.instance(x) else { return false };
        let Some(group) = self.circuit.groups.get(g) else { return false };
        let info = group.info();
        let nodes: Vec<u32> = group.get(i).nodes.to_vec();
        let carries_current_in_two = nodes.len() <= 2 || "eghfbswv".contains(info.letter);
        let count = if carries_current_in_two { nodes.len().min(2) } else { nodes.len() };
        // Currents into terminals 0..count-1; the last is minus the sum of the others.
        let mut currents = vec![];
        for (t, terminal) in info.terminals.iter().enumerate().take(count.saturating_sub(1)) {
            let signal = if t == 0 { format!("i({x})") } else { format!("ix({x}:{})", terminal.name) };
            match self.plain(&signal, false) {
                Some(k) => currents.push(k),
                None => {
                    self.diags.push(
                        Diagnostic::error(code::NO_POWER, format!("no power `{name}`"))
                            .note(format!("the current `{signal}` of {} is not available", info.name)),
                    );
                    return true;
                }
            }
        }
        let mut terms = vec![];
        for (t, &node) in nodes.iter().enumerate().take(count) {
            let v = if node == 0 {
                None
            } else {
                let node = self.circuit.node_name(node).to_string();
                match self.plain(&format!("v({node})"), false) {
                    Some(k) => Some(k),
                    None => return false,
                }
            };
            let into = match currents.get(t) {
                Some(&k) => vec![(1.0, k)],
                None => currents.iter().map(|&k| (-1.0, k)).collect(),
            };
            terms.push((v, into));
        }
        self.plan.powers.push(Power { name, terms, is_energy, is_kept });
        true
    }

    fn report(&mut self, w: &Wish) {
        let (shown, key) = match &w.named {
            Named::Plain(n) => (n.clone(), n.clone()),
            Named::Power(x) => (format!("p({x})"), x.clone()),
            Named::Energy(x) => (format!("e({x})"), x.clone()),
        };
        let mut d = Diagnostic::error(codes::results::UNKNOWN_SIGNAL, format!("unknown signal `{shown}`"));
        if !w.span.is_nowhere() {
            d = d.at(w.span, "asked for here");
        }
        let known: Vec<String> = match &w.named {
            Named::Plain(n) if n.starts_with("v(") => {
                self.circuit.nodes.iter().skip(1).map(|s| format!("v({})", self.circuit.names.get(*s))).collect()
            }
            Named::Plain(n) if !n.starts_with('@') => {
                let word = n.split('(').next().unwrap_or("i").to_string();
                self.instances().map(|x| format!("{word}({x})")).collect()
            }
            Named::Plain(n) => {
                let tail = n.find('[').map_or("", |p| &n[p..]).to_string();
                self.instances().map(|x| format!("@{x}{tail}")).collect()
            }
            Named::Power(_) => self.instances().map(|x| format!("p({x})")).collect(),
            Named::Energy(_) => self.instances().map(|x| format!("e({x})")).collect(),
        };
        let element = key.strip_prefix('@').and_then(|k| k.split('[').next());
        let pin = key.split_once('(').and_then(|(_, r)| r.trim_end_matches(')').rsplit_once([':', '.']));
        let ports = pin.map_or(vec![], |(x, _)| self.circuit.ports(&x.replace(':', ".")));
        if let Some((x, _)) = pin.filter(|_| !ports.is_empty() && key.starts_with('i')) {
            d = d.help(format!("`{x}` has the ports {}", ports.join(", ")));
        } else if let Some(x) = element.filter(|x| self.circuit.instance(x).is_some()) {
            d = self.op_var_help(d, x);
        } else if let Some(help) = nearest::did_you_mean(&key, known.iter().map(String::as_str)) {
            d = d.help(help);
        }
        self.diags.push(d);
    }

    fn op_var_help(&self, d: Diagnostic, element: &str) -> Diagnostic {
        let Some((g, _)) = self.circuit.instance(element) else { return d };
        let vars: Vec<&str> = self.sim.batch(g).op_vars().iter().map(|v| v.name).collect();
        if vars.is_empty() { d } else { d.help(format!("`{element}` has {}", vars.join(", "))) }
    }

    fn instances(&self) -> impl Iterator<Item = &str> {
        let all = self.circuit.groups.iter().flat_map(|g| g.iter()).map(|i| self.circuit.names.get(i.name));
        // Not the sources that elaboration put in to measure currents.
        all.filter(|n| !n.contains(':'))
    }
}

fn begins(name: &str, letter: &str) -> bool {
    letter.len() == 1 && name.get(..1).is_some_and(|c| c.eq_ignore_ascii_case(letter))
}

/// The wishes of one text: the signals in it.
pub fn wishes_of(text: &str, span: Span, is_kept: bool) -> impl Iterator<Item = Wish> {
    signals::scan(text).into_iter().map(move |named| Wish { named, span, is_kept })
}

/// A `.save` entry: a signal, an expression of signals, a bare node name (`out` for `v(out)`) or `@x[p]`.
pub fn wishes_of_save(text: &str, span: Span, circuit: &Circuit) -> Vec<Wish> {
    let found: Vec<Wish> = wishes_of(text, span, true).collect();
    if !found.is_empty() {
        return found;
    }
    let word = signals::canonical(text);
    let name = if circuit.node(&word).is_some() || circuit.instance(&word).is_none() {
        format!("v({word})")
    } else {
        format!("i({word})")
    };
    vec![Wish { named: Named::Plain(name), span, is_kept: true }]
}
