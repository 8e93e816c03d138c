//! Cancellation and progress: how a long run hears from, and speaks to, whoever started it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default)]
pub struct Progress {
    /// Done, from 0 to 1.
    pub fraction: f64,
    /// The sweep or time variable (s in a transient, Hz in AC) and the last step of it.
    pub at: f64,
    pub step: f64,
    /// Accepted points so far.
    pub points: usize,
}

/// Receives progress; called at most once a solved point, so it must be cheap.
pub trait Watch: Send + Sync {
    fn progress(&self, what: &str, p: &Progress);
}

/// Handed down to every analysis.
#[derive(Clone, Default)]
pub struct Control {
    cancel: Arc<AtomicBool>,
    watch: Option<Arc<dyn Watch>>,
}

impl Control {
    pub fn new(watch: Option<Arc<dyn Watch>>) -> Self {
        Control { cancel: Arc::default(), watch }
    }

    /// The flag that stops the run at its next accepted point.
    pub fn cancel_flag(&self) -> Arc<AtomicBool> {
        self.cancel.clone()
    }

    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }

    pub fn progress(&self, what: &str, p: &Progress) {
        if let Some(w) = &self.watch {
            w.progress(what, p);
        }
    }

    /// The same cancellation without progress: for runs side by side.
    pub fn quiet(&self) -> Control {
        Control { cancel: self.cancel.clone(), watch: None }
    }
}
