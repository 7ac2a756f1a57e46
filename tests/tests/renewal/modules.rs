//! Driver modules that hang, crash, are missing, or are none.

use ycd_flows::renewal::Step;
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    prompter::Scripted,
    world::{PIN, World, program},
};
use ycd_token::{CkaId, Drivers, TokenAccess as _, TokenError, TokenSet};

use super::ended_well;

/// The functions in which a renewal changes the token or uses its private keys.
const FUNCTIONS: [&str; 6] =
    ["C_Login", "C_GenerateKeyPair", "C_SignInit", "C_Sign", "C_CreateObject", "C_GetAttributeValue"];

#[test]
fn a_module_that_crashes_anywhere_is_started_again_and_the_renewal_ends_well() {
    for function in FUNCTIONS {
        let world = World::new();
        let (token, order) = world.token_with_order();
        let mut machine = world.machine("a");
        let portal = world.applicant(&token.phone);
        let fault = Fault::at(function, Action::Crash);
        admin::set_fault(world.softkey_dir(), None, &fault).unwrap();
        let mut prompter = Scripted::with_pin(PIN);
        prompter.on_pin = Box::new(|_| Some(PIN.to_owned()));
        let renewed = machine
            .renew(&portal, &mut prompter, &order)
            .unwrap_or_else(|error| panic!("crash at {function}: {error}"));
        ended_well(&world, &mut machine, &token, &order, &renewed);
    }
}

#[test]
fn a_module_that_hangs_is_ended_at_its_deadline_and_the_work_is_taken_up() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let mut profile = Drivers::load(None).unwrap().profile("softkey").unwrap().clone();
    profile.deadlines.generate_ms = 700;
    profile.deadlines.write_ms = 700;
    profile.deadlines.other_ms = 700;
    let drivers = Drivers::of(vec![profile]).with_env("YCD_SOFTKEY_DIR", world.softkey_dir());
    machine.tokens = TokenSet::open(&drivers, Some(&program("ycd-host")));
    let portal = world.applicant(&token.phone);
    for function in ["C_GenerateKeyPair", "C_CreateObject"] {
        let fault = Fault::at(function, Action::Hang);
        admin::set_fault(world.softkey_dir(), None, &fault).unwrap();
    }
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_pin = Box::new(|_| Some(PIN.to_owned()));
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_module_that_answers_an_error_is_named_with_the_function_and_the_number() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let fault = Fault::at("C_GenerateKeyPair", Action::Code(0x8000_0042));
    admin::set_fault(world.softkey_dir(), None, &fault).unwrap();
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "token.module_error");
    assert!(error.to_string().contains("C_GenerateKeyPair"), "{error}");
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn without_any_module_it_says_so_and_the_lookup_says_why() {
    let mut profile = Drivers::load(None).unwrap().profile("softkey").unwrap().clone();
    for locations in &mut profile.modules {
        locations.files = vec!["no_such_module.so".to_owned()];
    }
    let drivers = Drivers::of(vec![profile]);
    let lookups = drivers.lookups();
    assert!(matches!(&lookups[0].outcome, Err(TokenError::ModuleMissing { .. })));
    let mut tokens = TokenSet::open(&drivers, Some(&program("ycd-host")));
    assert_eq!(tokens.list().unwrap_err().code(), "token.module_missing");
}

/// A killed assistant holds no lock any more, and its driver finishes the call it is in.
#[test]
fn a_pair_that_the_driver_of_a_killed_assistant_finishes_late_is_cleared_away() {
    for stop in [Step::Issue, Step::Write] {
        let world = World::new();
        let (token, order) = world.token_with_order();
        let portal = world.applicant(&token.phone);
        let mut first = world.machine("a");
        first.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Generate), &order).unwrap_err();
        let cka_id: [u8; 16] = world.attempt(&token.phone, &order).cka_id.0.try_into().unwrap();
        let fault = Fault::at("C_GenerateKeyPair", Action::DelayMs(2500));
        admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
        admin::set_trace(world.softkey_dir(), true).unwrap();
        let token_id = token.token_id.clone();
        let late = std::thread::spawn(move || first.tokens.generate(&token_id, &CkaId(cka_id)));
        let is_generating = || {
            let calls = admin::trace(world.softkey_dir()).unwrap();
            calls.iter().any(|(function, _)| function == "C_GenerateKeyPair")
        };
        while !is_generating() {
            assert!(!late.is_finished());
            std::thread::yield_now();
        }
        let mut second = world.machine("b");
        second.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(stop), &order).unwrap_err();
        late.join().unwrap().unwrap();
        assert_eq!(second.contents(&token.token_id).containers.len(), 3);
        let renewed = second.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
        ended_well(&world, &mut second, &token, &order, &renewed);
    }
}
