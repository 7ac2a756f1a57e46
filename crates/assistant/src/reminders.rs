//! Certificates that come to their end. What was seen on tokens is kept, so that a reminder needs neither token nor
//! network.

use std::{
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread,
    time::Duration,
};

use crate::{context::Context, view::Event};

/// How often validity periods are looked at while the program runs.
const LOOK: Duration = Duration::from_secs(4 * 3600);
/// Nobody is reminded while the program is still starting.
const FIRST_LOOK: Duration = Duration::from_secs(20);

pub(crate) struct Reminders {
    end: Option<Sender<()>>,
}

impl Reminders {
    pub fn start(shared: Arc<Context>) -> Self {
        let (end, ended) = mpsc::channel::<()>();
        thread::spawn(move || {
            let mut pause = FIRST_LOOK;
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(pause) {
                pause = LOOK;
                if shared.settings().reminders {
                    for reminder in shared.seen.due(&shared.data_dir, shared.clock.now()) {
                        shared.events.tell(&Event::Reminder { reminder });
                    }
                }
            }
        });
        Self { end: Some(end) }
    }
}

impl Drop for Reminders {
    fn drop(&mut self) {
        self.end.take();
    }
}
