//! Permissions for each command, and the window's own files.

use std::{env, error::Error, fs, path::Path};

#[path = "src/permitted.rs"]
mod permitted;

/// Stands in for pages that were not built, so that the rest of the workspace compiles.
const NO_PAGES: &str = "<!doctype html><meta charset=\"utf-8\"><title>ycd</title>\
                        <main><h1>npm --prefix ui ci &amp;&amp; npm --prefix ui run build</h1></main>\n";

const WINDOWS_MANIFEST: &str = "../packaging/windows/app.manifest";

fn main() -> Result<(), Box<dyn Error>> {
    let pages = Path::new("../ui/dist/index.html");
    println!("cargo:rerun-if-changed=../ui/dist");
    println!("cargo:rerun-if-changed=src/permitted.rs");
    // A release without its pages does not compile.
    if !pages.exists() && env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        fs::create_dir_all("../ui/dist")?;
        fs::write(pages, NO_PAGES)?;
    }
    let commands = tauri_build::AppManifest::new().commands(permitted::COMMANDS);
    println!("cargo:rerun-if-changed={WINDOWS_MANIFEST}");
    let windows = tauri_build::WindowsAttributes::new().app_manifest(fs::read_to_string(WINDOWS_MANIFEST)?);
    let attributes = tauri_build::Attributes::new().app_manifest(commands).windows_attributes(windows);
    // As `packaging/windows/resources.rs`, which other programs use.
    if env::var("CARGO_CFG_TARGET_ENV").is_ok_and(|env| env == "msvc") {
        println!("cargo:rustc-link-arg-bins=/DEPENDENTLOADFLAG:0x800");
    }
    Ok(tauri_build::try_build(attributes)?)
}
