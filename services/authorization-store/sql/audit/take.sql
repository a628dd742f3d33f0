-- $1 tenure, $2 how many numbers
update installation
   set audit_mark = audit_mark + $2
 where tenure = $1
