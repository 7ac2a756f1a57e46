//! `ycd softkey card`: a software token as a smart card, for as long as the command runs.

use std::{path::Path, sync::mpsc, thread};

use serde_json::json;
use ycd_softkey::{
    admin,
    card::{self, Event},
};

use crate::{
    error::{CliError, Result},
    say::Say,
};

enum News {
    Card(Event),
    Interrupted,
}

pub fn run(folder: &Path, serial: &str, reader: &str, insert: bool, say: &Say) -> Result {
    let (sender, news) = mpsc::channel();
    let tell = sender.clone();
    let runner = card::start(folder, serial, reader, move |event| {
        // Nobody listens any more when the command is about to end.
        let _ = tell.send(News::Card(event));
    })?;
    when_interrupted(move || {
        let _ = sender.send(News::Interrupted);
    })?;
    if insert {
        admin::insert(folder, serial)?;
    }
    for news in news {
        match news {
            News::Interrupted => runner.ask_to_stop(),
            News::Card(Event::Ended) => break,
            News::Card(event) => {
                let (name, text) = words(event, say);
                say.event(&json!({ "event": name, "serial_number": serial, "reader": reader }), || {
                    Some(text.replace("{reader}", reader))
                });
            }
        }
    }
    runner.stop()?;
    say.result(&json!({ "serial_number": serial, "inserted": false }), || {
        say.t("已拔出。", "Removed.").to_owned()
    });
    Ok(())
}

fn words<'a>(event: Event, say: &Say) -> (&'static str, &'a str) {
    match event {
        Event::Connected => ("connected", say.t("已插入读卡器 {reader}。", "In the reader at {reader}.")),
        Event::Pulled => ("pulled", say.t("已从读卡器拔出。", "Pulled from the reader.")),
        Event::ReaderClosed => (
            "reader_closed",
            say.t("读卡器已断开，USBKEY 视为拔出。", "The reader is gone; the token counts as pulled."),
        ),
        Event::NoReader => (
            "no_reader",
            say.t(
                "{reader} 上没有读卡器，USBKEY 视为拔出。",
                "No reader at {reader}; the token counts as pulled.",
            ),
        ),
        Event::Ended => ("ended", ""),
    }
}

/// Ctrl-C, or the system's wish that the process end. Where signals cannot be waited for, they still end it, and with
/// it the card.
fn when_interrupted(act: impl FnOnce() + Send + 'static) -> Result {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    let runtime = runtime.map_err(CliError::file(Path::new("runtime")))?;
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! {
                Ok(()) = tokio::signal::ctrl_c() => {}
                true = terminated() => {}
                else => std::future::pending().await,
            }
        });
        act();
    });
    Ok(())
}

/// Whether the wish came; it never does where it cannot be waited for.
#[cfg(unix)]
async fn terminated() -> bool {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut signal) => signal.recv().await.is_some(),
        Err(_) => false,
    }
}

#[cfg(not(unix))]
async fn terminated() -> bool {
    false
}
