//! A Windows machine as Wine makes one: a prefix of its own, entered through a Debian that has Wine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

use crate::{
    chroot,
    pcscd::{CLIENT, Pcscd, SOCKET_VARIABLE},
};

/// Where the installer puts the programs, unless it is told otherwise.
const USUAL: &str = "AppData/Local/Programs/YuncaidunAssistant";

/// The plain name would start the 32-bit one where there is one, whose registry is another.
pub const WINE: &str = "/usr/lib/wine/wine64";
const WINE_32: &str = "/usr/lib/wine/wine";

pub struct Machine {
    root: PathBuf,
    scratch: tempfile::TempDir,
    /// The readers of the machine.
    readers: Option<Pcscd>,
    /// Screens so far. Two that look for a free number at once may find the same.
    screens: AtomicU32,
}

impl Machine {
    /// A new Windows machine.
    ///
    /// # Errors
    /// Wine does not start.
    pub fn new(root: &Path) -> Result<Self, String> {
        let scratch =
            tempfile::Builder::new().prefix("ycd-wine-").tempdir_in("/tmp").map_err(|e| e.to_string())?;
        let root = root.canonicalize().map_err(|e| format!("{}: {e}", root.display()))?;
        let readers = Pcscd::available().is_ok().then(|| Pcscd::start(1));
        let machine = Self { root, scratch, readers, screens: AtomicU32::new(0) };
        machine.take_pcsc_client()?;
        let output = machine.run(&[WINE, "wineboot", "-i"])?;
        if !machine.drive_c().join("windows/system32/kernel32.dll").exists() {
            return Err(format!("Wine made no Windows: {}", String::from_utf8_lossy(&output.stderr)));
        }
        Ok(machine)
    }

    /// Wine's smart cards go through the Debian's own client, which is of another version than this side's services.
    fn take_pcsc_client(&self) -> Result<(), String> {
        let folder = self.pcsc_client();
        fs::create_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        if !Path::new(CLIENT).exists() {
            return Ok(());
        }
        let name = Path::new(CLIENT).file_name().unwrap_or_default();
        fs::copy(CLIENT, folder.join(name)).map(drop).map_err(|e| format!("{CLIENT}: {e}"))
    }

    fn pcsc_client(&self) -> PathBuf {
        self.scratch().join("pcsc-client")
    }

    /// On which a card is inserted into the machine's reader; nothing where there is none.
    pub fn reader(&self) -> Option<u16> {
        self.readers.as_ref().and_then(|readers| readers.ports().first()).copied()
    }

    /// Whether 32-bit programs run: this machine's kernel has a say in it.
    pub fn runs_32_bit(&self) -> bool {
        let output = chroot::finished(self.command(&[WINE_32, "--version"]));
        output.is_ok_and(|output| output.status.success())
    }

    /// A folder that both sides see.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    pub fn drive_c(&self) -> PathBuf {
        self.scratch().join("prefix/drive_c")
    }

    /// The folder of whoever is logged in: named as on this side.
    pub fn user(&self) -> PathBuf {
        let folders = fs::read_dir(self.drive_c().join("users")).into_iter().flatten().flatten();
        let own = folders.map(|folder| folder.path()).find(|path| !path.ends_with("Public"));
        own.unwrap_or_else(|| self.drive_c())
    }

    pub fn usual_folder(&self) -> PathBuf {
        self.user().join(USUAL)
    }

    /// On the desktop and in the start menu.
    pub fn shortcuts(&self) -> Vec<PathBuf> {
        let menu = "AppData/Roaming/Microsoft/Windows/Start Menu/Programs";
        let folders = ["Desktop", menu].map(|folder| self.user().join(folder));
        let files = folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten();
        let paths = files.map(|file| file.path());
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "lnk")).collect()
    }

    /// A Windows program, or one of Wine's.
    pub fn command(&self, program: &[&str]) -> Command {
        let mut command = self.enter();
        command.args(program);
        command
    }

    /// A Windows program on a screen of its own.
    pub fn on_screen(&self, program: &[&str]) -> Command {
        let number = 120 + self.screens.fetch_add(1, Ordering::Relaxed) % 200;
        let number = number.to_string();
        let mut words = vec!["xvfb-run", "-a", "-n", &number];
        words.extend_from_slice(program);
        self.command(&words)
    }

    fn enter(&self) -> Command {
        let mut command = chroot::enter(&self.root);
        self.environment(&mut command);
        command
    }

    fn environment(&self, command: &mut Command) {
        let keep = ["YCD_DATA_DIR", "YCD_SOFTKEY_DIR", "YCD_LOG"].map(|name| (name, std::env::var_os(name)));
        command
            .env_clear()
            .env("HOME", "/root")
            .env("TERM", "dumb")
            .env("LANG", "zh_CN.UTF-8")
            .env("LC_ALL", "zh_CN.UTF-8")
            .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LD_LIBRARY_PATH", self.pcsc_client())
            .env("WINELOADER", WINE)
            .env("WINEPREFIX", self.scratch().join("prefix"))
            .env("WINEARCH", "win64")
            .env("WINEDEBUG", "-all")
            // What is not installed is not offered to be.
            .env("WINEDLLOVERRIDES", "mscoree,mshtml=");
        if let Some(readers) = &self.readers {
            let (name, socket) = readers.environment();
            command.env(name, socket);
        }
        for (name, value) in keep {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
    }

    /// Runs it to its end on a screen of its own, where it wants one.
    ///
    /// # Errors
    /// It does not start, or does not end.
    pub fn run(&self, program: &[&str]) -> Result<Output, String> {
        chroot::finished(self.on_screen(program))
    }

    /// Runs a Windows program by its path on this side.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn windows(&self, program: &Path, args: &[&str]) -> Result<Output, String> {
        let program = program.display().to_string();
        let words: Vec<&str> = [WINE, &program].into_iter().chain(args.iter().copied()).collect();
        self.run(&words)
    }

    /// Runs a command line as Windows takes it, quotation marks and all.
    ///
    /// # Errors
    /// As [`run`](Self::run); the file cannot be written.
    pub fn line(&self, line: &str) -> Result<Output, String> {
        // The interpreter reads its file in the code page of a Chinese machine.
        let (text, file) = (self.scratch().join("line.txt"), self.scratch().join("line.bat"));
        fs::write(&text, format!("@{line}\r\n@exit /b %ERRORLEVEL%\r\n")).map_err(|e| e.to_string())?;
        let encoded = Command::new("iconv").args(["-f", "UTF-8", "-t", "GBK"]).arg(&text).output();
        let encoded = encoded.map_err(|e| format!("iconv: {e}"))?.stdout;
        fs::write(&file, encoded).map_err(|e| e.to_string())?;
        let file = file.display().to_string();
        self.run(&[WINE, "cmd", "/c", &file])
    }

    /// A value of the registry, or nothing.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn registry(&self, token: &str, name: &str) -> Result<Option<String>, String> {
        // As a file in UTF-16: on the screen it would be in the machine's code page.
        let file = self.scratch().join("query.reg");
        let _ = fs::remove_file(&file);
        let path = file.display().to_string();
        self.run(&[WINE, "reg", "export", token, &path, "/y"])?;
        let Ok(bytes) = fs::read(&file) else { return Ok(None) };
        let units: Vec<u16> = bytes.chunks_exact(2).map(|two| u16::from_le_bytes([two[0], two[1]])).collect();
        let text = String::from_utf16_lossy(&units);
        let wanted = if name.is_empty() { "@=".to_owned() } else { format!("\"{name}\"=") };
        let value = text.lines().find_map(|line| line.strip_prefix(&wanted)).map(str::trim);
        Ok(value.map(|value| value.trim_matches('"').replace("\\\\", "\\").replace("\\\"", "\"")))
    }

    /// A file that starts an installed program here as if it were one of this side's.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn as_program(&self, name: &str) -> Result<PathBuf, String> {
        let program = self.usual_folder().join(name);
        let mut before = String::from("unset DISPLAY\n");
        // As Windows writes paths, since these are looked at for being absolute.
        for name in ["YCD_DATA_DIR", "YCD_SOFTKEY_DIR"] {
            before += &format!(
                "[ -n \"${name}\" ] && export {name}=\"Z:$(printf %s \"${name}\" | tr / '\\\\')\"\n"
            );
        }
        let mut inner = self.enter();
        inner.arg(WINE).arg(&program);
        // Whoever starts it says which readers are its own.
        inner.env_remove(SOCKET_VARIABLE);
        chroot::as_script(&inner, &before, &self.scratch().join(format!("{name}.sh")))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Whatever still runs there keeps files open.
        drop(chroot::finished(self.command(&["wineserver", "-k"])));
    }
}

/// As Wine shows this side's files.
pub fn windows_path(path: &Path) -> String {
    format!("Z:{}", path.display().to_string().replace('/', "\\"))
}
