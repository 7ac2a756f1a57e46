//! `ycd-host`: loads one vendor module and does whole operations on its keys.
//!
//! Vendor modules crash, hang, print and open windows, so each one lives in a process like this one, which can be
//! killed. It is started by `ycd_token::ModuleHost`, told over its pipes which module to load ([`Call::Open`]), and
//! does one call after the other. It ends when its pipe closes, when its owner is gone, and when nobody has called
//! for a while. What tokens sign is built here, from authorizations and subjects; bytes are never signed as they come.
//!
//! `YCD_HOST_LOG`, set to anything, leaves standard error open for what modules print.

mod card;
mod crash;
mod devices;
mod guard;
mod loading;
mod memory;
mod pkcs11;
mod streams;
mod unlock;

use std::fs::File;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ycd_token::wire::{self, Call, Frames, FromHost, PREAMBLE, Reply, Request};
use ycd_token::{TokenAccess as _, TokenError};

use crate::pkcs11::Module;

/// While an unlock is under way, nobody need call for this long: a release of ten minutes is typed a PIN for.
const UNLOCK: Duration = Duration::from_secs(660);

/// What the loop and the guard share. Whoever holds it is the only one in the module.
struct Host {
    module: Option<Module>,
    to_owner: File,
    last_call: Instant,
}

fn main() -> ExitCode {
    let places = loading::from_known_places_only();
    crash::leave_no_trace();
    memory::limit();
    // Before anything else: a module may print as soon as it is loaded.
    let served = places
        .and_then(|()| streams::take_over())
        .and_then(|(from_owner, to_owner)| serve(from_owner, to_owner));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn serve(from_owner: File, mut to_owner: File) -> io::Result<()> {
    let guarded = from_owner.try_clone()?;
    let mut frames = Frames::new(from_owner);
    // First, so that an owner of another release hears why nothing comes.
    to_owner.write_all(&PREAMBLE)?;
    frames.preamble()?;
    let first: Request = frames.receive()?;
    let Call::Open(open) = first.call else { return Err(io::ErrorKind::InvalidData.into()) };
    let host = Arc::new(Mutex::new(Host { module: None, to_owner, last_call: Instant::now() }));
    guard::start(guarded, open.owner, open.idle_ms, host.clone())?;
    {
        let mut host = host.lock().unwrap_or_else(PoisonError::into_inner);
        let result = Module::open(&open.module, open.profile).map(|(module, info)| {
            host.module = Some(module);
            Reply::Opened(info)
        });
        host.answer(first.id, result)?;
    }
    loop {
        let request = match frames.receive::<Request>() {
            Ok(request) => request,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            Err(error) => return Err(error),
        };
        let mut host = host.lock().unwrap_or_else(PoisonError::into_inner);
        let result = match host.module.as_mut() {
            Some(module) => perform(module, request.call),
            None => Err(TokenError::Protocol { detail: "no module is open".into() }),
        };
        host.answer(request.id, result)?;
    }
    host.lock().unwrap_or_else(PoisonError::into_inner).module = None;
    Ok(())
}

fn perform(module: &mut Module, call: Call) -> ycd_token::Result<Reply> {
    match call {
        Call::Open(_) => Err(TokenError::Protocol { detail: "a module is open already".into() }),
        Call::Ping => Ok(Reply::Done),
        Call::List => module.list().map(Reply::Tokens),
        Call::Token(token, call) => call.perform(module, &token).map(Reply::Token),
        Call::Unlock(token, call) => call.perform(module, &token).map(Reply::Unlock),
        Call::WaitForEvent => module.wait_for_event().map(|()| Reply::Done),
        Call::WaitForDevices => devices::wait().map(|()| Reply::Done),
        Call::Mechanisms => module.mechanisms().map(Reply::Mechanisms),
    }
}

impl Host {
    fn answer(&mut self, id: u64, result: ycd_token::Result<Reply>) -> io::Result<()> {
        self.last_call = Instant::now();
        match wire::send(&mut self.to_owner, &FromHost::Answer { id, result }) {
            // A module that tells of more than any token holds.
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                let result = Err(TokenError::Protocol { detail: format!("the module: {error}") });
                wire::send(&mut self.to_owner, &FromHost::Answer { id, result })
            }
            sent => sent,
        }
    }

    /// Whether there is no more work: nobody has called for this long, nor will go on with an unlock.
    fn is_idle(&self, idle: Duration) -> bool {
        let quiet = self.last_call.elapsed();
        let waits = quiet < UNLOCK && self.module.as_ref().is_some_and(Module::holds_secrets);
        quiet >= idle && !waits
    }

    /// Logs out, unloads, and says so.
    fn say_goodbye(&mut self) {
        self.module = None;
        let _ = wire::send(&mut self.to_owner, &FromHost::Goodbye);
    }
}
