//! A machine with two axes whose cycle the test plays, and a client that checks every reply against the descriptions.

use std::sync::Arc;

use nix::sys::socket::{setsockopt, sockopt};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;

use crate::control::schema::{INTERFACES, Kind};
use crate::control::session::{self, End};
use crate::control::{Context, Door, InjectedFault, Misfit, NotPersisted, Parameter, ParameterBook, TestCommands};
use crate::gateway::{AxisFigures, Limits, Overrides};
use crate::ids::AxisId;
use crate::service::Place;

pub use super::machine::Machine;

/// Does what is asked, except for the service `nothing`.
struct Tests;

impl TestCommands for Tests {
    fn inject(&self, _: InjectedFault, axis: Option<&str>, bus: Option<&str>, _: u64, _: u16) -> Result<(), String> {
        axis.or(bus).map(|_| ()).ok_or_else(|| "name an axis or a bus".to_string())
    }

    fn set_input(&self, _: &str, _: bool) -> Result<(), String> {
        Ok(())
    }

    fn panic(&self, service: &str, _: Place) -> Result<(), String> {
        if service == "nothing" { Err("there is no such service".to_string()) } else { Ok(()) }
    }

    fn hang(&self, service: &str, _: u64) -> Result<(), String> {
        self.panic(service, Place::Loop)
    }
}

/// Three parameters of the axis x; velocities are good up to 1000, and everything can be persisted but 13.
struct Book(Vec<Parameter>);

impl Book {
    fn new() -> Book {
        let parameter = |name: &str, live: bool, number: Option<f64>| Parameter {
            name: format!("axis.x.{name}"),
            configured: number.map(|number| number.to_string()),
            configured_number: number,
            unit: live.then(|| "mm/s".to_string()),
            allowed: "a number".to_string(),
            range: live.then_some((0.0, 1000.0)),
            what: "for tests",
            live,
        };
        Book(vec![parameter("kind", false, None), parameter("v", true, Some(100.0)), parameter("w", true, None)])
    }
}

impl ParameterBook for Book {
    fn parameters(&self) -> &[Parameter] {
        &self.0
    }

    fn persisted(&self) -> Arc<Overrides> {
        Arc::new([("axis.x.v".to_string(), 50.0)].into())
    }

    fn figures(&self, _: AxisId, overrides: &Overrides) -> Result<AxisFigures, Vec<Misfit>> {
        let misfit = overrides.iter().find(|(_, value)| **value > 1000.0);
        if let Some((name, value)) = misfit {
            let (found, allowed) = (value.to_string(), "up to 1000".to_string());
            return Err(vec![Misfit { name: name.clone(), found, allowed }]);
        }
        let velocity = overrides.get("axis.x.v").copied().unwrap_or(100.0);
        Ok(AxisFigures::plain(Limits { velocity, acceleration: 1000.0, jerk: 1e4 }))
    }

    fn persist(&self, overrides: &Overrides) -> Result<String, NotPersisted> {
        match overrides.values().find(|value| **value == 13.0) {
            Some(_) => Err(NotPersisted::NoStateDirectory),
            None => Ok("parameters.toml".to_string()),
        }
    }

    fn written(&self, number: f64) -> String {
        number.to_string()
    }
}

/// What sessions share, over this machine.
pub fn context(machine: &Machine) -> Arc<Context> {
    let mut context = Context::new(machine.client(), machine.telemetry());
    context.tests = Some(Arc::new(Tests));
    context.parameters = Some(Arc::new(Book::new()));
    context.paths = Some(Arc::new(machine.paths()));
    context.timed = Some(Arc::new(machine.streams()));
    context.devices = Some(Arc::new(super::device::Bus::new()));
    context.now_ns = Arc::new(|| 1_000_000_000_000);
    Arc::new(context)
}

/// A client on one end of a socket pair; a session serves the other.
pub struct Client {
    pub stream: UnixStream,
    pub session: JoinHandle<End>,
    /// The token that goes with every request that takes one.
    pub lease: Option<String>,
}

impl Client {
    pub fn of(context: &Arc<Context>) -> Client {
        Client::through(Door::Control, context)
    }

    /// One that came by this door.
    pub fn through(door: Door, context: &Arc<Context>) -> Client {
        let (stream, served) = pair();
        let session = tokio::spawn(session::serve(served, door, Arc::clone(context)));
        Client { stream, session, lease: None }
    }

    /// One that holds the machine; its gateway runs.
    pub async fn holding(context: &Arc<Context>) -> Client {
        let mut client = Client::of(context);
        let request = json!({ "ttl_ms": 60_000, "on_loss": "finish", "holder": "fixture" });
        let given = client.call("io.motiond.v1.Lease.Acquire", request).await;
        client.lease = given["lease"].as_str().map(ToOwned::to_owned);
        client
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn ask(&mut self, method: &str, mut parameters: Value) {
        if let Some(lease) = self.lease.as_ref().filter(|_| takes_lease(method)) {
            parameters["lease"] = json!(lease);
        }
        self.send(&message(json!({ "method": method, "parameters": parameters }))).await;
    }

    pub async fn ask_more(&mut self, method: &str, parameters: Value) {
        self.send(&message(json!({ "method": method, "parameters": parameters, "more": true }))).await;
    }

    /// The next reply as it stands.
    pub async fn receive(&mut self) -> Value {
        let mut bytes = Vec::new();
        loop {
            match self.stream.read_u8().await {
                Ok(0) => return serde_json::from_slice(&bytes).unwrap(),
                Ok(byte) => bytes.push(byte),
                Err(error) => panic!("{error} after {:?}", String::from_utf8_lossy(&bytes)),
            }
        }
    }

    /// The next reply, which is one to `method` as its interface describes it.
    pub async fn receive_for(&mut self, method: &str) -> Value {
        let reply = self.receive().await;
        assert_fits(method, &reply);
        reply
    }

    /// Calls a method and gives its reply's parameters, which are no error.
    pub async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.ask(method, parameters).await;
        let reply = self.receive_for(method).await;
        assert_eq!(reply.get("error"), None, "{reply}");
        reply["parameters"].clone()
    }

    /// Calls a method and gives the error's full name and parameters.
    pub async fn fail(&mut self, method: &str, parameters: Value) -> (String, Value) {
        self.ask(method, parameters).await;
        let reply = self.receive_for(method).await;
        let error = reply["error"].as_str().unwrap_or_else(|| panic!("no error: {reply}"));
        (error.to_string(), reply["parameters"].clone())
    }

    /// Whether the daemon closed the connection after everything that it had to say.
    pub async fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest).await {
            Ok(_) => rest.is_empty(),
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }
}

/// Whether the description of a method has a place for a lease that may be left out.
pub fn takes_lease(method: &str) -> bool {
    let (interface, name) = method.rsplit_once('.').unwrap();
    let interface = INTERFACES.iter().find(|known| known.name == interface);
    let method = interface.and_then(|interface| interface.method(name));
    let lease = ("lease".to_string(), Kind::Optional(Box::new(Kind::Text)));
    method.is_some_and(|method| matches!(&method.inputs, Kind::Object(fields) if fields.contains(&lease)))
}

/// A client's end and the daemon's, which knows its senders from the first byte as an accepted one does.
pub fn pair() -> (UnixStream, UnixStream) {
    let (stream, served) = UnixStream::pair().unwrap();
    setsockopt(&served, sockopt::PassCred, &true).unwrap();
    (stream, served)
}

pub fn message(value: Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(&value).unwrap();
    bytes.push(0);
    bytes
}

/// Checks a reply against the description of its method, or of the error that it is.
pub fn assert_fits(method: &str, reply: &Value) {
    let full_name = reply["error"].as_str().unwrap_or(method);
    let (interface, name) = full_name.rsplit_once('.').unwrap();
    let interface = INTERFACES.iter().find(|known| known.name == interface).unwrap_or_else(|| panic!("{interface}"));
    let kind = match reply.get("error") {
        Some(_) => interface.errors.iter().find(|(known, _)| known == name).map(|(_, fields)| fields),
        None => interface.method(name).map(|method| &method.outputs),
    };
    let kind = kind.unwrap_or_else(|| panic!("{full_name} is not described"));
    assert!(kind.accepts(&reply["parameters"]), "{full_name} does not describe {reply}");
}
