//! As it usually goes.

use ycd_flows::unlock::{Options, Outcome, UnlockStep};
use ycd_portal_api::wire::orders::PublicStatus;
use ycd_token::{Pin, TokenAccess as _};

use super::scene::{NEW, code, locked, unlocked, unlocked_order};

#[test]
fn a_locked_token_gets_a_new_pin_with_one_code_and_no_login() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    let order = unlocked_order(scene.unlock_by(&mut prompter));
    assert_eq!(prompter.heard.codes, 1);
    assert_eq!(prompter.heard.new_pins.len(), 1);
    assert_eq!(
        prompter.heard.steps(),
        [
            UnlockStep::FindToken,
            UnlockStep::Confirm,
            UnlockStep::NewPin,
            UnlockStep::Release,
            UnlockStep::SetPin,
            UnlockStep::Rotate,
            UnlockStep::Prove
        ]
    );
    scene.is_well(NEW);
    assert_eq!(scene.orders()[0].order.summary.no, order);
    let record = scene.record();
    assert_eq!((record.current_version, record.next_version), (2, None), "the SO PIN was changed");
    assert_eq!(record.unproven_releases, 0);
    assert_eq!(scene.machine.journal.unfinished_unlocks().unwrap(), []);
}

#[test]
fn unlocked_twice_the_so_pin_moves_on_twice() {
    let mut scene = locked();
    unlocked_order(scene.unlock());
    scene.lock();
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
    assert_eq!(scene.record().current_version, 3);
    assert_eq!(scene.orders().len(), 2);
}

#[test]
fn a_token_that_is_not_locked_is_unlocked_only_where_the_pin_is_forgotten() {
    let mut scene = unlocked();
    let mut prompter = scene.prompter();
    assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.not_locked");
    assert_eq!((prompter.heard.not_locked, prompter.heard.codes), (1, 0), "nothing was spent");
    assert!(scene.orders().is_empty());

    let mut prompter = scene.prompter();
    prompter.has_forgotten = true;
    unlocked_order(scene.unlock_by(&mut prompter));
    scene.is_well(NEW);
}

#[test]
fn a_project_that_asks_for_approval_lets_an_operator_decide_first() {
    let mut scene = locked();
    scene.world.configure(|config| config.project.unlock_approval = true);
    let waits = scene.unlock().unwrap();
    let Outcome::AwaitsApproval { order, .. } = waits else { panic!("{waits:?}") };
    assert_eq!(scene.orders()[0].order.summary.state, PublicStatus::AwaitingReview);
    // Asked again, it waits still; the token was not touched.
    let again = scene.unlock().unwrap();
    assert!(matches!(again, Outcome::AwaitsApproval { order: same, .. } if same == order));
    assert_eq!(scene.record().unproven_releases, 0);

    scene.world.operator().approve(&order).unwrap();
    let mut prompter = scene.prompter();
    let options = Options { order: Some(order.clone()), ..Options::default() };
    assert_eq!(unlocked_order(scene.unlock_with(&mut prompter, options)), order);
    scene.is_well(NEW);
}

#[test]
fn an_application_that_is_refused_says_why() {
    let mut scene = locked();
    scene.world.configure(|config| config.project.unlock_approval = true);
    let Outcome::AwaitsApproval { order, .. } = scene.unlock().unwrap() else { panic!("it waits") };
    let reason = ycd_portal_api::wire::orders::Reason { reason: "证书使用商不明".into() };
    scene.world.operator().reject(&order, &reason).unwrap();
    let outcome = scene.unlock();
    // Rejected: the next opening applies again, with the reason shown before.
    match outcome {
        Ok(Outcome::AwaitsApproval { .. }) => {}
        Err(error) => assert_eq!(error.code(), "unlock.rejected"),
        other => panic!("{other:?}"),
    }
    assert!(scene.machine.tokens.login(&scene.token.token_id, &Pin::new(NEW)).is_err());
}

#[test]
fn the_order_and_its_end_are_told_by_sms_without_a_code() {
    let mut scene = locked();
    unlocked_order(scene.unlock());
    let operator = scene.world.operator();
    let query = ycd_portal_api::wire::operator::OutboxQuery {
        phone: Some(scene.token.phone.clone()),
        ..Default::default()
    };
    let notices: Vec<_> = operator
        .sms_outbox(&query)
        .unwrap()
        .items
        .into_iter()
        .filter(|message| message.code.is_none())
        .collect();
    assert!(notices.len() >= 2, "{notices:?}");
    assert!(notices.iter().all(|notice| !notice.text.contains(NEW)));
}
