//! The assistant as a whole: its parts, and how they are started.

use std::{path::PathBuf, sync::Arc};

use ycd_flows::{
    clock::{Clock, SystemClock},
    messages::Language,
};

use crate::{
    context::Context, data_dir::PathOverrides, jobs::JobRunner, reminders::Reminders, settings::Settings,
    tokens::TokenHub, view::Event,
};

/// Everything a screen can ask for. Dropping it ends its threads and driver hosts; a job under way is waited for.
pub struct Assistant {
    // In the order in which they are dropped.
    pub(crate) jobs: JobRunner,
    _reminders: Reminders,
    pub(crate) tokens: TokenHub,
    pub(crate) shared: Arc<Context>,
}

impl Assistant {
    /// Opens the data directory and begins to watch for tokens. Never fails: what cannot be used is told where it is
    /// needed, and in the diagnosis.
    pub fn open(path_overrides: PathOverrides, host_exe: Option<PathBuf>) -> Self {
        Self::open_at(path_overrides, host_exe, Arc::new(SystemClock))
    }

    /// As [`open`](Self::open), at another time.
    pub fn open_at(path_overrides: PathOverrides, host_exe: Option<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        let shared = Arc::new(Context::open(path_overrides, host_exe, clock));
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
}
