//! Result files: writers and readers of a [`Dataset`], and text tables for people.
//!
//! Every format is one line in [`FORMATS`]. All files appear whole or not at all: they are written beside their target
//! and renamed ([`atomic`]). [`stream`] writes a raw file while the run goes on.

pub mod atomic;
pub mod csv;
pub mod json;
pub mod npy;
pub mod npz;
pub mod raw;
pub mod raw_read;
pub mod stream;
pub mod text;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::dataset::{Dataset, Table};
use crate::diag::codes::results::{BAD_FILE, CANNOT_READ, CANNOT_WRITE, UNKNOWN_FORMAT};
use crate::diag::{Diagnostic, nearest};

pub use atomic::AtomicFile;
pub use raw::{Dialect, RawOptions};
pub use stream::RawSink;

/// How to write.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    pub raw: RawOptions,
    /// CSV headers as `v(out) [V]` instead of `v(out)`.
    pub csv_units: bool,
    /// The time written into headers that have one; `None` is now.
    pub date: Option<SystemTime>,
}

/// A file format.
pub struct Format {
    pub name: &'static str,
    /// File name extensions that choose it, the usual one first.
    pub extensions: &'static [&'static str],
    pub doc: &'static str,
    /// Holds one kind of table only; a dataset with several becomes several files.
    pub is_flat: bool,
    pub write: fn(&Dataset, &mut dyn Write, &WriteOptions) -> io::Result<()>,
    pub read: fn(&[u8]) -> Result<Dataset, Diagnostic>,
    /// Does a file that begins so look like this format?
    pub sniff: fn(&[u8]) -> bool,
}

/// The register of formats.
pub static FORMATS: &[Format] = &[
    Format {
        name: "raw",
        extensions: &["raw"],
        doc: "SPICE binary raw file: one plot per analysis and step",
        is_flat: false,
        write: |d, w, o| raw::write(d, w, &o.raw, o.date),
        read: raw_read::read,
        sniff: raw_read::sniff,
    },
    Format {
        name: "raw-ascii",
        extensions: &["rawa", "plot"],
        doc: "SPICE ascii raw file",
        is_flat: false,
        write: |d, w, o| raw::write(d, w, &RawOptions { is_ascii: true, ..o.raw.clone() }, o.date),
        read: raw_read::read,
        sniff: |_| false,
    },
    Format {
        name: "npz",
        extensions: &["npz"],
        doc: "numpy archive: one array per signal, meta data as JSON in `__meta__`",
        is_flat: false,
        write: |d, w, _| npz::write(d, w),
        read: npz::read,
        sniff: |b| b.starts_with(b"PK"),
    },
    Format {
        name: "json",
        extensions: &["json"],
        doc: "JSON: meta data, signals with units, data by column",
        is_flat: false,
        write: |d, w, _| json::write(d, w),
        read: json::read,
        sniff: |b| b.iter().find(|c| !c.is_ascii_whitespace()) == Some(&b'{'),
    },
    Format {
        name: "csv",
        extensions: &["csv"],
        doc: "comma-separated values (RFC 4180), one header line; complex signals as two columns",
        is_flat: true,
        write: |d, w, o| csv::write(d, w, o.csv_units),
        read: csv::read,
        sniff: csv::sniff,
    },
];

/// A format by its name.
pub fn format(name: &str) -> Result<&'static Format, Diagnostic> {
    FORMATS.iter().find(|f| f.name.eq_ignore_ascii_case(name)).ok_or_else(|| {
        let d = Diagnostic::error(UNKNOWN_FORMAT, format!("unknown file format `{name}`"));
        match nearest::did_you_mean(name, FORMATS.iter().map(|f| f.name)) {
            Some(help) => d.help(help),
            None => d.help(format!(
                "formats are {}",
                FORMATS.iter().map(|f| format!("`{}`", f.name)).collect::<Vec<_>>().join(", ")
            )),
        }
    })
}

/// The format that a file name's extension chooses.
pub fn format_of(path: &Path) -> Result<&'static Format, Diagnostic> {
    let ext = path.extension().and_then(|e| e.to_str()).unwrap_or("");
    FORMATS.iter().find(|f| f.extensions.iter().any(|e| e.eq_ignore_ascii_case(ext))).ok_or_else(|| {
        Diagnostic::error(UNKNOWN_FORMAT, format!("`{}` has no known extension", path.display())).help(format!(
            "known are {}",
            FORMATS.iter().flat_map(|f| f.extensions).map(|e| format!("`.{e}`")).collect::<Vec<_>>().join(", ")
        ))
    })
}

/// A file in memory.
pub fn to_bytes(dataset: &Dataset, format: &Format, options: &WriteOptions) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    (format.write)(dataset, &mut bytes, options)?;
    Ok(bytes)
}

/// Writes a dataset; returns the files it became. A flat format with several kinds of table gets one file a kind:
/// `run.csv` becomes `run_tran.csv`, `run_ac.csv`.
pub fn write_path(
    dataset: &Dataset,
    path: &Path,
    format: &Format,
    options: &WriteOptions,
) -> Result<Vec<PathBuf>, Diagnostic> {
    let groups = if format.is_flat { families(dataset) } else { vec![(0..dataset.tables.len()).collect()] };
    if groups.len() <= 1 {
        write_one(dataset, path, format, options)?;
        return Ok(vec![path.to_path_buf()]);
    }
    let mut paths: Vec<PathBuf> = vec![];
    for group in groups {
        let part = Dataset { tables: group.iter().filter_map(|&i| dataset.tables.get(i)).cloned().collect() };
        let word = part.tables.first().map_or("empty", |t| t.schema.kind.word());
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or("out");
        let ext = path.extension().and_then(|s| s.to_str()).unwrap_or(format.extensions[0]);
        let mut target = path.with_file_name(format!("{stem}_{word}.{ext}"));
        let mut n = 1;
        while paths.contains(&target) {
            n += 1;
            target = path.with_file_name(format!("{stem}_{word}{n}.{ext}"));
        }
        write_one(&part, &target, format, options)?;
        paths.push(target);
    }
    Ok(paths)
}

fn write_one(dataset: &Dataset, path: &Path, format: &Format, options: &WriteOptions) -> Result<(), Diagnostic> {
    let run = || -> io::Result<()> {
        let mut file = AtomicFile::create(path)?;
        let mut buffered = io::BufWriter::with_capacity(1 << 16, &mut file);
        (format.write)(dataset, &mut buffered, options)?;
        buffered.flush()?;
        drop(buffered);
        file.commit()
    };
    run().map_err(|e| cannot_write(path, &e))
}

/// The diagnostic of a failed write.
pub fn cannot_write(path: &Path, e: &io::Error) -> Diagnostic {
    Diagnostic::error(CANNOT_WRITE, format!("cannot write `{}`: {e}", path.display()))
}

/// Reads a result file of any known format, told by its content.
pub fn read_path(path: &Path) -> Result<Dataset, Diagnostic> {
    let bytes = std::fs::read(path)
        .map_err(|e| Diagnostic::error(CANNOT_READ, format!("cannot read `{}`: {e}", path.display())))?;
    read_bytes(&bytes).map_err(|d| Diagnostic { message: format!("`{}`: {}", path.display(), d.message), ..d })
}

/// Reads the bytes of a result file of any known format.
pub fn read_bytes(bytes: &[u8]) -> Result<Dataset, Diagnostic> {
    match FORMATS.iter().find(|f| (f.sniff)(bytes)) {
        Some(f) => (f.read)(bytes),
        None => Err(bad_file("neither a raw file, nor CSV, npz or JSON")),
    }
}

fn bad_file(why: impl Into<String>) -> Diagnostic {
    Diagnostic::error(BAD_FILE, why)
}

/// Tables that belong together: consecutive in order of first appearance, same kind and same signals (the steps of a
/// sweep). Each family is a list of indices into `dataset.tables`.
pub fn families(dataset: &Dataset) -> Vec<Vec<usize>> {
    let mut found: Vec<Vec<usize>> = vec![];
    let steps = |t: &Table| t.meta.sweep.iter().map(|s| s.0.clone()).collect::<Vec<_>>();
    for (i, t) in dataset.tables.iter().enumerate() {
        let same = found.iter_mut().find(|f| {
            dataset.tables.get(f[0]).is_some_and(|o| {
                // Without step values two runs of one analysis are two families.
                o.schema == t.schema && steps(o) == steps(t) && !t.meta.sweep.is_empty()
            })
        });
        match same {
            Some(f) => f.push(i),
            None => found.push(vec![i]),
        }
    }
    found
}

#[cfg(test)]
mod tests;
