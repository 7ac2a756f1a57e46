//! A folder with two tokens, one of them with two pairs; copied for every cell of the matrix.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use ycd_softkey::admin::{self, NewToken, TokenState};
use ycd_token::{CkaId, Contents, Driver, KeyPairState, ModuleHost, Pin, Spki, TokenAccess, TokenId};

use crate::common::{Bench, PIN, certificate, host_exe, profile_with};
use crate::release::{Portal, SO_PIN};

pub const NEW_PIN: &str = "86420975";
/// Of every call, milliseconds.
pub const DEADLINE_MS: u64 = 2000;

pub struct Scene {
    pub dir: TempDir,
    pub token: TokenId,
    serial: String,
    /// Another token of the same module.
    pub other: TokenId,
    /// Nothing is to happen to this pair and its certificate.
    bystander: Spki,
    pub bystanders_certificate: Vec<u8>,
    pub portal: Arc<Portal>,
    /// What operations work on.
    pub pair: Spki,
    /// Of `pair`; on the token only where the operation needs it.
    pub certificate: Vec<u8>,
    driver: Driver,
}

/// The token after a call, shown by drivers that tell the truth.
#[derive(Debug)]
pub struct Seen {
    /// Read before the login that `contents` needed.
    pub first: Contents,
    /// The PIN that is in force.
    pub pin: &'static str,
    pub contents: Contents,
    /// From the token's file, past every driver.
    pub state: TokenState,
}

impl Seen {
    /// The certificates of a complete pair; `None` where there is no such pair.
    pub fn certificates(&self, pair: &Spki) -> Option<Vec<Vec<u8>>> {
        let container =
            self.contents.with_key(pair).filter(|container| container.pair == KeyPairState::Complete)?;
        Some(container.certificates.clone())
    }
}

impl Scene {
    /// Without and with the certificate of the pair.
    pub fn templates() -> [Self; 2] {
        let fixture = Bench::with(NewToken { so_pin: Some(SO_PIN.into()), ..NewToken::default() });
        let other = fixture.another_token();
        let deadline = format!("_ms = {DEADLINE_MS}");
        let profile =
            profile_with(|text| text.replace("_ms = 30000", &deadline).replace("_ms = 10000", &deadline));
        let driver = Driver::new(Arc::new(profile), &fixture.driver().module_path, 64).unwrap();
        let mut host = fixture.logged_in();
        let bystander = host.generate(&fixture.token, &CkaId([1; 16])).unwrap();
        let bystanders_certificate = certificate(&bystander, 1);
        host.write_certificate(&fixture.token, &bystanders_certificate).unwrap();
        let pair = host.generate(&fixture.token, &CkaId([2; 16])).unwrap();
        let certificate = certificate(&pair, 2);
        let Bench { dir, serial, token } = fixture;
        let scene = Self {
            dir,
            token,
            serial,
            other,
            bystander,
            bystanders_certificate,
            portal: Arc::new(Portal::new()),
            pair,
            certificate,
            driver,
        };
        let without = scene.copy();
        host.write_certificate(&scene.token, &scene.certificate).unwrap();
        [without, scene]
    }

    pub fn copy(&self) -> Self {
        let dir = TempDir::new().unwrap();
        copy_folder(self.dir.path(), dir.path());
        Self {
            dir,
            token: self.token.clone(),
            serial: self.serial.clone(),
            other: self.other.clone(),
            bystander: self.bystander.clone(),
            bystanders_certificate: self.bystanders_certificate.clone(),
            portal: Arc::clone(&self.portal),
            pair: self.pair.clone(),
            certificate: self.certificate.clone(),
            driver: self.driver.clone(),
        }
    }

    pub fn host(&self) -> ModuleHost {
        let driver = self.driver.clone().with_env("YCD_SOFTKEY_DIR", self.dir.path());
        ModuleHost::start(host_exe(), &driver).unwrap()
    }

    /// Looks at the token through the host that was misused, after the faults are over.
    ///
    /// # Errors
    /// Says what does not work any more.
    pub fn look(&self, host: &mut ModuleHost) -> Result<Seen, String> {
        let first = host.read(&self.token).map_err(|error| format!("the next call: {error:?}"))?;
        let mut state = admin::list(self.dir.path()).unwrap();
        let at = state.iter().position(|state| state.serial_number == self.serial).unwrap();
        let state = state.swap_remove(at);
        if state.pin_retry_counter + 1 < state.pin_retry_limit {
            return Err(format!("{} tries of the PIN are left", state.pin_retry_counter));
        }
        if state.so_pin_retry_counter + 1 < state.so_pin_retry_limit {
            return Err(format!("{} tries of the SO PIN are left", state.so_pin_retry_counter));
        }
        let login = |host: &mut ModuleHost, pin| host.login(&self.token, &Pin::new(pin));
        let pin = match (login(host, PIN), login(host, NEW_PIN)) {
            (Ok(()), Err(_)) => PIN,
            (Err(_), Ok(())) => NEW_PIN,
            logins => return Err(format!("logins afterwards: {logins:?}")),
        };
        login(host, pin).map_err(|error| format!("the third login: {error:?}"))?;
        let contents = host.read(&self.token).map_err(|error| format!("reading afterwards: {error:?}"))?;
        let seen = Seen { first, pin, contents, state };
        if seen.certificates(&self.bystander) != Some(vec![self.bystanders_certificate.clone()]) {
            return Err(format!("another pair or its certificate has suffered: {:?}", seen.contents));
        }
        host.login(&self.other, &Pin::new(PIN)).map_err(|error| format!("the other token: {error:?}"))?;
        Ok(seen)
    }
}

fn copy_folder(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy_folder(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
