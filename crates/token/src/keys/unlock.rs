use ycd_pki::unlock::CHALLENGE_LEN;

use super::Keys;
use crate::{Answer, KeyId, OneTime, Opened, Pin, PortalKey, Result, SoLogin, UnlockWays, Unlocker};

impl Unlocker for Keys {
    fn unlock_ways(&mut self, key: &KeyId) -> Result<UnlockWays> {
        self.host_of(key)?.unlock_ways(key)
    }

    fn unlock_begin(&mut self, key: &KeyId, portal: &PortalKey) -> Result<OneTime> {
        self.host_of(key)?.unlock_begin(key, portal)
    }

    fn unlock_challenge(&mut self, key: &KeyId) -> Result<[u8; CHALLENGE_LEN]> {
        self.host_of(key)?.unlock_challenge(key)
    }

    fn unlock_open(&mut self, key: &KeyId, answer: &Answer) -> Result<Opened> {
        self.host_of(key)?.unlock_open(key, answer)
    }

    fn unlock_opened(&mut self, key: &KeyId) -> Result<Option<Opened>> {
        self.host_of(key)?.unlock_opened(key)
    }

    fn unlock_nonce(&mut self, key: &KeyId) -> Result<[u8; 32]> {
        self.host_of(key)?.unlock_nonce(key)
    }

    fn so_login(&mut self, key: &KeyId, which: &SoLogin, alive: Option<&[u8]>) -> Result<()> {
        self.host_of(key)?.so_login(key, which, alive)
    }

    fn init_pin(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.host_of(key)?.init_pin(key, new)
    }

    fn rotate_so_pin(&mut self, key: &KeyId) -> Result<()> {
        self.host_of(key)?.rotate_so_pin(key)
    }

    fn install_unblock_key(&mut self, key: &KeyId) -> Result<()> {
        self.host_of(key)?.install_unblock_key(key)
    }

    fn unblock(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.host_of(key)?.unblock(key, new)
    }

    fn unlock_end(&mut self, key: &KeyId) -> Result<()> {
        self.host_of(key)?.unlock_end(key)
    }
}
