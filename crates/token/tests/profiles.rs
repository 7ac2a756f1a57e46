//! Profiles as files: what is taken, what is refused and where, and that the JSON schema says the same.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests and what they are built from"
)]

use std::path::Path;

use serde_json::{Map, Value, json};
use tempfile::TempDir;
use ycd_token::profile::{Interface, Profile, Tristate};
use ycd_token::{Drivers, ProfileError};

const FULL: &str = r#"
name = "make-1"
family = "make"
interface = "pkcs11"
verified = false
display = { zh = "某牌", en = "Some make", driver_from = { zh = "某处", en = "somewhere" } }

[recognition]
atrs = ["3B 9F .. 81"]
readers = ["*reader*"]
usb = ["055C:F603"]
manufacturers = ["Some*"]
token_manufacturers = ["Some*"]
beyond_pcsc = true

[[modules]]
os = "linux"
bits = 64
directories = ["/usr/lib", "{exe_dir}/x"]
files = ["libmake.so"]
source = "book"

[[modules]]
os = "windows"
bits = 32
directories = ["{system32}", 'C:\Make']
files = ["make.dll"]
registry = ['HKLM\SOFTWARE\Make\Path']
source = "book"

[pkcs11]
key_type = { value = 0x80000004, source = "book", verified = true }
key_pair_gen = { value = 0x80008001, source = "book", verified = false }
point_x = { value = 0x80000002, source = "book", verified = false }
point_y = { value = 0x80000003, source = "book", verified = false }

[[pkcs11.sign]]
mechanism = 0x80008103
input = "message"
format = "der"
source = "book"
verified = false

[limits]
pin_min_len = { value = 6, source = "book", verified = false }
pin_max_len = { value = 16, source = "book", verified = false }
pin_retry_limit = { value = 10, source = "book", verified = false }
containers = { value = 4, source = "book", verified = false }
container_bytes = { value = 1024, source = "book", verified = false }

[unlock]
so_pin = "yes"
challenge_response = "no"

[windows_store]
provider = { value = "Some Provider", source = "book", verified = true }
provider_type = { value = 1, source = "book", verified = true }
container = { value = "{serial}-{id}", source = "book", verified = true }

[quirks]
keeps_ids = false
keys_survive_init_pin = "no"
single_process = true
pin_per_signature = true
poll_ms = 2000

[deadlines]
generate_ms = 20000
write_ms = 20000
other_ms = 5000

[sources]
book = "the vendor's book"
"#;

fn refused(text: &str) -> (usize, usize, String, String) {
    match Profile::from_toml("x.toml", text).unwrap_err() {
        ProfileError::Invalid { file, line, column, field, message } => {
            assert_eq!(file, "x.toml");
            (line, column, field, message)
        }
        other => panic!("{other}"),
    }
}

fn line_of(text: &str, needle: &str) -> usize {
    text[..text.find(needle).unwrap()].matches('\n').count() + 1
}

#[test]
fn a_full_profile_is_read_field_by_field() {
    let profile = Profile::from_toml("x.toml", FULL).unwrap();
    assert_eq!((profile.name.as_str(), profile.family.as_str()), ("make-1", "make"));
    assert_eq!(profile.interface, Interface::Pkcs11);
    let pkcs11 = profile.pkcs11.unwrap();
    assert_eq!(pkcs11.key_type.unwrap().value, 0x8000_0004);
    assert_eq!(pkcs11.sign[0].mechanism, 0x8000_8103);
    assert_eq!(profile.limits.containers.unwrap().value, 4);
    assert_eq!(profile.quirks.keys_survive_init_pin, Tristate::No);
    assert!(!profile.quirks.keeps_ids && profile.quirks.single_process && profile.quirks.pin_per_signature);
    assert_eq!(profile.deadlines.other().as_secs(), 5);
    let store = profile.windows_store.unwrap();
    assert!(store.is_verified());
    assert_eq!(store.container_of(&[0xAB, 0x01], "00003F21"), "00003F21-ab01");
}

#[test]
fn what_is_left_out_has_the_values_of_the_standard() {
    let start = FULL.find("[limits]").unwrap();
    let end = FULL.find("[sources]").unwrap();
    let profile = Profile::from_toml("x.toml", &format!("{}{}", &FULL[..start], &FULL[end..])).unwrap();
    assert_eq!(profile.deadlines.generate().as_secs(), 30);
    assert_eq!(profile.deadlines.write().as_secs(), 30);
    assert_eq!(profile.deadlines.other().as_secs(), 10);
    assert!(profile.quirks.keeps_ids);
    assert_eq!(profile.quirks.keys_survive_init_pin, Tristate::Unknown);
}

#[test]
fn an_unknown_field_is_refused_with_its_place_and_the_field_that_was_meant() {
    let text = FULL.replace("files = [\"make.dll\"]", "fiels = [\"make.dll\"]");
    let (line, column, field, message) = refused(&text);
    assert_eq!((line, column), (line_of(&text, "fiels"), 1));
    assert_eq!(field, "modules[1].fiels");
    assert!(message.ends_with("did you mean `files`?"), "{message}");

    let text = FULL.replace("keeps_ids", "keep_ids");
    let (line, _, field, message) = refused(&text);
    assert_eq!((line, field.as_str()), (line_of(&text, "keep_ids"), "quirks.keep_ids"));
    assert!(message.ends_with("did you mean `keeps_ids`?"), "{message}");

    let (_, _, _, message) = refused(&FULL.replace("poll_ms", "completely_different"));
    assert!(!message.contains("did you mean"), "{message}");
}

#[test]
fn a_wrong_value_is_refused_with_its_place() {
    for (right, wrong, field, says) in [
        ("input = \"message\"", "input = \"mesage\"", "pkcs11.sign[0].input", "did you mean `message`?"),
        ("bits = 32", "bits = 16", "modules[1].bits", "32 or 64"),
        ("value = 6", "value = \"6\"", "limits.pin_min_len.value", "invalid type"),
        ("value = 6", "value = 300", "limits.pin_min_len.value", "300"),
        ("value = 6", "value = 17", "limits.pin_min_len.value", "more than pin_max_len"),
        ("\"/usr/lib\"", "\"usr/lib\"", "modules[0].directories[0]", "neither absolute"),
        ("\"/usr/lib\"", "\"/usr/../home\"", "modules[0].directories[0]", "no `..`"),
        ("{exe_dir}/x", "{exedir}/x", "modules[0].directories[1]", "knows no {exedir}"),
        ("{exe_dir}/x", "{exe_dir}x", "modules[0].directories[1]", "directly behind"),
        ("'C:\\Make'", "'/Make'", "modules[1].directories[1]", "neither absolute"),
        ("'HKLM\\SOFTWARE", "'HKCU\\SOFTWARE", "modules[1].registry[0]", "takes `HKLM"),
        (
            "files = [\"libmake.so\"]",
            "registry = ['HKLM\\SOFTWARE\\Make\\Path']\nfiles = [\"libmake.so\"]",
            "modules[0].registry",
            "only",
        ),
        ("\"make.dll\"", "'..\\make.dll'", "modules[1].files[0]", "without a folder"),
        ("3B 9F .. 81", "3B 9F . 81", "recognition.atrs[0]", "hexadecimal"),
        ("055C:F603", "55C:F603", "recognition.usb[0]", "four hexadecimal digits"),
        ("name = \"make-1\"", "name = \"Make 1\"", "name", "lower-case"),
        ("generate_ms = 20000", "generate_ms = 20", "deadlines.generate_ms", "100 to 600000"),
        ("\"{serial}-{id}\"", "\"{cka_id}\"", "windows_store.container.value", "{id} and {serial}"),
        ("\"Some Provider\"", "\"\"", "windows_store.provider.value", "a provider's name"),
        ("poll_ms = 2000", "poll_ms = 20", "quirks.poll_ms", "500"),
    ] {
        let text = FULL.replacen(right, wrong, 1);
        assert_ne!(text, FULL);
        let (line, _, told, message) = refused(&text);
        assert_eq!((line, told.as_str()), (line_of(&text, wrong), field), "{message}");
        assert!(message.contains(says), "{field}: {message}");
    }
}

#[test]
fn a_number_without_a_known_source_is_refused() {
    let text = FULL.replacen("0x80008001, source = \"book\"", "0x80008001, source = \"bok\"", 1);
    let (line, _, field, message) = refused(&text);
    assert_eq!((line, field.as_str()), (line_of(&text, "0x80008001"), "pkcs11.key_pair_gen.source"));
    assert!(message.contains("did you mean `book`?"), "{message}");
    let (_, _, field, message) = refused(&FULL.replacen("value = 6, source = \"book\"", "value = 6", 1));
    assert_eq!(field, "limits.pin_min_len.source");
    assert!(message.contains("missing field"), "{message}");
}

#[test]
fn one_coordinate_of_a_point_is_refused_without_the_other() {
    let (_, _, field, message) = refused(&FULL.replacen("point_y = ", "# ", 1));
    assert_eq!(field, "pkcs11.point_x");
    assert!(message.contains("point_y"), "{message}");
}

#[test]
fn a_file_that_is_no_toml_is_refused_with_its_line() {
    let (line, _, _, _) = refused(&FULL.replace("bits = 32", "bits = = 32"));
    assert_eq!(line, line_of(FULL, "bits = 32"));
}

#[test]
fn the_embedded_profiles_are_good_and_named_after_their_files() {
    let drivers = Drivers::load(Some(TempDir::new().unwrap().path())).unwrap();
    let mut names: Vec<_> = drivers.profiles().map(|profile| profile.name.as_str()).collect();
    names.sort_unstable();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../drivers-config");
    let mut files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
        .collect();
    files.sort();
    assert_eq!(files, names);
    // The program reads its own without the checks that every other file gets.
    for file in &files {
        let text = std::fs::read_to_string(folder.join(format!("{file}.toml"))).unwrap();
        let checked = Profile::from_toml(file, &text).unwrap();
        assert_eq!(drivers.profile(file), Some(&checked));
    }
    for profile in drivers.profiles().filter(|profile| profile.name != "softkey") {
        assert!(!profile.verified, "no hardware has confirmed {}", profile.name);
        let numbers = profile.pkcs11.as_ref().unwrap();
        assert!(!numbers.key_pair_gen.verified && numbers.sign.iter().all(|sign| !sign.verified));
    }
}

#[test]
fn the_administrators_folder_overrides_by_file_name_and_adds() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("itrus.toml"), FULL).unwrap();
    std::fs::write(folder.path().join("other.toml"), FULL.replace("make-1", "make-2")).unwrap();
    std::fs::write(folder.path().join("note.txt"), "not a profile").unwrap();
    let drivers = Drivers::load(Some(folder.path())).unwrap();
    assert!(drivers.profile("make-1").is_some() && drivers.profile("make-2").is_some());
    assert!(drivers.profile("itrus").is_none() && drivers.profile("softkey").is_some());

    std::fs::write(folder.path().join("other.toml"), FULL.replace("poll_ms", "pol_ms")).unwrap();
    let error = Drivers::load(Some(folder.path())).unwrap_err();
    assert_eq!(error.code(), "profile.invalid");
    assert!(error.to_string().contains("other.toml:"), "{error}");
    let error = Drivers::load(Some(&folder.path().join("absent"))).unwrap_err();
    assert_eq!(error.code(), "profile.unreadable");
}

#[test]
fn a_module_that_is_not_there_is_told_with_the_places_that_were_looked_at() {
    let lookups = Drivers::of(vec![Profile::from_toml("x.toml", FULL).unwrap()]).lookups();
    assert_eq!(lookups[0].profile, "make-1");
    assert_eq!(lookups[0].outcome.as_ref().unwrap_err().code(), "token.module_missing");
    if cfg!(target_os = "linux") {
        assert_eq!(lookups[0].looked_in[0], Path::new("/usr/lib"));
        assert!(lookups[0].looked_in.iter().all(|folder| folder.is_absolute()));
    }
    let skf = FULL.replace("\"pkcs11\"", "\"skf\"");
    let lookups = Drivers::of(vec![Profile::from_toml("x.toml", &skf).unwrap()]).lookups();
    assert_eq!(lookups[0].outcome.as_ref().unwrap_err().code(), "token.unsupported");
}

fn schema() -> jsonschema::Validator {
    let text = include_str!("../../../drivers-config/profile.schema.json");
    jsonschema::validator_for(&serde_json::from_str(text).unwrap()).unwrap()
}

fn as_json(text: &str) -> Value {
    toml::from_str(text).unwrap()
}

/// Whether the program takes the profile, apart from what no schema can say.
fn program_takes(value: &Value) -> bool {
    let Ok(text) = toml::to_string(value) else { return false };
    match Profile::from_toml("x.toml", &text) {
        Ok(_) => true,
        Err(ProfileError::Invalid { message, .. }) => {
            message.contains("is not in [sources]") || message.contains("is more than pin_max_len")
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_schema_takes_every_profile_of_the_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../drivers-config");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let value = as_json(&std::fs::read_to_string(&path).unwrap());
            assert!(schema().validate(&value).is_ok(), "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen >= 2);
    schema().validate(&as_json(FULL)).unwrap();
}

/// Every profile that is one step away from the full one: a field left out, an unknown one put in, another value.
fn neighbours(value: &Value) -> Vec<(String, Value)> {
    let others = [
        json!(true),
        json!("x"),
        json!(""),
        json!("/absolute"),
        json!(-1),
        json!(0),
        json!(64),
        json!(300),
        json!(700_000),
        json!(0x1_0000_0000_i64),
        json!(1.5),
        json!([]),
        json!(["x"]),
        json!({}),
    ];
    let mut found: Vec<(String, Value)> =
        others.iter().map(|other| (format!(" = {other}"), other.clone())).collect();
    match value {
        Value::Object(fields) => {
            for (name, inner) in fields {
                let with = |new: Option<Value>| {
                    let mut fields: Map<String, Value> = fields.clone();
                    match new {
                        Some(new) => fields.insert(name.clone(), new),
                        None => fields.remove(name),
                    };
                    Value::Object(fields)
                };
                found.push((format!(".{name} left out"), with(None)));
                for (what, changed) in neighbours(inner) {
                    found.push((format!(".{name}{what}"), with(Some(changed))));
                }
            }
            let mut more = fields.clone();
            more.insert("unheard_of".into(), json!(1));
            found.push((".unheard_of put in".into(), Value::Object(more)));
        }
        Value::Array(items) => {
            for (i, inner) in items.iter().enumerate() {
                for (what, changed) in neighbours(inner) {
                    let mut items = items.clone();
                    items[i] = changed;
                    found.push((format!("[{i}]{what}"), Value::Array(items)));
                }
            }
        }
        _ => {}
    }
    found
}

#[test]
fn schema_and_program_agree_on_every_profile_one_step_away_from_a_good_one() {
    let schema = schema();
    let mut refused = 0;
    for (what, changed) in neighbours(&as_json(FULL)) {
        let (by_schema, by_program) = (schema.is_valid(&changed), program_takes(&changed));
        assert_eq!(by_schema, by_program, "{what}");
        refused += usize::from(!by_program);
    }
    assert!(refused > 300, "{refused}");
}
