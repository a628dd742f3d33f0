-- $1 tenure, $2 session id (0: none)
update installation
   set session_mark = case when session_mark < $2 then $2 else session_mark end
 where tenure = $1
