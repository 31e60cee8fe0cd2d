//! A lease that is kept for as long as this program wants it.

use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::{Connection, Error};

/// How long the daemon waits for a renewal, milliseconds.
const TTL_MS: u64 = 3_000;
/// Between two renewals: two of them may be lost.
const RENEWAL: Duration = Duration::from_millis(TTL_MS / 3);
/// How long a renewal may take.
const PATIENCE: Duration = Duration::from_millis(TTL_MS / 3);

/// What a lease covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One axis.
    Axis(String),
    /// The axes of a group.
    Group(String),
    /// Everything.
    Machine,
}

/// What happens to motion when this program is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnLoss {
    /// What the lease covers stops, and is locked until released.
    Stop,
    /// What was accepted is carried out.
    Finish,
}

/// A lease, renewed by a thread with a connection of its own. Released when it is dropped.
#[derive(Debug)]
pub struct Lease {
    token: String,
    scope: Scope,
    keeper: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Scope {
    /// Interface, parameter and name; `None` for the machine.
    pub fn named(&self) -> Option<(&'static str, &'static str, &str)> {
        match self {
            Scope::Axis(axis) => Some(("Axis", "axis", axis)),
            Scope::Group(group) => Some(("Group", "group", group)),
            Scope::Machine => None,
        }
    }

    /// As parameters of a request.
    pub fn parameters(&self) -> Map<String, Value> {
        self.named().map(|(_, parameter, name)| (parameter.to_string(), json!(name))).into_iter().collect()
    }
}

impl Lease {
    /// Takes the lease with a method of io.motiond.v1.Lease, `Acquire` or `TakeOver`, and keeps it.
    pub(super) fn take(
        connection: &mut Connection,
        path: &Path,
        method: &str,
        scope: Scope,
        on_loss: OnLoss,
    ) -> Result<Lease, Error> {
        let on_loss = if on_loss == OnLoss::Stop { "stop" } else { "finish" };
        let mut request = scope.parameters();
        request.extend([
            ("ttl_ms".to_string(), json!(TTL_MS)),
            ("on_loss".to_string(), json!(on_loss)),
            ("holder".to_string(), json!(holder())),
        ]);
        let reply = connection.call(&format!("io.motiond.v1.Lease.{method}"), Value::Object(request))?;
        let token = reply.get("lease").and_then(Value::as_str);
        let token = token.ok_or_else(|| Error::NotUnderstood("lease is missing".to_string()))?.to_string();
        let (end, ended) = channel();
        let (path, kept) = (path.to_path_buf(), token.clone());
        let keep = move || {
            let mut connection = None;
            loop {
                let ending = !matches!(ended.recv_timeout(RENEWAL), Err(RecvTimeoutError::Timeout));
                let method = if ending { "io.motiond.v1.Lease.Release" } else { "io.motiond.v1.Lease.Renew" };
                let mut say = || connected(&mut connection, &path)?.call(method, json!({ "lease": kept }));
                let answer = say();
                let answer = match answer {
                    // That connection may be of a service that has gone and come back since.
                    Err(Error::Refused { .. }) | Ok(_) => answer,
                    Err(_) => {
                        connection = None;
                        connected(&mut connection, &path).and_then(|it| it.call(method, json!({ "lease": kept })))
                    }
                };
                let lost = answer.is_err_and(|error| {
                    if !matches!(error, Error::Refused { .. }) {
                        connection = None;
                    }
                    // The next command is told so. Anything else may pass in time.
                    matches!(error.short_name(), "NoSuchLease" | "PermissionDenied")
                });
                if ending || lost {
                    return;
                }
            }
        };
        let keeper = std::thread::Builder::new().name("lease".to_string()).spawn(keep).map_err(Error::Lost)?;
        Ok(Lease { token, scope, keeper: Some((end, keeper)) })
    }

    /// What to show for it.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Whether a request with these parameters is for just what it covers.
    pub(super) fn is_of(&self, request: &Map<String, Value>) -> bool {
        self.scope.named().is_some_and(|(_, parameter, name)| request.get(parameter).is_some_and(|of| of == name))
    }

    /// What it covers.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some((end, keeper)) = self.keeper.take() {
            let _ = end.send(());
            // Released before anything else is done, so that the next one may have it.
            let _ = keeper.join();
        }
    }
}

fn connected<'a>(connection: &'a mut Option<Connection>, path: &Path) -> Result<&'a mut Connection, Error> {
    if connection.is_none() {
        let opened = Connection::open(path)?;
        opened.set_patience(Some(PATIENCE))?;
        *connection = Some(opened);
    }
    connection.as_mut().ok_or_else(|| Error::NotUnderstood("no connection".to_string()))
}

/// Program, user and process, for whoever is told that the lease is held.
fn holder() -> String {
    let program = std::env::current_exe().ok();
    let program = program.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let uid = nix::unistd::getuid();
    let user = nix::unistd::User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    let mut holder = format!("{}@{user} {}", program.as_deref().unwrap_or("client"), std::process::id());
    while holder.len() > crate::limits::MAX_HOLDER_BYTES {
        holder.remove(0);
    }
    holder
}
