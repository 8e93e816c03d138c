//! `.ac`: the response to the sources' AC magnitudes over frequency.
//!
//! ```text
//! operating point x; G, C there
//! for every frequency: (G + jωC + Y(jω)) z = b; sample z
//! ```

use super::small_signal::{SmallSignal, frequencies};
use super::{Probes, meta, signals};
use crate::base::Control;
use crate::base::control::Progress;
use crate::circuit::Freq;
use crate::dataset::{PlotKind, Quantity, Schema, Signal, Sink};
use crate::diag::Diagnostic;
use crate::sim::Simulation;

pub fn run(
    freq: &Freq,
    sim: &mut Simulation,
    probes: &Probes,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    let points = frequencies(freq)?;
    let mut linear = SmallSignal::new(sim, control)?;
    let axis = Signal::new("frequency", Quantity::Frequency);
    sink.begin(&Schema { kind: PlotKind::Ac, has_axis: true, is_complex: true, signals: signals(Some(axis), probes) });
    let list: Vec<_> = probes.iter().map(|p| p.1).collect();
    let (mut vars, mut row) = (vec![], vec![]);
    let mut z = vec![];
    for (k, &f) in points.iter().enumerate() {
        if control.is_cancelled() {
            sink.end(meta(sim, true));
            return Ok(());
        }
        if let Err(d) = linear.factor(sim, f) {
            sink.end(meta(sim, true));
            return Err(d);
        }
        z.clone_from(&linear.rhs);
        linear.solve(sim, &mut z);
        row.clear();
        row.push(f.into());
        sim.sample_complex(&list, &linear.at, &linear.x, &z, &mut vars, &mut row);
        sink.point_complex(&row);
        sim.stats.accepted += 1;
        let fraction = (k + 1) as f64 / points.len() as f64;
        control.progress("ac", &Progress { fraction, at: f, step: 0.0, points: k + 1 });
    }
    linear.finish(sim);
    sink.end(meta(sim, false));
    Ok(())
}
