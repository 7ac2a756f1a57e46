//! A whole toolchain for Windows out of Debian's packages, in a folder of its own: a compiler with its own source
//! (`rustc-web`, `rust-web-src`), mingw-w64 for the C parts of dependencies, NSIS for the installer. Unpacked without
//! root and without touching the machine's toolchain; the standard library is built once for each target. cargo is
//! the one that runs this program. On Windows itself the machine's own toolchain (MSVC) is used, and NSIS as installed.

use std::{
    env, fs,
    path::{self, Path, PathBuf},
    process::Command,
};

use crate::{files, process};

/// Says where the toolchain lies instead of `target/windows`; for a folder that outlives `cargo clean`.
const ROOT_VARIABLE: &str = "YCD_WINDOWS_ROOT";

const LIBRARIES: &str = "LD_LIBRARY_PATH";

const COMPILER: &[&str] = &[
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

const COMPILER_32: &[&str] = &[
    "gcc-mingw-w64-i686-win32",
    "gcc-mingw-w64-i686-win32-runtime",
    "binutils-mingw-w64-i686",
    "mingw-w64-i686-dev",
];

const INSTALLER: &[&str] = &["nsis", "nsis-common"];

/// Taken from the machine where it is installed.
const SIGNS: &str = "osslsigncode";

/// What programs are built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    X64,
    /// Only the driver host, for vendors' 32-bit modules.
    X86,
}

impl Target {
    pub fn triple(self) -> &'static str {
        match (self, cfg!(windows)) {
            (Self::X64, false) => "x86_64-pc-windows-gnu",
            (Self::X86, false) => "i686-pc-windows-gnu",
            (Self::X64, true) => "x86_64-pc-windows-msvc",
            (Self::X86, true) => "i686-pc-windows-msvc",
        }
    }

    fn mingw(self) -> &'static str {
        match self {
            Self::X64 => "x86_64-w64-mingw32",
            Self::X86 => "i686-w64-mingw32",
        }
    }

    /// Debian's 32-bit gcc unwinds by setjmp and Rust by tables, and the two do not link: there a panic ends the
    /// process at once. For a driver host that is what a crash of its module does.
    fn panics_abort(self) -> bool {
        self == Self::X86 && !cfg!(windows)
    }
}

pub struct Toolchain {
    folder: PathBuf,
}

impl Toolchain {
    /// The folder of this workspace, or the one the environment names.
    pub fn of(root: &Path) -> Result<Self, String> {
        Self::in_folder(match env::var_os(ROOT_VARIABLE) {
            Some(folder) => PathBuf::from(folder),
            None => process::target_folder(root)?.join("windows"),
        })
    }

    fn in_folder(folder: PathBuf) -> Result<Self, String> {
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        // Programs run in folders of their own are told of it, so the path must hold from everywhere. Not made
        // canonical: Windows gives such a path a prefix (`\\\\?\\`) that neither its linker, nor `include!`, nor NSIS
        // takes.
        let folder = path::absolute(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
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

    /// Where cargo puts what it builds.
    pub fn target_folder(&self) -> PathBuf {
        self.folder.join("target")
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn program(&self, target: Target, tool: &str) -> PathBuf {
        self.folder.join("usr/bin").join(format!("{}-{tool}", target.mingw()))
    }

    /// Whether nothing is left to be downloaded or built.
    pub fn is_complete(&self, target: Target) -> bool {
        let part = if target == Target::X86 { "standard-library-32" } else { "standard-library" };
        self.mark(part).exists()
    }

    /// Each part leaves a mark when it is whole, so that a set-up broken off is taken up again.
    pub fn set_up(&self, target: Target) -> Result<(), String> {
        if cfg!(windows) {
            return Ok(());
        }
        self.once("unpacked", || self.unpack(COMPILER))?;
        self.once("named", || self.name_gcc(Target::X64))?;
        match target {
            Target::X64 => self.once("standard-library", || self.build_standard_library(target)),
            Target::X86 => {
                self.once("unpacked-32", || self.unpack(COMPILER_32))?;
                self.once("named-32", || self.name_gcc(Target::X86))?;
                self.once("standard-library-32", || self.build_standard_library(target))
            }
        }
    }

    /// windres runs the preprocessor by gcc's plain name, which Debian gives out only when a package is installed.
    fn name_gcc(&self, target: Target) -> Result<(), String> {
        let plain = self.program(target, "gcc");
        let named = fs::read_link(&plain).is_ok() || plain.exists();
        if named {
            return Ok(());
        }
        #[cfg(unix)]
        std::os::unix::fs::symlink(self.gcc(target), &plain)
            .map_err(|error| format!("{}: {error}", plain.display()))?;
        Ok(())
    }

    /// NSIS and the program that signs.
    pub fn set_up_installer(&self) -> Result<(), String> {
        if cfg!(windows) {
            return Ok(());
        }
        self.once("unpacked-installer", || self.unpack(INSTALLER))?;
        if is_installed(SIGNS) {
            return Ok(());
        }
        self.once("unpacked-signer", || self.unpack(&[SIGNS]))
    }

    pub fn makensis(&self) -> Command {
        if cfg!(windows) {
            // Its own installer leaves it out of `PATH`.
            let usual = env::var_os("ProgramFiles(x86)")
                .map(|folder| PathBuf::from(folder).join("NSIS").join("makensis.exe"));
            return Command::new(usual.filter(|file| file.exists()).unwrap_or_else(|| "makensis".into()));
        }
        let mut command = Command::new(self.folder.join("usr/bin/makensis"));
        command.env("NSISDIR", self.folder.join("usr/share/nsis"));
        command
    }

    /// mingw's, which links what it compiles.
    pub fn gcc(&self, target: Target) -> PathBuf {
        self.program(target, "gcc-win32")
    }

    pub fn osslsigncode(&self) -> PathBuf {
        if is_installed(SIGNS) { PathBuf::from(SIGNS) } else { self.folder.join("usr/bin").join(SIGNS) }
    }

    fn mark(&self, part: &str) -> PathBuf {
        self.folder.join(format!("{part}.done"))
    }

    fn once(&self, part: &str, make: impl FnOnce() -> Result<(), String>) -> Result<(), String> {
        let mark = self.mark(part);
        if mark.exists() {
            return Ok(());
        }
        make()?;
        fs::write(&mark, "").map_err(|error| format!("{}: {error}", mark.display()))
    }

    fn unpack(&self, names: &[&str]) -> Result<(), String> {
        for (program, probe) in [("apt-get", "--version"), ("dpkg-deb", "--version")] {
            if !process::answers(program, &[probe]) {
                return Err(format!(
                    "{program} is missing: this set-up is for Debian 12 (bookworm with bookworm-security, x86-64)"
                ));
            }
        }
        let packages = self.folder.join("packages");
        files::make_empty(&packages)?;
        println!("Downloading {} packages into {} …", names.len(), packages.display());
        let download = || {
            process::run(Command::new("apt-get").args(["download", "-qq"]).args(names).current_dir(&packages))
        };
        if download().is_err() {
            // Without lists apt knows no package; only root can fetch them.
            let hint = "apt-get cannot download them. Are bookworm-security's lists there (apt-get update, as root)?";
            process::run(Command::new("apt-get").args(["update", "-qq"]))
                .map_err(|error| format!("{hint}\n{error}"))?;
            download().map_err(|error| format!("{hint}\n{error}"))?;
        }
        println!("Unpacking …");
        for package in files::entries(&packages)? {
            process::run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&self.folder))?;
        }
        fs::remove_dir_all(&packages).map_err(|error| error.to_string())?;
        Ok(())
    }

    fn build_standard_library(&self, target: Target) -> Result<(), String> {
        let triple = target.triple();
        println!("Building the standard library for {triple}, once (some minutes) …");
        let sysroot = self.sysroot()?;
        let work = self.folder.join("std");
        files::make_empty(&work)?;
        // Cargo writes beside the manifest; the package's own source stays as it came.
        process::run(
            Command::new("cp").arg("-rL").arg(sysroot.join("lib/rustlib/src/rust/library")).arg(&work),
        )?;
        let library = work.join("library");
        // Only what is linked into programs: as a library of its own it would need more of mingw than there is.
        let manifest = library.join("std/Cargo.toml");
        let text =
            fs::read_to_string(&manifest).map_err(|error| format!("{}: {error}", manifest.display()))?;
        fs::write(&manifest, text.replace(r#"crate-type = ["dylib", "rlib"]"#, r#"crate-type = ["rlib"]"#))
            .map_err(|error| format!("{}: {error}", manifest.display()))?;
        let mut build = process::cargo(&library);
        build
            .args(["build", "--locked", "--profile", "dist", "--target", triple])
            .args(["--manifest-path", "sysroot/Cargo.toml"]);
        let (features, panic) = if target.panics_abort() {
            ("backtrace,compiler-builtins-mem", " -Cpanic=abort")
        } else {
            ("panic-unwind,backtrace,compiler-builtins-mem", "")
        };
        build.args(["--features", features]);
        self.put_in_force(&mut build, target);
        build
            .env("CARGO_TARGET_DIR", work.join("target"))
            .env("CARGO_PROFILE_DIST_DEBUG", "0")
            // What the compiler's own build does: the library uses features that no other code may.
            .env("RUSTC_BOOTSTRAP", "1")
            .env(
                "RUSTFLAGS",
                format!("-Zforce-unstable-if-unmarked -Cembed-bitcode=yes --cap-lints=allow{panic}"),
            );
        process::run(&mut build)?;
        let destination = sysroot.join("lib/rustlib").join(triple).join("lib");
        files::make_empty(&destination)?;
        for built in files::entries(&work.join("target").join(triple).join("dist/deps"))? {
            if let Some(name) = built.file_name().filter(|_| built.extension().is_some_and(|e| e == "rlib")) {
                fs::copy(&built, destination.join(name)).map_err(|error| error.to_string())?;
            }
        }
        for object in ["rsbegin", "rsend"] {
            let mut compile = Command::new(self.rustc());
            compile.current_dir(&library).env("RUSTC_BOOTSTRAP", "1").env(LIBRARIES, self.libraries());
            compile.args(["--target", triple, "--emit=obj", "-o"]);
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
    /// looks for mingw's dlltool, and build scripts for windres.
    pub fn put_in_force(&self, command: &mut Command, target: Target) {
        command.env("CARGO_TARGET_DIR", self.target_folder());
        if cfg!(windows) {
            return;
        }
        let gcc = self.gcc(target);
        let path = env::var_os("PATH").unwrap_or_default();
        let path = env::join_paths(env::split_paths(&path).chain([self.folder.join("usr/bin")]));
        if let Ok(path) = path {
            command.env("PATH", path);
        }
        let name = target.triple().replace('-', "_");
        command
            .env("RUSTC", self.rustc())
            .env("RUSTDOC", self.folder.join("usr/bin/rustdoc"))
            .env(LIBRARIES, self.libraries())
            .env_remove("RUSTC_WRAPPER")
            .env_remove("RUSTUP_TOOLCHAIN")
            .env(format!("CARGO_TARGET_{}_LINKER", name.to_uppercase()), &gcc)
            .env(format!("CC_{name}"), &gcc)
            .env(format!("AR_{name}"), self.program(target, "ar"));
        if target.panics_abort() {
            command.env("RUSTFLAGS", "-Cpanic=abort");
        }
    }
}

fn is_installed(program: &str) -> bool {
    process::answers(program, &["--version"])
}
