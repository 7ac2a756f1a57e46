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

use common::{CKA_ID, host_exe, profile_with};
use tempfile::TempDir;
use ycd_pki::name::Name;
use ycd_test_skips::skip;
use ycd_token::{
    ContainerHandle, Driver, KeyPairState, ModuleHost, Pin, PinRetryCounter, TokenAccess, TokenError,
};

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
    for locations in &mut profile.modules {
        locations.directories = vec!["/usr".into()];
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
        return skip(
            "a_module_that_signs_plain_ecdsa_with_an_sm2_key_is_found_out",
            "SoftHSM is not installed",
        );
    };
    let tokens = host.list().unwrap();
    let [token] = &tokens[..] else { panic!("{tokens:?}") };
    host.login(&token.token_id, &Pin::new("123456")).unwrap();
    let spki = host.generate(&token.token_id, &CKA_ID).unwrap();
    let contents = host.read(&token.token_id).unwrap();
    assert_eq!(contents.with_key(&spki).unwrap().pair, KeyPairState::Complete);
    assert!(contents.with_key(&spki).unwrap().has_cka_id(&CKA_ID));

    let subject = Name::enterprise("某公司", None, None).to_der().unwrap();
    let error = host.sign_request(&token.token_id, &spki, &subject).unwrap_err();
    assert_eq!(error.code(), "token.signs_wrongly");
    let TokenError::SignsWrongly { detail } = error else { panic!() };
    assert!(detail.contains("plain ECDSA"), "{detail}");

    let der = common::certificate(&spki, 1);
    host.write_certificate(&token.token_id, &der).unwrap();
    assert_eq!(host.read(&token.token_id).unwrap().with_key(&spki).unwrap().certificates, [der]);

    // Tokens that keep no public key beside a certificate: the private key is found through the certificate.
    delete_public_key(folder.path(), host.driver().module_path.as_path());
    let contents = host.read(&token.token_id).unwrap();
    assert_eq!(contents.containers.len(), 1);
    assert_eq!(contents.with_key(&spki).unwrap().pair, KeyPairState::Complete);
    assert_eq!(
        host.sign_request(&token.token_id, &spki, &subject).unwrap_err().code(),
        "token.signs_wrongly"
    );
    host.destroy(&token.token_id, &ContainerHandle::PublicKey(spki)).unwrap();
    assert!(host.read(&token.token_id).unwrap().containers.is_empty());
}

#[test]
fn a_pin_is_changed_in_a_module_of_other_people() {
    let folder = TempDir::new().unwrap();
    let Some(mut host) = softhsm(folder.path()) else {
        return skip("a_pin_is_changed_in_a_module_of_other_people", "SoftHSM is not installed");
    };
    let token = host.list().unwrap().remove(0).token_id;
    let (old, new) = (Pin::new("123456"), Pin::new("271828"));
    let error = host.change_pin(&token, &Pin::new("000000"), &new).unwrap_err();
    assert_eq!(error, TokenError::PinIncorrect { retry_counter: PinRetryCounter::Low });
    assert_eq!(host.change_pin(&token, &old, &Pin::new("1")).unwrap_err().code(), "token.pin_invalid");
    // Also of a user who is logged in.
    host.login(&token, &old).unwrap();
    host.change_pin(&token, &old, &new).unwrap();
    assert!(!host.read(&token).unwrap().logged_in);
    assert_eq!(host.list().unwrap()[0].pin.retry_counter, PinRetryCounter::NotLow);
    host.login(&token, &new).unwrap();
    assert_eq!(host.login(&token, &old).unwrap_err().code(), "token.pin_incorrect");
}
