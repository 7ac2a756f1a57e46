//! A portal that is open: what every part of it works with.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use sqlx::Row as _;
use time::{Duration, OffsetDateTime};
use tokio::sync::Notify;

use crate::{
    Error,
    authority::{self, Authority},
    clock::Clock,
    config::Config,
    db::{Db, millis, moment},
    identity::Identity,
    secrets::Secrets,
    sms::{EmbeddedOutbox, SmsProvider},
};

pub(crate) const DATABASE: &str = "portal.sqlite";
pub(crate) const SECRET: &str = "portal.secret";

/// A portal, open. Clones are the same portal.
#[derive(Clone)]
pub struct Portal(Arc<Inner>);

struct Inner {
    name: String,
    folder: PathBuf,
    db: Db,
    config: Config,
    clock: Arc<dyn Clock>,
    secrets: Secrets,
    sms: Arc<dyn SmsProvider>,
    sms_waiting: Notify,
    authority: Authority,
    identity: Identity,
}

impl std::fmt::Debug for Portal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Portal").field("name", &self.0.name).finish_non_exhaustive()
    }
}

impl Portal {
    /// Opens a portal that [`crate::init()`] has made, with the embedded SMS outbox.
    pub async fn open(folder: &Path, config: Config, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        Self::open_with(folder, config, clock, Arc::new(EmbeddedOutbox)).await
    }

    /// Opens a portal with an SMS provider of one's own.
    pub async fn open_with(
        folder: &Path,
        config: Config,
        clock: Arc<dyn Clock>,
        sms: Arc<dyn SmsProvider>,
    ) -> Result<Self, Error> {
        let secrets = Secrets::open(&folder.join(SECRET))?;
        let db = Db::open(&folder.join(DATABASE)).await?;
        let row = sqlx::query("SELECT name FROM portal").fetch_optional(&mut *db.read().await?).await?;
        let name = row.ok_or(Error::NotInitialized)?.try_get("name")?;
        let authority = authority::open(folder, &secrets, &db, &config).await?;
        let identity = Identity::open(&secrets, &db).await?;
        Ok(Self(Arc::new(Inner {
            name,
            folder: folder.to_owned(),
            db,
            config,
            clock,
            secrets,
            sms,
            sms_waiting: Notify::new(),
            authority,
            identity,
        })))
    }

    /// The portal's name in signed authorizations.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The folder with all of its data.
    pub fn folder(&self) -> &Path {
        &self.0.folder
    }

    pub fn db(&self) -> &Db {
        &self.0.db
    }

    pub fn config(&self) -> &Config {
        &self.0.config
    }

    pub fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    pub fn authority(&self) -> &Authority {
        &self.0.authority
    }

    pub fn identity(&self) -> &Identity {
        &self.0.identity
    }

    pub(crate) fn sms(&self) -> &Arc<dyn SmsProvider> {
        &self.0.sms
    }

    /// Now, as the portal sees it, in the precision of its tables.
    pub fn now(&self) -> OffsetDateTime {
        moment(millis(self.0.clock.now()))
    }

    pub(crate) fn session_length(&self) -> Duration {
        Duration::hours(i64::from(self.0.config.session_hours))
    }

    /// Something may be waiting to be sent.
    pub(crate) fn wake_sms(&self) {
        self.0.sms_waiting.notify_one();
    }

    pub(crate) async fn sms_waiting(&self) {
        self.0.sms_waiting.notified().await;
    }
}
