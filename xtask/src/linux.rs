//! `cargo xtask package linux`: a .deb for Debian 12 and what descends from it.

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use crate::{process, sbom, setup, tree::Tree, ui};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PACKAGES: [&str; 3] = ["ycd-app", "ycd-cli", "ycd-token-host"];
/// Programs lie together: each finds the driver host beside itself.
const PROGRAMS: [&str; 3] = ["ycd-app", "ycd", "ycd-host"];
const FOLDER: &str = "usr/lib/yuncaidun-assistant";

/// Builds it, and says what it is.
pub fn package(root: &Path) -> crate::Outcome {
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
    if tree.exists() {
        fs::remove_dir_all(&tree).map_err(|error| format!("{}: {error}", tree.display()))?;
    }
    for program in PROGRAMS {
        let place =
            put(&tree, &format!("{FOLDER}/{program}"), &read(&target.join("shipped").join(program))?)?;
        fs::set_permissions(&place, fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    }
    fs::create_dir_all(tree.join("usr/bin")).map_err(|error| error.to_string())?;
    for program in ["ycd-app", "ycd"] {
        let link = tree.join("usr/bin").join(program);
        symlink(format!("../lib/yuncaidun-assistant/{program}"), link).map_err(|error| error.to_string())?;
    }
    let packaging = root.join("packaging/linux");
    let desktop = "yuncaidun-assistant.desktop";
    put(&tree, &format!("usr/share/applications/{desktop}"), &read(&packaging.join(desktop))?)?;
    for (size, file) in [("32x32", "32x32.png"), ("128x128", "128x128.png"), ("256x256", "128x128@2x.png")] {
        let icon = read(&root.join("src-tauri/icons").join(file))?;
        put(&tree, &format!("usr/share/icons/hicolor/{size}/apps/yuncaidun-assistant.png"), &icon)?;
    }
    put(&tree, "usr/lib/udev/rules.d/70-yuncaidun-usbkey.rules", udev_rules(root)?.as_bytes())?;
    let bill = sbom::of(root, &PACKAGES, "x86_64-unknown-linux-gnu")?;
    put(&tree, "usr/share/doc/yuncaidun-assistant/sbom.cdx.json", format!("{bill:#}\n").as_bytes())?;
    let control = String::from_utf8_lossy(&read(&packaging.join("control"))?)
        .replace("@VERSION@", VERSION)
        .replace("@KIB@", &(size(&tree)? / 1024).to_string());
    put(&tree, "DEBIAN/control", control.as_bytes())?;

    let dist = root.join("dist");
    fs::create_dir_all(&dist).map_err(|error| format!("{}: {error}", dist.display()))?;
    let package = dist.join(format!("yuncaidun-assistant_{VERSION}_amd64.deb"));
    process::run_quietly(
        Command::new("dpkg-deb").args(["--root-owner-group", "--build", "-Zxz"]).arg(&tree).arg(&package),
    )?;
    let bytes = fs::metadata(&package).map_err(|error| error.to_string())?.len();
    println!("{}: {} KiB, installed {} KiB", package.display(), bytes / 1024, size(&tree)? / 1024);
    Ok(true)
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

fn put(tree: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf, String> {
    let path = tree.join(name);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// Bytes of all files.
fn size(folder: &Path) -> Result<u64, String> {
    let mut sum = 0;
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        let file = path.symlink_metadata().map_err(|error| error.to_string())?;
        sum += if file.is_dir() { size(&path)? } else { file.len() };
    }
    Ok(sum)
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
}
