//! The assistant's data folder: settings, trusted roots, sessions, journal.
//!
//! | file | what |
//! | --- | --- |
//! | `config.toml` | `portal = "https://…"`, and the name and tokens it had when it was set up |
//! | `anchors/*.pem` | the roots that certificates must lead to |
//! | `settings.json` | what the user has set |
//! | `project.json` | the project as the portal was last heard to tell it |
//! | `seen.json` | certificates that were seen on tokens, to remind of their end |
//! | `session.json`, `session-operator.json` | a login, readable by the user only |
//! | `journal.sqlite` | where work that was broken off stands |
//!
//! What an installer brought along lies beside the program in `provision`: a `config.toml`, `anchors/*.pem` and a
//! `settings.json` that hold until this machine has its own.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use ycd_flows::{journal::Journal, lock::TokenLocks, trust::PinnedPortal};
use ycd_pki::{Certificate, pem};
use ycd_portal_api::{
    Client, RetryPolicy,
    wire::{
        login::{Session, SessionToken},
        unlock::{PinRules, PortalKeys},
    },
};
use ycd_token::{Drivers, PinPolicy, ProfileError, TokenSet};

pub use crate::error::DataDirError;
use crate::settings::Settings;

const CONFIG: &str = "config.toml";
const SETTINGS: &str = "settings.json";

type Result<T = (), E = DataDirError> = std::result::Result<T, E>;

/// Where things are to be taken from, where it is not the usual place.
#[derive(Debug, Clone, Default)]
pub struct PathOverrides {
    /// The data folder.
    pub data_dir: Option<PathBuf>,
    /// The portal's address, in the place of the one that was set.
    pub portal: Option<String>,
    /// Driver profiles of an administrator.
    pub drivers: Option<PathBuf>,
    /// The software tokens' folder.
    pub softkey_dir: Option<PathBuf>,
    /// What came with the program.
    pub provision: Option<PathBuf>,
}

pub struct DataDir {
    folder: PathBuf,
    provision: PathBuf,
    portal: Option<String>,
    drivers: Option<PathBuf>,
    softkey_dir: Option<PathBuf>,
}

/// Who is logged in: applicant and operator are different people, with a session each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Applicant,
    Operator,
}

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    portal: Option<String>,
    /// What the portal was when this machine was set up with it; no other is believed since.
    pinned: Option<PortalKeys>,
    /// What its project asked of a new PIN then.
    pin: Option<PinRules>,
}

/// What a portal tells of itself.
struct Known {
    keys: PortalKeys,
    pin: PinRules,
}

impl Known {
    /// `None` where the portal cannot be reached.
    fn of(url: &str) -> Result<Option<Self>> {
        let client = Client::new(url, RetryPolicy::default())?;
        match client.portal_keys().and_then(|keys| Ok(Self { keys, pin: client.project()?.pin })) {
            Ok(known) => {
                PinnedPortal::from_wire(&known.keys)?;
                Ok(Some(known))
            }
            Err(error) if error.is_passing() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct KeptSession {
    /// The portal it belongs to: it is sent nowhere else.
    portal: String,
    /// `138****0000`, to say who is logged in without asking the portal.
    #[serde(default)]
    phone: Option<String>,
    session: Session,
}

impl DataDir {
    pub fn at(path_overrides: PathOverrides) -> Self {
        let PathOverrides { data_dir, portal, drivers, softkey_dir, provision } = path_overrides;
        Self {
            folder: data_dir.unwrap_or_else(default_folder),
            provision: provision.unwrap_or_else(beside_the_program),
            portal,
            drivers,
            softkey_dir,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub fn drivers(&self) -> Result<Drivers> {
        let drivers = Drivers::load(self.drivers.as_deref())?;
        Ok(drivers.with_env("YCD_SOFTKEY_DIR", self.softkey_folder()))
    }

    /// As [`drivers`](Self::drivers); where the administrator's profiles cannot be used, those that come with this
    /// program, and why.
    pub(crate) fn drivers_or_embedded(&self) -> (Drivers, Option<ProfileError>) {
        let (drivers, failed) = match Drivers::load(self.drivers.as_deref()) {
            Ok(drivers) => (drivers, None),
            Err(error) => (Drivers::embedded().unwrap_or_else(|_| Drivers::of(Vec::new())), Some(error)),
        };
        (drivers.with_env("YCD_SOFTKEY_DIR", self.softkey_folder()), failed)
    }

    pub fn tokens(&self) -> Result<TokenSet> {
        Ok(TokenSet::open(&self.drivers()?, None))
    }

    pub fn softkey_folder(&self) -> PathBuf {
        self.softkey_dir.clone().unwrap_or_else(|| self.folder.join("softkey"))
    }

    /// The portal's address.
    pub fn portal(&self) -> Result<String> {
        match &self.portal {
            Some(portal) => Ok(portal.clone()),
            None => self.config()?.portal.ok_or(DataDirError::NoPortal),
        }
    }

    /// For calls that need no login.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.portal()?, RetryPolicy::default())?)
    }

    /// With the session, where there is one; without one the portal says so itself.
    pub fn client_as(&self, role: Role) -> Result<Client> {
        let client = self.client()?;
        Ok(match self.session(role)? {
            Some(session_token) => client.with_session(session_token),
            None => client,
        })
    }

    /// The portal that this machine was set up with.
    ///
    /// # Errors
    /// [`DataDirError::PortalNotPinned`] where [`trust_if_known`](Self::trust_if_known) knows none.
    pub fn trust(&self) -> Result<PinnedPortal> {
        self.trust_if_known()?.ok_or(DataDirError::PortalNotPinned)
    }

    /// The portal that this machine was set up with, where it has seen it. One that came with the program without its
    /// name and tokens is asked for them now, and pinned; where it cannot be reached everything stays as it was.
    pub fn trust_if_known(&self) -> Result<Option<PinnedPortal>> {
        if self.own_config().exists() || self.config()?.pinned.is_some() {
            return self.pinned();
        }
        let Some(url) = self.config()?.portal else { return Ok(None) };
        let Some(known) = Known::of(&url)? else { return Ok(None) };
        self.keep_portal(&url, &self.anchors()?, Some(known))?;
        self.pinned()
    }

    /// What the project of the portal asks of a new PIN, where this machine has seen it.
    pub fn pin_policy(&self) -> Result<Option<PinPolicy>> {
        Ok(self.config()?.pin.map(|rules| PinPolicy {
            min_len: rules.min_len,
            max_len: rules.max_len,
            digits_only: rules.digits_only,
        }))
    }

    /// The portal that this machine was set up with, where it has seen it.
    pub fn pinned(&self) -> Result<Option<PinnedPortal>> {
        Ok(self.config()?.pinned.as_ref().map(PinnedPortal::from_wire).transpose()?)
    }

    /// Keeps a portal's address, its name and tokens, and copies of the roots that it is trusted by. Tells whether name
    /// and tokens are known now: not where the portal cannot be reached.
    pub fn use_portal(&self, url: &str, anchors: &[Certificate]) -> Result<bool> {
        let known = Known::of(url)?;
        let is_known = known.is_some();
        self.keep_portal(url, anchors, known)?;
        Ok(is_known)
    }

    fn keep_portal(&self, url: &str, anchors: &[Certificate], known: Option<Known>) -> Result {
        let folder = self.folder.join("anchors");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(DataDirError::file(&folder))?;
        }
        fs::create_dir_all(&folder).map_err(DataDirError::file(&folder))?;
        for (index, anchor) in anchors.iter().enumerate() {
            let path = folder.join(format!("{}.pem", index + 1));
            fs::write(&path, anchor.to_pem()?).map_err(DataDirError::file(&path))?;
        }
        let (pinned, pin) = known.map(|Known { keys, pin }| (keys, pin)).unzip();
        let path = self.own_config();
        let text = toml::to_string(&Config { portal: Some(url.to_owned()), pinned, pin })
            .map_err(|error| DataDirError::config(&path, error))?;
        fs::write(&path, text).map_err(DataDirError::file(&path))
    }

    /// The roots this machine trusts.
    pub fn anchors(&self) -> Result<Vec<Certificate>> {
        let folder = self.own_or_brought("anchors");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).map_err(DataDirError::file(&folder))? {
            paths.push(entry.map_err(DataDirError::file(&folder))?.path());
        }
        paths.sort();
        let mut anchors = Vec::new();
        for path in paths.iter().filter(|path| path.extension().is_some_and(|extension| extension == "pem")) {
            anchors.extend(read_certificates(path)?);
        }
        Ok(anchors)
    }

    pub fn journal(&self) -> Result<Journal> {
        self.make()?;
        Ok(Journal::open(&self.folder.join("journal.sqlite"))?)
    }

    /// Locks are the machine's, not the data folder's: two assistants with a folder each must not cross either.
    pub fn locks() -> Result<TokenLocks> {
        let folder = match env::var_os("XDG_RUNTIME_DIR") {
            Some(runtime) => PathBuf::from(runtime).join("ycd-locks"),
            None => {
                let user = env::var("USER").or_else(|_| env::var("USERNAME")).unwrap_or_default();
                env::temp_dir().join(format!("ycd-locks-{user}"))
            }
        };
        Ok(TokenLocks::in_folder(&folder)?)
    }

    /// `phone`: of whoever has logged in, masked.
    pub fn keep_session(&self, role: Role, session: Session, phone: Option<String>) -> Result {
        let path = self.session_file(role);
        let kept = KeptSession { portal: self.portal()?, phone, session };
        let text = zeroize::Zeroizing::new(
            serde_json::to_string(&kept).map_err(|error| DataDirError::config(&path, error))?,
        );
        self.replace_file(&path, &text)
    }

    /// Written beside it and renamed, so that it is never readable by others, nor half there.
    fn replace_file(&self, path: &Path, text: &str) -> Result {
        self.make()?;
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside).map_err(DataDirError::file(&beside))?;
        file.write_all(text.as_bytes()).map_err(DataDirError::file(&beside))?;
        drop(file);
        fs::rename(&beside, path).map_err(DataDirError::file(path))
    }

    pub fn forget_session(&self, role: Role) -> Result {
        let path = self.session_file(role);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(DataDirError::file(&path)(error))
            }
            _ => Ok(()),
        }
    }

    /// The masked phone of whoever is logged in; empty where it is not known. Asks nobody whether the portal still
    /// takes the session.
    pub fn session_phone(&self, role: Role) -> Result<Option<String>> {
        Ok(self.kept_session(role)?.map(|kept| kept.phone.clone().unwrap_or_default()))
    }

    fn session(&self, role: Role) -> Result<Option<SessionToken>> {
        Ok(self.kept_session(role)?.map(|kept| kept.session.session_token))
    }

    fn kept_session(&self, role: Role) -> Result<Option<KeptSession>> {
        let path = self.session_file(role);
        if !path.exists() {
            return Ok(None);
        }
        let text = zeroize::Zeroizing::new(fs::read_to_string(&path).map_err(DataDirError::file(&path))?);
        let kept: KeptSession =
            serde_json::from_str(&text).map_err(|error| DataDirError::config(&path, error))?;
        Ok((kept.portal == self.portal()?).then_some(kept))
    }

    fn session_file(&self, role: Role) -> PathBuf {
        self.folder.join(match role {
            Role::Applicant => "session.json",
            Role::Operator => "session-operator.json",
        })
    }

    /// What the user has set; what does not read is as good as nothing.
    pub fn settings(&self) -> Settings {
        let brought = || serde_json::from_slice(&fs::read(self.provision.join(SETTINGS)).ok()?).ok();
        self.read_json(SETTINGS).or_else(brought).unwrap_or_default()
    }

    /// Whether the user has set anything yet.
    pub(crate) fn has_own_settings(&self) -> bool {
        self.folder.join(SETTINGS).exists()
    }

    pub fn keep_settings(&self, settings: &Settings) -> Result {
        self.keep_json(SETTINGS, settings)
    }

    /// A small file that is a hint: where it is missing or does not read, there is none.
    pub(crate) fn read_json<T: serde::de::DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_slice(&fs::read(self.folder.join(name)).ok()?).ok()
    }

    pub(crate) fn keep_json(&self, name: &str, value: &impl Serialize) -> Result {
        let path = self.folder.join(name);
        let text = serde_json::to_string_pretty(value).map_err(|error| DataDirError::config(&path, error))?;
        self.replace_file(&path, &text)
    }

    fn own_config(&self) -> PathBuf {
        self.folder.join(CONFIG)
    }

    /// This machine's own, else what came with the program.
    fn own_or_brought(&self, name: &str) -> PathBuf {
        let own = self.folder.join(name);
        // Roots and portal belong together: both are this machine's own, or neither is.
        if own.exists() || self.own_config().exists() { own } else { self.provision.join(name) }
    }

    fn config(&self) -> Result<Config> {
        let path = self.own_or_brought(CONFIG);
        if !path.exists() {
            return Ok(Config::default());
        }
        let text = fs::read_to_string(&path).map_err(DataDirError::file(&path))?;
        toml::from_str(&text).map_err(|error| DataDirError::config(&path, error.message()))
    }

    fn make(&self) -> Result {
        fs::create_dir_all(&self.folder).map_err(DataDirError::file(&self.folder))
    }
}

/// Certificates of a file: any number as PEM, or one as DER.
pub fn read_certificates(path: &Path) -> Result<Vec<Certificate>> {
    let bytes = fs::read(path).map_err(DataDirError::file(path))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => pem::decode_all("CERTIFICATE", text)?
            .iter()
            .map(|der| Certificate::from_der(der).map_err(DataDirError::from))
            .collect(),
        _ => Ok(vec![Certificate::from_der(&bytes)?]),
    }
}

fn beside_the_program() -> PathBuf {
    let program = env::current_exe().unwrap_or_default();
    program.parent().map(|folder| folder.join("provision")).unwrap_or_default()
}

fn default_folder() -> PathBuf {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        from("LOCALAPPDATA").unwrap_or_else(env::temp_dir).join("ycd")
    } else {
        from("XDG_DATA_HOME")
            .or_else(|| from("HOME").map(|data_dir| data_dir.join(".local/share")))
            .unwrap_or_else(env::temp_dir)
            .join("ycd")
    }
}
