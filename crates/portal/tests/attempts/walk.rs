//! Requests in any order, early, late and doubled: what must hold does.

use ycd_pki::{Certificate, KeyPair};
use ycd_portal_api::{
    ApiError,
    wire::attempts::{Abandon, AttemptState, Confirm, Issue},
    wire::{login::Purpose, orders::PublicStatus},
};

use crate::{
    common::Dice,
    world::{Applicant, World},
};

/// One of the requests of the work, as it was first sent: it can arrive again at any later time.
enum Sent {
    Issue(u32, Issue),
    Confirm(u32, Confirm),
    Abandon(u32, Abandon),
}

#[test]
fn in_every_order_of_requests_there_is_one_attempt_one_key_and_one_certificate() {
    // Chosen for where they end: complete at the second attempt, under way, given up three times.
    let ends = [3, 5, 7].map(|seed| {
        let world = World::new();
        let applicant = Applicant::approved(&world);
        walk(&applicant, seed);
        let view = applicant.view();
        (view.attempt, view.state)
    });
    assert_eq!(ends, [(2, AttemptState::Confirmed), (2, AttemptState::Issued), (3, AttemptState::Closed)]);
}

fn walk(applicant: &Applicant<'_>, seed: u64) {
    let mut dice = Dice(seed);
    let pairs: Vec<_> = (0..6).map(|_| KeyPair::generate().unwrap()).collect();
    let mut sent = Vec::new();
    applicant.open().unwrap();
    for _ in 0..40 {
        let view = applicant.view();
        let open = matches!(view.state, AttemptState::Open | AttemptState::Issued);
        match dice.throw(7) {
            0 => drop(applicant.open().unwrap()),
            1 | 2 if open => {
                let pair = &pairs[usize::from(dice.throw(6))];
                sent.push(Sent::Issue(view.attempt, applicant.issue_request(&view, pair)));
            }
            3 if open => {
                if let (Some(certificate), Some(spki)) = (&view.certificate, &view.public_key) {
                    let signer = pairs.iter().find(|pair| pair.public_key().to_spki_der() == spki.0).unwrap();
                    let confirm = applicant.confirmation(view.attempt, &certificate.0, signer);
                    // Most often the token is pulled before it is sent.
                    if dice.throw(3) == 0 {
                        sent.push(Sent::Confirm(view.attempt, confirm));
                    }
                }
            }
            4 if open && dice.throw(3) == 0 => {
                let step_up = applicant.world.step_up(&applicant.client, &applicant.order, Purpose::Abandon);
                sent.push(Sent::Abandon(view.attempt, Abandon { step_up, authorization: None }));
            }
            _ => {}
        }
        if !sent.is_empty() {
            let which = usize::from(dice.throw(u8::try_from(sent.len().min(255)).unwrap()));
            let outcome = deliver(applicant, &sent[which]);
            if let Err(error) = outcome {
                assert!(
                    error.code().starts_with("attempt.") || error.code() == "auth.step_up_invalid",
                    "{error}"
                );
            }
        }
        holds(applicant);
    }
}

fn deliver(applicant: &Applicant<'_>, sent: &Sent) -> Result<(), ApiError> {
    match sent {
        Sent::Issue(attempt, issue) => applicant.client.issue(&applicant.order, *attempt, issue).map(drop),
        Sent::Confirm(attempt, confirm) => {
            applicant.client.confirm(&applicant.order, *attempt, confirm).map(drop)
        }
        Sent::Abandon(attempt, abandon) => {
            applicant.client.abandon(&applicant.order, *attempt, abandon).map(drop)
        }
    }
}

/// I2 and I3 of the protocol: one attempt open at most, none once completed, then one certificate that is neither
/// revoked nor superseded; each attempt one token; whatever was given up is on the list.
fn holds(applicant: &Applicant<'_>) {
    let view = applicant.view();
    let list = applicant.world.list();
    let revoked = |der: &[u8]| list.lookup(Certificate::from_der(der).unwrap().serial()).is_some();
    assert!(!revoked(&view.old_certificate.0));
    if let Some(certificate) = &view.certificate {
        let given_up = view.state == AttemptState::Closed;
        assert_eq!(revoked(&certificate.0), given_up);
        let certified = Certificate::from_der(&certificate.0).unwrap().spki_der().to_vec();
        assert_eq!(Some(&certified), view.public_key.as_ref().map(|spki| &spki.0));
    }
    assert_eq!(view.public_status == PublicStatus::Completed, view.state == AttemptState::Confirmed);
    let bound = view.abandoned.iter().filter(|attempt| attempt.public_key.is_some()).count();
    let last = usize::from(view.state == AttemptState::Closed && view.public_key.is_some());
    assert_eq!(list.len(), bound + last);
    let mut keys: Vec<_> = view.abandoned.iter().filter_map(|attempt| attempt.public_key.clone()).collect();
    keys.extend(view.public_key.clone());
    let count = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), count, "a token belongs to one attempt");
}
