-- $1 tenure
update installation
   set arriving = false
 where tenure = $1
