//! All keys of the machine, whatever module they are behind.

mod unlock;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use ycd_pki::statement::Statement;

use crate::host::{ModuleHost, default_host_exe};
use crate::profile::Drivers;
use crate::{ContainerHandle, Contents, KeyId, KeyInfo, Pin, Result, Spki, Tag, Token, TokenError};

/// The modules that were found, as one [`Token`].
pub struct Keys {
    hosts: Vec<ModuleHost>,
    /// Which module a key was last seen behind.
    behind: BTreeMap<KeyId, usize>,
    problems: Vec<Problem>,
    /// Where no module was found: why.
    no_module: Option<TokenError>,
    /// Asks the person for a PIN once more.
    pin_needed: Option<AskPin>,
}

/// Gives the PIN that the person has just typed, for one try; `None` where they would not.
pub type AskPin = Box<dyn FnMut(&KeyId) -> Option<Pin> + Send>;

/// What keeps a module from being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the driver profile.
    pub profile: String,
    pub module: PathBuf,
    pub error: TokenError,
}

impl Keys {
    /// Looks for the modules; their hosts are started by the first call. Where `host_exe` is none, it is `ycd-host`
    /// beside the running program.
    pub fn open(drivers: &Drivers, host_exe: Option<&Path>) -> Self {
        let host_exe = host_exe.map_or_else(default_host_exe, Path::to_owned);
        let mut hosts = Vec::new();
        let mut missing = Vec::new();
        for lookup in drivers.lookups() {
            match lookup.outcome {
                Ok(driver) => hosts.push(ModuleHost::at_rest(&host_exe, &driver)),
                Err(error) => missing.push((lookup.looked_in.is_empty(), error)),
            }
        }
        // A module that is there and may not be loaded says more than one that is not there, and that more than one
        // whose file nobody knows.
        missing.sort_by_key(|(nowhere, error)| {
            (!matches!(error, TokenError::ModuleNotAllowed { .. }), *nowhere)
        });
        let no_module =
            if hosts.is_empty() { missing.into_iter().next().map(|(_, error)| error) } else { None };
        Self { hosts, behind: BTreeMap::new(), problems: Vec::new(), no_module, pin_needed: None }
    }

    /// For makes that log the user out after each use of a private key (`pin_per_signature`): whom to ask for the PIN
    /// when an operation is answered [`TokenError::NotLoggedIn`]. The PIN serves one login and is wiped; the
    /// operation, which has not begun, is then done once more. Without this, callers get
    /// [`TokenError::NotLoggedIn`].
    pub fn on_pin_needed(&mut self, ask: impl FnMut(&KeyId) -> Option<Pin> + Send + 'static) {
        self.pin_needed = Some(Box::new(ask));
    }

    fn logged_in<T>(&mut self, key: &KeyId, act: impl Fn(&mut ModuleHost) -> Result<T>) -> Result<T> {
        let host = self.host_of(key)?;
        let outcome = act(host);
        let logs_out = host.driver().profile.quirks.pin_per_signature;
        if !(logs_out && matches!(outcome, Err(TokenError::NotLoggedIn))) {
            return outcome;
        }
        let Some(pin) = self.pin_needed.as_mut().and_then(|ask| ask(key)) else { return outcome };
        let host = self.host_of(key)?;
        host.login(key, &pin)?;
        act(host)
    }

    /// What the last listing met: a module that fails takes no other away.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// One for each module found.
    pub fn hosts(&self) -> &[ModuleHost] {
        &self.hosts
    }

    /// Ends all hosts; the next call starts them again, with nobody logged in.
    pub fn rest(&mut self) {
        for host in &mut self.hosts {
            host.rest();
        }
    }

    fn host_of(&mut self, key: &KeyId) -> Result<&mut ModuleHost> {
        if !self.behind.contains_key(key) {
            let listed = self.keys();
            if !self.behind.contains_key(key) {
                return Err(listed.err().unwrap_or(TokenError::Removed));
            }
        }
        let host = self.behind.get(key).and_then(|at| self.hosts.get_mut(*at));
        host.ok_or(TokenError::Removed)
    }
}

impl Token for Keys {
    /// # Errors
    /// The first module's, where no key was found and a module failed; otherwise failures are told by
    /// [`Keys::problems`] only. [`TokenError::ModuleMissing`] or [`TokenError::ModuleNotAllowed`] where there is no
    /// module at all, so that no key could be seen.
    fn keys(&mut self) -> Result<Vec<KeyInfo>> {
        if let Some(error) = &self.no_module {
            return Err(error.clone());
        }
        let listings: Vec<Result<Vec<KeyInfo>>> = match self.hosts.as_mut_slice() {
            [one] => vec![one.keys()],
            hosts => thread::scope(|scope| {
                let running: Vec<_> = hosts.iter_mut().map(|host| scope.spawn(|| host.keys())).collect();
                let crashed = || Err(TokenError::HostDied { operation: "keys".into() });
                running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| crashed())).collect()
            }),
        };
        self.problems.clear();
        let mut keys: Vec<KeyInfo> = Vec::new();
        for (at, listing) in listings.into_iter().enumerate() {
            match listing {
                Ok(found) => {
                    for key in found {
                        // Two profiles of a family may drive the same key: the first has it.
                        if keys.iter().any(|other| {
                            other.key_id == key.key_id
                                && self.behind.get(&key.key_id).is_some_and(|seen| *seen != at)
                        }) {
                            continue;
                        }
                        self.behind.insert(key.key_id.clone(), at);
                        keys.push(key);
                    }
                }
                Err(error) => {
                    let driver = self.hosts[at].driver();
                    tracing::warn!(profile = driver.profile.name, code = error.code(), "module not usable");
                    self.problems.push(Problem {
                        profile: driver.profile.name.clone(),
                        module: driver.module_path.clone(),
                        error,
                    });
                }
            }
        }
        match self.problems.first() {
            Some(problem) if keys.is_empty() => Err(problem.error.clone()),
            _ => Ok(keys),
        }
    }

    fn read(&mut self, key: &KeyId) -> Result<Contents> {
        self.host_of(key)?.read(key)
    }

    fn login(&mut self, key: &KeyId, pin: &Pin) -> Result<()> {
        self.host_of(key)?.login(key, pin)
    }

    fn logout(&mut self, key: &KeyId) -> Result<()> {
        self.host_of(key)?.logout(key)
    }

    fn change_pin(&mut self, key: &KeyId, old: &Pin, new: &Pin) -> Result<()> {
        self.host_of(key)?.change_pin(key, old, new)
    }

    fn generate(&mut self, key: &KeyId, tag: &Tag) -> Result<Spki> {
        self.logged_in(key, |host| host.generate(key, tag))
    }

    fn sign_statement(&mut self, key: &KeyId, signer: &Spki, statement: &Statement) -> Result<Vec<u8>> {
        self.logged_in(key, |host| host.sign_statement(key, signer, statement))
    }

    fn sign_request(&mut self, key: &KeyId, signer: &Spki, subject: &[u8]) -> Result<Vec<u8>> {
        self.logged_in(key, |host| host.sign_request(key, signer, subject))
    }

    fn write_certificate(&mut self, key: &KeyId, certificate: &[u8]) -> Result<()> {
        self.logged_in(key, |host| host.write_certificate(key, certificate))
    }

    fn remove_certificate(&mut self, key: &KeyId, certificate: &[u8]) -> Result<()> {
        self.logged_in(key, |host| host.remove_certificate(key, certificate))
    }

    fn destroy(&mut self, key: &KeyId, container: &ContainerHandle) -> Result<()> {
        self.logged_in(key, |host| host.destroy(key, container))
    }
}
