//! What a first page needs, and the settings.

use crate::{Assistant, error::Result, settings::Settings, view::StartView};

impl Assistant {
    pub(crate) fn start(&self) -> Result<StartView> {
        Ok(StartView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            settings: self.shared.settings(),
            portal: self.portal_setup()?,
            project: self.shared.data_dir.read_json(crate::portal::PROJECT),
            session: self.session()?,
            tokens: self.tokens.view(),
            unfinished: self.jobs.unfinished()?,
            job: self.jobs.view(),
        })
    }

    /// The system's own list of what starts with a session says this, and the setting follows it: others may have
    /// changed it. Gives what the list has to say in the end: a wish that the program came with is to be carried out,
    /// once; from then on the setting is the user's own.
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
        if self.shared.change_settings(&settings)? {
            // Words of the last language stand in what was told.
            self.tokens.tell_again();
            self.jobs.tell_again();
            self.jobs.tell_unfinished()?;
        }
        Ok(settings)
    }
}
