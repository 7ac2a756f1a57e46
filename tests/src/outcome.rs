//! What must hold after a renewal.

use ycd_flows::renewal::Renewed;
use ycd_pki::Certificate;
use ycd_portal_api::wire::{
    certificates::CertificateState,
    orders::{OrderView, PublicStatus},
};
use ycd_softkey::admin;
use ycd_token::{KeyPairState, PinRetryCounter, TokenAccess as _};

use crate::world::{IssuedToken, Machine, World};

/// What must hold when a renewal has ended well, however it got there: the new certificate lies whole on the token,
/// nothing of the order's making lies beside it, the old pair is where it was, one certificate of the order is in
/// force, the order was paid once, and no PIN try is missing.
pub fn ended_well(world: &World, machine: &mut Machine, token: &IssuedToken, order: &str, renewed: &Renewed) {
    let contents = machine.contents(&token.token_id);
    let old = Certificate::from_der(&renewed.old).expect("the old certificate");
    let new = Certificate::from_der(&renewed.new).expect("the new certificate");
    assert_ne!(old.serial(), new.serial());
    assert_eq!(old.subject_der(), new.subject_der());
    let with_new: Vec<_> =
        contents.containers.iter().filter(|c| c.certificates.contains(&renewed.new)).collect();
    assert_eq!(with_new.len(), 1, "the new certificate lies on the token once");
    assert_eq!(with_new[0].pair, KeyPairState::Complete);
    assert_eq!(with_new[0].spki.as_ref().map(|s| s.0.as_slice()), Some(new.spki_der()));
    assert_eq!(
        contents.containers.len(),
        2,
        "the old pair and the new, nothing else: {:#?}",
        contents.containers
    );
    assert!(
        contents
            .containers
            .iter()
            .any(|c| c.certificates.contains(&renewed.old) && c.pair == KeyPairState::Complete),
        "the old certificate and its pair are still there"
    );
    portal_agrees(world, token, order, &new);
    let retry_counter = machine.tokens.list().expect("tokens")[0].pin.retry_counter;
    assert_eq!(retry_counter, PinRetryCounter::NotLow, "no PIN try was lost");
}

/// The portal's half of [`ended_well`].
pub fn portal_agrees(world: &World, token: &IssuedToken, order: &str, new: &Certificate) {
    let applicant = world.direct().with_session(world.session(&token.phone));
    let seen: OrderView = applicant.order(order).expect("the order");
    assert_eq!(seen.summary.state, PublicStatus::Completed);
    let certificates = applicant.certificates(&Default::default()).expect("certificates").items;
    let of_key: Vec<_> = certificates.iter().filter(|c| c.token_id == token.token_id.as_str()).collect();
    let in_force: Vec<_> = of_key
        .iter()
        .filter(|c| matches!(c.state, CertificateState::Valid | CertificateState::ExpiringSoon))
        .collect();
    assert_eq!(in_force.len(), 1, "one certificate in force: {of_key:#?}");
    assert_eq!(in_force[0].serial, new.serial_hex());
    let old = of_key.iter().find(|c| c.serial == token.certificate).expect("the old certificate");
    assert_eq!(old.state, CertificateState::Superseded);
    let transfers = world.operator().operator_order(order).expect("the order").transfers;
    assert_eq!(transfers.len(), 1, "paid once");
}

/// The old certificate can still be used: it lies on the token with its pair, and the portal holds it valid.
pub fn old_one_still_serves(world: &World, machine: &mut Machine, token: &IssuedToken) {
    if !admin::list(world.softkey_dir())
        .expect("tokens")
        .iter()
        .any(|k| k.serial_number == token.serial_number && k.inserted)
    {
        world.insert(&token.serial_number);
    }
    let contents = machine.contents(&token.token_id);
    let whole = contents.containers.iter().any(|c| {
        c.pair == KeyPairState::Complete
            && c.certificates.iter().any(|der| {
                Certificate::from_der(der)
                    .is_ok_and(|certificate| certificate.serial_hex() == token.certificate)
            })
    });
    assert!(whole, "the old certificate and its pair are on the key");
    let applicant = world.direct().with_session(world.session(&token.phone));
    let state = applicant.certificate(&token.certificate).expect("the certificate").state;
    assert!(matches!(state, CertificateState::Valid | CertificateState::ExpiringSoon), "{state:?}");
}
