//! Draws a [`Figure`]. The layout is in logical pixels. The drawing library's coordinates are whole numbers, so SVG gets it eight
//! times as large inside a view box, and PNG in parts of a pixel ([`super::raster`]).

use plotters::coord::Shift;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::raster::{self, Raster};
use super::style::{self, FAINT, FAMILY, FRAME, INK, MINOR_GRID, PALETTE};
use super::ticks::{self, Ticks};
use super::{Axis, Colour, Figure, Mark, Pane, Trace, curve};
use crate::diag::Diagnostic;
use crate::diag::codes::results::{CANNOT_DRAW, NOTHING_TO_PLOT};

const SVG_SCALE: u32 = 8;
pub(super) const TICK_SIZE: f64 = 12.0;
pub(super) const LABEL_SIZE: f64 = 13.5;
pub(super) const TITLE_SIZE: f64 = 16.0;
const LEGEND_ROW: f64 = 19.0;
const PANE_GAP: f64 = 16.0;

pub(super) fn cannot_draw(e: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::error(CANNOT_DRAW, format!("the picture could not be drawn: {e}"))
}

pub(super) fn svg(figure: &Figure) -> Result<String, Diagnostic> {
    style::register_fonts();
    check_size(figure, 1.0)?;
    let (w, h) = (figure.width, figure.height);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, (w * SVG_SCALE, h * SVG_SCALE)).into_drawing_area();
        draw(figure, &Canvas { area: &area, scale: f64::from(SVG_SCALE) })?;
        area.present().map_err(cannot_draw)?;
    }
    let big = format!("width=\"{}\" height=\"{}\"", w * SVG_SCALE, h * SVG_SCALE);
    Ok(text.replacen(&big, &format!("width=\"{w}\" height=\"{h}\""), 1))
}

pub(super) fn png(figure: &Figure, scale: f64) -> Result<Vec<u8>, Diagnostic> {
    style::register_fonts();
    if !(scale.is_finite() && (0.2..=16.0).contains(&scale)) {
        return Err(cannot_draw(format!("a scale of {scale} is out of range (0.2 to 16)")));
    }
    check_size(figure, scale)?;
    let w = (f64::from(figure.width) * scale).round().max(1.0) as usize;
    let h = (f64::from(figure.height) * scale).round().max(1.0) as usize;
    let mut rgb = vec![255u8; 3 * w * h];
    {
        let area = Raster::new(&mut rgb, w, h).into_drawing_area();
        draw(figure, &Canvas { area: &area, scale: f64::from(raster::SUB) * scale })?;
        area.present().map_err(cannot_draw)?;
    }
    encode_png(&rgb, w, h, scale)
}

/// RGB pixels as a PNG file; `scale` of them for each logical one.
pub(super) fn encode_png(rgb: &[u8], w: usize, h: usize, scale: f64) -> Result<Vec<u8>, Diagnostic> {
    let mut bytes = vec![];
    let mut encoder = png::Encoder::new(&mut bytes, w as u32, h as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_filter(png::FilterType::NoFilter);
    encoder.set_compression(png::Compression::Best);
    let dots = (96.0 * scale / 0.0254).round() as u32;
    encoder.set_pixel_dims(Some(png::PixelDimensions { xppu: dots, yppu: dots, unit: png::Unit::Meter }));
    let mut writer = encoder.write_header().map_err(cannot_draw)?;
    writer.write_image_data(rgb).map_err(cannot_draw)?;
    writer.finish().map_err(cannot_draw)?;
    Ok(bytes)
}

fn check_size(figure: &Figure, scale: f64) -> Result<(), Diagnostic> {
    let pixels = f64::from(figure.width) * f64::from(figure.height) * scale * scale;
    if !(1.0..=1e8).contains(&pixels) || figure.width > 20_000 || figure.height > 20_000 {
        return Err(cannot_draw(format!("{} x {} pixels are too few or too many", figure.width, figure.height)));
    }
    Ok(())
}

/// A drawing area with logical, fractional coordinates.
pub(super) struct Canvas<'a, DB: DrawingBackend> {
    pub area: &'a DrawingArea<DB, Shift>,
    pub scale: f64,
}

#[derive(Clone, Copy)]
pub(super) struct Font {
    pub size: f64,
    pub is_bold: bool,
    pub colour: RGBColor,
}

impl Font {
    pub fn new(size: f64, colour: RGBColor) -> Font {
        Font { size, is_bold: false, colour }
    }
}

impl<DB: DrawingBackend> Canvas<'_, DB> {
    pub fn px(&self, x: f64) -> i32 {
        (x * self.scale).round().clamp(-1e8, 1e8) as i32
    }

    pub fn line(&self, points: &[(f64, f64)], colour: RGBColor, width: f64) -> Result<(), Diagnostic> {
        let mut p: Vec<(i32, i32)> = points.iter().map(|p| (self.px(p.0), self.px(p.1))).collect();
        p.dedup();
        if p.len() < 2 {
            // A lone point is still to be seen.
            return points.first().map_or(Ok(()), |p| self.dot(*p, colour, 0.5 * width));
        }
        let style = ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: self.px(width).max(1) as u32 };
        self.area.draw(&PathElement::new(p, style)).map_err(cannot_draw)
    }

    fn dot(&self, at: (f64, f64), colour: RGBColor, radius: f64) -> Result<(), Diagnostic> {
        let dot = Circle::new((self.px(at.0), self.px(at.1)), self.px(radius).max(1), colour.filled());
        self.area.draw(&dot).map_err(cannot_draw)
    }

    fn style(&self, font: Font, pos: Pos, is_upright: bool) -> TextStyle<'static> {
        let weight = if font.is_bold { FontStyle::Bold } else { FontStyle::Normal };
        let desc = FontDesc::new(FontFamily::Name(FAMILY), font.size * self.scale, weight);
        let desc = if is_upright { desc.transform(FontTransform::Rotate270) } else { desc };
        let mut style = TextStyle::from(desc).pos(pos);
        style.color = font.colour.to_backend_color();
        style
    }

    pub fn text(&self, s: &str, at: (f64, f64), font: Font, h: HPos, v: VPos) -> Result<(), Diagnostic> {
        let style = self.style(font, Pos::new(h, v), false);
        self.area.draw(&Text::new(s.to_string(), (self.px(at.0), self.px(at.1)), style)).map_err(cannot_draw)
    }

    pub fn upright(&self, s: &str, at: (f64, f64), font: Font) -> Result<(), Diagnostic> {
        let style = self.style(font, Pos::new(HPos::Center, VPos::Center), true);
        self.area.draw(&Text::new(s.to_string(), (self.px(at.0), self.px(at.1)), style)).map_err(cannot_draw)
    }

    pub fn width(&self, s: &str, font: Font) -> f64 {
        let style = self.style(font, Pos::new(HPos::Left, VPos::Top), false);
        self.area.estimate_text_size(s, &style).map_or(7.0 * s.chars().count() as f64, |w| f64::from(w.0) / self.scale)
    }

    /// The text, cut with an ellipsis where it is wider than `room`.
    pub fn fit(&self, s: &str, font: Font, room: f64) -> String {
        if self.width(s, font) <= room {
            return s.to_string();
        }
        let mut t: Vec<char> = s.chars().take(400).collect();
        while t.len() > 1 {
            t.pop();
            let short = format!("{}…", t.iter().collect::<String>().trim_end());
            if self.width(&short, font) <= room {
                return short;
            }
        }
        "…".into()
    }
}

/// A data range on the way to pixels.
#[derive(Clone, Copy, Debug)]
struct Scale {
    lo: f64,
    hi: f64,
    is_log: bool,
}

impl Scale {
    /// The axis's own range, or that of the values with its margin; `None` when no value can be shown.
    fn new<'a>(axis: &Axis, values: impl Iterator<Item = &'a f64>) -> Option<Scale> {
        let is_log = axis.is_log;
        let usable = |x: f64| x.is_finite() && (!is_log || x > 0.0);
        if let Some((a, b)) = axis.range
            && usable(a)
            && usable(b)
            && a != b
        {
            return Some(Scale { lo: a.min(b), hi: a.max(b), is_log });
        }
        let (mut lo, mut hi) = (f64::INFINITY, f64::NEG_INFINITY);
        let all: Vec<f64> = values.copied().collect();
        for x in all.iter().copied().filter(|x| usable(*x)) {
            lo = lo.min(x);
            hi = hi.max(x);
        }
        if lo > hi {
            return None;
        }
        if is_log {
            // A curve that passes through zero reaches down to nothing: the axis ends a little below all but its
            // smallest hundredth.
            let mut positive: Vec<f64> = all.iter().copied().filter(|x| usable(*x)).collect();
            let n = positive.len() / 100;
            let (_, low, _) = positive.select_nth_unstable_by(n, f64::total_cmp);
            lo = lo.max(1e-3 * *low);
            let (mut a, mut b) = (lo.log10(), hi.log10());
            if b - a < 1e-6 {
                (a, b) = (a - 0.5, b + 0.5);
            }
            let m = axis.margin * (b - a);
            return Some(Scale {
                lo: 10f64.powf(a - m).max(f64::MIN_POSITIVE),
                hi: 10f64.powf(b + m).min(1e300),
                is_log,
            });
        }
        let large = lo.abs().max(hi.abs());
        if hi - lo <= 1e-9 * large || hi == lo {
            let half = if large == 0.0 { 1.0 } else { 0.05 * large };
            return Some(Scale { lo: lo - half, hi: hi + half, is_log });
        }
        let m = axis.margin * (hi - lo);
        Some(Scale { lo: lo - m, hi: hi + m, is_log })
    }

    fn fraction(&self, x: f64) -> f64 {
        if self.is_log {
            if x <= 0.0 { f64::NAN } else { (x / self.lo).log10() / (self.hi / self.lo).log10() }
        } else {
            (x - self.lo) / (self.hi - self.lo)
        }
    }

    fn ticks(&self, room: usize, unit: &str) -> Ticks {
        if self.is_log { ticks::log(self.lo, self.hi, room, unit) } else { ticks::linear(self.lo, self.hi, room, unit) }
    }
}

/// `time (µs)`
fn axis_label(axis: &Axis, prefix: &str) -> String {
    let unit = format!("{prefix}{}", axis.unit);
    let unit = unit.trim();
    match (axis.label.as_str(), unit) {
        (l, "") => l.to_string(),
        ("", u) => u.to_string(),
        (l, u) => format!("{l} ({u})"),
    }
}

/// Traces that get a legend entry: all of a few, evenly picked ones of many.
fn legend_of(pane: &Pane) -> Vec<&Trace> {
    let mut named: Vec<&Trace> = vec![];
    for t in pane.traces.iter().filter(|t| !t.name.is_empty()) {
        if !named.iter().any(|n| n.name == t.name && n.colour == t.colour) {
            named.push(t);
        }
    }
    let is_family = named.iter().all(|t| matches!(t.colour, Colour::Scale(_)));
    let most = if is_family { 8 } else { 24 };
    if named.len() <= most {
        return named;
    }
    if is_family {
        return (0..most).map(|k| named[k * (named.len() - 1) / (most - 1)]).collect();
    }
    named.truncate(most);
    named
}

fn colour_of(c: Colour) -> RGBColor {
    match c {
        Colour::Nth(k) => PALETTE[k % PALETTE.len()],
        Colour::Scale(f) => style::scale(f),
    }
}

fn is_dashed(c: Colour) -> bool {
    matches!(c, Colour::Nth(k) if (k / PALETTE.len()) % 2 == 1)
}

/// Legend entries in rows: (trace, text, x offset).
fn legend_rows<'f, DB: DrawingBackend>(
    c: &Canvas<DB>,
    pane: &'f Pane,
    room: f64,
) -> Vec<Vec<(&'f Trace, String, f64)>> {
    let font = Font::new(TICK_SIZE, INK);
    let mut rows: Vec<Vec<(&Trace, String, f64)>> = vec![];
    let mut x = f64::INFINITY;
    for t in legend_of(pane) {
        let text = c.fit(&t.name, font, room - 34.0);
        let w = 34.0 + c.width(&text, font);
        if x + w > room {
            rows.push(vec![]);
            x = 0.0;
        }
        if let Some(row) = rows.last_mut() {
            row.push((t, text, x));
        }
        x += w + 18.0;
    }
    rows
}

fn draw<DB: DrawingBackend>(figure: &Figure, c: &Canvas<DB>) -> Result<(), Diagnostic> {
    c.area.fill(&WHITE).map_err(cannot_draw)?;
    let (width, height) = (f64::from(figure.width), f64::from(figure.height));
    let all_x = figure.panes.iter().flat_map(|p| &p.traces).flat_map(|t| &t.x);
    let nothing = || Diagnostic::error(NOTHING_TO_PLOT, "nothing to plot: no trace has a point that can be drawn");
    let xs = Scale::new(&figure.x, all_x).ok_or_else(nothing)?;
    let drawn: Vec<(&Pane, Scale)> =
        figure.panes.iter().filter_map(|p| Some((p, Scale::new(&p.y, p.traces.iter().flat_map(|t| &t.y))?))).collect();
    if drawn.is_empty() {
        return Err(nothing());
    }
    let tick_font = Font::new(TICK_SIZE, INK);
    let label_font = Font::new(LABEL_SIZE, INK);

    // Heights. The room of the panes is shared equally; legends are counted with a first guess of the width.
    let top = if figure.title.is_empty() { 12.0 } else { 40.0 };
    let has_footer = !figure.footer.is_empty();
    let bottom = 6.0 + TICK_SIZE + 8.0 + LABEL_SIZE + 10.0 + if has_footer { 15.0 } else { 0.0 };
    let legends: Vec<_> = drawn.iter().map(|(p, _)| legend_rows(c, p, width - 120.0)).collect();
    let legend_height: f64 = legends.iter().map(|l| l.len() as f64 * LEGEND_ROW + 3.0).sum();
    let gaps = PANE_GAP * (drawn.len() - 1) as f64;
    let pane_height = (height - top - bottom - legend_height - gaps) / drawn.len() as f64;
    if pane_height < 24.0 || width < 160.0 {
        return Err(cannot_draw(format!(
            "{} panes with their legends do not fit into {} x {} pixels",
            drawn.len(),
            figure.width,
            figure.height
        )));
    }

    // Widths: the widest tick label of all panes, so that the panes align.
    let room_y = ((pane_height / 42.0) as usize).clamp(2, 10);
    let y_ticks: Vec<Ticks> = drawn.iter().map(|(p, s)| s.ticks(room_y, &p.y.unit)).collect();
    let widest = y_ticks.iter().flat_map(|t| &t.major).map(|(_, text)| c.width(text, tick_font)).fold(20.0, f64::max);
    let left = 10.0 + LABEL_SIZE + 10.0 + widest + 8.0;
    let x_ticks = xs.ticks(((width - left) / if xs.is_log { 60.0 } else { 95.0 }) as usize, &figure.x.unit);
    let last = x_ticks.major.last().map_or(0.0, |(x, text)| {
        // How far the last number reaches beyond the frame.
        0.5 * c.width(text, tick_font) - (1.0 - xs.fraction(*x)) * (width - left - 20.0)
    });
    let right = width - (last.max(8.0) + 12.0);

    if !figure.title.is_empty() {
        let font = Font { size: TITLE_SIZE, is_bold: true, colour: INK };
        let text = c.fit(&figure.title, font, width - 24.0);
        c.text(&text, (0.5 * (left + right), 21.0), font, HPos::Center, VPos::Center)?;
    }

    let mut y = top;
    let count = drawn.len();
    for (n, (((pane, ys), t), rows)) in drawn.iter().zip(&y_ticks).zip(&legends).enumerate() {
        for row in rows {
            for (trace, text, dx) in row {
                let (x0, mid) = (left + dx, y + 0.5 * LEGEND_ROW - 1.0);
                let colour = colour_of(trace.colour);
                let sample = [(x0, mid), (x0 + 26.0, mid)];
                if trace.mark != Mark::Dots {
                    stroke(c, &sample, trace, figure.line_width.max(1.5))?;
                }
                if trace.mark != Mark::Line {
                    c.dot((x0 + 13.0, mid), colour, 3.0)?;
                }
                c.text(text, (x0 + 32.0, mid), tick_font, HPos::Left, VPos::Center)?;
            }
            y += LEGEND_ROW;
        }
        y += 3.0;
        let frame = Frame { left, right, top: y, bottom: y + pane_height, x: xs, y: *ys };
        pane_of(c, figure, pane, &frame, &x_ticks, t, n + 1 == count)?;
        y += pane_height + PANE_GAP;
    }
    let base = y - PANE_GAP + 6.0 + TICK_SIZE + 8.0 + 0.5 * LABEL_SIZE;
    let label = c.fit(&axis_label(&figure.x, &x_ticks.prefix), label_font, right - left);
    c.text(&label, (0.5 * (left + right), base), label_font, HPos::Center, VPos::Center)?;
    if has_footer {
        let font = Font::new(9.5, FAINT);
        let text = c.fit(&figure.footer, font, width - 24.0);
        c.text(&text, (right, height - 10.0), font, HPos::Right, VPos::Center)?;
    }
    Ok(())
}

struct Frame {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
    x: Scale,
    y: Scale,
}

impl Frame {
    fn px(&self, x: f64) -> f64 {
        self.left + self.x.fraction(x) * (self.right - self.left)
    }

    fn py(&self, y: f64) -> f64 {
        self.bottom - self.y.fraction(y) * (self.bottom - self.top)
    }
}

fn pane_of<DB: DrawingBackend>(
    c: &Canvas<DB>,
    figure: &Figure,
    pane: &Pane,
    f: &Frame,
    xt: &Ticks,
    yt: &Ticks,
    has_x_labels: bool,
) -> Result<(), Diagnostic> {
    let tick_font = Font::new(TICK_SIZE, INK);
    let vertical = |x: f64| [(f.px(x), f.top), (f.px(x), f.bottom)];
    let level = |y: f64| [(f.left, f.py(y)), (f.right, f.py(y))];
    for (is_minor, colour, width) in [(true, MINOR_GRID, 0.5), (false, style::GRID, 0.75)] {
        let xs: Vec<f64> = if is_minor { xt.minor.clone() } else { xt.major.iter().map(|m| m.0).collect() };
        let ys: Vec<f64> = if is_minor { yt.minor.clone() } else { yt.major.iter().map(|m| m.0).collect() };
        // A grid finer than this is grey paper.
        let is_fine = |n: usize, length: f64| is_minor && n as f64 * 5.0 > length;
        if !is_fine(xs.len(), f.right - f.left) {
            xs.iter().try_for_each(|x| c.line(&vertical(*x), colour, width))?;
        }
        if !is_fine(ys.len(), f.bottom - f.top) {
            ys.iter().try_for_each(|y| c.line(&level(*y), colour, width))?;
        }
    }
    // The zero lines, where they are inside.
    if !f.y.is_log && f.y.lo < 0.0 && f.y.hi > 0.0 {
        c.line(&level(0.0), FAINT, 0.75)?;
    }
    if !f.x.is_log && f.x.lo < 0.0 && f.x.hi > 0.0 {
        c.line(&vertical(0.0), FAINT, 0.75)?;
    }
    let (bx, by) = ((f.left, f.right), (f.top, f.bottom));
    for trace in &pane.traces {
        let to_px = |x: f64, y: f64| (f.px(x), f.py(y));
        for piece in curve::pieces(&trace.x, &trace.y, &to_px) {
            if trace.mark != Mark::Dots {
                for part in curve::clip(&piece, bx, by) {
                    stroke(c, &part, trace, figure.line_width)?;
                }
            }
            if trace.mark != Mark::Line {
                let inside = |p: &&(f64, f64)| p.0 >= bx.0 && p.0 <= bx.1 && p.1 >= by.0 && p.1 <= by.1;
                for p in piece.iter().filter(inside) {
                    c.dot(*p, colour_of(trace.colour), figure.line_width + 0.8)?;
                }
            }
        }
    }
    let frame = [(f.left, f.top), (f.right, f.top), (f.right, f.bottom), (f.left, f.bottom), (f.left, f.top)];
    frame.windows(2).try_for_each(|w| c.line(w, FRAME, 1.0))?;
    for (y, text) in &yt.major {
        c.line(&[(f.left, f.py(*y)), (f.left - 4.0, f.py(*y))], FRAME, 1.0)?;
        c.text(text, (f.left - 7.0, f.py(*y)), tick_font, HPos::Right, VPos::Center)?;
    }
    for (x, text) in &xt.major {
        c.line(&[(f.px(*x), f.bottom), (f.px(*x), f.bottom + 4.0)], FRAME, 1.0)?;
        if has_x_labels {
            c.text(text, (f.px(*x), f.bottom + 6.0 + 0.5 * TICK_SIZE), tick_font, HPos::Center, VPos::Center)?;
        }
    }
    let font = Font::new(LABEL_SIZE, INK);
    let label = c.fit(&axis_label(&pane.y, &yt.prefix), font, f.bottom - f.top + 10.0);
    c.upright(&label, (10.0 + 0.5 * LABEL_SIZE, 0.5 * (f.top + f.bottom)), font)
}

fn stroke<DB: DrawingBackend>(
    c: &Canvas<DB>,
    line: &[(f64, f64)],
    trace: &Trace,
    width: f64,
) -> Result<(), Diagnostic> {
    let colour = colour_of(trace.colour);
    if is_dashed(trace.colour) {
        return curve::dash(line, 7.0, 4.0).iter().try_for_each(|d| c.line(d, colour, width));
    }
    c.line(line, colour, width)
}
