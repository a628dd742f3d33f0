delete from service where service_id = $1
