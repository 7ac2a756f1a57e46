//! Exactly one token: none, two, and the wrong one.

use std::ops::ControlFlow;
use ycd_flows::prompts::TokenProblem;
use ycd_tests::{
    prompter::Scripted,
    world::{Maker, OTHER_PHONE, PIN, World},
};

use super::{ended_well, old_one_still_serves};

#[test]
fn without_a_token_nothing_happens_until_it_is_inserted() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    world.pull(&token.serial_number);
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let mut prompter = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.no_token");
    assert!(matches!(&prompter.heard.lock().unwrap().token_problems[..], [TokenProblem::Absent { .. }]));

    // Asked, the person inserts it, and the work goes on by itself.
    let (folder, serial) = (world.softkey_dir(), token.serial_number.clone());
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_token = Box::new(move |_| {
        ycd_softkey::admin::insert(&folder, &serial).unwrap();
        ControlFlow::Continue(())
    });
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn with_two_tokens_it_asks_to_leave_one() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let other = world.issued_token(&Maker { company: "乙公司", phone: OTHER_PHONE, ..Maker::default() });
    world.insert(&other.serial_number);
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let mut prompter = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.several_tokens");
    assert_eq!(prompter.heard.lock().unwrap().pins, [], "no PIN is asked for");

    let (folder, serial) = (world.softkey_dir(), other.serial_number);
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_token = Box::new(move |_| {
        ycd_softkey::admin::remove(&folder, &serial).unwrap();
        ControlFlow::Continue(())
    });
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn the_wrong_token_is_named_and_left_untouched() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let other = world.issued_token(&Maker { company: "乙公司", phone: OTHER_PHONE, ..Maker::default() });
    world.pull(&token.serial_number);
    world.insert(&other.serial_number);
    let mut machine = world.machine("a");
    let before = machine.contents(&other.token_id);
    let portal = world.applicant(&token.phone);
    let mut prompter = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.wrong_token");
    {
        let heard = prompter.heard.lock().unwrap();
        let [TokenProblem::Wrong { inserted, wanted }] = &heard.token_problems[..] else {
            panic!("{heard:?}")
        };
        assert_eq!((&inserted.token_id, wanted), (&other.token_id, &token.token_id));
        assert_eq!(heard.pins, []);
    }
    assert_eq!(machine.contents(&other.token_id), before);
    world.pull(&other.serial_number);
    old_one_still_serves(&world, &mut machine, &token);
}
