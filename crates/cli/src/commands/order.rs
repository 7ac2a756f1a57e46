//! `ycd order …`.

use std::path::Path;

use ycd_flows::{messages::word, renewal::fix_mode};
use ycd_portal_api::wire::{
    form::{OrderForm, SaveForm},
    login::{Purpose, RequestCode},
    orders::{
        ConfirmOrder, CreateOrder, OrderKind, OrderList, OrderQuery, OrderSummary, OrderView, PaymentMethod,
        PublicStatus,
    },
};
use ycd_token::TokenSet;

use super::login;
use crate::{
    args::{Order, OrderKind as OrderKindArg, OrderSearch},
    ask::Secrets,
    data_dir::{DataDir, Role},
    error::{CliError, Result},
    say::{Say, minute, table, yuan},
};

pub fn run(command: Order, data_dir: &DataDir, say: &Say) -> Result {
    let client = data_dir.client_as(Role::Applicant)?;
    match command {
        Order::List(search) => {
            let found = client.orders(&query(&search))?;
            say.result(&found, || list_words(&found, say));
        }
        Order::Show { order } => {
            let view = client.order(&order)?;
            say.result(&view, || view_words(&view, say));
        }
        Order::Create { certificate, years, kind, product, form } => {
            let kind = match kind {
                OrderKindArg::Renewal => OrderKind::Renewal,
                OrderKindArg::ExpiredPurchase => OrderKind::ExpiredPurchase,
            };
            // Read first: a file that cannot be read should leave no order behind.
            let form = form.as_deref().map(read_form).transpose()?;
            let mut view =
                client.create_order(&CreateOrder { kind, certificate, validity_years: years, product })?;
            if let Some(form) = form {
                view = client.save_form(&view.summary.no, &SaveForm { form, complete: false })?;
            }
            say.result(&view, || view_words(&view, say));
        }
        Order::Submit { order, form, agree, agree_to_replace, code, send_code } => {
            let request =
                RequestCode { purpose: Purpose::OrderConfirm, phone: None, order: Some(order.clone()) };
            if send_code {
                let sent = login::send_code(&client, &request, say)?;
                login::tell_sent(&sent, say);
                return Ok(());
            }
            if let Some(form) = form.as_deref().map(read_form).transpose()? {
                client.save_form(&order, &SaveForm { form, complete: true })?;
            }
            let mut tokens = TokenSet::open(&data_dir.drivers()?, None);
            fix_mode(&client, &mut tokens, &order, |token| {
                if !agree_to_replace {
                    say.aside(&no_free_capacity(token.token_id.tail(), say));
                }
                agree_to_replace
            })?;
            let mut codes = Secrets::codes(&code, say)?;
            if agree && !codes.is_given() {
                let sent = login::send_code(&client, &request, say)?;
                say.aside(&login::sent_words(&sent, say));
            }
            // Without the agreement the portal refuses, and no code is spent on that.
            let code = if agree {
                codes.need(say.t("短信验证码：", "SMS code: "))?
            } else {
                String::new().into()
            };
            let view = client.confirm_order(
                &order,
                &ConfirmOrder {
                    agreement: agree,
                    code: code.trim().to_owned(),
                    payment_method: PaymentMethod::BankTransfer,
                },
            )?;
            say.result(&view, || view_words(&view, say) + &payment_words(&view, say));
        }
    }
    Ok(())
}

/// The search of a list of orders.
pub fn query(search: &OrderSearch) -> OrderQuery {
    OrderQuery {
        state: search.state,
        no: search.no.clone(),
        company: search.company.clone(),
        page: search.page.page,
        page_size: search.page.page_size,
        ..OrderQuery::default()
    }
}

fn read_form(path: &Path) -> Result<OrderForm> {
    let text = std::fs::read_to_string(path).map_err(CliError::file(path))?;
    serde_json::from_str(&text).map_err(|error| CliError::config(path, error))
}

pub fn list_words(list: &OrderList, say: &Say) -> String {
    let rows: Vec<Vec<String>> = list.page.items.iter().map(|order| row(order, say)).collect();
    let zh = ["订单号", "企业名称", "产品名称", "订单状态", "下单时间", "拒绝原因"];
    let en = ["order", "company", "product", "state", "made", "reason of rejection"];
    let page = say
        .t("第 {page} 页，共 {total} 个订单", "page {page}, {total} orders in all")
        .replace("{page}", &list.page.page.to_string())
        .replace("{total}", &list.page.total.to_string());
    table(if say.t("zh", "en") == "zh" { &zh } else { &en }, &rows) + &page
}

fn row(order: &OrderSummary, say: &Say) -> Vec<String> {
    vec![
        order.no.clone(),
        order.company.clone(),
        order.product_name.clone(),
        word(&format!("public_status.{}", order.state.name()), say.language),
        minute(order.created_at.0),
        order.reject_reason.clone().unwrap_or_default(),
    ]
}

pub fn view_words(view: &OrderView, say: &Say) -> String {
    let order = &view.summary;
    let mut text = say
        .t(
            "订单 {no}  {kind}  {state}\n{company}  {product}  {years} 年  {amount} 元\n",
            "order {no}  {kind}  {state}\n{company}  {product}  {years} years  {amount} yuan\n",
        )
        .replace("{no}", &order.no)
        .replace("{kind}", &word(&format!("order_kind.{}", order.kind.name()), say.language))
        .replace("{state}", &word(&format!("public_status.{}", order.state.name()), say.language))
        .replace("{company}", &order.company)
        .replace("{product}", &order.product_name)
        .replace("{years}", &order.validity_years.to_string())
        .replace("{amount}", &yuan(order.amount));
    if order.state == PublicStatus::Draft && !view.form.errors.is_empty() {
        text += say.t("表单还需填写或改正：\n", "still to be filled in or corrected:\n");
        for error in &view.form.errors {
            let code = serde_json::json!(error.code);
            text += &format!("  {}: {}\n", error.field, code.as_str().unwrap_or_default());
        }
    }
    for entry in &view.timeline {
        let state = word(&format!("public_status.{}", entry.state.name()), say.language);
        let reason = entry.reason.as_deref().unwrap_or_default();
        text += format!("  {}  {state}  {reason}", minute(entry.at.0)).trim_end();
        text.push('\n');
    }
    text
}

fn payment_words(view: &OrderView, say: &Say) -> String {
    let account = &view.payment.account;
    if view.summary.state != PublicStatus::AwaitingPayment {
        return String::new();
    }
    say.t(
        "请转账 {amount} 元，用途写订单号 {no}：\n  收款人 {payee}\n  开户行 {bank}\n  账号 {account}\n到账后进入审核，1–3 个工作日；结果以短信通知。",
        "Transfer {amount} yuan with the order number {no} as its purpose:\n  payee {payee}\n  bank {bank}\n  account {account}\nReview follows within 1 to 3 working days; an SMS tells the result.",
    )
    .replace("{amount}", &yuan(view.payment.amount))
    .replace("{no}", &view.summary.no)
    .replace("{payee}", &account.payee)
    .replace("{bank}", &account.bank)
    .replace("{account}", &account.account)
}

/// Said before anything is paid.
fn no_free_capacity(tail: &str, say: &Say) -> String {
    say.t(
        "尾号 {} 的 USBKEY 没有空间：更新时要先移除旧密钥对，不能恢复，用旧证书加密的文件将打不开。同意请加 --agree-to-replace。",
        "The USBKEY ending in {} has no free capacity: renewing removes the old key pair first, and what is encrypted to it can no longer be opened. To agree add --agree-to-replace.",
    )
    .replace("{}", tail)
}
