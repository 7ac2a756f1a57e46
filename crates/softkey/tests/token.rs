//! Who the token is, its PINs, its keys and signatures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use common::*;
use cryptoki_sys::*;
use ycd_pki::{PublicKey, Signature};
use ycd_softkey::admin::{self, NewToken, PinLimits};

#[test]
fn a_token_tells_who_it_is() {
    let fixture = Bench::new();
    let client = fixture.client();
    assert_eq!(client.slots(true), [1]);
    let info = client.token(1);
    assert_eq!(std::str::from_utf8(&info.label).unwrap().trim_end(), "投标证书");
    assert_eq!(&info.serialNumber, b"K1              ");
    assert_eq!(&info.model, b"softkey         ");
    assert_eq!((info.ulMinPinLen, info.ulMaxPinLen), (6, 16));
    let expected = CKF_RNG
        | CKF_LOGIN_REQUIRED
        | CKF_TOKEN_INITIALIZED
        | CKF_USER_PIN_INITIALIZED
        | CKF_USER_PIN_TO_BE_CHANGED;
    assert_eq!({ info.flags }, expected);
    admin::set_appearance(
        fixture.path(),
        "K1",
        &admin::Appearance { model: Some("GM3000".into()), ..Default::default() },
    )
    .unwrap();
    assert_eq!(&client.token(1).model, b"GM3000          ");
}

#[test]
fn several_tokens_are_several_slots_that_keep_their_ids() {
    let fixture = Bench::new();
    fixture.add("K2");
    fixture.add("A3");
    let client = fixture.client();
    assert_eq!(client.slots(true), [1, 2, 3]);
    admin::remove(fixture.path(), "K1").unwrap();
    assert_eq!(client.slots(true), [2, 3]);
    assert_eq!(client.slots(false), [1, 2, 3]);
    assert_eq!(&client.token(3).serialNumber[..2], b"A3");
    let mut info = CK_TOKEN_INFO::default();
    assert_eq!(call!(client, C_GetTokenInfo(1, &mut info)), CKR_TOKEN_NOT_PRESENT);
    assert_eq!(client.try_open(0), Err(CKR_TOKEN_NOT_PRESENT));
    assert_eq!(call!(client, C_GetTokenInfo(9, &mut info)), CKR_SLOT_ID_INVALID);
    assert_eq!(admin::list(fixture.path()).unwrap().len(), 3);
}

#[test]
fn wrong_pins_are_counted_shown_and_lock_the_token() {
    let fixture = Bench::empty();
    fixture.add_as(NewToken { user_retry_limit: 3, ..Bench::token() });
    let client = fixture.client();
    let session = client.open();
    let shown = CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;
    assert_eq!(client.flags() & shown, 0);
    assert_eq!(client.login(session, CKU_USER, "00000000"), CKR_PIN_INCORRECT);
    assert_eq!(client.flags() & shown, CKF_USER_PIN_COUNT_LOW);
    ok(client.login(session, CKU_USER, PIN));
    assert_eq!(client.flags() & shown, 0, "a right PIN gives all tries back");
    ok(call!(client, C_Logout(session)));
    assert_eq!(client.login(session, CKU_USER, "00000000"), CKR_PIN_INCORRECT);
    assert_eq!(client.login(session, CKU_USER, "0"), CKR_PIN_INCORRECT);
    assert_eq!(client.flags() & shown, CKF_USER_PIN_COUNT_LOW | CKF_USER_PIN_FINAL_TRY);
    assert_eq!(client.login(session, CKU_USER, ""), CKR_PIN_LEN_RANGE, "no PIN is no try");
    assert_eq!(client.login(session, CKU_USER, "00000000"), CKR_PIN_INCORRECT);
    assert_eq!(client.flags() & shown, CKF_USER_PIN_LOCKED);
    assert_eq!(client.login(session, CKU_USER, PIN), CKR_PIN_LOCKED);
    assert_eq!(admin::list(fixture.path()).unwrap()[0].pin_retry_counter, 0);
}

#[test]
fn the_so_unlocks_the_token_and_its_keys_survive() {
    let fixture = Bench::empty();
    fixture.add_as(NewToken { user_retry_limit: 1, ..Bench::token() });
    let client = fixture.client();
    let session = client.user();
    let (_, private) = client.generate(session, b"id");
    ok(call!(client, C_Logout(session)));
    assert_eq!(client.login(session, CKU_USER, "00000000"), CKR_PIN_INCORRECT);
    assert_eq!(client.login(session, CKU_USER, PIN), CKR_PIN_LOCKED);
    assert_eq!(client.login(session, CKU_SO, "00000000"), CKR_PIN_INCORRECT);
    assert_ne!(client.flags() & CKF_SO_PIN_COUNT_LOW, 0);
    ok(client.login(session, CKU_SO, SO_PIN));
    assert_eq!(
        client.find(session, Template::class(CKO_PRIVATE_KEY)).len(),
        0,
        "the SO sees no private object"
    );
    let new = "246824";
    let init = |pin: &str| call!(client, C_InitPIN(session, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG));
    assert_eq!(init("12345"), CKR_PIN_LEN_RANGE);
    ok(init(new));
    ok(call!(client, C_Logout(session)));
    assert_eq!(client.flags() & (CKF_USER_PIN_LOCKED | CKF_USER_PIN_TO_BE_CHANGED), 0);
    ok(client.login(session, CKU_USER, new));
    client.sign(session, SM3_DEFAULT_DER, private, b"text").unwrap();
    assert_eq!(init("123456"), CKR_USER_NOT_LOGGED_IN, "only the SO sets a user PIN anew");
}

#[test]
fn the_so_pin_has_tries_of_its_own() {
    let fixture = Bench::empty();
    fixture.add_as(NewToken { so_pin_retry_limit: 2, ..Bench::token() });
    let client = fixture.client();
    let session = client.open();
    assert_eq!(client.login(session, CKU_SO, "00000000"), CKR_PIN_INCORRECT);
    assert_ne!(client.flags() & CKF_SO_PIN_FINAL_TRY, 0);
    assert_eq!(client.login(session, CKU_SO, "00000000"), CKR_PIN_INCORRECT);
    assert_ne!(client.flags() & CKF_SO_PIN_LOCKED, 0);
    assert_eq!(client.login(session, CKU_SO, SO_PIN), CKR_PIN_LOCKED);
    ok(client.login(session, CKU_USER, PIN));
}

#[test]
fn a_pin_is_changed_within_its_limits() {
    let fixture = Bench::empty();
    fixture.add_as(NewToken { pin_limits: PinLimits { min: 6, max: 8 }, ..Bench::token() });
    let client = fixture.client();
    let session = client.open();
    assert_eq!(client.set_pin(session, PIN, "12345"), CKR_PIN_LEN_RANGE);
    assert_eq!(client.set_pin(session, PIN, "123456789"), CKR_PIN_LEN_RANGE);
    assert_eq!(admin::list(fixture.path()).unwrap()[0].pin_retry_counter, 10, "a bad new PIN costs no try");
    assert_eq!(client.set_pin(session, "00000000", "135790"), CKR_PIN_INCORRECT);
    assert_ne!(client.flags() & CKF_USER_PIN_TO_BE_CHANGED, 0);
    ok(client.set_pin(session, PIN, "135790"));
    assert_eq!(client.flags() & CKF_USER_PIN_TO_BE_CHANGED, 0);
    assert_eq!(client.login(session, CKU_USER, PIN), CKR_PIN_INCORRECT);
    ok(client.login(session, CKU_USER, "135790"));
    ok(call!(client, C_Logout(session)));
    ok(client.login(session, CKU_SO, SO_PIN));
    ok(client.set_pin(session, SO_PIN, "so-pin-2"));
    ok(call!(client, C_Logout(session)));
    assert_eq!(client.login(session, CKU_SO, SO_PIN), CKR_PIN_INCORRECT);
    ok(client.login(session, CKU_SO, "so-pin-2"));
    let read_only = client.try_open(0);
    assert_eq!(read_only, Err(CKR_SESSION_READ_WRITE_SO_EXISTS));
}

#[test]
fn an_initialized_token_is_empty_and_has_no_user_pin() {
    let fixture = Bench::new();
    let client = fixture.client();
    let label = b"new label                       ";
    let init = |pin: &str| {
        call!(
            client,
            C_InitToken(1, pin.as_ptr().cast_mut(), pin.len() as CK_ULONG, label.as_ptr().cast_mut())
        )
    };
    let session = client.user();
    client.generate(session, b"id");
    assert_eq!(init(SO_PIN), CKR_SESSION_EXISTS);
    ok(call!(client, C_CloseAllSessions(1)));
    assert_eq!(init("00000000"), CKR_PIN_INCORRECT);
    ok(init(SO_PIN));
    assert_eq!(&client.token(1).label, label);
    assert_eq!(client.flags() & CKF_USER_PIN_INITIALIZED, 0);
    let session = client.open();
    assert_eq!(client.find(session, Template::new()).len(), 0);
    assert_eq!(client.login(session, CKU_USER, PIN), CKR_USER_PIN_NOT_INITIALIZED);
    ok(client.login(session, CKU_SO, SO_PIN));
    ok(call!(client, C_InitPIN(session, PIN.as_ptr().cast_mut(), 8)));
    ok(call!(client, C_Logout(session)));
    ok(client.login(session, CKU_USER, PIN));
    client.generate(session, b"id");
}

#[test]
fn every_signature_mechanism_signs_what_ycd_pki_verifies() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let key = PublicKey::from_point(&client.point(session, public)).unwrap();
    assert_eq!(client.point(session, private), client.point(session, public));
    assert_eq!(client.get(session, public, CKA_PUBLIC_KEY_INFO).unwrap(), key.to_spki_der());
    let text = b"text to sign".as_slice();
    let e = key.digest(text);
    let data = [
        (SM3_RAW, text),
        (SM3_DER, text),
        (SM3_DEFAULT_RAW, text),
        (SM3_DEFAULT_DER, text),
        (E_DER, e.as_slice()),
        (E_RAW, e.as_slice()),
    ];
    for (mechanism, data) in data {
        let made = client.sign(session, mechanism, private, data).unwrap();
        let signature = if [SM3_DER, SM3_DEFAULT_DER, E_DER].contains(&mechanism) {
            Signature::from_der(&made).unwrap()
        } else {
            Signature::from_raw(made.as_slice().try_into().unwrap()).unwrap()
        };
        key.verify(text, &signature.to_der()).unwrap();
        ok(client.verify(session, mechanism, public, data, &made));
        let mut altered = data.to_vec();
        altered[0] ^= 1;
        assert_eq!(client.verify(session, mechanism, public, &altered, &made), CKR_SIGNATURE_INVALID);
        assert_eq!(
            client.verify(session, mechanism, public, data, &made[1..]),
            match mechanism {
                SM3_DER | SM3_DEFAULT_DER | E_DER => CKR_SIGNATURE_INVALID,
                _ => CKR_SIGNATURE_LEN_RANGE,
            }
        );
    }
    assert_eq!(client.sign(session, E_DER, private, &e[1..]), Err(CKR_DATA_LEN_RANGE));
    assert_eq!(client.sign(session, E_RAW, private, &[0; 33]), Err(CKR_DATA_LEN_RANGE));
}

#[test]
fn a_signature_in_parts_is_the_one_made_at_once() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let whole = client.sign(session, SM3_DEFAULT_RAW, private, b"one two").unwrap();
    ok(client.sign_init(session, SM3_DEFAULT_RAW, private));
    ok(call!(client, C_SignUpdate(session, b"one ".as_ptr().cast_mut(), 4)));
    ok(call!(client, C_SignUpdate(session, b"two".as_ptr().cast_mut(), 3)));
    let mut out = [0; 64];
    let mut len = 0;
    ok(call!(client, C_SignFinal(session, std::ptr::null_mut(), &mut len)));
    assert_eq!(len, 64);
    len = 63;
    assert_eq!(call!(client, C_SignFinal(session, out.as_mut_ptr(), &mut len)), CKR_BUFFER_TOO_SMALL);
    ok(call!(client, C_SignFinal(session, out.as_mut_ptr(), &mut len)));
    assert_eq!(out.as_slice(), whole);
    ok(call!(client, C_VerifyInit(session, &mut mechanism(SM3_DEFAULT_RAW), public)));
    ok(call!(client, C_VerifyUpdate(session, b"one two".as_ptr().cast_mut(), 7)));
    ok(call!(client, C_VerifyFinal(session, out.as_mut_ptr(), 64)));
}

#[test]
fn another_distinguishing_identifier_makes_another_signature() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let with_id = |id: &[u8], kind| CK_MECHANISM {
        mechanism: kind,
        pParameter: id.as_ptr().cast_mut().cast(),
        ulParameterLen: id.len() as CK_ULONG,
    };
    let sign = |id: &[u8]| {
        ok(call!(client, C_SignInit(session, &mut with_id(id, SM3_RAW), private)));
        let (mut out, mut len) = ([0; 64], 64);
        ok(call!(client, C_Sign(session, b"x".as_ptr().cast_mut(), 1, out.as_mut_ptr(), &mut len)));
        out
    };
    let own = sign(b"ALICE123@YAHOO.COM");
    assert_eq!(sign(b"1234567812345678").as_slice(), client.sign(session, SM3_RAW, private, b"x").unwrap());
    assert_eq!(client.verify(session, SM3_RAW, public, b"x", &own), CKR_SIGNATURE_INVALID);
    ok(call!(client, C_VerifyInit(session, &mut with_id(b"ALICE123@YAHOO.COM", SM3_RAW), public)));
    ok(call!(client, C_Verify(session, b"x".as_ptr().cast_mut(), 1, own.as_ptr().cast_mut(), 64)));
    let refused = call!(client, C_SignInit(session, &mut with_id(b"id", SM3_DEFAULT_RAW), private));
    assert_eq!(refused, CKR_MECHANISM_PARAM_INVALID);
}

#[test]
fn sm3_digests_at_once_and_in_parts() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.open();
    let expected = ycd_pki::sm3::sm3(b"abc");
    let (mut out, mut len) = ([0; 32], 32);
    ok(call!(client, C_DigestInit(session, &mut mechanism(SM3))));
    ok(call!(client, C_Digest(session, b"abc".as_ptr().cast_mut(), 3, out.as_mut_ptr(), &mut len)));
    assert_eq!(out, expected);
    out = [0; 32];
    ok(call!(client, C_DigestInit(session, &mut mechanism(SM3))));
    for part in [b"a".as_slice(), b"", b"bc"] {
        ok(call!(client, C_DigestUpdate(session, part.as_ptr().cast_mut(), part.len() as CK_ULONG)));
    }
    ok(call!(client, C_DigestFinal(session, out.as_mut_ptr(), &mut len)));
    assert_eq!(out, expected);
    assert_eq!(
        call!(client, C_DigestFinal(session, out.as_mut_ptr(), &mut len)),
        CKR_OPERATION_NOT_INITIALIZED
    );
}

#[test]
fn a_private_key_never_leaves_the_token_in_the_clear() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (_, private) = client.generate(session, b"id");
    assert_eq!(client.get(session, private, CKA_VALUE), Err(CKR_ATTRIBUTE_SENSITIVE));
    for yes in [CKA_SENSITIVE, CKA_ALWAYS_SENSITIVE, CKA_NEVER_EXTRACTABLE, CKA_LOCAL, CKA_PRIVATE, CKA_SIGN]
    {
        assert_eq!(client.get(session, private, yes).unwrap(), [CK_TRUE], "{yes:#x}");
    }
    assert_eq!(client.get(session, private, CKA_EXTRACTABLE).unwrap(), [CK_FALSE]);
    for (kind, value) in [(CKA_EXTRACTABLE, CK_TRUE), (CKA_SENSITIVE, CK_FALSE), (CKA_PRIVATE, CK_FALSE)] {
        let refused = client.set(session, private, Template::new().bytes(kind, &[value]));
        assert_eq!(refused, CKR_ATTRIBUTE_READ_ONLY);
        let mut public = Template::new();
        let mut template = Template::new().yes(CKA_TOKEN).bytes(kind, &[value]);
        let (public, private) = (public.raw(), template.raw());
        let (mut a, mut b) = (0, 0);
        let made = call!(
            client,
            C_GenerateKeyPair(
                session,
                &mut mechanism(KEY_PAIR_GEN),
                public.as_ptr().cast_mut(),
                0,
                private.as_ptr().cast_mut(),
                2,
                &mut a,
                &mut b
            )
        );
        assert_eq!(made, CKR_TEMPLATE_INCONSISTENT);
    }
    let import = Template::class(CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, CKK_SM2).bytes(CKA_VALUE, &[1; 32]);
    assert_eq!(client.create(session, import), Err(CKR_TEMPLATE_INCONSISTENT));
}

#[test]
fn so_many_pairs_fit_and_no_more() {
    let fixture = Bench::empty();
    fixture.add_as(NewToken { containers: Some(2), ..Bench::token() });
    let client = fixture.client();
    let session = client.user();
    assert_eq!({ client.token(1).ulFreePrivateMemory }, 2048);
    let (public, private) = client.generate(session, b"1");
    client.generate(session, b"2");
    assert_eq!({ client.token(1).ulFreePrivateMemory }, 0);
    assert_eq!({ client.token(1).ulTotalPrivateMemory }, 2048);
    assert_eq!(client.try_generate(session, b"3"), Err(CKR_DEVICE_MEMORY));
    ok(call!(client, C_DestroyObject(session, private)));
    assert_eq!(
        client.try_generate(session, b"3"),
        Err(CKR_DEVICE_MEMORY),
        "an orphaned pair takes its free capacity"
    );
    ok(call!(client, C_DestroyObject(session, public)));
    client.generate(session, b"3");
}
