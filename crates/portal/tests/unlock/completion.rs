use time::Duration;
use ycd_pki::KeyPair;
use ycd_portal_api::wire::{orders::OrderState, unlock::Road};

use crate::world::{Claim, KEY_ID, PHONE, World, refused};

fn versions(world: &World) -> (u32, Option<u32>) {
    let record = world.operator().key_record(KEY_ID).unwrap();
    (record.current_version, record.next_version)
}

#[test]
fn a_proof_completes_the_order_and_moves_the_so_pin_on() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let release = work.release(&key);
    assert_eq!(versions(&world), (1, Some(2)));
    let order = work.unlocked(&key, &release.claim(2)).unwrap();
    assert_eq!((order.state, versions(&world)), (OrderState::Completed, (2, None)));
    let message = world.messages(PHONE).remove(0);
    assert!(message.text.contains("已设置新口令") && message.code.is_none(), "{}", message.text);
    // The next order begins with the SO PIN that is on the key now.
    let again = world.open(&key).release(&key);
    assert_eq!(again.so_pins().current, release.so_pins().next);
    assert_eq!((again.context.current_version, again.context.next_version), (2, 3));
}

#[test]
fn the_so_pin_moves_only_on_the_version_that_is_named() {
    for (version, expected) in [(0, (1, Some(2))), (1, (1, Some(2))), (2, (2, None))] {
        let world = World::new();
        let key = world.key();
        let work = world.open(&key);
        let release = work.release(&key);
        let order = work.unlocked(&key, &release.claim(version)).unwrap();
        assert_eq!((order.state, versions(&world)), (OrderState::Completed, expected), "{version}");
    }
}

#[test]
fn a_proof_names_a_version_of_its_release_and_its_one_time_key() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let (first, second) = (work.release(&key), work.release(&key));
    let mut crossed = first.claim(2);
    crossed.one_time_key = second.host.public_key().fingerprint();
    let mut none = first.claim(2);
    none.one_time_key = [0; 32];
    let mut unknown = first.claim(2);
    unknown.release = 3;
    let mut zero = first.claim(2);
    zero.release = 0;
    for wrong in [first.claim(3), crossed, none, unknown, zero, Claim::works_already(1)] {
        refused(work.unlocked(&key, &wrong), "unlock.proof_mismatch");
    }
    assert_eq!((work.order().state, versions(&world)), (OrderState::AwaitingUnlock, (1, Some(2))));
    // An earlier release's proof is as good: the login happened.
    work.unlocked(&key, &first.claim(2)).unwrap();
}

#[test]
fn a_pin_that_works_already_is_proven_under_the_newest_release_and_not_without_one() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    refused(work.unlocked(&key, &Claim::works_already(0)), "unlock.proof_mismatch");
    work.release(&key);
    let mut with_version = Claim::works_already(1);
    with_version.version = 1;
    refused(work.unlocked(&key, &with_version), "unlock.proof_mismatch");
    let order = work.unlocked(&key, &Claim::works_already(1)).unwrap();
    assert_eq!(order.state, OrderState::Completed);
}

#[test]
fn only_the_certificates_key_completes_an_order() {
    let world = World::new();
    let (key, other) = (world.key(), world.produced("softkey:0002", Road::Wrapped));
    let work = world.open(&key);
    let claim = work.release(&key).claim(2);
    let mut proof = key.proof(&world, &work, &claim);
    let nonce = proof.statement.nonce.clone();
    let stranger = crate::world::Key {
        pair: KeyPair::generate().unwrap(),
        ..world.produced("softkey:0003", Road::Wrapped)
    };
    for signer in [&other, &stranger] {
        let forged = signer.proof_with(&world, &work.no, &claim, nonce.0.clone().try_into().unwrap());
        refused(work.client.unlocked(&work.no, &forged), "attempt.statement_invalid");
    }
    // What was signed is what is said.
    proof.so_pin_version = 1;
    refused(work.client.unlocked(&work.no, &proof), "attempt.statement_invalid");
    proof.so_pin_version = 2;
    work.client.unlocked(&work.no, &proof).unwrap();
}

#[test]
fn a_nonce_is_good_once_for_ten_minutes_and_for_its_order() {
    let world = World::new();
    let (key, other) = (world.key(), world.produced("softkey:0002", Road::Wrapped));
    let (work, elsewhere) = (world.open(&key), world.open(&other));
    let claim = work.release(&key).claim(2);
    let foreign = elsewhere.client.unlock_nonce(&elsewhere.no).unwrap().nonce.0;
    let proof = key.proof_with(&world, &work.no, &claim, foreign.try_into().unwrap());
    refused(work.client.unlocked(&work.no, &proof), "attempt.nonce_invalid");
    let old = key.proof(&world, &work, &claim);
    world.advance(Duration::minutes(11));
    refused(work.client.unlocked(&work.no, &old), "attempt.nonce_invalid");
    let made_up = key.proof_with(&world, &work.no, &claim, [5; 32]);
    refused(work.client.unlocked(&work.no, &made_up), "attempt.nonce_invalid");
    work.unlocked(&key, &claim).unwrap();
}

#[test]
fn repeats_get_the_same_answer_and_change_nothing_more() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let (first, second) = (work.release(&key), work.release(&key));
    let late = key.proof(&world, &work, &second.claim(2));
    let proof = key.proof(&world, &work, &first.claim(1));
    let order = work.client.unlocked(&work.no, &proof).unwrap();
    assert_eq!(work.client.unlocked(&work.no, &proof).unwrap(), order);
    // Another proof of the same order comes late: it is over.
    assert_eq!(work.client.unlocked(&work.no, &late).unwrap(), order);
    assert_eq!(versions(&world), (1, Some(2)));
    let completions = world.audited(&work.no).into_iter().filter(|(action, _)| action == "unlock.complete");
    assert_eq!(completions.count(), 1);
}

#[test]
fn a_late_proof_for_a_closed_order_or_another_is_refused() {
    let world = World::new();
    let key = world.key();
    let first = world.open(&key);
    let release = first.release(&key);
    let late = key.proof(&world, &first, &release.claim(2));
    first.client.cancel_unlock(&first.no).unwrap();
    refused(first.client.unlocked(&first.no, &late), "unlock.not_ready");
    let second = world.open(&key);
    refused(second.client.unlocked(&second.no, &late), "unlock.proof_mismatch");
    second.release(&key);
    refused(second.client.unlocked(&second.no, &late), "unlock.proof_mismatch");
    refused(second.client.unlocked(&first.no, &late), "unlock.order_other");
    assert_eq!((second.order().state, versions(&world)), (OrderState::AwaitingUnlock, (1, Some(2))));
}

#[test]
fn the_proof_is_taken_after_releases_can_no_longer_be_asked_for() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let release = work.release(&key);
    world.advance(Duration::minutes(50));
    work.alive(1).unwrap();
    work.unlocked(&key, &release.claim(2)).unwrap();
}
