//! What a process through which secrets pass does first.

/// PINs and, in a portal, the authority's keys pass through this process: its memory is to lie nowhere after a crash.
pub fn leave_no_core_image() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Where a limit cannot be lowered it is the system's wish, and no reason not to work.
        let _ = setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) });
    }
}
