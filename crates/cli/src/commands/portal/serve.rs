//! A portal that runs on this machine.

use std::{fs, net::SocketAddr, path::Path, sync::Arc};

use serde_json::json;
use time::Duration;
use tokio::{net::TcpListener, runtime::Runtime};
use ycd_portal::{
    Config, Portal,
    clock::{Clock as _, Shifted},
};

use crate::{
    args::ClockArgs,
    error::{CliError, Result},
    say::Say,
};

/// In a portal's folder: its settings, where they differ from the defaults.
const SETTINGS: &str = "portal.toml";

pub fn init(folder: &Path, clock: &ClockArgs, say: &Say) -> Result {
    let runtime = runtime()?;
    let made = runtime.block_on(ycd_portal::init(folder, &settings(folder)?, shifted(clock).now()))?;
    let root: std::path::PathBuf = std::iter::once(folder).chain(ROOT.map(Path::new)).collect();
    let value = json!({
        "portal": made.portal,
        "operator": made.operator,
        "operator_file": made.operator_file,
        "root": root,
        "data": folder,
    });
    say.result(&value, || {
        say.t(
            "已新建门户 {portal}。\n根证书：{root}\n管理员 {operator} 的密码在 {file}，读后请妥善保管。",
            "Made the portal {portal}.\nroot certificate: {root}\nThe password of the operator {operator} is in {file}; keep it safe.",
        )
        .replace("{portal}", &made.portal)
        .replace("{root}", &root.display().to_string())
        .replace("{operator}", &made.operator)
        .replace("{file}", &made.operator_file.display().to_string())
    });
    Ok(())
}

pub fn serve(folder: &Path, listen: SocketAddr, clock: &ClockArgs, say: &Say) -> Result {
    let config = settings(folder)?;
    let clock = Arc::new(shifted(clock));
    runtime()?.block_on(async {
        let portal = Portal::open(folder, config, clock).await?;
        let listener = TcpListener::bind(listen).await.map_err(CliError::file(folder))?;
        let url = format!("http://{}", listener.local_addr().map_err(CliError::file(folder))?);
        say.result(&json!({ "listening": url, "portal": portal.name() }), || {
            say.t("门户在 {} 运行；按 Ctrl-C 结束。", "The portal runs at {}; Ctrl-C ends it.")
                .replace("{}", &url)
        });
        let stop = async {
            // Where the signal cannot be waited for, the process still ends by it.
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        Ok(ycd_portal::serve(portal, listener, stop).await?)
    })
}

/// The root certificate, in a portal's folder.
const ROOT: [&str; 2] = ["authority", "root.pem"];

fn shifted(clock: &ClockArgs) -> Shifted {
    Shifted::new(Duration::seconds(clock.clock_shift))
}

fn runtime() -> Result<Runtime> {
    Runtime::new().map_err(CliError::file(Path::new("runtime")))
}

fn settings(folder: &Path) -> Result<Config> {
    let path = folder.join(SETTINGS);
    if !path.exists() {
        return Ok(Config::default());
    }
    let text = fs::read_to_string(&path).map_err(CliError::file(&path))?;
    toml::from_str(&text).map_err(|error| CliError::config(&path, error.message()))
}
