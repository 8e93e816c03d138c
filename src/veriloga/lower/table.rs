//! Tables: points from files, constants or parameters.

use super::{Cell, Lower, TableInfo};
use crate::diag::Span;
use crate::diag::codes::veriloga as language;
use crate::veriloga::hir::{self, AxisControl, ExprId, Extrapolation, TextKind};
use crate::veriloga::ir::{BinOp, Const, Lookup, Op, Val};
use crate::veriloga::lower::{EffectItem, EffectKind, EffectSite};
use crate::veriloga::table::{Table, columns};

impl Lower<'_> {
    /// The number of a table, made anew; `None` where its points are at fault.
    pub(super) fn table(&mut self, t: &hir::Table, axes: &[AxisControl], column: usize, span: Span) -> Option<u32> {
        let k = self.out.tables.len() as u32;
        let (rows, count, points) = match t {
            hir::Table::File(e) => {
                let v = self.expr(*e);
                let name = match self.b.constant(v) {
                    Some(Const::Int(n)) => self.out.strings.get(n as usize).cloned(),
                    _ => None,
                };
                let Some(name) = name else {
                    self.unsupported("a table whose file is known only while simulating", span);
                    return None;
                };
                let found = (self.read_text)(&name).and_then(|text| columns(&text));
                match found {
                    Ok(c) => (c.first().map_or(0, Vec::len), c.len(), Ok(c)),
                    Err(e) => {
                        let label = "the table is asked for here";
                        self.fault(language::TABLE, format!("table `{name}`: {e}"), span, label);
                        return None;
                    }
                }
            }
            hir::Table::Columns(c) => {
                let values: Vec<Vec<Val>> = c.iter().map(|c| c.iter().map(|e| self.real_expr(*e)).collect()).collect();
                let known: Option<Vec<Vec<f64>>> = values
                    .iter()
                    .map(|c| {
                        c.iter()
                            .map(|v| match self.b.constant(*v) {
                                Some(Const::Real(x)) => Some(x),
                                _ => None,
                            })
                            .collect()
                    })
                    .collect();
                (values.first().map_or(0, Vec::len), values.len(), known.ok_or(values))
            }
        };
        let fixed = match points {
            Ok(p) => match Table::new(&p, axes, column) {
                Ok(t) => Some(t),
                Err(e) => {
                    self.fault(language::TABLE, format!("this table cannot be interpolated: {e}"), span, "");
                    return None;
                }
            },
            Err(values) => {
                for (b, v) in values.into_iter().flatten().enumerate() {
                    self.write(Cell::Point(k, b as u32), v);
                }
                None
            }
        };
        self.out.tables.push(TableInfo { axes: axes.to_vec(), column, columns: count, rows, fixed, span });
        Some(k)
    }

    pub(super) fn table_model(
        &mut self,
        inputs: &[ExprId],
        t: &hir::Table,
        axes: &[AxisControl],
        column: usize,
        span: Span,
    ) -> Val {
        let zero = self.b.real(0.0);
        let values: Vec<Val> = inputs.iter().map(|e| self.real_expr(*e)).collect();
        let Some(table) = self.table(t, axes, column, span) else { return zero };
        let at = [0, 1, 2].map(|k| values.get(k).copied().unwrap_or(zero));
        if axes.iter().any(|a| [a.below, a.above].contains(&Extrapolation::Error)) {
            let off = self.b.op(Op::Table(Lookup { table, order: Lookup::OUTSIDE }, at));
            let is_out = self.b.bin(BinOp::Lt, zero, off);
            let value = EffectItem::Value {
                conversion: 'g',
                width: None,
                precision: None,
                flags: String::new(),
                is_text: false,
            };
            let items = vec![EffectItem::Text("%m: an input lies beyond its table, by ".into()), value];
            let site = EffectSite { kind: EffectKind::Text(TextKind::Fatal), items, span };
            self.branch(
                is_out,
                |l| {
                    l.effect(site, vec![off]);
                    vec![]
                },
                |_| vec![],
            );
        }
        self.b.op(Op::Table(Lookup { table, order: [0; 3] }, at))
    }
}
