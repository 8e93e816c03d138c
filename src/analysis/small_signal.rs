//! What the frequency-domain analyses share: the circuit linearised about its operating point,
//! `(G + jωC + Y(jω)) z = b`, and ways to name its input and output.

use num_complex::Complex64;

use super::op;
use crate::base::Control;
use crate::circuit::Freq;
use crate::dataset::{Quantity, Signal};
use crate::device::{AcLoad, Point, Unknown};
use crate::diag::Diagnostic;
use crate::diag::codes::small_signal as codes;
use crate::diag::nearest::did_you_mean;
use crate::sim::{Probe, Simulation};
use crate::sparse::{self, Kernel};

/// The operating point and the matrices there.
pub struct SmallSignal {
    pub at: Point,
    /// Operating point, ground included.
    pub x: Vec<f64>,
    /// df/dx and dq/dx by slot, S and F.
    pub g: Vec<f64>,
    pub c: Vec<f64>,
    /// Complex matrix by slot, and excitation by row, of the last [`SmallSignal::assemble`].
    pub y: Vec<Complex64>,
    pub rhs: Vec<Complex64>,
    kernel: Box<dyn Kernel<Complex64>>,
}

impl SmallSignal {
    /// Solves the operating point and linearises there.
    pub fn new(sim: &mut Simulation, control: &Control) -> Result<SmallSignal, Vec<Diagnostic>> {
        let at = sim.point_dc();
        let mut x = vec![0.0; sim.len()];
        op::solve(sim, &at, &mut x, false, false, control, "")?;
        let at = Point { is_small_signal: true, ..at };
        sim.load(&at, &x);
        let info = sim.solver().kernel(&sim.circuit.options.solver);
        let options = sparse::Options { pivrel: sim.circuit.options.pivrel, ..sparse::Options::default() };
        let kernel = (info.complex)(sim.solver(), &options);
        let zero = Complex64::new(0.0, 0.0);
        Ok(SmallSignal {
            at,
            g: sim.g.clone(),
            c: sim.c.clone(),
            y: vec![zero; sim.pattern().slots()],
            rhs: vec![zero; sim.len()],
            x,
            kernel,
        })
    }

    /// Matrix and excitation at a frequency, Hz.
    pub fn assemble(&mut self, sim: &Simulation, freq: f64) {
        let omega = std::f64::consts::TAU * freq;
        for ((y, g), c) in self.y.iter_mut().zip(&self.g).zip(&self.c) {
            *y = Complex64::new(*g, omega * c);
        }
        self.rhs.fill(Complex64::new(0.0, 0.0));
        self.at.hertz = freq;
        for b in sim.batches() {
            b.ac(&self.at, &self.x, omega, &mut AcLoad { rhs: &mut self.rhs, y: &mut self.y });
        }
        self.rhs[0] = Complex64::new(0.0, 0.0);
    }

    /// Assembles and factors.
    pub fn factor(&mut self, sim: &mut Simulation, freq: f64) -> Result<(), Vec<Diagnostic>> {
        self.assemble(sim, freq);
        let before = self.kernel.stats();
        let result = self.kernel.update(&self.y);
        let after = self.kernel.stats();
        sim.stats.factorizations += after.factored - before.factored;
        sim.stats.refactorizations += after.refactored - before.refactored;
        sim.note_kernel(&after, self.kernel.name());
        result.map_err(|s| vec![sim.singular(&s, &format!(" at {freq:.6e} Hz"))])
    }

    /// The analysis ends: devices say what they have to say of the operating point.
    pub fn finish(&self, sim: &mut Simulation) {
        let at = sim.point_dc();
        sim.accept(&at, &self.x);
        sim.finish(&at, &self.x);
    }

    /// Solves in place; component 0 is ground.
    pub fn solve(&mut self, sim: &mut Simulation, z: &mut [Complex64]) {
        sim.stats.solves += 1;
        self.kernel.solve(&mut z[1..]);
        z[0] = Complex64::new(0.0, 0.0);
    }

    /// Solves the transposed (adjoint) system in place.
    pub fn solve_transposed(&mut self, sim: &mut Simulation, z: &mut [Complex64]) {
        sim.stats.solves += 1;
        self.kernel.solve_transposed(&mut z[1..]);
        z[0] = Complex64::new(0.0, 0.0);
    }
}

/// The frequencies of a sweep, Hz; faults in it are reported.
pub fn frequencies(freq: &Freq) -> Result<Vec<f64>, Vec<Diagnostic>> {
    let fault = match freq {
        Freq::Lin(n, a, b) => *n == 0 || !(*a >= 0.0 && b >= a),
        Freq::Dec(n, a, b) | Freq::Oct(n, a, b) => *n == 0 || !(*a > 0.0 && b >= a),
        Freq::List(v) => v.is_empty() || v.iter().any(|f| f.is_nan() || *f < 0.0),
    };
    let points = if fault { vec![] } else { freq.points() };
    if points.is_empty() || points.iter().any(|f| !f.is_finite()) {
        let text = match freq {
            Freq::Lin(n, a, b) => format!("`lin {n} {a} {b}`"),
            Freq::Dec(n, a, b) => format!("`dec {n} {a} {b}`"),
            Freq::Oct(n, a, b) => format!("`oct {n} {a} {b}`"),
            Freq::List(_) => "the list".into(),
        };
        return Err(vec![Diagnostic::error(codes::BAD_FREQUENCIES, format!("{text} holds no usable frequency"))]);
    }
    Ok(points)
}

/// An output: the difference of two unknowns.
#[derive(Clone, Debug)]
pub struct Output {
    pub signal: Signal,
    pub p: Unknown,
    pub n: Unknown,
    pub is_voltage: bool,
}

impl Output {
    /// `v(a)`, `v(a,b)`, `i(v1)` or a bare node; `reference` is a second node.
    pub fn find(sim: &Simulation, text: &str, reference: Option<&str>) -> Result<Output, Vec<Diagnostic>> {
        let fault = |text: &str| {
            let mut d =
                Diagnostic::error(codes::NO_OUTPUT, format!("`{text}` is no node voltage or branch current here"));
            d.help.extend(sim.suggest(text));
            vec![d]
        };
        let (mut signal, probe) = sim.probe(text).ok_or_else(|| fault(text))?;
        let (p, mut n) = match probe {
            Probe::Unknown(u) => (u, 0),
            Probe::Difference(a, b) => (a, b),
            _ => return Err(fault(text)),
        };
        if let Some(r) = reference {
            match sim.probe(r) {
                Some((_, Probe::Unknown(u))) if n == 0 => n = u,
                _ => return Err(fault(r)),
            }
            if let Some(inner) = signal.name.strip_prefix("v(").and_then(|s| s.strip_suffix(')')) {
                signal.name = format!("v({inner},{})", r.trim().to_ascii_lowercase()).into();
            }
        }
        Ok(Output { is_voltage: signal.quantity == Quantity::Voltage, signal, p, n })
    }

    /// The vector e with output = eᵀ x.
    pub fn unit<T: sparse::Scalar>(&self, out: &mut [T]) {
        out.fill(T::ZERO);
        out[self.p as usize] += T::ONE;
        out[self.n as usize] -= T::ONE;
        out[0] = T::ZERO;
    }

    pub fn of<T: sparse::Scalar>(&self, x: &[T]) -> T {
        x[self.p as usize] - x[self.n as usize]
    }
}

/// An independent source as an input.
#[derive(Clone, Debug)]
pub struct Input {
    pub name: String,
    pub is_voltage: bool,
    /// Terminals.
    pub p: Unknown,
    pub n: Unknown,
    /// Branch current of a voltage source, else 0.
    pub branch: Unknown,
    /// Parallel multiplicity of a current source.
    m: f64,
}

impl Input {
    pub fn find(sim: &Simulation, name: &str) -> Result<Input, Vec<Diagnostic>> {
        let circuit = &sim.circuit;
        let is_source = |letter: char| matches!(letter, 'v' | 'i');
        if let Some((g, k)) = circuit.instance(name) {
            let group = &circuit.groups[g];
            let info = group.info();
            let instance = group.get(k);
            if let (true, &[p, n, ..]) = (is_source(info.letter), instance.nodes) {
                let branch = match sim.probe(&format!("i({name})")) {
                    Some((_, Probe::Unknown(u))) if info.letter == 'v' => u,
                    _ => 0,
                };
                let m = crate::device::param::find(info.instance, "m").and_then(|id| sim.batch(g).param(k, id));
                let name = circuit.names.get(instance.name).to_string();
                return Ok(Input { name, is_voltage: info.letter == 'v', p, n, branch, m: m.unwrap_or(1.0) });
            }
        }
        let sources = circuit.groups.iter().filter(|g| is_source(g.info().letter)).flat_map(|g| g.iter());
        let known: Vec<&str> = sources.map(|i| circuit.names.get(i.name)).collect();
        let mut d = Diagnostic::error(codes::NO_INPUT, format!("no independent source `{name}`"));
        d.help.extend(did_you_mean(name, known));
        Err(vec![d])
    }

    /// Right-hand side of one volt or one ampere of this source.
    pub fn unit<T: sparse::Scalar>(&self, out: &mut [T]) {
        out.fill(T::ZERO);
        if self.is_voltage {
            out[self.branch as usize] += T::ONE;
        } else {
            // The source's current leaves the first node into it and enters the second from it.
            out[self.p as usize] -= T::from(self.m);
            out[self.n as usize] += T::from(self.m);
        }
        out[0] = T::ZERO;
    }

    /// λᵀ b for the right-hand side of [`Input::unit`].
    pub fn gain<T: sparse::Scalar>(&self, adjoint: &[T]) -> T {
        if self.is_voltage {
            adjoint[self.branch as usize]
        } else {
            (adjoint[self.n as usize] - adjoint[self.p as usize]).times(self.m)
        }
    }
}
