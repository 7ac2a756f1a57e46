//! A machine with Debian 12 and nothing besides: a copy, thrown away with this value.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::chroot;

/// Where an ordinary user lives.
const HOME: &str = "/srv/会计 一";

/// Where that user's assistant keeps its data, as the shell writes it.
pub const DATA: &str = "$HOME/.local/share/ycd";

pub struct Machine {
    scratch: tempfile::TempDir,
}

impl Machine {
    /// # Errors
    /// It cannot be copied or entered.
    pub fn new(clean: &Path) -> Result<Self, String> {
        let scratch =
            tempfile::Builder::new().prefix("ycd-deb-").tempdir_in("/tmp").map_err(|e| e.to_string())?;
        let machine = Self { scratch };
        let copied = Command::new("cp").arg("-a").arg(clean).arg(machine.folder()).output();
        let copied = copied.map_err(|e| e.to_string())?;
        if !copied.status.success() {
            return Err(String::from_utf8_lossy(&copied.stderr).into_owned());
        }
        // An ordinary user comes through this folder to what lies in it.
        machine.does(&format!("chmod 755 {}", machine.scratch().display()))?;
        machine.does(&format!("useradd --home-dir '{HOME}' --create-home --shell /bin/bash applicant"))?;
        machine.does("mkdir -p /run/user/1000 && chown 1000 /run/user/1000 && chmod 700 /run/user/1000")?;
        Ok(machine)
    }

    /// Its files, seen from here.
    pub fn folder(&self) -> PathBuf {
        self.scratch().join("debian")
    }

    /// A folder that both sides see.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// A copy where the machine sees it.
    ///
    /// # Errors
    /// It cannot be copied.
    pub fn take(&self, file: &Path) -> Result<String, String> {
        let copy = self.scratch().join(file.file_name().unwrap_or_default());
        fs::copy(file, &copy).map_err(|e| format!("{}: {e}", file.display()))?;
        Ok(copy.display().to_string())
    }

    fn command(&self) -> Command {
        let mut command = chroot::enter(&self.folder());
        command
            .env_clear()
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env("LANG", "C.UTF-8")
            .env("HOME", "/root")
            .env("TMPDIR", self.scratch())
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command
    }

    /// Runs lines of shell as root; gives what they say.
    ///
    /// # Errors
    /// One of them fails: all that was said.
    pub fn does(&self, lines: &str) -> Result<String, String> {
        let mut command = self.command();
        command.args(["bash", "-ec", lines]);
        printed(command)
    }

    /// The same, of lines that must fail; gives the last thing that was said.
    ///
    /// # Errors
    /// They do not fail.
    pub fn refuses(&self, lines: &str) -> Result<String, String> {
        match self.does(lines) {
            Ok(printed) => Err(format!("not refused: {printed}")),
            Err(printed) => Ok(printed.lines().last().unwrap_or_default().to_owned()),
        }
    }

    /// The same as the ordinary user, in a folder of that user's.
    ///
    /// # Errors
    /// One of them fails: all that was said.
    pub fn does_as_user(&self, lines: &str) -> Result<String, String> {
        printed(self.as_user(&["bash", "-ec", lines]))
    }

    /// The same on a screen, in a session.
    ///
    /// # Errors
    /// One of them fails: all that was said.
    pub fn on_screen(&self, lines: &str) -> Result<String, String> {
        printed(self.as_user(&["xvfb-run", "-a", "dbus-run-session", "--", "bash", "-ec", lines]))
    }

    fn as_user(&self, words: &[&str]) -> Command {
        let mut command = self.command();
        command
            .args(["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups", "env", "-C", HOME])
            .args([
                &format!("HOME={HOME}"),
                "TMPDIR=/tmp",
                "XDG_RUNTIME_DIR=/run/user/1000",
                "YCD_LOG=ycd_app=debug",
            ])
            .args(["NO_AT_BRIDGE=1", "LIBGL_ALWAYS_SOFTWARE=1"])
            .args(words);
        command
    }

    /// A file that starts an installed program as if it were one of this side's.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn as_program(&self, program: &str) -> Result<PathBuf, String> {
        let mut inner = chroot::enter(&self.folder());
        inner.arg(program);
        chroot::as_script(&inner, "", &self.scratch().join("program.sh"))
    }
}

fn printed(command: Command) -> Result<String, String> {
    let output = chroot::finished(command)?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!("{}\n{}\n{}", output.status, text(&output.stdout), text(&output.stderr)))
}
