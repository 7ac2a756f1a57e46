//! A module of other people: SoftHSM makes key pairs on the SM2 curve and signs plain ECDSA with them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]
#![cfg(target_os = "linux")]

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use common::{TAG, host_exe, profile_with};
use tempfile::TempDir;
use ycd_pki::name::Name;
use ycd_token::{ContainerHandle, Driver, ModuleHost, Pair, Pin, Token, TokenError, TriesLeft};

const PLACES: [&str; 3] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
];

/// `None` where SoftHSM (Debian: softhsm2) is not installed.
fn softhsm(folder: &Path) -> Option<ModuleHost> {
    let module = PLACES.map(PathBuf::from).into_iter().find(|path| path.exists())?;
    let conf = folder.join("softhsm2.conf");
    std::fs::create_dir(folder.join("tokens")).unwrap();
    std::fs::write(&conf, format!("directories.tokendir = {}\n", folder.join("tokens").display())).unwrap();
    let status = Command::new("softhsm2-util")
        .args(["--init-token", "--free", "--label", "test", "--pin", "123456", "--so-pin", "12345678"])
        .env("SOFTHSM2_CONF", &conf)
        .output()
        .ok()?;
    assert!(status.status.success());
    // Standard numbers: CKK_EC, CKM_EC_KEY_PAIR_GEN, CKM_ECDSA.
    let mut profile = profile_with(|text| {
        let (head, tail) = text.split_once("[pkcs11]").unwrap();
        let rest = &tail[tail.find("[quirks]").unwrap()..];
        format!(
            "{head}[pkcs11]\nkey_type = {{ value = 3, source = \"own\" }}\n\
             key_pair_gen = {{ value = 0x1040, source = \"own\" }}\n\
             [[pkcs11.sign]]\nmechanism = 0x1041\ninput = \"e\"\nformat = \"raw\"\nsource = \"own\"\n{rest}"
        )
    });
    profile.family = "softhsm".into();
    for places in &mut profile.modules {
        places.directories = vec!["/usr".into()];
    }
    let driver = Driver::new(Arc::new(profile), &module, 64).unwrap().with_env("SOFTHSM2_CONF", conf);
    Some(ModuleHost::start(host_exe(), &driver).unwrap())
}

/// With pkcs11-tool (Debian: opensc).
fn delete_public_key(folder: &Path, module: &Path) {
    let output = Command::new("pkcs11-tool")
        .arg("--module")
        .arg(module)
        .args(["--login", "--pin", "123456", "--delete-object", "--type", "pubkey", "--id", &"a5".repeat(16)])
        .env("SOFTHSM2_CONF", folder.join("softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_module_that_signs_plain_ecdsa_with_an_sm2_key_is_found_out() {
    let folder = TempDir::new().unwrap();
    let Some(mut host) = softhsm(folder.path()) else {
        eprintln!("skipped: SoftHSM is not installed");
        return;
    };
    let keys = host.keys().unwrap();
    let [key] = &keys[..] else { panic!("{keys:?}") };
    host.login(&key.key_id, &Pin::new("123456")).unwrap();
    let spki = host.generate(&key.key_id, &TAG).unwrap();
    let contents = host.read(&key.key_id).unwrap();
    assert_eq!(contents.with_key(&spki).unwrap().pair, Pair::Whole);
    assert!(contents.with_key(&spki).unwrap().has_tag(&TAG));

    let subject = Name::enterprise("某公司", None, None).to_der().unwrap();
    let error = host.sign_request(&key.key_id, &spki, &subject).unwrap_err();
    assert_eq!(error.code(), "token.signs_wrongly");
    let TokenError::SignsWrongly { detail } = error else { panic!() };
    assert!(detail.contains("plain ECDSA"), "{detail}");

    let der = common::certificate(&spki, 1);
    host.write_certificate(&key.key_id, &der).unwrap();
    assert_eq!(host.read(&key.key_id).unwrap().with_key(&spki).unwrap().certificates, [der]);

    // Tokens that keep no public key beside a certificate: the private key is found through the certificate.
    delete_public_key(folder.path(), host.driver().module_path.as_path());
    let contents = host.read(&key.key_id).unwrap();
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.with_key(&spki).unwrap().pair, Pair::Whole);
    assert_eq!(host.sign_request(&key.key_id, &spki, &subject).unwrap_err().code(), "token.signs_wrongly");
    host.destroy(&key.key_id, &ContainerHandle::PublicKey(spki)).unwrap();
    assert!(host.read(&key.key_id).unwrap().containers.is_empty());
}

#[test]
fn a_pin_is_changed_in_a_module_of_other_people() {
    let folder = TempDir::new().unwrap();
    let Some(mut host) = softhsm(folder.path()) else {
        eprintln!("skipped: SoftHSM is not installed");
        return;
    };
    let key = host.keys().unwrap().remove(0).key_id;
    let (old, new) = (Pin::new("123456"), Pin::new("271828"));
    let error = host.change_pin(&key, &Pin::new("000000"), &new).unwrap_err();
    assert_eq!(error, TokenError::PinIncorrect { tries: TriesLeft::Low });
    assert_eq!(host.change_pin(&key, &old, &Pin::new("1")).unwrap_err().code(), "token.pin_invalid");
    // Also of a user who is logged in.
    host.login(&key, &old).unwrap();
    host.change_pin(&key, &old, &new).unwrap();
    assert!(!host.read(&key).unwrap().logged_in);
    assert_eq!(host.keys().unwrap()[0].pin.tries, TriesLeft::NotLow);
    host.login(&key, &new).unwrap();
    assert_eq!(host.login(&key, &old).unwrap_err().code(), "token.pin_incorrect");
}
