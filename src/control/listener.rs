//! Accepting clients: an accept loop that outlives every error, a bounded number of clients, one task a client
//! in which a panic stays.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::task::JoinSet;

use super::context::Context;
use super::session;
use crate::limits::MAX_CLIENTS;

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
pub async fn accept_clients(mut listener: impl Accept, context: Arc<Context>) {
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
                if context.clients.fetch_add(1, Ordering::Relaxed) >= MAX_CLIENTS {
                    context.clients.fetch_sub(1, Ordering::Relaxed);
                    tracing::warn!(limit = MAX_CLIENTS, "too many clients: connection closed");
                    continue;
                }
                let present = Present(Arc::clone(&context));
                sessions.spawn(async move { session::serve(stream, Arc::clone(&present.0)).await });
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

fn note_end(context: &Context, ended: Result<session::End, tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        context.session_panics.fetch_add(1, Ordering::Relaxed);
        tracing::error!(%error, "a client's session failed an internal check; its connection is closed");
    }
}

/// Counts a client for as long as its session lives, however it ends.
struct Present(Arc<Context>);

impl Drop for Present {
    fn drop(&mut self) {
        self.0.clients.fetch_sub(1, Ordering::Relaxed);
    }
}
