//! What quantities were at accepted points, for devices that delay them.
//!
//! Between points they are interpolated by a parabola through three points on the same side of a corner, but by a straight
//! line where there is no such third point. A corner is a change of slope that is large against the slopes and against the
//! bend of the quantity before it, since what is smooth bends evenly from step to step and a corner all at once. It is seen
//! when the following point is accepted, and makes an echo one delay later, which is stepped on exactly, as the corners
//! are that the echo makes in turn.

use std::collections::VecDeque;

/// A change of slope by more than this fraction of the slopes, times the sensitivity, may be a corner,
const CORNER: f64 = 0.1;
/// if it is this many times what the wave's bend explains,
const BEND: f64 = 5.0;
/// and if within the shorter of the steps on either side it moves the wave by this part of its size. Steps shorten at
/// corners until they are seen well (the first after a corner is the twentieth part of the way to the next), so this need only
/// stay above what Newton's method leaves of an error.
const VISIBLE: f64 = 1e-4;
/// A step's chord over the wave that arrives meanwhile stays this close to it, as a part of its size.
const CHORD: f64 = 3e-4;

/// The quantities at an accepted point.
#[derive(Clone, Copy, Debug)]
struct Sample<const N: usize> {
    t: f64,
    wave: [f64; N],
    /// The slope changes here.
    is_corner: bool,
}

/// `N` quantities at accepted points, as far back as the delay reaches.
#[derive(Clone, Debug)]
pub struct History<const N: usize> {
    points: VecDeque<Sample<N>>,
    /// Times of corners whose echoes are to come, in order.
    corners: VecDeque<f64>,
    /// Factor on the change of slope that counts as a corner.
    sensitivity: f64,
}

impl<const N: usize> History<N> {
    pub fn new(sensitivity: f64) -> Self {
        History { points: VecDeque::new(), corners: VecDeque::new(), sensitivity }
    }

    /// Time of the newest point.
    pub fn last(&self) -> Option<f64> {
        self.points.back().map(|s| s.t)
    }

    /// Quantity k at the newest point.
    pub fn newest(&self, k: usize) -> f64 {
        self.points.back().map_or(0.0, |s| s.wave[k])
    }

    /// Quantity k at time t; before the first point it is what it was there, after the newest what it is.
    pub fn at(&self, k: usize, t: f64) -> f64 {
        let h = &self.points;
        let j = h.partition_point(|s| s.t <= t);
        let Some(before) = j.checked_sub(1).and_then(|j| h.get(j)) else {
            return h.front().map_or(0.0, |s| s.wave[k]);
        };
        let Some(after) = h.get(j) else { return before.wave[k] };
        let (t1, t2, y1, y2) = (before.t, after.t, before.wave[k], after.wave[k]);
        let slope = (y2 - y1) / (t2 - t1);
        let line = y1 + slope * (t - t1);
        // A third point on a side without a corner: the earlier one if it is there, else the later.
        let third = if !before.is_corner && j >= 2 {
            h.get(j - 2)
        } else if !after.is_corner {
            h.get(j + 1)
        } else {
            None
        };
        let Some(third) = third else { return line };
        // Newton's form: second divided difference over the three points.
        let bend = ((third.wave[k] - y1) / (third.t - t1) - slope) / (third.t - t2);
        if bend.is_finite() { line + bend * (t - t1) * (t - t2) } else { line }
    }

    /// How fast quantity k changes at time t, by the two points around it; 0 outside.
    pub fn slope(&self, k: usize, t: f64) -> f64 {
        let h = &self.points;
        let j = h.partition_point(|s| s.t <= t).min(h.len().saturating_sub(1));
        match (j.checked_sub(1).and_then(|j| h.get(j)), h.get(j)) {
            (Some(a), Some(b)) if b.t > a.t => (b.wave[k] - a.wave[k]) / (b.t - a.t),
            _ => 0.0,
        }
    }

    /// Whether the newest point turns out to be a corner when (t, wave) follows it.
    fn is_corner(&self, t: f64, wave: [f64; N]) -> bool {
        let h = &self.points;
        let n = h.len();
        let (a, b) = (h[n - 2], h[n - 1]);
        let slope = |k: usize, p: &Sample<N>, q: &Sample<N>| (q.wave[k] - p.wave[k]) / (q.t - p.t);
        (0..N).any(|k| {
            let (left, right) = (slope(k, &a, &b), (wave[k] - b.wave[k]) / (t - b.t));
            let change = (right - left).abs();
            // What the bend of the wave so far would make of the change here; a bend across a corner says nothing.
            let expected = match n.checked_sub(3).and_then(|j| h.get(j)) {
                Some(before) if !a.is_corner => (left - slope(k, before, &a)).abs() * (t - a.t) / (b.t - before.t),
                _ => 0.0,
            };
            let size = h.iter().fold(wave[k].abs(), |m, s| m.max(s.wave[k].abs()));
            change > CORNER * self.sensitivity * left.abs().max(right.abs())
                && change > BEND * expected
                && change * (t - b.t).min(b.t - a.t) > VISIBLE * size + 1e-12
        })
    }

    /// How far beyond `t` a straight line follows what arrives after the delay `td`; `None`: as far as it is known.
    pub fn straight(&self, t: f64, td: f64) -> Option<f64> {
        let from = t - td;
        let first = self.points.partition_point(|s| s.t <= from);
        let mut longest: Option<f64> = None;
        for k in 0..N {
            let start = self.at(k, from);
            let known = || self.points.iter().skip(first);
            let allowed = CHORD * known().fold(start.abs(), |m, s| m.max(s.wave[k].abs()));
            // Slopes of the chords that pass all points so far closely enough.
            let (mut least, mut most) = (f64::NEG_INFINITY, f64::INFINITY);
            let mut end = 0.0;
            for s in known() {
                let (dt, rise) = (s.t - from, s.wave[k] - start);
                if end > 0.0 && !(least..=most).contains(&(rise / dt)) {
                    longest = Some(longest.map_or(end, |l| l.min(end)));
                    break;
                }
                least = least.max((rise - allowed) / dt);
                most = most.min((rise + allowed) / dt);
                end = dt;
            }
        }
        longest
    }

    /// Forgets everything; the quantities have always been what they are now.
    pub fn restart(&mut self, t: f64, wave: [f64; N]) {
        self.points.clear();
        self.corners.clear();
        self.points.push_back(Sample { t, wave, is_corner: true });
    }

    /// Adds an accepted point; what is older than the delay `td` is let go.
    pub fn accept(&mut self, t: f64, wave: [f64; N], td: f64) {
        let n = self.points.len();
        if n >= 2 {
            let b = self.points[n - 1];
            if self.is_corner(t, wave) {
                self.points[n - 1].is_corner = true;
                self.corners.push_back(b.t);
            }
        } else if n == 1 && self.points[0].wave.iter().zip(&wave).any(|(a, b)| a != b) {
            // The start of the transient is a corner if anything moves from it.
            let start = self.points[0].t;
            self.corners.push_back(start);
        }
        self.points.push_back(Sample { t, wave, is_corner: false });
        // Keep two points before the oldest that can still be asked for.
        while self.points.len() > 3 && self.points[2].t < t - td {
            self.points.pop_front();
        }
    }

    /// When the next corner arrives after the time t.
    pub fn next_echo(&mut self, t: f64, td: f64) -> Option<f64> {
        let limit = t + 4.0 * f64::EPSILON * t.abs();
        while self.corners.front().is_some_and(|c| c + td <= limit) {
            self.corners.pop_front();
        }
        self.corners.front().map(|c| c + td)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smooth_parts_are_parabolas_and_corners_stay_sharp() {
        let mut h = History::<1>::new(1.0);
        h.restart(0.0, [0.0]);
        // Flat until 1, then a ramp.
        for k in 1..=20 {
            let t = 0.1 * f64::from(k);
            h.accept(t, [(t - 1.0).max(0.0)], 5.0);
        }
        assert!((h.at(0, 1.25) - 0.25).abs() < 1e-12 && h.at(0, 0.95).abs() < 1e-12);
        let echo = h.next_echo(2.0, 5.0).unwrap();
        assert!((echo - 6.0).abs() < 1e-12, "{echo}");
        assert!((h.slope(0, 1.55) - 1.0).abs() < 1e-12);
        // Steps that see the bend well: slopes change by less than a tenth from one to the next.
        let mut q = History::<1>::new(1.0);
        q.restart(20.0, [400.0]);
        (21..=30).for_each(|k| q.accept(f64::from(k), [f64::from(k * k)], 100.0));
        assert!((q.at(0, 26.5) - 702.25).abs() < 1e-9, "{}", q.at(0, 26.5));
    }
}
