//! Any bytes as a result file: reading and drawing never panic, and a table that was read is whole.
#![no_main]

use ferrospice::{output, plot, session::figures};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Ok(dataset) = output::read_bytes(bytes) else { return };
    for table in &dataset.tables {
        let rows = table.columns.first().map_or(0, |c| c.len());
        assert!(table.columns.iter().all(|c| c.len() == rows), "columns of different lengths");
        assert_eq!(table.columns.len(), table.schema.signals.len());
    }
    let groups = dataset.tables.iter().map(|t| vec![t]).collect::<Vec<_>>();
    let style = plot::Options { width: 200, height: 150, ..plot::Options::default() };
    let (drawn, _) = figures::draw(&groups, &[], &style);
    for d in drawn.iter().take(2) {
        let _ = d.figure.encode("svg");
    }
});
