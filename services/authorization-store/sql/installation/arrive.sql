-- $1 tenure, $2 epoch, $3 revision, $4 to $9 marks
update installation
   set epoch = $2, revision = $3,
       principal_mark = $4, project_mark = $5, layer_mark = $6, service_mark = $7, session_mark = $8,
       audit_mark = $9
 where tenure = $1
   and arriving
