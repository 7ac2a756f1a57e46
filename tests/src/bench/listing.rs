//! `ycd token list`, cold, against `pkcs11-tool --list-token-slots` on the same module.

use std::{
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use ycd_softkey::admin::{self, NewToken};
use ycd_token::Drivers;

use super::{Row, median};
use crate::world::program;

const MAX_PASSES: usize = 41;

pub fn measure() -> Option<Row> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let softkey_dir = folder.path().join("tokens");
    admin::create(&softkey_dir, &NewToken::default()).expect("a software key");
    let drivers = Drivers::load(None).expect("the profiles");
    let driver =
        drivers.find_modules().into_iter().find(|d| d.profile.name == "softkey").expect("the module");

    let mut ycd = Command::new(program("ycd"));
    ycd.args(["token", "list"]).env("YCD_DATA_DIR", folder.path().join("home"));
    let mut peer = Command::new("pkcs11-tool");
    peer.args(["--module", &driver.module_path.display().to_string(), "--list-token-slots"]);
    for command in [&mut ycd, &mut peer] {
        command.env("YCD_SOFTKEY_DIR", &softkey_dir).stdout(Stdio::null()).stderr(Stdio::null());
    }
    peer.status().ok()?;
    let (mut ours, mut beside) = (Vec::new(), Vec::new());
    for _ in 0..MAX_PASSES {
        ours.push(time(&mut ycd));
        beside.push(time(&mut peer));
    }
    let name = "pkcs11-tool --list-token-slots";
    Some(Row::times("ycd token list, cold", median(ours), name, median(beside), 1.5))
}

fn time(command: &mut Command) -> Duration {
    let start = Instant::now();
    let status = command.status().expect("the program runs");
    let took = start.elapsed();
    assert!(status.success(), "{command:?} failed");
    took
}
