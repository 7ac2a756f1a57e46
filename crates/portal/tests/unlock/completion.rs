use time::Duration;
use ycd_pki::KeyPair;
use ycd_portal_api::wire::{orders::PublicStatus, unlock::UnlockMethod};

use crate::world::{Claim, PHONE, TOKEN_ID, World, refused};

fn versions(world: &World) -> (u32, Option<u32>) {
    let record = world.operator().token_record(TOKEN_ID).unwrap();
    (record.current_version, record.next_version)
}

#[test]
fn a_proof_completes_the_order_and_moves_the_so_pin_on() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let release = applicant.release(&token);
    assert_eq!(versions(&world), (1, Some(2)));
    let order = applicant.unlocked(&token, &release.claim(2)).unwrap();
    assert_eq!((order.state, versions(&world)), (PublicStatus::Completed, (2, None)));
    let message = world.messages(PHONE).remove(0);
    assert!(message.text.contains("已设置新口令") && message.code.is_none(), "{}", message.text);
    // The next order begins with the SO PIN that is on the token now.
    let again = world.open(&token).release(&token);
    assert_eq!(again.so_pins().current, release.so_pins().next);
    assert_eq!((again.context.current_version, again.context.next_version), (2, 3));
}

#[test]
fn the_so_pin_moves_only_on_the_version_that_is_named() {
    for (version, expected) in [(0, (1, Some(2))), (1, (1, Some(2))), (2, (2, None))] {
        let world = World::new();
        let token = world.token();
        let applicant = world.open(&token);
        let release = applicant.release(&token);
        let order = applicant.unlocked(&token, &release.claim(version)).unwrap();
        assert_eq!((order.state, versions(&world)), (PublicStatus::Completed, expected), "{version}");
    }
}

#[test]
fn a_proof_names_a_version_of_its_release_and_its_one_time_key() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let (first, second) = (applicant.release(&token), applicant.release(&token));
    let mut crossed = first.claim(2);
    crossed.one_time_key = second.host.public_key().fingerprint();
    let mut none = first.claim(2);
    none.one_time_key = [0; 32];
    let mut unknown = first.claim(2);
    unknown.release = 3;
    let mut zero = first.claim(2);
    zero.release = 0;
    for wrong in [first.claim(3), crossed, none, unknown, zero, Claim::works_already(1)] {
        refused(applicant.unlocked(&token, &wrong), "unlock.proof_mismatch");
    }
    assert_eq!((applicant.order().state, versions(&world)), (PublicStatus::AwaitingUnlock, (1, Some(2))));
    // An earlier release's proof is as good: the login happened.
    applicant.unlocked(&token, &first.claim(2)).unwrap();
}

#[test]
fn a_pin_that_works_already_is_proven_under_the_newest_release_and_not_without_one() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    refused(applicant.unlocked(&token, &Claim::works_already(0)), "unlock.proof_mismatch");
    applicant.release(&token);
    let mut with_version = Claim::works_already(1);
    with_version.version = 1;
    refused(applicant.unlocked(&token, &with_version), "unlock.proof_mismatch");
    let order = applicant.unlocked(&token, &Claim::works_already(1)).unwrap();
    assert_eq!(order.state, PublicStatus::Completed);
}

#[test]
fn only_the_certificates_key_completes_an_order() {
    let world = World::new();
    let (token, other) = (world.token(), world.personalized("softkey:0002", UnlockMethod::SoPin));
    let applicant = world.open(&token);
    let claim = applicant.release(&token).claim(2);
    let mut proof = token.proof(&world, &applicant, &claim);
    let nonce = proof.authorization.nonce.clone();
    let stranger = crate::world::Token {
        pair: KeyPair::generate().unwrap(),
        ..world.personalized("softkey:0003", UnlockMethod::SoPin)
    };
    for signer in [&other, &stranger] {
        let forged = signer.proof_with(&world, &applicant.no, &claim, nonce.0.clone().try_into().unwrap());
        refused(applicant.client.unlocked(&applicant.no, &forged), "attempt.authorization_invalid");
    }
    // What was signed is what is said.
    proof.so_pin_version = 1;
    refused(applicant.client.unlocked(&applicant.no, &proof), "attempt.authorization_invalid");
    proof.so_pin_version = 2;
    applicant.client.unlocked(&applicant.no, &proof).unwrap();
}

#[test]
fn a_nonce_is_good_once_for_ten_minutes_and_for_its_order() {
    let world = World::new();
    let (token, other) = (world.token(), world.personalized("softkey:0002", UnlockMethod::SoPin));
    let (applicant, elsewhere) = (world.open(&token), world.open(&other));
    let claim = applicant.release(&token).claim(2);
    let foreign = elsewhere.client.unlock_nonce(&elsewhere.no).unwrap().nonce.0;
    let proof = token.proof_with(&world, &applicant.no, &claim, foreign.try_into().unwrap());
    refused(applicant.client.unlocked(&applicant.no, &proof), "attempt.nonce_invalid");
    let old = token.proof(&world, &applicant, &claim);
    world.advance(Duration::minutes(11));
    refused(applicant.client.unlocked(&applicant.no, &old), "attempt.nonce_invalid");
    let made_up = token.proof_with(&world, &applicant.no, &claim, [5; 32]);
    refused(applicant.client.unlocked(&applicant.no, &made_up), "attempt.nonce_invalid");
    applicant.unlocked(&token, &claim).unwrap();
}

#[test]
fn repeats_get_the_same_answer_and_change_nothing_more() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let (first, second) = (applicant.release(&token), applicant.release(&token));
    let late = token.proof(&world, &applicant, &second.claim(2));
    let proof = token.proof(&world, &applicant, &first.claim(1));
    let order = applicant.client.unlocked(&applicant.no, &proof).unwrap();
    assert_eq!(applicant.client.unlocked(&applicant.no, &proof).unwrap(), order);
    // Another proof of the same order comes late: it is over.
    assert_eq!(applicant.client.unlocked(&applicant.no, &late).unwrap(), order);
    assert_eq!(versions(&world), (1, Some(2)));
    let completions =
        world.audited(&applicant.no).into_iter().filter(|(action, _)| action == "unlock.complete");
    assert_eq!(completions.count(), 1);
}

#[test]
fn a_late_proof_for_a_closed_order_or_another_is_refused() {
    let world = World::new();
    let token = world.token();
    let first = world.open(&token);
    let release = first.release(&token);
    let late = token.proof(&world, &first, &release.claim(2));
    first.client.cancel_unlock(&first.no).unwrap();
    refused(first.client.unlocked(&first.no, &late), "unlock.not_ready");
    let second = world.open(&token);
    refused(second.client.unlocked(&second.no, &late), "unlock.proof_mismatch");
    second.release(&token);
    refused(second.client.unlocked(&second.no, &late), "unlock.proof_mismatch");
    refused(second.client.unlocked(&first.no, &late), "unlock.order_other");
    assert_eq!((second.order().state, versions(&world)), (PublicStatus::AwaitingUnlock, (1, Some(2))));
}

#[test]
fn the_proof_is_taken_after_releases_can_no_longer_be_asked_for() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let release = applicant.release(&token);
    world.advance(Duration::minutes(50));
    applicant.liveness(1).unwrap();
    applicant.unlocked(&token, &release.claim(2)).unwrap();
}
