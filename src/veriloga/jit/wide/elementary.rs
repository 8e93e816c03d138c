//! exp and ln of four numbers: the formulas of `base::fastmath`, operation by operation, so that the bits are the same.

use super::steps::{Compare, Step, Steps, Two, V};
use crate::base::fastmath::{
    BIAS, BIAS_SUBNORMAL, EXP, HIGHEST, LN, LN2_HI, LN2_LO, LOWEST, MANTISSA, ONE, ROUND, SQRT_HALF, TWO_52, TWO_54,
};

impl Steps {
    fn add(&mut self, x: V, y: V) -> V {
        self.two(Two::Add, x, y)
    }

    fn sub(&mut self, x: V, y: V) -> V {
        self.two(Two::Sub, x, y)
    }

    fn mul(&mut self, x: V, y: V) -> V {
        self.two(Two::Mul, x, y)
    }

    fn scaled(&mut self, x: V, k: f64) -> V {
        let k = self.constant(k);
        self.mul(x, k)
    }

    fn shifted(&mut self, x: V, k: f64) -> V {
        let k = self.constant(k);
        self.add(x, k)
    }

    fn less(&mut self, x: V, k: f64) -> V {
        let k = self.constant(k);
        self.sub(x, k)
    }

    /// a + x b
    fn line(&mut self, a: f64, x: V, b: f64) -> V {
        let p = self.scaled(x, b);
        self.shifted(p, a)
    }

    fn compared(&mut self, how: Compare, x: V, limit: f64) -> V {
        let limit = self.constant(limit);
        self.compare(how, x, limit)
    }

    fn moved(&mut self, a: V, is_left: bool, by: u8) -> V {
        let d = self.fresh();
        self.list.push(Step::Shift { d, a, is_left, by });
        d
    }

    fn word(&mut self, op: Two, x: V, bits: u64) -> V {
        let k = self.constant_bits(bits);
        self.two(op, x, k)
    }

    /// 2^k for the integers k that `ROUND + k` holds.
    fn power_of_two(&mut self, rounded: V) -> V {
        let sum = self.word(Two::AddInt, rounded, 1023);
        self.moved(sum, true, 52)
    }

    pub fn exp(&mut self, x: V) -> V {
        let (is_high, highest) = (self.compared(Compare::Greater, x, HIGHEST), self.constant(HIGHEST));
        let x = self.blend(is_high, highest, x);
        let (is_low, lowest) = (self.compared(Compare::Less, x, LOWEST), self.constant(LOWEST));
        let x = self.blend(is_low, lowest, x);
        let t = self.scaled(x, std::f64::consts::LOG2_E);
        let k = self.shifted(t, ROUND);
        let k = self.less(k, ROUND);
        let (t, lo) = (self.scaled(k, LN2_HI), self.scaled(k, LN2_LO));
        let hi = self.sub(x, t);
        let r = self.sub(hi, lo);
        let r2 = self.mul(r, r);
        let r4 = self.mul(r2, r2);
        let [p01, p23, p45, p67, p89, pab] = EXP.map(|[a, b]| self.line(a, r, b));
        let a = self.mul(r2, p45);
        let a = self.add(p23, a);
        let b = self.mul(r2, p89);
        let b = self.add(p67, b);
        let c = self.mul(r4, pab);
        let b = self.add(b, c);
        let b = self.mul(r4, b);
        let high = self.add(a, b);
        let p = self.mul(r2, high);
        let p = self.add(p01, p);
        let e = self.mul(r2, p);
        let e = self.sub(e, lo);
        let e = self.add(hi, e);
        let e = self.shifted(e, 1.0);
        let half = self.scaled(k, 0.5);
        let half = self.shifted(half, ROUND);
        let whole = self.less(half, ROUND);
        let rest = self.sub(k, whole);
        let rest = self.shifted(rest, ROUND);
        let (s, t) = (self.power_of_two(half), self.power_of_two(rest));
        let e = self.mul(e, s);
        self.mul(e, t)
    }

    pub fn ln(&mut self, x: V) -> V {
        let is_small = self.compared(Compare::Less, x, f64::MIN_POSITIVE);
        let large = self.scaled(x, TWO_54);
        let y = self.blend(is_small, large, x);
        let (a, b) = (self.constant(BIAS_SUBNORMAL), self.constant(BIAS));
        let bias = self.blend(is_small, a, b);
        let bits = self.word(Two::AddInt, y, ONE.wrapping_sub(SQRT_HALF));
        let k = self.moved(bits, false, 52);
        let k = self.word(Two::Or, k, TWO_52);
        let k = self.sub(k, bias);
        let f = self.word(Two::And, bits, MANTISSA);
        let f = self.word(Two::AddInt, f, SQRT_HALF);
        let f = self.less(f, 1.0);
        let below = self.shifted(f, 2.0);
        let s = self.two(Two::Div, f, below);
        let z = self.mul(s, s);
        let z2 = self.mul(z, z);
        let z4 = self.mul(z2, z2);
        let [p01, p23, p45, p67, p89] = LN.map(|[a, b]| self.line(a, z, b));
        let a = self.mul(z2, p23);
        let a = self.add(p01, a);
        let b = self.mul(z2, p67);
        let b = self.add(p45, b);
        let c = self.mul(z4, p89);
        let b = self.add(b, c);
        let b = self.mul(z4, b);
        let r = self.add(a, b);
        let r = self.mul(z, r);
        let half = self.scaled(f, 0.5);
        let half = self.mul(half, f);
        let (hi, lo) = (self.scaled(k, LN2_HI), self.scaled(k, LN2_LO));
        let t = self.add(half, r);
        let t = self.mul(s, t);
        let t = self.add(t, lo);
        let t = self.sub(half, t);
        let t = self.sub(t, f);
        let l = self.sub(hi, t);
        let (is_positive, nan) = (self.compared(Compare::Greater, x, 0.0), self.constant(f64::NAN));
        let l = self.blend(is_positive, l, nan);
        let (is_zero, least) = (self.compared(Compare::Equal, x, 0.0), self.constant(f64::NEG_INFINITY));
        let l = self.blend(is_zero, least, l);
        let is_finite = self.compared(Compare::Less, x, f64::INFINITY);
        self.blend(is_finite, l, x)
    }
}
