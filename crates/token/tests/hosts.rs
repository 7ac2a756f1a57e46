//! Which host loads a module: what its file is decides, whatever the profile's entry says.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use ycd_token::profile::Profile;
use ycd_token::{Driver, Drivers, ModuleHost, TokenError, host_for};

const X86: u16 = 0x014C;
const X64: u16 = 0x8664;
const ARM64: u16 = 0xAA64;

/// The start of a DLL for a processor.
fn dll(machine: u16) -> Vec<u8> {
    let mut bytes = vec![0; 0x80];
    bytes[..2].copy_from_slice(b"MZ");
    bytes[0x3C] = 0x40;
    bytes[0x40..0x44].copy_from_slice(b"PE\0\0");
    bytes[0x44..0x46].copy_from_slice(&machine.to_le_bytes());
    bytes
}

/// A folder with a module in it and a place for hosts.
struct Machine {
    folder: TempDir,
}

impl Machine {
    fn with(module: &[u8]) -> Self {
        let machine = Self { folder: tempfile::tempdir().unwrap() };
        fs::write(machine.module(), module).unwrap();
        machine
    }

    fn module(&self) -> PathBuf {
        self.folder.path().join("make.dll")
    }

    fn host(&self, name: &str) -> PathBuf {
        self.folder.path().join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
    }

    /// The profile's entries all say `bits`.
    fn profile(&self, bits: u8) -> Profile {
        let text = include_str!("../../../drivers-config/softkey.toml");
        let mut profile = Profile::from_toml("softkey.toml", text).unwrap();
        for locations in &mut profile.modules {
            locations.bits = bits;
            locations.directories = vec![self.folder.path().to_str().unwrap().to_owned()];
            locations.files = vec!["make.dll".to_owned()];
        }
        profile
    }

    fn driver(&self, bits: u8) -> Driver {
        Driver::new(Arc::new(self.profile(bits)), &self.module(), bits).unwrap()
    }
}

fn refused(outcome: Result<impl Sized, TokenError>) -> String {
    match outcome.err() {
        Some(TokenError::NoHost { target, .. }) => target,
        other => format!("{other:?}"),
    }
}

#[test]
fn the_files_header_goes_before_the_profiles_word() {
    for (machine, bits) in [(X86, 32), (X64, 64), (ARM64, 64)] {
        let machine = Machine::with(&dll(machine));
        for printed in [32, 64] {
            assert_eq!(machine.driver(printed).bits, bits);
            let found = Drivers::of(vec![machine.profile(printed)]).find_modules();
            assert_eq!(found.iter().map(|driver| driver.bits).collect::<Vec<_>>(), [bits]);
        }
    }
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "the 32-bit host goes with this processor's alone")]
fn a_32_bit_module_is_for_the_32_bit_host_and_refused_where_there_is_none() {
    let machine = Machine::with(&dll(X86));
    let (host, driver) = (machine.host("ycd-host"), machine.driver(64));
    assert_eq!(refused(host_for(&host, &driver)), "x86-32");
    // Also for whoever starts it; no process is.
    assert_eq!(refused(ModuleHost::start(&host, &driver)), "x86-32");
    assert_eq!(refused(ModuleHost::at_rest(&host, &driver).ping()), "x86-32");

    fs::write(machine.host("ycd-host32"), "").unwrap();
    assert_eq!(host_for(&host, &driver).unwrap(), machine.host("ycd-host32"));
}

#[test]
#[cfg_attr(not(target_arch = "x86_64"), ignore = "names this processor")]
fn this_processors_modules_are_for_the_host_itself_and_another_processors_for_none() {
    let machine = Machine::with(&dll(X64));
    let host = machine.host("ycd-host");
    assert_eq!(host_for(&host, &machine.driver(32)).unwrap(), host);

    let machine = Machine::with(&dll(ARM64));
    fs::write(machine.host("ycd-host32"), "").unwrap();
    assert_eq!(refused(host_for(&host, &machine.driver(64))), "ARM64");
}

#[test]
fn a_file_that_is_no_program_is_left_to_the_host_that_the_profile_means() {
    let machine = Machine::with(b"not a module");
    let host = machine.host("ycd-host");
    assert_eq!(machine.driver(64).bits, 64);
    assert_eq!(host_for(&host, &machine.driver(64)).unwrap(), host);
    let other = host_for(&host, &machine.driver(32)).unwrap();
    assert_eq!(
        other.file_stem().unwrap(),
        Path::new(if cfg!(target_pointer_width = "64") { "ycd-host32" } else { "ycd-host" })
    );
}
