//! The chapter about personal layers: created, shared, listed both ways, published.

use serde_json::Value;

use super::{
    guide::{Guide, holds},
    tour::{ABSENT, NOT_PERMITTED},
};
use crate::error::Failure;

/// Walks through the chapter.
pub(super) async fn walk(guide: &mut Guide) -> Result<(), Failure> {
    creation(guide).await?;
    sharing(guide).await?;
    lists(guide).await?;
    publication(guide).await
}

async fn creation(guide: &mut Guide) -> Result<(), Failure> {
    guide
        .headline("Ben makes a layer of his own, once he may, and copies into it what he may copy");
    let create = [
        "personal",
        "create",
        "harbours",
        "--geometry",
        "point",
        "--attribute",
        "name:string:required",
        "--attribute",
        "population:integer",
    ];
    guide.is_refused("ben", &create, NOT_PERMITTED).await?;
    let permit = [
        "permissions",
        "grant",
        "group:surveyors",
        "create-personal-layers",
    ];
    guide.succeeds("administrator", &permit).await?;
    let created = guide.succeeds("ben", &create).await?;
    guide.note("harbours layer_id", &created)?;
    let copy = [
        "copy",
        "Atlas/cities",
        "@me/harbours",
        "--where",
        "name IN ('Hamburg', 'Rotterdam', 'Marseille')",
    ];
    guide.is_refused("ben", &copy, NOT_PERMITTED).await?;
    let export = ["grants", "grant", "ben", "export", "--on", "Atlas/cities"];
    guide.succeeds("administrator", &export).await?;
    let copied = guide.succeeds("ben", &copy).await?;
    let number = copied.value.get("copied_elements").and_then(Value::as_i64);
    holds(number >= Some(3), "he is the creator of every copy")
}

async fn sharing(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("He shares it with Ana, who edits it; for Cleo it does not exist");
    let harbours = guide.noted("harbours layer_id")?;
    let share = ["grants", "grant", "ana", "view,add", "--on", "@me/harbours"];
    guide.succeeds("ben", &share).await?;
    guide.succeeds("ana", &["personal", "shared"]).await?;
    let add = [
        "edit",
        "create",
        &harbours,
        "--geometry",
        "POINT(8.93 44.41)",
        "--set",
        "name=Genova",
    ];
    guide.succeeds("ana", &add).await?;
    let count = ["query", &harbours, "--count"];
    guide.is_refused("cleo", &count, ABSENT).await?;
    // Who administers layers sees no elements by it.
    guide.is_refused("administrator", &count, ABSENT).await?;
    Ok(())
}

async fn lists(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("An administrator sees who has which layer, by layers and by users");
    let harbours = guide.noted("harbours layer_id")?;
    guide
        .succeeds("administrator", &["personal", "all"])
        .await?;
    let by_layer = ["personal", "access", &harbours];
    let by_layer = guide.succeeds("administrator", &by_layer).await?;
    let by_user = ["personal", "of", "ana"];
    let by_user = guide.succeeds("administrator", &by_user).await?;
    let hers = |list: &Value| {
        let entries = list.as_array().into_iter().flatten();
        let mut hers = entries.filter(|entry| entry.get("user") == Some(&Value::from("ana")));
        hers.next().cloned()
    };
    let agree = hers(&by_layer.value).is_some() && hers(&by_layer.value) == hers(&by_user.value);
    holds(agree, "both lists say the same of Ana and the layer")
}

async fn publication(guide: &mut Guide) -> Result<(), Failure> {
    guide.headline("Published, it is a layer of the project: what it was shared for is over");
    let harbours = guide.noted("harbours layer_id")?;
    let publish = ["personal", "publish", &harbours, "Atlas"];
    guide.succeeds("administrator", &publish).await?;
    let add = [
        "edit",
        "create",
        "Atlas/harbours",
        "--geometry",
        "POINT(30.74 46.49)",
        "--set",
        "name=Odesa",
    ];
    for who in ["ben", "ana"] {
        guide.is_refused(who, &add, NOT_PERMITTED).await?;
    }
    let query = [
        "query",
        "Atlas/harbours",
        "--where",
        "population > 1000000",
        "--attributes",
        "name,population",
    ];
    guide.succeeds("cleo", &query).await?;
    let grant = ["grants", "grant", "cleo", "add", "--on", "Atlas/harbours"];
    guide.is_refused("ben", &grant, NOT_PERMITTED).await?;
    guide.succeeds("administrator", &grant).await?;
    guide.succeeds("cleo", &add).await?;
    guide
        .succeeds("cleo", &["check", "permissions", "Atlas"])
        .await?;
    Ok(())
}
