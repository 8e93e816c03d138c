//! Any bytes as a Verilog-A file: the front end never panics and ends within its limits, every span can be drawn, and a
//! module without errors can be printed.
#![no_main]

use std::io::{Error, ErrorKind};
use std::path::Path;

use ferrospice::diag::{SourceMap, render};
use ferrospice::veriloga::{self, Options};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes).into_owned();
    let files = |path: &Path| {
        if path == Path::new("x.va") { Ok(text.clone()) } else { Err(Error::new(ErrorKind::NotFound, "no files here")) }
    };
    let options = Options { max_tokens: 100_000, max_unrolled: 5_000, max_array: 10_000, ..Options::default() };
    let mut sources = SourceMap::new();
    let (modules, diags) = veriloga::parse_and_check(&files, Path::new("x.va"), &mut sources, &options);
    for d in &diags {
        assert!(!render::one(d, &sources, render::Style::default()).is_empty());
        assert!(!render::json(d, &sources).is_empty());
    }
    for m in &modules {
        assert!(m.text().starts_with("module "));
    }
});
