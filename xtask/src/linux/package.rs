//! `cargo xtask package linux`: a .deb for Debian 12 and what descends from it.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{checksum, files, licences, parts, process, provision, sbom, setup, tree::Tree, ui};

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
const PACKAGES: [&str; 3] = ["ycd-app", "ycd-cli", "ycd-token-host"];
/// Programs lie together: each finds the driver host beside itself.
const PROGRAMS: [&str; 3] = ["ycd-app", "ycd", "ycd-host"];
const FOLDER: &str = "usr/lib/yuncaidun-assistant";
const DOCUMENTS: &str = "usr/share/doc/yuncaidun-assistant";

/// What came of it.
pub struct Package {
    pub deb: PathBuf,
    /// Its files, as they will lie.
    pub tree: PathBuf,
}

/// Builds it, and says what it is.
pub fn package(root: &Path) -> Result<Package, String> {
    setup::ensure()?;
    ui::build(root, ui::Carrier::Window)?;
    let mut build = process::cargo(root);
    build.args(["build", "--locked", "--profile", "shipped", "--no-default-features", "--bins"]);
    for package in PACKAGES {
        build.args(["-p", package]);
    }
    process::run(&mut build)?;
    let target = process::target_folder(root)?;
    let tree = target.join("deb");
    stage(root, &target.join("shipped"), &tree)?;
    bring_along(&tree, provision::wished()?)?;

    let dist = root.join("dist");
    files::remove_where(&dist, |name| name.ends_with(".deb"))?;
    let deb = dist.join(format!("yuncaidun-assistant_{VERSION}_amd64.deb"));
    pack(root, &tree, VERSION, &deb)?;
    checksum::write_list(&dist)?;
    println!(
        "{}: {} KiB, installed {} KiB",
        deb.display(),
        files::size(&deb)? / 1024,
        files::size(&tree)? / 1024
    );
    Ok(Package { deb, tree })
}

fn stage(root: &Path, built: &Path, tree: &Path) -> Result<(), String> {
    files::make_empty(tree)?;
    for program in PROGRAMS {
        files::copy(&built.join(program), &tree.join(FOLDER).join(program))?;
    }
    files::make(&tree.join("usr/bin"))?;
    for program in ["ycd-app", "ycd"] {
        let link = tree.join("usr/bin").join(program);
        symlink(format!("../lib/yuncaidun-assistant/{program}"), link).map_err(|error| error.to_string())?;
    }
    for (size, icon) in [("32x32", "32x32.png"), ("128x128", "128x128.png"), ("256x256", "128x128@2x.png")] {
        let place = format!("usr/share/icons/hicolor/{size}/apps/yuncaidun-assistant.png");
        files::copy(&root.join("src-tauri/icons").join(icon), &tree.join(place))?;
    }
    files::write(&tree.join("usr/lib/udev/rules.d/70-yuncaidun-usbkey.rules"), udev_rules(root)?)?;
    let (packaging, documents) = (root.join("packaging/linux"), tree.join(DOCUMENTS));
    let desktop = "yuncaidun-assistant.desktop";
    files::copy(&packaging.join(desktop), &tree.join("usr/share/applications").join(desktop))?;
    for page in ["ycd.1", "ycd-app.1"] {
        let place = tree.join("usr/share/man/man1").join(format!("{page}.gz"));
        files::write(&place, compressed(&packaging.join(page))?)?;
    }
    let parts = parts::of(root, &PACKAGES, "x86_64-unknown-linux-gnu")?;
    files::write(&documents.join("sbom.cdx.json"), format!("{:#}\n", sbom::of(&parts)))?;
    files::write(&documents.join(licences::FILE), licences::of(&parts)?)?;
    files::write(&documents.join("changelog.gz"), compressed(&packaging.join("changelog"))?)?;
    files::copy(&packaging.join("copyright"), &documents.join("copyright"))
}

/// Lays what an authority's own package brings beside the programs.
pub fn bring_along(tree: &Path, brought: Vec<(String, PathBuf)>) -> Result<(), String> {
    brought.iter().try_for_each(|(name, file)| files::copy(file, &tree.join(FOLDER).join(name)))
}

/// Makes the package out of its files.
pub fn pack(root: &Path, tree: &Path, version: &str, deb: &Path) -> Result<(), String> {
    let control = tree.join("DEBIAN");
    // Not counted with what is installed.
    files::make_empty(&control)?;
    let text = files::read_text(&root.join("packaging/linux/control"))?
        .replace("@VERSION@", version)
        .replace("@KIB@", &(files::size(tree)? / 1024).to_string());
    files::write(&control.join("control"), text)?;
    everybody_reads(tree)?;
    process::run_quietly(
        Command::new("dpkg-deb").args(["--root-owner-group", "--build", "-Zxz"]).arg(tree).arg(deb),
    )
}

/// Whatever the builder's own habits of rights are: folders and programs can be entered and run by everybody.
fn everybody_reads(path: &Path) -> Result<(), String> {
    let own = path.symlink_metadata().map_err(|error| format!("{}: {error}", path.display()))?;
    if own.is_symlink() {
        return Ok(());
    }
    let runs = own.is_dir() || own.permissions().mode() & 0o100 != 0;
    let mode = if runs { 0o755 } else { 0o644 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| format!("{}: {error}", path.display()))?;
    if own.is_dir() {
        return files::entries(path)?.iter().try_for_each(|entry| everybody_reads(entry));
    }
    Ok(())
}

/// The same bytes whenever it is packed (Debian Policy 12.1, 12.7).
fn compressed(file: &Path) -> Result<Vec<u8>, String> {
    let output = Command::new("gzip").args(["-9nc"]).arg(file).output();
    let output = output.map_err(|error| format!("gzip: {error}"))?;
    if output.status.success() { Ok(output.stdout) } else { Err(format!("gzip: {}", file.display())) }
}

/// Whoever sits at the machine may use the devices that profiles know by number.
fn udev_rules(root: &Path) -> Result<String, String> {
    let mut known = BTreeSet::new();
    let tree = Tree::read(root).map_err(|error| error.to_string())?;
    let profiles = tree.with_extension(&["toml"]).filter(|file| file.path.starts_with("drivers-config/"));
    for file in profiles {
        let profile: toml::Table =
            toml::from_str(&file.text).map_err(|error| format!("{}: {error}", file.path))?;
        let usb = profile.get("recognition").and_then(|it| it.get("usb")).and_then(toml::Value::as_array);
        let ids = usb.into_iter().flatten().filter_map(toml::Value::as_str);
        known.extend(
            ids.filter_map(|id| id.split_once(':')).map(|(v, p)| (v.to_lowercase(), p.to_lowercase())),
        );
    }
    let mut rules = String::from("# USBKEYs of the driver profiles: for whoever sits at the machine.\n");
    for (vendor, product) in known {
        rules += &format!(
            "SUBSYSTEM==\"usb\", ATTR{{idVendor}}==\"{vendor}\", ATTR{{idProduct}}==\"{product}\", TAG+=\"uaccess\"\n"
        );
    }
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_name_the_devices_of_profiles() {
        let rules = udev_rules(&crate::tree::root()).unwrap();
        assert!(rules.lines().skip(1).count() >= 3, "{rules}");
        assert!(rules.lines().skip(1).all(|line| line.ends_with("TAG+=\"uaccess\"")));
    }
    #[test]
    fn the_first_entry_of_the_changelog_is_of_this_version() {
        let changelog = files::read_text(&crate::tree::root().join("packaging/linux/changelog")).unwrap();
        assert!(changelog.starts_with(&format!("yuncaidun-assistant ({VERSION}) ")), "{changelog}");
    }
}
