use crate::exchange::pool::{SlotAddress, pool};
use crate::limits::MAX_GROUP_AXES;
use std::thread;

#[test]
fn target_crosses_whole_and_frees_its_slot() {
    let (mut claimer, mut taker) = pool::<MAX_GROUP_AXES>(2);
    let address = claimer.claim(&[1.5, -2.5, f64::MIN_POSITIVE]).unwrap();
    assert_eq!(claimer.claimed(), 1);
    let mut target = [0.0; MAX_GROUP_AXES];
    target[..3].copy_from_slice(&[1.5, -2.5, f64::MIN_POSITIVE]);
    assert_eq!(taker.take(address), Some(target));
    assert_eq!(claimer.claimed(), 0);
}

#[test]
fn stale_address_opens_nothing() {
    let (mut claimer, mut taker) = pool::<MAX_GROUP_AXES>(1);
    let first = claimer.claim(&[1.0]).unwrap();
    assert!(taker.take(first).is_some());
    let second = claimer.claim(&[2.0]).unwrap();
    assert_ne!(first, second);
    assert_eq!(taker.take(first), None);
    assert!(!claimer.withdraw(first));
    assert_eq!(taker.take(second).unwrap()[0], 2.0);
}

#[test]
fn address_that_was_never_given_out_opens_nothing() {
    let (mut claimer, mut taker) = pool::<MAX_GROUP_AXES>(1);
    for generation in [0, 1, 2, u32::MAX] {
        assert_eq!(taker.take(SlotAddress { index: 0, generation }), None);
        assert_eq!(taker.take(SlotAddress { index: 1, generation }), None);
        assert!(!claimer.withdraw(SlotAddress { index: 0, generation }));
        assert!(!claimer.withdraw(SlotAddress { index: u32::MAX, generation }));
    }
    // Even the right generation of a free slot.
    let address = claimer.claim(&[]).unwrap();
    assert!(claimer.withdraw(address));
    assert_eq!(taker.take(SlotAddress { generation: address.generation + 1, ..address }), None);
}

#[test]
fn full_pool_refuses_until_a_slot_is_freed() {
    let (mut claimer, mut taker) = pool::<MAX_GROUP_AXES>(3);
    let addresses: Vec<_> = (0..3).map(|value| claimer.claim(&[f64::from(value)]).unwrap()).collect();
    assert_eq!(claimer.claim(&[9.0]), None);
    assert!(taker.take(addresses[1]).is_some());
    assert_eq!(claimer.claim(&[9.0]).unwrap().index, addresses[1].index);
    assert_eq!(claimer.claim(&[9.0]), None);
}

#[test]
fn slots_of_a_dead_claimer_are_reclaimed_but_for_those_that_were_sent() {
    let (mut claimer, mut taker) = pool::<MAX_GROUP_AXES>(4);
    let sent = claimer.claim(&[1.0]).unwrap();
    let mut claimer = thread::spawn(move || {
        let lost = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            claimer.claim(&[2.0]).unwrap();
            panic!("planted between claim and send");
        }));
        assert!(lost.is_err());
        claimer
    })
    .join()
    .unwrap();
    assert_eq!(claimer.claimed(), 2);
    assert_eq!(claimer.reclaim(|address| address == sent), 1);
    assert_eq!(claimer.claimed(), 1);
    assert_eq!(taker.take(sent).unwrap()[0], 1.0);
}
