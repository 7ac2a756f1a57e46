//! `FEATURES.md` says of every function what it does, and nothing else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use std::collections::BTreeMap;
use std::ptr::null_mut;

use common::*;
use cryptoki_sys::*;

/// Function and mark of each row of the table of functions.
fn rows() -> Vec<(String, String)> {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/FEATURES.md")).unwrap();
    let row = |line: &str| {
        let mut cells = line.strip_prefix("| `C_")?.split('|').map(str::trim);
        let name = format!("C_{}", cells.next()?.trim_end_matches('`'));
        Some((name, cells.next()?.to_owned()))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn the_table_names_each_function_once_in_the_order_of_pkcs11() {
    let names: Vec<String> = rows().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ycd_softkey::FUNCTIONS);
    for (name, mark) in rows() {
        assert!(["✓", "partly", "✗"].contains(&mark.as_str()), "{name}: {mark}");
    }
}

#[test]
fn functions_marked_as_missing_answer_so_and_the_others_do_not() {
    let fixture = Bench::new();
    let client = fixture.client();
    let s = client.open();
    let mut answers: BTreeMap<&str, CK_RV> = BTreeMap::new();
    macro_rules! ask {
        ($($name:ident($($argument:expr),*);)*) => {
            $(answers.insert(stringify!($name), call!(client, $name($($argument),*)));)*
        };
    }
    let (n, m, a, b) = (null_mut::<u8>(), null_mut(), null_mut(), null_mut());
    ask! {
        C_Initialize(n.cast());
        C_GetInfo(n.cast());
        C_GetFunctionList(n.cast());
        C_GetSlotList(0, n.cast(), n.cast());
        C_GetSlotInfo(1, n.cast());
        C_GetTokenInfo(1, n.cast());
        C_GetMechanismList(1, n.cast(), n.cast());
        C_GetMechanismInfo(1, 0, n.cast());
        C_InitToken(1, b, 0, b);
        C_InitPIN(s, b, 0);
        C_SetPIN(s, b, 0, b, 0);
        C_OpenSession(1, 0, n.cast(), None, n.cast());
        C_GetSessionInfo(s, n.cast());
        C_GetOperationState(s, b, n.cast());
        C_SetOperationState(s, b, 0, 0, 0);
        C_Login(s, 0, b, 0);
        C_Logout(s);
        C_CreateObject(s, a, 0, n.cast());
        C_CopyObject(s, 0, a, 0, n.cast());
        C_DestroyObject(s, 0);
        C_GetObjectSize(s, 0, n.cast());
        C_GetAttributeValue(s, 0, a, 0);
        C_SetAttributeValue(s, 0, a, 0);
        C_FindObjectsInit(s, a, 1);
        C_FindObjects(s, n.cast(), 0, n.cast());
        C_FindObjectsFinal(s);
        C_EncryptInit(s, m, 0);
        C_Encrypt(s, b, 0, b, n.cast());
        C_EncryptUpdate(s, b, 0, b, n.cast());
        C_EncryptFinal(s, b, n.cast());
        C_DecryptInit(s, m, 0);
        C_Decrypt(s, b, 0, b, n.cast());
        C_DecryptUpdate(s, b, 0, b, n.cast());
        C_DecryptFinal(s, b, n.cast());
        C_DigestInit(s, m);
        C_Digest(s, b, 0, b, n.cast());
        C_DigestUpdate(s, b, 0);
        C_DigestKey(s, 0);
        C_DigestFinal(s, b, n.cast());
        C_SignInit(s, m, 0);
        C_Sign(s, b, 0, b, n.cast());
        C_SignUpdate(s, b, 0);
        C_SignFinal(s, b, n.cast());
        C_SignRecoverInit(s, m, 0);
        C_SignRecover(s, b, 0, b, n.cast());
        C_VerifyInit(s, m, 0);
        C_Verify(s, b, 0, b, 0);
        C_VerifyUpdate(s, b, 0);
        C_VerifyFinal(s, b, 0);
        C_VerifyRecoverInit(s, m, 0);
        C_VerifyRecover(s, b, 0, b, n.cast());
        C_DigestEncryptUpdate(s, b, 0, b, n.cast());
        C_DecryptDigestUpdate(s, b, 0, b, n.cast());
        C_SignEncryptUpdate(s, b, 0, b, n.cast());
        C_DecryptVerifyUpdate(s, b, 0, b, n.cast());
        C_GenerateKey(s, m, a, 0, n.cast());
        C_GenerateKeyPair(s, m, a, 0, a, 0, n.cast(), n.cast());
        C_WrapKey(s, m, 0, 0, b, n.cast());
        C_UnwrapKey(s, m, 0, b, 0, a, 0, n.cast());
        C_DeriveKey(s, m, 0, a, 0, n.cast());
        C_SeedRandom(s, b, 0);
        C_GenerateRandom(s, b, 0);
        C_GetFunctionStatus(s);
        C_CancelFunction(s);
        C_WaitForSlotEvent(CKF_DONT_BLOCK, n.cast(), n.cast());
        C_CloseSession(s);
        C_CloseAllSessions(1);
        C_Finalize(n.cast());
    }
    for (name, mark) in rows() {
        let answer = answers[name.as_str()];
        let missing = match name.as_str() {
            "C_GetFunctionStatus" | "C_CancelFunction" => answer == CKR_FUNCTION_NOT_PARALLEL,
            "C_SeedRandom" => answer == CKR_RANDOM_SEED_NOT_SUPPORTED,
            _ => answer == CKR_FUNCTION_NOT_SUPPORTED,
        };
        assert_eq!(missing, mark == "✗", "{name} is {mark}, and answered {answer:#x}");
    }
}

#[test]
fn the_mechanisms_are_those_of_the_table() {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/FEATURES.md")).unwrap();
    let number = |line: &str| {
        let hex = line.strip_prefix("| `0x")?.split('`').next()?;
        CK_MECHANISM_TYPE::from_str_radix(hex, 16).ok()
    };
    let documented: Vec<_> = text.lines().filter_map(number).collect();
    let fixture = Bench::new();
    let client = fixture.client();
    let mut list = [0; 32];
    let mut count = 32;
    ok(call!(client, C_GetMechanismList(1, list.as_mut_ptr(), &mut count)));
    assert_eq!(documented, &list[..count as usize]);
    for mechanism in documented {
        let mut info = CK_MECHANISM_INFO::default();
        ok(call!(client, C_GetMechanismInfo(1, mechanism, &mut info)));
    }
    let mut info = CK_MECHANISM_INFO::default();
    assert_eq!(call!(client, C_GetMechanismInfo(1, CKM_ECDSA, &mut info)), CKR_MECHANISM_INVALID);
}
