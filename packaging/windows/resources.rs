// Included by the build scripts of console programs: what Windows shows of them, and what they tell it of themselves.

use std::{env, error::Error};

/// `manifest` is the text of an application manifest. Nothing happens where it is not built for Windows.
pub fn embed(description: &str, manifest: &str) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=../../packaging/windows");
    if env::var("CARGO_CFG_TARGET_OS")? != "windows" {
        return Ok(());
    }
    let mut resource = winresource::WindowsResource::new();
    resource
        .set("ProductName", "云采盾证书助手")
        .set("CompanyName", "云采盾")
        .set("FileDescription", description)
        .set("LegalCopyright", "Apache-2.0")
        .set_language(0x0804)
        .set_icon("../../src-tauri/icons/icon.ico")
        .set_manifest(manifest);
    // Cross-compiling, the tools have the names of their target.
    if let Some(prefix) = mingw(&env::var("TARGET")?) {
        resource.set_windres_path(&format!("{prefix}-windres")).set_ar_path(&format!("{prefix}-ar"));
    }
    // Planted beside the program, a system library is not taken from there. Other linkers know no such thing.
    if env::var("CARGO_CFG_TARGET_ENV")? == "msvc" {
        println!("cargo:rustc-link-arg-bins=/DEPENDENTLOADFLAG:0x800");
    }
    Ok(resource.compile()?)
}

fn mingw(target: &str) -> Option<&'static str> {
    match target {
        "x86_64-pc-windows-gnu" => Some("x86_64-w64-mingw32"),
        "i686-pc-windows-gnu" => Some("i686-w64-mingw32"),
        _ => None,
    }
}
