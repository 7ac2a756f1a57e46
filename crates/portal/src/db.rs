//! The database: SQLite, one file.
//!
//! Writing transactions begin with `BEGIN IMMEDIATE` and one after the other, so that none finds at its end that
//! another was quicker. A transaction that is dropped without [`Tx::commit`] has done nothing.

use std::{
    io::ErrorKind,
    ops::{Deref, DerefMut},
    path::Path,
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    pool::PoolConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use time::OffsetDateTime;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{Error, secrets::write_private};

/// What every query runs on: a connection, or a transaction ([`Tx`] derefs to it).
pub type Conn = sqlx::SqliteConnection;

#[derive(Debug, Clone)]
pub struct Db {
    pool: SqlitePool,
    /// SQLite has one writer; waiting here is fair and needs no polling.
    writer: Arc<Mutex<()>>,
}

impl Db {
    /// Opens the file, makes it where it is missing, and brings its tables up to date.
    pub async fn open(path: &Path) -> Result<Self, Error> {
        // SQLite would make it as readable as the system's mask allows, and its log beside it like the file itself.
        match write_private(path, &[]) {
            Err(Error::Io(error)) if error.kind() == ErrorKind::AlreadyExists => {}
            other => other?,
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(10))
            .foreign_keys(true);
        let pool = SqlitePoolOptions::new().max_connections(8).connect_with(options).await?;
        sqlx::migrate!().run(&pool).await?;
        Ok(Self { pool, writer: Arc::default() })
    }

    /// A connection to read on.
    pub async fn read(&self) -> Result<PoolConnection<Sqlite>, Error> {
        Ok(self.pool.acquire().await?)
    }

    /// A transaction to read and write in.
    pub async fn write(&self) -> Result<Tx, Error> {
        let turn = Arc::clone(&self.writer).lock_owned().await;
        let inner = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        Ok(Tx { inner, _turn: turn })
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// A writing transaction.
#[derive(Debug)]
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
    _turn: OwnedMutexGuard<()>,
}

impl Tx {
    pub async fn commit(self) -> Result<(), Error> {
        Ok(self.inner.commit().await?)
    }
}

impl Deref for Tx {
    type Target = Conn;

    fn deref(&self) -> &Conn {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut Conn {
        &mut self.inner
    }
}

/// A time as the tables have it: milliseconds since 1970-01-01 UTC.
pub fn millis(at: OffsetDateTime) -> i64 {
    // Milliseconds of any year the `time` crate can name fit.
    i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// The opposite of [`millis`].
pub fn moment(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}
