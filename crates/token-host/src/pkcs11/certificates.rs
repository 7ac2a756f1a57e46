//! Certificates written and removed.

use cryptoki::error::RvError;
use cryptoki::object::{Attribute, CertificateType, ObjectClass};
use cryptoki_sys::CKA_VALUE;
use ycd_pki::Certificate;
use ycd_token::{TokenError, TokenId};

use super::der;
use super::fault::{Changes, Fault};
use super::inventory::{Inventory, certificates_of, spki_of};
use super::{Module, OpenToken};

impl Module {
    pub(super) fn write(&mut self, token: &TokenId, der: &[u8], changes: &mut Changes) -> Result<(), Fault> {
        let certificate = Certificate::from_der(der)
            .map_err(|error| TokenError::Unsupported { what: format!("this certificate: {error}") })?;
        let open = self.opened(token)?;
        open.must_be_logged_in()?;
        // Other programs are not bound by any lock of ours: what counts is what is on the token now.
        let inventory = open.inventory()?;
        let pair = inventory.with_key(&spki_of(&certificate)).filter(|group| !group.privates.is_empty());
        let Some(group) = pair else {
            return Err(TokenError::NotFound { what: "the key pair of this certificate".into() }.into());
        };
        remove_torn(open, &inventory, &group.id, der, changes)?;
        if !group.certificates.iter().any(|object| object.value == der) {
            create(open, &certificate, &group.id, changes)?;
        }
        // Only now: the one that differs may be the only one the token has.
        for object in &group.certificates {
            let other = Certificate::from_der(&object.value);
            let same_serial = other.is_ok_and(|other| {
                other.serial() == certificate.serial() && other.issuer_der() == certificate.issuer_der()
            });
            if same_serial && object.value != der {
                changes.note_destroyed(open.session.destroy_object(object.handle))?;
            }
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, token: &TokenId, der: &[u8], changes: &mut Changes) -> Result<(), Fault> {
        let open = self.opened(token)?;
        open.must_be_logged_in()?;
        let identical = |open: &OpenToken| -> Result<Vec<_>, Fault> {
            let all = certificates_of(&open.raw, &open.session)?;
            Ok(all.into_iter().filter(|object| object.value == der).collect())
        };
        let objects = identical(open)?;
        if objects.is_empty() {
            return Err(TokenError::NotFound { what: "certificate".into() }.into());
        }
        for object in objects {
            changes.note_destroyed(open.session.destroy_object(object.handle))?;
        }
        match identical(open)?.is_empty() {
            true => Ok(()),
            false => Err(TokenError::ReadBackDiffers.into()),
        }
    }
}

/// Removes what a write of this certificate left that was cut off: a beginning of it, or something beside its key
/// that is no whole DER value.
fn remove_torn(
    open: &OpenToken,
    inventory: &Inventory,
    id: &[u8],
    der: &[u8],
    changes: &mut Changes,
) -> Result<(), Fault> {
    for object in &inventory.torn {
        let beginning = !object.value.is_empty() && der.starts_with(&object.value);
        let beside =
            !id.is_empty() && object.id == id && der::sequence_len(&object.value) != Some(object.value.len());
        if beginning || beside {
            changes.note_destroyed(open.session.destroy_object(object.handle))?;
        }
    }
    Ok(())
}

fn create(
    open: &OpenToken,
    certificate: &Certificate,
    id: &[u8],
    changes: &mut Changes,
) -> Result<(), Fault> {
    let object = changes.note(open.session.create_object(&[
        Attribute::Class(ObjectClass::CERTIFICATE),
        Attribute::CertificateType(CertificateType::X_509),
        Attribute::Token(true),
        Attribute::Private(false),
        Attribute::Label(b"ycd".to_vec()),
        Attribute::Id(id.to_vec()),
        Attribute::Subject(certificate.subject_der().to_vec()),
        Attribute::Issuer(certificate.issuer_der().to_vec()),
        Attribute::SerialNumber(der::integer(certificate.serial())),
        Attribute::Value(certificate.der().to_vec()),
    ]))?;
    let [read] = match open.raw.attributes(&open.session, object, [CKA_VALUE]) {
        Ok(values) => values,
        Err(fault) if fault.is(RvError::ObjectHandleInvalid) => {
            return Err(TokenError::ReadBackDiffers.into());
        }
        Err(fault) => return Err(fault),
    };
    if read.is_some_and(|value| der::unpadded(value) == certificate.der()) {
        return Ok(());
    }
    // Nobody can use it: back to the state before.
    open.session.destroy_object(object)?;
    Err(TokenError::ReadBackDiffers.into())
}
