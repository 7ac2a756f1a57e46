//! The store by crypt32.

#![expect(unsafe_code, reason = "the C ABI of crypt32")]

use std::ffi::c_void;
use std::ptr::{null, null_mut};

use windows_sys::Win32::Foundation::GetLastError;
use windows_sys::Win32::Security::Cryptography::{
    AT_SIGNATURE, CERT_CONTEXT, CERT_FIND_EXISTING, CERT_FRIENDLY_NAME_PROP_ID, CERT_KEY_PROV_INFO_PROP_ID,
    CERT_STORE_ADD_REPLACE_EXISTING, CERT_STORE_CTRL_COMMIT, CERT_STORE_CTRL_COMMIT_FORCE_FLAG,
    CERT_STORE_PROV_SYSTEM_W, CERT_SYSTEM_STORE_CURRENT_USER, CRYPT_INTEGER_BLOB, CRYPT_KEY_PROV_INFO,
    CertAddCertificateContextToStore, CertCloseStore, CertControlStore, CertCreateCertificateContext,
    CertEnumCertificatesInStore, CertFindCertificateInStore, CertFreeCertificateContext,
    CertGetCertificateContextProperty, CertOpenStore, CertSetCertificateContextProperty, HCERTSTORE,
    X509_ASN_ENCODING,
};

use super::{KeyLink, Registered, StoreError};

/// An open store; closed when dropped.
pub struct Store(HCERTSTORE);

/// A certificate with its properties; let go when dropped.
pub struct Context(*mut CERT_CONTEXT);

impl Drop for Store {
    fn drop(&mut self) {
        // SAFETY: open, and closed here alone.
        unsafe { CertCloseStore(self.0, 0) };
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: given by crypt32 to this owner, and freed here alone.
        unsafe { CertFreeCertificateContext(self.0) };
    }
}

impl Store {
    pub fn open() -> Result<Self, StoreError> {
        let name = wide("MY");
        // SAFETY: the name ends in NUL and is only read.
        let store = unsafe {
            CertOpenStore(
                CERT_STORE_PROV_SYSTEM_W,
                0,
                0,
                CERT_SYSTEM_STORE_CURRENT_USER,
                name.as_ptr().cast::<c_void>(),
            )
        };
        if store.is_null() { Err(refused("CertOpenStore")) } else { Ok(Self(store)) }
    }

    pub fn register(&self, certificate: &[u8], key: &KeyLink, name: &str) -> Result<(), StoreError> {
        // Its properties are set before it goes in, so that it is never there without its key.
        let context = Context::of(certificate)?;
        context.set_key(key)?;
        context.set_name(name)?;
        // SAFETY: store and context are open; nothing is asked for in return.
        let added = unsafe {
            CertAddCertificateContextToStore(self.0, context.0, CERT_STORE_ADD_REPLACE_EXISTING, null_mut())
        };
        if added == 0 { Err(refused("CertAddCertificateContextToStore")) } else { Ok(()) }
    }

    pub fn find(&self, certificate: &[u8]) -> Result<Option<Context>, StoreError> {
        let like = Context::of(certificate)?;
        // SAFETY: store and context are open; CERT_FIND_EXISTING reads a context.
        let found = unsafe {
            CertFindCertificateInStore(
                self.0,
                X509_ASN_ENCODING,
                0,
                CERT_FIND_EXISTING,
                like.0.cast::<c_void>(),
                null(),
            )
        };
        // What it answers where there is none is no failure.
        Ok((!found.is_null()).then_some(Context(found)))
    }

    pub fn rename(&self, certificate: &[u8], name: &str) -> Result<(), StoreError> {
        let Some(found) = self.find(certificate)? else {
            return Err(StoreError::Refused { call: "CertFindCertificateInStore", code: CRYPT_E_NOT_FOUND });
        };
        found.set_name(name)?;
        // Windows keeps a property at once. Wine keeps it when the store is told to; where that is refused nothing is
        // lost on Windows.
        // SAFETY: the store is open; this control takes no parameter.
        unsafe {
            CertControlStore(self.0, CERT_STORE_CTRL_COMMIT_FORCE_FLAG, CERT_STORE_CTRL_COMMIT, null())
        };
        Ok(())
    }

    pub fn all(&self) -> Vec<Registered> {
        let mut found = Vec::new();
        let mut last: *mut CERT_CONTEXT = null_mut();
        loop {
            // SAFETY: the store is open; `last` came from the call before, which is given back to it here.
            last = unsafe { CertEnumCertificatesInStore(self.0, last) };
            if last.is_null() {
                return found;
            }
            // The enumeration frees it, so this owner does not.
            let context = std::mem::ManuallyDrop::new(Context(last));
            found.push(Registered { certificate: context.der(), name: context.name(), key: context.key() });
        }
    }
}

impl Context {
    fn of(certificate: &[u8]) -> Result<Self, StoreError> {
        let call = "CertCreateCertificateContext";
        let Ok(len) = u32::try_from(certificate.len()) else {
            return Err(StoreError::Refused { call, code: E_INVALIDARG });
        };
        // SAFETY: the bytes are read, as many as there are.
        let context = unsafe { CertCreateCertificateContext(X509_ASN_ENCODING, certificate.as_ptr(), len) };
        if context.is_null() { Err(refused(call)) } else { Ok(Self(context)) }
    }

    fn der(&self) -> Vec<u8> {
        // SAFETY: the context is open, and its bytes live as long as it does.
        unsafe {
            let context = &*self.0;
            let len = usize::try_from(context.cbCertEncoded).unwrap_or(0);
            std::slice::from_raw_parts(context.pbCertEncoded, len).to_vec()
        }
    }

    fn set_key(&self, key: &KeyLink) -> Result<(), StoreError> {
        let (mut provider, mut container) = (wide(&key.provider), wide(&key.container));
        let info = CRYPT_KEY_PROV_INFO {
            pwszContainerName: container.as_mut_ptr(),
            pwszProvName: provider.as_mut_ptr(),
            dwProvType: key.provider_type,
            dwFlags: 0,
            cProvParam: 0,
            rgProvParam: null_mut(),
            // Keys of CNG have no such number.
            dwKeySpec: if key.provider_type == 0 { 0 } else { AT_SIGNATURE },
        };
        // SAFETY: the property takes this structure, whose strings end in NUL and live through the call; both are
        // copied.
        let set = unsafe {
            CertSetCertificateContextProperty(
                self.0,
                CERT_KEY_PROV_INFO_PROP_ID,
                0,
                (&raw const info).cast::<c_void>(),
            )
        };
        if set == 0 { Err(refused("CertSetCertificateContextProperty")) } else { Ok(()) }
    }

    fn set_name(&self, name: &str) -> Result<(), StoreError> {
        let mut name = wide(name);
        let bytes = u32::try_from(name.len() * 2).unwrap_or(0);
        let blob = CRYPT_INTEGER_BLOB { cbData: bytes, pbData: name.as_mut_ptr().cast::<u8>() };
        // SAFETY: the property takes a blob, whose bytes live through the call and are copied.
        let set = unsafe {
            CertSetCertificateContextProperty(
                self.0,
                CERT_FRIENDLY_NAME_PROP_ID,
                0,
                (&raw const blob).cast::<c_void>(),
            )
        };
        if set == 0 { Err(refused("CertSetCertificateContextProperty")) } else { Ok(()) }
    }

    pub fn name(&self) -> String {
        let Some(words) = self.property(CERT_FRIENDLY_NAME_PROP_ID) else { return String::new() };
        let units: Vec<u16> =
            words.bytes().chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
        text(&units)
    }

    fn key(&self) -> Option<KeyLink> {
        let property = self.property(CERT_KEY_PROV_INFO_PROP_ID)?;
        if property.len < size_of::<CRYPT_KEY_PROV_INFO>() {
            return None;
        }
        // SAFETY: the property is this structure, aligned as `Property` is and wholly in it; its strings lie behind it
        // in the same memory and end in NUL, or are absent.
        unsafe {
            let info = &*property.words.as_ptr().cast::<CRYPT_KEY_PROV_INFO>();
            Some(KeyLink {
                provider: text_at(info.pwszProvName),
                provider_type: info.dwProvType,
                container: text_at(info.pwszContainerName),
            })
        }
    }

    fn property(&self, id: u32) -> Option<Property> {
        let mut len = 0;
        // SAFETY: the context is open; without a buffer only the length is given.
        if unsafe { CertGetCertificateContextProperty(self.0, id, null_mut(), &raw mut len) } == 0 {
            return None;
        }
        let room = usize::try_from(len).ok()?;
        let mut words = vec![0_u64; room.div_ceil(8)];
        // SAFETY: the buffer has at least `len` bytes.
        let got = unsafe {
            CertGetCertificateContextProperty(self.0, id, words.as_mut_ptr().cast::<c_void>(), &raw mut len)
        };
        let len = usize::try_from(len).ok()?.min(room);
        (got != 0).then_some(Property { words, len })
    }
}

/// Bytes that are aligned for any structure.
struct Property {
    words: Vec<u64>,
    len: usize,
}

impl Property {
    fn bytes(&self) -> Vec<u8> {
        self.words.iter().flat_map(|word| word.to_ne_bytes()).take(self.len).collect()
    }
}

const CRYPT_E_NOT_FOUND: u32 = 0x8009_2004;
const E_INVALIDARG: u32 = 0x8007_0057;

fn refused(call: &'static str) -> StoreError {
    // SAFETY: takes nothing.
    StoreError::Refused { call, code: unsafe { GetLastError() } }
}

fn wide(text: &str) -> Vec<u16> {
    text.encode_utf16().chain([0]).collect()
}

fn text(units: &[u16]) -> String {
    String::from_utf16_lossy(units.split(|unit| *unit == 0).next().unwrap_or_default())
}

/// # Safety
/// NULL, or a string that ends in NUL.
unsafe fn text_at(string: *const u16) -> String {
    if string.is_null() {
        return String::new();
    }
    let mut len = 0;
    // SAFETY: up to its NUL the string can be read.
    unsafe {
        while *string.add(len) != 0 {
            len += 1;
        }
        text(std::slice::from_raw_parts(string, len))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_refused_by_name_of_the_call() {
        let refused = Context::of(b"not a certificate").err();
        assert!(matches!(
            refused,
            Some(StoreError::Refused { call: "CertCreateCertificateContext", code }) if code != 0
        ));
    }
}
