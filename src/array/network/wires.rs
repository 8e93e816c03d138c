//! The wires of a network: the numbers of their nodes, their conductances, their names.

use super::Lines;
use crate::array::geometry::place;
use crate::array::sweeps::SideSpec;
use crate::diag::Diagnostic;
use crate::diag::codes::array::ARRAY_NO_CONVERGENCE;
use crate::sparse::dissection::placed::NOWHERE;

/// Cell at position `k` of a line.
pub(super) fn crossing(along_row: bool, line: usize, k: usize, cols: usize) -> usize {
    if along_row { line * cols + k } else { k * cols + line }
}

/// Numbers the nodes of a plane that no source holds.
pub(super) fn number(
    p: &Lines,
    (rows, cols): (usize, usize),
    places: &mut Vec<[u32; 2]>,
    capacitance: &mut Vec<f64>,
) -> Vec<u32> {
    let mut node = vec![0u32; rows * cols];
    let (lines, nodes) = if p.along_row { (rows, cols) } else { (cols, rows) };
    let is_ideal = p.plane.segment == 0.0;
    let held = |line: usize, end: usize| p.plane.ends[end][line].ohms == 0.0;
    if is_ideal {
        for line in (0..lines).filter(|l| !held(*l, 0) && !held(*l, 1)) {
            places.push(NOWHERE);
            capacitance.push(p.plane.capacitance * nodes as f64);
            (0..nodes).for_each(|k| node[crossing(p.along_row, line, k, cols)] = places.len() as u32);
        }
        return node;
    }
    // In the order of the cells, so that a pass over these is one over memory.
    for (at, u) in node.iter_mut().enumerate() {
        let (line, k) = if p.along_row { (at / cols, at % cols) } else { (at % cols, at / cols) };
        let is_held = (k == 0 && held(line, 0)) || (k + 1 == nodes && held(line, 1));
        if !is_held {
            places.push([(at / cols) as u32, (at % cols) as u32]);
            capacitance.push(p.plane.capacitance);
            *u = places.len() as u32;
        }
    }
    node
}

/// All segments and ends: unknowns on both sides (0: held), conductance, and the voltages that hold them.
pub(super) fn stamps(
    planes: &[Lines],
    node: &[Vec<u32>],
    (rows, cols): (usize, usize),
    each: &mut dyn FnMut(u32, u32, f64, [f64; 2]),
) {
    for (p, node) in planes.iter().zip(node) {
        let (lines, nodes) = if p.along_row { (rows, cols) } else { (cols, rows) };
        let g = 1.0 / p.plane.segment;
        let mut opens = p.plane.opens.clone();
        opens.sort_unstable();
        for line in 0..lines {
            let ends = [p.plane.ends[0][line], p.plane.ends[1][line]];
            let at = |k: usize| crossing(p.along_row, line, k, cols);
            let first_held = ends[0].ohms == 0.0;
            let volts = |k: usize| if k == 0 && first_held { ends[0].volts } else { ends[1].volts };
            if p.plane.segment > 0.0 {
                for k in 1..nodes {
                    if opens.binary_search(&(line, k - 1)).is_err() {
                        each(node[at(k - 1)], node[at(k)], g, [volts(k - 1), volts(k)]);
                    }
                }
            }
            for (e, k) in [(0, 0), (1, nodes - 1)] {
                if !ends[e].is_floating() && ends[e].ohms > 0.0 && node[at(k)] != 0 {
                    // Towards the source, which is held.
                    each(node[at(k)], 0, ends[e].conductance(), [0.0, ends[e].volts]);
                }
            }
        }
    }
}

/// A plane by cell, for the solution line by line.
pub(super) fn side<'a>(p: &Lines, node: &'a [u32], (rows, cols): (usize, usize)) -> SideSpec<'a> {
    let (mut wire, mut ends) = (vec![0.0; rows * cols], vec![0.0; rows * cols]);
    let (lines, nodes) = if p.along_row { (rows, cols) } else { (cols, rows) };
    for line in 0..lines {
        let at = |k: usize| crossing(p.along_row, line, k, cols);
        (1..nodes).for_each(|k| wire[at(k - 1)] = 1.0 / p.plane.segment);
        for (e, k) in [(0, 0), (1, nodes - 1)] {
            let end = p.plane.ends[e][line];
            if !end.is_floating() && end.ohms > 0.0 {
                ends[at(k)] += end.conductance();
            }
        }
    }
    for &(line, k) in &p.plane.opens {
        wire[crossing(p.along_row, line, k, cols)] = 0.0;
    }
    SideSpec { along_row: p.along_row, wire, ends, node }
}

pub(super) fn name(planes: &[Lines], node: &[Vec<u32>], unknown: u32, cols: usize) -> String {
    for (p, node) in planes.iter().zip(node) {
        if let Some(cell) = node.iter().position(|u| *u == unknown) {
            return format!("the {} line at {}", p.name, place(cell, cols));
        }
    }
    "a line".into()
}

pub(super) fn undetermined(planes: &[Lines], node: &[Vec<u32>], unknown: u32, cols: usize) -> Diagnostic {
    let d = format!("nothing determines the voltage of {}", name(planes, node, unknown, cols));
    Diagnostic::error(ARRAY_NO_CONVERGENCE, d)
}
