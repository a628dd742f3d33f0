//! What becomes of polygons that are not valid, changed while there are some.

use super::{
    super::{done, later, make_layer},
    current, redefine_until, redefined,
};
use crate::{
    definition::{Contradictory, DefinitionChange, LayerDefinition},
    edit::{Edit, EditedElement, ExpectedRevision},
    element::{ElementInput, InputError, ValueSource},
    geometry::{GeometryError, InvalidPolygons, SingleToMulti},
    ports::{LayerStore, Redefined},
};

/// A polygon of one ring as little-endian ISO WKB.
fn polygon(corners: &[(f64, f64)]) -> Vec<u8> {
    let mut wkb = vec![1, 3, 0, 0, 0, 1, 0, 0, 0];
    wkb.extend(u32::try_from(corners.len()).unwrap().to_le_bytes());
    for (x, y) in corners {
        wkb.extend(x.to_le_bytes());
        wkb.extend(y.to_le_bytes());
    }
    wkb
}

const BOW_TIE: [(f64, f64); 5] = [(0.0, 0.0), (2.0, 2.0), (2.0, 0.0), (0.0, 2.0), (0.0, 0.0)];
const TRIANGLE: [(f64, f64); 4] = [(0.0, 0.0), (2.0, 0.0), (2.0, 2.0), (0.0, 0.0)];

fn creation(definition: &LayerDefinition, corners: &[(f64, f64)]) -> Result<Edit, InputError> {
    let input = ElementInput {
        geometry: polygon(corners),
        values: Vec::new(),
    };
    let checked = input.check(definition, ValueSource::Client, SingleToMulti::Refuse);
    checked.map(Edit::Create)
}

async fn judged(store: &impl LayerStore, policy: InvalidPolygons) -> LayerDefinition {
    redefined(store, vec![DefinitionChange::Judge(policy)]).await
}

/// Refuses the change to a policy, naming this element alone.
async fn contradicted(store: &impl LayerStore, policy: InvalidPolygons, by: EditedElement) {
    let change = vec![DefinitionChange::Judge(policy)];
    match redefine_until(store, change, later()).await.unwrap() {
        Redefined::Contradicted(found) => {
            assert_eq!(found[0].by, Contradictory::Geometry);
            assert_eq!((found[0].count, &found[0].examples), (1, &vec![by.element]));
        }
        other @ (Redefined::Done(_) | Redefined::Stale(_)) => panic!("taken: {other:?}"),
    }
}

/// R105, R115: polygons are judged by the present policy; none that demands validity is taken on while one that exists is
/// not valid, and it counts no valid ones.
pub async fn a_stricter_policy_looks_at_the_polygons_that_exist(store: &impl LayerStore) {
    make_layer(store).await;
    let strict = current(store).await;
    assert!(matches!(
        creation(&strict, &BOW_TIE),
        Err(InputError::Geometry(GeometryError::Invalid(_)))
    ));
    let loose = judged(store, InvalidPolygons::Accept).await;
    done(store, creation(&loose, &TRIANGLE).unwrap()).await;
    let crossing = done(store, creation(&loose, &BOW_TIE).unwrap()).await;
    contradicted(store, InvalidPolygons::Reject, crossing).await;
    contradicted(store, InvalidPolygons::Repair, crossing).await;
    let delete = Edit::Delete {
        element: crossing.element,
        expected: ExpectedRevision::Any,
    };
    done(store, delete).await;
    let mending = judged(store, InvalidPolygons::Repair).await;
    let mended = creation(&mending, &BOW_TIE).unwrap();
    assert!(mended.is_repaired());
    done(store, mended).await;
    // What was repaired contradicts nothing.
    judged(store, InvalidPolygons::Accept).await;
    judged(store, InvalidPolygons::Reject).await;
}
