//! `ycd softkey dress`: a software key passes for one of another make.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use ycd_softkey::admin::{self, Dress, Format, Input, Point, Signing, Wardrobe};
use ycd_token::{
    Profile,
    profile::{SignInput, SignatureFormat, Tristate},
};

use crate::{
    error::{CliError, Result},
    home::Home,
    say::Say,
};

/// Where a dress comes from.
pub enum Source {
    /// Name of a driver profile.
    Profile(String),
    File(PathBuf),
}

pub fn run(home: &Home, serial: &str, source: &Source, say: &Say) -> Result {
    let wardrobe = match source {
        Source::Profile(name) => {
            let drivers = home.drivers()?;
            of_profile(drivers.profile(name).ok_or_else(|| CliError::NotFound { what: name.clone() })?)?
        }
        Source::File(path) => of_file(path)?,
    };
    let dress = Dress { wardrobe: Some(wardrobe.clone()), ..Dress::default() };
    admin::dress(home.softkey_folder(), serial, &dress)?;
    say.result(&json!({ "serial_number": serial, "dress": wardrobe }), || {
        let text = say.t(
            "{serial} 现在的应答如同另一种 USBKEY：生成 {generate}，签名 {sign}。",
            "{serial} now answers as another make: it generates by {generate} and signs by {sign}.",
        );
        let sign: Vec<String> = wardrobe.sign.iter().map(|s| format!("{:#010x}", s.mechanism)).collect();
        text.replace("{serial}", serial)
            .replace("{generate}", &format!("{:#010x}", wardrobe.key_pair_gen))
            .replace("{sign}", &sign.join(", "))
    });
    Ok(())
}

/// The numbers and habits that a profile tells; of what it does not tell, the software key's own.
fn of_profile(profile: &Profile) -> Result<Wardrobe> {
    let without =
        || CliError::Argument { what: format!("--profile {}: interface = \"pkcs11\"", profile.name) };
    let numbers = profile.pkcs11.as_ref().ok_or_else(without)?;
    let own = Wardrobe::default();
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
    let coordinates = numbers.point_x.as_ref().zip(numbers.point_y.as_ref());
    let point = coordinates.map(|(x, y)| Point::Attributes { x: x.value, y: y.value });
    Ok(Wardrobe {
        key_type: numbers.key_type.as_ref().map_or(own.key_type, |number| number.value),
        key_pair_gen: numbers.key_pair_gen.value,
        sign: sign.collect(),
        digest: None,
        tells_curve: point.is_none(),
        point: point.unwrap_or(own.point),
        private_tells_point: own.private_tells_point,
        keeps_ids: profile.quirks.keeps_ids,
        pin_per_signature: profile.quirks.pin_per_signature,
        pin_digits_only: own.pin_digits_only,
        tells_so_tries: profile.unlock.tells_so_tries != Tristate::No,
        init_pin_keeps_keys: profile.quirks.keys_survive_init_pin != Tristate::No,
    })
}

/// A dress as JSON, or a `.reference.json` of a make, which has one in it.
fn of_file(path: &Path) -> Result<Wardrobe> {
    #[derive(Deserialize)]
    struct Reference {
        dress: Wardrobe,
    }
    let text = std::fs::read_to_string(path).map_err(CliError::file(path))?;
    match serde_json::from_str::<Reference>(&text) {
        Ok(reference) => Ok(reference.dress),
        Err(_) => serde_json::from_str(&text).map_err(|e| CliError::config(path, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_make_has_a_dress_that_tells_its_numbers() {
        let drivers = ycd_token::Drivers::load(None).unwrap();
        for profile in drivers.profiles() {
            let wardrobe = of_profile(profile).unwrap();
            let numbers = profile.pkcs11.as_ref().unwrap();
            assert_eq!(wardrobe.key_pair_gen, numbers.key_pair_gen.value, "{}", profile.name);
            assert_eq!(wardrobe.sign.len(), numbers.sign.len(), "{}", profile.name);
            let folder = tempfile::tempdir().unwrap();
            admin::create(folder.path(), &admin::NewKey { serial: Some("K1".into()), ..Default::default() })
                .unwrap();
            let dress = Dress { wardrobe: Some(wardrobe), ..Dress::default() };
            admin::dress(folder.path(), "K1", &dress).unwrap();
        }
    }

    #[test]
    fn a_dress_is_read_alone_and_from_a_reference_and_a_misspelt_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = folder.path().join("dress.json");
            std::fs::write(&path, text).unwrap();
            of_file(&path)
        };
        assert!(!read(r#"{ "tells_so_tries": false }"#).unwrap().tells_so_tries);
        assert_eq!(read(r#"{ "says": "…", "dress": { "key_type": 9 } }"#).unwrap().key_type, 9);
        for wrong in ["", r#"{ "dress": { "unheard_of": 1 } }"#, r#"{ "unheard_of": 1 }"#] {
            assert_eq!(read(wrong).unwrap_err().code(), "home.config", "{wrong}");
        }
    }
}
