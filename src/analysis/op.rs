//! `.op`, and the operating point under every other analysis.

use super::{Probes, meta, signals};
use crate::base::Control;
use crate::dataset::{PlotKind, Schema, Sink};
use crate::device::{Point, Unknown};
use crate::diag::Diagnostic;
use crate::newton::Newton;
use crate::newton::homotopy::{self, Found, Plan};
use crate::sim::{Simulation, System};

/// Finds the operating point from the guess in `x`.
///
/// `.nodeset` nodes are forced first and then let go; `.ic` nodes stay forced when `with_ic` (the start of a transient).
/// `warm`: x is near the solution (the last point of a sweep).
pub fn solve(
    sim: &mut Simulation,
    at: &Point,
    x: &mut [f64],
    with_ic: bool,
    warm: bool,
    control: &Control,
    place: &str,
) -> Result<Found, Vec<Diagnostic>> {
    let options = &sim.circuit.options;
    let plan = Plan {
        direct: if warm { options.itl2.max(20) } else { options.itl1 },
        step: options.itl2.max(20),
        gmin: options.gminsteps > 0,
        source: options.srcsteps > 0,
        pseudo: true,
        warm,
    };
    let ics: Vec<(Unknown, f64)> = if with_ic { sim.circuit.ics.clone() } else { vec![] };
    for (u, v) in sim.holds().collect::<Vec<_>>() {
        x[u] = v;
    }
    if !warm {
        sim.guess(at, x);
        // The search begins where the user says that the solution is.
        for (u, v) in sim.circuit.nodesets.iter().filter(|(u, _)| *u != 0) {
            x[*u as usize] = *v;
        }
    }
    let mut newton = Newton::new(sim.len());
    let mut residual = vec![0.0; sim.len()];
    let mut find = |sim: &mut Simulation, forced: Vec<(Unknown, f64)>, x: &mut [f64], plan: Plan| {
        sim.forced = forced;
        let mut system = System::new(sim, *at, None, &mut residual);
        let r = homotopy::find(&mut system, &mut newton, x, plan, &|| control.is_cancelled());
        sim.forced.clear();
        r
    };
    let mut warm_plan = plan;
    if !sim.circuit.nodesets.is_empty() && !warm {
        let mut forced = ics.clone();
        forced.extend(sim.circuit.nodesets.iter().filter(|(u, _)| !ics.iter().any(|(i, _)| i == u)));
        if find(sim, forced, x, plan).is_ok() {
            warm_plan.warm = true;
        }
    }
    let guess = x.to_vec();
    let found = loop {
        match find(sim, ics.clone(), x, warm_plan) {
            Ok(found) => break found,
            // A model may leave a node of its own open, as a resistance of 0 or a junction without current does.
            Err(lost) if lost.is_singular() && sim.tie_adrift() => x.copy_from_slice(&guess),
            Err(lost) => return Err(vec![sim.no_operating_point(&lost, place)]),
        }
    };
    sim.tell_adrift();
    sim.stats.homotopy = found.by.into();
    Ok(found)
}

pub fn run(
    sim: &mut Simulation,
    probes: &Probes,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    let mut x = vec![0.0; sim.len()];
    let at = sim.point_dc();
    solve(sim, &at, &mut x, false, false, control, "")?;
    sim.stats.accepted += 1;
    sink.begin(&Schema { kind: PlotKind::Op, has_axis: false, is_complex: false, signals: signals(None, probes) });
    let list: Vec<_> = probes.iter().map(|p| p.1).collect();
    let (mut vars, mut row) = (vec![], vec![]);
    sim.sample(&list, &at, &x, &mut vars, &mut row);
    sink.point(&row);
    sim.accept(&at, &x);
    sim.finish(&at, &x);
    sink.end(meta(sim, false));
    Ok(())
}
