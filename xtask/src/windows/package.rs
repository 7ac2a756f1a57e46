//! `cargo xtask package windows`: the programs, signed, and the installer around them.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
    time::Instant,
};

use object::Object as _;

use super::{
    sign::Signer,
    toolchain::{Target, Toolchain},
    winget,
};
use crate::{checksum, files, licences, parts, process, provision, sbom, ui};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Microsoft's bootstrapper of the WebView2 runtime; without it the installer fetches it where it is needed.
const BOOTSTRAPPER: &str = "YCD_WEBVIEW2_BOOTSTRAPPER";

/// Built small; see the root manifest.
const PROFILE: &str = "shipped";

/// What is linked into the programs.
const PACKAGES: [&str; 3] = ["ycd-app", "ycd-cli", "ycd-token-host"];

/// What an installer is made from.
#[derive(Debug, Clone)]
pub struct Stage {
    folder: PathBuf,
    /// Path in the installation, file.
    files: Vec<(String, PathBuf)>,
}

/// What came of it.
pub struct Package {
    pub setup: PathBuf,
    pub stage: Stage,
    /// The software token's module: for trials, and not installed. Whoever has its files has the token.
    pub softkey: PathBuf,
    /// The same for 32-bit programs.
    pub softkey_32: PathBuf,
}

/// Builds all, and says what it is.
pub fn package(root: &Path) -> Result<Package, String> {
    let begun = Instant::now();
    let toolchain = Toolchain::of(root)?;
    toolchain.set_up(Target::X64)?;
    toolchain.set_up(Target::X86)?;
    toolchain.set_up_installer()?;
    ui::build(root, ui::Carrier::Window)?;
    let built = build(root, &toolchain, Target::X64)?;
    let built_32 = build(root, &toolchain, Target::X86)?;

    let work = toolchain.folder().join("stage");
    files::make_empty(&work)?;
    let signer = Signer::new(&toolchain, &work)?;
    let mut stage = Stage { folder: work.clone(), files: Vec::new() };
    stage.take("ycd-app.exe", &built.join("ycd-app.exe"))?;
    stage.take("ycd.exe", &built.join("ycd.exe"))?;
    stage.take("ycd-host.exe", &built.join("ycd-host.exe"))?;
    stage.take("ycd-host32.exe", &built_32.join("ycd-host.exe"))?;
    if !cfg!(windows) {
        stage.take("WebView2Loader.dll", &loader(root)?)?;
    }
    stage.take("icon.ico", &root.join("src-tauri/icons/icon.ico"))?;
    let parts = parts::of(root, &PACKAGES, Target::X64.triple())?;
    let licences = work.join(licences::FILE);
    files::write(&licences, licences::of(&parts)?)?;
    stage.take(licences::FILE, &licences)?;
    stage.take_all(provision::wished()?)?;
    for (name, file) in &stage.files {
        if Path::new(name).extension().is_some_and(|extension| extension == "exe") {
            refuse_runtimes(file)?;
            signer.sign(file)?;
        }
    }

    let dist = root.join("dist");
    files::remove_where(&dist, |name| !name.ends_with(".deb"))?;
    let setup = dist.join(format!("云采盾证书助手-{VERSION}-setup.exe"));
    installer(root, &toolchain, &signer, &stage, &Made::to_be_shipped(), &setup)?;
    signer.verify(&setup)?;
    let softkey = dist.join("ycd_softkey.dll");
    files::copy(&built.join("ycd_softkey.dll"), &softkey)?;
    let bill = sbom::of(&parts);
    files::write(&dist.join("sbom.cdx.json"), format!("{bill:#}\n"))?;
    let sum = checksum::sha256(&setup)?;
    winget::write(&dist.join("winget"), VERSION, &setup, &sum)?;
    checksum::write_list(&dist)?;

    let kib = |path: &Path| fs::metadata(path).map_or(0, |file| file.len()).div_ceil(1024);
    println!("\n{}", dist.display());
    println!("  installer without the WebView2 runtime  {:>7} KiB (at most 8192)", kib(&setup));
    println!("  installed                               {:>7} KiB", stage.kib());
    for (name, file) in &stage.files {
        println!("    {name:<37} {:>7} KiB", kib(file));
    }
    println!("  parts in the bill of materials          {:>7}", parts.len());
    println!("  {}", signer.says());
    println!("  {:.0} s in all", begun.elapsed().as_secs_f64());
    if kib(&setup) > 8192 {
        return Err("the installer is larger than 8 MiB".into());
    }
    let softkey_32 = built_32.join("ycd_softkey.dll");
    Ok(Package { setup, stage, softkey, softkey_32 })
}

/// Whether there is something to begin from: then what has changed since takes minutes.
pub fn is_built(toolchain: &Toolchain) -> bool {
    let program =
        |target: Target, name| toolchain.target_folder().join(target.triple()).join(PROFILE).join(name);
    program(Target::X64, "ycd-app.exe").exists() && program(Target::X86, "ycd-host.exe").exists()
}

/// An installer of these files: the tests install an older and a newer one too.
pub fn installer_of(root: &Path, stage: &Stage, made: &Made<'_>, setup: &Path) -> Result<(), String> {
    let toolchain = Toolchain::of(root)?;
    let signer = Signer::new(&toolchain, &stage.folder)?;
    installer(root, &toolchain, &signer, stage, made, setup)
}

/// What an installer's own program is built for: it installs the same.
#[derive(Debug, Clone, Copy)]
pub enum Stub {
    X64,
    /// NSIS as published for Windows has no other; 64-bit Windows runs it.
    X86,
}

impl Stub {
    fn name(self) -> &'static str {
        match self {
            Self::X64 => "amd64-unicode",
            Self::X86 => "x86-unicode",
        }
    }
}

/// How an installer is made.
pub struct Made<'a> {
    /// What it says that it is.
    pub version: &'a str,
    pub stub: Stub,
    /// Of the window's runtime, to be packed.
    pub bootstrapper: Option<PathBuf>,
    /// In a second, and larger.
    pub quick: bool,
}

impl<'a> Made<'a> {
    fn to_be_shipped() -> Self {
        Self {
            version: VERSION,
            stub: if cfg!(windows) { Stub::X86 } else { Stub::X64 },
            bootstrapper: env::var_os(BOOTSTRAPPER).filter(|path| !path.is_empty()).map(PathBuf::from),
            quick: false,
        }
    }

    pub fn quick(version: &'a str) -> Self {
        Self { version, stub: Stub::X64, bootstrapper: None, quick: true }
    }
}

fn installer(
    root: &Path,
    toolchain: &Toolchain,
    signer: &Signer,
    stage: &Stage,
    made: &Made<'_>,
    setup: &Path,
) -> Result<(), String> {
    let lists = stage.folder.join("lists");
    files::make_empty(&lists)?;
    files::write(&lists.join("files.nsh"), stage.install_lines())?;
    files::write(&lists.join("unfiles.nsh"), stage.uninstall_lines())?;
    files::copy(&root.join("src-tauri/icons/icon.ico"), &lists.join("icon.ico"))?;
    let mut make = toolchain.makensis();
    make.args(["-V2", "-WX", "-INPUTCHARSET", "UTF8"])
        .arg(format!("-DVERSION={}", made.version))
        .arg(format!("-DSTAGE={}", lists.display()))
        .arg(format!("-DOUT={}", setup.display()))
        .arg(format!("-DSTUB={}", made.stub.name()))
        // A third more than the files: file systems count in blocks, and the uninstaller comes on top.
        .arg(format!("-DNEEDED_KB={}", stage.kib() * 4 / 3));
    if made.quick {
        make.arg("-DQUICK");
    }
    if stage.files.iter().any(|(name, _)| name == provision::SETTINGS) {
        make.arg("-DBROUGHT_SETTINGS");
    }
    if let Some(line) = signer.line(&lists.join("sign.sh"))? {
        make.arg(format!("-DSIGN={line}"));
    }
    if let Some(bootstrapper) = &made.bootstrapper {
        make.arg(format!("-DBOOTSTRAPPER={}", bootstrapper.display()));
    }
    process::run(make.arg(below(root, "packaging/windows/installer.nsi")))
}

fn build(root: &Path, toolchain: &Toolchain, target: Target) -> Result<PathBuf, String> {
    let triple = target.triple();
    println!("Building for {triple} …");
    let mut cargo = process::cargo(root);
    cargo.args(["build", "--locked", "--profile", PROFILE, "--target", triple]);
    match target {
        // Without a portal in the command line.
        Target::X64 => cargo
            .args(["-p", "ycd-app", "-p", "ycd-cli", "-p", "ycd-token-host", "-p", "ycd-softkey"])
            .args(["--no-default-features", "--lib", "--bins"]),
        Target::X86 => cargo.args(["-p", "ycd-token-host", "-p", "ycd-softkey", "--lib", "--bins"]),
    };
    toolchain.put_in_force(&mut cargo, target);
    process::run(&mut cargo)?;
    Ok(toolchain.target_folder().join(triple).join(PROFILE))
}

/// A library that must lie beside the window's program as mingw links it; it comes with the crate that binds it.
fn loader(root: &Path) -> Result<PathBuf, String> {
    let metadata = process::metadata(root, &["--locked", "--filter-platform", Target::X64.triple()])?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let manifest = packages
        .filter(|package| package["name"] == "webview2-com-sys")
        .find_map(|package| package["manifest_path"].as_str().map(PathBuf::from));
    let folder =
        manifest.as_deref().and_then(Path::parent).ok_or("webview2-com-sys is not in the lock file")?;
    Ok(folder.join("x64/WebView2Loader.dll"))
}

/// A program that wants a library of its compiler would start on no other machine: mingw's, or MSVC's.
fn refuse_runtimes(program: &Path) -> Result<(), String> {
    let wrong = |reason: &dyn std::fmt::Display| format!("{}: {reason}", program.display());
    let bytes = fs::read(program).map_err(|error| wrong(&error))?;
    match imports(&bytes).map_err(|error| wrong(&error))?.iter().find(|name| is_runtime(name)) {
        Some(runtime) => Err(wrong(&format_args!("wants {runtime}"))),
        None => Ok(()),
    }
}

fn is_runtime(library: &str) -> bool {
    let library = library.to_ascii_lowercase();
    ["libgcc", "libstdc++", "libwinpthread", "vcruntime", "msvcp"]
        .iter()
        .any(|name| library.starts_with(name))
}

/// The libraries that a program is linked with.
fn imports(program: &[u8]) -> object::Result<BTreeSet<String>> {
    let program = object::File::parse(program)?;
    program.imports()?.map(|import| Ok(String::from_utf8_lossy(import?.library()).into_owned())).collect()
}

impl Stage {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The files as they were signed, as they lie in the installation.
    pub fn files_folder(&self) -> PathBuf {
        self.folder.join("files")
    }

    fn take(&mut self, name: &str, from: &Path) -> Result<(), String> {
        let to = below(&self.files_folder(), name);
        files::copy(from, &to)?;
        self.files.push((name.to_owned(), to));
        Ok(())
    }

    /// The same with this brought along.
    pub fn provisioned(&self, folder: &Path) -> Result<Self, String> {
        let mut stage = Self { folder: self.folder.join("provisioned"), files: self.files.clone() };
        stage.take_all(provision::files_of(folder)?)?;
        Ok(stage)
    }

    fn take_all(&mut self, brought: Vec<(String, PathBuf)>) -> Result<(), String> {
        brought.iter().try_for_each(|(name, file)| self.take(name, file))
    }

    fn kib(&self) -> u64 {
        let size = |(_, file): &(String, PathBuf)| fs::metadata(file).map_or(0, |file| file.len());
        self.files.iter().map(size).sum::<u64>().div_ceil(1024)
    }

    fn install_lines(&self) -> String {
        let mut folder = String::new();
        let mut lines = String::new();
        for (name, file) in &self.files {
            let (inside, base) = split(name);
            if inside != folder {
                lines += &format!("SetOutPath \"$INSTDIR\\{inside}\"\n");
                folder = inside;
            }
            lines += &format!("File \"/oname={base}\" \"{}\"\n", file.display());
        }
        lines + "SetOutPath \"$INSTDIR\"\n"
    }

    fn uninstall_lines(&self) -> String {
        let mut lines = String::new();
        let mut folders = Vec::new();
        for (name, _) in &self.files {
            lines += &format!("Delete \"$INSTDIR\\{}\"\n", name.replace('/', "\\"));
            let (inside, _) = split(name);
            if !inside.is_empty() && !folders.contains(&inside) {
                folders.push(inside);
            }
        }
        // The deepest first.
        folders.sort_by_key(|folder| std::cmp::Reverse(folder.len()));
        lines + &folders.iter().map(|folder| format!("RMDir \"$INSTDIR\\{folder}\"\n")).collect::<String>()
    }
}

/// Folder inside the installation, as Windows writes it, and file name.
fn split(name: &str) -> (String, &str) {
    match name.rsplit_once('/') {
        Some((folder, base)) => (folder.replace('/', "\\"), base),
        None => (String::new(), name),
    }
}

/// A path as the system itself writes it: NSIS takes them apart at the system's own separator.
fn below(folder: &Path, name: &str) -> PathBuf {
    name.split('/').fold(folder.to_owned(), |path, part| path.join(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_of_a_compiler_is_known_by_how_its_name_begins() {
        assert!(is_runtime("VCRUNTIME140_1.dll") && is_runtime("libgcc_s_seh-1.dll"));
        assert!(!is_runtime("KERNEL32.dll") && !is_runtime("msvcrt.dll"));
    }
}
