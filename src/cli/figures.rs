//! The figures of `run --plot`.

use std::path::PathBuf;

use super::settings::Outputs;
use crate::dataset::Table;
use crate::diag::Diagnostic;
use crate::plot;
use crate::session::{Outcome, World, figures, files};

/// Draws and writes; one result for each file or fault.
pub fn of_run(
    outcome: &Outcome,
    exprs: &[String],
    outputs: &Outputs,
    world: &dyn World,
) -> Vec<Result<Vec<PathBuf>, Diagnostic>> {
    let entries = if exprs.is_empty() {
        outcome.points.iter().map(|p| p.plots.clone()).max_by_key(Vec::len).unwrap_or_default()
    } else {
        exprs.to_vec()
    };
    let (drawn, messages) = figures::draw(&groups(outcome), &entries, &plot::Options::default());
    let mut results: Vec<Result<Vec<PathBuf>, Diagnostic>> = messages.into_iter().map(Err).collect();
    for d in drawn {
        for extension in &outputs.pictures {
            let path = outputs.path(&format!("{}.{extension}", d.suffix));
            let written = d.figure.encode(extension).and_then(|b| files::write_bytes(&path, &b, world));
            results.push(written.map(|()| vec![path]));
        }
    }
    results
}

/// Tables of the same analysis card at all points; an analysis that gives two tables is two groups.
fn groups(outcome: &Outcome) -> Vec<Vec<&Table>> {
    let mut found: Vec<((usize, &str), Vec<&Table>)> = vec![];
    for t in outcome.points.iter().flat_map(|p| &p.tables) {
        let key = (t.analysis, t.table.schema.kind.word());
        match found.iter_mut().find(|f| f.0 == key) {
            Some(f) => f.1.push(&t.table),
            None => found.push((key, vec![&t.table])),
        }
    }
    found.into_iter().map(|f| f.1).collect()
}
