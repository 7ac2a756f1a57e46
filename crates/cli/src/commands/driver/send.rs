//! `ycd driver explain --send`: the report on a token that nobody knows, to the portal.

use serde::Serialize;
use ycd_flows::driver_report;
use ycd_portal_api::wire::drivers::DriverReport;
use ycd_token::report::UnknownToken;

use crate::{data_dir::DataDir, error::Result, prompter::agrees, say::Say};

/// What the portal was told, and the number it gave.
#[derive(Debug, Serialize)]
pub struct Sent {
    number: String,
    report: DriverReport,
}

impl Sent {
    pub fn words(&self, say: &Say) -> String {
        say.t(
            "已发送，报告号 {}。致电服务热线时请告知这个号码。",
            "Sent; the report's number is {}. Tell it to the hotline.",
        )
        .replace("{}", &self.number)
    }
}

/// Shows every word of it first. A person at the terminal is asked once more; from a program the option is the yes.
/// `None` where the person would rather not.
pub fn send(token: &UnknownToken, data_dir: &DataDir, say: &Say) -> Result<Option<Sent>> {
    let client = data_dir.client()?;
    let report = driver_report::of(token);
    say.aside(say.t("将发送给门户：\n", "This is sent to the portal:\n"));
    say.aside(&report_words(&report));
    if say.can_ask() && !agrees(say.t("发送吗？", "Send it?"), say) {
        return Ok(None);
    }
    let number = client.send_driver_report(&report)?.number;
    Ok(Some(Sent { number, report }))
}

/// All of a report: a few lines, then the draft.
pub fn report_words(report: &DriverReport) -> String {
    let mut lines = vec![
        format!("ycd:    {} {}", report.assistant, report.os),
        format!("reader: {}", report.reader.as_deref().unwrap_or("-")),
        format!("ATR:    {}", report.atr.as_deref().unwrap_or("-")),
    ];
    for device in &report.usb {
        lines.push(format!("USB:    {} {} {}", device.id, device.manufacturer, device.name));
    }
    for module in &report.modules {
        let bits = module.bits.map_or_else(|| "?".into(), |bits| bits.to_string());
        let told = [module.manufacturer.as_deref(), module.version.as_deref()];
        let told = told.into_iter().flatten().collect::<Vec<_>>().join(" ");
        lines.push(format!("module: {} {} ({bits}) {told}", module.profile, module.file));
    }
    let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
    format!("{}\n\n{}", lines.join("\n"), report.draft)
}
