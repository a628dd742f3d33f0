//! Other servers as processes of their own, with their configuration in a folder of their own.

use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use anyhow::{Context, bail};
use jmap_proto::types::Box as Bounds;
use serde::Deserialize;
use tempfile::TempDir;
use tokio::{task::spawn_blocking, time::sleep};
use url::Url;

use super::{COUNT, Question};

/// Where `tests/bench/peers.sh` puts programs.
const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/tools/peers/bin");
/// How often to look whether a server is there, and how long between two looks.
const LOOKS: (u32, Duration) = (120, Duration::from_millis(250));

/// Starts a server on a table of a database.
pub(super) type Start = fn(&str, &str) -> anyhow::Result<Server>;

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    process: Child,
    address: String,
    question: Question,
    // Dropped after the process, which uses it.
    _folder: TempDir,
}

/// Any answer with features.
#[derive(Deserialize)]
struct Features {
    features: Vec<serde::de::IgnoredAny>,
}

/// pygeoapi behind gunicorn, with a process for each of two cores.
///
/// # Errors
/// When it is not installed.
pub(super) fn pygeoapi(database: &str, table: &str) -> anyhow::Result<Server> {
    let place = Place::new(database, table)?;
    let configuration = place.write("pygeoapi.yml", include_str!("pygeoapi.yml"))?;
    let description = place.folder.path().join("openapi.yml");
    let mut describe = Command::new(format!("{PROGRAMS}/pygeoapi"));
    describe.args(["openapi", "generate", &configuration, "--output-file"]);
    let described = describe.arg(&description).stdout(Stdio::null()).status();
    let described = described.context("run pygeoapi, which tests/bench/peers.sh installs")?;
    if !described.success() {
        bail!("pygeoapi does not take its configuration");
    }
    let mut command = Command::new(format!("{PROGRAMS}/gunicorn"));
    command
        .args(["--workers=2", "--log-level=error", "pygeoapi.flask_app:APP"])
        .args(["--bind", &format!("127.0.0.1:{}", place.port)])
        .env("PYGEOAPI_CONFIG", configuration)
        .env("PYGEOAPI_OPENAPI", description);
    place.start(command, |bounds| {
        let Bounds {
            min_x,
            min_y,
            max_x,
            max_y,
            epsg: _,
        } = bounds;
        let limit = COUNT + 1;
        format!(
            "collections/points/items?f=json&limit={limit}&bbox={min_x},{min_y},{max_x},{max_y}"
        )
    })
}

/// `MapServer` as `FastCGI` behind lighttpd, with a process for each of two cores.
///
/// # Errors
/// When it is not installed.
pub(super) fn mapserver(database: &str, table: &str) -> anyhow::Result<Server> {
    let place = Place::new(database, table)?;
    place.write("points.map", include_str!("points.map"))?;
    place.write("mapserver.conf", include_str!("mapserver.conf"))?;
    let configuration = place.write("lighttpd.conf", include_str!("lighttpd.conf"))?;
    let mut command = Command::new("lighttpd");
    command.args(["-D", "-f", &configuration]);
    place.start(command, |bounds| {
        let Bounds {
            min_x,
            min_y,
            max_x,
            max_y,
            epsg: _,
        } = bounds;
        let limit = COUNT + 1;
        // In the order of the reference system's axes: latitude first.
        format!(
            "mapserv?SERVICE=WFS&VERSION=2.0.0&REQUEST=GetFeature&TYPENAMES=points&OUTPUTFORMAT=geojson&COUNT={limit}\
             &BBOX={min_y},{min_x},{max_y},{max_x},urn:ogc:def:crs:EPSG::4326"
        )
    })
}

/// Where a server will be.
struct Place {
    folder: TempDir,
    port: u16,
    words: Vec<(&'static str, String)>,
}

impl Place {
    fn new(database: &str, table: &str) -> anyhow::Result<Self> {
        let folder = TempDir::new()?;
        // Let go of at once: whoever takes it meanwhile makes the benchmark fail, not lie.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let url = Url::parse(database)?;
        let (schema, table) = table.split_once('.').context("a schema")?;
        let words = vec![
            // The longer word first: it holds the other.
            ("DATABASE_PORT", url.port().unwrap_or(5432).to_string()),
            ("DATABASE", url.path().trim_start_matches('/').to_owned()),
            ("PORT", port.to_string()),
            ("HOST", url.host_str().context("a host")?.to_owned()),
            ("USER", url.username().to_owned()),
            ("PASSWORD", url.password().unwrap_or_default().to_owned()),
            ("SCHEMA", schema.to_owned()),
            ("TABLE", table.to_owned()),
            ("FOLDER", folder.path().display().to_string()),
        ];
        Ok(Self {
            folder,
            port,
            words,
        })
    }

    /// Fills a file in, and answers its path.
    fn write(&self, name: &str, text: &str) -> anyhow::Result<String> {
        let words = self.words.iter();
        let text = words.fold(text.to_owned(), |text, (word, value)| {
            text.replace(word, value)
        });
        let path = self.folder.path().join(name);
        fs::write(&path, text)?;
        Ok(Path::display(&path).to_string())
    }

    fn start(self, mut command: Command, question: Question) -> anyhow::Result<Server> {
        let process = command.stdin(Stdio::null()).stdout(Stdio::null());
        // A group of its own, with the processes that it starts.
        let process = process.process_group(0).spawn();
        Ok(Server {
            process: process.context("run a peer, which tests/bench/peers.sh installs")?,
            address: format!("http://127.0.0.1:{}", self.port),
            question,
            _folder: self.folder,
        })
    }
}

impl Server {
    /// Until it answers.
    ///
    /// # Errors
    /// When it does not in half a minute.
    pub(super) async fn wait(&self) -> anyhow::Result<()> {
        let anywhere = Bounds::default();
        let (looks, pause) = LOOKS;
        for _ in 0..looks {
            if self.count(&anywhere).await.is_ok() {
                return Ok(());
            }
            sleep(pause).await;
        }
        self.count(&anywhere).await.map(drop)
    }

    /// How many features it finds in a box.
    ///
    /// # Errors
    /// When it does not answer.
    pub(super) async fn count(&self, bounds: &Bounds) -> anyhow::Result<usize> {
        let url = format!("{}/{}", self.address, (self.question)(bounds));
        let ask = move || ureq::get(url).call()?.body_mut().read_json::<Features>();
        Ok(spawn_blocking(ask).await??.features.len())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        // Nothing is to be done when it has ended by itself.
        let _ended = Command::new("kill").args(["-KILL", "--", &group]).status();
        let _reaped = self.process.wait();
    }
}
