use time::Duration;
use ycd_portal_api::wire::{
    operator::{AuditQuery, OperatorLogin, OutboxQuery},
    orders::{OrderQuery, Reason},
};

use crate::world::{PHONE, World, refused};

#[test]
fn an_operator_logs_in_with_name_and_password() {
    let world = World::new();
    let client = world.client();
    let login = |name: &str, password: &str| OperatorLogin { name: name.into(), password: password.into() };
    refused(client.operator_login(&login("admin", "wrong")), "auth.bad_credentials");
    refused(client.operator_login(&login("nobody", &world.operator_password)), "auth.bad_credentials");
    client.operator_login(&login("admin", &world.operator_password)).unwrap();
}

#[test]
fn after_five_wrong_passwords_even_the_right_one_waits() {
    let world = World::new();
    let client = world.client();
    let wrong = OperatorLogin { name: "admin".into(), password: "wrong".into() };
    for _ in 0..5 {
        refused(client.operator_login(&wrong), "auth.bad_credentials");
    }
    let right = OperatorLogin { name: "admin".into(), password: world.operator_password.clone() };
    refused(client.operator_login(&right), "auth.locked");
    world.advance(Duration::minutes(16));
    client.operator_login(&right).unwrap();
}

#[test]
fn what_operators_do_is_closed_to_applicants_and_the_other_way_round() {
    let world = World::new();
    world.certificate("A1", PHONE, 20);
    let applicant = world.login(PHONE);
    let reason = Reason { reason: "x".into() };
    refused(applicant.operator_orders(&OrderQuery::default()), "auth.forbidden");
    refused(applicant.sms_outbox(&OutboxQuery::default()), "auth.forbidden");
    refused(applicant.revoke_certificate("A1", &reason), "auth.forbidden");
    refused(applicant.approve("SAAS120260101000000000001"), "auth.forbidden");
    refused(world.operator().orders(&OrderQuery::default()), "auth.forbidden");
    refused(world.client().operator_orders(&OrderQuery::default()), "auth.required");
}

#[test]
fn the_audit_tells_who_did_what_to_an_order() {
    let world = World::new();
    let client = world.login(PHONE);
    let no = world.awaiting_review(&client, "A1");
    world.operator().approve(&no).unwrap();
    let query = AuditQuery { target: Some(no), ..AuditQuery::default() };
    let audit = world.operator().audit(&query).unwrap();
    let actions: Vec<_> = audit.items.iter().rev().map(|entry| (&*entry.action, &*entry.actor)).collect();
    assert_eq!(
        actions,
        [
            ("order.create", "applicant:1"),
            ("order.submit", "applicant:1"),
            ("order.payment_received", "operator:admin"),
            ("order.approve_for_renewal", "operator:admin"),
        ]
    );
}

#[test]
fn the_operators_password_is_in_a_file_for_its_owner_alone() {
    let world = World::new();
    let path = world.folder().join("operator.txt");
    assert!(std::fs::read_to_string(&path).unwrap().contains(&world.operator_password));
    #[cfg(unix)]
    for name in ["operator.txt", "portal.secret"] {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(world.folder().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[test]
fn a_portal_is_made_once() {
    let world = World::new();
    let again = world.run(ycd_portal::init(world.folder(), &ycd_portal::Config::default(), world.now()));
    assert_eq!(again.unwrap_err().code(), "portal.already_initialized");
}
