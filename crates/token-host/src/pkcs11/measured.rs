//! What a module tells in lists and values, with every length looked at before memory is taken for it or read by it.
//!
//! `cryptoki` takes as much as the module says, and reads what the module says it has written; a driver that is out of
//! its mind would take the machine's memory away, or be shown what lies behind a buffer.

#![expect(unsafe_code, reason = "the C ABI of the module")]

use std::ffi::c_void;
use std::ptr::null_mut;

use cryptoki::context::Function;
use cryptoki::object::ObjectHandle;
use cryptoki::session::Session;
use cryptoki::slot::Slot;
use cryptoki_sys::*;
use ycd_token::TokenError;

use super::fault::Fault;
use super::raw::{Raw, answered, count, lacks};

/// Slots with a token.
const MAX_SLOTS: usize = 256;
/// How often a list of slots that grows while it is read is read again.
const SLOT_READINGS: usize = 4;
/// Objects of one class on a token; tokens hold some tens.
const MAX_OBJECTS: usize = 1024;
/// Objects asked for in one call.
const BATCH: usize = 16;
/// Bytes of one attribute; certificates have a few thousand.
const MAX_VALUE: usize = 64 << 10;

/// Values of attributes in the order they were asked for; `None` where the object does not tell one.
pub type Values<const N: usize> = [Option<Vec<u8>>; N];

impl Raw {
    /// The slots with a token.
    pub fn slots(&self) -> Result<Vec<Slot>, Fault> {
        let call = self.functions().C_GetSlotList.ok_or_else(lacks)?;
        let absurd = |told: CK_ULONG| nonsense(&format!("C_GetSlotList tells of {told} slots"));
        let mut told = 0;
        // SAFETY: asks for the count only, which has a place.
        answered(unsafe { call(CK_TRUE, null_mut(), &raw mut told) }, Function::GetSlotList)?;
        for _ in 0..SLOT_READINGS {
            let room = usize::try_from(told).ok().filter(|n| *n <= MAX_SLOTS).ok_or_else(|| absurd(told))?;
            let mut slots: Vec<CK_SLOT_ID> = vec![0; room];
            let mut given = told;
            // SAFETY: `slots` has the free capacity that is said, and lives to the end of the call.
            match unsafe { call(CK_TRUE, slots.as_mut_ptr(), &raw mut given) } {
                // One more was put in since the count.
                CKR_BUFFER_TOO_SMALL => told = given.max(told.saturating_add(1)),
                rv => {
                    answered(rv, Function::GetSlotList)?;
                    let given = usize::try_from(given).ok().filter(|n| *n <= room);
                    slots.truncate(given.ok_or_else(|| nonsense("C_GetSlotList gives more than it told"))?);
                    return slots.into_iter().map(slot).collect();
                }
            }
        }
        Err(nonsense("C_GetSlotList never has enough room"))
    }

    /// All objects of a class.
    pub fn find(&self, session: &Session, class: CK_OBJECT_CLASS) -> Result<Vec<ObjectHandle>, Fault> {
        let init = self.functions().C_FindObjectsInit.ok_or_else(lacks)?;
        let end = self.functions().C_FindObjectsFinal.ok_or_else(lacks)?;
        let mut class = class;
        let mut template = CK_ATTRIBUTE {
            type_: CKA_CLASS,
            pValue: (&raw mut class).cast::<c_void>(),
            ulValueLen: count(size_of::<CK_OBJECT_CLASS>()),
        };
        // SAFETY: one attribute, whose value has the length that it says, and lives to the end of this function.
        let mut begin = || unsafe { init(session.handle(), &raw mut template, 1) };
        let mut begun = begin();
        if begun == CKR_OPERATION_ACTIVE {
            // A search before this one that did not come to its end.
            // SAFETY: takes numbers only.
            unsafe { end(session.handle()) };
            begun = begin();
        }
        answered(begun, Function::FindObjectsInit)?;
        let found = self.found(session);
        // SAFETY: takes numbers only. Where it fails, the next search ends this one.
        unsafe { end(session.handle()) };
        found
    }

    fn found(&self, session: &Session) -> Result<Vec<ObjectHandle>, Fault> {
        let next = self.functions().C_FindObjects.ok_or_else(lacks)?;
        let mut found = Vec::new();
        while found.len() <= MAX_OBJECTS {
            let (mut batch, mut given) = ([0; BATCH], 0);
            // SAFETY: `batch` has the free capacity that is said.
            let rv = unsafe { next(session.handle(), batch.as_mut_ptr(), count(BATCH), &raw mut given) };
            answered(rv, Function::FindObjects)?;
            let given = usize::try_from(given).ok().and_then(|n| batch.get(..n));
            let given = given.ok_or_else(|| nonsense("C_FindObjects gives more than it has room for"))?;
            // SAFETY: the module has just given these handles, in this session.
            found.extend(given.iter().map(|handle| unsafe { ObjectHandle::new_from_raw(*handle) }));
            if given.len() < BATCH {
                return Ok(found);
            }
        }
        Err(nonsense("C_FindObjects never comes to an end"))
    }

    /// Values of an object: their lengths first, then as many bytes.
    pub fn attributes<const N: usize>(
        &self,
        session: &Session,
        object: ObjectHandle,
        wanted: [CK_ATTRIBUTE_TYPE; N],
    ) -> Result<Values<N>, Fault> {
        let mut lengths = [None; N];
        let mut asked = wanted.map(|kind| CK_ATTRIBUTE { type_: kind, pValue: null_mut(), ulValueLen: 0 });
        match self.get_values(session, object, &mut asked)? {
            // The others are answered all the same.
            CKR_ATTRIBUTE_TYPE_INVALID | CKR_ATTRIBUTE_SENSITIVE => {}
            rv => answered(rv, Function::GetAttributeValue)?,
        }
        for (length, attribute) in lengths.iter_mut().zip(asked) {
            *length = told(&attribute, MAX_VALUE)?;
        }
        let values = self.fetch(session, object, &wanted, &lengths)?;
        let as_told = |values: &Values<N>| {
            values.iter().zip(&lengths).all(|(value, len)| value.as_ref().map(Vec::len) == *len)
        };
        if as_told(&values) {
            return Ok(values);
        }
        // A value cut short would pass for one that was torn, and be cleared away: it is believed only if it stays.
        let again = self.fetch(session, object, &wanted, &lengths)?;
        if again == values || as_told(&again) {
            return Ok(again);
        }
        Err(nonsense("C_GetAttributeValue gives another length than it told"))
    }

    fn fetch<const N: usize>(
        &self,
        session: &Session,
        object: ObjectHandle,
        wanted: &[CK_ATTRIBUTE_TYPE; N],
        lengths: &[Option<usize>; N],
    ) -> Result<Values<N>, Fault> {
        let mut values: Values<N> = lengths.map(|len| len.map(|len| vec![0; len]));
        let mut template = Vec::with_capacity(N);
        for (kind, value) in wanted.iter().zip(&mut values) {
            if let Some(value) = value.as_mut().filter(|value| !value.is_empty()) {
                let (place, room) = (value.as_mut_ptr().cast::<c_void>(), count(value.len()));
                template.push(CK_ATTRIBUTE { type_: *kind, pValue: place, ulValueLen: room });
            }
        }
        if template.is_empty() {
            return Ok(values);
        }
        // All of these were told of.
        answered(self.get_values(session, object, &mut template)?, Function::GetAttributeValue)?;
        let filled = values.iter_mut().filter(|value| value.as_ref().is_some_and(|value| !value.is_empty()));
        for (value, attribute) in filled.zip(&template) {
            let room = value.as_ref().map_or(0, Vec::len);
            *value = match (told(attribute, room)?, value.take()) {
                (Some(len), Some(mut bytes)) => {
                    bytes.truncate(len);
                    Some(bytes)
                }
                _ => None,
            };
        }
        Ok(values)
    }

    /// Has the module answer the template.
    fn get_values(
        &self,
        session: &Session,
        object: ObjectHandle,
        template: &mut [CK_ATTRIBUTE],
    ) -> Result<CK_RV, Fault> {
        let call = self.functions().C_GetAttributeValue.ok_or_else(lacks)?;
        // SAFETY: each attribute has no value, or one with the free capacity that it says, which outlives the call.
        Ok(unsafe { call(session.handle(), object.handle(), template.as_mut_ptr(), count(template.len())) })
    }
}

/// The length that an answered attribute has; `None` where the module says that there is none.
fn told(attribute: &CK_ATTRIBUTE, most: usize) -> Result<Option<usize>, Fault> {
    let told = attribute.ulValueLen;
    if told == CK_UNAVAILABLE_INFORMATION {
        return Ok(None);
    }
    let absurd = || nonsense(&format!("C_GetAttributeValue tells of {told} bytes"));
    usize::try_from(told).ok().filter(|len| *len <= most).map(Some).ok_or_else(absurd)
}

fn slot(number: CK_SLOT_ID) -> Result<Slot, Fault> {
    // CK_SLOT_ID has 32 bits on Windows and 64 elsewhere.
    #[allow(clippy::useless_conversion, reason = "depends on the system")]
    Slot::try_from(u64::from(number)).map_err(Fault::from)
}

fn nonsense(detail: &str) -> Fault {
    TokenError::Protocol { detail: format!("the module: {detail}") }.into()
}
