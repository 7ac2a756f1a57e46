//! A Debian in a folder of its own, made once and kept: for what this machine's own Debian does not have, or must not
//! be asked to install. As root.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{files, process};

/// Where Debian's packages are had from, where it is not the usual place.
const MIRROR: &str = "YCD_DEBIAN_MIRROR";

/// What is to be made.
pub struct Debian {
    pub folder: PathBuf,
    pub suite: &'static str,
    /// What is in it, for the mark that it is whole: another text makes it anew.
    pub contents: &'static str,
    /// Run in it once, by a shell; may be nothing.
    pub script: String,
    /// What whoever waits is told.
    pub told: &'static str,
}

impl Debian {
    /// Whether it is there and whole.
    pub fn is_ready(&self) -> bool {
        fs::read_to_string(self.mark()).is_ok_and(|made_of| made_of == self.contents)
    }

    /// Makes it, where it is not there yet. One that was broken off is made anew.
    pub fn ready(self) -> Result<PathBuf, String> {
        if self.is_ready() {
            return Ok(self.folder);
        }
        if !process::is_root() {
            return Err(format!("{}: only root can make and enter it", self.told));
        }
        if !process::answers("debootstrap", &["--version"]) {
            process::run(Command::new("apt-get").args(["install", "-y", "-qq", "debootstrap"]))
                .map_err(|error| format!("debootstrap is missing\n{error}"))?;
        }
        println!("Setting up {} in {} …", self.told, self.folder.display());
        files::make_empty(&self.folder)?;
        let mut make = Command::new("debootstrap");
        make.args(["--variant=minbase", "--include=ca-certificates", self.suite]).arg(&self.folder);
        process::run_quietly(make.args(env::var_os(MIRROR)))?;
        self.take_network();
        if !self.script.is_empty() {
            process::run_quietly(
                Command::new("unshare")
                    .args(["-m", "--propagation", "private", "sh", "-c"])
                    .arg("mount --rbind /proc \"$1/proc\"; mount --rbind /dev \"$1/dev\"; exec chroot \"$1\" bash -c \"$2\"")
                    .arg("sh")
                    .arg(&self.folder)
                    .arg(format!("export DEBIAN_FRONTEND=noninteractive; {}", self.script)),
            )?;
        }
        files::write(&self.mark(), self.contents)?;
        Ok(self.folder)
    }

    /// It reaches the network as this machine does.
    fn take_network(&self) {
        for file in ["etc/resolv.conf", "etc/ssl/certs/ca-certificates.crt"] {
            let _ = fs::copy(Path::new("/").join(file), self.folder.join(file));
        }
        for entry in fs::read_dir("/etc/apt/apt.conf.d").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().contains("proxy") {
                let _ =
                    fs::copy(entry.path(), self.folder.join("etc/apt/apt.conf.d").join(entry.file_name()));
            }
        }
    }

    fn mark(&self) -> PathBuf {
        self.folder.join("ycd-ready")
    }
}
