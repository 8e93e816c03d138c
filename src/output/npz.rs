//! numpy archives: `numpy.load("run.npz")["v(out)"]`.
//!
//! One array per signal, named as the signal, `<f8` or `<c16`. With several tables the names get the table in front:
//! `tran/v(out)`, and with several of a kind (the steps of a sweep) its number, `tran.2/v(out)`, counted from 1. The
//! array `__meta__` is a JSON text: a list with, for each table, `prefix`, `kind`, `signals` with units, `meta`.
//! The arrays are of version 1.0 of the npy format (numpy enhancement proposal 1), stored without compression.

use std::collections::HashMap;
use std::io::{self, Cursor, Read, Write};

use num_complex::Complex64;
use serde::{Deserialize, Serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::bad_file;
use super::json::{Head, check_shape};
use crate::dataset::{Column, Dataset, Meta, PlotKind, Quantity, Schema, Signal, Table};
use crate::diag::Diagnostic;

const META: &str = "__meta__";

#[derive(Serialize, Deserialize)]
struct Entry {
    prefix: String,
    #[serde(flatten)]
    head: Head,
    #[serde(default)]
    meta: Meta,
}

pub fn write(dataset: &Dataset, w: &mut dyn Write) -> io::Result<()> {
    let mut zip = ZipWriter::new_stream(w);
    let prefixes = prefixes(dataset);
    let mut entries = vec![];
    for (t, prefix) in dataset.tables.iter().zip(prefixes) {
        for (s, c) in t.schema.signals.iter().zip(&t.columns) {
            let size = c.len() as u64 * if c.is_complex() { 16 } else { 8 };
            start(&mut zip, &format!("{prefix}{}.npy", s.name), size)?;
            match c {
                Column::Real(v) => {
                    zip.write_all(&npy_header("<f8", Some(v.len())))?;
                    chunks(&mut zip, v, |x, b| b.extend_from_slice(&x.to_le_bytes()))?;
                }
                Column::Complex(v) => {
                    zip.write_all(&npy_header("<c16", Some(v.len())))?;
                    chunks(&mut zip, v, |z, b| {
                        b.extend_from_slice(&z.re.to_le_bytes());
                        b.extend_from_slice(&z.im.to_le_bytes());
                    })?;
                }
            }
        }
        entries.push(Entry { prefix, head: Head::new(&t.schema), meta: t.meta.clone() });
    }
    let text: Vec<char> = serde_json::to_string(&entries).map_err(io::Error::from)?.chars().collect();
    start(&mut zip, &format!("{META}.npy"), 4 * text.len() as u64)?;
    zip.write_all(&npy_header(&format!("<U{}", text.len()), None))?;
    chunks(&mut zip, &text, |c, b| b.extend_from_slice(&u32::from(*c).to_le_bytes()))?;
    zip.finish()?.flush()
}

pub(super) fn start<W: Write + io::Seek>(zip: &mut ZipWriter<W>, name: &str, size: u64) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(size + 4096 > u64::from(u32::MAX));
    zip.start_file(name, options).map_err(io::Error::from)
}

fn chunks<T>(w: &mut dyn Write, items: &[T], put: impl Fn(&T, &mut Vec<u8>)) -> io::Result<()> {
    let mut buf = Vec::new();
    for part in items.chunks(8192) {
        buf.clear();
        part.iter().for_each(|x| put(x, &mut buf));
        w.write_all(&buf)?;
    }
    Ok(())
}

/// Magic, version, header length, header; padded so that the data start at a multiple of 64.
fn npy_header(descr: &str, len: Option<usize>) -> Vec<u8> {
    npy_header_of(descr, len.as_slice())
}

/// The same for any shape.
pub(super) fn npy_header_of(descr: &str, shape: &[usize]) -> Vec<u8> {
    let shape = match shape {
        [n] => format!("({n},)"),
        all => format!("({})", all.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
    };
    let mut dict = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    while (10 + dict.len() + 1) % 64 != 0 {
        dict.push(' ');
    }
    dict.push('\n');
    let mut h = b"\x93NUMPY\x01\x00".to_vec();
    h.extend_from_slice(&(dict.len() as u16).to_le_bytes());
    h.extend_from_slice(dict.as_bytes());
    h
}

fn prefixes(dataset: &Dataset) -> Vec<String> {
    if dataset.tables.len() == 1 {
        return vec![String::new()];
    }
    let mut seen: Vec<PlotKind> = vec![];
    let prefix = |t: &Table| {
        let kind = t.schema.kind;
        seen.push(kind);
        let n = seen.iter().filter(|k| **k == kind).count();
        if dataset.of_kind(kind).count() > 1 { format!("{}.{n}/", kind.word()) } else { format!("{}/", kind.word()) }
    };
    dataset.tables.iter().map(prefix).collect()
}

/// A one-dimensional array, or a text.
enum Array {
    Numbers(Column),
    Text(String),
}

/// Reads one npy array; other shapes and types of it than we write: `None`.
fn npy(b: &[u8]) -> Option<Array> {
    if !b.starts_with(b"\x93NUMPY") {
        return None;
    }
    let (len, at) = match b.get(6)? {
        1 => (usize::from(u16::from_le_bytes([*b.get(8)?, *b.get(9)?])), 10usize),
        2 | 3 => (u32::from_le_bytes([*b.get(8)?, *b.get(9)?, *b.get(10)?, *b.get(11)?]) as usize, 12),
        _ => return None,
    };
    let dict = std::str::from_utf8(b.get(at..at.checked_add(len)?)?).ok()?;
    let data = b.get(at + len..)?;
    let after = |key: &str| dict.split_once(key).map(|(_, rest)| rest.trim_start_matches([' ', ':']));
    let descr = after("'descr'")?.strip_prefix('\'')?.split('\'').next()?;
    let shape: Vec<usize> = after("'shape'")?
        .strip_prefix('(')?
        .split(')')
        .next()?
        .split(',')
        .map(str::trim)
        .filter(|s| !s.is_empty())
        .map(|s| s.parse().ok())
        .collect::<Option<_>>()?;
    let n = shape.iter().try_fold(1usize, |p, &d| p.checked_mul(d))?;
    let double = |c: &[u8]| c.try_into().map(f64::from_le_bytes).unwrap_or(f64::NAN);
    if let Some(len) = descr.strip_prefix("<U") {
        let bytes = data.get(..len.parse::<usize>().ok()?.checked_mul(4)?.checked_mul(n)?)?;
        let code = |c: &[u8]| c.try_into().map(u32::from_le_bytes).ok().and_then(char::from_u32);
        return Some(Array::Text(bytes.chunks_exact(4).filter_map(code).filter(|c| *c != '\0').collect()));
    }
    if shape.len() > 1 {
        return None;
    }
    let size = match descr {
        "<f8" | "<i8" => 8,
        "<c16" => 16,
        "<f4" | "<i4" => 4,
        _ => return None,
    };
    let items = data.get(..n.checked_mul(size)?)?.chunks_exact(size);
    Some(Array::Numbers(match descr {
        "<c16" => Column::Complex(items.map(|c| Complex64::new(double(&c[..8]), double(&c[8..]))).collect()),
        "<f8" => Column::Real(items.map(double).collect()),
        "<i8" => Column::Real(items.map(|c| c.try_into().map_or(f64::NAN, |b| i64::from_le_bytes(b) as f64)).collect()),
        "<f4" => {
            Column::Real(items.map(|c| c.try_into().map_or(f64::NAN, |b| f64::from(f32::from_le_bytes(b)))).collect())
        }
        _ => Column::Real(items.map(|c| c.try_into().map_or(f64::NAN, |b| f64::from(i32::from_le_bytes(b)))).collect()),
    }))
}

/// Reads what [`write`] writes, and uncompressed archives of one-dimensional arrays of one length by others.
pub fn read(bytes: &[u8]) -> Result<Dataset, Diagnostic> {
    let fault = |e: &dyn std::fmt::Display| bad_file(format!("npz: {e}"));
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| fault(&e))?;
    let mut arrays: Vec<(String, Column)> = vec![];
    let mut meta: Option<String> = None;
    for i in 0..zip.len() {
        let mut entry = zip.by_index(i).map_err(|e| fault(&e))?;
        let name = entry.name().map_err(|e| fault(&e))?.trim_end_matches(".npy").to_string();
        let mut data = Vec::new();
        entry.read_to_end(&mut data).map_err(|e| fault(&e))?;
        match npy(&data) {
            Some(Array::Numbers(c)) => arrays.push((name, c)),
            Some(Array::Text(t)) if name == META => meta = Some(t),
            Some(Array::Text(_)) => {}
            None => return Err(bad_file(format!("the array `{name}` of the npz file cannot be read"))),
        }
    }
    let Some(meta) = meta else { return foreign(arrays) };
    let entries: Vec<Entry> = serde_json::from_str(&meta).map_err(|e| fault(&e))?;
    let arrays: HashMap<String, Column> = arrays.into_iter().collect();
    let mut dataset = Dataset::default();
    for e in entries {
        let schema = e.head.schema()?;
        let mut columns = vec![];
        for s in &schema.signals {
            let key = format!("{}{}", e.prefix, s.name);
            columns
                .push(arrays.get(&key).cloned().ok_or_else(|| bad_file(format!("the npz file has no array `{key}`")))?);
        }
        check_shape(&schema, &columns)?;
        dataset.tables.push(Table { schema, columns, meta: e.meta });
    }
    Ok(dataset)
}

/// An archive of somebody else: the first array, or `time`/`frequency`, is the axis.
fn foreign(mut arrays: Vec<(String, Column)>) -> Result<Dataset, Diagnostic> {
    if arrays.is_empty() {
        return Err(bad_file("the npz file has no arrays of numbers"));
    }
    if let Some(i) = arrays.iter().position(|a| a.0 == "time" || a.0 == "frequency") {
        let axis = arrays.remove(i);
        arrays.insert(0, axis);
    }
    let kind = match arrays[0].0.as_str() {
        "time" => PlotKind::Tran,
        "frequency" => PlotKind::Ac,
        _ => PlotKind::Dc,
    };
    let is_complex = arrays.iter().any(|a| a.1.is_complex());
    let signals = arrays.iter().map(|(name, _)| Signal::new(name.clone(), Quantity::from_name(name))).collect();
    let schema = Schema { kind, has_axis: true, is_complex, signals };
    let columns: Vec<Column> = arrays.into_iter().map(|a| a.1).collect();
    check_shape(&schema, &columns)?;
    Ok(Dataset { tables: vec![Table { schema, columns, meta: Meta::default() }] })
}
