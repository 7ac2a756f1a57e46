//! Tokens that unlock by challenge and response.

use time::Duration;
use ycd_pki::{
    KeyPair,
    unlock::{Purpose, SessionKey, SoPinRetryCounter, UNBLOCK_HEADER, UnblockCommand},
};
use ycd_portal_api::wire::{orders::PublicStatus, unlock::UnlockMethod};

use crate::world::{Applicant, Claim, TOKEN_ID, Token, World, refused};

/// Asks as a host does that has the token's challenge, and opens the answer.
fn answer(applicant: &Applicant<'_>, token: &Token, host: &KeyPair, challenge: [u8; 16]) -> (u32, u32, bool) {
    let mut request = applicant.request(token, host);
    request.challenge = challenge.to_vec();
    request.so_pin_retry_counter = SoPinRetryCounter::Unreadable;
    let answer = applicant.send(&request).unwrap();
    let context = applicant.world.verified(Purpose::Unlock, &answer);
    assert_eq!(context.nonce, challenge);
    assert_eq!((context.current_version, context.next_version, context.unblock_key_version), (0, 0, 1));
    let session = SessionKey::unseal(host, &answer.sealed_envelope.0).unwrap();
    let command = UnblockCommand::seal(&session, &UNBLOCK_HEADER, context.hash(), b"271828").unwrap();
    // The token makes the same session key out of what it knows.
    let own = token.unblock_key.as_ref().unwrap().session_key(&challenge, &context.hash());
    let works = command.open(&own, &UNBLOCK_HEADER).is_ok_and(|pin| *pin == b"271828");
    (context.release, context.valid_seconds, works)
}

#[test]
fn a_token_opens_what_the_portal_answers_to_its_challenge() {
    let world = World::new();
    let token = world.personalized(TOKEN_ID, UnlockMethod::ChallengeResponse);
    let applicant = world.open(&token);
    assert_eq!(applicant.order().method, UnlockMethod::ChallengeResponse);
    let host = KeyPair::generate().unwrap();
    assert_eq!(answer(&applicant, &token, &host, [1; 16]), (1, 600, true));
    let claim = Claim { release: 1, one_time_key: host.public_key().fingerprint(), version: 0 };
    assert_eq!(applicant.unlocked(&token, &claim).unwrap().state, PublicStatus::Completed);
}

#[test]
fn a_retyped_pin_takes_a_new_challenge_under_the_same_release_for_ten_minutes() {
    let world = World::new();
    let token = world.personalized(TOKEN_ID, UnlockMethod::ChallengeResponse);
    let applicant = world.open(&token);
    let host = KeyPair::generate().unwrap();
    assert_eq!(answer(&applicant, &token, &host, [1; 16]), (1, 600, true));
    world.advance(Duration::seconds(100));
    let (release, valid_seconds, works) = answer(&applicant, &token, &host, [2; 16]);
    assert!(release == 1 && works && (490..=500).contains(&valid_seconds), "{valid_seconds}");
    // The same challenge again: the answer was lost.
    let mut request = applicant.request(&token, &host);
    request.challenge = vec![2; 16];
    assert_eq!(applicant.send(&request).unwrap(), applicant.send(&request).unwrap());
    assert_eq!(applicant.order().newest_release, 1);
    world.advance(Duration::seconds(400));
    let again = world.open(&token);
    let mut late = again.request(&token, &host);
    late.challenge = vec![3; 16];
    world.advance(Duration::seconds(60));
    refused(again.send(&late), "unlock.release_expired");
}

#[test]
fn one_release_answers_so_many_challenges_and_no_more() {
    let world = World::new();
    let token = world.personalized(TOKEN_ID, UnlockMethod::ChallengeResponse);
    let applicant = world.open(&token);
    let host = KeyPair::generate().unwrap();
    for number in 0..20 {
        assert_eq!(answer(&applicant, &token, &host, [number; 16]).0, 1);
    }
    let mut request = applicant.request(&token, &host);
    request.challenge = vec![20; 16];
    refused(applicant.send(&request), "unlock.release_expired");
    assert_eq!(answer(&applicant, &token, &KeyPair::generate().unwrap(), [20; 16]).0, 2);
}

#[test]
fn a_token_that_can_be_challenged_never_has_its_so_pin_released() {
    let world = World::new();
    let token = world.personalized(TOKEN_ID, UnlockMethod::ChallengeResponse);
    let applicant = world.open(&token);
    let mut request = applicant.request(&token, &KeyPair::generate().unwrap());
    request.method = ycd_pki::unlock::UnlockMethod::SoPin;
    refused(applicant.send(&request), "unlock.method_wrong");
    request.method = ycd_pki::unlock::UnlockMethod::ChallengeResponse;
    for len in [0, 15, 17, 32] {
        request.challenge = vec![1; len];
        refused(applicant.send(&request), "unlock.request_sealed");
    }
    // Nothing is counted: no SO PIN is tried on this method.
    answer(&applicant, &token, &KeyPair::generate().unwrap(), [1; 16]);
    let record = world.operator().token_record(TOKEN_ID).unwrap();
    assert_eq!((record.unproven_releases, record.next_version), (0, None));
}

#[test]
fn every_token_has_an_unblock_key_of_its_own_and_no_so_pin_can_be_claimed() {
    let world = World::new();
    let token = world.personalized(TOKEN_ID, UnlockMethod::ChallengeResponse);
    let other = world.personalized("softkey:0002", UnlockMethod::ChallengeResponse);
    assert_ne!(token.unblock_key, other.unblock_key);
    let applicant = world.open(&token);
    let host = KeyPair::generate().unwrap();
    answer(&applicant, &token, &host, [1; 16]);
    let claim = Claim { release: 1, one_time_key: host.public_key().fingerprint(), version: 1 };
    refused(applicant.unlocked(&token, &claim), "unlock.proof_mismatch");
}
