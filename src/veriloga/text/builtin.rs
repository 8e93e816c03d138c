//! The standard headers of Verilog-AMS, for models that include them without shipping them.

/// The text of a standard header, by any of the names under which models include it.
pub fn header(name: &str) -> Option<(&'static str, &'static str)> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    match base.as_str() {
        "disciplines.vams" | "disciplines.va" | "disciplines.h" | "discipline.h" | "discipline.vams"
        | "discipline.va" => Some(("<disciplines.vams>", include_str!("disciplines.vams"))),
        "constants.vams" | "constants.va" | "constants.h" | "constant.h" | "constant.vams" | "constant.va" => {
            Some(("<constants.vams>", include_str!("constants.vams")))
        }
        "driver_access.vams" => Some(("<driver_access.vams>", "")),
        _ => None,
    }
}
