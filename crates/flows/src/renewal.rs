//! Renewal: a new certificate on a token in hand, in a way that survives a pulled token, a crash and a lost connection.
//!
//! The truth is on the token and in the portal; nothing here is remembered that cannot be asked of them. So there is
//! one way in, [`Renewal::run`], whether the work begins or goes on, on this machine or another: find the token, ask
//! the portal where the order stands, compare ([`reconcile()`]), and go on from there. Whenever something is not as
//! expected (the token was pulled, the driver died, another machine was quicker) it starts again at step 1, and loses
//! nothing. `Renewal::one_pass` lists the steps; each is a method in a file of its own group.
//!
//! The numbers in comments are the steps of `docs/protocols/renewal.md`.

mod check;
mod find;
mod finish;
mod generate;
mod issue;
mod mode;
mod portal_calls;
mod prompter;
mod reconcile;
mod step;

use std::ops::ControlFlow;
use ycd_pki::cert::Certificate;
use ycd_portal_api::{
    Client,
    wire::{attempts::AttemptView, orders::PublicStatus},
};
use ycd_token::{Contents, KeyPairState, Spki, TokenAccess, TokenError, TokenId};

pub use self::{
    mode::{fix_mode, fix_mode_by_token},
    prompter::{Event, Prompter},
    reconcile::{Next, reconcile},
    step::Step,
};
use crate::{
    session::{
        clock::Clock,
        error::{FlowError, Result},
        journal::Journal,
        lock::TokenLocks,
        passes::{self, Failure, Pass, Passes, start_again},
        prompts::TokenProblem,
        token_in_flow::TokenInFlow,
        trust::PinnedPortal,
    },
    store::UserStore,
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
    /// Step 10: the person agreed, on that page, that the old key pair goes once the new one is proven.
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
    /// the next attempt; the key pair made for it is cleared away when the renewal goes on.
    pub fn abandon(mut self, order: &str) -> Result<AttemptView> {
        self.begins(Step::FindToken)?;
        let token = self.exactly_one_token(order, &mut TokenInFlow::default())?;
        let _lock = self.locks.lock(&token.token_id)?;
        self.begins(Step::Open)?;
        let (contents, view) = self.open(order, &token)?;
        let contents = self.login(&token, contents)?;
        self.give_up(&token, &contents, &view)
    }

    /// The steps, top to bottom. Whatever ends the pass before its last one says so where it stands.
    fn one_pass(&mut self, order: &str, flow_token: &mut TokenInFlow) -> Result<Pass<Renewed>> {
        let (token, _lock, contents, view) = self.find(order, flow_token)?;
        self.is_to_be_renewed(&view)?;
        if view.public_status == PublicStatus::Completed && !self.has_to_remove_superseded(&view, &contents) {
            // An order whose completion was not heard of needs no PIN any more.
            return self.finish(&token, &view);
        }
        // 3, before 2: only a logged-in user sees private keys, and so whether a key pair is complete.
        let contents = self.login(&token, contents)?;
        let next = match self.reconcile_and_generate(&token, &view, &contents)? {
            ControlFlow::Continue(next) => next,
            ControlFlow::Break(pass) => return Ok(pass),
        };
        let Some(certificate) = self.certificate(&token, &view, &contents, &next)? else {
            return start_again("the portal has moved on in the meantime");
        };
        let Some(view) = self.still_open(&token, &view)? else {
            return start_again("the attempt was given up elsewhere in the meantime");
        };
        self.write(&token, &view, &next.signer, &certificate)?;
        if !self.confirm(&token, &view, &next.signer, &certificate)? {
            return start_again("the portal has moved on in the meantime");
        }
        // 10. Only what the person agreed to.
        let view = self.seen_by_portal(order)?;
        let contents = self.read(Step::RemoveSuperseded, &token)?;
        self.remove_superseded(&token, &view, &contents, &next.signer)?;
        self.finish(&token, &view)
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

/// A key pair whose private key can sign: a certificate or an orphaned key pair cannot.
fn has_pair(contents: &Contents, spki: &Spki) -> bool {
    contents.with_key(spki).is_some_and(|container| container.pair == KeyPairState::Complete)
}
