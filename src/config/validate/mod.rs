//! From the tables as written to each module's parameters, checking what one key alone cannot tell.

mod analogs;
mod axes;
mod buses;
mod common;
mod inputs;
mod kinematics;
mod modes;
mod simulation;
mod startup;

use std::path::PathBuf;
use std::sync::Arc;

use super::machine::{ControlConfig, GroupConfig, MachineConfig, RealtimeConfig};
use super::profile::Profiles;
use super::reader::{At, Place, Reader, nearest};
use super::schema::{BusKind, File, Group, ModeWord, ReactionTo, ScopeWord, StopWord};
use crate::cycle::ReactionRule;
use crate::fault::{Fault, Reaction, Scope, StopKind};
use crate::fieldbus::sim::SimulatedBus;
use crate::ids::AxisId;
use crate::kinematics::GroupTool;
use crate::limits::{self, DEFAULT_PERIOD_NS};
use crate::motion::{GroupParameters, Limits};
use crate::units::AxisUnit;

/// The machine, if nothing is wrong with it; the reader knows what is.
pub fn validate(reader: &mut Reader<'_>, file: File, profiles: &Profiles) -> Option<MachineConfig> {
    let period_ns = file.machine.0.as_ref().map_or(DEFAULT_PERIOD_NS, |machine| *machine.period_us * 1000);
    let mut fits = true;
    fits &= at_most(reader, "bus", file.buses.iter().map(|bus| &bus.name), limits::MAX_BUSES);
    fits &= at_most(reader, "axis", file.axes.iter().map(|axis| &axis.name), limits::MAX_AXES);
    fits &= at_most(reader, "group", file.groups.iter().map(|group| &group.name), limits::MAX_GROUPS);
    fits &= at_most(reader, "input", file.inputs.iter().map(|input| &input.name), limits::MAX_DIGITAL_INPUTS);
    fits &= at_most(reader, "output", file.outputs.iter().map(|output| &output.name), limits::MAX_DIGITAL_OUTPUTS);
    let (inputs, outputs) = (file.analog_inputs.iter(), file.analog_outputs.iter());
    fits &= at_most(reader, "analog-input", inputs.map(|input| &input.name), limits::MAX_ANALOG_INPUTS);
    fits &= at_most(reader, "analog-output", outputs.map(|output| &output.name), limits::MAX_ANALOG_OUTPUTS);
    if !fits {
        return None;
    }

    let mut buses = buses::buses(reader, &file, profiles, period_ns);
    let axes = axes::axes(reader, &file.axes, &file.buses, &buses, period_ns);
    modes::start_objects(reader, &file.axes, &axes, &mut buses, period_ns);
    let groups: Vec<_> = file.groups.iter().filter_map(|group| self::group(reader, group, &file)).collect();
    let inputs = inputs::inputs(reader, &file, &buses);
    let outputs = inputs::outputs(reader, &file, &buses);
    let analog_inputs = analogs::analog_inputs(reader, &file, &buses);
    let analog_outputs = analogs::analog_outputs(reader, &file, &buses);
    let reactions: Vec<_> = file.reactions.iter().filter_map(|to| reaction(reader, to, &file)).collect();
    if !reader.has("axis") {
        let place = Place { line: 0, path: "axis".into(), written: None, overlaid: false };
        reader.report(&place, "at least one table [[axis]]");
    }

    let (machine, realtime) = (file.machine.0?, file.realtime.0?);
    let (control, metrics) = (file.control.0?, file.metrics.0?);
    if reader.problem_count() > 0 {
        return None;
    }
    simulation::plan(&mut buses, &axes, &inputs);
    for (written, bus) in file.buses.iter().zip(&buses).filter(|(_, bus)| bus.kind == BusKind::Simulated) {
        if let Err(error) = SimulatedBus::new(&bus.simulation) {
            reader.report_found(&written.place, "this bus", format!("what can be simulated ({error})"));
        }
    }
    Some(MachineConfig {
        origin: Arc::default(),
        name: machine.name.value,
        period_ns,
        receive_deadline_ns: period_ns / 100 * *machine.receive_deadline_percent,
        realtime: RealtimeConfig {
            require: *realtime.require_realtime,
            priority: *realtime.priority,
            cpu: *realtime.cpu,
            max_skipped_periods: *realtime.max_skipped,
            lock_memory: *realtime.lock_memory,
            hold_cpu_latency: *realtime.hold_cpu_latency,
            heap_reserve_bytes: *realtime.heap_reserve_mib << 20,
            spin_ns: *realtime.spin_us * 1000,
        },
        control: ControlConfig {
            socket: PathBuf::from(control.socket.value),
            group: control.group.value,
            operate_groups: control.operate_groups.value,
            commission_groups: control.commission_groups.value,
            observe: *control.observe,
            observe_socket: control.observe_socket.value.map(PathBuf::from),
        },
        metrics: metrics.enabled.then_some(*metrics.listen),
        buses,
        axes: axes.into_iter().map(|axis| axis.config).collect(),
        groups,
        inputs,
        outputs,
        analog_inputs,
        analog_outputs,
        reactions,
    })
}

/// Reports what is too much, and every name that is there twice.
fn at_most<'a>(
    reader: &mut Reader<'_>,
    what: &'static str,
    names: impl Iterator<Item = &'a At<String>>,
    most: usize,
) -> bool {
    let mut seen: Vec<&At<String>> = Vec::new();
    for name in names {
        if let Some(first) = seen.iter().find(|first| first.value == name.value) {
            reader.report(&name.place, format!("a name of its own (line {} has it already)", first.place.line));
        }
        seen.push(name);
    }
    let fits = seen.len() <= most;
    if !fits {
        let place = Place { line: seen[most].place.line, path: what.into(), written: None, overlaid: false };
        reader.report_found(&place, format!("{} tables [[{what}]]", seen.len()), format!("at most {most}"));
    }
    fits
}

/// The place of `wanted` in a list of names. `None` is reported, unless that table is wrong itself.
fn find<'n>(
    reader: &mut Reader<'_>,
    place: &Place,
    wanted: &str,
    sound: impl Iterator<Item = &'n str>,
    written: &[&str],
    what: &str,
) -> Option<usize> {
    let found = sound.enumerate().find(|(_, name)| *name == wanted).map(|(index, _)| index);
    if found.is_none() && !written.contains(&wanted) {
        const SHOWN: usize = 12;
        let mut known = written.iter().take(SHOWN).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        if written.len() > SHOWN {
            known.push_str(", …");
        }
        let allowed = match nearest(wanted, written) {
            Some(near) => format!("{what}; did you mean \"{near}\"?"),
            None if written.is_empty() => format!("{what}, but there is none"),
            None => format!("{what}, one of {known}"),
        };
        reader.report_found(place, format!("\"{wanted}\""), allowed);
    }
    found
}

fn find_axis(reader: &mut Reader<'_>, place: &Place, name: &str, file: &File) -> Option<AxisId> {
    let written = reader.names("axis");
    let index = find(reader, place, name, file.axes.iter().map(|axis| axis.name.as_str()), &written, "an axis")?;
    Some(AxisId(index as u8))
}

fn group(reader: &mut Reader<'_>, group: &Group, file: &File) -> Option<GroupConfig> {
    let axes: Vec<_> = group.axes.iter().map(|name| find_axis(reader, &group.axes.place, name, file)).collect();
    let axes = axes.into_iter().collect::<Option<Vec<_>>>()?;
    for own in axes.iter().map(|axis| &file.axes[axis.index()]).filter(|axis| *axis.mode == ModeWord::Pp) {
        let found = format!("axis \"{}\" in mode \"pp\"", *own.name);
        let allowed = "axes that follow each setpoint (csp, csv, cst, ip): in pp a drive goes its own way from target to \
                       target, behind the others and off their path";
        reader.report_found(&group.axes.place, found, allowed);
    }
    let joints: Vec<_> = axes.iter().map(|axis| &file.axes[axis.index()]).collect();
    let tool = match &group.kinematics {
        Some(kinematics) => Some(kinematics::tool(reader, kinematics, &group.axes.place, &joints)?),
        None => None,
    };
    let units = tool.as_ref().map_or_else(|| joints.iter().map(|axis| axes::unit(axis)).collect(), GroupTool::units);
    let linear = units.contains(&AxisUnit::Millimetre);
    let path_limits = Limits { velocity: *group.velocity, acceleration: *group.acceleration, jerk: *group.jerk };
    Some(GroupConfig {
        name: group.name.value.clone(),
        unit: if linear { AxisUnit::Millimetre } else { AxisUnit::Degree },
        motion: GroupParameters { axes, path_limits },
        tool,
    })
}

fn reaction(reader: &mut Reader<'_>, to: &ReactionTo, file: &File) -> Option<ReactionRule> {
    let Some(fault) = Fault::ALL.iter().copied().find(|fault| fault.name() == *to.fault) else {
        let names: Vec<_> = Fault::ALL.iter().map(|fault| fault.name()).collect();
        find(reader, &to.fault.place, &to.fault, std::iter::empty(), &names, "the name of a fault");
        return None;
    };
    if matches!(fault, Fault::CyclePanic | Fault::ServiceLost | Fault::MemberFault) {
        reader.report(&to.fault.place, "a fault whose reaction can be chosen; this one's cannot");
        return None;
    }
    let machine_wide = fault.of_machine();
    if machine_wide && *to.scope != ScopeWord::All {
        reader.report(&to.scope.place, format!("\"all\" (\"{}\" concerns the whole machine)", fault.name()));
        return None;
    }
    let axes = match &to.axes.value {
        Some(_) if machine_wide => {
            reader.report(&to.axes.place, format!("nothing (\"{}\" concerns the whole machine)", fault.name()));
            return None;
        }
        Some(names) => {
            let found: Vec<_> = names.iter().map(|name| find_axis(reader, &to.axes.place, name, file)).collect();
            found.into_iter().try_fold(0, |axes, axis| Some(axes | 1 << axis?.0))?
        }
        None => u64::MAX,
    };
    let scope = match *to.scope {
        ScopeWord::Axis => Scope::Axis,
        ScopeWord::Group => Scope::Group,
        ScopeWord::All => Scope::All,
    };
    let stop = match *to.stop {
        StopWord::Ramp => StopKind::Ramp,
        StopWord::QuickStop => StopKind::QuickStop,
    };
    Some(ReactionRule { fault, axes, reaction: Reaction { scope, stop } })
}
