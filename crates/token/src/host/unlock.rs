use ycd_pki::unlock::CHALLENGE_LEN;

use super::{ModuleHost, array, unexpected};
use crate::wire::{Call, Reply, UnlockCall};
use crate::{
    Answer, KeyId, OneTime, Opened, Pin, PortalKey, Result, SoLogin, TokenError, UnlockWays, Unlocker,
};

impl ModuleHost {
    fn unlock(&mut self, key: &KeyId, call: UnlockCall) -> Result<Reply> {
        self.call(Call::Unlock(key.clone(), call))
    }

    /// Calls that work on what an earlier call has left in the host: one that was started anew has nothing.
    fn go_on(&mut self, key: &KeyId, call: UnlockCall) -> Result<Reply> {
        if self.link.is_none() { Err(TokenError::ReleaseGone) } else { self.unlock(key, call) }
    }
}

impl Unlocker for ModuleHost {
    fn unlock_ways(&mut self, key: &KeyId) -> Result<UnlockWays> {
        match self.call_again(|| Call::Unlock(key.clone(), UnlockCall::Ways))? {
            Reply::UnlockWays(ways) => Ok(ways),
            _ => Err(unexpected()),
        }
    }

    fn unlock_begin(&mut self, key: &KeyId, portal: &PortalKey) -> Result<OneTime> {
        match self.unlock(key, UnlockCall::Begin(portal.clone()))? {
            Reply::OneTime(one_time) => Ok(one_time),
            _ => Err(unexpected()),
        }
    }

    fn unlock_challenge(&mut self, key: &KeyId) -> Result<[u8; CHALLENGE_LEN]> {
        array(self.go_on(key, UnlockCall::Challenge)?)
    }

    fn unlock_open(&mut self, key: &KeyId, answer: &Answer) -> Result<Opened> {
        match self.go_on(key, UnlockCall::Open(answer.clone()))? {
            Reply::Release(Some(opened)) => Ok(opened),
            _ => Err(unexpected()),
        }
    }

    fn unlock_opened(&mut self, key: &KeyId) -> Result<Option<Opened>> {
        match self.go_on(key, UnlockCall::Opened) {
            Ok(Reply::Release(opened)) => Ok(opened),
            Ok(_) => Err(unexpected()),
            Err(TokenError::ReleaseGone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn unlock_nonce(&mut self, key: &KeyId) -> Result<[u8; 32]> {
        array(self.go_on(key, UnlockCall::Nonce)?)
    }

    fn so_login(&mut self, key: &KeyId, which: &SoLogin, alive: Option<&[u8]>) -> Result<()> {
        self.go_on(key, UnlockCall::SoLogin(which.clone(), alive.map(<[u8]>::to_vec))).map(drop)
    }

    fn init_pin(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.go_on(key, UnlockCall::InitPin(new.clone())).map(drop)
    }

    fn rotate_so_pin(&mut self, key: &KeyId) -> Result<()> {
        self.go_on(key, UnlockCall::RotateSoPin).map(drop)
    }

    fn install_unblock_key(&mut self, key: &KeyId) -> Result<()> {
        self.go_on(key, UnlockCall::InstallUnblockKey).map(drop)
    }

    fn unblock(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.go_on(key, UnlockCall::Unblock(new.clone())).map(drop)
    }

    fn unlock_end(&mut self, key: &KeyId) -> Result<()> {
        match self.go_on(key, UnlockCall::End) {
            Ok(_) | Err(TokenError::ReleaseGone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
