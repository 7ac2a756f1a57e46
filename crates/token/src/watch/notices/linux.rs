//! The kernel's notices of USB devices: uevents over netlink.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::Notice;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::io::Errno;
use rustix::net::netlink::{KOBJECT_UEVENT, SocketAddrNetlink};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

/// The kernel's own multicast group; udev's, with more in its messages, is another one.
const KERNEL: u32 = 1;
/// Bytes. The kernel's messages have at most 2048 behind a path.
const ROOM: usize = 8192;

/// A thread that listens. Dropping it ends the thread.
pub struct Notices {
    stop: Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Notices {
    /// `tell` is called on the thread that listens.
    pub fn start(tell: impl FnMut(Notice) + Send + 'static) -> io::Result<Self> {
        let socket = socket_with(
            AddressFamily::NETLINK,
            SocketType::DGRAM,
            SocketFlags::CLOEXEC,
            Some(KOBJECT_UEVENT),
        )?;
        bind(&socket, &SocketAddrNetlink::new(0, KERNEL))?;
        let stop = Arc::new(eventfd(0, EventfdFlags::CLOEXEC)?);
        let stopped = stop.clone();
        let thread =
            thread::Builder::new().name("devices".into()).spawn(move || listen(&socket, &stopped, tell))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.stop, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn listen(socket: &OwnedFd, stop: &OwnedFd, mut tell: impl FnMut(Notice)) {
    let mut message = vec![0; ROOM];
    loop {
        let mut waiting = [PollFd::new(stop, PollFlags::IN), PollFd::new(socket, PollFlags::IN)];
        match poll(&mut waiting, None) {
            Ok(_) if !waiting[0].revents().is_empty() => return,
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        match recv(socket, message.as_mut_slice(), RecvFlags::DONTWAIT) {
            Ok((len, _)) => {
                if let Some(notice) = read(&message[..len]) {
                    tell(notice);
                }
            }
            Err(Errno::NOBUFS) => tell(Notice::Unnamed),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => {
                tracing::warn!(%error, "the system's notices have ended");
                return;
            }
        }
    }
}

/// `add@/devices/…`, then `NAME=value`, each with a NUL behind it. A USB device says `PRODUCT=96e/309/100`: vendor,
/// product and version, hexadecimal without leading zeros.
fn read(message: &[u8]) -> Option<Notice> {
    let fields = || message.split(|byte| *byte == 0);
    let value =
        |name: &str| fields().find_map(|field| field.strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    let comes_or_goes = matches!(value("ACTION"), Some(b"add" | b"remove"));
    if !comes_or_goes || value("DEVTYPE") != Some(b"usb_device") {
        return None;
    }
    let product = std::str::from_utf8(value("PRODUCT")?).ok()?;
    let mut numbers = product.split('/').map(|number| u16::from_str_radix(number, 16).ok());
    Some(Notice::Usb { vendor: numbers.next()??, product: numbers.next()?? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(action: &str, kind: &str, product: &str) -> Vec<u8> {
        format!(
            "{action}@/devices/pci/usb1/1-1\0ACTION={action}\0DEVPATH=/devices/pci/usb1/1-1\0SUBSYSTEM=usb\0\
             DEVTYPE={kind}\0PRODUCT={product}\0SEQNUM=7\0"
        )
        .into_bytes()
    }

    #[test]
    fn a_usb_device_that_comes_or_goes_is_read_with_its_numbers() {
        let key = Some(Notice::Usb { vendor: 0x096E, product: 0x0309 });
        assert_eq!(read(&message("add", "usb_device", "96e/309/100")), key);
        assert_eq!(read(&message("remove", "usb_device", "96e/309/100")), key);
    }

    #[test]
    fn whatever_else_the_kernel_says_is_passed_over() {
        assert_eq!(read(&message("bind", "usb_device", "96e/309/100")), None);
        assert_eq!(read(&message("add", "usb_interface", "96e/309/100")), None);
        assert_eq!(read(&message("add", "usb_device", "96e")), None);
        assert_eq!(read(&message("add", "usb_device", "x/309/100")), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(b"libudev\0\xfe\xed\xca\xfe"), None);
    }

    #[test]
    fn the_thread_ends_when_it_is_dropped() {
        let notices = Notices::start(|_| ()).unwrap();
        let begun = std::time::Instant::now();
        drop(notices);
        assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    }
}
