//! The database file: opened, brought up to date, read and written.

use std::{
    fs::{File, TryLockError},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::{
    Sqlite, SqlitePool, Transaction,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{StoreError, error::DoingExt};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// How long a statement waits for another process, such as a backup, to let go of the file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// The database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    /// The one connection that writes: writers queue up here instead of fighting for the file's lock.
    writer: SqlitePool,
    reader: SqlitePool,
    /// The database's file, and the lock that is held as long as the store is open.
    lock: Option<Arc<(PathBuf, File)>>,
}

impl Store {
    /// Opens the database of a file, makes it if there is none, and brings its tables up to date.
    ///
    /// The file is this process's alone as long as the store is open: two servers on it would do each deploy twice.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        let options = options()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // A power cut may lose the last commits, but never tears the file (sqlite.org/pragma.html#pragma_synchronous);
            // a process that dies loses nothing.
            .synchronous(SqliteSynchronous::Normal)
            .pragma("journal_size_limit", "4194304");
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .test_before_acquire(false)
            .connect_with(options.clone())
            .await
            .map_err(|source| match StoreError::of("open the database", source) {
                StoreError::Failed { source, .. } => {
                    StoreError::Open { path: path.to_owned(), source: Box::new(source) }
                }
                known => known,
            })?;
        migrate(&writer, path).await?;
        let reader =
            SqlitePoolOptions::new().max_connections(2).test_before_acquire(false).connect_lazy_with(options);
        Ok(Self { writer, reader, lock: Some(Arc::new((path.to_owned(), lock))) })
    }

    /// A database that is gone with its last clone, for tests.
    pub async fn memory() -> Result<Self, StoreError> {
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            // Each connection would have a database of its own, so the one there is stays for good.
            .idle_timeout(None)
            .max_lifetime(None)
            .connect_with(options().in_memory(true))
            .await
            .doing("open a database in memory")?;
        migrate(&pool, Path::new(":memory:")).await?;
        Ok(Self { writer: pool.clone(), reader: pool, lock: None })
    }

    /// Writes a copy of the database, as of one instant, to a file that does not exist yet. Others go on meanwhile.
    pub async fn backup(&self, path: &Path) -> Result<(), StoreError> {
        let open = |source: Box<dyn std::error::Error + Send + Sync>| StoreError::Open {
            path: path.to_owned(),
            source,
        };
        if path.exists() {
            return Err(open("the file exists already".into()));
        }
        let name = path.to_str().ok_or_else(|| open("the path is not UTF-8".into()))?;
        sqlx::query("VACUUM INTO $1")
            .bind(name)
            .execute(&self.reader)
            .await
            .map(drop)
            .doing("write the backup")
    }

    /// Closes the database after what is under way, and lets go of the file; every clone is then of no more use.
    pub async fn close(&self) -> Result<(), StoreError> {
        self.reader.close().await;
        self.writer.close().await;
        let Some((path, file)) = self.lock.as_deref() else { return Ok(()) };
        file.unlock().map_err(|source| StoreError::Open { path: path.clone(), source: Box::new(source) })
    }

    /// Has the database take no new rows of a table, or take them again: a fault that tests cannot provoke in another way.
    #[cfg(feature = "faults")]
    pub async fn refuse(&self, table: &'static str, refuse: bool) -> Result<(), StoreError> {
        let statement = if refuse {
            format!(
                "CREATE TRIGGER refused BEFORE INSERT ON {table} BEGIN SELECT RAISE(FAIL, 'refused by a test'); END"
            )
        } else {
            "DROP TRIGGER refused".to_owned()
        };
        let statement = sqlx::AssertSqlSafe(statement);
        sqlx::query(statement).execute(&self.writer).await.map(drop).doing("refuse rows")
    }

    /// Refuses everything that is written after so many more transactions, as if the process had died. Turns true with the
    /// first of them.
    #[cfg(feature = "faults")]
    pub async fn die_after(&self, commits: u32) -> Result<tokio::sync::watch::Receiver<bool>, StoreError> {
        let (died, seen) = tokio::sync::watch::channel(false);
        let mut left = commits;
        let mut writer = self.writer.acquire().await.doing("refuse what is written")?;
        let mut handle = writer.lock_handle().await.doing("refuse what is written")?;
        handle.set_commit_hook(move || {
            let lives = left > 0;
            left = left.saturating_sub(1);
            if !lives {
                died.send_replace(true);
            }
            lives
        });
        Ok(seen)
    }

    pub(crate) fn reader(&self) -> &SqlitePool {
        &self.reader
    }

    pub(crate) fn writer(&self) -> &SqlitePool {
        &self.writer
    }

    /// Begins a transaction that may write. It takes the file's write lock at once: upgrading a reader later fails
    /// where another writer came between, without any waiting.
    pub(crate) async fn begin(
        &self,
        action: &'static str,
    ) -> Result<Transaction<'static, Sqlite>, StoreError> {
        self.writer.begin_with("BEGIN IMMEDIATE").await.doing(action)
    }
}

fn options() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        // 1 MiB a connection: the server has to stay small, and the hot rows are few.
        .pragma("cache_size", "-1024")
}

/// The lock is on a file beside: SQLite uses locks of its own on the database.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut lock_path = path.as_os_str().to_owned();
    lock_path.push(".lock");
    let open = |source: std::io::Error| StoreError::Open { path: path.to_owned(), source: Box::new(source) };
    let file = File::options().create(true).append(true).open(PathBuf::from(lock_path)).map_err(open)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::InUse { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(open(error)),
    }
}

async fn migrate(pool: &SqlitePool, path: &Path) -> Result<(), StoreError> {
    MIGRATIONS.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(migration) => StoreError::Newer { path: path.to_owned(), migration },
        MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
            StoreError::of("bring the database up to date", source)
        }
        source => StoreError::Migrate { path: path.to_owned(), source },
    })
}

#[cfg(test)]
mod tests;
