use super::ROUNDS;
use crate::exchange::latest::cell;
use std::sync::atomic::Ordering;
use std::thread;

#[test]
fn reader_gets_the_newest_version_whole() {
    let (mut writer, reader) = cell(40);
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
    let (_writer, reader) = cell(2);
    let mut words = [7; 2];
    assert_eq!(reader.read(&mut words), Some(0));
    assert_eq!(words, [0; 2]);
}

#[test]
fn writer_that_dies_half_way_leaves_the_last_version_readable() {
    let (mut writer, reader) = cell(2);
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
    let (mut writer, reader) = cell(2);
    writer.publish(&[1, 2, 3]);
    let mut longer = [9; 3];
    assert_eq!(reader.read(&mut longer), Some(1));
    assert_eq!(longer, [1, 2, 9]);
    let mut shorter = [0];
    assert_eq!(reader.read(&mut shorter), Some(1));
    assert_eq!((shorter, reader.version()), ([1], 1));
}
