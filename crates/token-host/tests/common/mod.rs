//! A software token behind the real module and the real host process.
#![allow(dead_code, reason = "every test program takes what it needs")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use time::OffsetDateTime;
use ycd_pki::cert::{self, CertificateParams};
use ycd_pki::name::Name;
use ycd_pki::{KeyPair, PublicKey};
use ycd_softkey::admin::{self, Fault, Kdf, NewToken};
use ycd_token::profile::Profile;
use ycd_token::{CkaId, Driver, Drivers, ModuleHost, Pin, Spki, TokenAccess, TokenId};

pub const PIN: &str = "12345678";
pub const CKA_ID: CkaId = CkaId([0xA5; 16]);

pub fn host_exe() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_ycd-host"))
}

pub struct Bench {
    pub dir: TempDir,
    pub serial: String,
    pub token: TokenId,
}

impl Bench {
    /// A folder with one token in it.
    pub fn new() -> Self {
        Self::with(NewToken::default())
    }

    pub fn with(token: NewToken) -> Self {
        let dir = TempDir::new().unwrap();
        let made = admin::create(dir.path(), &NewToken { kdf: Kdf::WEAK, ..token }).unwrap();
        let token = TokenId::new("softkey", &made.serial_number);
        Self { dir, serial: made.serial_number, token }
    }

    pub fn folder(&self) -> &Path {
        self.dir.path()
    }

    pub fn another_token(&self) -> TokenId {
        let made =
            admin::create(self.dir.path(), &NewToken { kdf: Kdf::WEAK, ..NewToken::default() }).unwrap();
        TokenId::new("softkey", &made.serial_number)
    }

    pub fn fault(&self, fault: Fault) {
        admin::set_fault(self.dir.path(), None, &fault).unwrap();
    }

    pub fn pull(&self) {
        admin::remove(self.dir.path(), &self.serial).unwrap();
    }

    pub fn put_in(&self) {
        admin::insert(self.dir.path(), &self.serial).unwrap();
    }

    pub fn trace(&self) {
        admin::set_trace(self.dir.path(), true).unwrap();
    }

    /// How often a function was called since [`Self::trace`].
    pub fn calls(&self, function: &str) -> usize {
        admin::trace(self.dir.path()).unwrap().iter().filter(|(name, _)| name == function).count()
    }

    /// The embedded profiles, and no administrator's.
    pub fn drivers(&self) -> Drivers {
        Drivers::load(Some(self.dir.path())).unwrap().with_env("YCD_SOFTKEY_DIR", self.dir.path())
    }

    pub fn driver(&self) -> Driver {
        softkey_driver(&self.drivers())
    }

    pub fn host(&self) -> ModuleHost {
        ModuleHost::start(host_exe(), &self.driver()).unwrap()
    }

    pub fn logged_in(&self) -> ModuleHost {
        let mut host = self.host();
        host.login(&self.token, &Pin::new(PIN)).unwrap();
        host
    }

    /// A host with the profile's text changed.
    pub fn host_with(&self, change: impl Fn(String) -> String) -> ModuleHost {
        let driver = self.driver();
        let profile = profile_with(change);
        let driver = Driver::new(Arc::new(profile), &driver.module_path, 64).unwrap();
        ModuleHost::start(host_exe(), &driver.with_env("YCD_SOFTKEY_DIR", self.dir.path())).unwrap()
    }
}

pub fn softkey_driver(drivers: &Drivers) -> Driver {
    let found = drivers.find_modules();
    found.into_iter().find(|driver| driver.profile.name == "softkey").expect("cargo has built the module")
}

pub fn softkey_module() -> PathBuf {
    softkey_driver(&Drivers::load(None).unwrap()).module_path
}

pub fn profile_with(change: impl Fn(String) -> String) -> Profile {
    let text = include_str!("../../../../drivers-config/softkey.toml").to_owned();
    Profile::from_toml("softkey.toml", &change(text)).unwrap()
}

/// The profile of the software token for a module of any name in a folder.
pub fn profile_for(folder: &Path, file: &str) -> Profile {
    let mut profile = profile_with(|text| text);
    for locations in &mut profile.modules {
        locations.directories = vec![folder.to_str().unwrap().to_owned()];
        locations.files = vec![file.to_owned()];
    }
    profile
}

/// A certificate for a token, by an authority that nobody trusts.
pub fn certificate(spki: &Spki, serial: u8) -> Vec<u8> {
    let authority = KeyPair::generate().unwrap();
    let name = |text: &str| Name::enterprise(text, None, None).to_der().unwrap();
    let params = CertificateParams {
        profile: cert::Profile::Signature,
        serial: vec![serial; 16],
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

/// Compiles a shared library, as cargo's own linking needs a C compiler too.
#[cfg(target_os = "linux")]
pub fn library(folder: &Path, name: &str, source: &str) -> PathBuf {
    let input = folder.join(format!("{name}.c"));
    let output = folder.join(name);
    std::fs::write(&input, source).unwrap();
    let status = std::process::Command::new("cc")
        .args(["-shared", "-fPIC", "-w", "-o"])
        .args([&output, &input])
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(status.success());
    output
}

/// Children of this process, dead ones that nobody has waited for included; open handles; threads.
#[cfg(target_os = "linux")]
pub fn counts() -> (usize, usize, usize) {
    let me = std::process::id().to_string();
    let children = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let stat = std::fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        // pid (name) state ppid
        stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)) == Some(&me)
    });
    let entries = |path: &str| std::fs::read_dir(path).unwrap().count();
    (children.count(), entries("/proc/self/fd"), entries("/proc/self/task"))
}

/// Whether the counts come back to what they were. Threads whose work is over go by themselves, a moment later.
#[cfg(target_os = "linux")]
pub fn settled(before: (usize, usize, usize)) -> bool {
    let begun = std::time::Instant::now();
    while begun.elapsed() < std::time::Duration::from_secs(20) {
        if counts() == before {
            return true;
        }
        std::thread::yield_now();
    }
    false
}
