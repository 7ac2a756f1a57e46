//! The PKCS#11 back end: whole operations on the tokens of one module, through `cryptoki`.
//!
//! What `cryptoki` 0.12 cannot do is worked around or left alone: mechanisms are probed one by one by number, because
//! its mechanism list drops vendor numbers; its `sign` calls C_Sign twice, the first time for the length, which a
//! module that signs at the first call will not bear, so signatures go through `raw`, as do numbers that it refuses.
//! It believes every length that a module tells: lists and values go through `measured`.

mod certificates;
mod codes;
mod der;
mod fault;
mod inventory;
mod keys;
mod measured;
mod pin;
mod probe;
mod raw;
mod sign;
mod so;
mod unlock;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::ObjectHandle;
use cryptoki::session::{Session, SessionState, UserType};
use cryptoki::slot::{Slot, TokenInfo as CkTokenInfo};
use cryptoki::types::AuthPin;
use ycd_pki::authorization::Authorization;
use ycd_token::profile::{Profile, Sourced};
use ycd_token::wire::ModuleInfo;
use ycd_token::{
    CkaId, ContainerHandle, Contents, Pin, PinRetryCounter, PinState, Result, Spki, TokenAccess, TokenError,
    TokenId, TokenInfo,
};

use self::fault::{Changes, Fault, unsupported};
use self::inventory::{Inventory, PointAttributes};
use self::raw::Raw;
use crate::loading;
use crate::unlock::Unlocks;

/// A loaded module. Dropping it logs out and finalises.
pub struct Module {
    pkcs11: Pkcs11,
    profile: Profile,
    raw: Raw,
    open: BTreeMap<TokenId, OpenToken>,
    /// Sessions opened so far.
    sessions: u64,
    unlocks: Unlocks,
}

/// A token with a session. Dropped when the token goes: one that comes back is opened and logged in to anew.
struct OpenToken {
    slot: Slot,
    session: Session,
    /// Counted from 1, over all tokens: no two sessions of this process have the same.
    number: u64,
    raw: Raw,
    /// Where public keys are told in attributes of the token model's own.
    point: Option<PointAttributes>,
    /// Private keys found so far.
    privates: BTreeMap<Spki, ObjectHandle>,
    /// Place in the profile's list of the signing mechanism that has been found to work.
    signs_with: Option<usize>,
}

impl OpenToken {
    fn logged_in(&self) -> Result<bool, Fault> {
        let state = self.session.get_session_info()?.session_state();
        Ok(matches!(state, SessionState::RwUser | SessionState::RoUser))
    }

    /// The user or the SO.
    fn anyone_in(&self) -> Result<bool, Fault> {
        let state = self.session.get_session_info()?.session_state();
        Ok(!matches!(state, SessionState::RwPublic | SessionState::RoPublic))
    }

    fn inventory(&self) -> Result<Inventory, Fault> {
        Inventory::take(&self.raw, &self.session, self.point, self.logged_in()?)
    }

    fn must_be_logged_in(&self) -> Result<(), Fault> {
        if self.logged_in()? { Ok(()) } else { Err(TokenError::NotLoggedIn.into()) }
    }
}

impl Module {
    /// Loads and initializes a module.
    ///
    /// # Errors
    /// [`TokenError::ModuleMissing`], [`TokenError::NotAModule`].
    pub fn open(path: &Path, profile: Profile) -> Result<(Self, ModuleInfo)> {
        let text = || path.display().to_string();
        if !path.is_file() {
            return Err(TokenError::ModuleMissing { path: text() });
        }
        loading::load(path)
            .map_err(|error| TokenError::NotAModule { path: text(), detail: error.to_string() })?;
        let not_a_module = |error: Error| TokenError::NotAModule { path: text(), detail: error.to_string() };
        let pkcs11 = Pkcs11::new(path).map_err(not_a_module)?;
        // Never unloaded: threads of the module may outlive its C_Finalize.
        std::mem::forget(pkcs11.clone());
        match pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)) {
            Ok(()) | Err(Error::Pkcs11(RvError::CryptokiAlreadyInitialized, _)) => {}
            Err(error @ Error::Pkcs11(..)) => return Err(Fault::from(error).into_error()),
            Err(error) => return Err(not_a_module(error)),
        }
        let info = pkcs11.get_library_info().map_err(not_a_module)?;
        let version = info.library_version();
        let info = ModuleInfo {
            manufacturer: info.manufacturer_id().trim().to_owned(),
            description: info.library_description().trim().to_owned(),
            version: (version.major(), version.minor()),
        };
        if !profile.recognition.takes_module_of(&info.manufacturer) {
            let detail =
                format!("of {:?}, not of the token model of profile {}", info.manufacturer, profile.name);
            return Err(TokenError::NotAModule { path: text(), detail });
        }
        let raw = Raw::of_loaded(path)?;
        let module =
            Self { pkcs11, profile, raw, open: BTreeMap::new(), sessions: 0, unlocks: Unlocks::default() };
        Ok((module, info))
    }

    /// Blocks until a token comes or goes.
    ///
    /// # Errors
    /// [`TokenError::Unsupported`] where the module cannot wait.
    pub fn wait_for_event(&mut self) -> Result<()> {
        match self.pkcs11.wait_for_slot_event() {
            Ok(_) => Ok(()),
            Err(
                Error::Pkcs11(RvError::NoEvent | RvError::FunctionNotSupported, _)
                | Error::NullFunctionPointer,
            ) => Err(TokenError::Unsupported { what: "C_WaitForSlotEvent".into() }),
            Err(error) => Err(Fault::from(error).into_error()),
        }
    }

    /// The tokens of the profile that have a serial number to be told apart by.
    fn tokens(&self) -> Result<Vec<(Slot, CkTokenInfo, TokenId)>, Fault> {
        let mut tokens = Vec::new();
        let mut failed = None;
        for slot in self.raw.slots()? {
            match self.pkcs11.get_token_info(slot).map_err(Fault::from) {
                Ok(info) => {
                    if let Some(token_id) = self.token_id(&info) {
                        tokens.push((slot, info, token_id));
                    }
                }
                // Pulled since the listing.
                Err(fault) if fault.ends_session() => {}
                // One token that fails takes no other away.
                Err(fault) => failed = Some(fault),
            }
        }
        match failed {
            Some(fault) if tokens.is_empty() => Err(fault),
            _ => Ok(tokens),
        }
    }

    fn token_id(&self, info: &CkTokenInfo) -> Option<TokenId> {
        let ours = self.profile.recognition.takes_token_of(info.manufacturer_id());
        let tells = info.serial_number().bytes().any(|b| b.is_ascii_alphanumeric());
        (ours && tells).then(|| TokenId::new(&self.profile.family, info.serial_number()))
    }

    /// The token with its session, after a look whether it is still the one in the slot: a module may go on with an
    /// old session when another token is put in.
    fn opened(&mut self, token: &TokenId) -> Result<&mut OpenToken, Fault> {
        let still_there = self.open.get(token).is_some_and(|open| {
            let info = self.pkcs11.get_token_info(open.slot);
            info.is_ok_and(|info| self.token_id(&info).as_ref() == Some(token))
        });
        if !still_there {
            self.open.remove(token);
            let found = self.tokens()?.into_iter().find(|(_, _, token_id)| token_id == token);
            let (slot, _, _) = found.ok_or(TokenError::Removed)?;
            let session = self.pkcs11.open_rw_session(slot)?;
            let (raw, point) = (self.raw.clone(), self.point_attributes());
            self.sessions += 1;
            let open = OpenToken {
                slot,
                session,
                number: self.sessions,
                raw,
                point,
                privates: BTreeMap::new(),
                signs_with: None,
            };
            self.open.insert(token.clone(), open);
        }
        Ok(self.open.get_mut(token).ok_or(TokenError::Removed)?)
    }

    fn point_attributes(&self) -> Option<PointAttributes> {
        let numbers = self.profile.pkcs11.as_ref()?;
        let (x, y) = (numbers.point_x.as_ref()?.value, numbers.point_y.as_ref()?.value);
        Some(PointAttributes { x, y })
    }

    /// A new session in the place of one in which something was not brought to its end. It is opened before the old
    /// one is closed, so that the login lasts.
    fn renew_session(&mut self, token: &TokenId) -> Result<(), Fault> {
        let open = self.open.get_mut(token).ok_or(TokenError::Removed)?;
        open.session = self.pkcs11.open_rw_session(open.slot)?;
        self.sessions += 1;
        open.number = self.sessions;
        open.privates.clear();
        Ok(())
    }

    /// What a fault means for a token: modules answer all sorts of things when it is pulled.
    fn settle(&mut self, token: &TokenId, fault: Fault) -> TokenError {
        if fault.ends_session() {
            self.open.remove(token);
        }
        if fault.may_be_removal() {
            let there =
                self.tokens().is_ok_and(|tokens| tokens.iter().any(|(_, _, token_id)| token_id == token));
            if !there {
                self.open.remove(token);
                return TokenError::Removed;
            }
        }
        fault.into_error()
    }

    fn on<T>(&mut self, token: &TokenId, act: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T> {
        act(self).map_err(|fault| self.settle(token, fault))
    }

    /// For operations of several changes: a fault after the first leaves the token between its old and its new state.
    fn changing<T>(
        &mut self,
        operation: &str,
        token: &TokenId,
        act: impl FnOnce(&mut Self, &mut Changes) -> Result<T, Fault>,
    ) -> Result<T> {
        let mut changes = Changes::default();
        act(self, &mut changes).map_err(|fault| {
            let open = changes.leave_open(&fault);
            match self.settle(token, fault) {
                // What is on it shows when it is put in again.
                TokenError::Removed => TokenError::Removed,
                _ if open => TokenError::Unknown { operation: operation.into() },
                error => error,
            }
        })
    }

    fn pin_state(&self, info: &CkTokenInfo) -> PinState {
        let retry_counter = if info.user_pin_locked() {
            PinRetryCounter::None
        } else if info.user_pin_final_try() {
            PinRetryCounter::FinalTry
        } else if info.user_pin_count_low() {
            PinRetryCounter::Low
        } else {
            PinRetryCounter::NotLow
        };
        let byte = |len: usize| u8::try_from(len).unwrap_or(u8::MAX);
        let told = |limit: &Option<Sourced<u8>>| limit.as_ref().map(|limit| limit.value);
        let limits = &self.profile.limits;
        let max = match byte(info.max_pin_length()) {
            0 => u8::MAX,
            max => max,
        };
        PinState {
            retry_counter,
            is_set: info.user_pin_initialized(),
            is_initial: info.user_pin_to_be_changed(),
            min_len: byte(info.min_pin_length()).max(told(&limits.pin_min_len).unwrap_or(0)),
            max_len: max.min(told(&limits.pin_max_len).unwrap_or(u8::MAX)),
        }
    }

    fn contents(&mut self, token: &TokenId) -> Result<Contents, Fault> {
        let open = self.opened(token)?;
        let slot = open.slot;
        let inventory = open.inventory()?;
        let room = self.room(slot)?;
        let used = u32::try_from(inventory.pairs()).unwrap_or(u32::MAX);
        Ok(Contents {
            containers: inventory.containers(),
            free_containers: room.map(|room| room.saturating_sub(used)),
            keeps_ids: self.profile.quirks.keeps_ids,
            logged_in: inventory.logged_in,
        })
    }

    /// How many key pairs fit on a token.
    fn room(&self, slot: Slot) -> Result<Option<u32>, Fault> {
        let limits = &self.profile.limits;
        if let Some(limit) = &limits.containers {
            return Ok(Some(limit.value));
        }
        let Some(bytes) = &limits.container_bytes else { return Ok(None) };
        let memory = self.pkcs11.get_token_info(slot)?.total_private_memory();
        Ok(memory.and_then(|memory| u32::try_from(memory).ok()).map(|memory| memory / bytes.value))
    }

    fn check_pin(&mut self, token: &TokenId, pin: &Pin) -> Result<(), Fault> {
        let open = self.opened(token)?;
        open.privates.clear();
        // A module that answers "already logged in" has not looked at the PIN.
        if open.anyone_in()? {
            open.session.logout()?;
        }
        let slot = open.slot;
        let outcome = open.session.login(UserType::User, Some(&AuthPin::from(pin.expose().to_owned())));
        outcome.map_err(|error| self.pin_fault(slot, error))?;
        // What the module has answered the token has yet to show.
        self.opened(token)?.must_be_logged_in()
    }

    fn log_out(&mut self, token: &TokenId) -> Result<(), Fault> {
        let open = self.opened(token)?;
        open.privates.clear();
        let outcome = match open.session.logout() {
            Err(Error::Pkcs11(RvError::UserNotLoggedIn, _)) => Ok(()),
            outcome => outcome.map_err(Fault::from),
        };
        if outcome.is_ok() && !open.anyone_in()? {
            return Ok(());
        }
        // With its last session a login ends too (PKCS#11 2.40, 5.6).
        self.open.remove(token);
        outcome?;
        if self.opened(token)?.anyone_in()? { Err(unsupported("logging out").into()) } else { Ok(()) }
    }

    /// What the module says of a PIN, with what the token tells about it.
    fn pin_fault(&self, slot: Slot, error: Error) -> Fault {
        let Error::Pkcs11(rv @ (RvError::PinIncorrect | RvError::PinLenRange | RvError::PinInvalid), _) =
            error
        else {
            return error.into();
        };
        let state = match self.pkcs11.get_token_info(slot) {
            Ok(info) => self.pin_state(&info),
            Err(error) => return error.into(),
        };
        let error = match rv {
            RvError::PinIncorrect if state.retry_counter.is_locked() => TokenError::PinLocked,
            RvError::PinIncorrect => TokenError::PinIncorrect { retry_counter: state.retry_counter },
            _ => TokenError::PinInvalid { min_len: state.min_len, max_len: state.max_len },
        };
        error.into()
    }
}

impl TokenAccess for Module {
    fn list(&mut self) -> Result<Vec<TokenInfo>> {
        let tokens = self.tokens().map_err(Fault::into_error)?;
        Ok(tokens
            .into_iter()
            .map(|(slot, info, token_id)| TokenInfo {
                token_id,
                profile: self.profile.name.clone(),
                label: info.label().trim().to_owned(),
                serial_number: info.serial_number().trim().to_owned(),
                manufacturer: info.manufacturer_id().trim().to_owned(),
                model: info.model().trim().to_owned(),
                slot: slot.id(),
                pin: self.pin_state(&info),
            })
            .collect())
    }

    fn read(&mut self, token: &TokenId) -> Result<Contents> {
        match self.contents(token) {
            // Pulled and put in again, or another program changed something while this one read.
            Err(fault) if fault.ends_session() || fault.is(RvError::ObjectHandleInvalid) => {
                self.open.remove(token);
                self.on(token, |module| module.contents(token))
            }
            Err(fault) => Err(self.settle(token, fault)),
            Ok(contents) => Ok(contents),
        }
    }

    fn login(&mut self, token: &TokenId, pin: &Pin) -> Result<()> {
        self.on(token, |module| module.check_pin(token, pin))
    }

    fn logout(&mut self, token: &TokenId) -> Result<()> {
        self.on(token, |module| module.log_out(token))
    }

    fn change_pin(&mut self, token: &TokenId, old: &Pin, new: &Pin) -> Result<()> {
        self.on(token, |module| module.set_pin(token, old, new))
    }

    fn generate(&mut self, token: &TokenId, cka_id: &CkaId) -> Result<Spki> {
        self.changing("generate", token, |module, changes| module.generate_pair(token, cka_id, changes))
    }

    fn sign_authorization(
        &mut self,
        token: &TokenId,
        signer: &Spki,
        authorization: &Authorization,
    ) -> Result<Vec<u8>> {
        self.unlocks.check_authorization(token, authorization, Instant::now())?;
        self.on(token, |module| {
            module.sign_text(token, signer, &authorization.to_bytes()).map(|s| s.to_der())
        })
    }

    fn sign_request(&mut self, token: &TokenId, signer: &Spki, subject: &[u8]) -> Result<Vec<u8>> {
        self.on(token, |module| module.request(token, signer, subject))
    }

    fn write_certificate(&mut self, token: &TokenId, certificate: &[u8]) -> Result<()> {
        self.changing("write_certificate", token, |module, changes| module.write(token, certificate, changes))
    }

    fn remove_certificate(&mut self, token: &TokenId, certificate: &[u8]) -> Result<()> {
        self.changing("remove_certificate", token, |module, changes| {
            module.remove(token, certificate, changes)
        })
    }

    fn destroy(&mut self, token: &TokenId, container: &ContainerHandle) -> Result<()> {
        self.changing("destroy", token, |module, changes| module.destroy_container(token, container, changes))
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        for (_, open) in std::mem::take(&mut self.open) {
            if open.anyone_in().unwrap_or(false) {
                let _ = open.session.logout();
            }
        }
        let _ = self.pkcs11.clone().finalize();
    }
}
