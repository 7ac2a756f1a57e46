//! The system's notices of devices that come and go, for modules that cannot wait for slot events.

use ycd_token::TokenError;

/// Blocks until a device has come or gone since the last call, or since the first call began.
///
/// # Errors
/// [`TokenError::Unsupported`] where the system's notices reach the assistant itself (Linux), or it refuses them.
pub fn wait() -> Result<(), TokenError> {
    platform::wait().ok_or_else(|| TokenError::Unsupported { what: "notices of devices".into() })
}

#[cfg(not(windows))]
mod platform {
    pub fn wait() -> Option<()> {
        None
    }
}

#[cfg(windows)]
mod platform {
    #![expect(unsafe_code, reason = "the C ABI of the configuration manager")]

    use std::ffi::c_void;
    use std::sync::{Condvar, Mutex, OnceLock, PoisonError};

    use windows_sys::Win32::Devices::DeviceAndDriverInstallation::{
        CM_NOTIFY_ACTION, CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL, CM_NOTIFY_ACTION_DEVICEINTERFACEREMOVAL,
        CM_NOTIFY_EVENT_DATA, CM_NOTIFY_FILTER, CM_NOTIFY_FILTER_FLAG_ALL_INTERFACE_CLASSES,
        CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE, CM_Register_Notification, CR_SUCCESS, HCMNOTIFICATION,
    };

    /// Whether something came or went that nobody has been told of.
    static NEWS: Mutex<bool> = Mutex::new(false);
    static BELL: Condvar = Condvar::new();
    /// Whether the system tells. Asked for once, to the end of the process, so that nothing between two waits is lost.
    static TELLS: OnceLock<bool> = OnceLock::new();

    pub fn wait() -> Option<()> {
        if !TELLS.get_or_init(register) {
            return None;
        }
        let mut news = NEWS.lock().unwrap_or_else(PoisonError::into_inner);
        while !*news {
            news = BELL.wait(news).unwrap_or_else(PoisonError::into_inner);
        }
        *news = false;
        Some(())
    }

    fn register() -> bool {
        let Ok(size) = u32::try_from(size_of::<CM_NOTIFY_FILTER>()) else { return false };
        let filter = CM_NOTIFY_FILTER {
            cbSize: size,
            Flags: CM_NOTIFY_FILTER_FLAG_ALL_INTERFACE_CLASSES,
            FilterType: CM_NOTIFY_FILTER_TYPE_DEVICEINTERFACE,
            ..CM_NOTIFY_FILTER::default()
        };
        let mut handle: HCMNOTIFICATION = Default::default();
        // SAFETY: the filter lives through the call and has its true size; the callback is a function of this program
        // and uses no context; the handle is never closed, so the callback may be called to the end of the process.
        let answer = unsafe {
            CM_Register_Notification(&raw const filter, std::ptr::null(), Some(notice), &raw mut handle)
        };
        answer == CR_SUCCESS
    }

    /// Called by the system on a thread of its own.
    unsafe extern "system" fn notice(
        _: HCMNOTIFICATION,
        _: *const c_void,
        action: CM_NOTIFY_ACTION,
        _: *const CM_NOTIFY_EVENT_DATA,
        _: u32,
    ) -> u32 {
        if matches!(action, CM_NOTIFY_ACTION_DEVICEINTERFACEARRIVAL | CM_NOTIFY_ACTION_DEVICEINTERFACEREMOVAL)
        {
            *NEWS.lock().unwrap_or_else(PoisonError::into_inner) = true;
            BELL.notify_all();
        }
        0
    }
}
