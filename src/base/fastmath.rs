//! exp, ln and powers that a loop over many numbers turns into vector instructions: no table, no call, no branch. At most
//! 1 ulp off (tested to 1.1 over the whole range, powers to 1.25), and the same bits on every machine, in every lane and
//! at every loop length.
//!
//! ```text
//! exp(x) = 2^k exp(r),   k = round(x/ln 2),  r = x - k ln 2 in two pieces, |r| <= 0.347
//!          exp(r) = 1 + r + r² (1/2! + r/3! + ... + r^11/13!)                         remainder 4e-18
//! ln(x)  = k ln 2 + ln(1 + f),   1 + f in [sqrt ½, sqrt 2),  s = f/(2 + f)
//!          ln(1 + f) = f - f²/2 + s (f²/2 + s² (2/3 + 2/5 s² + ... + 2/21 s^18))      remainder 6e-19
//! x^y    = exp(y ln x), with ln(1 + f) = 2 s + s³ (2/3 + 2/5 s² + ...) and the product as sums of two numbers each
//! ```
//! Cody and Waite, "Software Manual for the Elementary Functions" (1980). Integers travel in the low bits of doubles near
//! 1.5·2^52, because vector units convert between the two badly.

use std::f64::consts::LOG2_E;

/// The 33 leading bits of ln 2, so that `k * LN2_HI` is exact, and the rest.
pub const LN2_HI: f64 = f64::from_bits(0x3FE6_2E42_FEE0_0000);
pub const LN2_LO: f64 = f64::from_bits(0x3DEA_39EF_3579_3C76);
/// 1.5·2^52: a small number added to it is rounded to an integer, which its low bits then hold in two's complement.
pub const ROUND: f64 = f64::from_bits(0x4338_0000_0000_0000);
/// Beyond these, exp is infinite and zero.
pub const HIGHEST: f64 = 710.0;
pub const LOWEST: f64 = -746.0;
/// 1/n! from n = 2 on, in pairs.
pub const EXP: [[f64; 2]; 6] = [
    [0.5, 1.0 / 6.0],
    [1.0 / 24.0, 1.0 / 120.0],
    [1.0 / 720.0, 1.0 / 5040.0],
    [1.0 / 40320.0, 1.0 / 362_880.0],
    [1.0 / 3_628_800.0, 1.0 / 39_916_800.0],
    [1.0 / 479_001_600.0, 1.0 / 6_227_020_800.0],
];
/// 2/n for odd n from 3 on, in pairs.
pub const LN: [[f64; 2]; 5] = [
    [2.0 / 3.0, 2.0 / 5.0],
    [2.0 / 7.0, 2.0 / 9.0],
    [2.0 / 11.0, 2.0 / 13.0],
    [2.0 / 15.0, 2.0 / 17.0],
    [2.0 / 19.0, 2.0 / 21.0],
];
/// Bits of sqrt ½, 1, 2^52; the mantissa's.
pub const SQRT_HALF: u64 = 0x3FE6_A09E_667F_3BCD;
pub const ONE: u64 = 0x3FF0_0000_0000_0000;
pub const TWO_52: u64 = 0x4330_0000_0000_0000;
pub const MANTISSA: u64 = 0x000F_FFFF_FFFF_FFFF;
/// Two more, where the logarithm is to be better than a number can hold.
pub const LN_MORE: [f64; 2] = [2.0 / 23.0, 2.0 / 25.0];
/// 2/3 is the first of `LN` and this.
pub const TWO_THIRDS_REST: f64 = 3.700_743_415_417_188e-17;
/// Powers of exponents beyond this are not for [`pow`].
pub const LARGEST_EXPONENT: f64 = 1e9;
pub const TWO_54: f64 = 18_014_398_509_481_984.0;
/// 2^52 + 1023, and 54 more for numbers that were multiplied by 2^54.
pub const BIAS: f64 = 4_503_599_627_371_519.0;
pub const BIAS_SUBNORMAL: f64 = 4_503_599_627_371_573.0;

/// 2^k for the integer k that `ROUND + k` holds, -1022 <= k <= 1023.
#[inline(always)]
fn power_of_two(rounded: f64) -> f64 {
    f64::from_bits(rounded.to_bits().wrapping_add(1023) << 52)
}

/// exp(x) to 1 ulp.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    exp_sum(x, 0.0)
}

/// exp(x + rest), where the rest is below the last place of x.
#[inline(always)]
fn exp_sum(x: f64, rest: f64) -> f64 {
    // Not min and max: NaN must come through.
    let x = if x > HIGHEST { HIGHEST } else { x };
    let x = if x < LOWEST { LOWEST } else { x };
    let k = (x * LOG2_E + ROUND) - ROUND;
    let (hi, lo) = (x - k * LN2_HI, k * LN2_LO - rest);
    let r = hi - lo;
    let r2 = r * r;
    let r4 = r2 * r2;
    // Estrin's scheme; the pair that counts last, so that its rounding is the only one that is seen.
    let [p01, p23, p45, p67, p89, pab] = EXP.map(|[a, b]| a + r * b);
    let high = (p23 + r2 * p45) + r4 * ((p67 + r2 * p89) + r4 * pab);
    let p = p01 + r2 * high;
    let e = 1.0 + (hi + (r2 * p - lo));
    // In two steps, since 2^k alone may be out of range; the second rounds if the result is subnormal.
    let half = k * 0.5 + ROUND;
    let rest = (k - (half - ROUND)) + ROUND;
    e * power_of_two(half) * power_of_two(rest)
}

/// ln(x) to 1 ulp; -∞ at 0, NaN below.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    let is_small = x < f64::MIN_POSITIVE;
    let y = if is_small { x * TWO_54 } else { x };
    let bias = if is_small { BIAS_SUBNORMAL } else { BIAS };
    let bits = y.to_bits().wrapping_add(ONE - SQRT_HALF);
    let k = f64::from_bits((bits >> 52) | TWO_52) - bias;
    let f = f64::from_bits((bits & MANTISSA) + SQRT_HALF) - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let z2 = z * z;
    let z4 = z2 * z2;
    let [p01, p23, p45, p67, p89] = LN.map(|[a, b]| a + z * b);
    let r = z * ((p01 + z2 * p23) + z4 * ((p45 + z2 * p67) + z4 * p89));
    let half = 0.5 * f * f;
    let l = k * LN2_HI - ((half - (s * (half + r) + k * LN2_LO)) - f);
    // What the bits cannot know: 0, negative numbers, infinity and NaN.
    let l = if x > 0.0 { l } else { f64::NAN };
    let l = if x == 0.0 { f64::NEG_INFINITY } else { l };
    if x < f64::INFINITY { l } else { x }
}

/// Is [`pow`] made for this? Other bases are special; whole exponents have results that are exact or nearly so.
#[inline(always)]
pub fn is_plain_power(x: f64, y: f64) -> bool {
    let is_base = (f64::MIN_POSITIVE..f64::INFINITY).contains(&x);
    is_base && y.floor() != y && y < LARGEST_EXPONENT && y > -LARGEST_EXPONENT
}

/// x^y to 1.25 ulp, where [`is_plain_power`].
#[inline(always)]
pub fn pow(x: f64, y: f64) -> f64 {
    let bits = x.to_bits().wrapping_add(ONE - SQRT_HALF);
    let k = f64::from_bits((bits >> 52) | TWO_52) - BIAS;
    let f = f64::from_bits((bits & MANTISSA) + SQRT_HALF) - 1.0;
    // s + s_lo = f/(2 + f)
    let d = 2.0 + f;
    let d_lo = f - (d - 2.0);
    let inverse = 1.0 / d;
    let s = f * inverse;
    let s_lo = (-s).mul_add(d_lo, (-s).mul_add(d, f)) * inverse;
    // z + z_lo = s²
    let z = s * s;
    let z_lo = s.mul_add(s, -z) + (s + s) * s_lo;
    // u + u_lo = 2/3 s² + 2/5 s^4 + ...
    let [[c, c5], [c7, c9], [c11, c13], [c15, c17], [c19, c21]] = LN;
    let z2 = z * z;
    let z4 = z2 * z2;
    let (p5, p9) = (c5 + z * c7, c9 + z * c11);
    let (p13, p17) = (c13 + z * c15, c17 + z * c19);
    let p21 = (c21 + z * LN_MORE[0]) + z2 * LN_MORE[1];
    let tail = z2 * ((p5 + z2 * p9) + z4 * ((p13 + z2 * p17) + z4 * p21));
    let t = z * c;
    let t_lo = z.mul_add(c, -t) + (z * TWO_THIRDS_REST + z_lo * c);
    let u = t + tail;
    let u_lo = (tail - (u - t)) + t_lo;
    // l + l_lo = k ln 2 + 2 s + s u
    let v = s * u;
    let v_lo = s.mul_add(u, -v) + (s * u_lo + s_lo * u);
    let two = s + s;
    let m = two + v;
    let m_lo = (v - (m - two)) + (v_lo + (s_lo + s_lo));
    let whole = k * LN2_HI;
    let h = whole + m;
    let h_lo = (m - (h - whole)) + (k * LN2_LO + m_lo);
    let l = h + h_lo;
    let l_lo = h_lo - (l - h);
    let e = y * l;
    let e_lo = y.mul_add(l, -e) + y * l_lo;
    exp_sum(e, e_lo)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::rng::Stream;

    /// a + b exactly, |a| >= |b| or not.
    fn two_sum(a: f64, b: f64) -> (f64, f64) {
        let s = a + b;
        let t = s - a;
        (s, (a - (s - t)) + (b - t))
    }

    /// Double-double numbers, good for 100 bits.
    #[derive(Clone, Copy)]
    struct Dd(f64, f64);

    impl Dd {
        fn add(self, o: Dd) -> Dd {
            let (s, e) = two_sum(self.0, o.0);
            let (h, l) = two_sum(s, e + self.1 + o.1);
            Dd(h, l)
        }
        fn mul(self, o: Dd) -> Dd {
            let p = self.0 * o.0;
            let e = self.0.mul_add(o.0, -p) + self.0 * o.1 + self.1 * o.0;
            let (h, l) = two_sum(p, e);
            Dd(h, l)
        }
        fn over(self, n: f64) -> Dd {
            let q = self.0 / n;
            let r = (-q).mul_add(n, self.0) + self.1;
            let (h, l) = two_sum(q, r / n);
            Dd(h, l)
        }
    }

    const LN2: Dd = Dd(std::f64::consts::LN_2, 2.319_046_813_846_299_6e-17);

    /// exp(x) = m 2^k with m as a double-double: Taylor on x - k ln 2 divided by 2^10, squared back.
    fn exp_reference(x: f64) -> (Dd, i32) {
        let k = (x / std::f64::consts::LN_2).round();
        let r = Dd(x, 0.0).add(LN2.mul(Dd(-k, 0.0)));
        let r = Dd(r.0 / 1024.0, r.1 / 1024.0);
        // e^r - 1, so that the squarings lose nothing: (1 + t)² - 1 = 2 t + t².
        let mut t = Dd(0.0, 0.0);
        for n in (1..=12).rev() {
            t = t.add(Dd(1.0, 0.0)).mul(r).over(f64::from(n));
        }
        for _ in 0..10 {
            t = t.add(t).add(t.mul(t));
        }
        (t.add(Dd(1.0, 0.0)), k as i32)
    }

    /// Error of `y` against m 2^k in units in the last place of the result.
    fn ulps(y: f64, m: Dd, k: i32) -> f64 {
        // The spacing of doubles where m 2^k lies, divided by 2^k.
        let exponent = (m.0.log2().floor() as i32 + k).max(-1022) - 52;
        let scaled = if k > 900 {
            y * 2f64.powi(-900) * 2f64.powi(900 - k)
        } else if k < -900 {
            y * 2f64.powi(900) * 2f64.powi(-900 - k)
        } else {
            y * 2f64.powi(-k)
        };
        ((scaled - m.0) - m.1).abs() / 2f64.powi(exponent - k)
    }

    /// Numbers over the whole range, and near the places where something changes.
    fn arguments(lo: f64, hi: f64) -> impl Iterator<Item = f64> {
        let s = Stream { seed: 3, run: 0, instance: 0 };
        let spread = (0..200_000).map(move |k| lo + (hi - lo) * s.uniform(k, 0));
        let tiny = (0..20_000).map(move |k| (2.0 * s.uniform(k, 1) - 1.0) * 2f64.powi(-((k % 300) as i32)));
        spread.chain(tiny)
    }

    #[test]
    fn exp_is_within_two_ulp_of_a_double_double() {
        let mut worst = (0.0, 0.0);
        for x in arguments(-745.1, 709.78).chain([709.782_712_893_384, -708.396_418_532_264_1, -745.133_219_101_941_1])
        {
            let (m, k) = exp_reference(x);
            let e = ulps(exp(x), m, k);
            if e > worst.0 {
                worst = (e, x);
            }
            let std = x.exp();
            assert!((exp(x) - std).abs() <= 2.0 * std * f64::EPSILON + 1e-323, "{x}: {} {std}", exp(x));
        }
        assert!(worst.0 <= 1.1, "{worst:?}");
    }

    #[test]
    fn ln_is_within_two_ulp_of_a_double_double() {
        let s = Stream { seed: 4, run: 0, instance: 0 };
        let wide = (0..100_000).map(|k| f64::from_bits((s.uniform(k, 0) * 9.218e18) as u64));
        let near_one = (0..100_000).map(|k| 0.6 + s.uniform(k, 1));
        let close = (0..50_000).map(|k| 1.0 + (2.0 * s.uniform(k, 2) - 1.0) * 2f64.powi(-((k % 52) as i32)));
        let edges = [f64::MIN_POSITIVE, 5e-324, f64::MAX, std::f64::consts::FRAC_1_SQRT_2, std::f64::consts::SQRT_2];
        let mut worst = (0.0, 0.0);
        for x in wide.chain(near_one).chain(close).chain(edges).filter(|x| *x > 0.0 && x.is_finite()) {
            let exact = ln_reference(x);
            let spacing =
                if exact.0 == 0.0 { f64::MIN_POSITIVE } else { 2f64.powi(exact.0.abs().log2().floor() as i32 - 52) };
            let e = ((ln(x) - exact.0) - exact.1).abs() / spacing;
            if e > worst.0 {
                worst = (e, x);
            }
        }
        assert!(worst.0 <= 1.1, "{worst:?}");
    }

    /// ln(x) as a double-double: one Newton step on exp(l) = x from the library's result, l + (x exp(-l) - 1).
    fn ln_reference(x: f64) -> Dd {
        let l = x.ln();
        let (m, k) = exp_reference(-l);
        let (x1, k1) = if x < 1e-300 { (x * 2f64.powi(200), k - 200) } else { (x, k) };
        let (a, b) = (k1 / 2, k1 - k1 / 2);
        let p = m.mul(Dd(x1 * 2f64.powi(a) * 2f64.powi(b), 0.0)).add(Dd(-1.0, 0.0));
        Dd(l, 0.0).add(p).add(Dd(-0.5 * p.0 * p.0, 0.0))
    }

    #[test]
    fn powers_are_within_two_ulp_of_a_double_double() {
        let s = Stream { seed: 6, run: 0, instance: 0 };
        let base = |k: u32| match k % 3 {
            0 => f64::from_bits((s.uniform(k, 0) * 9.2e18) as u64),
            1 => 0.3 + 2.0 * s.uniform(k, 0),
            _ => 1.0 + (2.0 * s.uniform(k, 0) - 1.0) * 2f64.powi(-((k % 50) as i32)),
        };
        let mut worst = (0.0, 0.0, 0.0);
        let mut count = 0;
        for k in 0..200_000 {
            let x = base(k);
            let widest = (745.0 / x.ln().abs()).min(1e8);
            let y = (2.0 * s.uniform(k, 1) - 1.0) * if k % 2 == 0 { widest } else { widest.min(20.0) };
            if !is_plain_power(x, y) {
                continue;
            }
            let l = ln_reference(x).mul(Dd(y, 0.0));
            let (m, j) = exp_reference(l.0);
            let m = m.mul(Dd(1.0, l.1));
            if l.0 > 709.7 || l.0 < -744.0 {
                continue;
            }
            count += 1;
            let e = ulps(pow(x, y), m, j);
            if e > worst.0 {
                worst = (e, x, y);
            }
        }
        assert!(count > 150_000 && worst.0 <= 1.25, "{count}, {worst:?}");
    }

    #[test]
    fn powers_beyond_the_range_of_numbers_are_infinite_and_zero() {
        assert_eq!((pow(1e300, 1.5), pow(1e-300, 1.5), pow(1e-300, -1.5)), (f64::INFINITY, 0.0, f64::INFINITY));
        assert_eq!((pow(1.0, 0.5), pow(4.0, 0.5), pow(16.0, -0.25)), (1.0, 2.0, 0.5));
        assert_eq!((pow(f64::MAX, 1e8 + 0.5), pow(f64::MIN_POSITIVE, 1e8 + 0.5)), (f64::INFINITY, 0.0));
        let plain = [(2.0, 2.0), (0.0, 0.5), (-1.0, 0.5), (5e-324, 0.5), (f64::INFINITY, 0.5), (2.0, f64::NAN)];
        assert!(plain.iter().all(|(x, y)| !is_plain_power(*x, *y)) && !is_plain_power(f64::NAN, 0.5));
    }

    #[test]
    fn the_ends_of_the_range() {
        assert_eq!((exp(0.0), exp(-0.0), exp(f64::INFINITY), exp(f64::NEG_INFINITY)), (1.0, 1.0, f64::INFINITY, 0.0));
        assert_eq!((exp(709.79), exp(1e300), exp(-745.14), exp(-1e300)), (f64::INFINITY, f64::INFINITY, 0.0, 0.0));
        assert_eq!(exp(-745.13), 5e-324);
        assert!(exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan() && ln(-1.0).is_nan() && ln(f64::NEG_INFINITY).is_nan());
        assert_eq!(
            (ln(1.0), ln(0.0), ln(-0.0), ln(f64::INFINITY)),
            (0.0, f64::NEG_INFINITY, f64::NEG_INFINITY, f64::INFINITY)
        );
        assert_eq!((ln(5e-324), ln(f64::MAX)), (5e-324f64.ln(), f64::MAX.ln()));
    }

    #[test]
    fn a_loop_gives_the_same_bits_as_single_calls() {
        let s = Stream { seed: 5, run: 0, instance: 0 };
        let x: Vec<f64> = (0..1003).map(|k| 1500.0 * (s.uniform(k, 0) - 0.5)).collect();
        for n in [1, 2, 3, 4, 7, 8, 1003] {
            for part in x.chunks(n) {
                let e: Vec<f64> = part.iter().map(|x| exp(*x)).collect();
                let l: Vec<f64> = part.iter().map(|x| ln(x.abs())).collect();
                for (k, x) in part.iter().enumerate() {
                    assert_eq!((e[k].to_bits(), l[k].to_bits()), (exp(*x).to_bits(), ln(x.abs()).to_bits()));
                }
            }
        }
    }
}
