//! Instances that stand still are continued along the tangent of their last evaluation.
//!
//! ```text
//! f(x) = f(l) + G(l) (x - l),    q(x) = q(l) + C(l) (x - l)        while x is near l
//! ```
//! as the native transistors do (`device::mosfet::quiet` says why the error is small: it is of second order; a law that is
//! steeper than a junction's makes it larger by the square, and `.options bypass=0` or a smaller reltol helps). What a
//! module computes must then depend on its unknowns alone: whatever else it reads (the time, what persists, random
//! numbers) must be what it was. Modules with operators that look back are always evaluated.

use super::batch::VaBatch;
use super::chunks::Kept;
use crate::device::{Point, UnknownKind};
use crate::veriloga::ir::{Def, Func, In, Op, sim};

/// What an evaluation reads besides its unknowns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    sim: [bool; sim::COUNT],
    /// Something that changes when a point is accepted.
    remembers: bool,
    /// Values that operators give which look back in time.
    looks_back: bool,
}

impl Reads {
    pub fn of(eval: &Func) -> Reads {
        let mut r = Reads::default();
        for value in &eval.vals {
            let Def::Op(op) = &value.def else { continue };
            match op {
                Op::Input(In::Sim, k, _) => match r.sim.get_mut(*k as usize) {
                    Some(s) => *s = true,
                    // Numbers of integrals follow those of the simulator.
                    None => r.looks_back = true,
                },
                Op::Input(In::Hidden | In::Uniform | In::Normal | In::Key | In::Event, _, _) => r.remembers = true,
                Op::Input(In::Signal, _, _) => r.looks_back = true,
                _ => {}
            }
        }
        r
    }

    pub fn remembers(&self) -> bool {
        self.remembers
    }
}

impl VaBatch {
    /// How far unknowns may move while tangents hold; none: everything is to be evaluated. Forgets what no longer holds.
    pub(super) fn quiet(&self, at: &Point, numbers: &[f64; sim::COUNT], kept: &mut Kept) -> Option<f64> {
        let may = at.quiet > 0.0 && !at.is_static && !at.is_first_iteration && !at.is_uic_start;
        let may = may && !self.dev.reads.looks_back;
        let differs = |k: usize| self.dev.reads.sim[k] && numbers[k] != kept.numbers[k];
        if !may || kept.version != self.version || (0..sim::COUNT).any(differs) {
            kept.forget();
            kept.numbers = *numbers;
            kept.version = self.version;
        }
        may.then_some(at.quiet)
    }

    /// Are the unknowns of an instance where they were?
    pub(super) fn is_near(&self, now: &[f64], last: &[f64], quiet: f64) -> bool {
        now.iter().zip(last).zip(&self.dev.unknowns).all(|((x, l), (_, kind))| {
            // Quantities that are not voltages have no scale but their own size.
            let scale = if *kind == UnknownKind::Voltage { 1.0 } else { l.abs() };
            (x - l).abs() <= quiet * scale
        })
    }
}
