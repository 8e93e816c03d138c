//! The language test book: `tests/veriloga/NAME.va` is compiled by the front end; `NAME.txt` holds all its diagnostics as
//! the terminal shows them, then the modules as the compiler sees them.
//!
//! `FERROSPICE_BLESS=1 cargo test --test veriloga` writes the expectations anew; read the difference before keeping it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use ferrospice::diag::{Diagnostic, SourceMap, codes, render};
use ferrospice::veriloga::{self, Options, Value};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/veriloga")
}

fn cases() -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(folder())
        .expect("tests/veriloga")
        .filter_map(|e| e.ok().map(|e| e.path()))
        .filter(|p| p.extension().is_some_and(|x| x == "va"))
        .collect();
    all.sort();
    all
}

/// Files by their names in the folder, so that messages read the same on every machine.
fn read(path: &Path) -> io::Result<String> {
    let at = folder().join(path);
    if at.is_file() { fs::read_to_string(at) } else { Err(io::Error::from(io::ErrorKind::NotFound)) }
}

fn check(name: &str) -> (String, Vec<Diagnostic>) {
    let mut sources = SourceMap::new();
    let (modules, diags) = veriloga::parse_and_check(&read, Path::new(name), &mut sources, &Options::default());
    let mut text = render::text(&diags, &sources, render::Style::default());
    for m in &modules {
        text.push_str("\n----\n");
        text.push_str(&m.text());
    }
    (text, diags)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

#[test]
fn every_construct_reads_as_expected() {
    let bless = std::env::var_os("FERROSPICE_BLESS").is_some_and(|v| v == "1");
    let mut wrong = vec![];
    let cases = cases();
    for case in &cases {
        let (text, _) = check(&name(case));
        let expectation = case.with_extension("txt");
        if bless {
            fs::write(&expectation, &text).expect("writable");
        } else if fs::read_to_string(&expectation).unwrap_or_default().replace("\r\n", "\n") != text {
            wrong.push(format!("=== {}\n{text}", case.display()));
        }
    }
    assert!(cases.len() >= 70, "only {} cases", cases.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Every code of the front end has a case that shows it.
#[test]
fn every_code_is_shown() {
    let shown: BTreeSet<&str> = cases().iter().flat_map(|c| check(&name(c)).1).map(|d| d.code.0).collect();
    let missing: Vec<&str> = codes::veriloga::CODES.iter().map(|e| e.code.0).filter(|c| !shown.contains(c)).collect();
    // A file that includes itself is made here rather than kept.
    let files = |p: &Path| match p.to_str() {
        Some("a.va") => Ok("`include \"a.va\"\nmodule m(a); inout a; electrical a; endmodule\n".to_string()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    };
    let mut sources = SourceMap::new();
    let (_, diags) = veriloga::parse_and_check(&files, Path::new("a.va"), &mut sources, &Options::default());
    assert!(diags.iter().any(|d| d.code == codes::veriloga::INCLUDE_DEPTH), "{diags:?}");
    let missing: Vec<&str> = missing.into_iter().filter(|c| *c != codes::veriloga::INCLUDE_DEPTH.0).collect();
    assert!(missing.is_empty(), "no case in tests/veriloga shows {missing:?}");
}

/// Errors and modules exclude each other for one module; lints never cost a module.
#[test]
fn lints_do_not_fail() {
    for case in cases() {
        let mut sources = SourceMap::new();
        let path = name(&case);
        let (modules, diags) = veriloga::parse_and_check(&read, Path::new(&path), &mut sources, &Options::default());
        if diags.iter().all(|d| !d.is_error()) {
            assert!(!modules.is_empty(), "{path} has no errors and no module");
        }
    }
}

/// Structure follows from parameter values: elaborated again with another count, the ladder has other nodes.
#[test]
fn structure_follows_parameters() {
    let mut sources = SourceMap::new();
    let text = read(Path::new("hier_generate.va")).expect("the case");
    let file = sources.add("hier_generate.va", text, None);
    let (design, diags) =
        veriloga::Design::parse(file, Path::new("hier_generate.va"), &mut sources, &read, &Options::default());
    assert!(diags.is_empty(), "{diags:?}");
    assert_eq!(design.tops(), ["ladder"]);
    for n in [1, 2, 5] {
        let (m, diags) = design.elaborate("ladder", &[("n".into(), Value::Int(n))], &sources);
        assert!(diags.is_empty(), "{diags:?}");
        let m = m.expect("a module");
        assert_eq!(m.internal_nodes().count(), n as usize + 1);
        assert_eq!(m.instances.len(), n as usize);
        let structural: Vec<&str> = m.structural.iter().map(|p| m.params[*p].name.as_str()).collect();
        assert_eq!(structural, ["n", "kind"]);
    }
    let (m, diags) = design.elaborate("ladder", &[("width".into(), Value::Int(3))], &sources);
    assert!(m.is_none() && diags.len() == 1, "{diags:?}");
}

/// Any text gives diagnostics, never a panic: the cases with bytes dropped, doubled and exchanged.
#[test]
fn damaged_text_is_survived() {
    let mut seed = 0x9e37_79b9_7f4a_7c15u64;
    let mut draw = move |n: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % n.max(1) as u64) as usize
    };
    let options = Options { max_unrolled: 2_000, max_tokens: 50_000, ..Options::default() };
    for case in cases() {
        let text = fs::read_to_string(&case).expect("a case");
        let chars: Vec<char> = text.chars().collect();
        for _ in 0..12 {
            let mut damaged = chars.clone();
            for _ in 0..1 + draw(4) {
                if damaged.is_empty() {
                    break;
                }
                let at = draw(damaged.len());
                match draw(4) {
                    0 => {
                        damaged.remove(at);
                    }
                    1 => damaged.insert(at, damaged[draw(damaged.len())]),
                    2 => damaged.truncate(at.max(1)),
                    _ => {
                        let to = (at + draw(40)).min(damaged.len());
                        damaged.drain(at..to);
                    }
                }
            }
            let damaged: String = damaged.into_iter().collect();
            let files = |p: &Path| if p == Path::new("x.va") { Ok(damaged.clone()) } else { read(p) };
            let mut sources = SourceMap::new();
            let (_, diags) = veriloga::parse_and_check(&files, Path::new("x.va"), &mut sources, &options);
            assert!(render::text(&diags, &sources, render::Style::default()).len() < 10_000_000);
        }
    }
}
