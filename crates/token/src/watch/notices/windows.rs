//! Windows' notices of USB devices (CM_Register_Notification), by way of `nusb`.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, JoinHandle, Thread};

use futures_core::Stream as _;
use nusb::hotplug::{HotplugEvent, HotplugWatch};

use super::Notice;

/// A thread that listens. Dropping it ends the thread.
pub struct Notices {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Notices {
    /// `tell` is called on the thread that listens.
    pub fn start(tell: impl FnMut(Notice) + Send + 'static) -> io::Result<Self> {
        let watch = nusb::watch_devices().map_err(io::Error::other)?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread =
            thread::Builder::new().name("devices".into()).spawn(move || listen(watch, &stopped, tell))?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            let _ = thread.join();
        }
    }
}

/// Wakes the thread that listens.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

fn listen(mut watch: HotplugWatch, stopped: &AtomicBool, mut tell: impl FnMut(Notice)) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    while !stopped.load(Ordering::SeqCst) {
        match Pin::new(&mut watch).poll_next(&mut context) {
            Poll::Ready(Some(HotplugEvent::Connected(device))) => {
                tell(Notice::Usb { vendor: device.vendor_id(), product: device.product_id() });
            }
            Poll::Ready(Some(HotplugEvent::Disconnected(_))) => tell(Notice::Unnamed),
            Poll::Ready(None) => return,
            Poll::Pending => thread::park(),
        }
    }
}
