//! A bitmap to draw on, with smooth lines.
//!
//! Coordinates are in fractions 1/[`SUB`] of a pixel. A line covers a pixel by how far the pixel's centre lies inside the set
//! of points within half a line width of it: joints are round, and a curve of any number of short pieces is covered once.
//! Text is drawn [`SUB`] times as large and averaged down.

use std::convert::Infallible;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

/// Parts of a pixel.
pub const SUB: u32 = 8;

/// Capital letters' height over the font size as the drawing library counts it (ascent to descent).
const CAP_HEIGHT: f64 = 0.626;

/// The bitmap: 8-bit RGB, row by row.
pub struct Raster<'a> {
    width: usize,
    height: usize,
    rgb: &'a mut [u8],
    /// Coverage of what is being drawn, and the pixels it may have touched: x0, x1, y0, y1.
    mask: Vec<f32>,
    touched: Option<(usize, usize, usize, usize)>,
}

type Done = Result<(), DrawingErrorKind<Infallible>>;

impl<'a> Raster<'a> {
    /// Draws over `rgb`, which has 3 `width` `height` bytes.
    pub fn new(rgb: &'a mut [u8], width: usize, height: usize) -> Raster<'a> {
        debug_assert_eq!(rgb.len(), 3 * width * height);
        Raster { width, height, rgb, mask: vec![0.0; width * height], touched: None }
    }

    fn touch(&mut self, x: (usize, usize), y: (usize, usize)) {
        self.touched = Some(match self.touched {
            Some((a, b, c, d)) => (a.min(x.0), b.max(x.1), c.min(y.0), d.max(y.1)),
            None => (x.0, x.1, y.0, y.1),
        });
    }

    /// Adds the points within `radius` of a segment (pixels).
    fn capsule(&mut self, a: (f64, f64), b: (f64, f64), radius: f64) {
        // Lines thinner than a pixel are a pixel wide and pale.
        let (r, strength) = if radius < 0.5 { (0.5, (2.0 * radius) as f32) } else { (radius, 1.0) };
        let reach = r + 0.5;
        let (dx, dy) = (b.0 - a.0, b.1 - a.1);
        let length2 = dx * dx + dy * dy;
        let y_lo = (a.1.min(b.1) - reach).floor().max(0.0) as usize;
        let y_hi = (a.1.max(b.1) + reach).ceil().min(self.height as f64 - 1.0);
        if y_hi < 0.0 {
            return;
        }
        for y in y_lo..=(y_hi as usize).min(self.height.saturating_sub(1)) {
            let cy = y as f64 + 0.5;
            // The stretch of the segment that can reach this row.
            let (mut t0, mut t1) = (0.0f64, 1.0f64);
            if dy.abs() > 1e-9 {
                let (p, q) = ((cy - reach - a.1) / dy, (cy + reach - a.1) / dy);
                t0 = t0.max(p.min(q));
                t1 = t1.min(p.max(q));
                if t0 > t1 {
                    continue;
                }
            }
            let (p, q) = (a.0 + t0 * dx, a.0 + t1 * dx);
            let x_lo = (p.min(q) - reach).floor().max(0.0) as usize;
            let x_hi = (p.max(q) + reach).ceil().min(self.width as f64 - 1.0);
            if x_hi < 0.0 || x_lo > x_hi as usize {
                continue;
            }
            for x in x_lo..=x_hi as usize {
                let cx = x as f64 + 0.5;
                let t = if length2 == 0.0 { 0.0 } else { ((cx - a.0) * dx + (cy - a.1) * dy) / length2 };
                let t = t.clamp(0.0, 1.0);
                let d = (cx - a.0 - t * dx).hypot(cy - a.1 - t * dy);
                let cover = (reach - d).clamp(0.0, 1.0) as f32 * strength;
                let m = &mut self.mask[y * self.width + x];
                *m = m.max(cover);
            }
            self.touch((x_lo, x_hi as usize), (y, y));
        }
    }

    /// Lays the colour over the bitmap where the mask says, and clears the mask.
    fn flush(&mut self, color: BackendColor) {
        let Some((x0, x1, y0, y1)) = self.touched.take() else { return };
        let (r, g, b) = color.rgb;
        for y in y0..=y1.min(self.height.saturating_sub(1)) {
            for x in x0..=x1.min(self.width.saturating_sub(1)) {
                let i = y * self.width + x;
                let cover = std::mem::take(&mut self.mask[i]).min(1.0) * color.alpha as f32;
                if cover > 0.0 {
                    for (p, c) in self.rgb[3 * i..3 * i + 3].iter_mut().zip([r, g, b]) {
                        *p = (f32::from(*p) + (f32::from(c) - f32::from(*p)) * cover).round() as u8;
                    }
                }
            }
        }
    }
}

fn pixel(c: BackendCoord) -> (f64, f64) {
    (f64::from(c.0) / f64::from(SUB), f64::from(c.1) / f64::from(SUB))
}

impl DrawingBackend for Raster<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width as u32 * SUB, self.height as u32 * SUB)
    }

    fn ensure_prepared(&mut self) -> Done {
        Ok(())
    }

    fn present(&mut self) -> Done {
        Ok(())
    }

    /// One sub-pixel; kept for what the library may draw by itself.
    fn draw_pixel(&mut self, at: BackendCoord, color: BackendColor) -> Done {
        let (x, y) = (at.0.div_euclid(SUB as i32), at.1.div_euclid(SUB as i32));
        if x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height {
            let (x, y) = (x as usize, y as usize);
            self.mask[y * self.width + x] = 1.0 / (SUB * SUB) as f32;
            self.touch((x, x), (y, y));
            self.flush(color);
        }
        Ok(())
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Done {
        let radius = 0.5 * f64::from(style.stroke_width()) / f64::from(SUB);
        let mut last = None;
        for p in path {
            if let Some(q) = last {
                self.capsule(pixel(q), pixel(p), radius);
            }
            last = Some(p);
        }
        self.flush(style.color());
        Ok(())
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Done {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, a: BackendCoord, b: BackendCoord, style: &S, fill: bool) -> Done {
        if !fill {
            return self.draw_path([a, (b.0, a.1), b, (a.0, b.1), a], style);
        }
        let (p, q) = (pixel(a), pixel(b));
        let clamp = |v: f64, n: usize| v.round().clamp(0.0, n as f64) as usize;
        let (x0, x1) = (clamp(p.0.min(q.0), self.width), clamp(p.0.max(q.0), self.width));
        let (y0, y1) = (clamp(p.1.min(q.1), self.height), clamp(p.1.max(q.1), self.height));
        if x1 > x0 && y1 > y0 {
            for y in y0..y1 {
                self.mask[y * self.width + x0..y * self.width + x1].fill(1.0);
            }
            self.touch((x0, x1 - 1), (y0, y1 - 1));
            self.flush(style.color());
        }
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, center: BackendCoord, radius: u32, style: &S, _fill: bool) -> Done {
        let c = pixel(center);
        self.capsule(c, c, f64::from(radius) / f64::from(SUB));
        self.flush(style.color());
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Done {
        let fault = |e: T::FontError| DrawingErrorKind::FontError(Box::new(e));
        let ((x_lo, _), (x_hi, _)) = style.layout_box(text).map_err(fault)?;
        let width = x_hi - x_lo;
        let dx = match style.anchor().h_pos {
            HPos::Left => 0,
            HPos::Right => -width,
            HPos::Center => -width / 2,
        };
        // The library puts the base line half a font size below the origin. Centred text is centred on its capitals.
        let (base, cap) = (0.5 * style.size(), CAP_HEIGHT * style.size());
        let dy = match style.anchor().v_pos {
            VPos::Top => cap - base,
            VPos::Center => 0.5 * cap - base,
            VPos::Bottom => -base,
        };
        let dy = dy.round() as i32;
        let turn = style.transform();
        let share = 1.0 / (SUB * SUB) as f32;
        let mut color = style.color();
        let drawn = style.draw(text, (0, 0), |x, y, c| {
            let (x, y) = turn.transform(x + dx, y + dy);
            let (x, y) = ((at.0 + x).div_euclid(SUB as i32), (at.1 + y).div_euclid(SUB as i32));
            if x >= 0 && y >= 0 && (x as usize) < self.width && (y as usize) < self.height {
                let (x, y) = (x as usize, y as usize);
                self.mask[y * self.width + x] += share * c.alpha as f32;
                self.touch((x, x), (y, y));
            }
            Ok::<(), Infallible>(())
        });
        color.alpha = 1.0;
        self.flush(color);
        match drawn {
            Ok(_) => Ok(()),
            Err(e) => Err(fault(e)),
        }
    }
}
