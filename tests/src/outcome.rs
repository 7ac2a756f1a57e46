//! What must hold after a renewal.

use ycd_flows::renewal::Renewed;
use ycd_pki::Certificate;
use ycd_portal_api::wire::{
    certificates::CertificateState,
    orders::{OrderState, OrderView},
};
use ycd_softkey::admin;
use ycd_token::{Pair, Token as _, TriesLeft};

use crate::world::{IssuedKey, Machine, World};

/// What must hold when a renewal has ended well, however it got there: the new certificate lies whole on the key,
/// nothing of the order's making lies beside it, the old pair is where it was, one certificate of the order is in
/// force, the order was paid once, and no PIN try is missing.
pub fn ended_well(world: &World, machine: &mut Machine, key: &IssuedKey, order: &str, renewed: &Renewed) {
    let contents = machine.contents(&key.key_id);
    let old = Certificate::from_der(&renewed.old).expect("the old certificate");
    let new = Certificate::from_der(&renewed.new).expect("the new certificate");
    assert_ne!(old.serial(), new.serial());
    assert_eq!(old.subject_der(), new.subject_der());
    let with_new: Vec<_> =
        contents.containers.iter().filter(|c| c.certificates.contains(&renewed.new)).collect();
    assert_eq!(with_new.len(), 1, "the new certificate lies on the key once");
    assert_eq!(with_new[0].pair, Pair::Whole);
    assert_eq!(with_new[0].spki.as_ref().map(|s| s.0.as_slice()), Some(new.spki_der()));
    assert_eq!(
        contents.containers.len(),
        2,
        "the old pair and the new, nothing else: {:#?}",
        contents.containers
    );
    assert!(
        contents.containers.iter().any(|c| c.certificates.contains(&renewed.old) && c.pair == Pair::Whole),
        "the old certificate and its pair are still there"
    );
    portal_agrees(world, key, order, &new);
    let tries = machine.keys.keys().expect("keys")[0].pin.tries;
    assert_eq!(tries, TriesLeft::NotLow, "no PIN try was lost");
}

/// The portal's half of [`ended_well`].
pub fn portal_agrees(world: &World, key: &IssuedKey, order: &str, new: &Certificate) {
    let applicant = world.direct().with_session(world.session(&key.phone));
    let seen: OrderView = applicant.order(order).expect("the order");
    assert_eq!(seen.summary.state, OrderState::Completed);
    let certificates = applicant.certificates(&Default::default()).expect("certificates").items;
    let of_key: Vec<_> = certificates.iter().filter(|c| c.key_id == key.key_id.as_str()).collect();
    let in_force: Vec<_> = of_key
        .iter()
        .filter(|c| matches!(c.state, CertificateState::Valid | CertificateState::NearEnd))
        .collect();
    assert_eq!(in_force.len(), 1, "one certificate in force: {of_key:#?}");
    assert_eq!(in_force[0].serial, new.serial_hex());
    let old = of_key.iter().find(|c| c.serial == key.certificate).expect("the old certificate");
    assert_eq!(old.state, CertificateState::Superseded);
    let transfers = world.operator().operator_order(order).expect("the order").transfers;
    assert_eq!(transfers.len(), 1, "paid once");
}

/// The old certificate can still be used: it lies on the key with its pair, and the portal holds it valid.
pub fn old_one_still_serves(world: &World, machine: &mut Machine, key: &IssuedKey) {
    if !admin::list(world.keys_folder())
        .expect("keys")
        .iter()
        .any(|k| k.serial_number == key.serial_number && k.inserted)
    {
        world.insert(&key.serial_number);
    }
    let contents = machine.contents(&key.key_id);
    let whole = contents.containers.iter().any(|c| {
        c.pair == Pair::Whole
            && c.certificates.iter().any(|der| {
                Certificate::from_der(der)
                    .is_ok_and(|certificate| certificate.serial_hex() == key.certificate)
            })
    });
    assert!(whole, "the old certificate and its pair are on the key");
    let applicant = world.direct().with_session(world.session(&key.phone));
    let state = applicant.certificate(&key.certificate).expect("the certificate").state;
    assert!(matches!(state, CertificateState::Valid | CertificateState::NearEnd), "{state:?}");
}
