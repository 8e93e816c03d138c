//! Every deck under `netlists/` runs and passes its own `.check` cards.

use std::path::{Path, PathBuf};

use ferrospice::base::Control;
use ferrospice::diag::render::{self, Style};
use ferrospice::session::{self, Disk, RunOptions};

fn decks(dir: &Path, out: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() {
            decks(&path, out);
        } else if path.extension().is_some_and(|e| e == "cir") {
            out.push(path);
        }
    }
}

/// `FERROSPICE_DECK=ring` runs only the decks with `ring` in their path.
#[test]
fn all_decks_pass_their_checks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![];
    decks(&root.join("netlists"), &mut all);
    all.sort();
    let only = std::env::var("FERROSPICE_DECK").unwrap_or_default();
    let mut faults = vec![];
    let (mut passed, mut run) = (0, 0);
    for path in all.iter().filter(|p| p.to_string_lossy().contains(&only)) {
        let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
        let outcome = session::run(path, &RunOptions::default(), &Disk, &Control::default());
        run += 1;
        for p in &outcome.points {
            for c in &p.checks {
                if c.is_ok {
                    passed += 1;
                } else {
                    faults.push(format!("{name}: {} {} = {}", p.label, c.name, c.text()));
                }
            }
        }
        if outcome.has_errors() {
            faults.push(format!("{name}:\n{}", render::text(&outcome.diagnostics, &outcome.sources, Style::default())));
        }
    }
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    println!("{run} decks, {passed} checks");
}
