use serde_json::json;
use ycd_pki::{KeyPair, PublicKey};
use ycd_portal_api::wire::{
    Bytes,
    unlock::{AskRelease, UnlockForm, Unlocked},
};

use crate::world::{Claim, World, refused};

#[test]
fn what_does_not_open_or_is_no_request_is_refused_and_changes_nothing() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let keys = world.client().portal_keys().unwrap();
    let portal = PublicKey::from_spki_der(&keys.sealing_key.0).unwrap();
    let request = applicant.request(&token, &KeyPair::generate().unwrap());
    let good = request.seal(&portal).unwrap();
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    let to_another = request.seal(&PublicKey::from_spki_der(&keys.signing_key.0).unwrap()).unwrap();
    let no_request = portal.seal(b"no request").unwrap();
    for sealed in [
        vec![],
        vec![4; 40],
        good[..good.len() - 1].to_vec(),
        altered,
        to_another,
        no_request,
        vec![4; 100_000],
    ] {
        let ask = AskRelease { sealed: Bytes(sealed) };
        refused(world.client().release(&applicant.no, &ask), "unlock.request_sealed");
    }
    let oversize = AskRelease { sealed: Bytes(vec![4; 400_000]) };
    refused(world.client().release(&applicant.no, &oversize), "request.too_large");
    assert_eq!(applicant.order().newest_release, 0);
    let good = AskRelease { sealed: Bytes(good) };
    refused(world.client().release("SAAS120200101000000000001", &good), "unlock.order_other");
    world.client().release(&applicant.no, &good).unwrap();
}

#[test]
fn an_unknown_order_is_as_good_as_a_wrong_token() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    let mut request = applicant.request(&token, &KeyPair::generate().unwrap());
    let no = "SAAS120200101000000000001";
    request.order = no.into();
    let keys = world.client().portal_keys().unwrap();
    let sealed = request.seal(&PublicKey::from_spki_der(&keys.sealing_key.0).unwrap()).unwrap();
    refused(world.client().release(no, &AskRelease { sealed: Bytes(sealed) }), "auth.step_up_invalid");
    refused(applicant.client.unlock_order(no), "unlock.order_other");
    refused(world.operator().grant_releases(no), "order.not_found");
}

#[test]
fn a_proof_of_another_shape_is_refused() {
    let world = World::new();
    let token = world.token();
    let applicant = world.open(&token);
    applicant.release(&token);
    let good = token.proof(&world, &applicant, &Claim::works_already(1));
    let mut short = good.clone();
    short.one_time_key.0.pop();
    refused(applicant.client.unlocked(&applicant.no, &short), "request.invalid");
    for signature in [vec![], vec![0x30], vec![0xFF; 5000]] {
        let mut wrong = good.clone();
        wrong.authorization.signature = Bytes(signature);
        refused(applicant.client.unlocked(&applicant.no, &wrong), "attempt.authorization_invalid");
    }
    for nonce in [vec![], vec![0; 31], vec![0; 5000]] {
        let mut wrong: Unlocked = good.clone();
        wrong.authorization.nonce = Bytes(nonce);
        refused(applicant.client.unlocked(&applicant.no, &wrong), "attempt.nonce_invalid");
    }
    applicant.client.unlocked(&applicant.no, &good).unwrap();
}

#[test]
fn a_form_that_is_too_long_is_refused_before_the_code_is_spent() {
    let world = World::new();
    let token = world.token();
    let mut unlock_request = world.unlock_request(&token);
    for form in [
        UnlockForm { used_at: Some("长".repeat(101)), note: None },
        UnlockForm { used_at: None, note: Some("长".repeat(501)) },
    ] {
        unlock_request.form = form;
        refused(world.client().open_unlock(&unlock_request), "request.invalid");
    }
    unlock_request.form = UnlockForm { used_at: Some("长".repeat(100)), note: Some("长".repeat(500)) };
    let grant = world.client().open_unlock(&unlock_request).unwrap();
    let seen = world.operator().operator_order(&grant.order.no).unwrap().unlock;
    assert_eq!(seen.as_ref(), Some(&unlock_request.form));
}

#[test]
fn what_an_unlock_request_says_too_much_is_refused() {
    let world = World::new();
    let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let body = json!({ "token_id": "softkey:1", "certificate": "", "so_pin": "12345678" });
    let answer = http
        .post(world.url("/api/v1/unlock/check"))
        .header("Idempotency-Key", "k1")
        .json(&body)
        .send()
        .unwrap();
    assert_eq!(answer.status().as_u16(), 422);
    let problem: serde_json::Value = answer.json().unwrap();
    assert_eq!(problem["code"], "request.invalid");
}
