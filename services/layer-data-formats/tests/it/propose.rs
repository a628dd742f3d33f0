//! Layers proposed from files.

use layer_data_core::{
    definition::{GeometryType, ZPolicy},
    value::AttributeType,
};
use layer_data_formats::{Format, Proposal, ReadOptions, propose};

fn of_csv(text: &str) -> Proposal {
    propose(Format::Csv, text.as_bytes(), 100, &ReadOptions::default()).unwrap()
}

fn types(proposal: &Proposal) -> Vec<(&str, AttributeType)> {
    proposal
        .draft
        .attributes
        .iter()
        .map(|a| (a.name.as_str(), a.kind))
        .collect()
}

#[test]
fn types_are_the_narrowest_that_hold_all_values() {
    // R104.
    let proposal = of_csv(
        "x,y,count,ratio,code,flag,day,instant,mixed,nothing\n\
         1,2,1,1,007,true,2024-02-29,2024-02-29T12:00:00Z,1,\n\
         1,2,-5,2.5,12,FALSE,0001-01-01,2024-02-29T12:00:00+01:00,x,\n\
         1,2,,1e3,,,,,,\n",
    );
    assert_eq!(
        types(&proposal),
        [
            ("count", AttributeType::Integer),
            ("ratio", AttributeType::Double),
            ("code", AttributeType::String),
            ("flag", AttributeType::Boolean),
            ("day", AttributeType::Date),
            ("instant", AttributeType::DateTime),
            ("mixed", AttributeType::String),
            ("nothing", AttributeType::String),
        ]
    );
    assert_eq!(proposal.rows, 3);
}

#[test]
fn only_the_first_rows_are_looked_at() {
    let text = "x,y,a\n1,2,1\n1,2,1\n1,2,x\n";
    let proposal = propose(Format::Csv, text.as_bytes(), 2, &ReadOptions::default()).unwrap();
    assert_eq!(
        (types(&proposal), proposal.rows),
        (vec![("a", AttributeType::Integer)], 2)
    );
}

#[test]
fn names_that_no_attribute_may_have_are_changed_and_reported() {
    // R64.
    let long = "é".repeat(40);
    let proposal = of_csv(&format!(
        "x,y,OID,_hidden,name,Name,{long},{long}2\n1,2,1,1,1,1,1,1\n"
    ));
    let names: Vec<_> = types(&proposal).into_iter().map(|(name, _)| name).collect();
    let cut = "é".repeat(31);
    let cut_2 = format!("{}_2", "é".repeat(30));
    assert_eq!(
        names,
        [
            "OID_2",
            "hidden",
            "name",
            "Name_2",
            cut.as_str(),
            cut_2.as_str()
        ]
    );
    assert_eq!(
        proposal.renamed.get("OID").map(String::as_str),
        Some("OID_2")
    );
    assert_eq!(proposal.renamed.len(), 5);
    assert!(proposal.draft.define().is_ok());
}

#[test]
fn columns_beyond_what_a_layer_may_have_are_left_out_and_reported() {
    // R64.
    let columns: Vec<_> = (0..260).map(|n| format!("c{n}")).collect();
    let proposal = of_csv(&format!(
        "x,y,{}\n1,2{}\n",
        columns.join(","),
        ",1".repeat(260)
    ));
    assert_eq!(
        (proposal.draft.attributes.len(), proposal.left_out.len()),
        (250, 10)
    );
    assert!(proposal.draft.define().is_ok());
}

#[test]
fn geometry_and_heights_are_what_the_rows_have_in_common() {
    // R66.
    let of = |shapes: &[&str]| {
        let rows: Vec<_> = shapes
            .iter()
            .map(|shape| format!("\"{shape}\"\n"))
            .collect();
        let draft = of_csv(&format!("wkt\n{}", rows.concat())).draft;
        (draft.geometry_type, draft.z, draft.epsg)
    };
    assert_eq!(
        of(&["POINT Z (1 2 3)"]),
        (GeometryType::Point, ZPolicy::Mandatory, 4326)
    );
    assert_eq!(
        of(&["POINT (1 2)", "POINT Z (1 2 3)"]),
        (GeometryType::Point, ZPolicy::Forbidden, 4326)
    );
    assert_eq!(
        of(&["MULTIPOINT ((1 2))", "POINT (1 2)"]).0,
        GeometryType::MultiPoint
    );
    assert_eq!(
        of(&["LINESTRING (1 2,3 4)", "POINT (1 2)"]).0,
        GeometryType::Any
    );
    assert_eq!(of(&["no geometry"]).0, GeometryType::Any);
}

#[test]
fn nested_values_are_left_out_and_reported() {
    let text = r#"{"type":"FeatureCollection","crs":{"properties":{"name":"EPSG:2056"}},"features":[
        {"type":"Feature","geometry":null,"properties":{"a":[1],"b":1.5,"c":1,"d":"2024-02-29"}},
        {"type":"Feature","geometry":null,"properties":{"a":null,"b":1,"c":true,"d":null}}]}"#;
    let proposal = propose(
        Format::GeoJson,
        text.as_bytes(),
        100,
        &ReadOptions::default(),
    )
    .unwrap();
    let expected = [
        ("b", AttributeType::Double),
        ("c", AttributeType::String),
        ("d", AttributeType::Date),
    ];
    assert_eq!(types(&proposal), expected);
    assert_eq!(
        (proposal.left_out.as_slice(), proposal.draft.epsg),
        (["a".to_owned()].as_slice(), 2056)
    );
}
