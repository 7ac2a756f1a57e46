//! The assistant as a whole: what its parts share, and how they are started.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use ycd_flows::{
    clock::{Clock, SystemClock},
    messages::Language,
};

use crate::{
    context::Context,
    data_dir::{DataDir, PROJECT, PathOverrides},
    error::Result,
    events::Events,
    jobs::JobRunner,
    lock::lock,
    reminders::Reminders,
    seen::Seen,
    settings::Settings,
    tokens::TokenHub,
    view::{Done, Event, StartView},
};

/// Everything a screen can ask for. Dropping it ends its threads and driver hosts; a work under way is waited for.
pub struct Assistant {
    // In the order in which they are dropped.
    pub(crate) jobs: JobRunner,
    _reminders: Reminders,
    pub(crate) tokens: TokenHub,
    pub(crate) shared: Arc<Context>,
}

impl Assistant {
    /// Opens the data folder and begins to watch for tokens. Never fails: what cannot be used is told where it is needed,
    /// and in the diagnosis.
    pub fn open(path_overrides: PathOverrides, host_exe: Option<PathBuf>) -> Self {
        Self::open_at(path_overrides, host_exe, Arc::new(SystemClock))
    }

    /// As [`open`](Self::open), at another time.
    pub fn open_at(path_overrides: PathOverrides, host_exe: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let data_dir = DataDir::at(path_overrides);
        let (drivers, profiles_failed) = data_dir.drivers_or_embedded();
        let shared = Arc::new(Context {
            settings: Mutex::new(data_dir.settings()),
            seen: Seen::of(&data_dir),
            data_dir,
            drivers,
            profiles_failed,
            host_exe,
            clock,
            events: Events::default(),
        });
        let tokens = TokenHub::start(Arc::clone(&shared));
        let reminders = Reminders::start(Arc::clone(&shared));
        let jobs = JobRunner::new(Arc::clone(&shared), tokens.handle());
        Self { jobs, _reminders: reminders, tokens, shared }
    }

    /// Tells `listener` of all that happens from now on, until it answers `false`.
    pub fn listen(&self, listener: impl FnMut(&Event) -> bool + Send + 'static) {
        self.shared.events.listen(listener);
    }

    /// The language in use.
    pub fn language(&self) -> Language {
        self.shared.language()
    }

    /// Whether the token is being written: then nothing should be closed.
    pub fn is_writing(&self) -> bool {
        self.jobs.is_writing()
    }

    pub fn settings(&self) -> Settings {
        self.shared.settings()
    }

    pub(crate) fn start(&self) -> Result<StartView> {
        Ok(StartView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: self.shared.settings(),
            portal: self.portal_setup()?,
            project: self.shared.data_dir.read_json(PROJECT),
            session: self.session()?,
            tokens: self.tokens.view(),
            unfinished: self.unfinished_job()?,
            job: self.jobs.view(),
        })
    }

    /// The system's own list of what starts with a session says this, and the setting follows it: others may have changed
    /// it. Gives what the list has to say in the end: a wish that the program came with is to be carried out, once; from
    /// then on the setting is the user's own.
    ///
    /// # Errors
    /// The settings cannot be written.
    pub fn take_over_autostart(&self, listed: bool) -> Result<bool> {
        let settings = self.settings();
        let is_still_a_wish = settings.autostart && !self.shared.data_dir.has_own_settings();
        let wanted = listed || is_still_a_wish;
        if is_still_a_wish || settings.autostart != wanted {
            self.change_settings(Settings { autostart: wanted, ..settings })?;
        }
        Ok(wanted)
    }

    pub(crate) fn change_settings(&self, settings: Settings) -> Result<Settings> {
        self.shared.data_dir.keep_settings(&settings)?;
        let language_changed = {
            let mut kept = lock(&self.shared.settings);
            let changed = kept.language != settings.language;
            *kept = settings.clone();
            changed
        };
        self.shared.events.tell(&Event::Settings { settings: settings.clone() });
        if language_changed {
            // Words of the last language stand in what was told.
            self.tokens.tell_again();
            self.jobs.tell_again();
            self.shared.events.tell(&Event::Unfinished { items: self.unfinished_job()? });
        }
        Ok(settings)
    }

    pub(crate) fn dismiss_job(&self, job: u32) -> Result<Done> {
        self.jobs.dismiss(job)
    }
}
