//! A folder with two keys, one of them with two pairs; copied for every cell of the matrix.

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use ycd_softkey::admin::{self, KeyState, NewKey};
use ycd_token::{Contents, Driver, KeyId, ModuleHost, Pair, Pin, Spki, Tag, Token};

use crate::common::{Bench, PIN, certificate, host_exe, profile_with};
use crate::operations::NEW_PIN;
use crate::release::{Portal, SO_PIN};

/// Of every call, milliseconds.
pub const DEADLINE_MS: u64 = 2000;

pub struct Scene {
    pub dir: TempDir,
    pub key: KeyId,
    serial: String,
    /// Another key of the same module.
    pub other: KeyId,
    /// Nothing is to happen to this pair and its certificate.
    bystander: Spki,
    pub bystanders_certificate: Vec<u8>,
    pub portal: Arc<Portal>,
    /// What operations work on.
    pub pair: Spki,
    /// Of `pair`; on the key only where the operation needs it.
    pub certificate: Vec<u8>,
    driver: Driver,
}

/// The key after a call, shown by drivers that tell the truth.
#[derive(Debug)]
pub struct Seen {
    /// Read before the login that `contents` needed.
    pub first: Contents,
    /// The PIN that is in force.
    pub pin: &'static str,
    pub contents: Contents,
    /// From the key's file, past every driver.
    pub state: KeyState,
}

impl Seen {
    /// The certificates of a whole pair; `None` where there is no such pair.
    pub fn certificates(&self, pair: &Spki) -> Option<Vec<Vec<u8>>> {
        let container = self.contents.with_key(pair).filter(|container| container.pair == Pair::Whole)?;
        Some(container.certificates.clone())
    }
}

impl Scene {
    /// Without and with the certificate of the pair.
    pub fn templates() -> [Self; 2] {
        let bench = Bench::with(NewKey { so_pin: Some(SO_PIN.into()), ..NewKey::default() });
        let other = bench.another_key();
        let deadline = format!("_ms = {DEADLINE_MS}");
        let profile =
            profile_with(|text| text.replace("_ms = 30000", &deadline).replace("_ms = 10000", &deadline));
        let driver = Driver::new(Arc::new(profile), &bench.driver().module_path, 64).unwrap();
        let mut host = bench.logged_in();
        let bystander = host.generate(&bench.key, &Tag([1; 16])).unwrap();
        let bystanders_certificate = certificate(&bystander, 1);
        host.write_certificate(&bench.key, &bystanders_certificate).unwrap();
        let pair = host.generate(&bench.key, &Tag([2; 16])).unwrap();
        let certificate = certificate(&pair, 2);
        let Bench { dir, serial, key } = bench;
        let scene = Self {
            dir,
            key,
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
        host.write_certificate(&scene.key, &scene.certificate).unwrap();
        [without, scene]
    }

    pub fn copy(&self) -> Self {
        let dir = TempDir::new().unwrap();
        copy_folder(self.dir.path(), dir.path());
        Self {
            dir,
            key: self.key.clone(),
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

    /// Looks at the key through the host that was misused, after the faults are over.
    ///
    /// # Errors
    /// Says what does not work any more.
    pub fn look(&self, host: &mut ModuleHost) -> Result<Seen, String> {
        let first = host.read(&self.key).map_err(|error| format!("the next call: {error:?}"))?;
        let mut state = admin::list(self.dir.path()).unwrap();
        let at = state.iter().position(|state| state.serial_number == self.serial).unwrap();
        let state = state.swap_remove(at);
        if state.pin_tries_left + 1 < state.pin_tries_max {
            return Err(format!("{} tries of the PIN are left", state.pin_tries_left));
        }
        if state.so_pin_tries_left + 1 < state.so_pin_tries_max {
            return Err(format!("{} tries of the SO PIN are left", state.so_pin_tries_left));
        }
        let login = |host: &mut ModuleHost, pin| host.login(&self.key, &Pin::new(pin));
        let pin = match (login(host, PIN), login(host, NEW_PIN)) {
            (Ok(()), Err(_)) => PIN,
            (Err(_), Ok(())) => NEW_PIN,
            logins => return Err(format!("logins afterwards: {logins:?}")),
        };
        login(host, pin).map_err(|error| format!("the third login: {error:?}"))?;
        let contents = host.read(&self.key).map_err(|error| format!("reading afterwards: {error:?}"))?;
        let seen = Seen { first, pin, contents, state };
        if seen.certificates(&self.bystander) != Some(vec![self.bystanders_certificate.clone()]) {
            return Err(format!("another pair or its certificate has suffered: {:?}", seen.contents));
        }
        host.login(&self.other, &Pin::new(PIN)).map_err(|error| format!("the other key: {error:?}"))?;
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
