//! Another Debian, in a folder: entered as root, with this machine's `/proc`, `/dev`, `/tmp` and network.

use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{Read as _, Seek as _, SeekFrom},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// `$1` is its folder, the rest is what is run. All of it goes on in one process.
const ENTER: &str = "mount --rbind /proc \"$1/proc\" && mount --rbind /dev \"$1/dev\" && mount --rbind /tmp \"$1/tmp\" \
                     && cd /tmp && root=$1 && shift && exec chroot \"$root\" \"$@\"";

/// Longer than any step takes.
const TIMEOUT: Duration = Duration::from_secs(300);

/// What is added as arguments runs in there.
pub fn enter(root: &Path) -> Command {
    let mut command = Command::new("unshare");
    command.args(["-m", "--propagation", "private", "sh", "-c", ENTER, "sh"]).arg(root);
    command
}

/// A file that starts this command, with its environment, as if it were a program of this side's; `before` are lines of
/// shell that come first.
///
/// # Errors
/// It cannot be written.
pub fn as_script(command: &Command, before: &str, file: &Path) -> Result<PathBuf, String> {
    let quoted = |text: &OsStr| format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"));
    let mut text = format!("#!/bin/sh\n{before}");
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            text += &format!("export {}={}\n", name.to_string_lossy(), quoted(value));
        }
    }
    text += "exec ";
    text += &quoted(command.get_program());
    for argument in command.get_args() {
        text.push(' ');
        text += &quoted(argument);
    }
    text += " \"$@\"\n";
    fs::write(file, text).map_err(|e| e.to_string())?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
    Ok(file.to_owned())
}

/// Runs it to its end. What it says goes into files: what it leaves running would keep its pipes open.
///
/// # Errors
/// It does not start, or does not end.
pub fn finished(mut command: Command) -> Result<Output, String> {
    let file = || tempfile::tempfile().map_err(|e| e.to_string());
    let (mut out, mut err) = (file()?, file()?);
    let copy = |file: &File| file.try_clone().map(Stdio::from).map_err(|e| e.to_string());
    command.stdin(Stdio::null()).stdout(copy(&out)?).stderr(copy(&err)?);
    let mut child = command.spawn().map_err(|e| format!("unshare does not start: {e}"))?;
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|e| e.to_string())? {
            Some(status) => break status,
            None if begun.elapsed() > TIMEOUT => {
                drop(child.kill());
                drop(child.wait());
                return Err("it does not end".to_owned());
            }
            None => thread::sleep(Duration::from_millis(10)),
        }
    };
    let read = |file: &mut File| -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(0))?;
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = |file: &mut File| read(file).map_err(|e| e.to_string());
    Ok(Output { status, stdout: text(&mut out)?, stderr: text(&mut err)? })
}
