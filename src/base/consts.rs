//! Physical constants (CODATA 2018: e, k and h are exact by the SI of 2019).

/// Elementary charge, C.
pub const Q: f64 = 1.602_176_634e-19;
/// Boltzmann constant, J/K.
pub const K: f64 = 1.380_649e-23;
/// Planck constant, J s.
pub const H: f64 = 6.626_070_15e-34;
/// Vacuum permittivity, F/m.
pub const EPS0: f64 = 8.854_187_812_8e-12;
/// Relative permittivity of silicon and of its oxide, as SPICE has always had them.
pub const EPS_SI: f64 = 11.7 * EPS0;
pub const EPS_OX: f64 = 3.9 * EPS0;
/// Zero of the Celsius scale, K.
pub const ZERO_C: f64 = 273.15;
/// Boltzmann over charge, V/K: the thermal voltage is `K_Q * temperature`.
pub const K_Q: f64 = K / Q;
/// The reference temperature of SPICE, K (27 °C).
pub const T_REF: f64 = 300.15;
