//! The path as a drawing (SVG): a plane of two axes or an isometric view, equal scales, coloured by speed, with a legend.
//!
//! What is slow is drawn last, on top of what is fast: slow places are what one looks for.

mod colour;
mod scale;
mod view;

use std::fmt::Write;

pub use view::View;

use super::report::DryRunReport;
use colour::{LEVELS, level, of_level};
use scale::marks;

/// Width of the sheet, px.
const WIDTH: f64 = 960.0;
/// What is left free around the path: left, top, right, bottom.
const FREE: [f64; 4] = [72.0, 100.0, 132.0, 60.0];
/// Height of the path's field, px.
const HEIGHT: (f64, f64) = (220.0, 640.0);
/// What is written in.
const FONT: &str = "system-ui, 'DejaVu Sans', Helvetica, Arial, sans-serif";
const INK: &str = "#1f2933";
const FAINT: &str = "#6b7785";
const GRID: &str = "#dde4eb";
/// Smaller steps than this are left out, px.
const STEP: f64 = 0.15;

/// A drawing of what a dry run found; `title` stands above it.
pub fn picture(report: &DryRunReport, view: View, title: &str) -> String {
    Picture::new(report, view).draw(title)
}

struct Picture<'a> {
    report: &'a DryRunReport,
    view: View,
    /// Lowest and highest of each axis that is seen.
    bounds: [(f64, f64); 3],
    /// Of the projection: left and lower edge, px a unit.
    origin: [f64; 2],
    scale: f64,
    height: f64,
    /// Where the path's field begins, px.
    left: f64,
    fastest: f64,
    out: String,
}

impl<'a> Picture<'a> {
    fn new(report: &'a DryRunReport, view: View) -> Picture<'a> {
        let mut bounds = [(0.0, 0.0); 3];
        for (bound, axis) in bounds.iter_mut().zip(view.axes()) {
            *bound = report.coordinates[*axis].range;
        }
        let widest = bounds.iter().map(|(low, high)| high - low).fold(0.0, f64::max);
        // A path along one axis, or none, has a field all the same.
        let least = if widest > 0.0 { 0.02 * widest } else { 1.0 };
        for (low, high) in bounds.iter_mut().take(view.axes().len()) {
            if *high - *low < least {
                let middle = 0.5 * (*low + *high);
                (*low, *high) = (middle - 0.5 * least, middle + 0.5 * least);
            }
        }
        let corners = (0..8).map(|corner| {
            let at = [0, 1, 2].map(|i| if corner >> i & 1 == 0 { bounds[i].0 } else { bounds[i].1 });
            view.project(at)
        });
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for at in corners {
            for i in 0..2 {
                (low[i], high[i]) = (low[i].min(at[i]), high[i].max(at[i]));
            }
        }
        let size = [high[0] - low[0], high[1] - low[1]];
        let room = WIDTH - FREE[0] - FREE[2];
        let scale = (room / size[0]).min(HEIGHT.1 / size[1]);
        let height = (size[1] * scale).max(HEIGHT.0);
        let origin = [low[0], low[1] - 0.5 * (height / scale - size[1])];
        let left = FREE[0] + 0.5 * (room - size[0] * scale);
        Picture { report, view, bounds, origin, scale, height, left, fastest: report.fastest.value, out: String::new() }
    }

    /// px of a place.
    fn at(&self, place: [f64; 3]) -> [f64; 2] {
        let [right, up] = self.view.project(place);
        let (x, y) = ((right - self.origin[0]) * self.scale, (up - self.origin[1]) * self.scale);
        [self.left + x, FREE[1] + self.height - y]
    }

    fn add(&mut self, text: std::fmt::Arguments<'_>) {
        // Writing into a string does not fail.
        let _ = self.out.write_fmt(text);
        self.out.push('\n');
    }

    fn draw(mut self, title: &str) -> String {
        let sheet = FREE[1] + self.height + FREE[3];
        self.add(format_args!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {sheet:.0}\" width=\"{WIDTH}\" height=\"{sheet:.0}\" \
             font-family=\"{FONT}\" font-size=\"13\">"
        ));
        self.add(format_args!("<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#ffffff\"/>"));
        self.heading(title);
        match self.view {
            View::Plane(_) => self.plane(),
            View::Isometric(_) => self.floor(),
        }
        self.path();
        self.ends();
        self.legend();
        self.add(format_args!("</svg>"));
        self.out
    }

    fn heading(&mut self, title: &str) {
        let left = FREE[0];
        self.add(format_args!(
            "<text x=\"{left}\" y=\"34\" font-size=\"18\" font-weight=\"600\" fill=\"{INK}\">{}</text>",
            escaped(title)
        ));
        let facts = facts(self.report).join("  ·  ");
        self.add(format_args!("<text x=\"{left}\" y=\"56\" fill=\"{FAINT}\">{facts}</text>"));
    }

    fn label(&self, seen: usize) -> String {
        let axis = &self.report.coordinates[self.view.axes()[seen]];
        format!("{} ({})", escaped(&axis.name), axis.unit.symbol())
    }

    fn text(&mut self, [x, y]: [f64; 2], anchor: &str, colour: &str, text: &str) {
        self.add(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
        ));
    }

    fn stroke(&mut self, [x1, y1]: [f64; 2], [x2, y2]: [f64; 2], colour: &str) {
        self.add(format_args!("<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"{colour}\" fill=\"none\"/>"));
    }

    /// A grid of two axes.
    fn plane(&mut self) {
        let [(x_low, x_high), (y_low, y_high), _] = self.bounds;
        let count = |span: f64| ((span * self.scale / 70.0) as usize).clamp(2, 12);
        let (x_marks, x_digits) = marks(x_low, x_high, count(x_high - x_low));
        let (y_marks, y_digits) = marks(y_low, y_high, count(y_high - y_low));
        let margin = 10.0 / self.scale;
        for x in x_marks {
            let (low, high) = (self.at([x, y_low - margin, 0.0]), self.at([x, y_high + margin, 0.0]));
            self.stroke(low, high, GRID);
            self.text([low[0], low[1] + 18.0], "middle", FAINT, &format!("{x:.x_digits$}"));
        }
        for y in y_marks {
            let (low, high) = (self.at([x_low - margin, y, 0.0]), self.at([x_high + margin, y, 0.0]));
            self.stroke(low, high, GRID);
            self.text([low[0] - 8.0, low[1] + 4.5], "end", FAINT, &format!("{y:.y_digits$}"));
        }
        let (x_label, y_label) = (self.label(0), self.label(1));
        let right = self.at([x_high, y_low, 0.0]);
        self.text([right[0], right[1] + 44.0], "end", INK, &x_label);
        let top = self.at([x_low, y_high, 0.0]);
        self.text([top[0] - 18.0, top[1] - 16.0], "end", INK, &y_label);
    }

    /// The floor below the path with a grid of two axes, and the third along an edge.
    fn floor(&mut self) {
        let [(x_low, x_high), (y_low, y_high), (z_low, z_high)] = self.bounds;
        let count = |span: f64| ((span * self.scale / 60.0) as usize).clamp(2, 10);
        let (x_marks, x_digits) = marks(x_low, x_high, count(x_high - x_low));
        let (y_marks, y_digits) = marks(y_low, y_high, count(y_high - y_low));
        let (z_marks, z_digits) = marks(z_low, z_high, count(z_high - z_low));
        for x in x_marks {
            let (near, far) = (self.at([x, y_low, z_low]), self.at([x, y_high, z_low]));
            self.stroke(near, far, GRID);
            self.text([near[0] - 8.0, near[1] + 16.0], "end", FAINT, &format!("{x:.x_digits$}"));
        }
        for y in y_marks {
            let (near, far) = (self.at([x_high, y, z_low]), self.at([x_low, y, z_low]));
            self.stroke(near, far, GRID);
            self.text([near[0] + 8.0, near[1] + 16.0], "start", FAINT, &format!("{y:.y_digits$}"));
        }
        let corners = [[x_low, y_low], [x_high, y_low], [x_high, y_high], [x_low, y_high]];
        for (i, [x, y]) in corners.into_iter().enumerate() {
            let [next_x, next_y] = corners[(i + 1) % 4];
            self.stroke(self.at([x, y, z_low]), self.at([next_x, next_y, z_low]), "#b8c2cc");
        }
        self.stroke(self.at([x_low, y_low, z_low]), self.at([x_low, y_low, z_high]), "#b8c2cc");
        for z in z_marks {
            let [x, y] = self.at([x_low, y_low, z]);
            self.stroke([x - 4.0, y], [x, y], "#b8c2cc");
            self.text([x - 8.0, y + 4.5], "end", FAINT, &format!("{z:.z_digits$}"));
        }
        let labels = [self.label(0), self.label(1), self.label(2)];
        let middle = |a: [f64; 2], b: [f64; 2]| [0.5 * (a[0] + b[0]), 0.5 * (a[1] + b[1])];
        let x = middle(self.at([x_low, y_low, z_low]), self.at([x_high, y_low, z_low]));
        self.text([x[0] - 40.0, x[1] + 34.0], "end", INK, &labels[0]);
        let y = middle(self.at([x_high, y_low, z_low]), self.at([x_high, y_high, z_low]));
        self.text([y[0] + 40.0, y[1] + 34.0], "start", INK, &labels[1]);
        let [x, y] = self.at([x_low, y_low, z_high]);
        self.text([x, y - 14.0], "middle", INK, &labels[2]);
    }

    /// A line for each level of speed.
    fn path(&mut self) {
        let spots: Vec<([f64; 2], f64)> =
            self.report.trace.iter().map(|spot| (self.at(self.view.seen(&spot.at)), spot.speed)).collect();
        let share = |speed: f64| if self.fastest > 0.0 { speed / self.fastest } else { 0.0 };
        let mut lines: Vec<String> = vec![String::new(); LEVELS];
        let mut pen: Option<(usize, [f64; 2])> = None;
        let Some((first, _)) = spots.first() else { return };
        let (mut from, mut slow) = (*first, share(spots[0].1));
        for (index, (to, speed)) in spots.iter().enumerate().skip(1) {
            let fast = share(*speed);
            if (to[0] - from[0]).hypot(to[1] - from[1]) < STEP && index + 1 < spots.len() {
                continue;
            }
            // As many steps as the speed changes levels.
            let steps = 1 + ((fast - slow).abs() * LEVELS as f64) as usize;
            for step in 0..steps {
                let part = |step: usize| step as f64 / steps as f64;
                let place = |step| [0, 1].map(|i| from[i] + part(step) * (to[i] - from[i]));
                let level = level(slow + 0.5 * (part(step) + part(step + 1)) * (fast - slow));
                let (begin, end) = (place(step), place(step + 1));
                let line = &mut lines[level];
                if pen != Some((level, begin)) {
                    let _ = write!(line, "M{} {}", tenths(begin[0]), tenths(begin[1]));
                }
                let _ = write!(line, "L{} {}", tenths(end[0]), tenths(end[1]));
                pen = Some((level, end));
            }
            // The very same numbers, so that the line goes on.
            (from, slow) = (pen.map_or(*to, |(_, end)| end), fast);
        }
        self.add(format_args!(
            "<g fill=\"none\" stroke-width=\"2\" stroke-linecap=\"round\" stroke-linejoin=\"round\">"
        ));
        for (level, line) in lines.iter().enumerate().rev().filter(|(_, line)| !line.is_empty()) {
            self.add(format_args!("<path stroke=\"{}\" d=\"{line}\"/>", of_level(level)));
        }
        self.add(format_args!("</g>"));
    }

    /// Where it begins and ends.
    fn ends(&mut self) {
        let place = |spot: Option<&super::trace::Spot>| spot.map(|spot| self.at(self.view.seen(&spot.at)));
        let (first, last) = (place(self.report.trace.first()), place(self.report.trace.last()));
        let mut mark = |[x, y]: [f64; 2], size: f64, fill: &str| {
            self.add(format_args!(
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{size}\" fill=\"{fill}\" stroke=\"{INK}\" stroke-width=\"1.5\"/>"
            ));
        };
        if let Some(first) = first {
            mark(first, 6.0, "#ffffff");
        }
        if let Some(last) = last {
            mark(last, 3.0, INK);
        }
        let x = WIDTH - FREE[2] + 34.0;
        mark([x, 34.0 - 4.5], 6.0, "#ffffff");
        mark([x, 56.0 - 4.5], 3.0, INK);
        self.text([x + 14.0, 34.0], "start", FAINT, "begin");
        self.text([x + 14.0, 56.0], "start", FAINT, "end");
    }

    /// Which colour is which speed.
    fn legend(&mut self) {
        let (x, width) = (WIDTH - FREE[2] + 34.0, 16.0);
        let (top, height) = (FREE[1] + 24.0, (self.height - 24.0).min(360.0));
        let unit = if self.report.coordinates.iter().any(|axis| axis.unit.symbol() == "mm") { "mm/s" } else { "deg/s" };
        self.text([x, top - 12.0], "start", INK, unit);
        let step = height / LEVELS as f64;
        for level in 0..LEVELS {
            let y = top + height - (level + 1) as f64 * step;
            // A little taller, so that no line shows between two.
            let tall = step + if level > 0 { 0.5 } else { 0.0 };
            self.add(format_args!(
                "<rect x=\"{x}\" y=\"{y:.2}\" width=\"{width}\" height=\"{tall:.2}\" fill=\"{}\"/>",
                of_level(level)
            ));
        }
        let fastest = self.fastest;
        if fastest <= 0.0 {
            return;
        }
        let (speeds, digits) = marks(0.0, fastest, 6);
        for speed in speeds {
            let y = top + height - speed / fastest * height;
            self.stroke([x + width, y], [x + width + 4.0, y], FAINT);
            self.text([x + width + 8.0, y + 4.5], "start", FAINT, &format!("{speed:.digits$}"));
        }
    }
}

/// A tenth of a pixel is as fine as it gets.
fn tenths(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_string).unwrap_or(text)
}

/// What is said of a path in a line.
fn facts(report: &DryRunReport) -> Vec<String> {
    let mut facts = vec![format!("{:.3} s", report.duration_s())];
    if report.linear_length > 0.0 {
        facts.push(format!("{:.1} mm", report.linear_length));
    }
    if report.rotary_length > 0.0 {
        facts.push(format!("{:.1} deg", report.rotary_length));
    }
    let deviation = &report.deviation;
    if report.coordinates.iter().any(|axis| axis.unit.symbol() == "mm") {
        facts.push(format!("off the programmed path by {:.4} mm at most", deviation.linear));
    } else {
        facts.push(format!("off the programmed path by {:.4} deg at most", deviation.rotary));
    }
    facts
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars().map(|c| if c.is_control() { ' ' } else { c }) {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            c => escaped.push(c),
        }
    }
    escaped
}
