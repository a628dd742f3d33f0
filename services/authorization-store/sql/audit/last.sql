select audit_mark from installation
