//! The token of an order, and what it is worth.

use time::Duration;
use ycd_pki::KeyPair;
use ycd_portal_api::wire::{login::SessionToken, orders::OrderQuery, unlock::UnlockMethod};
use zeroize::Zeroizing;

use crate::world::{PHONE, World, refused};

#[test]
fn a_token_lets_ask_for_releases_for_ten_minutes_and_do_the_rest_for_an_hour() {
    let world = World::new();
    let token = world.token();
    let grant = world.client().open_unlock(&world.unlock_request(&token)).unwrap();
    let left = grant.releases_until.0 - world.now();
    assert!((590..=600).contains(&left.whole_seconds()), "{left}");
    let applicant = crate::world::Applicant::new(&world, grant);
    applicant.release(&token);
    world.advance(Duration::seconds(601));
    let request = applicant.request(&token, &KeyPair::generate().unwrap());
    refused(applicant.send(&request), "auth.step_up_invalid");
    applicant.liveness(1).unwrap();
    applicant.order();
    world.advance(Duration::hours(1));
    refused(applicant.client.unlock_order(&applicant.no), "auth.session_expired");
    refused(applicant.liveness(1), "auth.session_expired");
    refused(applicant.client.unlock_nonce(&applicant.no), "auth.session_expired");
    refused(applicant.client.cancel_unlock(&applicant.no), "auth.session_expired");
}

#[test]
fn a_token_is_worth_nothing_for_another_order_and_no_session_stands_in_for_it() {
    let world = World::new();
    let (token, other) = (world.token(), world.personalized("softkey:0002", UnlockMethod::SoPin));
    let (applicant, elsewhere) = (world.open(&token), world.open(&other));
    refused(elsewhere.client.unlock_order(&applicant.no), "unlock.order_other");
    refused(elsewhere.client.cancel_unlock(&applicant.no), "unlock.order_other");
    refused(elsewhere.client.unlock_nonce(&applicant.no), "unlock.order_other");
    let mut request = applicant.request(&token, &KeyPair::generate().unwrap());
    for other in [&elsewhere.step_up, &elsewhere.ticket, &applicant.ticket] {
        request.step_up = Zeroizing::new(other.clone());
        refused(applicant.send(&request), "auth.step_up_invalid");
    }

    world.advance(Duration::seconds(61));
    let session = world.session(PHONE);
    request.step_up = Zeroizing::new(session.reveal().to_owned());
    refused(applicant.send(&request), "auth.step_up_invalid");
    let logged_in = world.client().with_session(session);
    refused(logged_in.unlock_order(&applicant.no), "auth.session_expired");
    refused(world.operator().unlock_order(&applicant.no), "auth.session_expired");
    refused(world.client().unlock_order(&applicant.no), "auth.required");
    let made_up = world.client().with_session(SessionToken::new("00".repeat(32)));
    refused(made_up.unlock_order(&applicant.no), "auth.session_expired");
}

#[test]
fn a_token_opens_nothing_but_its_order() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    refused(applicant.client.me(), "auth.session_expired");
    refused(applicant.client.orders(&OrderQuery::default()), "auth.session_expired");
    refused(applicant.client.order(&applicant.no), "auth.session_expired");
    refused(applicant.client.cancel_order(&applicant.no), "auth.session_expired");
    refused(applicant.client.operator_order(&applicant.no), "auth.session_expired");
    refused(applicant.client.logout(), "auth.session_expired");
    applicant.order();
}

#[test]
fn tokens_are_stored_as_hashes() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let stored: Vec<Vec<u8>> = world.run(async {
        let mut db = world.portal.db().read().await.unwrap();
        sqlx::query_scalar("SELECT ticket FROM unlock_tickets").fetch_all(&mut *db).await.unwrap()
    });
    assert_eq!(stored.len(), 1);
    assert_ne!(hex::encode(&stored[0]), applicant.ticket);
}
