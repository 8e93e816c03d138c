//! `ferrospice va test`: the model doctor's findings.

use std::path::Path;
use std::sync::Arc;

use super::super::term::Term;
use super::{Options, read};
use crate::diag::Diagnostic;
use crate::veriloga::bind::{BackEnd, VaDevice};
use crate::veriloga::doctor;

/// Examines the modules of a file. 1 when a file or module is at fault or a finding is more than a lint.
pub fn run(file: &Path, module: Option<&str>, options: &Options, term: &Term) -> u8 {
    let (modules, diags, sources) = read(file, options);
    let faults: Vec<Diagnostic> = diags.into_iter().filter(Diagnostic::is_error).collect();
    term.report(&faults, &sources);
    let mut is_bad = !faults.is_empty();
    let chosen: Vec<_> = modules.iter().filter(|m| module.is_none_or(|n| n == m.name)).collect();
    if let (true, false, Some(name)) = (chosen.is_empty(), is_bad, module) {
        term.note(&format!("no module `{name}` in {}\n", file.display()));
        return 2;
    }
    for m in chosen {
        let compiled = VaDevice::compile_with(m, BackEnd::Native, &super::texts(file, options));
        let checkup = compiled.and_then(|(dev, _)| doctor::examine(m, &Arc::new(dev)));
        match checkup {
            Ok(c) => {
                let verdict = if c.findings.is_empty() { "ok" } else { "findings" };
                term.line(&format!(
                    "{}: {verdict}; {} derivatives at {} points (largest deviation {:.1e}, {} not smooth enough to \
                     compare), {} parameter values",
                    m.name, c.entries, c.points, c.worst, c.rough, c.values
                ));
                is_bad |= c.findings.iter().any(|d| d.severity <= crate::diag::Severity::Warning);
                term.report(&c.findings, &sources);
            }
            Err(faults) => {
                is_bad = true;
                term.line(&format!("{}: cannot be simulated", m.name));
                term.report(&faults, &sources);
            }
        }
    }
    u8::from(is_bad)
}
