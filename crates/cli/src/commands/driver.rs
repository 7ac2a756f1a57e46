//! `ycd driver …`: token models, and the modules of this machine.

mod explain;
mod missing;
mod probe;
mod send;

pub(super) use self::{missing::line as missing_line, send::report_words};

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use ycd_assistant::models::model_name;
use ycd_flows::messages::Explain as _;
use ycd_token::{Driver, Drivers, Lookup, ModuleHost, Profile, default_host_exe};

use crate::{
    args::Driver as Command,
    data_dir::DataDir,
    error::{CliError, Result},
    say::{Say, table},
};

pub fn run(command: Command, data_dir: &DataDir, say: &Say) -> Result {
    match command {
        Command::List => list(&data_dir.drivers()?, say),
        Command::Check { files } if files.is_empty() => check_all(&data_dir.drivers()?, say),
        Command::Check { files } => check_files(&files, say),
        Command::Missing { utf16 } => missing::run(&data_dir.drivers()?, utf16.as_deref(), say),
        Command::Probe { draft } => probe::run(&with_draft(data_dir, draft.as_deref())?, say),
        Command::Explain { what, draft, save, send } => {
            let drivers = with_draft(data_dir, draft.as_deref())?;
            explain::run(what.as_deref(), &drivers, save.as_deref(), send.then_some(data_dir), say)
        }
    }
}

fn with_draft(data_dir: &DataDir, draft: Option<&Path>) -> Result<Drivers> {
    let drivers = data_dir.drivers()?;
    Ok(match draft {
        Some(file) => drivers.with_file(file)?,
        None => drivers,
    })
}

fn list(drivers: &Drivers, say: &Say) -> Result {
    let lookups = drivers.lookups();
    let told: Vec<Value> = lookups.iter().map(|lookup| value(drivers, lookup, say)).collect();
    say.result(&json!({ "drivers": told }), || {
        let rows: Vec<Vec<String>> = lookups
            .iter()
            .map(|lookup| {
                let module = match &lookup.outcome {
                    Ok(driver) => driver.module_path.display().to_string(),
                    Err(error) => error.explain(say.language).sentence,
                };
                vec![lookup.profile.clone(), name(drivers, lookup, say), module]
            })
            .collect();
        table(&[say.t("配置", "profile"), say.t("种类", "model"), say.t("驱动", "module")], &rows)
    });
    Ok(())
}

fn value(drivers: &Drivers, lookup: &Lookup, say: &Say) -> Value {
    let profile = drivers.profile(&lookup.profile);
    json!({
        "profile": lookup.profile,
        "name": name(drivers, lookup, say),
        "verified": profile.map(|profile| profile.verified),
        "windows_store": profile.and_then(|profile| profile.windows_store.as_ref()).map(|store| {
            json!({ "provider": store.provider.value, "verified": store.is_verified() })
        }),
        "module": lookup.outcome.as_ref().ok().map(|driver| &driver.module_path),
        "bits": lookup.outcome.as_ref().ok().map(|driver| driver.bits),
        "looked_in": lookup.looked_in,
        "error": lookup.outcome.as_ref().err().map(|error| error.explain(say.language)),
    })
}

fn name(drivers: &Drivers, lookup: &Lookup, say: &Say) -> String {
    drivers.profile(&lookup.profile).map(|profile| model_name(profile, say.language)).unwrap_or_default()
}

/// Every profile has been read when this begins; each module that is installed is started once.
fn check_all(drivers: &Drivers, say: &Say) -> Result {
    let mut told = Vec::new();
    let mut rows = Vec::new();
    let mut failure = None;
    for lookup in drivers.lookups() {
        let mut entry = value(drivers, &lookup, say);
        let words = match &lookup.outcome {
            // A token model whose driver is not installed is no fault of the profile.
            Err(error) => error.explain(say.language).sentence,
            Ok(driver) => match start(driver) {
                Ok(info) => {
                    let of = |token: &str| info[token].as_str().unwrap_or_default().to_owned();
                    let words = [of("manufacturer"), of("description"), of("version")].join("  ");
                    entry["started"] = info;
                    words
                }
                Err(error) => {
                    let message = error.explain(say.language);
                    let sentence = message.sentence.clone();
                    entry["error"] = json!(message);
                    failure.get_or_insert(error);
                    sentence
                }
            },
        };
        let store = store_words(drivers.profile(&lookup.profile), say);
        rows.push(vec![lookup.profile.clone(), words, store]);
        told.push(entry);
    }
    say.result(&json!({ "ok": failure.is_none(), "drivers": told }), || {
        let store = say.t("Windows 证书登记", "registration with Windows");
        table(&[say.t("配置", "profile"), say.t("结果", "result"), store], &rows)
    });
    failure.map_or(Ok(()), Err)
}

/// Whether certificates of the make are registered with Windows after a renewal, and how sure that is.
fn store_words(profile: Option<&Profile>, say: &Say) -> String {
    match profile.and_then(|profile| profile.windows_store.as_ref()) {
        None => say.t("不登记：提供程序未知", "none: the provider is not known").to_owned(),
        Some(store) if store.is_verified() => store.provider.value.clone(),
        Some(store) => {
            say.t("{}（未经硬件验证）", "{} (not proven on hardware)").replace("{}", &store.provider.value)
        }
    }
}

fn start(driver: &Driver) -> Result<Value> {
    let host = ModuleHost::start(&default_host_exe(), driver)?;
    let info = host.module_info();
    Ok(json!({
        "manufacturer": info.map(|info| info.manufacturer.trim().to_owned()),
        "description": info.map(|info| info.description.trim().to_owned()),
        "version": info.map(|info| format!("{}.{}", info.version.0, info.version.1)),
    }))
}

fn check_files(files: &[PathBuf], say: &Say) -> Result {
    let names: Vec<String> = files.iter().map(|file| check_file(file)).collect::<Result<_>>()?;
    say.result(&json!({ "ok": true, "profiles": names }), || {
        say.t("配置正确：{}", "profiles are right: {}").replace("{}", &names.join(", "))
    });
    Ok(())
}

fn check_file(file: &Path) -> Result<String> {
    let text = std::fs::read_to_string(file).map_err(CliError::file(file))?;
    Ok(Profile::from_toml(&file.display().to_string(), &text)?.name)
}
