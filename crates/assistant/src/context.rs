//! What every part of the assistant works with. It knows none of them.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use ycd_flows::{clock::Clock, messages::Language};
use ycd_token::{Drivers, ProfileError};

use crate::{
    data_dir::{DataDir, PathOverrides},
    error::Result,
    events::Events,
    lock::lock,
    seen::Seen,
    settings::Settings,
    view::Event,
};

/// What every part needs.
pub(crate) struct Context {
    pub data_dir: DataDir,
    pub drivers: Drivers,
    /// Why the administrator's driver profiles are not used.
    pub profiles_failed: Option<ProfileError>,
    /// The driver host; `None` for the one beside this program.
    pub host_exe: Option<PathBuf>,
    pub clock: Arc<dyn Clock>,
    pub events: Events,
    pub seen: Seen,
    settings: Mutex<Settings>,
}

impl Context {
    pub fn open(path_overrides: PathOverrides, host_exe: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let data_dir = DataDir::at(path_overrides);
        let (drivers, profiles_failed) = data_dir.drivers_or_embedded();
        let settings = Mutex::new(data_dir.settings());
        let seen = Seen::of(&data_dir);
        Self {
            settings,
            seen,
            data_dir,
            drivers,
            profiles_failed,
            host_exe,
            clock,
            events: Events::default(),
        }
    }

    pub fn language(&self) -> Language {
        self.settings().language.into()
    }

    pub fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }

    /// Keeps them and tells of it; gives whether the language is another one now.
    ///
    /// # Errors
    /// They cannot be written.
    pub fn change_settings(&self, settings: &Settings) -> Result<bool> {
        self.data_dir.keep_settings(settings)?;
        let language_changed = {
            let mut kept = lock(&self.settings);
            let changed = kept.language != settings.language;
            *kept = settings.clone();
            changed
        };
        self.events.tell(&Event::Settings { settings: settings.clone() });
        Ok(language_changed)
    }
}
