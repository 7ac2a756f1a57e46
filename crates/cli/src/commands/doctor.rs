//! `ycd doctor`: one page on whether this machine can work with a USBKEY. Tells no PIN and nothing secret; asks the
//! keys nothing that needs one.

use serde::Serialize;
use serde_json::json;
use ycd_flows::{
    clock::{Clock as _, SystemClock},
    messages::{Explain as _, Message},
};
use ycd_token::{
    Drivers, Keys, Lookup, Profile, Token as _, TokenError, readers,
    report::{makes_without_driver, spaced},
    usb,
};

use super::driver::{make, not_installed, wrong_bits};
use crate::{
    error::{CliError, Result},
    exit,
    home::Home,
    say::{Say, table},
};

/// Seconds. Terms are judged by the portal's clock; a machine further off shows people wrong dates.
const CLOCK_TOLERANCE: i64 = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Level {
    Ok,
    /// Something will not work that may not be needed.
    Warn,
    Bad,
}

#[derive(Debug, Serialize)]
struct Line {
    check: &'static str,
    level: Level,
    says: String,
    remedy: Option<String>,
    #[serde(skip)]
    code: Option<String>,
}

#[derive(Default)]
struct Page(Vec<Line>);

impl Page {
    fn ok(&mut self, check: &'static str, says: impl Into<String>) {
        self.0.push(Line { check, level: Level::Ok, says: says.into(), remedy: None, code: None });
    }

    fn not_ok(&mut self, check: &'static str, level: Level, message: Message) {
        let Message { code, sentence, remedy, .. } = message;
        self.0.push(Line { check, level, says: sentence, remedy: Some(remedy), code: Some(code) });
    }

    fn advice(&mut self, check: &'static str, level: Level, (says, remedy): (String, String)) {
        let code = Some("token.module_missing".to_owned());
        self.0.push(Line { check, level, says, remedy: Some(remedy), code });
    }
}

/// The exit code of the worst line: 0 unless something is bad.
pub fn run(home: &Home, say: &Say) -> Result<u8> {
    let mut page = Page::default();
    let drivers = match home.drivers() {
        Ok(drivers) => Some(drivers),
        Err(error) => {
            page.not_ok("profiles", Level::Bad, error.explain(say.language));
            None
        }
    };
    if let Some(drivers) = &drivers {
        let seen = cards(&mut page, drivers, say);
        modules(&mut page, drivers, &seen, say);
        keys(&mut page, drivers, say);
    }
    folders(&mut page, home, say);
    portal(&mut page, home, say);
    let worst = page.0.iter().filter(|line| line.level == Level::Bad);
    let code = worst.clone().find_map(|line| line.code.as_deref().map(exit::code_of)).unwrap_or(0);
    say.result(&json!({ "ok": worst.count() == 0, "lines": page.0 }), || text(&page, say));
    Ok(code)
}

fn text(page: &Page, say: &Say) -> String {
    let level = |level| match level {
        Level::Ok => say.t("正常", "ok"),
        Level::Warn => say.t("注意", "warn"),
        Level::Bad => say.t("问题", "bad"),
    };
    let rows: Vec<Vec<String>> = page
        .0
        .iter()
        .flat_map(|line| {
            let first = vec![level(line.level).to_owned(), line.check.to_owned(), line.says.clone()];
            let remedy = line.remedy.iter().map(|remedy| vec![String::new(), String::new(), remedy.clone()]);
            std::iter::once(first).chain(remedy)
        })
        .collect();
    table(&["", "", ""], &rows).trim_start().to_owned()
}

/// The PC/SC service, its readers with their cards, and the USB devices of known makes.
fn cards(page: &mut Page, drivers: &Drivers, say: &Say) -> Vec<readers::Reader> {
    let found = match readers::now() {
        Ok(found) => {
            page.ok("pcsc", say.t("读卡器服务正在运行", "the service for card readers is running"));
            found
        }
        Err(error) => {
            // Many makes come without PC/SC.
            page.not_ok("pcsc", Level::Warn, error.explain(say.language));
            Vec::new()
        }
    };
    for reader in &found {
        let card = reader.card.as_ref().map(|card| card.atr.as_deref().map(spaced));
        let card = match card {
            None => say.t("空", "empty").to_owned(),
            Some(None) => say.t("卡片没有应答", "the card does not answer").to_owned(),
            Some(Some(atr)) => atr,
        };
        page.ok("reader", format!("{}: {card}", reader.name));
    }
    for device in usb::devices() {
        let known = drivers.profiles().find(|p| p.recognition.knows_usb(device.vendor, device.product));
        if let Some(profile) = known {
            page.ok("usb", format!("{} {}", device.id(), make(profile, say)));
        }
    }
    found
}

fn modules(page: &mut Page, drivers: &Drivers, seen: &[readers::Reader], say: &Say) {
    let lookups = drivers.lookups();
    let wanted = makes_without_driver(drivers, &lookups, seen, &usb::devices());
    for profile in &wanted {
        page.advice("module", Level::Bad, not_installed(profile, say));
    }
    let is_wanted = |profile: &Profile| wanted.iter().any(|other| other.name == profile.name);
    let mut found = 0;
    for Lookup { profile, outcome, .. } in &lookups {
        match outcome {
            Ok(driver) => {
                found += 1;
                match wrong_bits(driver) {
                    None => page.ok("module", format!("{profile}: {}", driver.module_path.display())),
                    Some(bits) => {
                        let path = driver.module_path.display().to_string();
                        let error = TokenError::NotAModule { path, detail: format!("{bits} bits") };
                        page.not_ok("module", Level::Bad, error.explain(say.language));
                    }
                }
            }
            Err(TokenError::ModuleMissing { .. } | TokenError::Unsupported { .. }) => {}
            Err(error) if drivers.profile(profile).is_none_or(|profile| !is_wanted(profile)) => {
                page.not_ok("module", Level::Bad, error.explain(say.language));
            }
            Err(_) => {}
        }
    }
    if found == 0 && wanted.is_empty() {
        let error = TokenError::ModuleMissing { path: String::new() };
        page.not_ok("module", Level::Warn, error.explain(say.language));
    }
}

/// Starts the hosts; what each module has.
fn keys(page: &mut Page, drivers: &Drivers, say: &Say) {
    let mut keys = Keys::open(drivers, None);
    let listed = keys.keys();
    for problem in keys.problems() {
        page.not_ok("host", Level::Bad, problem.error.explain(say.language));
    }
    for host in keys.hosts() {
        let failed = keys.problems().iter().any(|problem| problem.profile == host.driver().profile.name);
        if !failed {
            page.ok("host", format!("{}: {}", host.driver().profile.name, say.t("可以启动", "starts")));
        }
    }
    let keys = listed.unwrap_or_default();
    for key in &keys {
        let says = format!("{} {}", key.key_id, key.label);
        if key.pin.tries.is_locked() {
            page.not_ok("key", Level::Bad, TokenError::PinLocked.explain(say.language));
        } else if key.pin.tries.is_last() {
            let tries = key.pin.tries;
            page.not_ok("key", Level::Warn, TokenError::PinIncorrect { tries }.explain(say.language));
        } else {
            page.ok("key", says);
        }
    }
    if keys.is_empty() {
        page.not_ok("key", Level::Warn, ycd_flows::FlowError::NoKey.explain(say.language));
    }
}

fn folders(page: &mut Page, home: &Home, say: &Say) {
    let writable = say.t("可以写入", "can be written");
    match Home::locks() {
        Ok(_) => page.ok("locks", writable),
        Err(error) => page.not_ok("locks", Level::Bad, error.explain(say.language)),
    }
    match home.journal() {
        Ok(_) => page.ok("journal", writable),
        Err(error) => page.not_ok("journal", Level::Bad, error.explain(say.language)),
    }
}

fn portal(page: &mut Page, home: &Home, say: &Say) {
    let asked = home.client().and_then(|client| Ok((client.project()?, client.clock()?)));
    match asked {
        Ok((project, portals)) => {
            page.ok("portal", project.name);
            let Some(portals) = portals else { return };
            let seconds = (SystemClock.now() - portals).whole_seconds();
            let offset =
                say.t("与门户相差 {} 秒", "{} s from the portal's").replace("{}", &seconds.to_string());
            if seconds.abs() < CLOCK_TOLERANCE {
                page.ok("clock", offset);
            } else {
                let remedy = say.t("请校准本机的日期和时间。", "Set this machine's date and time right.");
                page.advice("clock", Level::Warn, (offset, remedy.to_owned()));
            }
        }
        Err(error @ CliError::NoPortal) => page.not_ok("portal", Level::Warn, error.explain(say.language)),
        Err(error) => page.not_ok("portal", Level::Bad, error.explain(say.language)),
    }
}
