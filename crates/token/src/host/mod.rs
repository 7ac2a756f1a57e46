//! The client of the driver host: one child process for one module, behind the trait `TokenAccess`.

mod answers;
mod calls;
mod link;
mod operations;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use self::link::Ender;
use self::link::{Link, Stopped};
use crate::binary::{self, Processor, Target};
use crate::profile::Driver;
use crate::wire::{Call, ModuleInfo, Open, Reply, TokenMechanisms};
use crate::{Result, TokenError, TokenInfo};

/// After this long without a call a host ends; the next call starts another one, in which nobody is logged in.
const IDLE: Duration = Duration::from_secs(120);

/// A module in a process of its own.
///
/// Every call has the deadline of its profile. A host that dies or hangs is killed, waited for and reported, and
/// started afresh at the next call, which may take the time of a start longer; then nobody is logged in. So is one
/// whose module has run out of memory. Only `list` and `read` are repeated by
/// themselves, once, where the host died, in what is left of their time.
pub struct ModuleHost {
    host_exe: PathBuf,
    driver: Driver,
    idle: Duration,
    link: Option<Link>,
    info: Option<ModuleInfo>,
}

impl ModuleHost {
    /// Starts the host and loads the module.
    ///
    /// # Errors
    /// [`TokenError::HostStart`], [`TokenError::ModuleMissing`], [`TokenError::ModuleNotAllowed`],
    /// [`TokenError::NoHost`], [`TokenError::NotAModule`], and what a module does that crashes or hangs while it
    /// starts.
    pub fn start(host_exe: &Path, driver: &Driver) -> Result<Self> {
        let mut host = Self::at_rest(host_exe, driver);
        host.wake()?;
        Ok(host)
    }

    /// As [`start`](Self::start), but the first call starts the process.
    pub fn at_rest(host_exe: &Path, driver: &Driver) -> Self {
        Self { host_exe: host_exe.to_owned(), driver: driver.clone(), idle: IDLE, link: None, info: None }
    }

    /// How long a host without calls lives. Zero: as long as this value.
    #[must_use]
    pub fn with_idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    pub fn driver(&self) -> &Driver {
        &self.driver
    }

    /// What the module says about itself, once it has been loaded.
    pub fn module_info(&self) -> Option<&ModuleInfo> {
        self.info.as_ref()
    }

    /// Of the child process, while there is one.
    pub fn process_id(&self) -> Option<u32> {
        self.link.as_ref().map(Link::process_id)
    }

    /// A round trip that does nothing.
    pub fn ping(&mut self) -> Result<()> {
        self.call(Call::Ping).map(drop)
    }

    /// Which mechanisms of the profile each inserted token reports.
    pub fn mechanisms(&mut self) -> Result<Vec<TokenMechanisms>> {
        match self.call_again(|| Call::Mechanisms)? {
            Reply::Mechanisms(tokens) => Ok(tokens),
            _ => Err(unexpected()),
        }
    }

    /// Ends the host; the next call starts it again.
    pub fn rest(&mut self) {
        self.link = None;
    }

    fn wake(&mut self) -> Result<&mut Link> {
        if self.link.is_none() {
            let (link, info) = open(&self.host_exe, &self.driver, self.idle, |_| ())?;
            self.link = Some(link);
            self.info = Some(info);
        }
        self.link.as_mut().ok_or_else(|| TokenError::HostStart { detail: "no process".into() })
    }

    fn call(&mut self, call: Call) -> Result<Reply> {
        let deadline = deadline(&self.driver, &call);
        self.call_within(call, deadline)
    }

    fn call_within(&mut self, call: Call, deadline: Duration) -> Result<Reply> {
        // A second time only where the first host has certainly not begun with the call.
        for last in [false, true] {
            match self.wake()?.exchange(&call, deadline) {
                Ok(result) => {
                    if result.as_ref().is_err_and(out_of_memory) {
                        self.link = None;
                    }
                    return result;
                }
                Err(Stopped::BeforeTheCall) if !last => self.link = None,
                Err(stopped) => {
                    self.link = None;
                    return Err(stopped.error(&call, deadline));
                }
            }
        }
        Err(TokenError::HostDied { operation: call.operation().into() })
    }

    /// For calls that may be repeated.
    fn call_again(&mut self, call: impl Fn() -> Call) -> Result<Reply> {
        let begun = Instant::now();
        match self.call(call()) {
            Err(TokenError::HostDied { .. }) => {
                let deadline = deadline(&self.driver, &call());
                self.call_within(call(), deadline.saturating_sub(begun.elapsed()))
            }
            result => result,
        }
    }
}

/// A second host of the same module that lists tokens and waits for slot events, and never opens a session.
pub(crate) struct WaitingHost {
    link: Link,
    deadline: Duration,
}

impl WaitingHost {
    /// `started` is given what ends the host ([`Ender::end`]) before the module is loaded, so that another thread can
    /// make a module that hangs, or a blocked [`wait`](Self::wait), give up.
    pub fn start(host_exe: &Path, driver: &Driver, started: impl FnOnce(Ender)) -> Result<Self> {
        let (link, _) = open(host_exe, driver, Duration::ZERO, |link| started(link.ender()))?;
        Ok(Self { link, deadline: driver.profile.deadlines.other() })
    }

    pub fn list(&mut self) -> Result<Vec<TokenInfo>> {
        let call = Call::List;
        match self
            .link
            .exchange(&call, self.deadline)
            .map_err(|stopped| stopped.error(&call, self.deadline))??
        {
            Reply::Tokens(tokens) => Ok(tokens),
            _ => Err(unexpected()),
        }
    }

    /// Returns when a token came or went, or when the host ended. Has no deadline.
    pub fn wait(&mut self) -> Result<()> {
        self.wait_in(Call::WaitForEvent)
    }

    /// Returns when any device came or went, or when the host ended. Has no deadline.
    pub fn wait_for_devices(&mut self) -> Result<()> {
        self.wait_in(Call::WaitForDevices)
    }

    fn wait_in(&mut self, call: Call) -> Result<()> {
        let result = self.link.exchange_without_deadline(&call);
        result.map_err(|stopped| stopped.error(&call, Duration::ZERO))?.map(drop)
    }
}

/// `ycd-host` beside the running program; for tests, which cargo puts into `deps`, also one folder up.
pub fn default_host_exe() -> PathBuf {
    let name = format!("ycd-host{}", std::env::consts::EXE_SUFFIX);
    let Some(dir) = crate::profile::exe_dir() else { return PathBuf::from(name) };
    let beside = dir.join(&name);
    match dir.parent() {
        Some(parent) if dir.ends_with("deps") && !beside.exists() => parent.join(name),
        _ => beside,
    }
}

/// The host that can load the module of `driver`, going by what the module's file is: `host_exe`, or the 32-bit build
/// beside it, `ycd-host32`. A file that tells nothing is left to the host to refuse.
///
/// # Errors
/// [`TokenError::NoHost`].
pub fn host_for(host_exe: &Path, driver: &Driver) -> Result<PathBuf> {
    let target = binary::target(&driver.module_path);
    let other = (target.map_or(driver.bits, |target| target.bits) == 32 && Target::OWN.bits == 64)
        .then(|| thirty_two(host_exe));
    match (target, other) {
        (None, other) => Ok(other.unwrap_or_else(|| host_exe.to_owned())),
        (Some(target), None) if target == Target::OWN => Ok(host_exe.to_owned()),
        (Some(Target { processor: Processor::X86, .. }), Some(other))
            if Processor::OWN == Processor::X64 && other.is_file() =>
        {
            Ok(other)
        }
        (Some(target), _) => {
            let path = driver.module_path.display().to_string();
            Err(TokenError::NoHost { path, target: target.to_string() })
        }
    }
}

fn thirty_two(host_exe: &Path) -> PathBuf {
    let mut name = host_exe.file_stem().map_or_else(|| OsString::from("ycd-host"), OsString::from);
    name.push("32");
    name.push(std::env::consts::EXE_SUFFIX);
    host_exe.with_file_name(name)
}

fn open(
    host_exe: &Path,
    driver: &Driver,
    idle: Duration,
    started: impl FnOnce(&Link),
) -> Result<(Link, ModuleInfo)> {
    let module = driver.check()?;
    let mut link = Link::start(&host_for(host_exe, driver)?, driver.environment())?;
    started(&link);
    let call = Call::Open(Box::new(Open {
        module,
        profile: driver.profile.as_ref().clone(),
        owner: std::process::id(),
        idle_ms: u64::try_from(idle.as_millis()).unwrap_or(u64::MAX),
    }));
    let deadline = driver.profile.deadlines.other();
    match link.exchange(&call, deadline).map_err(|stopped| stopped.error(&call, deadline))?? {
        Reply::Opened(info) => Ok((link, info)),
        _ => Err(unexpected()),
    }
}

fn deadline(driver: &Driver, call: &Call) -> Duration {
    call.deadline(&driver.profile.deadlines)
}

/// What has run out does not come back.
fn out_of_memory(error: &TokenError) -> bool {
    const CKR_HOST_MEMORY: u64 = 2;
    matches!(error, TokenError::Module { code: CKR_HOST_MEMORY, .. })
}

fn unexpected() -> TokenError {
    TokenError::Protocol { detail: "an answer to another question".into() }
}
