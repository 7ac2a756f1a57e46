//! The watcher of readers: cards are told when they come and go, whatever service, readers and cards do.

use std::{
    sync::mpsc::{Receiver, channel},
    thread,
    time::{Duration, Instant},
};

use ycd_tests::{
    card::{Card, Reset},
    pcscd::{MOST_READERS, Pcscd, in_own_process},
};
use ycd_token::readers::{self, CardEvent, ReaderWatch, ReadersError};

use crate::{ATR, SOON};

fn watch() -> (ReaderWatch, Receiver<CardEvent>) {
    let (sender, events) = channel();
    (ReaderWatch::start(move |event| drop(sender.send(event))).unwrap(), events)
}

/// The next event, as a reader's name and the ATR of what came.
fn next(events: &Receiver<CardEvent>) -> (String, Option<Vec<u8>>) {
    loop {
        match events.recv_timeout(SOON).unwrap() {
            CardEvent::Came { reader, card } => return (reader, Some(card.atr.unwrap_or_default())),
            CardEvent::Gone { reader } => return (reader, None),
            CardEvent::NoService => {}
        }
    }
}

fn is_watching() -> bool {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    tasks.flatten().any(|task| {
        std::fs::read_to_string(task.path().join("comm")).is_ok_and(|name| name.starts_with("readers"))
    })
}

#[test]
fn a_card_is_told_when_it_comes_and_when_it_goes() {
    in_own_process("cards::a_card_is_told_when_it_comes_and_when_it_goes", || {
        let pcscd = Pcscd::start(4);
        let _there = Card::bare(pcscd.ports()[3], &ATR);
        let (_watch, events) = watch();
        assert_eq!(next(&events), ("Test reader 01 00 01".into(), Some(ATR.into())));
        let card = Card::bare(pcscd.ports()[0], &ATR);
        assert_eq!(next(&events), ("Test reader 00 00 00".into(), Some(ATR.into())));
        card.pull();
        assert_eq!(next(&events), ("Test reader 00 00 00".into(), None));
        let there: Vec<bool> = readers::now().unwrap().iter().map(|reader| reader.card.is_some()).collect();
        assert_eq!(there, [false, false, false, true]);
    });
}

#[test]
fn a_service_that_starts_late_or_is_killed_is_found_again() {
    in_own_process("cards::a_service_that_starts_late_or_is_killed_is_found_again", || {
        let mut pcscd = Pcscd::prepared(2);
        let (_watch, events) = watch();
        assert_eq!(readers::now(), Err(ReadersError::NoService));
        pcscd.restart();
        for _ in 0..2 {
            let card = Card::bare(pcscd.ports()[1], &ATR);
            assert_eq!(next(&events), ("Test reader 00 00 01".into(), Some(ATR.into())));
            pcscd.kill();
            assert_eq!(next(&events), ("Test reader 00 00 01".into(), None));
            card.pull();
            pcscd.restart();
        }
    });
}

#[test]
fn readers_of_any_name_are_watched() {
    in_own_process("cards::readers_of_any_name_are_watched", || {
        let long = [b'x'; 110];
        let pcscd = Pcscd::named(&[b"\xFF\xFE reader".as_slice(), &long, "读卡器".as_bytes(), b"?*[a] 50%s"]);
        let mut pcscd = pcscd;
        pcscd.restart();
        let (_watch, events) = watch();
        let expected = ["\u{FFFD}\u{FFFD} reader 00", &"x".repeat(110), "读卡器 00", "?*[a] 50%s 00"];
        for (at, name) in expected.iter().enumerate() {
            let _card = Card::bare(pcscd.ports()[2 * at], &ATR);
            let (reader, atr) = next(&events);
            assert!(reader.starts_with(name), "{reader}");
            assert_eq!(atr, Some(ATR.into()));
            drop(_card);
            assert_eq!(next(&events), (reader, None));
        }
    });
}

#[test]
fn cards_that_do_not_answer_keep_no_other_card_from_being_told() {
    in_own_process("cards::cards_that_do_not_answer_keep_no_other_card_from_being_told", || {
        let pcscd = Pcscd::start(4);
        let (watch, events) = watch();
        let _empty = Card::mute(pcscd.ports()[0], Reset::Empty);
        let _silent = Card::mute(pcscd.ports()[1], Reset::Silence);
        let card = Card::bare(pcscd.ports()[2], &ATR);
        let good = |events: &Receiver<CardEvent>| loop {
            let event = next(events);
            if event.0 == "Test reader 01 00 00" {
                return event.1;
            }
            assert!(event.1.is_none_or(|atr| atr.is_empty()), "a mute card has no ATR");
        };
        assert_eq!(good(&events), Some(ATR.into()));
        card.pull();
        assert_eq!(good(&events), None);
        let begun = Instant::now();
        drop(watch);
        assert!(begun.elapsed() < Duration::from_secs(3));
    });
}

/// Thirty, more than this service can hold, are compared in `ycd_token::readers`.
#[test]
fn all_readers_that_the_service_holds_are_watched_at_once() {
    in_own_process("cards::all_readers_that_the_service_holds_are_watched_at_once", || {
        let pcscd = Pcscd::start(MOST_READERS);
        let (_watch, events) = watch();
        let cards: Vec<Card> = pcscd.ports().iter().map(|port| Card::bare(*port, &ATR)).collect();
        let mut came: Vec<String> = (0..MOST_READERS).map(|_| next(&events).0).collect();
        came.sort();
        came.dedup();
        assert_eq!(came.len(), MOST_READERS);
        drop(cards);
        let gone = (0..MOST_READERS).filter(|_| next(&events).1.is_none()).count();
        assert_eq!(gone, MOST_READERS);
    });
}

#[test]
fn a_card_that_bounces_ends_as_what_it_is() {
    in_own_process("cards::a_card_that_bounces_ends_as_what_it_is", || {
        let pcscd = Pcscd::start(2);
        let (_watch, events) = watch();
        // Ten times a second for three seconds: the length of a push is what is tested, not waited for.
        for _ in 0..30 {
            let card = Card::bare(pcscd.ports()[0], &ATR);
            thread::sleep(Duration::from_millis(50));
            card.pull();
            thread::sleep(Duration::from_millis(50));
        }
        let other = [ATR[0], 0x81, 0x80, 0x01, 0x55, 0x55];
        let mut card = Card::bare(pcscd.ports()[0], &other);
        let mut told = 0;
        let mut is_there = false;
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < SOON);
            match events.recv_timeout(Duration::from_secs(3)) {
                Ok(event) => {
                    told += 1;
                    let CardEvent::Came { card, .. } = event else {
                        assert!(is_there, "coming and going take turns");
                        is_there = false;
                        continue;
                    };
                    assert!(!is_there, "coming and going take turns");
                    is_there = true;
                    if card.atr.as_deref() == Some(&other) {
                        break;
                    }
                }
                // The virtual reader itself gets confused by so many cards, until it sees a new one.
                Err(_) => {
                    drop(card);
                    card = Card::bare(pcscd.ports()[0], &other);
                }
            }
        }
        assert!(told < 60, "the watcher sets its own pace");
        drop(card);
    });
}

#[test]
fn a_watch_that_is_dropped_leaves_no_thread() {
    in_own_process("cards::a_watch_that_is_dropped_leaves_no_thread", || {
        let mut pcscd = Pcscd::prepared(2);
        for up in [false, true, false] {
            if up {
                pcscd.restart();
            }
            let (watch, events) = watch();
            if up {
                let _card = Card::bare(pcscd.ports()[0], &ATR);
                next(&events);
            }
            while !is_watching() {
                thread::yield_now();
            }
            let begun = Instant::now();
            drop(watch);
            assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
            // Its end is told an instant before the system has forgotten it.
            while is_watching() {
                assert!(begun.elapsed() < SOON);
                thread::yield_now();
            }
            if up {
                pcscd.kill();
            }
        }
    });
}
