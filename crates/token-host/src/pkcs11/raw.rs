//! What cryptoki cannot say: mechanisms, key types and attributes with numbers below the vendor's range
//! (0x80000000) that no standard gives a meaning, as some token models have chosen theirs; and a signature in one call.
//!
//! Works in cryptoki's own sessions, on its handles; only the calls are made here.

#![expect(unsafe_code, reason = "the C ABI of the module")]

use std::ffi::c_void;
use std::path::Path;
use std::ptr::null_mut;

use cryptoki::context::Function;
use cryptoki::error::Rv;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use cryptoki_sys::*;
use ycd_token::TokenError;

use super::fault::{Fault, unsupported};

/// Bytes of a signature: a DER one of SM2 has at most 72.
const ROOM: usize = 256;

/// The functions of a loaded module.
#[derive(Clone)]
pub struct Raw {
    functions: CK_FUNCTION_LIST,
}

/// An attribute of a template, with its value as the module reads it.
pub type Value = (CK_ATTRIBUTE_TYPE, Vec<u8>);

/// Whether cryptoki refuses a number: neither the vendor's nor one of elliptic curves.
pub fn is_beyond_cryptoki(number: u32) -> bool {
    number < 0x8000_0000 && !matches!(number, 0x3 | 0x1040 | 0x1041)
}

impl Raw {
    /// Finds the functions of a module that is loaded already, so that loading it again runs nothing of it.
    ///
    /// # Errors
    /// [`TokenError::NotAModule`].
    pub fn of_loaded(path: &Path) -> Result<Self, TokenError> {
        let not_a_module =
            |detail: String| TokenError::NotAModule { path: path.display().to_string(), detail };
        // SAFETY: the module is in this process already, and stays: its initializers do not run again.
        let library = unsafe { libloading::Library::new(path) }.map_err(|e| not_a_module(e.to_string()))?;
        type GetFunctionList = unsafe extern "C" fn(*mut *mut CK_FUNCTION_LIST) -> CK_RV;
        // SAFETY: a function of this name has this type in every PKCS#11 module (PKCS#11 2.40, 5.4).
        let get = unsafe { library.get::<GetFunctionList>(b"C_GetFunctionList\0") };
        let get = *get.map_err(|e| not_a_module(e.to_string()))?;
        let mut list = null_mut();
        // SAFETY: `list` has room for the pointer that is given.
        let rv = unsafe { get(&raw mut list) };
        if rv != CKR_OK || list.is_null() {
            return Err(not_a_module(format!("C_GetFunctionList answered {rv:#010x}")));
        }
        // SAFETY: not NULL; the module answered CKR_OK and so gave its list, which is of version 2 or later.
        let functions = unsafe { list.read_unaligned() };
        std::mem::forget(library);
        Ok(Self { functions })
    }

    /// Whether the token reports a mechanism.
    pub fn has_mechanism(&self, slot: Slot, number: u32) -> Result<bool, Fault> {
        let call = self.functions.C_GetMechanismInfo.ok_or_else(lacks)?;
        let mut info = CK_MECHANISM_INFO::default();
        let slot = CK_SLOT_ID::try_from(slot.id()).map_err(|_| lacks())?;
        // SAFETY: `info` has room for what is given.
        match unsafe { call(slot, number.into(), &raw mut info) } {
            CKR_MECHANISM_INVALID => Ok(false),
            rv => answered(rv, Function::GetMechanismInfo).map(|()| true),
        }
    }

    /// Gives the handles (public, private).
    pub fn generate(
        &self,
        session: &Session,
        number: u32,
        mut public: Vec<Value>,
        mut private: Vec<Value>,
    ) -> Result<(ObjectHandle, ObjectHandle), Fault> {
        let call = self.functions.C_GenerateKeyPair.ok_or_else(lacks)?;
        let mut mechanism = mechanism(number);
        let (mut public, mut private) = (template(&mut public), template(&mut private));
        let (mut public_key, mut private_key) = (0, 0);
        // SAFETY: mechanism, templates and the values they point at live to the end of this function; the counts are
        // theirs; the places of the handles have room for one each.
        let rv = unsafe {
            call(
                session.handle(),
                &raw mut mechanism,
                public.as_mut_ptr(),
                count(public.len()),
                private.as_mut_ptr(),
                count(private.len()),
                &raw mut public_key,
                &raw mut private_key,
            )
        };
        answered(rv, Function::GenerateKeyPair)?;
        // SAFETY: the module has just given these handles, in this session.
        Ok(unsafe { (ObjectHandle::new_from_raw(public_key), ObjectHandle::new_from_raw(private_key)) })
    }

    /// Signs in one call, without asking for the length first.
    pub fn sign(
        &self,
        session: &Session,
        number: u32,
        key: ObjectHandle,
        data: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let init = self.functions.C_SignInit.ok_or_else(lacks)?;
        let sign = self.functions.C_Sign.ok_or_else(lacks)?;
        let mut mechanism = mechanism(number);
        // SAFETY: the mechanism lives to the end of this function and has no parameter.
        answered(unsafe { init(session.handle(), &raw mut mechanism, key.handle()) }, Function::SignInit)?;
        let mut signature = vec![0; ROOM];
        let mut len = count(ROOM);
        // A module that wrote into what it is to read would write into this copy.
        let mut data = data.to_vec();
        // SAFETY: both buffers live to the end of this function, and have the lengths that are said.
        let rv = unsafe {
            sign(session.handle(), data.as_mut_ptr(), count(data.len()), signature.as_mut_ptr(), &raw mut len)
        };
        answered(rv, Function::Sign)?;
        signature.truncate(usize::try_from(len).unwrap_or(ROOM));
        Ok(signature)
    }

    pub(super) fn functions(&self) -> &CK_FUNCTION_LIST {
        &self.functions
    }
}

/// A number as a value of an attribute.
pub fn number(value: u32) -> Vec<u8> {
    CK_ULONG::from(value).to_ne_bytes().to_vec()
}

pub fn boolean(value: bool) -> Vec<u8> {
    vec![if value { CK_TRUE } else { CK_FALSE }]
}

fn mechanism(number: u32) -> CK_MECHANISM {
    CK_MECHANISM { mechanism: number.into(), pParameter: null_mut(), ulParameterLen: 0 }
}

fn template(values: &mut [Value]) -> Vec<CK_ATTRIBUTE> {
    let attribute = |(kind, value): &mut Value| CK_ATTRIBUTE {
        type_: *kind,
        pValue: value.as_mut_ptr().cast::<c_void>(),
        ulValueLen: count(value.len()),
    };
    values.iter_mut().map(attribute).collect()
}

/// Nothing of ours comes near the limits of the type.
pub(super) fn count(len: usize) -> CK_ULONG {
    CK_ULONG::try_from(len).unwrap_or(CK_ULONG::MAX)
}

pub(super) fn answered(rv: CK_RV, function: Function) -> Result<(), Fault> {
    Rv::from(rv).into_result(function).map_err(Fault::from)
}

pub(super) fn lacks() -> Fault {
    unsupported("a function that the module lacks").into()
}
