//! `ycd token …`: what is inserted.

use serde_json::{Value, json};
use ycd_flows::{
    clock::{Clock as _, SystemClock},
    messages::{Explain as _, Language, tries_word, word},
};
use ycd_pki::{Certificate, CertificateInfo};
use ycd_token::{Container, KeyPairState, TokenAccess as _, TokenEvent, TokenInfo, TokenWatcher};

use super::{driver::missing_line, one_token, pin};
use crate::{
    args::Token,
    data_dir::DataDir,
    error::Result,
    say::{Say, day, table},
};

pub fn run(command: Token, data_dir: &DataDir, say: &Say) -> Result {
    match command {
        Token::List => list(data_dir, say),
        Token::Info { token } => info(token.as_deref(), data_dir, say),
        Token::Pin(command) => pin::run(&command, data_dir, say),
        Token::Watch { count } => watch(count, data_dir, say),
    }
}

fn list(data_dir: &DataDir, say: &Say) -> Result {
    let mut tokens = data_dir.tokens()?;
    let inserted = tokens.list()?;
    let problems: Vec<Value> = tokens
        .problems()
        .iter()
        .map(|problem| {
            let message = problem.error.explain(say.language);
            json!({ "profile": problem.profile, "module": problem.module, "error": message })
        })
        .collect();
    say.result(&json!({ "tokens": inserted, "problems": problems }), || {
        if inserted.is_empty() {
            return say.t("没有插入 USBKEY。", "No USBKEY is inserted.").to_owned();
        }
        let rows: Vec<Vec<String>> = inserted.iter().map(|token| row(token, say)).collect();
        let zh = ["尾号", "名称", "厂家", "型号", "序列号", "口令"];
        let en = ["tail", "label", "manufacturer", "model", "serial number", "PIN"];
        table(if say.language == Language::Zh { &zh } else { &en }, &rows)
    });
    for problem in tokens.problems() {
        let message = problem.error.explain(say.language);
        say.aside(&format!("{}: {} {}", problem.profile, message.sentence, message.remedy));
    }
    Ok(())
}

fn row(token: &TokenInfo, say: &Say) -> Vec<String> {
    vec![
        token.token_id.tail().to_owned(),
        token.label.clone(),
        token.manufacturer.clone(),
        token.model.clone(),
        token.serial_number.clone(),
        pin_words(token, say),
    ]
}

fn pin_words(token: &TokenInfo, say: &Say) -> String {
    let retry_counter = tries_word(token.pin.retry_counter, say.language);
    if token.pin.retry_counter.is_locked() {
        say.t("已锁定", "locked").to_owned()
    } else if !token.pin.is_set {
        say.t("未设置", "not set").to_owned()
    } else if !retry_counter.is_empty() {
        retry_counter
    } else if token.pin.is_initial {
        say.t("仍是初始口令", "still the initial one").to_owned()
    } else {
        say.t("正常", "fine").to_owned()
    }
}

fn info(wanted: Option<&str>, data_dir: &DataDir, say: &Say) -> Result {
    let mut tokens = data_dir.tokens()?;
    let token = one_token(&mut tokens, wanted)?;
    let contents = tokens.read(&token.token_id)?;
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
    let value =
        json!({ "token": token, "containers": containers, "free_containers": contents.free_containers });
    say.result(&value, || {
        let mut text = table(&["", ""], &[row(&token, say)]).trim_start().to_owned();
        for container in &contents.containers {
            let pair = match container.pair {
                KeyPairState::Complete | KeyPairState::PrivateHidden => say.t("密钥对", "key pair"),
                KeyPairState::Orphaned => say.t("半对密钥（未完成）", "half a key pair (unfinished)"),
                KeyPairState::Nothing => say.t("没有密钥", "no key"),
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

fn watch(count: Option<u64>, data_dir: &DataDir, say: &Say) -> Result {
    let drivers = data_dir.drivers()?;
    let watcher = TokenWatcher::start(&drivers, None);
    let mut seen = 0;
    while count.is_none_or(|count| seen < count) {
        let Ok(event) = watcher.events().recv() else { break };
        seen += 1;
        match event {
            TokenEvent::Arrived(token) => say.result(&json!({ "event": "arrived", "token": token }), || {
                say.t("已插入：{label}（尾号 {tail}）", "arrived: {label} ({tail})")
                    .replace("{label}", &token.label)
                    .replace("{tail}", token.token_id.tail())
            }),
            TokenEvent::Gone(token) => say.result(&json!({ "event": "gone", "token_id": token }), || {
                say.t("已拔出：尾号 {tail}", "gone: {tail}").replace("{tail}", token.tail())
            }),
            TokenEvent::DriversMissing(profiles) => {
                let models = profiles.iter().filter_map(|name| drivers.profile(name));
                let lines: Vec<String> = models.map(|profile| missing_line(profile, say)).collect();
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
