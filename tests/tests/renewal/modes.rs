//! A token with room for one container only.

use std::ops::ControlFlow;
use ycd_portal_api::wire::attempts::Mode;
use ycd_softkey::{
    Leaves, admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    prompter::Scripted,
    world::{Maker, PIN, World, program},
};
use ycd_token::{CkaId, Drivers, Pin, TokenAccess as _, TokenSet};

use super::{old_one_still_serves, portal_agrees};

#[test]
fn without_a_yes_the_only_pair_is_not_destroyed() {
    let world = World::new();
    let (token, order) = world.token_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    old_one_still_serves(&world, &mut machine, &token);
}

#[test]
fn with_a_yes_and_a_code_the_pair_makes_room() {
    let world = World::new();
    let (token, order) = world.token_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let mut prompter = world.prompter_with_phone(&token);
    prompter.agrees_to_replace = true;
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    let contents = machine.contents(&token.token_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates.as_slice(), std::slice::from_ref(&renewed.new));
    portal_agrees(&world, &token, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
}

/// Certificate, private key, public key: pulled before or after each of them goes.
#[test]
fn a_token_pulled_while_its_old_pair_makes_room_is_renewed_all_the_same() {
    for (object, after) in [(1, true), (2, false), (2, true), (3, false)] {
        let world = World::new();
        let (token, order) = world.token_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
        let mut machine = world.machine("a");
        let portal = world.applicant(&token.phone);
        let fault = Fault::at_occurrence("C_DestroyObject", object, Action::Unplug);
        let fault = if after { fault.after() } else { fault };
        admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
        let (folder, serial) = (world.softkey_dir(), token.serial_number.clone());
        let mut prompter = world.prompter_with_phone(&token);
        prompter.agrees_to_replace = true;
        prompter.on_token = Box::new(move |_| {
            admin::insert(&folder, &serial).unwrap();
            ControlFlow::Continue(())
        });
        let renewed = machine
            .renew(&portal, &mut prompter, &order)
            .unwrap_or_else(|error| panic!("pulled at object {object} (after: {after}): {error}"));
        let contents = machine.contents(&token.token_id);
        assert_eq!(contents.containers.len(), 1);
        assert_eq!(contents.containers[0].certificates.as_slice(), std::slice::from_ref(&renewed.new));
        portal_agrees(&world, &token, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
    }
}

/// A private key without certificate and public key: hidden until somebody logs in.
#[test]
fn on_a_token_without_cka_ids_what_only_a_login_shows_was_there_before_and_stays() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine_without_cka_ids("a");
    machine.tokens.login(&token.token_id, &Pin::new(PIN)).unwrap();
    let fault = Fault::at("C_GenerateKeyPair", Action::Torn(Leaves::PrivateKey));
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
    machine.tokens.generate(&token.token_id, &CkaId([9; 16])).unwrap_err();
    world.insert(&token.serial_number);
    let before = machine.contents(&token.token_id).containers;
    assert_eq!(before.len(), 2);

    let portal = world.applicant(&token.phone);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    let after = machine.contents(&token.token_id).containers;
    assert!(before.iter().all(|container| after.contains(container)), "{after:#?}");
    assert_eq!(after.len(), 3);
    portal_agrees(&world, &token, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
}

/// What a profile that does not know it makes of the same token.
#[test]
fn where_nobody_tells_the_free_capacity_the_old_pair_goes_once_the_token_says_that_it_is_full() {
    let world = World::new();
    let (token, order) = world.token_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let mut profile = Drivers::load(None).unwrap().profile("softkey").unwrap().clone();
    profile.limits.containers = None;
    profile.limits.container_bytes = None;
    let drivers = Drivers::of(vec![profile]).with_env("YCD_SOFTKEY_DIR", world.softkey_dir());
    machine.tokens = TokenSet::open(&drivers, Some(&program("ycd-host")));
    assert_eq!(machine.contents(&token.token_id).free_containers, None);

    // Without a yes the old pair stays, and the order side by side.
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    assert_eq!(world.attempt(&token.phone, &order).mode, Mode::SideBySide);
    old_one_still_serves(&world, &mut machine, &token);

    let mut prompter = world.prompter_with_phone(&token);
    prompter.agrees_to_replace = true;
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    let contents = machine.contents(&token.token_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates, [renewed.new]);
}
