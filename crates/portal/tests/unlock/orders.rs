use time::Duration;
use ycd_pki::KeyPair;
use ycd_portal::{Config, config::Project};
use ycd_portal_api::wire::{
    operator::{CauseEvent, OperatorEvent, RecordTransfer},
    orders::{CreateOrder, OrderAction, OrderKind, OrderNote, OrderQuery, OrderState, Reason},
    unlock::UnlockForm,
};

use crate::world::{KEY_ID, PHONE, Work, World, refused};

fn with_approval() -> World {
    let project = Project { unlock_approval: true, ..Project::default() };
    World::with(Config { project, ..Config::default() })
}

fn form(note: &str) -> UnlockForm {
    UnlockForm { used_at: Some(" 泸州老窖招采 ".into()), note: Some(note.into()) }
}

fn reason(reason: &str) -> Reason {
    Reason { reason: reason.into() }
}

fn applicant(world: &World) -> ycd_portal_api::Client {
    world.advance(Duration::seconds(61));
    world.client().with_session(world.session(PHONE))
}

#[test]
fn an_unlock_is_among_the_holders_orders_and_costs_nothing() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let client = applicant(&world);
    let list = client.orders(&OrderQuery::default()).unwrap();
    assert_eq!((list.counts["all"], list.counts["awaiting_unlock"]), (1, 1));
    let row = &list.page.items[0];
    assert_eq!((row.no.as_str(), row.kind, row.amount), (work.no.as_str(), OrderKind::Unlock, 0));
    assert_eq!((row.key_id.as_str(), row.certificate.as_str()), (KEY_ID, key.serial().as_str()));
    assert!(row.product_name.ends_with("-解锁"), "{}", row.product_name);
    assert_eq!(row.actions, [OrderAction::Unlock, OrderAction::Cancel]);
    let order = client.order(&work.no).unwrap();
    let events: Vec<_> = order.timeline.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["create", "grant_unlock"]);
    assert!(order.form.errors.is_empty());
    let days = (order.work_until.unwrap().0 - world.now()).whole_days();
    assert!((6..=7).contains(&days), "{days}");

    let release = work.release(&key);
    work.unlocked(&key, &release.claim(2)).unwrap();
    let order = client.order(&work.no).unwrap();
    assert_eq!((order.summary.state, order.summary.actions.len()), (OrderState::Completed, 0));
    assert_eq!(order.timeline.last().unwrap().event, "unlock_confirmed");
}

#[test]
fn the_owner_of_the_phone_is_told_of_every_unlock_without_a_code() {
    let world = World::new();
    let key = world.key();
    world.open(&key);
    let message = world.messages(PHONE).remove(0);
    assert!(message.text.contains("解锁") && message.text.contains("如非本人办理"), "{}", message.text);
    assert!(message.text.contains("400-666-3999") && message.code.is_none());
    let before = world.messages(PHONE).len();
    world.open(&key);
    assert_eq!(world.messages(PHONE).len(), before + 1, "the code alone: the order is the same");
}

#[test]
fn with_approval_nothing_is_released_before_an_operator_agrees() {
    let world = with_approval();
    let key = world.key();
    let mut opening = world.opening(&key);
    opening.form = form("换了电脑");
    let grant = world.client().open_unlock(&opening).unwrap();
    assert_eq!(grant.order.state, OrderState::AwaitingReview);
    let work = Work::new(&world, grant);
    let host = KeyPair::generate().unwrap();
    refused(work.send(&work.request(&key, &host)), "unlock.not_ready");
    refused(work.client.unlock_nonce(&work.no), "unlock.not_ready");

    let operator = world.operator();
    let waiting = OrderQuery { state: Some(OrderState::AwaitingReview), ..OrderQuery::default() };
    assert_eq!(operator.operator_orders(&waiting).unwrap().page.items[0].no, work.no);
    let seen = operator.operator_order(&work.no).unwrap();
    let expected =
        UnlockForm { used_at: Some("泸州老窖招采".into()), note: Some("换了电脑".into()) };
    assert_eq!(seen.unlock, Some(expected));
    assert_eq!(seen.events, ["approve_for_unlock", "reject", "withdraw_unlock"]);
    operator.approve(&work.no).unwrap();
    assert!(world.messages(PHONE)[0].text.contains("已审核通过"));
    work.send(&work.request(&key, &host)).unwrap();
}

#[test]
fn a_rejected_unlock_says_why_and_is_asked_for_again_by_the_same_opening() {
    let world = with_approval();
    let key = world.key();
    let work = world.open(&key);
    world.operator().reject(&work.no, &reason("请致电说明")).unwrap();
    assert!(world.messages(PHONE)[0].text.contains("可在证书助手中重新申请解锁"));
    let order = work.order();
    assert_eq!((order.state, order.reject_reason.as_deref()), (OrderState::Rejected, Some("请致电说明")));
    let mut opening = world.opening(&key);
    opening.form = form("已致电");
    let again = world.client().open_unlock(&opening).unwrap().order;
    assert_eq!((again.no.as_str(), again.state), (work.no.as_str(), OrderState::AwaitingReview));
    assert_eq!(again.reject_reason, None);
    let seen = world.operator().operator_order(&work.no).unwrap().unlock.unwrap();
    assert_eq!(seen.note.as_deref(), Some("已致电"));
}

#[test]
fn an_unlock_is_called_off_by_token_by_its_owner_or_by_an_operator() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let order = work.client.cancel_unlock(&work.no).unwrap();
    assert_eq!(order.note, Some(OrderNote::Cancelled));
    assert_eq!(work.client.cancel_unlock(&work.no).unwrap(), order);

    let work = world.open(&key);
    let client = applicant(&world);
    assert_eq!(client.cancel_order(&work.no).unwrap().summary.note, Some(OrderNote::Cancelled));
    refused(client.cancel_order(&work.no), "order.illegal_transition");

    let work = world.open(&key);
    let cause = CauseEvent { event: OperatorEvent::Cancel, reason: "用户来电".into() };
    world.operator().cause(&work.no, &cause).unwrap();
    assert_eq!(work.order().note, Some(OrderNote::Cancelled));
    assert_eq!(world.client().unlock_check(&key.in_hand()).unwrap().open_order, None);
}

#[test]
fn an_unlock_that_is_not_done_in_time_lapses() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    world.advance(Duration::days(7) - Duration::hours(1));
    assert_eq!(world.sweep(), 0);
    let again = world.open(&key);
    assert_eq!(again.no, work.no);
    world.advance(Duration::minutes(59));
    assert_eq!(world.sweep(), 1);
    assert_eq!(again.order().note, Some(OrderNote::Lapsed));
    assert_ne!(world.open(&key).no, work.no);
}

#[test]
fn an_unlock_knows_nothing_of_payment_forms_and_the_work_of_renewals() {
    let world = with_approval();
    let key = world.key();
    let work = world.open(&key);
    let client = applicant(&world);
    refused(client.edit_order(&work.no), "order.illegal_transition");
    refused(client.delete_order(&work.no), "order.illegal_transition");
    refused(client.request_refund(&work.no, &reason("退款")), "order.illegal_transition");
    let transfer = RecordTransfer { reference: "R1".into(), amount: 0 };
    assert!(world.operator().record_transfer(&work.no, &transfer).is_err());
    for event in [OperatorEvent::TakeOver, OperatorEvent::KeyLost, OperatorEvent::Produced] {
        let cause = CauseEvent { event, reason: "试".into() };
        refused(world.operator().cause(&work.no, &cause), "order.illegal_transition");
    }
    world.operator().approve(&work.no).unwrap();
    refused(world.operator().approve(&work.no), "order.illegal_transition");
    refused(client.attempt(&work.no), "attempt.not_found");
}

#[test]
fn an_unlock_and_a_renewal_of_the_same_certificate_go_side_by_side() {
    let world = World::new();
    let key = world.key();
    world.advance(Duration::days(345));
    let work = world.open(&key);
    let client = applicant(&world);
    let renewal =
        CreateOrder { kind: OrderKind::Renewal, certificate: key.serial(), term_years: 1, product: None };
    let draft = client.create_order(&renewal).unwrap();
    assert_ne!(draft.summary.no, work.no);
    let unlock = CreateOrder { kind: OrderKind::Unlock, ..renewal };
    refused(client.create_order(&unlock), "order.kind_unsupported");
    assert_eq!(world.open(&key).no, work.no);
}
