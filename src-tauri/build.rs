//! Permissions for each command, and the window's own files.

use std::{env, error::Error, fs, path::Path};

#[path = "src/permitted.rs"]
mod permitted;

/// Stands in for pages that were not built, so that the rest of the workspace compiles.
const NO_PAGES: &str = "<!doctype html><meta charset=\"utf-8\"><title>ycd</title>\
                        <main><h1>npm --prefix ui ci &amp;&amp; npm --prefix ui run build</h1></main>\n";

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
    Ok(tauri_build::try_build(tauri_build::Attributes::new().app_manifest(commands))?)
}
