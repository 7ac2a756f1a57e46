//! All tokens of the machine, whatever module they are behind.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::thread;

use crate::host::{ModuleHost, default_host_exe};
use crate::profile::Drivers;
use crate::{Pin, Result, TokenAccess, TokenError, TokenId, TokenInfo, Unlocker};

/// The modules that were found, as one [`TokenAccess`].
pub struct TokenSet {
    hosts: Vec<ModuleHost>,
    /// Which module a token was last seen behind.
    behind: BTreeMap<TokenId, usize>,
    problems: Vec<Problem>,
    /// Where no module was found: why.
    no_module: Option<TokenError>,
    /// Asks the person for a PIN once more.
    pin_needed: Option<AskPin>,
}

/// Gives the PIN that the person has just typed, for one try; `None` where they would not.
pub type AskPin = Box<dyn FnMut(&TokenId) -> Option<Pin> + Send>;

/// What keeps a module from being asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Name of the driver profile.
    pub profile: String,
    pub module: PathBuf,
    pub error: TokenError,
}

impl TokenSet {
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

    /// For token models that log the user out after each use of a private key (`pin_per_signature`): whom to ask for
    /// the PIN when an operation is answered [`TokenError::NotLoggedIn`]. The PIN serves one login and is wiped; the
    /// operation, which has not begun, is then done once more. Without this, callers get [`TokenError::NotLoggedIn`].
    pub fn on_pin_needed(&mut self, ask: impl FnMut(&TokenId) -> Option<Pin> + Send + 'static) {
        self.pin_needed = Some(Box::new(ask));
    }

    fn plain<T>(&mut self, token: &TokenId, act: impl FnOnce(&mut ModuleHost) -> Result<T>) -> Result<T> {
        act(self.host_of(token)?)
    }

    /// For what needs a login that the token may have ended by itself.
    fn signs<T>(&mut self, token: &TokenId, act: impl Fn(&mut ModuleHost) -> Result<T>) -> Result<T> {
        let host = self.host_of(token)?;
        let outcome = act(host);
        let logs_out = host.driver().profile.quirks.pin_per_signature;
        if !(logs_out && matches!(outcome, Err(TokenError::NotLoggedIn))) {
            return outcome;
        }
        let Some(pin) = self.pin_needed.as_mut().and_then(|ask| ask(token)) else { return outcome };
        let host = self.host_of(token)?;
        host.login(token, &pin)?;
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

    fn host_of(&mut self, token: &TokenId) -> Result<&mut ModuleHost> {
        if !self.behind.contains_key(token) {
            let listed = self.list();
            if !self.behind.contains_key(token) {
                return Err(listed.err().unwrap_or(TokenError::Removed));
            }
        }
        let host = self.behind.get(token).and_then(|at| self.hosts.get_mut(*at));
        host.ok_or(TokenError::Removed)
    }
}

macro_rules! routed {
    (
        { $trait:ident; $($more:tt)* }
        $(
            $(#[$doc:meta])*
            $variant:ident $method:ident($($arg:ident: &$type:ty),*) -> $out:ty,
                $mode:ident, $deadline:ident, $effect:ident, $route:ident;
        )+
    ) => {
        impl $trait for TokenSet {
            $($more)*
            $(
                fn $method(&mut self, token: &TokenId, $($arg: &$type),*) -> Result<$out> {
                    self.$route(token, |host| host.$method(token, $($arg),*))
                }
            )+
        }
    };
}

crate::token_operations!(routed {
    TokenAccess;
    /// # Errors
    /// The first module's, where no token was found and a module failed; otherwise failures are told by
    /// [`TokenSet::problems`] only. [`TokenError::ModuleMissing`] or [`TokenError::ModuleNotAllowed`] where there is no
    /// module at all, so that no token could be seen.
    fn list(&mut self) -> Result<Vec<TokenInfo>> {
        if let Some(error) = &self.no_module {
            return Err(error.clone());
        }
        let listings: Vec<Result<Vec<TokenInfo>>> = match self.hosts.as_mut_slice() {
            [one] => vec![one.list()],
            hosts => thread::scope(|scope| {
                let running: Vec<_> = hosts.iter_mut().map(|host| scope.spawn(|| host.list())).collect();
                let crashed = || Err(TokenError::HostDied { operation: "list".into() });
                running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| crashed())).collect()
            }),
        };
        self.problems.clear();
        let mut tokens: Vec<TokenInfo> = Vec::new();
        for (at, listing) in listings.into_iter().enumerate() {
            match listing {
                Ok(found) => {
                    for token in found {
                        // Two profiles of a family may drive the same token: the first has it.
                        if tokens.iter().any(|other| {
                            other.token_id == token.token_id
                                && self.behind.get(&token.token_id).is_some_and(|seen| *seen != at)
                        }) {
                            continue;
                        }
                        self.behind.insert(token.token_id.clone(), at);
                        tokens.push(token);
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
            Some(problem) if tokens.is_empty() => Err(problem.error.clone()),
            _ => Ok(tokens),
        }
    }
});

crate::unlock_operations!(routed { Unlocker; });
