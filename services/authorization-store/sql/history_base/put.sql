insert into history_base
    (revision, decided_at, principal_mark, project_mark, layer_mark, service_mark, complete)
values ($1, $2, $3, $4, $5, $6, $7)
