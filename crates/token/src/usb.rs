//! The USB devices that are plugged in, as the system lists them.

use std::path::Path;

use serde::{Deserialize, Serialize};

/// Without its serial number, which is nobody's business.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsbDevice {
    pub vendor: u16,
    pub product: u16,
    pub manufacturer: String,
    pub name: String,
}

impl UsbDevice {
    /// `055C:F603`
    pub fn id(&self) -> String {
        format!("{:04X}:{:04X}", self.vendor, self.product)
    }
}

/// Hubs left out. Empty on macOS.
#[cfg(not(windows))]
pub fn devices() -> Vec<UsbDevice> {
    devices_in(Path::new("/sys/bus/usb/devices"))
}

/// Hubs left out.
#[cfg(windows)]
pub fn devices() -> Vec<UsbDevice> {
    use nusb::MaybeFuture as _;

    const HUB: u8 = 0x09;
    let listed = match nusb::list_devices().wait() {
        Ok(listed) => listed,
        Err(error) => {
            tracing::warn!(%error, "USB devices cannot be listed");
            return Vec::new();
        }
    };
    listed
        .filter(|device| device.class() != HUB)
        .map(|device| UsbDevice {
            vendor: device.vendor_id(),
            product: device.product_id(),
            manufacturer: device.manufacturer_string().unwrap_or_default().to_owned(),
            name: device.product_string().unwrap_or_default().to_owned(),
        })
        .collect()
}

/// As [`devices`], from a folder laid out as Linux's `/sys/bus/usb/devices`.
pub fn devices_in(folder: &Path) -> Vec<UsbDevice> {
    const HUB: &str = "09";
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<_> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let device = |path: &Path| {
        let text = |name: &str| {
            let bytes = std::fs::read(path.join(name)).unwrap_or_default();
            String::from_utf8_lossy(&bytes).trim().to_owned()
        };
        let number = |name: &str| u16::from_str_radix(&text(name), 16).ok();
        if text("bDeviceClass") == HUB {
            return None;
        }
        Some(UsbDevice {
            vendor: number("idVendor")?,
            product: number("idProduct")?,
            manufacturer: text("manufacturer"),
            name: text("product"),
        })
    };
    paths.iter().filter_map(|path| device(path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_with_their_names_and_hubs_and_interfaces_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let make = |name: &str, files: &[(&str, &str)]| {
            std::fs::create_dir(folder.path().join(name)).unwrap();
            for (file, text) in files {
                std::fs::write(folder.path().join(name).join(file), text).unwrap();
            }
        };
        let key = [
            ("idVendor", "055c\n"),
            ("idProduct", "f603\n"),
            ("bDeviceClass", "00\n"),
            ("product", "mToken\n"),
        ];
        make("1-1", &key);
        make("usb1", &[("idVendor", "1d6b\n"), ("idProduct", "0002\n"), ("bDeviceClass", "09\n")]);
        make("1-1:1.0", &[("bInterfaceClass", "0b\n")]);
        let found = devices_in(folder.path());
        let key =
            UsbDevice { vendor: 0x055C, product: 0xF603, manufacturer: String::new(), name: "mToken".into() };
        assert_eq!(found, [key]);
        assert_eq!(found[0].id(), "055C:F603");
        assert_eq!(devices_in(&folder.path().join("nothing")), []);
    }
}
