//! Exactly one key: none, two, and the wrong one.

use ycd_flows::conversation::{Go, KeyProblem};
use ycd_tests::{
    person::Scripted,
    world::{Maker, OTHER_PHONE, PIN, World},
};

use super::{ended_well, old_one_still_serves};

#[test]
fn without_a_key_nothing_happens_until_it_is_inserted() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    world.pull(&key.serial_number);
    let mut machine = world.machine("a");
    let portal = world.applicant(&key.phone);
    let mut person = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut person, &order).unwrap_err();
    assert_eq!(error.code(), "flow.no_key");
    assert!(matches!(&person.heard.lock().unwrap().key_problems[..], [KeyProblem::Absent { .. }]));

    // Asked, the person inserts it, and the work goes on by itself.
    let (folder, serial) = (world.keys_folder(), key.serial_number.clone());
    let mut person = Scripted::with_pin(PIN);
    person.on_key = Box::new(move |_| {
        ycd_softkey::admin::insert(&folder, &serial).unwrap();
        Go::On
    });
    let renewed = machine.renew(&portal, &mut person, &order).unwrap();
    ended_well(&world, &mut machine, &key, &order, &renewed);
}

#[test]
fn with_two_keys_it_asks_to_leave_one() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    let other = world.issued_key(&Maker { company: "乙公司", phone: OTHER_PHONE, ..Maker::default() });
    world.insert(&other.serial_number);
    let mut machine = world.machine("a");
    let portal = world.applicant(&key.phone);
    let mut person = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut person, &order).unwrap_err();
    assert_eq!(error.code(), "flow.several_keys");
    assert_eq!(person.heard.lock().unwrap().pins, [], "no PIN is asked for");

    let (folder, serial) = (world.keys_folder(), other.serial_number);
    let mut person = Scripted::with_pin(PIN);
    person.on_key = Box::new(move |_| {
        ycd_softkey::admin::remove(&folder, &serial).unwrap();
        Go::On
    });
    let renewed = machine.renew(&portal, &mut person, &order).unwrap();
    ended_well(&world, &mut machine, &key, &order, &renewed);
}

#[test]
fn the_wrong_key_is_named_and_left_untouched() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    let other = world.issued_key(&Maker { company: "乙公司", phone: OTHER_PHONE, ..Maker::default() });
    world.pull(&key.serial_number);
    world.insert(&other.serial_number);
    let mut machine = world.machine("a");
    let before = machine.contents(&other.key_id);
    let portal = world.applicant(&key.phone);
    let mut person = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut person, &order).unwrap_err();
    assert_eq!(error.code(), "flow.wrong_key");
    {
        let heard = person.heard.lock().unwrap();
        let [KeyProblem::Wrong { inserted, wanted }] = &heard.key_problems[..] else { panic!("{heard:?}") };
        assert_eq!((&inserted.key_id, wanted), (&other.key_id, &key.key_id));
        assert_eq!(heard.pins, []);
    }
    assert_eq!(machine.contents(&other.key_id), before);
    world.pull(&other.serial_number);
    old_one_still_serves(&world, &mut machine, &key);
}
