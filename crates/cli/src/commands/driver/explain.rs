//! `ycd driver explain`: why a card is taken for a token model, or what can be told of one that nobody knows.

use std::{fs, path::Path};

use serde_json::{Value, json};
use ycd_assistant::models::{found_modules, model_name, not_installed};
use ycd_flows::messages::Explain as _;
use ycd_token::{
    Drivers, TokenError,
    candidates::{Claim, claim},
    readers::{self, Card, Reader},
    report::{UnknownToken, spaced},
    usb,
};

use super::send::send;
use crate::{
    data_dir::DataDir,
    error::{CliError, Result},
    say::Say,
};

/// `what` is part of a reader's name, or an ATR in hexadecimal; without it, every card that is there. `portal`: where
/// the report on the first card that nobody knows is to be sent.
pub fn run(
    what: Option<&str>,
    drivers: &Drivers,
    save: Option<&Path>,
    portal: Option<&DataDir>,
    say: &Say,
) -> Result {
    let seen = cards(what)?;
    let devices = usb::devices();
    let mut told = Vec::new();
    let mut text = String::new();
    let mut unknown = None;
    for (reader, card) in &seen {
        let atr = card.atr.as_deref().map(spaced);
        let shown = if reader.is_empty() { "-" } else { reader };
        let mute = say.t("卡片没有应答", "the card does not answer");
        text += &format!("{shown}  {}\n", atr.as_deref().unwrap_or(mute));
        let judged: Vec<(String, Option<Claim>, Value)> = drivers
            .lookups()
            .iter()
            .filter_map(|lookup| {
                let profile = drivers.profile(&lookup.profile)?;
                let claim = claim(profile, card, reader, &devices);
                let why = match (&claim, &lookup.outcome) {
                    (None, _) => say.t("特征不符", "nothing of it fits").to_owned(),
                    (Some(_), Ok(driver)) => driver.module_path.display().to_string(),
                    (Some(_), Err(TokenError::ModuleMissing { .. })) => {
                        let (sentence, remedy) = not_installed(profile, say.language);
                        format!("{sentence} {remedy}")
                    }
                    (Some(_), Err(error)) => error.explain(say.language).sentence,
                };
                let fits = claim.as_ref().map(|claim| words(claim, say)).unwrap_or_default();
                let line =
                    format!("  {}  {}  {fits}  {why}\n", profile.name, model_name(profile, say.language));
                let value = json!({
                    "profile": profile.name,
                    "claim": claim,
                    "module": lookup.outcome.as_ref().ok().map(|driver| &driver.module_path),
                    "why": why,
                });
                Some((line, claim, value))
            })
            .collect();
        let is_known =
            judged.iter().any(|(_, claim, _)| matches!(claim, Some(Claim::Atr(_) | Claim::Reader(_))));
        for (line, claim, _) in &judged {
            if claim.is_some() || !is_known {
                text += line;
            }
        }
        let report = (!is_known)
            .then(|| UnknownToken::of_this_machine(Some((reader.as_str(), card)), found_modules(drivers)));
        if let Some(report) = &report {
            text += say.t("没有哪种配置认得它。\n\n", "No profile knows it.\n\n");
            text += &report.text();
            unknown.get_or_insert_with(|| report.clone());
        }
        let profiles: Vec<&Value> = judged.iter().map(|(_, _, value)| value).collect();
        told.push(json!({ "reader": reader, "atr": atr, "profiles": profiles, "unknown": report }));
    }
    if seen.is_empty() {
        // A token without a reader: what is plugged in is all that is known.
        let report = UnknownToken::of_this_machine(None, found_modules(drivers));
        text += say.t("读卡器中没有卡片。\n\n", "There is no card in any reader.\n\n");
        text += &report.text();
        unknown = Some(report.clone());
        told.push(json!({ "unknown": report }));
    }
    let needed = || unknown.as_ref().ok_or_else(|| CliError::NotFound { what: "unknown key".into() });
    if let Some(file) = save {
        fs::write(file, &needed()?.draft).map_err(CliError::file(file))?;
    }
    let Some(data_dir) = portal else {
        say.result(&json!({ "cards": told }), || text);
        return Ok(());
    };
    let sent = send(needed()?, data_dir, say)?;
    say.result(&json!({ "cards": told, "sent": sent }), || match &sent {
        Some(sent) => sent.words(say),
        None => say.t("没有发送。", "Nothing was sent.").to_owned(),
    });
    Ok(())
}

fn cards(what: Option<&str>) -> Result<Vec<(String, Card)>> {
    if let Some(atr) = what.and_then(as_atr) {
        return Ok(vec![(String::new(), Card { atr: Some(atr) })]);
    }
    let readers = readers::now()?;
    let is_meant =
        |reader: &Reader| what.is_none_or(|what| reader.name.to_lowercase().contains(&what.to_lowercase()));
    let meant: Vec<Reader> = readers.into_iter().filter(is_meant).collect();
    match what {
        Some(what) if meant.is_empty() => Err(CliError::NotFound { what: what.to_owned() }),
        _ => Ok(meant.into_iter().filter_map(|reader| Some((reader.name, reader.card?))).collect()),
    }
}

/// ISO/IEC 7816-3: 2 to 33 bytes that begin with 3B or 3F.
fn as_atr(text: &str) -> Option<Vec<u8>> {
    let bytes = hex::decode(text.split_whitespace().collect::<String>()).ok()?;
    ((2..=33).contains(&bytes.len()) && matches!(bytes[0], 0x3B | 0x3F)).then_some(bytes)
}

fn words(claim: &Claim, say: &Say) -> String {
    match claim {
        Claim::Atr(pattern) => format!("ATR {pattern}"),
        Claim::Reader(pattern) => format!("{} {pattern}", say.t("读卡器", "reader")),
        Claim::Usb(id) => format!("USB {id}"),
    }
}
