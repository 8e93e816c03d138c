//! Independent sources: `vsource`, `isource`, and `vsource_limited`, a voltage source with current compliance.
//!
//! The three share one parameter table, so that parameter ids mean the same for each.

use super::*;

mod build;
mod drive;
pub mod isource;
pub mod limited;
pub mod noise;
pub mod vsource;
pub mod wave;

pub use build::{WORDS, waveform};

crate::param_table! { pub static INSTANCE = [
    DC: "dc" real "V|A", Range::ANY, "Value in OP and DC (default: the waveform's value at time 0, else 0)";
    ACMAG: "acmag" real "V|A" = 0.0, Range::ANY, "Magnitude of the AC excitation";
    ACPHASE: "acphase" real "°" = 0.0, Range::ANY, "Phase of the AC excitation";
    WAVE: "wave" text "", Range::ANY, "Waveform: pulse sin exp pwl sffm am trnoise trrandom pulsetrain pat";
    ARGS: "args" vector "", Range::ANY, "Arguments of the waveform in its own order";
    REPEAT: "repeat" | "r" real "s", Range::ANY, "pwl: time of the point from which the rest repeats (-1: no); pat: number of repetitions (-1: for ever)";
    TD: "td" real "s" = 0.0, Range::NON_NEGATIVE, "pwl, pulsetrain: delay of the whole waveform";
    PHASE: "phase" real "°" = 0.0, Range::ANY, "pulse: the waveform is advanced by this part of a period";
    BITS: "bits" | "data" text "", Range::ANY, "pat: the pattern, such as `1011` or `b1011`";
    RB: "rb" int "" = 1.0, Range::NON_NEGATIVE, "pat: number of the bit (from 1) at which repetitions start";
    AMP: "amp" | "amplitudes" vector "V|A", Range::ANY, "pulsetrain: amplitude of each pulse, used cyclically";
    WIDTH: "width" real "s", Range::NON_NEGATIVE, "pulsetrain: time at the top of a pulse";
    INTERVAL: "interval" real "s", Range::POSITIVE, "pulsetrain: time from the start of a pulse to the start of the next";
    COUNT: "count" int "", Range::NON_NEGATIVE, "pulsetrain: number of pulses (default: as many as amplitudes; 0: for ever)";
    RISE: "rise" real "s", Range::NON_NEGATIVE, "pulsetrain: time from base to top (default: the print step)";
    FALL: "fall" real "s", Range::NON_NEGATIVE, "pulsetrain: time from top to base (default: rise)";
    BASE: "base" real "V|A" = 0.0, Range::ANY, "pulsetrain: value between pulses";
    COMPLIANCE: "compliance" | "ilim" | "icomp" real "A", Range::POSITIVE, "vsource_limited: largest current, either direction";
    M: "m" real "" = 1.0, Range::POSITIVE, "Number of equal sources in parallel (scales a current, not a voltage)";
] }
