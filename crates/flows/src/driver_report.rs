//! A token that nobody knows, as it is told to the portal.

use ycd_portal_api::wire::drivers::{DriverReport, ReportedModule, ReportedUsb};
use ycd_token::report::UnknownToken;

/// What the portal takes.
const NAME: usize = 128;
const DEVICES: usize = 127;
const MODULES: usize = 64;

/// The report without what could tell of the user: of a module's path the file's name only. Names that devices and
/// modules tell of themselves are cut to what the portal takes.
pub fn of(token: &UnknownToken) -> DriverReport {
    DriverReport {
        assistant: env!("CARGO_PKG_VERSION").to_owned(),
        os: std::env::consts::OS.to_owned(),
        reader: token.reader.as_deref().map(name).filter(|reader| !reader.is_empty()),
        atr: token.atr.clone(),
        usb: token
            .usb
            .iter()
            .take(DEVICES)
            .map(|device| ReportedUsb {
                id: device.id(),
                manufacturer: name(&device.manufacturer),
                name: name(&device.name),
            })
            .collect(),
        modules: token
            .modules
            .iter()
            .take(MODULES)
            .map(|module| ReportedModule {
                profile: name(&module.profile),
                file: module.path.file_name().map(|file| name(&file.to_string_lossy())).unwrap_or_default(),
                bits: module.bits,
                manufacturer: module.manufacturer.as_deref().map(name),
                version: module.version.as_deref().map(name),
            })
            .collect(),
        draft: token.draft.clone(),
    }
}

fn name(text: &str) -> String {
    let text: String = text.chars().filter(|c| !c.is_control()).take(NAME).collect();
    text.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use ycd_token::{readers::Card, report::FoundModule, usb::UsbDevice};

    use super::*;

    #[test]
    fn no_folder_no_serial_number_and_no_control_character_is_sent() {
        let module = FoundModule {
            profile: "itrus".into(),
            path: "/opt/zhangsan/libgm3000_pkcs11.so".into(),
            bits: Some(64),
            manufacturer: Some("Long\u{1b}[2Jmai\0".into()),
            version: None,
        };
        let device =
            UsbDevice { vendor: 0x055C, product: 0xF603, manufacturer: "M".repeat(200), name: "K".into() };
        let card = Card { atr: Some(vec![0x3B, 0x01]) };
        let token = UnknownToken::new(Some(("Key (0123456789) 00 00", &card)), vec![device], vec![module]);
        let report = of(&token);
        let sent = serde_json::to_string(&report).unwrap();
        assert!(!sent.contains("zhangsan") && !sent.contains("0123456789"), "{sent}");
        assert_eq!(report.modules[0].file, "libgm3000_pkcs11.so");
        assert_eq!(report.modules[0].manufacturer.as_deref(), Some("Long[2Jmai"));
        assert_eq!((report.usb[0].manufacturer.len(), report.usb[0].id.as_str()), (128, "055C:F603"));
        assert_eq!((report.reader.as_deref(), report.atr.as_deref()), (Some("Key 00 00"), Some("3B 01")));
    }
}
