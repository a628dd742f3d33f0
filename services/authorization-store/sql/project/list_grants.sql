select project_id, principal_id, rights
  from project_grant
 order by project_id, principal_id
