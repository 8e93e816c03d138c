//! Transient noise: `trnoise` (white, 1/f^alpha and random telegraph signal) and `trrandom`.
//!
//! Every sample is a function of (seed, run, source, index), so a run repeats exactly. White and 1/f^alpha noise are
//! drawn at multiples of NT and joined by straight lines. 1/f^alpha noise is white noise passed through the filter
//! H(z) = (1 - z^-1)^(-alpha/2), whose impulse response is h_0 = 1, h_k = h_(k-1) (k - 1 + alpha/2)/k
//! (Kasdin, Proc. IEEE 83 (1995) 802, eq. 103-105), convolved by FFT.

use num_complex::Complex64;

use super::wave::{after, first_after};
use crate::base::rng::Stream;

/// Most samples of filtered noise that are kept.
pub const MAX_SAMPLES: f64 = 8_388_608.0;

/// `trnoise(na nt nalpha namp rtsam rtscapt rtsemt)`
#[derive(Clone)]
pub struct Noise {
    pub na: f64,
    /// 0: neither white nor 1/f noise.
    pub nt: f64,
    pub alpha: f64,
    pub namp: f64,
    pub rtsam: f64,
    /// Mean time to capture, and to emission.
    pub rts_capture: f64,
    pub rts_emission: f64,
    pub stream: Stream,
    filtered: Vec<f64>,
    /// Committed state of the telegraph signal: number of its next event, time of it, level until then.
    event: u32,
    event_time: f64,
    is_captured: bool,
}

impl Noise {
    /// `stop` is the stop time of the transient, for which filtered samples are made at once.
    pub fn new(args: [f64; 7], stream: Stream, stop: f64) -> Self {
        let [na, nt, alpha, namp, rtsam, rts_capture, rts_emission] = args;
        let mut n = Noise {
            na,
            nt,
            alpha,
            namp,
            rtsam,
            rts_capture,
            rts_emission,
            stream,
            filtered: vec![],
            event: 0,
            event_time: f64::INFINITY,
            is_captured: false,
        };
        n.restart();
        n.reserve(stop);
        n
    }

    fn has_filtered(&self) -> bool {
        self.nt > 0.0 && self.namp != 0.0 && self.alpha > 0.0
    }

    fn reserve(&mut self, t: f64) {
        if self.has_filtered() {
            let needed = (t / self.nt).min(MAX_SAMPLES) as usize + 3;
            if self.filtered.len() < needed {
                self.filtered = filtered(&self.stream, self.namp, self.alpha, needed.next_power_of_two());
            }
        }
    }

    fn waiting_time(&self, event: u32, is_captured: bool) -> f64 {
        let mean = if is_captured { self.rts_emission } else { self.rts_capture };
        -mean * self.stream.uniform(event, 2).ln()
    }

    fn restart(&mut self) {
        self.event = 0;
        self.is_captured = false;
        self.event_time = f64::INFINITY;
        if self.rtsam != 0.0 && self.rts_capture > 0.0 && self.rts_emission > 0.0 {
            self.event_time = self.waiting_time(0, false);
        }
    }

    fn sample(&self, n: f64) -> f64 {
        if n <= 0.0 {
            return 0.0;
        }
        let (lo, hi) = ((n % 4_294_967_296.0) as u32, (n / 4_294_967_296.0) as u32);
        let white = if self.na != 0.0 { self.na * self.stream.normal(lo, hi * 4) } else { 0.0 };
        white + self.filtered.get(n as usize).copied().unwrap_or(0.0)
    }

    pub fn value(&self, t: f64) -> f64 {
        if t <= 0.0 {
            return 0.0;
        }
        let mut v = if self.is_captured { self.rtsam } else { 0.0 };
        if self.nt > 0.0 {
            let s = t / self.nt;
            let n = s.floor();
            let (a, b) = (self.sample(n), self.sample(n + 1.0));
            v += a + (b - a) * (s - n);
        }
        v
    }

    pub fn next_break(&self, t: f64) -> f64 {
        let mut next = first_after(t, [self.event_time]);
        if self.nt > 0.0 && (self.na != 0.0 || self.has_filtered()) {
            let n = (t / self.nt).floor();
            next = next.min(first_after(t, [n * self.nt, (n + 1.0) * self.nt, (n + 2.0) * self.nt]));
        }
        next
    }

    pub fn accept(&mut self, t: f64) -> bool {
        if t <= 0.0 {
            self.restart();
        }
        self.reserve(t + 2.0 * self.nt);
        let mut jumped = false;
        while self.event_time <= after(t) {
            self.is_captured = !self.is_captured;
            self.event = self.event.wrapping_add(1);
            self.event_time += self.waiting_time(self.event, self.is_captured).max(f64::MIN_POSITIVE);
            jumped = true;
        }
        jumped
    }
}

/// The first `len` (a power of two) samples of 1/f^alpha noise.
fn filtered(stream: &Stream, amplitude: f64, alpha: f64, len: usize) -> Vec<f64> {
    let mut h = vec![Complex64::ZERO; 2 * len];
    let mut w = h.clone();
    let mut response = 1.0;
    for k in 0..len {
        if k > 0 {
            response *= (k as f64 - 1.0 + 0.5 * alpha) / k as f64;
        }
        h[k].re = response;
        w[k].re = amplitude * stream.normal(k as u32, 1);
    }
    fft(&mut h, false);
    fft(&mut w, false);
    for (a, b) in w.iter_mut().zip(&h) {
        *a *= b;
    }
    fft(&mut w, true);
    let scale = 1.0 / (2 * len) as f64;
    w[..len].iter().map(|z| z.re * scale).collect()
}

/// In-place radix-2 FFT of a power-of-two length, unnormalised.
fn fft(a: &mut [Complex64], is_inverse: bool) {
    let n = a.len();
    let shift = usize::BITS - n.trailing_zeros();
    for i in 0..n {
        let j = if n > 1 { i.reverse_bits() >> shift } else { 0 };
        if i < j {
            a.swap(i, j);
        }
    }
    let sign = if is_inverse { 1.0 } else { -1.0 };
    let mut half = 1;
    while half < n {
        let step: Vec<Complex64> = (0..half)
            .map(|k| Complex64::from_polar(1.0, sign * std::f64::consts::PI * k as f64 / half as f64))
            .collect();
        for block in a.chunks_exact_mut(2 * half) {
            let (lo, hi) = block.split_at_mut(half);
            for ((x, y), s) in lo.iter_mut().zip(hi).zip(&step) {
                let z = *y * s;
                *y = *x - z;
                *x += z;
            }
        }
        half *= 2;
    }
}

/// `trrandom(type ts td param1 param2)`: a new value every ts from td on; type 1 uniform (range, offset), 2 normal
/// (deviation, mean), 3 exponential (mean, offset), 4 Poisson (mean, offset).
#[derive(Clone, Debug)]
pub struct Random {
    pub kind: u32,
    pub ts: f64,
    pub td: f64,
    pub p1: f64,
    pub p2: f64,
    pub stream: Stream,
}

impl Random {
    fn draw(&self, k: u32) -> f64 {
        let x = match self.kind {
            1 => 2.0 * self.stream.uniform(k, 0) - 1.0,
            2 => self.stream.normal(k, 0),
            3 => -self.stream.uniform(k, 0).ln(),
            _ => return self.p2 + self.poisson(k),
        };
        self.p1 * x + self.p2
    }

    /// Knuth's product method, in pieces of at most 500 so that exp(-mean) does not underflow.
    fn poisson(&self, k: u32) -> f64 {
        let (mut mean, mut n, mut draw) = (self.p1.clamp(0.0, 1e6), 0.0, 0);
        while mean > 0.0 {
            let part = mean.min(500.0);
            mean -= part;
            let (limit, mut product) = ((-part).exp(), 1.0);
            loop {
                product *= self.stream.uniform(k, draw);
                draw += 1;
                if product <= limit {
                    break;
                }
                n += 1.0;
            }
        }
        n
    }

    /// The value of interval k holds after its beginning up to and at its end.
    pub fn value(&self, t: f64) -> f64 {
        let s = t - self.td;
        if s <= 0.0 {
            return self.p2;
        }
        self.draw(((s / self.ts) * (1.0 - 1e-12)).floor() as u32)
    }

    pub fn next_break(&self, t: f64) -> f64 {
        let k = ((t - self.td) / self.ts).floor().max(0.0);
        first_after(t, [self.td, self.td + k * self.ts, self.td + (k + 1.0) * self.ts, self.td + (k + 2.0) * self.ts])
    }

    pub fn jumps_at(&self, t: f64) -> bool {
        let s = (t - self.td) / self.ts;
        s > -1e-9 && (s - s.round()).abs() < 1e-9
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Stream = Stream { seed: 3, run: 0, instance: 1 };

    #[test]
    fn filtered_noise_is_the_convolution() {
        let x = filtered(&S, 2.0, 1.0, 64);
        let h = |k: usize| (1..=k).fold(1.0, |p, j| p * (j as f64 - 0.5) / j as f64);
        for n in [0, 1, 2, 17, 63] {
            let direct: f64 = (0..=n).map(|k| h(k) * 2.0 * S.normal((n - k) as u32, 1)).sum();
            assert!((x[n] - direct).abs() < 1e-12, "{n}");
        }
        // A longer table begins with the shorter one.
        let y = filtered(&S, 2.0, 1.0, 256);
        assert!(x.iter().zip(&y).all(|(a, b)| (a - b).abs() < 1e-12));
    }

    #[test]
    fn one_over_f_has_its_slope() {
        let n = 1 << 14;
        let x = filtered(&S, 1.0, 1.0, n);
        let mut z: Vec<Complex64> = x.iter().map(|v| Complex64::new(*v, 0.0)).collect();
        fft(&mut z, false);
        let band = |a: usize, b: usize| (a..b).map(|k| z[k].norm_sqr()).sum::<f64>() / (b - a) as f64;
        let slope = (band(1000, 2000) / band(50, 100)).log10() / 20f64.log10();
        assert!((slope + 1.0).abs() < 0.2, "{slope}");
    }

    #[test]
    fn white_samples_and_corners() {
        let mut n = Noise::new([0.5, 1e-9, 0.0, 0.0, 0.0, 0.0, 0.0], S, 1e-6);
        n.accept(0.0);
        let (mut t, mut sum, mut count) = (0.0, 0.0, 0);
        for _ in 0..20_000 {
            let next = n.next_break(t);
            assert!(next > t);
            t = next;
            n.accept(t);
            sum += n.value(t).powi(2);
            count += 1;
        }
        assert!((t - 20_000e-9).abs() < 1e-18);
        assert!((sum / f64::from(count) / 0.25 - 1.0).abs() < 0.03);
        let mid = n.value(7.5e-9);
        assert!((mid - 0.5 * (n.value(7e-9) + n.value(8e-9))).abs() < 1e-12);
    }

    #[test]
    fn telegraph_spends_its_time_as_told() {
        let mut n = Noise::new([0.0, 0.0, 0.0, 0.0, 1.0, 1e-6, 3e-6], S, 1.0);
        n.accept(0.0);
        let (mut t, mut high) = (0.0, 0.0);
        for _ in 0..20_000 {
            let next = n.next_break(t);
            high += n.value(next) * (next - t);
            assert!(n.accept(next));
            t = next;
        }
        assert!((high / t - 0.75).abs() < 0.01, "{}", high / t);
    }

    #[test]
    fn random_levels() {
        for (kind, p1, p2, mean) in [(1, 1.0, 0.5, 0.5), (2, 1.0, 0.5, 0.5), (3, 2.0, 0.5, 2.5), (4, 3.0, 0.0, 3.0)] {
            let r = Random { kind, ts: 1e-9, td: 1e-8, p1, p2, stream: S };
            let n = 20_000;
            let sum: f64 = (0..n).map(|k| r.value(1e-8 + (f64::from(k) + 0.5) * 1e-9)).sum();
            assert!((sum / f64::from(n) - mean).abs() < 0.05, "{kind}");
            assert!((r.next_break(1.25e-8) - 1.3e-8).abs() < 1e-20);
        }
    }
}
