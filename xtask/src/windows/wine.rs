//! A Debian with Wine: bookworm's Wine knows no PC/SC, trixie's does.
//!
//! What runs in it sees this machine's network, `/tmp`, and the folders that it is given.

use std::{
    env,
    path::{Path, PathBuf},
};

use super::toolchain::Toolchain;
use crate::debian::Debian;

/// Says where it lies instead of beside the toolchain.
const ROOT_VARIABLE: &str = "YCD_WINE_ROOT";

/// With the 32-bit half of Wine, for the 32-bit driver host.
const PACKAGES: &str = "wine wine64 wine32:i386 xvfb xauth locales procps";

/// The folder, where it is there; else what is missing to make it.
pub fn root(root: &Path, may_make: bool) -> Result<PathBuf, String> {
    let folder = match env::var_os(ROOT_VARIABLE) {
        Some(folder) => PathBuf::from(folder),
        None => Toolchain::of(root)?.folder().join("wine"),
    };
    let debian = Debian {
        folder,
        suite: "trixie",
        contents: PACKAGES,
        script: format!(
            "dpkg --add-architecture i386 && apt-get update -qq && \
             apt-get install -y -qq --no-install-recommends {PACKAGES} && \
             echo 'zh_CN.UTF-8 UTF-8' >> /etc/locale.gen && locale-gen && \
             WINEDLLOVERRIDES=mscoree,mshtml= WINEDEBUG=-all WINEPREFIX=/opt/wine xvfb-run -a /usr/lib/wine/wine64 wineboot -i"
        ),
        told: "Debian 13 with Wine (some minutes, 3 GB)",
    };
    if !may_make && !debian.is_ready() {
        return Err("no Wine is set up (cargo xtask test windows makes it)".into());
    }
    debian.ready()
}
