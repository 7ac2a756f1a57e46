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
/// unless `YCD_HOST_LOG` is set. The C run-time's descriptors 0 to 2 are bound to the old handles when its DLL is
/// loaded: a module with a run-time of its own takes the new ones over then, and one that shares this program's finds
/// the old handles closed.
#[cfg(windows)]
pub fn take_over() -> io::Result<(File, File)> {
    use std::os::windows::io::{FromRawHandle, IntoRawHandle};

    use windows_sys::Win32::Foundation::{
        DUPLICATE_CLOSE_SOURCE, DUPLICATE_SAME_ACCESS, DuplicateHandle, HANDLE,
    };
    use windows_sys::Win32::System::Console::{
        GetStdHandle, STD_ERROR_HANDLE, STD_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetStdHandle,
    };
    use windows_sys::Win32::System::Threading::GetCurrentProcess;

    fn private(which: STD_HANDLE) -> io::Result<File> {
        let mut copy: HANDLE = std::ptr::null_mut();
        // SAFETY: the handles are this process's own; `copy` is written before it is used, and only on success. The
        // source is closed by the call, and nothing in this program has used it yet.
        let done = unsafe {
            DuplicateHandle(
                GetCurrentProcess(),
                GetStdHandle(which),
                GetCurrentProcess(),
                &mut copy,
                0,
                0,
                DUPLICATE_SAME_ACCESS | DUPLICATE_CLOSE_SOURCE,
            )
        };
        if done == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: `copy` is open, and owned by nobody else.
        Ok(unsafe { File::from_raw_handle(copy) })
    }

    let from_owner = private(STD_INPUT_HANDLE)?;
    let to_owner = private(STD_OUTPUT_HANDLE)?;
    let mut emptied = vec![STD_INPUT_HANDLE, STD_OUTPUT_HANDLE];
    if std::env::var_os("YCD_HOST_LOG").is_none() {
        emptied.push(STD_ERROR_HANDLE);
    }
    for which in emptied {
        let null = File::options().read(true).write(true).open("NUL")?;
        // SAFETY: the handle is open, and stays so for the life of the process.
        if unsafe { SetStdHandle(which, null.into_raw_handle()) } == 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok((from_owner, to_owner))
}
