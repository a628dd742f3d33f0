-- $1 installation id
insert into installation
    (singleton, installation_id, epoch, tenure, revision,
     principal_mark, project_mark, layer_mark, service_mark, session_mark)
values (1, $1, 1, 0, 0, 4, 0, 0, 0, 0)
on conflict (singleton) do nothing
