use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use ycd_tests::{
    person::Scripted,
    world::{PIN, World},
};
use ycd_token::TriesLeft;

use super::{ended_well, old_one_still_serves};

#[test]
fn a_wrong_pin_is_asked_for_again_and_told_with_the_tries_left() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    let mut machine = world.machine("a");
    let mut person = Scripted::with_pin(PIN);
    person.on_pin = Box::new(|question| Some(if question.again { PIN } else { "87654321" }.to_owned()));
    let renewed = machine.renew(&world.applicant(&key.phone), &mut person, &order).unwrap();
    let heard = person.heard.lock().unwrap().clone();
    let tries: Vec<_> = heard.pins.iter().map(|q| (q.again, q.tries, q.last_try)).collect();
    assert_eq!(tries, [(false, TriesLeft::NotLow, false), (true, TriesLeft::Low, false)]);
    ended_well(&world, &mut machine, &key, &order, &renewed);
}

#[test]
fn no_pin_is_sent_that_the_person_did_not_type_and_the_last_try_is_marked() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    let mut machine = world.machine("a");
    let typed = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&typed);
    let mut person = Scripted::with_pin(PIN);
    // Wrong until one try is left, then careful.
    person.on_pin = Box::new(move |question| {
        (!question.last_try).then(|| {
            count.fetch_add(1, Ordering::SeqCst);
            "00000000".to_owned()
        })
    });
    let portal = world.applicant(&key.phone);
    let error = machine.renew(&portal, &mut person, &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    let state = ycd_softkey::admin::list(world.keys_folder()).unwrap().remove(0);
    assert_eq!(state.pin_tries_left, 1);
    assert_eq!(typed.load(Ordering::SeqCst), state.pin_tries_max - 1);

    // The right one on the last try, and all is well.
    let mut person = Scripted::with_pin(PIN);
    let renewed = machine.renew(&portal, &mut person, &order).unwrap();
    assert!(person.heard.lock().unwrap().pins[0].last_try);
    ended_well(&world, &mut machine, &key, &order, &renewed);
}

#[test]
fn a_locked_key_is_said_to_be_locked_and_keeps_its_certificate() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&key.phone);
    let mut person = Scripted::with_pin(PIN);
    person.on_pin = Box::new(|_| Some("00000000".to_owned()));
    assert_eq!(machine.renew(&portal, &mut person, &order).unwrap_err().code(), "token.pin_locked");
    let asked = person.heard.lock().unwrap().pins.len();
    assert_eq!(asked, 10);
    // Nobody is asked for the PIN of a locked key.
    let mut person = Scripted::with_pin(PIN);
    assert_eq!(machine.renew(&portal, &mut person, &order).unwrap_err().code(), "token.pin_locked");
    assert_eq!(person.heard.lock().unwrap().pins, []);
    let order_state = portal.order(&order).unwrap().summary.state;
    assert_eq!(order_state, ycd_portal_api::wire::orders::OrderState::AwaitingRenewal);
}

#[test]
fn a_person_who_gives_no_pin_leaves_everything_as_it_was() {
    let world = World::new();
    let (key, order) = world.key_with_order();
    let mut machine = world.machine("a");
    let mut person = Scripted::with_pin(PIN);
    person.on_pin = Box::new(|_| None);
    let error = machine.renew(&world.applicant(&key.phone), &mut person, &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    assert_eq!(machine.journal.unfinished().unwrap().len(), 1);
    old_one_still_serves(&world, &mut machine, &key);
}
