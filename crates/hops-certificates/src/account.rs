//! The account at the authority: made once, kept with its key.

use std::{fs, io, path::PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use instant_acme::{Account, AccountBuilder, ExternalAccountKey, NewAccount};
use thiserror::Error;
use tokio::sync::Mutex;
use tracing::info;

use crate::{
    settings::{Email, ExternalAccount, Settings},
    store::{Store, StoreError},
};

/// The account, opened when it is first needed. Whoever comes meanwhile waits, so that there is one.
pub(crate) struct Accounts {
    settings: Settings,
    store: Store,
    open: Mutex<Option<Account>>,
}

/// Why there is no account.
#[derive(Debug, Error)]
pub(crate) enum AccountError {
    /// The root certificate of the authority's server.
    #[error("cannot trust the certificate authority's server by `{}`", path.display())]
    Root { path: PathBuf, source: instant_acme::Error },
    /// The system's certificates.
    #[error("cannot use this machine's root certificates; is `ca-certificates` installed?")]
    SystemRoots(#[source] instant_acme::Error),
    /// The secret of an account made elsewhere.
    #[error("cannot read the external account's key `{}`", path.display())]
    ExternalKey { path: PathBuf, source: io::Error },
    /// Its form.
    #[error("the external account's key `{}` is not base64url, as the authority shows it", .0.display())]
    ExternalKeyForm(PathBuf),
    /// The authority would not, or could not be reached.
    #[error("cannot open an account at the certificate authority")]
    Authority(#[source] instant_acme::Error),
    /// The disk.
    #[error("cannot keep the account")]
    Store(#[from] StoreError),
}

impl Accounts {
    pub(crate) fn new(settings: Settings, store: Store) -> Self {
        Self { settings, store, open: Mutex::new(None) }
    }

    /// The account: the open one, the kept one, or a new one.
    pub(crate) async fn get(&self) -> Result<Account, AccountError> {
        let mut open = self.open.lock().await;
        if let Some(account) = &*open {
            return Ok(account.clone());
        }
        let account = self.find_or_make().await?;
        *open = Some(account.clone());
        Ok(account)
    }

    /// After the authority said that it knows no such account: the next one is new.
    pub(crate) async fn forget(&self) -> Result<(), StoreError> {
        *self.open.lock().await = None;
        self.store.forget_account(&self.settings.directory)
    }

    async fn find_or_make(&self) -> Result<Account, AccountError> {
        let Settings { directory, external_account, email, .. } = &self.settings;
        if let Some(credentials) = self.store.account(directory) {
            return self.builder()?.from_credentials(credentials).await.map_err(AccountError::Authority);
        }
        let external = external_account.as_ref().map(external_key).transpose()?;
        let contact = email.as_ref().map(Email::contact);
        let contact: Vec<&str> = contact.as_deref().into_iter().collect();
        let new =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = self.builder()?.create(&new, directory.as_str().to_owned(), external.as_ref()).await;
        let (account, credentials) = made.map_err(AccountError::Authority)?;
        self.store.save_account(directory, &credentials)?;
        info!(%directory, account = account.id(), "made an account at the certificate authority");
        Ok(account)
    }

    fn builder(&self) -> Result<AccountBuilder, AccountError> {
        match &self.settings.ca_file {
            Some(path) => Account::builder_with_root(path)
                .map_err(|source| AccountError::Root { path: path.clone(), source }),
            None => Account::builder().map_err(AccountError::SystemRoots),
        }
    }
}

fn external_key(external: &ExternalAccount) -> Result<ExternalAccountKey, AccountError> {
    let ExternalAccount { key_id, key_file } = external;
    let text = fs::read_to_string(key_file)
        .map_err(|source| AccountError::ExternalKey { path: key_file.clone(), source })?;
    let key = BASE64_URL_SAFE_NO_PAD
        .decode(text.trim().trim_end_matches('='))
        .map_err(|_| AccountError::ExternalKeyForm(key_file.clone()))?;
    Ok(ExternalAccountKey::new(key_id.clone(), &key))
}
