//! The model doctor: what differences, sums and small steps tell about a compiled module.
//!
//! ```text
//! derivatives   df/dx and dq/dx against five-point differences at two step sizes, at pseudo-random points
//! charge        sum of contents over the rows of nodes: zero unless a branch ends at the reference
//! continuity    f and q along straight lines through the space of the unknowns: a jump that stays when the step is halved
//!               forty times
//! parameters    each one at the ends of its range, at half and twice its default: is everything finite?
//! ```

use std::sync::Arc;

use super::bind::{VaDevice, VaType};
use super::hir::{ExprId, ExprKind, Module, OperatorKind, RangeSet, UnOp};
use super::lower::UnknownSource;
use crate::base::rng::Stream;
use crate::base::{Names, Sym};
use crate::device::{
    Batch, Binder, DeviceType, Env, Group, IterMem, Load, ParamId, Point, Slot, Unknown, UnknownKind, Value, Wiring,
};
use crate::diag::codes::va_device as codes;
use crate::diag::{Diagnostic, Span};

/// Points at which derivatives are compared.
const POINTS: usize = 200;
/// Lines on which jumps are looked for, and points on each.
const LINES: usize = 24;
const ON_LINE: usize = 400;
/// Instances that the sweep over parameters may make.
const MAX_BUILDS: usize = 4000;

/// What was found.
pub struct Checkup {
    pub findings: Vec<Diagnostic>,
    pub points: usize,
    /// Entries compared, those left out because the function is not smooth there, and the largest relative deviation.
    pub entries: usize,
    pub rough: usize,
    pub worst: f64,
    /// Parameter values tried.
    pub values: usize,
}

/// Rows and columns by number; 0 is the reference.
struct Dense {
    n: u32,
}

impl Wiring for Dense {
    fn slot(&mut self, row: Unknown, col: Unknown) -> Slot {
        if row == 0 || col == 0 { 0 } else { 1 + row * self.n + col }
    }
}

/// One instance, alone.
struct Bench {
    batch: Box<dyn Batch>,
    /// Unknowns with the reference.
    n: usize,
    memory: Vec<f64>,
    /// By unknown.
    names: Vec<String>,
    kinds: Vec<UnknownKind>,
}

struct Values {
    f: Vec<f64>,
    q: Vec<f64>,
    g: Vec<f64>,
    c: Vec<f64>,
}

impl Bench {
    fn new(dev: &Arc<VaDevice>, params: &[(ParamId, f64)]) -> Result<Bench, Vec<Diagnostic>> {
        let ty = VaType(dev.clone());
        let env = Env::default();
        let mut table = Names::new();
        let mut group = Group::new(Arc::new(ty.clone()));
        let terminals = ty.info().terminals.len();
        let none: [Sym; 0] = [];
        let given = params.iter().map(|(id, x)| (*id, Value::Num(*x)));
        group.push(table.intern("dut"), Span::NOWHERE, None, 1..=terminals as u32, none, given);
        let mut batch = ty.batch(&group, &env)?;
        let specs = batch.unknowns();
        let n = 1 + terminals + specs.len();
        let internals: Vec<Unknown> = (1 + terminals as u32..n as u32).collect();
        batch.assign(&Binder { internals: &internals, branch: &|_| 0 });
        let mut wiring = Dense { n: n as u32 };
        batch.connect(&mut wiring);
        batch.set_temperature(env.temp);
        let mut names = vec!["reference".to_string()];
        let mut kinds = vec![UnknownKind::Voltage];
        for (k, t) in ty.info().terminals.iter().enumerate() {
            names.push(t.name.to_string());
            kinds.push(dev.kind_of_terminal(k));
        }
        for s in specs {
            names.push(s.name.to_string());
            kinds.push(s.kind);
        }
        let memory = vec![0.0; batch.iter_len()];
        Ok(Bench { batch, n, memory, names, kinds })
    }

    /// Evaluates until limiting functions have settled.
    fn eval(&mut self, x: &[f64]) -> Values {
        let at = Point { is_static: false, ..Point::dc() };
        let size = 1 + self.n * self.n + self.n;
        let mut v = Values { f: vec![], q: vec![], g: vec![], c: vec![] };
        for _ in 0..100 {
            v = Values { f: vec![0.0; self.n], q: vec![0.0; self.n], g: vec![0.0; size], c: vec![0.0; size] };
            let mut mem = IterMem { values: &mut self.memory, limited: false, reused: 0 };
            let mut load = Load { f: &mut v.f, q: &mut v.q, g: &mut v.g, c: &mut v.c };
            self.batch.eval(&at, x, &mut mem, &mut load);
            if !mem.limited {
                break;
            }
        }
        v
    }

    /// Terminals anywhere in a volt and a half; internal nodes near one of them, since far from all of them a model is
    /// rarely meant to work; flows and states small.
    fn point(&self, terminals: usize, k: usize) -> Vec<f64> {
        let s = Stream { seed: 1, run: 0, instance: 7 };
        let mut x = vec![0.0; self.n];
        for u in 1..self.n {
            let r = 2.0 * s.uniform(k as u32, u as u32) - 1.0;
            x[u] = match self.kinds[u] {
                UnknownKind::Voltage if u <= terminals => 1.5 * r,
                UnknownKind::Voltage => {
                    let near = (s.uniform(k as u32, 1000 + u as u32) * (terminals + 1) as f64) as usize;
                    x[near.min(terminals)] + 0.05 * r
                }
                UnknownKind::Current => 1e-3 * r,
                UnknownKind::State { unit: "K", .. } => 5.0 * (r + 1.0),
                UnknownKind::State { .. } => 0.5 * (r + 1.0),
            };
        }
        x
    }
}

/// Examines a module with its default parameters, then with others.
pub fn examine(m: &Module, dev: &Arc<VaDevice>) -> Result<Checkup, Vec<Diagnostic>> {
    let mut bench = Bench::new(dev, &[])?;
    let terminals = dev.program().lowered.unknowns.len().min(m.ports.len());
    let mut c = Checkup { findings: vec![], points: POINTS, entries: 0, rough: 0, worst: 0.0, values: 0 };
    implicit_charges(m, dev, &mut c);
    derivatives(m, &mut bench, terminals, &mut c);
    charge(m, dev, &mut bench, terminals, &mut c);
    continuity(m, &mut bench, terminals, &mut c);
    parameters(m, dev, terminals, &mut c);
    Ok(c)
}

/// C(v) dv/dt is not the derivative of a charge.
fn implicit_charges(m: &Module, dev: &VaDevice, c: &mut Checkup) {
    let l = &dev.program().lowered;
    let made = l.unknowns.iter().filter(|u| u.source == UnknownSource::Implicit && u.name.starts_with("ddt")).count();
    let written = m.operators.values().filter(|o| matches!(o.kind, OperatorKind::Ddt { .. })).count();
    if made > 0 {
        c.findings.push(
            Diagnostic::lint(
                codes::NOT_A_CHARGE,
                format!("{made} of {written} `ddt` are multiplied or compared with something that moves"),
            )
            .at(m.span, "in this module")
            .help("write the derivative of a charge, `ddt(q(v))`, instead of `c(v) * ddt(v)`"),
        );
    }
}

fn derivatives(m: &Module, b: &mut Bench, terminals: usize, c: &mut Checkup) {
    let mut worst: Option<(f64, String)> = None;
    for k in 0..POINTS {
        let x = b.point(terminals, k);
        let base = b.eval(&x);
        if !base.f.iter().chain(&base.q).chain(&base.g).chain(&base.c).all(|v| v.is_finite()) {
            let d = Diagnostic::warning(codes::NOT_FINITE, "an equation is infinite or no number at a moderate point")
                .at(m.span, "in this module")
                .note(format!("the point: {}", point_text(b, &x)));
            if !c.findings.iter().any(|f| f.code == d.code) {
                c.findings.push(d);
            }
            continue;
        }
        for col in 1..b.n {
            let h = 1e-4 * x[col].abs().max(1e-2);
            let mut slope = |h: f64| -> (Vec<f64>, Vec<f64>, Vec<f64>) {
                let mut at = |s: f64| {
                    let mut y = x.clone();
                    y[col] += s * h;
                    b.eval(&y)
                };
                let [p, n, p2, n2] = [1.0, -1.0, 2.0, -2.0].map(&mut at);
                let d = |p: &[f64], n: &[f64], p2: &[f64], n2: &[f64]| -> Vec<f64> {
                    (0..p.len()).map(|r| (8.0 * (p[r] - n[r]) - (p2[r] - n2[r])) / (12.0 * h)).collect()
                };
                let size = p.f.iter().zip(&n.f).map(|(a, b)| (a.abs() + b.abs()) * 1e-14 / h).collect();
                (d(&p.f, &n.f, &p2.f, &n2.f), d(&p.q, &n.q, &p2.q, &n2.q), size)
            };
            let (coarse, fine) = (slope(h), slope(0.5 * h));
            for row in 1..b.n {
                for (exact, d1, d2) in [(&base.g, coarse.0[row], fine.0[row]), (&base.c, coarse.1[row], fine.1[row])] {
                    let a = exact[1 + row * b.n + col];
                    let largest = (1..b.n).map(|k| exact[1 + row * b.n + k].abs()).fold(0.0, f64::max);
                    let scale = a.abs().max(d2.abs()).max(1e-4 * largest);
                    // Numbers below the normal ones have no digits to compare.
                    if scale < 1e-290 {
                        continue;
                    }
                    c.entries += 1;
                    let noise = coarse.2[row] / scale;
                    // What differences of two sizes disagree about is not smooth at this scale.
                    if (d1 - d2).abs() > 1e-5 * scale || noise > 1e-5 {
                        c.rough += 1;
                        continue;
                    }
                    let e = (a - d2).abs() / scale;
                    c.worst = c.worst.max(e);
                    if e > 1e-3 && worst.as_ref().is_none_or(|w| e > w.0) {
                        let text = format!(
                            "row `{}`, column `{}`: {a:.6e} and by differences {d2:.6e}, at {}",
                            b.names[row],
                            b.names[col],
                            point_text(b, &x)
                        );
                        worst = Some((e, text));
                    }
                }
            }
        }
    }
    if let Some((e, text)) = worst {
        c.findings.push(
            Diagnostic::warning(codes::WRONG_DERIVATIVE, format!("a derivative is off by {:.1} %", 100.0 * e))
                .at(m.span, "in this module")
                .note(text),
        );
    }
}

fn point_text(b: &Bench, x: &[f64]) -> String {
    let all: Vec<String> = (1..b.n.min(9)).map(|u| format!("{} = {:.4}", b.names[u], x[u])).collect();
    all.join(", ")
}

/// Contents of node rows must cancel where no branch ends at the reference.
fn charge(m: &Module, dev: &VaDevice, b: &mut Bench, terminals: usize, c: &mut Checkup) {
    let l = &dev.program().lowered;
    let grounded = l.branches.iter().any(|br| br.hi.is_none() || br.lo.is_none());
    let is_node = |u: usize| matches!(b.kinds[u], UnknownKind::Voltage);
    let nodes: Vec<usize> = (1..b.n).filter(|u| is_node(*u)).collect();
    for k in 0..20 {
        let x = b.point(terminals, k);
        let v = b.eval(&x);
        let sum: f64 = nodes.iter().map(|u| v.q[*u]).sum();
        let size: f64 = nodes.iter().map(|u| v.q[*u].abs()).sum();
        if size > 0.0 && sum.is_finite() && sum.abs() > 1e-9 * size {
            let (message, help) = if grounded {
                ("charge goes to the global reference", "connect the branch to a terminal instead of to ground")
            } else {
                ("charge is not conserved", "every `ddt` should be contributed to a branch between two nodes")
            };
            c.findings.push(
                Diagnostic::lint(codes::CHARGE_LOST, message)
                    .at(m.span, "in this module")
                    .note(format!("the contents of all nodes sum to {sum:.3e} C of {size:.3e} C"))
                    .help(help),
            );
            return;
        }
    }
}

fn continuity(m: &Module, b: &mut Bench, terminals: usize, c: &mut Checkup) {
    let mut found: Vec<(f64, String)> = vec![];
    for line in 0..LINES {
        let (from, to) = (b.point(terminals, 5000 + 2 * line), b.point(terminals, 5001 + 2 * line));
        let at = |t: f64| -> Vec<f64> { from.iter().zip(&to).map(|(a, b)| a + t * (b - a)).collect() };
        let values = |b: &mut Bench, t: f64| -> Vec<f64> {
            let v = b.eval(&at(t));
            v.f.into_iter().chain(v.q).collect()
        };
        let all: Vec<Vec<f64>> = (0..=ON_LINE).map(|k| values(b, k as f64 / ON_LINE as f64)).collect();
        for r in 1..all[0].len() {
            let span = all.iter().map(|v| v[r].abs()).fold(0.0, f64::max);
            for k in 1..ON_LINE {
                let step = |k: usize| (all[k + 1][r] - all[k][r]).abs();
                if !span.is_finite() || step(k) <= 1e-6 * span || step(k) < 4.0 * step(k - 1).max(1e-12 * span) {
                    continue;
                }
                let (mut lo, mut hi) = (k as f64 / ON_LINE as f64, (k + 1) as f64 / ON_LINE as f64);
                let (mut a, mut z) = (all[k][r], all[k + 1][r]);
                for _ in 0..40 {
                    let mid = 0.5 * (lo + hi);
                    let y = values(b, mid)[r];
                    if (y - a).abs() > (z - y).abs() {
                        (hi, z) = (mid, y);
                    } else {
                        (lo, a) = (mid, y);
                    }
                }
                let jump = (z - a).abs();
                if jump > 1e-3 * step(k) && jump > 1e-9 * span {
                    let (row, what) = if r < b.n { (r, "flow into") } else { (r - b.n, "content of") };
                    let text = format!(
                        "the {what} `{}` jumps from {a:.6e} to {z:.6e} at {}",
                        b.names[row],
                        point_text(b, &at(lo))
                    );
                    found.push((jump / span, text));
                }
            }
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    if let Some((_, text)) = found.first() {
        let mut d = Diagnostic::lint(codes::JUMP, "an equation jumps").at(m.span, "in this module").note(text.clone());
        if found.len() > 1 {
            d = d.note(format!("{} such places on {LINES} lines", found.len()));
        }
        c.findings.push(d.help("Newton's method cannot land on a jump: join the pieces by a smooth transition"));
    }
}

/// A number that stands in the text.
fn number(m: &Module, e: ExprId) -> Option<f64> {
    match &m.exprs[e].kind {
        ExprKind::Real(x) => Some(*x),
        ExprKind::Int(k) => Some(f64::from(*k)),
        ExprKind::Unary(UnOp::Neg, a) => number(m, *a).map(|x| -x),
        ExprKind::Cast(a) => number(m, *a),
        _ => None,
    }
}

fn parameters(m: &Module, dev: &Arc<VaDevice>, terminals: usize, c: &mut Checkup) {
    let info = VaType(dev.clone());
    let info = info.info();
    let mut bad: Vec<String> = vec![];
    for p in m.params.values() {
        let Some(id) = info.instance.iter().position(|s| s.name.eq_ignore_ascii_case(&p.name)) else { continue };
        let Some(default) = info.instance[id].default else { continue };
        let is_int = p.ty == super::hir::Ty::Int;
        let mut tries = vec![0.5 * default, 2.0 * default];
        for r in p.ranges.iter().filter(|r| !r.is_exclude) {
            if let RangeSet::Interval { lo, hi, lo_inclusive, hi_inclusive } = &r.set {
                for (end, inclusive) in [(number(m, *lo), *lo_inclusive), (number(m, *hi), *hi_inclusive)] {
                    let Some(end) = end.filter(|x| x.is_finite() && x.abs() < 1e9) else { continue };
                    tries.push(if inclusive { end } else { end + 1e-3 * (default - end) });
                }
            }
        }
        for x in tries {
            let x = if is_int { x.round() } else { x };
            if x == default || c.values >= MAX_BUILDS {
                continue;
            }
            // Values that the declared range excludes are refused: that is as it should be.
            let Ok(mut b) = Bench::new(dev, &[(id as ParamId, x)]) else { continue };
            c.values += 1;
            for k in 0..3 {
                let point = b.point(terminals, 900 + k);
                let v = b.eval(&point);
                if !v.f.iter().chain(&v.q).chain(&v.g).chain(&v.c).all(|x| x.is_finite()) {
                    bad.push(format!("{} = {x}", p.name));
                    break;
                }
            }
        }
    }
    if !bad.is_empty() {
        let shown = bad[..bad.len().min(12)].join(", ");
        let more = if bad.len() > 12 { format!(" and {} more", bad.len() - 12) } else { String::new() };
        c.findings.push(
            Diagnostic::lint(codes::BAD_VALUES, "parameter values that the module allows give infinite results")
                .at(m.span, "in this module")
                .note(format!("each alone, the others at their defaults: {shown}{more}"))
                .help("narrow the ranges (`from`, `exclude`) or guard the expressions"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::SourceMap;
    use crate::veriloga::{Options, bind::BackEnd, parse_and_check};

    fn codes_of(text: &str) -> Vec<&'static str> {
        let text = format!("`include \"disciplines.vams\"\n{text}");
        let files = |p: &std::path::Path| match p.to_str() {
            Some("t.va") => Ok(text.clone()),
            _ => Err(std::io::Error::from(std::io::ErrorKind::NotFound)),
        };
        let mut sources = SourceMap::new();
        let (modules, d) = parse_and_check(&files, std::path::Path::new("t.va"), &mut sources, &Options::default());
        assert!(!modules.is_empty(), "{d:?}");
        let dev = Arc::new(VaDevice::compile(&modules[0], BackEnd::Native).unwrap());
        let c = examine(&modules[0], &dev).unwrap();
        assert!(c.worst < 1e-6, "{}", c.worst);
        c.findings.iter().map(|d| d.code.0).collect()
    }

    #[test]
    fn a_clean_model_has_no_findings() {
        let found = codes_of(
            "module d(a, c); inout a, c; electrical a, c, i; parameter real is = 1e-14 from (0:1); parameter real r = 10 from (0:inf);
             analog begin I(a, i) <+ V(a, i) / r; I(i, c) <+ is * (limexp(V(i, c) / 0.025) - 1) + ddt(1e-12 * V(i, c)); end endmodule",
        );
        assert!(found.is_empty(), "{found:?}");
    }

    #[test]
    fn each_fault_is_found() {
        let found = codes_of(
            "module d(a, c); inout a, c; electrical a, c; parameter real k = 1 from [0:10];
             analog begin
               I(a, c) <+ (V(a, c) > 0.3) ? 1e-3 : 0.0;
               I(a, c) <+ (1 + V(a, c)) * ddt(1e-12 * V(a, c));
               I(a) <+ ddt(1e-12 * V(a)) + V(a) / k;
             end endmodule",
        );
        for c in [codes::JUMP, codes::NOT_A_CHARGE, codes::CHARGE_LOST, codes::BAD_VALUES] {
            assert!(found.contains(&c.0), "{} of {found:?}", c.0);
        }
    }
}
