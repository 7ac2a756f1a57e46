//! A new PIN for a token that carries a certificate, through flow, driver host and PKCS#11 module.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::ops::ControlFlow;
use std::{
    collections::VecDeque,
    sync::{Arc, Barrier, Mutex},
};

use ycd_flows::{
    messages::{Explain as _, Language},
    new_pin::{NewPinPrompter, NewPinQuestion},
    pin_change::{OldPinQuestion, PinChange, PinChangeError, PinChangePrompter, PinEvent, Which},
};
use ycd_pki::{Certificate, PublicKey, authorization::Authorization};
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::world::{IssuedToken, Machine, Maker, PIN, World};
use ycd_token::{
    KeyPairState, Pin, PinPolicy, PinRetryCounter, Spki, TokenAccess as _, TokenError, TokenInfo, Weakness,
};

const NEW: &str = "271828";
const WRONG: &str = "00000001";

/// Gives the PINs it was told, in order, and remembers what it was asked.
#[derive(Default)]
struct Typist {
    old: VecDeque<&'static str>,
    new: VecDeque<(&'static str, &'static str)>,
    accepts_weak: bool,
    accepts_last_try: bool,
    /// Called when the token was pulled in the middle.
    puts_back: Option<Box<dyn FnMut() -> ControlFlow<()>>>,
    /// Called before the change.
    before: Option<Box<dyn FnOnce()>>,
    events: Vec<PinEvent>,
    old_asked: Vec<OldPinQuestion>,
    new_asked: Vec<NewPinQuestion>,
    weak: Vec<Weakness>,
    last_retry_counter: u32,
}

impl Typist {
    fn of(old: &[&'static str], new: &[(&'static str, &'static str)]) -> Self {
        Self { old: old.iter().copied().collect(), new: new.iter().copied().collect(), ..Self::default() }
    }

    fn usual() -> Self {
        Self::of(&[PIN], &[(NEW, NEW)])
    }

    fn problems(&self) -> Vec<&'static str> {
        self.new_asked.iter().filter_map(|question| question.refused).map(|refusal| refusal.code()).collect()
    }
}

impl NewPinPrompter for Typist {
    fn new_pin(&mut self, question: &NewPinQuestion) -> Option<(Pin, Pin)> {
        self.new_asked.push(question.clone());
        self.new.pop_front().map(|(new, again)| (Pin::new(new), Pin::new(again)))
    }

    fn accept_weak(&mut self, weakness: Weakness) -> bool {
        self.weak.push(weakness);
        self.accepts_weak
    }
}

impl PinChangePrompter for Typist {
    fn tell(&mut self, event: &PinEvent) -> ControlFlow<()> {
        if matches!(event, PinEvent::Changing { .. })
            && let Some(act) = self.before.take()
        {
            act();
        }
        self.events.push(event.clone());
        ControlFlow::Continue(())
    }

    fn old_pin(&mut self, question: &OldPinQuestion) -> Option<Pin> {
        self.old_asked.push(question.clone());
        self.old.pop_front().map(Pin::new)
    }

    fn accept_last_try(&mut self, _key: &TokenInfo) -> bool {
        self.last_retry_counter += 1;
        self.accepts_last_try
    }

    fn put_back(&mut self, _key: &TokenInfo) -> ControlFlow<()> {
        self.puts_back.as_mut().map_or(ControlFlow::Break(()), |act| act())
    }
}

/// An issued token, inserted, and a machine.
fn scene() -> (World, IssuedToken, Machine) {
    let world = World::new();
    let token = world.issued_token(&Maker::default());
    world.insert(&token.serial_number);
    let machine = world.machine("a");
    (world, token, machine)
}

fn change(machine: &mut Machine, prompter: &mut Typist) -> Result<TokenInfo, PinChangeError> {
    change_with(machine, prompter, None)
}

fn change_with(
    machine: &mut Machine,
    prompter: &mut Typist,
    policy: Option<PinPolicy>,
) -> Result<TokenInfo, PinChangeError> {
    PinChange { tokens: &mut machine.tokens, prompter, locks: &machine.locks, token: None, policy }.run()
}

fn calls(world: &World, function: &str) -> usize {
    admin::trace(world.softkey_dir()).unwrap().iter().filter(|(name, _)| name == function).count()
}

fn retry_counter(world: &World) -> (u32, u32) {
    let token = admin::list(world.softkey_dir()).unwrap().remove(0);
    (token.pin_retry_counter, token.pin_retry_limit)
}

/// The certificate's key signs with this PIN, and the signature verifies.
fn signs_with(machine: &mut Machine, token: &IssuedToken, pin: &str) {
    machine.tokens.login(&token.token_id, &Pin::new(pin)).unwrap();
    let contents = machine.tokens.read(&token.token_id).unwrap();
    let container = contents.containers.iter().find(|c| !c.certificates.is_empty()).unwrap();
    assert_eq!(container.pair, KeyPairState::Complete);
    let certificate = Certificate::from_der(&container.certificates[0]).unwrap();
    assert_eq!(certificate.serial_hex(), token.certificate);
    let authorization = Authorization::Abandon {
        portal: "portal".into(),
        order: "SAAS1".into(),
        attempt: 1,
        token_id: token.token_id.to_string(),
        nonce: [3; 32],
    };
    let signer = Spki(certificate.spki_der().to_vec());
    let signature = machine.tokens.sign_authorization(&token.token_id, &signer, &authorization).unwrap();
    PublicKey::from_spki_der(&signer.0).unwrap().verify(&authorization.to_bytes(), &signature).unwrap();
    machine.tokens.logout(&token.token_id).unwrap();
}

#[test]
fn the_initial_pin_is_pointed_out_and_changed_and_the_certificate_goes_on_signing() {
    let (world, token, mut machine) = scene();
    admin::set_trace(world.softkey_dir(), true).unwrap();
    let mut prompter = Typist::usual();
    let after = change(&mut machine, &mut prompter).unwrap();
    let PinEvent::Found { token: found, .. } = &prompter.events[0] else { panic!("{:?}", prompter.events) };
    assert!(found.pin.is_initial && !after.pin.is_initial);
    assert_eq!(after.pin.retry_counter, PinRetryCounter::NotLow);
    assert_eq!(prompter.events[1], PinEvent::Changing { token: token.token_id.clone() });
    assert_eq!(prompter.events[2], PinEvent::Changed { token: token.token_id.clone() });
    assert_eq!((calls(&world, "C_SetPIN"), calls(&world, "C_Login")), (1, 1));
    assert!(!machine.tokens.read(&token.token_id).unwrap().logged_in);
    signs_with(&mut machine, &token, NEW);
    assert_eq!(
        machine.tokens.login(&token.token_id, &Pin::new(PIN)).unwrap_err().code(),
        "token.pin_incorrect"
    );
}

#[test]
fn a_wrong_old_pin_is_asked_for_again_with_the_retry_counter_and_the_new_one_only_once() {
    let (world, token, mut machine) = scene();
    let mut prompter = Typist::of(&[WRONG, PIN], &[(NEW, NEW)]);
    change(&mut machine, &mut prompter).unwrap();
    let asked: Vec<_> = prompter.old_asked.iter().map(|q| (q.again, q.retry_counter)).collect();
    assert_eq!(asked, [(false, PinRetryCounter::NotLow), (true, PinRetryCounter::Low)]);
    assert_eq!(prompter.new_asked.len(), 1);
    let (left, max) = retry_counter(&world);
    assert_eq!(left, max);
    signs_with(&mut machine, &token, NEW);

    // Nobody knows it: the error has the tries, and one is gone.
    let mut prompter = Typist::of(&[WRONG], &[("314159", "314159")]);
    let error = change(&mut machine, &mut prompter).unwrap_err();
    assert_eq!(error.code(), "token.pin_incorrect");
    assert_eq!(retry_counter(&world), (max - 1, max));
    signs_with(&mut machine, &token, NEW);
}

#[test]
fn the_old_pin_as_new_one_is_noticed_also_after_a_wrong_old_one() {
    let (_world, token, mut machine) = scene();
    let mut prompter = Typist::of(&[WRONG, PIN], &[(PIN, PIN), (NEW, NEW)]);
    prompter.accepts_weak = true;
    change(&mut machine, &mut prompter).unwrap();
    assert_eq!(prompter.problems(), ["pin.same_as_old"]);
    signs_with(&mut machine, &token, NEW);
}

#[test]
fn the_last_try_needs_a_yes_and_without_a_change_of_mind_the_token_locks() {
    let (world, _key, mut machine) = scene();
    let (_, max) = retry_counter(&world);
    let wrong = vec![WRONG; usize::try_from(max).unwrap()];
    let mut prompter = Typist::of(&wrong, &[(NEW, NEW)]);
    assert_eq!(change(&mut machine, &mut prompter).unwrap_err().code(), "pin.last_try");
    assert_eq!((prompter.last_retry_counter, retry_counter(&world).0), (1, 1));
    assert!(prompter.old_asked.last().unwrap().retry_counter.is_last());

    let mut prompter = Typist { accepts_last_try: true, ..Typist::of(&[WRONG], &[(NEW, NEW)]) };
    assert_eq!(change(&mut machine, &mut prompter).unwrap_err().code(), "token.pin_locked");
    assert_eq!(retry_counter(&world).0, 0);

    // Nobody is asked for the PIN of a locked token.
    let mut prompter = Typist::usual();
    assert_eq!(change(&mut machine, &mut prompter).unwrap_err().code(), "token.pin_locked");
    assert_eq!(prompter.old_asked, []);
}

#[test]
fn the_right_pin_on_the_last_try_changes_it_and_brings_all_tries_back() {
    let (world, token, mut machine) = scene();
    let (_, max) = retry_counter(&world);
    for _ in 1..max {
        machine.tokens.login(&token.token_id, &Pin::new(WRONG)).unwrap_err();
    }
    let mut prompter = Typist { accepts_last_try: true, ..Typist::usual() };
    change(&mut machine, &mut prompter).unwrap();
    assert_eq!((prompter.last_retry_counter, retry_counter(&world)), (1, (max, max)));
    signs_with(&mut machine, &token, NEW);
}

#[test]
fn a_new_pin_that_does_not_fit_is_refused_with_its_reason_before_anything_is_sent() {
    let (world, token, mut machine) = scene();
    admin::set_trace(world.softkey_dir(), true).unwrap();
    let product = PinPolicy { min_len: 6, max_len: 8, digits_only: true };
    let tried = [("31415", "31415"), ("314159265", "314159265"), ("31415x", "31415x"), ("314159", "314195")];
    let mut prompter = Typist::of(&[PIN], &tried);
    let error = change_with(&mut machine, &mut prompter, Some(product)).unwrap_err();
    assert_eq!(
        prompter.problems(),
        ["pin.too_short", "pin.too_long", "pin.not_digits", "pin.mismatch"],
        "and the last of them is the reason in the end"
    );
    assert_eq!(error.code(), "pin.mismatch");
    assert_eq!((calls(&world, "C_SetPIN"), calls(&world, "C_Login")), (0, 0));
    signs_with(&mut machine, &token, PIN);
}

#[test]
fn rules_that_exclude_each_other_are_told_before_anybody_is_asked() {
    let (_world, token, mut machine) = scene();
    let product = PinPolicy { min_len: 200, max_len: 250, digits_only: true };
    let mut prompter = Typist::usual();
    let error = change_with(&mut machine, &mut prompter, Some(product)).unwrap_err();
    assert_eq!(error.code(), "pin.none_fits");
    assert!(error.explain(Language::Zh).sentence.contains("200"), "{error}");
    assert_eq!((prompter.old_asked.len(), prompter.events.len()), (0, 0));
    signs_with(&mut machine, &token, PIN);
}

#[test]
fn an_easily_guessed_pin_is_taken_only_with_a_yes() {
    let (world, token, mut machine) = scene();
    admin::set_trace(world.softkey_dir(), true).unwrap();
    let mut prompter = Typist::of(&[PIN], &[("345678", "345678")]);
    let error = change(&mut machine, &mut prompter).unwrap_err();
    assert_eq!((error.code(), prompter.weak.as_slice()), ("pin.weak", &[Weakness::Sequence][..]));
    assert_eq!(calls(&world, "C_SetPIN"), 0);
    let mut prompter = Typist { accepts_weak: true, ..Typist::of(&[PIN], &[("345678", "345678")]) };
    change(&mut machine, &mut prompter).unwrap();
    signs_with(&mut machine, &token, "345678");
}

#[test]
fn the_old_pin_is_held_against_no_rule() {
    let (_world, token, mut machine) = scene();
    let mut prompter = Typist { accepts_weak: true, ..Typist::of(&[PIN], &[("777777", "777777")]) };
    change(&mut machine, &mut prompter).unwrap();
    let product = PinPolicy { min_len: 8, max_len: 12, digits_only: false };
    let mut prompter = Typist::of(&["777777"], &[("k7-vb2!p", "k7-vb2!p")]);
    change_with(&mut machine, &mut prompter, Some(product)).unwrap();
    signs_with(&mut machine, &token, "k7-vb2!p");
}

#[test]
fn no_token_several_tokens_and_the_one_that_is_meant() {
    let (world, token, mut machine) = scene();
    world.blank_token("another", None);
    let error = change(&mut machine, &mut Typist::usual()).unwrap_err();
    assert_eq!(error.code(), "flow.several_tokens");
    let mut prompter = Typist::usual();
    let meant = Some(token.token_id.clone());
    PinChange {
        tokens: &mut machine.tokens,
        prompter: &mut prompter,
        locks: &machine.locks,
        token: meant,
        policy: None,
    }
    .run()
    .unwrap();
    signs_with(&mut machine, &token, NEW);
    for pulled in admin::list(world.softkey_dir()).unwrap() {
        world.pull(&pulled.serial_number);
    }
    assert_eq!(change(&mut machine, &mut Typist::usual()).unwrap_err().code(), "flow.no_token");
}

/// What must hold after a change that was disturbed: the PIN that is told to be tried first is the one in force where
/// the token tells, no try is missing, the certificate's key signs. Gives the PIN in force.
fn ended_well(
    world: &World,
    token: &IssuedToken,
    machine: &mut Machine,
    outcome: &Result<TokenInfo, PinChangeError>,
    what: &str,
) -> &'static str {
    admin::clear_fault(world.softkey_dir()).unwrap();
    world.insert(&token.serial_number);
    let (left, max) = retry_counter(world);
    assert_eq!(left, max, "{what}: nothing was typed wrong and a try is missing");
    let in_force = if admin::list(world.softkey_dir()).unwrap()[0].pin_is_initial { PIN } else { NEW };
    match outcome {
        Ok(_) => assert_eq!(in_force, NEW, "{what}"),
        Err(PinChangeError::OutcomeUnknown { try_first, retry_counter, .. }) => {
            // The token came with its initial PIN, so it tells, unless it could not be read.
            if retry_counter.is_some() {
                assert_eq!(*try_first, if in_force == PIN { Which::Old } else { Which::New }, "{what}");
            }
        }
        Err(error) => assert_eq!(in_force, PIN, "{what}: {error}"),
    }
    signs_with(machine, token, in_force);
    in_force
}

#[test]
fn pulled_at_any_token_call_either_pin_is_in_force_and_no_try_is_lost() {
    let (world, token, mut machine) = scene();
    let mut current = (PIN, NEW);
    // As many as a change takes, counted on the first one.
    admin::set_trace(world.softkey_dir(), true).unwrap();
    change(&mut machine, &mut Typist::usual()).unwrap();
    let calls = u64::try_from(admin::trace(world.softkey_dir()).unwrap().len()).unwrap();
    admin::set_trace(world.softkey_dir(), false).unwrap();
    std::mem::swap(&mut current.0, &mut current.1);
    assert!(calls > 8, "{calls}");
    let mut unknown = 0;
    for n in 1..=calls {
        for after in [false, true] {
            let (old, new) = current;
            let fault = Fault::at_call(n, Action::Unplug);
            let fault = if after { fault.after() } else { fault };
            admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
            let mut prompter = Typist { accepts_weak: true, ..Typist::of(&[old], &[(new, new)]) };
            let (folder, serial) = (world.softkey_dir(), token.serial_number.clone());
            prompter.puts_back = Some(Box::new(move || {
                admin::insert(&folder, &serial).unwrap();
                ControlFlow::Continue(())
            }));
            let outcome = change(&mut machine, &mut prompter);
            admin::clear_fault(world.softkey_dir()).unwrap();
            world.insert(&token.serial_number);
            let (left, max) = retry_counter(&world);
            assert_eq!(left, max, "pulled at call {n}, after: {after}");
            machine.tokens.rest();
            let changed = machine.tokens.login(&token.token_id, &Pin::new(new)).is_ok();
            match &outcome {
                Ok(_) => assert!(changed, "pulled at call {n}, after: {after}"),
                Err(PinChangeError::OutcomeUnknown { .. }) => unknown += 1,
                Err(error) => assert!(!changed, "pulled at call {n}, after: {after}: {error}"),
            }
            if changed {
                current = (new, old);
            }
            signs_with(&mut machine, &token, current.0);
        }
    }
    assert!(unknown >= 2, "the pull met the change itself");
}

#[test]
fn where_the_driver_dies_at_the_change_the_person_is_told_which_pin_to_try_first() {
    let crash = Fault::at("C_SetPIN", Action::Crash);
    for (fault, in_force) in [(crash.clone(), PIN), (crash.after(), NEW)] {
        let (world, token, mut machine) = scene();
        admin::set_trace(world.softkey_dir(), true).unwrap();
        admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
        let outcome = change(&mut machine, &mut Typist::usual());
        assert_eq!(outcome.as_ref().unwrap_err().code(), "pin.outcome_unknown");
        assert_eq!(
            (calls(&world, "C_SetPIN"), calls(&world, "C_Login")),
            (1, 0),
            "nothing is tried by itself"
        );
        let message = outcome.as_ref().unwrap_err().explain(Language::Zh);
        let first = if in_force == PIN { "先用旧口令" } else { "先用新口令" };
        assert!(message.remedy.contains(first), "{message:?}");
        let in_fact = ended_well(&world, &token, &mut machine, &outcome, "a crash at C_SetPIN");
        assert_eq!(in_fact, in_force);
    }
}

#[test]
fn a_token_that_stays_out_after_an_unknown_outcome_leaves_the_new_pin_to_be_tried_first() {
    let (world, token, mut machine) = scene();
    let fault = Fault::at("C_SetPIN", Action::Unplug).after();
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
    let outcome = change(&mut machine, &mut Typist::usual());
    let Err(PinChangeError::OutcomeUnknown { try_first: Which::New, retry_counter: None, .. }) = &outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(ended_well(&world, &token, &mut machine, &outcome, "pulled and left out"), NEW);
}

#[test]
fn of_two_assistants_at_once_one_is_told_that_the_token_is_busy() {
    let (world, token, mut machine) = scene();
    let mut other = world.machine("b");
    other.locks = machine.locks.clone();
    let seen = Arc::new(Mutex::new(None));
    let both_there = Arc::new(Barrier::new(2));
    std::thread::scope(|scope| {
        let (into, there) = (Arc::clone(&seen), Arc::clone(&both_there));
        scope.spawn(move || {
            there.wait();
            let outcome = change(&mut other, &mut Typist::of(&[PIN], &[("314159", "314159")]));
            *into.lock().unwrap() = Some(outcome.map(drop).map_err(|error| error.code().to_owned()));
            there.wait();
        });
        let mut prompter = Typist::usual();
        prompter.before = Some(Box::new(move || {
            both_there.wait();
            both_there.wait();
        }));
        change(&mut machine, &mut prompter).unwrap();
    });
    assert_eq!(seen.lock().unwrap().take(), Some(Err("flow.token_busy".to_owned())));
    signs_with(&mut machine, &token, NEW);
}

#[test]
fn no_pin_stands_in_an_error_an_event_or_a_file_of_the_assistant() {
    const OLD_TYPED: &str = "86420975";
    const NEW_TYPED: &str = "97531864";
    let (_world, token, mut machine) = scene();
    let mut prompter = Typist::of(&[OLD_TYPED], &[(NEW_TYPED, NEW_TYPED)]);
    let error = change(&mut machine, &mut prompter).unwrap_err();
    assert!(matches!(error, PinChangeError::Token(TokenError::PinIncorrect { .. })));
    let mut printed = format!("{error} {error:?} {:?} {:?}", error.explain(Language::En), prompter.events);
    printed += &format!("{:?} {:?}", prompter.old_asked, prompter.new_asked);
    printed += &format!("{:?}", Pin::new(NEW_TYPED));
    machine.tokens.rest();
    drop(token);
    let mut folders = vec![machine.data_dir.clone()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                files += 1;
                printed += &String::from_utf8_lossy(&std::fs::read(entry.path()).unwrap());
            }
        }
    }
    assert!(files > 0);
    for pin in [OLD_TYPED, NEW_TYPED] {
        assert!(!printed.contains(pin));
    }
}

#[test]
fn a_token_that_was_out_and_in_again_while_the_pins_were_typed_is_changed() {
    let (world, token, mut machine) = scene();
    machine.tokens.login(&token.token_id, &Pin::new(PIN)).unwrap();
    let (folder, serial) = (world.softkey_dir(), token.serial_number.clone());
    let mut prompter = Typist::usual();
    prompter.before = Some(Box::new(move || {
        admin::remove(&folder, &serial).unwrap();
        admin::insert(&folder, &serial).unwrap();
    }));
    change(&mut machine, &mut prompter).unwrap();
    signs_with(&mut machine, &token, NEW);
}
