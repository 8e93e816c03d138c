//! Colours and fonts.

use std::sync::Once;

use plotters::style::{FontStyle, RGBColor, register_font};

/// Font families as they stand in SVG; the first is the one that ships with the program for bitmaps.
pub const FAMILY: &str = "DejaVu Sans, Verdana, Arial, sans-serif";

/// The eight hues of M. Okabe and K. Ito, "Color universal design" (2008), without the yellow, which is lost on white.
/// Distinct to people with any common colour vision deficiency.
pub const PALETTE: [RGBColor; 7] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x56, 0xb4, 0xe9),
    RGBColor(0x22, 0x22, 0x22),
];

/// Anchors of a dark-to-bright scale with even steps of lightness, for families of curves (after "viridis", without its
/// bright end).
const SCALE: [(f64, f64, f64); 6] = [
    (68.0, 1.0, 84.0),
    (65.0, 68.0, 135.0),
    (42.0, 120.0, 142.0),
    (34.0, 168.0, 132.0),
    (122.0, 209.0, 81.0),
    (210.0, 200.0, 30.0),
];

/// Colour at `f` (0 to 1) of the scale.
pub fn scale(f: f64) -> RGBColor {
    let p = f.clamp(0.0, 1.0) * (SCALE.len() - 1) as f64;
    let k = (p.floor() as usize).min(SCALE.len() - 2);
    let (a, b, t) = (SCALE[k], SCALE[k + 1], p - k as f64);
    let mix = |x: f64, y: f64| (x + (y - x) * t).round() as u8;
    RGBColor(mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
pub const FRAME: RGBColor = RGBColor(0x55, 0x55, 0x55);
pub const GRID: RGBColor = RGBColor(0xd9, 0xd9, 0xd9);
pub const MINOR_GRID: RGBColor = RGBColor(0xf0, 0xf0, 0xf0);
pub const FAINT: RGBColor = RGBColor(0x8a, 0x8a, 0x8a);

/// Makes the shipped font known to the drawing library, once.
pub fn register_fonts() {
    static DONE: Once = Once::new();
    DONE.call_once(|| {
        let regular = include_bytes!("fonts/DejaVuSans.subset.ttf");
        let bold = include_bytes!("fonts/DejaVuSans-Bold.subset.ttf");
        // A font that does not parse would be a broken build; drawing then reports it.
        let _ = register_font(FAMILY, FontStyle::Normal, regular);
        let _ = register_font(FAMILY, FontStyle::Bold, bold);
    });
}
