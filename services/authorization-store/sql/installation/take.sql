update installation
   set tenure = tenure + 1
returning installation_id, tenure
