//! Certificates, data and tokens as objects: seen, found, changed, copied, destroyed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use common::*;
use cryptoki_sys::*;

#[test]
fn private_objects_are_seen_after_login_only() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let secret = client.create(session, data(b"note", b"secret").yes(CKA_PRIVATE)).unwrap();
    assert_eq!(client.find(session, Template::new()), [public, private, secret]);
    assert_eq!(client.get(session, secret, CKA_VALUE).unwrap(), b"secret");
    ok(call!(client, C_Logout(session)));
    assert_eq!(client.find(session, Template::new()), [public]);
    assert_eq!(client.get(session, private, CKA_ID), Err(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(client.get(session, secret, CKA_VALUE), Err(CKR_OBJECT_HANDLE_INVALID));
    assert_eq!(client.sign_init(session, SM3_DEFAULT_DER, private), CKR_KEY_HANDLE_INVALID);
    ok(client.login(session, CKU_USER, PIN));
    assert_eq!(client.find(session, Template::new()).len(), 3);
}

#[test]
fn a_logout_ends_a_signature_that_was_begun() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (_, private) = client.generate(session, b"id");
    ok(client.sign_init(session, SM3_DEFAULT_DER, private));
    ok(call!(client, C_Logout(session)));
    let (mut out, mut len) = ([0; 72], 72);
    let rv = call!(client, C_Sign(session, b"x".as_ptr().cast_mut(), 1, out.as_mut_ptr(), &mut len));
    assert_eq!(rv, CKR_OPERATION_NOT_INITIALIZED);
}

#[test]
fn the_file_holds_no_secret_in_the_clear() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    client.create(session, data(b"note", b"a very private value").yes(CKA_PRIVATE)).unwrap();
    client.generate(session, b"id");
    let file = String::from_utf8_lossy(&std::fs::read(fixture.path().join("K1.key")).unwrap()).into_owned();
    for secret in [b"a very private value".as_slice(), PIN.as_bytes(), SO_PIN.as_bytes()] {
        assert!(!file.contains(&hex(secret)), "in hexadecimal");
        assert!(!file.contains(std::str::from_utf8(secret).unwrap()), "as text");
    }
    assert!(!file.contains("clear"));
}

#[test]
fn a_certificate_reads_back_as_it_was_written_and_goes_when_destroyed() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let der: Vec<u8> = (0..1500_u32).map(|n| n as u8).collect();
    let template =
        certificate(b"id", &der).bytes(CKA_ISSUER, b"issuer").bytes(CKA_SERIAL_NUMBER, b"\x02\x01\x07");
    let object = client.create(session, template).unwrap();
    let other = fixture.client();
    let reader = other.try_open(0).unwrap();
    assert_eq!(other.find(reader, Template::class(CKO_CERTIFICATE).bytes(CKA_VALUE, &der)), [object]);
    assert_eq!(other.get(reader, object, CKA_VALUE).unwrap(), der);
    assert_eq!(other.get(reader, object, CKA_SERIAL_NUMBER).unwrap(), b"\x02\x01\x07");
    let mut size = 0;
    ok(call!(other, C_GetObjectSize(reader, object, &mut size)));
    assert!(size >= 1500);
    assert_eq!(call!(other, C_DestroyObject(reader, object)), CKR_SESSION_READ_ONLY);
    ok(call!(client, C_DestroyObject(session, object)));
    assert_eq!(other.get(reader, object, CKA_VALUE), Err(CKR_OBJECT_HANDLE_INVALID));
    let next = client.write_certificate(session, b"id", &der).unwrap();
    assert_ne!(next, object, "a handle is never used again");
}

#[test]
fn a_certificate_needs_its_type_subject_and_value() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let base = || Template::class(CKO_CERTIFICATE).yes(CKA_TOKEN);
    let typed = || base().number(CKA_CERTIFICATE_TYPE, CKC_X_509);
    let incomplete = Err(CKR_TEMPLATE_INCOMPLETE);
    assert_eq!(client.create(session, base()), incomplete);
    assert_eq!(client.create(session, typed().bytes(CKA_VALUE, b"x")), incomplete);
    assert_eq!(client.create(session, typed().bytes(CKA_SUBJECT, b"x")), incomplete);
    assert_eq!(client.create(session, Template::new().yes(CKA_TOKEN)), incomplete);
    let odd = certificate(b"id", b"x").bytes(CKA_MODULUS, b"x");
    assert_eq!(client.create(session, odd), Err(CKR_ATTRIBUTE_TYPE_INVALID));
    let huge = certificate(b"id", &vec![0; 70_000]);
    assert_eq!(client.create(session, huge), Err(CKR_DEVICE_MEMORY));
}

#[test]
fn what_a_certificates_writer_says_of_it_is_kept_and_shown() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let said = [
        (CKA_URL, b"https://ca.example/1.cer".as_slice()),
        (CKA_CHECK_VALUE, b"\x01\x02\x03"),
        (CKA_START_DATE, b"20260101"),
        (CKA_END_DATE, b"20271231"),
        (CKA_HASH_OF_SUBJECT_PUBLIC_KEY, &[7; 20]),
        (CKA_HASH_OF_ISSUER_PUBLIC_KEY, &[8; 20]),
        (CKA_NAME_HASH_ALGORITHM, &CKM_SHA256.to_ne_bytes()),
    ];
    let full = said.iter().fold(certificate(b"id", b"x"), |with, (kind, value)| with.bytes(*kind, value));
    let object = client.create(session, full).unwrap();
    let other = fixture.client();
    let reader = other.open();
    for (kind, value) in said {
        assert_eq!(other.get(reader, object, kind).as_deref(), Ok(value), "{kind:#x}");
        assert_eq!(other.find(reader, Template::new().bytes(kind, value)), [object], "{kind:#x}");
    }
    let bare = client.create(session, certificate(b"id", b"y")).unwrap();
    for (kind, value) in
        [(CKA_URL, b"".to_vec()), (CKA_NAME_HASH_ALGORITHM, CKM_SHA_1.to_ne_bytes().to_vec())]
    {
        assert_eq!(client.get(session, bare, kind), Ok(value), "{kind:#x}");
    }
    assert_eq!(client.get(session, bare, CKA_CHECK_VALUE), Err(CKR_ATTRIBUTE_TYPE_INVALID));
    for (kind, wrong) in
        [(CKA_START_DATE, b"1.1.2026".as_slice()), (CKA_END_DATE, b"2027"), (CKA_CHECK_VALUE, b"12")]
    {
        let odd = certificate(b"id", b"x").bytes(kind, wrong);
        assert_eq!(client.create(session, odd), Err(CKR_ATTRIBUTE_VALUE_INVALID), "{kind:#x}");
    }
}

#[test]
fn an_object_that_may_not_be_modified_refuses_every_change() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let object = client.create(session, certificate(b"id", b"x").no(CKA_MODIFIABLE)).unwrap();
    for kind in [CKA_LABEL, CKA_ID, CKA_VALUE] {
        assert_eq!(client.set(session, object, Template::new().bytes(kind, b"new")), CKR_ACTION_PROHIBITED);
    }
    assert_eq!(client.get(session, object, CKA_ID).unwrap(), b"id");
}

#[test]
fn keys_that_the_token_cannot_hold_are_inconsistent_templates() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let rsa = Template::class(CKO_PUBLIC_KEY)
        .number(CKA_KEY_TYPE, CKK_RSA)
        .bytes(CKA_MODULUS, &[0xC1; 256])
        .bytes(CKA_PUBLIC_EXPONENT, b"\x01\x00\x01");
    let aes = Template::class(CKO_SECRET_KEY).number(CKA_KEY_TYPE, CKK_AES).bytes(CKA_VALUE, &[1; 16]);
    let private = Template::class(CKO_PRIVATE_KEY).number(CKA_KEY_TYPE, CKK_SM2).bytes(CKA_VALUE, &[1; 32]);
    let parameters = Template::class(CKO_DOMAIN_PARAMETERS).number(CKA_KEY_TYPE, CKK_DSA);
    for template in [rsa, aes, private, parameters] {
        assert_eq!(client.create(session, template), Err(CKR_TEMPLATE_INCONSISTENT));
    }
    let pointless = Template::class(CKO_PUBLIC_KEY).number(CKA_KEY_TYPE, CKK_SM2);
    assert_eq!(client.create(session, pointless), Err(CKR_TEMPLATE_INCOMPLETE));
    assert_eq!(client.create(session, Template::class(0x7FFF_FFFF)), Err(CKR_ATTRIBUTE_VALUE_INVALID));
}

#[test]
fn no_random_bytes_may_be_asked_for_without_a_place() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.open();
    ok(call!(client, C_GenerateRandom(session, std::ptr::null_mut(), 0)));
    assert_eq!(call!(client, C_GenerateRandom(session, std::ptr::null_mut(), 1)), CKR_ARGUMENTS_BAD);
}

#[test]
fn a_change_of_label_and_id_is_seen_by_other_sessions_and_processes() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let second = client.open();
    let other = fixture.client();
    let reader = other.open();
    ok(client.set(session, public, Template::new().bytes(CKA_LABEL, b"new").bytes(CKA_ID, b"new id")));
    ok(client.set(session, private, Template::new().bytes(CKA_ID, b"new id")));
    assert_eq!(client.get(second, public, CKA_LABEL).unwrap(), b"new");
    assert_eq!(client.get(second, private, CKA_ID).unwrap(), b"new id");
    assert_eq!(other.get(reader, public, CKA_ID).unwrap(), b"new id");
    let both = Template::new().bytes(CKA_LABEL, b"no").number(CKA_KEY_TYPE, 3);
    assert_eq!(client.set(session, public, both), CKR_ATTRIBUTE_READ_ONLY);
    assert_eq!(client.get(second, public, CKA_LABEL).unwrap(), b"new", "all of a change or nothing");
    let signed = client.sign(session, SM3_DEFAULT_DER, private, b"x").unwrap();
    ok(client.verify(session, SM3_DEFAULT_DER, public, b"x", &signed));
}

#[test]
fn a_private_value_stays_sealed_when_it_is_changed_or_copied() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let object = client.create(session, data(b"note", b"one").yes(CKA_PRIVATE)).unwrap();
    ok(client.set(session, object, Template::new().bytes(CKA_VALUE, b"two")));
    assert_eq!(client.get(session, object, CKA_VALUE).unwrap(), b"two");
    let mut copy = 0;
    let mut template = Template::new().bytes(CKA_LABEL, b"copy");
    let raw = template.raw();
    ok(call!(client, C_CopyObject(session, object, raw.as_ptr().cast_mut(), 1, &mut copy)));
    assert_eq!(client.get(session, copy, CKA_VALUE).unwrap(), b"two");
    assert_eq!(client.get(session, copy, CKA_LABEL).unwrap(), b"copy");
    assert_eq!(client.find(session, Template::new().bytes(CKA_VALUE, b"two")), [object, copy]);
    let (_, private) = client.generate(session, b"id");
    let rv = call!(client, C_CopyObject(session, private, std::ptr::null_mut(), 0, &mut copy));
    assert_eq!(rv, CKR_ACTION_PROHIBITED);
}

#[test]
fn session_objects_are_not_written_and_go_with_their_session() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let second = client.open();
    let point = client.get(session, public, CKA_EC_POINT).unwrap();
    let template = Template::class(CKO_PUBLIC_KEY).number(CKA_KEY_TYPE, CKK_SM2).bytes(CKA_EC_POINT, &point);
    let object = client.create(second, template).unwrap();
    let signed = client.sign(session, SM3_DEFAULT_DER, private, b"x").unwrap();
    ok(client.verify(session, SM3_DEFAULT_DER, object, b"x", &signed));
    assert_eq!(client.get(session, object, CKA_TOKEN).unwrap(), [CK_FALSE]);
    assert_eq!(client.get(session, object, CKA_LOCAL).unwrap(), [CK_FALSE]);
    let other = fixture.client();
    assert_eq!(
        other.find(other.open(), Template::new()),
        [public],
        "another process sees token objects only"
    );
    ok(call!(client, C_CloseSession(second)));
    assert_eq!(client.get(session, object, CKA_TOKEN), Err(CKR_OBJECT_HANDLE_INVALID));
}

#[test]
fn nothing_is_written_without_login_or_in_a_read_only_session() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.open();
    assert_eq!(client.write_certificate(session, b"id", b"x"), Err(CKR_USER_NOT_LOGGED_IN));
    assert_eq!(client.try_generate(session, b"id"), Err(CKR_USER_NOT_LOGGED_IN));
    let read_only = client.try_open(0).unwrap();
    assert_eq!(client.login(read_only, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
    ok(client.login(read_only, CKU_USER, PIN));
    assert_eq!(client.login(session, CKU_USER, PIN), CKR_USER_ALREADY_LOGGED_IN);
    assert_eq!(client.login(session, CKU_SO, SO_PIN), CKR_SESSION_READ_ONLY_EXISTS);
    assert_eq!(client.write_certificate(read_only, b"id", b"x"), Err(CKR_SESSION_READ_ONLY));
    assert_eq!(client.try_generate(read_only, b"id"), Err(CKR_SESSION_READ_ONLY));
    client.write_certificate(session, b"id", b"x").unwrap();
    let mut info = CK_SESSION_INFO::default();
    ok(call!(client, C_GetSessionInfo(read_only, &mut info)));
    assert_eq!((info.slotID, info.state, info.flags), (1, CKS_RO_USER_FUNCTIONS, CKF_SERIAL_SESSION));
}

#[test]
fn two_processes_that_write_at_once_lose_nothing() {
    let fixture = Bench::new();
    let write = |n: u8| {
        let client = fixture.client();
        let session = client.user();
        for m in 0..10 {
            client.write_certificate(session, &[n, m], &[n, m]).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for n in 0..3 {
            scope.spawn(move || write(n));
        }
    });
    let client = fixture.client();
    assert_eq!(client.find(client.open(), Template::class(CKO_CERTIFICATE)).len(), 30);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
