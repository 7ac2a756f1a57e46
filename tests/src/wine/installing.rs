//! The installer: what it brings, what it refuses, what it leaves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    Machine, Trial,
    machine::{WINE, windows_path},
};
use crate::{card::Card, demo::Teller};

pub(super) const UNINSTALL: &str =
    r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Uninstall\cn.yuncaidun.assistant";
pub(super) const OWN: &str = r"HKEY_CURRENT_USER\Software\Yuncaidun\Assistant";
pub(super) const RUN: &str = r"HKEY_CURRENT_USER\Software\Microsoft\Windows\CurrentVersion\Run";
const SCHEME: &str = r"HKEY_CURRENT_USER\Software\Classes\ycd\shell\open\command";

/// Silent, and without the window's runtime, which no package brings to this machine.
pub(super) const SILENT: [&str; 2] = ["/S", "/WEBVIEW2=0"];

/// ATR of a card that `drivers-config/feitian.toml` knows.
const FEITIAN: [u8; 23] = [
    0x3B, 0x9F, 0x95, 0x81, 0x31, 0xFE, 0x9F, 0x00, 0x65, 0x46, 0x53, 0x05, 0x04, 0x06, 0x71, 0xDF, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x02,
];

pub(super) mod exit {
    pub const DONE: i32 = 0;
    pub const NEWER: i32 = 10;
    pub const BUSY: i32 = 11;
    pub const NOT_WRITABLE: i32 = 12;
    pub const ANOTHER: i32 = 13;
    pub const NO_RIGHTS: i32 = 14;
    pub const DISK_FULL: i32 = 16;
    pub const BAD_PROPERTY: i32 = 17;
    pub const NO_WEBVIEW: i32 = 20;
}

pub fn comes_and_is_whole(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("安装 Installed");
    teller.step("静默安装 Silently, for this user", || {
        let printed = ends(machine, &trial.setup, &SILENT, exit::DONE)?;
        let count = is_complete(&machine.usual_folder(), &trial.files)?;
        Ok(format!("{count} files as they were packed; {printed}"))
    })?;
    teller.step("注册表、快捷方式 Registry and shortcuts", || {
        let folder = value(machine, OWN, "Folder")?;
        let command = value(machine, SCHEME, "")?;
        for (name, wanted) in
            [("DisplayName", "云采盾证书助手"), ("Publisher", "云采盾"), ("InstallLocation", &*folder)]
        {
            let found = value(machine, UNINSTALL, name)?;
            if found != wanted {
                return Err(format!("{name} is {found}, not {wanted}"));
            }
        }
        let shortcuts = machine.shortcuts().len();
        if shortcuts != 2 {
            return Err(format!("{shortcuts} shortcuts: {:?}", machine.shortcuts()));
        }
        Ok(format!("{folder}\n{command}\nsize {} KiB", value(machine, UNINSTALL, "EstimatedSize")?))
    })?;
    teller.step("缺少 WebView2 时说明 The window's runtime is missing, and it is said", || {
        ends(machine, &trial.setup, &["/S"], exit::NO_WEBVIEW)
    })
}

pub fn changes_and_goes(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    refuses(machine, teller, trial)?;
    repairs(machine, teller, trial)?;
    goes(machine, teller, trial)
}

fn refuses(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("不能做的，什么也不改 What is refused changes nothing");
    teller.step("旧版本不能盖新版本 An older version over a newer one", || {
        let printed = ends(machine, &trial.older(), &SILENT, exit::NEWER)?;
        is_complete(&machine.usual_folder(), &trial.files)?;
        Ok(printed)
    })?;
    teller.step("门户地址不对 A portal that is none", || {
        ends(machine, &trial.setup, &[&SILENT[..], &["/PORTAL=ftp://x"]].concat(), exit::BAD_PROPERTY)?;
        ends(machine, &trial.setup, &[&SILENT[..], &["/PORTAL=https://x\"y"]].concat(), exit::BAD_PROPERTY)
    })?;
    teller.step("不能写的文件夹 A folder that cannot be", || {
        let args = [&SILENT[..], &[r"/DIR=C:\windows\win.ini\inside"]].concat();
        ends(machine, &trial.setup, &args, exit::NOT_WRITABLE)
    })?;
    teller.step("磁盘已满 A full disk", || {
        let disk = machine.scratch().join("disk");
        fs::create_dir_all(&disk).map_err(|e| e.to_string())?;
        let letter = machine.scratch().join("prefix/dosdevices/e:");
        std::os::unix::fs::symlink(&disk, &letter).map_err(|e| e.to_string())?;
        run("mount", &["-t", "tmpfs", "-o", "size=4m", "tmpfs"], &disk)?;
        // Drives are looked for when Windows starts.
        machine.run(&["wineserver", "-k"])?;
        let args = [&SILENT[..], &[r"/DIR=E:\here"]].concat();
        let printed = ends(machine, &trial.setup, &args, exit::DISK_FULL);
        let left = fs::read_dir(&disk).map_or(0, Iterator::count);
        run("umount", &[], &disk)?;
        if left == 0 { printed } else { Err(format!("{left} entries are left on the disk")) }
    })?;
    teller.step("两个安装程序 Two installers at once", || {
        let setup = trial.setup.display().to_string();
        let mut first = runs(machine, &[WINE, &setup])?;
        // Until it shows its first page it may not hold its name yet.
        let printed = until(Duration::from_secs(30), || ends(machine, &trial.setup, &SILENT, exit::ANOTHER));
        drop(finish(machine, &mut first));
        printed
    })
}

fn repairs(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("修复、升级、换文件夹 Repaired, upgraded, moved");
    // It did not come with the installer, which would leave it where it is.
    fs::remove_file(machine.usual_folder().join("ycd_softkey.dll")).map_err(|e| e.to_string())?;
    teller.step("装到一半被杀，再装一次 Killed half way, run again", || {
        ends(machine, &uninstaller(machine), &["/S"], exit::DONE)?;
        is_gone(machine)?;
        let setup = trial.setup.display().to_string();
        let mut killed = runs(machine, &[WINE, &setup, SILENT[0], SILENT[1]])?;
        let first = machine.usual_folder().join("ycd-app.exe");
        until(Duration::from_secs(30), || {
            if first.exists() { Ok(()) } else { Err("nothing is written".into()) }
        })?;
        finish(machine, &mut killed)?;
        let was_complete = is_complete(&machine.usual_folder(), &trial.files).is_ok();
        let printed = ends(machine, &trial.setup, &SILENT, exit::DONE)?;
        is_complete(&machine.usual_folder(), &trial.files)?;
        Ok(format!("whole before: {was_complete}; {printed}"))
    })?;
    teller.step("升级保留设置和进度 An upgrade keeps settings and journal", || {
        ends(machine, &uninstaller(machine), &["/S"], exit::DONE)?;
        is_gone(machine)?;
        ends(machine, &trial.older(), &[&SILENT[..], &["/AUTOSTART=1"]].concat(), exit::DONE)?;
        let data = data_folder(machine);
        fs::create_dir_all(&data).map_err(|e| e.to_string())?;
        fs::write(data.join("settings.json"), r#"{ "text_size": "large" }"#).map_err(|e| e.to_string())?;
        let args = [&SILENT[..], &["/PORTAL=https://portal.example/one"]].concat();
        let printed = ends(machine, &trial.setup, &args, exit::DONE)?;
        is_complete(&machine.usual_folder(), &trial.files)?;
        let autostart = value(machine, RUN, "yuncaidun-assistant")?;
        let portal =
            fs::read_to_string(machine.usual_folder().join("provision/config.toml")).unwrap_or_default();
        let kept = fs::read_to_string(data.join("settings.json")).unwrap_or_default();
        if !autostart.ends_with("--hidden")
            || portal != "portal = \"https://portal.example/one\"\n"
            || !kept.contains("large")
        {
            return Err(format!("{autostart}\n{portal}\n{kept}"));
        }
        Ok(printed)
    })?;
    teller.step("带空格和中文的文件夹 A folder with blanks and 中文", || {
        let setup = windows_path(&trial.setup);
        let begun = Instant::now();
        let output = machine.line(&format!("\"{setup}\" /S /WEBVIEW2=0 /DIR=\"C:\\某 公司\\证书 助手\""))?;
        let folder = machine.drive_c().join("某 公司/证书 助手");
        is_complete(&folder, &trial.files).map_err(|e| format!("{e} ({})", output.status))?;
        if machine.usual_folder().exists() {
            return Err("what lay in the old folder is still there".into());
        }
        let version = machine.windows(&folder.join("ycd.exe"), &["--version"])?;
        let printed = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        ends(machine, &folder.join("uninstall.exe"), &["/S"], exit::DONE)?;
        until(Duration::from_secs(20), || {
            if folder.exists() { Err("it is still there".into()) } else { Ok(()) }
        })?;
        Ok(format!("{printed}, {} ms", begun.elapsed().as_millis()))
    })?;
    teller.step("命令行在用时等它 It waits for the command line too", || {
        ends(machine, &trial.setup, &SILENT, exit::DONE)?;
        let mut watching = runs(machine, &[WINE, &programs_path(machine, "ycd.exe"), "token", "watch"])?;
        thread::sleep(Duration::from_secs(2));
        let begun = Instant::now();
        let setup = trial.setup.display().to_string();
        let mut installing = runs(machine, &[WINE, &setup, SILENT[0], SILENT[1]])?;
        thread::sleep(Duration::from_secs(4));
        let (still, waits) = (is_running(&mut watching), is_running(&mut installing));
        machine.run(&[WINE, "taskkill", "/f", "/im", "ycd.exe"])?;
        let ended = installing.wait().map_err(|e| e.to_string())?;
        watching.wait().map_err(|e| e.to_string())?;
        is_complete(&machine.usual_folder(), &trial.files)?;
        let printed = format!("ended with {ended} after {} ms", begun.elapsed().as_millis());
        if still && waits && ended.success() {
            Ok(printed)
        } else {
            Err(format!("{still} {waits} {printed}"))
        }
    })?;
    if trial.short {
        return Ok(());
    }
    teller.step("换文件夹时旧的在用：不换 In use in the old folder, it is not moved", || {
        let mut watching = runs(machine, &[WINE, &programs_path(machine, "ycd.exe"), "token", "watch"])?;
        thread::sleep(Duration::from_secs(2));
        let printed = ends(machine, &trial.setup, &[&SILENT[..], &[r"/DIR=C:\new"]].concat(), exit::BUSY);
        finish(machine, &mut watching)?;
        is_complete(&machine.usual_folder(), &trial.files)?;
        if machine.drive_c().join("new").exists() { Err("there is a new folder".into()) } else { printed }
    })?;
    teller.step(
        "助手在运行：等它，到时说明 While the assistant runs it waits, and says so in the end",
        || {
            ends(machine, &trial.setup, &SILENT, exit::DONE)?;
            let mut app = runs(machine, &[WINE, &programs_path(machine, "ycd-app.exe")])?;
            thread::sleep(Duration::from_secs(5));
            if !is_running(&mut app) {
                return Err("the window's program has ended".into());
            }
            let printed = ends(machine, &trial.newer(), &SILENT, exit::BUSY);
            finish(machine, &mut app)?;
            is_complete(&machine.usual_folder(), &trial.files)?;
            printed
        },
    )
}

fn goes(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("卸载 Uninstalled");
    teller.step("保留设置和进度 Settings and journal stay", || {
        ends(machine, &trial.setup, &SILENT, exit::DONE)?;
        let printed = ends(machine, &uninstaller(machine), &["/S"], exit::DONE)?;
        is_gone(machine)?;
        if data_folder(machine).join("settings.json").exists() {
            Ok(printed)
        } else {
            Err("the settings are gone".into())
        }
    })?;
    teller.step("按要求不保留 Nothing stays, where that is wished", || {
        ends(machine, &trial.setup, &SILENT, exit::DONE)?;
        let printed = ends(machine, &uninstaller(machine), &["/S", "/KEEPDATA=0"], exit::DONE)?;
        is_gone(machine)?;
        if data_folder(machine).exists() { Err("the data folder is still there".into()) } else { Ok(printed) }
    })
}

/// On a machine where nobody has chosen anything yet.
pub fn brings_along(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("随安装带来的 What comes with it");
    let brought = machine.usual_folder().join("provision");
    teller.step("英文安装的，助手也说英文 Installed in English, it speaks English", || {
        ends(machine, &trial.setup, &[&SILENT[..], &["/LANG=en"]].concat(), exit::DONE)?;
        let settings = fs::read_to_string(brought.join("settings.json")).unwrap_or_default();
        let english = machine.shortcuts().len();
        ends(machine, &trial.setup, &[&SILENT[..], &["/LANG=zh"]].concat(), exit::DONE)?;
        if (english, machine.shortcuts().len()) != (2, 2) {
            return Err(format!("{english} shortcuts, then {:?}", machine.shortcuts()));
        }
        if settings.contains("\"en\"") && !brought.join("settings.json").exists() {
            Ok(settings.trim().to_owned())
        } else {
            Err(settings)
        }
    })?;
    teller.step("扔掉的快捷方式不会回来 A shortcut that was thrown away stays away", || {
        let [desktop] =
            &machine.shortcuts().into_iter().filter(|one| on_desktop(one)).collect::<Vec<_>>()[..]
        else {
            return Err(format!("{:?}", machine.shortcuts()));
        };
        fs::remove_file(desktop).map_err(|e| e.to_string())?;
        ends(machine, &trial.setup, &SILENT, exit::DONE)?;
        if machine.shortcuts().iter().any(|one| on_desktop(one)) {
            return Err("it is there again".to_owned());
        }
        ends(machine, &trial.setup, &[&SILENT[..], &["/DESKTOP=1"]].concat(), exit::DONE)?;
        if machine.shortcuts().len() == 2 { Ok(String::new()) } else { Err("not even when wished".into()) }
    })?;
    if let Some(port) = machine.reader() {
        teller.step(
            "插着的 USBKEY 缺驱动：说出种类和出处 The token model of a token without its driver, and where to get it",
            || {
                let card = Card::bare(port, &FEITIAN);
                // The service looks at its readers now and then only.
                let printed = until(Duration::from_secs(20), || {
                    ends(machine, &trial.setup, &SILENT, exit::DONE)?;
                    value(machine, OWN, "DriversMissing")
                })?;
                card.pull();
                if printed.contains("飞天诚信") { Ok(printed) } else { Err(printed) }
            },
        )?;
    }
    teller.step("门户、根证书、设置 A portal, its root, settings", || {
        let printed = ends(machine, &trial.provisioned(), &SILENT, exit::DONE)?;
        let wanted = names(&trial.brought());
        if wanted.is_empty() {
            return Err("nothing was brought along".into());
        }
        for name in &wanted {
            let [found, packed] = [&brought, &trial.brought()].map(|folder| fs::read(folder.join(name)).ok());
            if found.is_none() || found != packed {
                return Err(format!("{} is not as it was packed", name.display()));
            }
        }
        let output = machine
            .windows(&machine.usual_folder().join("ycd.exe"), &["doctor", "--json", "--lang", "en"])?;
        let text = String::from_utf8_lossy(&output.stdout);
        // It is nobody's address. A machine without any would be told so.
        if !text.contains("portal.unreachable") || !text.contains("roots that are trusted: 1") {
            return Err(format!("the program knows no portal or no root: {text}"));
        }
        ends(machine, &uninstaller(machine), &["/S", "/KEEPDATA=0"], exit::DONE)?;
        is_gone(machine)?;
        Ok(format!("{wanted:?}; {printed}"))
    })
}

fn on_desktop(shortcut: &Path) -> bool {
    shortcut.parent().is_some_and(|folder| folder.ends_with("Desktop"))
}

/// Runs it; gives how long it took.
pub(super) fn ends(machine: &Machine, program: &Path, args: &[&str], wanted: i32) -> Result<String, String> {
    let begun = Instant::now();
    let output = machine.windows(program, args)?;
    if output.status.code() != Some(wanted) {
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(format!("ended with {}, {wanted} was expected\n{printed}", output.status));
    }
    Ok(format!("ended with {wanted} after {} ms", begun.elapsed().as_millis()))
}

/// All files are as they were packed; gives how many.
pub(super) fn is_complete(folder: &Path, packed: &Path) -> Result<usize, String> {
    let mut count = 0;
    for name in names(packed) {
        let wanted = fs::read(packed.join(&name)).map_err(|e| e.to_string())?;
        let found = fs::read(folder.join(&name)).map_err(|e| format!("{}: {e}", name.display()))?;
        if found != wanted {
            return Err(format!("{} is another file", name.display()));
        }
        count += 1;
    }
    if folder.join("uninstall.exe").exists() && count > 0 { Ok(count) } else { Err("no uninstaller".into()) }
}

/// The uninstaller goes on by itself after it seems to have ended.
pub(super) fn is_gone(machine: &Machine) -> Result<(), String> {
    until(Duration::from_secs(20), || {
        if machine.usual_folder().exists() {
            return Err(format!("left: {:?}", names(&machine.usual_folder())));
        }
        Ok(())
    })?;
    until(Duration::from_secs(10), || {
        for (token, name) in
            [(UNINSTALL, "DisplayName"), (OWN, "Folder"), (RUN, "yuncaidun-assistant"), (SCHEME, "")]
        {
            if let Some(value) = machine.registry(token, name)? {
                return Err(format!("left in the registry: {token} {name} {value}"));
            }
        }
        match machine.shortcuts().as_slice() {
            [] => Ok(()),
            left => Err(format!("left: {left:?}")),
        }
    })
}

pub(super) fn uninstaller(machine: &Machine) -> PathBuf {
    machine.usual_folder().join("uninstall.exe")
}

fn data_folder(machine: &Machine) -> PathBuf {
    machine.user().join("AppData/Local/ycd")
}

pub(super) fn value(machine: &Machine, key: &str, name: &str) -> Result<String, String> {
    machine.registry(key, name)?.ok_or_else(|| format!("{key} has no {name}"))
}

/// Paths of all files, from the folder.
fn names(folder: &Path) -> Vec<PathBuf> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = PathBuf::from(entry.file_name());
        if entry.path().is_dir() {
            names.extend(self::names(&entry.path()).into_iter().map(|inside| name.join(inside)));
        } else {
            names.push(name);
        }
    }
    names
}

/// Tries until it comes true.
pub(super) fn until<T>(timeout: Duration, act: impl Fn() -> Result<T, String>) -> Result<T, String> {
    let begun = Instant::now();
    loop {
        match act() {
            Err(_) if begun.elapsed() < timeout => thread::sleep(Duration::from_millis(20)),
            outcome => return outcome,
        }
    }
}

/// Starts it on a screen of its own.
pub(super) fn runs(machine: &Machine, program: &[&str]) -> Result<Child, String> {
    let mut command = machine.on_screen(program);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| e.to_string())
}

fn is_running(child: &mut Child) -> bool {
    matches!(child.try_wait(), Ok(None))
}

fn programs_path(machine: &Machine, name: &str) -> String {
    machine.usual_folder().join(name).display().to_string()
}

/// Ends it and all that runs on the machine.
fn finish(machine: &Machine, child: &mut Child) -> Result<(), String> {
    drop(machine.run(&["wineserver", "-k"])?);
    drop(child.kill());
    child.wait().map(drop).map_err(|e| e.to_string())
}

fn run(program: &str, args: &[&str], path: &Path) -> Result<(), String> {
    let status =
        Command::new(program).args(args).arg(path).status().map_err(|e| format!("{program}: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("{program} ended with {status}")) }
}
