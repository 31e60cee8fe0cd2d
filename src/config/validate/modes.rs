//! What a drive is given at start because of the mode that an axis uses it in.

use super::super::machine::BusConfig;
use super::super::reader::Reader;
use super::super::schema::{Axis, BusKind};
use super::axes::{AxisPlan, increments_per_unit};
use crate::drive::Mode;
use crate::fieldbus::mapping::axis_object;
use crate::fieldbus::modes::interpolation_time;
use crate::fieldbus::sdo::{Address, ObjectWrite};

const PROFILE_VELOCITY: u16 = 0x6081;
const PROFILE_ACCELERATION: u16 = 0x6083;
const PROFILE_DECELERATION: u16 = 0x6084;
const INTERPOLATION_TIME: u16 = 0x60C2;

/// Puts the objects before those that the configuration names, which may say something else.
pub fn start_objects(
    reader: &mut Reader<'_>,
    axes: &[Axis],
    plans: &[AxisPlan],
    buses: &mut [BusConfig],
    period_ns: u64,
) {
    for plan in plans {
        let Some(axis) = axes.iter().find(|axis| *axis.name == plan.config.name) else { continue };
        let wiring = &plan.config.wiring;
        let bus = &mut buses[wiring.bus.index()];
        let objects = match wiring.drive.mode {
            Mode::Csp | Mode::Csv | Mode::Cst => continue,
            Mode::Ip => interpolation(bus.kind, plan.device_axis, period_ns),
            Mode::Pp => profile(reader, axis, plan),
        };
        let startup = &mut bus.devices[usize::from(wiring.device)].startup;
        startup.splice(..0, objects);
    }
}

/// The period between two records. A CANopen bus tells it to every drive, and a simulated one has it.
fn interpolation(bus: BusKind, axis: u8, period_ns: u64) -> Vec<ObjectWrite> {
    if bus != BusKind::Ethercat {
        return Vec::new();
    }
    let (value, exponent) = interpolation_time(period_ns);
    let write = |subindex, byte| ObjectWrite {
        address: Address::entry(axis_object(INTERPOLATION_TIME, axis), subindex),
        value: [byte].into(),
    };
    vec![write(1, value), write(2, exponent.to_le_bytes()[0])]
}

/// The limits of the axis as those of the drive's own profile, in the drive's units of velocity.
fn profile(reader: &mut Reader<'_>, axis: &Axis, plan: &AxisPlan) -> Vec<ObjectWrite> {
    let scaling = &plan.config.wiring.drive.scaling;
    let per_unit = increments_per_unit(scaling) * scaling.velocity_factor.as_f64();
    let limits = &axis.limits;
    let mut objects = Vec::new();
    let figures = [
        (PROFILE_VELOCITY, &limits.velocity),
        (PROFILE_ACCELERATION, &limits.acceleration),
        (PROFILE_DECELERATION, &limits.acceleration),
    ];
    for (index, limit) in figures {
        let index = axis_object(index, plan.device_axis);
        // Down, so that the drive keeps to the limit.
        let raw = (**limit * per_unit).floor();
        if !(1.0..=f64::from(u32::MAX)).contains(&raw) {
            let allowed = format!(
                "from {:.3e} to {:.3e}: in pp the drive keeps to it by {index:04X}h, which has 32 bits",
                1.0 / per_unit,
                f64::from(u32::MAX) / per_unit
            );
            reader.report(&limit.place, allowed);
            return Vec::new();
        }
        objects.push(ObjectWrite { address: Address::entry(index, 0), value: (raw as u32).to_le_bytes().into() });
    }
    objects
}
