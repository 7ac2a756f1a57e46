//! The administrator (SO): C_Login(CKU_SO), C_InitPIN, C_SetPIN (PKCS#11 2.40, 5.5 and 5.6).

use cryptoki::error::{Error, RvError};
use cryptoki::session::{SessionState, UserType};
use cryptoki::slot::TokenInfo;
use cryptoki::types::AuthPin;
use ycd_pki::unlock::SoPinRetryCounter;
use ycd_token::profile::Tristate;
use ycd_token::{Pin, PinPolicy, PinState, TokenError, TokenId};

use super::fault::Fault;
use super::pin::leaves_the_old_pin;
use super::{Module, OpenToken};

/// What a token has definitely said of an SO PIN.
pub enum SoAnswer {
    /// It is the token's: the SO is logged in, in the session of this number.
    Right(u64),
    Wrong,
    /// Wrong, or not looked at: no try is left.
    Locked,
}

impl OpenToken {
    fn so_is_in(&self) -> Result<bool, Fault> {
        Ok(matches!(self.session.get_session_info()?.session_state(), SessionState::RwSecurityOfficer))
    }
}

impl Module {
    /// What the token tells, where it is known to tell.
    pub(super) fn so_pin_retry_counter(&self, token: &TokenId) -> Result<SoPinRetryCounter, Fault> {
        let info = self.token_info(token)?;
        Ok(match self.profile.unlock.tells_so_pin_retry_counter {
            Tristate::Yes if info.so_pin_locked() => SoPinRetryCounter::None,
            Tristate::Yes if info.so_pin_final_try() => SoPinRetryCounter::FinalTry,
            Tristate::Yes if info.so_pin_count_low() => SoPinRetryCounter::Low,
            Tristate::Yes => SoPinRetryCounter::Full,
            Tristate::No | Tristate::Unknown => SoPinRetryCounter::Unreadable,
        })
    }

    /// The token's own limits for a user PIN.
    pub(super) fn user_pin_limits(&self, token: &TokenId) -> Result<PinPolicy, Fault> {
        let state: PinState = self.pin_state(&self.token_info(token)?);
        Ok(PinPolicy::of_token(&state))
    }

    fn token_info(&self, token: &TokenId) -> Result<TokenInfo, Fault> {
        let found = self.tokens()?.into_iter().find(|(_, _, token_id)| token_id == token);
        found.map(|(_, info, _)| info).ok_or_else(|| TokenError::Removed.into())
    }

    /// The number of the token's session, which is opened where there is none. It goes with the token: another one is
    /// another insertion, as far as the module tells.
    pub(super) fn session_number(&mut self, token: &TokenId) -> Result<u64, Fault> {
        if self.living_session(token).is_none() {
            self.open.remove(token);
        }
        let open = self.opened(token)?;
        open.session.get_session_info()?;
        Ok(open.number)
    }

    /// The number of the token's session, if it is one and the token is still there.
    pub(super) fn living_session(&self, token: &TokenId) -> Option<u64> {
        let open = self.open.get(token)?;
        let info = self.pkcs11.get_token_info(open.slot).ok()?;
        let lives = self.token_id(&info).as_ref() == Some(token) && open.session.get_session_info().is_ok();
        lives.then_some(open.number)
    }

    /// The token where the SO is logged in, with the number of its session.
    ///
    /// # Errors
    /// [`TokenError::NotLoggedIn`].
    pub(super) fn so_session(&mut self, token: &TokenId) -> Result<u64, Fault> {
        let open = self.opened(token)?;
        if open.so_is_in()? { Ok(open.number) } else { Err(TokenError::NotLoggedIn.into()) }
    }

    /// One try. What is not definite is an error; then nobody is logged in.
    pub(super) fn log_in_so(&mut self, token: &TokenId, pin: &str) -> Result<SoAnswer, Fault> {
        // A module that answers "already logged in" has not looked at the PIN.
        if self.opened(token)?.anyone_in()? {
            self.log_out(token)?;
        }
        let open = self.opened(token)?;
        open.privates.clear();
        let outcome = open.session.login(UserType::So, Some(&AuthPin::from(pin.to_owned())));
        // What the module has answered the token has yet to show.
        let is_in = open.so_is_in();
        let number = open.number;
        let definite = match (outcome, is_in) {
            (Ok(()), Ok(true)) => return Ok(SoAnswer::Right(number)),
            (Err(Error::Pkcs11(RvError::PinIncorrect, _)), Ok(false)) => return Ok(SoAnswer::Wrong),
            (Err(Error::Pkcs11(RvError::PinLocked, _)), Ok(false)) => return Ok(SoAnswer::Locked),
            // It says one thing and shows the other.
            (Ok(()) | Err(Error::Pkcs11(RvError::PinIncorrect | RvError::PinLocked, _)), Ok(_)) => {
                Fault::from(TokenError::Unknown { operation: "so_login".into() })
            }
            (Ok(()), Err(fault)) => fault,
            (Err(error), _) => error.into(),
        };
        self.nobody_in(token);
        Err(definite)
    }

    /// By the SO that is logged in.
    pub(super) fn init_user_pin(&mut self, token: &TokenId, new: &Pin) -> Result<(), Fault> {
        self.so_session(token)?;
        let open = self.opened(token)?;
        match open.session.init_pin(&AuthPin::from(new.expose().to_owned())) {
            Ok(()) => Ok(()),
            Err(error) if leaves_the_old_pin(&error) => {
                let slot = open.slot;
                Err(self.pin_fault(slot, error))
            }
            Err(_) => {
                self.open.remove(token);
                Err(TokenError::Unknown { operation: "init_pin".into() }.into())
            }
        }
    }

    /// By the SO that is logged in, whom it logs out. After any error but one of the definite ones either PIN may be in
    /// force; so it may after success, because modules say much.
    pub(super) fn set_so_pin(&mut self, token: &TokenId, old: &str, new: &str) -> Result<(), Fault> {
        self.so_session(token)?;
        let pin = |pin: &str| AuthPin::from(pin.to_owned());
        let outcome = self.opened(token)?.session.set_pin(&pin(old), &pin(new));
        self.nobody_in(token);
        match outcome {
            Ok(()) => Ok(()),
            // The old one has opened the token just before: what says that it is wrong says nothing of value.
            Err(error)
                if leaves_the_old_pin(&error)
                    && !matches!(error, Error::Pkcs11(RvError::PinIncorrect | RvError::PinLocked, _)) =>
            {
                Err(error.into())
            }
            Err(_) => Err(TokenError::Unknown { operation: "rotate_so_pin".into() }.into()),
        }
    }

    /// Logs out whoever is logged in; where that fails, the session goes, and the login with it.
    pub(super) fn nobody_in(&mut self, token: &TokenId) {
        if self.open.contains_key(token) && self.log_out(token).is_err() {
            self.open.remove(token);
        }
    }
}
