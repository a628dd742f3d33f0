delete from session
