//! Callers that do everything wrong get an answer.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use std::ptr::null_mut;

use common::*;
use cryptoki_sys::*;

const HUGE: CK_ULONG = CK_ULONG::MAX;
/// What made a prototype loop for ever.
#[cfg(target_pointer_width = "64")]
const MANY: usize = 0x1_0000_0000;
#[cfg(not(target_pointer_width = "64"))]
const MANY: usize = 0x7FFF_FFFF;

fn many() -> CK_ULONG {
    CK_ULONG::try_from(MANY).unwrap_or(HUGE)
}

#[test]
fn nothing_works_before_initialize_or_after_finalize() {
    let client = Client::loaded();
    let mut info = CK_INFO::default();
    assert_eq!(call!(client, C_GetInfo(&mut info)), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(call!(client, C_Finalize(null_mut())), CKR_CRYPTOKI_NOT_INITIALIZED);
    ok(call!(client, C_Initialize(null_mut())));
    assert_eq!(call!(client, C_Initialize(null_mut())), CKR_CRYPTOKI_ALREADY_INITIALIZED);
    let byte = 1_u8;
    let reserved = (&raw const byte).cast_mut().cast();
    assert_eq!(call!(client, C_Finalize(reserved)), CKR_ARGUMENTS_BAD);
    ok(call!(client, C_Finalize(null_mut())));
    let mut count = 0;
    assert_eq!(call!(client, C_GetSlotList(1, null_mut(), &mut count)), CKR_CRYPTOKI_NOT_INITIALIZED);
    assert_eq!(call!(client, C_Sign(1, null_mut(), 0, null_mut(), null_mut())), CKR_CRYPTOKI_NOT_INITIALIZED);
}

#[test]
fn initialize_takes_os_locking_and_refuses_what_it_cannot_do() {
    unsafe extern "C" fn lock(_: *mut std::ffi::c_void) -> CK_RV {
        CKR_OK
    }
    let client = Client::loaded();
    let mut args = CK_C_INITIALIZE_ARGS {
        CreateMutex: None,
        DestroyMutex: None,
        LockMutex: None,
        UnlockMutex: None,
        flags: CKF_OS_LOCKING_OK,
        pReserved: null_mut(),
    };
    let init = |args: &mut CK_C_INITIALIZE_ARGS| call!(client, C_Initialize((&raw mut *args).cast()));
    ok(init(&mut args));
    ok(call!(client, C_Finalize(null_mut())));
    args.LockMutex = Some(lock);
    assert_eq!(init(&mut args), CKR_ARGUMENTS_BAD);
    args.LockMutex = None;
    args.pReserved = (&raw mut args.flags).cast();
    assert_eq!(init(&mut args), CKR_ARGUMENTS_BAD);
}

#[test]
fn null_is_answered_wherever_it_may_stand() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let bad = |rv: CK_RV| assert_eq!(rv, CKR_ARGUMENTS_BAD, "{rv:#x}");
    bad(call!(client, C_GetInfo(null_mut())));
    bad(call!(client, C_GetFunctionList(null_mut())));
    bad(call!(client, C_GetSlotList(1, null_mut(), null_mut())));
    bad(call!(client, C_GetSlotInfo(1, null_mut())));
    bad(call!(client, C_GetTokenInfo(1, null_mut())));
    bad(call!(client, C_GetMechanismList(1, null_mut(), null_mut())));
    bad(call!(client, C_GetMechanismInfo(1, SM3, null_mut())));
    bad(call!(client, C_InitToken(1, null_mut(), 8, null_mut())));
    bad(call!(client, C_InitToken(1, PIN.as_ptr().cast_mut(), 8, null_mut())));
    bad(call!(client, C_InitPIN(session, null_mut(), 8)));
    bad(call!(client, C_SetPIN(session, null_mut(), 8, null_mut(), 8)));
    bad(call!(client, C_OpenSession(1, CKF_SERIAL_SESSION, null_mut(), None, null_mut())));
    bad(call!(client, C_GetSessionInfo(session, null_mut())));
    bad(call!(client, C_Login(session, CKU_USER, null_mut(), 8)));
    bad(call!(client, C_CreateObject(session, null_mut(), 1, null_mut())));
    let mut object = 0;
    bad(call!(client, C_CreateObject(session, null_mut(), 1, &mut object)));
    bad(call!(client, C_CopyObject(session, public, null_mut(), 0, null_mut())));
    bad(call!(client, C_GetObjectSize(session, public, null_mut())));
    bad(call!(client, C_GetAttributeValue(session, public, null_mut(), 1)));
    bad(call!(client, C_SetAttributeValue(session, public, null_mut(), 1)));
    bad(call!(client, C_FindObjectsInit(session, null_mut(), 1)));
    ok(call!(client, C_FindObjectsInit(session, null_mut(), 0)));
    bad(call!(client, C_FindObjects(session, null_mut(), 1, null_mut())));
    ok(call!(client, C_FindObjectsFinal(session)));
    bad(call!(client, C_DigestInit(session, null_mut())));
    bad(call!(client, C_SignInit(session, null_mut(), private)));
    bad(call!(client, C_VerifyInit(session, null_mut(), public)));
    bad(call!(client, C_GenerateRandom(session, null_mut(), 8)));
    bad(call!(client, C_WaitForSlotEvent(CKF_DONT_BLOCK, null_mut(), null_mut())));
    bad(call!(
        client,
        C_GenerateKeyPair(session, null_mut(), null_mut(), 0, null_mut(), 0, null_mut(), null_mut())
    ));
    ok(call!(client, C_DigestInit(session, &mut mechanism(SM3))));
    let mut len = 32;
    bad(call!(client, C_Digest(session, null_mut(), 1, null_mut(), &mut len)));
    ok(client.sign_init(session, SM3_RAW, private));
    bad(call!(client, C_SignUpdate(session, null_mut(), 1)));
    ok(client.sign_init(session, SM3_RAW, private));
    bad(call!(client, C_Sign(session, null_mut(), 0, null_mut(), null_mut())));
    ok(call!(client, C_VerifyInit(session, &mut mechanism(SM3_RAW), public)));
    bad(call!(client, C_Verify(session, null_mut(), 0, null_mut(), 64)));
}

#[test]
fn huge_lengths_and_counts_are_refused_at_once() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let mut byte = [0_u8; 8];
    let byte = byte.as_mut_ptr();
    let mut attribute = CK_ATTRIBUTE { type_: CKA_LABEL, pValue: byte.cast(), ulValueLen: HUGE };
    for count in [HUGE, many(), 100_000] {
        assert_eq!(call!(client, C_FindObjectsInit(session, &mut attribute, count)), CKR_ARGUMENTS_BAD);
        assert_eq!(
            call!(client, C_GetAttributeValue(session, public, &mut attribute, count)),
            CKR_ARGUMENTS_BAD
        );
        assert_eq!(
            call!(client, C_SetAttributeValue(session, public, &mut attribute, count)),
            CKR_ARGUMENTS_BAD
        );
        let mut object = 0;
        assert_eq!(
            call!(client, C_CreateObject(session, &mut attribute, count, &mut object)),
            CKR_ARGUMENTS_BAD
        );
    }
    for len in [HUGE, many(), 1 << 21] {
        attribute.ulValueLen = len;
        let rv = call!(client, C_FindObjectsInit(session, &mut attribute, 1));
        assert_eq!(rv, CKR_ATTRIBUTE_VALUE_INVALID);
        assert_eq!(
            call!(client, C_SetAttributeValue(session, public, &mut attribute, 1)),
            CKR_ATTRIBUTE_VALUE_INVALID
        );
    }
    for len in [HUGE, many()] {
        ok(call!(client, C_DigestInit(session, &mut mechanism(SM3))));
        assert_eq!(call!(client, C_DigestUpdate(session, byte, len)), CKR_DATA_LEN_RANGE);
        ok(client.sign_init(session, SM3_RAW, private));
        assert_eq!(call!(client, C_SignUpdate(session, byte, len)), CKR_DATA_LEN_RANGE);
        assert_eq!(call!(client, C_GenerateRandom(session, byte, len)), CKR_ARGUMENTS_BAD);
        assert_ne!(call!(client, C_SetPIN(session, byte, len, byte, len)), CKR_OK);
        let mut with = CK_MECHANISM { mechanism: SM3_RAW, pParameter: byte.cast(), ulParameterLen: len };
        assert_eq!(call!(client, C_SignInit(session, &mut with, private)), CKR_MECHANISM_PARAM_INVALID);
        let mut with = CK_MECHANISM { mechanism: SM3_RAW, pParameter: null_mut(), ulParameterLen: 5 };
        assert_eq!(call!(client, C_SignInit(session, &mut with, private)), CKR_MECHANISM_PARAM_INVALID);
    }
    let mut found = [0; 8];
    let mut count = 0;
    ok(call!(client, C_FindObjectsInit(session, null_mut(), 0)));
    ok(call!(client, C_FindObjects(session, found.as_mut_ptr(), HUGE, &mut count)));
    assert_eq!(count, 2, "two objects fit, however many are asked for");
}

#[test]
fn values_of_the_wrong_length_are_no_values() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    for wrong in [b"".as_slice(), b"\x01\x00", b"\x02"] {
        let made = client.create(session, data(b"a", b"b").bytes(CKA_PRIVATE, wrong));
        assert_eq!(made, Err(CKR_ATTRIBUTE_VALUE_INVALID));
    }
    for wrong in [b"".as_slice(), b"\x01", &[0; 9]] {
        let made = client.create(session, Template::new().bytes(CKA_CLASS, wrong));
        assert_eq!(made, Err(CKR_ATTRIBUTE_VALUE_INVALID));
    }
    let twice = data(b"a", b"b").bytes(CKA_LABEL, b"c");
    assert_eq!(client.create(session, twice), Err(CKR_TEMPLATE_INCONSISTENT));
    for point in [b"".as_slice(), &[4; 65], &[4; 67], &[0; 64], &[1; 1000]] {
        let key = Template::class(CKO_PUBLIC_KEY).bytes(CKA_EC_POINT, point);
        assert_eq!(client.create(session, key), Err(CKR_ATTRIBUTE_VALUE_INVALID));
    }
}

#[test]
fn a_buffer_too_small_is_told_and_not_written_over() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"a long identifier");
    let mut room = [0xAA_u8; 8];
    let mut template = [
        CK_ATTRIBUTE { type_: CKA_ID, pValue: room.as_mut_ptr().cast(), ulValueLen: 4 },
        CK_ATTRIBUTE { type_: CKA_VALUE, pValue: null_mut(), ulValueLen: 0 },
        CK_ATTRIBUTE { type_: CKA_MODULUS, pValue: null_mut(), ulValueLen: 0 },
        CK_ATTRIBUTE { type_: CKA_ID, pValue: null_mut(), ulValueLen: 0 },
    ];
    let rv = call!(client, C_GetAttributeValue(session, private, template.as_mut_ptr(), 4));
    assert_eq!(rv, CKR_BUFFER_TOO_SMALL, "the first fault");
    let lens: Vec<CK_ULONG> = template.iter().map(|a| a.ulValueLen).collect();
    assert_eq!(lens, [CK_ULONG::MAX, CK_ULONG::MAX, CK_ULONG::MAX, 17]);
    assert_eq!(room, [0xAA; 8]);
    ok(client.sign_init(session, SM3_RAW, private));
    let mut len = 8;
    let rv = call!(client, C_Sign(session, null_mut(), 0, room.as_mut_ptr(), &mut len));
    assert_eq!((rv, len), (CKR_BUFFER_TOO_SMALL, 64));
    assert_eq!(room, [0xAA; 8]);
    let mut count = 0;
    assert_eq!(call!(client, C_GetSlotList(1, [0; 1].as_mut_ptr(), &mut count)), CKR_BUFFER_TOO_SMALL);
    assert_eq!(count, 1);
    assert_eq!(client.point(session, public).len(), 65);
}

#[test]
fn operations_out_of_order_are_told_so() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let none = CKR_OPERATION_NOT_INITIALIZED;
    let (mut out, mut len) = ([0_u8; 128], 128);
    let out = out.as_mut_ptr();
    assert_eq!(call!(client, C_Sign(session, out, 1, out, &mut len)), none);
    assert_eq!(call!(client, C_SignUpdate(session, out, 1)), none);
    assert_eq!(call!(client, C_SignFinal(session, out, &mut len)), none);
    assert_eq!(call!(client, C_Verify(session, out, 1, out, 64)), none);
    assert_eq!(call!(client, C_VerifyUpdate(session, out, 1)), none);
    assert_eq!(call!(client, C_VerifyFinal(session, out, 64)), none);
    assert_eq!(call!(client, C_Digest(session, out, 1, out, &mut len)), none);
    assert_eq!(call!(client, C_DigestUpdate(session, out, 1)), none);
    assert_eq!(call!(client, C_DigestFinal(session, out, &mut len)), none);
    assert_eq!(call!(client, C_FindObjectsFinal(session)), none);
    let mut count = 0;
    assert_eq!(call!(client, C_FindObjects(session, &mut count, 1, &mut len)), none);
    ok(call!(client, C_FindObjectsInit(session, null_mut(), 0)));
    assert_eq!(call!(client, C_FindObjectsInit(session, null_mut(), 0)), CKR_OPERATION_ACTIVE);
    ok(client.sign_init(session, SM3_RAW, private));
    assert_eq!(client.sign_init(session, SM3_RAW, private), CKR_OPERATION_ACTIVE);
    ok(call!(client, C_SignUpdate(session, out, 1)));
    assert_eq!(call!(client, C_Sign(session, out, 1, out, &mut len)), CKR_OPERATION_ACTIVE);
    assert_eq!(call!(client, C_SignFinal(session, out, &mut len)), none, "an error ends it");
    assert_eq!(client.sign_init(session, SM3_RAW, public), CKR_KEY_TYPE_INCONSISTENT);
    assert_eq!(client.sign_init(session, SM3, private), CKR_MECHANISM_INVALID);
    assert_eq!(client.sign_init(session, SM3_RAW, 999), CKR_KEY_HANDLE_INVALID);
    assert_eq!(client.sign_init(session, SM3_RAW, HUGE), CKR_KEY_HANDLE_INVALID);
    for handle in [0, 999, HUGE] {
        assert_eq!(client.sign_init(handle, SM3_RAW, private), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(call!(client, C_CloseSession(handle)), CKR_SESSION_HANDLE_INVALID);
        assert_eq!(call!(client, C_DestroyObject(session, handle)), CKR_OBJECT_HANDLE_INVALID);
        let mut info = CK_SLOT_INFO::default();
        assert_eq!(call!(client, C_GetSlotInfo(handle, &mut info)), CKR_SLOT_ID_INVALID);
        assert_eq!(call!(client, C_CloseAllSessions(handle)), CKR_SLOT_ID_INVALID);
    }
    assert_eq!(client.login(session, 7, PIN), CKR_USER_TYPE_INVALID);
    assert_eq!(client.login(session, CKU_SO, SO_PIN), CKR_USER_ANOTHER_ALREADY_LOGGED_IN);
    let mut opened = 0;
    let parallel = call!(client, C_OpenSession(1, 0, null_mut(), None, &mut opened));
    assert_eq!(parallel, CKR_SESSION_PARALLEL_NOT_SUPPORTED);
    ok(call!(client, C_Logout(session)));
    assert_eq!(call!(client, C_Logout(session)), CKR_USER_NOT_LOGGED_IN);
}

#[test]
fn unaligned_structures_are_read_and_written() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, _) = client.generate(session, b"id");
    let mut room = [0_u8; 16];
    let attribute = CK_ATTRIBUTE { type_: CKA_ID, pValue: room.as_mut_ptr().cast(), ulValueLen: 16 };
    let mut bytes = [0_u8; size_of::<CK_ATTRIBUTE>() + 8];
    for shift in 1..8 {
        let place = bytes[shift..].as_mut_ptr().cast::<CK_ATTRIBUTE>();
        // SAFETY: room for one attribute behind `shift`.
        unsafe { place.write_unaligned(attribute) };
        ok(call!(client, C_GetAttributeValue(session, public, place, 1)));
        // SAFETY: as above.
        assert_eq!({ unsafe { place.read_unaligned() }.ulValueLen }, 2);
        assert_eq!(&room[..2], b"id");
    }
}

#[test]
fn many_threads_may_call_at_once() {
    let fixture = Bench::new();
    let client = fixture.client();
    let main = client.user();
    let (public, private) = client.generate(main, b"id");
    std::thread::scope(|scope| {
        for thread in 0..8_u8 {
            let client = &client;
            scope.spawn(move || {
                for round in 0..10 {
                    let session = client.open();
                    let data = [thread, round];
                    let signed = client.sign(session, SM3_DEFAULT_DER, private, &data).unwrap();
                    ok(client.verify(session, SM3_DEFAULT_DER, public, &data, &signed));
                    let object = client.write_certificate(session, &data, &data).unwrap();
                    assert_eq!(client.get(session, object, CKA_VALUE).unwrap(), data);
                    ok(call!(client, C_DestroyObject(session, object)));
                    ok(call!(client, C_CloseSession(session)));
                }
            });
        }
    });
    assert_eq!(client.find(main, Template::new()).len(), 2);
}

#[test]
fn the_last_session_that_closes_logs_the_user_out() {
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    ok(call!(client, C_CloseSession(session)));
    let again = client.open();
    assert_eq!(client.try_generate(again, b"id"), Err(CKR_USER_NOT_LOGGED_IN));
}

#[test]
fn a_damaged_file_is_an_error_and_no_crash() {
    let fixture = Bench::new();
    fixture.add("K2");
    let client = fixture.client();
    let path = fixture.path().join("K1.key");
    let whole = std::fs::read(&path).unwrap();
    let mut info = CK_TOKEN_INFO::default();
    for len in (0..whole.len()).step_by(29) {
        std::fs::write(&path, &whole[..len]).unwrap();
        assert_eq!(fixture.client().slots(true), [2], "a file that is no state is no slot");
        let mut altered = whole.clone();
        altered[len] ^= 1;
        altered[15] ^= 1;
        std::fs::write(&path, &altered).unwrap();
        assert_eq!(call!(client, C_GetTokenInfo(1, &mut info)), CKR_DEVICE_ERROR);
        client.token(2);
    }
    std::fs::write(&path, &whole).unwrap();
    client.token(1);
}
