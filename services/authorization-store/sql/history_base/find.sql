select revision, decided_at, principal_mark, project_mark, layer_mark, service_mark
  from history_base
 where complete
 order by revision desc
 limit 1
