//! No sleep while a token is written. A machine that sleeps all the same does no harm: the work is taken up again.

use std::{
    sync::mpsc::{Sender, channel},
    thread,
};

use keepawake::KeepAwake;

/// Holds sleep off when told to, in a thread of its own: the system may take its time to answer, and Windows ties
/// the wish to the thread that has it.
pub struct Awake {
    wanted: Sender<bool>,
}

impl Awake {
    pub fn new(app_name: &str, why: &str) -> Self {
        let (app_name, why) = (app_name.to_owned(), why.to_owned());
        let (wanted, wishes) = channel::<bool>();
        thread::spawn(move || {
            let mut held: Option<KeepAwake> = None;
            for wanted in wishes {
                if !wanted {
                    held = None;
                } else if held.is_none() {
                    held = hold(&app_name, &why);
                }
            }
        });
        Self { wanted }
    }

    /// From now on.
    pub fn keep(&self, wanted: bool) {
        // The thread ends with this value only.
        let _ = self.wanted.send(wanted);
    }
}

fn hold(app_name: &str, why: &str) -> Option<KeepAwake> {
    let mut wish = keepawake::Builder::default();
    wish.sleep(true).idle(true).app_name(app_name).app_reverse_domain(app_name).reason(why);
    wish.create().inspect_err(|error| tracing::info!(%error, "sleep is not held off")).ok()
}
