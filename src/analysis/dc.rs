//! `.dc`: up to three nested sweeps over sources, parameters, model parameters and temperature, the first innermost.
//!
//! Each point starts from the last solution; a point that Newton does not reach from there is solved from scratch
//! with the homotopies. A `.param` cannot be changed in a compiled circuit, so such points are elaborated anew.

use std::sync::Arc;

use super::{Probes, bad_range, meta, op, signals};
use crate::base::Control;
use crate::base::consts::ZERO_C;
use crate::base::control::Progress;
use crate::circuit::{SweepRange, SweepTarget};
use crate::dataset::{PlotKind, Quantity, Schema, Signal, Sink};
use crate::device::param;
use crate::diag::Diagnostic;
use crate::diag::codes::analysis as codes;
use crate::diag::nearest::did_you_mean;
use crate::sim::{Probe, Simulation};

/// A sweep variable found in the simulation.
enum Handle {
    Instance {
        group: usize,
        instance: usize,
        id: param::ParamId,
    },
    Model {
        group: usize,
        model: usize,
        id: param::ParamId,
    },
    Temperature,
    /// Only elaboration can change it.
    Rebuild,
}

fn unknown(what: &str, name: &str, help: Option<String>) -> Vec<Diagnostic> {
    let mut d = Diagnostic::error(codes::UNKNOWN_SWEEP, format!("no {what} `{name}` to sweep"));
    d.help.extend(help);
    vec![d]
}

fn find(sim: &Simulation, target: &SweepTarget) -> Result<Handle, Vec<Diagnostic>> {
    let circuit = &sim.circuit;
    let instance = |name: &str, parameter: Option<&str>| -> Result<Handle, Vec<Diagnostic>> {
        let Some((group, instance)) = circuit.instance(name) else {
            let known: Vec<&str> =
                circuit.groups.iter().flat_map(|g| g.iter()).map(|i| circuit.names.get(i.name)).collect();
            return Err(unknown("element", name, did_you_mean(name, known)));
        };
        let info = circuit.groups[group].info();
        let id = match parameter {
            Some(p) => param::find(info.instance, p).ok_or_else(|| {
                unknown("parameter", &format!("{name}[{p}]"), did_you_mean(p, info.instance.iter().map(|s| s.name)))
            })?,
            None => info.positional.ok_or_else(|| unknown("principal value of", name, None))?,
        };
        Ok(Handle::Instance { group, instance, id })
    };
    match target {
        SweepTarget::Temp => Ok(Handle::Temperature),
        SweepTarget::Param(_) => Ok(Handle::Rebuild),
        SweepTarget::Source(name) => instance(name, Some("dc")),
        SweepTarget::Instance(name, p) => instance(name, p.as_deref()),
        SweepTarget::Model(name, p) => {
            for (group, g) in circuit.groups.iter().enumerate() {
                if let Some(model) = g.models.iter().position(|m| m.name.eq_ignore_ascii_case(name)) {
                    let id = param::find(g.info().model, p).ok_or_else(|| {
                        let near = did_you_mean(p, g.info().model.iter().map(|s| s.name));
                        unknown("model parameter", &format!("{name}({p})"), near)
                    })?;
                    return Ok(Handle::Model { group, model, id });
                }
            }
            let known: Vec<&str> = circuit.groups.iter().flat_map(|g| &g.models).map(|m| &*m.name).collect();
            Err(unknown("model", name, did_you_mean(name, known)))
        }
    }
}

/// Sets one variable; false when elaboration must do it.
fn set(sim: &mut Simulation, handle: &Handle, value: f64) -> bool {
    match *handle {
        Handle::Instance { group, instance, id } => sim.set_param(group, instance, id, value),
        Handle::Model { group, model, id } => sim.set_model_param(group, model, id, value),
        Handle::Temperature => {
            sim.set_temperature(value + ZERO_C);
            true
        }
        Handle::Rebuild => false,
    }
}

fn axis(target: &SweepTarget) -> Signal {
    match target {
        SweepTarget::Source(name) if name.rsplit('.').next().is_some_and(|n| n.starts_with(['i', 'I'])) => {
            Signal::new("i(i-sweep)", Quantity::Current)
        }
        SweepTarget::Source(_) => Signal::new("v(v-sweep)", Quantity::Voltage),
        SweepTarget::Temp => Signal::new("temp-sweep", Quantity::Temperature),
        SweepTarget::Param(p) => Signal::new(p.to_ascii_lowercase(), Quantity::Other("")),
        SweepTarget::Instance(i, None) => Signal::new(format!("@{i}"), Quantity::Other("")),
        SweepTarget::Instance(i, Some(p)) => Signal::new(format!("@{i}[{p}]"), Quantity::Other("")),
        SweepTarget::Model(m, p) => Signal::new(format!("{m}({p})"), Quantity::Other("")),
    }
}

/// Works on a copy: what the sweep sets does not stay for the analyses after it.
pub fn run(
    sweeps: &[(SweepTarget, SweepRange)],
    sim: &mut Simulation,
    probes: &Probes,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    let mut swept = sim.clone();
    let outcome = sweep(sweeps, &mut swept, probes, sink, control);
    sim.stats = swept.stats;
    outcome
}

fn sweep(
    sweeps: &[(SweepTarget, SweepRange)],
    sim: &mut Simulation,
    probes: &Probes,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    if sweeps.is_empty() {
        return Err(bad_range("`.dc` has no sweep"));
    }
    let handles = sweeps.iter().map(|(t, _)| find(sim, t)).collect::<Result<Vec<_>, _>>()?;
    let grids: Vec<Vec<f64>> = sweeps.iter().map(|(_, r)| r.points()).collect();
    let total: usize = grids.iter().map(Vec::len).product();
    let schema = Schema {
        kind: PlotKind::Dc,
        has_axis: true,
        is_complex: false,
        signals: signals(Some(axis(&sweeps[0].0)), probes),
    };
    sink.begin(&schema);
    let mut list: Vec<Probe> = probes.iter().map(|p| p.1).collect();
    let mut x = vec![0.0; sim.len()];
    let (mut vars, mut row) = (vec![], vec![]);
    let mut last: Vec<Option<f64>> = vec![None; sweeps.len()];
    let mut is_partial = false;
    for k in 0..total {
        if control.is_cancelled() {
            is_partial = true;
            break;
        }
        let mut rest = k;
        let point: Vec<f64> = grids
            .iter()
            .map(|g| {
                let v = g[rest % g.len()];
                rest /= g.len();
                v
            })
            .collect();
        let mut changeable = true;
        for (h, (v, l)) in handles.iter().zip(point.iter().zip(&mut last)) {
            if *l != Some(*v) {
                changeable &= set(sim, h, *v);
                *l = Some(*v);
            }
        }
        if !changeable {
            rebuild(sim, sweeps, &point, probes, &mut list)?;
            for (h, v) in handles.iter().zip(&point) {
                set(sim, h, *v);
            }
            x.resize(sim.len(), 0.0);
        }
        let at = sim.point_dc();
        let place = || {
            let parts: Vec<String> =
                sweeps.iter().zip(&point).map(|((t, _), v)| format!("{} = {v:.6e}", axis(t).name)).collect();
            format!(" at {}", parts.join(", "))
        };
        // A new inner sweep starts far from where the last one ended.
        let warm = k > 0 && k % grids[0].len() != 0;
        if let Err(d) = op::solve(sim, &at, &mut x, false, warm, control, &place()) {
            sink.end(meta(sim, true));
            return Err(d);
        }
        sim.stats.accepted += 1;
        row.clear();
        row.push(point[0]);
        sim.sample(&list, &at, &x, &mut vars, &mut row);
        sink.point(&row);
        sim.accept(&at, &x);
        let p = Progress { fraction: (k + 1) as f64 / total as f64, at: point[0], step: 0.0, points: k + 1 };
        control.progress("dc", &p);
    }
    let at = sim.point_dc();
    sim.finish(&at, &x);
    sink.end(meta(sim, is_partial));
    Ok(())
}

/// Elaborates again with the sweep's values and finds the probes there.
fn rebuild(
    sim: &mut Simulation,
    sweeps: &[(SweepTarget, SweepRange)],
    point: &[f64],
    probes: &Probes,
    list: &mut Vec<Probe>,
) -> Result<(), Vec<Diagnostic>> {
    let Some(build) = sim.rebuild.clone() else {
        return Err(bad_range("this sweep variable cannot be changed in a compiled circuit"));
    };
    let values: Vec<(SweepTarget, f64)> = sweeps.iter().map(|s| s.0.clone()).zip(point.iter().copied()).collect();
    let circuit = Arc::new(build(&values)?);
    let mut fresh = Simulation::compile(&circuit)?;
    fresh.rebuild = Some(build);
    fresh.stats = sim.stats.clone();
    *sim = fresh;
    list.clear();
    for (signal, _) in probes {
        let Some((_, p)) = sim.probe(&signal.name) else {
            return Err(bad_range(format!("`{}` does not exist at every point of the sweep", signal.name)));
        };
        list.push(p);
    }
    Ok(())
}
