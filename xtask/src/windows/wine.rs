//! A Debian with Wine in a folder of its own: bookworm's Wine knows no PC/SC, trixie's does. Made once, as root.
//!
//! What runs in it sees this machine's network, `/tmp`, and the folders that it is given.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::toolchain::Toolchain;
use crate::process;

/// Says where it lies instead of beside the toolchain.
const ROOT_VARIABLE: &str = "YCD_WINE_ROOT";
/// Where Debian's packages are had from, where it is not the usual place.
const MIRROR: &str = "YCD_DEBIAN_MIRROR";

/// With the 32-bit half of Wine, for the 32-bit driver host.
const PACKAGES: &str = "wine wine64 wine32:i386 xvfb xauth locales procps";

/// The folder, where it is there; else what is missing to make it.
pub fn root(root: &Path, may_make: bool) -> Result<PathBuf, String> {
    let folder = match env::var_os(ROOT_VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => Toolchain::of(root)?.folder().join("wine"),
    };
    let mark = folder.join("ycd-ready");
    if fs::read_to_string(&mark).is_ok_and(|made_of| made_of == PACKAGES) {
        return Ok(folder);
    }
    if !may_make {
        return Err("no Wine is set up (cargo xtask test windows makes it)".into());
    }
    if !is_root() {
        return Err("Wine is set up in a Debian of its own, which only root can make and enter".into());
    }
    if !process::answers("debootstrap", &["--version"]) {
        process::run(Command::new("apt-get").args(["install", "-y", "-qq", "debootstrap"]))
            .map_err(|error| format!("debootstrap is missing\n{error}"))?;
    }
    println!("Setting up Debian 13 with Wine in {} (some minutes, 3 GB) …", folder.display());
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut make = Command::new("debootstrap");
    make.args(["--variant=minbase", "--include=ca-certificates", "trixie"]).arg(&folder);
    process::run_quietly(make.args(env::var_os(MIRROR)))?;
    // As this machine reaches the network.
    for file in ["etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"] {
        let _ = fs::copy(Path::new("/").join(file), folder.join(file));
    }
    for entry in fs::read_dir("/etc/apt/apt.conf.d").into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().contains("proxy") {
            let _ = fs::copy(entry.path(), folder.join("etc/apt/apt.conf.d").join(entry.file_name()));
        }
    }
    let inside = format!(
        "export DEBIAN_FRONTEND=noninteractive; dpkg --add-architecture i386 && apt-get update -qq && \
         apt-get install -y -qq --no-install-recommends {PACKAGES} && \
         echo 'zh_CN.UTF-8 UTF-8' >> /etc/locale.gen && locale-gen && \
         WINEDLLOVERRIDES=mscoree,mshtml= WINEDEBUG=-all WINEPREFIX=/opt/wine xvfb-run -a /usr/lib/wine/wine64 wineboot -i"
    );
    process::run_quietly(
        Command::new("unshare")
            .args(["-m", "--propagation", "private", "sh", "-c"])
            .arg("mount --rbind /proc \"$1/proc\"; mount --rbind /dev \"$1/dev\"; exec chroot \"$1\" bash -c \"$2\"")
            .arg("sh")
            .arg(&folder)
            .arg(inside),
    )?;
    fs::write(&mark, PACKAGES).map_err(|error| format!("{}: {error}", mark.display()))?;
    Ok(folder)
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}
