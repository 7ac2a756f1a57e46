//! Signatures, each verified in software before it is given out: whatever a module makes of its numbers, nothing but
//! SM3withSM2 leaves this process.

use std::cell::RefCell;

use cryptoki::context::Pkcs11;
use cryptoki::error::RvError;
use cryptoki::object::ObjectHandle;
use cryptoki::slot::Slot;
use ycd_pki::{PkiError, PublicKey, SignError, Signature, Signer, csr};
use ycd_token::profile::{SignInput, SignMechanism};
use ycd_token::{Spki, TokenError, TokenId};

use super::fault::{Fault, unsupported};
use super::keys::mechanism_type;
use super::raw::{Raw, is_beyond_cryptoki};
use super::{Module, OpenToken};

impl Module {
    /// Signs a text that this process has built.
    pub(super) fn sign_text(
        &mut self,
        token: &TokenId,
        signer: &Spki,
        text: &[u8],
    ) -> Result<Signature, Fault> {
        let public = PublicKey::from_spki_der(&signer.0)
            .map_err(|_| TokenError::NotFound { what: "a key pair that is none of SM2".into() })?;
        let mut last_chance = false;
        loop {
            let private = self.private_key(token, signer)?;
            match self.sign_with(token, private, &public, text) {
                // Another program has moved things: look once more.
                Err(fault)
                    if !last_chance
                        && (fault.is(RvError::KeyHandleInvalid)
                            || fault.is(RvError::ObjectHandleInvalid)) =>
                {
                    self.opened(token)?.privates.clear();
                }
                // A signature before this one failed and was not put away.
                Err(fault) if !last_chance && fault.is(RvError::OperationActive) => {
                    self.renew_session(token)?;
                }
                result => return result,
            }
            last_chance = true;
        }
    }

    /// Builds and signs a PKCS#10.
    pub(super) fn request(
        &mut self,
        token: &TokenId,
        signer: &Spki,
        subject: &[u8],
    ) -> Result<Vec<u8>, Fault> {
        let public_key = PublicKey::from_spki_der(&signer.0)
            .map_err(|_| TokenError::NotFound { what: "a key pair that is none of SM2".into() })?;
        let key =
            TokenSigner { module: RefCell::new(self), token, signer, public_key, fault: RefCell::new(None) };
        csr::build(&key, subject).map_err(|error| match (key.fault.take(), error) {
            (Some(fault), _) => fault,
            (None, PkiError::Sign(error)) => TokenError::SignsWrongly { detail: error.to_string() }.into(),
            (None, error) => unsupported(&format!("this subject: {error}")).into(),
        })
    }

    fn private_key(&mut self, token: &TokenId, signer: &Spki) -> Result<ObjectHandle, Fault> {
        let open = self.opened(token)?;
        if let Some(private) = open.privates.get(signer) {
            return Ok(*private);
        }
        let inventory = open.inventory()?;
        for group in inventory.groups {
            if let (Some(spki), Some(private)) = (group.spki, group.privates.first()) {
                open.privates.insert(spki, *private);
            }
        }
        match open.privates.get(signer) {
            Some(private) => Ok(*private),
            None if !inventory.logged_in => Err(TokenError::NotLoggedIn.into()),
            None => Err(TokenError::NotFound { what: "private key".into() }.into()),
        }
    }

    /// With the mechanism that has worked on this token, else with the first of the profile's that the token reports
    /// and that signs SM3withSM2: the same number means different things to different makers.
    fn sign_with(
        &mut self,
        token: &TokenId,
        private: ObjectHandle,
        public: &PublicKey,
        text: &[u8],
    ) -> Result<Signature, Fault> {
        let mechanisms = self.profile.pkcs11.as_ref().map(|numbers| numbers.sign.clone()).unwrap_or_default();
        let (pkcs11, raw) = (self.pkcs11.clone(), self.raw.clone());
        let open = self.opened(token)?;
        if let Some(at) = open.signs_with {
            return sign_once(open, &mechanisms[at], private, public, text);
        }
        let mut wrong = None;
        for (at, candidate) in mechanisms.iter().enumerate() {
            if !has_mechanism(&pkcs11, &raw, open.slot, candidate.mechanism)? {
                continue;
            }
            match sign_once(open, candidate, private, public, text) {
                Ok(signature) => {
                    open.signs_with = Some(at);
                    return Ok(signature);
                }
                Err(Fault::Token(error @ TokenError::SignsWrongly { .. })) => {
                    wrong.get_or_insert(error);
                }
                // Reported, and refused when it comes to it.
                Err(fault)
                    if [RvError::MechanismInvalid, RvError::KeyTypeInconsistent, RvError::DataLenRange]
                        .iter()
                        .any(|rv| fault.is(*rv)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(wrong.unwrap_or_else(|| unsupported("SM3withSM2: none of the profile's mechanisms")).into())
    }
}

pub(super) fn has_mechanism(pkcs11: &Pkcs11, raw: &Raw, slot: Slot, number: u32) -> Result<bool, Fault> {
    if is_beyond_cryptoki(number) {
        return raw.has_mechanism(slot, number);
    }
    match pkcs11.get_mechanism_info(slot, mechanism_type(number)?).map_err(Fault::from) {
        Ok(_) => Ok(true),
        Err(fault) if fault.is(RvError::MechanismInvalid) => Ok(false),
        Err(fault) => Err(fault),
    }
}

fn sign_once(
    open: &OpenToken,
    with: &SignMechanism,
    private: ObjectHandle,
    public: &PublicKey,
    text: &[u8],
) -> Result<Signature, Fault> {
    let e = public.digest(text);
    let input = match with.input {
        SignInput::Message => text,
        SignInput::E => &e,
    };
    let bytes = open.raw.sign(&open.session, with.mechanism, private, input)?;
    verified(with, &bytes, public, text, &e)
}

/// Takes both forms, whatever the profile expects, and no other signature than SM3withSM2 over the text.
fn verified(
    with: &SignMechanism,
    bytes: &[u8],
    public: &PublicKey,
    text: &[u8],
    e: &[u8; 32],
) -> Result<Signature, Fault> {
    let wrongly = |detail: String| {
        let detail = format!("mechanism {:#010x}: {detail}", with.mechanism);
        Err(Fault::Token(TokenError::SignsWrongly { detail }))
    };
    let raw = <&[u8; 64]>::try_from(bytes).ok().and_then(|raw| Signature::from_raw(raw).ok());
    let Some(signature) = raw.or_else(|| Signature::from_der(bytes).ok()) else {
        return wrongly(format!("{} bytes that are no signature of SM2", bytes.len()));
    };
    if public.verify_digest(e, &signature).is_ok() {
        return Ok(signature);
    }
    let digests = [*e, ycd_pki::sm3::sm3(text)];
    if digests.iter().any(|digest| public.verifies_as_plain_ecdsa(digest, &signature)) {
        return wrongly("plain ECDSA on the SM2 curve, which is no SM2 signature".into());
    }
    wrongly("the signature does not verify".into())
}

/// A private key in the token as a signer of requests.
struct TokenSigner<'a> {
    module: RefCell<&'a mut Module>,
    token: &'a TokenId,
    signer: &'a Spki,
    public_key: PublicKey,
    /// What the token answered, kept as it is.
    fault: RefCell<Option<Fault>>,
}

impl Signer for TokenSigner<'_> {
    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn sign(&self, message: &[u8]) -> Result<Signature, SignError> {
        self.module.borrow_mut().sign_text(self.token, self.signer, message).map_err(|fault| {
            *self.fault.borrow_mut() = Some(fault);
            SignError::new("the token did not sign")
        })
    }
}
