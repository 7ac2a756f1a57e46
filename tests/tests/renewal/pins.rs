use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use ycd_tests::{
    prompter::Scripted,
    world::{PIN, World},
};
use ycd_token::PinRetryCounter;

use super::{ended_well, old_one_still_serves};

#[test]
fn a_wrong_pin_is_asked_for_again_and_told_with_the_retry_counter() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_pin = Box::new(|question| Some(if question.again { PIN } else { "87654321" }.to_owned()));
    let renewed = machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    let heard = prompter.heard.lock().unwrap().clone();
    let retry_counter: Vec<_> = heard.pins.iter().map(|q| (q.again, q.retry_counter, q.last_try)).collect();
    assert_eq!(retry_counter, [(false, PinRetryCounter::NotLow, false), (true, PinRetryCounter::Low, false)]);
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn no_pin_is_sent_that_the_person_did_not_type_and_the_last_try_is_marked() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let typed = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&typed);
    let mut prompter = Scripted::with_pin(PIN);
    // Wrong until one try is left, then careful.
    prompter.on_pin = Box::new(move |question| {
        (!question.last_try).then(|| {
            count.fetch_add(1, Ordering::SeqCst);
            "00000000".to_owned()
        })
    });
    let portal = world.applicant(&token.phone);
    let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    let state = ycd_softkey::admin::list(world.softkey_dir()).unwrap().remove(0);
    assert_eq!(state.pin_retry_counter, 1);
    assert_eq!(typed.load(Ordering::SeqCst), state.pin_retry_limit - 1);

    // The right one on the last try, and all is well.
    let mut prompter = Scripted::with_pin(PIN);
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    assert!(prompter.heard.lock().unwrap().pins[0].last_try);
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_locked_token_is_said_to_be_locked_and_keeps_its_certificate() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_pin = Box::new(|_| Some("00000000".to_owned()));
    assert_eq!(machine.renew(&portal, &mut prompter, &order).unwrap_err().code(), "token.pin_locked");
    let asked = prompter.heard.lock().unwrap().pins.len();
    assert_eq!(asked, 10);
    // Nobody is asked for the PIN of a locked token.
    let mut prompter = Scripted::with_pin(PIN);
    assert_eq!(machine.renew(&portal, &mut prompter, &order).unwrap_err().code(), "token.pin_locked");
    assert_eq!(prompter.heard.lock().unwrap().pins, []);
    let public_status = portal.order(&order).unwrap().summary.state;
    assert_eq!(public_status, ycd_portal_api::wire::orders::PublicStatus::AwaitingRenewal);
}

#[test]
fn a_person_who_gives_no_pin_leaves_everything_as_it_was() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_pin = Box::new(|_| None);
    let error = machine.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.stopped");
    assert_eq!(machine.journal.unfinished().unwrap().len(), 1);
    old_one_still_serves(&world, &mut machine, &token);
}
