"""Who somebody is: registration, login, sessions, second factors, keys."""
