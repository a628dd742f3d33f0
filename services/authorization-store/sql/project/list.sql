select project_id, name, description, position, revision, grants_revision
  from project
 order by project_id
