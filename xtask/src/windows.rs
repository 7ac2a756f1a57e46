//! `cargo xtask check windows`: does everything type-check for Windows?
//!
//! On Debian 12 a whole cross toolchain comes as packages: a compiler with its own source (`rustc-web`,
//! `rust-web-src`) and mingw-w64 for the C parts of dependencies. They are downloaded and unpacked into a folder of
//! their own, without root and without touching the machine's toolchain; the standard library is then built for
//! Windows once. cargo is the one that runs this program.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::process;

const TARGET: &str = "x86_64-pc-windows-gnu";

/// Says where the toolchain lies instead of `target/windows`; for a folder that outlives `cargo clean`.
const ROOT_VARIABLE: &str = "YCD_WINDOWS_ROOT";

const LIBRARIES: &str = "LD_LIBRARY_PATH";

const PACKAGES: &[&str] = &[
    "rustc-web",
    "libstd-rust-web-1.96",
    "libstd-rust-web-dev",
    "rust-web-src",
    "libllvm22",
    "gcc-mingw-w64-x86-64-win32",
    "gcc-mingw-w64-x86-64-win32-runtime",
    "gcc-mingw-w64-base",
    "binutils-mingw-w64-x86-64",
    "mingw-w64-x86-64-dev",
    "mingw-w64-common",
];

/// Sets the toolchain up where it is not there yet, and checks every crate with its tests.
pub fn check(root: &Path) -> crate::Outcome {
    if cfg!(windows) {
        return process::run(process::cargo(root).args([
            "check",
            "--workspace",
            "--all-targets",
            "--locked",
        ]))
        .map(|()| true);
    }
    let toolchain = Toolchain::in_folder(match env::var_os(ROOT_VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => process::target_folder(root)?.join("windows"),
    })?;
    toolchain.set_up()?;
    println!("Type-checking every crate for {TARGET} …");
    let mut command = process::cargo(root);
    command.args(["check", "--workspace", "--all-targets", "--locked", "--target", TARGET]);
    toolchain.put_in_force(&mut command);
    command.env("CARGO_TARGET_DIR", toolchain.folder.join("target"));
    process::run(&mut command)?;
    println!("check windows: everything type-checks for {TARGET}");
    Ok(true)
}

struct Toolchain {
    folder: PathBuf,
}

impl Toolchain {
    fn in_folder(folder: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        // Programs run in folders of their own are told of it, so the path must hold from everywhere.
        let folder = folder.canonicalize().map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self { folder })
    }

    fn rustc(&self) -> PathBuf {
        self.folder.join("usr/bin/rustc")
    }

    /// Where the compiler finds its own libraries. Told in the environment and not by a script around it: a shell
    /// drops variables whose names are not its own kind, and cargo passes some (`CARGO_BIN_EXE_ycd-host`).
    fn libraries(&self) -> PathBuf {
        self.folder.join("usr/lib/x86_64-linux-gnu")
    }

    fn mingw(&self, tool: &str) -> PathBuf {
        self.folder.join("usr/bin").join(format!("x86_64-w64-mingw32-{tool}"))
    }

    /// Each part leaves a mark when it is whole, so that a set-up broken off is taken up again.
    fn set_up(&self) -> Result<(), String> {
        self.once("unpacked", || self.unpack())?;
        self.once("standard-library", || self.build_standard_library())
    }

    fn once(&self, part: &str, make: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let mark = self.folder.join(format!("{part}.done"));
        if mark.exists() {
            return Ok(());
        }
        make()?;
        fs::write(&mark, "").map_err(|error| format!("{}: {error}", mark.display()))
    }

    fn unpack(&self) -> Result<(), String> {
        for (program, probe) in [("apt-get", "--version"), ("dpkg-deb", "--version")] {
            if !process::answers(program, &[probe]) {
                return Err(format!(
                    "{program} is missing: this set-up is for Debian 12 (bookworm with bookworm-security, x86-64)"
                ));
            }
        }
        let packages = self.folder.join("packages");
        make_empty(&packages)?;
        println!("Downloading {} packages (about 160 MB) into {} …", PACKAGES.len(), packages.display());
        let download = || {
            process::run(
                Command::new("apt-get").args(["download", "-qq"]).args(PACKAGES).current_dir(&packages),
            )
        };
        if download().is_err() {
            // Without lists apt knows no package; only root can fetch them.
            let hint = "apt-get cannot download them. Are bookworm-security's lists there (apt-get update, as root)?";
            process::run(Command::new("apt-get").args(["update", "-qq"]))
                .map_err(|error| format!("{hint}\n{error}"))?;
            download().map_err(|error| format!("{hint}\n{error}"))?;
        }
        println!("Unpacking …");
        for package in read_folder(&packages)? {
            process::run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&self.folder))?;
        }
        fs::remove_dir_all(&packages).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn build_standard_library(&self) -> Result<(), String> {
        println!("Building the standard library for {TARGET}, once (some minutes) …");
        let sysroot = self.sysroot()?;
        let work = self.folder.join("std");
        make_empty(&work)?;
        // Cargo writes beside the manifest; the package's own source stays as it came.
        process::run(
            Command::new("cp").arg("-rL").arg(sysroot.join("lib/rustlib/src/rust/library")).arg(&work),
        )?;
        let library = work.join("library");
        let mut build = process::cargo(&library);
        build
            .args(["build", "--locked", "--profile", "dist", "--target", TARGET])
            .args(["--manifest-path", "sysroot/Cargo.toml"])
            .args(["--features", "panic-unwind,backtrace,compiler-builtins-mem"]);
        self.put_in_force(&mut build);
        build
            .env("CARGO_TARGET_DIR", work.join("target"))
            .env("CARGO_PROFILE_DIST_DEBUG", "0")
            // What the compiler's own build does: the library uses features that no other code may.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Zforce-unstable-if-unmarked -Cembed-bitcode=yes --cap-lints=allow");
        process::run(&mut build)?;
        let destination = sysroot.join("lib/rustlib").join(TARGET).join("lib");
        make_empty(&destination)?;
        for built in read_folder(&work.join("target").join(TARGET).join("dist/deps"))? {
            if let Some(name) = built.file_name().filter(|_| built.extension().is_some_and(|e| e == "rlib")) {
                fs::copy(&built, destination.join(name)).map_err(|error| error.to_string())?;
            }
        }
        for object in ["rsbegin", "rsend"] {
            let mut compile = Command::new(self.rustc());
            compile.current_dir(&library).env("RUSTC_BOOTSTRAP", "1").env(LIBRARIES, self.libraries());
            compile.args(["--target", TARGET, "--emit=obj", "-o"]);
            compile.arg(destination.join(format!("{object}.o"))).arg(format!("rtstartup/{object}.rs"));
            process::run(&mut compile)?;
        }
        fs::remove_dir_all(&work).map_err(|error| error.to_string())
    }

    fn sysroot(&self) -> Result<PathBuf, String> {
        let mut command = Command::new(self.rustc());
        let output = command.args(["--print", "sysroot"]).env(LIBRARIES, self.libraries()).output();
        let output = output.map_err(|error| format!("{}: {error}", self.rustc().display()))?;
        if !output.status.success() {
            return Err(format!("{}: {}", self.rustc().display(), String::from_utf8_lossy(&output.stderr)));
        }
        Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
    }

    /// `RUSTC` itself is set: a place in `PATH` alone loses to a proxy of rustup. In `PATH`, at its end, the compiler
    /// looks for mingw's dlltool.
    fn put_in_force(&self, command: &mut Command) {
        let gcc = self.mingw("gcc-win32");
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(env::split_paths(&path).chain([self.folder.join("usr/bin")]));
        if let Ok(path) = path {
            command.env("PATH", path);
        }
        command
            .env("RUSTC", self.rustc())
            .env("RUSTDOC", self.folder.join("usr/bin/rustdoc"))
            .env(LIBRARIES, self.libraries())
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env("CARGO_TARGET_X86_64_PC_WINDOWS_GNU_LINKER", &gcc)
            .env("CC_x86_64_pc_windows_gnu", &gcc)
            .env("AR_x86_64_pc_windows_gnu", self.mingw("ar"));
    }
}

fn make_empty(folder: &Path) -> Result<(), String> {
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn read_folder(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    entries.map(|entry| entry.map(|entry| entry.path()).map_err(|error| error.to_string())).collect()
}
