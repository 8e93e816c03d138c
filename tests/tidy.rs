//! Rules about the repository itself: layers, sizes, silence of the core, documentation of what is registered.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use ferrospice::device::registry;
use ferrospice::diag::codes;

/// Which modules each module may use, lowest first. Adding a line here is an architectural decision: argue it in
/// ARCHITECTURE.md.
const LAYERS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("library", &[]),
    ("diag", &["base"]),
    ("sparse", &["base"]),
    ("integrate", &["base"]),
    ("dataset", &["base"]),
    ("expr", &["base", "diag"]),
    ("newton", &["base", "sparse"]),
    ("output", &["base", "dataset", "diag"]),
    ("plot", &["base", "dataset", "diag"]),
    ("netlist", &["base", "diag", "expr"]),
    ("device", &["base", "diag", "expr"]),
    ("measure", &["base", "dataset", "expr", "diag"]),
    ("veriloga", &["base", "diag", "device"]),
    ("circuit", &["base", "library", "diag", "expr", "netlist", "device", "veriloga"]),
    ("array", &["base", "diag", "expr", "sparse", "newton", "integrate", "device", "circuit", "dataset"]),
    ("sim", &["base", "diag", "dataset", "circuit", "device", "sparse", "newton", "integrate"]),
    (
        "analysis",
        &["base", "diag", "sparse", "integrate", "dataset", "expr", "newton", "netlist", "device", "circuit", "sim"],
    ),
    (
        "session",
        &[
            "base",
            "library",
            "diag",
            "sparse",
            "integrate",
            "dataset",
            "expr",
            "newton",
            "output",
            "plot",
            "netlist",
            "device",
            "veriloga",
            "measure",
            "circuit",
            "sim",
            "analysis",
        ],
    ),
    (
        "cli",
        &[
            "base", "library", "diag", "dataset", "output", "plot", "measure", "netlist", "device", "veriloga",
            "circuit", "array", "session",
        ],
    ),
];

const MAX_LINES: usize = 800;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under a folder, relative to the root, sorted.
fn files(dir: &str, extension: &str) -> Vec<PathBuf> {
    fn walk(dir: &Path, extension: &str, out: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(dir) else { return };
        for path in entries.flatten().map(|e| e.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            if path.is_dir() {
                if !matches!(name.as_str(), "target" | "out" | ".git" | "golden") {
                    walk(&path, extension, out);
                }
            } else if extension.is_empty() || path.extension().is_some_and(|e| e == extension) {
                out.push(path);
            }
        }
    }
    let mut out = vec![];
    walk(&root().join(dir), extension, &mut out);
    out.sort();
    out.into_iter().filter_map(|p| p.strip_prefix(root()).ok().map(Path::to_path_buf)).collect()
}

fn read(path: &Path) -> String {
    let bytes = fs::read(root().join(path)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Code without comments and without its tests.
fn code(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name == "tests.rs" || name == "testkit.rs" || path.components().any(|c| c.as_os_str() == "tests") {
        return String::new();
    }
    let text = read(path);
    let end = ["#[cfg(test)]\nmod tests", "#[cfg(test)]\npub mod tests", "#[cfg(test)]\npub(crate) mod tests"]
        .iter()
        .filter_map(|m| text.find(&format!("{m} {{")))
        .min()
        .unwrap_or(text.len());
    text[..end]
        .lines()
        .map(|l| match l.find("//") {
            Some(p) if !l[..p].contains('"') => &l[..p],
            _ => l,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

/// Modules named by `crate::x` and `crate::{x, y::z}`; `$crate` in exported macros names none of its own.
fn uses(code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') || code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let word =
            |s: &str| s.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut start = 0;
            for (i, c) in group.char_indices() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => {
                        found.insert(word(&group[start..i]));
                        break;
                    }
                    '}' => depth -= 1,
                    ',' if depth == 0 => {
                        found.insert(word(&group[start..i]));
                        start = i + 1;
                    }
                    _ => {}
                }
            }
        } else {
            found.insert(word(rest));
        }
    }
    found.remove("");
    found
}

fn module_of(path: &Path) -> String {
    let mut parts = path.components().skip(1).map(|c| c.as_os_str().to_string_lossy().into_owned());
    let first = parts.next().unwrap_or_default();
    first.trim_end_matches(".rs").to_string()
}

#[test]
fn layers_point_downwards() {
    let table: BTreeMap<&str, &[&str]> = LAYERS.iter().copied().collect();
    let mut faults = vec![];
    for (k, (module, allowed)) in LAYERS.iter().enumerate() {
        for a in *allowed {
            assert!(LAYERS[..k].iter().any(|(m, _)| m == a), "{module} may use {a}, which does not come before it");
        }
    }
    for path in files("src", "rs") {
        let module = module_of(&path);
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let Some(allowed) = table.get(module.as_str()) else {
            faults.push(format!("{}: `{module}` has no layer", path.display()));
            continue;
        };
        for used in uses(&code(&path)) {
            // Macros live at the root of the crate.
            let is_macro = matches!(used.as_str(), "codes" | "param_table");
            if table.contains_key(used.as_str()) && used != module && !allowed.contains(&used.as_str()) {
                faults.push(format!("{}: `{module}` must not use `{used}`", path.display()));
            } else if !table.contains_key(used.as_str()) && !is_macro {
                faults.push(format!("{}: `{used}` has no layer", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn files_are_short() {
    let long: Vec<String> = ["src", "tests", "examples", "benches"]
        .iter()
        .flat_map(|d| files(d, "rs"))
        .filter_map(|p| {
            let n = read(&p).lines().count();
            (n > MAX_LINES).then(|| format!("{}: {n} lines, at most {MAX_LINES}", p.display()))
        })
        .collect();
    assert!(long.is_empty(), "\n{}", long.join("\n"));
}

#[test]
fn the_core_is_silent() {
    let mut faults = vec![];
    for path in files("src", "rs") {
        let text = code(&path);
        let is_front = matches!(module_of(&path).as_str(), "cli" | "main");
        for word in ["println!", "eprintln!", "print!", "eprint!", "dbg!", "process::exit"] {
            if text.contains(word) && !(is_front && word != "dbg!") {
                faults.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn nothing_is_left_open() {
    let words = [
        concat!("to", "do!"),
        concat!("unimple", "mented!"),
        concat!("FIX", "ME"),
        concat!("TO", "DO"),
        concat!("To be ", "written"),
    ];
    let mut faults = vec![];
    for path in ["src", "tests", "examples", "benches", "models", "netlists"].iter().flat_map(|d| files(d, "")) {
        let text = read(&path);
        for word in words {
            if text.contains(word) {
                faults.push(format!("{}: {word}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn no_path_of_one_machine() {
    let words = [
        concat!("/wo", "rk/"),
        concat!("/ho", "me/"),
        concat!("/ro", "ot/"),
        concat!("/Us", "ers/"),
        concat!("C:", "\\"),
    ];
    let mut faults = vec![];
    for path in files("", "") {
        let name = path.display().to_string();
        if name.starts_with(".git") || name == "Cargo.lock" {
            continue;
        }
        let text = read(&path);
        for word in words {
            if text.contains(word) {
                faults.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn devices_are_documented() {
    let mut faults = vec![];
    let mut names = BTreeSet::new();
    for ty in registry::all() {
        let i = ty.info();
        if !names.insert(i.name) {
            faults.push(format!("{} is registered twice", i.name));
        }
        if i.doc.trim().len() < 20 {
            faults.push(format!("{} has no documentation", i.name));
        }
        for t in i.terminals {
            if t.name.is_empty() || t.doc.is_empty() {
                faults.push(format!("{}: a terminal without name or documentation", i.name));
            }
        }
        for p in i.instance.iter().chain(i.model) {
            if p.doc.trim().is_empty() {
                faults.push(format!("{}.{} has no documentation", i.name, p.name));
            }
            if p.name != p.name.to_lowercase() {
                faults.push(format!("{}.{} is not lower case", i.name, p.name));
            }
            if let Some(x) = p.default.filter(|x| x.is_finite() && !p.range.contains(*x)) {
                faults.push(format!("{}.{}: the default {x} is out of range {}", i.name, p.name, p.range));
            }
        }
        for table in [i.instance, i.model] {
            let mut seen = BTreeSet::new();
            for n in table.iter().flat_map(|p| std::iter::once(p.name).chain(p.aliases.iter().copied())) {
                if !seen.insert(n) {
                    faults.push(format!("{}: the name {n} is taken twice", i.name));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn codes_are_used_and_explained() {
    let mut constants = vec![];
    let mut faults = vec![];
    for path in files("src/diag/codes", "rs") {
        for line in read(&path).lines() {
            let line = line.trim();
            if let Some((name, rest)) = line.split_once(" = \"") {
                let code = rest.split('"').next().unwrap_or("");
                let is_code = code.len() == 5 && code[1..].bytes().all(|b| b.is_ascii_digit());
                if is_code && name.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_') {
                    constants.push((name.to_string(), code.to_string()));
                }
            }
        }
    }
    let text: String = files("src", "rs")
        .into_iter()
        .filter(|p| !p.starts_with("src/diag/codes"))
        .map(|p| code(&p))
        .collect::<Vec<_>>()
        .join("\n");
    let words: BTreeSet<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
    for (name, code) in &constants {
        if !words.contains(name.as_str()) {
            faults.push(format!("{code} ({name}) is never reported"));
        }
        if codes::explain(code).is_none() {
            faults.push(format!("{code} ({name}) is not registered"));
        }
    }
    for e in codes::all() {
        if e.title.is_empty() || e.text.trim().len() < 60 {
            faults.push(format!("{} is not explained", e.code.0));
        }
        if !matches!(e.code.0.as_bytes().first(), Some(b'E' | b'W' | b'L')) {
            faults.push(format!("{} has no severity letter", e.code.0));
        }
    }
    assert!(!constants.is_empty());
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn decks_say_what_they_show_and_check_it() {
    let mut faults = vec![];
    for path in files("netlists", "cir") {
        let text = read(&path);
        let purpose: Vec<&str> = text.lines().take(2).flat_map(str::split_whitespace).collect();
        if purpose.len() < 4 {
            faults.push(format!("{}: no purpose line at the top", path.display()));
        }
        if !text.lines().any(|l| l.trim_start().to_ascii_lowercase().starts_with(".check ")) {
            faults.push(format!("{}: no .check", path.display()));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn the_readme_starts_with_its_two_commands() {
    let text = read(Path::new("README.md"));
    let mut lines = text.lines().map(str::trim);
    let (run, test) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));
    assert!(run.starts_with("cargo run --release -- run "), "{run}");
    assert!(test.starts_with("cargo test"), "{test}");
    let mut faults = vec![];
    // Every file that a command in the README names is in the repository.
    for word in text.split(|c: char| c.is_whitespace() || matches!(c, '`' | '(' | ')' | '\'' | '"' | '|' | ',')) {
        let word = word.trim_end_matches(['.', ':']);
        let is_path =
            ["netlists/", "docs/", "examples/", "benches/", "src/", "tests/"].iter().any(|d| word.starts_with(d));
        if is_path && !word.contains(['*', '<']) && !root().join(word).exists() {
            faults.push(format!("README.md names {word}, which does not exist"));
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

/// These pages are generated; FERROSPICE_BLESS=1 writes them anew.
#[test]
fn generated_pages_are_current() {
    let infos: Vec<_> = registry::all().iter().map(|t| t.info()).collect();
    let pages = [
        ("docs/models.md", ferrospice::cli::models::markdown(&infos, true)),
        ("docs/codes.md", ferrospice::cli::explain::markdown()),
        ("docs/solvers.md", ferrospice::sparse::markdown()),
        ("docs/library.md", ferrospice::cli::library::markdown()),
        ("models/INDEX.md", ferrospice::library::index()),
    ];
    for (path, now) in pages {
        if std::env::var("FERROSPICE_BLESS").is_ok_and(|v| v == "1") {
            fs::create_dir_all(root().join("docs")).unwrap();
            fs::write(root().join(path), now).unwrap();
        } else {
            assert!(
                read(Path::new(path)) == now,
                "{path} is out of date: run `FERROSPICE_BLESS=1 cargo test --test tidy` and look at the difference"
            );
        }
    }
}
