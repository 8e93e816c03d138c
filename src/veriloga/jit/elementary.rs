//! exp and ln of two numbers, inline: the formulas of `base::fastmath`, operation by operation, so that the bits are the
//! same.

use cranelift_codegen::ir::condcodes::FloatCC;
use cranelift_codegen::ir::{InstBuilder, Value, types};

use super::codegen::Gen;
use crate::base::fastmath::{
    BIAS, BIAS_SUBNORMAL, EXP, HIGHEST, LN, LN2_HI, LN2_LO, LOWEST, MANTISSA, ONE, ROUND, SQRT_HALF, TWO_52, TWO_54,
};

impl Gen<'_, '_> {
    fn add(&mut self, x: Value, y: Value) -> Value {
        self.b.ins().fadd(x, y)
    }

    fn sub(&mut self, x: Value, y: Value) -> Value {
        self.b.ins().fsub(x, y)
    }

    fn mul(&mut self, x: Value, y: Value) -> Value {
        self.b.ins().fmul(x, y)
    }

    fn scaled(&mut self, x: Value, k: f64) -> Value {
        let k = self.constant(k);
        self.mul(x, k)
    }

    fn shifted(&mut self, x: Value, k: f64) -> Value {
        let k = self.constant(k);
        self.add(x, k)
    }

    /// a + x b
    fn line(&mut self, a: f64, x: Value, b: f64) -> Value {
        let (a, p) = (self.constant(a), self.scaled(x, b));
        self.add(a, p)
    }

    fn rounded(&mut self, x: Value) -> Value {
        let (x, round) = (self.shifted(x, ROUND), self.constant(ROUND));
        self.sub(x, round)
    }

    fn compared(&mut self, how: FloatCC, x: Value, limit: f64) -> Value {
        let limit = self.constant(limit);
        self.b.ins().fcmp(how, x, limit)
    }

    /// 2^k for the integers k that `ROUND + k` holds.
    fn power_of_two(&mut self, rounded: Value) -> Value {
        let (bits, bias) = (self.as_bits(rounded), self.constant_bits(types::I64X2, 1023));
        let sum = self.b.ins().iadd(bits, bias);
        let by = self.b.ins().iconst(types::I32, 52);
        let x = self.b.ins().ishl(sum, by);
        self.as_reals(x)
    }

    pub fn exp(&mut self, x: Value) -> Value {
        let (is_high, highest) = (self.compared(FloatCC::GreaterThan, x, HIGHEST), self.constant(HIGHEST));
        let x = self.blend(is_high, highest, x);
        let (is_low, lowest) = (self.compared(FloatCC::LessThan, x, LOWEST), self.constant(LOWEST));
        let x = self.blend(is_low, lowest, x);
        let t = self.scaled(x, std::f64::consts::LOG2_E);
        let k = self.rounded(t);
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
        let round = self.constant(ROUND);
        let whole = self.sub(half, round);
        let rest = self.sub(k, whole);
        let rest = self.shifted(rest, ROUND);
        let (s, t) = (self.power_of_two(half), self.power_of_two(rest));
        let e = self.mul(e, s);
        self.mul(e, t)
    }

    pub fn ln(&mut self, x: Value) -> Value {
        let is_small = self.compared(FloatCC::LessThan, x, f64::MIN_POSITIVE);
        let large = self.scaled(x, TWO_54);
        let y = self.blend(is_small, large, x);
        let (a, b) = (self.constant(BIAS_SUBNORMAL), self.constant(BIAS));
        let bias = self.blend(is_small, a, b);
        let word = |g: &mut Self, k: u64| g.constant_bits(types::I64X2, k);
        let (bits, offset) = (self.as_bits(y), word(self, ONE.wrapping_sub(SQRT_HALF)));
        let bits = self.b.ins().iadd(bits, offset);
        let by = self.b.ins().iconst(types::I32, 52);
        let k = self.b.ins().ushr(bits, by);
        let two_52 = word(self, TWO_52);
        let k = self.b.ins().bor(k, two_52);
        let k = self.as_reals(k);
        let k = self.sub(k, bias);
        let mask = word(self, MANTISSA);
        let f = self.b.ins().band(bits, mask);
        let sqrt_half = word(self, SQRT_HALF);
        let f = self.b.ins().iadd(f, sqrt_half);
        let f = self.as_reals(f);
        let one = self.constant(1.0);
        let f = self.sub(f, one);
        let below = self.shifted(f, 2.0);
        let s = self.b.ins().fdiv(f, below);
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
        let (is_positive, nan) = (self.compared(FloatCC::GreaterThan, x, 0.0), self.constant(f64::NAN));
        let l = self.blend(is_positive, l, nan);
        let (is_zero, least) = (self.compared(FloatCC::Equal, x, 0.0), self.constant(f64::NEG_INFINITY));
        let l = self.blend(is_zero, least, l);
        let is_finite = self.compared(FloatCC::LessThan, x, f64::INFINITY);
        self.blend(is_finite, l, x)
    }
}
