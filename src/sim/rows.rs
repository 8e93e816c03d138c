//! Chosen entries of the matrix, row by row, so that a product writes each row once.

/// Column and payload (a value or a slot) of every entry, in row order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rows<V> {
    /// Where each row begins; one more than there are rows.
    start: Vec<u32>,
    entries: Vec<(u32, V)>,
}

impl<V: Copy> Rows<V> {
    /// From (row, column, payload) in any order; `n` rows, ground included. Counted first: an array has millions of them.
    pub fn new(n: usize, entries: impl Iterator<Item = (u32, u32, V)> + Clone) -> Self {
        let mut start = vec![0u32; n + 1];
        let mut any = None;
        for (row, _, v) in entries.clone() {
            start[row as usize + 1] += 1;
            any = Some(v);
        }
        let Some(any) = any else { return Rows { start, entries: vec![] } };
        for r in 0..n {
            start[r + 1] += start[r];
        }
        let mut list = vec![(0, any); start[n] as usize];
        // Where the next entry of a row goes; behind the last one, the row begins where the one before it ended.
        for (row, column, v) in entries {
            let at = &mut start[row as usize];
            list[*at as usize] = (column, v);
            *at += 1;
        }
        start.rotate_right(1);
        start[0] = 0;
        for w in start.windows(2) {
            list[w[0] as usize..w[1] as usize].sort_by_key(|e| e.0);
        }
        Rows { start, entries: list }
    }

    /// out = sum of `term(column, payload)` along each row.
    #[inline]
    pub fn fill(&self, out: &mut [f64], term: impl Fn(usize, V) -> f64) {
        for (o, w) in out.iter_mut().zip(self.start.windows(2)) {
            let mut sum = 0.0;
            for &(col, v) in &self.entries[w[0] as usize..w[1] as usize] {
                sum += term(col as usize, v);
            }
            *o = sum;
        }
    }

    /// out += sum of `term(column, payload)` along each row.
    #[inline]
    pub fn add(&self, out: &mut [f64], term: impl Fn(usize, V) -> f64) {
        for (o, w) in out.iter_mut().zip(self.start.windows(2)) {
            let row = &self.entries[w[0] as usize..w[1] as usize];
            if !row.is_empty() {
                let mut sum = 0.0;
                for &(col, v) in row {
                    sum += term(col as usize, v);
                }
                *o += sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_by_row() {
        let rows = Rows::new(3, [(2, 1, 3.0), (1, 2, 5.0), (1, 1, 2.0)].into_iter());
        let x = [0.0, 10.0, 100.0];
        let mut y = [7.0; 3];
        rows.fill(&mut y, |c, v| v * x[c]);
        assert_eq!(y, [0.0, 520.0, 30.0]);
        rows.add(&mut y, |c, v| v * x[c]);
        assert_eq!(y, [0.0, 1040.0, 60.0]);
    }
}
