//! A new portal.

use std::path::{Path, PathBuf};

use argon2::{Argon2, PasswordHasher as _};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::{
    Config, Error, authority,
    db::{Conn, Db, millis},
    identity::Identity,
    portal::{DATABASE, SECRET},
    secrets::{Secrets, create_private_folder, random, write_private},
};

const OPERATOR: &str = "admin";
const OPERATOR_FILE: &str = "operator.txt";

/// What [`init`] has made.
pub struct Initialized {
    /// The portal's name in signed authorizations.
    pub portal: String,
    pub operator: String,
    /// To be shown once; it also lies in `operator_file`.
    pub password: Zeroizing<String>,
    pub operator_file: PathBuf,
}

impl std::fmt::Debug for Initialized {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Initialised").field("portal", &self.portal).finish_non_exhaustive()
    }
}

/// Makes a portal in a folder: its secret, its tables, the catalogue, an operator with a random password, and the
/// authority. [`Error::Initialized`] where there is one already.
pub async fn init(folder: &Path, config: &Config, now: OffsetDateTime) -> Result<Initialized, Error> {
    create_private_folder(folder)?;
    let database = folder.join(DATABASE);
    if folder.join(SECRET).exists() || database.exists() {
        return Err(Error::Initialized);
    }
    let secrets = Secrets::create(&folder.join(SECRET))?;
    let db = Db::open(&database).await?;
    authority::init(folder, &secrets, &db, config, now).await?;
    Identity::open(&secrets, &db).await?;

    let portal = format!("{}-{}", config.project.code, hex::encode(random::<8>()?));
    let password = password()?;
    let operator_file = folder.join(OPERATOR_FILE);
    let mut tx = db.write().await?;
    catalogue(&mut tx).await?;
    add_operator(&mut tx, OPERATOR, &password, now).await?;
    sqlx::query("INSERT INTO portal (id, name, created_at) VALUES (1, $1, $2)")
        .bind(&portal)
        .bind(millis(now))
        .execute(&mut *tx)
        .await?;
    write_private(&operator_file, Zeroizing::new(format!("{OPERATOR}\n{}\n", password.as_str())).as_bytes())?;
    tx.commit().await?;
    db.close().await;
    Ok(Initialized { portal, operator: OPERATOR.into(), password, operator_file })
}

/// Hashes a password: Argon2id, as a PHC string. Takes tens of milliseconds.
pub(crate) fn hash_password(password: &str) -> Result<String, Error> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .map(|hash| hash.to_string())
        .map_err(|error| Error::Password(error.to_string()))
}

async fn add_operator(db: &mut Conn, name: &str, password: &str, now: OffsetDateTime) -> Result<(), Error> {
    sqlx::query("INSERT INTO operators (name, password, created_at) VALUES ($1, $2, $3)")
        .bind(name)
        .bind(hash_password(password)?)
        .bind(millis(now))
        .execute(db)
        .await?;
    Ok(())
}

async fn catalogue(db: &mut Conn) -> Result<(), Error> {
    const PRODUCTS: [(&str, &str, &str); 3] = [
        ("sm2-enterprise", "泸州老窖招采SM2企业数字证书", "enterprise"),
        ("sm2-legal", "泸州老窖招采SM2法定代表人数字证书", "legal_representative"),
        ("sm2-personal", "泸州老窖招采SM2个人数字证书", "personal"),
    ];
    // 400.00 a year.
    const PRICES: [(i64, i64); 3] = [(1, 40_000), (2, 80_000), (3, 120_000)];
    for (position, (code, name, holder)) in (0_i64..).zip(PRODUCTS) {
        sqlx::query(
            "INSERT INTO products (code, name, holder, seal, position) VALUES ($1, $2, $3, '默认章', $4)",
        )
        .bind(code)
        .bind(name)
        .bind(holder)
        .bind(position)
        .execute(&mut *db)
        .await?;
        for (years, amount) in PRICES {
            sqlx::query("INSERT INTO prices (product, validity_years, amount) VALUES ($1, $2, $3)")
                .bind(code)
                .bind(years)
                .bind(amount)
                .execute(&mut *db)
                .await?;
        }
    }
    Ok(())
}

/// 20 characters without look-alikes: 99 bits.
fn password() -> Result<Zeroizing<String>, Error> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let random = Zeroizing::new(random::<20>()?);
    Ok(Zeroizing::new(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::{Portal, clock::System};

    #[tokio::test]
    async fn nobody_but_its_owner_reads_a_portals_data() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("portal");
        init(&folder, &Config::default(), OffsetDateTime::now_utc()).await.unwrap();
        let portal = Portal::open(&folder, Config::default(), std::sync::Arc::new(System)).await.unwrap();
        // Leaves the write-ahead log beside the database.
        portal.db().write().await.unwrap().commit().await.unwrap();
        let mut folders = vec![folder];
        let mut files = 0;
        while let Some(folder) = folders.pop() {
            let mode = std::fs::metadata(&folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0, "{}: {mode:o}", folder.display());
            for entry in std::fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                files += 1;
                let mode = std::fs::metadata(&path).unwrap().permissions().mode();
                assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
            }
        }
        assert!(files >= 6, "{files}");
    }
}
