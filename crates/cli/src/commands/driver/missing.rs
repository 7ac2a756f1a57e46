//! `ycd driver missing`: what is plugged in, known, and without its driver.

use std::{fs, path::Path};

use serde_json::json;
use ycd_assistant::models::{driver_from, model_name, not_installed};
use ycd_token::{Drivers, Profile, report::models_without_driver_now};

use crate::{
    error::{CliError, Result},
    say::Say,
};

/// The token model, and where its driver is to be had.
pub fn line(profile: &Profile, say: &Say) -> String {
    let (says, remedy) = not_installed(profile, say.language);
    format!("{says}{}{remedy}", say.t("", " "))
}

/// `utf16` is left to whoever reads no UTF-8: one line for each token model, empty where none is missing.
pub fn run(drivers: &Drivers, utf16: Option<&Path>, say: &Say) -> Result {
    let missing = models_without_driver_now(drivers, &drivers.lookups());
    let lines: Vec<String> = missing.iter().map(|profile| line(profile, say)).collect();
    if let Some(file) = utf16 {
        let text: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        let bytes: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        fs::write(file, bytes).map_err(CliError::file(file))?;
    }
    let told: Vec<_> = missing
        .iter()
        .map(|profile| {
            json!({
                "profile": profile.name,
                "name": model_name(profile, say.language),
                "from": driver_from(profile, say.language),
            })
        })
        .collect();
    say.result(&json!({ "missing": told }), || {
        if lines.is_empty() {
            say.t("插着的 USBKEY 都有驱动。", "No driver is missing for what is plugged in.").to_owned()
        } else {
            lines.join("\n")
        }
    });
    Ok(())
}
