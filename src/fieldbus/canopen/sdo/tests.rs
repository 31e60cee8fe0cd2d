//! Transfers against a server that shares no code with them, whole, disturbed, and against garbage.

use super::*;
use crate::fieldbus::sdo::{AbortCode, Address};
use crate::limits::MAX_SDO_BYTES;
use crate::simulation::canopen::sdo_server::{Objects, SdoServer};
use proptest::prelude::*;

const PLACE: Address = Address::entry(0x2000, 3);

/// One object.
struct One(Vec<u8>);

impl Objects for One {
    fn read(&mut self, index: u16, subindex: u8) -> Result<Vec<u8>, u32> {
        if PLACE.matches(index, subindex) { Ok(self.0.clone()) } else { Err(0x0602_0000) }
    }

    fn write(&mut self, index: u16, subindex: u8, value: &[u8]) -> Result<(), u32> {
        if PLACE.matches(index, subindex) {
            self.0 = value.to_vec();
            Ok(())
        } else {
            Err(0x0602_0000)
        }
    }
}

/// How a transfer ends: frames of the server's pass through `wire`, which may change or drop them. Nothing on the way is silence.
fn run(
    transfer: &mut dyn Transfer,
    server: &mut SdoServer,
    object: &mut One,
    mut wire: impl FnMut(Bytes) -> Option<Bytes>,
) -> Result<(), TransferError> {
    let mut answers = std::collections::VecDeque::new();
    // Every value fits, and a lost block is sent twice.
    for _ in 0..4 * MAX_SDO_BYTES {
        if let Some(frame) = transfer.next() {
            answers.extend(server.answer(frame, object).into_iter().filter_map(&mut wire));
            continue;
        }
        let Some(answer) = answers.pop_front() else { return Err(transfer.abandon()) };
        let step = transfer.take(&answer);
        if matches!(step, Step::Done | Step::Failed(_)) {
            // The last word.
            if let Some(frame) = transfer.next() {
                server.answer(frame, object);
            }
            assert_eq!(transfer.next(), None);
            return if let Step::Failed(error) = step { Err(error) } else { Ok(()) };
        }
    }
    panic!("no end");
}

fn value(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place * 31 % 251) as u8).collect()
}

#[test]
fn the_longest_value_comes_in_blocks() {
    for length in MAX_SDO_BYTES - 6..=MAX_SDO_BYTES {
        let (mut server, mut object) = (SdoServer::new(true), One(value(length)));
        let mut upload = Upload::new(PLACE, true);
        assert_eq!(run(&mut upload, &mut server, &mut object, Some), Ok(()));
        assert_eq!(upload.data(), &value(length)[..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn a_value_comes_as_it_went(length in 0..=MAX_SDO_BYTES, there in any::<bool>(), back in any::<bool>()) {
        let (mut server, mut object) = (SdoServer::new(true), One(Vec::new()));
        let mut download = Download::new(PLACE, &value(length), there).unwrap();
        prop_assert_eq!(run(&mut download, &mut server, &mut object, Some), Ok(()));
        prop_assert_eq!(&object.0, &value(length));
        let mut upload = Upload::new(PLACE, back);
        prop_assert_eq!(run(&mut upload, &mut server, &mut object, Some), Ok(()));
        prop_assert_eq!(upload.data(), &value(length)[..]);
    }

    #[test]
    fn a_lost_segment_of_a_block_is_asked_for_again(length in 300_usize..4000, lost in 2_usize..40) {
        let (mut server, mut object) = (SdoServer::new(true), One(value(length)));
        let mut upload = Upload::new(PLACE, true);
        let mut count = 0;
        // Not the last one of the block: behind it there would be silence.
        let wire = |frame: Bytes| {
            count += 1;
            (count != lost).then_some(frame)
        };
        prop_assert_eq!(run(&mut upload, &mut server, &mut object, wire), Ok(()));
        prop_assert_eq!(upload.data(), &value(length)[..]);
    }

    #[test]
    fn whatever_is_answered_it_ends(
        length in 0_usize..600,
        in_blocks in any::<bool>(),
        reads in any::<bool>(),
        answers in prop::collection::vec((0_u32..40, any::<Bytes>()), 0..60),
    ) {
        let (mut server, mut object) = (SdoServer::new(true), One(value(length)));
        let mut answers = answers.into_iter();
        let mut next = answers.next();
        // Good answers, and one that is made up now and then.
        let wire = |frame: Bytes| match &mut next {
            Some((0, garbage)) => {
                let garbage = *garbage;
                next = answers.next();
                Some(garbage)
            }
            Some((left, _)) => {
                *left -= 1;
                Some(frame)
            }
            None => Some(frame),
        };
        if reads {
            let _ = run(&mut Upload::new(PLACE, in_blocks), &mut server, &mut object, wire);
        } else {
            let _ = run(&mut Download::new(PLACE, &value(length), in_blocks).unwrap(), &mut server, &mut object, wire);
        }
    }
}

#[test]
fn a_server_without_blocks_aborts_and_the_other_way_goes() {
    let (mut server, mut object) = (SdoServer::new(false), One(value(100)));
    let mut upload = Upload::new(PLACE, true);
    let refused = Err(TransferError::Aborted { code: AbortCode::COMMAND });
    assert_eq!(run(&mut upload, &mut server, &mut object, Some), refused);
    upload.restart(false);
    assert_eq!(run(&mut upload, &mut server, &mut object, Some), Ok(()));
    assert_eq!(upload.data(), value(100));
}

#[test]
fn a_changed_byte_in_a_block_is_found_by_its_checksum() {
    let (mut server, mut object) = (SdoServer::new(true), One(value(100)));
    let mut upload = Upload::new(PLACE, true);
    let mut count = 0;
    let wire = |mut frame: Bytes| {
        count += 1;
        frame[3] ^= u8::from(count == 4);
        Some(frame)
    };
    assert!(matches!(run(&mut upload, &mut server, &mut object, wire), Err(TransferError::Checksum { .. })));
}

#[test]
fn a_node_that_refuses_or_falls_silent_is_told_of() {
    let (mut server, mut object) = (SdoServer::new(true), One(value(20)));
    let elsewhere = Address::entry(0x3000, 0);
    let mut upload = Upload::new(elsewhere, false);
    let absent = Err(TransferError::Aborted { code: AbortCode(0x0602_0000) });
    assert_eq!(run(&mut upload, &mut server, &mut object, Some), absent);
    let mut upload = Upload::new(PLACE, false);
    assert_eq!(run(&mut upload, &mut server, &mut object, |_| None), Err(TransferError::Silent));
    // The node is told that the transfer is off.
    assert_eq!(upload.next(), Some([0x80, 0x00, 0x20, 3, 0, 0, 0x04, 0x05]));
    assert!(Download::new(PLACE, &[0; MAX_SDO_BYTES + 1], false).is_err());
}
