//! The manifest by which winget finds and installs the assistant (schema 1.6: version, installer, default locale).

use std::{fs, path::Path};

/// What the program is called among programs; as in `src-tauri/tauri.conf.json` and `installer.nsi`.
const ID: &str = "cn.yuncaidun.assistant";
const SCHEMA: &str = "1.6.0";
/// Where installers are to be had from; the publisher's own server.
const FROM: &str = "YCD_DOWNLOAD_URL";

pub fn write(folder: &Path, version: &str, setup: &Path, sha256: &str) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let name = setup.file_name().unwrap_or_default().to_string_lossy();
    let from = std::env::var(FROM).unwrap_or_else(|_| "https://example.invalid/download".into());
    let head = |kind: &str| {
        format!(
            "# yaml-language-server: $schema=https://aka.ms/winget-manifest.{kind}.{SCHEMA}.schema.json\n\
             PackageIdentifier: {ID}\n\
             PackageVersion: {version}\n"
        )
    };
    let tail = |kind: &str| format!("ManifestType: {kind}\nManifestVersion: {SCHEMA}\n");
    let version_file = head("version") + "DefaultLocale: zh-CN\n" + &tail("version");
    let installer = head("installer")
        + &format!(
            "InstallerLocale: zh-CN\n\
             MinimumOSVersion: 10.0.17763.0\n\
             InstallerType: nullsoft\n\
             InstallModes:\n- interactive\n- silent\n\
             InstallerSwitches:\n  Silent: /S\n  SilentWithProgress: /S\n\
             InstallerSuccessCodes:\n- 20\n\
             UpgradeBehavior: install\n\
             Protocols:\n- ycd\n\
             Dependencies:\n  PackageDependencies:\n  - PackageIdentifier: Microsoft.EdgeWebView2Runtime\n\
             Installers:\n\
             - Architecture: x64\n  Scope: user\n  InstallerUrl: {url}\n  InstallerSha256: {sum}\n\
             - Architecture: x64\n  Scope: machine\n  InstallerUrl: {url}\n  InstallerSha256: {sum}\n  \
               InstallerSwitches:\n    Custom: /ALLUSERS\n  ElevationRequirement: elevationRequired\n",
            url = format_args!("{from}/{}", percent(&name)),
            sum = sha256.to_uppercase(),
        )
        + &tail("installer");
    let locale = head("defaultLocale")
        + "PackageLocale: zh-CN\n\
           Publisher: 云采盾\n\
           PackageName: 云采盾证书助手\n\
           License: Apache-2.0\n\
           ShortDescription: 更新、解锁 USBKEY 上的 SM2 证书。\n"
        + &tail("defaultLocale");
    for (kind, text) in
        [(String::new(), version_file), (".installer".into(), installer), (".locale.zh-CN".into(), locale)]
    {
        let path = folder.join(format!("{ID}{kind}.yaml"));
        fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

/// As an address has it.
fn percent(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    name.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_no_characters_beyond_ascii() {
        assert_eq!(percent("盾-1.exe"), "%E7%9B%BE-1.exe");
    }
}
