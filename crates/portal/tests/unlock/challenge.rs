//! Keys that unlock by challenge and response.

use time::Duration;
use ycd_pki::{
    KeyPair,
    unlock::{Purpose, SessionKey, SoTries, UNBLOCK_HEADER, UnblockCommand},
};
use ycd_portal_api::wire::{orders::OrderState, unlock::Road};

use crate::world::{Claim, KEY_ID, Key, Work, World, refused};

/// Asks as a host does that has the key's challenge, and opens the answer.
fn answer(work: &Work<'_>, key: &Key, host: &KeyPair, challenge: [u8; 16]) -> (u32, u32, bool) {
    let mut request = work.request(key, host);
    request.challenge = challenge.to_vec();
    request.so_tries = SoTries::Unreadable;
    let answer = work.send(&request).unwrap();
    let context = work.world.verified(Purpose::Unlock, &answer);
    assert_eq!(context.nonce, challenge);
    assert_eq!((context.current_version, context.next_version, context.unblock_key_version), (0, 0, 1));
    let session = SessionKey::unseal(host, &answer.sealed_box.0).unwrap();
    let command = UnblockCommand::seal(&session, &UNBLOCK_HEADER, context.hash(), b"271828").unwrap();
    // The key makes the same session key out of what it knows.
    let own = key.unblock_key.as_ref().unwrap().session_key(&challenge, &context.hash());
    let works = command.open(&own, &UNBLOCK_HEADER).is_ok_and(|pin| *pin == b"271828");
    (context.release, context.valid_seconds, works)
}

#[test]
fn a_key_opens_what_the_portal_answers_to_its_challenge() {
    let world = World::new();
    let key = world.produced(KEY_ID, Road::Challenge);
    let work = world.open(&key);
    assert_eq!(work.order().road, Road::Challenge);
    let host = KeyPair::generate().unwrap();
    assert_eq!(answer(&work, &key, &host, [1; 16]), (1, 600, true));
    let claim = Claim { release: 1, one_time_key: host.public_key().fingerprint(), version: 0 };
    assert_eq!(work.unlocked(&key, &claim).unwrap().state, OrderState::Completed);
}

#[test]
fn a_retyped_pin_takes_a_new_challenge_under_the_same_release_for_ten_minutes() {
    let world = World::new();
    let key = world.produced(KEY_ID, Road::Challenge);
    let work = world.open(&key);
    let host = KeyPair::generate().unwrap();
    assert_eq!(answer(&work, &key, &host, [1; 16]), (1, 600, true));
    world.advance(Duration::seconds(100));
    let (release, valid_seconds, works) = answer(&work, &key, &host, [2; 16]);
    assert!(release == 1 && works && (490..=500).contains(&valid_seconds), "{valid_seconds}");
    // The same challenge again: the answer was lost.
    let mut request = work.request(&key, &host);
    request.challenge = vec![2; 16];
    assert_eq!(work.send(&request).unwrap(), work.send(&request).unwrap());
    assert_eq!(work.order().newest_release, 1);
    world.advance(Duration::seconds(400));
    let again = world.open(&key);
    let mut late = again.request(&key, &host);
    late.challenge = vec![3; 16];
    world.advance(Duration::seconds(60));
    refused(again.send(&late), "unlock.release_expired");
}

#[test]
fn one_release_answers_so_many_challenges_and_no_more() {
    let world = World::new();
    let key = world.produced(KEY_ID, Road::Challenge);
    let work = world.open(&key);
    let host = KeyPair::generate().unwrap();
    for number in 0..20 {
        assert_eq!(answer(&work, &key, &host, [number; 16]).0, 1);
    }
    let mut request = work.request(&key, &host);
    request.challenge = vec![20; 16];
    refused(work.send(&request), "unlock.release_expired");
    assert_eq!(answer(&work, &key, &KeyPair::generate().unwrap(), [20; 16]).0, 2);
}

#[test]
fn a_key_that_can_be_challenged_never_has_its_so_pin_released() {
    let world = World::new();
    let key = world.produced(KEY_ID, Road::Challenge);
    let work = world.open(&key);
    let mut request = work.request(&key, &KeyPair::generate().unwrap());
    request.road = ycd_pki::unlock::Road::Wrapped;
    refused(work.send(&request), "unlock.road_wrong");
    request.road = ycd_pki::unlock::Road::Challenge;
    for len in [0, 15, 17, 32] {
        request.challenge = vec![1; len];
        refused(work.send(&request), "unlock.request_sealed");
    }
    // Nothing is counted: no SO PIN is tried on this road.
    answer(&work, &key, &KeyPair::generate().unwrap(), [1; 16]);
    let record = world.operator().key_record(KEY_ID).unwrap();
    assert_eq!((record.unproven_releases, record.next_version), (0, None));
}

#[test]
fn every_key_has_an_unblock_key_of_its_own_and_no_so_pin_can_be_claimed() {
    let world = World::new();
    let key = world.produced(KEY_ID, Road::Challenge);
    let other = world.produced("softkey:0002", Road::Challenge);
    assert_ne!(key.unblock_key, other.unblock_key);
    let work = world.open(&key);
    let host = KeyPair::generate().unwrap();
    answer(&work, &key, &host, [1; 16]);
    let claim = Claim { release: 1, one_time_key: host.public_key().fingerprint(), version: 1 };
    refused(work.unlocked(&key, &claim), "unlock.proof_mismatch");
}
