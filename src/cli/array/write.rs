//! `ferrospice array write`.

use std::fmt::Write as _;

use serde_json::json;

use super::args::Write;
use super::output::{Item, Picture, Report};
use super::{Job, input};
use crate::array::write::{Pulse, program_verify, ready, write};
use crate::array::{Drift, DriftCells};
use crate::base::units::format_si;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_LAW, ARRAY_SHAPE};
use crate::output::npy;
use crate::plot::Heat;

/// A state that moved by more than this was disturbed, by more than the other it switched.
const DISTURBED: f64 = 0.01;
const SWITCHED: f64 = 0.5;

pub fn run(args: &Write, job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let one = |d: Diagnostic| vec![d];
    let (rows, cols, x) = match (&args.states, args.size) {
        (Some(path), _) => {
            let m = npy::read_path(path).map_err(one)?;
            (m.rows, m.cols, m.data)
        }
        (None, Some((m, n))) if m > 0 && n > 0 && m.saturating_mul(n) <= crate::array::geometry::MAX_CELLS => {
            (m, n, vec![args.state; m * n])
        }
        _ => {
            let d = Diagnostic::error(ARRAY_SHAPE, "no cells are given");
            return Err(vec![d.help("`--size ROWSxCOLS`, or `--states FILE`")]);
        }
    };
    let mut faults = vec![];
    for (name, v) in [("width", args.width), ("edge", args.edge), ("reltol", args.reltol)] {
        if !(v > 0.0 && v.is_finite()) {
            faults.push(Diagnostic::error(ARRAY_LAW, format!("`--{name}` is {v}; it must be above 0")));
        }
    }
    let mut wiring = input::wiring(&args.wires, rows, cols).map_err(|d| faults.extend(d)).ok();
    if let Some(w) = &mut wiring {
        (w.word_capacitance, w.bit_capacitance) = (args.capacitance, args.capacitance);
    }
    let drift = Drift {
        off: 1.0 / args.off,
        on: 1.0 / args.on,
        kappa: args.kappa,
        rate: args.rate,
        v0: args.v0,
        window: args.window,
    };
    let cells = DriftCells::new(drift, x, cols).map_err(|d| faults.extend(d)).ok();
    let (Some(wiring), Some(cells)) = (wiring, cells) else { return Err(faults) };
    if !faults.is_empty() {
        return Err(faults);
    }
    let (scheme, (row, col)) = input::selection(&args.selection, &wiring).map_err(one)?;
    let pulse = Pulse { row, col, scheme, volts: args.selection.voltage, edge: args.edge, width: args.width };
    let mut array = ready(&wiring, cells, &pulse)?;
    let selected = row * cols + col;
    let mut r = Report::default();
    r.messages.extend(array.warning());
    let _ = writeln!(r.text, "array             {rows} x {cols}, scheme {}", args.selection.scheme);
    let before: Vec<f64> = array.internals().to_vec();
    if let Some(target) = args.target {
        let plan = (args.step.abs().copysign(pulse.volts), target, args.pulses);
        let (list, energy, is_partial) =
            program_verify(&mut array, &wiring, &pulse, plan, args.reltol, &job.control).map_err(one)?;
        for (k, (v, x)) in list.iter().enumerate() {
            let _ = writeln!(r.text, "pulse {:<11} {:>8}  x = {x:.6}", k + 1, format_si(*v, "V"));
        }
        let reached = list.last().is_some_and(|l| if pulse.volts >= 0.0 { l.1 >= target } else { l.1 <= target });
        let _ = writeln!(
            r.text,
            "pulses            {} ({}), {}",
            list.len(),
            if reached { "target reached" } else { "target not reached" },
            format_si(energy, "J")
        );
        r.summary = json!({
            "row": row, "col": col, "pulses": list.len(), "reached": reached, "energy": energy,
            "state": list.last().map(|l| l.1),
        });
        r.is_partial = is_partial;
        r.items.push(Item::matrix("pulses", 2, list.iter().flat_map(|l| [l.0, l.1]).collect()));
    } else {
        let w = write(&mut array, &wiring, &pulse, args.reltol, &job.control).map_err(one)?;
        let s = &w.statistics;
        let _ = writeln!(
            r.text,
            "selected cell     row {row}, column {col}: x = {:.6} from {:.6}",
            w.after[selected], w.before[selected]
        );
        let (switched, disturbed) = (w.disturbed(selected, SWITCHED), w.disturbed(selected, DISTURBED));
        let _ = writeln!(r.text, "other cells       {switched} switched, {disturbed} moved by more than {DISTURBED}");
        let _ = writeln!(r.text, "energy            {}", format_si(s.energy, "J"));
        let _ = writeln!(
            r.text,
            "steps             {} accepted, {} rejected, {} Newton, {} inner",
            s.accepted, s.rejected, s.newton, s.inner
        );
        r.summary = json!({
            "row": row, "col": col, "state": w.after[selected], "switched": switched, "disturbed": disturbed,
            "energy": s.energy, "steps": s.accepted,
        });
        r.is_partial = s.is_partial;
    }
    let after = array.internals().to_vec();
    r.picture = Some(Picture::Heat(Box::new(Heat {
        title: format!("Change of the states, {}", args.selection.scheme),
        rows,
        cols,
        values: after.iter().zip(&before).map(|(a, b)| a - b).collect(),
        label: "change of x".into(),
        x_label: "column".into(),
        y_label: "row".into(),
        mark: Some((row, col)),
        ..Heat::default()
    })));
    r.items.insert(0, Item::matrix("states", cols, after));
    r.items.insert(1, Item::matrix("states_before", cols, before));
    Ok(r)
}
