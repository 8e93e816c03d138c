//! The command line: the only place that prints, reads arguments or ends the process.

pub mod args;
mod array;
mod check;
pub mod explain;
mod figures;
mod fit;
mod interrupt;
pub mod library;
pub mod models;
mod pages;
mod plot;
mod progress;
mod report;
mod run;
mod settings;
mod term;
mod va;

use std::process::ExitCode;

use clap::Parser;

use args::{Command, LowArgs};
use term::Term;

/// Runs the program on the process's arguments.
pub fn main() -> ExitCode {
    let args = match LowArgs::try_parse() {
        Ok(args) => args,
        Err(e) => {
            // Help and version are results; everything else is a usage fault.
            let _ = e.print();
            return ExitCode::from(if e.use_stderr() { 2 } else { 0 });
        }
    };
    let mut term = Term::new(args.color);
    let code = match &args.command {
        Command::Run(a) => run::run(a, &mut term),
        Command::Plot(a) => plot::run(a, &term),
        Command::Check(a) => check::run(a, &mut term),
        Command::Explain(a) => explain::run(a, &term),
        Command::Models(a) => models::run(a, &term),
        Command::Fit(a) => fit::run(a, &mut term),
        Command::Va(a) => va::run(a, &mut term),
        Command::Array(a) => array::run(a, &mut term),
        Command::Completions { shell } => pages::completions(*shell, &term),
        Command::Man { command } => pages::man(command.as_deref(), &term),
    };
    term.flush();
    ExitCode::from(code)
}

/// Faults of the command line itself.
fn usage(faults: &[String], term: &Term) -> u8 {
    for f in faults {
        term.note(&format!("error: {f}\n"));
    }
    term.note("\nFor more information, try '--help'.\n");
    2
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn definitions_are_consistent() {
        super::LowArgs::command().debug_assert();
    }
}
