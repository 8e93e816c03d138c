//! The model library that travels in the binary: Verilog-A models, cards of published devices, and the decks that show
//! them. Files are text in a table; nothing here is compiled before a deck names it.
//!
//! ```text
//! models/NAME.va            a family: one module of that name
//! models/cards/CARD.lib     a published device: header, `.hdl "NAME.va"`, `.model CARD NAME(...)`
//! netlists/models/NAME.cir  the family at work        netlists/devices/CARD.cir  the device's figures
//! ```
//! Decks see the files of `models/` in a folder [`ROOT`] that is searched last, so that a user's own file of the same name
//! comes first.

mod header;
mod index;

use std::path::{Path, PathBuf};

pub use header::{Card, Deck, Figure, Outcome};
pub use index::markdown as index;

/// Name in the repository and text.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// The folder of `models/` as decks see it. No file system has one of this name.
pub const ROOT: &str = "<library>";

/// To be searched after all other folders.
pub fn root() -> PathBuf {
    PathBuf::from(ROOT)
}

/// A file below [`ROOT`]; `None` for paths elsewhere and files that are not there.
pub fn read(path: &Path) -> Option<&'static str> {
    let inside = path.strip_prefix(ROOT).ok()?.to_str()?;
    file(&format!("models/{}", inside.replace('\\', "/")))
}

/// By its name in the repository.
pub fn file(name: &str) -> Option<&'static str> {
    FILES.binary_search_by(|f| f.0.cmp(name)).ok().map(|k| FILES[k].1)
}

fn stems(folder: &'static str, ending: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FILES.iter().filter_map(move |(name, text)| {
        let stem = name.strip_prefix(folder)?.strip_suffix(ending)?;
        (!stem.contains('/')).then_some((stem, *text))
    })
}

/// Families: name of the module and text of its file.
pub fn models() -> impl Iterator<Item = (&'static str, &'static str)> {
    stems("models/", ".va")
}

/// Where a deck finds the file of a family.
pub fn model_path(name: &str) -> Option<PathBuf> {
    file(&format!("models/{name}.va")).map(|_| root().join(format!("{name}.va")))
}

/// Cards of published devices.
pub fn cards() -> impl Iterator<Item = Card> {
    stems("models/cards/", ".lib").map(|(name, text)| Card::parse(name, text))
}

/// Decks that reproduce figures of published devices.
pub fn decks() -> impl Iterator<Item = Deck> {
    stems("netlists/devices/", ".cir").map(|(name, text)| Deck::parse(name, text))
}

/// The deck that shows a family or a card.
pub fn example(name: &str) -> Option<&'static str> {
    file(&format!("netlists/models/{name}.cir")).or_else(|| file(&format!("netlists/devices/{name}.cir")))
}

/// The comment that opens a Verilog-A file: equations, references, validity.
pub fn comment(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map_while(|l| l.trim_start().strip_prefix("//"))
        .map(|l| l.strip_prefix(' ').unwrap_or(l).trim_end())
        .collect();
    lines.join("\n").trim().to_string()
}

/// Its first sentence.
pub fn summary(text: &str) -> String {
    let all = comment(text);
    let paragraph = all.split("\n\n").next().unwrap_or("").replace('\n', " ");
    match paragraph.find(". ") {
        Some(k) => paragraph[..k].to_string(),
        None => paragraph.trim_end_matches('.').to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_in_order_and_found() {
        assert!(FILES.windows(2).all(|w| w[0].0 < w[1].0));
        assert!(read(&root().join("quantities.vams")).is_some_and(|t| t.contains("discipline state")));
        assert!(read(Path::new("quantities.vams")).is_none());
        assert!(read(&root().join("nothing.va")).is_none());
    }

    #[test]
    fn summary_is_the_first_sentence() {
        let text = "// A threshold switch. It has\n// two states.\n//\n// More.\nmodule x;\n";
        assert_eq!(summary(text), "A threshold switch");
        assert_eq!(comment(text), "A threshold switch. It has\ntwo states.\n\nMore.");
    }
}
