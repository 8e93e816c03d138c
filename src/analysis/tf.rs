//! `.tf`: DC small-signal transfer function, input and output resistance.
//!
//! With G the Jacobian at the operating point and b one unit of the input source, `G x = b` gives the transfer
//! function `eᵀx` and what the source sees; one unit put into the output gives the output resistance.

use super::small_signal::{Input, Output};
use super::{meta, op};
use crate::base::Control;
use crate::dataset::{PlotKind, Quantity, Schema, Signal, Sink};
use crate::diag::Diagnostic;
use crate::sim::Simulation;

/// Resistance reported where no current flows at all, Ω.
const OPEN: f64 = 1e20;

pub fn run(
    output: &str,
    input: &str,
    sim: &mut Simulation,
    sink: &mut dyn Sink,
    control: &Control,
) -> Result<(), Vec<Diagnostic>> {
    let mut faults = vec![];
    let output = Output::find(sim, output, None).map_err(|d| faults.extend(d)).ok();
    let input = Input::find(sim, input).map_err(|d| faults.extend(d)).ok();
    let (Some(output), Some(input)) = (output, input) else { return Err(faults) };
    let at = sim.point_dc();
    let mut x = vec![0.0; sim.len()];
    op::solve(sim, &at, &mut x, false, false, control, "")?;
    sim.factor_static(&at, &x)?;

    let mut z = vec![0.0; sim.len()];
    input.unit(&mut z);
    sim.solve_factored(&mut z);
    let transfer = output.of(&z);
    // A voltage source delivers −i; a unit current source drives v(n) − v(p) ahead of itself.
    let resistance = |v: f64, i: f64| if i == 0.0 { OPEN } else { (v / i).clamp(-OPEN, OPEN) };
    let seen_by_input = if input.is_voltage {
        resistance(1.0, -z[input.branch as usize])
    } else {
        z[input.n as usize] - z[input.p as usize]
    };
    output.unit(&mut z);
    sim.solve_factored(&mut z);
    // For a current output the unit is one volt in the branch's own row.
    let seen_by_output = if output.is_voltage { output.of(&z) } else { resistance(1.0, -output.of(&z)) };

    let unit = match (output.is_voltage, input.is_voltage) {
        (true, true) | (false, false) => "",
        (true, false) => "Ω",
        (false, true) => "S",
    };
    let output_name = match output.signal.name.strip_prefix("i(").and_then(|s| s.strip_suffix(')')) {
        Some(source) => format!("{source}#output_impedance"),
        None => format!("output_impedance_at_{}", output.signal.name),
    };
    let signals = vec![
        Signal::new("transfer_function", Quantity::Other(unit)),
        Signal::new(output_name, Quantity::Other("Ω")),
        Signal::new(format!("{}#input_impedance", input.name), Quantity::Other("Ω")),
    ];
    sim.stats.accepted += 1;
    sink.begin(&Schema { kind: PlotKind::Tf, has_axis: false, is_complex: false, signals });
    sink.point(&[transfer, seen_by_output, seen_by_input]);
    sim.accept(&at, &x);
    sim.finish(&at, &x);
    sink.end(meta(sim, false));
    Ok(())
}
