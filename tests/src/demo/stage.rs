//! What the story needs around it: a portal process whose clock can be another year's, tokens, people with phones.

use std::{
    path::{Path, PathBuf},
    process::Child,
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use ycd_portal_api::wire::form::OrderForm;

use super::{
    Wishes,
    command::{Ended, Reply, Ycd},
};
#[cfg(target_os = "linux")]
use crate::pcscd::Pcscd;
use crate::world::{filled_in, uscc};

pub const PIN: &str = "12345678";
const DAY: i64 = 86_400;

pub struct Stage {
    pub folder: PathBuf,
    pub softkey_dir: PathBuf,
    /// The operator's machine.
    pub workstation: Ycd,
    portal: Option<Child>,
    pub url: String,
    /// Seconds that the portal's clock is off.
    shift: i64,
    /// What stands in for `ycd` on machines that are not the operator's.
    applicant: Option<PathBuf>,
    #[cfg(target_os = "linux")]
    service: Option<Pcscd>,
    no_reader: Option<String>,
    /// Shows the token that is in the reader.
    card: Option<Child>,
}

/// A token with its certificate, and who it belongs to.
#[derive(Debug, Clone)]
pub struct Holder {
    pub company: String,
    pub phone: String,
    pub token: String,
    pub certificate: String,
}

impl Stage {
    pub fn new(folder: &Path, wishes: &Wishes) -> Self {
        let softkey_dir = folder.join("tokens");
        #[cfg(target_os = "linux")]
        let no_reader = wishes.no_reader.clone().or_else(|| Pcscd::available().err());
        #[cfg(not(target_os = "linux"))]
        let no_reader = Some("virtual readers are for Linux".to_owned());
        let mut stage = Self {
            folder: folder.to_owned(),
            workstation: Ycd::new(&folder.join("operator"), &softkey_dir),
            softkey_dir,
            portal: None,
            url: String::new(),
            shift: 0,
            applicant: wishes.applicant.clone(),
            #[cfg(target_os = "linux")]
            service: no_reader.is_none().then(|| Pcscd::start(1)),
            no_reader,
            card: None,
        };
        stage.workstation = stage.machine("operator").with_ycd(None);
        stage
    }

    /// Whoever's machine.
    pub fn machine(&self, name: &str) -> Ycd {
        #[cfg(target_os = "linux")]
        let service = self.service.as_ref().map(Pcscd::environment);
        #[cfg(not(target_os = "linux"))]
        let service = None;
        Ycd::new(&self.folder.join(name), &self.softkey_dir)
            .with_service(service)
            .with_ycd(self.applicant.clone())
    }

    /// Why tokens cannot be put into a card reader here.
    pub fn no_reader(&self) -> Option<&str> {
        self.no_reader.as_deref()
    }

    /// Puts a token into the card reader of a machine: a process there shows it as a smart card for as long as it is
    /// inserted. The one that was in before comes out.
    #[cfg(target_os = "linux")]
    pub fn insert_into_reader(&mut self, machine: &Ycd, token: &str) -> Result<(), String> {
        let Some(port) = self.service.as_ref().and_then(|service| service.ports().first()) else {
            return Err("no reader".to_owned());
        };
        let reader = format!("127.0.0.1:{port}");
        self.empty_reader();
        let args = ["softkey", "card", "--reader", &reader, "--insert", token];
        let connected = |line: &Value| line["event"] == "connected";
        let (child, _) = machine.start_until(&args, "", connected)?;
        self.card = Some(child);
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    pub fn insert_into_reader(&mut self, _machine: &Ycd, _key: &str) -> Result<(), String> {
        Err("no reader".to_owned())
    }

    /// With the process that showed it.
    pub fn empty_reader(&mut self) {
        if let Some(mut card) = self.card.take() {
            drop(card.kill());
            drop(card.wait());
        }
    }

    pub fn portal_folder(&self) -> PathBuf {
        self.folder.join("portal")
    }

    pub fn anchor(&self) -> PathBuf {
        self.portal_folder().join("authority").join("root.pem")
    }

    /// A new portal, founded before the oldest certificate of the story.
    pub fn found_portal(&self) -> Result<String, String> {
        let shift = (-3 * 365 * DAY).to_string();
        let args = ["portal", "init", "--data", &path(&self.portal_folder()), "--clock-shift", &shift];
        let made = self.workstation.ok(&args, "")?;
        Ok(format!("{} {}", text(&made, "portal"), text(&made, "root")))
    }

    /// Starts the portal with its clock shifted by so many days; stops the one that runs.
    pub fn serve(&mut self, days: i64) -> Result<String, String> {
        self.serve_shifted(days * DAY)
    }

    /// The portal's clock goes on by more than a minute: what must lie between two codes.
    pub fn a_minute_passes(&mut self) -> Result<String, String> {
        self.serve_shifted(self.shift + 65)
    }

    fn serve_shifted(&mut self, seconds: i64) -> Result<String, String> {
        self.stop();
        self.shift = seconds;
        let listen = self.url.strip_prefix("http://").unwrap_or("127.0.0.1:0").to_owned();
        let shift = seconds.to_string();
        let folder = path(&self.portal_folder());
        let args = ["portal", "serve", "--data", &folder, "--listen", &listen, "--clock-shift", &shift];
        let (child, printed) =
            self.workstation.start_until(&args, "", |line| line["listening"].is_string())?;
        self.portal = Some(child);
        self.url = text(&printed, "listening");
        self.use_portal(&self.workstation)?;
        let password = std::fs::read_to_string(self.portal_folder().join("operator.txt"))
            .map_err(|e| format!("operator.txt: {e}"))?;
        let password = password.lines().nth(1).unwrap_or_default().to_owned();
        self.workstation.ok(&["operator", "login", "--password-stdin"], &password)?;
        Ok(self.url.clone())
    }

    /// Tells a machine which portal and which root are its own.
    pub fn use_portal(&self, machine: &Ycd) -> Result<Value, String> {
        machine.ok(&["portal", "use", &self.url, "--anchor", &path(&self.anchor())], "")
    }

    pub fn stop(&mut self) {
        if let Some(mut portal) = self.portal.take() {
            drop(portal.kill());
            drop(portal.wait());
        }
    }

    /// Leaves the portal to whoever comes after.
    pub fn leave_running(mut self) -> Option<Child> {
        self.portal.take()
    }

    /// A token comes from its maker, is personalized, and put into a drawer.
    pub fn personalize(&self, company: &str, phone: &str) -> Result<Holder, String> {
        let made = self.made()?;
        self.finish(&made, company, phone, "so-pin")
    }

    /// The same in a card reader, so that it will be unlocked by challenge and response.
    pub fn personalize_in_reader(&mut self, company: &str, phone: &str) -> Result<Holder, String> {
        let made = self.made()?;
        self.insert_into_reader(&self.workstation.clone(), &text(&made, "serial_number"))?;
        let holder = patiently(|| self.finish(&made, company, phone, "challenge-response"))?;
        self.empty_reader();
        Ok(holder)
    }

    fn made(&self) -> Result<Value, String> {
        self.workstation
            .ok(&["softkey", "create", "--label", "USBKEY", "--retry-limit", "5", "--show-so-pin"], "")
    }

    fn finish(&self, made: &Value, company: &str, phone: &str, method: &str) -> Result<Holder, String> {
        let token = text(made, "serial_number");
        let code = uscc(company);
        let args = [
            "operator",
            "personalize",
            "--name",
            company,
            "--uscc",
            &code,
            "--phone",
            phone,
            "--method",
            method,
            "--pin-stdin",
        ];
        let issued = self.workstation.ok(&args, &text(made, "so_pin"))?;
        self.remove(&token)?;
        Ok(Holder {
            company: company.to_owned(),
            phone: phone.to_owned(),
            token,
            certificate: text(&issued, "serial"),
        })
    }

    pub fn insert(&self, token: &str) -> Result<Value, String> {
        self.workstation.ok(&["softkey", "insert", token], "")
    }

    pub fn remove(&self, token: &str) -> Result<Value, String> {
        self.workstation.ok(&["softkey", "remove", token], "")
    }

    /// The applicant's own machine, logged in by SMS.
    pub fn applicant(&self, name: &str, phone: &str) -> Result<Ycd, String> {
        let machine = self.machine(name);
        self.use_portal(&machine)?;
        let newest = self.newest_message(phone)?;
        machine.ok(&["login", "--phone", phone, "--send-code"], "")?;
        let code = self.code_after(phone, newest)?;
        machine.ok(&["login", "--phone", phone, "--code-stdin"], &code)?;
        Ok(machine)
    }

    /// Draft, form, confirmation with an SMS code, transfer, review: by the calls that the pages make.
    pub fn approved_order(&self, machine: &Ycd, holder: &Holder) -> Result<String, String> {
        let order = self.paid_order(machine, holder)?;
        self.workstation.ok(&["operator", "approve", &order], "")?;
        Ok(order)
    }

    fn paid_order(&self, machine: &Ycd, holder: &Holder) -> Result<String, String> {
        let created = machine.ok(&["order", "create", "--certificate", &holder.certificate], "")?;
        let order = text(&created, "no");
        let form: OrderForm =
            serde_json::from_value(created["form"]["form"].clone()).map_err(|e| format!("form: {e}"))?;
        let file = self.folder.join(format!("form-{order}.json"));
        let form = serde_json::to_vec_pretty(&filled_in(form, &holder.phone)).map_err(|e| e.to_string())?;
        std::fs::write(&file, form).map_err(|e| e.to_string())?;
        let newest = self.newest_message(&holder.phone)?;
        let file = path(&file);
        machine.ok(&["order", "submit", &order, "--send-code"], "")?;
        let code = self.code_after(&holder.phone, newest)?;
        machine.ok(&["order", "submit", &order, "--form", &file, "--agree", "--code-stdin"], &code)?;
        let amount = created["amount"].to_string();
        let reference = format!("ICBC{}", &order[order.len() - 10..]);
        let args = ["operator", "record-transfer", &order, "--reference", &reference, "--amount", &amount];
        self.workstation.ok(&args, "")?;
        Ok(order)
    }

    /// Wrong PINs until the token is locked.
    pub fn lock_pin(&self, machine: &Ycd, token: &str) -> Result<String, String> {
        let args = ["token", "pin", "--token", token, "--pin-stdin", "--last-try"];
        for retry_counter in 1..=6 {
            let ended = machine.run(&args, "00000001\n86420975\n86420975\n")?;
            let code = ended.result().and_then(|r| r["error"]["code"].as_str()).unwrap_or_default();
            match code {
                "token.pin_incorrect" => {}
                "token.pin_locked" => return Ok(format!("第 {retry_counter} 次：{}", ended.refusal())),
                _ => return Err(ended.refusal()),
            }
        }
        Err("the token does not lock".to_owned())
    }

    /// `ycd unlock`, with the code read from the phone and the new PIN typed twice; killed where it is told to.
    pub fn unlock(
        &self,
        machine: &Ycd,
        phone: &str,
        pin: &str,
        kill_at: Option<&str>,
    ) -> Result<Ended, String> {
        let newest = self.newest_message(phone)?;
        machine.talk(&["unlock", "--pin-stdin", "--code-stdin", "--wait", "0"], |line| {
            if line["event"] == "code_sent" {
                let code = self.code_after(phone, newest)?;
                return Ok(Reply::Type(format!("{code}\n{pin}\n{pin}\n")));
            }
            match kill_at {
                Some(step) if line["event"] == "begins" && line["step"] == step => {
                    Ok(Reply::Kill(Duration::from_millis(1200)))
                }
                _ => Ok(Reply::Nothing),
            }
        })
    }

    /// What the portal keeps of a token, and what is left of its tries.
    pub fn kept_of(&self, holder: &Holder) -> Result<String, String> {
        let tokens = self.workstation.ok(&["softkey", "list"], "")?;
        let token = tokens["tokens"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|k| k["serial_number"] == json!(holder.token));
        let token = token.ok_or("the token is gone")?;
        let (left, max) = (&token["so_pin_retry_counter"], &token["so_pin_retry_limit"]);
        let (user, user_max) = (&token["pin_retry_counter"], &token["pin_retry_limit"]);
        let printed = format!(
            "口令剩余 {user}/{user_max} 次，管理口令剩余 {left}/{max} 次，密钥对 {} 对",
            token["containers_used"]
        );
        if left == max && user == user_max { Ok(printed) } else { Err(printed) }
    }

    fn outbox(&self, phone: &str) -> Result<Vec<Value>, String> {
        let outbox = self.workstation.ok(&["operator", "outbox", "--phone", phone], "")?;
        Ok(outbox["items"].as_array().cloned().unwrap_or_default())
    }

    /// All that was sent to a phone, newest first, with its codes blotted out.
    pub fn messages(&self, phone: &str) -> Result<Vec<String>, String> {
        let blotted = |message: &Value| {
            let printed = text(message, "text");
            match message["code"].as_str() {
                Some(code) => printed.replace(code, "••••••"),
                None => printed,
            }
        };
        Ok(self.outbox(phone)?.iter().map(blotted).collect())
    }

    fn newest_message(&self, phone: &str) -> Result<i64, String> {
        Ok(self.outbox(phone)?.first().and_then(|m| m["id"].as_i64()).unwrap_or(0))
    }

    fn code_after(&self, phone: &str, newest: i64) -> Result<String, String> {
        for _ in 0..100 {
            let fresh = self.outbox(phone)?.into_iter().find(|m| m["id"].as_i64() > Some(newest));
            if let Some(code) = fresh.as_ref().and_then(|m| m["code"].as_str()) {
                return Ok(code.to_owned());
            }
            thread::sleep(Duration::from_millis(30));
        }
        Err(format!("no SMS came to {phone}"))
    }

    /// What must be true of a renewed order: one transfer, one certificate in force, no PIN try lost.
    pub fn nothing_lost(&self, machine: &Ycd, holder: &Holder, order: &str) -> Result<String, String> {
        let seen = self.workstation.ok(&["operator", "show", order], "")?;
        let transfers = seen["transfers"].as_array().map_or(0, Vec::len);
        let certificates = machine.ok(&["cert", "list"], "")?;
        let token_id = format!("softkey:{}", holder.token);
        let in_force = certificates["items"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|c| c["token_id"] == json!(token_id))
            .filter(|c| matches!(c["state"].as_str(), Some("valid" | "expiring_soon")))
            .count();
        let tokens = self.workstation.ok(&["softkey", "list"], "")?;
        let token = tokens["tokens"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|k| k["serial_number"] == json!(holder.token));
        let token = token.ok_or("the token is gone")?;
        let (left, max) = (&token["pin_retry_counter"], &token["pin_retry_limit"]);
        let state = text(&seen["order"], "state");
        let found = format!(
            "订单 {state}，到账 {transfers} 笔，有效证书 {in_force} 张，口令剩余 {left}/{max} 次，密钥对 {} 对",
            token["containers_used"]
        );
        if state == "completed" && transfers == 1 && in_force == 1 && left == max {
            Ok(found)
        } else {
            Err(found)
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.empty_reader();
        self.stop();
    }
}

/// The smart card service looks at its readers now and then only: until it has seen the card.
pub fn patiently<T>(act: impl Fn() -> Result<T, String>) -> Result<T, String> {
    for _ in 0..20 {
        match act() {
            Err(printed) if printed.contains("token.card_missing") => {
                thread::sleep(Duration::from_millis(250))
            }
            outcome => return outcome,
        }
    }
    act()
}

pub fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

pub fn path(path: &Path) -> String {
    path.display().to_string()
}
