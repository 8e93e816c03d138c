//! From the parameters of a source to its waveform, with every fault named.

use super::noise::{MAX_SAMPLES, Noise, Random};
use super::wave::{Am, Exp, Pattern, Pulse, Pwl, Sffm, Sin, Train, Wave};
use super::*;
use crate::base::rng::Stream;
use crate::base::units::format_si;
use crate::diag::codes::device as codes;
use crate::diag::{Diagnostic, nearest};

/// The words that `wave` may be.
pub static WORDS: &[&str] = &["pulse", "sin", "exp", "pwl", "sffm", "am", "trnoise", "trrandom", "pulsetrain", "pat"];

struct Build<'a> {
    inst: &'a InstanceRef<'a>,
    word: String,
    args: &'a [f64],
    /// Stand-ins for TSTEP and TSTOP where there is no transient.
    step: f64,
    stop: f64,
    env: &'a Env,
    faults: Vec<Diagnostic>,
}

/// The waveform of an instance; `None` without one.
pub fn waveform(inst: &InstanceRef, env: &Env) -> Result<Option<Wave>, Vec<Diagnostic>> {
    let Some(word) = inst.text(WAVE) else { return Ok(None) };
    let single;
    let args: &[f64] = match inst.get(ARGS) {
        Some(Value::Vector(v)) => v,
        Some(Value::Num(x)) => {
            single = [*x];
            &single
        }
        _ => &[],
    };
    let mut b = Build {
        inst,
        word: word.to_ascii_lowercase(),
        args,
        step: if env.tstep > 0.0 { env.tstep } else { 1e-12 },
        stop: if env.tstop > 0.0 { env.tstop } else { 1e12 },
        env,
        faults: vec![],
    };
    let wave = match b.word.as_str() {
        "pulse" => b.pulse(),
        "sin" | "sine" => b.sin(),
        "exp" => b.exp(),
        "pwl" => b.pwl(),
        "sffm" => b.sffm(),
        "am" => b.am(),
        "trnoise" => b.trnoise(),
        "trrandom" => b.trrandom(),
        "pulsetrain" => b.train(),
        "pat" => b.pattern(),
        _ => {
            let mut d = Diagnostic::error(codes::UNKNOWN_WAVEFORM, format!("there is no waveform `{word}`"))
                .at(inst.span, "in this source");
            if let Some(help) = nearest::did_you_mean(word, WORDS.iter().copied()) {
                d = d.help(help);
            }
            return Err(vec![d.note(format!("known waveforms: {}", WORDS.join(" ")))]);
        }
    };
    if b.faults.is_empty() { Ok(Some(wave)) } else { Err(b.faults) }
}

impl Build<'_> {
    fn fault(&mut self, text: impl std::fmt::Display) {
        self.faults.push(
            Diagnostic::error(codes::BAD_WAVEFORM, format!("{}: {text}", self.word))
                .at(self.inst.span, "in this source"),
        );
    }

    /// Checks the number of arguments and that all are finite.
    fn count(&mut self, least: usize, most: usize, form: &str) {
        let n = self.args.len();
        if n < least || n > most {
            self.fault(format!("{n} arguments; the form is {form}"));
        }
        if let Some(k) = self.args.iter().position(|x| !x.is_finite()) {
            self.fault(format!("argument {} is not a finite number", k + 1));
        }
    }

    fn arg(&self, k: usize) -> Option<f64> {
        self.args.get(k).copied()
    }

    /// Argument k, or 0.
    fn num(&self, k: usize) -> f64 {
        self.arg(k).unwrap_or(0.0)
    }

    fn time(&mut self, name: &str, value: f64) -> f64 {
        if value < 0.0 {
            self.fault(format!("{name} is {}, but a time cannot be negative", format_si(value, "s")));
        }
        value
    }

    /// A time that becomes `default` when it is left out or 0, as in SPICE.
    fn nonzero_time(&mut self, k: usize, name: &str, default: f64) -> f64 {
        let t = self.time(name, self.num(k));
        if t == 0.0 { default } else { t }
    }

    fn pulse(&mut self) -> Wave {
        self.count(1, 8, "pulse(v1 v2 td tr tf pw per np)");
        let np = self.num(7);
        if np < 0.0 {
            self.fault("the number of pulses cannot be negative");
        }
        let per = self.nonzero_time(6, "the period", self.stop);
        Wave::Pulse(Pulse {
            v1: self.num(0),
            v2: self.arg(1).unwrap_or(self.num(0)),
            td: self.num(2) - self.inst.real(PHASE) / 360.0 * per,
            tr: self.nonzero_time(3, "the rise time", self.step),
            tf: self.nonzero_time(4, "the fall time", self.step),
            pw: self.nonzero_time(5, "the width", self.stop),
            per,
            np: if np == 0.0 { f64::INFINITY } else { np },
        })
    }

    fn sin(&mut self) -> Wave {
        self.count(2, 6, "sin(vo va freq td theta phase)");
        let freq = match self.num(2) {
            0.0 if self.env.tstop > 0.0 => 1.0 / self.stop,
            f => f,
        };
        Wave::Sin(Sin {
            vo: self.num(0),
            va: self.num(1),
            freq,
            td: self.num(3),
            theta: self.num(4),
            phase: self.num(5).to_radians(),
        })
    }

    fn exp(&mut self) -> Wave {
        self.count(2, 6, "exp(v1 v2 td1 tau1 td2 tau2)");
        let td1 = self.nonzero_time(2, "td1", self.step);
        let td2 = self.nonzero_time(4, "td2", td1 + self.step);
        Wave::Exp(Exp {
            v1: self.num(0),
            v2: self.num(1),
            td1,
            tau1: self.nonzero_time(3, "tau1", self.step),
            td2,
            tau2: self.nonzero_time(5, "tau2", self.step),
        })
    }

    /// A frequency that becomes 1/TSTOP when it is left out or 0.
    fn frequency(&self, k: usize) -> f64 {
        match self.num(k) {
            0.0 if self.env.tstop > 0.0 => 1.0 / self.stop,
            f => f,
        }
    }

    fn sffm(&mut self) -> Wave {
        self.count(2, 7, "sffm(vo va fc mdi fs phasec phases)");
        Wave::Sffm(Sffm {
            vo: self.num(0),
            va: self.num(1),
            fc: self.frequency(2),
            mdi: self.num(3),
            fs: self.frequency(4),
            phase_carrier: self.num(5).to_radians(),
            phase_signal: self.num(6).to_radians(),
        })
    }

    fn am(&mut self) -> Wave {
        self.count(2, 7, "am(va vo mf fc td phasec phases)");
        Wave::Am(Am {
            va: self.num(0),
            vo: self.num(1),
            mf: self.frequency(2),
            fc: self.frequency(3),
            td: self.num(4),
            phase_carrier: self.num(5).to_radians(),
            phase_signal: self.num(6).to_radians(),
        })
    }

    fn pwl(&mut self) -> Wave {
        if self.args.len() < 2 || self.args.len() % 2 == 1 {
            self.fault(format!("{} numbers, but points are pairs of time and value", self.args.len()));
        }
        self.count(0, usize::MAX, "");
        let t: Vec<f64> = self.args.iter().step_by(2).copied().collect();
        let v: Vec<f64> = self.args.iter().skip(1).step_by(2).copied().collect();
        if let Some(k) = t.windows(2).position(|w| w[1] <= w[0]) {
            self.faults.push(
                Diagnostic::error(codes::PWL_TIMES, format!("pwl time {:e} follows {:e}", t[k + 1], t[k]))
                    .at(self.inst.span, format!("point {} is not later than point {}", k + 2, k + 1))
                    .help("times must increase; for a jump write an edge of finite length"),
            );
        }
        let repeat = self.inst.given(REPEAT).filter(|r| *r >= 0.0);
        if let (Some(r), Some(last)) = (repeat, t.last())
            && r >= *last
        {
            self.fault(format!("repetition from {r} s, but the last point is at {last} s"));
        }
        Wave::Pwl(Pwl { t, v, td: self.inst.real(TD), repeat })
    }

    fn stream(&self) -> Stream {
        Stream { seed: self.env.seed, run: self.env.run, instance: self.inst.name.0 }
    }

    fn trnoise(&mut self) -> Wave {
        self.count(2, 7, "trnoise(na nt nalpha namp rtsam rtscapt rtsemt)");
        let mut a = [0.0; 7];
        for (k, x) in a.iter_mut().enumerate() {
            *x = self.num(k);
        }
        for (k, name) in [(1, "nt"), (5, "rtscapt"), (6, "rtsemt")] {
            self.time(name, a[k]);
        }
        if a[1] == 0.0 && (a[0] != 0.0 || a[3] != 0.0) {
            self.fault("the sampling time nt must be above zero");
        }
        if !(0.0..=2.0).contains(&a[2]) {
            self.fault(format!("the exponent nalpha is {}, but lies between 0 and 2", a[2]));
        }
        if a[4] != 0.0 && (a[5] == 0.0 || a[6] == 0.0) {
            self.fault("a telegraph signal needs its mean capture and emission times");
        }
        let samples = self.env.tstop / a[1];
        if a[3] != 0.0 && a[2] > 0.0 && samples > MAX_SAMPLES {
            self.fault(format!(
                "{samples:.0} samples of 1/f noise until the stop time; at most {MAX_SAMPLES} are made"
            ));
        }
        if !self.faults.is_empty() {
            a = [0.0; 7];
        }
        Wave::Noise(Box::new(Noise::new(a, self.stream(), self.env.tstop)))
    }

    fn trrandom(&mut self) -> Wave {
        self.count(2, 5, "trrandom(type ts td param1 param2)");
        let kind = self.num(0);
        if ![1.0, 2.0, 3.0, 4.0].contains(&kind) {
            self.fault("the type is 1 uniform, 2 normal, 3 exponential or 4 Poisson");
        }
        let ts = self.num(1);
        if ts <= 0.0 {
            self.fault("the time between draws must be above zero");
        }
        let td = self.time("the delay", self.num(2));
        let p1 = self.arg(3).unwrap_or(1.0);
        Wave::Random(Random { kind: kind as u32, ts, td, p1, p2: self.num(4), stream: self.stream() })
    }

    fn train(&mut self) -> Wave {
        // Arguments in order, each of which a named parameter overrides.
        self.count(0, usize::MAX, "pulsetrain(base td rise fall width interval count a1 a2 ...)");
        let named = |b: &Self, id: ParamId, k: usize| b.inst.given(id).or(b.arg(k));
        let amp: Vec<f64> = match self.inst.get(AMP) {
            Some(Value::Vector(v)) => v.to_vec(),
            Some(Value::Num(x)) => vec![*x],
            _ => self.args.iter().skip(7).copied().collect(),
        };
        if amp.is_empty() {
            self.fault("no amplitudes");
        }
        let or_step = |t: f64, step: f64| if t == 0.0 { step } else { t };
        let rise = named(self, RISE, 2).unwrap_or(0.0);
        let fall = named(self, FALL, 3).unwrap_or(rise);
        let (rise, fall) = (self.time("the rise time", rise), self.time("the fall time", fall));
        let (rise, fall) = (or_step(rise, self.step), or_step(fall, self.step));
        let td = self.time("the delay", named(self, TD, 1).unwrap_or(0.0));
        let width = match named(self, WIDTH, 4) {
            Some(w) => self.time("the width", w),
            None => {
                self.fault("no width");
                1.0
            }
        };
        let count = match named(self, COUNT, 6) {
            None => amp.len() as f64,
            Some(0.0) => f64::INFINITY,
            Some(n) => n,
        };
        if count.is_nan() || count < 1.0 {
            self.fault(format!("{count} pulses"));
        }
        let whole = rise + width + fall;
        let interval = named(self, INTERVAL, 5).unwrap_or(if count > 1.0 { 0.0 } else { whole });
        if interval < whole * (1.0 - 1e-12) {
            self.fault(format!("a pulse takes {whole:e} s with its edges, but the next begins after {interval:e} s"));
        }
        let base = named(self, BASE, 0).unwrap_or(0.0);
        Wave::Train(Train { base, td, rise, fall, width, interval, count, amp })
    }

    fn pattern(&mut self) -> Wave {
        self.count(6, 6, "pat(vhi vlo td tr tf tsample) with bits=1011");
        let text = self.inst.text(BITS).unwrap_or("");
        let bits: Vec<bool> =
            text.trim_start_matches(['b', 'B']).chars().filter(|c| *c == '0' || *c == '1').map(|c| c == '1').collect();
        if let Some(c) = text.trim_start_matches(['b', 'B']).chars().find(|c| !matches!(c, '0' | '1' | '_' | ' ')) {
            self.fault(format!("the pattern has the character `{c}`; it is made of 0 and 1"));
        }
        if bits.is_empty() {
            self.fault("no pattern; give it as bits=1011");
        }
        let (tr, tf) =
            (self.nonzero_time(3, "the rise time", self.step), self.nonzero_time(4, "the fall time", self.step));
        let sample = self.num(5);
        if sample <= 0.0 {
            self.fault("the time of one bit must be above zero");
        } else if tr.max(tf) > sample {
            self.fault(format!("an edge of {:e} s is longer than one bit", tr.max(tf)));
        }
        let rb = self.inst.real(RB).max(1.0) as usize - 1;
        if rb >= bits.len().max(1) {
            self.fault(format!("repetition from bit {}, but there are {}", rb + 1, bits.len()));
        }
        let repeats = match self.inst.given(REPEAT) {
            Some(r) if r < 0.0 => f64::INFINITY,
            Some(r) => r.floor(),
            None => 0.0,
        };
        let td = self.time("the delay", self.num(2));
        Wave::Pattern(Pattern {
            high: self.num(0),
            low: self.num(1),
            td,
            tr,
            tf,
            sample,
            bits,
            repeat_from: rb,
            repeats,
        })
    }
}
