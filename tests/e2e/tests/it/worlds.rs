//! Every world on every floor.

use testkit::{Executables, InMemory, Pair, RulesFloor, ServedFloor, run, world::World};

macro_rules! worlds {
    ($($test:ident: $file:literal,)+) => {
        /// The rules alone, in memory.
        mod on_the_rules {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::on_the_rules_floor($file).await;
            })+
        }

        /// Both services over memory, without sockets.
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::on_services_in_memory($file).await;
            })+
        }

        /// Both services in one process, behind real sockets.
        mod on_the_pair {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::on_a_pair($file).await;
            })+
        }

        /// The real executables.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn on_the_executables() {
            $(on_executables($file).await;)+
        }

        #[test]
        fn every_world_is_run() {
            assert_eq!(World::names(), [$($file),+]);
        }
    };
}

worlds! {
    administration: "administration",
    copy_and_export: "copy-and-export",
    editing_switch: "editing-switch",
    explanations: "explanations",
    global_permissions: "global-permissions",
    groups: "groups",
    invisible_is_absent: "invisible-is-absent",
    lookups: "lookups",
    one_by_one: "one-by-one",
    only_own: "only-own",
    opening_projects: "opening-projects",
    server_accounts: "server-accounts",
    special_principals: "special-principals",
    union_of_grants: "union-of-grants",
    view: "view",
}

async fn on_the_rules_floor(name: &str) {
    let world = World::named(name);
    run(&world, &mut RulesFloor::of(&world)).await;
}

async fn on_services_in_memory(name: &str) {
    let (world, services) = (World::named(name), InMemory::start().await);
    run(&world, &mut ServedFloor::of(services.house(), &world).await).await;
}

async fn on_a_pair(name: &str) {
    let (world, pair) = (World::named(name), Pair::start().await);
    run(&world, &mut ServedFloor::of(pair.house(), &world).await).await;
}

/// Fails on a warning or an error in a log as well: nothing in a world is out of the ordinary.
async fn on_executables(name: &str) {
    let (world, mut executables) = (World::named(name), Executables::start().await);
    let mut floor = ServedFloor::of(executables.house(), &world).await;
    run(&world, &mut floor).await;
    for process in [&mut executables.layer_data, &mut executables.authorization] {
        assert!(process.terminate(), "world `{name}`: {process:?}");
        assert_eq!(process.complaints(), Vec::<String>::new(), "world `{name}`");
    }
}
