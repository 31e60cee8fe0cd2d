//! Replies on their way to one client: encoded whole, bounded in length, with the boot id in each.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::call::Request;
use super::context::Context;
use super::dispatch;
use super::door::Door;
use super::failure::{Failure, fields};
use super::socket::{Gone, Writer};
use crate::limits::MAX_REPLY_BYTES;

/// Where the replies to one request go.
pub struct Replies<'a> {
    writer: &'a mut Writer,
    boot_id: &'a str,
    interface: &'a str,
    door: Door,
    more: bool,
    oneway: bool,
}

#[derive(Serialize)]
struct Reply<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'a str>,
    parameters: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continues: Option<bool>,
}

impl<'a> Replies<'a> {
    /// Replies to this request.
    pub fn to(request: &'a Request, writer: &'a mut Writer, context: &'a Context) -> Replies<'a> {
        let (interface, _) = dispatch::split(&request.method);
        let (more, oneway, door) = (request.more, request.oneway, request.sender.door);
        Replies { writer, boot_id: &context.gateway.description().boot_id, interface, door, more, oneway }
    }

    /// A reply to what is no request.
    pub fn to_malformed(writer: &'a mut Writer, context: &'a Context) -> Replies<'a> {
        let boot_id = &context.gateway.description().boot_id;
        Replies { writer, boot_id, interface: "", door: Door::default(), more: false, oneway: false }
    }

    /// The door that the client came by.
    pub fn door(&self) -> Door {
        self.door
    }

    /// Whether the client takes several replies.
    pub fn more(&self) -> bool {
        self.more
    }

    /// Sends a reply that others follow.
    pub async fn push(&mut self, parameters: Map<String, Value>) -> Result<(), Gone> {
        self.send(None, parameters, Some(true)).await
    }

    /// Sends a reply that others follow, whose parameters but `dropped` telemetry has encoded.
    pub async fn push_sample(&mut self, dropped: u64, rest: &[u8]) -> Result<(), Gone> {
        if self.oneway {
            return Ok(());
        }
        let mut message = format!("{{\"parameters\":{{\"dropped\":{dropped},").into_bytes();
        message.extend_from_slice(rest);
        self.writer.write(&message).await
    }

    /// Sends the only or last reply.
    pub async fn finish(mut self, result: Result<Map<String, Value>, Failure>) -> Result<(), Gone> {
        let continues = self.more.then_some(false);
        match result {
            Ok(parameters) => self.send(None, parameters, continues).await,
            Err(failure) => {
                let (error, parameters) = failure.into_wire(self.interface, self.boot_id);
                self.send(Some(&error), parameters, continues).await
            }
        }
    }

    async fn send(
        &mut self,
        error: Option<&str>,
        mut parameters: Map<String, Value>,
        continues: Option<bool>,
    ) -> Result<(), Gone> {
        if self.oneway {
            return Ok(());
        }
        if error.is_none() && self.interface != "org.varlink.service" {
            parameters.insert("boot_id".to_string(), Value::String(self.boot_id.to_string()));
        }
        let mut message = encode(&Reply { error, parameters, continues });
        if message.len() > MAX_REPLY_BYTES {
            let excess = fields(json!({ "bytes": message.len(), "limit": MAX_REPLY_BYTES }));
            let (error, parameters) = Failure::Machine("ReplyTooLarge", excess).into_wire("", self.boot_id);
            message = encode(&Reply { error: Some(&error), parameters, continues });
        }
        self.writer.write(&message).await
    }
}

fn encode(reply: &Reply<'_>) -> Vec<u8> {
    let mut message = serde_json::to_vec(reply).expect("a reply has string keys only");
    message.push(0);
    message
}
