//! Matrices and vectors: NumPy files and text tables in, NumPy archives out.
//!
//! Read are `.npy` files, arrays of `.npz` archives (`FILE.npz:NAME`, uncompressed), and text with one row a line, commas,
//! semicolons, tabs or blanks between numbers, `#` before a comment, SI suffixes allowed. A first line without any number is
//! a heading.

use std::io::{self, Cursor, Read, Write};
use std::path::Path;

use zip::ZipArchive;

use super::npz::{npy_header_of, start};
pub use crate::base::npy::Matrix;
use crate::base::npy::read as read_npy;
use crate::base::units::parse_number;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_FILE, ARRAY_SHAPE};

fn fault(path: &Path, why: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(ARRAY_FILE, format!("`{}`: {why}", path.display()))
}

/// Reads a matrix by the content of the file.
pub fn read_path(path: &Path) -> Result<Matrix, Diagnostic> {
    let text = path.to_string_lossy();
    if !path.exists()
        && let Some((file, name)) = text.rsplit_once(':')
        && file.to_ascii_lowercase().ends_with(".npz")
    {
        return read_archive(Path::new(file), name);
    }
    let bytes = std::fs::read(path).map_err(|e| fault(path, e))?;
    if bytes.starts_with(b"PK") {
        return read_archive(path, "");
    }
    if bytes.starts_with(b"\x93NUMPY") {
        return read_npy(&bytes).map_err(|why| fault(path, why));
    }
    match String::from_utf8(bytes) {
        Ok(text) => read_text(path, &text),
        Err(_) => Err(fault(path, "neither a NumPy file nor text")),
    }
}

fn read_archive(path: &Path, name: &str) -> Result<Matrix, Diagnostic> {
    let bytes = std::fs::read(path).map_err(|e| fault(path, e))?;
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(|e| fault(path, e))?;
    let mut names = vec![];
    for k in 0..zip.len() {
        let mut entry = zip.by_index(k).map_err(|e| fault(path, e))?;
        let own = entry.name().map_err(|e| fault(path, e))?.trim_end_matches(".npy").to_string();
        if own == name || (name.is_empty() && k == 0) {
            let mut data = vec![];
            entry.read_to_end(&mut data).map_err(|e| fault(path, e))?;
            return read_npy(&data).map_err(|why| fault(path, format!("`{own}`: {why}")));
        }
        names.push(own);
    }
    Err(fault(path, format!("there is no array `{name}`")).help(format!("it has {}", names.join(", "))))
}

fn read_text(path: &Path, text: &str) -> Result<Matrix, Diagnostic> {
    let mut m = Matrix::default();
    for (k, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or("").trim();
        if line.is_empty() {
            continue;
        }
        let is_list = line.contains([',', ';', '\t']);
        let words: Vec<&str> = if is_list {
            line.split([',', ';', '\t']).map(str::trim).collect()
        } else {
            line.split_whitespace().collect()
        };
        let parse = |w: &str| match w.to_ascii_lowercase().as_str() {
            "nan" => Some(f64::NAN),
            "inf" | "+inf" | "infinity" => Some(f64::INFINITY),
            "-inf" => Some(f64::NEG_INFINITY),
            w => parse_number(w).filter(|n| n.len == w.len()).map(|n| n.value),
        };
        let numbers: Vec<Option<f64>> = words.iter().map(|w| parse(w)).collect();
        if m.rows == 0 && numbers.iter().all(Option::is_none) {
            continue;
        }
        if let Some(bad) = numbers.iter().position(Option::is_none) {
            return Err(fault(path, format!("line {}, field {}: `{}` is no number", k + 1, bad + 1, words[bad])));
        }
        if m.rows > 0 && numbers.len() != m.cols {
            let why = format!(
                "`{}`: line {} has {} numbers, the lines above have {}",
                path.display(),
                k + 1,
                numbers.len(),
                m.cols
            );
            return Err(Diagnostic::error(ARRAY_SHAPE, why));
        }
        m.cols = numbers.len();
        m.rows += 1;
        m.data.extend(numbers.into_iter().flatten());
    }
    if m.rows == 0 {
        return Err(fault(path, "there are no numbers in it"));
    }
    // One number a line is a vector.
    if m.cols == 1 || m.rows == 1 {
        m.is_vector = true;
        (m.rows, m.cols) = (1, m.data.len());
    }
    Ok(m)
}

/// An array of a result: name, shape (no entry: a number; one: a vector; two: a matrix), numbers.
pub struct Named<'a> {
    pub name: &'a str,
    pub shape: Vec<usize>,
    pub data: &'a [f64],
}

/// Writes a NumPy archive of these arrays and, as text in `__meta__`, how they were made.
pub fn write_archive(w: &mut dyn Write, arrays: &[Named], meta: &str) -> io::Result<()> {
    let mut zip = zip::ZipWriter::new_stream(w);
    for a in arrays {
        start(&mut zip, &format!("{}.npy", a.name), 8 * a.data.len() as u64)?;
        zip.write_all(&npy_header_of("<f8", &a.shape))?;
        let mut buffer = Vec::with_capacity(1 << 16);
        for part in a.data.chunks(8192) {
            buffer.clear();
            part.iter().for_each(|x| buffer.extend_from_slice(&x.to_le_bytes()));
            zip.write_all(&buffer)?;
        }
    }
    let text: Vec<char> = meta.chars().collect();
    start(&mut zip, "__meta__.npy", 4 * text.len() as u64)?;
    zip.write_all(&npy_header_of(&format!("<U{}", text.len()), &[]))?;
    for c in text {
        zip.write_all(&u32::from(c).to_le_bytes())?;
    }
    zip.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_and_text_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npz");
        let data = [1.0, 2.5, -3.0, 4e-9, 5.0, f64::NAN];
        let mut bytes = vec![];
        let arrays = [
            Named { name: "g", shape: vec![2, 3], data: &data },
            Named { name: "v", shape: vec![2], data: &data[..2] },
        ];
        write_archive(&mut bytes, &arrays, "{}").unwrap();
        std::fs::write(&path, &bytes).unwrap();
        let m = read_path(&path).unwrap();
        assert_eq!((m.rows, m.cols, m.is_vector), (2, 3, false));
        assert!(m.data[..5] == data[..5] && m.data[5].is_nan());
        let v = read_path(&dir.path().join("a.npz:v")).unwrap();
        assert_eq!((v.rows, v.cols, v.is_vector), (1, 2, true));
        assert!(read_path(&dir.path().join("a.npz:x")).unwrap_err().help[0].contains("g, v"));
        let csv = dir.path().join("a.csv");
        std::fs::write(&csv, "a,b\n1k, 2\n# remark\n3,4.5u\n").unwrap();
        let m = read_path(&csv).unwrap();
        assert_eq!((m.rows, m.cols), (2, 2));
        assert_eq!(m.data, [1e3, 2.0, 3.0, 4.5e-6]);
        assert_eq!(m.transposed().data, [1e3, 3.0, 2.0, 4.5e-6]);
        std::fs::write(&csv, "1 2\n3\n").unwrap();
        assert_eq!(read_path(&csv).unwrap_err().code, ARRAY_SHAPE);
        std::fs::write(&csv, "1 2\n3 x\n").unwrap();
        assert!(read_path(&csv).unwrap_err().message.contains("line 2, field 2"));
        // Damaged files are refused, wherever they break off.
        let mut npy = npy_header_of("<f8", &[2, 3]);
        data.iter().for_each(|x| npy.extend_from_slice(&x.to_le_bytes()));
        for n in 0..npy.len() {
            assert!(read_npy(&npy[..n]).is_err(), "{n}");
        }
        let fortran = String::from_utf8_lossy(&npy[..64]).into_owned();
        assert!(fortran.contains("False"));
    }
}
