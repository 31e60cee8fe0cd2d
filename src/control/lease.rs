//! `io.motiond.v1.Lease`: who may move what.

use serde_json::{Value, json};

use super::call::{Parameters, Sender};
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use super::{axis, group};
use crate::gateway::{HeldLease, LeaseRequest, LeaseToken, LossPolicy, Refusal, StopScope};

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters, sender: &Sender) -> Result<Reply, Failure> {
    let gateway = &context.gateway;
    let presence = Some(parameters.presence().clone());
    match method {
        "Acquire" => {
            let request = request(context, parameters, sender)?;
            let ttl_ms = request.ttl_ms;
            given(gateway.acquire(request, presence).await, ttl_ms)
        }
        "TakeOver" => {
            let request = request(context, parameters, sender)?;
            let ttl_ms = request.ttl_ms;
            given(gateway.take_over(request, presence).await, ttl_ms)
        }
        "Renew" => done(gateway.renew(token(parameters)?, presence).await),
        "Release" => done(gateway.release(token(parameters)?).await),
        "List" => {
            let leases = gateway.leases().await.map_err(commands::refused)?;
            let leases: Vec<Value> = leases.iter().map(|lease| held(context, lease)).collect();
            Ok(fields(json!({ "leases": leases })))
        }
        _ => Err(Failure::not_implemented(format!("io.motiond.v1.Lease.{method}"))),
    }
}

fn request(context: &Context, parameters: &Parameters, sender: &Sender) -> Result<LeaseRequest, Failure> {
    let scope = match (parameters.optional_text("axis"), parameters.optional_text("group")) {
        (Some(name), None) => StopScope::Axis(axis::find(context, name)?),
        (None, Some(name)) => StopScope::Group(group::find(context, name)?),
        (None, None) => StopScope::Machine,
        (Some(_), Some(_)) => return Err(Failure::parameter("group")),
    };
    let policy = if parameters.text("on_loss")? == "stop" { LossPolicy::Stop } else { LossPolicy::Finish };
    let (ttl_ms, holder) = (parameters.whole("ttl_ms")?, parameters.text("holder")?.to_string());
    Ok(LeaseRequest { scope, ttl_ms, policy, holder, uid: sender.uid, pid: sender.pid })
}

fn token(parameters: &Parameters) -> Result<LeaseToken, Failure> {
    parameters.text("lease")?.parse().map_err(commands::refused)
}

fn given(given: Result<LeaseToken, Refusal>, ttl_ms: u64) -> Result<Reply, Failure> {
    let token = given.map_err(commands::refused)?;
    Ok(fields(json!({ "lease": token.to_string(), "epoch": token.epoch, "expires_in_ms": ttl_ms })))
}

fn done(done: Result<(), Refusal>) -> Result<Reply, Failure> {
    done.map(|()| Reply::new()).map_err(commands::refused)
}

fn held(context: &Context, lease: &HeldLease) -> Value {
    let machine = context.gateway.description();
    let LeaseRequest { scope, ttl_ms, policy, holder, uid, pid } = &lease.request;
    let (axis, group) = match scope {
        StopScope::Axis(axis) => (Some(&machine.axes[axis.index()].name), None),
        StopScope::Group(group) => (None, Some(&machine.groups[group.index()].name)),
        StopScope::Machine => (None, None),
    };
    let on_loss = if *policy == LossPolicy::Stop { "stop" } else { "finish" };
    json!({
        "epoch": lease.epoch, "axis": axis, "group": group, "holder": holder, "uid": uid, "pid": pid,
        "on_loss": on_loss, "ttl_ms": ttl_ms, "expires_in_ms": lease.expires_in_ms, "connections": lease.connections,
    })
}
