//! Waveforms of independent sources: value, next corner, step bound, each a function of time alone.
//!
//! Corners of a periodic waveform are computed as `td + k period + offset` from the number k of the period, never by
//! adding up, so they do not drift; the next corner is always later than the time asked for by more than rounding.
//! Formulas: Nagel, "SPICE2", ERL-M520, 1975, appendix; ngspice manual, "Independent sources". Times not given (and
//! rise, fall, width, period of a pulse given as 0) become the print step or the stop time, as in SPICE.

use std::f64::consts::TAU;

use super::noise::{Noise, Random};

/// Steps per period of a sine that a source asks for.
const STEPS_PER_PERIOD: f64 = 20.0;

#[derive(Clone)]
pub enum Wave {
    Pulse(Pulse),
    Sin(Sin),
    Exp(Exp),
    Sffm(Sffm),
    Am(Am),
    Pwl(Pwl),
    Train(Train),
    Pattern(Pattern),
    Noise(Box<Noise>),
    Random(Random),
}

impl Wave {
    pub fn value(&self, t: f64) -> f64 {
        match self {
            Wave::Pulse(w) => w.value(t),
            Wave::Sin(w) => w.value(t),
            Wave::Exp(w) => w.value(t),
            Wave::Sffm(w) => w.value(t),
            Wave::Am(w) => w.value(t),
            Wave::Pwl(w) => w.value(t),
            Wave::Train(w) => w.value(t),
            Wave::Pattern(w) => w.value(t),
            Wave::Noise(w) => w.value(t),
            Wave::Random(w) => w.value(t),
        }
    }

    /// The first corner after t; infinity when there is none.
    pub fn next_break(&self, t: f64) -> f64 {
        match self {
            Wave::Pulse(w) => w.next_break(t),
            Wave::Sin(w) => first_after(t, [w.td]),
            Wave::Exp(w) => first_after(t, [w.td1, w.td2]),
            Wave::Sffm(_) => f64::INFINITY,
            Wave::Am(w) => first_after(t, [w.td]),
            Wave::Pwl(w) => w.next_break(t),
            Wave::Train(w) => w.next_break(t),
            Wave::Pattern(w) => w.next_break(t),
            Wave::Noise(w) => w.next_break(t),
            Wave::Random(w) => w.next_break(t),
        }
    }

    /// The longest step from t that still shows the shape.
    pub fn max_step(&self, t: f64) -> f64 {
        let f = match self {
            // A decayed sine asks for nothing.
            Wave::Sin(w) if w.va != 0.0 && (t - w.td) * w.theta < 20.0 => w.freq,
            Wave::Sffm(w) => w.fc + w.mdi.abs() * w.fs,
            Wave::Am(w) => w.fc + w.mf,
            _ => 0.0,
        };
        if f > 0.0 { 1.0 / (STEPS_PER_PERIOD * f) } else { f64::INFINITY }
    }

    /// Commits what is drawn at an accepted point; true when the value jumps there.
    pub fn accept(&mut self, t: f64) -> bool {
        match self {
            Wave::Noise(w) => w.accept(t),
            Wave::Random(w) => w.jumps_at(t),
            _ => false,
        }
    }
}

/// What counts as later than t.
#[inline]
pub fn after(t: f64) -> f64 {
    t + 4.0 * f64::EPSILON * t.abs()
}

pub fn first_after<const N: usize>(t: f64, corners: [f64; N]) -> f64 {
    let limit = after(t);
    corners.into_iter().filter(|c| *c > limit).fold(f64::INFINITY, f64::min)
}

/// `pulse(v1 v2 td tr tf pw per np)`
#[derive(Clone, Debug, PartialEq)]
pub struct Pulse {
    pub v1: f64,
    pub v2: f64,
    pub td: f64,
    pub tr: f64,
    pub tf: f64,
    pub pw: f64,
    pub per: f64,
    /// Number of periods; infinity: for ever.
    pub np: f64,
}

impl Pulse {
    fn corners(&self) -> [f64; 4] {
        [0.0, self.tr, self.tr + self.pw, self.tr + self.pw + self.tf]
    }

    pub fn value(&self, t: f64) -> f64 {
        let since = t - self.td;
        if since <= 0.0 || since >= self.np * self.per {
            return self.v1;
        }
        let k = (since / self.per).floor();
        // From the same sum as the corners, so that a corner has its exact value.
        let tau = (t - (self.td + k * self.per)).max(0.0);
        let [_, top, fall, base] = self.corners();
        if tau < top {
            self.v1 + (self.v2 - self.v1) * (tau / self.tr)
        } else if tau <= fall {
            self.v2
        } else if tau < base {
            self.v2 + (self.v1 - self.v2) * ((tau - fall) / self.tf)
        } else {
            self.v1
        }
    }

    fn next_break(&self, t: f64) -> f64 {
        let limit = after(t);
        let k0 = ((t - self.td) / self.per).floor().max(0.0);
        let mut best = f64::INFINITY;
        for k in [k0 - 1.0, k0, k0 + 1.0] {
            if k < 0.0 || k >= self.np {
                continue;
            }
            for offset in self.corners() {
                // Corners at or beyond the end of the period belong to the next one.
                if offset < self.per * (1.0 - 1e-9) {
                    let c = self.td + k * self.per + offset;
                    if c > limit && c < best {
                        best = c;
                    }
                }
            }
        }
        let end = self.td + self.np * self.per;
        if end > limit { best.min(end) } else { best }
    }
}

/// `sin(vo va freq td theta phase)`, phase in radians here.
#[derive(Clone, Debug, PartialEq)]
pub struct Sin {
    pub vo: f64,
    pub va: f64,
    pub freq: f64,
    pub td: f64,
    pub theta: f64,
    pub phase: f64,
}

impl Sin {
    fn value(&self, t: f64) -> f64 {
        let s = t - self.td;
        if s <= 0.0 {
            return self.vo + self.va * self.phase.sin();
        }
        self.vo + self.va * (-s * self.theta).exp() * turns(self.freq, s, self.phase).sin()
    }
}

/// 2 pi f t + phase with whole turns taken out first, which keeps the phase exact after many periods.
fn turns(f: f64, t: f64, phase: f64) -> f64 {
    let n = f * t;
    TAU * (n - n.floor()) + phase
}

/// `exp(v1 v2 td1 tau1 td2 tau2)`
#[derive(Clone, Debug, PartialEq)]
pub struct Exp {
    pub v1: f64,
    pub v2: f64,
    pub td1: f64,
    pub tau1: f64,
    pub td2: f64,
    pub tau2: f64,
}

impl Exp {
    fn value(&self, t: f64) -> f64 {
        let part = |td: f64, tau: f64| if t > td { -(-(t - td) / tau).exp_m1() } else { 0.0 };
        self.v1 + (self.v2 - self.v1) * (part(self.td1, self.tau1) - part(self.td2, self.tau2))
    }
}

/// `sffm(vo va fc mdi fs phasec phases)`, phases in radians here.
#[derive(Clone, Debug, PartialEq)]
pub struct Sffm {
    pub vo: f64,
    pub va: f64,
    pub fc: f64,
    pub mdi: f64,
    pub fs: f64,
    pub phase_carrier: f64,
    pub phase_signal: f64,
}

impl Sffm {
    fn value(&self, t: f64) -> f64 {
        let signal = self.mdi * turns(self.fs, t, self.phase_signal).sin();
        self.vo + self.va * (turns(self.fc, t, self.phase_carrier) + signal).sin()
    }
}

/// `am(va vo mf fc td phasec phases)`, phases in radians here.
#[derive(Clone, Debug, PartialEq)]
pub struct Am {
    pub va: f64,
    pub vo: f64,
    pub mf: f64,
    pub fc: f64,
    pub td: f64,
    pub phase_carrier: f64,
    pub phase_signal: f64,
}

impl Am {
    fn value(&self, t: f64) -> f64 {
        let s = t - self.td;
        if s <= 0.0 {
            return 0.0;
        }
        self.va * (self.vo + turns(self.mf, s, self.phase_signal).sin()) * turns(self.fc, s, self.phase_carrier).sin()
    }
}

/// `pwl(t1 v1 t2 v2 ...)` with `r=` and `td=`. Before the first point the first value holds, after the last the last.
#[derive(Clone, Debug, PartialEq)]
pub struct Pwl {
    /// Strictly increasing.
    pub t: Vec<f64>,
    pub v: Vec<f64>,
    pub td: f64,
    /// The stretch from here to the last point repeats for ever.
    pub repeat: Option<f64>,
}

impl Pwl {
    fn last(&self) -> f64 {
        self.t.last().copied().unwrap_or(0.0)
    }

    fn at(&self, s: f64) -> f64 {
        let j = self.t.partition_point(|t| *t <= s);
        match j {
            0 => self.v.first().copied().unwrap_or(0.0),
            j if j == self.t.len() => self.v[j - 1],
            j => {
                let (t0, t1, v0, v1) = (self.t[j - 1], self.t[j], self.v[j - 1], self.v[j]);
                v0 + (v1 - v0) * ((s - t0) / (t1 - t0))
            }
        }
    }

    fn value(&self, t: f64) -> f64 {
        let s = t - self.td;
        match self.repeat {
            Some(r) if s > self.last() => {
                let per = self.last() - r;
                // Repetition k covers (r, last] shifted by k periods: at the seam the old value holds.
                let k = ((s - r) / per).ceil() - 1.0;
                self.at((s - k * per).clamp(r, self.last()))
            }
            _ => self.at(s),
        }
    }

    fn next_break(&self, t: f64) -> f64 {
        let limit = after(t);
        let s = t - self.td;
        let from = |s: f64, k: f64, per: f64, low: f64| {
            // Step back one point so that rounding cannot hide a corner.
            let j = self.t.partition_point(|c| *c <= s).saturating_sub(1);
            self.t[j..].iter().filter(|c| **c > low).map(|c| self.td + k * per + c).find(|c| *c > limit)
        };
        match self.repeat {
            None => from(s, 0.0, 0.0, f64::NEG_INFINITY).unwrap_or(f64::INFINITY),
            Some(r) => {
                let per = self.last() - r;
                let k0 = if s > r { ((s - r) / per).floor() } else { 0.0 };
                [k0 - 1.0, k0, k0 + 1.0]
                    .into_iter()
                    .filter(|k| *k >= 0.0)
                    .filter_map(|k| from(s - k * per, k, per, if k > 0.0 { r } else { f64::NEG_INFINITY }))
                    .fold(f64::INFINITY, f64::min)
            }
        }
    }
}

/// Pulses of listed amplitudes: pulse k starts at `td + k interval`, rises to `amp[k mod n]`, holds it for `width`
/// and falls back to `base`.
#[derive(Clone, Debug, PartialEq)]
pub struct Train {
    pub base: f64,
    pub td: f64,
    pub rise: f64,
    pub fall: f64,
    pub width: f64,
    pub interval: f64,
    /// Infinity: for ever.
    pub count: f64,
    pub amp: Vec<f64>,
}

impl Train {
    fn value(&self, t: f64) -> f64 {
        let since = t - self.td;
        if since <= 0.0 || self.amp.is_empty() {
            return self.base;
        }
        let k = (since / self.interval).floor().min(self.count - 1.0);
        let tau = (t - (self.td + k * self.interval)).max(0.0);
        let amp = self.amp[(k % self.amp.len() as f64) as usize];
        let (top, fall) = (self.rise, self.rise + self.width);
        if tau < top {
            self.base + (amp - self.base) * (tau / self.rise)
        } else if tau <= fall {
            amp
        } else if tau < fall + self.fall {
            amp + (self.base - amp) * ((tau - fall) / self.fall)
        } else {
            self.base
        }
    }

    fn next_break(&self, t: f64) -> f64 {
        let k0 = ((t - self.td) / self.interval).floor().max(0.0);
        let fall = self.rise + self.width;
        let mut best = f64::INFINITY;
        for k in [k0 - 1.0, k0, k0 + 1.0] {
            if k < 0.0 || k >= self.count {
                continue;
            }
            let start = self.td + k * self.interval;
            best = best.min(first_after(t, [start, start + self.rise, start + fall, start + (fall + self.fall)]));
        }
        best
    }
}

/// `pat(vhi vlo td tr tf tsample bits)`: each bit lasts `tsample`; a change of level starts at the bit's beginning.
#[derive(Clone, Debug, PartialEq)]
pub struct Pattern {
    pub high: f64,
    pub low: f64,
    pub td: f64,
    pub tr: f64,
    pub tf: f64,
    pub sample: f64,
    pub bits: Vec<bool>,
    /// First bit (from 0) of the part that repeats.
    pub repeat_from: usize,
    /// How often that part comes again; infinity: for ever.
    pub repeats: f64,
}

impl Pattern {
    /// Number of bits in all.
    fn total(&self) -> f64 {
        let part = (self.bits.len() - self.repeat_from) as f64;
        self.bits.len() as f64 + if part > 0.0 { part * self.repeats } else { 0.0 }
    }

    fn bit(&self, k: f64) -> bool {
        let k = k.clamp(0.0, self.total() - 1.0);
        let n = self.bits.len() as f64;
        let at = if k < n { k as usize } else { self.repeat_from + ((k - n) % (n - self.repeat_from as f64)) as usize };
        self.bits.get(at).copied().unwrap_or(false)
    }

    fn level(&self, bit: bool) -> f64 {
        if bit { self.high } else { self.low }
    }

    fn value(&self, t: f64) -> f64 {
        let k = ((t - self.td) / self.sample).floor();
        if k < 1.0 {
            return self.level(self.bit(0.0));
        }
        let (was, is) = (self.bit(k - 1.0), self.bit(k));
        let tau = (t - (self.td + k * self.sample)).max(0.0);
        let edge = if is { self.tr } else { self.tf };
        if was == is || tau >= edge {
            self.level(is)
        } else {
            self.level(was) + (self.level(is) - self.level(was)) * (tau / edge)
        }
    }

    fn next_break(&self, t: f64) -> f64 {
        let k0 = ((t - self.td) / self.sample).floor().max(0.0);
        let total = self.total();
        let mut best = f64::INFINITY;
        let mut k = (k0 - 1.0).max(1.0);
        // A long run of equal bits has no corner: look for the next change, at most one pattern ahead.
        let last = (k0 + self.bits.len() as f64 + 2.0).min(total - 1.0);
        while k <= last {
            let (was, is) = (self.bit(k - 1.0), self.bit(k));
            if was != is {
                let start = self.td + k * self.sample;
                best = best.min(first_after(t, [start, start + if is { self.tr } else { self.tf }]));
                if best.is_finite() && k > k0 {
                    break;
                }
            }
            k += 1.0;
        }
        best
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }

    fn pulse() -> Pulse {
        Pulse { v1: -1.0, v2: 3.0, td: 1e-9, tr: 2e-9, tf: 1e-9, pw: 3e-9, per: 1e-8, np: f64::INFINITY }
    }

    #[test]
    fn pulse_has_its_corners() {
        let p = pulse();
        for k in [0.0, 1.0, 7.0] {
            let t0 = 1e-9 + k * 1e-8;
            for (dt, v) in [
                (0.0, -1.0),
                (1e-9, 1.0),
                (2e-9, 3.0),
                (4e-9, 3.0),
                (5e-9, 3.0),
                (5.5e-9, 1.0),
                (6e-9, -1.0),
                (8e-9, -1.0),
            ] {
                assert!((p.value(t0 + dt) - v).abs() < 1e-6, "{k} {dt:e}");
            }
        }
        let two = Pulse { np: 2.0, ..pulse() };
        assert_eq!(two.value(1e-9 + 2.3e-8), -1.0);
        assert_eq!(Wave::Pulse(two).next_break(2.2e-8), f64::INFINITY);
    }

    #[test]
    fn corners_do_not_drift_or_stick() {
        let p = Wave::Pulse(pulse());
        let (mut t, mut n) = (0.0, 0u64);
        while n < 4_000_000 {
            let next = p.next_break(t);
            assert!(next > t && next - t > 0.5e-9, "{t:e} {next:e}");
            t = next;
            n += 1;
        }
        // Four corners a period, a million periods.
        assert!((t - (1e-9 + 999_999.0 * 1e-8 + 6e-9)).abs() < 1e-17, "{t:e}");
        // Rise, width and fall fill the period: three corners, none twice.
        let p = Wave::Pulse(Pulse { pw: 7e-9, ..pulse() });
        let mut t = 0.0;
        for _ in 0..3_000 {
            t = p.next_break(t);
        }
        assert!((t - (1e-9 + 999.0 * 1e-8 + 9e-9)).abs() < 1e-18);
    }

    #[test]
    fn sine_exponential_modulated() {
        let w = Wave::Sin(Sin { vo: 1.0, va: 2.0, freq: 1e6, td: 1e-6, theta: 1e5, phase: 0.5 });
        close(w.value(0.0), 1.0 + 2.0 * 0.5f64.sin());
        close(w.value(1e-6), w.value(0.0));
        close(w.value(1.3e-6), 1.0 + 2.0 * (-0.03f64).exp() * (TAU * 0.3 + 0.5).sin());
        assert_eq!(w.next_break(0.0), 1e-6);
        close(w.max_step(2e-6) * 1e6, 0.05);
        let w = Wave::Exp(Exp { v1: 1.0, v2: 3.0, td1: 1.0, tau1: 2.0, td2: 4.0, tau2: 0.5 });
        close(w.value(1.0), 1.0);
        close(w.value(3.0), 1.0 + 2.0 * (1.0 - (-1f64).exp()));
        close(w.value(5.0), 1.0 + 2.0 * ((-2f64).exp() - (-2f64).exp()));
        assert_eq!((w.next_break(0.0), w.next_break(1.0), w.next_break(4.0)), (1.0, 4.0, f64::INFINITY));
        // Values of ngspice 39: sffm(0 1 1meg 1 100k) and am(1 1 50k 1meg 0).
        let w =
            Wave::Sffm(Sffm { vo: 0.0, va: 1.0, fc: 1e6, mdi: 1.0, fs: 1e5, phase_carrier: 0.0, phase_signal: 0.0 });
        assert!((w.value(0.25e-6) - 0.986_937_7).abs() < 2e-3);
        close(w.value(0.25e-6), (TAU * 0.25 + (TAU * 0.025).sin()).sin());
        let w = Wave::Am(Am { va: 1.0, vo: 1.0, mf: 5e4, fc: 1e6, td: 0.0, phase_carrier: 0.0, phase_signal: 0.0 });
        assert!((w.value(1.25e-6) - 1.382_683).abs() < 1e-5);
    }

    #[test]
    fn points_repeat_after_their_delay() {
        let pwl = |repeat| Wave::Pwl(Pwl { t: vec![1.0, 2.0, 4.0], v: vec![1.0, 3.0, 0.0], td: 0.5, repeat });
        let w = pwl(None);
        for (t, v) in [(0.0, 1.0), (1.5, 1.0), (2.0, 2.0), (2.5, 3.0), (3.5, 1.5), (4.5, 0.0), (9.0, 0.0)] {
            close(w.value(t), v);
        }
        assert_eq!([0.0, 1.5, 2.5, 4.5].map(|t| w.next_break(t)), [1.5, 2.5, 4.5, f64::INFINITY]);
        let w = pwl(Some(1.0));
        // As ngspice 39 gives it.
        for (t, v) in [(1.75, 1.5), (4.6, 1.2), (6.0, 2.25), (14.0, 2.0)] {
            close(w.value(t), v);
        }
        let mut t = 0.0;
        let mut corners = vec![];
        for _ in 0..9 {
            t = w.next_break(t);
            corners.push(t);
        }
        assert_eq!(corners, [1.5, 2.5, 4.5, 5.5, 7.5, 8.5, 10.5, 11.5, 13.5]);
    }

    #[test]
    fn trains_and_patterns() {
        let w = Wave::Train(Train {
            base: 0.1,
            td: 1.0,
            rise: 0.5,
            fall: 0.25,
            width: 2.0,
            interval: 8.0,
            count: 3.0,
            amp: vec![1.1, -0.9],
        });
        for (t, v) in [
            (0.0, 0.1),
            (1.25, 0.6),
            (1.5, 1.1),
            (3.5, 1.1),
            (3.625, 0.6),
            (5.0, 0.1),
            (10.0, -0.9),
            (18.0, 1.1),
            (26.0, 0.1),
        ] {
            close(w.value(t), v);
        }
        assert_eq!([0.0, 1.0, 3.5, 3.75, 9.0].map(|t| w.next_break(t)), [1.0, 1.5, 3.75, 9.0, 9.5]);
        assert_eq!(w.next_break(19.75), f64::INFINITY);
        let p = |repeats| {
            Wave::Pattern(Pattern {
                high: 5.0,
                low: 1.0,
                td: 2.0,
                tr: 0.5,
                tf: 0.25,
                sample: 1.0,
                bits: vec![true, false, false, true],
                repeat_from: 1,
                repeats,
            })
        };
        let w = p(0.0);
        for (t, v) in [(0.0, 5.0), (3.0, 5.0), (3.125, 3.0), (4.5, 1.0), (5.25, 3.0), (6.0, 5.0), (60.0, 5.0)] {
            close(w.value(t), v);
        }
        assert_eq!([0.0, 3.0, 3.25, 5.0, 5.5].map(|t| w.next_break(t)), [3.0, 3.25, 5.0, 5.5, f64::INFINITY]);
        let w = p(f64::INFINITY);
        close(w.value(6.5), 1.0);
        close(w.value(8.75), 5.0);
        assert_eq!([5.5, 6.25, 8.0].map(|t| w.next_break(t)), [6.0, 8.0, 8.5]);
    }
}
