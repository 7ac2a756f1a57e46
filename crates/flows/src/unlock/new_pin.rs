//! Steps 3 and 4: the PIN that works already, or the new one.

use ycd_portal_api::{Client, wire::unlock::UnlockOrder};
use ycd_token::{Pin, TokenInfo};

use super::{Found, Kept, Step, Unlock, UnlockError, error::Result};
use crate::session::new_pin::ask;

impl Unlock<'_> {
    /// Step 3. A PIN that was set under this order before it was broken off needs no other secret: only its proof.
    pub(super) fn is_in_force_already(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        found: &Found,
        order: &UnlockOrder,
    ) -> Result<bool> {
        let Some(pin) = self.pin_in_force(kept, &found.token, order)? else { return Ok(false) };
        self.begins(Step::Prove, Some(found.method))?;
        let release = self.on_token(Step::Prove, |tokens| tokens.unlock_opened(&found.token.token_id))?;
        let release = release.filter(|release| release.order == order.no);
        if self.prove(portal, found, order, release.as_ref(), &pin)? {
            return Ok(true);
        }
        kept.in_force = false;
        kept.knows_no_earlier_pin = true;
        Ok(false)
    }

    /// Step 3. The PIN that is on the token already, because it was set under this order: it was locked when the order
    /// began and is no longer, or the journal says so. A person who does not know it sets another one.
    fn pin_in_force(
        &mut self,
        kept: &mut Kept,
        token: &TokenInfo,
        order: &UnlockOrder,
    ) -> Result<Option<Pin>> {
        if token.pin.retry_counter.is_locked() || order.newest_release == 0 {
            return Ok(None);
        }
        if kept.in_force {
            return Ok(kept.new_pin.clone());
        }
        let set_here = self.journal.has_pin_of(&self.trust.name, &order.no, &token.token_id)?;
        if kept.knows_no_earlier_pin || !(order.was_locked || set_here) {
            return Ok(None);
        }
        let pin = self.prompter.pin_set_before(token);
        kept.knows_no_earlier_pin = pin.is_none();
        Ok(pin)
    }

    /// Step 4. The new PIN, typed twice, within the rules of token and project. It goes to the token alone.
    pub(super) fn new_pin(&mut self, kept: &mut Kept, found: &Found) -> Result<Pin> {
        if let Some(pin) = &kept.new_pin {
            return Ok(pin.clone());
        }
        self.begins(Step::NewPin, Some(found.method))?;
        let new = ask(self.prompter, found.policy, None, kept.refused.take()).map_err(|refused| {
            refused.map_or(UnlockError::Stopped { step: Step::NewPin }, UnlockError::Refused)
        })?;
        kept.new_pin = Some(new.clone());
        Ok(new)
    }
}
