//! Writing a cell: a pulse on the selected cell with all others in place, and incremental pulses with a look between.

use super::cells::Cells;
use super::drive::{Scheme, Wiring};
use super::geometry::End;
use super::nonlinear::Array;
use super::tran::{Program, TranSettings, TranStatistics, transient};
use crate::base::Control;
use crate::diag::Diagnostic;

/// A pulse across the selected cell; the other lines as the scheme says, all with the same shape in time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Pulse {
    pub row: usize,
    pub col: usize,
    pub scheme: Scheme,
    pub volts: f64,
    /// Edges and flat top, s.
    pub edge: f64,
    pub width: f64,
}

impl Pulse {
    /// Until the last edge has settled.
    pub fn stop(&self) -> f64 {
        self.width + 4.0 * self.edge
    }

    fn program(&self, wiring: &Wiring) -> Result<Program, Diagnostic> {
        let g = wiring.select(&self.scheme, self.row, self.col, self.volts)?;
        let volts = |ends: &[Vec<End>; 2]| -> Vec<f64> {
            ends[0].iter().zip(&ends[1]).map(|(a, b)| if a.is_floating() { b.volts } else { a.volts }).collect()
        };
        Ok(Program::pulse(&volts(&g.word.ends), &volts(&g.bit.ends), 0.0, self.edge, self.width, self.edge))
    }
}

/// What a pulse did.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// First internal unknown of every cell before and after.
    pub before: Vec<f64>,
    pub after: Vec<f64>,
    pub statistics: TranStatistics,
}

impl Written {
    /// Cells whose state moved by more than this, the selected one apart.
    pub fn disturbed(&self, selected: usize, by: f64) -> usize {
        let moved = self.before.iter().zip(&self.after).map(|(a, b)| (b - a).abs());
        moved.enumerate().filter(|(k, d)| *k != selected && *d > by).count()
    }
}

fn states<C: Cells>(array: &Array<C>) -> Vec<f64> {
    let k = array.cells().internals().len().max(1);
    array.internals().chunks(k).map(|z| z[0]).collect()
}

/// The cells with the wires of a write.
pub fn ready<C: Cells>(wiring: &Wiring, cells: C, pulse: &Pulse) -> Result<Array<C>, Vec<Diagnostic>> {
    let geometry = wiring.select(&pulse.scheme, pulse.row, pulse.col, 0.0).map_err(|d| vec![d])?;
    Array::new(geometry, cells)
}

/// One pulse; the cells keep what it did.
pub fn write<C: Cells>(
    array: &mut Array<C>,
    wiring: &Wiring,
    pulse: &Pulse,
    reltol: f64,
    control: &Control,
) -> Result<Written, Diagnostic> {
    let before = states(array);
    let program = pulse.program(wiring)?;
    let settings = TranSettings { reltol, ..TranSettings::new(pulse.stop()) };
    let statistics = transient(array, &program, &settings, control, |_, _| {})?;
    Ok(Written { before, after: states(array), statistics })
}

/// Incremental step pulse programming: pulses that rise by `step` until the state of the selected cell is at least
/// `target`, at most so many. Voltage and state after each pulse, and the energy of all, J.
pub fn program_verify<C: Cells>(
    array: &mut Array<C>,
    wiring: &Wiring,
    first: &Pulse,
    (step, target, most): (f64, f64, usize),
    reltol: f64,
    control: &Control,
) -> Result<(Vec<(f64, f64)>, f64, bool), Diagnostic> {
    let selected = first.row * wiring.cols + first.col;
    let mut list = vec![];
    let mut energy = 0.0;
    for k in 0..most {
        let pulse = Pulse { volts: first.volts + step * k as f64, ..*first };
        let w = write(array, wiring, &pulse, reltol, control)?;
        energy += w.statistics.energy;
        list.push((pulse.volts, w.after[selected]));
        if w.statistics.is_partial {
            return Ok((list, energy, true));
        }
        let there = if first.volts >= 0.0 { w.after[selected] >= target } else { w.after[selected] <= target };
        if there {
            break;
        }
    }
    Ok((list, energy, false))
}
