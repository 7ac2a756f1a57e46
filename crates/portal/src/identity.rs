//! The portal's own keys: what it signs releases with, what requests for them are sealed to, and the masters of the
//! keys' unblock keys.
//!
//! They lie in the database, sealed under the portal's secret. A portal made before there were any gets them when it is
//! opened.

use std::collections::BTreeMap;

use sqlx::Row as _;
use ycd_pki::{KeyPair, PkiError, Signer as _, unlock::UnblockKey};
use zeroize::Zeroizing;

use crate::{
    Error,
    db::{Conn, Db},
    secrets::{Secrets, random},
};

const SIGNING: &str = "signing key";
const SEALING: &str = "sealing key";
const MASTER: &str = "unblock master";

pub struct Identity {
    signing: KeyPair,
    sealing: KeyPair,
    masters: BTreeMap<u32, Zeroizing<[u8; 32]>>,
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Identity")
    }
}

impl Identity {
    /// Reads the portal's keys; makes those that are missing.
    pub async fn open(secrets: &Secrets, db: &Db) -> Result<Self, Error> {
        let mut tx = db.write().await?;
        let signing = pair(secrets, &mut tx, SIGNING).await?;
        let sealing = pair(secrets, &mut tx, SEALING).await?;
        let mut masters = BTreeMap::new();
        for (version, sealed) in stored(&mut tx, MASTER).await? {
            masters.insert(version, unseal(secrets, MASTER, version, &sealed)?);
        }
        if masters.is_empty() {
            let master = Zeroizing::new(random::<32>()?);
            store(secrets, &mut tx, MASTER, &master).await?;
            masters.insert(1, master);
        }
        tx.commit().await?;
        Ok(Self { signing, sealing, masters })
    }

    /// DER of `SEQUENCE { r, s }`, SM3withSM2.
    pub fn sign(&self, text: &[u8]) -> Result<Vec<u8>, Error> {
        let signature = self.signing.sign(text).map_err(|error| Error::Stored(error.to_string()))?;
        Ok(signature.to_der())
    }

    /// What requests are sealed to.
    pub fn sealing(&self) -> &KeyPair {
        &self.sealing
    }

    pub fn signing_public(&self) -> ycd_pki::PublicKey {
        self.signing.public_key()
    }

    /// Version of the master that new keys get their unblock key from.
    pub fn newest_master(&self) -> u32 {
        self.masters.keys().next_back().copied().unwrap_or_default()
    }

    /// The unblock key of one key token, from the master of a version.
    pub fn unblock_key(&self, version: u32, token_id: &str) -> Result<UnblockKey, Error> {
        let master = self.masters.get(&version);
        let master = master.ok_or_else(|| Error::Stored(format!("no unblock master {version}")))?;
        Ok(UnblockKey::derive(master, version, token_id))
    }
}

async fn pair(secrets: &Secrets, db: &mut Conn, name: &str) -> Result<KeyPair, Error> {
    let pki = |error: PkiError| Error::Stored(error.to_string());
    match stored(db, name).await?.pop() {
        Some((version, sealed)) => {
            KeyPair::from_secret(&*unseal(secrets, name, version, &sealed)?).map_err(pki)
        }
        None => {
            let pair = KeyPair::generate().map_err(pki)?;
            store(secrets, db, name, &pair.secret()).await?;
            Ok(pair)
        }
    }
}

/// Versions and what is sealed, oldest first.
async fn stored(db: &mut Conn, name: &str) -> Result<Vec<(u32, Vec<u8>)>, Error> {
    let rows = sqlx::query("SELECT version, sealed FROM portal_secrets WHERE name = $1 ORDER BY version")
        .bind(name)
        .fetch_all(db)
        .await?;
    rows.iter().map(|row| Ok((row.try_get("version")?, row.try_get("sealed")?))).collect()
}

/// The first version.
async fn store(secrets: &Secrets, db: &mut Conn, name: &str, secret: &[u8; 32]) -> Result<(), Error> {
    sqlx::query("INSERT INTO portal_secrets (name, version, sealed) VALUES ($1, 1, $2)")
        .bind(name)
        .bind(secrets.seal(&bound_to(name, 1), secret)?)
        .execute(db)
        .await?;
    Ok(())
}

fn unseal(secrets: &Secrets, name: &str, version: u32, sealed: &[u8]) -> Result<Zeroizing<[u8; 32]>, Error> {
    let plain = Zeroizing::new(secrets.unseal(&bound_to(name, version), sealed)?);
    let mut secret = Zeroizing::new([0; 32]);
    if plain.len() != secret.len() {
        return Err(Error::Sealed);
    }
    secret.copy_from_slice(&plain);
    Ok(secret)
}

fn bound_to(name: &str, version: u32) -> String {
    format!("portal {name} {version}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_portal_keeps_its_keys_and_they_open_under_its_secret_alone() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("db")).await.unwrap();
        let secrets = Secrets::create(&folder.path().join("secret")).unwrap();
        let made = Identity::open(&secrets, &db).await.unwrap();
        let again = Identity::open(&secrets, &db).await.unwrap();
        assert_eq!(made.signing_public(), again.signing_public());
        assert_eq!(made.sealing().public_key(), again.sealing().public_key());
        assert_ne!(made.signing_public(), made.sealing().public_key());
        assert_eq!(made.unblock_key(1, "k").unwrap(), again.unblock_key(1, "k").unwrap());
        assert!(made.unblock_key(2, "k").is_err());
        let other = Secrets::create(&folder.path().join("other")).unwrap();
        assert!(matches!(Identity::open(&other, &db).await, Err(Error::Sealed)));
    }

    #[tokio::test]
    async fn what_is_sealed_as_one_thing_does_not_pass_for_another() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open(&folder.path().join("db")).await.unwrap();
        let secrets = Secrets::create(&folder.path().join("secret")).unwrap();
        Identity::open(&secrets, &db).await.unwrap();
        let mut tx = db.write().await.unwrap();
        sqlx::query(
            "UPDATE portal_secrets SET sealed = (SELECT sealed FROM portal_secrets WHERE name = 'signing key')
             WHERE name = 'sealing key'",
        )
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
        assert!(matches!(Identity::open(&secrets, &db).await, Err(Error::Sealed)));
    }
}
