//! The embedded authority: root and issuing CA in a folder, their private keys in one sealed file.

use std::path::{Path, PathBuf};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    ChaCha20Poly1305, KeyInit as _,
    aead::{Aead as _, Payload},
};
use serde::{Deserialize, Serialize};
use time::{Duration, OffsetDateTime};
use ycd_pki::{
    Certificate, KeyPair, Signer as _,
    cert::{self, CertificateParams, Profile},
    crl::{self, CrlParams, Revoked},
    name::{Attribute, Name},
};
use zeroize::Zeroizing;

use super::{AuthorityError, CertificateAuthority, Issuer, Pending, crl_uri, pki};
use crate::{
    Error,
    config::Config,
    secrets::{create_private_folder, random, write_private},
};

const FOLDER: &str = "authority";
const KEYS: &str = "keys.sealed";
const ROOT: &str = "root.pem";
const ISSUING: &str = "issuing.pem";

const ROOT_DAYS: i64 = 30 * 365;
const ISSUING_DAYS: i64 = 20 * 365;

/// Bound into the seal, so that no other sealed file passes for this one.
const PURPOSE: &[u8] = b"ycd-authority-keys-v1";

/// Root and issuing CA in this process.
pub struct Embedded {
    root: KeyPair,
    issuing: KeyPair,
    /// Issuing CA, root.
    chain: [Certificate; 2],
}

impl std::fmt::Debug for Embedded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Embedded").field("chain", &self.chain).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the folder with the passphrase it was made with. Takes tens of milliseconds, for the passphrase.
    ///
    /// # Errors
    /// [`Error::NotInitialized`] without the file, [`Error::Sealed`] with another passphrase or an altered file.
    pub async fn open(folder: &Path, passphrase: Zeroizing<[u8; 32]>) -> Result<Self, Error> {
        let folder = folder.join(FOLDER);
        blocking(move || Self::read(&folder, &passphrase)).await
    }

    fn read(folder: &Path, passphrase: &[u8; 32]) -> Result<Self, Error> {
        let sealed = match std::fs::read(folder.join(KEYS)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(Error::NotInitialized),
            other => other?,
        };
        let (root, issuing) = Sealed::unseal(&sealed, passphrase)?;
        let certificate = |name| -> Result<Certificate, Error> {
            Certificate::from_pem(&std::fs::read_to_string(folder.join(name))?).map_err(pki)
        };
        let chain = [certificate(ISSUING)?, certificate(ROOT)?];
        let fits = |certificate: &Certificate, key: &KeyPair| {
            certificate.public_key().is_ok_and(|public| public == key.public_key())
        };
        if !fits(&chain[0], &issuing) || !fits(&chain[1], &root) {
            return Err(Error::Stored("the authority's certificates are not those of its keys".into()));
        }
        Ok(Self { root, issuing, chain })
    }
}

impl CertificateAuthority for Embedded {
    fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    fn sign<'a>(&'a self, tbs: &'a [u8]) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            let signature = self.issuing.sign(tbs).map_err(refused)?;
            cert::assemble(tbs, &signature).map_err(refused)
        })
    }

    /// Keeps no records: the lists it is given are the portal's.
    fn revoke<'a>(&'a self, _: &'a Revoked) -> Pending<'a, ()> {
        Box::pin(async { Ok(()) })
    }

    fn list<'a>(&'a self, issuer: Issuer, params: &'a CrlParams) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            let key = match issuer {
                Issuer::Root => &self.root,
                Issuer::Issuing => &self.issuing,
            };
            crl::build(params, key).map_err(refused)
        })
    }
}

/// Makes both CAs and writes their files; the keys last, so that a portal with a key file has all of it.
pub(super) async fn create(
    folder: &Path,
    passphrase: Zeroizing<[u8; 32]>,
    config: &Config,
    now: OffsetDateTime,
) -> Result<(), Error> {
    let folder = folder.join(FOLDER);
    let (project, public_url) = (config.project.name.clone(), config.public_url.clone());
    blocking(move || {
        let (root, issuing) = (KeyPair::generate().map_err(pki)?, KeyPair::generate().map_err(pki)?);
        let name = |role: &str| {
            Name::china()
                .with(Attribute::Organization, &project)
                .with(Attribute::CommonName, &format!("{project}{role}"))
                .to_der()
                .map_err(pki)
        };
        let (root_name, issuing_name) = (name("SM2根CA")?, name("SM2签发CA")?);
        let now = now.replace_nanosecond(0).unwrap_or(now);
        let params = |profile, subject: &[u8], key: &KeyPair, days| -> Result<CertificateParams, Error> {
            Ok(CertificateParams {
                profile,
                serial: cert::new_serial().map_err(pki)?,
                issuer: root_name.clone(),
                subject: subject.to_vec(),
                public_key: key.public_key(),
                not_before: now,
                not_after: now + Duration::days(days),
                authority_key_id: cert::key_identifier(&root.public_key()),
                crl_uri: (profile != Profile::Root)
                    .then(|| crl_uri(public_url.trim_end_matches('/'), Issuer::Root)),
                subject_ids: Vec::new(),
            })
        };
        let issued = |params| -> Result<String, Error> {
            let der = cert::issue(&params, &root).map_err(pki)?;
            Certificate::from_der(&der).and_then(|certificate| certificate.to_pem()).map_err(pki)
        };
        create_private_folder(&folder)?;
        let root_pem = issued(params(Profile::Root, &root_name, &root, ROOT_DAYS)?)?;
        let issuing_pem = issued(params(Profile::Issuing, &issuing_name, &issuing, ISSUING_DAYS)?)?;
        write_whole(&folder.join(ROOT), root_pem.as_bytes())?;
        write_whole(&folder.join(ISSUING), issuing_pem.as_bytes())?;
        write_whole(&folder.join(KEYS), &Sealed::seal(&root, &issuing, &passphrase)?)
    })
    .await
}

/// The key file: JSON; the two private keys under a key from the passphrase (Argon2id), ChaCha20-Poly1305.
#[derive(Serialize, Deserialize)]
struct Sealed {
    /// KiB, passes, lanes.
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: String,
    nonce: String,
    keys: String,
}

impl Sealed {
    fn seal(root: &KeyPair, issuing: &KeyPair, passphrase: &[u8; 32]) -> Result<Vec<u8>, Error> {
        let (salt, nonce) = (random::<16>()?, random::<12>()?);
        let params = Params::DEFAULT;
        let mut plain = Zeroizing::new([0; 64]);
        plain[..32].copy_from_slice(&*root.secret());
        plain[32..].copy_from_slice(&*issuing.secret());
        let keys = cipher(passphrase, &salt, params.clone())?
            .encrypt(&nonce.into(), Payload { msg: plain.as_slice(), aad: PURPOSE })
            .map_err(|_| Error::Sealed)?;
        Ok(serde_json::to_vec(&Self {
            memory: params.m_cost(),
            passes: params.t_cost(),
            lanes: params.p_cost(),
            salt: hex::encode(salt),
            nonce: hex::encode(nonce),
            keys: hex::encode(keys),
        })?)
    }

    fn unseal(file: &[u8], passphrase: &[u8; 32]) -> Result<(KeyPair, KeyPair), Error> {
        let sealed: Self = serde_json::from_slice(file)?;
        let bytes = |text: &str| hex::decode(text).map_err(|_| Error::Sealed);
        // More than this no one has asked for; an altered file must not take the machine's memory.
        if sealed.memory > 1024 * 1024 || sealed.passes > 64 || sealed.lanes > 16 {
            return Err(Error::Sealed);
        }
        let params =
            Params::new(sealed.memory, sealed.passes, sealed.lanes, None).map_err(|_| Error::Sealed)?;
        let nonce: [u8; 12] = bytes(&sealed.nonce)?.try_into().map_err(|_| Error::Sealed)?;
        let plain = cipher(passphrase, &bytes(&sealed.salt)?, params)?
            .decrypt(&nonce.into(), Payload { msg: &bytes(&sealed.keys)?, aad: PURPOSE })
            .map_err(|_| Error::Sealed)?;
        let plain = Zeroizing::new(plain);
        let key = |at: usize| -> Result<KeyPair, Error> {
            let secret = plain.get(at..at + 32).ok_or(Error::Sealed)?;
            let mut array = Zeroizing::new([0; 32]);
            array.copy_from_slice(secret);
            KeyPair::from_secret(&array).map_err(pki)
        };
        Ok((key(0)?, key(32)?))
    }
}

fn cipher(passphrase: &[u8; 32], salt: &[u8], params: Params) -> Result<ChaCha20Poly1305, Error> {
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase, salt, key.as_mut_slice())
        .map_err(|_| Error::Sealed)?;
    Ok(ChaCha20Poly1305::new((&*key).into()))
}

/// The file is there whole or not at all.
fn write_whole(path: &Path, content: &[u8]) -> Result<(), Error> {
    let mut temporary = PathBuf::from(path).into_os_string();
    temporary.push(".new");
    let temporary = PathBuf::from(temporary);
    match std::fs::remove_file(&temporary) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    write_private(&temporary, content)?;
    std::fs::rename(&temporary, path)?;
    // A rename is on disk once its folder is; Windows has no such call and needs none.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        std::fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Authority(error.to_string()))?
}

fn refused(error: impl std::fmt::Display) -> AuthorityError {
    AuthorityError::Refused(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with_authority() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        runtime().block_on(async {
            let now = OffsetDateTime::UNIX_EPOCH + Duration::days(20_000);
            create(folder.path(), Zeroizing::new([7; 32]), &Config::default(), now).await.unwrap();
        });
        folder
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().unwrap()
    }

    fn open(folder: &Path, passphrase: u8) -> Result<Embedded, Error> {
        runtime().block_on(Embedded::open(folder, Zeroizing::new([passphrase; 32])))
    }

    #[test]
    fn the_keys_come_back_with_their_passphrase_and_with_no_other() {
        let folder = folder_with_authority();
        let authority = open(folder.path(), 7).unwrap();
        let root = authority.chain()[1].public_key().unwrap();
        authority.chain()[0].verify(&root).unwrap();
        assert_eq!(authority.chain()[0].path_length(), Some(0));
        assert!(matches!(open(folder.path(), 8), Err(Error::Sealed)));
    }

    #[test]
    fn an_altered_or_missing_token_file_is_refused() {
        let folder = folder_with_authority();
        let path = folder.path().join(FOLDER).join(KEYS);
        let mut sealed: Sealed = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let last = if sealed.keys.ends_with('0') { "1" } else { "0" };
        sealed.keys.replace_range(sealed.keys.len() - 1.., last);
        std::fs::write(&path, serde_json::to_vec(&sealed).unwrap()).unwrap();
        assert!(matches!(open(folder.path(), 7), Err(Error::Sealed)));
        sealed.memory = u32::MAX;
        std::fs::write(&path, serde_json::to_vec(&sealed).unwrap()).unwrap();
        assert!(matches!(open(folder.path(), 7), Err(Error::Sealed)));
        std::fs::remove_file(&path).unwrap();
        assert!(matches!(open(folder.path(), 7), Err(Error::NotInitialized)));
    }

    #[test]
    fn no_private_key_lies_open_in_the_folder() {
        let folder = folder_with_authority();
        let authority = open(folder.path(), 7).unwrap();
        let secrets = [authority.root.secret(), authority.issuing.secret()];
        for entry in std::fs::read_dir(folder.path().join(FOLDER)).unwrap() {
            let content = std::fs::read(entry.unwrap().path()).unwrap();
            for secret in &secrets {
                let hex = hex::encode(secret.as_slice());
                assert!(!content.windows(32).any(|window| window == secret.as_slice()));
                assert!(!String::from_utf8_lossy(&content).contains(&hex));
            }
        }
    }
}
