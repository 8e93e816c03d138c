//! `ferrospice models`: the device types and their parameter tables, from the registry.

use std::fmt::Write;

use super::args::Models;
use super::library;
use super::term::Term;
use crate::base::units::format_si;
use crate::device::{DeviceInfo, ParamKind, ParamSpec, Range, registry};
use crate::diag::nearest;

pub fn run(args: &Models, term: &Term) -> u8 {
    if args.index {
        term.print(&crate::library::index());
        return 0;
    }
    let all: Vec<&DeviceInfo> = registry::all().iter().map(|t| t.info()).collect();
    let Some(name) = &args.name else {
        match (args.markdown, args.library) {
            (true, false) => term.print(&markdown(&all, true)),
            (true, true) => term.print(&library::markdown()),
            (false, only) => list(&all, only, term),
        }
        return 0;
    };
    let chosen: Vec<&DeviceInfo> = all.iter().copied().filter(|i| !args.library && matches(i, name)).collect();
    if chosen.is_empty() || args.example || args.source {
        if let Some(text) = library::entry(&name.to_lowercase(), args) {
            term.print(&text);
            return 0;
        }
        let known = all.iter().flat_map(|i| std::iter::once(i.name).chain(i.model_types.iter().map(|m| m.0)));
        let known: Vec<String> = known.map(str::to_string).chain(library::names()).collect();
        let hint = nearest::did_you_mean(name, known.iter().map(String::as_str));
        let hint = hint.map(|h| format!("; {h}")).unwrap_or_default();
        let what =
            if chosen.is_empty() { "device, model type, library model or card" } else { "library model or card" };
        term.note(&format!("no {what} `{name}`{hint}\n`ferrospice models` lists them\n"));
        return 2;
    }
    if args.markdown {
        term.print(&markdown(&chosen, false));
        return 0;
    }
    for (k, i) in chosen.into_iter().enumerate() {
        if k > 0 {
            term.line("");
        }
        term.print(&plain(i));
    }
    0
}

fn list(all: &[&DeviceInfo], is_library_only: bool, term: &Term) {
    if !is_library_only {
        for i in all {
            term.line(&format!("{:<12} {}   {}", i.name, i.letter.to_ascii_uppercase(), summary(i)));
        }
        term.line("\nCompact models of the library:\n");
    }
    term.print(&library::list(is_library_only));
    term.line("\n`ferrospice models NAME` shows the parameters of one, `--example` a deck, `--library` the cards.");
}

fn matches(i: &DeviceInfo, name: &str) -> bool {
    i.name.eq_ignore_ascii_case(name)
        || i.model_types.iter().any(|(w, _)| w.eq_ignore_ascii_case(name))
        || (name.len() == 1 && name.starts_with([i.letter, i.letter.to_ascii_uppercase()]))
}

/// The first sentence of the documentation.
fn summary(i: &DeviceInfo) -> &'static str {
    let doc = i.doc.trim();
    doc.find(". ").map_or(doc, |p| &doc[..=p]).trim_end_matches('.')
}

/// How the element is written.
fn syntax(i: &DeviceInfo) -> String {
    let mut s = format!("{}name", i.letter.to_ascii_uppercase());
    for t in i.terminals {
        let _ = write!(s, " {}{}{}", if t.optional { "[" } else { "" }, t.name, if t.optional { "]" } else { "" });
    }
    if !i.model_types.is_empty() {
        s.push_str(if i.model_required { " model" } else { " [model]" });
    }
    if let Some(p) = i.positional.and_then(|p| i.instance.get(p as usize)) {
        let _ = write!(s, " [{}]", p.name);
    }
    if !i.instance.is_empty() {
        s.push_str(" [parameter=value ...]");
    }
    s
}

fn model_line(i: &DeviceInfo) -> Option<String> {
    if i.model_types.is_empty() {
        return None;
    }
    let words: Vec<&str> = i.model_types.iter().map(|m| m.0).collect();
    let mut line = format!(".model name {} (parameter=value ...)", words.join("|"));
    if !i.levels.is_empty() {
        let levels: Vec<String> = i.levels.iter().map(u32::to_string).collect();
        let _ = write!(line, "   level={}", levels.join("|"));
    }
    Some(line)
}

fn kind(k: ParamKind) -> &'static str {
    match k {
        ParamKind::Real => "real",
        ParamKind::Int => "integer",
        ParamKind::Flag => "flag",
        ParamKind::Text => "text",
        ParamKind::Vector => "list",
        ParamKind::Expr => "real or expression",
    }
}

fn default(p: &ParamSpec) -> String {
    match p.default {
        None => String::new(),
        Some(x) if p.kind == ParamKind::Flag => if x == 0.0 { "off" } else { "on" }.into(),
        Some(x) if x == 0.0 || (1e-3..1e6).contains(&x.abs()) => format!("{x}"),
        Some(x) if x.is_finite() => format!("{x:e}"),
        Some(x) => format!("{x}"),
    }
}

fn range(p: &ParamSpec) -> String {
    let r: Range = p.range;
    match (r.lo.is_finite(), r.hi.is_finite()) {
        (false, false) => String::new(),
        (true, false) => format!("{} {}", if r.lo_open { ">" } else { "≥" }, r.lo),
        (false, true) => format!("{} {}", if r.hi_open { "<" } else { "≤" }, r.hi),
        (true, true) => format!("{r}"),
    }
}

fn names(p: &ParamSpec) -> String {
    std::iter::once(p.name).chain(p.aliases.iter().copied()).collect::<Vec<_>>().join(", ")
}

fn plain(i: &DeviceInfo) -> String {
    let mut s = format!("{} (element {})\n", i.name, i.letter.to_ascii_uppercase());
    let _ = writeln!(s, "  {}", syntax(i));
    if let Some(line) = model_line(i) {
        let _ = writeln!(s, "  {line}");
    }
    let _ = writeln!(s, "\n{}", super::explain::wrap(i.doc.trim(), 100));
    for (title, table) in [("Instance parameters", i.instance), ("Model parameters", i.model)] {
        if table.is_empty() {
            continue;
        }
        let _ = writeln!(s, "\n{title}:");
        let width = table.iter().map(|p| names(p).chars().count()).max().unwrap_or(0).min(24);
        for p in table {
            let default = match p.default {
                Some(x) if p.kind == ParamKind::Real && x != 0.0 && !p.unit.is_empty() => format_si(x, p.unit),
                _ => format!("{} {}", default(p), p.unit).trim().to_string(),
            };
            let mut tail = range(p);
            if p.kind != ParamKind::Real {
                tail = format!("{} {}", kind(p.kind), tail).trim().to_string();
            }
            let tail = if tail.is_empty() { String::new() } else { format!(" ({tail})") };
            let _ = writeln!(s, "  {:<width$}  {:>12}  {}{tail}", names(p), default, p.doc);
        }
    }
    s
}

/// The reference page: all device types, or some.
pub fn markdown(infos: &[&DeviceInfo], is_page: bool) -> String {
    let mut s = String::new();
    if is_page {
        s.push_str(
            "# Devices\n\nGenerated by `ferrospice models --markdown` from the parameter tables of the devices.\n",
        );
        s.push_str("An empty default means: derived from other parameters, or off, when not given.\n\n");
        s.push_str("| device | element | model types | what it is |\n|---|---|---|---|\n");
        for i in infos {
            let words: Vec<String> = i.model_types.iter().map(|m| format!("`{}`", m.0)).collect();
            let letter = i.letter.to_ascii_uppercase();
            let _ = writeln!(s, "| [{0}](#{0}) | {letter} | {1} | {2} |", i.name, words.join(", "), cell(summary(i)));
        }
    }
    for i in infos {
        let _ = write!(s, "\n## {}\n\n```spice\n{}\n", i.name, syntax(i));
        if let Some(line) = model_line(i) {
            let _ = writeln!(s, "{line}");
        }
        let _ = write!(s, "```\n\n{}\n", i.doc.trim());
        for (title, table) in [("Instance parameters", i.instance), ("Model parameters", i.model)] {
            if table.is_empty() {
                continue;
            }
            let _ = write!(
                s,
                "\n### {title} of {}\n\n| name | kind | unit | default | range | meaning |\n|---|---|---|---|---|---|\n",
                i.name
            );
            for p in table {
                let _ = writeln!(
                    s,
                    "| {} | {} | {} | {} | {} | {} |",
                    cell(&names(p)),
                    kind(p.kind),
                    cell(p.unit),
                    default(p),
                    cell(&range(p)),
                    cell(p.doc)
                );
            }
        }
    }
    s
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
