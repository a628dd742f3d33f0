//! The world of the benchmarks: a project with one layer of real cities, and somebody who may view it.

use anyhow::Context;
use jmap_proto::{
    authorization::{
        CreateProjectRequest, Project, ProjectGrantChange, UpdateProjectPermissionsRequest,
    },
    layerdata::{
        CreateLayerRequest, ImportElementsRequest, LayerDefinition, NewElement,
        create_layer_request::Placement,
    },
    types::{
        AttributeType, GeometryType, LayerGrant, Permission, Principal, ProjectPermission,
        principal::Principal as Who, value::Kind,
    },
};
use testkit::{Caller, PASSWORD, Pair, wire};

const CITIES: &str = include_str!("../../data/cities.csv");

/// Elements in one message of the import.
const BATCH: usize = 1000;

/// The user `administrator`.
const ADMINISTRATOR: i64 = 1;

/// A project with a layer of real cities.
#[derive(Debug)]
pub(crate) struct Town {
    /// The layer.
    pub(crate) layer: i64,
    /// Who may view it.
    pub(crate) viewer: Caller,
    /// The viewer's token.
    pub(crate) token: String,
    /// Longitudes of the cities, in order.
    pub(crate) longitudes: Vec<f64>,
}

/// Builds the town through the pair's own calls.
///
/// # Errors
/// When the pair refuses something.
pub(crate) async fn build(pair: &Pair) -> anyhow::Result<Town> {
    let administrator = pair.house().as_administrator().await;
    let viewer_id = pair.house().create_user("viewer").await;
    let project = create_project(&administrator, "Town", viewer_id).await?;
    let layer = create_layer(&administrator, project).await?;
    let cities = cities()?;
    import(&administrator, layer, &cities).await?;
    let mut longitudes: Vec<f64> = cities.iter().map(|city| city.longitude).collect();
    longitudes.sort_by(f64::total_cmp);
    let token = pair.house().sign_in("viewer", PASSWORD).await?.access_token;
    let viewer = pair.house().with_token(Some(&token));
    Ok(Town {
        layer,
        viewer,
        token,
        longitudes,
    })
}

/// Makes a project that somebody may open.
pub(crate) async fn create_project(
    administrator: &Caller,
    name: &str,
    viewer: i64,
) -> anyhow::Result<i64> {
    let project = Some(Project {
        name: name.to_owned(),
        ..Project::default()
    });
    let request = CreateProjectRequest {
        project,
        request_id: String::new(),
    };
    let made = administrator
        .projects()
        .create_project(request)
        .await
        .context("create the project")?;
    let project_id = made.into_inner().project.context("a project")?.project_id;
    let change = ProjectGrantChange {
        principal: Some(user(viewer)),
        add: vec![ProjectPermission::Open.into()],
        remove: Vec::new(),
    };
    let request = UpdateProjectPermissionsRequest {
        project_id,
        changes: vec![change],
    };
    administrator
        .projects()
        .update_project_permissions(request)
        .await
        .context("let the viewer in")?;
    Ok(project_id)
}

async fn create_layer(administrator: &Caller, project: i64) -> anyhow::Result<i64> {
    let definition = LayerDefinition {
        geometry_type: GeometryType::Point.into(),
        attributes: vec![
            wire::text_attribute("name"),
            wire::text_attribute("country"),
            wire::attribute("population", AttributeType::Integer),
        ],
        ..LayerDefinition::default()
    };
    let filling = LayerGrant {
        principal: Some(user(ADMINISTRATOR)),
        permissions: vec![Permission::View.into(), Permission::AddElements.into()],
        only_own: false,
    };
    let request = CreateLayerRequest {
        placement: Some(Placement::ProjectId(project)),
        name: "Cities".to_owned(),
        definition: Some(definition),
        editing_enabled: Some(true),
        initial_grants: vec![filling],
        ..CreateLayerRequest::default()
    };
    let made = administrator
        .layers()
        .create_layer(request)
        .await
        .context("create the layer")?;
    Ok(made.into_inner().layer.context("a layer")?.layer_id)
}

async fn import(administrator: &Caller, layer_id: i64, cities: &[City]) -> anyhow::Result<()> {
    let message = move |batch: &[City]| ImportElementsRequest {
        layer_id,
        elements: batch.iter().map(City::element).collect(),
    };
    let messages: Vec<_> = cities.chunks(BATCH).map(message).collect();
    let stream = tokio_stream::iter(messages);
    let answer = administrator
        .transfer()
        .import_elements(stream)
        .await
        .context("import the cities")?;
    let summary = answer.into_inner().summary.context("a summary")?;
    anyhow::ensure!(
        summary.failed_rows == 0,
        "{} cities were not taken",
        summary.failed_rows
    );
    Ok(())
}

/// A row of the file.
#[derive(Debug, serde::Deserialize)]
struct City {
    name: String,
    country: String,
    population: i64,
    longitude: f64,
    latitude: f64,
}

impl City {
    fn element(&self) -> NewElement {
        let at = format!("POINT({} {})", self.longitude, self.latitude);
        let values = vec![
            wire::set_text("name", &self.name),
            wire::set_text("country", &self.country),
            wire::set("population", Kind::Integer(self.population)),
        ];
        wire::new_element(&at, values)
    }
}

fn cities() -> anyhow::Result<Vec<City>> {
    let rows = csv::Reader::from_reader(CITIES.as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>();
    rows.context("read the cities")
}

fn user(id: i64) -> Principal {
    Principal {
        principal: Some(Who::UserId(id)),
    }
}
