//! What neighbouring instances add to the system together.
//!
//! Many of them add to the same rows and matrix entries. Summed where they are evaluated, by whichever thread, there is less
//! for one thread to read and to add afterwards.

use std::collections::HashMap;
use std::ops::Range;

use super::targets::Targets;
use crate::device::Load;

/// Sums by row and slot, those of f, q, g and c one after the other.
pub struct Share {
    /// The rows and slots, and where those of q, g and c begin and where they end.
    places: Vec<u32>,
    parts: [usize; 4],
    sums: Vec<f64>,
    /// By place of the instances: which of the sums it goes to.
    to: Vec<u32>,
}

impl Share {
    /// Of the instances of a range.
    pub fn new(targets: &Targets, instances: Range<usize>) -> Share {
        let mut share = Share {
            places: vec![],
            parts: [0; 4],
            sums: vec![],
            to: vec![0; targets.range(instances.start, instances.end).len()],
        };
        for part in 0..4 {
            let mut known: HashMap<u32, u32> = HashMap::new();
            for i in instances.clone() {
                let begin = targets.range(instances.start, i).len();
                let places = targets.places(i);
                for k in targets.pattern(i).part(part) {
                    share.to[begin + k] = *known.entry(places[k]).or_insert_with(|| {
                        share.places.push(places[k]);
                        share.places.len() as u32 - 1
                    });
                }
            }
            share.parts[part] = share.places.len();
        }
        share.sums.resize(share.places.len(), 0.0);
        share
    }

    pub fn clear(&mut self) {
        self.sums.fill(0.0);
    }

    /// Adds numbers for the places from number `begin` on.
    pub fn add(&mut self, begin: usize, numbers: &[f64]) {
        for (to, y) in self.to[begin..].iter().zip(numbers) {
            self.sums[*to as usize] += y;
        }
    }

    /// Adds the sums to the system.
    pub fn load(&self, out: &mut Load) {
        let [q, g, c, end] = self.parts;
        let of = |range: Range<usize>| self.places[range.clone()].iter().zip(&self.sums[range]);
        of(0..q).for_each(|(row, y)| out.f(*row, *y));
        of(q..g).for_each(|(row, y)| out.q(*row, *y));
        of(g..c).for_each(|(slot, y)| out.g(*slot, *y));
        of(c..end).for_each(|(slot, y)| out.c(*slot, *y));
    }
}
