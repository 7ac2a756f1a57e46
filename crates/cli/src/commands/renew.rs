//! `ycd cert renew`: starts the flow, and shows what it tells.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::json;
use ycd_assistant::store;
use ycd_flows::{
    FlowError,
    clock::SystemClock,
    journal::Journal,
    renewal::{Options, Renewal, Renewed},
};
use ycd_pki::pem;
use ycd_portal_api::{
    Client,
    wire::orders::{OrderQuery, OrderState},
};
use ycd_token::{Keys, Token as _};

use crate::{
    args::Renew,
    ask::Secrets,
    error::{CliError, Result},
    home::{Home, Role},
    person::{AtTerminal, asks_again},
    say::Say,
};

pub fn run(command: &Renew, home: &Home, say: &Say) -> Result {
    let client = home.client_as(Role::Applicant)?;
    let drivers = home.drivers()?;
    let mut keys = Keys::open(&drivers, None);
    let journal = home.journal()?;
    let order = match &command.order {
        Some(order) => order.clone(),
        None => the_order(&client, &journal, &mut keys)?,
    };
    let patience = match command.wait {
        Some(seconds) => Some(Duration::from_secs(seconds)),
        None if say.can_ask() => None,
        None => Some(Duration::ZERO),
    };
    let pins = Arc::new(Mutex::new(Secrets::pins(&command.pin, say)?));
    keys.on_pin_needed(asks_again(&pins, say));
    let mut person = AtTerminal {
        say,
        pins,
        codes: Secrets::codes(&command.code, say)?,
        drivers: &drivers,
        patience,
        agrees_to_replace: command.agree_to_replace,
        agrees_to_last_try: command.last_try,
        keep: command.keep.as_deref(),
        reason: None,
    };
    let trust = home.trust_if_known()?;
    let renewal = Renewal {
        portal: &client,
        token: &mut keys,
        person: &mut person,
        journal: &journal,
        locks: &Home::locks()?,
        anchors: &home.anchors()?,
        trust: trust.as_ref(),
        clock: &SystemClock,
        store: store::of_this_system(&drivers, say.language),
        options: Options { same_key_pair: command.same_key_pair, remove_old_pair: command.remove_old },
    };
    if command.abandon {
        let outcome = renewal.abandon(&order);
        let view = outcome.map_err(|error| truer(error, person.reason.take()))?;
        say.result(&view, || {
            say.t("已放弃这次尝试，可以重新更新。", "This attempt was given up; renew again.").to_owned()
        });
        return Ok(());
    }
    let outcome = renewal.run(&order);
    let renewed = outcome.map_err(|error| truer(error, person.reason.take()))?;
    if let Some(folder) = &command.keep {
        keep(&renewed, folder)?;
    }
    let value = json!({
        "order": renewed.order,
        "key_id": renewed.key,
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

/// Work of before that this machine knows of, else the order that waits for the key that is inserted.
fn the_order(client: &Client, journal: &Journal, keys: &mut Keys) -> Result<String> {
    let inserted = keys.keys()?;
    let is_inserted = |key_id: &str| inserted.iter().any(|key| key.key_id.as_str() == key_id);
    let unfinished = journal.unfinished()?.into_iter().find(|work| is_inserted(&work.key_id));
    if let Some(work) = unfinished {
        return Ok(work.order);
    }
    if inserted.is_empty() {
        return Err(FlowError::NoKey.into());
    }
    let query = OrderQuery {
        state: Some(OrderState::AwaitingRenewal),
        page_size: Some(100),
        ..OrderQuery::default()
    };
    let waiting = client.orders(&query)?.page.items.into_iter().find(|order| is_inserted(&order.key_id));
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
