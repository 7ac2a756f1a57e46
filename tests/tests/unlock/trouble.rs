//! What can be wrong, each with its code, and nothing spent or changed by it.

use time::Duration as Span;
use ycd_flows::{
    trust::PinnedPortal,
    unlock::{Options, UnlockStep},
};
use ycd_pki::KeyPair;
use ycd_portal_api::wire::{
    login::{Purpose, RequestCode},
    orders::{PublicStatus, Reason},
    tokens::{DeclareSoPin, IssueFirstCertificate, SoPinScheme},
    unlock::{PinRules, TokenInHand},
};
use ycd_softkey::{
    admin,
    fault::{Action, Fault},
};
use ycd_tests::{
    cut::{Between, When},
    proxy::Fate,
    world::{IssuedToken, Maker, OTHER_PHONE, PHONE, PIN, World},
};
use ycd_token::{CkaId, Pin, TokenAccess as _, TokenError, TokenId, profile::Tristate};

use super::scene::{NEW, code, locked, unlocked, unlocked_order};

#[test]
fn a_pin_outside_the_policy_is_not_sent_and_an_empty_policy_costs_no_sms() {
    let mut scene = locked();
    let mut prompter = scene.prompter().types(&["12345", "123456789", "27182x", "123456"]);
    assert_eq!(code(scene.unlock_by(&mut prompter)), "pin.weak");
    let refused: Vec<_> =
        prompter.heard.new_pins.iter().filter_map(|q| q.refused).map(|refusal| refusal.code()).collect();
    assert_eq!(refused, ["pin.too_short", "pin.too_long", "pin.not_digits", "pin.weak"]);
    assert_eq!(scene.record().unproven_releases, 0, "no release was asked for");

    // The token takes six at least, the project five at most.
    scene.world.configure(|config| {
        config.project.pin = PinRules { min_len: 1, max_len: 5, digits_only: true };
    });
    let mut prompter = scene.prompter();
    assert_eq!(code(scene.unlock_by(&mut prompter)), "pin.none_fits");
    assert_eq!(prompter.heard.codes, 0);
}

#[test]
fn a_token_of_another_company_is_unlocked_by_its_own_phone_only() {
    let mut scene = locked();
    let maker = Maker { company: "叙永机电设备有限公司", phone: OTHER_PHONE, ..Maker::default() };
    let other = scene.world.issued_token(&maker);
    // The first company's order, the other company's token.
    let mut prompter = scene.prompter().stops_at(UnlockStep::NewPin);
    assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.stopped");
    let order = scene.orders()[0].order.summary.no.clone();
    scene.world.pull(&scene.token.serial_number);
    scene.world.insert(&other.serial_number);
    let options = Options { order: Some(order), ..Options::default() };
    scene.world.time_passes(Span::seconds(61));
    let mut stranger = ycd_tests::prompter::UnlockScript::new(scene.world.phone(OTHER_PHONE), NEW);
    stranger.has_forgotten = true;
    assert_eq!(code(scene.unlock_with(&mut stranger, options)), "unlock.order_other");
    // The code goes to the token's own phone; the first company's never sees it.
    let in_hand = in_hand(&mut scene.machine, &other.token_id);
    scene.world.time_passes(Span::seconds(61));
    let sent = scene.world.direct().unlock_code(&in_hand).unwrap();
    assert!(sent.phone.starts_with("139"), "{sent:?}");
}

fn in_hand(machine: &mut ycd_tests::world::Machine, token: &ycd_token::TokenId) -> TokenInHand {
    let contents = machine.tokens.read(token).unwrap();
    let certificate = contents.containers[0].certificates[0].clone();
    TokenInHand { token_id: token.to_string(), certificate: certificate.into() }
}

#[test]
fn a_code_for_another_purpose_opens_nothing() {
    let mut scene = locked();
    let phone = scene.token.phone.clone();
    let visitor = scene.world.direct();
    let request = RequestCode { purpose: Purpose::Login, phone: Some(phone.clone()), order: None };
    let login_code = scene.world.code_sent_to(&phone, || drop(visitor.request_code(&request).unwrap()));
    let in_hand = in_hand(&mut scene.machine, &scene.token.token_id);
    scene.world.time_passes(Span::seconds(1));
    visitor.unlock_code(&in_hand).unwrap();
    let unlock_request = ycd_pki::unlock::UnlockRequest::new(&in_hand.token_id, &login_code).unwrap();
    let open = ycd_portal_api::wire::unlock::OpenUnlock {
        token_id: in_hand.token_id.clone(),
        certificate: in_hand.certificate.clone(),
        sealed: unlock_request.seal(&scene.machine.trust.sealing_key).unwrap().into(),
        locked: true,
        order: None,
        form: Default::default(),
    };
    assert_eq!(visitor.open_unlock(&open).unwrap_err().code(), "sms.code_wrong");
    assert!(scene.orders().is_empty());
}

#[test]
fn a_portal_whose_key_is_not_the_one_kept_is_not_believed() {
    let mut scene = locked();
    let stranger = KeyPair::generate().unwrap().public_key();
    scene.machine.trust = PinnedPortal { signing_key: stranger, ..scene.machine.trust.clone() };
    let mut prompter = scene.prompter();
    assert_eq!(code(scene.unlock_by(&mut prompter)), "token.release_refused");
    let (left, max) = scene.so_pin_retry_counter();
    assert_eq!(left, max);

    scene.machine.trust = PinnedPortal { name: "another".into(), ..scene.world.trust() };
    let mut prompter = scene.prompter();
    assert_eq!(code(scene.unlock_by(&mut prompter)), "flow.other_portal");
    assert_eq!(prompter.heard.codes, 0);

    // Sealed to somebody else: the portal cannot open it, and says so. Not even the code stands in the clear.
    scene.machine.trust = PinnedPortal { sealing_key: stranger, ..scene.world.trust() };
    let mut prompter = scene.prompter();
    assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.request_sealed");

    scene.machine.trust = scene.world.trust();
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
}

#[test]
fn a_fourth_release_needs_an_operator() {
    let mut scene = locked();
    for _ in 0..3 {
        let mut prompter = scene.prompter();
        assert!(scene.crash(&mut prompter, |tokens| Between::crashes(tokens, When::Before, "unlock_open")));
    }
    assert_eq!(code(scene.unlock()), "unlock.releases_used_up");
    let order = scene.orders()[0].order.summary.no.clone();
    scene.world.operator().grant_releases(&order).unwrap();
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
}

#[test]
fn a_release_whose_time_is_over_is_not_used() {
    let mut scene = locked();
    let mut prompter = scene.prompter();
    let portal = scene.world.visitor();
    let world = &scene.world;
    // Ten minutes and more of the portal's time pass while the PIN is typed; a new code is asked for.
    let mut once = false;
    prompter.on_event = Box::new(|_| std::ops::ControlFlow::Continue(()));
    let outcome = scene.machine.unlock_through(&portal, &mut prompter, |tokens| {
        Box::new(Between::new(tokens, move |name, when| {
            if name == "unlock_begin" && when == When::Before && !once {
                once = true;
                world.time_passes(Span::minutes(11));
            }
        }))
    });
    unlocked_order(outcome);
    assert_eq!(prompter.heard.codes, 2);
    scene.is_well(NEW);
}

#[test]
fn what_is_shared_or_derivable_or_not_kept_is_never_released() {
    for scheme in [SoPinScheme::Shared, SoPinScheme::Derived, SoPinScheme::None] {
        let mut scene = made_elsewhere();
        let token = scene.token.token_id.to_string();
        scene.world.operator().declare_so_pin(&token, &DeclareSoPin { scheme }).unwrap();
        scene.lock();
        let mut prompter = scene.prompter();
        assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.not_escrowed");
        assert_eq!(prompter.heard.codes, 0, "no code was spent");
    }
}

#[test]
fn how_a_so_pin_came_about_cannot_be_said_of_one_that_the_portal_made() {
    let scene = unlocked();
    let scheme = DeclareSoPin { scheme: SoPinScheme::Shared };
    let error = scene.world.operator().declare_so_pin(scene.token.token_id.as_str(), &scheme).unwrap_err();
    assert_eq!(error.code(), "personalization.so_pin_fixed");
}

/// A token with a certificate of the portal, which somebody else has personalized.
fn made_elsewhere() -> super::scene::Scene {
    let world = World::new();
    let serial_number = world.blank_token("USBKEY", None);
    let token = TokenId::new("softkey", &serial_number);
    let mut machine = world.machine("a");
    machine.tokens.login(&token, &Pin::new(PIN)).unwrap();
    let spki = machine.tokens.generate(&token, &CkaId([7; 16])).unwrap();
    let subject = ycd_pki::name::Name::china().to_der().unwrap();
    let request = machine.tokens.sign_request(&token, &spki, &subject).unwrap();
    let made = world
        .operator()
        .issue_first_certificate(&IssueFirstCertificate {
            token_id: token.to_string(),
            holder: ycd_portal_api::wire::certificates::Holder {
                kind: ycd_portal_api::wire::catalogue::HolderKind::Enterprise,
                name: "泸州某某商贸有限公司".into(),
                uscc: Some(ycd_tests::world::uscc("泸州某某商贸有限公司")),
                id_number: None,
                person: None,
            },
            phone: PHONE.into(),
            product: "sm2-enterprise".into(),
            validity_years: 1,
            request: request.into(),
        })
        .unwrap();
    machine.tokens.write_certificate(&token, &made.certificate.0).unwrap();
    machine.tokens.logout(&token).unwrap();
    let token = IssuedToken { serial_number, token_id: token, certificate: made.serial, phone: PHONE.into() };
    super::scene::Scene { world, token, machine }
}

#[test]
fn a_model_that_may_lose_its_keys_is_not_unlocked() {
    let mut scene = locked();
    let mut profile = ycd_tests::world::profile("softkey");
    for keeps in [Tristate::Unknown, Tristate::No] {
        profile.quirks.keys_survive_init_pin = keeps;
        scene.machine = scene.world.machine_with("a", &profile);
        let mut prompter = scene.prompter();
        assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.not_possible");
        assert_eq!(prompter.heard.codes, 0);
    }
}

#[test]
fn a_so_pin_with_a_low_retry_counter_is_not_risked() {
    let mut scene = locked();
    // Somebody else has got it wrong before.
    let (_, max) = scene.so_pin_retry_counter();
    wrong_so_pins(&scene, max - 1);
    let mut prompter = scene.prompter();
    let code = code(scene.unlock_by(&mut prompter));
    assert!(
        matches!(code.as_str(), "unlock.so_pin_retry_counter_low" | "token.so_pin_retry_counter_low"),
        "{code}"
    );
    assert_eq!(scene.so_pin_retry_counter().0, 1, "the last one was not spent");
}

/// Logs in as SO with a wrong PIN, through the module itself.
fn wrong_so_pins(scene: &super::scene::Scene, times: u32) {
    let folder = scene.world.softkey_dir();
    let serial = &scene.token.serial_number;
    for _ in 0..times {
        assert!(admin::try_so_pin(&folder, serial, &"00000000".into()).is_err());
    }
}

#[test]
fn a_refused_init_pin_changes_nothing_and_is_told() {
    let mut scene = locked();
    // CKR_FUNCTION_FAILED, each time.
    let fault = Fault { once: false, ..Fault::at("C_InitPIN", Action::Code(6)) };
    admin::set_fault(scene.world.softkey_dir(), None, &fault).unwrap();
    let mut prompter = scene.prompter();
    let refused = scene.unlock_by(&mut prompter);
    assert!(refused.is_err(), "{refused:?}");
    admin::clear_fault(scene.world.softkey_dir()).unwrap();
    assert_eq!(scene.orders()[0].order.summary.state, PublicStatus::AwaitingUnlock);
    let locked = scene.machine.tokens.login(&scene.token.token_id, &Pin::new(NEW)).unwrap_err();
    assert_eq!(locked, TokenError::PinLocked);
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
}

#[test]
fn a_portal_that_is_away_in_the_middle_costs_nothing() {
    for (name, when) in [("unlock_begin", When::After), ("unlock_nonce", When::After), ("login", When::After)]
    {
        let mut scene = locked();
        let mut prompter = scene.prompter();
        let portal = scene.world.visitor();
        let proxy = &scene.world.proxy;
        let mut once = false;
        let outcome = scene.machine.unlock_through(&portal, &mut prompter, |tokens| {
            Box::new(Between::new(tokens, move |called, now| {
                if called == name && now == when && !once {
                    once = true;
                    proxy.set(|call| if call.index < 8 { Fate::CutBefore } else { Fate::Pass });
                }
            }))
        });
        if outcome.is_err() {
            scene.world.proxy.pass_all();
            let mut prompter = scene.prompter().knows(NEW);
            unlocked_order(scene.unlock_by(&mut prompter));
        }
        scene.is_well(NEW);
    }
}

#[test]
fn a_revoked_certificate_is_refused_before_a_code_is_sent() {
    let mut scene = locked();
    let reason = Reason { reason: "遗失".into() };
    scene.world.operator().revoke_certificate(&scene.token.certificate, &reason).unwrap();
    let mut prompter = scene.prompter();
    assert_eq!(code(scene.unlock_by(&mut prompter)), "certificate.revoked");
    assert_eq!(prompter.heard.codes, 0);
}

#[test]
fn an_order_that_was_left_lying_lapses_and_another_one_can_be_opened() {
    let mut scene = locked();
    let mut prompter = scene.prompter().stops_at(UnlockStep::NewPin);
    assert_eq!(code(scene.unlock_by(&mut prompter)), "unlock.stopped");
    scene.world.time_passes(Span::days(8));
    unlocked_order(scene.unlock());
    scene.is_well(NEW);
    assert_eq!(scene.orders().len(), 2);
}

#[test]
fn the_new_pin_stands_nowhere_but_on_the_token() {
    let mut scene = unlocked();
    scene.lock();
    unlocked_order(scene.unlock());
    let mut looked_at = 0;
    let mut folders = vec![scene.world.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            looked_at += 1;
            // Six digits may stand in a number by chance, so the PIN is looked for with its neighbours.
            let found = bytes.windows(NEW.len() + 2).any(|window| {
                &window[1..=NEW.len()] == NEW.as_bytes()
                    && !window[0].is_ascii_digit()
                    && !window[NEW.len() + 1].is_ascii_digit()
            });
            assert!(!found, "{}", path.display());
        }
    }
    assert!(looked_at > 10);
}
