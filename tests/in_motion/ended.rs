//! What comes after an accepted End: refused whatever the planner has heard of it by then, and without a trace in the motion.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use motiond::client::Ended;
use motiond::gateway::GroupState;
use serde_json::{Value, json};

use crate::held::{Held, until};
use crate::paths::{LONG, Program};
use crate::streams::Stream;

/// Sends all requests in one go, and returns what each was answered: its name where it is an error, and its parameters.
fn pipelined(held: &Held, interface: &str, requests: &[(&str, Value)]) -> Vec<(Option<String>, Value)> {
    let mut socket = UnixStream::connect(held.socket()).unwrap();
    let mut bytes = Vec::new();
    for (method, parameters) in requests {
        let call = json!({ "method": format!("io.motiond.v1.{interface}.{method}"), "parameters": parameters });
        bytes.extend(call.to_string().bytes().chain([0]));
    }
    socket.write_all(&bytes).unwrap();
    let answers = BufReader::new(socket).split(0).take(requests.len());
    let read = |answer: std::io::Result<Vec<u8>>| {
        let mut answer: Value = serde_json::from_slice(&answer.unwrap()).unwrap();
        (answer["error"].as_str().map(str::to_string), answer["parameters"].take())
    };
    answers.map(read).collect()
}

fn reasons(answers: &[(Option<String>, Value)]) -> Vec<&str> {
    answers.iter().map(|(_, parameters)| parameters["reason"].as_str().unwrap_or("taken")).collect()
}

/// Elements that would be good ones, a wrong one, and another End.
fn elements(program: &Program) -> Vec<(&'static str, Value)> {
    let [x, y, z] = program.start[..] else { panic!("{:?}", program.start) };
    vec![
        ("Lines", program.with(json!({ "points": [x + 30.0, y, z], "feed": 100.0 }))),
        ("Lines", program.with(json!({ "points": [x + 9000.0, y, z], "feed": 100.0 }))),
        ("Arc", program.with(json!({ "end": [x + 20.0, y, z], "radius": 50.0, "feed": 100.0 }))),
        (
            "Spline",
            program.with(json!({ "points": [x + 1.0, y, z, x + 2.0, y + 1.0, z, x + 3.0, y, z], "feed": 100.0 })),
        ),
        ("End", program.with(json!({}))),
    ]
}

#[test]
fn what_is_given_after_the_end_of_a_path_is_refused_whatever_the_timing() {
    let mut held = Held::start();
    held.power_up();
    for round in 0..20 {
        let mut program = Program::begin(&mut held);
        let end = program.start[0] + 1.0;
        let to = json!({ "points": [end, program.start[1], program.start[2]], "feed": 100.0, "corner": { "mode": "exact" } });
        let mut requests = vec![("Lines", program.with(to)), ("End", program.with(json!({})))];
        requests.extend(elements(&program));
        let answers = pipelined(&held, "Path", &requests);
        assert_eq!(reasons(&answers[..2]), ["taken"; 2], "round {round}");
        assert_eq!(reasons(&answers[2..]), ["ProgramEnded"; 5], "round {round}");
        for (error, parameters) in &answers[2..] {
            assert_eq!(error.as_deref(), Some("io.motiond.v1.Path.Refused"));
            assert_eq!(parameters["retryable"], false);
        }
        program.planned();
        let late = pipelined(&held, "Path", &elements(&program));
        assert_eq!(reasons(&late), ["ProgramEnded"; 5], "round {round}");
        let status = program.machine.call("Path", "Status", json!({ "group": "gantry" })).unwrap();
        assert_eq!((&status["taken"], &status["waiting"]), (&json!(1), &json!(0)));
        held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
        assert_eq!(program.machine.wait(program.handle).unwrap(), Ended::Done);
        assert!((held.snapshot.axes[0].setpoint - end).abs() < 1e-9, "round {round}");
        assert_eq!(reasons(&pipelined(&held, "Path", &elements(&program))), ["ProgramEnded"; 5]);
    }
    held.end();
}

#[test]
fn a_service_that_begins_anew_takes_nothing_for_a_path_that_was_given_to_its_end() {
    for service in ["control", "gateway", "planner"] {
        let mut held = Held::start();
        held.power_up();
        let mut program = Program::begin(&mut held);
        program.lines(&[[program.start[0] + 1.0, program.start[1], program.start[2]]]);
        program.end();
        program.planned();
        held.connect().call("Test", "Panic", json!({ "service": service, "place": "loop" })).unwrap();
        until("the service is back", || (held.service(service).0 == 1).then_some(()));
        until("the socket answers", || held.try_connect().ok());
        assert_eq!(reasons(&pipelined(&held, "Path", &elements(&program))), ["ProgramEnded"; 5], "{service}");
        held.end();
    }
}

#[test]
fn what_blends_comes_too_late_after_the_end_however_soon_it_is_asked_for() {
    let mut held = Held::start();
    held.power_up();
    let mut first = Program::begin(&mut held);
    let [x, y, z] = first.start[..] else { panic!("{:?}", first.start) };
    first.lines(&[[x + 5.0, y, z]]);
    first.end();
    let mut second = Program::begin_with(&mut held, json!({ "buffer": "blending" }));
    let status = second.machine.call("Path", "Status", json!({ "group": "gantry" })).unwrap();
    assert_eq!((&status["newest"], &status["taken"]), (&json!(second.handle), &json!(0)));
    // The one before is not the newest any more, and takes as little.
    assert_eq!(reasons(&pipelined(&held, "Path", &elements(&first))), ["ProgramEnded"; 5]);
    second.lines(&[[x + 10.0, y, z]]);
    second.end();
    second.planned();
    let mut rested = false;
    for _ in 0..LONG {
        held.step();
        let now = held.snapshot.axes[0];
        rested |= now.velocity == 0.0 && (now.setpoint - (x + 5.0)).abs() < 1e-9;
        if held.snapshot.groups[0].state == GroupState::GroupStandby {
            break;
        }
    }
    assert!(rested, "it went on without a rest");
    assert_eq!(first.machine.wait(first.handle).unwrap(), Ended::Done);
    assert_eq!(second.machine.wait(second.handle).unwrap(), Ended::Done);
    held.end();
}

#[test]
fn what_is_given_after_the_end_of_a_stream_is_refused_whatever_the_timing() {
    let mut held = Held::start();
    held.power_up();
    for round in 0..10 {
        let mut stream = Stream::begin(&mut held, json!({}));
        let at = stream.start.clone();
        let points = |stream: &Stream, times: [f64; 2]| {
            let positions = at.repeat(2);
            let batch = stream.with(json!({ "times": times, "positions": positions }));
            ("Points", batch)
        };
        let end = ("End", stream.with(json!({})));
        let requests = [
            points(&stream, [0.5, 1.0]),
            end.clone(),
            points(&stream, [1.5, 2.0]),
            points(&stream, [0.2, 0.1]),
            end.clone(),
        ];
        let answers = pipelined(&held, "Stream", &requests);
        assert_eq!(reasons(&answers), ["taken", "taken", "StreamEnded", "StreamEnded", "StreamEnded"], "round {round}");
        stream.planned();
        let late = pipelined(&held, "Stream", &[points(&stream, [1.5, 2.0]), end]);
        assert_eq!(reasons(&late), ["StreamEnded"; 2], "round {round}");
        assert_eq!(stream.status()["taken"], 2);
        held.run_until(LONG, "it is there", |now| now.groups[0].state == GroupState::GroupStandby);
        assert_eq!(stream.machine.wait(stream.handle).unwrap(), Ended::Done);
    }
    held.end();
}
