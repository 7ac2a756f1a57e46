//! Where DLLs may come from on Windows: the system's own folder and the module's, and nowhere else. Neither the working
//! directory, nor the program's folder, nor `PATH` is searched, by this program or by what a module loads later.
//!
//! What the program itself is linked with was loaded before this; `docs/windows.md` says what that leaves open.

#[cfg(not(windows))]
pub use other::{from_known_places_only, load};
#[cfg(windows)]
pub use windows::{from_known_places_only, load};

/// Other systems search neither the working directory nor the program's folder.
#[cfg(not(windows))]
mod other {
    use std::{io, path::Path};

    #[expect(clippy::unnecessary_wraps, reason = "Windows can fail here")]
    pub fn from_known_places_only() -> io::Result<()> {
        Ok(())
    }

    #[expect(clippy::unnecessary_wraps, reason = "Windows can fail here")]
    pub fn load(_module: &Path) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(windows)]
mod windows {
    #![expect(unsafe_code, reason = "the C ABI of the loader")]

    use std::{io, os::windows::ffi::OsStrExt as _, path::Path, ptr::null_mut};

    use windows_sys::Win32::System::LibraryLoader::{
        AddDllDirectory, LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR, LOAD_LIBRARY_SEARCH_SYSTEM32,
        LOAD_LIBRARY_SEARCH_USER_DIRS, LoadLibraryExW, SetDefaultDllDirectories, SetDllDirectoryW,
    };

    /// Before anything is loaded by name. Where the system refuses, no module is to be loaded.
    pub fn from_known_places_only() -> io::Result<()> {
        // SAFETY: the first takes a number; the string of the second ends in NUL and is only read.
        let done = unsafe {
            SetDefaultDllDirectories(LOAD_LIBRARY_SEARCH_SYSTEM32 | LOAD_LIBRARY_SEARCH_USER_DIRS) != 0
                // Empty: the working directory is not searched even by those who bring their own way of loading.
                && SetDllDirectoryW([0].as_ptr()) != 0
        };
        if done { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Loads a module by its absolute path, to stay, with its folder as the only other place for what it needs: also
    /// for what it asks for by name once it runs. Whoever loads the same path afterwards gets this one.
    pub fn load(module: &Path) -> io::Result<()> {
        if let Some(folder) = module.parent() {
            // SAFETY: the path ends in NUL and is only read.
            if unsafe { AddDllDirectory(wide(folder).as_ptr()) }.is_null() {
                return Err(io::Error::last_os_error());
            }
        }
        let flags = LOAD_LIBRARY_SEARCH_DLL_LOAD_DIR | LOAD_LIBRARY_SEARCH_SYSTEM32;
        // SAFETY: the path ends in NUL and is only read. That code of the module runs here is what this process is for.
        let handle = unsafe { LoadLibraryExW(wide(module).as_ptr(), null_mut(), flags) };
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(()) }
    }

    fn wide(path: &Path) -> Vec<u16> {
        path.as_os_str().encode_wide().chain([0]).collect()
    }
}
