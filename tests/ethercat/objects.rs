//! Objects of devices, asked for while the machine moves.

use crate::bring_up::{machine, segment};
use crate::motion::{X, rig_with_desk};
use crate::support::rig::Rig;
use crate::wire::SegmentWire;
use motiond::exchange::command::Request;
use motiond::fieldbus::ethercat::mailbox::information::ListKind;
use motiond::fieldbus::ethercat::mailbox::{Address, Download, ObjectList, Silence, TransferError, Upload};
use motiond::fieldbus::ethercat::object_desk::{DeskError, ObjectDesk};
use motiond::fieldbus::ethercat::requests::Job;
use motiond::motion::Dynamics;
use motiond::simulation::ethercat::{Manners, Segment, SegmentCommand};

/// mm/s
const VELOCITY: f64 = 10.0;
const WINDOW: Address = Address::entry(0x6065, 0);

fn running() -> (Rig, SegmentWire, ObjectDesk) {
    let config = machine();
    let segment = Segment::new(&segment(&config)).unwrap();
    let (mut rig, wire, desk) = rig_with_desk(config, segment);
    wire.end().segment.device_mut(2).unwrap().set_input(0, true);
    rig.power_all();
    let dynamics = Dynamics { velocity: Some(VELOCITY), ..Dynamics::default() };
    rig.send(Request::Velocity { axis: X, velocity: VELOCITY, dynamics });
    rig.run_until(1000, "x runs", |rig| rig.snapshot.axes[0].velocity == VELOCITY);
    (rig, wire, desk)
}

/// Asks while the cycle goes on, and tells how many cycles that took at most.
fn ask(rig: &mut Rig, desk: &ObjectDesk, device: u8, job: Job) -> (Result<Job, DeskError>, u64) {
    let start = rig.cycles;
    let answer = std::thread::scope(|scope| {
        let asking = scope.spawn(|| desk.carry_out(device, job));
        while !asking.is_finished() {
            rig.step();
            // The other thread must come to run beside this virtual time.
            std::thread::yield_now();
        }
        asking.join().unwrap()
    });
    (answer, rig.cycles - start)
}

fn untouched(rig: &Rig) {
    assert_eq!((rig.snapshot.axes[0].velocity, rig.snapshot.buses[0].frames_lost), (VELOCITY, 0), "{:?}", rig.events);
    assert!(rig.snapshot.axes[0].following_error.abs() < 0.2);
}

#[test]
fn objects_are_read_written_and_listed_in_motion() {
    let (mut rig, wire, desk) = running();
    let write = Download::new(WINDOW, &12_345_u32.to_le_bytes()).unwrap();
    ask(&mut rig, &desk, 0, Job::Write(write)).0.unwrap();
    let read = ask(&mut rig, &desk, 0, Job::Read(Upload::new(WINDOW))).0;
    assert!(matches!(read, Ok(Job::Read(upload)) if upload.data() == 12_345_u32.to_le_bytes()));
    let mut own = [0; 4];
    wire.end().segment.device(0).unwrap().upload(0x6065, 0, &mut own).unwrap();
    assert_eq!(u32::from_le_bytes(own), 12_345);
    // In segments: longer than the mailbox.
    let name = ask(&mut rig, &desk, 1, Job::Read(Upload::new(Address::entry(0x1008, 0)))).0;
    assert!(matches!(name, Ok(Job::Read(upload)) if !upload.data().is_empty()));
    let list = ask(&mut rig, &desk, 1, Job::List(ObjectList::new(ListKind::All))).0;
    let Ok(Job::List(list)) = list else { panic!("{list:?}") };
    let indices: Vec<u16> = list.indices().collect();
    assert!([0x1000, 0x1018, 0x6040, 0x607A].iter().all(|index| indices.contains(index)), "{indices:04X?}");
    untouched(&rig);
}

#[test]
fn a_refusal_and_a_silent_mailbox_are_told_and_disturb_nobody() {
    let (mut rig, wire, desk) = running();
    let refused = ask(&mut rig, &desk, 0, Job::Read(Upload::new(Address::entry(0x5FFF, 0)))).0;
    assert!(matches!(refused, Err(DeskError::Transfer(TransferError::Aborted { .. }))), "{refused:?}");
    for manners in [Manners::Silent, Manners::Garbage] {
        wire.end().segment.command(SegmentCommand::Manners(0, manners));
        let answer = ask(&mut rig, &desk, 0, Job::Read(Upload::new(WINDOW))).0;
        match (manners, answer) {
            (Manners::Silent, Err(DeskError::Transfer(TransferError::Silent(Silence::NoAnswer)))) => {}
            (Manners::Garbage, Err(DeskError::Transfer(_))) => {}
            (_, answer) => panic!("{manners:?}: {answer:?}"),
        }
        wire.end().segment.command(SegmentCommand::Manners(0, Manners::Good));
        let answer = ask(&mut rig, &desk, 0, Job::Read(Upload::new(WINDOW))).0;
        assert!(answer.is_ok(), "after {manners:?}: {answer:?}");
    }
    untouched(&rig);
}

#[test]
fn a_request_to_a_device_that_is_away_is_given_back() {
    let (mut rig, wire, desk) = running();
    wire.end().segment.command(SegmentCommand::PowerOff(2));
    rig.run(200);
    let (answer, cycles) = ask(&mut rig, &desk, 2, Job::Read(Upload::new(Address::entry(0x1018, 1))));
    assert!(answer.is_err(), "{answer:?} after {cycles} cycles");
}
