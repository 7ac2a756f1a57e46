//! `ycd softkey …`: what a maker, a hand and bad luck do to a real token.

mod card;
mod emulate;

use serde_json::{Value, json};
use ycd_flows::messages::Language;
use ycd_softkey::admin::{self, Action, Fault, Leaves, Length, NewToken, On, TokenState, When};

use crate::{
    args::{Fault as FaultArgs, Softkey},
    data_dir::DataDir,
    error::{CliError, Result},
    say::{Say, table},
};

pub fn run(command: Softkey, data_dir: &DataDir, say: &Say) -> Result {
    let folder = data_dir.softkey_folder();
    match command {
        Softkey::Create { label, serial, containers, retry_limit, removed, show_so_pin } => {
            let defaults = NewToken::default();
            let new = NewToken {
                label,
                serial,
                containers,
                user_retry_limit: retry_limit.unwrap_or(defaults.user_retry_limit),
                inserted: !removed,
                ..defaults
            };
            let created = admin::create(&folder, &new)?;
            let so_pin = show_so_pin.then(|| String::from_utf8_lossy(created.so_pin.expose()).into_owned());
            let mut value = json!({
                "serial_number": created.serial_number,
                "slot": created.slot,
                "label": new.label,
                "folder": folder,
            });
            if let Some(so_pin) = &so_pin {
                value["so_pin"] = Value::String(so_pin.clone());
            }
            say.result(&value, || {
                let mut text = say
                    .t(
                        "已新建软件 USBKEY，序列号 {serial}，槽位 {slot}，初始口令 12345678。",
                        "Made a software USBKEY, serial number {serial}, slot {slot}, initial PIN 12345678.",
                    )
                    .replace("{serial}", &created.serial_number)
                    .replace("{slot}", &created.slot.to_string());
                if let Some(so_pin) = &so_pin {
                    text += &format!("\n{} {so_pin}", say.t("管理员口令：", "SO PIN:"));
                }
                text
            });
        }
        Softkey::Insert { serial } => {
            admin::insert(&folder, &serial)?;
            say.result(&json!({ "serial_number": serial, "inserted": true }), || {
                say.t("已插入。", "Inserted.").to_owned()
            });
        }
        Softkey::Remove { serial } => {
            admin::remove(&folder, &serial)?;
            say.result(&json!({ "serial_number": serial, "inserted": false }), || {
                say.t("已拔出。", "Removed.").to_owned()
            });
        }
        Softkey::List => {
            let tokens = admin::list(&folder)?;
            say.result(&json!({ "tokens": tokens, "folder": folder }), || {
                let rows: Vec<Vec<String>> = tokens.iter().map(|token| row(token, say)).collect();
                let zh = ["序列号", "槽位", "名称", "状态", "口令剩余次数", "密钥对", "证书"];
                let en = [
                    "serial number",
                    "slot",
                    "label",
                    "state",
                    "PIN tries left",
                    "key pairs",
                    "certificates",
                ];
                table(if say.language == Language::Zh { &zh } else { &en }, &rows)
            });
        }
        Softkey::Card { serial, reader, insert } => card::run(&folder, &serial, &reader, insert, say)?,
        Softkey::Emulate { serial, source } => {
            let source = match (source.profile, source.emulation) {
                (Some(name), _) => emulate::Source::Profile(name),
                (None, Some(path)) => emulate::Source::File(path),
                (None, None) => return Err(CliError::Argument { what: "--profile, --emulation".into() }),
            };
            emulate::run(data_dir, &serial, &source, say)?;
        }
        Softkey::Fault(command) => fault(&command, &folder, say)?,
    }
    Ok(())
}

fn row(token: &TokenState, say: &Say) -> Vec<String> {
    vec![
        token.serial_number.clone(),
        token.slot.to_string(),
        token.label.clone(),
        if token.inserted { say.t("已插入", "inserted") } else { say.t("未插入", "out") }.to_owned(),
        format!("{}/{}", token.pin_retry_counter, token.pin_retry_limit),
        format!("{}/{}", token.containers_used, token.containers),
        token.certificates.to_string(),
    ]
}

fn fault(command: &FaultArgs, folder: &std::path::Path, say: &Say) -> Result {
    if command.clear {
        admin::clear_fault(folder)?;
    } else if let Some(action) = &command.action {
        let on = match (command.call, &command.function) {
            (Some(call), _) => On::Call { call },
            (None, Some(function)) => {
                On::Function { function: function.clone(), occurrence: command.occurrence }
            }
            (None, None) => return Err(CliError::Argument { what: "--call, --function".into() }),
        };
        let fault = Fault {
            on,
            action: read_action(action)?,
            when: if command.after { When::After } else { When::Before },
            once: !command.always,
        };
        admin::set_fault(folder, command.serial.as_deref(), &fault)?;
    }
    let control = admin::faults(folder)?;
    say.result(&control, || {
        if control.rules.is_empty() {
            return say.t("没有设定故障。", "No faults are set.").to_owned();
        }
        control.rules.iter().map(|rule| format!("{}\n", json!(rule))).collect()
    });
    Ok(())
}

/// `unplug`, `code=0x30`, `delay=500`, `torn=private_key`, `length=+1`, `print=4096`, `hoard=512` …
fn read_action(text: &str) -> Result<Action> {
    let wrong = || CliError::Argument { what: format!("--do {text}") };
    let number = |text: &str| match text.strip_prefix("0x") {
        // The standard library would take a sign too.
        _ if text.contains(['+', '-']) => Err(wrong()),
        Some(hex) => u64::from_str_radix(hex, 16).map_err(|_| wrong()),
        None => text.parse().map_err(|_| wrong()),
    };
    let small = |text: &str| u32::try_from(number(text)?).map_err(|_| wrong());
    Ok(match text.split_once('=').unwrap_or((text, "")) {
        ("unplug", "") => Action::Unplug,
        ("hang", "") => Action::Hang,
        ("crash", "") => Action::Crash,
        ("eat", "") => Action::Eat,
        ("code", code) => Action::Code(small(code)?),
        ("delay", milliseconds) => Action::DelayMs(number(milliseconds)?),
        ("torn", "private_key") => Action::Torn(Leaves::PrivateKey),
        ("torn", "public_key") => Action::Torn(Leaves::PublicKey),
        ("torn", "nothing") => Action::Torn(Leaves::Nothing),
        ("length", length) => Action::Length(match (length.strip_prefix('+'), length.strip_prefix('-')) {
            (Some(by), _) => Length::Longer(small(by)?),
            (_, Some(by)) => Length::Shorter(small(by)?),
            _ => Length::Is(number(length)?),
        }),
        ("print", bytes) => Action::Print(small(bytes)?),
        ("hoard", mebibytes) => Action::Hoard(small(mebibytes)?),
        _ => return Err(wrong()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_fault_does_is_read_from_one_word() {
        assert_eq!(read_action("code=0x30").unwrap(), Action::Code(0x30));
        assert_eq!(read_action("delay=250").unwrap(), Action::DelayMs(250));
        assert_eq!(read_action("torn=nothing").unwrap(), Action::Torn(Leaves::Nothing));
        for (text, length) in [
            ("length=0xFFFFFFFFFFFFFFFF", Length::Is(u64::MAX)),
            ("length=0", Length::Is(0)),
            ("length=+1", Length::Longer(1)),
            ("length=-0x10", Length::Shorter(16)),
        ] {
            assert_eq!(read_action(text).unwrap(), Action::Length(length));
        }
        assert_eq!(read_action("print=4096").unwrap(), Action::Print(4096));
        assert_eq!(read_action("hoard=512").unwrap(), Action::Hoard(512));
        let wrong = [
            "code=",
            "code=0x1FFFFFFFF",
            "unplug=1",
            "burn",
            "length",
            "length=+",
            "length=--1",
            "length=+-1",
            "length=++1",
            "print=-1",
            "print=+1",
            "hoard=4294967296",
            "hoard",
        ];
        for wrong in wrong {
            assert_eq!(read_action(wrong).unwrap_err().code(), "cli.argument", "{wrong}");
        }
    }
}
