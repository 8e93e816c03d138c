//! Completion scripts and manual pages, from the same definitions as the command line.

use clap::CommandFactory;

use super::args::LowArgs;
use super::term::Term;

pub fn completions(shell: clap_complete::Shell, term: &Term) -> u8 {
    let mut out = vec![];
    clap_complete::generate(shell, &mut LowArgs::command(), "ferrospice", &mut out);
    term.print(&String::from_utf8_lossy(&out));
    0
}

/// Without a name the page of the program, else that of a subcommand.
pub fn man(name: Option<&str>, term: &Term) -> u8 {
    let mut command = LowArgs::command();
    command.build();
    let page = match name {
        None => command,
        Some(name) => match command.find_subcommand(name) {
            Some(sub) => sub.clone().name(format!("ferrospice-{name}").leak() as &str),
            None => {
                term.note(&format!("no subcommand `{name}`\n"));
                return 2;
            }
        },
    };
    let mut out = vec![];
    if clap_mangen::Man::new(page).render(&mut out).is_err() {
        return 1;
    }
    term.print(&String::from_utf8_lossy(&out));
    0
}
