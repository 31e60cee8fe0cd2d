//! What an operator does with a path under way, and what is told of it.

use serde_json::json;

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use crate::gateway::{GroupSnapshot, PathAct, Request};
use crate::ids::GroupId;

/// Back, forward, or line by line.
pub async fn act(context: &Context, group: GroupId, act: PathAct, parameters: &Parameters) -> Result<Reply, Failure> {
    commands::submit(context, parameters, Request::PathAct { group, act }).await
}

/// Seconds to the end of the path at the override in force, once that end is known; none where the override is 0.
pub fn time_left(state: &GroupSnapshot) -> Option<f64> {
    let left = state.path_left?;
    (state.override_ratio > 0.0).then(|| left.seconds / state.override_ratio)
}

/// How a path is, and how far it can go.
pub fn progress(state: &GroupSnapshot) -> Reply {
    fields(json!({
        "state": state.path_state.word(),
        "left": state.path_left.map(|left| left.distance),
        "time_left": time_left(state),
        "behind": state.path_behind,
        "back": state.path_back,
        "steps": state.path_steps,
    }))
}
