//! A key with room for one container only.

use ycd_flows::conversation::Go;
use ycd_portal_api::wire::attempts::Mode;
use ycd_softkey::{
    Leaves, admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    person::Scripted,
    world::{Maker, PIN, World, program},
};
use ycd_token::{Drivers, Keys, Pin, Tag, Token as _};

use super::{old_one_still_serves, portal_agrees};

#[test]
fn without_a_yes_the_only_pair_is_not_destroyed() {
    let world = World::new();
    let (key, order) = world.key_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    let mut machine = world.machine("a");
    let portal = world.applicant(&key.phone);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    old_one_still_serves(&world, &mut machine, &key);
}

#[test]
fn with_a_yes_and_a_code_the_pair_makes_room() {
    let world = World::new();
    let (key, order) = world.key_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    let mut machine = world.machine("a");
    let portal = world.applicant(&key.phone);
    let mut person = world.person_with_phone(&key);
    person.agrees_to_replace = true;
    let renewed = machine.renew(&portal, &mut person, &order).unwrap();
    let contents = machine.contents(&key.key_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates.as_slice(), std::slice::from_ref(&renewed.new));
    portal_agrees(&world, &key, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
}

/// Certificate, private key, public key: pulled before or after each of them goes.
#[test]
fn a_key_pulled_while_its_old_pair_makes_room_is_renewed_all_the_same() {
    for (object, after) in [(1, true), (2, false), (2, true), (3, false)] {
        let world = World::new();
        let (key, order) = world.key_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
        let mut machine = world.machine("a");
        let portal = world.applicant(&key.phone);
        let fault = Fault::at_occurrence("C_DestroyObject", object, Action::Unplug);
        let fault = if after { fault.after() } else { fault };
        admin::set_fault(world.keys_folder(), Some(&key.serial_number), &fault).unwrap();
        let (folder, serial) = (world.keys_folder(), key.serial_number.clone());
        let mut person = world.person_with_phone(&key);
        person.agrees_to_replace = true;
        person.on_key = Box::new(move |_| {
            admin::insert(&folder, &serial).unwrap();
            Go::On
        });
        let renewed = machine
            .renew(&portal, &mut person, &order)
            .unwrap_or_else(|error| panic!("pulled at object {object} (after: {after}): {error}"));
        let contents = machine.contents(&key.key_id);
        assert_eq!(contents.containers.len(), 1);
        assert_eq!(contents.containers[0].certificates.as_slice(), std::slice::from_ref(&renewed.new));
        portal_agrees(&world, &key, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
    }
}

/// A private key without certificate and public key: hidden until somebody logs in.
#[test]
fn on_a_key_without_tags_what_only_a_login_shows_was_there_before_and_stays() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    let mut machine = world.machine_without_tags("a");
    machine.keys.login(&key.key_id, &Pin::new(PIN)).unwrap();
    let fault = Fault::at("C_GenerateKeyPair", Action::Torn(Leaves::PrivateKey));
    admin::set_fault(world.keys_folder(), Some(&key.serial_number), &fault).unwrap();
    machine.keys.generate(&key.key_id, &Tag([9; 16])).unwrap_err();
    world.insert(&key.serial_number);
    let before = machine.contents(&key.key_id).containers;
    assert_eq!(before.len(), 2);

    let portal = world.applicant(&key.phone);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    let after = machine.contents(&key.key_id).containers;
    assert!(before.iter().all(|container| after.contains(container)), "{after:#?}");
    assert_eq!(after.len(), 3);
    portal_agrees(&world, &key, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
}

/// What a profile that does not know it makes of the same key.
#[test]
fn where_nobody_tells_the_room_the_old_pair_goes_once_the_key_says_that_it_is_full() {
    let world = World::new();
    let (key, order) = world.key_with_order_of(&Maker { containers: Some(1), ..Maker::default() });
    let mut machine = world.machine("a");
    let portal = world.applicant(&key.phone);
    let mut profile = Drivers::load(None).unwrap().profile("softkey").unwrap().clone();
    profile.limits.containers = None;
    profile.limits.container_bytes = None;
    let drivers = Drivers::of(vec![profile]).with_env("YCD_SOFTKEY_DIR", world.keys_folder());
    machine.keys = Keys::open(&drivers, Some(&program("ycd-host")));
    assert_eq!(machine.contents(&key.key_id).free_containers, None);

    // Without a yes the old pair stays, and the order side by side.
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    assert_eq!(world.attempt(&key.phone, &order).mode, Mode::SideBySide);
    old_one_still_serves(&world, &mut machine, &key);

    let mut person = world.person_with_phone(&key);
    person.agrees_to_replace = true;
    let renewed = machine.renew(&portal, &mut person, &order).unwrap();
    let contents = machine.contents(&key.key_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates, [renewed.new]);
}
