//! The habits of other token models, at the module's face.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use common::*;
use cryptoki_sys::*;
use ycd_softkey::admin::{self, Appearance, Point, VendorEmulation};

fn wear(fixture: &Bench, emulation: VendorEmulation) -> ycd_softkey::Result<()> {
    admin::set_appearance(
        fixture.path(),
        "K1",
        &Appearance { emulation: Some(emulation), ..Appearance::default() },
    )
}

#[test]
fn numbers_of_its_own_mean_nothing_when_it_emulates_another() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (_, private) = client.generate(session, b"1");
    wear(&fixture, serde_json::from_str(r#"{ "key_pair_gen": 65545, "sign": [], "digest": null }"#).unwrap())
        .unwrap();
    assert_eq!(client.try_generate(session, b"2"), Err(CKR_MECHANISM_INVALID));
    assert_eq!(client.sign(session, SM3_RAW, private, b"x"), Err(CKR_MECHANISM_INVALID));
    assert!(client.try_generate_by(session, 65545, b"2").is_ok());
    let mut info = CK_MECHANISM_INFO::default();
    assert_eq!(call!(client, C_GetMechanismInfo(1, SM3_RAW, &mut info)), CKR_MECHANISM_INVALID);
    ok(call!(client, C_GetMechanismInfo(1, 65545, &mut info)));

    wear(&fixture, VendorEmulation::default()).unwrap();
    assert!(client.sign(session, SM3_RAW, private, b"x").is_ok(), "the pair is the same in every emulation");
}

#[test]
fn a_token_that_asks_before_each_signature_logs_out_after_one_and_not_at_a_question_for_the_length() {
    let fixture = Bench::new();
    wear(&fixture, VendorEmulation { pin_per_signature: true, ..VendorEmulation::default() }).unwrap();
    let client = fixture.client();
    let session = client.user();
    let (_, private) = client.generate(session, b"1");
    ok(client.sign_init(session, SM3_RAW, private));
    let mut len = 0;
    let ask = call!(client, C_Sign(session, b"x".as_ptr().cast_mut(), 1, std::ptr::null_mut(), &mut len));
    ok(ask);
    let mut out = [0; 64];
    ok(call!(client, C_Sign(session, b"x".as_ptr().cast_mut(), 1, out.as_mut_ptr(), &mut len)));
    assert_eq!(client.sign(session, SM3_RAW, private, b"x"), Err(CKR_KEY_HANDLE_INVALID));
    ok(client.login(session, CKU_USER, PIN));
    assert!(client.sign(session, SM3_RAW, private, b"x").is_ok());
}

#[test]
fn a_token_that_takes_digits_only_refuses_another_pin_and_keeps_the_old_one() {
    let fixture = Bench::new();
    wear(&fixture, VendorEmulation { pin_digits_only: true, ..VendorEmulation::default() }).unwrap();
    let client = fixture.client();
    let session = client.open();
    assert_eq!(client.set_pin(session, PIN, "secret9"), CKR_PIN_INVALID);
    assert_eq!(client.set_pin(session, PIN, "12345"), CKR_PIN_LEN_RANGE);
    ok(client.set_pin(session, PIN, "271828"));
    ok(client.login(session, CKU_USER, "271828"));
}

#[test]
fn a_token_that_keeps_no_ids_leaves_them_empty() {
    let fixture = Bench::new();
    wear(&fixture, VendorEmulation { keeps_ids: false, ..VendorEmulation::default() }).unwrap();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"tag");
    let certificate = client.write_certificate(session, b"tag", b"\x30\x00").unwrap();
    for object in [public, private, certificate] {
        assert_eq!(client.get(session, object, CKA_ID).unwrap(), b"");
    }
}

fn init_pin(client: &Client, session: CK_SESSION_HANDLE, pin: &str) -> CK_RV {
    call!(client, C_InitPIN(session, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG))
}

#[test]
fn a_token_that_does_not_tell_the_so_pin_retry_counter_counts_them_all_the_same() {
    let fixture = Bench::new();
    wear(&fixture, VendorEmulation { tells_so_pin_retry_counter: false, ..VendorEmulation::default() })
        .unwrap();
    let client = fixture.client();
    let session = client.open();
    let so_flags = CKF_SO_PIN_COUNT_LOW | CKF_SO_PIN_FINAL_TRY | CKF_SO_PIN_LOCKED;
    for _ in 0..10 {
        assert_eq!(client.login(session, CKU_SO, "00000000"), CKR_PIN_INCORRECT);
        assert_eq!(client.flags() & so_flags, 0);
    }
    assert_eq!(client.login(session, CKU_SO, SO_PIN), CKR_PIN_LOCKED);
    assert_eq!(client.flags() & so_flags, 0);
    wear(&fixture, VendorEmulation::default()).unwrap();
    assert_eq!(client.flags() & so_flags, CKF_SO_PIN_LOCKED);
}

#[test]
fn a_model_may_destroy_what_is_private_when_the_so_sets_the_user_pin() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    client.generate(session, b"1");
    client.write_certificate(session, b"1", b"\x30\x00").unwrap();
    ok(call!(client, C_Logout(session)));
    let kept_when = |keeps: bool, pin: &str| {
        wear(&fixture, VendorEmulation { init_pin_keeps_keys: keeps, ..VendorEmulation::default() }).unwrap();
        ok(client.login(session, CKU_SO, SO_PIN));
        assert_eq!(init_pin(&client, session, "1"), CKR_PIN_LEN_RANGE);
        ok(init_pin(&client, session, pin));
        ok(call!(client, C_Logout(session)));
        ok(client.login(session, CKU_USER, pin));
        let found = [CKO_PRIVATE_KEY, CKO_PUBLIC_KEY, CKO_CERTIFICATE]
            .map(|class| client.find(session, Template::class(class)).len());
        ok(call!(client, C_Logout(session)));
        found
    };
    assert_eq!(kept_when(true, "271828"), [1, 1, 1]);
    assert_eq!(kept_when(false, "314159"), [0, 1, 1]);
}

#[test]
fn an_emulation_with_a_number_of_two_meanings_is_refused() {
    let fixture = Bench::new();
    let own = VendorEmulation::default();
    assert!(wear(&fixture, VendorEmulation { digest: Some(own.key_pair_gen), ..own.clone() }).is_err());
    assert!(wear(&fixture, VendorEmulation { point: Point::Attributes { x: 1, y: 1 }, ..own }).is_err());
    assert!(serde_json::from_str::<VendorEmulation>(r#"{ "unheard_of": 1 }"#).is_err());
}
