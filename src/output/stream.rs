//! A raw file written while the run goes on.
//!
//! Points go to a temporary file beside the target; the point count in the header is filled in now and then, so that
//! a viewer can follow, and at the end of each plot. [`RawSink::finish`] puts the file in its place: after an
//! interrupted run too, so nothing that was computed is lost. Dropped without `finish`, it leaves no file, as is due
//! when the netlist turns out to be at fault.

use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use num_complex::Complex64;

use super::atomic::AtomicFile;
use super::raw::{self, RawOptions};
use crate::dataset::{Meta, Schema, Sink};

/// Points between two updates of the count.
const REFRESH: usize = 4096;

/// A [`Sink`] that appends every analysis to one raw file.
pub struct RawSink {
    file: BufWriter<AtomicFile>,
    options: RawOptions,
    date: Option<SystemTime>,
    meta: Meta,
    /// Position of the open plot's point count.
    count_at: u64,
    points: usize,
    is_complex: bool,
    plots: usize,
    is_open: bool,
    row: Vec<Complex64>,
    buf: Vec<u8>,
    fault: Option<io::Error>,
}

impl RawSink {
    /// `meta` gives title, version, seed and step values of the headers; see [`RawSink::set_meta`].
    pub fn create(path: &Path, meta: Meta, options: RawOptions, date: Option<SystemTime>) -> io::Result<RawSink> {
        let file = BufWriter::with_capacity(1 << 18, AtomicFile::create(path)?);
        Ok(RawSink {
            file,
            options,
            date,
            meta,
            count_at: 0,
            points: 0,
            is_complex: false,
            plots: 0,
            is_open: false,
            row: vec![],
            buf: vec![],
            fault: None,
        })
    }

    /// Header facts for the plots that begin from now on (the values of the next step).
    pub fn set_meta(&mut self, meta: Meta) {
        self.meta = meta;
    }

    /// Plots begun so far.
    pub fn plots(&self) -> usize {
        self.plots
    }

    /// The first write error, if there was one; nothing is written after it.
    pub fn fault(&self) -> Option<&io::Error> {
        self.fault.as_ref()
    }

    /// Where the file grows until [`RawSink::finish`].
    pub fn temp(&self) -> &Path {
        self.file.get_ref().temp()
    }

    /// Closes the open plot and renames the file into place. Returns its path.
    pub fn finish(mut self) -> io::Result<PathBuf> {
        self.close();
        if let Some(e) = self.fault.take() {
            return Err(e);
        }
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let path = file.target().to_path_buf();
        file.commit()?;
        Ok(path)
    }

    fn attempt(&mut self, f: impl FnOnce(&mut Self) -> io::Result<()>) {
        if self.fault.is_none()
            && let Err(e) = f(self)
        {
            self.fault = Some(e);
        }
    }

    fn close(&mut self) {
        if self.is_open {
            self.is_open = false;
            self.attempt(Self::patch);
        }
    }

    /// Writes the count into its eight columns.
    fn patch(&mut self) -> io::Result<()> {
        if self.points > 99_999_999 {
            return Err(io::Error::other("a raw file holds at most 99999999 points a plot"));
        }
        let end = self.file.stream_position()?;
        self.file.seek(SeekFrom::Start(self.count_at))?;
        write!(self.file, "{:<8}", self.points)?;
        self.file.seek(SeekFrom::Start(end))?;
        Ok(())
    }

    fn put(&mut self) {
        self.attempt(|s| {
            s.buf.clear();
            raw::encode(&mut s.buf, &s.row, s.is_complex, s.points, &s.options);
            s.file.write_all(&s.buf)?;
            s.points += 1;
            if s.points % REFRESH == 0 { s.patch() } else { Ok(()) }
        });
    }
}

impl Sink for RawSink {
    fn begin(&mut self, schema: &Schema) {
        self.close();
        self.attempt(|s| {
            let (text, at) = raw::header(schema, &s.meta, 0, &s.options, s.date);
            let start = s.file.stream_position()?;
            s.count_at = start + at as u64;
            s.points = 0;
            s.is_complex = schema.is_complex;
            s.plots += 1;
            s.is_open = true;
            s.file.write_all(text.as_bytes())
        });
    }

    fn point(&mut self, row: &[f64]) {
        self.row.clear();
        self.row.extend(row.iter().map(|&x| Complex64::from(x)));
        self.put();
    }

    fn point_complex(&mut self, row: &[Complex64]) {
        self.row.clear();
        self.row.extend_from_slice(row);
        self.put();
    }

    fn end(&mut self, _meta: Meta) {
        self.close();
    }
}
