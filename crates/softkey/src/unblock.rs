//! The unblock key K_S in a key's state: what a card needs to set a new user PIN for whoever answers its challenge.
//!
//! Setting a PIN takes the storage key, and that lies wrapped under the PINs only, of which this method knows none. So
//! when an unblock key is installed (the SO PIN has been verified then, so the storage key is at hand), the storage key
//! is wrapped once more, under a key made from K_S; and K_S itself is kept for the card alone.
//!
//! A real card keeps K_S in memory that nobody reads. Here that memory is `DIR/<serial>.device`, 32 random bytes made
//! with the first unblock key, under which K_S is sealed in the state. What that protects: a copy of the state's
//! file (a backup, one sent to a helpline) tells nothing and opens nothing. What it cannot: who can read both
//! files has K_S, and with it the storage key, without a PIN. No software can do better without a secret from
//! outside.

use serde::{Deserialize, Serialize};
use sm3::{Digest, Sm3};
use ycd_pki::unlock::UnblockKey;
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::store::seal::StorageKey;

/// An installed unblock key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct UnblockSlot {
    /// Of the master key that K_S was derived from.
    pub version: u32,
    /// K_S under the device's secret.
    #[serde(with = "hex::serde")]
    sealed_key: Vec<u8>,
    /// The storage key under a key made from K_S.
    #[serde(with = "hex::serde")]
    storage_key: Vec<u8>,
}

impl UnblockSlot {
    /// `context` binds both to their token and its initialization.
    pub fn new(
        version: u32,
        key: &UnblockKey,
        device: &[u8; 32],
        context: &[u8],
        storage_key: &StorageKey,
    ) -> Result<Self> {
        let sealed_key = StorageKey::from_bytes(*device).seal(context, key.expose())?;
        let storage_key = wrapping_key(key).seal(context, storage_key.expose())?;
        Ok(Self { version, sealed_key, storage_key })
    }

    pub fn key(&self, device: &[u8; 32], context: &[u8]) -> Result<UnblockKey> {
        let bytes = StorageKey::from_bytes(*device).open(context, &self.sealed_key)?;
        Ok(UnblockKey::from_bytes(*as_key(&bytes)?))
    }

    pub fn storage_key(&self, key: &UnblockKey, context: &[u8]) -> Result<StorageKey> {
        let bytes = wrapping_key(key).open(context, &self.storage_key)?;
        Ok(StorageKey::from_bytes(*as_key(&bytes)?))
    }
}

/// SM3 over a name of fixed length and K_S: one key for one use.
fn wrapping_key(key: &UnblockKey) -> StorageKey {
    let hash = Sm3::new().chain_update(b"ycd-softkey-storage-v1").chain_update(key.expose()).finalize();
    StorageKey::from_bytes(hash.into())
}

fn as_key(bytes: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    bytes.try_into().map(Zeroizing::new).map_err(|_| Error::Crypto("a sealed key is not 32 bytes long"))
}
