//! Every operation, what is ready before it, and what must be true after it has answered that it is done.

use ycd_pki::authorization::Authorization;
use ycd_pki::name::Name;
use ycd_pki::{PublicKey, csr};
use ycd_token::operations::{TokenCall, UnlockCall};
use ycd_token::wire::{Call, TokenMechanisms};
use ycd_token::{
    Answer, CkaId, ContainerHandle, Contents, KeyPairState, ModuleHost, Pin, Result, SoLogin, Spki,
    TokenAccess, TokenInfo, UnlockCapabilities, Unlocker,
};

use crate::common::PIN;
use crate::scene::{NEW_PIN, Scene, Seen};

const NEW_CKA_ID: CkaId = CkaId([0x77; 16]);

macro_rules! operations {
    ($($name:ident = $text:literal: $call:pat, at $main:literal;)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Operation { $($name),* }

        impl Operation {
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As errors name it.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => $text),* }
            }

            /// The PKCS#11 function in which its work is done; each operation is struck there in every way.
            pub fn main_function(self) -> &'static str {
                match self { $(Self::$name => $main),* }
            }

            /// A call that is added to the protocol needs a row of this table: without one this does not compile.
            #[allow(dead_code, reason = "checked by the compiler")]
            fn of(call: &Call) -> Option<Self> {
                match call {
                    $($call => Some(Self::$name),)*
                    // These wait without a deadline (tests/watching.rs).
                    Call::WaitForEvent | Call::WaitForDevices => None,
                    // Asks nothing of the module.
                    Call::Unlock(_, UnlockCall::UnlockOpened(..)) => None,
                    // The work is done by the card, past the module.
                    Call::Unlock(
                        _,
                        UnlockCall::UnlockChallenge(..) | UnlockCall::InstallUnblockKey(..) | UnlockCall::Unblock(_),
                    ) => None,
                }
            }
        }
    };
}

operations! {
    Open = "open": Call::Open(_) | Call::Ping, at "C_Initialize";
    List = "list": Call::List, at "C_GetSlotList";
    Mechanisms = "mechanisms": Call::Mechanisms, at "C_GetMechanismInfo";
    Read = "read": Call::Token(_, TokenCall::Read(..)), at "C_FindObjects";
    Login = "login": Call::Token(_, TokenCall::Login(..)), at "C_Login";
    Logout = "logout": Call::Token(_, TokenCall::Logout(..)), at "C_Logout";
    ChangePin = "change_pin": Call::Token(_, TokenCall::ChangePin(..)), at "C_SetPIN";
    Generate = "generate": Call::Token(_, TokenCall::Generate(..)), at "C_GenerateKeyPair";
    SignAuthorization = "sign_authorization": Call::Token(_, TokenCall::SignAuthorization(..)), at "C_Sign";
    SignRequest = "sign_request": Call::Token(_, TokenCall::SignRequest(..)), at "C_SignInit";
    WriteCertificate = "write_certificate": Call::Token(_, TokenCall::WriteCertificate(..)), at "C_CreateObject";
    RemoveCertificate = "remove_certificate": Call::Token(_, TokenCall::RemoveCertificate(..)), at "C_DestroyObject";
    Destroy = "destroy": Call::Token(_, TokenCall::Destroy(..)), at "C_DestroyObject";
    UnlockCapabilities = "unlock_capabilities": Call::Unlock(_, UnlockCall::UnlockCapabilities(..)), at "C_GetTokenInfo";
    UnlockBegin = "unlock_begin": Call::Unlock(_, UnlockCall::UnlockBegin(..)), at "C_GetTokenInfo";
    UnlockOpen = "unlock_open": Call::Unlock(_, UnlockCall::UnlockOpen(..)), at "C_GetAttributeValue";
    UnlockNonce = "unlock_nonce": Call::Unlock(_, UnlockCall::UnlockNonce(..)), at "C_GetSessionInfo";
    SoLogin = "so_login": Call::Unlock(_, UnlockCall::SoLogin(..)), at "C_Login";
    InitPin = "init_pin": Call::Unlock(_, UnlockCall::InitPin(_)), at "C_InitPIN";
    RotateSoPin = "rotate_so_pin": Call::Unlock(_, UnlockCall::RotateSoPin(..)), at "C_SetPIN";
    UnlockEnd = "unlock_end": Call::Unlock(_, UnlockCall::UnlockEnd(..)), at "C_Logout";
}

/// What an operation gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Given {
    Done,
    Tokens(Vec<TokenInfo>),
    Mechanisms(Vec<TokenMechanisms>),
    Contents(Contents),
    Pair(Spki),
    Signature(Vec<u8>),
    Capabilities(UnlockCapabilities),
}

/// What an operation is given that was made ready for it.
#[derive(Default)]
pub struct Ready {
    answer: Option<Answer>,
    liveness: Vec<u8>,
}

impl Operation {
    pub fn changes_token(self) -> bool {
        match self {
            Self::Login
            | Self::ChangePin
            | Self::Generate
            | Self::WriteCertificate
            | Self::RemoveCertificate
            | Self::Destroy
            | Self::SoLogin
            | Self::InitPin
            | Self::RotateSoPin => true,
            Self::Open
            | Self::List
            | Self::Mechanisms
            | Self::Read
            | Self::Logout
            | Self::SignAuthorization
            | Self::SignRequest
            | Self::UnlockCapabilities
            | Self::UnlockBegin
            | Self::UnlockOpen
            | Self::UnlockNonce
            | Self::UnlockEnd => false,
        }
    }

    /// Whether it is done once more by itself where the host died.
    pub fn is_repeated(self) -> bool {
        matches!(self, Self::List | Self::Mechanisms | Self::Read | Self::UnlockCapabilities)
    }

    /// Whether an answer that it is done is proven by what the flow does next, a login with the new PIN, and by nothing
    /// before.
    pub fn is_proven_later(self) -> bool {
        matches!(self, Self::InitPin | Self::RotateSoPin)
    }

    /// Whether the certificate of the scene's pair is on the token before.
    pub fn needs_certificate(self) -> bool {
        matches!(self, Self::RemoveCertificate | Self::Destroy)
    }

    pub fn prepare(self, scene: &Scene, host: &mut ModuleHost) -> Ready {
        let mut ready = Ready::default();
        match self {
            Self::Open => host.rest(),
            Self::List | Self::Mechanisms | Self::Login | Self::UnlockCapabilities | Self::UnlockBegin => {
                host.ping().unwrap();
            }
            Self::UnlockOpen
            | Self::UnlockNonce
            | Self::SoLogin
            | Self::InitPin
            | Self::RotateSoPin
            | Self::UnlockEnd => self.prepare_release(scene, host, &mut ready),
            _ => host.login(&scene.token, &Pin::new(PIN)).unwrap(),
        }
        ready
    }

    fn prepare_release(self, scene: &Scene, host: &mut ModuleHost, ready: &mut Ready) {
        let (token, portal) = (&scene.token, &scene.portal);
        let one_time = host.unlock_begin(token, &portal.trusted()).unwrap();
        let answer = portal.answer(token, &scene.bystanders_certificate, &one_time);
        if self == Self::UnlockOpen {
            ready.answer = Some(answer);
            return;
        }
        host.unlock_open(token, &answer).unwrap();
        match self {
            Self::SoLogin => ready.liveness = portal.liveness(token, host.unlock_nonce(token).unwrap()),
            Self::UnlockNonce => {}
            _ => portal.so_login(token, host, &SoLogin::Current).unwrap(),
        }
    }

    pub fn perform(self, scene: &Scene, ready: &Ready, host: &mut ModuleHost) -> Result<Given> {
        let token = &scene.token;
        match self {
            Self::Open => host.ping().map(|()| Given::Done),
            Self::List => host.list().map(Given::Tokens),
            Self::Mechanisms => host.mechanisms().map(Given::Mechanisms),
            Self::Read => host.read(token).map(Given::Contents),
            Self::Login => host.login(token, &Pin::new(PIN)).map(|()| Given::Done),
            Self::Logout => host.logout(token).map(|()| Given::Done),
            Self::ChangePin => {
                host.change_pin(token, &Pin::new(PIN), &Pin::new(NEW_PIN)).map(|()| Given::Done)
            }
            Self::Generate => host.generate(token, &NEW_CKA_ID).map(Given::Pair),
            Self::SignAuthorization => {
                host.sign_authorization(token, &scene.pair, &authorization()).map(Given::Signature)
            }
            Self::SignRequest => host.sign_request(token, &scene.pair, &subject()).map(Given::Signature),
            Self::WriteCertificate => host.write_certificate(token, &scene.certificate).map(|()| Given::Done),
            Self::RemoveCertificate => {
                host.remove_certificate(token, &scene.certificate).map(|()| Given::Done)
            }
            Self::Destroy => {
                host.destroy(token, &ContainerHandle::PublicKey(scene.pair.clone())).map(|()| Given::Done)
            }
            Self::UnlockCapabilities => host.unlock_capabilities(token).map(Given::Capabilities),
            Self::UnlockBegin => host.unlock_begin(token, &scene.portal.trusted()).map(|_| Given::Done),
            Self::UnlockOpen => host.unlock_open(token, ready.answer.as_ref().unwrap()).map(|_| Given::Done),
            Self::UnlockNonce => host.unlock_nonce(token).map(|_| Given::Done),
            Self::SoLogin => host.so_login(token, &SoLogin::Current, &ready.liveness).map(|()| Given::Done),
            Self::InitPin => host.init_pin(token, &Pin::new(NEW_PIN)).map(|()| Given::Done),
            Self::RotateSoPin => host.rotate_so_pin(token).map(|()| Given::Done),
            Self::UnlockEnd => host.unlock_end(token).map(|()| Given::Done),
        }
    }

    /// What the module shows only while somebody is logged in, looked at after an answer that it is done.
    pub fn confirm(self, scene: &Scene, host: &mut ModuleHost) -> Result<()> {
        match self {
            Self::SoLogin => host.init_pin(&scene.token, &Pin::new(PIN)),
            Self::RotateSoPin => scene.portal.so_login(&scene.token, host, &SoLogin::Next),
            _ => Ok(()),
        }
    }

    /// Whether what was answered is so, as a driver that tells the truth shows it afterwards. `honest` is what the
    /// operation gives where nothing fails.
    pub fn is_done(self, scene: &Scene, given: &Given, honest: &Given, seen: &Seen) -> bool {
        let public = || PublicKey::from_spki_der(&scene.pair.0).unwrap();
        match (self, given) {
            (Self::Open, _) => true,
            (Self::List | Self::Mechanisms, _) => given == honest,
            // From a new host, where the first one died, or in a new session: then nobody is logged in.
            (Self::Read, _) => given == honest || *given == Given::Contents(seen.first.clone()),
            (Self::Login, _) => seen.first.logged_in,
            (Self::Logout, _) => !seen.first.logged_in,
            (Self::ChangePin | Self::InitPin, _) => seen.pin == NEW_PIN,
            (Self::UnlockCapabilities, _) => given == honest,
            // Shown by `confirm`, or in the host alone.
            (Self::SoLogin | Self::RotateSoPin, _) => self.is_undone(scene, seen),
            (Self::UnlockBegin | Self::UnlockOpen | Self::UnlockNonce, _) => self.is_undone(scene, seen),
            (Self::UnlockEnd, _) => !seen.first.logged_in,
            (Self::Generate, Given::Pair(made)) => {
                seen.certificates(made) == Some(Vec::new()) && seen.state.containers_used == 3
            }
            (Self::SignAuthorization, Given::Signature(der)) => {
                public().verify(&authorization().to_bytes(), der).is_ok()
            }
            (Self::SignRequest, Given::Signature(der)) => {
                csr::Request::from_der(der).is_ok_and(|request| request.verify().is_ok())
            }
            (Self::WriteCertificate, _) => {
                seen.certificates(&scene.pair) == Some(vec![scene.certificate.clone()])
            }
            (Self::RemoveCertificate, _) => seen.certificates(&scene.pair) == Some(Vec::new()),
            (Self::Destroy, _) => seen.contents.containers.len() == 1 && seen.state.containers_used == 1,
            (Self::Generate | Self::SignAuthorization | Self::SignRequest, _) => false,
        }
    }

    /// Whether the token is as before the operation.
    pub fn is_undone(self, scene: &Scene, seen: &Seen) -> bool {
        let certificates =
            if self.needs_certificate() { vec![scene.certificate.clone()] } else { Vec::new() };
        seen.pin == PIN
            && seen.state.containers_used == 2
            && seen.contents.containers.len() == 2
            && seen.certificates(&scene.pair) == Some(certificates)
    }

    /// Whether the token is as after the operation, for one whose answer was an error.
    pub fn is_complete(self, scene: &Scene, seen: &Seen) -> bool {
        let done = match self {
            Self::Generate => {
                seen.state.containers_used == 3
                    && seen
                        .contents
                        .containers
                        .iter()
                        .all(|container| container.pair == KeyPairState::Complete)
            }
            _ => self.changes_token() && self.is_done(scene, &Given::Done, &Given::Done, seen),
        };
        done || self.is_undone(scene, seen)
    }
}

fn authorization() -> Authorization {
    Authorization::Abandon {
        portal: "portal".into(),
        order: "SAAS1".into(),
        attempt: 1,
        token_id: "softkey:1".into(),
        nonce: [3; 32],
    }
}

fn subject() -> Vec<u8> {
    Name::enterprise("泸州市某某有限公司", None, None).to_der().unwrap()
}
