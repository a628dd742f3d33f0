//! A full disk.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use fresh_database::Cluster;
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use testkit::{Home, Places, ready::eventually, wire};
use tonic::Code;

use crate::work::{Town, layer};

/// Room for an empty database with PostGIS, and some more.
const SIZE: &str = "size=64m";
/// More than fit in what a page has left.
const MANY: usize = 10_000;
const REQUEST: &str = "b7f4f7a8-0b0e-4dbb-9f4f-0b5f0a1c7d11";

/// A small disk in memory, which only root can make; gone when dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, said loudly, where it cannot be made: the test has to be skipped. With `CI`, root has to be able to.
    fn in_folder_of(cluster: &Cluster) -> Option<Self> {
        let folder = cluster.folder().join("small");
        fs::create_dir(&folder).unwrap();
        let made = cluster.owner().is_some_and(|owner| {
            let options = format!("{SIZE},mode=0700,uid={owner}");
            let mut mount = Command::new("mount");
            mount.args(["-t", "tmpfs", "-o", &options, "tmpfs"]);
            mount
                .arg(&folder)
                .status()
                .is_ok_and(|status| status.success())
        });
        if made {
            return Some(Self(folder));
        }
        let must = cluster.owner().is_some() && std::env::var_os("CI").is_some();
        assert!(!must, "root cannot make a small disk");
        say("SKIPPED: a full disk needs root, who can make a small one");
        None
    }

    /// Leaves no room on it.
    fn fill(&self) {
        let mut ballast = fs::File::create(self.ballast()).unwrap();
        while ballast.write_all(&[0; 4096]).is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[expect(clippy::print_stderr, reason = "for the person who runs the tests")]
fn say(sentence: &str) {
    eprintln!("{sentence}");
}

/// The URL of a database for the layers whose tables are on the small disk.
async fn database_on(disk: &SmallDisk, cluster: &Cluster) -> String {
    let mut session = PgConnection::connect(&cluster.url()).await.unwrap();
    let location = disk.path().display();
    for statement in [
        format!("create tablespace small location '{location}'"),
        "create database layers tablespace small".to_owned(),
    ] {
        raw_sql(AssertSqlSafe(statement))
            .execute(&mut session)
            .await
            .unwrap();
    }
    session.close().await.unwrap();
    cluster.url_of("layers")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_refuses_edits_and_takes_them_when_there_is_room_again() {
    let Some(cluster) = Cluster::start("full").await else {
        return;
    };
    let Some(disk) = SmallDisk::in_folder_of(&cluster) else {
        return;
    };
    let places = Places {
        authorization: cluster.url(),
        layers: database_on(&disk, &cluster).await,
    };
    let town = Town::found(Home::at(places), &[]).await;
    let (trees, project) = (town.layer("trees"), town.floor.project("city"));
    disk.fill();
    let mut added = 0;
    let refused = loop {
        assert!(added < MANY, "the disk does not get full");
        let tree = wire::new_element("POINT(1 2)", Vec::new());
        match town.ana.create(trees, tree, "").await {
            Ok(_) => added += 1,
            Err(status) => break status,
        }
    };
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    let kept = || async { usize::try_from(town.ana.count(trees).await.unwrap()).unwrap() };
    assert_eq!(kept().await, added, "it can still be read");
    let founding = || async {
        let request = layer(project, "park", REQUEST);
        town.administrator.layers().create_layer(request).await
    };
    let refused = founding().await.unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable, "{refused:?}");
    disk.make_room();
    eventually("a layer", || async { founding().await.ok() }).await;
    let tree = || wire::new_element("POINT(1 2)", Vec::new());
    let planting = || async { town.ana.create(trees, tree(), REQUEST).await.ok() };
    eventually("an edit", planting).await;
    assert_eq!(kept().await, added + 1);
}
