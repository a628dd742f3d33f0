//! Every world on every floor.

use testkit::{Pair, RulesFloor, ServedFloor, run, world::World};

macro_rules! worlds {
    ($($test:ident: $file:literal,)+) => {
        /// The rules alone, in memory.
        mod on_the_rules {
            $(#[tokio::test]
            async fn $test() {
                super::on_the_rules_floor($file).await;
            })+
        }

        /// Both services in one process, behind real sockets.
        mod on_the_pair {
            $(#[tokio::test]
            async fn $test() {
                super::on_a_pair($file).await;
            })+
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

async fn on_a_pair(name: &str) {
    let (world, pair) = (World::named(name), Pair::start().await);
    run(&world, &mut ServedFloor::of(pair.house(), &world).await).await;
}
