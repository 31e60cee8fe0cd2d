//! `io.motiond.v1.Command`: what became of accepted commands.

use serde_json::{Value, json};

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::{Interrupted, Reply};
use super::failure::{Failure, fields};
use super::replies::Replies;
use super::view;
use crate::gateway::{CommandState, CommandStatus, Refusal};
use crate::ids::Handle;

/// Answers a method of this interface.
pub async fn call(
    context: &Context,
    method: &str,
    parameters: &Parameters,
    replies: &mut Replies<'_>,
) -> Result<Reply, Interrupted> {
    let handle = Handle(parameters.whole("handle")?);
    let watch = context.gateway.watch(handle).await.map_err(commands::refused)?;
    let mut watch = watch.ok_or_else(|| no_such_command(handle))?;
    match method {
        "Status" => Ok(progress(handle, &watch.borrow())),
        "Wait" => {
            let _stream = context.open_stream(replies.door())?;
            loop {
                let status = *watch.borrow_and_update();
                if status.state.is_end() {
                    return Ok(progress(handle, &status));
                }
                if replies.more() {
                    replies.push(progress(handle, &status)).await?;
                }
                // The gateway drops its end only after the command's.
                if watch.changed().await.is_err() && !watch.borrow().state.is_end() {
                    return Err(commands::refused(Refusal::Interrupted).into());
                }
            }
        }
        _ => Err(Failure::not_implemented(format!("io.motiond.v1.Command.{method}")).into()),
    }
}

fn progress(handle: Handle, status: &CommandStatus) -> Reply {
    let fault = match status.state {
        CommandState::Failed(fault) => view::fault(fault.code()),
        _ => Value::Null,
    };
    let state = status.state.name();
    fields(json!({ "progress": { "handle": handle.0, "state": state, "cycle": status.cycle, "fault": fault } }))
}

fn no_such_command(handle: Handle) -> Failure {
    Failure::Own(
        "NoSuchCommand",
        fields(json!({
            "handle": handle.0,
            "hint": "handles are those that a command was answered with since the daemon started (compare boot_id)",
            "retryable": false,
        })),
    )
}
