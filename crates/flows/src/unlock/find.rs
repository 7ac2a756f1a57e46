//! Step 1: one token, its certificate, its unlock capabilities, and what the portal says to them. All that could forbid
//! the work is known before a code is spent.

use std::ops::ControlFlow;
use ycd_pki::{
    cert::{Certificate, CertificateInfo},
    unlock::UnlockMethod,
};
use ycd_portal_api::{
    ApiError, Problem, problem,
    wire::{
        Bytes,
        unlock::{self as wire, TokenInHand, UnlockOffer},
    },
};
use ycd_token::{PinPolicy, TokenError, TokenInfo};

use super::{Found, Kept, Step, Unlock, UnlockError, UnlockEvent, error::Result};
use crate::session::{error::FlowError, lock::TokenLock};

impl Unlock<'_> {
    /// Step 1. One process of this machine works on the token.
    pub(super) fn find(&mut self, kept: &mut Kept) -> Result<(Found, TokenLock)> {
        self.begins(Step::FindToken, None)?;
        let (token, lock) = self.exactly_one_token(kept)?;
        let (certificate, offer) = self.offer(&token)?;
        kept.flow_token.is_back();
        let method = method_of(offer.method);
        let capabilities =
            self.on_token(Step::FindToken, |tokens| tokens.unlock_capabilities(&token.token_id))?;
        if !capabilities.allow(method) {
            return Err(UnlockError::NotPossible);
        }
        if method == UnlockMethod::ChallengeResponse && !capabilities.on_reader {
            return Err(UnlockError::Token { step: Step::FindToken, source: TokenError::CardMissing });
        }
        let policy = both(&token, offer.pin)?;
        let holder = CertificateInfo::of(&certificate, self.clock.now()).holder;
        let approval = offer.approval;
        self.tell(
            Step::FindToken,
            &UnlockEvent::Found { token: Box::new(token.clone()), holder, policy, approval },
        )?;
        Ok((Found { token, certificate, offer, method, policy }, lock))
    }

    /// Step 1. A token whose PIN is known needs no other one.
    pub(super) fn is_locked_or_forgotten(&mut self, kept: &mut Kept, found: &Found) -> Result<()> {
        let locked = found.token.pin.retry_counter.is_locked();
        if !(locked || found.offer.open_order.is_some() || kept.has_forgotten) {
            kept.has_forgotten = self.prompter.has_forgotten_pin(&found.token);
            if !kept.has_forgotten {
                return Err(UnlockError::NotLocked);
            }
        }
        Ok(())
    }

    /// Step 1. None, several, or the wrong one: says so, and looks again as long as the person wants.
    fn exactly_one_token(&mut self, kept: &mut Kept) -> Result<(TokenInfo, TokenLock)> {
        let wanted = self.options.token.clone().or_else(|| kept.flow_token.token.clone());
        loop {
            let mut tokens = self.on_token(Step::FindToken, |tokens| tokens.list())?;
            if let Some(wanted) = &wanted
                && tokens.iter().any(|token| token.token_id == *wanted)
            {
                tokens.retain(|token| token.token_id == *wanted);
            }
            let Some(problem) = kept.flow_token.problem(&tokens, wanted.as_ref()) else {
                return self.locked(kept, tokens.remove(0));
            };
            if self.prompter.token_again(&problem) == ControlFlow::Break(()) {
                return Err(FlowError::from(problem).into());
            }
        }
    }

    /// Step 1. As it is now that this process works on it alone.
    fn locked(&mut self, kept: &mut Kept, token: TokenInfo) -> Result<(TokenInfo, TokenLock)> {
        let lock = self.locks.lock(&token.token_id)?;
        // Whoever had the lock until now may have set a PIN.
        let tokens = self.on_token(Step::FindToken, |tokens| tokens.list())?;
        let now = tokens.into_iter().find(|found| found.token_id == token.token_id);
        let token = now.ok_or(UnlockError::Token { step: Step::FindToken, source: TokenError::Removed })?;
        kept.flow_token.token = Some(token.token_id.clone());
        Ok((token, lock))
    }

    /// Step 1. The certificate on the token that is in force, newest first, and what the portal offers for it.
    fn offer(&mut self, token: &TokenInfo) -> Result<(Certificate, UnlockOffer)> {
        let contents = self.on_token(Step::FindToken, |tokens| tokens.read(&token.token_id))?;
        let mut certificates: Vec<Certificate> = contents
            .containers
            .iter()
            .flat_map(|container| &container.certificates)
            .filter_map(|der| Certificate::from_der(der).ok())
            .collect();
        certificates.sort_by_key(|certificate| std::cmp::Reverse(certificate.not_before()));
        let mut refusal = None;
        for certificate in certificates {
            let in_hand = in_hand(token, &certificate);
            match self.at_portal(Step::FindToken, |portal| portal.unlock_check(&in_hand), None) {
                Ok(offer) if offer.portal == self.trust.name => return Ok((certificate, offer)),
                Ok(offer) => return Err(FlowError::OtherPortal { found: offer.portal }.into()),
                // An older certificate, or one of somebody else, that lies beside the one in force.
                Err(UnlockError::Portal { source: ApiError::Refused(problem), step })
                    if is_about_the_certificate(&problem) =>
                {
                    let source = ApiError::Refused(problem);
                    refusal.get_or_insert(UnlockError::Portal { step, source });
                }
                Err(error) => return Err(error),
            }
        }
        Err(refusal.unwrap_or(UnlockError::NoCertificate))
    }
}

fn is_about_the_certificate(problem: &Problem) -> bool {
    use problem::{
        kinds::{CERTIFICATE_REVOKED, CERTIFICATE_SUPERSEDED, CERTIFICATE_UNKNOWN},
        unlock::TOKEN_UNKNOWN,
    };
    [TOKEN_UNKNOWN, CERTIFICATE_SUPERSEDED, CERTIFICATE_UNKNOWN, CERTIFICATE_REVOKED]
        .into_iter()
        .any(|kind| problem.is(kind))
}

pub(super) fn in_hand(token: &TokenInfo, certificate: &Certificate) -> TokenInHand {
    TokenInHand { token_id: token.token_id.to_string(), certificate: Bytes(certificate.der().to_vec()) }
}

fn method_of(method: wire::UnlockMethod) -> UnlockMethod {
    match method {
        wire::UnlockMethod::SoPin => UnlockMethod::SoPin,
        wire::UnlockMethod::ChallengeResponse => UnlockMethod::ChallengeResponse,
    }
}

/// What satisfies token and product; an answer before anybody is asked for anything.
fn both(token: &TokenInfo, rules: wire::PinRules) -> Result<PinPolicy> {
    let product =
        PinPolicy { min_len: rules.min_len, max_len: rules.max_len, digits_only: rules.digits_only };
    let token = PinPolicy::of_token(&token.pin);
    token.and(product).ok_or(UnlockError::NoneFits { token, product })
}
