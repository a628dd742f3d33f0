update installation
   set tenure = tenure + 1
returning tenure, installation_id
