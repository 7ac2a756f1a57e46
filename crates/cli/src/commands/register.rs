//! `ycd cert register` and `ycd cert registered`: the user's certificate store of Windows.

use serde_json::{Value, json};
use ycd_assistant::store;
use ycd_flows::store::StoreError;
use ycd_pki::Certificate;
use ycd_token::{TokenAccess as _, TokenSet};

use super::one_token;
use crate::{
    data_dir::DataDir,
    error::Result,
    prompter::registered_words,
    say::{Say, day, table},
};

/// What a renewal does at its end, once more.
pub fn register(wanted: Option<&str>, data_dir: &DataDir, say: &Say) -> Result {
    let drivers = data_dir.drivers()?;
    let store = store::of_this_system(&drivers, say.language).ok_or(StoreError::Unsupported)?;
    let mut tokens = TokenSet::open(&drivers, None);
    let token = one_token(&mut tokens, wanted)?;
    let contents = tokens.read(&token.token_id)?;
    let registered = store.register_newest(&token, &contents)?;
    say.result(&registered, || registered_words(&registered, say));
    Ok(())
}

pub fn list(say: &Say) -> Result {
    let registered = store::list()?;
    let parsed = registered.iter().map(|entry| (entry, Certificate::from_der(&entry.certificate).ok()));
    let told: Vec<Value> = parsed
        .map(|(entry, certificate)| {
            json!({
                "name": entry.name,
                "serial": certificate.as_ref().map(Certificate::serial_hex),
                "not_after": certificate.as_ref().map(|certificate| day(certificate.not_after())),
                "provider": entry.key.as_ref().map(|key| &key.provider),
                "provider_type": entry.key.as_ref().map(|key| key.provider_type),
                "container": entry.key.as_ref().map(|key| &key.container),
            })
        })
        .collect();
    say.result(&json!({ "certificates": told }), || {
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let row = |entry: &Value| {
            ["name", "serial", "not_after", "provider"].map(|token| text(&entry[token])).to_vec()
        };
        let rows: Vec<Vec<String>> = told.iter().map(row).collect();
        let zh = ["名称", "序列号", "有效期至", "提供程序"];
        let en = ["name", "serial number", "until", "provider"];
        table(if say.t("zh", "en") == "zh" { &zh } else { &en }, &rows)
    });
    Ok(())
}
