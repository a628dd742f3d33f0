-- $1 revision before the first, $2 most sets
select revision, decided_at, author_user, author_session, author_service,
       principal_mark, project_mark, layer_mark, service_mark
  from change_set
 where revision > $1
 order by revision
 limit $2
