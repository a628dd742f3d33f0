//! The same rules in Cerbos, a policy server of its own, asked over gRPC. It keeps no world: the caller sends the grants
//! of the layer and of its project along with each question.

use std::{
    collections::HashMap,
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail, ensure};
use authorization_core::model::Editing;
use jmap_domain::{GroupId, Permission, PrincipalId};
use prost_types::{ListValue, Value, value::Kind};
use tempfile::TempDir;
use tokio::time::sleep;
use tonic::{
    Request,
    client::Grpc,
    transport::{Channel, Endpoint},
};
use tonic_prost::ProstCodec;

use super::{
    cedar::limit,
    world::{Asked, Granted, Member, Opened, PERMISSIONS, World},
};

/// Where `tests/bench/cerbos.sh` puts it.
const PROGRAM: &str = "target/tools/cerbos-0.55.0/cerbos";
const CHECK: &str = "/cerbos.svc.v1.CerbosService/CheckResources";
/// How long it may take to start.
const PATIENCE: Duration = Duration::from_secs(30);
/// The effect of a yes.
const ALLOW: i32 = 1;

/// A running Cerbos; it ends with the value.
pub(super) struct Cerbos {
    process: Child,
    channel: Channel,
    _folder: TempDir,
}

impl Drop for Cerbos {
    fn drop(&mut self) {
        // One that has ended already needs no end.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Cerbos {
    /// Starts it with one policy, for every layer.
    ///
    /// # Errors
    /// When it is not there, or does not start.
    pub(super) async fn start() -> anyhow::Result<Self> {
        let program = PathBuf::from(PROGRAM);
        ensure!(
            program.exists(),
            "{PROGRAM} is missing: run tests/bench/cerbos.sh"
        );
        let folder = TempDir::new()?;
        fs::write(folder.path().join("layer.yaml"), policy())?;
        let (grpc, http) = (free_port()?, free_port()?);
        let process = Command::new(program)
            .arg("server")
            .args(
                settings(folder.path(), grpc, http)
                    .iter()
                    .map(|set| format!("--set={set}")),
            )
            .env("CERBOS_NO_TELEMETRY", "1")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start Cerbos")?;
        let mut cerbos = Self {
            process,
            channel: Endpoint::from_shared(format!("http://127.0.0.1:{grpc}"))?.connect_lazy(),
            _folder: folder,
        };
        cerbos.until_ready().await?;
        Ok(cerbos)
    }

    async fn until_ready(&mut self) -> anyhow::Result<()> {
        let (world, begin) = (World::of(1000)?, Instant::now());
        let asked = Asked {
            user: world.users.first().context("a user")?.user,
            layer: world.layers.first().context("a layer")?.layer,
            permission: Permission::View,
            own: false,
        };
        let asking = self.asking();
        loop {
            match asking.ask(question(&world, &asked)?).await {
                Ok(_) => return Ok(()),
                Err(error) if begin.elapsed() > PATIENCE => return Err(error),
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
            if let Some(status) = self.process.try_wait()? {
                bail!("Cerbos ended at the start: {status}");
            }
        }
    }

    /// Something that asks.
    pub(super) fn asking(&self) -> Asking {
        Asking(self.channel.clone())
    }

    /// The memory of its process, in mebibytes.
    ///
    /// # Errors
    /// When the system does not tell.
    pub(super) fn mebibytes(&self) -> anyhow::Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        Ok(kibibytes.context("its memory")?.parse::<f64>()? / 1024.0)
    }
}

/// A caller of Cerbos.
#[derive(Clone)]
pub(super) struct Asking(Channel);

impl Asking {
    /// Whether it says yes.
    pub(super) async fn ask(&self, request: CheckResourcesRequest) -> anyhow::Result<bool> {
        let mut client = Grpc::new(self.0.clone());
        client.ready().await?;
        let codec = ProstCodec::<CheckResourcesRequest, CheckResourcesResponse>::default();
        let answer = client
            .unary(Request::new(request), CHECK.parse()?, codec)
            .await?;
        let result = answer.into_inner().results.pop().context("a result")?;
        let effect = result.actions.into_values().next().context("an effect")?;
        Ok(effect == ALLOW)
    }
}

fn settings(policies: &Path, grpc: u16, http: u16) -> [String; 5] {
    [
        "storage.driver=disk".to_owned(),
        format!("storage.disk.directory={}", policies.display()),
        format!("server.grpcListenAddr=127.0.0.1:{grpc}"),
        format!("server.httpListenAddr=127.0.0.1:{http}"),
        "telemetry.disabled=true".to_owned(),
    ]
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The policy for layers, a rule for each permission.
fn policy() -> String {
    let rule = |permission| {
        let expression = expression(permission);
        format!(
            "
    - actions: [{permission:?}]
      effect: EFFECT_ALLOW
      roles: [user]
      condition:
        match:
          expr: {expression}"
        )
    };
    let rules: String = PERMISSIONS.into_iter().map(rule).collect();
    format!(
        "apiVersion: api.cerbos.dev/v1
resourcePolicy:
  resource: layer
  version: default
  rules:{rules}
"
    )
}

/// What a permission needs, in the Common Expression Language.
fn expression(permission: Permission) -> String {
    let any = |list: String| format!("hasIntersection(P.attr.ids, R.attr.{list})");
    let givers = permission.given_by().iter().map(|giver| {
        let (all, own) = (any(format!("{giver:?}")), any(format!("own_{giver:?}")));
        format!("{all} || (R.attr.own && {own})")
    });
    let givers = givers.collect::<Vec<_>>().join(" || ");
    let is_edit = !matches!(permission, Permission::View | Permission::CopyExport);
    let editing = if is_edit { " && R.attr.editing" } else { "" };
    let (open, view) = (any("open".to_owned()), any("View".to_owned()));
    format!("{open} && {view}{editing} && ({givers})")
}

/// A question with all that Cerbos must know for its answer.
///
/// # Errors
/// When the world does not have what is asked about.
pub(super) fn question(world: &World, asked: &Asked) -> anyhow::Result<CheckResourcesRequest> {
    let member = world.member(asked.user).context("a user of the world")?;
    let granted = world.granted(asked.layer).context("a layer of the world")?;
    let opened = world
        .opened(granted.project)
        .context("a project of the world")?;
    Ok(CheckResourcesRequest {
        principal: Some(Principal {
            id: asked.user.get().to_string(),
            roles: vec!["user".to_owned()],
            attr: HashMap::from([("ids".to_owned(), ids(of_member(member)))]),
        }),
        resources: vec![ResourceEntry {
            actions: vec![format!("{:?}", asked.permission)],
            resource: Some(Resource {
                kind: "layer".to_owned(),
                id: asked.layer.get().to_string(),
                attr: attributes(granted, opened, asked.own),
            }),
        }],
    })
}

fn of_member(member: &Member) -> impl Iterator<Item = PrincipalId> {
    let special = [GroupId::EVERYONE, GroupId::AUTHENTICATED];
    let groups = member.groups.iter().copied().chain(special);
    std::iter::once(member.user.into()).chain(groups.map(PrincipalId::from))
}

fn attributes(granted: &Granted, opened: &Opened, own: bool) -> HashMap<String, Value> {
    let mut lists: HashMap<String, Vec<PrincipalId>> = HashMap::new();
    for permission in PERMISSIONS {
        for limited in ["", "own_"] {
            lists.insert(format!("{limited}{permission:?}"), Vec::new());
        }
    }
    for row in &granted.rows {
        for permission in row.grant.permissions.iter() {
            let key = format!("{}{permission:?}", limit(row.grant, permission));
            lists.entry(key).or_default().push(row.principal);
        }
    }
    lists.insert("open".to_owned(), opened.openers.clone());
    let flag = |value| Value {
        kind: Some(Kind::BoolValue(value)),
    };
    let lists = lists.into_iter().map(|(key, list)| (key, ids(list)));
    let editing = granted.editing == Editing::Enabled;
    lists
        .chain([
            ("own".to_owned(), flag(own)),
            ("editing".to_owned(), flag(editing)),
        ])
        .collect()
}

fn ids(principals: impl IntoIterator<Item = PrincipalId>) -> Value {
    let text = |id: PrincipalId| Value {
        kind: Some(Kind::StringValue(id.get().to_string())),
    };
    let values = principals.into_iter().map(text).collect();
    Value {
        kind: Some(Kind::ListValue(ListValue { values })),
    }
}

/// The part of `cerbos.request.v1.CheckResourcesRequest` that is used here.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CheckResourcesRequest {
    #[prost(message, optional, tag = "3")]
    principal: Option<Principal>,
    #[prost(message, repeated, tag = "4")]
    resources: Vec<ResourceEntry>,
}

/// `CheckResourcesRequest.ResourceEntry`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResourceEntry {
    #[prost(string, repeated, tag = "1")]
    actions: Vec<String>,
    #[prost(message, optional, tag = "2")]
    resource: Option<Resource>,
}

/// The part of `cerbos.engine.v1.Principal` that is used here.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Principal {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, repeated, tag = "3")]
    roles: Vec<String>,
    #[prost(map = "string, message", tag = "4")]
    attr: HashMap<String, Value>,
}

/// The part of `cerbos.engine.v1.Resource` that is used here.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Resource {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "3")]
    id: String,
    #[prost(map = "string, message", tag = "4")]
    attr: HashMap<String, Value>,
}

/// The part of `cerbos.response.v1.CheckResourcesResponse` that is used here.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct CheckResourcesResponse {
    #[prost(message, repeated, tag = "2")]
    results: Vec<ResultEntry>,
}

/// `CheckResourcesResponse.ResultEntry`.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ResultEntry {
    #[prost(map = "string, int32", tag = "2")]
    actions: HashMap<String, i32>,
}
