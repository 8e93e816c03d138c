//! Values between the points: every waveform is the piecewise-linear line through its points.

use num_complex::Complex64;

use super::{Column, Table};

/// Where `x` lies on a non-decreasing or non-increasing grid: the segment's first point and the fraction along it.
/// `None` outside the grid, for an empty grid, and for NaN. Among equal points (a jump) the last one wins.
pub fn locate(xs: &[f64], x: f64) -> Option<(usize, f64)> {
    let (&first, &last) = (xs.first()?, xs.last()?);
    let up = last >= first;
    let (lo, hi) = if up { (first, last) } else { (last, first) };
    if !(x >= lo && x <= hi) {
        return None;
    }
    let after = xs.partition_point(|&g| if up { g <= x } else { g >= x });
    let k = after.saturating_sub(1);
    if k + 1 >= xs.len() {
        return Some((xs.len() - 1, 0.0));
    }
    let d = xs[k + 1] - xs[k];
    Some((k, if d == 0.0 { 0.0 } else { (x - xs[k]) / d }))
}

/// Linear interpolation; NaN outside the grid.
pub fn linear(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    match locate(xs, x) {
        Some((k, f)) if f > 0.0 => match (ys.get(k), ys.get(k + 1)) {
            (Some(a), Some(b)) => a + (b - a) * f,
            _ => f64::NAN,
        },
        Some((k, _)) => ys.get(k).copied().unwrap_or(f64::NAN),
        None => f64::NAN,
    }
}

/// Linear interpolation of real and imaginary parts; NaN outside the grid.
pub fn linear_complex(xs: &[f64], ys: &[Complex64], x: f64) -> Complex64 {
    match locate(xs, x) {
        Some((k, f)) if f > 0.0 => match (ys.get(k), ys.get(k + 1)) {
            (Some(a), Some(b)) => a + (b - a) * f,
            _ => f64::NAN.into(),
        },
        Some((k, _)) => ys.get(k).copied().unwrap_or(f64::NAN.into()),
        None => f64::NAN.into(),
    }
}

/// The table on another grid of its axis; points outside the old grid are NaN. A table without an axis comes back as it is.
pub fn resample(table: &Table, grid: &[f64]) -> Table {
    let Some(axis) = table.axis().map(Column::re) else { return table.clone() };
    let columns = table.columns.iter().enumerate().map(|(i, c)| match c {
        _ if i == 0 && c.is_complex() => Column::Complex(grid.iter().map(|&x| x.into()).collect()),
        _ if i == 0 => Column::Real(grid.to_vec()),
        Column::Real(v) => Column::Real(grid.iter().map(|&x| linear(&axis, v, x)).collect()),
        Column::Complex(v) => Column::Complex(grid.iter().map(|&x| linear_complex(&axis, v, x)).collect()),
    });
    Table { schema: table.schema.clone(), columns: columns.collect(), meta: table.meta.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn between_on_and_outside() {
        let (xs, ys) = ([0.0, 1.0, 1.0, 2.0], [0.0, 1.0, 5.0, 7.0]);
        assert_eq!(linear(&xs, &ys, 0.25), 0.25);
        assert_eq!(linear(&xs, &ys, 1.0), 5.0);
        assert_eq!(linear(&xs, &ys, 2.0), 7.0);
        assert_eq!(linear(&xs, &ys, 1.5), 6.0);
        assert!(linear(&xs, &ys, 2.1).is_nan());
        assert!(linear(&xs, &ys, f64::NAN).is_nan());
        assert!(linear(&[], &[], 0.0).is_nan());
        assert_eq!(linear(&[2.0, 1.0, 0.0], &[4.0, 1.0, 0.0], 1.5), 2.5);
        assert_eq!(linear(&[3.0], &[4.0], 3.0), 4.0);
    }
}
