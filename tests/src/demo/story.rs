//! The story, from top to bottom.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    Teller, Wishes,
    command::{Ended, Ycd, other},
    report, say,
    stage::{Holder, PIN, Stage, path, patiently, text},
};
use crate::world::program;

/// Days. Certificates of then have twenty left today.
const A_YEAR_AGO: i64 = -345;

/// Tells it; `Err` names the step that went wrong.
pub fn tell(wishes: &Wishes) -> Result<(), String> {
    let start = Instant::now();
    let temporary = tempfile::tempdir().map_err(|e| format!("a temporary folder: {e}"))?;
    let keep = wishes.keep.clone().unwrap_or_else(|| PathBuf::from("target/demo"));
    std::fs::create_dir_all(&keep).map_err(|e| format!("{}: {e}", keep.display()))?;
    let keep = keep.canonicalize().map_err(|e| format!("{}: {e}", keep.display()))?;

    let mut stage = Stage::new(temporary.path(), wishes);
    let mut teller = Teller::default();
    let mut ending = report::Ending::default();
    let told = scenes(&mut stage, &mut teller, &keep, &mut ending);

    teller.table();
    if let Some(file) = &wishes.json {
        let json = serde_json::json!({ "steps": teller.steps, "seconds": start.elapsed().as_secs_f64() });
        std::fs::write(file, format!("{json:#}\n")).map_err(|e| format!("{}: {e}", file.display()))?;
    }
    report::write(&keep, &teller.steps, &ending).map_err(|e| format!("{}: {e}", keep.display()))?;
    say(&format!("\n留下的文件 Left behind: {}", keep.display()));
    for name in ["renewal.csr.pem", "old.pem", "new.pem", "chain.pem", "root.pem", "report.html", "demo.log"]
    {
        if keep.join(name).is_file() {
            say(&format!("  {name}"));
        }
    }
    if told.is_ok() && wishes.window {
        window(&mut stage)?;
    }
    if told.is_ok() && wishes.serve {
        stay(stage, temporary)?;
    }
    told
}

/// Opens the window on a machine of the story, with a token that waits for its new certificate, and waits until it is
/// closed.
fn window(stage: &mut Stage) -> Result<(), String> {
    // What the story left inserted goes back into the drawer: exactly one token at a time.
    let tokens = stage.workstation.ok(&["softkey", "list"], "")?;
    for token in tokens["tokens"].as_array().into_iter().flatten().filter(|token| token["inserted"] == true) {
        stage.remove(&text(token, "serial_number"))?;
    }
    // As old as the others, so that it is time to renew.
    stage.serve(A_YEAR_AGO)?;
    let holder = stage.personalize("泸州蓝田贸易有限公司", "13800000007")?;
    stage.serve(0)?;
    let machine = stage.applicant("window-machine", &holder.phone)?;
    let order = stage.approved_order(&machine, &holder)?;
    stage.insert(&holder.token)?;
    say("\n== 窗口 The window");
    say(&format!(
        "  {} 的 USBKEY（尾号 {}）已插入，订单 {order} 待更新，口令 {PIN}。",
        holder.company,
        tail(&holder.token)
    ));
    say("  点“更新”或“继续”，输入口令，看它一步步做完。关闭窗口结束演示。");
    say(&format!(
        "  The USBKEY ending in {} is in and its order waits; its PIN is {PIN}. Close the window to end the demo.",
        tail(&holder.token)
    ));
    // Without a tray, and gone when it is closed: a demo leaves nothing running.
    let status = machine.program("ycd-app").arg("--no-tray").status().map_err(|e| format!("ycd-app: {e}"))?;
    if status.success() { Ok(()) } else { Err(format!("the window ended with {status}")) }
}

fn scenes(
    stage: &mut Stage,
    teller: &mut Teller,
    keep: &Path,
    ending: &mut report::Ending,
) -> Result<(), String> {
    teller.part("门户与证书机构 The portal and its authority");
    teller.step("新建门户和 SM2 证书机构 Found the portal and its SM2 authority", || {
        stage.found_portal()
    })?;
    teller.step("门户启动，时间在一年前 Start it, its clock a year ago", || {
        stage.serve(A_YEAR_AGO)
    })?;

    teller.part("一年前：制作 USBKEY A year ago: tokens are personalized");
    let names = [
        ("pulled", "泸州江阳商贸有限公司", "13800000001"),
        ("killed", "泸州龙马潭建设有限公司", "13800000002"),
        ("revoked", "泸州纳溪物流有限公司", "13800000003"),
        ("other", "叙永机电设备有限公司", "13800000004"),
    ];
    let mut holders = Vec::new();
    for (_, company, phone) in names {
        teller.step(&format!("制证 Produce: {company}"), || {
            let holder = stage.personalize(company, phone)?;
            let printed = format!("USBKEY 尾号 {}，证书 {}", tail(&holder.token), holder.certificate);
            holders.push(holder);
            Ok(printed)
        })?;
    }
    let [pulled, killed, revoked, elsewhere] =
        <[Holder; 4]>::try_from(holders).map_err(|_| "four tokens were to be made".to_owned())?;
    let locked = teller.made("制证 Produce: 合江酒业包装有限公司", || {
        let holder = stage.personalize("合江酒业包装有限公司", "13800000005")?;
        Ok((format!("USBKEY 尾号 {}，以管理口令解锁 unlocked by its SO PIN", tail(&holder.token)), holder))
    })?;
    let challenged = match stage.no_reader() {
        None => Some(teller.made(
            "制证（在读卡器中）Produce, in a card reader: 古蔺物流有限公司",
            || {
                let holder = stage.personalize_in_reader("古蔺物流有限公司", "13800000006")?;
                let printed =
                    format!("USBKEY 尾号 {}，以质询应答解锁 unlocked by challenge", tail(&holder.token));
                Ok((printed, holder))
            },
        )?),
        Some(why) => {
            say(&format!(
                "  （没有读卡器，质询应答不演示 no challenge and response without a reader: {why}）"
            ));
            None
        }
    };
    teller.step("今天：证书还有 20 天 Today: 20 days are left", || stage.serve(0))?;

    let (machine, order) = renewed_though_pulled(stage, teller, &pulled, keep)?;
    renewed_though_killed(stage, teller, &killed)?;
    unlocked_though_killed(stage, teller, &locked)?;
    if let Some(challenged) = &challenged {
        unlocked_by_challenge(stage, teller, challenged)?;
    }
    problems(stage, teller, &machine, &pulled, &revoked, &elsewhere)?;
    verdicts(stage, teller, &pulled, keep)?;

    ending.order = stage.workstation.ok(&["operator", "show", &order], "")?;
    for holder in [&pulled, &killed] {
        ending.messages.extend(stage.messages(&holder.phone)?);
    }
    Ok(())
}

fn renewed_though_pulled(
    stage: &Stage,
    teller: &mut Teller,
    holder: &Holder,
    keep: &Path,
) -> Result<(Ycd, String), String> {
    teller.part("更新，写入证书时拔出 A renewal, the token pulled at “write certificate”");
    let (machine, order) = ordered(stage, teller, "pulled-machine", holder)?;
    let kept = path(keep);
    let renew = ["cert", "renew", &order, "--pin-stdin", "--wait", "0", "--keep", &kept];
    teller.step("插入，更新，写入证书时拔出 Insert, renew; pulled while it writes", || {
        stage.insert(&holder.token)?;
        let fault = ["softkey", "fault", &holder.token, "--function", "C_CreateObject", "--do", "unplug"];
        stage.workstation.ok(&fault, "")?;
        machine.refused(&renew, PIN, "token.removed")
    })?;
    teller.step("插回，接着做完 Put back, it goes on to the end", || {
        stage.insert(&holder.token)?;
        terms(&machine.run(&renew, PIN)?.succeeded()?)
    })?;
    teller.step(
        "一笔付款、一张证书、口令一次没少 One payment, one certificate, no try lost",
        || stage.nothing_lost(&machine, holder, &order),
    )?;
    teller.step("再运行一次：什么也不变 Once more: nothing changes, no PIN is asked", || {
        let done = machine.run(&["cert", "renew", &order, "--pin-stdin", "--wait", "0"], "")?.succeeded()?;
        stage.nothing_lost(&machine, holder, &order)?;
        terms(&done)
    })?;
    stage.remove(&holder.token)?;
    Ok((machine, order))
}

fn renewed_though_killed(stage: &Stage, teller: &mut Teller, holder: &Holder) -> Result<(), String> {
    teller.part("更新，写入证书时进程被杀 A renewal, the process killed at “write certificate”");
    let (machine, order) = ordered(stage, teller, "killed-machine", holder)?;
    let renew = ["cert", "renew", &order, "--pin-stdin", "--wait", "0"];
    teller.step(
        "插入，更新，写入证书时杀掉进程 Insert, renew; killed while it writes",
        || {
            stage.insert(&holder.token)?;
            let fault =
                ["softkey", "fault", &holder.token, "--function", "C_CreateObject", "--do", "delay=3000"];
            stage.workstation.ok(&fault, "")?;
            let writes = |line: &Value| line["event"] == "begins" && line["step"] == "write";
            let (mut child, _) = machine.start_until(&renew, PIN, writes)?;
            thread::sleep(Duration::from_millis(300));
            child.kill().map_err(|e| e.to_string())?;
            let status = child.wait().map_err(|e| e.to_string())?;
            Ok(format!("{status}"))
        },
    )?;
    teller.step("重新启动，接着做完 Started again, it goes on to the end", || {
        // The driver of the killed process lets go of the token once its pipe is closed and its call is over.
        let mut last = String::new();
        for _ in 0..20 {
            match machine.run(&renew, PIN)?.succeeded() {
                Ok(done) => return terms(&done),
                Err(error) => last = error,
            }
            thread::sleep(Duration::from_millis(500));
        }
        Err(last)
    })?;
    teller.step(
        "一笔付款、一张证书、口令一次没少 One payment, one certificate, no try lost",
        || stage.nothing_lost(&machine, holder, &order),
    )?;
    stage.remove(&holder.token)?;
    Ok(())
}

/// The PIN that a locked token gets.
const NEW_PIN: &str = "27182818";

fn unlocked_though_killed(stage: &mut Stage, teller: &mut Teller, holder: &Holder) -> Result<(), String> {
    teller.part(
        "口令锁定，解锁；设置新口令前进程被杀 A locked PIN, the process killed before the new one is set",
    );
    let machine = stage.machine("locked-machine");
    stage.use_portal(&machine)?;
    teller.step("插入，口令连续输错，锁定 Insert; wrong PINs lock it", || {
        stage.insert(&holder.token)?;
        stage.lock_pin(&machine, &holder.token)
    })?;
    teller.step(
        "解锁，管理口令登录后、设置新口令前杀掉 Unlock; killed between the SO login and the new PIN",
        || {
            let fault = ["softkey", "fault", &holder.token, "--function", "C_InitPIN", "--do", "delay=8000"];
            stage.workstation.ok(&fault, "")?;
            let ended = stage.unlock(&machine, &holder.phone, NEW_PIN, Some("set_pin"))?;
            if ended.is_success() {
                Err("it was not killed".to_owned())
            } else {
                Ok(ended.status.to_string())
            }
        },
    )?;
    teller.step("过一分钟，再运行，接着做完 A minute later it goes on to the end", || {
        stage.a_minute_passes()?;
        unlocked(stage, &machine, holder)
    })?;
    teller.step("新口令可用，管理口令一次没少 The new PIN works, no SO try is lost", || {
        works(stage, &machine, holder)
    })?;
    stage.remove(&holder.token)?;
    Ok(())
}

fn unlocked_by_challenge(stage: &mut Stage, teller: &mut Teller, holder: &Holder) -> Result<(), String> {
    teller.part("同样的几步，以质询应答解锁 The same steps, by challenge and response");
    let machine = stage.machine("challenged-machine");
    stage.use_portal(&machine)?;
    teller.step("插入读卡器，口令连续输错，锁定 Insert; wrong PINs lock it", || {
        stage.insert_into_reader(&machine, &holder.token)?;
        stage.lock_pin(&machine, &holder.token)
    })?;
    teller.step("解锁 Unlock", || patiently(|| unlocked(stage, &machine, holder)))?;
    teller.step("新口令可用 The new PIN works", || works(stage, &machine, holder))?;
    stage.empty_reader();
    Ok(())
}

fn unlocked(stage: &Stage, machine: &Ycd, holder: &Holder) -> Result<String, String> {
    let done = stage.unlock(machine, &holder.phone, NEW_PIN, None)?.succeeded()?;
    let steps = done.lines.iter().filter(|line| line["event"] == "begins").count();
    let order = done.result().map(|result| text(result, "order")).unwrap_or_default();
    Ok(format!("订单 {order} 完成，{steps} 步"))
}

fn works(stage: &Stage, machine: &Ycd, holder: &Holder) -> Result<String, String> {
    let pins = format!("{NEW_PIN}\n31415926\n31415926\n");
    machine.ok(&["token", "pin", "--token", &holder.token, "--pin-stdin"], &pins)?;
    stage.kept_of(holder)
}

fn ordered(
    stage: &Stage,
    teller: &mut Teller,
    data_dir: &str,
    holder: &Holder,
) -> Result<(Ycd, String), String> {
    let mut made = None;
    teller.step(
        &format!("登录、下单、付款、审核 Log in, order, pay, review: {}", holder.company),
        || {
            let machine = stage.applicant(data_dir, &holder.phone)?;
            let order = stage.approved_order(&machine, holder)?;
            let printed = format!("订单 {order}，待更新");
            made = Some((machine, order));
            Ok(printed)
        },
    )?;
    made.ok_or_else(|| "no order was made".to_owned())
}

fn problems(
    stage: &Stage,
    teller: &mut Teller,
    machine: &Ycd,
    renewed: &Holder,
    revoked: &Holder,
    elsewhere: &Holder,
) -> Result<(), String> {
    teller.part("不能做的，说清楚 What is refused, and how it is said");
    let (theirs, order) = ordered(stage, teller, "revoked-machine", revoked)?;
    let renew = ["cert", "renew", &order, "--pin-stdin", "--wait", "0"];
    teller.step("插了两支 Two tokens are inserted", || {
        stage.insert(&revoked.token)?;
        stage.insert(&elsewhere.token)?;
        theirs.refused(&renew, PIN, "flow.several_tokens")
    })?;
    teller.step("插的是别家的 Another company's key", || {
        stage.remove(&revoked.token)?;
        theirs.refused(&renew, PIN, "flow.wrong_token")
    })?;
    teller.step("证书已吊销 The certificate was revoked", || {
        stage.remove(&elsewhere.token)?;
        stage.insert(&revoked.token)?;
        stage.workstation.ok(&["operator", "revoke", &revoked.certificate, "--reason", "单位申请"], "")?;
        theirs.refused(&renew, PIN, "certificate.revoked")
    })?;
    teller.step("别人的订单 Somebody else's order", || {
        stage.remove(&revoked.token)?;
        stage.insert(&renewed.token)?;
        machine.refused(&renew, PIN, "order.not_found")
    })
}

fn verdicts(stage: &Stage, teller: &mut Teller, holder: &Holder, keep: &Path) -> Result<(), String> {
    teller.part("别人的判断 Other people's verdicts");
    std::fs::copy(stage.anchor(), keep.join("root.pem")).map_err(|e| format!("root.pem: {e}"))?;
    let distid = "distid:1234567812345678";
    let openssl = |args: &[&str]| {
        say(&format!("    $ openssl {}", args.join(" ")));
        other("openssl", &args.iter().map(OsString::from).collect::<Vec<_>>(), keep)
    };
    teller.step("openssl req -verify", || {
        openssl(&["req", "-in", "renewal.csr.pem", "-verify", "-vfyopt", distid, "-noout"])
    })?;
    // OpenSSL 3.0 applies -vfyopt to the certificate named only, so each link of the chain is shown by itself.
    let root = ["verify", "-vfyopt", distid, "-CAfile", "root.pem"];
    let link = ["verify", "-vfyopt", distid, "-partial_chain", "-CAfile", "chain.pem"];
    for (args, name) in [(&root[..], "chain.pem"), (&link[..], "old.pem"), (&link[..], "new.pem")] {
        teller.step(&format!("openssl verify {name}"), || openssl(&[args, &[name]].concat()))?;
    }
    teller.step("openssl x509 new.pem", || {
        openssl(&[
            "x509",
            "-in",
            "new.pem",
            "-noout",
            "-subject",
            "-dates",
            "-nameopt",
            "utf8,sep_comma_plus",
        ])
    })?;
    teller.step("pkcs11-tool -O", || {
        stage.insert(&holder.token)?;
        let module = module()?;
        let args = ["--module", &path(&module), "--login", "--pin", PIN, "-O"];
        say(&format!("    $ YCD_SOFTKEY_DIR=… pkcs11-tool {}", args.join(" ").replace(PIN, "••••••••")));
        let mut command = std::process::Command::new("pkcs11-tool");
        let output = command.args(args).env("YCD_SOFTKEY_DIR", &stage.softkey_dir).output();
        let output = output.map_err(|e| format!("pkcs11-tool does not start: {e}"))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let count = |what: &str| text.lines().filter(|line| line.starts_with(what)).count();
        let found = (count("Private Key Object"), count("Public Key Object"), count("Certificate Object"));
        let printed = format!("{} private keys, {} public keys, {} certificates", found.0, found.1, found.2);
        if output.status.success() && found == (2, 2, 2) {
            Ok(printed)
        } else {
            Err(format!("{printed}\n{text}"))
        }
    })?;
    teller.step("ycd cert verify（含吊销列表 with the revocation list）", || {
        let machine = Ycd::new(&stage.folder.join("pulled-machine"), &stage.softkey_dir);
        let args = ["cert", "verify", "--file", &path(&keep.join("new.pem"))];
        let chain = path(&keep.join("chain.pem"));
        let verdict = machine.ok(&[&args[..], &["--chain", &chain]].concat(), "")?;
        Ok(verdict.to_string().chars().take(200).collect())
    })
}

/// The module of the software USBKEY: beside the programs.
fn module() -> Result<PathBuf, String> {
    let beside = program("ycd");
    let folder = beside.parent().ok_or("no folder")?;
    let names = ["libycd_softkey.so", "ycd_softkey.dll", "libycd_softkey.dylib"];
    names.iter().map(|name| folder.join(name)).find(|p| p.is_file()).ok_or_else(|| "no module".to_owned())
}

/// Old and new term, side by side, as the last event told them.
fn terms(done: &Ended) -> Result<String, String> {
    let told = done.lines.iter().find(|line| line["event"] == "finished").ok_or("nothing was finished")?;
    let term = |which: &str| {
        let day = |name: &str| text(&told[which], name).chars().take(10).collect::<String>();
        format!("{} → {}", day("not_before"), day("not_after"))
    };
    Ok(format!("旧 {}    新 {}", term("old"), term("new")))
}

fn tail(serial: &str) -> &str {
    &serial[serial.len().saturating_sub(4)..]
}

/// Leaves the portal running until this process is ended.
fn stay(stage: Stage, temporary: tempfile::TempDir) -> Result<(), String> {
    let folder = temporary.keep();
    let (url, softkey_dir) = (stage.url.clone(), stage.softkey_dir.clone());
    let data_dir = folder.join("pulled-machine");
    let Some(mut portal) = stage.leave_running() else { return Err("the portal does not run".to_owned()) };
    let ycd = path(&program("ycd"));
    say(&format!(
        "\n门户在运行 The portal runs at {url} (Ctrl-C ends it). Five things to try, in another terminal:"
    ));
    say(&format!("  export YCD_DATA_DIR={} YCD_SOFTKEY_DIR={}", data_dir.display(), softkey_dir.display()));
    say(&format!("  1. {ycd} token list"));
    say(&format!("  2. {ycd} cert list"));
    say(&format!("  3. {ycd} order list"));
    say(&format!("  4. YCD_DATA_DIR={} {ycd} operator outbox", folder.join("operator").display()));
    say(&format!("  5. curl {url}/api/openapi.json"));
    portal.wait().map(drop).map_err(|e| e.to_string())
}
