//! NumPy's `.npy` files: matrices and vectors of plain numbers.
//!
//! ```text
//! \x93NUMPY  version (2 bytes)  length of the header (2 or 4 bytes)  {'descr': '<f8', 'fortran_order': .., 'shape': (..)}  numbers
//! ```

/// Rows and columns of numbers, row by row. A vector has one row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    pub rows: usize,
    pub cols: usize,
    pub data: Vec<f64>,
    /// The file had one dimension only.
    pub is_vector: bool,
}

impl Matrix {
    #[must_use]
    pub fn transposed(&self) -> Matrix {
        let (m, n) = (self.rows, self.cols);
        let mut data = Vec::with_capacity(m * n);
        for j in 0..n {
            data.extend((0..m).map(|i| self.data[i * n + j]));
        }
        Matrix { rows: n, cols: m, data, is_vector: self.is_vector }
    }
}

/// First bytes of every such file.
pub const MAGIC: &[u8] = b"\x93NUMPY";

/// A matrix or a vector from the bytes of a file.
pub fn read(b: &[u8]) -> Result<Matrix, String> {
    let cut = || "the file breaks off in its header".to_string();
    let (len, at): (usize, usize) = match b.get(6) {
        Some(1) => {
            let word: [u8; 2] = b.get(8..10).and_then(|w| w.try_into().ok()).ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(word)), 10)
        }
        Some(2 | 3) => {
            let word: [u8; 4] = b.get(8..12).and_then(|w| w.try_into().ok()).ok_or_else(cut)?;
            (u32::from_le_bytes(word) as usize, 12)
        }
        _ => return Err("an unknown version of the NumPy format".into()),
    };
    let head =
        at.checked_add(len).and_then(|end| b.get(at..end)).and_then(|h| std::str::from_utf8(h).ok()).ok_or_else(cut)?;
    let after = |key: &str| head.split_once(key).map(|(_, rest)| rest.trim_start_matches([' ', ':']));
    let descr = after("'descr'").and_then(|d| d.strip_prefix('\'')).and_then(|d| d.split('\'').next()).unwrap_or("");
    let is_fortran = after("'fortran_order'").is_some_and(|f| f.starts_with("True"));
    let shape: Vec<usize> = after("'shape'")
        .and_then(|s| s.strip_prefix('(')?.split(')').next())
        .map(|s| s.split(',').map(str::trim).filter(|s| !s.is_empty()).filter_map(|s| s.parse().ok()).collect())
        .ok_or_else(cut)?;
    let (rows, cols) = match shape[..] {
        [] => (1, 1),
        [n] => (1, n),
        [m, n] => (m, n),
        _ => return Err(format!("an array of {} dimensions, where a matrix or a vector is wanted", shape.len())),
    };
    let count = rows.checked_mul(cols).ok_or_else(cut)?;
    let size = match descr {
        "<f8" | "<i8" | "<u8" => 8,
        "<f4" | "<i4" | "<u4" => 4,
        "<i2" => 2,
        "|u1" | "|i1" | "|b1" => 1,
        _ => return Err(format!("numbers of type `{descr}` cannot be read; save them as float64")),
    };
    let items = count.checked_mul(size).and_then(|n| b.get(at + len..)?.get(..n));
    let items = items.ok_or("the file breaks off in its numbers")?.chunks_exact(size);
    fn number<const N: usize>(c: &[u8]) -> [u8; N] {
        c.try_into().unwrap_or([0; N])
    }
    let data: Vec<f64> = match descr {
        "<f8" => items.map(|c| f64::from_le_bytes(number(c))).collect(),
        "<f4" => items.map(|c| f64::from(f32::from_le_bytes(number(c)))).collect(),
        "<i8" => items.map(|c| i64::from_le_bytes(number(c)) as f64).collect(),
        "<u8" => items.map(|c| u64::from_le_bytes(number(c)) as f64).collect(),
        "<i4" => items.map(|c| f64::from(i32::from_le_bytes(number(c)))).collect(),
        "<u4" => items.map(|c| f64::from(u32::from_le_bytes(number(c)))).collect(),
        "<i2" => items.map(|c| f64::from(i16::from_le_bytes(number(c)))).collect(),
        "|i1" => items.map(|c| f64::from(c[0] as i8)).collect(),
        _ => items.map(|c| f64::from(c[0])).collect(),
    };
    let m = Matrix { rows, cols, data, is_vector: shape.len() < 2 };
    if is_fortran && shape.len() == 2 {
        // Columns lie together: what was read is the transpose.
        let t = Matrix { rows: cols, cols: rows, ..m };
        return Ok(t.transposed());
    }
    Ok(m)
}
