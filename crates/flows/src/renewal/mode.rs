//! Step 0: the mode of an order, fixed before payment where its token is inserted.

use ycd_portal_api::{
    Client,
    wire::{attempts::Mode, orders::FixMode},
};
use ycd_token::{Contents, TokenAccess, TokenError, TokenInfo};

use super::Step;
use crate::session::error::{FlowError, Result};

/// As [`fix_mode_by_token`]; a token or driver that does not answer keeps nobody from paying, and gives `None`.
///
/// # Errors
/// Those of the portal, and [`FlowError::Stopped`].
pub fn fix_mode(
    portal: &Client,
    tokens: &mut dyn TokenAccess,
    order: &str,
    agrees_to_replace: impl FnOnce(&TokenInfo) -> bool,
) -> Result<Option<Mode>> {
    match fix_mode_by_token(portal, tokens, order, agrees_to_replace) {
        Err(FlowError::Token { .. }) => Ok(None),
        outcome => outcome,
    }
}

/// Step 0, before payment: with the order's token inserted its free capacity decides the mode, and a person who would
/// lose the old key pair is asked while nothing is paid. `None` where the order's token is not there, or not the only
/// one: then the first attempt decides.
///
/// # Errors
/// [`FlowError::Stopped`] where there is no free capacity and the person does not agree; the order is as it was.
pub fn fix_mode_by_token(
    portal: &Client,
    tokens: &mut dyn TokenAccess,
    order: &str,
    agrees_to_replace: impl FnOnce(&TokenInfo) -> bool,
) -> Result<Option<Mode>> {
    let portal_error = FlowError::of_portal(Step::Open);
    let view = portal.order(order).map_err(portal_error)?;
    if view.mode.is_some() {
        return Ok(view.mode);
    }
    let token_error = |source| FlowError::Token { step: Step::Open.into(), source };
    let inserted = tokens.list().map_err(token_error)?;
    let [token] = inserted.as_slice() else { return Ok(None) };
    if token.token_id.as_str() != view.summary.token_id {
        return Ok(None);
    }
    let contents = match tokens.read(&token.token_id) {
        Err(TokenError::Removed | TokenError::NotFound { .. }) => return Ok(None),
        outcome => outcome.map_err(token_error)?,
    };
    let mode = mode_of(&contents);
    let consent = mode == Mode::Replace;
    if consent && !agrees_to_replace(token) {
        return Err(FlowError::Stopped { step: Step::Clear.into() });
    }
    let fixed = FixMode { token_id: token.token_id.to_string(), mode, consent };
    portal.fix_mode(order, &fixed).map_err(portal_error)?;
    Ok(Some(mode))
}

pub(super) fn mode_of(contents: &Contents) -> Mode {
    if contents.free_containers == Some(0) { Mode::Replace } else { Mode::SideBySide }
}
