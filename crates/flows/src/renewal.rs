//! Renewal: a new certificate on a key in hand, in a way that survives a pulled key, a crash and a lost connection.
//!
//! The truth is on the key and in the portal; nothing here is remembered that cannot be asked of them. So there is one
//! way in, [`Renewal::run`], whether the work begins or goes on, on this machine or another: find the key, ask the
//! portal where the order stands, compare ([`reconcile()`]), and go on from there. Whenever something is not as expected
//! (the key was pulled, the driver died, another machine was quicker) it starts again at step 1, and loses nothing.
//!
//! The numbers in comments are the steps of `docs/renewal.md`.

mod check;
mod moves;
mod reconcile;
mod step;

use ycd_pki::{
    cert::{Certificate, CertificateInfo},
    sm3::sm3,
    statement::Statement,
};
use ycd_portal_api::{
    ApiError, Client,
    wire::{
        Bytes,
        attempts::{
            Abandon, AttemptState, AttemptView, Confirm, Issue, Mode, NoncePurpose, OpenAttempt, Replace,
        },
        login::Purpose,
        orders::{FixKey, OrderState},
    },
};
use ycd_token::{ContainerHandle, Contents, KeyId, KeyInfo, Pair, Spki, Tag, Token, TokenError};

pub(crate) use self::moves::array;
use self::moves::bad_answer;
pub use self::{
    reconcile::{Next, reconcile},
    step::Step,
};
use crate::{
    clock::Clock,
    conversation::{Event, Go, Person, PinQuestion},
    error::{FlowError, OperatorReason, Result},
    journal::Journal,
    key_in_work::KeyInWork,
    lock::KeyLocks,
    store::{StoreError, UserStore},
    trust::PinnedPortal,
};

/// What a renewal works with.
pub struct Renewal<'a> {
    pub portal: &'a Client,
    pub token: &'a mut dyn Token,
    pub person: &'a mut dyn Person,
    pub journal: &'a Journal,
    pub locks: &'a KeyLocks,
    /// The certificate authorities this machine trusts.
    pub anchors: &'a [Certificate],
    /// The portal this machine was set up with, where it has seen one: keys sign for no other.
    pub trust: Option<&'a PinnedPortal>,
    pub clock: &'a dyn Clock,
    /// Where the system has one: the certificate is registered there at the end.
    pub store: Option<UserStore<'a>>,
    pub options: Options,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// For keys or products that allow one key pair only. Counts only for the order's first attempt.
    pub same_key_pair: bool,
    /// Step 10: the person agreed, on that page, that the old pair goes once the new one is proven.
    pub remove_old_pair: bool,
}

/// The new certificate is on the key, and the portal knows it.
#[derive(Debug, Clone)]
pub struct Renewed {
    pub order: String,
    pub key: KeyId,
    /// DER.
    pub old: Vec<u8>,
    /// DER.
    pub new: Vec<u8>,
    /// DER, issuing CA first, without the root.
    pub chain: Vec<Vec<u8>>,
}

/// How often the work may start again at step 1 without a person having been asked in between: two machines that
/// cross each other need two rounds, clearing away up to two abandoned attempts one each.
const ROUNDS: u32 = 12;

/// How often a driver may crash or hang before the person is told to do something about it.
const DEATHS: u32 = 2;

impl Renewal<'_> {
    /// Renews, or goes on with, an order. Ends with the certificate on the key, or with an error after which the same
    /// call goes on where the work stands.
    pub fn run(mut self, order: &str) -> Result<Renewed> {
        let mut work = KeyInWork::default();
        let mut rounds = 0;
        let mut deaths = 0;
        loop {
            let because = match self.one_round(order, &mut work) {
                Ok(Progress::Renewed(renewed)) => return Ok(*renewed),
                Ok(Progress::StartAgain { because }) => {
                    rounds += 1;
                    if rounds == ROUNDS {
                        return Err(FlowError::NoProgress { rounds, last: because });
                    }
                    because
                }
                Err(FlowError::Token { step, source: TokenError::Removed }) => {
                    if self.person.key_again(&work.pulled(step.name())) == Go::Stop {
                        return Err(FlowError::Token { step, source: TokenError::Removed });
                    }
                    "the key was pulled".to_owned()
                }
                Err(FlowError::Token { step, source }) if deaths < DEATHS && driver_died(&source) => {
                    deaths += 1;
                    work.broken_off(step.name());
                    source.to_string()
                }
                Err(error) => return Err(error),
            };
            self.tell(Step::Open, &Event::StartsAgain { because })?;
        }
    }

    /// Step 11, by the person's wish: gives the open attempt up. The portal revokes what it may have issued and opens
    /// the next attempt; the pair made for it is cleared away when the renewal goes on.
    pub fn abandon(mut self, order: &str) -> Result<AttemptView> {
        self.begins(Step::FindKey)?;
        let key = self.exactly_one_key(order, &mut KeyInWork::default())?;
        let _lock = self.locks.lock(&key.key_id)?;
        self.begins(Step::Open)?;
        let (contents, view) = self.open(order, &key)?;
        let contents = self.login(&key, contents)?;
        self.give_up(&key, &contents, &view)
    }

    fn one_round(&mut self, order: &str, work: &mut KeyInWork) -> Result<Progress> {
        // 1. Exactly one key, the order's; one process of this machine works on it.
        self.begins(Step::FindKey)?;
        let key = self.exactly_one_key(order, work)?;
        let _lock = self.locks.lock(&key.key_id)?;
        self.begins(Step::Open)?;
        let (contents, view) = self.open(order, &key)?;
        work.is_back();
        self.record(&key, &view, Step::Open)?;

        if view.operator_care {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::TakenOver });
        }

        // An order that has ended otherwise, or is an operator's, needs no PIN. What cannot come back is no unfinished
        // work either.
        if is_over(&view) {
            use OrderState::{AwaitingRenewal, AwaitingReview, Draft, Rejected};
            if !matches!(view.order_state, AwaitingRenewal | AwaitingReview | Draft | Rejected) {
                self.journal.close(&view.portal, &view.order)?;
            }
            return Err(FlowError::OrderNotReady { state: view.order_state.name().to_owned() });
        }

        // An order whose completion was not heard of needs no PIN any more.
        if view.order_state == OrderState::Completed && !self.has_to_tidy(&view, &contents) {
            return self.finish(&key, &view);
        }

        // 3, before 2: only a logged-in user sees private keys, and so whether a pair is whole.
        let contents = self.login(&key, contents)?;

        // 2. Portal and key decide where the work goes on.
        let (signer, issued) = match reconcile(&view, &contents) {
            Next::Destroy(container) => {
                self.begins(Step::Clear)?;
                self.on_key(Step::Clear, |token| token.destroy(&key.key_id, &container))?;
                return start_again(
                    "a pair of an attempt that was given up, or half a pair, was cleared away",
                );
            }
            Next::AgreeToReplace => {
                self.agree_to_replace(&key, &view)?;
                return start_again("the old key agreed to be replaced");
            }
            Next::Generate => {
                // 3. A new pair, named by the attempt's tag, so that it is known again after a cut in the middle.
                self.begins(Step::Generate)?;
                let tag = Tag(array(&view.tag)?);
                let old = Spki(check::public_key(&view.old_certificate.0)?);
                let spki = match self.token.generate(&key.key_id, &tag) {
                    // A key that does not tell its room beforehand.
                    Err(TokenError::NoRoom)
                        if view.mode != Mode::SameKeyPair
                            && !view.replace_agreed
                            && has_pair(&contents, &old) =>
                    {
                        self.agree_to_replace(&key, &view)?;
                        return start_again("the key has no room, and the old key agreed to be replaced");
                    }
                    Err(TokenError::NoRoom) if view.mode == Mode::Replace && has_pair(&contents, &old) => {
                        self.begins(Step::Clear)?;
                        let old = ContainerHandle::PublicKey(old);
                        self.on_key(Step::Clear, |token| token.destroy(&key.key_id, &old))?;
                        return start_again("the key has no room, and the old pair made some");
                    }
                    outcome => self.after(Step::Generate, outcome)?,
                };
                self.record(&key, &view, Step::Generate)?;
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
            Next::Tidy(spki) => {
                self.tidy(&key, &view, &contents, &spki)?;
                return self.finish(&key, &view);
            }
            Next::GiveUp => {
                self.give_up(&key, &contents, &view)?;
                return start_again("the pair of the last attempt is gone; the attempt was given up");
            }
            Next::Operator(reason) => return Err(FlowError::OperatorNeeded { reason }),
            Next::Over => return Err(FlowError::OrderNotReady { state: view.order_state.name().to_owned() }),
        };

        // 4 to 6. The old key agrees, the new key requests, the portal issues.
        let certificate = match (&view.certificate, issued) {
            (Some(certificate), true) => certificate.0.clone(),
            _ => match self.sign_and_issue(&key, &view, &contents, &signer)? {
                Some(certificate) => certificate,
                None => return start_again("the portal has moved on in the meantime"),
            },
        };
        let attempt = view.attempt;
        let view = self.seen_by_portal(order)?;
        if view.attempt != attempt || view.state == AttemptState::Closed {
            return start_again("the attempt was given up elsewhere in the meantime");
        }
        self.record(&key, &view, Step::Issue)?;

        // 7. What came back is what was ordered; it goes onto the key and is read back.
        let chain: Vec<&[u8]> = view.chain.iter().map(|c| c.0.as_slice()).collect();
        let portal_time = view.portal_time.0;
        check::fits_the_order(&certificate, &view, &signer)?;
        check::is_trusted(&certificate, &chain, self.anchors, portal_time)?;
        self.begins(Step::Write)?;
        self.on_key(Step::Write, |token| token.write_certificate(&key.key_id, &certificate))?;
        self.record(&key, &view, Step::Write)?;

        // 8 and 9. The new key proves that its certificate lies beside it; the portal completes the order.
        self.begins(Step::Confirm)?;
        let serial = check::serial(&certificate)?;
        let nonce = self.nonce(Step::Confirm, &view, NoncePurpose::Confirm)?;
        let statement = Statement::Confirm {
            portal: view.portal.clone(),
            order: order.to_owned(),
            attempt: view.attempt,
            serial,
            nonce,
        };
        let statement = self.sign(Step::Confirm, &key, &signer, &statement, nonce)?;
        match self.portal.confirm(order, view.attempt, &Confirm { statement }) {
            Ok(_) => {}
            Err(error) if moved_on(&error) => return start_again("the portal has moved on in the meantime"),
            Err(source) => return Err(FlowError::Portal { step: Step::Confirm, source }),
        }
        self.record(&key, &view, Step::Confirm)?;

        // 10. Only what the person agreed to.
        let view = self.seen_by_portal(order)?;
        let contents = self.read(Step::Tidy, &key)?;
        self.tidy(&key, &view, &contents, &signer)?;
        self.finish(&key, &view)
    }

    /// 1. None, several, or the wrong one: says so, and looks again as long as the person wants.
    fn exactly_one_key(&mut self, order: &str, work: &mut KeyInWork) -> Result<KeyInfo> {
        let wanted = self
            .portal
            .order(order)
            .map_err(|source| FlowError::Portal { step: Step::FindKey, source })?
            .summary
            .key_id;
        let wanted = KeyId::from(wanted);
        work.key = Some(wanted.clone());
        loop {
            let mut keys = self.on_key(Step::FindKey, |token| token.keys())?;
            let Some(problem) = work.problem(&keys, Some(&wanted)) else {
                return Ok(keys.remove(0));
            };
            if self.person.key_again(&problem) == Go::Stop {
                return Err(problem.into());
            }
        }
    }

    /// 1. The order's open attempt, or a new one, with what is on the key now.
    fn open(&mut self, order: &str, key: &KeyInfo) -> Result<(Contents, AttemptView)> {
        let mut contents = self.read(Step::Open, key)?;
        // Before login private keys are hidden. Where no tags tell what the order made, whatever is missing in its
        // first inventory would be taken for its own.
        if !contents.keeps_ids && !contents.logged_in && self.is_first_opening(order)? {
            contents = self.login(key, contents)?;
        }
        let mode = if self.options.same_key_pair { Mode::SameKeyPair } else { mode_of(&contents) };
        let public_keys =
            contents.containers.iter().filter_map(|c| c.spki.as_ref()).map(|s| Bytes(s.0.clone())).collect();
        let view = self
            .portal
            .open_attempt(order, &OpenAttempt { key_id: key.key_id.to_string(), public_keys, mode })
            .map_err(|source| FlowError::Portal { step: Step::Open, source })?;
        if view.order != order || view.key_id != key.key_id.as_str() {
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
            Err(error) if error.code() == "attempt.not_found" => Ok(true),
            Err(source) => Err(FlowError::Portal { step: Step::Open, source }),
        }
    }

    /// 3. Asks for the PIN unless the key is open already. A wrong one is asked for again, never sent again.
    fn login(&mut self, key: &KeyInfo, contents: Contents) -> Result<Contents> {
        if contents.logged_in {
            return Ok(contents);
        }
        self.begins(Step::Pin)?;
        let mut tries = key.pin.tries;
        let mut again = false;
        loop {
            if tries.is_locked() {
                return Err(FlowError::Token { step: Step::Pin, source: TokenError::PinLocked });
            }
            let question = PinQuestion { key: key.clone(), tries, again, last_try: tries.is_last() };
            let Some(pin) = self.person.pin(&question) else {
                return Err(FlowError::Stopped { step: Step::Pin });
            };
            match self.token.login(&key.key_id, &pin) {
                Ok(()) => break,
                Err(TokenError::PinIncorrect { tries: left }) => (tries, again) = (left, true),
                Err(source) => return Err(FlowError::Token { step: Step::Pin, source }),
            }
        }
        self.read(Step::Pin, key)
    }

    /// 4, 5 and 6. `None` where the portal says that the attempt is bound to another key or no longer open.
    fn sign_and_issue(
        &mut self,
        key: &KeyInfo,
        view: &AttemptView,
        contents: &Contents,
        signer: &Spki,
    ) -> Result<Option<Vec<u8>>> {
        self.begins(Step::Sign)?;
        let old = Spki(check::public_key(&view.old_certificate.0)?);
        let statement = if has_pair(contents, &old) {
            let nonce = self.nonce(Step::Sign, view, NoncePurpose::Renew)?;
            let statement = Statement::Renew {
                portal: view.portal.clone(),
                order: view.order.clone(),
                attempt: view.attempt,
                key_id: key.key_id.to_string(),
                old_certificate: sm3(&view.old_certificate.0),
                new_public_key: sm3(&signer.0),
                nonce,
            };
            Some(self.sign(Step::Sign, key, &old, &statement, nonce)?)
        } else if view.replace_agreed {
            None
        } else {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::OldKeyGone });
        };

        let csr =
            self.on_key(Step::Sign, |token| token.sign_request(&key.key_id, signer, &view.subject.0))?;
        check::request_is_signed_rightly(&csr, signer)?;
        self.tell(Step::Sign, &Event::Requested { request: csr.clone() })?;

        self.begins(Step::Issue)?;
        // In place of the old key's word on this public key the person's, anew; what is bound already needs neither.
        let step_up = match (&statement, &view.public_key) {
            (None, None) => Some(self.step_up(Step::Issue, view, Purpose::Replace)?),
            _ => None,
        };
        let issue = Issue { request: Bytes(csr), statement, step_up };
        match self.portal.issue(&view.order, view.attempt, &issue) {
            Ok(issued) => Ok(Some(issued.certificate.0)),
            Err(error) if moved_on(&error) => Ok(None),
            Err(source) => Err(FlowError::Portal { step: Step::Issue, source }),
        }
    }

    /// Mode *replace*, 4: only with the person's yes, and after the old key has said so to the portal.
    fn agree_to_replace(&mut self, key: &KeyInfo, view: &AttemptView) -> Result<()> {
        let old_der = &view.old_certificate.0;
        let old = check::parse(old_der)?;
        let info = CertificateInfo::of(&old, view.portal_time.0);
        if !self.person.agree_to_replace(key, &info) {
            return Err(FlowError::Stopped { step: Step::Clear });
        }
        if view.mode == Mode::SideBySide {
            let key = FixKey { key_id: key.key_id.to_string(), mode: Mode::Replace, consent: true };
            self.portal
                .fix_key(&view.order, &key)
                .map_err(|source| FlowError::Portal { step: Step::Clear, source })?;
        }
        let nonce = self.nonce(Step::Clear, view, NoncePurpose::Replace)?;
        let statement = Statement::Replace {
            portal: view.portal.clone(),
            order: view.order.clone(),
            key_id: key.key_id.to_string(),
            old_certificate: sm3(old_der),
            nonce,
        };
        let statement = self.sign(Step::Clear, key, &Spki(old.spki_der().to_vec()), &statement, nonce)?;
        self.portal
            .replace(&view.order, &Replace { statement })
            .map_err(|source| FlowError::Portal { step: Step::Clear, source })?;
        Ok(())
    }

    /// 11. With the old key's word where it is in hand.
    fn give_up(&mut self, key: &KeyInfo, contents: &Contents, view: &AttemptView) -> Result<AttemptView> {
        self.begins(Step::GiveUp)?;
        let step_up = self.step_up(Step::GiveUp, view, Purpose::Abandon)?;
        let old = Spki(check::public_key(&view.old_certificate.0)?);
        let statement = if has_pair(contents, &old) {
            let nonce = self.nonce(Step::GiveUp, view, NoncePurpose::Abandon)?;
            let statement = Statement::Abandon {
                portal: view.portal.clone(),
                order: view.order.clone(),
                attempt: view.attempt,
                key_id: key.key_id.to_string(),
                nonce,
            };
            Some(self.sign(Step::GiveUp, key, &old, &statement, nonce)?)
        } else {
            None
        };
        let next = self
            .portal
            .abandon(&view.order, view.attempt, &Abandon { step_up, statement })
            .map_err(|source| FlowError::Portal { step: Step::GiveUp, source })?;
        if next.attempt == view.attempt {
            return Err(FlowError::OperatorNeeded { reason: OperatorReason::AttemptsExhausted });
        }
        Ok(next)
    }

    /// Step 10: the old pair goes only if the person agreed to it on this page; in mode *same key pair*, to which the
    /// person agreed with the order, its old certificate goes.
    fn tidy(&mut self, key: &KeyInfo, view: &AttemptView, contents: &Contents, new: &Spki) -> Result<()> {
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
                self.begins(Step::Tidy)?;
                self.on_key(Step::Tidy, |token| token.remove_certificate(&key.key_id, old_der))?;
            }
        } else if self.options.remove_old_pair && old != *new && contents.with_key(&old).is_some() {
            self.begins(Step::Tidy)?;
            self.on_key(Step::Tidy, |token| token.destroy(&key.key_id, &ContainerHandle::PublicKey(old)))?;
        }
        Ok(())
    }

    /// Step 10, where the system has a store of certificates and the make says how they are registered there. The portal
    /// has the confirmation, so nothing that fails here is more than told, and a wish to stop has nothing left to stop.
    fn register(&mut self, key: &KeyInfo, view: &AttemptView, new_der: &[u8]) {
        let Some(store) = self.store.filter(|store| store.says(key).is_some()) else { return };
        let _ = self.person.tell(&Step::Register.begins());
        let read = self.token.read(&key.key_id).map_err(StoreError::from);
        let outcome = read.and_then(|contents| {
            let parse = |der: &[u8]| Certificate::from_der(der).map_err(|_| StoreError::NotOnKey);
            store.register(key, &contents, &parse(new_der)?, &[parse(&view.old_certificate.0)?])
        });
        let event = match outcome {
            Ok(registered) => Event::Registered(registered),
            Err(error) => Event::NotRegistered { code: error.code().to_owned(), detail: error.to_string() },
        };
        let _ = self.person.tell(&event);
    }

    fn has_to_tidy(&self, view: &AttemptView, contents: &Contents) -> bool {
        let Ok(old) = check::public_key(&view.old_certificate.0) else { return false };
        let old = contents.with_key(&Spki(old));
        match view.mode {
            Mode::SameKeyPair => old.is_some_and(|c| c.certificates.contains(&view.old_certificate.0)),
            Mode::SideBySide | Mode::Replace => self.options.remove_old_pair && old.is_some(),
        }
    }

    fn finish(&mut self, key: &KeyInfo, view: &AttemptView) -> Result<Progress> {
        let Some(new) = &view.certificate else {
            return Err(FlowError::OrderNotReady { state: view.order_state.name().to_owned() });
        };
        self.register(key, view, &new.0);
        self.record(key, view, Step::Done)?;
        let now = view.portal_time.0;
        let info = |der: &Bytes| {
            check::parse(&der.0).map(|certificate| Box::new(CertificateInfo::of(&certificate, now)))
        };
        let event = Event::Finished { old: info(&view.old_certificate)?, new: info(new)? };
        // The work is done; a wish to stop has nothing left to stop.
        let _ = self.person.tell(&event);
        Ok(Progress::Renewed(Box::new(Renewed {
            order: view.order.clone(),
            key: key.key_id.clone(),
            old: view.old_certificate.0.clone(),
            new: new.0.clone(),
            chain: view.chain.iter().map(|c| c.0.clone()).collect(),
        })))
    }
}

enum Progress {
    Renewed(Box<Renewed>),
    StartAgain { because: String },
}

/// As [`fix_mode_by_key`]; a key or driver that does not answer keeps nobody from paying, and gives `None`.
///
/// # Errors
/// Those of the portal, and [`FlowError::Stopped`].
pub fn fix_mode(
    portal: &Client,
    token: &mut dyn Token,
    order: &str,
    agrees_to_replace: impl FnOnce(&KeyInfo) -> bool,
) -> Result<Option<Mode>> {
    match fix_mode_by_key(portal, token, order, agrees_to_replace) {
        Err(FlowError::Token { .. }) => Ok(None),
        outcome => outcome,
    }
}

/// Step 0, before payment: with the order's key inserted its room decides the mode, and a person who would lose the
/// old pair is asked while nothing is paid. `None` where the order's key is not there, or not the only one: then the
/// first attempt decides.
///
/// # Errors
/// [`FlowError::Stopped`] where there is no room and the person does not agree; the order is as it was.
pub fn fix_mode_by_key(
    portal: &Client,
    token: &mut dyn Token,
    order: &str,
    agrees_to_replace: impl FnOnce(&KeyInfo) -> bool,
) -> Result<Option<Mode>> {
    let portal_error = |source| FlowError::Portal { step: Step::Open, source };
    let view = portal.order(order).map_err(portal_error)?;
    if view.mode.is_some() {
        return Ok(view.mode);
    }
    let token_error = |source| FlowError::Token { step: Step::Open, source };
    let keys = token.keys().map_err(token_error)?;
    let [key] = keys.as_slice() else { return Ok(None) };
    if key.key_id.as_str() != view.summary.key_id {
        return Ok(None);
    }
    let contents = match token.read(&key.key_id) {
        Err(TokenError::Removed | TokenError::NotFound { .. }) => return Ok(None),
        outcome => outcome.map_err(token_error)?,
    };
    let mode = mode_of(&contents);
    let consent = mode == Mode::Replace;
    if consent && !agrees_to_replace(key) {
        return Err(FlowError::Stopped { step: Step::Clear });
    }
    let fixed = FixKey { key_id: key.key_id.to_string(), mode, consent };
    portal.fix_key(order, &fixed).map_err(portal_error)?;
    Ok(Some(mode))
}

fn mode_of(contents: &Contents) -> Mode {
    if contents.free_containers == Some(0) { Mode::Replace } else { Mode::SideBySide }
}

/// A pair whose private key can sign: a certificate or half a pair alone cannot.
fn has_pair(contents: &Contents, spki: &Spki) -> bool {
    contents.with_key(spki).is_some_and(|container| container.pair == Pair::Whole)
}

fn is_over(view: &AttemptView) -> bool {
    let is_closed = view.state == AttemptState::Closed;
    view.order_state != OrderState::Completed
        && (view.order_state != OrderState::AwaitingRenewal || is_closed)
}

/// The driver was killed or died; a fresh one sees what really happened.
fn driver_died(source: &TokenError) -> bool {
    matches!(source, TokenError::Unknown { .. } | TokenError::HostDied { .. } | TokenError::NotLoggedIn,)
}

/// A machine's clock may be off by this much before the person is told.
const CLOCK_TOLERANCE_SECONDS: i64 = 300;

fn start_again(because: &str) -> Result<Progress> {
    Ok(Progress::StartAgain { because: because.to_owned() })
}

/// Another machine was quicker, or an earlier request arrived late: what the portal says now decides.
fn moved_on(error: &ApiError) -> bool {
    matches!(error.code(), "attempt.key_conflict" | "attempt.not_open" | "attempt.not_issued")
}
