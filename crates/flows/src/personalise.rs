//! Personalisation: the first certificate on a key, at the operator's station. (SO PINs are not escrowed here yet.)
//!
//! Resumable like a renewal: a pair without a certificate that an earlier run left is taken up again, the portal gives
//! the same certificate for the same key and public key, and a certificate that is on the key is not written twice.

use ycd_pki::{
    csr,
    name::{Attribute, Name},
    sm3::sm3,
};
use ycd_portal_api::{
    Client,
    wire::{
        Bytes,
        certificates::Holder,
        keys::{PersonaliseKey, PersonalisedKey},
    },
};
use ycd_token::{Container, KeyId, Pair, Pin, Tag, Token};

use crate::{
    error::{FlowError, Result},
    lock::KeyLocks,
    renewal::Step,
};

/// Whose key it becomes.
#[derive(Debug, Clone)]
pub struct Assignment {
    pub holder: Holder,
    /// The applicant's phone, whole.
    pub phone: String,
    /// Product code.
    pub product: String,
    pub term_years: u8,
}

/// Puts the first certificate on `key`. The client must be logged in as an operator.
pub fn personalise(
    portal: &Client,
    token: &mut dyn Token,
    locks: &KeyLocks,
    key: &KeyId,
    pin: &Pin,
    assignment: &Assignment,
) -> Result<PersonalisedKey> {
    let _lock = locks.lock(key)?;
    let on_key = |step| move |source| FlowError::Token { step, source };
    token.login(key, pin).map_err(on_key(Step::Pin))?;
    let contents = token.read(key).map_err(on_key(Step::Open))?;

    let tag = first_tag(key);
    // A key that keeps no tags is blank at the operator's station but for what an earlier run left.
    let is_first = |c: &Container| {
        if contents.keeps_ids { c.has_tag(&tag) } else { contents.containers.len() == 1 }
    };
    let left_by_earlier_run = contents.containers.iter().find(|c| c.pair == Pair::Whole && is_first(c));
    let spki = match left_by_earlier_run.and_then(|c| c.spki.clone()) {
        Some(spki) => spki,
        None => {
            if let Some(half) = contents.containers.iter().find(|c| c.pair == Pair::Half && c.has_tag(&tag)) {
                token.destroy(key, &half.handle).map_err(on_key(Step::Clear))?;
            }
            token.generate(key, &tag).map_err(on_key(Step::Generate))?
        }
    };

    let subject = Name::china().with(Attribute::CommonName, key.as_str()).to_der()?;
    let request = token.sign_request(key, &spki, &subject).map_err(on_key(Step::Sign))?;
    csr::Request::from_der(&request).and_then(|request| request.verify()).map_err(|error| {
        FlowError::Token {
            step: Step::Sign,
            source: ycd_token::TokenError::SignsWrongly { detail: error.to_string() },
        }
    })?;
    let personalised = portal
        .personalise_key(&PersonaliseKey {
            key_id: key.to_string(),
            holder: assignment.holder.clone(),
            phone: assignment.phone.clone(),
            product: assignment.product.clone(),
            term_years: assignment.term_years,
            request: Bytes(request),
        })
        .map_err(|source| FlowError::Portal { step: Step::Issue, source })?;
    token.write_certificate(key, &personalised.certificate.0).map_err(on_key(Step::Write))?;
    token.logout(key).map_err(on_key(Step::Done))?;
    Ok(personalised)
}

/// The tag of a key's first pair, the same in every run.
fn first_tag(key: &KeyId) -> Tag {
    let digest = sm3(format!("ycd-first-pair:{key}").as_bytes());
    let mut tag = [0; 16];
    tag.copy_from_slice(&digest[..16]);
    Tag(tag)
}
