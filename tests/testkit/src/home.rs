//! Where a pair keeps what it keeps: files in a folder, or a PostgreSQL database of its own.

use std::{
    env,
    path::{Path, PathBuf},
};

use fresh_database::FreshDatabase;
use jmap_postgres::DatabasePlace;
use sqlx::{
    Connection, PgConnection, SqliteConnection, query_scalar, sqlite::SqliteConnectOptions,
};
use tempfile::TempDir;

/// Names the engine that the pairs of the tests run on: `embedded` (the default) or `postgres`.
const ENGINE: &str = "JMAP_TEST_ENGINE";
const COUNT_IN_GEOPACKAGE: &str =
    "select count(*) from sqlite_master where name like 'l\\_%' escape '\\'";
const COUNT_IN_POSTGRES: &str = "select count(*) from pg_tables where schemaname like 'jmap\\_layers\\_%' and tablename like 'l\\_%'";

/// The place of one pair's data. What was made for it goes with it.
#[derive(Debug)]
pub struct Home {
    folder: TempDir,
    _database: Option<FreshDatabase>,
    places: Places,
}

/// Where each service keeps its data, as its flag says it: a path, or a URL.
#[derive(Clone, Debug)]
pub struct Places {
    /// `--database` of authorization.
    pub authorization: String,
    /// `--storage` of layer-data.
    pub layers: String,
}

impl Places {
    /// Both services in one database.
    #[must_use]
    pub fn both(url: &str) -> Self {
        Self {
            authorization: url.to_owned(),
            layers: url.to_owned(),
        }
    }
}

impl Home {
    /// A fresh place on the engine that `JMAP_TEST_ENGINE` names.
    ///
    /// # Panics
    /// When the engine is unknown, or is PostgreSQL and `DATABASE_URL` names no server: whoever asks for an engine gets
    /// it.
    pub async fn fresh() -> Self {
        let engine = env::var(ENGINE).unwrap_or_else(|_| "embedded".to_owned());
        match engine.as_str() {
            "embedded" => Self::in_files(),
            "postgres" => Self::in_a_database().await,
            other => panic!("{ENGINE} is `{other}`, not `embedded` or `postgres`"),
        }
    }

    /// Data that is somewhere already, or goes there by a way of the test's own.
    ///
    /// # Panics
    /// When there is no room for a folder.
    #[must_use]
    pub fn at(places: Places) -> Self {
        Self {
            folder: folder(),
            _database: None,
            places,
        }
    }

    fn in_files() -> Self {
        let folder = folder();
        let file = |name| path_text(&folder.path().join(name));
        Self {
            places: Places {
                authorization: file("authorization.sqlite"),
                layers: file("layers.gpkg"),
            },
            folder,
            _database: None,
        }
    }

    async fn in_a_database() -> Self {
        let database = FreshDatabase::create("pair").await;
        let database = database.unwrap_or_else(|| panic!("{ENGINE}=postgres needs a DATABASE_URL"));
        let places = Places::both(&database.url());
        Self {
            _database: Some(database),
            ..Self::at(places)
        }
    }

    /// A folder for what is not data: keys, uploads.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Where the services keep their data.
    #[must_use]
    pub const fn places(&self) -> &Places {
        &self.places
    }

    /// The GeoPackage that holds the layers.
    ///
    /// # Panics
    /// When the layers are in PostgreSQL: a test that asks is for the embedded engine, and has `geopackage` in its name,
    /// by which `tests/run` leaves it out on the other.
    #[must_use]
    pub fn geopackage(&self) -> PathBuf {
        match place(&self.places.layers) {
            DatabasePlace::File(file) => file,
            DatabasePlace::Server(_) => panic!("there is no GeoPackage on PostgreSQL"),
        }
    }

    /// How many tables the engine has for layers.
    ///
    /// # Panics
    /// When the engine cannot be asked.
    pub async fn layer_tables(&self) -> i64 {
        let counted: Result<i64, _> = match place(&self.places.layers) {
            DatabasePlace::File(file) => {
                let options = SqliteConnectOptions::new().filename(file).read_only(true);
                let mut file = SqliteConnection::connect_with(&options)
                    .await
                    .expect("open");
                query_scalar(COUNT_IN_GEOPACKAGE).fetch_one(&mut file).await
            }
            DatabasePlace::Server(_) => {
                let connecting = PgConnection::connect(&self.places.layers);
                let mut server = connecting.await.expect("connect");
                query_scalar(COUNT_IN_POSTGRES).fetch_one(&mut server).await
            }
        };
        counted.expect("count the tables")
    }
}

/// A place as the services read it.
pub(crate) fn place(text: &str) -> DatabasePlace {
    let Ok(place) = text.parse();
    place
}

fn folder() -> TempDir {
    TempDir::new().expect("make a folder")
}

fn path_text(path: &Path) -> String {
    path.to_str().expect("a path in UTF-8").to_owned()
}
