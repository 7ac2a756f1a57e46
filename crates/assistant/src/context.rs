//! What every part of the assistant needs, and what knows none of them.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use ycd_flows::{clock::Clock, messages::Language};
use ycd_token::{Drivers, ProfileError};

use crate::{data_dir::DataDir, events::Events, lock::lock, seen::Seen, settings::Settings};

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
    pub(crate) settings: Mutex<Settings>,
}

impl Context {
    pub fn language(&self) -> Language {
        self.settings().language.into()
    }

    pub fn settings(&self) -> Settings {
        lock(&self.settings).clone()
    }
}
