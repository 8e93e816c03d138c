//! The model library: every family is examined by the model doctor and has an example, every card says where it comes from,
//! every figure that a publication gives is held by a check or has a reason why it is not.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ferrospice::diag::render::{self, Style};
use ferrospice::diag::{Diagnostic, Severity, SourceMap};
use ferrospice::library::{self, Outcome};
use ferrospice::session::fit::{Target, Variable};
use ferrospice::veriloga::bind::{BackEnd, VaDevice};
use ferrospice::veriloga::{Options, doctor, parse_and_check, texts_of};
use rayon::prelude::*;

fn read(path: &Path) -> std::io::Result<String> {
    library::read(path).map(str::to_string).ok_or_else(|| std::io::ErrorKind::NotFound.into())
}

/// What is wrong with a family; empty when all is well.
fn examined(name: &str) -> Vec<String> {
    let path = library::model_path(name).expect("it is listed");
    let options = Options { include_dirs: vec![library::root()], ..Options::default() };
    let mut sources = SourceMap::new();
    let (modules, diags) = parse_and_check(&read, &path, &mut sources, &options);
    let mut found: Vec<Diagnostic> = diags;
    let Some(m) = modules.iter().find(|m| m.name == name) else {
        return vec![format!("{name}: the file has no module of its name")];
    };
    let texts = texts_of(&path, &options.include_dirs, read);
    match VaDevice::compile_with(m, BackEnd::Native, &texts).and_then(|(dev, _)| doctor::examine(m, &Arc::new(dev))) {
        Ok(checkup) => found.extend(checkup.findings),
        Err(faults) => found.extend(faults),
    }
    found.retain(|d| d.severity <= Severity::Warning);
    let mut out = vec![];
    if !found.is_empty() {
        out.push(format!("{name}:\n{}", render::text(&found, &sources, Style::default())));
    }
    out.extend(
        m.params.values().filter(|p| p.attrs.desc.is_none()).map(|p| format!("{name}: `{}` has no desc", p.name)),
    );
    out
}

#[test]
fn every_family_passes_the_doctor() {
    let names: Vec<&str> = library::models().map(|m| m.0).collect();
    let faults: Vec<String> = names.par_iter().flat_map_iter(|n| examined(n)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    println!("{} families", names.len());
}

#[test]
fn every_family_has_a_header_and_an_example() {
    let mut faults = vec![];
    for (name, text) in library::models() {
        if library::comment(text).lines().count() < 5 {
            faults.push(format!("{name}: the header says too little"));
        }
        match library::example(name) {
            None => faults.push(format!("{name}: no netlists/models/{name}.cir")),
            Some(deck) if !deck.contains(".check") => faults.push(format!("{name}: its example checks nothing")),
            Some(_) => {}
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn cards_say_where_they_come_from() {
    let families: BTreeSet<&str> = library::models().map(|m| m.0).collect();
    let shown: BTreeSet<String> = library::decks().flat_map(|d| d.cards).map(|c| c.to_lowercase()).collect();
    let mut faults = vec![];
    for c in library::cards() {
        for (key, text) in [("device", &c.device), ("source", &c.source), ("given", &c.given), ("chosen", &c.chosen)] {
            if text.is_empty() {
                faults.push(format!("card {}: no `* {key}:`", c.name));
            }
        }
        if !families.contains(c.model.as_str()) {
            faults.push(format!("card {}: its model `{}` is no family of the library", c.name, c.model));
        }
        if !shown.contains(&c.name.to_lowercase()) {
            faults.push(format!("card {}: no deck of netlists/devices names it", c.name));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Where a card's fitted values come from: a command that finds them, or the reason why nothing was fitted.
#[test]
fn cards_say_how_they_were_fitted() {
    let mut faults = vec![];
    let (mut commands, mut none) = (0, 0);
    for c in library::cards() {
        if let Some(why) = c.fit.strip_prefix("none") {
            none += 1;
            if why.trim_start_matches([';', ':', ' ']).len() < 8 {
                faults.push(format!("card {}: `* fit: none` gives no reason", c.name));
            }
            continue;
        }
        commands += 1;
        let words: Vec<&str> = c.fit.split_whitespace().collect();
        let ["ferrospice", "fit", deck, options @ ..] = &words[..] else {
            faults.push(format!("card {}: `* fit:` is no `ferrospice fit` command: `{}`", c.name, c.fit));
            continue;
        };
        if !Path::new(env!("CARGO_MANIFEST_DIR")).join(deck).exists() {
            faults.push(format!("card {}: there is no {deck}", c.name));
        }
        let vary: Vec<&str> = options.windows(2).filter(|w| w[0] == "--vary").map(|w| w[1]).collect();
        if vary.is_empty() {
            faults.push(format!("card {}: its command varies nothing", c.name));
        }
        for v in vary {
            match Variable::parse(v) {
                Ok(Variable { target: Target::Model(card, _), .. }) if !card.eq_ignore_ascii_case(&c.name) => {
                    faults.push(format!("card {}: `{v}` varies another card", c.name));
                }
                Ok(Variable { target: Target::Model(_, parameter), .. }) => {
                    let text =
                        library::file(&format!("models/cards/{}.lib", c.name)).unwrap_or_default().to_lowercase();
                    if !text.contains(&format!("{parameter}=")) {
                        faults.push(format!("card {}: `{parameter}` is fitted, but not on the card", c.name));
                    }
                }
                Ok(_) => {}
                Err(why) => faults.push(format!("card {}: {why}", c.name)),
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    println!("{commands} cards fitted by a command, {none} without a fit");
}

#[test]
fn decks_account_for_their_figures() {
    let cards: BTreeSet<String> = library::cards().map(|c| c.name.to_lowercase()).collect();
    let mut faults = vec![];
    for d in library::decks() {
        if d.purpose.is_empty() || d.rows.is_empty() || d.figures.is_empty() {
            faults.push(format!("{}: needs a purpose, rows and figures", d.name));
        }
        for c in d.cards.iter().filter(|c| !cards.contains(&c.to_lowercase())) {
            faults.push(format!("{}: there is no card `{c}`", d.name));
        }
        for f in &d.figures {
            match &f.outcome {
                Outcome::Checked(names) if names.is_empty() => {
                    faults.push(format!("{}: `{}` names no check", d.name, f.what))
                }
                Outcome::Checked(names) => {
                    let missing = names.iter().filter(|n| !d.checks.contains(n));
                    faults.extend(missing.map(|n| format!("{}: `{}` names `{n}`, which is no check", d.name, f.what)));
                }
                Outcome::NotChecked(why) if why.len() < 8 => {
                    faults.push(format!("{}: `{}` gives no reason", d.name, f.what))
                }
                Outcome::NotChecked(_) => {}
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Rows look like `R0 E6`.
#[test]
fn rows_are_rows() {
    let is_row = |r: &str| {
        let (review, row) = r.split_once(' ').unwrap_or((r, ""));
        matches!(review, "R0" | "R1" | "R2" | "R3" | "R4")
            && row.starts_with(|c: char| c.is_ascii_uppercase())
            && row.chars().skip(1).all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-'))
    };
    let bad: Vec<String> = library::decks()
        .flat_map(|d| d.rows.iter().filter(|r| !is_row(r)).map(|r| format!("{}: `{r}`", d.name)).collect::<Vec<_>>())
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Nothing in the library's folder is left out of it.
#[test]
fn files_are_embedded() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let list = |folder: &str, ending: &str| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        entries.map(|e| e.path()).filter(|p| p.extension().is_some_and(|e| e == ending)).collect()
    };
    assert_eq!(list("models", "va").len(), library::models().count());
    assert_eq!(list("models/cards", "lib").len(), library::cards().count());
    assert_eq!(list("netlists/devices", "cir").len(), library::decks().count());
}
