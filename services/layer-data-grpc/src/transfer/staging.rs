//! Uploaded files that wait to be run: on disk, bounded in size and number, gone when given up, run or forgotten.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use jmap_domain::{LayerId, UserId};
use jmap_proto::layerdata::{Import, ImportOptions as WireOptions};
use jmap_wire::timestamp;
use tokio::{
    fs::File,
    io::{AsyncSeekExt, AsyncWriteExt, SeekFrom},
};
use uuid::Uuid;

use super::options::ImportOptions;

/// What staged files are called, so that nothing else in the folder is ever removed.
const PREFIX: &str = "import-";

/// How much may be staged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagingLimits {
    /// Most bytes of one file.
    pub file_bytes: u64,
    /// Most files at once.
    pub files: usize,
    /// How long a file waits for the next chunk, or to be run.
    pub patience: Duration,
}

impl Default for StagingLimits {
    fn default() -> Self {
        Self {
            file_bytes: 4 << 30,
            files: 64,
            patience: Duration::from_hours(1),
        }
    }
}

/// The staged files of a running service. A restart forgets them.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    limits: StagingLimits,
    imports: Mutex<HashMap<Uuid, Arc<Staged>>>,
}

/// Whose an upload is: a user's, in any of its sessions, or anonymous.
pub(super) type Holder = Option<UserId>;

/// An upload to begin.
pub(super) struct Upload {
    pub(super) holder: Holder,
    pub(super) layer: LayerId,
    pub(super) options: ImportOptions,
    pub(super) as_asked: WireOptions,
    pub(super) request_id: Option<[u8; 16]>,
}

/// A staged file. Dropped with the last one who works with it, and the file with it.
#[derive(Debug)]
pub(super) struct Staged {
    id: Uuid,
    holder: Holder,
    pub(super) layer: LayerId,
    pub(super) options: ImportOptions,
    as_asked: WireOptions,
    request_id: Option<[u8; 16]>,
    path: PathBuf,
    content: tokio::sync::Mutex<Content>,
    expires: Mutex<SystemTime>,
}

#[derive(Debug)]
struct Content {
    file: File,
    bytes: u64,
}

/// Why an upload was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum StagingError {
    #[error("too many imports are waiting to be run")]
    TooMany,
    #[error("the import does not exist")]
    NotFound,
    #[error("begins beyond the {0} bytes that have arrived")]
    Gap(u64),
    #[error("a file has at most {0} bytes")]
    TooLarge(u64),
    #[error("the upload could not be written")]
    Io(#[from] io::Error),
}

impl Staging {
    /// Stages files in a folder, which is made if need be. What an earlier run left there is removed.
    ///
    /// # Errors
    /// When the folder cannot be made or read.
    pub fn open(folder: &Path, limits: StagingLimits) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(PREFIX) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(Self {
            folder: folder.to_owned(),
            limits,
            imports: Mutex::default(),
        })
    }

    /// Begins an upload; the same request id of the same holder finds the one begun before.
    pub(super) async fn begin(&self, upload: Upload) -> Result<Arc<Staged>, StagingError> {
        if let Some(known) = self.retried(&upload) {
            return Ok(known);
        }
        let Upload {
            holder,
            layer,
            options,
            as_asked,
            request_id,
        } = upload;
        let id = Uuid::new_v4();
        let path = self.folder.join(format!("{PREFIX}{id}"));
        let staged = Arc::new(Staged {
            id,
            holder,
            layer,
            options,
            as_asked,
            request_id,
            content: tokio::sync::Mutex::new(Content {
                file: File::create_new(&path).await?,
                bytes: 0,
            }),
            path,
            expires: Mutex::new(SystemTime::now() + self.limits.patience),
        });
        let mut imports = self.imports();
        if imports.len() >= self.limits.files {
            return Err(StagingError::TooMany);
        }
        imports.insert(id, Arc::clone(&staged));
        Ok(staged)
    }

    fn retried(&self, upload: &Upload) -> Option<Arc<Staged>> {
        let wanted = upload.request_id?;
        let imports = self.imports();
        let mut of_holder = imports
            .values()
            .filter(|staged| staged.holder == upload.holder);
        of_holder
            .find(|staged| staged.request_id == Some(wanted))
            .map(Arc::clone)
    }

    /// An upload of this holder's. Another's does not exist.
    pub(super) fn find(&self, id: &str, holder: Holder) -> Result<Arc<Staged>, StagingError> {
        let id = Uuid::parse_str(id).map_err(|_malformed| StagingError::NotFound)?;
        let imports = self.imports();
        let staged = imports.get(&id).filter(|staged| staged.holder == holder);
        staged.map(Arc::clone).ok_or(StagingError::NotFound)
    }

    /// Takes an upload out, to be run or given up: it can be found no more.
    pub(super) fn take(&self, staged: &Staged) -> Result<Arc<Staged>, StagingError> {
        self.imports()
            .remove(&staged.id)
            .ok_or(StagingError::NotFound)
    }

    /// Writes a chunk and answers how many bytes have arrived.
    pub(super) async fn write(
        &self,
        staged: &Staged,
        offset: u64,
        data: &[u8],
    ) -> Result<u64, StagingError> {
        let mut content = staged.content.lock().await;
        if offset > content.bytes {
            return Err(StagingError::Gap(content.bytes));
        }
        let end = offset.saturating_add(data.len() as u64);
        if end > self.limits.file_bytes {
            return Err(StagingError::TooLarge(self.limits.file_bytes));
        }
        content.file.seek(SeekFrom::Start(offset)).await?;
        content.file.write_all(data).await?;
        content.file.flush().await?;
        content.bytes = content.bytes.max(end);
        *lock(&staged.expires) = SystemTime::now() + self.limits.patience;
        Ok(content.bytes)
    }

    /// The uploads, without those that were forgotten.
    fn imports(&self) -> MutexGuard<'_, HashMap<Uuid, Arc<Staged>>> {
        let now = SystemTime::now();
        let mut imports = lock(&self.imports);
        imports.retain(|_, staged| *lock(&staged.expires) > now);
        imports
    }
}

impl Staged {
    /// The upload as its holder sees it.
    pub(super) async fn describe(&self) -> Import {
        let expires = lock(&self.expires).duration_since(UNIX_EPOCH);
        let expires = expires.map_or(0, |since| since.as_millis());
        Import {
            import_id: self.id.to_string(),
            layer_id: self.layer.get(),
            options: Some(self.as_asked.clone()),
            received_bytes: i64::try_from(self.bytes().await).unwrap_or(i64::MAX),
            expire_time: Some(timestamp(i64::try_from(expires).unwrap_or(i64::MAX))),
        }
    }

    /// How many bytes have arrived.
    pub(super) async fn bytes(&self) -> u64 {
        self.content.lock().await.bytes
    }

    /// Where the file is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = fs::remove_file(&self.path);
    }
}

/// The values behind these locks are whole after every statement, so a panic elsewhere does not spoil them.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
