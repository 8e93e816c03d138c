//! One point of the outer sweeps: compile, run every analysis, then everything that is computed from its tables.

use std::borrow::Cow;
use std::sync::Arc;

use super::checks::{self, CheckResult};
use super::columns::{Plan, Wish, wishes_of, wishes_of_save};
use super::points::SweepPoint;
use super::prints::{self, PrintTable};
use super::results;
use super::signals::Named;
use super::{Job, derive, names};
use crate::analysis;
use crate::base::Control;
use crate::circuit::{Analysis, Circuit, Print};
use crate::dataset::{Meta, PlotKind, Schema, Sink, Table};
use crate::device::OpVar;
use crate::diag::Diagnostic;
use crate::measure::{self, Fourier, Measurement};
use crate::sim::Simulation;

/// A table, and how many of its columns were selected for the results; those after them were only needed by cards.
#[derive(Clone, Debug)]
pub struct ResultTable {
    /// Index of the analysis card among the deck's.
    pub analysis: usize,
    /// Print step of a transient, s: the grid of `.print` tables.
    pub print_step: Option<f64>,
    pub table: Table,
    pub selected: usize,
}

impl ResultTable {
    pub fn into_selected(mut self) -> Table {
        self.table.columns.truncate(self.selected);
        self.table.schema.signals.truncate(self.selected);
        self.table
    }
}

/// Operating-point quantities of all devices of one type.
#[derive(Clone, Debug)]
pub struct DeviceTable {
    pub device: &'static str,
    pub vars: &'static [OpVar],
    pub rows: Vec<(String, Vec<f64>)>,
}

/// Everything that came of one point.
#[derive(Clone, Debug, Default)]
pub struct PointResult {
    pub sweep: Vec<(String, f64)>,
    /// `r=1000, temp=27`
    pub label: String,
    pub tables: Vec<ResultTable>,
    pub devices: Vec<DeviceTable>,
    /// Device types whose tables were left out, and how many devices each has: beyond [`MAX_DEVICE_ROWS`] in all.
    pub devices_left_out: Vec<(&'static str, usize)>,
    pub measures: Vec<Measurement>,
    pub fouriers: Vec<Fourier>,
    pub prints: Vec<PrintTable>,
    pub checks: Vec<CheckResult>,
    /// What the deck asks to be drawn, with `.plot`, `.print` and `.probe`, and what was asked outside it.
    pub plots: Vec<String>,
    pub diagnostics: Vec<Diagnostic>,
    /// What devices had to say while they were simulated (`$strobe` and the like), oldest first.
    pub messages: Vec<String>,
    /// Files that devices wrote, by name: text.
    pub files: Vec<(String, String)>,
    /// Every analysis ran to its end.
    pub is_complete: bool,
}

impl PointResult {
    /// A point that was not run.
    pub fn skipped(p: &SweepPoint) -> Self {
        PointResult { sweep: p.named(), label: p.label(), ..PointResult::default() }
    }
}

/// Device quantities are shown for circuits up to this many devices; beyond, they are asked for by name.
const MAX_DEVICE_ROWS: usize = 4000;

/// Faults of the `.meas` cards: all of them, before an hour of simulation and not after it.
pub(super) fn cards(circuit: &Circuit) -> Vec<Diagnostic> {
    let mut faults = vec![];
    for (k, m) in circuit.measures.iter().enumerate() {
        if let Some(other) = circuit.measures[..k].iter().find(|o| o.name.eq_ignore_ascii_case(&m.name)) {
            faults.push(measure::named_twice(&m.name, m.span, other.span));
        }
        let kinds = measure::kinds_of(&m.analysis);
        let (spec, found) = measure::parse_with(&m.text, m.span);
        let needs_table = !matches!(spec, Some(measure::Spec::Param(_)));
        faults.extend(found);
        // A sweep may run downwards, and then its intervals do.
        if m.analysis != "dc" && spec.as_ref().is_some_and(measure::is_reversed) {
            faults.push(measure::reversed(&m.name, m.span));
        }
        let has_run = kinds.is_none_or(|k| circuit.analyses.iter().any(|(a, _)| k.contains(&kind_of(a))));
        if needs_table && !m.analysis.is_empty() && !has_run {
            faults.push(measure::not_run(&m.name, &m.analysis, m.span));
        }
    }
    faults
}

fn kind_of(a: &Analysis) -> PlotKind {
    match a {
        Analysis::Op => PlotKind::Op,
        Analysis::Dc { .. } => PlotKind::Dc,
        Analysis::Tran { .. } => PlotKind::Tran,
        Analysis::Ac { .. } => PlotKind::Ac,
        Analysis::Noise { .. } => PlotKind::NoiseDensity,
        Analysis::Tf { .. } => PlotKind::Tf,
        Analysis::Sens { .. } => PlotKind::Sens,
        Analysis::Pz { .. } => PlotKind::Pz,
    }
}

/// Everything that can be found without solving: values that devices refuse, signals that do not exist.
pub(super) fn check(circuit: &Arc<Circuit>) -> Vec<Diagnostic> {
    match Simulation::compile(circuit) {
        Ok(sim) => {
            let (wishes, has_selection, selects_all) = wishes(circuit);
            let mut faults = Plan::new(circuit, &sim, &wishes, has_selection, selects_all).1;
            faults.extend(names::in_measures(circuit, &|_| false));
            faults
        }
        Err(faults) => faults,
    }
}

pub(super) fn run(job: &Job, circuit: Circuit, point: &SweepPoint, control: &Control) -> PointResult {
    let mut out = PointResult::skipped(point);
    let circuit = Arc::new(circuit);
    let mut sim = match Simulation::compile(&circuit) {
        Ok(sim) => sim,
        Err(faults) => {
            out.diagnostics.extend(faults);
            out.checks = checks::not_run(&circuit);
            return out;
        }
    };
    let (wishes, has_selection, selects_all) = wishes(&circuit);
    let (plan, mut faults) = Plan::new(&circuit, &sim, &wishes, has_selection, selects_all);
    faults.extend(names::in_measures(&circuit, &|_| false));
    let is_faulty = faults.iter().any(Diagnostic::is_error);
    out.diagnostics.extend(faults);
    if is_faulty {
        // A name that does not exist is said before an hour of simulation, not after it.
        out.checks = checks::not_run(&circuit);
        return out;
    }

    let mut complete = true;
    for (k, (card, span)) in circuit.analyses.iter().enumerate() {
        if control.is_cancelled() {
            complete = false;
            break;
        }
        let device_vars = job.opts.device_tables && matches!(card, Analysis::Op);
        let mut probes = Cow::Borrowed(&plan.probes[..]);
        let device_at = probes.len();
        let (layout, left_out) = if device_vars { device_probes(&sim, probes.to_mut()) } else { (vec![], vec![]) };
        let mut sink = Collect::default();
        if let Err(faults) = analysis::run(card, &mut sim, &probes, &mut sink, control) {
            // What has no place of its own has that of the card that asked for it.
            out.diagnostics.extend(
                faults.into_iter().map(|d| if d.labels.is_empty() { d.at(*span, "asked for here") } else { d }),
            );
            complete = false;
        }
        out.messages.append(&mut sim.messages);
        for (name, text) in std::mem::take(&mut sim.files) {
            // The last analysis that opens a file is the one whose text stays.
            out.files.retain(|f| f.0 != name);
            out.files.push((name, text));
        }
        let print_step = match card {
            Analysis::Tran { step, .. } => Some(*step),
            _ => None,
        };
        for mut table in sink.finish() {
            complete &= !table.meta.is_partial;
            if device_vars && table.schema.kind == PlotKind::Op {
                out.devices = split_devices(&mut table, device_at, &layout);
                out.devices_left_out.clone_from(&left_out);
            }
            describe(&mut table.meta, job, &circuit, point);
            let selected = plan.arrange(&mut table);
            out.tables.push(ResultTable { analysis: k, print_step, table, selected });
        }
    }
    out.is_complete = complete;

    let (measures, faults) = results::measures(&circuit, &out.tables);
    out.measures = measures;
    out.diagnostics.extend(faults);
    let (fouriers, faults) = results::fouriers(&circuit, &out.tables);
    out.fouriers = fouriers;
    out.diagnostics.extend(faults);
    let (prints, faults) = prints::all(&circuit, &out.tables);
    out.prints = prints;
    out.diagnostics.extend(faults);
    let (checks, faults) = checks::all(&circuit, &out.tables, &out.measures);
    out.checks = checks;
    out.diagnostics.extend(faults);
    out.plots = plots(&circuit);
    out
}

/// How the result was made.
fn describe(meta: &mut Meta, job: &Job, circuit: &Circuit, point: &SweepPoint) {
    meta.title.clone_from(&circuit.title);
    meta.version = env!("CARGO_PKG_VERSION").to_string();
    meta.deck_hash.clone_from(&job.hash);
    meta.seed = circuit.options.seed;
    meta.temp_c = circuit.options.temp_c;
    meta.options = circuit.options.given.iter().cloned().collect();
    meta.sweep = point.named();
}

/// What `.save`, `.probe` and the other cards need. Also: is there a selection, and does it include `all`.
pub(super) fn wishes(circuit: &Circuit) -> (Vec<Wish>, bool, bool) {
    let mut all = vec![];
    let mut selects_all = false;
    for s in &circuit.saves {
        match s.text.trim().to_ascii_lowercase().as_str() {
            "all" | "allv" | "alli" | "" => selects_all = true,
            _ => all.extend(wishes_of_save(&s.text, s.span, circuit)),
        }
    }
    let has_selection = !circuit.saves.is_empty();
    // Signals that cards name are results of their own account unless the deck selects.
    for p in &circuit.prints {
        for s in &p.signals {
            let found: Vec<Wish> = wishes_of(&s.text, s.span, !has_selection).collect();
            if found.is_empty() && circuit.node(s.text.trim()).is_some() {
                all.extend(wishes_of_save(&s.text, s.span, circuit).into_iter().map(|w| Wish { is_kept: false, ..w }));
            }
            all.extend(found);
        }
    }
    for m in &circuit.measures {
        all.extend(wishes_of(&m.text, m.span, false));
    }
    for c in &circuit.checks {
        all.extend(checks::signals(&c.expr).into_iter().map(|named| Wish { named, span: c.span, is_kept: false }));
    }
    // `v(a,b)` of a `.print` is two columns and a difference; nothing more to keep.
    all.retain(|w| !matches!(&w.named, Named::Plain(n) if n == "v()" || n == "i()"));
    (all, has_selection, selects_all)
}

/// What to draw: `.plot` entries, else `.print`, else `.probe`/`.save` entries.
fn plots(circuit: &Circuit) -> Vec<String> {
    let of = |card: &str| -> Vec<String> {
        let cards = circuit.prints.iter().filter(|p: &&Print| p.card == card);
        cards.flat_map(|p| joined(p.signals.iter().map(|s| derive::strip(&s.text)))).collect()
    };
    let mut found = of("plot");
    if found.is_empty() {
        found = of("print");
    }
    if found.is_empty() {
        found = circuit.saves.iter().map(|s| s.text.trim().to_string()).filter(|t| !t.starts_with("all")).collect();
    }
    let mut seen = std::collections::HashSet::new();
    found.retain(|f| seen.insert(f.clone()));
    found
}

/// `Y vs X` of a `.plot` card is one entry.
fn joined(words: impl Iterator<Item = String>) -> Vec<String> {
    let mut out: Vec<String> = vec![];
    let mut is_open = false;
    for w in words {
        match out.last_mut() {
            Some(_) if w.eq_ignore_ascii_case("vs") => is_open = true,
            Some(last) if is_open => {
                *last = format!("{last} vs {w}");
                is_open = false;
            }
            _ => out.push(w),
        }
    }
    out
}

/// (device, its variables, instance names)
type Layout = Vec<(&'static str, &'static [OpVar], Vec<String>)>;

/// Probes for every operating-point quantity, and the types that would make the tables too long, with their numbers.
fn device_probes(
    sim: &Simulation,
    probes: &mut Vec<(crate::dataset::Signal, crate::sim::Probe)>,
) -> (Layout, Vec<(&'static str, usize)>) {
    let circuit = sim.circuit.clone();
    let mut layout = vec![];
    let mut left_out = vec![];
    let mut rows = 0;
    for (g, group) in circuit.groups.iter().enumerate() {
        let vars = sim.batch(g).op_vars();
        if vars.is_empty() {
            continue;
        }
        if rows + group.len() > MAX_DEVICE_ROWS {
            left_out.push((device_name(group.info().name), group.len()));
            continue;
        }
        rows += group.len();
        let mut names = vec![];
        for i in group.iter() {
            let name = circuit.names.get(i.name).to_string();
            // Sources that elaboration put in to measure currents are not the user's.
            if circuit.probes.iter().any(|p| p.2 == i.name) {
                continue;
            }
            let found: Vec<_> = vars.iter().filter_map(|v| sim.probe(&format!("@{name}[{}]", v.name))).collect();
            if found.len() == vars.len() {
                probes.extend(found);
                names.push(name);
            }
        }
        let device = device_name(group.info().name);
        if !names.is_empty() {
            layout.push((device, vars, names));
        }
    }
    (layout, left_out)
}

/// Registry names are static, but an `Arc<dyn DeviceType>` hands them out with its own lifetime.
fn device_name(name: &str) -> &'static str {
    crate::device::registry::all().iter().map(|t| t.info().name).find(|n| *n == name).unwrap_or("device")
}

/// Takes the columns of device quantities out of an operating-point table.
fn split_devices(
    table: &mut Table,
    at: usize,
    layout: &[(&'static str, &'static [OpVar], Vec<String>)],
) -> Vec<DeviceTable> {
    let at = (at + usize::from(table.schema.has_axis)).min(table.columns.len());
    let mut rest = table.columns.split_off(at).into_iter().map(|c| c.re().first().copied().unwrap_or(f64::NAN));
    table.schema.signals.truncate(at);
    layout
        .iter()
        .map(|(device, vars, names)| DeviceTable {
            device,
            vars,
            rows: names.iter().map(|n| (n.clone(), rest.by_ref().take(vars.len()).collect())).collect(),
        })
        .collect()
}

/// Keeps all tables of an analysis, finished or not.
#[derive(Default)]
struct Collect {
    tables: Vec<Table>,
    is_open: bool,
}

impl Collect {
    /// The tables; one that the analysis did not end is partial.
    fn finish(mut self) -> Vec<Table> {
        if self.is_open
            && let Some(t) = self.tables.last_mut()
        {
            t.meta.is_partial = true;
        }
        self.tables.retain(|t| !t.is_empty() || !t.meta.is_partial);
        self.tables
    }
}

impl Sink for Collect {
    fn begin(&mut self, schema: &Schema) {
        let mut t = Table::default();
        t.begin(schema);
        self.tables.push(t);
        self.is_open = true;
    }

    fn point(&mut self, row: &[f64]) {
        if let Some(t) = self.tables.last_mut() {
            t.point(row);
        }
    }

    fn point_complex(&mut self, row: &[num_complex::Complex64]) {
        if let Some(t) = self.tables.last_mut() {
            t.point_complex(row);
        }
    }

    fn end(&mut self, meta: Meta) {
        if let Some(t) = self.tables.last_mut() {
            t.end(meta);
        }
        self.is_open = false;
    }
}
