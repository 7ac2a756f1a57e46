//! `ycd login`.

use serde_json::json;
use ycd_portal_api::{
    Client,
    wire::{
        login::{CodeSent, Login as LoginRequest, Purpose, RequestCode},
        masked_phone,
    },
};

use crate::{
    args::Login,
    ask::Secrets,
    data_dir::{DataDir, Role},
    error::Result,
    say::Say,
};

pub fn run(command: &Login, data_dir: &DataDir, say: &Say) -> Result {
    if command.out {
        return log_out(data_dir, say);
    }
    let phone = command.phone.clone().unwrap_or_default();
    let client = data_dir.client()?;
    let request = RequestCode { purpose: Purpose::Login, phone: Some(phone.clone()), order: None };
    if command.send_code {
        return send_code(&client, &request, say).map(|sent| tell_sent(&sent, say));
    }
    let mut codes = Secrets::codes(&command.code, say)?;
    // A code that comes from a program was sent for before, with --send-code.
    if !codes.is_given() {
        let sent = send_code(&client, &request, say)?;
        say.aside(&sent_words(&sent, say));
    }
    let code = codes.need(say.t("短信验证码：", "SMS code: "))?;
    let masked = masked_phone(&phone);
    let session = client.login(&LoginRequest { phone, code: code.trim().to_owned() })?;
    let expires_at = session.expires_at;
    data_dir.keep_session(Role::Applicant, session, Some(masked))?;
    say.result(&json!({ "logged_in": true, "expires_at": expires_at }), || {
        say.t("已登录。", "Logged in.").to_owned()
    });
    Ok(())
}

fn log_out(data_dir: &DataDir, say: &Say) -> Result {
    let client = data_dir.client_as(Role::Applicant)?;
    let told = if client.has_session() { client.logout() } else { Ok(()) };
    // The session goes from this machine whatever the portal says.
    data_dir.forget_session(Role::Applicant)?;
    told?;
    say.result(&json!({ "logged_in": false }), || say.t("已退出登录。", "Logged out.").to_owned());
    Ok(())
}

pub fn send_code(client: &Client, request: &RequestCode, say: &Say) -> Result<CodeSent> {
    say.aside(say.t("正在发送验证码……", "Sending a code …"));
    Ok(client.request_code(request)?)
}

pub fn tell_sent(sent: &CodeSent, say: &Say) {
    say.result(sent, || sent_words(sent, say));
}

pub fn sent_words(sent: &CodeSent, say: &Say) -> String {
    say.t(
        "验证码已发到 {phone}，{valid} 秒内有效。",
        "A code was sent to {phone}; it lives for {valid} seconds.",
    )
    .replace("{phone}", &sent.phone)
    .replace("{valid}", &sent.valid_for.to_string())
}
