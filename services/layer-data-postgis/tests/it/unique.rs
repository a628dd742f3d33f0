//! Unique attributes have an index on the elements, and none on the versions (R105, R114).

use layer_data_core::{
    conformance::structure::redefined,
    conformance::unique::{made, uniqueness},
    definition::DefinitionChange,
};

use crate::fixture::{fresh, scalar};

const INDEXES: &str = "select count(*) from pg_indexes where indexname like '%unique%' and indexdef like 'CREATE UNIQUE INDEX%'";

#[tokio::test(flavor = "multi_thread")]
async fn an_attribute_has_an_index_as_long_as_it_is_unique() {
    let Some(fresh) = fresh("unique").await else {
        return;
    };
    let unique = made(&fresh.store).await;
    let mut other = fresh.other().await;
    let of_elements = format!("{INDEXES} and tablename = 'l_7'");
    assert_eq!(scalar(&mut other, &of_elements).await, 1);
    let attribute = unique.unique().next().unwrap().1.id;
    let steps = [
        (uniqueness(false), 0),
        (uniqueness(true), 1),
        (DefinitionChange::Drop(attribute), 0),
        (DefinitionChange::Restore(attribute), 1),
    ];
    for (change, count) in steps {
        redefined(&fresh.store, vec![change]).await;
        assert_eq!(scalar(&mut other, INDEXES).await, count);
    }
}
