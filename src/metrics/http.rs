//! The HTTP listener that Prometheus scrapes.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// Scrapes that are served at once; further connections wait in the kernel's backlog.
const MAX_CONNECTIONS: usize = 16;
/// A client must have sent its request's head by then.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection ends then, whatever it does.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a listener that cannot accept (no file descriptors left) rests before it tries again.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// The text format that `render` gives.
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves `render`'s text at /metrics until `alive`, asked ten times a second, says no. Called within a current-thread runtime's `LocalSet`.
///
/// # Errors
/// Where the listener cannot be handed to the runtime.
pub async fn serve(
    listener: TcpListener,
    render: Rc<dyn Fn() -> String>,
    alive: impl Fn() -> bool,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut pulse = tokio::time::interval(Duration::from_millis(100));
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept(), if places.available_permits() > 0 => accepted,
            _ = pulse.tick() => match alive() {
                true => continue,
                false => return Ok(()),
            },
        };
        let Ok((stream, _)) = accepted else {
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else { continue };
        let render = Rc::clone(&render);
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| {
                let render = Rc::clone(&render);
                async move { Ok::<_, Infallible>(answer(&request, render.as_ref())) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD_TIMEOUT)
                .serve_connection(TokioIo::new(stream), service);
            // A scraper that goes away in the middle is its own business.
            let _ = tokio::time::timeout(CONNECTION_TIMEOUT, connection).await;
            drop(place);
        });
    }
}

fn answer(request: &Request<Incoming>, render: &dyn Fn() -> String) -> Response<Full<Bytes>> {
    let (status, kind, body) = match (request.method(), request.uri().path()) {
        (&Method::GET | &Method::HEAD, "/metrics") => (StatusCode::OK, TEXT_FORMAT, render()),
        (&Method::GET | &Method::HEAD, "/") => {
            (StatusCode::OK, "text/html; charset=utf-8", "motiond: <a href=\"/metrics\">metrics</a>\n".to_string())
        }
        (&Method::GET | &Method::HEAD, _) => {
            (StatusCode::NOT_FOUND, "text/plain", "not here: try /metrics\n".to_string())
        }
        _ => (StatusCode::METHOD_NOT_ALLOWED, "text/plain", "only GET and HEAD\n".to_string()),
    };
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
