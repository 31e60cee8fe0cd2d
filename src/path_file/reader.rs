//! Reads a path as it comes, in parts of any size: elements out, and what is wrong.

use crate::geometry::ArcError;
use crate::limits::{MAX_PATH_LINE_BYTES, MAX_PATH_PROBLEMS};
use crate::planner::program::{Caps, Corner, Feed, Point, Shape};

use super::arc_words::{self, ArcWords, given_normal, named_normal};
use super::group::PathGroup;
use super::problem::{Problem, ProblemKind};
use super::settings::Settings;
use super::spline_words::{self, OpenSpline, weight};
use super::words::{Given, Words, is_number};
use super::written::{Written, WrittenShape};

const STATEMENTS: &str = "start, line, arc, spline, feed, duration, inverse-time, cap, tolerance, corner, normal, absolute, relative, or a \
                          number for each axis";
const LINE_WORDS: &str = "coordinates such as x=10, feed, duration, inverse-time, cap, tolerance, corner";
const POINT_WORDS: &str = "coordinates such as x=10, weight";
const COORDINATES: &str = "some such as x=10, or a number for each axis";
/// Radius of an arc, mm: one that is nearly straight has none that numbers can tell.
const MOST_RADIUS: f64 = 1e9;

/// What some programs write before the first line: the byte order mark of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Where elements go, each with the place that it begins at (axis coordinates, in the group's order).
pub type Take<'a> = dyn FnMut(&Point, &Written) + 'a;

/// Reads one path.
#[derive(Clone, Debug)]
pub struct PathReader {
    group: PathGroup,
    /// A line that has not ended.
    partial: Vec<u8>,
    line: u32,
    /// Where the path is; `None` until somebody says.
    at: Option<Point>,
    start: Option<Point>,
    /// Where it is taken to begin where the file does not say it.
    presumed: Option<Point>,
    /// An element was wrong, so that the path may be anywhere.
    lost: bool,
    elements: u64,
    settings: Settings,
    relative: bool,
    normal: [f64; 3],
    spline: Option<OpenSpline>,
    problems: Vec<Problem>,
}

impl PathReader {
    /// Of a path that begins at `start` (axis coordinates, in the group's order); a file that says it itself has `None`.
    pub fn new(group: PathGroup, start: Option<Point>) -> PathReader {
        let settings = Settings { feed: Feed::Speed(group.most_speed()), caps: Caps::NONE, corner: Corner::Exact };
        PathReader {
            group,
            partial: Vec::new(),
            line: 0,
            at: start,
            start,
            presumed: None,
            lost: false,
            elements: 0,
            settings,
            relative: false,
            normal: [0.0, 0.0, 1.0],
            spline: None,
            problems: Vec::new(),
        }
    }

    /// The path begins at `start`, unless the file says that it begins elsewhere.
    pub fn presume(&mut self, start: Point) {
        self.presumed = Some(start);
    }

    /// Where the path begins, as soon as that is known.
    pub fn start(&self) -> Option<&Point> {
        self.start.as_ref()
    }

    /// What is wrong so far, in the order of lines. Behind the first nothing is given out any more.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// There are as many as are told: reading on is of no use.
    pub fn full(&self) -> bool {
        self.problems.len() >= MAX_PATH_PROBLEMS
    }

    /// Elements that were given out.
    pub fn elements(&self) -> u64 {
        self.elements
    }

    /// More of the file.
    pub fn read(&mut self, mut bytes: &[u8], take: &mut Take<'_>) {
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            if self.partial.is_empty() {
                self.line(&bytes[..end], take);
            } else {
                self.keep(&bytes[..end]);
                self.partial_line(take);
            }
            bytes = &bytes[end + 1..];
        }
        self.keep(bytes);
    }

    /// The file ends.
    pub fn end(&mut self, take: &mut Take<'_>) {
        if !self.partial.is_empty() {
            self.partial_line(take);
        }
        if let Some(spline) = self.spline.take().filter(|spline| !spline.faulty) {
            self.complain("end", ProblemKind::Open(spline.line));
        }
        if self.elements == 0 && self.problems.is_empty() {
            self.line = self.line.max(1);
            self.complain("path", ProblemKind::Empty);
        }
    }

    /// No more of a line than tells that it is too long.
    fn keep(&mut self, bytes: &[u8]) {
        let room = (MAX_PATH_LINE_BYTES + 1).saturating_sub(self.partial.len());
        self.partial.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn partial_line(&mut self, take: &mut Take<'_>) {
        let line = std::mem::take(&mut self.partial);
        self.line(&line, take);
        self.partial = line;
        self.partial.clear();
    }

    fn complain(&mut self, statement: &'static str, kind: ProblemKind) {
        if !self.full() {
            self.problems.push(Problem { line: self.line, statement, kind });
        }
    }

    fn line(&mut self, bytes: &[u8], take: &mut Take<'_>) {
        self.line = self.line.saturating_add(1);
        let bytes = if self.line == 1 { bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes) } else { bytes };
        if returns_within(bytes) {
            self.lost = true;
            return self.complain("text", ProblemKind::CarriageReturn);
        }
        if bytes.len() > MAX_PATH_LINE_BYTES {
            self.lost = true;
            return self.complain("line", ProblemKind::LineLength(MAX_PATH_LINE_BYTES));
        }
        let code = bytes.iter().position(|byte| *byte == b'#').map_or(bytes, |comment| &bytes[..comment]);
        let Ok(text) = std::str::from_utf8(code) else {
            self.lost = true;
            return self.complain("text", ProblemKind::Text);
        };
        let mut words = text.split_ascii_whitespace().peekable();
        let Some(first) = words.peek().copied() else { return };
        let (name, read) = match &self.spline {
            Some(_) => (spline_statement(first), self.within_spline(first, &mut words, take)),
            None => (statement(first), self.statement(first, &mut words, take)),
        };
        if let Err(kind) = read {
            self.lost = true;
            if let Some(spline) = &mut self.spline {
                spline.faulty = true;
            }
            self.complain(name, kind);
        }
    }

    fn statement(&mut self, first: &str, words: &mut Words<'_>, take: &mut Take<'_>) -> Result<(), ProblemKind> {
        if is_number(first) {
            return self.point(words, take);
        }
        words.next();
        match first {
            "line" => self.straight(words, take),
            "arc" => self.arc(words, take),
            "spline" => self.open_spline(words),
            "start" => self.begin(words),
            "absolute" | "relative" => {
                self.relative = first == "relative";
                nothing_more(words)
            }
            "normal" => self.plane(words),
            "point" | "knots" | "end" => Err(ProblemKind::Outside),
            _ => {
                let (most, unit) = (self.group.most_speed(), self.group.speed_unit());
                if !self.settings.take(first, words, most, unit)? {
                    return Err(ProblemKind::Word(first.to_string(), STATEMENTS));
                }
                nothing_more(words)
            }
        }
    }

    /// Where the path is. The first element that finds nothing complains for all.
    fn here(&mut self) -> Result<Point, ProblemKind> {
        match (self.at, self.presumed) {
            (Some(at), _) => Ok(at),
            (None, Some(start)) => {
                (self.at, self.start) = (Some(start), Some(start));
                Ok(start)
            }
            (None, None) => {
                self.at = Some(Point::default());
                Err(ProblemKind::NoStart)
            }
        }
    }

    /// Goes to the end of an element, and gives it out.
    fn go(&mut self, written: Written, take: &mut Take<'_>) {
        let from = self.at.replace(written.to).unwrap_or(written.to);
        self.elements += 1;
        if self.problems.is_empty() {
            take(&from, &written);
        }
    }

    /// A bare point of the group's numbers: what long files consist of.
    fn point(&mut self, words: &mut Words<'_>, take: &mut Take<'_>) -> Result<(), ProblemKind> {
        let from = self.here()?;
        let mut given = Given::default();
        for word in words {
            if !given.take(word, &self.group, None)? {
                return Err(ProblemKind::number(word));
            }
        }
        self.lines(&given, &from, self.settings, take)
    }

    fn straight(&mut self, words: &mut Words<'_>, take: &mut Take<'_>) -> Result<(), ProblemKind> {
        let from = self.here()?;
        let mut given = Given::default();
        let mut settings = self.settings;
        while let Some(word) = words.next() {
            if !given.take(word, &self.group, None)? && !self.setting(&mut settings, word, words)? {
                return Err(ProblemKind::Word(word.to_string(), LINE_WORDS));
            }
        }
        self.lines(&given, &from, settings, take)
    }

    fn lines(
        &mut self,
        given: &Given,
        from: &Point,
        settings: Settings,
        take: &mut Take<'_>,
    ) -> Result<(), ProblemKind> {
        let to = self.target(given, from)?;
        let Settings { feed, caps, corner } = settings;
        self.go(Written { shape: WrittenShape::Line, to, feed, caps, corner, line: self.line }, take);
        Ok(())
    }

    /// The end of an element.
    fn target(&mut self, given: &Given, from: &Point) -> Result<Point, ProblemKind> {
        if !given.any() {
            return Err(ProblemKind::Missing("coordinates", COORDINATES));
        }
        given.check(&self.group)?;
        if !self.relative && given.whole(&self.group) {
            self.lost = false;
        }
        given.place(from, self.relative, self.group.count())
    }

    fn setting(&self, settings: &mut Settings, word: &str, words: &mut Words<'_>) -> Result<bool, ProblemKind> {
        settings.take(word, words, self.group.most_speed(), self.group.speed_unit())
    }

    fn arc(&mut self, words: &mut Words<'_>, take: &mut Take<'_>) -> Result<(), ProblemKind> {
        let from = self.here()?;
        if self.group.space().len() < 2 {
            return Err(ProblemKind::Arc(ArcError::Coordinates));
        }
        let lost = self.lost;
        let mut arc = ArcWords::new();
        let mut settings = self.settings;
        while let Some(word) = words.next() {
            if !arc.take(word, words, &self.group)? && !self.setting(&mut settings, word, words)? {
                return Err(ProblemKind::Word(word.to_string(), arc_words::WORDS));
            }
        }
        let form = arc.form(&from, self.relative, self.normal, &self.group)?;
        // An end that is not given is the beginning: a whole turn.
        let to = if arc.target.any() { self.target(&arc.target, &from)? } else { from };
        let Settings { feed, caps, corner } = settings;
        let written = Written { shape: WrittenShape::Arc(form), to, feed, caps, corner, line: self.line };
        if !lost {
            self.check_arc(&written, &from)?;
        }
        self.go(written, take);
        Ok(())
    }

    /// There is such an arc.
    fn check_arc(&self, written: &Written, from: &Point) -> Result<(), ProblemKind> {
        let order = self.group.order();
        let element = written.element(order, &order.to_planner(from), &Point::default());
        match element.map_err(ProblemKind::Arc)?.shape {
            Shape::Arc(arc) if arc.radius() > MOST_RADIUS => Err(ProblemKind::Arc(ArcError::Straight)),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, words: &mut Words<'_>) -> Result<(), ProblemKind> {
        let mut given = Given::default();
        for word in words {
            if !given.take(word, &self.group, None)? {
                return Err(ProblemKind::Word(word.to_string(), COORDINATES));
            }
        }
        given.check(&self.group)?;
        if self.at.is_some() || self.elements > 0 {
            return Err(ProblemKind::StartAgain);
        }
        let lacking = given.lacking(&self.group);
        let place = given.place(&Point::default(), false, self.group.count())?;
        // Even an incomplete one is one: what follows does not complain as well.
        self.at = Some(place);
        if !lacking.is_empty() {
            return Err(ProblemKind::StartOf(self.group.names(&lacking)));
        }
        self.start = self.at;
        Ok(())
    }

    fn plane(&mut self, words: &mut Words<'_>) -> Result<(), ProblemKind> {
        const ALLOWED: &str = "an axis, or coordinates such as x=0 y=1 z=1";
        let word = words.peek().copied().ok_or(ProblemKind::Missing("normal", ALLOWED))?;
        let normal = match named_normal(word, &self.group)? {
            Some(normal) => {
                words.next();
                normal
            }
            None => {
                let mut given = Given::default();
                while let Some(word) = words.next_if(|word| word.contains('=')) {
                    given.take(word, &self.group, Some(self.group.space()))?;
                }
                given_normal(&given, &self.group)
            }
        };
        if normal == [0.0; 3] {
            return Err(ProblemKind::Arc(ArcError::Normal));
        }
        self.normal = normal;
        nothing_more(words)
    }

    fn open_spline(&mut self, words: &mut Words<'_>) -> Result<(), ProblemKind> {
        let from = self.here();
        let mut spline = OpenSpline::new(self.line, from.clone().unwrap_or_default(), self.settings);
        let mut read = from.map(|_| ());
        while let (Ok(()), Some(word)) = (&read, words.next()) {
            let mut settings = spline.settings;
            read =
                match spline.take(word, words).and_then(|taken| Ok(taken || self.setting(&mut settings, word, words)?))
                {
                    Ok(true) => Ok(()),
                    Ok(false) => Err(ProblemKind::Word(word.to_string(), spline_words::HEAD_WORDS)),
                    Err(kind) => Err(kind),
                };
            spline.settings = settings;
        }
        // A faulty one is open all the same, so that what stands in it does not complain.
        spline.faulty = read.is_err();
        self.spline = Some(spline);
        read
    }

    fn within_spline(&mut self, first: &str, words: &mut Words<'_>, take: &mut Take<'_>) -> Result<(), ProblemKind> {
        let Some(spline) = &mut self.spline else { return Ok(()) };
        match first {
            "end" => {
                words.next();
                nothing_more(words)?;
                let Some(spline) = self.spline.take() else { return Ok(()) };
                if spline.faulty {
                    self.at = Some(*spline.last());
                    return Ok(());
                }
                let end = *spline.last();
                for written in spline.close(&self.group)? {
                    self.go(written, take);
                }
                self.at = Some(end);
                Ok(())
            }
            "knots" => {
                words.next();
                spline.push_knots(words)
            }
            _ if first == "point" || is_number(first) => {
                words.next_if_eq(&"point");
                let mut given = Given::default();
                let mut of_point = 1.0;
                while let Some(word) = words.next() {
                    if word == "weight" {
                        of_point = weight(words)?;
                    } else if !given.take(word, &self.group, None)? {
                        return Err(ProblemKind::Word(word.to_string(), POINT_WORDS));
                    }
                }
                if !given.any() {
                    return Err(ProblemKind::Missing("coordinates", COORDINATES));
                }
                given.check(&self.group)?;
                let point = given.place(spline.last(), self.relative, self.group.count())?;
                spline.push(point, of_point)
            }
            _ => Err(ProblemKind::Inside(first.to_string())),
        }
    }
}

/// Whether a carriage return stands before something else.
fn returns_within(line: &[u8]) -> bool {
    let last = line.iter().rposition(|byte| *byte != b'\r');
    last.is_some_and(|last| line[..last].contains(&b'\r'))
}

fn nothing_more(words: &mut Words<'_>) -> Result<(), ProblemKind> {
    match words.next() {
        Some(word) => Err(ProblemKind::Word(word.to_string(), "nothing more on this line")),
        None => Ok(()),
    }
}

/// The name of a statement in messages.
fn statement(first: &str) -> &'static str {
    const NAMES: &[&str] = &[
        "start",
        "line",
        "arc",
        "spline",
        "feed",
        "duration",
        "inverse-time",
        "cap",
        "tolerance",
        "corner",
        "normal",
        "absolute",
        "relative",
        "point",
        "knots",
        "end",
    ];
    if is_number(first) { "point" } else { NAMES.iter().find(|name| **name == first).copied().unwrap_or("statement") }
}

fn spline_statement(first: &str) -> &'static str {
    if is_number(first) {
        "point"
    } else {
        ["point", "knots", "end"].into_iter().find(|name| *name == first).unwrap_or("spline")
    }
}
