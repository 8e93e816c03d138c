//! What a front costs, in seconds: measured on one core of a server of 2021 (`cargo bench --bench kernels`).

/// Multiplications and divisions of the factorisation of one front.
pub fn flops(s: usize, r: usize) -> f64 {
    let (s, r) = (s as f64, r as f64);
    s * (s * s - 1.0) / 3.0 + s * (s + 1.0) / 2.0 + s * r * (s + r)
}

/// Bookkeeping of one front.
const FRONT: f64 = 340e-9;
/// Clearing, adding up and handing on one entry of a front.
const ENTRY: f64 = 1.5e-9;
/// One multiplication in large fronts; in narrow ones it costs up to four times that.
const FLOP: f64 = 0.09e-9;

/// Assembling and factoring one front.
pub fn front(s: usize, r: usize) -> f64 {
    let side = (s + r) as f64;
    let narrow = 1.0 + 12.0 / (s as f64 + 3.0);
    FRONT + ENTRY * side * side + FLOP * narrow * flops(s, r)
}

/// Solving with one front, there and back, and measuring what comes out.
pub fn solve(s: usize, r: usize) -> f64 {
    80e-9 + 2.0e-9 * (s * (s + 2 * r)) as f64 + 2.0e-9 * r as f64 + 20e-9 * s as f64
}
