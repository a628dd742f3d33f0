delete from _jmap_request where create_time < ?1
