//! Whether an answer of the portal is for this token, this one-time key, and this moment.

use ycd_pki::sm3::sm3;
use ycd_pki::unlock::{Context, FirstSecrets, Purpose, SessionKey, SoPins, UnlockMethod, signed_answer};
use ycd_token::profile::Tristate;
use ycd_token::{Answer, Result, TokenId, UnlockCapabilities};

use super::{Unlock, refused};

/// Bytes of a nonce of the portal.
const NONCE_LEN: usize = 32;
/// Seconds.
const LONGEST: u32 = 600;

/// What was in the sealed envelope. Wiped when dropped.
pub enum Secrets {
    Pins(SoPins),
    /// Until its one command has been sent.
    Session(Option<SessionKey>),
    First(FirstSecrets),
}

/// An answer that was found right, with its envelope open.
pub struct Checked {
    pub context: Context,
    pub secrets: Secrets,
}

/// `certificates`: those that are on the token now, DER. Nothing is decrypted before the signature and every field have
/// been found right.
///
/// # Errors
/// [`ReleaseRefused`](ycd_token::TokenError::ReleaseRefused).
pub fn check(
    unlock: &Unlock,
    token: &TokenId,
    answer: &Answer,
    capabilities: &UnlockCapabilities,
    certificates: impl FnOnce() -> Result<Vec<Vec<u8>>>,
) -> Result<Checked> {
    let signed = signed_answer(&answer.context, &answer.sealed_envelope);
    if unlock.portal.key.verify(&signed, &answer.signature).is_err() {
        return Err(refused("it is not signed by the portal"));
    }
    let context = Context::from_bytes(answer.purpose, &answer.context)
        .map_err(|_| refused("its context is none for this purpose"))?;
    check_context(unlock, token, &context)?;
    check_method(&context, capabilities)?;
    let right = match context.purpose {
        Purpose::Unlock => certificates()?.iter().any(|der| sm3(der) == context.certificate),
        Purpose::Personalize => context.certificate == [0; 32],
    };
    if !right {
        return Err(refused("its certificate is not on the key"));
    }
    let secrets = open(unlock, &context, &answer.sealed_envelope)?;
    Ok(Checked { context, secrets })
}

fn check_context(unlock: &Unlock, token: &TokenId, context: &Context) -> Result<()> {
    let nonce = match (context.purpose, context.method) {
        (Purpose::Unlock, UnlockMethod::ChallengeResponse) => {
            unlock.challenge.as_ref().is_some_and(|challenge| challenge[..] == context.nonce)
        }
        _ => context.nonce.len() == NONCE_LEN,
    };
    let rules = [
        (context.portal == unlock.portal.name, "it is of another portal"),
        (context.token_id == token.as_str(), "it is for another key"),
        (
            context.one_time_key == unlock.one_time.public_key().fingerprint(),
            "it is for another one-time key",
        ),
        (nonce, "it answers another challenge"),
        ((1..=LONGEST).contains(&context.valid_seconds), "its time is not between 1 and 600 seconds"),
        (context.pin.min_len <= context.pin.max_len, "its rules leave no PIN"),
    ];
    match rules.into_iter().find(|(right, _)| !right) {
        Some((_, reason)) => Err(refused(reason)),
        None => Ok(()),
    }
}

/// Whether profile and token have this method. A blank token has no keys that could be lost.
fn check_method(context: &Context, capabilities: &UnlockCapabilities) -> Result<()> {
    let allowed = match (context.purpose, context.method) {
        (Purpose::Unlock, method) => capabilities.allow(method),
        (Purpose::Personalize, UnlockMethod::SoPin) => capabilities.so_pin == Tristate::Yes,
        (Purpose::Personalize, UnlockMethod::ChallengeResponse) => {
            capabilities.so_pin == Tristate::Yes && capabilities.challenge_response == Tristate::Yes
        }
    };
    if allowed { Ok(()) } else { Err(refused("this token has no such method")) }
}

fn open(unlock: &Unlock, context: &Context, sealed: &[u8]) -> Result<Secrets> {
    let key = &unlock.one_time;
    let secrets = match (context.purpose, context.method) {
        (Purpose::Unlock, UnlockMethod::SoPin) => SoPins::unseal(key, sealed).map(Secrets::Pins),
        (Purpose::Unlock, UnlockMethod::ChallengeResponse) => {
            SessionKey::unseal(key, sealed).map(|key| Secrets::Session(Some(key)))
        }
        (Purpose::Personalize, _) => FirstSecrets::unseal(key, sealed).map(Secrets::First),
    };
    let secrets =
        secrets.map_err(|_| refused("its sealed envelope does not open, or something else is in it"))?;
    if let Secrets::First(first) = &secrets
        && first.unblock_key.is_some() != (context.unblock_key_version > 0)
    {
        return Err(refused("its sealed envelope has another unblock key than it says"));
    }
    Ok(secrets)
}
