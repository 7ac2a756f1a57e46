//! The profiles of this machine, and the modules found for them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Interface, Profile, ProfileError, locations, parse};
use crate::{Result, TokenError, binary};

const BUILTIN: [(&str, &str); 14] = [
    ("card-2009.toml", include_str!("../../../../drivers-config/card-2009.toml")),
    ("ep11.toml", include_str!("../../../../drivers-config/ep11.toml")),
    ("feitian.toml", include_str!("../../../../drivers-config/feitian.toml")),
    ("haitai.toml", include_str!("../../../../drivers-config/haitai.toml")),
    ("itrus.toml", include_str!("../../../../drivers-config/itrus.toml")),
    ("koal.toml", include_str!("../../../../drivers-config/koal.toml")),
    ("luna.toml", include_str!("../../../../drivers-config/luna.toml")),
    ("mssince.toml", include_str!("../../../../drivers-config/mssince.toml")),
    ("sansec.toml", include_str!("../../../../drivers-config/sansec.toml")),
    ("softkey.toml", include_str!("../../../../drivers-config/softkey.toml")),
    ("tass.toml", include_str!("../../../../drivers-config/tass.toml")),
    ("watchdata.toml", include_str!("../../../../drivers-config/watchdata.toml")),
    ("westone-bgi.toml", include_str!("../../../../drivers-config/westone-bgi.toml")),
    ("westone.toml", include_str!("../../../../drivers-config/westone.toml")),
];

/// All profiles: the embedded ones, and those of the administrator's folder in front of them.
#[derive(Debug, Clone)]
pub struct Drivers {
    profiles: Vec<Arc<Profile>>,
    environment: Vec<(OsString, OsString)>,
}

impl Drivers {
    /// Reads the embedded profiles and every `*.toml` of the administrator's folder; a file there takes the place of
    /// the embedded one with the same name. `None` stands for [`default_admin_folder`], which need not exist.
    ///
    /// # Errors
    /// The first file that cannot be read or is no profile.
    pub fn load(admin_folder: Option<&Path>) -> Result<Self, ProfileError> {
        let mut texts: BTreeMap<String, (String, String)> = BTreeMap::new();
        match admin_folder {
            Some(folder) => read_folder(folder, &mut texts)?,
            None => {
                let folder = default_admin_folder();
                if folder.is_dir() {
                    read_folder(&folder, &mut texts)?;
                }
            }
        }
        let mut profiles = BTreeMap::new();
        for (name, text) in BUILTIN.iter().filter(|(name, _)| !texts.contains_key(*name)) {
            profiles
                .insert((*name).to_owned(), Arc::new(parse::own(&format!("drivers-config/{name}"), text)?));
        }
        for (name, (file, text)) in &texts {
            profiles.insert(name.clone(), Arc::new(Profile::from_toml(file, text)?));
        }
        Ok(Self { profiles: profiles.into_values().collect(), environment: Vec::new() })
    }

    /// The embedded profiles alone.
    ///
    /// # Errors
    /// None in practice: a test reads them all.
    pub fn embedded() -> Result<Self, ProfileError> {
        let own =
            |(name, text): &(&str, &str)| parse::own(&format!("drivers-config/{name}"), text).map(Arc::new);
        Ok(Self { profiles: BUILTIN.iter().map(own).collect::<Result<_, _>>()?, environment: Vec::new() })
    }

    /// Puts one more profile file in front, as the administrator's folder would; it takes the place of one with the
    /// same name.
    ///
    /// # Errors
    /// The file cannot be read or is no profile.
    pub fn with_file(mut self, file: &Path) -> Result<Self, ProfileError> {
        let name = file.display().to_string();
        let text = std::fs::read_to_string(file)
            .map_err(|error| ProfileError::Unreadable { file: name.clone(), detail: error.to_string() })?;
        let profile = Profile::from_toml(&name, &text)?;
        self.profiles.retain(|other| other.name != profile.name);
        self.profiles.insert(0, Arc::new(profile));
        Ok(self)
    }

    /// These profiles and no others.
    pub fn of(profiles: Vec<Profile>) -> Self {
        Self { profiles: profiles.into_iter().map(Arc::new).collect(), environment: Vec::new() }
    }

    /// Sets an environment variable for the hosts of all modules found from here on.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.profiles.iter().map(Arc::as_ref)
    }

    pub fn profile(&self, name: &str) -> Option<&Profile> {
        self.profiles().find(|profile| profile.name == name)
    }

    /// The modules that are installed, at most one for each profile.
    pub fn find_modules(&self) -> Vec<Driver> {
        self.lookups().into_iter().filter_map(|lookup| lookup.outcome.ok()).collect()
    }

    /// For every profile the module found, or why there is none.
    pub fn lookups(&self) -> Vec<Lookup> {
        self.profiles.iter().map(|profile| self.look_up(profile)).collect()
    }

    fn look_up(&self, profile: &Arc<Profile>) -> Lookup {
        let mut looked_in = Vec::new();
        let mut not_allowed = None;
        let lookup = |outcome, looked_in| Lookup { profile: profile.name.clone(), outcome, looked_in };
        if profile.interface != Interface::Pkcs11 {
            let error = TokenError::Unsupported { what: "interface skf".into() };
            return lookup(Err(error), looked_in);
        }
        for locations in locations::of_this_system(profile).filter(|locations| !locations.files.is_empty()) {
            for folder in locations::folders(locations) {
                for file in &locations.files {
                    let path = folder.join(file);
                    match Driver::new(profile.clone(), &path, locations.bits) {
                        Ok(mut driver) => {
                            looked_in.push(folder);
                            driver.environment.clone_from(&self.environment);
                            return lookup(Ok(driver), looked_in);
                        }
                        Err(error @ TokenError::ModuleNotAllowed { .. }) => {
                            not_allowed.get_or_insert(error);
                        }
                        Err(_) => {}
                    }
                }
                looked_in.push(folder);
            }
        }
        let missing = || {
            let files = locations::of_this_system(profile).flat_map(|locations| &locations.files);
            let files = files.map(String::as_str).collect::<Vec<_>>();
            let path = match files.as_slice() {
                [] => format!("{} (its file is not known)", profile.name),
                files => files.join(", "),
            };
            TokenError::ModuleMissing { path }
        };
        lookup(Err(not_allowed.unwrap_or_else(missing)), looked_in)
    }
}

/// A profile with the module that was found for it.
#[derive(Debug, Clone)]
pub struct Driver {
    pub profile: Arc<Profile>,
    /// Absolute, all links followed, inside a folder that the profile allows.
    pub module_path: PathBuf,
    /// 32 or 64: what its file is; where that tells nothing, what the profile says.
    pub bits: u8,
    /// Of the entry that it was found by, which decides what the placeholders of its folders stand for.
    entry_bits: u8,
    environment: Vec<(OsString, OsString)>,
}

impl Driver {
    /// `entry_bits`: of the profile's entries whose folders allow the module.
    ///
    /// # Errors
    /// [`TokenError::ModuleMissing`]; [`TokenError::ModuleNotAllowed`] where the file, links followed, lies outside
    /// the folders of the profile.
    pub fn new(profile: Arc<Profile>, module_path: &Path, entry_bits: u8) -> Result<Self> {
        let module_path = locations::allowed(&profile, module_path, entry_bits)?;
        let bits = binary::bits(&module_path).unwrap_or(entry_bits);
        Ok(Self { profile, module_path, bits, entry_bits, environment: Vec::new() })
    }

    /// Sets an environment variable for the host of this module.
    #[must_use]
    pub fn with_env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((name.into(), value.into()));
        self
    }

    pub(crate) fn environment(&self) -> &[(OsString, OsString)] {
        &self.environment
    }

    /// The fields are public and files can be exchanged: looked at again before every start of a host.
    pub(crate) fn check(&self) -> Result<PathBuf> {
        locations::allowed(&self.profile, &self.module_path, self.entry_bits)
    }
}

/// What came of looking for the module of one profile.
#[derive(Debug, Clone)]
pub struct Lookup {
    pub profile: String,
    /// [`TokenError::ModuleMissing`], [`TokenError::ModuleNotAllowed`], [`TokenError::Unsupported`].
    pub outcome: Result<Driver>,
    /// Empty where the profile names no file for this system.
    pub looked_in: Vec<PathBuf>,
}

/// `/etc/ycd/drivers.d`, `%ProgramData%\ycd\drivers.d`.
pub fn default_admin_folder() -> PathBuf {
    if cfg!(windows) {
        let data =
            std::env::var_os("ProgramData").map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from);
        data.join("ycd").join("drivers.d")
    } else {
        PathBuf::from("/etc/ycd/drivers.d")
    }
}

fn read_folder(folder: &Path, texts: &mut BTreeMap<String, (String, String)>) -> Result<(), ProfileError> {
    let unreadable = |path: &Path, error: std::io::Error| ProfileError::Unreadable {
        file: path.display().to_string(),
        detail: error.to_string(),
    };
    for entry in std::fs::read_dir(folder).map_err(|e| unreadable(folder, e))? {
        let path = entry.map_err(|e| unreadable(folder, e))?.path();
        let Some(name) =
            path.file_name().and_then(|name| name.to_str()).filter(|name| name.ends_with(".toml"))
        else {
            continue;
        };
        let text = std::fs::read_to_string(&path).map_err(|e| unreadable(&path, e))?;
        texts.insert(name.to_owned(), (path.display().to_string(), text));
    }
    Ok(())
}
