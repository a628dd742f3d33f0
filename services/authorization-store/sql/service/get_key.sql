select hash from service_key where service_id = $1
