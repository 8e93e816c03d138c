//! `ferrospice array gated`: cells with gates.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::json;

use super::args::{Gated, pair, si};
use super::output::{Item, Picture, Report};
use super::{Job, cell, certified};
use crate::array::{
    Climb, Climbed, Defect, DeviceCells, End, LineCells, Lines, Network, NetworkProgram, Plane, TranSettings,
};
use crate::base::units::format_si;
use crate::diag::Diagnostic;
use crate::diag::codes::array::{ARRAY_CELL, ARRAY_LAW, ARRAY_PLACE, ARRAY_SHAPE, ARRAY_WIRE};
use crate::output::npy;
use crate::plot::Heat;

/// Lines, whether they run along rows, and what results are called.
const LINES: &[(&str, &str, &str)] = &[
    ("wl", "wl_currents", "wl_voltages"),
    ("gl", "gl_currents", "gl_voltages"),
    ("bl", "bl_currents", "bl_voltages"),
    ("sl", "sl_currents", "sl_voltages"),
];

/// A cell was disturbed if it moved by more than this share of what the selected one did.
const DISTURBED: f64 = 0.01;

fn wire_fault(text: String) -> Diagnostic {
    Diagnostic::error(ARRAY_WIRE, text)
}

/// Voltages of the lines; `None`: not connected.
fn volts(args: &Gated, name: &str, lines: usize) -> Result<Option<Vec<f64>>, Diagnostic> {
    let given = args.drives.iter().rev().find_map(|d| d.split_once('=').filter(|d| d.0.eq_ignore_ascii_case(name)));
    let Some((_, text)) = given else { return Ok(Some(vec![0.0; lines])) };
    if text.eq_ignore_ascii_case("z") {
        return Ok(None);
    }
    if let Ok(v) = si(text) {
        return if v.is_finite() { Ok(Some(vec![v; lines])) } else { Err(wire_fault(format!("`{name}` at {v} V"))) };
    }
    let m = npy::read_path(Path::new(text))?;
    if m.data.len() != lines {
        let d = format!("`{text}` has {} voltages, there are {lines} lines `{name}`", m.data.len());
        return Err(Diagnostic::error(ARRAY_SHAPE, d));
    }
    match m.data.iter().position(|v| !v.is_finite()) {
        Some(k) => Err(wire_fault(format!("`{text}`, entry {k}: {} V", m.data[k]))),
        None => Ok(Some(m.data)),
    }
}

fn network(args: &Gated) -> Result<(Network<DeviceCells>, (usize, usize)), Vec<Diagnostic>> {
    let Some(file) = &args.device.cell else {
        let d = Diagnostic::error(ARRAY_SHAPE, "no cells are given");
        return Err(vec![d.help("`--cell FILE[:NAME]` and `--size ROWSxCOLS`")]);
    };
    let mut faults = vec![];
    let pins: Vec<String> = args.pins.iter().map(|p| p.to_ascii_lowercase()).collect();
    for (k, p) in pins.iter().enumerate() {
        if !LINES.iter().any(|l| l.0 == p) || pins[..k].contains(p) {
            faults.push(wire_fault(format!("`--pins`: `{p}`")).help("lines are wl, gl, bl and sl, each once"));
        }
    }
    for d in &args.drives {
        let line = d.split_once('=').map(|d| d.0.to_ascii_lowercase());
        if !line.is_some_and(|l| pins.contains(&l)) {
            faults.push(wire_fault(format!("`--drive {d}`: no pin of the cell is on such lines")));
        }
    }
    for (name, x) in [("wire", args.wire), ("capacitance", args.capacitance)] {
        if !(0.0..f64::INFINITY).contains(&x) {
            faults.push(wire_fault(format!("`--{name}` is {x}")));
        }
    }
    if !faults.is_empty() {
        return Err(faults);
    }
    let nodes: Vec<&str> = pins.iter().map(String::as_str).collect();
    let made = cell::cells(&args.device, file, &nodes, args.size)?;
    let (m, n) = (made.rows, made.cols);
    let mut planes = vec![];
    for (name, ..) in LINES.iter().filter(|l| pins.iter().any(|p| p == l.0)) {
        let along_row = matches!(*name, "wl" | "gl") || (*name == "sl" && args.sl_rows);
        let (lines, cells) = if along_row { (m, n) } else { (n, m) };
        let mut plane = Plane::floating(lines, args.wire);
        plane.capacitance = args.capacitance;
        match volts(args, name, lines) {
            Ok(Some(mut v)) => {
                if let Some((row, col)) = args.select {
                    let own = if along_row { row } else { col };
                    v.iter_mut().enumerate().filter(|(line, _)| *line != own).for_each(|(_, v)| *v = 0.0);
                }
                plane.ends[usize::from(!along_row)] = v.iter().map(|v| End::driven(*v, args.wire)).collect();
            }
            Ok(None) => {}
            Err(d) => faults.push(d),
        }
        for o in args.open.iter().filter(|o| o.split(',').next().is_some_and(|w| w.eq_ignore_ascii_case(name))) {
            match o.split_once(',').and_then(|(_, at)| pair(at).ok()).filter(|(l, k)| *l < lines && k + 1 < cells) {
                Some(at) => plane.opens.push(at),
                None => {
                    faults.push(Diagnostic::error(ARRAY_PLACE, format!("`--open {o}`: there is no such segment")).help(
                        format!("lines `{name}` are 0 to {}, positions 0 to {}", lines - 1, cells.saturating_sub(2)),
                    ))
                }
            }
        }
        planes.push(Lines { name, along_row, plane });
    }
    for o in &args.open {
        let line = o.split(',').next().unwrap_or("").to_ascii_lowercase();
        if !pins.contains(&line) {
            faults.push(Diagnostic::error(ARRAY_PLACE, format!("`--open {o}`: no pin of the cell is on such lines")));
        }
    }
    if let Some((i, j)) = args.select.filter(|(i, j)| *i >= m || *j >= n) {
        faults.push(crate::array::geometry::no_cell(i, j, m, n));
    }
    let mut defects = vec![];
    let stuck = args.stuck.iter().map(|text| {
        let parsed = text.split_once('=').and_then(|(at, ohms)| Some((pair(at).ok()?, si(ohms).ok()?)));
        parsed.filter(|p| p.1 > 0.0).map(|(at, ohms)| (at, Defect::Stuck(1.0 / ohms))).ok_or(text)
    });
    for d in args.dead.iter().map(|at| Ok((*at, Defect::Dead))).chain(stuck) {
        match d {
            Ok(((i, j), d)) if i < m && j < n => defects.push((i * n + j, d)),
            Ok(((i, j), _)) => faults.push(crate::array::geometry::no_cell(i, j, m, n)),
            Err(text) => faults.push(
                Diagnostic::error(ARRAY_CELL, format!("`--stuck {text}` is not a cell and a resistance above 0"))
                    .help("e.g. `--stuck 3,5=1k`"),
            ),
        }
    }
    let tap = |p: &String| planes.iter().position(|l| l.name == p).unwrap_or(0);
    let taps = vec![pins.iter().map(tap).collect()];
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut network = Network::new((m, n), planes, taps, made.cells)?;
    let pin = |name: &str| pins.iter().position(|p| p == name);
    let channel = pin("bl").zip(pin("sl")).unwrap_or((0, 1));
    network.set_defects(&defects, channel).map_err(|d| vec![d])?;
    Ok((network, (m, n)))
}

/// The plane whose line of the selected cell rises from pulse to pulse, that line, and the step.
fn rising(args: &Gated, planes: &[Lines], (row, col): (usize, usize)) -> Result<(usize, usize, f64), Diagnostic> {
    let parsed = args.step.split_once('=').and_then(|(name, volts)| Some((name, si(volts).ok()?)));
    let plane = |name: &str| planes.iter().position(|l| l.name.eq_ignore_ascii_case(name));
    let Some((plane, step)) = parsed.filter(|s| s.1.is_finite()).and_then(|(name, step)| Some((plane(name)?, step)))
    else {
        let d = wire_fault(format!("`--step {}` is not a kind of lines and a voltage", args.step));
        return Err(d.help("for example `--step wl=0.05`"));
    };
    Ok((plane, if planes[plane].along_row { row } else { col }, step))
}

/// What the selected cell of an array at rest sees and takes.
fn told(a: &Network<DeviceCells>, pins: &[String], (row, col): (usize, usize), cols: usize, r: &mut Report) {
    let k = row * cols + col;
    let at = |name: &str| a.planes().iter().position(|l| l.name == name);
    let pin = pins.iter().position(|p| p.eq_ignore_ascii_case("bl"));
    let (Some(bl), Some(sl), Some(pin)) = (at("bl"), at("sl"), pin) else { return };
    let driven = a.planes()[bl].plane.ends[1][col].volts;
    let seen = a.voltage(bl, k) - a.voltage(sl, k);
    let line: f64 = [0, 1].iter().map(|e| a.end_current(bl, col, *e)).sum();
    let own = a.cell_currents(k)[pin];
    let _ = writeln!(
        r.text,
        "selected cell     row {row}, column {col}: {} of {}, {} of the {} of its bit line",
        format_si(seen, "V"),
        format_si(driven, "V"),
        format_si(own, "A"),
        format_si(line, "A")
    );
    if let serde_json::Value::Object(o) = &mut r.summary {
        for (name, x) in [("cell_voltage", seen), ("cell_current", own), ("line_current", line)] {
            o.insert(name.into(), json!(x));
        }
    }
}

pub fn run(args: &Gated, job: &Job) -> Result<Report, Vec<Diagnostic>> {
    let one = |d: Diagnostic| vec![d];
    if let Some(bad) = [Some(args.edge), args.pulse, Some(args.reltol)].iter().flatten().find(|x| !(**x > 0.0)) {
        return Err(one(Diagnostic::error(ARRAY_LAW, format!("times and tolerances are above 0, one is {bad}"))));
    }
    let (mut a, (m, n)) = network(args)?;
    let mut r = Report::default();
    let _ = writeln!(r.text, "array             {m} x {n}, lines {}", args.pins.join(", "));
    let stride = LineCells::internals(a.cells()).len();
    // What is followed in time: the first state that is not a voltage, else the first one at all.
    let states = LineCells::internals(a.cells());
    let state = states.iter().position(|i| i.is_dynamic && i.unit != "V").or(states.iter().position(|i| i.is_dynamic));
    let label = state.map(|k| states[k].name.clone()).unwrap_or_default();
    let look = |a: &Network<DeviceCells>| -> Vec<f64> {
        state.map_or(vec![], |k| a.internals().chunks(stride).map(|z| z[k]).collect())
    };
    let before = look(&a);
    if let Some(width) = args.pulse {
        let driven: Vec<Vec<f64>> = a
            .planes()
            .iter()
            .map(|p| p.plane.ends[usize::from(!p.along_row)].iter().map(|e| e.volts).collect())
            .collect();
        let selected = args.select.unwrap_or_default();
        let mut climbed = Climbed::default();
        if let Some(target) = args.target {
            let Some(internal) = state else {
                return Err(one(Diagnostic::error(ARRAY_CELL, "`--target`, and the cells keep no state")));
            };
            let (plane, line, step) = rising(args, a.planes(), selected).map_err(one)?;
            let (cell, most) = (selected.0 * n + selected.1, args.pulses);
            let climb = Climb { plane, line, step, cell, internal, target, most, edge: args.edge, width };
            climbed = a.program_verify(&driven, &climb, args.reltol, &job.control).map_err(one)?;
            for (k, (v, x)) in climbed.pulses.iter().enumerate() {
                let _ = writeln!(r.text, "pulse {:<11} {:>8}  {label} = {x:.6}", k + 1, format_si(*v, "V"));
            }
            let reached = if climbed.is_reached { "target reached" } else { "target not reached" };
            let _ = writeln!(r.text, "pulses            {} ({reached})", climbed.pulses.len());
            let pulses = climbed.pulses.iter().flat_map(|p| [p.0, p.1]).collect();
            r.items.push(Item::matrix("pulses", 2, pulses));
        } else {
            let program = NetworkProgram::pulse(&driven, 0.0, args.edge, width, args.edge);
            let settings = TranSettings { reltol: args.reltol, ..TranSettings::new(width + 4.0 * args.edge) };
            climbed.statistics = a.transient(&program, &settings, &job.control, |_, _| {}).map_err(one)?;
        }
        let s = &climbed.statistics;
        let _ = writeln!(r.text, "energy            {}", format_si(s.energy, "J"));
        let _ =
            writeln!(r.text, "steps             {} accepted, {} rejected, {} Newton", s.accepted, s.rejected, s.newton);
        r.summary = json!({ "rows": m, "cols": n, "energy": s.energy, "steps": s.accepted, "newton": s.newton });
        if let (serde_json::Value::Object(o), true) = (&mut r.summary, args.target.is_some()) {
            o.insert("pulse_count".into(), json!(climbed.pulses.len()));
            o.insert("reached".into(), json!(climbed.is_reached));
        }
        r.is_partial = s.is_partial;
    } else {
        let c = a.solve(&job.settings, &job.control).map_err(one)?;
        r.text += &certified(&c);
        r.summary = json!({
            "rows": m, "cols": n, "residual": c.residual, "worst": c.worst, "newton": a.statistics.newton,
            "power": a.source_power(),
        });
        r.is_partial = c.is_partial;
        if let Some(cell) = args.select {
            told(&a, &args.pins, cell, n, &mut r);
        }
    }
    let after = look(&a);
    for (p, lines) in a.planes().iter().enumerate() {
        let Some((name, currents, voltages)) = LINES.iter().find(|l| l.0 == lines.name) else { continue };
        let i: Vec<f64> = (0..lines.plane.lines()).map(|l| a.end_current(p, l, 0) + a.end_current(p, l, 1)).collect();
        let (low, high) = i.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |s, x| (s.0.min(*x), s.1.max(*x)));
        let _ = writeln!(r.text, "into {name:<12} {} to {} a line", format_si(low, "A"), format_si(high, "A"));
        if let serde_json::Value::Object(o) = &mut r.summary {
            o.insert(format!("{name}_current"), json!(i.iter().sum::<f64>()));
        }
        r.items.push(Item::vector(currents, i));
        r.items.push(Item::matrix(voltages, n, (0..m * n).map(|k| a.voltage(p, k)).collect()));
    }
    let mut heat = Heat { rows: m, cols: n, x_label: "column".into(), y_label: "row".into(), ..Heat::default() };
    if args.pulse.is_some() && state.is_some() {
        let change: Vec<f64> = after.iter().zip(&before).map(|(a, b)| a - b).collect();
        let most = change.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map_or(0, |c| c.0);
        let _ = writeln!(
            r.text,
            "largest change    {label}: {:.6} from {:.6}, row {}, column {}",
            after[most],
            before[most],
            most / n,
            most % n
        );
        if let Some((row, col)) = args.select {
            let own = row * n + col;
            let moved = change.iter().enumerate().filter(|(k, d)| *k != own && d.abs() > DISTURBED * change[own].abs());
            let moved = moved.count();
            let share = 100.0 * DISTURBED;
            let _ = writeln!(r.text, "selected cell     {label}: {:.6} from {:.6}", after[own], before[own]);
            let _ = writeln!(r.text, "other cells       {moved} moved by more than {share} % of that");
            if let serde_json::Value::Object(o) = &mut r.summary {
                o.insert("state".into(), json!(after[own]));
                o.insert("disturbed".into(), json!(moved));
            }
            heat.mark = args.select;
        }
        (heat.title, heat.label, heat.values) = (format!("Change of {label}"), label, change);
        r.items.push(Item::matrix("states", n, after));
        r.items.push(Item::matrix("states_before", n, before));
    } else {
        let currents = (0..m * n).map(|k| a.cell_currents(k)[0]).collect();
        (heat.title, heat.label, heat.unit, heat.values) =
            ("Currents of the cells".into(), "current".into(), "A".into(), currents);
    }
    r.picture = Some(Picture::Heat(Box::new(heat)));
    Ok(r)
}
