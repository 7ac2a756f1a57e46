use ycd_pki::unlock::CHALLENGE_LEN;

use super::TokenSet;
use crate::{
    Answer, OneTime, Opened, Pin, PortalKey, Result, SoLogin, TokenId, UnlockCapabilities, Unlocker,
};

impl Unlocker for TokenSet {
    fn unlock_capabilities(&mut self, token: &TokenId) -> Result<UnlockCapabilities> {
        self.host_of(token)?.unlock_capabilities(token)
    }

    fn unlock_begin(&mut self, token: &TokenId, portal: &PortalKey) -> Result<OneTime> {
        self.host_of(token)?.unlock_begin(token, portal)
    }

    fn unlock_challenge(&mut self, token: &TokenId) -> Result<[u8; CHALLENGE_LEN]> {
        self.host_of(token)?.unlock_challenge(token)
    }

    fn unlock_open(&mut self, token: &TokenId, answer: &Answer) -> Result<Opened> {
        self.host_of(token)?.unlock_open(token, answer)
    }

    fn unlock_opened(&mut self, token: &TokenId) -> Result<Option<Opened>> {
        self.host_of(token)?.unlock_opened(token)
    }

    fn unlock_nonce(&mut self, token: &TokenId) -> Result<[u8; 32]> {
        self.host_of(token)?.unlock_nonce(token)
    }

    fn so_login(&mut self, token: &TokenId, which: &SoLogin, liveness: Option<&[u8]>) -> Result<()> {
        self.host_of(token)?.so_login(token, which, liveness)
    }

    fn init_pin(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.host_of(token)?.init_pin(token, new)
    }

    fn rotate_so_pin(&mut self, token: &TokenId) -> Result<()> {
        self.host_of(token)?.rotate_so_pin(token)
    }

    fn install_unblock_key(&mut self, token: &TokenId) -> Result<()> {
        self.host_of(token)?.install_unblock_key(token)
    }

    fn unblock(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.host_of(token)?.unblock(token, new)
    }

    fn unlock_end(&mut self, token: &TokenId) -> Result<()> {
        self.host_of(token)?.unlock_end(token)
    }
}
