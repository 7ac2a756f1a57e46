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
        put(tree, &format!("{FOLDER}/{program}"), &files::read(&built.join(program))?, 0o755)?;
    }
    files::make(&tree.join("usr/bin"))?;
    for program in ["ycd-app", "ycd"] {
        let link = tree.join("usr/bin").join(program);
        symlink(format!("../lib/yuncaidun-assistant/{program}"), link).map_err(|error| error.to_string())?;
    }
    let packaging = root.join("packaging/linux");
    let desktop = "yuncaidun-assistant.desktop";
    put(tree, &format!("usr/share/applications/{desktop}"), &files::read(&packaging.join(desktop))?, 0o644)?;
    for (size, file) in [("32x32", "32x32.png"), ("128x128", "128x128.png"), ("256x256", "128x128@2x.png")] {
        let icon = files::read(&root.join("src-tauri/icons").join(file))?;
        put(tree, &format!("usr/share/icons/hicolor/{size}/apps/yuncaidun-assistant.png"), &icon, 0o644)?;
    }
    put(tree, "usr/lib/udev/rules.d/70-yuncaidun-usbkey.rules", udev_rules(root)?.as_bytes(), 0o644)?;
    let parts = parts::of(root, &PACKAGES, "x86_64-unknown-linux-gnu")?;
    let bill = format!("{:#}\n", sbom::of(&parts));
    put(tree, &format!("{DOCUMENTS}/sbom.cdx.json"), bill.as_bytes(), 0o644)?;
    put(tree, &format!("{DOCUMENTS}/{}", licences::FILE), licences::of(&parts)?.as_bytes(), 0o644)?;
    for (name, place) in
        [("changelog", DOCUMENTS), ("ycd.1", "usr/share/man/man1"), ("ycd-app.1", "usr/share/man/man1")]
    {
        put(tree, &format!("{place}/{name}.gz"), &compressed(&packaging.join(name))?, 0o644)?;
    }
    put(tree, &format!("{DOCUMENTS}/copyright"), &files::read(&packaging.join("copyright"))?, 0o644)?;
    Ok(())
}

/// Lays what an authority's own package brings beside the programs.
pub fn bring_along(tree: &Path, brought: Vec<(String, PathBuf)>) -> Result<(), String> {
    brought
        .iter()
        .try_for_each(|(name, file)| put(tree, &format!("{FOLDER}/{name}"), &files::read(file)?, 0o644))
}

/// Makes the package out of its files.
pub fn pack(root: &Path, tree: &Path, version: &str, deb: &Path) -> Result<(), String> {
    let control = tree.join("DEBIAN");
    if control.exists() {
        fs::remove_dir_all(&control).map_err(|error| format!("{}: {error}", control.display()))?;
    }
    let text = files::read_text(&root.join("packaging/linux/control"))?
        .replace("@VERSION@", version)
        .replace("@KIB@", &(files::size(tree)? / 1024).to_string());
    put(tree, "DEBIAN/control", text.as_bytes(), 0o644)?;
    process::run_quietly(
        Command::new("dpkg-deb").args(["--root-owner-group", "--build", "-Zxz"]).arg(tree).arg(deb),
    )
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

/// With the rights that everybody is to have, whatever the builder's are.
fn put(tree: &Path, name: &str, bytes: &[u8], mode: u32) -> Result<(), String> {
    let path = tree.join(name);
    files::write(&path, bytes)?;
    let readable = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(|error| format!("{}: {error}", path.display()))
    };
    path.ancestors().skip(1).take_while(|folder| *folder != tree).try_for_each(|it| readable(it, 0o755))?;
    readable(&path, mode)
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
