select epoch, revision, principal_mark, project_mark, layer_mark, service_mark, session_mark,
       audit_mark
  from installation
