//! Figures of merit of synaptic and memristive devices, from recorded waveforms.
//!
//! - *Hysteresis*: loop area ∮ i dv (J/s of drive), lobe areas, switching voltages, from v(t) and i(t).
//! - *Pulsed plasticity*: conductances read after each pulse; on/off ratio, nonlinearity and asymmetry of potentiation and
//!   depression (G. W. Burr et al., Adv. Phys. X 2, 89, 2017; J.-W. Jang et al., IEEE EDL 36, 457, 2015).
//! - *Short-term plasticity*: the paired-pulse ratio (R. S. Zucker and W. G. Regehr, Annu. Rev. Physiol. 64, 355, 2002).

use super::wave;
use crate::dataset::interp;

/// What a driven two-terminal device's trajectory in the v-i plane tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Hysteresis {
    /// ∮ i dv over the trajectory (V·A), positive where the loop is run counter-clockwise. For a pinched loop the lobes of
    /// both polarities have opposite signs where a bipolar device sets at v > 0 and resets at v < 0; see the lobes.
    pub area: f64,
    /// The part of it at v > 0 and at v < 0.
    pub positive_lobe: f64,
    pub negative_lobe: f64,
    /// Voltages at which the conductance rose (set) and fell (reset) through the geometric mean of its extremes, in order.
    /// None when the extremes are within 1 % of each other.
    pub set: Vec<f64>,
    pub reset: Vec<f64>,
    /// Extremes of i/v where |v| exceeds `v_min`, S.
    pub g_on: f64,
    pub g_off: f64,
}

impl Hysteresis {
    /// g_on / g_off.
    pub fn on_off_ratio(&self) -> f64 {
        self.g_on / self.g_off
    }
}

/// Analyses a v-i trajectory. Conductances are taken where |v| > `v_min`, which should be a few per cent of the amplitude,
/// since 0/0 means nothing.
pub fn hysteresis(v: &[f64], i: &[f64], v_min: f64) -> Hysteresis {
    // ∮ i dv, split at v = 0 exactly.
    let (mut positive, mut negative) = (0.0, 0.0);
    for (dv, di) in v.windows(2).zip(i.windows(2)) {
        let ((v0, v1), (i0, i1)) = ((dv[0], dv[1]), (di[0], di[1]));
        let mut add = |va: f64, vb: f64, ia: f64, ib: f64| {
            let part = (vb - va) * 0.5 * (ia + ib);
            if va + vb > 0.0 {
                positive += part;
            } else {
                negative += part;
            }
        };
        if v0 * v1 < 0.0 {
            let mid = i0 + (i1 - i0) * v0 / (v0 - v1);
            add(v0, 0.0, i0, mid);
            add(0.0, v1, mid, i1);
        } else {
            add(v0, v1, i0, i1);
        }
    }
    // Counter-clockwise is ∮ v di = −∮ i dv.
    let (positive, negative) = (-positive, -negative);
    let states: Vec<(f64, f64)> =
        v.iter().zip(i).filter(|(v, _)| v.abs() > v_min).map(|(v, i)| (*v, i / v)).filter(|s| s.1 > 0.0).collect();
    let g_on = states.iter().map(|s| s.1).fold(f64::NAN, f64::max);
    let g_off = states.iter().map(|s| s.1).fold(f64::NAN, f64::min);
    let middle = (g_on * g_off).sqrt();
    let (mut set, mut reset) = (vec![], vec![]);
    for w in states.windows(2) {
        let ((v0, a), (v1, b)) = (w[0], w[1]);
        if v0 * v1 < 0.0 || g_on < 1.01 * g_off {
            continue;
        }
        let f = (middle / a).ln() / (b / a).ln();
        if a < middle && b >= middle {
            set.push(v0 + (v1 - v0) * f);
        } else if a > middle && b <= middle {
            reset.push(v0 + (v1 - v0) * f);
        }
    }
    Hysteresis { area: positive + negative, positive_lobe: positive, negative_lobe: negative, set, reset, g_on, g_off }
}

/// Conductances at read instants: i/v interpolated, S. Reads at v = 0 are NaN.
pub fn read_conductance(time: &[f64], v: &[f64], i: &[f64], at: &[f64]) -> Vec<f64> {
    let read = |&t: &f64| {
        let u = interp::linear(time, v, t);
        if u == 0.0 { f64::NAN } else { interp::linear(time, i, t) / u }
    };
    at.iter().map(read).collect()
}

/// Pulsed potentiation or depression, G against pulse number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plasticity {
    pub g_min: f64,
    pub g_max: f64,
    /// ν of G(n) = G₀ + (G_N − G₀) (1 − e^(−ν n/N)) / (1 − e^(−ν)), least squares. 0 is a straight line, above 0 the first
    /// pulses do most, below 0 the last.
    pub nonlinearity: f64,
    /// Root-mean-square misfit over the range.
    pub misfit: f64,
}

impl Plasticity {
    pub fn on_off_ratio(&self) -> f64 {
        self.g_max / self.g_min
    }
}

/// The shape function of [`Plasticity::nonlinearity`] for x = n/N.
pub fn shape(x: f64, nu: f64) -> f64 {
    if nu.abs() < 1e-6 { x + 0.5 * nu * x * (1.0 - x) } else { (-nu * x).exp_m1() / (-nu).exp_m1() }
}

/// Fits a series of conductances read before the first and after each pulse. `None` below three values or without change.
pub fn plasticity(g: &[f64]) -> Option<Plasticity> {
    let (&first, &last) = (g.first()?, g.last()?);
    if g.len() < 3 || first == last || g.iter().any(|x| !x.is_finite()) {
        return None;
    }
    let n = (g.len() - 1) as f64;
    let misfit = |nu: f64| {
        let square = |(k, x): (usize, &f64)| ((x - first) / (last - first) - shape(k as f64 / n, nu)).powi(2);
        (g.iter().enumerate().map(square).sum::<f64>() / g.len() as f64).sqrt()
    };
    // A coarse scan, then golden section between the neighbours of its best point.
    let grid: Vec<f64> = (-120..=120).map(|k| f64::from(k) * 0.25).collect();
    let best = grid.iter().copied().min_by(|a, b| misfit(*a).total_cmp(&misfit(*b)))?;
    let (mut lo, mut hi) = (best - 0.25, best + 0.25);
    let ratio = 0.5 * (5f64.sqrt() - 1.0);
    for _ in 0..60 {
        let (a, b) = (hi - ratio * (hi - lo), lo + ratio * (hi - lo));
        if misfit(a) < misfit(b) {
            hi = b;
        } else {
            lo = a;
        }
    }
    let nonlinearity = 0.5 * (lo + hi);
    let extreme = |f: fn(f64, f64) -> f64| g.iter().copied().fold(first, f);
    Some(Plasticity { g_min: extreme(f64::min), g_max: extreme(f64::max), nonlinearity, misfit: misfit(nonlinearity) })
}

/// Largest distance between the normalised potentiation curve and the depression curve run backwards: 0 where a device goes back
/// the way it came, up to 1. Both are conductances before the first and after each pulse.
pub fn asymmetry(potentiation: &[f64], depression: &[f64]) -> f64 {
    let all = potentiation.iter().chain(depression).copied();
    let (lo, hi) = (all.clone().fold(f64::NAN, f64::min), all.fold(f64::NAN, f64::max));
    let axis = |n: usize| (0..n).map(|k| k as f64 / (n.max(2) - 1) as f64).collect::<Vec<_>>();
    let (xp, xd) = (axis(potentiation.len()), axis(depression.len()));
    let back: Vec<f64> = depression.iter().rev().copied().collect();
    let far = xp.iter().zip(potentiation).map(|(x, g)| (g - interp::linear(&xd, &back, *x)).abs() / (hi - lo));
    far.fold(0.0, f64::max)
}

/// Paired-pulse ratio A₂/A₁. The response to a pulse at t is the extreme departure from the value just before it, within
/// `window` seconds; its sign is kept, so facilitation is above 1 for excitatory and inhibitory currents alike.
pub fn paired_pulse_ratio(time: &[f64], response: &[f64], first: f64, second: f64, window: f64) -> f64 {
    let amplitude = |t: f64| {
        let base = interp::linear(time, response, t);
        let (x, y) = wave::window(time, response, t, t + window);
        let y: Vec<f64> = y.iter().map(|y| y - base).collect();
        match wave::extremes(&x, &y) {
            Some((min, max)) if min.1.abs() > max.1.abs() => min.1,
            Some((_, max)) => max.1,
            None => f64::NAN,
        }
    };
    amplitude(second) / amplitude(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_resistor_has_no_loop_and_an_ellipse_has_its_area() {
        let n = 4000;
        let angle = |k: usize| std::f64::consts::TAU * k as f64 / n as f64;
        let v: Vec<f64> = (0..=n).map(|k| 2.0 * angle(k).sin()).collect();
        let r: Vec<f64> = v.iter().map(|v| v * 1e-3).collect();
        let h = hysteresis(&v, &r, 0.1);
        assert!(h.area.abs() < 1e-12 && h.set.is_empty());
        assert!((h.on_off_ratio() - 1.0).abs() < 1e-9);
        // A capacitor runs clockwise or counter-clockwise round an ellipse of half axes 2 V, 3 A.
        let c: Vec<f64> = (0..=n).map(|k| 3.0 * angle(k).cos()).collect();
        assert!((hysteresis(&v, &c, 0.1).area.abs() - std::f64::consts::PI * 6.0).abs() < 1e-4);
    }

    #[test]
    fn a_bipolar_switch_sets_and_resets_where_it_does() {
        // Triangular sweep; low state until +1 V, high state until −0.8 V.
        let n = 8000;
        let (mut v, mut i, mut g) = (vec![], vec![], 1e-6);
        for k in 0..=n {
            let x = 4.0 * k as f64 / n as f64;
            let u = 1.5
                * if x < 1.0 {
                    x
                } else if x < 3.0 {
                    2.0 - x
                } else {
                    x - 4.0
                };
            if u > 1.0 {
                g = 1e-4;
            }
            if u < -0.8 {
                g = 1e-6;
            }
            v.push(u);
            i.push(g * u);
        }
        let h = hysteresis(&v, &i, 0.05);
        assert!((h.set[0] - 1.0).abs() < 2e-3 && (h.reset[0] + 0.8).abs() < 2e-3, "{h:?}");
        assert_eq!((h.set.len(), h.reset.len()), (1, 1));
        assert!((h.on_off_ratio() - 100.0).abs() < 1e-6);
        // Lobes: ΔG V²/2, run counter-clockwise at v > 0 (up low, down high).
        assert!((h.positive_lobe - 0.5 * 9.9e-5).abs() < 2e-7, "{h:?}");
        assert!((h.negative_lobe + 0.5 * 9.9e-5 * 0.64).abs() < 2e-7, "{h:?}");
    }

    #[test]
    fn nonlinearity_is_recovered() {
        for nu in [-4.0, 0.0, 0.5, 3.0, 9.0] {
            let g: Vec<f64> = (0..=32).map(|k| 1e-6 + 9e-6 * shape(f64::from(k) / 32.0, nu)).collect();
            let p = plasticity(&g).unwrap();
            assert!((p.nonlinearity - nu).abs() < 1e-5 && p.misfit < 1e-7, "{nu}: {p:?}");
            assert!((p.on_off_ratio() - 10.0).abs() < 1e-9);
            let back: Vec<f64> = g.iter().rev().copied().collect();
            assert!(asymmetry(&g, &back) < 1e-12);
        }
        assert!(plasticity(&[1.0, 1.0, 1.0]).is_none());
        assert!(plasticity(&[1.0, f64::NAN, 2.0]).is_none());
    }

    #[test]
    fn paired_pulses() {
        let t = [0.0, 1.0, 1.1, 1.5, 2.0, 2.1, 2.6];
        let y = [0.0, 0.0, -1.0, -0.2, -0.2, -1.7, 0.0];
        assert!((paired_pulse_ratio(&t, &y, 1.0, 2.0, 0.3) - 1.5).abs() < 1e-12);
    }
}
