//! Modules crash. When one does, no image of memory, with a PIN in it, is left behind, and no window opens.

/// Before a module is loaded. A system that refuses is no reason not to go on.
#[cfg(unix)]
pub fn leave_no_trace() {
    use rustix::process::{Resource, Rlimit, setrlimit};

    let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    // A system that pipes images to a program does not ask for the limit.
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable);
}

/// Before a module is loaded. A system that refuses is no reason not to go on.
#[cfg(windows)]
pub fn leave_no_trace() {
    use windows_sys::Win32::System::Diagnostics::Debug::{
        SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX, SetErrorMode,
    };
    // SAFETY: takes numbers only.
    unsafe { SetErrorMode(SEM_FAILCRITICALERRORS | SEM_NOGPFAULTERRORBOX) };
}
