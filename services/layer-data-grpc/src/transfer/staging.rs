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
    /// Most of them of one user; anonymous callers count as one together.
    pub files_each: usize,
    /// How long a file waits for the next chunk, or to be run.
    pub patience: Duration,
}

impl Default for StagingLimits {
    fn default() -> Self {
        Self {
            file_bytes: 4 << 30,
            files: 64,
            files_each: 8,
            patience: Duration::from_hours(1),
        }
    }
}

/// The staged files of a running service. A restart forgets them.
#[derive(Debug)]
pub struct Staging {
    folder: PathBuf,
    limits: StagingLimits,
    imports: Mutex<Imports>,
}

type Imports = HashMap<Uuid, Arc<Staged>>;

/// Whose an upload is: a user's, in any of its sessions, or anonymous.
pub(super) type Holder = Option<UserId>;

/// An upload to begin.
#[derive(Debug)]
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
    /// Random, so that nobody guesses it: of an anonymous upload, it is all that tells whose it is.
    id: Uuid,
    pub(super) upload: Upload,
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
    #[error("{0} imports of yours are waiting: run or abandon one of them first")]
    TooManyOwn(usize),
    #[error("the request id was used for another import")]
    Reused,
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

    /// Begins an upload; the same request id of the same user finds the one begun before.
    pub(super) async fn begin(&self, upload: Upload) -> Result<Arc<Staged>, StagingError> {
        let known = self.admit(&self.imports(), &upload)?;
        if let Some(known) = known {
            return Ok(known);
        }
        let staged = Arc::new(self.stage(upload).await?);
        let mut imports = self.imports();
        // Others may have come while the file was made.
        if let Some(known) = self.admit(&imports, &staged.upload)? {
            return Ok(known);
        }
        imports.insert(staged.id, Arc::clone(&staged));
        Ok(staged)
    }

    /// The upload that this one repeats, or nothing if there is a place for it.
    fn admit(
        &self,
        imports: &Imports,
        upload: &Upload,
    ) -> Result<Option<Arc<Staged>>, StagingError> {
        let own = || {
            let staged = imports.values();
            staged.filter(|staged| staged.upload.holder == upload.holder)
        };
        // Anonymous callers are many: what one of them chose as an id must not lead to another's upload.
        let retry = upload.holder.and(upload.request_id);
        if let Some(id) = retry
            && let Some(known) = own().find(|staged| staged.upload.request_id == Some(id))
        {
            return if known.upload.asks_for_the_same(upload) {
                Ok(Some(Arc::clone(known)))
            } else {
                Err(StagingError::Reused)
            };
        }
        if own().count() >= self.limits.files_each {
            Err(StagingError::TooManyOwn(self.limits.files_each))
        } else if imports.len() >= self.limits.files {
            Err(StagingError::TooMany)
        } else {
            Ok(None)
        }
    }

    /// Makes the file.
    async fn stage(&self, upload: Upload) -> io::Result<Staged> {
        let id = Uuid::new_v4();
        let path = self.folder.join(format!("{PREFIX}{id}"));
        let file = File::create_new(&path).await?;
        Ok(Staged {
            id,
            upload,
            path,
            content: tokio::sync::Mutex::new(Content { file, bytes: 0 }),
            expires: Mutex::new(SystemTime::now() + self.limits.patience),
        })
    }

    /// An upload of this holder's. Another's does not exist.
    pub(super) fn find(&self, id: &str, holder: Holder) -> Result<Arc<Staged>, StagingError> {
        let id = Uuid::parse_str(id).map_err(|_malformed| StagingError::NotFound)?;
        let imports = self.imports();
        let staged = imports
            .get(&id)
            .filter(|staged| staged.upload.holder == holder);
        staged.map(Arc::clone).ok_or(StagingError::NotFound)
    }

    /// Takes an upload out, to be run or given up: it can be found no more.
    pub(super) fn take(&self, staged: &Staged) -> Result<Arc<Staged>, StagingError> {
        self.imports()
            .remove(&staged.id)
            .ok_or(StagingError::NotFound)
    }

    /// Lets go of what was uploaded for layers that are gone (R25). One that is being run ends by its right, and then its
    /// file goes.
    pub fn forget(&self, layers: &[LayerId]) {
        let layer_is_gone = |staged: &Staged| layers.contains(&staged.upload.layer);
        self.imports().retain(|_, staged| !layer_is_gone(staged));
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
    fn imports(&self) -> MutexGuard<'_, Imports> {
        let now = SystemTime::now();
        let mut imports = lock(&self.imports);
        imports.retain(|_, staged| *lock(&staged.expires) > now);
        imports
    }
}

impl Upload {
    /// Whether another call asks for this very upload.
    fn asks_for_the_same(&self, other: &Self) -> bool {
        (self.layer, &self.as_asked) == (other.layer, &other.as_asked)
    }
}

impl Staged {
    /// The upload as its holder sees it.
    pub(super) async fn describe(&self) -> Import {
        let expires = lock(&self.expires).duration_since(UNIX_EPOCH);
        let expires = expires.map_or(0, |since| since.as_millis());
        Import {
            import_id: self.id.to_string(),
            layer_id: self.upload.layer.get(),
            options: Some(self.upload.as_asked.clone()),
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

#[cfg(test)]
mod tests {
    use jmap_wire::FieldPath;

    use super::*;

    #[tokio::test]
    async fn what_was_uploaded_for_a_deleted_layer_goes_with_it() {
        // R25.
        let folder = tempfile::tempdir().unwrap();
        let staging = Staging::open(folder.path(), StagingLimits::default()).unwrap();
        let [gone, kept] = [1, 2].map(|id| LayerId::new(id).unwrap());
        let mut ids = Vec::new();
        for layer in [gone, kept] {
            let as_asked = WireOptions {
                format: jmap_proto::layerdata::FileFormat::Csv.into(),
                ..WireOptions::default()
            };
            let options = FieldPath::of("options");
            let upload = Upload {
                holder: None,
                layer,
                options: ImportOptions::parse(&options, as_asked.clone()).unwrap(),
                as_asked,
                request_id: None,
            };
            let staged = staging.begin(upload).await.unwrap();
            staging.write(&staged, 0, b"name").await.unwrap();
            ids.push(staged.id.to_string());
        }
        let files = || fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files(), 2);
        staging.forget(&[gone]);
        assert_eq!(files(), 1);
        let found = ids.iter().map(|id| staging.find(id, None).is_ok());
        assert_eq!(found.collect::<Vec<_>>(), [false, true]);
    }
}
