//! Plots by the library plotters, as SVG that takes its colours from the page.
//!
//! plotters writes fixed colours. Each [`Ink`] is drawn as a colour that stands for it, and the
//! finished picture gets a class in its place, so that one picture serves a light page, a dark one
//! and paper.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::markup::plain;
use crate::error::{Error, Result};

/// Units of a picture's own coordinates in a pixel of the page: plotters draws at whole units only.
const FINENESS: i32 = 4;
/// Height of letters in pixels.
const LETTERS: f64 = 11.0;
/// plotters writes heights of letters divided by this.
const PLOTTERS_LETTERS: f64 = 1.24;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
pub(super) type Chart<'a, 'b> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;
type DrawingError = DrawingAreaErrorKind<std::io::Error>;
pub(super) type Drawn = std::result::Result<(), DrawingError>;

/// What something is drawn with; the page's style says how it looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ink {
    /// Letters.
    Text,
    /// Axes, lines of reference.
    Axis,
    /// Lines of the grid.
    Grid,
    /// The first of several series.
    First,
    /// The second.
    Second,
    /// The third.
    Third,
}

impl Ink {
    const ALL: [Self; 6] = [
        Self::Text,
        Self::Axis,
        Self::Grid,
        Self::First,
        Self::Second,
        Self::Third,
    ];

    fn number(self) -> u8 {
        1 + Self::ALL.iter().position(|&ink| ink == self).unwrap_or(0) as u8
    }

    pub(super) fn colour(self) -> RGBColor {
        RGBColor(0, 0, self.number())
    }

    /// A line of this width in pixels that stands back.
    pub(super) fn faint_line(self, width: f64) -> ShapeStyle {
        let width = (width * f64::from(FINENESS)).round() as u32;
        self.colour().mix(0.55).stroke_width(width)
    }

    /// A line of this width in pixels.
    pub(super) fn line(self, width: f64) -> ShapeStyle {
        self.colour()
            .stroke_width((width * f64::from(FINENESS)).round() as u32)
    }
}

/// Pixels of the page in a picture's own units.
pub(super) fn units(pixels: f64) -> i32 {
    (pixels * f64::from(FINENESS)).round() as i32
}

/// The form of a mark: series are told apart without colours too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Square,
    Triangle,
}

/// Draws a picture of a size in pixels.
pub(super) fn picture(
    (width, height): (u32, u32),
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<String> {
    let mut svg = String::new();
    {
        let size = (width * FINENESS as u32, height * FINENESS as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        let drawn = draw(&area).and_then(|()| area.present());
        drawn.map_err(|error| Error::Plot(error.to_string()))?;
    }
    Ok(with_classes(&svg))
}

/// Where a chart's axes run, and what they are called.
pub(super) struct Axes<'a> {
    pub(super) x: Range<f64>,
    pub(super) y: Range<f64>,
    pub(super) x_name: &'a str,
    /// Written above the axis, where it can be read without turning the page.
    pub(super) y_name: &'a str,
    pub(super) x_format: &'a dyn Fn(&f64) -> String,
    pub(super) y_format: &'a dyn Fn(&f64) -> String,
    /// About so many lines of the grid in each direction.
    pub(super) lines: (usize, usize),
    /// Pixels that the letters of the left axis take.
    pub(super) left: f64,
}

impl Axes<'_> {
    /// Draws the axes and the grid.
    pub(super) fn draw<'a, 'b>(
        &self,
        area: &'a Area<'b>,
    ) -> std::result::Result<Chart<'a, 'b>, DrawingError> {
        let above = if self.y_name.is_empty() { 8.0 } else { 22.0 };
        let below = if self.x_name.is_empty() { 20.0 } else { 36.0 };
        let mut chart = ChartBuilder::on(area)
            .margin_top(units(above))
            .margin_right(units(14.0))
            .margin_left(units(4.0))
            .margin_bottom(units(2.0))
            .x_label_area_size(units(below))
            .y_label_area_size(units(self.left))
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        chart
            .configure_mesh()
            .x_labels(self.lines.0)
            .y_labels(self.lines.1)
            .max_light_lines(0)
            .bold_line_style(Ink::Grid.line(1.0))
            .axis_style(Ink::Axis.line(1.0))
            .set_all_tick_mark_size(units(3.0))
            .label_style(letters(1.0))
            .x_label_formatter(self.x_format)
            .y_label_formatter(self.y_format)
            .draw()?;
        let (width, height) = area.dim_in_pixel();
        if !self.x_name.is_empty() {
            let place = (
                units(self.left) + (width as i32 - units(self.left)) / 2,
                height as i32 - units(4.0),
            );
            text(area, self.x_name, place, (HPos::Center, VPos::Bottom))?;
        }
        if !self.y_name.is_empty() {
            text(
                area,
                self.y_name,
                (units(6.0), units(4.0)),
                (HPos::Left, VPos::Top),
            )?;
        }
        Ok(chart)
    }
}

/// Letters, in the page's own font.
pub(super) fn letters(size: f64) -> TextStyle<'static> {
    let height = LETTERS * size * f64::from(FINENESS) * PLOTTERS_LETTERS;
    ("sans-serif", height)
        .into_font()
        .color(&Ink::Text.colour())
}

/// Writes at a place in the picture's own units.
pub(super) fn text(
    area: &Area<'_>,
    written: &str,
    place: (i32, i32),
    (across, along): (HPos, VPos),
) -> Drawn {
    let style = letters(1.0).pos(Pos::new(across, along));
    area.draw(&Text::new(written.to_owned(), place, style))
}

/// Draws a mark of about eight pixels at a place in the picture's own units.
pub(super) fn mark(area: &Area<'_>, form: Mark, ink: Ink, (x, y): (i32, i32)) -> Drawn {
    let style = ink.colour().filled();
    match form {
        Mark::Circle => area.draw(&Circle::new((x, y), units(3.6), style)),
        Mark::Square => {
            let half = units(3.2);
            area.draw(&Rectangle::new(
                [(x - half, y - half), (x + half, y + half)],
                style,
            ))
        }
        Mark::Triangle => {
            let (half, up) = (units(4.2), units(4.0));
            let corners = vec![(x - half, y + up), (x + half, y + up), (x, y - up)];
            area.draw(&Polygon::new(corners, style))
        }
    }
}

/// A share without needless zeros, as on axes: 0, .2, 1.
pub(super) fn share(value: &f64) -> String {
    let written = format!("{value:.2}");
    let written = written.trim_end_matches('0').trim_end_matches('.');
    match written.strip_prefix("0.") {
        Some(part) => format!(".{part}"),
        None => written.to_owned(),
    }
}

/// A share as per cent.
pub(super) fn percent(value: &f64) -> String {
    format!("{:.0}%", 100.0 * value)
}

/// A name as long as it has room in so many pixels, by what letters take on average.
pub(super) fn shortened(name: &str, pixels: f64) -> String {
    let name = plain(name).replace(['\n', '\t'], " ");
    let width = |sign: char| if sign.is_ascii() { 5.7 } else { 9.0 };
    if name.chars().map(width).sum::<f64>() <= pixels {
        return name;
    }
    let mut left = pixels - width('…');
    let fits = |sign: &char| {
        left -= width(*sign);
        left >= 0.0
    };
    name.chars().take_while(fits).chain(['…']).collect()
}

/// Puts the page's classes in the place of colours, and leaves out what the page decides: size,
/// font, namespace.
fn with_classes(svg: &str) -> String {
    let mut classed = svg.to_owned();
    for ink in Ink::ALL {
        let colour = format!("#0000{:02X}\"", ink.number());
        let number = ink.number();
        for (attribute, class) in [("fill", 'f'), ("stroke", 's')] {
            classed = classed.replace(
                &format!("{attribute}=\"{colour}"),
                &format!("class=\"{class}{number}\""),
            );
        }
    }
    for needless in [
        " opacity=\"1\"",
        " stroke=\"none\"",
        " font-family=\"sans-serif\"",
        " xmlns=\"http://www.w3.org/2000/svg\"",
    ] {
        classed = classed.replace(needless, "");
    }
    let Some((opening, rest)) = classed.split_once('>') else {
        return classed;
    };
    let size = opening
        .find("viewBox")
        .map_or("", |place| &opening[place..]);
    // Hidden from readers of the screen: the frame around it says what it shows.
    format!(
        "<svg {size} aria-hidden=\"true\" focusable=\"false\">{}",
        rest.replace(">\n", ">").replace("\n</text>", "</text>")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_become_classes_and_texts_are_escaped() {
        let svg = picture((100, 80), |area| {
            let axes = Axes {
                x: 0.0..1.0,
                y: 0.0..1.0,
                x_name: "x",
                y_name: "y",
                x_format: &share,
                y_format: &percent,
                lines: (3, 3),
                left: 30.0,
            };
            let mut chart = axes.draw(area)?;
            let line = vec![(0.0, 0.0), (1.0, 1.0)];
            chart.draw_series(LineSeries::new(line, Ink::First.line(2.0)))?;
            for form in [Mark::Circle, Mark::Square, Mark::Triangle] {
                mark(area, form, Ink::Second, (40, 40))?;
            }
            text(area, "<b>&", (0, 0), (HPos::Left, VPos::Top))
        })
        .unwrap();
        assert!(!svg.contains('#') && !svg.contains("http"), "{svg}");
        assert!(!svg.contains("width=\"100") && svg.starts_with("<svg viewBox=\"0 0 400 320\""));
        assert!(svg.contains("class=\"s4\"") && svg.contains("class=\"f5\""));
        assert!(svg.contains("&lt;b&gt;&amp;</text>"), "{svg}");
    }

    #[test]
    fn shares_and_names_are_short() {
        assert_eq!(
            [0.0, 0.2, 0.25, 1.0].map(|v| share(&v)),
            ["0", ".2", ".25", "1"]
        );
        assert_eq!(shortened("capture.territory", 50.0), "capture…");
        assert_eq!(shortened("أسر", 50.0), "أسر");
        assert_eq!(shortened("سسسسسسسس", 50.0), "سسسس…");
    }
}
