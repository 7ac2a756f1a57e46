//! The system packages that the tests and the demo lean on: other people's tools, to have their verdicts.

use std::process::Command;

use crate::process;

struct Need {
    /// Debian's package.
    package: &'static str,
    program: &'static str,
    /// Arguments with which the program answers and does nothing.
    probe: &'static [&'static str],
    what_for: &'static str,
}

const NEEDS: &[Need] = &[
    Need {
        package: "gcc libc6-dev",
        program: "cc",
        probe: &["--version"],
        what_for: "builds SQLite and links programs",
    },
    Need {
        package: "openssl",
        program: "openssl",
        probe: &["version"],
        what_for: "judges requests and certificates",
    },
    Need {
        package: "opensc",
        program: "pkcs11-tool",
        probe: &["--help"],
        what_for: "drives the software token as a stranger would",
    },
    Need {
        package: "softhsm2",
        program: "softhsm2-util",
        probe: &["--version"],
        what_for: "another token, one that signs otherwise",
    },
    Need {
        package: "python3 python3-venv",
        program: "python3",
        probe: &["-c", "import ensurepip, venv"],
        what_for: "python-pkcs11, in a folder of its own",
    },
    Need {
        package: "libpcsclite-dev pkg-config",
        program: "pkg-config",
        probe: &["--exists", "libpcsclite"],
        what_for: "links programs with PC/SC",
    },
    Need {
        package: "libwebkit2gtk-4.1-dev libayatana-appindicator3-1",
        program: "pkg-config",
        probe: &["--exists", "webkit2gtk-4.1"],
        what_for: "the window and its tray",
    },
    Need {
        package: "xvfb xauth",
        program: "Xvfb",
        probe: &["-help"],
        what_for: "a screen for the window's tests",
    },
    Need {
        package: "dbus",
        program: "dbus-run-session",
        probe: &["--version"],
        what_for: "a session for each of the window's tests",
    },
    Need {
        package: "webkit2gtk-driver",
        program: "WebKitWebDriver",
        probe: &["--help"],
        what_for: "drives the window in tests",
    },
    Need {
        package: "fonts-noto-cjk fontconfig",
        program: "fc-list",
        probe: &["Noto Sans CJK SC:style=Regular", "-q"],
        what_for: "Chinese letters in pictures",
    },
    Need {
        package: "chromium",
        program: "chromium",
        probe: &["--version"],
        what_for: "shows the pages in their tests",
    },
    Need {
        package: "pcscd",
        program: "/usr/sbin/pcscd",
        probe: &["--version"],
        what_for: "the PC/SC service, several of them for tests",
    },
    Need {
        package: "vsmartcard-vpcd",
        program: "vpcd-config",
        probe: &[],
        what_for: "virtual readers in the tests' PC/SC services",
    },
];

/// Sees to it that everything is there: installs through apt as root or with a `sudo` that asks nothing; else fails
/// with a list of what is missing and the command that would install it. Does nothing where nothing is missing.
pub fn ensure() -> Result<(), String> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !is_there(need)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().flat_map(|need| need.package.split(' ')).collect();
    let list = what_is_missing(&missing);
    let Some(prefix) = install_prefix() else {
        return Err(format!("{list}\nInstall it with:\n  sudo apt-get install {}", packages.join(" ")));
    };
    eprintln!("{list}\nInstalling it, which takes a minute or two: apt-get install {}", packages.join(" "));
    let apt = |arguments: &[&str]| {
        let words = prefix.iter().chain(&["apt-get"]).chain(arguments).copied().collect::<Vec<_>>();
        process::run_quietly(
            Command::new(words[0]).args(&words[1..]).env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    // Old lists are good enough where they still lead to packages.
    let install = [&["install", "-y", "-qq", "--no-install-recommends"], packages.as_slice()].concat();
    if apt(&install).is_err() {
        apt(&["update", "-qq"])?;
        apt(&install)?;
    }
    match NEEDS.iter().filter(|need| !is_there(need)).collect::<Vec<_>>().as_slice() {
        [] => Ok(()),
        left => Err(format!("After installing, {}", what_is_missing(left))),
    }
}

fn is_there(need: &Need) -> bool {
    let answers = process::answers(need.program, need.probe);
    // pkcs11-tool ends its own help with an error.
    answers || (need.program == "pkcs11-tool" && Command::new(need.program).arg("--help").output().is_ok())
}

fn what_is_missing(needs: &[&Need]) -> String {
    let mut text = String::from("these programs are missing:");
    for need in needs {
        text.push_str(&format!("\n  {:14} ({}): {}", need.program, need.package, need.what_for));
    }
    text
}

/// What comes before `apt-get`; `None` where nothing can be installed without asking.
fn install_prefix() -> Option<&'static [&'static str]> {
    if !process::answers("apt-get", &["--version"]) {
        return None;
    }
    if process::is_root() {
        Some(&[])
    } else if process::answers("sudo", &["-n", "true"]) {
        Some(&["sudo", "-n"])
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_told_with_its_package_and_purpose() {
        let need = Need { package: "p", program: "no-such-program", probe: &[], what_for: "nothing" };
        assert!(!is_there(&need));
        assert!(what_is_missing(&[&need]).contains("no-such-program (p): nothing"));
    }
}
