//! The `migrate` command, and what the command line shows of a database's URL.

use assert_cmd::Command;
use fresh_database::FreshDatabase;
use tokio::task::spawn_blocking;

fn executable() -> Command {
    Command::new(env!("CARGO_BIN_EXE_layer-data-server"))
}

/// What the command writes to standard error, and whether it succeeded.
async fn migrate(arguments: &[&str]) -> (bool, String) {
    let mut command = executable();
    command.arg("migrate").args(arguments);
    let output = spawn_blocking(move || command.output()).await;
    let output = output.unwrap().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    (output.status.success(), text)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_command_prepares_a_database_as_often_as_it_is_run() {
    let Some(mut database) = FreshDatabase::create("prepared").await else {
        return;
    };
    let (url, role) = (database.url(), database.create_role().await);
    let arguments = [
        "--storage",
        &url,
        "--grant-to",
        &role,
        "--read-only-role",
        &role,
    ];
    for _ in 0..2 {
        let (done, text) = migrate(&arguments).await;
        assert!(done, "{text}");
    }
    let (done, text) = migrate(&["--storage", &url, "--grant-to", "nobody at all"]).await;
    assert!(!done && text.contains("no role `nobody at all`"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_command_refuses_with_a_sentence_and_without_the_password() {
    for (url, sentence) in [
        ("layers.gpkg", "only a PostgreSQL database is migrated"),
        ("postgres://u:hush@db.example/d", "is not on this machine"),
        ("postgres://u:hush@127.0.0.1:1/d", "cannot be used"),
    ] {
        let (done, text) = migrate(&["--storage", url]).await;
        assert!(!done && text.contains(sentence), "{url}: {text}");
        assert!(!text.contains("hush"), "{text}");
    }
}

#[test]
fn help_does_not_show_the_password_in_the_environment() {
    for arguments in [&["--help"][..], &["migrate", "--help"]] {
        let output = executable()
            .env("JMAP_STORAGE", "postgres://u:hush@localhost/d")
            .args(arguments)
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains("JMAP_STORAGE") && !text.contains("hush"));
    }
}
