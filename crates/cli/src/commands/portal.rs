//! `ycd portal …`: which portal is used, and one that runs on this machine.

#[cfg(feature = "portal")]
mod serve;

use std::fs;

use serde_json::json;
use ycd_pki::Certificate;

use crate::{
    args::Portal,
    data_dir::DataDir,
    error::{CliError, Result},
    say::Say,
};

pub fn run(command: Portal, data_dir: &DataDir, say: &Say) -> Result {
    match command {
        Portal::Use { url, anchor } => {
            let mut roots = Vec::new();
            for path in &anchor {
                let text = fs::read_to_string(path).map_err(CliError::file(path))?;
                let found = Certificate::all_from_pem(&text)?;
                if found.is_empty() {
                    return Err(CliError::config(path, "no certificate in it"));
                }
                roots.extend(found);
            }
            let is_pinned = data_dir.use_portal(&url, &roots)?;
            if !is_pinned {
                say.aside(say.t(
                    "现在连不上门户，还不知道它的密钥；连上后请再运行一次，才能解锁和制证。",
                    "The portal cannot be reached now, so its keys are not known; run this again when it can, to unlock and to produce.",
                ));
            }
            let anchors = data_dir.anchors()?.len();
            say.result(&json!({ "portal": url, "anchors": anchors, "pinned": is_pinned }), || {
                say.t("已设定门户 {url}，信任 {n} 张根证书。", "The portal is {url}; roots trusted: {n}.")
                    .replace("{url}", &url)
                    .replace("{n}", &anchors.to_string())
            });
            Ok(())
        }
        #[cfg(feature = "portal")]
        Portal::Init { data, clock } => serve::init(&data, &clock, say),
        #[cfg(feature = "portal")]
        Portal::Serve { data, listen, clock } => serve::serve(&data, listen, &clock, say),
    }
}
