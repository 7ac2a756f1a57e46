use time::Duration;
use ycd_portal_api::wire::{
    certificates::{CertificateAction, CertificateQuery, CertificateState},
    orders::{PublicStatus, Reason},
};

use crate::world::{COMPANY, OTHER_PHONE, PHONE, World, refused, renewal};

#[test]
fn a_certificate_shows_its_state_and_what_can_be_ordered() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 100);
    let view = client.certificate("A1").unwrap();
    assert_eq!((view.state, view.holder.name.as_str()), (CertificateState::Valid, COMPANY));
    assert_eq!(view.actions, [CertificateAction::Renew]);
    assert_eq!(view.phone, "138****0000");
    assert!((99..=100).contains(&view.days_left));

    world.advance(Duration::days(71));
    let client = world.login(PHONE);
    assert_eq!(client.certificate("A1").unwrap().state, CertificateState::ExpiringSoon);

    world.advance(Duration::days(30));
    let client = world.login(PHONE);
    let view = client.certificate("A1").unwrap();
    assert_eq!(view.state, CertificateState::Expired);
    assert_eq!(view.actions, [CertificateAction::ExpiredPurchase]);
    assert!(view.days_left < 0);
}

#[test]
fn a_revoked_certificate_offers_nothing_and_says_so() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let reason = Reason { reason: "密钥泄露".into() };
    assert_eq!(world.operator().revoke_certificate("A1", &reason).unwrap().state, CertificateState::Revoked);
    let view = client.certificate("A1").unwrap();
    assert_eq!(view.state, CertificateState::Revoked);
    assert_eq!(view.actions, []);
    assert_eq!(view.no_action_because.as_deref(), Some("certificate.revoked"));
    refused(world.operator().revoke_certificate("A1", &reason), "certificate.revoked");
}

#[test]
fn while_an_order_is_open_it_is_shown_and_nothing_else_is_offered() {
    let world = World::new();
    let client = world.login(PHONE);
    world.certificate("A1", PHONE, 20);
    let no = client.create_order(&renewal("A1")).unwrap().summary.no;
    let view = client.certificate("A1").unwrap();
    assert_eq!(view.actions, []);
    let open = view.open_order.unwrap();
    assert_eq!((open.no, open.state), (no, PublicStatus::Draft));
}

#[test]
fn another_phones_certificate_is_not_there() {
    let world = World::new();
    world.certificate("A1", PHONE, 20);
    let stranger = world.login(OTHER_PHONE);
    refused(stranger.certificate("A1"), "certificate.not_found");
    refused(stranger.create_order(&renewal("A1")), "certificate.not_found");
    assert_eq!(stranger.certificates(&CertificateQuery::default()).unwrap().total, 0);
    refused(stranger.certificate("nowhere"), "certificate.not_found");
}

#[test]
fn certificates_are_searched_and_paged() {
    let world = World::new();
    let client = world.login(PHONE);
    for number in 0..12 {
        world.certificate(&format!("AB{number:02}"), PHONE, 20 + number);
    }
    let search =
        |text: &str, page| CertificateQuery { text: Some(text.into()), page: Some(page), page_size: Some(5) };
    let page = client.certificates(&search("", 3)).unwrap();
    assert_eq!((page.total, page.items.len(), page.page), (12, 2, 3));
    assert_eq!(client.certificates(&search("酒城", 1)).unwrap().total, 12);
    assert_eq!(client.certificates(&search("ab07", 1)).unwrap().items[0].serial, "AB07");
    assert_eq!(client.certificates(&search("%", 1)).unwrap().total, 0);
    let too_large = CertificateQuery { page_size: Some(101), ..CertificateQuery::default() };
    refused(client.certificates(&too_large), "request.bad_parameter");
}
