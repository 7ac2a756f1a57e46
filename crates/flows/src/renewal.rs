//! Renewal: a new certificate on a token in hand, in a way that survives a pulled token, a crash and a lost connection.
//!
//! The truth is on the token and in the portal; nothing here is remembered that cannot be asked of them. So there is one
//! way in, [`Renewal::run`], whether the work begins or goes on, on this machine or another: find the token, ask the
//! portal where the order stands, compare ([`reconcile()`]), and go on from there. Whenever something is not as expected
//! (the token was pulled, the driver died, another machine was quicker) it starts again at step 1, and loses nothing.
//!
//! The numbers in comments are the steps of `docs/protocols/renewal.md`.

mod check;
mod portal_calls;
mod prompter;
mod reconcile;
mod step;

use std::ops::ControlFlow;
use ycd_pki::{
    authorization::Authorization,
    cert::{Certificate, CertificateInfo},
    sm3::sm3,
};
use ycd_portal_api::{
    ApiError, Client,
    problem::attempts as problem,
    wire::{
        Bytes,
        attempts::{
            Abandon, AttemptState, AttemptView, Confirm, Issue, Mode, NoncePurpose, OpenAttempt, Replace,
        },
        login::Purpose,
        orders::{FixMode, PublicStatus},
    },
};
use ycd_token::{
    CkaId, ContainerHandle, Contents, KeyPairState, Spki, TokenAccess, TokenError, TokenId, TokenInfo,
};

pub use self::{
    prompter::{Event, Prompter},
    reconcile::{Next, reconcile},
    step::Step,
};
use crate::{
    session::{
        bytes::{array, bad_answer},
        clock::Clock,
        error::{FlowError, OperatorReason, Result},
        journal::Journal,
        lock::TokenLocks,
        passes::{self, Failure, Pass, Passes, start_again},
        prompts::{PinQuestion, TokenProblem},
        token_in_flow::TokenInFlow,
        trust::PinnedPortal,
    },
    store::{StoreError, UserStore},
};

/// What a renewal works with.
pub struct Renewal<'a> {
    pub portal: &'a Client,
    pub tokens: &'a mut dyn TokenAccess,
    pub prompter: &'a mut dyn Prompter,
    pub journal: &'a Journal,
    pub locks: &'a TokenLocks,
    /// The certificate authorities this machine trusts.
    pub anchors: &'a [Certificate],
    /// The portal this machine was set up with, where it has seen one: tokens sign for no other.
    pub trust: Option<&'a PinnedPortal>,
    pub clock: &'a dyn Clock,
    /// Where the system has one: the certificate is registered there at the end.
    pub store: Option<UserStore<'a>>,
    pub options: Options,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// For tokens or products that allow one key pair only. Counts only for the order's first attempt.
    pub same_key_pair: bool,
    /// Step 10: the person agreed, on that page, that the old pair goes once the new one is proven.
    pub remove_old_pair: bool,
}

/// The new certificate is on the token, and the portal knows it.
#[derive(Debug, Clone)]
pub struct Renewed {
    pub order: String,
    pub token: TokenId,
    /// DER.
    pub old: Vec<u8>,
    /// DER.
    pub new: Vec<u8>,
    /// DER, issuing CA first, without the root.
    pub chain: Vec<Vec<u8>>,
}

impl Renewal<'_> {
    /// Renews, or goes on with, an order. Ends with the certificate on the token, or with an error after which the same
    /// call goes on where the work stands.
    pub fn run(self, order: &str) -> Result<Renewed> {
        passes::run(Running { renewal: self, order, token: TokenInFlow::default() })
    }

    /// Step 11, by the person's wish: gives the open attempt up. The portal revokes what it may have issued and opens
    /// the next attempt; the pair made for it is cleared away when the renewal goes on.
    pub fn abandon(mut self, order: &str) -> Result<AttemptView> {
        self.begins(Step::FindToken)?;
        let token = self.exactly_one_token(order, &mut TokenInFlow::default())?;
        let _lock = self.locks.lock(&token.token_id)?;
        self.begins(Step::Open)?;
        let (contents, view) = self.open(order, &token)?;
        let contents = self.login(&token, contents)?;
        self.give_up(&token, &contents, &view)
    }

    fn one_pass(&mut self, order: &str, flow_token: &mut TokenInFlow) -> Result<Pass<Renewed>> {
        // 1. Exactly one token, the order's; one process of this machine works on it.
        self.begins(Step::FindToken)?;
        let token = self.exactly_one_token(order, flow_token)?;
        let _lock = self.locks.lock(&token.token_id)?;
        self.begins(Step::Open)?;
        let (contents, view) = self.open(order, &token)?;
        flow_token.is_back();
        self.record(&token, &view, Step::Open)?;

        if view.operator_care {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::TakenOver });
        }

        // An order that has ended otherwise, or is an operator's, needs no PIN. What cannot come back is no unfinished
        // work either.
        if is_over(&view) {
            use PublicStatus::{AwaitingRenewal, AwaitingReview, Draft, Rejected};
            if !matches!(view.public_status, AwaitingRenewal | AwaitingReview | Draft | Rejected) {
                self.journal.close(&view.portal, &view.order)?;
            }
            return Err(FlowError::OrderNotReady { state: view.public_status.name().to_owned() });
        }

        // An order whose completion was not heard of needs no PIN any more.
        if view.public_status == PublicStatus::Completed && !self.has_to_remove_superseded(&view, &contents) {
            return self.finish(&token, &view);
        }

        // 3, before 2: only a logged-in user sees private keys, and so whether a pair is whole.
        let contents = self.login(&token, contents)?;

        // 2. Portal and token decide where the work goes on.
        let (signer, issued) = match reconcile(&view, &contents) {
            Next::Destroy(container) => {
                self.begins(Step::Clear)?;
                self.on_token(Step::Clear, |tokens| tokens.destroy(&token.token_id, &container))?;
                return start_again(
                    "a pair of an attempt that was given up, or an orphaned pair, was cleared away",
                );
            }
            Next::AgreeToReplace => {
                self.agree_to_replace(&token, &view)?;
                return start_again("the old key agreed to be replaced");
            }
            Next::Generate => {
                // 3. A new pair, named by the attempt's tag, so that it is known again after a cut in the middle.
                self.begins(Step::Generate)?;
                let cka_id = CkaId(array(&view.cka_id)?);
                let old = Spki(check::public_key(&view.old_certificate.0)?);
                let spki = match self.tokens.generate(&token.token_id, &cka_id) {
                    // A token that does not tell its free capacity beforehand.
                    Err(TokenError::NoFreeCapacity)
                        if view.mode != Mode::SameKeyPair
                            && !view.replace_agreed
                            && has_pair(&contents, &old) =>
                    {
                        self.agree_to_replace(&token, &view)?;
                        return start_again(
                            "the token has no free capacity, and the old key agreed to be replaced",
                        );
                    }
                    Err(TokenError::NoFreeCapacity)
                        if view.mode == Mode::Replace && has_pair(&contents, &old) =>
                    {
                        self.begins(Step::Clear)?;
                        let old = ContainerHandle::PublicKey(old);
                        self.on_token(Step::Clear, |tokens| tokens.destroy(&token.token_id, &old))?;
                        return start_again("the token has no free capacity, and the old pair made some");
                    }
                    outcome => self.after(Step::Generate, outcome)?,
                };
                self.record(&token, &view, Step::Generate)?;
                (spki, false)
            }
            Next::Sign(spki) => {
                self.tell(Step::Sign, &Event::TakenUp { after: Step::Generate })?;
                (spki, false)
            }
            Next::Write(spki) => {
                self.tell(Step::Write, &Event::TakenUp { after: Step::Issue })?;
                (spki, true)
            }
            Next::RemoveSuperseded(spki) => {
                self.remove_superseded(&token, &view, &contents, &spki)?;
                return self.finish(&token, &view);
            }
            Next::GiveUp => {
                self.give_up(&token, &contents, &view)?;
                return start_again("the pair of the last attempt is gone; the attempt was given up");
            }
            Next::Operator(reason) => return Err(FlowError::OperatorNeeded { reason }),
            Next::Over => {
                return Err(FlowError::OrderNotReady { state: view.public_status.name().to_owned() });
            }
        };

        // 4 to 6. The old key agrees, the new key requests, the portal issues.
        let certificate = match (&view.certificate, issued) {
            (Some(certificate), true) => certificate.0.clone(),
            _ => match self.sign_and_issue(&token, &view, &contents, &signer)? {
                Some(certificate) => certificate,
                None => return start_again("the portal has moved on in the meantime"),
            },
        };
        let attempt = view.attempt;
        let view = self.seen_by_portal(order)?;
        if view.attempt != attempt || view.state == AttemptState::Closed {
            return start_again("the attempt was given up elsewhere in the meantime");
        }
        self.record(&token, &view, Step::Issue)?;

        // 7. What came back is what was ordered; it goes onto the token and is read back.
        let chain: Vec<&[u8]> = view.chain.iter().map(|c| c.0.as_slice()).collect();
        let portal_time = view.portal_time.0;
        check::fits_the_order(&certificate, &view, &signer)?;
        check::is_trusted(&certificate, &chain, self.anchors, portal_time)?;
        self.begins(Step::Write)?;
        self.on_token(Step::Write, |tokens| tokens.write_certificate(&token.token_id, &certificate))?;
        self.record(&token, &view, Step::Write)?;

        // 8 and 9. The new key proves that its certificate lies beside it; the portal completes the order.
        self.begins(Step::Confirm)?;
        let serial = check::serial(&certificate)?;
        let nonce = self.nonce(Step::Confirm, &view, NoncePurpose::Confirm)?;
        let authorization = Authorization::Confirm {
            portal: view.portal.clone(),
            order: order.to_owned(),
            attempt: view.attempt,
            serial,
            nonce,
        };
        let authorization = self.sign(Step::Confirm, &token, &signer, &authorization, nonce)?;
        match self.portal.confirm(order, view.attempt, &Confirm { authorization }) {
            Ok(_) => {}
            Err(error) if moved_on(&error) => return start_again("the portal has moved on in the meantime"),
            Err(source) => return Err(FlowError::Portal { step: Step::Confirm.into(), source }),
        }
        self.record(&token, &view, Step::Confirm)?;

        // 10. Only what the person agreed to.
        let view = self.seen_by_portal(order)?;
        let contents = self.read(Step::RemoveSuperseded, &token)?;
        self.remove_superseded(&token, &view, &contents, &signer)?;
        self.finish(&token, &view)
    }

    /// 1. None, several, or the wrong one: says so, and looks again as long as the person wants.
    fn exactly_one_token(&mut self, order: &str, flow_token: &mut TokenInFlow) -> Result<TokenInfo> {
        let wanted = self
            .portal
            .order(order)
            .map_err(|source| FlowError::Portal { step: Step::FindToken.into(), source })?
            .summary
            .token_id;
        let wanted = TokenId::from(wanted);
        flow_token.token = Some(wanted.clone());
        loop {
            let mut tokens = self.on_token(Step::FindToken, |tokens| tokens.list())?;
            let Some(problem) = flow_token.problem(&tokens, Some(&wanted)) else {
                return Ok(tokens.remove(0));
            };
            if self.prompter.token_again(&problem) == ControlFlow::Break(()) {
                return Err(problem.into());
            }
        }
    }

    /// 1. The order's open attempt, or a new one, with what is on the token now.
    fn open(&mut self, order: &str, token: &TokenInfo) -> Result<(Contents, AttemptView)> {
        let mut contents = self.read(Step::Open, token)?;
        // Before login private keys are hidden. Where no tags tell what the order made, whatever is missing in its
        // first inventory would be taken for its own.
        if !contents.keeps_ids && !contents.logged_in && self.is_first_opening(order)? {
            contents = self.login(token, contents)?;
        }
        let mode = if self.options.same_key_pair { Mode::SameKeyPair } else { mode_of(&contents) };
        let public_keys =
            contents.containers.iter().filter_map(|c| c.spki.as_ref()).map(|s| Bytes(s.0.clone())).collect();
        let view = self
            .portal
            .open_attempt(order, &OpenAttempt { token_id: token.token_id.to_string(), public_keys, mode })
            .map_err(|source| FlowError::Portal { step: Step::Open.into(), source })?;
        if view.order != order || view.token_id != token.token_id.as_str() {
            return Err(bad_answer("an attempt of another order or key".to_owned()));
        }
        if let Some(trust) = self.trust
            && view.portal != trust.name
        {
            return Err(FlowError::OtherPortal { found: view.portal });
        }
        let off = (view.portal_time.0 - self.clock.now()).whole_seconds();
        if off.abs() > CLOCK_TOLERANCE_SECONDS {
            self.tell(Step::Open, &Event::ClockOff { seconds: off })?;
        }
        Ok((contents, view))
    }

    fn is_first_opening(&mut self, order: &str) -> Result<bool> {
        match self.portal.attempt(order) {
            Ok(_) => Ok(false),
            Err(error) if error.is(problem::NONE) => Ok(true),
            Err(source) => Err(FlowError::Portal { step: Step::Open.into(), source }),
        }
    }

    /// 3. Asks for the PIN unless the token is open already. A wrong one is asked for again, never sent again.
    fn login(&mut self, token: &TokenInfo, contents: Contents) -> Result<Contents> {
        if contents.logged_in {
            return Ok(contents);
        }
        self.begins(Step::Pin)?;
        let mut retry_counter = token.pin.retry_counter;
        let mut again = false;
        loop {
            if retry_counter.is_locked() {
                return Err(FlowError::Token { step: Step::Pin.into(), source: TokenError::PinLocked });
            }
            let question =
                PinQuestion { token: token.clone(), retry_counter, again, last_try: retry_counter.is_last() };
            let Some(pin) = self.prompter.pin(&question) else {
                return Err(FlowError::Stopped { step: Step::Pin.into() });
            };
            match self.tokens.login(&token.token_id, &pin) {
                Ok(()) => break,
                Err(TokenError::PinIncorrect { retry_counter: left }) => {
                    (retry_counter, again) = (left, true)
                }
                Err(source) => return Err(FlowError::Token { step: Step::Pin.into(), source }),
            }
        }
        self.read(Step::Pin, token)
    }

    /// 4, 5 and 6. `None` where the portal says that the attempt is bound to another token or no longer open.
    fn sign_and_issue(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        contents: &Contents,
        signer: &Spki,
    ) -> Result<Option<Vec<u8>>> {
        self.begins(Step::Sign)?;
        let old = Spki(check::public_key(&view.old_certificate.0)?);
        let authorization = if has_pair(contents, &old) {
            let nonce = self.nonce(Step::Sign, view, NoncePurpose::Renew)?;
            let authorization = Authorization::Renew {
                portal: view.portal.clone(),
                order: view.order.clone(),
                attempt: view.attempt,
                token_id: token.token_id.to_string(),
                old_certificate: sm3(&view.old_certificate.0),
                new_public_key: sm3(&signer.0),
                nonce,
            };
            Some(self.sign(Step::Sign, token, &old, &authorization, nonce)?)
        } else if view.replace_agreed {
            None
        } else {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::OldKeyGone });
        };

        let csr = self
            .on_token(Step::Sign, |tokens| tokens.sign_request(&token.token_id, signer, &view.subject.0))?;
        check::request_is_signed_rightly(&csr, signer)?;
        self.tell(Step::Sign, &Event::Requested { request: csr.clone() })?;

        self.begins(Step::Issue)?;
        // In place of the old key's word on this public key the person's, anew; what is bound already needs neither.
        let step_up = match (&authorization, &view.public_key) {
            (None, None) => Some(self.step_up(Step::Issue, view, Purpose::Replace)?),
            _ => None,
        };
        let issue = Issue { request: Bytes(csr), authorization, step_up };
        match self.portal.issue(&view.order, view.attempt, &issue) {
            Ok(issued) => Ok(Some(issued.certificate.0)),
            Err(error) if moved_on(&error) => Ok(None),
            Err(source) => Err(FlowError::Portal { step: Step::Issue.into(), source }),
        }
    }

    /// Mode *replace*, 4: only with the person's yes, and after the old key has said so to the portal.
    fn agree_to_replace(&mut self, token: &TokenInfo, view: &AttemptView) -> Result<()> {
        let old_der = &view.old_certificate.0;
        let old = check::parse(old_der)?;
        let info = CertificateInfo::of(&old, view.portal_time.0);
        if !self.prompter.agree_to_replace(token, &info) {
            return Err(FlowError::Stopped { step: Step::Clear.into() });
        }
        if view.mode == Mode::SideBySide {
            let fixed = FixMode { token_id: token.token_id.to_string(), mode: Mode::Replace, consent: true };
            self.portal
                .fix_mode(&view.order, &fixed)
                .map_err(|source| FlowError::Portal { step: Step::Clear.into(), source })?;
        }
        let nonce = self.nonce(Step::Clear, view, NoncePurpose::Replace)?;
        let authorization = Authorization::Replace {
            portal: view.portal.clone(),
            order: view.order.clone(),
            token_id: token.token_id.to_string(),
            old_certificate: sm3(old_der),
            nonce,
        };
        let authorization =
            self.sign(Step::Clear, token, &Spki(old.spki_der().to_vec()), &authorization, nonce)?;
        self.portal
            .replace(&view.order, &Replace { authorization })
            .map_err(|source| FlowError::Portal { step: Step::Clear.into(), source })?;
        Ok(())
    }

    /// 11. With the old key's word where it is in hand.
    fn give_up(&mut self, token: &TokenInfo, contents: &Contents, view: &AttemptView) -> Result<AttemptView> {
        self.begins(Step::GiveUp)?;
        let step_up = self.step_up(Step::GiveUp, view, Purpose::Abandon)?;
        let old = Spki(check::public_key(&view.old_certificate.0)?);
        let authorization = if has_pair(contents, &old) {
            let nonce = self.nonce(Step::GiveUp, view, NoncePurpose::Abandon)?;
            let authorization = Authorization::Abandon {
                portal: view.portal.clone(),
                order: view.order.clone(),
                attempt: view.attempt,
                token_id: token.token_id.to_string(),
                nonce,
            };
            Some(self.sign(Step::GiveUp, token, &old, &authorization, nonce)?)
        } else {
            None
        };
        let next = self
            .portal
            .abandon(&view.order, view.attempt, &Abandon { step_up, authorization })
            .map_err(|source| FlowError::Portal { step: Step::GiveUp.into(), source })?;
        if next.attempt == view.attempt {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::AttemptsExhausted });
        }
        Ok(next)
    }

    /// Step 10: the old pair goes only if the person agreed to it on this page; in mode *same key pair*, to which the
    /// person agreed with the order, its old certificate goes.
    fn remove_superseded(
        &mut self,
        token: &TokenInfo,
        view: &AttemptView,
        contents: &Contents,
        new: &Spki,
    ) -> Result<()> {
        let old_der = &view.old_certificate.0;
        let old = Spki(check::public_key(old_der)?);
        let holds = |spki: &Spki, der: &[u8]| {
            contents.with_key(spki).is_some_and(|c| c.certificates.iter().any(|have| have == der))
        };
        let new_is_there = has_pair(contents, new)
            && view.certificate.as_ref().is_some_and(|new_der| holds(new, &new_der.0));
        if !new_is_there {
            return Ok(());
        }
        if view.mode == Mode::SameKeyPair {
            if holds(&old, old_der) {
                self.begins(Step::RemoveSuperseded)?;
                self.on_token(Step::RemoveSuperseded, |tokens| {
                    tokens.remove_certificate(&token.token_id, old_der)
                })?;
            }
        } else if self.options.remove_old_pair && old != *new && contents.with_key(&old).is_some() {
            self.begins(Step::RemoveSuperseded)?;
            self.on_token(Step::RemoveSuperseded, |tokens| {
                tokens.destroy(&token.token_id, &ContainerHandle::PublicKey(old))
            })?;
        }
        Ok(())
    }

    /// Step 10, where the system has a store of certificates and the token model says how they are registered there. The portal
    /// has the confirmation, so nothing that fails here is more than told, and a wish to stop has nothing left to stop.
    fn register(&mut self, token: &TokenInfo, view: &AttemptView, new_der: &[u8]) {
        let Some(store) = self.store.filter(|store| store.says(token).is_some()) else { return };
        let _ = self.prompter.tell(&Event::begins(Step::Register));
        let read = self.tokens.read(&token.token_id).map_err(StoreError::from);
        let outcome = read.and_then(|contents| {
            let parse = |der: &[u8]| Certificate::from_der(der).map_err(|_| StoreError::NotOnToken);
            store.register(token, &contents, &parse(new_der)?, &[parse(&view.old_certificate.0)?])
        });
        let event = match outcome {
            Ok(registered) => Event::Registered(registered),
            Err(error) => Event::NotRegistered { code: error.code().to_owned(), detail: error.to_string() },
        };
        let _ = self.prompter.tell(&event);
    }

    fn has_to_remove_superseded(&self, view: &AttemptView, contents: &Contents) -> bool {
        let Ok(old) = check::public_key(&view.old_certificate.0) else { return false };
        let old = contents.with_key(&Spki(old));
        match view.mode {
            Mode::SameKeyPair => old.is_some_and(|c| c.certificates.contains(&view.old_certificate.0)),
            Mode::SideBySide | Mode::Replace => self.options.remove_old_pair && old.is_some(),
        }
    }

    fn finish(&mut self, token: &TokenInfo, view: &AttemptView) -> Result<Pass<Renewed>> {
        let Some(new) = &view.certificate else {
            return Err(FlowError::OrderNotReady { state: view.public_status.name().to_owned() });
        };
        self.register(token, view, &new.0);
        self.record(token, view, Step::Done)?;
        let now = view.portal_time.0;
        let info = |der: &Bytes| {
            check::parse(&der.0).map(|certificate| Box::new(CertificateInfo::of(&certificate, now)))
        };
        let event = Event::Finished { old: info(&view.old_certificate)?, new: info(new)? };
        // The work is done; a wish to stop has nothing left to stop.
        let _ = self.prompter.tell(&event);
        Ok(Pass::Ended(Renewed {
            order: view.order.clone(),
            token: token.token_id.clone(),
            old: view.old_certificate.0.clone(),
            new: new.0.clone(),
            chain: view.chain.iter().map(|c| c.0.clone()).collect(),
        }))
    }
}

/// A renewal under way.
struct Running<'a, 'b> {
    renewal: Renewal<'a>,
    order: &'b str,
    token: TokenInFlow,
}

impl Passes for Running<'_, '_> {
    type Outcome = Renewed;
    type Error = FlowError;

    fn pass(&mut self) -> Result<Pass<Renewed>> {
        self.renewal.one_pass(self.order, &mut self.token)
    }

    fn token(&mut self) -> &mut TokenInFlow {
        &mut self.token
    }

    fn token_again(&mut self, problem: &TokenProblem) -> ControlFlow<()> {
        self.renewal.prompter.token_again(problem)
    }

    fn starts_again(&mut self, because: String) -> Result<()> {
        self.renewal.tell(Step::Open, &Event::StartsAgain { because })
    }
}

impl Failure for FlowError {
    fn of_token(&self) -> Option<(&'static str, &TokenError)> {
        match self {
            Self::Token { step, source } => Some((step.0, source)),
            _ => None,
        }
    }

    fn is_of_the_driver(source: &TokenError) -> bool {
        matches!(source, TokenError::Unknown { .. } | TokenError::HostDied { .. } | TokenError::NotLoggedIn)
    }

    fn no_progress(passes: u32, last: String) -> Self {
        Self::NoProgress { passes, last }
    }
}

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

/// Step 0, before payment: with the order's token inserted its free capacity decides the mode, and a person who would lose the
/// old pair is asked while nothing is paid. `None` where the order's token is not there, or not the only one: then the
/// first attempt decides.
///
/// # Errors
/// [`FlowError::Stopped`] where there is no free capacity and the person does not agree; the order is as it was.
pub fn fix_mode_by_token(
    portal: &Client,
    tokens: &mut dyn TokenAccess,
    order: &str,
    agrees_to_replace: impl FnOnce(&TokenInfo) -> bool,
) -> Result<Option<Mode>> {
    let portal_error = |source| FlowError::Portal { step: Step::Open.into(), source };
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

fn mode_of(contents: &Contents) -> Mode {
    if contents.free_containers == Some(0) { Mode::Replace } else { Mode::SideBySide }
}

/// A pair whose private key can sign: a certificate or an orphaned pair alone cannot.
fn has_pair(contents: &Contents, spki: &Spki) -> bool {
    contents.with_key(spki).is_some_and(|container| container.pair == KeyPairState::Complete)
}

fn is_over(view: &AttemptView) -> bool {
    let is_closed = view.state == AttemptState::Closed;
    view.public_status != PublicStatus::Completed
        && (view.public_status != PublicStatus::AwaitingRenewal || is_closed)
}

/// A machine's clock may be off by this much before the person is told.
const CLOCK_TOLERANCE_SECONDS: i64 = 300;

/// Another machine was quicker, or an earlier request arrived late: what the portal says now decides.
fn moved_on(error: &ApiError) -> bool {
    error.is_any(&[problem::KEY_CONFLICT, problem::NOT_OPEN, problem::NOT_ISSUED])
}
