//! Any bytes as a deck: parsing never panics, every span lies in its file, and what was read without an error can be
//! printed and read again.
#![no_main]

use std::io::{Error, ErrorKind};
use std::path::Path;

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
    let (deck, diags) = netlist::parse(&NoFiles, "fuzz.cir", &text, &ParseOptions::default(), &mut sources);
    for label in diags.iter().flat_map(|d| &d.labels).filter(|l| !l.span.is_nowhere()) {
        let span = label.span;
        let file = sources.file(span.file).expect("a file of the map");
        assert!(file.text.get(span.lo as usize..span.hi as usize).is_some(), "{label:?}");
    }
    if diags.iter().all(|d| !d.is_error()) {
        let printed = netlist::print(&deck, &sources);
        let mut again = SourceMap::new();
        let (_, diags) = netlist::parse(&NoFiles, "again.cir", &printed, &ParseOptions::default(), &mut again);
        assert!(diags.iter().all(|d| !d.is_error()), "{printed}\n{diags:?}");
    }
});
