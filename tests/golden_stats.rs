//! What the solver spends on twenty decks, against `tests/golden/stats.json`: a rise of more than 2 % of steps,
//! rejections, iterations or factorizations is a regression and fails. `FERROSPICE_BLESS=1` writes the file anew.

use std::collections::BTreeMap;
use std::path::Path;

use ferrospice::base::Control;
use ferrospice::session::{self, Disk, RunOptions};
use rayon::prelude::*;

const DECKS: [&str; 20] = [
    "amplifiers/bjt_diff_pair",
    "amplifiers/cmos_opamp",
    "amplifiers/common_emitter",
    "arrays/1m_16x16",
    "arrays/1t1m_8x8",
    "lines/ladder_vs_line",
    "lines/mismatched_line",
    "logic/schmitt_trigger",
    "logic/sram_6t",
    "memristors/cell_1t1m",
    "memristors/hp_joglekar",
    "memristors/yakopcic",
    "oscillators/colpitts",
    "oscillators/ring_level1",
    "oscillators/ring_level3",
    "passive/rlc_underdamped",
    "power/dickson_charge_pump",
    "rectifiers/bridge",
    "references/bandgap",
    "sampled/sc_integrator",
];

/// Counts of one analysis by name.
type Counts = BTreeMap<String, u64>;

/// Counts by deck and analysis.
type Golden = BTreeMap<String, BTreeMap<String, Counts>>;

/// The counts of every table of a deck.
fn counts(deck: &str) -> BTreeMap<String, Counts> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("netlists").join(format!("{deck}.cir"));
    let outcome = session::run(&path, &RunOptions::default(), &Disk, &Control::default());
    assert!(!outcome.has_errors(), "{deck} does not run");
    let mut found = BTreeMap::new();
    for t in outcome.tables() {
        let s = &t.meta.stats;
        let all = [
            ("accepted", s.accepted),
            ("rejected", s.rejected_lte + s.rejected_newton + s.rejected_event),
            ("iterations", s.iterations),
            ("factorizations", s.factorizations + s.refactorizations),
        ];
        found.insert(t.schema.kind.word().to_string(), all.into_iter().map(|(k, v)| (k.to_string(), v)).collect());
    }
    found
}

#[test]
fn the_solver_works_no_harder_than_before() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/stats.json");
    let now: Golden = DECKS.par_iter().map(|deck| (deck.to_string(), counts(deck))).collect();
    if std::env::var_os("FERROSPICE_BLESS").is_some() {
        std::fs::write(&file, serde_json::to_string_pretty(&now).unwrap() + "\n").unwrap();
        return;
    }
    let golden: Golden = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    let mut risen = vec![];
    for (deck, analyses) in &now {
        for (analysis, counts) in analyses {
            for (name, &count) in counts {
                let Some(&before) = golden.get(deck).and_then(|a| a.get(analysis)).and_then(|c| c.get(name)) else {
                    risen.push(format!("{deck} {analysis} {name}: {count}, not in the golden file"));
                    continue;
                };
                if count as f64 > 1.02 * before as f64 {
                    risen.push(format!("{deck} {analysis} {name}: {count}, was {before}"));
                }
            }
        }
    }
    assert!(
        risen.is_empty(),
        "{} counts have risen (FERROSPICE_BLESS=1 accepts them)\n{}",
        risen.len(),
        risen.join("\n")
    );
}
