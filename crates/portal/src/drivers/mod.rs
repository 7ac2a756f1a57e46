//! Reports on tokens that no profile knows: taken from anybody, read by operators.
//!
//! What anybody may send is bounded in size, number and time, and is shown to operators as the text it is.

mod check;
mod routes;

use time::Duration;

pub use routes::routes;

use crate::{Error, Portal, db::millis};

/// Forgets reports whose days are over, and addresses that no limit counts any more.
pub(crate) async fn forget_old(portal: &Portal) -> Result<(), Error> {
    let now = portal.now();
    let kept = Duration::days(portal.config().driver_reports.kept_days.into());
    let mut tx = portal.db().write().await?;
    sqlx::query("DELETE FROM driver_reports WHERE at <= $1")
        .bind(millis(now - kept))
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE driver_reports SET address = NULL WHERE address IS NOT NULL AND at <= $1")
        .bind(millis(now - Duration::HOUR))
        .execute(&mut *tx)
        .await?;
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        Config,
        clock::{Clock, System},
    };

    #[tokio::test]
    async fn addresses_are_forgotten_after_an_hour_and_reports_after_their_days() {
        let folder = tempfile::tempdir().unwrap();
        crate::init(folder.path(), &Config::default(), System.now()).await.unwrap();
        let portal = Portal::open(folder.path(), Config::default(), Arc::new(System)).await.unwrap();
        let mut tx = portal.db().write().await.unwrap();
        let ages = [Duration::minutes(59), Duration::minutes(61), Duration::days(179), Duration::days(181)];
        for (number, age) in ages.into_iter().enumerate() {
            sqlx::query(
                "INSERT INTO driver_reports (number, at, report, address) VALUES ($1, $2, '{}', 'a')",
            )
            .bind(number.to_string())
            .bind(millis(portal.now() - age))
            .execute(&mut *tx)
            .await
            .unwrap();
        }
        tx.commit().await.unwrap();
        forget_old(&portal).await.unwrap();
        let mut db = portal.db().read().await.unwrap();
        let left: Vec<(String, Option<String>)> =
            sqlx::query_as("SELECT number, address FROM driver_reports ORDER BY id")
                .fetch_all(&mut *db)
                .await
                .unwrap();
        assert_eq!(left, [("0".into(), Some("a".into())), ("1".into(), None), ("2".into(), None)]);
    }
}
