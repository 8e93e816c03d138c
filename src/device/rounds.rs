//! Large batches on all threads.
//!
//! Evaluations are spread over the threads, a round at a time, and then taken one after the other in one order: sums are the
//! same to the last bit for any number of threads.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

/// From this many devices on, all threads evaluate; below, handing out the work costs more than it saves.
pub const PARALLEL_FROM: usize = 1024;
/// Evaluations of a round.
const ROUND: usize = 4096;
/// Devices that a thread takes at once.
pub const GRAIN: usize = 128;

/// Where threads leave their evaluations.
pub struct Rounds<T>(Mutex<Vec<T>>);

impl<T: Clone + Send + Sync> Rounds<T> {
    /// Room for a batch of `n` devices: none for one that a single thread evaluates.
    pub fn new(n: usize, nothing: T) -> Self {
        Rounds(Mutex::new(vec![nothing; if n >= PARALLEL_FROM { n.min(ROUND) } else { 0 }]))
    }

    /// Evaluates items 0 to n-1, each of `weight` devices, and takes them in this order. What evaluations read must not
    /// depend on what was taken.
    #[inline(always)]
    pub fn each<S: Sync>(
        &self,
        (n, weight): (usize, usize),
        state: &mut S,
        evaluate: impl Fn(&S, usize) -> T + Sync,
        mut take: impl FnMut(&mut S, usize, &T),
    ) {
        if n * weight < PARALLEL_FROM || rayon::current_num_threads() == 1 {
            for k in 0..n {
                let new = evaluate(state, k);
                take(state, k, &new);
            }
            return;
        }
        let mut room = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let length = room.len().max(1);
        for first in (0..n).step_by(length) {
            let round = &mut room[..(n - first).min(length)];
            let shared = &*state;
            let each = round.par_iter_mut().with_min_len(GRAIN / weight).enumerate();
            each.for_each(|(k, new)| *new = evaluate(shared, first + k));
            for (k, new) in round.iter().enumerate() {
                take(state, first + k, new);
            }
        }
    }
}

/// A copy has room of its own.
impl<T: Clone> Clone for Rounds<T> {
    fn clone(&self) -> Self {
        Rounds(Mutex::new(self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()))
    }
}

impl<T> Default for Rounds<T> {
    fn default() -> Self {
        Rounds(Mutex::default())
    }
}
