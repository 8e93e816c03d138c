//! Forward-mode dual numbers with N partial derivatives: a device equation written once gives value and Jacobian.

use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dual<const N: usize> {
    pub v: f64,
    pub d: [f64; N],
}

impl<const N: usize> Default for Dual<N> {
    fn default() -> Self {
        Self::constant(0.0)
    }
}

impl<const N: usize> Dual<N> {
    #[inline]
    pub const fn constant(v: f64) -> Self {
        Dual { v, d: [0.0; N] }
    }

    /// The i-th independent variable.
    #[inline]
    pub fn variable(v: f64, i: usize) -> Self {
        let mut d = [0.0; N];
        d[i] = 1.0;
        Dual { v, d }
    }

    /// f(self) by the chain rule, given f and f' at this value.
    #[inline]
    pub fn chain(self, f: f64, df: f64) -> Self {
        Self::with(f, |i| self.d[i] * df)
    }

    #[inline]
    pub fn exp(self) -> Self {
        let e = self.v.exp();
        self.chain(e, e)
    }

    /// exp with a linear continuation; see [`crate::base::smooth::exp_lim`].
    #[inline]
    pub fn exp_lim(self) -> Self {
        let (e, de) = crate::base::smooth::exp_lim(self.v);
        self.chain(e, de)
    }

    #[inline]
    pub fn ln(self) -> Self {
        self.chain(self.v.ln(), 1.0 / self.v)
    }

    #[inline]
    pub fn sqrt(self) -> Self {
        let s = self.v.sqrt();
        self.chain(s, 0.5 / s)
    }

    #[inline]
    pub fn powf(self, p: f64) -> Self {
        let y = self.v.powf(p);
        self.chain(y, p * self.v.powf(p - 1.0))
    }

    #[inline]
    pub fn powi(self, p: i32) -> Self {
        self.chain(self.v.powi(p), f64::from(p) * self.v.powi(p - 1))
    }

    #[inline]
    pub fn sin(self) -> Self {
        self.chain(self.v.sin(), self.v.cos())
    }

    #[inline]
    pub fn cos(self) -> Self {
        self.chain(self.v.cos(), -self.v.sin())
    }

    #[inline]
    pub fn atan(self) -> Self {
        self.chain(self.v.atan(), 1.0 / (1.0 + self.v * self.v))
    }

    #[inline]
    pub fn tanh(self) -> Self {
        let t = self.v.tanh();
        self.chain(t, 1.0 - t * t)
    }

    #[inline]
    pub fn abs(self) -> Self {
        if self.v < 0.0 { -self } else { self }
    }

    #[inline]
    pub fn max(self, o: Self) -> Self {
        if self.v >= o.v { self } else { o }
    }

    #[inline]
    pub fn min(self, o: Self) -> Self {
        if self.v <= o.v { self } else { o }
    }

    #[inline]
    pub fn recip(self) -> Self {
        let r = 1.0 / self.v;
        self.chain(r, -r * r)
    }
}

macro_rules! arithmetic {
    ($op:ident, $f:ident, |$a:ident, $b:ident| $both:expr, $dual_real:expr, $real_dual:expr) => {
        // Product and quotient rule need other operators than their own.
        #[allow(clippy::suspicious_arithmetic_impl)]
        impl<const N: usize> $op for Dual<N> {
            type Output = Self;
            #[inline]
            fn $f(self, o: Self) -> Self {
                let ($a, $b) = (self, o);
                $both
            }
        }
        // A constant has no derivatives to carry along, and the compiler may not drop `0 * x` by itself.
        impl<const N: usize> $op<f64> for Dual<N> {
            type Output = Self;
            #[inline]
            fn $f(self, o: f64) -> Self {
                let ($a, $b) = (self, o);
                $dual_real
            }
        }
        impl<const N: usize> $op<Dual<N>> for f64 {
            type Output = Dual<N>;
            #[inline]
            fn $f(self, o: Dual<N>) -> Dual<N> {
                let ($a, $b) = (self, o);
                $real_dual
            }
        }
    };
}

impl<const N: usize> Dual<N> {
    #[inline]
    fn with(v: f64, d: impl Fn(usize) -> f64) -> Self {
        let mut r = Self::constant(v);
        for (i, r) in r.d.iter_mut().enumerate() {
            *r = d(i);
        }
        r
    }
}

arithmetic!(
    Add,
    add,
    |a, b| Dual::with(a.v + b.v, |i| a.d[i] + b.d[i]),
    Dual { v: a.v + b, d: a.d },
    Dual { v: a + b.v, d: b.d }
);
arithmetic!(
    Sub,
    sub,
    |a, b| Dual::with(a.v - b.v, |i| a.d[i] - b.d[i]),
    Dual { v: a.v - b, d: a.d },
    Dual::with(a - b.v, |i| -b.d[i])
);
arithmetic!(
    Mul,
    mul,
    |a, b| Dual::with(a.v * b.v, |i| a.d[i] * b.v + a.v * b.d[i]),
    Dual::with(a.v * b, |i| a.d[i] * b),
    Dual::with(a * b.v, |i| a * b.d[i])
);
arithmetic!(
    Div,
    div,
    |a, b| {
        let (v, r) = (a.v / b.v, 1.0 / b.v);
        Dual::with(v, |i| (a.d[i] - v * b.d[i]) * r)
    },
    {
        let r = 1.0 / b;
        Dual::with(a.v / b, |i| a.d[i] * r)
    },
    {
        let (v, r) = (a / b.v, 1.0 / b.v);
        Dual::with(v, |i| -v * r * b.d[i])
    }
);

impl<const N: usize> Neg for Dual<N> {
    type Output = Self;
    #[inline]
    fn neg(self) -> Self {
        Self::with(-self.v, |i| -self.d[i])
    }
}

impl<const N: usize> AddAssign for Dual<N> {
    #[inline]
    fn add_assign(&mut self, o: Self) {
        *self = *self + o;
    }
}

impl<const N: usize> SubAssign for Dual<N> {
    #[inline]
    fn sub_assign(&mut self, o: Self) {
        *self = *self - o;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_match_differences() {
        let f = |x: Dual<2>, y: Dual<2>| (x * y).exp() / (1.0 + y.powi(2)).sqrt() - x.ln() * y.tanh() + (x / y).atan();
        let at = |a: f64, b: f64| f(Dual::constant(a), Dual::constant(b)).v;
        let r = f(Dual::variable(0.7, 0), Dual::variable(1.3, 1));
        let h = 1e-6;
        assert!((r.d[0] - (at(0.7 + h, 1.3) - at(0.7 - h, 1.3)) / (2.0 * h)).abs() < 1e-8);
        assert!((r.d[1] - (at(0.7, 1.3 + h) - at(0.7, 1.3 - h)) / (2.0 * h)).abs() < 1e-8);
    }
}
