//! One client: requests in, replies out in their order.
//!
//! Two halves run side by side. The reading half takes requests off the socket and carries out stops at once, so that
//! a stop waits for no other request; the answering half takes everything else in turn. Reading goes on
//! while a request streams its replies, so the end of a client is seen at once. It rests only while
//! [`MAX_PENDING_REQUESTS`] or [`MAX_PENDING_BYTES`] of this client wait. A client that does not
//! read its replies holds up nobody but itself, and is given up after [`CLIENT_WRITE_PATIENCE`]; neither does one that
//! sends as fast as it can: in each turn of the service one of its requests is read and one answered.

use std::sync::Arc;

use serde_json::{Map, Value};
use tokio::net::UnixStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use zlink::connection::{Connection, ReadConnection};

use super::audit::Audit;
use super::call::{Envelope, Request, Sender};
use super::context::Context;
use super::dispatch;
use super::door::Door;
use super::failure::Failure;
use super::peer::Peer;
use super::replies::Replies;
use super::role::Role;
use super::socket::{BoundedReader, BoundedSocket, Gone, Origin, Writer};
use crate::gateway::Presence;
use crate::limits::{CLIENT_WRITE_PATIENCE, MAX_PENDING_BYTES, MAX_PENDING_REQUESTS, MAX_REQUEST_BYTES};
use crate::service::Place;

/// What the reading half hands to the answering half.
enum Pending {
    /// A request that waits for its turn.
    Call(Request),
    /// One that has its answer: a stop, which has been carried out, or what a client may not ask that may only stop.
    Answered(Request, Result<Map<String, Value>, Failure>),
    /// A message that is no call.
    Malformed(String),
}

impl Pending {
    /// What it holds of the [`MAX_PENDING_BYTES`].
    fn bytes(&self) -> u32 {
        let bytes = match self {
            Pending::Call(request) | Pending::Answered(request, _) => {
                request.method.len() + request.parameters.as_deref().map_or(0, |parameters| parameters.get().len())
            }
            Pending::Malformed(problem) => problem.len(),
        };
        bytes.min(MAX_PENDING_BYTES) as u32
    }
}

/// A pending request with its place among the bytes, which is free again when it has been answered.
type Queued = (Pending, Option<OwnedSemaphorePermit>);

/// Why a session ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The client closed the connection.
    Closed,
    /// The client sent a request without an end.
    Oversize,
    /// The client does not read its replies.
    NotReading,
}

/// What a client is served.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Served {
    All,
    Stops,
}

/// Serves one client, who came by this door, until it is gone.
pub async fn serve(stream: UnixStream, door: Door, context: Arc<Context>) -> End {
    serve_as(Served::All, stream, door, context).await
}

/// The same for a client for whom there is no place: it may stop, and is told so where it asks for anything else.
pub async fn serve_stops(stream: UnixStream, door: Door, context: Arc<Context>) -> End {
    serve_as(Served::Stops, stream, door, context).await
}

async fn serve_as(served: Served, stream: UnixStream, door: Door, context: Arc<Context>) -> End {
    let Ok(peer) = Peer::of(&stream) else { return End::Closed };
    let Ok(socket) = BoundedSocket::new(stream) else { return End::Closed };
    let (read, write) = Connection::new(socket).split();
    let writer = Writer::new(write.into_write_half(), CLIENT_WRITE_PATIENCE);
    let (requests, pending) = mpsc::channel::<Queued>(MAX_PENDING_REQUESTS);
    let (ended, reading_ended) = watch::channel(false);

    let reading = async {
        let end = read_requests(served, read, peer, door, &context, requests).await;
        let _ = ended.send(true);
        end
    };
    let answering = answer_requests(writer, &context, pending, reading_ended);
    tokio::pin!(reading, answering);
    tokio::select! {
        end = &mut answering => end,
        end = &mut reading => match end {
            // What was asked before the end is still carried out and answered.
            End::Closed => answering.await,
            end => end,
        },
    }
}

async fn read_requests(
    served: Served,
    mut read: ReadConnection<BoundedReader>,
    peer: Peer,
    door: Door,
    context: &Context,
    requests: mpsc::Sender<Queued>,
) -> End {
    let room = Arc::new(Semaphore::new(MAX_PENDING_BYTES));
    let mut seen = 0;
    let audit = Arc::new(Audit::default());
    let presence = Presence::default();
    loop {
        let received = read.receive_call::<Envelope<'_>>().await.map(|(call, _)| owned(&call));
        let sender = sender(context, &peer, door, read.read_half().origin(&mut seen));
        let mut pending = match received {
            Ok(request) => {
                Pending::Call(Request { sender, audit: Arc::clone(&audit), presence: presence.clone(), ..request })
            }
            Err(zlink::Error::Json(problem)) => Pending::Malformed(problem.to_string()),
            Err(zlink::Error::BufferOverflow) => {
                tracing::warn!(
                    pid = sender.peer_pid,
                    uid = sender.peer_uid,
                    limit = MAX_REQUEST_BYTES,
                    "request too long: connection closed"
                );
                return End::Oversize;
            }
            Err(_) => return End::Closed,
        };
        if let Pending::Call(request) = pending {
            pending = match dispatch::stop_at_once(context, &request) {
                Some(result) => Pending::Answered(request, result),
                None if served == Served::Stops => Pending::Answered(request, Err(Failure::too_many_clients())),
                None => Pending::Call(request),
            };
        }
        // Nobody closes the semaphore; without a place the request would only not be counted.
        let place = Arc::clone(&room).acquire_many_owned(pending.bytes()).await.ok();
        if requests.send((pending, place)).await.is_err() {
            return End::Closed;
        }
        // A client that sends many requests at once has one of them read in each turn, as everybody.
        tokio::task::yield_now().await;
    }
}

/// Whose message it is, and what it may ask for.
fn sender(context: &Context, peer: &Peer, door: Door, origin: Option<Origin>) -> Sender {
    let role = match door {
        Door::Control => context.access.role_of_message(peer, origin),
        Door::Observe => Role::Observe,
    };
    let (uid, pid) = origin.map_or((peer.uid, peer.pid), |origin| (origin.uid, origin.pid));
    Sender {
        door,
        role,
        known: origin.is_some(),
        peer_uid: peer.uid.as_raw(),
        peer_pid: peer.pid,
        uid: uid.as_raw(),
        pid,
    }
}

fn owned(call: &zlink::Call<Envelope<'_>>) -> Request {
    let envelope = call.method();
    Request {
        method: envelope.method.clone().into_owned(),
        parameters: envelope.parameters.map(ToOwned::to_owned),
        more: call.more(),
        oneway: call.oneway(),
        ..Request::default()
    }
}

async fn answer_requests(
    mut writer: Writer,
    context: &Context,
    mut pending: mpsc::Receiver<Queued>,
    mut reading_ended: watch::Receiver<bool>,
) -> End {
    while let Some((next, _place)) = pending.recv().await {
        let answered = match next {
            Pending::Malformed(problem) => {
                Replies::to_malformed(&mut writer, context).finish(Err(Failure::not_a_call(&problem))).await
            }
            Pending::Answered(request, result) => Replies::to(&request, &mut writer, context).finish(result).await,
            Pending::Call(request) => {
                context.sabotage.pass(Place::Task);
                let mut replies = Replies::to(&request, &mut writer, context);
                let work = dispatch::call(context, &request, &mut replies);
                let result = if dispatch::is_long(&request) {
                    tokio::select! {
                        result = work => result,
                        _ = reading_ended.wait_for(|ended| *ended) => return End::Closed,
                    }
                } else {
                    work.await
                };
                match result {
                    Err(dispatch::Interrupted::Gone(gone)) => Err(gone),
                    Err(dispatch::Interrupted::Failed(failure)) => replies.finish(Err(failure)).await,
                    Ok(reply) => replies.finish(Ok(reply)).await,
                }
            }
        };
        match answered {
            // One answer a turn: the service has one thread, and others wait for theirs.
            Ok(()) if !pending.is_empty() => tokio::task::yield_now().await,
            Ok(()) => {}
            Err(Gone::Closed) => return End::Closed,
            Err(Gone::NotReading) => {
                tracing::warn!("a client does not read its replies: connection closed");
                return End::NotReading;
            }
        }
    }
    End::Closed
}
