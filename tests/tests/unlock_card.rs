//! The challenge-response method from end to end: flow, driver host, a real PC/SC service with the software token as
//! its card, and the portal on a socket. To the person it is as the SO PIN method; the portal keeps the SO PIN and
//! releases it never.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "unlock/scene.rs"]
#[allow(dead_code, reason = "the tests of the SO PIN method use the rest")]
mod scene;

use std::ops::ControlFlow;
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
    unlock::{Outcome, UnlockStep},
};
use ycd_pki::unlock::UnlockMethod;
use ycd_portal_api::wire::unlock as wire;
use ycd_softkey::{
    admin::{self, Appearance, VendorEmulation},
    card::{self, Event, Runner},
};
use ycd_tests::{
    cut::{Between, When},
    pcscd::{Pcscd, in_own_process},
    prompter::UnlockScript,
    world::{IssuedToken, Maker, PHONE, World, open_tokens},
};
use ycd_token::TokenId;

use self::scene::{NEW, Scene, code, unlocked_order};

/// A token that is unlocked by challenge, locked, in its reader.
struct Desk {
    scene: Scene,
    reader: Reader,
    runner: Option<Runner>,
}

/// The service, and the token's coming and going as its card.
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

    /// The service ends, and with it the reader: the token is out.
    fn kill(&mut self) {
        self.pcscd.kill();
        self.wait_for(Event::ReaderClosed);
    }

    /// The service ends and comes again, and the token is put back.
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

/// Made by challenge and response, as at the personalization workstation, a year ago.
fn setup() -> Desk {
    let pcscd = Pcscd::start(2);
    let world = World::new();
    let maker = Maker { method: Some(UnlockMethod::ChallengeResponse), ..Maker::default() };
    let serial = world.blank_token("USBKEY", None);
    let (told, events) = channel();
    let address = format!("127.0.0.1:{}", pcscd.ports()[0]);
    let tell = move |event| {
        // A test that is over does not listen any more.
        let _ = told.send(event);
    };
    let runner = card::start(world.softkey_dir(), &serial, &address, tell).unwrap();
    wait(true);
    let token_id = TokenId::new("softkey", &serial);
    let age = time::Duration::days(maker.age_days);
    world.time_passes(-age);
    let made = world.personalize(&mut open_tokens(&world.softkey_dir()), &token_id, &maker);
    world.time_passes(age);
    assert_eq!(made.record.method, wire::UnlockMethod::ChallengeResponse);
    let certificate = made.certificate.serial;
    let token = IssuedToken { serial_number: serial.clone(), token_id, certificate, phone: PHONE.to_owned() };
    let machine = world.machine("a");
    let reader = Reader { pcscd, events, world: world.softkey_dir(), serial };
    let scene = Scene { world, token, machine };
    scene.lock();
    Desk { scene, reader, runner: Some(runner) }
}

/// Calls to the token, by name.
type Calls = Arc<Mutex<Vec<&'static str>>>;

impl Desk {
    /// Unlocks while `act` happens before and after each call.
    fn unlock_while(
        &mut self,
        prompter: &mut UnlockScript,
        mut act: impl FnMut(&mut Reader, &'static str, When),
    ) -> (Result<Outcome, UnlockError>, Vec<&'static str>) {
        let calls = Calls::default();
        let (log, portal) = (Arc::clone(&calls), self.scene.world.visitor());
        let reader = &mut self.reader;
        let outcome = self.scene.machine.unlock_through(&portal, prompter, |tokens| {
            Box::new(Between::new(tokens, move |name, when| {
                if when == When::Before {
                    log.lock().unwrap().push(name);
                }
                act(reader, name, when);
            }))
        });
        let calls = calls.lock().unwrap().clone();
        (outcome, calls)
    }

    /// Somebody who puts the token back whenever it is asked for, and knows the new PIN once it was set.
    fn patient_prompter(&self) -> UnlockScript {
        let mut prompter = self.scene.prompter().knows(NEW);
        let (folder, serial) = (self.reader.world.clone(), self.reader.serial.clone());
        prompter.on_token = Box::new(move |_| {
            insert(&folder, &serial);
            ControlFlow::Continue(())
        });
        prompter
    }

    /// The new PIN works, and nothing is known or used up of the SO PIN.
    fn is_well(&mut self) {
        self.scene.is_well(NEW);
        let record = self.scene.record();
        assert_eq!(record.method, wire::UnlockMethod::ChallengeResponse);
        assert_eq!((record.current_version, record.next_version, record.unproven_releases), (1, None, 0));
    }
}

fn count(calls: &[&str], name: &str) -> usize {
    calls.iter().filter(|call| **call == name).count()
}

#[test]
fn a_locked_token_gets_a_new_pin_and_its_so_pin_stays_where_it_was() {
    in_own_process("a_locked_token_gets_a_new_pin_and_its_so_pin_stays_where_it_was", || {
        let mut setup = setup();
        let mut prompter = setup.scene.prompter();
        let (outcome, calls) = setup.unlock_while(&mut prompter, |_, _, _| ());
        let order = unlocked_order(outcome);
        assert_eq!(
            (prompter.heard.codes, prompter.heard.new_pins.len(), prompter.heard.token_problems.len()),
            (1, 1, 0)
        );
        // As by SO PIN, but for the SO PIN, which no machine has seen and none changes.
        let mut steps = UnlockStep::ALL.to_vec();
        steps.retain(|step| *step != UnlockStep::Rotate);
        assert_eq!(prompter.heard.steps(), steps);
        let counts = (2..=6).map(|number| (number, Some(6)));
        assert_eq!(prompter.heard.counts(), std::iter::once((1, None)).chain(counts).collect::<Vec<_>>());
        for never in ["so_login", "init_pin", "rotate_so_pin", "unlock_nonce", "install_unblock_key"] {
            assert_eq!(count(&calls, never), 0, "{never}: {calls:?}");
        }
        assert_eq!((count(&calls, "unlock_challenge"), count(&calls, "unblock")), (1, 1));
        setup.is_well();
        assert_eq!(setup.scene.orders()[0].order.summary.no, order);
        assert_eq!(setup.scene.machine.journal.unfinished_unlocks().unwrap(), []);

        // And once more.
        setup.scene.lock();
        unlocked_order(setup.scene.unlock());
        setup.is_well();
        assert_eq!(setup.scene.orders().len(), 2);
        setup.runner.take().unwrap().stop().unwrap();
    });
}

#[test]
fn a_crash_around_what_challenge_response_does_is_taken_up() {
    in_own_process("a_crash_around_what_challenge_response_does_is_taken_up", || {
        let mut setup = setup();
        for name in ["unlock_challenge", "unlock_open", "unblock", "sign_authorization"] {
            for when in [When::Before, When::After] {
                let mut prompter = setup.scene.prompter();
                assert!(setup.scene.crash(&mut prompter, |tokens| Between::crashes(tokens, when, name)));
                let was_set = name == "sign_authorization" || (name, when) == ("unblock", When::After);
                let mut prompter = setup.scene.prompter().knows(NEW);
                let outcome = setup.scene.unlock_by(&mut prompter);
                assert!(outcome.is_ok(), "{name} {when:?}: {outcome:?}");
                assert_eq!(prompter.heard.pin_set_before, u32::from(was_set), "{name} {when:?}");
                setup.is_well();
                setup.scene.lock();
            }
        }
        // One order for each: what was cut off was taken up.
        assert_eq!(setup.scene.orders().len(), 8);
    });
}

#[test]
fn a_token_that_is_pulled_and_put_back_is_unlocked() {
    in_own_process("a_token_that_is_pulled_and_put_back_is_unlocked", || {
        let mut setup = setup();
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
                let mut prompter = setup.patient_prompter();
                let (outcome, calls) = setup.unlock_while(&mut prompter, |reader, called, when| {
                    if !pulled && called == name && when == moment {
                        pulled = true;
                        reader.pull();
                        if at_once {
                            reader.insert();
                        }
                    }
                });
                assert!(outcome.is_ok(), "{what}: {outcome:?} {calls:?}");
                assert_eq!(prompter.heard.codes, 1, "{what}");
                assert!(pulled, "{what}");
                setup.is_well();
                setup.scene.lock();
            }
        }
    });
}

#[test]
fn a_service_that_ends_in_the_middle_ends_no_unlock_for_good() {
    in_own_process("a_service_that_ends_in_the_middle_ends_no_unlock_for_good", || {
        let mut setup = setup();
        for name in ["unlock_challenge", "unblock"] {
            for comes_again in [true, false] {
                let what = format!("{name}, comes again: {comes_again}");
                let mut ended = false;
                let mut prompter = setup.scene.prompter().knows(NEW);
                prompter.on_token =
                    Box::new(
                        move |_| if comes_again { ControlFlow::Continue(()) } else { ControlFlow::Break(()) },
                    );
                let (outcome, calls) = setup.unlock_while(&mut prompter, |reader, called, when| {
                    if !ended && called == name && when == When::Before {
                        ended = true;
                        if comes_again { reader.comes_again() } else { reader.kill() }
                    }
                });
                assert!(ended, "{what}");
                if comes_again {
                    assert!(outcome.is_ok(), "{what}: {outcome:?} {calls:?}");
                } else {
                    // The reader went with the service, and the token with the reader.
                    assert_eq!(code(outcome), "token.removed", "{what}: {calls:?}");
                    setup.reader.pcscd.restart();
                    setup.reader.insert();
                    let mut prompter = setup.scene.prompter();
                    let outcome = setup.scene.unlock_by(&mut prompter);
                    assert!(outcome.is_ok(), "{what}: {outcome:?}");
                }
                setup.is_well();
                setup.scene.lock();
            }
        }
    });
}

#[test]
fn a_token_on_no_reader_is_told_before_a_code_is_spent() {
    in_own_process("a_token_on_no_reader_is_told_before_a_code_is_spent", || {
        let mut setup = setup();
        // In the machine still, as a token; not as a card.
        setup.runner.take().unwrap().stop().unwrap();
        admin::insert(&setup.reader.world, &setup.reader.serial).unwrap();
        let mut prompter = setup.scene.prompter();
        assert_eq!(code(setup.scene.unlock_by(&mut prompter)), "token.card_missing");
        setup.reader.pcscd.kill();
        let mut other = setup.scene.prompter();
        assert_eq!(code(setup.scene.unlock_by(&mut other)), "token.card_missing");
        assert_eq!((prompter.heard.codes, other.heard.codes), (0, 0));
        assert_eq!((prompter.heard.new_pins.len(), other.heard.new_pins.len()), (0, 0));
        assert!(setup.scene.orders().is_empty());
    });
}

/// The token is in, and its card on no reader any more.
#[test]
fn a_card_that_leaves_its_reader_in_the_middle_is_told() {
    in_own_process("a_card_that_leaves_its_reader_in_the_middle_is_told", || {
        let mut setup = setup();
        let mut runner = setup.runner.take();
        let mut prompter = setup.patient_prompter();
        let (outcome, _) = setup.unlock_while(&mut prompter, |reader, called, when| {
            if called == "unlock_challenge"
                && when == When::Before
                && let Some(runner) = runner.take()
            {
                runner.stop().unwrap();
                admin::insert(&reader.world, &reader.serial).unwrap();
            }
        });
        assert_eq!(code(outcome), "token.card_missing");
        assert!(prompter.heard.token_problems.is_empty(), "there is nothing to put back");
    });
}

#[test]
fn a_token_unlocked_by_its_so_pin_needs_no_service() {
    in_own_process("a_token_unlocked_by_its_so_pin_needs_no_service", || {
        let mut scene = scene::locked();
        let mut pcscd = Pcscd::start(2);
        for name in ["so_login", "init_pin", "rotate_so_pin", "sign_authorization"] {
            let mut prompter = scene.prompter();
            let (portal, service) = (scene.world.visitor(), &mut pcscd);
            let outcome = scene.machine.unlock_through(&portal, &mut prompter, |tokens| {
                Box::new(Between::new(tokens, move |called, when| {
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

/// The token has a rule that it does not tell: the command is refused, the challenge spent, and the release is the
/// same.
#[test]
fn a_pin_that_the_token_refuses_is_typed_again_under_the_same_release() {
    in_own_process("a_pin_that_the_token_refuses_is_typed_again_under_the_same_release", || {
        let mut setup = setup();
        setup.scene.world.configure(|config| config.project.pin.digits_only = false);
        let digits = VendorEmulation { pin_digits_only: true, ..VendorEmulation::default() };
        let emulation = Appearance { emulation: Some(digits), ..Appearance::default() };
        admin::set_appearance(&setup.reader.world, &setup.reader.serial, &emulation).unwrap();
        let mut prompter = setup.scene.prompter().types(&["Kq71828z", NEW]);
        let (outcome, calls) = setup.unlock_while(&mut prompter, |_, _, _| ());
        unlocked_order(outcome);
        assert_eq!((prompter.heard.new_pins.len(), prompter.heard.codes), (2, 1));
        assert_eq!(count(&calls, "unlock_begin"), 1, "one one-time key, so one release: {calls:?}");
        assert_eq!((count(&calls, "unlock_challenge"), count(&calls, "unblock")), (2, 2));
        setup.is_well();
    });
}
