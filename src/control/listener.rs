//! Accepting clients: an accept loop that outlives every error, a bounded number of clients, one task a client
//! in which a panic stays.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::context::Context;
use super::door::Door;
use super::session;
use crate::limits::STOP_RESERVE_PATIENCE;

/// First pause after an error of accept.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
/// Longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// What the accept loop needs of a listening socket; tests put errors in its place.
pub trait Accept {
    /// The next client.
    fn accept(&mut self) -> impl Future<Output = io::Result<UnixStream>> + Send;
}

impl Accept for UnixListener {
    async fn accept(&mut self) -> io::Result<UnixStream> {
        UnixListener::accept(self).await.map(|(stream, _)| stream)
    }
}

/// Accepts clients for ever. Lack of descriptors or memory pauses it, and nothing ends it.
pub async fn accept_clients(mut listener: impl Accept, door: Door, context: Arc<Context>) {
    let mut sessions = JoinSet::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            Some(ended) = sessions.join_next() => {
                note_end(&context, ended);
                continue;
            }
        };
        match accepted {
            Ok(stream) => {
                pause = FIRST_PAUSE;
                let context = Arc::clone(&context);
                sessions.spawn(async move {
                    // Held for as long as the session lives, however it ends.
                    let limit = match context.admit(door) {
                        Ok(_places) => return Some(session::serve(stream, door, Arc::clone(&context)).await),
                        Err(limit) => limit,
                    };
                    let Ok(_place) = context.admit_to_stop(door) else {
                        tracing::warn!(limit, door = door.name(), "too many clients: one more is turned away");
                        return None;
                    };
                    tracing::warn!(limit, "too many clients: one more may only stop");
                    let stops = session::serve_stops(stream, door, Arc::clone(&context));
                    tokio::time::timeout(STOP_RESERVE_PATIENCE, stops).await.ok()
                });
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!(%error, pause_ms = pause.as_millis() as u64, "cannot accept a client, will try again");
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

fn note_end(context: &Context, ended: Result<Option<session::End>, tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        context.session_panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%error, "a client's session failed an internal check; its connection is closed");
    }
}
