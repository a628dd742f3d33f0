delete from spent_token where kept_until < $1
