//! One page on whether this machine can work with a USBKEY. Tells no PIN and nothing secret; asks the tokens nothing
//! that needs one.

use std::path::Path;

use time::OffsetDateTime;
use ycd_flows::{
    FlowError,
    clock::{Clock as _, SystemClock},
    driver_report,
    messages::{Explain, Language, Message, action_of, word},
};
use ycd_pki::sm3::sm3;
use ycd_portal_api::wire::drivers::ReportReceived;
use ycd_token::{
    Drivers, Lookup, Profile, ProfileError, TokenAccess as _, TokenError, TokenSet, default_host_exe,
    host_for, readers,
    report::{UnknownToken, models_without_driver, spaced},
    usb,
};

use crate::{
    Assistant,
    context::Context,
    data_dir::{DataDir, DataDirError},
    error::Result,
    models::{found_modules, model_name, not_installed},
    view::{Diagnosis, DiagnosisLine, Level, RemedyAction, TextFile},
};

/// Seconds. Terms are judged by the portal's clock; a machine further off shows people wrong dates.
const CLOCK_TOLERANCE: i64 = 120;

/// What is looked at.
pub(crate) struct Subject<'a> {
    data_dir: &'a DataDir,
    drivers: &'a Drivers,
    profiles_failed: Option<&'a ProfileError>,
    host_exe: Option<&'a Path>,
}

/// As [`Assistant::diagnose`], for a program that needs no more of an assistant.
pub fn of(data_dir: &DataDir, language: Language) -> Diagnosis {
    let (drivers, failed) = data_dir.drivers_or_embedded();
    let subject = Subject { data_dir, drivers: &drivers, profiles_failed: failed.as_ref(), host_exe: None };
    diagnose(&subject, SystemClock.now(), language)
}

/// Looks at everything once.
fn diagnose(subject: &Subject<'_>, now: OffsetDateTime, language: Language) -> Diagnosis {
    let mut page = Page { language, lines: Vec::new() };
    match subject.profiles_failed {
        None => page.ok("profiles", page.say("驱动配置可以使用", "the driver profiles can be used")),
        Some(error) => page.not_ok("profiles", Level::Bad, error.explain(language)),
    }
    let seen = cards(&mut page, subject);
    modules(&mut page, subject, &seen);
    tokens(&mut page, subject);
    folders(&mut page, subject);
    portal(&mut page, subject, now);
    let ok = page.lines.iter().all(|line| line.level != Level::Bad);
    Diagnosis { at: now.into(), number: number(&page.lines), ok, lines: page.lines }
}

/// Short enough to be read over the phone; the same findings have the same number.
fn number(lines: &[DiagnosisLine]) -> String {
    let told: Vec<String> =
        lines.iter().map(|line| format!("{}{:?}{}", line.check, line.level, line.says)).collect();
    let digest = sm3(told.join("\n").as_bytes());
    digest.iter().take(3).map(|byte| format!("{byte:02X}")).collect()
}

struct Page {
    language: Language,
    lines: Vec<DiagnosisLine>,
}

impl Page {
    fn say(&self, zh: &str, en: &str) -> String {
        match self.language {
            Language::Zh => zh,
            Language::En => en,
        }
        .to_owned()
    }

    fn line(&mut self, check: &str, level: Level, says: String) -> &mut DiagnosisLine {
        let title = word(&format!("check.{check}"), self.language);
        let line = DiagnosisLine {
            check: check.to_owned(),
            title,
            level,
            says,
            remedy: None,
            code: None,
            action: None,
        };
        self.lines.push(line);
        let last = self.lines.len() - 1;
        &mut self.lines[last]
    }

    fn ok(&mut self, check: &str, says: String) {
        self.line(check, Level::Ok, says);
    }

    fn not_ok(&mut self, check: &str, level: Level, message: Message) {
        let Message { code, sentence, remedy } = message;
        let line = self.line(check, level, sentence);
        line.remedy = Some(remedy);
        line.action = action_of(&code).and_then(RemedyAction::from_name);
        line.code = Some(code);
    }

    fn advice(&mut self, check: &str, level: Level, code: Option<&str>, (says, remedy): (String, String)) {
        let line = self.line(check, level, says);
        line.remedy = Some(remedy);
        line.code = code.map(str::to_owned);
    }
}

/// The PC/SC service, its readers with their cards, and the USB devices of known makes.
fn cards(page: &mut Page, subject: &Subject<'_>) -> Vec<readers::Reader> {
    let found = match readers::now() {
        Ok(found) => {
            page.ok("pcsc", page.say("读卡器服务正在运行", "the service for card readers is running"));
            found
        }
        Err(error) => {
            // Many makes come without PC/SC.
            page.not_ok("pcsc", Level::Warn, error.explain(page.language));
            Vec::new()
        }
    };
    for reader in &found {
        let card = match &reader.card {
            None => page.say("空", "empty"),
            Some(card) => card
                .atr
                .as_deref()
                .map_or_else(|| page.say("卡片没有应答", "the card does not answer"), spaced),
        };
        page.ok("reader", format!("{}: {card}", reader.name));
    }
    for device in usb::devices() {
        let known =
            subject.drivers.profiles().find(|p| p.recognition.knows_usb(device.vendor, device.product));
        if let Some(profile) = known {
            page.ok("usb", format!("{} {}", device.id(), model_name(profile, page.language)));
        }
    }
    found
}

fn modules(page: &mut Page, subject: &Subject<'_>, seen: &[readers::Reader]) {
    let drivers = subject.drivers;
    let lookups = drivers.lookups();
    let wanted = models_without_driver(drivers, &lookups, seen, &usb::devices());
    for profile in &wanted {
        let words = not_installed(profile, page.language);
        page.advice("module", Level::Bad, Some("token.module_missing"), words);
    }
    let is_wanted = |profile: &Profile| wanted.iter().any(|other| other.name == profile.name);
    let host_exe = subject.host_exe.map_or_else(default_host_exe, Path::to_owned);
    let mut found = 0;
    for Lookup { profile, outcome, .. } in &lookups {
        match outcome {
            Ok(driver) => {
                found += 1;
                match host_for(&host_exe, driver) {
                    Ok(_) => page.ok("module", format!("{profile}: {}", driver.module_path.display())),
                    Err(error) => page.not_ok("module", Level::Bad, error.explain(page.language)),
                }
            }
            Err(TokenError::ModuleMissing { .. } | TokenError::Unsupported { .. }) => {}
            Err(error) if drivers.profile(profile).is_none_or(|profile| !is_wanted(profile)) => {
                page.not_ok("module", Level::Bad, error.explain(page.language));
            }
            Err(_) => {}
        }
    }
    if found == 0 && wanted.is_empty() {
        let error = TokenError::ModuleMissing { path: String::new() };
        page.not_ok("module", Level::Warn, error.explain(page.language));
    }
}

/// Starts the hosts; what each module has. A token is told by its tail alone.
fn tokens(page: &mut Page, subject: &Subject<'_>) {
    let mut tokens = TokenSet::open(subject.drivers, subject.host_exe);
    let listed = tokens.list();
    for problem in tokens.problems() {
        page.not_ok("host", Level::Bad, problem.error.explain(page.language));
    }
    for host in tokens.hosts() {
        let failed = tokens.problems().iter().any(|problem| problem.profile == host.driver().profile.name);
        if !failed {
            let starts = page.say("可以启动", "starts");
            page.ok("host", format!("{}: {starts}", host.driver().profile.name));
        }
    }
    let tokens = listed.unwrap_or_default();
    for token in &tokens {
        if token.pin.retry_counter.is_locked() {
            page.not_ok("token", Level::Bad, TokenError::PinLocked.explain(page.language));
        } else if token.pin.retry_counter.is_last() {
            let retry_counter = token.pin.retry_counter;
            page.not_ok(
                "token",
                Level::Warn,
                TokenError::PinIncorrect { retry_counter }.explain(page.language),
            );
        } else {
            let says = page.say("可以读取，尾号 {}", "can be read; it ends in {}");
            page.ok("token", says.replace("{}", token.token_id.tail()));
        }
    }
    if tokens.is_empty() {
        page.not_ok("token", Level::Warn, FlowError::NoToken.explain(page.language));
    }
}

fn folders(page: &mut Page, subject: &Subject<'_>) {
    let writable = page.say("可以写入", "can be written");
    match DataDir::locks() {
        Ok(_) => page.ok("locks", writable.clone()),
        Err(error) => page.not_ok("locks", Level::Bad, error.explain(page.language)),
    }
    match subject.data_dir.journal() {
        Ok(_) => page.ok("journal", writable),
        Err(error) => page.not_ok("journal", Level::Bad, error.explain(page.language)),
    }
}

fn portal(page: &mut Page, subject: &Subject<'_>, now: OffsetDateTime) {
    let data_dir = subject.data_dir;
    match data_dir.anchors() {
        Ok(anchors) if !anchors.is_empty() => {
            let says = page.say("信任 {} 张根证书", "roots that are trusted: {}");
            page.ok("anchors", says.replace("{}", &anchors.len().to_string()));
        }
        Ok(_) => {
            page.not_ok("anchors", Level::Warn, crate::AssistantError::NoAnchor.explain(page.language));
        }
        Err(error) => page.not_ok("anchors", Level::Bad, error.explain(page.language)),
    }
    let asked = data_dir.client().and_then(|client| {
        page.ok("portal_address", client.address());
        Ok((client.project()?, client.clock()?))
    });
    match asked {
        Ok((project, portals)) => {
            page.ok("portal", project.name);
            let Some(portals) = portals else { return };
            let seconds = (now - portals).whole_seconds();
            let offset =
                page.say("与门户相差 {} 秒", "{} s from the portal's").replace("{}", &seconds.to_string());
            if seconds.abs() < CLOCK_TOLERANCE {
                page.ok("clock", offset);
            } else {
                let remedy = page.say("请校准本机的日期和时间。", "Set this machine's date and time right.");
                page.advice("clock", Level::Warn, None, (offset, remedy));
            }
        }
        Err(error @ DataDirError::NoPortal) => {
            page.not_ok("portal", Level::Warn, error.explain(page.language))
        }
        Err(error) => page.not_ok("portal", Level::Bad, error.explain(page.language)),
    }
}

impl Assistant {
    /// Takes some seconds.
    pub fn diagnose(&self) -> Result<Diagnosis> {
        let Context { data_dir, drivers, profiles_failed, host_exe, clock, .. } = &*self.shared;
        let (profiles_failed, host_exe) = (profiles_failed.as_ref(), host_exe.as_deref());
        let subject = Subject { data_dir, drivers, profiles_failed, host_exe };
        Ok(diagnose(&subject, clock.now(), self.language()))
    }

    pub(crate) fn diagnosis_file(&self) -> Result<TextFile> {
        let diagnosis = self.diagnose()?;
        let mut text = format!(
            "{} {}\n{} {}\n{} {}\n\n",
            word("diagnosis.title", self.language()),
            env!("CARGO_PKG_VERSION"),
            word("diagnosis.number", self.language()),
            diagnosis.number,
            std::env::consts::OS,
            std::env::consts::ARCH,
        );
        for line in &diagnosis.lines {
            let level = word(&format!("level.{:?}", line.level).to_lowercase(), self.language());
            text += &format!("[{level}] {}: {}\n", line.title, without_user(&line.says));
            for more in [&line.remedy, &line.code].into_iter().flatten() {
                text += &format!("      {more}\n");
            }
        }
        Ok(TextFile { name: format!("ycd-diagnosis-{}.txt", diagnosis.number), text })
    }

    pub(crate) fn unknown_token(&self) -> Result<TextFile> {
        let text = self.report_of_unknown_token().text();
        Ok(TextFile { name: "ycd-unknown-key.txt".to_owned(), text })
    }

    pub(crate) fn send_unknown_token(&self) -> Result<ReportReceived> {
        let report = driver_report::of(&self.report_of_unknown_token());
        // With nothing plugged in there is nothing to be told.
        if report.atr.is_none() && report.usb.is_empty() {
            return Err(FlowError::NoToken.into());
        }
        Ok(self.shared.data_dir.client()?.send_driver_report(&report)?)
    }

    fn report_of_unknown_token(&self) -> UnknownToken {
        let seen = readers::now().unwrap_or_default();
        let seen = seen.iter().find_map(|reader| Some((reader.name.as_str(), reader.card.as_ref()?)));
        UnknownToken::of_this_machine(seen, found_modules(&self.shared.drivers))
    }
}

/// A path in the user's own folder names the user.
fn without_user(text: &str) -> String {
    let data_dir = std::env::var(if cfg!(windows) { "USERPROFILE" } else { "HOME" }).unwrap_or_default();
    if data_dir.len() > 1 { text.replace(&data_dir, "~") } else { text.to_owned() }
}
