//! Unlock: a new PIN for a token whose PIN is locked or forgotten, in a way that survives a pulled token, a crash and a
//! lost connection, and never locks the token for good.
//!
//! One way in, [`Unlock::run`], whether the work begins or goes on, on this machine or another. `one_pass` is read from
//! top to bottom: find the token, ask the portal for the order, have the new PIN typed, have the secrets released, set
//! the PIN, prove it. Whenever something is not as expected it starts again at step 1. To the person the two methods,
//! SO PIN and challenge, are the same.
//!
//! The rules are those of `docs/protocols/unlock.md`, checked by the model named there; the numbers in comments are its
//! steps.

mod conversation;
mod error;
mod step;

use std::ops::ControlFlow;
use ycd_pki::{
    authorization::Authorization,
    cert::{Certificate, CertificateInfo},
    sm3::sm3,
    unlock::{Purpose, ReleaseRequest, UnlockMethod, UnlockRequest},
};
use ycd_portal_api::{
    ApiError, Client, Problem, problem,
    wire::{
        Bytes,
        attempts::SignedAuthorization,
        login::{CodeSent, SessionToken},
        orders::PublicStatus,
        unlock::{
            self as wire, AskLiveness, AskRelease, OpenUnlock, TokenInHand, UnlockOffer, UnlockOrder,
            Unlocked as Proof,
        },
    },
};
use ycd_token::{
    Answer, OneTime, Opened, Pin, PinPolicy, SoLogin, Spki, TokenError, TokenId, TokenInfo, Unlocker,
};
use zeroize::Zeroizing;

pub use self::{
    conversation::{UnlockEvent, UnlockPrompter},
    error::UnlockError,
    step::UnlockStep,
};
use self::{error::Result, step::UnlockStep as Step};
use crate::session::{
    bytes::array,
    clock::Clock,
    error::FlowError,
    journal::Journal,
    lock::{TokenLock, TokenLocks},
    new_pin::{NewPinProblem, ask},
    passes::{self, Failure, Passes, start_again},
    prompts::{CodeAnswer, CodeWanted, TokenProblem},
    token_in_flow::TokenInFlow,
    trust::PinnedPortal,
};

/// What an unlock works with.
pub struct Unlock<'a> {
    /// Nobody's session is needed.
    pub portal: &'a Client,
    pub trust: &'a PinnedPortal,
    pub tokens: &'a mut dyn Unlocker,
    pub prompter: &'a mut dyn UnlockPrompter,
    pub journal: &'a Journal,
    pub locks: &'a TokenLocks,
    pub clock: &'a dyn Clock,
    pub options: Options,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The token that is meant; without it exactly one may be inserted.
    pub token: Option<TokenId>,
    /// The order that is meant.
    pub order: Option<String>,
}

/// How it ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The new PIN works.
    Unlocked { order: String, token: TokenId },
    /// An operator has to approve first; the token was not touched.
    AwaitsApproval { order: String, token: TokenId },
}

/// A release with fewer seconds left is not begun with.
const ENOUGH_SECONDS: u32 = 20;

impl Unlock<'_> {
    /// Unlocks, or goes on with, what is inserted. After an error the same call goes on where the work stands.
    pub fn run(self) -> Result<Outcome> {
        passes::run(Running { unlock: self, kept: Kept::default() })
    }

    fn one_pass(&mut self, kept: &mut Kept) -> Result<passes::Pass<Outcome>> {
        // 1. One token, its certificate, its ways, and what the portal says to them: all that could forbid the work is
        // known before a code is spent. One process of this machine works on the token.
        self.begins(Step::FindToken, None)?;
        let (token, _lock) = self.exactly_one_token(kept)?;
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
        let locked = token.pin.retry_counter.is_locked();
        if !(locked || offer.open_order.is_some() || kept.has_forgotten) {
            kept.has_forgotten = self.prompter.has_forgotten_pin(&token);
            if !kept.has_forgotten {
                return Err(UnlockError::NotLocked);
            }
        }

        // 2. The phone that is bound to the certificate confirms; the order stands from here on.
        let (order, portal) = match self.order(kept, &token, &certificate, &offer)? {
            Some(opened) => opened,
            None => return start_again("the confirmation by SMS is over"),
        };
        match order.state {
            PublicStatus::AwaitingUnlock => {}
            PublicStatus::AwaitingReview => {
                return Ok(passes::Pass::Ended(Outcome::AwaitsApproval {
                    order: order.no,
                    token: token.token_id,
                }));
            }
            PublicStatus::Completed => return self.finish(&token, &order.no),
            PublicStatus::Rejected => {
                self.journal.unlock_done(&self.trust.name, &token.token_id, self.clock.now())?;
                return Err(UnlockError::Rejected { reason: order.reject_reason.unwrap_or_default() });
            }
            state => {
                // What cannot come back is no unfinished work.
                self.journal.unlock_done(&self.trust.name, &token.token_id, self.clock.now())?;
                return Err(UnlockError::Over { state });
            }
        }

        // 3. A PIN that was set under this order before it was broken off needs no other secret: only its proof.
        if let Some(pin) = self.pin_in_force(kept, &token, &order)? {
            self.begins(Step::Prove, Some(method))?;
            let release = self.on_token(Step::Prove, |tokens| tokens.unlock_opened(&token.token_id))?;
            let release = release.filter(|release| release.order == order.no);
            if self.prove(&portal, &token, &certificate, &order, release.as_ref(), &pin)? {
                return self.finish(&token, &order.no);
            }
            kept.in_force = false;
            kept.knows_no_earlier_pin = true;
        }

        // 4. The new PIN, typed twice, within the rules of token and project. It goes to the token alone.
        let new = match &kept.new_pin {
            Some(pin) => pin.clone(),
            None => {
                self.begins(Step::NewPin, Some(method))?;
                self.new_pin(policy, kept.refused.take())?
            }
        };
        kept.new_pin = Some(new.clone());

        // 5. The release: for this host's one-time key alone, signed by the portal, checked by the host.
        let release = match self.release(kept, &portal, &token, &certificate, &order, method)? {
            Some(release) => release,
            None => return start_again("the release is no longer good"),
        };

        // 6. The token takes the new PIN.
        self.begins(Step::SetPin, Some(method))?;
        let set = match method {
            UnlockMethod::SoPin => self.set_by_so_pin(kept, &portal, &token, &release, &new)?,
            UnlockMethod::ChallengeResponse => self.set_by_challenge(kept, &token, &new)?,
        };
        if let Some(because) = set {
            return start_again(because);
        }
        kept.in_force = true;
        self.journal.pin_was_set(&self.trust.name, &order.no, &token.token_id, self.clock.now())?;
        self.tell(Step::SetPin, &UnlockEvent::PinSet { order: order.no.clone() })?;

        // 7. The SO PIN that this machine has used is put out of force.
        if method == UnlockMethod::SoPin && !self.rotate(&portal, &token, &release)? {
            return start_again("the release is no longer the newest");
        }

        // 8. The certificate's key proves that the new PIN works; only this completes the order.
        self.begins(Step::Prove, Some(method))?;
        let release = self.on_token(Step::Prove, |tokens| tokens.unlock_opened(&token.token_id))?;
        if self.prove(&portal, &token, &certificate, &order, release.as_ref(), &new)? {
            return self.finish(&token, &order.no);
        }
        // The token said yes to a PIN that it does not take.
        Err(UnlockError::Token {
            step: Step::Prove,
            source: TokenError::Unknown { operation: "init_pin".to_owned() },
        })
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

    /// Step 2. The order with a session for it: the one at hand, or, after an SMS, the token's open one or a new one.
    /// `None` where the session at hand is over.
    fn order(
        &mut self,
        kept: &mut Kept,
        token: &TokenInfo,
        certificate: &Certificate,
        offer: &UnlockOffer,
    ) -> Result<Option<(UnlockOrder, Client)>> {
        self.begins(Step::Confirm, Some(method_of(offer.method)))?;
        if let Some(Grant { order, ticket, .. }) = &kept.grant {
            let (order, portal) = (order.clone(), self.portal.with_session(ticket.clone()));
            return match self.at_portal(Step::Confirm, |portal| portal.unlock_order(&order), Some(&portal)) {
                Ok(order) => Ok(Some((order, portal))),
                Err(error) if session_is_over(&error) => {
                    kept.grant = None;
                    Ok(None)
                }
                Err(error) => Err(error),
            };
        }
        let in_hand = in_hand(token, certificate);
        let approval = offer.approval && offer.open_order.is_none();
        let Some(form) = self.prompter.before_code(token, &offer.phone, approval) else {
            return Err(UnlockError::Stopped { step: Step::Confirm });
        };
        let portal_error = |source| UnlockError::Portal { step: Step::Confirm, source };
        let mut wanted = CodeWanted::first(self.send_code(&in_hand)?, &offer.phone).map_err(portal_error)?;
        let (grant, step_up) = loop {
            let code = match self.prompter.sms_code(&wanted.sent, wanted.refused.as_ref()) {
                CodeAnswer::Code(code) => code,
                CodeAnswer::SendAgain => {
                    let sent = self.send_code(&in_hand)?;
                    wanted.again(sent).map_err(portal_error)?;
                    continue;
                }
                CodeAnswer::Stop => {
                    let stopped = UnlockError::Stopped { step: Step::Confirm };
                    return Err(wanted.refused.map_or(stopped, portal_error));
                }
            };
            // Neither the code nor what it gives stands in the clear, not even inside TLS.
            let unlock_request =
                UnlockRequest::new(token.token_id.as_str(), &code).map_err(FlowError::from)?;
            let open = OpenUnlock {
                token_id: token.token_id.to_string(),
                certificate: Bytes(certificate.der().to_vec()),
                sealed: Bytes(unlock_request.seal(&self.trust.sealing_key).map_err(FlowError::from)?),
                locked: token.pin.retry_counter.is_locked(),
                order: self.options.order.clone(),
                form: form.clone(),
            };
            match self.at_portal(Step::Confirm, |portal| portal.open_unlock(&open), None) {
                Ok(grant) => break (grant, unlock_request.step_up),
                Err(UnlockError::Portal { source, .. }) => wanted.refuse(source).map_err(portal_error)?,
                Err(error) => return Err(error),
            }
        };
        let portal = self.portal.with_session(grant.ticket.clone());
        kept.grant = Some(Grant { order: grant.order.no.clone(), ticket: grant.ticket.clone(), step_up });
        self.journal.unlock_opened(&self.trust.name, &grant.order.no, &token.token_id, self.clock.now())?;
        let opened = UnlockEvent::Opened {
            order: grant.order.no.clone(),
            taken_up: offer.open_order.is_some(),
            state: grant.order.state,
        };
        self.tell(Step::Confirm, &opened)?;
        Ok(Some((grant.order, portal)))
    }

    /// A refusal by the portal is for the caller to weigh.
    fn send_code(&mut self, in_hand: &TokenInHand) -> Result<Result<CodeSent, ApiError>> {
        match self.at_portal(Step::Confirm, |portal| portal.unlock_code(in_hand), None) {
            Ok(sent) => Ok(Ok(sent)),
            Err(UnlockError::Portal { source, .. }) => Ok(Err(source)),
            Err(error) => Err(error),
        }
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

    /// Step 4.
    fn new_pin(&mut self, policy: PinPolicy, refused: Option<NewPinProblem>) -> Result<Pin> {
        ask(self.prompter, policy, None, refused).map_err(|refused| {
            refused.map_or(UnlockError::Stopped { step: Step::NewPin }, UnlockError::Refused)
        })
    }

    /// Step 5. The release that the host has open, or the one for a new one-time key. The private key and the secrets
    /// stay in the host. `None` where it has to be asked for anew.
    fn release(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        token: &TokenInfo,
        certificate: &Certificate,
        order: &UnlockOrder,
        method: UnlockMethod,
    ) -> Result<Option<Opened>> {
        self.begins(Step::Release, Some(method))?;
        let open = self.on_token(Step::Release, |tokens| tokens.unlock_opened(&token.token_id))?;
        if let Some(open) = open
            && method == UnlockMethod::SoPin
            && open.order == order.no
            && open.seconds_left >= ENOUGH_SECONDS
        {
            return Ok(Some(open));
        }
        // A retyped PIN, or a command that was cut off, takes a new challenge and the same release.
        let one_time = match kept.one_time.take() {
            Some(one_time) if method == UnlockMethod::ChallengeResponse => one_time,
            _ => {
                let trust = self.trust.for_host();
                self.on_token(Step::Release, |tokens| tokens.unlock_begin(&token.token_id, &trust))?
            }
        };
        let challenge = match method {
            UnlockMethod::SoPin => Vec::new(),
            UnlockMethod::ChallengeResponse => match self.tokens.unlock_challenge(&token.token_id) {
                Ok(challenge) => challenge.to_vec(),
                Err(TokenError::ReleaseGone) => return Ok(None),
                Err(TokenError::CardMissing) => {
                    // A card that went with its key: the token is asked for.
                    let tokens = self.on_token(Step::Release, |tokens| tokens.list())?;
                    let is_in = tokens.iter().any(|found| found.token_id == token.token_id);
                    let source = if is_in { TokenError::CardMissing } else { TokenError::Removed };
                    return Err(UnlockError::Token { step: Step::Release, source });
                }
                Err(source) => return Err(UnlockError::Token { step: Step::Release, source }),
            },
        };
        let Some(grant) = &kept.grant else { return Ok(None) };
        let request = ReleaseRequest {
            order: order.no.clone(),
            step_up: grant.step_up.clone(),
            one_time_key: public_key(&one_time.public_key)?,
            token_id: token.token_id.to_string(),
            method,
            certificate: sm3(certificate.der()),
            challenge,
            so_pin_retry_counter: one_time.so_pin_retry_counter,
        };
        let sealed = Bytes(request.seal(&self.trust.sealing_key).map_err(FlowError::from)?);
        let ask = AskRelease { sealed };
        let answer = match self.at_portal(Step::Release, |p| p.release(&order.no, &ask), Some(portal)) {
            Ok(answer) => answer,
            Err(error) if session_is_over(&error) => {
                kept.grant = None;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        if method == UnlockMethod::ChallengeResponse {
            kept.one_time = Some(one_time);
        }
        let answer = Answer {
            purpose: Purpose::Unlock,
            context: answer.context.0,
            sealed_envelope: answer.sealed_envelope.0,
            signature: answer.signature.0,
        };
        match self.tokens.unlock_open(&token.token_id, &answer) {
            Ok(opened) if opened.order == order.no && opened.method == method => Ok(Some(opened)),
            Ok(_) => Err(UnlockError::Token {
                step: Step::Release,
                source: TokenError::ReleaseRefused { reason: "it is for another order".to_owned() },
            }),
            Err(TokenError::ReleaseGone) => Ok(None),
            Err(source) => Err(UnlockError::Token { step: Step::Release, source }),
        }
    }

    /// Step 6, wrapped. SO login, the likelier PIN first, after one definite wrong answer the other one; then the
    /// user's PIN. Gives why to start again, where it has to.
    fn set_by_so_pin(
        &mut self,
        kept: &mut Kept,
        portal: &Client,
        token: &TokenInfo,
        release: &Opened,
        new: &Pin,
    ) -> Result<Option<&'static str>> {
        let rotated = self.journal.rotation(&self.trust.name, &token.token_id)?;
        let mut guesses = [SoLogin::Current, SoLogin::Next];
        if rotated == Some(release.next_version) {
            guesses.reverse();
        }
        match self.so_login(Step::SetPin, portal, token, release, &guesses)? {
            Login::Right => {}
            Login::Wrong => return Err(UnlockError::SoPinUnknown),
            Login::Stale => return Ok(Some("the release is no longer the newest")),
        }
        match self.tokens.init_pin(&token.token_id, new) {
            Ok(()) => Ok(None),
            Err(TokenError::PinInvalid { .. }) => Ok(Some(kept.type_another())),
            Err(source) => Err(UnlockError::Token { step: Step::SetPin, source }),
        }
    }

    /// Step 6, challenge. One command to the token, made for its challenge.
    fn set_by_challenge(
        &mut self,
        kept: &mut Kept,
        token: &TokenInfo,
        new: &Pin,
    ) -> Result<Option<&'static str>> {
        match self.tokens.unblock(&token.token_id, new) {
            Ok(()) => Ok(None),
            Err(TokenError::ChallengeRefused) => Ok(Some("the token wants another answer")),
            Err(TokenError::ReleaseGone) => Ok(Some("the answer to the challenge is used up")),
            Err(TokenError::PinInvalid { .. }) => Ok(Some(kept.type_another())),
            Err(source) => Err(UnlockError::Token { step: Step::SetPin, source }),
        }
    }

    /// Step 7. J(rotate), the next SO PIN in the place of the one that was used, and a login that proves it: what the
    /// module says to the change itself proves nothing. A token that keeps the old one is left with it.
    fn rotate(&mut self, portal: &Client, token: &TokenInfo, release: &Opened) -> Result<bool> {
        self.begins(Step::Rotate, Some(UnlockMethod::SoPin))?;
        let now = self.on_token(Step::Rotate, |tokens| tokens.unlock_opened(&token.token_id))?;
        if now.is_some_and(|now| now.proven_version == Some(release.next_version)) {
            return Ok(true);
        }
        self.journal.rotates_to(&self.trust.name, &token.token_id, release.next_version)?;
        match self.tokens.rotate_so_pin(&token.token_id) {
            Err(source @ TokenError::Removed) => {
                return Err(UnlockError::Token { step: Step::Rotate, source });
            }
            Err(TokenError::ReleaseGone) => return Ok(false),
            Ok(()) | Err(_) => {}
        }
        match self.so_login(Step::Rotate, portal, token, release, &[SoLogin::Next, SoLogin::Current])? {
            Login::Right => Ok(true),
            Login::Wrong => Err(UnlockError::SoPinUnknown),
            Login::Stale => Ok(false),
        }
    }

    /// One login with each, until one is right. Directly before each the portal says that the release is the newest of
    /// an open order; no answer, no login.
    fn so_login(
        &mut self,
        step: Step,
        portal: &Client,
        token: &TokenInfo,
        release: &Opened,
        guesses: &[SoLogin],
    ) -> Result<Login> {
        let mut guesses = guesses.iter();
        let mut guess = guesses.next();
        while let Some(which) = guess {
            let nonce = match self.tokens.unlock_nonce(&token.token_id) {
                Ok(nonce) => nonce,
                Err(TokenError::ReleaseGone) => return Ok(Login::Stale),
                Err(source) => return Err(UnlockError::Token { step, source }),
            };
            let question = AskLiveness { release: release.release, nonce: Bytes(nonce.to_vec()) };
            let liveness = match portal.liveness(&release.order, &question) {
                Ok(liveness) => liveness,
                Err(error) if error.is(problem::unlock::RELEASE_STALE) => {
                    self.on_token(step, |tokens| tokens.unlock_end(&token.token_id))?;
                    return Ok(Login::Stale);
                }
                // Asked again with a new nonce.
                Err(error)
                    if error.is_passing()
                        && self.prompter.portal_again(step, &error) == ControlFlow::Continue(()) =>
                {
                    continue;
                }
                Err(source) => return Err(UnlockError::Portal { step, source }),
            };
            match self.tokens.so_login(&token.token_id, which, &liveness.signature.0) {
                Ok(()) => return Ok(Login::Right),
                Err(TokenError::SoPinIncorrect { .. }) => guess = guesses.next(),
                Err(TokenError::ReleaseGone) => return Ok(Login::Stale),
                Err(source) => return Err(UnlockError::Token { step, source }),
            }
        }
        Ok(Login::Wrong)
    }

    /// Step 8. Login with the PIN, and the authorization signed by the certificate's key. `false` where the token does
    /// not take the PIN.
    fn prove(
        &mut self,
        portal: &Client,
        token: &TokenInfo,
        certificate: &Certificate,
        order: &UnlockOrder,
        release: Option<&Opened>,
        pin: &Pin,
    ) -> Result<bool> {
        self.on_token(Step::Prove, |tokens| tokens.logout(&token.token_id))?;
        match self.tokens.login(&token.token_id, pin) {
            Ok(()) => {}
            Err(TokenError::PinIncorrect { .. } | TokenError::PinLocked | TokenError::PinInvalid { .. }) => {
                return Ok(false);
            }
            Err(source) => return Err(UnlockError::Token { step: Step::Prove, source }),
        }
        let nonce = self.at_portal(Step::Prove, |p| p.unlock_nonce(&order.no), Some(portal))?.nonce;
        let number = release.map_or(order.newest_release, |release| release.release);
        let one_time_key = release.map_or([0; 32], |release| release.one_time_key);
        let so_pin_version = release.and_then(|release| release.proven_version).unwrap_or(0);
        let authorization = Authorization::Unlocked {
            portal: self.trust.name.clone(),
            order: order.no.clone(),
            release: number,
            token_id: token.token_id.to_string(),
            one_time_key,
            so_pin_version,
            nonce: array(&nonce)?,
        };
        let signer = Spki(certificate.public_key().map_err(FlowError::from)?.to_spki_der());
        let signature = self.on_token(Step::Prove, |tokens| {
            tokens.sign_authorization(&token.token_id, &signer, &authorization)
        })?;
        let proof = Proof {
            release: number,
            one_time_key: Bytes(one_time_key.to_vec()),
            so_pin_version,
            authorization: SignedAuthorization { nonce, signature: Bytes(signature) },
        };
        self.at_portal(Step::Prove, |p| p.unlocked(&order.no, &proof), Some(portal))?;
        Ok(true)
    }

    fn finish(&mut self, token: &TokenInfo, order: &str) -> Result<passes::Pass<Outcome>> {
        self.journal.unlock_done(&self.trust.name, &token.token_id, self.clock.now())?;
        // The token may be out already: what is left in the host ends with its time.
        let _ = self.tokens.unlock_end(&token.token_id);
        let _ = self.tokens.logout(&token.token_id);
        let finished = UnlockEvent::Finished { order: order.to_owned(), token: token.token_id.clone() };
        let _ = self.prompter.tell(&finished);
        Ok(passes::Pass::Ended(Outcome::Unlocked { order: order.to_owned(), token: token.token_id.clone() }))
    }

    /// A call that may be repeated as often as the person wants while the portal cannot be reached.
    fn at_portal<T>(
        &mut self,
        step: Step,
        call: impl Fn(&Client) -> Result<T, ApiError>,
        portal: Option<&Client>,
    ) -> Result<T> {
        loop {
            match call(portal.unwrap_or(self.portal)) {
                Err(error)
                    if error.is_passing()
                        && self.prompter.portal_again(step, &error) == ControlFlow::Continue(()) => {}
                outcome => return outcome.map_err(|source| UnlockError::Portal { step, source }),
            }
        }
    }

    fn on_token<T>(
        &mut self,
        step: Step,
        act: impl FnOnce(&mut dyn Unlocker) -> Result<T, TokenError>,
    ) -> Result<T> {
        act(self.tokens).map_err(|source| UnlockError::Token { step, source })
    }

    /// `method`: once it is known.
    fn begins(&mut self, step: Step, method: Option<UnlockMethod>) -> Result<()> {
        let (usual, longest) = step.duration();
        let number = step.number(method.unwrap_or(UnlockMethod::SoPin));
        let of = method.map(Step::count);
        self.tell(step, &UnlockEvent::Begins { step, number, of, usual, longest })
    }

    fn tell(&mut self, step: Step, event: &UnlockEvent) -> Result<()> {
        match self.prompter.tell(event) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(UnlockError::Stopped { step }),
        }
    }
}

/// What one run remembers from round to round. None of it decides what is true of token and order.
#[derive(Default)]
struct Kept {
    flow_token: TokenInFlow,
    grant: Option<Grant>,
    /// As typed.
    new_pin: Option<Pin>,
    /// Why it has to be typed anew.
    refused: Option<NewPinProblem>,
    /// The token has said yes to it in this run.
    in_force: bool,
    has_forgotten: bool,
    knows_no_earlier_pin: bool,
    one_time: Option<OneTime>,
}

impl Kept {
    /// The token has a rule of its own that it does not tell. Gives why to start again.
    fn type_another(&mut self) -> &'static str {
        self.new_pin = None;
        self.refused = Some(NewPinProblem::ByTheToken);
        "the token does not take this PIN"
    }
}

struct Grant {
    order: String,
    ticket: SessionToken,
    /// Made here, and known to nobody else but the portal.
    step_up: Zeroizing<String>,
}

enum Login {
    Right,
    Wrong,
    /// The release counts no more.
    Stale,
}

fn session_is_over(error: &UnlockError) -> bool {
    let UnlockError::Portal { source, .. } = error else { return false };
    use problem::kinds::{AUTH_REQUIRED, SESSION_EXPIRED, STEP_UP_INVALID};
    source.is_any(&[STEP_UP_INVALID, AUTH_REQUIRED, SESSION_EXPIRED])
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

fn in_hand(token: &TokenInfo, certificate: &Certificate) -> TokenInHand {
    TokenInHand { token_id: token.token_id.to_string(), certificate: Bytes(certificate.der().to_vec()) }
}

fn method_of(method: wire::UnlockMethod) -> UnlockMethod {
    match method {
        wire::UnlockMethod::SoPin => UnlockMethod::SoPin,
        wire::UnlockMethod::ChallengeResponse => UnlockMethod::ChallengeResponse,
    }
}

/// What satisfies token and project; an answer before anybody is asked for anything.
fn both(token: &TokenInfo, rules: wire::PinRules) -> Result<PinPolicy> {
    let product =
        PinPolicy { min_len: rules.min_len, max_len: rules.max_len, digits_only: rules.digits_only };
    let key = PinPolicy::of_key(&token.pin);
    key.and(product).ok_or(UnlockError::NoneFits { key, product })
}

fn public_key(spki: &Spki) -> Result<ycd_pki::PublicKey> {
    Ok(ycd_pki::PublicKey::from_spki_der(&spki.0).map_err(FlowError::from)?)
}

/// An unlock under way.
struct Running<'a> {
    unlock: Unlock<'a>,
    kept: Kept,
}

impl Passes for Running<'_> {
    type Outcome = Outcome;
    type Error = UnlockError;

    fn pass(&mut self) -> Result<passes::Pass<Outcome>> {
        self.unlock.one_pass(&mut self.kept)
    }

    fn token(&mut self) -> &mut TokenInFlow {
        &mut self.kept.flow_token
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        self.unlock.prompter.token_again(problem)
    }

    fn starts_again(&mut self, because: String) -> Result<()> {
        self.unlock.tell(Step::FindToken, &UnlockEvent::StartsAgain { because })
    }
}

impl Failure for UnlockError {
    fn of_token(&self) -> Option<(&'static str, &TokenError)> {
        match self {
            Self::Token { step, source } => Some((step.name(), source)),
            _ => None,
        }
    }

    fn is_of_the_driver(source: &TokenError) -> bool {
        matches!(
            source,
            TokenError::Unknown { .. }
                | TokenError::HostDied { .. }
                | TokenError::HostTimeout { .. }
                | TokenError::ReleaseGone
                | TokenError::NotLoggedIn,
        )
    }

    fn no_progress(passes: u32, last: String) -> Self {
        Self::NoProgress { passes, last }
    }
}
