//! Reading everything back, in one transaction.

use std::collections::BTreeMap;

use authorization_core::{
    change::{HighWaterMarks, PolicyChange, StoredPolicy},
    model::{GrantRow, ProjectGrantRow},
    ports::StoreError,
};
use jmap_domain::{Epoch, LayerId, ProjectId};
use sqlx::FromRow;

use crate::{
    db::{Row, Tx},
    record::{self, LayerRow, MemberRow, ProjectRow, TombstoneRow, Unreadable},
    sql,
    statement::statement,
    store::unavailable,
};

/// The numbers of the installation. Its tenure is not among them: that counts the processes of one database.
#[derive(Debug, PartialEq, Eq, FromRow)]
pub(crate) struct InstallationRow {
    pub(crate) epoch: i64,
    pub(crate) revision: i64,
    pub(crate) principal_mark: i64,
    pub(crate) project_mark: i64,
    pub(crate) layer_mark: i64,
    pub(crate) service_mark: i64,
    pub(crate) session_mark: i64,
    pub(crate) audit_mark: i64,
}

/// The numbers of the installation; `None` where there is none.
pub(crate) async fn installation(tx: &mut Tx) -> sqlx::Result<Option<InstallationRow>> {
    tx.find(statement(sql!("installation/get"))).await
}

#[derive(FromRow)]
struct StoredMember {
    #[sqlx(flatten)]
    member: MemberRow,
    federated: bool,
}

impl TryFrom<StoredMember> for PolicyChange {
    type Error = Unreadable;

    fn try_from(row: StoredMember) -> Result<Self, Unreadable> {
        let (group, user) = row.member.try_into()?;
        Ok(if row.federated {
            Self::FederatedMemberAdded(group, user)
        } else {
            Self::MemberAdded(group, user)
        })
    }
}

#[derive(FromRow)]
struct StoredProject {
    #[sqlx(flatten)]
    project: ProjectRow,
    grants_revision: i64,
}

#[derive(FromRow)]
struct StoredProjectGrant {
    project_id: i64,
    #[sqlx(flatten)]
    grant: record::ProjectGrantRow,
}

#[derive(FromRow)]
struct StoredLayer {
    #[sqlx(flatten)]
    layer: LayerRow,
    grants_revision: i64,
}

#[derive(FromRow)]
struct StoredLayerGrant {
    layer_id: i64,
    #[sqlx(flatten)]
    grant: record::LayerGrantRow,
}

/// Everything that a snapshot is built from.
pub(crate) async fn policy(tx: &mut Tx) -> Result<StoredPolicy, StoreError> {
    let InstallationRow {
        epoch,
        revision,
        principal_mark: principal,
        project_mark: project,
        layer_mark: layer,
        service_mark: service,
        session_mark: last_session,
        audit_mark: _,
    } = installation(tx)
        .await
        .map_err(unavailable)?
        .ok_or(StoreError::Corrupt)?;
    let mut records = principals(tx).await?;
    records.extend(projects(tx).await?);
    records.extend(layers(tx).await?);
    let tombstones = rows::<TombstoneRow, _>(tx, sql!("tombstone/list")).await?;
    records.extend(tombstones.into_iter().map(PolicyChange::TombstonePut));
    Ok(StoredPolicy {
        epoch: Epoch(u32::try_from(epoch).map_err(Unreadable::from)?),
        revision: record::revision(revision)?,
        marks: HighWaterMarks {
            principal,
            project,
            layer,
            service,
        },
        records,
        sessions: rows::<record::SessionRow, _>(tx, sql!("session/list")).await?,
        last_session,
    })
}

async fn principals(tx: &mut Tx) -> Result<Vec<PolicyChange>, StoreError> {
    let users = rows::<record::UserRow, _>(tx, sql!("user/list")).await?;
    let groups = rows::<record::GroupRow, _>(tx, sql!("group/list")).await?;
    let services = rows::<record::ServiceRow, _>(tx, sql!("service/list")).await?;
    let members = rows::<StoredMember, _>(tx, sql!("group/list_members")).await?;
    let globals = rows::<record::GlobalRow, _>(tx, sql!("global/list")).await?;
    let records = users.into_iter().map(PolicyChange::UserPut);
    let records = records.chain(groups.into_iter().map(PolicyChange::GroupPut));
    let records = records.chain(services.into_iter().map(PolicyChange::ServicePut));
    let records = records.chain(members);
    let records = records.chain(
        globals
            .into_iter()
            .map(|(p, set)| PolicyChange::GlobalsSet(p, set)),
    );
    Ok(records.collect())
}

async fn projects(tx: &mut Tx) -> Result<Vec<PolicyChange>, StoreError> {
    let mut tables: BTreeMap<i64, Vec<ProjectGrantRow>> = BTreeMap::new();
    for StoredProjectGrant { project_id, grant } in list(tx, sql!("project/list_grants")).await? {
        tables
            .entry(project_id)
            .or_default()
            .push(grant.try_into()?);
    }
    let mut records = Vec::new();
    for StoredProject {
        project,
        grants_revision,
    } in list(tx, sql!("project/list")).await?
    {
        let grants = PolicyChange::ProjectGrantsSet {
            project: ProjectId::new(project.project_id).map_err(Unreadable::from)?,
            revision: record::revision(grants_revision)?,
            rows: tables.remove(&project.project_id).unwrap_or_default(),
        };
        records.extend([PolicyChange::ProjectPut(project.try_into()?), grants]);
    }
    Ok(records)
}

async fn layers(tx: &mut Tx) -> Result<Vec<PolicyChange>, StoreError> {
    let mut tables: BTreeMap<i64, Vec<GrantRow>> = BTreeMap::new();
    for StoredLayerGrant { layer_id, grant } in list(tx, sql!("layer/list_grants")).await? {
        tables.entry(layer_id).or_default().push(grant.try_into()?);
    }
    let mut records = Vec::new();
    for StoredLayer {
        layer,
        grants_revision,
    } in list(tx, sql!("layer/list")).await?
    {
        let grants = PolicyChange::LayerGrantsSet {
            layer: LayerId::new(layer.layer_id).map_err(Unreadable::from)?,
            revision: record::revision(grants_revision)?,
            rows: tables.remove(&layer.layer_id).unwrap_or_default(),
        };
        records.extend([PolicyChange::LayerPut(layer.try_into()?), grants]);
    }
    Ok(records)
}

async fn list<R: Row>(tx: &mut Tx, sql: &'static str) -> Result<Vec<R>, StoreError> {
    tx.list(statement(sql)).await.map_err(unavailable)
}

/// The records of rows that stand alone.
async fn rows<R, T>(tx: &mut Tx, sql: &'static str) -> Result<Vec<T>, StoreError>
where
    R: Row,
    T: TryFrom<R, Error = Unreadable>,
{
    let rows: Vec<R> = list(tx, sql).await?;
    Ok(rows
        .into_iter()
        .map(T::try_from)
        .collect::<Result<_, _>>()?)
}
