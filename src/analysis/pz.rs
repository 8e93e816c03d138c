//! `.pz`: poles and zeros of the transfer function between two ports, by eigenvalues of `G + sC`.
//!
//! ```text
//! poles:  det(G + sC) = 0, for a voltage drive with the input port tied by an ideal source
//! zeros:  det [ G + sC  b ; eᵀ 0 ] = 0: excitation b, output eᵀx = 0
//! ```

use num_complex::Complex64;

use super::meta;
use super::pencil::{Fault, MAX_STATES, Pencil};
use super::small_signal::{Input, SmallSignal};
use crate::base::Control;
use crate::dataset::{PlotKind, Quantity, Schema, Signal, Sink};
use crate::device::{AcLoad, Batch, Unknown};
use crate::diag::Diagnostic;
use crate::diag::codes::small_signal as codes;
use crate::sim::{Probe, Simulation};

/// What is asked for.
pub struct Plan<'a> {
    /// Node pairs.
    pub input: &'a (String, String),
    pub output: &'a (String, String),
    /// Driven by a voltage, else by a current.
    pub is_voltage: bool,
    pub poles: bool,
    pub zeros: bool,
}

type Entries = Vec<(u32, u32, f64, f64)>;

pub fn run(plan: &Plan, sim: &mut Simulation, sink: &mut dyn Sink, control: &Control) -> Result<(), Vec<Diagnostic>> {
    let mut faults = vec![];
    let mut node = |name: &str| match sim.probe(&format!("v({name})")) {
        Some((_, Probe::Unknown(u))) => u,
        _ => {
            let mut d = Diagnostic::error(codes::NO_OUTPUT, format!("no node `{name}`"));
            d.help.extend(sim.suggest(&format!("v({name})")));
            faults.push(d);
            0
        }
    };
    let (ip, in_) = (node(&plan.input.0), node(&plan.input.1));
    let (op, on) = (node(&plan.output.0), node(&plan.output.1));
    if !faults.is_empty() {
        return Err(faults);
    }
    if ip == in_ || op == on {
        let port = if ip == in_ { "input" } else { "output" };
        return Err(no_transfer(&format!("both nodes of the {port} are the same")));
    }
    let mut linear = SmallSignal::new(sim, control)?;
    add_ac_entries(sim, &mut linear)?;
    let mut n = sim.len() - 1;
    let mut entries: Entries =
        sim.pattern().entries().map(|(r, c, s)| (r, c, linear.g[s as usize], linear.c[s as usize])).collect();
    // The excitation, as a column.
    let drive: Vec<(Unknown, f64)> = match source_across(sim, ip, in_) {
        _ if !plan.is_voltage => vec![(ip, 1.0), (in_, -1.0)],
        Some(branch) => vec![(branch, 1.0)],
        None => {
            n += 1;
            let branch = n as Unknown;
            for (node, s) in [(ip, 1.0), (in_, -1.0)] {
                entries.extend([(node, branch, s, 0.0), (branch, node, s, 0.0)]);
            }
            vec![(branch, 1.0)]
        }
    };
    let cancelled = || control.is_cancelled();
    let mut is_partial = false;
    let mut find = |n: usize, entries: &Entries, zeros: bool| -> Result<Vec<Complex64>, Vec<Diagnostic>> {
        match Pencil::new(n, entries).and_then(|p| p.eigenvalues(&cancelled)) {
            Ok(v) => Ok(v),
            Err(Fault::Interrupted) => {
                is_partial = true;
                Ok(vec![])
            }
            Err(Fault::TooManyStates(r)) => Err(vec![Diagnostic::error(
                codes::TOO_MANY_STATES,
                format!("{r} independent charges and fluxes; pole-zero analysis takes at most {MAX_STATES}"),
            )]),
            Err(Fault::Degenerate(_)) if zeros => Err(no_transfer("the transfer function is zero")),
            Err(Fault::Degenerate(s)) if s.column as usize >= sim.len() || s.row as usize >= sim.len() => {
                Err(no_transfer("the input port is shorted"))
            }
            Err(Fault::Degenerate(s)) => Err(vec![sim.singular(&s, " at every frequency")]),
        }
    };
    let poles = if plan.poles { find(n, &entries, false)? } else { vec![] };
    let zeros = if plan.zeros {
        let border = n as Unknown + 1;
        entries.extend(drive.iter().map(|&(row, v)| (row, border, v, 0.0)));
        entries.extend([(border, op, 1.0, 0.0), (border, on, -1.0, 0.0)]);
        find(n + 1, &entries, true)?
    } else {
        vec![]
    };
    let name = |word: &'static str| move |k: usize| Signal::new(format!("{word}({k})"), Quantity::Other("rad/s"));
    let signals: Vec<Signal> = (1..=poles.len()).map(name("pole")).chain((1..=zeros.len()).map(name("zero"))).collect();
    sim.stats.accepted += 1;
    sink.begin(&Schema { kind: PlotKind::Pz, has_axis: false, is_complex: true, signals });
    let row: Vec<Complex64> = poles.into_iter().chain(zeros).collect();
    sink.point_complex(&row);
    linear.finish(sim);
    sink.end(meta(sim, is_partial));
    Ok(())
}

fn no_transfer(why: &str) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::NO_TRANSFER, format!("no transfer from the input to the output: {why}"))]
}

/// Branch current of a voltage source that already ties the two nodes.
fn source_across(sim: &Simulation, p: Unknown, n: Unknown) -> Option<Unknown> {
    let circuit = &sim.circuit;
    let sources = circuit.groups.iter().filter(|g| g.info().letter == 'v').flat_map(|g| g.iter());
    let tied = sources.filter(|i| matches!(*i.nodes, [a, b, ..] if (a, b) == (p, n) || (a, b) == (n, p)));
    tied.filter_map(|i| Input::find(sim, circuit.names.get(i.name)).ok()).map(|i| i.branch).find(|b| *b != 0)
}

/// What elements add in AC, as far as it is `G' + sC'` with constants: those are added to `g` and `c` (a resistor with
/// its own AC value). Anything else is a fault: a delay or a transfer function of s.
fn add_ac_entries(sim: &Simulation, linear: &mut SmallSignal) -> Result<(), Vec<Diagnostic>> {
    let zero = Complex64::new(0.0, 0.0);
    let mut faults = vec![];
    let (at, x) = (linear.at, &linear.x);
    let mut rhs = vec![zero; sim.len()];
    let mut seen = |batch: &dyn Batch, omega: f64| {
        let mut y = vec![zero; sim.pattern().slots()];
        batch.ac(&at, x, omega, &mut AcLoad { rhs: &mut rhs, y: &mut y });
        y
    };
    for (batch, group) in sim.batches().zip(&sim.circuit.groups) {
        let slow = seen(batch, 1.0);
        if slow[1..].iter().all(|v| *v == zero) {
            continue;
        }
        let is_constant = [1e3, 1e9, 1e12].iter().all(|&omega| {
            let fast = seen(batch, omega);
            slow.iter().zip(&fast).skip(1).all(|(s, f)| {
                let want = Complex64::new(s.re, s.im * omega);
                (f - want).norm() <= 1e-9 * want.norm()
            })
        });
        if is_constant {
            for ((g, c), y) in linear.g.iter_mut().zip(&mut linear.c).zip(&slow) {
                *g += y.re;
                *c += y.im;
            }
            continue;
        }
        let text = format!("an element of type `{}` is not a ratio of polynomials of s", group.info().name);
        let mut d = Diagnostic::error(codes::NOT_RATIONAL, text);
        for i in group.iter().take(4) {
            d = d.at(i.span, "here");
        }
        faults.push(d);
    }
    if faults.is_empty() { Ok(()) } else { Err(faults) }
}
