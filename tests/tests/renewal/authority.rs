//! What the portal sends is checked before it is written; what it refuses is refused.

use ycd_flows::{
    clock::Clock,
    renewal::{Event, Options, Renewal},
};
use ycd_portal_api::wire::{certificates::CertificateQuery, orders::Reason};
use ycd_tests::{
    prompter::Scripted,
    proxy::Fate,
    world::{PIN, World},
};

use super::{ended_well, old_one_still_serves};

#[test]
fn a_revoked_certificate_cannot_be_renewed() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    world.operator().revoke_certificate(&token.certificate, &Reason { reason: "遗失".into() }).unwrap();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "certificate.revoked");
    let view = portal.certificate(&token.certificate).unwrap();
    assert_eq!((view.actions, view.no_action_because.as_deref()), (vec![], Some("certificate.revoked")));
}

/// Changes one character inside the base64 of the certificate in an answer.
fn altered(body: String) -> String {
    let Some(at) = body.find("\"certificate\":\"") else { return body };
    let mut bytes = body.into_bytes();
    let target = at + "\"certificate\":\"".len() + 300;
    bytes[target] = if bytes[target] == b'A' { b'B' } else { b'A' };
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_altered_certificate_is_not_written() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    world.proxy.set(|call| {
        if call.path.ends_with("/issue") || (call.method == "GET" && call.path.ends_with("/attempts")) {
            Fate::Alter(altered)
        } else {
            Fate::Pass
        }
    });
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert!(
        matches!(
            error.code(),
            "flow.certificate_mismatch" | "flow.certificate_untrusted" | "portal.bad_answer"
        ),
        "{error}"
    );
    world.proxy.pass_all();
    let contents = machine.contents(&token.token_id);
    let certificates: usize = contents.containers.iter().map(|c| c.certificates.len()).sum();
    assert_eq!(certificates, 1, "only the old one");
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn a_certificate_of_an_unknown_authority_is_not_written() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    machine.anchors = World::new().anchors();
    let portal = world.applicant(&token.phone);
    let error = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap_err();
    assert_eq!(error.code(), "flow.certificate_untrusted");
    old_one_still_serves(&world, &mut machine, &token);
    machine.anchors = world.anchors();
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

struct YearOff;

impl Clock for YearOff {
    fn now(&self) -> time::OffsetDateTime {
        time::OffsetDateTime::now_utc() - time::Duration::days(365)
    }
}

#[test]
fn a_clock_that_is_a_year_off_is_told_and_does_no_harm() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let mut prompter = Scripted::with_pin(PIN);
    let renewed = Renewal {
        portal: &portal,
        tokens: &mut machine.tokens,
        prompter: &mut prompter,
        journal: &machine.journal,
        locks: &machine.locks,
        anchors: &machine.anchors,
        trust: Some(&machine.trust),
        clock: &YearOff,
        store: None,
        options: Options::default(),
    }
    .run(&order)
    .unwrap();
    let told = prompter
        .heard
        .lock()
        .unwrap()
        .events
        .iter()
        .any(|event| matches!(event, Event::ClockOff { seconds } if *seconds > 360 * 86_400));
    assert!(told);
    ended_well(&world, &mut machine, &token, &order, &renewed);
}

#[test]
fn the_new_certificate_is_the_first_in_the_list_and_the_old_one_is_superseded_not_revoked() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    let portal = world.applicant(&token.phone);
    let renewed = machine.renew(&portal, &mut Scripted::with_pin(PIN), &order).unwrap();
    let list = portal.certificates(&CertificateQuery::default()).unwrap();
    let new = ycd_pki::Certificate::from_der(&renewed.new).unwrap();
    assert_eq!(list.items[0].serial, new.serial_hex());
    let crl = ycd_pki::crl::Crl::from_der(&portal.crl().unwrap()).unwrap();
    let old = ycd_pki::Certificate::from_der(&renewed.old).unwrap();
    assert!(crl.revokes(&old).is_none());
}

#[test]
fn another_portal_than_the_one_this_machine_was_set_up_with_gets_no_signature() {
    let world = World::new();
    let (token, order) = world.token_with_order();
    let mut machine = world.machine("a");
    machine.trust.name = "another".into();
    let portal = world.applicant(&token.phone);
    let mut prompter = Scripted::with_pin(PIN);
    let error = machine.renew(&portal, &mut prompter, &order).unwrap_err();
    assert_eq!(error.code(), "flow.other_portal");
    assert!(prompter.heard.lock().unwrap().pins.is_empty(), "no PIN was asked for");
}
