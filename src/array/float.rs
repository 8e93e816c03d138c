//! Numbers of either precision: one solver for both.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

use super::rows::{self, Wire};
use super::single;
use pulp::Simd;

/// f64, or f32 where half the memory to move counts for more than the digits.
pub(crate) trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
{
    const ZERO: Self;
    const ONE: Self;
    const INFINITY: Self;
    /// How far a residual may fall before it has to be computed anew: what is left of the digits of the recursion. 0: as
    /// far as it likes.
    const REACH: f64;

    fn of(x: f64) -> Self;
    fn wide(self) -> f64;
    fn abs(self) -> Self;

    /// See [`rows::direct`].
    #[inline(always)]
    fn direct<S: Simd>(
        simd: S,
        z: &mut [Self],
        x: &mut [f64],
        p: &mut [Self],
        lines: (&[Self], &[Self]),
        before: (&[Self], &[Self], Self),
        by: (f64, Self),
    ) -> f64 {
        let _ = simd;
        rows::direct(z, x, p, lines, before, by)
    }

    /// See [`rows::up`].
    #[inline(always)]
    fn up<S: Simd>(
        simd: S,
        q: &mut [Self],
        r: &mut [Self],
        next: &mut [Self],
        p: &[Self],
        lines: (&[Self], &[Self], Self),
        by: (Wire<Self>, Self),
    ) -> f64 {
        let _ = simd;
        rows::up(q, r, next, p, lines, by)
    }
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;
    const INFINITY: f64 = f64::INFINITY;
    const REACH: f64 = 0.0;

    #[inline(always)]
    fn of(x: f64) -> f64 {
        x
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        self
    }

    #[inline(always)]
    fn abs(self) -> f64 {
        f64::abs(self)
    }
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;
    const INFINITY: f32 = f32::INFINITY;
    const REACH: f64 = 1e-4;

    #[inline(always)]
    fn of(x: f64) -> f32 {
        x as f32
    }

    #[inline(always)]
    fn wide(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn abs(self) -> f32 {
        f32::abs(self)
    }

    #[inline(always)]
    fn direct<S: Simd>(
        simd: S,
        z: &mut [f32],
        x: &mut [f64],
        p: &mut [f32],
        lines: (&[f32], &[f32]),
        before: (&[f32], &[f32], f32),
        by: (f64, f32),
    ) -> f64 {
        single::direct(simd, z, x, p, lines, before, by)
    }

    #[inline(always)]
    fn up<S: Simd>(
        simd: S,
        q: &mut [f32],
        r: &mut [f32],
        next: &mut [f32],
        p: &[f32],
        lines: (&[f32], &[f32], f32),
        by: (Wire<f32>, f32),
    ) -> f64 {
        single::up(simd, q, r, next, p, lines, by)
    }
}
