//! Digests and signatures of a session. A query for a length, or too little room, leaves the operation as it is; every
//! other answer ends it (PKCS#11 2.40, 5.2).

use cryptoki_sys::*;

use super::abi::Output;
use super::mechanism::{DigestOperation, SignatureOperation};
use super::tokens::{Slot, Tokens};
use super::{Rv, rv};
use crate::object::{KeyHalf, Kind};
use crate::sm2sig::DIGEST_LEN;
use crate::soft_token::Login;

type Mechanism = (CK_MECHANISM_TYPE, Vec<u8>);

pub fn digest_init(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, mechanism: Mechanism) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    if session.digest.is_some() {
        return Err(CKR_OPERATION_ACTIVE);
    }
    session.digest = Some(DigestOperation::new(&slot.emulation()?, mechanism)?);
    Ok(())
}

pub fn digest_update(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, data: Rv<&[u8]>) -> Rv {
    let (_, session) = tokens.session(handle)?;
    let operation = session.digest.as_mut().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    match data {
        Ok(data) => {
            operation.in_parts = true;
            operation.hash.update(data);
            Ok(())
        }
        Err(e) => {
            session.digest = None;
            Err(e)
        }
    }
}

/// `C_Digest` with `data`, `C_DigestFinal` without.
pub fn digest_end(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    data: Option<Rv<&[u8]>>,
    out: Rv<Output<CK_BYTE>>,
) -> Rv {
    let (_, session) = tokens.session(handle)?;
    let operation = session.digest.as_ref().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    if data.is_some() && operation.in_parts {
        session.digest = None;
        return Err(CKR_OPERATION_ACTIVE);
    }
    let mut out = out.inspect_err(|_| session.digest = None)?;
    let data = data.transpose().inspect_err(|_| session.digest = None)?;
    if out.is_query(DIGEST_LEN)? {
        return Ok(());
    }
    let mut operation = session.digest.take().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    operation.hash.update(data.unwrap_or_default());
    out.give(&operation.hash.finish())
}

pub fn sign_init(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    mechanism: Mechanism,
    key: CK_OBJECT_HANDLE,
) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    if session.sign.is_some() {
        return Err(CKR_OPERATION_ACTIVE);
    }
    let half = key_half(slot, key, true)?;
    session.sign = Some(SignatureOperation::new(&slot.emulation()?, mechanism, key, &half.point)?);
    Ok(())
}

pub fn verify_init(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    mechanism: Mechanism,
    key: CK_OBJECT_HANDLE,
) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    if session.verify.is_some() {
        return Err(CKR_OPERATION_ACTIVE);
    }
    let half = key_half(slot, key, false)?;
    session.verify = Some(SignatureOperation::new(&slot.emulation()?, mechanism, key, &half.point)?);
    Ok(())
}

pub fn sign_update(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, data: Rv<&[u8]>) -> Rv {
    let (_, session) = tokens.session(handle)?;
    update(&mut session.sign, data)
}

pub fn verify_update(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, data: Rv<&[u8]>) -> Rv {
    let (_, session) = tokens.session(handle)?;
    update(&mut session.verify, data)
}

/// `C_Sign` with `data`, `C_SignFinal` without.
pub fn sign_end(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    data: Option<Rv<&[u8]>>,
    out: Rv<Output<CK_BYTE>>,
) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    let operation = session.sign.as_ref().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    let room = operation.signature_room();
    if data.is_some() && operation.in_parts {
        session.sign = None;
        return Err(CKR_OPERATION_ACTIVE);
    }
    let mut out = out.inspect_err(|_| session.sign = None)?;
    let data = data.transpose().inspect_err(|_| session.sign = None)?;
    if out.is_query(room)? {
        return Ok(());
    }
    let mut operation = session.sign.take().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    operation.update(data.unwrap_or_default())?;
    let (object, _) = slot.object(operation.key).map_err(|_| CKR_KEY_HANDLE_INVALID)?;
    let login = slot.login.as_ref().map(Login::storage_key);
    let secret = object.secret(&slot.serial_number, login).map_err(rv)?.ok_or(CKR_USER_NOT_LOGGED_IN)?;
    let signature = operation.sign(&secret)?;
    if slot.emulation()?.pin_per_signature {
        let id = session.slot;
        tokens.end_private_work(id);
    }
    out.give(&signature)
}

/// `C_Verify` with `data`, `C_VerifyFinal` without.
pub fn verify_end(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    data: Option<Rv<&[u8]>>,
    signature: Rv<&[u8]>,
) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    let mut operation = session.verify.take().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    if data.is_some() && operation.in_parts {
        return Err(CKR_OPERATION_ACTIVE);
    }
    operation.update(data.transpose()?.unwrap_or_default())?;
    let half = key_half(slot, operation.key, false)?;
    operation.verify(&half.point, signature?)
}

fn update(operation: &mut Option<SignatureOperation>, data: Rv<&[u8]>) -> Rv {
    let running = operation.as_mut().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    running.in_parts = true;
    let outcome = data.and_then(|data| running.update(data));
    if outcome.is_err() {
        *operation = None;
    }
    outcome
}

/// The key that signs, or that verifies.
fn key_half(slot: &mut Slot, key: CK_OBJECT_HANDLE, private: bool) -> Rv<KeyHalf> {
    let (object, _) = slot.object(key).map_err(|e| match e {
        CKR_OBJECT_HANDLE_INVALID => CKR_KEY_HANDLE_INVALID,
        other => other,
    })?;
    let half = match object.kind {
        Kind::PrivateKey { key, .. } if private => key,
        Kind::PublicKey(key) if !private => key,
        Kind::PrivateKey { .. } | Kind::PublicKey(_) => return Err(CKR_KEY_TYPE_INCONSISTENT),
        Kind::Certificate(_) | Kind::Data { .. } => return Err(CKR_KEY_HANDLE_INVALID),
    };
    if half.uses.sign { Ok(half) } else { Err(CKR_KEY_FUNCTION_NOT_PERMITTED) }
}
