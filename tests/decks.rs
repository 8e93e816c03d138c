//! Every deck under `netlists/` runs and passes its own `.check` cards.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

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

/// Checks that a deck passes, and what is wrong with it.
fn checked(root: &Path, path: &Path) -> (usize, Vec<String>) {
    let name = path.strip_prefix(root).unwrap_or(path).display().to_string();
    let options = RunOptions { threads: 1, ..RunOptions::default() };
    let outcome = session::run(path, &options, &Disk, &Control::default());
    let (mut passed, mut faults) = (0, vec![]);
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
    (passed, faults)
}

/// `FERROSPICE_DECK=ring` runs only the decks with `ring` in their path.
#[test]
fn all_decks_pass_their_checks() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = vec![];
    decks(&root.join("netlists"), &mut all);
    all.sort();
    let only = std::env::var("FERROSPICE_DECK").unwrap_or_default();
    // Ten thousand pulses each: minutes for the release build, an hour for this one, unless it is asked for.
    let is_long =
        |p: &&PathBuf| cfg!(debug_assertions) && only.is_empty() && p.starts_with(root.join("netlists/trains"));
    let chosen: Vec<&PathBuf> =
        all.iter().filter(|p| p.to_string_lossy().contains(&only)).filter(|p| !is_long(p)).collect();
    // Threads of their own: a deck that waits for its sweep must not begin another one on top of its stack.
    let next = AtomicUsize::new(0);
    let results = Mutex::new(vec![]);
    std::thread::scope(|s| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            s.spawn(|| {
                while let Some(p) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let found = checked(root, p);
                    results.lock().unwrap().push(found);
                }
            });
        }
    });
    let results = results.into_inner().unwrap();
    let passed: usize = results.iter().map(|r| r.0).sum();
    let mut faults: Vec<String> = results.into_iter().flat_map(|r| r.1).collect();
    faults.sort();
    let run = chosen.len();
    assert!(faults.is_empty(), "{} faults\n{}", faults.len(), faults.join("\n"));
    println!("{run} of {} decks, {passed} checks", all.len());
}
