//! Results: tables of columns with units, one per analysis and sweep point, and where they came from.
//!
//! An analysis streams points into a [`Sink`]; [`Table`] is the sink that keeps them.

pub mod compare;
pub mod interp;

use std::collections::BTreeMap;
use std::sync::Arc;

use num_complex::Complex64;
use serde::{Deserialize, Serialize};

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

    /// The type word of a raw file, as ngspice spells it.
    pub fn word(self) -> &'static str {
        match self {
            Quantity::Time => "time",
            Quantity::Frequency => "frequency",
            Quantity::Voltage => "voltage",
            Quantity::Current => "current",
            Quantity::Temperature => "temperature",
            Quantity::Power => "power",
            Quantity::Charge => "charge",
            Quantity::Energy => "energy",
            Quantity::Other("Ω") => "impedance",
            Quantity::Other("S") => "admittance",
            Quantity::Other("F") => "capacitance",
            Quantity::Other("rad") => "phase",
            Quantity::Other("dB") => "decibel",
            Quantity::Other("V/√Hz") => "voltage-density",
            Quantity::Other("A/√Hz") => "current-density",
            Quantity::Other(_) => "notype",
        }
    }

    /// Reads a raw file's type word; those of ngspice and LTspice are known.
    pub fn from_word(word: &str) -> Quantity {
        match word.to_ascii_lowercase().as_str() {
            "time" => Quantity::Time,
            "frequency" => Quantity::Frequency,
            "voltage" => Quantity::Voltage,
            "current" | "device_current" | "subckt_current" => Quantity::Current,
            "temperature" | "temp-sweep" => Quantity::Temperature,
            "power" => Quantity::Power,
            "charge" => Quantity::Charge,
            "energy" => Quantity::Energy,
            "impedance" | "res-sweep" => Quantity::Other("Ω"),
            "admittance" => Quantity::Other("S"),
            "capacitance" => Quantity::Other("F"),
            "phase" => Quantity::Other("rad"),
            "decibel" => Quantity::Other("dB"),
            "voltage-density" => Quantity::Other("V/√Hz"),
            "current-density" => Quantity::Other("A/√Hz"),
            _ => Quantity::Other(""),
        }
    }

    /// The quantity that has this unit. Units outside [`UNITS`] are lost (`Other("")`).
    pub fn from_unit(unit: &str) -> Quantity {
        match unit {
            "s" => Quantity::Time,
            "Hz" => Quantity::Frequency,
            "V" => Quantity::Voltage,
            "A" => Quantity::Current,
            "°C" => Quantity::Temperature,
            "W" => Quantity::Power,
            "J" => Quantity::Energy,
            "C" => Quantity::Charge,
            _ => Quantity::Other(UNITS.iter().find(|u| **u == unit).copied().unwrap_or("")),
        }
    }

    /// What a signal's name says of it: `v(a)` is a voltage, `i(r1)` a current.
    pub fn from_name(name: &str) -> Quantity {
        let n = name.to_ascii_lowercase();
        match n.as_str() {
            "time" => return Quantity::Time,
            "frequency" | "freq" => return Quantity::Frequency,
            "temp-sweep" | "temp" => return Quantity::Temperature,
            "v-sweep" => return Quantity::Voltage,
            "i-sweep" | "v(i-sweep)" | "i(i-sweep)" => return Quantity::Current,
            "res-sweep" => return Quantity::Other("Ω"),
            _ => {}
        }
        match n.split_once('(').map(|(head, _)| head) {
            Some("v") => Quantity::Voltage,
            Some("i" | "ib" | "ic" | "ie" | "is" | "id" | "ig" | "ix" | "isub") => Quantity::Current,
            Some("p") => Quantity::Power,
            Some("e") => Quantity::Energy,
            Some("q") => Quantity::Charge,
            _ if n.ends_with("#branch") || n.ends_with("[i]") || n.ends_with("[id]") => Quantity::Current,
            _ => Quantity::Other(""),
        }
    }
}

/// Units beyond those of the named quantities that files can carry and bring back.
pub const UNITS: &[&str] = &[
    "", "Ω", "S", "F", "H", "rad", "deg", "dB", "V/√Hz", "A/√Hz", "V²/Hz", "A²/Hz", "V²", "A²", "V/V", "A/A", "K", "m",
    "nm", "m²", "Wb", "C/m²", "C/cm²", "µC/cm²", "V/s", "A/s", "V s", "A s", "1/s", "rad/s", "Ω²", "%", "1", "m³",
    "1/m³", "mol/m³", "eV", "T", "A/m", "V/m", "N", "Pa",
];

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

    pub const ALL: [PlotKind; 10] = [
        PlotKind::Op,
        PlotKind::Dc,
        PlotKind::Ac,
        PlotKind::Tran,
        PlotKind::NoiseDensity,
        PlotKind::NoiseIntegrated,
        PlotKind::Tf,
        PlotKind::Sens,
        PlotKind::Pz,
        PlotKind::Fourier,
    ];

    pub fn from_word(word: &str) -> Option<PlotKind> {
        PlotKind::ALL.into_iter().find(|k| k.word().eq_ignore_ascii_case(word))
    }

    /// Reads a `Plotname:`; titles that only begin like ours count too (`Transient Analysis: step 2`,
    /// ngspice's `DC transfer characteristic`, `Noise Spectral Density Curves - (V^2 or A^2)/Hz`).
    pub fn from_title(title: &str) -> Option<PlotKind> {
        let t = title.trim().to_ascii_lowercase();
        PlotKind::ALL
            .into_iter()
            .find(|k| t.starts_with(&k.title().to_ascii_lowercase()))
            .or_else(|| t.starts_with("dc").then_some(PlotKind::Dc))
            .or_else(|| t.starts_with("noise").then_some(PlotKind::NoiseDensity))
            .or_else(|| t.contains("transient").then_some(PlotKind::Tran))
            .or_else(|| t.starts_with("ac ").then_some(PlotKind::Ac))
    }
}

/// Name and meaning of a column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Signal {
    /// Lower case: `v(out)`, `i(v1)`, `@m1[gm]`, `time`. Shared by all that speak of the column.
    pub name: Arc<str>,
    pub quantity: Quantity,
}

impl Signal {
    pub fn new(name: impl Into<Arc<str>>, quantity: Quantity) -> Self {
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
    /// Evaluations of single nonlinear devices, and those that a tangent made unnecessary.
    pub instance_evals: u64,
    pub bypassed: u64,
    pub factorizations: u64,
    pub refactorizations: u64,
    pub solves: u64,
    /// Solutions with the factors of an earlier Jacobian (modified Newton).
    pub modified: u64,
    /// The homotopy that found the operating point: `direct`, `gmin`, `source`, `ptran`.
    pub homotopy: String,
    /// The linear kernel used.
    pub kernel: String,
    /// Its order of elimination: `amd` or `nd`.
    pub ordering: String,
    /// Multiplications of one factorisation.
    pub factor_flops: u64,
    /// What one refactorisation and solution was expected to take when the kernel was chosen, s.
    pub factor_estimate: f64,
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

    /// Point `k` as a complex number; NaN beyond the end.
    pub fn at(&self, k: usize) -> Complex64 {
        match self {
            Column::Real(v) => v.get(k).copied().unwrap_or(f64::NAN).into(),
            Column::Complex(v) => v.get(k).copied().unwrap_or(f64::NAN.into()),
        }
    }

    /// Magnitudes of a complex column, the numbers themselves of a real one.
    pub fn magnitude(&self) -> Vec<f64> {
        match self {
            Column::Real(v) => v.clone(),
            Column::Complex(v) => v.iter().map(|z| z.norm()).collect(),
        }
    }

    pub fn is_complex(&self) -> bool {
        matches!(self, Column::Complex(_))
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

    /// The column a user means by `name`: case and blanks do not matter, `i(v1)` finds `v1#branch`, `out` finds
    /// `v(out)`, `time` and the like find the axis.
    pub fn find(&self, name: &str) -> Option<usize> {
        let want: String = name.chars().filter(|c| !c.is_whitespace()).collect::<String>().to_ascii_lowercase();
        let direct = |w: &str| self.schema.signals.iter().position(|s| s.name.eq_ignore_ascii_case(w));
        direct(&want)
            .or_else(|| want.strip_prefix("i(").and_then(|r| direct(&format!("{}#branch", r.strip_suffix(')')?))))
            .or_else(|| want.strip_suffix("#branch").and_then(|r| direct(&format!("i({r})"))))
            .or_else(|| direct(&format!("v({want})")))
            .or_else(|| {
                let is_axis = matches!(
                    want.as_str(),
                    "v-sweep" | "i-sweep" | "temp-sweep" | "res-sweep" | "hertz" | "freq" | "sweep"
                );
                (self.schema.has_axis && is_axis).then_some(0)
            })
    }

    /// Is any column complex?
    pub fn is_complex(&self) -> bool {
        self.schema.is_complex || self.columns.iter().any(Column::is_complex)
    }

    /// Replaces the table's rows by those at `keep`, in that order; numbers past the end are left out.
    #[must_use]
    pub fn select(&self, keep: &[usize]) -> Table {
        let columns = self
            .columns
            .iter()
            .map(|c| match c {
                Column::Real(v) => Column::Real(keep.iter().filter_map(|&k| v.get(k).copied()).collect()),
                Column::Complex(v) => Column::Complex(keep.iter().filter_map(|&k| v.get(k).copied()).collect()),
            })
            .collect();
        Table { schema: self.schema.clone(), columns, meta: self.meta.clone() }
    }

    /// The same points with these columns only.
    pub fn with_columns(&self, keep: &[usize]) -> Table {
        let keep = || keep.iter().filter(|&&k| k < self.columns.len());
        let signals = keep().map(|&k| self.schema.signals[k].clone()).collect();
        let schema = Schema { signals, ..self.schema.clone() };
        Table { schema, columns: keep().map(|&k| self.columns[k].clone()).collect(), meta: self.meta.clone() }
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

/// Each `begin` opens a new table: the sink for analyses that give more than one.
impl Sink for Dataset {
    fn begin(&mut self, schema: &Schema) {
        let mut t = Table::default();
        t.begin(schema);
        self.tables.push(t);
    }

    fn point(&mut self, row: &[f64]) {
        if let Some(t) = self.tables.last_mut() {
            t.point(row);
        }
    }

    fn point_complex(&mut self, row: &[Complex64]) {
        if let Some(t) = self.tables.last_mut() {
            t.point_complex(row);
        }
    }

    fn end(&mut self, meta: Meta) {
        if let Some(t) = self.tables.last_mut() {
            t.end(meta);
        }
    }
}

/// Feeds two sinks: keep and stream at once.
pub struct Tee<'a>(pub &'a mut dyn Sink, pub &'a mut dyn Sink);

impl Sink for Tee<'_> {
    fn begin(&mut self, schema: &Schema) {
        self.0.begin(schema);
        self.1.begin(schema);
    }

    fn point(&mut self, row: &[f64]) {
        self.0.point(row);
        self.1.point(row);
    }

    fn point_complex(&mut self, row: &[Complex64]) {
        self.0.point_complex(row);
        self.1.point_complex(row);
    }

    fn end(&mut self, meta: Meta) {
        self.0.end(meta.clone());
        self.1.end(meta);
    }
}
