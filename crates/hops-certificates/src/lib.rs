//! Certificates of hosts: by ACME, or from files.
