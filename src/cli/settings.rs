//! The command line validated: from words to what is to be done. A fault here is a usage fault (exit code 2).

use std::path::{Path, PathBuf};

use super::args::{Dialect, FileFormat, Picture, RawDialect, Reading, Run};
use crate::base::units::parse_number;
use crate::netlist::Compat;
use crate::output;
use crate::session::RunOptions;

/// What `run` is to write.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outputs {
    /// One rawfile with everything.
    pub rawfile: Option<PathBuf>,
    pub dir: Option<PathBuf>,
    /// Names in the register of formats.
    pub formats: Vec<&'static str>,
    /// `Some` when figures are wanted: the expressions, or none for what the deck asks.
    pub plots: Option<Vec<String>>,
    pub pictures: Vec<&'static str>,
    /// Name of the deck without folder and extension.
    pub stem: String,
    /// Rawfiles in ASCII (SPICE_ASCIIRAWFILE=1, as ngspice has it).
    pub is_ascii: bool,
    pub dialect: output::Dialect,
}

impl Outputs {
    pub fn of(run: &Run) -> Outputs {
        let is_ascii = std::env::var("SPICE_ASCIIRAWFILE").is_ok_and(|v| v.trim() == "1");
        let mut formats: Vec<&'static str> = run.format.iter().map(|f| format_name(*f)).collect();
        formats.dedup();
        if formats.is_empty() && run.output.is_some() {
            formats.push("raw");
        }
        let mut pictures: Vec<&'static str> = run.plot_format.iter().map(|p| picture_name(*p)).collect();
        pictures.dedup();
        // Asking for a picture format asks for pictures.
        let plots = run.plot.clone().or_else(|| (!pictures.is_empty()).then(Vec::new));
        if pictures.is_empty() {
            pictures.push("svg");
        }
        let dir = run.output.clone().or_else(|| (!formats.is_empty()).then(PathBuf::new));
        let dialect = match run.raw_dialect {
            RawDialect::Ngspice => output::Dialect::Ngspice,
            RawDialect::Ltspice => output::Dialect::Ltspice,
        };
        let (rawfile, stem) = (run.rawfile.clone(), stem(&run.deck));
        Outputs { rawfile, dir, formats, plots, pictures, stem, is_ascii, dialect }
    }

    /// A file of the output directory, or of the current one without `-o`.
    pub fn path(&self, suffix: &str) -> PathBuf {
        self.dir.clone().unwrap_or_default().join(format!("{}{suffix}", self.stem))
    }
}

fn format_name(f: FileFormat) -> &'static str {
    match f {
        FileFormat::Raw => "raw",
        FileFormat::RawAscii => "raw-ascii",
        FileFormat::Csv => "csv",
        FileFormat::Npz => "npz",
        FileFormat::Json => "json",
    }
}

fn picture_name(p: Picture) -> &'static str {
    match p {
        Picture::Svg => "svg",
        Picture::Png => "png",
    }
}

pub fn stem(deck: &Path) -> String {
    if deck == Path::new("-") {
        return "stdin".into();
    }
    deck.file_stem().map_or_else(|| "deck".into(), |s| s.to_string_lossy().into_owned())
}

/// The run's options from the command line; every fault at once.
pub fn options(r: &Reading) -> Result<RunOptions, Vec<String>> {
    let mut faults = vec![];
    let mut out = RunOptions {
        include_dirs: r.include.clone(),
        compat: r.compat.map_or(Compat::default(), compat),
        threads: r.threads.unwrap_or(0),
        ..RunOptions::default()
    };
    for p in &r.param {
        match p.split_once('=').map(|(n, v)| (n.trim(), v.trim())) {
            Some((n, v)) if is_name(n) => match parse_number(v).filter(|x| x.len == v.len() && x.value.is_finite()) {
                Some(x) => out.params.push((n.to_string(), x.value)),
                None => faults.push(format!("-D {p}: `{v}` is not a number (SI suffixes such as 10k are)")),
            },
            _ => faults.push(format!("-D {p}: expected NAME=VALUE")),
        }
    }
    for o in &r.option {
        let (n, v) = o.split_once('=').map_or((o.trim(), ""), |(n, v)| (n.trim(), v.trim()));
        if is_name(n) && !v.contains(char::is_whitespace) && (!v.is_empty() || !o.contains('=')) {
            out.options.push((n.to_string(), v.to_string()));
        } else {
            faults.push(format!("--option {o}: expected NAME or NAME=VALUE"));
        }
    }
    if let Some(seed) = r.seed {
        out.options.push(("seed".into(), seed.to_string()));
    }
    if faults.is_empty() { Ok(out) } else { Err(faults) }
}

fn is_name(n: &str) -> bool {
    n.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && n.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '#'))
}

fn compat(d: Dialect) -> Compat {
    match d {
        Dialect::Ngspice => Compat::Ngspice,
        Dialect::Ltspice => Compat::Ltspice,
        Dialect::Hspice => Compat::Hspice,
        Dialect::Pspice => Compat::Pspice,
    }
}

/// `960x600`
pub fn size(text: &str) -> Result<(u32, u32), String> {
    let parsed = text.split_once(['x', 'X']).and_then(|(w, h)| Some((w.trim().parse().ok()?, h.trim().parse().ok()?)));
    match parsed {
        Some((w, h)) if (100..=20_000).contains(&w) && (100..=20_000).contains(&h) => Ok((w, h)),
        Some(_) => Err(format!("--size {text}: each side must be from 100 to 20000 pixels")),
        None => Err(format!("--size {text}: expected WIDTHxHEIGHT, such as 960x600")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_faults_at_once() {
        let r = Reading {
            param: vec!["r=4.7k".into(), "c".into(), "l=x".into()],
            option: vec!["reltol=1e-4".into(), "klu".into(), "=3".into()],
            ..Reading::default()
        };
        assert_eq!(options(&r).unwrap_err().len(), 3);
        let r = Reading { param: vec!["r=4.7k".into()], option: vec!["klu".into()], seed: Some(7), ..r };
        let o = options(&r).unwrap();
        assert_eq!(o.params, [("r".to_string(), 4700.0)]);
        assert_eq!(o.options, [("klu".to_string(), String::new()), ("seed".into(), "7".into())]);
    }

    #[test]
    fn sizes() {
        assert_eq!(size("800x600"), Ok((800, 600)));
        assert!(size("800").is_err() && size("1x1").is_err() && size("x").is_err());
    }
}
