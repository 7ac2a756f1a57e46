//! A token with its certificate and a host for it, and the portal that both believe in.

use std::{
    ffi::{CString, OsString},
    ops::{Deref, DerefMut},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use pcsc::{Context as Pcsc, ReaderState, Scope, State};
use tempfile::TempDir;
use time::OffsetDateTime;
use ycd_pki::{
    KeyPair, PublicKey, Signer,
    authorization::Authorization,
    cert::{self, CertificateParams},
    name::Name,
    sm3::sm3,
    unlock::{
        Context, FirstSecrets, PinRules, Purpose, SessionKey, SoPin, UnblockKey, UnlockMethod, signed_answer,
    },
};
use ycd_softkey::{
    admin::{self, Kdf, NewToken},
    card::{self, Runner},
};
use ycd_tests::{
    card::Card,
    pcscd::Pcscd,
    world::{profile, program},
};
use ycd_token::{
    Answer, CkaId, Drivers, ModuleHost, OneTime, Opened, Pin, PortalKey, SoLogin, Spki, TokenAccess,
    TokenError, TokenId, Unlocker,
};

pub const ATR: [u8; 5] = [0x3B, 0x80, 0x80, 0x01, 0x01];
const FACTORY: &str = "8765432187654321";
const SO_PIN: &str = "1111222233334444";
pub const ORDER: &str = "SAAS120261123120000000001";
pub const UNBLOCK: [u8; 5] = [0x80, 0x2C, 0x00, 0x01, 0x60];
pub const CHALLENGE: [u8; 5] = [0x80, 0x84, 0x00, 0x00, 0x10];

/// A service of its own, and what works with it.
pub struct Desk {
    pub pcscd: Pcscd,
    pub own: Workstation,
}

/// A token with its certificate, a host for it, and a portal.
pub struct Workstation {
    pub folder: TempDir,
    pub serial: String,
    pub token: TokenId,
    pub host: ModuleHost,
    portal: KeyPair,
    pub unblock_key: UnblockKey,
    pub spki: Spki,
    certificate: Vec<u8>,
}

impl Deref for Desk {
    type Target = Workstation;

    fn deref(&self) -> &Workstation {
        &self.own
    }
}

impl DerefMut for Desk {
    fn deref_mut(&mut self) -> &mut Workstation {
        &mut self.own
    }
}

impl Desk {
    /// With this many readers, all of them empty. The PIN is the initial one.
    pub fn new(readers: usize) -> Self {
        let pcscd = Pcscd::start(readers);
        let own = Workstation::new(pcscd.environment(), None);
        Self { pcscd, own }
    }

    /// Makes the token a card in this reader, and waits until the service sees it.
    pub fn put_in_reader(&self, at: usize) -> Runner {
        let reader = format!("127.0.0.1:{}", self.pcscd.ports()[at]);
        let runner = card::start(self.folder.path(), &self.serial, &reader, |_| ()).unwrap();
        wait(at, true);
        runner
    }

    pub fn fake(&self, at: usize, status: Words) -> (Card, Arc<Mutex<Vec<Vec<u8>>>>) {
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (serial, log) = (self.serial.clone(), printed.clone());
        let fake = Card::insert(self.pcscd.ports()[at], &card::ATR, move |apdu| {
            log.lock().unwrap_or_else(PoisonError::into_inner).push(apdu.to_vec());
            match apdu[1] {
                0xA4 => vec![0x90, 0x00],
                0xCA => [serial.as_bytes(), &[0x90, 0x00]].concat(),
                0x84 => [&[5; 16][..], &[0x90, 0x00]].concat(),
                0x20 => status.verify.to_vec(),
                0xDA => status.put.to_vec(),
                0x2C => status.unblock.to_vec(),
                _ => vec![0x6D, 0x00],
            }
        });
        wait(at, true);
        (fake, printed)
    }
}

impl Workstation {
    /// With the service that this variable leads to, and this many milliseconds for every call.
    pub fn new(service: (OsString, OsString), deadline_ms: Option<u32>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewToken {
            kdf: Kdf::WEAK,
            so_pin: Some(FACTORY.into()),
            user_retry_limit: 3,
            ..NewToken::default()
        };
        let serial = admin::create(folder.path(), &new).unwrap().serial_number;
        let token = TokenId::new("softkey", &serial);
        let mut host = host(service, folder.path(), deadline_ms);
        host.login(&token, &Pin::new("12345678")).unwrap();
        let spki = host.generate(&token, &CkaId([0xA5; 16])).unwrap();
        let certificate = certificate(&spki);
        host.write_certificate(&token, &certificate).unwrap();
        host.logout(&token).unwrap();
        let unblock_key = UnblockKey::derive(&[7; 32], 1, token.as_str());
        let portal = KeyPair::generate().unwrap();
        Self { folder, serial, token, host, portal, unblock_key, spki, certificate }
    }

    /// Another host, with this many milliseconds for every call.
    pub fn hurry(&mut self, service: (OsString, OsString), deadline_ms: u32) {
        self.host = host(service, self.folder.path(), Some(deadline_ms));
    }

    pub fn sign(&mut self, authorization: &Authorization) -> Result<Vec<u8>, TokenError> {
        self.host.sign_authorization(&self.token, &self.spki, authorization)
    }

    pub fn lock_pin(&mut self) {
        while self.host.login(&self.token, &Pin::new("00000000")).unwrap_err() != TokenError::PinLocked {}
    }

    pub fn begin(&mut self) -> OneTime {
        let signing_key = Spki(self.portal.public_key().to_spki_der());
        let portal = PortalKey { name: "portal-1".into(), signing_key };
        self.host.unlock_begin(&self.token, &portal).unwrap()
    }

    fn context(&self, one_time: &OneTime, challenge: &[u8]) -> Context {
        Context {
            purpose: Purpose::Unlock,
            portal: "portal-1".into(),
            order: ORDER.into(),
            release: 1,
            method: UnlockMethod::ChallengeResponse,
            token_id: self.token.as_str().into(),
            certificate: sm3(&self.certificate),
            one_time_key: sm3(&one_time.public_key.0),
            nonce: challenge.to_vec(),
            current_version: 0,
            next_version: 0,
            unblock_key_version: 1,
            valid_seconds: 600,
            pin: PinRules { min_len: 6, max_len: 8, digits_only: true },
        }
    }

    fn signed(&self, context: &Context, sealed_envelope: Vec<u8>) -> Answer {
        let bytes = context.to_bytes();
        let signature = self.portal.sign(&signed_answer(&bytes, &sealed_envelope)).unwrap().to_der();
        Answer { purpose: context.purpose, context: bytes, sealed_envelope, signature }
    }

    /// What the portal makes of a challenge.
    pub fn answer(&self, one_time: &OneTime, challenge: [u8; 16]) -> Answer {
        let context = self.context(one_time, &challenge);
        let session: SessionKey = self.unblock_key.session_key(&challenge, &context.hash());
        self.signed(&context, session.seal(&public(one_time)).unwrap())
    }

    pub fn answered(&mut self, one_time: &OneTime) -> Opened {
        let challenge = self.host.unlock_challenge(&self.token).unwrap();
        let answer = self.answer(one_time, challenge);
        self.host.unlock_open(&self.token, &answer).unwrap()
    }

    pub fn unblock(&mut self, pin: &str) -> Result<(), TokenError> {
        self.host.unblock(&self.token, &Pin::new(pin))
    }

    /// Opens a personalization with SO PIN and unblock key, logs in with the maker's SO PIN, and replaces that.
    pub fn personalization(&mut self) {
        self.open_personalization(1);
        self.host.so_login(&self.token, &SoLogin::Factory(Pin::new(FACTORY)), &[]).unwrap();
        self.host.rotate_so_pin(&self.token).unwrap();
        self.host.so_login(&self.token, &SoLogin::Next, &[]).unwrap();
    }

    /// The secrets of a personalization, with the unblock key in this version.
    pub fn open_personalization(&mut self, unblock_key_version: u32) {
        let one_time = self.begin();
        let context = Context {
            purpose: Purpose::Personalize,
            method: UnlockMethod::SoPin,
            certificate: [0; 32],
            next_version: 1,
            unblock_key_version,
            ..self.context(&one_time, &[3; 32])
        };
        let unblock_key = Some(self.unblock_key.clone());
        let first = FirstSecrets { so_pin: SoPin::new(SO_PIN.into()).unwrap(), unblock_key };
        let answer = self.signed(&context, first.seal(&public(&one_time)).unwrap());
        self.host.unlock_open(&self.token, &answer).unwrap();
    }

    /// A token that has its unblock key, and a locked PIN.
    pub fn personalized(&mut self) {
        self.personalization();
        self.host.install_unblock_key(&self.token).unwrap();
        self.host.unlock_end(&self.token).unwrap();
        self.lock_pin();
    }

    pub fn code(&mut self, pin: &str) -> &'static str {
        self.unblock(pin).unwrap_err().code()
    }
}

/// What a fake card answers to what changes it.
#[derive(Clone, Copy)]
pub struct Words {
    pub verify: &'static [u8],
    pub put: &'static [u8],
    pub unblock: &'static [u8],
}

pub const DONE: &[u8] = &[0x90, 0x00];
pub const ALL_DONE: Words = Words { verify: DONE, put: DONE, unblock: DONE };

fn host((name, socket): (OsString, OsString), folder: &Path, deadline_ms: Option<u32>) -> ModuleHost {
    let mut model = profile("softkey");
    if let Some(ms) = deadline_ms {
        let deadlines = &mut model.deadlines;
        (deadlines.generate_ms, deadlines.write_ms, deadlines.other_ms) = (ms, ms, ms);
    }
    let drivers = Drivers::of(vec![model]).with_env("YCD_SOFTKEY_DIR", folder);
    let drivers = drivers.with_env(name, socket).find_modules();
    let driver = drivers.into_iter().find(|driver| driver.profile.name == "softkey").unwrap();
    ModuleHost::start(&program("ycd-host"), &driver).unwrap()
}

fn public(one_time: &OneTime) -> PublicKey {
    PublicKey::from_spki_der(&one_time.public_key.0).unwrap()
}

pub fn sent(printed: &Arc<Mutex<Vec<Vec<u8>>>>, header: &[u8]) -> usize {
    printed.lock().unwrap().iter().filter(|apdu| apdu.starts_with(header)).count()
}

fn certificate(spki: &Spki) -> Vec<u8> {
    let authority = KeyPair::generate().unwrap();
    let name = |text: &str| Name::enterprise(text, None, None).to_der().unwrap();
    let params = CertificateParams {
        profile: cert::Profile::Signature,
        serial: vec![7; 16],
        issuer: name("Authority"),
        subject: name("泸州市某某有限公司"),
        public_key: PublicKey::from_spki_der(&spki.0).unwrap(),
        not_before: OffsetDateTime::UNIX_EPOCH,
        not_after: OffsetDateTime::UNIX_EPOCH + time::Duration::days(365),
        authority_key_id: cert::key_identifier(&authority.public_key()),
        crl_uri: None,
        subject_ids: Vec::new(),
    };
    cert::issue(&params, &authority).unwrap()
}

pub fn reader(context: &Pcsc, at: usize) -> CString {
    let mut readers = context.list_readers_owned().unwrap();
    readers.sort();
    readers.remove(at)
}

/// Waits until a card is in this reader, or none is.
pub fn wait(at: usize, present: bool) {
    assert!(waits(at, present, Duration::from_secs(20)), "reader {at}");
}

/// Whether a card comes into this reader in this time.
pub fn comes(at: usize, within: Duration) -> bool {
    waits(at, true, within)
}

fn waits(at: usize, present: bool, at_most: Duration) -> bool {
    let context = Pcsc::establish(Scope::User).unwrap();
    let mut states = [ReaderState::new(reader(&context, at), State::UNAWARE)];
    loop {
        match context.get_status_change(at_most, &mut states) {
            Err(pcsc::Error::Timeout) => return false,
            outcome => outcome.unwrap(),
        }
        if states[0].event_state().contains(State::PRESENT) == present {
            return true;
        }
        states[0].sync_current_state();
    }
}
