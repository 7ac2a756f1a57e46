//! Tries of the SO PIN.

use ycd_pki::{KeyPair, unlock::SoTries};

use crate::world::{Claim, KEY_ID, Key, Work, World, refused};

fn ask(work: &Work<'_>, key: &Key, so_tries: SoTries) -> Result<(), ycd_portal_api::ApiError> {
    let mut request = work.request(key, &KeyPair::generate().unwrap());
    request.so_tries = so_tries;
    work.send(&request).map(drop)
}

fn unproven(world: &World) -> u32 {
    world.operator().key_record(KEY_ID).unwrap().unproven_releases
}

#[test]
fn a_key_that_tells_its_tries_needs_three_of_them() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    refused(ask(&work, &key, SoTries::Exactly(0)), "unlock.so_locked");
    refused(ask(&work, &key, SoTries::None), "unlock.so_locked");
    for low in [SoTries::Exactly(1), SoTries::Exactly(2), SoTries::Last] {
        refused(ask(&work, &key, low), "unlock.so_tries_low");
    }
    assert_eq!((work.order().newest_release, unproven(&world)), (0, 0));
    ask(&work, &key, SoTries::Exactly(3)).unwrap();
    ask(&work, &key, SoTries::Full).unwrap();
    assert_eq!(unproven(&world), 2);
}

#[test]
fn where_a_key_does_not_tell_every_release_counts_as_a_try_and_the_count_survives_the_order() {
    let world = World::new();
    let key = world.key();
    let first = world.open(&key);
    for _ in 0..3 {
        ask(&first, &key, SoTries::Unreadable).unwrap();
    }
    assert_eq!(unproven(&world), 3);
    first.client.cancel_unlock(&first.no).unwrap();
    let second = world.open(&key);
    refused(ask(&second, &key, SoTries::Unreadable), "unlock.so_tries_low");
    refused(ask(&second, &key, SoTries::Low), "unlock.so_tries_low");
    // A number that the key itself tells is better.
    ask(&second, &key, SoTries::Exactly(5)).unwrap();
    assert_eq!(unproven(&world), 4);
}

#[test]
fn a_release_that_is_given_again_does_not_count_again() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let request = work.request(&key, &KeyPair::generate().unwrap());
    for _ in 0..3 {
        work.send(&request).unwrap();
    }
    assert_eq!(unproven(&world), 1);
}

#[test]
fn a_proven_login_leaves_the_later_releases_as_unproven() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    let first = work.release(&key);
    work.release(&key);
    work.release(&key);
    work.unlocked(&key, &first.claim(2)).unwrap();
    assert_eq!(unproven(&world), 2);
    let next = world.open(&key);
    let release = next.release(&key);
    next.unlocked(&key, &release.claim(3)).unwrap();
    assert_eq!(unproven(&world), 0);
}

#[test]
fn a_pin_that_works_already_proves_no_login() {
    let world = World::new();
    let key = world.key();
    let work = world.open(&key);
    work.release(&key);
    work.unlocked(&key, &Claim::works_already(1)).unwrap();
    let record = world.operator().key_record(KEY_ID).unwrap();
    assert_eq!((record.unproven_releases, record.current_version, record.next_version), (1, 1, Some(2)));
}
