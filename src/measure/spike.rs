//! Spike trains: what a neuron's output says.

use super::wave::{self, Edge};

/// One spike: a stretch above the threshold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    /// When the signal rose through the threshold, s.
    pub at: f64,
    /// When it fell back through the lower threshold, s; the end of the run if it did not.
    pub until: f64,
    /// Its highest value and when.
    pub peak: f64,
    pub peak_at: f64,
}

impl Spike {
    /// Width between the thresholds, s.
    pub fn width(&self) -> f64 {
        self.until - self.at
    }
}

/// Spikes of a waveform: from a rise through `threshold` to the next fall through `threshold - hysteresis`
/// (`hysteresis` ≥ 0 keeps ripple on an edge from counting twice).
pub fn spikes(time: &[f64], ys: &[f64], threshold: f64, hysteresis: f64) -> Vec<Spike> {
    let shifted = |level: f64| ys.iter().map(|y| y - level).collect::<Vec<_>>();
    let rises = wave::crossings(time, &shifted(threshold), Edge::Rise);
    let falls = wave::crossings(time, &shifted(threshold - hysteresis.max(0.0)), Edge::Fall);
    let end = time.last().copied().unwrap_or(f64::NAN);
    let mut found: Vec<Spike> = vec![];
    let mut next_fall = 0;
    for at in rises {
        if found.last().is_some_and(|s| at < s.until) {
            continue;
        }
        while falls.get(next_fall).is_some_and(|f| *f <= at) {
            next_fall += 1;
        }
        let until = falls.get(next_fall).copied().unwrap_or(end);
        // Only the points of the spike are looked at.
        let lo = time.partition_point(|t| *t < at).saturating_sub(1);
        let hi = time.partition_point(|t| *t <= until).min(time.len()).min(ys.len());
        let (peak_at, peak) =
            wave::extremes(&time[lo.min(hi)..hi], &ys[lo.min(hi)..hi]).map_or((at, f64::NAN), |e| e.1);
        found.push(Spike { at, until, peak, peak_at });
    }
    found
}

/// Figures of a train.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Train {
    pub count: usize,
    /// Reciprocal of the mean interval, Hz; NaN below two spikes.
    pub rate: f64,
    /// Mean interval, s, and its coefficient of variation (0 for a clock, 1 for a Poisson train).
    pub mean_interval: f64,
    pub variation: f64,
    /// Last interval over the first: above 1 where the neuron adapts.
    pub adaptation: f64,
}

/// Interval statistics of spikes.
pub fn train(spikes: &[Spike]) -> Train {
    let intervals: Vec<f64> = spikes.windows(2).map(|w| w[1].at - w[0].at).collect();
    let n = intervals.len() as f64;
    let mean = intervals.iter().sum::<f64>() / n;
    let variance = intervals.iter().map(|i| (i - mean) * (i - mean)).sum::<f64>() / n;
    let adaptation = match (intervals.first(), intervals.last()) {
        (Some(a), Some(b)) => b / a,
        _ => f64::NAN,
    };
    Train { count: spikes.len(), rate: 1.0 / mean, mean_interval: mean, variation: variance.sqrt() / mean, adaptation }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_train_is_counted_and_timed() {
        // Triangles of height 1 at 1, 2, 4 s, half width 0.2 s.
        let (mut t, mut y) = (vec![0.0], vec![0.0]);
        for c in [1.0, 2.0, 4.0] {
            t.extend([c - 0.2, c, c + 0.2]);
            y.extend([0.0, 1.0, 0.0]);
        }
        let s = spikes(&t, &y, 0.5, 0.0);
        assert_eq!(s.len(), 3);
        assert!((s[1].at - 1.9).abs() < 1e-12 && (s[1].width() - 0.2).abs() < 1e-12);
        assert_eq!((s[2].peak, s[2].peak_at), (1.0, 4.0));
        let tr = train(&s);
        assert!((tr.mean_interval - 1.5).abs() < 1e-12 && (tr.variation - 1.0 / 3.0).abs() < 1e-12);
        assert!((tr.adaptation - 2.0).abs() < 1e-12);
    }

    #[test]
    fn ripple_within_the_hysteresis_is_one_spike() {
        let t: Vec<f64> = (0..7).map(f64::from).collect();
        let y = [0.0, 0.6, 0.45, 0.7, 0.6, 0.0, 0.0];
        assert_eq!(spikes(&t, &y, 0.5, 0.0).len(), 2);
        assert_eq!(spikes(&t, &y, 0.5, 0.2).len(), 1);
        assert!(spikes(&t, &[0.0; 7], 0.5, 0.0).is_empty());
        assert!(train(&[]).rate.is_nan());
    }
}
