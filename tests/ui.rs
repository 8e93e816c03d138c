//! What a user reads: `tests/ui/NAME.cir` run, and all its diagnostics as the terminal shows them in `NAME.stderr`.
//!
//! `FERROSPICE_BLESS=1 cargo test --test ui` writes the expectations anew; read the difference before keeping it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ferrospice::base::Control;
use ferrospice::diag::{Diagnostic, codes, render};
use ferrospice::session::{self, RunOptions, World};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui")
}

/// The files of the folder, by names relative to it, so that messages read the same on every machine.
struct Folder(PathBuf);

impl World for Folder {
    fn read(&self, path: &Path) -> io::Result<String> {
        let at = self.0.join(path);
        if !at.exists() {
            return Err(io::Error::new(io::ErrorKind::NotFound, "no such file"));
        }
        session::Disk.read(&at)
    }

    fn write(&self, _: &Path, _: session::world::Fill) -> io::Result<()> {
        Ok(())
    }

    fn now(&self) -> u64 {
        0
    }
}

fn decks() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder())
        .expect("tests/ui")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|x| x == "cir"))
        .collect();
    all.sort();
    all
}

fn run(deck: &Path) -> (String, Vec<Diagnostic>) {
    let name = deck.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let options = RunOptions { include_dirs: vec!["inc".into()], threads: 1, ..RunOptions::default() };
    let out = session::run(Path::new(&name), &options, &Folder(folder()), &Control::new(None));
    (rounded(&render::text(&out.diagnostics, &out.sources, render::Style::default())), out.diagnostics)
}

/// How far a search got and in how many iterations is not for this test to hold: `1.234e-5` and `after 17 iterations`
/// lose their digits.
fn rounded(text: &str) -> String {
    let mut out: Vec<String> = vec![];
    for line in text.split('\n') {
        let mut words: Vec<String> = line.split(' ').map(String::from).collect();
        for k in 0..words.len() {
            let number = |w: &str| w.contains('e') && w.contains('.') && w.parse::<f64>().is_ok();
            let bare = words[k].trim_start_matches('(');
            if line.contains("= note: ") || line.starts_with("error[E060") {
                if number(bare) {
                    words[k] = words[k].replace(bare, "#");
                } else if k > 0 && words[k - 1] == "after" && words[k].parse::<u32>().is_ok() {
                    words[k] = "#".into();
                }
            }
        }
        out.push(words.join(" "));
    }
    out.join("\n")
}

#[test]
fn every_message_reads_as_expected() {
    let bless = std::env::var_os("FERROSPICE_BLESS").is_some_and(|v| v == "1");
    let mut wrong = vec![];
    let decks = decks();
    for deck in &decks {
        let (text, diags) = run(deck);
        let expectation = deck.with_extension("stderr");
        let order: Vec<_> = diags.iter().filter_map(|d| d.span().map(|s| s.order())).collect();
        assert!(order.is_sorted(), "{} is not sorted", deck.display());
        if bless {
            fs::write(&expectation, &text).expect("writable");
        } else if fs::read_to_string(&expectation).unwrap_or_default().replace("\r\n", "\n") != text {
            wrong.push(format!("=== {}\n{text}", deck.display()));
        }
    }
    assert!(decks.len() >= 70, "only {} cases", decks.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), decks.len(), wrong.join("\n"));
}

/// Codes that no deck of this folder shows, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("E0114", "needs a file of two gigabytes"),
    ("E0317", "every device of the register is built in"),
    ("E0410", "elaboration finds missing nodes and models first (E0303, E0304); for callers of the library"),
    ("E0442", "elaboration checks the range first (E0402); for callers of the library"),
    ("E0443", "elaboration counts the windings first (E0304); for callers of the library"),
    ("E0444", "elaboration knows the waveforms (E0305); for callers of the library"),
    ("E0446", "elaboration checks the times first (E0332); for callers of the library"),
    ("E0447", "elaboration reduces the expression first (E0331); for callers of the library"),
    ("E0451", "elaboration looks up the control first (E0326); for callers of the library"),
    ("E0453", "elaboration asks for the expression first (E0304); for callers of the library"),
    ("E0604", "elaboration puts a probe where a current is asked for; for callers of the library"),
    ("E0606", "elaboration checks times and sweeps first (E0338, E0341); for callers of the library"),
    ("E0607", "elaboration checks the option first (E0337); for callers of the library"),
    ("E0608", "elaboration looks up the target first (E0342); for callers of the library"),
    ("E0632", "elaboration checks the range first (E0338); for callers of the library"),
    ("E0633", "needs a circuit of thousands of states"),
    ("E0720", "about result files: src/output/tests.rs"),
    ("E0721", "about result files: src/output/tests.rs"),
    ("E0722", "about result files: src/output/tests.rs"),
    ("E0723", "about result files: src/output/tests.rs"),
    ("E0730", "about pictures: src/plot/tests.rs"),
    ("W0731", "about pictures: src/plot/tests.rs"),
    ("E0732", "about pictures of an impossible size"),
    ("E0750", "there is no deck: tests/robust.rs"),
    ("E0752", "about result files, not the deck"),
    ("E0754", "elaboration puts a probe wherever a power is asked for; for callers of the library"),
    ("W0755", "the user interrupted the run"),
    ("E0901", "about `ferrospice array`: tests/array_cli.rs"),
    ("E0902", "about `ferrospice array`: tests/array_cli.rs"),
    ("E0903", "about `ferrospice array`: tests/array_cli.rs"),
    ("E0904", "about `ferrospice array`: tests/array_cli.rs"),
    ("E0905", "about `ferrospice array`: tests/array_cli.rs"),
    ("W0906", "about `ferrospice array`: tests/array_cli.rs"),
    ("E0907", "about arrays of the library: tests/arrays.rs"),
    ("E0908", "about arrays of the library: tests/arrays.rs"),
    ("E0910", "about `ferrospice array`: tests/array_cli.rs"),
    ("E0912", "about arrays of the library: tests/arrays.rs"),
    ("E0913", "about arrays of the library: tests/array_netlists.rs"),
    ("E0911", "about `ferrospice array`: tests/array_cli.rs"),
    ("W0757", "about `check --run`, not the deck"),
    ("W0857", "needs a processor for which no code can be generated"),
    ("E0851", "needs a module of millions of operations"),
    ("E0758", "about `-D` on the command line, not the deck"),
    ("W0851", "about `va test`: src/veriloga/doctor.rs"),
    ("W0852", "about `va test`: src/veriloga/doctor.rs"),
    ("W0853", "about `va test`: src/veriloga/doctor.rs"),
    ("W0854", "about `va test`: src/veriloga/doctor.rs"),
    ("W0855", "about `va test`: src/veriloga/doctor.rs"),
    ("W0856", "about `va test`: src/veriloga/doctor.rs"),
];

#[test]
fn every_code_is_shown() {
    let shown: BTreeSet<&str> = decks().iter().flat_map(|d| run(d).1).map(|d| d.code.0).collect();
    let missing: Vec<&str> = codes::all()
        .map(|e| e.code.0)
        // tests/veriloga.rs holds those of Verilog-A to the same.
        .filter(|c| !codes::veriloga::CODES.iter().any(|e| e.code.0 == *c))
        .filter(|c| !shown.contains(c) && !ELSEWHERE.iter().any(|(e, _)| e == c))
        .collect();
    assert!(missing.is_empty(), "no deck in tests/ui shows {missing:?}");
    let idle: Vec<&str> = ELSEWHERE.iter().map(|e| e.0).filter(|c| shown.contains(c)).collect();
    assert!(idle.is_empty(), "{idle:?} are shown and need no excuse");
}

/// Decks that are right say nothing at all.
#[test]
fn good_decks_are_silent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("netlists"), root.join("tests/golden/decks")];
    let mut loud = vec![];
    let mut count = 0;
    while let Some(f) = folders.pop() {
        for entry in fs::read_dir(f).expect("a folder").filter_map(Result::ok) {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|x| x == "cir") {
                let out = session::check(&path, &RunOptions::default(), &session::Disk);
                count += 1;
                if !out.diagnostics.is_empty() {
                    let text = render::text(&out.diagnostics, &out.sources, render::Style::default());
                    loud.push(format!("=== {}\n{text}", path.display()));
                }
            }
        }
    }
    assert!(count > 60 && loud.is_empty(), "of {count} decks:\n{}", loud.join("\n"));
}
