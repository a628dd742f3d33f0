//! What callers do most: edits and reads of one layer, each as its one call.

use jmap_proto::{
    authorization::{CheckRequest, Decision, Question},
    layerdata::{
        AttributeValue, BatchEditElementsRequest, CreateElementRequest, CreateImportRequest,
        DeleteElementRequest, Edit, EditMode, EditedElement, Element, ElementChange, ElementHeader,
        ElementMask, ExportElementsRequest, FileFormat, GetElementsRequest, ImportOptions,
        ImportSummary, LayerQuery, NewElement, ReadElementsRequest, RunImportRequest, Selection,
        SummarizeElementsRequest, UpdateElementRequest, UploadChunkRequest,
        batch_edit_elements_response::Outcome, export_elements_response,
        read_elements_response::Part, run_import_response, summarize_elements_response::Count,
    },
    types::{Box, ExpectedRevision},
};
use tonic::Status;

use crate::{Caller, wire};

impl Caller {
    /// Asks about the caller itself.
    ///
    /// # Errors
    /// What authorization answers.
    ///
    /// # Panics
    /// When the answer is empty.
    pub async fn ask(&self, question: Question) -> Result<Decision, Status> {
        let request = CheckRequest {
            subject: Some(wire::oneself()),
            questions: vec![question],
            freshness: None,
        };
        let answer = self.checks().check(request).await?.into_inner();
        Ok(answer.decisions.into_iter().next().expect("a decision"))
    }

    /// Creates an element at a place, without values.
    ///
    /// # Errors
    /// What layer-data answers.
    pub async fn add(&self, layer_id: i64, at: &str) -> Result<EditedElement, Status> {
        self.create(layer_id, wire::new_element(at, Vec::new()), "")
            .await
    }

    /// Creates an element at a place, with values.
    ///
    /// # Errors
    /// What layer-data answers.
    pub async fn add_with(
        &self,
        layer_id: i64,
        at: &str,
        values: Vec<AttributeValue>,
    ) -> Result<EditedElement, Status> {
        self.create(layer_id, wire::new_element(at, values), "")
            .await
    }

    /// Creates an element, under a request id unless it is empty.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When the answer is empty.
    pub async fn create(
        &self,
        layer_id: i64,
        element: NewElement,
        request_id: &str,
    ) -> Result<EditedElement, Status> {
        let (element, request_id) = (Some(element), request_id.to_owned());
        let request = CreateElementRequest {
            layer_id,
            element,
            request_id,
        };
        let answer = self.elements().create_element(request).await?;
        Ok(answer.into_inner().element.expect("an element"))
    }

    /// Changes an element, whatever its revision is.
    ///
    /// # Errors
    /// What layer-data answers.
    pub async fn change(
        &self,
        layer_id: i64,
        element_id: i64,
        change: ElementChange,
    ) -> Result<EditedElement, Status> {
        let before = EditedElement {
            element_id,
            ..Default::default()
        };
        self.change_expecting(layer_id, before, wire::any_revision(), change)
            .await
    }

    /// Changes an element as it was last seen.
    ///
    /// # Errors
    /// What layer-data answers.
    pub async fn change_as_of(
        &self,
        layer_id: i64,
        seen: EditedElement,
        change: ElementChange,
    ) -> Result<EditedElement, Status> {
        let expected = wire::as_of(&seen);
        self.change_expecting(layer_id, seen, expected, change)
            .await
    }

    async fn change_expecting(
        &self,
        layer_id: i64,
        seen: EditedElement,
        expected: Option<ExpectedRevision>,
        change: ElementChange,
    ) -> Result<EditedElement, Status> {
        let request = UpdateElementRequest {
            layer_id,
            element_id: seen.element_id,
            expected,
            change: Some(change),
            request_id: String::new(),
        };
        let answer = self.elements().update_element(request).await?;
        Ok(answer.into_inner().element.expect("an element"))
    }

    /// Deletes an element, whatever its revision is.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When the answer is empty.
    pub async fn delete(&self, layer_id: i64, element_id: i64) -> Result<EditedElement, Status> {
        let request = DeleteElementRequest {
            layer_id,
            element_id,
            expected: wire::any_revision(),
            request_id: String::new(),
        };
        let answer = self.elements().delete_element(request).await?;
        Ok(answer.into_inner().element.expect("an element"))
    }

    /// Makes many edits in one call, under a request id unless it is empty.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When the answer is empty.
    pub async fn batch(
        &self,
        edits: Vec<Edit>,
        mode: EditMode,
        request_id: &str,
    ) -> Result<Outcome, Status> {
        let request = BatchEditElementsRequest {
            edits,
            mode: mode.into(),
            request_id: request_id.to_owned(),
            validate_only: false,
        };
        let answer = self.elements().batch_edit_elements(request).await?;
        Ok(answer.into_inner().outcome.expect("an outcome"))
    }

    /// Reads one element with everything there is of it; `None` when there is none.
    ///
    /// # Errors
    /// What layer-data answers.
    pub async fn get(&self, layer_id: i64, element_id: i64) -> Result<Option<Element>, Status> {
        let first = GetElementsRequest {
            layer_id,
            element_ids: vec![element_id],
            mask: None,
            ..Default::default()
        };
        let header = self
            .elements()
            .get_elements(first.clone())
            .await?
            .into_inner()
            .header;
        let request = GetElementsRequest {
            mask: Some(everything(header)),
            ..first
        };
        let answer = self.elements().get_elements(request).await?.into_inner();
        Ok(answer.elements.into_iter().next())
    }

    /// How many elements there are.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When the answer is empty or no exact count.
    pub async fn count(&self, layer_id: i64) -> Result<i64, Status> {
        let request = SummarizeElementsRequest {
            layer_id,
            ..SummarizeElementsRequest::default()
        };
        let answer = self.elements().summarize_elements(request).await?;
        match answer.into_inner().count {
            Some(Count::ExactCount(count)) => Ok(count),
            other => panic!("not an exact count: {other:?}"),
        }
    }

    /// Streams the elements in a box around the world, and answers how many came.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When the stream is not what it says of itself.
    pub async fn read(&self, layer_id: i64) -> Result<u64, Status> {
        let selection = Some(everywhere());
        let query = LayerQuery {
            layer_id,
            selection,
            ..LayerQuery::default()
        };
        let request = ReadElementsRequest {
            queries: vec![query],
            partial: false,
        };
        let mut stream = self.elements().read_elements(request).await?.into_inner();
        let (mut found, mut told) = (0, None);
        while let Some(message) = stream.message().await? {
            match message.part.expect("a part") {
                Part::Header(_) => {}
                Part::Batch(batch) => found += batch.elements.len() as u64,
                Part::Trailer(trailer) => told = u64::try_from(trailer.element_count).ok(),
                Part::Error(error) => panic!("an error in place of a status: {error:?}"),
            }
        }
        assert_eq!(told, Some(found), "the trailer counts");
        Ok(found)
    }

    /// Uploads a file in chunks and runs it into a layer.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When an answer is empty, or the summary is missing.
    pub async fn import(
        &self,
        layer_id: i64,
        format: FileFormat,
        file: &[u8],
    ) -> Result<ImportSummary, Status> {
        self.import_under(layer_id, format, file, "").await
    }

    /// Uploads a file in chunks and runs it into a layer, with a request id unless it is empty: a repetition goes on
    /// with the upload unless it was run.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When an answer is empty, or the summary is missing.
    pub async fn import_under(
        &self,
        layer_id: i64,
        format: FileFormat,
        file: &[u8],
        request_id: &str,
    ) -> Result<ImportSummary, Status> {
        let format = format.into();
        let options = Some(ImportOptions {
            format,
            ..ImportOptions::default()
        });
        let request = CreateImportRequest {
            layer_id,
            options,
            request_id: request_id.to_owned(),
        };
        let mut transfer = self.transfer();
        let begun = transfer.create_import(request).await?.into_inner();
        let import_id = begun.import.expect("an import").import_id;
        let mut offset = 0;
        for chunk in file.chunks(1 << 20) {
            let (import_id, data) = (import_id.clone(), chunk.to_vec().into());
            let request = UploadChunkRequest {
                import_id,
                offset,
                data,
            };
            offset = transfer
                .upload_chunk(request)
                .await?
                .into_inner()
                .received_bytes;
        }
        let mut stream = transfer
            .run_import(RunImportRequest { import_id })
            .await?
            .into_inner();
        let mut summary = None;
        while let Some(message) = stream.message().await? {
            if let run_import_response::Event::Summary(told) = message.event.expect("an event") {
                summary = Some(told);
            }
        }
        Ok(summary.expect("a summary at the end"))
    }

    /// Exports the whole layer as `GeoJSON`.
    ///
    /// # Errors
    /// What layer-data answers.
    ///
    /// # Panics
    /// When the summary is missing.
    pub async fn export(&self, layer_id: i64) -> Result<(Vec<u8>, i64), Status> {
        let format = FileFormat::Geojson.into();
        let request = ExportElementsRequest {
            layer_id,
            format,
            ..ExportElementsRequest::default()
        };
        let mut stream = self.transfer().export_elements(request).await?.into_inner();
        let (mut file, mut count) = (Vec::new(), None);
        while let Some(message) = stream.message().await? {
            match message.part.expect("a part") {
                export_elements_response::Part::Data(data) => file.extend_from_slice(&data),
                export_elements_response::Part::Summary(summary) => {
                    count = Some(summary.element_count);
                }
            }
        }
        Ok((file, count.expect("a summary at the end")))
    }
}

/// All of the elements, with their stamps.
fn everything(header: Option<ElementHeader>) -> ElementMask {
    let attributes = header.unwrap_or_default().attributes.into_iter();
    ElementMask {
        geometry: true,
        attributes: attributes
            .map(|attribute| wire::by_name(&attribute.name))
            .collect(),
        stamps: true,
    }
}

/// The world as a box: a read that names one needs *view* alone (R38).
#[must_use]
pub fn everywhere() -> Selection {
    Selection {
        r#box: Some(Box {
            min_x: -180.0,
            min_y: -90.0,
            max_x: 180.0,
            max_y: 90.0,
            epsg: 4326,
        }),
        ..Selection::default()
    }
}
