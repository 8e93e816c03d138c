//! Randomness as a function: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as
//! 1, 2, 3", SC'11). A draw is decided by (seed, run, instance, cycle, draw) alone, so it does not depend on
//! the order of evaluation or the number of threads.

const M0: u32 = 0xD251_1F53;
const M1: u32 = 0xCD9E_8D57;
const W0: u32 = 0x9E37_79B9;
const W1: u32 = 0xBB67_AE85;

/// One Philox4x32-10 block.
pub fn philox(mut ctr: [u32; 4], mut key: [u32; 2]) -> [u32; 4] {
    for round in 0..10 {
        if round > 0 {
            key = [key[0].wrapping_add(W0), key[1].wrapping_add(W1)];
        }
        let p0 = u64::from(M0) * u64::from(ctr[0]);
        let p1 = u64::from(M1) * u64::from(ctr[2]);
        ctr = [(p1 >> 32) as u32 ^ ctr[1] ^ key[0], p1 as u32, (p0 >> 32) as u32 ^ ctr[3] ^ key[1], p0 as u32];
    }
    ctr
}

/// The stream of one instance in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    pub seed: u64,
    pub run: u32,
    pub instance: u32,
}

impl Stream {
    /// Uniform on the open interval (0, 1), 53 bits.
    pub fn uniform(&self, cycle: u32, draw: u32) -> f64 {
        let r = philox([cycle, draw, self.instance, self.run], [self.seed as u32, (self.seed >> 32) as u32]);
        let bits = (u64::from(r[0]) << 21) ^ (u64::from(r[1]) >> 11);
        (bits as f64 + 0.5) / (1u64 << 53) as f64
    }

    /// `uniform(k >> 32, k)` for the numbers k from `first` on; many at a time in vector registers.
    pub fn uniforms(&self, first: u64, out: &mut [f64]) {
        pulp::Arch::new().dispatch(Uniforms { stream: self, first, out });
    }

    #[inline(always)]
    fn fill(&self, first: u64, out: &mut [f64]) {
        const LANES: usize = 8;
        let mut k = first;
        for out in out.chunks_mut(LANES) {
            let mut ctr = [[0; LANES]; 4];
            for l in 0..LANES {
                let k = k.wrapping_add(l as u64);
                (ctr[0][l], ctr[1][l], ctr[2][l], ctr[3][l]) = ((k >> 32) as u32, k as u32, self.instance, self.run);
            }
            let mut key = [self.seed as u32, (self.seed >> 32) as u32];
            for _ in 0..10 {
                for l in 0..LANES {
                    let p0 = u64::from(M0) * u64::from(ctr[0][l]);
                    let p1 = u64::from(M1) * u64::from(ctr[2][l]);
                    ctr[0][l] = (p1 >> 32) as u32 ^ ctr[1][l] ^ key[0];
                    ctr[1][l] = p1 as u32;
                    ctr[2][l] = (p0 >> 32) as u32 ^ ctr[3][l] ^ key[1];
                    ctr[3][l] = p0 as u32;
                }
                key = [key[0].wrapping_add(W0), key[1].wrapping_add(W1)];
            }
            let mut u = [0.0; LANES];
            for l in 0..LANES {
                // 32 and 21 bits, put together without rounding.
                let bits = f64::from(ctr[0][l]) * f64::from(1u32 << 21) + f64::from(ctr[1][l] >> 11);
                u[l] = (bits + 0.5) / (1u64 << 53) as f64;
            }
            out.iter_mut().zip(u).for_each(|(o, u)| *o = u);
            k = k.wrapping_add(LANES as u64);
        }
    }

    /// Standard normal by Box-Muller.
    pub fn normal(&self, cycle: u32, draw: u32) -> f64 {
        let r = philox([cycle, draw, self.instance, self.run], [self.seed as u32, (self.seed >> 32) as u32]);
        let u = (f64::from(r[0]) + 0.5) / 4_294_967_296.0;
        let v = (f64::from(r[1]) + 0.5) / 4_294_967_296.0;
        (-2.0 * u.ln()).sqrt() * (std::f64::consts::TAU * v).cos()
    }
}

struct Uniforms<'a> {
    stream: &'a Stream,
    first: u64,
    out: &'a mut [f64],
}

impl pulp::NullaryFnOnce for Uniforms<'_> {
    type Output = ();

    #[inline(always)]
    fn call(self) {
        self.stream.fill(self.first, self.out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_answers_of_the_philox_paper() {
        // Random123, kat_vectors: philox4x32 10 rounds.
        assert_eq!(philox([0; 4], [0; 2]), [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]);
        assert_eq!(philox([!0; 4], [!0; 2]), [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]);
    }

    #[test]
    fn many_at_a_time_are_the_same_numbers() {
        let s = Stream { seed: 0x1234_5678_9abc_def0, run: 5, instance: 9 };
        for first in [0, 3, (1 << 32) - 5] {
            let mut many = [0.0; 21];
            s.uniforms(first, &mut many);
            for (k, u) in (first..).zip(many) {
                assert_eq!(u.to_bits(), s.uniform((k >> 32) as u32, k as u32).to_bits());
            }
        }
    }

    #[test]
    fn moments() {
        let s = Stream { seed: 7, run: 0, instance: 3 };
        let n = 20_000;
        let (mut m, mut v) = (0.0, 0.0);
        for i in 0..n {
            let x = s.normal(i, 0);
            m += x;
            v += x * x;
        }
        assert!((m / f64::from(n)).abs() < 0.03);
        assert!((v / f64::from(n) - 1.0).abs() < 0.04);
    }
}
