//! Moving the policy into another database: what `jmapctl move` does with authorization's data.

use anyhow::Context;
use authorization_store::{MovedTable, Opening, PURPOSE, SqlStore};
use jmap_postgres::{DatabaseOptions, DatabasePlace};

/// One end of a move: a database that nobody else uses meanwhile.
#[derive(Debug)]
pub struct PolicyEnd(pub(crate) SqlStore);

impl PolicyEnd {
    /// Opens the database to be copied.
    ///
    /// # Errors
    /// A sentence: somebody uses it, there is no installation in it, or it cannot be read.
    pub async fn source(place: &DatabasePlace, options: &DatabaseOptions) -> anyhow::Result<Self> {
        open(place, options, Opening::Leave).await
    }

    /// Opens the database to copy an installation into, and marks it as not to be served.
    ///
    /// # Errors
    /// A sentence: somebody uses it, there is an installation in it already, or it cannot be written.
    pub async fn destination(
        place: &DatabasePlace,
        options: &DatabaseOptions,
        installation: &str,
    ) -> anyhow::Result<Self> {
        open(place, options, Opening::Arrive(installation)).await
    }

    /// The installation's id.
    #[must_use]
    pub fn installation(&self) -> &str {
        self.0.installation_id()
    }

    /// Copies everything into this database, then reads both and compares them. Tells which table it is at.
    ///
    /// # Errors
    /// A sentence with the first difference, or about what failed.
    pub async fn copy_from(
        &self,
        source: &Self,
        mut told: impl FnMut(&'static str),
    ) -> anyhow::Result<Vec<MovedTable>> {
        self.0.copy_from(&source.0, &mut told).await?;
        Ok(self.0.compare_with(&source.0, told).await?)
    }

    /// Ends the move: from now on the database can be served.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish(&self) -> anyhow::Result<()> {
        let finished = self.0.arrived().await;
        finished.context("finish the move of authorization's database")
    }

    /// Closes the database.
    pub async fn close(self) {
        self.0.close().await;
    }
}

/// Opens a database for some purpose.
pub(crate) async fn open(
    place: &DatabasePlace,
    options: &DatabaseOptions,
    opening: Opening<'_>,
) -> anyhow::Result<PolicyEnd> {
    let store = match place {
        DatabasePlace::File(file) => SqlStore::open_for(file, opening).await?,
        DatabasePlace::Server(url) => {
            let connector = options.connector(url, PURPOSE)?;
            SqlStore::connect_for(&connector, opening).await?
        }
    };
    Ok(PolicyEnd(store))
}
