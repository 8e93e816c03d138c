//! From data to what a pane can show: pieces between gaps, in pixels, with no more points than pixels can tell apart.

/// Splits a curve at points that are not finite, maps it to pixels and thins it out. `to_px` gives pixel coordinates.
pub fn pieces(x: &[f64], y: &[f64], to_px: &dyn Fn(f64, f64) -> (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let mut found = vec![];
    let mut piece: Vec<(f64, f64)> = vec![];
    for (&a, &b) in x.iter().zip(y) {
        let p = to_px(a, b);
        if p.0.is_finite() && p.1.is_finite() {
            piece.push(p);
        } else if !piece.is_empty() {
            found.push(thin(std::mem::take(&mut piece)));
        }
    }
    if !piece.is_empty() {
        found.push(thin(piece));
    }
    found
}

/// Where x rises, keeps first, lowest, highest and last point of each half pixel column: the picture is the same. Other curves lose
/// points closer than a quarter pixel to the last one kept.
fn thin(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() < 500 {
        return points;
    }
    let is_rising = points.windows(2).all(|w| w[1].0 >= w[0].0);
    let mut kept: Vec<(f64, f64)> = vec![];
    if !is_rising {
        for p in &points {
            let far = kept.last().is_none_or(|q| (q.0 - p.0).abs().max((q.1 - p.1).abs()) >= 0.25);
            if far {
                kept.push(*p);
            }
        }
        kept.extend(points.last());
        return kept;
    }
    for column in points.chunk_by(|a, b| (a.0 * 2.0).floor() == (b.0 * 2.0).floor()) {
        if column.len() <= 4 {
            kept.extend_from_slice(column);
            continue;
        }
        let by = |better: fn(f64, f64) -> bool| {
            (0..column.len()).fold(0, |best, k| if better(column[k].1, column[best].1) { k } else { best })
        };
        let mut keep = [0, by(|a, b| a < b), by(|a, b| a > b), column.len() - 1];
        keep.sort_unstable();
        let mut last = None;
        for k in keep {
            if last != Some(k) {
                kept.push(column[k]);
            }
            last = Some(k);
        }
    }
    kept
}

/// The part of a polyline inside a rectangle (Liang and Barsky, ACM Trans. Graph. 3, 1, 1984).
pub fn clip(line: &[(f64, f64)], x: (f64, f64), y: (f64, f64)) -> Vec<Vec<(f64, f64)>> {
    let inside = |p: &(f64, f64)| p.0 >= x.0 && p.0 <= x.1 && p.1 >= y.0 && p.1 <= y.1;
    if line.iter().all(inside) {
        return vec![line.to_vec()];
    }
    let mut found: Vec<Vec<(f64, f64)>> = vec![];
    for w in line.windows(2) {
        let (a, b) = (w[0], w[1]);
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let (mut t0, mut t1) = (0.0f64, 1.0f64);
        let mut is_seen = true;
        for (p, q) in [(-dx, a.0 - x.0), (dx, x.1 - a.0), (-dy, a.1 - y.0), (dy, y.1 - a.1)] {
            if p == 0.0 {
                is_seen &= q >= 0.0;
            } else if p < 0.0 {
                t0 = t0.max(q / p);
            } else {
                t1 = t1.min(q / p);
            }
        }
        if !is_seen || t0 > t1 {
            continue;
        }
        let at = |t: f64| {
            if t == 0.0 {
                a
            } else if t == 1.0 {
                b
            } else {
                (a.0 + t * dx, a.1 + t * dy)
            }
        };
        let (from, to) = (at(t0), at(t1));
        match found.last_mut() {
            Some(l) if l.last() == Some(&from) => l.push(to),
            _ => found.push(vec![from, to]),
        }
    }
    found
}

/// Cuts a polyline into dashes.
pub fn dash(line: &[(f64, f64)], on: f64, off: f64) -> Vec<Vec<(f64, f64)>> {
    let mut found = vec![];
    let Some(&first) = line.first() else { return found };
    let (mut piece, mut left, mut is_on) = (vec![first], on, true);
    for w in line.windows(2) {
        let (mut a, b) = (w[0], w[1]);
        loop {
            let length = (b.0 - a.0).hypot(b.1 - a.1);
            if length <= left || !length.is_finite() {
                left -= length;
                if is_on {
                    piece.push(b);
                }
                break;
            }
            let f = left / length;
            a = (a.0 + (b.0 - a.0) * f, a.1 + (b.1 - a.1) * f);
            if is_on {
                piece.push(a);
                found.push(std::mem::take(&mut piece));
            } else {
                piece = vec![a];
            }
            is_on = !is_on;
            left = if is_on { on } else { off };
        }
    }
    if is_on && piece.len() > 1 {
        found.push(piece);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_peaks_and_ends_survive() {
        let x: Vec<f64> = (0..100_000).map(f64::from).collect();
        let mut y = vec![0.0; x.len()];
        y[54_321] = 1.0;
        y[77_777] = f64::NAN;
        let p = pieces(&x, &y, &|x, y| (x / 200.0, y));
        assert_eq!(p.len(), 2);
        assert!(p[0].len() < 5000 && p[0].iter().any(|q| q.1 == 1.0));
        assert_eq!((p[0][0].0, p[1].last().unwrap().0), (0.0, 99_999.0 / 200.0));
    }

    #[test]
    fn clipping_and_dashes() {
        let c = clip(&[(-1.0, 0.5), (0.5, 0.5), (2.0, 0.5), (2.0, 9.0)], (0.0, 1.0), (0.0, 1.0));
        assert_eq!(c, [vec![(0.0, 0.5), (0.5, 0.5), (1.0, 0.5)]]);
        assert!(clip(&[(2.0, 2.0), (3.0, 3.0)], (0.0, 1.0), (0.0, 1.0)).is_empty());
        let d = dash(&[(0.0, 0.0), (10.0, 0.0)], 2.0, 1.0);
        assert_eq!(d.len(), 4);
        assert_eq!(d[1], [(3.0, 0.0), (5.0, 0.0)]);
    }
}
