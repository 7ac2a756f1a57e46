//! The challenge road from end to end: flow, driver host, a real PC/SC service with the software key as its card, and
//! the portal on a socket. To the person it is as the wrapped road; the portal keeps the SO PIN and releases it never.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "unlock/scene.rs"]
#[allow(dead_code, reason = "the tests of the wrapped road use the rest")]
mod scene;

use std::{
    ffi::CString,
    sync::{
        Arc, Mutex,
        mpsc::{Receiver, channel},
    },
    time::Duration,
};

use pcsc::{Context, ReaderState, Scope, State};
use ycd_flows::{
    UnlockError,
    conversation::Go,
    unlock::{Outcome, UnlockStep},
};
use ycd_pki::unlock::Road;
use ycd_portal_api::wire::unlock as wire;
use ycd_softkey::{
    admin::{self, Dress, Wardrobe},
    card::{self, Event, Runner},
};
use ycd_tests::{
    cut::{Between, When},
    pcscd::{Pcscd, in_own_process},
    person::UnlockScript,
    world::{IssuedKey, Maker, PHONE, World, open_keys},
};
use ycd_token::KeyId;

use self::scene::{NEW, Scene, code, unlocked_order};

/// A key that is unlocked by challenge, locked, in its reader.
struct Desk {
    scene: Scene,
    reader: Reader,
    runner: Option<Runner>,
}

/// The service, and the key's coming and going as its card.
struct Reader {
    pcscd: Pcscd,
    events: Receiver<Event>,
    world: std::path::PathBuf,
    serial: String,
}

impl Reader {
    fn wait_for(&self, wanted: Event) {
        let told = || self.events.recv_timeout(Duration::from_secs(20)).expect("the card tells");
        while told() != wanted {}
    }

    fn insert(&self) {
        insert(&self.world, &self.serial);
    }

    fn pull(&self) {
        admin::remove(&self.world, &self.serial).unwrap();
        wait(false);
    }

    /// The service ends, and with it the reader: the key is out.
    fn kill(&mut self) {
        self.pcscd.kill();
        self.wait_for(Event::ReaderClosed);
    }

    /// The service ends and comes again, and the key is put back.
    fn comes_again(&mut self) {
        self.kill();
        self.pcscd.restart();
        self.insert();
    }
}

fn insert(folder: &std::path::Path, serial: &str) {
    admin::insert(folder, serial).unwrap();
    wait(true);
}

/// Waits until a card is in the first reader, or none is.
fn wait(present: bool) {
    let context = Context::establish(Scope::User).unwrap();
    let mut readers: Vec<CString> = context.list_readers_owned().unwrap();
    readers.sort();
    let mut states = [ReaderState::new(readers.remove(0), State::UNAWARE)];
    loop {
        context.get_status_change(Duration::from_secs(20), &mut states).unwrap();
        if states[0].event_state().contains(State::PRESENT) == present {
            return;
        }
        states[0].sync_current_state();
    }
}

/// Made on the challenge road, as at the operator's station, a year ago.
fn desk() -> Desk {
    let pcscd = Pcscd::start(2);
    let world = World::new();
    let maker = Maker { road: Some(Road::Challenge), ..Maker::default() };
    let serial = world.blank_key("USBKEY", None);
    let (told, events) = channel();
    let address = format!("127.0.0.1:{}", pcscd.ports()[0]);
    let tell = move |event| {
        // A test that is over does not listen any more.
        let _ = told.send(event);
    };
    let runner = card::start(world.keys_folder(), &serial, &address, tell).unwrap();
    wait(true);
    let key_id = KeyId::new("softkey", &serial);
    let age = time::Duration::days(maker.age_days);
    world.time_passes(-age);
    let made = world.produce(&mut open_keys(&world.keys_folder()), &key_id, &maker);
    world.time_passes(age);
    assert_eq!(made.record.road, wire::Road::Challenge);
    let certificate = made.certificate.serial;
    let key = IssuedKey { serial_number: serial.clone(), key_id, certificate, phone: PHONE.to_owned() };
    let machine = world.machine("a");
    let reader = Reader { pcscd, events, world: world.keys_folder(), serial };
    let scene = Scene { world, key, machine };
    scene.lock();
    Desk { scene, reader, runner: Some(runner) }
}

/// Calls to the key, by name.
type Calls = Arc<Mutex<Vec<&'static str>>>;

impl Desk {
    /// Unlocks while `act` happens before and after each call.
    fn unlock_while(
        &mut self,
        person: &mut UnlockScript,
        mut act: impl FnMut(&mut Reader, &'static str, When),
    ) -> (Result<Outcome, UnlockError>, Vec<&'static str>) {
        let calls = Calls::default();
        let (log, portal) = (Arc::clone(&calls), self.scene.world.visitor());
        let reader = &mut self.reader;
        let outcome = self.scene.machine.unlock_through(&portal, person, |keys| {
            Box::new(Between::new(keys, move |name, when| {
                if when == When::Before {
                    log.lock().unwrap().push(name);
                }
                act(reader, name, when);
            }))
        });
        let calls = calls.lock().unwrap().clone();
        (outcome, calls)
    }

    /// Somebody who puts the key back whenever it is asked for, and knows the new PIN once it was set.
    fn patient_person(&self) -> UnlockScript {
        let mut person = self.scene.person().knows(NEW);
        let (folder, serial) = (self.reader.world.clone(), self.reader.serial.clone());
        person.on_key = Box::new(move |_| {
            insert(&folder, &serial);
            Go::On
        });
        person
    }

    /// The new PIN works, and nothing is known or used up of the SO PIN.
    fn is_well(&mut self) {
        self.scene.is_well(NEW);
        let record = self.scene.record();
        assert_eq!(record.road, wire::Road::Challenge);
        assert_eq!((record.current_version, record.next_version, record.unproven_releases), (1, None, 0));
    }
}

fn count(calls: &[&str], name: &str) -> usize {
    calls.iter().filter(|call| **call == name).count()
}

#[test]
fn a_locked_key_gets_a_new_pin_and_its_so_pin_stays_where_it_was() {
    in_own_process("a_locked_key_gets_a_new_pin_and_its_so_pin_stays_where_it_was", || {
        let mut desk = desk();
        let mut person = desk.scene.person();
        let (outcome, calls) = desk.unlock_while(&mut person, |_, _, _| ());
        let order = unlocked_order(outcome);
        assert_eq!(
            (person.heard.codes, person.heard.new_pins.len(), person.heard.key_problems.len()),
            (1, 1, 0)
        );
        // As on the wrapped road, but for the SO PIN, which no machine has seen and none changes.
        let mut steps = UnlockStep::ALL.to_vec();
        steps.retain(|step| *step != UnlockStep::Rotate);
        assert_eq!(person.heard.steps(), steps);
        let counts = (2..=6).map(|number| (number, Some(6)));
        assert_eq!(person.heard.counts(), std::iter::once((1, None)).chain(counts).collect::<Vec<_>>());
        for never in ["so_login", "init_pin", "rotate_so_pin", "unlock_nonce", "install_unblock_key"] {
            assert_eq!(count(&calls, never), 0, "{never}: {calls:?}");
        }
        assert_eq!((count(&calls, "unlock_challenge"), count(&calls, "unblock")), (1, 1));
        desk.is_well();
        assert_eq!(desk.scene.orders()[0].order.summary.no, order);
        assert_eq!(desk.scene.machine.journal.unfinished_unlocks().unwrap(), []);

        // And once more.
        desk.scene.lock();
        unlocked_order(desk.scene.unlock());
        desk.is_well();
        assert_eq!(desk.scene.orders().len(), 2);
        desk.runner.take().unwrap().stop().unwrap();
    });
}

#[test]
fn a_crash_around_what_the_challenge_road_does_is_taken_up() {
    in_own_process("a_crash_around_what_the_challenge_road_does_is_taken_up", || {
        let mut desk = desk();
        for name in ["unlock_challenge", "unlock_open", "unblock", "sign_statement"] {
            for when in [When::Before, When::After] {
                let mut person = desk.scene.person();
                assert!(desk.scene.crash(&mut person, |keys| Between::crashes(keys, when, name)));
                let was_set = name == "sign_statement" || (name, when) == ("unblock", When::After);
                let mut person = desk.scene.person().knows(NEW);
                let outcome = desk.scene.unlock_by(&mut person);
                assert!(outcome.is_ok(), "{name} {when:?}: {outcome:?}");
                assert_eq!(person.heard.pin_set_before, u32::from(was_set), "{name} {when:?}");
                desk.is_well();
                desk.scene.lock();
            }
        }
        // One order for each: what was cut off was taken up.
        assert_eq!(desk.scene.orders().len(), 8);
    });
}

#[test]
fn a_key_that_is_pulled_and_put_back_is_unlocked() {
    in_own_process("a_key_that_is_pulled_and_put_back_is_unlocked", || {
        let mut desk = desk();
        for (name, moment) in [
            ("unlock_challenge", When::Before),
            ("unlock_challenge", When::After),
            ("unblock", When::Before),
            ("unblock", When::After),
        ] {
            // Put back at once, and only when the person is asked for it.
            for at_once in [true, false] {
                let what = format!("{name} {moment:?} {at_once}");
                let mut pulled = false;
                let mut person = desk.patient_person();
                let (outcome, calls) = desk.unlock_while(&mut person, |reader, called, when| {
                    if !pulled && called == name && when == moment {
                        pulled = true;
                        reader.pull();
                        if at_once {
                            reader.insert();
                        }
                    }
                });
                assert!(outcome.is_ok(), "{what}: {outcome:?} {calls:?}");
                assert_eq!(person.heard.codes, 1, "{what}");
                assert!(pulled, "{what}");
                desk.is_well();
                desk.scene.lock();
            }
        }
    });
}

#[test]
fn a_service_that_ends_in_the_middle_ends_no_unlock_for_good() {
    in_own_process("a_service_that_ends_in_the_middle_ends_no_unlock_for_good", || {
        let mut desk = desk();
        for name in ["unlock_challenge", "unblock"] {
            for comes_again in [true, false] {
                let what = format!("{name}, comes again: {comes_again}");
                let mut ended = false;
                let mut person = desk.scene.person().knows(NEW);
                person.on_key = Box::new(move |_| if comes_again { Go::On } else { Go::Stop });
                let (outcome, calls) = desk.unlock_while(&mut person, |reader, called, when| {
                    if !ended && called == name && when == When::Before {
                        ended = true;
                        if comes_again { reader.comes_again() } else { reader.kill() }
                    }
                });
                assert!(ended, "{what}");
                if comes_again {
                    assert!(outcome.is_ok(), "{what}: {outcome:?} {calls:?}");
                } else {
                    // The reader went with the service, and the key with the reader.
                    assert_eq!(code(outcome), "token.removed", "{what}: {calls:?}");
                    desk.reader.pcscd.restart();
                    desk.reader.insert();
                    let mut person = desk.scene.person();
                    let outcome = desk.scene.unlock_by(&mut person);
                    assert!(outcome.is_ok(), "{what}: {outcome:?}");
                }
                desk.is_well();
                desk.scene.lock();
            }
        }
    });
}

#[test]
fn a_key_on_no_reader_is_told_before_a_code_is_spent() {
    in_own_process("a_key_on_no_reader_is_told_before_a_code_is_spent", || {
        let mut desk = desk();
        // In the machine still, as a key; not as a card.
        desk.runner.take().unwrap().stop().unwrap();
        admin::insert(&desk.reader.world, &desk.reader.serial).unwrap();
        let mut person = desk.scene.person();
        assert_eq!(code(desk.scene.unlock_by(&mut person)), "token.card_missing");
        desk.reader.pcscd.kill();
        let mut other = desk.scene.person();
        assert_eq!(code(desk.scene.unlock_by(&mut other)), "token.card_missing");
        assert_eq!((person.heard.codes, other.heard.codes), (0, 0));
        assert_eq!((person.heard.new_pins.len(), other.heard.new_pins.len()), (0, 0));
        assert!(desk.scene.orders().is_empty());
    });
}

/// The key is in, and its card on no reader any more.
#[test]
fn a_card_that_leaves_its_reader_in_the_middle_is_told() {
    in_own_process("a_card_that_leaves_its_reader_in_the_middle_is_told", || {
        let mut desk = desk();
        let mut runner = desk.runner.take();
        let mut person = desk.patient_person();
        let (outcome, _) = desk.unlock_while(&mut person, |reader, called, when| {
            if called == "unlock_challenge"
                && when == When::Before
                && let Some(runner) = runner.take()
            {
                runner.stop().unwrap();
                admin::insert(&reader.world, &reader.serial).unwrap();
            }
        });
        assert_eq!(code(outcome), "token.card_missing");
        assert!(person.heard.key_problems.is_empty(), "there is nothing to put back");
    });
}

#[test]
fn a_key_of_the_wrapped_road_needs_no_service() {
    in_own_process("a_key_of_the_wrapped_road_needs_no_service", || {
        let mut scene = scene::locked();
        let mut pcscd = Pcscd::start(2);
        for name in ["so_login", "init_pin", "rotate_so_pin", "sign_statement"] {
            let mut person = scene.person();
            let (portal, service) = (scene.world.visitor(), &mut pcscd);
            let outcome = scene.machine.unlock_through(&portal, &mut person, |keys| {
                Box::new(Between::new(keys, move |called, when| {
                    if called == name && when == When::Before {
                        service.kill();
                    }
                }))
            });
            assert!(outcome.is_ok(), "{name}: {outcome:?}");
            scene.is_well(NEW);
            scene.lock();
            pcscd.restart();
        }
        assert_eq!(scene.record().current_version, 5);
    });
}

/// The key has a rule that it does not tell: the command is refused, the challenge spent, and the release is the same.
#[test]
fn a_pin_that_the_key_refuses_is_typed_again_under_the_same_release() {
    in_own_process("a_pin_that_the_key_refuses_is_typed_again_under_the_same_release", || {
        let mut desk = desk();
        desk.scene.world.configure(|config| config.project.pin.digits_only = false);
        let digits = Wardrobe { pin_digits_only: true, ..Wardrobe::default() };
        let dress = Dress { wardrobe: Some(digits), ..Dress::default() };
        admin::dress(&desk.reader.world, &desk.reader.serial, &dress).unwrap();
        let mut person = desk.scene.person().types(&["Kq71828z", NEW]);
        let (outcome, calls) = desk.unlock_while(&mut person, |_, _, _| ());
        unlocked_order(outcome);
        assert_eq!((person.heard.new_pins.len(), person.heard.codes), (2, 1));
        assert_eq!(count(&calls, "unlock_begin"), 1, "one one-time key, so one release: {calls:?}");
        assert_eq!((count(&calls, "unlock_challenge"), count(&calls, "unblock")), (2, 2));
        desk.is_well();
    });
}
