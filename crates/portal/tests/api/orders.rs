use time::{Duration, OffsetDateTime, UtcOffset};
use ycd_portal::{
    http::Actor,
    orders::{self, Event},
};
use ycd_portal_api::wire::{
    Timestamp,
    attempts::Mode,
    form::{FieldErrorCode, InvoiceKind, OrderForm, SaveForm},
    login::Purpose,
    operator::{CauseEvent, OperatorEvent, RecordTransfer},
    orders::{
        ActorKind, CreateOrder, FixMode, OrderAction, OrderKind, OrderNote, OrderQuery, PublicStatus, Reason,
    },
};

use crate::world::{
    COMPANY, OTHER_PHONE, PHONE, World, confirmation, form, order_code, refused, renewal, token_id, transfer,
};

fn because(text: &str) -> Reason {
    Reason { reason: text.into() }
}

fn event(event: OperatorEvent) -> CauseEvent {
    CauseEvent { event, reason: "电话确认".into() }
}

/// What the work on the token, or time, does.
fn system(world: &World, no: &str, event: Event) -> Result<orders::Order, ycd_portal::Error> {
    world.run(async {
        let mut tx = world.portal.db().write().await?;
        let order = orders::transition(&mut tx, no, event, &Actor::System, None, world.now()).await?;
        tx.commit().await?;
        Ok(order)
    })
}

#[test]
fn a_renewal_goes_from_draft_to_the_work_on_the_token() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);

    let order = client.create_order(&renewal("A1")).unwrap();
    let no = order.summary.no.clone();
    assert_eq!((order.summary.state, order.summary.amount), (PublicStatus::Draft, 40_000));
    assert_eq!(order.summary.product_name, "泸州老窖招采SM2企业数字证书-更新");
    assert_eq!(order.form.form.company.unwrap().name, COMPANY);
    assert!(!order.form.errors.is_empty());

    let saved = client.save_form(&no, &SaveForm { form: form(), complete: true }).unwrap();
    assert_eq!(saved.form.errors, []);
    let order = world.confirm(&client, &no).unwrap();
    assert_eq!(order.summary.state, PublicStatus::AwaitingPayment);
    assert_eq!(order.summary.actions, [OrderAction::Pay, OrderAction::Edit, OrderAction::Cancel]);

    let operator = world.operator();
    let paid = operator.record_transfer(&no, &transfer("2026-1")).unwrap();
    assert_eq!(paid.order.summary.state, PublicStatus::AwaitingReview);
    assert_eq!(paid.order.payment.reference.as_deref(), Some("2026-1"));
    operator.approve(&no).unwrap();

    let order = client.order(&no).unwrap();
    assert_eq!(order.summary.state, PublicStatus::AwaitingRenewal);
    assert_eq!(order.summary.actions, [OrderAction::WriteToken]);
    let days = order.work_until.unwrap().0 - world.now();
    assert!(days > Duration::days(89) && days <= Duration::days(90));
    assert!(world.messages(PHONE)[0].text.contains("已审核通过"));
    let told: Vec<_> = order.timeline.iter().map(|entry| (&*entry.event, entry.actor, entry.state)).collect();
    assert_eq!(
        told,
        [
            ("create", ActorKind::Applicant, PublicStatus::Draft),
            ("submit", ActorKind::Applicant, PublicStatus::AwaitingPayment),
            ("payment_received", ActorKind::Operator, PublicStatus::AwaitingReview),
            ("approve_for_renewal", ActorKind::Operator, PublicStatus::AwaitingRenewal),
        ]
    );
    system(&world, &no, Event::RenewalConfirmed).unwrap();
    assert_eq!(client.order(&no).unwrap().summary.state, PublicStatus::Completed);
}

#[test]
fn an_order_number_is_the_second_in_beijing_and_a_sequence() {
    let world = World::new();
    let client = world.login(PHONE);
    for serial in ["A1", "A2"] {
        world.certificate(serial, PHONE, 20);
    }
    let orders = ["A1", "A2"].map(|serial| client.create_order(&renewal(serial)).unwrap().summary);
    for order in &orders {
        let at: OffsetDateTime = order.created_at.0.to_offset(UtcOffset::from_hms(8, 0, 0).unwrap());
        let second = format!(
            "SAAS1{}{:02}{:02}{:02}{:02}{:02}",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        );
        assert_eq!(order.no.len(), 25);
        assert!(order.no.starts_with(&second), "{} {second}", order.no);
    }
    assert_ne!(orders[0].no, orders[1].no);
}

#[test]
fn a_renewal_is_for_valid_certificates_and_an_expired_purchase_for_expired_ones() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    world.certificate("E1", PHONE, -3);
    world.certificate("R1", PHONE, 20);
    world.operator().revoke_certificate("R1", &because("离职")).unwrap();
    let order = |serial: &str, kind| CreateOrder { kind, ..renewal(serial) };
    refused(client.create_order(&order("E1", OrderKind::Renewal)), "certificate.expired");
    refused(client.create_order(&order("A1", OrderKind::ExpiredPurchase)), "certificate.not_expired");
    refused(client.create_order(&order("R1", OrderKind::Renewal)), "certificate.revoked");
    refused(client.create_order(&order("R1", OrderKind::ExpiredPurchase)), "certificate.revoked");
    refused(client.create_order(&order("A1", OrderKind::Unlock)), "order.kind_unsupported");
    let view = client.create_order(&order("E1", OrderKind::ExpiredPurchase)).unwrap();
    assert!(view.summary.product_name.ends_with("-过期初购"));
}

#[test]
fn a_certificate_has_one_open_order() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let no = client.create_order(&renewal("A1")).unwrap().summary.no;
    let problem = refused(client.create_order(&renewal("A1")), "order.already_open");
    assert_eq!(problem.extra["order"]["no"], no);
    client.delete_order(&no).unwrap();
    refused(client.order(&no), "order.not_found");
    client.create_order(&renewal("A1")).unwrap();
}

#[test]
fn prices_are_per_product_and_term() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let order = |validity_years, product: Option<&str>| CreateOrder {
        validity_years,
        product: product.map(Into::into),
        ..renewal("A1")
    };
    refused(client.create_order(&order(4, None)), "product.not_found");
    refused(client.create_order(&order(1, Some("sm2-personal"))), "product.not_found");
    refused(client.create_order(&order(1, Some("none"))), "product.not_found");
    assert_eq!(client.create_order(&order(3, None)).unwrap().summary.amount, 120_000);
    let products = client.products().unwrap();
    assert_eq!(products[0].prices[0].amount, 40_000);
}

#[test]
fn whatever_is_typed_is_kept_and_what_is_wrong_is_said_field_by_field() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let no = client.create_order(&renewal("A1")).unwrap().summary.no;
    let mut wrong = form();
    wrong.applicant.id_number = "110105194912310021".into();
    wrong.applicant.email = "lisi@".into();
    wrong.invoice.kind = InvoiceKind::Special;
    wrong.company.as_mut().unwrap().name = "别的公司".into();

    let save = SaveForm { form: wrong.clone(), complete: true };
    let problem = refused(client.save_form(&no, &save), "form.invalid");
    assert_eq!(problem.status, 422);
    let errors = problem.extra["errors"].as_array().unwrap();
    for (field, code) in [
        ("applicant.id_number", "bad_id_number"),
        ("applicant.email", "bad_email"),
        ("invoice.bank", "required"),
        ("company.name", "not_as_in_certificate"),
    ] {
        assert!(
            errors.iter().any(|error| error["field"] == field && error["code"] == code),
            "{field} {errors:?}"
        );
    }
    assert_eq!(client.order(&no).unwrap().form.form, wrong);

    let draft = client.save_form(&no, &SaveForm { form: OrderForm::default(), complete: false }).unwrap();
    assert!(draft.form.errors.iter().any(|error| error.code == FieldErrorCode::Required));
    client.request_code(&order_code(&no, Purpose::OrderConfirm)).unwrap();
    let code = world.newest_code(PHONE);
    refused(client.confirm_order(&no, &confirmation(&code)), "form.invalid");
    client.save_form(&no, &SaveForm { form: form(), complete: true }).unwrap();
    // The refusal has not used the code up.
    client.confirm_order(&no, &confirmation(&code)).unwrap();
}

#[test]
fn an_order_is_handed_in_with_agreement_and_its_own_code() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    world.certificate("A2", PHONE, 20);
    let (first, second) = (world.draft(&client, "A1").summary.no, world.draft(&client, "A2").summary.no);
    client.request_code(&order_code(&first, Purpose::OrderConfirm)).unwrap();
    let code = world.newest_code(PHONE);
    let mut request = confirmation(&code);
    request.agreement = false;
    refused(client.confirm_order(&first, &request), "order.agreement_required");
    refused(client.confirm_order(&second, &confirmation(&code)), "sms.code_expired");
    client.confirm_order(&first, &confirmation(&code)).unwrap();
    let problem = refused(client.confirm_order(&first, &confirmation(&code)), "order.illegal_transition");
    assert_eq!(
        (&problem.extra["from"], &problem.extra["event"]),
        (&"awaiting_payment".into(), &"submit".into())
    );
}

#[test]
fn a_certificate_revoked_before_its_order_is_handed_in_stops_it() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let no = world.draft(&client, "A1").summary.no;
    world.operator().revoke_certificate("A1", &because("离职")).unwrap();
    refused(world.confirm(&client, &no), "certificate.revoked");
}

#[test]
fn a_certificate_revoked_under_review_is_not_approved() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    world.operator().revoke_certificate("A1", &because("离职")).unwrap();
    refused(world.operator().approve(&no), "certificate.revoked");
    world.operator().reject(&no, &because("证书已吊销")).unwrap();
    client.request_refund(&no, &because("证书已吊销")).unwrap();
}

#[test]
fn a_draft_whose_certificate_ends_must_become_another_order() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 2);
    let no = world.draft(&client, "A1").summary.no;
    world.advance(Duration::days(3));
    let client = world.login(PHONE);
    refused(world.confirm(&client, &no), "certificate.expired");
}

#[test]
fn an_order_handed_in_in_time_stays_good_when_the_certificate_ends() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 2);
    let no = world.draft(&client, "A1").summary.no;
    world.confirm(&client, &no).unwrap();
    world.operator().record_transfer(&no, &transfer("T1")).unwrap();
    world.operator().reject(&no, &because("手机号有误")).unwrap();
    world.advance(Duration::days(3));
    let client = world.login(PHONE);
    assert_eq!(world.confirm(&client, &no).unwrap().summary.state, PublicStatus::AwaitingReview);
}

#[test]
fn a_rejected_order_says_why_and_is_handed_in_again_without_paying() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    refused(world.operator().reject(&no, &because("  ")), "order.reason_required");
    world.operator().reject(&no, &because("法人姓名不符")).unwrap();
    let order = client.order(&no).unwrap();
    assert_eq!(order.summary.state, PublicStatus::Rejected);
    assert_eq!(order.summary.reject_reason.as_deref(), Some("法人姓名不符"));
    assert!(world.messages(PHONE)[0].text.contains("法人姓名不符"));

    let mut changed = form();
    changed.legal_representative.as_mut().unwrap().name = "赵六".into();
    client.save_form(&no, &SaveForm { form: changed, complete: true }).unwrap();
    world.advance(Duration::minutes(2));
    let order = world.confirm(&client, &no).unwrap();
    assert_eq!((order.summary.state, order.summary.reject_reason), (PublicStatus::AwaitingReview, None));
    refused(world.operator().record_transfer(&no, &transfer("T2")), "order.already_paid");
    world.operator().approve(&no).unwrap();
}

#[test]
fn an_order_taken_out_of_review_comes_back_without_paying() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    let order = client.edit_order(&no).unwrap();
    assert_eq!((order.summary.state, order.summary.note), (PublicStatus::Draft, Some(OrderNote::Revision)));
    refused(world.operator().approve(&no), "order.illegal_transition");
    assert_eq!(refused(client.delete_order(&no), "order.illegal_transition").extra["why"], "paid");
    world.advance(Duration::minutes(2));
    assert_eq!(world.confirm(&client, &no).unwrap().summary.state, PublicStatus::AwaitingReview);
}

#[test]
fn under_review_the_form_cannot_be_changed() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    let save = SaveForm { form: OrderForm::default(), complete: false };
    refused(client.save_form(&no, &save), "order.illegal_transition");
    assert_eq!(client.order(&no).unwrap().form.form, form());
}

#[test]
fn a_transfer_must_be_whole_and_counts_once() {
    let world = World::new();
    let client = world.login(PHONE);
    let (first, second) = (world.awaiting_payment(&client, "A1"), world.awaiting_payment(&client, "A2"));
    let operator = world.operator();
    let short = RecordTransfer { reference: "T1".into(), amount: 39_999 };
    assert_eq!(
        refused(operator.record_transfer(&first, &short), "payment.amount_mismatch").extra["expected"],
        40_000
    );
    refused(operator.record_transfer(&first, &transfer(" ")), "payment.reference_invalid");
    operator.record_transfer(&first, &transfer("T1")).unwrap();
    refused(operator.record_transfer(&first, &transfer("T2")), "order.already_paid");
    let problem = refused(operator.record_transfer(&second, &transfer("T1")), "payment.reference_used");
    assert_eq!(problem.extra["order"], first);
    assert_eq!(client.order(&second).unwrap().summary.state, PublicStatus::AwaitingPayment);
}

#[test]
fn money_for_a_cancelled_order_is_sent_back() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_payment(&client, "A1");
    let order = client.cancel_order(&no).unwrap();
    assert_eq!(order.summary.note, Some(OrderNote::Cancelled));
    let operator = world.operator();
    let late = operator.record_transfer(&no, &transfer("T1")).unwrap();
    assert_eq!(late.order.summary.state, PublicStatus::Refunded);
    assert_eq!(late.order.summary.note, Some(OrderNote::RefundPending));
    let done = operator.cause(&no, &event(OperatorEvent::RefundSent)).unwrap();
    assert_eq!(done.order.summary.note, None);
    assert!(done.transfers[0].refunded_at.is_some());
    // The certificate is free for another order.
    client.create_order(&renewal("A1")).unwrap();
}

#[test]
fn a_rejected_order_can_be_refunded_instead() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    assert_eq!(
        refused(client.request_refund(&no, &because("不办了")), "order.illegal_transition").extra["why"],
        "not_on_this_way"
    );
    world.operator().reject(&no, &because("材料不全")).unwrap();
    let order = client.request_refund(&no, &because("不办了")).unwrap();
    assert_eq!(order.summary.note, Some(OrderNote::RefundPending));
    world.advance(Duration::minutes(2));
    refused(world.confirm(&client, &no), "order.illegal_transition");
}

#[test]
fn an_order_not_paid_in_time_and_an_approval_not_used_in_time_lapse() {
    let world = World::new();
    let client = world.login(PHONE);
    let unpaid = world.awaiting_payment(&client, "A1");
    let approved = world.awaiting_review(&client, "A2");
    world.operator().approve(&approved).unwrap();
    world.advance(Duration::days(31));
    assert_eq!(world.run(orders::sweep(&world.portal)).unwrap(), 1);
    let client = world.login(PHONE);
    assert_eq!(client.order(&unpaid).unwrap().summary.note, Some(OrderNote::Cancelled));
    assert_eq!(client.order(&approved).unwrap().summary.state, PublicStatus::AwaitingRenewal);
    world.advance(Duration::days(60));
    assert_eq!(world.run(orders::sweep(&world.portal)).unwrap(), 1);
    let client = world.login(PHONE);
    assert_eq!(client.order(&approved).unwrap().summary.state, PublicStatus::AwaitingReview);
    world.operator().approve(&approved).unwrap();
}

#[test]
fn when_no_attempt_is_left_an_operator_decides_and_the_payment_is_kept() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    world.operator().approve(&no).unwrap();
    system(&world, &no, Event::AttemptsExhausted).unwrap();
    let order = client.order(&no).unwrap();
    assert_eq!(
        (order.summary.state, order.summary.note),
        (PublicStatus::AwaitingRenewal, Some(OrderNote::OperatorCare))
    );
    assert!(!order.summary.actions.contains(&OrderAction::WriteToken));
    assert!(system(&world, &no, Event::RenewalConfirmed).is_err());

    let reissued = world.operator().cause(&no, &event(OperatorEvent::TokenLost)).unwrap().order;
    assert_eq!(
        (reissued.summary.kind, reissued.summary.state),
        (OrderKind::Reissue, PublicStatus::AwaitingPersonalization)
    );
    assert!(reissued.payment.paid_at.is_some());
    let operator = world.operator();
    operator.cause(&no, &event(OperatorEvent::PersonalizationFailed)).unwrap();
    operator.cause(&no, &event(OperatorEvent::Personalized)).unwrap();
    operator.cause(&no, &event(OperatorEvent::ShipmentLost)).unwrap();
    operator.cause(&no, &event(OperatorEvent::Personalized)).unwrap();
    let delivered = operator.cause(&no, &event(OperatorEvent::Delivered)).unwrap();
    assert_eq!(delivered.order.summary.state, PublicStatus::Completed);
}

#[test]
fn an_operator_takes_the_work_over_and_gives_it_back_by_approving() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    world.operator().approve(&no).unwrap();
    let taken = world.operator().cause(&no, &event(OperatorEvent::TakeOver)).unwrap();
    assert!(taken.events.contains(&"approve_for_renewal".to_owned()));
    assert_eq!(world.operator().approve(&no).unwrap().order.summary.note, None);
}

#[test]
fn the_way_of_writing_is_fixed_once_for_the_right_token() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let no = client.create_order(&renewal("A1")).unwrap().summary.no;
    let mode = |token_id: &str, mode, consent| FixMode { token_id: token_id.into(), mode, consent };
    refused(client.fix_mode(&no, &mode("softkey:other", Mode::SideBySide, false)), "order.wrong_token");
    refused(client.fix_mode(&no, &mode(&token_id("A1"), Mode::Replace, false)), "order.consent_required");
    let order = client.fix_mode(&no, &mode(&token_id("A1"), Mode::Replace, true)).unwrap();
    assert_eq!(order.mode, Some(Mode::Replace));
    client.fix_mode(&no, &mode(&token_id("A1"), Mode::Replace, true)).unwrap();
    let problem =
        refused(client.fix_mode(&no, &mode(&token_id("A1"), Mode::SideBySide, false)), "order.mode_fixed");
    assert_eq!(problem.extra["mode"], "replace");
}

#[test]
fn another_users_order_is_not_there() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_payment(&client, "A1");
    let stranger = world.login(OTHER_PHONE);
    refused(stranger.order(&no), "order.not_found");
    refused(stranger.edit_order(&no), "order.not_found");
    refused(stranger.cancel_order(&no), "order.not_found");
    refused(stranger.delete_order(&no), "order.not_found");
    refused(stranger.confirm_order(&no, &confirmation("000000")), "order.not_found");
    refused(stranger.save_form(&no, &SaveForm { form: form(), complete: false }), "order.not_found");
    assert_eq!(stranger.orders(&OrderQuery::default()).unwrap().page.total, 0);
    assert_eq!(client.order(&no).unwrap().summary.state, PublicStatus::AwaitingPayment);
}

#[test]
fn orders_are_found_by_tab_number_company_product_and_time() {
    let world = World::new();
    let client = world.login(PHONE);
    let paid = world.awaiting_review(&client, "A1");
    let cancelled = world.awaiting_payment(&client, "A2");
    client.cancel_order(&cancelled).unwrap();
    world.advance(Duration::days(1));
    let client = world.login(PHONE);
    world.certificate("A3", PHONE, 20);
    let draft = client.create_order(&renewal("A3")).unwrap().summary.no;

    let find = |query: OrderQuery| {
        let list = client.orders(&query).unwrap();
        assert_eq!(list.page.items.len() as u64, list.page.total);
        list.page.items.into_iter().map(|order| order.no).collect::<Vec<_>>()
    };
    let all = OrderQuery::default();
    assert_eq!(find(all.clone()), [draft.clone(), cancelled.clone(), paid.clone()]);
    assert_eq!(find(OrderQuery { state: Some(PublicStatus::Draft), ..all.clone() }), [&*draft]);
    assert_eq!(find(OrderQuery { state: Some(PublicStatus::AwaitingPayment), ..all.clone() }), [""; 0]);
    assert_eq!(find(OrderQuery { no: Some(paid[5..].into()), ..all.clone() }), [&*paid]);
    assert_eq!(find(OrderQuery { company: Some("酒城".into()), ..all.clone() }).len(), 3);
    assert_eq!(find(OrderQuery { company: Some("_".into()), ..all.clone() }).len(), 0);
    assert_eq!(find(OrderQuery { product: Some("更新".into()), ..all.clone() }).len(), 3);
    let yesterday = Timestamp(world.now() - Duration::hours(12));
    assert_eq!(find(OrderQuery { created_from: Some(yesterday), ..all.clone() }), [draft]);
    assert_eq!(find(OrderQuery { created_to: Some(yesterday), ..all.clone() }).len(), 2);

    let counts = client.orders(&all).unwrap().counts;
    assert_eq!((counts["all"], counts["draft"], counts["awaiting_review"]), (3, 1, 1));
    assert_eq!(counts["awaiting_payment"], 0);
    assert_eq!(counts.len(), 13);
    let second = OrderQuery { page: Some(2), page_size: Some(2), ..all };
    assert_eq!(client.orders(&second).unwrap().page.items[0].no, paid);
}

#[test]
fn the_next_order_begins_with_the_form_of_the_last() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_payment(&client, "A1");
    client.cancel_order(&no).unwrap();
    let next = client.create_order(&renewal("A1")).unwrap();
    assert_eq!(next.form.form, form());
    assert_eq!(next.form.errors, []);
}
