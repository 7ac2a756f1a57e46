//! Pointers and lengths of callers, and nothing else: turns them into slices and values, or an answer.
//!
//! No pointer is taken to be aligned or set, no length to be sound. What cannot be checked is that a pointer that is
//! set points at as many bytes as the caller says: the `SAFETY` of every function here is that part of the PKCS#11
//! contract.

use std::cell::Cell;

use cryptoki_sys::*;

use super::Rv;
use crate::fault::Length;

/// Longest data in one call. A length above this is a mistake, whatever it points at.
const MAX_INPUT: usize = 256 << 20;
/// Longest value of one attribute.
const MAX_VALUE: usize = 1 << 20;
/// Attributes in one template.
const MAX_ATTRIBUTES: usize = 128;
/// PKCS#11: "the value is not available".
pub const UNAVAILABLE: CK_ULONG = CK_ULONG::MAX;

/// A template's attributes, as the caller wrote them.
pub type RawTemplate = Vec<(CK_ATTRIBUTE_TYPE, Vec<u8>)>;

pub fn len(value: CK_ULONG) -> Rv<usize> {
    usize::try_from(value).map_err(|_| CKR_ARGUMENTS_BAD)
}

/// A length of ours as the caller's type. Nothing of ours comes near 4 GiB.
pub fn ulong(value: usize) -> CK_ULONG {
    CK_ULONG::try_from(value).unwrap_or(UNAVAILABLE)
}

thread_local! {
    /// What the call of this thread tells in the place of its lengths.
    static TELLING: Cell<Option<Length>> = const { Cell::new(None) };
}

/// Does a call that is to tell wrong lengths.
pub fn telling(length: Option<Length>, act: impl FnOnce() -> Rv) -> Rv {
    TELLING.set(length);
    let answer = act();
    TELLING.set(None);
    answer
}

/// A length or count for the caller, wrong where the call was told to lie.
pub fn told(value: usize) -> CK_ULONG {
    let right = ulong(value);
    TELLING.get().map_or(right, |length| length.instead_of(right, UNAVAILABLE))
}

/// Bytes a caller hands in. NULL is the empty string when the length is 0.
///
/// # Safety
/// `data`, where set, points at `count` bytes that stay as they are while the slice lives.
pub unsafe fn input<'a>(data: *const CK_BYTE, count: CK_ULONG) -> Rv<&'a [u8]> {
    let count = len(count)?;
    if count == 0 {
        return Ok(&[]);
    }
    if data.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    if count > MAX_INPUT {
        return Err(CKR_DATA_LEN_RANGE);
    }
    // SAFETY: not NULL, bounded, and the caller's contract.
    Ok(unsafe { std::slice::from_raw_parts(data, count) })
}

/// # Safety
/// `place`, where set, points at room for a `T`, aligned or not.
pub unsafe fn put<T>(place: *mut T, value: T) -> Rv {
    if place.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    // SAFETY: not NULL, and the caller's contract; alignment is not asked for.
    unsafe { place.write_unaligned(value) };
    Ok(())
}

/// # Safety
/// `place`, where set, points at a `T`, aligned or not.
pub unsafe fn get<T: Copy>(place: *const T) -> Rv<T> {
    if place.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    // SAFETY: not NULL, and the caller's contract; alignment is not asked for.
    Ok(unsafe { place.read_unaligned() })
}

/// Fills a buffer of the caller with random or other bytes.
///
/// # Safety
/// `place`, where set, points at room for `count` bytes.
pub unsafe fn fill(place: *mut CK_BYTE, count: CK_ULONG, mut with: impl FnMut(&mut [u8]) -> Rv) -> Rv {
    let count = len(count)?;
    if count == 0 {
        return Ok(());
    }
    if place.is_null() || count > MAX_INPUT {
        return Err(CKR_ARGUMENTS_BAD);
    }
    let mut at = 0;
    let mut block = [0; 4096];
    while at < count {
        let part = &mut block[..(count - at).min(4096)];
        with(part)?;
        // SAFETY: `at + part.len() <= count` bytes of room by the caller's contract; the block is ours.
        unsafe { std::ptr::copy_nonoverlapping(part.as_ptr(), place.add(at), part.len()) };
        at += part.len();
    }
    Ok(())
}

/// A buffer with its length, by the convention of PKCS#11 5.2.
pub struct Output<T> {
    place: *mut T,
    count: *mut CK_ULONG,
    room: usize,
}

impl<T: Copy> Output<T> {
    /// # Safety
    /// `count`, where set, points at a number; `place`, where set, at room for as many `T` as that number says.
    pub unsafe fn new(place: *mut T, count: *mut CK_ULONG) -> Rv<Self> {
        // SAFETY: the caller's contract.
        let room = unsafe { get(count) }?;
        // A length that does not fit into memory is no more room than all of it.
        Ok(Self { place, count, room: usize::try_from(room).unwrap_or(usize::MAX) })
    }

    /// Whether the caller asks for the length only, and is told; an error when there is less room than `needed`, of
    /// which the caller is told too.
    pub fn is_query(&mut self, needed: usize) -> Rv<bool> {
        if self.place.is_null() {
            self.tell(needed)?;
            return Ok(true);
        }
        if self.room < needed {
            self.tell(needed)?;
            return Err(CKR_BUFFER_TOO_SMALL);
        }
        Ok(false)
    }

    /// Gives the values, or answers a length query.
    pub fn give(&mut self, values: &[T]) -> Rv {
        if self.is_query(values.len())? {
            return Ok(());
        }
        for (at, value) in values.iter().enumerate() {
            // SAFETY: `place` is set and has room for `room >= values.len()` values by the contract of `new`.
            unsafe { self.place.add(at).write_unaligned(*value) };
        }
        self.tell(values.len())
    }

    fn tell(&mut self, count: usize) -> Rv {
        // SAFETY: `count` was read in `new`; it is set and points at a number.
        unsafe { put(self.count, told(count)) }
    }
}

/// Copies a template. A NULL value with a length, a value over [`MAX_VALUE`] and a type named twice are refused.
///
/// # Safety
/// `place`, where set, points at `count` attributes, each with a value of its length or NULL.
pub unsafe fn template(place: *const CK_ATTRIBUTE, count: CK_ULONG) -> Rv<RawTemplate> {
    let count = len(count)?;
    if count > MAX_ATTRIBUTES || (place.is_null() && count > 0) {
        return Err(CKR_ARGUMENTS_BAD);
    }
    let mut found = RawTemplate::with_capacity(count);
    for at in 0..count {
        // SAFETY: `at < count`, and the caller's contract.
        let attribute = unsafe { get(place.add(at)) }?;
        let kind = attribute.type_;
        let length = usize::try_from(attribute.ulValueLen).map_err(|_| CKR_ATTRIBUTE_VALUE_INVALID)?;
        if length > MAX_VALUE || (attribute.pValue.is_null() && length > 0) {
            return Err(CKR_ATTRIBUTE_VALUE_INVALID);
        }
        // SAFETY: checked above, and the caller's contract.
        let value = unsafe { input(attribute.pValue.cast::<CK_BYTE>(), attribute.ulValueLen) }?;
        if found.iter().any(|(other, _)| *other == kind) {
            return Err(CKR_TEMPLATE_INCONSISTENT);
        }
        found.push((kind, value.to_vec()));
    }
    Ok(found)
}

/// What `C_GetAttributeValue` answers for one attribute.
pub enum Shown {
    Value(Vec<u8>),
    Sensitive,
    /// The object has no such attribute.
    Absent,
}

/// Answers each attribute of a template (PKCS#11 `C_GetAttributeValue`): all are answered, the first fault is told.
///
/// # Safety
/// `place`, where set, points at `count` attributes, each with room of its length or NULL.
pub unsafe fn answer(
    place: *mut CK_ATTRIBUTE,
    count: CK_ULONG,
    mut show: impl FnMut(CK_ATTRIBUTE_TYPE) -> Rv<Shown>,
) -> Rv {
    let count = len(count)?;
    if count > MAX_ATTRIBUTES || place.is_null() {
        return Err(CKR_ARGUMENTS_BAD);
    }
    let mut outcome = Ok(());
    for at in 0..count {
        // SAFETY: `at < count`, and the caller's contract.
        let mut attribute = unsafe { get(place.add(at).cast_const()) }?;
        let fault = match show(attribute.type_)? {
            Shown::Sensitive => Some(CKR_ATTRIBUTE_SENSITIVE),
            Shown::Absent => Some(CKR_ATTRIBUTE_TYPE_INVALID),
            Shown::Value(value) => {
                let room = attribute.ulValueLen;
                attribute.ulValueLen = told(value.len());
                if attribute.pValue.is_null() {
                    None
                } else if room < ulong(value.len()) {
                    Some(CKR_BUFFER_TOO_SMALL)
                } else {
                    let to = attribute.pValue.cast::<CK_BYTE>();
                    // SAFETY: set, with room for at least the value, by the caller's contract; the value is ours.
                    unsafe { std::ptr::copy_nonoverlapping(value.as_ptr(), to, value.len()) };
                    None
                }
            }
        };
        if let Some(rv) = fault {
            attribute.ulValueLen = UNAVAILABLE;
            outcome = outcome.and(Err(rv));
        }
        // SAFETY: as where it was read.
        unsafe { put(place.add(at), attribute) }?;
    }
    outcome
}

/// The mechanism a caller names, with its parameter.
///
/// # Safety
/// `place`, where set, points at a mechanism whose parameter, where set, has its length.
pub unsafe fn mechanism(place: *const CK_MECHANISM) -> Rv<(CK_MECHANISM_TYPE, Vec<u8>)> {
    // SAFETY: the caller's contract.
    let mechanism = unsafe { get(place) }?;
    let bad = |_| CKR_MECHANISM_PARAM_INVALID;
    if usize::try_from(mechanism.ulParameterLen).map_err(bad)? > MAX_VALUE {
        return Err(CKR_MECHANISM_PARAM_INVALID);
    }
    // SAFETY: the caller's contract.
    let parameter = unsafe { input(mechanism.pParameter.cast::<CK_BYTE>(), mechanism.ulParameterLen) };
    Ok((mechanism.mechanism, parameter.map_err(|_| CKR_MECHANISM_PARAM_INVALID)?.to_vec()))
}

/// A fixed field, filled up with blanks (PKCS#11 2.40, 3.2).
pub fn padded<const N: usize>(text: &str) -> [CK_UTF8CHAR; N] {
    let mut field = [b' '; N];
    for (to, from) in field.iter_mut().zip(text.bytes()) {
        *to = from;
    }
    field
}
