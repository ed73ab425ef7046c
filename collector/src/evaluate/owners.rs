//! Whose services are: what the configuration says, and else what was said over the API.
//!
//! The configuration wins for a service as a whole: two halves of different age would make a whole that nobody wrote.

use alerts::{Error, Ownership, Store, StoredOwnership};
use std::{collections::BTreeMap, sync::Arc};

/// A handle; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Owners {
    configured: Arc<BTreeMap<String, Ownership>>,
    store: Store,
}

/// Facts about a service and where they are from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) ownership: Ownership,
    /// When they came over the API; none where the configuration has them.
    pub(crate) updated_at: Option<i64>,
    /// Something was said over the API, too, and does not count.
    pub(crate) overrides_api: bool,
}

impl Owners {
    pub(super) fn new(configured: BTreeMap<String, Ownership>, store: Store) -> Self {
        Self { configured: Arc::new(configured), store }
    }

    /// Does the configuration say whose this service is?
    pub(crate) fn is_configured(&self, service: &str) -> bool {
        self.configured.contains_key(service)
    }

    pub(crate) async fn of(&self, service: &str) -> Result<Option<Owned>, Error> {
        let stored = self.store.ownership(service).await?;
        Ok(match self.configured.get(service) {
            Some(ownership) => Some(Owned::configured(ownership, stored.is_some())),
            None => stored.map(Owned::over_api),
        })
    }

    /// Of all services of which something is said.
    pub(crate) async fn all(&self) -> Result<BTreeMap<String, Owned>, Error> {
        let stored = self.store.ownerships().await?;
        let mut all: BTreeMap<_, _> =
            stored.into_iter().map(|stored| (stored.service.clone(), Owned::over_api(stored))).collect();
        for (service, ownership) in &*self.configured {
            let configured = Owned::configured(ownership, all.contains_key(service));
            all.insert(service.clone(), configured);
        }
        Ok(all)
    }

    /// What is said over the API from now on; false where that is kept of too many services.
    pub(crate) async fn put(&self, service: &str, ownership: Ownership, now: i64) -> Result<bool, Error> {
        let service = service.to_owned();
        self.store.put_ownership(StoredOwnership { service, ownership, updated_at: now }).await
    }

    /// Forgets what was said over the API; false where nothing was.
    pub(crate) async fn forget(&self, service: &str) -> Result<bool, Error> {
        self.store.delete_ownership(service).await
    }
}

impl Owned {
    fn configured(ownership: &Ownership, overrides_api: bool) -> Self {
        Self { ownership: ownership.clone(), updated_at: None, overrides_api }
    }

    fn over_api(stored: StoredOwnership) -> Self {
        let StoredOwnership { ownership, updated_at, .. } = stored;
        Self { ownership, updated_at: Some(updated_at), overrides_api: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alerts::OwnershipSpec;

    fn owned_by(owner: &str) -> Ownership {
        let owner = Some(owner.to_owned());
        Ownership::new(OwnershipSpec { owner, ..OwnershipSpec::default() }).unwrap()
    }

    /// Scenario: facts of two services come over the API; then one of them is configured.
    /// Guarantees: its configuration counts and says that it overrides; the other's stay, with their time.
    #[tokio::test]
    async fn the_configuration_wins() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("state.sqlite")).unwrap();
        let before = Owners::new(BTreeMap::new(), store.clone());
        for service in ["cart", "shop"] {
            assert!(before.put(service, owned_by("web"), 7).await.unwrap());
        }
        let configured = BTreeMap::from([("cart".to_owned(), owned_by("payments"))]);
        let owners = Owners::new(configured, store);
        let cart = Owned { ownership: owned_by("payments"), updated_at: None, overrides_api: true };
        let shop = Owned { ownership: owned_by("web"), updated_at: Some(7), overrides_api: false };
        assert_eq!(owners.of("cart").await.unwrap().as_ref(), Some(&cart));
        assert_eq!(owners.of("none").await.unwrap(), None);
        assert!(owners.is_configured("cart") && !owners.is_configured("shop"));
        let all = BTreeMap::from([("cart".to_owned(), cart), ("shop".to_owned(), shop)]);
        assert_eq!(owners.all().await.unwrap(), all);
        assert!(owners.forget("cart").await.unwrap());
        assert!(!owners.of("cart").await.unwrap().is_some_and(|owned| owned.overrides_api));
    }
}
