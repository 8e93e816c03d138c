//! `.print` tables: expressions of signals on the print grid.
//!
//! A transient is shown at multiples of its print step, interpolated linearly between accepted points, as SPICE has
//! always done; the result files keep every accepted point. Complex values are shown as real and imaginary part.

use super::derive;
use super::point::ResultTable;
use crate::circuit::{Circuit, Print};
use crate::dataset::{Column, PlotKind, Signal, Table};
use crate::diag::Diagnostic;
use crate::output::text;

/// One `.print` card on one table: the axis and what the card asks for.
#[derive(Clone, Debug)]
pub struct PrintTable {
    pub table: Table,
}

impl PrintTable {
    /// As ngspice prints it, `width` columns of text wide.
    pub fn text(&self, width: usize) -> String {
        let columns: Vec<usize> = (0..self.table.columns.len()).collect();
        text::print_table(&self.table, &columns, width)
    }
}

/// Rows beyond which the print grid is not refined further: a print step much smaller than the run.
const MAX_ROWS: f64 = 10_000_000.0;

pub(super) fn all(circuit: &Circuit, tables: &[ResultTable]) -> (Vec<PrintTable>, Vec<Diagnostic>) {
    let mut out = vec![];
    let mut faults = vec![];
    for card in circuit.prints.iter().filter(|p| p.card == "print") {
        for t in tables.iter().filter(|t| is_for(card, t.table.schema.kind)) {
            if let Some(p) = one(card, t, &mut faults) {
                out.push(p);
            }
        }
    }
    (out, faults)
}

/// Does a card speak of this kind of table?
pub fn is_for(card: &Print, kind: PlotKind) -> bool {
    card.analysis.is_empty() || card.analysis.eq_ignore_ascii_case(kind.word())
}

fn one(card: &Print, t: &ResultTable, faults: &mut Vec<Diagnostic>) -> Option<PrintTable> {
    let table = &t.table;
    let grid = t.print_step.and_then(|step| grid(table, step));
    let mut out = Table { meta: table.meta.clone(), ..Table::default() };
    out.schema.kind = table.schema.kind;
    out.schema.has_axis = table.schema.has_axis;
    out.schema.is_complex = table.schema.is_complex;
    if let (Some(axis), Some(s)) = (table.axis(), table.schema.signals.first()) {
        let column = grid.clone().map_or_else(|| axis.clone(), Column::Real);
        out.push_column(s.clone(), column);
    }
    let mut any = false;
    for s in &card.signals {
        match derive::evaluate(&s.text, table, s.span) {
            Ok((column, quantity)) => {
                any = true;
                let name = derive::strip(&s.text).to_lowercase();
                out.push_column(Signal::new(name, quantity), resampled(table, column, grid.as_deref()));
            }
            // A signal that is nowhere was reported when the columns were chosen; here it may belong to another table.
            Err(d) if derive::is_missing(&d) && card.analysis.is_empty() => {}
            Err(d) => faults.extend(d),
        }
    }
    any.then_some(PrintTable { table: out })
}

/// Multiples of the print step within the table, and its ends.
fn grid(table: &Table, step: f64) -> Option<Vec<f64>> {
    let time = table.axis()?.as_real()?;
    let (&first, &last) = (time.first()?, time.last()?);
    let n = (last - first) / step;
    if !(step > 0.0 && n.is_finite() && n <= MAX_ROWS) {
        return None;
    }
    let n = (n + 1e-6).floor() as usize;
    Some((0..=n).map(|k| (first + k as f64 * step).min(last)).collect())
}

fn resampled(table: &Table, c: Column, grid: Option<&[f64]>) -> Column {
    let (Some(grid), Some(time), Some(v)) = (grid, table.axis().and_then(Column::as_real), c.as_real()) else {
        return c;
    };
    let mut k = 0;
    let mut out = Vec::with_capacity(grid.len());
    for &t in grid {
        while k + 2 < time.len() && time[k + 1] <= t {
            k += 1;
        }
        let y = match (time.get(k), time.get(k + 1), v.get(k), v.get(k + 1)) {
            (Some(&t0), Some(&t1), Some(&y0), Some(&y1)) if t1 > t0 => {
                y0 + (y1 - y0) * ((t - t0) / (t1 - t0)).clamp(0.0, 1.0)
            }
            (_, _, Some(&y), _) => y,
            _ => f64::NAN,
        };
        out.push(y);
    }
    Column::Real(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::Save;
    use crate::dataset::{Quantity, Schema};
    use crate::diag::Span;

    #[test]
    fn a_transient_is_printed_on_its_step() {
        let mut table = Table {
            schema: Schema { kind: PlotKind::Tran, has_axis: true, is_complex: false, signals: vec![] },
            ..Table::default()
        };
        table.push_column(Signal::new("time", Quantity::Time), Column::Real(vec![0.0, 0.5, 2.0]));
        table.push_column(Signal::new("v(a)", Quantity::Voltage), Column::Real(vec![0.0, 1.0, 4.0]));
        let t = ResultTable { analysis: 0, print_step: Some(1.0), table, selected: 2 };
        let card = Print {
            card: "print".into(),
            analysis: "tran".into(),
            signals: vec![Save { text: "V(a)".into(), span: Span::NOWHERE }],
            frequency: None,
            span: Span::NOWHERE,
        };
        let p = one(&card, &t, &mut vec![]).unwrap();
        assert_eq!(p.table.real("time"), Some([0.0, 1.0, 2.0].as_slice()));
        assert_eq!(p.table.real("v(a)"), Some([0.0, 2.0, 4.0].as_slice()));
        assert!(!is_for(&card, PlotKind::Ac));
    }
}
