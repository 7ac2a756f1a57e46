//! `ycd operator …`: what the portal's people do.

use serde_json::json;
use ycd_flows::personalization::{Assignment, Personalization};
use ycd_pki::unlock::UnlockMethod;
use ycd_portal_api::{
    Client,
    wire::{
        catalogue::HolderKind,
        certificates::Holder,
        drivers::DriverReportQuery,
        operator::{CauseEvent, OperatorLogin, OperatorOrder, OutboxQuery, RecordTransfer},
        orders::{PublicStatus, Reason},
    },
};
use ycd_token::Pin;

use super::{driver::report_words, one_token, order};
use crate::{
    args::{HolderKind as HolderKindArg, Operator, OrderSearch, PageArgs, Personalize, UnlockMethodArg},
    ask::Secrets,
    data_dir::{DataDir, Role},
    error::{CliError, Result},
    say::{Say, minute, table, yuan},
};

pub fn run(command: Operator, data_dir: &DataDir, say: &Say) -> Result {
    if let Operator::Login { name, password } = command {
        let mut passwords = Secrets::passwords(&password, say)?;
        let password = passwords.need(say.t("密码：", "password: "))?;
        let session =
            data_dir.client()?.operator_login(&OperatorLogin { name, password: password.to_string() })?;
        let expires_at = session.expires_at;
        data_dir.keep_session(Role::Operator, session, None)?;
        say.result(&json!({ "logged_in": true, "expires_at": expires_at }), || {
            say.t("已登录。", "Logged in.").to_owned()
        });
        return Ok(());
    }
    let client = data_dir.client_as(Role::Operator)?;
    match command {
        Operator::Login { .. } => {}
        Operator::Queue(search) => queue(&client, &search, say)?,
        Operator::Show { order } => tell(&client.operator_order(&order)?, say),
        Operator::Approve { order } => tell(&client.approve(&order)?, say),
        Operator::Reject { order, reason } => tell(&client.reject(&order, &Reason { reason })?, say),
        Operator::Cause { order, event, reason } => {
            let named = serde_json::from_value(json!(event));
            let event = named.map_err(|_| CliError::Argument { what: event })?;
            tell(&client.cause(&order, &CauseEvent { event, reason })?, say);
        }
        Operator::CloseAttempt { order, attempt, reason } => {
            client.close_attempt(&order, attempt, &Reason { reason })?;
            tell(&client.operator_order(&order)?, say);
        }
        Operator::RecordTransfer { order, reference, amount } => {
            let amount = match amount {
                Some(amount) => amount,
                None => client.operator_order(&order)?.order.payment.amount,
            };
            tell(&client.record_transfer(&order, &RecordTransfer { reference, amount })?, say);
        }
        Operator::Revoke { serial, reason } => {
            let view = client.revoke_certificate(&serial, &Reason { reason })?;
            say.result(&view, || say.t("已吊销 {}。", "Revoked {}.").replace("{}", &view.serial));
        }
        Operator::Personalize(command) => personalize(&client, command, data_dir, say)?,
        Operator::Outbox { phone, page } => {
            let query = OutboxQuery { phone, page: page.page, page_size: page.page_size };
            let found = client.sms_outbox(&query)?;
            say.result(&found, || {
                let messages = found.items.iter();
                let rows: Vec<Vec<String>> = messages
                    .map(|message| vec![minute(message.at.0), message.phone.clone(), message.text.clone()])
                    .collect();
                table(&[say.t("时间", "at"), say.t("手机", "phone"), say.t("内容", "text")], &rows)
            });
        }
        Operator::DriverReports { number, page } => driver_reports(&client, number, &page, say)?,
    }
    Ok(())
}

fn driver_reports(client: &Client, number: Option<String>, page: &PageArgs, say: &Say) -> Result {
    let is_one = number.is_some();
    let query = DriverReportQuery { number: number.clone(), page: page.page, page_size: page.page_size };
    let found = client.driver_reports(&query)?;
    if let (Some(number), true) = (number, found.items.is_empty()) {
        return Err(CliError::NotFound { what: number });
    }
    say.result(&found, || {
        if is_one {
            return found.items.iter().map(|item| report_words(&item.report)).collect();
        }
        let rows: Vec<Vec<String>> = found
            .items
            .iter()
            .map(|item| {
                let report = &item.report;
                let of = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
                vec![item.number.clone(), minute(item.at.0), of(&report.reader), of(&report.atr)]
            })
            .collect();
        table(&[say.t("报告号", "number"), say.t("时间", "at"), say.t("读卡器", "reader"), "ATR"], &rows)
    });
    Ok(())
}

/// What waits for an operator, unless another state is asked for.
fn queue(client: &Client, search: &OrderSearch, say: &Say) -> Result {
    let mut query = order::query(search);
    query.state.get_or_insert(PublicStatus::AwaitingReview);
    let found = client.operator_orders(&query)?;
    say.result(&found, || order::list_words(&found, say));
    Ok(())
}

fn tell(order: &OperatorOrder, say: &Say) {
    say.result(order, || {
        let mut text = order::view_words(&order.order, say);
        for transfer in &order.transfers {
            text += &say
                .t("  转账 {reference}  {amount} 元  {at}\n", "  transfer {reference}  {amount} yuan  {at}\n")
                .replace("{reference}", &transfer.reference)
                .replace("{amount}", &yuan(transfer.amount))
                .replace("{at}", &minute(transfer.recorded_at.0));
        }
        text
    });
}

fn personalize(client: &Client, command: Personalize, data_dir: &DataDir, say: &Say) -> Result {
    let mut tokens = data_dir.tokens()?;
    let token = one_token(&mut tokens, command.token.as_deref())?;
    let mut pins = Secrets::pins(&command.pin, say)?;
    let prompt = say
        .t("尾号 {} 的 USBKEY 出厂的管理口令：", "The maker's SO PIN of the USBKEY ending in {}: ")
        .replace("{}", token.token_id.tail());
    let factory_so_pin = Pin::new(pins.need(&prompt)?.as_str());
    let trust = data_dir.trust()?;
    let personalization = Personalization {
        portal: client,
        trust: &trust,
        tokens: &mut tokens,
        journal: &data_dir.journal()?,
        locks: &DataDir::locks()?,
        token: token.token_id.clone(),
        factory_so_pin,
        method: command.method.map(|method| match method {
            UnlockMethodArg::SoPin => UnlockMethod::SoPin,
            UnlockMethodArg::ChallengeResponse => UnlockMethod::ChallengeResponse,
        }),
        assignment: Assignment {
            holder: Holder {
                kind: match command.kind {
                    HolderKindArg::Enterprise => HolderKind::Enterprise,
                    HolderKindArg::LegalRepresentative => HolderKind::LegalRepresentative,
                    HolderKindArg::Personal => HolderKind::Personal,
                },
                name: command.name,
                uscc: command.uscc,
                id_number: command.id_number,
                person: command.person,
            },
            phone: command.phone,
            product: command.product,
            validity_years: command.years,
        },
    };
    let made = personalization.run()?;
    let value = json!({
        "token_id": made.record.token_id,
        "serial": made.certificate.serial,
        "certificate": made.certificate.certificate,
        "chain": made.certificate.chain,
        "record": made.record,
    });
    say.result(&value, || {
        say.t(
            "制证完成：证书 {serial}，USBKEY 尾号 {tail}，初始口令 12345678，管理口令已由门户保管。",
            "Personalized: certificate {serial} on the USBKEY ending in {tail}; its PIN is 12345678, its SO PIN is kept by the portal.",
        )
        .replace("{serial}", &made.certificate.serial)
        .replace("{tail}", token.token_id.tail())
    });
    Ok(())
}
