//! The row loops around an iteration in single precision, with vectors written out: what the compiler makes of the loops in
//! [`rows`](super::rows) for f64, it does not make of them for f32.
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

/// One row up the bit lines, b = f b + gb f next, and out = -(Tw x + g (x - b)) along a whole word line. At least two
/// columns.
#[inline(always)]
pub(super) fn fresh<S: Simd>(
    simd: S,
    out: &mut [f64],
    b: &mut [f64],
    next: &mut [f64],
    x: &[f64],
    (g, f, gb): (&[f64], &[f64], f64),
    wire: Wire<f64>,
) {
    let n = b.len();
    let inner = n.saturating_sub(2) / S::F64_LANES * S::F64_LANES;
    let (from, to) = (1, 1 + inner);
    let all = |v| S::as_simd_f64s(v).0;
    let (l4, h4, r4) = (all(&x[from - 1..to - 1]), all(&x[from..to]), all(&x[from + 1..to + 1]));
    let (g4, f4) = (all(&g[from..to]), all(&f[from..to]));
    let (b4, _) = S::as_mut_simd_f64s(&mut b[from..to]);
    let (o4, _) = S::as_mut_simd_f64s(&mut out[from..to]);
    let (n4, _) = S::as_mut_simd_f64s(&mut next[from..to]);
    let [all_gb, all_g, all_shunt] = [gb, wire.g, wire.shunt].map(|x| simd.splat_f64s(x));
    let blocks = b4.iter_mut().zip(o4).zip(n4).zip(g4).zip(f4).zip(l4).zip(h4).zip(r4);
    for (((((((b, o), nx), g), f), l), h), rt) in blocks {
        let t = simd.add_f64s(simd.mul_f64s(*f, *b), simd.mul_f64s(simd.mul_f64s(all_gb, *f), *nx));
        let drop = simd.add_f64s(simd.sub_f64s(*h, *l), simd.sub_f64s(*h, *rt));
        let wires = simd.add_f64s(simd.mul_f64s(all_shunt, *h), simd.mul_f64s(all_g, drop));
        *o = simd.sub_f64s(simd.neg_f64s(wires), simd.mul_f64s(*g, simd.sub_f64s(*h, t)));
        *nx = t;
        *b = t;
    }
    for j in (0..1).chain(to..n) {
        let t = f[j] * b[j] + (gb * f[j]) * next[j];
        (next[j], b[j]) = (t, t);
        let left = if j > 0 { wire.g * (x[j] - x[j - 1]) } else { wire.ends[0] * x[j] };
        let right = if j + 1 < n { wire.g * (x[j] - x[j + 1]) } else { wire.ends[1] * x[j] };
        out[j] = -(wire.shunt * x[j] + (left + right)) - g[j] * (x[j] - t);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Check;

    /// Numbers without structure.
    fn some(n: usize, seed: usize) -> Vec<f32> {
        (0..n).map(|k| ((k * 37 + seed * 101) % 89) as f32 / 89.0 + 0.1).collect()
    }

    fn close(a: &[f32], b: &[f32], tol: f32) {
        assert_eq!(a.len(), b.len());
        for (a, b) in a.iter().zip(b) {
            assert!((a - b).abs() <= tol * (a.abs() + b.abs() + 1.0), "{a} {b}");
        }
    }

    impl pulp::WithSimd for Check {
        type Output = ();

        fn with_simd<S: Simd>(self, simd: S) {
            for n in [2, 3, 7, 9, 10, 17, 18, 40] {
                let [z, p, g, h, t, f] = [1, 2, 3, 4, 5, 6].map(|s| some(n, s));
                let x: Vec<f64> = some(n, 7).iter().map(|x| f64::from(*x)).collect();
                let ((mut z1, mut x1, mut p1), (mut z2, mut x2, mut p2)) =
                    ((z.clone(), x.clone(), p.clone()), (z.clone(), x.clone(), p.clone()));
                let by = (0.7, 0.2);
                let a = direct(simd, &mut z1, &mut x1, &mut p1, (&g, &h), (&t, &f, 0.3), by);
                let b = rows::direct(&mut z2, &mut x2, &mut p2, (&g, &h), (&t, &f, 0.3), by);
                close(&[a as f32], &[b as f32], 1e-5);
                close(&z1, &z2, 0.0);
                close(&p1, &p2, 0.0);
                assert_eq!(x1, x2);

                let wire = Wire { g: 2.0, shunt: 0.1, ends: [0.4, 0.5] };
                let ((mut q1, mut r1, mut n1), (mut q2, mut r2, mut n2)) =
                    ((z.clone(), h.clone(), t.clone()), (z.clone(), h.clone(), t.clone()));
                let a = up(simd, &mut q1, &mut r1, &mut n1, &p, (&g, &f, 0.3), (wire, 0.7));
                let b = rows::up(&mut q2, &mut r2, &mut n2, &p, (&g, &f, 0.3), (wire, 0.7));
                close(&[a as f32], &[b as f32], 1e-5);
                close(&q1, &q2, 1e-6);
                close(&r1, &r2, 1e-6);
                close(&n1, &n2, 0.0);

                // r - 1 (Tw x + g (x - t)) with r = 0 is what is missing.
                let wide = |v: &[f32]| v.iter().map(|x| f64::from(*x)).collect::<Vec<_>>();
                let [g, f, p, z, t] = [&g, &f, &p, &z, &t].map(|v| wide(v));
                let wire = Wire { g: 2.0, shunt: 0.1, ends: [0.4, 0.5] };
                let (mut b1, mut n1, mut out) = (z.clone(), t.clone(), vec![f64::NAN; n]);
                fresh(simd, &mut out, &mut b1, &mut n1, &p, (&g, &f, 0.3), wire);
                let (mut q2, mut r2, mut n2) = (z.clone(), vec![0.0; n], t.clone());
                rows::up(&mut q2, &mut r2, &mut n2, &p, (&g, &f, 0.3), (wire, 1.0));
                assert_eq!((&b1, &n1), (&n2, &n2));
                assert!(out.iter().zip(&r2).all(|(a, b)| (a - b).abs() <= 1e-14), "{out:?} {r2:?}");
            }
        }
    }

    #[test]
    fn vectors_do_what_plain_loops_do() {
        pulp::Arch::new().dispatch(Check);
        pulp::Arch::Scalar.dispatch(Check);
    }
}
