use time::Duration;
use ycd_pki::KeyPair;
use ycd_portal::{Config, config::Project};
use ycd_portal_api::wire::{
    operator::{CauseEvent, OperatorEvent, RecordTransfer},
    orders::{CreateOrder, OrderAction, OrderKind, OrderNote, OrderQuery, PublicStatus, Reason},
    unlock::UnlockForm,
};

use crate::world::{Applicant, PHONE, TOKEN_ID, World, refused};

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

fn logged_in(world: &World) -> ycd_portal_api::Client {
    world.advance(Duration::seconds(61));
    world.client().with_session(world.session(PHONE))
}

#[test]
fn an_unlock_is_among_the_holders_orders_and_costs_nothing() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let client = logged_in(&world);
    let list = client.orders(&OrderQuery::default()).unwrap();
    assert_eq!((list.counts["all"], list.counts["awaiting_unlock"]), (1, 1));
    let row = &list.page.items[0];
    assert_eq!((row.no.as_str(), row.kind, row.amount), (applicant.no.as_str(), OrderKind::Unlock, 0));
    assert_eq!((row.token_id.as_str(), row.certificate.as_str()), (TOKEN_ID, token.serial().as_str()));
    assert!(row.product_name.ends_with("-解锁"), "{}", row.product_name);
    assert_eq!(row.actions, [OrderAction::Unlock, OrderAction::Cancel]);
    let order = client.order(&applicant.no).unwrap();
    let events: Vec<_> = order.timeline.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["create", "grant_unlock"]);
    assert!(order.form.errors.is_empty());
    let days = (order.work_until.unwrap().0 - world.now()).whole_days();
    assert!((6..=7).contains(&days), "{days}");

    let release = applicant.release(&token);
    applicant.unlocked(&token, &release.claim(2)).unwrap();
    let order = client.order(&applicant.no).unwrap();
    assert_eq!((order.summary.state, order.summary.actions.len()), (PublicStatus::Completed, 0));
    assert_eq!(order.timeline.last().unwrap().event, "unlock_confirmed");
}

#[test]
fn the_owner_of_the_phone_is_told_of_every_unlock_without_a_code() {
    let world = World::new();
    let token = world.token();
    world.open(&token);
    let message = world.messages(PHONE).remove(0);
    assert!(message.text.contains("解锁") && message.text.contains("如非本人办理"), "{}", message.text);
    assert!(message.text.contains("400-666-3999") && message.code.is_none());
    let before = world.messages(PHONE).len();
    world.open(&token);
    assert_eq!(world.messages(PHONE).len(), before + 1, "the code alone: the order is the same");
}

#[test]
fn with_approval_nothing_is_released_before_an_operator_agrees() {
    let world = with_approval();
    let token = world.token();
    let mut unlock_request = world.unlock_request(&token);
    unlock_request.form = form("换了电脑");
    let grant = world.client().open_unlock(&unlock_request).unwrap();
    assert_eq!(grant.order.state, PublicStatus::AwaitingReview);
    let applicant = Applicant::new(&world, grant);
    let host = KeyPair::generate().unwrap();
    refused(applicant.send(&applicant.request(&token, &host)), "unlock.not_ready");
    refused(applicant.client.unlock_nonce(&applicant.no), "unlock.not_ready");

    let operator = world.operator();
    let waiting = OrderQuery { state: Some(PublicStatus::AwaitingReview), ..OrderQuery::default() };
    assert_eq!(operator.operator_orders(&waiting).unwrap().page.items[0].no, applicant.no);
    let seen = operator.operator_order(&applicant.no).unwrap();
    let expected =
        UnlockForm { used_at: Some("泸州老窖招采".into()), note: Some("换了电脑".into()) };
    assert_eq!(seen.unlock, Some(expected));
    assert_eq!(seen.events, ["approve_for_unlock", "reject", "withdraw_unlock"]);
    operator.approve(&applicant.no).unwrap();
    assert!(world.messages(PHONE)[0].text.contains("已审核通过"));
    applicant.send(&applicant.request(&token, &host)).unwrap();
}

#[test]
fn a_rejected_unlock_says_why_and_is_asked_for_again_by_the_same_request() {
    let world = with_approval();
    let token = world.token();
    let applicant = world.open(&token);
    world.operator().reject(&applicant.no, &reason("请致电说明")).unwrap();
    assert!(world.messages(PHONE)[0].text.contains("可在证书助手中重新申请解锁"));
    let order = applicant.order();
    assert_eq!((order.state, order.reject_reason.as_deref()), (PublicStatus::Rejected, Some("请致电说明")));
    let mut unlock_request = world.unlock_request(&token);
    unlock_request.form = form("已致电");
    let again = world.client().open_unlock(&unlock_request).unwrap().order;
    assert_eq!((again.no.as_str(), again.state), (applicant.no.as_str(), PublicStatus::AwaitingReview));
    assert_eq!(again.reject_reason, None);
    let seen = world.operator().operator_order(&applicant.no).unwrap().unlock.unwrap();
    assert_eq!(seen.note.as_deref(), Some("已致电"));
}

#[test]
fn an_unlock_is_called_off_by_token_by_its_owner_or_by_an_operator() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let order = applicant.client.cancel_unlock(&applicant.no).unwrap();
    assert_eq!(order.note, Some(OrderNote::Cancelled));
    assert_eq!(applicant.client.cancel_unlock(&applicant.no).unwrap(), order);

    let applicant = world.open(&token);
    let client = logged_in(&world);
    assert_eq!(client.cancel_order(&applicant.no).unwrap().summary.note, Some(OrderNote::Cancelled));
    refused(client.cancel_order(&applicant.no), "order.illegal_transition");

    let applicant = world.open(&token);
    let cause = CauseEvent { event: OperatorEvent::Cancel, reason: "用户来电".into() };
    world.operator().cause(&applicant.no, &cause).unwrap();
    assert_eq!(applicant.order().note, Some(OrderNote::Cancelled));
    assert_eq!(world.client().unlock_check(&token.in_hand()).unwrap().open_order, None);
}

#[test]
fn an_unlock_that_is_not_done_in_time_lapses() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    world.advance(Duration::days(7) - Duration::hours(1));
    assert_eq!(world.sweep(), 0);
    let again = world.open(&token);
    assert_eq!(again.no, applicant.no);
    world.advance(Duration::minutes(59));
    assert_eq!(world.sweep(), 1);
    assert_eq!(again.order().note, Some(OrderNote::Lapsed));
    assert_ne!(world.open(&token).no, applicant.no);
}

#[test]
fn an_unlock_knows_nothing_of_payment_forms_and_the_work_of_renewals() {
    let world = with_approval();
    let token = world.token();
    let applicant = world.open(&token);
    let client = logged_in(&world);
    refused(client.edit_order(&applicant.no), "order.illegal_transition");
    refused(client.delete_order(&applicant.no), "order.illegal_transition");
    refused(client.request_refund(&applicant.no, &reason("退款")), "order.illegal_transition");
    let transfer = RecordTransfer { reference: "R1".into(), amount: 0 };
    assert!(world.operator().record_transfer(&applicant.no, &transfer).is_err());
    for event in [OperatorEvent::TakeOver, OperatorEvent::TokenLost, OperatorEvent::Personalized] {
        let cause = CauseEvent { event, reason: "试".into() };
        refused(world.operator().cause(&applicant.no, &cause), "order.illegal_transition");
    }
    world.operator().approve(&applicant.no).unwrap();
    refused(world.operator().approve(&applicant.no), "order.illegal_transition");
    refused(client.attempt(&applicant.no), "attempt.not_found");
}

#[test]
fn an_unlock_and_a_renewal_of_the_same_certificate_go_side_by_side() {
    let world = World::new();
    let token = world.token();
    world.advance(Duration::days(345));
    let applicant = world.open(&token);
    let client = logged_in(&world);
    let renewal = CreateOrder {
        kind: OrderKind::Renewal,
        certificate: token.serial(),
        validity_years: 1,
        product: None,
    };
    let draft = client.create_order(&renewal).unwrap();
    assert_ne!(draft.summary.no, applicant.no);
    let unlock = CreateOrder { kind: OrderKind::Unlock, ..renewal };
    refused(client.create_order(&unlock), "order.kind_unsupported");
    assert_eq!(world.open(&token).no, applicant.no);
}
