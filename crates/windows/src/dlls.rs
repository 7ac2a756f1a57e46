//! Where DLLs may come from.

/// From here on what is loaded by name comes from the system's own folder: not from the working directory, the
/// program's folder or `PATH`. What the program is linked with has been loaded before, and what is loaded by its whole
/// path still is. A system that refuses is no reason not to go on: no vendor's module is loaded into this process.
pub fn from_the_system_only() {
    #[cfg(windows)]
    {
        #![expect(unsafe_code, reason = "the C ABI of the loader")]
        use windows_sys::Win32::System::LibraryLoader::{
            LOAD_LIBRARY_SEARCH_SYSTEM32, SetDefaultDllDirectories, SetDllDirectoryW,
        };
        // SAFETY: the first takes a number; the string of the second ends in NUL and is only read.
        unsafe {
            SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32);
            SetDllDirectoryW([0].as_ptr());
        }
    }
}
