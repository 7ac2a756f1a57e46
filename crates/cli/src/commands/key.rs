//! `ycd key …`: what is inserted.

use serde_json::{Value, json};
use ycd_flows::{
    clock::{Clock as _, SystemClock},
    messages::{Explain as _, Language, tries_word, word},
};
use ycd_pki::{Certificate, CertificateInfo};
use ycd_token::{Container, KeyEvent, KeyInfo, KeyWatcher, Pair, Token as _};

use super::{driver::missing_line, one_key, pin};
use crate::{
    args::Key,
    error::Result,
    home::Home,
    say::{Say, day, table},
};

pub fn run(command: Key, home: &Home, say: &Say) -> Result {
    match command {
        Key::List => list(home, say),
        Key::Info { key } => info(key.as_deref(), home, say),
        Key::Pin(command) => pin::run(&command, home, say),
        Key::Watch { count } => watch(count, home, say),
    }
}

fn list(home: &Home, say: &Say) -> Result {
    let mut keys = home.keys()?;
    let inserted = keys.keys()?;
    let problems: Vec<Value> = keys
        .problems()
        .iter()
        .map(|problem| {
            let message = problem.error.explain(say.language);
            json!({ "profile": problem.profile, "module": problem.module, "error": message })
        })
        .collect();
    say.result(&json!({ "keys": inserted, "problems": problems }), || {
        if inserted.is_empty() {
            return say.t("没有插入 USBKEY。", "No USBKEY is inserted.").to_owned();
        }
        let rows: Vec<Vec<String>> = inserted.iter().map(|key| row(key, say)).collect();
        let zh = ["尾号", "名称", "厂家", "型号", "序列号", "口令"];
        let en = ["tail", "label", "make", "model", "serial number", "PIN"];
        table(if say.language == Language::Zh { &zh } else { &en }, &rows)
    });
    for problem in keys.problems() {
        let message = problem.error.explain(say.language);
        say.aside(&format!("{}: {} {}", problem.profile, message.sentence, message.remedy));
    }
    Ok(())
}

fn row(key: &KeyInfo, say: &Say) -> Vec<String> {
    vec![
        key.key_id.tail().to_owned(),
        key.label.clone(),
        key.manufacturer.clone(),
        key.model.clone(),
        key.serial_number.clone(),
        pin_words(key, say),
    ]
}

fn pin_words(key: &KeyInfo, say: &Say) -> String {
    let tries = tries_word(key.pin.tries, say.language);
    if key.pin.tries.is_locked() {
        say.t("已锁定", "locked").to_owned()
    } else if !key.pin.is_set {
        say.t("未设置", "not set").to_owned()
    } else if !tries.is_empty() {
        tries
    } else if key.pin.is_initial {
        say.t("仍是初始口令", "still the initial one").to_owned()
    } else {
        say.t("正常", "fine").to_owned()
    }
}

fn info(wanted: Option<&str>, home: &Home, say: &Say) -> Result {
    let mut keys = home.keys()?;
    let key = one_key(&mut keys, wanted)?;
    let contents = keys.read(&key.key_id)?;
    let now = SystemClock.now();
    let certificates = |container: &Container| -> Vec<Value> {
        let told = container.certificates.iter().map(|der| match Certificate::from_der(der) {
            Ok(certificate) => json!(CertificateInfo::of(&certificate, now)),
            Err(error) => json!({ "error": error.explain(say.language) }),
        });
        told.collect()
    };
    let containers: Vec<Value> = contents
        .containers
        .iter()
        .map(|container| {
            json!({
                "id": hex::encode(&container.id),
                "label": container.label,
                "pair": container.pair,
                "certificates": certificates(container),
            })
        })
        .collect();
    let value = json!({ "key": key, "containers": containers, "free_containers": contents.free_containers });
    say.result(&value, || {
        let mut text = table(&["", ""], &[row(&key, say)]).trim_start().to_owned();
        for container in &contents.containers {
            let pair = match container.pair {
                Pair::Whole | Pair::PrivateHidden => say.t("密钥对", "key pair"),
                Pair::Half => say.t("半对密钥（未完成）", "half a key pair (unfinished)"),
                Pair::Nothing => say.t("没有密钥", "no key"),
            };
            text += &format!("{pair} {}\n", container.label);
            for der in &container.certificates {
                text += &match Certificate::from_der(der) {
                    Ok(certificate) => certificate_line(&CertificateInfo::of(&certificate, now), say),
                    Err(error) => format!("  {}\n", error.explain(say.language).sentence),
                };
            }
        }
        text
    });
    Ok(())
}

fn certificate_line(certificate: &CertificateInfo, say: &Say) -> String {
    let state = json!(certificate.state);
    let state = word(&format!("certificate_state.{}", state.as_str().unwrap_or_default()), say.language);
    say.t(
        "  {holder}  有效期至 {end}，还有 {days} 天  {state}  序列号 {serial}\n",
        "  {holder}  until {end}, days left: {days}  {state}  serial number {serial}\n",
    )
    .replace("{holder}", &certificate.holder)
    .replace("{end}", &day(certificate.not_after))
    .replace("{days}", &certificate.days_left.to_string())
    .replace("{state}", &state)
    .replace("{serial}", &certificate.serial)
}

fn watch(count: Option<u64>, home: &Home, say: &Say) -> Result {
    let drivers = home.drivers()?;
    let watcher = KeyWatcher::start(&drivers, None);
    let mut seen = 0;
    while count.is_none_or(|count| seen < count) {
        let Ok(event) = watcher.events().recv() else { break };
        seen += 1;
        match event {
            KeyEvent::Arrived(key) => say.result(&json!({ "event": "arrived", "key": key }), || {
                say.t("已插入：{label}（尾号 {tail}）", "arrived: {label} ({tail})")
                    .replace("{label}", &key.label)
                    .replace("{tail}", key.key_id.tail())
            }),
            KeyEvent::Gone(key) => say.result(&json!({ "event": "gone", "key_id": key }), || {
                say.t("已拔出：尾号 {tail}", "gone: {tail}").replace("{tail}", key.tail())
            }),
            KeyEvent::DriversMissing(profiles) => {
                let makes = profiles.iter().filter_map(|name| drivers.profile(name));
                let lines: Vec<String> = makes.map(|profile| missing_line(profile, say)).collect();
                say.result(&json!({ "event": "drivers_missing", "profiles": profiles }), || {
                    if lines.is_empty() {
                        say.t("没有缺少的驱动。", "No driver is missing.").to_owned()
                    } else {
                        lines.join("\n")
                    }
                });
            }
        }
    }
    Ok(())
}
