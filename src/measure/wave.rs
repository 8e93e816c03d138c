//! Numbers from one waveform, which is the piecewise-linear line through its points (xₖ, yₖ).
//!
//! All integrals are exact for that line, fractions of an interval at the ends included:
//!
//! ∫ y dx over an interval of width h from a to b:  h (a + b)/2,   ∫ y² dx:  h (a² + ab + b²)/3.

use num_complex::Complex64;

use crate::dataset::interp;

/// Which crossings count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    Rise,
    Fall,
    Either,
}

/// Axis values where the line y comes to zero from the other side, in the order of the points: a rise from y < 0 to
/// y ≥ 0, a fall from y > 0 to y ≤ 0. Leaving zero, or starting there, is not a crossing. Points that are NaN break the line.
pub fn crossings(xs: &[f64], ys: &[f64], edge: Edge) -> Vec<f64> {
    let mut found = vec![];
    for k in 1..xs.len().min(ys.len()) {
        let (a, b) = (ys[k - 1], ys[k]);
        let rises = a < 0.0 && b >= 0.0;
        let falls = a > 0.0 && b <= 0.0;
        if rises && edge != Edge::Fall || falls && edge != Edge::Rise {
            let f = if a.is_infinite() || b.is_infinite() { 1.0 } else { a / (a - b) };
            found.push(xs[k - 1] + (xs[k] - xs[k - 1]) * f);
        }
    }
    found
}

/// The part of the line with x in [from, to], ends interpolated. Works on rising and on falling axes. Empty when the
/// interval holds nothing of the line.
pub fn window(xs: &[f64], ys: &[f64], from: f64, to: f64) -> (Vec<f64>, Vec<f64>) {
    let n = xs.len().min(ys.len());
    let (lo, hi) = if from <= to { (from, to) } else { (to, from) };
    let (mut wx, mut wy): (Vec<f64>, Vec<f64>) = (vec![], vec![]);
    for k in 0..n {
        if k > 0 {
            let (x0, x1) = (xs[k - 1], xs[k]);
            let mut cut = |at: f64| {
                let is_inside = (x0 < at && at < x1) || (x1 < at && at < x0);
                if is_inside {
                    wx.push(at);
                    wy.push(ys[k - 1] + (ys[k] - ys[k - 1]) * (at - x0) / (x1 - x0));
                }
            };
            // Both ends may lie in one interval.
            if x1 >= x0 {
                cut(lo);
                if hi != lo {
                    cut(hi);
                }
            } else {
                cut(hi);
                if hi != lo {
                    cut(lo);
                }
            }
        }
        if xs[k] >= lo && xs[k] <= hi {
            wx.push(xs[k]);
            wy.push(ys[k]);
        }
    }
    (wx, wy)
}

/// ∫ y dx along the sweep.
pub fn integral(xs: &[f64], ys: &[f64]) -> f64 {
    segments(xs, ys).map(|(h, a, b)| h * (0.5 * a + 0.5 * b)).sum()
}

/// ∫ y |dx| / ∫ |dx|; the value itself where there is but one point.
pub fn average(xs: &[f64], ys: &[f64]) -> f64 {
    let length: f64 = segments(xs, ys).map(|(h, ..)| h.abs()).sum();
    if length == 0.0 {
        return ys.first().copied().unwrap_or(f64::NAN);
    }
    segments(xs, ys).map(|(h, a, b)| h.abs() * (0.5 * a + 0.5 * b)).sum::<f64>() / length
}

/// √(∫ y² |dx| / ∫ |dx|).
pub fn rms(xs: &[f64], ys: &[f64]) -> f64 {
    let length: f64 = segments(xs, ys).map(|(h, ..)| h.abs()).sum();
    if length == 0.0 {
        return ys.first().map_or(f64::NAN, |y| y.abs());
    }
    (segments(xs, ys).map(|(h, a, b)| h.abs() * (a * a + a * b + b * b) / 3.0).sum::<f64>() / length).sqrt()
}

fn segments<'a>(xs: &'a [f64], ys: &'a [f64]) -> impl Iterator<Item = (f64, f64, f64)> + 'a {
    xs.windows(2).zip(ys.windows(2)).map(|(x, y)| (x[1] - x[0], y[0], y[1]))
}

/// Where and how large the smallest and the largest value are: ((x, min), (x, max)); the first of equal ones.
pub fn extremes(xs: &[f64], ys: &[f64]) -> Option<((f64, f64), (f64, f64))> {
    let mut found: Option<((f64, f64), (f64, f64))> = None;
    for (&x, &y) in xs.iter().zip(ys).filter(|p| !p.1.is_nan()) {
        let (min, max) = found.get_or_insert(((x, y), (x, y)));
        if y < min.1 {
            *min = (x, y);
        }
        if y > max.1 {
            *max = (x, y);
        }
    }
    found
}

/// dy/dx at every point: the slope of the parabola through the point and its neighbours (that of the line at the ends and at
/// doubled points).
pub fn derivative(xs: &[f64], ys: &[f64]) -> Vec<f64> {
    let n = xs.len().min(ys.len());
    let slope = |a: usize, b: usize| if xs[b] == xs[a] { None } else { Some((ys[b] - ys[a]) / (xs[b] - xs[a])) };
    (0..n)
        .map(|k| {
            let left = if k > 0 { slope(k - 1, k) } else { None };
            let right = if k + 1 < n { slope(k, k + 1) } else { None };
            match (left, right) {
                (Some(l), Some(r)) => {
                    let (h, g) = (xs[k] - xs[k - 1], xs[k + 1] - xs[k]);
                    // Weighted by the other side's width; a sweep that turns back has no parabola.
                    if h * g > 0.0 { (l * g + r * h) / (h + g) } else { r }
                }
                (Some(s), None) | (None, Some(s)) => s,
                (None, None) => 0.0,
            }
        })
        .collect()
}

/// dy/dx at `x`: the derivatives of the two neighbouring points, interpolated.
pub fn derivative_at(xs: &[f64], ys: &[f64], x: f64) -> f64 {
    interp::linear(xs, &derivative(xs, ys), x)
}

/// ∫ y dx from the first point to every point.
pub fn running_integral(xs: &[f64], ys: &[f64]) -> Vec<f64> {
    let mut sum = 0.0;
    let rest = segments(xs, ys).map(|(h, a, b)| {
        sum += h * (0.5 * a + 0.5 * b);
        sum
    });
    let rest: Vec<f64> = rest.collect();
    (!xs.is_empty() && !ys.is_empty()).then_some(0.0).into_iter().chain(rest).collect()
}

/// Energy delivered up to each point by a power waveform, J: the running integral.
pub fn energy(time: &[f64], power: &[f64]) -> Vec<f64> {
    running_integral(time, power)
}

/// Discrete Fourier transform, Xₘ = Σ xₖ e^(−2πi mk/n), of any length: radix 2 (Cooley and Tukey 1965), and Bluestein's
/// chirp convolution (1970) where the length is not a power of two.
pub fn fft(x: &[Complex64]) -> Vec<Complex64> {
    let n = x.len();
    if n.is_power_of_two() {
        let mut v = x.to_vec();
        radix2(&mut v, false);
        return v;
    }
    if n == 0 {
        return vec![];
    }
    // k²/2 modulo n, from k² modulo 2n, keeps the argument exact.
    let chirp: Vec<Complex64> = (0..n)
        .map(|k| {
            let k2 = (k as u128 * k as u128 % (2 * n as u128)) as f64;
            Complex64::from_polar(1.0, -std::f64::consts::PI * k2 / n as f64)
        })
        .collect();
    let m = (2 * n - 1).next_power_of_two();
    let mut a = vec![Complex64::default(); m];
    let mut b = vec![Complex64::default(); m];
    for k in 0..n {
        a[k] = x[k] * chirp[k];
        b[k] = chirp[k].conj();
        b[(m - k) % m] = chirp[k].conj();
    }
    radix2(&mut a, false);
    radix2(&mut b, false);
    a.iter_mut().zip(&b).for_each(|(p, q)| *p *= q);
    radix2(&mut a, true);
    (0..n).map(|k| a[k] * chirp[k] / m as f64).collect()
}

/// In place, unscaled.
fn radix2(v: &mut [Complex64], is_inverse: bool) {
    let n = v.len();
    if n < 2 {
        return;
    }
    let shift = usize::BITS - n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> shift;
        if i < j {
            v.swap(i, j);
        }
    }
    let sign = if is_inverse { 1.0 } else { -1.0 };
    let mut len = 2;
    while len <= n {
        let half = len / 2;
        let step = sign * std::f64::consts::TAU / len as f64;
        let twiddle: Vec<Complex64> = (0..half).map(|k| Complex64::from_polar(1.0, step * k as f64)).collect();
        for block in v.chunks_exact_mut(len) {
            let (lo, hi) = block.split_at_mut(half);
            for ((a, b), w) in lo.iter_mut().zip(hi).zip(&twiddle) {
                let t = *b * w;
                *b = *a - t;
                *a += t;
            }
        }
        len *= 2;
    }
}

/// One-sided amplitude spectrum of a waveform: (frequency in Hz, complex amplitude). The line is sampled at `n` uniform
/// points over [from, to); amplitudes are of cosines, so a sine of amplitude A has |X| = A at its frequency; the first is the mean.
pub fn spectrum(time: &[f64], ys: &[f64], from: f64, to: f64, n: usize) -> Vec<(f64, Complex64)> {
    let span = to - from;
    if n == 0 || span.is_nan() || span <= 0.0 {
        return vec![];
    }
    let sample = |k: usize| interp::linear(time, ys, from + span * k as f64 / n as f64).into();
    let x: Vec<Complex64> = (0..n).map(sample).collect();
    let f = fft(&x);
    (0..=n / 2)
        .map(|m| {
            let scale = if m == 0 || 2 * m == n { 1.0 } else { 2.0 };
            (m as f64 / span, f[m % n] * scale / n as f64)
        })
        .collect()
}
