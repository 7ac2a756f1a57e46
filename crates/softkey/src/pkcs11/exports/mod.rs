//! The C functions and their table. Each takes its arguments apart and hands on to safe code.
//!
//! `SAFETY` of all of them is the contract of PKCS#11 with its caller: a pointer that is set points at as much as the
//! call says. NULL, lengths, counts, handles and the order of calls are checked.
#![allow(clippy::missing_safety_doc, reason = "said once above, for all")]

mod crypto_functions;
mod missing_functions;
mod object_functions;

use std::ffi::c_void;

use cryptoki_sys::*;

use super::abi::{self, Output};
use super::module::{self, On, call, guard, refuse};
use super::tokens::{slot_info, token_info};
use super::{Rv, login, mechanism};
use crate::functions::for_all_functions;

use crypto_functions::*;
use missing_functions::*;
use object_functions::*;

const CRYPTOKI_VERSION: CK_VERSION = CK_VERSION { major: 2, minor: 40 };

macro_rules! table {
    ($($name:ident),* $(,)?) => {
        /// What `C_GetFunctionList` gives out. PKCS#11 lets callers have a pointer that is not const; none writes.
        static FUNCTION_LIST: CK_FUNCTION_LIST =
            CK_FUNCTION_LIST { version: CRYPTOKI_VERSION, $($name: Some($name)),* };
    };
}

for_all_functions!(table);

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Initialize(arguments: *mut c_void) -> CK_RV {
    let checked = guard(|| {
        if arguments.is_null() {
            return Ok(());
        }
        // SAFETY: set, and the caller's contract.
        let arguments = unsafe { abi::get(arguments.cast::<CK_C_INITIALIZE_ARGS>()) }?;
        if !arguments.pReserved.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        // On Windows the structure is packed: its fields are copied, never borrowed.
        let given = [
            { arguments.CreateMutex }.is_some(),
            { arguments.DestroyMutex }.is_some(),
            { arguments.LockMutex }.is_some(),
            { arguments.UnlockMutex }.is_some(),
        ];
        if given.contains(&true) && given.contains(&false) {
            return Err(CKR_ARGUMENTS_BAD);
        }
        // The locks are the system's, whatever the caller brings along.
        if given.contains(&true) && arguments.flags & CKF_OS_LOCKING_OK == 0 {
            return Err(CKR_CANT_LOCK);
        }
        Ok(())
    });
    if checked == CKR_OK { module::initialize() } else { checked }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Finalize(reserved: *mut c_void) -> CK_RV {
    if reserved.is_null() { module::finalize() } else { refuse("C_Finalize", On::Nothing, CKR_ARGUMENTS_BAD) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetInfo(info: *mut CK_INFO) -> CK_RV {
    call("C_GetInfo", On::Nothing, |module, _| {
        let _ = module;
        let about = CK_INFO {
            cryptokiVersion: CRYPTOKI_VERSION,
            manufacturerID: abi::padded("YCD"),
            flags: 0,
            libraryDescription: abi::padded("YCD software USBKEY"),
            libraryVersion: CK_VERSION { major: 0, minor: 1 },
        };
        // SAFETY: the caller's contract.
        unsafe { abi::put(info, about) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetFunctionList(list: *mut *mut CK_FUNCTION_LIST) -> CK_RV {
    let table: *const CK_FUNCTION_LIST = &FUNCTION_LIST;
    // SAFETY: the caller's contract.
    guard(|| unsafe { abi::put(list, table.cast_mut()) })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotList(
    present: CK_BBOOL,
    slots: *mut CK_SLOT_ID,
    count: *mut CK_ULONG,
) -> CK_RV {
    call("C_GetSlotList", On::Nothing, |module, _| {
        // SAFETY: the caller's contract.
        let mut out = unsafe { Output::new(slots, count) }?;
        out.give(&module.tokens().slot_ids(present != CK_FALSE)?)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSlotInfo(slot: CK_SLOT_ID, info: *mut CK_SLOT_INFO) -> CK_RV {
    call("C_GetSlotInfo", On::Slot(slot), |module, _| {
        let about = slot_info(module.tokens().slot(slot)?);
        // SAFETY: the caller's contract.
        unsafe { abi::put(info, about) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetTokenInfo(slot: CK_SLOT_ID, info: *mut CK_TOKEN_INFO) -> CK_RV {
    call("C_GetTokenInfo", On::Slot(slot), |module, _| {
        let mut tokens = module.tokens();
        let (_, head) = tokens.token(slot)?;
        let about = token_info(&head, tokens.count_sessions(slot, false), tokens.count_sessions(slot, true));
        // SAFETY: the caller's contract.
        unsafe { abi::put(info, about) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismList(
    slot: CK_SLOT_ID,
    mechanisms: *mut CK_MECHANISM_TYPE,
    count: *mut CK_ULONG,
) -> CK_RV {
    call("C_GetMechanismList", On::Slot(slot), |module, _| {
        // SAFETY: the caller's contract.
        let mut out = unsafe { Output::new(mechanisms, count) }?;
        let emulation = module.tokens().token(slot)?.1.emulation;
        out.give(&mechanism::all(&emulation))
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetMechanismInfo(
    slot: CK_SLOT_ID,
    kind: CK_MECHANISM_TYPE,
    info: *mut CK_MECHANISM_INFO,
) -> CK_RV {
    call("C_GetMechanismInfo", On::Slot(slot), |module, _| {
        let emulation = module.tokens().token(slot)?.1.emulation;
        // SAFETY: the caller's contract.
        unsafe { abi::put(info, mechanism::info(&emulation, kind)?) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_InitToken(
    slot: CK_SLOT_ID,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
    label: *mut CK_UTF8CHAR,
) -> CK_RV {
    call("C_InitToken", On::Slot(slot), |module, effect| {
        // SAFETY: the caller's contract; a label has 32 bytes.
        let (pin, label) = unsafe { (pin_bytes(pin, pin_len)?, abi::input(label, 32)?) };
        login::init_token(&mut module.tokens(), slot, pin, label, effect)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_InitPIN(
    session: CK_SESSION_HANDLE,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
) -> CK_RV {
    call("C_InitPIN", On::Session(session), |module, effect| {
        // SAFETY: the caller's contract.
        let pin = unsafe { pin_bytes(pin, pin_len) }?;
        login::init_pin(&mut module.tokens(), session, pin, effect)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_SetPIN(
    session: CK_SESSION_HANDLE,
    old: *mut CK_UTF8CHAR,
    old_len: CK_ULONG,
    new: *mut CK_UTF8CHAR,
    new_len: CK_ULONG,
) -> CK_RV {
    call("C_SetPIN", On::Session(session), |module, effect| {
        // SAFETY: the caller's contract.
        let (old, new) = unsafe { (pin_bytes(old, old_len)?, pin_bytes(new, new_len)?) };
        login::set_pin(&mut module.tokens(), session, old, new, effect)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_OpenSession(
    slot: CK_SLOT_ID,
    flags: CK_FLAGS,
    _application: *mut c_void,
    _notify: CK_NOTIFY,
    session: *mut CK_SESSION_HANDLE,
) -> CK_RV {
    call("C_OpenSession", On::Slot(slot), |module, _| {
        if session.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        if flags & CKF_SERIAL_SESSION == 0 {
            return Err(CKR_SESSION_PARALLEL_NOT_SUPPORTED);
        }
        let opened = module.tokens().open_session(slot, flags & CKF_RW_SESSION != 0)?;
        // SAFETY: set, and the caller's contract.
        unsafe { abi::put(session, opened) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseSession(session: CK_SESSION_HANDLE) -> CK_RV {
    call("C_CloseSession", On::Session(session), |module, _| module.tokens().close_session(session))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_CloseAllSessions(slot: CK_SLOT_ID) -> CK_RV {
    call("C_CloseAllSessions", On::Slot(slot), |module, _| module.tokens().close_sessions(slot))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_GetSessionInfo(session: CK_SESSION_HANDLE, info: *mut CK_SESSION_INFO) -> CK_RV {
    call("C_GetSessionInfo", On::Session(session), |module, _| {
        let mut tokens = module.tokens();
        let (slot, own) = tokens.session(session)?;
        let about = CK_SESSION_INFO {
            slotID: own.slot,
            state: own.state(slot.login.as_ref().map(|l| l.role)),
            flags: CKF_SERIAL_SESSION | if own.read_write { CKF_RW_SESSION } else { 0 },
            ulDeviceError: 0,
        };
        // SAFETY: the caller's contract.
        unsafe { abi::put(info, about) }
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Login(
    session: CK_SESSION_HANDLE,
    user_type: CK_USER_TYPE,
    pin: *mut CK_UTF8CHAR,
    pin_len: CK_ULONG,
) -> CK_RV {
    call("C_Login", On::Session(session), |module, _| {
        // SAFETY: the caller's contract.
        let pin = unsafe { pin_bytes(pin, pin_len) }?;
        login::login(&mut module.tokens(), session, user_type, pin)
    })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_Logout(session: CK_SESSION_HANDLE) -> CK_RV {
    call("C_Logout", On::Session(session), |module, _| login::logout(&mut module.tokens(), session))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn C_WaitForSlotEvent(
    flags: CK_FLAGS,
    slot: *mut CK_SLOT_ID,
    reserved: *mut c_void,
) -> CK_RV {
    call("C_WaitForSlotEvent", On::Nothing, |module, _| {
        if slot.is_null() || !reserved.is_null() {
            return Err(CKR_ARGUMENTS_BAD);
        }
        let changed = module.slot_event(flags & CKF_DONT_BLOCK == 0)?;
        // SAFETY: set, and the caller's contract.
        unsafe { abi::put(slot, changed) }
    })
}

/// # Safety
/// As [`abi::input`]. NULL asks for a token pad on the device, which this one has not.
unsafe fn pin_bytes<'a>(pin: *const CK_UTF8CHAR, count: CK_ULONG) -> Rv<&'a [u8]> {
    if pin.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    // SAFETY: the caller's contract.
    unsafe { abi::input(pin, count) }
}
