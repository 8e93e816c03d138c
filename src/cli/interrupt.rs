//! Ctrl-C: the first one stops the run at its next accepted point, the second one ends the program.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub fn watch(cancel: Arc<AtomicBool>) {
    // Without a handler the run can still be killed, so a system that refuses one is no reason to refuse the run.
    let _ = ctrlc::set_handler(move || {
        if cancel.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
}
