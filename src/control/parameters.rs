//! `io.motiond.v1.Parameters`: the configuration by names, and its changes while the machine runs.

use std::sync::Arc;

use serde_json::{Value, json};

use super::call::Parameters;
use super::commands;
use super::context::Context;
use super::dispatch::Reply;
use super::failure::{Failure, fields};
use super::parameter_book::{Misfit, NotPersisted, Parameter, ParameterBook};
use super::{axis, view};
use crate::gateway::{Accepted, Asked, InForce, Overrides, ParameterChange};
use crate::ids::AxisId;
use crate::limits::PARAMETERS_PER_REPLY;

/// Answers a method of this interface.
pub async fn call(context: &Context, method: &str, parameters: &Parameters) -> Result<Reply, Failure> {
    let Some(book) = &context.parameters else { return Err(Failure::no_interface("io.motiond.v1.Parameters")) };
    match method {
        "List" => list(context, &**book, parameters),
        "Diff" => diff(context, &**book, parameters),
        "Write" => write(context, book, parameters).await,
        "RollBack" => roll_back(context, book, parameters).await,
        "Persist" => persist(context, book).await,
        _ => Err(Failure::not_implemented(format!("io.motiond.v1.Parameters.{method}"))),
    }
}

/// What is not as in the file now, over all axes.
fn running(in_force: &[InForce]) -> Overrides {
    in_force.iter().flat_map(|axis| axis.overrides.iter().map(|(name, value)| (name.clone(), *value))).collect()
}

fn list(context: &Context, book: &dyn ParameterBook, parameters: &Parameters) -> Result<Reply, Failure> {
    let prefix = parameters.optional_text("prefix").unwrap_or("");
    let (running, persisted) = (running(&context.gateway.in_force()), book.persisted());
    let of_prefix = book.parameters().iter().filter(|parameter| parameter.name.starts_with(prefix));
    let view = |parameter: &Parameter| {
        let overridden = |by: &Overrides| by.get(&parameter.name).map(|number| book.written(*number));
        json!({
            "name": parameter.name,
            "value": overridden(&running).or_else(|| parameter.configured.clone()),
            "number": running.get(&parameter.name).copied().or(parameter.configured_number),
            "unit": parameter.unit,
            "allowed": parameter.allowed,
            "minimum": parameter.range.map(|range| range.0),
            "maximum": parameter.range.map(|range| range.1),
            "description": parameter.what,
            "live": parameter.live,
            "configured": parameter.configured,
            "persisted": overridden(&persisted).or_else(|| parameter.configured.clone()),
        })
    };
    page("parameters", of_prefix.collect(), parameters, view)
}

fn diff(context: &Context, book: &dyn ParameterBook, parameters: &Parameters) -> Result<Reply, Failure> {
    let (running, persisted) = (running(&context.gateway.in_force()), book.persisted());
    let differs =
        |parameter: &&Parameter| running.contains_key(&parameter.name) || persisted.contains_key(&parameter.name);
    let view = |parameter: &Parameter| {
        let under = |by: &Overrides| by.get(&parameter.name).copied().or(parameter.configured_number);
        json!({
            "name": parameter.name,
            "unit": parameter.unit,
            "value": under(&running),
            "configured": parameter.configured_number,
            "persisted": under(&persisted),
        })
    };
    page("differences", book.parameters().iter().filter(differs).collect(), parameters, view)
}

/// A page of parameters: those after the one named in the request, at most as many as it says.
fn page(
    name: &str,
    items: Vec<&Parameter>,
    parameters: &Parameters,
    view: impl Fn(&Parameter) -> Value,
) -> Result<Reply, Failure> {
    let most = PARAMETERS_PER_REPLY as u64;
    let max = parameters.optional_whole("max")?.unwrap_or(most);
    if max == 0 || max > most {
        let hint = "read the rest with the `next` of the reply";
        return Err(Failure::out_of_range("max", max as f64, (1.0, most as f64), "parameters", hint));
    }
    let first = match parameters.optional_text("after") {
        None => 0,
        Some(after) => 1 + items.iter().position(|item| item.name == after).ok_or(Failure::parameter("after"))?,
    };
    let rest = &items[first..];
    let mut reply = view::page(name, rest.iter().take(max as usize).map(|item| view(item)), None)?;
    reply.remove("next");
    let shown = reply.get(name).and_then(Value::as_array).map_or(0, Vec::len);
    if let (Some(last), true) = (rest[..shown].last(), shown < rest.len()) {
        reply.insert("next".to_string(), json!(last.name));
    }
    Ok(reply)
}

async fn write(context: &Context, book: &Arc<dyn ParameterBook>, parameters: &Parameters) -> Result<Reply, Failure> {
    let name = parameters.text("axis")?;
    let axis = axis::find(context, name)?;
    let prefix = format!("axis.{name}.");
    let mut asked = Overrides::new();
    for value in parameters.optional_list("values").unwrap_or_default() {
        let given = value.get("name").and_then(Value::as_str).ok_or_else(|| Failure::parameter("values"))?;
        let number = value.get("value").and_then(Value::as_f64).ok_or_else(|| Failure::parameter("values"))?;
        let full = if given.starts_with("axis.") { given.to_string() } else { format!("{prefix}{given}") };
        if !full.starts_with(&prefix) {
            let (found, allowed) = ("a parameter of something else".into(), format!("one of {prefix}"));
            return Err(unfit(name, &[Misfit { name: full, found, allowed }]));
        }
        if asked.insert(full.clone(), number).is_some() {
            let (found, allowed) = ("two values".into(), "one value a parameter".into());
            return Err(unfit(name, &[Misfit { name: full, found, allowed }]));
        }
    }
    if asked.is_empty() {
        return Err(Failure::parameter("values"));
    }
    let in_force = context.gateway.in_force();
    let mut overrides = Overrides::clone(&in_force[axis.index()].overrides);
    for (name, number) in &asked {
        let configured = book.parameters().iter().find(|parameter| parameter.name == *name);
        // What is as configured is no override.
        if configured.is_some_and(|parameter| parameter.live && parameter.configured_number == Some(*number)) {
            overrides.remove(name);
        } else {
            overrides.insert(name.clone(), *number);
        }
    }
    change(context, book, parameters, axis, Asked::Values(asked), overrides).await
}

async fn roll_back(
    context: &Context,
    book: &Arc<dyn ParameterBook>,
    parameters: &Parameters,
) -> Result<Reply, Failure> {
    let name = parameters.text("axis")?;
    let axis = axis::find(context, name)?;
    if parameters.text("to")? == "configured" {
        return change(context, book, parameters, axis, Asked::Configured, Overrides::new()).await;
    }
    let prefix = format!("axis.{name}.");
    let persisted = book.persisted();
    let of_axis = persisted.iter().filter(|(name, _)| name.starts_with(&prefix));
    let overrides = of_axis.map(|(name, value)| (name.clone(), *value)).collect();
    change(context, book, parameters, axis, Asked::Persisted, overrides).await
}

/// Gives an axis these overrides, if the configuration is good with them and the cycle takes the figures over.
async fn change(
    context: &Context,
    book: &Arc<dyn ParameterBook>,
    parameters: &Parameters,
    axis: AxisId,
    asked: Asked,
    overrides: Overrides,
) -> Result<Reply, Failure> {
    let mut in_force = context.gateway.in_force();
    let base = std::mem::replace(&mut in_force[axis.index()].overrides, Arc::new(overrides));
    let overrides = Arc::clone(&in_force[axis.index()].overrides);
    let all = running(&in_force);
    let figures = aside(Arc::clone(book), move |book| book.figures(axis, &all)).await?;
    let figures = figures.map_err(|misfits| unfit(parameters.text("axis").unwrap_or_default(), &misfits))?;
    let change = ParameterChange { axis, asked, base, overrides, figures };
    let Accepted { handle, cycle } = commands::accepted(context, parameters, change).await?;
    let now = &context.gateway.in_force()[axis.index()];
    // A replayed answer may be of a change that others have followed.
    let changed = match &now.latest {
        Some((latest, before)) if *latest == handle => changed(&**book, before, &now.overrides),
        _ => Vec::new(),
    };
    Ok(fields(json!({ "handle": handle.0, "cycle": cycle, "changed": changed })))
}

fn changed(book: &dyn ParameterBook, before: &Overrides, now: &Overrides) -> Vec<Value> {
    let names = book.parameters().iter().filter(|parameter| parameter.live);
    let differs = names.filter(|parameter| before.get(&parameter.name) != now.get(&parameter.name));
    let of = |by: &Overrides, parameter: &Parameter| by.get(&parameter.name).copied().or(parameter.configured_number);
    differs
        .map(
            |parameter| json!({ "name": parameter.name, "before": of(before, parameter), "value": of(now, parameter) }),
        )
        .collect()
}

async fn persist(context: &Context, book: &Arc<dyn ParameterBook>) -> Result<Reply, Failure> {
    let running = running(&context.gateway.in_force());
    let values = running.len();
    let persisted = aside(Arc::clone(book), move |book| book.persist(&running)).await?;
    let file = persisted.map_err(|error| {
        let (reason, problem, hint) = match error {
            NotPersisted::NoStateDirectory => (
                "NoStateDirectory",
                "the daemon has no state directory".to_string(),
                "start it with --state-directory DIR, or by its unit, which has StateDirectory=motiond",
            ),
            NotPersisted::NotWritten(problem) => (
                "NotWritten",
                problem,
                "make room, or give the daemon's user the directory; what was kept before stays",
            ),
        };
        let refused = json!({ "reason": reason, "problem": problem, "hint": hint, "retryable": false });
        Failure::Own("NotPersisted", fields(refused))
    })?;
    Ok(fields(json!({ "file": file, "values": values })))
}

/// Work that takes long or waits for a disk: on another thread, so that nobody else of the service waits for it.
async fn aside<T: Send + 'static>(
    book: Arc<dyn ParameterBook>,
    work: impl FnOnce(&dyn ParameterBook) -> T + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(move || work(&*book)).await;
    done.map_err(|_| commands::refused(crate::gateway::Refusal::Interrupted))
}

fn unfit(axis: &str, misfits: &[Misfit]) -> Failure {
    let problem = |misfit: &Misfit| json!({ "name": misfit.name, "found": misfit.found, "allowed": misfit.allowed });
    let problems: Vec<Value> = misfits.iter().take(MOST_PROBLEMS).map(problem).collect();
    let hint = "nothing was changed; io.motiond.v1.Parameters.List says what there is and what it may be";
    Failure::Own("Unfit", fields(json!({ "axis": axis, "problems": problems, "hint": hint, "retryable": false })))
}

/// Problems of one answer; further ones follow from these, or show when these are mended.
const MOST_PROBLEMS: usize = 40;
