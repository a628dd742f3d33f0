//! The steps of the tour. Each is a small story with an expectation; the first that does not hold ends the tour.

use serde_json::json;

use super::{
    guide::{Guide, Refusal, holds},
    own_layers,
    samples::{SAMPLES, Sample},
};
use crate::{error::Failure, output::Report};

const NOT_OWN: Refusal = Refusal {
    code: "PERMISSION_DENIED",
    reason: "NOT_OWN_ELEMENT",
};
pub(super) const NOT_PERMITTED: Refusal = Refusal {
    code: "PERMISSION_DENIED",
    reason: "NOT_PERMITTED",
};
pub(super) const ABSENT: Refusal = Refusal {
    code: "NOT_FOUND",
    reason: "NOT_FOUND",
};
const STALE: Refusal = Refusal {
    code: "ABORTED",
    reason: "STALE_REVISION",
};

/// Walks through all steps.
pub(super) async fn walk(guide: &mut Guide) -> Result<(), Failure> {
    people(guide).await?;
    project(guide).await?;
    for sample in &SAMPLES {
        layer(guide, sample).await?;
    }
    grants(guide).await?;
    ana_adds(guide).await?;
    ben_meets_the_limit(guide).await?;
    ben_edits_his_own(guide).await?;
    stale_edit(guide).await?;
    invisible_layer(guide).await?;
    revoked_right(guide).await?;
    explanation(guide).await?;
    questions_to_the_map(guide).await?;
    own_layers::walk(guide).await
}

async fn people(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("The administrator signs in, and creates accounts and a group");
    guide
        .succeeds("administrator", &["sign-in", "administrator"])
        .await?;
    for name in ["ana", "ben", "cleo"] {
        guide
            .succeeds("administrator", &["users", "create", name])
            .await?;
        guide.succeeds(name, &["sign-in", name]).await?;
    }
    let create = ["groups", "create", "surveyors"];
    guide.succeeds("administrator", &create).await?;
    let add = ["groups", "add", "surveyors", "ana", "ben"];
    guide.succeeds("administrator", &add).await?;
    Ok(())
}

async fn project(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("A project, which everybody who is signed in may open");
    guide
        .succeeds("administrator", &["projects", "create", "Atlas"])
        .await?;
    let grant = ["projects", "grant", "Atlas", "authenticated", "open"];
    guide.succeeds("administrator", &grant).await?;
    Ok(())
}

async fn layer(guide: &mut Guide, sample: &Sample) -> Result<(), Failure> {
    guide.headline(&format!("A layer of {}", sample.shows));
    let path = sample.write(&guide.folder("samples"))?;
    let file = path.display().to_string();
    let name = format!("Atlas/{}", sample.layer);
    let grant = "administrator=add,export";
    let create = [
        "layers",
        "create",
        &name,
        "--from",
        &file,
        "--editing",
        "--grant",
        grant,
    ];
    let create = [&create, sample.options].concat();
    let created = guide.succeeds("administrator", &create).await?;
    if sample.layer == "cities" {
        guide.note("cities layer_id", &created)?;
    }
    guide
        .succeeds("administrator", &["import", &name, &file])
        .await?;
    let count = guide
        .succeeds("administrator", &["query", &name, "--count"])
        .await?;
    let all = count.value.get("count") == Some(&json!(sample.elements));
    holds(
        all,
        &format!("all {} elements are in the layer", sample.elements),
    )
}

async fn grants(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("Ana may edit everything; Ben has the option *edit only own elements*");
    let ana = [
        "grants",
        "grant",
        "ana",
        "add,modify,delete",
        "--on",
        "Atlas/cities",
    ];
    guide.succeeds("administrator", &ana).await?;
    let ben = [
        "grants",
        "grant",
        "ben",
        "add,modify,delete",
        "--only-own",
        "--on",
        "Atlas/cities",
    ];
    guide.succeeds("administrator", &ben).await?;
    guide
        .succeeds("administrator", &["grants", "show", "Atlas/cities"])
        .await?;
    guide
        .succeeds("ben", &["check", "permissions", "Atlas"])
        .await?;
    Ok(())
}

async fn ana_adds(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("Ana adds an element");
    let create = [
        "edit",
        "create",
        "Atlas/cities",
        "--geometry",
        "POINT(2.3376 48.8566)",
        "--set",
        "name=Pont des Arts",
        "--set",
        "population=0",
    ];
    let created = guide.succeeds("ana", &create).await?;
    guide.note("ana's element_id", &created)?;
    guide.note("ana's revision", &created)?;
    Ok(())
}

async fn ben_meets_the_limit(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("Ben may not touch what Ana made, but may look at it");
    let element = guide.noted("ana's element_id")?;
    let revision = guide.noted("ana's revision")?;
    let query = [
        "query",
        "Atlas/cities",
        "--ids",
        &element,
        "--attributes",
        "name,population",
    ];
    guide.succeeds("ben", &query).await?;
    let rename = ["--revision", &revision, "--set", "name=Ben's bridge"];
    let update = [&["edit", "update", "Atlas/cities", &element], &rename[..]].concat();
    guide.is_refused("ben", &update, NOT_OWN).await?;
    let delete = [
        "edit",
        "delete",
        "Atlas/cities",
        &element,
        "--revision",
        &revision,
    ];
    guide.is_refused("ben", &delete, NOT_OWN).await?;
    Ok(())
}

async fn ben_edits_his_own(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("Ben adds an element of his own, and changes it");
    let create = [
        "edit",
        "create",
        "Atlas/cities",
        "--geometry",
        "POINT(13.3777 52.5163)",
        "--set",
        "name=Brandenburger Tor",
    ];
    let created = guide.succeeds("ben", &create).await?;
    guide.note("ben's element_id", &created)?;
    let first = guide.note("ben's revision", &created)?.to_string();
    let element = guide.noted("ben's element_id")?;
    let update = [
        "edit",
        "update",
        "Atlas/cities",
        &element,
        "--revision",
        &first,
        "--set",
        "timezone=Europe/Berlin",
    ];
    let updated = guide.succeeds("ben", &update).await?;
    guide.note("ben's newer revision", &updated)?;
    Ok(())
}

async fn stale_edit(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline(
        "Whoever edits on top of a stale revision is told so, and nothing is overwritten",
    );
    let element = guide.noted("ben's element_id")?;
    let stale = guide.noted("ben's revision")?;
    let update = [
        "edit",
        "update",
        "Atlas/cities",
        &element,
        "--revision",
        &stale,
        "--set",
        "population=1",
    ];
    let refused = guide.is_refused("ana", &update, STALE).await?;
    let current = guide.noted("ben's newer revision")?;
    let told = refused.fact("current_revision") == Some(current.as_str());
    holds(
        told,
        &format!("the refusal names the current revision, {current}"),
    )
}

async fn invisible_layer(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("A layer that Cleo may not view is, for her, no layer at all");
    let create = [
        "layers",
        "create",
        "Atlas/plans",
        "--geometry",
        "polygon",
        "--attribute",
        "title:string:required",
        "--private",
        "--grant",
        "group:surveyors=view",
    ];
    let created = guide.succeeds("administrator", &create).await?;
    let plans = guide.note("plans layer_id", &created)?.to_string();
    guide.succeeds("ana", &["query", &plans, "--count"]).await?;
    let invisible = guide
        .is_refused("cleo", &["query", &plans, "--count"], ABSENT)
        .await?;
    let nothing = "987654321";
    let absent = guide
        .is_refused("cleo", &["query", nothing, "--count"], ABSENT)
        .await?;
    let alike = without(&invisible, &plans) == without(&absent, nothing);
    holds(
        alike,
        "the two refusals differ in nothing but the id that was asked for",
    )
}

/// The refusal without the id that was asked for.
fn without(failure: &Failure, id: &str) -> String {
    format!("{failure:?}").replace(id, "ID")
}

async fn revoked_right(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("A right that is revoked is gone with the next call");
    let element = guide.noted("ben's element_id")?;
    let update = [
        "edit",
        "update",
        "Atlas/cities",
        &element,
        "--revision",
        "any",
        "--set",
        "population=2",
    ];
    guide.succeeds("ben", &update).await?;
    let revoke = ["grants", "revoke", "ben", "modify", "--on", "Atlas/cities"];
    guide.succeeds("administrator", &revoke).await?;
    guide.is_refused("ben", &update, NOT_PERMITTED).await?;
    Ok(())
}

async fn explanation(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("Explain says why");
    let ben = [
        "explain",
        "layer",
        "Atlas/cities",
        "modify",
        "--user",
        "ben",
    ];
    let report = guide.succeeds("administrator", &ben).await?;
    holds(
        denied(&report, "grant"),
        "it is a no, and a grant is what is missing",
    )?;
    let delete = ["explain", "layer", "Atlas/cities", "delete"];
    let report = guide.succeeds("ben", &delete).await?;
    holds(
        says(&report, "decision", "own"),
        "it is a yes for own elements only",
    )
}

fn denied(report: &Report, missing: &str) -> bool {
    let list = report
        .value
        .get("missing")
        .and_then(serde_json::Value::as_array);
    let named = list.is_some_and(|list| list.contains(&json!(missing)));
    says(report, "decision", "denied") && named
}

fn says(report: &Report, field: &str, word: &str) -> bool {
    report.value.get(field) == Some(&json!(word))
}

async fn questions_to_the_map(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("Questions to the map");
    let large = [
        "query",
        "Atlas/cities",
        "--where",
        "population >= 15000000",
        "--attributes",
        "name,country,population",
    ];
    guide.succeeds("cleo", &large).await?;
    let iberia = ["query", "Atlas/cities", "--bbox", "-10,36,4,44", "--count"];
    guide.succeeds("cleo", &iberia).await?;
    let file = guide
        .folder("samples")
        .join("big-rivers.geojson")
        .display()
        .to_string();
    let export = [
        "export",
        "Atlas/rivers",
        &file,
        "--where",
        "length_km >= 1000",
    ];
    guide.is_refused("cleo", &export, NOT_PERMITTED).await?;
    guide.succeeds("administrator", &export).await?;
    Ok(())
}
