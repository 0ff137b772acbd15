//! The SQLite file: opening, schema versions, one transaction a request.

use std::{
    path::Path,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::http::ApiError;

/// Each entry brings a file from the version of its index to the next; entries are never edited.
const MIGRATIONS: &[&str] = &[include_str!("store/schema.sql")];

/// How long another process (a second emulator, a `sqlite3` shell) may hold the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the file has schema version {found}, this emulator knows up to {known}")]
    TooNew { found: usize, known: usize },
    #[error("SQLite refused")]
    Sqlite(#[from] rusqlite::Error),
}

/// The project's data. Writes are serialised by the lock; whoever reads after a 2xx sees what was written.
pub(crate) struct Store(Mutex<Connection>);

impl Store {
    /// Opens or creates the file and brings its schema up to date.
    pub(crate) fn open(path: &Path) -> Result<Self, StoreError> {
        let mut connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        // WAL with NORMAL loses nothing when the process dies, only (at worst) when the machine does.
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrate(&mut connection)?;
        Ok(Self(Mutex::new(connection)))
    }

    /// Runs `work` in one transaction: all of it happens, or none.
    pub(crate) fn transaction<T>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        // A panic while the lock was held rolled its transaction back: the connection is sound.
        let mut connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = work(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found: i64 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let found = usize::try_from(found).unwrap_or_default();
    let known = MIGRATIONS.len();
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    for migration in &MIGRATIONS[found..] {
        transaction.execute_batch(migration)?;
    }
    transaction.pragma_update(
        None,
        "user_version",
        i64::try_from(known).unwrap_or(i64::MAX),
    )?;
    transaction.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_opens_again_and_a_newer_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("langfuse.sqlite3");
        drop(Store::open(&path).unwrap());
        drop(Store::open(&path).unwrap());

        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let Err(error) = Store::open(&path) else {
            panic!("opened a newer schema")
        };
        let known = MIGRATIONS.len();
        assert_eq!(
            error.to_string(),
            format!("the file has schema version 99, this emulator knows up to {known}"),
        );
    }

    #[test]
    fn a_failed_transaction_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("langfuse.sqlite3")).unwrap();
        let insert = "INSERT INTO datasets VALUES ('id', 'name', NULL, NULL, 0, 0)";
        let failed = store.transaction(|transaction| {
            transaction.execute(insert, [])?;
            Err::<(), _>(ApiError::not_found("gone"))
        });
        assert!(failed.is_err());
        let count = |transaction: &Transaction<'_>| {
            Ok(transaction.query_row("SELECT count(*) FROM datasets", [], |row| row.get(0))?)
        };
        assert_eq!(
            store.transaction(count).map_err(|error| error.to_string()),
            Ok(0i64)
        );
    }
}
