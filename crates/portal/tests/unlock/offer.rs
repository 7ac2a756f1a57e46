use time::Duration;
use ycd_pki::KeyPair;
use ycd_portal::{Config, config::Project};
use ycd_portal_api::wire::{
    Bytes,
    login::{Purpose, RequestCode},
    orders::{PublicStatus, Reason},
    tokens::{DeclareSoPin, SoPinScheme},
    unlock::{PinRules, TokenInHand, UnlockMethod},
};

use crate::world::{
    Applicant, PHONE, TOKEN_ID, World, assignment, first_certificate, first_certificate_alone, refused,
};

#[test]
fn a_token_in_hand_is_told_how_it_can_be_unlocked_before_a_code_is_spent() {
    let world = World::new();
    let token = world.token();
    let offer = world.client().unlock_check(&token.in_hand()).unwrap();
    assert_eq!((offer.portal.as_str(), offer.phone.as_str()), (world.portal.name(), "138****0000"));
    assert_eq!(offer.pin, PinRules { min_len: 6, max_len: 8, digits_only: true });
    assert_eq!((offer.method, offer.approval, offer.open_order), (UnlockMethod::SoPin, false, None));
    assert!(world.messages(PHONE).is_empty());

    let applicant = world.open(&token);
    let offer = world.client().unlock_check(&token.in_hand()).unwrap();
    assert_eq!(offer.open_order, Some(applicant.order()));
}

#[test]
fn a_token_whose_so_pin_is_shared_derived_or_unknown_gets_no_code() {
    let world = World::new();
    let operator = world.operator();
    let pair = KeyPair::generate().unwrap();
    let made = operator.issue_first_certificate(&first_certificate_alone(TOKEN_ID, &pair)).unwrap();
    let hand = TokenInHand { token_id: TOKEN_ID.into(), certificate: made.certificate };
    for scheme in [SoPinScheme::None, SoPinScheme::Shared, SoPinScheme::Derived] {
        operator.declare_so_pin(TOKEN_ID, &DeclareSoPin { scheme }).unwrap();
        refused(world.client().unlock_check(&hand), "unlock.not_escrowed");
        refused(world.client().unlock_code(&hand), "unlock.not_escrowed");
    }
    let personalized = world.personalized("softkey:0002", UnlockMethod::SoPin);
    let mut unlock_request = world.unlock_request(&personalized);
    (unlock_request.token_id, unlock_request.certificate) = (hand.token_id.clone(), hand.certificate.clone());
    refused(world.client().open_unlock(&unlock_request), "unlock.not_escrowed");
    assert_eq!(world.messages(PHONE).len(), 1, "the one for the other key");
}

#[test]
fn a_token_that_is_still_in_personalization_cannot_be_unlocked() {
    let world = World::new();
    let operator = world.operator();
    let (host, pair) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    operator.open_personalization(&assignment(TOKEN_ID, UnlockMethod::SoPin, &host)).unwrap();
    let made = operator.first_certificate(TOKEN_ID, &first_certificate(&pair)).unwrap();
    let hand = TokenInHand { token_id: TOKEN_ID.into(), certificate: made.certificate };
    refused(world.client().unlock_check(&hand), "unlock.not_escrowed");
}

#[test]
fn only_a_certificate_of_ours_on_its_own_token_is_looked_at() {
    let world = World::new();
    let (token, other) = (world.token(), world.personalized("softkey:0002", UnlockMethod::SoPin));
    let mut hand = token.in_hand();
    hand.token_id = other.id.clone();
    refused(world.client().unlock_check(&hand), "unlock.token_unknown");
    hand = token.in_hand();
    *hand.certificate.0.last_mut().unwrap() ^= 1;
    refused(world.client().unlock_check(&hand), "unlock.token_unknown");
    for garbage in [vec![], vec![0x30], b"no certificate".to_vec(), vec![0x30; 100_000]] {
        hand.certificate = Bytes(garbage);
        refused(world.client().unlock_check(&hand), "unlock.token_unknown");
        refused(world.client().unlock_code(&hand), "unlock.token_unknown");
    }
    hand.certificate = Bytes(vec![0x30; 300_000]);
    refused(world.client().unlock_check(&hand), "request.too_large");
    assert!(world.messages(PHONE).is_empty());
}

#[test]
fn an_expired_certificates_key_can_be_unlocked_and_a_revoked_ones_cannot() {
    let world = World::new();
    let token = world.token();
    world.advance(Duration::days(400));
    let applicant = world.open(&token);
    let reason = Reason { reason: "持有人申请吊销".into() };
    world.operator().revoke_certificate(&token.serial(), &reason).unwrap();
    refused(world.client().unlock_check(&token.in_hand()), "certificate.revoked");
    let request = applicant.request(&token, &KeyPair::generate().unwrap());
    refused(applicant.send(&request), "certificate.revoked");
}

#[test]
fn one_address_can_ask_about_so_many_tokens_an_hour_right_or_wrong() {
    let config = Config { unlock_checks_per_address_and_hour: 3, ..Config::default() };
    let world = World::with(config);
    let token = world.token();
    let client = world.client();
    client.unlock_check(&token.in_hand()).unwrap();
    let mut wrong = token.in_hand();
    wrong.token_id = "softkey:9999".into();
    refused(client.unlock_check(&wrong), "unlock.token_unknown");
    refused(client.unlock_code(&wrong), "unlock.token_unknown");
    let problem = refused(client.unlock_check(&token.in_hand()), "unlock.too_many");
    assert_eq!(problem.extra["retry_after"], 3600);
    refused(client.unlock_code(&token.in_hand()), "unlock.too_many");
    world.advance(Duration::minutes(61));
    client.unlock_check(&token.in_hand()).unwrap();
}

#[test]
fn a_code_goes_to_the_bound_phone_and_is_good_for_this_token_and_purpose_alone() {
    let world = World::new();
    let (token, other) = (world.token(), world.personalized("softkey:0002", UnlockMethod::SoPin));
    let code = world.unlock_code(&token);
    let message = world.messages(PHONE).remove(0);
    assert!(message.text.contains("解锁 USBKEY") && message.order.is_none(), "{}", message.text);
    let problem = refused(world.client().unlock_code(&token.in_hand()), "sms.too_soon");
    assert!(problem.extra["retry_after"].as_u64().unwrap() <= 60);

    let mut for_other = world.unlock_request(&other);
    for_other.sealed = world.sealed(&other, &code);
    refused(world.client().open_unlock(&for_other), "sms.code_wrong");
    let mut by_login = world.unlock_request(&token);
    let unlock_code = world.newest_code(PHONE);
    world
        .client()
        .request_code(&RequestCode { purpose: Purpose::Login, phone: Some(PHONE.into()), order: None })
        .unwrap();
    let login_code = world.newest_code(PHONE);
    by_login.sealed = world.sealed(&token, &login_code);
    if login_code != unlock_code {
        refused(world.client().open_unlock(&by_login), "sms.code_wrong");
    }
    by_login.sealed = world.sealed(&token, &unlock_code);
    world.client().open_unlock(&by_login).unwrap();
    refused(world.client().open_unlock(&by_login), "sms.code_expired");
}

#[test]
fn a_code_is_exhausted_by_wrong_tries() {
    let world = World::new();
    let token = world.token();
    let right = world.unlock_request(&token);
    let mut wrong = right.clone();
    wrong.sealed = world.sealed(&token, "abcdef");
    for _ in 0..4 {
        refused(world.client().open_unlock(&wrong), "sms.code_wrong");
    }
    refused(world.client().open_unlock(&wrong), "sms.code_exhausted");
    refused(world.client().open_unlock(&right), "sms.code_exhausted");
}

#[test]
fn opening_again_takes_the_open_order_up_and_a_token_has_one_alone() {
    let world = World::new();
    let token = world.token();
    let first = world.open(&token);
    let mut again = world.unlock_request(&token);
    again.locked = false;
    again.order = Some(first.no.clone());
    let grant = world.client().open_unlock(&again).unwrap();
    assert_eq!((grant.order.no.as_str(), grant.order.was_locked), (first.no.as_str(), true));
    assert_eq!(grant.order.state, PublicStatus::AwaitingUnlock);
    assert_ne!(grant.ticket.reveal(), first.ticket);

    let mut other = world.unlock_request(&token);
    other.order = Some("SAAS120200101000000000001".into());
    refused(world.client().open_unlock(&other), "unlock.order_other");
    // The code has not been spent.
    other.order = None;
    Applicant::new(&world, world.client().open_unlock(&other).unwrap());
}

#[test]
fn a_project_can_set_other_rules_for_pins() {
    let pin = PinRules { min_len: 8, max_len: 12, digits_only: false };
    let config = Config { project: Project { pin, ..Project::default() }, ..Config::default() };
    let world = World::with(config);
    let token = world.token();
    assert_eq!(world.client().unlock_check(&token.in_hand()).unwrap().pin, pin);
    let release = world.open(&token).release(&token);
    assert_eq!((release.context.pin.min_len, release.context.pin.max_len), (8, 12));
    assert!(!release.context.pin.digits_only);
}
