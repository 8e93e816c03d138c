//! Results as JSON.
//!
//! ```json
//! { "format": "ferrospice-results", "version": 1,
//!   "tables": [ { "kind": "tran", "plotname": "Transient Analysis", "has_axis": true, "is_complex": false,
//!                 "meta": { "title": "...", "version": "...", "seed": 1, "sweep": [["r", 1000.0]], ... },
//!                 "signals": [ {"name": "time", "unit": "s"}, {"name": "v(out)", "unit": "V"} ],
//!                 "data": [ [0.0, 1e-9], [0.0, 0.5] ] } ] }
//! ```
//!
//! `data` has one array per signal; a complex signal is `{"re": [...], "im": [...]}`. The first signal is the sweep
//! variable when `has_axis`. Numbers that are not finite are `null`, which reads back as NaN. `kind` is one of
//! `op dc ac tran noise noise_total tf sens pz four`.

use std::io::{self, Write};

use num_complex::Complex64;
use serde::{Deserialize, Serialize, Serializer, ser::SerializeSeq};

use super::bad_file;
use crate::dataset::{Column, Dataset, Meta, PlotKind, Quantity, Schema, Signal, Table};
use crate::diag::Diagnostic;

const FORMAT: &str = "ferrospice-results";

#[derive(Serialize)]
struct FileOut<'a> {
    format: &'a str,
    version: u32,
    tables: Vec<TableOut<'a>>,
}

#[derive(Serialize)]
struct TableOut<'a> {
    #[serde(flatten)]
    head: Head,
    meta: &'a Meta,
    data: Vec<ColumnOut<'a>>,
}

/// The schema part; the npz writer uses it too.
#[derive(Serialize, Deserialize, Debug)]
pub(super) struct Head {
    kind: String,
    #[serde(default)]
    plotname: String,
    has_axis: bool,
    is_complex: bool,
    signals: Vec<SignalOut>,
}

#[derive(Serialize, Deserialize, Debug)]
struct SignalOut {
    name: String,
    #[serde(default)]
    unit: String,
}

impl Head {
    pub(super) fn new(schema: &Schema) -> Head {
        Head {
            kind: schema.kind.word().into(),
            plotname: schema.kind.title().into(),
            has_axis: schema.has_axis,
            is_complex: schema.is_complex,
            signals: schema
                .signals
                .iter()
                .map(|s| SignalOut { name: s.name.to_string(), unit: s.quantity.unit().into() })
                .collect(),
        }
    }

    pub(super) fn schema(self) -> Result<Schema, Diagnostic> {
        let kind = PlotKind::from_word(&self.kind)
            .ok_or_else(|| bad_file(format!("unknown kind of table `{}`", self.kind)))?;
        let signals = self.signals.into_iter().map(|s| {
            let quantity = if s.unit.is_empty() { Quantity::Other("") } else { Quantity::from_unit(&s.unit) };
            Signal::new(s.name, quantity)
        });
        Ok(Schema { kind, has_axis: self.has_axis, is_complex: self.is_complex, signals: signals.collect() })
    }
}

enum ColumnOut<'a> {
    Real(&'a [f64]),
    Complex(&'a [Complex64]),
}

impl Serialize for ColumnOut<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Pair<'a> {
            re: Part<'a>,
            im: Part<'a>,
        }
        struct Part<'a>(&'a [Complex64], fn(&Complex64) -> f64);
        impl Serialize for Part<'_> {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                let mut seq = s.serialize_seq(Some(self.0.len()))?;
                for z in self.0 {
                    seq.serialize_element(&(self.1)(z))?;
                }
                seq.end()
            }
        }
        match self {
            ColumnOut::Real(v) => v.serialize(s),
            ColumnOut::Complex(v) => Pair { re: Part(v, |z| z.re), im: Part(v, |z| z.im) }.serialize(s),
        }
    }
}

/// Writes the whole dataset as one JSON value and a line end.
pub fn write(dataset: &Dataset, w: &mut dyn Write) -> io::Result<()> {
    let tables = dataset.tables.iter().map(|t| TableOut {
        head: Head::new(&t.schema),
        meta: &t.meta,
        data: t
            .columns
            .iter()
            .map(|c| match c {
                Column::Real(v) => ColumnOut::Real(v),
                Column::Complex(v) => ColumnOut::Complex(v),
            })
            .collect(),
    });
    let file = FileOut { format: FORMAT, version: 1, tables: tables.collect() };
    serde_json::to_writer(&mut *w, &file).map_err(io::Error::from)?;
    w.write_all(b"\n")
}

#[derive(Deserialize)]
struct FileIn {
    format: String,
    version: u32,
    tables: Vec<TableIn>,
}

#[derive(Deserialize)]
struct TableIn {
    #[serde(flatten)]
    head: Head,
    #[serde(default)]
    meta: Meta,
    data: Vec<ColumnIn>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum ColumnIn {
    Real(Vec<Option<f64>>),
    Complex { re: Vec<Option<f64>>, im: Vec<Option<f64>> },
}

/// Reads what [`write`] writes.
pub fn read(bytes: &[u8]) -> Result<Dataset, Diagnostic> {
    let file: FileIn = serde_json::from_slice(bytes).map_err(|e| bad_file(format!("JSON: {e}")))?;
    if file.format != FORMAT || file.version != 1 {
        return Err(bad_file(format!(
            "JSON of format `{}` version {}, expected `{FORMAT}` version 1",
            file.format, file.version
        )));
    }
    let nan = |v: Vec<Option<f64>>| v.into_iter().map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    let mut dataset = Dataset::default();
    for t in file.tables {
        let schema = t.head.schema()?;
        let columns: Vec<Column> = t
            .data
            .into_iter()
            .map(|c| match c {
                ColumnIn::Real(v) => Column::Real(nan(v)),
                ColumnIn::Complex { re, im } => {
                    Column::Complex(nan(re).into_iter().zip(nan(im)).map(|(re, im)| Complex64::new(re, im)).collect())
                }
            })
            .collect();
        check_shape(&schema, &columns)?;
        dataset.tables.push(Table { schema, columns, meta: t.meta });
    }
    Ok(dataset)
}

/// As many columns as signals, all of one length.
pub(super) fn check_shape(schema: &Schema, columns: &[Column]) -> Result<(), Diagnostic> {
    if columns.len() != schema.signals.len() {
        return Err(bad_file(format!("{} signals but {} columns of data", schema.signals.len(), columns.len())));
    }
    if columns.windows(2).any(|w| w[0].len() != w[1].len()) {
        return Err(bad_file("the columns of a table differ in length"));
    }
    Ok(())
}
