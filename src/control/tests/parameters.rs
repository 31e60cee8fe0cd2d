//! Parameters as clients meet them; the fixture's book has `axis.x.kind`, `axis.x.v` (100, persisted 50) and `axis.x.w`.

use serde_json::{Value, json};

use super::fixture::{Client, Machine, context};

const WRITE: &str = "io.motiond.v1.Parameters.Write";
const LIST: &str = "io.motiond.v1.Parameters.List";
const DIFF: &str = "io.motiond.v1.Parameters.Diff";
const ROLL_BACK: &str = "io.motiond.v1.Parameters.RollBack";
const PERSIST: &str = "io.motiond.v1.Parameters.Persist";

fn write(values: &[(&str, f64)]) -> Value {
    let values: Vec<Value> = values.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
    json!({ "axis": "x", "values": values })
}

#[tokio::test]
async fn a_change_reaches_the_cycle_whole_and_shows_wherever_it_is_asked_for() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let (mut client, mut other) = (Client::holding(&context).await, Client::of(&context));
    let changed = client.call(WRITE, write(&[("v", 70.0), ("axis.x.w", 3.5)])).await;
    let expected = json!([
        { "name": "axis.x.v", "before": 100.0, "value": 70.0 },
        { "name": "axis.x.w", "before": null, "value": 3.5 },
    ]);
    assert_eq!(changed["changed"], expected);
    assert_eq!(machine.figures().unwrap().motion.limits.velocity, 70.0);
    let listed = other.call(LIST, json!({ "prefix": "axis.x.v" })).await["parameters"][0].clone();
    assert_eq!(
        json!([listed["value"], listed["number"], listed["configured"], listed["persisted"], listed["live"]]),
        json!(["70", 70.0, "100", "50", true])
    );
    let differences = other.call(DIFF, json!({})).await["differences"].clone();
    assert_eq!(
        differences,
        json!([
            { "name": "axis.x.v", "unit": "mm/s", "value": 70.0, "configured": 100.0, "persisted": 50.0 },
            { "name": "axis.x.w", "unit": "mm/s", "value": 3.5, "configured": null, "persisted": null },
        ])
    );
    let described = other.call("io.motiond.v1.Axis.Describe", json!({})).await;
    assert_eq!(described["axes"][0]["velocity_limit"], 70.0);

    // What is as configured is no difference any more.
    client.call(WRITE, write(&[("v", 100.0)])).await;
    assert_eq!(machine.figures().unwrap().motion.limits.velocity, 100.0);
    let back = client.call(ROLL_BACK, json!({ "axis": "x", "to": "persisted" })).await;
    assert_eq!(back["changed"].as_array().unwrap().len(), 2, "{back}");
    assert_eq!(machine.figures().unwrap().motion.limits.velocity, 50.0);
    client.call(ROLL_BACK, json!({ "axis": "x", "to": "configured" })).await;
    assert_eq!(machine.figures().unwrap().motion.limits.velocity, 100.0);
}

#[tokio::test]
async fn what_does_not_fit_is_told_and_never_sent() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let unfit = [
        (write(&[("v", 2000.0)]), "axis.x.v"),
        (write(&[("w", 1.0), ("v", 2000.0)]), "axis.x.v"),
        (write(&[("axis.y.v", 2.0)]), "axis.y.v"),
        (write(&[("v", 2.0), ("axis.x.v", 3.0)]), "axis.x.v"),
    ];
    for (request, name) in unfit {
        let (error, fields) = client.fail(WRITE, request).await;
        assert_eq!(error, "io.motiond.v1.Parameters.Unfit");
        assert_eq!((&fields["axis"], &fields["problems"][0]["name"]), (&json!("x"), &json!(name)));
    }
    let wrong = [
        json!({ "axis": "x", "values": [] }),
        json!({ "axis": "x", "values": [{ "name": "v", "value": "70" }] }),
        json!({ "axis": "x", "values": [{ "name": "v", "value": null }] }),
        json!({ "axis": "x", "values": [{ "name": 7, "value": 70 }] }),
        json!({ "axis": "x", "values": { "v": 70 } }),
    ];
    for request in wrong {
        let (error, fields) = client.fail(WRITE, request.clone()).await;
        assert_eq!((error.as_str(), &fields["parameter"]), ("org.varlink.service.InvalidParameter", &json!("values")));
    }
    let (error, fields) = client.fail(WRITE, json!({ "axis": "q", "values": [{ "name": "v", "value": 1 }] })).await;
    assert_eq!((error.as_str(), &fields["reason"]), ("io.motiond.v1.Parameters.Refused", &json!("NoSuchAxis")));
    assert_eq!(machine.figures(), None);
}

#[tokio::test]
async fn a_numbered_change_is_made_once_and_answered_again() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let mut request = write(&[("v", 70.0)]);
    request["request_id"] = json!(1);
    let first = client.call(WRITE, request.clone()).await;
    assert_eq!(client.call(WRITE, request.clone()).await, first);
    // After a later change the first answer no longer says what it changed; it is not carried out again all the same.
    client.call(WRITE, write(&[("v", 80.0)])).await;
    let again = client.call(WRITE, request.clone()).await;
    assert_eq!((&again["handle"], &again["changed"]), (&first["handle"], &json!([])));
    assert_eq!(machine.figures().unwrap().motion.limits.velocity, 80.0);
    request["values"][0]["value"] = json!(60.0);
    let (error, _) = client.fail(WRITE, request).await;
    assert_eq!(error, "io.motiond.v1.Lease.RequestIdRefused");
}

#[tokio::test]
async fn lists_go_on_after_the_last_name() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::of(&context(&machine));
    let mut names = Vec::new();
    let mut after = Value::Null;
    loop {
        let page = client.call(LIST, json!({ "prefix": "axis.", "after": after, "max": 2 })).await;
        let page_names = page["parameters"].as_array().unwrap().iter().map(|parameter| parameter["name"].clone());
        names.extend(page_names);
        after = page["next"].clone();
        if after.is_null() {
            break;
        }
    }
    assert_eq!(names, ["axis.x.kind", "axis.x.v", "axis.x.w"]);
    let (error, _) = client.fail(LIST, json!({ "max": 0 })).await;
    assert_eq!(error, "io.motiond.v1.Parameters.OutOfRange");
    let (error, _) = client.fail(LIST, json!({ "after": "nothing" })).await;
    assert_eq!(error, "org.varlink.service.InvalidParameter");
}

#[tokio::test]
async fn persisting_says_where_to_or_why_not() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    client.call(WRITE, write(&[("w", 12.0)])).await;
    let kept = client.call(PERSIST, json!({})).await;
    assert_eq!((&kept["file"], &kept["values"]), (&json!("parameters.toml"), &json!(1)));
    client.call(WRITE, write(&[("w", 13.0)])).await;
    let (error, fields) = client.fail(PERSIST, json!({})).await;
    assert_eq!(error, "io.motiond.v1.Parameters.NotPersisted");
    assert_eq!(fields["reason"], "NoStateDirectory");
}
