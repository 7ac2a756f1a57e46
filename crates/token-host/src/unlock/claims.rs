//! What a token may say was done under a release.

use ycd_pki::authorization::Authorization;
use ycd_pki::unlock::{Context, Purpose};
use ycd_token::{Result, TokenId};

use super::refused;

/// A release without its secrets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    pub token: TokenId,
    purpose: Purpose,
    portal: String,
    order: String,
    release: u32,
    one_time_key: [u8; 32],
    /// Versions of the SO PIN that logins have proven, in their order.
    proven: Vec<u32>,
    /// Version of the unblock key that the token has taken.
    unblock_key: Option<u32>,
}

impl Claims {
    pub fn of(context: &Context) -> Self {
        Self {
            token: TokenId::from(context.token_id.clone()),
            purpose: context.purpose,
            portal: context.portal.clone(),
            order: context.order.clone(),
            release: context.release,
            one_time_key: context.one_time_key,
            proven: Vec::new(),
            unblock_key: None,
        }
    }

    pub fn prove(&mut self, version: u32) {
        self.proven.retain(|proven| *proven != version);
        self.proven.push(version);
    }

    /// The last one.
    pub fn proven_version(&self) -> Option<u32> {
        self.proven.last().copied()
    }

    pub fn install(&mut self, version: u32) {
        self.unblock_key = Some(version);
    }

    fn has_proven(&self, version: u32) -> bool {
        version == 0 || self.proven.contains(&version)
    }

    fn has_installed(&self, version: u32) -> bool {
        version == 0 || self.unblock_key == Some(version)
    }
}

/// `known`: the releases of this token that are open, or were within the hour.
///
/// # Errors
/// [`ReleaseRefused`](ycd_token::TokenError::ReleaseRefused).
pub fn check(token: &TokenId, authorization: &Authorization, known: &[&Claims]) -> Result<()> {
    let of = |purpose, portal: &str| {
        let of = move |claims: &&&Claims| claims.purpose == purpose && claims.portal == portal;
        known.iter().filter(of).copied().collect::<Vec<_>>()
    };
    let (right, names) = match authorization {
        Authorization::Unlocked {
            portal,
            order,
            release,
            token_id,
            one_time_key,
            so_pin_version,
            nonce: _,
        } => {
            let under = |claims: &&Claims| claims.order == *order && claims.release == *release;
            let mut releases = of(Purpose::Unlock, portal).into_iter().filter(under);
            // The PIN was found to work: nothing is claimed of a release.
            let unclaimed = *one_time_key == [0; 32] && *so_pin_version == 0;
            let right = unclaimed
                || releases.any(|claims| {
                    (*one_time_key == [0; 32] || claims.one_time_key == *one_time_key)
                        && claims.has_proven(*so_pin_version)
                });
            (right, token_id)
        }
        Authorization::Personalized {
            portal,
            token_id,
            so_pin_version,
            unblock_key_version,
            serial: _,
            nonce: _,
        } => {
            let unclaimed = *so_pin_version == 0 && *unblock_key_version == 0;
            let done = |claims: &Claims| {
                claims.has_proven(*so_pin_version) && claims.has_installed(*unblock_key_version)
            };
            (unclaimed || of(Purpose::Personalize, portal).into_iter().any(done), token_id)
        }
        Authorization::Renew { .. }
        | Authorization::Replace { .. }
        | Authorization::Confirm { .. }
        | Authorization::Abandon { .. } => return Ok(()),
    };
    if names != token.as_str() {
        return Err(refused("the authorization is of another key"));
    }
    if right { Ok(()) } else { Err(refused("the authorization says more than was done here")) }
}
