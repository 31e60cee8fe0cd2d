//! From a request to the interface that answers it.

use serde_json::{Map, Value};

use super::call::{Parameters, Request};
use super::context::Context;
use super::failure::Failure;
use super::replies::Replies;
use super::role::Role;
use super::socket::Gone;
use super::{
    axis, command, device, events, group, lease, machine, parameters, path, permission, service, stream, telemetry,
    test_commands,
};

/// The parameters of a reply.
pub type Reply = Map<String, Value>;

/// Why a request did not come to its last reply.
#[derive(Debug)]
pub enum Interrupted {
    /// It gets an error for an answer.
    Failed(Failure),
    /// There is nobody to answer to.
    Gone(Gone),
}

impl From<Failure> for Interrupted {
    fn from(failure: Failure) -> Interrupted {
        Interrupted::Failed(failure)
    }
}

impl From<Gone> for Interrupted {
    fn from(gone: Gone) -> Interrupted {
        Interrupted::Gone(gone)
    }
}

/// `interface.Method` as its two parts.
pub fn split(method: &str) -> (&str, &str) {
    method.rsplit_once('.').unwrap_or((method, ""))
}

/// Whether a request may take as long as it likes, so that it ends with its client.
pub fn is_long(request: &Request) -> bool {
    request.more || ["io.motiond.v1.Command.Wait", "io.motiond.v1.Path.DryRun"].contains(&request.method.as_str())
}

/// Whether a method may change something; every such call is logged with who made it.
pub fn is_mutating(interface: &str, method: &str) -> bool {
    permission::needed(interface, method).is_some_and(|role| role > Role::Observe)
}

/// Carries out a request if it is a stop: it takes no queue, no lock and no turn.
pub fn stop_at_once(context: &Context, request: &Request) -> Option<Result<Reply, Failure>> {
    let (interface, method) = split(&request.method);
    if method != "Stop" {
        return None;
    }
    let stop = match interface {
        "io.motiond.v1.Machine" => machine::stop,
        "io.motiond.v1.Axis" => axis::stop,
        "io.motiond.v1.Group" => group::stop,
        _ => return None,
    };
    let result = checked(context, request).and_then(|parameters| stop(context, &parameters));
    note(context, request, &result);
    Some(result)
}

/// Answers any other request: sends all replies but the last, and returns that one.
pub async fn call(context: &Context, request: &Request, replies: &mut Replies<'_>) -> Result<Reply, Interrupted> {
    let result = route(context, request, replies).await;
    match &result {
        Ok(reply) => note(context, request, &Ok(reply)),
        Err(Interrupted::Failed(failure)) => note(context, request, &Err::<&Reply, _>(failure.clone())),
        Err(Interrupted::Gone(_)) => {}
    }
    result
}

async fn route(context: &Context, request: &Request, replies: &mut Replies<'_>) -> Result<Reply, Interrupted> {
    let (interface, method) = split(&request.method);
    let arguments = &checked(context, request)?;
    match interface {
        "org.varlink.service" => Ok(service::call(context, method, arguments)?),
        "io.motiond.v1.Machine" => Ok(machine::call(context, method, arguments).await?),
        "io.motiond.v1.Axis" => Ok(axis::call(context, method, arguments).await?),
        "io.motiond.v1.Group" => Ok(group::call(context, method, arguments).await?),
        "io.motiond.v1.Path" => Ok(path::call(context, method, arguments).await?),
        "io.motiond.v1.Stream" => Ok(stream::call(context, method, arguments).await?),
        "io.motiond.v1.Lease" => Ok(lease::call(context, method, arguments, &request.sender).await?),
        "io.motiond.v1.Parameters" => Ok(parameters::call(context, method, arguments).await?),
        "io.motiond.v1.Device" => Ok(device::call(context, method, arguments).await?),
        "io.motiond.v1.Command" => command::call(context, method, arguments, replies).await,
        "io.motiond.v1.Events" => events::call(context, method, arguments, replies).await,
        "io.motiond.v1.Telemetry" => telemetry::call(context, method, arguments, replies).await,
        "io.motiond.v1.Test" => Ok(test_commands::call(context, method, arguments)?),
        _ => Err(Failure::no_interface(interface).into()),
    }
}

/// The parameters of a request, if interface and method exist, its sender may use that, and they fit.
fn checked(context: &Context, request: &Request) -> Result<Parameters, Failure> {
    let (interface, method) = split(&request.method);
    let interface = service::interface(context, interface).ok_or_else(|| Failure::no_interface(interface))?;
    let method = interface.method(method).ok_or_else(|| Failure::no_method(&request.method))?;
    permission::check(&interface.name, &method.name, request)?;
    let checked = method.check(request.parameters.as_deref()).map_err(Failure::parameter)?;
    Ok(Parameters::new(checked, request.presence.clone()))
}

/// Logs a mutating call with who made it, and counts every call.
fn note<R: std::borrow::Borrow<Reply>>(context: &Context, request: &Request, result: &Result<R, Failure>) {
    let outcome = match result {
        Ok(_) => "ok",
        Err(failure) => failure.name(),
    };
    context.count(&request.method, outcome);
    let (interface, method) = split(&request.method);
    if !is_mutating(interface, method) {
        return;
    }
    let handle = result.as_ref().ok().and_then(|reply| reply.borrow().get("handle")).and_then(Value::as_u64);
    request.audit.note(request, outcome, handle);
}
