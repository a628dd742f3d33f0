select tenure, installation_id from installation
