-- $1 installation id, $2 whether a move into the database begins
insert into installation
    (singleton, installation_id, epoch, tenure, revision,
     principal_mark, project_mark, layer_mark, service_mark, session_mark, arriving)
values (1, $1, 1, 0, 0, 4, 0, 0, 0, 0, $2)
on conflict (singleton) do nothing
