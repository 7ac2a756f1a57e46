//! `ycd cert renew`: starts the flow, and shows what it tells.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use ycd_assistant::flow_parts::RenewalParts;
use ycd_flows::{
    FlowError,
    clock::SystemClock,
    journal::Journal,
    renewal::{Options, Renewed},
};
use ycd_pki::pem;
use ycd_portal_api::{
    Client,
    wire::orders::{OrderQuery, PublicStatus},
};
use ycd_token::{TokenAccess as _, TokenSet};

use crate::{
    args::Renew,
    ask::Secrets,
    data_dir::DataDir,
    error::{CliError, Result},
    prompter::{AtTerminal, asks_again},
    say::Say,
};

pub fn run(command: &Renew, data_dir: &DataDir, say: &Say) -> Result {
    let parts = RenewalParts::of(data_dir)?;
    let drivers = data_dir.drivers()?;
    let mut tokens = TokenSet::open(&drivers, None);
    let order = match &command.order {
        Some(order) => order.clone(),
        None => the_order(&parts.portal, &parts.journal, &mut tokens)?,
    };
    let timeout = match command.wait {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None if say.can_ask() => None,
        None => Some(Duration::ZERO),
    };
    let pins = Arc::new(Mutex::new(Secrets::pins(&command.pin, say)?));
    tokens.on_pin_needed(asks_again(&pins, say));
    let mut prompter = AtTerminal {
        say,
        pins,
        codes: Secrets::codes(&command.code, say)?,
        drivers: &drivers,
        timeout,
        agrees_to_replace: command.agree_to_replace,
        agrees_to_last_try: command.last_try,
        keep: command.keep.as_deref(),
        reason: None,
    };
    let options = Options { same_key_pair: command.same_key_pair, remove_old_pair: command.remove_old };
    let renewal = parts.flow(&mut tokens, &mut prompter, &SystemClock, (&drivers, say.language), options);
    if command.abandon {
        let outcome = renewal.abandon(&order);
        let view = outcome.map_err(|error| truer(error, prompter.reason.take()))?;
        say.result(&view, || {
            say.t("已放弃这次尝试，可以重新更新。", "This attempt was given up; renew again.").to_owned()
        });
        return Ok(());
    }
    let outcome = renewal.run(&order);
    let renewed = outcome.map_err(|error| truer(error, prompter.reason.take()))?;
    if let Some(folder) = &command.keep {
        keep(&renewed, folder)?;
    }
    let value = json!({
        "order": renewed.order,
        "token_id": renewed.token,
        "kept": command.keep,
        "certificate": pem::encode("CERTIFICATE", &renewed.new)?,
    });
    say.result(&value, || {
        let kept = command.keep.as_ref().map(|folder| format!("{}\n", folder.display())).unwrap_or_default();
        format!("{} {}\n{kept}", say.t("订单", "order"), renewed.order)
    });
    Ok(())
}

/// Where this side ended the flow for a reason of its own, that is the reason, not a wish to stop.
fn truer(error: FlowError, reason: Option<CliError>) -> CliError {
    match (error, reason) {
        (FlowError::Stopped { .. }, Some(reason)) => reason,
        (error, _) => error.into(),
    }
}

/// Work of before that this machine knows of, else the order that waits for the token that is inserted.
fn the_order(client: &Client, journal: &Journal, tokens: &mut TokenSet) -> Result<String> {
    let inserted = tokens.list()?;
    let is_inserted = |token_id: &str| inserted.iter().any(|token| token.token_id.as_str() == token_id);
    let unfinished = journal.unfinished()?.into_iter().find(|unfinished| is_inserted(&unfinished.token_id));
    if let Some(unfinished) = unfinished {
        return Ok(unfinished.order);
    }
    if inserted.is_empty() {
        return Err(FlowError::NoToken.into());
    }
    let query = OrderQuery {
        state: Some(PublicStatus::AwaitingRenewal),
        page_size: Some(100),
        ..OrderQuery::default()
    };
    let waiting = client.orders(&query)?.page.items.into_iter().find(|order| is_inserted(&order.token_id));
    waiting.map(|order| order.no).ok_or(CliError::NoOrder)
}

fn keep(renewed: &Renewed, folder: &Path) -> Result {
    fs::create_dir_all(folder).map_err(CliError::file(folder))?;
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(CliError::file(&path))
    };
    write("old.pem", pem::encode("CERTIFICATE", &renewed.old)?)?;
    write("new.pem", pem::encode("CERTIFICATE", &renewed.new)?)?;
    let chain: Vec<String> =
        renewed.chain.iter().map(|der| pem::encode("CERTIFICATE", der)).collect::<Result<_, _>>()?;
    write("chain.pem", chain.concat())?;
    Ok(())
}
