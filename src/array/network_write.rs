//! Write and verify with gates: pulses on the lines of a network, each a little higher than the last, with a look between.
//!
//! The access transistor decides how much current its cell can take while it switches, and so how far the cell gets: a gate
//! that rises from pulse to pulse is the usual way to a state between the rails.

use super::cells::LineCells;
use super::march::{TranSettings, TranStatistics};
use super::network::{Network, NetworkProgram};
use crate::base::Control;
use crate::diag::Diagnostic;
use crate::diag::codes::array::ARRAY_PLACE;

/// Pulses that rise until a cell is where it should be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Climb {
    /// The line that gets more from pulse to pulse, and how much, V.
    pub plane: usize,
    pub line: usize,
    pub step: f64,
    /// The cell that is looked at, which of its internal unknowns, and what that should reach, from below or from above.
    pub cell: usize,
    pub internal: usize,
    pub target: f64,
    /// Pulses at most.
    pub most: usize,
    /// Edges and flat top, s.
    pub edge: f64,
    pub width: f64,
}

/// What the pulses did.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Climbed {
    /// Voltage of the line that rises, and the state after the pulse.
    pub pulses: Vec<(f64, f64)>,
    pub is_reached: bool,
    /// Of all pulses together.
    pub statistics: TranStatistics,
}

impl<C: LineCells> Network<C> {
    /// Pulses from 0 V to `volts`, plane by plane, until the state is reached. A cell that is there already gets none.
    pub fn program_verify(
        &mut self,
        volts: &[Vec<f64>],
        climb: &Climb,
        reltol: f64,
        control: &Control,
    ) -> Result<Climbed, Diagnostic> {
        let stride = LineCells::internals(self.cells()).len();
        let line = volts.get(climb.plane).and_then(|v| v.get(climb.line));
        let (Some(&first), true, Some(&before)) =
            (line, climb.internal < stride, self.internals().get(climb.cell * stride + climb.internal))
        else {
            return Err(Diagnostic::error(ARRAY_PLACE, "the line or the state of a write is not one of the array"));
        };
        let rises = before < climb.target;
        let is_there = |x: f64| if rises { x >= climb.target } else { x <= climb.target };
        let settings = TranSettings { reltol, ..TranSettings::new(climb.width + 4.0 * climb.edge) };
        let mut volts = volts.to_vec();
        let mut out = Climbed { is_reached: is_there(before), ..Climbed::default() };
        for k in 0..climb.most {
            if out.is_reached || out.statistics.is_partial {
                break;
            }
            volts[climb.plane][climb.line] = first + climb.step * k as f64;
            let program = NetworkProgram::pulse(&volts, 0.0, climb.edge, climb.width, climb.edge);
            let s = self.transient(&program, &settings, control, |_, _| {})?;
            let state = self.internals()[climb.cell * stride + climb.internal];
            out.pulses.push((volts[climb.plane][climb.line], state));
            out.is_reached = is_there(state);
            let all = &mut out.statistics;
            all.accepted += s.accepted;
            all.rejected += s.rejected;
            all.newton += s.newton;
            all.energy += s.energy;
            all.is_partial = s.is_partial;
        }
        Ok(out)
    }
}
