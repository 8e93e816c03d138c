//! Loops along one row of an array: what an iteration does to it, in as few passes as there can be.
//!
//! Sums are made in eight parts that do not wait for each other, always the same ones, and over blocks of eight numbers:
//! the compiler makes vectors of those, and of little else that ends in a sum. Passes up the rows begin at the right end
//! of each, so that memory is read in one direction: the other way they take almost twice as long.

use super::float::Real;

/// Numbers in a block.
const LANES: usize = 8;
/// Where little is done to each number: sums then wait for nothing.
const MANY: usize = 32;

#[inline(always)]
fn total<T: Real, const L: usize>(mut s: [T; L]) -> f64 {
    let mut half = L / 2;
    while half > 0 {
        for k in 0..half {
            s[k] += s[k + half];
        }
        half /= 2;
    }
    s[0].wide()
}

/// x += α p, p = z + β p, z = y = g p + gb f t, where t is the row before this one and f its inverse pivots. Returns
/// Σ p g p - h y² with the inverse pivots h of this row. Without a row before, gb is 0.
#[inline(always)]
pub(super) fn direct<T: Real>(
    z: &mut [T],
    x: &mut [f64],
    p: &mut [T],
    (g, h): (&[T], &[T]),
    (t, f, gb): (&[T], &[T], T),
    (alpha, beta): (f64, T),
) -> f64 {
    #[inline(always)]
    fn one<T: Real>((z, p): (&mut T, &mut T), (g, h, t, f): (T, T, T, T), (gb, beta): (T, T)) -> T {
        let d = *z + beta * *p;
        *p = d;
        let c = g * d;
        let y = c + (gb * f) * t;
        *z = y;
        c * d - h * (y * y)
    }
    advance(x, p, alpha);
    let by = (gb, beta);
    let ((z8, z), (p8, p)) = (z.as_chunks_mut::<LANES>(), p.as_chunks_mut::<LANES>());
    let ((g8, g), (h8, h)) = (g.as_chunks::<LANES>(), h.as_chunks::<LANES>());
    let ((t8, t), (f8, f)) = (t.as_chunks::<LANES>(), f.as_chunks::<LANES>());
    let mut s = [T::ZERO; LANES];
    for (((((z, p), g), h), t), f) in z8.iter_mut().zip(p8).zip(g8).zip(h8).zip(t8).zip(f8) {
        let mut e = [T::ZERO; LANES];
        for k in 0..LANES {
            e[k] = one((&mut z[k], &mut p[k]), (g[k], h[k], t[k], f[k]), by);
        }
        for k in 0..LANES {
            s[k] += e[k];
        }
    }
    let mut rest = 0.0;
    for (((((z, p), g), h), t), f) in z.iter_mut().zip(p).zip(g).zip(h).zip(t).zip(f) {
        rest += one((z, p), (*g, *h, *t, *f), by).wide();
    }
    total(s) + rest
}

/// The same for bit lines without resistance: c += g p. Returns Σ p g p.
#[inline(always)]
pub(super) fn direct_sums<T: Real>(
    c: &mut [T],
    x: &mut [f64],
    p: &mut [T],
    z: &[T],
    g: &[T],
    (alpha, beta): (f64, T),
) -> f64 {
    let n = c.len();
    let (x, p, z, g) = (&mut x[..n], &mut p[..n], &z[..n], &g[..n]);
    for j in 0..n {
        x[j] += alpha * p[j].wide();
        let d = z[j] + beta * p[j];
        p[j] = d;
        c[j] += g[j] * d;
    }
    weighted(g, p)
}

/// Σ (v_j - v_(j+1))²
#[inline(always)]
pub(super) fn differences<T: Real>(v: &[T]) -> f64 {
    let n = v.len().max(1) - 1;
    let ((a8, a), (b8, b)) = (v[..n].as_chunks::<MANY>(), v[v.len() - n..].as_chunks::<MANY>());
    let mut s = [T::ZERO; MANY];
    for (a, b) in a8.iter().zip(b8) {
        for k in 0..MANY {
            let d = a[k] - b[k];
            s[k] += d * d;
        }
    }
    total(s) + a.iter().zip(b).map(|(a, b)| ((*a - *b) * (*a - *b)).wide()).sum::<f64>()
}

/// Σ g p²
#[inline(always)]
pub(super) fn weighted<T: Real>(g: &[T], p: &[T]) -> f64 {
    let ((g8, g), (p8, p)) = (g.as_chunks::<LANES>(), p.as_chunks::<LANES>());
    let mut s = [T::ZERO; LANES];
    for (g, p) in g8.iter().zip(p8) {
        for k in 0..LANES {
            s[k] += g[k] * (p[k] * p[k]);
        }
    }
    total(s) + g.iter().zip(p).map(|(g, p)| (*g * (*p * *p)).wide()).sum::<f64>()
}

/// next = f q + gb f next: one row up the bit lines.
#[inline(always)]
pub(super) fn back<T: Real>(next: &mut [T], q: &[T], f: &[T], gb: T) {
    let n = next.len();
    let (q, f) = (&q[..n], &f[..n]);
    let ((n8, next), (q8, q), (f8, f)) =
        (next.as_chunks_mut::<LANES>(), q.as_chunks::<LANES>(), f.as_chunks::<LANES>());
    for ((next, q), f) in next.iter_mut().zip(q).zip(f) {
        *next = *f * *q + (gb * *f) * *next;
    }
    for ((next, q), f) in n8.iter_mut().zip(q8).zip(f8).rev() {
        for k in 0..LANES {
            next[k] = f[k] * q[k] + (gb * f[k]) * next[k];
        }
    }
}

/// Between two nodes of a word line, and from each of them to ground, S.
#[derive(Clone, Copy)]
pub(crate) struct Wire<T> {
    pub g: T,
    pub shunt: T,
    /// From its first and its last node.
    pub ends: [T; 2],
}

/// [`back`], then r -= α (Tw p + g (p - next)) along a whole line; q becomes r, too. Returns Σ r². At least two columns.
#[inline(always)]
pub(super) fn up<T: Real>(
    q: &mut [T],
    r: &mut [T],
    next: &mut [T],
    p: &[T],
    (g, f, gb): (&[T], &[T], T),
    (wire, alpha): (Wire<T>, T),
) -> f64 {
    #[inline(always)]
    fn one<T: Real>(
        (q, r, next): (&mut T, &mut T, &mut T),
        (here, drop): (T, T),
        (g, f): (T, T),
        (gb, wg, shunt, alpha): (T, T, T, T),
    ) -> T {
        let t = f * *q + (gb * f) * *next;
        *next = t;
        let d = *r - alpha * (shunt * here + wg * drop + g * (here - t));
        *r = d;
        *q = d;
        d * d
    }
    let n = q.len();
    let by = (gb, wire.g, wire.shunt, alpha);
    let mut rest = 0.0;
    for (j, near, end) in [(0, 1, wire.ends[0]), (n - 1, n - 2, wire.ends[1])] {
        let by = (gb, wire.g, wire.shunt + end, alpha);
        rest += one((&mut q[j], &mut r[j], &mut next[j]), (p[j], p[j] - p[near]), (g[j], f[j]), by).wide();
    }
    let inner = 1..n - 1;
    let (left, here, right) = (&p[..n - 2], &p[inner.clone()], &p[2..]);
    let ((l8, l), (h8, h), (r8, rt)) =
        (left.as_chunks::<LANES>(), here.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    let ((q8, q), (d8, d), (n8, nx)) = (
        q[inner.clone()].as_chunks_mut::<LANES>(),
        r[inner.clone()].as_chunks_mut::<LANES>(),
        next[inner.clone()].as_chunks_mut::<LANES>(),
    );
    let ((g8, g), (f8, f)) = (g[inner.clone()].as_chunks::<LANES>(), f[inner].as_chunks::<LANES>());
    let mut s = [T::ZERO; LANES];
    let blocks = q8.iter_mut().zip(d8).zip(n8).zip(g8).zip(f8).zip(l8).zip(h8).zip(r8);
    for (((((((q, d), nx), g), f), l), h), rt) in blocks.rev() {
        let mut e = [T::ZERO; LANES];
        for k in 0..LANES {
            let drop = (h[k] - l[k]) + (h[k] - rt[k]);
            e[k] = one((&mut q[k], &mut d[k], &mut nx[k]), (h[k], drop), (g[k], f[k]), by);
        }
        for k in 0..LANES {
            s[k] += e[k];
        }
    }
    let last = q.iter_mut().zip(d).zip(nx).zip(g).zip(f).zip(l).zip(h).zip(rt);
    for (((((((q, d), nx), g), f), l), h), rt) in last {
        rest += one((q, d, nx), (*h, (*h - *l) + (*h - *rt)), (*g, *f), by).wide();
    }
    total(s) + rest
}

/// The same for some of the nodes.
#[inline(always)]
pub(super) fn up_some<T: Real>(
    q: &mut [T],
    r: &mut [T],
    next: &mut [T],
    p: &[T],
    (g, f, gb): (&[T], &[T], T),
    (wire, alpha): (Wire<T>, T),
    nodes: std::ops::Range<usize>,
) -> f64 {
    let last = p.len() - 1;
    let mut sum = 0.0;
    for j in nodes {
        let t = f[j] * q[j] + (gb * f[j]) * next[j];
        next[j] = t;
        let left = if j > 0 { wire.g * (p[j] - p[j - 1]) } else { wire.ends[0] * p[j] };
        let right = if j < last { wire.g * (p[j] - p[j + 1]) } else { wire.ends[1] * p[j] };
        let d = r[j] - alpha * (wire.shunt * p[j] + (left + right) + g[j] * (p[j] - t));
        r[j] = d;
        q[j] = d;
        sum += (d * d).wide();
    }
    sum
}

/// q += g (p - t)
#[inline(always)]
pub(super) fn couple<T: Real>(q: &mut [T], p: &[T], g: &[T], t: &[T]) {
    let n = q.len();
    let (p, g, t) = (&p[..n], &g[..n], &t[..n]);
    for j in 0..n {
        q[j] += g[j] * (p[j] - t[j]);
    }
}

/// r -= α q, and q = r.
#[inline(always)]
pub(super) fn step<T: Real>(r: &mut [T], q: &mut [T], alpha: T) {
    let n = r.len();
    let q = &mut q[..n];
    for k in 0..n {
        let d = r[k] - alpha * q[k];
        r[k] = d;
        q[k] = d;
    }
}

/// t += gb f u
#[inline(always)]
pub(super) fn forward<T: Real>(t: &mut [T], u: &[T], f: &[T], gb: T) {
    let n = t.len();
    let (u, f) = (&u[..n], &f[..n]);
    for j in 0..n {
        t[j] += (gb * f[j]) * u[j];
    }
}

/// x += α p
#[inline(always)]
pub(super) fn advance<T: Real>(x: &mut [f64], p: &[T], alpha: f64) {
    if alpha == 0.0 {
        return;
    }
    let n = x.len();
    let p = &p[..n];
    for j in 0..n {
        x[j] += alpha * p[j].wide();
    }
}

/// t = g x
#[inline(always)]
pub(super) fn product<T: Real>(t: &mut [T], g: &[T], x: &[T]) {
    let n = t.len();
    let (g, x) = (&g[..n], &x[..n]);
    for j in 0..n {
        t[j] = g[j] * x[j];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers without structure.
    fn some(n: usize, seed: usize) -> Vec<f64> {
        (0..n).map(|k| ((k * 37 + seed * 101) % 89) as f64 / 89.0 + 0.1).collect()
    }

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() <= 1e-12 * (a.abs() + b.abs() + 1.0), "{a} {b}");
    }

    #[test]
    fn rows_of_every_length() {
        for n in [2, 3, 9, 10, 17, 40] {
            let [z, x, p, g, h, t, f] = [1, 2, 3, 4, 5, 6, 7].map(|s| some(n, s));
            let (mut z1, mut x1, mut p1) = (z.clone(), x.clone(), p.clone());
            let sum = direct(&mut z1, &mut x1, &mut p1, (&g, &h), (&t, &f, 0.3), (0.7, 0.2));
            let mut want = 0.0;
            for j in 0..n {
                let d = z[j] + 0.2 * p[j];
                let y = g[j] * d + 0.3 * f[j] * t[j];
                want += d * g[j] * d - h[j] * y * y;
                close(x1[j], x[j] + 0.7 * p[j]);
                close(p1[j], d);
                close(z1[j], y);
            }
            close(sum, want);
            close(differences(&p), p.windows(2).map(|w| (w[0] - w[1]).powi(2)).sum());
            close(weighted(&g, &p), (0..n).map(|j| g[j] * p[j] * p[j]).sum());

            let (mut q1, mut r1, mut next) = (z.clone(), x.clone(), t.clone());
            let wire = Wire { g: 2.0, shunt: 0.1, ends: [0.4, 0.5] };
            let sum = up(&mut q1, &mut r1, &mut next, &p, (&g, &f, 0.3), (wire, 0.7));
            let mut want = 0.0;
            for j in 0..n {
                let v = f[j] * z[j] + 0.3 * f[j] * t[j];
                let mut current = 0.1 * p[j] + g[j] * (p[j] - v);
                current += if j > 0 { 2.0 * (p[j] - p[j - 1]) } else { 0.4 * p[j] };
                current += if j + 1 < n { 2.0 * (p[j] - p[j + 1]) } else { 0.5 * p[j] };
                let d = x[j] - 0.7 * current;
                want += d * d;
                close(next[j], v);
                close(r1[j], d);
                close(q1[j], d);
            }
            close(sum, want);
        }
    }
}
