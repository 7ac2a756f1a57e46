//! Other ways to install: for all users, without an administrator's rights, by the installer as it is made on Windows,
//! with the window's runtime brought along.

use std::{fs, path::PathBuf};

use super::{
    Machine, Trial,
    installing::{OWN, RUN, SILENT, ends, exit, is_complete, is_gone, uninstaller, until, value},
    machine::{WINE, windows_path},
};
use crate::demo::{Teller, say};

/// The same of the machine.
const MACHINES_OWN: &str = r"HKEY_LOCAL_MACHINE\Software\Yuncaidun\Assistant";
const MACHINES_SCHEME: &str = r"HKEY_LOCAL_MACHINE\Software\Classes\ycd\shell\open\command";

/// Where a runtime of the window is registered for a user.
const RUNTIME: &str =
    r"HKEY_CURRENT_USER\Software\Microsoft\EdgeUpdate\Clients\{F3017226-FE2A-4295-8BDF-00C3A9A7E4C5}";

pub fn run(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    by_ordinary_users(machine, teller, trial)?;
    for_all_users(machine, teller, trial)?;
    as_made_on_windows(machine, teller, trial)?;
    with_runtime(machine, teller, trial)
}

fn by_ordinary_users(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("没有管理员权限的人 Somebody who is no administrator");
    let setup = windows_path(&trial.setup);
    teller.step("为自己安装、卸载 Installs for himself, and uninstalls", || {
        let printed = ends(machine, &trial.ordinary(), &[&setup, "/S", "/WEBVIEW2=0"], exit::DONE)?;
        is_complete(&machine.usual_folder(), &trial.files)?;
        let uninstaller = format!(r"{}\uninstall.exe", value(machine, OWN, "Folder")?);
        ends(machine, &trial.ordinary(), &[&uninstaller, "/S"], exit::DONE)?;
        is_gone(machine)?;
        Ok(printed)
    })?;
    teller.step("不能为所有用户安装 Not for all users", || {
        let args = [&setup, "/S", "/WEBVIEW2=0", "/ALLUSERS"];
        let printed = ends(machine, &trial.ordinary(), &args, exit::NO_RIGHTS)?;
        if for_all(machine).exists() { Err("something was installed".into()) } else { Ok(printed) }
    })
}

fn for_all_users(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("为所有用户 For all users");
    teller.step("管理员安装 An administrator installs", || {
        let printed = ends(machine, &trial.setup, &[&SILENT[..], &["/ALLUSERS"]].concat(), exit::DONE)?;
        is_complete(&for_all(machine), &trial.files)?;
        let (folder, command) =
            (value(machine, MACHINES_OWN, "Folder")?, value(machine, MACHINES_SCHEME, "")?);
        match machine.registry(OWN, "Folder")? {
            None => Ok(format!("{folder}\n{command}\n{printed}")),
            Some(folder) => Err(format!("the user's own registry names {folder}")),
        }
    })?;
    teller.step("没有管理员权限的人卸不了 Nobody else uninstalls it", || {
        let folder = value(machine, MACHINES_OWN, "Folder")?;
        let ordinary = windows_path(&trial.ordinary());
        // In its place: as a rule an uninstaller goes on by itself, and nobody sees how it ends.
        let line = format!("\"{ordinary}\" \"{folder}\\uninstall.exe\" /S _?={folder}");
        let ended = machine.line(&line)?.status;
        is_complete(&for_all(machine), &trial.files)?;
        if ended.code() == Some(exit::NO_RIGHTS) { Ok(ended.to_string()) } else { Err(ended.to_string()) }
    })?;
    teller.step("管理员卸载 An administrator does", || for_all_is_removed(machine))
}

/// NSIS as published for Windows makes 32-bit installers only.
fn as_made_on_windows(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("在 Windows 上做的安装程序（32 位）The installer as it is made on Windows, 32-bit");
    if !machine.runs_32_bit() {
        say("  （这台机器不能运行 32 位程序 This machine runs no 32-bit programs）");
        return Ok(());
    }
    teller.step("互相升级，设置还在 Each upgrades the other, and choices stay", || {
        ends(machine, &trial.older(), &[&SILENT[..], &["/AUTOSTART=1"]].concat(), exit::DONE)?;
        let printed = ends(machine, &trial.x86(), &SILENT, exit::DONE)?;
        is_complete(&machine.usual_folder(), &trial.files)?;
        ends(machine, &trial.older(), &SILENT, exit::NEWER)?;
        ends(machine, &trial.setup, &SILENT, exit::DONE)?;
        ends(machine, &trial.x86(), &SILENT, exit::DONE)?;
        let autostart = value(machine, RUN, "yuncaidun-assistant")?;
        ends(machine, &uninstaller(machine), &["/S"], exit::DONE)?;
        is_gone(machine)?;
        Ok(format!("{autostart}\n{printed}"))
    })?;
    teller.step("为所有用户 For all users", || {
        let wished = [&SILENT[..], &["/ALLUSERS", "/AUTOSTART=1"]].concat();
        ends(machine, &trial.setup, &wished, exit::DONE)?;
        ends(machine, &trial.x86(), &[&SILENT[..], &["/ALLUSERS"]].concat(), exit::DONE)?;
        is_complete(&for_all(machine), &trial.files)?;
        let folder = value(machine, MACHINES_OWN, "Folder")?;
        value(machine, &RUN.replace("CURRENT_USER", "LOCAL_MACHINE"), "yuncaidun-assistant")?;
        for_all_is_removed(machine).map(|printed| format!("{folder}\n{printed}"))
    })
}

/// By a program that stands in for Microsoft's.
fn with_runtime(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("带着 WebView2 安装程序（替身）With a bootstrapper of WebView2, which a stand-in plays");
    teller.step("缺少时运行它 It is run where the runtime is missing", || {
        let printed = ends(machine, &trial.bootstrapping(), &["/S"], exit::DONE)?;
        let version = value(machine, RUNTIME, "pv")?;
        machine.run(&[WINE, "reg", "delete", RUNTIME, "/f"])?;
        ends(machine, &trial.setup, &["/S"], exit::NO_WEBVIEW)?;
        ends(machine, &uninstaller(machine), &["/S"], exit::DONE)?;
        is_gone(machine)?;
        Ok(format!("runtime {version}; {printed}"))
    })
}

fn for_all(machine: &Machine) -> PathBuf {
    machine.drive_c().join("Program Files/YuncaidunAssistant")
}

fn for_all_is_removed(machine: &Machine) -> Result<String, String> {
    let printed = ends(machine, &for_all(machine).join("uninstall.exe"), &["/S"], exit::DONE)?;
    until(std::time::Duration::from_secs(20), || {
        if for_all(machine).exists() {
            return Err(format!("left: {}", fs::read_dir(for_all(machine)).map_or(0, Iterator::count)));
        }
        for (token, name) in [
            (MACHINES_OWN, "Folder"),
            (MACHINES_SCHEME, ""),
            (&*RUN.replace("CURRENT_USER", "LOCAL_MACHINE"), "yuncaidun-assistant"),
        ] {
            if let Some(value) = machine.registry(token, name)? {
                return Err(format!("left in the registry: {token} {name} {value}"));
            }
        }
        Ok(())
    })?;
    let menu = machine.drive_c().join("ProgramData/Microsoft/Windows/Start Menu/Programs");
    let left = fs::read_dir(menu).into_iter().flatten().flatten().map(|entry| entry.path());
    match left.filter(|path| path.extension().is_some_and(|extension| extension == "lnk")).count() {
        0 => Ok(printed),
        count => Err(format!("{count} shortcuts are left")),
    }
}
