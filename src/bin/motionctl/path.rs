//! `motionctl path --dry-run --config`: a path file on the virtual clock, with the machine of a configuration.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use motiond::config::machine::GroupConfig;
use motiond::config::{self, ConfigError, MachineConfig};
use motiond::dry_run::picture::{View, picture};
use motiond::dry_run::{DryRun, DryRunError, DryRunReport, RunAxis, RunGroup, RunTool};
use motiond::path_file::{GroupAxis, PathGroup, PathReader, Problem, Written, corner_line};
use motiond::planner::program::{Corner, Point};
use serde_json::json;

use crate::cli::Waiting;
use crate::path_report::{as_json, as_words};
use crate::shell::print_line;

/// Read at a time, bytes.
const PART: usize = 64 * 1024;

#[derive(clap::Args)]
#[command(
    after_help = "README, \"Paths\", has the format of path files. Exit code 4: the file has mistakes, the path leaves the \
                        soft limits, or the machine cannot follow it. A picture is of three axes that move isometric, else of the first two that do."
)]
pub struct Arguments {
    /// Path files, one behind the other; - for the standard input
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Plan and run it on the virtual clock, with the daemon's machine from where it is; nothing moves
    #[arg(long)]
    pub dry_run: bool,
    /// The same with the machine of this configuration; no daemon is asked
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub config: Option<PathBuf>,
    /// The group that it is for [default: the only one]
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
    /// Where the path begins, such as x=100,y=50, where the file does not say it
    #[arg(long, value_name = "PLACE", value_delimiter = ',', requires = "dry_run")]
    pub start: Vec<String>,
    /// The joints near which it begins, such as j1=0,j2=90, for a group with a kinematics [default: the middle of the soft limits]
    #[arg(long, value_name = "JOINTS", value_delimiter = ',', requires = "config")]
    posture: Vec<String>,
    /// Draw the path, coloured by speed, into this file (SVG)
    #[arg(long, value_name = "FILE", requires = "dry_run")]
    pub svg: Option<PathBuf>,
    /// The axes of the picture: two for a plane, three for an isometric view
    #[arg(long, value_name = "AXES", value_delimiter = ',', requires = "svg")]
    pub view: Vec<String>,
    /// Where the group moves: halt it first, or begin behind what it does; blending has several files be one motion, without a rest between them
    /// (otherwise each begins at rest where the one before it ends)
    #[arg(long, value_name = "MODE", value_parser = ["aborting", "buffered", "blending"], conflicts_with = "dry_run")]
    pub buffer: Option<String>,
    /// The corner from each file to the next where they blend, as a path file has it, such as "corner distance 5" or "tolerance 0.02" [default: as
    /// the last element of the file says]
    #[arg(long, value_name = "CORNER", value_parser = transition, requires = "buffer")]
    pub transition: Option<Corner>,
    #[command(flatten)]
    pub waiting: Waiting,
}

impl Arguments {
    /// The file of a dry run, which is one.
    pub fn only_file(&self) -> Result<&Path, String> {
        match &self.files[..] {
            [only] => Ok(only),
            several => Err(format!("--dry-run: found {} files, allowed: one", several.len())),
        }
    }
}

fn transition(line: &str) -> Result<Corner, String> {
    corner_line(line).map_err(|problem| problem.to_string())
}

/// Why there is no report.
enum Trouble {
    Config(ConfigError),
    /// A name or a place on the command line that means nothing.
    Choice(String),
    NotRead(PathBuf, io::Error),
    NotWritten(PathBuf, io::Error),
    Mistakes(PathBuf, Vec<Problem>),
    Run(PathBuf, DryRunError),
}

pub fn run(arguments: &Arguments, as_object: bool) -> ExitCode {
    match dry_run(arguments) {
        Ok((file, group, report)) => {
            let picture = arguments.svg.as_deref();
            if as_object {
                print_line(&as_json(&file, &group, &report, picture).to_string());
            } else {
                print_line(&as_words(&file, &report, picture));
            }
            ExitCode::from(if report.inside() { 0 } else { 4 })
        }
        Err(trouble) => trouble.complain(as_object),
    }
}

/// The file, the group, and what was found.
fn dry_run(arguments: &Arguments) -> Result<(String, String, DryRunReport), Trouble> {
    let file = arguments.only_file().map_err(Trouble::Choice)?;
    let config = arguments.config.clone().unwrap_or_default();
    let machine = config::load(&config).map_err(Trouble::Config)?;
    let group = choose(&machine, arguments.group.as_deref())?;
    let path_group = path_group(&machine, group);
    let view = view(&arguments.view, &path_group)?;
    let start = place("--start", &arguments.start, &path_group).map_err(Trouble::Choice)?;
    let reader = PathReader::new(path_group, start);
    let run = RunGroup {
        axes: run_axes(&machine, group),
        path_limits: Some(group.motion.path_limits),
        tool: run_tool(&machine, group, &arguments.posture)?,
        period_s: machine.period_ns as f64 * 1e-9,
    };
    let report = follow(file, reader, &run)?;
    if let Some(svg) = &arguments.svg {
        let name = file.file_name().map(|name| name.to_string_lossy()).filter(|name| name != "-");
        let name = name.unwrap_or("standard input".into());
        let title = format!("{name}, group {}", group.name);
        let drawn = picture(&report, view.unwrap_or_else(|| View::of(&report)), &title);
        std::fs::write(svg, drawn).map_err(|error| Trouble::NotWritten(svg.clone(), error))?;
    }
    Ok((file.display().to_string(), group.name.clone(), report))
}

fn choose<'m>(machine: &'m MachineConfig, name: Option<&str>) -> Result<&'m GroupConfig, Trouble> {
    let names = || machine.groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>().join(", ");
    let complaint = match (name, &machine.groups[..]) {
        (_, []) => "the configuration has no group: a path needs one".to_string(),
        (None, [only]) => return Ok(only),
        (None, _) => format!("which group? --group with one of: {}", names()),
        (Some(name), groups) => match groups.iter().find(|group| group.name == name) {
            Some(group) => return Ok(group),
            None => format!("group \"{name}\": found no such group, allowed: {}", names()),
        },
    };
    Err(Trouble::Choice(complaint))
}

fn path_group(machine: &MachineConfig, group: &GroupConfig) -> PathGroup {
    let coordinates = match &group.tool {
        Some(tool) => tool.coordinates.iter().map(|of| GroupAxis { name: of.name.clone(), unit: of.unit }).collect(),
        None => axes_of(machine, group),
    };
    PathGroup::new(coordinates, group.motion.path_limits.velocity)
}

fn axes_of(machine: &MachineConfig, group: &GroupConfig) -> Vec<GroupAxis> {
    let axes = group.motion.axes.iter().map(|axis| {
        let axis = &machine.axes[axis.index()];
        GroupAxis { name: axis.name.clone(), unit: axis.motion.unit }
    });
    axes.collect()
}

/// The machine of a group that has one, and the posture that its path begins in: as asked for, or in the middle of the soft limits.
fn run_tool(machine: &MachineConfig, group: &GroupConfig, posture: &[String]) -> Result<Option<RunTool>, Trouble> {
    let Some(tool) = &group.tool else {
        let complaint = "--posture: found one, allowed: none, for the group has no kinematics";
        return if posture.is_empty() { Ok(None) } else { Err(Trouble::Choice(complaint.into())) };
    };
    let axes = PathGroup::new(axes_of(machine, group), f64::MAX);
    let limits = group.motion.axes.iter().map(|axis| machine.axes[axis.index()].motion.soft_limits);
    let middle = limits.map(|limits| limits.map_or(0.0, |(low, high)| 0.5 * (low + high)));
    let posture = match place("--posture", posture, &axes).map_err(Trouble::Choice)? {
        Some(place) => place[..axes.count()].to_vec(),
        None => middle.collect(),
    };
    Ok(Some(RunTool { tool: tool.clone(), posture }))
}

fn run_axes(machine: &MachineConfig, group: &GroupConfig) -> Vec<RunAxis> {
    let axes = group.motion.axes.iter().map(|axis| {
        let axis = &machine.axes[axis.index()];
        RunAxis {
            name: axis.name.clone(),
            unit: axis.motion.unit,
            limits: axis.motion.limits,
            soft_limits: axis.motion.soft_limits,
            offset: axis.motion.offset,
        }
    });
    axes.collect()
}

/// A place of every axis, by the reader of path files; or what is wrong with it.
pub fn place(option: &str, words: &[String], group: &PathGroup) -> Result<Option<Point>, String> {
    if words.is_empty() {
        return Ok(None);
    }
    let mut reader = PathReader::new(group.clone(), None);
    reader.read(format!("start {}\n", words.join(" ")).as_bytes(), &mut |_, _| {});
    match reader.problems().first() {
        Some(problem) => Err(format!("{option}: {}", problem.kind)),
        None => Ok(reader.start().copied()),
    }
}

fn view(names: &[String], group: &PathGroup) -> Result<Option<View>, Trouble> {
    let all = || group.axes().iter().map(|axis| axis.name.as_str()).collect::<Vec<_>>().join(", ");
    let find = |name: &String| {
        group.find(name).ok_or_else(|| Trouble::Choice(format!("--view: found axis \"{name}\", allowed: {}", all())))
    };
    match &names.iter().map(find).collect::<Result<Vec<usize>, Trouble>>()?[..] {
        [] => Ok(None),
        [x, y] => Ok(Some(View::Plane([*x, *y]))),
        [x, y, z] => Ok(Some(View::Isometric([*x, *y, *z]))),
        other => Err(Trouble::Choice(format!("--view: found {} axes, allowed: two or three", other.len()))),
    }
}

/// Reads the file part by part, and runs what it has as it comes.
fn follow(file: &Path, mut reader: PathReader, group: &RunGroup) -> Result<DryRunReport, Trouble> {
    let not_read = |error| Trouble::NotRead(file.to_path_buf(), error);
    let mut source: Box<dyn Read> =
        if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file).map_err(not_read)?) };
    let not_run = |error| Trouble::Run(file.to_path_buf(), error);
    let mut run: Option<DryRun> = None;
    let mut failed = None;
    let mut take = |from: &Point, written: &Written| {
        if failed.is_some() {
            return;
        }
        if run.is_none() {
            match DryRun::of(group.clone(), from) {
                Ok(begun) => run = Some(begun),
                Err(error) => failed = Some(not_run(error)),
            }
        }
        let Some(run) = &mut run else { return };
        match written.element(run.order(), run.end(), run.offsets()) {
            Ok(element) => failed = run.push(&element).err().map(not_run),
            Err(error) => failed = Some(Trouble::Choice(format!("{}:{}: arc: {error}", file.display(), written.line))),
        }
    };
    let mut part = vec![0; PART];
    while !reader.full() {
        match source.read(&mut part) {
            Ok(0) => break,
            Ok(count) => reader.read(&part[..count], &mut take),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(not_read(error)),
        }
    }
    reader.end(&mut take);
    if !reader.problems().is_empty() {
        return Err(Trouble::Mistakes(file.to_path_buf(), reader.problems().to_vec()));
    }
    if let Some(trouble) = failed {
        return Err(trouble);
    }
    let Some(run) = run else { return Err(Trouble::Mistakes(file.to_path_buf(), reader.problems().to_vec())) };
    run.finish().map_err(not_run)
}

impl Trouble {
    fn complain(&self, as_object: bool) -> ExitCode {
        let (name, code, lines) = match self {
            Trouble::Config(error) => ("Configuration", 1, vec![error.to_string()]),
            Trouble::Choice(words) => ("Usage", 2, vec![words.clone()]),
            Trouble::NotRead(file, error) => ("NotRead", 1, vec![format!("{}: {error}", file.display())]),
            Trouble::NotWritten(file, error) => ("NotWritten", 1, vec![format!("{}: {error}", file.display())]),
            Trouble::Mistakes(file, problems) => {
                let line = |problem: &Problem| format!("{}:{problem}", file.display());
                ("Mistakes", 4, problems.iter().map(line).collect())
            }
            Trouble::Run(file, DryRunError::Astray { line, astray }) => {
                ("Unfollowed", 4, vec![format!("{}:{line}: {}", file.display(), astray.fault)])
            }
            Trouble::Run(file, error) => {
                let (name, code) =
                    if matches!(error, DryRunError::Stuck { .. }) { ("Stuck", 1) } else { ("Unfollowed", 4) };
                (name, code, vec![format!("{}: {error}", file.display())])
            }
        };
        if as_object {
            let mut report = json!({ "error": name, "message": lines.join("\n") });
            if let Trouble::Mistakes(_, problems) = self {
                let problem = |problem: &Problem| {
                    let Problem { line, statement, kind } = problem;
                    json!({ "line": line, "statement": statement, "message": kind.to_string() })
                };
                report["problems"] = problems.iter().map(problem).collect();
            }
            eprintln!("{report}");
        } else {
            lines.iter().for_each(|line| eprintln!("motionctl: {line}"));
        }
        ExitCode::from(code)
    }
}
