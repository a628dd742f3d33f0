//! Opening: the schema, the lease, the reference systems, the layers.

use std::{collections::HashSet, sync::Arc};

use jmap_postgres::{Connector, Lease, Purpose, Schema, Terms};
use layer_data_core::{crs::Crs, ports::Occupant};
use sqlx::{Connection, PgConnection, Row, migrate::Migrator};

use crate::{
    OpenError, PostGis,
    archive::occupant,
    layers::{HISTORY_FROM, LoadError, begin_feed, begin_history, load},
    store::{Catalogue, Shared},
};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Who connects. Types and functions of PostGIS are looked up in the schema `public`.
pub const PURPOSE: Purpose = Purpose {
    application: "jmap layer-data",
    search_path: "jmap_catalogue, public",
};

/// The catalogue; its first migration makes the schemas for the layers' tables as well.
pub static SCHEMA: Schema = Schema {
    name: CATALOGUE,
    migrations: &MIGRATIONS,
    command: "layer-data-server migrate",
};

/// The schema of the catalogue.
pub(crate) const CATALOGUE: &str = "jmap_catalogue";

const TERMS: Terms = Terms {
    // "jmaplaye" as a number.
    lock: 0x6a6d_6170_6c61_7965,
    raise: include_str!("../sql/raise_tenure.sql"),
    read: include_str!("../sql/tenure.sql"),
};

/// How the statements of the pool are planned: once for each connection, without a look at their values. A statement
/// for one element takes longer to plan than to run. What is joined is a list with a layer's elements, by their ids,
/// and the index finds those however small the planner believes the table to be.
const PLANNING: [(&str, &str); 3] = [
    ("plan_cache_mode", "force_generic_plan"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
];

impl PostGis {
    /// Opens a database, bringing its schema up to date where the options say so, and takes it for this process.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open(connector: &Connector) -> Result<Self, OpenError> {
        let store = Self::open_to_move(connector).await?;
        let mut session = store.shared.database.session().await?;
        let occupant = occupant(&mut session).await?;
        session.done();
        if let Occupant::Arriving(_) = occupant {
            store.close().await;
            return Err(OpenError::Unfinished(connector.to_string()));
        }
        Ok(store)
    }

    /// Opens a database like [`Self::open`] to copy from it or into it, also when a move into it is not finished.
    ///
    /// # Errors
    /// [`OpenError`].
    pub async fn open_to_move(connector: &Connector) -> Result<Self, OpenError> {
        SCHEMA.prepare(connector).await?;
        let mut connection = connector.connect().await?;
        know_reference_systems(&mut connection).await?;
        let lease = Lease::take(connector, TERMS).await?;
        // Only now does nobody else change the layers.
        let catalogue = load_all(&mut connection).await?;
        connection.close().await?;
        let shared = Shared::new(
            connector.with_settings(&PLANNING).database(),
            lease,
            catalogue,
        );
        Ok(Self {
            shared: Arc::new(shared),
        })
    }
}

async fn load_all(connection: &mut PgConnection) -> Result<Catalogue, OpenError> {
    let catalogue = Catalogue::default();
    let searchable = sqlx::query_scalar(include_str!("../sql/feed_indexes.sql"));
    let searchable: Vec<i64> = searchable.fetch_all(&mut *connection).await?;
    let searchable: HashSet<i64> = searchable.into_iter().collect();
    let rows = sqlx::query(include_str!("../sql/load_layers.sql"));
    for row in rows.fetch_all(&mut *connection).await? {
        let (layer, counters) = load(&row).map_err(|error| match error {
            LoadError::Database(error) => OpenError::Database(error),
            LoadError::Definition(layer, error) => OpenError::Definition(layer, error),
        })?;
        if row.try_get::<Option<i64>, _>(HISTORY_FROM)?.is_none() {
            begin_history(connection, &layer).await?;
        } else if !searchable.contains(&layer.id.get()) {
            begin_feed(connection, &layer).await?;
        }
        catalogue.put(layer.id, Arc::new(layer), counters.tip());
    }
    Ok(catalogue)
}

/// Tells PostGIS of the reference systems that the server knows and it does not, so that other programs understand the
/// tables. Usually it knows them all.
pub(crate) async fn know_reference_systems(connection: &mut PgConnection) -> Result<(), OpenError> {
    let codes: Vec<i32> = Crs::codes().collect();
    let missing = sqlx::query_scalar(include_str!("../sql/missing_srs.sql")).bind(codes);
    let missing: Vec<i32> = missing.fetch_all(&mut *connection).await?;
    for crs in missing.into_iter().filter_map(Crs::known) {
        let query = sqlx::query(include_str!("../sql/insert_srs.sql")).bind(crs.epsg());
        let inserted = query.bind(crs.wkt()).execute(&mut *connection).await;
        inserted.map_err(|error| OpenError::ReferenceSystem(crs.epsg(), error))?;
    }
    Ok(())
}
