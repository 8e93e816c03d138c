//! Quotients of polynomials, for transfer functions: coefficients in ascending powers of s.

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rational {
    pub num: Vec<f64>,
    pub den: Vec<f64>,
}

fn product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; (a.len() + b.len()).saturating_sub(1)];
    for (i, x) in a.iter().enumerate() {
        for (j, y) in b.iter().enumerate() {
            out[i + j] += x * y;
        }
    }
    trimmed(out)
}

fn trimmed(mut p: Vec<f64>) -> Vec<f64> {
    while p.len() > 1 && p.last() == Some(&0.0) {
        p.pop();
    }
    p
}

impl Rational {
    pub fn constant(x: f64) -> Self {
        Rational { num: vec![x], den: vec![1.0] }
    }

    pub fn s() -> Self {
        Rational { num: vec![0.0, 1.0], den: vec![1.0] }
    }

    pub fn scale(mut self, k: f64) -> Self {
        self.num.iter_mut().for_each(|c| *c *= k);
        self
    }

    pub fn add(&self, o: &Self) -> Self {
        if self.den == o.den {
            return Rational { num: sum(&self.num, &o.num), den: self.den.clone() };
        }
        Rational { num: sum(&product(&self.num, &o.den), &product(&o.num, &self.den)), den: product(&self.den, &o.den) }
    }

    pub fn mul(&self, o: &Self) -> Self {
        Rational { num: product(&self.num, &o.num), den: product(&self.den, &o.den) }
    }

    pub fn invert(&self) -> Self {
        Rational { num: self.den.clone(), den: self.num.clone() }
    }

    pub fn powi(&self, n: i32) -> Option<Self> {
        let base = if n < 0 { self.invert() } else { self.clone() };
        let mut out = Rational::constant(1.0);
        for _ in 0..n.unsigned_abs() {
            if out.num.len().max(out.den.len()) > 256 {
                return None;
            }
            out = out.mul(&base);
        }
        Some(out)
    }
}

fn sum(a: &[f64], b: &[f64]) -> Vec<f64> {
    let n = a.len().max(b.len());
    trimmed((0..n).map(|i| a.get(i).unwrap_or(&0.0) + b.get(i).unwrap_or(&0.0)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_pass() {
        // 1/(1 + s/2)²
        let d = Rational::constant(1.0).add(&Rational::s().mul(&Rational::constant(0.5)));
        let h = Rational::constant(1.0).mul(&d.powi(2).unwrap().invert());
        assert_eq!((h.num, h.den), (vec![1.0], vec![1.0, 1.0, 0.25]));
    }
}
