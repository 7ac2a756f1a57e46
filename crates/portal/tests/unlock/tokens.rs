//! The token of an order, and what it is worth.

use time::Duration;
use ycd_pki::KeyPair;
use ycd_portal_api::wire::{login::SessionToken, orders::OrderQuery, unlock::Road};
use zeroize::Zeroizing;

use crate::world::{PHONE, World, refused};

#[test]
fn a_token_lets_ask_for_releases_for_ten_minutes_and_do_the_rest_for_an_hour() {
    let world = World::new();
    let key = world.key();
    let grant = world.client().open_unlock(&world.opening(&key)).unwrap();
    let left = grant.releases_until.0 - world.now();
    assert!((590..=600).contains(&left.whole_seconds()), "{left}");
    let work = crate::world::Work::new(&world, grant);
    work.release(&key);
    world.advance(Duration::seconds(601));
    let request = work.request(&key, &KeyPair::generate().unwrap());
    refused(work.send(&request), "auth.step_up_invalid");
    work.alive(1).unwrap();
    work.order();
    world.advance(Duration::hours(1));
    refused(work.client.unlock_order(&work.no), "auth.session_expired");
    refused(work.alive(1), "auth.session_expired");
    refused(work.client.unlock_nonce(&work.no), "auth.session_expired");
    refused(work.client.cancel_unlock(&work.no), "auth.session_expired");
}

#[test]
fn a_token_is_worth_nothing_for_another_order_and_no_session_stands_in_for_it() {
    let world = World::new();
    let (key, other) = (world.key(), world.produced("softkey:0002", Road::Wrapped));
    let (work, elsewhere) = (world.open(&key), world.open(&other));
    refused(elsewhere.client.unlock_order(&work.no), "unlock.order_other");
    refused(elsewhere.client.cancel_unlock(&work.no), "unlock.order_other");
    refused(elsewhere.client.unlock_nonce(&work.no), "unlock.order_other");
    let mut request = work.request(&key, &KeyPair::generate().unwrap());
    for other in [&elsewhere.step_up, &elsewhere.token, &work.token] {
        request.step_up = Zeroizing::new(other.clone());
        refused(work.send(&request), "auth.step_up_invalid");
    }

    world.advance(Duration::seconds(61));
    let session = world.session(PHONE);
    request.step_up = Zeroizing::new(session.reveal().to_owned());
    refused(work.send(&request), "auth.step_up_invalid");
    let applicant = world.client().with_session(session);
    refused(applicant.unlock_order(&work.no), "auth.session_expired");
    refused(world.operator().unlock_order(&work.no), "auth.session_expired");
    refused(world.client().unlock_order(&work.no), "auth.required");
    let made_up = world.client().with_session(SessionToken::new("00".repeat(32)));
    refused(made_up.unlock_order(&work.no), "auth.session_expired");
}

#[test]
fn a_token_opens_nothing_but_its_order() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    refused(work.client.me(), "auth.session_expired");
    refused(work.client.orders(&OrderQuery::default()), "auth.session_expired");
    refused(work.client.order(&work.no), "auth.session_expired");
    refused(work.client.cancel_order(&work.no), "auth.session_expired");
    refused(work.client.operator_order(&work.no), "auth.session_expired");
    refused(work.client.logout(), "auth.session_expired");
    work.order();
}

#[test]
fn tokens_are_stored_as_hashes() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let stored: Vec<Vec<u8>> = world.run(async {
        let mut db = world.portal.db().read().await.unwrap();
        sqlx::query_scalar("SELECT token FROM unlock_tokens").fetch_all(&mut *db).await.unwrap()
    });
    assert_eq!(stored.len(), 1);
    assert_ne!(hex::encode(&stored[0]), work.token);
}
