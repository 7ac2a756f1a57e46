//! `ycd driver probe`: starts every module that is installed and asks what it can.

use serde_json::{Value, json};
use ycd_assistant::models::{Asked, ask, model_name, not_installed};
use ycd_flows::messages::{Explain as _, Message};
use ycd_token::{Drivers, TokenError, wire::TokenMechanisms};

use crate::{error::Result, say::Say};

pub fn run(drivers: &Drivers, say: &Say) -> Result {
    let mut told = Vec::new();
    let mut text = String::new();
    let mut failure = None;
    for lookup in drivers.lookups() {
        let Some(profile) = drivers.profile(&lookup.profile) else { continue };
        let name = model_name(profile, say.language);
        match &lookup.outcome {
            Ok(driver) => {
                let answer = ask(driver);
                text += &words(&answer, &name, say);
                told.push(value(&answer, &name, say));
                if let Some(error) = answer.failure {
                    failure.get_or_insert(error);
                }
            }
            Err(error) => {
                let message = error.explain(say.language);
                let (sentence, remedy) = match error {
                    TokenError::ModuleMissing { .. } => not_installed(profile, say.language),
                    _ => (message.sentence, message.remedy),
                };
                text += &format!("{}  {name}\n  {sentence}\n", profile.name);
                let error = Message { sentence, remedy, ..error.explain(say.language) };
                told.push(json!({ "profile": profile.name, "name": name, "error": error }));
            }
        }
    }
    say.result(&json!({ "ok": failure.is_none(), "profiles": told }), || text);
    failure.map_or(Ok(()), |error| Err(error.into()))
}

fn words(answer: &Asked, name: &str, say: &Say) -> String {
    let found = &answer.found;
    let bits = found.bits.map_or_else(|| "?".to_owned(), |bits| bits.to_string());
    let mut text = format!("{}  {name}\n  {} ({bits})\n", found.profile, found.path.display());
    if let (Some(manufacturer), Some(version)) = (&found.manufacturer, &found.version) {
        text += &format!("  {manufacturer}  {version}\n");
    }
    for token in &answer.tokens {
        text += &format!("  {}\n", token.token_id);
        for (number, reported) in &token.mechanisms {
            let there = if *reported { say.t("有", "reported") } else { say.t("无", "not reported") };
            text += &format!("    {number:#010x}  {there}\n");
        }
    }
    if answer.failure.is_none() && answer.tokens.is_empty() {
        text += say.t("  没有插入这种 USBKEY\n", "  no token of this token model is inserted\n");
    }
    if let Some(error) = &answer.failure {
        text += &format!("  {}\n", error.explain(say.language).sentence);
    }
    text
}

fn value(answer: &Asked, name: &str, say: &Say) -> Value {
    let mechanism = |(number, reported): &(u32, bool)| json!({ "mechanism": format!("{number:#010x}"), "reported": reported });
    let token = |token: &TokenMechanisms| {
        let mechanisms: Vec<Value> = token.mechanisms.iter().map(mechanism).collect();
        json!({ "token_id": token.token_id, "mechanisms": mechanisms })
    };
    json!({
        "profile": answer.found.profile,
        "name": name,
        "module": answer.found,
        "tokens": answer.tokens.iter().map(token).collect::<Vec<_>>(),
        "error": answer.failure.as_ref().map(|error| error.explain(say.language)),
    })
}
