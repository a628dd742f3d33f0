//! Values that do not fit their attribute, and values that do (R104, R105, R115).

use jmap_proto::types::value::Kind;
use testkit::wire;

use super::{ATTRIBUTE, FIELD, Ground, discreet, field_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_outside_their_definition_are_refused_by_name() {
    // R104, R105, R115.
    let ground = Ground::lay().await;
    let null = || Kind::Null(jmap_proto::types::NullValue {});
    let text = |text: &str| Kind::String(text.to_owned());
    let bad = [
        ("nothing", text("x")),
        ("name", Kind::Integer(1)),
        ("name", null()),
        ("name", text("")),
        ("name", text("longer")),
        ("name", text("nu\0l")),
        ("count", text("1")),
        ("count", Kind::Double(1.0)),
        ("count", Kind::Integer(-1)),
        ("count", Kind::Integer(11)),
        ("kind", text("c")),
        ("fixed", Kind::Integer(7)),
        ("ratio", Kind::Double(f64::NAN)),
        ("ratio", Kind::Double(f64::INFINITY)),
        ("ratio", Kind::Integer(1)),
        ("open", Kind::Integer(1)),
        ("day", Kind::Date(i32::MAX)),
        ("day", Kind::DateTime(0)),
        ("moment", Kind::DateTime(i64::MAX)),
        ("blob", text("x")),
    ];
    for (name, kind) in bad {
        let at = "element.values[0]";
        let element = wire::new_element("POINT(1 2)", vec![wire::set(name, kind.clone())]);
        let result = ground.editor.create(ground.points, element, "").await;
        let status = result.expect_err(&format!("`{name}` = {kind:?} was accepted"));
        let outcome = wire::outcome_of(&status).to_string();
        // What no attribute could hold is refused by its path, before the layer is looked at.
        let named = status.message().contains(&format!("`{name}`"));
        assert!(
            outcome == FIELD || (outcome == ATTRIBUTE && named),
            "{outcome}: {}",
            status.message()
        );
        let path = field_of(&status);
        assert!(path.starts_with(at), "`{path}` for `{name}`");
        discreet(&status);
    }
    assert_eq!(ground.editor.count(ground.points).await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn good_values_of_every_type_come_back_as_they_were() {
    // R104, R105, R115: defaults fill what is not mentioned, read-only ones as well.
    let ground = Ground::lay().await;
    let given = [
        ("name", Kind::String("é\u{1F332}".to_owned())),
        ("count", Kind::Integer(10)),
        ("kind", Kind::String("b".to_owned())),
        ("ratio", Kind::Double(0.1 + 0.2)),
        ("open", Kind::Boolean(false)),
        ("day", Kind::Date(-719_162)),
        ("moment", Kind::DateTime(253_402_300_799_999)),
        ("blob", Kind::Binary(vec![0, 255, 0].into())),
    ];
    let values = given
        .iter()
        .map(|(name, kind)| wire::set(name, kind.clone()))
        .collect();
    let made = ground
        .editor
        .add_with(ground.points, "POINT(-180 90)", values)
        .await
        .unwrap();
    let seen = ground
        .editor
        .get(ground.points, made.element_id)
        .await
        .unwrap()
        .unwrap();
    let kinds: Vec<_> = seen
        .values
        .into_iter()
        .map(|value| value.kind.unwrap())
        .collect();
    let mut wanted: Vec<_> = given.into_iter().map(|(_, kind)| kind).collect();
    wanted.insert(3, Kind::Integer(7));
    assert_eq!(kinds, wanted);
    let bare = ground
        .editor
        .add(ground.points, "POINT(0 0)")
        .await
        .unwrap();
    let seen = ground
        .editor
        .get(ground.points, bare.element_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen.values[0].kind, Some(Kind::String("x".to_owned())));
    assert_eq!(
        seen.values[1].kind,
        Some(Kind::Null(jmap_proto::types::NullValue {}))
    );
}
