//! Is a certificate good: under which anchor, at which time, for which use, and if not, why exactly.

use time::OffsetDateTime;

use crate::{
    PkiError,
    cert::{Certificate, Usage},
    crl::{Crl, Reason},
    name::Name,
};

/// Certificates in a chain, leaf and anchor included.
const MAX_CHAIN: usize = 8;

/// A chain from a leaf to an anchor, every link checked.
#[derive(Debug, Clone)]
pub struct VerifiedChain {
    /// Leaf first, anchor last.
    pub certificates: Vec<Certificate>,
}

impl VerifiedChain {
    pub fn leaf(&self) -> Option<&Certificate> {
        self.certificates.first()
    }

    pub fn anchor(&self) -> Option<&Certificate> {
        self.certificates.last()
    }
}

/// Why a certificate is not good. `subject` is the certificate of the chain that fails.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No certificate given leads to an anchor.
    #[error("no trusted authority has issued {subject} (issuer: {issuer})")]
    UnknownCa { subject: String, issuer: String },
    #[error("{subject} has been over since {since}")]
    Expired { subject: String, since: OffsetDateTime },
    #[error("{subject} is good only from {from}")]
    NotYetValid { subject: String, from: OffsetDateTime },
    #[error("{subject} is not for this use ({wanted:?})")]
    WrongUsage { subject: String, wanted: Usage },
    #[error("{subject} was revoked at {at} ({reason:?})")]
    Revoked { subject: String, at: OffsetDateTime, reason: Reason },
    #[error("no revocation list of {issuer} was given")]
    CrlMissing { issuer: String },
    #[error("the revocation list of {issuer} has been out of date since {since}")]
    CrlStale { issuer: String, since: OffsetDateTime },
    #[error("the revocation list of {issuer} is not signed by it: {source}")]
    CrlSignature { issuer: String, source: PkiError },
    #[error("the signature on {subject} is not that of its issuer: {source}")]
    BadSignature { subject: String, source: PkiError },
    /// A CA stands deeper than one above it allows, or the chain is longer than any honest one.
    #[error("{subject} allows no authority so far below it")]
    PathLength { subject: String },
    #[error("{subject} has issued a certificate but is no authority")]
    NotACa { subject: String },
    #[error("{subject} has the critical extension {oid}, which is not understood here")]
    UnknownExtension { subject: String, oid: String },
}

impl ChainError {
    /// The stable code, `pki.…`.
    pub fn code(&self) -> &'static str {
        match self {
            Self::UnknownCa { .. } => "pki.unknown_ca",
            Self::Expired { .. } => "pki.expired",
            Self::NotYetValid { .. } => "pki.not_yet_valid",
            Self::WrongUsage { .. } => "pki.wrong_usage",
            Self::Revoked { .. } => "pki.revoked",
            Self::CrlMissing { .. } => "pki.crl_missing",
            Self::CrlStale { .. } => "pki.crl_stale",
            Self::CrlSignature { .. } => "pki.crl_signature",
            Self::BadSignature { .. } => "pki.chain_signature",
            Self::PathLength { .. } => "pki.path_length",
            Self::NotACa { .. } => "pki.not_a_ca",
            Self::UnknownExtension { .. } => "pki.unknown_extension",
        }
    }
}

/// How revocation is looked at.
#[derive(Debug, Clone, Copy)]
pub enum Revocation<'a> {
    /// Every certificate below an anchor must be covered by a current list of its issuer.
    Crls(&'a [Crl]),
    /// Lists are looked at where they are given; a missing one is no failure.
    CrlsIfGiven(&'a [Crl]),
    /// Not looked at: for whoever asks the portal instead.
    Ignored,
}

/// Builds the chain from `leaf` over `intermediates` to one of `anchors` and checks each certificate of it: name and
/// signature of its issuer, term at the given time, being a CA with its path length, revocation, and for the leaf
/// the use asked for. Anchors are trusted as given; of them the term is checked too.
///
/// # Errors
/// One variant of [`ChainError`] for each kind of failure; the first from the leaf upwards.
pub fn verify_chain(
    leaf: &Certificate,
    intermediates: &[Certificate],
    anchors: &[Certificate],
    revocation: Revocation<'_>,
    at: OffsetDateTime,
    usage: Usage,
) -> Result<VerifiedChain, ChainError> {
    if !leaf.has_usage(usage) {
        return Err(ChainError::WrongUsage { subject: subject(leaf), wanted: usage });
    }
    let mut chain = vec![leaf.clone()];
    let mut current = leaf;
    loop {
        check_itself(current, at)?;
        if anchors.iter().any(|anchor| anchor.der() == current.der()) {
            return Ok(VerifiedChain { certificates: chain });
        }
        if chain.len() == MAX_CHAIN {
            return Err(ChainError::PathLength { subject: subject(current) });
        }
        let issuer = find_issuer(current, intermediates, anchors)?;
        check_authority(issuer, &chain)?;
        check_revocation(current, issuer, revocation, at)?;
        chain.push(issuer.clone());
        current = issuer;
    }
}

fn subject(certificate: &Certificate) -> String {
    certificate.subject().to_string()
}

fn check_itself(certificate: &Certificate, at: OffsetDateTime) -> Result<(), ChainError> {
    let subject = || subject(certificate);
    if at < certificate.not_before() {
        return Err(ChainError::NotYetValid { subject: subject(), from: certificate.not_before() });
    }
    if at > certificate.not_after() {
        return Err(ChainError::Expired { subject: subject(), since: certificate.not_after() });
    }
    if let Some(oid) = certificate.unknown_critical_extension() {
        return Err(ChainError::UnknownExtension { subject: subject(), oid });
    }
    Ok(())
}

/// Anchors first: a chain should end as soon as it can. Among several of one name the one whose key verifies.
fn find_issuer<'a>(
    certificate: &Certificate,
    intermediates: &'a [Certificate],
    anchors: &'a [Certificate],
) -> Result<&'a Certificate, ChainError> {
    let authority = certificate.authority_key_id();
    let fits = |candidate: &&Certificate| {
        candidate.subject_der() == certificate.issuer_der()
            && candidate.der() != certificate.der()
            && match (&authority, candidate.subject_key_id()) {
                (Some(wanted), Some(has)) => *wanted == has,
                _ => true,
            }
    };
    let mut failure = None;
    for candidate in anchors.iter().chain(intermediates).filter(fits) {
        match candidate.public_key().and_then(|key| certificate.verify(&key)) {
            Ok(()) => return Ok(candidate),
            Err(source) => failure = Some(source),
        }
    }
    Err(match failure {
        Some(source) => ChainError::BadSignature { subject: subject(certificate), source },
        None => {
            ChainError::UnknownCa { subject: subject(certificate), issuer: certificate.issuer().to_string() }
        }
    })
}

fn check_authority(issuer: &Certificate, below: &[Certificate]) -> Result<(), ChainError> {
    if !issuer.is_ca() {
        return Err(ChainError::NotACa { subject: subject(issuer) });
    }
    if !issuer.has_usage(Usage::CertSign) {
        return Err(ChainError::WrongUsage { subject: subject(issuer), wanted: Usage::CertSign });
    }
    // The leaf does not count; CAs issued to themselves would not either (RFC 5280 4.2.1.9), and none occur here.
    let authorities_below = below.len() - 1;
    match issuer.path_length() {
        Some(limit) if authorities_below > usize::from(limit) => {
            Err(ChainError::PathLength { subject: subject(issuer) })
        }
        _ => Ok(()),
    }
}

fn check_revocation(
    certificate: &Certificate,
    issuer: &Certificate,
    revocation: Revocation<'_>,
    at: OffsetDateTime,
) -> Result<(), ChainError> {
    let (crls, needed) = match revocation {
        Revocation::Crls(crls) => (crls, true),
        Revocation::CrlsIfGiven(crls) => (crls, false),
        Revocation::Ignored => return Ok(()),
    };
    let name = || Name::from_der(issuer.subject_der()).unwrap_or_default().to_string();
    let of_issuer = crls.iter().filter(|crl| crl.issuer_der() == issuer.subject_der());
    let newest = of_issuer.max_by_key(|crl| (crl.this_update(), crl.number()));
    let Some(crl) = newest else {
        return if needed { Err(ChainError::CrlMissing { issuer: name() }) } else { Ok(()) };
    };
    let unsigned = |source| ChainError::CrlSignature { issuer: name(), source };
    if !issuer.has_usage(Usage::CrlSign) {
        return Err(ChainError::WrongUsage { subject: subject(issuer), wanted: Usage::CrlSign });
    }
    issuer.public_key().and_then(|key| crl.verify(&key)).map_err(unsigned)?;
    if let Some(oid) = crl.unknown_critical_extension() {
        return Err(ChainError::UnknownExtension { subject: name(), oid });
    }
    // Revoked is revoked, however old the list.
    if let Some(revoked) = crl.lookup(certificate.serial()) {
        return Err(ChainError::Revoked {
            subject: subject(certificate),
            at: revoked.at,
            reason: revoked.reason,
        });
    }
    match crl.next_update() {
        Some(next) if at > next => Err(ChainError::CrlStale { issuer: name(), since: next }),
        _ => Ok(()),
    }
}
