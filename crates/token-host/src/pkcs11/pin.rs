//! C_SetPIN (PKCS#11 2.40, 5.5).

use cryptoki::error::{Error, RvError};
use cryptoki::types::AuthPin;
use ycd_token::{Pin, TokenError, TokenId};

use super::fault::Fault;
use super::{Module, OpenToken};

impl Module {
    /// Presents the old PIN once: C_SetPIN changes the user's PIN in a public session, so no login comes before it.
    pub(super) fn set_pin(&mut self, token: &TokenId, old: &Pin, new: &Pin) -> Result<(), Fault> {
        // A new session, as the token may have been out and in again while the PINs were typed.
        self.open.remove(token);
        let open = self.opened(token)?;
        if open.anyone_in()? {
            open.session.logout()?;
        }
        let slot = open.slot;
        let state = self.pin_state(&self.pkcs11.get_token_info(slot)?);
        if !(usize::from(state.min_len)..=usize::from(state.max_len)).contains(&new.expose().len()) {
            return Err(TokenError::PinInvalid { min_len: state.min_len, max_len: state.max_len }.into());
        }
        let mut outcome = set(self.opened(token)?, old, new);
        // A module that wants the user logged in first has not looked at the PIN, so no try is spent twice.
        if matches!(outcome, Err(Error::Pkcs11(RvError::UserNotLoggedIn, _))) {
            self.check_pin(token, old)?;
            outcome = set(self.opened(token)?, old, new);
        }
        if let Err(error) = outcome {
            return Err(if leaves_the_old_pin(&error) {
                self.pin_fault(slot, error)
            } else {
                self.not_known(token)
            });
        }
        // What the module has answered the token has yet to prove.
        let proof = self.check_pin(token, new);
        let over = self.open.get(token).map(|open| open.session.logout());
        match (proof, over) {
            (Ok(()), Some(Ok(()))) => Ok(()),
            (Ok(()), _) => {
                self.open.remove(token);
                Ok(())
            }
            (Err(_), _) => Err(self.not_known(token)),
        }
    }

    /// Either PIN may be in force. The session is of no more use: nobody shall be logged in.
    fn not_known(&mut self, token: &TokenId) -> Fault {
        self.open.remove(token);
        TokenError::Unknown { operation: "change_pin".into() }.into()
    }
}

fn set(open: &OpenToken, old: &Pin, new: &Pin) -> Result<(), Error> {
    let pin = |pin: &Pin| AuthPin::from(pin.expose().to_owned());
    open.session.set_pin(&pin(old), &pin(new))
}

/// Whether the module refused, as against failed: C_SetPIN and C_InitPIN give these before they change anything.
pub(super) fn leaves_the_old_pin(error: &Error) -> bool {
    match error {
        Error::Pkcs11(rv, _) => matches!(
            rv,
            RvError::PinIncorrect
                | RvError::PinInvalid
                | RvError::PinLenRange
                | RvError::PinLocked
                | RvError::PinTooWeak
                | RvError::UserNotLoggedIn
                | RvError::UserPinNotInitialized
                | RvError::SessionReadOnly
                | RvError::TokenWriteProtected
                | RvError::FunctionNotSupported
                | RvError::ArgumentsBad
                | RvError::CryptokiNotInitialized
        ),
        _ => true,
    }
}
