select principal_id, permissions from global_grant order by principal_id
