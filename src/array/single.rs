//! The two row loops that an iteration in single precision consists of, with vectors written out: what the compiler makes of
//! the loops in [`rows`](super::rows) for f64, it does not make of them for f32.
//!
//! Sums are made in as many parts as the processor's vectors have numbers. The residual in double precision does not depend
//! on that.

use super::float::Real;
use super::rows::{self, Wire};
use pulp::Simd;

/// See [`rows::direct`].
#[inline(always)]
pub(super) fn direct<S: Simd>(
    simd: S,
    z: &mut [f32],
    x: &mut [f64],
    p: &mut [f32],
    (g, h): (&[f32], &[f32]),
    (t, f, gb): (&[f32], &[f32], f32),
    (alpha, beta): (f64, f32),
) -> f64 {
    rows::advance(x, p, alpha);
    let ((z8, z), (p8, p)) = (S::as_mut_simd_f32s(z), S::as_mut_simd_f32s(p));
    let ((g8, g), (h8, h)) = (S::as_simd_f32s(g), S::as_simd_f32s(h));
    let ((t8, t), (f8, f)) = (S::as_simd_f32s(t), S::as_simd_f32s(f));
    let (all_beta, all_gb) = (simd.splat_f32s(beta), simd.splat_f32s(gb));
    let mut s = simd.splat_f32s(0.0);
    for (((((z, p), g), h), t), f) in z8.iter_mut().zip(p8).zip(g8).zip(h8).zip(t8).zip(f8) {
        let d = simd.add_f32s(*z, simd.mul_f32s(all_beta, *p));
        let c = simd.mul_f32s(*g, d);
        let y = simd.add_f32s(c, simd.mul_f32s(simd.mul_f32s(all_gb, *f), *t));
        let e = simd.sub_f32s(simd.mul_f32s(c, d), simd.mul_f32s(*h, simd.mul_f32s(y, y)));
        s = simd.add_f32s(s, e);
        *p = d;
        *z = y;
    }
    let mut rest = 0.0;
    for (((((z, p), g), h), t), f) in z.iter_mut().zip(p).zip(g).zip(h).zip(t).zip(f) {
        let d = *z + beta * *p;
        *p = d;
        let c = g * d;
        let y = c + (gb * f) * t;
        *z = y;
        rest += (c * d - h * (y * y)).wide();
    }
    simd.reduce_sum_f32s(s).wide() + rest
}

/// See [`rows::up`].
#[inline(always)]
pub(super) fn up<S: Simd>(
    simd: S,
    q: &mut [f32],
    r: &mut [f32],
    next: &mut [f32],
    p: &[f32],
    (g, f, gb): (&[f32], &[f32], f32),
    (wire, alpha): (Wire<f32>, f32),
) -> f64 {
    let n = q.len();
    // The nodes at the ends, and those that do not fill a vector.
    let inner = n.saturating_sub(2) / S::F32_LANES * S::F32_LANES;
    let (from, to) = (1, 1 + inner);
    let mut rest = rows::up_some(q, r, next, p, (g, f, gb), (wire, alpha), to..n);
    let (left, here, right) = (&p[from - 1..to - 1], &p[from..to], &p[from + 1..to + 1]);
    let all = |v| S::as_simd_f32s(v).0;
    let (l8, h8, r8) = (all(left), all(here), all(right));
    let (g8, f8) = (all(&g[from..to]), all(&f[from..to]));
    let (q8, _) = S::as_mut_simd_f32s(&mut q[from..to]);
    let (d8, _) = S::as_mut_simd_f32s(&mut r[from..to]);
    let (n8, _) = S::as_mut_simd_f32s(&mut next[from..to]);
    let [all_gb, all_g, all_shunt, all_alpha] = [gb, wire.g, wire.shunt, alpha].map(|x| simd.splat_f32s(x));
    let mut s = simd.splat_f32s(0.0);
    let blocks = q8.iter_mut().zip(d8).zip(n8).zip(g8).zip(f8).zip(l8).zip(h8).zip(r8);
    for (((((((q, d), nx), g), f), l), h), rt) in blocks.rev() {
        let t = simd.add_f32s(simd.mul_f32s(*f, *q), simd.mul_f32s(simd.mul_f32s(all_gb, *f), *nx));
        let drop = simd.add_f32s(simd.sub_f32s(*h, *l), simd.sub_f32s(*h, *rt));
        let wires = simd.add_f32s(simd.mul_f32s(all_shunt, *h), simd.mul_f32s(all_g, drop));
        let current = simd.add_f32s(wires, simd.mul_f32s(*g, simd.sub_f32s(*h, t)));
        let e = simd.sub_f32s(*d, simd.mul_f32s(all_alpha, current));
        s = simd.add_f32s(s, simd.mul_f32s(e, e));
        *nx = t;
        *d = e;
        *q = e;
    }
    rest += rows::up_some(q, r, next, p, (g, f, gb), (wire, alpha), 0..1);
    simd.reduce_sum_f32s(s).wide() + rest
}
