//! Other people's programs use the token and judge its signatures.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]
#![allow(clippy::print_stdout, reason = "a skip says why")]

mod common;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use common::*;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::vendor_defined::VendorDefinedMechanism;
use cryptoki::mechanism::{Mechanism, MechanismType};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use ycd_pki::PublicKey;
use ycd_test_skips::skip;

fn have(test: &str, program: &str) -> bool {
    let found = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if found.is_err() {
        skip(test, &format!("{program} is not installed"));
    }
    found.is_ok()
}

fn run(command: &mut Command) -> (bool, String) {
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.success(), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

fn pkcs11_tool(dir: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("pkcs11-tool");
    command.arg("--module").arg(module_path()).args(arguments).env("YCD_SOFTKEY_DIR", dir);
    let (good, text) = run(&mut command);
    assert!(good, "pkcs11-tool {arguments:?}: {text}");
    text
}

/// A token with a pair and a certificate made by OpenSSL; gives the public point and the certificate.
fn first_certificate(fixture: &Bench) -> (Vec<u8>, Vec<u8>) {
    let client = fixture.client();
    let session = client.user();
    let (public, _) = client.generate(session, b"\x01\x02");
    let key = fixture.path().join("ca.pem");
    let der = fixture.path().join("certificate.der");
    let mut make = Command::new("openssl");
    make.args(["req", "-x509", "-newkey", "sm2", "-nodes", "-sm3"]);
    make.args(["-subj", "/CN=test", "-outform", "DER", "-keyout"]).arg(key).arg("-out").arg(&der);
    let (good, text) = run(&mut make);
    assert!(good, "{text}");
    let der = std::fs::read(der).unwrap();
    client.write_certificate(session, b"\x01\x02", &der).unwrap();
    (client.point(session, public), der)
}

#[test]
fn pkcs11_tool_tests_lists_and_reads_the_token() {
    let test = "pkcs11_tool_tests_lists_and_reads_the_token";
    if !have(test, "pkcs11-tool") || !have(test, "openssl") {
        return;
    }
    let fixture = Bench::new();
    let (_, certificate) = first_certificate(&fixture);
    let tested = pkcs11_tool(fixture.path(), &["--test", "--login", "--pin", PIN]);
    assert!(tested.contains("No errors"), "{tested}");
    let slots = pkcs11_tool(fixture.path(), &["-L"]);
    assert!(slots.contains("投标证书") && slots.contains("K1"), "{slots}");
    let public = pkcs11_tool(fixture.path(), &["-O"]);
    assert!(public.contains("Certificate Object") && !public.contains("Private Key"), "{public}");
    let all = pkcs11_tool(fixture.path(), &["-O", "--login", "--pin", PIN]);
    assert!(all.contains("Private Key Object") && all.contains("0102"), "{all}");
    let out = fixture.path().join("read.der");
    let read = ["-r", "-y", "cert", "-d", "0102", "-o", out.to_str().unwrap()];
    pkcs11_tool(fixture.path(), &read);
    assert_eq!(std::fs::read(out).unwrap(), certificate);
}

#[test]
fn openssl_verifies_a_signature_of_the_key() {
    if !have("openssl_verifies_a_signature_of_the_key", "openssl") {
        return;
    }
    let fixture = Bench::new();
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.generate(session, b"id");
    let key = PublicKey::from_point(&client.point(session, public)).unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = fixture.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let spki = file("key.der", &key.to_spki_der());
    let text = file("text", "投标文件".as_bytes());
    let made = client.sign(session, SM3_DEFAULT_DER, private, "投标文件".as_bytes()).unwrap();
    let verify = |signature: &[u8]| {
        let signature = file("signature", signature);
        let mut verify = Command::new("openssl");
        verify.args([
            "pkeyutl",
            "-verify",
            "-rawin",
            "-digest",
            "sm3",
            "-pkeyopt",
            "distid:1234567812345678",
        ]);
        verify.args(["-pubin", "-keyform", "DER", "-inkey"]).arg(&spki).arg("-in").arg(&text);
        run(verify.arg("-sigfile").arg(signature))
    };
    let (good, text) = verify(&made);
    assert!(good, "{text}");
    let other = client.sign(session, SM3_DEFAULT_DER, private, b"another text").unwrap();
    assert!(!verify(&other).0);
}

#[test]
fn the_cryptoki_crate_finds_signs_and_reads() {
    let fixture = Bench::new();
    let (point, certificate) = {
        let client = fixture.client();
        let session = client.user();
        let (public, _) = client.generate(session, b"id");
        client.write_certificate(session, b"id", b"\x30\x00").unwrap();
        (client.point(session, public), b"\x30\x00".to_vec())
    };
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("module");
    std::fs::copy(module_path(), &path).unwrap();
    let context = Pkcs11::new(path).unwrap();
    in_folder(fixture.path(), || {
        context.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK)).unwrap()
    });
    let slot = context.get_slots_with_token().unwrap()[0];
    assert!(context.get_token_info(slot).unwrap().user_pin_to_be_changed());
    let session = context.open_rw_session(slot).unwrap();
    session.login(UserType::User, Some(&AuthPin::from(PIN.to_owned()))).unwrap();
    let private = session.find_objects(&[Attribute::Class(ObjectClass::PRIVATE_KEY)]).unwrap()[0];
    let kind = MechanismType::new_vendor_defined(SM3_DEFAULT_DER).unwrap();
    let mechanism = Mechanism::VendorDefined(VendorDefinedMechanism::new::<()>(kind, None));
    let signature = session.sign(&mechanism, private, b"text").unwrap();
    PublicKey::from_point(&point).unwrap().verify(b"text", &signature).unwrap();
    let found = session.find_objects(&[Attribute::Class(ObjectClass::CERTIFICATE)]).unwrap()[0];
    let value = session.get_attributes(found, &[AttributeType::Value]).unwrap();
    assert_eq!(value, [Attribute::Value(certificate)]);
}

#[test]
fn python_pkcs11_opens_lists_digests_and_signs() {
    let Some(python) = python("python_pkcs11_opens_lists_digests_and_signs") else { return };
    let fixture = Bench::new();
    let point = {
        let client = fixture.client();
        let session = client.user();
        let (public, _) = client.generate(session, b"id");
        client.point(session, public)
    };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/client.py");
    let mut command = Command::new(python);
    command.arg(script).arg(module_path()).arg(PIN).env("YCD_SOFTKEY_DIR", fixture.path());
    let (good, text) = run(&mut command);
    assert!(good, "{text}");
    let line = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim().to_owned();
    assert_eq!(line("objects"), "2");
    assert_eq!(unhex(&line("digest")), ycd_pki::sm3::sm3(b"abc"));
    PublicKey::from_point(&point).unwrap().verify(b"text", &unhex(&line("signature"))).unwrap();
}

/// A Python with python-pkcs11, in an environment beside the build; `None`, and the test counted as skipped, where it cannot
/// be installed.
fn python(test: &str) -> Option<std::path::PathBuf> {
    let deps = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let home = deps.parent().unwrap().parent().unwrap().join("python-pkcs11");
    let python = home.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let can_import = || {
        let mut import = Command::new(&python);
        import.args(["-c", "import pkcs11"]).stdout(Stdio::null()).stderr(Stdio::null());
        import.status().is_ok_and(|status| status.success())
    };
    if can_import() {
        return Some(python);
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&home).output();
    if !made.is_ok_and(|made| made.status.success()) {
        skip(test, "python3 cannot make a virtual environment");
        return None;
    }
    let install = ["-m", "pip", "-q", "install", "python-pkcs11"];
    let installed = Command::new(&python).args(install).output();
    if !installed.is_ok_and(|made| made.status.success()) || !can_import() {
        skip(test, "python-pkcs11 cannot be installed from PyPI");
        return None;
    }
    Some(python)
}

fn unhex(text: &str) -> Vec<u8> {
    let pair = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(pair).collect()
}
