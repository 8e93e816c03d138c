//! The native devices, in the order in which the reference pages list them.

use std::sync::{Arc, OnceLock};

use super::DeviceType;

/// One instance of each native device type.
pub fn all() -> &'static [Arc<dyn DeviceType>] {
    static ALL: OnceLock<Vec<Arc<dyn DeviceType>>> = OnceLock::new();
    ALL.get_or_init(|| {
        vec![
            // one line per device
            Arc::new(super::resistor::Resistor),
            Arc::new(super::capacitor::Capacitor),
            Arc::new(super::inductor::Inductor),
            Arc::new(super::mutual::Mutual),
            Arc::new(super::source::vsource::Vsource),
            Arc::new(super::source::isource::Isource),
            Arc::new(super::source::limited::VsourceLimited),
            Arc::new(super::controlled::Vcvs),
            Arc::new(super::controlled::Vccs),
            Arc::new(super::controlled::Cccs),
            Arc::new(super::controlled::Ccvs),
            Arc::new(super::behavioural::BsourceV),
            Arc::new(super::behavioural::BsourceI),
            Arc::new(super::behavioural::Rexpr),
            Arc::new(super::behavioural::Cexpr),
            Arc::new(super::behavioural::Lexpr),
            Arc::new(super::laplace::LaplaceV),
            Arc::new(super::laplace::LaplaceI),
            Arc::new(super::switch::Vswitch),
            Arc::new(super::switch::Cswitch),
            Arc::new(super::tline::Tline),
            Arc::new(super::diode::Diode),
            Arc::new(super::bjt::Bjt),
            Arc::new(super::jfet::Jfet),
            Arc::new(super::mosfet::Mosfet::<super::mosfet::One>::new()),
            Arc::new(super::mosfet::Mosfet::<super::mosfet::Two>::new()),
            Arc::new(super::mosfet::Mosfet::<super::mosfet::Three>::new()),
            Arc::new(super::mesfet::Mesfet),
        ]
    })
}

pub fn by_name(name: &str) -> Option<Arc<dyn DeviceType>> {
    all().iter().find(|t| t.info().name == name).cloned()
}

/// The type selected by element letter, `.model` type word and level.
pub fn by_model(letter: char, type_word: &str, level: u32) -> Option<Arc<dyn DeviceType>> {
    all()
        .iter()
        .find(|t| {
            let i = t.info();
            i.letter == letter
                && i.model_types.iter().any(|(w, _)| w.eq_ignore_ascii_case(type_word))
                && (i.levels.is_empty() || i.levels.contains(&level))
        })
        .cloned()
}
