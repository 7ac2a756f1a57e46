//! Objects.
#![allow(clippy::missing_safety_doc, reason = "said once in the module above, for all")]

use cryptoki_sys::*;

use super::super::abi;
use super::super::module::{On, call};
use super::super::objects;

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CreateObject(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    object: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_CreateObject", On::Session(session), |module, effect| {
        if object.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        // SAFETY: the caller's contract.
        let template = unsafe { abi::template(template, count) }?;
        let made = objects::create(&mut module.tokens(), session, template, effect)?;
        // SAFETY: set, and the caller's contract.
        unsafe { abi::put(object, made) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CopyObject(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    copy: *mut CK_OBJECT_HANDLE,
) -> CK_RV {
    call("C_CopyObject", On::Session(session), |module, effect| {
        if copy.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        // SAFETY: the caller's contract.
        let template = unsafe { abi::template(template, count) }?;
        let made = objects::copy(&mut module.tokens(), session, object, template, effect)?;
        // SAFETY: set, and the caller's contract.
        unsafe { abi::put(copy, made) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_DestroyObject(session: CK_SESSION_HANDLE, object: CK_OBJECT_HANDLE) -> CK_RV {
    call("C_DestroyObject", On::Session(session), |module, effect| {
        objects::destroy(&mut module.tokens(), session, object, effect)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetObjectSize(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    size: *mut CK_ULONG,
) -> CK_RV {
    call("C_GetObjectSize", On::Session(session), |module, _| {
        let bytes = objects::size(&mut module.tokens(), session, object)?;
        // SAFETY: the caller's contract.
        unsafe { abi::put(size, abi::told(bytes)) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    call("C_GetAttributeValue", On::Session(session), |module, _| {
        let show = objects::shown(&mut module.tokens(), session, object)?;
        // SAFETY: the caller's contract.
        unsafe { abi::answer(template, count, show) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetAttributeValue(
    session: CK_SESSION_HANDLE,
    object: CK_OBJECT_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    call("C_SetAttributeValue", On::Session(session), |module, effect| {
        if template.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        // SAFETY: the caller's contract.
        let changes = unsafe { abi::template(template, count) }?;
        objects::set(&mut module.tokens(), session, object, changes, effect)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsInit(
    session: CK_SESSION_HANDLE,
    template: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
) -> CK_RV {
    call("C_FindObjectsInit", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let wanted = unsafe { abi::template(template, count) }?;
        objects::find(&mut module.tokens(), session, &wanted)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjects(
    session: CK_SESSION_HANDLE,
    objects: *mut CK_OBJECT_HANDLE,
    most: CK_ULONG,
    count: *mut CK_ULONG,
) -> CK_RV {
    call("C_FindObjects", On::Session(session), |module, _| {
        if objects.is_null() || count.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        // More than there are is no more than all.
        let found =
            objects::find_next(&mut module.tokens(), session, usize::try_from(most).unwrap_or(usize::MAX))?;
        for (at, handle) in found.iter().enumerate() {
            // SAFETY: set, room for `most >= found.len()` handles by the caller's contract.
            unsafe { objects.add(at).write_unaligned(*handle) };
        }
        // SAFETY: set, and the caller's contract.
        unsafe { abi::put(count, abi::told(found.len())) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_FindObjectsFinal(session: CK_SESSION_HANDLE) -> CK_RV {
    call("C_FindObjectsFinal", On::Session(session), |module, _| {
        objects::find_end(&mut module.tokens(), session)
    })
}
