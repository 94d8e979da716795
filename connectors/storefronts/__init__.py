"""The storefronts that Ritorno can be installed on."""
