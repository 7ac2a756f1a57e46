//! The two pipes to the owner, out of reach of a module that prints.

use std::fs::File;
use std::io;

/// Gives private handles of standard input and output, and points the standard ones at nothing; standard error too,
/// unless `YCD_HOST_LOG` is set.
#[cfg(unix)]
pub fn take_over() -> io::Result<(File, File)> {
    use std::os::fd::OwnedFd;

    // Above the numbers that a careless module might close or write to.
    const FIRST: i32 = 64;
    let private = |fd| -> io::Result<OwnedFd> { Ok(rustix::io::fcntl_dupfd_cloexec(fd, FIRST)?) };
    let from_owner = private(rustix::stdio::stdin())?;
    let to_owner = private(rustix::stdio::stdout())?;
    let null = File::options().read(true).write(true).open("/dev/null")?;
    rustix::stdio::dup2_stdin(&null)?;
    rustix::stdio::dup2_stdout(&null)?;
    if std::env::var_os("YCD_HOST_LOG").is_none() {
        rustix::stdio::dup2_stderr(&null)?;
    }
    Ok((from_owner.into(), to_owner.into()))
}

/// Gives private handles of standard input and output, and points the standard ones at nothing; standard error too,
/// unless `YCD_HOST_LOG` is set. Both the system's standard handles and the descriptors of the C run-time that this
/// program shares with most modules; a module that brings its own run-time takes over the system's.
#[cfg(windows)]
pub fn take_over() -> io::Result<(File, File)> {
    use std::os::windows::io::{FromRawHandle, IntoRawHandle};

    use windows_sys::Win32::Foundation::{DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE};
    use windows_sys::Win32::System::Console::{
        GetStdHandle, STD_ERROR_HANDLE, STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
    };
    use windows_sys::Win32::System::Threading::GetCurrentProcess;

    fn private(which: STD_HANDLE) -> io::Result<File> {
        let mut copy: HANDLE = std::ptr::null_mut();
        // SAFETY: the handles are this process's own; `copy` is written before it is used, and only on success. The
        // copy is not inherited by processes that a module starts.
        let done = unsafe {
            let me = GetCurrentProcess();
            DuplicateHandle(me, GetStdHandle(which), me, &mut copy, 0, 0, DUPLICATE_SAME_ACCESS)
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `copy` is open, and owned by nobody else.
        Ok(unsafe { File::from_raw_handle(copy) })
    }

    // Both before anything is closed, so that neither takes the number of a handle that the run-time still knows.
    let (from_owner, to_owner) = (private(STD_INPUT_HANDLE)?, private(STD_OUTPUT_HANDLE)?);
    let mut emptied = vec![(0, STD_INPUT_HANDLE), (1, STD_OUTPUT_HANDLE)];
    if std::env::var_os("YCD_HOST_LOG").is_none() {
        emptied.push((2, STD_ERROR_HANDLE));
    }
    // SAFETY: the string ends in NUL. The descriptor stays open for the life of the process.
    let null = unsafe { libc::open(c"NUL".as_ptr(), libc::O_RDWR) };
    for (descriptor, which) in emptied {
        // SAFETY: takes numbers only; a descriptor that is not open is refused. Closes the original handle.
        unsafe { libc::dup2(null, descriptor) };
        let null = File::options().read(true).write(true).open("NUL")?;
        // SAFETY: the handle is open, and stays so for the life of the process.
        if unsafe { SetStdHandle(which, null.into_raw_handle()) } == 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok((from_owner, to_owner))
}
