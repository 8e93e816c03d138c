//! `ferrospice va`: Verilog-A files checked, explained, dumped.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

mod curves;
mod doctor;
mod stages;

use super::args::{Va, VaCommand, VaReading};
use super::term::Term;
use crate::diag::{Diagnostic, SourceMap};
use crate::library;
use crate::session::{self, Disk};
use crate::veriloga::hir::{
    EventKind, ExprKind, Module, OperatorKind, Owner, ParamKind, Quantity, Stmt, StmtKind, print::ty_text,
};
use crate::veriloga::{self, Options};

pub fn run(args: &Va, term: &mut Term) -> u8 {
    match &args.command {
        VaCommand::Check { files, reading, json, quiet } => {
            (term.json, term.quiet) = (*json, *quiet);
            check(files, &options(reading), term)
        }
        VaCommand::Explain { file, module, reading } => {
            show(&found(file), module.as_deref(), &options(reading), term, &|m| explain(m))
        }
        VaCommand::Test { file, module, reading } => {
            doctor::run(&found(file), module.as_deref(), &options(reading), term)
        }
        VaCommand::Plot(args) => curves::run(args, &options(&args.reading), term),
        VaCommand::Dump { file, module, stage, timings, reading } => {
            let file = &found(file);
            if *timings {
                return stages::timings(file, module.as_deref(), &options(reading), term);
            }
            let options = options(reading);
            let texts = texts(file, &options);
            show(file, module.as_deref(), &options, term, &|m| stages::text(m, *stage, &texts))
        }
    }
}

/// A file, or where there is none the model of the library of that name.
fn found(file: &Path) -> PathBuf {
    let name = file.to_str().filter(|_| !file.exists()).map(|n| n.strip_suffix(".va").unwrap_or(n));
    name.and_then(library::model_path).unwrap_or_else(|| file.to_path_buf())
}

fn options(r: &VaReading) -> Options {
    let define = |d: &String| match d.split_once('=') {
        Some((n, v)) => (n.to_string(), v.to_string()),
        None => (d.clone(), "1".to_string()),
    };
    let mut include_dirs = r.include.clone();
    include_dirs.push(library::root());
    Options { include_dirs, defines: r.define.iter().map(define).collect(), ..Options::default() }
}

fn read(path: &Path, options: &Options) -> (Vec<Module>, Vec<Diagnostic>, SourceMap) {
    let mut sources = SourceMap::new();
    let files = |p: &Path| session::read(&Disk, p);
    let (modules, diags) = veriloga::parse_and_check(&files, path, &mut sources, options);
    (modules, diags, sources)
}

/// Finds files that a module names: beside its own, then where included files are looked for.
fn texts<'a>(file: &'a Path, options: &'a Options) -> impl Fn(&str) -> Result<String, String> + 'a {
    veriloga::texts_of(file, &options.include_dirs, |p: &Path| session::read(&Disk, p))
}

/// All files, each with its faults; then a table.
fn check(files: &[std::path::PathBuf], options: &Options, term: &Term) -> u8 {
    let mut rows = vec![];
    let mut failed = 0;
    for file in files {
        let (modules, diags, sources) = read(file, options);
        term.report(&diags, &sources);
        let errors = diags.iter().filter(|d| d.is_error()).count();
        let others = diags.len() - errors;
        failed += usize::from(errors > 0);
        let name = file.display().to_string();
        let list: Vec<&str> = modules.iter().map(|m| m.name.as_str()).collect();
        if term.json {
            let ports: serde_json::Map<String, serde_json::Value> =
                modules.iter().map(|m| (m.name.clone(), m.ports.values().map(|p| p.name.as_str()).collect())).collect();
            let line = json!({
                "file": name, "ok": errors == 0, "modules": list, "tops": tops(&modules), "ports": ports,
                "errors": errors, "lints": others,
            });
            term.line(&line.to_string());
        } else {
            rows.push((name, list.join(" "), errors, others));
        }
    }
    if !term.json {
        let width = rows.iter().map(|r| r.0.chars().count()).max().unwrap_or(0);
        for (name, modules, errors, others) in rows {
            if term.quiet && errors == 0 {
                continue;
            }
            let verdict = if errors == 0 { "ok  " } else { "FAIL" };
            let what = match (errors, modules.is_empty()) {
                (0, false) => modules,
                (0, true) => String::new(),
                (1, _) => "1 error".into(),
                (n, _) => format!("{n} errors"),
            };
            let lints = match others {
                0 => String::new(),
                1 => ", 1 lint".into(),
                n => format!(", {n} lints"),
            };
            term.line(&format!("{verdict} {name:<width$}  {what}{lints}"));
        }
        if files.len() > 1 {
            term.line(&format!("{} of {} files ok", files.len() - failed, files.len()));
        }
    }
    u8::from(failed > 0)
}

/// Names of the modules that no other one of them instantiates.
fn tops(modules: &[Module]) -> Vec<&str> {
    let used = |name: &str| modules.iter().any(|m| m.instances.iter().any(|i| i.module == name));
    modules.iter().map(|m| m.name.as_str()).filter(|n| !used(n)).collect()
}

fn show(file: &Path, module: Option<&str>, options: &Options, term: &Term, text: &dyn Fn(&Module) -> String) -> u8 {
    let (modules, diags, sources) = read(file, options);
    let faults: Vec<Diagnostic> = diags.into_iter().filter(Diagnostic::is_error).collect();
    term.report(&faults, &sources);
    let chosen: Vec<&Module> = modules.iter().filter(|m| module.is_none_or(|n| n == m.name)).collect();
    if let (true, Some(name)) = (chosen.is_empty() && faults.is_empty(), module) {
        let known = modules.iter().map(|m| m.name.as_str());
        let hint = crate::diag::nearest::did_you_mean(name, known).map(|h| format!("; {h}")).unwrap_or_default();
        term.note(&format!("no module `{name}` in {}{hint}\n", file.display()));
        return 2;
    }
    for (k, m) in chosen.into_iter().enumerate() {
        if k > 0 {
            term.line("");
        }
        term.print(&text(m));
    }
    u8::from(!faults.is_empty())
}

/// Rows of a table with aligned columns.
fn table(out: &mut String, title: &str, rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "\n{title}");
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |k: usize| rows.iter().filter_map(|r| r.get(k)).map(|c| c.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for r in rows {
        let mut line = String::from("  ");
        for (k, cell) in r.iter().enumerate() {
            let pad = if k + 1 == r.len() { 0 } else { widths[k] };
            let _ = write!(line, "{cell:<pad$}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
}

/// What a family of the library is made of; none if it does not compile, which a test excludes.
pub(super) fn explain_model(name: &str) -> Option<String> {
    let options = Options { include_dirs: vec![library::root()], ..Options::default() };
    let (modules, _, _) = read(&library::model_path(name)?, &options);
    modules.iter().find(|m| m.name == name).map(explain)
}

/// Ports, parameters, outputs, states, events, noise of a module.
fn explain(m: &Module) -> String {
    let mut out = format!("module {}", m.name);
    if let Some(d) = &m.attrs.desc {
        let _ = write!(out, ": {d}");
    }
    out.push('\n');
    let discipline = |n| m.nodes[n].discipline.map_or("-", |d| m.disciplines[d].name.as_str()).to_string();
    let some = |s: &Option<String>| s.clone().unwrap_or_default();
    let rows: Vec<Vec<String>> = m
        .ports
        .values()
        .map(|p| {
            vec![p.name.clone(), format!("{:?}", p.direction).to_lowercase(), discipline(p.node), some(&p.attrs.desc)]
        })
        .collect();
    table(&mut out, "ports", &rows);
    let rows: Vec<Vec<String>> =
        m.internal_nodes().map(|(id, n)| vec![n.name.clone(), discipline(id), some(&n.attrs.desc)]).collect();
    table(&mut out, "internal nodes", &rows);
    let rows: Vec<Vec<String>> = m
        .params
        .iter()
        .filter(|(_, p)| p.kind == ParamKind::Parameter)
        .map(|(id, p)| {
            let ranges: Vec<String> = p.ranges.iter().map(|r| m.range_text(r)).collect();
            let default: Vec<String> = p.default.iter().map(|e| m.expr_text(*e)).collect();
            let dims: String = p.dims.iter().map(|d| format!("[{}:{}]", d.left, d.right)).collect();
            let mut doc = some(&p.attrs.desc);
            if p.is_instance() {
                doc.push_str(" (instance)");
            }
            if !p.aliases.is_empty() {
                let _ = write!(doc, " (also {})", p.aliases.join(", "));
            }
            if m.structural.contains(&id) {
                doc.push_str(" (changes the structure)");
            }
            let unit = some(&p.attrs.units);
            vec![
                format!("{}{dims}", p.name),
                ty_text(p.ty).into(),
                default.join(", "),
                unit,
                ranges.join(" "),
                doc.trim().into(),
            ]
        })
        .collect();
    table(&mut out, "parameters: name, type, default, unit, range", &rows);
    let rows: Vec<Vec<String>> = m
        .vars
        .values()
        .filter(|v| v.is_output)
        .map(|v| vec![v.name.clone(), some(&v.attrs.units), some(&v.attrs.desc)])
        .collect();
    table(&mut out, "operating-point variables", &rows);
    let states: Vec<Vec<String>> = m
        .operators
        .iter()
        .filter(|(_, o)| {
            matches!(
                o.kind,
                OperatorKind::Idt { .. }
                    | OperatorKind::IdtMod { .. }
                    | OperatorKind::Laplace(_)
                    | OperatorKind::AbsDelay { .. }
                    | OperatorKind::Transition { .. }
                    | OperatorKind::Slew { .. }
                    | OperatorKind::LastCrossing { .. }
            )
        })
        .map(|(id, _)| vec![short(&m.operator_text(id))])
        .collect();
    table(&mut out, "operators with a state", &states);
    let kept: Vec<Vec<String>> = veriloga::kept(m).into_iter().map(|name| vec![name]).collect();
    table(&mut out, "variables that keep their value from one point to the next", &kept);
    let reactive = m.operators.values().filter(|o| matches!(o.kind, OperatorKind::Ddt { .. })).count();
    let limits = m.operators.values().filter(|o| matches!(o.kind, OperatorKind::Limit { .. })).count();
    let draws = m.exprs.values().filter(|e| matches!(e.kind, ExprKind::Random(_))).count();
    let noise: Vec<Vec<String>> = m
        .operators
        .iter()
        .filter_map(|(id, o)| match &o.kind {
            OperatorKind::WhiteNoise { name, .. }
            | OperatorKind::FlickerNoise { name, .. }
            | OperatorKind::NoiseTable { name, .. } => Some(vec![some(name), short(&m.operator_text(id))]),
            _ => None,
        })
        .collect();
    table(&mut out, "noise sources", &noise);
    let events: Vec<Vec<String>> = m
        .events
        .iter()
        .filter(|(_, e)| !matches!(e.kind, EventKind::InitialModel | EventKind::InitialInstance))
        .map(|(id, _)| vec![short(&m.event_text(id))])
        .collect();
    table(&mut out, "events", &events);
    let branches: Vec<Vec<String>> = m
        .branches
        .iter()
        .filter(|(_, b)| b.is_flow_contributed || b.is_potential_contributed || b.is_flow_probed)
        .map(|(id, b)| {
            let unit = |q| m.nature(id, q).map_or(String::new(), |n| n.units.clone());
            let mut use_ = vec![];
            if b.is_flow_contributed {
                use_.push(format!("flow contributed ({})", unit(Quantity::Flow)));
            }
            if b.is_potential_contributed {
                use_.push(format!("potential contributed ({})", unit(Quantity::Potential)));
            }
            if b.is_flow_probed {
                use_.push("flow probed".into());
            }
            vec![m.branch_text(id), use_.join(", ")]
        })
        .collect();
    table(&mut out, "branches", &branches);
    let functions = m.functions.len();
    let vars = m.vars.values().filter(|v| v.owner == Owner::Module).count();
    let _ = writeln!(
        out,
        "\n{vars} variables, {functions} functions, {} statements, {reactive} ddt, {limits} $limit, {draws} random draws",
        count(&m.analog)
    );
    out
}

fn short(text: &str) -> String {
    if text.chars().count() > 90 {
        return text.chars().take(87).chain("...".chars()).collect();
    }
    text.to_string()
}

fn count(list: &[Stmt]) -> usize {
    list.iter()
        .map(|s| {
            1 + match &s.kind {
                StmtKind::If { then, otherwise, .. } => count(then) + count(otherwise),
                StmtKind::Case { arms, default, .. } => {
                    arms.iter().map(|a| count(&a.body)).sum::<usize>() + count(default)
                }
                StmtKind::Loop { body, step, .. } => count(body) + count(step),
                StmtKind::Repeat { body, .. } | StmtKind::OnEvent { body, .. } => count(body),
                _ => 0,
            }
        })
        .sum()
}
