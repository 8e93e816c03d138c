//! Which entries a matrix has. Two counting sorts turn the calls of the devices into compressed columns, so a
//! pattern of 10⁶ calls costs two passes over memory and no hash.

use super::Scalar;

/// Collects the entries that devices ask for, in the order in which they ask.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    /// (row, column) as unknown numbers; (0, 0) stands for anything on ground.
    calls: Vec<(u32, u32)>,
}

impl Builder {
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for an entry; the same entry may be asked for any number of times. 0 is ground: the dump slot.
    #[inline]
    pub fn add(&mut self, row: u32, col: u32) {
        self.calls.push(if row == 0 || col == 0 { (0, 0) } else { (row, col) });
    }

    pub fn len(&self) -> usize {
        self.calls.len()
    }

    /// Columns of the calls from number `first` on, with repetitions; 0 for ground.
    pub fn columns_since(&self, first: usize) -> impl Iterator<Item = u32> + '_ {
        self.calls[first..].iter().map(|c| c.1)
    }

    pub fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// The pattern of a system with unknowns 1..=n, and the slot of every call of [`Builder::add`] in order.
    ///
    /// Panics when a call named an unknown above n: a fault of the program, not of its user.
    pub fn finish(self, n: usize) -> (Pattern, Vec<u32>) {
        // Stable counting sort by row, then by column: entries in (column, row) order. Bucket 0 is the dump.
        let mut start = vec![0u32; n + 2];
        for &(r, _) in &self.calls {
            start[r as usize + 1] += 1;
        }
        accumulate(&mut start);
        let mut by_row = vec![0u32; self.calls.len()];
        for (k, &(r, _)) in self.calls.iter().enumerate() {
            let at = &mut start[r as usize];
            by_row[*at as usize] = k as u32;
            *at += 1;
        }
        start.fill(0);
        for &(_, c) in &self.calls {
            start[c as usize + 1] += 1;
        }
        accumulate(&mut start);
        let mut order = vec![0u32; self.calls.len()];
        for &k in &by_row {
            let at = &mut start[self.calls[k as usize].1 as usize];
            order[*at as usize] = k;
            *at += 1;
        }
        drop(by_row);

        let mut slots = vec![0u32; self.calls.len()];
        let mut col_ptr = vec![0u32; n + 1];
        let mut rows = Vec::new();
        let mut last = (0, 0);
        for &k in &order {
            let call = self.calls[k as usize];
            if call == (0, 0) {
                continue;
            }
            if call != last {
                rows.push(call.0 - 1);
                col_ptr[call.1 as usize] += 1;
                last = call;
            }
            slots[k as usize] = rows.len() as u32;
        }
        accumulate(&mut col_ptr);
        rows.shrink_to_fit();
        (Pattern { col_ptr, rows, places: vec![] }, slots)
    }
}

/// Counts (shifted by one) into starts.
fn accumulate(counts: &mut [u32]) {
    let mut sum = 0;
    for c in counts {
        sum += *c;
        *c = sum;
    }
}

/// Compressed columns of a square matrix, rows ascending within a column. Rows and columns here are *indices*
/// (unknown number − 1); entry k (from 0) of the arrays is slot k + 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    col_ptr: Vec<u32>,
    rows: Vec<u32>,
    places: Vec<[u32; 2]>,
}

impl Pattern {
    /// Says where the unknowns lie in a plane, [`super::dissection::placed::NOWHERE`] for those that are not in it: by
    /// index, one for each.
    pub fn place(&mut self, places: Vec<[u32; 2]>) {
        debug_assert_eq!(places.len(), self.n());
        self.places = places;
    }

    /// Empty: unknown.
    pub fn places(&self) -> &[[u32; 2]] {
        &self.places
    }

    /// Unknowns, ground excluded.
    pub fn n(&self) -> usize {
        self.col_ptr.len() - 1
    }

    pub fn nnz(&self) -> usize {
        self.rows.len()
    }

    /// Length of a value array: one per slot, the dump included.
    pub fn slots(&self) -> usize {
        self.rows.len() + 1
    }

    pub fn col_ptr(&self) -> &[u32] {
        &self.col_ptr
    }

    /// Row indices, all columns one after another.
    pub fn rows(&self) -> &[u32] {
        &self.rows
    }

    /// Entry range of a column index.
    #[inline]
    pub fn range(&self, col: usize) -> std::ops::Range<usize> {
        self.col_ptr[col] as usize..self.col_ptr[col + 1] as usize
    }

    /// The slot of (row, column), both as unknown numbers; 0 when there is none.
    pub fn slot(&self, row: u32, col: u32) -> u32 {
        if row == 0 || col == 0 || col as usize > self.n() {
            return 0;
        }
        let range = self.range(col as usize - 1);
        match self.rows[range.clone()].binary_search(&(row - 1)) {
            Ok(k) => (range.start + k) as u32 + 1,
            Err(_) => 0,
        }
    }

    /// All entries as (row unknown, column unknown, slot), in slot order.
    pub fn entries(&self) -> impl Iterator<Item = (u32, u32, u32)> + Clone + '_ {
        (0..self.n()).flat_map(move |c| self.range(c).map(move |p| (self.rows[p] + 1, c as u32 + 1, p as u32 + 1)))
    }

    /// y += s·A x; vectors without ground.
    pub fn mul_add<T: Scalar>(&self, values: &[T], s: T, x: &[T], y: &mut [T]) {
        for (c, &xc) in x.iter().enumerate().take(self.n()) {
            if xc != T::ZERO {
                let (range, sx) = (self.range(c), s * xc);
                for (&r, &v) in self.rows[range.clone()].iter().zip(&values[range.start + 1..]) {
                    y[r as usize] += v * sx;
                }
            }
        }
    }

    /// y += s·Aᵀ x; vectors without ground.
    pub fn mul_transposed_add<T: Scalar>(&self, values: &[T], s: T, x: &[T], y: &mut [T]) {
        for (c, yc) in y.iter_mut().enumerate().take(self.n()) {
            let range = self.range(c);
            let mut sum = T::ZERO;
            for (&r, &v) in self.rows[range.clone()].iter().zip(&values[range.start + 1..]) {
                sum += v * x[r as usize];
            }
            *yc += s * sum;
        }
    }

    /// r = b − A x.
    pub fn residual<T: Scalar>(&self, values: &[T], x: &[T], b: &[T], r: &mut [T]) {
        r.copy_from_slice(b);
        self.mul_add(values, -T::ONE, x, r);
    }

    /// Largest column sum of magnitudes.
    pub fn norm1<T: Scalar>(&self, values: &[T]) -> f64 {
        (0..self.n()).map(|c| self.range(c).map(|p| values[p + 1].modulus()).sum::<f64>()).fold(0.0, f64::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_become_slots() {
        let mut b = Builder::new();
        for (r, c) in [(1, 1), (0, 2), (2, 1), (1, 1), (3, 3), (1, 2), (2, 2), (3, 0), (2, 1)] {
            b.add(r, c);
        }
        let (p, s) = b.finish(3);
        assert_eq!(p.n(), 3);
        assert_eq!(p.nnz(), 5);
        assert_eq!(s, [1, 0, 2, 1, 5, 3, 4, 0, 2]);
        assert_eq!(p.col_ptr(), [0, 2, 4, 5]);
        assert_eq!(p.rows(), [0, 1, 0, 1, 2]);
        assert_eq!((p.slot(2, 1), p.slot(3, 1), p.slot(0, 1)), (2, 0, 0));
        assert_eq!(p.entries().last(), Some((3, 3, 5)));
        let v = [9.0, 1.0, 2.0, 3.0, 4.0, 5.0];
        let mut y = [0.0; 3];
        p.mul_add(&v, 1.0, &[1.0, 1.0, 1.0], &mut y);
        assert_eq!(y, [4.0, 6.0, 5.0]);
        let mut y = [0.0; 3];
        p.mul_transposed_add(&v, 1.0, &[1.0, 1.0, 1.0], &mut y);
        assert_eq!(y, [3.0, 7.0, 5.0]);
    }

    #[test]
    fn empty_patterns() {
        let (p, s) = Builder::new().finish(0);
        assert_eq!((p.n(), p.nnz(), s.len()), (0, 0, 0));
        let (p, _) = Builder::new().finish(2);
        assert_eq!((p.n(), p.nnz()), (2, 0));
    }
}
