//! `drivers-config/<name>.reference.json`: what the software token answers that emulates each token model.
//!
//! `YCD_WRITE_REFERENCES=1 cargo test -p ycd-softkey --test references` writes them anew.
#![allow(clippy::unwrap_used, clippy::panic, reason = "all of this is test code")]
#![allow(clippy::cast_possible_truncation, reason = "counts of a few objects; CK_ULONG has 32 or 64 bits")]
#![allow(clippy::macro_metavars_in_unsafe, reason = "the arguments of `call!` are values")]

mod common;

use std::path::Path;

use common::*;
use cryptoki_sys::*;
use serde_json::{Map, Value, json};
use ycd_pki::{PublicKey, Signature};
use ycd_softkey::admin::{self, Appearance, Format, Input, Point, Signing, VendorEmulation};
use ycd_token::profile::{Pkcs11, Profile, SignInput, SignatureFormat, Tristate};

const SAYS: &str = "The answers of this project's software token under this emulation. No hardware answered; nothing here \
                    confirms a number of the profile.";

const ATTRIBUTES: [(CK_ATTRIBUTE_TYPE, &str); 14] = [
    (CKA_CLASS, "CKA_CLASS"),
    (CKA_TOKEN, "CKA_TOKEN"),
    (CKA_PRIVATE, "CKA_PRIVATE"),
    (CKA_LABEL, "CKA_LABEL"),
    (CKA_KEY_TYPE, "CKA_KEY_TYPE"),
    (CKA_ID, "CKA_ID"),
    (CKA_SUBJECT, "CKA_SUBJECT"),
    (CKA_SIGN, "CKA_SIGN"),
    (CKA_VERIFY, "CKA_VERIFY"),
    (CKA_SENSITIVE, "CKA_SENSITIVE"),
    (CKA_EXTRACTABLE, "CKA_EXTRACTABLE"),
    (CKA_EC_PARAMS, "CKA_EC_PARAMS"),
    (CKA_EC_POINT, "CKA_EC_POINT"),
    (CKA_PUBLIC_KEY_INFO, "CKA_PUBLIC_KEY_INFO"),
];

/// The profile's numbers; of what no profile says, the habits that have been seen at modules, each at some token model.
fn emulate(profile: &Profile, numbers: &Pkcs11) -> VendorEmulation {
    let sign = numbers.sign.iter().map(|sign| Signing {
        mechanism: sign.mechanism,
        input: match sign.input {
            SignInput::Message => Input::Message,
            SignInput::E => Input::E,
        },
        format: match sign.format {
            SignatureFormat::Raw => Format::Raw,
            SignatureFormat::Der => Format::Der,
        },
        takes_id: false,
    });
    let own = VendorEmulation::default();
    let own_attributes = numbers.point_x.as_ref().zip(numbers.point_y.as_ref());
    let point = match (own_attributes, profile.name.as_str()) {
        (Some((x, y)), _) => Point::Attributes { x: x.value, y: y.value },
        (None, "westone") => Point::Coordinates,
        (None, "feitian") => Point::Bare,
        (None, _) => Point::OctetString,
    };
    VendorEmulation {
        key_type: numbers.key_type.as_ref().map_or(own.key_type, |number| number.value),
        key_pair_gen: numbers.key_pair_gen.value,
        sign: sign.collect(),
        digest: None,
        tells_curve: matches!(point, Point::OctetString | Point::Bare),
        point,
        private_tells_point: !matches!(profile.name.as_str(), "watchdata" | "mssince" | "itrus"),
        keeps_ids: profile.quirks.keeps_ids,
        pin_per_signature: profile.quirks.pin_per_signature,
        pin_digits_only: profile.name == "watchdata",
        init_pin_keeps_keys: profile.quirks.keys_survive_init_pin != Tristate::No,
        tells_so_pin_retry_counter: profile.unlock.tells_so_pin_retry_counter != Tristate::No,
    }
}

fn hexadecimal(number: CK_ULONG) -> String {
    format!("{number:#010x}")
}

fn answers(profile: &Profile) -> Value {
    let emulation = emulate(profile, profile.pkcs11.as_ref().unwrap());
    let fixture = Bench::new();
    let wear = |emulation: &VendorEmulation| {
        let emulation = Appearance { emulation: Some(emulation.clone()), ..Appearance::default() };
        admin::set_appearance(fixture.path(), "K1", &emulation).unwrap();
    };
    wear(&emulation);
    let client = fixture.client();
    let session = client.user();
    let (public, private) = client.try_generate_by(session, emulation.key_pair_gen.into(), &[7; 16]).unwrap();
    // The same pair in the software token's own numbers, to judge the answers by.
    wear(&VendorEmulation::default());
    let point = PublicKey::from_point(&client.point(session, public)).unwrap();
    wear(&emulation);

    let mut mechanisms = [0; 32];
    let mut count = 32;
    ok(call!(client, C_GetMechanismList(1, mechanisms.as_mut_ptr(), &mut count)));
    let mechanisms: Vec<String> = mechanisms[..count as usize].iter().copied().map(hexadecimal).collect();

    let message = b"what is signed";
    let mut signatures = Map::new();
    for signing in &emulation.sign {
        let e = point.digest(message);
        let input: &[u8] = if signing.input == Input::E { &e } else { message };
        let bytes = client.sign(session, signing.mechanism.into(), private, input).unwrap();
        let (form, signature) = match <&[u8; 64]>::try_from(bytes.as_slice()) {
            Ok(raw) => ("raw", Signature::from_raw(raw).unwrap()),
            Err(_) => ("der", Signature::from_der(&bytes).unwrap()),
        };
        point.verify_digest(&e, &signature).unwrap();
        signatures.insert(hexadecimal(signing.mechanism.into()), json!(form));
    }

    let mut attributes: Vec<(CK_ATTRIBUTE_TYPE, String)> =
        ATTRIBUTES.iter().map(|(number, name)| (*number, (*name).to_owned())).collect();
    if let Point::Attributes { x, y } = emulation.point {
        attributes.extend([x, y].map(|number| (number.into(), hexadecimal(number.into()))));
    }
    let shown = |key| -> Vec<&str> {
        let shows = |number| client.get(session, key, number).is_ok();
        attributes.iter().filter(|(number, _)| shows(*number)).map(|(_, name)| name.as_str()).collect()
    };
    let key_type = client.get(session, public, CKA_KEY_TYPE).unwrap();
    let key_type = CK_ULONG::from_ne_bytes(key_type.try_into().unwrap());
    json!({
        "says": SAYS,
        "profile": profile.name,
        "verifies_the_profile": false,
        "emulation": emulation,
        "mechanisms": mechanisms,
        "key_type": hexadecimal(key_type),
        "signatures": signatures,
        "public_key": shown(public),
        "private_key": shown(private),
    })
}

#[test]
fn the_references_are_what_the_software_token_answers_when_it_emulates_each_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../drivers-config");
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "toml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let profile = Profile::from_toml("profile", &text).unwrap();
        let answers = answers(&profile);
        let reference = path.with_extension("reference.json");
        if std::env::var_os("YCD_WRITE_REFERENCES").is_some() {
            std::fs::write(&reference, serde_json::to_string_pretty(&answers).unwrap() + "\n").unwrap();
        }
        let written = std::fs::read_to_string(&reference).unwrap_or_default();
        // As values: the order of fields hangs on what other crates of a build ask of `serde_json`.
        let written: serde_json::Value = serde_json::from_str(&written).unwrap_or_default();
        assert_eq!(written, answers, "{}", reference.display());
        seen += 1;
    }
    let references = std::fs::read_dir(&folder)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".reference.json"));
    assert_eq!(references.count(), seen, "one reference for each profile");
}
