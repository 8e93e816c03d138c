//! What errors in time are relative to (`.options relref=`).
//!
//! ```text
//! alllocal    each unknown to its own recent magnitude: the default
//! sigglobal   voltages of nodes to the largest voltage of any node so far, and of sources at any time; currents of
//!             branches to the largest current so far
//! ```
//! The words are those of other simulators (VACASK has them, too). With the second, steps do not follow the microvolts of
//! half-selected lines, and nothing below `reltol` of the supply is promised. Unknowns inside devices, their states above all, have scales
//! of their own and are always judged on these.

use crate::sim::Simulation;

/// The largest magnitudes so far, by class of unknowns.
pub struct Relref {
    is_global: bool,
    /// The largest voltage of a source.
    drive: f64,
    largest: [f64; 2],
}

/// A magnitude that grew by less than this is not worth a new table.
const GROWN: f64 = 1.05;
/// Times at which sources are looked at.
const LOOKS: u32 = 256;

impl Relref {
    /// What sources will give counts from the start: else the first steps, where everything is nearly 0, would be the
    /// shortest of all.
    pub fn new(sim: &mut Simulation, stop: f64) -> Self {
        let is_global = sim.circuit.options.relref == "sigglobal";
        let times = (0..=LOOKS).map(|k| stop * f64::from(k) / f64::from(LOOKS));
        let drive = if is_global { sim.largest_drive(times) } else { 0.0 };
        Relref { is_global, drive, largest: [0.0; 2] }
    }

    /// Takes note of a point. `class` is 0 for a voltage, 1 for a current. Writes the absolute tolerances of Newton's
    /// steps and of the local error.
    pub fn note(&mut self, sim: &mut Simulation, x: &[f64], class: &[u8], abstol: &mut [f64]) {
        if !self.is_global {
            return;
        }
        let nodes = sim.nodes;
        let kind = |u: usize, class: u8| if class == 0 && u >= nodes { usize::MAX } else { usize::from(class) };
        let mut largest = [self.drive, 0.0];
        for (u, (x, &class)) in x.iter().zip(class).enumerate().skip(1) {
            if let Some(l) = largest.get_mut(kind(u, class)) {
                *l = l.max(x.abs());
            }
        }
        if !largest.iter().zip(&self.largest).any(|(new, old)| *new > GROWN * old) {
            return;
        }
        for (old, new) in self.largest.iter_mut().zip(largest) {
            *old = old.max(new);
        }
        let reltol = sim.circuit.options.reltol;
        for (u, (a, &class)) in abstol.iter_mut().zip(class).enumerate() {
            if let Some(l) = self.largest.get(kind(u, class)) {
                *a = sim.abstol[u] + reltol * l;
            }
        }
        sim.step_abstol.copy_from_slice(abstol);
    }
}
