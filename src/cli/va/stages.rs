//! What the compiler makes of a module, step by step, and how long it takes.

use std::path::Path;
use std::time::{Duration, Instant};

use super::super::args::VaStage;
use super::super::term::Term;
use super::{Options, read};
use crate::diag::Diagnostic;
use crate::veriloga::hir::Module;
use crate::veriloga::jit::Kernel;
use crate::veriloga::lower::{ReadText, finish, lower_with};

/// The module after a step.
pub fn text(m: &Module, stage: VaStage, texts: &ReadText) -> String {
    if stage == VaStage::Typed {
        return m.text();
    }
    let lowered = match lower_with(m, texts) {
        Ok(l) => l,
        Err(faults) => return faults.iter().map(|d| format!("{}: {}\n", d.code.0, d.message)).collect(),
    };
    if stage == VaStage::Lowered {
        return format!("{}\n", lowered.analog);
    }
    let p = finish(lowered);
    let func = match stage {
        VaStage::Typed | VaStage::Lowered | VaStage::Eval => p.eval(),
        VaStage::Params => &p.params,
        VaStage::Setup => &p.setup,
        VaStage::Op => p.op(),
        VaStage::Noise => p.noise(),
        VaStage::Accept => match &p.accept {
            Some(f) => f,
            None => return "nothing happens when a point is accepted\n".into(),
        },
    };
    format!("{func}\n")
}

fn ms(d: Duration) -> String {
    format!("{:.2} ms", d.as_secs_f64() * 1e3)
}

/// A table of times and sizes.
pub fn timings(file: &Path, module: Option<&str>, options: &Options, term: &Term) -> u8 {
    let start = Instant::now();
    let (modules, diags, sources) = read(file, options);
    let front = start.elapsed();
    let faults: Vec<Diagnostic> = diags.into_iter().filter(Diagnostic::is_error).collect();
    term.report(&faults, &sources);
    term.line(&format!("text to typed modules: {}", ms(front)));
    for m in modules.iter().filter(|m| module.is_none_or(|n| n == m.name)) {
        let t0 = Instant::now();
        let lowered = match lower_with(m, &super::texts(file, options)) {
            Ok(l) => l,
            Err(faults) => {
                term.report(&faults, &sources);
                continue;
            }
        };
        let t1 = Instant::now();
        let size = lowered.analog.len();
        let p = finish(lowered);
        let t2 = Instant::now();
        let code = Kernel::compile(&p, p.eval());
        let t3 = Instant::now();
        term.line(&format!(
            "{}: SSA form {} ({size} operations), derivatives and split {} (setup {}, evaluation {}, {} entries), \
             machine code {} ({}); all {}",
            m.name,
            ms(t1 - t0),
            ms(t2 - t1),
            p.setup.len(),
            p.eval().len(),
            p.entries.len(),
            ms(t3 - t2),
            code.map_or_else(|e| format!("FAILED: {e}"), |k| format!("{} instances at a time", k.lanes())),
            ms(front + (t3 - t0)),
        ));
    }
    u8::from(!faults.is_empty())
}
