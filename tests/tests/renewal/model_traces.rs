//! The traces that the explicit-state model of the protocol prints when one of its rules is taken away: each leads to
//! harm there, and must end well here. A test is named after its rule.

use std::ops::ControlFlow;
use std::time::Duration;

use ycd_flows::renewal::{Options, Step};
use ycd_portal_api::wire::{
    attempts::{AttemptState, Mode, OpenAttempt},
    orders::PublicStatus,
};
use ycd_softkey::{
    Leaves, admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    prompter::Scripted,
    proxy::Fate,
    world::{IssuedToken, Machine, Maker, PIN, World},
};
use ycd_token::{ContainerHandle, Pin, Spki, TokenAccess as _};

use super::{ended_well, old_one_still_serves, portal_agrees};

/// Gives up the open attempt, with the code that comes to the phone.
fn abandons(world: &World, machine: &mut Machine, token: &IssuedToken, order: &str) {
    let mut prompter = world.prompter_with_phone(token);
    machine.abandon(&world.applicant(&token.phone), &mut prompter, order).unwrap();
}

/// Pulled out of one machine and put into another: whatever had the token open has lost it.
fn moves(world: &World, token: &IssuedToken) {
    world.pull(&token.serial_number);
    world.insert(&token.serial_number);
}

/// Another program destroys what the order made.
fn another_program_destroys(machine: &mut Machine, token: &IssuedToken, spki: &Spki) {
    machine.tokens.login(&token.token_id, &Pin::new(PIN)).unwrap();
    machine.tokens.destroy(&token.token_id, &ContainerHandle::PublicKey(spki.clone())).unwrap();
    machine.tokens.logout(&token.token_id).unwrap();
}

/// The pair on the token that is not the old one.
fn new_pair(machine: &mut Machine, token: &IssuedToken) -> Spki {
    let contents = machine.contents(&token.token_id);
    contents.containers.into_iter().find(|c| c.certificates.is_empty()).unwrap().spki.unwrap()
}

#[test]
fn resume_at_7_a_torn_write_is_mended_before_the_confirmation() {
    for leaves in [Leaves::Nothing, Leaves::PrivateKey] {
        let world = World::new();
        let (token, order) = world.token_with_order();
        let mut machine = world.machine("a");
        let portal = world.applicant(&token.phone);
        let fault = Fault::at("C_CreateObject", Action::Torn(leaves));
        admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
        let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
        assert_eq!(error.step(), Some(Step::Write.into()), "{error}");
        world.insert(&token.serial_number);
        let mut prompter = Scripted::with_pin(PIN);
        let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
        assert!(prompter.heard.lock().unwrap().steps().contains(&Step::Write));
        ended_well(&world, &mut machine, &token, &order, &renewed);
    }
}

#[test]
fn cka_id_beats_inv_a_pair_with_the_orders_cka_id_is_never_inventory() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    // An orphaned pair is left; a second machine, which knows nothing, reports what it sees.
    let fault = Fault::at("C_GenerateKeyPair", Action::Torn(Leaves::PrivateKey));
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
    machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    world.insert(&token.serial_number);
    let mut second = world.machine("b");
    let renewed = second.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut second, &token, &order, &renewed);
}

#[test]
fn portal_inventory_a_second_machine_adopts_the_pair_that_the_first_made_on_a_token_without_cka_ids() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut first = world.machine_without_cka_ids("a");
    let portal = world.applicant(&token.phone);
    first.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Sign), &order).unwrap_err();
    let made = new_pair(&mut first, &token);
    moves(&world, &token);
    let mut second = world.machine_without_cka_ids("b");
    let renewed = second.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    let new = ycd_pki::Certificate::from_der(&renewed.new).unwrap();
    assert_eq!(new.spki_der(), made.0, "adopted, not generated again");
    ended_well(&world, &mut second, &token, &order, &renewed);
}

#[test]
fn sweep_the_pair_of_an_abandoned_attempt_is_cleared_away() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Sign), &order).unwrap_err();
    abandons(&world, &mut machine, &token, &order);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    assert_eq!(world.attempt(&token.phone, &order).attempt, 2);
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn sweep_without_cka_ids_what_an_abandoned_attempt_was_issued_for_is_not_adopted_again() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut first = world.machine_without_cka_ids("a");
    let portal = world.applicant(&token.phone);
    first.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Write), &order).unwrap_err();
    moves(&world, &token);
    let mut second = world.machine_without_cka_ids("b");
    abandons(&world, &mut second, &token, &order);
    second.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    moves(&world, &token);
    // The first machine wakes up with a certificate of attempt 1 in its journal's memory.
    let renewed = first.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut first, &token, &order, &renewed);
}

/// A has signed, the token goes to B without the pair; A's issue arrives while B is about to generate.
fn pair_deleted_and_issued_late(b_goes_on_at: Step) -> (World, IssuedToken, String) {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut first = world.machine("a");
    let portal = world.applicant(&token.phone);
    world.proxy.set(|call| if call.path.ends_with("/issue") { Fate::Hold } else { Fate::Pass });
    first.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert!(world.proxy.held() > 0);
    world.proxy.pass_all();
    let made = new_pair(&mut first, &token);
    another_program_destroys(&mut first, &token, &made);
    moves(&world, &token);
    let mut second = world.machine("b");
    let stopped = second.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(b_goes_on_at), &order);
    assert_eq!(stopped.unwrap_err().code(), "flow.stopped");
    assert_eq!(world.proxy.deliver(0), 200, "the late issue binds the attempt to a pair that is gone");
    (world, token, order)
}

#[test]
fn conflict_to_11_an_attempt_bound_to_a_pair_that_is_gone_is_given_up() {
    for b_goes_on_at in [Step::Generate, Step::Issue] {
        let (world, token, order) = pair_deleted_and_issued_late(b_goes_on_at);
        let mut second = world.machine("b");
        let mut prompter = world.prompter_with_phone(&token);
        let renewed = second.renew(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
        assert_eq!(world.attempt(&token.phone, &order).attempt, 2);
        ended_well(&world, &mut second, &token, &order, &renewed);
    }
}

#[test]
fn one_spki_a_second_key_for_an_attempt_is_refused_with_409() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut first = world.machine("a");
    let portal = world.applicant(&token.phone);
    world.proxy.set(|call| if call.path.ends_with("/issue") { Fate::Hold } else { Fate::Pass });
    first.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    world.proxy.pass_all();
    let made = new_pair(&mut first, &token);
    another_program_destroys(&mut first, &token, &made);
    let mut second = world.machine("b");
    second.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Write), &order).unwrap_err();
    assert_eq!(world.proxy.deliver(0), 409);
    let renewed = second.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut second, &token, &order, &renewed);
}

#[test]
fn no_old_key_to_op_without_the_old_key_and_its_word_an_operator_is_asked_for() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let old = Spki(old_public_key(&mut machine, &token));
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Generate), &order).unwrap_err();
    another_program_destroys(&mut machine, &token, &old);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.operator_needed");
}

#[test]
fn no_old_key_to_op_an_orphan_of_the_old_pair_authorizes_nothing_and_blocks_nothing() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let old = Spki(old_public_key(&mut machine, &token));
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Sign), &order).unwrap_err();
    // Another program destroys the old pair and is cut off: the public key stays.
    let fault = Fault::at_occurrence("C_DestroyObject", 2, Action::Unplug).after();
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
    machine.tokens.login(&token.token_id, &Pin::new(PIN)).unwrap();
    machine.tokens.destroy(&token.token_id, &ContainerHandle::PublicKey(old)).unwrap_err();
    world.insert(&token.serial_number);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.operator_needed");
    abandons(&world, &mut machine, &token, &order);
}

fn old_public_key(machine: &mut Machine, token: &IssuedToken) -> Vec<u8> {
    machine.contents(&token.token_id).containers.remove(0).spki.unwrap().0
}

#[test]
fn replace_authorization_the_old_key_signs_before_it_is_destroyed_and_the_work_goes_on_from_any_cut() {
    for stop in [Step::Generate, Step::Sign, Step::Write] {
        let world = World::new();
        let maker = Maker { containers: Some(1), ..Maker::default() };
        let (token, order) = world.token_with_order_of(&maker);
        let mut machine = world.machine("a");
        let portal = world.applicant(&token.phone);
        let mut prompter = world.prompter_with_phone(&token).stops_at(stop);
        prompter.agrees_to_replace = true;
        machine.renew(&portal, &mut prompter, &order).unwrap_err();
        moves(&world, &token);
        let mut second = world.machine("b");
        let renewed = second.renew(&portal, &mut world.prompter_with_phone(&token), &order).unwrap();
        let contents = second.contents(&token.token_id);
        assert_eq!(contents.containers.len(), 1);
        assert_eq!(contents.containers[0].certificates.as_slice(), std::slice::from_ref(&renewed.new));
        portal_agrees(&world, &token, &order, &ycd_pki::Certificate::from_der(&renewed.new).unwrap());
    }
}

#[test]
fn same_no_11_an_attempt_on_the_same_pair_cannot_be_given_up() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let same = Options { same_key_pair: true, ..Options::default() };
    machine
        .renew_with(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Write), &order, same)
        .unwrap_err();
    let mut prompter = world.prompter_with_phone(&token);
    let error = machine.abandon(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "attempt.same_key_pair");
    old_one_still_serves(&world, &mut machine, &token);
    machine.renew_with(&portal, &mut Scripted::with_pin(PIN), &order, same).unwrap();
}

#[test]
fn cert_beside_on_the_same_pair_the_old_certificate_stays_until_the_new_one_is_confirmed() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let same = Options { same_key_pair: true, ..Options::default() };
    let fault = Fault::at("C_CreateObject", Action::Torn(Leaves::Nothing));
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
    machine.renew_with(&portal, &mut Scripted::with_pin(PIN), &order, same).unwrap_err();
    old_one_still_serves(&world, &mut machine, &token);
    let renewed = machine.renew_with(&portal, &mut Scripted::with_pin(PIN), &order, same).unwrap();
    let contents = machine.contents(&token.token_id);
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.containers[0].certificates, [renewed.new]);
}

#[test]
fn adopt_a_pair_whose_generation_was_cut_off_is_taken_up_not_made_again() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    // The module dies after the pair was made; the answer is unknown.
    let fault = Fault::at("C_GenerateKeyPair", Action::Crash).after();
    admin::set_fault(world.softkey_dir(), Some(&token.serial_number), &fault).unwrap();
    let mut prompter = Scripted::with_pin(PIN);
    prompter.on_pin = Box::new(|_| Some(PIN.to_owned()));
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    let heard = prompter.heard.lock().unwrap().clone();
    assert_eq!(heard.steps().iter().filter(|step| **step == Step::Generate).count(), 1);
    assert_eq!(heard.pins.len(), 2, "the person typed the PIN again; nothing sent it twice");
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn write_before_conf_the_new_key_confirms_only_what_is_on_the_token() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Confirm), &order).unwrap_err();
    // Between the writing and the confirmation the certificate vanishes from the token.
    let view = world.attempt(&token.phone, &order);
    let certificate = view.certificate.unwrap().0;
    machine.tokens.login(&token.token_id, &Pin::new(PIN)).unwrap();
    machine.tokens.remove_certificate(&token.token_id, &certificate).unwrap();
    let mut prompter = Scripted::with_pin(PIN);
    let renewed = machine.renew(&portal, &mut prompter, &order).unwrap();
    assert!(prompter.heard.lock().unwrap().steps().contains(&Step::Write));
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn supersede_at_conf_until_the_confirmation_the_old_certificate_is_in_force() {
    for stop in [Step::Issue, Step::Write, Step::Confirm] {
        let world = World::new();
        let (token, order) = world.token_with_order();
        let mut machine = world.machine("a");
        let portal = world.applicant(&token.phone);
        machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(stop), &order).unwrap_err();
        old_one_still_serves(&world, &mut machine, &token);
        let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
        ended_well(&world, &mut machine, &token, &order, &renewed);
    }
}

#[test]
fn attempts_if_await_a_late_opening_opens_nothing_once_completed() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let mut first = true;
    world.proxy.set(move |call| {
        if call.path.ends_with("/attempts") && call.method == "POST" && std::mem::take(&mut first) {
            Fate::Hold
        } else {
            Fate::Pass
        }
    });
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    world.proxy.deliver(0);
    let view = world.attempt(&token.phone, &order);
    assert_eq!((view.attempt, view.state), (1, AttemptState::Confirmed));
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn confirm_if_open_a_late_confirmation_of_an_abandoned_attempt_is_refused() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    world.proxy.set(|call| if call.path.ends_with("/confirm") { Fate::Hold } else { Fate::Pass });
    machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    world.proxy.pass_all();
    abandons(&world, &mut machine, &token, &order);
    assert_eq!(world.proxy.deliver(0), 409);
    old_one_still_serves(&world, &mut machine, &token);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn issue_if_open_a_late_issue_of_an_abandoned_attempt_gives_no_second_certificate() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    world.proxy.set(|call| if call.path.ends_with("/issue") { Fate::Hold } else { Fate::Pass });
    machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    world.proxy.pass_all();
    abandons(&world, &mut machine, &token, &order);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    assert_eq!(world.proxy.deliver(0), 409);
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn abandon_if_open_a_doubled_abandonment_opens_one_attempt() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Generate), &order).unwrap_err();
    world.proxy.set(|call| if call.path.ends_with("/abandon") { Fate::Twice } else { Fate::Pass });
    let mut prompter = world.prompter_with_phone(&token);
    let view = machine.abandon(&world.applicant(&token.phone), &mut prompter, &order).unwrap();
    assert_eq!(view.attempt, 2);
    assert_eq!(world.attempt(&token.phone, &order).attempt, 2);
    world.proxy.pass_all();
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn restart_on_insert_a_machine_whose_token_was_elsewhere_generates_nothing_on_what_it_remembers() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut first = world.machine_without_cka_ids("a");
    let portal = world.applicant(&token.phone);
    // While the first machine is about to generate, the token goes to the second, is renewed there, and comes back.
    let mut second = world.machine_without_cka_ids("b");
    let elsewhere = world.applicant(&token.phone);
    let (folder, serial, order_no) = (world.softkey_dir(), token.serial_number.clone(), order.clone());
    let mut away = false;
    let mut prompter = Scripted::with_pin(PIN).at(Step::Generate, move || {
        if !std::mem::replace(&mut away, true) {
            let pull_and_insert = || {
                admin::remove(&folder, &serial).unwrap();
                admin::insert(&folder, &serial).unwrap();
            };
            pull_and_insert();
            second.renew(&elsewhere, &mut Scripted::with_pin(PIN), &order_no).unwrap();
            second.tokens.rest();
            pull_and_insert();
        }
    });
    prompter.on_token = Box::new(|_| ControlFlow::Continue(()));
    let renewed = first.renew(&portal, &mut prompter, &order).unwrap();
    ended_well(&world, &mut first, &token, &order, &renewed);
}

#[test]
fn journal_its_loss_loses_nothing() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let portal = world.applicant(&token.phone);
    let mut machine = world.machine("a");
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Write), &order).unwrap_err();
    let data_dir = machine.data_dir.clone();
    drop(machine);
    std::fs::remove_dir_all(data_dir).unwrap();
    let mut machine = world.machine("a");
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn revoke_serial_what_is_signed_after_an_abandonment_is_born_revoked() {
    let mut world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Write), &order).unwrap_err();
    let given_up = world.attempt(&token.phone, &order).certificate.unwrap().0;
    abandons(&world, &mut machine, &token, &order);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
    // The revocation list says so, after a restart too.
    world.stop_portal();
    world.start_portal();
    let crl = ycd_pki::crl::Crl::from_der(&world.direct().crl().unwrap()).unwrap();
    let given_up = ycd_pki::Certificate::from_der(&given_up).unwrap();
    assert!(crl.revokes(&given_up).is_some());
    let new = ycd_pki::Certificate::from_der(&renewed.new).unwrap();
    assert!(crl.revokes(&new).is_none());
}

#[test]
fn an_operator_takes_over_after_three_attempts() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    for attempt in 1..=3 {
        let stopped = machine
            .renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Generate), &order)
            .unwrap_err();
        assert_eq!(stopped.code(), "flow.stopped", "attempt {attempt}");
        let mut prompter = world.prompter_with_phone(&token);
        let outcome = machine.abandon(&portal, &mut prompter, &order);
        assert_eq!(outcome.is_err(), attempt == 3, "attempt {attempt}");
    }
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.operator_needed");
    old_one_still_serves(&world, &mut machine, &token);
    assert_eq!(portal.order(&order).unwrap().summary.state, PublicStatus::AwaitingRenewal);
}

#[test]
fn an_attempt_on_another_machine_is_taken_over_and_a_slow_answer_changes_nothing() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let portal = world.applicant(&token.phone);
    let mut first = world.machine("a");
    first.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Issue), &order).unwrap_err();
    moves(&world, &token);
    world.proxy.set(|_| Fate::Slow(Duration::from_millis(50)));
    let mut second = world.machine("b");
    let renewed = second.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut second, &token, &order, &renewed);
}

#[test]
fn an_order_does_not_open_on_the_token_that_another_order_is_working_on() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let portal = world.applicant(&token.phone);
    let mut machine = world.machine("a");
    machine.renew(&portal, &mut Scripted::with_pin(PIN).stops_at(Step::Generate), &order).unwrap_err();
    let other_token = world.issued_token(&Maker { company: "丙公司", ..Maker::default() });
    let other = world.approved_order(&other_token);
    let request =
        OpenAttempt { token_id: token.token_id.to_string(), public_keys: vec![], mode: Mode::SideBySide };
    let error = portal.open_attempt(&other, &request).unwrap_err();
    assert_eq!(error.code(), "order.wrong_token");
}
