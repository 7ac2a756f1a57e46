//! The loaded module, and the way of every call: counted, faulted, done, and never a panic to the caller.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use cryptoki_sys::*;

use super::process::OfProcess;
use super::tokens::Tokens;
use super::{Rv, abi};
use crate::fault::{Action, ControlFile, Fault, When};
use crate::soft_token::{Effect, SoftToken};
use crate::store::Folder;

/// Names the folder of the tokens; read by `C_Initialize`.
pub const DIR_VARIABLE: &str = "YCD_SOFTKEY_DIR";
/// How often a waiting `C_WaitForSlotEvent` looks at the folder.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Of this process: a forked child has none before its own `C_Initialize` (PKCS#11 2.20, 6.6.1).
static MODULE: OfProcess<RwLock<Option<Arc<Module>>>> = OfProcess::new();

/// From `C_Initialize` to `C_Finalize`.
pub struct Module {
    folder: Folder,
    /// None where there is no folder.
    control: Option<ControlFile>,
    tokens: Mutex<Tokens>,
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    calls: usize,
    ended: bool,
}

/// What a call names, which tells the token that it is about.
#[derive(Clone, Copy)]
pub enum On {
    Nothing,
    Slot(CK_SLOT_ID),
    Session(CK_SESSION_HANDLE),
}

/// Does one call. `function` is its name for rules and trace.
pub fn call(function: &str, on: On, act: impl FnOnce(&Module, Effect) -> Rv) -> CK_RV {
    guard(|| current()?.call(function, on, act))
}

/// `C_Initialize`. Without [`DIR_VARIABLE`], or when its folder is not there, there are no slots.
pub fn initialize() -> CK_RV {
    guard(|| {
        let mut current = MODULE.get().write().unwrap_or_else(PoisonError::into_inner);
        if current.is_some() {
            return Err(CKR_CRYPTOKI_ALREADY_INITIALIZED);
        }
        let named = std::env::var_os(DIR_VARIABLE).filter(|dir| !dir.is_empty());
        // Made absolute now: a caller may change its working directory later.
        let dir = named.map(std::path::absolute).transpose().map_err(|_| CKR_GENERAL_ERROR)?;
        let has_dir = dir.is_some();
        let folder = Folder::new(dir.unwrap_or_default());
        let module = Arc::new(Module {
            control: has_dir.then(|| ControlFile::new(&folder)),
            tokens: Mutex::new(Tokens::new(folder.clone())),
            folder,
            waiting: Mutex::default(),
            changed: Condvar::new(),
        });
        module.call("C_Initialize", On::Nothing, |_, _| {
            *current = Some(Arc::clone(&module));
            Ok(())
        })
    })
}

/// `C_Finalize`: calls that wait are sent home before it returns.
pub fn finalize() -> CK_RV {
    call("C_Finalize", On::Nothing, |module, _| {
        let taken = MODULE.get().write().unwrap_or_else(PoisonError::into_inner).take();
        if taken.is_none() {
            return Err(CKR_CRYPTOKI_NOT_INITIALIZED);
        }
        let mut waiting = module.waiting();
        waiting.ended = true;
        module.changed.notify_all();
        while waiting.calls > 0 {
            waiting = module.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    })
}

/// Answers for functions that need no more of the module than that it is initialized.
pub fn refuse(function: &str, on: On, answer: CK_RV) -> CK_RV {
    call(function, on, |_, _| Err(answer))
}

/// A panic is a fault of this module; it must not unwind into a caller in C.
pub fn guard(act: impl FnOnce() -> Rv) -> CK_RV {
    match catch_unwind(AssertUnwindSafe(act)) {
        Ok(Ok(())) => CKR_OK,
        Ok(Err(rv)) => rv,
        Err(_) => CKR_GENERAL_ERROR,
    }
}

fn current() -> Rv<Arc<Module>> {
    let module = MODULE.get().read().unwrap_or_else(PoisonError::into_inner);
    module.clone().ok_or(CKR_CRYPTOKI_NOT_INITIALIZED)
}

impl Module {
    pub fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `C_WaitForSlotEvent`.
    pub fn slot_event(&self, block: bool) -> Rv<CK_SLOT_ID> {
        if !block {
            return self.tokens().slot_event()?.ok_or(CKR_NO_EVENT);
        }
        self.waiting().calls += 1;
        let event = loop {
            match self.tokens().slot_event() {
                Ok(None) => {}
                Ok(Some(slot)) => break Ok(slot),
                Err(e) => break Err(e),
            }
            let waiting = self.waiting();
            if waiting.ended {
                break Err(CKR_CRYPTOKI_NOT_INITIALIZED);
            }
            let waited = self.changed.wait_timeout(waiting, LOOK_EVERY);
            if waited.unwrap_or_else(PoisonError::into_inner).0.ended {
                break Err(CKR_CRYPTOKI_NOT_INITIALIZED);
            }
        };
        self.waiting().calls -= 1;
        self.changed.notify_all();
        event
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn call(&self, function: &str, on: On, act: impl FnOnce(&Self, Effect) -> Rv) -> Rv {
        let token = match on {
            On::Nothing => None,
            On::Slot(id) => self.tokens().serial_of_slot(id),
            On::Session(handle) => self.tokens().serial_of_session(handle),
        };
        let faults = match &self.control {
            Some(control) => control.on_call(function, token.as_deref()).map_err(|_| CKR_GENERAL_ERROR)?,
            None => Vec::new(),
        };
        let mut effect = Effect::Kept;
        for fault in faults.iter().filter(|f| f.when == When::Before) {
            effect = self.strike(fault, token.as_deref())?.unwrap_or(effect);
        }
        let length = faults.iter().find_map(|fault| match fault.action {
            Action::Length(length) => Some(length),
            _ => None,
        });
        let mut answer = abi::telling(length, || act(self, effect));
        if let Effect::Torn(_) = effect {
            self.unplug(token.as_deref())?;
            answer = Err(removed(on));
        }
        for fault in faults.iter().filter(|f| f.when == When::After) {
            self.strike(fault, token.as_deref())?;
            if fault.action == Action::Unplug && token.is_some() {
                answer = Err(removed(on));
            }
        }
        answer
    }

    fn strike(&self, fault: &Fault, token: Option<&str>) -> Rv<Option<Effect>> {
        match fault.action {
            Action::Unplug => self.unplug(token)?,
            Action::Hang => loop {
                std::thread::park();
            },
            Action::Crash => std::process::abort(),
            Action::Code(code) => return Err(CK_RV::from(code)),
            Action::DelayMs(ms) => std::thread::sleep(Duration::from_millis(ms)),
            Action::Torn(leaves) => return Ok(Some(Effect::Torn(leaves))),
            Action::Eat => return Ok(Some(Effect::Eaten)),
            // In the call itself.
            Action::Length(_) => {}
            Action::Print(bytes) => print(bytes),
            Action::Hoard(mib) => hoard(mib)?,
        }
        Ok(None)
    }

    /// Pulls the token that the call is about, or all of them.
    fn unplug(&self, token: Option<&str>) -> Rv {
        let serials = match token {
            Some(serial) => vec![serial.to_owned()],
            None => self.tokens().serial_numbers(),
        };
        for serial in serials {
            SoftToken::new(&self.folder, &serial).set_inserted(false).map_err(super::rv)?;
        }
        Ok(())
    }
}

/// To standard output and standard error, which may lead nowhere.
fn print(bytes: u32) {
    let text = [b"driver: this is a debug build\n".as_slice(); 1024].concat();
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let mut left = usize::try_from(bytes).unwrap_or(usize::MAX);
    while left > 0 {
        let part = &text[..left.min(text.len())];
        let _ = (out.write_all(part), err.write_all(part));
        left -= part.len();
    }
    let _ = out.flush();
}

/// Takes memory and never gives it back.
fn hoard(mib: u32) -> Rv {
    for _ in 0..mib {
        let mut piece = Vec::new();
        piece.try_reserve_exact(1 << 20).map_err(|_| CKR_HOST_MEMORY)?;
        while piece.len() < 1 << 20 {
            piece.extend_from_slice(&[0xA5_u8; 4096]);
        }
        std::hint::black_box(piece.leak());
    }
    Ok(())
}

fn removed(on: On) -> CK_RV {
    match on {
        On::Slot(_) => CKR_TOKEN_NOT_PRESENT,
        On::Session(_) | On::Nothing => CKR_DEVICE_REMOVED,
    }
}
