//! Standard output and standard error: the only place of the program that writes to them.
//!
//! A reader that goes away (`ferrospice ... | head`) ends the output quietly, not the run.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::args::ColorChoice;
use crate::diag::render::{self, Style};
use crate::diag::{Diagnostic, Severity, SourceMap};

/// So many diagnostics of each severity are drawn; a file that is no deck at all can have one for each of its lines.
const DRAWN: usize = 200;

pub struct Term {
    out: Mutex<BufWriter<io::Stdout>>,
    is_gone: AtomicBool,
    style: Style,
    /// Colour on standard output.
    pub out_color: bool,
    pub json: bool,
    /// Errors only.
    pub quiet: bool,
}

impl Term {
    pub fn new(color: ColorChoice) -> Self {
        let on = |is_terminal: bool| match color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => wants_color(is_terminal, |name| std::env::var(name).ok()),
        };
        let width = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()).unwrap_or(120);
        Term {
            out: Mutex::new(BufWriter::with_capacity(1 << 16, io::stdout())),
            is_gone: AtomicBool::new(false),
            style: Style { color: on(io::stderr().is_terminal()), width },
            out_color: on(io::stdout().is_terminal()),
            json: false,
            quiet: false,
        }
    }

    /// Results, to standard output.
    pub fn print(&self, text: &str) {
        self.with_out(|out| out.write_all(text.as_bytes()));
    }

    pub fn line(&self, text: &str) {
        self.with_out(|out| {
            out.write_all(text.as_bytes())?;
            out.write_all(b"\n")
        });
    }

    pub fn flush(&self) {
        self.with_out(|out| out.flush());
    }

    fn with_out(&self, f: impl FnOnce(&mut BufWriter<io::Stdout>) -> io::Result<()>) {
        if self.is_gone.load(Ordering::Relaxed) {
            return;
        }
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if f(&mut out).is_err() {
            self.is_gone.store(true, Ordering::Relaxed);
        }
    }

    /// Diagnostics, to standard error.
    pub fn report(&self, diags: &[Diagnostic], sources: &SourceMap) {
        let shown: Vec<&Diagnostic> = diags.iter().filter(|d| !self.quiet || d.severity == Severity::Error).collect();
        if shown.is_empty() {
            return;
        }
        self.flush();
        if self.json {
            let lines: String = shown.iter().map(|d| render::json(d, sources) + "\n").collect();
            self.note(&lines);
        } else {
            let mut drawn = [0; 4];
            let head: Vec<Diagnostic> = shown
                .iter()
                .filter(|d| {
                    let n = &mut drawn[d.severity as usize];
                    *n += 1;
                    *n <= DRAWN
                })
                .map(|d| (*d).clone())
                .collect();
            self.note(&render::text(&head, sources, self.style));
            if head.len() < shown.len() {
                self.note(&format!("\n{} more are not shown; `--json` has them all\n", shown.len() - head.len()));
            }
            let count = |s: Severity| shown.iter().filter(|d| d.severity == s).count();
            let part = |n: usize, one: &str| match n {
                0 => None,
                1 => Some(format!("1 {one}")),
                n => Some(format!("{n} {one}s")),
            };
            let parts: Vec<String> = [
                part(count(Severity::Error), "error"),
                part(count(Severity::Warning), "warning"),
                part(count(Severity::Lint), "lint"),
            ]
            .into_iter()
            .flatten()
            .collect();
            if let Some(code) = shown.iter().find(|d| d.is_error()).map(|d| d.code.0) {
                self.note(&format!("\n{}; `ferrospice explain {code}` says more\n", parts.join(", ")));
            }
        }
    }

    /// Anything else for standard error.
    pub fn note(&self, text: &str) {
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// https://no-color.org and https://bixense.com/clicolors: NO_COLOR wins, then CLICOLOR_FORCE, then CLICOLOR=0.
fn wants_color(is_terminal: bool, env: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name: &str| env(name).is_some_and(|v| !v.is_empty());
    if set("NO_COLOR") {
        false
    } else if env("CLICOLOR_FORCE").is_some_and(|v| !v.is_empty() && v != "0") {
        true
    } else {
        is_terminal && env("CLICOLOR").as_deref() != Some("0") && env("TERM").as_deref() != Some("dumb")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_conventions() {
        let with =
            |pairs: &'static [(&str, &str)]| move |n: &str| pairs.iter().find(|p| p.0 == n).map(|p| p.1.to_string());
        assert!(wants_color(true, with(&[])));
        assert!(!wants_color(false, with(&[])));
        assert!(!wants_color(true, with(&[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")])));
        assert!(wants_color(false, with(&[("CLICOLOR_FORCE", "1")])));
        assert!(!wants_color(false, with(&[("CLICOLOR_FORCE", "0")])));
        assert!(!wants_color(true, with(&[("CLICOLOR", "0")])));
        assert!(!wants_color(true, with(&[("TERM", "dumb")])));
    }
}
