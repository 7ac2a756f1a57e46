//! Tries of the SO PIN.

use ycd_pki::{KeyPair, unlock::SoPinRetryCounter};

use crate::world::{Applicant, Claim, TOKEN_ID, Token, World, refused};

fn ask(
    applicant: &Applicant<'_>,
    token: &Token,
    so_pin_retry_counter: SoPinRetryCounter,
) -> Result<(), ycd_portal_api::ApiError> {
    let mut request = applicant.request(token, &KeyPair::generate().unwrap());
    request.so_pin_retry_counter = so_pin_retry_counter;
    applicant.send(&request).map(drop)
}

fn unproven(world: &World) -> u32 {
    world.operator().token_record(TOKEN_ID).unwrap().unproven_releases
}

#[test]
fn a_token_that_tells_its_tries_needs_three_of_them() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    refused(ask(&applicant, &token, SoPinRetryCounter::Exactly(0)), "unlock.so_locked");
    refused(ask(&applicant, &token, SoPinRetryCounter::None), "unlock.so_locked");
    for low in [SoPinRetryCounter::Exactly(1), SoPinRetryCounter::Exactly(2), SoPinRetryCounter::FinalTry] {
        refused(ask(&applicant, &token, low), "unlock.so_pin_retry_counter_low");
    }
    assert_eq!((applicant.order().newest_release, unproven(&world)), (0, 0));
    ask(&applicant, &token, SoPinRetryCounter::Exactly(3)).unwrap();
    ask(&applicant, &token, SoPinRetryCounter::Full).unwrap();
    assert_eq!(unproven(&world), 2);
}

#[test]
fn where_a_token_does_not_tell_every_release_counts_as_a_try_and_the_count_survives_the_order() {
    let world = World::new();
    let token = world.token();
    let first = world.open(&token);
    for _ in 0..3 {
        ask(&first, &token, SoPinRetryCounter::Unreadable).unwrap();
    }
    assert_eq!(unproven(&world), 3);
    first.client.cancel_unlock(&first.no).unwrap();
    let second = world.open(&token);
    refused(ask(&second, &token, SoPinRetryCounter::Unreadable), "unlock.so_pin_retry_counter_low");
    refused(ask(&second, &token, SoPinRetryCounter::Low), "unlock.so_pin_retry_counter_low");
    // A number that the token itself tells is better.
    ask(&second, &token, SoPinRetryCounter::Exactly(5)).unwrap();
    assert_eq!(unproven(&world), 4);
}

#[test]
fn a_release_that_is_given_again_does_not_count_again() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let request = applicant.request(&token, &KeyPair::generate().unwrap());
    for _ in 0..3 {
        applicant.send(&request).unwrap();
    }
    assert_eq!(unproven(&world), 1);
}

#[test]
fn a_proven_login_leaves_the_later_releases_as_unproven() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let first = applicant.release(&token);
    applicant.release(&token);
    applicant.release(&token);
    applicant.unlocked(&token, &first.claim(2)).unwrap();
    assert_eq!(unproven(&world), 2);
    let next = world.open(&token);
    let release = next.release(&token);
    next.unlocked(&token, &release.claim(3)).unwrap();
    assert_eq!(unproven(&world), 0);
}

#[test]
fn a_pin_that_works_already_proves_no_login() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    applicant.release(&token);
    applicant.unlocked(&token, &Claim::works_already(1)).unwrap();
    let record = world.operator().token_record(TOKEN_ID).unwrap();
    assert_eq!((record.unproven_releases, record.current_version, record.next_version), (1, 1, Some(2)));
}
