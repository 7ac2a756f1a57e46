//! What happens in the assistant that the desktop should know.

use tauri::AppHandle;
use ycd_assistant::{
    Assistant,
    settings::Settings,
    view::{Event, JobView, Reminder},
    words::word,
};

use crate::{autostart, awake::Awake, notify, tray, window};

/// From now until the program ends.
pub fn begin(app: &AppHandle, assistant: &Assistant) {
    let settings = assistant.settings();
    let why = word("window.writing", settings.language, &[]);
    let mut desktop = Desktop {
        app: app.clone(),
        awake: Awake::new(&app.config().identifier, &why),
        settings: settings.clone(),
        is_writing: false,
    };
    assistant.listen(move |event| {
        desktop.hear(event);
        true
    });
    autostart::take_over(app);
}

struct Desktop {
    app: AppHandle,
    awake: Awake,
    settings: Settings,
    is_writing: bool,
}

impl Desktop {
    fn hear(&mut self, event: &Event) {
        match event {
            Event::Reminder { reminder } => remind(&self.app, reminder),
            Event::Settings { settings } => self.settings_changed(settings),
            Event::Job { job } => self.job_changed(job.as_deref()),
            Event::Tokens { .. } | Event::Session { .. } | Event::Unfinished { .. } => {}
        }
    }

    fn settings_changed(&mut self, settings: &Settings) {
        if settings.language != self.settings.language {
            tray::speak(&self.app, settings.language);
        }
        if settings.autostart != self.settings.autostart {
            autostart::follow(&self.app, settings.autostart);
        }
        self.settings = settings.clone();
    }

    fn job_changed(&mut self, job: Option<&JobView>) {
        let is_writing = job.is_some_and(|job| job.on_token);
        if is_writing != self.is_writing {
            self.awake.keep(is_writing);
        }
        self.is_writing = is_writing;
        let has_ended = job.is_some_and(|job| job.outcome.is_some());
        if has_ended && !window::is_open(&self.app) {
            notify::say(&self.app, "window.work_over", &[]);
        }
    }
}

fn remind(app: &AppHandle, reminder: &Reminder) {
    let name = if reminder.days_left > 0 { "window.reminder" } else { "window.reminder_today" };
    let values = [
        ("holder", reminder.holder.clone()),
        ("days", reminder.days_left.to_string()),
        ("tail", reminder.tail.clone()),
    ];
    notify::say(app, name, &values);
}
