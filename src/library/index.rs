//! `models/INDEX.md`: rows of the reviews → model → card → deck → figures held by checks, of figures quoted.

use std::fmt::Write;

use super::header::Outcome;
use super::{cards, decks, models, summary};

/// The reviews whose devices the library covers, by the letter and digit of their rows.
const REVIEWS: &[(&str, &str)] = &[
    (
        "R0",
        "Y. Huang, W. Wang, Y. Li, C. Li, \"Two-dimensional ferroelectric synaptic devices enabled by diverse coupling mechanisms\", Nanoscale 17 (2025) 22763, doi:10.1039/d5nr02639c",
    ),
    (
        "R1",
        "Y. Sun, Y. Gao, Z. Wang, Z. Cai, Z. Liu, J. Xu, \"A Review on Multi-Level Asymmetric Design for 2D Neuromorphic Devices\", Nano-Micro Letters 18 (2026) 354",
    ),
    (
        "R2",
        "Y. Meng, S. Yip, W. Wang, C. Liu, J. C. Ho, \"Quantum Artificial Synapses\", Advanced Quantum Technologies (2021), doi:10.1002/qute.202100072",
    ),
    (
        "R3",
        "J. H. Baek et al., on electrochemical iontronic synapses sorted by mobile cation, Materials Research Bulletin 176 (2024) 112803",
    ),
    (
        "R4",
        "Z. Cao, B. Sun, G. Zhou, S. Mao, S. Zhu, J. Zhang, C. Ke, Y. Zhao, J. Shao, \"Memristor-based neural networks: a bridge from device to artificial intelligence\", Nanoscale Horizons 8 (2023) 716, doi:10.1039/d2nh00536k",
    ),
];

/// The whole page.
pub fn markdown() -> String {
    let (models, cards, mut decks): (Vec<_>, Vec<_>, Vec<_>) =
        (models().collect(), cards().collect(), decks().collect());
    decks.sort_by(|a, b| sort_key(&a.rows).cmp(&sort_key(&b.rows)).then(a.name.cmp(&b.name)));
    let (held, all) = decks.iter().map(|d| d.score()).fold((0, 0), |s, d| (s.0 + d.0, s.1 + d.1));
    let mut s = String::from("# Models, cards and what they reproduce\n\n");
    s += "Generated from the headers of the files (`ferrospice models --index`). A row is a device or a validation case of one \
          of the reviews below; a figure is a number that the review gives for it. A figure is *held* when a `.check` of the deck \
          compares it with the simulation, otherwise the reason why not is listed.\n\n";
    for (id, text) in REVIEWS {
        let _ = writeln!(s, "- **{id}**: {text}");
    }
    let _ = writeln!(
        s,
        "\n{} families, {} cards, {} decks of published devices; {held} of {all} quoted figures held by checks.\n",
        models.len(),
        cards.len(),
        decks.len()
    );
    s += "## Published devices\n\n| rows | model | card | deck | figures held / quoted | device |\n|---|---|---|---|---|---|\n";
    for d in &decks {
        let of = |name: &String| cards.iter().find(|c| c.name.eq_ignore_ascii_case(name));
        let mut families: Vec<String> = d.cards.iter().filter_map(of).map(|c| file(&c.model, "", ".va")).collect();
        families.dedup();
        let links: Vec<String> = d.cards.iter().map(|c| file(c, "cards/", ".lib")).collect();
        let device = d.cards.first().and_then(of).map_or(d.title.as_str(), |c| c.device.as_str());
        let (held, all) = d.score();
        let _ = writeln!(
            s,
            "| {} | {} | {} | {} | {held} / {all} | {} |",
            d.rows.join(", "),
            families.join(", "),
            links.join(", "),
            file(&d.name, "../netlists/devices/", ".cir"),
            cell(device)
        );
    }
    s += "\n## Figures not held\n\n";
    for d in &decks {
        for f in &d.figures {
            if let Outcome::NotChecked(why) = &f.outcome {
                let _ = writeln!(s, "- `{}`: {}: {}", d.name, f.what, why);
            }
        }
    }
    s += "\n## Rows without a deck\n\nReview rows that no deck reproduces: classes, systems, materials without a figure, and devices \
          whose published numbers do not determine a model.\n\n| row | what it is | why there is no deck |\n|---|---|---|\n";
    for (row, name, why) in without_deck() {
        let _ = writeln!(s, "| {row} | {} | {} |", cell(name), cell(why));
    }
    s += "\n## Families\n\n| model | cards | what it is |\n|---|---|---|\n";
    for (name, text) in &models {
        let own = cards.iter().filter(|c| c.model == *name).count();
        let _ = writeln!(s, "| {} | {own} | {} |", file(name, "", ".va"), cell(&summary(text)));
    }
    s
}

/// Review rows without a deck: row, what it is, why.
fn without_deck() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    let lines = include_str!("../../models/rows_without_deck.tsv").lines().skip(1);
    lines.filter_map(|line| {
        let (row, rest) = line.split_once('\t')?;
        let (name, why) = rest.split_once('\t')?;
        Some((row, name, why))
    })
}

fn file(name: &str, folder: &str, ending: &str) -> String {
    format!("[{name}]({folder}{name}{ending})")
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// By review, then the letter and number of the row.
fn sort_key(rows: &[String]) -> (String, String, u32) {
    let first = rows.first().map_or("", String::as_str);
    let (review, row) = first.split_once(' ').unwrap_or((first, ""));
    let letters: String = row.chars().take_while(|c| c.is_alphabetic()).collect();
    let number = row[letters.len()..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap_or(0);
    (review.to_string(), letters, number)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_row_is_in_one_place() {
        let shown: BTreeSet<String> = decks().flat_map(|d| d.rows.clone()).collect();
        let mut seen = BTreeSet::new();
        let lines = include_str!("../../models/rows_without_deck.tsv").lines().skip(1).count();
        for (row, name, why) in without_deck() {
            assert!(seen.insert(row), "{row} is listed twice");
            assert!(!shown.contains(row), "{row} has a deck");
            assert!(!name.is_empty() && !why.is_empty(), "{row}");
        }
        assert_eq!(seen.len(), lines);
    }
}
