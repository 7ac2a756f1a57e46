//! Something that stands between a flow and its keys, and acts before or after any of the calls: a crash of the flow's
//! process is a panic there, after which the test drops the keys, and with them their driver host.

use ycd_pki::statement::Statement;
use ycd_pki::unlock::CHALLENGE_LEN;
use ycd_token::{
    Answer, ContainerHandle, Contents, KeyId, KeyInfo, Keys, OneTime, Opened, Pin, PortalKey, Result,
    SoLogin, Spki, Tag, Token, UnlockWays, Unlocker,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// Called with the call's name and when.
pub type Hook<'a> = Box<dyn FnMut(&'static str, When) + 'a>;

pub struct Between<'a> {
    keys: &'a mut Keys,
    hook: Hook<'a>,
}

/// What a crash unwinds with.
#[derive(Debug, Clone, Copy)]
pub struct Crash;

impl<'a> Between<'a> {
    pub fn new(keys: &'a mut Keys, hook: impl FnMut(&'static str, When) + 'a) -> Self {
        Self { keys, hook: Box::new(hook) }
    }

    /// The process ends at the `n`-th of the moments before and after calls, counted from 0.
    pub fn crashes_at(keys: &'a mut Keys, n: usize) -> Self {
        let mut seen = 0;
        Self::new(keys, move |_, _| {
            if seen == n {
                std::panic::panic_any(Crash);
            }
            seen += 1;
        })
    }

    /// The process ends before or after the first call of this name.
    pub fn crashes(keys: &'a mut Keys, when: When, name: &'static str) -> Self {
        Self::new(keys, move |called, now| {
            if called == name && now == when {
                std::panic::panic_any(Crash);
            }
        })
    }

    fn call<T>(&mut self, name: &'static str, act: impl FnOnce(&mut Keys) -> T) -> T {
        (self.hook)(name, When::Before);
        let made = act(self.keys);
        (self.hook)(name, When::After);
        made
    }
}

impl Token for Between<'_> {
    fn keys(&mut self) -> Result<Vec<KeyInfo>> {
        self.call("keys", |keys| keys.keys())
    }

    fn read(&mut self, key: &KeyId) -> Result<Contents> {
        self.call("read", |keys| keys.read(key))
    }

    fn login(&mut self, key: &KeyId, pin: &Pin) -> Result<()> {
        self.call("login", |keys| keys.login(key, pin))
    }

    fn logout(&mut self, key: &KeyId) -> Result<()> {
        self.call("logout", |keys| keys.logout(key))
    }

    fn change_pin(&mut self, key: &KeyId, old: &Pin, new: &Pin) -> Result<()> {
        self.call("change_pin", |keys| keys.change_pin(key, old, new))
    }

    fn generate(&mut self, key: &KeyId, tag: &Tag) -> Result<Spki> {
        self.call("generate", |keys| keys.generate(key, tag))
    }

    fn sign_statement(&mut self, key: &KeyId, signer: &Spki, statement: &Statement) -> Result<Vec<u8>> {
        self.call("sign_statement", |keys| keys.sign_statement(key, signer, statement))
    }

    fn sign_request(&mut self, key: &KeyId, signer: &Spki, subject: &[u8]) -> Result<Vec<u8>> {
        self.call("sign_request", |keys| keys.sign_request(key, signer, subject))
    }

    fn write_certificate(&mut self, key: &KeyId, certificate: &[u8]) -> Result<()> {
        self.call("write_certificate", |keys| keys.write_certificate(key, certificate))
    }

    fn remove_certificate(&mut self, key: &KeyId, certificate: &[u8]) -> Result<()> {
        self.call("remove_certificate", |keys| keys.remove_certificate(key, certificate))
    }

    fn destroy(&mut self, key: &KeyId, container: &ContainerHandle) -> Result<()> {
        self.call("destroy", |keys| keys.destroy(key, container))
    }
}

impl Unlocker for Between<'_> {
    fn unlock_ways(&mut self, key: &KeyId) -> Result<UnlockWays> {
        self.call("unlock_ways", |keys| keys.unlock_ways(key))
    }

    fn unlock_begin(&mut self, key: &KeyId, portal: &PortalKey) -> Result<OneTime> {
        self.call("unlock_begin", |keys| keys.unlock_begin(key, portal))
    }

    fn unlock_challenge(&mut self, key: &KeyId) -> Result<[u8; CHALLENGE_LEN]> {
        self.call("unlock_challenge", |keys| keys.unlock_challenge(key))
    }

    fn unlock_open(&mut self, key: &KeyId, answer: &Answer) -> Result<Opened> {
        self.call("unlock_open", |keys| keys.unlock_open(key, answer))
    }

    fn unlock_opened(&mut self, key: &KeyId) -> Result<Option<Opened>> {
        self.call("unlock_opened", |keys| keys.unlock_opened(key))
    }

    fn unlock_nonce(&mut self, key: &KeyId) -> Result<[u8; 32]> {
        self.call("unlock_nonce", |keys| keys.unlock_nonce(key))
    }

    fn so_login(&mut self, key: &KeyId, which: &SoLogin, alive: Option<&[u8]>) -> Result<()> {
        self.call("so_login", |keys| keys.so_login(key, which, alive))
    }

    fn init_pin(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.call("init_pin", |keys| keys.init_pin(key, new))
    }

    fn rotate_so_pin(&mut self, key: &KeyId) -> Result<()> {
        self.call("rotate_so_pin", |keys| keys.rotate_so_pin(key))
    }

    fn install_unblock_key(&mut self, key: &KeyId) -> Result<()> {
        self.call("install_unblock_key", |keys| keys.install_unblock_key(key))
    }

    fn unblock(&mut self, key: &KeyId, new: &Pin) -> Result<()> {
        self.call("unblock", |keys| keys.unblock(key, new))
    }

    fn unlock_end(&mut self, key: &KeyId) -> Result<()> {
        self.call("unlock_end", |keys| keys.unlock_end(key))
    }
}
