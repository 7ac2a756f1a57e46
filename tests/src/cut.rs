//! Something that stands between a flow and its keys, and acts before or after any of the calls: a crash of the flow's
//! process is a panic there, after which the test drops the tokens, and with them their driver host.

use ycd_pki::authorization::Authorization;
use ycd_pki::unlock::CHALLENGE_LEN;
use ycd_token::{
    Answer, CkaId, ContainerHandle, Contents, OneTime, Opened, Pin, PortalKey, Result, SoLogin, Spki,
    TokenAccess, TokenId, TokenInfo, TokenSet, UnlockCapabilities, Unlocker,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// Called with the call's name and when.
pub type Hook<'a> = Box<dyn FnMut(&'static str, When) + 'a>;

pub struct Between<'a> {
    tokens: &'a mut TokenSet,
    hook: Hook<'a>,
}

/// What a crash unwinds with.
#[derive(Debug, Clone, Copy)]
pub struct Crash;

impl<'a> Between<'a> {
    pub fn new(tokens: &'a mut TokenSet, hook: impl FnMut(&'static str, When) + 'a) -> Self {
        Self { tokens, hook: Box::new(hook) }
    }

    /// The process ends at the `n`-th of the moments before and after calls, counted from 0.
    pub fn crashes_at(tokens: &'a mut TokenSet, n: usize) -> Self {
        let mut seen = 0;
        Self::new(tokens, move |_, _| {
            if seen == n {
                std::panic::panic_any(Crash);
            }
            seen += 1;
        })
    }

    /// The process ends before or after the first call of this name.
    pub fn crashes(tokens: &'a mut TokenSet, when: When, name: &'static str) -> Self {
        Self::new(tokens, move |called, now| {
            if called == name && now == when {
                std::panic::panic_any(Crash);
            }
        })
    }

    fn call<T>(&mut self, name: &'static str, act: impl FnOnce(&mut TokenSet) -> T) -> T {
        (self.hook)(name, When::Before);
        let made = act(self.tokens);
        (self.hook)(name, When::After);
        made
    }
}

impl TokenAccess for Between<'_> {
    fn list(&mut self) -> Result<Vec<TokenInfo>> {
        self.call("list", |tokens| tokens.list())
    }

    fn read(&mut self, token: &TokenId) -> Result<Contents> {
        self.call("read", |tokens| tokens.read(token))
    }

    fn login(&mut self, token: &TokenId, pin: &Pin) -> Result<()> {
        self.call("login", |tokens| tokens.login(token, pin))
    }

    fn logout(&mut self, token: &TokenId) -> Result<()> {
        self.call("logout", |tokens| tokens.logout(token))
    }

    fn change_pin(&mut self, token: &TokenId, old: &Pin, new: &Pin) -> Result<()> {
        self.call("change_pin", |tokens| tokens.change_pin(token, old, new))
    }

    fn generate(&mut self, token: &TokenId, cka_id: &CkaId) -> Result<Spki> {
        self.call("generate", |tokens| tokens.generate(token, cka_id))
    }

    fn sign_authorization(
        &mut self,
        token: &TokenId,
        signer: &Spki,
        authorization: &Authorization,
    ) -> Result<Vec<u8>> {
        self.call("sign_authorization", |tokens| tokens.sign_authorization(token, signer, authorization))
    }

    fn sign_request(&mut self, token: &TokenId, signer: &Spki, subject: &[u8]) -> Result<Vec<u8>> {
        self.call("sign_request", |tokens| tokens.sign_request(token, signer, subject))
    }

    fn write_certificate(&mut self, token: &TokenId, certificate: &[u8]) -> Result<()> {
        self.call("write_certificate", |tokens| tokens.write_certificate(token, certificate))
    }

    fn remove_certificate(&mut self, token: &TokenId, certificate: &[u8]) -> Result<()> {
        self.call("remove_certificate", |tokens| tokens.remove_certificate(token, certificate))
    }

    fn destroy(&mut self, token: &TokenId, container: &ContainerHandle) -> Result<()> {
        self.call("destroy", |tokens| tokens.destroy(token, container))
    }
}

impl Unlocker for Between<'_> {
    fn unlock_capabilities(&mut self, token: &TokenId) -> Result<UnlockCapabilities> {
        self.call("unlock_capabilities", |tokens| tokens.unlock_capabilities(token))
    }

    fn unlock_begin(&mut self, token: &TokenId, portal: &PortalKey) -> Result<OneTime> {
        self.call("unlock_begin", |tokens| tokens.unlock_begin(token, portal))
    }

    fn unlock_challenge(&mut self, token: &TokenId) -> Result<[u8; CHALLENGE_LEN]> {
        self.call("unlock_challenge", |tokens| tokens.unlock_challenge(token))
    }

    fn unlock_open(&mut self, token: &TokenId, answer: &Answer) -> Result<Opened> {
        self.call("unlock_open", |tokens| tokens.unlock_open(token, answer))
    }

    fn unlock_opened(&mut self, token: &TokenId) -> Result<Option<Opened>> {
        self.call("unlock_opened", |tokens| tokens.unlock_opened(token))
    }

    fn unlock_nonce(&mut self, token: &TokenId) -> Result<[u8; 32]> {
        self.call("unlock_nonce", |tokens| tokens.unlock_nonce(token))
    }

    fn so_login(&mut self, token: &TokenId, which: &SoLogin, alive: Option<&[u8]>) -> Result<()> {
        self.call("so_login", |tokens| tokens.so_login(token, which, alive))
    }

    fn init_pin(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.call("init_pin", |tokens| tokens.init_pin(token, new))
    }

    fn rotate_so_pin(&mut self, token: &TokenId) -> Result<()> {
        self.call("rotate_so_pin", |tokens| tokens.rotate_so_pin(token))
    }

    fn install_unblock_key(&mut self, token: &TokenId) -> Result<()> {
        self.call("install_unblock_key", |tokens| tokens.install_unblock_key(token))
    }

    fn unblock(&mut self, token: &TokenId, new: &Pin) -> Result<()> {
        self.call("unblock", |tokens| tokens.unblock(token, new))
    }

    fn unlock_end(&mut self, token: &TokenId) -> Result<()> {
        self.call("unlock_end", |tokens| tokens.unlock_end(token))
    }
}
