//! Models that are plugged in and lack their driver; and drivers that are installed while somebody waits for one.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::{Modules, TokenEvent};
use crate::profile::Drivers;
use crate::report::models_without_driver_now;

/// After a hint: a token that is plugged in brings several, and who reads it goes first.
const SETTLE: Duration = Duration::from_millis(300);
/// Between two looks for a driver that is missing. Only then does anything here wake up by itself.
const INSTALLED: Duration = Duration::from_secs(2);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// A card or a USB device came or went.
    Look,
    Stop,
}

pub struct MissingDriverWatcher {
    pub drivers: Drivers,
    pub host_exe: PathBuf,
    pub modules: Modules,
    pub events: Sender<TokenEvent>,
    /// Names of profiles, as they were told last.
    pub missing: Vec<String>,
}

impl MissingDriverWatcher {
    pub fn run(mut self, hints: &Receiver<Hint>) {
        // Whoever has just started has more urgent things to do.
        if settled(hints) == Hint::Stop {
            return;
        }
        loop {
            self.look();
            let hint = if self.missing.is_empty() {
                hints.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                hints.recv_timeout(INSTALLED)
            };
            match hint {
                Ok(Hint::Look) => {
                    if settled(hints) == Hint::Stop {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Hint::Stop) | Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn look(&mut self) {
        let lookups = self.drivers.lookups();
        let missing = models_without_driver_now(&self.drivers, &lookups);
        let missing: Vec<String> = missing.into_iter().map(|profile| profile.name.clone()).collect();
        // Told before the tokens of a driver that was installed: who reads them has to know the driver.
        if missing != self.missing {
            self.missing.clone_from(&missing);
            let _ = self.events.send(TokenEvent::DriversMissing(missing));
        }
        for driver in lookups.into_iter().filter_map(|lookup| lookup.outcome.ok()) {
            self.modules.watch(&self.host_exe, driver);
        }
    }
}

/// Waits until hints have come to an end, or the watch has.
fn settled(hints: &Receiver<Hint>) -> Hint {
    loop {
        match hints.recv_timeout(SETTLE) {
            Ok(Hint::Look) => {}
            Err(RecvTimeoutError::Timeout) => return Hint::Look,
            Ok(Hint::Stop) | Err(RecvTimeoutError::Disconnected) => return Hint::Stop,
        }
    }
}
