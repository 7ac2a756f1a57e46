//! A key with room for one container only.

use ycd_tests::{
    person::Scripted,
    world::{Maker, PIN, World},
};

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
    let mut phone = world.phone(&key.phone);
    world.time_passes(time::Duration::seconds(61));
    let mut person = Scripted::with_pin(PIN);
    person.agrees_to_replace = true;
    person.on_sms = Box::new(move |_| Some(phone.next_code()));
    let renewed = machine.renew(&portal, &mut person, &order).unwrap();
    let contents = machine.contents(&key.key_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates, [renewed.new.clone()]);
    portal_agrees(&world, &key, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
}
