//! The certificate authority behind the portal: root, issuing CA, revocation lists.
//!
//! The portal decides what a certificate says and stores it; an authority signs it. [`CertificateAuthority`] is
//! asynchronous and may fail, because real ones are elsewhere; the embedded one keeps its keys in a sealed file.

mod embedded;
mod list;

use std::{
    future::Future,
    path::Path,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use time::OffsetDateTime;
use ycd_pki::{
    Certificate, PkiError, PublicKey,
    cert::{self, CertificateParams, Profile, SubjectId},
    crl::{CrlParams, Revoked},
};
use ycd_portal_api::{problem::kinds, wire::Bytes};

use crate::{
    Error,
    certificates::ValidityPeriod,
    config::Config,
    db::{Conn, Db, millis},
    secrets::Secrets,
};

pub use embedded::Embedded;

/// Why a serial number is on the list when an attempt that held it was given up.
pub const GIVEN_UP: &str = "更新中止,证书未启用";

/// What an authority's answer takes its time for.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, AuthorityError>> + Send + 'a>>;

/// Who signs certificates and revocation lists.
pub trait CertificateAuthority: Send + Sync + 'static {
    /// Issuing CA first, root last.
    fn chain(&self) -> &[Certificate];

    /// Signs a TBSCertificate of the issuing CA and answers with the certificate, DER. May be asked twice for the
    /// same bytes, when the portal stopped before it noted the first answer.
    fn sign<'a>(&'a self, tbs: &'a [u8]) -> Pending<'a, Vec<u8>>;

    /// Takes note of a revocation; for one that keeps records of its own. May be told twice.
    fn revoke<'a>(&'a self, revoked: &'a Revoked) -> Pending<'a, ()>;

    /// Makes the revocation list of one of its CAs, DER.
    fn list<'a>(&'a self, issuer: Issuer, params: &'a CrlParams) -> Pending<'a, Vec<u8>>;
}

/// Which of the two CAs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Issuer {
    Root,
    Issuing,
}

impl Issuer {
    /// As in the table and in the address of its list.
    pub fn name(self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Issuing => "issuing",
        }
    }
}

/// Why an authority did not do its part.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    /// The same may succeed later.
    #[error("the authority does not answer: {0}")]
    Unavailable(String),
    /// It will not.
    #[error("the authority refuses: {0}")]
    Refused(String),
}

impl From<AuthorityError> for Error {
    fn from(error: AuthorityError) -> Self {
        match error {
            AuthorityError::Unavailable(reason) => {
                tracing::warn!(%reason, "the authority does not answer");
                kinds::AUTHORITY_UNAVAILABLE.into()
            }
            AuthorityError::Refused(reason) => Self::Authority(reason),
        }
    }
}

/// The authority of an open portal.
pub struct Authority {
    backend: RwLock<Arc<dyn CertificateAuthority>>,
    public_url: String,
    /// One list at a time, or two would take one number.
    publishing: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// What is decided about a new certificate, its serial number and issuer aside.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// DER of the distinguished name.
    pub subject: Vec<u8>,
    pub public_key: PublicKey,
    pub validity: ValidityPeriod,
    pub subject_ids: Vec<SubjectId>,
}

/// A certificate that is decided and not yet signed.
#[derive(Debug, Clone)]
pub struct Reserved {
    /// Upper-case hexadecimal.
    pub serial: String,
    /// DER of the TBSCertificate.
    pub tbs: Vec<u8>,
}

impl Authority {
    /// Takes another authority in place of the embedded one, from the next request on.
    pub fn connect(&self, backend: Arc<dyn CertificateAuthority>) {
        *self.backend.write().unwrap_or_else(PoisonError::into_inner) = backend;
    }

    /// DER, issuing CA first, without the root: what goes onto keys beside a certificate.
    pub fn chain(&self) -> Vec<Bytes> {
        let backend = self.backend();
        let chain = backend.chain();
        chain[..chain.len().saturating_sub(1)].iter().map(|ca| Bytes(ca.der().to_vec())).collect()
    }

    /// Decides a signature certificate: gives it a serial number of its own and writes down what is to be signed.
    pub fn reserve(&self, wanted: Wanted) -> Result<Reserved, Error> {
        let backend = self.backend();
        let issuing = issuing(backend.chain())?;
        let serial = cert::new_serial().map_err(pki)?;
        let tbs = cert::tbs(&CertificateParams {
            profile: Profile::Signature,
            serial: serial.clone(),
            issuer: issuing.subject_der().to_vec(),
            subject: wanted.subject,
            public_key: wanted.public_key,
            not_before: wanted.validity.not_before,
            // No certificate outlives its CA.
            not_after: wanted.validity.not_after.min(issuing.not_after()),
            authority_key_id: issuing.subject_key_id().unwrap_or_default(),
            crl_uri: Some(crl_uri(&self.public_url, Issuer::Issuing)),
            subject_ids: wanted.subject_ids,
        })
        .map_err(pki)?;
        Ok(Reserved { serial: hex::encode_upper(serial), tbs })
    }

    /// Has a reserved certificate signed, and checks that the answer is that certificate.
    pub async fn sign(&self, tbs: &[u8]) -> Result<Certificate, Error> {
        let backend = self.backend();
        let der = backend.sign(tbs).await?;
        let certificate = Certificate::from_der(&der).map_err(pki)?;
        if certificate.tbs_der() != tbs {
            return Err(Error::Authority("it has signed something else".into()));
        }
        let key = issuing(backend.chain())?.public_key().map_err(pki)?;
        certificate.verify(&key).map_err(pki)?;
        Ok(certificate)
    }

    pub(crate) fn backend(&self) -> Arc<dyn CertificateAuthority> {
        Arc::clone(&self.backend.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes root and issuing CA for a new portal. Called once, by [`crate::init()`].
pub async fn init(
    folder: &Path,
    secrets: &Secrets,
    _: &Db,
    config: &Config,
    now: OffsetDateTime,
) -> Result<(), Error> {
    embedded::create(folder, secrets.derive("authority"), config, now).await
}

/// Opens what [`init`] has made.
pub async fn open(folder: &Path, secrets: &Secrets, _: &Db, config: &Config) -> Result<Authority, Error> {
    let embedded = Embedded::open(folder, secrets.derive("authority")).await?;
    Ok(Authority {
        backend: RwLock::new(Arc::new(embedded)),
        public_url: config.public_url.trim_end_matches('/').to_owned(),
        publishing: tokio::sync::Mutex::default(),
    })
}

/// Puts a serial number on the list of the revoked, in the caller's transaction. The first revocation stands; a
/// further one changes nothing.
pub async fn revoke(db: &mut Conn, serial: &str, reason: &str, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query(
        "INSERT INTO revocations (serial, reason, at) VALUES ($1, $2, $3) ON CONFLICT (serial) DO NOTHING",
    )
    .bind(serial)
    .bind(reason)
    .bind(millis(now))
    .execute(db)
    .await?;
    Ok(())
}

fn issuing(chain: &[Certificate]) -> Result<&Certificate, Error> {
    chain.first().ok_or_else(|| Error::Authority("it has no issuing CA".into()))
}

fn crl_uri(public_url: &str, issuer: Issuer) -> String {
    format!("{public_url}/api/v1/crl/{}.crl", issuer.name())
}

pub(crate) fn pki(error: PkiError) -> Error {
    Error::Authority(error.to_string())
}
