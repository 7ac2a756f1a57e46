//! A token that nobody knows: what can be said of it, for whoever writes its profile.

use std::path::PathBuf;

use serde::Serialize;

use crate::binary::bits;
use crate::profile::{Driver, Drivers, Lookup, Profile};
use crate::readers::{self, Card, Reader};
use crate::usb::{self, UsbDevice};
use crate::wire::ModuleInfo;

/// Says nothing of who the user is: no serial numbers, no certificates, no file of theirs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UnknownToken {
    /// The reader's name, without the serial number that some have in it; `None` for a token that no reader shows.
    pub reader: Option<String>,
    /// Answer to reset, hexadecimal with blanks between the bytes.
    pub atr: Option<String>,
    /// All that is plugged in: which of them is the token cannot be told.
    pub usb: Vec<UsbDevice>,
    pub modules: Vec<FoundModule>,
    /// A profile to be filled in, as TOML.
    pub draft: String,
}

/// A module of any profile that is installed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FoundModule {
    pub profile: String,
    pub path: PathBuf,
    /// 32 or 64, from the file's header.
    pub bits: Option<u8>,
    /// What the module says of itself, where it could be started.
    pub manufacturer: Option<String>,
    pub version: Option<String>,
}

impl FoundModule {
    pub fn new(driver: &Driver, says: Option<&ModuleInfo>) -> Self {
        Self {
            profile: driver.profile.name.clone(),
            path: driver.module_path.clone(),
            bits: bits(&driver.module_path),
            manufacturer: says.map(|info| info.manufacturer.trim().to_owned()),
            version: says.map(|info| format!("{}.{}", info.version.0, info.version.1)),
        }
    }
}

/// Hexadecimal with blanks, as profiles have it.
pub fn spaced(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// Makes whose USB device is plugged in and whose driver is not installed: the likeliest reason for a token that nobody
/// knows.
pub fn models_without_driver<'a>(
    drivers: &'a Drivers,
    lookups: &[Lookup],
    readers: &[Reader],
    devices: &[UsbDevice],
) -> Vec<&'a Profile> {
    let missing = lookups.iter().filter(|lookup| lookup.outcome.is_err());
    let profiles = missing.filter_map(|lookup| drivers.profile(&lookup.profile));
    let is_there = |profile: &Profile| {
        let known = &profile.recognition;
        let by_usb = devices.iter().any(|device| known.knows_usb(device.vendor, device.product));
        let by_card = readers.iter().any(|reader| {
            let atr = reader.card.as_ref().and_then(|card| card.atr.as_deref());
            atr.is_some_and(|atr| known.knows_atr(atr))
        });
        by_usb || by_card
    };
    profiles.filter(|profile| is_there(profile)).collect()
}

/// As [`models_without_driver`], with what is plugged in now.
pub fn models_without_driver_now<'a>(drivers: &'a Drivers, lookups: &[Lookup]) -> Vec<&'a Profile> {
    // Without the PC/SC service there are still USB devices.
    let seen = readers::now().unwrap_or_default();
    models_without_driver(drivers, lookups, &seen, &usb::devices())
}

impl UnknownToken {
    /// `seen`: the reader's name (empty: not known) and the card, where a reader shows the token.
    pub fn new(seen: Option<(&str, &Card)>, devices: Vec<UsbDevice>, modules: Vec<FoundModule>) -> Self {
        let reader = seen.map(|(reader, _)| without_serial(reader)).filter(|reader| !reader.is_empty());
        let atr = seen.and_then(|(_, card)| card.atr.as_deref()).map(spaced);
        let draft = draft(reader.as_deref(), atr.as_deref(), &devices);
        Self { reader, atr, usb: devices, modules, draft }
    }

    /// As [`new`](Self::new), with what is plugged in now.
    pub fn of_this_machine(seen: Option<(&str, &Card)>, modules: Vec<FoundModule>) -> Self {
        Self::new(seen, usb::devices(), modules)
    }

    /// For people: a few lines, then the draft.
    pub fn text(&self) -> String {
        let mut lines = vec![
            format!("reader: {}", self.reader.as_deref().unwrap_or("-")),
            format!("ATR:    {}", self.atr.as_deref().unwrap_or("-")),
        ];
        for device in &self.usb {
            lines.push(format!("USB:    {} {} {}", device.id(), device.manufacturer, device.name));
        }
        for module in &self.modules {
            let bits = module.bits.map_or_else(|| "?".into(), |bits| bits.to_string());
            let told = [module.manufacturer.as_deref(), module.version.as_deref()];
            let told = told.into_iter().flatten().collect::<Vec<_>>().join(" ");
            let path = module.path.display();
            lines.push(format!("module: {} {path} ({bits}) {told}", module.profile));
        }
        let lines: Vec<&str> = lines.iter().map(|line| line.trim_end()).collect();
        format!("{}\n\n{}", lines.join("\n"), self.draft)
    }
}

/// pcscd names a reader `name [interface] (serial number) 00 00`, with whatever of it the device tells.
fn without_serial(reader: &str) -> String {
    let Some((head, numbers)) = reader.rsplit_once(')') else { return reader.to_owned() };
    let are_numbers = numbers.chars().all(|c| c == ' ' || c.is_ascii_hexdigit());
    match head.rsplit_once(" (") {
        Some((name, _)) if are_numbers => format!("{name}{numbers}"),
        _ => reader.to_owned(),
    }
}

/// The numbers are those most modules share; the file's name only the vendor knows.
fn draft(reader: Option<&str>, atr: Option<&str>, devices: &[UsbDevice]) -> String {
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let list =
        |items: Vec<String>| format!("[{}]", items.iter().map(|i| quoted(i)).collect::<Vec<_>>().join(", "));
    // pcscd's numbers at the end differ from one insertion to the next.
    let name =
        reader.unwrap_or("USBKEY").trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ').to_owned();
    let name = if name.is_empty() { "USBKEY".to_owned() } else { name };
    let readers =
        if reader.is_some() { vec![format!("{}*", name.replace(['*', '?'], "?"))] } else { Vec::new() };
    format!(
        r#"# A draft. Put in the name of the vendor's PKCS#11 module and the folder it lies in, take out the USB devices
# that are not the token, then: ycd driver probe --try THIS-FILE
name = "draft"
family = "draft"
interface = "pkcs11"
verified = false

[display]
zh = {name}
en = {name}

[recognition]
atrs = {atrs}
readers = {readers}
usb = {usb}
beyond_pcsc = true

[[modules]]
os = "{os}"
bits = {bits}
directories = [{folder}]
files = []
source = "draft"

[pkcs11]
key_type = {{ value = 0x80000004, source = "shared" }}
key_pair_gen = {{ value = 0x80008001, source = "shared" }}

[[pkcs11.sign]]
mechanism = 0x80008103
input = "message"
format = "der"
source = "shared"

[[pkcs11.sign]]
mechanism = 0x80008102
input = "message"
format = "raw"
source = "shared"

[[pkcs11.sign]]
mechanism = 0x80008105
input = "e"
format = "raw"
source = "shared"

[sources]
draft = "seen on one machine"
shared = "the numbers of profile itrus, to be tried"
"#,
        name = quoted(&name),
        atrs = list(atr.map(str::to_owned).into_iter().collect()),
        readers = list(readers),
        usb = list(devices.iter().map(UsbDevice::id).collect()),
        os = if cfg!(windows) {
            "windows"
        } else if cfg!(target_os = "macos") {
            "macos"
        } else {
            "linux"
        },
        bits = usize::BITS,
        folder = quoted(if cfg!(windows) { "{system32}" } else { "/usr/lib" }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device() -> UsbDevice {
        UsbDevice { vendor: 0x1234, product: 0xABCD, manufacturer: "M".into(), name: "K".into() }
    }

    #[test]
    fn the_draft_is_a_profile_that_knows_the_token_it_was_made_from() {
        let card = Card { atr: Some(vec![0x3B, 0x01, 0x7F]) };
        for reader in ["Some \"Key\" \\ 00 00", "*?*", "", "12 34", "读卡器 00"] {
            let report = UnknownToken::new(Some((reader, &card)), vec![device()], Vec::new());
            let profile = Profile::from_toml("draft.toml", &report.draft).unwrap();
            assert!(profile.recognition.knows_atr(&[0x3B, 0x01, 0x7F]));
            assert!(profile.recognition.knows_usb(0x1234, 0xABCD));
            assert!(
                profile.recognition.knows_reader(reader)
                    || reader.trim_matches(char::is_numeric).trim().is_empty()
            );
        }
        let report = UnknownToken::new(None, Vec::new(), Vec::new());
        Profile::from_toml("draft.toml", &report.draft).unwrap();
    }

    #[test]
    fn a_serial_number_in_the_readers_name_stays_out_of_report_and_draft() {
        let card = Card { atr: Some(vec![0x3B, 0x01]) };
        let seen = "SCR 331 [CCID Interface] (21120712345678) 00 00";
        let report = UnknownToken::new(Some((seen, &card)), Vec::new(), Vec::new());
        assert_eq!(report.reader.as_deref(), Some("SCR 331 [CCID Interface] 00 00"));
        assert!(!report.text().contains("2112"), "{}", report.text());
        assert!(Profile::from_toml("draft.toml", &report.draft).unwrap().recognition.knows_reader(seen));
        for name in ["Key (new) model 00 00", "Key 00 00", ")", "(", ""] {
            assert_eq!(without_serial(name), name);
        }
    }

    #[test]
    fn the_report_reads_as_text_and_as_json() {
        let module = FoundModule {
            profile: "itrus".into(),
            path: "/usr/lib/libgm3000_pkcs11.so".into(),
            bits: Some(64),
            manufacturer: Some("Longmai".into()),
            version: Some("1.2".into()),
        };
        let card = Card { atr: None };
        let report = UnknownToken::new(Some(("R 0", &card)), vec![device()], vec![module]);
        let text = report.text();
        assert!(text.starts_with("reader: R 0\nATR:    -\nUSB:    1234:ABCD M K\n"));
        assert!(text.contains("module: itrus /usr/lib/libgm3000_pkcs11.so (64) Longmai 1.2\n\n# A draft."));
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["modules"][0]["bits"], 64);
        assert_eq!(json["atr"], serde_json::Value::Null);
    }

    #[test]
    fn a_model_whose_token_is_there_and_whose_driver_is_not_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let drivers = Drivers::load(Some(folder.path())).unwrap();
        let haitai = UsbDevice { vendor: 0x5448, product: 0x0003, ..device() };
        let lookups = drivers.lookups();
        let named = models_without_driver(&drivers, &lookups, &[], &[haitai, device()]);
        assert_eq!(named.iter().map(|profile| profile.name.as_str()).collect::<Vec<_>>(), ["haitai"]);
        assert!(named[0].display.driver_from.is_some());
    }
}
