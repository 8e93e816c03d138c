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
