use std::thread;

use time::Duration;
use ycd_pki::{KeyPair, PublicKey, sm3::sm3, unlock::LivenessCheck};
use ycd_portal_api::wire::{
    Bytes,
    orders::PublicStatus,
    tokens::{DeclareSoPin, SoPinScheme},
    unlock::{AskLiveness, UnlockMethod},
};

use crate::world::{TOKEN_ID, World, refused};

#[test]
fn a_release_brings_the_so_pin_on_the_token_and_the_next_one_for_this_host_alone() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let release = applicant.release(&token);
    let context = &release.context;
    assert_eq!((context.order.as_str(), context.release), (applicant.no.as_str(), 1));
    assert_eq!((context.token_id.as_str(), context.certificate), (TOKEN_ID, sm3(token.certificate.der())));
    assert_eq!(context.one_time_key, release.host.public_key().fingerprint());
    assert_eq!((context.current_version, context.next_version, context.unblock_key_version), (1, 2, 0));
    assert_eq!((context.valid_seconds, context.nonce.len()), (600, 32));
    let pins = release.so_pins();
    assert_eq!(pins.current, token.so_pin);
    assert_ne!(pins.next, pins.current);
    assert_eq!(pins.next.expose().len(), 16);
    let order = applicant.order();
    assert_eq!((order.newest_release, order.releases_left), (1, 2));
    assert_eq!(order.state, PublicStatus::AwaitingUnlock);
}

#[test]
fn the_next_so_pin_is_the_same_in_every_sealed_envelope_across_releases_and_orders() {
    let world = World::new();
    let token = world.token();
    let first = world.open(&token);
    let pins = first.release(&token).so_pins();
    assert_eq!(first.release(&token).so_pins(), pins);
    first.client.cancel_unlock(&first.no).unwrap();
    let second = world.open(&token);
    assert_ne!(second.no, first.no);
    let release = second.release(&token);
    assert_eq!(release.so_pins(), pins);
    assert_eq!((release.context.current_version, release.context.next_version), (1, 2));
}

#[test]
fn the_same_one_time_key_gets_the_same_bytes_for_ten_minutes_and_then_nothing() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let host = KeyPair::generate().unwrap();
    let request = applicant.request(&token, &host);
    let answer = applicant.send(&request).unwrap();
    world.advance(Duration::seconds(500));
    assert_eq!(applicant.send(&request).unwrap(), answer);
    assert_eq!(applicant.order().newest_release, 1);
    // With a younger token too, but not longer than ten minutes.
    let again = world.open(&token);
    assert_eq!(again.send(&again.request(&token, &host)).unwrap(), answer);
    world.advance(Duration::seconds(60));
    refused(again.send(&again.request(&token, &host)), "unlock.release_expired");
    assert_eq!(again.order().newest_release, 1);
    again.release(&token);
}

#[test]
fn a_one_time_key_of_another_order_is_refused() {
    let world = World::new();
    let token = world.token();
    let first = world.open(&token);
    let host = KeyPair::generate().unwrap();
    first.send(&first.request(&token, &host)).unwrap();
    first.client.cancel_unlock(&first.no).unwrap();
    let second = world.open(&token);
    refused(second.send(&second.request(&token, &host)), "unlock.release_expired");
}

#[test]
fn a_fourth_release_takes_an_operator() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    for number in 1..=3 {
        assert_eq!(applicant.release(&token).context.release, number);
    }
    let host = KeyPair::generate().unwrap();
    refused(applicant.send(&applicant.request(&token, &host)), "unlock.releases_used_up");
    assert_eq!(applicant.order().releases_left, 0);
    refused(applicant.client.grant_releases(&applicant.no), "auth.session_expired");
    let order = world.operator().grant_releases(&applicant.no).unwrap();
    assert_eq!((order.newest_release, order.releases_left), (3, 3));
    // Three more, however often it is granted.
    assert_eq!(world.operator().grant_releases(&applicant.no).unwrap().releases_left, 3);
    for number in 4..=6 {
        assert_eq!(applicant.release(&token).context.release, number);
    }
    refused(applicant.send(&applicant.request(&token, &host)), "unlock.releases_used_up");
}

#[test]
fn a_request_is_for_its_order_token_certificate_and_method() {
    let world = World::new();
    let (token, other) = (world.token(), world.personalized("softkey:0002", UnlockMethod::SoPin));
    let applicant = world.open(&token);
    let host = KeyPair::generate().unwrap();
    let good = applicant.request(&token, &host);
    let mut wrong = good.clone();
    wrong.order = "SAAS120200101000000000001".into();
    refused(applicant.send(&wrong), "unlock.order_other");
    wrong = good.clone();
    wrong.token_id = other.id.clone();
    refused(applicant.send(&wrong), "order.wrong_token");
    wrong = good.clone();
    wrong.certificate = sm3(other.certificate.der());
    refused(applicant.send(&wrong), "order.wrong_token");
    wrong = good.clone();
    (wrong.method, wrong.challenge) = (ycd_pki::unlock::UnlockMethod::ChallengeResponse, vec![1; 16]);
    refused(applicant.send(&wrong), "unlock.method_wrong");
    wrong = good.clone();
    wrong.challenge = vec![1; 16];
    refused(applicant.send(&wrong), "unlock.request_sealed");
    assert_eq!(applicant.order().newest_release, 0);
    applicant.send(&good).unwrap();
}

#[test]
fn an_order_that_is_over_gives_no_release() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let release = applicant.release(&token);
    applicant.client.cancel_unlock(&applicant.no).unwrap();
    refused(applicant.send(&applicant.request(&token, &release.host)), "unlock.not_ready");
    refused(applicant.send(&applicant.request(&token, &KeyPair::generate().unwrap())), "unlock.not_ready");
    refused(applicant.client.unlock_nonce(&applicant.no), "unlock.not_ready");
    refused(applicant.liveness(1), "unlock.release_stale");
    refused(world.operator().grant_releases(&applicant.no), "unlock.not_ready");
}

#[test]
fn the_portals_word_is_given_for_the_newest_release_and_signed() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    refused(applicant.liveness(0), "unlock.release_stale");
    refused(applicant.liveness(1), "unlock.release_stale");
    applicant.release(&token);
    let nonce = [9; 32];
    let question = AskLiveness { release: 1, nonce: Bytes(nonce.to_vec()) };
    let answer = applicant.client.liveness(&applicant.no, &question).unwrap();
    let liveness = LivenessCheck {
        portal: world.portal.name().into(),
        order: applicant.no.clone(),
        release: 1,
        token_id: TOKEN_ID.into(),
        nonce,
    };
    let keys = world.client().portal_keys().unwrap();
    let portal = PublicKey::from_spki_der(&keys.signing_key.0).unwrap();
    portal.verify(&liveness.to_bytes(), &answer.signature.0).unwrap();

    applicant.release(&token);
    let problem = refused(applicant.liveness(1), "unlock.release_stale");
    assert_eq!(problem.extra["newest"], 2);
    applicant.liveness(2).unwrap();
    let short = AskLiveness { release: 2, nonce: Bytes(vec![1; 31]) };
    refused(applicant.client.liveness(&applicant.no, &short), "request.invalid");
}

#[test]
fn releases_and_refusals_are_in_the_audit_and_no_secret_is() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let pins = applicant.release(&token).so_pins();
    applicant.liveness(1).unwrap();
    let mut wrong = applicant.request(&token, &KeyPair::generate().unwrap());
    wrong.token_id = "softkey:0002".into();
    refused(applicant.send(&wrong), "order.wrong_token");
    let audited = world.audited(&applicant.no);
    let actions: Vec<_> = audited.iter().map(|(action, _)| action.as_str()).collect();
    let expected = [
        "unlock.refused",
        "unlock.liveness",
        "unlock.release",
        "unlock.open",
        "order.grant_unlock",
        "order.create",
    ];
    assert_eq!(actions, expected);
    assert_eq!((audited[0].1.as_str(), audited[1].1.as_str()), ("order.wrong_token", "release 1"));
    for (_, detail) in &audited {
        assert!(!detail.contains(pins.current.expose()) && !detail.contains(pins.next.expose()));
    }
}

#[test]
fn of_many_hosts_at_once_three_get_a_release_each_with_a_number_of_its_own() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let requests: Vec<_> = (0..6).map(|_| applicant.request(&token, &KeyPair::generate().unwrap())).collect();
    let outcomes: Vec<_> = thread::scope(|scope| {
        let applicant = &applicant;
        let asking: Vec<_> =
            requests.iter().map(|request| scope.spawn(move || applicant.send(request))).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let (given, problems): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    assert_eq!((given.len(), problems.len()), (3, 3));
    assert!(problems.iter().all(|r| r.as_ref().unwrap_err().code() == "unlock.releases_used_up"));
    assert_eq!(applicant.order().newest_release, 3);
}

#[test]
fn one_host_asking_many_times_at_once_gets_one_release() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let request = applicant.request(&token, &KeyPair::generate().unwrap());
    let answers: Vec<_> = thread::scope(|scope| {
        let (applicant, request) = (&applicant, &request);
        let asking: Vec<_> = (0..5).map(|_| scope.spawn(move || applicant.send(request).unwrap())).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(applicant.order().newest_release, 1);
}

#[test]
fn the_portals_keys_stay_when_it_is_started_again() {
    let mut world = World::new();
    let before = world.client().portal_keys().unwrap();
    assert_ne!(before.signing_key, before.sealing_key);
    assert_eq!(before.sealing_key.0, world.portal.identity().sealing().public_key().to_spki_der());
    assert_eq!(before.portal, world.portal.name());
    world.restart();
    assert_eq!(world.client().portal_keys().unwrap(), before);
}

#[test]
fn a_scheme_that_is_not_random_stops_a_release_whatever_the_order() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let scheme = DeclareSoPin { scheme: SoPinScheme::Shared };
    // It cannot be declared of such a token; as if the table had been changed by hand.
    refused(world.operator().declare_so_pin(TOKEN_ID, &scheme), "personalization.so_pin_fixed");
    world.run(async {
        let mut tx = world.portal.db().write().await.unwrap();
        sqlx::query("UPDATE tokens SET so_pin = 'shared'").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    });
    let request = applicant.request(&token, &KeyPair::generate().unwrap());
    refused(applicant.send(&request), "unlock.not_escrowed");
}

#[test]
fn the_portals_word_is_never_repeated_from_memory() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    applicant.release(&token);
    let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let ask = || {
        let question = AskLiveness { release: 1, nonce: Bytes(vec![7; 32]) };
        let request = http
            .post(world.url(&format!("/api/v1/unlock/orders/{}/liveness", applicant.no)))
            .header("Idempotency-Key", "same")
            .bearer_auth(&applicant.ticket)
            .json(&question);
        request.send().unwrap().status().as_u16()
    };
    assert_eq!((ask(), ask()), (200, 200));
    applicant.release(&token);
    assert_eq!(ask(), 409);
}

#[test]
fn a_portal_made_before_there_was_unlocking_gets_its_keys_when_it_is_opened() {
    let mut world = World::new();
    let before = world.client().portal_keys().unwrap();
    world.run(async {
        let mut tx = world.portal.db().write().await.unwrap();
        sqlx::query("DELETE FROM portal_secrets").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    });
    world.restart();
    let after = world.client().portal_keys().unwrap();
    assert_eq!(after.portal, before.portal);
    assert!(after.signing_key != before.signing_key && after.sealing_key != before.sealing_key);
    let token = world.token();
    world.open(&token).release(&token);
}

#[test]
fn a_renewed_certificate_takes_the_old_ones_place_in_the_order() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    // As a renewal leaves it: the old one superseded, its successor in use on the same token.
    let (successor, pair) = world.renewed(&token);
    let renewed = crate::world::Token { pair, certificate: successor, ..token };
    let again = world.open(&renewed);
    assert_eq!(again.no, applicant.no);
    let release = again.release(&renewed);
    assert_eq!(release.context.certificate, sm3(renewed.certificate.der()));
    again.unlocked(&renewed, &release.claim(2)).unwrap();
}
