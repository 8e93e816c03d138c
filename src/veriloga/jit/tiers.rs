//! Code that is there soon, and code that is fast.
//!
//! Allocating registers well takes four fifths of a large function's compilation, and such code runs one and a half times
//! as fast. Large functions are therefore compiled in one pass first, and again in the background when they have been
//! evaluated so often that it pays. Both give the same bits, so that it does not matter when the better one takes over.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{Kernel, Quality};
use crate::veriloga::lower::Program;

/// Operations of a function up to which good code is made at once: some milliseconds.
const SMALL: usize = 400;
/// Operations above which good code is never made: its register allocation takes more than linear time, which is minutes
/// for a model whose evaluation is one large loop.
const LARGE: usize = 60_000;
/// Evaluations after which better code is worth its making: on a thread of its own, and if there is only one.
const AFTER: u64 = 10_000;
const AFTER_ALONE: u64 = 100_000;

/// The evaluation of a module.
pub struct Tiers {
    first: Kernel,
    better: OnceLock<Option<Kernel>>,
    evaluations: AtomicU64,
    /// Evaluations after which better code is wanted.
    limit: u64,
}

impl Tiers {
    /// Generates code for a module's evaluation. The message says what the code generator disliked.
    pub fn compile(p: &Program) -> Result<Tiers, String> {
        let size = p.eval.len();
        let quality = if size <= SMALL { Quality::Good } else { Quality::Quick };
        let limit = match size {
            0..=SMALL => u64::MAX,
            LARGE.. => u64::MAX,
            _ if rayon::current_num_threads() == 1 => AFTER_ALONE,
            _ => AFTER,
        };
        let first = Kernel::compile(p, quality)?;
        Ok(Tiers { first, better: OnceLock::new(), evaluations: AtomicU64::new(0), limit })
    }

    /// The best code that there is.
    pub fn best(&self) -> &Kernel {
        self.better.get().and_then(Option::as_ref).unwrap_or(&self.first)
    }

    /// Counts evaluations. True: now better code should be made.
    pub fn count(&self, evaluations: usize) -> bool {
        if self.evaluations.load(Ordering::Relaxed) >= self.limit {
            return false;
        }
        let before = self.evaluations.fetch_add(evaluations as u64, Ordering::Relaxed);
        before < self.limit && before + evaluations as u64 >= self.limit
    }

    /// Makes better code of the same program.
    pub fn improve(&self, p: &Program) {
        // A function that could be compiled once can be compiled again; if not, the first code stays.
        self.better.get_or_init(|| Kernel::compile(p, Quality::Good).ok());
    }
}
