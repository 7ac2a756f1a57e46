//! Orders that are not for this person, not ready, or worked on elsewhere.

use ycd_flows::renewal::Step;
use ycd_portal_api::wire::{
    Bytes,
    attempts::{Confirm, NoncePurpose, SignedAuthorization},
    operator::{CauseEvent, OperatorEvent},
    orders::Reason,
};
use ycd_tests::{
    prompter::Scripted,
    proxy::Fate,
    world::{OTHER_PHONE, PIN, World},
};

use super::{ended_well, old_one_still_serves};

#[test]
fn an_order_of_another_applicant_is_not_found() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let stranger = world.applicant(OTHER_PHONE);
    let error = machine.renew(&stranger, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "order.not_found");
    old_one_still_serves(&world, &mut machine, &token);
}

#[test]
fn an_order_that_waits_for_review_or_was_rejected_is_not_written() {
    let world = World::new();
    let token = world.issued_token(&Default::default());
    world.insert(&token.serial_number);
    let order = world.submitted_order(&token);
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let refused = |machine: &mut ycd_tests::world::Machine| {
        let mut prompter = Scripted::with_pin(PIN);
        let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
        assert_eq!(prompter.heard.lock().unwrap().pins, [], "no PIN is asked for");
        error.code().to_owned()
    };
    assert_eq!(refused(&mut machine), "attempt.order_not_ready");
    world.operator().reject(&order, &Reason { reason: "授权书不清楚".into() }).unwrap();
    assert_eq!(refused(&mut machine), "attempt.order_not_ready");
    old_one_still_serves(&world, &mut machine, &token);
}

#[test]
fn two_assistants_on_one_machine_do_not_work_on_one_token() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut first = world.machine("a");
    let mut second = world.machine("a");
    let portal = world.applicant(&token.phone);
    let (elsewhere, order_no) = (world.applicant(&token.phone), order.clone());
    let mut refused = false;
    let mut prompter = Scripted::with_pin(PIN).at(Step::Generate, move || {
        if !std::mem::replace(&mut refused, true) {
            let error = second.renew(&elsewhere, &mut Scripted::with_pin(PIN), &order_no).unwrap_err();
            assert_eq!(error.code(), "flow.token_busy");
        }
    });
    let renewed = first.renew(&portal, &mut prompter, &order).unwrap();
    ended_well(&world, &mut first, &token, &order, &renewed);
}

#[test]
fn a_nonce_counts_once_and_for_its_purpose() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Confirm), &order).unwrap_err();
    let view = world.attempt(&token.phone, &order);
    let certificate = ycd_pki::Certificate::from_der(&view.certificate.clone().unwrap().0).unwrap();
    let for_renewal = portal.nonce(&order, view.attempt, NoncePurpose::Renew).unwrap();
    let nonce: [u8; 32] = for_renewal.nonce.0.clone().try_into().unwrap();
    let authorization = ycd_pki::authorization::Authorization::Confirm {
        portal: view.portal.clone(),
        order: order.clone(),
        attempt: view.attempt,
        serial: certificate.serial().to_vec(),
        nonce,
    };
    use ycd_token::{Pin, Spki, TokenAccess as _};
    machine.tokens.login(&token.token_id, &Pin::new(PIN)).unwrap();
    let signer = Spki(view.public_key.unwrap().0);
    let signature = machine.tokens.sign_authorization(&token.token_id, &signer, &authorization).unwrap();
    let authorization = SignedAuthorization { nonce: Bytes(nonce.to_vec()), signature: Bytes(signature) };
    let error = portal.confirm(&order, view.attempt, &Confirm { authorization }).unwrap_err();
    assert_eq!(error.code(), "attempt.nonce_invalid");
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_certificate_whose_attempt_was_closed_in_the_meantime_is_not_written() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let (operator, order_no) = (world.operator(), order.clone());
    let mut issued = false;
    world.proxy.set(move |call| {
        if call.method == "GET" && call.path.ends_with("/attempts") && std::mem::take(&mut issued) {
            operator.close_attempt(&order_no, 1, &Reason { reason: "申请人报失".into() }).unwrap();
        }
        issued |= call.path.ends_with("/issue");
        Fate::Pass
    });
    let mut prompter = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.operator_needed");
    assert!(!prompter.heard.lock().unwrap().steps().contains(&Step::Write));
    old_one_still_serves(&world, &mut machine, &token);
}

#[test]
fn the_window_for_writing_closes_after_ninety_days() {
    let world = World::new();
    let maker = ycd_tests::world::Maker { age_days: 200, ..Default::default() };
    let (token, order) = world.token_with_order_of(&maker);
    let mut machine = world.machine("a");
    world.time_passes(time::Duration::days(91));
    let portal = world.applicant(&token.phone);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "attempt.window_closed");
    old_one_still_serves(&world, &mut machine, &token);
}

#[test]
fn an_order_handed_in_before_the_end_may_be_written_after_it() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    world.time_passes(time::Duration::days(40));
    let portal = world.applicant(&token.phone);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn an_order_that_an_operator_has_ended_asks_for_no_pin_and_is_no_unfinished_work_any_more() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Write), &order).unwrap_err();
    assert_eq!(machine.journal.unfinished().unwrap().len(), 1);
    let lost = CauseEvent { event: OperatorEvent::TokenLost, reason: "申请人报失".into() };
    world.operator().cause(&order, &lost).unwrap();
    machine.tokens.rest();
    let mut prompter = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.order_not_ready");
    assert_eq!(prompter.heard.lock().unwrap().pins, []);
    assert_eq!(machine.journal.unfinished().unwrap(), []);
}
