-- History never begins earlier again.
update jmap_catalogue.layer set history_from = $2, history_since = $3 where layer_id = $1 and history_from < $2
