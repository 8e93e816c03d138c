//! The analyses: one file each. They drive a [`Simulation`] and stream points into a [`Sink`].

pub mod ac;
pub mod dc;
pub mod noise;
pub mod op;
mod pencil;
pub mod pz;
mod relref;
pub mod sens;
pub mod small_signal;
pub mod tf;
pub mod tran;

use crate::base::Control;
use crate::circuit::Analysis;
use crate::dataset::{Meta, Quantity, Signal, Sink};
use crate::device::AnalysisKind;
use crate::diag::codes::analysis as codes;
use crate::diag::{Diagnostic, Span};
use crate::sim::{Probe, Simulation};

/// Signals that were asked for, resolved.
pub type Probes = [(Signal, Probe)];

/// Runs one analysis. An interrupted run returns `Ok` with `meta.is_partial`; a failed one has streamed what it had.
pub fn run(
    analysis: &Analysis,
    sim: &mut Simulation,
    probes: &Probes,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    sim.restart_stats();
    sim.begin(match analysis {
        Analysis::Op => AnalysisKind::Op,
        Analysis::Dc { .. } => AnalysisKind::Dc,
        Analysis::Tran { .. } => AnalysisKind::Tran,
        Analysis::Ac { .. } => AnalysisKind::Ac,
        Analysis::Noise { .. } => AnalysisKind::Noise,
        Analysis::Tf { .. } | Analysis::Sens { .. } | Analysis::Pz { .. } => AnalysisKind::Other,
    });
    match analysis {
        Analysis::Op => op::run(sim, probes, sink, control),
        Analysis::Dc { sweeps } => dc::run(sweeps, sim, probes, sink, control),
        Analysis::Tran { step, stop, start, max_step, uic } => {
            let plan = tran::Plan { step: *step, stop: *stop, start: *start, max_step: *max_step, uic: *uic };
            tran::run(&plan, sim, probes, sink, control)
        }
        Analysis::Ac { freq } => ac::run(freq, sim, probes, sink, control),
        Analysis::Noise { output, reference, input, freq, every } => {
            let plan = noise::Plan { output, reference: reference.as_deref(), input, freq, every: *every };
            noise::run(&plan, sim, sink, control)
        }
        Analysis::Tf { output, input } => tf::run(output, input, sim, sink, control),
        Analysis::Sens { output, freq, only } => sens::run(output, freq.as_ref(), only, sim, sink, control),
        Analysis::Pz { input, output, is_voltage, poles, zeros } => {
            let plan = pz::Plan { input, output, is_voltage: *is_voltage, poles: *poles, zeros: *zeros };
            pz::run(&plan, sim, sink, control)
        }
    }
}

/// What every table says about how it was made; the session adds title, version and deck.
fn meta(sim: &Simulation, is_partial: bool) -> Meta {
    Meta {
        title: sim.circuit.title.clone(),
        seed: sim.env.seed,
        temp_c: sim.env.temp - crate::base::consts::ZERO_C,
        options: sim.circuit.options.given.iter().cloned().collect(),
        stats: sim.stats.clone(),
        is_partial,
        ..Meta::default()
    }
}

fn signals(axis: Option<Signal>, probes: &Probes) -> Vec<Signal> {
    axis.into_iter().chain(probes.iter().map(|(s, _)| s.clone())).collect()
}

fn bad_range(text: impl Into<String>) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::BAD_RANGE, text).at(Span::NOWHERE, "")]
}

fn time_axis() -> Signal {
    Signal::new("time", Quantity::Time)
}
