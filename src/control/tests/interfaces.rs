//! Each method answers, and answers what its description says.

use serde_json::{Value, json};

use super::fixture::{Client, Machine, context};
use crate::control::schema::INTERFACES;
use crate::gateway::{Request, StopScope};
use crate::ids::{AxisId, GroupId};

/// A call of each method; the machine of the fixture has the axes x and y in the group xy.
fn example(method: &str) -> Value {
    match method {
        "org.varlink.service.GetInterfaceDescription" => json!({ "interface": "io.motiond.v1.Axis" }),
        "io.motiond.v1.Machine.Release" => json!({ "generation": 1 }),
        "io.motiond.v1.Machine.SetAnalogOutput" => json!({ "output": "dispenser", "value": 2.5 }),
        "io.motiond.v1.Machine.SetOutput" => json!({ "output": "coolant", "on": true }),
        "io.motiond.v1.Machine.RecoverBus" => json!({ "bus": "main" }),
        "io.motiond.v1.Axis.Power" => json!({ "axis": "x", "on": true }),
        "io.motiond.v1.Axis.MoveAbsolute" => json!({ "axis": "x", "position": 10.5, "direction": "positive" }),
        "io.motiond.v1.Axis.MoveRelative" => json!({ "axis": "y", "distance": -3, "buffer": "buffered" }),
        "io.motiond.v1.Axis.MoveAdditive" => json!({ "axis": "y", "distance": 3, "velocity": 10, "jerk": 5 }),
        "io.motiond.v1.Axis.MoveVelocity" => json!({ "axis": "x", "velocity": -4.5 }),
        "io.motiond.v1.Axis.Jog" => {
            json!({ "axis": "x", "velocity": 2, "valid_ms": 100, "sent_at_ns": 999_999_000_000_u64 })
        }
        "io.motiond.v1.Axis.Release" => json!({ "axis": "x", "generation": 1 }),
        "io.motiond.v1.Axis.SetPosition" => json!({ "axis": "x", "position": 0 }),
        "io.motiond.v1.Axis.SetOverride" => json!({ "axis": "x", "ratio": 0.5 }),
        "io.motiond.v1.Group.MoveDirect" | "io.motiond.v1.Group.MoveLinear" => {
            json!({ "group": "xy", "targets": [{ "axis": "y", "value": 2 }, { "axis": "x", "value": 1 }] })
        }
        "io.motiond.v1.Group.Release" => json!({ "group": "xy", "generation": 1 }),
        "io.motiond.v1.Group.SetOverride" => json!({ "group": "xy", "ratio": 2 }),
        "io.motiond.v1.Lease.Acquire" | "io.motiond.v1.Lease.TakeOver" => {
            json!({ "axis": "a", "ttl_ms": 1000, "on_loss": "finish", "holder": "example" })
        }
        "io.motiond.v1.Parameters.Write" => json!({ "axis": "x", "values": [{ "name": "v", "value": 70 }] }),
        "io.motiond.v1.Parameters.RollBack" => json!({ "axis": "x", "to": "persisted" }),
        "io.motiond.v1.Device.ReadObject" | "io.motiond.v1.Device.DescribeEntry" => {
            json!({ "bus": "main", "device": "x-drive", "index": 0x6065, "subindex": 0 })
        }
        "io.motiond.v1.Device.WriteObject" => {
            json!({ "bus": "main", "device": "x-drive", "index": 0x6065, "value": "10270000" })
        }
        "io.motiond.v1.Device.ListObjects" => json!({ "bus": "main", "device": "x-drive" }),
        "io.motiond.v1.Command.Status" | "io.motiond.v1.Command.Wait" => json!({ "handle": 1 }),
        "io.motiond.v1.Test.Inject" => json!({ "fault": "drive_fault", "axis": "x", "code": 0x7305 }),
        "io.motiond.v1.Test.SetInput" => json!({ "input": "e-stop", "on": false }),
        "io.motiond.v1.Test.Panic" => json!({ "service": "gateway" }),
        "io.motiond.v1.Test.Hang" => json!({ "service": "gateway", "milliseconds": 100 }),
        other if other.ends_with("Describe") || other.ends_with("List") => json!({}),
        other if other.starts_with("io.motiond.v1.Axis.") => json!({ "axis": "x" }),
        other if other.starts_with("io.motiond.v1.Group.") => json!({ "group": "xy" }),
        _ => json!({}),
    }
}

#[tokio::test]
async fn every_method_of_every_interface_answers_as_described() {
    let machine = Machine::new();
    machine.run();
    let context = context(&machine);
    let mut client = Client::holding(&context).await;
    let handle = client.call("io.motiond.v1.Axis.Reset", json!({ "axis": "x" })).await["handle"].clone();
    assert_eq!(handle, 1);
    machine.finish(1);
    // The methods of leases, one on what the other gave.
    let mut other = Client::of(&context);
    let lease = client.call("io.motiond.v1.Lease.List", json!({})).await["leases"][0].clone();
    assert_eq!((&lease["holder"], &lease["axis"], &lease["connections"]), (&json!("fixture"), &Value::Null, &json!(1)));
    let (error, held) = other.fail("io.motiond.v1.Lease.Acquire", example("io.motiond.v1.Lease.Acquire")).await;
    assert_eq!((error.as_str(), &held["holder"]), ("io.motiond.v1.Lease.LeaseHeld", &json!("fixture")));

    for interface in INTERFACES.iter().filter(|interface| {
        !["io.motiond.v1.Lease", "io.motiond.v1.Path", "io.motiond.v1.Stream"].contains(&interface.name.as_str())
    }) {
        for method in &interface.methods {
            let name = format!("{}.{}", interface.name, method.name);
            if ["Subscribe", "Record"].contains(&method.name.as_str()) {
                let (error, _) = client.fail(&name, json!({})).await;
                assert_eq!(error, "org.varlink.service.ExpectedMore", "{name}");
            } else {
                client.call(&name, example(&name)).await;
            }
        }
    }
    // Those of paths, on the handle that the first gave.
    let path = |method: &str| format!("io.motiond.v1.Path.{method}");
    let begun = client.call(&path("Begin"), json!({ "group": "xy" })).await;
    assert_eq!((&begun["axes"], &begun["start"]), (&json!(["x", "y"]), &json!([0.0, 0.0])));
    let of = |mut parameters: Value| {
        parameters["group"] = json!("xy");
        parameters["handle"] = begun["handle"].clone();
        parameters
    };
    let lines = client.call(&path("Lines"), of(json!({ "points": [1, 2, 3, 4], "feed": 10 }))).await;
    assert_eq!(lines["taken"], 2);
    client.call(&path("Arc"), of(json!({ "end": [5, 6], "centre": [4, 5, 0] }))).await;
    client.call(&path("Spline"), of(json!({ "points": [6, 8, 9, 8, 9, 6] }))).await;
    client.call(&path("End"), of(json!({}))).await;
    client.call(&path("Status"), json!({ "group": "xy" })).await;
    // Likewise those of streams.
    let stream = |method: &str| format!("io.motiond.v1.Stream.{method}");
    let begun = client.call(&stream("Begin"), json!({ "group": "xy", "stop": 0.3 })).await;
    assert_eq!(
        (&begun["axes"], &begun["start"], &begun["lead"]),
        (&json!(["x", "y"]), &json!([0.0, 0.0]), &json!(0.3))
    );
    let of = |mut parameters: Value| {
        parameters["group"] = json!("xy");
        parameters["handle"] = begun["handle"].clone();
        parameters
    };
    let points = json!({ "times": [0.5, 1, 1.5], "positions": [1, 0, 2, 0, 3, 0] });
    assert_eq!(client.call(&stream("Points"), of(points)).await["taken"], 3);
    client.call(&stream("End"), of(json!({}))).await;
    // Nothing is lost silently behind the end.
    let (_, ended) = client.fail(&stream("Points"), of(json!({ "times": [2], "positions": [3, 0] }))).await;
    assert_eq!(ended["reason"], "StreamEnded");
    client.call(&stream("Status"), json!({ "group": "xy" })).await;
    let taken = other.call("io.motiond.v1.Lease.TakeOver", example("io.motiond.v1.Lease.TakeOver")).await;
    for method in ["Renew", "Release"] {
        other.call(&format!("io.motiond.v1.Lease.{method}"), json!({ "lease": taken["lease"] })).await;
    }
    assert_eq!(other.call("io.motiond.v1.Lease.List", json!({})).await["leases"], json!([]));
    other.call("io.motiond.v1.Lease.Acquire", example("io.motiond.v1.Lease.Acquire")).await;
}

#[tokio::test]
async fn points_that_do_not_fit_are_refused_whole_with_how_much() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let stream = |method: &str| format!("io.motiond.v1.Stream.{method}");
    let (error, range) = client.fail(&stream("Begin"), json!({ "group": "xy", "stop": 0.001 })).await;
    assert_eq!((error.as_str(), &range["limit"]), ("io.motiond.v1.Stream.Refused", &json!(0.05)));
    let begun = client.call(&stream("Begin"), json!({ "group": "xy" })).await;
    let of = |mut parameters: Value| {
        parameters["group"] = json!("xy");
        parameters["handle"] = begun["handle"].clone();
        parameters
    };
    let jump = json!({ "times": [0.5, 0.51, 0.52], "positions": [0, 0, 5, 0, 10, 0] });
    let (error, jump) = client.fail(&stream("Points"), of(jump)).await;
    assert_eq!(
        (error.as_str(), &jump["axis"], &jump["point"]),
        ("io.motiond.v1.Stream.Refused", &json!("x"), &json!(1))
    );
    let figure = |name: &str| jump[name].as_f64().unwrap();
    assert!(figure("requested") > figure("points") && figure("requested") > figure("limit"), "{jump}");
    let far = json!({ "times": [30, 60, 90], "positions": [0, 250, 0, 501, 0, 501] });
    let (_, far) = client.fail(&stream("Points"), of(far)).await;
    let found = json!([far["reason"], far["axis"], far["point"], far["limit"], far["unit"]]);
    assert_eq!(found, json!(["SoftLimit", "y", 2, 500.0, "mm"]), "{far}");
    let (_, early) = client.fail(&stream("Points"), of(json!({ "times": [1, 0.5], "positions": [0, 0, 0, 0] }))).await;
    assert_eq!((&early["reason"], &early["point"]), (&json!("TooEarly"), &json!(2)));
    let (_, late) = client.fail(&stream("Points"), of(json!({ "times": [1, 62], "positions": [0, 0, 0, 0] }))).await;
    let found = json!([late["reason"], late["point"], late["time"], late["requested"], late["limit"], late["unit"]]);
    assert_eq!(found, json!(["TooFar", 2, 62.0, 62.0, 61.0, "s"]), "{late}");
    let huge = json!({ "times": [1], "positions": [0, 0], "velocities": [0, -1e10], "accelerations": [0, 0] });
    let (_, huge) = client.fail(&stream("Points"), of(huge)).await;
    let found = json!([huge["reason"], huge["axis"], huge["point"], huge["requested"], huge["limit"]]);
    assert_eq!(found, json!(["NotFinite", "y", 1, -1e10, -1e9]), "{huge}");
    // The curve leaves the soft limits between two points that are inside.
    let between = json!({ "times": [20, 40, 60], "positions": [0, 0, 0, 499.9, 0, 499.9], "velocities": [0, 0, 0, 20, 0, 0],
        "accelerations": [0, 0, 0, 0, 0, 0] });
    let (_, between) = client.fail(&stream("Points"), of(between)).await;
    assert_eq!((&between["reason"], &between["point"]), (&json!("SoftLimit"), &json!(3)), "{between}");
    assert!(between["requested"].as_f64() > Some(500.0), "{between}");
    let (_, elsewhere) = client.fail(&stream("Points"), of(json!({ "times": [0], "positions": [1, 0] }))).await;
    assert_eq!((&elsewhere["reason"], &elsewhere["axis"]), (&json!("StreamStart"), &json!("x")));
    let (_, odd) = client.fail(&stream("Points"), of(json!({ "times": [1, 2], "positions": [1, 2, 3] }))).await;
    assert_eq!(odd["parameter"], "positions");
    // Nothing of what was refused was taken.
    assert_eq!(client.call(&stream("Points"), of(json!({ "times": [1], "positions": [1, 0] }))).await["taken"], 1);
}

#[tokio::test]
async fn a_batch_whose_path_leaves_the_soft_limits_is_refused_whole_with_the_place() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let path = |method: &str| format!("io.motiond.v1.Path.{method}");
    let begun = client.call(&path("Begin"), json!({ "group": "xy" })).await;
    let of = |mut parameters: Value| {
        parameters["group"] = json!("xy");
        parameters["handle"] = begun["handle"].clone();
        parameters
    };
    let lines = json!({ "points": [7, 8, 501, 0], "feed": 10, "line": 4 });
    let (error, far) = client.fail(&path("Lines"), of(lines)).await;
    let found = json!([error, far["reason"], far["axis"], far["element"], far["line"], far["requested"], far["limit"]]);
    assert_eq!(found, json!(["io.motiond.v1.Path.Refused", "SoftLimit", "x", 1, 5, 501.0, 500.0]));
    // An arc leaves them between its ends.
    let arc = json!({ "end": [0, 2], "centre": [0, 1, 0], "radius": null, "feed": 10 });
    client.call(&path("Arc"), of(arc)).await;
    let arc = json!({ "end": [0, 998], "centre": [0, 500, 0] });
    let (_, far) = client.fail(&path("Arc"), of(arc)).await;
    assert_eq!((&far["reason"], &far["axis"], &far["limit"]), (&json!("SoftLimit"), &json!("y"), &json!(500.0)));
    let (_, none) = client.fail(&path("Lines"), of(json!({ "points": [1, 2], "feed": -1 }))).await;
    assert_eq!(none["reason"], "FeedRange");
    let (_, odd) = client.fail(&path("Lines"), of(json!({ "points": [1, 2, 3] }))).await;
    assert_eq!(odd["parameter"], "points");
    // A spline that is none, and one that leaves the soft limits at a control point, which its curve does not reach.
    let spline = json!({ "points": [1, 2, 3, 4] });
    let (_, few) = client.fail(&path("Spline"), of(spline)).await;
    assert_eq!(few["reason"], "NoSuchSpline");
    assert!(few["hint"].as_str().is_some_and(|hint| hint.contains("found 3 control points")), "{few}");
    let spline = json!({ "points": [600, 0, 0, 0], "degree": 2 });
    let of_weights = |weights: Value| {
        let mut spline = spline.clone();
        spline["weights"] = weights;
        of(spline)
    };
    let (_, weight) = client.fail(&path("Spline"), of_weights(json!([1, -1, 1]))).await;
    assert_eq!((&weight["reason"], &weight["element"]), (&json!("NoSuchSpline"), &json!(0)));
    let (_, far) = client.fail(&path("Spline"), of_weights(json!([1, 9, 1]))).await;
    assert_eq!((&far["reason"], &far["axis"], &far["limit"]), (&json!("SoftLimit"), &json!("x"), &json!(500.0)));
    let lines = client.call(&path("Spline"), of(spline.clone())).await["taken"].as_u64();
    assert!(lines.is_some_and(|lines| lines > 10), "{lines:?}");
    let lines = lines.unwrap_or_default();
    // Nothing of what was refused was taken, and what fits goes on from where the last one ended.
    assert_eq!(client.call(&path("Lines"), of(json!({ "points": [5, 5] }))).await["taken"], lines + 1);
}

#[tokio::test]
async fn introspection_hands_out_the_files() {
    let machine = Machine::new();
    let mut client = Client::of(&context(&machine));
    let info = client.call("org.varlink.service.GetInfo", json!({})).await;
    let names: Vec<&str> = info["interfaces"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(names, INTERFACES.iter().map(|interface| interface.name.as_str()).collect::<Vec<_>>());
    for interface in INTERFACES.iter() {
        let reply =
            client.call("org.varlink.service.GetInterfaceDescription", json!({ "interface": interface.name })).await;
        assert_eq!(reply["description"], interface.text);
    }
}

#[tokio::test]
async fn the_test_interface_is_not_there_unless_asked_for() {
    let machine = Machine::new();
    let context = std::sync::Arc::new(crate::control::Context::new(machine.client(), machine.telemetry()));
    let mut client = Client::of(&context);
    let info = client.call("org.varlink.service.GetInfo", json!({})).await;
    assert!(!info["interfaces"].as_array().unwrap().contains(&json!("io.motiond.v1.Test")));
    for parameters in [json!({ "service": "gateway" }), json!({})] {
        let (error, _) = client.fail("io.motiond.v1.Test.Panic", parameters).await;
        assert_eq!(error, "org.varlink.service.InterfaceNotFound");
    }
}

#[tokio::test]
async fn requests_reach_the_cycle_as_they_were_asked() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    client.call("io.motiond.v1.Axis.SetOverride", json!({ "axis": "y", "ratio": 0.25 })).await;
    client.call("io.motiond.v1.Group.Enable", json!({ "group": "xy" })).await;
    client.call("io.motiond.v1.Axis.Jog", example("io.motiond.v1.Axis.Jog")).await;
    client.call("io.motiond.v1.Axis.Release", json!({ "axis": "y", "generation": 9 })).await;
    let expected = [
        Request::Override { axis: AxisId(1), ratio: 0.25 },
        Request::GroupEnable { group: GroupId(0) },
        Request::Jog { axis: AxisId(0), velocity: 2.0, valid_until_ns: 1_000_099_000_000 },
        Request::Release { scope: StopScope::Axis(AxisId(1)), generation: 9 },
    ];
    assert_eq!(machine.requests(), expected);
}

#[tokio::test]
async fn targets_of_a_group_are_put_in_its_order_and_must_be_complete() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let linear = "io.motiond.v1.Group.MoveLinear";
    client.call(linear, example(linear)).await;
    assert_eq!(machine.targets(), [1.0, 2.0]);
    client.call(linear, json!({ "group": "xy", "relative": true, "targets": [{ "axis": "y", "value": 7 }] })).await;
    assert_eq!(machine.targets(), [0.0, 7.0]);
    let bad = [
        json!([{ "axis": "x", "value": 1 }]),
        json!([{ "axis": "x", "value": 1 }, { "axis": "x", "value": 1 }]),
        json!([{ "axis": "x", "value": 1 }, { "axis": "y", "value": 1 }, { "axis": "a", "value": 1 }]),
    ];
    for targets in bad {
        let (error, fields) = client.fail(linear, json!({ "group": "xy", "targets": targets })).await;
        assert_eq!((error.as_str(), &fields["reason"]), ("io.motiond.v1.Group.Refused", &json!("TargetCount")));
    }
}

#[tokio::test]
async fn refusals_say_what_was_asked_and_what_is_allowed() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let (error, fields) = client.fail("io.motiond.v1.Axis.MoveAbsolute", json!({ "axis": "x", "position": 2e6 })).await;
    assert_eq!(error, "io.motiond.v1.Axis.Refused");
    assert_eq!(fields["reason"], "SoftLimit");
    assert_eq!((&fields["axis"], &fields["unit"]), (&json!("x"), &json!("mm")));
    assert_eq!((&fields["requested"], &fields["limit"]), (&json!(2e6), &json!(500.0)));
    assert_eq!((&fields["retryable"], &fields["boot_id"]), (&json!(false), &json!("boot-1")));

    let (error, fields) = client.fail("io.motiond.v1.Axis.Halt", json!({ "axis": "q" })).await;
    assert_eq!((error.as_str(), &fields["reason"]), ("io.motiond.v1.Axis.Refused", &json!("NoSuchAxis")));
    let (error, _) = client.fail("io.motiond.v1.Command.Status", json!({ "handle": 77 })).await;
    assert_eq!(error, "io.motiond.v1.Command.NoSuchCommand");
}

#[tokio::test]
async fn a_jog_is_refused_beyond_its_longest_validity_and_from_the_future() {
    let machine = Machine::new();
    machine.run();
    let mut client = Client::holding(&context(&machine)).await;
    let now = 1_000_000_000_000_u64;
    for (valid_ms, sent_at_ns, wrong) in [(201, now, "valid_ms"), (0, now, "valid_ms"), (200, now + 1, "sent_at_ns")] {
        let jog = json!({ "axis": "x", "velocity": 2, "valid_ms": valid_ms, "sent_at_ns": sent_at_ns });
        let (error, fields) = client.fail("io.motiond.v1.Axis.Jog", jog).await;
        assert_eq!(error, "io.motiond.v1.Axis.OutOfRange");
        assert_eq!(fields["parameter"], wrong);
    }
    assert!(machine.requests().is_empty());
}
