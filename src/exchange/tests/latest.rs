use super::ROUNDS;
use crate::exchange::latest::{Reading, cell};
use std::sync::atomic::Ordering;
use std::thread;

#[test]
fn reader_gets_the_newest_version_whole() {
    let (mut writer, reader) = cell(40, 2);
    let readers: Vec<_> = (0..2)
        .map(|_| {
            let reader = reader.clone();
            thread::spawn(move || {
                let mut words = [0; 40];
                let mut last = 0;
                while last < ROUNDS {
                    let Some(version) = reader.read(&mut words) else { continue };
                    assert!(words.iter().all(|word| *word == version), "version {version}: {words:?}");
                    assert!(version >= last, "{version} after {last}");
                    last = version;
                    thread::yield_now();
                }
            })
        })
        .collect();
    for version in 1..=ROUNDS {
        writer.publish(&[version; 40]);
    }
    for reader in readers {
        reader.join().unwrap();
    }
}

#[test]
fn nothing_published_reads_as_version_0_of_zeros() {
    let (_writer, reader) = cell(2, 2);
    let mut words = [7; 2];
    assert_eq!(reader.read(&mut words), Some(0));
    assert_eq!(words, [0; 2]);
}

#[test]
fn writer_that_dies_half_way_leaves_the_last_version_readable() {
    let (mut writer, reader) = cell(2, 2);
    writer.publish(&[1, 1]);
    writer.publish(&[2, 2]);
    let death = thread::spawn(move || {
        let publication = writer.begin();
        publication.words()[0].store(3, Ordering::Relaxed);
        panic!("planted half-way");
    });
    assert!(death.join().is_err());
    let mut words = [0; 2];
    assert_eq!(reader.read(&mut words), Some(2));
    assert_eq!(words, [2, 2]);
}

#[test]
fn lengths_may_differ() {
    let (mut writer, reader) = cell(2, 2);
    writer.publish(&[1, 2, 3]);
    let mut longer = [9; 3];
    assert_eq!(reader.read(&mut longer), Some(1));
    assert_eq!(longer, [1, 2, 9]);
    let mut shorter = [0];
    assert_eq!(reader.read(&mut shorter), Some(1));
    assert_eq!((shorter, reader.version()), ([1], 1));
}

#[test]
fn earlier_versions_are_kept_until_their_place_is_needed() {
    let (mut writer, reader) = cell(2, 8);
    let read = |version| {
        let mut words = [0; 2];
        (reader.read_version(version, &mut words), words)
    };
    assert_eq!(read(1), (Reading::NotYet, [0; 2]));
    for version in 1..=20 {
        writer.publish(&[version, version]);
        for earlier in 1..=version {
            let (reading, words) = read(earlier);
            if version - earlier < 7 {
                assert_eq!((reading, words), (Reading::Whole, [earlier; 2]), "at {version}");
            } else {
                assert_eq!(reading, Reading::Overwritten, "{earlier} at {version}");
            }
        }
        assert_eq!(read(version + 1).0, Reading::NotYet);
    }
}

#[test]
fn a_reader_that_follows_gets_each_version_whole_or_is_told_that_it_is_gone() {
    let (mut writer, reader) = cell(40, 16);
    let follower = thread::spawn(move || {
        let mut words = [0; 40];
        let (mut next, mut whole) = (1, 0);
        while next <= ROUNDS {
            match reader.read_version(next, &mut words) {
                Reading::Whole => {
                    assert!(words.iter().all(|word| *word == next), "version {next}: {words:?}");
                    whole += 1;
                    next += 1;
                }
                Reading::NotYet => thread::yield_now(),
                Reading::Overwritten => next = reader.version(),
            }
        }
        whole
    });
    for version in 1..=ROUNDS {
        writer.publish(&[version; 40]);
    }
    assert!(follower.join().unwrap() >= 1);
}
