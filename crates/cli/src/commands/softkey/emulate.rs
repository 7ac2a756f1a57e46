//! `ycd softkey emulate`: a software token passes for one of another token model.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;
use ycd_softkey::admin::{self, Appearance, Format, Input, Point, Signing, VendorEmulation};
use ycd_token::{
    Profile,
    profile::{SignInput, SignatureFormat, Tristate},
};

use crate::{
    data_dir::DataDir,
    error::{CliError, Result},
    say::Say,
};

/// Where an emulation comes from.
pub enum Source {
    /// Name of a driver profile.
    Profile(String),
    File(PathBuf),
}

pub fn run(data_dir: &DataDir, serial: &str, source: &Source, say: &Say) -> Result {
    let emulation = match source {
        Source::Profile(name) => {
            let drivers = data_dir.drivers()?;
            of_profile(drivers.profile(name).ok_or_else(|| CliError::NotFound { what: name.clone() })?)?
        }
        Source::File(path) => of_file(path)?,
    };
    let appearance = Appearance { emulation: Some(emulation.clone()), ..Appearance::default() };
    admin::set_appearance(data_dir.softkey_folder(), serial, &appearance)?;
    say.result(&json!({ "serial_number": serial, "emulation": emulation }), || {
        let text = say.t(
            "{serial} 现在的应答如同另一种 USBKEY：生成 {generate}，签名 {sign}。",
            "{serial} now answers as another token model: it generates by {generate} and signs by {sign}.",
        );
        let sign: Vec<String> = emulation.sign.iter().map(|s| format!("{:#010x}", s.mechanism)).collect();
        text.replace("{serial}", serial)
            .replace("{generate}", &format!("{:#010x}", emulation.key_pair_gen))
            .replace("{sign}", &sign.join(", "))
    });
    Ok(())
}

/// The numbers and habits that a profile tells; of what it does not tell, the software token's own.
fn of_profile(profile: &Profile) -> Result<VendorEmulation> {
    let without =
        || CliError::Argument { what: format!("--profile {}: interface = \"pkcs11\"", profile.name) };
    let numbers = profile.pkcs11.as_ref().ok_or_else(without)?;
    let own = VendorEmulation::default();
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
    Ok(VendorEmulation {
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
        tells_so_pin_retry_counter: profile.unlock.tells_so_pin_retry_counter != Tristate::No,
        init_pin_keeps_keys: profile.quirks.keys_survive_init_pin != Tristate::No,
    })
}

/// An emulation as JSON, or a `.reference.json` of a token model, which has one in it.
fn of_file(path: &Path) -> Result<VendorEmulation> {
    #[derive(Deserialize)]
    struct Reference {
        emulation: VendorEmulation,
    }
    let text = std::fs::read_to_string(path).map_err(CliError::file(path))?;
    match serde_json::from_str::<Reference>(&text) {
        Ok(reference) => Ok(reference.emulation),
        Err(_) => serde_json::from_str(&text).map_err(|e| CliError::config(path, e)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_has_an_emulation_that_tells_its_numbers() {
        let drivers = ycd_token::Drivers::load(None).unwrap();
        for profile in drivers.profiles() {
            let emulation = of_profile(profile).unwrap();
            let numbers = profile.pkcs11.as_ref().unwrap();
            assert_eq!(emulation.key_pair_gen, numbers.key_pair_gen.value, "{}", profile.name);
            assert_eq!(emulation.sign.len(), numbers.sign.len(), "{}", profile.name);
            let folder = tempfile::tempdir().unwrap();
            admin::create(
                folder.path(),
                &admin::NewToken { serial: Some("K1".into()), ..Default::default() },
            )
            .unwrap();
            let emulation = Appearance { emulation: Some(emulation), ..Appearance::default() };
            admin::set_appearance(folder.path(), "K1", &emulation).unwrap();
        }
    }

    #[test]
    fn an_emulation_is_read_alone_and_from_a_reference_and_a_misspelt_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let read = |text: &str| {
            let path = folder.path().join("emulation.json");
            std::fs::write(&path, text).unwrap();
            of_file(&path)
        };
        assert!(!read(r#"{ "tells_so_pin_retry_counter": false }"#).unwrap().tells_so_pin_retry_counter);
        assert_eq!(read(r#"{ "says": "…", "emulation": { "key_type": 9 } }"#).unwrap().key_type, 9);
        for wrong in ["", r#"{ "emulation": { "unheard_of": 1 } }"#, r#"{ "unheard_of": 1 }"#] {
            assert_eq!(read(wrong).unwrap_err().code(), "data_dir.config", "{wrong}");
        }
    }
}
