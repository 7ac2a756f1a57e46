use time::{Duration, OffsetDateTime};
use ycd_pki::{
    KeyPair,
    cert::{CertificateParams, Profile, issue, key_identifier, new_serial},
    name::{Attribute, Name},
};
use ycd_portal_api::wire::{Timestamp, attempts::AbandonedAttempt};

use super::*;

const CKA_ID: [u8; 16] = [1; 16];
const DEAD_CKA_ID: [u8; 16] = [2; 16];

/// An order in the middle: the old pair on a token with room for more, attempt 1 open and bound to nothing.
struct Scene {
    view: AttemptView,
    contents: Contents,
    old: Spki,
}

fn scene() -> Scene {
    let pair = KeyPair::generate().unwrap();
    let name = Name::china().with(Attribute::CommonName, "甲公司").to_der().unwrap();
    let now = OffsetDateTime::from_unix_timestamp(1_790_000_000).unwrap();
    let certificate = issue(
        &CertificateParams {
            profile: Profile::Signature,
            serial: new_serial().unwrap(),
            issuer: name.clone(),
            subject: name,
            public_key: pair.public_key(),
            not_before: now,
            not_after: now + Duration::days(365),
            authority_key_id: key_identifier(&pair.public_key()),
            crl_uri: None,
            subject_ids: Vec::new(),
        },
        &pair,
    )
    .unwrap();
    let old = Spki(pair.public_key().to_spki_der());
    let view = AttemptView {
        portal: "portal".into(),
        order: "SAAS1".into(),
        public_status: PublicStatus::AwaitingRenewal,
        token_id: "softkey:1".into(),
        mode: Mode::SideBySide,
        attempt: 1,
        state: AttemptState::Open,
        cka_id: Bytes(CKA_ID.to_vec()),
        public_key: None,
        certificate: None,
        chain: Vec::new(),
        old_certificate: Bytes(certificate.clone()),
        subject: Bytes(Vec::new()),
        inventory: vec![Bytes(old.0.clone())],
        abandoned: Vec::new(),
        replace_agreed: false,
        operator_care: false,
        attempts_left: 2,
        validity_years: 1,
        portal_time: Timestamp(now),
    };
    let contents = Contents {
        containers: vec![container(&old, b"first", KeyPairState::Complete, vec![certificate])],
        free_containers: Some(3),
        keeps_ids: true,
        logged_in: true,
    };
    Scene { view, contents, old }
}

fn container(spki: &Spki, id: &[u8], pair: KeyPairState, certificates: Vec<Vec<u8>>) -> Container {
    Container {
        handle: ContainerHandle::PublicKey(spki.clone()),
        spki: Some(spki.clone()),
        id: id.to_vec(),
        label: String::new(),
        pair,
        certificates,
    }
}

fn new_key(n: u8) -> Spki {
    Spki(vec![n; 91])
}

impl Scene {
    fn next(&self) -> Next {
        reconcile(&self.view, &self.contents)
    }

    fn with(mut self, spki: &Spki, id: &[u8], pair: KeyPairState) -> Self {
        self.contents.containers.push(container(spki, id, pair, Vec::new()));
        self
    }

    fn bound_to(mut self, spki: &Spki, state: AttemptState) -> Self {
        self.view.public_key = Some(Bytes(spki.0.clone()));
        self.view.state = state;
        self
    }

    fn without_old_pair(mut self) -> Self {
        self.contents.containers.retain(|c| c.spki.as_ref() != Some(&self.old));
        self
    }

    fn abandoned(mut self, spki: Option<&Spki>) -> Self {
        self.view.attempt = 2;
        self.view.abandoned.push(AbandonedAttempt {
            attempt: 1,
            cka_id: Bytes(DEAD_CKA_ID.to_vec()),
            public_key: spki.map(|s| Bytes(s.0.clone())),
        });
        self
    }

    fn keeping_no_ids(mut self) -> Self {
        self.contents.keeps_ids = false;
        self
    }
}

fn destroys(spki: &Spki) -> Next {
    Next::Destroy(ContainerHandle::PublicKey(spki.clone()))
}

#[test]
fn with_nothing_done_yet_a_pair_is_generated() {
    assert_eq!(scene().next(), Next::Generate);
}

#[test]
fn a_complete_pair_with_the_cka_id_is_adopted() {
    assert_eq!(scene().with(&new_key(7), &CKA_ID, KeyPairState::Complete).next(), Next::Sign(new_key(7)));
}

#[test]
fn an_orphan_with_the_cka_id_is_cleared_away() {
    assert_eq!(scene().with(&new_key(7), &CKA_ID, KeyPairState::Orphaned).next(), destroys(&new_key(7)));
}

#[test]
fn an_orphan_of_another_program_is_left_alone() {
    assert_eq!(scene().with(&new_key(7), b"theirs", KeyPairState::Orphaned).next(), Next::Generate);
}

#[test]
fn a_pair_with_the_cka_id_is_not_taken_for_inventory() {
    let mut scene = scene().with(&new_key(7), &CKA_ID, KeyPairState::Orphaned);
    scene.view.inventory.push(Bytes(new_key(7).0));
    assert_eq!(scene.next(), destroys(&new_key(7)));
}

#[test]
fn an_issued_attempt_is_taken_up_at_the_writing() {
    let scene = scene()
        .with(&new_key(7), &CKA_ID, KeyPairState::Complete)
        .bound_to(&new_key(7), AttemptState::Issued);
    assert_eq!(scene.next(), Next::Write(new_key(7)));
}

#[test]
fn an_attempt_bound_but_not_issued_signs_again() {
    let scene =
        scene().with(&new_key(7), &CKA_ID, KeyPairState::Complete).bound_to(&new_key(7), AttemptState::Open);
    assert_eq!(scene.next(), Next::Sign(new_key(7)));
}

#[test]
fn an_attempt_whose_pair_is_gone_is_given_up_even_if_another_pair_has_its_cka_id() {
    let scene = scene()
        .with(&new_key(8), &CKA_ID, KeyPairState::Complete)
        .bound_to(&new_key(7), AttemptState::Issued);
    assert_eq!(scene.next(), Next::GiveUp);
}

#[test]
fn pairs_of_abandoned_attempts_go_by_cka_id_and_by_public_key() {
    let by_cka_id = scene().abandoned(None).with(&new_key(7), &DEAD_CKA_ID, KeyPairState::Complete);
    assert_eq!(by_cka_id.next(), destroys(&new_key(7)));
    let by_key = scene().abandoned(Some(&new_key(7))).with(&new_key(7), b"lost", KeyPairState::Complete);
    assert_eq!(by_key.next(), destroys(&new_key(7)));
    let untagged = scene().abandoned(Some(&new_key(7))).with(&new_key(7), b"lost", KeyPairState::Complete);
    assert_eq!(untagged.keeping_no_ids().next(), destroys(&new_key(7)));
}

#[test]
fn the_old_pair_is_never_swept_whatever_the_portal_says_was_abandoned() {
    let scene = scene();
    let old = scene.old.clone();
    assert_eq!(scene.abandoned(Some(&old)).next(), Next::Generate);
}

#[test]
fn a_token_without_cka_ids_adopts_the_one_pair_outside_the_inventory() {
    let scene = scene().keeping_no_ids().with(&new_key(7), b"", KeyPairState::Complete);
    assert_eq!(scene.next(), Next::Sign(new_key(7)));
}

#[test]
fn a_token_without_cka_ids_and_two_new_pairs_is_for_an_operator() {
    let scene = scene().keeping_no_ids().with(&new_key(7), b"", KeyPairState::Complete).with(
        &new_key(8),
        b"",
        KeyPairState::Complete,
    );
    assert_eq!(scene.next(), Next::Operator(OperatorReason::SeveralCandidates));
}

#[test]
fn of_several_pairs_with_the_cka_id_one_stays() {
    let both = || {
        scene().with(&new_key(7), &CKA_ID, KeyPairState::Complete).with(
            &new_key(8),
            &CKA_ID,
            KeyPairState::Complete,
        )
    };
    assert_eq!(both().next(), destroys(&new_key(8)));
    for state in [AttemptState::Open, AttemptState::Issued] {
        assert_eq!(both().bound_to(&new_key(8), state).next(), destroys(&new_key(7)));
    }
}

#[test]
fn without_the_old_key_and_its_word_nothing_is_generated() {
    assert_eq!(scene().without_old_pair().next(), Next::Operator(OperatorReason::OldKeyGone));
}

#[test]
fn the_old_pair_makes_room_only_after_its_key_agreed() {
    let mut scene = scene();
    scene.view.mode = Mode::Replace;
    scene.contents.free_containers = Some(0);
    assert_eq!(scene.next(), Next::AgreeToReplace);
    scene.view.replace_agreed = true;
    assert_eq!(scene.next(), destroys(&scene.old.clone()));
    assert_eq!(scene.without_old_pair().next(), Next::Generate);
}

#[test]
fn what_a_cut_left_of_the_old_pair_goes_too_once_its_key_agreed() {
    let mut scene = scene();
    scene.view.mode = Mode::Replace;
    scene.view.replace_agreed = true;
    for free in [Some(0), None] {
        scene.contents.free_containers = free;
        scene.contents.containers[0].certificates.clear();
        scene.contents.containers[0].pair = KeyPairState::Orphaned;
        assert_eq!(scene.next(), destroys(&scene.old.clone()), "{free:?}");
    }
    scene.view.replace_agreed = false;
    assert_eq!(scene.next(), Next::Operator(OperatorReason::OldKeyGone));
}

#[test]
fn in_the_same_pair_mode_nothing_is_generated_destroyed_or_given_up() {
    let mut scene = scene().with(&new_key(7), &CKA_ID, KeyPairState::Orphaned);
    scene.view.mode = Mode::SameKeyPair;
    assert_eq!(scene.next(), Next::Sign(scene.old.clone()));
    scene.view.state = AttemptState::Issued;
    assert_eq!(scene.next(), Next::Write(scene.old.clone()));
    assert_eq!(scene.without_old_pair().next(), Next::Operator(OperatorReason::OldKeyGone));
}

#[test]
fn a_completed_order_only_tidies_up_and_others_are_over() {
    let mut scene = scene()
        .with(&new_key(7), &CKA_ID, KeyPairState::Complete)
        .bound_to(&new_key(7), AttemptState::Confirmed);
    scene.view.public_status = PublicStatus::Completed;
    assert_eq!(scene.next(), Next::RemoveSuperseded(new_key(7)));
    scene.view.public_status = PublicStatus::AwaitingReview;
    assert_eq!(scene.next(), Next::Over);
}
