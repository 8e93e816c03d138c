//! Limited and smooth functions that keep Newton's method inside the range of f64.

/// Beyond this argument `exp_lim` goes on as a straight line.
pub const EXP_MAX: f64 = 80.0;

/// exp(x), continued linearly beyond [`EXP_MAX`]: value and derivative.
pub fn exp_lim(x: f64) -> (f64, f64) {
    if x > EXP_MAX {
        let e = EXP_MAX.exp();
        (e * (1.0 + x - EXP_MAX), e)
    } else {
        let e = x.exp();
        (e, e)
    }
}

/// sqrt(x² + d²): |x| with a rounded corner.
pub fn smooth_abs(x: f64, d: f64) -> f64 {
    (x * x + d * d).sqrt()
}

/// (x + sqrt(x² + d²))/2: max(x, 0) with a rounded corner.
pub fn smooth_clip(x: f64, d: f64) -> f64 {
    0.5 * (x + smooth_abs(x, d))
}
