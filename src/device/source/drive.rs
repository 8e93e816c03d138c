//! What the sources have in common: the value that each has now, its AC phasor, its corners.

use num_complex::Complex64;

use super::build::waveform;
use super::wave::Wave;
use super::*;
use crate::device::common::Bank;
use crate::diag::Diagnostic;

/// Values of all sources of a batch.
#[derive(Clone)]
pub struct Drives {
    pub bank: Bank,
    waves: Vec<Option<Box<Wave>>>,
    /// `dc`, NaN where it is not given.
    dc: Vec<f64>,
    pub ac: Vec<Complex64>,
}

impl Drives {
    pub fn new(group: &Group, env: &Env, faults: &mut Vec<Diagnostic>) -> Self {
        let mut waves = Vec::with_capacity(group.len());
        for inst in group.iter() {
            match waveform(&inst, env) {
                Ok(w) => waves.push(w.map(Box::new)),
                Err(mut d) => {
                    faults.append(&mut d);
                    waves.push(None);
                }
            }
        }
        let mut d = Drives { bank: Bank::of_instances(INSTANCE, group), waves, dc: vec![], ac: vec![] };
        d.refresh();
        d
    }

    /// Takes over changed parameters.
    pub fn refresh(&mut self) {
        let n = self.waves.len();
        self.dc = (0..n).map(|i| self.bank.given(i, DC).unwrap_or(f64::NAN)).collect();
        self.ac = (0..n)
            .map(|i| Complex64::from_polar(self.bank.real(i, ACMAG), self.bank.real(i, ACPHASE).to_radians()))
            .collect();
    }

    #[inline]
    pub fn value(&self, i: usize, at: &Point) -> f64 {
        let dc = self.dc[i];
        let value = match &self.waves[i] {
            None => {
                if dc.is_nan() {
                    0.0
                } else {
                    dc
                }
            }
            Some(_) if at.is_static && !at.is_tran_op && !dc.is_nan() => dc,
            Some(w) => w.value(at.time),
        };
        value * at.source_scale
    }

    pub fn accept(&mut self, at: &Point) -> Wishes {
        let mut wishes = Wishes::default();
        for w in self.waves.iter_mut().flatten() {
            wishes.discontinuity |= w.accept(at.time);
            wishes.next_break = wishes.next_break.min(w.next_break(at.time));
            wishes.max_step = wishes.max_step.min(w.max_step(at.time));
        }
        wishes
    }

    pub fn set(&mut self, instance: usize, id: ParamId, value: f64) -> bool {
        matches!(id, DC | ACMAG | ACPHASE | M | COMPLIANCE) && self.bank.set(instance, id, value)
    }
}

pub static OP_VARS: &[OpVar] = &[
    OpVar { name: "i", unit: "A", doc: "current from p through the source to n" },
    OpVar { name: "v", unit: "V", doc: "voltage from p to n" },
    OpVar { name: "p", unit: "W", doc: "power taken up; negative when the source delivers" },
];
