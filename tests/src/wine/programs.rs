//! The installed programs: the software token through its DLL, modules that misbehave, files that lie where they should
//! not.

use std::{
    fs,
    path::Path,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use ycd_softkey::admin::{self, Action, Fault, Kdf, NewToken};
use ycd_token::{Drivers, profile::Os};

use super::{
    Machine, Trial,
    machine::{WINE, windows_path},
};
use crate::demo::{Teller, say};

pub fn run(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    window(machine, teller)?;
    command_line(machine, teller, trial)?;
    planted(machine, teller, trial)?;
    of_another_machine(machine, teller, trial)?;
    of_vendors_installer(machine, teller, trial)?;
    misbehaviour(machine, teller)
}

fn window(machine: &Machine, teller: &mut Teller) -> Result<(), String> {
    teller.part("窗口 The window");
    let app = machine.usual_folder().join("ycd-app.exe");
    teller.step(
        "没有 WebView2 时也启动，并要它 It starts without the runtime, and asks for it",
        || {
            let mut child = machine.on_screen(&[WINE, &app.display().to_string()]);
            let mut child =
                child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().map_err(|e| e.to_string())?;
            thread::sleep(Duration::from_secs(5));
            let runs = matches!(child.try_wait(), Ok(None));
            drop(machine.run(&["wineserver", "-k"])?);
            drop(child.kill());
            drop(child.wait());
            if runs { Ok("it stays, with its question".into()) } else { Err("it has ended".into()) }
        },
    )?;
    teller.step(
        "没有助手在运行时，请它退出不做任何事 Asked to end while none runs, it does nothing",
        || {
            let output = machine.windows(&app, &["--quit"])?;
            if output.status.success() { Ok(String::new()) } else { Err(output.status.to_string()) }
        },
    )
}

/// Tokens of this trial's own.
struct Bench<'a> {
    machine: &'a Machine,
    ycd: std::path::PathBuf,
    softkey_dir: std::path::PathBuf,
}

impl Bench<'_> {
    /// `ycd.exe --json …`: the number it ended with, as Windows knows it, and its last line. Wine itself passes on 0
    /// now and then.
    fn ycd(&self, args: &[&str]) -> Result<(i32, Value), String> {
        let (ycd, tokens) = (windows_path(&self.ycd), windows_path(&self.softkey_dir));
        let output =
            self.machine.line(&format!("\"{ycd}\" --json --softkey-dir \"{tokens}\" {}", args.join(" ")))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let last = text.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        let printed = || format!("{}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr));
        Ok((output.status.code().unwrap_or(-1), last.ok_or_else(printed)?))
    }

    fn new_key(&self) -> Result<String, String> {
        let new = NewToken { kdf: Kdf::WEAK, inserted: true, ..NewToken::default() };
        admin::create(&self.softkey_dir, &new).map(|state| state.serial_number).map_err(|e| e.to_string())
    }
}

fn fixture(machine: &Machine) -> Result<Bench<'_>, String> {
    let softkey_dir = tempfile::Builder::new()
        .prefix("keys-")
        .tempdir_in(machine.scratch())
        .map_err(|e| e.to_string())?
        .keep();
    Ok(Bench { machine, ycd: machine.usual_folder().join("ycd.exe"), softkey_dir })
}

fn command_line(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    teller.part("命令行和驱动 Command line and drivers");
    teller.step(
        "软件 USBKEY 的模块（不随安装程序）The software token's module, which is not installed",
        || {
            let place = machine.usual_folder().join("ycd_softkey.dll");
            fs::copy(&trial.softkey, &place).map(|bytes| format!("{bytes} bytes")).map_err(|e| e.to_string())
        },
    )?;
    teller.step("ycd token list", || {
        let fixture = fixture(machine)?;
        let token = fixture.new_key()?;
        let begun = Instant::now();
        let (code, printed) = fixture.ycd(&["token", "list"])?;
        let ms = begun.elapsed().as_millis();
        if code == 0 && printed.to_string().contains(&token) {
            Ok(format!("{token}, {ms} ms"))
        } else {
            Err(format!("{code} {printed}"))
        }
    })?;
    teller.step("管理员的配置有一个坏文件 A broken file in the administrator's folder", || {
        let fixture = fixture(machine)?;
        let folder = machine.drive_c().join("ProgramData/ycd/drivers.d");
        fs::create_dir_all(&folder).map_err(|e| e.to_string())?;
        fs::write(folder.join("broken.toml"), "name = \n").map_err(|e| e.to_string())?;
        let (code, printed) = fixture.ycd(&["driver", "list"])?;
        fs::remove_dir_all(&folder).map_err(|e| e.to_string())?;
        let named = printed["error"]["code"].as_str().unwrap_or_default().to_owned();
        let sentence = printed["error"]["sentence"].as_str().unwrap_or_default();
        if code != 0 && sentence.contains("broken.toml") {
            Ok(format!("[{named}] {sentence}"))
        } else {
            Err(format!("{code} {printed}"))
        }
    })
}

/// The 32-bit module in the place of the other: the same programs, by the 32-bit host.
pub fn thirty_two_bits(
    machine: &Machine,
    teller: &mut Teller,
    trial: &Trial,
    story: impl FnOnce(&mut Teller) -> Result<(), String>,
) -> Result<(), String> {
    teller.part("32 位的驱动 A 32-bit driver");
    if !machine.runs_32_bit() {
        say("  （这台机器不能运行 32 位程序 This machine runs no 32-bit programs）");
        return Ok(());
    }
    let place = machine.usual_folder().join("ycd_softkey.dll");
    let put = |module: &Path| fs::copy(module, &place).map(drop).map_err(|e| e.to_string());
    teller.step(
        "64 位的 ycd.exe 用 32 位的驱动进程 The 64-bit ycd.exe starts the 32-bit host for it",
        || {
            put(&trial.softkey_32)?;
            let fixture = fixture(machine)?;
            let token = fixture.new_key()?;
            let begun = Instant::now();
            let (code, printed) = fixture.ycd(&["token", "list"])?;
            let ms = begun.elapsed().as_millis();
            if code != 0 || !printed.to_string().contains(&token) {
                return Err(format!("{code} {printed}"));
            }
            let (code, printed) = fixture.ycd(&["driver", "check"])?;
            let rows = printed["drivers"].as_array().cloned().unwrap_or_default();
            let row = rows.iter().find(|row| row["profile"] == "softkey").ok_or("no such profile")?;
            if code == 0 && row["bits"] == 32 && row["started"]["manufacturer"].is_string() {
                Ok(format!("{token}, {ms} ms; {} bits", row["bits"]))
            } else {
                Err(format!("{code} {row}"))
            }
        },
    )?;
    if !trial.short {
        story(teller)?;
    }
    put(&trial.softkey)
}

/// A token model whose module's name on Windows is known.
const PROFILE: &str = "itrus";

/// A vendor's module where it may be, and where it may not.
fn planted(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    let file = module_of(PROFILE)?;
    let module = || -> Result<String, String> {
        let (_, printed) = fixture(machine)?.ycd(&["driver", "list"])?;
        let rows = printed["drivers"].as_array().cloned().unwrap_or_default();
        let row =
            rows.into_iter().find(|row| row["profile"] == PROFILE).ok_or_else(|| printed.to_string())?;
        Ok(row["module"].as_str().or_else(|| row["error"]["code"].as_str()).unwrap_or_default().to_owned())
    };
    let with = |place: &Path| -> Result<String, String> {
        fs::copy(&trial.softkey, place).map_err(|e| e.to_string())?;
        let found = module();
        fs::remove_file(place).map_err(|e| e.to_string())?;
        found
    };
    for (name, folder) in [
        (
            "在程序旁边的同名 DLL 不被加载 A module planted beside the program is not taken",
            machine.usual_folder(),
        ),
        ("在当前文件夹的也不 Nor one in the working folder", "/tmp".into()),
    ] {
        teller.step(name, || match with(&folder.join(&file))?.as_str() {
            code @ "token.module_missing" => Ok(format!("{file}: [{code}]")),
            found => Err(found.to_owned()),
        })?;
    }
    teller.step("在 System32 的才是 The one in System32 is", || {
        let found = with(&machine.drive_c().join("windows/system32").join(&file))?;
        if found.to_lowercase().contains("system32") { Ok(found) } else { Err(found) }
    })
}

/// A module for a processor that no host is for.
fn of_another_machine(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    let file = module_of(PROFILE)?;
    teller.step("别的处理器的 DLL 说明原因 A module for another processor is told as such", || {
        let mut bytes = fs::read(&trial.softkey).map_err(|e| e.to_string())?;
        // Where the PE header stands is told at 0x3C; its machine comes behind the signature. 0xAA64 is ARM64.
        let header =
            bytes.get(0x3C..0x40).and_then(|four| four.try_into().ok()).map_or(0, u32::from_le_bytes);
        let at = usize::try_from(header).map_err(|e| e.to_string())? + 4;
        bytes.get_mut(at..at + 2).ok_or("no PE")?.copy_from_slice(&0xAA64_u16.to_le_bytes());
        let place = machine.drive_c().join("windows/system32").join(&file);
        fs::write(&place, bytes).map_err(|e| e.to_string())?;
        let checked = fixture(machine)?.ycd(&["driver", "check"]);
        fs::remove_file(&place).map_err(|e| e.to_string())?;
        let (code, printed) = checked?;
        if printed.to_string().contains("token.no_host") {
            Ok(format!("[token.no_host], {code}"))
        } else {
            Err(printed.to_string())
        }
    })
}

/// A vendor's folder under Program Files, found by what the vendor's installer wrote into the registry; its module
/// loads another library of that folder by its bare name.
fn of_vendors_installer(machine: &Machine, teller: &mut Teller, trial: &Trial) -> Result<(), String> {
    let folder = machine.drive_c().join("Program Files/某 厂商");
    let elsewhere = machine.drive_c().join("users/Public/vendor");
    let profiles = machine.drive_c().join("ProgramData/ycd/drivers.d");
    for folder in [&folder, &elsewhere, &profiles] {
        fs::create_dir_all(folder).map_err(|e| e.to_string())?;
    }
    let copy = |from: &Path, to: &Path| fs::copy(from, to).map_err(|e| e.to_string());
    for folder in [&folder, &elsewhere] {
        copy(&trial.vendor(), &folder.join("vendor.dll"))?;
    }
    fs::write(profiles.join("vendor.toml"), vendors_profile()).map_err(|e| e.to_string())?;
    let row = || -> Result<Value, String> {
        let (_, printed) = fixture(machine)?.ycd(&["driver", "check"])?;
        let rows = printed["drivers"].as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|row| row["profile"] == "vendor").ok_or_else(|| printed.to_string())
    };
    let names = |folder: &str| {
        let line = format!("reg add \"{VENDORS_KEY}\" /v Path /d \"{folder}\" /f");
        machine.line(&line).map(drop)
    };
    let is_missing = |row: Value| match row["error"]["code"].as_str() {
        Some(code @ "token.module_missing") => Ok(format!("[{code}]")),
        _ => Err(row.to_string()),
    };
    teller.step("注册表没有写它在哪里 Nothing in the registry, no driver", || is_missing(row()?))?;
    teller.step("用户能写的文件夹不算 A folder that any user writes to does not count", || {
        names(r"C:\users\Public\vendor")?;
        is_missing(row()?)
    })?;
    names(r"C:\Program Files\某 厂商")?;
    let core = "vendor_core.dll";
    teller.step(
        "它要的库放在程序旁边，不加载 What it loads is not taken from beside the program",
        || {
            let planted = machine.usual_folder().join(core);
            copy(&trial.softkey, &planted)?;
            let checked = fixture(machine)?.ycd(&["driver", "check"]);
            fs::remove_file(&planted).map_err(|e| e.to_string())?;
            let (code, printed) = checked?;
            match printed["error"]["code"].as_str() {
                Some(named @ "token.not_a_module") if code != 0 => Ok(format!("[{named}]")),
                _ => Err(printed.to_string()),
            }
        },
    )?;
    teller.step("在厂商文件夹里的才加载 In the vendor's own folder it is", || {
        copy(&trial.softkey, &folder.join(core))?;
        let row = row()?;
        let module = row["module"].as_str().unwrap_or_default();
        if row["started"]["manufacturer"].is_string() && module.contains("某 厂商") {
            Ok(module.to_owned())
        } else {
            Err(row.to_string())
        }
    })?;
    machine.run(&[WINE, "reg", "delete", VENDORS_KEY, "/f"])?;
    for folder in [&folder, &elsewhere, &profiles] {
        fs::remove_dir_all(folder).map_err(|e| e.to_string())?;
    }
    Ok(())
}

const VENDORS_KEY: &str = r"HKLM\SOFTWARE\Trial Vendor";

/// As an administrator writes one: the software token's numbers, another place.
fn vendors_profile() -> String {
    let own = include_str!("../../../drivers-config/softkey.toml");
    own.replace("name = \"softkey\"", "name = \"vendor\"")
        .replace("family = \"softkey\"", "family = \"vendor\"")
        .replace(
            "files = [\"ycd_softkey.dll\"]",
            "files = [\"vendor.dll\"]\nregistry = ['HKLM\\SOFTWARE\\Trial Vendor\\Path']",
        )
        .replace("directories = [\"{exe_dir}\", \"{build_dir}\", \"{exe_dir}/deps\"]", "directories = []")
}

/// The file name of a profile's 64-bit module on Windows.
fn module_of(profile: &str) -> Result<String, String> {
    let drivers = Drivers::embedded().map_err(|e| e.to_string())?;
    let profile = drivers.profile(profile).ok_or("no such profile")?;
    let locations =
        profile.modules.iter().find(|locations| locations.os == Os::Windows && locations.bits == 64);
    locations
        .and_then(|locations| locations.files.first())
        .cloned()
        .ok_or_else(|| "no file is known".to_owned())
}

/// After the story: what its renewals have put into the user's certificate store.
pub fn renewed_ones_are_registered(machine: &Machine, teller: &mut Teller) -> Result<(), String> {
    teller.part("用户的证书库 The user's certificate store");
    teller.step(
        "更新后的证书登记在“个人”中，带提供程序 Renewed ones are in MY, with their provider",
        || {
            let (code, printed) = fixture(machine)?.ycd(&["cert", "registered"])?;
            let certificates = printed["certificates"].as_array().cloned().unwrap_or_default();
            let names: Vec<String> = certificates
                .iter()
                .filter(|one| one["provider"] == "YCD Software Token Provider")
                .map(|one| format!("{} {}", one["name"], one["serial"]))
                .collect();
            // Two companies were renewed.
            if code == 0 && names.len() >= 2 {
                Ok(names.join("\n"))
            } else {
                Err(format!("{code} {printed}"))
            }
        },
    )
}

fn misbehaviour(machine: &Machine, teller: &mut Teller) -> Result<(), String> {
    teller.part("驱动崩溃、卡住 A driver that crashes, one that hangs");
    for (name, action) in [("崩溃 Crashes", Action::Crash), ("卡住 Hangs", Action::Hang)] {
        teller.step(name, || {
            let fixture = fixture(machine)?;
            fixture.new_key()?;
            // Again and again: once alone is made up for.
            let fault = Fault { once: false, ..Fault::at("C_GetTokenInfo", action) };
            admin::set_fault(&fixture.softkey_dir, None, &fault).map_err(|e| e.to_string())?;
            let begun = Instant::now();
            let (code, printed) = fixture.ycd(&["token", "list"])?;
            let took = begun.elapsed();
            let named = printed["error"]["code"].as_str().unwrap_or_default().to_owned();
            if code == 0 || !named.starts_with("token.") || took > Duration::from_secs(40) {
                return Err(format!("{code} {printed} after {took:?}"));
            }
            admin::clear_fault(&fixture.softkey_dir).map_err(|e| e.to_string())?;
            match fixture.ycd(&["token", "list"])? {
                (0, _) => Ok(format!("[{named}] after {} ms; then it works again", took.as_millis())),
                (code, printed) => Err(format!("{code} {printed}")),
            }
        })?;
    }
    Ok(())
}
