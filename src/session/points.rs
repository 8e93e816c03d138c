//! The outer sweeps: `.step`, `.temp` with several values, `.data`. Their points in order, and what each overrides.

use crate::circuit::{Circuit, Overrides, Step, SweepTarget};

/// One point of the nested outer sweeps.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SweepPoint {
    pub values: Vec<(SweepTarget, f64)>,
}

impl SweepPoint {
    /// Names and values for tables and headers: `r`, `temp`, `r1[tc1]`, `nch(vto)`.
    pub fn named(&self) -> Vec<(String, f64)> {
        self.values.iter().map(|(t, v)| (target_name(t), *v)).collect()
    }

    /// `r=1000, temp=27`; empty for the only point of a deck without sweeps.
    pub fn label(&self) -> String {
        self.named().iter().map(|(n, v)| format!("{n}={}", shortest(*v))).collect::<Vec<_>>().join(", ")
    }

    /// The base overrides (command line) with this point's on top.
    pub fn overrides(&self, base: &Overrides, run: usize) -> Overrides {
        let mut over = base.clone();
        over.run = run as u32;
        for (target, v) in &self.values {
            match target {
                SweepTarget::Param(p) => over.params.push((p.clone(), *v)),
                SweepTarget::Instance(i, p) => over.instances.push((i.clone(), p.clone(), *v)),
                SweepTarget::Source(s) => over.instances.push((s.clone(), Some("dc".into()), *v)),
                SweepTarget::Model(m, p) => over.models.push((m.clone(), p.clone(), *v)),
                SweepTarget::Temp => over.temp_c = Some(*v),
            }
        }
        over
    }
}

/// `1000`, `0.5`, `1e-9`: all digits, very small and very large values with an exponent.
pub fn shortest(x: f64) -> String {
    let is_plain = x == 0.0 || (1e-3..1e7).contains(&x.abs());
    if is_plain { format!("{x}") } else { format!("{x:e}") }
}

pub fn target_name(t: &SweepTarget) -> String {
    match t {
        SweepTarget::Source(s) | SweepTarget::Param(s) | SweepTarget::Instance(s, None) => s.clone(),
        SweepTarget::Instance(s, Some(p)) => format!("{s}[{p}]"),
        SweepTarget::Model(m, p) => format!("{m}({p})"),
        SweepTarget::Temp => "temp".into(),
    }
}

/// All points, the last sweep fastest. A deck without sweeps has one point.
pub fn all(circuit: &Circuit) -> Vec<SweepPoint> {
    nest(&circuit.steps)
}

fn nest(steps: &[Step]) -> Vec<SweepPoint> {
    let mut points = vec![SweepPoint::default()];
    for step in steps {
        points = points
            .iter()
            .flat_map(|p| {
                step.rows.iter().map(move |row| {
                    let mut values = p.values.clone();
                    values.extend(step.targets.iter().cloned().zip(row.iter().copied()));
                    SweepPoint { values }
                })
            })
            .collect();
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Span;

    fn step(targets: &[SweepTarget], rows: &[&[f64]]) -> Step {
        Step { targets: targets.to_vec(), rows: rows.iter().map(|r| r.to_vec()).collect(), span: Span::NOWHERE }
    }

    #[test]
    fn the_last_sweep_is_fastest() {
        let r = SweepTarget::Param("r".into());
        let points = nest(&[step(&[r], &[&[1.0], &[2.0]]), step(&[SweepTarget::Temp], &[&[0.0], &[27.0], &[85.0]])]);
        let labels: Vec<String> = points.iter().map(SweepPoint::label).collect();
        assert_eq!(
            labels,
            ["r=1, temp=0", "r=1, temp=27", "r=1, temp=85", "r=2, temp=0", "r=2, temp=27", "r=2, temp=85"]
        );
        let over = points[4].overrides(&Overrides::default(), 4);
        assert_eq!((over.run, over.temp_c, over.params), (4, Some(27.0), vec![("r".into(), 2.0)]));
        assert_eq!(nest(&[]).len(), 1);
        assert_eq!((shortest(1e-9), shortest(1500.0), shortest(0.25)), ("1e-9".into(), "1500".into(), "0.25".into()));
    }

    #[test]
    fn targets_of_one_card_move_together() {
        let (a, b) = (SweepTarget::Source("v1".into()), SweepTarget::Model("nch".into(), "vto".into()));
        let points = nest(&[step(&[a, b], &[&[1.0, 0.4], &[2.0, 0.5]])]);
        assert_eq!(points[1].label(), "v1=2, nch(vto)=0.5");
        let over = points[1].overrides(&Overrides::default(), 1);
        assert_eq!(over.instances, vec![("v1".into(), Some("dc".into()), 2.0)]);
        assert_eq!(over.models, vec![("nch".into(), "vto".into(), 0.5)]);
    }
}
