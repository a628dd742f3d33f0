//! Transfers: files in, files out, and what is staged meanwhile.

use jmap_domain::{DenyReason, Permission};
use jmap_proto::layerdata::{
    AbandonImportRequest, CreateImportRequest, CreateImportResponse, EditMode,
    ExportElementsRequest, FileFormat, GetImportRequest, ImportElementsRequest, ImportOptions,
    NewElement, RunImportRequest, SummarizeElementsRequest, UploadChunkRequest,
    export_elements_response::Part, run_import_response::Event, summarize_elements_response::Count,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::fixture::{LAYER, Service, new_element, refusal, refused};

const CSV: &str =
    "longitude,latitude,name,size,colour\n1,2,a,5,red\n3,4,b,500,red\nfive,6,c,7,red\n7,8,d,,red\n";

fn options(mode: EditMode) -> ImportOptions {
    ImportOptions {
        format: FileFormat::Csv.into(),
        mode: mode.into(),
        ..Default::default()
    }
}

fn create(options: ImportOptions) -> CreateImportRequest {
    CreateImportRequest {
        layer_id: LAYER,
        options: Some(options),
        request_id: String::new(),
    }
}

fn chunk(import_id: &str, offset: i64, data: &[u8]) -> UploadChunkRequest {
    UploadChunkRequest {
        import_id: import_id.to_owned(),
        offset,
        data: data.to_vec().into(),
    }
}

async fn upload(service: &Service, mode: EditMode, file: &str) -> String {
    let mut transfers = service.transfers();
    let created = transfers
        .create_import(create(options(mode)))
        .await
        .unwrap()
        .into_inner();
    let id = created.import.unwrap().import_id;
    // In two chunks, the second of which comes twice.
    let (head, tail) = file.as_bytes().split_at(file.len() / 2);
    let middle = i64::try_from(head.len()).unwrap();
    transfers.upload_chunk(chunk(&id, 0, head)).await.unwrap();
    transfers
        .upload_chunk(chunk(&id, middle, tail))
        .await
        .unwrap();
    let received = transfers
        .upload_chunk(chunk(&id, middle, tail))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(received.received_bytes, i64::try_from(file.len()).unwrap());
    id
}

async fn run(service: &Service, import_id: &str) -> Result<Vec<Event>, tonic::Status> {
    let request = RunImportRequest {
        import_id: import_id.to_owned(),
    };
    let mut stream = service.transfers().run_import(request).await?.into_inner();
    let mut events = Vec::new();
    while let Some(message) = stream.message().await? {
        events.push(message.event.unwrap());
    }
    Ok(events)
}

async fn count(service: &Service) -> i64 {
    let request = SummarizeElementsRequest {
        layer_id: LAYER,
        ..Default::default()
    };
    let answer = service
        .elements()
        .summarize_elements(request)
        .await
        .unwrap()
        .into_inner();
    let Some(Count::ExactCount(count)) = answer.count else {
        panic!("{answer:?}")
    };
    count
}

#[tokio::test]
async fn good_rows_are_taken_and_bad_ones_told() {
    // R105.
    let service = Service::start().await;
    let id = upload(&service, EditMode::Unspecified, CSV).await;
    let events = run(&service, &id).await.unwrap();
    let rows: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::RowError(error) => {
                Some((error.row, error.error.as_ref().unwrap().reason.clone()))
            }
            Event::Progress(_) | Event::Summary(_) => None,
        })
        .collect();
    assert_eq!(
        rows,
        [
            (3, "INVALID_FILE".to_owned()),
            (2, "INVALID_ATTRIBUTE".to_owned())
        ]
    );
    let Some(Event::Summary(summary)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((summary.created_elements, summary.failed_rows), (2, 2));
    assert_eq!(summary.ignored_columns, ["colour"]);
    assert_eq!(count(&service).await, 2);
    // Run once is run for good.
    assert_eq!(
        refused(run(&service, &id).await),
        refusal(Code::NotFound, "NOT_FOUND", "")
    );
}

#[tokio::test]
async fn one_bad_row_refuses_the_file_when_asked_to() {
    // R109.
    let service = Service::start().await;
    let id = upload(&service, EditMode::Atomic, CSV).await;
    let events = run(&service, &id).await.unwrap();
    let Some(Event::Summary(summary)) = events.last() else {
        panic!("{events:?}")
    };
    assert_eq!((summary.created_elements, summary.failed_rows), (0, 2));
    assert_eq!(count(&service).await, 0);
    let good = "longitude,latitude,name\n1,2,a\n3,4,b\n";
    let id = upload(&service, EditMode::Atomic, good).await;
    run(&service, &id).await.unwrap();
    assert_eq!(count(&service).await, 2);
}

#[tokio::test]
async fn a_broken_file_is_refused() {
    let service = Service::start().await;
    let id = upload(&service, EditMode::Partial, "name,size\na,1\n").await;
    let answer = run(&service, &id).await;
    assert_eq!(
        refused(answer),
        refusal(Code::InvalidArgument, "INVALID_FILE", "")
    );
}

#[tokio::test]
async fn uploads_have_no_gaps_and_a_limit() {
    // R120.
    let service = Service::start().await;
    let mut transfers = service.transfers();
    let created = transfers
        .create_import(create(options(EditMode::Partial)))
        .await
        .unwrap();
    let id = created.into_inner().import.unwrap().import_id;
    let invalid = |field| refusal(Code::InvalidArgument, "INVALID_FIELD", field);
    let too_large = refusal(Code::ResourceExhausted, "TOO_LARGE", "");
    let mebibyte = vec![b'a'; 1 << 20];
    let cases = [
        (chunk(&id, 1, b"x"), invalid("offset")),
        (chunk(&id, -1, b"x"), invalid("offset")),
        (chunk(&id, 0, b""), invalid("data")),
        (chunk(&id, 0, &vec![0; (1 << 20) + 1]), too_large.clone()),
        (
            chunk("nonsense", 0, b"x"),
            refusal(Code::NotFound, "NOT_FOUND", ""),
        ),
    ];
    for (request, expected) in cases {
        assert_eq!(refused(transfers.upload_chunk(request).await), expected);
    }
    for offset in [0, 1 << 20] {
        transfers
            .upload_chunk(chunk(&id, offset, &mebibyte))
            .await
            .unwrap();
    }
    let beyond = transfers.upload_chunk(chunk(&id, 2 << 20, b"x")).await;
    assert_eq!(refused(beyond), too_large);
}

#[tokio::test]
async fn anothers_upload_does_not_exist() {
    // R40.
    let service = Service::start().await;
    let id = upload(&service, EditMode::Partial, CSV).await;
    let mut stranger = service.transfers_as(11);
    let absent = refusal(Code::NotFound, "NOT_FOUND", "");
    let get = || GetImportRequest {
        import_id: id.clone(),
    };
    let abandon = || AbandonImportRequest {
        import_id: id.clone(),
    };
    assert_eq!(refused(stranger.get_import(get()).await), absent);
    assert_eq!(refused(stranger.abandon_import(abandon()).await), absent);
    assert_eq!(
        refused(stranger.upload_chunk(chunk(&id, 0, b"x")).await),
        absent
    );
    assert!(service.transfers().get_import(get()).await.is_ok());
    service.transfers().abandon_import(abandon()).await.unwrap();
    assert_eq!(refused(service.transfers().get_import(get()).await), absent);
}

fn retried(options: ImportOptions) -> CreateImportRequest {
    CreateImportRequest {
        request_id: "00112233-4455-6677-8899-aabbccddeeff".to_owned(),
        ..create(options)
    }
}

fn import_id(answer: tonic::Response<CreateImportResponse>) -> String {
    answer.into_inner().import.unwrap().import_id
}

#[tokio::test]
async fn a_retried_upload_is_begun_once_and_its_id_is_for_no_other() {
    // R109.
    let service = Service::start().await;
    let mut transfers = service.transfers();
    let request = || retried(options(EditMode::Partial));
    let first = import_id(transfers.create_import(request()).await.unwrap());
    for _ in 0..4 {
        let again = transfers.create_import(request()).await.unwrap();
        assert_eq!(import_id(again), first);
    }
    let otherwise = retried(options(EditMode::Atomic));
    assert_eq!(
        refused(transfers.create_import(otherwise).await),
        refusal(Code::FailedPrecondition, "REQUEST_ID_REUSED", "")
    );
    let strangers = service.transfers_as(11).create_import(request()).await;
    assert_ne!(import_id(strangers.unwrap()), first);
}

#[tokio::test]
async fn a_request_id_leads_nobody_to_an_anonymous_upload() {
    // R118.
    let service = Service::start().await;
    let mut nobody = service.transfers_of_nobody();
    let request = || retried(options(EditMode::Partial));
    let first = import_id(nobody.create_import(request()).await.unwrap());
    let second = import_id(nobody.create_import(request()).await.unwrap());
    assert_ne!(first, second);
}

#[tokio::test]
async fn nobody_takes_all_places_of_uploads() {
    // R120.
    let service = Service::start().await;
    let begin = async |user| {
        let request = create(options(EditMode::Partial));
        service.transfers_as(user).create_import(request).await
    };
    let overloaded = refusal(Code::ResourceExhausted, "OVERLOADED", "");
    for _ in 0..4 {
        begin(10).await.unwrap();
    }
    let one_too_many = begin(10).await;
    assert!(
        one_too_many
            .as_ref()
            .is_err_and(|status| status.get_details_retry_info().is_some())
    );
    assert_eq!(refused(one_too_many), overloaded);
    for _ in 0..2 {
        begin(11).await.unwrap();
    }
    assert_eq!(refused(begin(12).await), overloaded);
}

#[tokio::test]
async fn options_are_checked_and_what_is_not_built_is_said_so() {
    // R120.
    let service = Service::start().await;
    let invalid = |field| refusal(Code::InvalidArgument, "INVALID_FIELD", field);
    let good = || options(EditMode::Partial);
    let cases = [
        (
            ImportOptions {
                format: 0,
                ..good()
            },
            invalid("options.format"),
        ),
        (
            ImportOptions {
                format: 99,
                ..good()
            },
            invalid("options.format"),
        ),
        (
            ImportOptions {
                format: FileFormat::Shapefile.into(),
                ..good()
            },
            refusal(Code::Unimplemented, "NOT_BUILT", "options.format"),
        ),
        (
            ImportOptions {
                epsg: 999_999,
                ..good()
            },
            invalid("options.epsg"),
        ),
        (
            ImportOptions {
                x_column: "x".to_owned(),
                ..good()
            },
            invalid("options.y_column"),
        ),
        (ImportOptions { mode: 9, ..good() }, invalid("options.mode")),
    ];
    for (options, expected) in cases {
        let answer = service
            .transfers()
            .create_import(create(options.clone()))
            .await;
        assert_eq!(refused(answer), expected, "{options:?}");
    }
    let nothing = CreateImportRequest {
        options: None,
        ..create(good())
    };
    assert_eq!(
        refused(service.transfers().create_import(nothing).await),
        invalid("options")
    );
}

#[tokio::test]
async fn importing_needs_the_right_to_add_and_exporting_the_right_to_copy() {
    // R38, R83.
    let service = Service::start().await;
    service
        .house
        .deny(Permission::AddElements, DenyReason::EditingDisabled);
    let answer = service
        .transfers()
        .create_import(create(options(EditMode::Partial)))
        .await;
    assert_eq!(
        refused(answer),
        refusal(Code::FailedPrecondition, "EDITING_DISABLED", "")
    );
    service
        .house
        .deny(Permission::CopyExport, DenyReason::NoGrant);
    let answer = service
        .transfers()
        .export_elements(export(FileFormat::Csv))
        .await;
    assert_eq!(
        refused(answer),
        refusal(Code::PermissionDenied, "NOT_PERMITTED", "")
    );
}

fn export(format: FileFormat) -> ExportElementsRequest {
    ExportElementsRequest {
        layer_id: LAYER,
        format: format.into(),
        ..Default::default()
    }
}

#[tokio::test]
async fn an_export_is_a_file_and_a_summary() {
    let service = Service::start().await;
    service.create(1.5, "a").await;
    service.create(2.5, "b").await;
    let stream = service
        .transfers()
        .export_elements(export(FileFormat::Geojson))
        .await;
    let mut stream = stream.unwrap().into_inner();
    let (mut file, mut summary) = (Vec::new(), None);
    while let Some(message) = stream.message().await.unwrap() {
        match message.part.unwrap() {
            Part::Data(data) => file.extend_from_slice(&data),
            Part::Summary(end) => summary = Some(end.element_count),
        }
    }
    assert_eq!(summary, Some(2));
    let file = String::from_utf8(file).unwrap();
    assert!(
        file.contains("FeatureCollection") && file.contains("\"b\""),
        "{file}"
    );
}

#[tokio::test]
async fn programs_send_elements_and_learn_which_were_not_taken() {
    let service = Service::start().await;
    let message = |elements| ImportElementsRequest {
        layer_id: LAYER,
        elements,
    };
    let messages = vec![
        message(vec![new_element(1.0, "a"), NewElement::default()]),
        message(vec![new_element(200.0, "b"), new_element(3.0, "c")]),
    ];
    let answer = service
        .transfers()
        .import_elements(tokio_stream::iter(messages))
        .await;
    let answer = answer.unwrap().into_inner();
    assert_eq!(answer.summary.unwrap().created_elements, 2);
    let rows: Vec<_> = answer.row_errors.iter().map(|error| error.row).collect();
    assert_eq!(rows, [2, 3]);
    let nothing = service
        .transfers()
        .import_elements(tokio_stream::iter(vec![]))
        .await;
    assert_eq!(
        refused(nothing),
        refusal(Code::InvalidArgument, "INVALID_FIELD", "layer_id")
    );
}
