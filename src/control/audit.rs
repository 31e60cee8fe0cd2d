//! Who asked for what, and what came of it: one log line for each call that may change something.
//!
//! The refreshes of a jog come many times a second; of them the first is logged, and how many followed when they end.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::call::{Request, Sender};

/// Refreshes that are further apart belong to two jogs; each is valid for a fifth of this at most.
const JOG_GAP: Duration = Duration::from_secs(1);
/// Jogs of one connection that are told apart: no machine has more axes.
const MAX_JOGS: usize = crate::limits::MAX_AXES;
/// Bytes of a request's parameters that are logged.
const PARAMETER_BYTES: usize = 512;

/// The log of one connection's calls; it ends with the connection.
#[derive(Debug, Default)]
pub struct Audit {
    jogs: Mutex<Vec<Jog>>,
}

/// Refreshes of one jog.
#[derive(Debug)]
struct Jog {
    axis: String,
    sender: Sender,
    result: &'static str,
    /// Refreshes after the first.
    refreshes: u64,
    handle: Option<u64>,
    latest: Instant,
}

/// What a call is about.
#[derive(Debug, Default, Deserialize)]
struct Subject<'a> {
    #[serde(borrow, default)]
    axis: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    group: Option<Cow<'a, str>>,
}

impl Audit {
    /// Logs a call with its result (`ok`, or the bare name of the error) and its handle where it got one.
    pub fn note(&self, request: &Request, result: &'static str, handle: Option<u64>) {
        if request.method == "io.motiond.v1.Lease.Renew" && result == "ok" {
            // It comes for as long as the holder lives, and changes nothing that anybody looks for.
            return;
        }
        let parameters = request.parameters.as_deref().map_or("{}", |parameters| parameters.get());
        let without_token = without_token(parameters);
        let parameters = without_token.as_deref().unwrap_or(parameters);
        let subject: Subject<'_> = serde_json::from_str(parameters).unwrap_or_default();
        let mut jogs = self.jogs.lock().unwrap_or_else(PoisonError::into_inner);
        if request.method == "io.motiond.v1.Axis.Jog" {
            let axis = subject.axis.as_deref().unwrap_or_default();
            if !Jog::refresh(&mut jogs, axis, request.sender, result, handle) {
                line(request, parameters, &subject, result, handle);
            }
            return;
        }
        // What ends a jog comes after it in the log.
        jogs.clear();
        line(request, parameters, &subject, result, handle);
    }
}

impl Jog {
    /// Counts a refresh of a jog; false where it is the first of one.
    fn refresh(jogs: &mut Vec<Jog>, axis: &str, sender: Sender, result: &'static str, handle: Option<u64>) -> bool {
        let now = Instant::now();
        if let Some(place) = jogs.iter().position(|jog| jog.axis == axis) {
            let jog = &mut jogs[place];
            if jog.sender == sender && jog.result == result && now.duration_since(jog.latest) < JOG_GAP {
                jog.refreshes += 1;
                (jog.handle, jog.latest) = (handle, now);
                return true;
            }
            jogs.remove(place);
        } else if jogs.len() == MAX_JOGS {
            jogs.remove(0);
        }
        jogs.push(Jog { axis: axis.to_string(), sender, result, refreshes: 0, handle, latest: now });
        false
    }
}

impl Drop for Jog {
    fn drop(&mut self) {
        let Jog { axis, sender, result, refreshes, handle, .. } = self;
        if *refreshes > 0 {
            tracing::info!(
                name: "command",
                method = "io.motiond.v1.Axis.Jog",
                axis,
                uid = sender.uid,
                pid = sender.pid,
                handle,
                result,
                refreshes,
                "the last refresh of a jog"
            );
        }
    }
}

/// Parameters without the token of a lease, which is nobody's to read; `None` where there is none. What is no object, and so
/// no request, is not shown at all where it may hold one.
fn without_token(parameters: &str) -> Option<String> {
    if !parameters.contains("lease") && !parameters.contains('\\') {
        return None;
    }
    let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(parameters);
    Some(parsed.map_or(String::new(), |mut parameters| {
        parameters.remove("lease");
        serde_json::Value::Object(parameters).to_string()
    }))
}

fn line(request: &Request, parameters: &str, subject: &Subject<'_>, result: &'static str, handle: Option<u64>) {
    let sender = &request.sender;
    let end = (0..=PARAMETER_BYTES.min(parameters.len())).rev().find(|end| parameters.is_char_boundary(*end));
    let shown = &parameters[..end.unwrap_or(0)];
    let passed_on = sender.peer_uid != sender.uid;
    let (peer_uid, peer_pid) = (passed_on.then_some(sender.peer_uid), passed_on.then_some(sender.peer_pid));
    let (axis, group) = (subject.axis.as_deref(), subject.group.as_deref());
    let (method, uid, pid) = (request.method.as_str(), sender.uid, sender.pid);
    if result == "PermissionDenied" {
        // A kind of its own: a flood of what is denied hides nothing that was done.
        let (door, role) = (sender.door.name(), sender.role.name());
        tracing::warn!(
            name: "denied", method, axis, group, uid, pid, peer_uid, peer_pid, result, door, role, parameters = shown, "denied"
        );
    } else {
        tracing::info!(
            name: "command", method, axis, group, uid, pid, peer_uid, peer_pid, result, handle, parameters = shown, "command"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::value::RawValue;
    use std::fmt::Debug;
    use std::sync::Arc;
    use tracing::field::{Field, Visit};
    use tracing::subscriber::with_default;
    use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

    /// Each line as its fields in the order of their names, without the message.
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<String>>>);

    struct Fields(Vec<String>);

    impl Visit for Fields {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            if field.name() != "message" {
                self.0.push(format!("{}={value:?}", field.name()).replace("io.motiond.v1.", ""));
            }
        }
    }

    impl<S: tracing::Subscriber> Layer<S> for Lines {
        fn on_event(&self, event: &tracing::Event<'_>, _context: Context<'_, S>) {
            let mut fields = Fields(Vec::new());
            event.record(&mut fields);
            fields.0.sort();
            self.0.lock().unwrap().push(fields.0.join(" "));
        }
    }

    fn lines(calls: impl FnOnce()) -> Vec<String> {
        let lines = Lines::default();
        with_default(tracing_subscriber::registry().with(lines.clone()), calls);
        lines.0.lock().unwrap().clone()
    }

    fn request(method: &str, parameters: &str) -> Request {
        Request {
            method: format!("io.motiond.v1.{method}"),
            parameters: Some(RawValue::from_string(parameters.to_string()).unwrap()),
            sender: Sender { uid: 7, pid: 8, peer_uid: 7, peer_pid: 8, ..Sender::default() },
            ..Request::default()
        }
    }

    #[test]
    fn a_line_says_who_what_whom_and_the_result() {
        let power = r#"{"axis":"x","on":true}"#;
        let mut passed_on = request("Group.Halt", r#"{"group":"xy"}"#);
        passed_on.sender.peer_uid = 0;
        let lines = lines(|| {
            let audit = Audit::default();
            audit.note(&request("Axis.Power", power), "ok", Some(3));
            audit.note(&passed_on, "PermissionDenied", None);
            audit.note(&request("Machine.Reset", "[1]"), "InvalidParameter", None);
        });
        assert_eq!(
            lines,
            [
                r#"axis="x" handle=3 method="Axis.Power" parameters="{\"axis\":\"x\",\"on\":true}" pid=8 result="ok" uid=7"#,
                r#"door="control" group="xy" method="Group.Halt" parameters="{\"group\":\"xy\"}" peer_pid=8 peer_uid=0 pid=8 result="PermissionDenied" role="observe" uid=7"#,
                r#"method="Machine.Reset" parameters="[1]" pid=8 result="InvalidParameter" uid=7"#,
            ]
        );
    }

    #[test]
    fn of_a_jogs_refreshes_the_first_and_the_last_are_logged() {
        let (x, y) = (request("Axis.Jog", r#"{"axis":"x"}"#), request("Axis.Jog", r#"{"axis":"y"}"#));
        let lines = lines(|| {
            let audit = Audit::default();
            for handle in 0..100 {
                audit.note(&x, "ok", Some(handle));
                audit.note(&y, "ok", Some(1000 + handle));
            }
            audit.note(&x, "Refused", None);
            audit.note(&x, "Refused", None);
            audit.note(&request("Axis.Halt", r#"{"axis":"y"}"#), "ok", Some(2000));
            audit.note(&y, "ok", Some(2001));
        });
        let short = |line: &String| -> String {
            let shown =
                |part: &&str| ["axis", "handle", "result", "refreshes"].iter().any(|name| part.starts_with(name));
            line.split(' ').filter(shown).collect::<Vec<_>>().join(" ").replace('"', "")
        };
        assert_eq!(
            lines.iter().map(short).collect::<Vec<_>>(),
            [
                "axis=x handle=0 result=ok",
                "axis=y handle=1000 result=ok",
                "axis=x handle=99 refreshes=99 result=ok",
                "axis=x result=Refused",
                "axis=y handle=1099 refreshes=99 result=ok",
                "axis=x refreshes=1 result=Refused",
                "axis=y handle=2000 result=ok",
                "axis=y handle=2001 result=ok",
            ]
        );
    }

    #[test]
    fn tokens_of_leases_are_not_logged() {
        let lines = lines(|| {
            let audit = Audit::default();
            audit.note(&request("Axis.Reset", r#"{"axis":"x","lease":"1-5ec7e7"}"#), "ok", Some(1));
            audit.note(&request("Lease.Release", r#"{"lease":"1-5ec7e7"}"#), "ok", None);
            audit.note(&request("Axis.Reset", r#"{"l\u0065ase":"1-5ec7e7","axis":"x"}"#), "ok", Some(1));
            audit.note(&request("Axis.Reset", r#"[{"lease":"1-5ec7e7"}]"#), "InvalidParameter", None);
            audit.note(&request("Lease.Renew", r#"{"lease":"1-5ec7e7"}"#), "ok", None);
        });
        assert_eq!(lines.len(), 4, "renewals are not logged: {lines:?}");
        assert!(!lines.concat().contains("5ec7e7"), "{lines:?}");
        assert!(lines[0].contains(r#"parameters="{\"axis\":\"x\"}""#), "{lines:?}");
    }

    #[test]
    fn long_parameters_are_cut_between_characters() {
        let long = format!("\"{}\"", "é".repeat(10_000));
        let lines = lines(|| Audit::default().note(&request("Machine.Stop", &long), "ok", None));
        assert!(lines[0].len() < 700, "{} bytes: {}", lines[0].len(), lines[0]);
    }
}
