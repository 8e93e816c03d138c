//! exp, ln and powers of four numbers: the formulas of `base::fastmath`, operation by operation, so that the bits are the same.

use super::steps::{Compare, Step, Steps, Two, V};
use crate::base::fastmath::{
    BIAS, BIAS_SUBNORMAL, EXP, HIGHEST, LARGEST_EXPONENT, LN, LN_MORE, LN2_HI, LN2_LO, LOWEST, MANTISSA, ONE, ROUND,
    SQRT_HALF, TWO_52, TWO_54, TWO_THIRDS_REST,
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

    /// a b + c, or -a b + c, or a b - c
    fn fused(&mut self, a: V, b: V, c: V, negates_product: bool, negates_addend: bool) -> V {
        let d = self.fresh();
        self.list.push(Step::Fma { d, a, b, c, negates_product, negates_addend });
        d
    }

    /// What a product that was rounded to p lost.
    fn lost(&mut self, a: V, b: V, p: V) -> V {
        self.fused(a, b, p, false, true)
    }

    pub fn exp(&mut self, x: V) -> V {
        self.exp_sum(x, None)
    }

    fn exp_sum(&mut self, x: V, rest: Option<V>) -> V {
        let (is_high, highest) = (self.compared(Compare::Greater, x, HIGHEST), self.constant(HIGHEST));
        let x = self.blend(is_high, highest, x);
        let (is_low, lowest) = (self.compared(Compare::Less, x, LOWEST), self.constant(LOWEST));
        let x = self.blend(is_low, lowest, x);
        let t = self.scaled(x, std::f64::consts::LOG2_E);
        let k = self.shifted(t, ROUND);
        let k = self.less(k, ROUND);
        let (t, lo) = (self.scaled(k, LN2_HI), self.scaled(k, LN2_LO));
        let lo = rest.map_or(lo, |rest| self.sub(lo, rest));
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

    /// Where a power is not for [`Steps::pow`].
    pub fn is_special_power(&mut self, x: V, y: V) -> V {
        let is_normal = self.compared(Compare::GreaterOrEqual, x, f64::MIN_POSITIVE);
        let is_finite = self.compared(Compare::Less, x, f64::INFINITY);
        let whole = self.fresh();
        self.list.push(Step::Round(whole, y, false));
        let is_broken = self.compare(Compare::NotEqual, whole, y);
        let is_low = self.compared(Compare::Less, y, LARGEST_EXPONENT);
        let is_high = self.compared(Compare::Greater, y, -LARGEST_EXPONENT);
        let mut all = is_normal;
        for one in [is_finite, is_broken, is_low, is_high] {
            all = self.two(Two::And, all, one);
        }
        self.word(Two::Xor, all, u64::MAX)
    }

    pub fn pow(&mut self, x: V, y: V) -> V {
        let bits = self.word(Two::AddInt, x, ONE.wrapping_sub(SQRT_HALF));
        let k = self.moved(bits, false, 52);
        let k = self.word(Two::Or, k, TWO_52);
        let k = self.less(k, BIAS);
        let f = self.word(Two::And, bits, MANTISSA);
        let f = self.word(Two::AddInt, f, SQRT_HALF);
        let f = self.less(f, 1.0);
        let d = self.shifted(f, 2.0);
        let d_lo = self.less(d, 2.0);
        let d_lo = self.sub(f, d_lo);
        let one = self.constant(1.0);
        let inverse = self.two(Two::Div, one, d);
        let s = self.mul(f, inverse);
        let r = self.fused(s, d, f, true, false);
        let r = self.fused(s, d_lo, r, true, false);
        let s_lo = self.mul(r, inverse);
        let z = self.mul(s, s);
        let two_s = self.add(s, s);
        let (a, b) = (self.lost(s, s, z), self.mul(two_s, s_lo));
        let z_lo = self.add(a, b);
        let [[c, c5], [c7, c9], [c11, c13], [c15, c17], [c19, c21]] = LN;
        let z2 = self.mul(z, z);
        let z4 = self.mul(z2, z2);
        let [p5, p9, p13, p17] = [(c5, c7), (c9, c11), (c13, c15), (c17, c19)].map(|(a, b)| self.line(a, z, b));
        let (a, b) = (self.line(c21, z, LN_MORE[0]), self.scaled(z2, LN_MORE[1]));
        let p21 = self.add(a, b);
        let a = self.mul(z2, p9);
        let a = self.add(p5, a);
        let b = self.mul(z2, p17);
        let b = self.add(p13, b);
        let e = self.mul(z4, p21);
        let b = self.add(b, e);
        let b = self.mul(z4, b);
        let tail = self.add(a, b);
        let tail = self.mul(z2, tail);
        let t = self.scaled(z, c);
        let c_v = self.constant(c);
        let lost = self.lost(z, c_v, t);
        let (a, b) = (self.scaled(z, TWO_THIRDS_REST), self.scaled(z_lo, c));
        let rest = self.add(a, b);
        let t_lo = self.add(lost, rest);
        let u = self.add(t, tail);
        let a = self.sub(u, t);
        let a = self.sub(tail, a);
        let u_lo = self.add(a, t_lo);
        let v = self.mul(s, u);
        let lost = self.lost(s, u, v);
        let (a, b) = (self.mul(s, u_lo), self.mul(s_lo, u));
        let a = self.add(a, b);
        let v_lo = self.add(lost, a);
        let m = self.add(two_s, v);
        let a = self.sub(m, two_s);
        let a = self.sub(v, a);
        let b = self.add(s_lo, s_lo);
        let b = self.add(v_lo, b);
        let m_lo = self.add(a, b);
        let whole = self.scaled(k, LN2_HI);
        let h = self.add(whole, m);
        let a = self.sub(h, whole);
        let a = self.sub(m, a);
        let b = self.scaled(k, LN2_LO);
        let b = self.add(b, m_lo);
        let h_lo = self.add(a, b);
        let l = self.add(h, h_lo);
        let a = self.sub(l, h);
        let l_lo = self.sub(h_lo, a);
        let e = self.mul(y, l);
        let (a, b) = (self.lost(y, l, e), self.mul(y, l_lo));
        let e_lo = self.add(a, b);
        self.exp_sum(e, Some(e_lo))
    }
}
