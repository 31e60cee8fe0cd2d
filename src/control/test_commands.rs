//! `io.motiond.v1.Test`: faults on purpose, where the daemon was started for them.

use serde_json::json;

use super::call::Parameters;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use crate::service::Place;

/// A fault of the simulated machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named as on the wire")]
pub enum InjectedFault {
    DriveFault,
    VoltageLoss,
    StuckEncoder,
    LostFrame,
    WrongWorkingCounter,
    LateFrame,
    StaleFeedback,
}

/// What a test asks of the daemon. The daemon's root implements it, because it alone knows the simulated machine and
/// the services; an error says why it cannot be done.
pub trait TestCommands: Send + Sync {
    /// Makes the simulated machine misbehave.
    fn inject(
        &self,
        fault: InjectedFault,
        axis: Option<&str>,
        bus: Option<&str>,
        cycles: u64,
        code: u16,
    ) -> Result<(), String>;

    /// Switches an input of the simulated machine.
    fn set_input(&self, input: &str, on: bool) -> Result<(), String>;

    /// Makes a service panic the next time that it comes by this place.
    fn panic(&self, service: &str, place: Place) -> Result<(), String>;

    /// Makes a service hang; 0 ends it.
    fn hang(&self, service: &str, milliseconds: u64) -> Result<(), String>;
}

/// Answers a method of this interface.
pub fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    let Some(tests) = &context.tests else { return Err(Failure::no_interface("io.motiond.v1.Test")) };
    let done = match method {
        "Inject" => {
            let fault = parameters.text("fault")?;
            let code = parameters.optional_whole("code")?.unwrap_or(0);
            tests.inject(
                fault_named(fault).ok_or_else(|| Failure::parameter("fault"))?,
                parameters.optional_text("axis"),
                parameters.optional_text("bus"),
                parameters.optional_whole("cycles")?.unwrap_or(1),
                u16::try_from(code).map_err(|_| Failure::parameter("code"))?,
            )
        }
        "SetInput" => tests.set_input(parameters.text("input")?, parameters.flag("on")?),
        "Panic" if parameters.text("service")? == "session" => panic!("a test asked this session to panic"),
        "Panic" => {
            let place = parameters.optional_text("place").unwrap_or(Place::Loop.name());
            let place = Place::named(place).ok_or_else(|| Failure::parameter("place"))?;
            tests.panic(parameters.text("service")?, place)
        }
        "Hang" => tests.hang(parameters.text("service")?, parameters.whole("milliseconds")?),
        _ => return Err(Failure::not_implemented(format!("io.motiond.v1.Test.{method}"))),
    };
    let not_possible = |hint: String| Failure::Own("NotPossible", fields(json!({ "hint": hint })));
    done.map(|()| Reply::new()).map_err(not_possible)
}

fn fault_named(name: &str) -> Option<InjectedFault> {
    Some(match name {
        "drive_fault" => InjectedFault::DriveFault,
        "voltage_loss" => InjectedFault::VoltageLoss,
        "stuck_encoder" => InjectedFault::StuckEncoder,
        "lost_frame" => InjectedFault::LostFrame,
        "wrong_working_counter" => InjectedFault::WrongWorkingCounter,
        "late_frame" => InjectedFault::LateFrame,
        "stale_feedback" => InjectedFault::StaleFeedback,
        _ => return None,
    })
}
