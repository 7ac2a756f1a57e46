//! The Debian package in a clean Debian 12: what comes with it and no more. `cargo xtask test linux` runs this.

mod machine;

use std::path::PathBuf;

use self::machine::{DATA, Machine};
use crate::{
    demo::{Teller, Wishes, tell},
    world::program,
};

const NAME: &str = "yuncaidun-assistant";
const PROGRAMS: [&str; 3] = ["ycd", "ycd-app", "ycd-host"];

/// Other people's programs, for the trial alone: a screen, a session, and checks.
const TOOLS: &str = "xvfb xauth dbus procps xdg-utils desktop-file-utils udev lintian";

/// Lines of shell that wait until the window says that its page was painted.
const IS_READY: &str = "for i in $(seq 400); do grep -q 'the page is ready' log && break; sleep 0.1; done
             grep -q 'the page is ready' log";

/// What is tried, and where.
#[derive(Debug, Default)]
pub struct Trial {
    /// A clean Debian 12. It stays so.
    pub root: PathBuf,
    /// The package that is shipped.
    pub deb: PathBuf,
    /// The same under a newer version's number, with settings that wish for a start with the session.
    pub newer: PathBuf,
}

impl Trial {
    /// # Errors
    /// What is wrong with the arguments.
    pub fn from_args(mut args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut trial = Self::default();
        while let Some(arg) = args.next() {
            let path = PathBuf::from(args.next().ok_or(format!("{arg} wants a path"))?);
            match arg.as_str() {
                "--root" => trial.root = path,
                "--deb" => trial.deb = path,
                "--newer" => trial.newer = path,
                _ => return Err(format!("unknown argument {arg}")),
            }
        }
        Ok(trial)
    }
}

/// Runs all; `Err` says what went wrong.
///
/// # Errors
/// A step that did not end as it must, and what came of it.
pub fn run(trial: &Trial) -> Result<(), String> {
    let machine = Machine::new(&trial.root)?;
    let (deb, newer) = (machine.take(&trial.deb)?, machine.take(&trial.newer)?);
    let mut teller = Teller::default();
    let outcome = comes(&machine, &mut teller, &deb)
        .and_then(|()| is_as_others_want_it(&machine, &mut teller, &deb))
        .and_then(|()| starts(&machine, &mut teller))
        .and_then(|()| story(&machine, &mut teller))
        .and_then(|()| changes(&machine, &mut teller, &deb, &newer))
        .and_then(|()| goes(&machine, &mut teller));
    teller.table();
    outcome
}

fn comes(machine: &Machine, teller: &mut Teller, deb: &str) -> Result<(), String> {
    teller.part("安装 Installed");
    teller.step(
        "在干净的 Debian 12 里，只带它要的软件包 In a clean Debian 12, with what it asks for",
        || {
            let count = "dpkg-query -W -f '${Package}\\n' | wc -l";
            let before = machine.does(count)?;
            machine.does(&format!(
                "apt-get update -qq && apt-get install -y -qq --no-install-recommends {deb}"
            ))?;
            machine.does(&format!("test -z \"$(dpkg --verify {NAME})\""))?;
            let after = machine.does(count)?;
            Ok(format!("{before} packages before, {after} after"))
        },
    )?;
    teller.step("每个程序都找得到它的库 Every program finds its libraries", || {
        for program in PROGRAMS {
            let libraries = machine.does(&format!("ldd /usr/lib/{NAME}/{program}"))?;
            if let Some(missing) = libraries.lines().find(|line| line.contains("not found")) {
                return Err(format!("{program}: {missing}"));
            }
        }
        machine.does("ycd --version")
    })
}

fn is_as_others_want_it(machine: &Machine, teller: &mut Teller, deb: &str) -> Result<(), String> {
    teller.part("别人的工具怎么说 What other people's tools say");
    teller.step(
        "屏幕、会话和检查用的工具 A screen, a session and tools, for this trial",
        || {
            machine.does(&format!("apt-get install -y -qq --no-install-recommends {TOOLS}")).map(drop)?;
            Ok(TOOLS.to_owned())
        },
    )?;
    teller.step("lintian", || {
        let printed =
            machine.does(&format!("lintian --allow-root --no-cfg --fail-on error,warning {deb}"))?;
        Ok(if printed.is_empty() { "nothing to complain of".to_owned() } else { printed })
    })?;
    teller.step("桌面项和 ycd: 链接 The desktop entry, and who opens ycd: links", || {
        machine.does(&format!("desktop-file-validate /usr/share/applications/{NAME}.desktop"))?;
        let opens = machine.does_as_user("xdg-mime query default x-scheme-handler/ycd")?;
        if opens == format!("{NAME}.desktop") { Ok(opens) } else { Err(format!("{opens:?} opens them")) }
    })?;
    teller.step("udev 的规则 udev's rules", || {
        let printed = machine
            .does("mount -t sysfs sysfs /sys && udevadm test --action=add /devices/virtual/mem/null 2>&1")?;
        let of_ours = |line: &&str| line.contains("70-yuncaidun-usbkey.rules");
        match printed.lines().filter(of_ours).collect::<Vec<_>>().as_slice() {
            [] => Err(format!("udev has not read them: {printed}")),
            [read] if read.contains("Reading rules file") => Ok((*read).to_owned()),
            complaints => Err(complaints.join("\n")),
        }
    })
}

fn starts(machine: &Machine, teller: &mut Teller) -> Result<(), String> {
    teller.part("普通用户，家目录有空格和中文 An ordinary user, whose folder has a blank and 中文");
    teller.step("窗口出来，第二次启动交给第一个，请它退出就退出 The window comes; a second start is handed on; it ends when asked", || {
        machine.on_screen(&format!(
            "ycd-app >log 2>&1 & app=$!
             {IS_READY}
             timeout 20 ycd-app ycd:open
             kill -0 $app
             timeout 20 ycd-app --quit
             wait $app"
        ))
    })?;
    teller.step("没有屏幕时说明 Without a screen, it is said", || {
        machine.does_as_user(
            "env -u DISPLAY -u WAYLAND_DISPLAY ycd-app >log 2>&1 && exit 1; test $? = 3; cat log",
        )
    })
}

/// The demonstration, its applicants on the installed program: portal, operator and tokens' folder stay outside.
fn story(machine: &Machine, teller: &mut Teller) -> Result<(), String> {
    teller.part("演示的全过程，经办人用装好的程序 The demonstration, applicants on the installed program");
    // Not installed, since whoever has its files has the token.
    let module = program("libycd_softkey.so");
    let place = machine.folder().join("usr/lib").join(NAME).join("libycd_softkey.so");
    std::fs::copy(&module, &place).map_err(|e| format!("{}: {e}", module.display()))?;
    let outcome = teller.step(
        "更新（拔出、杀掉）和解锁 Renewals, pulled and killed; an unlock, killed",
        || {
            tell(&Wishes {
                keep: Some(machine.scratch().join("story")),
                applicant: Some(machine.as_program("/usr/bin/ycd")?),
                ..Wishes::default()
            })?;
            Ok(String::new())
        },
    );
    std::fs::remove_file(&place).map_err(|e| format!("{}: {e}", place.display()))?;
    outcome
}

fn changes(machine: &Machine, teller: &mut Teller, deb: &str, newer: &str) -> Result<(), String> {
    teller.part("升级 Upgraded");
    // The portal cannot be reached, and that is an error.
    let portal = || machine.does_as_user("ycd --json doctor || true");
    teller.step("用户自己的门户还在，不被新版本带来的取代 The portal of the user stays, whatever a newer version brings", || {
        machine.does_as_user(&format!("echo 'portal = \"https://own.example\"' > \"{DATA}/config.toml\""))?;
        machine.does(&format!("apt-get install -y -qq --no-install-recommends {newer}"))?;
        let printed = portal()?;
        machine.does_as_user(&format!("rm \"{DATA}/config.toml\""))?;
        if printed.contains("https://own.example") { Ok(version(machine)?) } else { Err(printed) }
    })?;
    teller.step("旧版本不能盖新版本 An older version over it is refused", || {
        let printed = machine.refuses(&format!("apt-get install -y -qq {deb}"))?;
        match version(machine)?.as_str() {
            "9.9.9" if printed.contains("downgraded") => Ok(printed),
            version => Err(format!("{version} is installed: {printed}")),
        }
    })?;
    teller.step("随包带来的门户、语言和随登录启动 A portal, a language and a start with the session, brought along", || {
        let entry = machine.on_screen(&format!(
            "ycd-app >log 2>&1 & app=$!
             {IS_READY}
             for i in $(seq 100); do ls ~/.config/autostart/*.desktop >/dev/null 2>&1 && break; sleep 0.1; done
             timeout 20 ycd-app --quit; wait $app
             desktop-file-validate ~/.config/autostart/*.desktop
             start=$(sed -n 's/^Exec=//p' ~/.config/autostart/*.desktop); echo \"$start\"
             eval \"$start\" >log 2>&1 & app=$!
             sleep 2; kill -0 $app
             timeout 20 ycd-app --quit; wait $app"
        ))?;
        if !entry.contains(&format!("/usr/lib/{NAME}/ycd-app")) || !entry.contains("--hidden") {
            return Err(format!("the session starts {entry:?}"));
        }
        let printed = portal()?;
        if printed.contains("https://portal.example") { Ok(entry) } else { Err(printed) }
    })
}

fn version(machine: &Machine) -> Result<String, String> {
    machine.does(&format!("dpkg-query -W -f '${{Version}}' {NAME}"))
}

fn goes(machine: &Machine, teller: &mut Teller) -> Result<(), String> {
    teller.part("卸载 Removed");
    teller.step("什么也不留，除了用户自己的 Nothing is left but what is the user's", || {
        let list = format!(
            "dpkg -L {NAME} | while read it; do [ -d \"$it\" ] && ! [ -L \"$it\" ] || echo \"$it\"; done"
        );
        let files = machine.does(&list)?;
        machine.does(&format!("apt-get purge -y -qq {NAME}"))?;
        let left: Vec<&str> = files
            .lines()
            .filter(|file| machine.folder().join(file.trim_start_matches('/')).symlink_metadata().is_ok())
            .collect();
        machine.does(&format!("! test -e /usr/lib/{NAME} && ! test -e /usr/share/doc/{NAME}"))?;
        machine.does_as_user(&format!("test -s \"{DATA}/journal.sqlite\""))?;
        if left.is_empty() { Ok(format!("{} files", files.lines().count())) } else { Err(left.join("\n")) }
    })
}
