//! A new user PIN for who answers the token's challenge.

use ycd_pki::unlock::UnblockKey;

use super::{Effect, Login, SoftToken};
use crate::error::{Error, Result};
use crate::pin::{Pin, Role};
use crate::state::Head;
use crate::unblock::UnblockSlot;

impl SoftToken {
    /// Installs the unblock key, in place of an earlier one.
    pub fn install_unblock_key(&mut self, so: &Login, version: u32, key: &UnblockKey) -> Result<()> {
        if so.role != Role::So {
            return Err(Error::NotLoggedIn);
        }
        let device = {
            let lock = self.file.lock()?;
            self.file.make_device_secret(&lock)?
        };
        self.change(Some(so), Effect::Kept, |state| {
            let context = context(&state.head);
            state.head.unblock = Some(UnblockSlot::new(version, key, &device, &context, &so.key)?);
            Ok(())
        })
    }

    /// The unblock key, as only the card itself has it; `None` where none is installed.
    pub fn unblock_key(&mut self) -> Result<Option<UnblockKey>> {
        let head = self.head()?.clone();
        let Some(slot) = &head.unblock else { return Ok(None) };
        let lost = || Error::Crypto("the secret of the device is gone");
        let device = self.file.device_secret()?.ok_or_else(lost)?;
        slot.key(&device, &context(&head)).map(Some)
    }

    /// Sets the user PIN and gives it all its tries, in one act. Keys and objects stay.
    ///
    /// # Errors
    /// [`Error::Removed`] where the insertion is over; [`Error::Crypto`] where another unblock key has been installed.
    pub fn unblock(&mut self, insertion: u64, key: &UnblockKey, pin: &Pin) -> Result<()> {
        self.change(None, Effect::Kept, |state| {
            if state.head.insertions != insertion {
                return Err(Error::Removed);
            }
            let slot = state.head.unblock.as_ref().ok_or(Error::NoSuchObject)?;
            let storage_key = slot.storage_key(key, &context(&state.head))?;
            state.head.set_pin(Role::User, pin, &storage_key)
        })
    }
}

fn context(head: &Head) -> Vec<u8> {
    format!("ycd-softkey-unblock-v1 {} {}", head.serial_number, head.initializations).into_bytes()
}
