//! Key pairs made and destroyed.

use cryptoki::error::RvError;
use cryptoki::mechanism::{Mechanism, MechanismType, vendor_defined::VendorDefinedMechanism};
use cryptoki::object::{Attribute, KeyType, ObjectHandle};
use cryptoki::session::Session;
use cryptoki_sys::{
    CKA_EC_PARAMS, CKA_EXTRACTABLE, CKA_ID, CKA_KEY_TYPE, CKA_LABEL, CKA_PRIVATE, CKA_SENSITIVE, CKA_SIGN,
    CKA_TOKEN, CKA_VERIFY,
};
use ycd_pki::curve::CURVE_DER;
use ycd_token::profile::Pkcs11;
use ycd_token::{CkaId, ContainerHandle, Spki, TokenError, TokenId};

use super::Module;
use super::fault::{Changes, Fault, unsupported};
use super::inventory::KeyObject;
use super::raw::{self, Raw};

impl Module {
    pub(super) fn generate_pair(
        &mut self,
        token: &TokenId,
        cka_id: &CkaId,
        changes: &mut Changes,
    ) -> Result<Spki, Fault> {
        let numbers = self.profile.pkcs11.clone().ok_or_else(|| unsupported("PKCS#11"))?;
        let keeps_ids = self.profile.quirks.keeps_ids;
        let open = self.opened(token)?;
        open.must_be_logged_in()?;
        let label = format!("ycd {}", hex::encode(&cka_id.0[..4]));
        let (public, private) = changes.note(match is_generated_raw(&numbers) {
            true => generate_raw(&open.raw, &open.session, &numbers, cka_id, &label),
            false => generate(&open.session, &numbers, cka_id, &label),
        })?;
        // What was made is read back: a module may say yes and lose it, or keep another id.
        let gone = |fault: Fault| match fault.is(RvError::ObjectHandleInvalid) {
            true => Fault::Token(TokenError::ReadBackDiffers),
            false => fault,
        };
        let read = |handle| KeyObject::read(&open.raw, &open.session, open.point, handle).map_err(gone);
        let (made, half) = (read(public)?, read(private)?);
        let (Some(made), Some(half)) = (made, half) else { return Err(unsupported("SM2 key pairs").into()) };
        if keeps_ids && (made.id != cka_id.0 || half.id != cka_id.0) {
            return Err(TokenError::ReadBackDiffers.into());
        }
        let spki =
            made.spki.or(half.spki).ok_or_else(|| unsupported("telling a public key (CKA_EC_POINT)"))?;
        open.privates.insert(spki.clone(), private);
        Ok(spki)
    }

    /// Certificates, then private, then public keys: cut off anywhere, what is left is a half with its id, or a pair
    /// without a certificate, and destroying it once more finishes the work.
    pub(super) fn destroy_container(
        &mut self,
        token: &TokenId,
        container: &ContainerHandle,
        changes: &mut Changes,
    ) -> Result<(), Fault> {
        let open = self.opened(token)?;
        // Before login private keys are hidden: destroying what is seen would leave them behind.
        open.must_be_logged_in()?;
        let inventory = open.inventory()?;
        let not_found = || TokenError::NotFound { what: "container".into() };
        let group = inventory.find(container).ok_or_else(not_found)?;
        open.privates.clear();
        let certificates = group.certificates.iter().map(|certificate| &certificate.handle);
        for object in certificates.chain(&group.privates).chain(&group.publics) {
            changes.note_destroyed(open.session.destroy_object(*object))?;
        }
        match open.inventory()?.find(container) {
            Some(_) => Err(TokenError::ReadBackDiffers.into()),
            None => Ok(()),
        }
    }
}

fn generate(
    session: &Session,
    numbers: &Pkcs11,
    cka_id: &CkaId,
    label: &str,
) -> Result<(ObjectHandle, ObjectHandle), Fault> {
    let mechanism = mechanism(numbers.key_pair_gen.value)?;
    let mut common = vec![
        Attribute::Token(true),
        Attribute::Id(cka_id.0.to_vec()),
        Attribute::Label(label.as_bytes().to_vec()),
    ];
    if let Some(number) = &numbers.key_type {
        common.push(Attribute::KeyType(key_type(number.value)?));
    }
    let mut public = common.clone();
    public.extend([Attribute::EcParams(CURVE_DER.to_vec()), Attribute::Verify(true)]);
    let mut private = common;
    private.extend([
        Attribute::Private(true),
        Attribute::Sensitive(true),
        Attribute::Extractable(false),
        Attribute::Sign(true),
    ]);
    Ok(session.generate_key_pair(&mechanism, &public, &private)?)
}

fn is_generated_raw(numbers: &Pkcs11) -> bool {
    let key_type = numbers.key_type.as_ref().map(|number| number.value);
    key_type.into_iter().chain([numbers.key_pair_gen.value]).any(raw::is_beyond_cryptoki)
}

/// As [`generate`], where cryptoki cannot express the numbers.
fn generate_raw(
    raw: &Raw,
    session: &Session,
    numbers: &Pkcs11,
    cka_id: &CkaId,
    label: &str,
) -> Result<(ObjectHandle, ObjectHandle), Fault> {
    let mut common = vec![
        (CKA_TOKEN, raw::boolean(true)),
        (CKA_ID, cka_id.0.to_vec()),
        (CKA_LABEL, label.as_bytes().to_vec()),
    ];
    if let Some(number) = &numbers.key_type {
        common.push((CKA_KEY_TYPE, raw::number(number.value)));
    }
    let mut public = common.clone();
    public.extend([(CKA_EC_PARAMS, CURVE_DER.to_vec()), (CKA_VERIFY, raw::boolean(true))]);
    let mut private = common;
    private.extend([
        (CKA_PRIVATE, raw::boolean(true)),
        (CKA_SENSITIVE, raw::boolean(true)),
        (CKA_EXTRACTABLE, raw::boolean(false)),
        (CKA_SIGN, raw::boolean(true)),
    ]);
    raw.generate(session, numbers.key_pair_gen.value, public, private)
}

/// The mechanism behind a number of a profile: vendor-defined, or one of the two for elliptic curves.
pub(super) fn mechanism(number: u32) -> Result<Mechanism<'static>, TokenError> {
    Ok(match number {
        0x1040 => Mechanism::EccKeyPairGen,
        0x1041 => Mechanism::Ecdsa,
        _ => Mechanism::VendorDefined(VendorDefinedMechanism::new::<()>(mechanism_type(number)?, None)),
    })
}

pub(super) fn mechanism_type(number: u32) -> Result<MechanismType, TokenError> {
    let type_ = match number {
        0x1040 => Ok(MechanismType::ECC_KEY_PAIR_GEN),
        0x1041 => Ok(MechanismType::ECDSA),
        _ => MechanismType::new_vendor_defined(number.into()),
    };
    type_.map_err(|_| unsupported(&format!("mechanism {number:#010x} outside the vendor's range")))
}

fn key_type(number: u32) -> Result<KeyType, TokenError> {
    let type_ = match number {
        0x3 => Ok(KeyType::EC),
        _ => KeyType::new_vendor_defined(number.into()),
    };
    type_.map_err(|_| unsupported(&format!("key type {number:#010x} outside the vendor's range")))
}
