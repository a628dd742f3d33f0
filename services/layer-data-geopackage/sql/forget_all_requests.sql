delete from _jmap_request
