update jmap_catalogue.layer set definition = $2 where layer_id = $1
