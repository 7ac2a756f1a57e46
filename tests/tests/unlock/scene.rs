//! A token that somebody has locked, and what must be true of it afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};

use time::Duration as Span;
use ycd_flows::{
    UnlockError,
    unlock::{Options, Outcome},
};
use ycd_portal_api::wire::{
    operator::OperatorOrder,
    orders::{OrderKind, OrderQuery, PublicStatus},
    tokens::TokenRecord,
};
use ycd_softkey::admin;
use ycd_tests::{
    cut::{Between, Crash},
    prompter::UnlockScript,
    world::{IssuedToken, Machine, Maker, World},
};
use ycd_token::{Pin, TokenAccess as _, TokenError, Unlocker};

pub const NEW: &str = "271828";

pub struct Scene {
    pub world: World,
    pub token: IssuedToken,
    pub machine: Machine,
}

/// A token whose PIN is locked by wrong tries, inserted, and a machine.
pub fn locked() -> Scene {
    let scene = unlocked();
    scene.lock();
    scene
}

/// A token in working order, inserted, and a machine.
pub fn unlocked() -> Scene {
    of(&Maker::default())
}

pub fn of(maker: &Maker) -> Scene {
    let world = World::new();
    let token = world.issued_token(maker);
    world.insert(&token.serial_number);
    let machine = world.machine("a");
    Scene { world, token, machine }
}

impl Scene {
    /// Wrong PINs until the token is locked.
    pub fn lock(&self) {
        let mut tokens = self.world.machine("whoever-locked-it").tokens;
        let wrong = Pin::new("99999999");
        for _ in 0..20 {
            match tokens.login(&self.token.token_id, &wrong) {
                Err(TokenError::PinIncorrect { .. }) => {}
                Err(TokenError::PinLocked) => return,
                other => panic!("{other:?}"),
            }
        }
        panic!("the token does not lock");
    }

    /// The applicant, with the phone that the token is bound to, who wants [`NEW`].
    pub fn prompter(&self) -> UnlockScript {
        // A minute must lie between two codes.
        self.world.time_passes(Span::seconds(61));
        UnlockScript::new(self.world.phone(&self.token.phone), NEW)
    }

    pub fn unlock(&mut self) -> Result<Outcome, UnlockError> {
        let mut prompter = self.prompter();
        self.unlock_by(&mut prompter)
    }

    pub fn unlock_by(&mut self, prompter: &mut UnlockScript) -> Result<Outcome, UnlockError> {
        let portal = self.world.visitor();
        self.machine.unlock(&portal, prompter)
    }

    pub fn unlock_with(
        &mut self,
        prompter: &mut UnlockScript,
        options: Options,
    ) -> Result<Outcome, UnlockError> {
        let portal = self.world.visitor();
        self.machine.unlock_with(&portal, prompter, options)
    }

    /// Runs until the process ends at this cut; tells whether it did. What the flow's process held is gone afterwards,
    /// driver hosts and all.
    pub fn crash(
        &mut self,
        prompter: &mut UnlockScript,
        between: impl FnOnce(&mut ycd_token::TokenSet) -> Between<'_>,
    ) -> bool {
        let portal = self.world.visitor();
        let machine = &mut self.machine;
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            machine.unlock_through(&portal, prompter, |tokens| {
                let boxed: Box<dyn Unlocker + '_> = Box::new(between(tokens));
                boxed
            })
        }));
        let crashed = match outcome {
            Ok(_) => false,
            Err(cause) if cause.is::<Crash>() => true,
            Err(cause) => std::panic::resume_unwind(cause),
        };
        self.machine = self.world.machine("a");
        crashed
    }

    pub fn record(&self) -> TokenRecord {
        self.world.operator().token_record(self.token.token_id.as_str()).unwrap()
    }

    /// All unlock orders of the token, newest first.
    pub fn orders(&self) -> Vec<OperatorOrder> {
        let operator = self.world.operator();
        let found = operator.operator_orders(&OrderQuery::default()).unwrap().page.items;
        let ours = |kind, token: &str| kind == OrderKind::Unlock && token == self.token.token_id.as_str();
        found
            .iter()
            .filter(|order| ours(order.kind, &order.token_id))
            .map(|order| operator.operator_order(&order.no).unwrap())
            .collect()
    }

    pub fn so_pin_retry_counter(&self) -> (u32, u32) {
        let tokens = admin::list(self.world.softkey_dir()).unwrap();
        let token = tokens.iter().find(|token| token.serial_number == self.token.serial_number).unwrap();
        (token.so_pin_retry_counter, token.so_pin_retry_limit)
    }

    /// The PIN works, the certificate's key signs with it, no try of the SO PIN is lost, the newest order is completed.
    pub fn is_well(&mut self, pin: &str) {
        let token = &self.token.token_id;
        self.machine.tokens.login(token, &Pin::new(pin)).expect("the new PIN works");
        let contents = self.machine.tokens.read(token).unwrap();
        assert_eq!(contents.containers.len(), 1, "the key pair is there: {contents:?}");
        let container = &contents.containers[0];
        assert_eq!((container.pair, container.certificates.len()), (ycd_token::KeyPairState::Complete, 1));
        let signer = container.spki.clone().unwrap();
        let subject = ycd_pki::name::Name::china().to_der().unwrap();
        self.machine.tokens.sign_request(token, &signer, &subject).expect("it signs");
        self.machine.tokens.logout(token).unwrap();
        let (left, max) = self.so_pin_retry_counter();
        assert_eq!(left, max, "tries of the SO PIN");
        assert_eq!(self.orders()[0].order.summary.state, PublicStatus::Completed);
    }
}

pub fn unlocked_order(outcome: Result<Outcome, UnlockError>) -> String {
    match outcome {
        Ok(Outcome::Unlocked { order, .. }) => order,
        other => panic!("{other:?}"),
    }
}

pub fn code(outcome: Result<Outcome, UnlockError>) -> String {
    match outcome {
        Err(error) => error.code().to_owned(),
        Ok(outcome) => panic!("{outcome:?}"),
    }
}
