//! Progress on standard error: a bar with simulated time, step and remaining time, or JSON lines.
//!
//! Nothing is shown in the first half second, so that short runs stay silent.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::args::ProgressChoice;
use crate::base::control::{Progress, Watch};
use crate::base::units::format_si;

/// Milliseconds of silence at the start, and between two updates.
const DELAY: u64 = 500;
const PERIOD: u64 = 100;
/// Steps of the bar.
const SCALE: u64 = 10_000;

pub struct Meter {
    start: Instant,
    /// Milliseconds at which the next update is due.
    due: AtomicU64,
    is_json: bool,
    bar: OnceLock<ProgressBar>,
    /// The analysis shown last; another one starts the estimate afresh.
    what: Mutex<String>,
}

impl Meter {
    /// `None` when nothing is to be shown.
    pub fn new(choice: ProgressChoice, quiet: bool) -> Option<Arc<Meter>> {
        let is_json = choice == ProgressChoice::Json;
        let is_shown = match choice {
            ProgressChoice::None => false,
            ProgressChoice::Json => true,
            ProgressChoice::Auto => !quiet && std::io::stderr().is_terminal(),
        };
        is_shown.then(|| {
            Arc::new(Meter {
                start: Instant::now(),
                due: AtomicU64::new(if is_json { 0 } else { DELAY }),
                is_json,
                bar: OnceLock::new(),
                what: Mutex::default(),
            })
        })
    }

    pub fn finish(&self) {
        if let Some(bar) = self.bar.get() {
            bar.finish_and_clear();
        }
    }

    fn show(&self, what: &str, p: &Progress) {
        let bar = self.bar.get_or_init(|| {
            let bar = ProgressBar::with_draw_target(Some(SCALE), ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{prefix:>6} [{bar:32}] {percent:>3}%  {msg}  eta {eta}")
                .unwrap_or_else(|_| ProgressStyle::default_bar())
                .progress_chars("=> ");
            bar.set_style(style);
            bar
        });
        if let Ok(mut shown) = self.what.lock()
            && *shown != what
        {
            *shown = what.to_string();
            bar.reset();
            bar.set_prefix(what.to_string());
        }
        bar.set_position((p.fraction.clamp(0.0, 1.0) * SCALE as f64) as u64);
        bar.set_message(position(what, p));
    }
}

/// Where the run stands, in the unit of its sweep.
fn position(what: &str, p: &Progress) -> String {
    match what {
        "tran" => format!("t = {}  step {}", format_si(p.at, "s"), format_si(p.step, "s")),
        "ac" | "noise" => format!("f = {}", format_si(p.at, "Hz")),
        "sweep" => format!("point {}", p.points),
        _ => format!("at {}", format_si(p.at, "")),
    }
}

impl Watch for Meter {
    fn progress(&self, what: &str, p: &Progress) {
        let now = self.start.elapsed().as_millis() as u64;
        let due = self.due.load(Ordering::Relaxed);
        if now < due || self.due.compare_exchange(due, now + PERIOD, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        if self.is_json {
            let mut line = serde_json::json!({
                "progress": what, "fraction": p.fraction, "at": p.at, "step": p.step, "points": p.points,
            });
            // Seconds that remain, if it goes on like this.
            let eta = self.start.elapsed().as_secs_f64() * (1.0 - p.fraction) / p.fraction;
            if let (true, Some(o)) = (eta.is_finite(), line.as_object_mut()) {
                o.insert("eta".into(), eta.into());
            }
            let _ = writeln!(std::io::stderr().lock(), "{line}");
        } else {
            self.show(what, p);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_have_units() {
        let p = Progress { fraction: 0.5, at: 1.5e-9, step: 2e-12, points: 3 };
        assert_eq!(position("tran", &p), "t = 1.5 ns  step 2 ps");
        assert_eq!(position("sweep", &p), "point 3");
    }
}
