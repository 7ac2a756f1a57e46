use ycd_pki::unlock::CHALLENGE_LEN;

use super::{ModuleHost, array, unexpected};
use crate::wire::{Call, Reply, UnlockCall};
use crate::{
    Answer, OneTime, Opened, Pin, PortalKey, Result, SoLogin, TokenError, TokenId, UnlockCapabilities,
    Unlocker,
};

impl ModuleHost {
    fn unlock(&mut self, token: &TokenId, call: UnlockCall) -> Result<Reply> {
        self.call(Call::Unlock(token.clone(), call))
    }

    /// Calls that work on what an earlier call has left in the host: one that was started anew has nothing.
    fn go_on(&mut self, token: &TokenId, call: UnlockCall) -> Result<Reply> {
        if self.link.is_none() { Err(TokenError::ReleaseGone) } else { self.unlock(token, call) }
    }
}

impl Unlocker for ModuleHost {
    fn unlock_capabilities(&mut self, token: &TokenId) -> Result<UnlockCapabilities> {
        match self.call_again(|| Call::Unlock(token.clone(), UnlockCall::Capabilities))? {
            Reply::UnlockCapabilities(capabilities) => Ok(capabilities),
            _ => Err(unexpected()),
        }
    }

    fn unlock_begin(&mut self, token: &TokenId, portal: &PortalKey) -> Result<OneTime> {
        match self.unlock(token, UnlockCall::Begin(portal.clone()))? {
            Reply::OneTime(one_time) => Ok(one_time),
            _ => Err(unexpected()),
        }
    }

    fn unlock_challenge(&mut self, token: &TokenId) -> Result<[u8; CHALLENGE_LEN]> {
        array(self.go_on(token, UnlockCall::Challenge)?)
    }

    fn unlock_open(&mut self, token: &TokenId, answer: &Answer) -> Result<Opened> {
        match self.go_on(token, UnlockCall::Open(answer.clone()))? {
            Reply::Release(Some(opened)) => Ok(opened),
            _ => Err(unexpected()),
        }
    }

    fn unlock_opened(&mut self, token: &TokenId) -> Result<Option<Opened>> {
        match self.go_on(token, UnlockCall::Opened) {
            Ok(Reply::Release(opened)) => Ok(opened),
            Ok(_) => Err(unexpected()),
            Err(TokenError::ReleaseGone) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn unlock_nonce(&mut self, token: &TokenId) -> Result<[u8; 32]> {
        array(self.go_on(token, UnlockCall::Nonce)?)
    }

    fn so_login(&mut self, token: &TokenId, which: &SoLogin, liveness: Option<&[u8]>) -> Result<()> {
        self.go_on(token, UnlockCall::SoLogin(which.clone(), liveness.map(<[u8]>::to_vec))).map(drop)
    }

    fn init_pin(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.go_on(token, UnlockCall::InitPin(new.clone())).map(drop)
    }

    fn rotate_so_pin(&mut self, token: &TokenId) -> Result<()> {
        self.go_on(token, UnlockCall::RotateSoPin).map(drop)
    }

    fn install_unblock_key(&mut self, token: &TokenId) -> Result<()> {
        self.go_on(token, UnlockCall::InstallUnblockKey).map(drop)
    }

    fn unblock(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.go_on(token, UnlockCall::Unblock(new.clone())).map(drop)
    }

    fn unlock_end(&mut self, token: &TokenId) -> Result<()> {
        match self.go_on(token, UnlockCall::End) {
            Ok(_) | Err(TokenError::ReleaseGone) => Ok(()),
            Err(error) => Err(error),
        }
    }
}
