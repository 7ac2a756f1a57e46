//! `cargo xtask demo` and `bench`: build what is needed, then run the programs of the package `ycd-tests`.

use std::{env, path::Path, process::Command, time::Instant};

use crate::{process, setup, ui};

const WHAT_IS_REAL: &str = "\
A certificate renewed on a USBKEY, from order to token and back, on this machine alone.

  real           the orders, the review, the renewal and its recovery, the driver host in its own process,
                 the PKCS#11 calls, SM2/SM3 keys and signatures, the HTTP calls, the databases
  stands in for  the USBKEY: a software token behind a PKCS#11 module, its state in a file
                 the certificate authority: an SM2 root and issuing CA made for this run
                 the SMS provider: an outbox table that the demo reads
                 the payment: a bank transfer that the operator records
                 the people: applicant and operator are played by the demo
";

/// Builds the programs of the demo and runs it; `flags` are the demo's own. Where there is a display it ends with the
/// window, opened on the same data; `--no-window` leaves that out.
pub fn demo(root: &Path, flags: &[&str]) -> crate::Outcome {
    println!("{WHAT_IS_REAL}");
    setup::ensure()?;
    let mut flags = flags.to_vec();
    let wants_window = !flags.contains(&"--no-window");
    flags.retain(|flag| *flag != "--no-window");
    if wants_window && has_display() {
        ui::build(root, ui::Carrier::Window)?;
        flags.push("--window");
    } else if wants_window {
        println!("No display here, so no window is opened at the end.\n");
    }
    build_and_run(root, Profile::Debug, "ycd-demo", &flags)
}

fn has_display() -> bool {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(windows, target_os = "macos")) || is_set("DISPLAY") || is_set("WAYLAND_DISPLAY")
}

/// Builds for release and runs the benchmarks; `flags` are theirs.
pub fn bench(root: &Path, flags: &[&str]) -> crate::Outcome {
    println!(
        "Ratios within one run, on this machine; release build. What stands beside ours: bare PKCS#11 calls, HTTP\n\
         exchanges and fsyncs; a bare pipe; pkcs11-tool; openssl speed.\n"
    );
    setup::ensure()?;
    ui::build(root, ui::Carrier::Window)?;
    build_and_run(root, Profile::Release, "ycd-bench", flags)
}

#[derive(Clone, Copy)]
enum Profile {
    Debug,
    Release,
}

/// The programs that stories are told with, and the stories.
pub fn build_programs(root: &Path) -> Result<(), String> {
    process::run(&mut building(root))
}

fn building(root: &Path) -> Command {
    let mut build = process::cargo(root);
    build.args(["build", "--quiet", "--locked"]);
    build.args(["-p", "ycd-cli", "-p", "ycd-token-host", "-p", "ycd-softkey", "-p", "ycd-tests"]);
    build
}

fn build_and_run(root: &Path, profile: Profile, program: &str, flags: &[&str]) -> crate::Outcome {
    let target = process::target_folder(root)?;
    let folder = target.join(match profile {
        Profile::Debug => "debug",
        Profile::Release => "release",
    });
    let how_long = if folder.join(program).with_extension(std::env::consts::EXE_EXTENSION).exists() {
        "built before, so seconds to a minute"
    } else {
        "from nothing, some minutes on two cores"
    };
    println!("Building into {} ({how_long}) …", folder.display());
    let begun = Instant::now();
    let mut build = building(root);
    if flags.contains(&"--window") {
        build.args(["-p", "ycd-app"]);
    }
    if matches!(profile, Profile::Release) {
        // What the window is measured beside is an example.
        build.args(["-p", "ycd-app", "--release", "--lib", "--bins", "--examples"]);
    }
    process::run(&mut build)?;
    println!("Built in {:.0} s.\n", begun.elapsed().as_secs_f64());
    // Run where the caller stands, so that the paths in its flags mean what they say.
    let status = Command::new(folder.join(program)).args(flags).status();
    status.map(|status| status.success()).map_err(|error| format!("{program}: {error}"))
}
