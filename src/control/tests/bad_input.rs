//! Input that no client should send.

use serde_json::json;

use super::fixture::{Client, Machine, context, message};
use crate::control::session::End;
use crate::limits::MAX_REQUEST_BYTES;

const STATUS: &str = "io.motiond.v1.Machine.Status";
const INVALID_REQUEST: &str = "io.motiond.v1.Machine.InvalidRequest";
const INVALID_PARAMETER: &str = "org.varlink.service.InvalidParameter";
const METHOD_NOT_FOUND: &str = "org.varlink.service.MethodNotFound";
const INTERFACE_NOT_FOUND: &str = "org.varlink.service.InterfaceNotFound";

#[tokio::test]
async fn each_bad_request_gets_a_typed_error_and_the_next_one_is_served() {
    let cases: &[(&[u8], &str)] = &[
        (b"", INVALID_REQUEST),
        (b"garbage", INVALID_REQUEST),
        (b"\xff\xfe\x80\x01", INVALID_REQUEST),
        (b"{\"method\":\"\xff\"}", INVALID_REQUEST),
        (b"{\"method\":\"io.motiond.v1.Machine.Sta", INVALID_REQUEST),
        (b"{\"method\":\"io.motiond.v1.Machine.Status\"", INVALID_REQUEST),
        (b"{\"method\":\"io.motiond.v1.Machine.Status\"} trailing", INVALID_REQUEST),
        (b"[]", INVALID_REQUEST),
        (b"null", INVALID_REQUEST),
        (b"{}", INVALID_REQUEST),
        (b"{\"method\":5}", INVALID_REQUEST),
        (b"{\"method\":\"io.motiond.v1.Machine.Status\",\"more\":\"yes\"}", INVALID_REQUEST),
        (b"{\"method\":\"a.B\",\"method\":\"c.D\"}", INVALID_REQUEST),
        (b"{\"method\":\"io.motiond.v1.Axis.Power\",\"parameters\":{\"axis\":NaN}}", INVALID_REQUEST),
        (b"{\"method\":\"io.motiond.v1.Axis.Power\",\"parameters\":{\"axis\":Infinity}}", INVALID_REQUEST),
        (b"{\"method\":\"\"}", INTERFACE_NOT_FOUND),
        (b"{\"method\":\"Status\"}", INTERFACE_NOT_FOUND),
        (b"{\"method\":\"com.example.Machine.Status\"}", INTERFACE_NOT_FOUND),
        (b"{\"method\":\"io.motiond.v1.Machine.Explode\"}", METHOD_NOT_FOUND),
        (b"{\"method\":\"io.motiond.v1.Machine.\"}", METHOD_NOT_FOUND),
        (b"{\"method\":\"io.motiond.v1.Machine.Status\",\"parameters\":[1]}", INVALID_PARAMETER),
        (b"{\"method\":\"io.motiond.v1.Machine.Status\",\"parameters\":{\"x\":1}}", INVALID_PARAMETER),
        (b"{\"method\":\"io.motiond.v1.Axis.Status\"}", INVALID_PARAMETER),
        (b"{\"method\":\"io.motiond.v1.Axis.Status\",\"parameters\":{\"axis\":7}}", INVALID_PARAMETER),
        (
            b"{\"method\":\"io.motiond.v1.Axis.SetPosition\",\"parameters\":{\"axis\":\"x\",\"position\":1e999}}",
            INVALID_PARAMETER,
        ),
        (b"{\"method\":\"io.motiond.v1.Axis.Stop\",\"parameters\":{\"axis\":[]}}", INVALID_PARAMETER),
        (b"{\"method\":\"io.motiond.v1.Command.Status\",\"parameters\":{\"handle\":-1}}", INVALID_PARAMETER),
        (b"{\"method\":\"io.motiond.v1.Command.Status\",\"parameters\":{\"handle\":1.5}}", INVALID_PARAMETER),
    ];
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    for (bytes, error) in cases {
        client.send(bytes).await;
        client.send(&[0]).await;
        let shown = String::from_utf8_lossy(bytes);
        let reply = client.receive_for(STATUS).await;
        assert_eq!(reply["error"], *error, "{shown}: {reply}");
        client.call(STATUS, json!({})).await;
    }
    assert!(machine.requests().is_empty(), "a bad request reached the cycle");
}

#[tokio::test]
async fn the_wrong_parameter_is_named() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    let cases = [
        (json!({ "axis": "x", "position": "far" }), "position"),
        (json!({ "axis": "x", "position": 1, "velocty": 3 }), "velocty"),
        (json!({ "position": 1 }), "axis"),
    ];
    for (parameters, wrong) in cases {
        let (_, fields) = client.fail("io.motiond.v1.Axis.MoveAbsolute", parameters).await;
        assert_eq!(fields, json!({ "parameter": wrong }));
    }
}

#[tokio::test]
async fn requests_that_come_byte_by_byte_are_answered() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    for _ in 0..2 {
        for byte in message(json!({ "method": STATUS })) {
            client.send(&[byte]).await;
            tokio::task::yield_now().await;
        }
        client.receive_for(STATUS).await;
    }
}

#[tokio::test]
async fn a_request_without_an_end_closes_its_connection_and_no_other() {
    let machine = Machine::new();
    let context = context(&machine);
    let mut other = Client::of(&context);
    let mut client = Client::of(&context);
    // What exceeds the limit may fail to be sent: nobody reads it any more.
    let _ = tokio::io::AsyncWriteExt::write_all(&mut client.stream, &vec![b' '; 200_000]).await;
    assert!(client.is_closed().await);
    assert_eq!(client.session.await.unwrap(), End::Oversize);
    other.call(STATUS, json!({})).await;
}

#[tokio::test]
async fn a_request_of_the_full_length_is_served() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    let mut bytes = serde_json::to_vec(&json!({ "method": STATUS })).unwrap();
    bytes.resize(MAX_REQUEST_BYTES, b' ');
    bytes.push(0);
    client.send(&bytes).await;
    client.receive_for(STATUS).await;
}
