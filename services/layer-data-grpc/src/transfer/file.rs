//! Reading a staged file on a thread of its own: the readers block, the use case does not.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use layer_data_core::{
    definition::LayerDefinition,
    transfer::{IMPORT_BATCH, ImportRow},
};
use layer_data_formats::{FileError, ReadError, Reader, RowError};
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::options::ImportOptions;

/// Batches that wait for the storage.
const WAITING_BATCHES: usize = 2;
/// About how many bytes of rows a batch holds.
const BATCH_BYTES: usize = 4 << 20;

/// Some rows of a file.
#[derive(Debug, Default)]
pub(super) struct Batch {
    /// Those that are elements.
    pub(super) rows: Vec<ImportRow>,
    /// Those that are not.
    pub(super) errors: Vec<RowError>,
    /// Bytes of the file that were read so far.
    pub(super) read_bytes: u64,
    /// The columns so far that the layer has no attribute for.
    pub(super) ignored: Vec<String>,
}

/// Begins to read a file. The channel ends with the file, or with the error that stops the reading.
pub(super) fn read(
    path: PathBuf,
    options: ImportOptions,
    definition: Arc<LayerDefinition>,
) -> Receiver<Result<Batch, FileError>> {
    let (sender, receiver) = mpsc::channel(WAITING_BATCHES);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = read_all(path, &options, definition, &sender) {
            // Should nobody listen any more, nobody needs to know.
            let _ = sender.blocking_send(Err(error));
        }
    });
    receiver
}

fn read_all(
    path: PathBuf,
    options: &ImportOptions,
    definition: Arc<LayerDefinition>,
    sender: &Sender<Result<Batch, FileError>>,
) -> Result<(), FileError> {
    let read_bytes = Arc::new(AtomicU64::new(0));
    let file = Counted {
        file: BufReader::new(File::open(path).map_err(FileError::Io)?),
        bytes: Arc::clone(&read_bytes),
    };
    let mut reader = Reader::open(options.format, file, definition, options.reading())?;
    loop {
        let (mut batch, ended) = next_batch(&mut reader)?;
        batch.read_bytes = read_bytes.load(Ordering::Relaxed);
        batch.ignored = reader.ignored().to_vec();
        if sender.blocking_send(Ok(batch)).is_err() || ended {
            return Ok(());
        }
    }
}

/// The next rows, and whether the file ends with them.
fn next_batch<F: Read>(reader: &mut Reader<F>) -> Result<(Batch, bool), FileError> {
    let (mut batch, mut bytes) = (Batch::default(), 0);
    while batch.rows.len() + batch.errors.len() < IMPORT_BATCH && bytes < BATCH_BYTES {
        match reader.next() {
            None => return Ok((batch, true)),
            Some(Ok(row)) => {
                bytes += row.element.geometry.len();
                bytes += row
                    .element
                    .values
                    .iter()
                    .map(|(_, value)| value.size())
                    .sum::<usize>();
                batch.rows.push(ImportRow {
                    row: row.number,
                    element: row.element,
                });
            }
            Some(Err(ReadError::Row(error))) => batch.errors.push(error),
            Some(Err(ReadError::File(error))) => return Err(error),
        }
    }
    Ok((batch, false))
}

/// Counts what is read of a file.
struct Counted<F> {
    file: F,
    bytes: Arc<AtomicU64>,
}

impl<F: Read> Read for Counted<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.bytes.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
