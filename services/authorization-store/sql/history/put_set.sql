insert into change_set
    (revision, decided_at, author_user, author_session, author_service,
     principal_mark, project_mark, layer_mark, service_mark)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
