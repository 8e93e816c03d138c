//! The arithmetic of Verilog-A beyond what f64 has: one set of functions for the interpreter and for compiled code, so
//! that both give the same bits.

use crate::base::fastmath;
use crate::base::rng::Stream;

/// Real to integer: to the nearest, halves away from zero; out of range saturates, NaN gives 0.
pub fn to_int(x: f64) -> i32 {
    x.round() as i32
}

/// x to the power y; squares and cubes by multiplication, as they are the common ones.
pub fn pow(x: f64, y: f64) -> f64 {
    if y == 2.0 {
        x * x
    } else if y == 3.0 {
        x * x * x
    } else if fastmath::is_plain_power(x, y) {
        fastmath::pow(x, y)
    } else {
        x.powf(y)
    }
}

pub fn idiv(a: i32, b: i32) -> i32 {
    a.checked_div(b).unwrap_or(if b == 0 { 0 } else { a.wrapping_neg() })
}

pub fn irem(a: i32, b: i32) -> i32 {
    a.checked_rem(b).unwrap_or(0)
}

/// Shifts by 32 and more give 0, as bit vectors do.
pub fn shl(a: i32, b: i32) -> i32 {
    u32::try_from(b).ok().and_then(|b| a.checked_shl(b)).unwrap_or(0)
}

pub fn shr(a: i32, b: i32) -> i32 {
    u32::try_from(b).ok().and_then(|b| (a as u32).checked_shr(b)).unwrap_or(0) as i32
}

pub fn sar(a: i32, b: i32) -> i32 {
    u32::try_from(b).ok().and_then(|b| a.checked_shr(b)).unwrap_or(a >> 31)
}

/// Draws that belong to one uniform number: its bits are the key of a stream of their own.
fn stream(u: f64) -> Stream {
    Stream { seed: u.to_bits(), run: 0, instance: 0 }
}

/// Poisson distributed with the given mean: by inversion, normal approximation above 500.
pub fn poisson(u: f64, mean: f64) -> f64 {
    if !(mean > 0.0) {
        return 0.0;
    }
    if mean > 500.0 {
        return (mean + mean.sqrt() * stream(u).normal(0, 0) + 0.5).floor().max(0.0);
    }
    let (mut k, mut p) = (0.0, (-mean).exp());
    let mut sum = p;
    while u > sum && k < 2000.0 {
        k += 1.0;
        p *= mean / k;
        sum += p;
    }
    k
}

/// Most draws of one composed distribution.
const MAX_DRAWS: f64 = 10_000.0;

/// Sum of squares of `dof` standard normals.
pub fn chi_square(u: f64, dof: f64) -> f64 {
    let s = stream(u);
    let n = dof.round().clamp(0.0, MAX_DRAWS) as u32;
    (0..n).map(|k| s.normal(k, 0).powi(2)).sum()
}

/// Standard normal over the root of chi-square per degree of freedom.
pub fn student_t(u: f64, dof: f64) -> f64 {
    stream(u).normal(0, 1) / (chi_square(u, dof) / dof.round().max(1.0)).sqrt()
}

/// Sum of `k` exponentials of mean 1.
pub fn erlang(u: f64, k: f64) -> f64 {
    let s = stream(u);
    let n = k.round().clamp(0.0, MAX_DRAWS) as u32;
    -(0..n).map(|k| s.uniform(k, 2).ln()).sum::<f64>()
}

/// The stream of an instance (its `key`) and a seed that the module gives.
fn seeded_stream(key: f64, seed: f64) -> Stream {
    Stream { seed: key.to_bits(), run: seed as i64 as u32, instance: 0x5eed }
}

/// Uniform on (0, 1).
pub fn seeded(key: f64, seed: f64) -> f64 {
    seeded_stream(key, seed).uniform(0, 3)
}

/// Standard normal.
pub fn seeded_normal(key: f64, seed: f64) -> f64 {
    seeded_stream(key, seed).normal(0, 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_follow_verilog() {
        assert_eq!((to_int(2.5), to_int(-2.5), to_int(1e30), to_int(f64::NAN)), (3, -3, i32::MAX, 0));
        assert_eq!((idiv(7, 0), idiv(i32::MIN, -1), irem(-7, 3)), (0, i32::MIN, -1));
        assert_eq!((shl(1, 40), shr(-1, 31), sar(-8, 1)), (0, 1, -4));
    }

    #[test]
    fn composed_distributions_have_their_means() {
        let s = Stream { seed: 3, run: 0, instance: 0 };
        let n = 4000;
        let mean = |f: &dyn Fn(f64) -> f64| (0..n).map(|k| f(s.uniform(k, 0))).sum::<f64>() / f64::from(n);
        assert!((mean(&|u| poisson(u, 3.0)) - 3.0).abs() < 0.1);
        assert!((mean(&|u| chi_square(u, 4.0)) - 4.0).abs() < 0.2);
        assert!((mean(&|u| erlang(u, 2.0)) - 2.0).abs() < 0.1);
        assert!(mean(&|u| student_t(u, 5.0)).abs() < 0.1);
    }
}
