//! The two number types of a circuit's matrix: real (OP, DC, transient) and complex (AC, noise).

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Mul, MulAssign, Neg, Sub, SubAssign};

use num_complex::Complex64;

/// What the kernels need of a number.
pub trait Scalar:
    Copy
    + Default
    + PartialEq
    + Debug
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + From<f64>
    + 'static
{
    const ZERO: Self;
    const ONE: Self;

    /// |re| + |im|: a magnitude without a square root, within √2 of the modulus. For pivot decisions.
    fn mag(self) -> f64;
    /// Modulus.
    fn modulus(self) -> f64;
    fn recip(self) -> Self;
    fn times(self, s: f64) -> Self;
    fn conj(self) -> Self;
}

impl Scalar for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;

    #[inline(always)]
    fn mag(self) -> f64 {
        self.abs()
    }
    #[inline(always)]
    fn modulus(self) -> f64 {
        self.abs()
    }
    #[inline(always)]
    fn recip(self) -> f64 {
        1.0 / self
    }
    #[inline(always)]
    fn times(self, s: f64) -> f64 {
        self * s
    }
    #[inline(always)]
    fn conj(self) -> f64 {
        self
    }
}

impl Scalar for Complex64 {
    const ZERO: Complex64 = Complex64::new(0.0, 0.0);
    const ONE: Complex64 = Complex64::new(1.0, 0.0);

    #[inline(always)]
    fn mag(self) -> f64 {
        self.re.abs() + self.im.abs()
    }
    #[inline(always)]
    fn modulus(self) -> f64 {
        self.re.hypot(self.im)
    }
    /// Smith's algorithm (R. L. Smith, CACM 5, 1962): no overflow of the squares.
    #[inline]
    fn recip(self) -> Complex64 {
        if self.re.abs() >= self.im.abs() {
            let r = self.im / self.re;
            let d = 1.0 / (self.re + self.im * r);
            Complex64::new(d, -r * d)
        } else {
            let r = self.re / self.im;
            let d = 1.0 / (self.re * r + self.im);
            Complex64::new(r * d, -d)
        }
    }
    #[inline(always)]
    fn times(self, s: f64) -> Complex64 {
        Complex64::new(self.re * s, self.im * s)
    }
    #[inline(always)]
    fn conj(self) -> Complex64 {
        Complex64::new(self.re, -self.im)
    }
}
