//! Unlocking a PIN with the secrets of a release (`docs/unlock.md`).

use ycd_pki::unlock::CHALLENGE_LEN;
use ycd_token::{
    Answer, KeyId, OneTime, Opened, Pin, PortalKey, Result, SoLogin, TokenError, UnlockWays, Unlocker,
};

use super::Module;

fn not_here() -> TokenError {
    TokenError::Unsupported { what: "unlocking".into() }
}

impl Unlocker for Module {
    fn unlock_ways(&mut self, _: &KeyId) -> Result<UnlockWays> {
        Err(not_here())
    }

    fn unlock_begin(&mut self, _: &KeyId, _: &PortalKey) -> Result<OneTime> {
        Err(not_here())
    }

    fn unlock_challenge(&mut self, _: &KeyId) -> Result<[u8; CHALLENGE_LEN]> {
        Err(not_here())
    }

    fn unlock_open(&mut self, _: &KeyId, _: &Answer) -> Result<Opened> {
        Err(not_here())
    }

    fn unlock_opened(&mut self, _: &KeyId) -> Result<Option<Opened>> {
        Err(not_here())
    }

    fn unlock_nonce(&mut self, _: &KeyId) -> Result<[u8; 32]> {
        Err(not_here())
    }

    fn so_login(&mut self, _: &KeyId, _: &SoLogin, _: Option<&[u8]>) -> Result<()> {
        Err(not_here())
    }

    fn init_pin(&mut self, _: &KeyId, _: &Pin) -> Result<()> {
        Err(not_here())
    }

    fn rotate_so_pin(&mut self, _: &KeyId) -> Result<()> {
        Err(not_here())
    }

    fn install_unblock_key(&mut self, _: &KeyId) -> Result<()> {
        Err(not_here())
    }

    fn unblock(&mut self, _: &KeyId, _: &Pin) -> Result<()> {
        Err(not_here())
    }

    fn unlock_end(&mut self, _: &KeyId) -> Result<()> {
        Err(not_here())
    }
}
