//! What may stand on the command line, as it stands there. `settings` turns it into what is to be done.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Simulates SPICE-style netlists of ordinary electronics and emerging synaptic devices.
#[derive(Parser, Debug)]
#[command(name = "ferrospice", version, max_term_width = 110, arg_required_else_help = true)]
#[command(after_help = "Exit codes: 0 ok, 1 fault in the netlist (or a failed check), 2 usage, 3 not converged, \
                        130 interrupted.\nResults go to standard output, diagnostics to standard error.")]
pub struct LowArgs {
    #[command(subcommand)]
    pub command: Command,
    /// Colour: `auto` is on a terminal, unless NO_COLOR is set; CLICOLOR_FORCE turns it on anywhere
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub color: ColorChoice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Subcommand, Debug)]
pub enum Command {
    /// Run all analyses of a netlist
    #[command(after_help = "Without -o and -r nothing is written: operating points, .print tables, measures, Fourier \
                            tables and checks go to standard output. With -o DIR alone: DIR/DECK.raw and, where the \
                            deck has them, DIR/DECK.meas.csv.")]
    Run(Box<Run>),
    /// Draw signals of a result file
    Plot(Box<Plot>),
    /// Check a netlist without running it, or run it and evaluate its .check cards
    Check(Box<Check>),
    /// Explain a diagnostic code
    Explain(Explain),
    /// List the device types, or show the parameters of one
    Models(Models),
    /// Fit parameters of a netlist to its .check cards (bounded least squares)
    Fit(Fit),
    /// Check, explain or dump Verilog-A files
    Va(Va),
    /// Study arrays of cells: solutions with wires, IR drop, products, read margins
    Array(Box<super::array::args::ArrayArgs>),
    /// Write a completion script for a shell to standard output
    Completions { shell: clap_complete::Shell },
    /// Write the manual page (roff) to standard output
    Man {
        /// Of a subcommand, e.g. `run`
        command: Option<String>,
    },
}

/// How a netlist is read.
#[derive(Args, Clone, Debug, Default)]
pub struct Reading {
    /// Directory searched for .include and .lib files (repeatable)
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub include: Vec<PathBuf>,
    /// Replace the value of a global .param (repeatable); SI suffixes allowed
    #[arg(short = 'D', long = "param", value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Spellings that collide between simulators are read as this one does
    #[arg(long, value_enum, value_name = "DIALECT")]
    pub compat: Option<Dialect>,
    /// Set an option over the deck's .options (repeatable), e.g. reltol=1e-4
    #[arg(long = "option", value_name = "NAME[=VALUE]")]
    pub option: Vec<String>,
    /// Seed of every random draw (.options seed)
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Worker threads; 0 is one for each processor. Results do not depend on it
    #[arg(long, short = 'j', value_name = "N")]
    pub threads: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Dialect {
    Ngspice,
    Ltspice,
    Hspice,
    Pspice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FileFormat {
    /// Binary rawfile
    Raw,
    /// Rawfile in ASCII
    RawAscii,
    /// One file per table, comma separated
    Csv,
    /// NumPy archive
    Npz,
    /// One document with all tables
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum RawDialect {
    Ngspice,
    Ltspice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Picture {
    Svg,
    Png,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressChoice {
    /// A bar when standard error is a terminal and the run takes more than half a second
    Auto,
    /// One JSON object a line on standard error
    Json,
    None,
}

#[derive(Args, Debug)]
pub struct Run {
    /// The netlist; `-` is standard input
    pub deck: PathBuf,
    /// Write results to this directory (made if needed), named after the deck
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// Write one rawfile at this path, all plots appended, every accepted time point unless `.options interp`;
    /// ASCII when SPICE_ASCIIRAWFILE=1. Nothing is written when the netlist is at fault
    #[arg(short = 'r', long = "rawfile", value_name = "FILE")]
    pub rawfile: Option<PathBuf>,
    /// Formats written by -o (default raw)
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMAT")]
    pub format: Vec<FileFormat>,
    /// Whose rawfile: ngspice's has a plot for each sweep point; LTspice's has all points of a sweep in one plot
    /// (`stepped`) and a log beside it with the steps and the measures
    #[arg(long, value_enum, value_name = "DIALECT", default_value_t = RawDialect::Ngspice)]
    pub raw_dialect: RawDialect,
    /// Draw figures: of the expressions given, else what .plot/.print/.probe ask for, else all node voltages.
    /// Written to the -o directory, or the current one
    #[arg(long, value_name = "EXPR", num_args = 0..)]
    pub plot: Option<Vec<String>>,
    /// Picture formats of --plot (default svg)
    #[arg(long, value_enum, value_delimiter = ',', value_name = "FORMAT")]
    pub plot_format: Vec<Picture>,
    #[command(flatten)]
    pub reading: Reading,
    /// Diagnostics and results as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// No results on standard output; errors only on standard error
    #[arg(short, long)]
    pub quiet: bool,
    /// Solver statistics of each analysis on standard error
    #[arg(long)]
    pub stats: bool,
    /// How progress is shown
    #[arg(long, value_enum, default_value_t = ProgressChoice::Auto, value_name = "HOW")]
    pub progress: ProgressChoice,
}

#[derive(Args, Debug)]
pub struct Plot {
    /// A rawfile or CSV file
    pub file: PathBuf,
    /// Signals or expressions of signals; none: all node voltages
    #[arg(value_name = "EXPR")]
    pub exprs: Vec<String>,
    /// Horizontal axis instead of the sweep variable: X-Y plots, hysteresis loops
    #[arg(long, value_name = "EXPR")]
    pub x: Option<String>,
    /// The picture; its extension decides: .svg or .png (default: FILE with .svg)
    #[arg(short, long, value_name = "FIGURE")]
    pub output: Option<PathBuf>,
    /// Logarithmic horizontal axis
    #[arg(long)]
    pub logx: bool,
    /// Logarithmic vertical axis, of the absolute value
    #[arg(long)]
    pub logy: bool,
    #[arg(long)]
    pub title: Option<String>,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "960x600")]
    pub size: String,
    /// Number of the plot within the file, from 1 (default: all that have the signals)
    #[arg(long, value_name = "N")]
    pub number: Option<usize>,
}

#[derive(Args, Debug)]
pub struct Check {
    /// Netlists; `-` is standard input
    #[arg(required = true)]
    pub decks: Vec<PathBuf>,
    /// Run each deck and evaluate its .check cards
    #[arg(long)]
    pub run: bool,
    /// Run each deck once more at a tenth of its reltol: a checked figure that moves by more than this many percent
    /// fails
    #[arg(long, value_name = "PERCENT", requires = "run")]
    pub settled: Option<f64>,
    #[command(flatten)]
    pub reading: Reading,
    /// Diagnostics and checks as JSON, one object a line
    #[arg(long)]
    pub json: bool,
    /// Failures only
    #[arg(short, long)]
    pub quiet: bool,
}

#[derive(Args, Debug)]
pub struct Explain {
    /// A code such as E0301
    #[arg(required_unless_present = "list")]
    pub code: Vec<String>,
    /// All codes with their titles
    #[arg(long)]
    pub list: bool,
}

#[derive(Args, Debug)]
pub struct Models {
    /// A device (`diode`), a model type (`nmos`), an element letter (`q`), a model of the library (`vteam`) or a card
    pub name: Option<String>,
    /// The library only: compact models and cards of published devices
    #[arg(long, short)]
    pub library: bool,
    /// Print the example deck of a model or card of the library
    #[arg(long, requires = "name", conflicts_with_all = ["source", "markdown"])]
    pub example: bool,
    /// Print the Verilog-A of a model, or the text of a card, of the library
    #[arg(long, requires = "name", conflicts_with = "markdown")]
    pub source: bool,
    /// Print what the library reproduces: rows of the reviews, models, cards, decks, figures (Markdown)
    #[arg(long, conflicts_with_all = ["name", "markdown", "library"])]
    pub index: bool,
    /// As Markdown: the reference page
    #[arg(long)]
    pub markdown: bool,
}

#[derive(Args, Debug)]
pub struct Fit {
    /// The netlist, with its targets as .check cards
    pub deck: PathBuf,
    /// What to vary, and between which bounds: NAME=LOW:HIGH[:START] for a .param, CARD:NAME=LOW:HIGH[:START] for a
    /// parameter of a .model card (repeatable). Ranges of more than a decade are searched by factors
    #[arg(long, value_name = "NAME=LOW:HIGH", required = true)]
    pub vary: Vec<String>,
    /// Descents: the first from the starts given (or the middle), the others from drawn places
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub starts: usize,
    /// The result as one JSON object
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub reading: Reading,
}

#[derive(Args, Debug)]
pub struct Va {
    #[command(subcommand)]
    pub command: VaCommand,
}

/// How a Verilog-A file is read.
#[derive(Args, Clone, Debug, Default)]
pub struct VaReading {
    /// Directory searched for `include files (repeatable)
    #[arg(short = 'I', long = "include", value_name = "DIR")]
    pub include: Vec<PathBuf>,
    /// Define a macro (repeatable)
    #[arg(short = 'D', long = "define", value_name = "NAME[=TEXT]")]
    pub define: Vec<String>,
}

#[derive(Args, Debug)]
pub struct VaPlot {
    pub file: PathBuf,
    /// The module (default: the first that no other one instantiates)
    #[arg(short, long, value_name = "NAME")]
    pub module: Option<String>,
    /// The port that is swept (default: the first)
    #[arg(long, value_name = "PORT")]
    pub port: Option<String>,
    /// Its voltages (default: -1:1, with more than two ports 0:1)
    #[arg(long, value_name = "FROM:TO[:STEP]", allow_hyphen_values = true)]
    pub sweep: Option<String>,
    /// The port that is stepped, of modules with more than two (default: the second)
    #[arg(long, value_name = "PORT")]
    pub stepped: Option<String>,
    /// Its voltages (default: 0:1)
    #[arg(long, value_name = "FROM:TO[:STEP]", allow_hyphen_values = true)]
    pub step: Option<String>,
    /// Voltage of another port, which is otherwise grounded (repeatable)
    #[arg(long, value_name = "PORT=VOLTS")]
    pub set: Vec<String>,
    /// A parameter of the module (repeatable)
    #[arg(short, long, value_name = "NAME=VALUE")]
    pub param: Vec<String>,
    /// Of the sine that drives a module with a state, Hz
    #[arg(long, value_name = "HZ", default_value_t = 1.0)]
    pub frequency: f64,
    /// The picture; its extension decides: .svg or .png (default: FILE with .svg)
    #[arg(short, long, value_name = "FIGURE")]
    pub output: Option<PathBuf>,
    /// Logarithmic vertical axis, of the absolute value
    #[arg(long)]
    pub logy: bool,
    #[arg(long)]
    pub title: Option<String>,
    /// Width and height in pixels
    #[arg(long, value_name = "WxH", default_value = "960x600")]
    pub size: String,
    #[command(flatten)]
    pub reading: VaReading,
}

/// Steps of the Verilog-A compiler.
#[derive(ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaStage {
    /// Flat, resolved, typed statements
    Typed,
    /// One function in SSA form
    Lowered,
    /// Parameter values and their checks
    Params,
    /// What depends on parameters and temperature only
    Setup,
    /// Residuals and derivatives
    Eval,
    /// What happens when a point is accepted
    Accept,
    /// Operating-point variables
    Op,
    /// Noise sources
    Noise,
}

#[derive(Subcommand, Debug)]
pub enum VaCommand {
    /// Report every fault of the files
    Check {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        #[command(flatten)]
        reading: VaReading,
        /// Diagnostics and verdicts as JSON, one object a line
        #[arg(long)]
        json: bool,
        /// Errors and failed files only
        #[arg(short, long)]
        quiet: bool,
    },
    /// Ports, parameters with units and ranges, outputs, states, events, noise of each module
    Explain {
        file: PathBuf,
        /// This module only
        #[arg(short, long, value_name = "NAME")]
        module: Option<String>,
        #[command(flatten)]
        reading: VaReading,
    },
    /// Derivatives against differences, charge conservation, continuity, a sweep over the ranges of the parameters
    Test {
        file: PathBuf,
        /// This module only
        #[arg(short, long, value_name = "NAME")]
        module: Option<String>,
        #[command(flatten)]
        reading: VaReading,
    },
    /// Curves of a module: current against voltage, hysteresis loops, families of curves
    Plot(Box<VaPlot>),
    /// The modules as the compiler sees them
    Dump {
        file: PathBuf,
        /// This module only
        #[arg(short, long, value_name = "NAME")]
        module: Option<String>,
        /// After which step
        #[arg(short, long, value_enum, default_value_t = VaStage::Typed)]
        stage: VaStage,
        /// What each step of the compiler takes, and how large its result is
        #[arg(long)]
        timings: bool,
        #[command(flatten)]
        reading: VaReading,
    },
}
