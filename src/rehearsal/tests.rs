//! Dry runs as clients ask for them, turn by turn.

use super::*;
use crate::dry_run::RunAxis;
use crate::gateway::Presence;
use crate::limits::{DRY_RUN_TEXT_BYTES, MAX_DRY_RUNS};
use crate::motion::Limits;
use crate::path_file::{GroupAxis, ProblemKind};
use crate::units::AxisUnit;

const TEXT: &str = "tolerance 0.02\nfeed 50\nline x=10\nline y=5\narc x=0 y=5 centre x=5 y=5 left\n";

fn machine() -> Machine {
    let limits = Limits { velocity: 200.0, acceleration: 2000.0, jerk: 50_000.0 };
    let axis = |name: &str| RunAxis {
        name: name.to_string(),
        unit: AxisUnit::Millimetre,
        limits,
        soft_limits: Some((-1.0, 12.0)),
        offset: 0.0,
    };
    let named = |name: &str| GroupAxis { name: name.to_string(), unit: AxisUnit::Millimetre };
    Machine {
        group: PathGroup::new(vec![named("x"), named("y")], 200.0),
        run: RunGroup { axes: vec![axis("x"), axis("y")], path_limits: None, tool: None, period_s: 0.001 },
        start: Point::default(),
    }
}

/// Turns until there is an answer.
fn outcome(stage: &mut Stage, mut answer: tokio::sync::oneshot::Receiver<Outcome>) -> Outcome {
    for _ in 0..100_000 {
        stage.turn();
        if let Ok(outcome) = answer.try_recv() {
            return outcome;
        }
    }
    panic!("no answer");
}

fn whole(text: &str) -> Outcome {
    let (desk, mut stage) = rehearsals();
    let presence = Presence::default();
    let run = desk.begin(1, machine(), presence.absence()).unwrap();
    run.append(text).unwrap();
    let answer = run.end(Some(Sheet { axes: vec![0, 1], title: "t".into() })).unwrap();
    outcome(&mut stage, answer)
}

#[test]
fn a_text_in_parts_of_any_size_gives_the_same_report_as_a_whole_one() {
    let Outcome::Report(expected, Some(picture)) = whole(TEXT) else { panic!() };
    assert!(picture.starts_with("<svg") && expected.inside() && expected.elements == 3, "{expected:?}");
    let (desk, mut stage) = rehearsals();
    let presence = Presence::default();
    let run = desk.begin(7, machine(), presence.absence()).unwrap();
    for byte in TEXT.chars() {
        run.append(&byte.to_string()).unwrap();
        stage.turn();
    }
    let answer = run.end(None).unwrap();
    let Outcome::Report(found, None) = outcome(&mut stage, answer) else { panic!() };
    assert_eq!(found, expected);
    assert_eq!(run.room(), DRY_RUN_TEXT_BYTES);
}

#[test]
fn mistakes_and_what_leaves_the_limits_are_told() {
    let Outcome::Mistakes(problems) = whole("line x=1\nlien x=2\nline q=3\n") else { panic!() };
    assert_eq!(problems.iter().map(|problem| problem.line).collect::<Vec<_>>(), [2, 3]);
    let Outcome::Report(report, _) = whole("line x=13\n") else { panic!() };
    assert_eq!(report.axes[0].outside, Some(1));
    let Outcome::Mistakes(problems) = whole("# nothing\n") else { panic!() };
    assert_eq!(problems.iter().map(|problem| &problem.kind).collect::<Vec<_>>(), [&ProblemKind::Empty]);
}

#[test]
fn who_goes_ends_its_run_and_leaves_its_place() {
    let (desk, mut stage) = rehearsals();
    let presences: Vec<Presence> = (0..MAX_DRY_RUNS).map(|_| Presence::default()).collect();
    let begin = |number: usize, presence: &Presence| desk.begin(number as u64, machine(), presence.absence());
    let runs: Vec<Rehearsal> = presences.iter().enumerate().map(|(n, presence)| begin(n, presence).unwrap()).collect();
    let other = Presence::default();
    assert_eq!(begin(9, &other).unwrap_err(), Refusal::Full);
    // Days of motion, which nobody waits for to its end.
    runs.iter().for_each(|run| run.append("feed 0.001\nline x=10\n").unwrap());
    let answers: Vec<_> = runs.iter().map(|run| run.end(None).unwrap()).collect();
    assert!(stage.turn());
    drop((presences, runs));
    stage.turn();
    assert!(answers.into_iter().all(|mut answer| answer.try_recv().is_err()));
    assert!(!stage.turn());
    begin(10, &other).unwrap();
}

#[test]
fn text_that_finds_no_room_is_refused_whole() {
    let (desk, mut stage) = rehearsals();
    let presence = Presence::default();
    let run = desk.begin(1, machine(), presence.absence()).unwrap();
    let part = "# ".repeat(DRY_RUN_TEXT_BYTES / 2);
    run.append(&part).unwrap();
    assert_eq!(run.append("#"), Err(Refusal::Room(0)));
    while stage.turn() {}
    assert_eq!(run.room(), DRY_RUN_TEXT_BYTES);
}
