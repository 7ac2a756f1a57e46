//! Anchors and revocation lists as everyone gets them.

use time::Duration;
use ycd_pki::{
    Certificate, ChainError,
    cert::Usage,
    chain::{Revocation, verify_chain},
    crl::Crl,
};
use ycd_portal_api::wire::orders::Reason;

use crate::world::{PHONE, TOKEN_ID, Token, World};

#[test]
fn the_list_counts_up_when_something_has_changed_or_time_has_passed() {
    let world = World::new();
    let token = Token::first_certificate(&world, TOKEN_ID, PHONE);
    let first = world.list();
    assert_eq!((first.number(), first.len()), (Some(1), 0));
    assert_eq!(world.list().der(), first.der(), "nothing has changed");
    world.operator().revoke_certificate(&token.serial(), &Reason { reason: "密钥泄露".into() }).unwrap();
    let second = world.list();
    assert_eq!((second.number(), second.len()), (Some(2), 1));
    world.advance(Duration::hours(13));
    let third = world.list();
    assert_eq!((third.number(), third.len()), (Some(3), 1));
    assert!(third.next_update().unwrap() > world.now());
}

#[test]
fn the_number_of_a_list_goes_on_after_a_restart() {
    let mut world = World::new();
    assert_eq!(world.list().number(), Some(1));
    world.restart();
    assert_eq!(world.list().number(), Some(1));
    world.advance(Duration::hours(13));
    assert_eq!(world.list().number(), Some(2));
}

#[test]
fn a_revoked_certificate_is_bad_for_whoever_looks_at_anchors_and_lists() {
    let world = World::new();
    let token = Token::first_certificate(&world, TOKEN_ID, PHONE);
    let cas = Certificate::all_from_pem(&world.client().trust_anchors().unwrap()).unwrap();
    let root_list = world
        .runtime
        .block_on(world.portal.authority().current_list(&world.portal, ycd_portal::authority::Issuer::Root));
    let root_list = Crl::from_der(&root_list.unwrap()).unwrap();
    let check = || {
        let lists = [root_list.clone(), world.list()];
        verify_chain(
            &token.certificate,
            &cas[1..],
            &cas[..1],
            Revocation::Crls(&lists),
            world.now(),
            Usage::Sign,
        )
    };
    check().unwrap();
    world.operator().revoke_certificate(&token.serial(), &Reason { reason: "密钥泄露".into() }).unwrap();
    assert!(matches!(check(), Err(ChainError::Revoked { .. })));
}

#[test]
fn an_authority_elsewhere_is_told_of_each_revocation_once() {
    let world = World::new();
    let token = Token::first_certificate(&world, TOKEN_ID, PHONE);
    let remote = world.remote();
    world.operator().revoke_certificate(&token.serial(), &Reason { reason: "作废".into() }).unwrap();
    world.list();
    world.list();
    let told = remote.told.lock().unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].serial, token.certificate.serial());
}

#[test]
fn two_callers_at_once_get_one_list() {
    let world = World::new();
    let lists: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..6).map(|_| scope.spawn(|| world.list().der().to_vec())).collect();
        asking.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(lists.iter().all(|list| *list == lists[0]));
}
