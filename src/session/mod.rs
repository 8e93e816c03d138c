//! A deck in, results out: the one place where reading, elaboration, sweeps, analyses, measures and checks meet.
//!
//! ```text
//! read → parse → elaborate
//! for each point of the outer sweeps, side by side:
//!     elaborate with the point's overrides → compile → each analysis in card order → tables
//!     → power, energy → .meas → .four → .print → .check
//! ```
//! Points are independent of each other: one that fails leaves the others as they are, and the results, in point
//! order, do not depend on the number of threads. Files and the clock are reached through [`World`] only.

mod checks;
mod columns;
mod derive;
pub mod figures;
pub mod files;
pub mod fit;
mod names;
mod point;
pub mod points;
mod prints;
mod results;
pub mod signals;
pub mod world;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rayon::prelude::*;

use crate::base::Control;
use crate::base::control::Progress;
use crate::circuit::{self, Circuit, Overrides};
use crate::dataset::{Dataset, Table};
use crate::diag::codes::netlist::{INCLUDE_NOT_FOUND, SECTION_NOT_FOUND};
use crate::diag::codes::{analysis, session as code};
use crate::diag::{Diagnostic, SourceMap, fold_generated, tidy};
use crate::library;
use crate::netlist::{self, Compat, Deck, Files, ParseOptions};
pub use crate::veriloga::bind::BackEnd;
use crate::veriloga::{self, Library};

pub use checks::{CheckResult, expectation, number};
pub use point::{DeviceTable, PointResult, ResultTable};
pub use prints::PrintTable;
pub use world::{Disk, Memory, World};

/// Everything a run can be told from outside the deck.
#[derive(Clone, Debug, Default)]
pub struct RunOptions {
    pub include_dirs: Vec<PathBuf>,
    pub compat: Compat,
    /// Values of global parameters, over the deck's.
    pub params: Vec<(String, f64)>,
    /// Parameters of `.model` cards, over the deck's: card, parameter, value.
    pub models: Vec<(String, String, f64)>,
    /// `.options` over the deck's.
    pub options: Vec<(String, String)>,
    /// Worker threads; 0 is `.options threads`, or one for each processor.
    pub threads: usize,
    /// Signals and expressions that will be drawn: they are computed even if no card names them.
    pub plots: Vec<String>,
    /// Factor on the deck's `reltol`: what changes by it has not settled.
    pub reltol_factor: Option<f64>,
    /// Operating-point quantities of all devices with the `.op` tables.
    pub device_tables: bool,
    /// How Verilog-A modules are run: as machine code, or by the interpreter that is its reference.
    pub va_back_end: BackEnd,
}

/// How a run ended; the exit code of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    Ok,
    /// The netlist is at fault, or a file could not be read or written.
    Fault,
    /// Some analysis found no solution.
    NotConverged,
    Interrupted,
}

impl Status {
    pub fn exit_code(self) -> u8 {
        match self {
            Status::Ok => 0,
            Status::Fault => 1,
            Status::NotConverged => 3,
            Status::Interrupted => 130,
        }
    }
}

/// What came of a run.
pub struct Outcome {
    pub title: String,
    pub sources: SourceMap,
    /// Sorted, repetitions dropped.
    pub diagnostics: Vec<Diagnostic>,
    /// One for each point of the outer sweeps, in order; one without sweeps.
    pub points: Vec<PointResult>,
    /// Elements of the flat circuit; 0 when there is none.
    pub elements: usize,
    pub nodes: usize,
    pub is_interrupted: bool,
    /// Some analysis gave a table: there is something to write.
    pub has_run: bool,
}

impl Outcome {
    fn new(sources: SourceMap, diagnostics: Vec<Diagnostic>) -> Self {
        Outcome {
            title: String::new(),
            sources,
            diagnostics,
            points: vec![],
            elements: 0,
            nodes: 0,
            is_interrupted: false,
            has_run: false,
        }
    }

    pub fn status(&self) -> Status {
        let errors = || self.diagnostics.iter().filter(|d| d.is_error());
        if self.is_interrupted {
            Status::Interrupted
        } else if errors().any(|d| !is_numerical(d)) {
            Status::Fault
        } else if errors().next().is_some() {
            Status::NotConverged
        } else {
            Status::Ok
        }
    }

    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// All tables with the columns that were selected, point by point. Takes them out of the outcome.
    pub fn take_dataset(&mut self) -> Dataset {
        let tables = self.points.iter_mut().flat_map(|p| p.tables.drain(..)).map(ResultTable::into_selected).collect();
        Dataset { tables }
    }

    pub fn tables(&self) -> impl Iterator<Item = &Table> {
        self.points.iter().flat_map(|p| &p.tables).map(|t| &t.table)
    }

    /// A measure's values, one for each point.
    pub fn measure(&self, name: &str) -> Vec<f64> {
        self.points
            .iter()
            .filter_map(|p| p.measures.iter().find(|m| m.name.eq_ignore_ascii_case(name)))
            .map(|m| m.value)
            .collect()
    }

    pub fn checks(&self) -> impl Iterator<Item = &CheckResult> {
        self.points.iter().flat_map(|p| &p.checks)
    }
}

/// No solution was found: the netlist may be right all the same.
fn is_numerical(d: &Diagnostic) -> bool {
    [analysis::SINGULAR, analysis::NO_CONVERGENCE, analysis::STEP_COLLAPSE].contains(&d.code)
}

/// Runs the deck at a path; `-` is standard input.
pub fn run(path: &Path, opts: &RunOptions, world: &dyn World, control: &Control) -> Outcome {
    match read_deck(path, world) {
        Ok((name, text)) => run_text(&name, &text, opts, world, control),
        Err(d) => Outcome::new(SourceMap::new(), vec![*d]),
    }
}

/// Reads and elaborates the deck at a path without running it.
pub fn check(path: &Path, opts: &RunOptions, world: &dyn World) -> Outcome {
    match read_deck(path, world) {
        Ok((name, text)) => check_text(&name, &text, opts, world),
        Err(d) => Outcome::new(SourceMap::new(), vec![*d]),
    }
}

fn read_deck(path: &Path, world: &dyn World) -> Result<(String, String), Box<Diagnostic>> {
    let name = if path == Path::new("-") { "<stdin>".into() } else { path.display().to_string() };
    match world.read(path) {
        Ok(text) => Ok((name, text)),
        Err(e) => {
            Err(Box::new(Diagnostic::error(code::DECK_UNREADABLE, format!("cannot read the netlist `{name}`: {e}"))))
        }
    }
}

pub fn check_text(name: &str, text: &str, opts: &RunOptions, world: &dyn World) -> Outcome {
    let Loaded { deck, sources, over, library, mut diags } = load(name, text, opts, world);
    let circuit = elaborated(&deck, &sources, &over, &library, &mut diags);
    let mut sizes = (0, 0);
    if let Some(c) = circuit {
        sizes = (c.element_count(), c.nodes.len().saturating_sub(1));
        if !diags.iter().any(Diagnostic::is_error) {
            diags.extend(point::check(&Arc::new(c)));
        }
    }
    let mut out = Outcome::new(sources, diags);
    out.title = deck.title;
    (out.elements, out.nodes) = sizes;
    settle(&mut out);
    out
}

/// Each fault once, in the order of the deck.
fn settle(out: &mut Outcome) {
    fold_generated(&mut out.diagnostics, &out.sources);
    tidy(&mut out.diagnostics);
}

pub fn run_text(name: &str, text: &str, opts: &RunOptions, world: &dyn World, control: &Control) -> Outcome {
    let loaded = load(name, text, opts, world);
    let Loaded { deck, sources, over, library, mut diags } = loaded;
    let circuit = elaborated(&deck, &sources, &over, &library, &mut diags);
    let faulty = diags.iter().any(Diagnostic::is_error);
    let Some(circuit) = circuit.filter(|_| !faulty) else {
        let mut out = Outcome::new(sources, diags);
        out.title = deck.title;
        settle(&mut out);
        return out;
    };
    if circuit.analyses.is_empty() {
        let mut d = Diagnostic::error(code::NOTHING_TO_RUN, "the deck has no analysis card")
            .help("add for example `.op`, `.tran 1n 1u` or `.ac dec 10 1 1meg`");
        if let Some(&control) = deck.control.first() {
            d = d.at(control, "commands in a `.control` block are skipped");
        }
        diags.push(d);
    }
    if diags.iter().any(Diagnostic::is_error) {
        let mut out = Outcome::new(sources, diags);
        out.title = deck.title;
        settle(&mut out);
        return out;
    }
    let threads = if opts.threads > 0 { opts.threads } else { circuit.options.threads };
    let job = Job { deck: &deck, sources: &sources, over: &over, library: &library, opts, hash: deck_hash(&sources) };
    let (elements, nodes) = (circuit.element_count(), circuit.nodes.len().saturating_sub(1));
    let points = job.points(circuit, threads, control);
    let mut out = Outcome::new(SourceMap::new(), diags);
    out.diagnostics.extend(gather(&points));
    (out.elements, out.nodes) = (elements, nodes);
    out.title = deck.title.clone();
    out.has_run = points.iter().any(|p| !p.tables.is_empty());
    out.is_interrupted = control.is_cancelled();
    if out.is_interrupted {
        let done = points.iter().filter(|p| p.is_complete).count();
        out.diagnostics.push(
            Diagnostic::warning(code::INTERRUPTED, "interrupted; what was computed is kept and marked partial")
                .note(format!("{done} of {} sweep points are complete", points.len())),
        );
    }
    out.points = points;
    out.sources = sources;
    settle(&mut out);
    out
}

/// The circuit of a deck, for callers that do more with it than run its analyses; missing when the deck is at fault.
pub fn circuit(
    name: &str,
    text: &str,
    opts: &RunOptions,
    world: &dyn World,
) -> (Option<Circuit>, SourceMap, Vec<Diagnostic>) {
    let Loaded { deck, sources, over, library, mut diags } = load(name, text, opts, world);
    let circuit = elaborated(&deck, &sources, &over, &library, &mut diags);
    let faulty = diags.iter().any(Diagnostic::is_error);
    (circuit.filter(|_| !faulty), sources, diags)
}

/// Elaborates, and adds every fault that can be found without solving: those of the elements and those of the cards that
/// name signals, at once. The circuit is missing when the netlist is at fault.
fn elaborated(
    deck: &Deck,
    sources: &SourceMap,
    over: &Overrides,
    library: &Library,
    diags: &mut Vec<Diagnostic>,
) -> Option<Circuit> {
    let (circuit, found) = circuit::draft(deck, sources, over, library);
    join(diags, found);
    let has_holes = diags.iter().any(Diagnostic::is_error);
    diags.extend(point::cards(&circuit));
    if has_holes {
        let is_incomplete = |d: &Diagnostic| [INCLUDE_NOT_FOUND, SECTION_NOT_FOUND].contains(&d.code);
        if !diags.iter().any(is_incomplete) {
            diags.extend(names::unknown(&circuit, sources));
        }
        return None;
    }
    if diags.iter().any(Diagnostic::is_error) {
        diags.extend(point::check(&Arc::new(circuit)));
        return None;
    }
    Some(circuit)
}

/// What elaboration found is added to what reading found. Where lines could not be read the circuit has holes, and what
/// its graph lacks would be said of the holes.
fn join(diags: &mut Vec<Diagnostic>, more: Vec<Diagnostic>) {
    let has_holes = diags.iter().any(Diagnostic::is_error);
    diags.extend(more.into_iter().filter(|d| !(has_holes && d.code.0.get(1..3) == Some("05"))));
}

/// A deck read and parsed.
struct Loaded<'a> {
    deck: Deck,
    sources: SourceMap,
    over: Overrides,
    library: Library<'a>,
    diags: Vec<Diagnostic>,
}

/// The world's files, and those of the library, as the parser sees them.
struct WorldFiles<'a>(&'a dyn World);

impl Files for WorldFiles<'_> {
    fn read(&self, path: &Path) -> std::io::Result<String> {
        read(self.0, path)
    }

    fn read_bytes(&self, path: &Path) -> std::io::Result<Vec<u8>> {
        self.0.read_bytes(path)
    }
}

/// A file of the library or of the world.
pub fn read(world: &dyn World, path: &Path) -> std::io::Result<String> {
    match library::read(path) {
        Some(text) => Ok(text.to_string()),
        None => world.read(path),
    }
}

fn load<'a>(name: &str, text: &str, opts: &RunOptions, world: &'a dyn World) -> Loaded<'a> {
    let mut sources = SourceMap::new();
    let mut include_dirs = opts.include_dirs.clone();
    include_dirs.push(library::root());
    let parse = ParseOptions { include_dirs: include_dirs.clone(), compat: opts.compat };
    let text = with_cards(text, &extra_cards(opts));
    let (deck, mut diags) = netlist::parse(&WorldFiles(world), name, &text, &parse, &mut sources);
    let mut over = Overrides::default();
    let known = global_params(&deck);
    for (p, v) in &opts.params {
        over.params.push((p.to_ascii_lowercase(), *v));
        if !known.iter().any(|k| k.eq_ignore_ascii_case(p)) {
            let d = Diagnostic::error(code::BAD_OVERRIDE, format!("the deck has no `.param {p}` to override"));
            diags.push(match crate::diag::nearest::did_you_mean(p, known.iter().map(String::as_str)) {
                Some(help) => d.help(help),
                None => d,
            });
        }
    }
    over.reltol = opts.reltol_factor;
    over.models.extend(opts.models.iter().map(|(m, p, v)| (m.to_ascii_lowercase(), p.to_ascii_lowercase(), *v)));
    let options = veriloga::Options { include_dirs, ..veriloga::Options::default() };
    let mut modules = Library::new(move |path: &Path| read(world, path), opts.va_back_end);
    for (file, path, _) in &deck.hdl {
        diags.extend(modules.load(*file, path, &mut sources, &options));
    }
    // Families of the library need no `.hdl`: a deck that uses the name has the module, unless it defines its own.
    for (name, text) in library::models() {
        if deck.names.lookup(name).is_some() && !modules.has(name) {
            let path = library::root().join(format!("{name}.va"));
            let file = sources.add(path.display().to_string(), text.to_string(), None);
            diags.extend(modules.load(file, &path, &mut sources, &options));
        }
    }
    Loaded { deck, sources, over, library: modules, diags }
}

fn global_params(deck: &Deck) -> Vec<String> {
    fn collect(deck: &Deck, body: &[netlist::ast::Stmt], out: &mut Vec<String>) {
        for s in body {
            match s {
                netlist::ast::Stmt::Param(p) => out.push(deck.names.get(p.name).to_string()),
                netlist::ast::Stmt::If(i) => i.arms.iter().for_each(|(_, b)| collect(deck, b, out)),
                _ => {}
            }
        }
    }
    let mut out = vec![];
    collect(deck, &deck.body, &mut out);
    out
}

/// Cards that stand for what was asked outside the deck. `.options` after the deck's own win over them.
fn extra_cards(opts: &RunOptions) -> Vec<String> {
    let mut cards: Vec<String> = opts
        .options
        .iter()
        .map(|(k, v)| if v.is_empty() { format!(".options {k}") } else { format!(".options {k}={v}") })
        .collect();
    for e in opts.plots.iter().flat_map(|e| e.split(" vs ")) {
        let e = derive::strip(e);
        let is_signal = e.ends_with(')') && e.matches('(').count() == 1 && !e.contains(['+', '*', '/', ' ']);
        cards.push(if is_signal || e.starts_with('@') { format!(".plot {e}") } else { format!(".plot '{e}'") });
    }
    cards
}

/// The deck's text up to its `.end`, and the cards after it: no line of the deck moves.
fn with_cards(text: &str, cards: &[String]) -> String {
    if cards.is_empty() {
        return text.to_string();
    }
    let mut end = text.len();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().eq_ignore_ascii_case(".end") {
            end = at;
            break;
        }
        at += line.len();
    }
    let mut out = text[..end].to_string();
    if !out.ends_with('\n') {
        out.push('\n');
    }
    for c in cards {
        out.push_str(c);
        out.push('\n');
    }
    out.push_str(".end\n");
    out
}

/// 64-bit FNV-1a of all files of the deck: says whether two results are of the same text.
fn deck_hash(sources: &SourceMap) -> String {
    let mut h: u64 = 0xcbf2_9ce4_8422_2325;
    for f in sources.files() {
        for b in f.text.bytes().chain([0]) {
            h = (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    format!("{h:016x}")
}

/// What all points share.
struct Job<'a> {
    deck: &'a Deck,
    sources: &'a SourceMap,
    over: &'a Overrides,
    library: &'a Library<'a>,
    opts: &'a RunOptions,
    hash: String,
}

impl Job<'_> {
    /// All points in order, on as many threads as asked for.
    fn points(&self, circuit: Circuit, threads: usize, control: &Control) -> Vec<PointResult> {
        let all = points::all(&circuit);
        if let [only] = all.as_slice()
            && only.values.is_empty()
        {
            return vec![self.in_pool(threads, || point::run(self, circuit, only, control))];
        }
        drop(circuit);
        let done = AtomicUsize::new(0);
        let last = Mutex::new(0);
        let quiet = control.quiet();
        let one = |(k, p): (usize, &points::SweepPoint)| {
            if control.is_cancelled() {
                return PointResult::skipped(p);
            }
            let over = p.overrides(self.over, k);
            let (circuit, diags) = circuit::elaborate_with(self.deck, self.sources, &over, self.library);
            let mut result = match circuit {
                Some(c) if !diags.iter().any(Diagnostic::is_error) => point::run(self, c, p, &quiet),
                _ => PointResult::skipped(p),
            };
            result.diagnostics.extend(diags);
            let n = done.fetch_add(1, Ordering::Relaxed) + 1;
            if let Ok(mut last) = last.lock()
                && n > *last
            {
                *last = n;
                let p = Progress { fraction: n as f64 / all.len() as f64, at: n as f64, step: 1.0, points: n };
                control.progress("sweep", &p);
            }
            result
        };
        if threads == 1 {
            return all.iter().enumerate().map(one).collect();
        }
        self.in_pool(threads, || all.par_iter().enumerate().map(one).collect())
    }

    /// In a pool of its own when a number of threads is asked for; 0 is the common pool. On one of its threads: who hands
    /// over work from outside sleeps until it is done, and wakes late.
    fn in_pool<T: Send>(&self, threads: usize, f: impl FnOnce() -> T + Send) -> T {
        if threads == 0 {
            return rayon::scope(|_| f());
        }
        match rayon::ThreadPoolBuilder::new().num_threads(threads).build() {
            Ok(pool) => pool.install(f),
            Err(_) => f(),
        }
    }
}

/// The diagnostics of all points; what several points say alike is said once, with where.
fn gather(points: &[PointResult]) -> Vec<Diagnostic> {
    let mut found: Vec<(Diagnostic, Vec<String>)> = vec![];
    for p in points {
        for d in &p.diagnostics {
            match found.iter_mut().find(|(f, _)| f == d) {
                Some((_, at)) => at.push(p.label.clone()),
                None => found.push((d.clone(), vec![p.label.clone()])),
            }
        }
    }
    let total = points.len();
    found
        .into_iter()
        .map(|(d, mut at)| {
            at.dedup();
            let n = at.len();
            if total == 1 || n == total {
                d
            } else if n <= 4 {
                d.note(format!("at {}", at.join("; ")))
            } else {
                d.note(format!("at {} and {} more of {total} points", at[..3].join("; "), n - 3))
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_go_before_the_end_and_move_no_line() {
        let text = "t\nr1 a 0 1k\n.END\nrest";
        assert_eq!(with_cards(text, &[".options reltol=1e-4".into()]), "t\nr1 a 0 1k\n.options reltol=1e-4\n.end\n");
        assert_eq!(with_cards("t\n.op", &[".x".into()]), "t\n.op\n.x\n.end\n");
        assert_eq!(with_cards(text, &[]), text);
    }

    #[test]
    fn plots_become_cards() {
        let opts = RunOptions { plots: vec!["v(out)".into(), "v(a)*2".into(), "@m1[id]".into()], ..Default::default() };
        assert_eq!(extra_cards(&opts), [".plot v(out)", ".plot 'v(a)*2'", ".plot @m1[id]"]);
    }

    #[test]
    fn repeated_faults_are_said_once() {
        let fault = Diagnostic::error(analysis::NO_CONVERGENCE, "no operating point found");
        let point = |label: &str, faults: &[&Diagnostic]| PointResult {
            label: label.into(),
            diagnostics: faults.iter().map(|d| (*d).clone()).collect(),
            ..PointResult::default()
        };
        let all = gather(&[point("r=1", &[&fault]), point("r=2", &[]), point("r=3", &[&fault])]);
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].notes, ["at r=1; r=3"]);
        let mut out = Outcome::new(SourceMap::new(), all);
        assert_eq!(out.status().exit_code(), 3);
        out.diagnostics.push(Diagnostic::error(code::NOTHING_TO_RUN, "x"));
        assert_eq!(out.status().exit_code(), 1);
        out.is_interrupted = true;
        assert_eq!(out.status().exit_code(), 130);
    }
}
