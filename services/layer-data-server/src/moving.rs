//! Moving the layers into another storage: what `jmapctl move` does with layer-data's data.

use anyhow::{Context, bail};
use jmap_postgres::{DatabaseOptions, DatabasePlace};
use layer_data_core::{
    moving::{self, Moved, Progress, Standing},
    ports::Archive,
};
use layer_data_geopackage::GeoPackage;
use layer_data_postgis::{PURPOSE, PostGis};

/// One end of a move: a storage that nobody else uses meanwhile.
#[derive(Debug)]
pub struct LayersEnd(Store);

#[derive(Debug)]
enum Store {
    File(Box<GeoPackage>),
    Server(PostGis),
}

impl LayersEnd {
    /// Opens the storage to be copied.
    ///
    /// # Errors
    /// A sentence: somebody uses it, it is not there, or it cannot be read.
    pub async fn source(place: &DatabasePlace, options: &DatabaseOptions) -> anyhow::Result<Self> {
        if let DatabasePlace::File(file) = place
            && !file.exists()
        {
            bail!(
                "there is no storage `{}`; --from names the place that has one",
                file.display()
            );
        }
        Self::open(place, options).await
    }

    /// Opens the storage to copy an installation into.
    ///
    /// # Errors
    /// A sentence: somebody uses it, or it cannot be written.
    pub async fn open(place: &DatabasePlace, options: &DatabaseOptions) -> anyhow::Result<Self> {
        Ok(Self(match place {
            DatabasePlace::File(file) => {
                let store = GeoPackage::open_to_move(file).await;
                let store =
                    store.with_context(|| format!("open the storage {}", file.display()))?;
                Store::File(Box::new(store))
            }
            DatabasePlace::Server(url) => {
                let connector = options.connector(url, PURPOSE)?;
                Store::Server(PostGis::open_to_move(&connector).await?)
            }
        }))
    }

    /// The id of the installation that the storage has.
    ///
    /// # Errors
    /// A sentence: it was never used, or a move into it is not finished.
    pub async fn installation(&self) -> anyhow::Result<String> {
        Ok(match &self.0 {
            Store::File(store) => moving::installation(&**store).await?,
            Store::Server(store) => moving::installation(store).await?,
        })
    }

    /// What the storage is to an installation that is to be copied into it.
    ///
    /// # Errors
    /// A sentence when it is another installation's.
    pub async fn standing(&self, installation: &str) -> anyhow::Result<Standing> {
        Ok(match &self.0 {
            Store::File(store) => moving::standing(&**store, installation).await?,
            Store::Server(store) => moving::standing(store, installation).await?,
        })
    }

    /// Copies into this storage what it lacks, then reads both and compares them; one that was finished before is only
    /// compared. Until the move is finished it is not served. Tells how far it is.
    ///
    /// # Errors
    /// A sentence with the first difference, or about what failed.
    pub async fn copy_from(
        &self,
        source: &Self,
        told: impl FnMut(Progress<'_>),
    ) -> anyhow::Result<Moved> {
        match (&source.0, &self.0) {
            (Store::File(from), Store::File(to)) => copy(&**from, &**to, told).await,
            (Store::File(from), Store::Server(to)) => copy(&**from, to, told).await,
            (Store::Server(from), Store::File(to)) => copy(from, &**to, told).await,
            (Store::Server(from), Store::Server(to)) => copy(from, to, told).await,
        }
    }

    /// Ends the move: from now on the storage can be served.
    ///
    /// # Errors
    /// When it cannot be written.
    pub async fn finish(&self) -> anyhow::Result<()> {
        let finished = match &self.0 {
            Store::File(store) => moving::finish(&**store).await,
            Store::Server(store) => moving::finish(store).await,
        };
        finished.context("finish the move of the layers")
    }

    /// Closes the storage.
    pub async fn close(self) {
        match self.0 {
            Store::File(store) => store.close().await,
            Store::Server(store) => store.close().await,
        }
    }
}

async fn copy(
    from: &impl Archive,
    to: &impl Archive,
    mut told: impl FnMut(Progress<'_>),
) -> anyhow::Result<Moved> {
    let installation = moving::installation(from).await?;
    match moving::standing(to, &installation).await? {
        Standing::Finished => {}
        Standing::Empty | Standing::Unfinished => {
            moving::copy(from, to, &installation, &mut told).await?;
        }
    }
    let compared = moving::compare(from, to, told).await;
    compared.context("compare the layers at both places")
}
