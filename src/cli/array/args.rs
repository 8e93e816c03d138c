//! What may stand after `ferrospice array`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::super::args::ProgressChoice;
use crate::base::units::parse_number;

/// A number with an SI suffix.
pub fn si(text: &str) -> Result<f64, String> {
    match text.to_ascii_lowercase().as_str() {
        "inf" => Ok(f64::INFINITY),
        t => parse_number(t).filter(|n| n.len == t.len()).map(|n| n.value).ok_or_else(|| "not a number".to_string()),
    }
}

/// `3,5`
pub fn pair(text: &str) -> Result<(usize, usize), String> {
    let parts = text.split_once([',', 'x']).and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    parts.ok_or_else(|| "two whole numbers are wanted: ROW,COL".to_string())
}

/// `128x64` or `128`
fn size(text: &str) -> Result<(usize, usize), String> {
    if let Ok(n) = text.parse::<usize>() {
        return Ok((n, n));
    }
    pair(text).map_err(|_| "ROWSxCOLS, e.g. 128x64".to_string())
}

#[derive(Args, Debug)]
pub struct ArrayArgs {
    #[command(subcommand)]
    pub command: ArrayCommand,
}

/// The cells.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cells")]
pub struct Cells {
    /// Matrix of conductances, S: .npy, .npz[:NAME], CSV or text; rows are word lines
    #[arg(short = 'g', long, value_name = "FILE", conflicts_with_all = ["resistances", "uniform", "random"])]
    pub conductances: Option<PathBuf>,
    /// Matrix of resistances, Ω (`inf` is an open cell)
    #[arg(short = 'r', long, value_name = "FILE", conflicts_with_all = ["uniform", "random"])]
    pub resistances: Option<PathBuf>,
    /// The same resistance everywhere, Ω; with --size
    #[arg(long, value_name = "OHMS", value_parser = si, conflicts_with = "random")]
    pub uniform: Option<f64>,
    /// Log-uniform resistances between two limits, Ω; with --size
    #[arg(long, value_name = "LOW:HIGH")]
    pub random: Option<String>,
    /// Rows and columns, for --uniform and --random
    #[arg(short = 'n', long, value_name = "ROWSxCOLS", value_parser = size)]
    pub size: Option<(usize, usize)>,
    /// Seed of --random, and of noise
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The file's columns are the word lines
    #[arg(long)]
    pub transpose: bool,
    /// Cells vary: standard deviation of the logarithm of their conductances
    #[arg(long, value_name = "SIGMA", value_parser = si, default_value = "0")]
    pub spread: f64,
    /// A cell without contact (repeatable)
    #[arg(long, value_name = "ROW,COL", value_parser = pair)]
    pub dead: Vec<(usize, usize)>,
    /// A cell stuck at a resistance, Ω (repeatable)
    #[arg(long, value_name = "ROW,COL=OHMS")]
    pub stuck: Vec<String>,
    /// Law of the cells; the matrix has their conductances at 0 V, or of the element in series with the selector.
    /// `ferrospice array laws` lists them
    #[arg(long, value_name = "NAME", default_value = "ohmic")]
    pub law: String,
    /// A parameter of the law (repeatable)
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Voltages and currents of law `table`: two columns
    #[arg(long, value_name = "FILE")]
    pub table: Option<PathBuf>,
}

/// Cells of devices.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cells of devices")]
pub struct Device {
    /// The cells are this Verilog-A module (.va) or subcircuit (any other file) between word and bit line; NAME is the
    /// file's if it is not given
    #[arg(long, value_name = "FILE[:NAME]")]
    pub cell: Option<String>,
    /// A parameter of all cells (repeatable)
    #[arg(long, value_name = "NAME=VALUE", requires = "cell")]
    pub cell_param: Vec<String>,
    /// A parameter cell by cell, from a matrix (repeatable)
    #[arg(long, value_name = "NAME=FILE", requires = "cell")]
    pub map: Vec<String>,
    /// A parameter spread normally around its value, by a share of it such as 5% (repeatable)
    #[arg(long, value_name = "NAME=SHARE", requires = "cell")]
    pub vary: Vec<String>,
    /// Seed of --vary
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub cell_seed: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Drive {
    #[default]
    Left,
    Right,
    Both,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Ground {
    #[default]
    Bottom,
    Top,
    Both,
}

/// The wires.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Wires")]
pub struct Wires {
    /// Resistance of a wire segment between two cells, and of the leads to the first ones, Ω
    #[arg(short = 'w', long, value_name = "OHMS", value_parser = si, default_value = "1", allow_hyphen_values = true)]
    pub wire: f64,
    /// Of word lines only
    #[arg(long, value_name = "OHMS", value_parser = si)]
    pub wire_word: Option<f64>,
    /// Of bit lines only
    #[arg(long, value_name = "OHMS", value_parser = si)]
    pub wire_bit: Option<f64>,
    /// Resistance of the word lines' drivers, Ω, on top of the lead
    #[arg(long, value_name = "OHMS", value_parser = si, default_value = "0")]
    pub driver: f64,
    /// Resistance between the bit lines' leads and ground, Ω
    #[arg(long, value_name = "OHMS", value_parser = si, default_value = "0")]
    pub sense: f64,
    /// Where word lines are driven
    #[arg(long, value_enum, value_name = "SIDE", default_value_t)]
    pub drive: Drive,
    /// Where bit lines are connected
    #[arg(long, value_enum, value_name = "SIDE", default_value_t)]
    pub ground: Ground,
    /// A word line broken after a column (repeatable)
    #[arg(long, value_name = "LINE,COL", value_parser = pair)]
    pub open_word: Vec<(usize, usize)>,
    /// A bit line broken after a row (repeatable)
    #[arg(long, value_name = "LINE,ROW", value_parser = pair)]
    pub open_bit: Vec<(usize, usize)>,
}

/// What becomes of the result.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Results")]
pub struct Results {
    /// Write the arrays of the result: .npz, .json, or .csv (one file each)
    #[arg(short = 'o', long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Draw a picture: .svg or .png
    #[arg(long, value_name = "FIGURE")]
    pub plot: Option<PathBuf>,
    /// The summary as one JSON object
    #[arg(long)]
    pub json: bool,
    /// No summary
    #[arg(short, long)]
    pub quiet: bool,
    /// Imbalance of currents against those of the sources at which to stop; the default gives column currents to 1e-9
    #[arg(long, value_name = "TOL", value_parser = si, default_value = "1e-12")]
    pub tol: f64,
    /// Worker threads; 0 is one for each processor. Results do not depend on it
    #[arg(long, short = 'j', value_name = "N", default_value_t = 0)]
    pub threads: usize,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressChoice::Auto, value_name = "HOW")]
    pub progress: ProgressChoice,
}

/// A selected cell and the other lines.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Selection")]
pub struct Selection {
    /// The selected cell (default: the one farthest from the drivers)
    #[arg(short = 's', long, value_name = "ROW,COL", value_parser = pair)]
    pub select: Option<(usize, usize)>,
    /// Across the selected cell, V
    #[arg(short = 'v', long, value_name = "VOLTS", allow_hyphen_values = true, value_parser = si, default_value = "1")]
    pub voltage: f64,
    /// The other lines: floating, grounded, half (V/2), third (V/3), or WORD:BIT as shares of V (`z` floats)
    #[arg(long, value_name = "SCHEME", default_value = "half")]
    pub scheme: String,
}

#[derive(Subcommand, Debug)]
pub enum ArrayCommand {
    /// Voltages and currents for given conductances and inputs
    Solve {
        /// Voltages of the word lines, V: a vector, or one set a row
        #[arg(short = 'i', long, value_name = "FILE", conflicts_with = "volts")]
        inputs: Option<PathBuf>,
        /// The same voltage on every word line, V
        #[arg(long, value_name = "VOLTS", allow_hyphen_values = true, value_parser = si)]
        volts: Option<f64>,
        #[command(flatten)]
        cells: Cells,
        #[command(flatten)]
        device: Device,
        #[command(flatten)]
        wires: Wires,
        #[command(flatten)]
        results: Results,
    },
    /// How much the wires take: map, worst cell, loss against n² r/R
    Irdrop {
        /// Voltages of the word lines, V (default: 1 V each)
        #[arg(short = 'i', long, value_name = "FILE")]
        inputs: Option<PathBuf>,
        /// Square arrays of equal cells instead: a table for these sizes and ratios R/r
        #[arg(long, value_name = "RATIO", value_delimiter = ',', num_args = 0.., value_parser = si)]
        ratios: Option<Vec<f64>>,
        /// Sizes of --ratios
        #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [64, 128, 256, 512, 1024])]
        sizes: Vec<usize>,
        #[command(flatten)]
        cells: Cells,
        #[command(flatten)]
        wires: Wires,
        #[command(flatten)]
        results: Results,
    },
    /// Products of input vectors with the array against those without wires, with converters and noise
    Vmm {
        /// Input sets, V: one set a row
        #[arg(short = 'i', long, value_name = "FILE")]
        inputs: Option<PathBuf>,
        /// So many random sets, uniform in 0..1 V
        #[arg(long, value_name = "N", default_value_t = 1)]
        sets: usize,
        /// Bits of the inputs' converters; 0: ideal
        #[arg(long, value_name = "BITS", default_value_t = 0)]
        dac_bits: u32,
        /// Bits of the outputs' converters; 0: ideal
        #[arg(long, value_name = "BITS", default_value_t = 0)]
        adc_bits: u32,
        /// Read noise: standard deviation over the full scale of the outputs
        #[arg(long, value_name = "SHARE", value_parser = si, default_value = "0")]
        noise: f64,
        #[command(flatten)]
        cells: Cells,
        #[command(flatten)]
        wires: Wires,
        #[command(flatten)]
        results: Results,
    },
    /// The effective conductance matrix: columns' currents per volt on each row, wires included
    Effective {
        #[command(flatten)]
        cells: Cells,
        #[command(flatten)]
        wires: Wires,
        #[command(flatten)]
        results: Results,
    },
    /// Read one cell: currents, sneak paths, and with --margin on against off
    Read {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        cells: Cells,
        #[command(flatten)]
        wires: Wires,
        #[command(flatten)]
        results: Results,
    },
    /// Half-selected cells: drift by sinh(v/v0) over a sequence of writes
    Disturb {
        /// Voltage scale of the switching rate dx/dt = k sinh(v/v0), V
        #[arg(long, value_name = "VOLTS", allow_hyphen_values = true, value_parser = si, default_value = "0.2")]
        v0: f64,
        /// Write every cell once (otherwise the selected one), or so many cells spread evenly
        #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "0")]
        all: Option<usize>,
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        cells: Cells,
        #[command(flatten)]
        wires: Wires,
        #[command(flatten)]
        results: Results,
    },
    /// Cells with gates (1T1R, FeFET, ...): voltages and currents at rest, or what a pulse on the lines does
    Gated(Box<Gated>),
    /// A write pulse on cells with a drifting state: who switches, who is disturbed; or pulses that rise until the state is
    /// reached
    Write(Box<Write>),
    /// Read margin of memory cells against the size of the array
    Margin {
        #[command(flatten)]
        memory: Memory,
        /// Sizes
        #[arg(long, value_name = "N", value_delimiter = ',', default_values_t = [2, 4, 8, 16, 32, 64, 128])]
        sizes: Vec<usize>,
    },
    /// The largest array whose read margin is large enough
    Size {
        #[command(flatten)]
        memory: Memory,
        /// The margin, (V_on - V_off)/V at the sense resistor
        #[arg(long, value_name = "SHARE", value_parser = si, default_value = "0.1")]
        least: f64,
        /// Look no further
        #[arg(long, value_name = "N", default_value_t = 1024)]
        most: usize,
    },
    /// List the laws of cells and their parameters
    Laws,
}

/// Cells on three or more lines. Word and gate lines begin at column 0, bit lines at the last row.
#[derive(Args, Clone, Debug)]
pub struct Gated {
    #[command(flatten)]
    pub device: Device,
    /// Rows and columns
    #[arg(short = 'n', long, value_name = "ROWSxCOLS", value_parser = size)]
    pub size: Option<(usize, usize)>,
    /// What the cell's terminals are on, in order: wl, gl (along rows), bl (along columns), sl
    #[arg(long, value_name = "LINES", default_value = "bl,wl,sl", value_delimiter = ',')]
    pub pins: Vec<String>,
    /// Source lines run along the rows
    #[arg(long)]
    pub sl_rows: bool,
    /// Only the lines of this cell get their voltages, the others of their kind are grounded: a read, a write
    #[arg(short = 's', long, value_name = "ROW,COL", value_parser = pair)]
    pub select: Option<(usize, usize)>,
    /// Voltages of lines: `wl=1.5`, `bl=v.csv`, `sl=z` (not connected); others are grounded (repeatable)
    #[arg(long = "drive", value_name = "LINES=VOLTS", allow_hyphen_values = true)]
    pub drives: Vec<String>,
    /// Resistance of a wire segment, and of the leads, Ω
    #[arg(short = 'w', long, value_name = "OHMS", value_parser = si, default_value = "1")]
    pub wire: f64,
    /// Capacitance of every line node, F
    #[arg(long, value_name = "FARADS", value_parser = si, default_value = "0")]
    pub capacitance: f64,
    /// A cell without contact (repeatable)
    #[arg(long, value_name = "ROW,COL", value_parser = pair)]
    pub dead: Vec<(usize, usize)>,
    /// A cell that is a resistance between its bit and source line, Ω (repeatable)
    #[arg(long, value_name = "ROW,COL=OHMS")]
    pub stuck: Vec<String>,
    /// A broken line: after this position, counted from row or column 0 (repeatable)
    #[arg(long, value_name = "LINES,NUMBER,POSITION")]
    pub open: Vec<String>,
    /// The voltages are a pulse with this flat top, s
    #[arg(long, value_name = "SECONDS", value_parser = si)]
    pub pulse: Option<f64>,
    /// Its edges, s
    #[arg(long, value_name = "SECONDS", value_parser = si, default_value = "1n")]
    pub edge: f64,
    /// Pulses, each a little higher, until the state of the selected cell is reached
    #[arg(long, value_name = "X", value_parser = si, requires_all = ["select", "pulse"])]
    pub target: Option<f64>,
    /// What rises from pulse to pulse: `wl=0.05` lets the transistors give more current, `bl=0.1` the cell see more voltage
    #[arg(long, value_name = "LINES=VOLTS", allow_hyphen_values = true, default_value = "wl=0.05")]
    pub step: String,
    /// Pulses at most
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub pulses: usize,
    /// Relative tolerance of the local error in time
    #[arg(long, value_name = "TOL", value_parser = si, default_value = "1e-3")]
    pub reltol: f64,
    #[command(flatten)]
    pub results: Results,
}

/// A write and its cells: i = G(x) sinh(kappa v)/kappa, G = Goff^(1-x) Gon^x, dx/dt = rate sinh(v/v0) F(x).
#[derive(Args, Clone, Debug)]
pub struct Write {
    /// Rows and columns
    #[arg(short = 'n', long, value_name = "ROWSxCOLS", value_parser = size)]
    pub size: Option<(usize, usize)>,
    /// States of the cells, 0 to 1, from a file instead of --state
    #[arg(long, value_name = "FILE")]
    pub states: Option<PathBuf>,
    /// State of all cells before the write
    #[arg(long, value_name = "X", value_parser = si, default_value = "0.05")]
    pub state: f64,
    /// Resistance at x = 1, Ω
    #[arg(long, value_name = "OHMS", value_parser = si, default_value = "10k")]
    pub on: f64,
    /// Resistance at x = 0, Ω
    #[arg(long, value_name = "OHMS", value_parser = si, default_value = "1meg")]
    pub off: f64,
    /// Nonlinearity of the current, 1/V; 0: none
    #[arg(long, value_name = "PER_VOLT", value_parser = si, default_value = "2")]
    pub kappa: f64,
    /// Rate of the state, 1/s
    #[arg(long, value_name = "RATE", value_parser = si, default_value = "2e4")]
    pub rate: f64,
    /// Voltage scale of the rate, V
    #[arg(long, value_name = "VOLTS", value_parser = si, default_value = "0.15")]
    pub v0: f64,
    /// Exponent of the window at the rails; 0: none
    #[arg(long, value_name = "P", default_value_t = 2)]
    pub window: u32,
    /// Flat top of the pulse, s
    #[arg(long, value_name = "SECONDS", value_parser = si, default_value = "10n")]
    pub width: f64,
    /// Its edges, s
    #[arg(long, value_name = "SECONDS", value_parser = si, default_value = "0.5n")]
    pub edge: f64,
    /// Capacitance of every line node, F
    #[arg(long, value_name = "FARADS", value_parser = si, default_value = "1f")]
    pub capacitance: f64,
    /// Pulses that rise until the selected cell has this state
    #[arg(long, value_name = "X", value_parser = si)]
    pub target: Option<f64>,
    /// By so much each, V
    #[arg(long, value_name = "VOLTS", value_parser = si, default_value = "0.05")]
    pub step: f64,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub pulses: usize,
    /// Relative tolerance of the local error in time
    #[arg(long, value_name = "TOL", value_parser = si, default_value = "1e-3")]
    pub reltol: f64,
    #[command(flatten)]
    pub selection: Selection,
    #[command(flatten)]
    pub wires: Wires,
    #[command(flatten)]
    pub results: Results,
}

/// A memory cell with two states.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Memory cells")]
pub struct Memory {
    /// Resistance of a cell that is on, Ω
    #[arg(long, value_name = "OHMS", value_parser = si, default_value = "10k")]
    pub on: f64,
    /// Resistance of a cell that is off, Ω
    #[arg(long, value_name = "OHMS", value_parser = si, default_value = "1meg")]
    pub off: f64,
    /// Sense resistor in the selected bit line, Ω (default: that of a cell that is on)
    #[arg(long, value_name = "OHMS", value_parser = si)]
    pub resistor: Option<f64>,
    /// Search the worst pattern of the other cells instead of taking all of them on
    #[arg(long)]
    pub search: bool,
    /// Law of the cells
    #[arg(long, value_name = "NAME", default_value = "ohmic")]
    pub law: String,
    /// A parameter of the law (repeatable)
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Across the selected cell, V
    #[arg(short = 'v', long, value_name = "VOLTS", allow_hyphen_values = true, value_parser = si, default_value = "1")]
    pub voltage: f64,
    /// The other lines: floating, grounded, half, third, or WORD:BIT as shares of V
    #[arg(long, value_name = "SCHEME", default_value = "floating")]
    pub scheme: String,
    #[command(flatten)]
    pub wires: Wires,
    #[command(flatten)]
    pub results: Results,
}
