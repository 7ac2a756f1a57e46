//! The secret of one token, and what is made from it for one command.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sm3::Sm3;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// N.
pub const CHALLENGE_LEN: usize = 16;

/// K_S: the secret of one token. `K_S = HMAC-SM3(master_v, v as u32 ‖ token_id)`.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct UnblockKey([u8; 32]);

impl UnblockKey {
    /// From the portal's master key of this version.
    pub fn derive(master: &[u8; 32], version: u32, token_id: &str) -> Self {
        Self(hmac(master, &[&version.to_be_bytes(), token_id.as_bytes()]))
    }

    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// For the one command that puts it on its token, and for the token itself.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// `K = HMAC-SM3(K_S, "sess" ‖ N ‖ SM3(CTX))`: made by the portal and by the token.
    pub fn session_key(&self, challenge: &[u8; CHALLENGE_LEN], context_hash: &[u8; 32]) -> SessionKey {
        SessionKey(hmac(&self.0, &[b"sess", challenge, context_hash]))
    }
}

impl std::fmt::Debug for UnblockKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UnblockKey")
    }
}

/// Of an unlock by challenge and response: K, good for one command to one token. 32 bytes.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct SessionKey(pub(super) [u8; 32]);

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionKey")
    }
}

pub fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
    let mut mac = Hmac::<Sm3>::new_from_slice(key).expect("any length");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
