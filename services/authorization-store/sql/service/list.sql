select service_id, name, scopes, revision from service order by service_id
