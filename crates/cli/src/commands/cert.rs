//! `ycd cert …`, but for renewing, which has a module of its own.

use std::path::{Path, PathBuf};

use serde_json::json;
use ycd_flows::{
    clock::{Clock as _, SystemClock},
    messages::word,
};
use ycd_pki::{
    Certificate, CertificateInfo,
    cert::Usage,
    chain::{Revocation, verify_chain},
    crl::Crl,
};
use ycd_portal_api::wire::certificates::{CertificateQuery, CertificateView};
use ycd_token::TokenAccess as _;

use super::{one_token, register, renew};
use crate::{
    args::Cert,
    data_dir::{DataDir, Role, read_certificates},
    error::{CliError, Result},
    say::{Say, day, table},
};

pub fn run(command: Cert, data_dir: &DataDir, say: &Say) -> Result {
    match command {
        Cert::List { text, page } => {
            let query = CertificateQuery { text, page: page.page, page_size: page.page_size };
            let found = data_dir.client_as(Role::Applicant)?.certificates(&query)?;
            say.result(&found, || {
                let rows: Vec<Vec<String>> = found.items.iter().map(|view| row(view, say)).collect();
                let zh = ["序列号", "持有人", "有效期至", "还有天数", "状态", "USBKEY"];
                let en = ["serial number", "holder", "until", "days left", "state", "USBKEY"];
                table(if say.t("zh", "en") == "zh" { &zh } else { &en }, &rows)
            });
            Ok(())
        }
        Cert::Show { file: Some(file), .. } => show_file(&file, say),
        Cert::Show { serial, .. } => {
            let view = data_dir.client_as(Role::Applicant)?.certificate(&serial.unwrap_or_default())?;
            say.result(&view, || row(&view, say).join("  "));
            Ok(())
        }
        Cert::Renew(command) => renew::run(&command, data_dir, say),
        Cert::Register { token } => register::register(token.as_deref(), data_dir, say),
        Cert::Registered => register::list(say),
        Cert::Verify { file, chain, anchor, crl } => {
            verify(file.as_deref(), &Given { chain: &chain, anchors: &anchor, crls: &crl }, data_dir, say)
        }
    }
}

fn row(view: &CertificateView, say: &Say) -> Vec<String> {
    let state = json!(view.state);
    vec![
        view.serial.clone(),
        view.holder.name.clone(),
        day(view.not_after.0),
        view.days_left.to_string(),
        word(&format!("certificate_state.{}", state.as_str().unwrap_or_default()), say.language),
        view.token_id.clone(),
    ]
}

fn show_file(file: &Path, say: &Say) -> Result {
    let now = SystemClock.now();
    let certificates: Vec<CertificateInfo> =
        read_certificates(file)?.iter().map(|certificate| CertificateInfo::of(certificate, now)).collect();
    say.result(&json!({ "certificates": certificates }), || {
        certificates.iter().map(|info| words(info, say)).collect()
    });
    Ok(())
}

fn words(info: &CertificateInfo, say: &Say) -> String {
    say.t(
        "持有人：{holder}\n签发机构：{issuer}\n序列号：{serial}\n有效期：{from} 至 {to}\n主题：{subject}\nSM3 指纹：{fingerprint}\n",
        "holder: {holder}\nissuer: {issuer}\nserial number: {serial}\nterm: {from} to {to}\nsubject: {subject}\nSM3 fingerprint: {fingerprint}\n",
    )
    .replace("{holder}", &info.holder)
    .replace("{issuer}", &info.issuer)
    .replace("{serial}", &info.serial)
    .replace("{from}", &day(info.not_before))
    .replace("{to}", &day(info.not_after))
    .replace("{subject}", &info.subject)
    .replace("{fingerprint}", &info.fingerprint)
}

struct Given<'a> {
    chain: &'a [PathBuf],
    anchors: &'a [PathBuf],
    crls: &'a [PathBuf],
}

fn verify(file: Option<&Path>, given: &Given<'_>, data_dir: &DataDir, say: &Say) -> Result {
    let (leaf, mut others) = match file {
        Some(file) => {
            let mut all = read_certificates(file)?.into_iter();
            let none = || CliError::NotFound { what: file.display().to_string() };
            (all.next().ok_or_else(none)?, all.collect())
        }
        None => (newest_on_token(data_dir)?, Vec::new()),
    };
    let all_of = |paths: &[PathBuf]| -> Result<Vec<Certificate>> {
        let read: Vec<Vec<Certificate>> =
            paths.iter().map(|path| read_certificates(path)).collect::<Result<_, _>>()?;
        Ok(read.into_iter().flatten().collect())
    };
    others.extend(all_of(given.chain)?);
    let anchors = if given.anchors.is_empty() { data_dir.anchors()? } else { all_of(given.anchors)? };
    let crls: Vec<Crl> = given.crls.iter().map(|path| read_crl(path)).collect::<Result<_>>()?;
    let revocation = if crls.is_empty() { Revocation::Ignored } else { Revocation::Crls(&crls) };
    let now = SystemClock.now();
    let chain = verify_chain(&leaf, &others, &anchors, revocation, now, Usage::Sign)?;
    let told: Vec<CertificateInfo> =
        chain.certificates.iter().map(|certificate| CertificateInfo::of(certificate, now)).collect();
    let revocation_checked = !crls.is_empty();
    say.result(&json!({ "ok": true, "chain": told, "revocation_checked": revocation_checked }), || {
        let names: Vec<&str> = told.iter().map(|info| info.holder.as_str()).collect();
        let revocation = if revocation_checked {
            say.t("未吊销", "not revoked")
        } else {
            say.t(
                "没有给出吊销列表，未查吊销",
                "no revocation list was given, so revocation was not looked at",
            )
        };
        format!("{}{}\n{revocation}", say.t("可信：", "trusted: "), names.join(" ← "))
    });
    Ok(())
}

/// Of the certificates on the token that is inserted, the one that ends last.
fn newest_on_token(data_dir: &DataDir) -> Result<Certificate> {
    let mut tokens = data_dir.tokens()?;
    let token = one_token(&mut tokens, None)?;
    let contents = tokens.read(&token.token_id)?;
    let ders = contents.containers.iter().flat_map(|container| &container.certificates);
    let certificates: Vec<Certificate> =
        ders.map(|der| Certificate::from_der(der)).collect::<Result<_, _>>()?;
    let newest = certificates.into_iter().max_by_key(Certificate::not_after);
    newest.ok_or_else(|| CliError::NotFound { what: certificate_of(token.token_id.tail()) })
}

fn certificate_of(tail: &str) -> String {
    format!("…{tail}")
}

fn read_crl(path: &Path) -> Result<Crl> {
    let bytes = std::fs::read(path).map_err(CliError::file(path))?;
    match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => Ok(Crl::from_pem(text)?),
        _ => Ok(Crl::from_der(&bytes)?),
    }
}
