//! Any bytes as a deck, elaborated: never a panic, and there is a circuit unless there is an error.
#![no_main]

use std::io::{Error, ErrorKind};
use std::path::Path;

use ferrospice::circuit::{self, Overrides};
use ferrospice::diag::SourceMap;
use ferrospice::netlist::{self, Files, ParseOptions};
use libfuzzer_sys::fuzz_target;

struct NoFiles;

impl Files for NoFiles {
    fn read(&self, _: &Path) -> std::io::Result<String> {
        Err(Error::new(ErrorKind::NotFound, "no files here"))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let text = netlist::decode(bytes.to_vec());
    let mut sources = SourceMap::new();
    let (deck, _) = netlist::parse(&NoFiles, "fuzz.cir", &text, &ParseOptions::default(), &mut sources);
    let (circuit, diags) = circuit::elaborate(&deck, &sources, &Overrides::default());
    assert!(circuit.is_some() || diags.iter().any(|d| d.is_error()), "no circuit and no error");
});
