//! What a report may say.

use ycd_portal_api::wire::{
    drivers::{DriverReport, ReportedModule, ReportedUsb},
    form::{FieldError, FieldErrorCode},
};

/// Longest name, in characters; every USB string is shorter (USB 2.0, 9.6.7: 126).
const NAME: usize = 128;
const DRAFT: usize = 8 * 1024;
/// A USB tree has 127 devices at most.
const DEVICES: usize = 127;
const MODULES: usize = 64;

/// Every field that is wrong, as `usb[3].id`, and how.
pub fn errors(report: &DriverReport) -> Vec<FieldError> {
    let mut errors = Errors(Vec::new());
    errors.name("assistant", &report.assistant);
    errors.note(!matches!(&*report.os, "linux" | "windows" | "macos"), "os", FieldErrorCode::BadValue);
    if let Some(reader) = &report.reader {
        errors.name("reader", reader);
    }
    errors.note(report.atr.as_deref().is_some_and(|atr| !is_atr(atr)), "atr", FieldErrorCode::BadAtr);
    errors.note(report.usb.len() > DEVICES, "usb", FieldErrorCode::TooMany);
    for (at, ReportedUsb { id, manufacturer, name }) in report.usb.iter().take(DEVICES).enumerate() {
        errors.note(!is_usb_id(id), &format!("usb[{at}].id"), FieldErrorCode::BadUsbId);
        errors.text(&format!("usb[{at}].manufacturer"), manufacturer, NAME);
        errors.text(&format!("usb[{at}].name"), name, NAME);
    }
    errors.note(report.modules.len() > MODULES, "modules", FieldErrorCode::TooMany);
    for (at, module) in report.modules.iter().take(MODULES).enumerate() {
        let ReportedModule { profile, file, bits, manufacturer, version } = module;
        errors.name(&format!("modules[{at}].profile"), profile);
        errors.name(&format!("modules[{at}].file"), file);
        // A folder can name who works there.
        errors.note(
            file.contains(['/', '\\']),
            &format!("modules[{at}].file"),
            FieldErrorCode::BadCharacters,
        );
        let is_known = matches!(bits, None | Some(32 | 64));
        errors.note(!is_known, &format!("modules[{at}].bits"), FieldErrorCode::BadValue);
        errors.text(&format!("modules[{at}].manufacturer"), manufacturer.as_deref().unwrap_or(""), NAME);
        errors.text(&format!("modules[{at}].version"), version.as_deref().unwrap_or(""), NAME);
    }
    let lines: String = report.draft.chars().filter(|c| *c != '\n').collect();
    errors.text("draft", &lines, DRAFT);
    // It says nothing of any token.
    let is_empty = report.atr.is_none() && report.reader.is_none() && report.usb.is_empty();
    errors.note(is_empty, "atr", FieldErrorCode::Required);
    errors.0
}

struct Errors(Vec<FieldError>);

impl Errors {
    fn note(&mut self, is_wrong: bool, field: &str, code: FieldErrorCode) {
        if is_wrong {
            self.0.push(FieldError { field: field.to_owned(), code });
        }
    }

    fn text(&mut self, field: &str, text: &str, longest: usize) {
        self.note(text.chars().count() > longest, field, FieldErrorCode::TooLong);
        self.note(text.chars().any(char::is_control), field, FieldErrorCode::BadCharacters);
    }

    fn name(&mut self, field: &str, name: &str) {
        self.note(name.trim().is_empty(), field, FieldErrorCode::Required);
        self.text(field, name, NAME);
    }
}

/// ISO/IEC 7816-3: 2 to 33 bytes that begin with 3B or 3F. As profiles have it: upper case, blanks between.
fn is_atr(text: &str) -> bool {
    let bytes: Vec<&str> = text.split(' ').collect();
    (2..=33).contains(&bytes.len())
        && matches!(bytes[0], "3B" | "3F")
        && bytes.iter().all(|byte| byte.len() == 2 && byte.bytes().all(is_upper_hex))
}

fn is_usb_id(text: &str) -> bool {
    let is_orphaned = |half: &str| half.len() == 4 && half.bytes().all(is_upper_hex);
    text.split_once(':').is_some_and(|(vendor, product)| is_orphaned(vendor) && is_orphaned(product))
}

fn is_upper_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> DriverReport {
        DriverReport {
            assistant: "0.1.0".into(),
            os: "linux".into(),
            reader: Some("Some Token 00 00".into()),
            atr: Some("3B 01 7F".into()),
            usb: vec![ReportedUsb { id: "055C:F603".into(), manufacturer: String::new(), name: "K".into() }],
            modules: vec![ReportedModule {
                profile: "itrus".into(),
                file: "libgm3000_pkcs11.so".into(),
                bits: Some(64),
                manufacturer: None,
                version: Some("1.2".into()),
            }],
            draft: "name = \"draft\"\n".into(),
        }
    }

    #[test]
    fn what_a_machine_tells_is_taken_and_of_each_wrong_field_it_is_said_which_and_how() {
        assert_eq!(errors(&report()), []);
        type Spoil = fn(&mut DriverReport);
        let spoilt: [(Spoil, &str, FieldErrorCode); 20] = [
            (|r| r.assistant = " ".into(), "assistant", FieldErrorCode::Required),
            (|r| r.assistant = "x".repeat(129), "assistant", FieldErrorCode::TooLong),
            (|r| r.os = "beos".into(), "os", FieldErrorCode::BadValue),
            (|r| r.reader = Some(String::new()), "reader", FieldErrorCode::Required),
            (|r| r.reader = Some("a\u{1b}[2J".into()), "reader", FieldErrorCode::BadCharacters),
            (|r| r.atr = Some("3B017F".into()), "atr", FieldErrorCode::BadAtr),
            (|r| r.atr = Some("3C 01".into()), "atr", FieldErrorCode::BadAtr),
            (|r| r.atr = Some("3B".into()), "atr", FieldErrorCode::BadAtr),
            (|r| r.atr = Some(["3B"; 34].join(" ")), "atr", FieldErrorCode::BadAtr),
            (|r| r.atr = Some("3B +1".into()), "atr", FieldErrorCode::BadAtr),
            (|r| r.usb = vec![r.usb[0].clone(); 128], "usb", FieldErrorCode::TooMany),
            (|r| r.usb[0].id = "055CF603".into(), "usb[0].id", FieldErrorCode::BadUsbId),
            (|r| r.usb[0].name = "\0".into(), "usb[0].name", FieldErrorCode::BadCharacters),
            (|r| r.modules = vec![r.modules[0].clone(); 65], "modules", FieldErrorCode::TooMany),
            (
                |r| r.modules[0].file = "/opt/x/lib.so".into(),
                "modules[0].file",
                FieldErrorCode::BadCharacters,
            ),
            (
                |r| r.modules[0].file = "C:\\x\\lib.dll".into(),
                "modules[0].file",
                FieldErrorCode::BadCharacters,
            ),
            (|r| r.modules[0].bits = Some(16), "modules[0].bits", FieldErrorCode::BadValue),
            (|r| r.modules[0].version = Some("x".repeat(129)), "modules[0].version", FieldErrorCode::TooLong),
            (|r| r.draft = "中".repeat(8193), "draft", FieldErrorCode::TooLong),
            (|r| (r.atr, r.reader, r.usb) = (None, None, Vec::new()), "atr", FieldErrorCode::Required),
        ];
        for (spoil, field, code) in spoilt {
            let mut report = report();
            spoil(&mut report);
            assert_eq!(errors(&report), [FieldError { field: field.into(), code }]);
        }
    }
}
