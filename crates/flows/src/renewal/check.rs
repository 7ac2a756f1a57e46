//! What is checked before anything is written or sent: that answers of portal and token are what was asked for.

use time::OffsetDateTime;
use ycd_pki::{
    PublicKey,
    cert::{Certificate, Usage},
    chain::{Revocation, verify_chain},
    csr,
};
use ycd_portal_api::wire::attempts::AttemptView;
use ycd_token::{Spki, TokenError};

use super::Step;
use crate::session::error::{FlowError, Mismatch, Result};

pub(super) fn parse(der: &[u8]) -> Result<Certificate> {
    Certificate::from_der(der).map_err(|_| mismatch(Mismatch::Unreadable))
}

pub(super) fn public_key(der: &[u8]) -> Result<Vec<u8>> {
    Ok(parse(der)?.spki_der().to_vec())
}

pub(super) fn serial(der: &[u8]) -> Result<Vec<u8>> {
    Ok(parse(der)?.serial().to_vec())
}

/// Step 5: the module signed the request rightly, with the token it was asked for. A module that signs plain ECDSA, or
/// with another token, is found here, before anything is sent.
pub(super) fn request_is_signed_rightly(request: &[u8], signer: &Spki) -> Result<()> {
    let wrong = |detail: String| FlowError::Token {
        step: Step::Sign.into(),
        source: TokenError::SignsWrongly { detail },
    };
    let request = csr::Request::from_der(request).map_err(|e| wrong(e.to_string()))?;
    request.verify().map_err(|e| wrong(e.to_string()))?;
    let asked = PublicKey::from_spki_der(&signer.0).map_err(|e| wrong(e.to_string()))?;
    if request.public_key().to_point() != asked.to_point() {
        return Err(wrong("the request bears another public key".to_owned()));
    }
    Ok(())
}

/// Step 7: token, holder and term are the order's.
pub(super) fn fits_the_order(certificate: &[u8], view: &AttemptView, signer: &Spki) -> Result<()> {
    let certificate = parse(certificate)?;
    let asked = PublicKey::from_spki_der(&signer.0).map_err(|_| mismatch(Mismatch::PublicKey))?;
    let bears = certificate.public_key().map_err(|_| mismatch(Mismatch::PublicKey))?;
    if bears.to_point() != asked.to_point() {
        return Err(mismatch(Mismatch::PublicKey));
    }
    if certificate.subject_der() != view.subject.0 {
        return Err(mismatch(Mismatch::Subject));
    }
    let old = parse(&view.old_certificate.0)?;
    let validity = certificate.not_after() - certificate.not_before();
    // The longest year has 366 days; a term that starts at the old end and was issued before it spans both.
    let paid = time::Duration::days(i64::from(view.validity_years) * 365);
    let overlap = (old.not_after() - certificate.not_before()).max(time::Duration::ZERO);
    let slack = time::Duration::days(i64::from(view.validity_years) + 1);
    if validity < paid - slack || validity > paid + overlap + slack {
        return Err(mismatch(Mismatch::ValidityPeriod));
    }
    Ok(())
}

/// Step 7: it leads to an authority this machine trusts. Judged at the portal's time: the machine's may be a year off.
pub(super) fn is_trusted(
    certificate: &[u8],
    chain_der: &[&[u8]],
    anchors: &[Certificate],
    at: OffsetDateTime,
) -> Result<()> {
    let leaf = parse(certificate)?;
    let intermediates = chain_der.iter().map(|der| parse(der)).collect::<Result<Vec<_>>>()?;
    // A term that starts at the old one's end lies in the future now; the chain is then judged at its first second.
    let at = at.max(leaf.not_before());
    verify_chain(&leaf, &intermediates, anchors, Revocation::Ignored, at, Usage::Sign)
        .map(drop)
        .map_err(|error| FlowError::CertificateUntrusted { code: error.code(), detail: error.to_string() })
}

fn mismatch(reason: Mismatch) -> FlowError {
    FlowError::CertificateMismatch { reason }
}
