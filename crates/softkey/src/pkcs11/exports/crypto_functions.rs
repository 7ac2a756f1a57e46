//! Digests, signatures, key pairs, random numbers.
#![allow(clippy::missing_safety_doc, reason = "said once in the module above, for all")]

use cryptoki_sys::*;

use super::super::abi::{self, Output};
use super::super::module::{On, call};
use super::super::{objects, operations};

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestInit(session: CK_SESSION_HANDLE, mechanism: *mut CK_MECHANISM) -> CK_RV {
    call("C_DigestInit", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let mechanism = unsafe { abi::mechanism(mechanism) }?;
        operations::digest_init(&mut module.tokens(), session, mechanism)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Digest(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    out_len: *mut CK_ULONG,
) -> CK_RV {
    call("C_Digest", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let (data, out) = unsafe { (abi::input(data, data_len), Output::new(out, out_len)) };
        operations::digest_end(&mut module.tokens(), session, Some(data), out)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
) -> CK_RV {
    call("C_DigestUpdate", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let data = unsafe { abi::input(data, data_len) };
        operations::digest_update(&mut module.tokens(), session, data)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DigestFinal(
    session: CK_SESSION_HANDLE,
    out: *mut CK_BYTE,
    out_len: *mut CK_ULONG,
) -> CK_RV {
    call("C_DigestFinal", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let out = unsafe { Output::new(out, out_len) };
        operations::digest_end(&mut module.tokens(), session, None, out)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_SignInit", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let mechanism = unsafe { abi::mechanism(mechanism) }?;
        operations::sign_init(&mut module.tokens(), session, mechanism, key)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Sign(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    out: *mut CK_BYTE,
    out_len: *mut CK_ULONG,
) -> CK_RV {
    call("C_Sign", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let (data, out) = unsafe { (abi::input(data, data_len), Output::new(out, out_len)) };
        operations::sign_end(&mut module.tokens(), session, Some(data), out)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
) -> CK_RV {
    call("C_SignUpdate", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let data = unsafe { abi::input(data, data_len) };
        operations::sign_update(&mut module.tokens(), session, data)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SignFinal(
    session: CK_SESSION_HANDLE,
    out: *mut CK_BYTE,
    out_len: *mut CK_ULONG,
) -> CK_RV {
    call("C_SignFinal", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let out = unsafe { Output::new(out, out_len) };
        operations::sign_end(&mut module.tokens(), session, None, out)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyInit(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    key: CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_VerifyInit", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let mechanism = unsafe { abi::mechanism(mechanism) }?;
        operations::verify_init(&mut module.tokens(), session, mechanism, key)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Verify(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
    signature: *mut CK_BYTE,
    signature_len: CK_ULONG,
) -> CK_RV {
    call("C_Verify", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let (data, signature) = unsafe { (abi::input(data, data_len), abi::input(signature, signature_len)) };
        operations::verify_end(&mut module.tokens(), session, Some(data), signature)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyUpdate(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
) -> CK_RV {
    call("C_VerifyUpdate", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let data = unsafe { abi::input(data, data_len) };
        operations::verify_update(&mut module.tokens(), session, data)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_VerifyFinal(
    session: CK_SESSION_HANDLE,
    signature: *mut CK_BYTE,
    signature_len: CK_ULONG,
) -> CK_RV {
    call("C_VerifyFinal", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let signature = unsafe { abi::input(signature, signature_len) };
        operations::verify_end(&mut module.tokens(), session, None, signature)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateKeyPair(
    session: CK_SESSION_HANDLE,
    mechanism: *mut CK_MECHANISM,
    public: *mut CK_ATTRIBUTE,
    public_count: CK_ULONG,
    private: *mut CK_ATTRIBUTE,
    private_count: CK_ULONG,
    public_key: *mut CK_OBJECT_HANDLE,
    private_key: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_GenerateKeyPair", On::Session(session), |module, effect| {
        if public_key.is_null() || private_key.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        // SAFETY: the caller's contract.
        let (mechanism, public, private) = unsafe {
            (
                abi::mechanism(mechanism)?,
                abi::template(public, public_count)?,
                abi::template(private, private_count)?,
            )
        };
        let made = objects::generate(&mut module.tokens(), session, mechanism, public, private, effect)?;
        // SAFETY: set, and the caller's contract.
        unsafe { abi::put(public_key, made.0).and(abi::put(private_key, made.1)) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SeedRandom(
    session: CK_SESSION_HANDLE,
    _seed: *mut CK_BYTE,
    _seed_len: CK_ULONG,
) -> CK_RV {
    call("C_SeedRandom", On::Session(session), |module, _| {
        module.tokens().session(session)?;
        Err(CKR_RANDOM_SEED_NOT_SUPPORTED)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GenerateRandom(
    session: CK_SESSION_HANDLE,
    data: *mut CK_BYTE,
    data_len: CK_ULONG,
) -> CK_RV {
    call("C_GenerateRandom", On::Session(session), |module, _| {
        module.tokens().session(session)?;
        // SAFETY: the caller's contract.
        unsafe { abi::fill(data, data_len, |part| getrandom::fill(part).map_err(|_| CKR_DEVICE_ERROR)) }
    })
}
