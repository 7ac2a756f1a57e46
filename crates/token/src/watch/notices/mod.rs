//! The system's notices of USB devices, for modules that cannot wait for slot events and for token models without their
//! driver.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub use self::linux::Notices;
#[cfg(windows)]
pub use self::windows::Notices;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    /// A device of these ids came or went.
    Usb { vendor: u16, product: u16 },
    /// Devices whose ids nobody knows: more happened than the kernel keeps for us, or one went on Windows.
    Unnamed,
}
