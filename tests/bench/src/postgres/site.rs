//! Where it is measured: the executables on a database of their own, and a way to that database beside them.

use anyhow::{Context, ensure};
use fresh_database::FreshDatabase;
use jmap_proto::{
    authorization::{
        LayerGrantsDelta, LayerPermissionsChange, ProjectGrantChange,
        UpdateLayerPermissionsRequest, UpdateProjectPermissionsRequest,
        layer_permissions_change::Change,
    },
    layerdata::{
        CreateLayerRequest, ImportElementsRequest, NewElement, create_layer_request::Placement,
    },
    types::{LayerGrant, Permission, ProjectPermission},
};
use sqlx::{Connection, PgConnection, query_scalar};
use testkit::{Caller, Executables, Home, Places, wire};

use super::{cpu::Meter, data::Kind};
use crate::town;

/// Connections of layer-data.
pub(crate) const POOL: u32 = 32;
/// Most elements in one message of an import, and about the most bytes.
const MESSAGE: (usize, usize) = (2_000, 2 << 20);
/// Roughly what an element has beside its geometry.
const ATTRIBUTE_BYTES: usize = 64;

/// A running pair on PostgreSQL.
#[derive(Debug)]
pub(crate) struct Site {
    /// Whoever makes layers.
    administrator: Caller,
    /// Whoever reads and edits them: a user with grants.
    pub(crate) worker: Caller,
    worker_id: i64,
    project: i64,
    pair: Executables,
    // Dropped after the pair, which uses it.
    database: FreshDatabase,
}

impl Site {
    /// Starts the pair on an empty database.
    ///
    /// # Errors
    /// When `DATABASE_URL` names no server, or the pair refuses something.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let database = FreshDatabase::create("bench").await;
        let database = database.context("start it by `tests/postgres.sh`, or set DATABASE_URL")?;
        let home = Home::at(Places::both(&database.url()));
        let pool = POOL.to_string();
        let pair = Executables::start_in(home, &["--database-max-connections", &pool]).await;
        let house = pair.house();
        let administrator = house.as_administrator().await;
        let worker_id = house.create_user("worker").await;
        let project = town::create_project(&administrator, "Town", worker_id).await?;
        let worker = house.as_user("worker").await;
        Ok(Self {
            administrator,
            worker,
            worker_id,
            project,
            pair,
            database,
        })
    }

    /// Ends the services, then the database.
    pub(crate) fn stop(self) {
        let Self { pair, database, .. } = self;
        drop(pair);
        drop(database);
    }

    /// The URL of the database.
    pub(crate) fn url(&self) -> String {
        self.database.url()
    }

    /// A way to the database beside the pair.
    ///
    /// # Errors
    /// When the database does not let us in.
    pub(crate) async fn connect(&self) -> anyhow::Result<PgConnection> {
        Ok(PgConnection::connect(&self.url()).await?)
    }

    /// Tells the processor time of the services and of the database.
    ///
    /// # Errors
    /// When the database server is not on this machine.
    pub(crate) async fn meter(&self) -> anyhow::Result<Meter> {
        let mut database = self.connect().await?;
        let backend = query_scalar("select pg_backend_pid()");
        let backend: i32 = backend.fetch_one(&mut database).await?;
        let meter = Meter::new(&self.pair, u32::try_from(backend)?)?;
        database.close().await?;
        Ok(meter)
    }

    /// Makes a layer that the worker may read, edit and copy: who may not copy reads no more than is displayed at once.
    ///
    /// # Errors
    /// When the pair refuses.
    pub(crate) async fn create_layer(&self, name: &str, kind: Kind) -> anyhow::Result<i64> {
        let working = LayerGrant {
            principal: wire::user(self.worker_id),
            permissions: vec![
                Permission::View.into(),
                Permission::AddElements.into(),
                Permission::ModifyElements.into(),
                Permission::ModifyAttributes.into(),
                Permission::CopyExport.into(),
            ],
            only_own: false,
        };
        let request = CreateLayerRequest {
            placement: Some(Placement::ProjectId(self.project)),
            name: name.to_owned(),
            definition: Some(kind.definition()),
            editing_enabled: Some(true),
            initial_grants: vec![working],
            ..CreateLayerRequest::default()
        };
        let made = self.administrator.layers().create_layer(request).await;
        let made = made.with_context(|| format!("create the layer `{name}`"))?;
        Ok(made.into_inner().layer.context("a layer")?.layer_id)
    }

    /// Makes so many users who may view and copy a layer, and signs them in.
    ///
    /// # Errors
    /// When the pair refuses.
    pub(crate) async fn viewers(&self, layer: i64, count: usize) -> anyhow::Result<Vec<Caller>> {
        let house = self.pair.house();
        let (mut viewers, mut may_open, mut may_view) = (Vec::new(), Vec::new(), Vec::new());
        for number in 1..=count {
            let name = format!("viewer {number}");
            let principal = wire::user(house.create_user(&name).await);
            may_open.push(ProjectGrantChange {
                principal,
                add: vec![ProjectPermission::Open.into()],
                remove: Vec::new(),
            });
            may_view.push(LayerGrant {
                principal,
                permissions: vec![Permission::View.into(), Permission::CopyExport.into()],
                only_own: false,
            });
            viewers.push(house.as_user(&name).await);
        }
        let project = UpdateProjectPermissionsRequest {
            project_id: self.project,
            changes: may_open,
        };
        let mut projects = self.administrator.projects();
        projects.update_project_permissions(project).await?;
        let delta = LayerGrantsDelta {
            add: may_view,
            remove: Vec::new(),
        };
        let change = LayerPermissionsChange {
            layer_id: layer,
            grants_revision: 0,
            change: Some(Change::Delta(delta)),
        };
        let layer = UpdateLayerPermissionsRequest {
            changes: vec![change],
        };
        let mut administration = self.administrator.administration();
        administration.update_layer_permissions(layer).await?;
        Ok(viewers)
    }

    /// Sends elements into a layer by one call.
    ///
    /// # Errors
    /// When the pair does not take all of them.
    pub(crate) async fn import(&self, layer: i64, elements: &[NewElement]) -> anyhow::Result<()> {
        let messages = messages(layer, elements);
        let stream = tokio_stream::iter(messages);
        let answer = self.worker.transfer().import_elements(stream).await;
        let answer = answer.context("import")?.into_inner();
        let summary = answer.summary.context("a summary")?;
        ensure!(
            summary.failed_rows == 0,
            "{} elements were not taken, the first because of {:?}",
            summary.failed_rows,
            answer.row_errors.first()
        );
        Ok(())
    }

    /// The table of a layer, with its schema.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) async fn table(
        &self,
        layer: i64,
        database: &mut PgConnection,
    ) -> anyhow::Result<String> {
        let statement =
            "select format('%I.%I', schemaname, tablename) from pg_tables where tablename = $1";
        let query = query_scalar(statement).bind(format!("l_{layer}"));
        Ok(query.fetch_one(database).await?)
    }
}

/// Cuts elements into messages.
fn messages(layer_id: i64, elements: &[NewElement]) -> Vec<ImportElementsRequest> {
    let (most, bytes) = MESSAGE;
    let mut size = 0;
    let mut count = 0;
    let message = elements.chunk_by(move |element, _| {
        size += element.geometry.len() + ATTRIBUTE_BYTES;
        count += 1;
        let has_room = size < bytes && count < most;
        if !has_room {
            (size, count) = (0, 0);
        }
        has_room
    });
    let message = message.map(|elements| ImportElementsRequest {
        layer_id,
        elements: elements.to_vec(),
    });
    message.collect()
}
