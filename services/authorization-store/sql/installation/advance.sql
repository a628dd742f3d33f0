-- $1 tenure, $2 revision before, $3 revision, $4 to $7 marks
update installation
   set revision = $3, principal_mark = $4, project_mark = $5, layer_mark = $6, service_mark = $7
 where tenure = $1
   and revision = $2
