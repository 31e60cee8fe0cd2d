use super::PowerState::*;
use super::*;

const OPTIONS: Options =
    Options { quick_stop: 2, shutdown: 1, disable_operation: 1, halt: 1, fault_reaction: 2, abort_connection: 1 };

const GOOD: Conditions = Conditions {
    controlword: 0,
    started: true,
    mains: true,
    safe_torque_off: false,
    fault: None,
    power_loss_fault: None,
    ready: true,
    stopped: false,
    link_lost: false,
};

/// A machine that was led into this state.
fn machine_in(state: PowerState) -> StateMachine {
    let mut machine = StateMachine::default();
    let steps: &[u16] = match state {
        NotReadyToSwitchOn => &[],
        SwitchOnDisabled => &[0],
        ReadyToSwitchOn => &[0, 0x06],
        SwitchedOn => &[0, 0x06, 0x07],
        OperationEnabled => &[0, 0x06, 0x07, 0x0F],
        QuickStopActive => &[0, 0x06, 0x07, 0x0F, 0x02],
        FaultReactionActive | Fault => &[0, 0x06, 0x07, 0x0F],
    };
    for &controlword in steps {
        machine.step(&Conditions { controlword, ..GOOD }, &OPTIONS);
    }
    if matches!(state, FaultReactionActive | Fault) {
        machine.step(&Conditions { controlword: 0x0F, fault: Some(0x2310), ..GOOD }, &OPTIONS);
    }
    if state == Fault {
        machine.step(&Conditions { controlword: 0x0F, stopped: true, ..GOOD }, &OPTIONS);
    }
    assert_eq!(machine.state(), state);
    machine
}

const ALL: [PowerState; 8] = [
    NotReadyToSwitchOn,
    SwitchOnDisabled,
    ReadyToSwitchOn,
    SwitchedOn,
    OperationEnabled,
    QuickStopActive,
    FaultReactionActive,
    Fault,
];

#[test]
fn every_transition_of_the_diagram_is_taken_and_no_other() {
    // Columns: shutdown, switch on, enable, disable voltage, quick stop, fault reset; while stopped.
    let controlwords = [0x06, 0x07, 0x0F, 0x00, 0x02, 0x80];
    let table = [
        (NotReadyToSwitchOn, [SwitchOnDisabled; 6]),
        (
            SwitchOnDisabled,
            [ReadyToSwitchOn, SwitchOnDisabled, SwitchOnDisabled, SwitchOnDisabled, SwitchOnDisabled, SwitchOnDisabled],
        ),
        (
            ReadyToSwitchOn,
            [ReadyToSwitchOn, SwitchedOn, SwitchedOn, SwitchOnDisabled, SwitchOnDisabled, SwitchOnDisabled],
        ),
        (
            SwitchedOn,
            [ReadyToSwitchOn, SwitchedOn, OperationEnabled, SwitchOnDisabled, SwitchOnDisabled, SwitchOnDisabled],
        ),
        (
            OperationEnabled,
            [ReadyToSwitchOn, SwitchedOn, OperationEnabled, SwitchOnDisabled, QuickStopActive, SwitchOnDisabled],
        ),
        (QuickStopActive, [SwitchOnDisabled; 6]),
        (FaultReactionActive, [Fault; 6]),
        (Fault, [Fault, Fault, Fault, Fault, Fault, SwitchOnDisabled]),
    ];
    for (from, goals) in table {
        for (controlword, to) in controlwords.into_iter().zip(goals) {
            let mut machine = machine_in(from);
            machine.step(&Conditions { controlword, stopped: true, ..GOOD }, &OPTIONS);
            assert_eq!(machine.state(), to, "from {from:?} by {controlword:#04x}");
        }
    }
}

#[test]
fn while_it_is_not_stopped_it_keeps_its_state() {
    for (state, controlword) in [
        (OperationEnabled, 0x06),
        (OperationEnabled, 0x07),
        (QuickStopActive, 0x02),
        (QuickStopActive, 0x0F),
        (FaultReactionActive, 0x0F),
    ] {
        let mut machine = machine_in(state);
        let demand = machine.step(&Conditions { controlword, ..GOOD }, &OPTIONS);
        assert_eq!(machine.state(), state, "by {controlword:#04x}");
        assert!(matches!(demand, PowerDemand::Stop { then_off: true, .. }), "{state:?}: {demand:?}");
    }
}

#[test]
fn a_fault_takes_every_state_to_fault_and_shows_its_code() {
    for state in ALL {
        let mut machine = machine_in(state);
        for _ in 0..2 {
            machine.step(&Conditions { fault: Some(0x7305), stopped: true, ..GOOD }, &OPTIONS);
        }
        assert_eq!(machine.state(), Fault, "from {state:?}");
        let code = if matches!(state, FaultReactionActive | Fault) { 0x2310 } else { 0x7305 };
        assert_eq!(machine.error_code(), code);
    }
}

#[test]
fn fault_reset_needs_an_edge_and_a_cause_that_is_gone() {
    let mut machine = machine_in(OperationEnabled);
    // Bit 7 is already set when the fault comes: no edge, no reset.
    machine.step(&Conditions { controlword: 0x8F, ..GOOD }, &OPTIONS);
    machine.step(&Conditions { controlword: 0x8F, fault: Some(1), ..GOOD }, &OPTIONS);
    for _ in 0..3 {
        machine.step(&Conditions { controlword: 0x8F, stopped: true, ..GOOD }, &OPTIONS);
    }
    assert_eq!(machine.state(), Fault);
    machine.step(&GOOD, &OPTIONS);
    machine.step(&Conditions { controlword: 0x80, fault: Some(1), ..GOOD }, &OPTIONS);
    assert_eq!(machine.state(), Fault, "the cause is still there");
    machine.step(&Conditions { controlword: 0x80, ..GOOD }, &OPTIONS);
    assert_eq!(machine.state(), Fault, "the edge is over");
    machine.step(&GOOD, &OPTIONS);
    machine.step(&Conditions { controlword: 0x80, ..GOOD }, &OPTIONS);
    assert_eq!((machine.state(), machine.error_code()), (SwitchOnDisabled, 0));
}

#[test]
fn quick_stop_options_end_where_the_standard_says() {
    for (option, stop, end) in [
        (1, Stop::SlowDown, SwitchOnDisabled),
        (2, Stop::QuickStop, SwitchOnDisabled),
        (3, Stop::Limit, SwitchOnDisabled),
        (4, Stop::Limit, SwitchOnDisabled),
        (5, Stop::SlowDown, QuickStopActive),
        (6, Stop::QuickStop, QuickStopActive),
        (7, Stop::Limit, QuickStopActive),
        (8, Stop::Limit, QuickStopActive),
    ] {
        let options = Options { quick_stop: option, ..OPTIONS };
        let mut machine = machine_in(OperationEnabled);
        let quick_stop = Conditions { controlword: 0x02, ..GOOD };
        let demand = machine.step(&quick_stop, &options);
        assert_eq!(demand, PowerDemand::Stop { stop, then_off: option < 5 }, "option {option}");
        assert_eq!(machine.state(), QuickStopActive);
        machine.step(&Conditions { stopped: true, ..quick_stop }, &options);
        assert_eq!(machine.state(), end, "option {option}");
        if end == QuickStopActive {
            // 16, and again 11 and 12.
            machine.step(&Conditions { controlword: 0x0F, ..GOOD }, &options);
            assert_eq!(machine.state(), OperationEnabled, "option {option}");
            machine.step(&quick_stop, &options);
            machine.step(&GOOD, &options);
            assert_eq!(machine.state(), SwitchOnDisabled, "option {option}");
        }
    }
    let mut machine = machine_in(OperationEnabled);
    let demand = machine.step(&Conditions { controlword: 0x02, ..GOOD }, &Options { quick_stop: 0, ..OPTIONS });
    assert_eq!((machine.state(), demand), (SwitchOnDisabled, PowerDemand::Off));
}

#[test]
fn shutdown_disable_halt_and_fault_options_choose_the_stop() {
    let stop = |options: &Options, state: PowerState, conditions: Conditions| {
        let mut machine = machine_in(state);
        let demand = machine.step(&conditions, options);
        (machine.state(), demand)
    };
    let word = |controlword| Conditions { controlword, ..GOOD };
    let coast = Options { shutdown: 0, disable_operation: 0, fault_reaction: 0, ..OPTIONS };
    assert_eq!(stop(&coast, OperationEnabled, word(0x06)), (ReadyToSwitchOn, PowerDemand::Off));
    assert_eq!(stop(&coast, OperationEnabled, word(0x07)), (SwitchedOn, PowerDemand::Off));
    assert_eq!(stop(&coast, FaultReactionActive, word(0x0F)), (Fault, PowerDemand::Off));
    for (option, kind) in [(1, Stop::SlowDown), (2, Stop::QuickStop), (3, Stop::Limit), (4, Stop::Limit)] {
        let options = Options { halt: option, fault_reaction: option, ..OPTIONS };
        let halt = PowerDemand::Stop { stop: kind, then_off: false };
        assert_eq!(stop(&options, OperationEnabled, word(0x10F)), (OperationEnabled, halt));
        let reaction = PowerDemand::Stop { stop: kind, then_off: true };
        let fault = Conditions { fault: Some(1), ..word(0x0F) };
        assert_eq!(stop(&options, OperationEnabled, fault), (FaultReactionActive, reaction));
    }
}

#[test]
fn a_silent_master_is_answered_by_option_6007() {
    let silent = Conditions { controlword: 0x0F, link_lost: true, ..GOOD };
    for (option, state) in
        [(0, OperationEnabled), (1, FaultReactionActive), (2, SwitchOnDisabled), (3, QuickStopActive)]
    {
        let options = Options { abort_connection: option, quick_stop: 6, ..OPTIONS };
        let mut machine = machine_in(OperationEnabled);
        machine.step(&silent, &options);
        assert_eq!(machine.state(), state, "option {option}");
        machine.step(&silent, &options);
        assert_eq!(machine.state(), state, "option {option}: its last controlword does not enable again");
    }
    let mut machine = machine_in(SwitchOnDisabled);
    machine.step(&silent, &OPTIONS);
    assert_eq!(machine.state(), SwitchOnDisabled, "a drive without power has nothing to stop");
}

#[test]
fn loss_of_power_leaves_operation_with_or_without_fault() {
    let gone = Conditions { controlword: 0x0F, mains: false, ..GOOD };
    for state in [SwitchedOn, OperationEnabled, QuickStopActive] {
        let mut machine = machine_in(state);
        assert_eq!(machine.step(&gone, &OPTIONS), PowerDemand::Off);
        assert_eq!(machine.state(), SwitchOnDisabled);
        let mut machine = machine_in(state);
        let fault = Conditions { power_loss_fault: Some(0x3220), ..gone };
        assert_eq!(machine.step(&fault, &OPTIONS), PowerDemand::Off, "no torque to stop with");
        machine.step(&fault, &OPTIONS);
        assert_eq!((machine.state(), machine.error_code()), (Fault, 0x3220));
    }
    // Without mains it gets ready but not on; under safe torque off not even ready.
    let mut machine = machine_in(SwitchOnDisabled);
    machine.step(&Conditions { controlword: 0x06, ..gone }, &OPTIONS);
    machine.step(&Conditions { controlword: 0x07, ..gone }, &OPTIONS);
    assert_eq!(machine.state(), ReadyToSwitchOn);
    let mut machine = machine_in(SwitchOnDisabled);
    machine.step(&Conditions { controlword: 0x06, safe_torque_off: true, ..GOOD }, &OPTIONS);
    assert_eq!(machine.state(), SwitchOnDisabled);
}

#[test]
fn operation_waits_until_power_stage_and_brake_are_ready() {
    let mut machine = machine_in(SwitchedOn);
    let enable = Conditions { controlword: 0x0F, ready: false, ..GOOD };
    for _ in 0..3 {
        assert_eq!(machine.step(&enable, &OPTIONS), PowerDemand::Hold);
        assert_eq!(machine.state(), SwitchedOn);
    }
    assert_eq!(machine.step(&Conditions { ready: true, ..enable }, &OPTIONS), PowerDemand::Follow);
    assert_eq!(machine.state(), OperationEnabled);
}
