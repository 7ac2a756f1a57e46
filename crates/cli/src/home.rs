//! The assistant's data folder: settings, trusted roots, sessions, journal.
//!
//! | file | what |
//! | --- | --- |
//! | `config.toml` | `portal = "https://…"`, and the name and keys it had when it was set up |
//! | `anchors/*.pem` | the roots that certificates must lead to |
//! | `session.json`, `session-operator.json` | a login, readable by the user only |
//! | `journal.sqlite` | where work that was broken off stands |

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use ycd_flows::{journal::Journal, lock::KeyLocks, trust::PinnedPortal};
use ycd_pki::{Certificate, pem};
use ycd_portal_api::{
    Client, Patience,
    wire::{
        login::{Session, SessionToken},
        unlock::{PinRules, PortalKeys},
    },
};
use ycd_token::{Drivers, Keys, PinPolicy};

use crate::{
    args::Common,
    error::{CliError, Result},
};

pub struct Home {
    folder: PathBuf,
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

#[derive(Serialize, Deserialize)]
struct KeptSession {
    /// The portal it belongs to: it is sent nowhere else.
    portal: String,
    session: Session,
}

impl Home {
    pub fn of(common: &Common) -> Self {
        Self {
            folder: common.home.clone().unwrap_or_else(default_folder),
            portal: common.portal.clone(),
            drivers: common.drivers.clone(),
            softkey_dir: common.softkey_dir.clone(),
        }
    }

    pub fn drivers(&self) -> Result<Drivers> {
        let drivers = Drivers::load(self.drivers.as_deref())?;
        Ok(drivers.with_env("YCD_SOFTKEY_DIR", self.softkey_folder()))
    }

    pub fn keys(&self) -> Result<Keys> {
        Ok(Keys::open(&self.drivers()?, None))
    }

    pub fn softkey_folder(&self) -> PathBuf {
        self.softkey_dir.clone().unwrap_or_else(|| self.folder.join("softkey"))
    }

    /// The portal's address.
    pub fn portal(&self) -> Result<String> {
        match &self.portal {
            Some(portal) => Ok(portal.clone()),
            None => self.config()?.portal.ok_or(CliError::NoPortal),
        }
    }

    /// For calls that need no login.
    pub fn client(&self) -> Result<Client> {
        Ok(Client::new(&self.portal()?, Patience::default())?)
    }

    /// With the session, where there is one; without one the portal says so itself.
    pub fn client_as(&self, role: Role) -> Result<Client> {
        let client = self.client()?;
        Ok(match self.session(role)? {
            Some(token) => client.with_session(token),
            None => client,
        })
    }

    /// The portal that this machine was set up with.
    pub fn trust(&self) -> Result<PinnedPortal> {
        self.pinned()?.ok_or(CliError::PortalNotPinned)
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

    /// Keeps a portal's address, its name and keys, and copies of the roots that it is trusted by. Tells whether name and
    /// keys are known now: not where the portal cannot be reached.
    pub fn use_portal(&self, url: &str, anchors: &[PathBuf]) -> Result<bool> {
        let client = Client::new(url, Patience::default())?;
        let (pinned, pin) = match client.portal_keys().and_then(|keys| Ok((keys, client.project()?.pin))) {
            Ok((keys, pin)) => {
                PinnedPortal::from_wire(&keys)?;
                (Some(keys), Some(pin))
            }
            Err(error) if error.is_passing() => (None, None),
            Err(error) => return Err(error.into()),
        };
        let mut texts = Vec::new();
        for path in anchors {
            let text = fs::read_to_string(path).map_err(CliError::file(path))?;
            let found = pem::decode_all("CERTIFICATE", &text)?;
            if found.is_empty() {
                return Err(CliError::config(path, "no certificate in it"));
            }
            for der in found {
                texts.push(Certificate::from_der(&der)?.to_pem()?);
            }
        }
        let folder = self.folder.join("anchors");
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(CliError::file(&folder))?;
        }
        fs::create_dir_all(&folder).map_err(CliError::file(&folder))?;
        for (index, text) in texts.iter().enumerate() {
            let path = folder.join(format!("{}.pem", index + 1));
            fs::write(&path, text).map_err(CliError::file(&path))?;
        }
        let path = self.folder.join("config.toml");
        let is_pinned = pinned.is_some();
        let text = toml::to_string(&Config { portal: Some(url.to_owned()), pinned, pin })
            .map_err(|error| CliError::config(&path, error))?;
        fs::write(&path, text).map_err(CliError::file(&path))?;
        Ok(is_pinned)
    }

    /// The roots this machine trusts.
    pub fn anchors(&self) -> Result<Vec<Certificate>> {
        let folder = self.folder.join("anchors");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let mut paths = Vec::new();
        for entry in fs::read_dir(&folder).map_err(CliError::file(&folder))? {
            paths.push(entry.map_err(CliError::file(&folder))?.path());
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
    pub fn locks() -> Result<KeyLocks> {
        let folder = match env::var_os("XDG_RUNTIME_DIR") {
            Some(runtime) => PathBuf::from(runtime).join("ycd-locks"),
            None => {
                let user = env::var("USER").or_else(|_| env::var("USERNAME")).unwrap_or_default();
                env::temp_dir().join(format!("ycd-locks-{user}"))
            }
        };
        Ok(KeyLocks::in_folder(&folder)?)
    }

    pub fn keep_session(&self, role: Role, session: Session) -> Result {
        self.make()?;
        let path = self.session_file(role);
        let kept = KeptSession { portal: self.portal()?, session };
        let text = zeroize::Zeroizing::new(
            serde_json::to_string(&kept).map_err(|error| CliError::config(&path, error))?,
        );
        // Written beside it and renamed, so that it is never readable by others, nor half there.
        let beside = path.with_extension("new");
        let _ = fs::remove_file(&beside);
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&beside).map_err(CliError::file(&beside))?;
        file.write_all(text.as_bytes()).map_err(CliError::file(&beside))?;
        drop(file);
        fs::rename(&beside, &path).map_err(CliError::file(&path))
    }

    pub fn forget_session(&self, role: Role) -> Result {
        let path = self.session_file(role);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(CliError::file(&path)(error)),
            _ => Ok(()),
        }
    }

    fn session(&self, role: Role) -> Result<Option<SessionToken>> {
        let path = self.session_file(role);
        if !path.exists() {
            return Ok(None);
        }
        let text = zeroize::Zeroizing::new(fs::read_to_string(&path).map_err(CliError::file(&path))?);
        let kept: KeptSession =
            serde_json::from_str(&text).map_err(|error| CliError::config(&path, error))?;
        Ok((kept.portal == self.portal()?).then_some(kept.session.token))
    }

    fn session_file(&self, role: Role) -> PathBuf {
        self.folder.join(match role {
            Role::Applicant => "session.json",
            Role::Operator => "session-operator.json",
        })
    }

    fn config(&self) -> Result<Config> {
        let path = self.folder.join("config.toml");
        if !path.exists() {
            return Ok(Config::default());
        }
        let text = fs::read_to_string(&path).map_err(CliError::file(&path))?;
        toml::from_str(&text).map_err(|error| CliError::config(&path, error.message()))
    }

    fn make(&self) -> Result {
        fs::create_dir_all(&self.folder).map_err(CliError::file(&self.folder))
    }
}

/// Certificates of a file: any number as PEM, or one as DER.
pub fn read_certificates(path: &Path) -> Result<Vec<Certificate>> {
    let bytes = fs::read(path).map_err(CliError::file(path))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => pem::decode_all("CERTIFICATE", text)?
            .iter()
            .map(|der| Certificate::from_der(der).map_err(CliError::from))
            .collect(),
        _ => Ok(vec![Certificate::from_der(&bytes)?]),
    }
}

fn default_folder() -> PathBuf {
    let from = |name: &str| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if cfg!(windows) {
        from("LOCALAPPDATA").unwrap_or_else(env::temp_dir).join("ycd")
    } else {
        from("XDG_DATA_HOME")
            .or_else(|| from("HOME").map(|home| home.join(".local/share")))
            .unwrap_or_else(env::temp_dir)
            .join("ycd")
    }
}
