//! `.meas` and `.four` on the tables of one point, through the `measure` layer.

use super::derive;
use super::point::ResultTable;
use crate::circuit::Circuit;
use crate::dataset::{PlotKind, Table};
use crate::diag::Diagnostic;
use crate::measure::{self, Card, Fourier, Measurement, no_names};

pub(super) fn measures(circuit: &Circuit, tables: &[ResultTable]) -> (Vec<Measurement>, Vec<Diagnostic>) {
    let cards: Vec<Card> = circuit
        .measures
        .iter()
        .map(|m| Card { analysis: &m.analysis, name: &m.name, text: &m.text, span: m.span })
        .collect();
    let tables: Vec<&Table> = tables.iter().map(|t| &t.table).collect();
    measure::run(&cards, &tables, &|n| circuit.param(n))
}

pub(super) fn fouriers(circuit: &Circuit, tables: &[ResultTable]) -> (Vec<Fourier>, Vec<Diagnostic>) {
    let mut found = vec![];
    let mut faults = vec![];
    for card in circuit.prints.iter().filter(|p| p.card == "four") {
        let Some(frequency) = card.frequency else { continue };
        for t in tables.iter().filter(|t| t.table.schema.kind == PlotKind::Tran) {
            for s in &card.signals {
                let text = derive::strip(&s.text);
                let result = derive::parse(&text, s.span)
                    .and_then(|e| measure::fourier(&t.table, &e, &text, frequency, &no_names, s.span));
                match result {
                    Ok(f) => found.push(f),
                    Err(d) => faults.extend(d),
                }
            }
        }
    }
    (found, faults)
}
