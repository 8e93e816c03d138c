//! Puts the model library into the binary: a table of the files under `models/` and of the decks that show them.

use std::fs;
use std::path::{Path, PathBuf};

/// Folder, endings of the files that belong to the library.
const PARTS: &[(&str, &[&str])] =
    &[("models", &["va", "vah", "vams", "lib", "csv"]), ("netlists/models", &["cir"]), ("netlists/devices", &["cir"])];

fn walk(dir: &Path, endings: &[&str], out: &mut Vec<PathBuf>) {
    println!("cargo:rerun-if-changed={}", dir.display());
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|e| e.path()) {
        if path.is_dir() {
            walk(&path, endings, out);
        } else if path.extension().is_some_and(|e| endings.iter().any(|x| e == *x)) {
            out.push(path);
        }
    }
}

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"));
    let mut files = vec![];
    for (folder, endings) in PARTS {
        walk(&root.join(folder), endings, &mut files);
    }
    let name = |f: &PathBuf| f.strip_prefix(&root).expect("below the root").to_string_lossy().replace('\\', "/");
    let mut named: Vec<(String, PathBuf)> = files.into_iter().map(|f| (name(&f), f)).collect();
    // The library looks names up by bisection.
    named.sort();
    let mut table = String::from("&[\n");
    for (name, f) in named {
        table += &format!("({name:?}, include_str!({:?})),\n", f.display().to_string());
    }
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("cargo sets it"));
    fs::write(out.join("library.rs"), table + "]\n").expect("the build folder can be written");
}
