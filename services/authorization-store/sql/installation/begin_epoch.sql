-- $1 tenure, $2 least epoch, $3 by how much the marks rise
update installation
   set epoch = case when epoch < $2 then $2 else epoch + 1 end,
       principal_mark = principal_mark + $3, project_mark = project_mark + $3,
       layer_mark = layer_mark + $3, service_mark = service_mark + $3, session_mark = session_mark + $3,
       audit_mark = audit_mark + $3
 where tenure = $1
