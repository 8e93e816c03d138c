//! `ferrospice va plot`: the curves of a module, without a netlist.
//!
//! Two ports or one: current against voltage; with a state in an integral or in variables, the loop that a sine of one
//! period draws. Three and more: a family of curves, the first port swept and the second stepped, all others grounded,
//! which for (d, g, s, b) and (c, b, e) is the output characteristic.

use std::fmt::Write;
use std::path::Path;

use super::super::args::VaPlot;
use super::super::settings;
use super::super::term::Term;
use super::{Options, read};
use crate::base::Control;
use crate::dataset::Table;
use crate::diag::Diagnostic;
use crate::plot;
use crate::session::{self, Disk, RunOptions, figures, files};
use crate::veriloga::hir::{Module, OperatorKind};
use crate::veriloga::lower::{ReadText, finish, lower_with};

/// FROM:TO or FROM:TO:STEP, V.
fn range(text: &str, what: &str, points: f64) -> Result<(f64, f64, f64), String> {
    let numbers: Option<Vec<f64>> = text.split(':').map(|p| p.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some([a, b]) if a < b => Ok((*a, *b, (b - a) / points)),
        Some([a, b, s]) if a < b && *s > 0.0 => Ok((*a, *b, *s)),
        _ => Err(format!("{what} {text}: FROM:TO or FROM:TO:STEP with FROM < TO is wanted")),
    }
}

fn has_state(m: &Module, texts: &ReadText) -> bool {
    m.operators.values().any(|o| matches!(o.kind, OperatorKind::Idt { .. } | OperatorKind::IdtMod { .. }))
        || lower_with(m, texts).is_ok_and(|l| !finish(l).hidden.is_empty())
}

/// The deck, and what is drawn against what.
fn deck(m: &Module, path: &Path, args: &VaPlot, texts: &ReadText) -> Result<(String, String), Vec<String>> {
    let mut faults = vec![];
    let many = m.ports.len() > 2;
    let default = if many { "0:1" } else { "-1:1" };
    let sweep = range(args.sweep.as_deref().unwrap_or(default), "--sweep", 200.0);
    let step = range(args.step.as_deref().unwrap_or("0:1"), "--step", 5.0);
    let (sweep, step) = match (sweep, step) {
        (Ok(a), Ok(b)) => (a, b),
        (a, b) => {
            faults.extend(a.err().into_iter().chain(b.err()));
            return Err(faults);
        }
    };
    let names: Vec<&str> = m.ports.values().map(|p| p.name.as_str()).collect();
    let mut port = |given: &Option<String>, default: usize, what: &str| match given {
        None => default,
        Some(n) => names.iter().position(|p| p.eq_ignore_ascii_case(n)).unwrap_or_else(|| {
            faults.push(format!("{what} {n}: the ports of `{}` are {}", m.name, names.join(", ")));
            default
        }),
    };
    let (x, y) = (port(&args.port, 0, "--port"), port(&args.stepped, 1, "--stepped"));
    let mut fixed = vec![0.0; names.len()];
    for set in &args.set {
        let parts = set.split_once('=').and_then(|(n, v)| Some((n.trim(), v.trim().parse::<f64>().ok()?)));
        match parts.and_then(|(n, v)| Some((names.iter().position(|p| p.eq_ignore_ascii_case(n))?, v))) {
            Some((k, v)) => fixed[k] = v,
            None => faults.push(format!("--set {set}: PORT=VOLTS is wanted; the ports are {}", names.join(", "))),
        }
    }
    if many && x == y {
        faults.push("--port and --stepped name the same port".into());
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut text = format!("curves of {}\n.hdl \"{}\"\n", m.name, path.display());
    let loops = !many && has_state(m, texts);
    for (k, v) in fixed.iter().enumerate() {
        let wave = if loops && k == x {
            format!(" sin(0 {} {})", sweep.0.abs().max(sweep.1.abs()), args.frequency)
        } else {
            String::new()
        };
        let _ = writeln!(text, "v{k} p{k} 0 {v}{wave}");
    }
    let nodes: Vec<String> = (0..names.len()).map(|k| format!("p{k}")).collect();
    let _ = writeln!(text, "xdut {} {} {}", nodes.join(" "), m.name, args.param.join(" "));
    let period = 1.0 / args.frequency;
    if loops {
        let _ = writeln!(text, ".tran {:e} {period:e} 0 {:e}", period / 500.0, period / 500.0);
    } else if many {
        let _ = writeln!(
            text,
            ".dc v{x} {} {} {:e}\n.step v{y} {} {} {:e}",
            sweep.0, sweep.1, sweep.2, step.0, step.1, step.2
        );
    } else {
        let _ = writeln!(text, ".dc v{x} {} {} {:e}", sweep.0, sweep.1, sweep.2);
    }
    let _ = writeln!(text, ".save v(p{x}) i(v{x})\n.end");
    let entry = if loops { format!("-i(v{x}) vs v(p{x})") } else { format!("-i(v{x})") };
    Ok((text, entry))
}

pub fn run(args: &VaPlot, options: &Options, term: &Term) -> u8 {
    let (modules, diags, sources) = read(&args.file, options);
    let faults: Vec<Diagnostic> = diags.into_iter().filter(Diagnostic::is_error).collect();
    term.report(&faults, &sources);
    if !faults.is_empty() {
        return 1;
    }
    let top = super::tops(&modules).first().map(|s| s.to_string());
    let name = args.module.clone().or(top).unwrap_or_default();
    let Some(m) = modules.iter().find(|m| m.name == name) else {
        term.note(&format!("no module `{name}` in {}\n", args.file.display()));
        return 2;
    };
    let output = args.output.clone().unwrap_or_else(|| args.file.with_extension("svg"));
    let extension = output.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let mut usage = vec![];
    if !matches!(extension.as_str(), "svg" | "png") {
        usage.push(format!("-o {}: pictures are .svg or .png", output.display()));
    }
    if args.frequency.is_nan() || args.frequency <= 0.0 {
        usage.push(format!("--frequency {}: a positive frequency is wanted", args.frequency));
    }
    let size = settings::size(&args.size);
    usage.extend(size.as_ref().err().cloned());
    let path = std::path::absolute(&args.file).unwrap_or_else(|_| args.file.clone());
    let made = deck(m, &path, args, &super::texts(&args.file, options));
    usage.extend(made.as_ref().err().cloned().unwrap_or_default());
    let (Ok((text, entry)), Ok((width, height)), true) = (made, size, usage.is_empty()) else {
        return super::super::usage(&usage, term);
    };
    let run_options =
        RunOptions { include_dirs: options.include_dirs.clone(), plots: vec![entry.clone()], ..RunOptions::default() };
    let outcome = session::run_text("curves.cir", &text, &run_options, &Disk, &Control::default());
    term.report(&outcome.diagnostics, &outcome.sources);
    if outcome.status().exit_code() != 0 {
        return outcome.status().exit_code();
    }
    let tables: Vec<&Table> = outcome.tables().collect();
    let title = args.title.clone().unwrap_or_else(|| m.attrs.desc.clone().unwrap_or_else(|| m.name.clone()));
    let style = plot::Options {
        title: Some(title),
        log_x: None,
        log_y: args.logy.then_some(true),
        width,
        height,
        ..plot::Options::default()
    };
    // The steps are a family of curves.
    let (drawn, mut messages) = figures::draw(&[tables], &[entry], &style);
    if !messages.iter().any(Diagnostic::is_error) {
        for d in drawn {
            let target = if d.suffix.is_empty() { output.clone() } else { files::with_suffix(&output, &d.suffix) };
            match d.figure.encode(&extension).and_then(|b| files::write_bytes(&target, &b, &Disk)) {
                Ok(()) => term.note(&format!("wrote {}\n", target.display())),
                Err(d) => messages.push(d),
            }
        }
    }
    term.report(&messages, &outcome.sources);
    u8::from(messages.iter().any(Diagnostic::is_error))
}
