//! PINs: login and logout, setting them, initializing the token.

use cryptoki_sys::*;

use super::tokens::Tokens;
use super::{Rv, rv};
use crate::error::Error;
use crate::pin::{Pin, Role};
use crate::soft_token::Effect;

/// No PIN is longer: what is longer is no try.
const MAX_PIN: usize = 255;

pub fn login(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, user_type: CK_USER_TYPE, pin: &[u8]) -> Rv {
    let role = match user_type {
        CKU_USER => Role::User,
        CKU_SO => Role::So,
        // No token here asks for its PIN before each use.
        CKU_CONTEXT_SPECIFIC => return Err(CKR_OPERATION_NOT_INITIALIZED),
        _ => return Err(CKR_USER_TYPE_INVALID),
    };
    let id = tokens.session(handle)?.1.slot;
    if role == Role::So && tokens.has_read_only_sessions(id) {
        return Err(CKR_SESSION_READ_ONLY_EXISTS);
    }
    let (slot, _) = tokens.session(handle)?;
    match &slot.login {
        Some(login) if login.role == role => return Err(CKR_USER_ALREADY_LOGGED_IN),
        Some(_) => return Err(CKR_USER_ANOTHER_ALREADY_LOGGED_IN),
        None => {}
    }
    slot.login = Some(slot.token.login(role, &tried(pin)?).map_err(rv)?);
    Ok(())
}

pub fn logout(tokens: &mut Tokens, handle: CK_SESSION_HANDLE) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    if slot.login.is_none() {
        return Err(CKR_USER_NOT_LOGGED_IN);
    }
    let id = session.slot;
    tokens.end_private_work(id);
    Ok(())
}

pub fn init_pin(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, pin: &[u8], effect: Effect) -> Rv {
    let (slot, _) = tokens.session(handle)?;
    let login = slot.login.clone().filter(|l| l.role == Role::So).ok_or(CKR_USER_NOT_LOGGED_IN)?;
    slot.token.init_pin(&login, &Pin::new(pin), effect).map_err(rv)
}

/// Of the SO when the SO is logged in, else of the user, logged in or not.
pub fn set_pin(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, old: &[u8], new: &[u8], effect: Effect) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    if !session.read_write {
        return Err(CKR_SESSION_READ_ONLY);
    }
    let role = slot.login.as_ref().map_or(Role::User, |l| l.role);
    slot.token.set_pin(role, &tried(old)?, &Pin::new(new), effect).map_err(rv)
}

/// `label` is the 32 bytes of the call, filled up with blanks.
pub fn init_token(tokens: &mut Tokens, id: CK_SLOT_ID, pin: &[u8], label: &[u8], effect: Effect) -> Rv {
    tokens.token(id)?;
    if tokens.has_sessions(id) {
        return Err(CKR_SESSION_EXISTS);
    }
    let label = std::str::from_utf8(label).map_err(|_| CKR_ARGUMENTS_BAD)?.trim_end_matches(' ');
    let (slot, _) = tokens.token(id)?;
    slot.token.init_token(&tried(pin)?, label, effect).map_err(|e| match e {
        Error::Removed => CKR_TOKEN_NOT_PRESENT,
        other => rv(other),
    })
}

/// A PIN that is compared with the one that is set. An empty one is none.
fn tried(pin: &[u8]) -> Rv<Pin> {
    if (1..=MAX_PIN).contains(&pin.len()) { Ok(Pin::new(pin)) } else { Err(CKR_PIN_LEN_RANGE) }
}
