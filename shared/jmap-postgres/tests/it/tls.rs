//! TLS, against a cluster of the test's own with a certificate of the test's own.

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::{PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use jmap_postgres::{Connector, DatabaseOptions, DatabaseUrl, Purpose};
use sqlx::query_scalar;
use tempfile::TempDir;

const PURPOSE: Purpose = Purpose {
    application: "jmap-test",
    search_path: "public",
};

/// A PostgreSQL cluster that takes nothing but TLS, stopped and removed when dropped.
struct Cluster {
    folder: TempDir,
    programs: PathBuf,
    port: u16,
}

impl Cluster {
    /// `None`, said loudly, where there is no server to start or no `openssl`.
    fn start() -> Option<Self> {
        let Some(programs) = programs().filter(|_| has_openssl()) else {
            let sentence = "SKIPPED: TLS is not tested without PostgreSQL's programs and openssl";
            assert!(std::env::var_os("CI").is_none(), "{sentence}");
            say(sentence);
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .unwrap()
            .port();
        let cluster = Self {
            folder: TempDir::new().unwrap(),
            programs,
            port,
        };
        authority(cluster.path(), "ours");
        authority(cluster.path(), "theirs");
        server_certificate(cluster.path());
        cluster.hand_over();
        cluster.init();
        Some(cluster)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// The server does not run as root; the user `postgres` runs it then, and owns its files.
    fn hand_over(&self) {
        if !is_root() {
            return;
        }
        let id = |flag| {
            let output = succeed(Command::new("id").args([flag, "postgres"]));
            String::from_utf8(output.stdout)
                .unwrap()
                .trim()
                .parse()
                .unwrap()
        };
        let (user, group) = (id("-u"), id("-g"));
        chown(self.path(), Some(user), Some(group)).unwrap();
        for entry in fs::read_dir(self.path()).unwrap() {
            chown(entry.unwrap().path(), Some(user), Some(group)).unwrap();
        }
    }

    fn init(&self) {
        let data = self.path().join("data");
        let password = self.path().join("password");
        fs::write(&password, "hush\n").unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
        succeed(
            self.program("initdb")
                .args(["--auth=scram-sha-256", "--username=jmap", "--pgdata"])
                .arg(&data)
                .arg("--pwfile")
                .arg(&password),
        );
        let only_tls = "hostssl all all all scram-sha-256\n";
        let rules = self.path().join("rules");
        fs::write(&rules, only_tls).unwrap();
        fs::set_permissions(&rules, fs::Permissions::from_mode(0o644)).unwrap();
        let folder = self.path().display();
        let settings = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c ssl=on \
             -c ssl_cert_file={folder}/server.crt -c ssl_key_file={folder}/server.key -c hba_file={folder}/rules",
            self.port
        );
        succeed(
            self.program("pg_ctl")
                .args(["start", "--wait", "--log"])
                .arg(data.with_file_name("log"))
                .arg("--pgdata")
                .arg(&data)
                .arg("-o")
                .arg(settings),
        );
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    }

    fn connector(&self, host: &str, authority: &str) -> Connector {
        let url = format!(
            "postgres://jmap:hush@{host}:{}/postgres?sslmode=verify-full&sslrootcert={}/{authority}.crt",
            self.port,
            self.path().display()
        );
        DatabaseOptions::default()
            .connector(&DatabaseUrl::new(&url), PURPOSE)
            .unwrap()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.path().join("data");
        let stop = self
            .program("pg_ctl")
            .args(["stop", "--mode=immediate", "--pgdata"])
            .arg(data)
            .output();
        if !stop.is_ok_and(|output| output.status.success()) {
            say(&format!(
                "could not stop the cluster in {}",
                self.path().display()
            ));
        }
    }
}

#[expect(clippy::print_stderr, reason = "for the person who runs the tests")]
fn say(sentence: &str) {
    eprintln!("{sentence}");
}

fn programs() -> Option<PathBuf> {
    let mut versions: Vec<_> = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .filter_map(Result::ok)
        .map(|version| version.path().join("bin"))
        .filter(|programs| programs.join("initdb").exists())
        .collect();
    versions.sort();
    versions.pop()
}

fn has_openssl() -> bool {
    Command::new("openssl").arg("version").output().is_ok()
}

fn is_root() -> bool {
    succeed(Command::new("id").arg("-u")).stdout == b"0\n"
}

fn succeed(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {output:?}");
    output
}

fn openssl(folder: &Path, arguments: &str) {
    let arguments = arguments.split(' ');
    succeed(Command::new("openssl").args(arguments).current_dir(folder));
}

/// A certificate authority of its own.
fn authority(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={name} -keyout {name}.key -out {name}.crt \
             -addext basicConstraints=critical,CA:TRUE"
        ),
    );
}

/// The server is called `localhost`, and nothing else.
fn server_certificate(folder: &Path) {
    fs::write(folder.join("names"), "subjectAltName=DNS:localhost").unwrap();
    openssl(
        folder,
        "req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr",
    );
    openssl(
        folder,
        "x509 -req -days 2 -in server.csr -CA ours.crt -CAkey ours.key -CAcreateserial -extfile names -out server.crt",
    );
    let key = folder.join("server.key");
    fs::set_permissions(key, fs::Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn only_the_named_server_of_the_right_authority_is_talked_to() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let mut connection = cluster
        .connector("localhost", "ours")
        .connect()
        .await
        .unwrap();
    let is_encrypted: bool =
        query_scalar("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
            .fetch_one(&mut connection)
            .await
            .unwrap();
    assert!(is_encrypted);

    for (host, authority) in [("localhost", "theirs"), ("127.0.0.1", "ours")] {
        let refused = cluster.connector(host, authority).connect().await;
        let error = refused.unwrap_err();
        assert!(error.to_string().contains("peer certificate"), "{error:?}");
        assert!(!format!("{error:?} {error}").contains("hush"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_password_in_a_file_overrules_the_urls() {
    let Some(cluster) = Cluster::start() else {
        return;
    };
    let url = format!(
        "postgres://jmap:wrong@localhost:{}/postgres?sslmode=verify-full&sslrootcert={}/ours.crt",
        cluster.port,
        cluster.path().display()
    );
    let wrong = DatabaseOptions::default()
        .connector(&DatabaseUrl::new(&url), PURPOSE)
        .unwrap();
    let refused = wrong.connect().await.unwrap_err();
    assert!(!format!("{refused:?} {refused}").contains("wrong"));

    let file = cluster.path().join("password");
    let right = DatabaseOptions {
        database_password_file: Some(file),
        ..DatabaseOptions::default()
    };
    right
        .connector(&DatabaseUrl::new(&url), PURPOSE)
        .unwrap()
        .connect()
        .await
        .unwrap();
}
