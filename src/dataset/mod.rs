//! Results: tables of columns with units, one per analysis and sweep point, and where they came from.
//!
//! An analysis streams points into a [`Sink`]; [`Table`] is the sink that keeps them.

use std::collections::BTreeMap;

use num_complex::Complex64;
use serde::Serialize;

/// What a column measures: gives the unit and the raw-file type word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantity {
    Time,
    Frequency,
    Voltage,
    Current,
    Temperature,
    Power,
    Energy,
    Charge,
    /// Anything else, with its unit.
    Other(&'static str),
}

impl Quantity {
    pub fn unit(self) -> &'static str {
        match self {
            Quantity::Time => "s",
            Quantity::Frequency => "Hz",
            Quantity::Voltage => "V",
            Quantity::Current => "A",
            Quantity::Temperature => "°C",
            Quantity::Power => "W",
            Quantity::Energy => "J",
            Quantity::Charge => "C",
            Quantity::Other(u) => u,
        }
    }
}

/// Which analysis a table is of. The names are those of ngspice's raw files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum PlotKind {
    Op,
    Dc,
    Ac,
    Tran,
    NoiseDensity,
    NoiseIntegrated,
    Tf,
    Sens,
    Pz,
    Fourier,
}

impl PlotKind {
    /// `Plotname:` of the raw file.
    pub fn title(self) -> &'static str {
        match self {
            PlotKind::Op => "Operating Point",
            PlotKind::Dc => "DC transfer characteristic",
            PlotKind::Ac => "AC Analysis",
            PlotKind::Tran => "Transient Analysis",
            PlotKind::NoiseDensity => "Noise Spectral Density Curves",
            PlotKind::NoiseIntegrated => "Integrated Noise",
            PlotKind::Tf => "Transfer Function",
            PlotKind::Sens => "Sensitivity Analysis",
            PlotKind::Pz => "Pole-Zero Analysis",
            PlotKind::Fourier => "Fourier Analysis",
        }
    }

    /// The short name, as in `.meas tran`.
    pub fn word(self) -> &'static str {
        match self {
            PlotKind::Op => "op",
            PlotKind::Dc => "dc",
            PlotKind::Ac => "ac",
            PlotKind::Tran => "tran",
            PlotKind::NoiseDensity => "noise",
            PlotKind::NoiseIntegrated => "noise_total",
            PlotKind::Tf => "tf",
            PlotKind::Sens => "sens",
            PlotKind::Pz => "pz",
            PlotKind::Fourier => "four",
        }
    }
}

/// Name and meaning of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signal {
    /// Lower case: `v(out)`, `i(v1)`, `@m1[gm]`, `time`.
    pub name: String,
    pub quantity: Quantity,
}

impl Signal {
    pub fn new(name: impl Into<String>, quantity: Quantity) -> Self {
        Signal { name: name.into(), quantity }
    }
}

/// What a table will hold, known before the first point.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Schema {
    pub kind: PlotKind,
    /// The first column is the sweep variable (OP has none).
    pub has_axis: bool,
    pub is_complex: bool,
    pub signals: Vec<Signal>,
}

/// How a result was made.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Meta {
    pub title: String,
    pub version: String,
    pub deck_hash: String,
    pub seed: u64,
    pub temp_c: f64,
    pub options: BTreeMap<String, String>,
    /// Values of the `.step`/`.temp`/`.data` variables at this point.
    pub sweep: Vec<(String, f64)>,
    pub stats: Stats,
    /// The run was stopped before its end.
    pub is_partial: bool,
}

/// What the solver did. Golden-tested: a rise is a regression.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Stats {
    pub unknowns: usize,
    pub matrix_entries: usize,
    pub factor_entries: usize,
    /// Accepted points (time steps, sweep points).
    pub accepted: u64,
    pub rejected_lte: u64,
    pub rejected_newton: u64,
    pub rejected_event: u64,
    pub iterations: u64,
    pub device_evals: u64,
    pub factorizations: u64,
    pub refactorizations: u64,
    pub solves: u64,
    /// The homotopy that found the operating point: `direct`, `gmin`, `source`, `ptran`.
    pub homotopy: String,
    /// The linear kernel used.
    pub kernel: String,
    pub min_step: f64,
    pub max_step: f64,
    /// Seconds of wall clock by phase. Never golden-tested.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub seconds: BTreeMap<String, f64>,
}

/// Receives an analysis point by point.
pub trait Sink {
    fn begin(&mut self, schema: &Schema);
    /// One point of a real table; one number per signal.
    fn point(&mut self, row: &[f64]);
    /// One point of a complex table.
    fn point_complex(&mut self, row: &[Complex64]);
    fn end(&mut self, meta: Meta);
}

/// Column storage.
#[derive(Clone, Debug, PartialEq)]
pub enum Column {
    Real(Vec<f64>),
    Complex(Vec<Complex64>),
}

impl Column {
    pub fn len(&self) -> usize {
        match self {
            Column::Real(v) => v.len(),
            Column::Complex(v) => v.len(),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers of a real column; the real parts of a complex one.
    pub fn re(&self) -> Vec<f64> {
        match self {
            Column::Real(v) => v.clone(),
            Column::Complex(v) => v.iter().map(|z| z.re).collect(),
        }
    }

    pub fn as_real(&self) -> Option<&[f64]> {
        match self {
            Column::Real(v) => Some(v),
            Column::Complex(_) => None,
        }
    }
}

/// One analysis at one sweep point.
#[derive(Clone, Debug)]
pub struct Table {
    pub schema: Schema,
    pub columns: Vec<Column>,
    pub meta: Meta,
}

impl Default for Table {
    fn default() -> Self {
        let schema = Schema { kind: PlotKind::Op, has_axis: false, is_complex: false, signals: vec![] };
        Table { schema, columns: vec![], meta: Meta::default() }
    }
}

impl Table {
    /// Points.
    pub fn len(&self) -> usize {
        self.columns.first().map_or(0, Column::len)
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn index(&self, name: &str) -> Option<usize> {
        self.schema.signals.iter().position(|s| s.name.eq_ignore_ascii_case(name))
    }

    pub fn column(&self, name: &str) -> Option<&Column> {
        self.index(name).map(|i| &self.columns[i])
    }

    pub fn real(&self, name: &str) -> Option<&[f64]> {
        self.column(name).and_then(Column::as_real)
    }

    /// The sweep variable.
    pub fn axis(&self) -> Option<&Column> {
        if self.schema.has_axis { self.columns.first() } else { None }
    }

    pub fn push_column(&mut self, signal: Signal, column: Column) {
        self.schema.signals.push(signal);
        self.columns.push(column);
    }
}

impl Sink for Table {
    fn begin(&mut self, schema: &Schema) {
        self.schema = schema.clone();
        let empty = if schema.is_complex { Column::Complex(vec![]) } else { Column::Real(vec![]) };
        self.columns = vec![empty; schema.signals.len()];
    }

    fn point(&mut self, row: &[f64]) {
        for (c, &x) in self.columns.iter_mut().zip(row) {
            match c {
                Column::Real(v) => v.push(x),
                Column::Complex(v) => v.push(x.into()),
            }
        }
    }

    fn point_complex(&mut self, row: &[Complex64]) {
        for (c, &x) in self.columns.iter_mut().zip(row) {
            match c {
                Column::Real(v) => v.push(x.re),
                Column::Complex(v) => v.push(x),
            }
        }
    }

    fn end(&mut self, meta: Meta) {
        self.meta = meta;
    }
}

/// All tables of a run, in deck order.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    pub tables: Vec<Table>,
}

impl Dataset {
    pub fn of_kind(&self, kind: PlotKind) -> impl Iterator<Item = &Table> {
        self.tables.iter().filter(move |t| t.schema.kind == kind)
    }
}
