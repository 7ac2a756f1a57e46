//! What a process through which secrets pass does first.

/// Before anything else: neither a crash nor a DLL that somebody put in the way gets at what passes through.
pub fn begin_guarded() {
    ycd_windows::dlls::from_the_system_only();
    leave_no_core_image();
}

/// PINs and, in a portal, the authority's keys pass through this process: its memory is to lie nowhere after a crash.
fn leave_no_core_image() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Where a limit cannot be lowered it is the system's wish, and no reason not to work.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}
