//! Objects of a session: made, found, shown, changed, destroyed.

use cryptoki_sys::*;
use zeroize::Zeroizing;

use super::abi::{RawTemplate, Shown};
use super::attributes::{self, Made, Template};
use super::mechanism;
use super::tokens::{Slot, Tokens};
use super::{Rv, rv};
use crate::object::{Content, Kind, MAX_OBJECT_LEN, Object};
use crate::soft_token::{self, Effect, Login};
use crate::state::State;

/// Session objects on one slot.
const MAX_SESSION_OBJECTS: usize = 256;

pub fn create(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    raw: RawTemplate,
    effect: Effect,
) -> Rv<CK_OBJECT_HANDLE> {
    let (slot, session) = tokens.session(handle)?;
    let made = Template::new(raw).into_object(&slot.emulation()?)?;
    let read_write = session.read_write;
    place(slot, handle, read_write, made, effect)
}

pub fn copy(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    raw: RawTemplate,
    effect: Effect,
) -> Rv<CK_OBJECT_HANDLE> {
    let (slot, session) = tokens.session(handle)?;
    let read_write = session.read_write;
    let (mut from, token) = slot.object(object)?;
    unseal(slot, &mut from)?;
    let made = attributes::copy(&slot.emulation()?, &from, token, raw)?;
    place(slot, handle, read_write, made, effect)
}

/// Makes a key pair; gives the handles (public, private).
pub fn generate(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    (mechanism, parameter): (CK_MECHANISM_TYPE, Vec<u8>),
    public: RawTemplate,
    private: RawTemplate,
    effect: Effect,
) -> Rv<(CK_OBJECT_HANDLE, CK_OBJECT_HANDLE)> {
    let (slot, session) = tokens.session(handle)?;
    let emulation = slot.emulation()?;
    if !mechanism::is_key_pair_gen(&emulation, mechanism) {
        return Err(CKR_MECHANISM_INVALID);
    }
    if !parameter.is_empty() {
        return Err(CKR_MECHANISM_PARAM_INVALID);
    }
    let (public_stays, private_stays, template) = attributes::pair(&emulation, public, private)?;
    let read_write = session.read_write;
    let login = user(slot)?;
    if (public_stays || private_stays) && !read_write {
        return Err(CKR_SESSION_READ_ONLY);
    }
    if public_stays && private_stays {
        let (public, private) = slot.token.generate(&login, template, effect).map_err(rv)?;
        return Ok((CK_OBJECT_HANDLE::from(public), CK_OBJECT_HANDLE::from(private)));
    }
    let (public, private) = soft_token::make_pair(template).map_err(rv)?;
    let public = place(slot, handle, read_write, Made { token: public_stays, object: public }, effect)?;
    let private = place(slot, handle, read_write, Made { token: private_stays, object: private }, effect)?;
    Ok((public, private))
}

pub fn destroy(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    effect: Effect,
) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    let read_write = session.read_write;
    let (found, token) = slot.object(object)?;
    if !found.destroyable {
        return Err(CKR_ACTION_PROHIBITED);
    }
    if !token {
        slot.session_objects.retain(|o| o.object.handle != found.handle);
        return Ok(());
    }
    let login = writer(slot, read_write)?;
    slot.token.change(Some(&login), effect, |state| state.remove(found.handle)).map_err(rv)
}

/// Bytes, roughly.
pub fn size(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> Rv<usize> {
    let (slot, _) = tokens.session(handle)?;
    Ok(slot.object(object)?.0.len())
}

/// A function that shows the attributes of an object as it is now.
pub fn shown(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
) -> Rv<impl FnMut(CK_ATTRIBUTE_TYPE) -> Rv<Shown> + use<>> {
    let (slot, _) = tokens.session(handle)?;
    let (object, token) = slot.object(object)?;
    let secret = data_value(slot, &object)?;
    let emulation = slot.emulation()?;
    Ok(move |kind| {
        Ok(attributes::show(&emulation, &object, token, secret.as_ref().map(|s| s.as_slice()), kind))
    })
}

pub fn set(
    tokens: &mut Tokens,
    handle: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    changes: RawTemplate,
    effect: Effect,
) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    let read_write = session.read_write;
    let (mut found, token) = slot.object(object)?;
    let before = found.len();
    attributes::set(&slot.emulation()?, &mut found, changes)?;
    if found.len() > before.max(MAX_OBJECT_LEN) {
        return Err(CKR_DEVICE_MEMORY);
    }
    if !token {
        if let Some(own) = slot.session_objects.iter_mut().find(|o| o.object.handle == found.handle) {
            own.object = found;
        }
        return Ok(());
    }
    let login = writer(slot, read_write)?;
    let serial = slot.serial_number.clone();
    let change = |state: &mut State| {
        let place = state.object_mut(found.handle)?;
        *place = found.sealed(&serial, login.storage_key())?;
        Ok(())
    };
    slot.token.change(Some(&login), effect, change).map_err(rv)
}

pub fn find(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, wanted: &RawTemplate) -> Rv {
    let (slot, session) = tokens.session(handle)?;
    if session.found.is_some() {
        return Err(CKR_OPERATION_ACTIVE);
    }
    let mut found = Vec::new();
    let emulation = slot.emulation()?;
    for (object, token) in slot.visible()? {
        let secret = data_value(slot, &object)?;
        let secret = secret.as_ref().map(|s| s.as_slice());
        let fits = wanted.iter().all(|(kind, value)| {
            matches!(attributes::show(&emulation, &object, token, secret, *kind), Shown::Value(own) if own == *value)
        });
        if fits {
            found.push(CK_OBJECT_HANDLE::from(object.handle));
        }
    }
    session.found = Some(found.into_iter());
    Ok(())
}

pub fn find_next(tokens: &mut Tokens, handle: CK_SESSION_HANDLE, most: usize) -> Rv<Vec<CK_OBJECT_HANDLE>> {
    let (_, session) = tokens.session(handle)?;
    let found = session.found.as_mut().ok_or(CKR_OPERATION_NOT_INITIALIZED)?;
    Ok(found.take(most).collect())
}

pub fn find_end(tokens: &mut Tokens, handle: CK_SESSION_HANDLE) -> Rv {
    let (_, session) = tokens.session(handle)?;
    session.found.take().map(|_| ()).ok_or(CKR_OPERATION_NOT_INITIALIZED)
}

/// Writes a new object to the token or keeps it with the session.
fn place(
    slot: &mut Slot,
    owner: CK_SESSION_HANDLE,
    read_write: bool,
    made: Made,
    effect: Effect,
) -> Rv<CK_OBJECT_HANDLE> {
    if made.object.private {
        user(slot)?;
    }
    if made.token {
        let login = writer(slot, read_write)?;
        return slot.token.create(Some(&login), made.object, effect).map(CK_OBJECT_HANDLE::from).map_err(rv);
    }
    if slot.session_objects.len() >= MAX_SESSION_OBJECTS || made.object.len() > MAX_OBJECT_LEN {
        return Err(CKR_DEVICE_MEMORY);
    }
    Ok(slot.add_session_object(owner, made.object))
}

fn user(slot: &Slot) -> Rv<Login> {
    slot.login.clone().filter(|_| slot.user_is_in()).ok_or(CKR_USER_NOT_LOGGED_IN)
}

/// Token objects are written in read-write sessions, by the user, or by the SO where they are public (which are all
/// that the SO sees). PKCS#11 would let anyone change public objects; USBKEYs ask for the PIN first, and so does this.
fn writer(slot: &Slot, read_write: bool) -> Rv<Login> {
    if !read_write {
        return Err(CKR_SESSION_READ_ONLY);
    }
    slot.login.clone().ok_or(CKR_USER_NOT_LOGGED_IN)
}

/// The value of a data object that may be seen; no private key's.
fn data_value(slot: &Slot, object: &Object) -> Rv<Option<Zeroizing<Vec<u8>>>> {
    if object.key_half().is_some() {
        return Ok(None);
    }
    object.secret(&slot.serial_number, slot.login.as_ref().map(Login::storage_key)).map_err(rv)
}

fn unseal(slot: &Slot, object: &mut Object) -> Rv {
    if let Some(value) = data_value(slot, object)?
        && let Kind::Data { value: content, .. } = &mut object.kind
    {
        *content = Content::Clear(value);
    }
    Ok(())
}
