//! What a host keeps to unlock a token: a one-time key pair, the release that came for it, and for an hour what may be
//! said of it. Nothing here knows how a token is spoken to; every function that counts time is given the moment.

mod answer;
mod claims;
mod liveness;
mod release;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ycd_pki::authorization::Authorization;
use ycd_pki::unlock::CHALLENGE_LEN;
use ycd_pki::{KeyPair, PublicKey};
use ycd_token::{PortalKey, Result, Spki, TokenError, TokenId};

pub use self::answer::{Checked, check};
use self::claims::Claims;
use self::liveness::Nonce;
pub use self::release::{Guess, Release};
use crate::card::Card;

/// For which a one-time key waits for its release: the portal repeats an answer for ten minutes.
const ONE_TIME_KEY: Duration = Duration::from_secs(660);
/// For which a token may still sign what was done under a release that is over.
const MEMORY: Duration = Duration::from_secs(3600);

/// All tokens that this host has been asked to unlock.
#[derive(Default)]
pub struct Unlocks {
    tokens: BTreeMap<TokenId, Unlock>,
    /// Releases that are over, with the moment at which each is forgotten.
    over: Vec<(Claims, Instant)>,
    /// Cards that nobody needs any more. Letting go of one may hang, which must not happen to who wipes.
    cards: Vec<Card>,
}

/// One token's.
pub struct Unlock {
    pub portal: Portal,
    pub one_time: KeyPair,
    /// Of the one-time key, as long as there is no release.
    until: Instant,
    /// The token's last, until an answer to it has come.
    pub challenge: Option<[u8; CHALLENGE_LEN]>,
    /// Held from the challenge on: a card that nobody holds is powered off, and forgets it.
    pub card: Option<Card>,
    release: Option<Release>,
    nonce: Option<Nonce>,
}

/// Whose answers are believed.
pub struct Portal {
    pub name: String,
    pub key: PublicKey,
}

pub fn refused(reason: &str) -> TokenError {
    TokenError::ReleaseRefused { reason: reason.into() }
}

impl Unlocks {
    /// A new one-time key, in the place of all that there was.
    pub fn begin(&mut self, token: &TokenId, portal: &PortalKey, now: Instant) -> Result<Spki> {
        let signing_key = PublicKey::from_spki_der(&portal.signing_key.0)
            .map_err(|_| refused("the portal's signing key is none of SM2"))?;
        let one_time =
            KeyPair::generate().map_err(|_| TokenError::Unsupported { what: "random numbers".into() })?;
        let public_key = Spki(one_time.public_key().to_spki_der());
        self.end(token, now);
        let unlock = Unlock {
            portal: Portal { name: portal.name.clone(), key: signing_key },
            one_time,
            until: now + ONE_TIME_KEY,
            challenge: None,
            card: None,
            release: None,
            nonce: None,
        };
        self.tokens.insert(token.clone(), unlock);
        Ok(public_key)
    }

    /// Wipes what there is of a token.
    pub fn end(&mut self, token: &TokenId, now: Instant) {
        let Some(unlock) = self.tokens.remove(token) else { return };
        self.cards.extend(unlock.card);
        if let Some(release) = unlock.release {
            self.over.push((release.into_claims(), now + MEMORY));
        }
    }

    pub fn let_go_of_cards(&mut self) {
        self.cards.clear();
    }

    /// Wipes everything whose time is over.
    pub fn expire(&mut self, now: Instant) {
        self.over.retain(|(_, until)| now < *until);
        let over = self.tokens.iter().filter(|(_, unlock)| unlock.until() <= now);
        let over: Vec<TokenId> = over.map(|(token, _)| token.clone()).collect();
        for token in over {
            self.end(&token, now);
        }
    }

    /// Whether there is a secret whose time is not over.
    pub fn are_live(&self, now: Instant) -> bool {
        self.tokens.values().any(|unlock| now < unlock.until())
    }

    /// The token's own, as long as it lasts.
    ///
    /// # Errors
    /// [`TokenError::ReleaseGone`].
    pub fn of(&mut self, token: &TokenId, now: Instant) -> Result<&mut Unlock> {
        self.expire(now);
        self.tokens.get_mut(token).ok_or(TokenError::ReleaseGone)
    }

    /// The open release.
    ///
    /// # Errors
    /// [`TokenError::ReleaseGone`].
    pub fn release(&mut self, token: &TokenId, now: Instant) -> Result<&mut Release> {
        self.of(token, now)?.release.as_mut().ok_or(TokenError::ReleaseGone)
    }

    /// An answer that has been found right. One that comes again, or with a new challenge under the same release,
    /// lengthens nothing and makes nothing undone.
    pub fn open(&mut self, token: &TokenId, checked: Checked, now: Instant) -> Result<&mut Release> {
        let unlock = self.of(token, now)?;
        unlock.challenge = None;
        unlock.nonce = None;
        let before = unlock.release.take();
        let release = unlock.release.insert(Release::new(checked, now));
        match before {
            Some(before) if before.is_of(release) => release.go_on_from(before),
            Some(before) => self.over.push((before.into_claims(), now + MEMORY)),
            None => {}
        }
        self.release(token, now)
    }

    /// Whether the token may sign this: only what this host has seen.
    ///
    /// # Errors
    /// [`TokenError::ReleaseRefused`].
    pub fn check_authorization(
        &self,
        token: &TokenId,
        authorization: &Authorization,
        now: Instant,
    ) -> Result<()> {
        let open = self.tokens.get(token).filter(|unlock| now < unlock.until());
        let open = open.and_then(|unlock| unlock.release.as_ref()).map(Release::claims);
        let over = self.over.iter().filter(|(_, until)| now < *until).map(|(claims, _)| claims);
        let known: Vec<&Claims> =
            open.into_iter().chain(over).filter(|claims| claims.token == *token).collect();
        claims::check(token, authorization, &known)
    }
}

impl Unlock {
    fn until(&self) -> Instant {
        self.release.as_ref().map_or(self.until, Release::until)
    }
}
