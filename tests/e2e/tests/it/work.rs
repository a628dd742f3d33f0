//! People at work while bad things happen: each repeats what was not answered, under the same request id, until it is;
//! and what must be so afterwards.

mod reshaping;

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use futures::future::join_all;
use jmap_proto::{
    layerdata::{
        CreateLayerRequest, DeleteLayerRequest, Edit, EditMode, FileFormat, LayerDefinition,
        ListLayersRequest, batch_edit_elements_response::Outcome as Became,
        create_layer_request::Placement, edit::Act, edit_result,
    },
    types::GeometryType,
};
use testkit::{Caller, Executables, Home, ServedFloor, ready::eventually, wire, world::World};
use tokio::task::JoinHandle;
use tonic::{Code, Status};

use self::reshaping::reshape;

const TOWN: &str = "
world: a town at work
users: [ana]
projects: [{ project: city, open: [ana] }]
layers:
  - { layer: trees, editing: true }
  - { layer: lamps, editing: true }
  - { layer: pipes, editing: true }
  - { layer: signs, editing: true }
grants:
  - { layer: trees, to: ana, give: [add] }
  - { layer: lamps, to: ana, give: [add] }
  - { layer: pipes, to: ana, give: [add] }
  - { layer: signs, to: ana, give: [add, modify] }
";
/// Elements of a batch.
const BATCH: usize = 20;
/// Rows of an import: some batches of it.
const ROWS: usize = 3_000;
/// So many things are answered between two bad moments, so that each of them comes in the middle of something.
const PROGRESS: usize = 12;

/// Both executables with a world in them.
pub(crate) struct Town {
    pub(crate) executables: Executables,
    pub(crate) floor: ServedFloor,
    pub(crate) ana: Caller,
    pub(crate) administrator: Caller,
}

impl Town {
    pub(crate) async fn found(home: Home, flags: &[&str]) -> Self {
        let executables = Executables::start_in(home, flags).await;
        let floor = ServedFloor::of(executables.house(), &World::parse(TOWN)).await;
        Self {
            executables,
            ana: floor.caller("ana").await,
            administrator: floor.caller("administrator").await,
            floor,
        }
    }

    pub(crate) fn layer(&self, name: &str) -> i64 {
        self.floor.layer(name)
    }

    /// Waits until both services answer, reads and writes alike, without having been touched.
    pub(crate) async fn answers(&self) {
        let signs = self.layer("signs");
        let added = || async { self.ana.add(signs, "POINT(0 0)").await.ok() };
        let sign = eventually("an edit", added).await;
        let found = || async { self.ana.get(signs, sign.element_id).await.ok() };
        assert!(eventually("a read", found).await.is_some());
    }
}

/// Everybody at work.
pub(crate) struct Work {
    shared: Arc<Shared>,
    creating: JoinHandle<Vec<i64>>,
    batching: JoinHandle<Vec<i64>>,
    importing: JoinHandle<(usize, usize)>,
    founding: JoinHandle<Vec<i64>>,
    reshaping: JoinHandle<Option<LayerDefinition>>,
    site: Site,
}

/// Where they work.
struct Site {
    layers: [i64; 4],
    project: i64,
    ana: Caller,
    administrator: Caller,
}

struct Shared {
    is_over: AtomicBool,
    answered: AtomicUsize,
    excuses: &'static [Code],
}

/// What a service may answer whose database has its bad moment.
pub(crate) const OF_THE_DATABASE: &[Code] = &[
    Code::Unavailable,
    Code::ResourceExhausted,
    Code::DeadlineExceeded,
];
/// What a caller may see of a service that was killed.
pub(crate) const OF_THE_SERVICE: &[Code] = &[
    Code::Unavailable,
    Code::ResourceExhausted,
    Code::DeadlineExceeded,
    Code::Cancelled,
    Code::Unknown,
    Code::Internal,
];

impl Work {
    /// Sets everybody to work; whatever is answered beside success and the excuses fails the test.
    pub(crate) fn begin(town: &Town, excuses: &'static [Code]) -> Self {
        let shared = Arc::new(Shared {
            is_over: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
            excuses,
        });
        let layers = ["trees", "lamps", "pipes", "signs"].map(|name| town.layer(name));
        let [trees, lamps, pipes, _signs] = layers;
        let project = town.floor.project("city");
        let (ana, administrator) = (town.ana.clone(), town.administrator.clone());
        let own = || (Arc::clone(&shared), ana.clone());
        Self {
            creating: tokio::spawn(create(own(), trees)),
            batching: tokio::spawn(batch(own(), lamps)),
            importing: tokio::spawn(import(own(), pipes)),
            founding: tokio::spawn(found((Arc::clone(&shared), administrator.clone()), project)),
            reshaping: tokio::spawn(reshape((Arc::clone(&shared), administrator.clone()), trees)),
            shared,
            site: Site {
                layers,
                project,
                ana,
                administrator,
            },
        }
    }

    /// Waits until work goes on.
    pub(crate) async fn goes_on(&self) {
        let before = self.shared.answered.load(Ordering::Relaxed);
        eventually("work that goes on", || async {
            let answered = self.shared.answered.load(Ordering::Relaxed);
            let is_broken = [
                self.creating.is_finished(),
                self.batching.is_finished(),
                self.importing.is_finished(),
                self.founding.is_finished(),
                self.reshaping.is_finished(),
            ];
            (answered >= before + PROGRESS || is_broken.contains(&true)).then_some(())
        })
        .await;
    }

    /// Lets everybody finish, and checks: nothing that was acknowledged is lost, nothing is there twice, nothing is
    /// half-done (R109, R103).
    pub(crate) async fn ends_whole(self) {
        self.shared.is_over.store(true, Ordering::Relaxed);
        let created = self.creating.await.unwrap();
        let batched = self.batching.await.unwrap();
        let (imported, given_up) = self.importing.await.unwrap();
        let founded = self.founding.await.unwrap();
        let reshaped = self.reshaping.await.unwrap();
        let Site { layers, ana, .. } = &self.site;
        let (work, ana) = (&self.shared, &ana);
        let count = async |layer| {
            let counted = || async { work.answer(ana.count(layer).await) };
            usize::try_from(eventually("a count", counted).await).unwrap()
        };
        let is_there = async |layer, element| {
            let found = || async { work.answer(ana.get(layer, element).await) };
            eventually("an element", found).await.is_some()
        };
        let [trees, lamps, pipes, _signs] = *layers;
        for (layer, acknowledged) in [(trees, &created), (lamps, &batched)] {
            let distinct: BTreeSet<_> = acknowledged.iter().collect();
            assert_eq!(distinct.len(), acknowledged.len(), "an id was given twice");
            assert_eq!(count(layer).await, acknowledged.len(), "{layer}");
            let there = join_all(acknowledged.iter().map(|id| is_there(layer, *id))).await;
            assert!(!there.contains(&false), "an acknowledged element was lost");
        }
        reshaping::is(work, ana, (trees, reshaped)).await;
        let kept = count(pipes).await;
        assert!(
            (imported * ROWS..=(imported + given_up) * ROWS).contains(&kept),
            "{kept} kept, {imported} imports done, {given_up} given up"
        );
        self.site.has(work, &founded).await;
    }
}

impl Site {
    /// Exactly the layers that were acknowledged are there, and each takes elements.
    async fn has(&self, work: &Shared, founded: &[i64]) {
        let request = ListLayersRequest {
            project_id: self.project,
            ..ListLayersRequest::default()
        };
        let listed = || async {
            let mut layers = self.administrator.layers();
            work.answer(layers.list_layers(request.clone()).await)
        };
        let listed = eventually("a list", listed).await.into_inner().layers;
        let listed: BTreeSet<i64> = listed.iter().map(|layer| layer.layer_id).collect();
        let expected: BTreeSet<i64> = self.layers.iter().chain(founded).copied().collect();
        assert_eq!(listed, expected);
        for layer in founded {
            let counted = || async { work.answer(self.administrator.count(*layer).await) };
            assert_eq!(eventually("a count", counted).await, 0);
        }
    }
}

impl Shared {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    /// The answer, or nothing where there is an excuse, which is shown when somebody waits in vain.
    #[expect(clippy::print_stderr, reason = "for the person who runs the tests")]
    fn answer<T>(&self, result: Result<T, Status>) -> Option<T> {
        match result {
            Ok(answer) => {
                self.answered.fetch_add(1, Ordering::Relaxed);
                Some(answer)
            }
            Err(status) if self.excuses.contains(&status.code()) => {
                eprintln!("{:?}: {}", status.code(), status.message());
                None
            }
            Err(status) => panic!("{status:?}"),
        }
    }
}

/// A request id that was never used.
fn request_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

async fn create((work, by): (Arc<Shared>, Caller), layer: i64) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    while work.goes_on() {
        let id = request_id();
        let tried = || async {
            let element = wire::new_element("POINT(1 2)", Vec::new());
            work.answer(by.create(layer, element, &id).await)
        };
        acknowledged.push(eventually("a creation", tried).await.element_id);
    }
    acknowledged
}

async fn batch((work, by): (Arc<Shared>, Caller), layer_id: i64) -> Vec<i64> {
    let creation = Edit {
        layer_id,
        act: Some(Act::Create(wire::new_element("POINT(3 4)", Vec::new()))),
    };
    let mut acknowledged = Vec::new();
    while work.goes_on() {
        let id = request_id();
        let tried = || async {
            let edits = vec![creation.clone(); BATCH];
            work.answer(by.batch(edits, EditMode::Atomic, &id).await)
        };
        let Became::Committed(done) = eventually("a batch", tried).await else {
            panic!("a batch was refused");
        };
        let ids = done.results.iter().map(|result| match &result.result {
            Some(edit_result::Result::Edited(edited)) => edited.element_id,
            other => panic!("{other:?}"),
        });
        acknowledged.extend(ids);
    }
    acknowledged
}

/// How many imports were done, and how many ended in the middle.
async fn import((work, by): (Arc<Shared>, Caller), layer: i64) -> (usize, usize) {
    let rows: String = (0..ROWS).map(|_| "5,6\n").collect();
    let file = format!("longitude,latitude\n{rows}");
    let (mut done, begun) = (0, AtomicUsize::new(0));
    while work.goes_on() {
        let id = request_id();
        let tried = || async {
            begun.fetch_add(1, Ordering::Relaxed);
            let file = file.as_bytes();
            work.answer(by.import_under(layer, FileFormat::Csv, file, &id).await)
        };
        let summary = eventually("an import", tried).await;
        assert_eq!((summary.created_elements, summary.failed_rows), (3_000, 0));
        done += 1;
    }
    (done, begun.into_inner() - done)
}

/// Makes layers, and removes every second one again; answers those that stay.
async fn found((work, by): (Arc<Shared>, Caller), project: i64) -> Vec<i64> {
    let mut staying = Vec::new();
    let mut number = 0;
    while work.goes_on() {
        number += 1;
        let (name, id) = (format!("layer {number}"), request_id());
        let made = || async {
            let request = layer(project, &name, &id);
            work.answer(by.layers().create_layer(request).await)
        };
        let made = eventually("a layer", made).await.into_inner();
        let layer_id = made.layer.unwrap().layer_id;
        if number % 2 == 1 {
            staying.push(layer_id);
            continue;
        }
        let removed = || async {
            let request = DeleteLayerRequest {
                layer_id,
                confirm_name: name.clone(),
            };
            match by.layers().delete_layer(request).await {
                // An answer was lost, and it had been removed.
                Err(status) if status.code() == Code::NotFound => Some(()),
                result => work.answer(result).map(drop),
            }
        };
        eventually("the removal of a layer", removed).await;
    }
    staying
}

/// A layer for points that nobody else sees.
pub(crate) fn layer(project: i64, name: &str, request_id: &str) -> CreateLayerRequest {
    let definition = LayerDefinition {
        geometry_type: GeometryType::Point.into(),
        attributes: vec![wire::text_attribute("name")],
        ..LayerDefinition::default()
    };
    CreateLayerRequest {
        placement: Some(Placement::ProjectId(project)),
        name: name.to_owned(),
        definition: Some(definition),
        request_id: request_id.to_owned(),
        ..CreateLayerRequest::default()
    }
}
